"""`ai-usage lineage`: a column's way, as far as raw columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from ai_usage.cli.lineage import ways
from ai_usage.errors import AiUsageError
from ai_usage.warehouse.lineage import columns_of, sources_of
from ai_usage.warehouse.relations import layer_of
from ai_usage.warehouse.views import published_views
from ai_usage_tests.cli.support import Place


def steps(lines: list[str]) -> list[tuple[int, str]]:
    """How deep each line stands, and the column that it names."""
    return [
        ((len(line) - len(line.lstrip())) // 2, line.strip().partition("  ")[0]) for line in lines
    ]


def test_a_dollar_of_the_dashboard_goes_down_to_what_the_vendor_billed() -> None:
    lines = list(ways("vw_executive_dashboard.total_monthly_cost"))
    found = steps(lines)
    assert found[0] == (0, "vw_executive_dashboard.total_monthly_cost")
    names = {name for _, name in found}
    assert "raw_ai_events.cost_usd" in names
    assert "fact_ai_costs.total_cost_usd" in names


@pytest.mark.parametrize("view", published_views())
def test_every_line_stands_below_what_is_computed_from_it_and_ends_in_a_base_table(
    view: str,
) -> None:
    lines = list(ways(view))
    path: list[str] = []
    for number, (depth, name) in enumerate(steps(lines)):
        assert depth <= len(path)
        path = [*path[:depth], name]
        if depth:
            relation, _, column = path[depth - 1].partition(".")
            assert tuple(name.split(".")) in sources_of(relation)[column]
        following = steps(lines)[number + 1 : number + 2]
        is_end = not following or following[0][0] <= depth
        relation, _, column = name.partition(".")
        said = lines[number].strip().removeprefix(name)
        if is_end and not said:
            assert layer_of(relation) is None, name
    assert [name for depth, name in steps(lines) if not depth] == [
        f"{view}.{column}" for column in columns_of(view)
    ]


def test_what_stands_above_is_not_repeated() -> None:
    lines = list(ways("vw_executive_dashboard"))
    computed = [line.strip() for line in lines if "(" not in line]
    above = [name for name in computed if layer_of(name.partition(".")[0]) is not None]
    assert len(above) == len(set(above))


def test_a_column_that_the_run_fills_has_no_source() -> None:
    (line,) = ways("fact_ai_usage.pipeline_run_id")
    assert line.endswith("(no column: a constant, a count of rows, or the run)")
    assert list(ways("dim_users.user_email")) == ["dim_users.user_email"]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("vw_executive_dashbord.month", "did you mean vw_executive_dashboard?"),
        ("nothing", "there is no table or view nothing: `ai-usage tables` lists them."),
        ("fact_ai_usage.total_tokns", "fact_ai_usage has no column total_tokns: did you mean"),
        ("fact_ai_usage.q", "`ai-usage tables fact_ai_usage` lists them."),
        ("", "there is no table or view"),
    ],
)
def test_an_unknown_name_is_said_with_the_nearest_one(name: str, says: str) -> None:
    with pytest.raises(AiUsageError) as refused:
        list(ways(name))
    assert says in str(refused.value)


@pytest.mark.slow
def test_the_command_prints_the_tree(tmp_path: Path) -> None:
    done = Place(tmp_path).call("lineage", "vw_executive_dashboard.total_monthly_cost")
    assert done.code == 0, done.err
    assert done.out.splitlines() == list(ways("vw_executive_dashboard.total_monthly_cost"))
