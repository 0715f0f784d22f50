CREATE VIEW vw_idle_seats (
  seat_id OPTIONS(description="Seat, as in dim_seats. Unique."),
  platform_code OPTIONS(description="Vendor's code, as in the vendor's reports and invoices."),
  platform_name OPTIONS(description="Product that the seat is for, named as in dim_platforms."),
  plan OPTIONS(description="Plan of the contract. NULL if the contract names none."),
  contract_id OPTIONS(description="Contract in seats.csv."),
  user_email OPTIONS(description="Person who holds the seat, or is still given it though they have left. NULL for a seat that nobody is given."),
  full_name OPTIONS(description="The holder's name; the address if the directory knows no name. NULL for a seat that nobody is given."),
  department OPTIONS(description="The holder's department on as_of. Unassigned if there is none; Shared for a seat that nobody is given, as its cost is."),
  team OPTIONS(description="The holder's team on as_of; else as in department."),
  cost_center OPTIONS(description="The holder's cost centre on as_of. Unassigned if there is none."),
  manager_email OPTIONS(description="The holder's manager on as_of. NULL if unknown."),
  held_since OPTIONS(description="First day since which the holder has had a seat of this product without a gap, over all contracts; first day without a holder for a seat that nobody is given."),
  last_activity_date OPTIONS(description="Last UTC day, up to as_of, on which the holder did anything on the platform, whatever its product: a session, request, token, accepted line, proposal, commit or pull request. Lines typed by hand alone are none. NULL if there is none in the window, and for a seat that nobody holds."),
  idle_days OPTIONS(description="Days from last_activity_date, or held_since if that is later or nothing was done, to as_of. For a seat that nobody holds the days since held_since."),
  idle_reason OPTIONS(description="Why the seat is wasted: unassigned, if nobody is given it; assigned to a leaver, if the holder is no longer with the company on as_of; duplicate seat, if the holder has a seat of the product at the same or a higher price besides; never used, if nothing was done on the platform since held_since, idle, if something was, both from so many known_idle_days on as the label idle_days says. NULL if the seat is in use, given more recently, or the platform's use is not loaded for so long."),
  monthly_price_usd OPTIONS(description="Price of the seat a month, US dollars."),
  wasted_monthly_usd OPTIONS(description="monthly_price_usd of a seat with an idle_reason, else 0, US dollars."),
  assignment_source OPTIONS(description="Where the holder comes from: seat_assignments.csv, the vendor's members, or none."),
  known_idle_days OPTIONS(description="Those of idle_days on which the platform's use is known: since its first loaded day in the window. All of them for a seat that nobody holds."),
  saves_from OPTIONS(description="First day whose cost is saved if the seat is given back before it: the day after as_of where days are billed; where a month is never charged in part (full_month), the first day of the contract's next billing month. NULL where the contract ends before.")
)
OPTIONS(
  description="Seats paid for on as_of and whether they are worth it: one row per seat, held or not. A seat is idle from {idle_days} days without activity; activity is looked for from the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "12"), ("idle_days", "30")]
)
AS
WITH given AS (
  SELECT
    *,
    COALESCE(user_email, leaver_email) AS holder
  FROM dim_seats
  WHERE valid_from <= @as_of
),
contracts AS (
  -- Seats that are held from a later day on belong to the contract, too.
  SELECT contract_id, MAX(valid_to) AS last_day FROM dim_seats GROUP BY 1
),
months AS (
  -- A billing month begins on a day of this month or of the next; a month that lacks the day begins
  -- it on its last one.
  SELECT
    number AS billing_day,
    CAST(DATE_ADD(first, INTERVAL LEAST(number, EXTRACT(DAY FROM LAST_DAY(first))) - 1 DAY) AS DATE)
      AS begins
  FROM UNNEST(GENERATE_ARRAY(1, 31)) AS number
  CROSS JOIN UNNEST([
    CAST(DATE_TRUNC(@as_of, MONTH) AS DATE),
    CAST(DATE_ADD(LAST_DAY(@as_of), INTERVAL 1 DAY) AS DATE)
  ]) AS first
),
next_months AS (
  SELECT billing_day, MIN(begins) AS begins FROM months WHERE begins > @as_of GROUP BY 1
),
held AS (
  -- Every period of everybody's seats, so that a renewed contract does not look like a new seat.
  SELECT
    *,
    MAX(valid_to) OVER (
      PARTITION BY holder, platform, platform_subtype ORDER BY valid_from, valid_to, seat_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS held_until
  FROM given
),
runs AS (
  SELECT
    *,
    SUM(IF(held_until IS NULL OR DATE_DIFF(valid_from, held_until, DAY) > 1, 1, 0)) OVER (
      PARTITION BY holder, platform, platform_subtype ORDER BY valid_from, valid_to, seat_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS run
  FROM held
),
begun AS (
  -- Seats that nobody holds have no run: each stands for itself.
  SELECT
    *,
    IF(
      holder IS NULL,
      valid_from,
      MIN(valid_from) OVER (PARTITION BY holder, platform, platform_subtype, run)
    ) AS held_since
  FROM runs
),
seats AS (
  -- Of several seats of one product a person needs one: the dearest, whatever plan it is.
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY holder, platform, platform_subtype
      ORDER BY monthly_price_usd DESC, contract_id, seat_id
    ) AS seat_number
  FROM begun
  WHERE valid_to >= @as_of
),
known_since AS (
  SELECT
    platform_code,
    MIN(date) AS first_day
  FROM vw_loaded_days
  WHERE platform_code != 'all' AND is_loaded AND date BETWEEN @window_start AND @as_of
  GROUP BY 1
),
activity AS (
  -- A mover has several versions and is one person, under whatever address.
  SELECT
    u.person,
    p.platform_code,
    MAX(a.date) AS last_day
  FROM agg_usage_daily AS a
  JOIN dim_users AS u ON u.user_sk = a.user_sk
  JOIN dim_platforms AS p ON p.platform_sk = a.platform_sk
  WHERE a.date BETWEEN @window_start AND @as_of
    AND a.active_records > 0
    AND a.user_sk NOT IN (0, -1)
  GROUP BY 1, 2
),
holders AS (
  SELECT *
  FROM dim_users
  WHERE @as_of BETWEEN effective_date AND expiration_date AND user_sk NOT IN (0, -1)
),
described_seats AS (
  SELECT
    s.*,
    COALESCE(h.full_name, s.holder) AS full_name,
    IF(s.holder IS NULL, 'Shared', COALESCE(h.department, 'Unassigned')) AS department,
    IF(s.holder IS NULL, 'Shared', COALESCE(h.team, 'Unassigned')) AS team,
    COALESCE(h.cost_center, 'Unassigned') AS cost_center,
    h.manager_email,
    s.leaver_email IS NOT NULL OR COALESCE(NOT h.is_active OR h.end_date < @as_of, FALSE)
      AS has_left,
    a.last_day,
    DATE_DIFF(@as_of, IF(a.last_day > s.held_since, a.last_day, s.held_since), DAY) AS idle_days,
    -- What was done before the first loaded day is not known: nobody is called idle for it.
    DATE_DIFF(@as_of, COALESCE(k.first_day, @as_of), DAY) AS days_known,
    c.last_day AS contract_to,
    IF(s.pricing = 'full_month', m.begins, CAST(DATE_ADD(@as_of, INTERVAL 1 DAY) AS DATE))
      AS next_saving
  FROM seats AS s
  LEFT JOIN holders AS h ON h.person = s.holder
  LEFT JOIN activity AS a ON a.person = s.holder AND a.platform_code = s.platform
  LEFT JOIN known_since AS k ON k.platform_code = s.platform
  LEFT JOIN contracts AS c ON c.contract_id = s.contract_id
  LEFT JOIN next_months AS m ON m.billing_day = COALESCE(s.billing_day, 1)
),
classified_seats AS (
  SELECT
    *,
    CASE
      WHEN holder IS NULL THEN 'unassigned'
      WHEN has_left THEN 'assigned to a leaver'
      WHEN seat_number > 1 THEN 'duplicate seat'
      WHEN LEAST(idle_days, days_known) < @idle_days THEN CAST(NULL AS STRING)
      WHEN last_day >= held_since THEN 'idle'
      ELSE 'never used'
    END AS idle_reason
  FROM described_seats
)
SELECT
  r.seat_id,
  r.platform AS platform_code,
  COALESCE(p.platform_name, r.platform_subtype) AS platform_name,
  r.plan,
  r.contract_id,
  r.holder AS user_email,
  r.full_name,
  r.department,
  r.team,
  r.cost_center,
  r.manager_email,
  r.held_since,
  r.last_day AS last_activity_date,
  r.idle_days,
  r.idle_reason,
  r.monthly_price_usd,
  IF(r.idle_reason IS NULL, NUMERIC '0', r.monthly_price_usd) AS wasted_monthly_usd,
  r.assignment_source,
  IF(r.holder IS NULL, r.idle_days, LEAST(r.idle_days, r.days_known)) AS known_idle_days,
  IF(r.next_saving <= r.contract_to, r.next_saving, NULL) AS saves_from
FROM classified_seats AS r
LEFT JOIN dim_platforms AS p
  ON p.platform_code = r.platform AND p.platform_subtype = r.platform_subtype
