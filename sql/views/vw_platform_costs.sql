CREATE VIEW vw_platform_costs (
  month OPTIONS(description="First day of the UTC month in which the cost arose."),
  platform_code OPTIONS(description="Vendor's code, as in the vendor's reports and invoices; unknown if the dimension lacks the product."),
  platform_name OPTIONS(description="Product, named as in dim_platforms; Unknown if it lacks it."),
  total_cost OPTIONS(description="All cost of the product in the month, US dollars, Unattributed and Shared included. 0 in a month without cost after the product's first."),
  cost_share OPTIONS(description="total_cost / the cost of all products in the month, as a fraction; the shares of a month sum to 1. NULL in a month that cost 0 in all."),
  prev_month_cost OPTIONS(description="The product's cost in the month before, US dollars. 0 if there was none; NULL where the month before lies before the window, or is not loaded as this one is: growth_note says why."),
  cost_change OPTIONS(description="total_cost - prev_month_cost, US dollars. NULL where that is."),
  cost_growth_mom OPTIONS(description="Growth of total_cost over prev_month_cost, as a fraction. NULL if that was 0 or is unknown. In a running month it sets a part of a month against a whole one: see is_partial."),
  allocated_cost OPTIONS(description="The part of total_cost that people bear, US dollars: without Unattributed and Shared."),
  shared_cost OPTIONS(description="Part of total_cost that is of team and service keys and of seats that nobody holds, US dollars."),
  unattributed_cost OPTIONS(description="Part of total_cost that nobody could be named for, US dollars."),
  subscription_cost OPTIONS(description="Part of total_cost that is seats, US dollars."),
  usage_cost OPTIONS(description="Part of total_cost that is metered usage, US dollars."),
  overage_cost OPTIONS(description="Part of total_cost that is beyond the subscription, US dollars."),
  one_time_cost OPTIONS(description="Part of total_cost that is one-time, US dollars."),
  provisional_cost OPTIONS(description="Part of total_cost that the vendor may still change, US dollars."),
  people OPTIONS(description="People who bear cost of the product, each counted once. Never sum it: one person may use several products."),
  is_partial OPTIONS(description="True for the running month, which holds only the days so far, and for a month with days of the platform that are not loaded, as the one in which it was connected."),
  loaded_days OPTIONS(description="Days of the month up to as_of for which every endpoint of the platform has answered. The same on all rows of month and platform: never sum it."),
  growth_note OPTIONS(description="Why there is no growth over the month before: days of the platform that are not loaded in the one or the other, or an endpoint that is loaded in one of them alone. NULL where the months can be compared, and in the first.")
)
OPTIONS(
  description="What each tool costs: one row per month and product (platform_code, platform_name), from the product's first month with cost in the window to the month of as_of, months without cost included. Every dollar of fact_ai_costs from the first of the month, {months} months before as_of, up to as_of is in the view exactly once.",
  labels=[("months", "12")]
)
AS
WITH costs AS (
  -- Left joins: a key that a dimension lacks is the checks' business, its dollars stay here.
  SELECT
    c.month,
    COALESCE(p.platform_code, 'unknown') AS platform_code,
    COALESCE(p.platform_name, 'Unknown') AS platform_name,
    SUM(c.total_cost_usd) AS total_cost,
    SUM(c.allocated_cost_usd) AS allocated_cost,
    SUM(IF(c.user_sk = -1, c.total_cost_usd, NUMERIC '0')) AS shared_cost,
    SUM(IF(c.user_sk = 0, c.total_cost_usd, NUMERIC '0')) AS unattributed_cost,
    SUM(IF(c.cost_type = 'subscription', c.total_cost_usd, NUMERIC '0')) AS subscription_cost,
    SUM(IF(c.cost_type = 'usage', c.total_cost_usd, NUMERIC '0')) AS usage_cost,
    SUM(IF(c.cost_type = 'overage', c.total_cost_usd, NUMERIC '0')) AS overage_cost,
    SUM(IF(c.cost_type = 'one_time', c.total_cost_usd, NUMERIC '0')) AS one_time_cost,
    SUM(IF(c.is_provisional, c.total_cost_usd, NUMERIC '0')) AS provisional_cost,
    COUNT(DISTINCT IF(o.is_person, o.person, NULL)) AS people
  FROM agg_costs_daily AS c
  LEFT JOIN dim_platforms AS p ON p.platform_sk = c.platform_sk
  LEFT JOIN int_people AS o ON o.user_sk = c.user_sk
  WHERE c.date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2, 3
),
month_spine AS (
  -- Every month from the product's first on, so that the row before is the month before.
  SELECT f.platform_code, f.platform_name, month
  FROM (
    SELECT platform_code, platform_name, MIN(month) AS first_month
    FROM costs
    GROUP BY 1, 2
  ) AS f
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    f.first_month, CAST(DATE_TRUNC(@as_of, MONTH) AS DATE), INTERVAL 1 MONTH
  )) AS month
),
known_months AS (
  SELECT
    month, platform_code,
    LOGICAL_OR(is_partial) AS is_partial,
    LOGICAL_OR(is_comparable) AS is_comparable,
    MAX(loaded_days) AS loaded_days,
    MAX(growth_note) AS growth_note
  FROM vw_loaded_days
  WHERE platform_code != 'all' AND date BETWEEN @window_start AND @as_of
  GROUP BY 1, 2
),
compared AS (
  SELECT
    m.month, m.platform_code, m.platform_name,
    c.* EXCEPT (month, platform_code, platform_name, total_cost),
    COALESCE(c.total_cost, NUMERIC '0') AS total_cost,
    SUM(c.total_cost) OVER (PARTITION BY m.month) AS month_cost,
    IF(k.is_comparable AND m.month > @window_start, COALESCE(
      LAG(COALESCE(c.total_cost, NUMERIC '0'))
        OVER (PARTITION BY m.platform_code, m.platform_name ORDER BY m.month),
      NUMERIC '0'
    ), NULL) AS prev_month_cost,
    k.is_partial, k.loaded_days, k.growth_note
  FROM month_spine AS m
  LEFT JOIN costs AS c
    ON c.month = m.month AND c.platform_code = m.platform_code
    AND c.platform_name = m.platform_name
  LEFT JOIN known_months AS k ON k.month = m.month AND k.platform_code = m.platform_code
)
SELECT
  month, platform_code, platform_name,
  CAST(total_cost AS NUMERIC) AS total_cost,
  SAFE_DIVIDE(CAST(total_cost AS FLOAT64), CAST(month_cost AS FLOAT64)) AS cost_share,
  CAST(prev_month_cost AS NUMERIC) AS prev_month_cost,
  CAST(total_cost - prev_month_cost AS NUMERIC) AS cost_change,
  SAFE_DIVIDE(
    CAST(total_cost - prev_month_cost AS FLOAT64), CAST(prev_month_cost AS FLOAT64)
  ) AS cost_growth_mom,
  CAST(COALESCE(allocated_cost, 0) AS NUMERIC) AS allocated_cost,
  CAST(COALESCE(shared_cost, 0) AS NUMERIC) AS shared_cost,
  CAST(COALESCE(unattributed_cost, 0) AS NUMERIC) AS unattributed_cost,
  CAST(COALESCE(subscription_cost, 0) AS NUMERIC) AS subscription_cost,
  CAST(COALESCE(usage_cost, 0) AS NUMERIC) AS usage_cost,
  CAST(COALESCE(overage_cost, 0) AS NUMERIC) AS overage_cost,
  CAST(COALESCE(one_time_cost, 0) AS NUMERIC) AS one_time_cost,
  CAST(COALESCE(provisional_cost, 0) AS NUMERIC) AS provisional_cost,
  CAST(COALESCE(people, 0) AS INT64) AS people,
  COALESCE(is_partial, TRUE) AS is_partial,
  COALESCE(loaded_days, 0) AS loaded_days,
  growth_note
FROM compared
