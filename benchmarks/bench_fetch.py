"""How many records a CPU-second takes from a vendor's answer into the archive.

Run: `python -m benchmarks.bench_fetch [records]`. A server in a process of its own answers with
made-up pages; measured are the CPU-seconds of this process for `fetch_window`: receive, check, hold
to the promises, hash, compress, write, and digest by day. Median of three.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from pydantic import SecretStr

from ai_usage.archive.archive import Archive
from ai_usage.vendors.fetching import fetch_window
from ai_usage.vendors.http import VendorClient
from benchmarks.bench_normalise import CASES, DAYS, NOW, WINDOW, Record

RUNS = 3
PER_PAGE = {"daily_usage": 100, "usage_events": 1000, "claude_code": 1000}


def answers(records: int) -> dict[tuple[str, str], bytes]:
    """Every page's body, by the endpoint's path and what its request says of its place."""
    found: dict[tuple[str, str], bytes] = {}
    for vendor, name, make, _ in CASES:
        path = vendor.endpoint(name).api_path.split()[1]
        days = {day: [make(day, n) for n in range(records // DAYS)] for day in WINDOW.days()}
        if name == "claude_code":
            for day, own in days.items():
                for number, page, more in _cut(own, PER_PAGE[name]):
                    token = f"{day}.{number + 1}" if more else None
                    place = f"{day}.{number}" if number > 1 else f"{day}"
                    body = {"data": page, "has_more": more, "next_page": token}
                    found[path, place] = msgspec.json.encode(body)
        elif name in PER_PAGE:
            every = [record for own in days.values() for record in own]
            key = "data" if name == "daily_usage" else "usageEvents"
            for number, page, more in _cut(every, PER_PAGE[name]):
                body = {
                    key: page,
                    "totalUsageEventsCount": len(every),
                    "pagination": {"hasNextPage": more},
                }
                found[path, str(number)] = msgspec.json.encode(body)
        else:
            buckets = [{"starting_at": f"{d}T00:00:00Z", "results": own} for d, own in days.items()]
            found[path, ""] = msgspec.json.encode({"data": buckets, "has_more": False})
    return found


def _cut(records: list[Record], size: int) -> list[tuple[int, list[Record], bool]]:
    starts = range(0, len(records), size)
    return [(n, records[at : at + size], n < len(starts)) for n, at in enumerate(starts, 1)]


def serve(bodies: dict[tuple[str, str], bytes], port: Any) -> None:
    """Answer for ever; the port goes into the queue `port`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self, place: str) -> None:
            body = bodies[urlsplit(self.path).path, place]
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            asked = parse_qs(urlsplit(self.path).query)
            start = asked["starting_at"][0]
            self._answer(asked.get("page", ["" if "T" in start else start])[0])

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            self._answer(str(msgspec.json.decode(self.rfile.read(length))["page"]))

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    port.put(server.server_address[1])
    server.serve_forever()


def main(records: int = 50_000) -> None:
    """Fetch every endpoint of events from the made-up vendors, print a table."""
    port: Any = multiprocessing.Queue()
    server = multiprocessing.Process(target=serve, args=(answers(records), port), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.get()}"
    print(f"{'endpoint':<26}{'records':>9}{'records/CPU-s':>15}")
    for vendor, name, _, _ in CASES:
        seconds = []
        for _ in range(RUNS):
            with (
                tempfile.TemporaryDirectory() as folder,
                VendorClient(vendor, SecretStr("made-up-key"), base_url=url) as client,
            ):
                start = time.process_time()
                fetch_window(
                    vendor,
                    vendor.endpoint(name),
                    WINDOW,
                    client=client,
                    archive=Archive(folder),
                    now=NOW,
                )
                seconds.append(time.process_time() - start)
        rate = records / statistics.median(seconds)
        print(f"{vendor.name + ' ' + name:<26}{records:>9,}{rate:>15,.0f}")
    server.terminate()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
