"""The README's tables say what the code says."""

from pathlib import Path

from ai_usage.readme import filled

README = Path(__file__).parents[2] / "README.md"


def test_the_readmes_tables_are_those_of_the_code() -> None:
    """If this fails: python -m ai_usage.readme."""
    text = README.read_text(encoding="utf-8")
    assert filled(text) == text
