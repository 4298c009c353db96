"""A site of songs and playlists on this machine, and the extractor that yt-dlp knows it by."""

from __future__ import annotations

import io
import json
import os
import time
from typing import Any
from urllib.parse import urljoin

import numpy as np
import soundfile as sf
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError

from inventory.hostile_server import HostileServer, Page

SITE = "audio.a_site:ASiteIE"


class ASiteIE(InfoExtractor):  # type: ignore[misc]
    """A song's page is JSON in yt-dlp's own words; `trouble` is what goes wrong while it is read."""

    _VALID_URL = r"https?://(?:[^@/]*@)?127\.0\.0\.\d+:\d+/(?:song|list)/(?P<id>\w+)"
    IE_NAME = "a-site"

    def _real_extract(self, url: str) -> dict[str, Any]:
        told: dict[str, Any] = self._download_json(url, self._match_id(url))
        trouble = told.pop("trouble", None)
        if trouble == "crash":
            os.abort()
        if trouble == "hang":
            time.sleep(60)
        if trouble == "abroad":
            self.raise_geo_restricted()
        if trouble == "no runtime":
            self.report_warning("No supported JavaScript runtime could be found. Some formats may be missing")
        if trouble is not None:
            raise ExtractorError(trouble, expected=True)
        if "entries" in told:
            listed: dict[str, Any] = self.playlist_result(
                [self.url_result(urljoin(url, entry), "ASite") for entry in told["entries"]], "list"
            )
            return listed
        for form in told["formats"]:
            form["url"] = urljoin(url, form["url"])
        return told


def tone(seconds: float = 1.0, hz: float = 440.0) -> bytes:
    """A FLAC file whose bytes cannot be packed much: a tone in noise."""
    rng = np.random.default_rng(round(hz))
    times = np.arange(round(seconds * 44100)) / 44100
    written = io.BytesIO()
    sf.write(written, 0.3 * np.sin(2 * np.pi * hz * times) + rng.normal(0, 0.1, len(times)), 44100, format="FLAC")
    return written.getvalue()


class Site:
    """Songs put on the server, and what was asked of it."""

    def __init__(self, server: HostileServer) -> None:
        self.server = server

    def song(self, id: str, *, media: Page | None = None, query: str = "", **told: Any) -> str:
        """The address of a song's page; its file is a tone unless `media` says otherwise."""
        self.server.pages[f"/media/{id}.flac"] = media or Page(tone(hz=200 + 7 * sum(map(ord, id))), type="audio/flac")
        form = {"format_id": "lossless", "url": f"/media/{id}.flac{query}", "ext": "flac", "acodec": "flac", "vcodec": "none"}
        self.page(f"/song/{id}", {"id": id, "title": f"Song {id}", "formats": [form], **told})
        return f"{self.server.address}/song/{id}"

    def playlist(self, id: str, *entries: str) -> str:
        self.page(f"/list/{id}", {"entries": entries})
        return f"{self.server.address}/list/{id}"

    def page(self, path: str, told: object) -> None:
        self.server.pages[path] = Page(json.dumps(told).encode(), type="application/json")

    def media_asked(self, id: str) -> list[str]:
        """The Range of every request for a song's file."""
        return [asked.range for asked in self.server.asked if asked.path.partition("?")[0] == f"/media/{id}.flac"]
