"""Scores raw events by the rules of `raw_ai_events`: no network, no clock, no warehouse.

The same ibis expressions that Pandera checks later are compiled to SQL once and run over the Arrow
batches on their way into the warehouse.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from itertools import chain

import duckdb
import pyarrow as pa

from ai_usage.quality.flags import FLAGS, charge_unknown
from ai_usage.quality.rules import RULES
from ai_usage.vendors.event_columns import BATCH_ROWS
from ai_usage.warehouse.embedded_engine import streamed
from ai_usage.warehouse.kept import kept
from ai_usage.warehouse.schema import table_schema

TABLE = "raw_ai_events"


def score(
    batches: Iterable[pa.RecordBatch], billing: Collection[tuple[str, str]]
) -> Iterator[pa.RecordBatch]:
    """Fill `validation_errors`, `data_quality_score` and `is_charge_unknown` of each batch.

    What a reader flagged stays first, the names of broken rules follow. The score is 1 minus the
    weights of both, each kind of flag once, never below 0; 0 means that a critical rule broke.
    `billing` names the endpoints, each with its vendor first, that report what is billed.
    """
    events = filter(len, batches)
    first = next(events, None)
    if first is None:
        return
    schema = table_schema(TABLE).arrow_schema
    with (
        _engine(os.getpid()).cursor() as connection,
        streamed(connection, "events", schema, chain([first], events)),
    ):
        # One statement for all of them: to plan it takes as long as to score 15,000 rows. Its rows
        # come as they are taken, in their order; those of `execute` would be held first.
        scored = connection.sql(scoring_sql(tuple(sorted(billing)))).to_arrow_reader(BATCH_ROWS)
        yield from (batch.cast(schema) for batch in scored)


@cache
def _engine(process: int) -> duckdb.DuckDBPyConnection:
    """A DuckDB without a file, started once a process, to which whoever scores connects.

    A process that was forked has no part in its parent's: their threads are not with it. Not the
    warehouse's engine: that need not keep the order of rows, and its memory is for one file.
    """
    connection = duckdb.connect(":memory:")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET memory_limit = '256MB'")
    connection.execute("SET enable_progress_bar = false")
    return connection


@cache
@kept(str)
def scoring_sql(billing: tuple[tuple[str, str], ...]) -> str:
    """The rows of a relation `events` with what scoring fills of them, in DuckDB's dialect."""
    import ibis

    schema = table_schema(TABLE)
    events = ibis.table(
        {c.name: ibis.dtype(_ibis_type(c.type)) for c in schema.columns}, name="events"
    )
    rules = [rule for rule in RULES[TABLE] if rule.weight > 0]
    source = events.platform.concat("/", events.source_endpoint)
    may_bill = source.isin([f"{vendor}/{endpoint}" for vendor, endpoint in billing])
    broken = events.mutate(
        charge_unknown=charge_unknown(events, may_bill),
        **{rule.name: ~rule.holds(events) for rule in rules},
    )
    inner = ibis.to_sql(broken, dialect="duckdb")
    names = ", ".join(f"CASE WHEN \"{rule.name}\" THEN '{rule.name}' END" for rule in rules)
    rule_weights = " + ".join(
        f'CASE WHEN "{rule.name}" THEN {rule.weight} ELSE 0 END' for rule in rules
    )
    flag_weight = "CASE flag {} ELSE 0 END".format(
        " ".join(f"WHEN '{flag.name}' THEN {flag.weight}" for flag in FLAGS.values())
    )
    flags = "coalesce(validation_errors, [])"
    kinds = f"list_distinct(list_transform({flags}, lambda flag: split_part(flag, ':', 1)))"
    computed = {
        "is_charge_unknown": "charge_unknown",
        "validation_errors": f"list_concat({flags}, "
        f"list_filter([{names}], lambda name: name IS NOT NULL))",
        "data_quality_score": f"CAST(greatest(0, 1 - ({rule_weights}) - coalesce("
        f"list_sum(list_transform({kinds}, lambda flag: {flag_weight})), 0)) AS DOUBLE)",
    }
    columns = ", ".join(f'{computed.get(c, c)} AS "{c}"' for c in schema.column_names)
    return f"SELECT {columns} FROM ({inner})"


def _ibis_type(bigquery_type: str) -> str:
    return {
        "STRING": "string",
        "INT64": "int64",
        "FLOAT64": "float64",
        "NUMERIC": "decimal(38, 9)",
        "BOOL": "boolean",
        "DATE": "date",
        "TIMESTAMP": "timestamp('UTC', 6)",
        # Arrow carries JSON as text; the rules do not look into it.
        "JSON": "string",
        "ARRAY<STRING>": "array<string>",
    }[bigquery_type]
