"""Tests of the vendors, their client, the archive and importing."""
