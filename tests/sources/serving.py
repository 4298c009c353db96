"""A web service on this machine that says what it is told to say, and counts as a real one does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    params: dict[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass(frozen=True)
class Reply:
    """`drip` seconds pass before each byte of it, headers too; `cut` closes the connection before its end."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    drip: float = 0.0
    cut: bool = False


def told(answer: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(json.dumps(answer).encode(), status, {name.replace("_", "-"): value for name, value in headers.items()})


Replies = Callable[[Request], Reply]


class Service:
    def __init__(self, replies: Replies) -> None:
        self.replies = replies
        self.asked: list[Request] = []
        self.delivered: list[Request] = []
        self.lock = Lock()
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or every answer waits 40 ms

            def handle_one(self) -> None:
                parts = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                request = Request(self.command, parts.path, dict(parse_qsl(parts.query)), self.headers, body, time.monotonic())
                with service.lock:
                    service.asked.append(request)
                self._send(service.replies(request))
                with service.lock:
                    service.delivered.append(request)

            do_GET = do_POST = handle_one

            def _send(self, reply: Reply) -> None:
                time.sleep(reply.wait)
                lines = [f"HTTP/1.1 {reply.status} said", "Content-Type: application/json", f"Content-Length: {len(reply.body)}"]
                lines += [f"{name}: {value}" for name, value in reply.headers.items()]
                data = "\r\n".join([*lines, "", ""]).encode() + (reply.body[: len(reply.body) // 2] if reply.cut else reply.body)
                if reply.cut:
                    self.close_connection = True
                for start in range(0, len(data), 1 if reply.drip else len(data)):
                    self.wfile.write(data[start:] if not reply.drip else data[start : start + 1])
                    time.sleep(reply.drip)
                if reply.cut:
                    raise ConnectionAbortedError

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # callers leave, and are killed, on purpose

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def most_in(self, seconds: float) -> int:
        """The most requests in any span of so many seconds."""
        at = sorted(request.at for request in self.asked)
        most = first = 0
        for last, moment in enumerate(at):
            while moment - at[first] >= seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


@contextmanager
def serving(replies: Replies) -> Iterator[Service]:
    service = Service(replies)
    thread = Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.server.shutdown()
        service.server.server_close()
