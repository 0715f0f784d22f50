"""Bring vendors' answers that a person saved to files into the archive, recognised by their shape.

What each endpoint's answer looks like is the vendor module's, how its pages fit together is
`answers`'; nothing is normalised here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, cast

from ai_usage.archive.archive import AmountsIn, Archive
from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.text.words import few, ranges
from ai_usage.vendors.answers import Answer, ImportRefusedError, SavedPage, answers_of
from ai_usage.vendors.base import ReadContext
from ai_usage.vendors.decoding import UNREADABLE
from ai_usage.vendors.fetching import read_fetch
from ai_usage.vendors.rows import RawEvent, Row
from ai_usage.vendors.saved_files import not_known, pages_of


class DaySays(NamedTuple):
    """What an answer says of a day: a digest of its events, in any order, and billed dollars."""

    digest: int = 0
    usd: Decimal = Decimal(0)


NOTHING = DaySays()


@dataclass
class Import:
    """What is to be taken of an answer, or was.

    Every UTC day that it touches is in one of the lists, or the archive has it anyhow.
    """

    answer: Answer
    says: Mapping[date, DaySays]
    taken: list[date] = field(default_factory=list)
    same: list[date] = field(default_factory=list)
    """Whole days that the archive or an earlier file has, and of which both say the same."""
    left_open: list[date] = field(default_factory=list)
    """Days that nobody has whole: they are still to be asked for."""
    new_pages: int = 0

    def usd(self, days: Sequence[date]) -> Decimal:
        """What the answer bills for the days, US dollars."""
        return sum((self.says.get(day, NOTHING).usd for day in days), Decimal(0))


def plan_imports(
    paths: Sequence[Path],
    archive: Archive,
    *,
    now: datetime,
    amount_unit: AmountsIn = "cents",
    replace: bool = False,
    stated: Sequence[date] | None = None,
) -> list[Import]:
    """Look through all files before any is taken: what each answer in them brings.

    A file is JSON, plain or gzipped: one answered page, or several one after another (lines or
    pretty-printed). Only reports can be told; a directory list belongs to the moment it was asked
    and a file does not say when that was.

    Of a day that two of them hold, or the archive and one of them, both must say the same; with
    `replace` the files win over the archive. `amount_unit` is the unit of the fields named
    `amount`, as in the API cents unless said otherwise; fields that name their unit keep it.
    `stated` are the days that answers are about which do not say so themselves.
    Raises `ImportRefusedError` where a file cannot be read, is no answer or not a whole one, holds
    no whole UTC day that is over, or says something else of a day than another or the archive.
    Raises `ArchiveError`.
    """
    pages: list[SavedPage] = []
    for path in paths:
        pages += pages_of(path, pages)
    answers = answers_of(pages, stated)
    told = {page.path for answer in answers if answer.days.touched for page in answer.pages}
    plans: list[Import] = []
    for answer in answers:
        if answer.days.touched:
            plans.append(_plan(answer, plans, archive, now, amount_unit, replace=replace))
        elif answer.pages[0].path not in told:
            raise ImportRefusedError(not_known(answer.pages[0].path))
    return plans


def take(archive: Archive, plan: Import, *, now: datetime, amount_unit: AmountsIn) -> None:
    """Archive an answer as complete fetches made `now` (UTC), one a run of days that it brings.

    So the manifests' names alone tell which days are held, as everywhere. Raises `ArchiveError`.
    """
    answer, runs = plan.answer, _runs(plan.taken)
    for window in runs:
        served = archive.coverage(answer.vendor.name, answer.endpoint.name, window)
        # The newest answer counts, and a pretended clock stands still.
        after = [fetch.fetched_at + timedelta(microseconds=1) for fetch, _ in served]
        with archive.recording(
            answer.vendor.name,
            answer.endpoint.name,
            window,
            fetched_at=max([now, *after]),
            origin="import",
            amount_unit=amount_unit,
        ) as recorder:
            for page in answer.pages if len(runs) == 1 else _pages_about(answer, window):
                recorder.add(Page(page.body, f"import {page.path.name}"))
        plan.new_pages += recorder.new_pages


def _plan(
    answer: Answer,
    earlier: Sequence[Import],
    archive: Archive,
    now: datetime,
    amount_unit: AmountsIn,
    *,
    replace: bool,
) -> Import:
    days, today = answer.days, now.astimezone(UTC).date()
    window = Window(days.touched[0], days.touched[-1] + timedelta(days=1))
    plan = Import(answer, _says(_rows(answer, answer.pages, ReadContext(window, amount_unit))))
    over = [day for day in sorted(days.whole) if day < today]
    if not over:
        raise ImportRefusedError(_no_whole_day(answer, today))
    _refuse_otherwise(plan, over, earlier)
    held = _held(archive, answer, window)
    others = {day for one in earlier if one.answer.endpoint is answer.endpoint for day in one.taken}
    differing: dict[str, list[date]] = {}
    for day in over:
        before = held.get(day)
        if day in others or (
            before and before.settled and before.says == plan.says.get(day, NOTHING)
        ):
            plan.same.append(day)
        elif before is None or replace or before.says == plan.says.get(day, NOTHING):
            # What is said again once it has settled is taken too: it is the last word then.
            plan.taken.append(day)
        else:
            differing.setdefault(before.origin, []).append(day)
    for origin, found in differing.items():
        raise ImportRefusedError(
            f"{answer.names} holds {answer.vendor.name} {answer.endpoint.name} of "
            f"{ranges(found)}, which the archive has from {origin}, and says something else: "
            "import it with --replace if the file is to take its place."
        )
    has = {*plan.taken, *plan.same, *held, *others}
    outside = [day for day in plan.says if day not in window.days()]
    wanted = sorted({*window.days(), *outside})
    plan.left_open = [day for day in wanted if day not in has and day <= today]
    return plan


def _no_whole_day(answer: Answer, today: date) -> str:
    days = answer.days
    if days.touched[0] > today:
        return f"{answer.names} holds {days.touched[0]}, but today (UTC) is {today}."
    if days.whole:
        return f"{answer.names} holds {ranges(sorted(days.whole))}, which is not over yet (UTC)."
    last = days.touched[-1]
    stated = (
        ""
        if answer.states_period
        else " It does not say which time it is about: if that is whole UTC days, name them with "
        "--from and --to."
    )
    return (
        f"{answer.names} holds no whole UTC day of {answer.vendor.name} {answer.endpoint.name}, "
        f"only {parts_of(answer)}. Export it from midnight to midnight UTC: from "
        f"{days.touched[0]} 00:00:00 to {last} 23:59:59.999.{stated}"
    )


def parts_of(answer: Answer) -> str:
    """What it has of days that are not whole: `2026-09-08 from 07:00, 2026-09-09 until 07:00`."""
    words = []
    for day, span in sorted(answer.days.parts.items()):
        window = Window.day(day)
        start = "" if span.start == window.start_at else f" from {span.start:%H:%M}"
        end = "" if span.end == window.end_at else f" until {span.end:%H:%M}"
        words.append(f"{day}{start}{end}" if start or end else f"parts of {day}")
    return few(words) + " UTC"


def _refuse_otherwise(plan: Import, days: Sequence[date], earlier: Sequence[Import]) -> None:
    """Raise `ImportRefusedError` if another answer in the same command says something else."""
    answer = plan.answer
    for one in earlier:
        if one.answer.endpoint is not answer.endpoint:
            continue
        both = [day for day in days if day in {*one.taken, *one.same}]
        differing = [d for d in both if one.says.get(d, NOTHING) != plan.says.get(d, NOTHING)]
        if differing:
            raise ImportRefusedError(
                f"{_both(one.answer, answer)} {answer.vendor.name} {answer.endpoint.name} of "
                f"{ranges(differing)} twice, and not the same: leave out the answer that is not to "
                "count, or save it anew."
            )


def _both(one: Answer, other: Answer) -> str:
    if one.names == other.names:
        return f"{one.names} holds"
    return f"{one.names} and {other.names} hold"


class _Held(NamedTuple):
    """What the archive has of a day."""

    says: DaySays
    origin: str
    settled: bool


def _held(archive: Archive, answer: Answer, window: Window) -> dict[date, _Held]:
    vendor, endpoint = answer.vendor, answer.endpoint
    found: dict[date, _Held] = {}
    for fetch, days in archive.coverage(vendor.name, endpoint.name, window):
        api = archive.manifest(fetch).origin == "api"
        says = _says(read_fetch(vendor, endpoint, archive, fetch))
        for day in days:
            found[day] = _Held(
                says.get(day, NOTHING),
                "the vendor itself" if api else "an earlier import",
                fetch.settled(day, endpoint.finalization_lag),
            )
    return found


_PLACE = ("record", "archive_page", "raw_response", "event_id")
"""Where an event stands and how it is worded, which is not what it means."""
_MEANING = [name for name in RawEvent.__struct_fields__ if name not in _PLACE]


def _says(rows: Iterator[Row]) -> dict[date, DaySays]:
    """By day. An event that was not understood says what stands in it."""
    found: dict[date, DaySays] = {}
    for event in cast("Iterator[RawEvent]", rows):
        text = repr([getattr(event, name) for name in _MEANING])
        if event.validation_errors:
            text += event.raw_response or ""
        number = int.from_bytes(sha256(text.encode()).digest(), "big")
        before = found.get(event.event_date, NOTHING)
        found[event.event_date] = DaySays(
            (before.digest + number) % 2**256, before.usd + (event.cost_usd or 0)
        )
    return found


def _rows(answer: Answer, pages: Sequence[SavedPage], context: ReadContext) -> Iterator[Row]:
    try:
        yield from answer.endpoint.read([page.body for page in pages], context)
    except UNREADABLE as error:
        raise ImportRefusedError(
            f"{answer.names} has another shape than {answer.vendor.name} {answer.endpoint.name} is "
            f"documented to have ({error})."
        ) from error


def _runs(days: Sequence[date]) -> list[Window]:
    runs: list[Window] = []
    for day in days:
        if runs and runs[-1].end == day:
            runs[-1] = Window(runs[-1].start, day + timedelta(days=1))
        else:
            runs.append(Window.day(day))
    return runs


def _pages_about(answer: Answer, window: Window) -> list[SavedPage]:
    """The pages with records of the days; one at least, which shows that there are none."""
    days = set(window.days())
    context = ReadContext(window)
    about = [
        page
        for page in answer.pages
        if any(
            event.event_date in days
            for event in cast("Iterator[RawEvent]", _rows(answer, [page], context))
        )
    ]
    return about or answer.pages[:1]
