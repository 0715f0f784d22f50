"""Anthropic's cost analytics: whom each row names, and that a day's dollars have one source."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError, VendorError
from ai_usage.settings import Settings
from ai_usage.simulator import ANTHROPIC_KEY, UNKNOWN, Company, Owner
from ai_usage.simulator.analytics_books import console_dollars
from ai_usage.vendors.anthropic import api
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit.promises import PagesShiftedError
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    DAY,
    NOW,
    WINDOW,
    Asked,
    ScriptedVendor,
    as_json,
    client,
    read,
)

SINCE = "ANTHROPIC_ANALYTICS_COST_FROM"
COST, REPORT = "/v1/organizations/analytics/cost", "/v1/organizations/cost_report"
ENDPOINT = ANTHROPIC.endpoint("cost_report")


def row(actor: Any = None, day: date = DAY, cost: Any = None, **group: Any) -> dict[str, Any]:
    money = {"amount": "1234.500000", "list_amount": "1300.000000", "currency": "USD"}
    return {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
        "group": {"actor": actor, "model": "claude-x", **group},
        "cost": money | {"requests": None} | (cost or {}),
    }


def page(*rows: Any, more: bool = False, token: str | None = None, **envelope: Any) -> Any:
    return {"data": list(rows), "has_more": more, "next_page": token, **envelope}


def event(*arguments: Any, **group: Any) -> RawEvent:
    (found,) = read(ANTHROPIC, "cost_report", msgspec.json.encode(page(row(*arguments, **group))))
    assert isinstance(found, RawEvent)
    return found


# --- Reading ---------------------------------------------------------------------------------


def test_a_persons_row_bills_cents_and_names_the_person() -> None:
    ann = {"type": "user_actor", "user_id": "user_01", "email_address": "Ann@x.io", "name": "Ann"}
    found = event(ann, cost_type="tokens", token_type="output_tokens", workspace_id="wrkspc_1")
    assert found.cost_usd == Decimal("12.345")
    assert found.estimated_cost_usd is None, "the list price is no second amount"
    assert (found.user_email, found.vendor_user_id) == ("ann@x.io", "user_01")
    assert (found.event_date, found.workspace_id, found.model) == (DAY, "wrkspc_1", "claude-x")
    assert (found.weight_class, found.cost_type) == ("output_tokens", "output_tokens")
    assert (found.attribution_method, found.validation_errors) == ("direct_email", [])


@pytest.mark.parametrize(
    ("actor", "says"),
    [
        ({"type": "api_actor", "api_key_id": "apikey_1"}, (None, "apikey_1", None, None)),
        (
            {"type": "service_account_actor", "service_account_id": "svac_1"},
            (None, "svac_1", None, "svac_1"),
        ),
        (
            {"type": "federated_actor", "provider": {"type": "aws"}, "subject": "arn:ci"},
            (None, None, "arn:ci", None),
        ),
        (
            {"type": "user_actor", "user_id": "user_2", "email_address": None, "deleted": True},
            (None, None, None, "user_2"),
        ),
        ({"type": "user_actor", "user_id": "u", "email": "b@x.io"}, ("b@x.io", None, None, "u")),
        ({"type": "brand_new_actor"}, (None, None, None, None)),
        (None, (None, None, None, None)),
    ],
    ids=["key", "service account", "federated", "deleted", "legacy address", "unheard of", "none"],
)
def test_whom_a_row_names(actor: Any, says: tuple[str | None, ...]) -> None:
    found = event(actor)
    named = (found.user_email, found.api_key_id, found.actor_name, found.vendor_user_id)
    assert named == says
    if not any(says[:3]):
        # Neither is split over others: an id is its own, whoever it turns out to be.
        by = "vendor_user_id" if found.vendor_user_id else "unnamed"
        assert found.attribution_method == by
    assert found.cost_usd == Decimal("12.345")


def test_rows_that_differ_in_one_group_alone_are_two_events() -> None:
    told = [
        event({"type": "api_actor", "api_key_id": "apikey_1"}),
        event({"type": "service_account_actor", "service_account_id": "svac_1"}),
        event({"type": "federated_actor", "provider": {"type": "aws"}, "subject": "s"}),
        event({"type": "federated_actor", "provider": {"type": "gcp"}, "subject": "s"}),
        event(speed="fast"),
        event(speed="standard"),
        event(workspace_id="wrkspc_1"),
        event(cost_type="web_search"),
        event(token_type="output_tokens"),
        event(),
    ]
    assert len({found.identity for found in told}) == len(told)
    assert event(cost={"amount": "7"}).identity == event().identity, "an amount may be restated"


def test_an_amount_that_is_missing_or_no_dollars_is_flagged_and_no_charge_of_nothing() -> None:
    for cost in ({"amount": None}, {"amount": "much"}, {"currency": "EUR"}):
        found = event(cost=cost)
        assert (found.cost_usd, found.validation_errors) == (None, ["unreadable_amount"])
    assert event(cost={"amount": "-250"}).cost_usd == Decimal("-2.5"), "a credit keeps its sign"
    assert event(token_type="brand_new").validation_errors == ["unknown_enum:token_type"]


def test_a_damaged_row_is_kept_on_its_day_and_the_others_count() -> None:
    broken = row() | {"group": [1]}
    body = msgspec.json.encode(page(broken, row()))
    first, second = read(ANTHROPIC, "cost_report", body)
    assert (first.event_date, first.validation_errors) == (DAY, ["undecodable_record"])
    assert second.cost_usd == Decimal("12.345")


# --- Asking ----------------------------------------------------------------------------------


def asked_for(
    server: ScriptedVendor, window: Window, since: date | None, now: datetime = NOW, **says: Any
) -> list[bytes]:
    """The pages of a window, of a vendor that has a bucket or a row of every day."""

    def script(asked: Asked) -> Any:
        first, end = (date.fromisoformat((asked.first(n) or "")[:10]) for n in FROM_TO)
        days = Window(first, end).days()
        if asked.path == COST:
            return as_json(page(*(row(day=day) for day in days), **says))
        return as_json(
            page(
                *({"starting_at": f"{day}T00:00:00Z", "results": [{"amount": "1"}]} for day in days)
            )
        )

    server.asked.clear()
    server.script = script
    options = {} if since is None else {SINCE: since.isoformat()}
    with client(ANTHROPIC, server.url, options=options) as asking:
        return [one.body for one in ENDPOINT.fetch(asking, window, now)]


FROM_TO = ("starting_at", "ending_at")


def asked_days(server: ScriptedVendor) -> list[tuple[str, str, str]]:
    found = []
    for one in server.asked:
        first, end = ((one.first(name) or "")[:10] for name in FROM_TO)
        found.append((one.path, first, end))
    return found


def test_the_newer_report_is_asked_by_day_person_and_key_in_an_order_that_stands(
    vendor_server: ScriptedVendor,
) -> None:
    asked_for(vendor_server, WINDOW, DAY)
    (asked,) = vendor_server.asked
    assert asked.headers["anthropic-beta"] == "analytics-usage-cost-2026-08-24"
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert asked.query == [
        ("starting_at", "2026-11-03T00:00:00Z"),
        ("ending_at", "2026-11-04T00:00:00Z"),
        ("time_bucket_width", "1d"),
        ("order_by", "time"),
        ("order", "asc"),
        ("limit", "1000"),
        # At most five, besides the kinds of line.
        ("group_by[]", "actor"),
        ("group_by[]", "api_key_id"),
        ("group_by[]", "workspace_id"),
        ("group_by[]", "model"),
        ("group_by[]", "speed"),
        ("group_by[]", "cost_type"),
        ("group_by[]", "token_type"),
    ]


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (None, [(REPORT, "2026-11-01", "2026-11-05")]),
        (date(2026, 12, 1), [(REPORT, "2026-11-01", "2026-11-05")]),
        (
            date(2026, 11, 3),
            [(REPORT, "2026-11-01", "2026-11-03"), (COST, "2026-11-03", "2026-11-05")],
        ),
        (date(2026, 11, 1), [(COST, "2026-11-01", "2026-11-05")]),
        (date(2026, 1, 1), [(COST, "2026-11-01", "2026-11-05")]),
    ],
)
def test_each_day_is_asked_of_one_report_and_billed_once(
    vendor_server: ScriptedVendor, since: date | None, expected: list[tuple[str, str, str]]
) -> None:
    window = Window(date(2026, 11, 1), date(2026, 11, 5))
    bodies = asked_for(vendor_server, window, since)
    assert asked_days(vendor_server) == expected
    dollars: dict[date, list[Decimal]] = defaultdict(list)
    for found in ENDPOINT.read(bodies, ReadContext(window)):
        assert isinstance(found, RawEvent)
        assert found.cost_usd is not None
        dollars[found.event_date].append(found.cost_usd)
    old, new = Decimal("0.01"), Decimal("12.345")
    assert dollars == {day: [old if since is None or day < since else new] for day in window.days()}


def test_days_that_the_vendor_keeps_nothing_of_are_not_asked(
    vendor_server: ScriptedVendor,
) -> None:
    since, oldest = date(2025, 6, 1), date(2026, 1, 1)
    asked_for(vendor_server, Window(date(2025, 12, 20), date(2026, 1, 3)), since)
    assert asked_days(vendor_server) == [(COST, "2026-01-01", "2026-01-03")]
    asked_for(vendor_server, Window(date(2025, 12, 20), oldest), since)
    assert vendor_server.asked == []
    later = NOW + timedelta(days=200)
    asked_for(vendor_server, Window(date(2026, 6, 1), date(2026, 6, 20)), since, later)
    assert asked_days(vendor_server) == [(COST, f"{(later - timedelta(365)).date()}", "2026-06-20")]


def test_a_settled_day_beyond_which_nothing_is_refreshed_is_a_failure(
    vendor_server: ScriptedVendor,
) -> None:
    """Without buckets a day that lacks looks like a day without any."""
    reached = "2026-11-03T21:10:00Z"
    with pytest.raises(VendorError, match="figures reach to 2026-11-03 21:10 UTC, and 2026-11-03"):
        asked_for(vendor_server, WINDOW, DAY, data_refreshed_at=reached)
    assert asked_for(vendor_server, WINDOW, DAY, data_refreshed_at="2026-11-04T00:00:00Z")
    # A day that has not settled is provisional whatever it holds.
    soon = datetime(2026, 11, 4, 23, tzinfo=NOW.tzinfo)
    assert asked_for(vendor_server, WINDOW, DAY, soon, data_refreshed_at=reached)


def test_a_row_that_comes_on_two_pages_starts_over(vendor_server: ScriptedVendor) -> None:
    ann = {"type": "user_actor", "user_id": "user_01"}
    other = row(ann, cost={"amount": "9"})
    vendor_server.answers(page(row(ann), row(), more=True, token="b"), page(other))
    with (
        client(ANTHROPIC, vendor_server.url, options={SINCE: f"{DAY}"}) as asking,
        pytest.raises(PagesShiftedError, match="page 2 repeats a record"),
    ):
        list(ENDPOINT.fetch(asking, WINDOW, NOW))


def test_a_date_that_is_none_is_one_line_that_says_how_to_write_it() -> None:
    settings = Settings.load({"ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x", SINCE: "November"})
    with pytest.raises(SettingsError) as caught:
        VendorClient.from_settings(ANTHROPIC, settings)
    assert str(caught.value) == f"{SINCE}='November' cannot be read: write a date YYYY-MM-DD."
    settings = Settings.load({"ANTHROPIC_ADMIN_KEY": "sk-ant-admin01-x", SINCE: " 2026-11-01 "})
    with VendorClient.from_settings(ANTHROPIC, settings) as asking:
        assert asking.option(SINCE) == "2026-11-01"


# --- Against the simulated company's books ---------------------------------------------------


def simulated(simulator: str, window: Window, since: date | None) -> list[RawEvent]:
    options = {} if since is None else {SINCE: since.isoformat()}
    url = f"{simulator}/anthropic"
    key = SecretStr(ANTHROPIC_KEY)
    with VendorClient(ANTHROPIC, key, base_url=url, options=options) as asking:
        bodies = [one.body for one in ENDPOINT.fetch(asking, window, NOW)]
    found = ENDPOINT.read(bodies, ReadContext(window))
    return [one for one in found if isinstance(one, RawEvent) and one.event_date in window.days()]


def test_both_reports_show_the_same_dollars_so_only_one_is_asked_of_a_day(
    simulator: str, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "MOST_RECORDS", 60)
    window = Window(date(2026, 11, 10), date(2026, 11, 14))
    truth = {
        day: sum((line.cents for line in company.cost_lines(day)), Decimal(0)) / 100
        for day in window.days()
    }
    for since in (None, date(2026, 11, 12), window.start):
        dollars: dict[date, Decimal] = defaultdict(Decimal)
        for found in simulated(simulator, window, since):
            assert found.validation_errors == []
            assert found.cost_usd is not None
            dollars[found.event_date] += found.cost_usd
        assert dollars == truth, since


def test_every_dollar_of_the_newer_report_is_its_keys_or_persons_with_nothing_to_split(
    simulator: str, company: Company
) -> None:
    day = date(2026, 11, 11)
    said: dict[Owner, Decimal] = defaultdict(Decimal)
    for found in simulated(simulator, Window.day(day), day):
        owner = UNKNOWN
        if found.user_email:
            owner = Owner("person", found.user_email)
        elif found.api_key_id:
            owner = company.key(found.api_key_id).knowable_owner
        assert found.cost_usd is not None
        said[owner] += found.cost_usd
    assert said == console_dollars(company, day)
    assert len([owner for owner in said if owner.kind == "person"]) > 5
