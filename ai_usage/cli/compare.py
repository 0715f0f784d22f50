"""`ai-usage compare-warehouses`: whether two warehouses hold the same, value by value."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from rich.console import Console

from ai_usage.cli.harmless import say
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import ENV_FILE_SETTING, PREFIX, Settings
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.compare import compare_views, compare_warehouses
from ai_usage.warehouse.relations import is_internal, layer_of, relations
from ai_usage.warehouse.schema import table_names


def other_settings(file: Path) -> Settings:
    """The settings of another installation's file, whatever this process's own are."""
    if not file.is_file():
        raise AiUsageError(
            f"{file}: there is no such file; give one like .env with the settings of the other "
            "warehouse."
        )
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return Settings.load({**others, ENV_FILE_SETTING: str(file)})


def compare_installations(
    console: Console,
    settings: Settings,
    other: Path,
    window: Window | None,
    limit: int,
    *,
    internal: bool = False,
) -> bool:
    """Print the first differences between this warehouse and the other's; True if there are none.

    With a window the tables are compared on its days, and views not at all: they show other days.
    What is internal is compared if `internal`, but for staging views: they are the events again.
    """
    left, right = _warehouse(settings), _warehouse(other_settings(other))
    console.print(
        f"left: {left.describe()}\nright: {right.describe()}", highlight=False, soft_wrap=True
    )
    if not any(left.exists(table) for table in table_names()):
        raise AiUsageError(f"{left.describe()}: there is nothing yet to compare.")
    compared = [name for name in relations() if internal or not is_internal(name)]
    tables = [name for name in compared if relations()[name] == "table"]
    views = [name for name in compared if name not in tables and layer_of(name) != "staging"]
    differences = compare_warehouses(left, right, tables, within=window)
    shown = list(islice(differences, limit + 1))
    if window is None and len(shown) <= limit:
        shown += islice(compare_views(left, right, views), limit + 1 - len(shown))
    for difference in shown[:limit]:
        say(console, str(difference))
    if len(shown) > limit:
        console.print(f"the first {limit} differences; there are more", highlight=False)
    elif shown:
        console.print(f"{len(shown)} differences", highlight=False)
    else:
        what = f"the days {window}" if window else "every table and view"
        left_out = "" if internal else ", internal ones left out"
        console.print(f"no difference in {what}{left_out}", highlight=False)
    return not shown


def _warehouse(settings: Settings) -> Warehouse:
    return warehouse_resource(settings).warehouse()
