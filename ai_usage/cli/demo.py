"""`ai-usage demo`, its UI, and `ai-usage simulate`: the simulated vendors, the real pipeline.

The demo's settings are made here and read nothing of the person's: no `.env`, no keys, no
warehouse, no DAGSTER_HOME.
"""

from __future__ import annotations

import os
import shutil
import sys
import threading
from datetime import date, timedelta
from pathlib import Path

import typer
from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.dev import serve_ui
from ai_usage.cli.harmless import say
from ai_usage.cli.progress import follow, print_outcome, window_of_run
from ai_usage.cli.spend import how_much, spend_table
from ai_usage.cli.spend_by import By
from ai_usage.days.clock import utc_today
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.focus.shelf import newest_bills
from ai_usage.focus.taking import sorted_services
from ai_usage.instance.partitions import lookback_window
from ai_usage.orchestration.assets.focus import known_of
from ai_usage.orchestration.definitions import build_defs
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.orchestration.runs import Refetch
from ai_usage.settings import Settings
from ai_usage.simulator.cloud_bills import write_bills
from ai_usage.simulator.company import Company
from ai_usage.simulator.faults import Fault, FaultPlan
from ai_usage.simulator.reference import write_reference_files
from ai_usage.simulator.server import SCIM_TOKEN, follow_the_date, serve
from ai_usage.simulator.sheets_api import SHEET_ID, write_service_account
from ai_usage.simulator.telemetry import Telemetry
from ai_usage.simulator.vendors import VENDOR_KEYS, VENDOR_OPTIONS
from ai_usage.text.words import counted
from ai_usage.vendors.base import discovered_vendors
from ai_usage.vendors.line_files import files_of

TELEMETRY, BILLS = "telemetry", "bills"
"""The folders of files that a collector and a cloud would write, in the demo's own."""
MARKER = "this-is-the-demo"
"""A file in the demo's folder: a folder with state but without it is not the demo's to use."""


def vendor_environment(base_url: str) -> dict[str, str]:
    """What points a pipeline at the simulated vendors."""
    return {
        name: value
        for vendor in discovered_vendors()
        if vendor.name in VENDOR_KEYS
        for name, value in (
            (vendor.key_setting, VENDOR_KEYS[vendor.name]),
            (vendor.base_url_setting, f"{base_url}/{vendor.name}"),
            *VENDOR_OPTIONS.get(vendor.name, {}).items(),
        )
    }


def directory_environment(base_url: str, key_file: Path) -> dict[str, str]:
    """What points a pipeline at the simulated directory of people and sheet of keys."""
    return {
        "AI_USAGE_SCIM_URL": f"{base_url}/scim/v2",
        "AI_USAGE_SCIM_TOKEN": SCIM_TOKEN,
        "AI_USAGE_SHEETS_ID": SHEET_ID,
        "AI_USAGE_SHEETS_URL": f"{base_url}/sheets",
        "AI_USAGE_SHEETS_CREDENTIALS": str(key_file),
    }


def telemetry_environment(folder: Path) -> dict[str, str]:
    """What points a pipeline at files that a collector writes, all of them in one folder."""
    return {
        files_of(endpoint).setting: str(folder.absolute())
        for vendor in discovered_vendors()
        for endpoint in vendor.from_files
    }


def demo_environment(home: Path, base_url: str) -> dict[str, str]:
    """The demo's own environment, whole: nothing of the person's gets in.

    The simulator's service account changes with its process, so its key file is written anew.
    """
    key_file = write_service_account(home.absolute() / "service-account.json", base_url)
    (home / TELEMETRY).mkdir(exist_ok=True)
    (home / BILLS).mkdir(exist_ok=True)
    return {
        **_own_state(home),
        **vendor_environment(base_url),
        **directory_environment(base_url, key_file),
        **telemetry_environment(home / TELEMETRY),
        "AI_USAGE_FOCUS_PATH": str((home / BILLS).absolute()),
    }


def demo_settings(home: Path, base_url: str) -> Settings:
    """The demo's own settings."""
    return Settings.load(demo_environment(home, base_url))


def demo_as_it_is(home: Path) -> Settings:
    """The demo's own settings, to read its state; no vendor can be asked.

    Raises `AiUsageError` where there is none.
    """
    _check_there(home)
    return Settings.load(_own_state(home))


def _own_state(home: Path) -> dict[str, str]:
    return {
        "AI_USAGE_ENV_FILE": str(home.absolute() / "no.env"),
        "AI_USAGE_HOME": str(home.absolute()),
    }


def _check_there(home: Path) -> None:
    if not (home / MARKER).exists():
        raise AiUsageError(f"there is no demo in {home} yet: run `ai-usage demo` first.")


def serve_demo_ui(console: Console, home: Path, port: int) -> None:
    """Dagster's UI over the demo's state, the simulated vendors beside it."""
    _check_there(home)
    with serve(follow_the_date(_company())) as base_url:
        for name in [name for name in os.environ if name.startswith("AI_USAGE_")]:
            del os.environ[name]
        os.environ.pop("DAGSTER_HOME", None)
        os.environ.update(demo_environment(home, base_url))
        serve_ui(console, Settings.load(), port)


def run_demo(console: Console, home: Path, days: int) -> None:
    """Fetch the simulated vendors' last days, materialise everything, and sum it up."""
    _claim(home)
    _reach_back(home, utc_today() - timedelta(days=days - 1))
    company = _company()
    with serve(company) as base_url:
        settings = demo_settings(home, base_url)
        # Invoices are added up from what the company did: of months that nobody fetches they would
        # cost more than they show. None drops out of the file while its days are loaded.
        periods = days // 30 + 3
        write_reference_files(
            company, settings.reference_path, invoiced_periods=periods, with_cloud=True
        )
        write_bills(company, home / BILLS, settings.first_day)
        window = window_of_run(console, settings, _window_to_run(home, settings, days))
        Telemetry(company).write(home / TELEMETRY, window.start, settings.today)
        console.print(
            f"Simulated vendors on {base_url}: {len(company.people)} people, "
            f"{counted(len(window.days()), 'day')} to bring up to date over HTTP.",
            highlight=False,
            soft_wrap=True,
        )
        result = follow(
            console, build_defs(settings), settings, "*", window, Refetch.nothing(), command="demo"
        )
    if result.success:
        _remember(home, window)
        _sum_up(console, settings)
    print_outcome(console, result, window)
    if not result.success:
        raise typer.Exit(1)
    _explain(console, settings)
    _next(console, home)


def _company() -> Company:
    """A company as people run it: what a check finds in it is worth showing."""
    return Company(today=utc_today(), tidy=True)


def run_simulator(
    console: Console, port: int, people: int, seed: str, faults: tuple[Fault, ...]
) -> None:
    """Serve the simulated vendors until interrupted, and say how to point at them."""
    company = Company(seed, today=utc_today(), people=people)
    try:
        with serve(follow_the_date(company), port=port, faults=FaultPlan(faults)) as url:
            console.print(
                f"Simulated vendors on {url}. Put this into .env, then run ai-usage doctor:\n",
                highlight=False,
                soft_wrap=True,
            )
            key_file = Path("service-account.json")
            settings = vendor_environment(url) | directory_environment(url, key_file)
            for name, value in settings.items():
                say(console, f"{name}={value}")
            say(console, f"\nThe sheet's key file: curl -so {key_file} {url}/sheets/{key_file}")
            console.print("\nStop with Ctrl-C.")
            threading.Event().wait()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise AiUsageError(f"port {port}: {why}; choose another with --port.") from error
    except KeyboardInterrupt:
        console.print("stopped")


def _window_to_run(home: Path, settings: Settings, days: int) -> Window:
    """All the days at first; later, as a schedule would, only today and the look-back."""
    first = max(settings.today - timedelta(days=days - 1), settings.first_day)
    lookback = lookback_window(settings)
    done = (home / MARKER).read_text().split()
    if len(done) == 2:
        loaded = Window(date.fromisoformat(done[0]), date.fromisoformat(done[1]))
        if loaded.start <= first and loaded.end >= lookback.start:
            return lookback
    return Window(first, settings.today + timedelta(days=1))


def _reach_back(home: Path, first: date) -> None:
    """Let the demo's partitions begin with its first day: none is left empty in the UI."""
    remembered = home / "start_date"
    if not remembered.exists() or date.fromisoformat(remembered.read_text().strip()) > first:
        remembered.write_text(f"{first}\n")


def _remember(home: Path, window: Window) -> None:
    done = (home / MARKER).read_text().split()
    first = min([window.start.isoformat(), *done[:1]])
    (home / MARKER).write_text(f"{first} {window.end}\n")


def _claim(home: Path) -> None:
    if home.is_dir() and any(home.iterdir()) and not (home / MARKER).exists():
        raise AiUsageError(
            f"{home} holds something that is not the demo's: choose another folder with --home."
        )
    home.mkdir(parents=True, exist_ok=True)
    (home / MARKER).touch()


def _sum_up(console: Console, settings: Settings) -> None:
    warehouse = warehouse_resource(settings).warehouse()
    console.print(spend_table(warehouse, settings.today))
    console.print(spend_table(warehouse, settings.today, By.platform))
    shares = warehouse.query(
        "SELECT month, is_partial, attribution_rate, allocated_monthly_cost, total_monthly_cost "
        "FROM vw_executive_dashboard ORDER BY month DESC LIMIT 2"
    ).to_pylist()
    for row in shares:
        so_far = " so far" if row["month"] == settings.today.replace(day=1) else ""
        if row["is_partial"] and not so_far:
            so_far = f" ({how_much(warehouse, row['month'])})"
        console.print(
            f"{row['month']:%B %Y}{so_far}: ${row['total_monthly_cost']:,.2f}, "
            f"{row['attribution_rate']:.1%} attributed to people and shared keys, "
            f"${row['allocated_monthly_cost']:,.2f} to people.",
            highlight=False,
            soft_wrap=True,
        )


def _explain(console: Console, settings: Settings) -> None:
    """What the checks find in a company that keeps its registers, and what nobody has mapped."""
    say(
        console,
        "\nWhat the checks find is what they find in most companies: people above a budget, a "
        "contractor who tries a tool that nobody approved, now and then a quiet day. An old "
        "script's key is in no register: `keys gaps` has it.",
    )
    archive = Archive.of(settings)
    heads = [bill.head for bill in newest_bills(archive)]
    known = known_of(settings, archive, discovered_vendors())
    for service in sorted_services(heads, known).unmapped:
        said = "In the cloud's bills, and no cost until focus_mapping.csv says what it is"
        say(console, f"{said}: {service}.")


def _next(console: Console, home: Path) -> None:
    command = _own_name()
    state = "" if home == Path(".demo") else f" --home {home}"
    has_target = not state and Path("Makefile").is_file()
    dashboard = "make dashboard" if has_target else f"{command} dashboard --demo{state}"
    say(
        console,
        f"\nThe demo's state is in {home}. Next:\n"
        f"  {dashboard}\n"
        f'  AI_USAGE_HOME={home} {command} query "SELECT * FROM vw_executive_dashboard"\n'
        f"  AI_USAGE_HOME={home} {command} keys gaps\n"
        f"  AI_USAGE_HOME={home} {command} tables\n"
        f"  {command} dev --demo{state}\n"
        "From here to your own data: five steps in the README.",
    )


def _own_name() -> str:
    """How this command line can be called again from the current folder."""
    called, found = Path(sys.argv[0]).absolute(), shutil.which("ai-usage")
    if found and called.exists() and called.samefile(found):
        return "ai-usage"
    here = Path.cwd()
    return str(called.relative_to(here)) if called.is_relative_to(here) else str(called)
