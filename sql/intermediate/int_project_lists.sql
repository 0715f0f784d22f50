CREATE VIEW int_project_lists (
  project_list OPTIONS(description="The list of agg_costs_daily, one project per line; empty if there are none."),
  project_code OPTIONS(description="A project that it names; No project where it names none. A code that the list repeats counts once. Unique with project_list."),
  number OPTIONS(description="Number of the project among those of the list, by name, from 1: the first has what does not divide."),
  ways OPTIONS(description="How many projects share a cost of this list, at least 1. The same on all rows of a list: never sum it.")
)
OPTIONS(
  description="Which projects a cost counts for: one row per list of agg_costs_daily and project, of costs from the first of the month, {months} months before as_of, up to as_of.",
  labels=[("months", "12")]
)
AS
WITH lists AS (
  SELECT DISTINCT project_list FROM agg_costs_daily WHERE date BETWEEN @window_start AND @as_of
),
named AS (
  SELECT DISTINCT l.project_list, code
  FROM lists AS l
  CROSS JOIN UNNEST(SPLIT(l.project_list, '\n')) AS code
),
counted AS (
  SELECT
    *,
    COUNTIF(code != '') OVER (PARTITION BY project_list) AS codes_named,
    ROW_NUMBER() OVER (PARTITION BY project_list ORDER BY IF(code = '', 1, 0), code) AS number
  FROM named
)
SELECT
  project_list,
  -- An empty code is none: it stands only where it is alone.
  IF(code = '', 'No project', code) AS project_code,
  number,
  CAST(GREATEST(codes_named, 1) AS INT64) AS ways
FROM counted
WHERE code != '' OR codes_named = 0
