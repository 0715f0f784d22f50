"""Saved answers: recognised by their shape, whole or refused, each day taken once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.archive.archive import Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.vendors.answers import ImportRefusedError
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.fetching import read_rows
from ai_usage.vendors.importing import Import, plan_imports, take
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.vendors.support import ANTHROPIC, CURSOR, FIXTURES, NOW, fixture

IMPORTS = FIXTURES / "imports"


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


def bring(
    archive: Archive, *paths: Path, now: datetime = NOW, amount_unit: Any = "cents", **options: Any
) -> list[Import]:
    """What the command does with the files, up to the archive."""
    plans = plan_imports(paths, archive, now=now, amount_unit=amount_unit, **options)
    for plan in plans:
        take(archive, plan, now=now, amount_unit=amount_unit)
    return plans


def saved(tmp_path: Path, content: bytes | str, name: str = "answer.json") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def november(*days: int) -> list[date]:
    return [date(2026, 11, day) for day in days]


@pytest.mark.parametrize(
    ("name", "endpoint", "first", "length"),
    [
        ("cursor/daily_usage.json", "cursor daily_usage", "2026-11-03", 1),
        ("cursor/usage_events.json", "cursor usage_events", "2026-11-03", 1),
        ("anthropic/usage_report.json", "anthropic usage_report", "2026-11-03", 2),
        ("anthropic/cost_report.json", "anthropic cost_report", "2026-11-03", 1),
        ("anthropic/claude_code.json", "anthropic claude_code", "2026-11-03", 1),
        ("samples/cursor_daily_usage.json", "cursor daily_usage", "2025-09-30", 1),
        ("samples/anthropic_usage_report.json", "anthropic usage_report", "2025-09-30", 1),
        ("samples/anthropic_cost_report.json", "anthropic cost_report", "2025-09-30", 1),
    ],
)
def test_every_report_is_recognised(
    archive: Archive, name: str, endpoint: str, first: str, length: int
) -> None:
    (plan,) = plan_imports([FIXTURES / name], archive, now=NOW)
    answer, start = plan.answer, date.fromisoformat(first)
    assert f"{answer.vendor.name} {answer.endpoint.name}" == endpoint
    assert plan.taken == [start + timedelta(days=n) for n in range(length)]
    assert (plan.same, plan.left_open) == ([], [])


def test_no_shape_belongs_to_two_endpoints() -> None:
    for path in FIXTURES.rglob("*.json"):
        body = json.loads(path.read_text())
        takers = [
            endpoint.name
            for vendor in discovered_vendors()
            for endpoint in vendor.endpoints
            if isinstance(body, dict) and endpoint.saved and endpoint.saved.recognise(body)
        ]
        assert len(takers) <= 1, path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gzip"])
def test_plain_gzipped_and_windows_files_are_the_same(
    tmp_path: Path, archive: Archive, encoding: str
) -> None:
    body = fixture("samples/anthropic_cost_report.json")
    if encoding == "gzip":
        path = saved(tmp_path, gzip.compress(body), "answer.json.gz")
    else:
        path = saved(tmp_path, body.decode().encode(encoding))
    bring(archive, path)
    assert dollars(archive) == {date(2025, 9, 30): [Decimal("0.0083")]}


EVER = Window(date(2025, 9, 1), date(2026, 12, 1))


def dollars(archive: Archive, endpoint: str = "cost_report") -> dict[date, list[Decimal | None]]:
    """What is held of every day, as it would be read: the days without a record too."""
    vendor = CURSOR if endpoint == "usage_events" else ANTHROPIC
    found: dict[date, list[Decimal | None]] = {}
    for part in read_rows(vendor, vendor.endpoint(endpoint), EVER, archive):
        found |= {day: [] for day in part.days}
        for row in part.rows:
            assert isinstance(row, RawEvent)
            found[row.event_date].append(row.cost_usd)
    return {day: sorted(amounts, key=str) for day, amounts in sorted(found.items())}


def test_an_imported_amount_is_cents_unless_declared_dollars(archive: Archive) -> None:
    path = FIXTURES / "samples/anthropic_cost_report.json"
    bring(archive, path)
    later = NOW + timedelta(hours=1)
    with pytest.raises(ImportRefusedError, match="from an earlier import, and says something else"):
        bring(archive, path, now=later, amount_unit="usd")
    bring(archive, path, now=later, amount_unit="usd", replace=True)
    assert dollars(archive) == {date(2025, 9, 30): [Decimal("0.83")]}
    fetch = archive.fetches("anthropic", "cost_report")[-1]
    assert (archive.manifest(fetch).origin, archive.manifest(fetch).amount_unit) == (
        "import",
        "usd",
    )


def from_the_vendor(archive: Archive, *bodies: dict[str, Any], days: Sequence[date]) -> None:
    window = Window(days[0], days[-1] + timedelta(days=1))
    with archive.recording("anthropic", "cost_report", window, fetched_at=NOW) as recorder:
        for body in bodies:
            recorder.add(Page(json.dumps(body).encode(), "GET"))


def test_days_from_the_vendor_itself_are_replaced_only_on_demand(archive: Archive) -> None:
    from_the_vendor(archive, {"data": []}, days=[date(2025, 9, 29), date(2025, 10, 1)])
    path = FIXTURES / "samples/anthropic_cost_report.json"
    later = NOW + timedelta(hours=1)
    with pytest.raises(
        ImportRefusedError, match=r"cost_report of 2025-09-30, .*the vendor itself.*--replace"
    ):
        bring(archive, path, now=later)
    assert not any(dollars(archive).values())
    bring(archive, path, replace=True)
    assert dollars(archive)[date(2025, 9, 30)] == [Decimal("0.0083")], "though no clock has moved"


# --- Buckets ------------------------------------------------------------------------------------


def bucket(day: int, *cents: object, **more: Any) -> dict[str, Any]:
    lines = [{"amount": str(amount), "description": f"line {n}"} for n, amount in enumerate(cents)]
    return {"starting_at": f"2026-11-{day:02}T00:00:00Z", "results": lines, **more}


def page(*buckets: dict[str, Any], more: bool = False) -> str:
    return json.dumps({"data": list(buckets), "has_more": more, "next_page": None}, indent=2)


def test_several_pages_in_one_file_are_one_answer(tmp_path: Path, archive: Archive) -> None:
    path = saved(tmp_path, page(bucket(3, 100), more=True) + "\n" + page(bucket(4, 100)))
    (plan,) = bring(archive, path)
    assert (plan.taken, plan.new_pages) == (november(3, 4), 2)
    assert dollars(archive) == {day: [Decimal(1)] for day in november(3, 4)}
    (fetch,) = archive.fetches("anthropic", "cost_report")
    assert [p.request for p in archive.manifest(fetch).pages] == ["import answer.json"] * 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_the_pages_of_an_answer_may_be_files_of_their_own_in_any_order(
    tmp_path: Path, archive: Archive, order: tuple[int, ...]
) -> None:
    """As a shell lists them: page 10 before page 2."""
    files = [
        saved(tmp_path, page(bucket(3, 1), bucket(4, 2), more=True), "1.json"),
        saved(tmp_path, page(bucket(5), bucket(6, 4), more=True), "2.json"),
        saved(tmp_path, page(bucket(7, 5)), "3.json"),
    ]
    (plan,) = bring(archive, *(files[at] for at in order))
    assert plan.taken == november(3, 4, 5, 6, 7)
    assert plan.usd(plan.taken) == Decimal("0.12")
    for alone in (files[0], files[1]):
        with pytest.raises(ImportRefusedError, match="its last page says that there are more"):
            plan_imports([alone], archive, now=NOW)
    with pytest.raises(ImportRefusedError, match=r"between page 1 and 2 2026-11-05\.\.2026-11-06"):
        plan_imports([files[0], files[2]], archive, now=NOW)
    twice = saved(tmp_path, files[0].read_text() * 2 + files[1].read_text())
    with pytest.raises(ImportRefusedError, match="page 2 repeats an earlier page"):
        plan_imports([twice, files[2]], archive, now=NOW)


def test_a_page_without_any_cost_is_of_the_report_that_breaks_off_before_it(
    tmp_path: Path, archive: Archive
) -> None:
    first = saved(tmp_path, page(bucket(3, 1), more=True), "1.json")
    quiet = saved(tmp_path, page(bucket(4)), "2.json")
    (plan,) = plan_imports([first, quiet], archive, now=NOW)
    assert plan.taken == november(3, 4)
    other = saved(tmp_path, page(bucket(3, 1)), "other.json")
    with pytest.raises(ImportRefusedError, match=r"2\.json is no answer .*without any row"):
        plan_imports([other, quiet], archive, now=NOW)


def test_a_day_that_a_report_lacks_stays_open(tmp_path: Path, archive: Archive) -> None:
    """Two manifests, so that their names alone tell which days are held."""
    (plan,) = bring(archive, saved(tmp_path, page(bucket(3, 1), bucket(5, 4))))
    assert (plan.taken, plan.left_open) == (november(3, 5), november(4))
    assert dollars(archive) == dict(
        zip(november(3, 5), [[Decimal("0.01")], [Decimal("0.04")]], strict=True)
    )
    finalization_lag = ANTHROPIC.endpoint("cost_report").finalization_lag
    assert archive.held("anthropic", "cost_report", EVER, finalization_lag) == {*november(3, 5)}


def test_a_day_that_stays_open_is_none_if_the_archive_has_it(
    tmp_path: Path, archive: Archive
) -> None:
    from_the_vendor(archive, {"data": [bucket(4, 7)]}, days=november(4))
    (plan,) = bring(archive, saved(tmp_path, page(bucket(3, 1), bucket(5, 4))))
    assert (plan.taken, plan.left_open) == (november(3, 5), [])
    assert dollars(archive)[date(2026, 11, 4)] == [Decimal("0.07")]


def test_what_is_said_twice_counts_once_and_what_is_contradicted_is_refused(
    tmp_path: Path, archive: Archive
) -> None:
    """Between two files, two answers in a file, a file and what it was imported of before.

    What an amount says counts, not how it is written.
    """
    one = saved(tmp_path, page(bucket(3, "100.0"), bucket(4, 200, 300)), "one.json")
    two = saved(tmp_path, page(bucket(4, 200, 300), bucket(5, 400)), "two.json")
    bad = saved(tmp_path, page(bucket(3, "100"), bucket(4, 200), bucket(5, 999)), "bad.json")
    refused = r"one\.json and .*bad\.json hold anthropic cost_report of 2026-11-04 twice, and not "
    with pytest.raises(ImportRefusedError, match=refused):
        plan_imports([one, bad], archive, now=NOW)
    first, second = bring(archive, one, two)
    assert (first.taken, second.taken, second.same) == (
        november(3, 4),
        november(5),
        november(4),
    )
    held = dollars(archive)
    assert held == {
        date(2026, 11, 3): [Decimal(1)],
        date(2026, 11, 4): [Decimal(2), Decimal(3)],
        date(2026, 11, 5): [Decimal(4)],
    }
    both = saved(tmp_path, one.read_text() + two.read_text(), "both.json")
    assert [plan.taken for plan in bring(archive, both, now=NOW + timedelta(hours=1))] == [[], []]
    assert len(archive.fetches("anthropic", "cost_report")) == 2
    refused = (
        r"bad\.json holds anthropic cost_report of 2026-11-04\.\.2026-11-05, which the archive"
    )
    with pytest.raises(ImportRefusedError, match=refused):
        plan_imports([bad], archive, now=NOW)
    assert dollars(archive) == held


def test_what_is_said_again_after_a_day_has_settled_is_the_last_word(
    tmp_path: Path, archive: Archive
) -> None:
    path = saved(tmp_path, page(bucket(3, 1)))
    finalization_lag = ANTHROPIC.endpoint("cost_report").finalization_lag
    bring(archive, path, now=datetime(2026, 11, 4, 1, tzinfo=UTC))
    assert archive.held("anthropic", "cost_report", EVER, finalization_lag) == set()
    (plan,) = bring(archive, path, now=NOW)
    assert (plan.taken, plan.same) == (november(3), [])
    assert archive.held("anthropic", "cost_report", EVER, finalization_lag) == {*november(3)}


def hours(day: int, start: int, end: int, zone: str = "Z") -> list[dict[str, Any]]:
    return [
        {
            "starting_at": f"2026-11-{day:02}T{hour:02}:00:00{zone}",
            "ending_at": f"2026-11-{day:02}T{hour:02}:59:59.999999{zone}"
            if hour == 23
            else f"2026-11-{day:02}T{hour + 1:02}:00:00{zone}",
            "results": [{"amount": "1"}],
        }
        for hour in range(start, end)
    ]


def test_hourly_buckets_make_a_day_when_all_of_it_is_there(
    tmp_path: Path, archive: Archive
) -> None:
    """Nearly the last hour is not the last hour."""
    whole = [*hours(3, 0, 23), {**hours(3, 23, 24)[0], "ending_at": "2026-11-04T00:00:00Z"}]
    (plan,) = bring(
        archive,
        saved(tmp_path, page(*whole[:12], more=True) + page(*whole[12:], *hours(4, 0, 24))),
    )
    assert (plan.taken, plan.left_open) == (november(3), november(4))
    assert dollars(archive) == {date(2026, 11, 3): [Decimal("0.01")] * 24}


def test_days_of_another_zone_are_no_days(tmp_path: Path, archive: Archive) -> None:
    """Two Californian days hold all of the UTC day between, but nothing tells its part."""
    days = [
        {"starting_at": f"2026-11-{day:02}T00:00:00-08:00", "results": [{"amount": "1"}]}
        for day in (3, 4)
    ]
    with pytest.raises(ImportRefusedError, match="no whole UTC day of anthropic cost_report"):
        plan_imports([saved(tmp_path, page(*days))], archive, now=NOW)


def test_a_day_twice_on_one_page_is_refused(tmp_path: Path, archive: Archive) -> None:
    with pytest.raises(ImportRefusedError, match="has 2026-11-03 twice on one page"):
        plan_imports([saved(tmp_path, page(bucket(3, 1), bucket(3, 1)))], archive, now=NOW)


def test_a_day_that_is_not_over_stays_open(tmp_path: Path, archive: Archive) -> None:
    """NOW is noon of the 23rd: what a file has of today is not all of today."""
    (plan,) = bring(archive, saved(tmp_path, page(bucket(22, 1), bucket(23, 2), bucket(24))))
    assert (plan.taken, plan.left_open) == (november(22), november(23))
    with pytest.raises(ImportRefusedError, match="holds 2026-11-23, which is not over yet"):
        plan_imports([saved(tmp_path, page(bucket(23, 1)))], archive, now=NOW)
    with pytest.raises(ImportRefusedError, match=r"holds 2026-11-24, but today \(UTC\) is 2026-11"):
        plan_imports([saved(tmp_path, page(bucket(24, 1)))], archive, now=NOW)


# --- Claude Code --------------------------------------------------------------------------------


def code(*records: tuple[int, str], more: bool = False) -> str:
    data = [
        {
            "date": f"2026-11-{day:02}T00:00:00Z",
            "actor": {"type": "api_actor", "api_key_name": name},
            "customer_type": "api",
            "terminal_type": "unknown",
            "core_metrics": {"num_sessions": 1},
        }
        for day, name in records
    ]
    return json.dumps({"data": data, "has_more": more, "next_page": "p" if more else None})


def test_two_records_alike_on_two_saved_pages_both_count(tmp_path: Path, archive: Archive) -> None:
    (plan,) = bring(archive, saved(tmp_path, code((3, "ci"), more=True) + code((3, "ci"))))
    assert plan.taken == november(3)
    assert len(dollars(archive, "claude_code")[date(2026, 11, 3)]) == 2


def test_a_page_of_another_day_does_not_end_an_answer_about_one_day(
    tmp_path: Path, archive: Archive
) -> None:
    """A call is about one day, so the end of the 3rd is missing."""
    body = code((3, "a"), (3, "b"), more=True) + code((4, "a"))
    with pytest.raises(ImportRefusedError, match="there is more of 2026-11-03, and page 2 is of"):
        plan_imports([saved(tmp_path, body)], archive, now=NOW)
    body = code((3, "a"), more=True)
    all_of_it = saved(tmp_path, code((3, "a"), (3, "b")), "all.json")
    with pytest.raises(ImportRefusedError, match="more records than the full page 1"):
        plan_imports([saved(tmp_path, body), all_of_it], archive, now=NOW)


def test_a_quiet_day_of_claude_code_is_held_only_if_somebody_says_so(
    tmp_path: Path, archive: Archive
) -> None:
    """An empty page does not tell which day it is about."""
    path = saved(tmp_path, code((3, "a")) + code() + code((5, "a")))
    (plan,) = plan_imports([path], archive, now=NOW)
    assert (plan.taken, plan.left_open) == (november(3, 5), november(4))
    files = [saved(tmp_path, code((day, "a")), f"{day}.json") for day in (3, 5)]
    for paths in ([path], files):
        (plan,) = plan_imports(paths, archive, now=NOW, stated=november(3, 4, 5))
        assert (plan.taken, plan.left_open) == (november(3, 4, 5), [])


# --- Cursor -------------------------------------------------------------------------------------

MIDNIGHT = 1793664000000
"""2026-11-03, epoch milliseconds."""
HOUR = 3_600_000


def events(
    *at: float, start: float | None = None, end: float | None = None, **more: Any
) -> dict[str, Any]:
    """An export; all times in hours after MIDNIGHT, each event bills a dollar."""
    body: dict[str, Any] = {
        "totalUsageEventsCount": len(at),
        "usageEvents": [
            {
                "timestamp": str(MIDNIGHT + int(hour * HOUR)),
                "isChargeable": True,
                "chargedCents": 100,
            }
            for hour in at
        ],
        **more,
    }
    if start is not None and end is not None:
        body["period"] = {
            "startDate": MIDNIGHT + int(start * HOUR),
            "endDate": MIDNIGHT + int(end * HOUR),
        }
    return body


def export(tmp_path: Path, body: dict[str, Any], name: str = "export.json") -> Path:
    return saved(tmp_path, json.dumps(body), name)


def test_an_answer_counts_what_it_announces(tmp_path: Path, archive: Archive) -> None:
    path = export(tmp_path, {**events(1, 2, start=0, end=24), "totalUsageEventsCount": 3})
    with pytest.raises(ImportRefusedError, match="2 records came of 3 announced"):
        plan_imports([path], archive, now=NOW)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("events_page2_twice.jsonl", "page 2 comes twice"),
        ("events_page2_missing.jsonl", "page 2 of 3 is missing"),
    ],
)
def test_each_numbered_page_is_there_once(archive: Archive, name: str, says: str) -> None:
    with pytest.raises(ImportRefusedError, match=rf"{name} is not the whole answer: {says}\. Save"):
        plan_imports([IMPORTS / name], archive, now=NOW)


@pytest.mark.parametrize(
    "pagination",
    [
        {"currentPage": 2**60, "hasNextPage": False},
        {"currentPage": 1, "numPages": 2**60, "hasNextPage": True},
    ],
)
def test_a_page_number_that_no_answer_has_is_refused_in_a_line(
    tmp_path: Path, archive: Archive, pagination: dict[str, Any]
) -> None:
    """The pages before it were counted one by one, until memory ended."""
    path = export(tmp_path, {**events(1, 2, start=0, end=24), "pagination": pagination})
    says = r"a page says that it is one of more than 100000\. Save"
    with pytest.raises(ImportRefusedError, match=says):
        plan_imports([path], archive, now=NOW)


def test_numbered_pages_may_be_files_in_any_order_and_copies_of_them(
    tmp_path: Path, archive: Archive
) -> None:
    whole = (IMPORTS / "events_all.jsonl").read_text().splitlines()
    files = [saved(tmp_path, text, f"{at}.json") for at, text in enumerate(whole)]
    copy = saved(tmp_path, whole[1], "copy.json")
    (plan,) = bring(archive, files[2], copy, files[0], files[1])
    assert plan.usd(plan.taken) == Decimal(15)
    assert dollars(archive, "usage_events") == {date(2026, 9, 8): list(map(Decimal, "12345"))}
    for lacking, says in (
        (files[:2], "page 3 of 3 is missing"),
        (files[1:], "page 1 of 3 is missing"),
        (files[2:], "pages 1, 2 of 3 are missing"),
    ):
        with pytest.raises(ImportRefusedError, match=says):
            plan_imports(lacking, archive, now=NOW)


@pytest.mark.parametrize(
    ("start", "end", "taken", "left"),
    [
        (0, 24, [3], []),
        (0, 24 - 1 / HOUR, [3], []),
        (0, 24 - 1000 / HOUR, [], [3]),
        (0, 48, [3, 4], []),
        (7, 31, [], [3, 4]),
        (7, 55, [4], [3, 5]),
        (0, 30, [3], [4]),
        (-10, 24, [3], [2]),
    ],
)
def test_only_whole_utc_days_of_a_period_are_held(
    tmp_path: Path, archive: Archive, start: float, end: float, taken: list[int], left: list[int]
) -> None:
    """An event a day at 06:30 and at 12:00, so that no day is empty."""
    at = [24 * day + hour for day in range(-1, 3) for hour in (6.5, 12)]
    inside = [hour for hour in at if start <= hour < end]
    path = export(tmp_path, events(*inside, start=start, end=end))
    if not taken:
        with pytest.raises(ImportRefusedError, match=r"no whole UTC day.* midnight to midnight"):
            plan_imports([path], archive, now=NOW)
        return
    (plan,) = bring(archive, path)
    assert (plan.taken, plan.left_open) == (november(*taken), november(*left))
    assert dollars(archive, "usage_events") == {day: [Decimal(1)] * 2 for day in november(*taken)}
    kept = len(taken) * 2
    assert plan.usd(plan.taken) == kept
    assert plan.usd(plan.left_open) == len(inside) - kept


def test_half_days_leave_what_the_archive_holds_of_them(tmp_path: Path, archive: Archive) -> None:
    bring(archive, export(tmp_path, events(1, 2, start=0, end=24)))
    (plan,) = bring(archive, export(tmp_path, events(2, 25, start=1, end=48), "later.json"))
    assert (plan.taken, plan.left_open) == (november(4), [])
    assert dollars(archive, "usage_events") == dict(
        zip(november(3, 4), [[Decimal(1)] * 2, [Decimal(1)]], strict=True)
    )


def test_events_without_a_period_are_whole_between_their_first_and_last_day(
    tmp_path: Path, archive: Archive
) -> None:
    path = export(tmp_path, events(1, 30, 60))
    (plan,) = plan_imports([path], archive, now=NOW)
    assert (plan.taken, plan.left_open) == (november(4), november(3, 5))
    with pytest.raises(ImportRefusedError, match="name them with --from and --to"):
        plan_imports([export(tmp_path, events(1, 2), "one.json")], archive, now=NOW)
    (plan,) = bring(archive, path, stated=november(2, 3, 4, 5))
    assert plan.taken == november(2, 3, 4, 5)
    assert list(dollars(archive, "usage_events").values()) == [[], *[[Decimal(1)]] * 3]


def test_what_the_dashboard_saves_is_held_to_what_it_announces(
    tmp_path: Path, archive: Archive
) -> None:
    """It names its list otherwise, numbers no page, and may not say its period."""
    names = {"usageEventsDisplay": events(1, 2)["usageEvents"], "totalUsageEventsCount": 3}
    last = {"usageEventsDisplay": events(30)["usageEvents"], "totalUsageEventsCount": 3}
    first = export(tmp_path, names)
    stated = november(3, 4)
    with pytest.raises(ImportRefusedError, match="2 records came of 3 announced"):
        plan_imports([first], archive, now=NOW, stated=stated)
    (plan,) = plan_imports(
        [first, export(tmp_path, last, "2.json")], archive, now=NOW, stated=stated
    )
    assert (plan.taken, plan.usd(plan.taken)) == (november(3, 4), Decimal(3))
    unannounced = {"usageEventsDisplay": events(1)["usageEvents"]}
    assert plan_imports([export(tmp_path, unannounced)], archive, now=NOW, stated=stated)


def test_text_that_cannot_be_decoded_costs_a_record_a_flag_as_in_a_fetch(
    tmp_path: Path, archive: Archive
) -> None:
    odd = r'"model": "\ud83d", "isChargeable"'
    body = json.dumps(events(1, 2, start=0, end=24)).replace('"isChargeable"', odd, 1)
    (plan,) = bring(archive, saved(tmp_path, body))
    assert (plan.taken, plan.usd(plan.taken)) == (november(3), Decimal(2))
    assert dollars(archive, "usage_events") == {date(2026, 11, 3): [Decimal(1)] * 2}


# --- What is no answer --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b'{\n  "data": [1\n 2]\n}', r"answer\.json:3:2 is not valid JSON"),
        (b"", r"answer\.json:1:1 is not valid JSON"),
        (b"<html>", r"answer\.json:1:1 is not valid JSON"),
        (b'{"amount": NaN}', r"answer\.json is not valid JSON"),
        (b"[1, 2]", r"answer\.json holds JSON that is not an object"),
        (b'{"data": []}', r"answer\.json is no answer that can be imported"),
        (b'{"data": [{"starting_at": "soon", "results": [{"amount": 1}]}]}', "no answer that can"),
        (b'{"hello": "world"}', "known are anthropic usage_report,"),
        (b'{"data": "\xff"}', "is not text"),
        (b"\x1f\x8bnot gzip", "cannot be read"),
    ],
)
def test_what_is_no_answer_is_refused_in_one_line(
    tmp_path: Path, archive: Archive, content: bytes, reason: str
) -> None:
    with pytest.raises(ImportRefusedError, match=reason) as caught:
        plan_imports([saved(tmp_path, content)], archive, now=NOW)
    assert "\n" not in str(caught.value)
    assert archive.fetches("anthropic", "cost_report") == []


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match=r"nowhere\.json cannot be read: No such file"):
        plan_imports([tmp_path / "nowhere.json"], Archive(str(tmp_path)), now=NOW)


@pytest.mark.parametrize("name", ["anthropic/users.json", "cursor/members.json"])
def test_a_directory_list_is_not_imported(archive: Archive, name: str) -> None:
    with pytest.raises(ImportRefusedError, match="no answer that can be imported"):
        plan_imports([FIXTURES / name], archive, now=NOW)
