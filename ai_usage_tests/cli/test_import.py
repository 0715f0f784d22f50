"""`import`: saved answers are recognised, examined all before one is taken, and materialised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage_tests.cli.replay import Replay, replaying
from ai_usage_tests.cli.support import FIXTURES, Done, Place, files_below

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
    assert "cursor_daily_usage.json: Cursor daily_usage, 2025-09-30\n  taken: 1 day\n" in done.out
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
            "a.json and b.json hold cursor daily_usage of 2026-03-03 twice, and not the same: "
            "leave out the answer that is not to count",
        ),
        ({"a.json": daily("a@acme.test", 31)}, "a.json holds 2026-03-31, but today (UTC) is"),
        (
            {"good.json": daily("a@acme.test", 3), "held.json": daily("a@acme.test", 17)},
            "held.json holds cursor daily_usage of 2026-03-17, which the archive has from the "
            "vendor itself, and says something else: import it with --replace",
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


# --- What a file does not hold ------------------------------------------------------------------

IMPORTS = FIXTURES / "imports"
AS_OF = {"AI_USAGE_AS_OF": "2026-09-20", "AI_USAGE_START_DATE": "2026-09-08"}
LINE = {
    "currency": "USD",
    "workspace_id": None,
    "description": "Claude Sonnet 4 Usage - Input Tokens",
    "cost_type": "tokens",
    "context_window": "0-200k",
    "model": "claude-sonnet-4",
    "service_tier": "standard",
    "token_type": "uncached_input_tokens",
}
SMALL_DAY = {
    "date": "2026-09-09T00:00:00Z",
    "actor": {"type": "api_actor", "api_key_name": "ci"},
    "customer_type": "api",
    "terminal_type": "unknown",
    "core_metrics": {"num_sessions": 1},
}
REPORTED = Replay(
    events=json.loads((IMPORTS / "events_at_the_vendor.json").read_text()),
    cost={
        "2026-09-08": [{**LINE, "amount": "1000.0"}],
        "2026-09-09": [{**LINE, "amount": "500"}],
        "2026-09-10": [{**LINE, "amount": "250"}],
    },
    # Another key of the same name with the same small day, on a page of its own.
    code={"2026-09-09": [[SMALL_DAY], [SMALL_DAY]]},
)
"""What the vendors have of three days: $17.50 of API cost, $15.00 of Cursor's events."""


def costs(place: Place) -> dict[tuple[str, str], Decimal]:
    """Dollars in the facts by vendor and day."""
    rows = place.rows(
        "SELECT platform_code, CAST(DATE(cost_timestamp, 'UTC') AS STRING) AS day, "
        "CAST(SUM(total_cost_usd) AS STRING) AS usd FROM fact_ai_costs AS f "
        "INNER JOIN dim_platforms AS p ON p.platform_sk = f.platform_sk "
        "WHERE DATE(cost_timestamp, 'UTC') >= DATE '2026-09-01' GROUP BY 1, 2"
    )
    return {(row["platform_code"], row["day"][-2:]): Decimal(row["usd"]) for row in rows}


@dataclass(frozen=True)
class Story:
    """A place into which files were imported before the vendors were asked."""

    place: Place
    asked: list[tuple[str, str]]
    imported: tuple[Done, Done]
    facts: tuple[dict[tuple[str, str], Decimal], ...]
    """After the imports, after the backfill."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The report without the 9th, then the one of which two pages share the 9th, then the vendor.

    Of Cursor only the export of a Californian day is given, which is refused.
    """
    with replaying(REPORTED) as environment:
        place = Place(tmp_path_factory.mktemp("story"), {**AS_OF, **environment})
        gap = place.call("import", str(IMPORTS / "cost_gap.json"))
        refused = place.call("import", str(IMPORTS / "events_pdt.json"))
        imported = costs(place)
        done = place.call("backfill", "--from", "2026-09-08", "--to", "2026-09-10")
        assert done.code == 0, done.out + done.err
        yield Story(place, list(REPORTED.asked), (gap, refused), (imported, costs(place)))


def test_a_day_that_a_report_lacks_stays_open_and_is_asked_for(story: Story) -> None:
    """$12.50 of two days are taken; the vendor is asked for the third alone, and has $5.00."""
    done = story.imported[0]
    assert done.code == 0, done.out + done.err
    assert done.out.startswith(
        "cost_gap.json: Anthropic cost_report, 2026-09-08, 2026-09-10, amounts read as cents\n"
        "  taken: 2 days, $12.50\n"
        "  left open: 1 day, $0.00 in the file (2026-09-09); `ai-usage backfill --from 2026-09-09 "
        "--to 2026-09-09` asks the vendor for them\n"
    )
    assert story.facts[0] == {("anthropic", "08"): Decimal(10), ("anthropic", "10"): Decimal("2.5")}
    assert [day for name, day in story.asked if name == "cost_report"] == ["2026-09-09"]
    after = {day: usd for (vendor, day), usd in story.facts[1].items() if vendor == "anthropic"}
    assert after == {"08": Decimal(10), "09": Decimal(5), "10": Decimal("2.5")}


def test_an_export_cut_by_californian_days_is_refused_and_its_days_are_asked_for(
    story: Story,
) -> None:
    """$6 of $15 are in it, of two days that are both not whole."""
    assert story.imported[1].error == (
        f"{IMPORTS / 'events_pdt.json'} holds no whole UTC day of cursor usage_events, only "
        "2026-09-08 from 07:00, 2026-09-09 until 07:00 UTC. Export it from midnight to midnight "
        "UTC: from 2026-09-08 00:00:00 to 2026-09-09 23:59:59.999."
    )
    after = {day: usd for (vendor, day), usd in story.facts[1].items() if vendor == "cursor"}
    assert after == {"08": Decimal(3), "09": Decimal(12)}


def test_two_records_of_claude_code_alike_on_two_pages_both_count(story: Story) -> None:
    (sessions,) = story.place.rows(
        "SELECT COUNT(*) AS records, SUM(session_count) AS sessions FROM fact_ai_usage "
        "WHERE DATE(event_timestamp, 'UTC') = DATE '2026-09-09' AND session_count IS NOT NULL"
    )
    assert sessions == {"records": 2, "sessions": 2}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (["events_page2_twice.jsonl"], "is not the whole answer: page 2 comes twice."),
        (["events_page2_missing.jsonl"], "is not the whole answer: page 2 of 3 is missing."),
        (
            ["events_all.jsonl", "cost_all.jsonl"],
            "holds cursor usage_events of 2026-09-08, which the archive has from the vendor itself",
        ),
    ],
)
def test_what_is_not_whole_or_contradicts_leaves_everything_as_it_is(
    story: Story, files: list[str], says: str
) -> None:
    before = files_below(story.place.folder)
    done = story.place.call("import", *(str(IMPORTS / name) for name in files))
    assert done.code == 1, done.out
    assert says in done.error
    assert files_below(story.place.folder) == before


def test_an_overlap_that_says_the_same_counts_once(story: Story, tmp_path: Path) -> None:
    """Pages that share a day, and that the archive has of a file and of the vendor."""
    place = story.place.copied(tmp_path / "again")
    done = place.call("import", str(IMPORTS / "cost_overlap.jsonl"))
    assert done.code == 0, done.out + done.err
    assert "  there already, and the same: 2 days, $15.00 (2026-09-08..2026-09-09)\n" in done.out
    assert "  there already, and the same: 2 days, $7.50 (2026-09-09..2026-09-10)\n" in done.out
    assert costs(place) == story.facts[1]
    replaced = place.call("import", str(IMPORTS / "events_all.jsonl"), "--replace")
    assert replaced.code == 0, replaced.out + replaced.err
    assert "  taken: 1 day, $15.00\n  left open: 0 days\n" in replaced.out
    assert costs(place) == {**story.facts[1], ("cursor", "08"): Decimal(15)}


@pytest.mark.parametrize("names", [["cost_overlap.jsonl"], ["cost_all.jsonl", "cost_gap.json"]])
def test_reports_that_share_days_make_each_of_them_once(tmp_path: Path, names: list[str]) -> None:
    """$10.00, $5.00 and $2.50, in an empty place."""
    place = Place(tmp_path, AS_OF)
    done = place.call("import", *(str(IMPORTS / name) for name in names))
    assert done.code == 0, done.out + done.err
    assert costs(place) == {
        ("anthropic", "08"): Decimal(10),
        ("anthropic", "09"): Decimal(5),
        ("anthropic", "10"): Decimal("2.5"),
    }


def test_the_last_of_stated_days_needs_the_first(tmp_path: Path) -> None:
    done = Place(tmp_path, AS_OF).call("import", SAMPLES[0], "--to", f"{date(2026, 9, 10)}")
    assert done.error == "--to needs --from: the first of the days."
