"""What `ai-usage migrate` prints of a plan, a load and a comparison, in lines for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from ai_usage.migration.comparing import Comparison, Total
from ai_usage.migration.loading import LoadedRange
from ai_usage.migration.planning import Plan, Shown
from ai_usage.text.csv_cells import text
from ai_usage.text.figures import count, exact_money, money
from ai_usage.text.words import counted, few, ranges


def planned_lines(plan: Plan) -> Iterator[str]:
    """What a load would bring, and some rows old and new."""
    again = f", {plan.repeated:,} of them again (each counts once)" if plan.repeated else ""
    yield f"{plan.table}, {plan.window}: {counted(plan.read, 'row')}{again}"
    with_rows = counted(len(plan.days), "day")
    yield f"  {with_rows} with rows, {money(plan.usd)} where no vendor answered"
    if plan.vendor_days:
        yield f"  the vendor's own answer wins on {ranges(plan.vendor_days)}"
    if not plan.dual_write:
        yield "  no `write:`: the old table will not be written"
    for shown in plan.shown:
        yield from _side_by_side(shown)


def _side_by_side(shown: Shown) -> Iterator[str]:
    event = shown.event
    set_ = {
        name: value
        for name in event.__struct_fields__
        if name not in ("identity", "raw_response", "record", "event_id", "validation_errors")
        and (value := getattr(event, name)) is not None
    }
    yield f"  old: {_pairs(shown.old)}"
    yield f"  new: {_pairs(set_)}"
    for name in shown.lost:
        yield (
            f"  back: {name} is {text(shown.back[name]) or 'NULL'}, "
            f"not {text(shown.old.get(name)) or 'NULL'}"
        )


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {text(value) or 'NULL'}" for name, value in values.items())


def loaded_line(done: LoadedRange) -> str:
    """What a range brought."""
    if done.there_already:
        return f"{done.table}, {done.window}: there already"
    again = f", {done.repeated:,} again" if done.repeated else ""
    wins = f"; the vendor's on {ranges(done.vendor_days)}" if done.vendor_days else ""
    return (
        f"{done.table}, {done.window}: {counted(done.read, 'row')} read{again}, "
        f"{counted(done.written, 'event')} kept, {money(done.usd)}{wins}"
    )


def compared_lines(compared: Comparison) -> Iterator[str]:
    """Each class with what both sides sum to, and on which days what must be looked into is."""
    yield (
        f"{compared.table}: {exact_money(compared.unexplained_usd)} unexplained, "
        f"{counted(compared.green_days, 'green final day')} without a break"
    )
    for one in compared.totals:
        yield f"  {one.class_}: {counted(one.keys, 'key')}, {_sides(compared, one)}"
    for class_ in ("unexplained", "missing_in_new", "missing_in_old", "doubled", "attribution"):
        own = [one for one in compared.findings if one.class_ == class_]
        notes = {one.note for one in own if one.note}
        if own:
            yield f"  {class_} on {ranges([one.day for one in own])}" + (
                f": {few(sorted(notes), most=3)}" if notes else ""
            )


def _sides(compared: Comparison, one: Total) -> str:
    """Old, new and difference: of dollars, and of what else differs or is all there is."""
    told = []
    if "usd" in compared.measures:
        difference = money(one.difference("usd"), signed=True)
        told.append(f"old {money(one.usd_old)}, new {money(one.usd_new)}, {difference}")
    for measure in compared.measures:
        moved = one.difference(measure)
        if measure != "usd" and (moved or not told):
            old, new = (count(side.get(measure, Decimal(0))) for side in (one.old, one.new))
            told.append(f"{measure} old {old}, new {new}, {'+' if moved > 0 else ''}{count(moved)}")
    return "; ".join(told)
