"""Dagster's side of the BigQuery warehouse: the client, its credentials, and the jobs' labels.

Imported only where the settings say `bigquery`: importing `dagster_gcp` takes seconds.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from threading import local
from typing import Any

import dagster as dg
import google.auth
from dagster_gcp import BigQueryResource
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery
from pydantic import Field

from ai_usage.errors import SettingsError
from ai_usage.orchestration.warehouse_resource import WarehouseResource
from ai_usage.settings import Settings
from ai_usage.warehouse.base import Warehouse
from ai_usage.warehouse.bigquery import BigQueryWarehouse

_REFRESH_SECONDS = 300
_NOBODY = AnonymousCredentials()
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


class EndpointBigQueryResource(BigQueryResource):
    """Dagster's BigQuery resource, with a key file read in place and an endpoint to be named.

    Dagster's own copies the key to a temporary file and into the process's environment.
    """

    credentials_file: str | None = Field(
        default=None,
        description="Service-account key (JSON). Default: application default credentials.",
    )
    endpoint: str | None = Field(
        default=None,
        description="API endpoint, where it is not Google's public one. One with http:// is an "
        "emulator: no credentials are sent to it.",
    )

    @contextmanager
    def get_client(self, location: str | None = None) -> Iterator[bigquery.Client]:
        """A client for jobs in a location, over its thread's line to Google.

        The line stays open for the next one: to be greeted anew takes longer than most questions.
        """
        credentials = self._credentials()
        yield bigquery.Client(
            project=self.project,
            location=location or self.location,
            credentials=credentials,
            client_options={"api_endpoint": self.endpoint} if self.endpoint else None,
            _http=line(credentials),
        )

    def _credentials(self) -> Credentials:
        if self.endpoint and self.endpoint.startswith("http://"):
            return _NOBODY
        return _credentials(self.credentials_file)


_LINES = local()
"""Of each thread: its sessions, by the credentials that they carry."""


def line(credentials: Credentials) -> AuthorizedSession:
    """The thread's session with these credentials, made as Google's client makes its own."""
    mine: dict[tuple[int, int], AuthorizedSession] = _LINES.__dict__.setdefault("sessions", {})
    # A process that was forked must not speak on its parent's line.
    key = (os.getpid(), id(credentials))
    if key not in mine:
        mine[key] = AuthorizedSession(credentials, refresh_timeout=_REFRESH_SECONDS)
        mine[key].configure_mtls_channel()
    return mine[key]


@cache
def _credentials(file: str | None) -> Credentials:
    # Once a process: every client shares the token, instead of fetching its own.
    found: Credentials
    if file is None:
        found, _ = google.auth.default(scopes=SCOPES)
        return found
    try:
        found, _ = google.auth.load_credentials_from_file(file, scopes=SCOPES)
        return found
    except (OSError, google.auth.exceptions.DefaultCredentialsError) as error:
        raise SettingsError(
            f"AI_USAGE_BIGQUERY_CREDENTIALS={file}: no readable key of a service account (JSON)."
        ) from error


class BigQueryWarehouseResource(WarehouseResource):
    """The warehouse in a BigQuery dataset."""

    client: dg.ResourceDependency[EndpointBigQueryResource]
    project: str
    dataset: str
    views_dataset: str | None = None
    internal_dataset: str | None = None
    location: str | None = None
    maximum_bytes_billed: int | None = None
    job_minutes: int = 15
    storage_api: bool = True

    def warehouse(self) -> Warehouse:
        """The warehouse in the dataset."""
        return BigQueryWarehouse(
            connect=self.client.get_client,
            job_timeout=timedelta(minutes=self.job_minutes),
            project=self.project,
            dataset=self.dataset,
            views_dataset=self.views_dataset,
            internal_dataset=self.internal_dataset,
            location=self.location,
            maximum_bytes_billed=self.maximum_bytes_billed,
            storage_api=self.storage_api,
            labels=running_labels,
        )


def running_labels() -> Mapping[str, str]:
    """What the step that runs now is about: asset, partitions and run. Empty outside of a run."""
    context = _running()
    if context is None:
        return {}
    labels = {"run": context.run_id, "asset": context.op.name}
    if context.has_partition_key_range:
        span = context.partition_key_range
        labels["partition"] = span.start if span.start == span.end else f"{span.start}_{span.end}"
    elif context.has_partition_key:
        labels["partition"] = context.partition_key
    return labels


def _running() -> Any:
    for kind in (dg.AssetExecutionContext, dg.AssetCheckExecutionContext):
        try:
            return kind.get().op_execution_context
        except (dg.DagsterInvariantViolationError, LookupError):
            continue
    return None


def bigquery_resource(settings: Settings) -> BigQueryWarehouseResource:
    """The resource that the settings name; `Settings.load` saw to it that there is a project."""
    return BigQueryWarehouseResource(
        client=EndpointBigQueryResource(
            project=settings.bigquery_project,
            location=settings.bigquery_location,
            credentials_file=(
                str(settings.bigquery_credentials) if settings.bigquery_credentials else None
            ),
            endpoint=settings.bigquery_endpoint,
        ),
        project=str(settings.bigquery_project),
        dataset=settings.dataset,
        views_dataset=settings.views_dataset,
        internal_dataset=settings.internal_dataset,
        location=settings.bigquery_location,
        maximum_bytes_billed=settings.maximum_bytes_billed,
        job_minutes=settings.bigquery_job_minutes,
        # The Storage API has an endpoint of its own, which is not named by the other.
        storage_api=settings.bigquery_endpoint is None,
    )
