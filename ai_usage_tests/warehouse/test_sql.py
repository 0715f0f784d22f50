"""The renderer: every fix of the translation, by values that were worked out by hand.

The measurements behind them are named in `sql/README.md`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ai_usage.warehouse.sql import parameters, references, render

MICRO = Decimal("0.000001")


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET threads = 1")
        yield connection


def one_line(sql: str, **options: Any) -> str:
    return " ".join(render(sql, "duckdb", **({"dataset": "w"} | options)).split())


def value(engine: duckdb.DuckDBPyConnection, expression: str) -> Any:
    row = engine.execute(render(f"SELECT {expression}", "duckdb", dataset="w")).fetchone()
    assert row is not None
    return row[0]


# -- counting -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("(SELECT COUNTIF(x > 1) FROM UNNEST([1, 2, 3]) AS x)", 2),
        ("(SELECT COUNTIF(x > 1) FROM UNNEST([CAST(NULL AS INT64)]) AS x)", 0),
        ("(SELECT COUNTIF(x > 1) FROM UNNEST([1, 2, 3]) AS x WHERE x > 3)", 0),
        (
            "(SELECT MAX(n) FROM (SELECT COUNTIF(x > 1) OVER ("
            "ORDER BY x RANGE BETWEEN 1 FOLLOWING AND 1 FOLLOWING) AS n FROM UNNEST([1]) AS x))",
            0,
        ),
    ],
)
def test_nothing_counts_as_zero(
    engine: duckdb.DuckDBPyConnection, expression: str, expected: int
) -> None:
    assert value(engine, expression) == expected


# -- NUMERIC ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("NUMERIC '99.123456789'", "99.123456789"),
        ("CAST('99.123456789' AS NUMERIC)", "99.123456789"),
        ("SAFE_CAST('99.123456789' AS NUMERIC)", "99.123456789"),
        # Half a unit of the ninth place goes away from zero.
        ("CAST('1.1234567895' AS NUMERIC)", "1.123456790"),
        ("CAST('-1.1234567895' AS NUMERIC)", "-1.123456790"),
        # 29 digits before the point, the most that NUMERIC holds.
        ("NUMERIC '99999999999999999999999999999.999999999'", "9" * 29 + "." + "9" * 9),
        ("NUMERIC '0.000000001' * 3", "0.000000003"),
        ("NUMERIC '0.1' + NUMERIC '0.2'", "0.300000000"),
        # Multiplying two of them has 18 places on one engine: the cast brings back the nine.
        ("CAST(NUMERIC '1.000000001' * NUMERIC '1.000000001' AS NUMERIC)", "1.000000002"),
        ("(SELECT SUM(x) FROM UNNEST([NUMERIC '0.000000001', NUMERIC '5']) AS x)", "5.000000001"),
        ("CAST(NULL AS NUMERIC)", None),
        ("SAFE_CAST('twelve' AS NUMERIC)", None),
    ],
)
def test_numeric_keeps_its_nine_places(
    engine: duckdb.DuckDBPyConnection, expression: str, expected: str | None
) -> None:
    got = value(engine, expression)
    assert got == (None if expected is None else Decimal(expected))
    if got is not None and "SUM" not in expression:
        assert got.as_tuple().exponent == -9, "the column's type has nine places too"


def test_numeric_within_an_array_keeps_its_nine_places(engine: duckdb.DuckDBPyConnection) -> None:
    assert value(engine, "CAST(['0.123456789'] AS ARRAY<NUMERIC>)") == [Decimal("0.123456789")]


@pytest.mark.parametrize("expression", ["CAST(1 AS BIGNUMERIC)", "BIGNUMERIC '1'"])
def test_bignumeric_is_refused_on_the_engine_that_has_no_exact_type(expression: str) -> None:
    with pytest.raises(ValueError, match="BIGNUMERIC"):
        render(f"SELECT {expression}", "duckdb", dataset="w")
    assert "BIGNUMERIC" in render(f"SELECT {expression}", "bigquery", dataset="w")


# -- functions that become operators ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DIV(7 + 8, 2)", 7),
        ("DIV(20, 2 + 3)", 4),
        ("DIV(20, 2 * 5)", 2),
        ("DIV(DIV(7 + 8, 2) + 1, 3)", 2),
        ("2 * DIV(7, 4)", 2),
        ("12 / DIV(7, 2)", 4),
        ("20 - DIV(7 - 1, 4 - 2)", 17),
        ("2 * DIV(DIV(7 + 8, 2) + 5, 1 + 1) + DIV(9, 2)", 16),
        ("DIV(-7, 2)", -3),
        ("DIV(7, -2)", -3),
        ("-DIV(7 + 2, 2)", -4),
        ("MOD(7 + 8, 4)", 3),
        ("MOD(20, 3 + 4)", 6),
        ("10 * MOD(7, 4)", 30),
        ("100 - MOD(17 - 3, 10) * 2", 92),
        ("MOD(MOD(17 + 4, 10) + 5, 4)", 2),
        ("MOD(-7, 2)", -1),
        ("MOD(DIV(100 + 5, 10), 4)", 2),
        ("SAFE_DIVIDE(1 + 2, 2 + 4) * 2", 1.0),
        ("12 / SAFE_DIVIDE(6 + 6, 1 + 3)", 4.0),
        ("SAFE_DIVIDE(5, 3 - 3)", None),
        ("SAFE_DIVIDE(SAFE_DIVIDE(8 + 8, 2 + 2), 1 + 1)", 2.0),
        ("IF(DIV(7, 2) = 3 AND MOD(7, 2) = 1, 'yes', 'no')", "yes"),
    ],
)
def test_a_function_that_becomes_an_operator_keeps_its_operands_and_its_place(
    engine: duckdb.DuckDBPyConnection, expression: str, expected: object
) -> None:
    assert value(engine, expression) == expected


# An expression without any parenthesis that it does not need: its text, how loosely it binds
# (0: a sum, 1: a product, 2: a number or a call), its value.
Written = tuple[str, int, int]

_leaf = st.integers(1, 50).map(lambda n: (str(n), 2, n))


def _bound(written: Written, level: int) -> str:
    return written[0] if written[1] >= level else f"({written[0]})"


def _operation(children: Any) -> Any:
    def built(drawn: tuple[str, Written, Written]) -> Written:
        name, left, right = drawn
        a, b = left[2], right[2]
        if name == "+":
            return f"{_bound(left, 0)} + {_bound(right, 1)}", 0, a + b
        if name == "-":
            return f"{_bound(left, 0)} - {_bound(right, 1)}", 0, a - b
        if name == "*":
            return f"{_bound(left, 1)} * {_bound(right, 2)}", 1, a * b
        if b == 0:
            return left
        # Both truncate towards zero.
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        value = quotient if name == "DIV" else a - b * quotient
        return f"{name}({left[0]}, {right[0]})", 2, value

    return st.tuples(st.sampled_from(["+", "-", "*", "DIV", "DIV", "MOD"]), children, children).map(
        built
    )


# Three levels deep, always: st.recursive seldom draws an operation within one within one.
_nested = _operation(_operation(_operation(_leaf) | _leaf))


@given(_nested)
@settings(max_examples=150, deadline=None)
def test_any_nesting_of_div_and_mod_has_the_value_of_plain_integers(
    engine: duckdb.DuckDBPyConnection, expression: Written
) -> None:
    text, _, expected = expression
    assert value(engine, text) == expected


# -- days --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "expected"), [("2026-01-04", 1), ("2026-01-05", 2), ("2026-01-10", 7)]
)
def test_dayofweek_is_one_on_sunday_and_seven_on_saturday(
    engine: duckdb.DuckDBPyConnection, day: str, expected: int
) -> None:
    assert value(engine, f"EXTRACT(DAYOFWEEK FROM DATE '{day}')") == expected
    assert value(engine, f"EXTRACT(DAYOFWEEK FROM DATE '{day}') * 10") == expected * 10
    assert value(engine, f"EXTRACT(DAY FROM DATE '{day}')") == int(day[-2:]), "other parts stay"


def test_current_date_does_not_follow_the_session(engine: duckdb.DuckDBPyConnection) -> None:
    # Fourteen hours ahead and twelve behind: one of the two sessions has another day than UTC.
    found = set()
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        with duckdb.connect() as connection:
            connection.execute(f"SET TimeZone = '{zone}'")
            found.add(value(connection, "CURRENT_DATE('UTC')"))
            found.add(value(connection, "CURRENT_DATE()"))
    assert found <= {datetime.now(UTC).date(), value(engine, "CURRENT_DATE('UTC')")}


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_day_of_utc_does_not_follow_the_session(zone: str) -> None:
    """Nor do bounds and hours: whoever reads a view or a copy of the file has their own zone."""
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = '{zone}'")
        instant = "TIMESTAMP '2026-03-10 00:00:00+00'"
        assert value(connection, f"DATE({instant}, 'UTC')") == date(2026, 3, 10)
        assert value(connection, f"EXTRACT(HOUR FROM DATETIME({instant}, 'UTC'))") == 0
        assert value(connection, f"{instant} = TIMESTAMP(DATE '2026-03-10', 'UTC')") is True
        assert value(connection, f"DATE({instant}, '{zone}') = DATE '2026-03-10'") is (
            zone == "Pacific/Kiritimati"
        )


@pytest.mark.parametrize("clock", ["1969-12-31 23:59:59.999999", "2026-03-10 23:59:59.000001"])
def test_the_clock_of_utc_shows_every_instant_to_the_microsecond(
    engine: duckdb.DuckDBPyConnection, clock: str
) -> None:
    shown = datetime.fromisoformat(clock)
    assert value(engine, f"DATETIME(TIMESTAMP '{clock}+00', 'UTC')") == shown
    assert value(engine, f"DATE(TIMESTAMP '{clock}+00', 'UTC')") == shown.date()
    assert value(engine, "DATETIME(CAST(NULL AS TIMESTAMP), 'UTC')") is None


def test_current_date_of_a_zone_is_that_zones(engine: duckdb.DuckDBPyConnection) -> None:
    apart = value(
        engine,
        "DATE_DIFF(CURRENT_DATE('Pacific/Kiritimati'), CURRENT_DATE('Etc/GMT+12'), DAY)",
    )
    # 26 hours apart: one day or two, never the same.
    assert apart in (1, 2)


UNDER_ANOTHER_ZONE = """
import sys
import ibis
from datetime import UTC, date, datetime
from pathlib import Path
from ai_usage.vendors.base import Window
from ai_usage.warehouse.base import Query
from ai_usage.warehouse.duckdb import DuckDBWarehouse
from ai_usage.warehouse.schema import table_schema

warehouse = DuckDBWarehouse(Path(sys.argv[1]), "w")
warehouse.ensure_table("dim_dates")
instant = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
got = warehouse.query(Query(
    "SELECT DATE(ts) AS day, EXTRACT(HOUR FROM ts) AS hour, "
    "CAST(DATE_TRUNC(DATE(ts), MONTH) AS DATE) AS month, "
    "CAST(TIMESTAMP '2026-03-02 01:30:00' AS STRING) AS written, ts = @ts AS same "
    "FROM (SELECT TIMESTAMP '2026-03-02 01:30:00+00' AS ts)", {"ts": instant})).to_pylist()[0]
print(got["day"], got["hour"], got["month"], got["written"][:16], got["same"])
with warehouse.ibis() as connection:
    at = ibis.literal(instant, type="timestamp('UTC')")
    print(connection.execute(at.date()).date())
"""


def test_a_timestamps_day_is_the_utc_day_whatever_the_machines_zone(tmp_path: Any) -> None:
    found = subprocess.run(  # noqa: S603
        [sys.executable, "-c", UNDER_ANOTHER_ZONE, str(tmp_path / "file.duckdb")],
        env={**os.environ, "TZ": "America/Los_Angeles"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split("\n")[:2] == [
        "2026-03-02 1 2026-03-01 2026-03-02 01:30 True",
        "2026-03-02",
    ]


# -- names -------------------------------------------------------------------------------------


def test_tables_and_views_get_their_own_datasets() -> None:
    sql = "SELECT * FROM fact_ai_costs JOIN vw_executive_dashboard USING (x)"
    rendered = one_line(sql, dataset="tables", views_dataset="views")
    assert "FROM tables.fact_ai_costs" in rendered
    assert "JOIN views.vw_executive_dashboard" in rendered
    assert "JOIN tables.vw_executive_dashboard" in one_line(sql, dataset="tables")


def test_a_project_qualifies_too() -> None:
    rendered = render("SELECT * FROM dim_users", "bigquery", dataset="my-project.ai_usage")
    assert "FROM `my-project`.ai_usage.dim_users" in " ".join(rendered.split())


def test_names_that_are_not_ours_or_already_qualified_stay() -> None:
    rendered = one_line("SELECT * FROM other, elsewhere.dim_users", dataset="w")
    assert "FROM other" in rendered
    assert "elsewhere.dim_users" in rendered
    assert "w." not in rendered


def test_a_cte_hides_the_table_of_its_name_in_the_query_it_belongs_to() -> None:
    sql = "WITH dim_users AS (SELECT 1 AS n) SELECT n FROM dim_users"
    assert one_line(sql).endswith("FROM dim_users")
    assert references(sql) == set()


def test_within_a_cte_of_a_tables_name_the_table_itself_is_meant(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    sql = "WITH dim_users AS (SELECT n + 1 AS n FROM dim_users) SELECT n FROM dim_users"
    assert references(sql) == {"dim_users"}
    engine.execute("CREATE SCHEMA IF NOT EXISTS cte")
    engine.execute("CREATE OR REPLACE TABLE cte.dim_users AS SELECT 41 AS n")
    assert engine.execute(render(sql, "duckdb", dataset="cte")).fetchall() == [(42,)]


def test_a_cte_of_a_subquery_does_not_hide_the_table_outside_it(
    engine: duckdb.DuckDBPyConnection,
) -> None:
    sql = (
        "SELECT outside.n, inside.n FROM dim_users AS outside, "
        "(WITH dim_users AS (SELECT 7 AS n) SELECT n FROM dim_users) AS inside"
    )
    assert references(sql) == {"dim_users"}
    engine.execute("CREATE SCHEMA IF NOT EXISTS cte")
    engine.execute("CREATE OR REPLACE TABLE cte.dim_users AS SELECT 41 AS n")
    assert engine.execute(render(sql, "duckdb", dataset="cte")).fetchall() == [(41, 7)]


def test_a_cte_is_seen_by_those_after_it_and_by_queries_within_them() -> None:
    sql = (
        "WITH a AS (SELECT * FROM dim_dates), "
        "dim_dates AS (SELECT * FROM a WHERE d IN (SELECT d FROM dim_platforms)), "
        "c AS (SELECT * FROM dim_dates) SELECT * FROM c, dim_dates"
    )
    rendered = one_line(sql)
    assert rendered.count("w.dim_dates") == 1, "only the first CTE reads the table"
    assert references(sql) == {"dim_dates", "dim_platforms"}


def test_a_recursive_cte_sees_itself() -> None:
    sql = (
        "WITH RECURSIVE dim_dates AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM dim_dates "
        "WHERE n < 3) SELECT n FROM dim_dates"
    )
    assert "w.dim_dates" not in one_line(sql)
    assert references(sql) == set()


# -- parameters and literals -------------------------------------------------------------------


def test_parameters_stay_bound_and_are_never_pasted(engine: duckdb.DuckDBPyConnection) -> None:
    rendered = render("SELECT @who AS who, @n + 1 AS n", "duckdb", dataset="w")
    hostile = "'; DROP TABLE x; --"
    assert engine.execute(rendered, {"who": hostile, "n": 4}).fetchall() == [(hostile, 5)]
    assert parameters("SELECT @who, @n, @who") == {"who", "n"}
    assert "@who" in render("SELECT @who", "bigquery", dataset="w")


@pytest.mark.parametrize(
    ("literal", "expected"),
    [
        (date(2026, 2, 28), date(2026, 2, 28)),
        (12, 12),
        (-3, -3),
        ("O'Brien \\ co", "O'Brien \\ co"),
    ],
)
def test_a_literal_is_rendered_with_its_type(
    engine: duckdb.DuckDBPyConnection, literal: date | int | str, expected: object
) -> None:
    rendered = render("SELECT @x AS x", "duckdb", dataset="w", literals={"x": literal})
    assert engine.execute(rendered).fetchall() == [(expected,)]


def test_a_literal_is_rendered_with_its_type_on_bigquery() -> None:
    literals: dict[str, date | int | str | None] = {
        "day": date(2026, 2, 28),
        "n": 3,
        "s": "O'Brien",
        "as_of": None,
    }
    sql = "SELECT @day, @n, @s, @as_of, @bound"
    rendered = " ".join(render(sql, "bigquery", dataset="w", literals=literals).split())
    assert rendered == (
        "SELECT CAST('2026-02-28' AS DATE), 3, 'O\\'Brien', CURRENT_DATE('UTC'), @bound"
    )


@pytest.mark.parametrize(
    "bad", [None, datetime(2026, 1, 1, 5, tzinfo=UTC), True, 1.5], ids=lambda v: repr(v)
)
def test_a_value_without_an_exact_literal_is_refused(bad: Any) -> None:
    with pytest.raises(TypeError, match="@x: no literal for"):
        render("SELECT @x", "duckdb", dataset="w", literals={"x": bad})


def test_seen_from_always_today_is_the_utc_day(engine: duckdb.DuckDBPyConnection) -> None:
    rendered = render("SELECT @as_of AS d", "duckdb", dataset="w", literals={"as_of": None})
    before = datetime.now(UTC).date()
    got = engine.execute(rendered).fetchall()[0][0]
    assert got in {before, datetime.now(UTC).date()}


# -- money split exactly -----------------------------------------------------------------------

# The forms of fact_ai_costs, over one line's weights.
SPLIT = """
WITH weighted AS (
  SELECT key, CAST(w AS INT64) AS w,
    CAST(SUM(CAST(w AS INT64)) OVER () AS NUMERIC) AS w_total, CAST(@amount AS NUMERIC) AS amount
  FROM weights
),
scaled AS (SELECT *, CAST(ABS(amount) * w * 1000000 AS NUMERIC) AS x FROM weighted),
shares AS (
  SELECT *, CAST(CAST(SIGN(amount) AS INT64) * CAST(ROUND((x - MOD(x, w_total)) / w_total) AS INT64)
    * NUMERIC '0.000001' AS NUMERIC) AS share
  FROM scaled
)
SELECT key, CAST(share + IF(
    ROW_NUMBER() OVER (ORDER BY w DESC, key) = 1, amount - SUM(share) OVER (), 0
  ) AS NUMERIC) AS part
FROM shares ORDER BY key
"""


def split_by_hand(amount: Decimal, weights: list[int]) -> list[Decimal]:
    """Truncate each share to a millionth; the largest weight, the first of them, takes the rest."""
    with localcontext() as context:
        context.prec = 80
        total = sum(weights)
        parts = [(amount * w / total).quantize(MICRO, rounding=ROUND_DOWN) for w in weights]
        largest = weights.index(max(weights))
        parts[largest] += amount - sum(parts)
    return parts


# With nine places: the vendor's amounts are exact in NUMERIC.
amounts = st.decimals(Decimal(-1_000_000_000), Decimal(1_000_000_000), places=9)


@given(
    amount=amounts,
    weights=st.lists(st.integers(0, 10**13), min_size=1, max_size=12).filter(lambda w: sum(w) > 0),
)
@example(amount=Decimal("0.0006"), weights=[1] * 300)
@example(amount=Decimal("-0.000000001"), weights=[1, 1])
@example(amount=Decimal("1"), weights=[1, 1, 1])
@example(amount=Decimal("1000000000"), weights=[10**13, 1])
@settings(max_examples=60, deadline=None)
def test_a_split_amount_sums_exactly_and_equals_the_decimal_reference(
    engine: duckdb.DuckDBPyConnection, amount: Decimal, weights: list[int]
) -> None:
    engine.execute(
        "CREATE OR REPLACE TEMP TABLE weights AS "
        "SELECT unnest(range(len($w))) AS key, unnest($w) AS w",
        {"w": weights},
    )
    sql = render(SPLIT, "duckdb", dataset="w")
    rows = engine.execute(sql, {"amount": amount}).fetchall()
    parts = [part for _, part in rows]
    assert parts == split_by_hand(amount, weights)
    assert sum(parts) == amount
    assert all(part == 0 or (part < 0) == (amount < 0) for part in parts), "no part changes sign"


SEATS = """
SELECT n, CAST(IF(n = @days, price, upto) - IF(n = 1, 0, before) AS NUMERIC) AS cost
FROM (
  SELECT n, price,
    CAST(SIGN(price) AS INT64) * CAST(ROUND((x - MOD(x, d)) / d) AS INT64)
      * NUMERIC '0.000001' AS upto,
    CAST(SIGN(price) AS INT64) * CAST(ROUND((y - MOD(y, d)) / d) AS INT64)
      * NUMERIC '0.000001' AS before
  FROM (
    SELECT n, CAST(@price AS NUMERIC) AS price, CAST(@days AS NUMERIC) AS d,
      CAST(ABS(CAST(@price AS NUMERIC)) * n * 1000000 AS NUMERIC) AS x,
      CAST(ABS(CAST(@price AS NUMERIC)) * (n - 1) * 1000000 AS NUMERIC) AS y
    FROM UNNEST(GENERATE_ARRAY(1, @days)) AS n
  ) AS scaled
) AS truncated
ORDER BY n
"""


@given(price=st.decimals(Decimal(-10_000), Decimal(10_000), places=6), days=st.integers(28, 31))
@example(price=Decimal("40"), days=31)
@example(price=Decimal("0.000001"), days=30)
@settings(max_examples=50, deadline=None)
def test_a_seats_days_sum_to_its_month_and_equal_the_decimal_reference(
    engine: duckdb.DuckDBPyConnection, price: Decimal, days: int
) -> None:
    upto = [
        price if n == days else (price * n / days).quantize(MICRO, rounding=ROUND_DOWN)
        for n in range(days + 1)
    ]
    expected = [upto[n] - upto[n - 1] for n in range(1, days + 1)]
    sql = render(SEATS, "duckdb", dataset="w")
    rows = engine.execute(sql, {"price": price, "days": days}).fetchall()
    assert [cost for _, cost in rows] == expected
    assert sum(cost for _, cost in rows) == price
