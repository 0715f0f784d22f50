-- Takes the row policies away again: everybody with access to a table sees all of its rows. So the
-- leads lose the tables first; run it with --location and --dataset_id, as the script before.
REVOKE `roles/bigquery.dataViewer` ON TABLE fact_ai_costs FROM "group:team-leads@example.com";
REVOKE `roles/bigquery.dataViewer` ON TABLE fact_ai_usage FROM "group:team-leads@example.com";
DROP ALL ROW ACCESS POLICIES ON fact_ai_costs;
DROP ALL ROW ACCESS POLICIES ON fact_ai_usage;
