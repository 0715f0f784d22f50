"""A platform that nobody declares is refused in every file that names one; too many holders too."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ai_usage.finance import too_many_holders
from ai_usage.identity import Snapshot
from ai_usage.identity.history import People, fold_people
from ai_usage.reference import (
    Beyond,
    RefusedFileError,
    products_of,
    read_checked,
    read_path,
    reference_file,
    reference_files,
)
from ai_usage.vendors.base import discovered_vendors

LINES = {
    "allocation_rules.csv": "rule_id,platform,scope_type,method\nr,{},platform,usage_based\n",
    "api_keys.csv": "platform,api_key_name,user_email\n{},k,ann@x.com\n",
    "focus_mapping.csv": "service,platform\nModels,{}\n",
    "invoices.csv": "invoice_id,platform,period_from,period_to,line_kind,amount\n"
    "i,{},2026-01-01,2026-01-31,usage,1\n",
    "model_prices.csv": "platform,model,token_type,usd_per_million\n{},m,output_tokens,1\n",
    "other_costs.csv": "cost_id,platform,line_kind,amount,date_from\nc,{},one_time,1,2026-01-01\n",
    "seat_assignments.csv": "platform,user_email\n{},ann@x.com\n",
    "seats.csv": "contract_id,platform,platform_subtype,quantity,price,valid_from\n"
    "c,{0},x,1,1,2026-01-01\n",
}
VENDORS = Beyond(products_of(discovered_vendors()))
COSTS = "cost_id,platform,platform_subtype,line_kind,amount,date_from\n"


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def refused(folder: Path, name: str) -> list[str]:
    with pytest.raises(RefusedFileError) as refusal:
        read_checked(reference_file(name), folder, (), VENDORS)
    return refusal.value.lines()


def test_every_file_that_names_a_platform_is_tried_here() -> None:
    naming = {file.name for file in reference_files() if "platform" in file.column_names}
    assert naming == set(LINES)


@pytest.mark.parametrize("name", sorted(LINES))
def test_a_platform_that_nobody_declares_is_refused_with_file_and_line(
    name: str, tmp_path: Path
) -> None:
    write(tmp_path, name, LINES[name].format("cursr"))
    assert (
        f"{name}:2: platform: nobody declares a platform 'cursr'; did you mean cursor? Else add it "
        "to platforms.csv"
    ) in refused(tmp_path, name)


@pytest.mark.parametrize("name", sorted(set(LINES) - {"seat_assignments.csv"}))
def test_platforms_csv_declares_a_platform(name: str, tmp_path: Path) -> None:
    write(tmp_path, "platforms.csv", "platform_code,platform_subtype\nother,o\n")
    write(tmp_path, name, LINES[name].format("other"))
    assert len(read_checked(reference_file(name), tmp_path, (), VENDORS).rows) == 1


def test_a_refused_platforms_csv_refuses_no_other_file(tmp_path: Path) -> None:
    write(tmp_path, "platforms.csv", "platform_code,platform_subtype\nother,\n")
    write(tmp_path, "other_costs.csv", LINES["other_costs.csv"].format("other"))
    assert len(read_checked(reference_file("other_costs.csv"), tmp_path, (), VENDORS).rows) == 1


def test_a_product_is_declared_by_a_vendor_by_platforms_csv_or_by_the_contract_on_its_seats(
    tmp_path: Path,
) -> None:
    write(tmp_path, "platforms.csv", "platform_code,platform_subtype\ncursor,bugbot\n")
    write(
        tmp_path,
        "seats.csv",
        "contract_id,platform,platform_subtype,quantity,price,valid_from\n"
        "c,anthropic,claude_team,1,1,2026-01-01\n",
    )
    lines = [
        "1,cursor,cursor",
        "2,cursor,bugbot",
        "3,anthropic,claude_team",
        "4,cursor,",
        "5,cursor,all",
        "6,cursor,claude_team",
        "7,anthropic,claude_cod",
    ]
    write(
        tmp_path,
        "other_costs.csv",
        COSTS + "".join(f"{line},one_time,1,2026-01-01\n" for line in lines),
    )
    assert refused(tmp_path, "other_costs.csv") == [
        "other_costs.csv:7: platform_subtype: nobody declares a product 'claude_team' of cursor; "
        "write one of bugbot, cursor, or add it to platforms.csv",
        "other_costs.csv:8: platform_subtype: nobody declares a product 'claude_cod' of anthropic; "
        "did you mean claude_code? Else add it to platforms.csv",
    ]


def test_who_is_approved_for_what_nobody_declares_is_told(tmp_path: Path) -> None:
    write(
        tmp_path, "users.csv", "user_email,approved_platforms\na@x.com,cursor;claude_api;curser\n"
    )
    reading = read_checked(reference_file("users.csv"), tmp_path, (), VENDORS)
    assert [warning.text("users.csv") for warning in reading.warnings] == [
        "users.csv:2: approved_platforms: nobody declares a platform or product 'curser'; did you "
        "mean cursor? Else add it to platforms.csv"
    ]


def too_many(folder: Path, people: People) -> list[str]:
    assignments = read_path(reference_file("seat_assignments.csv"), folder)
    seats = read_path(reference_file("seats.csv"), folder).rows
    found = too_many_holders(assignments.lines, seats, people)
    return [problem.text("seat_assignments.csv") for problem in found]


def test_more_holders_than_seats_are_refused_with_the_days(tmp_path: Path) -> None:
    """Two seats to the end of February, one from March on; three claim them."""
    write(
        tmp_path,
        "seats.csv",
        "contract_id,platform,platform_subtype,quantity,price,valid_from,valid_to\n"
        "c,cursor,cursor,2,40,2026-01-01,2026-02-28\n"
        "c,cursor,cursor,1,40,2026-03-01,\n",
    )
    write(
        tmp_path,
        "seat_assignments.csv",
        "platform,contract_id,user_email,valid_from,valid_to\n"
        "cursor,c,ann@x.com,2026-01-01,\n"
        "cursor,c,bob@x.com,2026-01-05,\n"
        "cursor,c,cem@x.com,2026-01-20,2026-01-21\n"
        "cursor,c,dan@x.com,2026-02-01,2026-02-01\n",
    )
    remedy = "all are held; end a holder's line with valid_to, or raise the quantity in seats.csv"
    assert too_many(tmp_path, People()) == [
        f"seat_assignments.csv:4: user_email: cem@x.com finds no seat of c on "
        f"2026-01-20..2026-01-21: {remedy}",
        f"seat_assignments.csv:5: user_email: dan@x.com finds no seat of c on 2026-02-01: {remedy}",
        f"seat_assignments.csv:3: user_email: bob@x.com finds no seat of c from 2026-03-01 on: "
        f"{remedy}",
    ]


def test_a_leaver_holds_no_seat_that_another_is_given(tmp_path: Path) -> None:
    write(
        tmp_path,
        "seats.csv",
        "contract_id,platform,platform_subtype,quantity,price,valid_from\n"
        "c,cursor,cursor,1,40,2026-01-01\n",
    )
    write(
        tmp_path,
        "seat_assignments.csv",
        "platform,user_email,valid_from\ncursor,ann@x.com,2026-01-01\ncursor,bob@x.com,2026-02-01\n",
    )
    assert len(too_many(tmp_path, People())) == 1
    write(tmp_path, "users.csv", "user_email,end_date\nann@x.com,2026-01-31\nbob@x.com,\n")
    users = read_path(reference_file("users.csv"), tmp_path).rows
    left = fold_people([Snapshot(date(2026, 3, 1), "users.csv", users)])
    assert too_many(tmp_path, left) == []
