"""Bills in the FOCUS format."""
