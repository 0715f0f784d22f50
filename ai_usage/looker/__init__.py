"""Looker's files, generated from the DDL: what may be seen of each relation is declared here."""
