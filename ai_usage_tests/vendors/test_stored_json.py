"""What a vendor calls JSON is stored as a warehouse can take it, and never lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ai_usage.days.windows import Window
from ai_usage.vendors.stored_json import is_json, stored
from ai_usage_tests.warehouse.rows import DAY, ODD_JSON, event_id, odd_events, open_warehouse


@pytest.mark.parametrize("text", ODD_JSON)
def test_what_no_warehouse_takes_for_json_is_told_apart(text: str) -> None:
    assert is_json(text) is ODD_JSON[text]


@pytest.mark.parametrize("beside", ["{}", "{no json"])
@pytest.mark.parametrize("text", [*ODD_JSON, f'{{"a": "{"٣" * 309}"}}'])
def test_a_record_is_stored_alike_whatever_stands_beside_it(text: str, beside: str) -> None:
    texts, flags = stored([text, beside], [[], []])
    assert texts[0] == (text if is_json(text) else json.dumps(text))
    assert flags[0] == ([] if is_json(text) else ["unparsable_json"])


def test_such_a_record_becomes_a_string_and_its_flag_comes_after_the_readers() -> None:
    odd = '{"cents": 1e400}'
    texts, flags = stored([odd, None, "{}"], [["unknown_enum:kind"], [], []])
    assert texts == [json.dumps(odd), None, "{}"]
    assert flags == [["unknown_enum:kind", "unparsable_json"], [], []]


def test_the_embedded_warehouse_holds_each_record_whole(tmp_path: Path) -> None:
    warehouse = open_warehouse(tmp_path)
    rows = odd_events(DAY)
    assert warehouse.replace("raw_ai_events", Window.day(DAY), rows).rows == len(ODD_JSON)
    held = {r["event_id"]: r for r in warehouse.read("raw_ai_events").to_pylist()}
    for text, readable in ODD_JSON.items():
        row = held[event_id(text)]
        assert json.loads(row["raw_response"]) == (json.loads(text) if readable else text)
        assert row["validation_errors"] == ([] if readable else ["unparsable_json"])
