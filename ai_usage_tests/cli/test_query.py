"""`query` and `tables`: the warehouse's rows, and nothing else that SQL could do."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from ai_usage.cli.app import app
from ai_usage.cli.query import check_reads_only, list_relations
from ai_usage.cli.show import print_rows, told_apart
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings
from ai_usage.text.csv_cells import csv_cell, excel_cell, text
from ai_usage.warehouse.relations import is_internal, relations
from ai_usage_tests.cli.support import PROGRAM, Place, clean_environment, files_below

REFUSED = [
    "INSERT INTO dim_dates SELECT * FROM dim_dates",
    "UPDATE dim_dates SET year = 1 WHERE TRUE",
    "DELETE FROM dim_dates WHERE TRUE",
    "MERGE INTO dim_dates USING dim_dates AS b ON FALSE WHEN NOT MATCHED THEN INSERT ROW",
    "CREATE TABLE x AS SELECT 1 AS a",
    "CREATE OR REPLACE VIEW x AS SELECT 1 AS a",
    "DROP TABLE dim_dates",
    "ALTER TABLE dim_dates ADD COLUMN x INT64",
    "TRUNCATE TABLE dim_dates",
    "ATTACH 'x.db'",
    "ATTACH DATABASE 'x.db' AS x",
    "DETACH x",
    "COPY dim_dates TO 'x.csv'",
    "COPY (SELECT 1) TO 'x.csv'",
    "EXPORT DATABASE 'x'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "PRAGMA database_list",
    "SET memory_limit = '1GB'",
    "CALL checkpoint()",
    "CHECKPOINT",
    "BEGIN TRANSACTION",
    "EXECUTE IMMEDIATE 'DROP TABLE dim_dates'",
    "SELECT 1; DROP TABLE dim_dates",
    "SELECT 1; SELECT 2",
    "WITH a AS (SELECT 1) DELETE FROM dim_dates WHERE TRUE",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('*')",
    "SELECT * FROM `/etc/passwd`",
    "SELECT * FROM `x.parquet`",
    "SELECT (SELECT COUNT(*) FROM read_csv('/etc/passwd'))",
    "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM other.fact_ai_costs",
    "SELECT * FROM nope",
    "SELEC 1",
    "SELECT 'open",
    "SELECT (1",
    "",
    ";",
    "-- nothing",
]

ACCEPTED = [
    "SELECT 1",
    "(SELECT 1)",
    "SELECT 1;",
    "WITH a AS (SELECT 1 AS x) SELECT x FROM a",
    "SELECT 1 AS x UNION ALL SELECT 2",
    "SELECT * FROM fact_ai_costs",
    "SELECT * FROM ai_usage.fact_ai_costs",
    "SELECT * FROM `ai_usage.fact_ai_costs` AS f JOIN dim_users AS u USING (user_sk)",
    "SELECT c FROM dim_users, UNNEST(approved_platforms) AS c",
    "SELECT * FROM UNNEST([1, 2]) AS n",
    "SELECT * FROM (SELECT month FROM vw_executive_dashboard)",
]


INTERNAL = ["SELECT * FROM int_cycle_days", "SELECT * FROM ai_usage_internal.int_cycle_days"]


def home(relation: str) -> str:
    return "ai_usage_internal" if is_internal(relation) else "ai_usage"


@pytest.mark.parametrize("sql", INTERNAL)
def test_an_internal_table_is_read_where_it_is_asked_for_and_else_the_line_says_how(
    sql: str,
) -> None:
    with pytest.raises(AiUsageError, match=r"int_cycle_days is internal: .* Add --internal"):
        check_reads_only(sql, home)
    check_reads_only(sql, home, internal=True)
    with pytest.raises(AiUsageError, match="there is no table or view"):
        check_reads_only("SELECT * FROM ai_usage.int_cycle_days", home, internal=True)


def test_internal_tables_are_listed_where_they_are_asked_for() -> None:
    listed, with_internal = io.StringIO(), io.StringIO()
    list_relations(Console(file=listed, width=200))
    list_relations(Console(file=with_internal, width=200), internal=True)
    assert "int_cycle_days" not in listed.getvalue()
    assert "int_cycle_days (internal table)\n    " in with_internal.getvalue()
    names = [line.partition(" ")[0] for line in with_internal.getvalue().splitlines()[::2]]
    assert sorted(names) == sorted(relations())


@pytest.mark.parametrize("sql", REFUSED)
def test_whatever_is_not_one_select_over_our_tables_is_refused_in_one_line(sql: str) -> None:
    with pytest.raises(AiUsageError) as refused:
        check_reads_only(sql, home)
    assert str(refused.value).startswith("query: ")
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize("sql", ACCEPTED)
def test_a_select_over_our_tables_is_accepted(sql: str) -> None:
    check_reads_only(sql, home)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("COPY dim_dates TO 'x.csv'", "it only reads"),
        ("SELECT * FROM fact_ai_cost", "did you mean fact_ai_costs?"),
        ("SELECT nope FROM dim_dates", "`ai-usage tables NAME` lists the columns"),
    ],
)
def test_a_refused_question_changes_nothing(place: Place, sql: str, says: str) -> None:
    before = files_below(place.folder)
    done = place.call("query", sql)
    assert done.code == 1
    assert not done.out
    assert says in done.error
    assert files_below(place.folder) == before


@pytest.mark.slow
def test_csv_opens_in_a_spreadsheet_as_it_is_and_runs_nothing(place: Place) -> None:
    done = place.call(
        "query",
        "SELECT '=HYPERLINK(1)' AS `=head`, '+1' AS b, '-1' AS c, '@x' AS d, '＝1' AS e, "  # noqa: RUF001
        "' =1' AS f, 'plain' AS g, -5 AS h, CAST(NULL AS STRING) AS i, 'a,\"b\"' AS j, "
        "NUMERIC '0.123456789' AS k, ['=1', 'x'] AS l",
        "--format",
        "csv",
    )
    assert done.code == 0, done.err
    header, row = csv.reader(io.StringIO(done.out))
    assert header[0] == "'=head"
    assert row == [
        "'=HYPERLINK(1)", "'+1", "'-1", "'@x", "'＝1", "' =1", "plain", "-5", "", 'a,"b"',  # noqa: RUF001
        "0.123456789", "'=1;x",
    ]  # fmt: skip


@pytest.mark.slow
def test_json_keeps_every_digit_and_no_terminal_command(place: Place) -> None:
    done = place.call(
        "query",
        "SELECT NUMERIC '12345678901234567890.123456789' AS usd, DATE '2026-03-01' AS day, "
        "'\x1b[31m\x9b\u202e' AS text, 0.1 AS ratio, CAST(NULL AS STRING) AS nothing",
        "--format",
        "json",
    )
    assert done.code == 0, done.err
    assert "\x1b" not in done.out
    assert "\x9b" not in done.out
    assert "\u202e" not in done.out
    (row,) = json.loads(done.out, parse_float=Decimal)
    assert row == {
        "usd": Decimal("12345678901234567890.123456789"),
        "day": "2026-03-01",
        "text": "\x1b[31m\x9b\u202e",
        "ratio": Decimal("0.1"),
        "nothing": None,
    }


@pytest.mark.slow
def test_a_table_shows_markup_and_control_characters_as_what_they_are(place: Place) -> None:
    done = place.call("query", "SELECT '[red]x[/red]' AS a, '\x1b[2J' AS b, 12.5 AS c, [1, 2] AS d")
    assert done.code == 0, done.err
    assert "[red]x[/red]" in done.out
    assert "\x1b" not in done.out
    assert "12.5" in done.out


@pytest.mark.slow
def test_rows_too_wide_for_the_screen_are_shown_one_value_a_line(place: Place) -> None:
    done = place.call("query", "SELECT * FROM vw_executive_dashboard ORDER BY month DESC")
    assert done.code == 0, done.err
    assert done.out.startswith("── row 1 ──\nmonth")
    assert "\ntotal_monthly_cost " in done.out


@pytest.mark.slow
def test_long_answers_are_cut_on_screen_only_and_say_so(place: Place) -> None:
    done = place.call("query", "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 300)) AS n ORDER BY n")
    assert done.out.splitlines()[-1] == "the first 200 of 300 rows; --format csv gives all"
    done = place.call("query", "SELECT date_sk FROM dim_dates WHERE FALSE")
    assert done.out.splitlines()[-1] == "no rows"


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error(place: Place) -> None:
    piped = subprocess.run(  # noqa: S602
        f"{PROGRAM[0]} -c '{PROGRAM[2]}' query "
        '"SELECT n FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS n" --format csv | head -1',
        shell=True,
        cwd=place.folder,
        env={**clean_environment(), **place.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert piped.stdout == "n\n"
    assert not piped.stderr


@pytest.mark.slow
def test_tables_lists_what_can_be_asked_and_what_it_means(place: Place) -> None:
    listed = place.call("tables").out
    for name in ("fact_ai_costs (table)", "vw_team_productivity (view)", "dim_users (table)"):
        assert f"{name}\n    " in listed
    columns = place.call("tables", "fact_ai_costs").out
    assert "total_cost_usd NUMERIC NOT NULL\n    base_cost_usd + overage_cost_usd" in columns
    assert "\nmonth\n    " in place.call("tables", "vw_executive_dashboard").out
    assert "did you mean fact_ai_costs?" in place.call("tables", "fact_ai_cost").error


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1000.000000000"), "1000"),
        (Decimal("0E-9"), "0"),
        (Decimal("1E+3"), "1000"),
        (1234567.891, "1234567.891"),
        (0.00012345678, "0.000123457"),
        (1 / 3, "0.3333"),
        (0.0, "0"),
        (None, ""),
        (True, "True"),
    ],
)
def test_numbers_are_plain_for_a_person(value: object, shown: str) -> None:
    assert text(value) == shown


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(
    start=st.sampled_from(["", " ", "a", 'a"', "a;", "a\t", "a\n", "a\r\n ", ";", "\n", '";"']),
    end=st.sampled_from(["", ";b", '"', "\nb"]),
    formula=st.sampled_from(["=1", "+1", "-1", "@x", "＝1", '=HYPERLINK("x")']),  # noqa: RUF001
)
def test_no_spreadsheet_finds_a_formula_whatever_it_takes_for_the_separator(
    separator: str, start: str, formula: str, end: str
) -> None:
    """A spreadsheet that splits at `;` or a tab sees no quotes: its cells start anywhere."""
    line = io.StringIO()
    csv.writer(line).writerow(["first", csv_cell(start + formula + end), "last"])
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE
    lines = io.StringIO(line.getvalue(), newline="" if separator == "," else None)
    for row in csv.reader(lines, delimiter=separator, quoting=quoting):
        for cell in row:
            assert not cell.strip(' \n"').startswith(("=", "+", "-", "@", "＝")), row  # noqa: RUF001


def test_csv_keeps_every_digit_of_a_ratio() -> None:
    assert csv_cell(1 / 3) == "0.3333333333333333"


# --- Columns of one name -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "apart"),
    [
        (["a", "b", "a"], ["a", "b", "a_2"]),
        (["a", "a", "a"], ["a", "a_2", "a_3"]),
        (["a", "a", "a_2"], ["a", "a_3", "a_2"]),
        (["a_2", "a", "a", "a_2"], ["a_2", "a", "a_3", "a_2_2"]),
        (["", ""], ["", "_2"]),
        ([], []),
    ],
)
def test_columns_of_one_name_are_told_apart(names: list[str], apart: list[str]) -> None:
    assert told_apart(names) == apart


@given(st.lists(st.sampled_from(["a", "a_2", "a_3", "a_2_2", "b"]), max_size=12))
def test_no_name_stands_twice_and_the_first_of_each_stays(names: list[str]) -> None:
    apart = told_apart(names)
    assert len(set(apart)) == len(names)
    for name in set(names):
        assert apart[names.index(name)] == name


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warehouse with one table, and nothing in it."""
    monkeypatch.setenv("AI_USAGE_ENV_FILE", str(tmp_path / "no.env"))
    monkeypatch.setenv("AI_USAGE_HOME", str(tmp_path))
    warehouse_resource(Settings.load()).warehouse().ensure_table("dim_dates")


def asked(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["query", *arguments])
    if result.exception:
        raise result.exception
    return result.stdout


@pytest.mark.usefixtures("empty")
def test_every_format_has_every_value_below_its_name() -> None:
    sql = "SELECT x.a, x.*, y.* FROM (SELECT 1 AS a, 2 AS b) AS x, (SELECT 3 AS a, 4 AS a_2) AS y"
    values = {"a": 1, "a_3": 1, "b": 2, "a_4": 3, "a_2": 4}
    assert json.loads(asked(sql, "--format", "json")) == [values]
    for arguments in (["--format", "csv"], ["--excel"]):
        (read,) = csv.DictReader(io.StringIO(asked(sql, *arguments).removeprefix("\ufeff")))
        assert read == {name: str(value) for name, value in values.items()}
    header, _line, row = asked(sql).splitlines()[:3]
    assert (header.split(), row.split()) == (list(values), list(map(str, values.values())))


# --- For a spreadsheet -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("12.345000000"), "12.35"),
        (Decimal("12.344999999"), "12.34"),
        (Decimal("-0.004"), "0.00"),
        (Decimal("-0.005"), "-0.01"),
        (Decimal("12.5"), "12.50"),
        (Decimal(1000), "1000.00"),
        (Decimal("12345678901234567890123456789.995"), "12345678901234567890123456790.00"),
        (None, ""),
    ],
)
def test_money_is_in_cents_for_a_spreadsheet(value: Decimal | None, shown: str) -> None:
    assert excel_cell(value, money=True) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (date(2026, 9, 1), "2026-09-01"),
        (datetime(2026, 9, 1, 10, 30, tzinfo=UTC), "2026-09-01 10:30:00"),
        (datetime(2026, 9, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-08-31 23:00:00"),
        ("=1+1", "'=1+1"),
        ("sean.o'brien@acme.test", "sean.o'brien@acme.test"),
        (["@a", "b"], "'@a;b"),
        (Decimal("1.085000000"), "1.085"),
        (5, "5"),
    ],
)
def test_other_cells_open_in_a_spreadsheet_as_they_are(value: Any, shown: str) -> None:
    assert excel_cell(value) == shown


def test_rates_shares_and_counts_are_no_money(capsys: pytest.CaptureFixture[str]) -> None:
    amount = pa.decimal128(38, 9)
    names = [
        "total_cost_usd", "my_sum", "annual_run_rate", "exchange_rate", "usd_per_million",
        "cost_per_line", "allocation_percentage", "cursor_cost_share",
    ]  # fmt: skip
    rows = pa.table({name: pa.array([Decimal("1.0856")], amount) for name in names}).append_column(
        "requests", pa.array([Decimal(7)], pa.decimal128(38, 0))
    )
    print_rows(Console(), rows, "excel")
    assert capsys.readouterr().out == (
        f"\ufeff{','.join(names)},requests\n1.09,1.09,1.09,1.0856,1.0856,1.0856,1.0856,1.0856,7\n"
    )


@pytest.mark.usefixtures("empty")
def test_excel_writes_what_a_spreadsheet_opens_and_raw_csv_stays() -> None:
    sql = "SELECT NUMERIC '0.125' AS cost_usd, DATE '2026-09-01' AS day, 'Zoë' AS who, '=1' AS f"
    assert asked(sql, "--excel") == "\ufeffcost_usd,day,who,f\n0.13,2026-09-01,Zoë,'=1\n"
    assert asked(sql, "--excel", "--format", "csv") == asked(sql, "--excel")
    assert asked(sql, "--format", "csv") == "cost_usd,day,who,f\n0.125,2026-09-01,Zoë,'=1\n"
    with pytest.raises(AiUsageError, match="--excel writes CSV: leave --format json out"):
        asked(sql, "--excel", "--format", "json")
