"""Alerts on a run that a command executed itself, without a daemon."""

from __future__ import annotations

import logging

import dagster as dg

from ai_usage.alerts.alerts import Alerts, Delivery
from ai_usage.instance.dead_runs import fail_orphaned_runs
from ai_usage.orchestration.run_history import DagsterRunHistory, catalogue_of
from ai_usage.settings import Settings
from ai_usage.text.masking import mask_text
from ai_usage.vendors.base import discovered_vendors

_log = logging.getLogger(__name__)


def end_dead_commands(
    settings: Settings, defs: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    """End the runs of commands that were killed, and tell of them at once. Never fails the command.

    A command does so before its own run, which may take an hour.
    """
    fail_orphaned_runs(instance)
    _told(settings, defs, instance)


def alert_on_run(
    settings: Settings, defs: dg.Definitions, instance: dg.DagsterInstance, run_id: str
) -> Delivery:
    """Tell of a run that a command executed, without a daemon. Never fails the command.

    What cannot be delivered now is tried again by the daemon or by the next command.
    """
    return _told(settings, defs, instance, run_id)


def _told(
    settings: Settings,
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    run_id: str | None = None,
) -> Delivery:
    """Report the run, what nobody has reported, and send it."""
    if settings.notify_urls is None:
        return Delivery()
    try:
        catalogue = catalogue_of(defs.resolve_asset_graph())
        history = DagsterRunHistory(instance, catalogue)
        alerts = Alerts(settings, discovered_vendors(), catalogue)
        if run_id is not None:
            alerts.report(history, run_id)
        alerts.settle(history)
        return alerts.deliver(history)
    except Exception as error:
        # The run is done and its outcome on the screen; the courier finds what was not reported.
        _log.warning("alerts: %s: %s", type(error).__name__, mask_text(str(error))[:200])
        return Delivery()
