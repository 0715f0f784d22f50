"""What archived answers mean, worked out once: scored events by fetch and day, kept as Parquet."""
