"""What is read by column means what it means record by record, whatever stands beside it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, cast

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.normalised.kept import NOTHING_KEPT
from ai_usage.orchestration.assets.raw_events import event_batches
from ai_usage.vendors.base import Endpoint, ReadContext, Vendor, discovered_vendors
from ai_usage.vendors.event_columns import BATCH_ROWS, EventColumns, gathered
from ai_usage.vendors.rows import RawEvent
from ai_usage.warehouse.schema import table_schema

WINDOW = Window(date(2026, 11, 1), date(2026, 11, 4))
CONTEXT = ReadContext(WINDOW)
MIDNIGHT_MS = 1_793_491_200_000
"""The window's first instant, worked out by hand: 20,758 days after 1970-01-01."""
SCHEMA = table_schema("raw_ai_events").arrow_schema
BY_COLUMN = [
    pytest.param(vendor, endpoint, id=f"{vendor.name} {endpoint.name}")
    for vendor in discovered_vendors()
    for endpoint in vendor.every_endpoint
    if endpoint.columns is not None
]

odd = st.sampled_from(
    [
        "7",
        "null",
        '"text"',
        "{}",
        "[]",
        '{"timestamp": "soon"}',
        '{"timestamp": 99999999999999999}',
        f'{{"timestamp": {MIDNIGHT_MS}, "userEmail": 5}}',
        f'{{"timestamp": {MIDNIGHT_MS}, "tokenUsage": {{"inputTokens": 1e99}}}}',
        f'{{"timestamp": {MIDNIGHT_MS}, "model": "\\ud800", "chargedCents": 1}}',
        f'{{"timestamp": {MIDNIGHT_MS}, "model": "cut \\x", "chargedCents": 1}}',
        f'{{"timestamp": {MIDNIGHT_MS}, "requestsCosts": 1e400}}',
    ]
)
maybe: Any = st.one_of(st.none(), st.sampled_from(["", " Ada@Example.com ", "a", "user_1"]))
events = st.fixed_dictionaries(
    {"timestamp": st.integers(MIDNIGHT_MS - 3, MIDNIGHT_MS + 3 * 86_400_000).map(str)},
    optional={
        "userEmail": maybe,
        "model": maybe,
        "kind": st.sampled_from([None, "Usage-based", "INCLUDED", "Not charged", "new kind"]),
        "kindLabel": st.sampled_from([None, "Usage-based", "Included"]),
        "isChargeable": st.sampled_from([None, True, False]),
        "tokenUsage": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {}, optional={"inputTokens": st.integers(0, 9), "cacheReadTokens": st.none()}
            ),
        ),
        "chargedCents": st.sampled_from([None, 0, 1.5, "2.25", "much", True, 1e-9]),
        "userId": st.sampled_from([None, 5, "user_2", " "]),
        "serviceAccountId": st.sampled_from([None, "", "sa_1"]),
        "serviceAccountName": maybe,
    },
).map(json.dumps)
pages = st.lists(st.one_of(events, odd), max_size=8)


def page_of(records: Sequence[str]) -> bytes:
    return f'{{"usageEvents": [{", ".join(records)}]}}'.encode()


@pytest.mark.parametrize(("vendor", "endpoint"), BY_COLUMN)
@given(records=pages)
def test_a_page_means_what_its_records_mean_each_alone(
    vendor: Vendor, endpoint: Endpoint, records: list[str]
) -> None:
    assert endpoint.columns is not None
    together = list(endpoint.columns(page_of(records), CONTEXT))
    alone = [
        cast(RawEvent, event)
        for record in records
        for event in endpoint.read([page_of([record])], CONTEXT)
    ]
    assert len(together) == len(records)
    for number, event in enumerate(alone, 1):
        event.record = number
    assert together == alone == list(endpoint.read([page_of(records)], CONTEXT))


@pytest.mark.parametrize(("vendor", "endpoint"), BY_COLUMN)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=st.lists(pages, min_size=1, max_size=3))
def test_the_table_has_the_rows_that_the_events_make_one_by_one(
    vendor: Vendor,
    endpoint: Endpoint,
    answer: list[list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    archive = Archive(str(tmp_path_factory.mktemp("archive")))
    at = datetime(2026, 11, 20, tzinfo=UTC)
    with archive.recording(vendor.name, endpoint.name, WINDOW, fetched_at=at) as recorder:
        for number, records in enumerate(answer):
            recorder.add(Page(page_of(records), f"page {number}"))

    def rows(read: Endpoint, window: Window) -> list[dict[str, Any]]:
        only = dataclasses.replace(vendor, endpoints=(read,), from_files=())
        found = event_batches((only,), archive, window, "run", kept=NOTHING_KEPT)
        table: list[dict[str, Any]] = pa.Table.from_batches(found, SCHEMA).to_pylist()
        return table

    one_by_one = dataclasses.replace(endpoint, columns=None)
    for window in (WINDOW, Window.day(date(2026, 11, 2))):
        assert rows(endpoint, window) == rows(one_by_one, window)


def event(day: int, **values: Any) -> RawEvent:
    at = datetime(2026, 11, day, tzinfo=UTC)
    return RawEvent(
        identity=(at.isoformat(),),
        event_timestamp=at,
        event_date=at.date(),
        event_type="usage",
        **values,
    )


def test_events_in_columns_are_the_events_and_their_days_can_be_picked() -> None:
    made = [event(1, model="a"), event(2, validation_errors=["odd"]), event(1, input_tokens=3)]
    columns = EventColumns.of(made)
    assert list(columns) == made
    assert list(columns.of_days({date(2026, 11, 1)})) == [made[0], made[2]]
    assert len(EventColumns.of([])) == 0
    assert list(EventColumns.of([])) == []


def test_what_all_share_and_what_nothing_is_said_of_is_each_ones() -> None:
    days = [date(2026, 11, 1), date(2026, 11, 2)]
    columns = EventColumns({"event_date": days}, {"event_type": "usage"})
    assert list(columns.values("event_type")) == ["usage", "usage"]
    assert list(columns.values("attribution_method")) == ["unknown", "unknown"]
    assert list(columns.values("validation_errors")) == [[], []]
    assert list(columns.values("model")) == [None, None]


def test_events_are_gathered_in_their_order_so_many_at_once() -> None:
    made = [event(1 + n % 2, model=str(n), raw_response="{}") for n in range(BATCH_ROWS + 3)]
    found = list(gathered(iter(made)))
    assert [len(columns) for columns in found] == [BATCH_ROWS, 3]
    assert [m for c in found for m in c.values("model")] == [e.model for e in made]
