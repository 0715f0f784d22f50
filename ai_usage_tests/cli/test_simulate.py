"""`ai-usage simulate`: vendors for trials of one's own, with the faults that were asked for."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import httpx
import pytest

from ai_usage.simulator import CURSOR_KEY
from ai_usage.simulator.faults import KINDS
from ai_usage_tests.cli.support import Place
from ai_usage_tests.cli.test_help import COMMANDS


def test_the_help_names_every_fault() -> None:
    help_text = COMMANDS["simulate",].help  # type: ignore[attr-defined]
    assert [kind for kind in KINDS if not re.search(rf"\b{kind}\b", help_text)] == []


@pytest.mark.slow
def test_it_serves_on_loopback_with_its_faults_until_it_is_stopped(tmp_path: Path) -> None:
    faults = ["--fault", "429:30@/cursor#2", "--fault", "revoked@/cursor#4-"]
    with Place(tmp_path).start("simulate", "--port", "0", "--people", "30", *faults) as process:
        assert process.stdout is not None
        said = ""
        while "Stop with Ctrl-C." not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url
        path = f"{url[0]}/cursor/teams/members"
        answers = [httpx.get(path, auth=(CURSOR_KEY, "")) for _ in range(5)]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert [answer.status_code for answer in answers] == [200, 429, 200, 401, 401]
    assert answers[1].headers["retry-after"] == "30"
    assert f"CURSOR_BASE_URL={url[0]}/cursor" in said
    assert out.strip() == "stopped"
    assert not err
