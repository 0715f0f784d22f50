"""Looker's generated files."""
