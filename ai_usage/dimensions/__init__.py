"""Small dimensions that follow from settings and declarations, and surrogate keys."""
