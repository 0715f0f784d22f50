"""Put saved pages together again, and hold each answer to what a fetched one must keep.

Pages of one answer may lie in one file, one after another, or in several. Nothing here knows a
vendor, an archive or a clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from ai_usage.archive.pages import Page
from ai_usage.days.windows import Window
from ai_usage.errors import AiUsageError
from ai_usage.text.words import few, ranges
from ai_usage.vendors.base import Endpoint, Vendor
from ai_usage.vendors.kit.promises import MOST_PAGES, Paging
from ai_usage.vendors.kit.saved import Days, PageTells, SavedReport, Span, days_of


class ImportRefusedError(AiUsageError):
    """A saved answer cannot be imported; the message names the file, the reason and the fix."""


@dataclass(frozen=True)
class SavedPage:
    """A page in a file: its text as it stands, where it is, whose it is and what it tells."""

    path: Path
    at: int
    """Its place in the file, from 1."""
    body: bytes
    vendor: Vendor
    endpoint: Endpoint
    report: SavedReport
    tells: PageTells


@dataclass
class Answer:
    """Pages of one endpoint that together say each of their days once."""

    pages: list[SavedPage]
    continued: bool = False
    """Whether the rest that its last page speaks of is in another answer of the same command."""
    stated: Sequence[date] | None = None
    """The days that a person says it is about; heeded where it does not say so itself."""

    @property
    def vendor(self) -> Vendor:
        """Whose it is."""
        return self.pages[0].vendor

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that it answers."""
        return self.pages[0].endpoint

    @property
    def report(self) -> SavedReport:
        """How its pages are read."""
        return self.pages[0].report

    @property
    def names(self) -> str:
        """The files that its pages are in."""
        return few(list(dict.fromkeys(str(page.path) for page in self.pages)))

    @property
    def states_period(self) -> bool:
        """Whether it says which time it is about."""
        return all(page.tells.states_period for page in self.pages)

    @property
    def spans(self) -> list[Span]:
        """All stretches of time that it is about."""
        if self.stated is not None and not self.states_period:
            return [Span(Window.day(day).start_at, Window.day(day).end_at) for day in self.stated]
        tells = [page.tells for page in self.pages]
        seen = [one.seen for one in tells if one.seen is not None]
        if seen:
            return list(Span(min(s.start for s in seen), max(s.end for s in seen)).by_day())
        return [span for one in tells for span in (*one.covers, *one.buckets)]

    @cached_property
    def days(self) -> Days:
        """The UTC days that it has."""
        return days_of(self.spans)

    @property
    def more(self) -> bool:
        """Whether it speaks of a page after its last one."""
        last = self.pages[-1].tells
        if last.more is None and last.total is not None and last.records:
            return sum(page.tells.records for page in self.pages) < last.total
        return bool(last.more)

    @property
    def numbers(self) -> list[int]:
        """Which pages it has, where they say so."""
        return [page.tells.number for page in self.pages if page.tells.number is not None]

    @property
    def is_whole(self) -> bool:
        """Whether no page is known to be missing, before they are looked at one by one."""
        numbers = self.numbers
        counted = list(range(1, len(self.pages) + 1))
        return not self.more and (not numbers or numbers == counted)


class _SavedPaging(Paging):
    """What a fetch would ask again for, a person must save anew."""

    announces = False

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.vendor.name, answer.endpoint.name, "")
        self._names = answer.names

    def next_token(self, has_more: bool | None, token: str | None) -> str | None:
        """As in a fetch; but nobody goes there, and samples leave it away."""
        return "" if has_more and not token else super().next_token(has_more, token)

    def shifted(self, what: str) -> AiUsageError:
        """An error that names the file."""
        return self.failure(what)

    def failure(self, what: str, remedy: str = "") -> AiUsageError:
        """An error that names the file; of all fixes, saving it anew is the one for a file."""
        return ImportRefusedError(
            f"{self._names} is not the whole answer: {what}. Save every page of it once, and give "
            "all of them, in their order, in one command."
        )


def answers_of(pages: Sequence[SavedPage], stated: Sequence[date] | None = None) -> list[Answer]:
    """The answers that the pages of all files of a command make, each of them whole.

    `stated` are the days that a person says an answer is about which does not say so itself.
    Raises `ImportRefusedError` where pages are missing, come twice or do not fit together.
    """
    found: list[Answer] = []
    for endpoint in dict.fromkeys(page.endpoint.name for page in pages):
        runs = list(_runs([page for page in pages if page.endpoint.name == endpoint]))
        numbered = [run for run in runs if run.numbers]
        found += [*_numbered(numbered), *_chained([run for run in runs if not run.numbers])]
    for answer in found:
        _hold(answer)
    whole = list(_together(found, stated=stated is not None))
    for answer in whole:
        answer.stated = stated
    return whole


def _together(answers: Sequence[Answer], *, stated: bool) -> Iterator[Answer]:
    """Answers about different days in one file are as one: a call a day, a file a month.

    So are those for which a person `stated` their days together.
    """
    found: dict[object, Answer] = {}
    for answer in answers:
        files = tuple(dict.fromkeys(page.path for page in answer.pages))
        key = answer.endpoint.name, None if stated and not answer.states_period else files
        one = found.get(key)
        apart = not stated and any(page.tells.seen for page in answer.pages)
        if one is None or apart or _meet(one, answer):
            found[key] = answer
            yield answer
        else:
            one.pages += answer.pages


def _meet(one: Answer, other: Answer) -> bool:
    return not set(days_of(one.spans).touched).isdisjoint(days_of(other.spans).touched)


def _runs(pages: Sequence[SavedPage]) -> Iterator[Answer]:
    """Pages that follow each other in a file and may be of one answer."""
    run: Answer | None = None
    for page in pages:
        if run is not None and _goes_on(run, page):
            run.pages.append(page)
            continue
        if run is not None:
            yield run
        run = Answer([page])
    if run is not None:
        yield run


def _goes_on(run: Answer, page: SavedPage) -> bool:
    last = run.pages[-1]
    same = last.path == page.path and last.tells.asked == page.tells.asked
    starts = page.tells.number == 1
    return same and run.more and not starts and not _says_again(run, page)


def _says_again(run: Answer, page: SavedPage) -> bool:
    """Whether a page has figures of a time that an earlier, other page has: of another answer."""
    if any(page.body == earlier.body for earlier in run.pages):
        return False
    mine = [span for earlier in run.pages for span in earlier.tells.buckets]
    return any(a.start < b.end and b.start < a.end for a in mine for b in page.tells.buckets)


def _numbered(runs: Sequence[Answer]) -> Iterator[Answer]:
    """What lacks pages takes them from other files that answer the same request."""
    lacking: dict[object, list[SavedPage]] = {}
    for run in runs:
        if run.is_whole:
            yield run
        else:
            lacking.setdefault(run.pages[0].tells.asked, []).extend(run.pages)
    for pages in lacking.values():
        own: list[SavedPage] = []
        for page in sorted(pages, key=lambda page: page.tells.number or 0):
            copies = [one for one in own if one.body == page.body and one.path != page.path]
            if not copies:
                own.append(page)
        yield Answer(own)


def _chained(runs: Sequence[Answer]) -> Iterator[Answer]:
    """What speaks of a page after its last one goes on with the next in time."""
    waiting: Answer | None = None
    for run in sorted(runs, key=_begin):
        if waiting is None:
            waiting = run
        elif waiting.more and _is_copied(run, waiting):
            continue
        elif waiting.more and not _says_again(waiting, run.pages[0]):
            waiting.pages += run.pages
        else:
            # Another answer with a day of this one: the rest must be in it.
            waiting.continued = waiting.more and _end(run) > _end(waiting)
            yield waiting
            waiting = run
    if waiting is not None:
        yield waiting


def _is_copied(run: Answer, whole: Answer) -> bool:
    """Whether other files have all of its pages, to the last byte."""
    others = {page.body for page in whole.pages if page.path != run.pages[0].path}
    return all(page.body in others for page in run.pages)


def _begin(answer: Answer) -> str:
    return min((span.start.isoformat() for span in answer.spans), default="")


def _end(answer: Answer) -> str:
    return max((span.end.isoformat() for span in answer.spans), default="")


def _hold(answer: Answer) -> None:
    """Raise `ImportRefusedError` unless the pages are those of a whole answer."""
    paging = _SavedPaging(answer)
    numbers = answer.numbers
    if numbers:
        twice = sorted({number for number in numbers if numbers.count(number) > 1})
        if twice:
            raise paging.failure(f"page {_listed(twice)} comes twice")
        last = max([*numbers, *(page.tells.of or 0 for page in answer.pages if answer.more)])
        if last > MOST_PAGES:
            raise paging.failure(f"a page says that it is one of more than {MOST_PAGES}")
        missing = sorted(set(range(1, last + 1)) - set(numbers))
        if missing:
            raise paging.failure(
                f"page {missing[0]} of {last} is missing"
                if len(missing) == 1
                else f"pages {_listed(missing)} of {last} are missing"
            )
    for number, page in enumerate(answer.pages, 1):
        if number > 1:
            _hold_to_each_other(paging, number, answer.pages[number - 2], page)
        _hold_by_itself(page)
        more = answer.report.listing.watch(paging, Page(page.body, ""), number) is not None
    if more and not answer.continued:
        paging.all_there(paging.count)
        last_day = max(answer.days.touched, default=None)
        after = f" after {last_day}" if last_day and answer.pages[-1].tells.buckets else ""
        raise paging.failure(f"its last page says that there are more{after}")


def _hold_by_itself(page: SavedPage) -> None:
    """No time may stand twice on a page: nobody could tell which figures are meant."""
    spans = sorted(page.tells.buckets)
    for one, other in pairwise(spans):
        if other.start < one.end:
            raise ImportRefusedError(
                f"{page.path} has {other.first} twice on one page (page {page.at} of the file): "
                "save the answer anew, as it came."
            )


def _hold_to_each_other(paging: Paging, number: int, one: SavedPage, other: SavedPage) -> None:
    """A page that is not numbered tells by its days whether one is missing before it."""
    mine, its = one.tells, other.tells
    if its.number is not None or its.total is not None:
        return
    if mine.buckets and its.buckets:
        end, start = max(s.end for s in mine.buckets), min(s.start for s in its.buckets)
        if start > end:
            days = _between((end - timedelta(microseconds=1)).date(), start.date())
            raise paging.failure(
                f"between page {number - 1} and {number} {ranges(days)} is missing"
                if days
                else f"page {number} does not go on where page {number - 1} ends"
            )
    elif mine.covers and its.covers and mine.more and not set(mine.covers) & set(its.covers):
        raise paging.failure(
            f"page {number - 1} says that there is more of {mine.covers[-1].first}, and page "
            f"{number} is of {its.covers[0].first}"
        )
    if mine.more and not mine.buckets and its.records > mine.records > 0:
        raise paging.failure(
            f"page {number} has more records than the full page {number - 1}, so it is of another "
            "answer"
        )


def _between(last: date, first: date) -> list[date]:
    start = last + timedelta(days=1)
    return Window(start, first).days() if start < first else []


def _listed(numbers: Sequence[int]) -> str:
    return few([str(number) for number in numbers])
