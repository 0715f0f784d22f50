"""Dimensions, key mappings and the identity bridge: small tables, rebuilt from all snapshots held.

Their partitions say that a day's snapshot is folded in; folding reads every snapshot of the
archive, so the result depends neither on the order of the days nor on how often they ran.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.directories import DIRECTORIES
from ai_usage.identity import (
    Activity,
    Identity,
    IdentityInputs,
    Snapshot,
    api_keys_of,
    dim_dates,
    dim_platforms,
    members_of,
)
from ai_usage.identity.history import People
from ai_usage.identity.reported import Reported
from ai_usage.instance.partitions import ONE_RUN
from ai_usage.ledger.closing import closings
from ai_usage.orchestration.assets.common import DATA_PLATFORM, FINANCE, explained, table_metadata
from ai_usage.orchestration.assets.directories import directory_key
from ai_usage.orchestration.assets.reference import reference_key
from ai_usage.orchestration.assets.sources import source_key
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.reference import VENDOR, Row, decode, reference_file
from ai_usage.reference.known import USERS
from ai_usage.reference.states import newest_rows
from ai_usage.settings import Settings
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.fetching import Reading, read_rows
from ai_usage.vendors.rows import ApiKey, Person
from ai_usage.warehouse.base import Query, Warehouse
from ai_usage.warehouse.schema import table_schema

CHARGING = {
    "allocation_rules.csv": "cost_center",
    "budgets.csv": "scope_value",
    "other_costs.csv": "cost_center",
    "seats.csv": "cost_center",
}
"""Files that name cost centres besides people's and keys', and the column that does."""

_ACTIVITY = """
SELECT
  platform, identity_type, identity_value,
  MIN(event_date) AS first_day, MAX(event_date) AS last_day
FROM (
  SELECT
    platform, event_date,
    CASE
      WHEN user_email IS NOT NULL THEN 'email'
      WHEN api_key_id IS NOT NULL THEN 'api_key_id'
      ELSE 'api_key_name'
    END AS identity_type,
    COALESCE(user_email, api_key_id, actor_name) AS identity_value
  FROM raw_ai_events
  WHERE event_date >= @start
) AS seen
WHERE identity_value IS NOT NULL
GROUP BY 1, 2, 3
"""


class Directory:
    """What the archive and the warehouse know of people and keys; worked out once a run."""

    def __init__(self, settings: Settings, vendors: Sequence[Vendor], archive: Archive) -> None:
        self.settings = settings
        self.vendors = vendors
        self.archive = archive
        self._built: tuple[str, Identity] | None = None

    def identity(self, run_id: str, warehouse: Warehouse) -> Identity:
        """Who is who, from every snapshot held and every event loaded."""
        if self._built is None or self._built[0] != run_id:
            inputs = IdentityInputs(
                snapshots=list(self.snapshots()),
                now=self.settings.now,
                activity=self._activity(warehouse),
                key_name_patterns={v.name: v.key_name_patterns for v in self.vendors},
                cost_centers=self._charged_cost_centers(),
                reported=[
                    Reported(
                        total.user_sk,
                        total.user_email,
                        total.full_name,
                        total.department,
                        total.team,
                        total.cost_center,
                    )
                    for closing in closings(self.archive)
                    for total in closing.totals
                ],
            )
            self._built = run_id, Identity(inputs)
        return self._built[1]

    def people(self, users: Sequence[Row] | None = None) -> People:
        """Everyone's versions and aliases, from every snapshot held.

        `users` are today's rows of users.csv where they are not archived yet.
        """
        snapshots = list(self.snapshots())
        if users is not None:
            newest = Snapshot(self.settings.today, USERS, users)
            snapshots = [*(s for s in snapshots if s[:2] != newest[:2]), newest]
        return Identity(IdentityInputs(snapshots, self.settings.now)).people

    def known_people(self) -> list[Row] | None:
        """Every address that a directory has ever listed, with its teams, as users.csv would.

        None while a configured one has never been read: nobody can be called unknown then.
        """
        if self.unread():
            return None
        people = self.people()
        versions = [version for own in people.versions.values() for version in own]
        return [
            *({"user_email": v.user_email, "aliases": (), "team": v["team"]} for v in versions),
            *({"user_email": alias, "aliases": ()} for alias in people.aliases.own),
        ]

    def unread(self) -> list[str]:
        """The configured directories of people that have never been read, by their titles."""
        own = [
            directory.endpoint(self.settings)
            for directory in DIRECTORIES
            if directory.lists_people and directory.is_configured(self.settings)
        ]
        vendors = [
            (vendor, endpoint)
            for vendor in self.vendors
            if self.settings.vendor_secret(vendor.key_setting) is not None
            for endpoint in vendor.endpoints
            if endpoint.yields is Person
        ]
        return [v.title for v, e in (*own, *vendors) if self._span(v.name, e.name) is None]

    def snapshots(self) -> Iterator[Snapshot]:
        """Every day's newest snapshot of every directory and every register."""
        for name in ("users.csv", "api_keys.csv"):
            file = reference_file(name)
            for day, pages in self._held(VENDOR, file.stem):
                yield Snapshot(
                    day, file.name, [row for page in pages for row in decode(file, page)]
                )
        for directory in DIRECTORIES:
            for reading in self._readings(*directory.endpoint(self.settings)):
                yield from directory.snapshots(reading.days[0], reading.rows)
        sources = {Person: members_of, ApiKey: api_keys_of}
        for vendor in self.vendors:
            for endpoint in vendor.endpoints:
                source = sources.get(endpoint.yields)
                if source is None:
                    continue
                for reading in self._readings(vendor, endpoint):
                    yield Snapshot(reading.days[0], source(vendor.name), list(reading.rows))

    def maintained_platforms(self) -> list[dict[str, Any]]:
        """The rows of the last accepted `platforms.csv`; none without one."""
        return newest_rows(self.archive, reference_file("platforms.csv")) or []

    def _charged_cost_centers(self) -> set[str]:
        """Cost centres that the accepted states of finance's files charge or budget."""
        named = {
            row[column]
            for name, column in CHARGING.items()
            for row in newest_rows(self.archive, reference_file(name)) or []
            if column != "scope_value" or row["scope_type"] == "cost_center"
        }
        return named - {None}

    def _readings(self, vendor: Vendor, endpoint: Endpoint) -> Iterator[Reading]:
        span = self._span(vendor.name, endpoint.name)
        return read_rows(vendor, endpoint, span, self.archive) if span else iter(())

    def _span(self, vendor: str, endpoint: str) -> Window | None:
        complete = [f for f in self.archive.fetches(vendor, endpoint) if f.complete]
        if not complete:
            return None
        return Window(min(f.window.start for f in complete), max(f.window.end for f in complete))

    def _held(self, vendor: str, endpoint: str) -> Iterator[tuple[date, list[bytes]]]:
        span = self._span(vendor, endpoint)
        for fetch, days in self.archive.coverage(vendor, endpoint, span) if span else ():
            yield days[0], list(self.archive.pages(fetch))

    def _activity(self, warehouse: Warehouse) -> Activity:
        if not warehouse.exists("raw_ai_events"):
            return {}
        query = Query(_ACTIVITY, {"start": date(1900, 1, 1)})
        return {
            (row["platform"], row["identity_type"], row["identity_value"]): (
                row["first_day"],
                row["last_day"],
            )
            for row in warehouse.rows(query)
        }


def people_keys(vendors: Sequence[Vendor]) -> list[dg.AssetKey]:
    """The directories of people, as assets."""
    members = [
        source_key(vendor, endpoint)
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields is Person
    ]
    return [*(directory_key(d) for d in DIRECTORIES if d.lists_people), *members]


def dimension_assets(
    directory: Directory,
    list_prices: Callable[[], Mapping[tuple[str, str], Mapping[str, Any]]],
    partitions: dg.PartitionsDefinition[str],
) -> list[dg.AssetsDefinition]:
    """The dimensions, `api_key_mappings` and `bridge_user_identity`.

    `list_prices` are what the contracts say of a product: see `finance.list_prices`.
    """
    settings, vendors = directory.settings, directory.vendors
    sources = [
        source_key(vendor, endpoint)
        for vendor in vendors
        for endpoint in vendor.endpoints
        if endpoint.yields in (Person, ApiKey)
    ]
    files = [reference_key(reference_file(name)) for name in ("users.csv", "api_keys.csv")]
    own = [directory_key(directory) for directory in DIRECTORIES]
    known = [*sources, *own, *files, "raw_ai_events"]

    def from_identity(table: str, group: str, deps: Sequence[Any]) -> dg.AssetsDefinition:
        return _dimension(
            table,
            group,
            deps,
            lambda run_id, warehouse: getattr(directory.identity(run_id, warehouse), table)(),
            partitions,
        )

    return [
        from_identity("dim_users", "dimensions", known),
        from_identity("api_key_mappings", "identity", known),
        from_identity("bridge_user_identity", "identity", ["dim_users", "api_key_mappings"]),
        from_identity(
            "dim_cost_centers",
            "dimensions",
            [
                "dim_users",
                "api_key_mappings",
                *(reference_key(reference_file(name)) for name in CHARGING),
            ],
        ),
        _dimension(
            "dim_platforms",
            "dimensions",
            [
                reference_key(reference_file(name))
                for name in ("platforms.csv", "seats.csv", "fx_rates.csv")
            ],
            lambda _run, _warehouse: dim_platforms(
                [row for vendor in vendors for row in vendor.platforms],
                directory.maintained_platforms(),
                list_prices(),
                settings.now,
                {vendor.name: vendor.title for vendor in vendors},
            ),
            partitions,
        ),
        _dimension(
            "dim_dates",
            "dimensions",
            [],
            lambda _run, _warehouse: dim_dates(
                settings.first_day - timedelta(days=31), settings.today
            ),
            partitions,
        ),
    ]


def _dimension(
    table: str,
    group: str,
    deps: Sequence[Any],
    build: Callable[[str, Warehouse], list[dict[str, Any]]],
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    schema = table_schema(table)

    @dg.asset(
        name=table,
        description=schema.description,
        deps=deps,
        group_name=group,
        kinds={"python", "table"},
        owners=[FINANCE if group == "identity" else DATA_PLATFORM],
        metadata=table_metadata(table),
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        io_manager_key="io_manager",
    )
    def dimension(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[WarehouseResource]
    ) -> pa.Table:
        with explained():
            return schema.to_arrow(build(context.run_id, warehouse.warehouse()))

    return dimension
