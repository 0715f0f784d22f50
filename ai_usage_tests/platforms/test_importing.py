"""Saved answers: recognised by their shape, refused with the file's name and the reason."""

from __future__ import annotations

import gzip
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.platforms.archive import Archive
from ai_usage.platforms.base import Page, Window, discovered_vendors
from ai_usage.platforms.fetching import read_rows
from ai_usage.platforms.importing import ImportRefusedError, import_file, recognise
from ai_usage.platforms.rows import RawEvent
from ai_usage_tests.platforms.support import ANTHROPIC, FIXTURES, NOW, fixture


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


def saved(tmp_path: Path, content: bytes | str, name: str = "answer.json") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


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
def test_every_report_is_recognised(name: str, endpoint: str, first: str, length: int) -> None:
    found = recognise(FIXTURES / name)
    start = date.fromisoformat(first)
    assert f"{found.vendor.name} {found.endpoint.name}" == endpoint
    assert found.window == Window(start, start + timedelta(days=length))


def test_no_shape_belongs_to_two_endpoints() -> None:
    for path in FIXTURES.rglob("*.json"):
        body = json.loads(path.read_text())
        takers = [
            endpoint.name
            for vendor in discovered_vendors()
            for endpoint in vendor.endpoints
            if endpoint.recognise(body) is not None
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
    assert import_file(path, archive, now=NOW).pages == 1


def costs(archive: Archive, window: Window) -> list[Decimal | None]:
    parts = read_rows(ANTHROPIC, ANTHROPIC.endpoint("cost_report"), window, archive)
    return [row.cost_usd for part in parts for row in part.rows if isinstance(row, RawEvent)]


def test_an_imported_amount_is_cents_unless_declared_dollars(archive: Archive) -> None:
    path = FIXTURES / "samples/anthropic_cost_report.json"
    report = import_file(path, archive, now=NOW)
    assert report.amounts_in == "cents"
    assert costs(archive, report.window) == [Decimal("0.0083")]
    import_file(path, archive, now=NOW + timedelta(hours=1), amounts_in="usd")
    assert costs(archive, report.window) == [Decimal("0.83")]
    fetch = archive.fetches("anthropic", "cost_report")[-1]
    assert (archive.manifest(fetch).origin, archive.manifest(fetch).amounts_in) == ("import", "usd")


def test_days_from_the_vendor_itself_are_replaced_only_on_demand(archive: Archive) -> None:
    window = Window(date(2025, 9, 29), date(2025, 10, 2))
    with archive.recording("anthropic", "cost_report", window, fetched_at=NOW) as recorder:
        recorder.add(Page(b'{"data": []}', "GET"))
    path = FIXTURES / "samples/anthropic_cost_report.json"
    with pytest.raises(ImportRefusedError, match=r"cost_report of 2025-09-30, .*--replace"):
        import_file(path, archive, now=NOW + timedelta(hours=1))
    assert costs(archive, window) == []
    import_file(path, archive, now=NOW + timedelta(hours=1), replace=True)
    assert costs(archive, window) == [Decimal("0.0083")]


def test_several_pages_in_one_file_are_one_answer(tmp_path: Path, archive: Archive) -> None:
    def page(day: int, more: bool) -> str:
        bucket = {"starting_at": f"2026-11-{day:02d}T00:00:00Z", "results": [{"amount": "100"}]}
        return json.dumps({"data": [bucket], "has_more": more, "next_page": None}, indent=2)

    path = saved(tmp_path, page(3, more=True) + "\n" + page(4, more=False))
    report = import_file(path, archive, now=NOW)
    assert (report.pages, report.window.days()) == (2, [date(2026, 11, 3), date(2026, 11, 4)])
    assert costs(archive, report.window) == [Decimal(1), Decimal(1)]
    with pytest.raises(ImportRefusedError, match="not the whole answer"):
        recognise(saved(tmp_path, page(3, more=True)))
    unfinished = {"usageEvents": [], "pagination": {"hasNextPage": True}}
    with pytest.raises(ImportRefusedError, match="not the whole answer"):
        recognise(saved(tmp_path, json.dumps(unfinished)))


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
        import_file(saved(tmp_path, content), archive, now=NOW)
    assert "\n" not in str(caught.value)
    assert archive.fetches("anthropic", "cost_report") == []


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match=r"nowhere\.json cannot be read: No such file"):
        recognise(tmp_path / "nowhere.json")


@pytest.mark.parametrize("name", ["anthropic/users.json", "cursor/members.json"])
def test_a_directory_list_is_not_imported(name: str) -> None:
    with pytest.raises(ImportRefusedError, match="no answer that can be imported"):
        recognise(FIXTURES / name)
