"""Pages to HTML: Jinja, escaping on, no template that is not ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ai_usage.dashboard.pages.assets import href
from ai_usage.dashboard.pages.parts import Banner, Card, Link, Page, Tile, Vote
from ai_usage.dashboard.pages.tables import behind

FOLDER = Path(__file__).parent.parent / "templates"


class Entry(NamedTuple):
    """A page in the menu."""

    name: str
    title: str
    href: str
    icon: str


MENU = (
    Entry("overview", "Overview", "/", "overview"),
    Entry("spend", "Spend", "/spend", "spend"),
    Entry("budgets", "Budgets", "/budgets", "budgets"),
    Entry("close", "Close", "/close", "close_month"),
    Entry("seats", "Seats", "/seats", "seats"),
    Entry("team", "Team", "/team", "team"),
    Entry("adoption", "Adoption", "/adoption", "adoption"),
    Entry("trust", "Trust", "/trust", "trust"),
    Entry("me", "My usage", "/me", "me"),
)
"""The pages, in the order of the menu."""


def _json(value: Any) -> Markup:
    """JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - whatever could end the element is escaped above


def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {"json": _json, "behind": behind}
    found.tests |= {
        "tiles": lambda part: bool(part) and isinstance(part, tuple) and isinstance(part[0], Tile),
        "card": lambda part: isinstance(part, Card),
        "banner": lambda part: isinstance(part, Banner),
        "vote": lambda part: isinstance(part, Vote),
    }
    found.globals |= {"static": href}
    return found


TEMPLATES = _environment()


def page_html(
    page: Page, *, menu: Sequence[Entry] = MENU, side: Sequence[str] = (), copy: str = ""
) -> str:
    """A page. `side` stands below the menu; `copy` names what it was made from."""
    return TEMPLATES.get_template("page.html").render(
        page=page, menu=menu, here=page.name, side=side, copy=copy
    )


def message_html(
    title: str, text: str, link: Link | None = None, *, menu: Sequence[Entry] = MENU
) -> str:
    """A page that says why there is none, and what to do."""
    return TEMPLATES.get_template("message.html").render(
        title=title, text=text, link=link, menu=menu, here=""
    )


def evidence_html(*, menu: Sequence[Entry] = MENU, **parts: Any) -> str:
    """The page of a day's events; the dialog takes what stands in it."""
    return TEMPLATES.get_template("evidence.html").render(menu=menu, here="spend", **parts)
