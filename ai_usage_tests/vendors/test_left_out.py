"""Vendors' lists of people and keys, record by record, and Cursor's spend by its full pages."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ai_usage.archive.archive import Archive
from ai_usage.days.windows import Window
from ai_usage.errors import VendorError
from ai_usage.vendors.base import Vendor
from ai_usage.vendors.fetching import fetch_window
from ai_usage.vendors.rows import LeftOut
from ai_usage_tests.vendors.support import (
    ANTHROPIC,
    CURSOR,
    NOW,
    Asked,
    ScriptedVendor,
    as_json,
    client,
    fetch,
    read,
)

MEMBERS = {"id": 1, "name": "Ann", "email": "ann@acme.test"}
USERS = {"id": "user_1", "name": "Ann", "email": "ann@acme.test"}
KEYS = {"id": "apikey_1", "name": "ci", "created_by": {"id": "user_1"}}
CASES = [
    (CURSOR, "members", MEMBERS, {"isRemoved": "gone"}, "isRemoved is a text, not true or false"),
    (CURSOR, "members", MEMBERS, {"name": ["Ann"]}, "name is a list, not a text"),
    (ANTHROPIC, "users", USERS, {"name": 7}, "name is a whole number, not a text"),
    (ANTHROPIC, "api_keys", KEYS, {"created_by": "x"}, "created_by is a text, not an object"),
]


def page(vendor: Vendor, *records: Any) -> dict[str, Any]:
    if vendor is CURSOR:
        return {"teamMembers": list(records)}
    return {"data": list(records), "has_more": False}


@pytest.mark.parametrize(("vendor", "endpoint", "good", "odd", "what"), CASES)
def test_an_odd_record_is_named_and_the_others_come(
    vendor: Vendor, endpoint: str, good: dict[str, Any], odd: dict[str, Any], what: str
) -> None:
    """The whole list was refused for it."""
    bad = {**good, "id": "odd_9", **({"email": "Odd@acme.test"} if "email" in good else {}), **odd}
    body = msgspec.json.encode(page(vendor, good, bad, "none"))
    first, left, none = read(vendor, endpoint, body)
    assert not isinstance(first, LeftOut)
    assert (left.ids, left.what) == (("odd_9",), what)
    assert left.addresses == (("odd@acme.test",) if "email" in good else ())
    assert "odd_9" in left.who
    assert left.remedy.endswith("meanwhile")
    assert (none.who, none.ids) == ("record 3 of page 1", ())


@pytest.mark.parametrize(("vendor", "endpoint", "good", "odd", "what"), CASES)
def test_a_list_without_a_record_that_can_be_read_leaves_the_last_good_answer(
    vendor_server: ScriptedVendor,
    tmp_path: Any,
    vendor: Vendor,
    endpoint: str,
    good: dict[str, Any],
    odd: dict[str, Any],
    what: str,
) -> None:
    vendor_server.answers(page(vendor, {**good, **odd}))
    window = Window.day(NOW.date())
    with (
        client(vendor, vendor_server.url) as asking,
        pytest.raises(VendorError, match="a record has another shape than documented"),
    ):
        fetch_window(
            vendor,
            vendor.endpoint(endpoint),
            window,
            client=asking,
            archive=Archive(str(tmp_path)),
            now=NOW,
        )


@pytest.mark.parametrize("total", [100, None])
def test_a_full_page_of_spend_means_that_more_may_follow(
    vendor_server: ScriptedVendor, total: int | None
) -> None:
    """Whatever the numbers of members and pages say."""
    members = [{"userId": n, "email": f"p{n}@acme.test", "spendCents": n} for n in range(1, 151)]

    def script(asked: Asked) -> Any:
        at, size = asked.body["page"], asked.body["pageSize"]
        own = members[(at - 1) * size : at * size]
        said = {} if total is None else {"totalMembers": total}
        return as_json({"teamMemberSpend": own, "totalPages": 1, **said})

    vendor_server.asked.clear()
    vendor_server.script = script
    pages = fetch(CURSOR, "spend", vendor_server.url, Window.day(NOW.date()))
    came = [record for p in pages for record in msgspec.json.decode(p.body)["teamMemberSpend"]]
    assert came == members
