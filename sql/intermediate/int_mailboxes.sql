CREATE VIEW int_mailboxes (
  user_email OPTIONS(description="Address of a person whom a directory lists or has listed."),
  domain OPTIONS(description="Domain of the address."),
  plain OPTIONS(description="The mailbox without dots and plus tag: what addresses that differ a little have in common."),
  plain_owners OPTIONS(description="Addresses with this plain mailbox, in all domains."),
  domain_owners OPTIONS(description="Addresses with this plain mailbox in this domain."),
  dashed OPTIONS(description="The mailbox word by word between dashes, to be looked for in names of keys. NULL for a short single word, which fits too much: max, app."),
  dashed_length OPTIONS(description="Length of the words of dashed: of several mailboxes in a name the longest counts.")
)
OPTIONS(
  description="Mailboxes of known people, as addresses and names of keys are compared with them: one row per address."
)
AS
WITH addresses AS (
  SELECT
    user_email,
    mail_domain(user_email) AS domain,
    REPLACE(mailbox(user_email), '.', '') AS plain,
    dashed_words(mailbox(user_email)) AS words
  FROM dim_users
  -- A former address with the newest one's mailbox would make every mailbox fit twice.
  WHERE user_sk NOT IN (0, -1)
    AND (user_email = person OR mailbox(user_email) != mailbox(person))
  GROUP BY 1
)
SELECT
  user_email,
  domain,
  plain,
  COUNT(*) OVER (PARTITION BY plain) AS plain_owners,
  COUNT(*) OVER (PARTITION BY plain, domain) AS domain_owners,
  IF(STRPOS(words, '-') > 0 OR LENGTH(words) >= 5, CONCAT('-', words, '-'), NULL) AS dashed,
  IF(STRPOS(words, '-') > 0 OR LENGTH(words) >= 5, LENGTH(words), NULL) AS dashed_length
FROM addresses
