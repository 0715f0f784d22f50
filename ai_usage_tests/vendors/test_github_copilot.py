"""What Copilot's reports, seats and billing become, and every trap of its contract."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError, VendorError
from ai_usage.settings import Settings
from ai_usage.vendors.configured import near_misses
from ai_usage.vendors.github_copilot import VENDOR
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit.files import lines_as_json, table_as_json
from ai_usage.vendors.kit.promises import PagesShiftedError
from ai_usage.vendors.rows import LeftOut, Person
from ai_usage_tests.vendors.support import (
    DAY,
    NOW,
    SECRET,
    Asked,
    ScriptedVendor,
    as_json,
    client,
    filled,
    read,
)

GROUP = "enterprises/acme-group"
MIDNIGHT = datetime(2026, 11, 3, tzinfo=UTC)
WINDOW = Window.day(DAY)
PERSON: dict[str, Any] = {
    "user_id": 4711,
    "user_login": "Ann-X",
    "day": "2026-11-03",
    "organization_id": "99",
    "enterprise_id": "12",
    "etl_id": "not in the reference",
    "user_initiated_interaction_count": 9,
    "code_generation_activity_count": 30,
    "code_acceptance_activity_count": 11,
    "loc_suggested_to_add_sum": 120,
    "loc_added_sum": 340,
    "ai_credits_used": 71.4,
    "totals_by_ide": [{"ide": "vscode", "user_initiated_interaction_count": 9}],
    "totals_by_feature": [{"feature": "agent_edit", "loc_added_sum": 220}],
    "totals_by_cli": {"request_count": 18, "token_usage": {"output_tokens_sum": 3100}},
}
HEADER = (
    "date,username,product,sku,model,unit_type,quantity,applied_cost_per_quantity,gross_amount,"
    "discount_amount,net_amount,organization,repository,cost_center_name,input,output,cache_read,"
    "cache_write"
)
ROWS = (
    "2026-11-03,Ann-X,copilot,ai_credit,claude-x,ai-credits,812.5,0.01,8.125,8.125,0,acme,,,900,70,"
    "40,30",
    "2026-11-03,bob-y,copilot,ai_credit,gpt-z,ai-credits,150,0.01,1.5,0.5,1,acme,,research,5,6,,",
)


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def table(*rows: str) -> bytes:
    return "\n".join((HEADER, *rows, "")).encode()


def ask(
    server: ScriptedVendor,
    endpoint: str,
    *,
    account: str = "orgs/acme",
    window: Window = WINDOW,
    now: datetime = NOW,
) -> list[Page]:
    with client(VENDOR, server.url, options={"COPILOT_ACCOUNT": account}) as asking:
        return list(VENDOR.endpoint(endpoint).fetch(asking, window, now))


def report(server: ScriptedVendor, *files: Any, day: str = "2026-11-03") -> None:
    """Script: a report of these files (bytes, or an answer)."""

    def script(asked: Asked) -> Response:
        if asked.path.startswith("/signed/"):
            file = files[int(asked.path.rpartition("/")[2])]
            return file if isinstance(file, Response) else Response(file)
        links = [f"{server.url}/signed/{n}?sig=SIGNATURE" for n in range(len(files))]
        return as_json({"download_links": links, "report_day": day})

    server.asked.clear()
    server.script = script


# --- Reports -----------------------------------------------------------------------------------


def test_a_report_is_asked_in_two_steps_and_its_links_without_the_key(
    vendor_server: ScriptedVendor,
) -> None:
    other = {**PERSON, "user_id": 4712, "user_login": "bob-y"}
    report(vendor_server, lines(PERSON), lines(other))
    pages = ask(vendor_server, "user_reports")
    first, *links = vendor_server.asked
    assert first.path == "/orgs/acme/copilot/metrics/reports/users-1-day"
    assert first.query == [("day", "2026-11-03")]
    assert first.headers["authorization"] == f"Bearer {SECRET}"
    assert first.headers["accept"] == "application/vnd.github+json"
    assert first.headers["x-github-api-version"] == "2026-03-10"
    assert [asked.path for asked in links] == ["/signed/0", "/signed/1"]
    assert all("authorization" not in asked.headers for asked in links)
    assert not any("SIGNATURE" in page.request for page in pages)
    logins = [
        row.vendor_user_id for page in pages for row in read(VENDOR, "user_reports", page.body)
    ]
    assert logins == ["ann-x", "bob-y"]


def test_an_enterprises_reports_stand_elsewhere(vendor_server: ScriptedVendor) -> None:
    report(vendor_server, lines(PERSON))
    ask(vendor_server, "user_reports", account="enterprises/acme-group")
    path = "/enterprises/acme-group/copilot/metrics/reports/users-1-day"
    assert vendor_server.asked[0].path == path


def test_a_link_that_ran_out_asks_to_start_anew_and_stands_in_no_error(
    vendor_server: ScriptedVendor,
) -> None:
    report(vendor_server, lines(PERSON), Response("expired", 403))
    with pytest.raises(PagesShiftedError, match="link to file 2 is not taken any more") as raised:
        ask(vendor_server, "user_reports")
    assert "SIGNATURE" not in str(raised.value)


def test_a_link_that_is_no_https_is_not_followed_from_https() -> None:
    with (
        VendorClient(VENDOR, SecretStr(SECRET)) as asking,
        pytest.raises(VendorError, match="no https URL"),
    ):
        asking.download("http://elsewhere.example/x?sig=SIGNATURE", bytes, request="GET file")


def test_the_key_in_a_file_is_refused(vendor_server: ScriptedVendor) -> None:
    report(vendor_server, lines({**PERSON, "user_login": SECRET}))
    with pytest.raises(VendorError, match="COPILOT_TOKEN itself in the answer"):
        ask(vendor_server, "user_reports")


@pytest.mark.parametrize("answer", [Response(status_code=204), {"download_links": []}])
def test_a_day_without_a_report_is_no_answer_yet_and_a_failure_once_it_has_settled(
    vendor_server: ScriptedVendor, answer: Any
) -> None:
    vendor_server.answers(answer)
    before = datetime(2026, 11, 6, 23, 59, tzinfo=UTC)
    assert ask(vendor_server, "user_reports", now=before) == []
    after = datetime(2026, 11, 7, tzinfo=UTC)  # the 4th, 5th and 6th have passed
    with pytest.raises(VendorError, match=r"there is no report of this day.*Enabled everywhere"):
        ask(vendor_server, "user_reports", now=after)


@pytest.mark.parametrize(
    ("account", "day"), [("orgs/acme", "2025-12-11"), (GROUP, "2025-10-09"), (GROUP, "2025-11-22")]
)
def test_days_that_no_report_is_kept_of_are_not_asked(
    vendor_server: ScriptedVendor, account: str, day: str
) -> None:
    """Before the first report, or a year and a day ago: a backfill goes on with the others."""
    vendor_server.answers(Response(status_code=204))
    window = Window.day(date.fromisoformat(day))
    assert ask(vendor_server, "user_reports", account=account, window=window) == []
    assert vendor_server.asked == []


def test_the_report_of_another_day_is_refused(vendor_server: ScriptedVendor) -> None:
    report(vendor_server, lines(PERSON), day="2026-11-02")
    with pytest.raises(VendorError, match="the report of 2026-11-02"):
        ask(vendor_server, "user_reports")


def test_half_a_file_is_asked_for_again(vendor_server: ScriptedVendor) -> None:
    whole = lines(PERSON, {**PERSON, "user_id": 1})
    report(vendor_server, whole[:-20])
    with pytest.raises(VendorError, match=r"no whole file \(the last line is cut off\)"):
        ask(vendor_server, "user_reports")
    assert [asked.path for asked in vendor_server.asked[1:]] == ["/signed/0"] * 4


def test_a_person_in_two_files_is_a_report_that_shifted(vendor_server: ScriptedVendor) -> None:
    report(vendor_server, lines(PERSON), lines({**PERSON, "loc_added_sum": 1}))
    with pytest.raises(PagesShiftedError, match="repeats a record"):
        ask(vendor_server, "user_reports")


def test_a_persons_day_fills_requests_suggestions_and_lines_and_sums_no_breakdown() -> None:
    (row,) = read(VENDOR, "user_reports", lines_as_json(lines(PERSON)))
    assert filled(row) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "github_copilot",
        "request_count": 9,  # the 18 of the command line are not in it, nor added
        "lines_accepted": 340,  # agents' lines too: more than the 120 that were suggested
        "suggestions_shown": 30,
        "suggestions_accepted": 11,
        "attribution_method": "vendor_user_id",
        "vendor_user_id": "ann-x",
    }
    assert '"ai_credits_used": 71.4' in (row.raw_response or "")


def test_credits_of_a_report_are_no_cost_value_or_quantity() -> None:
    (row,) = read(VENDOR, "user_reports", lines_as_json(lines(PERSON)))
    money = (row.cost_usd, row.included_value_usd, row.estimated_cost_usd, row.quantity)
    assert money == (None, None, None, None)


def test_who_renames_the_login_keeps_the_event_and_ids_may_be_texts() -> None:
    renamed = {**PERSON, "user_id": "4711", "user_login": "ann-new"}
    rows = read(VENDOR, "user_reports", lines_as_json(lines(PERSON, renamed)))
    assert rows[0].identity == rows[1].identity == ("2026-11-03", "4711")


def test_an_active_person_without_telemetry_is_an_event_and_absent_counts_stay_unknown() -> None:
    bare = {"user_login": "cy", "day": "2026-11-03", "user_initiated_interaction_count": 0}
    (row,) = read(VENDOR, "user_reports", lines_as_json(lines(bare)))
    assert (row.request_count, row.lines_accepted, row.suggestions_shown) == (0, None, None)


def test_a_line_that_is_no_json_is_flagged_and_the_others_count() -> None:
    body = lines_as_json(b"{broken\n" + lines(PERSON))
    broken, row = read(VENDOR, "user_reports", body)
    assert (broken.validation_errors, row.validation_errors) == (["undecodable_record"], [])
    assert broken.raw_response == '"{broken"'


# --- Seats -------------------------------------------------------------------------------------


def seat(number: int, team: int | None = None, **more: Any) -> dict[str, Any]:
    assignee = {"id": number, "login": f"Login-{number}", "type": "User"}
    return {"assignee": assignee, "assigning_team": team and {"id": team}, **more}


def seats(server: ScriptedVendor, total: int, *pages: list[Any]) -> None:
    def script(asked: Asked) -> Response:
        number = int(asked.first("page") or 1)
        following = f"<{server.url}{asked.path}?per_page=100&page={number + 1}>"
        body = {"total_seats": total, "seats": pages[number - 1]}
        if number == len(pages):
            return as_json(body)
        return as_json(body, Link=f'{following}; rel="next"')

    server.asked.clear()
    server.script = script


def test_seats_follow_the_link_header_and_a_person_of_two_teams_is_one(
    vendor_server: ScriptedVendor,
) -> None:
    pending = seat(2, pending_cancellation_date="2026-11-30")
    seats(vendor_server, 2, [seat(1, team=7), pending], [seat(1, team=8)])
    pages = ask(vendor_server, "seats")
    assert [asked.query for asked in vendor_server.asked] == [
        [("per_page", "100")],
        [("per_page", "100"), ("page", "2")],
    ]
    people = list(
        VENDOR.endpoint("seats").read([page.body for page in pages], None)  # type: ignore[arg-type]
    )
    assert people == [
        Person(vendor_user_id="login-1", user_email=None),
        Person(vendor_user_id="login-2", user_email=None),
    ]


def test_a_seat_twice_by_the_same_team_is_a_list_that_shifted(
    vendor_server: ScriptedVendor,
) -> None:
    seats(vendor_server, 2, [seat(1, team=7), seat(2)], [seat(1, team=7)])
    with pytest.raises(PagesShiftedError, match="repeats a record"):
        ask(vendor_server, "seats")


@pytest.mark.parametrize("total", [1, 4])
def test_seats_that_the_total_cannot_mean_are_refused(
    vendor_server: ScriptedVendor, total: int
) -> None:
    seats(vendor_server, total, [seat(1, team=7), seat(2), seat(1, team=8)])
    with pytest.raises(PagesShiftedError, match=f"2 people in 3 records of {total} seats"):
        ask(vendor_server, "seats")


def test_a_seat_of_a_team_is_no_persons() -> None:
    team = {"assignee": {"id": 5, "slug": "core", "type": "Team"}}
    body = json.dumps({"total_seats": 2, "seats": [team, seat(1)]}).encode()
    left, person = read(VENDOR, "seats", body)
    assert isinstance(left, LeftOut)
    assert left.why == "nobody"
    assert person.vendor_user_id == "login-1"


# --- Billing -----------------------------------------------------------------------------------


def item(**changes: Any) -> dict[str, Any]:
    return {
        "product": "Copilot",
        "sku": "Copilot AI Credits",
        "model": "claude-x",
        "unitType": "ai-credits",
        "pricePerUnit": 0.01,
        "grossQuantity": 812.5,
        "grossAmount": 8.125,
        "discountQuantity": 612.5,
        "discountAmount": 6.125,
        "netQuantity": 200,
        "netAmount": 2.0,
        **changes,
    }


def plain(*items: Any, day: int = 3, **named: str) -> dict[str, Any]:
    named = named or {"organization": "acme"}
    return {"timePeriod": {"year": 2026, "month": 11, "day": day}, **named, "usageItems": items}


def exports(
    server: ScriptedVendor, checks: Any, *files: bytes, states: tuple[str, ...] = ("completed",)
) -> None:
    """Script: an export that passes through `states`, its files, and the answer that checks it."""
    left = list(states)

    def script(asked: Asked) -> Response:
        if asked.path.startswith("/signed/"):
            return Response(files[int(asked.path.rpartition("/")[2])])
        if asked.path.endswith("/ai_credit/usage"):
            return as_json(checks)
        if asked.method == "POST":
            return as_json({"id": "job-1", "status": "processing"}, 202)
        status = left.pop(0) if len(left) > 1 else left[0]
        links = [f"{server.url}/signed/{n}?sig=SIGNATURE" for n in range(len(files))]
        done = {"download_urls": links} if status == "completed" else {}
        return as_json({"id": "job-1", "status": status, **done})

    server.asked.clear()
    server.script = script


CHECK = plain(
    item(grossAmount=8.125, discountAmount=8.125, netAmount=0),
    item(model="gpt-z", grossAmount=1.5, discountAmount=0.5, netAmount=1),
    enterprise="acme-group",
)


def test_an_organisation_is_asked_once_a_day_for_what_it_is_billed(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers(plain(item()), plain(item(), day=4))
    pages = ask(vendor_server, "billing", window=Window(DAY, date(2026, 11, 5)))
    assert len(pages) == 2
    assert {a.path for a in vendor_server.asked} == {
        "/organizations/acme/settings/billing/ai_credit/usage"
    }
    assert [a.query for a in vendor_server.asked] == [
        [("year", "2026"), ("month", "11"), ("day", "3")],
        [("year", "2026"), ("month", "11"), ("day", "4")],
    ]


def test_net_is_the_cost_the_discount_is_the_pools_and_gross_is_list() -> None:
    (row,) = read(VENDOR, "billing", json.dumps(plain(item())).encode())
    assert filled(row) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "cost",
        "platform_subtype": "github_copilot",
        "model": "claude-x",
        "cost_usd": Decimal("2.000000000"),
        "included_value_usd": Decimal("6.125000000"),
        "estimated_cost_usd": Decimal("8.125000000"),
        "cost_currency": "USD",
        "cost_type": "ai_credits",
        "billing_period": "usage_based",
        "price_tier": "standard",
        "is_committed": False,
        "quantity": Decimal("812.500000000"),
        "quantity_unit": "credits",
        "attribution_method": "unknown",
    }


def test_amounts_are_taken_as_stated_and_never_multiplied_and_the_unit_has_two_names() -> None:
    odd = item(unitType="credits", pricePerUnit=0.01, netQuantity=3, netAmount=0.0299)
    azure = item(model="b", discountAmount=0, netAmount=8.125)
    rows = read(VENDOR, "billing", json.dumps(plain(odd, azure)).encode())
    assert [(row.cost_usd, row.quantity_unit) for row in rows] == [
        (Decimal("0.0299"), "credits"),
        (Decimal("8.125"), "credits"),
    ]
    assert rows[1].included_value_usd == 0


def test_a_line_without_its_amount_is_a_charge_that_is_not_known() -> None:
    rows = read(VENDOR, "billing", json.dumps(plain(item(netAmount=None), 7)).encode())
    assert [(row.cost_usd, row.validation_errors) for row in rows] == [
        (None, ["unreadable_amount"]),
        (None, ["undecodable_record"]),
    ]


def test_the_year_as_the_answer_for_a_day_is_refused(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers({**plain(item()), "timePeriod": {"year": 2026, "month": 11, "day": 4}})
    with pytest.raises(VendorError, match=r"answers with .*'day': 4"):
        ask(vendor_server, "billing")
    vendor_server.answers({**plain(item()), "timePeriod": {"year": 2026}})
    with pytest.raises(VendorError, match=r"answers with {'year': 2026}"):
        ask(vendor_server, "billing")


def test_days_before_ai_credits_hold_none_and_are_not_asked(
    vendor_server: ScriptedVendor,
) -> None:
    vendor_server.answers({**plain(item()), "timePeriod": {"year": 2026, "month": 6, "day": 1}})
    before = Window(date(2026, 5, 1), date(2026, 6, 1))
    assert ask(vendor_server, "billing", window=before) == []
    assert vendor_server.asked == []
    assert len(ask(vendor_server, "billing", window=Window(before.start, date(2026, 6, 2)))) == 1
    assert vendor_server.asked[0].query == [("year", "2026"), ("month", "6"), ("day", "1")]


def test_an_enterprises_export_is_ordered_waited_for_and_checked(
    vendor_server: ScriptedVendor,
) -> None:
    states = ("processing", "processing", "completed")
    exports(vendor_server, CHECK, table(ROWS[0]), table(ROWS[1]), states=states)
    pages = ask(vendor_server, "billing", account=GROUP)
    billing = "/enterprises/acme-group/settings/billing"
    assert [(a.method, a.path) for a in vendor_server.asked] == [
        ("POST", f"{billing}/reports"),
        *[("GET", f"{billing}/reports/job-1")] * 3,
        ("GET", "/signed/0"),
        ("GET", "/signed/1"),
        ("GET", f"{billing}/ai_credit/usage"),
    ]
    assert vendor_server.asked[0].body == {
        "report_type": "ai_credit",
        "start_date": "2026-11-03",
        "end_date": "2026-11-03",
        "send_email": False,
    }
    assert not any("authorization" in a.headers for a in vendor_server.asked[4:6])
    assert not any("SIGNATURE" in page.request for page in pages)
    rows = [row for page in pages for row in read(VENDOR, "billing", page.body)]
    # The answer that checks is archived, and is the same dollars: it makes no event.
    assert [(row.vendor_user_id, row.cost_usd) for row in rows] == [("ann-x", 0), ("bob-y", 1)]


def test_a_row_of_the_export_names_person_model_dollars_and_tokens() -> None:
    (row,) = read(VENDOR, "billing", table_as_json(table(ROWS[0])))
    assert filled(row) == {
        "event_timestamp": MIDNIGHT,
        "event_date": DAY,
        "event_type": "usage",
        "platform_subtype": "github_copilot",
        "model": "claude-x",
        "input_tokens": 900,
        "output_tokens": 70,
        "cached_input_tokens": 30,
        "cache_read_tokens": 40,
        "cost_usd": Decimal(0),
        "included_value_usd": Decimal("8.125"),
        "estimated_cost_usd": Decimal("8.125"),
        "cost_currency": "USD",
        "cost_type": "ai_credits",
        "billing_period": "usage_based",
        "price_tier": "standard",
        "is_committed": False,
        "quantity": Decimal("812.5"),
        "quantity_unit": "credits",
        "attribution_method": "vendor_user_id",
        "vendor_user_id": "ann-x",
    }
    (other,) = read(VENDOR, "billing", table_as_json(table(ROWS[1])))
    assert (other.cached_input_tokens, other.cache_read_tokens) == (None, None)


def test_columns_are_known_by_name_and_a_row_of_another_length_is_flagged() -> None:
    moved = b"net_amount,username,date\n1.5,ann-x,2026-11-03\n9,2026-11-03\n2,bob-y,2026-11-03\n"
    rows = read(VENDOR, "billing", table_as_json(moved))
    assert [(row.vendor_user_id, row.cost_usd, row.validation_errors) for row in rows] == [
        ("ann-x", Decimal("1.5"), []),
        (None, None, ["undecodable_record"]),
        ("bob-y", Decimal(2), []),
    ]


@pytest.mark.parametrize("body", [table(*ROWS)[:-12], b"", b'"date'])
def test_half_a_table_is_no_table(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut off|no header|unexpected end"):
        table_as_json(body)


@pytest.mark.parametrize("status", ["failed", "cancelled", "processing"])
def test_an_export_that_does_not_come_is_a_failure(
    vendor_server: ScriptedVendor, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ai_usage.vendors.kit.files.MOST_LOOKS", 3)
    exports(vendor_server, CHECK, states=(status,))
    with pytest.raises(VendorError, match=f'the export that was ordered is "{status}"'):
        ask(vendor_server, "billing", account=GROUP)


def test_an_export_that_differs_from_the_plain_answer_is_refused(
    vendor_server: ScriptedVendor,
) -> None:
    exports(vendor_server, CHECK, table(ROWS[0]))
    with pytest.raises(PagesShiftedError, match=r"the export has 0.* the plain answer 1"):
        ask(vendor_server, "billing", account=GROUP)
    # Of a day that has not settled the two are of different moments.
    before = datetime(2026, 11, 6, tzinfo=UTC)
    assert len(ask(vendor_server, "billing", account=GROUP, now=before)) == 1


def test_the_plain_answer_may_leave_out_cost_centres(vendor_server: ScriptedVendor) -> None:
    without = plain(
        item(grossAmount=8.125, discountAmount=8.125, netAmount=0), enterprise="acme-group"
    )
    exports(vendor_server, without, table(*ROWS))
    assert len(ask(vendor_server, "billing", account=GROUP)) == 2


def test_rounding_apart_is_no_difference(vendor_server: ScriptedVendor) -> None:
    rounded = plain(item(discountAmount=8.625, netAmount=0.996), enterprise="acme-group")
    exports(vendor_server, rounded, table(*ROWS))
    assert len(ask(vendor_server, "billing", account=GROUP)) == 2


# --- Credentials -------------------------------------------------------------------------------


@pytest.mark.parametrize("account", ["acme", "teams/acme", "orgs/", "orgs/a/b"])
def test_an_account_that_names_none_is_told(account: str) -> None:
    settings = Settings.load({"COPILOT_TOKEN": "ghp_abcdefgh", "COPILOT_ACCOUNT": account})
    with pytest.raises(SettingsError, match=r"write enterprises/<name> or orgs/<name>"):
        VendorClient.from_settings(VENDOR, settings)


@pytest.mark.parametrize("account", ["", " "])
def test_a_token_without_an_account_is_told(account: str) -> None:
    settings = Settings.load({"COPILOT_TOKEN": "ghp_abcdefgh", "COPILOT_ACCOUNT": account})
    with pytest.raises(SettingsError, match="needs COPILOT_ACCOUNT: set it to enterprises/<name>"):
        VendorClient.from_settings(VENDOR, settings)


def test_the_token_that_many_machines_have_is_not_taken_for_it() -> None:
    settings = Settings.load({"GITHUB_TOKEN": "ghp_abcdefgh"})
    assert near_misses(settings, [VENDOR]) == []


def test_a_403_that_says_when_to_come_again_is_waited_out_and_another_is_told(
    vendor_server: ScriptedVendor,
) -> None:
    busy = as_json(
        {"message": "You have exceeded a secondary rate limit"}, 403, **{"Retry-After": "0"}
    )
    vendor_server.answers(busy, plain(item()))
    assert len(ask(vendor_server, "billing")) == 1
    vendor_server.answers(as_json({"message": "Resource not accessible"}, 403))
    with pytest.raises(VendorError, match=r"classic tokens alone.*Enabled everywhere"):
        ask(vendor_server, "billing")
    assert len(vendor_server.asked) == 1
