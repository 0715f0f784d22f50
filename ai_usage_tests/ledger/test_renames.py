"""A closed month with a rename, and the first run of the version that knows one person by ids.

Ada's address changes on 20 February, her employee number does not. The version before held her for
two people: ada@ until then, and ada.new@. The vendor calls her ada@ on the 25th and on 3 March
still. February is closed.
"""

from __future__ import annotations

import json
import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ai_usage.days.clock import SystemClock
from ai_usage.days.windows import Window
from ai_usage.reference import read_bytes, reference_file
from ai_usage.reference.states import accept
from ai_usage_tests.identity.sources import every_address_a_person
from ai_usage_tests.ledger.small import ADA, Small
from ai_usage_tests.support.pipeline import run_window

pytestmark = pytest.mark.slow

NEW = "ada.new@x.io"
FEBRUARY = Window(date(2026, 2, 1), date(2026, 3, 1))
SPENT = {
    date(2026, 2, 5): {ADA: "10"},
    date(2026, 2, 25): {ADA: "4"},
    date(2026, 2, 26): {NEW: "20"},
    date(2026, 3, 2): {NEW: "5"},
    date(2026, 3, 3): {ADA: "1"},
}


def people(email: str) -> tuple[str, str]:
    return "user_email,employee_id,team,cost_center", f"{email},E1,Core,CC1"


def listed(small: Small, day: date, email: str) -> None:
    """What users.csv said on a day, accepted by a run of that day."""
    file = reference_file("users.csv")
    rows = read_bytes(file, "\n".join(people(email)).encode()).rows
    accept(small.archive, SystemClock(day), file, rows)


def versions(small: Small) -> dict[int, tuple[Any, ...]]:
    rows = small.rows("SELECT user_sk, user_email, team, cost_center FROM dim_users")
    return {r["user_sk"]: (r["user_email"], r["team"], r["cost_center"]) for r in rows}


def borne(small: Small) -> list[tuple[date, str, str, Decimal]]:
    """Month, person, cost centre and dollars, as finance reads them."""
    rows = small.rows(
        "SELECT month, user_email, cost_center, SUM(total_cost) AS usd "
        "FROM vw_cost_allocation_detailed GROUP BY 1, 2, 3 ORDER BY 1, 2"
    )
    return [(r["month"], r["user_email"], r["cost_center"], r["usd"]) for r in rows]


@pytest.fixture
def before(tmp_path: Path) -> Small:
    """February closed by the version before, and nothing noted of the rules that built it."""
    small = Small(tmp_path, today=date(2026, 3, 8))
    listed(small, date(2026, 2, 10), ADA)
    listed(small, date(2026, 2, 20), NEW)
    small.file("users.csv", *people(NEW))
    with every_address_a_person():
        small.load(SPENT)
        small.done("close", "2026-02", "--accept", "the look-back is not over")
    shutil.rmtree(small.home / "archive" / "reference" / "_built_rules")
    return small.on(date(2026, 3, 9))


def test_no_closed_month_moves_and_no_version_gets_another_key(before: Small) -> None:
    known, facts = versions(before), before.written(FEBRUARY)
    march, february = date(2026, 3, 1), date(2026, 2, 1)
    assert [row[1:] for row in borne(before) if row[0] == february] == [
        (NEW, "CC1", Decimal(20)),
        (ADA, "CC1", Decimal(14)),
    ]
    said = before.run()
    assert "a renamed address is the same person's" in said
    assert "Days up to 2026-02-28 are closed and stay as reported." in said

    assert before.written(FEBRUARY) == facts
    after = versions(before)
    assert {sk: after.get(sk) for sk in known} == known
    assert before.rows("SELECT * FROM vw_adjustments") == []
    # One person, in the closed month too: only the name under which it is shown.
    assert borne(before) == [
        (february, NEW, "CC1", Decimal(34)),
        (march, NEW, "CC1", Decimal(6)),
    ]
    ids = before.rows("SELECT DISTINCT person_id, person FROM dim_users WHERE user_sk > 0")
    assert ids == [{"person_id": "employee:E1", "person": NEW}]
    (told,) = before.rows("SELECT change_history FROM dim_users WHERE is_current AND user_sk > 0")
    assert json.loads(told["change_history"]) == [
        {
            "day": "2026-02-20",
            "field": "user_email",
            "old": ADA,
            "new": NEW,
            "evidence": "employee number E1",
        }
    ]
    (counted,) = before.rows(
        "SELECT COUNT(*) AS people FROM vw_team_productivity "
        "WHERE month = DATE '2026-03-01' AND monthly_total_cost > 0"
    )
    assert counted["people"] == 1
    assert before.run() == ""

    # Asked for, the facts name versions of one person: nothing is there to adjust.
    result = run_window(before.settings, FEBRUARY, checks=False)
    assert result.success, result.errors
    assert before.written(FEBRUARY) != facts
    assert before.rows("SELECT * FROM vw_adjustments") == []
