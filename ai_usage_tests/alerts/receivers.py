"""A mail server and an HTTP receiver on loopback that keep what arrives."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Mailbox:
    """What the mail server took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.url = ""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Take a mail."""
        content = cast(bytes, envelope.content)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"

    def text(self, number: int = -1) -> str:
        """The body of a mail, as it came."""
        body = self.mails[number].get_body()
        assert body is not None
        return cast(str, body.get_content())


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server; `url` is Apprise's for it."""
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    box.url = f"mailto://127.0.0.1:{controller.port}/?from=alerts@example.com&to=oncall@example.com"
    try:
        yield box
    finally:
        controller.stop()


class Receiver:
    """What the HTTP receiver took: Apprise's JSON, newest last. `down` makes it refuse."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.posts: list[dict[str, Any]] = []
        self.refused = 0
        self.down = False

    def url(self, path: str = "alerts") -> str:
        """Apprise's URL for it."""
        return f"json://127.0.0.1:{self.port}/{path}"

    @property
    def titles(self) -> list[str]:
        """The titles, in the order of arrival."""
        return [post["title"] for post in self.posts]

    @property
    def bodies(self) -> list[str]:
        """The bodies, in the order of arrival."""
        return [post["message"] for post in self.posts]

    def taken(self) -> list[dict[str, Any]]:
        """What arrived since the last time this was asked."""
        posts, self.posts = self.posts, []
        return posts


@contextmanager
def http_receiver() -> Iterator[Receiver]:
    """An HTTP receiver in a thread."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if receiver.down:
                receiver.refused += 1
                self.send_response(503)
            else:
                receiver.posts.append(json.loads(body) | {"path": self.path})
                self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
