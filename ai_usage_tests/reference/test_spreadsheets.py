"""Files that people keep in spreadsheets: conventions, comments, and what is left of values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.reference import ReferenceFile, read_bytes, read_text, reference_file
from ai_usage_tests.reference.files import refusal

USERS = reference_file("users.csv")
KEYS = reference_file("api_keys.csv")
INVOICES = reference_file("invoices.csv")
BUDGETS = reference_file("budgets.csv")
RATES = reference_file("fx_rates.csv")
PRICES = reference_file("model_prices.csv")
SEATS = reference_file("seats.csv")
OTHER = reference_file("other_costs.csv")

INVOICE = "invoice_id,platform,period_from,period_to,line_kind,amount"
BUDGET = "scope_type,scope_value,amount,valid_from"
RATE = "currency,rate_date,usd_per_unit,source"
PRICE = "platform,model,token_type,usd_per_million"


def invoice(number: str, amount: str = "500.00", separator: str = ",") -> str:
    cells = [number, "cursor", "2026-09-01", "2026-09-30", "usage", amount]
    return separator.join(cells)


def lines(*given_: str) -> str:
    return "\n".join(given_) + "\n"


def semicolons(text: str) -> str:
    return text.replace(",", ";")


# --- What a comment is -------------------------------------------------------------------------


def test_an_id_that_begins_with_the_mark_of_a_comment_is_an_id() -> None:
    reading = read_text(INVOICES, lines(INVOICE, invoice("#1001"), invoice("#1002", "700.00")))
    assert [(row["invoice_id"], row["amount"]) for row in reading.rows] == [
        ("#1001", Decimal("500.00")),
        ("#1002", Decimal("700.00")),
    ]
    assert [warning.text("invoices.csv") for warning in reading.warnings] == [
        "invoices.csv:2: invoice_id: '#1001' counts as a line (and 1 more); a comment stands "
        "in a single cell"
    ]


@pytest.mark.parametrize(
    "comment",
    ["# ours", "#ours", "# ours,,,,,", "#ours,,,", '"# ours, and theirs",,,,,', '"# a ""b"" c"'],
)
def test_a_comment_below_the_header_is_a_single_cell(comment: str) -> None:
    rows = read_text(INVOICES, lines(INVOICE, comment, invoice("INV-1"), comment)).rows
    assert [row["invoice_id"] for row in rows] == ["INV-1"]


@pytest.mark.parametrize(
    "comments",
    [
        ["# a, b, c", '# an open " quote'],
        ["#a,,,,,", '"# a, b",,,,,,,,'],
        ['"# a,', 'b",,'],
        ["", "# a;b", ",,,,"],
    ],
)
def test_above_the_header_every_line_with_the_mark_is_a_comment(comments: list[str]) -> None:
    """Also as a spreadsheet saves it: split at its separators, quoted and padded."""
    rows = read_text(INVOICES, lines(*comments, INVOICE, invoice("INV-1"))).rows
    assert [row["invoice_id"] for row in rows] == ["INV-1"]


def test_a_line_that_could_be_either_is_refused() -> None:
    assert refusal(INVOICES, lines(INVOICE, invoice("# INV-1"))).lines() == [
        "invoices.csv:2: invoice_id: '# INV-1' and 5 more cells may be a comment, or data; write "
        "#1001 for an id; put a comment above the header or in one cell"
    ]
    assert refusal(USERS, lines("user_email,team", "#ann@acme.test,Core")).lines() == [
        "users.csv:2: user_email: '#ann@acme.test' and 1 more cell may be a comment, or data; take "
        "the # off data; put a comment above the header or in one cell"
    ]


def test_a_line_that_cannot_be_data_is_a_comment() -> None:
    """No platform and no address begins with `# `: so people and `keys gaps` comment lines out."""
    text = lines("platform,api_key_id,user_email", '# anthropic,"apikey_1,ann@acme.test')
    assert read_text(KEYS, text).rows == []
    text = lines("user_email,team", "# left, see HR", "ann@acme.test,Core")
    assert [row["user_email"] for row in read_text(USERS, text).rows] == ["ann@acme.test"]


# --- Two conventions ---------------------------------------------------------------------------


def test_semicolons_and_decimal_commas_are_read() -> None:
    header = "invoice_id;platform;billing_account_id;period_from;period_to;line_kind;amount"
    text = lines(header, "INV-1;cursor;;2026-09-01;2026-09-30;usage;1234,56;")
    body = b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
    (row,) = read_bytes(INVOICES, body.replace(b"amount\r", b"amount;\r")).rows
    assert row["amount"] == Decimal("1234.56")
    assert row["billing_account_id"] is None


@pytest.mark.parametrize(
    ("first", "separator"),
    [("sep=,", ","), ("sep=;", ";"), ("SEP=;", ";"), ('"sep=,",,,,', ","), ("sep=;;;;", ";")],
)
def test_a_line_that_announces_the_separator_is_read_as_such(first: str, separator: str) -> None:
    header = INVOICE.replace(",", separator)
    amount = "1234.56" if separator == "," else "1234,56"
    text = lines(first, "# ours", header, invoice("INV-1", amount, separator))
    (row,) = read_bytes(INVOICES, b"\xef\xbb\xbf" + text.encode()).rows
    assert row["amount"] == Decimal("1234.56")
    wrong = lines(first, "# ours", header, invoice("INV-1", "x", separator))
    assert str(refusal(INVOICES, wrong)).startswith("invoices.csv:4: amount: 'x' is not a number")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sep=|\na|b\n", "invoices.csv:1: sep=| announces a separator that is neither , nor ;; sa"),
        (
            f"sep=;\n{INVOICE}\n",
            "invoices.csv:1: sep=; is not so: columns are separated by ','; de",
        ),
        (INVOICE.replace(",", "\t"), "invoices.csv:1: columns are separated by '\\t', not by comm"),
    ],
)
def test_another_separator_is_refused(text: str, said: str) -> None:
    assert str(refusal(INVOICES, text)).startswith(said)


def test_a_quoted_list_and_a_quoted_comma_keep_what_they_hold() -> None:
    text = lines("user_email;approved_platforms;team", 'a@x.com;"cursor;anthropic";"Search, one"')
    (row,) = read_text(USERS, text).rows
    assert row["approved_platforms"] == ("cursor", "anthropic")
    assert row["team"] == "Search, one"


def test_a_spreadsheets_own_words_for_true_and_false_are_read() -> None:
    text = lines("user_email;is_active", "a@x.com;WAHR", "b@x.com;FALSCH", "c@x.com;FAUX")
    assert [row["is_active"] for row in read_text(USERS, text).rows] == [True, False, False]


@pytest.mark.parametrize(
    ("amount", "many", "few"),
    [
        ("1.000", "1000", "1.00"),
        ("2.861", "2861", "2.8610"),
        ("14.200", "14200", "14.20"),
        ("100.250", "100250", "100.25"),
    ],
)
def test_an_amount_that_may_be_a_thousand_times_as_much_is_refused(
    amount: str, many: str, few: str
) -> None:
    files: Sequence[tuple[ReferenceFile, str, str, str]] = [
        (BUDGETS, BUDGET, f"team,Core,{amount},2026-09-01", "amount"),
        (INVOICES, INVOICE, invoice("I-1", amount), "amount"),
        (INVOICES, INVOICE, invoice("I-1", f"-{amount}"), "amount"),
        (
            SEATS,
            "contract_id,platform,platform_subtype,quantity,price,valid_from",
            f"c,cursor,cursor,4,{amount},2026-09-01",
            "price",
        ),
        (
            OTHER,
            "cost_id,platform,line_kind,amount,date_from",
            f"c,p,tax,{amount},2026-09-01",
            "amount",
        ),
        (USERS, "user_email,ai_budget_monthly_usd", f"a@x.com,{amount}", "ai_budget_monthly_usd"),
    ]
    for file, header, line, column in files:
        sign = "-" if f"-{amount}" in line else ""
        (said,) = refusal(file, lines(header, line)).lines()
        assert said == (
            f"{file.name}:2: {column}: '{sign}{amount}' is {sign}{many} to some and {sign}{few} to "
            f"others; write {sign}{many} or {sign}{few}; in a spreadsheet, format the column as a "
            "number with two places and no thousands separator"
        )
        # The remedies work.
        assert read_text(file, lines(header, line.replace(amount, many))).rows
        assert read_text(file, lines(header, line.replace(amount, few))).rows


@pytest.mark.parametrize("amount", ["0.125", "1234.567", "0.1234", "12.3456", "1000", "0.000"])
def test_an_amount_that_only_one_convention_can_mean_is_taken(amount: str) -> None:
    (row,) = read_text(INVOICES, lines(INVOICE, invoice("I-1", amount))).rows
    assert row["amount"] == Decimal(amount)


def test_prices_and_rates_have_three_places() -> None:
    (rate,) = read_text(RATES, lines(RATE, "EUR,2026-01-01,1.085,ECB")).rows
    assert rate["usd_per_unit"] == Decimal("1.085")
    (rate,) = read_text(
        RATES, semicolons(lines(RATE, "EUR,2026-01-01,1 085,ECB")).replace(" ", ",")
    ).rows
    assert rate["usd_per_unit"] == Decimal("1.085")
    (price,) = read_text(PRICES, lines(PRICE, "p,m,output_tokens,3.125")).rows
    assert price["usd_per_million"] == Decimal("3.125")
    header = "rule_id,platform,scope_type,scope_value,method,user_email,percentage"
    shares = ["r,p,api_key,k,manual,a@x.com,33.333", "r,p,api_key,k,manual,b@x.com,66.667"]
    rules = read_text(reference_file("allocation_rules.csv"), lines(header, *shares)).rows
    assert [row["percentage"] for row in rules] == [Decimal("33.333"), Decimal("66.667")]


def test_a_price_against_its_files_convention_is_refused() -> None:
    """With `;` goes the decimal comma: there 1.085 is 1085, unless another cell shows a point."""
    header = semicolons(RATE)
    alone = lines(header, "EUR;2026-01-01;1.085;ECB")
    assert str(refusal(RATES, alone)).startswith(
        "fx_rates.csv:2: usd_per_unit: '1.085' is 1085 to some and 1,0850 to others"
    )
    shown = lines(header, "EUR;2026-01-01;1.085;ECB", "GBP;2026-01-01;1.31;ECB")
    assert [row["usd_per_unit"] for row in read_text(RATES, shown).rows] == [
        Decimal("1.085"),
        Decimal("1.31"),
    ]


def test_both_conventions_in_a_file_are_refused_with_both_cells() -> None:
    text = lines(INVOICE, invoice("A", "5"), invoice("B", "1234.56"), invoice("C", '"12,50"'))
    assert refusal(INVOICES, text).lines() == [
        "invoices.csv:4: amount: '12,50' has a decimal comma, and '1234.56' in line 3 (amount) a "
        "decimal point; write all amounts of the file alike; in a spreadsheet, format the column "
        "as a number, then save it again"
    ]
    text = lines(semicolons(INVOICE), invoice("A", "7,5", ";"), invoice("B", "12.50", ";"))
    (said,) = refusal(INVOICES, text).lines()
    assert said.startswith("invoices.csv:3: amount: '12.50' has a decimal point, and '7,5' in line")


def test_a_message_shows_a_number_as_the_file_writes_it() -> None:
    text = lines(semicolons(BUDGET), "team;Core;-12,50;2026-09-01", "team;Web;1.234,50;2026-09-01")
    said = refusal(BUDGETS, text).lines()
    assert said[0].startswith("budgets.csv:2: amount: '-12,50' is negative")
    assert said[1].startswith(
        "budgets.csv:3: amount: '1.234,50' is not a number; write digits and one decimal mark, at "
        "most 9 places, like 1250,50; in a spreadsheet"
    )


_AMOUNTS = st.decimals(0, 10_000_000, places=2).map(lambda amount: f"{amount:f}")
_FINE = st.decimals(0, 99_999, places=6).map(lambda rate: f"{rate:f}".rstrip("0").rstrip("."))
_TEXTS = st.text(st.sampled_from("ab;,. '\"-=@+1é"), min_size=1).map(lambda t: f"x{t}y")


@given(rows=st.lists(st.tuples(_TEXTS, _AMOUNTS), min_size=1, max_size=6, unique_by=lambda r: r[0]))
def test_amounts_in_one_convention_are_equal_in_the_other(rows: list[tuple[str, str]]) -> None:
    def file(separator: str, mark: str) -> str:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator)
        writer.writerow(BUDGET.split(","))
        for name, amount in rows:
            writer.writerow(["team", name, amount.replace(".", mark), "2026-09-01"])
        return out.getvalue()

    here, there = read_text(BUDGETS, file(",", ".")), read_text(BUDGETS, file(";", ","))
    assert here.rows == there.rows
    assert [(row["scope_value"], row["amount"]) for row in here.rows] == [
        (name, Decimal(amount)) for name, amount in rows
    ]


@given(rates=st.lists(_FINE.filter(lambda rate: rate != "0"), min_size=1, max_size=6))
def test_rates_in_one_convention_are_equal_in_the_other(rates: list[str]) -> None:
    days = [date(2026, 1, 1 + n) for n in range(len(rates))]

    def file(separator: str, mark: str) -> str:
        body = [f"EUR,{day},{r.replace('.', '!')},x" for day, r in zip(days, rates, strict=True)]
        return lines(RATE, *body).replace(",", separator).replace("!", mark)

    here, there = read_text(RATES, file(",", ".")), read_text(RATES, file(";", ","))
    assert here.rows == there.rows
    assert [row["usd_per_unit"] for row in here.rows] == list(map(Decimal, rates))


# --- What a spreadsheet leaves of a value --------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        "#N/A", "#NV", "#REF!", "#BEZUG!", "#VALUE!", "#WERT!", "#DIV/0!", "#NAME?", "#NULL!",
        "#NUM!", "#ZAHL!", "#SPILL!", "#ÜBERLAUF!", "#ERROR!", "#VALEUR!", "#NOM?", "#N/D",
        "#¡REF!", "#¿NOMBRE?", "#n/a", "Loading...", "Loading…", "Wird geladen...", "########",
        "Err:502",
    ],
)  # fmt: skip
def test_an_error_of_a_spreadsheet_is_refused_in_every_column(error: str) -> None:
    header = "user_email,team,ai_budget_monthly_usd,is_active,start_date"
    names = header.split(",")
    for at, name in enumerate(names):
        cells = ["a@x.com", "", "", "", ""]
        cells[at] = error
        (said,) = refusal(USERS, lines(",".join(names), ",".join(cells))).lines()
        assert said == (
            f"users.csv:2: {name}: {error!r} is an error of a spreadsheet, not a value; mend the "
            "cell's formula, or empty the cell"
        )


def test_an_error_in_the_first_column_is_no_comment() -> None:
    header = "platform,api_key_id,user_email"
    text = lines(header, "anthropic,k1,ann@x.com", "#N/A,k2,bob@x.com", "#REF!,,", "#NAME?")
    assert [(p.line, p.column) for p in refusal(KEYS, text).problems][:2] == [
        (3, "platform"),
        (4, "platform"),
    ]
    assert [p.line for p in refusal(KEYS, text).problems][-1] == 5
    assert str(refusal(KEYS, "#REF!\n")).startswith("api_keys.csv:1: '#REF!' is an error of a spr")


@pytest.mark.parametrize("spoiled", ["2.02609E+11", "2,02609E+11", "2E+05", "202.6E+9", "1.5e12"])
def test_an_id_in_exponent_form_is_refused(spoiled: str) -> None:
    cell = f'"{spoiled}"' if "," in spoiled else spoiled
    (said,) = refusal(INVOICES, lines(INVOICE, invoice(cell))).lines()
    assert said == (
        f"invoices.csv:2: invoice_id: '{spoiled}' is what a spreadsheet leaves of a long number; "
        "format the column as text, and type the whole value again"
    )
    text = lines("user_email,cost_center,approved_platforms", f"a@x.com,{cell},cursor")
    assert "cost_center: '" in str(refusal(USERS, text))


@pytest.mark.parametrize("kept", ["202609001", "1E5", "12e4567", "E+11", "00420", "2026-09"])
def test_an_id_that_only_resembles_that_form_is_taken(kept: str) -> None:
    (row,) = read_text(INVOICES, lines(INVOICE, invoice(kept))).rows
    assert row["invoice_id"] == kept


def test_a_date_as_a_serial_number_is_refused_with_the_day_that_it_means() -> None:
    text = lines("user_email,start_date", "a@x.com,46266", "b@x.com,01.09.2026")
    assert refusal(USERS, text).lines() == [
        "users.csv:2: start_date: '46266' is not a date (a spreadsheet's number for 2026-09-01); "
        "write it as YYYY-MM-DD; in a spreadsheet, give the column that format or text",
        "users.csv:3: start_date: '01.09.2026' is not a date; write it as YYYY-MM-DD; in a "
        "spreadsheet, give the column that format or text",
    ]


def test_empty_cells_that_a_spreadsheet_adds_at_the_end_are_none() -> None:
    text = lines(f"{INVOICE},,", f"{invoice('A')},,,,", invoice("B"))
    assert [row["invoice_id"] for row in read_text(INVOICES, text).rows] == ["A", "B"]
    text = lines(f"{INVOICE},,", f"{invoice('A')},,left over")
    assert str(refusal(INVOICES, text)).startswith("invoices.csv:2: has 8 cells, the header has 6")
