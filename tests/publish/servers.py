"""A real S3 server of one's own, and a proxy before it that answers as bad networks and busy stores do."""

from __future__ import annotations

import http.client
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

_PIPES: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
_MOTO = """
import logging, sys
logging.getLogger("werkzeug").setLevel(logging.ERROR)
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def s3_server() -> Iterator[str]:
    """moto in a process of its own, which ends with this one, and takes parts of 64 KiB. Gives its endpoint."""
    small = {**os.environ, "S3_UPLOAD_PART_MIN_SIZE": str(1 << 16)}
    made = subprocess.Popen([sys.executable, "-c", _MOTO], env=small, **_PIPES)
    try:
        assert made.stdout
        yield f"http://127.0.0.1:{int(made.stdout.readline())}"
    finally:
        made.kill()
        made.communicate()


class Proxy:
    """`fault` is asked for every request: its method, its path with the query, and its number; it gives None or what goes wrong:

    (status, code)   an S3 error instead of an answer
    "reset"          the connection breaks while the body is sent
    "lost"           the request is done, and its answer is lost
    "short"          the answer ends in the middle
    """

    def __init__(self, upstream: str) -> None:
        self.fault: Callable[[str, str, int], Any] = lambda method, path, number: None
        self.asked: list[tuple[str, str]] = []
        self.wait = 0.0
        self._to = urlsplit(upstream)
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                proxy.handle(self)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def count(self, method: str, part: str = "") -> int:
        return sum(one == method and part in path for one, path in self.asked)

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        with self._lock:
            self.asked.append((request.command, request.path))
            fault = self.fault(request.command, request.path, len(self.asked))
        length = int(request.headers.get("content-length", 0))
        if fault == "reset":
            request.rfile.read(min(length, 1000))
            return _broken(request)
        body = request.rfile.read(length)
        time.sleep(self.wait)
        if isinstance(fault, tuple):
            status, code = fault
            return _answer(
                request, status, [], f"<Error><Code>{code}</Code><AWSAccessKeyId>KEYWORD</AWSAccessKeyId></Error>".encode()
            )
        upstream = http.client.HTTPConnection(self._to.hostname or "", self._to.port, timeout=60)
        upstream.request(request.command, request.path, body, dict(request.headers.items()))
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if fault == "lost":
            return _broken(request)
        return _answer(request, answer.status, answer.getheaders(), data, cut=fault == "short")


_HOP = ("connection", "transfer-encoding", "server", "date")


def _answer(request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], data: bytes, cut: bool = False) -> None:
    request.send_response(status)
    sized = request.command == "HEAD"
    for name, value in headers:
        if name.lower() not in ("connection", "transfer-encoding", "server", "date") and (
            sized or name.lower() != "content-length"
        ):
            request.send_header(name, value)
    if not sized:
        request.send_header("content-length", str(len(data)))
    request.end_headers()
    if not sized:
        request.wfile.write(data[: len(data) // 2] if cut else data)
    if cut:
        request.wfile.flush()
        _broken(request)


def _broken(request: BaseHTTPRequestHandler) -> None:
    """Closed by a reset, as a crash or a firewall does."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    request.close_connection = True
    request.connection.shutdown(socket.SHUT_RDWR)
