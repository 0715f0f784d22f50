-- A name's words of lower-case letters and digits between dashes, for names to be compared by.
CREATE TEMP FUNCTION dashed_words(name STRING) AS (
  REGEXP_REPLACE(name, '[^a-z0-9]+', '-')
);
