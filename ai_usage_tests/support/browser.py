"""A headless Chromium, driven over its own debugging protocol: pages, keys, clicks, pictures, axe.

No driver is installed: the protocol is JSON over a websocket, and the tests need a dozen of its
commands.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
FLAGS = [
    *["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    *["--disable-background-networking", "--disable-component-update", "--disable-sync"],
    *["--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"],
    *["--font-render-hinting=none", "--remote-debugging-port=0"],
]
PATIENCE = 20.0
"""Seconds to wait for what a page is about to show; far more than it needs."""


class BrowserError(AssertionError):
    """The page did not do what the test asked for."""


class Page:
    """One tab. What it asks of the network and writes to its console is kept."""

    def __init__(self, socket: ClientConnection, session: str) -> None:
        self._socket, self._session = socket, session
        self._ids = itertools.count(1)
        self.requests: list[str] = []
        self.console: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **params: Any) -> Any:
        """Answer of a command of the protocol."""
        number = next(self._ids)
        message = {"id": number, "method": method, "params": params, "sessionId": self._session}
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            self._keep(answer)
            if answer.get("id") == number and answer.get("sessionId") == self._session:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _keep(self, message: dict[str, Any]) -> None:
        params, method = message.get("params", {}), message.get("method")
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.console.append(details.get("exception", details).get("description", str(details)))
        elif method == "Log.entryAdded":
            self.console.append(f"{params['entry']['level']}: {params['entry']['text']}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.console.append(" ".join(str(a.get("value", "")) for a in params["args"]))

    def evaluate(self, expression: str) -> Any:
        """Value of a JavaScript expression; a promise is awaited."""
        answer = self.command(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression[:200]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, expression: str) -> Any:
        """Value of the expression as soon as it is true."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                if value := self.evaluate(expression):
                    return value
            except BrowserError as error:
                # A page that is being left answers nothing.
                if "context" not in str(error):
                    raise
            time.sleep(0.02)
        raise BrowserError(f"never true: {expression}\n{self.text()[:2000]}\n{self.console}")

    def go(self, url: str) -> None:
        """Open an address, and wait until it is loaded and its charts are drawn."""
        self.command("Page.navigate", url=url)
        self.settled()

    def settled(self) -> None:
        """Wait until the page is loaded and its charts are drawn."""
        self.wait("document.readyState == 'complete' && document.body != null")
        self.wait("!document.querySelector('[data-chart]:not([data-drawn])')")

    def follow(self, selector: str, text: str = "") -> None:
        """Click what leads to another page, and wait for that."""
        self.evaluate("window.__left = false")
        self.click(selector, text)
        self.wait("window.__left === undefined")
        self.settled()

    def click(self, selector: str, text: str = "") -> None:
        """Click the first visible element of the selector that holds the text, with the mouse."""
        x, y = self.wait(
            f"""(() => {{
              const found = [...document.querySelectorAll({json.dumps(selector)})].find(
                e => e.checkVisibility() && e.textContent.includes({json.dumps(text)}));
              if (!found) return null;
              found.scrollIntoView({{block: 'center', behavior: 'instant'}});
              const box = found.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1
            )

    def press(self, *keys: str) -> None:
        """Press keys by name, as Tab, Enter, Escape, ArrowDown, Space; `Shift+Tab` too."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "Space": 32, "ArrowDown": 40, "ArrowUp": 38}
        for pressed in keys:
            key = pressed.removeprefix("Shift+")
            text = {"Enter": "\r", "Space": " "}.get(key, "")
            common = {
                "key": " " if key == "Space" else key,
                "code": key,
                "windowsVirtualKeyCode": codes[key],
                "modifiers": 8 if pressed != key else 0,
            }
            self.command("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
            self.command("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.command("Input.insertText", text=text)

    def text(self) -> str:
        """What a person reads on the page."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def look(self, *, width: int, height: int = 900, dark: bool = False, media: str = "") -> None:
        """Size of the window, the system's colours, and `print` for paper."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def picture(self, path: Path, *, whole: bool = True, height: int | None = None) -> None:
        """A PNG of the page, or of its first `height` pixels."""
        size = self.evaluate(
            "[document.documentElement.clientWidth, document.documentElement.scrollHeight]"
        )
        clip = {"x": 0, "y": 0, "width": size[0], "height": height or size[1], "scale": 1}
        answer = self.command(
            "Page.captureScreenshot",
            format="png",
            captureBeyondViewport=whole,
            **({"clip": clip} if whole else {}),
        )
        path.write_bytes(base64.b64decode(answer["data"]))

    def violations(self, *impacts: str) -> list[str]:
        """What axe finds of the impacts: rule, what it says, and where."""
        script = (files("axe_core_python") / "axe.min.js").read_text()
        self.evaluate(f"window.axe ? 1 : (() => {{{script}\n; return 1}})()")
        found = self.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [
            f"{rule['id']}: {rule['help']}: {node['html'][:200]} {node.get('failureSummary', '')}"
            for rule in found
            if not impacts or rule["impact"] in impacts
            for node in rule["nodes"]
        ]


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A tab of a new Chromium whose profile lies in the folder."""
    assert CHROMIUM is not None
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "DevToolsActivePort").unlink(missing_ok=True)
    process = subprocess.Popen(  # noqa: S603
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        port, path = _where_it_listens(process, folder)
        with connect(f"ws://127.0.0.1:{port}{path}", max_size=None, compression=None) as socket:
            yield _tab(socket)
    except ConnectionClosed as error:
        raise BrowserError("Chromium went away") from error
    finally:
        process.terminate()
        process.wait(timeout=30)


def _where_it_listens(process: subprocess.Popen[bytes], folder: Path) -> tuple[str, str]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "Chromium did not start"
        try:
            port, path = (folder / "DevToolsActivePort").read_text().splitlines()
        except (FileNotFoundError, ValueError):
            time.sleep(0.05)
        else:
            return port, path
    raise BrowserError("Chromium did not say where it listens")


def _tab(socket: ClientConnection) -> Page:
    def ask(method: str, **params: Any) -> Any:
        socket.send(json.dumps({"id": 0, "method": method, "params": params}))
        while (answer := json.loads(socket.recv(timeout=60))).get("id") != 0:
            pass
        return answer["result"]

    target = ask("Target.createTarget", url="about:blank")["targetId"]
    session = ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    return Page(socket, session)
