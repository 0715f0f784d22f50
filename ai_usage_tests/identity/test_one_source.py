"""One source a usage event: whom a report names on a day, telemetry does not tell of again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.identity.one_source import OneSource
from ai_usage.vendors.rows import RawEvent

DAY, NEXT = date(2026, 11, 3), date(2026, 11, 4)
CODE = "claude_code"


def joined(kind: str, value: str, who: str, platform: str = "anthropic") -> dict[str, Any]:
    place = "*" if kind == "email" else platform
    days = {"valid_from": DAY, "valid_to": NEXT}
    return {
        "identity_type": kind,
        "identity_value": value,
        "platform": place,
        "user_sk": who,
    } | days


BRIDGE = [
    joined("email", "ada@example.com", "sk-ada"),
    joined("email", "ada.l@example.com", "sk-ada"),
    joined("api_key_name", "ada's key", "sk-ada"),
    joined("api_key_id", "apikey_bo", "sk-bo"),
    joined("email", "bo@example.com", "sk-bo"),
]


def event(day: date = DAY, product: str = CODE, kind: str = "session", **who: Any) -> RawEvent:
    at = Window.day(day).start_at
    assert isinstance(at, datetime)
    return RawEvent(
        identity=(str(day),),
        event_timestamp=at,
        event_date=day,
        event_type=kind,
        platform_subtype=product,
        **who,
    )


def left(reports: Iterable[RawEvent], telemetry: Iterable[RawEvent]) -> list[RawEvent]:
    """What of the telemetry counts beside the reports, which all count as they are."""
    one = OneSource({CODE}, BRIDGE)
    told = list(reports)
    assert list(one.reported("anthropic", told)) == told
    return list(one.gaps("anthropic", telemetry))


ADA, BO = event(user_email="ada@example.com"), event(user_email="bo@example.com")


def test_a_person_and_day_that_the_report_covers_takes_the_reports() -> None:
    tomorrow = event(NEXT, user_email="ada@example.com")
    assert left([ADA], [ADA, tomorrow, BO]) == [tomorrow, BO]


def test_another_vendors_report_of_the_same_product_covers_it_too() -> None:
    one = OneSource({CODE}, BRIDGE)
    assert list(one.reported("claude_enterprise", [ADA])) == [ADA]
    assert list(one.gaps("anthropic", [ADA, BO])) == [BO]


def test_without_a_report_all_of_it_counts() -> None:
    assert left([], [ADA, BO]) == [ADA, BO]


def test_an_alias_is_the_same_person() -> None:
    assert left([event(user_email="ada.l@example.com")], [ADA, BO]) == [BO]


def test_a_keys_report_is_about_its_owner() -> None:
    assert left([event(actor_name="ada's key")], [ADA, BO]) == [BO]
    assert left([event(api_key_id="apikey_bo")], [ADA, BO]) == [ADA]


def test_an_address_that_nobody_knows_is_somebody_all_the_same() -> None:
    stranger = event(user_email="cy@elsewhere.example")
    assert left([stranger], [stranger, ADA]) == [ADA]


def test_telemetry_of_nobody_may_be_of_a_reported_key() -> None:
    """Without a login the client knows no address; the report names the key that it used."""
    nobody = event()
    assert left([event(actor_name="ada's key")], [nobody]) == []
    assert left([ADA], [nobody]) == [nobody]


def test_an_account_is_known_by_its_id() -> None:
    account = event(vendor_user_id="user_01")
    assert left([ADA], [account]) == [account]
    assert left([event(vendor_user_id="user_01")], [account]) == []


def test_what_a_product_costs_and_other_products_are_no_report_of_its_use() -> None:
    cost = event(kind="cost", user_email="ada@example.com")
    other = event(product="claude_api", user_email="ada@example.com")
    assert left([cost, other], [ADA]) == [ADA]
