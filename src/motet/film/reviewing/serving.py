"""The page on this machine's own address: nobody else can reach it, and no other page can speak to it.

The server listens on 127.0.0.1 only. Its address holds a token that nobody can guess, requests must name this machine as their
host (against DNS rebinding), and what a page of another origin sends is refused. No name that came in is ever read from disk.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from importlib import resources
from types import TracebackType
from typing import Any, Self, cast

from motet.errors import UserError
from motet.film.reviewing.items import Item
from motet.film.reviewing.playing import KINDS, Kind, Media, Shelf, Unplayable, part
from motet.film.reviewing.requests import Answer, Asked, Handler, Refused
from motet.labels import LONGEST_NOTE, Label, Labels, Verdict, stamped, written

__all__ = ["Kind", "Media", "Review", "serve"]

HOST = "127.0.0.1"
ROOM = 256 << 20  # bytes of sound and pictures that are kept
MOST_CONNECTIONS = 64
LONGEST_BODY = 16 << 10  # bytes
VERDICTS = ("yes", "no", "unsure")  # on a match; a file of labels may hold others
PAGE = {"": ("page.html", "text/html"), "page.css": ("page.css", "text/css"), "page.js": ("page.js", "text/javascript")}
PAGE["step.js"] = ("step.js", "text/javascript")
_MEDIA = re.compile(r"media/(\d{1,7})/(" + "|".join(KINDS) + ")", re.ASCII)


class Review:
    """A running page. `url` is the address to open; it is a secret of this user's, like a password."""

    def __init__(self, server: _Server, token: str) -> None:
        self._server = server
        self._closed = threading.Event()
        self.port: int = server.server_address[1]
        self.url = f"http://{HOST}:{self.port}/{token}/"
        self._thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="review", daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Until it is closed, or for so many seconds; says whether it is closed. Raises what went wrong in a thread meanwhile."""
        closed = self._closed.wait(seconds)
        if self._server.failure is not None:
            raise self._server.failure
        return closed

    def close(self) -> None:
        """Answer nothing more. A label that is being written is written."""
        if self._closed.is_set():
            return
        self._server.shutdown()
        self._server.end()
        self._thread.join()
        self._closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def serve(
    items: Sequence[Item],
    labels: Labels,
    *,
    media: Media,
    port: int = 0,
    by: str = "",
    room: int = ROOM,
    request_within: float = 15.0,
) -> Review:
    """Show `items` on a page at 127.0.0.1 and write what is judged there to `labels`, as `by`'s, until closed.

    `media(item, kind)` gives a whole file and its type ("video/mp4", "audio/flac", …) when a person wants to hear or see it:

    - "film": the film from `item.film_clip[0]` to `item.film_clip[1]`, with its own sound;
    - "recording": the recording from `item.recording_start` to `item.recording_end`;
    - "midi": the MIDI's sound, whose second 0 is `item.film_start` of the film.

    It is called from several threads, two at once at most, and again only for what no longer was within the `room` bytes that are
    kept. What it raises is told on the page. `port` 0 takes any that is free. A request must be whole within `request_within`
    seconds. Raises UserError where the port cannot be had.
    """
    if not 0 <= port <= 65535:
        raise UserError(f"A port is between 0 and 65535, not {port}: name another.")
    token = secrets.token_urlsafe(24)
    try:
        server = _Server(port, _Desk(items, labels, Shelf(media, room), token, by), request_within)
    except OSError as error:
        raise UserError(f"Port {port} of {HOST} cannot be had ({error.strerror}): name another, or 0 for any.") from None
    return Review(server, token)


class _Desk:
    """What may be asked for, and its answers."""

    def __init__(self, items: Sequence[Item], labels: Labels, shelf: Shelf, token: str, by: str) -> None:
        self.items, self.labels, self.shelf, self.by = tuple(items), labels, shelf, by
        self.prefix = f"/{token}/"
        self.by_stamp = {item.stamp: item for item in reversed(self.items)}
        self.assets = {
            name: (resources.files(__package__).joinpath(file).read_bytes(), told) for name, (file, told) in PAGE.items()
        }

    def answer(self, asked: Asked) -> Answer:
        """Raises Refused."""
        given = asked.path[: len(self.prefix)]
        if not hmac.compare_digest(given.encode("latin-1", "replace"), self.prefix.encode()):
            raise Refused(HTTPStatus.NOT_FOUND, "not_found", "There is nothing here.")
        name = asked.path[len(self.prefix) :]
        try:
            if asked.method == "POST":
                return self._posted(name, asked.body)
            return self._got(name, asked.range)
        except UserError as error:  # the labels cannot be read or written
            raise Refused(HTTPStatus.INTERNAL_SERVER_ERROR, "labels", str(error)) from error

    def _got(self, name: str, range_: str | None) -> Answer:
        if name in self.assets:
            data, told = self.assets[name]
            return Answer(HTTPStatus.OK, data, f"{told}; charset=utf-8")
        if name == "items":
            return _json({"items": [item.shown() for item in self.items], **self._state()})
        if name == "labels":
            return _json(self._state())
        if read := _MEDIA.fullmatch(name):
            number, kind = int(read[1]), next(kind for kind in KINDS if kind == read[2])
            if number < len(self.items):
                return self._media(number, kind, range_)
        raise Refused(HTTPStatus.NOT_FOUND, "not_found", "There is nothing here.")

    def _media(self, number: int, kind: Kind, range_: str | None) -> Answer:
        try:
            data, told = self.shelf.get(number, self.items[number], kind)
        except Unplayable as error:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, error.reason, error.detail) from error
        asked = part(range_, len(data))
        if asked is None:
            raise Refused(
                HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE,
                "range",
                f"There are {len(data):,} bytes.",
                {"Content-Range": f"bytes */{len(data)}"},
            )
        more = {"Accept-Ranges": "bytes"}
        if asked.partial:
            more["Content-Range"] = f"bytes {asked.first}-{asked.last}/{len(data)}"
        status = HTTPStatus.PARTIAL_CONTENT if asked.partial else HTTPStatus.OK
        return Answer(status, memoryview(data)[asked.first : asked.last + 1], told, more)

    def _state(self) -> dict[str, object]:
        verdicts = self.labels.verdicts()
        told = [written(line) for line in self.labels.told]
        return {"labels": {stamp: asdict(verdicts[stamp]) for stamp in self.by_stamp if stamp in verdicts}, "told": told}

    def _posted(self, name: str, body: bytes) -> Answer:
        if name not in ("labels", "undo"):
            raise Refused(HTTPStatus.NOT_FOUND, "not_found", "There is nothing here.")
        try:
            read = json.loads(body)
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict) or not stamped(read.get("stamp")):
            raise Refused(HTTPStatus.BAD_REQUEST, "bad_request", "That is no label.")
        if not (item := self.by_stamp.get(read["stamp"])):
            raise Refused(HTTPStatus.NOT_FOUND, "not_found", "No match here has this stamp.")
        made: Label | None
        if name == "undo":
            at = read.get("at")
            made = next((label for label in self.labels.all() if label.stamp == item.stamp and label.at == at), None)
            if made is None or not self.labels.withdraw(made, by=self.by):
                raise Refused(HTTPStatus.CONFLICT, "gone", "This label does not stand any more.")
            made = self.labels.verdict(item.stamp)
        else:
            verdict, note = read.get("verdict"), read.get("note", "")
            if not isinstance(verdict, str) or verdict not in VERDICTS or not isinstance(note, str) or len(note) > LONGEST_NOTE:
                raise Refused(HTTPStatus.BAD_REQUEST, "bad_request", "That is no label.")
            made = self.labels.add(item.stamp, cast("Verdict", verdict), note=note, by=self.by, about=item.sentence)
        return _json({"stamp": item.stamp, "label": None if made is None else asdict(made)})


def _json(value: object) -> Answer:
    return Answer(HTTPStatus.OK, json.dumps(value, separators=(",", ":"), allow_nan=False).encode(), "application/json")


class _Server(ThreadingHTTPServer):
    """As many threads as connections, of which there may be so many; all end with the server."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, port: int, desk: _Desk, request_within: float) -> None:
        self.answer: Callable[[Asked], Answer] = desk.answer
        self.request_within = request_within
        self.longest_body = LONGEST_BODY
        self._open: set[socket.socket] = set()
        self._turn = threading.Lock()
        self.failure: BaseException | None = None
        super().__init__((HOST, port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._turn:
            if free := len(self._open) < MOST_CONNECTIONS:
                self._open.add(request)
        if free:
            super().process_request(request, client_address)
        else:
            super().shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        with self._turn:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is its client's affair; all else is raised where somebody waits."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            self.failure = error

    def end(self) -> None:
        """Close the door, and every connection."""
        self.server_close()
        with self._turn:
            for one in self._open:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:  # gone already
                    continue
