"""Where these tests find BigQuery: the emulator on this machine, or a project that a person names.

With AI_USAGE_TEST_PROJECT they run against that project, in datasets that they make and delete.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LAUNCHER = Path(__file__).parent / "emulator" / "launcher.py"
ENVIRONMENT = ROOT / ".venv-emulator"
START_SECONDS = 120.0

MISSING = (
    "the BigQuery emulator is not installed: `make test-bigquery` makes its environment, which "
    "needs Python 3.13"
)


@dataclass(frozen=True)
class Place:
    """A project, and where the emulator listens if it is none of Google's."""

    project: str
    endpoint: str | None = None
    grpc_port: int | None = None
    """Of its Storage API."""

    @property
    def is_real(self) -> bool:
        """Whether this is the real service."""
        return self.endpoint is None

    def environment(self, dataset: str) -> dict[str, str]:
        """The variables of an installation whose warehouse is here."""
        passed_on = ("AI_USAGE_BIGQUERY_LOCATION", "AI_USAGE_BIGQUERY_CREDENTIALS")
        return {
            "AI_USAGE_WAREHOUSE": "bigquery",
            "AI_USAGE_BIGQUERY_PROJECT": self.project,
            "AI_USAGE_BIGQUERY_ENDPOINT": self.endpoint or "",
            "AI_USAGE_DATASET": dataset,
            "AI_USAGE_VIEWS_DATASET": f"{dataset}_views",
            "AI_USAGE_MAXIMUM_BYTES_BILLED": "10000000000",
            **{name: os.environ.get(name, "") for name in passed_on},
        }


def is_there() -> bool:
    """Whether these tests can run."""
    return bool(os.environ.get("AI_USAGE_TEST_PROJECT")) or (ENVIRONMENT / ".installed").exists()


@contextmanager
def opened(folder: Path) -> Iterator[Place]:
    """The project that a person named, else an emulator with its data in the folder."""
    project = os.environ.get("AI_USAGE_TEST_PROJECT")
    if project:
        yield Place(project)
        return
    port, grpc_port = _free_ports(2)
    log = folder / "emulator.log"
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603
            [
                str(ENVIRONMENT / "bin" / "python"),
                str(LAUNCHER),
                *("--host", "127.0.0.1", "--port", str(port), "--grpc-port", str(grpc_port)),
                *("--project", "test-project", "--data-dir", str(folder / "data")),
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        _wait(process, port, log)
        yield Place("test-project", f"http://127.0.0.1:{port}", grpc_port)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the emulator stopped:\n{log.read_text()[-2000:]}")
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the emulator did not start:\n{log.read_text()[-2000:]}")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
