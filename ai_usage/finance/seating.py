"""Which seat is whose, day by day: contracts times holders. No money here.

The rules, in order:

- A holder sits on a seat of the contract that seat_assignments.csv names, else on any of the
  platform's contracts whose holders the file does not name; one seat a person.
- Where more people than seats are entitled, those entitled the longest sit (ties by address);
  the others are returned as over-assigned and get a seat when one becomes free.
- Who sits keeps the seat. Who comes, or comes back, takes the seat they had last if it is free,
  else the one that has been free the longest, so that a seat whose month is paid is taken last.
- A seat that nobody holds is there all the same, without a holder. Where a source still gives it
  to somebody who has left, it says so; who is here takes it if no other one is free.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from ai_usage.days.cycles import cycle_of
from ai_usage.days.spans import Span, atoms, day_before, days_text
from ai_usage.finance.contracts import Contract, Terms
from ai_usage.finance.holders import NONE, Holders, Holding, Left, extents


class SeatPeriod(NamedTuple):
    """One seat under one set of terms and with one holder (None: nobody), both days included.

    `leaver` is whom the source gives the seat that nobody holds, though they have left.
    """

    span: Span
    terms: Terms
    user_email: str | None
    source: str
    leaver: str | None = None


@dataclass(frozen=True)
class Seat:
    """One bought seat of a contract: its periods in order, none overlapping."""

    contract: Contract
    number: int
    periods: tuple[SeatPeriod, ...]


class OverAssigned(NamedTuple):
    """Days on which somebody is entitled to a seat and none is left."""

    platform: str
    contract_id: str | None
    user_email: str
    span: Span


@dataclass(frozen=True)
class Seating:
    """Every seat, and what a person should look at."""

    seats: tuple[Seat, ...] = ()
    over_assigned: tuple[OverAssigned, ...] = ()
    left: tuple[Left, ...] = ()

    def warnings(self) -> list[str]:
        """The findings as one line each."""
        return [
            *(
                f"{o.contract_id or o.platform}: {o.user_email} is given a seat "
                f"{days_text(o.span)}, and all are taken; buy one more or fix seat_assignments.csv"
                for o in self.over_assigned
            ),
            *(
                f"{gone.contract_id or gone.platform}: {gone.user_email} has left and is still "
                f"given a seat {days_text(gone.span)}; free it at the vendor"
                for gone in self.left
            ),
        ]


def assign_seats(contracts: Sequence[Contract], holders: Holders) -> Seating:
    """Seat everybody, platform by platform. The order of the arguments' rows does not matter."""
    seats: list[Seat] = []
    over: list[OverAssigned] = []
    for platform in sorted({contract.platform for contract in contracts}):
        own = [contract for contract in contracts if contract.platform == platform]
        room = _Room(
            own,
            [h for h in holders.holdings if h.platform == platform],
            [gone for gone in holders.left if gone.platform == platform],
        )
        for span in room.stretches():
            room.seat(span)
        seats += room.seats()
        over += room.over_assigned()
    return Seating(tuple(seats), tuple(over), holders.left)


def affected_from(contracts: Iterable[Contract], day: date) -> date:
    """The first day whose seat events may change when a holder or a term changes on the day.

    That of a full_month contract's billing month: who joins within it bears the whole month, and
    the seat's days before, until then nobody's, cost nothing.
    """
    full = (c for c in contracts if c.pricing == "full_month")
    return min((cycle_of(day, c.billing_day).first for c in full), default=day)


_Slot = tuple[int, int]
"""(place of the contract, number of the seat)."""
_Claim = tuple[str | None, str]
"""(contract, or None for any of the platform, address)."""


@dataclass
class _Room:
    """The seats of one platform while its days go by."""

    contracts: Sequence[Contract]
    holdings: Sequence[Holding]
    left: Sequence[Left] = ()
    sitting: dict[_Slot, _Claim] = field(default_factory=dict)
    freed: dict[_Slot, date] = field(default_factory=dict)
    last_seat: dict[_Claim, _Slot] = field(default_factory=dict)
    periods: dict[_Slot, list[SeatPeriod]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[_Claim, list[Span]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        everyone: list[Holding | Left] = [*self.holdings, *self.left]
        self._named = {contract: span for (_p, contract), span in extents(everyone).items()}
        self._starting = sorted(everyone, key=lambda h: h.span)

    def stretches(self) -> list[Span]:
        """The days between all changes."""
        spans = [terms.span for contract in self.contracts for terms in contract.terms]
        return atoms([*spans, *(h.span for h in self._starting), *self._named.values()])

    def seat(self, span: Span) -> None:
        """Seat everybody for a stretch in which nothing changes; stretches come in order."""
        terms = {at: t for at, c in enumerate(self.contracts) if (t := _terms_on(c, span))}
        target = {at: self._target(self.contracts[at].contract_id, span) for at in terms}
        slots = [(at, n) for at, t in terms.items() for n in range(1, t.quantity + 1)]
        claims = self._claims(span)
        seated = self._entitled(span, claims, [target[at] for at, _n in slots])
        for slot, claim in list(self.sitting.items()):
            stays = claim in seated and slot[0] in terms and slot[1] <= terms[slot[0]].quantity
            if not stays or target[slot[0]] != claim[0]:
                del self.sitting[slot]
                self.freed[slot] = span.first
        self._place(seated, [slot for slot in slots if slot not in self.sitting], target)
        for slot in slots:
            self._note(slot, span, terms[slot[0]], claims)

    def seats(self) -> Iterator[Seat]:
        """Every seat that was ever bought, by contract and number."""
        for slot, own in sorted(self.periods.items()):
            yield Seat(self.contracts[slot[0]], slot[1], tuple(own))

    def over_assigned(self) -> Iterator[OverAssigned]:
        """Who found no seat, and when."""
        platform = self.contracts[0].platform
        for (contract, email), spans in sorted(self.refused.items(), key=lambda r: r[1][0]):
            for span in spans:
                yield OverAssigned(platform, contract, email, span)

    def _target(self, contract_id: str, span: Span) -> str | None:
        """Whose claims the contract's seats are for: its own, while the file names its holders."""
        named = self._named.get(contract_id)
        return contract_id if named and named.holds(span) else None

    def _claims(self, span: Span) -> dict[_Claim, Holding | Left]:
        """Who is entitled in the stretch; who has a seat by name has none of the pool besides."""
        found = {(h.contract_id, h.user_email): h for h in self._starting if h.span.holds(span)}
        named = {email for contract, email in found if contract is not None}
        return {c: h for c, h in found.items() if c[0] is not None or c[1] not in named}

    def _entitled(
        self, span: Span, claims: dict[_Claim, Holding | Left], targets: Sequence[str | None]
    ) -> dict[_Claim, None]:
        """As many claims as there are seats for them, those who sit and those longest entitled.

        Leavers come last, and miss no seat.
        """
        sitting = set(self.sitting.values())

        def rank(claim: _Claim) -> tuple[bool, bool, date, str]:
            held = claims[claim]
            return isinstance(held, Left), claim not in sitting, held.span.first, claim[1]

        ranked = sorted(claims, key=rank)
        room = Counter(targets)
        kept: dict[_Claim, None] = {}
        for claim in ranked:
            if claim[0] not in room:
                continue  # Nothing of the kind is bought in these days: no seat is missing.
            if room[claim[0]] > 0:
                room[claim[0]] -= 1
                kept[claim] = None
            elif not isinstance(claims[claim], Left):
                _extend(self.refused[claim], span)
        return kept

    def _place(
        self, claims: Iterable[_Claim], free: list[_Slot], target: dict[int, str | None]
    ) -> None:
        sitting = set(self.sitting.values())
        for claim in claims:
            if claim in sitting:
                continue
            fitting = [slot for slot in free if target[slot[0]] == claim[0]]
            slot = self.last_seat.get(claim)
            if slot not in fitting:
                slot = min(fitting, key=lambda s: (self.freed.get(s, date.min), s))
            free.remove(slot)
            self.sitting[slot] = claim
            self.last_seat[claim] = slot

    def _note(
        self, slot: _Slot, span: Span, terms: Terms, claims: dict[_Claim, Holding | Left]
    ) -> None:
        sitting = self.sitting.get(slot)
        held = claims[sitting] if sitting else None
        period = SeatPeriod(
            span,
            terms,
            user_email=held.user_email if isinstance(held, Holding) else None,
            source=held.source if held else NONE,
            leaver=held.user_email if isinstance(held, Left) else None,
        )
        own = self.periods[slot]
        if own:
            last = own[-1]
            if last[1:] == period[1:] and last.span.last == day_before(span.first):
                own[-1] = last._replace(span=Span(last.span.first, span.last))
                return
        own.append(period)


def _terms_on(contract: Contract, span: Span) -> Terms | None:
    return next((terms for terms in contract.terms if terms.span.holds(span)), None)


def _extend(spans: list[Span], span: Span) -> None:
    if spans and spans[-1].last == day_before(span.first):
        spans[-1] = Span(spans[-1].first, span.last)
    else:
        spans.append(span)
