"""The check that names what directories and vendors' lists of people and keys leave out."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from ai_usage.days.windows import Window
from ai_usage.orchestration.assets.dimensions import Declared, Directory
from ai_usage.orchestration.checks.factory import table_check
from ai_usage.orchestration.checks.metrics import DIRECTORY_RECORDS
from ai_usage.orchestration.checks.sql_checks import MOST_SUBJECTS, told_apart
from ai_usage.orchestration.left_out import LeftOutRecord, left_out
from ai_usage.orchestration.resources import Resources
from ai_usage.quality.outcome import MAX_FAILURE_CASES, Outcome, Validation
from ai_usage.text.masking import mask_text


def directory_records_check(
    declared: Declared, partitions: dg.PartitionsDefinition[str]
) -> dg.AssetChecksDefinition:
    """Every record of the newest answers is read; one that is not keeps what was read before."""

    def evaluate(given: Resources, window: Window | None) -> Validation:
        directory = Directory(declared, given.archive, given.clock, given.kept_lists)
        return Validation(_outcome(left_out(directory, given.configured)), {})

    return table_check(
        "dim_users",
        DIRECTORY_RECORDS,
        "Every record of the company's directories and of the vendors' lists of people and keys "
        "can be read.",
        evaluate,
        severity=dg.AssetCheckSeverity.WARN,
        blocking=False,
        partitions=partitions,
        needs={
            "archive",
            "clock",
            *(vendor.name for vendor in declared.vendors),
            *(directory.name for directory, _, _ in declared.directories),
        },
    )


def _outcome(found: Iterable[LeftOutRecord]) -> Outcome:
    whole = Outcome()
    for record in found:
        if not record.is_told:
            continue
        name = told_apart(f"{record.place} {record.left.who}")
        if name not in whole.failures and len(whole.failures) >= MOST_SUBJECTS:
            name = "others"
        else:
            whole.details[name] = mask_text(f"{record.says}; {record.left.remedy}")
        whole.failures[name] = whole.failures.get(name, 0) + 1
        if len(whole.sample) < MAX_FAILURE_CASES:
            whole.sample.append(
                {
                    "source": record.place,
                    "record": record.left.who,
                    "odd": record.left.what,
                    "meanwhile": record.meanwhile,
                    "remedy": record.left.remedy,
                }
            )
    return whole
