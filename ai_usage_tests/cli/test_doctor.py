"""`doctor` and `reference`: every line is ok, a note, or says what to fix."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage_tests.cli.support import Place
from ai_usage_tests.cli.test_bad_input import closed_port
from ai_usage_tests.vendors.otlp import touch, write

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


def test_a_vendor_without_a_key_is_a_note_and_no_error(tmp_path: Path) -> None:
    done = Place(tmp_path).call("doctor")
    assert done.code == 0, done.out
    assert "note  Cursor: not configured; set CURSOR_API_KEY to fetch it" in done.out
    assert "note  users.csv: not there; `ai-usage reference init` writes a sample" in done.out
    assert "warehouse.duckdb, empty so far" in done.out


def test_files_that_a_collector_writes_are_counted(tmp_path: Path) -> None:
    place = Place(tmp_path)
    setting = "AI_USAGE_CLAUDE_CODE_OTEL_PATH"
    assert f"claude_code_otel: not configured; set {setting} to" in place.call("doctor").out
    folder = tmp_path / "otel"
    named = {setting: str(folder)}
    done = place.call("doctor", **named)
    assert done.code == 1
    assert f"claude_code_otel: {setting}={folder} is no folder: set it to" in done.out
    touch(write(folder, "claude.json", ["{}"]), "2026-11-03T09:30")
    done = place.call("doctor", **named)
    assert done.code == 0, done.out
    said = f"{setting} holds 1 file, the newest of 2026-11-03 09:30 UTC"
    assert f"ok    Anthropic claude_code_otel: {said}" in done.out


def test_what_is_to_be_mended_says_how_and_no_key_is_printed(place: Place) -> None:
    done = place.call(
        "doctor",
        CURSOR_API_KEY="key_wrong",
        ANTHROPIC_BASE_URL=f"http://127.0.0.1:{closed_port()}",
    )
    assert done.code == 1
    remedy = [line for line in done.out.splitlines() if line.startswith("fix  ")]
    assert len(remedy) == 2, done.out
    assert "Check the network and ANTHROPIC_BASE_URL." in remedy[0]
    assert "answered 401" in remedy[1]
    assert "Check CURSOR_API_KEY." in remedy[1]
    for secret in ("key_wrong", place.environment["ANTHROPIC_ADMIN_KEY"]):
        assert secret not in done.out + done.err


def test_samples_of_the_reference_files_are_accepted_and_never_overwrite(tmp_path: Path) -> None:
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
    # A line breaks where the path to the folder lets it.
    assert "has every file already" in " ".join(again.out.split())
    assert users.read_text() == "mine"


def test_doctor_and_check_name_the_file_for_seats_that_nobody_is_known_to_hold(
    place: Place, tmp_path: Path
) -> None:
    """Cursor's list was first read on the 18th; without the file the days before are Shared."""
    bare = place.copied(tmp_path / "bare")
    (bare.folder / ".ai_usage" / "reference" / "seat_assignments.csv").write_text(
        "platform,contract_id,user_email,valid_from\n"
    )
    said = (
        "nobody is known to have held the seats of cursor-business (cursor) on 2026-03-15.."
        "2026-03-17, so their cost is Shared: they lie before the first member list, and no line "
        "of seat_assignments.csv speaks of them; name the holders there"
    )
    environment = {"AI_USAGE_START_DATE": "2026-03-15"}
    assert f"note  seats: {said}" in bare.call("doctor", **environment).out.splitlines()
    assert f"  {said}" in bare.call("reference", "check", **environment).out.splitlines()
    assert "nobody is known" not in place.call("doctor", **environment).out


BY_KEY = """
SELECT api_key_id AS id, DATE(cost_timestamp, 'UTC') AS day, SUM(total_cost_usd) AS usd
FROM fact_ai_costs
WHERE cost_timestamp >= TIMESTAMP('2026-03-01', 'UTC') AND api_key_id IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
"""


def test_check_says_what_each_rule_would_have_split_in_dollars(
    place: Place, tmp_path: Path
) -> None:
    """A rule on all days of a key, and one on a single day of it: the facts say what keys cost."""
    changed = place.copied(tmp_path / "changed")
    spent: dict[str, dict[str, Decimal]] = {}
    for row in place.rows(BY_KEY):
        spent.setdefault(row["id"], {})[row["day"]] = Decimal(str(row["usd"]))
    one, other = sorted(spent, key=lambda key: sum(spent[key].values()))[-2:]
    day = max(spent[other])
    rules = changed.folder / ".ai_usage" / "reference" / "allocation_rules.csv"
    rules.write_text(
        "rule_id,platform,scope_type,scope_value,method,valid_from,valid_to\n"
        f"always,anthropic,api_key,{one},usage_based,,\n"
        f"a-day,anthropic,api_key,{other},usage_based,{day},{day}\n"
        "idle,anthropic,api_key,apikey_none,usage_based,,\n"
    )
    done = changed.call("reference", "check")
    assert done.code == 0, done.out
    window = "2026-02-17..2026-03-18"
    assert "  What each rule would have split in the last 30 days:" in done.out.splitlines()
    parts = r"in \d+ parts of " + re.escape(window)
    whole = re.escape(f"${sum(spent[one].values()):,.2f}")
    assert re.search(rf"^    always \(anthropic, key {one}\): {whole} {parts}$", done.out, re.M)
    whole = re.escape(f"${sum(spent[other].values()):,.2f}")
    held = re.escape(f", ${spent[other][day]:,.2f} of it on the days on which the rule holds")
    assert re.search(
        rf"^    a-day \(anthropic, key {other}\): {whole} {parts}{held}$", done.out, re.M
    ), done.out
    assert (
        f"    idle (anthropic, key apikey_none): nothing; no cost of {window} is the rule's"
    ) in done.out.splitlines()


def test_check_says_that_a_rule_cannot_be_tried_without_a_warehouse(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.call("reference", "init")
    folder = next(tmp_path.rglob("allocation_rules.csv")).parent
    (folder / "allocation_rules.csv").write_text(
        "rule_id,platform,scope_type,method\nr,cursor,platform,usage_based\n"
    )
    done = place.call("reference", "check")
    assert done.code == 0, done.out
    assert (
        "What the rules split is not known: the warehouse holds nothing yet. See: ai-usage run"
    ) in done.out
