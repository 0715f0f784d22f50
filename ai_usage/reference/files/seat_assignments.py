"""`seat_assignments.csv`: who held a seat when, where the vendor's member lists cannot tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ai_usage.reference.column import CODE, EMAIL, Column, Row, of_table
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.known import USERS, Others, unknown_people
from ai_usage.reference.periods import days_of, first_difference, in_order, overlaps
from ai_usage.reference.problems import Problem

_TABLE = "dim_seats"
_SEATS = "seats.csv"


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    yield from overlaps(
        lines,
        lambda row: (row["platform"], row["contract_id"], row["user_email"]),
        "the person's days on the seat",
        "one line per person and stretch of days",
    )


def _check_across(lines: Sequence[Line], others: Others) -> Iterator[Problem]:
    yield from unknown_people(lines, others)
    yield from _unknown_contracts(lines, others.get(_SEATS, ()))


def _unknown_contracts(lines: Sequence[Line], seats: Sequence[Row]) -> Iterator[Problem]:
    contracts: dict[str, set[str]] = defaultdict(set)
    for row in seats:
        contracts[row["platform"]].add(row["contract_id"])
    for line in lines:
        platform, contract = line.values["platform"], line.values["contract_id"]
        own = sorted(contracts[platform])
        if not own:
            what = f"{_SEATS} has no contract of {platform}"
            yield Problem(line.number, "platform", what, f"add the contract to {_SEATS} first")
        elif contract and contract not in own:
            what = f"{_SEATS} has no contract {contract} of {platform}"
            yield Problem(line.number, "contract_id", what, f"one of {', '.join(own)}")


_FROM, _TO = days_of(_TABLE)

FILE = ReferenceFile(
    name="seat_assignments.csv",
    description="Who held a seat when: for the time before the first member list, and for plans "
    "whose vendor has none; seats of days that neither speaks of belong to Shared. From the first "
    "to the last day that a contract has lines here, they alone say who holds its seats.",
    columns=(
        of_table(_TABLE, "platform", kind=CODE, required=True),
        of_table(
            _TABLE,
            "contract_id",
            description="Contract in seats.csv. Empty: any contract of the platform that has no "
            "lines of its own here.",
        ),
        of_table(
            _TABLE, "user_email", kind=EMAIL, description="Holder of the seat.", required=True
        ),
        Column(_FROM.name, _FROM.kind, "First day on which they hold the seat. Empty: since ever."),
        Column(
            _TO.name,
            _TO.kind,
            "Last day on which they hold it. Empty: until further notice, or until they leave.",
        ),
    ),
    examples=(
        {
            "platform": "anthropic",
            "contract_id": "claude-team",
            "user_email": "ada.byron@example.com",
            "valid_from": "2026-01-15",
        },
        {
            "platform": "anthropic",
            "contract_id": "claude-team",
            "user_email": "grace.murray@example.com",
            "valid_from": "2026-01-01",
            "valid_to": "2026-09-30",
        },
    ),
    check_row=in_order,
    check_file=_check_file,
    check_across=_check_across,
    checked_against=(USERS, _SEATS),
    changed_from=first_difference(),
)
