"""The documents' tables say what the code and the lock say."""

from pathlib import Path

import pytest

from tools.documents import DOCUMENTS, filled

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_tables_of_a_document_are_those_of_the_code(document: str) -> None:
    """If this fails: python -m tools.documents."""
    text = (ROOT / document).read_text(encoding="utf-8")
    assert filled(text, document) == text
