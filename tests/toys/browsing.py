"""The explorer as a user has it: `motet explore` in a process of its own, and Chromium before it, every request watched."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

QUIET = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]
# Which sounds and films were ever told to play, in the page or beside it.
SOUNDING = """(() => {
    const play = HTMLMediaElement.prototype.play;
    window.sounding = new Set();
    HTMLMediaElement.prototype.play = function (...given) { sounding.add(this); return play.apply(this, given); };
})()"""
ROWS = "#main a[href^='#/one/']"


@dataclass(frozen=True)
class Served:
    address: str
    process: subprocess.Popen[bytes]

    def ask(self, path: str, body: object = None) -> Any:
        """What the server answers, as JSON; raises HTTPError."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Origin": self.address}
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/{path}", data, headers), timeout=60) as answer:
            return json.loads(answer.read())

    def one(self, id: str) -> Any:
        return self.ask(f"api/one/{quote(id, safe='')}")

    def status(self, path: str) -> int:
        try:
            with urllib.request.urlopen(f"{self.address}/{path}", timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code


@contextmanager
def served(dataset: Path, *options: str) -> Iterator[Served]:
    """`motet explore DATASET`, ready to answer. At the end it is asked to stop by SIGINT, as by Ctrl-C."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "motet.cli", "explore", str(dataset), "--no-browser", "--port", str(port), *options]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said) as process,
    ):
        one = Served(f"http://127.0.0.1:{port}", process)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    one.ask("api/about")
                    break
                except urllib.error.HTTPError as error:
                    if error.code != 503:  # a damaged dataset is answered too: by a sentence
                        raise
                    break
                except OSError:
                    assert process.poll() is None, _text(said)
                    assert time.monotonic() < deadline, "the explorer did not answer"
                    time.sleep(0.03)
            yield one
        finally:
            process.send_signal(2)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        told = _text(said)
        assert "Traceback" not in told, told


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def exported(dataset: Path, out: Path, *options: str) -> Path:
    """`motet explore DATASET --static OUT`."""
    command = [sys.executable, "-m", "motet.cli", "explore", str(dataset), "--static", str(out), *options]
    ended = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr.decode()
    return out


@contextmanager
def hosted(folder: Path) -> Iterator[str]:
    """Plain files from any static host."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *said: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=os.fspath(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        more = ["--disable-component-update", "--autoplay-policy=no-user-gesture-required"]
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, *more])
        yield browser
        browser.close()


@dataclass
class Watched:
    """Pages of one test. `troubles` says what must never be: errors, dialogs, and requests to anywhere but `home`."""

    browser: Any
    troubles: list[str] = field(default_factory=list)
    contexts: list[Any] = field(default_factory=list)

    def open(self, address: str, *, width: int = 1200, allowed: tuple[str, ...] = (), **context: Any) -> Any:
        """A page in a fresh profile. `allowed` are pieces of console errors that the test expects."""
        found = self.browser.new_context(viewport={"width": width, "height": 800}, **context)
        self.contexts.append(found)
        found.add_init_script(SOUNDING)
        tab = found.new_page()
        home = address.split("#")[0].rsplit("/", 1)[0] + "/"
        own = (home, "data:", f"blob:{home}", "blob:null", f"blob:{address.split('/')[0]}")

        def dialog(shown: Any) -> None:
            self.troubles.append(f"a dialog: {shown.message}")
            shown.dismiss()

        tab.on("request", lambda asked: None if asked.url.startswith(own) else self.troubles.append(f"asked for {asked.url}"))
        tab.on("websocket", lambda socket: self.troubles.append(f"a socket to {socket.url}"))
        tab.on("pageerror", lambda error: self.troubles.append(str(error)))
        tab.on("dialog", dialog)
        tab.on("popup", lambda page: self.troubles.append(f"a window: {page.url}"))

        def console(message: Any) -> None:
            if message.type == "error" and not any(piece in message.text for piece in allowed):
                self.troubles.append(message.text)

        tab.on("console", console)
        tab.set_default_timeout(30_000)
        tab.goto(address)
        return tab

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        assert not self.troubles, self.troubles


def until(tab: Any, true: str, seconds: float = 10) -> None:
    """Wait for it, asking from outside: the page's own policy lets nothing be evaluated within."""
    deadline = time.monotonic() + seconds
    while not tab.evaluate(true):
        assert time.monotonic() < deadline, f"{true} did not come true"
        tab.wait_for_timeout(20)
