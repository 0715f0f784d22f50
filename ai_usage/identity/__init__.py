"""Who is who: directory snapshots folded into people's history, key owners ranked, the bridge.

Pure functions: no clock, no network, no warehouse. Reading files is in `ai_usage.reference`,
fetching directories in `ai_usage.directories`, writing tables in `ai_usage.orchestration.assets`.
"""

from ai_usage.dimensions.dates import dim_dates
from ai_usage.dimensions.platforms import dim_platforms
from ai_usage.dimensions.surrogate_keys import SHARED_SK, UNKNOWN_SK, hash_text, surrogate_key
from ai_usage.identity.build import Identity, IdentityInputs
from ai_usage.identity.keys import Activity, decayed
from ai_usage.identity.snapshots import Snapshot, api_keys_of, members_of

__all__ = [
    "SHARED_SK",
    "UNKNOWN_SK",
    "Activity",
    "Identity",
    "IdentityInputs",
    "Snapshot",
    "api_keys_of",
    "decayed",
    "dim_dates",
    "dim_platforms",
    "hash_text",
    "members_of",
    "surrogate_key",
]
