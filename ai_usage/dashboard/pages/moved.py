"""What moved between two months, as steps that add up to the cent."""

from __future__ import annotations

import pyarrow as pa

from ai_usage.dashboard.charts.moved import moved as drawn
from ai_usage.dashboard.pages.context import Asked
from ai_usage.dashboard.pages.parts import Card
from ai_usage.dashboard.queries.moved import moved
from ai_usage.dashboard.queries.overview import company
from ai_usage.days.months import month_of, months_before
from ai_usage.finance import Part
from ai_usage.finance.exact import cents
from ai_usage.text.figures import month_name

STEPS = {
    Part.people: "More or fewer people",
    Part.volume: "Use a person",
    Part.mix: "Mix of models",
    Part.price: "Prices",
    Part.seats: "Seats",
    Part.credits: "Credits",
    Part.one_time: "One-time",
}
"""What the parts are called, in the order of the steps."""


def moved_card(what: Asked) -> Card | None:
    """The card; None for who sees a part of the company, and where there is no month before."""
    found = moved(what.published, what.viewer, what.filters, what.about.as_of)
    if found is None:
        return None
    month = what.filters.last
    running = month == month_of(what.about.as_of)
    earlier = month_name(months_before(month, 1), short=True)
    steps = [(STEPS[part], usd) for part, usd in found.in_cents().items() if usd]
    table = pa.table(
        {
            "step": pa.array([step for step, _ in steps], pa.string()),
            "amount": pa.array([usd for _, usd in steps], pa.decimal128(38, 9)),
        }
    )
    chart = drawn(
        table,
        (f"{earlier}, same days" if running else earlier, cents(found.before)),
        (month_name(month, short=True), cents(found.after)),
    )
    of = company(what.published, what.viewer, what.filters).get(month)
    if of is not None and of["growth_note"]:
        chart = chart.saying(f"{chart.sentence} Not like with like: {of['growth_note']}.")
    return Card.of(chart)
