"""What was said before and what is said now: restated days, closed months, what is locked.

The archive alone knows all of it; nothing here asks a vendor.
"""
