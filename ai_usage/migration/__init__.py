"""The way from a company's old tables to these, with a way back: described, loaded, compared.

docs/decisions/0006-migration.md says why old rows come in through the archive.
"""
