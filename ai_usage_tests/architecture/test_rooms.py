"""The rooms import downwards, nothing goes in a circle, and Dagster stays in its wing."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / ".importlinter"


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `lint-imports` as `make check` does, in a folder that holds a copy of the contracts."""
    return subprocess.run(  # noqa: S603
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(folder), "NO_COLOR": "1"},
    )


def test_rooms_import_downwards_and_dagster_stays_in_its_wing() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    ("planted_in", "text", "contract"),
    [
        ("days/windows.py", "import ai_usage.cli.words", "A room imports only rooms below it"),
        ("ledger/closing.py", "import dagster", "Dagster is known to orchestration"),
        ("simulator/company.py", "import ai_usage.vendors.base", "The simulator shares nothing"),
        ("attic/__init__.py", "", "A room imports only rooms below it"),
    ],
    ids=["climb", "dagster", "simulator", "room-without-a-place"],
)
def test_the_contracts_refuse(planted_in: str, text: str, contract: str, tmp_path: Path) -> None:
    """A skeleton of the house: every room is there and empty, but for what is planted."""
    parser = ConfigParser()
    parser.read(CONTRACTS)
    layers = parser["importlinter:contract:rooms"]["layers"].split()
    for room in (name for name in layers if name != "|"):
        (tmp_path / "ai_usage" / room).mkdir(parents=True)
        (tmp_path / "ai_usage" / room / "__init__.py").write_text("")
    (tmp_path / "ai_usage" / "__init__.py").write_text("")
    (tmp_path / "ai_usage" / "cli" / "words.py").write_text("")
    (tmp_path / "ai_usage" / "vendors" / "base.py").write_text("")
    (tmp_path / ".importlinter").write_text(CONTRACTS.read_text(encoding="utf-8"))
    kept = lint(tmp_path)
    assert kept.returncode == 0, kept.stdout + kept.stderr

    planted = tmp_path / "ai_usage" / planted_in
    planted.parent.mkdir(exist_ok=True)
    planted.write_text(text)

    done = lint(tmp_path)
    assert done.returncode != 0
    assert contract in done.stdout + done.stderr or "attic" in done.stdout + done.stderr


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = grimp.build_graph("ai_usage")
    order = TopologicalSorter(
        {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    )
    try:
        order.prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))
