-- What an event is joined to people by: its e-mail address, else its key, else its key's name, else
-- what its vendor calls the person.
CREATE TEMP FUNCTION identity_type(
  user_email STRING, api_key_id STRING, actor_name STRING, vendor_user_id STRING
) AS (
  CASE
    WHEN user_email IS NOT NULL THEN 'email'
    WHEN api_key_id IS NOT NULL THEN 'api_key_id'
    WHEN actor_name IS NOT NULL THEN 'api_key_name'
    WHEN vendor_user_id IS NOT NULL THEN 'vendor_user_id'
  END
);
