"""Who may read what of old tables in BigQuery: grants, row policies, tags, authorised views."""

from __future__ import annotations

import json
from typing import Any

from google.api_core import exceptions as api
from google.cloud import bigquery

from ai_usage.migration.bigquery_statements import Place
from ai_usage.migration.sources import MigrationError
from ai_usage.warehouse.bigquery_jobs import LOOK_RETRY, said

Grant = tuple[str, str]
"""A role, and a member who has it on this table or view itself."""


def grants(client: bigquery.Client, place: Place) -> frozenset[Grant]:
    """Who has which role on the table or view itself; what a dataset gives is not among it."""
    bindings = client.get_iam_policy(place.name, retry=LOOK_RETRY).bindings
    return frozenset((one["role"], member) for one in bindings for member in one["members"])


def give(client: bigquery.Client, place: Place, missing: frozenset[Grant]) -> None:
    """Give the members their roles on the table or view."""
    if not missing:
        return
    policy = client.get_iam_policy(place.name, retry=LOOK_RETRY)
    bindings = list(policy.bindings)
    bindings += [{"role": role, "members": {member}} for role, member in sorted(missing)]
    policy.bindings = bindings
    client.set_iam_policy(place.name, policy)


def row_policies(client: bigquery.Client, place: Place) -> dict[str, str]:
    """The row policies of a table: each one's name and filter.

    The client has no method for Google's `rowAccessPolicies.list`; a test holds its own against it.
    """
    path = f"/projects/{place.project}/datasets/{place.dataset}/tables/{place.table}"
    found: dict[str, str] = {}
    token: str | None = ""
    while token is not None:
        answer: dict[str, Any] = client._connection.api_request(  # type: ignore[no-untyped-call]
            method="GET",
            path=f"{path}/rowAccessPolicies",
            query_params={"pageToken": token} if token else {},
        )
        for one in answer.get("rowAccessPolicies") or ():
            name = one["rowAccessPolicyReference"]["policyId"]
            found[name] = one.get("filterPredicate", "")
        token = answer.get("nextPageToken") or None
    return found


def tagged_columns(table: bigquery.Table) -> list[str]:
    """Columns that only some may read."""
    return [field.name for field in table.schema if field.policy_tags is not None]


def authorise(client: bigquery.Client, dataset: str, view: Place, *, may: bool = True) -> None:
    """Let the view read the dataset's tables for whoever may read the view, or not any more.

    Raises `MigrationError` where the caller may not say so: it takes the dataset's owner.
    """
    found = client.get_dataset(dataset, retry=LOOK_RETRY)
    entry = {"projectId": view.project, "datasetId": view.dataset, "tableId": view.table}
    kept = list(found.access_entries)
    others = [one for one in kept if not (one.entity_type == "view" and one.entity_id == entry)]
    wanted = [*others, bigquery.AccessEntry(None, "view", entry)] if may else others
    if len(wanted) == len(kept):
        return
    found.access_entries = wanted
    try:
        client.update_dataset(found, ["access_entries"])
    except api.Forbidden as error:
        raise MigrationError(
            f"{view.name}: it takes an owner of {dataset} to let a view read it for others: "
            f"{said(error)}"
        ) from error


def shown(found: frozenset[Grant]) -> str:
    """Grants in words, in order."""
    return json.dumps(sorted(found)) if found else "none"
