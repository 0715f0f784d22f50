-- The account that is billed for a cost, of what a contract bills: seats and one-time cost. Vendors'
-- reports name a workspace at most. From the fact's cost_type; empty where there is none.
CREATE TEMP FUNCTION billed_account(cost_type STRING, billing_account_id STRING) AS (
  IF(cost_type IN ('subscription', 'one_time'), COALESCE(billing_account_id, ''), '')
);
