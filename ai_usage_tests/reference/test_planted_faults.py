"""In any acceptable file, one planted fault is refused at its own line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ai_usage.reference import read_text, reference_file
from ai_usage_tests.reference.files import refusal

USERS = reference_file("users.csv")

_titles = st.text(
    st.sampled_from("abc ,\"#;\n'é") | st.characters(categories=["Lu", "Nd"]), max_size=12
)
_fillers = st.lists(st.sampled_from(["", '# note, "x', "#"]), max_size=2)
FAULTS = {
    "start_date": "31/01/2026",
    "ai_budget_monthly_usd": "-3",
    "full_name": "=HYPERLINK()",
    "is_active": "perhaps",
    "manager_email": "nobody",
    "department": "R\x07D",
}


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@given(
    lines=st.lists(st.tuples(_fillers, _titles), min_size=1, max_size=8),
    planted=st.integers(min_value=0),
    column=st.sampled_from(sorted(FAULTS)),
    ending=st.sampled_from(["\n", "\r\n"]),
)
def test_one_planted_fault_is_refused_at_its_line(
    lines: list[tuple[list[str], str]], planted: int, column: str, ending: str
) -> None:
    planted %= len(lines)
    good, bad, expected = ["user_email,job_title," + column], [], 0
    bad = list(good)
    for number, (filler, title) in enumerate(lines):
        for text in (good, bad):
            text += filler
        if number == planted:
            expected = ending.join(bad).count("\n") + 2
        start = f"user{number}@example.com,{_quoted(title)},"
        good.append(start)
        bad.append(start + (FAULTS[column] if number == planted else ""))
    assert len(read_text(USERS, ending.join(good)).rows) == len(lines)
    error = refusal(USERS, ending.join(bad))
    assert [(problem.line, problem.column) for problem in error.problems] == [(expected, column)]
