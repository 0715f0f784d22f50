"""What must hold of the tables: Pandera rules, keys, relations, totals; and the asset checks.

Types and nullability come from the DDL; only rules on values are written here.
"""
