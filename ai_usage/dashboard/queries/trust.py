"""Trust: how fresh the figures are, what of them is nobody's, what vendors changed afterwards."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import ForbiddenError, sees_people
from ai_usage.dashboard.viewers import Rows, Viewer
from ai_usage.days.months import months_before


def _of_the_company(viewer: Viewer) -> None:
    if viewer.rights.rows is not Rows.ALL or viewer.cost_centers:
        raise ForbiddenError("it concerns the whole company; your role sees a part of it.")


def freshness(published: Published) -> pa.Table:
    """One row an endpoint. It names nobody, so that everybody may see it.

    `platform`, `source_endpoint`, `cost_kind`, `last_day`, `fetched_at` (UTC), `provisional_days`.
    """
    return published.query("SELECT * FROM freshness ORDER BY platform, source_endpoint")


def checks(published: Published) -> pa.Table:
    """The newest evaluation of each check, failed ones first.

    `asset`, `check_name`, `passed`, `is_error`, `promise`, `evaluated_at` (UTC), `run_id`. Without
    the failing rows, which may name people.
    """
    return published.query("SELECT * FROM checks ORDER BY passed, NOT is_error, asset, check_name")


def runs(published: Published) -> pa.Table:
    """The last runs, newest first: `run_id`, `status`, `started_at`, `ended_at` (UTC), `name`."""
    return published.query("SELECT * FROM runs ORDER BY started_at DESC NULLS FIRST")


def attribution(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """The share of cost that a person or Shared bears, by month up to the filters' last.

    `month`, `total`, `unattributed`, `shared` (US dollars), `rate`.
    """
    _of_the_company(viewer)
    return published.query(
        """
SELECT month, total_monthly_cost AS total, unattributed_cost AS unattributed,
  shared_cost AS shared, attribution_rate AS rate
FROM months WHERE month <= $last ORDER BY month
""",
        {"last": filters.last},
    )


def gaps(published: Published, viewer: Viewer) -> pa.Table:
    """What belongs to nobody, dearest first: the columns of `vw_attribution_gaps`.

    Identities and who they may be are for who sees people; others get dollars by platform and
    reason: nobody's dollars tell of no person.
    """
    _of_the_company(viewer)
    if sees_people(viewer):
        return published.query("SELECT * FROM gaps ORDER BY gap_rank")
    return published.query(
        """
SELECT platform, reason, COUNT(*) AS identities, SUM(cost_usd)::DECIMAL(38, 9) AS cost_usd,
  SUM(records)::BIGINT AS records, MAX(last_day) AS last_day
FROM gaps GROUP BY 1, 2 ORDER BY 4 DESC, 1, 2
"""
    )


def restatements(published: Published, viewer: Viewer, filters: Filters) -> pa.Table:
    """What vendors said later of days of the filters' months, by day and measure: sums of all."""
    _of_the_company(viewer)
    return published.query(
        """
SELECT event_date AS date, platform, source_endpoint, measure,
  difference, changes, seen_at, was_final, month_closed
FROM restatements
WHERE event_date >= $first AND event_date < $after
ORDER BY event_date DESC, platform, source_endpoint, measure
""",
        {"first": filters.first, "after": months_before(filters.last, -1)},
    )


def restated(published: Published, viewer: Viewer, filters: Filters) -> dict[str, Any]:
    """How many days were restated, and how many of these after they had been final."""
    found = restatements(published, viewer, filters).to_pylist()
    return {
        "days": len({(row["platform"], row["date"]) for row in found}),
        "final_days": len({(row["platform"], row["date"]) for row in found if row["was_final"]}),
    }
