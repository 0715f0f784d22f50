CREATE VIEW vw_member_spend (
  platform_code OPTIONS(description="Vendor's code: the vendor that says what its members have spent (Cursor)."),
  cycle_start OPTIONS(description="UTC day on which the billing cycle (of an organisation, the contract) began, as the vendor names it. It began at an instant of that day: events are counted from there."),
  member OPTIONS(description="The member's e-mail address, the newest; the vendor's id where it names no address; Unattributed for events that name nobody."),
  snapshot_date OPTIONS(description="UTC day of the cycle's newest snapshot: a cycle is compared up to the moment of it."),
  is_latest_cycle OPTIONS(description="True for the platform's newest cycle of its kind, a team's or an organisation's contract, which may still be running."),
  reported_spend_usd OPTIONS(description="On-demand spend of the cycle that the vendor reports for the member, US dollars. NULL if the snapshot lacks the member, as after removal, or the amount."),
  events_usd OPTIONS(description="What the member's chargeable events bill from the instant at which the cycle began to the snapshot, US dollars."),
  spend_difference_usd OPTIONS(description="reported_spend_usd - events_usd rounded to the cent, as the vendor reports it, US dollars: above 0 events are missing here. A missing report counts as 0; NULL where the vendor reports nobody's on-demand spend, as for an organisation."),
  provisional_usd OPTIONS(description="Part of events_usd that the vendor may still change, US dollars: look at a difference again when it is 0."),
  reported_included_usd OPTIONS(description="Value covered by the seat in the cycle that the vendor reports for the member, US dollars. NULL if not reported."),
  events_included_usd OPTIONS(description="Value covered by the seat of the member's events from cycle_start to the snapshot, US dollars."),
  included_difference_usd OPTIONS(description="reported_included_usd - events_included_usd rounded to the cent, US dollars. NULL if not reported."),
  reported_overall_usd OPTIONS(description="All spend of the cycle that the vendor reports for the member, the covered value too, US dollars. NULL if not reported."),
  chargeable_events OPTIONS(description="Events that events_usd is the sum of.")
)
OPTIONS(
  description="What the vendor says its members have spent in a billing cycle against what their events bill: one row per platform, cycle and member of the cycle's newest snapshot, or with events of the cycle. Cycles that begin from the first of the month on, {months} months before as_of; snapshots and events up to as_of. Never a cost: it confirms one.",
  labels=[("months", "12")]
)
AS
WITH snapshots AS (
  SELECT
    *,
    COALESCE(user_email, vendor_user_id, 'Unattributed') AS member,
    MAX(snapshot_date) OVER (PARTITION BY platform, cycle_start) AS newest_date,
    COUNT(spend_usd) OVER (PARTITION BY platform, cycle_start) > 0 AS reports_spend
  FROM raw_member_spend
  WHERE snapshot_date BETWEEN @window_start AND @as_of
    AND cycle_start >= @window_start
),
newest AS (
  SELECT
    *,
    MAX(ingest_timestamp) OVER (PARTITION BY platform, cycle_start) AS asked_at,
    MAX(COALESCE(cycle_started_at, TIMESTAMP(cycle_start, 'UTC'))) OVER (
      PARTITION BY platform, cycle_start
    ) AS began_at
  FROM snapshots
  WHERE snapshot_date = newest_date
),
cycles AS (
  -- The contract of an organisation, of which the pool alone is reported, ends no team's cycle.
  SELECT
    platform,
    cycle_start,
    newest_date,
    asked_at,
    began_at,
    reports_spend,
    LEAD(began_at) OVER (PARTITION BY platform, reports_spend ORDER BY began_at) AS next_began_at
  FROM (
    SELECT DISTINCT platform, cycle_start, newest_date, asked_at, began_at, reports_spend
    FROM newest
  ) AS asked
),
addresses AS (
  -- A member who is renamed within a cycle has events under both addresses.
  SELECT u.user_email, MIN(u.person) AS person
  FROM dim_users AS u
  GROUP BY 1
  HAVING COUNT(DISTINCT u.person) = 1
),
members AS (
  SELECT
    n.platform,
    n.cycle_start,
    COALESCE(a.person, n.member) AS member,
    SUM(n.spend_usd) AS reported_spend_usd,
    SUM(n.included_spend_usd) AS reported_included_usd,
    SUM(n.overall_spend_usd) AS reported_overall_usd
  FROM newest AS n
  LEFT JOIN addresses AS a ON a.user_email = n.member
  GROUP BY 1, 2, 3
),
billed AS (
  -- The vendor's own addresses on both sides: aliases need no resolving, former addresses do. Only
  -- events that carry an amount of their own: the cost of a report is not a member's.
  SELECT
    e.platform,
    c.cycle_start,
    COALESCE(a.person, e.user_email, 'Unattributed') AS member,
    SUM(IF(e.cost_type = 'overage', e.cost_usd, NUMERIC '0')) AS events_usd,
    SUM(IF(e.cost_type = 'overage' AND e.is_provisional, e.cost_usd, NUMERIC '0'))
      AS provisional_usd,
    SUM(e.included_value_usd) AS events_included_usd,
    COUNTIF(e.cost_type = 'overage') AS chargeable_events
  FROM raw_ai_events AS e
  JOIN cycles AS c
    ON c.platform = e.platform
    AND e.event_timestamp >= c.began_at AND e.event_timestamp <= c.asked_at
    AND (c.next_began_at IS NULL OR e.event_timestamp < c.next_began_at)
  LEFT JOIN addresses AS a ON a.user_email = e.user_email
  WHERE e.event_date BETWEEN @window_start AND @as_of
    AND e.event_type = 'usage'
    AND ((e.cost_type = 'overage' AND e.cost_usd IS NOT NULL) OR e.included_value_usd IS NOT NULL)
  GROUP BY 1, 2, 3
),
joined_cycles AS (
  SELECT
    COALESCE(m.platform, b.platform) AS platform,
    COALESCE(m.cycle_start, b.cycle_start) AS cycle_start,
    COALESCE(m.member, b.member) AS member,
    m.reported_spend_usd,
    m.reported_included_usd,
    m.reported_overall_usd,
    COALESCE(b.events_usd, NUMERIC '0') AS events_usd,
    COALESCE(b.provisional_usd, NUMERIC '0') AS provisional_usd,
    COALESCE(b.events_included_usd, NUMERIC '0') AS events_included_usd,
    COALESCE(b.chargeable_events, 0) AS chargeable_events
  FROM members AS m
  FULL OUTER JOIN billed AS b
    ON b.platform = m.platform AND b.cycle_start = m.cycle_start AND b.member = m.member
)
SELECT
  t.platform AS platform_code,
  t.cycle_start,
  t.member,
  c.newest_date AS snapshot_date,
  c.next_began_at IS NULL AS is_latest_cycle,
  CAST(t.reported_spend_usd AS NUMERIC) AS reported_spend_usd,
  CAST(t.events_usd AS NUMERIC) AS events_usd,
  CAST(
    IF(
      c.reports_spend,
      COALESCE(t.reported_spend_usd, NUMERIC '0') - ROUND(t.events_usd, 2),
      NULL
    ) AS NUMERIC
  ) AS spend_difference_usd,
  CAST(t.provisional_usd AS NUMERIC) AS provisional_usd,
  CAST(t.reported_included_usd AS NUMERIC) AS reported_included_usd,
  CAST(t.events_included_usd AS NUMERIC) AS events_included_usd,
  CAST(t.reported_included_usd - ROUND(t.events_included_usd, 2) AS NUMERIC)
    AS included_difference_usd,
  CAST(t.reported_overall_usd AS NUMERIC) AS reported_overall_usd,
  CAST(t.chargeable_events AS INT64) AS chargeable_events
FROM joined_cycles AS t
JOIN cycles AS c ON c.platform = t.platform AND c.cycle_start = t.cycle_start
