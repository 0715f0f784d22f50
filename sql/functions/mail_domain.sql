-- The part of an address after the first @.
CREATE TEMP FUNCTION mail_domain(address STRING) AS (
  SUBSTR(address, STRPOS(address, '@') + 1)
);
