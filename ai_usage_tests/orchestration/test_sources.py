"""Which days a source asks for: the run's own, and in closed months those of the look-back."""

from __future__ import annotations

from datetime import date

from ai_usage.days.windows import Window
from ai_usage.orchestration.assets.sources import SourceConfig

OPEN = Window(date(2026, 3, 1), date(2026, 3, 4))


def test_days_are_asked_again_from_the_given_one_on_and_others_only_if_not_held() -> None:
    windows = list(SourceConfig(refetch_since="2026-03-03").windows(OPEN))
    assert windows == [
        (Window(date(2026, 3, 1), date(2026, 3, 3)), False),
        (Window(date(2026, 3, 3), date(2026, 3, 4)), True),
    ]
    assert list(SourceConfig().windows(OPEN)) == [(OPEN, False)]


def test_days_before_the_runs_own_are_asked_only_where_it_reaches_back() -> None:
    """A look-back into a closed month: it stands still, and it must be seen if it is restated."""
    assert list(SourceConfig(refetch_since="2026-02-26").windows(OPEN)) == [(OPEN, True)]
    reaching = SourceConfig(refetch_since="2026-02-26", reach_back=True)
    assert list(reaching.windows(OPEN)) == [(Window(date(2026, 2, 26), OPEN.end), True)]
