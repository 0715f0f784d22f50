"""`import`: saved answers are recognised, examined all before one is taken, and materialised."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ai_usage_tests.cli.support import FIXTURES, Place, files_below

pytestmark = pytest.mark.slow

SAMPLES = [
    str(FIXTURES / "samples" / name)
    for name in (
        "anthropic_cost_report.json",
        "anthropic_usage_report.json",
        "cursor_daily_usage.json",
    )
]


def daily(email: str, day: int, *, more: bool = False) -> str:
    """One page of Cursor's daily usage with a day of March 2026."""
    body = json.loads((FIXTURES / "cursor" / "daily_usage.json").read_text())
    body.pop("period", None)
    row = {**body["data"][0], "email": email, "date": 1772323200000 + (day - 1) * 86_400_000}
    if "day" in row:
        row["day"] = f"2026-03-{day:02}"
    page = {"page": 1, "totalPages": 1, "hasNextPage": more, "hasPreviousPage": False}
    return json.dumps({**body, "data": [row], "pagination": {**body.get("pagination", {}), **page}})


def test_the_samples_of_the_design_document_become_facts(tmp_path: Path) -> None:
    """Without a key: their vendors are not configured, and that is no error."""
    place = Place(tmp_path, {"AI_USAGE_START_DATE": "2025-09-01"})
    done = place.run("import", *SAMPLES)
    assert done.code == 0, done.out + done.err
    assert "anthropic_cost_report.json: Anthropic cost_report, 2025-09-30" in done.out
    assert "amounts read as cents" in done.out
    assert "cursor_daily_usage.json: Cursor daily_usage, 2025-09-30\n" in done.out
    (costs,) = place.rows(
        "SELECT SUM(total_cost_usd) AS usd FROM fact_ai_costs "
        "WHERE DATE(cost_timestamp) >= DATE '2025-09-01'"
    )
    amounts = [
        float(line["amount"])
        for bucket in json.loads(Path(SAMPLES[0]).read_text())["data"]
        for line in bucket["results"]
    ]
    assert costs["usd"] == pytest.approx(sum(amounts) / 100)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.json": '{"data": ['}, "a.json:1:11 is not valid JSON"),
        ({"a.json": '{"a": 1}'}, "a.json is no answer that can be imported"),
        ({"a.json": "<html>"}, "a.json:1:1 is not valid JSON"),
        ({"a.json": daily("a@acme.test", 3, more=True)}, "is not the whole answer"),
        (
            {"good.json": daily("a@acme.test", 3), "bad.json": "[]"},
            "bad.json holds JSON that is not an object",
        ),
        (
            {"a.json": daily("a@acme.test", 3), "b.json": daily("b@acme.test", 3)},
            "a.json and b.json both hold cursor daily_usage of 2026-03-03: put the pages of one "
            "answer into one file",
        ),
        ({"a.json": daily("a@acme.test", 31)}, "a.json holds 2026-03-31, but today (UTC) is"),
        (
            {"good.json": daily("a@acme.test", 3), "held.json": daily("a@acme.test", 17)},
            "held.json holds cursor daily_usage of 2026-03-17, which the archive has from the "
            "vendor itself",
        ),
    ],
    ids=[
        "half a file",
        "something else",
        "a web page",
        "the first of two pages",
        "one of two is bad",
        "two answers for a day",
        "a day to come",
        "a day held from the vendor",
    ],
)
def test_nothing_is_taken_if_one_of_the_files_is_refused(
    place: Place, tmp_path: Path, files: dict[str, str], says: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    before = files_below(place.folder)
    done = place.call("import", *(str(tmp_path / name) for name in files))
    assert done.code == 1, done.out
    assert says in done.error.replace(f"{tmp_path}/", "")
    assert files_below(place.folder) == before
