"""The whole graph on one page.

`build_defs` is the seam for tests and the CLI: give it settings, vendors or resources of your own.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import dagster as dg

from ai_usage.alerts.alerts import Alerts
from ai_usage.instance.partitions import daily_partitions
from ai_usage.orchestration.assets.dashboard import dashboard_copy_asset
from ai_usage.orchestration.assets.dimensions import Declared, dimension_assets
from ai_usage.orchestration.assets.directories import directory_assets
from ai_usage.orchestration.assets.finance import FinanceSnapshot, finance_assets, known_people
from ai_usage.orchestration.assets.focus import focus_asset
from ai_usage.orchestration.assets.ledger import ledger_assets
from ai_usage.orchestration.assets.loaded_days import loaded_days_asset
from ai_usage.orchestration.assets.migration import (
    migration_differences_asset,
    migration_log_asset,
    migration_writes_asset,
)
from ai_usage.orchestration.assets.raw_events import raw_events_asset
from ai_usage.orchestration.assets.reference import reference_assets
from ai_usage.orchestration.assets.report import monthly_report_asset
from ai_usage.orchestration.assets.reported_spend import reported_spend_assets
from ai_usage.orchestration.assets.sources import source_assets
from ai_usage.orchestration.assets.sql_tables import sql_table_assets
from ai_usage.orchestration.assets.sql_views import view_assets
from ai_usage.orchestration.automation import automation, fresh_within
from ai_usage.orchestration.checks.bills import bills_due_check
from ai_usage.orchestration.checks.charges import charge_share_check, charges_known_check
from ai_usage.orchestration.checks.directory_records import directory_records_check
from ai_usage.orchestration.checks.factory import warehouse_checks
from ai_usage.orchestration.checks.identity import one_identity_check
from ai_usage.orchestration.checks.metrics import metric_checks
from ai_usage.orchestration.checks.migration import migration_checks
from ai_usage.orchestration.checks.sql_checks import completeness_check, fact_checks
from ai_usage.orchestration.io_managers import WarehouseIOManager
from ai_usage.orchestration.resources import resources_of
from ai_usage.orchestration.run_history import catalogue_of_definitions
from ai_usage.orchestration.sensors import alert_sensors
from ai_usage.settings import Settings
from ai_usage.vendors.base import Vendor, discovered_vendors
from ai_usage.warehouse.schema import table_names


def build_defs(
    settings: Settings | None = None,
    vendors: Sequence[Vendor] | None = None,
    **resources: Any,
) -> dg.Definitions:
    """Every asset, check and resource. Unset: the environment's settings, every vendor found."""
    settings = settings or Settings.load()
    vendors = discovered_vendors() if vendors is None else vendors
    given = resources_of(settings, vendors) | resources
    partitions = daily_partitions(settings)
    declared = Declared.of(settings, vendors)
    assets = [
        *source_assets(vendors, partitions),
        *directory_assets(settings, partitions),
        focus_asset(settings, vendors, partitions),
        *reference_assets(settings, known_people(declared), partitions),
        raw_events_asset(declared, partitions),
        loaded_days_asset(vendors, partitions),
        *reported_spend_assets(vendors, partitions),
        *ledger_assets(vendors, partitions),
        migration_log_asset(partitions),
        migration_differences_asset(settings, partitions),
        migration_writes_asset(settings, partitions),
        *dimension_assets(
            declared, lambda directory: FinanceSnapshot(directory).list_prices(), partitions
        ),
        *finance_assets(declared, partitions),
        *sql_table_assets(settings, partitions),
        *view_assets(partitions),
    ]
    names = {asset.key.path[-1] for asset in assets}
    checks = [
        *warehouse_checks((t for t in table_names() if t in names), partitions),
        *fact_checks(settings, partitions),
        one_identity_check(partitions),
        charges_known_check(partitions),
        charge_share_check(partitions),
        directory_records_check(declared, partitions),
        completeness_check(vendors, partitions),
        bills_due_check(),
        *metric_checks(settings, vendors, partitions),
        *migration_checks(partitions),
    ]
    assets.append(dashboard_copy_asset(settings, partitions, checks))
    assets.append(monthly_report_asset(settings, partitions))
    assets = fresh_within(settings, assets)
    automated = automation(settings, vendors, assets)
    alerts = Alerts(settings, vendors, catalogue_of_definitions(assets, checks))
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=automated.jobs,
        schedules=automated.schedules,
        sensors=[*automated.sensors, *alert_sensors(alerts)],
        resources={"io_manager": WarehouseIOManager(resource=given["warehouse"]), **given},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` loads. Made only when Dagster asks, so that importing has no effect."""
    with warnings.catch_warnings():
        # One a definition, at every load: partitioned checks are a preview; the version is pinned.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        warnings.simplefilter("ignore", dg.BetaWarning)
        return build_defs()
