"""The command line as its users have it: real processes, a real simulator on loopback."""
