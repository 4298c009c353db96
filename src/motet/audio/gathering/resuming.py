"""Part of a file, gone on with only where its server vouches that the rest belongs to it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import psutil

from motet.audio.gathering.addresses import identity

__all__ = ["Part"]

_LARGEST = 16 << 10  # bytes of what is remembered


class Part:
    """What has come of a file so far, in a folder of its own: `media.part`, and the server's mark of it in `mark.json`.

    yt-dlp asks for the rest of a file with Range alone, and would join two versions; here If-Range is added (RFC 9110, 13.1.5).
    """

    def __init__(self, folder: Path, url: str, *, whole: bool) -> None:
        self._url, self._mark_file = url, folder / "mark.json"
        part = folder / "media.part"
        self._mark = self._remembered() if whole else None
        written = part.stat().st_mtime if part.is_file() else 0.0
        # What was written before the machine started may never have reached the disk.
        if self._mark is None or written < psutil.boot_time():
            shutil.rmtree(folder)
            folder.mkdir()
            self._mark = None

    def _remembered(self) -> str | None:
        told: Any = None
        try:
            with self._mark_file.open("rb") as opened:
                told = json.loads(opened.read(_LARGEST))
        except (OSError, ValueError, RecursionError):
            return None  # then it is fetched from its beginning
        if not isinstance(told, dict) or told.get("media") != identity(self._url):
            return None
        mark = told.get("mark")
        return mark if isinstance(mark, str) and mark else None

    def before(self, request: Any) -> None:
        """Adds the mark to a request for the rest."""
        if request.url == self._url and self._mark and request.headers.get("Range"):
            request.headers["If-Range"] = self._mark

    def after(self, request: Any, response: Any) -> None:
        """Remembers the mark of an answer: a strong ETag, else the time of the last change."""
        if request.url != self._url or response.status not in (200, 206):
            return
        etag = response.headers.get("ETag") or ""
        mark = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified") or ""
        if mark != self._mark or not self._mark_file.exists():
            self._mark = mark[:1000]
            written = self._mark_file.with_suffix(".new")
            written.write_text(json.dumps({"media": identity(self._url), "mark": self._mark}), encoding="utf-8")
            written.replace(self._mark_file)
