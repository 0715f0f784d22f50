-- Team leads see the rows of the people who report to them, in the tables themselves. Run it as an
-- owner of the dataset once the tables exist, with the addresses put right:
--   bq query --location=EU --use_legacy_sql=false --dataset_id=my-project:ai_usage \
--     < sql/access/2_team_leads.sql
-- They get the tables that have a policy and what these look up, never the internal dataset: rollups
-- and intermediates there hold everybody's cost, by person and without a policy.
-- From the first policy on, who is in none of a table's policies sees none of its rows, and a DELETE
-- needs a policy that lets everything through: the pipeline's comes first, and finance's with it.
CREATE OR REPLACE ROW ACCESS POLICY everything ON fact_ai_costs
  GRANT TO (
    "serviceAccount:ai-usage@my-project.iam.gserviceaccount.com",
    "group:finance@example.com", "group:executives@example.com"
  )
  FILTER USING (TRUE);
CREATE OR REPLACE ROW ACCESS POLICY everything ON fact_ai_usage
  GRANT TO (
    "serviceAccount:ai-usage@my-project.iam.gserviceaccount.com",
    "group:finance@example.com", "group:executives@example.com"
  )
  FILTER USING (TRUE);

-- A person's versions carry the manager of their time: who leads a team now sees its time with them.
CREATE OR REPLACE ROW ACCESS POLICY own_reports ON fact_ai_costs
  GRANT TO ("group:team-leads@example.com")
  FILTER USING (
    user_sk IN (SELECT u.user_sk FROM `my-project`.ai_usage.dim_users AS u WHERE u.manager_email = SESSION_USER())
  );
CREATE OR REPLACE ROW ACCESS POLICY own_reports ON fact_ai_usage
  GRANT TO ("group:team-leads@example.com")
  FILTER USING (
    user_sk IN (SELECT u.user_sk FROM `my-project`.ai_usage.dim_users AS u WHERE u.manager_email = SESSION_USER())
  );

-- The facts, of which the policies leave them their people's rows, and what the policies and the
-- leads' own queries look up; the names of people are in it.
GRANT `roles/bigquery.dataViewer` ON TABLE fact_ai_costs TO "group:team-leads@example.com";
GRANT `roles/bigquery.dataViewer` ON TABLE fact_ai_usage TO "group:team-leads@example.com";
GRANT `roles/bigquery.dataViewer` ON TABLE dim_users TO "group:team-leads@example.com";
GRANT `roles/bigquery.dataViewer` ON TABLE dim_dates TO "group:team-leads@example.com";
GRANT `roles/bigquery.dataViewer` ON TABLE dim_platforms TO "group:team-leads@example.com";
