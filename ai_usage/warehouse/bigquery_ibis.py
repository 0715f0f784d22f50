"""An ibis connection to BigQuery that costs no more than the queries it is asked for.

This takes names that ibis and Google's client keep to themselves: they stand here and nowhere else.
Both are pinned; `ai_usage_tests/architecture/test_private_names.py` says which of them is gone.
"""

from __future__ import annotations

import copy
from typing import Any

from google.cloud import bigquery

SESSION_DATASET = "_Backend__session_dataset"
"""Of ibis's backend: the dataset of a session's tables, which it asks a query of its own for."""
CREDENTIALS = "_credentials"
"""Of Google's client: what it was made with."""
STORAGE_CLIENT = "_ensure_bqstorage_client"
"""Of Google's client: makes a channel to the Storage API, as soon as rows are fetched."""


def connect(client: bigquery.Client, project: str, dataset: str, location: str | None) -> Any:
    """The connection, which asks through the client and has the dataset for its own."""
    import ibis

    bounds = copy.deepcopy(client.default_query_job_config)
    connection = ibis.bigquery.connect(
        dataset_id=f"{project}.{dataset}",
        client=client,
        credentials=getattr(client, CREDENTIALS),
        location=location,
    )
    # ibis adds a setting of the old dialect, with which no query is asked in one request.
    client.default_query_job_config = bounds
    # Checks make no tables of a session.
    setattr(connection, SESSION_DATASET, bigquery.DatasetReference(project, dataset))
    # Checks fetch a handful of rows: no channel to the Storage API is worth its price.
    connection.storage_client.transport.close()
    connection.storage_client = None
    setattr(client, STORAGE_CLIENT, lambda *_, **__: None)
    return connection
