"""`ai-usage doctor`: every line is ok, or says what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from rich.console import Console

from ai_usage.alerts.routes import routes_of
from ai_usage.archive.archive import Archive
from ai_usage.cli.doctor_bills import of_bills
from ai_usage.cli.doctor_finding import Finding
from ai_usage.cli.harmless import say
from ai_usage.cli.notify import unmatched_routes
from ai_usage.cli.reference import checked_files, seat_notes
from ai_usage.days.windows import Window
from ai_usage.directories import DIRECTORIES, DirectorySource
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.left_out import left_out
from ai_usage.orchestration.resources import client_resources, configured_among
from ai_usage.orchestration.runs import dagster_home, dagster_instance
from ai_usage.settings import Settings
from ai_usage.text.printable import printable
from ai_usage.text.words import counted
from ai_usage.vendors.base import Endpoint, Vendor, discovered_vendors
from ai_usage.vendors.configured import near_misses
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.line_files import LineFolder, files_of
from ai_usage.warehouse.relations import relations

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")


def examine(console: Console, settings: Settings) -> bool:
    """Print one line for everything examined; True if nothing needs fixing."""
    well = True
    # A doctor does not wait: two attempts tell as much as many.
    hasty = settings.model_copy(update={"http_attempts": min(2, settings.http_attempts)})
    for finding in findings(hasty):
        mark = "[green]ok  [/green]" if finding.ok else "[red]fix [/red]"
        if finding.note:
            mark = "[yellow]note[/yellow]"
        console.print(f"{mark}  {finding.what}: ", end="", highlight=False)
        say(console, finding.detail)
        well = well and finding.ok
    return well


def findings(settings: Settings) -> Iterator[Finding]:
    """Examine settings, vendors, directories, archive, warehouse and files, in this order."""
    yield Finding(
        "settings", True, f"state in {settings.home}, first partition {settings.first_day}"
    )
    for vendor in discovered_vendors():
        yield _vendor(vendor, settings)
        yield from (_files(vendor, endpoint, settings) for endpoint in vendor.from_files)
    for directory in DIRECTORIES:
        yield _directory(directory, settings)
    yield _guarded("archive", lambda: _archive(settings))
    yield from _left_out(settings)
    yield _guarded("warehouse", lambda: _warehouse(settings))
    if settings.warehouse == "bigquery":
        from ai_usage.cli.doctor_bigquery import findings as of_bigquery

        yield from of_bigquery(settings, warehouse_resource(settings).warehouse())
    yield _guarded("Dagster", lambda: _dagster(settings))
    yield _alerts(settings)
    yield examined_ui(settings)
    for file in checked_files(settings)[0]:
        if not file.ok:
            yield Finding(file.name, False, file.problems[0])
        elif file.present:
            yield Finding(file.name, True, counted(file.rows, "row"))
        else:
            yield Finding(
                file.name, True, "not there; `ai-usage reference init` writes a sample", note=True
            )
    yield from _seats(settings)
    yield from of_bills(settings)


def _left_out(settings: Settings) -> Iterator[Finding]:
    """What directories and vendors' lists leave out, by name: whoever asks has the archive."""
    vendors = discovered_vendors()
    directory = Directory(Declared.of(settings, vendors), Archive.of(settings), settings)
    try:
        configured = configured_among(client_resources(settings, vendors))
        for record in left_out(directory, configured):
            if record.is_told:
                left = record.left
                line = f"{left.who}: {record.says}; {left.remedy}"
                yield Finding(record.place, True, printable(line), note=True)
    except AiUsageError as error:
        yield Finding("left out", False, str(error))


def _seats(settings: Settings) -> Iterator[Finding]:
    try:
        notes = seat_notes(settings)
    except AiUsageError as error:
        yield Finding("seats", False, str(error))
        return
    for line in notes:
        yield Finding("seats", True, line, note=True)


def _alerts(settings: Settings) -> Finding:
    found = routes_of(settings)
    if found.problems:
        return Finding("alerts", False, found.problems[0])
    if not found.routes:
        return Finding(
            "alerts", True, "nobody is told of failures; set AI_USAGE_NOTIFY_URLS", note=True
        )
    if problems := unmatched_routes(settings, found.routes):
        return Finding("alerts", False, "; ".join(problems))
    channels = counted(len(found.routes), "channel")
    return Finding("alerts", True, f"{channels}; `ai-usage notify test` sends each a message")


def examined_ui(settings: Settings) -> Finding:
    """The address that links in alerts begin with."""
    try:
        parts = urlsplit(settings.ui_url)
        well = parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.hostname or ""))
        _ = parts.port
    except ValueError:
        well = False
    if not well:
        return Finding(
            "Dagster's UI",
            False,
            f"AI_USAGE_UI_URL={settings.ui_url} is no address of a web page, and links in alerts "
            "begin with it: write http://host:port or https://host",
        )
    return Finding("Dagster's UI", True, f"links in alerts lead to {settings.ui_url}")


def _guarded(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except AiUsageError as error:
        return Finding(what, False, str(error))


def _vendor(vendor: Vendor, settings: Settings) -> Finding:
    if settings.vendor_secret(vendor.key_setting) is None:
        missing = near_misses(settings, [vendor])
        said = "".join(f"; {miss}" for miss in missing)
        if any(miss.is_meant for miss in missing):
            return Finding(vendor.title, False, f"not configured{said}")
        what = f"not configured; set {vendor.key_setting} to fetch it{said}"
        return Finding(vendor.title, True, what, note=True)

    def ask() -> str:
        # The cheapest question that needs the key: a directory list, or a day of a report.
        snapshots = [e for e in vendor.endpoints if e.kind == "snapshot"]
        endpoint = (snapshots or list(vendor.endpoints))[0]
        with VendorClient.from_settings(vendor, settings) as client:
            pages = endpoint.fetch(client, Window.day(settings.today), settings.now)
            next(iter(pages), None)
        url = settings.vendor_value(vendor.base_url_setting) or vendor.base_url
        return f"{vendor.key_setting} is accepted by {urlsplit(url).netloc}"

    return _guarded(vendor.title, ask)


def _files(vendor: Vendor, endpoint: Endpoint, settings: Settings) -> Finding:
    files = files_of(endpoint)
    what = f"{vendor.title} {endpoint.name}"
    if settings.vendor_value(files.setting) is None:
        how = f"not configured; set {files.setting} to the folder of {files.written_by}"
        return Finding(what, True, how, note=True)

    def look() -> str:
        found = LineFolder.from_settings(files, settings).files()
        newest = f", the newest of {found[-1].changed:%Y-%m-%d %H:%M} UTC" if found else ""
        return f"{files.setting} holds {counted(len(found), 'file')}{newest}"

    return _guarded(what, look)


def _directory(directory: DirectorySource, settings: Settings) -> Finding:
    try:
        if not directory.is_configured(settings):
            return Finding(directory.title, True, directory.not_configured, note=True)
    except AiUsageError as error:
        return Finding(directory.title, False, str(error))

    def ask() -> str:
        _, endpoint = directory.endpoint(settings)
        with directory.connect(settings) as client:
            pages = endpoint.fetch(client, Window.day(settings.today), settings.now)
            next(iter(pages), None)
        return f"{directory.needs[-1]} is accepted by {client!r}"

    return _guarded(directory.title, ask)


def _archive(settings: Settings) -> str:
    archive = Archive.of(settings)
    count = sum(
        len(archive.fetches(vendor.name, endpoint.name))
        for vendor in discovered_vendors()
        for endpoint in vendor.every_endpoint
    )
    return f"{settings.archive_root}, {count:,} fetches held"


def _dagster(settings: Settings) -> str:
    with dagster_instance(settings):
        return f"storage as {dagster_home(settings) / 'dagster.yaml'} says"


def _warehouse(settings: Settings) -> str:
    warehouse = warehouse_resource(settings).warehouse()
    present = [name for name in relations() if warehouse.exists(name)]
    state = f"{len(present)} tables and views" if present else "empty so far"
    return f"{settings.warehouse} at {warehouse.describe()}, {state}"
