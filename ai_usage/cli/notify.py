"""`ai-usage notify test` and `open`: do alerts arrive, and what is failing now."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from ai_usage.alerts.alerts import Alerts
from ai_usage.alerts.findings import BUILT, is_run
from ai_usage.alerts.routes import Route, unmatched
from ai_usage.alerts.state import parts_of, read_alert_state, to_days
from ai_usage.cli.harmless import say
from ai_usage.errors import AiUsageError
from ai_usage.orchestration.run_history import DagsterRunHistory, catalogue_of
from ai_usage.orchestration.runs import dagster_instance
from ai_usage.settings import Settings
from ai_usage.text.words import counted, ranges
from ai_usage.vendors.base import discovered_vendors


def send_test(console: Console, settings: Settings) -> bool:
    """Send a test message to every channel, and print how each went; True if all arrived.

    Raises `AiUsageError` if no channel is set.
    """
    alerts = Alerts(settings, discovered_vendors(), {})
    if not alerts.routes and not alerts.problems:
        raise AiUsageError(
            "AI_USAGE_NOTIFY_URLS is not set: nobody is told. One channel, all alerts: "
            "mailtos://user:password@mail.example.com?to=oncall@example.com"
        )
    problems = [*alerts.problems, *unmatched_routes(settings, alerts.routes)]
    for problem in problems:
        _say(console, "[red]fix [/red]", problem)
    outcomes = alerts.test()
    for route, sent in outcomes:
        mark = "[green]sent[/green]" if sent.arrived else "[red]fix [/red]"
        _say(console, mark, route.shown + ("" if sent.arrived else f": {sent.why}"))
    return not problems and all(sent.arrived for _, sent in outcomes)


def unmatched_routes(settings: Settings, routes: Sequence[Route]) -> list[str]:
    """One line for every group or owner that a route asks for and no asset of the graph has."""
    if not any(route.groups or route.owners for route in routes):
        return []
    from ai_usage.orchestration.definitions import build_defs

    catalogue = catalogue_of(build_defs(settings).resolve_asset_graph())
    groups = {asset.group for asset in catalogue.values()}
    owners = {owner for asset in catalogue.values() for owner in asset.owners}
    return unmatched(routes, groups, owners)


def print_open(console: Console, settings: Settings) -> None:
    """Print every failure that was told and is not over, and what waits for a channel."""
    with dagster_instance(settings) as instance:
        history = DagsterRunHistory(instance, {})
        alerts = Alerts(settings, discovered_vendors(), {})
        if alerts.heartbeat(history):
            alerts.deliver(history)
        alert_state = read_alert_state(history)
    for key, entry in sorted(alert_state.open.items()):
        asset, check, rule = parts_of(key)
        what = asset if check == BUILT else f"{asset}.{check}"
        failed = "failed" if is_run(asset) else "was not built"
        named = failed if check == BUILT else "" if rule == check else f": {rule}"
        days = ranges(sorted(to_days(entry.days)))
        on = f" on {days}" if days else ""
        mark = "[red]error  [/red]" if entry.severity == "error" else "[yellow]warning[/yellow]"
        joined = f"{what} {named}" if check == BUILT else f"{what}{named}"
        _say(console, mark, f"{joined}{on}; told {entry.since:%Y-%m-%d %H:%M} UTC")
    if not alert_state.open:
        console.print("Nothing that was told is open.")
    if alert_state.letters:
        console.print(
            f"{counted(len(alert_state.letters), 'message')} not delivered yet, tried again."
        )


def _say(console: Console, mark: str, text: str) -> None:
    console.print(f"{mark}  ", end="", highlight=False)
    say(console, text)
