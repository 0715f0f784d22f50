"""The gate: every condition with its figure, by hand-made evidence one step from each limit."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from ai_usage.archive.archive import Fetch
from ai_usage.days.windows import Window
from ai_usage.ledger.closing import History
from ai_usage.migration.accuracy import COLUMNS, Accuracy, confirmed, sheet
from ai_usage.migration.classes import Cell, Finding
from ai_usage.migration.comparing import Comparison
from ai_usage.migration.gate import Approval, Evidence, Latency, conditions, votes
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import Entry
from ai_usage.migration.trend import Verdict, green_run

NOW = datetime(2026, 4, 6, 12, tzinfo=UTC)
MARCH = Window(date(2026, 3, 1), date(2026, 4, 1))
CLOSED = Fetch("books", "closed_months", MARCH, datetime(2026, 4, 3, tzinfo=UTC), True, "p")


def days(first: date, count: int, **red: bool) -> list[Verdict]:
    return [
        Verdict(day, True, ["x"] if red.get(f"d{day.day}") else [])
        for day in (first + timedelta(days=n) for n in range(count))
    ]


def comparison(verdicts: list[Verdict], findings: list[Finding] | None = None) -> Comparison:
    return Comparison("t", "p", ["user_email"], findings or [], verdicts)


def accept(by: str, role: str, answer: str) -> Entry:
    said = {"role": role, "answer": answer}
    return Entry(at=NOW, step="accept", outcome="done", by=by, details=said)


# 28 March to 3 April: seven days, a month end among them.
GOOD = Evidence(
    comparisons=[comparison(days(date(2026, 3, 28), 7))],
    coverage=0.96,
    accuracy=Accuracy(right=96, answered=100, shown=100),
    latencies={"vw_executive_dashboard": Latency(0.4, 2.9, 0.5, 3.5)},
    freshest=NOW - timedelta(hours=2),
    entries=[accept("fin", "finance", "yes"), accept("eng", "engineering", "yes")],
    history=History([CLOSED]),
    now=NOW,
)


def unmet(evidence: Evidence) -> list[tuple[str, str]]:
    return [(one.name, one.found) for one in conditions(evidence) if not one.met]


def test_everything_within_its_limit_opens_the_gate() -> None:
    assert unmet(GOOD) == []


def test_each_condition_alone_keeps_it_shut() -> None:
    cell = Cell()
    cell.add({"usd": Decimal("0.01")})
    cent = Finding((date(2026, 3, 28), ("a",)), "unexplained", cell, None)
    cases = {
        "nothing is unexplained": replace(
            GOOD, comparisons=[comparison(days(date(2026, 3, 28), 7), [cent])]
        ),
        "7 green final days without a break": replace(
            GOOD, comparisons=[comparison(days(date(2026, 3, 29), 6))]
        ),
        "a month end among them": replace(
            GOOD, comparisons=[comparison(days(date(2026, 3, 20), 11))]
        ),
        "attribution covers the dollars to more than 95 %": replace(GOOD, coverage=0.95),
        "attribution is right in more than 95 %": replace(
            GOOD, accuracy=Accuracy(right=95, answered=100, shown=100)
        ),
        "vw_executive_dashboard answers within 3 s": replace(
            GOOD, latencies={"vw_executive_dashboard": Latency(0.6, 2.9, 0.5, 3.5)}
        ),
        "data is at most 2 hours old": replace(GOOD, freshest=NOW - timedelta(hours=2, seconds=1)),
        "the month before is closed": replace(GOOD, history=History()),
    }
    for name, evidence in cases.items():
        assert [told for told, _ in unmet(evidence)] == [name]


def test_a_no_of_one_and_the_silence_of_a_role_keep_it_shut() -> None:
    finance = [accept(f"fin{n}", "finance", "yes") for n in range(8)]
    no = accept("eng", "engineering", "no")
    assert unmet(replace(GOOD, entries=[*finance, no])) == [
        ("at least 90 % say yes", "8 of 9"),
        ("finance and engineering each say yes", "no yes of engineering"),
    ]
    # Asked again, the same person says yes: the last answer counts.
    assert unmet(replace(GOOD, entries=[*finance, no, accept("eng", "engineering", "yes")])) == []


def test_votes_of_the_dashboards_readers_count_where_there_are_any() -> None:
    assert unmet(replace(GOOD, approval=Approval(votes=10, approving=9))) == []
    assert unmet(replace(GOOD, approval=Approval(votes=0, approving=0))) == []
    assert unmet(replace(GOOD, approval=Approval(votes=9, approving=8))) == [
        ("at least 90 % of the month's votes approve", "8 of 9")
    ]


def test_answers_are_asked_anew_after_the_way_back() -> None:
    back = Entry(at=NOW, step="rollback", outcome="done", by="fin")
    assert votes([*GOOD.entries, back]) == {}


def test_the_run_of_green_days_ends_at_a_red_one_and_leaves_open_days_out() -> None:
    one = comparison([*days(date(2026, 3, 1), 9, d3=True), Verdict(date(2026, 3, 10), False, [])])
    assert [day.day for day in green_run([one.verdicts])] == [4, 5, 6, 7, 8, 9]
    other = comparison(days(date(2026, 3, 1), 10, d7=True))
    assert [day.day for day in green_run([one.verdicts, other.verdicts])] == [8, 9]


def test_accuracy_has_wilsons_interval() -> None:
    # 96 of 100, by hand: z = 1.96, centre 0.9430, half width 0.0414.
    low, high = Accuracy(right=96, answered=100, shown=100).interval
    assert (round(low, 4), round(high, 4)) == (0.9016, 0.9843)
    assert Accuracy(0, 0, 5).interval == (0.0, 1.0)


def test_a_filled_in_sheet_is_counted_and_a_wrong_answer_named() -> None:
    rows = [dict.fromkeys(COLUMNS, "x") | {"event_id": f"e{n}"} for n in range(3)]
    blank = sheet(rows)
    assert confirmed(blank, "s.csv") == Accuracy(0, 0, 3)
    lines = blank.splitlines()
    filled = [lines[0], f"{lines[1][:-1]}yes,", f"{lines[2][:-1]}No,bob", lines[3]]
    assert confirmed("\n".join(filled), "s.csv") == Accuracy(1, 2, 3)
    filled[3] = f"{lines[3][:-1]}perhaps,"
    with pytest.raises(MigrationError, match=r"s\.csv:4: is_right: 'perhaps' is neither"):
        confirmed("\n".join(filled), "s.csv")
