-- The part of an address that names the mailbox, without a plus tag.
CREATE TEMP FUNCTION mailbox(address STRING) AS (
  REGEXP_REPLACE(address, '[+@].*$', '')
);
