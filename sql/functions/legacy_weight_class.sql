-- What a cost line counts, for rows written before weight_class existed.
CREATE TEMP FUNCTION legacy_weight_class(token_type STRING, cost_type STRING) AS (
  CASE
    WHEN token_type IS NOT NULL THEN legacy_token_class(token_type)
    WHEN cost_type = 'web_search' THEN 'web_search_requests'
    WHEN cost_type IN ('input_tokens', 'output_tokens') THEN cost_type
  END
);
