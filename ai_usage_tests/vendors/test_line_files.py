"""Files that somebody else writes and rotates: every whole line is kept, once, for ever."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ai_usage.archive.archive import Archive, Manifest
from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError, VendorError
from ai_usage.settings import Settings
from ai_usage.vendors import line_files
from ai_usage.vendors.anthropic.telemetry import ENDPOINT
from ai_usage.vendors.fetching import FetchReport, fetch_window, read_rows
from ai_usage.vendors.line_files import LineFolder, hour_page
from ai_usage.vendors.rows import RawEvent
from ai_usage_tests.vendors.otlp import ADA, line, metric, point, tokens, touch, write
from ai_usage_tests.vendors.support import ANTHROPIC

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
DAYS = Window(date(2026, 11, 3), date(2026, 11, 5))
SETTING = "AI_USAGE_CLAUDE_CODE_OTEL_PATH"
FIRST = tokens("2026-11-03T09:30", 5)
SECOND = tokens("2026-11-03T09:31", 7)
LATER = tokens("2026-11-04T23:59", 11)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(str(tmp_path / "archive"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "otel"
    path.mkdir()
    return path


def take(folder: Path, archive: Archive, days: Window = DAYS, hours: int = 0) -> FetchReport:
    assert ENDPOINT.files is not None
    return fetch_window(
        ANTHROPIC,
        ENDPOINT,
        days,
        client=LineFolder(ENDPOINT.files, str(folder)),
        archive=archive,
        now=NOW + timedelta(hours=hours),
        refetch=True,
    )


def events(archive: Archive, days: Window = DAYS) -> list[RawEvent]:
    parts = read_rows(ANTHROPIC, ENDPOINT, days, archive)
    return [row for part in parts for row in part.rows if isinstance(row, RawEvent)]


def input_tokens(archive: Archive, days: Window = DAYS) -> int:
    return sum(event.input_tokens or 0 for event in events(archive, days))


def newest(archive: Archive) -> Manifest:
    return archive.manifest(archive.fetches("anthropic", "claude_code_otel")[-1])


def lines_held(archive: Archive) -> list[bytes]:
    fetch = archive.fetches("anthropic", "claude_code_otel")[-1]
    return [bytes(line) for page in archive.pages(fetch) for line in hour_page(page).lines]


def test_lines_are_kept_as_they_came_by_the_hour(folder: Path, archive: Archive) -> None:
    write(folder, "claude.json", [FIRST, SECOND, LATER])
    report = take(folder, archive)
    assert [report.pages, report.records, report.usd] == [2, 2, 0]
    assert lines_held(archive) == [text.encode() for text in (FIRST, SECOND, LATER)]
    assert [(e.event_timestamp.isoformat()[:13], e.input_tokens) for e in events(archive)] == [
        ("2026-11-03T09", 12),
        ("2026-11-04T23", 11),
    ]


def test_a_line_without_its_break_waits_until_it_is_whole(folder: Path, archive: Archive) -> None:
    write(folder, "claude.json", [FIRST, SECOND[:40]], end="")
    take(folder, archive)
    assert input_tokens(archive) == 5
    # All of its text, but nobody can tell that the line ends here.
    write(folder, "claude.json", [FIRST, SECOND], end="")
    take(folder, archive, hours=1)
    assert input_tokens(archive) == 5
    write(folder, "claude.json", [FIRST, SECOND])
    take(folder, archive, hours=2)
    assert input_tokens(archive) == 12
    assert all(not event.validation_errors for event in events(archive))


def test_what_was_rotated_away_stays(folder: Path, archive: Archive) -> None:
    path = write(folder, "claude.json", [FIRST])
    take(folder, archive)
    path.unlink()
    write(folder, "claude.json", [SECOND])
    take(folder, archive, hours=1)
    assert input_tokens(archive) == 12
    (folder / "claude.json").unlink()
    take(folder, archive, hours=2)
    assert input_tokens(archive) == 12


def test_a_line_counts_once_in_however_many_files_it_is(folder: Path, archive: Archive) -> None:
    """Rotated by renaming, copied, compressed: no name and no number of files matters."""
    write(folder, "claude.json", [FIRST, SECOND])
    take(folder, archive)
    (folder / "claude.json").rename(folder / "claude-2026-11-03T10-00-00.000.json")
    write(folder, "claude.json.1", [FIRST])
    write(folder, "below/copy.jsonl", [SECOND, LATER])
    with gzip.open(folder / "claude.json-20261103.gz", "wt") as packed:
        packed.write(f"{FIRST}\n{LATER}\n")
    take(folder, archive, hours=1)
    assert input_tokens(archive) == 23


def test_the_same_lines_make_the_same_pages_whenever_they_came(
    folder: Path, archive: Archive, tmp_path: Path
) -> None:
    write(folder, "claude.json", [SECOND])
    take(folder, archive)
    write(folder, "late.json", [FIRST])
    take(folder, archive, hours=1)
    other = Archive(str(tmp_path / "other"))
    write(folder, "claude.json", [SECOND, FIRST])
    take(folder, other)
    assert lines_held(archive) == lines_held(other)
    ours, theirs = map(newest, (archive, other))
    assert (ours.pages, ours.days) == (theirs.pages, theirs.days)
    assert take(folder, archive, hours=2).new_pages == 0


def test_a_day_that_nobody_wrote_of_is_complete_and_empty(folder: Path, archive: Archive) -> None:
    report = take(folder, archive)
    assert report.fetched_days == DAYS.days()
    assert archive.held("anthropic", "claude_code_otel", DAYS, ENDPOINT.finalization_lag) == {
        *DAYS.days()
    }
    assert events(archive) == []


def test_a_line_over_midnight_counts_on_each_day_what_is_its(
    folder: Path, archive: Archive
) -> None:
    both = line(
        metric(
            "token.usage",
            point("2026-11-03T23:59", 3, type="input", model="claude-x"),
            point("2026-11-04T00:00", 4, type="input", model="claude-x"),
        )
    )
    write(folder, "claude.json", [both])
    take(folder, archive)
    assert [(e.event_date.day, e.input_tokens) for e in events(archive)] == [(3, 3), (4, 4)]
    alone = Window.day(date(2026, 11, 4))
    take(folder, archive, alone, hours=1)
    assert input_tokens(archive, alone) == 4


def test_parts_of_an_hour_are_added_up(
    folder: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_files, "PAGE_BYTES", 1)
    write(folder, "claude.json", [FIRST, SECOND, LATER])
    assert take(folder, archive).pages == 3
    first, _ = events(archive)
    assert first.input_tokens == 12
    page, _, number = (first.archive_page or "").partition("#")
    assert archive.page("anthropic", "claude_code_otel", page).endswith(SECOND.encode() + b"]}")
    assert number == "1"


def test_files_that_are_older_than_the_days_are_not_opened(folder: Path, archive: Archive) -> None:
    touch(write(folder, "old.json", ["no JSON at all"]), "2026-11-02T23:59")
    write(folder, "claude.json", [FIRST])
    take(folder, archive)
    assert input_tokens(archive) == 5


def test_what_is_of_another_matter_is_passed_over(folder: Path, archive: Archive) -> None:
    write(folder, "claude.json", ['{"resourceLogs": []}', '{"resourceSpans": [1]}', "", FIRST])
    write(folder, "notes.txt", ["nothing"])
    write(folder, ".claude.json", ["nothing"])
    take(folder, archive)
    assert lines_held(archive) == [FIRST.encode()]


def test_a_line_that_is_broken_is_kept_and_flagged(folder: Path, archive: Archive) -> None:
    """As after a crash: half a line, and the next one behind it."""
    write(folder, "claude.json", [f"{SECOND[:40]}{SECOND}", FIRST, LATER[:50]])
    take(folder, archive)
    take(folder, archive, hours=1)
    flagged = [e for e in events(archive) if e.validation_errors]
    assert [(e.event_date.day, e.validation_errors) for e in flagged] == [
        (3, ["undecodable_record"]),
        (3, ["undecodable_record"]),
    ]
    assert input_tokens(archive) == 5


def test_text_that_no_decoder_takes_spoils_no_other_line(folder: Path, archive: Archive) -> None:
    odd = tokens("2026-11-03T09:32", 2, model="x\\ud800y").replace("\\\\", "\\")
    write(folder, "claude.json", [FIRST, odd])
    take(folder, archive)
    take(folder, archive, hours=1)
    assert input_tokens(archive) == 7
    assert len(lines_held(archive)) == 2


@pytest.mark.parametrize("temporality", [2, "AGGREGATION_TEMPORALITY_CUMULATIVE", 0, None])
def test_points_that_cannot_be_added_up_are_refused(
    folder: Path, archive: Archive, temporality: object
) -> None:
    bad = line(metric("cost.usage", point("2026-11-03T10:00", 1), temporality=temporality))
    path = write(folder, "claude.json", [FIRST, bad])
    with pytest.raises(VendorError) as refused:
        take(folder, archive)
    assert str(refused.value) == (
        f"{path} line 2: claude_code.cost.usage is not delta but cumulative, which cannot be added "
        "up: let Claude Code send with OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=delta, "
        "and take the file away."
    )
    assert events(archive) == []
    # What others measure, and other days, are no concern of it.
    other = bad.replace("claude_code.cost", "host.cost")
    write(folder, "claude.json", [FIRST, other, bad.replace(str(1793700000), str(1793000000))])
    take(folder, archive, hours=1)
    assert input_tokens(archive) == 5


def test_a_file_of_another_kind_is_named(folder: Path, archive: Archive) -> None:
    path = write(folder, "package.json", ["{", '  "name": "x"', "}"])
    with pytest.raises(VendorError, match=rf"{path} line 1: it is no JSON object\. {SETTING} is"):
        take(folder, archive)


def test_a_file_that_cannot_be_unpacked_is_named(folder: Path, archive: Archive) -> None:
    write(folder, "claude.json.zst", ["?"])
    with pytest.raises(VendorError, match=r"claude\.json\.zst is compressed in a way"):
        take(folder, archive)


def test_half_a_packed_file_is_named_and_what_was_held_stays(
    folder: Path, archive: Archive
) -> None:
    """A rotation that is still being written, or a copy that broke off."""
    write(folder, "claude.json", [FIRST])
    take(folder, archive)
    whole = gzip.compress(f"{SECOND}\n{LATER}\n".encode())
    (folder / "claude.json.1.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VendorError, match=f"{SETTING}={folder}.*cannot be read .EOFError"):
        take(folder, archive, hours=1)
    assert input_tokens(archive) == 5
    (folder / "claude.json.1.gz").write_bytes(whole)
    take(folder, archive, hours=2)
    assert input_tokens(archive) == 23


class _Rotated(LineFolder):
    """A folder whose collector moves a file away, or locks it, after it was listed."""

    is_locked = False

    def files(self, since: datetime | None = None) -> list[line_files._File]:
        found = super().files(since)
        for file in found:
            path = Path(file.path)
            path.unlink()
            if self.is_locked:
                # Whoever may read all still cannot open what points at itself.
                path.symlink_to(path.name)
        return found


@pytest.mark.parametrize(
    ("is_locked", "why"), [(False, "FileNotFoundError"), (True, "OSError.*symbolic links")]
)
def test_a_file_that_goes_or_cannot_be_opened_fails_the_days_and_what_was_held_stays(
    folder: Path, archive: Archive, is_locked: bool, why: str
) -> None:
    write(folder, "claude.json", [FIRST])
    take(folder, archive)
    write(folder, "claude.json", [FIRST, SECOND])
    assert ENDPOINT.files is not None
    rotated = _Rotated(ENDPOINT.files, str(folder))
    rotated.is_locked = is_locked
    with pytest.raises(VendorError, match=f"{SETTING}={folder} cannot be read .{why}"):
        fetch_window(
            ANTHROPIC, ENDPOINT, DAYS, client=rotated, archive=archive, now=NOW, refetch=True
        )
    assert input_tokens(archive) == 5


def test_a_folder_that_is_none_is_named(tmp_path: Path, archive: Archive) -> None:
    with pytest.raises(SettingsError, match=f"{SETTING}={tmp_path}/otel is no folder: set it to"):
        take(tmp_path / "otel", archive)
    assert not archive.coverage("anthropic", "claude_code_otel", DAYS)


def test_the_setting_names_the_folder(tmp_path: Path) -> None:
    assert ENDPOINT.files is not None
    home = {"AI_USAGE_ENV_FILE": str(tmp_path / "no.env")}
    found = LineFolder.from_settings(ENDPOINT.files, Settings.load({**home, SETTING: "/logs/"}))
    assert repr(found) == "LineFolder('/logs')"
    with pytest.raises(SettingsError, match=f"set {SETTING} to the folder of OTLP JSON lines"):
        LineFolder.from_settings(ENDPOINT.files, Settings.load(home))


def test_the_person_in_the_line_is_the_one_of_the_fixture(folder: Path, archive: Archive) -> None:
    write(folder, "claude.json", [FIRST])
    take(folder, archive)
    assert [e.user_email for e in events(archive)] == [ADA["user.email"]]
