"""The usage and cost of AI coding tools, as a warehouse that finance and engineering trust."""

import os

# Pandera sets this to 1 for PySpark's sake, and from then on Arrow takes an instant of another
# zone for one of UTC. Empty is off, and Pandera leaves what is set.
os.environ["PYARROW_IGNORE_TIMEZONE"] = ""
