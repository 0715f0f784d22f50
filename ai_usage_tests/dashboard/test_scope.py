"""Whose rows a viewer sees, that every way to group them adds up, and who may ask at all."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ai_usage.dashboard.filters import Dimension, Filters
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.scope import ForbiddenError, activity, cohorts, notes_of, spend
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage_tests.dashboard.copies import Cost, Made, Person, Usage, drawn

JANUARY, FEBRUARY = date(2026, 1, 1), date(2026, 2, 1)
WHOLE = Filters(JANUARY, FEBRUARY)
EVERY_WAY: tuple[Dimension, ...] = (
    "month", "date", "department", "team", "cost_center", "person", "project", "platform",
    "model", "key", "kind",
)  # fmt: skip
VIEWERS = [
    Viewer(email, role, mode, centers)
    for role in Role
    for mode in Mode
    for email in ("p1@x.test", "nobody@x.test")
    for centers in (frozenset[str](), frozenset({"CC-1"}))
    if not centers or role in (Role.FINANCE, Role.EXECUTIVE)
]


def leads(made: Made, lead: str, number: int, day: date) -> bool:
    """Whether the tree of a day has the person under the lead, step by step."""
    of_day = {p.email: p for p in made.people if p.since <= day <= p.until}
    person = next((p for p in made.people if p.number == number), None)
    if person is None or number <= 0 or not person.since <= day <= person.until:
        return False
    if person.email == lead:
        return True
    manager, seen = person.manager, set[str]()
    while manager is not None and manager not in seen:
        if manager == lead:
            return True
        seen.add(manager)
        manager = of_day[manager].manager if manager in of_day else None
    return False


def expected(made: Made, viewer: Viewer, months: Sequence[date] = (JANUARY, FEBRUARY)) -> Decimal:
    """What the viewer's rows cost, cost by cost."""
    total = Decimal(0)
    for cost in made.costs:
        if cost.day.replace(day=1) not in months:
            continue
        if viewer.role is Role.LEAD:
            sees = leads(made, viewer.email, cost.number, cost.day)
        elif viewer.role is Role.SELF:
            person = next(p for p in made.people if p.number == cost.number)
            sees = cost.number > 0 and person.email == viewer.email
        else:
            sees = not viewer.cost_centers or cost.cost_center in viewer.cost_centers
        total += cost.total if sees else 0
    return total


@settings(max_examples=4)
@given(st.integers(0, 10**6), st.lists(st.sampled_from(VIEWERS), min_size=4, max_size=4))
def test_every_way_to_group_adds_up_to_what_the_viewers_rows_cost(
    seed: int, viewers: list[Viewer]
) -> None:
    made = drawn(seed, people=(6, 28))
    with tempfile.TemporaryDirectory() as folder:
        published = made.publish(Path(folder) / "copy.duckdb")
        for viewer in viewers:
            total = expected(made, viewer)
            for name in EVERY_WAY:
                try:
                    answer = spend(published, viewer, WHOLE, [name])
                except ForbiddenError:
                    assert name in ("person", "key"), (viewer, name)
                    continue
                if any("not shown" in note for note in notes_of(answer)):
                    # Fewer than five in a month: the viewer is told so instead of a sum.
                    assert viewer.role in (Role.EXECUTIVE, Role.FINANCE)
                    continue
                assert sum(answer["total"].to_pylist()) == total, (viewer, name)


def test_people_are_grouped_for_those_alone_who_may_see_them(tmp_path: Path) -> None:
    published = drawn(3, people=(12, 20)).publish(tmp_path / "copy.duckdb")
    may = {
        (Role.SELF, Mode.OPEN), (Role.SELF, Mode.TEAM), (Role.LEAD, Mode.OPEN),
        (Role.LEAD, Mode.TEAM), (Role.FINANCE, Mode.OPEN), (Role.ADMIN, Mode.OPEN),
        (Role.ADMIN, Mode.TEAM),
    }  # fmt: skip
    may_see_behaviour = {
        (Role.SELF, Mode.OPEN), (Role.SELF, Mode.TEAM), (Role.LEAD, Mode.OPEN),
        (Role.ADMIN, Mode.OPEN),
    }  # fmt: skip
    for role in Role:
        for mode in Mode:
            viewer = Viewer("p1@x.test", role, mode)
            for ask, allowed in ((spend, may), (activity, may_see_behaviour)):
                try:
                    ask(published, viewer, WHOLE, ["person"])
                    seen = True
                except ForbiddenError:
                    seen = False
                assert seen == ((role, mode) in allowed), (role, mode, ask)


def company() -> Made:
    """Seven people in two teams, by hand: a lead whose only report moves away on 15 January."""
    people = [
        Person(10, "ann@x.test", "Ads", "Sales", "CC-1", manager="bo@x.test",
               until=date(2026, 1, 14)),
        Person(11, "ann@x.test", "Core", "Tech", "CC-2", manager="cy@x.test",
               since=date(2026, 1, 15)),
        Person(20, "bo@x.test", "Ads", "Sales", "CC-1", manager="dee@x.test"),
        Person(30, "cy@x.test", "Core", "Tech", "CC-2", manager="dee@x.test"),
        Person(40, "dee@x.test", "Core", "Tech", "CC-2"),
        *(Person(50 + n, f"e{n}@x.test", "Core", "Tech", "CC-2", manager="cy@x.test")
          for n in range(3)),
    ]  # fmt: skip
    costs = [
        Cost(date(2026, 1, 10), 10, Decimal(1), "Cursor", "CC-1"),
        Cost(date(2026, 1, 20), 11, Decimal(2), "Cursor", "CC-2", projects=("B", "A", "C")),
        *(
            Cost(date(2026, 1, 5), n, Decimal(10), "Cursor", "CC-2")
            for n in (20, 30, 40, 50, 51, 52)
        ),
    ]
    usage = [Usage(date(2026, 1, 5), n, "Cursor", 100) for n in (20, 30, 40, 50, 51)]
    return Made(people, costs, usage)


@pytest.mark.parametrize(
    ("lead", "total"),
    [("bo@x.test", 11), ("cy@x.test", 42), ("dee@x.test", 63), ("ann@x.test", 3)],
)
def test_a_lead_sees_a_mover_on_the_days_on_which_they_lead_them(
    lead: str, total: int, tmp_path: Path
) -> None:
    published = company().publish(tmp_path / "copy.duckdb")
    viewer = Viewer(lead, Role.LEAD, Mode.OPEN)
    (row,) = spend(published, viewer, Filters(JANUARY, JANUARY)).to_pylist()
    assert row["total"] == total


def test_a_team_of_two_is_merged_with_the_next_smallest_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    """Ads has Ann and Bo, Core six: together they are the seven who cost anything."""
    published = company().publish(tmp_path / "copy.duckdb")
    viewer = Viewer("chief@x.test", Role.EXECUTIVE, Mode.OPEN)
    answer = spend(published, viewer, Filters(JANUARY, JANUARY), ["team"])
    (row,) = answer.to_pylist()
    assert (row["team"], row["total"], row["people"]) == ("Other teams", 63, 7)
    assert row["is_merged"]
    assert "fewer than 5 people" in notes_of(answer)[0]


def test_cost_of_three_projects_is_split_to_the_micro_dollar_the_rest_to_the_first(
    tmp_path: Path,
) -> None:
    published = company().publish(tmp_path / "copy.duckdb")
    admin = Viewer("", Role.ADMIN, Mode.OPEN)
    rows = spend(published, admin, Filters(JANUARY, JANUARY), ["project"]).to_pylist()
    assert {row["project"]: row["total"] for row in rows} == {
        "A": Decimal("0.666668"),
        "B": Decimal("0.666666"),
        "C": Decimal("0.666666"),
        "No project": 61,
    }


def test_today_s_organisation_moves_a_movers_past_and_is_not_for_who_sees_no_people(
    tmp_path: Path,
) -> None:
    made = company()
    published = made.publish(tmp_path / "copy.duckdb")
    now = Filters(JANUARY, JANUARY, org="now")
    chief = spend(published, Viewer("c@x.test", Role.EXECUTIVE, Mode.OPEN), now, ["team"])
    assert "as it was" in " ".join(notes_of(chief))


def test_a_selection_that_would_tell_of_few_is_left_out_and_said(tmp_path: Path) -> None:
    published = drawn(5, people=(20, 28)).publish(tmp_path / "copy.duckdb")
    viewer = Viewer("chief@x.test", Role.EXECUTIVE, Mode.OPEN)
    asked = Filters(JANUARY, JANUARY, person=("p1@x.test",), key=("key-10",), model=("opus",),
                    team=("team0",))  # fmt: skip
    answer = spend(published, viewer, asked)
    said = " ".join(notes_of(answer))
    assert "person" in said
    assert "key" in said
    assert "left out" in said


def test_cohorts_count_everybody_once(tmp_path: Path) -> None:
    published = company().publish(tmp_path / "copy.duckdb")
    month = Filters(JANUARY, JANUARY)
    admin = cohorts(published, Viewer("", Role.ADMIN, Mode.OPEN), month, ["team"]).to_pylist()
    assert {(row["team"], row["cohort"]): row["people"] for row in admin} == {
        ("Ads", "light"): 1,  # Bo; Ann was in Core last
        ("Core", "light"): 4,
        ("Core", "none"): 2,
    }
    viewer = Viewer("c@x.test", Role.EXECUTIVE, Mode.OPEN)
    hidden = cohorts(published, viewer, month, ["team"]).to_pylist()
    assert [row["people"] for row in hidden] == [7]


def test_no_selection_beside_another_tells_how_much_one_works_with_the_tools(
    tmp_path: Path,
) -> None:
    """Core's six off the company's seven would leave Bo, who is alone in Ads."""
    published = company().publish(tmp_path / "copy.duckdb")
    viewer = Viewer("c@x.test", Role.EXECUTIVE, Mode.OPEN)
    month = Filters(JANUARY, JANUARY)
    (whole,) = cohorts(published, viewer, month).to_pylist()
    assert whole["people"] == 7
    for selected in ({"team": ("Core",)}, {"team": ("Ads",)}, {"department": ("Tech",)}):
        assert cohorts(published, viewer, month.having(**selected)).to_pylist() == []
        by_other = cohorts(published, viewer, month.having(**selected), ["team"]).to_pylist()
        assert [row["people"] for row in by_other] in ([], [7])


def test_cohorts_of_a_selected_team_are_those_that_it_has_beside_the_others(
    tmp_path: Path,
) -> None:
    """Of two teams of six, all idle, each is told; today's organisation is not."""
    moved = date(2026, 2, 1)
    people = [
        *(Person(10 + n, f"a{n}@x.test", "Ads", "Sales", "CC-1") for n in range(5)),
        *(Person(20 + n, f"c{n}@x.test", "Core", "Tech", "CC-2") for n in range(5)),
        Person(30, "mo@x.test", "Ads", "Sales", "CC-1", until=date(2026, 1, 31)),
        Person(31, "mo@x.test", "Core", "Tech", "CC-2", since=moved),
    ]
    published = Made(people).publish(tmp_path / "copy.duckdb")
    month = Filters(JANUARY, JANUARY)

    def told(role: Role, **asked: object) -> dict[str, int]:
        rows = cohorts(published, Viewer("", role, Mode.OPEN), month.having(**asked), ["team"])
        return {row["team"]: row["people"] for row in rows.to_pylist()}

    assert told(Role.EXECUTIVE) == {"Ads": 6, "Core": 5}
    assert told(Role.EXECUTIVE, team=("Ads",)) == {"Ads": 6}
    assert told(Role.EXECUTIVE, org="now") == {"Ads": 6, "Core": 5}
    assert told(Role.ADMIN, org="now") == {"Ads": 5, "Core": 6}


def test_answers_of_one_viewer_are_never_anothers(tmp_path: Path) -> None:
    published: Published = company().publish(tmp_path / "copy.duckdb")
    month = Filters(JANUARY, JANUARY)
    totals = [
        spend(published, Viewer(email, Role.LEAD, Mode.OPEN), month).to_pylist()[0]["total"]
        for email in ("bo@x.test", "cy@x.test", "bo@x.test")
    ]
    assert totals == [11, 42, 11]
