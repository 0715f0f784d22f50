"""Checks written in SQL (`sql/checks/`): a query of failing rows, each with its `day`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from ai_usage.days.windows import Window
from ai_usage.focus.events import FOCUS
from ai_usage.orchestration.checks.bills import due_now
from ai_usage.orchestration.checks.factory import table_check
from ai_usage.orchestration.resources import Resources
from ai_usage.quality.outcome import MAX_FAILURE_CASES, Outcome, Validation
from ai_usage.settings import Settings
from ai_usage.text.masking import mask_text
from ai_usage.vendors.base import Vendor
from ai_usage.warehouse.base import Parameter, Query
from ai_usage.warehouse.files import load
from ai_usage.warehouse.sql import references

_ERROR, _WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN

COMPLETENESS = "completeness"

MOST_SUBJECTS = 20
_SUBJECT_LENGTH = 120


def sql_check(
    table: str,
    name: str,
    description: str,
    *,
    severity: dg.AssetCheckSeverity,
    blocking: bool = False,
    partitions: dg.PartitionsDefinition[str],
    parameters: Mapping[str, Parameter] | None = None,
) -> dg.AssetChecksDefinition:
    """The check `sql/checks/<name>.sql` of a table: it passes where the query gives no row.

    An error says that something is wrong, whether or not what is downstream waits for it.
    """

    def evaluate(given: Resources, window: Window | None) -> Validation:
        if window is None:
            raise ValueError(f"{name} checks days, but the run has none")
        warehouse = given.warehouse
        bound = {"start": window.start, "end": window.end, **(parameters or {})}
        failing = load("checks", name)
        counts = warehouse.rows(
            Query(f"SELECT day, COUNT(*) AS n FROM ({failing}) AS failing GROUP BY 1", bound)
        )
        by_day = {row["day"]: Outcome({name: row["n"]}) for row in counts}
        whole = Outcome()
        if by_day:
            whole.failures[name] = sum(day.failures[name] for day in by_day.values())
            sample = Query(f"SELECT * FROM ({failing}) AS f LIMIT {MAX_FAILURE_CASES}", bound)
            whole.sample = list(warehouse.rows(sample))
        return Validation(whole, by_day)

    return table_check(
        table,
        name,
        description,
        evaluate,
        severity=severity,
        blocking=blocking,
        partitions=partitions,
        reads=references(load("checks", name)),
    )


def subject_check(
    table: str,
    name: str,
    description: str,
    parameters: Callable[[Window, date], Mapping[str, Parameter]],
    subject: Callable[[Mapping[str, Any]], str],
    partitions: dg.PartitionsDefinition[str],
    *,
    severity: dg.AssetCheckSeverity = _WARN,
    count: Callable[[Mapping[str, Any]], int] = lambda row: 1,
    shown: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict,
    says: Callable[[Mapping[str, Any]], str] | None = None,
) -> dg.AssetChecksDefinition:
    """The check `sql/checks/<name>.sql`: one row per day and subject that breaks the promise.

    The subject names the failure, so that a second person above the budget is news though the
    first one still is. A row counts as what `count` gives, and `shown` makes the example of it;
    `says` tells it in plain words. It blocks nothing, whatever its severity. `parameters` are told
    the run's days and today.
    """

    def evaluate(given: Resources, window: Window | None) -> Validation:
        if window is None:
            raise ValueError(f"{name} checks days, but the run has none")
        warehouse = given.warehouse
        asked = parameters(window, given.clock.today)
        bound = {"start": window.start, "end": window.end, **asked}
        rows = list(warehouse.rows(Query(load("checks", name), bound)))
        whole = Outcome()
        by_day: dict[date, Outcome] = {}
        for row in sorted(rows, key=lambda row: (row["day"], subject(row))):
            told = told_apart(subject(row))
            if told not in whole.failures and len(whole.failures) >= MOST_SUBJECTS:
                told = "others"
            for outcome in (whole, by_day.setdefault(row["day"], Outcome())):
                outcome.failures[told] = outcome.failures.get(told, 0) + count(row)
                if says is not None:
                    outcome.details.setdefault(told, says(row))
                if len(outcome.sample) < MAX_FAILURE_CASES:
                    outcome.sample.append(dict(shown(row)))
        return Validation(whole, by_day)

    return table_check(
        table,
        name,
        description,
        evaluate,
        severity=severity,
        blocking=False,
        partitions=partitions,
        needs={"clock"},
        reads=references(load("checks", name)),
    )


def told_apart(subject: str) -> str:
    """A subject without its address; two people whose masked addresses agree stay two."""
    shown = mask_text(subject)[:_SUBJECT_LENGTH]
    if shown == subject:
        return subject
    return f"{shown} #{hashlib.sha256(subject.encode()).hexdigest()[:6]}"


def fact_checks(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetChecksDefinition]:
    """What must hold between raw events and facts."""
    threshold = {"threshold": settings.coverage_threshold}
    return [
        sql_check(
            "fact_ai_costs",
            "costs_tie_out",
            "The parts of every event sum to what the vendor billed: equality, not tolerance.",
            severity=_ERROR,
            blocking=True,
            partitions=partitions,
        ),
        sql_check(
            "fact_ai_usage",
            "usage_complete",
            "Every usage and session event is in the fact exactly once.",
            severity=_ERROR,
            blocking=True,
            partitions=partitions,
        ),
        sql_check(
            "fact_ai_usage",
            "usage_attribution",
            f"At least {settings.coverage_threshold:.0%} of a platform's records of a day belong "
            "to a person or to Shared.",
            severity=_WARN,
            partitions=partitions,
            parameters=threshold,
        ),
        sql_check(
            "fact_ai_usage",
            "approved_platforms",
            "People use only the platforms that they are approved for.",
            severity=_WARN,
            partitions=partitions,
        ),
        sql_check(
            "fact_ai_usage",
            "reseen_keys",
            "No key is used after it was not seen for its auto_deactivate_after_days.",
            severity=_WARN,
            partitions=partitions,
        ),
        sql_check(
            "fact_ai_costs",
            "cost_attribution",
            f"At least {settings.coverage_threshold:.0%} of a platform's dollars of a day belong "
            "to a person or to Shared.",
            severity=_WARN,
            partitions=partitions,
            parameters=threshold,
        ),
    ]


def completeness_check(
    vendors: Sequence[Vendor], partitions: dg.PartitionsDefinition[str]
) -> dg.AssetChecksDefinition:
    """Every configured vendor has answered completely for every day, endpoint by endpoint.

    A platform that comes by bills has a complete answer where no bill of the day is due.
    """

    def evaluate(given: Resources, window: Window | None) -> Validation:
        if window is None:
            raise ValueError("completeness checks days, but the run has none")
        whole = Outcome()
        by_day: dict[date, Outcome] = {}
        missing: dict[str, set[date]] = {}
        archive = given.archive
        for vendor, endpoint in reporting(vendors, given):
            served = archive.coverage(vendor, endpoint, window)
            held = {day for _, days in served for day in days}
            missing[f"{vendor}.{endpoint}"] = set(window.days()) - held
        for due in due_now(archive, given.clock.today):
            for platform in due.platforms:
                own = missing.setdefault(f"{platform}.{FOCUS}", set())
                own.update(set(due.days.days()) & set(window.days()))
        for name, days in missing.items():
            for day in days:
                by_day.setdefault(day, Outcome()).failures[name] = 1
            if days:
                whole.failures[name] = len(days)
        return Validation(whole, by_day)

    return table_check(
        "raw_ai_events",
        COMPLETENESS,
        "Every configured vendor's endpoint has a complete answer for the day, and no bill of it "
        "is due.",
        evaluate,
        severity=_WARN,
        blocking=False,
        partitions=partitions,
        needs={"archive", "clock", *(name for vendor in vendors for name in vendor.clients)},
    )


def reporting(vendors: Sequence[Vendor], given: Resources) -> list[tuple[str, str]]:
    """The endpoints of configured vendors that report events, each with its vendor's name first."""
    return [
        (vendor.name, endpoint.name)
        for vendor in vendors
        for endpoint in vendor.event_endpoints
        if given.configured(vendor.client_of(endpoint))
    ]
