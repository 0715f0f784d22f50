"""What is open when a month is closed is shown, and accepted by somebody for a reason, or not.

February: Ada spends 1 dollar on the 1st, 4 on the 10th and 10 on the 25th, somebody nobody knows
3.50 on the 12th, and a charge of the 20th cannot be read. Cursor's invoice bills 8.50. All was
fetched on 5 March; on the 8th the look-back of cost (7 days) would have asked again for the 27th
and 28th.
"""

from __future__ import annotations

import os
import pty
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ai_usage.days.windows import Window
from ai_usage.errors import SettingsError
from ai_usage.ledger.closing import Signature, closings, history
from ai_usage.ledger.disputes import Day, parting
from ai_usage.settings import Settings, acting_user
from ai_usage_tests.cli.support import PROGRAM, clean_environment
from ai_usage_tests.ledger.small import ADA, NOBODY, UNREADABLE, Small

FEBRUARY = Window(date(2026, 2, 1), date(2026, 3, 1))
OPEN = (
    "invoice I-1 of cursor for 2026-02-01..2026-02-28 is disputed: it bills 8.50, the facts have "
    "18.50, -10.00 US dollars; they part on 2026-02-25: the invoice lacks just that day's cost",
    "3.50 US dollars of cursor belong to nobody, the first on 2026-02-12; `ai-usage keys gaps` has "
    "whose they may be",
    "cursor.usage_events is late: what the vendor may have changed since 2026-03-05 11:00 UTC on "
    "2026-02-27..2026-02-28 is not known; `ai-usage backfill --from 2026-02-27 --to 2026-02-28 "
    "--refetch` asks",
    "what 1 record of cursor.usage_events on 2026-02-20 bill is not known, and in no cost",
)
SHOWN = "open in 2026-02:\n" + "".join(f"  {line}.\n" for line in OPEN)


@pytest.fixture(scope="module")
def open_month(tmp_path_factory: pytest.TempPathFactory) -> Small:
    small = Small(tmp_path_factory.mktemp("open"), today=date(2026, 3, 5))
    small.file("users.csv", "user_email,team,cost_center", f"{ADA},Core,CC1")
    small.file(
        "invoices.csv",
        "invoice_id,platform,period_from,period_to,line_kind,amount",
        "I-1,cursor,2026-02-01,2026-02-28,usage,8.50",
    )
    small.load(
        {
            date(2026, 2, 1): {ADA: "1"},
            date(2026, 2, 10): {ADA: "4"},
            date(2026, 2, 12): {NOBODY: "3.50"},
            date(2026, 2, 20): {ADA: UNREADABLE},
            date(2026, 2, 25): {ADA: "10"},
        }
    )
    return small.on(date(2026, 3, 8))


@pytest.mark.slow
def test_without_a_reason_what_is_open_is_shown_and_one_line_names_the_flag(
    open_month: Small,
) -> None:
    done = open_month.call("close", "2026-02")
    assert (done.code, done.out) == (1, SHOWN)
    assert done.error == (
        "2026-02 cannot be closed: it has 1 disputed invoice (10.00 US dollars), 1 unattributed "
        "amount (3.50 US dollars), 1 late endpoint (cursor.usage_events), 1 endpoint with unknown "
        "charges (1 record of cursor.usage_events on 2026-02-20). Clear what can be cleared, or "
        'close it all the same with --accept "why": your name and reason are recorded.'
    )
    assert history(open_month.archive).standing == {}
    empty = open_month.call("close", "2026-02", "--accept", " ")
    assert empty.error == '--accept is empty: say why the month is closed, --accept "why".'


@pytest.mark.slow
def test_who_accepted_what_and_why_is_in_the_archive_and_in_closed_months(
    open_month: Small, tmp_path: Path
) -> None:
    small = open_month.copied(tmp_path)
    said = small.done("close", "2026-02", "--accept", "I-1 is disputed,\n ticket 4711")
    assert said == SHOWN + (
        "cursor       $18.50\n"
        "2026-02 is closed by fin@x.io at $18.50 in 2 rows of closed_months (1 disputed invoice "
        "(10.00 US dollars), 1 unattributed amount (3.50 US dollars), 1 late endpoint "
        "(cursor.usage_events), 1 endpoint with unknown charges (1 record of cursor.usage_events "
        "on 2026-02-20) accepted). It is locked now; what changes shows in vw_adjustments.\n"
    )
    (one,) = closings(small.archive)
    reason = "I-1 is disputed, ticket 4711"
    assert one.signature == Signature(by="fin@x.io", reason=reason, accepted=OPEN)
    assert small.rows("SELECT DISTINCT closed_by, accepted_reason FROM closed_months") == [
        {"closed_by": "fin@x.io", "accepted_reason": reason}
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("typed", "closed"), [("ticket 4711", True), ("", False)])
def test_on_a_terminal_a_person_is_asked(
    open_month: Small, tmp_path: Path, typed: str, closed: bool
) -> None:
    small = open_month.copied(tmp_path)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(  # noqa: S603
        [*PROGRAM, "close", "2026-02"],
        cwd=small.home,
        env={**clean_environment(), **small.environment, "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    os.write(ours, f"{typed}\n".encode())
    shown = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # So ends a terminal whose last process is gone.
            break
        if not part:
            break
        shown += part
    _, errors = process.communicate(timeout=120)
    os.close(ours)
    assert b"Why is it closed all the same?" in shown
    assert (process.returncode == 0) is closed, errors
    found = [one.signature.reason for one in closings(small.archive)]
    assert found == ([typed] if closed else [])


@pytest.mark.slow
def test_what_cannot_be_accepted_is_refused_though_somebody_accepts(
    open_month: Small, tmp_path: Path
) -> None:
    small = open_month.copied(tmp_path)
    for path in (small.home / "archive" / "cursor" / "daily_usage" / "fetches").rglob("*.json"):
        path.unlink()
    done = small.call("close", "2026-02", "--accept", "no matter")
    assert done.error.startswith(
        "2026-02 cannot be closed: cursor.daily_usage has no complete answer for "
        "2026-02-01..2026-02-28; "
    )
    assert history(small.archive).standing == {}


def test_opening_goes_alone(tmp_path: Path) -> None:
    for more in (["--with-earlier"], ["--accept", "why"]):
        done = Small(tmp_path).call("close", "2026-02", "--reopen", *more)
        assert done.error == ("--reopen goes alone: --with-earlier and --accept are about closing.")


# -- the days on which invoice and facts part ----------------------------------------------------

PERIOD = Window(date(2026, 2, 1), date(2026, 2, 6))


def days(*costs: str, restated: dict[int, str] | None = None) -> list[Day]:
    """Costs from the 1st on, and what of them was restated on a day of the month."""
    changed = restated or {}
    return [
        Day(date(2026, 2, n), Decimal(cost), Decimal(changed.get(n, "0")))
        for n, cost in enumerate(costs, 1)
    ]


@pytest.mark.parametrize(
    ("invoiced", "costs", "first", "reason"),
    [
        # 100 was said of the five days; then the 4th became 70 and not 10.
        (
            "100",
            days("20", "30", "20", "70", "20", restated={4: "60"}),
            [4],
            "the invoice has what the vendor said before",
        ),
        # Of two restated days only the 2nd explains the 5 that are missing.
        (
            "95",
            days("20", "30", "20", "10", "20", restated={2: "5", 4: "3"}),
            [2],
            "the invoice has what the vendor said before",
        ),
        # All but the last day.
        ("80", days("20", "30", "20", "10", "21"), [5], "the invoice lacks just that day's cost"),
        # 20 + 30 + 20 + 10 = 80 > 75; no day costs 26.
        (
            "75",
            days("20", "30", "20", "10", "21"),
            [4],
            "from there on the facts' sum is above what it bills",
        ),
        # 3 more than the facts; the 2nd and 4th have nothing.
        (
            "73",
            days("20", "0", "30", "0", "20"),
            [2, 4],
            "the first days for which the facts have no cost of it",
        ),
        # 3 more, and cost on every day.
        ("103", days("20", "30", "20", "10", "20"), [], "no single day tells where"),
    ],
)
def test_the_days_on_which_invoice_and_facts_part(
    invoiced: str, costs: list[Day], first: list[int], reason: str
) -> None:
    reported = sum((day.cost_usd for day in costs), Decimal())
    found = parting(PERIOD, Decimal(invoiced), reported, costs)
    assert found == ([date(2026, 2, n) for n in first], reason)


# -- who ----------------------------------------------------------------------------------------


def test_who_acts_is_the_setting_or_the_systems_user(monkeypatch: pytest.MonkeyPatch) -> None:
    def user(**environment: str) -> str:
        return acting_user(Settings.load({"AI_USAGE_ENV_FILE": "/nowhere", **environment}))

    assert user(AI_USAGE_USER=" fin@x.io\n") == "fin@x.io"
    monkeypatch.setattr("getpass.getuser", lambda: "grace")
    assert user() == "grace"

    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    with pytest.raises(SettingsError, match="set AI_USAGE_USER to yours"):
        user()
