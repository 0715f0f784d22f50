"""The views, case by case and against a plain reference."""
