"""Every promise of a complete answer, held by every way of paging, against a server on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from starlette.responses import Response

from ai_usage.archive.pages import Page
from ai_usage.errors import VendorError
from ai_usage.vendors.http import VendorClient
from ai_usage.vendors.kit import promises
from ai_usage.vendors.kit.paginate import Listing, Place, Says, Way, paginate
from ai_usage.vendors.kit.promises import PagesShiftedError, Paging
from ai_usage_tests.vendors.support import CURSOR, SECRET, Asked, ScriptedVendor, as_json, client

WAYS: tuple[Way, ...] = ("token", "after_id", "number", "start_index", "link")
NAMED: tuple[Way, ...] = ("token", "after_id", "link")
"""The ways in which a page names the next one, so that an answer may do so again and again."""

Record = dict[str, Any]


class _Answer(msgspec.Struct):
    records: list[msgspec.Raw]
    more: bool | None = None
    following: str | None = None
    number: int | None = None
    total: int | None = None
    start: int | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def says(paging: Paging, page: Page, number: int) -> Says:
    answer = paging.decode(page, _ANSWER)
    return Says(
        answer.records, answer.more, answer.following, number=answer.number, total=answer.total
    )


def id_of(record: msgspec.Raw) -> Any:
    value = msgspec.json.decode(record)
    return value.get("id") if isinstance(value, dict) else None


def kin_of(record: msgspec.Raw) -> Any:
    return msgspec.json.decode(record).get("at")


@dataclass
class Listed:
    """A list on a server: its pages, cut as they stand, asked for in one way.

    `lies` are fields of the answer with that number, from 1; `reading` replaces the pages when the
    list is read once more.
    """

    server: ScriptedVendor
    way: Way
    pages: list[list[Any]]
    lies: dict[int, dict[str, Any]] = field(default_factory=dict)
    reading: list[list[Any]] | None = None
    ignores_the_place: bool = False
    fixed: Callable[[int, Asked], Response | None] = lambda number, asked: None

    def __post_init__(self) -> None:
        self.server.asked.clear()
        self.server.script = self._answer

    def _number(self, asked: Asked) -> int:
        """The page that is asked for, from 1."""
        if self.way == "start_index":
            start, before = int(asked.first("startIndex") or 1), 0
            for number, page in enumerate(self.pages, 1):
                if before + 1 >= start:
                    return number
                before += len(page)
            return len(self.pages) + 1
        name = {"token": "page", "after_id": "after_id", "number": "page", "link": "at"}[self.way]
        return int((asked.first(name) or "1").removeprefix("p"))

    def _answer(self, asked: Asked) -> Response:
        number = 1 if self.ignores_the_place else self._number(asked)
        if (instead := self.fixed(number, asked)) is not None:
            return instead
        times = sum(self._number(earlier) == 1 for earlier in self.server.asked)
        pages = self.pages if self.reading is None or times == 1 else self.reading
        page = pages[number - 1] if number <= len(pages) else []
        more = number < len(pages)
        body: dict[str, Any] = {"records": page}
        headers = {}
        if self.way in ("token", "after_id"):
            body |= {"more": more, "following": f"p{number + 1}" if more else None}
        elif self.way == "number":
            body |= {"more": more, "number": number, "total": sum(map(len, pages))}
        elif self.way == "start_index":
            before = sum(map(len, pages[: number - 1]))
            body |= {"total": sum(map(len, pages)), "start": before + 1}
        body |= self.lies.get(number, {})
        if self.way == "link" and body.pop("more", more):
            to = body.pop("following", f"p{number + 1}")
            headers["Link"] = f'</list?at=p1>; rel="first", </list?at={to}>; rel="next"'
        said = {name: value for name, value in body.items() if value is not None}
        return Response(msgspec.json.encode(said), 200, headers, "application/json")

    def read(self, **listing: Any) -> list[Any]:
        """Every record, through the kit's loop and a real client."""
        found: list[Any] = []
        with client(CURSOR, self.server.url) as asking:
            for page in self._followed(asking, Listing(self.way, says, **listing)):
                found += msgspec.json.decode(page.body)["records"]
        return found

    def _followed(self, asking: VendorClient, listing: Listing) -> Iterator[Page]:
        def ask(place: Place, where: str) -> Page:
            following = place.following
            if self.way == "link":
                return asking.get("list", following or "/list", where=where)
            asked: dict[Way, list[tuple[str, str]]] = {
                "token": [("page", following)] if following else [],
                "after_id": [("after_id", following)] if following else [],
                "number": [("page", str(place.number))],
                "start_index": [("startIndex", str(place.before + 1))],
            }
            return asking.get("list", "/list", asked[self.way], where=where)

        return paginate(listing, ask, vendor="acme", endpoint="list", where="2026-11-03")

    def refusal(self, **listing: Any) -> str:
        with pytest.raises(VendorError) as caught:
            self.read(**listing)
        return str(caught.value)


def one(number: int, **more: Any) -> Record:
    return {"id": f"r{number}", **more}


BY_ID = {"key": id_of}
ALIKE = {"kin": kin_of, "proves_itself": False}
"""Of a list that gives no identity, total or number."""


def without_identity(way: Way) -> dict[str, Any]:
    return {"kin": kin_of} if way in ("number", "start_index") else ALIKE


@pytest.mark.parametrize("way", WAYS)
def test_every_page_is_asked_once_in_its_order_to_the_end(
    vendor_server: ScriptedVendor, way: Way
) -> None:
    pages = [[one(1), one(2)], [one(3), one(4)], [one(5)]]
    assert Listed(vendor_server, way, pages).read(**BY_ID) == [one(n) for n in range(1, 6)]
    places = {
        "token": [[], [("page", "p2")], [("page", "p3")]],
        "after_id": [[], [("after_id", "p2")], [("after_id", "p3")]],
        "number": [[("page", "1")], [("page", "2")], [("page", "3")]],
        "start_index": [[("startIndex", "1")], [("startIndex", "3")], [("startIndex", "5")]],
        "link": [[], [("at", "p2")], [("at", "p3")]],
    }
    assert [asked.query for asked in vendor_server.asked] == places[way]


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_list_is_an_answer_and_an_empty_list_of_people_is_none(
    vendor_server: ScriptedVendor, way: Way
) -> None:
    listed = Listed(vendor_server, way, [[]])
    assert listed.read(**BY_ID) == []
    assert "it lists nobody" in listed.refusal(nobody="ACME_KEY")
    assert "check what ACME_KEY may read" in listed.refusal(nobody="ACME_KEY")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "pages",
    [
        [[{"at": 1}], [{"at": 1}]],
        [[{"at": 1}, {"at": 2}], [{"at": 2}, {"at": 3}]],
        [[{"at": 1}] * 2, [{"at": 1}] * 2, [{"at": 1}]],
        [[{"at": 1, "n": 1}, {"at": 1, "n": 2}], [{"at": 1, "n": 1}, {"at": 1, "n": 2}]],
    ],
    ids=["a record each", "at the seam", "three pages alike", "a whole page of one kin"],
)
def test_records_without_identity_that_are_alike_count_on_two_pages_as_on_one(
    vendor_server: ScriptedVendor, way: Way, pages: list[list[Record]]
) -> None:
    """They were refused for ever once: no later answer could have been another."""
    listed = Listed(vendor_server, way, pages)
    assert listed.read(**without_identity(way)) == [record for page in pages for record in page]


@pytest.mark.parametrize("way", WAYS)
def test_what_can_prove_itself_by_nothing_else_is_read_once_more(
    vendor_server: ScriptedVendor, way: Way
) -> None:
    alike, moved = [[{"at": 1}], [{"at": 1}]], [[{"at": 0}], [{"at": 1}]]
    Listed(vendor_server, way, alike).read(**ALIKE)
    assert len(vendor_server.asked) == 4
    moving = Listed(vendor_server, way, alike, reading=moved)
    assert "a record stands on two pages, and read again they differ" in moving.refusal(**ALIKE)
    Listed(vendor_server, way, moved).read(**ALIKE)
    assert len(vendor_server.asked) == 2, "nothing to prove"


@pytest.mark.parametrize("way", WAYS)
def test_a_page_of_different_records_that_comes_again_is_refused(
    vendor_server: ScriptedVendor, way: Way
) -> None:
    """Whatever name it has the second time: nobody has the same thousand small events twice."""
    page = [{"at": 1}, {"at": 2}]
    listed = Listed(vendor_server, way, [page, page])
    assert "page 2 repeats an earlier page" in listed.refusal(**without_identity(way))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("listing", [BY_ID, ALIKE], ids=["by id", "alike"])
def test_a_server_that_ignores_the_place_is_refused(
    vendor_server: ScriptedVendor, way: Way, listing: dict[str, Any]
) -> None:
    pages = [[one(n, at=n)] for n in range(1, 4)]
    said = Listed(vendor_server, way, pages, ignores_the_place=True).refusal(**listing)
    assert "page 2 repeats" in said or "names the same next page again" in said
    assert len(vendor_server.asked) == 2


@pytest.mark.parametrize("way", WAYS)
def test_an_identity_on_two_pages_is_a_shift_whatever_the_record_says(
    vendor_server: ScriptedVendor, way: Way
) -> None:
    listed = Listed(vendor_server, way, [[one(1), one(2)], [one(2, changed=True), one(3)]])
    with pytest.raises(PagesShiftedError, match="page 2 repeats a record of an earlier page"):
        listed.read(**BY_ID)


@pytest.mark.parametrize("way", NAMED)
def test_the_same_next_page_again_is_refused(vendor_server: ScriptedVendor, way: Way) -> None:
    lies = {number: {"more": True, "following": "p2"} for number in (1, 2)}
    listed = Listed(vendor_server, way, [[one(1)], [one(2)]], lies)
    assert "it names the same next page again" in listed.refusal(**BY_ID)
    assert len(vendor_server.asked) == 2


@pytest.mark.parametrize("way", ["token", "after_id"])
def test_more_without_a_place_is_refused(vendor_server: ScriptedVendor, way: Way) -> None:
    listed = Listed(vendor_server, way, [[one(1)]], {1: {"more": True, "following": None}})
    assert "it says that there is more, but not where" in listed.refusal(**BY_ID)


@pytest.mark.parametrize("way", ["token", "after_id"])
def test_a_name_that_is_left_over_after_the_end_is_not_followed(
    vendor_server: ScriptedVendor, way: Way
) -> None:
    listed = Listed(vendor_server, way, [[one(1)]], {1: {"more": False, "following": "p2"}})
    assert listed.read(**BY_ID) == [one(1)]
    assert len(vendor_server.asked) == 1


@pytest.mark.parametrize("way", WAYS)
def test_an_announced_total_that_moves_is_a_shift(vendor_server: ScriptedVendor, way: Way) -> None:
    lies = {1: {"total": 2}, 2: {"total": 3}}
    listed = Listed(vendor_server, way, [[one(1)], [one(2)]], lies)
    with pytest.raises(PagesShiftedError, match="the total went from 2 to 3 while paging"):
        listed.read(**BY_ID)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("announced", [3, 50])
def test_an_early_end_is_a_shift(vendor_server: ScriptedVendor, way: Way, announced: int) -> None:
    lies = {number: {"total": announced} for number in (1, 2, 3)}
    listed = Listed(vendor_server, way, [[one(1)], [one(2)]], lies)
    with pytest.raises(PagesShiftedError, match=f"2 records came of {announced} announced"):
        listed.read(**BY_ID)


@pytest.mark.parametrize("way", WAYS)
def test_more_than_announced_is_a_shift(vendor_server: ScriptedVendor, way: Way) -> None:
    lies = {number: {"total": 1} for number in (1, 2)}
    listed = Listed(vendor_server, way, [[one(1), one(2)]], lies)
    with pytest.raises(PagesShiftedError, match="2 records came of 1 announced"):
        listed.read(**BY_ID)


@pytest.mark.parametrize("way", WAYS)
def test_a_page_that_says_that_it_is_another_one_is_a_shift(
    vendor_server: ScriptedVendor, way: Way
) -> None:
    listed = Listed(vendor_server, way, [[one(1)], [one(2)]], {2: {"number": 3}})
    with pytest.raises(PagesShiftedError, match="page 2 says that it is page 3"):
        listed.read(**BY_ID)


@pytest.mark.parametrize("way", WAYS)
def test_a_list_that_never_ends_is_given_up(
    vendor_server: ScriptedVendor, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promises, "MOST_PAGES", 3)
    listed = Listed(vendor_server, way, [[one(n)] for n in range(5)])
    assert "more than 3 pages, it does not seem to end" in listed.refusal(**BY_ID)
    assert len(vendor_server.asked) == 4


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("records", [None, {}, "none"])
def test_a_missing_list_is_refused_and_no_empty_answer(
    vendor_server: ScriptedVendor, way: Way, records: Any
) -> None:
    listed = Listed(vendor_server, way, [[one(1)]], {1: {"records": records}})
    assert "the answer has another shape than documented" in listed.refusal(**BY_ID)


@pytest.mark.parametrize("way", WAYS)
def test_a_page_that_is_refused_fails_the_whole_list_and_is_named(
    vendor_server: ScriptedVendor, way: Way
) -> None:
    listed = Listed(vendor_server, way, [[one(1)], [one(2)]])
    listed.fixed = lambda number, asked: as_json({"error": "no"}, 400) if number == 2 else None
    assert "list 2026-11-03 page 2: answered 400 (no)" in listed.refusal(**BY_ID)


# --- The Link header ---------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["{url}/list?at=p2", "/list?at=p2", "?at=p2", "list?at=p2"])
def test_a_link_may_be_whole_or_relative(vendor_server: ScriptedVendor, link: str) -> None:
    def second(number: int, asked: Asked) -> Response | None:
        if number > 1:
            return None
        to = link.format(url=vendor_server.url)
        return as_json({"records": [one(1)]}, Link=f'<{to}>; rel="next"')

    listed = Listed(vendor_server, "link", [[one(1)], [one(2)]], fixed=second)
    assert listed.read(**BY_ID) == [one(1), one(2)]
    assert [asked.path for asked in vendor_server.asked] == ["/list", "/list"]


@pytest.mark.parametrize("other", ["http://elsewhere.example/list", "https://127.0.0.1/list"])
def test_a_link_to_another_host_is_refused_and_the_key_not_sent_there(
    vendor_server: ScriptedVendor, other: str
) -> None:
    vendor_server.answers(as_json({"records": [one(1)]}, Link=f'<{other}?k={SECRET}>; rel="next"'))
    with (
        client(CURSOR, vendor_server.url) as asking,
        pytest.raises(VendorError, match="answered 200 with a next page at another host") as caught,
    ):
        asking.get("list", "/list")
    assert SECRET not in str(caught.value)


def test_a_link_that_names_no_next_page_is_the_end(vendor_server: ScriptedVendor) -> None:
    vendor_server.answers(as_json({"records": []}, Link='</list?at=p1>; rel="prev"'))
    with client(CURSOR, vendor_server.url) as asking:
        assert asking.get("list", "/list").next_url is None
