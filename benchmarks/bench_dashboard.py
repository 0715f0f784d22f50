"""How long pages take on the server, warm: alone, ten clients at once, and in CPU.

    python -m benchmarks.bench_dashboard --home .demo

It serves a copy of its own of the state's warehouse, so that nothing is touched. Where Chromium
is, a new browser (nothing cached) then opens each page ten times: it waits for the first tile's
paint, and for the last chart to be drawn.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from ai_usage.dashboard.published import publish
from ai_usage.days.months import months_before
from ai_usage.orchestration.io_managers import warehouse_resource
from ai_usage.settings import Settings
from ai_usage_tests.support.browser import CHROMIUM, browser

PAGES = ("/", "/spend", "/budgets", "/close", "/seats", "/team", "/adoption", "/trust", "/me")
MAIN = "from ai_usage.cli.app import main; main()"
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def timed(client: httpx.Client, path: str) -> float:
    start = time.perf_counter()
    client.get(path).raise_for_status()
    return time.perf_counter() - start


DRAWN = """
addEventListener('DOMContentLoaded', () => {
  const drawn = () => {
    if (!document.querySelector('[data-chart]:not([data-drawn])'))
      requestAnimationFrame(() => { window.__drawn ??= performance.now(); });
  };
  new MutationObserver(drawn).observe(document.body, {
    subtree: true, attributes: true, attributeFilter: ['data-drawn']});
  drawn();
});
"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def waits(url: str, folder: Path) -> tuple[float, float]:
    """Seconds until a new browser shows the page's first tile, and until its charts are drawn."""
    with browser(folder) as page:
        page.look(width=1300)
        page.command("Page.addScriptToEvaluateOnNewDocument", source=DRAWN)
        page.command("Page.navigate", url=url)
        drawn = page.wait("window.__drawn")
        return page.wait(PAINTED) / 1000, drawn / 1000


def p95(values: list[float]) -> float:
    return sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--home", type=Path, default=Path(".demo"))
    options.add_argument("--clients", type=int, default=10)
    given = options.parse_args()
    home = given.home.absolute()
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
        free.close()
        copy = Path(folder) / "copy.duckdb"
        environment = {
            "AI_USAGE_ENV_FILE": f"{home}/no.env",
            "AI_USAGE_HOME": str(home),
            "AI_USAGE_DASHBOARD_PATH": str(copy),
        }
        settings = Settings.load(environment)
        start, spent = time.perf_counter(), time.process_time()
        warehouse = warehouse_resource(settings).warehouse()
        publish(warehouse, copy, as_of=settings.today, now=settings.now)
        print(
            f"publish {time.perf_counter() - start:.2f} s, "
            f"{time.process_time() - spent:.2f} CPU-s, {copy.stat().st_size / 1e6:.1f} MB"
        )
        server = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", MAIN, "dashboard", "--port", str(port)],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
        )
        try:
            months = [f"{months_before(settings.today, n):%Y-%m}" for n in range(1, 11)]
            measure(f"http://127.0.0.1:{port}", server.pid, given.clients, months)
            look(f"http://127.0.0.1:{port}", Path(folder))
        finally:
            server.terminate()
            server.wait()


def measure(url: str, pid: int, clients: int, months: Sequence[str]) -> None:
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        while True:
            try:
                client.get("/")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        for page in PAGES:
            if client.get(page).status_code == 404:
                print(f"{page:10} none")
                continue
            # Each address is asked for the first time: a page that is kept costs nothing.
            before = cpu_seconds(pid)
            times = [timed(client, f"{page}?month={month}") for month in months]
            spent = (cpu_seconds(pid) - before) / len(months)
            again = statistics.median(timed(client, page) for _ in range(10))
            print(
                f"{page:10} median {statistics.median(times):.3f} s, {spent:.3f} CPU-s a view; "
                f"asked again {again:.4f} s"
            )

    def visit(number: int) -> list[float]:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as own:
            month = months[number % len(months)]
            return [timed(own, f"{page}?month={month}&lens=now") for page in PAGES]

    with ThreadPoolExecutor(clients) as pool:
        times = [value for own in pool.map(visit, range(clients)) for value in own]
    print(
        f"{clients} clients at once: p50 {statistics.median(times):.3f} s, p95 {p95(times):.3f} s"
    )


def look(url: str, folder: Path) -> None:
    if CHROMIUM is None:
        print("no Chromium here: the browser's waiting is not measured")
        return
    for page in PAGES:
        seen = [waits(url + page, folder / f"{page[1:]}-{n}") for n in range(10)]
        tile, charts = (statistics.median(column) for column in zip(*seen, strict=True))
        print(f"{page:10} new browser: first tile {tile:.3f} s, charts {charts:.3f} s")


if __name__ == "__main__":
    main()
