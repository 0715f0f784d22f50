"""Hold the statements of today against those of before, value by value.

    python -m ai_usage_tests.oracle --seeds 0-299
    python -m ai_usage_tests.oracle --seeds 17 --relations fact_ai_costs,vw_reconciliation
    python -m ai_usage_tests.oracle --home /path/to/a/home

Seeds are made-up companies (`companies.company`), built in memory, and compared in every column
of every table and view that was there before (`relations.RELATIONS`; what may differ is `ALLOWED`),
the views as of two days; `--quick`: of one of them, by turns. `--home` takes the base tables of a
DuckDB warehouse, which is read and not written, builds facts and views by both statements month by
month, and compares them as of its last day with an event and as of the end of the month before.
Prints a line for each difference: company and day, relation, key, column, both values. Exit status
1 where there is one.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ai_usage_tests.oracle.companies import company
from ai_usage_tests.oracle.compare import Comparison, Difference
from ai_usage_tests.oracle.relations import RELATIONS
from ai_usage_tests.oracle.warehouse import compare_warehouse

SHOWN_PER_SEED = 10


def say(text: str) -> None:
    """A line for whoever waits."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def numbers(text: str) -> list[int]:
    """`3`, `0-299`, `1,5,7-9`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m ai_usage_tests.oracle", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seeds", type=numbers, default=[], help="as 0-299 or 3,5")
    parser.add_argument("--relations", default="", help="names between commas; default: all")
    parser.add_argument("--quick", action="store_true", help="views as of one day a company")
    parser.add_argument("--home", type=Path, help="a home, or a DuckDB file")
    given = parser.parse_args(arguments)
    names = [name for name in given.relations.split(",") if name]
    unknown = set(names) - {relation.name for relation in RELATIONS}
    if unknown:
        parser.error(f"no such relation: {', '.join(sorted(unknown))}")
    if given.home is not None:
        found = compare_warehouse(given.home, names, say)
        for difference in found:
            say(str(difference))
        say(f"{given.home}: {len(found)} differences")
        return bool(found)
    if not given.seeds:
        parser.error("give --seeds or --home")
    differing: list[int] = []
    begun = time.monotonic()
    with Comparison(names) as comparison:
        for n, seed in enumerate(given.seeds, 1):
            told = comparison.company(company(seed), quick=given.quick)
            if told:
                differing.append(seed)
                _show(told)
            if told or n % 10 == 0 or n == len(given.seeds):
                spent = time.monotonic() - begun
                say(f"{n} of {len(given.seeds)} companies, {len(differing)} differ, {spent:.0f} s")
    if differing:
        say(f"differ: {', '.join(map(str, differing))}")
    return bool(differing)


def _show(told: list[Difference]) -> None:
    """The first differences of each relation and column."""
    shown: set[tuple[str, str]] = set()
    for difference in told:
        place = (difference.relation, difference.column)
        if place not in shown and len(shown) < SHOWN_PER_SEED:
            shown.add(place)
            say(str(difference))
    if len(told) > len(shown):
        say(f"{told[0].where}: {len(told)} differences in all")


if __name__ == "__main__":
    sys.exit(main())
