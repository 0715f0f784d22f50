"""What was said before and what is said now: restated days, closed months, and what stands still.

The archive alone knows all of it; nothing here asks a vendor.
"""
