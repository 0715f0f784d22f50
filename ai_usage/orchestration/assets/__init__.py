"""The software-defined assets: thin, each says what it is and calls what does the work."""
