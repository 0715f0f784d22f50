"""What people say: of the records that they were shown, for a role, and as the month's vote."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ai_usage.dashboard.feedback import Feedback
from ai_usage.migration.accuracy import COLUMNS, sheet
from ai_usage.migration.gate import Role, votes
from ai_usage.migration.log import entries
from ai_usage.migration.measuring import confirmed_accuracy, percentile
from ai_usage_tests.ledger.small import Small

APRIL = date(2026, 4, 1)


def small_of(tmp_path: Path) -> Small:
    return Small(tmp_path, first=date(2026, 3, 1), today=date(2026, 4, 10))


def test_an_answer_for_a_role_is_kept_and_votes_on_the_dashboard_too(tmp_path: Path) -> None:
    small = small_of(tmp_path)
    small.done("migrate", "accept", "--role", "finance", "--yes")
    said = small.done("feedback", "--role", "engineering", "--yes", AI_USAGE_USER="eng@x.io")
    assert "finance: 1 of 1 answer yes" in said
    assert "engineering: 1 of 1 answer yes" in said
    # One vote each, in the file that the dashboard's own question writes.
    kept = Feedback(small.home / "feedback.jsonl")
    assert (kept.approval(APRIL).votes, kept.approval(APRIL).approving) == (2, 2)
    kept.vote("third@x.io", APRIL, approves=False)
    assert "67 % of 3 votes this month approve: that misses the 90 %" in small.done("feedback")


def test_the_last_answer_of_a_person_counts_wherever_it_was_given(tmp_path: Path) -> None:
    small = small_of(tmp_path)
    small.done("feedback", "--role", "finance", "--no", "--note", "seats are missing")
    small.done("feedback", "--yes")
    finance: Role = "finance"
    # A month's vote is no answer for a role.
    assert votes(entries(small.archive)) == {("fin@x.io", finance): False}
    assert Feedback(small.home / "feedback.jsonl").approval(APRIL).approving == 1
    small.done("feedback", "--role", "finance", "--yes")
    assert votes(entries(small.archive)) == {("fin@x.io", finance): True}


def test_a_role_without_an_answer_and_a_no_without_a_reason_are_asked_for(tmp_path: Path) -> None:
    small = small_of(tmp_path)
    asked = small.call("feedback", "--role", "finance")
    assert (asked.code, "Add --yes or --no" in asked.err) == (1, True)
    refused = small.call("feedback", "--role", "finance", "--no")
    assert (refused.code, "a no needs --note" in refused.err) == (1, True)
    assert entries(small.archive) == []
    assert "nobody has voted this month" in small.done("feedback")


def test_what_people_confirm_is_the_accuracy_with_its_interval(tmp_path: Path) -> None:
    small = small_of(tmp_path)
    rows = [dict.fromkeys(COLUMNS, "x") | {"event_id": f"e{n}"} for n in range(100)]
    head, *lines = sheet(rows).splitlines()
    filled = [f"{line[:-1]}{'no' if n < 4 else 'yes'}," for n, line in enumerate(lines)]
    file = tmp_path / "filled.csv"
    file.write_text("\n".join([head, *filled]))
    # 96 of 100: Wilson's interval is 90.16 % to 98.43 %.
    said = small.done("attribution", "confirm", str(file))
    assert "96 of 100 answers say right: 96 %, between 90 % and 98 % with 95 % confidence" in said
    found = confirmed_accuracy(entries(small.archive))
    assert found is not None
    assert (found.right, found.answered) == (96, 100)
    file.write_text("\n".join([head, *lines]))
    empty = small.call("attribution", "confirm", str(file))
    assert (empty.code, "nobody has answered yet" in empty.err) == (1, True)


def test_a_sample_needs_records_and_overwrites_no_sheet(tmp_path: Path) -> None:
    small = small_of(tmp_path / "home")
    out = tmp_path / "sheet.csv"
    empty = small.call("attribution", "sample", "5", "--out", str(out))
    assert (empty.code, "belongs to a person" in empty.err) == (1, True)
    out.write_text("answers")
    kept = small.call("attribution", "sample", "5", "--out", str(out))
    assert (kept.code, "is there already" in kept.err) == (1, True)


def test_the_95th_percentile_of_few_is_the_slowest() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.95) == 3.0
    assert percentile([float(n) for n in range(1, 101)], 0.95) == 95.0
