"""Work out, when a new copy is there, what takes longest: which groups hide their people."""

from __future__ import annotations

import threading
import time

from ai_usage.dashboard.filters import Filters
from ai_usage.dashboard.published import Key, Published
from ai_usage.dashboard.scope import activity, spend
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage.errors import WarehouseError

LOOK_SECONDS = 15.0
MONTHS = 13


def keep_warm(published: Published, mode: Mode, smallest_group: int) -> None:
    """Watch for new copies, in a thread of its own, as long as the process lives."""
    viewer = Viewer("", Role.EXECUTIVE, mode, smallest_group=smallest_group)
    threading.Thread(target=_watch, args=(published, viewer), daemon=True).start()


def warm(published: Published, viewer: Viewer) -> None:
    """Ask once for the months that pages begin with. Months that are over cost nothing again."""
    last = Filters.of_month(published.about.as_of)
    months = last.having(first=last.back(MONTHS - 1).first)
    spend(published, viewer, months, ["month"])
    activity(published, viewer, months, ["month"])


def _watch(published: Published, viewer: Viewer) -> None:
    seen: Key | None = None
    while True:
        try:
            if (key := published.key) != seen:
                warm(published, viewer)
                seen = key
        except WarehouseError:
            pass
        time.sleep(LOOK_SECONDS)
