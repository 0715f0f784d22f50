"""What the vendors' pages have in common, for faults that change them: lists, totals, paging."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

_LINES: Final = "lines of a file"
_LISTS: Final = (
    *("data", "usageEvents", "teamMembers", "teamMemberSpend", "Resources"),
    *("seats", "usageItems", _LINES, "members", "groups", "teams"),
)
_RECORD_TOTALS: Final = ("totalUsageEventsCount", "totalMembers", "totalCount", "totalResults")
_ENUMS: Final = (
    "kind",
    "service_tier",
    "cost_type",
    "customer_type",
    "role",
    "status",
    "mostUsedModel",
    "display_color",
    "sku",
    "line_item",
    "plan_type",
)
UNHEARD_OF: Final = "brand_new_value"
UNHEARD_FIELD: Final = "brand_new_field"

# A number keeps its digits, the zeros at its end too.
_DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

Change = Callable[[dict[str, Any]], None]


def decoded(body: bytes, kind: str) -> dict[str, Any] | None:
    """A body of that content type as an object with its list; None for what holds no records."""
    if kind.startswith("application/x-ndjson"):
        return {_LINES: [_DECODER.decode(line) for line in body.splitlines()]}
    if kind.startswith("text/csv"):
        return {_LINES: list(csv.DictReader(io.StringIO(body.decode())))}
    value = _DECODER.decode(body) if "json" in kind else None
    return value if isinstance(value, dict) else None


def encoded(value: dict[str, Any], kind: str) -> bytes:
    """What `decoded` took apart, in its own form again."""
    if kind.startswith("application/x-ndjson"):
        return b"".join(_ENCODER.encode(line) + b"\n" for line in value[_LINES])
    if kind.startswith("text/csv"):
        rows, written = value[_LINES], io.StringIO()
        names = dict.fromkeys(name for row in rows for name in row)
        table = csv.DictWriter(written, list(names), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
        return written.getvalue().encode()
    return _ENCODER.encode(value)


def is_later_page(query: bytes, body: bytes) -> bool:
    """Whether a request asks for another page than the first, in any vendor's way."""
    asked = parse_qs(query.decode("latin-1"))
    if asked.keys() & {"after_id", "after"}:
        return True
    if any(asked.get(name, ["1"]) != ["1"] for name in ("page", "startIndex")):
        return True
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(value, dict) and isinstance(value.get("page"), int) and value["page"] > 1


def last_record(body: Any) -> Any:
    """The last record or bucket of a page; None where it has none."""
    records = _outer(body)
    return records[-1] if records else None


def push_down(record: Any) -> Change:
    """A page that begins with the record, of a list that has grown by one in front."""

    def change(body: dict[str, Any]) -> None:
        if record is not None:
            _outer(body).insert(0, record)
        for place in (body, body.get("pagination") or {}):
            for name in (*_RECORD_TOTALS, "totalUsers"):
                if name in place:
                    place[name] += 1

    return change


def stray_token(body: dict[str, Any]) -> None:
    """Where a page is the last one, name another one all the same."""
    if body.get("has_more") is False:
        body["next_page"] = "page_stray"
    pagination = body.get("pagination")
    if pagination and pagination.get("hasNextPage") is False:
        for name in ("numPages", "totalPages"):
            if name in pagination:
                pagination[name] += 1


def add_wrong_types(body: dict[str, Any]) -> None:
    """Put every value of a record into a list."""
    records, at = _first(body)
    if records is not None:
        records[at] = {name: [value] for name, value in records[at].items()}


def add_unknown_enum(body: dict[str, Any]) -> None:
    """Give a record's first enumerated field a value that nobody has heard of."""
    records, at = _first(body)
    if records is not None:
        for name in _ENUMS:
            if name in records[at]:
                records[at][name] = UNHEARD_OF
                return


def add_unknown_field(body: dict[str, Any]) -> None:
    """Give the answer, and every record of it, a field that nobody has heard of."""
    for record in _records(body):
        record[UNHEARD_FIELD] = UNHEARD_OF
    if _LINES not in body:
        body[UNHEARD_FIELD] = {"inner": [UNHEARD_OF]}


def drop_first(body: dict[str, Any]) -> None:
    """Take a record out, and count one less."""
    records, at = _first(body)
    if records is not None:
        del records[at]
        count_one_less(body)


def count_one_less(body: dict[str, Any]) -> None:
    """What every page of a list says that has lost a record."""
    for place in (body, body.get("pagination") or {}):
        for name in _RECORD_TOTALS:
            if name in place:
                place[name] -= 1


def _outer(body: Any) -> list[Any]:
    """The page's list: records, or buckets of them."""
    if isinstance(body, dict):
        for name in _LISTS:
            if isinstance(body.get(name), list):
                found: list[Any] = body[name]
                return found
    return []


def _first(body: dict[str, Any]) -> tuple[list[dict[str, Any]] | None, int]:
    """The list and place of the first record that tells something: not a member's row of zeros."""
    for records in _record_lists(body):
        for at, record in enumerate(records):
            if record.get("isActive", True):
                return records, at
    return None, 0


def _record_lists(body: dict[str, Any]) -> list[list[dict[str, Any]]]:
    outer = _outer(body)
    lists = [item["results"] for item in outer if isinstance(item.get("results"), list)]
    return lists or [outer]


def _records(body: dict[str, Any]) -> list[dict[str, Any]]:
    return [record for records in _record_lists(body) for record in records]
