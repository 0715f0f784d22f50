CREATE VIEW int_people (
  user_sk OPTIONS(description="Version of the person, as the facts refer to it; 0 is Unknown, -1 is Shared. Unique."),
  person OPTIONS(description="The person's newest address, one for each person_id, as in dim_users; Unattributed and Shared for the members that are no person."),
  department OPTIONS(description="Department during the version, Unassigned without one; Unattributed and Shared as in person."),
  team OPTIONS(description="Team during the version; else as in department."),
  is_person OPTIONS(description="False for Unattributed and Shared, whatever a team is called."),
  full_name OPTIONS(description="The person's name today."),
  current_department OPTIONS(description="Department today. NULL without one."),
  current_team OPTIONS(description="Team today. NULL without one."),
  current_cost_center OPTIONS(description="Cost centre today. NULL without one.")
)
OPTIONS(
  description="People as reports label them: one row per version of a person, with what the person is today beside it. A mover's past stays with the old team."
)
AS
SELECT
  user_sk,
  bearer_label(user_sk, person, NULL) AS person,
  bearer_label(user_sk, department, 'Unassigned') AS department,
  bearer_label(user_sk, team, 'Unassigned') AS team,
  user_sk NOT IN (0, -1) AS is_person,
  FIRST_VALUE(full_name) OVER newest_first AS full_name,
  FIRST_VALUE(department) OVER newest_first AS current_department,
  FIRST_VALUE(team) OVER newest_first AS current_team,
  FIRST_VALUE(cost_center) OVER newest_first AS current_cost_center
FROM dim_users
WINDOW newest_first AS (PARTITION BY person_id ORDER BY effective_date DESC, user_sk)
