"""A bucket on loopback that gcsfs itself talks to: objects in memory, and the rights of an account.

What is answered is Google's JSON API as far as the archive needs it: an object put whole, with the
precondition that there is none, read whole, and listed by prefix, with and without a delimiter.
Like the real one it is the account's rights that say no: who may not delete may not overwrite.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ai_usage_tests.support.loopback import served

PAGE = 1000
"""Names that a listing gives at once, as Google does."""


@dataclass
class Bucket:
    """What is in it, what was asked, and what is refused."""

    endpoint: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """`get NAME`, `put NAME`, `list PREFIX`, in order."""
    may_delete: bool = True
    """Whether the account may delete, and so overwrite: objectUser may, objectCreator may not."""
    refused: dict[str, int] = field(default_factory=dict)
    """A status for each request about an object whose name holds a text."""
    lost: list[str] = field(default_factory=list)
    """Texts: the first put of a name that holds one is done, and its answer is an error."""

    def count(self, kind: str) -> int:
        """How many requests of a kind there were."""
        return sum(each.startswith(f"{kind} ") for each in self.asked)


@contextmanager
def bucket_server() -> Iterator[Bucket]:
    """A bucket under the name `bucket`; set STORAGE_EMULATOR_HOST to its endpoint."""
    bucket, lock = Bucket(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            _, _, name = parts.path.partition("/o/")
            if not name:
                self._list(query)
                return
            name = unquote(name)
            with lock:
                bucket.asked.append(f"get {name}")
                content = bucket.objects.get(name)
            if not self._is_refused(name):
                if content is None:
                    self._say(404, {"error": {"code": 404, "message": "No such object"}})
                else:
                    self._answer(200, content)

        def _list(self, query: dict[str, str]) -> None:
            prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
            with lock:
                bucket.asked.append(f"list {prefix}")
                names = sorted(name for name in bucket.objects if name.startswith(prefix))
                sizes = {name: len(bucket.objects[name]) for name in names}
            if self._is_refused(prefix):
                return
            folders = set()
            if delimiter:
                rest = {name: name.removeprefix(prefix) for name in names}
                folders = {
                    f"{prefix}{part.partition(delimiter)[0]}{delimiter}"
                    for part in rest.values()
                    if delimiter in part
                }
                names = [name for name in names if delimiter not in rest[name]]
            first = int(query.get("pageToken", "0"))
            found: dict[str, Any] = {
                "items": [
                    {"name": name, "bucket": "bucket", "size": str(sizes[name])}
                    for name in names[first : first + PAGE]
                ],
                "prefixes": sorted(folders),
            }
            if first + PAGE < len(names):
                found["nextPageToken"] = str(first + PAGE)
            self._say(200, found)

        def do_POST(self) -> None:
            query = {n: values[0] for n, values in parse_qs(urlsplit(self.path).query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            boundary = self.headers["Content-Type"].partition('boundary="')[2].rstrip('"')
            _, meta, content, _ = body.split(f"--{boundary}".encode())
            name = json.loads(meta.partition(b"\n\n")[2])["name"]
            content = content.partition(b"\n\n")[2].removesuffix(b"\n")
            with lock:
                bucket.asked.append(f"put {name}")
                there = name in bucket.objects
                if there and query.get("ifGenerationMatch") == "0":
                    status = 412
                elif there and not bucket.may_delete:
                    status = 403
                else:
                    status = 200
            if self._is_refused(name):
                return
            if status == 200:
                bucket.objects[name] = content
            for text in [text for text in bucket.lost if text in name]:
                bucket.lost.remove(text)
                status = 500
            self._say(status, {"name": name, "bucket": "bucket", "size": str(len(content))})

        def _is_refused(self, name: str) -> bool:
            for text, status in bucket.refused.items():
                if text in name:
                    self._say(status, {"error": {"code": status, "message": "not for you"}})
                    return True
            return False

        def _say(self, status: int, body: dict[str, Any]) -> None:
            self._answer(status, json.dumps(body).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with served(Handler) as bucket.endpoint:
        yield bucket
