"""Whose a line of OpenAI's is: its key's, or the account's that acted without one.

Worked out by hand. Ann and Bob are members, Cara has left the organization before it was first
read; a service account has a key, which Bob used once, and acted once without one.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import msgspec

from ai_usage.identity import Identity, Snapshot, api_keys_of
from ai_usage.vendors.rows import ApiKey, Person, RawEvent
from ai_usage_tests.identity.sources import (
    entry,
    identity,
    members,
    nov,
    owners,
    register,
    user,
    users,
)
from ai_usage_tests.vendors.support import OPENAI, read

MIDNIGHT = 1793664000
ANN = {"id": "user-A1", "name": "Ann", "email": "ann@acme.test"}
BOB = {"id": "user-b2", "name": "Bob", "email": "bob@acme.test"}
CARA = "user-C3"
ROBOT = {"id": "user-sa9", "name": "robot"}
KEYS = (
    {"id": "key_ann", "name": "ann", "owner": {"type": "user", "user": ANN}},
    {
        "id": "key_bot",
        "name": "bot",
        "owner": {"type": "service_account", "service_account": ROBOT},
    },
)
LINES = (
    ("4.00", "key_ann", "user-A1"),
    ("3.00", "key_bot", None),
    ("2.00", "key_bot", "user-b2"),
    ("1.50", None, "user-b2"),
    ("0.75", None, CARA),
    ("0.50", None, "user-sa9"),
    ("0.25", None, None),
)
"""Dollars, the key and the person that a line names."""


def page(*records: Any) -> bytes:
    return msgspec.json.encode({"data": records, "has_more": False})


def lines() -> list[RawEvent]:
    results = [
        {
            "object": "organization.costs.result",
            "amount": {"value": dollars, "currency": "usd"},
            "line_item": "gpt-x, output_tokens",
            "project_id": "proj_a",
            "api_key_id": key,
            "user_id": person,
        }
        for dollars, key, person in LINES
    ]
    found = read(OPENAI, "costs", page({"start_time": MIDNIGHT, "results": results}))
    return list(found)


def lists() -> list[Snapshot]:
    """What the directory says of keys and accounts, and of people."""
    people = [row for row in read(OPENAI, "users", page(ANN, BOB)) if isinstance(row, Person)]
    keys = read(OPENAI, "api_keys", page(ANN, BOB, *KEYS, ROBOT))
    accounts = [row for row in keys if isinstance(row, ApiKey)]
    return [
        members(nov(2), *people, vendor="openai"),
        Snapshot(nov(2), api_keys_of("openai"), accounts),
    ]


def borne(found: Identity) -> dict[str, Decimal]:
    """Dollars by who bears them, as facts find people: by the key, else by the account."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for event in lines():
        assert event.cost_usd is not None
        kind, value = ("api_key_id", event.api_key_id or "")
        if not value:
            kind, value = ("vendor_user_id", event.vendor_user_id or "")
        day = event.event_date
        who = [who for first, last, who in owners(found, kind, value) if first <= day <= last]
        sums[who[0] if who else "nobody"] += event.cost_usd
    return dict(sums)


def test_a_line_is_its_keys_and_without_one_the_accounts() -> None:
    """A service account's key is no person's, whoever used it; what names nobody is split."""
    assert borne(identity(*lists())) == {
        "ann@acme.test": Decimal("4.00"),
        "bob@acme.test": Decimal("1.50"),
        "nobody": Decimal("6.50"),
    }


def test_registers_say_whose_a_service_account_is_by_its_key_and_by_its_own_id() -> None:
    service = {"platform": "openai", "intended_use": "service"}
    own = [entry("bob@acme.test", one, **service) for one in ("key_bot", "user-sa9")]
    assert borne(identity(*lists(), register(nov(2), *own))) == {
        "ann@acme.test": Decimal("4.00"),
        "bob@acme.test": Decimal("1.50"),
        "Shared": Decimal("5.50"),
        "nobody": Decimal("1.00"),
    }


def test_who_is_in_no_list_any_more_is_found_by_the_id_in_users_csv() -> None:
    """An account without a key stands where keys stand: its login means the person there too."""
    cara = user("cara@acme.test", vendor_logins=(f"openai:{CARA}",))
    assert borne(identity(*lists(), users(nov(2), cara))) == {
        "ann@acme.test": Decimal("4.00"),
        "bob@acme.test": Decimal("1.50"),
        "cara@acme.test": Decimal("0.75"),
        "nobody": Decimal("5.75"),
    }


def test_the_register_of_keys_counts_before_a_login_of_the_same_id() -> None:
    cara = user("cara@acme.test", vendor_logins=(f"openai:{CARA}", "openai:key_ann"))
    bobs = entry("bob@acme.test", CARA, platform="openai")
    found = identity(*lists(), users(nov(2), cara), register(nov(2), bobs))
    assert borne(found) == {
        "ann@acme.test": Decimal("4.00"),
        "bob@acme.test": Decimal("2.25"),
        "nobody": Decimal("5.75"),
    }
