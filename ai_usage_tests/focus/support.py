"""Small FOCUS files, written as an exporter would, and a mapping for them."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.finance import Rates
from ai_usage.focus.events import FetchedDirectly, bill_events
from ai_usage.focus.files import FocusFile
from ai_usage.focus.mapping import Services
from ai_usage.focus.shelf import keep
from ai_usage.focus.taking import Known, Taking, plan
from ai_usage.identity.aliases import Aliases
from ai_usage.reference import Row, read_text, reference_file
from ai_usage.vendors.rows import RawEvent

MARCH = ("2026-03-01", "2026-04-01")
APRIL_2 = datetime(2026, 4, 2, 9, tzinfo=UTC)
CLOUD = "Skyline Cloud"

OF_1_0 = {
    "BillingAccountId": "acc-1",
    "BillingAccountName": "Acme",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2026-03-01T00:00:00Z",
    "BillingPeriodEnd": "2026-04-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargeClass": "",
    "ChargeDescription": "Input tokens",
    "ChargePeriodStart": "2026-03-01T00:00:00Z",
    "ChargePeriodEnd": "2026-03-02T00:00:00Z",
    "BilledCost": "0",
    "EffectiveCost": "",
    "ListCost": "",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Models",
    "ProviderName": CLOUD,
    "Tags": "",
}
"""A line as version 1.0 has it."""


def line(day: int = 1, cost: str = "0", last: int | None = None, /, **cells: str) -> dict[str, str]:
    """A charge on a day of March 2026, or from the day to the `last`, both included."""
    end = date(2026, 3, last or day).toordinal() + 1
    return {
        **OF_1_0,
        "ChargePeriodStart": f"2026-03-{day:02}T00:00:00Z",
        "ChargePeriodEnd": f"{date.fromordinal(end)}T00:00:00Z",
        "BilledCost": cost,
        **cells,
    }


def whole(*lines: dict[str, str], account: str = "acc-1") -> list[dict[str, str]]:
    """The lines, and usage for nothing on the first and the last day: a whole month of March."""
    own = {"BillingAccountId": account}
    return [{**line(1), **own}, *({**given, **own} for given in lines), {**line(31), **own}]


def written(path: Path, lines: list[dict[str, str]]) -> FocusFile:
    """A CSV file with the lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(name for one in lines for name in one))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(lines)
    return FocusFile(path, path.name)


def mapped(*lines: str, head: str = "service,platform") -> Services:
    """A focus_mapping.csv of these lines."""
    return Services(rows(head, *lines))


def rows(head: str, *lines: str, name: str = "focus_mapping.csv") -> list[Row]:
    """A reference file of these lines."""
    return read_text(reference_file(name), "\n".join([head, *lines]) + "\n").rows


MODELS = mapped("Models,sky_models")


class Shelf:
    """An archive on 2 April 2026, into which files are taken."""

    def __init__(self, folder: Path, known: Known | None = None) -> None:
        self.archive = Archive(str(folder / "archive"))
        self.known = known or Known(MODELS, Rates())

    def plan(
        self, *files: FocusFile, stated: Window | None = None, replace: bool = False
    ) -> list[Taking]:
        return plan(files, self.archive, APRIL_2.date(), self.known, replace=replace, stated=stated)

    def take(self, *files: FocusFile, stated: Window | None = None) -> list[Taking]:
        takings = self.plan(*files, stated=stated)
        keep(self.archive, [taking.bill for taking in takings], APRIL_2)
        return takings

    def events(
        self,
        first: str = "2026-03-01",
        end: str = "2026-04-01",
        *,
        is_direct: FetchedDirectly = lambda _platform, _day: False,
        aliases: Aliases | None = None,
    ) -> list[RawEvent]:
        found = bill_events(
            self.archive,
            self.known.services,
            self.known.rates,
            Window(date.fromisoformat(first), date.fromisoformat(end)),
            aliases or Aliases(),
            is_direct,
        )
        return [event for stream in found for event in stream.events]

    def usd(self) -> Decimal:
        return sum((event.cost_usd or Decimal(0) for event in self.events()), Decimal(0))
