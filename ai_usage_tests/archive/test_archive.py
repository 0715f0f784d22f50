"""The archive: append-only, complete or not at all, and sound when it is read."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError, VendorError

AT = datetime(2026, 11, 10, 8, 30, 15, 42, tzinfo=UTC)
FIRST = date(2026, 11, 1)


def window(start: int, end: int) -> Window:
    """November days `start` up to but without `end`."""
    return Window(FIRST + timedelta(days=start - 1), FIRST + timedelta(days=end - 1))


def record(
    archive: Archive, days: Window, *bodies: bytes, at: datetime = AT, fail: bool = False
) -> Fetch | None:
    try:
        with archive.recording("cursor", "spend", days, fetched_at=at) as recorder:
            for number, body in enumerate(bodies, 1):
                recorder.add(Page(body, f"page {number}"))
            if fail:
                raise VendorError("cursor spend: answered 500.")
    except VendorError:
        return None
    assert recorder.fetch is not None
    return recorder.fetch


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@pytest.fixture(params=["local", "memory"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    return Archive(str(tmp_path) if request.param == "local" else f"memory://{uuid4().hex}")


def test_pages_come_back_in_order_and_every_byte_of_json_is_kept(archive: Archive) -> None:
    plain = b'{"a": "1\\n2", "b": 1.50}'
    bodies = [plain, b'{\n  "c":\r\n [1,\n2]\n}\n', plain]
    fetch = record(archive, window(1, 3), *bodies)
    assert fetch is not None
    assert list(archive.pages(fetch)) == [plain, b'{   "c":   [1, 2] }', plain]
    manifest = archive.manifest(fetch)
    assert (manifest.complete, manifest.reason, manifest.origin) == (True, None, "api")
    assert [page.request for page in manifest.pages] == ["page 1", "page 2", "page 3"]
    assert manifest.fetched_at == AT


def test_the_layout_tells_everything_but_the_pages(tmp_path: Path) -> None:
    record(Archive(str(tmp_path)), window(1, 3), b'{"x": 1}')
    sha = hashlib.sha256(b'{"x": 1}').hexdigest()
    manifest, page = files(tmp_path)
    assert manifest == (
        "cursor/spend/fetches/2026-11/2026-11-01_2026-11-03_20261110T083015000042Z_complete.json"
    )
    assert page == f"cursor/spend/pages/{sha[:2]}/{sha}.jsonl.gz"
    content = (tmp_path / page).read_bytes()
    assert gzip.decompress(content) == b'{"x": 1}\n'
    assert content[4:8] == b"\0\0\0\0"  # no modification time: equal content, equal file


def test_an_identical_body_is_stored_once(archive: Archive) -> None:
    record(archive, window(1, 2), b'{"x": 1}')
    with archive.recording("cursor", "spend", window(1, 2), fetched_at=AT) as recorder:
        recorder.add(Page(b'{"x": 1}', "again"))
        recorder.add(Page(b'{"x": 2}', "more"))
    assert (len(recorder.pages), recorder.new_pages) == (2, 1)


def test_two_fetches_in_one_microsecond_are_both_kept(archive: Archive) -> None:
    first = record(archive, window(1, 2), b'{"x": 1}')
    record(archive, window(1, 2), fail=True)
    second = record(archive, window(1, 2), b'{"x": 2}')
    assert first is not None
    assert second is not None
    assert len(archive.fetches("cursor", "spend")) == 3
    assert archive.coverage("cursor", "spend", window(1, 2)) == [(second, [FIRST])]


def test_a_failed_fetch_is_told_and_serves_nothing(archive: Archive) -> None:
    record(archive, window(1, 2), b'{"x": 1}', fail=True)
    (fetch,) = archive.fetches("cursor", "spend")
    assert not fetch.complete
    assert archive.manifest(fetch).reason == "cursor spend: answered 500."
    assert archive.coverage("cursor", "spend", window(1, 9)) == []


def test_a_foreign_errors_text_stays_out_of_the_manifest(archive: Archive) -> None:
    with (
        pytest.raises(RuntimeError),
        archive.recording("cursor", "spend", window(1, 2), fetched_at=AT),
    ):
        raise RuntimeError("key_secret")
    (fetch,) = archive.fetches("cursor", "spend")
    assert archive.manifest(fetch).reason == "stopped by RuntimeError"


def test_a_crash_between_pages_leaves_no_manifest(tmp_path: Path) -> None:
    if (child := os.fork()) == 0:
        with Archive(str(tmp_path)).recording(
            "cursor", "spend", window(1, 2), fetched_at=AT
        ) as recorder:
            recorder.add(Page(b'{"x": 1}', "1"))
            os._exit(9)
    os.waitpid(child, 0)
    (left,) = files(tmp_path)
    assert left.startswith("cursor/spend/pages/")
    assert Archive(str(tmp_path)).fetches("cursor", "spend") == []


@pytest.mark.parametrize(
    ("code", "reason"), [(28, "the disk is full"), (30, "read-only"), (122, "quota"), (5, "error")]
)
def test_a_write_that_is_refused_names_the_file_and_leaves_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    def refuse(fd: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(ArchiveError, match=rf"\.jsonl\.gz cannot be written: .*{reason}"):
        record(Archive(str(tmp_path)), window(1, 2), b'{"x": 1}')
    assert files(tmp_path) == []


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(1, 6), st.integers(0, 12 * 24), st.booleans()),
        max_size=8,
    )
)
@settings(max_examples=60, deadline=None)
def test_coverage_gives_every_day_its_newest_complete_fetch(
    made: list[tuple[int, int, int, bool]],
) -> None:
    archive = Archive(f"memory://{uuid4().hex}")
    finalization_lag = timedelta(hours=5)
    newest: dict[date, datetime] = {}
    for start, length, hours, complete in made:
        at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=hours)
        days = window(start, start + length)
        fetch = record(archive, days, b"{}", at=at, fail=not complete)
        if fetch is not None:
            for day in days.days():
                newest[day] = max(newest.get(day, fetch.fetched_at), fetch.fetched_at)
    asked = window(3, 11)
    served = {
        day: fetch.fetched_at
        for fetch, days in archive.coverage("cursor", "spend", asked)
        for day in days
    }
    assert served == {day: at for day, at in newest.items() if day in asked.days()}
    assert archive.held("cursor", "spend", asked, finalization_lag) == {
        day for day, at in served.items() if at >= Window.day(day).end_at + finalization_lag
    }


def test_a_damaged_page_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    fetch = record(archive, window(1, 2), b'{"x": 1}')
    assert fetch is not None
    (page,) = (tmp_path / "cursor/spend/pages").rglob("*.gz")
    sound = page.read_bytes()
    for damage in (
        gzip.compress(b'{"x": 2}\n'),
        sound[:-4],
        b"",
        b"text",
        sound[:12] + b"\xff" * 9,
    ):
        page.write_bytes(damage)
        with pytest.raises(ArchiveError, match=page.name):
            list(archive.pages(fetch))
    page.unlink()
    with pytest.raises(ArchiveError, match=rf"{page.name} cannot be read: it is not there"):
        list(archive.pages(fetch))


def test_fetching_the_same_answer_again_mends_a_damaged_page(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    fetch = record(archive, window(1, 2), b'{"x": 1}')
    assert fetch is not None
    (page,) = (tmp_path / "cursor/spend/pages").rglob("*.gz")
    page.write_bytes(b"")
    record(archive, window(1, 2), b'{"x": 1}')
    assert list(archive.pages(fetch)) == [b'{"x": 1}']


def test_a_damaged_manifest_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    fetch = record(archive, window(1, 2), b'{"x": 1}')
    assert fetch is not None
    (tmp_path / fetch.path).write_text("{")
    with pytest.raises(ArchiveError, match=r"_complete\.json is damaged"):
        archive.manifest(fetch)


def test_strange_files_between_the_manifests_are_no_fetches(tmp_path: Path) -> None:
    archive = Archive(str(tmp_path))
    fetch = record(archive, window(1, 2), b"{}")
    assert fetch is not None
    for name in (".DS_Store", "notes.txt", f".{Path(fetch.path).name}.0.tmp"):
        (tmp_path / fetch.path).with_name(name).write_text("?")
    assert archive.fetches("cursor", "spend") == [fetch]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "archive").write_text("a file")
    with pytest.raises(ArchiveError, match="a file stands where a folder must be"):
        record(Archive(str(tmp_path / "archive")), window(1, 2), b"{}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ArchiveError, match="permission denied"):
        record(Archive(str(tmp_path)), window(1, 2), b"{}")


def test_an_unknown_kind_of_store_names_the_setting() -> None:
    with pytest.raises(ArchiveError, match="AI_USAGE_ARCHIVE"):
        Archive("carrier-pigeon://loft/7")


def test_the_manifest_is_readable_by_a_person_and_another_program(tmp_path: Path) -> None:
    fetch = record(Archive(str(tmp_path)), window(1, 3), b'{"x": 1}')
    assert fetch is not None
    manifest = json.loads((tmp_path / fetch.path).read_text())
    assert manifest["start"] == "2026-11-01"
    assert manifest["end"] == "2026-11-03"
    assert manifest["amounts_in"] == "cents"
    assert manifest["pages"][0].keys() == {"sha256", "bytes", "request"}
