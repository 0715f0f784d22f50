"""The files of a Looker project, by their paths."""

from __future__ import annotations

from ai_usage.looker.dashboards import DASHBOARDS, dashboard_text
from ai_usage.looker.declared import EXPLORED, MINIMUM_PEOPLE, SEES_MONEY, SEES_PEOPLE, Explored
from ai_usage.looker.lookml import Block, text
from ai_usage.looker.views import view_blocks
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.views import view_schema

_LAST_RUN = """
    SELECT STRING_AGG(DISTINCT pipeline_run_id, ',' ORDER BY pipeline_run_id)
    FROM `@{DATASET}.loaded_days`
    WHERE day = (SELECT MAX(day) FROM `@{DATASET}.loaded_days`)"""
"""Who wrote the newest day: every run does, so the answer changes with each."""


def looker_files() -> dict[str, str]:
    """The text of every file, by its path within the project."""
    found = {"manifest.lkml": _manifest(), "ai_usage.model.lkml": _model()}
    for relation, block in view_blocks().items():
        found[f"views/{relation}.view.lkml"] = text([], [block])
    for dashboard in DASHBOARDS:
        found[f"dashboards/{dashboard.name}.dashboard.lookml"] = dashboard_text(dashboard)
    return found


def _manifest() -> str:
    constants = [
        ("CONNECTION", "ai_usage", "The connection to BigQuery in Looker."),
        ("DATASET", "ai_usage", "The dataset, with its project where it is another's."),
        ("MINIMUM_PEOPLE", str(MINIMUM_PEOPLE), "People below whom a measure shows nothing."),
    ]
    blocks = [
        Block("constant", name).set(value=value, export="override_optional")
        for name, value, _ in constants
    ]
    return text([("project_name", "ai_usage")], blocks)


def _model() -> str:
    parameters: list[tuple[str, str | list[str]]] = [
        ("connection", "@{CONNECTION}"),
        ("include", "/views/*.view.lkml"),
        ("include", "/dashboards/*.dashboard.lookml"),
        ("persist_with", "last_run"),
    ]
    last_run = Block("datagroup", "last_run").set(sql_trigger=_LAST_RUN, max_cache_age="24 hours")
    grants = [
        Block("access_grant", name).set(user_attribute="ai_usage_role", allowed_values=roles)
        for name, roles in (
            (SEES_MONEY, ["finance", "executive", "admin"]),
            (SEES_PEOPLE, ["admin"]),
        )
    ]
    return text(parameters, [last_run, *grants, *(_explore(one) for one in EXPLORED)])


def _explore(one: Explored) -> Block:
    name, attribute = one.filtered
    kind = relations()[one.relation]
    meaning = (view_schema if kind == "view" else table_schema)(one.relation).description
    explore = Block("explore", one.relation).set(
        label=one.label, description=meaning, sql_always_where=_always(one)
    )
    field = name if "." in name else f"{one.relation}.{name}"
    explore.blocks.append(Block("access_filter").set(field=field, user_attribute=attribute))
    for join in one.joins:
        explore.blocks.append(
            Block("join", join.relation).set(
                type="left_outer",
                relationship="many_to_one",
                sql_on=_of(one, join.on),
            )
        )
    return explore


def _of(one: Explored, sql: str) -> str:
    """SQL about a relation, with its name."""
    return sql.replace("${view.", f"${{{one.relation}.")


def _always(one: Explored) -> str | None:
    """What bounds every question: a condition, and the days of a table that asks for them."""
    if one.day is None:
        return _of(one, one.always) if one.always else None
    since = "TIMESTAMP(DATE_SUB(CURRENT_DATE(), INTERVAL 13 MONTH), 'UTC')"
    return f"{one.relation}.{one.day} >= {since}"
