"""The monthly report: written anew with each run, as long as its month may still change."""

from pathlib import Path
from typing import Any

import dagster as dg

from ai_usage.dashboard.extra import missing_package
from ai_usage.days.months import months_before
from ai_usage.instance.names import DASHBOARD_COPY, MONTHLY_REPORT
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.orchestration.assets.common import FINANCE, explained
from ai_usage.settings import Settings
from ai_usage.text.figures import month_name

COMPANY = "company"


def monthly_report_asset(
    settings: Settings, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetsDefinition:
    """A file for the last whole month: of the company, and of each scope of viewers.csv."""

    @dg.asset(
        name=MONTHLY_REPORT,
        description="The last whole month as one HTML file that opens offline and in mail: of the "
        "company, and of the cost centres that viewers.csv limits somebody to. No single people, "
        "small groups merged.",
        deps=[DASHBOARD_COPY],
        group_name="dashboard",
        kinds={"html"},
        owners=[FINANCE],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
    )
    def written(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        if missing_package() is not None:
            return dg.MaterializeResult(
                metadata={"status": "not written: install ai-usage with the extra `dashboard`"}
            )
        with explained():
            return dg.MaterializeResult(metadata=_write(settings))

    return written


def _write(settings: Settings) -> dict[str, Any]:
    from ai_usage.dashboard.filters import Filters
    from ai_usage.dashboard.pages.context import Asked
    from ai_usage.dashboard.published import Published
    from ai_usage.dashboard.report.render import report_html
    from ai_usage.dashboard.roster import Roster
    from ai_usage.dashboard.viewers import Mode, Role, Viewer

    published = Published(settings.published_path)
    month = months_before(published.about.as_of, 1)
    (known,) = published.rows("SELECT MIN(month) AS first FROM cost_rows")
    if known["first"] is None or known["first"] > month:
        return {"status": f"not written: no cost is known of {month_name(month)}"}
    smallest = settings.dashboard_smallest_group
    roster = Roster(published, settings.reference_path, lambda: settings.today, Mode.TEAM)
    folder = settings.home / "reports" / f"{month:%Y-%m}"
    folder.mkdir(parents=True, exist_ok=True)
    metadata: dict[str, Any] = {"month": f"{month:%Y-%m}"}
    for own in [frozenset[str](), *sorted(roster.scopes(), key=sorted)]:
        viewer = Viewer("", Role.EXECUTIVE, Mode.TEAM, own, smallest)
        html = report_html(Asked(published, viewer, Filters(month, month), published.about))
        name = "-".join(sorted(own)) or COMPANY
        path = folder / f"{_file_name(name)}.html"
        _replace(path, html)
        metadata[f"report: {name}"] = dg.MetadataValue.url(path.absolute().as_uri())
    return metadata


def _file_name(scope: str) -> str:
    """The scope as a name that every file system takes."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in scope)[:120]


def _replace(path: Path, html: str) -> None:
    """Swapped by rename: whoever opens it reads a whole one."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(html, encoding="utf-8")
    temporary.replace(path)
