"""The line on every page that says whether its dollars tie to the invoices."""

from __future__ import annotations

from ai_usage.dashboard.pages.context import Asked
from ai_usage.dashboard.pages.parts import Banner, Link
from ai_usage.dashboard.queries.ties import Cycle, ties
from ai_usage.text.figures import money
from ai_usage.text.words import counted, few


def tie(what: Asked, *, is_here: bool = False) -> Banner:
    """Ties, open, or a residue with its name; `is_here` where it is taken apart itself."""
    found = ties(what.published, what.viewer, what.filters)
    link = None if is_here else Link("See the close", f"/close?month={what.filters.last:%Y-%m}")
    if found.disputed:
        which = few([_name(cycle) for cycle in found.disputed], 2)
        left = f" {money(found.residue, signed=True)}" if found.sees_amounts else ""
        return Banner(f"Does not tie to the invoices: residue{left} in {which}.", "bad", link, True)
    if not found.cycles:
        return Banner("No invoice and no cost in these months.", "quiet", is_tie=True)
    if found.pending:
        ready = f"{_tie(len(found.reconciled))} to the cent; " if found.reconciled else ""
        which = few([_name(cycle) for cycle in found.pending], 2)
        return Banner(
            f"{ready}{counted(len(found.pending), 'cycle')} not invoiced or not over: {which}.",
            "quiet",
            link,
            True,
        )
    return Banner(
        f"{_tie(len(found.reconciled))} to the invoices, to the cent.",
        "good",
        link,
        True,
    )


def _name(cycle: Cycle) -> str:
    return f"{cycle.platform} {cycle.first:%-d %b} to {cycle.last:%-d %b %Y}"


def _tie(cycles: int) -> str:
    return f"{counted(cycles, 'billing cycle')} {'ties' if cycles == 1 else 'tie'}"
