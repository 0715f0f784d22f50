-- Who may read what. Run it once as an owner of the datasets, with the addresses put right:
--   bq query --location=EU --use_legacy_sql=false --project_id=my-project < sql/access/1_grants.sql
-- Readers get the views' dataset alone: the views are authorised to read the internal dataset and
-- the tables (docs/deploy.md). The internal dataset holds cost by person and has no row policies:
-- nobody but the pipeline and administrators gets it. To ask anything, a reader needs
-- roles/bigquery.jobUser in some project too, which is granted there (docs/deploy.md).
GRANT `roles/bigquery.dataViewer` ON SCHEMA ai_usage_views
  TO "group:finance@example.com", "group:executives@example.com";

-- The pipeline's own account makes and writes tables, views, and what lies between them.
GRANT `roles/bigquery.dataEditor` ON SCHEMA ai_usage
  TO "serviceAccount:ai-usage@my-project.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataEditor` ON SCHEMA ai_usage_internal
  TO "serviceAccount:ai-usage@my-project.iam.gserviceaccount.com";
GRANT `roles/bigquery.dataEditor` ON SCHEMA ai_usage_views
  TO "serviceAccount:ai-usage@my-project.iam.gserviceaccount.com";
