"""Sending through Apprise. A channel that refuses or does not answer is a result, not an error."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ai_usage.alerts.routes import Route
from ai_usage.text.masking import mask_text

TIMEOUT_SECONDS = 20.0

_NOWHERE = logging.NullHandler()


@dataclass(frozen=True)
class Sent:
    """Whether a message arrived, and if not, why: one line without the URL's secrets."""

    arrived: bool
    why: str = ""


def send(
    route: Route, title: str, body: str, kind: str = "info", attached: Sequence[Path] = ()
) -> Sent:
    """Send one message to one channel now, with files where the channel takes any."""
    # Apprise takes half a second to import: only who sends pays for it.
    import apprise

    # It tells its log what it tells us; ours shall not stand in anybody's console.
    log = logging.getLogger("apprise")
    log.propagate = False
    log.addHandler(_NOWHERE)
    types = {
        "error": apprise.NotifyType.FAILURE,
        "warning": apprise.NotifyType.WARNING,
        "recovered": apprise.NotifyType.SUCCESS,
    }
    channel = apprise.Apprise(asset=apprise.AppriseAsset(app_id="ai-usage", async_mode=False))
    try:
        if not channel.add(route.url):
            return Sent(False, "Apprise cannot read the URL.")
        result = channel.notify(
            body,
            title=title,
            notify_type=types.get(kind, apprise.NotifyType.INFO),
            body_format=apprise.NotifyFormat.TEXT,
            attach=[str(path) for path in attached] or None,
            timeout=TIMEOUT_SECONDS,
        )
    except Exception as error:
        # Apprise has a hundred plugins; whatever one of them raises must not stop a run or sensor.
        return Sent(False, f"{type(error).__name__} in Apprise.")
    if result:
        return Sent(True)
    said = [entry.message for entry in result.logs() if entry.message]
    return Sent(False, _line(said[0] if said else "no answer", route))


def _line(text: str, route: Route) -> str:
    for secret in route.secrets:
        text = text.replace(secret, "***")
    return mask_text(" ".join(text.split()))[:200]
