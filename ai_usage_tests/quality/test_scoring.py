"""Scoring of raw events: each broken rule by name, and a score worked out by hand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from ai_usage.errors import VendorError
from ai_usage.quality.flags import CRITICAL, FLAGS
from ai_usage.quality.rules import RULES
from ai_usage.quality.scoring import score
from ai_usage.vendors.event_columns import BATCH_ROWS
from ai_usage.warehouse.schema import table_schema
from ai_usage_tests.warehouse.rows import DAY, Row, at, raw

SCHEMA = table_schema("raw_ai_events").arrow_schema
BILLING = {("cursor", "usage_events")}


def scored(*rows: Row) -> list[Row]:
    batch = pa.RecordBatch.from_pylist(list(rows), schema=SCHEMA)
    return [row for out in score([batch], BILLING) for row in out.to_pylist()]


def verdict(**values: Any) -> tuple[list[str], float]:
    (row,) = scored(raw(DAY, "a", **values))
    return row["validation_errors"], row["data_quality_score"]


def test_a_row_that_breaks_nothing_scores_one_and_keeps_every_value() -> None:
    full = raw(
        DAY,
        "a",
        event_type="cost",
        user_email="ada@example.com",
        cost_usd=Decimal("12345678901234567890.123456789"),
        cost_currency="EUR",
        suggestions_shown=3,
        suggestions_accepted=3,
        input_tokens=0,
        raw_response='{"a": 1.50}',
        event_timestamp=datetime(2026, 3, 10, 23, 59, 59, 999999, UTC),
        data_quality_score=0.5,
        validation_errors=None,
    )
    (row,) = scored(full)
    assert row == dict.fromkeys(SCHEMA.names) | full | {
        "validation_errors": [],
        "data_quality_score": 1.0,
        "is_charge_unknown": False,
    }


@pytest.mark.parametrize(
    ("broken", "rule", "expected"),
    [
        ({"event_type": "cost", "cost_usd": None}, "readable_amount", 0.0),
        ({"event_id": "abc"}, "event_id_is_sha256", 0.0),
        ({"event_id": "A" * 64}, "event_id_is_sha256", 0.0),
        ({"event_type": "gift"}, "known_event_type", 0.0),
        ({"event_timestamp": at(DAY + timedelta(days=1))}, "timestamp_on_event_date", 0.85),
        (
            {"event_timestamp": at(DAY) - timedelta(microseconds=1)},
            "timestamp_on_event_date",
            0.85,
        ),
        ({"cache_write_1h_tokens": -1}, "tokens_not_negative", 0.75),
        ({"pull_requests": -1}, "counts_not_negative", 0.8),
        ({"user_email": "ada at example.com"}, "email_form", 0.9),
        ({"suggestions_shown": 2, "suggestions_accepted": 3}, "accepted_within_shown", 0.95),
        ({"cost_usd": Decimal(1), "included_value_usd": Decimal(1)}, "billed_or_included", 0.9),
        ({"cost_currency": "usd"}, "currency_is_iso_4217", 0.95),
    ],
)
def test_a_broken_rule_gives_its_name_and_one_minus_its_weight(
    broken: dict[str, Any], rule: str, expected: float
) -> None:
    assert verdict(**broken) == ([rule], expected)


def test_every_weighted_rule_is_planted_above() -> None:
    marks = test_a_broken_rule_gives_its_name_and_one_minus_its_weight.pytestmark
    planted = {rule for _, rule, _ in marks[0].args[1]}
    assert planted == {rule.name for rule in RULES["raw_ai_events"] if rule.weight > 0}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["undecodable_record"], 0.0),
        (["unreadable_amount"], 0.0),
        (["unreadable_amount:amount"], 0.0),
        (["unknown_enum:kind"], 0.95),
        (["unknown_billing"], 0.98),
        (["unreadable_value"], 0.99),
        (["undecodable_text"], 0.99),
        (["truncated_amount"], 1.0),
        (["unparsable_json"], 1.0),
        # Many details of one kind weigh once: a vendor's new vocabulary is no critical error.
        ([f"unknown_enum:field_{n}" for n in range(30)], 0.95),
        (["something_new"], 1.0),
    ],
)
def test_a_readers_flag_stays_and_weighs(flags: list[str], expected: float) -> None:
    assert verdict(validation_errors=flags) == (flags, expected)


def test_flags_come_first_and_their_weights_add_to_the_rules() -> None:
    got = verdict(validation_errors=["unknown_enum:kind"], cost_currency="?", user_email="nobody")
    # 1 - 0.05 - 0.1 - 0.05
    assert got == (["unknown_enum:kind", "email_form", "currency_is_iso_4217"], 0.8)


EVERY_MINOR = {
    "event_timestamp": at(DAY + timedelta(days=1)),
    "input_tokens": -1,
    "commits": -1,
    "user_email": "x",
    "suggestions_shown": 1,
    "suggestions_accepted": 2,
    "cost_usd": Decimal(1),
    "included_value_usd": Decimal(1),
    "cost_currency": "x",
    "validation_errors": [
        "unknown_enum:kind",
        "unknown_billing",
        "unreadable_value",
        "undecodable_text",
    ],
}


def test_only_a_critical_rule_brings_the_score_to_zero() -> None:
    # The facts give a row of score 0 to nobody: no heap of small faults may do that.
    errors, left = verdict(**EVERY_MINOR)
    assert len(errors) == 11
    assert left == pytest.approx(0.01)
    weights = [rule.weight for rule in RULES["raw_ai_events"]] + [
        flag.weight for flag in FLAGS.values()
    ]
    assert all(0 <= weight <= CRITICAL for weight in weights)
    assert sum(weight for weight in weights if weight < CRITICAL) < 1
    assert verdict(**EVERY_MINOR | {"event_id": "?"})[1] == 0.0, "never below"


USD = Decimal(1)


@pytest.mark.parametrize(
    ("values", "unknown"),
    [
        # An endpoint that bills: what cannot be read there may be a charge.
        ({"validation_errors": ["undecodable_record"]}, True),
        ({"validation_errors": ["unreadable_amount"]}, True),
        ({"validation_errors": ["unknown_enum:kind", "unknown_billing"]}, True),
        ({"validation_errors": ["unreadable_amount:chargedCents"], "cost_usd": USD}, False),
        ({"validation_errors": ["nobody_declared_this"]}, True),
        ({"validation_errors": ["nobody_declared_this"], "cost_usd": USD}, False),
        # What is known not to bill, and what is only odd.
        ({"validation_errors": []}, False),
        ({"validation_errors": None}, False),
        ({"validation_errors": ["unknown_enum:kind"]}, False),
        ({"validation_errors": ["unreadable_value"]}, False),
        # Elsewhere only what says itself that it bills.
        ({"source_endpoint": "daily_usage", "validation_errors": ["undecodable_record"]}, False),
        ({"source_endpoint": "daily_usage", "validation_errors": ["nobody_declared"]}, False),
        ({"platform": "acme", "validation_errors": ["undecodable_record"]}, False),
        ({"source_endpoint": "daily_usage", "validation_errors": ["unreadable_amount"]}, True),
        ({"source_endpoint": "daily_usage", "event_type": "cost"}, True),
        ({"event_type": "cost", "cost_usd": USD}, False),
        ({"event_type": "cost", "cost_usd": Decimal(0)}, False),
    ],
)
def test_a_charge_is_unknown_where_a_record_may_bill_and_has_no_amount(
    values: dict[str, Any], unknown: bool
) -> None:
    (row,) = scored(raw(DAY, "a", **values))
    assert row["is_charge_unknown"] is unknown


def test_rows_keep_their_order_and_the_tables_types() -> None:
    sizes = (3, 0, 1, BATCH_ROWS, 2)
    batches = [
        pa.RecordBatch.from_pylist([raw(DAY, n, model=f"{n}")] * size, schema=SCHEMA)
        for n, size in enumerate(sizes)
    ]
    out = list(score(iter(batches), BILLING))
    models = [model for batch in out for model in batch.column("model").to_pylist()]
    assert models == [f"{n}" for n, size in enumerate(sizes) for _ in range(size)]
    assert all(batch.schema.equals(SCHEMA) for batch in out)
    assert list(score([], BILLING)) == list(score(batches[1:2], BILLING)) == []


def test_two_that_score_in_turns_do_not_meet() -> None:
    def scoring(name: str) -> Iterator[pa.RecordBatch]:
        rows = [raw(DAY, (name, n), model=name) for n in range(BATCH_ROWS + 1)]
        return score(pa.Table.from_pylist(rows, schema=SCHEMA).to_batches(), BILLING)

    taken = [
        [batch.to_pylist()[0]["model"] for batch in pair]
        for pair in zip(scoring("one"), scoring("other"), strict=True)
    ]
    assert taken == [["one", "other"]] * 2


FORKED = """
import os
from ai_usage_tests.quality.test_scoring import DAY, raw, scored
rows = [raw(DAY, n, event_id="abc" if n % 3 else "0" * 64) for n in range(3_000)]
before = scored(*rows)
child = os.fork()
if child == 0:
    try:
        os._exit(0 if scored(*rows) == before else 3)
    except BaseException:
        os._exit(4)
assert scored(*rows) == before
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
print("alike")
"""


def test_a_forked_process_scores_with_an_engine_of_its_own() -> None:
    # In a process of its own: this one has threads, which a fork would not take along.
    run = subprocess.run(  # noqa: S603
        [sys.executable, "-c", FORKED], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.stdout.endswith("alike\n"), run.stderr


def year(asked: list[int]) -> Iterator[pa.RecordBatch]:
    """Sixty batches; the number of each that is asked for is noted."""
    batch = pa.RecordBatch.from_pylist([raw(DAY, n) for n in range(BATCH_ROWS)], schema=SCHEMA)
    for n in range(60):
        asked.append(n)
        yield batch


def test_a_year_streams_through_scoring_and_is_never_held() -> None:
    asked: list[int] = []
    taken = 0
    for out in score(year(asked), BILLING):
        taken += out.num_rows
        assert len(asked) * BATCH_ROWS - taken <= 8 * BATCH_ROWS
    assert taken == 60 * BATCH_ROWS


def test_scoring_that_is_left_early_asks_for_no_more_and_does_not_hinder_the_next() -> None:
    asked: list[int] = []
    left = score(year(asked), BILLING)
    next(left)
    del left
    before = len(asked)
    assert scored(raw(DAY, "a"))[0]["data_quality_score"] == 1
    assert len(asked) == before < 60


def test_what_stops_the_events_goes_on_through_scoring_as_it_is() -> None:
    error = VendorError("the archive's page is damaged")

    def source() -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pylist([raw(DAY, "a")], schema=SCHEMA)
        raise error

    with pytest.raises(VendorError) as raised:
        list(score(source(), BILLING))
    assert raised.value is error


@pytest.mark.parametrize(("gross", "flagged"), [("3.01", []), ("3.02", ["billed_or_included"])])
def test_a_pool_that_ends_within_a_record_parts_its_list_price(
    gross: str, flagged: list[str]
) -> None:
    parts = {"cost_usd": Decimal(1), "included_value_usd": Decimal(2)}
    assert verdict(**parts, estimated_cost_usd=Decimal(gross))[0] == flagged
