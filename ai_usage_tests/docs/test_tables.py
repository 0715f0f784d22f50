"""The documents' tables say what the code and the lock say."""

from pathlib import Path

import pytest

from tools.documents import DOCUMENTS, filled, rooms

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_tables_of_a_document_are_those_of_the_code(document: str) -> None:
    """If this fails: python -m tools.documents."""
    text = (ROOT / document).read_text(encoding="utf-8")
    assert filled(text, document) == text


def test_everything_of_the_package_has_its_place_among_the_rooms() -> None:
    """If this fails: name the module or folder in `.importlinter`, above what it imports."""
    package = ROOT / "ai_usage"
    modules = {path.stem for path in package.glob("*.py")} - {"__init__"}
    folders = {path.parent.name for path in package.glob("*/__init__.py")}
    assert sorted(rooms()) == sorted(f"ai_usage.{name}" for name in modules | folders)
