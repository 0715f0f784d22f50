"""`ai-usage report`: a month as one file, for a folder or by mail, scoped to who reads it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from ai_usage.alerts.delivery import send
from ai_usage.alerts.routes import Route, routes_of
from ai_usage.cli.dashboard import check_extra
from ai_usage.cli.harmless import say
from ai_usage.days.months import month_of, months_before
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.assets.common import FINANCE
from ai_usage.settings import Settings
from ai_usage.text.figures import month_name

if TYPE_CHECKING:
    from ai_usage.dashboard.pages.context import Asked
    from ai_usage.dashboard.published import Published
    from ai_usage.dashboard.viewers import Viewer

GROUP = "dashboard"
"""The group of the report's asset: a route with this condition, or finance's, is taken first."""


def write_report(
    console: Console,
    settings: Settings,
    month: date | None,
    to: Sequence[str],
    out: Path | None,
    cost_centers: Sequence[str],
) -> None:
    """Write the report to a file, or mail it to each address as its role may see it.

    Raises `AiUsageError` where nothing is published, the month lies outside of the copy, an
    address sees nothing but its own, no route is a mail server, or a mail does not arrive.
    """
    check_extra()
    from ai_usage.dashboard.published import Published
    from ai_usage.dashboard.viewers import Mode, Role, Viewer

    published = Published(settings.published_path)
    asked = month or months_before(published.about.as_of, 1)
    _check(published, asked)
    if to:
        route = _mail_route(settings)
        for address in to:
            viewer = _reader(settings, published, address)
            _mail(console, route, address, _of(published, viewer, asked, cost_centers))
        return
    # Without a reader's name the file may go anywhere: no single people, small groups merged.
    smallest = settings.dashboard_smallest_group
    company = Viewer("", Role.EXECUTIVE, Mode.TEAM, smallest_group=smallest)
    path = out or Path(f"ai-usage-report-{asked:%Y-%m}.html")
    _write(path, _html(_of(published, company, asked, cost_centers)))
    say(console, f"{path}: {month_name(asked)}")


def _check(published: Published, month: date) -> None:
    last = month_of(published.about.as_of)
    (row,) = published.rows("SELECT MIN(month) AS first FROM cost_rows")
    if row["first"] is None or not row["first"] <= month <= last:
        known = f"{row['first']:%Y-%m} to {last:%Y-%m}" if row["first"] else "no month with cost"
        raise AiUsageError(f"no report of {month:%Y-%m}: the pages' copy holds {known}.")


def _of(published: Published, viewer: Viewer, month: date, cost_centers: Sequence[str]) -> Asked:
    from ai_usage.dashboard.filters import Filters
    from ai_usage.dashboard.pages.context import Asked

    chosen = Filters(month, month, cost_center=tuple(cost_centers))
    return Asked(published, viewer, chosen, published.about)


def _html(asked: Asked) -> str:
    from ai_usage.dashboard.report.render import report_html

    return report_html(asked)


def _reader(settings: Settings, published: Published, address: str) -> Viewer:
    """Who the address is. Raises `AiUsageError` where it sees nothing but its own."""
    from ai_usage.dashboard.roster import Roster
    from ai_usage.dashboard.viewers import Mode, Role

    roster = Roster(
        published,
        settings.reference_path,
        lambda: settings.today,
        # What leaves by mail goes on: who sees single people does so on the pages.
        Mode(settings.dashboard_mode or "team"),
        smallest_group=settings.dashboard_smallest_group,
    )
    viewer = roster.viewer(address)
    if viewer.role is Role.SELF:
        raise AiUsageError(
            f"{address} has no role: the report is for who sees more than themselves. Add the "
            "address to viewers.csv, or the people whom they lead to the directory."
        )
    return viewer


def _mail_route(settings: Settings) -> Route:
    """The mail server of the notifications: finance's route before one for everything."""
    known = routes_of(settings)
    for problem in known.problems:
        raise AiUsageError(problem)
    mails = [route for route in known.routes if route.is_mail]
    mails.sort(key=lambda route: not route.concerns({GROUP}, {FINANCE}))
    if not mails:
        raise AiUsageError(
            "AI_USAGE_NOTIFY_URLS names no mail server: add "
            "mailtos://user:password@mail.example.com?from=reports@example.com"
        )
    return mails[0]


def _mail(console: Console, route: Route, address: str, asked: Asked) -> None:
    from ai_usage.dashboard.report.parts import report_of
    from ai_usage.dashboard.report.render import rendered

    report = report_of(asked)
    month = asked.filters.last
    figures = "\n".join(f"{tile.label}: {tile.value}" for tile in report.tiles)
    body = f"{report.scope}\n\n{figures}\n\n{report.tie.text}\n\nThe report is attached."
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"ai-usage-report-{month:%Y-%m}.html"
        path.write_text(rendered(report), encoding="utf-8")
        sent = send(route.to(address), report.title, body, attached=[path])
    if not sent.arrived:
        raise AiUsageError(f"{address}: {route.place} did not take the report: {sent.why}")
    console.print(f"sent to {address}: {report.scope}", markup=False, highlight=False)


def _write(path: Path, html: str) -> None:
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise AiUsageError(f"{path} cannot be written: {error.strerror}.") from error
