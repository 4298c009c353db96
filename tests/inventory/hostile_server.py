"""An HTTP server that misbehaves on purpose, and counts what it was asked and what it sent."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread

CHUNK = 16_384


@dataclass
class Page:
    """What stands at one address, and how it is sent."""

    body: bytes = b""
    status: int = 200
    type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    etag: str = '"1"'
    says: int | None = None  # the Content-Length that is told; the body's own where None
    chunked: bool = False  # no Content-Length at all
    stops: int | None = None  # bytes after which the connection is cut, in every answer
    per_second: float = float("inf")  # bytes
    first: list[Page] = field(default_factory=list)  # answers that come before this one, each once


@dataclass(frozen=True)
class Asked:
    method: str
    path: str  # with its query
    range: str
    headers: dict[str, str]


class HostileServer:
    """Pages by path (without the query); whatever is not among them is 404."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[Asked] = []
        self.sent: dict[str, int] = {}  # path -> bytes of bodies
        self.lock = Lock()
        self.over = Event()
        self.address = ""

    def page(self, path: str) -> Page:
        with self.lock:
            page = self.pages.get(path) or Page(b"<html><body>Not Found</body></html>", status=404, type="text/html")
            return page.first.pop(0) if page.first else page

    def methods(self, path: str) -> list[str]:
        return [asked.method for asked in self.asked if asked.path.partition("?")[0] == path]


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Listening

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def answer(self, *, with_body: bool) -> None:
        own = self.server.own
        path = self.path.partition("?")[0]
        with own.lock:
            own.asked.append(Asked(self.command, self.path, self.headers.get("Range", ""), dict(self.headers)))
        page = own.page(path)
        status, start, end = page.status, 0, len(page.body)
        asked = self.headers.get("Range", "")
        whole = self.headers.get("If-Range", page.etag) != page.etag
        if page.ranges and status == 200 and asked.startswith("bytes=") and not whole:
            low, _, high = asked[6:].partition("-")
            start, end = int(low), min(int(high) + 1, end) if high else end
            status = 206 if start < len(page.body) else 416
        self.send_response(status)
        self.send_header("Content-Type", page.type)
        if page.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if page.etag:
            self.send_header("ETag", page.etag)
        for name, value in page.headers.items():
            self.send_header(name, value)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(page.body)}")
        if status == 416:
            self.send_header("Content-Range", f"bytes */{len(page.body)}")
            start = end
        if page.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(end - start if page.says is None else page.says))
        self.end_headers()
        if with_body:
            self.send_body(page, path, page.body[start:end])

    def send_body(self, page: Page, path: str, body: bytes) -> None:
        own = self.server.own
        whole = body if page.stops is None else body[: page.stops]
        step = CHUNK if page.per_second > CHUNK * 4 else max(1, int(page.per_second))
        for at in range(0, len(whole), step):
            octets = whole[at : at + step]
            try:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(octets), octets) if page.chunked else octets)
            except OSError:
                self.close_connection = True
                return
            with own.lock:
                own.sent[path] = own.sent.get(path, 0) + len(octets)
            if page.per_second != float("inf") and own.over.wait(len(octets) / page.per_second):
                self.close_connection = True
                return
        if page.chunked and page.stops is None:
            self.wfile.write(b"0\r\n\r\n")
        if page.stops is not None or page.says is not None:
            self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class _Listening(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    own: HostileServer

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no error of the server's."""


@contextmanager
def hostile() -> Iterator[HostileServer]:
    """A server on a port of its own, for as long as the block lasts."""
    own = HostileServer()
    listening = _Listening(("127.0.0.1", 0), _Answer)
    listening.own = own
    own.address = f"http://127.0.0.1:{listening.server_address[1]}"
    thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield own
    finally:
        own.over.set()
        listening.shutdown()
        listening.server_close()
        thread.join()


def silent_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def wait_until(true: object, *, seconds: float = 20.0) -> None:
    """Waits until `true()` holds; TimeoutError where it never does."""
    assert callable(true)
    until = time.monotonic() + seconds
    while not true():
        if time.monotonic() > until:
            raise TimeoutError("it never came to be")
        time.sleep(0.01)
