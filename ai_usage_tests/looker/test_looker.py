"""Looker's files: read by another parser, complete, bounded for every viewer, and as committed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lkml
import pytest
import sqlglot
import yaml
from rich.console import Console

from ai_usage.cli.looker import write_looker
from ai_usage.errors import AiUsageError
from ai_usage.looker.declared import EXPLORED, JOINED, PERSON_COLUMNS
from ai_usage.looker.files import looker_files
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import published_views, view_schema
from ai_usage_tests.cli.support import ROOT

FILES = looker_files()
MODEL: dict[str, Any] = lkml.load(FILES["ai_usage.model.lkml"])
VIEWS: dict[str, dict[str, Any]] = {
    view["name"]: view
    for name, text in FILES.items()
    if name.startswith("views/")
    for view in lkml.load(text)["views"]
}
DASHBOARDS: list[dict[str, Any]] = [
    dashboard
    for name, text in FILES.items()
    if name.startswith("dashboards/")
    for dashboard in yaml.safe_load(text)
]
FIELDS = ("dimensions", "dimension_groups", "measures")


def fields(view: str) -> Iterator[dict[str, Any]]:
    for kind in FIELDS:
        yield from VIEWS[view].get(kind, [])


def names(view: str) -> set[str]:
    """The fields of a view as a question names them."""
    found = {field["name"] for field in fields(view)}
    for group in VIEWS[view].get("dimension_groups", []):
        found |= {f"{group['name']}_{frame}" for frame in group["timeframes"]}
    return found


def test_the_committed_files_are_those_that_the_sql_gives() -> None:
    folder = ROOT / "looker"
    committed = {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.name != "README.md"
    }
    assert committed == FILES, "run `ai-usage looker`"


def test_every_published_view_and_both_facts_can_be_explored() -> None:
    explored = {explore["name"] for explore in MODEL["explores"]}
    assert explored == {*published_views(), "fact_ai_costs", "fact_ai_usage"}
    assert set(VIEWS) == explored | set(JOINED)


def test_every_explore_has_one_access_filter_over_a_field_that_is_there() -> None:
    filters = [explore["access_filters"] for explore in MODEL["explores"]]
    assert [len(own) for own in filters] == [1] * len(EXPLORED)
    for (one,) in filters:
        view, name = one["field"].split(".")
        assert name in names(view), one["field"]
        assert one["user_attribute"].startswith("ai_usage_")


def test_every_join_says_its_relationship_and_names_fields_that_are_there() -> None:
    joins = [(e["name"], join) for e in MODEL["explores"] for join in e.get("joins", [])]
    assert len(joins) == sum(len(one.joins) for one in EXPLORED) == 11
    for explore, join in joins:
        assert join["relationship"] == "many_to_one", f"{explore} {join['name']}"
        for view, name in re.findall(r"\$\{(\w+)\.(\w+)\}", join["sql_on"]):
            assert view in (explore, join["name"])
            assert name in names(view)


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_a_view_has_one_key_and_describes_each_field_as_the_ddl_does(view: str) -> None:
    keys = [field for field in fields(view) if field.get("primary_key") == "yes"]
    assert len(keys) == 1
    declared = (
        dict(view_schema(view).columns)
        if relations()[view] == "view"
        else {column.name: column.description for column in table_schema(view).columns}
    )
    for field in fields(view):
        assert field["description"], field["name"]
    for kind in ("dimensions", "dimension_groups"):
        for field in VIEWS[view].get(kind, []):
            if field["name"] in declared:
                assert field["description"] == declared[field["name"]].replace('"', '\\"')
    shown = {field["name"] for field in fields(view)}
    assert (set(JOINED[view]) if view in JOINED else set(declared)) <= shown


@pytest.mark.parametrize("one", EXPLORED, ids=lambda one: one.relation)
def test_a_measure_of_peoples_rows_shows_nothing_of_few_unless_it_is_money_for_who_may(
    one: Any,
) -> None:
    for measure in VIEWS[one.relation].get("measures", []):
        assert measure["value_format_name"] in ("usd", "decimal_0", "percent_1")
        guarded = re.match(r"CASE WHEN (.+) >= @\{MINIMUM_PEOPLE\} THEN .+ END$", measure["sql"])
        if one.people is None:
            assert not guarded
        elif guarded:
            assert guarded[1] == one.people
        else:
            assert measure["required_access_grants"] == ["sees_money"], measure["name"]
            assert measure["name"].startswith("exact_")
            assert measure["value_format_name"] == "usd", "what people do is nobody's to see"


def test_what_names_a_person_or_is_one_persons_number_is_behind_a_grant() -> None:
    for one in EXPLORED:
        for kind in ("dimensions", "dimension_groups"):
            for field in VIEWS[one.relation].get(kind, []):
                of_one = field.get("type") == "number" and not field["name"].endswith("_sk")
                if field["name"] in PERSON_COLUMNS or (of_one and one.people is not None):
                    assert field["required_access_grants"] == ["sees_people"], field["name"]
    for name in ("user_email", "full_name"):
        (field,) = [f for f in fields("dim_users") if f["name"] == name]
        assert field["required_access_grants"] == ["sees_people"]
    grants = {grant["name"]: grant for grant in MODEL["access_grants"]}
    assert set(grants) == {"sees_money", "sees_people"}
    assert "admin" in grants["sees_people"]["allowed_values"]


def test_every_column_with_a_persons_address_is_known_as_one() -> None:
    for view in VIEWS:
        for field in fields(view):
            if re.search(r"(^|_)(email|full_name)$", field["name"]):
                assert field["name"] in PERSON_COLUMNS


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_the_sql_of_every_field_is_bigquerys(view: str) -> None:
    for field in fields(view):
        sql = field["sql"].replace("${TABLE}", "t").replace("@{MINIMUM_PEOPLE}", "5")
        sql = re.sub(r"\$\{(\w+)\.(\w+)\}", r"\1.\2", sql)
        sqlglot.parse_one(f"SELECT {sql} FROM t, dim_users", read="bigquery")


def test_caches_are_emptied_when_a_run_has_written_the_newest_day() -> None:
    (group,) = MODEL["datagroups"]
    assert MODEL["persist_with"] == group["name"] == "last_run"
    assert "pipeline_run_id" in group["sql_trigger"]
    sqlglot.parse_one(group["sql_trigger"].replace("@{DATASET}", "d"), read="bigquery")


def test_the_three_dashboards_ask_for_fields_that_are_there() -> None:
    assert [d["dashboard"] for d in DASHBOARDS] == ["company", "spend", "adoption"]
    explored = {explore["name"] for explore in MODEL["explores"]}
    for dashboard in DASHBOARDS:
        assert len({tile["title"] for tile in dashboard["elements"]}) == 4
        for tile in dashboard["elements"]:
            assert tile["model"] == "ai_usage"
            assert tile["explore"] in explored
            for field in [*tile["fields"], *tile["sorts"], *tile.get("pivots", [])]:
                view, name = field.split(".")
                assert (view, name in names(view)) == (tile["explore"], True), field


def test_the_command_writes_them_and_removes_what_is_no_more(tmp_path: Path) -> None:
    old = tmp_path / "views" / "vw_old.view.lkml"
    old.parent.mkdir()
    old.write_text("view: vw_old {}")
    mine = tmp_path / "mine.explore.lkml"
    mine.write_text("explore: mine {}")
    write_looker(Console(quiet=True), tmp_path)
    written = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert written == {*FILES, "mine.explore.lkml"}
    with pytest.raises(AiUsageError, match="cannot be written"):
        write_looker(Console(quiet=True), mine)
