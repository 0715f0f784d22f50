"""Bills: the charges of one account and billing period, whole, and what they say by service.

A bill takes the place of the one before it of its account and period, so that it must be whole: its
period is over, and its usage reaches from the period's first day to its last. Nothing here reads
the archive or a clock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec

from ai_usage.days.spans import Span, day_before
from ai_usage.days.windows import Window
from ai_usage.focus.charges import BadLineError, Charge, charge_of, version_of
from ai_usage.focus.files import FocusFile, part_of
from ai_usage.text.words import few
from ai_usage.vendors.answers import ImportRefusedError


class PeriodRunsError(ImportRefusedError):
    """A file is of a billing period that is not over: it is whole later."""


class Part(msgspec.Struct, frozen=True):
    """A file that a bill came in."""

    name: str
    sha256: str


class Billed(msgspec.Struct, frozen=True):
    """What a bill says of a service: the billed amount of the charges of the same days.

    `day` is the first of them; `last` is None where it is the only one, and in bills that were
    taken before charges of several days were kept apart.
    """

    provider: str
    service: str
    currency: str
    day: date
    amount: Decimal
    charges: int
    last: date | None = None

    def days(self) -> list[date]:
        """The UTC days that bear the charges, evenly."""
        return Span(self.day, self.last or self.day).days()


class Head(msgspec.Struct, frozen=True):
    """What a bill is, apart from its lines."""

    account: str
    start: date
    end: date
    parts: tuple[Part, ...]
    services: tuple[Billed, ...]

    @property
    def period(self) -> Window:
        """The billing period, as whole UTC days."""
        return Window(self.start, self.end)

    @property
    def name(self) -> str:
        """As messages call it."""
        return f"account {self.account}, {self.period}"

    @property
    def providers(self) -> set[str]:
        """Whose services are billed."""
        return {billed.provider for billed in self.services}

    @property
    def totals(self) -> dict[str, Decimal]:
        """The billed amounts by currency."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for billed in self.services:
            sums[billed.currency] += billed.amount
        return dict(sums)


class BillKey(NamedTuple):
    """What a bill is the newest of."""

    account: str
    period: Window


@dataclass
class Bill:
    """A bill as its files have it; `reach` is from the first to the last day of its usage."""

    key: BillKey
    files: list[FocusFile] = field(default_factory=list)
    sums: dict[tuple[str, str, str, Span], tuple[Decimal, int]] = field(default_factory=dict)
    usage: Span | None = None
    others: Span | None = None
    version: str = ""

    def add(self, charge: Charge, file: FocusFile) -> None:
        """Count a charge."""
        if file not in self.files:
            self.files.append(file)
        of = charge.provider, charge.service, charge.currency, charge.days
        amount, count = self.sums.get(of, (Decimal(0), 0))
        self.sums[of] = amount + charge.billed, count + 1
        if charge.is_correction:
            return
        if charge.category == "Usage":
            self.usage = _joined(self.usage, charge.days)
        else:
            self.others = _joined(self.others, charge.days)

    @property
    def names(self) -> str:
        """The files that it came in."""
        return few([file.shown for file in self.files])

    @property
    def head(self) -> Head:
        """What is kept of it besides its lines."""
        return Head(
            self.key.account,
            self.key.period.start,
            self.key.period.end,
            tuple(Part(file.shown, file.sha256) for file in self.files),
            tuple(_billed(*of, *said) for of, said in sorted(self.sums.items())),
        )


def bills_of(files: Sequence[FocusFile]) -> list[Bill]:
    """The bills in files that are read together, by account and period.

    Files that an exporter numbers as parts of one export make one bill together, any other file is
    whole by itself. Raises `ImportRefusedError` where a line cannot be read, a part is missing, or
    two files hold the same bill.
    """
    found: dict[BillKey, Bill] = {}
    _refuse_twice(files)
    for parts in _exports(files):
        own: dict[BillKey, Bill] = {}
        for file in parts:
            version = version_of(file.columns)
            for _, charge in charges_of(file):
                key = BillKey(charge.account, charge.period)
                if key not in own:
                    own[key] = Bill(key, version=version)
                own[key].add(charge, file)
        for key, bill in own.items():
            if key in found:
                raise ImportRefusedError(
                    f"{found[key].names} and {bill.names} both hold {bill.head.name}, and a file "
                    "takes the place of another: give the one that is to count."
                )
            found[key] = bill
    if not found:
        raise ImportRefusedError(
            f"{few([file.shown for file in files])} holds no charge; export the file anew."
        )
    return [found[key] for key in sorted(found)]


def charges_of(file: FocusFile) -> Iterator[tuple[int, Charge]]:
    """The charges of a file with their lines' numbers.

    Raises `ImportRefusedError` that names the line.
    """
    for number, record in file.records():
        try:
            yield number, charge_of(record)
        except BadLineError as error:
            raise ImportRefusedError(f"{file.shown}:{number}: {error}.") from None


def refuse_parts_of_periods(bill: Bill, today: date, stated: Window | None = None) -> None:
    """Raise `ImportRefusedError` unless the bill is of its whole period.

    `stated` are the days that a person says the files are about: an account may have had no usage
    at the beginning or the end of its period. Raises `PeriodRunsError` where the period runs.
    """
    period = bill.key.period
    if period.end > today:
        raise PeriodRunsError(
            f"{bill.names}: the billing period {period} of account {bill.key.account} is not over, "
            "so that the file holds a part of it: import it when the period has ended."
        )
    reach = bill.usage or bill.others
    if stated is not None and stated.start <= period.start and period.end <= stated.end:
        return
    whole = Span(period.start, day_before(period.end))
    if reach is None or not reach.holds(whole):
        has = "no charge but corrections" if reach is None else f"{reach.first} to {reach.last}"
        raise ImportRefusedError(
            f"{bill.names} covers a part of the billing period {period} of account "
            f"{bill.key.account}, {has}, and would take the place of the whole: export the whole "
            f"period. If there was no usage on the other days, say so: import it with --from "
            f"{whole.first} --to {whole.last}."
        )


def _exports(files: Sequence[FocusFile]) -> Iterator[list[FocusFile]]:
    """Files that make a bill together. Raises `ImportRefusedError` where a part is missing."""
    exports: dict[str, list[tuple[tuple[int, ...], FocusFile]]] = defaultdict(list)
    for file in files:
        part = part_of(file.path)
        export, number = part or (str(file.path), ())
        exports[export].append((number, file))
    for own in exports.values():
        own.sort(key=lambda numbered: numbered[0])
        if not _are_all([number for number, _ in own]):
            raise ImportRefusedError(
                f"{few([file.shown for _, file in own])}: a part of an export, and another part of "
                "it is missing: give all of them together."
            )
        yield [file for _, file in own]


def _are_all(numbers: Sequence[tuple[int, ...]]) -> bool:
    """Whether numbers of parts begin with 0 or 1 and leave none out; the last one cannot be told.

    Where parts have two numbers, one of them counts.
    """
    counting = [place for place in zip(*numbers, strict=True) if len(set(place)) > 1]
    if not counting:
        return all(min(number) <= 1 for number in numbers if number)
    return any(
        place[0] <= 1 and list(place) == list(range(place[0], place[0] + len(place)))
        for place in counting
    )


def _refuse_twice(files: Sequence[FocusFile]) -> None:
    seen: dict[str, FocusFile] = {}
    for file in files:
        one = seen.setdefault(file.sha256, file)
        if one is not file:
            raise ImportRefusedError(
                f"{one.shown} and {file.shown} are the same file: give it once."
            )


def _billed(
    provider: str, service: str, currency: str, days: Span, amount: Decimal, charges: int
) -> Billed:
    last = days.last if days.last > days.first else None
    return Billed(provider, service, currency, days.first, amount, charges, last)


def _joined(one: Span | None, other: Span) -> Span:
    if one is None:
        return other
    return Span(min(one.first, other.first), max(one.last, other.last))
