"""The command line: `app` parses options, one file per command does the work."""
