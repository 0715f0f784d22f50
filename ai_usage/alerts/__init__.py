"""Alerts on what runs and checks find: read from Dagster's event log, sent through Apprise.

`findings` reads a run, `state` knows what was told already, `messages` words it, `routes` says who
wants it, `delivery` sends it and tries again, `sensors` and the command line set it off.
"""
