"""What `ai-usage doctor` says of BigQuery: the datasets, what this account may do, and bytes.

What an account may is tried, not only asked: a table is made, filled, read and dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ai_usage.cli.doctor_finding import Finding
from ai_usage.errors import AiUsageError
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.bigquery import BigQueryWarehouse
from ai_usage.warehouse.bigquery_trial import refused_statements, tried
from ai_usage.warehouse.relations import relations
from ai_usage.warehouse.schema import table_names
from ai_usage.warehouse.views import published_views


def findings(settings: Settings, warehouse: Warehouse) -> Iterator[Finding]:
    """Datasets, permissions, a trial in each, and a dry run of every statement and view."""
    if not isinstance(warehouse, BigQueryWarehouse):
        return
    datasets = [_dataset(warehouse, dataset) for dataset in warehouse.datasets]
    yield from datasets
    if not all(finding.ok for finding in datasets):
        return
    yield _permissions(warehouse)
    yield from (_trial(warehouse, dataset) for dataset in warehouse.datasets)
    if all(map(warehouse.exists, relations())):
        yield _statements(warehouse, settings.today)
    limit = settings.maximum_bytes_billed
    for view in published_views():
        try:
            if not warehouse.exists(view):
                continue
            size = warehouse.estimate(f"SELECT * FROM {view}")
        except AiUsageError as error:
            yield Finding(view, False, str(error))
            continue
        detail = f"reading it all processes {human(size)}"
        if size > limit:
            detail += f", more than AI_USAGE_MAXIMUM_BYTES_BILLED ({human(limit)}) allows"
        yield Finding(view, size <= limit, detail)


def _dataset(warehouse: BigQueryWarehouse, dataset: str) -> Finding:
    what = f"dataset {dataset}"
    try:
        location = warehouse.dataset_location(dataset)
    except AiUsageError as error:
        return Finding(what, False, str(error))
    if warehouse.location and location.upper() != warehouse.location.upper():
        return Finding(
            what,
            False,
            f"it is in {location}, AI_USAGE_BIGQUERY_LOCATION says {warehouse.location}",
        )
    defaults = warehouse.dataset_defaults(dataset)
    if defaults:
        return Finding(what, False, "; ".join(defaults))
    return Finding(what, True, f"in {location}; nothing expires, texts compare exactly")


def _permissions(warehouse: BigQueryWarehouse) -> Finding:
    # The first table of each dataset: what an account may is granted on datasets.
    present: dict[str, str] = {}
    for table in table_names():
        if warehouse.dataset_of(table) not in present and warehouse.exists(table):
            present[warehouse.dataset_of(table)] = table
    try:
        warehouse.estimate("SELECT 1 AS one")
        if not present:
            return Finding("permissions", True, "may run queries; there is no table yet to ask of")
        lacking = sorted(
            f"{permission} in {dataset}"
            for dataset, table in present.items()
            for permission in warehouse.lacking_permissions(table)
        )
    except AiUsageError as error:
        return Finding("permissions", False, str(error))
    if lacking:
        names = ", ".join(lacking)
        return Finding(
            "permissions", False, f"the account lacks {names}; docs/deploy.md names the roles"
        )
    return Finding("permissions", True, "may run queries, read and write the tables")


def _trial(warehouse: BigQueryWarehouse, dataset: str) -> Finding:
    what = f"trial in {dataset}"
    try:
        tried(warehouse, dataset)
    except AiUsageError as error:
        return Finding(what, False, str(error))
    return Finding(what, True, "a table was made, filled, swapped, read and dropped")


def _statements(warehouse: BigQueryWarehouse, today: date) -> Finding:
    refused = list(refused_statements(warehouse, today))
    if refused:
        return Finding("statements", False, "; ".join(refused))
    return Finding("statements", True, "each that builds a table can be planned")


def human(size: int) -> str:
    """A number of bytes for a person."""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"
