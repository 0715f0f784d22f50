"""What holds the house: which room imports which, and the doors that stay."""
