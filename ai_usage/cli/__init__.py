"""The command line: `app` parses options, a file a command does the work."""
