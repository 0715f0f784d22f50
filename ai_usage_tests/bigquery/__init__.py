"""The warehouse in BigQuery, through the real client: on the emulator, or on a real project."""
