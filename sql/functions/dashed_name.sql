-- A name's words between dashes, with a dash at either end, so that `-word-` is found as a whole.
CREATE TEMP FUNCTION dashed_name(name STRING) AS (
  CONCAT(
    '-',
    dashed_words(TRANSLATE(
      name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz'
    )),
    '-'
  )
);
