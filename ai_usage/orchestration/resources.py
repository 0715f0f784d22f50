"""What assets, checks, sensors and schedules ask of the world, as Dagster resources.

None of it reaches them in another way, so that a test can give each its own:
`dg.materialize([source], resources={"archive": …, "clock": …, "anthropic": …})`.

| resource | what it is |
|---|---|
| `archive` | the archive of answers |
| `clock` | what time it is |
| `warehouse` | the warehouse (`warehouse_resource.py`) |
| a vendor's or directory's name | its client, and whether it is configured |
| `<vendor>_<endpoint>` | the folder of an endpoint that reads files |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from ai_usage.archive.archive import Archive
from ai_usage.days.clock import SystemClock
from ai_usage.directories import DIRECTORIES, DirectorySource
from ai_usage.errors import SettingsError
from ai_usage.normalised.kept import KeptEvents
from ai_usage.normalised.lists import KeptLists
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.settings import Settings
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.line_files import LineFolder, files_of
from ai_usage.warehouse.base import Warehouse


class ArchiveResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The archive of vendors' answers.

    The steps of a run in one process share what they know of it: an endpoint's fetches are listed
    once, and are those that the run found at first, besides its own.
    """

    root: str = Field(description="Folder or fsspec URL (`gs://…`, `memory://…`).")
    key_file: str | None = Field(
        default=None,
        description="Service-account key (JSON) for a bucket of Google's. Default: application "
        "default credentials.",
    )
    kept: str | None = Field(
        default=None,
        description="Folder for what answers mean, worked out once; it may be removed at will. "
        "Default: nothing is kept.",
    )
    _of_run: Archive | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Open the archive that the steps of a run share."""
        self._of_run = self._opened(keeps_listings=True)

    def archive(self) -> Archive:
        """The archive; cheap, nothing is read yet."""
        return self._of_run or self._opened()

    def kept_events(self) -> KeptEvents:
        """What is kept of what its answers mean."""
        return KeptEvents(Path(self.kept) / "events" if self.kept else None)

    def kept_lists(self) -> KeptLists:
        """What is kept of lists of people and keys."""
        return KeptLists(Path(self.kept) / "lists" if self.kept else None)

    def _opened(self, *, keeps_listings: bool = False) -> Archive:
        key_file = Path(self.key_file) if self.key_file else None
        return Archive(self.root, key_file=key_file, keeps_listings=keeps_listings)


class ClockResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What time it is: a `Clock`."""

    as_of: str | None = Field(
        default=None, description="Pretend that it is noon of this UTC date (YYYY-MM-DD)."
    )

    @property
    def today(self) -> date:
        """The current UTC day."""
        return self._clock.today

    @property
    def now(self) -> datetime:
        """The current instant, in UTC."""
        return self._clock.now

    @property
    def pretended(self) -> date | None:
        """The UTC day that is pretended; None on the machine's own."""
        return date.fromisoformat(self.as_of) if self.as_of else None

    @property
    def real_now(self) -> datetime:
        """The machine's instant, in UTC, also where a day is pretended: Dagster's runs have it."""
        return SystemClock().now

    @property
    def _clock(self) -> SystemClock:
        return SystemClock(self.pretended)


@dataclass(frozen=True, repr=False)
class ClientResource:
    """The client of one vendor or directory, or the folder of files that an endpoint reads.

    A plain object: Dagster shows what a configurable resource is configured with, and this holds a
    key. `why_not` says, as a line for a person, why it cannot be asked; None where it can be. It
    raises `SettingsError` where only a part of what it needs is set, `connect` also where a setting
    is wrong.
    """

    connect: Callable[[], VendorClient | LineFolder]
    why_not: Callable[[], str | None]

    @property
    def configured(self) -> bool:
        """Whether it is meant to be asked; where half of it is set, asking says what is missing."""
        try:
            return self.why_not() is None
        except SettingsError:
            return True


def vendor_client(vendor: Vendor, settings: Settings) -> ClientResource:
    """The client of a vendor, as the settings have it."""

    def why_not() -> str | None:
        if settings.vendor_secret(vendor.key_setting) is not None:
            return None
        return f"{vendor.title} is not configured: set {vendor.key_setting}."

    return ClientResource(lambda: VendorClient.from_settings(vendor, settings), why_not)


def line_folder(vendor: Vendor, endpoint: Endpoint, settings: Settings) -> ClientResource:
    """The folder of an endpoint that reads files, as the settings have it."""
    files = files_of(endpoint)

    def why_not() -> str | None:
        if settings.vendor_value(files.setting) is not None:
            return None
        return f"{vendor.title} {endpoint.name} is not configured: set {files.setting}."

    return ClientResource(lambda: LineFolder.from_settings(files, settings), why_not)


def directory_client(directory: DirectorySource, settings: Settings) -> ClientResource:
    """The client of a directory of the company, as the settings have it."""

    def why_not() -> str | None:
        if directory.is_configured(settings):
            return None
        return f"{directory.title}: {directory.not_configured}."

    return ClientResource(lambda: directory.connect(settings), why_not)


def client_resources(settings: Settings, vendors: Sequence[Vendor]) -> dict[str, ClientResource]:
    """The clients of every vendor and directory and all folders of files, configured or not."""
    return {
        **{vendor.name: vendor_client(vendor, settings) for vendor in vendors},
        **{
            vendor.client_of(endpoint): line_folder(vendor, endpoint, settings)
            for vendor in vendors
            for endpoint in vendor.from_files
        },
        **{directory.name: directory_client(directory, settings) for directory in DIRECTORIES},
    }


Configured = Callable[[str], bool]
"""Whether the vendor or directory of that name is meant to be asked."""


def configured_among(clients: Mapping[str, ClientResource]) -> Configured:
    """Whether the client of a name is meant to be asked."""
    return lambda name: clients[name].configured


class Resources:
    """The resources of a step, a tick or a command, opened when they are asked for.

    For whoever needs clients by name: what is needed whatever the vendors are can stand among an
    asset's arguments. Give it `context.resources`.
    """

    def __init__(self, resources: Any) -> None:
        self._resources = resources

    @classmethod
    def named(cls, resources: Mapping[str, Any]) -> Resources:
        """The same of resources by their names, as definitions hold them."""
        return cls(SimpleNamespace(**resources))

    @property
    def archive(self) -> Archive:
        """The archive."""
        found: ArchiveResource = self._resources.archive
        return found.archive()

    @property
    def kept_lists(self) -> KeptLists:
        """What is kept of lists of people and keys."""
        found: ArchiveResource = self._resources.archive
        return found.kept_lists()

    @property
    def clock(self) -> ClockResource:
        """What time it is."""
        found: ClockResource = self._resources.clock
        return found

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse."""
        found: WarehouseResource = self._resources.warehouse
        return found.warehouse()

    def client(self, name: str) -> ClientResource:
        """The client of the vendor or directory of that name."""
        found: ClientResource = getattr(self._resources, name)
        return found

    def configured(self, name: str) -> bool:
        """Whether the vendor or directory of that name is meant to be asked."""
        return self.client(name).configured


def resources_of(settings: Settings, vendors: Sequence[Vendor] = ()) -> dict[str, Any]:
    """The resources that the settings name, by their keys; clients of the directories and vendors.

    Besides the IO manager, which alone is Dagster's own way to write.
    """
    return {
        "archive": ArchiveResource(
            root=settings.archive_root,
            key_file=(
                str(settings.bigquery_credentials) if settings.bigquery_credentials else None
            ),
            kept=str(settings.home / "cache"),
        ),
        "clock": ClockResource(as_of=settings.as_of.isoformat() if settings.as_of else None),
        "warehouse": warehouse_resource(settings),
        **client_resources(settings, vendors),
    }
