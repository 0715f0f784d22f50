"""The archive in a bucket, through gcsfs itself: what is asked, and what a refusal means."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ai_usage.archive.archive import Archive, Fetch
from ai_usage.archive.pages import Page
from ai_usage.archive.verifying import verify
from ai_usage.days.windows import Window
from ai_usage.errors import ArchiveError
from ai_usage_tests.support.bucket import Bucket, bucket_server

ROOT = "gs://bucket/ai-usage"
AT = datetime(2026, 11, 10, 8, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def served() -> Iterator[Bucket]:
    with bucket_server() as bucket, pytest.MonkeyPatch.context() as patched:
        patched.setenv("STORAGE_EMULATOR_HOST", bucket.endpoint)
        yield bucket


@pytest.fixture
def bucket(served: Bucket) -> Bucket:
    """Empty, with an account that may make and read objects, and delete none."""
    served.objects.clear()
    served.asked.clear()
    served.refused.clear()
    served.may_delete = False
    return served


def record(archive: Archive, *bodies: bytes, at: datetime = AT, day: date | None = None) -> Fetch:
    window = Window.day(day or at.date())
    with archive.recording("cursor", "spend", window, fetched_at=at) as recorder:
        for body in bodies:
            recorder.add(Page(body, "page"))
    assert recorder.fetch is not None
    return recorder.fetch


def page_of(bucket: Bucket) -> str:
    (name,) = (name for name in bucket.objects if "/pages/" in name)
    return name


def test_an_account_that_may_delete_nothing_keeps_an_archive(bucket: Bucket) -> None:
    archive = Archive(ROOT)
    fetch = record(archive, b'{"x": 1}')
    again = record(archive, b'{"x": 1}', at=AT + timedelta(hours=1))
    assert archive.fetches("cursor", "spend") == [fetch, again]
    assert list(archive.pages(again)) == [b'{"x": 1}']
    assert len(bucket.objects) == 3


def test_a_page_and_a_manifest_are_one_put_each_and_no_question_whether_they_are_there(
    bucket: Bucket,
) -> None:
    """A put costs twelve reads: what is there already is read, what is not is put once."""
    archive = Archive(ROOT)
    record(archive, b'{"x": 1}')
    assert [each.split()[0] for each in bucket.asked] == ["get", "put", "put", "list"]
    bucket.asked.clear()
    record(archive, b'{"x": 1}', at=AT + timedelta(hours=1))
    assert [each.split()[0] for each in bucket.asked] == ["get", "put", "list"]


def test_two_who_record_in_one_microsecond_both_stay(bucket: Bucket) -> None:
    """Each has looked before the other wrote: the bucket tells the second."""
    one, other = record(Archive(ROOT), b"{}"), record(Archive(ROOT), b'{"x": 2}')
    assert other.fetched_at - one.fetched_at == timedelta(microseconds=1)
    assert Archive(ROOT).fetches("cursor", "spend") == [one, other]


def test_a_manifest_whose_answer_was_lost_is_one_fetch(bucket: Bucket) -> None:
    """The client asks once more, and hears that there is one."""
    bucket.lost.append("/fetches/")
    fetch = record(Archive(ROOT), b"{}")
    assert bucket.lost == []
    assert Archive(ROOT).fetches("cursor", "spend") == [fetch]
    assert fetch.fetched_at == AT


@pytest.mark.parametrize("holding", ["/pages/", "/fetches/"])
def test_a_refusal_is_an_error_and_not_an_absence(bucket: Bucket, holding: str) -> None:
    archive = Archive(ROOT)
    record(archive, b'{"x": 1}')
    before = dict(bucket.objects)
    bucket.refused[holding] = 403
    with pytest.raises(ArchiveError, match=r"gs://bucket/ai-usage/cursor/spend/.* cannot be"):
        record(archive, b'{"x": 1}', at=AT + timedelta(hours=1))
    assert bucket.objects == before
    bucket.refused = {"/fetches": 403}
    with pytest.raises(ArchiveError, match="cannot be listed"):
        archive.fetches("cursor", "spend")


def test_a_damaged_page_is_mended_beside_the_one_that_cannot_be_overwritten(
    bucket: Bucket,
) -> None:
    archive = Archive(ROOT)
    fetch = record(archive, b'{"x": 1}')
    page = page_of(bucket)
    for damage, copies in ((b"", 2), (gzip.compress(b'{"x": 2}\n'), 2)):
        bucket.objects[page] = damage
        record(archive, b'{"x": 1}', at=AT + timedelta(hours=copies))
        assert list(archive.pages(fetch)) == [b'{"x": 1}']
    assert bucket.objects[page.replace(".jsonl", ".2.jsonl")]
    assert sum("/pages/" in name for name in bucket.objects) == 2
    found = verify(archive, lambda *_: None)
    assert (found.faults, found.unnamed, found.pages) == ([], 0, 1)
    del bucket.objects[page]
    assert list(archive.pages(fetch)) == [b'{"x": 1}']
    assert verify(archive, lambda *_: None).faults == []


def test_a_run_lists_an_endpoints_month_once(bucket: Bucket) -> None:
    first = record(Archive(ROOT), b"{}")
    bucket.asked.clear()
    run = Archive(ROOT, keeps_listings=True)
    for _ in range(20):
        assert run.fetches("cursor", "spend") == [first]
        assert run.coverage("cursor", "spend", Window.day(AT.date())) == [(first, [AT.date()])]
    assert bucket.count("list") == 2
    own = record(run, b"{}", at=AT + timedelta(hours=1))
    other = record(Archive(ROOT), b"{}", at=AT + timedelta(hours=2))
    assert run.fetches("cursor", "spend") == [first, own]
    assert Archive(ROOT).fetches("cursor", "spend") == [first, own, other]


def test_months_that_are_over_are_read_from_one_object_each(bucket: Bucket) -> None:
    """A thousand manifests a request, for ever: after a year that would be ten requests a look."""
    archive = Archive(ROOT)
    months = [datetime(2026, month, 3, tzinfo=UTC) for month in range(1, 13)]
    made = [record(archive, b"{}", at=at + timedelta(hours=h)) for at in months for h in (0, 1)]
    assert archive.fetches("cursor", "spend") == made
    indexes = [name for name in bucket.objects if name.endswith(".1.json")]
    assert len(indexes) == 10
    bucket.asked.clear()
    assert Archive(ROOT).fetches("cursor", "spend") == made
    # Which months there are, and the two newest ones; the others from their indexes.
    assert (bucket.count("list"), bucket.count("get")) == (3, 10)
    bucket.asked.clear()
    newest = Window.day(date(2026, 12, 3))
    assert archive.coverage("cursor", "spend", newest) == [(made[-1], [newest.start])]
    assert (bucket.count("list"), bucket.count("get")) == (2, 0)


def test_what_is_recorded_in_a_month_that_is_over_is_seen_all_the_same(bucket: Bucket) -> None:
    archive = Archive(ROOT)
    for month in (1, 2, 3):
        record(archive, b"{}", at=datetime(2026, month, 3, tzinfo=UTC))
    archive.fetches("cursor", "spend")
    late = record(Archive(ROOT), b"{}", at=datetime(2026, 1, 4, tzinfo=UTC))
    assert late in Archive(ROOT).fetches("cursor", "spend")
    assert sorted(n for n in bucket.objects if "2026-01." in n.rpartition("/")[2])[-1][-7:] == (
        ".2.json"
    )


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"AI_USAGE_BIGQUERY_CREDENTIALS=.*key\.json"):
        Archive(ROOT, key_file=tmp_path / "key.json")
