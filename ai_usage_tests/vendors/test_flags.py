"""Every flag that a reader can set is declared: readers are given every odd record there is.

Each value of each record of the fixtures is replaced, in turn, by every kind of thing that a vendor
might say in its place; what the readers then flag is collected.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any

from ai_usage.quality.flags import FLAGS
from ai_usage.vendors.base import ReadContext, Vendor, discovered_vendors
from ai_usage.vendors.rows import RawEvent
from ai_usage.vendors.stored_json import stored
from ai_usage_tests.support import made_up_vendor
from ai_usage_tests.vendors.support import FIXTURES, WINDOW

GONE = object()
ODD: tuple[Any, ...] = (
    GONE,
    None,
    "",
    "brand_new_value",
    "1,000.00",
    "\ud800",
    "0.00000000019",
    -1,
    0,
    1e300,
    2**70,
    10**400,
    True,
    [],
    ["x"],
    {},
    {"x": 1},
)
"""What may stand in a value's place; the lone surrogate is written as JSON escapes it."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where in a JSON value there is something, from the outside in."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from places(inner, (*path, at))


def changed(body: Any, path: tuple[Any, ...], odd: Any) -> Any:
    found = copy.deepcopy(body)
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    if odd is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = odd
    return found


def variants(body: Any) -> Iterator[Any]:
    """The answer; each value within its records odd; and every two fields of an object gone."""
    yield body
    # Only within records: without its list of them an answer is none.
    deep = [path for path in places(body) if len(path) >= 3]
    for path in deep:
        for odd in ODD:
            yield changed(body, path, odd)
    for one, other in combinations(deep, 2):
        if one[:-1] == other[:-1] and isinstance(one[-1], str):
            yield changed(changed(body, one, GONE), other, GONE)


def every_flag(vendors: Iterable[Vendor], answers: Callable[[str, str], Iterable[Any]]) -> set[str]:
    """The kinds of flags that these answers get on their way to rows."""
    return {
        flag.partition(":")[0]
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields is RawEvent
        for answer in answers(vendor.name, endpoint.name)
        for event in endpoint.read([json.dumps(answer).encode()], ReadContext(WINDOW))
        if isinstance(event, RawEvent)
        for flag in stored([event.raw_response], [event.validation_errors])[1][0]
    }


def from_fixtures(vendor: str, endpoint: str) -> Iterator[Any]:
    """A vendor's fixture of the endpoint: a new vendor brings one."""
    return variants(json.loads((FIXTURES / vendor / f"{endpoint}.json").read_text()))


def test_readers_set_every_declared_flag_and_no_other() -> None:
    assert every_flag(discovered_vendors(), from_fixtures) == set(FLAGS)


def test_a_new_vendors_undeclared_flag_is_found() -> None:
    def careless(read: Any) -> Any:
        def reading(pages: Iterable[bytes], context: ReadContext) -> Iterator[RawEvent]:
            for event in read(pages, context):
                event.validation_errors = ["odd_price"] if event.cost_usd == -1 else []
                yield event

        return reading

    uses, bills = made_up_vendor.VENDOR.endpoints
    vendor = replace(
        made_up_vendor.VENDOR, endpoints=(uses, replace(bills, read=careless(bills.read)))
    )
    body = {"items": [{"day": "2026-11-03", "account": "a", "dollars": "-1"}]}
    assert every_flag([vendor], lambda v, e: [body]) - set(FLAGS) == {"odd_price"}
