"""A finance lead's month at the prompt, of a company of a few dollars worked out by hand.

Ada (CC1) spends 1 dollar on 1 February, 4 on the 10th and 10 on the 25th; nobody known spends 3.50
on the 12th; a charge of 3 March cannot be read. Cursor bills 8.50 for February and tax of 0.85, and
two seats at 28 dollars a month, one of them nobody's, by another invoice.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from ai_usage_tests.ledger.small import ADA, NOBODY, UNREADABLE, Small

pytestmark = pytest.mark.slow

NONE, MINUS = "–", "−"  # noqa: RUF001


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    small = Small(tmp_path_factory.mktemp("money"), today=date(2026, 3, 5))
    small.file("users.csv", "user_email,full_name,team,cost_center", f"{ADA},Ada Byron,Core,CC1")
    small.file(
        "invoices.csv",
        "invoice_id,platform,period_from,period_to,line_kind,amount",
        "I-1,cursor,2026-02-01,2026-02-28,usage,8.50",
        "I-1,cursor,2026-02-01,2026-02-28,tax,0.85",
        "S-1,cursor,2026-02-01,2026-02-28,seat,56",
    )
    small.file(
        "seats.csv",
        "contract_id,platform,platform_subtype,quantity,price,valid_from,pricing",
        "C-1,cursor,cursor,2,28,2026-02-01,full_month",
    )
    small.file("seat_assignments.csv", "platform,user_email", f"cursor,{ADA}")
    small.load(
        {
            date(2026, 2, 1): {ADA: "1"},
            date(2026, 2, 10): {ADA: "4"},
            date(2026, 2, 12): {NOBODY: "3.50"},
            date(2026, 2, 25): {ADA: "10"},
            date(2026, 3, 3): {ADA: UNREADABLE},
        }
    )
    return small


def test_spend_is_in_cents_and_sums_to_the_month(small: Small) -> None:
    """Usage 15 and 3.50; seats: Ada's 28, nobody's 28."""
    out = small.done("spend", "2026-02")
    lines = [line.split() for line in out.splitlines()]
    assert ["Unassigned,", "Core", "43.00", "43.00", NONE] in lines
    assert ["Shared", "28.00", "28.00", NONE] in lines
    assert ["Unattributed", "3.50", "3.50", NONE] in lines
    assert ["Total", "74.50", "74.50", NONE] in lines


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("cost-center", {"CC1": "43.00", "Unassigned": "31.50"}),
        ("person", {"Ada Byron": "43.00", "Shared": "28.00", "Unattributed": "3.50"}),
        ("project", {"No project": "74.50"}),
    ],
)
def test_spend_by_other_things_has_the_same_dollars(
    small: Small, by: str, expected: dict[str, str]
) -> None:
    done = small.call("spend", "2026-02", "--by", by, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    name = {"cost-center": "cost_center", "person": "full_name", "project": "project_code"}[by]
    assert {row[name]: row["total_cost_usd"] for row in rows} == expected
    assert {row["month"] for row in rows} == {"2026-02-01"}


def test_a_month_without_cost_is_one_line(small: Small) -> None:
    assert small.call("spend", "2020-01").error.startswith("no cost is known of 2020-01")
    assert small.call("chargeback", "2020-01").error.startswith("the facts have no cost of 2020-01")


def test_a_months_chargeback_sums_to_its_facts_and_names_what_nobody_bears(small: Small) -> None:
    done = small.call("chargeback", "2026-02", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    told = [(r["line"], r["cost_center"], r["cost"], r["invoice_id"], r["amount"]) for r in rows]
    assert told == [
        ("cost centre", "CC1", "seat", "S-1", "28.00"),
        ("cost centre", "CC1", "usage", "I-1", "15.00"),
        ("unborne", "Shared", "seat", "S-1", "28.00"),
        ("unborne", "Unattributed", "usage", "I-1", "3.50"),
    ]
    assert "2026-02: $74.50 in 4 lines" in done.err
    assert "Of that $31.50 no cost centre bears" in done.err
    assert "2026-02 is not closed" in done.err


def test_uninvoiced_dollars_are_lines_of_their_own(small: Small) -> None:
    """March: seats of the days 1 to 5 that the facts hold, and no invoice."""
    done = small.call("chargeback", "2026-03", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["line"] for row in rows} == {"uninvoiced", "unborne"}
    assert {row["invoice_id"] for row in rows} == {""}
    assert "no invoice covers" in done.err


def test_what_a_sum_leaves_out_or_may_lose_is_said_beside_it(small: Small) -> None:
    """A charge of 3 March cannot be read; the seats of today may still change hands."""
    for command in (["spend", "2026-03"], ["chargeback", "2026-03"]):
        out = small.done(*command)
        assert "Not in it: 1 record whose amount is not known" in out
        assert "In it, and the vendor may still change it: $" in out
    assert "Not in it" not in small.done("spend", "2026-02")


def test_an_invoices_chargeback_sums_to_the_invoice(small: Small, tmp_path: Path) -> None:
    """18.50 in the facts, 8.50 billed: 10.00 is uninvoiced; tax is borne by nobody."""
    path = tmp_path / "charge.xlsx"
    out = small.done("chargeback", "--invoice", "I-1", "--to", str(path))
    page = openpyxl.load_workbook(path).active
    read = list(page.iter_rows(values_only=True))
    at = {name: n for n, name in enumerate(read[0])}
    told = [(row[at["line"]], row[at["cost_center"]], row[at["amount"]]) for row in read[1:]]
    assert told == [
        ("cost centre", "CC1", 15),
        ("unborne", "Unattributed", 3.5),
        ("uninvoiced", "not billed", -10),
        ("unborne", "not in the facts", 0.85),
    ]
    assert "invoice I-1: $9.35 in 4 lines" in out
    assert "The facts have $10.00 that it does not bill" in out


def test_an_invoice_is_set_beside_the_facts_and_explained_to_the_line(small: Small) -> None:
    out = small.done("invoice", "I-1", "--explain")
    assert "Invoice I-1 of cursor, 2026-02-01..2026-02-28" in out
    assert "With it S-1 bill the same cycle" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["usage", "$8.50", "$18.50", f"{MINUS}$10.00"] in lines
    assert ["seats", "$56.00", "$56.00", "$0.00"] in lines
    assert ["other", "$0.85", "$0.00", "+$0.85"] in lines
    assert f"Disputed: usage and seats part by {MINUS}$10.00" in out
    assert "Usage part on 2026-02-25: the invoice lacks just that day's cost" in out
    (told,) = [line for line in lines if "overage" in line]
    assert told[:3] == ["$10.00", "overage", "m1"]
    assert "$3.50 of it could be given to nobody" in out
    assert "`ai-usage invoice I-1 --explain`" in small.done("invoice", "I-1")


def test_all_invoices_are_listed_with_what_they_part_by(small: Small) -> None:
    rows = json.loads(small.done("invoice", "--format", "json"))
    (row,) = rows
    assert (row["invoice_ids"], row["status"]) == ("I-1, S-1", "disputed")
    assert (Decimal(str(row["billed"])), Decimal(str(row["difference"]))) == (
        Decimal("65.35"),
        Decimal(-10),
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["invoice", "I-9"], "invoices.csv has no invoice I-9; `ai-usage invoice` lists"),
        (["chargeback", "--invoice", "I-1", "--platform", "x"], "has no invoice I-1 of x"),
        (["chargeback", "2026-03", "--invoice", "I-1"], "nothing of 2026-03: leave the month out"),
        (["chargeback"], "say which month, YYYY-MM, or which invoice"),
        (["chargeback", "2026-02", "--to", "x.xlsx", "--format", "csv"], "leave --format"),
        (["invoice", "--explain"], "are about one invoice: name it"),
        (["invoice", "I-1", "--format", "csv"], "told in words"),
    ],
)
def test_a_wrong_question_is_one_line_with_the_remedy(
    small: Small, arguments: list[str], says: str
) -> None:
    assert says in small.call(*arguments).error


def test_seats_are_told_in_money_with_the_next_day_that_saves_any(small: Small) -> None:
    """One seat is nobody's, Ada never used hers; no month is charged in part: April saves first."""
    out = small.done("seats")
    lines = [line.split() for line in out.splitlines()]
    assert ["nobody", "Cursor", "unassigned", "32", "$28.00", "2026-04-01"] in lines
    assert ["Ada", "Byron", "Cursor", "never", "used", "32", "$28.00", "2026-04-01"] in lines
    assert "2 seats of 2 cost $56.00 a month that nobody needs, of $56.00 in all" in out
    assert "The next day that saves any is 2026-04-01: 2 seats, $56.00 a month" in out
    every = small.call("seats", "--all", "--format", "csv")
    assert len(list(csv.DictReader(io.StringIO(every.out)))) == 2
    assert every.out.count(",28.00,") == 2


def test_an_empty_warehouse_is_one_line(tmp_path: Path) -> None:
    empty = Small(tmp_path)
    for command in (["spend"], ["chargeback", "2026-02"], ["invoice"], ["seats"]):
        assert "nothing is built yet" in empty.call(*command).error
