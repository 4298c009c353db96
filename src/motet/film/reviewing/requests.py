"""One request as it comes over the wire: held to its time and size, refused unless it is this machine's own page that asks."""

from __future__ import annotations

import io
import json
import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

__all__ = ["Answer", "Asked", "Handler", "Refused"]

PIECE = 256 << 10  # bytes that are sent at a time
SENT_WITHIN = 120.0  # seconds for a piece: a player that has enough for now lets it wait
_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?", re.IGNORECASE | re.ASCII)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",  # what is shown may be nobody's to keep
}


@dataclass(frozen=True)
class Asked:
    """A request that may be answered."""

    method: str
    path: str
    range: str | None
    body: bytes


@dataclass(frozen=True)
class Answer:
    status: HTTPStatus
    data: bytes | memoryview
    type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """An answer that is a refusal: `reason` for the page, `detail` for the person."""

    def __init__(self, status: HTTPStatus, reason: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.answer = Answer(status, json.dumps({"reason": reason, "detail": detail}).encode(), "application/json", headers or {})


class Server(Protocol):
    answer: Callable[[Asked], Answer]
    request_within: float
    longest_body: int


class _Timely(io.RawIOBase):
    """What comes over a connection, until its time is over: a client that sends a byte now and then does not stay."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.until = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 for a `Server`."""

    protocol_version = "HTTP/1.1"
    server: Server  # type: ignore[assignment]

    def setup(self) -> None:
        super().setup()
        self._timely = _Timely(self.connection)
        self.rfile.close()
        self.rfile = io.BufferedReader(self._timely)

    def handle_one_request(self) -> None:
        self._timely.until = time.monotonic() + self.server.request_within
        try:
            super().handle_one_request()
        except (TimeoutError, ConnectionError):  # the client's affair
            self.close_connection = True

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        try:
            answer = self.server.answer(self._asked())
        except Refused as refused:
            answer = refused.answer
        except (TimeoutError, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001 - told to the person at the page
            detail = f"This could not be answered: {type(error).__name__}: {error}"[:500]
            answer = Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", detail).answer
        self._send(answer)

    def _asked(self) -> Asked:
        """The request with its body. Raises Refused; then the connection ends, for what follows on it is unknown."""
        closing = self.close_connection
        unread = self.command == "POST" or "Content-Length" in self.headers or "Transfer-Encoding" in self.headers
        if unread:
            self.close_connection = True
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1 or not _HOST.fullmatch(hosts[0].strip()):
            raise Refused(HTTPStatus.MISDIRECTED_REQUEST, "wrong_host", "This page is at 127.0.0.1 only.")
        if "Transfer-Encoding" in self.headers:
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "no_length", "A request says how long it is.")
        if self.command != "POST":
            # No validator is ever sent, so a condition on one cannot hold.
            range_ = None if "If-Range" in self.headers else self.headers.get("Range")
            return Asked(self.command, self.path, range_, b"")
        self._check_origin(hosts[0].strip())
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not re.fullmatch(r"\d{1,18}", lengths[0].strip(), re.ASCII):
            raise Refused(HTTPStatus.LENGTH_REQUIRED, "no_length", "A request says how long it is.")
        if (length := int(lengths[0])) > self.server.longest_body:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", "This is too long for a label.")
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionError
        self.close_connection = closing
        return Asked(self.command, self.path, None, body)

    def _check_origin(self, host: str) -> None:
        """Only our own page changes anything: another's cannot send JSON unasked, and browsers say whose page it is."""
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "same-origin")
        if kind != "application/json" or origin not in (None, f"http://{host}") or site not in ("same-origin", "none"):
            raise Refused(HTTPStatus.FORBIDDEN, "wrong_origin", "Only the page itself may do this.")

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in {**ALWAYS, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.connection.settimeout(SENT_WITHIN)
        self.end_headers()
        if self.command != "HEAD":
            for first in range(0, len(answer.data), PIECE):
                self.wfile.write(answer.data[first : first + PIECE])

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself finds wrong, in our own words and with nothing of the request in it."""
        self.close_connection = True
        self._send(Refused(HTTPStatus(code), "bad_request", HTTPStatus(code).phrase).answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""
