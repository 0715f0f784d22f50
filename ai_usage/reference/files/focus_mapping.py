"""`focus_mapping.csv`: which services of FOCUS files are AI tools, and what their tags name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ai_usage.reference.column import CODE, DATE, TEXT, Column, Row
from ai_usage.reference.file import Line, ReferenceFile
from ai_usage.reference.periods import first_difference, in_order, overlaps
from ai_usage.reference.problems import CellError, Problem

INCLUDE, EXCLUDE = "include", "exclude"
ANY = "*"
"""At a service's end: whatever follows."""
_OF_TOOLS = ("platform_subtype", "person_tag", "team_tag", "project_tag", "key_tag")


def _check_row(row: Row) -> Iterator[tuple[str, CellError]]:
    yield from in_order(row, "valid_from", "valid_to")
    if ANY in row["service"][:-1]:
        what = f"{ANY} stands within {row['service']!r}"
        yield "service", CellError(what, f"write {ANY} at its end only")
    if row["treatment"] == INCLUDE and row["platform"] is None:
        yield "platform", CellError("is empty", f"fill it in, or set treatment to {EXCLUDE}")
    if row["treatment"] == EXCLUDE:
        for name in ("platform", *_OF_TOOLS):
            if row[name] is not None:
                yield name, CellError("is filled for a service that is excluded", "empty the cell")


def _check_file(lines: Sequence[Line]) -> Iterator[Problem]:
    yield from overlaps(
        lines,
        lambda row: ((row["provider"] or "").casefold(), row["service"].casefold()),
        "the days of this service",
        "end one line before the other begins",
    )


FILE = ReferenceFile(
    name="focus_mapping.csv",
    description="Which services in the FOCUS files of other vendors are AI tools, and which of "
    "their tags name a person, team, project or key. The line that fits closest counts: a service "
    "by its whole name before one with *, a longer beginning before a shorter one, with its "
    "provider before without. A service without a line is listed with its dollars, and is no cost.",
    columns=(
        Column(
            "provider",
            TEXT,
            "Provider, as ServiceProviderName (or ProviderName) has it. Empty: any.",
        ),
        Column(
            "service",
            TEXT,
            "Service, as ServiceName has it; * at its end stands for whatever follows.",
            required=True,
        ),
        Column(
            "treatment",
            TEXT,
            "include: it is an AI tool, its charges are cost of platform. exclude: it is none, or "
            "its cost comes from the vendor itself.",
            choices=(INCLUDE, EXCLUDE),
            default=INCLUDE,
        ),
        Column(
            "platform",
            CODE,
            "Platform that the service is, declared in platforms.csv: not one that is fetched from "
            "its vendor.",
        ),
        Column("platform_subtype", CODE, "Product within the platform, where it is one."),
        Column("person_tag", TEXT, "Key of the tag whose value is a person's e-mail address."),
        Column(
            "team_tag",
            TEXT,
            "Key of the tag that names the team. It becomes the workspace of the charge: a rule of "
            "scope workspace in allocation_rules.csv says who bears it.",
        ),
        Column("project_tag", TEXT, "Key of the tag whose value is a project's code."),
        Column("key_tag", TEXT, "Key of the tag whose value is an id in api_keys.csv."),
        Column("valid_from", DATE, "First day of the line. Empty: since ever."),
        Column("valid_to", DATE, "Last day. Empty: until further notice."),
    ),
    examples=(
        {
            "provider": "Example Cloud",
            "service": "Example Models",
            "platform": "example_models",
            "person_tag": "owner",
            "project_tag": "project",
        },
        {"provider": "Example Cloud", "service": "Example Storage", "treatment": EXCLUDE},
    ),
    check_row=_check_row,
    check_file=_check_file,
    changed_from=first_difference(),
)
