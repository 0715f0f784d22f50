"""Answers that are asked for again. Their keys hold the copy's identity and the viewer's scope."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any


class Recent:
    """The last answers, for all threads: what is asked again is not worked out again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """The answer that was kept under the key, or None."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Any, value: Any) -> None:
        """Keep an answer; the one that was asked for longest ago may go."""
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
