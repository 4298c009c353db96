"""Recordings from URLs and playlists into a folder: each once, whole, with a sheet beside it, or a reason why not."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from motet.audio.gathering.addresses import host, hushed, identity, is_web
from motet.audio.gathering.archive import WORK, Archive, Kept, held
from motet.audio.gathering.asking import Options
from motet.audio.gathering.conversation import Conversation, Lost
from motet.audio.gathering.licences import allows, normalised
from motet.audio.gathering.refusals import Refused, refused
from motet.audio.gathering.sheet import Sheet, line, number, write_sheet
from motet.errors import UserError

__all__ = ["Fetched", "Progress", "Refused", "gather"]

RESERVE = 64 << 20  # bytes left free: a disk filled to the last byte stops every program on it
ENOUGH = 1 << 20  # bytes that a try must bring to be none of those in vain
MOST_DEEP = 4  # playlists in playlists
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AGAIN = frozenset({"network", "rate_limited"})
_ONCE_MORE = frozenset({"crashed", "hung"})
_SUFFIX = {"mov": "m4a", "matroska": "mka", "mpegts": "ts", "asf": "wma"}  # of containers that are called otherwise
_SUFFIXES = frozenset("aac aif aiff flac m4a mka mkv mov mp3 mp4 mpeg oga ogg opus ts wav wave weba webm wma".split())


@dataclass(frozen=True)
class Fetched:
    """A recording in the folder, with its sheet beside it. `already`: it was there before, and was not fetched again."""

    path: Path
    sheet: Sheet
    already: bool = False


@dataclass(frozen=True)
class Progress:
    """So many bytes of a recording are here, of `total` where its server tells."""

    url: str
    here: int
    total: int | None


@dataclass(frozen=True)
class _Place:
    """An address, or a place in the playlist there; `own` names what is at the place, where its own address is known."""

    asked: str
    url: str
    key: str | None = None
    path: tuple[int, ...] = ()
    own: str | None = None
    depth: int = 0

    @property
    def digest(self) -> str:
        """Tells the place from others, without a word of its address."""
        if self.own is not None or not self.path:
            return identity(self.own or self.url)
        return f"{identity(self.url)}-{'-'.join(map(str, self.path))}"

    @property
    def shown(self) -> str:
        return hushed(self.own or self.url)


class _Stopped(Exception):
    """The transfer is broken off, for a reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def gather(
    requests: Sequence[str],
    folder: Path,
    options: Options | None = None,
    watch: Callable[[Progress], None] | None = None,
) -> Iterator[Fetched | Refused]:
    """Fetch what web addresses lead to, recordings and playlists, into `folder`; nothing that it holds is fetched again.

    One item at a time, in order, in a process of its own. The file keeps its native container, under a name made of digits.
    A run that was killed is gone on with by the same call. Raises UserError without yt-dlp, for a folder that another run
    holds, and for options that cannot be.
    """
    if find_spec("yt_dlp") is None:
        raise UserError('Fetching recordings needs yt-dlp: pip install "motet[gather]".')
    options, folder = options or Options(), folder.absolute()  # the process that fetches works elsewhere
    with held(folder) as lock:
        talk = Conversation(options, list(requests), folder / WORK, lock)
        with closing(_Gathering(folder, options, talk, watch)) as gathering:
            for request in requests:
                yield from gathering.all_of(_Place(request.strip(), request.strip()))


class _Gathering:
    def __init__(self, folder: Path, options: Options, talk: Conversation, watch: Callable[[Progress], None] | None) -> None:
        self._folder, self._options, self._talk, self._watch = folder, options, talk, watch
        self._archive = Archive(folder)
        self._resting: dict[str, float] = {}  # hosts, and until when they are not asked
        self._lists: set[str] = set()
        self._asked_before = False

    def close(self) -> None:
        self._talk.end()

    def all_of(self, place: _Place) -> Iterator[Fetched | Refused]:
        """What stands at a place: one recording, or those of a playlist."""
        if not is_web(place.url):
            yield refused(place.shown, "unknown_site" if place.depth == 0 else "foreign_address")
            return
        if (sheet := self._archive.asked(place.digest, self._options.formats)) is not None:
            yield self._kept(place, sheet)
            return
        found = self._patiently(place)
        if isinstance(found, dict):
            yield from self._listed(place, found)
        else:
            yield found

    def _listed(self, place: _Place, told: dict[str, Any]) -> Iterator[Fetched | Refused]:
        if place.digest in self._lists:
            return  # asked for twice, or a playlist that holds itself
        if place.depth >= MOST_DEEP:
            yield refused(place.shown, "too_deep")
            return
        self._lists.add(place.digest)
        if not told["entries"]:
            yield refused(place.shown, "no_audio")
        for entry in told["entries"]:
            inner = _Place(place.asked, entry["url"], entry["key"], tuple(entry["path"]), entry.get("own"), place.depth + 1)
            key, id = entry["key"], entry["id"]
            sheet = None
            if isinstance(key, str) and isinstance(id, str) and key != "Generic":
                sheet = self._archive.item(_plain(key).lower(), _plain(id), self._options.formats)
            if sheet is not None:
                yield self._kept(inner, sheet)
            else:
                yield from self.all_of(inner)
        if told["more"]:
            yield refused(place.shown, "playlist_cut", most=self._options.most)

    def _patiently(self, place: _Place) -> Fetched | Refused | dict[str, Any]:
        """One place, tried again where that may help."""
        from motet.sources.wire import retry_after  # 0.1 s to import

        asked = host(place.own or place.url)
        failed, before = 0, 0
        while True:
            if (until := self._resting.get(asked, 0.0)) > time.monotonic():
                return refused(place.shown, "rate_limited", wait=until - time.monotonic())
            self._pause()
            reason, wait, here = "", None, before
            try:
                answer = self._talk.look(place.url, place.key, list(place.path))
                if "list" in answer:
                    told: dict[str, Any] = answer["list"]
                    return told
                if "item" in answer:
                    fetched = self._one(place, answer["item"])
                    if not isinstance(fetched, dict):
                        return fetched
                    answer, here = fetched, int(fetched["bytes"])
                reason = str(answer.get("failed"))
                wait = retry_after({"retry-after": answer.get("wait") or ""})
            except Lost as lost:
                answer, reason = {}, str(lost)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                return refused(place.shown, "no_space")
            failed = 1 if here - before >= ENOUGH else failed + 1
            before = max(before, here)
            # The link to the media may have grown too old; the page has a new one.
            once_more = reason in _ONCE_MORE or (reason == "private" and "bytes" in answer)
            if failed > (self._options.retries if reason in _AGAIN else min(1, self._options.retries) if once_more else 0):
                return refused(place.shown, {"hung": "network"}.get(reason, reason))
            wait = max(wait or 0.0, self._options.first_wait * 2.0 ** (failed - 1))
            if wait > self._options.longest_wait:
                if reason == "rate_limited":
                    self._resting[asked] = time.monotonic() + wait
                return refused(place.shown, reason, wait=wait)
            time.sleep(wait)

    def _pause(self) -> None:
        if self._asked_before and self._options.sleep:
            time.sleep(self._options.sleep)
        self._asked_before = True

    def _one(self, place: _Place, told: dict[str, Any]) -> Fetched | Refused | dict[str, Any]:
        """A recording that was looked at: judged, fetched if need be, and published. A dict tells what failed."""
        item = _Item.of(told)
        if item is None:
            return refused(place.shown, "no_audio")
        for sheet in (
            self._archive.item(item.extractor, item.id, self._options.formats),
            self._archive.format(item.extractor, item.id, item.format),
        ):
            if sheet is not None:
                self._remember(place, item, sheet)
                return self._kept(place, sheet)
        if (no := self._unwanted(place, told)) is not None:
            return no
        if told.get("streams") != 1:
            raise UserError("The formats asked for are more than one stream: ask for one, such as bestaudio/best.")
        work = self._folder / WORK / item.stem
        work.mkdir(exist_ok=True)
        here = 0

        def watch(octets: int, total: int | None) -> None:
            nonlocal here
            here = octets
            size = total if isinstance(total, int) else octets
            if size > self._options.largest:
                raise _Stopped("too_large")
            if shutil.disk_usage(work).free < RESERVE + max(0, size - octets):
                raise _Stopped("no_space")
            if self._watch is not None:
                self._watch(Progress(place.shown, octets, total if isinstance(total, int) else None))

        try:
            watch(0, told["filesize"] if isinstance(told.get("filesize"), int) else None)
            answer = self._talk.fetch(work, watch)
            if "file" in answer and (work / "media").stat().st_size > self._options.largest:
                raise _Stopped("too_large")
        except _Stopped as stopped:
            if stopped.reason == "too_large":
                shutil.rmtree(work)
            return refused(place.shown, stopped.reason)
        except Lost as lost:
            return {"failed": str(lost), "bytes": here}
        if "failed" in answer:
            with suppress(OSError):  # it holds what the next try goes on with
                work.rmdir()
            return {**answer, "bytes": here}
        no = refused(place.shown, "no_audio") if "unusable" in answer else self._too_long(place, answer.get("seconds"))
        if no is not None:
            shutil.rmtree(work)
            return no
        return self._publish(place, item, told, answer, work)

    def _unwanted(self, place: _Place, told: dict[str, Any]) -> Refused | None:
        if told.get("is_live") or told.get("live_status") in ("is_live", "is_upcoming", "post_live"):
            return refused(place.shown, "live_stream")
        if told.get("has_drm") is True:
            return refused(place.shown, "protected")
        if told.get("acodec") == "none":
            return refused(place.shown, "no_audio")
        licence = line(told.get("license"))
        if not allows(self._options.licences, normalised(licence)):
            return refused(place.shown, "wrong_licence", licence=licence)
        return self._too_long(place, told.get("duration"))

    def _too_long(self, place: _Place, seconds: object) -> Refused | None:
        length, longest = number(seconds), self._options.longest
        if length is None or longest is None or length <= longest:
            return None
        return refused(place.shown, "too_long", length=length, longest=longest)

    def _kept(self, place: _Place, sheet: Sheet) -> Fetched | Refused:
        """What is in the folder, if it is wanted now."""
        if not allows(self._options.licences, sheet.licence_spdx):
            return refused(place.shown, "wrong_licence", licence=sheet.licence)
        return self._too_long(place, sheet.duration) or Fetched(self._folder / sheet.file, sheet, already=True)

    def _remember(self, place: _Place, item: _Item, sheet: Sheet) -> None:
        self._archive.add(
            Kept(item.extractor, item.id, item.format, self._options.formats, place.digest, sheet.file, sheet.sha256)
        )

    def _publish(self, place: _Place, item: _Item, told: dict[str, Any], answer: dict[str, Any], work: Path) -> Fetched:
        """First the sheet, then the recording in one step, then the archive: a run killed between them is mended by the next."""
        media = work / "media"
        digest = _synced_digest(media)
        if (sheet := self._archive.content(digest)) is not None:  # the same, from somewhere else
            self._remember(place, item, sheet)
            shutil.rmtree(work)
            return Fetched(self._folder / sheet.file, sheet, already=True)
        file = f"{item.stem}.{_suffix(told, answer)}"
        sheet = _sheet(place, item, told, answer, self._options.formats, file, digest, media.stat().st_size)
        write_sheet(sheet, (self._folder / file).with_suffix(".json"))
        os.replace(media, self._folder / file)
        _sync(self._folder)
        self._remember(place, item, sheet)
        shutil.rmtree(work)
        return Fetched(self._folder / file, sheet)


@dataclass(frozen=True)
class _Item:
    """What tells a recording from others: the site, its name for it, and the format."""

    extractor: str
    id: str
    format: str

    @classmethod
    def of(cls, told: dict[str, Any]) -> _Item | None:
        key, id, media = told.get("extractor_key"), told.get("id"), told.get("url")
        if not (isinstance(key, str) and isinstance(id, str) and isinstance(media, str)):
            return None
        # Where yt-dlp knows no site, it calls a recording by the last word of its address, as many others are called.
        name = f"{_plain(id)}-{identity(media)}" if told.get("loose") else _plain(id)
        return cls(_plain(key).lower(), name, _plain(str(told.get("format_id"))))

    @property
    def stem(self) -> str:
        """A name for files: never a stranger's."""
        return hashlib.sha256("\n".join((self.extractor, self.id, self.format)).encode()).hexdigest()[:24]


def _plain(name: str) -> str:
    return line(name, 200) or "-"


def _sheet(
    place: _Place, item: _Item, told: dict[str, Any], answer: dict[str, Any], formats: str, file: str, digest: str, octets: int
) -> Sheet:
    licence = line(told.get("license"))
    page = told.get("webpage_url")
    artists = told.get("artists")
    several = ", ".join(filter(None, map(line, artists[:20]))) if isinstance(artists, list) else ""
    uploaded = re.fullmatch(r"([0-9]{4})([0-9]{2})([0-9]{2})", str(told.get("upload_date")))
    by = told.get("uploader_url") or told.get("channel_url")
    bitrate = number(told.get("abr"))
    return Sheet(
        url=hushed(place.asked),
        page=hushed(page) if isinstance(page, str) else "",
        extractor=item.extractor,
        id=item.id,
        title=line(told.get("title")),
        artist=line(told.get("artist")) or several or None,
        track=line(told.get("track")),
        album=line(told.get("album")),
        uploader=line(told.get("uploader")) or line(told.get("channel")),
        uploader_url=(hushed(by) or None) if isinstance(by, str) else None,
        licence=licence,
        licence_spdx=normalised(licence),
        uploaded="-".join(uploaded.groups()) if uploaded else None,
        fetched_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        formats=formats,
        format=item.format,
        codec=line(answer.get("codec"), 40),
        bitrate=bitrate if bitrate is not None else number(told.get("tbr")),
        duration=number(answer.get("seconds")) or number(told.get("duration")),
        bytes=octets,
        sha256=digest,
        file=file,
    )


def _suffix(told: dict[str, Any], answer: dict[str, Any]) -> str:
    """A suffix from a short list; the content decides how the file is read."""
    told_suffix = str(told.get("ext")).lower()
    if told_suffix in _SUFFIXES:
        return told_suffix
    container = str(answer.get("container")).partition(",")[0]
    return _SUFFIX.get(container, container if container in _SUFFIXES else "media")


def _synced_digest(path: Path) -> str:
    with path.open("rb") as opened:
        os.fsync(opened.fileno())
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
