"""Messages with hostile values and secrets: plain, short lines that no channel can misread."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_usage.alerts.findings import BUILT, Asset, Failure, Rule, RunFindings
from ai_usage.alerts.messages import MAX_LINE, Message, Writer
from ai_usage.alerts.news import AssetNews, Recovery
from ai_usage.quality.consequences import CONSEQUENCES
from ai_usage.settings import Settings
from ai_usage.vendors.base import discovered_vendors
from ai_usage.warehouse.views import view_schema
from ai_usage_tests.alerts.graph import DAY, WARNING, place
from ai_usage_tests.alerts.receivers import http_receiver, mail_server

HOSTILE = (
    "<script>alert(1)</script>",
    "<!channel> @everyone @here",
    "[click](http://evil.example.com/x)",
    "one\r\nBcc: all@example.com\r\n\r\nbody",
    "\x1b[31mred\x07 \u202egnp.exe \u2028 \u200b \x00",
    "`code` | table",
    "=cmd()",
)


def writer(**settings: str) -> Writer:
    made = Settings.load({"AI_USAGE_HOME": "x", "AI_USAGE_ENV_FILE": "none", **settings})
    return Writer(made, discovered_vendors())


def message(failure: Failure, by: Writer | None = None) -> Message:
    found = RunFindings("0123456789", "job", True, (failure,), ())
    return (by or writer()).message(AssetNews(failure.asset, (failure,)), Asset("facts"), found)


def failure(name: str = "rule", *, detail: str = "", **sample: str) -> Failure:
    rules = {name: Rule(3, frozenset({DAY}))}
    return Failure("fact_ai_costs", "quality", "warning", rules, detail, (sample,))


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_value_is_harmless_wherever_it_stands(value: str) -> None:
    told = message(failure(value, detail=value, model=value))
    assert "\n" not in told.title
    assert len(told.body.splitlines()) == len(
        message(failure(detail="x", model="y")).body.split("\n")
    )
    for text in (told.title, told.body.replace("http://127.0.0.1:3000", "")):
        assert not set("<>[]`|\x00\x07\x1b\r\u202e\u2028\u200b") & set(text)
        assert "://" not in text
        assert "@everyone" not in text
        assert "@here" not in text


@given(st.text(max_size=1_000))
def test_any_text_becomes_one_short_printable_line(text: str) -> None:
    line = writer().clean(text)
    assert len(line) <= MAX_LINE
    assert line == " ".join(line.split())
    assert line.isprintable()


def test_secrets_and_addresses_are_masked() -> None:
    by = writer(
        AI_USAGE_NOTIFY_URLS="json://me:hunter22@h/x",
        AI_USAGE_SCIM_TOKEN="scim-bearer-of-ours",
        CURSOR_API_KEY="plain-looking-secret",
    )
    detail = "plain-looking-secret scim-bearer-of-ours sk-ant-admin01-abc mara@example.com"
    body = message(failure(detail=detail), by).body
    assert "*** *** sk-ant-admin01-*** m***@example.com" in body


def test_a_budget_alert_says_in_plain_words_whose_how_much_and_how_to_see_who() -> None:
    name = "j***@example.com #1f"
    told = "$4.00 (4%) over the budget of $100.00 for March 2026, $104.00 spent"
    found = Failure(
        "fact_ai_costs",
        "budget_crossings",
        "warning",
        {name: Rule(1, frozenset({DAY}))},
        "Nobody's cost of the month is above their budget.",
        ({"subject": "j***@example.com"},),
        details={name: told},
        follows=CONSEQUENCES["budget_crossings"],
    )
    lines = message(found).body.splitlines()
    assert f"  {name}: {told}" in lines
    (how,) = [line for line in lines if "ai-usage query" in line]
    assert "masked" in how
    (sql,) = re.findall(r"""'ai-usage query "(SELECT .+)"'""", how)
    view = view_schema("vw_budget_status")
    assert set(re.findall("[a-z]+_[a-z_]+|month", sql)) <= {view.name, *dict(view.columns)}
    assert not [line for line in lines if "for example" in line or "failing" in line]


def test_a_message_with_hostile_values_arrives_as_text_by_mail_and_by_http(
    tmp_path: Path,
) -> None:
    with mail_server() as box, http_receiver() as receiver:
        with place(tmp_path / "home", f"{box.url} {receiver.url()}") as here:
            here.world.fails("fact_ai_costs", WARNING, DAY, rule=HOSTILE[0])
            here.world.samples["fact_ai_costs"] = [{"model": HOSTILE[3], "actor": HOSTILE[1]}]
            here.tell(DAY)
        (mail,) = box.mails
        (post,) = receiver.posts
    assert "Bcc" not in mail
    assert mail["To"] == "oncall@example.com"
    raw = mail.as_string()
    assert "<script" not in raw
    assert "&lt;script" not in raw
    assert "(script)alert(1)(/script): 1 failing" in post["message"]


def test_a_long_list_is_cut_and_says_how_much_is_left() -> None:
    many = {f"rule_{n}": Rule(1, frozenset({DAY})) for n in range(30)}
    body = message(Failure("fact_ai_costs", "quality", "warning", many)).body
    assert "and 22 more" in body
    assert len(body.splitlines()) < 25


def test_a_digest_names_the_first_assets_and_counts_the_rest() -> None:
    parts = [(f"asset_{n:02}", ["WARNING quality"], False) for n in range(50)]
    told = writer().digest(parts, "warning", "backfill abc", "Backfill: link")
    assert told.title == "ai-usage warning: 50 assets failing in backfill abc"
    assert "asset_19" in told.body
    assert "asset_20" not in told.body
    assert "and 30 assets more" in told.body


def test_a_recovery_says_since_when_and_what_is_left() -> None:
    since = datetime(2026, 3, 9, 7, 5, tzinfo=UTC)
    recovery = Recovery(
        "contract", "email_form", "error", since, frozenset({DAY}), frozenset({date(2026, 3, 1)})
    )
    built = Recovery(BUILT, BUILT, "error", since, frozenset(), frozenset())
    lines = writer().lines(AssetNews("raw_ai_events", (), (recovery, built)))
    assert lines == [
        "RECOVERED contract (email_form) on 2026-03-10, still failing on 2026-03-01; failing since "
        "2026-03-09 07:05 UTC",
        "RECOVERED building; failing since 2026-03-09 07:05 UTC",
    ]
