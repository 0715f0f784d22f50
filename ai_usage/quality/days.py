"""The UTC day of an instant, in ibis: its own `.date()` goes by the session's time zone."""

from __future__ import annotations

from typing import Any


def utc_day(instant: Any) -> Any:
    """The UTC day of an ibis TIMESTAMP: whole days since 1970.

    DuckDB counts seconds in the session's zone; our sessions there are in UTC. Its difference of
    two instants with a zone asks a calendar, at forty times the price.
    """
    import ibis

    days = instant.epoch_seconds() // 86_400
    # DuckDB's sum of a DATE and an interval is a TIMESTAMP, which ibis does not know: a cast to
    # DATE alone would be left out. Neither type has a zone.
    return (ibis.date("1970-01-01") + days.as_interval("D")).cast("timestamp").cast("date")
