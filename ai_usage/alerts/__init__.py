"""Alerts on what runs and checks find: worded, routed, sent through Apprise.

`findings` reads a run, `state` knows what was notified already, `messages` words it, `routes` says
who wants it, `delivery` sends it and tries again. Sensors in `ai_usage.orchestration` and the
command line set it off.
"""
