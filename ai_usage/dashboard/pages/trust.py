"""Trust: how fresh the figures are, what of them is nobody's, what changed afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from starlette.requests import Request
from starlette.responses import Response

from ai_usage.dashboard.charts.monthly import monthly
from ai_usage.dashboard.pages.approval import vote_of
from ai_usage.dashboard.pages.context import Asked, asked
from ai_usage.dashboard.pages.exports import Source
from ai_usage.dashboard.pages.frame import filter_bar, respond, unless_forbidden
from ai_usage.dashboard.pages.parts import Badge, Card, Cell, Empty, Page, Tile
from ai_usage.dashboard.pages.tables import Column
from ai_usage.dashboard.pages.tie import tie
from ai_usage.dashboard.queries import trust as queries
from ai_usage.dashboard.scope import ForbiddenError
from ai_usage.text.figures import UNKNOWN, count, day_name, money, month_name, share
from ai_usage.text.words import counted

PATH = "/trust"
AIM = 0.9
"""Share of the cost that the design document wants an owner for."""
LATE = timedelta(days=1)
"""An endpoint whose last loaded day lies further back has missed a day."""
STATES: Mapping[str, Badge] = {
    "SUCCESS": Badge("Succeeded", "good"),
    "FAILURE": Badge("Failed", "bad"),
    "CANCELED": Badge("Cancelled", "warn"),
    "STARTED": Badge("Running"),
}


def page(request: Request) -> Response:
    """`/trust`."""
    what = asked(request).in_one_month
    ui = request.app.state.dashboard.ui_url
    body = Page(
        "trust",
        "Trust",
        "Can these figures be believed, and what are they still missing?",
        [
            tie(what),
            _tiles(what),
            [
                unless_forbidden("Has an owner", lambda: _owned(what), "half"),
                fresh_table(what).card(
                    "Freshness",
                    "Up to which day each source is loaded, and since when.",
                    width="half",
                ),
            ],
            unless_forbidden(
                "What belongs to nobody",
                lambda: gaps_table(what).card(
                    "What belongs to nobody",
                    "A suggestion is evidence for a person to judge; it attributes nothing.",
                    "US dollars, a year",
                    empty=Empty("Everything has an owner", "No dollar is nobody’s."),  # noqa: RUF001
                ),
            ),
            _failing(what),
            _holding(what),
            unless_forbidden(
                "What vendors said later",
                lambda: later_table(what).card(
                    "What vendors said later",
                    f"Days of {month_name(what.filters.last)} that a vendor has restated.",
                    empty=Empty(
                        "Nothing was restated", "No vendor has changed a day of the month."
                    ),
                ),
            ),
            _runs(what, ui),
            *((vote,) if (vote := vote_of(request, what)) is not None else ()),
        ],
        filters=filter_bar(what, PATH, (), has_org=False),
    )
    return respond(what, body)


def _or_none(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ForbiddenError:
        return None


def _tiles(what: Asked) -> tuple[Tile, ...]:
    fresh = queries.freshness(what.published).to_pylist()
    checks = queries.checks(what.published).to_pylist()
    failed = [row for row in checks if not row["passed"]]
    errors = [row for row in failed if row["is_error"]]
    oldest = min((row["last_day"] for row in fresh), default=None)
    late = [row for row in fresh if what.about.as_of - row["last_day"] > LATE]
    found = [
        Tile(
            "Loaded up to",
            day_name(oldest) if oldest else UNKNOWN,
            f"{counted(len(late), 'source')} late" if late else "all sources",
            "" if late else "up to date:",
            "bad" if late else "good",
            is_words=True,
        ),
        Tile(
            "Checks that hold",
            f"{len(checks) - len(failed)} of {len(checks)}" if checks else UNKNOWN,
            f"{counted(len(failed) - len(errors), 'warning')}" if checks else "none has run yet",
            f"{counted(len(errors), 'error')};" if errors else "",
            "bad",
        ),
    ]
    rows = _or_none(lambda: queries.attribution(what.published, what.viewer, what.filters))
    if rows is not None and rows.num_rows:
        last = rows.to_pylist()[-1]
        met = last["rate"] is not None and last["rate"] >= AIM
        found.append(
            Tile(
                "Has an owner",
                share(last["rate"]),
                f"of {money(last['total'])}; {money(last['unattributed'])} has none",
                "aim 90 % met" if met else "below the aim of 90 %",
                "good" if met else "bad",
            )
        )
    later = _or_none(lambda: queries.restated(what.published, what.viewer, what.filters))
    if later is not None:
        found.append(
            Tile(
                "Days restated",
                count(later["days"]),
                "of them after they had been final",
                count(later["final_days"]),
            )
        )
    return tuple(found)


def _owned(what: Asked) -> Card:
    rows = queries.attribution(what.published, what.viewer, what.filters).to_pylist()[-12:]
    table = pa.table(
        {
            "month": pa.array([row["month"] for row in rows], pa.date32()),
            "value": pa.array([row["rate"] for row in rows], pa.float64()),
        }
    )
    chart = monthly(
        table,
        name="owned",
        title="Has an owner",
        unit="share of the cost",
        measure="share",
        aim=AIM,
    )
    return Card.of(chart, width="half", empty=Empty("No month is known", "Nothing is loaded."))


def fresh_table(what: Asked) -> Source:
    """A row an endpoint: its last loaded day, and when it was last asked."""

    def state(row: Mapping[str, Any]) -> Cell:
        is_late = what.about.as_of - row["last_day"] > LATE
        return Cell("", badge=Badge("Late", "bad") if is_late else Badge("Up to date", "good"))

    rows = queries.freshness(what.published).to_pylist()
    return Source(
        "freshness",
        "How fresh each source is",
        [
            {**row, "platform": "files" if row["platform"] == "*" else row["platform"]}
            for row in rows
        ],
        [
            Column("source_endpoint", "Source"),
            Column("platform", "Vendor"),
            Column("last_day", "Loaded up to", "day"),
            Column("provisional_days", "Not final", "count", help="Days that may still change"),
            Column("fetched_at", "Asked, UTC", "time"),
            Column("is_late", "State", cell=state),
        ],
        what.filters,
        PATH,
    )


def gaps_table(what: Asked) -> Source:
    """What belongs to nobody, the dearest first, with who it may be where that may be seen."""
    found = queries.gaps(what.published, what.viewer).to_pylist()
    columns = [Column("platform", "Vendor"), Column("reason", "Why", cell=_reason)]
    if found and "identity_value" in found[0]:
        columns = [
            Column("identity_value", "Identity"),
            Column("key_name", "Key’s name"),  # noqa: RUF001
            *columns,
            Column("cost_usd", "Cost", "money", bar=True),
            Column("records", "Records", "count"),
            Column("last_day", "Last seen", "day"),
            Column("suggested_owner", "May be", cell=_owner),
            Column("suggestion_evidence", "Because", "prose"),
        ]
    else:
        columns += [
            Column("identities", "Identities", "count"),
            Column("cost_usd", "Cost", "money", bar=True),
            Column("records", "Records", "count"),
            Column("last_day", "Last seen", "day"),
        ]
    return Source(
        "gaps",
        "What belongs to nobody, US dollars",
        found,
        columns,
        what.filters,
        PATH,
        total=("cost_usd",),
    )


_REASONS = {
    "unknown": "no source names an owner",
    "lapsed": "an owner, but not for these days",
    "unlisted_owner": "the owner is in no directory",
    "contested": "sources name several owners",
    "no_identity": "nothing names a key or person",
    "invalid_record": "the record broke a rule",
}


def _reason(row: Mapping[str, Any]) -> Cell:
    return Cell(_REASONS.get(row["reason"], row["reason"]))


def _owner(row: Mapping[str, Any]) -> Cell:
    if row["suggested_owner"] is None:
        return Cell(UNKNOWN)
    return Cell(f"{row['suggested_owner']}, {share(row['suggestion_confidence'])} sure")


NOT_YET = Empty("No check has run", "The next run tells how they end.")


def _failing(what: Asked) -> Card:
    source = checks_table(what, passed=False)
    all_hold = Empty("Every check holds", "None has failed when it was last evaluated.")
    return source.card(
        "Checks that do not hold",
        "An error stops what is downstream; a warning does not.",
        empty=all_hold if queries.checks(what.published).num_rows else NOT_YET,
        has_file=False,
    )


def _holding(what: Asked) -> Card:
    source = checks_table(what, passed=True)
    return source.card(
        "Checks that hold",
        "What was promised of the tables, and kept when it was last looked at.",
        empty=NOT_YET,
        folded=counted(len(source.rows), "check"),
    )


def checks_table(what: Asked, *, passed: bool | None = None) -> Source:
    """The newest evaluation of each check, or of those that hold or do not."""

    def state(row: Mapping[str, Any]) -> Cell:
        if row["passed"]:
            return Cell("", badge=Badge("Holds", "good"))
        return Cell(
            "", badge=Badge("Error", "bad") if row["is_error"] else Badge("Warning", "warn")
        )

    return Source(
        "checks",
        "Checks and how they ended last",
        [
            row
            for row in queries.checks(what.published).to_pylist()
            if passed is None or row["passed"] == passed
        ],
        [
            Column("check_name", "Check"),
            Column("asset", "Of"),
            Column("passed", "State", "flag", cell=state),
            Column("promise", "What it promises", "prose"),
            Column("evaluated_at", "Evaluated, UTC", "time"),
        ],
        what.filters,
        PATH,
    )


def later_table(what: Asked) -> Source:
    """What vendors said of the month's days after they had reported them."""
    found = queries.restatements(what.published, what.viewer, what.filters).to_pylist()
    return Source(
        "restatements",
        f"Restated days of {month_name(what.filters.last)}",
        found,
        [
            Column("date", "Day", "day"),
            Column("platform", "Vendor"),
            Column("source_endpoint", "Source"),
            Column("measure", "Measure"),
            Column("difference", "Difference", "count"),
            Column("changes", "Changes", "count"),
            Column("was_final", "Was final", "flag"),
            Column("seen_at", "Seen, UTC", "time"),
        ],
        what.filters,
        PATH,
    )


def _runs(what: Asked, ui: str) -> Card:
    rows = queries.runs(what.published).to_pylist()

    def run(row: Mapping[str, Any]) -> Cell:
        short = row["run_id"][:8]
        return Cell(short, href=f"{ui.rstrip('/')}/runs/{row['run_id']}" if ui else "")

    def took(row: Mapping[str, Any]) -> Cell:
        return Cell(_duration(row["started_at"], row["ended_at"]))

    source = Source(
        "runs",
        "The last runs",
        rows,
        [
            Column("run_id", "Run", cell=run),
            Column("name", "What"),
            Column("status", "State"),
            Column("started_at", "Began, UTC", "time"),
            Column("ended_at", "Took", cell=took),
        ],
        what.filters,
        PATH,
        badges={"status": STATES},
    )
    return source.card(
        "Last runs",
        "Each leads into Dagster." if ui else "",
        empty=Empty("No run is known", "The next one is shown here."),
        has_file=False,
    )


def _duration(began: datetime | None, ended: datetime | None) -> str:
    if began is None or ended is None:
        return UNKNOWN
    seconds = int((ended - began).total_seconds())
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
