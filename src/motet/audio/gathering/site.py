"""yt-dlp as it is asked here: it runs no program, reads no file of the user's, and opens no address but of the web."""

from __future__ import annotations

import importlib
import io
import ipaddress
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yt_dlp
from yt_dlp.downloader import get_suitable_downloader
from yt_dlp.downloader.dash import DashSegmentsFD
from yt_dlp.downloader.hls import HlsFD
from yt_dlp.downloader.http import HttpFD
from yt_dlp.downloader.ism import IsmFD
from yt_dlp.networking import Request
from yt_dlp.utils import ExtractorError, PlaylistEntries

from motet.audio.gathering.addresses import is_web
from motet.audio.gathering.judging import Foreign
from motet.audio.gathering.resuming import Part

__all__ = ["Site", "only_known_networks"]

MOST_HOPS = 10  # from an address to the recording
MOST_DEEP = 5  # playlists in playlists
MOST_LISTS = 4  # whose entries are remembered
RUNTIMES = {"deno": "deno", "node": "node", "bun": "bun", "quickjs": "qjs"}  # as yt-dlp calls them, and their programs
_READERS = (HttpFD, HlsFD, DashSegmentsFD, IsmFD)  # of yt-dlp's own, none of which starts a program

Told = dict[str, Any]
Path_ = tuple[int, ...]


class _Log:
    """Where yt-dlp's words go: to no terminal. The warnings of an item are kept for the judge."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        pass

    def info(self, message: str) -> None:
        pass

    def error(self, message: str) -> None:
        pass

    def warning(self, message: str) -> None:
        self.warnings = [*self.warnings[-20:], message[:500]]


class _Web(yt_dlp.YoutubeDL):  # type: ignore[misc]
    """All that yt-dlp asks the network for passes `urlopen`."""

    part: Part | None = None
    answered: Callable[[], None] | None = None
    """called for every answer"""
    met: Exception | None = None
    """what the last request ended in; yt-dlp's reader of files keeps only the words of it"""

    def urlopen(self, req: Any) -> Any:
        request = Request(req) if isinstance(req, str) else req
        address = request.url if hasattr(request, "url") else request.full_url
        if not is_web(address) and not address.startswith("data:"):
            raise Foreign(urlsplit(address).scheme)
        if self.part is not None:
            self.part.before(request)
        self.met = None
        try:
            response = super().urlopen(request)
        except Exception as problem:
            self.met = problem
            raise
        if self.answered is not None:
            self.answered()
        if self.part is not None:
            self.part.after(request, response)
        return response


class Site:
    """A conversation with sites, one recording after another. What goes wrong comes as exceptions for `judge`."""

    def __init__(self, told: Told, watch: Callable[[int, int | None], None], answered: Callable[[], None]) -> None:
        self.log = _Log()
        self._lists: dict[tuple[str, Path_], dict[int, Told]] = {}
        self._most: int = told["most"]
        self._chosen: Told | None = None
        programs = {name: shutil.which(program) for name, program in RUNTIMES.items()}
        # No program can be found from here on but the JavaScript runtimes, which YouTube's pages need: not ffmpeg, nor any other.
        os.environ["PATH"] = os.devnull
        settings: Told = {
            "format": told["formats"],
            "logger": self.log,
            "quiet": True,
            "noprogress": True,
            "cachedir": False,
            "enable_file_urls": False,
            "usenetrc": False,
            "fixup": "never",
            "extract_flat": "in_playlist",
            "playlist_items": f"1:{self._most + 1}",
            "ignoreerrors": False,
            "ratelimit": told["rate_limit"],
            "sleep_interval_requests": told["sleep"],
            "socket_timeout": min(20.0, told["patience"]),
            "retries": 0,  # tried again from outside, with the page's answer fresh
            "extractor_retries": 1,
            "fragment_retries": told["retries"],
            "retry_sleep_functions": {"fragment": lambda n: min(30.0, 0.5 * 2**n)},
            "skip_unavailable_fragments": False,  # a recording with holes is none
            "updatetime": False,
            "hls_prefer_native": True,
            "external_downloader": {"default": "native"},
            "js_runtimes": {name: {"path": path} for name, path in programs.items() if path},
            "progress_hooks": [lambda now: watch(now.get("downloaded_bytes") or 0, now.get("total_bytes"))],
        }
        if told["cookies"] is not None:
            settings["cookiefile"] = io.StringIO(told["cookies"])  # yt-dlp writes what it learnt back, here into memory
        if told["user_agent"] is not None:
            settings["http_headers"] = {"User-Agent": told["user_agent"]}
        self._web = _Web(settings, auto_init=False)
        self._web.answered = answered
        for name in told["sites"]:
            module, _, kind = name.partition(":")
            self._web.add_info_extractor(getattr(importlib.import_module(module), kind)())
        self._web.add_default_info_extractors()

    def look(self, url: str, key: str | None, path: Path_) -> Told:
        """What stands at an address, or at a place in a playlist there: {"list": …} or {"item": …}. Downloads no media."""
        self.log.warnings, self._chosen = [], None
        found = self._entry(url, key, path) if path else self._read(url, key)
        for _ in range(MOST_HOPS):
            if (found.get("_type") or "video") != "url":
                break
            found = self._read(found["url"], found.get("ie_key"))
        if found.get("_type") in (None, "video", "url_transparent"):
            found = self._web.process_ie_result(found, download=False)
        if not isinstance(found, dict):
            raise ExtractorError("no video", expected=True)
        if found.get("_type") in ("playlist", "multi_video"):
            return {"list": self._listed(url, path, found)}
        self._chosen = found
        return {"item": {**_told(found), "loose": self._is_loose(found.get("extractor_key"))}}

    def _is_loose(self, key: object) -> bool:
        """Whether a recording's id is a word of the page that held it: extractors without a site of their own have no other."""
        return key == "Generic" or self._web.get_info_extractor(key)._VALID_URL is False

    def _read(self, url: object, key: str | None) -> Told:
        if not isinstance(url, str) or not is_web(url):
            raise Foreign("no web address")
        found = self._web.extract_info(url, download=False, process=False, ie_key=key)
        if not isinstance(found, dict):
            raise ExtractorError("no video", expected=True)
        return found

    def _entry(self, url: str, key: str | None, path: Path_) -> Told:
        """The entry of a playlist that is told whole in it, and has no address of its own."""
        if (url, path[:-1]) not in self._lists:
            self.look(url, key, path[:-1])
        entry = self._lists.get((url, path[:-1]), {}).get(path[-1])
        if entry is None:
            raise ExtractorError("it is no longer available in the playlist", expected=True)
        return dict(entry)

    def _listed(self, url: str, path: Path_, found: Told) -> Told:
        if len(path) >= MOST_DEEP:
            raise ExtractorError("no video: playlists in playlists without an end", expected=True)
        entries: dict[int, Told] = {}
        listed: list[Told] = []
        for index, entry in PlaylistEntries(self._web, found).get_requested_items():
            if not isinstance(entry, dict):
                continue
            address = entry.get("url")
            if entry.get("_type") == "url" and isinstance(address, str):
                listed.append({"url": address, "key": entry.get("ie_key"), "id": entry.get("id"), "path": []})
                continue
            for name in ("extractor", "extractor_key", "webpage_url"):
                entry.setdefault(name, found.get(name))
            entries[index] = entry
            own = address if entry.get("_type") == "url_transparent" and isinstance(address, str) else None
            listed.append({"url": url, "key": None, "id": None, "path": [*path, index], "own": own})
        self._lists[url, path] = entries
        while len(self._lists) > MOST_LISTS:
            del self._lists[next(iter(self._lists))]
        return {"entries": listed[: self._most], "more": len(listed) > self._most}

    def fetch(self, folder: Path) -> Told:
        """The recording looked at last, into the folder: {"file": name}."""
        chosen = self._chosen
        if chosen is None:
            raise ExtractorError("nothing was looked at", expected=True)
        reader = get_suitable_downloader(chosen, self._web.params)
        if reader is None or not issubclass(reader, _READERS):
            raise ExtractorError("it needs ffmpeg or another program", expected=True)
        media = folder / "media"
        media.unlink(missing_ok=True)
        self._web.met = None
        self._web.part = Part(folder, str(chosen["url"]), whole=issubclass(reader, HttpFD))
        try:
            done, _ = self._web.dl(str(media), chosen)
        except Exception as problem:
            raise problem from self._web.met or problem.__cause__
        finally:
            self._web.part = None
        if not done or not media.is_file():
            raise ExtractorError("did not get any data", expected=True)
        return {"file": media.name}


def _told(found: Told) -> Told:
    """What is worth telling of a recording; all of it a stranger's words."""
    names = (
        "id title artist artists track album uploader uploader_url channel channel_url license upload_date webpage_url"
        " extractor extractor_key format_id ext acodec abr tbr duration filesize live_status is_live has_drm url"
    ).split()
    told = {name: found.get(name) for name in names}
    told["streams"] = len(found.get("requested_formats") or [None]) * len(found.get("requested_downloads") or [None])
    return told


def only_known_networks(asked: list[str]) -> None:
    """From here on no address of a private network can be reached but those that the user's own addresses lead to.

    A playlist of a stranger must not open the router's page, or the metadata of a cloud. Proxies of the environment are
    the user's own, too; what they open for others is theirs to know.
    """
    proxies = [value for name, value in os.environ.items() if name.lower().endswith("_proxy") and name.lower() != "no_proxy"]
    real = socket.getaddrinfo
    allowed: set[str] = set()
    known: set[str] = set()

    def allow(host: str) -> None:
        try:
            found = real(host, None)
        except (OSError, UnicodeError):
            return  # it leads nowhere, now or later
        allowed.update(str(each[4][0]) for each in found)

    for each in [*asked, *proxies]:
        try:
            host = urlsplit(each if "//" in each else f"//{each}").hostname
        except ValueError:
            continue
        if host:
            known.add(host)

    def guarded(host: Any, *rest: Any, **named: Any) -> Any:
        name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
        if name in known:
            known.discard(name)
            allow(name)
        found = real(host, *rest, **named)
        kept = [each for each in found if each[4][0] in allowed or _public(each[4][0])]
        if found and not kept:
            raise Foreign("a private network")
        return kept

    socket.getaddrinfo = guarded


def _public(address: object) -> bool:
    try:
        return ipaddress.ip_address(str(address).partition("%")[0]).is_global
    except ValueError:
        return False
