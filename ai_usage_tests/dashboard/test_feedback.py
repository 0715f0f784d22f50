"""Approval asked with one click: one vote a person, told as a share, never by whom."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ai_usage.dashboard.feedback import Approval, Feedback
from ai_usage.dashboard.server import build_app
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage_tests.dashboard.copies import Made, Person

MARCH = date(2026, 3, 1)


def test_the_last_vote_of_a_person_in_a_month_counts_and_nobody_is_named(tmp_path: Path) -> None:
    kept = Feedback(tmp_path / "feedback.jsonl")
    for email, approves in (("a@x.test", True), ("b@x.test", False), ("b@x.test", True)):
        kept.vote(email, MARCH, approves=approves)
    kept.vote("c@x.test", MARCH, approves=False)
    kept.vote("c@x.test", date(2026, 2, 1), approves=True)
    assert kept.approval(MARCH) == Approval(votes=3, approving=2)
    assert kept.approval(date(2026, 2, 1)) == Approval(1, 1)
    assert "x.test" not in (tmp_path / "feedback.jsonl").read_text()


@pytest.mark.parametrize(
    ("origin", "said", "status", "votes"),
    [
        ("http://127.0.0.1:3100", "yes", 303, 1),
        ("http://127.0.0.1:3100", "maybe", 400, 0),
        ("https://evil.example.net", "yes", 403, 0),
        (None, "yes", 400, 0),
    ],
)
def test_a_vote_comes_from_our_own_form_alone(
    origin: str | None, said: str, status: int, votes: int, tmp_path: Path
) -> None:
    made = Made([Person(10, "ann@x.test", "Ads", "Sales", "CC-1")])
    kept = Feedback(tmp_path / "feedback.jsonl")
    viewer = Viewer("ann@x.test", Role.SELF, Mode.TEAM)
    app = build_app(made.publish(tmp_path / "copy.duckdb"), lambda _email: viewer, feedback=kept)
    client = TestClient(app, base_url="http://127.0.0.1:3100", follow_redirects=False)
    headers = {} if origin is None else {"origin": origin}
    answer = client.post("/feedback", data={"approves": said}, headers=headers)
    assert answer.status_code == status
    assert kept.approval(MARCH).votes == votes
