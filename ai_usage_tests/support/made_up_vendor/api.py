"""What Acme's endpoints share."""

from __future__ import annotations

import msgspec

from ai_usage.archive.pages import Page
from ai_usage.vendors.kit.paginate import Says
from ai_usage.vendors.kit.promises import Paging

NAME, PILOT = "acme", "acme_pilot"


class _Answer(msgspec.Struct):
    items: list[msgspec.Raw]
    page: int | None = None
    total: int | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def says(paging: Paging, page: Page, number: int) -> Says:
    """What a page of either list says of itself."""
    answer = paging.decode(page, _ANSWER)
    return Says(answer.items, number=answer.page, total=answer.total)


def records(page: bytes) -> list[msgspec.Raw]:
    """The records of an archived page."""
    return _ANSWER.decode(page).items
