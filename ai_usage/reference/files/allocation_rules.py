"""`allocation_rules.csv`: cost that is not split by usage, one line per rule, period and bearer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from ai_usage.reference.column import CODE, EMAIL, PERCENTAGE, Column, Row, of_table
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.known import USERS, Others, unknown_people, unknown_teams
from ai_usage.reference.periods import days_of, first_day, first_difference, in_order, last_day
from ai_usage.reference.problems import CellError, Problem

_TABLE = "allocation_rules"
DEFAULT_WORKSPACE = "default"
_SAME = ("method", "team", "cost_center", "project_codes")
"""What the lines of one rule and period say together: the cost is moved once, then split."""
_WHOLE = Decimal(100)

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "equal_split": ("team",),
    "manual": ("user_email", "percentage"),
    "usage_based": (),
}


class _Block(NamedTuple):
    """The lines of one rule and period."""

    platform: str
    rule_id: str
    scope: tuple[str, str | None]
    first: date
    last: date


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    yield from in_order(row)
    if (row["scope_type"] == "platform") != (row["scope_value"] is None):
        whole = row["scope_type"] == "platform"
        what = "is filled" if whole else "is empty"
        remedy = (
            "a rule of a whole platform has none"
            if whole
            else f"write its id; {DEFAULT_WORKSPACE} is the default workspace"
        )
        yield "scope_value", CellError(what, remedy)
    needed = _NEEDS[row["method"]]
    for column in ("team", "user_email", "percentage"):
        if column in needed and row[column] is None:
            yield column, CellError("is empty", f"{row['method']} needs it")
        if column not in needed and row[column] is not None:
            what = "is filled"
            yield column, CellError(what, f"{row['method']} has none; empty it")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    blocks: dict[_Block, list[Line]] = defaultdict(list)
    for line in lines:
        blocks[_block(line.values)].append(line)
    for own in blocks.values():
        yield from _within(own)
    yield from _one_scope(lines)
    yield from _overlapping(blocks)


def _block(row: Row) -> _Block:
    scope = (row["scope_type"], row["scope_value"])
    return _Block(row["platform"], row["rule_id"], scope, first_day(row), last_day(row))


def _within(lines: Sequence[Line]) -> Iterator[Problem]:
    head = lines[0]
    seen: dict[str | None, int] = {}
    for line in lines:
        for column in _SAME:
            if line.values[column] != head.values[column]:
                what = f"differs from line {head.number} of the same rule and period"
                yield Problem(line.number, column, what, "they must agree")
        bearer = line.values["user_email"]
        first = seen.setdefault(bearer, line.number)
        if first != line.number:
            what = f"{bearer or 'the rule'} stands in line {first} too for the same days"
            yield Problem(line.number, "user_email", what, "keep one of them")
    if head.values["method"] == "manual":
        total = sum((line.values["percentage"] or Decimal() for line in lines), Decimal())
        if total != _WHOLE:
            rule, count = head.values["rule_id"], len(lines)
            what = f"the percentages of {rule} sum to {total:f} in {count} lines, not to 100"
            yield Problem(lines[-1].number, "percentage", what, "make them sum to exactly 100")


def _one_scope(lines: Sequence[Line]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Line] = {}
    for line in lines:
        row = line.values
        known = first.setdefault((row["platform"], row["rule_id"]), line)
        if _block(row).scope != _block(known.values).scope:
            what = f"{row['rule_id']} is about something else in line {known.number}"
            yield Problem(line.number, "rule_id", what, "give this rule another rule_id")


def _overlapping(blocks: Mapping[_Block, Sequence[Line]]) -> Iterator[Problem]:
    scopes: dict[tuple[str, tuple[str, str | None]], list[_Block]] = defaultdict(list)
    for block in blocks:
        scopes[block.platform, block.scope].append(block)
    for own in scopes.values():
        own.sort(key=lambda block: (block.first, blocks[block][0].number))
        reach = own[0]
        for block in own[1:]:
            if block.first <= reach.last:
                numbers = sorted((blocks[reach][0].number, blocks[block][0].number))
                what = f"the days overlap those of the rule in line {numbers[0]}"
                remedy = "end the earlier rule with valid_to: one rule a day for a key or workspace"
                yield Problem(numbers[1], "valid_from", what, remedy)
            if block.last > reach.last:
                reach = block


def _check_across(lines: Sequence[Line], others: Others) -> Iterator[Problem]:
    yield from unknown_people(lines, others)
    yield from unknown_teams(lines, others)


_FROM, _TO = days_of(_TABLE)

FILE = ReferenceFile(
    name="allocation_rules.csv",
    description="Rules that split the cost of a key, a workspace or a platform otherwise than by "
    "usage. The narrowest counts: a key's before its workspace's before the platform's. A "
    "platform's splits all that no narrower one splits: report lines, overage, seats, other costs.",
    columns=(
        of_table(
            _TABLE,
            "rule_id",
            description="Name of the rule; the lines of one rule and period belong together.",
            required=True,
        ),
        of_table(_TABLE, "platform", kind=CODE, required=True),
        of_table(
            _TABLE,
            "scope_type",
            description="What the rule is about.",
            required=True,
            choices=("api_key", "workspace", "platform"),
        ),
        of_table(
            _TABLE,
            "scope_value",
            description="Id of the key or the workspace; default is the default workspace. Empty "
            "for a platform.",
        ),
        of_table(_TABLE, "method", required=True, choices=tuple(_NEEDS)),
        of_table(_TABLE, "team"),
        of_table(
            _TABLE,
            "user_email",
            kind=EMAIL,
            description="Person who bears percentage of the cost (manual).",
        ),
        Column(
            "percentage",
            PERCENTAGE,
            "Share of the person (manual), at most 6 places; the lines of a rule and period sum "
            "to exactly 100.",
        ),
        of_table(_TABLE, "cost_center"),
        of_table(_TABLE, "project_codes"),
        _FROM,
        _TO,
    ),
    examples=(
        {
            "rule_id": "support-bot",
            "platform": "anthropic",
            "scope_type": "api_key",
            "scope_value": "apikey_01Example",
            "method": "manual",
            "user_email": "ada.byron@example.com",
            "percentage": "62.5",
            "cost_center": "CC-100",
            "valid_from": "2026-01-01",
        },
        {
            "rule_id": "support-bot",
            "platform": "anthropic",
            "scope_type": "api_key",
            "scope_value": "apikey_01Example",
            "method": "manual",
            "user_email": "grace.murray@example.com",
            "percentage": "37.5",
            "cost_center": "CC-100",
            "valid_from": "2026-01-01",
        },
        {
            "rule_id": "sandbox",
            "platform": "anthropic",
            "scope_type": "workspace",
            "scope_value": "default",
            "method": "equal_split",
            "team": "Search",
            "project_codes": "INDEX",
            "valid_from": "2026-01-01",
            "valid_to": "2026-06-30",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
    check_across=_check_across,
    checked_against=(USERS,),
    changed_from=first_difference(),
)
