"""One HTTP exchange, bounded: in time from the first look-up of the name to the last byte, in size, and to one host."""

from __future__ import annotations

import asyncio
import logging
import threading
import zlib
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx2

from motet.sources.hostile import number

MOST_BYTES = 8 << 20  # of an answer, unpacked; Spotify's analysis of a long song has 2

T = TypeVar("T")


@dataclass(frozen=True)
class Sent:
    """A request as it goes out: with its secrets."""

    method: str
    url: str
    params: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = None


@dataclass(frozen=True)
class Heard:
    """What came back. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class Lost:
    """Nothing came back that can be read. An exception of the library would hold the request, and its secrets with it."""

    reason: str


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to stay away, by Retry-After: a number or a date (RFC 9110, 10.2.3); None if it says neither."""
    written = headers.get("retry-after", "").strip()[:100]
    if (found := number(written, 0)) is not None:
        return found
    try:
        return max(0.0, (parsedate_to_datetime(written) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


class Wire:
    """Connections, kept open between requests. They live in a thread of their own: only an event loop can break off a
    server that sends a header's next byte every few seconds, and the caller may have an event loop already."""

    def __init__(self, user_agent: str) -> None:
        hush()
        self._headers = {"User-Agent": user_agent, "Accept": "application/json", "Accept-Encoding": "gzip"}
        self._client: httpx2.AsyncClient | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="motet-sources", daemon=True)
        self._thread.start()

    def close(self) -> None:
        if self._loop.is_running():
            self._run(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def exchange(self, sent: Sent, seconds: float) -> Heard | Lost:
        return self._run(self._bounded(sent, seconds))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _bounded(self, sent: Sent, seconds: float) -> Heard | Lost:
        try:
            async with asyncio.timeout(max(seconds, 0.001)):
                return await self._exchange(sent)
        except TimeoutError:
            return Lost("no whole answer in time")
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, OSError, UnicodeError) as problem:
            return Lost(type(problem).__name__)

    async def _exchange(self, sent: Sent) -> Heard | Lost:
        if self._client is None:
            self._client = httpx2.AsyncClient(headers=self._headers, timeout=None, follow_redirects=False)
        request = self._client.build_request(
            sent.method,
            sent.url,
            params=sent.params or None,
            headers=dict(sent.headers),
            data=dict(sent.form) or None,
            json=sent.json,
        )
        response = await self._client.send(request, stream=True)
        try:
            return await _read(response)
        finally:
            await response.aclose()
            self._client.cookies.clear()


async def _read(response: httpx2.Response) -> Heard | Lost:
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "gzip", ""):
        return Lost("an answer packed in a way that was not asked for")
    unpack = zlib.decompressobj(wbits=31) if packing == "gzip" else None
    body = bytearray()
    # Unpacked by hand, since a library unpacks a chunk whole, and a small one can hold gigabytes.
    async for chunk in response.aiter_raw():
        try:
            body += unpack.decompress(chunk, MOST_BYTES + 1 - len(body)) if unpack else chunk
        except zlib.error:
            return Lost("an answer that cannot be unpacked")
        if len(body) > MOST_BYTES:
            return Lost(f"an answer of more than {MOST_BYTES} bytes")
    if unpack and not unpack.eof and body:
        return Lost("an answer that breaks off")
    return Heard(response.status_code, dict(response.headers), bytes(body))


class _NoQueries(logging.Filter):
    """httpx2 logs every address at level INFO, the key in it too."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.copy_with(query=None, fragment=None, userinfo=b"") if isinstance(arg, httpx2.URL) else arg
                for arg in record.args
            )
        return True


_no_queries = _NoQueries()


def hush() -> None:
    """Keep addresses with their keys, and headers, out of every log."""
    logging.getLogger("httpx2").addFilter(_no_queries)  # once: a filter that is there is not added again
    logging.getLogger("httpcore2").setLevel(logging.WARNING)  # it logs headers, in which a server may repeat what it was sent


def redirected(sent: Sent, location: str) -> str | None:
    """Where a redirect leads, if it stays with the same scheme, host and port."""
    try:
        here, there = httpx2.URL(sent.url), httpx2.URL(sent.url).join(location)
    except (httpx2.InvalidURL, ValueError, UnicodeError):
        return None
    same = (here.scheme, here.host, here.port) == (there.scheme, there.host, there.port)
    return str(there.copy_with(fragment=None, userinfo=b"")) if same else None
