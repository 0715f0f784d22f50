"""One asset a reference file: read it whole or refuse it whole, and keep its accepted states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg

from ai_usage.instance.partitions import ONE_RUN
from ai_usage.orchestration.accepted import Lists, accepted, accepted_from, look, note_accepted
from ai_usage.orchestration.assets.common import FINANCE, explained, note_of_run
from ai_usage.orchestration.resources import Resources
from ai_usage.reference import Beyond, ReferenceFile, Row, read_checked, reference_files
from ai_usage.reference.known import USERS
from ai_usage.reference.reading import is_absent
from ai_usage.reference.states import accept, accept_again
from ai_usage.settings import Settings


def reference_key(file: ReferenceFile) -> dg.AssetKey:
    """The asset key of a reference file."""
    return dg.AssetKey(f"reference_{file.stem}")


@dataclass(frozen=True)
class KnownPeople:
    """Whom a file may name: `rows` asks what the archive knows.

    Within a run the directories are asked before (`stages.ASKED_FIRST`); one that does not answer
    leaves what the archive knew.
    `beyond` is what else the rules between files need.
    """

    rows: Callable[[Resources], Sequence[Row] | None]
    beyond: Callable[[Resources], Beyond]
    follows_from: Callable[[Resources], Lists]
    """What `rows` follows from."""
    needs: frozenset[str]
    """The resources that both ask, besides archive and clock."""


def reference_assets(
    settings: Settings, people: KnownPeople, partitions: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """Every file that a person maintains."""
    return [_reference(settings, file, people, partitions) for file in reference_files()]


def _reference(
    settings: Settings,
    file: ReferenceFile,
    people: KnownPeople,
    partitions: dg.PartitionsDefinition[str],
) -> dg.AssetsDefinition:
    folder, names_people = settings.reference_path, USERS in file.checked_against

    @dg.asset(
        key=reference_key(file),
        description=f"{file.description}\n\n`{file.name}` in `AI_USAGE_REFERENCE_DIR`. A bad line "
        "refuses the whole file: the last good state stays.",
        group_name="reference",
        kinds={"csv"},
        owners=[FINANCE],
        partitions_def=partitions,
        backfill_policy=ONE_RUN,
        required_resource_keys={"archive", "clock", *(people.needs if names_people else ())},
    )
    def reference(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        given = Resources(context.resources)
        if is_absent(file, folder):
            return dg.MaterializeResult(metadata={"status": f"there is no {file.name}"})
        with explained():
            lists = people.follows_from(given) if names_people else None
            seen = look(settings, given, lists)
            known = accepted_from(context.instance, file, seen)
            changed = False
            if known is None or not accept_again(
                given.archive, given.clock, file, known.state_digest
            ):
                rows = people.rows(given) if names_people else ()
                reading = read_checked(file, folder, rows, people.beyond(given))
                if not reading.present:
                    return dg.MaterializeResult(metadata={"status": f"there is no {file.name}"})
                changed = accept(given.archive, given.clock, file, reading.rows)
                known = accepted(seen, file, reading)
                # What was edited meanwhile is judged the next time.
                if look(settings, given, lists).version == seen.version:
                    note_accepted(context.instance, file, known)
            for warning in known.warnings:
                context.log.warning(warning)
        note_of_run(
            context,
            {
                "dagster/row_count": known.rows,
                "warnings": len(known.warnings),
                "changed": changed,
            },
        )
        return dg.MaterializeResult(metadata={"status": "accepted"})

    return reference
