"""The check `one_identity`: whom sources disagree on is told by name, and nothing is held back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ai_usage.orchestration.checks.identity import ONE_IDENTITY, one_identity_check
from ai_usage.quality.consequences import CONSEQUENCES
from ai_usage_tests.support.check_runs import PARTITIONS, Ran, run
from ai_usage_tests.warehouse.rows import DAY, Row, arrow, open_warehouse, row

ANN, BOB, CY = "ann@x.io", "bob@x.io", "cy@x.io"
DOUBT = f"{ANN} and {BOB}: employee number E7 is on both, which have been active at once"


def ran(home: Path, *people: Row) -> Ran:
    warehouse = open_warehouse(home)
    warehouse.ensure_table("dim_users")
    rows = [
        row("dim_users", user_sk=sk, **{"person": who["user_email"], "is_current": True, **who})
        for sk, who in enumerate(people, start=1)
    ]
    warehouse.replace("dim_users", None, arrow("dim_users", rows))
    return run(warehouse, "dim_users", [one_identity_check(PARTITIONS)], DAY, DAY)


def test_both_who_are_kept_apart_are_told_of_by_name_and_why(tmp_path: Path) -> None:
    of = ran(
        tmp_path,
        {"user_email": ANN, "identity_doubts": [DOUBT]},
        {"user_email": BOB, "identity_doubts": [DOUBT]},
        # A former version says what its person's says.
        {"user_email": BOB, "identity_doubts": [DOUBT], "is_current": False},
        {"user_email": CY, "identity_doubts": []},
    )
    assert (of.success, of.built) == (True, {"dim_users", "downstream"})
    assert of.found(ONE_IDENTITY) == {None: "FAILED"}
    noted = of.summaries[ONE_IDENTITY].metadata
    told: dict[str, Any] = {name: entry.value for name, entry in noted.items()}
    assert told["failing_rows"] == 2
    assert [name.partition(" #")[0] for name in told["failures"]] == [
        "a***@x.io",
        "b***@x.io",
    ]
    assert [one["doubt"] for one in told["sample"]] == [
        "a***@x.io and b***@x.io: employee number E7 is on both, which have been active at once"
    ] * 2
    assert "identity_doubts" in CONSEQUENCES[ONE_IDENTITY]


def test_without_a_doubt_it_passes(tmp_path: Path) -> None:
    of = ran(tmp_path, {"user_email": ANN, "identity_doubts": []}, {"user_email": BOB})
    assert of.found(ONE_IDENTITY) == {None: "SUCCEEDED"}
