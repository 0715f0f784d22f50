"""What taking bills into the archive brings: which are new, what they replace, what they leave out.

All bills of a command are looked at before one is taken. A service without a line in the mapping is
told with its dollars: its charges are in the archive and no cost until somebody says what it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.errors import ReferenceFileError
from ai_usage.finance.currency import Rate, Rates, in_usd
from ai_usage.finance.exact import on_day
from ai_usage.focus.bills import Bill, Billed, Head, bills_of, refuse_parts_of_periods
from ai_usage.focus.events import refusal_of_direct
from ai_usage.focus.files import FocusFile
from ai_usage.focus.mapping import Services
from ai_usage.focus.same_dollars import Source, clashes
from ai_usage.focus.shelf import HeldBill, newest_bills
from ai_usage.reference.files.focus_mapping import INCLUDE
from ai_usage.text.words import counted
from ai_usage.vendors.answers import ImportRefusedError
from ai_usage.vendors.base import Vendor


@dataclass(frozen=True)
class Known:
    """What bills are judged by: the mapping, the rates, and who else has their dollars.

    `direct` are the vendors whose cost comes from themselves, `others` says which other sources
    speak of a period.
    """

    services: Services
    rates: Rates
    direct: Collection[Vendor] = ()
    others: Callable[[Window], Collection[Source]] = lambda _period: ()


class Service(NamedTuple):
    """What bills say of a service: US dollars, and charges."""

    provider: str
    service: str
    usd: Decimal
    charges: int

    def __str__(self) -> str:
        return (
            f"{self.provider} {self.service}: ${self.usd:,.2f} in {counted(self.charges, 'charge')}"
        )


@dataclass
class Sorted:
    """A bill's services by what the mapping says of them, each with the most dollars first."""

    tools: list[Service] = field(default_factory=list)
    excluded: list[Service] = field(default_factory=list)
    unmapped: list[Service] = field(default_factory=list)


@dataclass(frozen=True)
class Taking:
    """A bill that is to be taken, what it replaces, and its services."""

    bill: Bill
    head: Head
    replaces: Head | None
    is_held: bool
    """Whether the archive has this very bill: it need not be taken again."""
    sorted: Sorted


def plan(
    files: Sequence[FocusFile],
    archive: Archive,
    today: date,
    known: Known,
    *,
    replace: bool = False,
    stated: Window | None = None,
) -> list[Taking]:
    """Look through files that are given together: which bills they bring.

    Raises `ImportRefusedError` where a file cannot be read, a bill is not whole (`PeriodRunsError`
    where its period runs), overlaps another period of its account, brings a service that its
    vendor reports itself or another source has the cost of, or, without `replace`, is of other
    providers than the one it would replace; `ReferenceFileError` where an exchange rate is missing;
    `ArchiveError`.
    """
    held = newest_bills(archive)
    found = []
    for bill in bills_of(files):
        refuse_parts_of_periods(bill, today, stated)
        head = bill.head
        before = next((one.head for one in held if one.key == bill.key), None)
        is_held = before is not None and _content(before) == _content(head)
        _refuse_overlaps(bill, held)
        if before is not None and not replace:
            _refuse_strangers(bill, before)
        refuse_direct(head, known)
        for clash in clashes(head, known.services, known.others(head.period)):
            raise ImportRefusedError(f"{bill.names} is refused. {clash}")
        found.append(Taking(bill, head, before, is_held, sorted_services([head], known)))
    return found


def sorted_services(heads: Iterable[Head], known: Known) -> Sorted:
    """The services of bills by what the mapping says of them, day by day.

    A charge that is in a line on some of its days alone counts on both sides, with its dollars of
    those days. Raises `ReferenceFileError` where an exchange rate is missing.
    """
    sums: dict[str, dict[tuple[str, str], tuple[Decimal, int]]] = {
        name: defaultdict(lambda: (Decimal(0), 0)) for name in ("tools", "excluded", "unmapped")
    }
    for head in heads:
        for billed in head.services:
            key = billed.provider, billed.service
            usd = in_usd(billed.amount, _rate(head, billed.currency, known.rates))
            own: dict[str, Decimal] = defaultdict(Decimal)
            days = billed.days()
            for n, day in enumerate(days, 1):
                own[_sort_of(billed, day, known)] += on_day(usd, n, len(days))
            for of, amount in own.items():
                before, charges = sums[of][key]
                sums[of][key] = before + amount, charges + billed.charges
    return Sorted(**{name: _listed(own.items()) for name, own in sums.items()})


def _sort_of(billed: Billed, day: date, known: Known) -> str:
    line = known.services.line(billed.provider, billed.service, day)
    if line is None:
        return "unmapped"
    return "tools" if line["treatment"] == INCLUDE else "excluded"


def refuse_direct(head: Head, known: Known) -> None:
    """Raise `ImportRefusedError` for a service whose cost comes from its vendor too.

    It does where the mapping gives it such a vendor's platform on any day of a charge, and where no
    line speaks of it and its provider or the service itself is called as the vendor is.
    """
    platforms = {vendor.name for vendor in known.direct}
    for billed in head.services:
        called = {billed.provider.casefold(), billed.service.casefold()}
        for day in billed.days():
            line = known.services.line(billed.provider, billed.service, day)
            if line is None:
                if any(called & _names(vendor) for vendor in known.direct):
                    raise ImportRefusedError(refusal_of_direct(billed.service, head.name, None))
            elif line["treatment"] == INCLUDE and line["platform"] in platforms:
                raise ImportRefusedError(refusal_of_direct(billed.service, head.name, line))


def told(taking: Taking) -> Iterator[str]:
    """What is taken of a bill and what is not, a line each, for a person."""
    head, services = taking.head, taking.sorted
    amounts = ", ".join(f"{amount:,.2f} {code}" for code, amount in sorted(head.totals.items()))
    held = " (there already, and the same)" if taking.is_held else ""
    yield f"{taking.bill.names}: FOCUS {taking.bill.version}, {head.name}, {amounts}{held}"
    if taking.replaces is not None and not taking.is_held:
        was = ", ".join(f"{v:,.2f} {c}" for c, v in sorted(taking.replaces.totals.items()))
        yield f"  takes the place of {was} that the archive had of it"
    for title, own in (
        ("cost of AI tools", services.tools),
        ("excluded", services.excluded),
        ("in no line of focus_mapping.csv, and so no cost", services.unmapped),
    ):
        usd = sum((service.usd for service in own), Decimal(0))
        yield f"  {title}: ${usd:,.2f}"
        if title != "excluded":
            yield from (f"    {service}" for service in own)


def _names(vendor: Vendor) -> set[str]:
    """What a vendor and its products are called, lower case."""
    products = [row.platform_name for row in vendor.platforms]
    companies = [str(row.values["vendor"]) for row in vendor.platforms if "vendor" in row.values]
    return {name.casefold() for name in (vendor.name, vendor.title, *products, *companies)}


def _rate(head: Head, currency: str, rates: Rates) -> Rate:
    try:
        return rates.usd(currency, head.start)
    except ReferenceFileError as error:
        raise ReferenceFileError(f"{head.name}: {error}") from None


def _listed(sums: Iterable[tuple[tuple[str, str], tuple[Decimal, int]]]) -> list[Service]:
    services = [Service(*key, usd, charges) for key, (usd, charges) in sums]
    return sorted(services, key=lambda s: (-s.usd, s.provider, s.service))


def _content(head: Head) -> set[str]:
    return {part.sha256 for part in head.parts}


def _refuse_overlaps(bill: Bill, held: Sequence[HeldBill]) -> None:
    period = bill.key.period
    for one in held:
        other = one.key.period
        meets = other.start < period.end and period.start < other.end
        if one.key.account == bill.key.account and other != period and meets:
            raise ImportRefusedError(
                f"{bill.names}: the billing period {period} of account {bill.key.account} overlaps "
                f"{other}, which the archive has of it, and would count days twice: export the "
                "account by its billing periods."
            )


def _refuse_strangers(bill: Bill, before: Head) -> None:
    mine = {provider.casefold() for provider in bill.head.providers}
    if mine.isdisjoint(provider.casefold() for provider in before.providers):
        raise ImportRefusedError(
            f"{bill.names} is {bill.head.name} of {', '.join(sorted(bill.head.providers))}, and "
            f"the archive has one of {', '.join(sorted(before.providers))}: import it with "
            "--replace if the one is to take the place of the other; two providers' accounts of "
            "one number cannot be told apart."
        )
