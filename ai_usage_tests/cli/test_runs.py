"""`backfill` and `run`: progress, an outcome in sentences, stopping and going on."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ai_usage.simulator.company import Company
from ai_usage.simulator.reference import write_reference_files
from ai_usage_tests.cli.conftest import Filled
from ai_usage_tests.cli.support import (
    CONTENTS,
    FROM,
    PROGRAM,
    TO,
    Place,
    clean_environment,
)

pytestmark = pytest.mark.slow


def test_a_backfill_says_what_it_does_and_what_came_of_it(filled: Filled) -> None:
    done = filled.done
    assert done.code == 0, done.out + done.err
    assert not done.err
    lines = done.out.splitlines()
    first = re.fullmatch(r" +1/(\d+) done    \w+(: .+)?", lines[0])
    assert first
    # What people read of the warehouse is made last.
    assert re.search(
        rf"^ +{first[1]}/{first[1]} done    (dashboard_copy|monthly_report)", done.out, re.M
    )
    assert re.search(rf"^{first[1]} assets, 4 days \({FROM}..{TO}\) in \d+ s$", done.out, re.M)
    assert re.search(r"^\d+ of \d+ checks passed$", done.out, re.M)


def test_output_that_is_no_terminal_holds_no_control_codes(filled: Filled) -> None:
    done = filled.done
    assert not re.search(r"[^\x20-\x7e\n–─]", done.out)  # noqa: RUF001


def test_a_run_takes_today_and_the_look_back_and_changes_nothing_that_stands(
    place: Place, tmp_path: Path
) -> None:
    again = place.copied(tmp_path / "run", AI_USAGE_LOOKBACK_COST_DAYS="1")
    again = Place(again.folder, {**again.environment, "AI_USAGE_LOOKBACK_USAGE_DAYS": "2"})
    before = again.rows(CONTENTS)
    done = again.run("run")
    assert done.code == 0, done.out
    # At least the look-back; seats paid by the whole month reach back to the month's first day.
    run = re.search(r"days \((2026-03-\d\d)\.\.2026-03-18\)", done.out)
    assert run is not None, done.out
    assert "2026-03-01" <= run[1] <= "2026-03-16"
    assert again.rows(CONTENTS) == before


def test_a_stopped_backfill_ends_at_once_loses_nothing_and_goes_on(
    place: Place, empty: Place, company: Company
) -> None:
    write_reference_files(company, empty.folder / ".ai_usage" / "reference")
    command = ["backfill", "--from", FROM, "--to", TO, "--select", "+raw_ai_events"]
    with empty.start(*command) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "source_cursor" in line:
                process.send_signal(signal.SIGINT)
                break
        stopped = time.monotonic()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert time.monotonic() - stopped < 20
    last = out.splitlines()[-1]
    assert last.startswith("stopped after")
    assert "Nothing is lost" in last
    assert "Traceback" not in out + err
    assert not err

    done = empty.run(*command)
    assert done.code == 0, done.out
    raw = "SELECT COUNT(*) AS n FROM raw_ai_events WHERE event_date >= DATE '1900-01-01'"
    assert empty.rows(raw) == place.rows(raw)


def test_failed_checks_read_as_sentences_with_their_days(place: Place, tmp_path: Path) -> None:
    """Without the key register nobody owns the keys: a warning a day, one line in all."""
    unknown = place.copied(tmp_path / "unknown")
    for name in ("users.csv", "api_keys.csv"):
        (unknown.folder / ".ai_usage" / "reference" / name).unlink()
    strict = Place(unknown.folder, {**unknown.environment, "AI_USAGE_COVERAGE_THRESHOLD": "1"})
    done = strict.run("backfill", "--from", FROM, "--to", TO, "--select", "fact_ai_costs")
    assert done.code == 0, done.out
    assert re.search(
        r"^warning  fact_ai_costs\.cost_attribution on "
        r"(all of the 4 days|\d of 4 days \(2026-03-1\d[^)]*\))\n"
        r" {9}At least 100% of a platform's dollars of a day belong to a person or to Shared: "
        r"not so in \d+ cases?\.$",
        done.out,
        re.M,
    ), done.out


def test_a_charge_that_cannot_be_read_is_an_error_that_holds_back_nothing(
    place: Place, tmp_path: Path
) -> None:
    """One of two cost lines has no readable amount: the other one is built, and it is said."""
    broken = place.copied(tmp_path / "broken")
    line = (
        '{"currency": "USD", "amount": "%s", "workspace_id": null, "cost_type": "tokens", '
        '"description": "Claude Sonnet 4 Usage - Input Tokens", "model": "claude-sonnet-4", '
        '"context_window": "0-200k", "service_tier": "standard", '
        '"token_type": "uncached_input_tokens"}'
    )
    report = tmp_path / "cost.json"
    report.write_text(
        '{"data": [{"starting_at": "2026-03-10T00:00:00Z", "ending_at": "2026-03-11T00:00:00Z", '
        f'"results": [{line % "1200"}, {line % "twelve"}]}}], '
        '"has_more": false, "next_page": null}'
    )
    done = broken.run("import", str(report))
    assert done.code == 1
    assert not done.err
    assert "FAILED   fact_ai_costs.charges_known on 2026-03-10\n" in done.out
    assert "1 record of anthropic.cost_report: the charge is not known." in done.out
    assert re.search(r"for example .*amount: twelve", done.out)
    assert "Not built" not in done.out
    assert "dagster" not in done.out
    (built,) = broken.rows(
        "SELECT CAST(SUM(f.base_cost_usd) AS INT64) AS usd FROM fact_ai_costs AS f "
        "JOIN raw_ai_events AS r ON r.event_id = f.event_id AND r.event_date = '2026-03-10' "
        "WHERE r.source_endpoint = 'cost_report' AND DATE(f.cost_timestamp) = '2026-03-10'"
    )
    assert built == {"usd": 12}


def test_nothing_is_written_outside_the_state_folder(filled: Filled) -> None:
    """Not to the home folder, not to the folder it was called in, no temporary file left."""
    assert not filled.strays


def on_a_terminal(place: Place, *arguments: str, **more: str) -> str:
    """What a command prints on a terminal of its own."""
    ours, theirs = pty.openpty()
    environment = {**clean_environment(), **place.environment, "TERM": "xterm-256color", **more}
    with subprocess.Popen(  # noqa: S603
        [*PROGRAM, *arguments], cwd=place.folder, env=environment, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        printed = b""
        while True:
            try:
                read = os.read(ours, 65536)
            except OSError:
                break
            if not read:
                break
            printed += read
        process.wait(timeout=60)
    os.close(ours)
    return printed.decode()


def test_colours_are_for_terminals_and_no_color_turns_them_off(place: Place) -> None:
    assert "\x1b[" in on_a_terminal(place, "doctor")
    assert "\x1b[" not in on_a_terminal(place, "doctor", NO_COLOR="1")
