"""The monthly report: one file that opens offline and in mail, scoped to who reads it."""
