"""Who names a vendor: its own folder does, and what is listed here with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ai_usage.vendors.base import discovered_vendors

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ai_usage"

EXAMPLES = "what `ai-usage reference init` writes for a person to replace"
NAMED = {
    **{
        f"reference/files/{name}.py": EXAMPLES
        for name in (
            "allocation_rules",
            "api_keys",
            "invoices",
            "model_prices",
            "other_costs",
            "platforms",
            "seat_assignments",
            "seats",
            "users",
        )
    },
    "looker/declared.py": "columns of the executive view, which the document names so",
    "cli/app.py": "an example in the help of `simulate`, whose vendors the simulator has",
    "migration/sample.py": "what old tables of common reports look like, for a person to correct",
    "orchestration/resources.py": "an example of a resource per vendor",
    "settings.py": "the setting of a product's telemetry, which has its name",
}
"""Files that name a vendor, and why they may."""

OF_THE_DOCUMENT = {"cursor_cost", "anthropic_cost"}
"""Columns of the user's document."""
STATEMENTS = {"views/vw_executive_dashboard.sql": "the document's columns of two platforms"}


def words() -> re.Pattern[str]:
    """Names of vendors and their products; `cursor` is also a mouse's and a database's."""
    names = {vendor.name for vendor in discovered_vendors()}
    names |= {row.platform_subtype for vendor in discovered_vendors() for row in vendor.platforms}
    names |= {vendor.title for vendor in discovered_vendors()}
    other = r'(?!\s*(?:\(\)|=|\.(?:execute|close)|, colour)|_values|_storage|": "pointer")'
    return re.compile(rf"(?<![a-z])(?:{'|'.join(sorted(names))}){other}", re.IGNORECASE)


def python_files() -> list[Path]:
    own = {PACKAGE / "vendors" / vendor.name for vendor in discovered_vendors()}
    own.add(PACKAGE / "simulator")
    return [path for path in PACKAGE.rglob("*.py") if own.isdisjoint(path.parents)]


def test_no_module_outside_a_vendors_folder_names_it() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path in python_files()
        if words().search(path.read_text(encoding="utf-8"))
    }
    assert found == set(NAMED), "name no vendor, or list the file here with the reason"


@pytest.mark.parametrize("text", ["'cursor'", '"claude_api"', "of Anthropic", "source_cursor_x"])
def test_a_name_is_found(text: str) -> None:
    assert words().search(text)


def test_no_statement_names_a_vendor_but_for_the_documents_columns() -> None:
    """Comments and descriptions may: they are for people."""
    found = set()
    for path in (ROOT / "sql").rglob("*.sql"):
        text = re.sub(r"--[^\n]*|description=\"[^\"]*\"", "", path.read_text(encoding="utf-8"))
        for column in OF_THE_DOCUMENT:
            text = text.replace(column, "")
        if words().search(text):
            found.add(str(path.relative_to(ROOT / "sql")))
    assert found == set(STATEMENTS)
