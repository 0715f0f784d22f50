"""Jobs of BigQuery: their session, their bounds, what is tried again, and what is said then."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import cast

import requests
from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY, DEFAULT_RETRY
from google.cloud.bigquery.table import RowIterator

from ai_usage.warehouse.base import Details, Parameter, Parameters

RETRY_SECONDS = 600.0
"""How long a job is tried again that BigQuery refused for its load, or for another writer's."""

JOB_TIMEOUT = timedelta(minutes=15)
"""How long a job may take, waiting for slots included: Google's own bound is six hours."""

UTC_SESSION = bigquery.ConnectionProperty("time_zone", "UTC")
"""A project or organisation may have a default time zone, which rules whatever names none."""

_CONFLICT = re.compile(
    r"concurrent update|could not serialize|transaction is aborted"
    # The emulator's word for it.
    r"|failed to commit",
    re.I,
)
_NOT_LABEL = re.compile(r"[^a-z0-9_-]+")


def is_conflict(error: BaseException) -> bool:
    """Whether a transaction lost against another that changed the same table; it was rolled back.

    BigQuery cancels one of two transactions that change a table at once, whatever their days.
    """
    return isinstance(error, api.GoogleAPICallError) and bool(_CONFLICT.search(str(error)))


def is_transient(error: BaseException) -> bool:
    """Whether a job is worth trying again as it is: quota, or a server's error.

    An address that nobody answers has been tried long enough.
    """
    if isinstance(error, api.RetryError):
        return isinstance(error.cause, api.GoogleAPICallError) and is_transient(error.cause)
    return isinstance(error, Exception) and DEFAULT_JOB_RETRY._predicate(error)


def _may_have_landed(error: BaseException) -> bool:
    """Whether an upload is worth trying again; under one id, for its answer alone may be lost."""
    return is_transient(error) or (isinstance(error, Exception) and DEFAULT_RETRY._predicate(error))


LOOK_RETRY = DEFAULT_RETRY.with_timeout(30.0)
"""For questions about a table or dataset: an address that nobody answers is told soon."""

TRANSIENT_RETRY = Retry(predicate=is_transient, initial=1.0, maximum=30.0, timeout=RETRY_SECONDS)
"""Exponential and jittered, as Google advises."""

JOB_RETRY = TRANSIENT_RETRY.with_predicate(lambda e: is_transient(e) or is_conflict(e))
"""For a job that may be run again as it is, whoever else has written meanwhile."""

LOAD_RETRY = TRANSIENT_RETRY.with_predicate(_may_have_landed)
CONFLICT_RETRY = TRANSIENT_RETRY.with_predicate(is_conflict)

NO_ANSWER = (
    api.GoogleAPICallError,
    api.RetryError,
    GoogleAuthError,
    requests.RequestException,
)
"""What a request may end in that is no fault of ours."""


def label(text: str) -> str:
    """A value that BigQuery takes as a label: lower case, 63 characters of a-z, 0-9, _ and -."""
    return _NOT_LABEL.sub("_", text.lower())[:63]


@dataclass
class Spent:
    """What statements cost: bytes that they would process, by dry runs, did process and billed.

    What is billed is at least 10 MB for each table of a query, and of a script the sum of its
    statements. `slot_ms` is the time of BigQuery's workers. `staged_again` counts how often rows
    were worked out anew because a table that they come from was written to meanwhile.
    """

    estimated: int = 0
    processed: int = 0
    billed: int = 0
    slot_ms: int = 0
    staged_again: int = 0

    def details(self) -> Details:
        """What a materialisation notes."""
        found = {
            "bytes_estimated": self.estimated,
            "bytes_processed": self.processed,
            "bytes_billed": self.billed,
            "slot_ms": self.slot_ms,
        }
        return found | ({"staged_again": self.staged_again} if self.staged_again else {})

    def add(self, job: bigquery.QueryJob) -> None:
        """Count a job that has ended."""
        self.processed += int(job.total_bytes_processed or 0)
        self.billed += int(job.total_bytes_billed or 0)
        self.slot_ms += int(job.slot_millis or 0)


def bound(parameters: Parameters) -> bigquery.QueryJobConfig:
    """The configuration that binds a query's parameters."""
    return bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter(name, _parameter_type(value), value)
            for name, value in parameters.items()
        ]
    )


def _parameter_type(value: Parameter) -> str:
    kinds: tuple[tuple[type, str], ...] = (
        (bool, "BOOL"),
        (datetime, "TIMESTAMP"),
        (date, "DATE"),
        (int, "INT64"),
        (float, "FLOAT64"),
        (Decimal, "NUMERIC"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "STRING")


def run(
    client: bigquery.Client,
    sql: str,
    parameters: Parameters,
    spent: Spent,
    job_retry: Retry = JOB_RETRY,
) -> RowIterator:
    """Run a statement or script to its end, trying again what is worth it.

    The rows of a script are those of its last SELECT.
    """
    job = client.query(sql, job_config=bound(parameters), job_retry=job_retry)
    rows = job.result()
    spent.add(job)
    return rows


def ask(
    client: bigquery.Client,
    sql: str,
    parameters: Parameters,
    spent: Spent | None = None,
    retry: Retry = DEFAULT_RETRY,
) -> RowIterator:
    """The rows of a query; the first of them come with the answer to the question itself.

    What it cost is not told with them: to know it takes a question more.
    """
    rows = client.query_and_wait(
        sql, job_config=bound(parameters), retry=retry, job_retry=JOB_RETRY
    )
    if spent is not None and rows.job_id:
        # A note in the metadata is no reason to fail.
        with suppress(*NO_ANSWER):
            job = client.get_job(rows.job_id, location=rows.location, retry=LOOK_RETRY)
            spent.add(cast(bigquery.QueryJob, job))
    return rows


def said(error: BaseException) -> str:
    """What Google says, as one line, and the fix where the reason has a known one."""
    message = str(getattr(error, "message", "") or error).strip()
    # The client writes the request before the answer.
    line = message.splitlines()[0] if message else type(error).__name__
    line = re.sub(r"^(GET|POST|PATCH|PUT|DELETE) \S+: ", "", line).split("; reason: ")[0]
    if "bytes billed" in line:
        return f"{line} AI_USAGE_MAXIMUM_BYTES_BILLED is the limit."
    if "timed out" in line:
        return f"{line} AI_USAGE_BIGQUERY_JOB_MINUTES is the limit."
    if isinstance(error, api.Forbidden) and not is_transient(error):
        return f"{line} docs/deploy.md names the roles that the account needs."
    return line
