"""Generated documents, licences, the SQL lint: what the wheel does not carry."""
