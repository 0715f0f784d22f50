"""The way from old tables: a company's old system with planted faults."""
