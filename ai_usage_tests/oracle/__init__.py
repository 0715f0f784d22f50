"""Whole companies made from a number, and the statements held against each other over them."""
