"""The files about money: what is refused at which line, and from which day a change matters."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.errors import ReferenceFileError
from ai_usage.reference import check, earliest_change, read_checked, read_text, reference_file
from ai_usage.reference import reference_files as all_files
from ai_usage.reference.column import FIRST_DAY, Row
from ai_usage.reference.reading import MAX_BYTES
from ai_usage_tests.reference.files import refusal

SEATS = "contract_id,platform,platform_subtype,quantity,price,valid_from,valid_to"
OTHER = "cost_id,platform,line_kind,amount,date_from,date_to"
BUDGETS = "scope_type,scope_value,amount,valid_from,valid_to"
RATES = "currency,rate_date,usd_per_unit,source"
INVOICES = "invoice_id,platform,period_from,period_to,line_kind,amount"
RULES = (
    "rule_id,platform,scope_type,scope_value,method,team,user_email,percentage,valid_from,valid_to"
)
PRICES = "platform,model,token_type,usd_per_million,valid_from,valid_to"
ASSIGNED = "platform,user_email,valid_from,valid_to"
MONEY = (
    "allocation_rules.csv",
    "budgets.csv",
    "fx_rates.csv",
    "invoices.csv",
    "model_prices.csv",
    "other_costs.csv",
    "seat_assignments.csv",
    "seats.csv",
)

_SEAT = "c,cursor,cursor,40,40.00,2026-01-01,"
_MANUAL = "r,p,api_key,k,manual,,"


@pytest.mark.parametrize(
    ("name", "header", "lines", "expected"),
    [
        # Seats.
        ("seats.csv", SEATS, ["c,p,p,1,-3,2026-01-01,"], "2: price: '-3' is negative"),
        ("seats.csv", SEATS, ["c,p,p,1,1e3,2026-01-01,"], "2: price: '1e3' is not a number"),
        ("seats.csv", SEATS, ["c,p,p,-1,3,2026-01-01,"], "2: quantity: '-1' is not a whole number"),
        ("seats.csv", SEATS, ["c,p,p,2000000,3,2026-01-01,"], "2: quantity: 2000000 is too large"),
        (
            "seats.csv",
            SEATS,
            ["c,p,p,1,3,01.02.2026,"],
            "2: valid_from: '01.02.2026' is not a date",
        ),
        ("seats.csv", SEATS, ["c,p,p,1,3,,"], "2: valid_from: is empty"),
        (
            "seats.csv",
            SEATS,
            ["=SUM(A1),p,p,1,3,2026-01-01,"],
            "2: contract_id: '=SUM(A1)' is a formula, not its value",
        ),
        ("seats.csv", SEATS, ["c,p,p,1,3,2026-02-01,2026-01-01"], "2: valid_to: 2026-01-01 lies"),
        (
            "seats.csv",
            SEATS,
            [_SEAT + "2026-06-30", "d" + _SEAT[1:], "c,cursor,cursor,50,40.00,2026-06-30,"],
            "4: valid_from: the contract's days overlap those of line 2",
        ),
        (
            "seats.csv",
            SEATS,
            [_SEAT + "2026-06-30", "c,cursor,other,50,40.00,2026-07-01,"],
            "3: platform_subtype: is other, and cursor in line 2 of the same contract",
        ),
        (
            "seats.csv",
            SEATS + ",currency",
            ["c,p,p,1,3,2026-01-01,,DOGE"],
            "2: currency: 'DOGE' is no currency in circulation",
        ),
        (
            "seats.csv",
            SEATS + ",billing_day",
            ["c,p,p,1,3,2026-01-01,,32"],
            "2: billing_day: 32 is too large; write 31 or less",
        ),
        (
            "seats.csv",
            SEATS + ",pricing",
            ["c,p,p,1,3,2026-01-01,,weekly"],
            "2: pricing: 'weekly' is not known; one of daily, full_month",
        ),
        # Assignments.
        (
            "seat_assignments.csv",
            ASSIGNED,
            ["p,a@x.com,2026-01-01,", "p,b@x.com,,", "p,A@x.com,2026-05-01,"],
            "4: valid_from: the person's days on the seat overlap those of line 2",
        ),
        ("seat_assignments.csv", ASSIGNED, ["p,ada,,"], "2: user_email: 'ada' is not an e-mail"),
        # Other costs.
        (
            "other_costs.csv",
            OTHER,
            ["c,p,tax,-1,2026-01-01,"],
            "2: amount: -1 is negative; only a credit is",
        ),
        (
            "other_costs.csv",
            OTHER,
            ["c,p,credit,1,2026-01-01,"],
            "2: amount: 1 is a credit above 0; write it with a minus",
        ),
        (
            "other_costs.csv",
            OTHER,
            ["c,p,tax,1,2026-01-02,2026-01-01"],
            "2: date_to: 2026-01-01 lies before date_from 2026-01-02",
        ),
        (
            "other_costs.csv",
            OTHER,
            ["c,p,tax,1,2026-01-01,", "c,p,tax,2,2026-01-01,"],
            "3: cost_id: c stands in line 2 too",
        ),
        (
            "other_costs.csv",
            OTHER,
            ["c,p,gift,1,2026-01-01,"],
            "2: line_kind: 'gift' is not known; one of one_time, tax, credit, commitment",
        ),
        (
            "other_costs.csv",
            OTHER,
            ["c,p,credit,-1+2,2026-01-01,"],
            "2: amount: '-1+2' is not a number",
        ),
        # Budgets.
        (
            "budgets.csv",
            BUDGETS,
            ["team,Search,1,2026-01-02,"],
            "2: valid_from: 2026-01-02 is not the first day of a month",
        ),
        (
            "budgets.csv",
            BUDGETS,
            ["team,Search,1,2026-01-01,2026-02-27"],
            "2: valid_to: 2026-02-27 is not the last day of a month",
        ),
        (
            "budgets.csv",
            BUDGETS,
            ["person,Ada,1,2026-01-01,"],
            "2: scope_value: 'Ada' is not an e-mail address",
        ),
        (
            "budgets.csv",
            BUDGETS,
            ["team,S,1,2026-01-01,", "cost_center,S,1,2026-01-01,", "team,S,2,2026-03-01,"],
            "4: valid_from: the budget's months overlap those of line 2",
        ),
        # Rates.
        ("fx_rates.csv", RATES, ["USD,2026-01-01,1,me"], "2: currency: USD is what amounts are"),
        ("fx_rates.csv", RATES, ["EUR,2026-01-01,0,me"], "2: usd_per_unit: 0 is no rate"),
        ("fx_rates.csv", RATES, ["EUR,2026-01-01,-1,me"], "2: usd_per_unit: '-1' is negative"),
        (
            "fx_rates.csv",
            RATES,
            ["EUR,2026-01-01,1.1,ECB", "eur,2026-01-01,1.2,ECB"],
            "3: rate_date: EUR of 2026-01-01 stands in line 2 too",
        ),
        # Invoices.
        (
            "invoices.csv",
            INVOICES,
            ["i,p,2026-01-01,2026-01-31,credit,5"],
            "2: amount: 5 is a credit above 0",
        ),
        (
            "invoices.csv",
            INVOICES,
            [
                "i1,p,2026-01-01,2026-01-31,usage,5",
                "i1,p,2026-01-01,2026-01-31,seat,5",
                "i2,p,2026-01-31,2026-02-28,tax,5",
                "i2,p,2026-01-31,2026-02-28,seat,5",
            ],
            "5: period_from: the period overlaps that of line 3, and is not the same; write",
        ),
        (
            "invoices.csv",
            INVOICES + ",currency",
            ["i,p,2026-01-01,2026-01-31,usage,5,USD", "i,p,2026-01-01,2026-01-31,tax,5,EUR"],
            "3: currency: differs from line 2 of the same invoice",
        ),
        # Rules.
        (
            "allocation_rules.csv",
            RULES,
            [_MANUAL + "a@x.com,60,,", _MANUAL + "b@x.com,39.999999,,"],
            "3: percentage: the percentages of r sum to 99.999999 in 2 lines, not to 100",
        ),
        (
            "allocation_rules.csv",
            RULES,
            [
                _MANUAL + "a@x.com,100,2026-01-01,2026-01-31",
                _MANUAL + "a@x.com,60,2026-02-01,",
            ],
            "3: percentage: the percentages of r sum to 60 in 1 lines, not to 100",
        ),
        (
            "allocation_rules.csv",
            RULES,
            [_MANUAL + "a@x.com,100.1,,"],
            "2: percentage: 100.1 is more than 100",
        ),
        (
            "allocation_rules.csv",
            RULES,
            [_MANUAL + "a@x.com,33.3333333,,"],
            "2: percentage: 33.3333333 is too fine",
        ),
        (
            "allocation_rules.csv",
            RULES,
            [_MANUAL + "a@x.com,50,,", _MANUAL + "a@x.com,50,,"],
            "3: user_email: a@x.com stands in line 2 too for the same days",
        ),
        (
            "allocation_rules.csv",
            RULES,
            [_MANUAL + ",,,"],
            "2: percentage: is empty; manual needs it",
        ),
        (
            "allocation_rules.csv",
            RULES,
            ["r,p,workspace,w,equal_split,,,,,"],
            "2: team: is empty; equal_split needs it",
        ),
        (
            "allocation_rules.csv",
            RULES,
            ["r,p,workspace,w,equal_split,Search,a@x.com,,,"],
            "2: user_email: is filled; equal_split has none",
        ),
        (
            "allocation_rules.csv",
            RULES,
            ["r,p,platform,x,usage_based,,,,,"],
            "2: scope_value: is filled; a rule of a whole platform has none",
        ),
        (
            "allocation_rules.csv",
            RULES,
            ["r,p,workspace,,usage_based,,,,,"],
            "2: scope_value: is empty; write its id; default is the default workspace",
        ),
        (
            "allocation_rules.csv",
            RULES,
            [
                "r,p,workspace,w,usage_based,,,,,2026-03-31",
                "s,p,workspace,w,usage_based,,,,2026-03-31,",
            ],
            "3: valid_from: the days overlap those of the rule in line 2",
        ),
        (
            "allocation_rules.csv",
            RULES,
            ["r,p,workspace,w,usage_based,,,,,", "r,p,workspace,v,usage_based,,,,,"],
            "3: rule_id: r is about something else in line 2",
        ),
        # Prices.
        (
            "model_prices.csv",
            PRICES,
            ["p,m,output_tokens,15,,", "p,m,output_tokens,12,2026-01-01,"],
            "3: valid_from: the price's days overlap those of line 2",
        ),
        ("model_prices.csv", PRICES, ["p,m,output,15,,"], "2: token_type: 'output' is not known"),
        ("model_prices.csv", PRICES, ["p,m,output_tokens,-1,,"], "2: usd_per_million: '-1' is neg"),
    ],
)
def test_what_cannot_be_accepted_is_refused_with_its_line(
    name: str, header: str, lines: list[str], expected: str
) -> None:
    said = str(refusal(reference_file(name), "\n".join([header, *lines]) + "\n"))
    assert said.startswith(f"{name}:{expected}")
    assert "\n" not in said


@pytest.mark.parametrize("name", MONEY)
def test_a_file_of_100_mb_is_refused_unread(name: str, tmp_path: Path) -> None:
    with (tmp_path / name).open("wb") as out:
        out.truncate(100_000_000)
    with pytest.raises(ReferenceFileError, match=rf"{name}:1: holds 100\.0 MB, more than 20 MB"):
        read_checked(reference_file(name), tmp_path)
    assert MAX_BYTES == 20_000_000


def test_what_follows_each_other_or_differs_in_scope_is_accepted() -> None:
    def rows(name: str, *lines: str) -> int:
        return len(read_text(reference_file(name), "\n".join(lines) + "\n").rows)

    assert rows("seats.csv", SEATS, _SEAT + "2026-06-30", "c,cursor,cursor,9,1,2026-07-01,") == 2
    manual = [_MANUAL + "a@x.com,62.5,,", _MANUAL + "b@x.com,37.5,,"]
    later = "s,p,api_key,k2,manual,,a@x.com,100,,"
    assert rows("allocation_rules.csv", RULES, *manual, later) == 3
    account = INVOICES + ",billing_account_id"
    assert (
        rows(
            "invoices.csv",
            account,
            "i,p,2026-01-01,2026-01-31,usage,5,",
            "j,p,2026-01-01,2026-01-31,seat,5,team",
            # Of one account and cycle: the seats apart, and a correction. Seats a year ahead.
            "j2,p,2026-01-01,2026-01-31,seat,5,",
            "j3,p,2026-01-01,2026-01-31,usage,-1,",
            "j4,q,2026-01-01,2026-12-31,seat,5,",
            "j5,q,2026-02-01,2026-02-28,usage,5,",
            "k,p,2026-01-15,2026-01-15,tax,5,",
            "l,p,2026-02-01,2026-02-28,usage,-5,",
        )
        == 8
    )
    amounts = read_text(
        reference_file("other_costs.csv"), f"{OTHER}\nc,p,credit,-1.5,2026-01-01,\n"
    )
    assert amounts.rows[0]["amount"] == Decimal("-1.5")


def _written(folder: Path, **files: str) -> Path:
    for stem, text in files.items():
        (folder / f"{stem}.csv").write_text(text)
    return folder


def _problems(folder: Path, name: str) -> list[str]:
    found = {checked.name: checked for checked in check(all_files(), folder)}
    assert found[name].problems == _accepted(folder, name)
    return found[name].problems


def _accepted(folder: Path, name: str) -> list[str]:
    try:
        read_checked(reference_file(name), folder)
    except ReferenceFileError as error:
        return error.lines()  # type: ignore[attr-defined, no-any-return]
    return []


@pytest.mark.parametrize(
    ("stem", "text", "where"),
    [
        ("seat_assignments", f"{ASSIGNED}\nq,ada@x.com,,\nq,bob@x.com,,\n", ":3: user_email"),
        (
            "other_costs",
            f"{OTHER},user_email\nc,q,tax,1,2026-01-01,,a@x.com\nd,q,tax,1,2026-01-01,,bob@x.com\n",
            ":3: user_email",
        ),
        (
            "budgets",
            f"{BUDGETS}\nteam,bob@x.com,1,2026-01-01,\nperson,bob@x.com,1,2026-01-01,\n",
            ":3: scope_value",
        ),
        (
            "allocation_rules",
            f"{RULES}\n{_MANUAL}ada@x.com,50,,\n{_MANUAL}bob@x.com,50,,\n",
            ":3: user_email",
        ),
    ],
)
def test_an_unknown_person_is_refused_where_users_are_listed(
    stem: str, text: str, where: str, tmp_path: Path
) -> None:
    _written(tmp_path, seats=f"{SEATS}\nc,q,q,1,1,2026-01-01,\n", **{stem: text})
    assert _problems(tmp_path, f"{stem}.csv") == []
    _written(tmp_path, users="user_email,aliases\nada@x.com,a@x.com\n")
    (problem,) = _problems(tmp_path, f"{stem}.csv")
    assert problem.startswith(f"{stem}.csv{where}: bob@x.com is nobody in users.csv; fix")
    # While users.csv itself is refused, that is what has to be fixed.
    _written(tmp_path, users="user_email\nada\n")
    assert _problems(tmp_path, f"{stem}.csv") == []


def test_people_of_a_directory_are_known_too_whatever_users_csv_lists(tmp_path: Path) -> None:
    """SCIM or a vendor's list is the directory, users.csv partial or absent."""
    lines = "\n".join(f"person,{who}@x.com,1,2026-01-01," for who in ("ada", "bob", "eve"))
    _written(tmp_path, budgets=f"{BUDGETS}\n{lines}\n")
    budgets = reference_file("budgets.csv")
    listed: list[Row] = [{"user_email": "bob@x.com", "aliases": ("b@x.com",)}]

    def refused(people: list[Row] | None) -> list[str]:
        try:
            read_checked(budgets, tmp_path, people)
        except ReferenceFileError as error:
            return [line.partition(";")[0] for line in error.lines()]  # type: ignore[attr-defined]
        return []

    assert refused([]) == []
    assert refused(listed) == [
        "budgets.csv:2: scope_value: ada@x.com is nobody in users.csv or a directory",
        "budgets.csv:4: scope_value: eve@x.com is nobody in users.csv or a directory",
    ]
    _written(tmp_path, users="user_email,aliases\nada@x.com,a@x.com\n")
    assert refused(listed) == [
        "budgets.csv:4: scope_value: eve@x.com is nobody in users.csv or a directory"
    ]
    assert refused(None) == [], "a directory that was never read may know them"


def test_an_equal_split_over_a_team_that_nobody_is_in_is_refused(tmp_path: Path) -> None:
    """It would fall back to usage, and nobody would be told."""
    rule = "r,p,workspace,w,equal_split,{},,,,"
    _written(tmp_path, allocation_rules=f"{RULES}\n{rule.format('Serach')}\n")
    assert _problems(tmp_path, "allocation_rules.csv") == [], "no team is known at all"
    _written(tmp_path, users="user_email,team\nada@x.com,Search\n")
    assert _problems(tmp_path, "allocation_rules.csv") == [
        "allocation_rules.csv:2: team: nobody is in the team 'Serach'; did you mean Search?"
    ]
    listed: list[Row] = [{"user_email": "bob@x.com", "aliases": (), "team": "Serach"}]
    read_checked(reference_file("allocation_rules.csv"), tmp_path, listed)
    _written(tmp_path, allocation_rules=f"{RULES}\n{rule.format('Search')}\n")
    assert _problems(tmp_path, "allocation_rules.csv") == []


@pytest.mark.parametrize(
    ("stem", "text", "day"),
    [
        ("seats", f"{SEATS},currency,billing_day\nc,q,q,1,1,2026-03-10,,EUR,15\n", "2026-02-15"),
        ("other_costs", f"{OTHER},currency\nc,q,tax,1,2026-03-10,,EUR\n", "2026-03-10"),
        ("budgets", f"{BUDGETS},currency\nteam,S,1,2026-03-01,,EUR\n", "2026-03-01"),
        ("invoices", f"{INVOICES},currency\ni,q,2026-03-01,2026-03-31,tax,1,EUR\n", "2026-03-01"),
    ],
)
def test_a_currency_without_a_rate_names_the_first_day_that_needs_one(
    stem: str, text: str, day: str, tmp_path: Path
) -> None:
    _written(tmp_path, **{stem: text})
    expected = (
        f"{stem}.csv:2: currency: fx_rates.csv has no rate of EUR on or before {day}; "
        "add one to fx_rates.csv"
    )
    assert _problems(tmp_path, f"{stem}.csv") == [expected]
    _written(tmp_path, fx_rates=f"{RATES}\nGBP,2026-01-01,1.2,BoE\nEUR,2026-12-01,1.2,ECB\n")
    assert _problems(tmp_path, f"{stem}.csv") == [expected]
    _written(tmp_path, fx_rates=f"{RATES}\nEUR,{day},1.2,ECB\n")
    assert _problems(tmp_path, f"{stem}.csv") == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("q,ada@x.com,,,", "platform: seats.csv has no contract of q"),
        ("p,ada@x.com,,,d", "contract_id: seats.csv has no contract d of p; one of c"),
        ("p,ada@x.com,,,c", None),
        ("p,ada@x.com,,,", None),
    ],
)
def test_an_assignment_needs_its_contract(line: str, expected: str | None, tmp_path: Path) -> None:
    _written(
        tmp_path,
        seats=f"{SEATS}\nc,p,p,1,1,2026-01-01,\n",
        seat_assignments=f"{ASSIGNED},contract_id\n{line}\n",
    )
    found = _problems(tmp_path, "seat_assignments.csv")
    assert [expected in problem for problem in found] == ([True] if expected else [])  # type: ignore[operator]


OBSERVED = date(2026, 12, 1)


def _change(name: str, before: str, after: str) -> date | None:
    file = reference_file(name)

    def rows(text: str) -> list[Row]:
        return read_text(file, text).rows

    return earliest_change(file, rows(before), rows(after), OBSERVED)


def _seats(*lines: str) -> str:
    return "\n".join([SEATS, *lines]) + "\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # A line cut in two says the same as before.
        (
            ["c,p,p,1,9,2026-01-01,"],
            ["c,p,p,1,9,2026-01-01,2026-03-31", "c,p,p,1,9,2026-04-01,"],
            None,
        ),
        # More seats from a day on.
        (
            ["c,p,p,1,9,2026-01-01,"],
            ["c,p,p,1,9,2026-01-01,2026-03-31", "c,p,p,2,9,2026-04-01,"],
            date(2026, 4, 1),
        ),
        # An end that moves: the first day that only one state holds.
        (
            ["c,p,p,1,9,2026-01-01,2026-03-31"],
            ["c,p,p,1,9,2026-01-01,2026-03-09"],
            date(2026, 3, 10),
        ),
        (["c,p,p,1,9,2026-01-01,"], ["c,p,p,1,9,2026-01-01,2026-03-31"], date(2026, 4, 1)),
        # A start that moves.
        (["c,p,p,1,9,2026-01-10,"], ["c,p,p,1,9,2026-01-05,"], date(2026, 1, 5)),
        # A price: from the first day of its line; a line that is new, or gone.
        (["c,p,p,1,9,2026-01-10,"], ["c,p,p,1,8,2026-01-10,"], date(2026, 1, 10)),
        ([], ["c,p,p,1,9,2026-01-10,"], date(2026, 1, 10)),
        (
            ["c,p,p,1,9,2026-01-10,", "d,p,p,1,9,2026-01-02,"],
            ["c,p,p,1,9,2026-01-10,"],
            date(2026, 1, 2),
        ),
    ],
)
def test_a_change_of_seats_matters_from_the_first_day_that_differs(
    before: list[str], after: list[str], expected: date | None
) -> None:
    assert _change("seats.csv", _seats(*before), _seats(*after)) == expected
    assert _change("seats.csv", _seats(*after), _seats(*before)) == expected


def test_a_change_of_open_lines_matters_since_ever() -> None:
    rule = "r,p,workspace,w,usage_based,,,,,"
    assert _change("allocation_rules.csv", f"{RULES}\n", f"{RULES}\n{rule}\n") == FIRST_DAY
    ended = rule + "2026-05-31"
    assert _change("allocation_rules.csv", f"{RULES}\n{rule}\n", f"{RULES}\n{ended}\n") == date(
        2026, 6, 1
    )


def test_a_spread_cost_a_rate_and_an_invoice_matter_from_their_first_day() -> None:
    cost = "c,p,tax,9,2026-01-10,"
    assert _change(
        "other_costs.csv", f"{OTHER}\n{cost}2026-01-31\n", f"{OTHER}\n{cost}2026-02-28\n"
    ) == date(2026, 1, 10)
    january, february = "EUR,2026-01-01,1.1,ECB\n", "EUR,2026-02-01,1.2,ECB\n"
    assert _change("fx_rates.csv", f"{RATES}\n{january}", f"{RATES}\n{january}{february}") == date(
        2026, 2, 1
    )
    invoice = "i,p,2026-01-15,2026-02-14,usage,"
    assert _change(
        "invoices.csv", f"{INVOICES}\n{invoice}5\n", f"{INVOICES}\n{invoice}6\n"
    ) == date(2026, 1, 15)
