"""Seats that belong to Shared because no source says who held them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ai_usage.days.spans import Span, atoms, days_text
from ai_usage.finance.contracts import Contract
from ai_usage.finance.holders import Holders


class Untold(NamedTuple):
    """Days of a contract's seats of which neither the file nor a member list speaks."""

    contract: Contract
    span: Span

    def __str__(self) -> str:
        contract = self.contract
        return (
            f"nobody is known to have held the seats of {contract.contract_id} "
            f"({contract.platform}) {days_text(self.span)}, so their cost is Shared: they lie "
            "before the first member list, and no line of seat_assignments.csv speaks of them; "
            "name the holders there"
        )


def untold_seats(contracts: Iterable[Contract], holders: Holders, asked: Span) -> Iterator[Untold]:
    """The stretches of the asked days on which seats are bought and no source knows a holder."""
    for contract in contracts:
        spoken = [
            told.span
            for told in holders.told
            if told.platform == contract.platform
            and told.contract_id in (None, contract.contract_id)
        ]
        bought = [terms.span & asked for terms in contract.terms if terms.quantity]
        for span in _joined(bought):
            for rest in span.minus(spoken):
                yield Untold(contract, rest)


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Stretches that follow each other as one."""
    found: list[Span] = []
    for span in atoms(spans):
        if found and found[-1].last.toordinal() + 1 == span.first.toordinal():
            found[-1] = Span(found[-1].first, span.last)
        else:
            found.append(span)
    return found
