"""What closed months name stays known, found by its key alone."""

from __future__ import annotations

from datetime import UTC, date, datetime

from ai_usage.identity import Identity, IdentityInputs, Snapshot, surrogate_key
from ai_usage.identity.reported import Reported

NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)
GONE = surrogate_key("ada@x.io", "2026-02-14")


def person(**values: object) -> dict[str, object]:
    return {"user_email": "ada@x.io", "effective_date": None, "is_active": True, **values}


def identity(*reported: Reported) -> Identity:
    rows = [person(team="Core", cost_center="CC1")]
    snapshot = Snapshot(date(2026, 3, 1), "users.csv", rows)
    return Identity(IdentityInputs([snapshot], NOW, reported=reported))


def test_a_version_that_history_lost_is_kept_on_no_day_that_anything_happened_on() -> None:
    known = identity().dim_users()
    kept = [r for r in identity(lost()).dim_users() if r not in known]
    (row,) = kept
    assert (row["user_sk"], row["user_email"], row["team"]) == (GONE, "ada@x.io", "Edge")
    assert row["effective_date"] == row["expiration_date"] == date(1899, 12, 31)
    assert (row["is_current"], row["is_active"]) == (False, False)
    assert row["department"] is None, "what reports call Unassigned"


def test_a_version_that_history_still_has_is_there_once_as_history_has_it() -> None:
    known = identity().dim_users()
    ada = next(r for r in known if r["user_email"] == "ada@x.io")
    same = lost()._replace(user_sk=ada["user_sk"], team="Old name")
    assert identity(same, lost()._replace(user_sk=0)).dim_users() == known


def test_a_cost_centre_that_nobody_names_any_more_is_kept_inactive() -> None:
    names = {r["cost_center"]: r["is_active"] for r in identity(lost()).dim_cost_centers()}
    assert names == {"Unknown": True, "CC1": True, "CC9": False}
    (kept,) = [r for r in identity(lost()).dim_cost_centers() if r["cost_center"] == "CC9"]
    assert kept["cost_center_sk"] == surrogate_key("CC9")


def lost() -> Reported:
    return Reported(GONE, "ada@x.io", "Ada", "Unassigned", "Edge", "CC9")
