"""What the company runs in a cloud and what it is billed for it: books of its own, and their truth.

No API reports it: a bill of the whole account comes once a month, in euros, some days after the
month, and again when the cloud has corrected it. Most of it is no AI at all, and of one AI service
nobody at the company has said yet what it is. The files are written in `cloud_bills`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from ai_usage.simulator import behaviour, seeding
from ai_usage.simulator.purchases import euro_rate, month_first

if TYPE_CHECKING:
    from ai_usage.simulator.company import Company

PLATFORM: Final = "vertex_ai"
PROVIDER: Final = "Google Cloud"
MODELS: Final = "Vertex AI"
ELSEWHERE: Final = ("Cloud Storage", "Compute Engine")
"""Services that the mapping says are no AI tools."""
UNMAPPED: Final = "Gemini Code Assist"
ACCOUNT: Final = "0142F7-9B31C6-5D08AA"
TEAMS: Final = ("Search", "Machine Learning")
PROJECT: Final = "ATLAS"
COMMITMENT: Final = "throughput-2025"
TAX_PERCENT: Final = 19

Category = Literal["Usage", "Purchase", "Tax", "Credit"]
COST_TYPES: Final[dict[Category, str]] = {
    "Usage": "usage",
    "Purchase": "commitment",
    "Tax": "tax",
    "Credit": "credit",
}
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Charge:
    """A line of a bill: millionths of a euro for the days from `first` to `last`.

    `hour` is that of a charge of one hour. `bears` are the days of the bill that bear it, which
    for a correction of an earlier month is the first.
    """

    service: str
    category: Category
    description: str
    first: date
    last: date
    micros: int
    bears: tuple[date, date]
    hour: int | None = None
    email: str | None = None
    team: str | None = None
    project: str | None = None
    is_correction: bool = False


@dataclass(frozen=True)
class Bill:
    """A bill of a month as it came; `version` 2 takes the place of 1."""

    month: date
    version: int
    came: datetime
    charges: tuple[Charge, ...] = field(repr=False)


class CloudKey(NamedTuple):
    """A day's dollars of the model platform, by what a line says of who bears it."""

    day: date
    kind: str
    email: str | None
    team: str | None


def bills(company: Company, since: date) -> list[Bill]:
    """The bills that have come by the company's `today`, of months from that of `since` on."""
    month, found = month_first(since), []
    while month < month_first(company.today):
        for version in (1, 2):
            came = _comes(month, version)
            if came.date() <= company.today:
                charges = tuple(_charges(company, month, corrected=version == 2))
                found.append(Bill(month, version, came, charges))
        month = month_first(month, 1)
    return sorted(found, key=lambda bill: bill.came)


def cloud_dollars(company: Company, since: date) -> dict[CloudKey, Decimal]:
    """What the model platform costs, by the newest bill of each month; days to come have none.

    A line's euros become dollars at the rate of the month's first day, to the millionth, and are
    spread over its days so that they sum to it.
    """
    newest = {bill.month: bill for bill in bills(company, since)}
    sums: dict[CloudKey, int] = defaultdict(int)
    for bill in newest.values():
        rate = int(euro_rate(company, bill.month) * 10_000)
        for charge in bill.charges:
            if charge.service != MODELS:
                continue
            sign = -1 if charge.micros < 0 else 1
            whole = (abs(charge.micros) * rate + 5_000) // 10_000
            first, last = charge.bears
            days = (last - first).days + 1
            for n in range(days):
                part = whole * (n + 1) // days - whole * n // days
                kind = COST_TYPES[charge.category]
                key = CloudKey(first + n * _DAY, kind, charge.email, charge.team)
                sums[key] += sign * part
    return {key: Decimal(micros).scaleb(-6) for key, micros in sums.items()}


def _comes(month: date, version: int) -> datetime:
    """A few days after the month, each third month late; a week later once more."""
    late = 5 if month.month % 3 == 0 else 0
    day = month_first(month, 1) + timedelta(days=3 + late + 7 * (version - 1))
    return datetime.combine(day, time(6), UTC)


def _charges(company: Company, month: date, *, corrected: bool) -> Iterator[Charge]:
    last = month_first(month, 1) - _DAY
    own = list(_models(company, month, last))
    if corrected:
        own = [_corrected(charge) for charge in own]
        earlier = month - timedelta(days=10)
        given_back = _charge("Usage", "Online prediction", earlier, -4_200_000, (month, month))
        own.append(replace(given_back, team=TEAMS[1], is_correction=True))
    yield from own
    taxed = sum(charge.micros for charge in own) * TAX_PERCENT // 100
    yield _charge("Tax", "Value added tax", month, taxed, (month, last), last)
    for service in ELSEWHERE:
        draw = seeding.stream(company.seed, "cloud", service, month).randrange
        for n in range((last - month).days + 1):
            day = month + n * _DAY
            once = _charge("Usage", f"{service} hours", day, draw(40_000) * 100, (day, day))
            yield replace(once, service=service)
    seats = _charge("Purchase", "Seats", month, 57_000_000, (month, last), last)
    yield replace(seats, service=UNMAPPED)


def _models(company: Company, month: date, last: date) -> Iterator[Charge]:
    """What the model platform is used for, before tax."""
    for n in range((last - month).days + 1):
        day = month + n * _DAY
        for person in company.people:
            if person.number % 9 == 4 and behaviour.works(company.seed, person, day):
                draw = seeding.stream(company.seed, "cloud", person.number, day)
                yield replace(_used(draw, "Input tokens", day), email=person.email)
                yield replace(_used(draw, "Output tokens", day), email=person.email)
        for team in TEAMS:
            draw = seeding.stream(company.seed, "cloud", team, day)
            yield replace(_used(draw, "Online prediction", day), team=team, project=PROJECT)
        if day.day in (10, 20) and not company.tidy:
            # Somebody forgot the tags.
            yield _used(seeding.stream(company.seed, "cloud untagged", day), "Batch", day)
    reserved = _charge(
        "Purchase", "Provisioned throughput", month, 180_000_000, (month, last), last
    )
    yield replace(reserved, project=PROJECT)
    yield _charge("Credit", "Promotion", last, -25_000_000, (last, last))


def _used(draw: Random, description: str, day: date) -> Charge:
    once = _charge("Usage", description, day, (100 + draw.randrange(25_000)) * 100, (day, day))
    return replace(once, hour=8 + draw.randrange(10))


def _corrected(charge: Charge) -> Charge:
    """A team's usage of the last ten days is billed at half."""
    if charge.team == TEAMS[0] and charge.first.day > 20:
        return replace(charge, micros=charge.micros // 2)
    return charge


def _charge(
    category: Category,
    description: str,
    first: date,
    micros: int,
    bears: tuple[date, date],
    last: date | None = None,
) -> Charge:
    return Charge(MODELS, category, description, first, last or first, micros, bears)
