"""What a vendor module declares: its endpoints, its credentials, its rows of `dim_platforms`.

A new vendor is one new folder in this one with a `VENDOR`; nothing else names it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal, NamedTuple, Protocol

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.vendors.decoding import tolerant, tolerant_columns
from ai_usage.vendors.event_columns import EventColumns
from ai_usage.vendors.kit.saved import SavedReport
from ai_usage.vendors.rows import RawEvent, Row

Params = Sequence[tuple[str, str]]
"""Query parameters in order; a name may come more than once."""


class Client(Protocol):
    """What a vendor's `fetch` asks through: retries, the rate limit and errors are its business."""

    @property
    def name(self) -> str:
        """Whom it asks: the vendor's name, as errors say it."""

    def option(self, setting: str) -> str | None:
        """What a setting of the vendor's `options` says; None where it is unset."""

    def get(
        self,
        endpoint: str,
        path: str,
        params: Params = (),
        *,
        where: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """Ask with GET. `where` names the place in errors.

        `path` may be the URL that a page names as the next one; `headers` come besides the
        vendor's.
        """

    def get_if_there(
        self, endpoint: str, path: str, params: Params = (), *, where: str = ""
    ) -> Page | None:
        """As `get`; None where the vendor answers 204, that there is nothing (yet)."""

    def post(self, endpoint: str, path: str, body: Mapping[str, Any], *, where: str = "") -> Page:
        """Ask with POST and a JSON body."""

    def download(
        self, url: str, as_json: Callable[[bytes], bytes], *, request: str, where: str = ""
    ) -> Page:
        """The file that an answer points to, as JSON (`as_json`, ValueError for half a file).

        Whoever has the link may read it: it is asked without the key, and stands in no error, log
        or archive. `request` is what the page is said to answer.
        """

    def pause(self, seconds: float) -> None:
        """Wait for what the vendor works on; not at all where no rate limit is kept."""


@dataclass(frozen=True)
class ReadContext:
    """What a reader may know beside the pages: the fetch's window and how to read amounts.

    `amount_unit` is the unit of money fields in a saved answer that a person imported.
    """

    window: Window
    amount_unit: Literal["cents", "usd"] = "cents"


class LineSays(NamedTuple):
    """What a line of a file says of itself."""

    times: Sequence[int] = ()
    """The instants that it is about, nanoseconds of the Unix epoch; none for another matter."""
    refusal: str = ""
    """Why it cannot be used, with a remedy; empty where it can."""


@dataclass(frozen=True)
class LineFiles:
    """Files of lines that an endpoint reads, in the place of answers that it asks for.

    `setting` names the folder, `written_by` says in words whose files they are. `says` raises
    ValueError for a line that is none.
    """

    setting: str
    written_by: str
    says: Callable[[bytes], LineSays]


@dataclass(frozen=True)
class Endpoint:
    """One vendor endpoint: how to fetch a window of it, and what its pages mean.

    `fetch` yields every page of the window or raises `VendorError`: an answer is complete or it is
    a failure; its last argument is the current UTC instant, for the endpoints that must not ask
    for what has not happened yet. `read` is pure: no network, no clock, no warehouse. It yields
    what the pages hold, rows of days outside the window included: its caller keeps the days it
    asked for. A `snapshot` endpoint describes the moment it was asked and can only be fetched for
    today: it has one day, and no lag.
    """

    name: str
    description: str
    api_path: str
    yields: type[Row]
    fetch: Callable[[Client, Window, datetime], Iterator[Page]]
    read: Callable[[Iterable[bytes], ReadContext], Iterator[Row]]
    columns: Callable[[bytes, ReadContext], EventColumns] | None = None
    """What a page means, by column; None where its events are few, and `read` is all there is."""
    saved: SavedReport | None = None
    """How a person's saved answer of it is known and read; None where it cannot be imported."""
    kind: Literal["range", "snapshot"] = "range"
    max_days: int = 30
    finalization_lag: timedelta = timedelta(hours=2)
    """How long after a day's end (UTC) the vendor may still change it."""
    lookback: Literal["usage", "cost"] = "usage"
    """What it reports, and so how long it is asked again: `cost` where its records may bill."""
    requests_per_minute: int | None = None
    """The endpoint's own rate limit; None where it shares the vendor's."""
    files: LineFiles | None = None
    """The files that it reads; None where its vendor is asked. `fetch` is `not_asked` then."""
    fills_gaps: bool = False
    """Whether its events count only for the people and days that no other endpoint reports the
    same product of. See `one_source`."""

    read_clean: Callable[[Iterable[bytes], ReadContext], Iterator[Row]] = field(init=False)
    """As `read`, of pages that are known to hold no text that cannot be decoded."""

    def __post_init__(self) -> None:
        if self.kind == "snapshot":
            object.__setattr__(self, "max_days", 1)
            object.__setattr__(self, "finalization_lag", timedelta(0))
        # Whatever a vendor's reader does: text that cannot be decoded costs a record, no answer.
        object.__setattr__(self, "read_clean", self.read)
        object.__setattr__(self, "read", tolerant(self.read))
        if self.columns is not None:
            object.__setattr__(self, "columns", tolerant_columns(self.columns, self.read))

    @property
    def has_cost(self) -> bool:
        """Whether its answers say what the vendor charges: that is what a cost look-back re-reads.

        An invoice can be compared only with days that such an endpoint has answered, and a record
        of it that cannot be read may be a charge.
        """
        return self.lookback == "cost"


def not_asked(client: Client, window: Window, now: datetime) -> Iterator[Page]:
    """The `fetch` of an endpoint that reads files: there is nobody to ask."""
    raise VendorError(f"{window}: this endpoint reads files, nobody is asked.")


WHOLE_PLATFORM = "all"
"""The `platform_subtype` of a platform as a whole, of what is for no single product; the facts' SQL
has it too."""


@dataclass(frozen=True)
class PlatformRow:
    """One row of `dim_platforms` that a vendor brings; columns as in its DDL, unset is NULL."""

    platform_code: str
    platform_subtype: str
    platform_name: str
    values: dict[str, str | int | bool] = field(default_factory=dict)


def _any_text(text: str) -> object:
    return text


@dataclass(frozen=True)
class Option:
    """A setting of a vendor's own, besides its key and address, that changes how it is asked."""

    setting: str
    description: str
    form: str
    """How it is written, in words for a person."""
    check: Callable[[str], object] = _any_text
    """Raises ValueError for what is not written so."""
    is_required: bool = False
    """Whether nothing can be asked without it, as where paths name the account."""


@dataclass(frozen=True)
class Vendor:
    """A vendor: `name` is the `platform` of its events and the first part of its asset keys."""

    name: str
    title: str
    key_setting: str
    base_url_setting: str
    base_url: str
    """Empty where every company has its own: then the setting must be given."""
    endpoints: tuple[Endpoint, ...]
    platforms: tuple[PlatformRow, ...]
    headers: Callable[[str], dict[str, str]]
    """The authentication headers for a key."""
    requests_per_minute: int = 60
    key_name_patterns: Mapping[str, str] = field(default_factory=dict)
    """How the vendor's tools name the keys that they make: a regular expression over key names,
    whose group `owner` holds the owner's mailbox name, to the `platform_subtype` of the tool."""
    members_consume_seats: bool = False
    """Whether every member in its list holds a seat of the company's contract."""
    key_begins: str = ""
    """How every key of the right kind begins; empty where they do not tell. A key of another kind,
    under another name, is there for something else."""
    options: tuple[Option, ...] = ()
    remedies: Mapping[int, str] = field(default_factory=dict)
    """What to do about a refusal with this status, where it is not the key or the base URL."""
    logins_ignore_case: bool = False
    """Whether what it calls a person is a login, which knows no case: readers write it lower case,
    and so is it read where people write it. Ids are opaque and kept as they are."""
    from_files: tuple[Endpoint, ...] = ()
    """What is known of its products without asking it: endpoints that read files."""

    @property
    def every_endpoint(self) -> tuple[Endpoint, ...]:
        """What it is asked, and what is read from files."""
        return (*self.endpoints, *self.from_files)

    def client_of(self, endpoint: Endpoint) -> str:
        """The name of whom the endpoint is asked of: the vendor's, or that of its own files."""
        return self.name if endpoint.files is None else f"{self.name}_{endpoint.name}"

    @property
    def clients(self) -> tuple[str, ...]:
        """The names of all that it is asked through, its own first."""
        return (self.name, *map(self.client_of, self.from_files))

    @property
    def event_endpoints(self) -> tuple[Endpoint, ...]:
        """The endpoints that report events, as declared; those that read files come last."""
        return tuple(endpoint for endpoint in self.every_endpoint if endpoint.yields is RawEvent)

    def endpoint(self, name: str) -> Endpoint:
        """The endpoint of that name; KeyError if there is none."""
        for endpoint in self.every_endpoint:
            if endpoint.name == name:
                return endpoint
        raise KeyError(name)


def as_reported(platform: str, login: str) -> str:
    """A login that a person wrote, as the events of that platform have it."""
    folds = any(v.name == platform and v.logins_ignore_case for v in discovered_vendors())
    return login.lower() if folds else login


@cache
def discovered_vendors() -> tuple[Vendor, ...]:
    """Every module of this folder that declares a `VENDOR`, by name."""
    from ai_usage import vendors as platforms

    found = [
        getattr(importlib.import_module(f"{platforms.__name__}.{module.name}"), "VENDOR", None)
        for module in pkgutil.iter_modules(platforms.__path__)
    ]
    return tuple(sorted((v for v in found if isinstance(v, Vendor)), key=lambda v: v.name))
