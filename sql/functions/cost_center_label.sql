-- How reports call a cost centre; Unknown (0) and one that the dimension lacks are Unassigned.
CREATE TEMP FUNCTION cost_center_label(cost_center_sk INT64, cost_center STRING) AS (
  IF(cost_center_sk = 0, 'Unassigned', COALESCE(cost_center, 'Unassigned'))
);
