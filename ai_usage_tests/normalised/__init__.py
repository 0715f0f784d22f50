"""Tests of what is kept of what answers mean."""
