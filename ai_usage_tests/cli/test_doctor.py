"""`doctor` and `reference`: every line is ok, a note, or says what to mend."""

from __future__ import annotations

import re

import pytest

from ai_usage_tests.cli.support import Place
from ai_usage_tests.cli.test_bad_input import closed_port

pytestmark = pytest.mark.slow


def test_a_well_installation_has_no_line_to_mend(place: Place) -> None:
    done = place.call("doctor")
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    assert all(re.match(r"(ok  |note)  \S", line) for line in lines), done.out
    host = place.environment["CURSOR_BASE_URL"].split("/")[2]
    assert f"ok    Cursor: CURSOR_API_KEY is accepted by {host}" in lines
    assert f"ok    Anthropic: ANTHROPIC_ADMIN_KEY is accepted by {host}" in lines
    assert re.search(r"^ok    warehouse: duckdb at .*, \d+ tables and views$", done.out, re.M)
    assert re.search(r"^ok    users.csv: \d+ rows$", done.out, re.M)


def test_a_vendor_without_a_key_is_a_note_and_no_error(tmp_path) -> None:
    done = Place(tmp_path).call("doctor")
    assert done.code == 0, done.out
    assert "note  Cursor: not configured; set CURSOR_API_KEY to fetch it" in done.out
    assert "note  users.csv: not there; `ai-usage reference init` writes a sample" in done.out
    assert "warehouse.duckdb, empty so far" in done.out


def test_what_is_to_be_mended_says_how_and_no_key_is_printed(place: Place) -> None:
    done = place.call(
        "doctor",
        CURSOR_API_KEY="key_wrong",
        ANTHROPIC_BASE_URL=f"http://127.0.0.1:{closed_port()}",
    )
    assert done.code == 1
    mend = [line for line in done.out.splitlines() if line.startswith("mend  ")]
    assert len(mend) == 2, done.out
    assert "Check the network and ANTHROPIC_BASE_URL." in mend[0]
    assert "answered 401" in mend[1]
    assert "Check CURSOR_API_KEY." in mend[1]
    for secret in ("key_wrong", place.environment["ANTHROPIC_ADMIN_KEY"]):
        assert secret not in done.out + done.err


def test_samples_of_the_reference_files_are_accepted_and_never_overwrite(tmp_path) -> None:
    place = Place(tmp_path)
    written = place.call("reference", "init")
    assert written.code == 0
    names = re.findall(r"^wrote .*/(\w+\.csv)$", written.out, re.M)
    assert {"users.csv", "api_keys.csv", "platforms.csv"} <= set(names)
    checked = place.call("reference", "check")
    assert checked.code == 0
    assert all(f"ok      {name}, 0 rows" in checked.out for name in names)

    users = tmp_path / ".ai_usage" / "reference" / "users.csv"
    users.write_text("mine")
    again = place.call("reference", "init")
    assert again.code == 0
    assert "has every file already" in again.out
    assert users.read_text() == "mine"
