"""The warehouse: what a table is (`schema`), SQL for two engines (`sql`), and the engines.

No business rule belongs here: rules on values stand in `ai_usage.quality`, meaning in `sql/`.
"""
