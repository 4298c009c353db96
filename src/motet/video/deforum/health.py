"""How the web UIs do: whether Deforum's API answers, and how much it has to do."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2

from motet.sources.wire import hush

__all__ = ["JOBS", "Health", "ask", "status_at"]

JOBS = "/deforum_api/jobs"
VERSION = "/deforum/version"  # there only when the web UI was started with --deforum-simple-api
VERSION_WITHIN = 2.0  # seconds
MOST_BYTES = 64 << 20  # of the list of jobs; each comes with its settings, and a manifest is a megabyte
RUNNING = ("PREPARING", "GENERATING", "POST_PROCESSING")


@dataclass(frozen=True)
class Health:
    """How one server does. `url` is shown without a password; `latency` is in seconds; jobs are None when it does not say.

    `why` is a sentence: why it is down, or what is wrong with its answer though it is up.
    """

    url: str
    up: bool
    latency: float | None = None
    version: str | None = None
    running: int | None = None
    waiting: int | None = None
    why: str | None = None


def ask(urls: Sequence[str], *, seconds: float = 10.0) -> list[Health]:
    """Ask all servers at once, each for `seconds` at most; the answers come in the order of `urls`.

    No proxy is asked: on a cluster, the environment's knows no way to the nodes.
    """
    hush()
    with ThreadPoolExecutor(1) as thread:  # the caller may have an event loop already
        return thread.submit(lambda: asyncio.run(_all(urls, seconds))).result()


async def _all(urls: Sequence[str], seconds: float) -> list[Health]:
    async with httpx2.AsyncClient(timeout=None, follow_redirects=False, trust_env=False) as client:
        return list(await asyncio.gather(*(_one(client, url, seconds) for url in urls)))


async def _one(client: httpx2.AsyncClient, url: str, seconds: float) -> Health:
    shown = url
    try:
        address = httpx2.URL(url.rstrip("/"))
        shown = str(address.copy_with(userinfo=b"", query=None, fragment=None)).rstrip("/")
        if address.scheme not in ("http", "https") or not address.host:
            return Health("…", False, why="This is no address of a server: write it as http://host:port.")
        async with asyncio.timeout(seconds):
            began = time.monotonic()
            code, body = await _read(client, address, JOBS)
            latency = time.monotonic() - began
        version = await _version(client, address) if code == 200 else None
    except TimeoutError:
        return Health(shown, False, why=f"It did not answer within {seconds:g} s.")
    except (httpx2.InvalidURL, ValueError, UnicodeError, OverflowError, ExceptionGroup):  # a port beyond 65535 is the last
        return Health("…", False, why="This is no address of a server: write it as http://host:port.")
    except (httpx2.HTTPError, httpx2.StreamError, OSError) as problem:
        refused = isinstance(problem, httpx2.ConnectError)
        why = "Nothing answers there." if refused else f"The connection broke ({type(problem).__name__})."
        return Health(shown, False, why=why)
    return _judged(shown, latency, version, code, body)


def _judged(shown: str, latency: float, version: str | None, code: int, body: bytes | None) -> Health:
    if code == 404:
        return Health(shown, False, latency, why="It has no Deforum API: start the web UI with --api --deforum-api.")
    if code in (401, 403):
        return Health(shown, False, latency, why="It wants a name and a password: write http://name:password@host:port.")
    if code != 200:
        return Health(shown, False, latency, why=f"It answered with HTTP status {code}.")
    if body is None:
        return Health(
            shown, True, latency, version, why=f"Its list of jobs has more than {MOST_BYTES >> 20} MB: start it afresh."
        )
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return Health(shown, False, latency, why="Its answer is no list of Deforum jobs.")
    jobs = [job for job in told.values() if isinstance(job, dict) and job.get("status") == "ACCEPTED"]
    running = sum(job.get("phase") in RUNNING for job in jobs)
    return Health(shown, True, latency, version, running, len(jobs) - running)


async def _read(client: httpx2.AsyncClient, address: httpx2.URL, path: str) -> tuple[int, bytes | None]:
    """The status and the body, or None for one that is too long."""
    where = address.copy_with(raw_path=address.raw_path.rstrip(b"/") + path.encode())
    async with client.stream("GET", where, headers={"Accept-Encoding": "identity"}) as response:
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MOST_BYTES:
                return response.status_code, None
        return response.status_code, bytes(body)


async def _version(client: httpx2.AsyncClient, address: httpx2.URL) -> str | None:
    try:
        async with asyncio.timeout(VERSION_WITHIN):
            code, body = await _read(client, address, VERSION)
        told: Any = json.loads(body or b"null") if code == 200 else None
    except (TimeoutError, httpx2.HTTPError, httpx2.StreamError, OSError, ValueError, RecursionError):
        return None  # nobody has to tell it
    version = told.get("version") if isinstance(told, dict) else None
    return version[:80] if isinstance(version, str) and version.isprintable() else None


def status_at(port: int, path: str, seconds: float) -> int | None:
    """The HTTP status with which a server on this machine answers GET `path`, or None if it gives none within `seconds`.

    Reads no more than the first line: to see that a server lives costs it, and us, next to nothing.
    """
    deadline = time.monotonic() + seconds
    said = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode("ascii"))
            while b"\n" not in said and len(said) < 1 << 12:
                connection.settimeout(max(0.001, deadline - time.monotonic()))
                if not (piece := connection.recv(1 << 10)):
                    return None
                said += piece
    except OSError:
        return None
    words = said.split(b"\n")[0].split()
    return int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else None
