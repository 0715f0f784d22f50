"""How many requests a vendor is asked within a minute. Nothing about HTTP is known here."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Hashable

MINUTE = 60.0


class RateLimiter:
    """At most `per_minute` requests within any 60 seconds, over all threads of a client.

    A sliding window, not a refilling bucket: both let a burst of `per_minute` through at once, but
    a bucket that refills meanwhile lets nearly twice as many through in the first minute, and the
    vendors count by the minute. `per_minute` None means unlimited; `hold` is kept all the same.
    """

    def __init__(self, per_minute: int | None) -> None:
        self.per_minute = per_minute
        self._granted: deque[float] = deque()
        self._not_before = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may be sent."""
        while (pause := self.claim(time.monotonic())) > 0:
            time.sleep(pause)

    def hold(self, seconds: float) -> None:
        """Block all callers for `seconds` (Retry-After)."""
        with self._lock:
            self._not_before = max(self._not_before, time.monotonic() + seconds)

    def claim(self, now: float) -> float:
        """Claim a place and return 0, or return the seconds until it is worth asking again."""
        with self._lock:
            if now < self._not_before:
                return self._not_before - now
            if self.per_minute is None:
                return 0.0
            # The same sum in both places: rounding must not make a wait of 0 out of a full minute.
            while self._granted and self._granted[0] + MINUTE <= now:
                self._granted.popleft()
            if len(self._granted) >= self.per_minute:
                return self._granted[0] + MINUTE - now
            self._granted.append(now)
            return 0.0


_limiters: dict[tuple[Hashable, int | None], RateLimiter] = {}
_limiters_lock = threading.Lock()


def shared(account: Hashable, per_minute: int | None) -> RateLimiter:
    """The limiter of an account, one for this process: clients come and go within a minute."""
    with _limiters_lock:
        return _limiters.setdefault((account, per_minute), RateLimiter(per_minute))
