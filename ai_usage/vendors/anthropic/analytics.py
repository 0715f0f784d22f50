"""Anthropic's Usage and Cost Analytics API: who used what and what that costs, person or key.

A public beta since 2026-10-29, for Console organisations and for Claude Enterprise. The shape is
that of the vendor's SDK; no live call was made. Rows come by day and by what they are grouped by,
and none is left out; a day without any has no row, so `data_refreshed_at` says how far they reach.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import date, datetime, timedelta

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.anthropic import api, lines
from ai_usage.vendors.base import Client, ReadContext
from ai_usage.vendors.kit.asking import listed
from ai_usage.vendors.kit.event import charge
from ai_usage.vendors.kit.paginate import Listing, Says
from ai_usage.vendors.kit.promises import Paging
from ai_usage.vendors.kit.values import NULL, day_start_of, decoded, email_of, instant_of, text_of
from ai_usage.vendors.rows import RawEvent

BETA = {"anthropic-beta": "analytics-usage-cost-2026-08-24"}
PATH = "/v1/organizations/analytics"
FIRST, KEPT = date(2026, 1, 1), timedelta(days=365)
"""The first day that it has, and for how long it has one."""
LAG = timedelta(hours=24)
"""Figures come after 4 to 24 hours. They are revised for 30 days, which the nightly run reads."""
COST_GROUPS = ("cost_type", "token_type")
"""Groups of costs that do not count towards the five that a request may name."""
API_PRODUCTS = frozenset(
    {"claude_console", "managed_agents_api", "message_batches_api", "messages_api"}
)
"""Products of the Console's organisations; all others are claude.ai's."""


class _Provider(msgspec.Struct, gc=False):
    type: str | None = None


class Actor(msgspec.Struct, gc=False):
    """Who acted; legacy reports of Claude Enterprise spell the address otherwise."""

    type: str | None = None
    user_id: str | None = None
    email_address: str | None = None
    email: str | None = None
    service_account_id: str | None = None
    api_key_id: str | None = None
    provider: _Provider | None = None
    subject: str | None = None


class Group(msgspec.Struct, gc=False):
    """What a row is grouped by; what was not asked for, or is not known, is null."""

    actor: Actor | None = None
    api_key_id: str | None = None
    workspace_id: str | None = None
    product: str | None = None
    model: str | None = None
    context_window: str | None = None
    speed: str | None = None
    cost_type: str | None = None
    token_type: str | None = None


class _Money(msgspec.Struct, gc=False):
    """Cents as decimal texts: after discounts and before credits, and at list price."""

    amount: msgspec.Raw = NULL
    list_amount: msgspec.Raw = NULL
    currency: str | None = None


class CostRow(msgspec.Struct, gc=False):
    """A row of costs."""

    starting_at: str
    group: Group
    cost: _Money


class _Answer(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool | None = None
    next_page: str | None = None
    data_refreshed_at: str | None = None


class _Kin(msgspec.Struct):
    starting_at: str
    group: dict[str, object]


_ANSWER, _KIN = msgspec.json.Decoder(_Answer), msgspec.json.Decoder(_Kin)
COST = msgspec.json.Decoder(CostRow)
NOBODY = Actor()


# --- Asking ----------------------------------------------------------------------------------


def kept(window: Window, now: datetime) -> Window | None:
    """The part of a window that the vendor keeps: of older days it knows nothing any more."""
    return window.since(max(FIRST, now.date() - KEPT))


def pages(
    client: Client,
    endpoint: str,
    kind: str,
    groups: Sequence[str],
    window: Window,
    now: datetime,
) -> Iterator[Page]:
    """Every row of the window, by day and group, in the order of days: amounts move while paging.

    Raises `VendorError`, also where a day that ended `LAG` ago is not refreshed to its end.
    """
    reached: list[datetime] = []

    def says(paging: Paging, page: Page, number: int) -> Says:
        answer = paging.decode(page, _ANSWER)
        if answer.data_refreshed_at:
            reached.append(instant_of(answer.data_refreshed_at))
        return Says(answer.data, answer.has_more, answer.next_page)

    def whole(paging: Paging) -> None:
        settled = window.settled(now, LAG)
        if settled and reached and min(reached) < Window.day(settled[-1]).end_at:
            until = f"{min(reached):%Y-%m-%d %H:%M} UTC"
            raise paging.failure(f"its figures reach to {until}, and {settled[-1]} has settled")

    params = [
        ("starting_at", f"{window.start}T00:00:00Z"),
        ("ending_at", f"{window.end}T00:00:00Z"),
        ("time_bucket_width", "1d"),
        ("order_by", "time"),
        ("order", "asc"),
        ("limit", str(api.MOST_RECORDS)),
        *(("group_by[]", group) for group in groups),
    ]

    listing = Listing("token", says, key=_kin)
    path, where = f"{PATH}/{kind}", f"{window}"
    return listed(client, listing, endpoint, path, params, where, headers=BETA, at_end=whole)


def _kin(record: msgspec.Raw) -> Hashable | None:
    """A row is known by its day and its groups."""
    kin = decoded(_KIN, record)
    return None if kin is None else msgspec.json.encode(kin, order="sorted")


def records(page: bytes) -> list[msgspec.Raw]:
    """The rows of a page, which must have its list."""
    return _ANSWER.decode(page).data


def is_page(page: bytes) -> bool:
    """Whether a page is of this API; the records of the older reports' pages are buckets."""
    return any(_kin(record) is not None for record in api.records(page))


# --- Reading ---------------------------------------------------------------------------------


def cost_event(record: msgspec.Raw, context: ReadContext, product: str = api.API) -> RawEvent:
    """A row of costs: what a person, key or account is billed for a kind of line.

    It names who acted, so that nothing of it is split: not even what names nobody, since all others
    have rows of their own.
    """
    row = COST.decode(record)
    group = row.group
    currency = (row.cost.currency or "USD").upper()
    # The vendor bills in dollars only; another currency's cents are not dollars.
    amount, flags = charge(row.cost.amount if currency == "USD" else NULL, bills=True)
    identity = (group.cost_type, group.token_type, currency)
    event = named(row.starting_at, group, "cost", identity, product)
    event.token_type = group.token_type
    event.weight_class = lines.weight_class(group.token_type, group.cost_type)
    event.cost_usd, event.cost_currency = amount, currency
    event.cost_type = group.token_type or group.cost_type
    event.billing_period = "daily"
    event.attribution_method = "unnamed"
    event.is_committed = False
    event.validation_errors = [*lines.unknown(group.token_type, group.cost_type), *flags]
    return event


def named(
    starting_at: str,
    group: Group,
    event_type: str,
    identity: tuple[str | None, ...],
    product: str,
) -> RawEvent:
    """An event of a row: its day, whom it names and what it is grouped by. ValueError for no day.

    It is of `product` unless its group says that it is Claude Code.

    A key stands for its owner in the list of keys. A service account is no person: `api_keys.csv`
    says whose it is by its id, and whose a cloud's account is by that account's name.
    """
    day, start, iso = day_start_of(starting_at)
    actor = group.actor or NOBODY
    account = actor.user_id or actor.service_account_id
    provider = None if actor.provider is None else actor.provider.type
    return RawEvent(
        identity=(
            "analytics",
            iso,
            *(actor.type, account or actor.api_key_id, provider, actor.subject),
            *(group.api_key_id, group.workspace_id, group.product, group.model),
            *(group.context_window, group.speed),
            *identity,
        ),
        event_timestamp=start,
        event_date=day,
        event_type=event_type,
        platform_subtype=api.CODE if group.product == api.CODE else product,
        user_email=email_of(actor.email_address or actor.email),
        actor_name=text_of(actor.subject),
        api_key_id=text_of(group.api_key_id or actor.api_key_id or actor.service_account_id),
        workspace_id=text_of(group.workspace_id),
        model=group.model,
        context_window=group.context_window,
        vendor_user_id=text_of(account),
    )
