"""Names that a library keeps to itself may go with its next version: each is looked for here.

They are imported in one file a library, so that it is known what would break.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from google.cloud.bigquery import Client
from ibis.backends.bigquery import Backend

from ai_usage.instance.dagster_private import PRIVATE_MEMBERS, dev_command
from ai_usage.warehouse import bigquery_ibis

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = ("dagster", "dagster_gcp", "dagster_graphql", "dagster_shared", "ibis")
MAY = {
    "ai_usage/instance/dagster_private.py",
    "ai_usage_tests/support/dagster_private.py",
}
"""The files that import private names, and no others."""


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Each (module, name) that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def sources(*folders: str) -> list[Path]:
    """The Python files of the folders, by default of the package."""
    return [path for f in folders or ("ai_usage",) for path in (ROOT / f).rglob("*.py")]


def private(module: str, name: str) -> bool:
    """Whether a library that has private parts keeps this name to itself."""
    parts = [*module.split("."), name]
    return parts[0] in LIBRARIES and any(part.startswith("_") for part in parts)


PRIVATE = sorted(pair for file in MAY for pair in imported(ROOT / file) if private(*pair))


@pytest.mark.parametrize(("module", "name"), PRIVATE, ids=[f"{m}.{n}" for m, n in PRIVATE])
def test_a_private_name_is_still_there(module: str, name: str) -> None:
    library = module.partition(".")[0]
    users = [file for file in sorted(MAY) if (module, name) in imported(ROOT / file)]
    gone = f"{library} {version(library)} has no {module}.{name} any more: {', '.join(users)}"
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        pytest.fail(f"{gone} ({error})")
    assert hasattr(found, name), gone


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind, names in PRIVATE_MEMBERS.items() for name in names],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_private_member_is_still_there(kind: type, name: str) -> None:
    assert hasattr(kind, name), f"dagster {version('dagster')}: {kind.__name__} has no {name}"


def test_the_command_of_the_ui_is_still_there() -> None:
    assert callable(dev_command().main)


@pytest.mark.parametrize("name", ["SESSION_DATASET", "CREDENTIALS", "STORAGE_CLIENT"])
def test_a_private_member_of_ibis_and_googles_client_is_still_there(name: str) -> None:
    kept = getattr(bigquery_ibis, name)
    library, kind = (
        ("ibis-framework", Backend)
        if name == "SESSION_DATASET"
        else ("google-cloud-bigquery", Client)
    )
    # Attributes of an instance: they stand in what its class does.
    written = kept.removeprefix("_Backend")
    source = inspect.getsource(kind) + "".join(inspect.getsource(b) for b in kind.__mro__[1:-1])
    gone = f"{library} {version(library)}: {kind.__name__} has no {kept} any more"
    assert f".{written}" in source or f"def {written}" in source, gone
    users = [path for path in sources() if f'"{kept}"' in path.read_text(encoding="utf-8")]
    assert [path.name for path in users] == ["bigquery_ibis.py"]


def test_googles_client_still_takes_a_line_that_is_open() -> None:
    """`bigquery_resource` shares one between clients."""
    assert "_http" in inspect.signature(Client.__init__).parameters


def test_no_other_file_imports_a_private_name() -> None:
    """Nor a test: what a test needs breaks the next version as well."""
    files = [*sources(), *sources("ai_usage_tests", "tools", "benchmarks")]
    assert len(files) > 300
    found = {
        f"{path.relative_to(ROOT)}: {module}.{name}"
        for path in files
        if str(path.relative_to(ROOT)) not in MAY
        for module, name in imported(path)
        if private(module, name)
    }
    assert not found, f"import these from {', '.join(sorted(MAY))}"
