"""The trend of green days as a picture for the report: an SVG, and the same in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ai_usage.migration.gate import GREEN_DAYS
from ai_usage.migration.trend import TrendDay
from ai_usage.text.words import counted, ranges

_HEIGHT, _LEFT, _TOP, _BELOW = 120, 34, 12, 44
_WIDEST, _NARROWEST, _FULL = 22, 3, 960
_LABELLED, _LABEL = frozenset({1, 8, 15, 22}), 48
_MOST_RANGES = 12
"""Of the days that are said in words."""
_COLOURS = {"green": "#176b37", "red": "#9b1c1c", "open": "#6b6b6b"}


def in_words(days: Sequence[TrendDay]) -> str:
    """What the picture shows: the run that counts, and which days are not green."""
    final = [one for one in days if one.state != "open"]
    run = final[-1].run if final else 0
    best = max((one.run for one in days), default=0)
    told = [f"{counted(run, 'green final day')} without a break up to the newest final one."]
    told.append(f"The gate asks for {GREEN_DAYS}; the longest run was {best}.")
    for state, name in (("red", "Not green"), ("open", "May still change")):
        own = [one.day for one in days if one.state == state]
        if own:
            told.append(f"{name}: {ranges(own, most=_MOST_RANGES)}.")
    return " ".join(told)


def figure(days: Sequence[TrendDay], name: str) -> str:
    """The picture with its words below it; `name` tells it from others of the page."""
    words = escape(in_words(days))
    return "\n".join(
        [
            "<figure>",
            *_svg(days, name),
            f"<figcaption>{words} A bar is as high as the green days in a row; \u2715 is a day "
            "that is not green, \u25cb one that may still change.</figcaption>",
            "</figure>",
        ]
    )


def _svg(days: Sequence[TrendDay], name: str) -> Iterator[str]:
    step = max(_NARROWEST, min(_WIDEST, _FULL // max(len(days), 1)))
    width, height = _LEFT + step * len(days) + 70, _TOP + _HEIGHT + _BELOW
    floor = _TOP + _HEIGHT
    tall = max(GREEN_DAYS + 1, *(one.run for one in days), 0)
    title = escape(f"Green final days in a row: {name}")
    yield (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="{title}. {escape(in_words(days))}">'
    )
    yield f"<title>{title}</title>"
    gate = floor - _HEIGHT * GREEN_DAYS / tall
    right = _LEFT + step * len(days)
    yield (
        f'<line x1="{_LEFT}" x2="{right}" y1="{gate:.1f}" y2="{gate:.1f}" stroke="#444" '
        'stroke-dasharray="4 3"/>'
    )
    yield f'<text x="{right + 4}" y="{gate + 4:.1f}">{GREEN_DAYS}: the gate</text>'
    yield f'<line x1="{_LEFT}" x2="{right}" y1="{floor}" y2="{floor}" stroke="#444"/>'
    yield f'<text x="{_LEFT - 4}" y="{floor + 4}" text-anchor="end">0</text>'
    free = 0.0
    for n, one in enumerate(days):
        x = _LEFT + n * step
        yield _mark(one, x, step, floor, tall)
        if one.day.day in _LABELLED and x >= free:
            free = x + _LABEL
            told = f"{one.day.day} {one.day:%b}"
            middle = x + step / 2
            yield f'<text x="{middle:.1f}" y="{floor + 34}" text-anchor="middle">{told}</text>'
    yield "</svg>"


def _mark(one: TrendDay, x: int, step: int, floor: int, tall: int) -> str:
    """A bar as high as the run, a cross for a red day, a ring for one that may still change.

    No day is told by its colour alone.
    """
    colour, middle, size = _COLOURS[one.state], x + step / 2, min(4.0, step / 2 - 0.5)
    told = {"green": counted(one.run, "green day"), "red": "not green", "open": "may still change"}
    title = f"<title>{one.day}: {told[one.state]}</title>"
    if one.state == "green":
        high = _HEIGHT * one.run / tall
        return (
            f'<rect x="{x + step * 0.1:.1f}" y="{floor - high:.1f}" width="{step * 0.8:.1f}" '
            f'height="{high:.1f}" fill="{colour}">{title}</rect>'
        )
    at = floor + 12
    if one.state == "red":
        one_way = f"M{middle - size:.1f} {at - size:.1f}L{middle + size:.1f} {at + size:.1f}"
        other = f"M{middle - size:.1f} {at + size:.1f}L{middle + size:.1f} {at - size:.1f}"
        return f'<path d="{one_way}{other}" stroke="{colour}" stroke-width="2">{title}</path>'
    return (
        f'<circle cx="{middle:.1f}" cy="{at}" r="{size:.1f}" fill="none" '
        f'stroke="{colour}">{title}</circle>'
    )
