"""The explorer over HTTP: a page, what it asks, and the media it plays. Nothing that came in is ever a path on the disk."""

from __future__ import annotations

import asyncio
import ctypes
import gzip
import hashlib
import logging
import os
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from email.utils import formatdate
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self
from urllib.parse import quote

import anyio
import uvicorn
from anyio import to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from motet.dataset.folder import Dataset
from motet.errors import UserError
from motet.explorer.cuts import Cut, NotThere
from motet.explorer.guarding import LONGEST_HEAD, Guard, Key, Timely, hosts_of, loopback
from motet.explorer.shown import Shown, json_of
from motet.film.reviewing.playing import part
from motet.labels import LONGEST_NOTE
from motet.scratch import Scratch

__all__ = ["Explorer", "application", "serve"]

AT_ONCE = 2  # examples that are told, and cuts that are made: each takes some memory
THREADS = 8  # that answer at one time; each keeps memory of its own
ROOM = 512 << 20  # bytes of cuts that are kept on the disk
PIECE = 256 << 10  # bytes that are sent at a time
PAGE = 200  # rows at most that are given at once
SMALL = 2048  # bytes below which compressing is not worth it
MOST_CONNECTIONS = 512
_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # of mallopt(3)
SITE = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_PLAYS = re.compile(r"(audio|video)/[a-z0-9.+-]{1,40}", re.ASCII)  # any other type is handed out as bytes only


class Judgement(BaseModel):
    """What the page sends: a verdict on one row, "" to take back what was said."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(min_length=1, max_length=8000)
    verdict: Literal["good", "bad", ""]
    note: str = Field(default="", max_length=LONGEST_NOTE)


def site(name: str) -> bytes | None:
    """A file of the page; None where there is none of this name."""
    folder = resources.files("motet.explorer") / "site"
    if not any(file.name == name and file.is_file() for file in folder.iterdir()):
        return None
    return (folder / name).read_bytes()


def application(shown: Shown) -> FastAPI:
    """What answers, without the guard before it: see `serve`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        yield

    # The interactive documentation would load scripts from elsewhere.
    app = FastAPI(title="motet", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=lifespan)
    cutting, telling = anyio.Semaphore(AT_ONCE), anyio.Semaphore(AT_ONCE)
    both = ["GET", "HEAD"]

    @app.exception_handler(UserError)
    def refused(_: Request, error: UserError) -> Response:
        status = 404 if isinstance(error, NotThere) else 400 if error.exit_code == 2 else 503
        return _error(status, str(error))

    @app.exception_handler(RequestValidationError)
    def unfit(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"][1:]) or "the request"
        return _error(400, f"{where}: {first['msg']}.")

    @app.exception_handler(HTTPException)
    def nothing(_: Request, error: HTTPException) -> Response:
        return _error(error.status_code, "There is nothing here." if error.status_code == 404 else f"{error.detail}.")

    @app.exception_handler(Exception)
    def failed(_: Request, error: Exception) -> Response:  # the guard writes it to the terminal
        return _error(500, f"This could not be answered: {type(error).__name__}: {error}"[:500])

    def found(request: Request, name: str) -> Response:
        data = site(name)
        if data is None:
            raise NotThere(f"The page has no file {name[:100]!r}.")
        return _whole(request, data, SITE.get(Path(name).suffix, "application/octet-stream"))

    @app.api_route("/", methods=both)
    def index(request: Request) -> Response:
        return found(request, "index.html")

    @app.api_route("/site/{name}", methods=both)
    def asset(request: Request, name: str) -> Response:
        return found(request, name)

    @app.api_route("/api/about", methods=both)
    def about(request: Request) -> Response:
        return _json(request, shown.about())

    @app.api_route("/api/find", methods=both)
    def find(request: Request) -> Response:
        return _json(request, shown.find(request.query_params.multi_items()))

    @app.api_route("/api/rows", methods=both)
    def rows(request: Request) -> Response:
        pairs = request.query_params.multi_items()
        asked = {name: _whole_number(name, value) for name, value in pairs if name in ("offset", "limit")}
        state = [(name, value) for name, value in pairs if name not in asked]
        if asked.get("limit", 0) > PAGE:
            raise UserError(f"At most {PAGE} rows are given at once: ask for the next ones by offset.")
        return _json(request, shown.rows(state, asked.get("offset", 0), asked.get("limit", 100)))

    @app.api_route("/api/one/{id:path}", methods=both)
    async def one(request: Request, id: str) -> Response:
        async with telling:
            return await to_thread.run_sync(lambda: _json(request, shown.one(id)))

    @app.api_route("/api/overview", methods=both)
    def overview(request: Request) -> Response:
        return _json(request, shown.overview())

    @app.api_route("/api/compare", methods=both)
    def compare(request: Request) -> Response:
        name = dict(request.query_params.multi_items()).get("with")
        if name is None:
            raise UserError("Compare with what? Say ?with= and one of the names in api/about.")
        return _json(request, shown.compare(name))

    @app.post("/api/judge")
    def judge(request: Request, judgement: Judgement) -> Response:
        return _json(request, shown.judge(judgement.id, judgement.verdict, judgement.note))

    @app.api_route("/media/{id:path}/{what}", methods=both)
    async def media(request: Request, id: str, what: str) -> Response:
        async with cutting:
            if await request.is_disconnected():  # the player went on to another while this one waited
                return Response(status_code=499)
            cut, file = await to_thread.run_sync(shown.opened, id, what)
        return _played(request, cut, file, download="download" in request.query_params)

    return app


def _whole_number(name: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII):
        raise UserError(f"{name} is a whole number of at least 0, not {text[:40]!r}.")
    return int(text)


# --- answers -----------------------------------------------------------------------------------------------------------


def _error(status: int, sentence: str) -> Response:
    return Response(json_of({"error": sentence}).encode(), status, {"Cache-Control": "no-store"}, "application/json")


def _json(request: Request, told: Any) -> Response:
    return _whole(request, json_of(told).encode(), "application/json")


def _whole(request: Request, data: bytes, mime: str) -> Response:
    """Bytes that a browser may keep as long as it asks whether they are still the same."""
    tag = f'"{hashlib.blake2b(data, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if _held(request, tag):
        return Response(status_code=304, headers=headers)
    if len(data) > SMALL and re.search(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", request.headers.get("accept-encoding", "")):
        data = gzip.compress(data, 1, mtime=0)
        headers |= {"Content-Encoding": "gzip", "ETag": f"W/{tag}"}
    return Response(data, 200, headers, mime)


def _held(request: Request, tag: str) -> bool:
    asked = request.headers.get("if-none-match", "")
    return asked.strip() == "*" or tag in (one.strip().removeprefix("W/") for one in asked.split(","))


def _played(request: Request, cut: Cut, file: IO[bytes], *, download: bool) -> Response:
    """A file, or the piece of it that a player asks for (RFC 9110, section 14; several pieces at once are none)."""
    state = os.fstat(file.fileno())
    size = state.st_size
    told = f"{state.st_dev}-{state.st_ino}-{state.st_mtime_ns}-{size}"
    tag = f'"{hashlib.blake2b(told.encode(), digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Accept-Ranges": "bytes"}
    headers["Last-Modified"] = formatdate(state.st_mtime, usegmt=True)
    if download:
        headers["Content-Disposition"] = _named(cut.filename)
    if _held(request, tag):
        file.close()
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range")
    if request.headers.get("if-range", tag) not in (tag, headers["Last-Modified"]):
        asked = None
    piece = part(asked, size) if size else None
    if size and piece is None:
        file.close()
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    first, last = (piece.first, piece.last) if piece else (0, -1)
    headers["Content-Length"] = str(last + 1 - first)
    partial = piece is not None and piece.partial
    if partial:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    mime = cut.mime if _PLAYS.fullmatch(cut.mime) else "application/octet-stream"
    if request.method == "HEAD":
        file.close()
        return Response(status_code=206 if partial else 200, headers=headers, media_type=mime)
    return StreamingResponse(_pieces(file, first, last), 206 if partial else 200, headers, mime)


async def _pieces(file: IO[bytes], first: int, last: int) -> AsyncIterator[bytes]:
    with file:
        file.seek(first)
        left = last + 1 - first
        while left and (data := await to_thread.run_sync(file.read, min(PIECE, left))):
            left -= len(data)
            yield data


def _named(filename: str) -> str:
    """A Content-Disposition that saves under this name: RFC 6266, with letters of any script."""
    plain = re.sub(r"[^ !#-\[\]-~]|[\\/:*?<>|%]", "_", filename)[:120] or "example"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='', errors='replace')}"


# --- the server --------------------------------------------------------------------------------------------------------


class Explorer:
    """A running page. `url` is the address to open; where others can reach it (`open`) it holds a token, a secret like a
    password."""

    def __init__(
        self,
        server: uvicorn.Server,
        sockets: list[socket.socket],
        shown: Shown,
        scratch: Scratch,
        url: str,
        *,
        open: bool,
    ) -> None:
        self._server, self._shown, self._scratch = server, shown, scratch
        self._closed = threading.Event()
        self.url, self.open = url, open
        self.port: int = sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(sockets,), name="explorer", daemon=True)
        self._thread.start()

    def _run(self, sockets: list[socket.socket]) -> None:
        try:
            self._server.run(sockets=sockets)
        finally:
            self._closed.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Until it is closed, or for so many seconds; says whether it is closed."""
        return self._closed.wait(seconds)

    def close(self) -> None:
        """Answer nothing more. A judgement that is being written is written."""
        self._server.should_exit = True
        self._thread.join()
        self._shown.close()
        self._scratch.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def serve(dataset: Dataset, *, beside: Sequence[Dataset] = (), host: str = "127.0.0.1", port: int = 0, by: str = "") -> Explorer:
    """Show a dataset on a page until closed; `beside` are datasets to compare it with, `by` is who judges.

    Bound elsewhere than to this machine alone, the address holds a token that nobody can guess. `port` 0 takes any that is free.
    Raises UserError where the address cannot be had.
    """
    if not 0 <= port <= 65535:
        raise UserError(f"A port is between 0 and 65535, not {port}: name another.")
    _frugal()
    bound = _bound(host, port)
    port = bound.getsockname()[1]
    alone = loopback(host)
    key = None if alone else Key(port)
    scratch = Scratch("motet-explore-")
    shown = Shown(dataset, scratch=scratch.path, room=ROOM, beside=beside, by=by)
    hosts = hosts_of(host)
    guard = Guard(application(shown), hosts, key=key, open_to_all=host in ("0.0.0.0", "::"))
    logging.getLogger("uvicorn.error").addFilter(_unheard)
    config = uvicorn.Config(
        guard,
        http=Timely,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_graceful_shutdown=2,
    )
    name = _reached(host)
    name = f"[{name}]" if ":" in name else name
    url = f"http://{name}:{port}/" + (f"?token={key.token}" if key else "")
    return Explorer(uvicorn.Server(config), [bound], shown, scratch, url, open=not alone)


def _frugal() -> None:
    """glibc gives each thread a heap of its own, and what a large answer needed stays there: two for all are enough, and
    what is large goes back at once."""
    tell = getattr(ctypes.CDLL(None), "mallopt", None)
    if tell is not None and sys.platform == "linux":
        tell(_ARENA_MAX, 2)
        tell(_MMAP_THRESHOLD, 256 << 10)


def _unheard(record: logging.LogRecord) -> bool:
    """Of what uvicorn says, a terminal gets errors only: not that a client sent nonsense, or was still asking at the end."""
    ended = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    return record.levelno >= logging.ERROR and not ended and "graceful shutdown" not in record.getMessage()


def _reached(host: str) -> str:
    """How others reach a page that is open at all addresses: by the one that leads out of this machine."""
    if host not in ("0.0.0.0", "::"):
        return host
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.connect(("192.0.2.1", 9))  # of documentation (RFC 5737); nothing is sent
            return str(asked.getsockname()[0])
    except OSError:
        return socket.gethostname()


def _bound(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = found[0]
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((str(address[0]), port), family=family, backlog=128, dualstack_ipv6=both)
    except OSError as error:
        what = f"Port {port} of {host}" if port else f"The address {host}"
        raise UserError(f"{what} cannot be had ({error.strerror or error}): name another by --host and --port.") from None
    except UnicodeError:
        raise UserError(f"{host!r} is no name of a machine: leave --host out for this one.") from None
