"""Who may ask the explorer, and how: held to this machine's names, to its own page, to a token where it is open to others."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import logging
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["LONGEST_BODY", "LONGEST_HEAD", "REQUEST_WITHIN", "Guard", "Key", "Timely", "hosts_of", "loopback"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LONGEST_BODY = 16 << 10  # bytes
LONGEST_ADDRESS = 24 << 10
LONGEST_HEAD = 48 << 10  # of a request's address and headers together
REQUEST_WITHIN = 15.0  # seconds from a connection's first byte to the last of its request
METHODS = ("GET", "HEAD", "POST")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=()",
}
_NAME = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[^:\[\]@/\s]+)(?::\d{1,5})?", re.ASCII)
# The cookie is SameSite=Strict, and a redirect from a link elsewhere would not carry it: the page asks anew by itself.
_WELCOME = (
    b'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=./"><title>motet</title>'
    b'<p><a href="./">To the page</a>'
)


class Key:
    """The token in the address of a page that others can reach, and the cookie that it is exchanged for."""

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(24)
        self.cookie = f"motet-{port}"  # cookies know no ports: two pages of one machine must not take each other's
        self._secret = secrets.token_urlsafe(24)

    def opens(self, given: str) -> bool:
        """Whether this is the token."""
        return _same(given, self.token)

    @property
    def crumb(self) -> str:
        """The Set-Cookie header."""
        return f"{self.cookie}={self._secret}; Path=/; HttpOnly; SameSite=Strict"

    def known(self, cookies: str) -> bool:
        """Whether a Cookie header has the cookie."""
        # By hand: a cookie of another program that no standard allows must not hide ours.
        pairs = (one.strip().partition("=") for one in cookies.split(";"))
        return any(name == self.cookie and _same(value, self._secret) for name, _, value in pairs)


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="replace"), other.encode())


def loopback(host: str) -> bool:
    """Whether a name or address of this machine is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def hosts_of(host: str) -> frozenset[str]:
    """The names by which a page bound to `host` may be asked for, in lower case; a name elsewhere that leads here is none."""
    names = {"localhost", "127.0.0.1", "[::1]", f"[{host}]" if ":" in host else host}
    if host in ("0.0.0.0", "::"):
        names |= {socket.gethostname(), socket.getfqdn()}
    return frozenset(name.lower() for name in names)


class Refused(Exception):
    """A request that is not answered, and why in a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Guard:
    """An ASGI application before the one that answers. Every answer gets the headers that bind the page to itself.

    `hosts`: the names that may be asked for; with `open_to_all` any address (in figures) too. `key`: None where no token is
    wanted.
    """

    def __init__(self, app: Any, hosts: frozenset[str], *, key: Key | None = None, open_to_all: bool = False) -> None:
        self._app, self._hosts, self._key, self._all = app, hosts, key, open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = ended = False

        async def guarded(message: MutableMapping[str, Any]) -> None:
            nonlocal begun, ended
            ended = message["type"] == "http.response.body" and not message.get("more_body")
            if message["type"] == "http.response.start":
                begun = True
                kept = [(name, value) for name, value in message.get("headers", []) if name.lower() not in ALWAYS]
                message = {**message, "headers": [*kept, *ALWAYS.items()]}
            await send(message)

        try:
            self._check(scope)
            if self._key and await self._exchanged(scope, guarded):
                return
            if scope["method"] == "POST":
                receive = _replayed(await _body(scope, receive))
            await self._app(scope, receive, guarded)
        except Refused as refused:
            await _tell(guarded, refused.status, str(refused))
        except Exception as error:  # told to the person at the page and the one at the terminal
            logging.getLogger("motet.explorer").exception("a request could not be answered")
            if begun and not ended:
                raise  # then the connection is closed: half an answer must not pass for a whole one
            if not begun:
                await _tell(guarded, 500, f"This could not be answered: {type(error).__name__}: {error}"[:500])

    def _check(self, scope: Scope) -> None:
        """Raises Refused for what no page of ours would ask."""
        if scope["http_version"] not in ("1.0", "1.1"):
            raise Refused(505, "HTTP/1.1 is spoken here.")
        if scope["method"] not in METHODS:
            raise Refused(405, "Only GET, HEAD and POST are understood here.")
        address = len(scope["raw_path"]) + len(scope["query_string"])
        if address > LONGEST_ADDRESS:
            raise Refused(414, "This address is too long: ask for less at once.")
        if address + sum(len(name) + len(value) for name, value in scope["headers"]) > LONGEST_HEAD:
            raise Refused(431, "This request has too many headers.")
        hosts = _all(scope, b"host")
        if len(hosts) != 1 or not self._named(hosts[0]):
            raise Refused(421, "This page is known by another name: use the address that `motet explore` said.")
        site = "".join(_all(scope, b"sec-fetch-site"))
        if site in ("cross-site", "same-site") and "".join(_all(scope, b"sec-fetch-mode")) != "navigate":
            raise Refused(403, "Another site's page asked for this: open the explorer's own.")
        if scope["method"] == "POST":
            origin = _all(scope, b"origin")
            if len(origin) != 1 or not _is_at(origin[0], hosts[0]):
                raise Refused(403, "Only the explorer's own page may write: its Origin is not that of this address.")
            if "".join(_all(scope, b"content-type")).partition(";")[0].strip().lower() != "application/json":
                raise Refused(415, "What is sent here is JSON: say Content-Type: application/json.")

    def _named(self, host: str) -> bool:
        found = _NAME.fullmatch(host)
        if not found:
            return False
        name = found[1].lower()
        if name in self._hosts:
            return True
        if not self._all:
            return False
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True

    async def _exchanged(self, scope: Scope, send: Send) -> bool:
        """Whether this was an answer to the token: the cookie. Raises Refused for who has neither."""
        assert self._key is not None
        if self._key.known("; ".join(_all(scope, b"cookie"))):
            return False
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        if scope["path"] != "/" or scope["method"] != "GET" or not self._key.opens(given[0]):
            raise Refused(403, "This page is not open to everyone: use the whole address that `motet explore` said.")
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-store")]
        headers += [(b"set-cookie", self._key.crumb.encode()), (b"content-length", str(len(_WELCOME)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": _WELCOME})
        return True


def _all(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _is_at(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower() and not (parts.path or parts.query)


async def _body(scope: Scope, receive: Receive) -> bytes:
    """All of a request's body. Raises Refused where it is longer than a judgement can be."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        body += bytes(message.get("body", b""))
        if len(body) > LONGEST_BODY:
            raise Refused(413, f"This is too long for a judgement: at most {LONGEST_BODY:,} bytes.")
        if not message.get("more_body"):
            return body


def _replayed(body: bytes) -> Receive:
    given = False

    async def receive() -> MutableMapping[str, Any]:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _tell(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store"), (b"connection", b"close")]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Timely(H11Protocol):
    """A connection whose requests must be whole within REQUEST_WITHIN seconds: half ones do not stay."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Time runs while bytes of a request are missing."""
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY) or self.transport.is_closing():
            self._rest()
        elif self._late is None:
            self._late = self.loop.call_later(REQUEST_WITHIN, self.transport.abort)

    def _rest(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
