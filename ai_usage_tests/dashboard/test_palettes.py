"""Colours are told apart by everybody, on white and on dark, and text on them is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise

import pytest

from ai_usage.dashboard.charts.palettes import (
    DARK,
    LIGHT,
    REST,
    SERIES,
    STEPS,
    colours,
    concrete,
    named,
    on,
    style_sheet,
)
from ai_usage.vendors.base import discovered_vendors

Matrix = Sequence[Sequence[float]]

EYES: Mapping[str, Matrix] = {
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    # Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
    "no red cones": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green cones": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue cones": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
TO_XYZ: Matrix = (
    (0.4124, 0.3576, 0.1805),
    (0.2126, 0.7152, 0.0722),
    (0.0193, 0.1192, 0.9505),
)
PALETTES = pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])


def linear(colour: str) -> list[float]:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]


def times(matrix: Matrix, vector: Sequence[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def contrast(one: str, other: str) -> float:
    """Of WCAG 2: 1 for the same, 21 for black on white."""
    light = sorted(times(TO_XYZ, linear(colour))[1] for colour in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


def lab(rgb: Sequence[float]) -> list[float]:
    xyz = times(TO_XYZ, [min(max(part, 0), 1) for part in rgb])
    f = [
        part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116
        for part in (xyz[0] / 0.9505, xyz[1], xyz[2] / 1.089)
    ]
    return [116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])]


def distance(one: str, other: str, eyes: Matrix) -> float:
    """CIE 1976: about 2 is just seen, 10 is seen at a glance."""
    seen = [lab(times(eyes, linear(colour))) for colour in (one, other)]
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21, abs=0.01)
    assert contrast("#808495", "#ffffff") == pytest.approx(3.7, abs=0.05)


@PALETTES
@pytest.mark.parametrize("ground", ["surface", "page", "raised", "sunken"])
def test_text_is_read_on_every_ground(palette: Mapping[str, str], ground: str) -> None:
    for ink in ("ink", "ink-2", "ink-3", "accent", "good", "warn", "bad"):
        assert contrast(palette[ink], palette[ground]) >= 4.5, ink


@PALETTES
def test_text_is_read_on_its_own_ground(palette: Mapping[str, str]) -> None:
    pairs = [
        *(("ink", f"{tone}-soft") for tone in ("good", "warn", "bad", "accent")),
        *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad", "accent")),
        ("on-accent", "accent"),
        ("surface", "ink"),
    ]
    for ink, ground in pairs:
        assert contrast(palette[ink], palette[ground]) >= 4.5, (ink, ground)


@PALETTES
def test_labels_are_read_on_the_colours_of_series(palette: Mapping[str, str]) -> None:
    for colour in (*SERIES, *STEPS, REST):
        ink = on(named(colour)).removeprefix("var(--").removesuffix(")")
        assert contrast(palette[ink], palette[colour]) >= 4.5, colour


@PALETTES
def test_series_stand_out_from_the_page(palette: Mapping[str, str]) -> None:
    for colour in (*SERIES, REST, "line-strong"):
        assert contrast(palette[colour], palette["surface"]) >= 3, colour


@PALETTES
@pytest.mark.parametrize("eyes", EYES.values(), ids=EYES.keys())
def test_all_eyes_tell_series_apart(palette: Mapping[str, str], eyes: Matrix) -> None:
    for one, other in combinations((*SERIES, REST), 2):
        assert distance(palette[one], palette[other], eyes) >= 15, (one, other)


@PALETTES
@pytest.mark.parametrize("eyes", EYES.values(), ids=EYES.keys())
def test_all_eyes_tell_a_step_from_the_next(palette: Mapping[str, str], eyes: Matrix) -> None:
    for one, other in pairwise(STEPS):
        assert distance(palette[one], palette[other], eyes) >= 10, (one, other)
    assert distance(palette["c1"], palette["c1-quiet"], eyes) >= 10


def test_both_palettes_name_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()


def test_a_platform_keeps_its_colour_whatever_else_is_there() -> None:
    all_platforms = [f"Platform {number}" for number in range(12)]
    given = colours(all_platforms)
    assert [given[name] for name in all_platforms] == [
        *(named(colour) for colour in SERIES),
        *(named(REST), named(REST)),
    ]
    assert colours(["a", "b", "a"]) == {"a": named("c1"), "b": named("c2")}


def test_every_product_that_can_be_bought_has_a_colour_of_its_own() -> None:
    products = {row.platform_name for vendor in discovered_vendors() for row in vendor.platforms}
    assert len(products) <= len(SERIES)


def test_a_picture_that_leaves_the_page_holds_values_in_place_of_names() -> None:
    spec = {"mark": {"fill": "var(--c1)"}, "config": [{"x": "var(--ink-2)"}]}
    assert concrete(spec, DARK) == {
        "mark": {"fill": DARK["c1"]},
        "config": [{"x": DARK["ink-2"]}],
    }


def test_paper_is_light_whatever_the_screen_is() -> None:
    light, system, chosen = style_sheet().splitlines()
    assert light.startswith(":root{")
    assert LIGHT["page"] in light
    assert system.startswith("@media screen and (prefers-color-scheme:dark)")
    assert chosen.startswith("@media screen{")
    assert "data-theme=dark" in chosen
