"""The colours: one name each, a value for light and one for dark, tested for eyes of all kinds.

Pictures and style sheet name a colour by `var(--name)`, so a page changes its colours without
drawing anew. A picture that leaves the page (the monthly report) takes the values themselves:
`concrete`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

LIGHT: Mapping[str, str] = {
    "page": "#f4f5f7",
    "surface": "#ffffff",
    "raised": "#ffffff",
    "sunken": "#eceef2",
    "line": "#dde1e7",
    "line-strong": "#828b99",
    "ink": "#15181d",
    "ink-2": "#424a56",
    "ink-3": "#5a6370",
    "accent": "#1f5fae",
    "accent-soft": "#e3edf9",
    "on-accent": "#ffffff",
    "good": "#1a6e42",
    "good-soft": "#e0f3e8",
    "warn": "#8a5300",
    "warn-soft": "#fdf0d5",
    "bad": "#b3261e",
    "bad-soft": "#fce5e3",
    "past": "#d3d8e0",
    "c1": "#276fc0",
    "c2": "#c96149",
    "c3": "#46a081",
    "c4": "#512251",
    "c5": "#9d7e11",
    "c6": "#943741",
    "c7": "#a584c6",
    "c8": "#37378f",
    "c9": "#584d00",
    "c10": "#844d8f",
    "rest": "#6b7480",
    "c1-quiet": "#6c95cc",
    "h1": "#a9c6ea",
    "h2": "#3b72bd",
    "h3": "#173f75",
    **dict.fromkeys(("on-c1", "on-c4", "on-c6", "on-c8", "on-c9", "on-c10"), "#ffffff"),
    **dict.fromkeys(("on-c2", "on-c3", "on-c5", "on-c7", "on-past", "on-h1"), "#0c0e12"),
    **dict.fromkeys(("on-rest", "on-h2", "on-h3"), "#ffffff"),
}
DARK: Mapping[str, str] = {
    "page": "#0f1217",
    "surface": "#171b23",
    "raised": "#1f2530",
    "sunken": "#11151b",
    "line": "#2b323e",
    "line-strong": "#6f7a8b",
    "ink": "#eef1f5",
    "ink-2": "#c3cad5",
    "ink-3": "#9aa5b4",
    "accent": "#79b0f5",
    "accent-soft": "#1c2f49",
    "on-accent": "#0c1420",
    "good": "#6fd3a0",
    "good-soft": "#15301f",
    "warn": "#f0b95a",
    "warn-soft": "#36280f",
    "bad": "#ff938b",
    "bad-soft": "#3d1a19",
    "past": "#3a4351",
    "c1": "#4280fc",
    "c2": "#f09941",
    "c3": "#8edec5",
    "c4": "#eb9bfa",
    "c5": "#f0e7a8",
    "c6": "#e34e5b",
    "c7": "#bb63c6",
    "c8": "#21f2f2",
    "c9": "#fdc637",
    "c10": "#21a579",
    "rest": "#8b95a5",
    "c1-quiet": "#3d69b8",
    "h1": "#2b5a9a",
    "h2": "#5b9bf0",
    "h3": "#bcd8ff",
    **dict.fromkeys((f"on-c{number}" for number in range(1, 11)), "#0c0e12"),
    **dict.fromkeys(("on-rest", "on-h2", "on-h3"), "#0c0e12"),
    **dict.fromkeys(("on-past", "on-h1"), "#ffffff"),
}
SERIES = ("c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9", "c10")
"""Colours of things that are compared, in the order in which they are given out."""
STEPS = ("past", "h1", "h2", "h3")
"""Colours of steps of one thing, from none to much."""
REST = "rest"
"""Whatever comes after the tenth, and what is a remainder."""
_NAMED = re.compile(r"var\(--([a-z0-9-]+)\)")


def named(colour: str) -> str:
    """The colour as pictures and style sheet write it."""
    return f"var(--{colour})"


def on(colour: str) -> str:
    """Colour of text that stands on a named colour of a series."""
    return colour.replace("var(--", "var(--on-")


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, in the order given: the same order gives the same colours.

    Give all platforms of the warehouse in a fixed order, whatever is filtered, so that each keeps
    its colour on every page.
    """
    found: dict[str, str] = {}
    for name in names:
        if name not in found:
            found[name] = named(SERIES[len(found)] if len(found) < len(SERIES) else REST)
    return found


def concrete(spec: Mapping[str, Any], palette: Mapping[str, str] = LIGHT) -> dict[str, Any]:
    """The specification with the palette's values in place of names."""
    text = _NAMED.sub(lambda found: palette[found[1]], json.dumps(spec))
    result: dict[str, Any] = json.loads(text)
    return result


def style_sheet() -> str:
    """The palettes as custom properties: light, dark where the system or person asks, paper."""

    def block(palette: Mapping[str, str], scheme: str) -> str:
        values = "".join(f"--{name}:{value};" for name, value in palette.items())
        return f"{{color-scheme:{scheme};{values}}}"

    light, dark = block(LIGHT, "light"), block(DARK, "dark")
    return (
        f":root{light}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root:not([data-theme=light]){dark}}}\n"
        f"@media screen{{:root[data-theme=dark]{dark}}}\n"
    )
