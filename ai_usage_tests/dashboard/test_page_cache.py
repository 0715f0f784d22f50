"""A page is sent again to the same viewer of the same copy alone."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from ai_usage.dashboard.page_cache import PageCache
from ai_usage.dashboard.published import Published
from ai_usage.dashboard.server import Gate, SignIn
from ai_usage.dashboard.viewers import Mode, Role, Viewer
from ai_usage_tests.dashboard.copies import AS_OF, Cost, Made, Person

HEADER = "X-Auth-Request-Email"


class Counting:
    """Pages that count how often they were made, and roles that can be changed."""

    def __init__(self, folder: Path) -> None:
        self.made = 0
        self.roles = {"ann@x.test": Role.ADMIN, "bo@x.test": Role.ADMIN}
        self.path = folder / "copy.duckdb"
        self.published = self.publish(1)

        async def page(request: Request) -> HTMLResponse:
            self.made += 1
            return HTMLResponse(f"{self.made} for {request.scope['viewer_email']}")

        async def other(_request: Request) -> PlainTextResponse:
            self.made += 1
            return PlainTextResponse(str(self.made))

        app = Starlette(
            routes=[Route("/", page, methods=["GET", "POST"]), Route("/x.csv", other)],
            middleware=[
                Middleware(Gate, sign_in=SignIn(HEADER, frozenset({"testclient"}))),
                Middleware(PageCache, published=self.published, viewer_of=self.viewer),
            ],
        )
        self.client = TestClient(app, base_url="http://127.0.0.1")

    def publish(self, dollars: int) -> Published:
        ann = Person(10, "ann@x.test", "Ads", "Sales", "CC-1")
        return Made([ann], [Cost(AS_OF, 10, Decimal(dollars), "Cursor", "CC-1")]).publish(self.path)

    def viewer(self, email: str) -> Viewer:
        return Viewer(email, self.roles[email], Mode.TEAM)

    def get(self, email: str = "ann@x.test", address: str = "/") -> str:
        return str(self.client.get(address, headers={HEADER: email}).text)


@pytest.fixture
def pages(tmp_path: Path) -> Counting:
    return Counting(tmp_path)


def test_the_same_question_is_answered_once(pages: Counting) -> None:
    assert pages.get() == pages.get() == "1 for ann@x.test"


def test_another_person_address_role_or_copy_has_a_page_of_its_own(pages: Counting) -> None:
    pages.get()
    assert pages.get("bo@x.test") == "2 for bo@x.test"
    assert pages.get(address="/?team=Ads") == "3 for ann@x.test"
    pages.roles["ann@x.test"] = Role.SELF
    assert pages.get() == "4 for ann@x.test"
    pages.publish(2)
    assert pages.get() == "5 for ann@x.test"


def test_what_is_sent_makes_every_page_anew_and_files_are_not_kept(pages: Counting) -> None:
    pages.get()
    pages.client.post("/", headers={HEADER: "ann@x.test"})
    assert pages.get() == "3 for ann@x.test"
    assert pages.get(address="/x.csv") != pages.get(address="/x.csv")
