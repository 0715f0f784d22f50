"""What must hold of the tables: Pandera rules, keys, relations, totals; and how rows are scored.

Types and nullability come from the DDL; only rules on values are written here.
"""
