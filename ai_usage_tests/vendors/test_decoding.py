r"""Text that no decoder takes costs the record that it stands in a flag, and no other record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.responses import Response

from ai_usage.vendors.base import Endpoint, ReadContext, Vendor
from ai_usage.vendors.decoding import MARK, UNDECODABLE_TEXT, decodable
from ai_usage.vendors.rows import RawEvent
from ai_usage.vendors.saved_files import pages_of
from ai_usage_tests.support import made_up_vendor
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    CURSOR,
    WINDOW,
    ScriptedVendor,
    fetch,
    fixture,
)

MADE_UP = made_up_vendor.VENDOR
_OF = {"day": "2026-11-03"}
_ITEMS: dict[str, list[dict[str, Any]]] = {
    "uses": [
        {**_OF, "person": "ada@example.com", "tokens_in": 1, "tokens_out": 2, "lines": 3},
        {**_OF, "person": "bo@example.com", "tokens_in": 4, "tokens_out": 5, "lines": 6},
    ],
    "bills": [{**_OF, "account": "a", "dollars": "1.5"}, {**_OF, "account": "b", "dollars": "2"}],
}
ENDPOINTS = [
    (vendor, endpoint)
    for vendor in (CURSOR, ANTHROPIC, MADE_UP)
    for endpoint in vendor.endpoints
    if endpoint.yields is RawEvent
]
every_endpoint = pytest.mark.parametrize(
    ("vendor", "endpoint"), ENDPOINTS, ids=[f"{v.name}.{e.name}" for v, e in ENDPOINTS]
)
ODD = {
    "a lone surrogate": rb"\ud800",
    "a low one before a high one": rb"\udc00\ud800",
    "an unknown escape": rb"\q",
    "a raw control character": b"\x01",
    "no UTF-8": b"\xff",
}


def answer(vendor: Vendor, endpoint: Endpoint) -> Any:
    if vendor is MADE_UP:
        return {"items": [dict(item) for item in _ITEMS[endpoint.name]]}
    return json.loads(fixture(f"{vendor.name}/{endpoint.name}.json"))


def records(body: Any) -> list[Any]:
    """The innermost list of an answer that holds the records."""
    lists: list[Any] = [v for v in body.values() if isinstance(v, list)]
    found: list[Any] = lists[0][0]["results"] if "results" in lists[0][0] else lists[0]
    return found


def read(endpoint: Endpoint, body: bytes) -> list[Any]:
    return list(endpoint.read([body], ReadContext(WINDOW)))


def without_text(event: RawEvent) -> RawEvent:
    return msgspec.structs.replace(event, raw_response=None, validation_errors=[])


@every_endpoint
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_odd_text_flags_its_record_alone_and_loses_nothing_of_it(
    vendor: Vendor, endpoint: Endpoint, odd: bytes
) -> None:
    body = answer(vendor, endpoint)
    plain = read(endpoint, json.dumps(body).encode())
    records(body)[0]["note_of_somebody"] = "HERE"
    damaged = json.dumps(body).encode().replace(b"HERE", odd)
    rows = read(endpoint, damaged)
    first, *others = rows
    assert UNDECODABLE_TEXT in first.validation_errors
    assert others == plain[1:]
    assert without_text(first) == without_text(plain[0])
    assert "\ufffd" in str(json.loads(first.raw_response)), "and what is kept of it is JSON"


@pytest.mark.parametrize(
    ("vendor", "name", "field"),
    [(CURSOR, "usage_events", "model"), (ANTHROPIC, "cost_report", "description")],
)
def test_a_charge_is_read_though_a_name_beside_it_is_odd(
    vendor: Vendor, name: str, field: str
) -> None:
    endpoint = vendor.endpoint(name)
    body = answer(vendor, endpoint)
    usd = read(endpoint, json.dumps(body).encode())[0].cost_usd
    records(body)[0][field] = "HERE"
    first, *_ = read(endpoint, json.dumps(body).encode().replace(b"HERE", rb"caf\ud83d"))
    assert first.cost_usd == usd > 0
    assert first.validation_errors == [UNDECODABLE_TEXT]


@every_endpoint
def test_a_whole_answer_with_odd_text_is_fetched_and_kept_as_it_came(
    vendor: Vendor, endpoint: Endpoint, vendor_server: ScriptedVendor
) -> None:
    body = answer(vendor, endpoint)
    if vendor is MADE_UP:
        body = json.loads(json.dumps(body).replace("bo@example.com", "HERE"))
    else:
        records(body)[0]["note_of_somebody"] = "HERE"
    damaged = json.dumps(body).encode().replace(b"HERE", rb"\ud800")
    vendor_server.script = lambda asked: Response(damaged, 200, media_type="application/json")
    pages = fetch(vendor, endpoint.name, vendor_server.url)
    assert [page.body for page in pages] == [damaged]


def test_a_saved_answer_with_odd_text_is_imported(tmp_path: Path) -> None:
    saved = tmp_path / "cost.json"
    saved.write_bytes(fixture("anthropic/cost_report.json").replace(b"Web Search", rb"Web \ud83d"))
    (page,) = pages_of(saved, [])
    assert (page.vendor.name, page.endpoint.name) == ("anthropic", "cost_report")
    rows = read(page.endpoint, page.body)
    assert sum(UNDECODABLE_TEXT in row.validation_errors for row in rows) == 1


def test_good_text_and_broken_answers_stay_as_they_are() -> None:
    for body in (
        b'{"a": "\\ud83d\\ude00 \\\\ud800 \\\\q \\n"}',
        '{"a":\n\t"\U0001f600"}'.encode(),
        '{"a": "\ufffd \\ufffd \\uFFFD"}'.encode(),
        rb'{"a": "\ud800',
        rb'{"a": \ud800}',
        b"\xff\xff",
        b"",
    ):
        assert decodable(body) == body


def test_the_mark_is_a_replacement_character_that_nobody_else_writes() -> None:
    assert json.loads(f'"{MARK}"') == "\ufffd"
    assert MARK not in json.dumps("\ufffd")
    assert decodable(rb'["a\ud800b", "\ud83d\ude00", "\udc00"]') == (
        f'["a{MARK}b", "\\ud83d\\ude00", "{MARK}"]'.encode()
    )
