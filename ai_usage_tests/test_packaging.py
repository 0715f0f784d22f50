"""What a person installs: the wheel works outside the checkout, the lock is complete and closed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from ai_usage_tests.support.environment import OURS

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements.lock").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this tree with what is installed; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheel")
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    built = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pip", "wheel", "--quiet", *offline, str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.mark.slow
def test_the_wheel_carries_sql_dagster_yaml_and_licence_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        held = {name: packed.read(name) for name in packed.namelist()}
    for path in [*(ROOT / "sql").rglob("*.sql"), ROOT / "dagster.yaml"]:
        name = "_dagster.yaml" if path.suffix == ".yaml" else f"_{path.relative_to(ROOT)}"
        assert held[f"ai_usage/{name}"] == path.read_bytes(), path
    assert any(name.endswith("licenses/LICENSE") for name in held)
    assert not [name for name in held if "tests" in name or name.endswith(".env")]
    assert not [name for name in held if name.startswith("tools")], (
        "they keep the checkout in order"
    )
    assert "ai_usage/py.typed" in held
    declared = {str(path.relative_to(ROOT)) for path in (ROOT / "ai_usage").rglob("*.py")}
    assert declared <= set(held)


@pytest.mark.slow
def test_an_installed_wheel_runs_the_demo_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)  # noqa: S603
    (site,) = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    # The libraries of this environment, but not this checkout, which an editable install names.
    libraries = Path(pytest.__file__).parent.parent
    (site / "libraries.pth").write_text(f"{libraries}\n")
    python = tmp_path / "venv" / "bin" / "python"
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith((*OURS, "PYTHON"))
    }
    install: list[str | Path] = [
        python,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "--quiet",
    ]
    subprocess.run(  # noqa: S603
        [*install, "--no-deps", "--no-index", "--ignore-installed", wheel],
        check=True,
        env=environment,
        capture_output=True,
    )
    done = subprocess.run(  # noqa: S603
        [tmp_path / "venv" / "bin" / "ai-usage", "demo", "--days", "5"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Spend by team" in done.stdout
    where = "import ai_usage.orchestration.runs as r; print(r.__file__); print(r.dagster_yaml())"
    used = subprocess.run(  # noqa: S603
        [python, "-c", where],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert used == [
        str(site / "ai_usage" / "orchestration" / "runs.py"),
        str(site / "ai_usage" / "_dagster.yaml"),
    ]


def test_every_pinned_requirement_has_hashes_and_no_address() -> None:
    pins = re.findall(r"^([A-Za-z0-9][\w.\-\[\],]*)==\S+.*?(?=^\S|\Z)", LOCK, re.M | re.S)
    assert len(pins) > 100
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.M)
    for block in blocks:
        if "==" in block.split("\n")[0]:
            assert "--hash=sha256:" in block, block[:80]
    assert "://" not in LOCK
    assert "--index-url" not in LOCK
    assert not re.search(r"^[A-Za-z0-9][^=\n]*$", LOCK, re.M), "a requirement without a pin"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-emulator.lock"])
def test_a_lock_pins_no_name_with_extras(name: str) -> None:
    """A pin of `x[extra]` is none of `x`: once a newer `x` was out, the install was refused.

    The lock is closed, so what the extras need stands in it by name.
    """
    assert not re.search(r"^[\w.-]+\[", (ROOT / name).read_text(), re.M)


def test_everything_that_the_project_names_is_in_the_lock() -> None:
    """Of the extras, those that `make lock` names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = [*project["dependencies"]]
    for extra in re.findall(r"--extra (\w+)", (ROOT / "Makefile").read_text()):
        named += project["optional-dependencies"][extra]
    pinned = {re.sub(r"[-_.]+", "-", n).lower() for n in re.findall(r"^([\w.-]+)", LOCK, re.M)}
    for requirement in named:
        name = re.match(r"[\w.-]+", requirement)
        assert name is not None
        assert re.sub(r"[-_.]+", "-", name[0]).lower() in pinned, requirement


def test_no_file_of_the_repository_is_state_or_a_secret() -> None:
    listed = subprocess.run(
        ["git", "ls-files"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("this is no git checkout")
    names = listed.stdout.splitlines()
    assert ".env" not in names
    assert not [n for n in names if n.endswith((".duckdb", ".wal")) or n.startswith(".ai_usage/")]
