"""Whether people approve: `ai-usage migrate accept` for a role, `ai-usage feedback` for anybody.

Both vote in the file of the dashboard's question as well, where a person's last vote of a month
counts, whichever way it came.
"""

from __future__ import annotations

from rich.console import Console

from ai_usage.archive.archive import Archive
from ai_usage.cli.harmless import say
from ai_usage.dashboard.feedback import AIM, Approval, Feedback
from ai_usage.days.months import month_of
from ai_usage.migration.gate import ROLES, Role, votes
from ai_usage.migration.log import entries, note
from ai_usage.migration.sources import MigrationError
from ai_usage.migration.states import Entry
from ai_usage.settings import Settings, acting_user
from ai_usage.text.figures import share
from ai_usage.text.printable import one_line
from ai_usage.text.words import counted


def votes_of(settings: Settings) -> Feedback:
    """The votes that the dashboard keeps, too."""
    return Feedback(settings.home / "feedback.jsonl")


def approval(settings: Settings) -> Approval:
    """How this month's votes stand."""
    return votes_of(settings).approval(month_of(settings.today))


def accept(console: Console, settings: Settings, role: Role, *, yes: bool, why: str) -> None:
    """Note what a person says of the new tables; what they say later for the role replaces it."""
    answer = "yes" if yes else "no"
    by, why = acting_user(settings), one_line(why)
    if not yes and not why:
        raise MigrationError('a no needs --note "why": somebody has to put it right.')
    note(
        Archive.of(settings),
        Entry(
            at=settings.now,
            step="accept",
            outcome="done",
            by=by,
            why=why,
            details={"role": role, "answer": answer},
        ),
    )
    _vote(settings, by, approves=yes)
    say(console, f"{by} says {answer} for {role}")


def give_feedback(
    console: Console, settings: Settings, role: Role | None, yes: bool | None, why: str
) -> None:
    """Keep an answer where there is one, then print how the answers stand.

    Raises `MigrationError` for a role without an answer, or a no for a role without a reason.
    """
    if yes is None and role is not None:
        raise MigrationError(f"what do you say for {role}? Add --yes or --no.")
    if yes is not None and role is not None:
        accept(console, settings, role, yes=yes, why=why)
    elif yes is not None:
        _vote(settings, acting_user(settings), approves=yes)
    say(console, _month(approval(settings)))
    said = votes(entries(Archive.of(settings)))
    for one in ROLES:
        own = [yes for (_, of), yes in said.items() if of == one]
        say(console, f"{one}: {sum(own)} of {counted(len(own), 'answer')} yes")
    if yes is None:
        say(
            console,
            "Do these tables answer your questions? ai-usage feedback --yes, or --no --note why",
        )


def _vote(settings: Settings, by: str, *, approves: bool) -> None:
    votes_of(settings).vote(by, month_of(settings.today), approves=approves)


def _month(found: Approval) -> str:
    if found.share is None:
        return "nobody has voted this month"
    aim = "reaches" if found.share >= AIM else "misses"
    return (
        f"{share(found.share)} of {counted(found.votes, 'vote')} this month approve: that {aim} "
        f"the {share(AIM)} that the design asks for"
    )
