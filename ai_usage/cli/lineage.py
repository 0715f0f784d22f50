"""`ai-usage lineage`: the way of a column down to the columns that vendors and files fill."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from ai_usage.errors import AiUsageError
from ai_usage.warehouse.lineage import columns_of, sources_of
from ai_usage.warehouse.relations import relations

INDENT = "  "
ABOVE = "  (see above)"
NOTHING = "  (no column: a constant, a count of rows, or the run)"


def ways(name: str) -> Iterator[str]:
    """The lines of a column's way, `relation.column`; of every column of a relation without one.

    Raises `AiUsageError` for a name that there is not. What stands above is not repeated.
    """
    relation, _, column = name.partition(".")
    _known(relation, relations(), "there is no table or view", "`ai-usage tables` lists them.")
    columns = columns_of(relation)
    if column:
        _known(
            column,
            columns,
            f"{relation} has no column",
            f"`ai-usage tables {relation}` lists them.",
        )
        columns = [column]
    seen: set[tuple[str, str]] = set()
    for each in columns:
        yield from _way(relation, each, 0, seen)


def _way(relation: str, column: str, depth: int, seen: set[tuple[str, str]]) -> Iterator[str]:
    line = f"{INDENT * depth}{relation}.{column}"
    sources = sources_of(relation)
    if column not in sources:
        yield line
        return
    if (relation, column) in seen:
        yield f"{line}{ABOVE}"
        return
    seen.add((relation, column))
    yield line if sources[column] else f"{line}{NOTHING}"
    for source in sources[column]:
        yield from _way(*source, depth + 1, seen)


def _known(name: str, names: Iterable[str], what: str, otherwise: str) -> None:
    names = list(names)
    if name in names:
        return
    close = difflib.get_close_matches(name, names, n=1)
    raise AiUsageError(f"{what} {name}: {f'did you mean {close[0]}?' if close else otherwise}")
