"""What Cursor's records become, value by value."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest

from ai_usage.days.windows import Window
from ai_usage.vendors.kit.values import UnreadableAmount
from ai_usage.vendors.rows import MemberSpend, Person
from ai_usage_tests.vendors.support import CURSOR, DAY, filled, fixture, read

MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)


def test_a_daily_row_fills_lines_suggestions_and_requests() -> None:
    first, _ = read(CURSOR, "daily_usage", fixture("cursor/daily_usage.json"))
    assert filled(first) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "cursor",
        "user_email": "ada.keller@example.com",
        "lines_added": 410,
        "lines_accepted": 233,
        "suggestions_shown": 169,  # 40 accepts + 9 rejects + 120 tabs shown
        "suggestions_accepted": 76,  # 40 accepts + 36 tabs
        "request_count": 29,  # 22 + 6 + 1
        "subscription_requests": 22,
        "overage_requests": 6,
        "attribution_method": "direct_email",
        "vendor_user_id": "240101",
    }


def test_numbers_as_texts_and_missing_fields_are_read_and_unknown_stays_unknown() -> None:
    _, second = read(CURSOR, "daily_usage", fixture("cursor/daily_usage.json"))
    assert filled(second) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "cursor",
        "lines_added": 7,
        "lines_accepted": 3,
        "suggestions_accepted": 1,
        "request_count": 0,
        "subscription_requests": 0,
        "overage_requests": 0,
        "attribution_method": "vendor_user_id",
        "vendor_user_id": "user_01newer",
    }


def test_idle_members_are_no_events_but_activity_without_the_flag_is() -> None:
    zeros = {"day": "2026-11-03", "email": "a@example.com", "totalAccepts": 0}
    body = msgspec.json.encode(
        {"data": [zeros, {**zeros, "isActive": False}, {**zeros, "bugbotUsages": 1}]}
    )
    assert len(read(CURSOR, "daily_usage", body)) == 1


def test_a_row_without_a_readable_day_is_kept_flagged_on_the_best_day_known() -> None:
    body = b'{"data": [{"email": 5, "day": "2026-11-07"}, 7, {"email": "a@b.c"}]}'
    window = Window(date(2026, 11, 5), date(2026, 11, 9))
    rows = read(CURSOR, "daily_usage", body, window)
    assert [(row.event_date, row.validation_errors, row.raw_response) for row in rows] == [
        (date(2026, 11, 7), ["undecodable_record"], '{"email": 5, "day": "2026-11-07"}'),
        (date(2026, 11, 5), ["undecodable_record"], "7"),
        (date(2026, 11, 5), ["undecodable_record"], '{"email": "a@b.c"}'),
    ]


def test_the_simplified_sample_fills_the_same_columns() -> None:
    (row,) = read(CURSOR, "daily_usage", fixture("samples/cursor_daily_usage.json"))
    assert filled(row) == {
        "event_timestamp": datetime(2025, 9, 30, tzinfo=UTC),
        "event_date": date(2025, 9, 30),
        "event_type": "usage",
        "platform_subtype": "cursor",
        "user_email": "engineer@example.com",
        "session_id": "sess_907",
        "lines_added": 91,
        "lines_accepted": 64,
        # 28 accepts, and no word about rejects: what was shown is not known.
        "suggestions_accepted": 28,
        "request_count": 20,
        "subscription_requests": 17,
        "overage_requests": 3,
        "attribution_method": "direct_email",
    }


def test_a_chargeable_event_bills_its_charge_with_the_fee_inside() -> None:
    first, second, *_ = read(CURSOR, "usage_events", fixture("cursor/usage_events.json"))
    assert filled(first) == {
        "event_timestamp": datetime(2026, 11, 3, 10, 10, 45, 123000, tzinfo=UTC),
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "cursor",
        "user_email": "ada.keller@example.com",
        "model": "claude-sonnet-4-5",
        "input_tokens": 1250,
        "output_tokens": 640,
        "cached_input_tokens": 5100,
        "cache_read_tokens": 90210,
        "cost_usd": Decimal("0.086016500"),
        "cost_currency": "USD",
        "cost_type": "overage",
        "billing_period": "usage_based",
        "attribution_method": "direct_email",
        "price_tier": "standard",
        "is_committed": False,
    }
    assert second.identity == first.identity


def test_what_the_seat_covers_is_an_included_value_and_never_a_cost() -> None:
    _, _, included, aborted, tiny = read(
        CURSOR, "usage_events", fixture("cursor/usage_events.json")
    )
    assert (included.cost_usd, included.included_value_usd) == (None, Decimal("0.080000000"))
    assert (included.cost_type, included.billing_period) == (None, None)
    assert included.event_timestamp == MIDNIGHT
    assert (aborted.cost_usd, aborted.included_value_usd) == (None, None)
    assert (aborted.user_email, aborted.attribution_method) == (None, "unknown")
    assert aborted.event_timestamp == datetime(2026, 11, 3, 23, 59, 59, 999000, tzinfo=UTC)
    assert tiny.cost_usd == Decimal("0.000000001")


def _event(**fields: object) -> bytes:
    event = {"timestamp": "1793664000000", "isChargeable": True, **fields}
    return msgspec.json.encode({"usageEvents": [event]})


def test_a_service_account_is_no_person_and_is_found_in_the_key_register() -> None:
    robot = {"serviceAccountId": 7001, "serviceAccountName": "nightly", "chargedCents": 250}
    (row,) = read(CURSOR, "usage_events", _event(kind="Usage-based", **robot))
    assert (row.user_email, row.api_key_id, row.actor_name) == (None, "7001", "nightly")
    assert (row.vendor_user_id, row.attribution_method) == ("7001", "api_key_mapping")
    assert row.cost_usd == Decimal("2.5")


def test_two_service_accounts_of_one_moment_are_two_and_peoples_events_keep_their_ids() -> None:
    moment = str(1793664000000)
    (person,) = read(CURSOR, "usage_events", _event(userEmail="a@x.io"))
    assert person.identity == (moment, "a@x.io", None, None, None, None, None, None)
    (first,) = read(CURSOR, "usage_events", _event(serviceAccountId="svc_1"))
    (other,) = read(CURSOR, "usage_events", _event(serviceAccountId="svc_2"))
    assert first.identity != other.identity


def test_a_chargeable_event_without_a_readable_amount_is_flagged() -> None:
    for amount in (None, "much", "1_000", "Infinity", {"cents": 5}, True, "1e400"):
        (row,) = read(CURSOR, "usage_events", _event(chargedCents=amount))
        assert (row.cost_usd, row.validation_errors) == (None, ["unreadable_amount"]), amount


def test_a_charge_under_another_name_is_no_charge_of_nothing() -> None:
    (row,) = read(CURSOR, "usage_events", _event(chargeCents=300, kind="Usage-based"))
    assert (row.cost_usd, row.validation_errors) == (None, ["unreadable_amount"])


def test_digits_beyond_the_ninth_decimal_of_a_dollar_are_cut_off_and_counted() -> None:
    for cents, usd, flags in (
        ("0.0000001", "0.000000001", []),
        ("0.00000019", "0.000000001", ["truncated_amount"]),
        ("-0.00000019", "-0.000000001", ["truncated_amount"]),
        ("8.6016499999999999", "0.086016499", ["truncated_amount"]),
        ("8.60165000000", "0.086016500", []),
    ):
        (row,) = read(CURSOR, "usage_events", _event(chargedCents=cents))
        assert (row.cost_usd, row.validation_errors) == (Decimal(usd), flags), cents


def test_an_unreadable_value_that_nobody_bills_is_no_missing_money() -> None:
    (row,) = read(CURSOR, "usage_events", _event(chargedCents="?", isChargeable=False))
    assert row.validation_errors == ["unreadable_value"]


def test_where_the_flag_is_missing_the_kind_tells_what_is_billed() -> None:
    def cost(kind: str, cents: object = 100) -> tuple[Decimal | None, list[str]]:
        body = _event(kind=kind, isChargeable=None, chargedCents=cents)
        (row,) = read(CURSOR, "usage_events", body)
        return row.cost_usd, row.validation_errors

    assert cost("USAGE_EVENT_KIND_USAGE_BASED") == (Decimal("1.000000000"), [])
    assert cost("Included in Pro") == (None, [])
    assert cost("Errored, Not Charged") == (None, [])
    assert cost("Included in Pro", None) == (None, [])


def test_a_kind_that_may_bill_and_that_nobody_knows_leaves_the_charge_unknown() -> None:
    def read_as(cents: object, **fields: object) -> tuple[object, ...]:
        (row,) = read(CURSOR, "usage_events", _event(chargedCents=cents, **fields))
        return row.cost_usd, row.included_value_usd, row.validation_errors

    unknown = (None, None, ["unknown_enum:kind", "unknown_billing"])
    assert read_as(300, kind="On-Demand", isChargeable=None) == unknown
    assert read_as(None, kind="On-Demand", isChargeable=None) == unknown, "or under another name"
    assert read_as(300, isChargeable=None) == unknown, "neither a kind nor the flag"
    # 0 is nothing, whatever it is of; and the vendor's own word decides before any kind.
    assert read_as(0, kind="On-Demand", isChargeable=None) == (None, None, ["unknown_enum:kind"])
    assert read_as(300, kind="On-Demand", isChargeable=False) == (None, Decimal(3), [])
    assert read_as(300, kind="On-Demand", isChargeable=True) == (Decimal(3), None, [])


def test_an_event_with_an_impossible_time_or_count_is_kept_and_flagged() -> None:
    for bad in (
        {"timestamp": "1" * 25},
        {"timestamp": None},
        {"tokenUsage": {"inputTokens": 2**63}},
    ):
        (row,) = read(CURSOR, "usage_events", _event(**bad))
        assert row.validation_errors == ["undecodable_record"]
        assert row.event_date == DAY


def test_the_dashboards_own_answer_is_read_too() -> None:
    body = fixture("cursor/usage_events.json").replace(b'"usageEvents"', b'"usageEventsDisplay"')
    assert len(read(CURSOR, "usage_events", body)) == 5


def test_members_and_spend() -> None:
    assert read(CURSOR, "members", fixture("cursor/members.json")) == [
        Person(
            vendor_user_id="240101",
            user_email="ada.keller@example.com",
            full_name="Ada Keller",
            role="owner",
        ),
        Person(
            vendor_user_id="user_01newer",
            user_email="bo@example.com",
            full_name="Bo Lind",
            role="member",
            is_removed=True,
        ),
    ]
    start = datetime(2026, 11, 1, tzinfo=UTC)
    assert read(CURSOR, "spend", fixture("cursor/spend.json")) == [
        MemberSpend(
            vendor_user_id="240101",
            user_email="ada.keller@example.com",
            cycle_start=start,
            spend_usd=Decimal("12.03"),
            overall_spend_usd=Decimal("32.505"),
            included_spend_usd=Decimal("20.475"),
        ),
        MemberSpend(
            vendor_user_id="240102",
            user_email="bo@example.com",
            cycle_start=start,
            spend_usd=Decimal(0),
        ),
    ]


def test_spend_under_a_name_unknown_here_is_no_spend_of_nothing() -> None:
    body = fixture("cursor/spend.json")
    with pytest.raises(UnreadableAmount, match="a member's spend without spendCents"):
        read(CURSOR, "spend", body.replace(b'"spendCents"', b'"chargedSpendCents"'))
    first, *_ = read(CURSOR, "spend", body.replace(b'"spendCents": 1203', b'"spendCents": null'))
    assert first.spend_usd is None
    (member,) = read(CURSOR, "spend", b'{"teamMemberSpend": [{"userId": 1}]}')
    assert member.spend_usd is None, "nothing is said of it"
