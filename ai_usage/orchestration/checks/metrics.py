"""The promises that people feel: quick views, fresh data, no silent change of volume or spend.

All of them warn, none blocks. What a day alone can break is recorded for every day; how quick and
how fresh a view is, is true of the view now, whatever days a run covers.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import dagster as dg

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import history
from ai_usage.ledger.moved import same_of_day
from ai_usage.orchestration.checks.bills import BILLS_DUE
from ai_usage.orchestration.checks.factory import DETAILS as DETAILS
from ai_usage.orchestration.checks.latency import latency_check
from ai_usage.orchestration.checks.sql_checks import reporting, subject_check
from ai_usage.orchestration.checks.view_checks import Found, plot, view_check
from ai_usage.orchestration.of_run import of_run
from ai_usage.orchestration.resources import Resources
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor
from ai_usage.warehouse.base import Parameter, Query, Warehouse
from ai_usage.warehouse.views import published_views

FRESHNESS = "freshness"
CLOSED_MONTH = "closed_month_changed"
DIRECTORY_RECORDS = "directory_records"
SUBJECT_CHECKS = frozenset(
    {
        FRESHNESS,
        CLOSED_MONTH,
        DIRECTORY_RECORDS,
        "charge_share",
        "volume",
        "spend_anomalies",
        "budget_crossings",
        "nothing_unexplained",
        "differences_declared",
        "old_tables_written",
        BILLS_DUE,
    }
)
"""Checks whose failures name who or what broke the promise, not a rule."""

PROMISED_FRESH = ("vw_cost_allocation_detailed", "vw_executive_dashboard", "vw_team_productivity")
"""The views that people open; the others read the same facts, and would only say it again."""

MINIMUM_WEEKS = 5
"""Same weekdays that must be known before a day's volume is judged: Christmas and New Year fall on
the same one, and the median of five stands two quiet days."""
MINIMUM_EVENTS = 20
"""Usual events a day below which chance alone halves and doubles."""
MINIMUM_DAYS_WITH_SPEND = 10
"""Days with spend, of the last 28, before anybody has a usual day: joiners have none."""
LATE_CROSSINGS = timedelta(days=7)
"""How long after a month's end its late costs may still bring somebody above a budget."""
SETTLED_AFTER = timedelta(days=1)
"""How long after a day's end an endpoint without a single event of it is believed."""
RECENT = timedelta(days=3)
"""How far back a fetch of today may be: what is older is stale by any measure."""


def metric_checks(
    settings: Settings, vendors: Sequence[Vendor], partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetChecksDefinition]:
    """The success metrics as checks, but for attribution and completeness (`sql_checks`)."""
    return [
        *(latency_check(view, settings) for view in published_views()),
        *(freshness_check(view, settings, vendors) for view in PROMISED_FRESH),
        volume_check(settings, partitions),
        spend_check(settings, partitions),
        budget_check(partitions),
        closed_month_check(),
    ]


def freshness_check(
    view: str, settings: Settings, vendors: Sequence[Vendor]
) -> dg.AssetChecksDefinition:
    """The view holds, of every configured vendor's endpoint, a fetch that is recent enough."""
    limit = timedelta(hours=settings.freshness_hours)

    def evaluate(given: Resources, context: dg.AssetCheckExecutionContext) -> Found:
        now, archive = given.clock.now, given.archive
        recent = Window(now.date() - RECENT, now.date() + RECENT)
        # The same of every view: what the facts hold.
        loaded = of_run(context.op_execution_context.run_id).once(
            ("loaded fetches", recent), lambda: loaded_fetches(given.warehouse, recent)
        )
        # What vendors say of closed months is not built anew: it makes no open day stale.
        closed = history(archive).standing
        loaded = {held: at for held, at in loaded.items() if held[2].replace(day=1) not in closed}
        newest = {
            (vendor, endpoint): newest_fetch_in(archive, vendor, endpoint, loaded, now)
            for vendor, endpoint in reporting(vendors, given)
        }
        stale = [name for name, at in newest.items() if at is None or now - at > limit]
        metadata: dict[str, dg.MetadataValue[Any]] = {
            "newest_fetches": dg.MetadataValue.json(
                {f"{v}.{e}": at.isoformat() if at else None for (v, e), at in newest.items()}
            )
        }
        known = [at for at in newest.values() if at is not None]
        if known:
            hours = (now - min(known)) / timedelta(hours=1)
            plot(context, view, {"data_age_hours": hours})
            metadata["data_age_hours"] = dg.MetadataValue.float(hours)
        return Found({f"{vendor}.{endpoint}": 1 for vendor, endpoint in stale}, metadata)

    promise = (
        "The view holds an answer of every configured vendor about today that is less than "
        f"{settings.freshness_hours:g} h old."
    )
    needs = {"archive", "clock", *(name for vendor in vendors for name in vendor.clients)}
    return view_check(view, FRESHNESS, promise, evaluate, needs)


Loaded = Mapping[tuple[str, str, date], datetime]
"""Of a vendor's endpoint and day: when the oldest answer was fetched that the facts hold of it."""

_LOADED = """
SELECT r.platform, r.source_endpoint, r.event_date AS day, MIN(f.ingest_timestamp) AS fetched_at
FROM raw_ai_events AS r
INNER JOIN (
  SELECT event_id, ingest_timestamp
  FROM fact_ai_usage
  WHERE event_timestamp >= TIMESTAMP(@start, 'UTC') AND event_timestamp < TIMESTAMP(@end, 'UTC')
  UNION ALL
  SELECT event_id, ingest_timestamp
  FROM fact_ai_costs
  WHERE cost_timestamp >= TIMESTAMP(@start, 'UTC') AND cost_timestamp < TIMESTAMP(@end, 'UTC')
) AS f ON f.event_id = r.event_id
WHERE r.event_date >= @start AND r.event_date < @end
GROUP BY 1, 2, 3
"""


def loaded_fetches(warehouse: Warehouse, window: Window) -> Loaded:
    """How old the answers are that the facts, and so the views, were built from."""
    bound = {"start": window.start, "end": window.end}
    return {
        (row["platform"], row["source_endpoint"], row["day"]): row["fetched_at"]
        for row in warehouse.rows(Query(_LOADED, bound))
    }


def newest_fetch_in(
    archive: Archive, vendor: str, endpoint: str, loaded: Loaded, now: datetime
) -> datetime | None:
    """When the newest complete fetch was made that the facts contain; None if none is recent.

    Only a fetch that asked for the day on which it was made tells how fresh the data are: one of
    an old month may be a minute old. The facts contain it unless they hold an older answer for
    one of its days that says something else; an answer without events leaves no trace, and is taken
    for contained.
    """
    fetches = archive.fetches(vendor, endpoint)
    for fetch in reversed(fetches):
        if fetch.fetched_at < now - RECENT:
            return None
        made_on = fetch.fetched_at.date()
        if not fetch.complete or not fetch.window.start <= made_on < fetch.window.end:
            continue
        held = {day: loaded.get((vendor, endpoint, day)) for day in fetch.window.days()}
        older = {day: at for day, at in held.items() if at is not None and at < fetch.fetched_at}
        if _says_the_same(archive, fetches, fetch, older):
            return fetch.fetched_at
    return None


def _says_the_same(
    archive: Archive, fetches: Sequence[Fetch], newer: Fetch, older: Mapping[date, datetime]
) -> bool:
    """Whether a fetch says of these days what the fetches of these instants said."""
    if not older:
        return True
    said = archive.manifest(newer)
    for at in set(older.values()):
        days = [day for day, instant in older.items() if instant == at]
        first, last = min(days), max(days)
        of_facts = [
            fetch
            for fetch in fetches
            if fetch.complete
            and fetch.fetched_at == at
            and fetch.window.start <= first
            and last < fetch.window.end
        ]
        if not of_facts:
            return False
        before = archive.manifest(of_facts[0])
        if not all(same_of_day(before, said, day) for day in days):
            return False
    return True


def volume_check(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetChecksDefinition:
    """Every endpoint yields about as many events as on the last eight same weekdays.

    A holiday is quiet on every platform and no fault; that nothing was fetched at all is told by
    `completeness`.
    """
    least, most = 1 - settings.volume_tolerance, 1 / (1 - settings.volume_tolerance)
    return subject_check(
        "raw_ai_events",
        "volume",
        f"A day's events of an endpoint are between {least:.0%} and {most:.0%} of the median of "
        "the last eight same weekdays.",
        lambda window, today: {
            "settled_before": today - SETTLED_AFTER,
            "minimum_weeks": MINIMUM_WEEKS,
            "minimum_events": MINIMUM_EVENTS,
            "tolerance": settings.volume_tolerance,
        },
        lambda row: f"{row['platform']}.{row['source_endpoint']}",
        partitions,
    )


def spend_check(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetChecksDefinition:
    """Nobody, no key and no platform spends far more than usual."""
    return subject_check(
        "fact_ai_costs",
        "spend_anomalies",
        "No person, key or platform spends far more on a day than usual: a robust z-score below "
        f"{settings.spend_anomaly_score:g} against the days with spend of the last 28, and less "
        f"than ${settings.spend_anomaly_minimum_usd:,.0f} above them.",
        lambda window, today: {
            "minimum_days": MINIMUM_DAYS_WITH_SPEND,
            "score": settings.spend_anomaly_score,
            "minimum_usd": settings.spend_anomaly_minimum_usd,
        },
        lambda row: f"{row['subject_type']} {row['subject']}",
        partitions,
    )


def budget_check(partitions: dg.PartitionsDefinition[str]) -> dg.AssetChecksDefinition:
    """Nobody is above the budget of the month; recorded on the day that crossed it."""

    def parameters(window: Window, today: date) -> dict[str, Parameter]:
        current = (today - LATE_CROSSINGS).replace(day=1)
        return {
            "month_start": window.start.replace(day=1),
            # What happened in months that are over is in the views; it alarms nobody today.
            "start": max(window.start, current),
        }

    return subject_check(
        "fact_ai_costs",
        "budget_crossings",
        "Nobody's cost of the running month, over all platforms, is above their budget.",
        parameters,
        lambda row: f"{row['subject']}",
        partitions,
        says=_above_budget,
    )


def _above_budget(row: Mapping[str, Any]) -> str:
    """How much a person's month is above the budget, and since when; dollars."""
    spent, budget = row["month_to_date_usd"], row["budget_usd"]
    share = f" ({(spent - budget) / budget:.0%})" if budget else ""
    return (
        f"${spent - budget:,.2f}{share} over the budget of ${budget:,.2f} for "
        f"{row['month']:%B %Y}, ${spent:,.2f} spent; over it since {row['day']}"
    )


def closed_month_check() -> dg.AssetChecksDefinition:
    """Nothing has changed in closed months since, in the facts or in what vendors say."""

    def evaluate(given: Resources, context: dg.AssetCheckExecutionContext) -> Found:
        failures: dict[str, int] = {}
        amounts: dict[str, list[str]] = {}
        told = []
        for row in given.warehouse.rows(_ADJUSTMENTS):
            month, platform = f"{row['month']:%Y-%m}", row["platform_code"]
            name = f"{month} {platform}"
            failures[name] = failures.get(name, 0) + row["n"]
            amounts.setdefault(name, []).append(_adjusted(row))
            told.append(
                {
                    "month": month,
                    "platform": platform,
                    "status": row["status"],
                    "adjustment_usd": str(row["usd"]),
                }
            )
        if not told:
            return Found({}, {})
        details = {name: "; ".join(lines) for name, lines in amounts.items()}
        return Found(
            failures,
            {
                "adjustments": dg.MetadataValue.json(told),
                DETAILS: dg.MetadataValue.json(details),
            },
        )

    promise = (
        "A closed month stands as it was reported: nothing in it was built anew with another "
        "result, and no vendor has restated it since. Book what vw_adjustments has; close the "
        "month anew to accept it."
    )
    return view_check("vw_adjustments", CLOSED_MONTH, promise, evaluate)


_ADJUSTMENTS = """
SELECT
  month, platform_code, status, closed_at IS NULL AS is_open,
  COUNT(*) AS n, SUM(adjustment_usd) AS usd, MIN(first_day) AS first_day
FROM vw_adjustments
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
"""


def _adjusted(row: Mapping[str, Any]) -> str:
    """What changed in a month and platform, in US dollars, and what brings it into the facts."""
    usd = f"{row['usd']:+,.2f} US dollars"
    if row["status"] == "taken_in":
        return f"{usd} taken in since it was closed"
    remedy = "`ai-usage run`" if row["is_open"] else "`ai-usage run --closed`"
    return f"{usd} held back, from {row['first_day']} on; {remedy} takes them in"
