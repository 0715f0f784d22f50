"""The vendors' APIs, served on loopback from one seeded fictitious company, and its truth.

It imports nothing else of the project: what the pipeline makes of the vendors' answers is checked
against what really happened here.
"""

from ai_usage.simulator.amendments import Amendment, add, change, drop
from ai_usage.simulator.company import Company

__all__ = ["Amendment", "Company", "add", "change", "drop"]
