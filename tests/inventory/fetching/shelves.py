"""A server on this machine that hands out files as real ones do, and misbehaves as told."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from motet.inventory.known import Dataset, Download


@dataclass
class Shelf:
    """One address. `answers` are given first, one each time: a status, or a status with Retry-After."""

    body: bytes = b""
    type: str = "application/octet-stream"
    etag: str = '"one"'
    ranges: bool = True
    answers: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    to: str = ""  # a redirect
    cut: list[int] = field(default_factory=list)  # after so many bytes the connection closes, one each time
    length: int | None = None  # announced, else the true one
    sized: bool = True  # is a length announced?
    drip: float = 0.0  # seconds between pieces of `step` bytes
    step: int = 1
    links: str = ""
    key: str = ""  # the Authorization it wants


@dataclass(frozen=True)
class Asked:
    path: str
    query: str
    headers: Mapping[str, str]


class Shelves(dict[str, Shelf]):
    def __init__(self, name: str = "127.0.0.1") -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.sent = 0
        self.lock = Lock()
        shelves = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                with shelves.lock:
                    shelves.asked.append(Asked(path, query, dict(self.headers.items())))
                    shelf = shelves.get(self.path) or shelves.get(path)
                    special = shelf.answers.pop(0) if shelf and shelf.answers else None
                    cut = shelf.cut.pop(0) if shelf and shelf.cut and special is None else None
                if shelf is None:
                    self._say(404, {}, b"not here")
                    return
                if special:
                    self._say(special[0], special[1], b"no")
                    return
                if shelf.key and self.headers.get("Authorization") != shelf.key:
                    self._say(401, {}, b"who?")
                    return
                if shelf.to:
                    self._say(302, {"Location": shelf.to}, b"")
                    return
                self._file(shelf, cut)

            def _file(self, shelf: Shelf, cut: int | None) -> None:
                heads, first, status = {"Content-Type": shelf.type}, 0, 200
                if shelf.etag:
                    heads["ETag"] = shelf.etag
                if shelf.links:
                    heads["Link"] = shelf.links
                wanted = re.fullmatch(r"bytes=([0-9]+)-", self.headers.get("Range", ""))
                if wanted and shelf.ranges and self.headers.get("If-Range", shelf.etag) == shelf.etag:
                    first = int(wanted[1])
                    if first >= len(shelf.body):
                        self._say(416, {}, b"")
                        return
                    status = 206
                    heads["Content-Range"] = f"bytes {first}-{len(shelf.body) - 1}/{len(shelf.body)}"
                body = shelf.body[first:]
                if shelf.sized:
                    heads["Content-Length"] = str(shelf.length if shelf.length is not None else len(body))
                else:
                    self.close_connection = True
                if cut is not None:
                    body, self.close_connection = body[:cut], True
                self.send_response(status)
                for name, value in heads.items():
                    self.send_header(name, value)
                self.end_headers()
                step = shelf.step if shelf.drip else 1 << 20
                for at in range(0, len(body), step):
                    self.wfile.write(body[at : at + step])
                    with shelves.lock:
                        shelves.sent += len(body[at : at + step])
                    time.sleep(shelf.drip)
                if cut is not None or (shelf.length or 0) > len(body):
                    self.close_connection = True

            def _say(self, status: int, heads: Mapping[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**heads, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # callers leave, and are killed, on purpose

        self.server = Server(("127.0.0.1", 0), Handler)
        self.host = f"{name}:{self.server.server_port}"
        self.url = f"http://{self.host}"

    def put(self, path: str, body: bytes = b"", **how: Any) -> Shelf:
        self[path] = Shelf(body, **how)
        return self[path]


@contextmanager
def serving(name: str = "127.0.0.1") -> Iterator[Shelves]:
    shelves = Shelves(name)
    thread = Thread(target=shelves.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield shelves
    finally:
        shelves.server.shutdown()
        shelves.server.server_close()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def tarred(members: Mapping[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def linked(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def drums(downloads: list[dict[str, Any]], **more: Any) -> Dataset:
    """A small dataset: 3 takes, their sound, and a table."""
    return Dataset.model_validate(
        {
            "name": "drums",
            "title": "Drums",
            "about": "three takes",
            "modalities": ["midi"],
            "tasks": ["groove"],
            "licence": {"name": "CC0-1.0", "source": "us"},
            "citation": "us",
            "home": "https://drums.example/",
            "sources": {"us": "counted by us"},
            "folders": ["drums"],
            "fields": {"drummer": "[1-9]", "take": "[0-9]+"},
            "parts": [
                {"name": "midi", "files": "drummer{drummer}/{take}.mid", "kind": "midi", "count": 3, "count_source": "us"},
                {"name": "audio", "files": "drummer{drummer}/{take}.wav", "kind": "audio", "required": False},
                {"name": "table", "files": "info.csv", "kind": "table", "telling": False},
            ],
            "downloads": downloads,
            **more,
        }
    )


TAKES = {
    "drummer1/1.mid": b"MThd one",
    "drummer1/2.mid": b"MThd two",
    "drummer2/1.mid": b"MThd three",
    "info.csv": b"take\n1\n2\n1\n",
}
SOUND = {f"drummer{d}/{t}.wav": b"RIFF" + bytes([d, t]) * 40 for d, t in [(1, 1), (1, 2), (2, 1)]}


def below(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"{folder}/{name}": content for name, content in files.items()}


def download(url: str, body: bytes | None = None, **more: Any) -> dict[str, Any]:
    """A zip with takes and table, its size and checksum published where its bytes are given."""
    published = {} if body is None else {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), "source": "us"}
    return {"name": "midi", "kind": "http", "url": url, "unpack": "zip", "gives": ["midi", "table"], **published, **more}


__all__ = [
    "SOUND",
    "TAKES",
    "Asked",
    "Download",
    "Shelf",
    "Shelves",
    "below",
    "download",
    "drums",
    "linked",
    "serving",
    "tarred",
    "zipped",
]
