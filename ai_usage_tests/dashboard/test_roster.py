"""Who an address is: viewers.csv, read anew when it changes, and the tree of people."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from ai_usage.dashboard.roster import Roster
from ai_usage.dashboard.viewers import Mode, Role
from ai_usage_tests.dashboard.copies import Made, Person

DAY = date(2026, 3, 31)


def roster(tmp_path: Path, viewers: str | None) -> Roster:
    people = [
        Person(10, "ann@x.test", "Ads", "Sales", "CC-1", manager="bo@x.test"),
        Person(20, "bo@x.test", "Ads", "Sales", "CC-1"),
    ]
    published = Made(people).publish(tmp_path / "copy.duckdb")
    if viewers is not None:
        (tmp_path / "viewers.csv").write_text(viewers)
    return Roster(published, tmp_path, lambda: DAY, Mode.TEAM)


def test_a_line_gives_a_role_for_its_days_and_cost_centres(tmp_path: Path) -> None:
    found = roster(
        tmp_path,
        "user_email,role,cost_centers,valid_from,valid_to\n"
        "cfo@x.test,finance,CC-1;CC-2,2026-01-01,\n"
        "old@x.test,admin,,,2026-03-30\n"
        "new@x.test,executive,,2026-03-31,\n",
    )
    finance = found.viewer(" CFO@x.test ")
    assert (finance.role, finance.mode) == (Role.FINANCE, Mode.TEAM)
    assert finance.cost_centers == {"CC-1", "CC-2"}
    assert found.viewer("old@x.test").role is Role.SELF
    assert found.viewer("new@x.test").role is Role.EXECUTIVE


def test_who_is_listed_nowhere_is_a_lead_of_whom_they_lead_else_themselves(tmp_path: Path) -> None:
    found = roster(tmp_path, None)
    assert found.viewer("bo@x.test").role is Role.LEAD
    assert found.viewer("ann@x.test").role is Role.SELF
    assert found.viewer("stranger@elsewhere.test").role is Role.SELF


def test_a_role_taken_away_is_gone_at_the_next_request(tmp_path: Path) -> None:
    found = roster(tmp_path, "user_email,role\ncfo@x.test,finance\n")
    assert found.viewer("cfo@x.test").role is Role.FINANCE
    (tmp_path / "viewers.csv").write_text("user_email,role\nother@x.test,finance\n")
    assert found.viewer("cfo@x.test").role is Role.SELF


def test_a_refused_file_gives_nobody_more_than_before(tmp_path: Path) -> None:
    found = roster(tmp_path, "user_email,role\ncfo@x.test,finance\n")
    assert found.viewer("cfo@x.test").role is Role.FINANCE
    (tmp_path / "viewers.csv").write_text("user_email,role\neve@x.test,root\n")
    assert found.viewer("eve@x.test").role is Role.SELF
    assert found.viewer("cfo@x.test").role is Role.FINANCE
    fresh = Roster(found.published, tmp_path, lambda: DAY, Mode.TEAM)
    assert fresh.viewer("cfo@x.test").role is Role.SELF
