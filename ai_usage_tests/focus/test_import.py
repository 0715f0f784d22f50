"""Bills from files to facts: `ai-usage import`, and the watched folder."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage_tests.cli.support import Done, Place
from ai_usage_tests.focus.support import line, whole, written

pytestmark = pytest.mark.slow

PLATFORMS = "platform_code,platform_subtype,platform_name,category\nsky_models,chat,Sky,llm_api\n"
MAPPING = """\
service,platform,platform_subtype,person_tag,team_tag
Models,sky_models,chat,owner,squad
"""
USERS = """\
user_email,team,cost_center
ada@x.com,search,CC-1
bob@x.com,search,CC-2
"""
SEATS = (
    "contract_id,platform,platform_subtype,quantity,price,valid_from,valid_to,billing_account_id\n"
)
RULES = """\
rule_id,platform,scope_type,scope_value,method,team
squad,sky_models,workspace,search,equal_split,search
"""


def place_with(tmp_path: Path, **more: str) -> Place:
    home = tmp_path / "home"
    reference = tmp_path / "reference"
    reference.mkdir()
    for name, text in (
        ("platforms", PLATFORMS),
        ("focus_mapping", MAPPING),
        ("users", USERS),
        ("allocation_rules", RULES),
    ):
        (reference / f"{name}.csv").write_text(text)
    given = {
        "AI_USAGE_HOME": str(home),
        "AI_USAGE_REFERENCE_DIR": str(reference),
        "AI_USAGE_AS_OF": "2026-04-02",
        "AI_USAGE_START_DATE": "2026-03-01",
        **more,
    }
    return Place(tmp_path, given)


def march(path: Path) -> Path:
    """Ada's 10, the squad's 4, 6 of nobody, 9.50 of tax, and a disk that is no AI tool."""
    return written(
        path,
        whole(
            line(3, "10", Tags='{"owner": "ada@x.com"}'),
            line(4, "4", Tags='{"squad": "search"}'),
            line(5, "6"),
            line(6, "9.50", ChargeCategory="Tax"),
            line(7, "1000", ServiceName="Disk"),
        ),
    ).path


def by_bearer(place: Place) -> dict[tuple[str, str], Decimal]:
    rows = place.rows(
        "SELECT COALESCE(u.user_email, CAST(c.user_sk AS STRING)) AS who, c.cost_type, "
        "SUM(c.total_cost_usd) AS usd FROM fact_ai_costs AS c "
        "LEFT JOIN dim_users AS u ON u.user_sk = c.user_sk "
        "WHERE DATE(c.cost_timestamp) >= DATE '2026-03-01' AND c.total_cost_usd != 0 GROUP BY 1, 2"
    )
    return {(row["who"], row["cost_type"]): Decimal(str(row["usd"])) for row in rows}


def succeeded(done: Done) -> Done:
    assert done.code == 0, done.out + done.err
    return done


def test_a_bill_becomes_facts_by_person_team_and_nobody(tmp_path: Path) -> None:
    place = place_with(tmp_path)
    done = succeeded(place.run("import", str(march(tmp_path / "march.csv"))))
    assert "in no line of focus_mapping.csv, and so no cost: $1,000.00" in done.out
    assert "Skyline Cloud Disk: $1,000.00 in 1 charge" in done.out
    found = by_bearer(place)
    assert sum(found.values()) == Decimal("29.50")
    assert found["ada@x.com", "usage"] == Decimal(12), "10 of her own, and half of the squad's 4"
    assert found["bob@x.com", "usage"] == Decimal(2)
    assert sum(usd for (_, kind), usd in found.items() if kind == "one_time") == Decimal("9.50")
    # What finance types of the same platform and days is refused, and tells its line.
    seats = tmp_path / "reference" / "seats.csv"
    seats.write_text(f"{SEATS}team,sky_models,chat,5,30,2026-01-01,,\n")
    check = place.call("reference", "check")
    assert check.code == 1
    assert "seats.csv:2: platform: sky_models of 2026-03-01 is in the bill of account acc-1" in (
        check.out + check.err
    )
    seats.write_text(f"{SEATS}team,sky_models,chat,5,30,2026-01-01,,acc-2\n")
    succeeded(place.call("reference", "check"))
    seats.unlink()
    # A later file of the month takes its place whole.
    again = written(tmp_path / "again.csv", whole(line(5, "7.25"))).path
    succeeded(place.run("import", str(again)))
    assert sum(by_bearer(place).values()) == Decimal("7.25")


def test_nothing_is_taken_where_a_file_is_refused(tmp_path: Path) -> None:
    place = place_with(tmp_path)
    part = written(tmp_path / "part.csv", [line(3, "1"), line(31, "1")]).path
    other = written(tmp_path / "other.csv", whole(line(3, "1"), account="acc-2")).path
    done = place.call("import", str(other), str(part))
    assert done.code == 1
    assert "part.csv covers a part of the billing period" in done.error
    assert not list((tmp_path / "home").rglob("*_complete.json"))
