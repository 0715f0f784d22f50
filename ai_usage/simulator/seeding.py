"""Randomness that is a pure function of its names.

Only drawing belongs here, no knowledge of the company. Python's `hash()` is salted per process
and `random.Random` accepts any hashable, so every seed goes through BLAKE2b first.
"""

from __future__ import annotations

import hashlib
import random

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def number(*names: object) -> int:
    """A 64-bit number that depends on the names and on nothing else."""
    text = "\x1f".join(map(str, names))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def stream(*names: object) -> random.Random:
    """A generator for one named purpose, so that a new draw elsewhere never moves this one."""
    return random.Random(number(*names))  # noqa: S311 (a fictitious company, not a secret)


def opaque_id(prefix: str, *names: object, length: int = 22) -> str:
    """A vendor-style identifier such as `apikey_01Ab…`."""
    rng = stream("id", prefix, *names)
    return f"{prefix}_01" + "".join(_BASE62[int(rng.random() * 62)] for _ in range(length))


def uuid_text(*names: object) -> str:
    """A version-4 shaped UUID."""
    digits = hashlib.blake2b("\x1f".join(map(str, names)).encode(), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
