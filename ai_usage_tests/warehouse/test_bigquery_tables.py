"""A table whose rows would vanish by themselves, or whose texts compare otherwise, is refused."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery

from ai_usage.errors import WarehouseError
from ai_usage.warehouse.bigquery_tables import declared, inherited_defaults, refuse_drift
from ai_usage.warehouse.schema import table_schema

SCHEMA = table_schema("raw_ai_events")
NAME = "p.d.raw_ai_events"


def there(**properties: Any) -> bigquery.Table:
    """The table as BigQuery describes it, but for some of its properties."""
    resource = declared(SCHEMA, NAME).to_api_repr()
    return bigquery.Table.from_api_repr({**resource, **properties})


def collated(name: str) -> list[dict[str, Any]]:
    fields = declared(SCHEMA, NAME).to_api_repr()["schema"]["fields"]
    return [f | ({"collation": "und:ci"} if f["name"] == name else {}) for f in fields]


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        (
            {"expirationTime": "1798761600000"},
            r"expires on 2027-01-01.*expiration_timestamp = NULL",
        ),
        (
            {
                "timePartitioning": {
                    "type": "DAY",
                    "field": "event_date",
                    "expirationMs": "5184000000",
                }
            },
            r"each day is deleted after 60 days.*partition_expiration_days = NULL",
        ),
        ({"schema": {"fields": collated("user_email")}}, r"user_email has a collation"),
        ({"defaultCollation": "und:ci"}, r"default collation und:ci.*DEFAULT COLLATE ''"),
    ],
    ids=["table", "partitions", "column", "columns-to-come"],
)
def test_what_a_dataset_handed_down_is_drift_with_its_remedy(
    properties: dict[str, Any], says: str
) -> None:
    with pytest.raises(WarehouseError, match=says):
        refuse_drift(SCHEMA, NAME, there(**properties))


def test_a_table_as_declared_has_no_drift() -> None:
    refuse_drift(SCHEMA, NAME, there())
    refuse_drift(SCHEMA, NAME, there(expirationTime=None, defaultCollation=""))
    assert declared(SCHEMA, NAME).to_api_repr()["expirationTime"] is None, "asked for expressly"


def test_a_dataset_without_defaults_hands_nothing_down() -> None:
    plain = {"datasetReference": {"projectId": "p", "datasetId": "d"}, "isCaseInsensitive": False}
    assert inherited_defaults(bigquery.Dataset.from_api_repr(plain)) == []
