"""Keys that take the place of others, by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ai_usage.identity import Identity
from ai_usage_tests.identity.sources import (
    LAST,
    directory,
    entry,
    identity,
    key,
    mappings,
    member,
    members,
    nov,
    only,
    owners,
    register,
    user,
    users,
)

ANN, BOB = "ann@x.com", "bob@x.com"
MADE = datetime(2026, 11, 10, 8, tzinfo=UTC)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def rotated(
    use: str = "service",
    *,
    by: str | None = "u2",
    old: dict[str, Any] | None = None,
    new: dict[str, Any] | None = None,
) -> Identity:
    """K1 is registered by its id; on the 10th it is archived, and Bob makes K2 of its name."""
    former = {"created_at": LONG_AGO, "status": "archived", **(old or {})}
    latter = {"created_at": MADE, **(new or {})}
    return identity(
        users(nov(8), user(ANN, cost_center="CC-1"), user(BOB, cost_center="CC-2")),
        members(nov(8), member("u1", ANN), member("u2", BOB)),
        register(nov(8), entry(ANN, "K1", intended_use=use, cost_center="CC-CI")),
        directory(nov(8), key("K1", "ci-bot", "u1", created_at=LONG_AGO)),
        directory(
            nov(10),
            key("K1", "ci-bot", "u1", **former),
            key(**{"key_id": "K2", "name": "ci-bot", "by": by, **latter}),
        ),
    )


@pytest.mark.parametrize("use", ["service", "team"])
def test_the_successor_of_a_registered_service_is_no_creators(use: str) -> None:
    found = rotated(use)
    assert mappings(found, "K2") == [
        (ANN, "key_succession", nov(10), None, True),
        (BOB, "vendor_directory", nov(10), None, False),
    ]
    assert owners(found, "api_key_id", "K2") == [(nov(10), LAST, "Shared")]
    row = only(r for r in found.bridge_user_identity() if r["identity_value"] == "K2")
    assert (row["cost_center"], row["confidence_score"]) == ("CC-CI", 0.7)


def test_the_successor_of_a_personal_key_is_its_creators() -> None:
    assert mappings(rotated("personal"), "K2") == [
        (BOB, "vendor_directory", nov(10), None, True),
        (ANN, "key_succession", nov(10), None, False),
    ]


def test_where_no_creator_is_known_the_former_owner_counts() -> None:
    assert owners(rotated("personal", by=None), "api_key_id", "K2") == [(nov(10), LAST, ANN)]


def test_the_history_names_the_key_before_it() -> None:
    rows = rotated().api_key_mappings()
    history = only(r["change_history"] for r in rows if r["attribution_source"] == "key_succession")
    assert '{"day":"2026-11-10","field":"api_key_id","old":"K1","new":"K2"}' in history


def test_a_successor_of_a_successor_is_known_too() -> None:
    again = datetime(2026, 11, 20, tzinfo=UTC)
    first, second = (
        key(name, "ci-bot", "u1", created_at=at, status="archived")
        for name, at in (("K1", LONG_AGO), ("K2", MADE))
    )
    found = identity(
        users(nov(8), user(ANN), user(BOB)),
        members(nov(8), member("u1", ANN), member("u2", BOB)),
        register(nov(8), entry(ANN, "K1", intended_use="service")),
        directory(nov(8), key("K1", "ci-bot", "u1", created_at=LONG_AGO)),
        directory(nov(10), first, key("K2", "ci-bot", "u2", created_at=MADE)),
        directory(nov(20), first, second, key("K3", "ci-bot", "u2", created_at=again)),
    )
    assert owners(found, "api_key_id", "K3") == [(nov(20), LAST, "Shared")]


@pytest.mark.parametrize(
    "other",
    [
        {"old": {"status": "active"}},
        {"new": {"workspace_id": "w2"}},
        {"new": {"name": "ci-bot-2"}},
        {"new": {"created_at": datetime(2025, 1, 1, tzinfo=UTC)}},
    ],
    ids=["former key still on", "other workspace", "other name", "made before"],
)
def test_a_key_that_takes_nobodys_place_is_its_creators(other: dict[str, Any]) -> None:
    sources = {source for _who, source, *_rest in mappings(rotated(**other), "K2")}
    assert sources == {"vendor_directory"}
