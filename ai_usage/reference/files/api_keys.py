"""`api_keys.csv`: the key register, one line per key and owner, with the days it holds."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from ai_usage.reference.column import CODE, EMAIL, FIRST_DAY, Row, of_table
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.problems import CellError, Problem

_TABLE = "api_key_mappings"
_SECRET = re.compile(r"(sk-|crsr_|key_[0-9a-f]{32})", re.IGNORECASE)
"""How the vendors' secrets begin; ids and names of keys never do."""


def is_secret(text: str | None) -> bool:
    """Whether the text begins as the vendors' secret keys do."""
    return bool(_SECRET.match(text or ""))


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    for column in ("api_key_id", "api_key_name"):
        if is_secret(row[column]):
            what = "holds a secret key, not the key's id or name"
            yield column, CellError(what, "revoke that key, and write its id (apikey_…) here")
    if not row["api_key_id"] and not row["api_key_name"]:
        what = "is empty, and so is api_key_name"
        yield "api_key_id", CellError(what, "name the key by its id or its name")
    created, expires = row["created_date"], row["expires_date"]
    if created and expires and expires < created:
        what = f"{expires} lies before created_date {created}"
        yield "expires_date", CellError(what, "swap or fix them")


def _key(row: Row) -> tuple[str, ...]:
    """What the line speaks of: a key by id, or every key of a name (in its workspace, if given)."""
    if row["api_key_id"]:
        return (row["platform"], "id", row["api_key_id"])
    return (row["platform"], "name", row["api_key_name"], row["workspace_id"] or "")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    """One owner a key and day: a key handed on has a line for each owner, one after the other."""
    keys: dict[tuple[str, ...], list[Line]] = defaultdict(list)
    for line in lines:
        keys[_key(line.values)].append(line)
    for own in keys.values():
        own.sort(key=lambda line: (line.values["created_date"] or FIRST_DAY, line.number))
        reach = own[0]
        for line in own[1:]:
            if (line.values["created_date"] or FIRST_DAY) <= _last_day(reach.values):
                earlier, later = sorted((line, reach), key=lambda line: line.number)
                what = f"the key's days overlap those of {earlier.place}"
                remedy = f"end the earlier owner's {earlier.unit} with expires_date"
                yield Problem(later.number, "created_date", what, remedy)
            if _last_day(line.values) > _last_day(reach.values):
                reach = line


def _last_day(row: Row) -> date:
    last: date = row["expires_date"] or date.max
    return last


def _changed_from(before: Sequence[Row], after: Sequence[Row], observed: date) -> date:
    """A line matters from its created_date on, without one since ever."""
    changed = [row for row in after if row not in before]
    changed += [row for row in before if row not in after]
    return min((row["created_date"] or FIRST_DAY for row in changed), default=observed)


_NAMES = [
    "platform",
    "api_key_id",
    "api_key_name",
    "user_email",
    "platform_subtype",
    "workspace_id",
    "environment",
    "intended_use",
    "cost_center",
    "project_codes",
    "is_active",
    "created_date",
    "last_verified_date",
    "expires_date",
    "auto_deactivate_after_days",
    "created_by",
    "updated_by",
]

_OWN = {
    "platform": of_table(_TABLE, "platform", kind=CODE, required=True),
    "api_key_id": of_table(
        _TABLE,
        "api_key_id",
        description="Vendor's id of the key (apikey_…), never its secret. Empty: the line speaks "
        "for every key named api_key_name, in workspace_id if that is filled.",
    ),
    "user_email": of_table(_TABLE, "user_email", kind=EMAIL, required=True),
    "platform_subtype": of_table(_TABLE, "platform_subtype", kind=CODE),
    "environment": of_table(
        _TABLE, "environment", choices=("development", "production", "testing")
    ),
    "intended_use": of_table(
        _TABLE,
        "intended_use",
        choices=("personal", "project_specific", "team", "service"),
        default="personal",
    ),
    "is_active": of_table(_TABLE, "is_active", default=True),
    "last_verified_date": of_table(
        _TABLE,
        "last_verified_date",
        description="Last day on which someone confirmed the line; confidence falls from here. "
        "Empty: the day on which the line was last seen to change.",
    ),
    "auto_deactivate_after_days": of_table(_TABLE, "auto_deactivate_after_days", minimum=1),
}

FILE = ReferenceFile(
    name="api_keys.csv",
    description="The key register: who owns an API key, from when to when. The strongest source "
    "of `api_key_mappings` (`manual_entry`).",
    columns=tuple(_OWN.get(name) or of_table(_TABLE, name) for name in _NAMES),
    examples=(
        {
            "platform": "anthropic",
            "api_key_id": "apikey_01Example",
            "api_key_name": "ada-laptop",
            "user_email": "ada.byron@example.com",
            "platform_subtype": "claude_code",
            "intended_use": "personal",
            "created_date": "2026-01-01",
            "expires_date": "2026-06-30",
            "last_verified_date": "2026-05-31",
        },
        {
            "platform": "anthropic",
            "api_key_name": "search-indexer",
            "user_email": "grace.murray@example.com",
            "environment": "production",
            "intended_use": "service",
            "cost_center": "CC-100",
            "project_codes": "SEARCH;INDEX",
        },
    ),
    check_row=_check_row,
    check_file=_check_file,
    changed_from=_changed_from,
)
