"""The benchmark's stopwatch: every second belongs to one stage, and all of them to the whole."""

from __future__ import annotations

from collections.abc import Iterator

from ai_usage.instance.progress import Step
from benchmarks.stopwatch import BETWEEN, Spent, Stopwatch, median_of


def test_steps_that_overlap_or_are_skipped_count_once() -> None:
    """By hand, an event a second: the second fetch begins within the first, a check is skipped."""
    seconds: Iterator[int] = iter(range(100))
    watch = Stopwatch(lambda: Spent((tick := next(seconds)) / 2, tick))
    for name, state in (
        ("source_cursor_usage_events", "started"),
        ("source_cursor_usage_events", "fetching"),
        ("source_cursor_daily_usage", "started"),
        ("source_cursor_usage_events", "done"),
        ("source_cursor_daily_usage", "done"),
        ("vw_platform_costs_latency", "skipped"),
        ("vw_platform_costs", "started"),
        ("vw_platform_costs", "done"),
    ):
        watch.step(Step(name, state))
    watch.lap()
    assert {stage: spent.wall for stage, spent in watch.stages.items()} == {
        BETWEEN: 1 + 1 + 1 + 1,
        "fetch (sources)": 4,
        "views": 1,
    }
    whole = sum(watch.stages.values(), Spent())
    assert whole == Spent(4.5, 9)


def test_a_median_is_of_each_clock_by_itself() -> None:
    done: list[int] = []
    spent = median_of(3, lambda: done.append(sum(range(1000))))
    assert len(done) == 3
    assert spent.cpu >= 0
    assert spent.wall > 0
