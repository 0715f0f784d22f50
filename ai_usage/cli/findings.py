"""A check that did not pass, in sentences: where, on which days, which promise was broken."""

from __future__ import annotations

from collections.abc import Iterator

from ai_usage.days.windows import Window
from ai_usage.orchestration.checks.charges import CHARGES_KNOWN
from ai_usage.orchestration.checks.metrics import SUBJECT_CHECKS
from ai_usage.orchestration.runs import CheckResult
from ai_usage.quality.consequences import CONSEQUENCES
from ai_usage.quality.rules import RULES
from ai_usage.text.masking import informative_cells
from ai_usage.text.words import counted, few, ranges
from ai_usage.warehouse.schema import table_schema

_SAMPLES = 2
_SAMPLE_LENGTH = 400


def described(check: CheckResult, window: Window) -> Iterator[str]:
    """The lines on one check that failed; the first names it, the others are indented."""
    word = "FAILED " if check.is_error else "warning"
    yield f"{word}  {check.asset}.{check.name}{_where(check, window)}"
    if check.name in SUBJECT_CHECKS and check.failures:
        yield f"         {_colon(check.promise)} not so for {few(list(check.failures))}."
        for name, detail in check.details.items():
            yield f"         {name}: {detail}."
        yield from _follows(check.name)
        return
    for name, count in check.failures.items():
        yield f"         {_broken(check, name, count)}"
        if name != check.name:
            yield from _follows(name)
    if not check.failures:
        yield f"         {check.promise}"
    yield from _follows(check.name)
    for row in check.sample[:_SAMPLES] if check.is_error else ():
        cells = ", ".join(f"{k}={v}" for k, v in informative_cells(row).items())
        yield f"         for example {cells[:_SAMPLE_LENGTH]}"


def _follows(name: str) -> Iterator[str]:
    """What follows from a check or rule that does not hold, and what to do."""
    if name in CONSEQUENCES:
        yield f"         {CONSEQUENCES[name]}"


def _where(check: CheckResult, window: Window) -> str:
    """The failing days; nothing for a table without days, where each day would be the same."""
    if not check.days or table_schema(check.asset).partition_column is None:
        return ""
    asked = len(window.days())
    if asked == 1:
        return f" on {check.days[0]}"
    if len(check.days) == asked:
        return f" on all of the {asked} days"
    return f" on {len(check.days)} of {asked} days ({ranges(check.days)})"


def _broken(check: CheckResult, name: str, count: int) -> str:
    """The promise that was broken, and how often."""
    for rule in RULES.get(check.asset, ()):
        if rule.name == name:
            return f"{_colon(rule.description)} not so in {counted(count, 'row')}."
    if name == check.name:
        return f"{_colon(check.promise)} not so in {counted(count, 'case')}."
    if name.endswith("_not_null") and name.removesuffix("_not_null") in _columns(check.asset):
        column = name.removesuffix("_not_null")
        return f"{column} is never NULL: not so in {counted(count, 'row')}."
    if check.name == "unique_key":
        return f"{_colon(check.promise)} {counted(count, 'key')} occur more than once."
    if check.name == CHARGES_KNOWN:
        return f"{counted(count, 'record')} of {name}: the charge is not known."
    if check.name == "completeness":
        return f"{name} has no complete answer for {counted(count, 'day')}."
    return f"{name}: {counted(count, 'row')}."


def _columns(table: str) -> list[str]:
    return [column.name for column in table_schema(table).columns]


def _colon(sentence: str) -> str:
    return sentence.strip().rstrip(".") + ":"
