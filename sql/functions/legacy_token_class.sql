-- The column of usage that a vendor's token class counts; a class that nobody here has heard of
-- stays what it is, and no usage is found for it.
CREATE TEMP FUNCTION legacy_token_class(token_type STRING) AS (
  CASE token_type
    WHEN 'uncached_input_tokens' THEN 'input_tokens'
    WHEN 'cache_read_input_tokens' THEN 'cache_read_tokens'
    WHEN 'cache_creation.ephemeral_5m_input_tokens' THEN 'cache_write_5m_tokens'
    WHEN 'cache_creation.ephemeral_1h_input_tokens' THEN 'cache_write_1h_tokens'
    ELSE token_type
  END
);
