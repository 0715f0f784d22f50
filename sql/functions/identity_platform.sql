-- An e-mail address means the same person on every platform; a key is its platform's.
CREATE TEMP FUNCTION identity_platform(identity_type STRING, platform STRING) AS (
  IF(identity_type = 'email', '*', platform)
);
