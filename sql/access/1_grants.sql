-- Who may read what. Run it once as an owner of the datasets, with the addresses put right:
--   bq query --use_legacy_sql=false --project_id=my-project < sql/access/1_grants.sql
-- Readers get the views' dataset alone: the views are authorised to read the tables (docs/deploy.md).
GRANT `roles/bigquery.dataViewer` ON SCHEMA ai_usage_views
  TO "group:finance@example.com", "group:executives@example.com";

-- The pipeline's own account makes and writes tables in the one, views in the other.
GRANT `roles/bigquery.dataEditor` ON SCHEMA ai_usage
  TO "serviceAccount:ai-usage@my-project.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataEditor` ON SCHEMA ai_usage_views
  TO "serviceAccount:ai-usage@my-project.iam.gserviceaccount.com";
