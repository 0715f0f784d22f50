"""Records for people to confirm: any of the window with the same chance, whoever drew them."""

from __future__ import annotations

import secrets
from typing import Any

from ai_usage.days.windows import Window
from ai_usage.migration.accuracy import COLUMNS
from ai_usage.warehouse.base import Parameters, Query, Warehouse

_SAMPLE = f"""
SELECT {", ".join(COLUMNS)}
FROM (
  SELECT
    r.event_id,
    r.event_date,
    r.platform,
    r.cost_usd,
    COALESCE(r.user_email, r.api_key_id, r.actor_name, r.workspace_id) AS reported_as,
    b.attributed_to,
    b.method,
    ROW_NUMBER() OVER (PARTITION BY r.event_id ORDER BY b.share DESC, b.attributed_to) AS n
  FROM raw_ai_events AS r
  INNER JOIN (
    SELECT
      c.event_id,
      u.user_email AS attributed_to,
      c.allocation_method AS method,
      ABS(c.allocation_percentage) AS share
    FROM fact_ai_costs AS c
    INNER JOIN dim_users AS u ON u.user_sk = c.user_sk
    WHERE
      c.cost_timestamp >= TIMESTAMP(@start, 'UTC')
      AND c.cost_timestamp < TIMESTAMP(@end, 'UTC')
      AND c.user_sk > 0
      AND c.billing_period != 'monthly'
    UNION ALL
    SELECT f.event_id, u.user_email, 'usage', 0
    FROM fact_ai_usage AS f
    INNER JOIN dim_users AS u ON u.user_sk = f.user_sk
    WHERE
      f.event_timestamp >= TIMESTAMP(@start, 'UTC')
      AND f.event_timestamp < TIMESTAMP(@end, 'UTC')
      AND f.user_sk > 0
  ) AS b ON b.event_id = r.event_id
  WHERE r.event_date >= @start AND r.event_date < @end
) AS attributed
WHERE n = 1
ORDER BY TO_HEX(SHA256(CONCAT(@seed, event_id)))
LIMIT {{count}}
"""
"""An event's largest part stands for it. Seats are no guess: who holds one is told, not found."""


def draw(
    warehouse: Warehouse, window: Window, count: int, seed: str | None = None
) -> list[dict[str, Any]]:
    """So many attributed records of the window, fewer where there are fewer, as a sheet has them.

    A `seed` draws the same again.
    """
    bound: Parameters = {
        "start": window.start,
        "end": window.end,
        "seed": seed or secrets.token_hex(),
    }
    return list(warehouse.rows(Query(_SAMPLE.format(count=int(count)), bound)))
