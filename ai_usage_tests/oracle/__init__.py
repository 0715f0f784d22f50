"""Whole companies made from a number, and what must come out for them, in plain Python."""
