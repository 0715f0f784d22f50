"""Who else says what a bill says: contracts, cost entries and old tables of its days. Pure.

A bill is the whole of what its account was billed for a period. What another source says of the
same platform on one of its days is the same dollar once more, unless it names another account or
another product.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from ai_usage.days.spans import EVER, Span, day_before, span_of
from ai_usage.days.windows import Window
from ai_usage.focus.bills import Head
from ai_usage.focus.mapping import Services
from ai_usage.reference.column import Row
from ai_usage.vendors.base import WHOLE_PLATFORM

_ANOTHER_ACCOUNT = (
    "If another account is billed for it, fill in its billing_account_id; if the bill is not to "
    "count, set the service's treatment in focus_mapping.csv to exclude for those days."
)


@dataclass(frozen=True)
class Source:
    """Another source of a platform's cost on `days`; no `product` or `account` is any.

    `name` is what messages call it, `remedy` how its days end, `number` its line where it has one.
    """

    name: str
    remedy: str
    platform: str
    days: Span
    product: str | None = None
    account: str | None = None
    number: int = 0


class Clash(NamedTuple):
    """A bill and another source of the same dollars, and the first of their days."""

    head: Head
    service: str
    source: Source
    day: date

    @property
    def what(self) -> str:
        """What is wrong, without the source's name."""
        return (
            f"{self.source.platform} of {self.day} is in the bill of {self.head.name} too "
            f"({self.service!r}), so that its dollars would count twice"
        )

    def __str__(self) -> str:
        return f"{self.source.name}: {self.what}: {self.source.remedy}"


def contracts(rows: Iterable[Row], numbers: Sequence[int] = ()) -> list[Source]:
    """The contracts of seats.csv; `numbers` are their lines, where these are known."""
    return [
        Source(
            name=_place("seats.csv", number, f"contract {row['contract_id']}"),
            remedy="take the line out, or end it before the bill's period by valid_to. "
            + _ANOTHER_ACCOUNT,
            platform=row["platform"],
            days=span_of(row["valid_from"], row["valid_to"]),
            product=_product(row),
            account=row["billing_account_id"],
            number=number,
        )
        for number, row in _numbered(rows, numbers)
    ]


def cost_entries(rows: Iterable[Row], numbers: Sequence[int] = ()) -> list[Source]:
    """The costs of other_costs.csv; `numbers` are their lines, where these are known."""
    return [
        Source(
            name=_place("other_costs.csv", number, f"cost {row['cost_id']}"),
            remedy="take the line out. " + _ANOTHER_ACCOUNT,
            platform=row["platform"],
            days=Span(row["date_from"], row["date_to"] or row["date_from"]),
            product=_product(row),
            account=row["billing_account_id"],
            number=number,
        )
        for number, row in _numbered(rows, numbers)
    ]


def old_table(name: str, platform: str, windows: Iterable[Window]) -> list[Source]:
    """An old table that stands for the cost of a platform on days that no vendor answered."""
    remedy = "set the service's treatment in focus_mapping.csv to exclude for those days."
    return [
        Source(f"the old table {name}", remedy, platform, Span(own.start, day_before(own.end)))
        for own in windows
    ]


def clashes(
    head: Head, services: Services, sources: Collection[Source], asked: Span = EVER
) -> Iterator[Clash]:
    """The sources that have the same dollars as the bill on asked days, each once."""
    period = Span(head.start, day_before(head.end)) & asked
    billed = sorted({(of.provider, of.service) for of in head.services})
    for source in sources:
        own = source.days & period
        if not own or source.account not in (None, head.account):
            continue
        for day in own.days():
            service = next((s for p, s in billed if _is_of(services, p, s, day, source)), None)
            if service is not None:
                yield Clash(head, service, source, day)
                break


def _is_of(services: Services, provider: str, service: str, day: date, source: Source) -> bool:
    line = services.included(provider, service, day)
    if line is None or line["platform"] != source.platform:
        return False
    return None in (source.product, _product(line)) or source.product == _product(line)


def _product(row: Row) -> str | None:
    product: str | None = row["platform_subtype"]
    return None if product == WHOLE_PLATFORM else product


def _numbered(rows: Iterable[Row], numbers: Sequence[int]) -> list[tuple[int, Row]]:
    own = list(rows)
    return list(zip(numbers or [0] * len(own), own, strict=True))


def _place(file: str, number: int, called: str) -> str:
    return f"{file}:{number}: {called}" if number else f"{file}: {called}"
