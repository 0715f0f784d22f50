"""One click that says whether the pages are approved of, and what has been said so far."""

from __future__ import annotations

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from ai_usage.dashboard.feedback import AIM, Approval
from ai_usage.dashboard.pages.context import Asked, State, asked
from ai_usage.dashboard.pages.parts import Vote
from ai_usage.days.months import month_of
from ai_usage.text.figures import share
from ai_usage.text.words import counted

PATH = "/feedback"


def vote_of(request: Request, what: Asked) -> Vote | None:
    """The question, and how the month's votes stand; None where none are kept.

    Fewer votes than people may be told apart are counted, their share is not told.
    """
    state: State = request.app.state.dashboard
    if state.feedback is None:
        return None
    found = state.feedback.approval(month_of(what.about.as_of))
    return Vote(PATH, "Do these pages answer your questions?", _said(found, what))


def _said(found: Approval, what: Asked) -> str:
    if found.share is None or found.votes < what.viewer.smallest_group:
        return f"{counted(found.votes, 'vote')} this month."
    aim = "reaches" if found.share >= AIM else "misses"
    return (
        f"{share(found.share)} of {counted(found.votes, 'vote')} this month approve: that {aim} "
        f"the {share(AIM)} that the design asks for."
    )


async def keep(request: Request) -> Response:
    """`POST /feedback`: `approves=yes` or `no`.

    A form of another site cannot vote: a browser names the form's own origin, which the gate has
    held against ours; who names none is no browser's form.
    """
    what = asked(request)
    state: State = request.app.state.dashboard
    body = (await request.body())[:100].decode("utf-8", "replace")
    said = parse_qs(body).get("approves", [""])[0]
    if "origin" not in request.headers or said not in ("yes", "no") or state.feedback is None:
        return PlainTextResponse("Not a vote.\n", 400)
    voter = what.viewer.email or "owner"
    state.feedback.vote(voter, month_of(what.about.as_of), approves=said == "yes")
    return RedirectResponse("/trust", 303)
