"""The UTC day of an instant, in ibis: its own `.date()` goes by the session's time zone."""

from __future__ import annotations

from typing import Any


def utc_day(instant: Any) -> Any:
    """The UTC day of an ibis TIMESTAMP, from 1970 on: whole days since the first of them.

    DuckDB counts midnights of the session's zone; our sessions there are in UTC.
    """
    import ibis

    epoch = ibis.timestamp("1970-01-01T00:00:00+00:00")
    days = instant.delta(epoch, unit="day")
    # DuckDB's sum of a DATE and an interval is a TIMESTAMP, which ibis does not know: a cast to
    # DATE alone would be left out. Neither type has a zone.
    return (ibis.date("1970-01-01") + days.as_interval("D")).cast("timestamp").cast("date")
