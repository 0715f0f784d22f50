"""The documents of the repository, by path."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "looker/*.md", "sql/*.md")
    for path in ROOT.glob(pattern)
)
"""Relative to the root: what stands there, in `docs/`, `looker/` and `sql/`."""
