"""What `ai-usage doctor` says of other vendors' bills."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ai_usage.archive.archive import Archive
from ai_usage.cli.doctor_finding import Finding
from ai_usage.errors import AiUsageError
from ai_usage.focus.due import due_bills
from ai_usage.focus.folder import Folder
from ai_usage.focus.mapping import Services
from ai_usage.focus.shelf import HeldBill, newest_bills
from ai_usage.focus.taking import sorted_services
from ai_usage.orchestration.assets.focus import known_of
from ai_usage.settings import Settings
from ai_usage.text.printable import printable
from ai_usage.text.words import counted
from ai_usage.vendors.base import discovered_vendors

_WHAT = "FOCUS bills"
_MOST = 10


def of_bills(settings: Settings) -> Iterator[Finding]:
    """The watched folder, and the services that no line of the mapping names, with their dollars.

    Nothing where there are no bills and no folder is watched.
    """
    try:
        archive = Archive.of(settings)
        bills = newest_bills(archive)
        if settings.focus_path is not None:
            folder = Folder(settings.focus_path, key_file=settings.bigquery_credentials)
            files = folder.files()
            yield Finding(_WHAT, True, f"{counted(len(files), 'file')} in {settings.focus_path}")
        if not bills:
            return
        known = known_of(settings, archive, discovered_vendors())
        unmapped = sorted_services([bill.head for bill in bills], known).unmapped
    except AiUsageError as error:
        yield Finding(_WHAT, False, str(error))
        return
    yield Finding(_WHAT, True, f"{counted(len(bills), 'bill')} held")
    yield from _late(bills, known.services, settings.today)
    for service in unmapped[:_MOST]:
        line = f"{service}; focus_mapping.csv does not say whether it is an AI tool"
        yield Finding(_WHAT, True, printable(line), note=True)
    if len(unmapped) > _MOST:
        more = unmapped[_MOST:]
        usd = sum(service.usd for service in more)
        line = f"{counted(len(more), 'more service')} with ${usd:,.2f} that it does not name"
        yield Finding(_WHAT, True, line, note=True)


def _late(bills: Sequence[HeldBill], services: Services, today: date) -> Iterator[Finding]:
    """Bills that should have come: their cost is in no sum."""
    for due in due_bills(bills, services, today):
        yield Finding(_WHAT, True, printable(f"{due}; import it"), note=True)
