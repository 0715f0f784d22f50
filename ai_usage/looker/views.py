"""A LookML view for each relation: its key, dimensions and measures, described as in the DDL."""

from __future__ import annotations

from dataclasses import dataclass

from ai_usage.looker.declared import (
    EXPLORED,
    JOINED,
    PERSON_COLUMNS,
    SEES_MONEY,
    SEES_PEOPLE,
    Explored,
    Ratio,
)
from ai_usage.looker.lookml import Block
from ai_usage.warehouse.keys import UNIQUE_KEYS
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.schema import table_schema
from ai_usage.warehouse.types import view_types
from ai_usage.warehouse.views import view_schema

_NUMBERS = ("INT64", "FLOAT64", "NUMERIC")
_TIMEFRAMES = ["raw", "date", "week", "month", "quarter", "year"]
_IN_CELLS = "Nothing where fewer people than the constant MINIMUM_PEOPLE are in the cell."


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    description: str


def view_blocks() -> dict[str, Block]:
    """Every view by its relation: those that are explored, then what they are joined with."""
    found = {one.relation: _explored(one) for one in EXPLORED}
    for relation, shown in JOINED.items():
        columns = [column for column in _columns(relation) if column.name in shown]
        found[relation] = _view(relation, columns)
    return found


def _columns(relation: str) -> list[_Column]:
    if relations()[relation] == "view":
        types = view_types(relation)
        return [_Column(name, types[name], text) for name, text in view_schema(relation).columns]
    return [_Column(c.name, c.type, c.description) for c in table_schema(relation).columns]


def _view(relation: str, columns: list[_Column], of_people: bool = False) -> Block:
    view = Block("view", relation).set(sql_table_name=f"`@{{DATASET}}.{relation}`")
    view.blocks += [_key(relation), *(_dimension(c, of_people) for c in columns)]
    return view


def _explored(one: Explored) -> Block:
    columns = _columns(one.relation)
    view = _view(one.relation, columns, one.people is not None)
    if one.filtered[0] == "company":
        view.blocks.append(
            Block("dimension", "company").set(
                hidden="yes",
                type="string",
                description="What the access filter of the whole company's explores names.",
                sql="'company'",
            )
        )
    if one.people is not None:
        view.blocks += _people(one.people)
    by_name = {column.name: column for column in columns}
    for name in one.sums:
        view.blocks += _sums(by_name[name], one.people)
    view.blocks += [_ratio(ratio, one.people) for ratio in one.ratios]
    return view


def _people(counted: str) -> list[Block]:
    """How many people a cell has; told where they are enough."""
    return [
        Block("measure", "people").set(
            type="number",
            value_format_name="decimal_0",
            description=f"Distinct people of the cell. {_IN_CELLS}",
            sql=_of_enough(counted, counted),
        ),
    ]


def _key(relation: str) -> Block:
    """A key of one text, whose parts cannot run into each other."""
    parts = [f"COALESCE(CAST(${{TABLE}}.{name} AS STRING), '')" for name in UNIQUE_KEYS[relation]]
    separated = ", '|', ".join(parts)
    joined = parts[0] if len(parts) == 1 else f"CONCAT({separated})"
    return Block("dimension", "row_key").set(
        primary_key="yes",
        hidden="yes",
        type="string",
        description=f"What tells rows apart: {', '.join(UNIQUE_KEYS[relation])}.",
        sql=joined,
    )


def _dimension(column: _Column, of_people: bool) -> Block:
    """A column. What names a person, and numbers of single rows, are behind a grant.

    Looker hides a dimension from its menus, not from who asks for it by name.
    """
    sql = f"${{TABLE}}.{column.name}"
    of_one = of_people and column.type in _NUMBERS and not column.name.endswith("_sk")
    grant = [SEES_PEOPLE] if of_one or column.name in PERSON_COLUMNS else None
    if column.type in ("DATE", "TIMESTAMP"):
        # A view's month is a dimension of its own: month_month would read oddly, and is right.
        of_days = column.type == "DATE"
        return Block("dimension_group", column.name).set(
            type="time",
            timeframes=_TIMEFRAMES,
            convert_tz="no",
            datatype="date" if of_days else "timestamp",
            description=column.description,
            required_access_grants=grant,
            sql=sql,
        )
    if column.type == "BOOL":
        kind = "yesno"
    elif column.type in _NUMBERS:
        kind = "number"
    else:
        kind = "string"
        sql = f"ARRAY_TO_STRING({sql}, ', ')" if column.type.startswith("ARRAY") else sql
    return Block("dimension", column.name).set(
        # Numbers are parts of measures: what adds up is a measure, what does not misleads.
        hidden="yes" if column.type in _NUMBERS else None,
        type=kind,
        description=column.description,
        required_access_grants=grant,
        sql=sql,
    )


def _sums(column: _Column, people: str | None) -> list[Block]:
    """A column's sum, blank for few people; dollars also exact, for who may see them."""
    money = column.type == "NUMERIC"
    total = f"SUM(${{TABLE}}.{column.name})"
    exact = Block("measure", f"exact_{column.name}" if people else f"sum_{column.name}").set(
        type="number",
        value_format_name="usd" if money else "decimal_0",
        description=column.description,
        required_access_grants=[SEES_MONEY] if people else None,
        sql=total,
    )
    if people is None:
        return [exact]
    shown = Block("measure", f"sum_{column.name}").set(
        type="number",
        value_format_name="usd" if money else "decimal_0",
        description=f"{column.description} {_IN_CELLS}",
        sql=_of_enough(total, people),
    )
    # What people do is for nobody in small cells; what it costs is finance's.
    return [shown, exact] if money else [shown]


def _ratio(ratio: Ratio, people: str | None) -> Block:
    over, under = (f"SUM(CAST(${{TABLE}}.{name} AS FLOAT64))" for name in (ratio.over, ratio.under))
    sql = f"SAFE_DIVIDE({over}, {under})"
    return Block("measure", ratio.name).set(
        type="number",
        value_format_name=ratio.format,
        description=f"{ratio.description} {_IN_CELLS}" if people else ratio.description,
        sql=_of_enough(sql, people) if people else sql,
    )


def _of_enough(sql: str, people: str) -> str:
    """The SQL where the cell has people enough, else NULL."""
    return f"CASE WHEN {people} >= @{{MINIMUM_PEOPLE}} THEN {sql} END"
