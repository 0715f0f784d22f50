"""What vendors' readers may say of a record, declared once: `FLAGS`.

Flags stand in `raw_ai_events.validation_errors`, before the names of the rules that a row broke.
Which of them mean that a charge is not known is decided here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "charge"]
"""What a broken rule is: see `rules`."""

CRITICAL = 1.0
"""The weight of what alone brings a row's score to 0."""


@dataclass(frozen=True)
class Flag:
    """What a vendor's reader may say of a record, in `validation_errors`.

    A detail may follow behind a colon; however many details, a kind weighs once. `charge_unknown`
    tells whether a record with it, and without `cost_usd`, has a charge that nobody knows: always,
    never, or where its endpoint reports what is billed. Of severity `warning`, the flag is a rule
    of quality (`no_<name>`).
    """

    name: str
    description: str
    severity: Severity = "warning"
    weight: float = 0.0
    charge_unknown: Literal["always", "where_billed", "never"] = "never"


FLAGS: dict[str, Flag] = {
    flag.name: flag
    for flag in (
        Flag(
            "undecodable_record",
            "The vendor's record could be read.",
            weight=CRITICAL,
            charge_unknown="where_billed",
        ),
        Flag(
            "unreadable_amount",
            "What a record bills is an amount, under the name that we know.",
            "charge",
            CRITICAL,
            "always",
        ),
        Flag(
            "unknown_billing",
            "It is known whether a record bills.",
            "charge",
            0.02,
            "always",
        ),
        Flag(
            "unreadable_value",
            "An estimate, or a value that the seat covers, is an amount.",
            weight=0.01,
        ),
        Flag(
            "truncated_amount",
            "Amounts have at most nine decimals of a dollar; what is beyond is cut off.",
        ),
        Flag(
            "unparsable_json",
            "A warehouse takes the vendor's record for JSON; else it is kept whole, as a text.",
        ),
        Flag(
            "undecodable_text",
            "All text of a record could be decoded; what could not is U+FFFD.",
            weight=0.01,
        ),
        Flag(
            "unknown_enum",
            "Every value of the fields that decide on money and attribution is known.",
            weight=0.05,
        ),
    )
}
"""Every flag that readers set, declared once. An undeclared one breaks `no_undeclared_flag`, and
leaves the charge of a record that may bill unknown."""


def _says(t: Any, pattern: str, *, of_nothing: bool = False) -> Any:
    """Whether what readers and rules say of a row, as one text, matches; `of_nothing` where empty.

    Almost all rows are empty: no expression is searched for in those.
    """
    said = t.validation_errors.join(",").fill_null("")
    return (said == "").ifelse(of_nothing, said.re_search(pattern))


def flagged(t: Any, *flags: str) -> Any:
    """Whether a row of an ibis table has one of the flags, with or without a detail."""
    return _says(t, f"(^|,)({'|'.join(flags)})(:|,|$)")


def undeclared(t: Any, rules: Collection[str]) -> Any:
    """Whether a row has a flag that is neither declared nor the name of one of `rules`."""
    declared = "|".join([*FLAGS, *rules])
    return ~_says(t, f"^(({declared})(:[^,]*)?(,|$))*$", of_nothing=True)


def charge_unknown(t: Any, may_bill: Any) -> Any:
    """Whether a row, not yet scored, bills or may bill an amount that is not known.

    `may_bill` tells whether the row's endpoint reports what is billed. Never NULL.
    """
    always = [flag.name for flag in FLAGS.values() if flag.charge_unknown == "always"]
    billed = [flag.name for flag in FLAGS.values() if flag.charge_unknown == "where_billed"]
    return t.cost_usd.isnull() & (
        (t.event_type == "cost")
        | flagged(t, *always)
        | (may_bill & (flagged(t, *billed) | undeclared(t, ())))
    )
