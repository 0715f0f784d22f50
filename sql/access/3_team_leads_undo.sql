-- Takes the row policies away again: everybody with access to a table sees all of its rows.
DROP ALL ROW ACCESS POLICIES ON fact_ai_costs;
DROP ALL ROW ACCESS POLICIES ON fact_ai_usage;
