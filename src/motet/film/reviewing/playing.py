"""Sound and pictures for the page: made when first asked for, kept while there is room, and sent in pieces as players ask."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from motet.errors import UserError
from motet.film.errors import FilmError
from motet.film.reviewing.items import Item
from motet.labels import written

__all__ = ["KINDS", "Kind", "Media", "Part", "Shelf", "Unplayable", "part"]

Kind = Literal["film", "recording", "midi"]
Media = Callable[[Item, str], tuple[bytes, str]]
KINDS: tuple[Kind, ...] = ("film", "recording", "midi")
_TYPE = re.compile(r"(video|audio)/[A-Za-z0-9.+-]{1,60}")
AT_ONCE = 2  # made at one time
REMEMBERED = 20.0  # seconds for which a failure is not tried again: players ask twice
MOST_FAILURES = 256


class Unplayable(Exception):
    """There is nothing to play, with a `reason` to count by and the sentence for the person at the page."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, written(detail)


class Shelf:
    """What `media` made, up to `room` bytes and always the last one. The same thing is made once, whoever waits for it."""

    def __init__(self, media: Media, room: int) -> None:
        self._media, self._room = media, room
        self._turn = threading.Lock()
        self._making: dict[tuple[int, str], threading.Lock] = {}
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._kept: OrderedDict[tuple[int, str], tuple[bytes, str]] = OrderedDict()
        self._size = 0
        self._failed: OrderedDict[tuple[int, str], tuple[float, Unplayable]] = OrderedDict()

    def get(self, number: int, item: Item, kind: Kind) -> tuple[bytes, str]:
        """The bytes of a whole file and its type. Raises Unplayable."""
        key = number, kind
        with self._turn:
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._turn:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    return self._kept[key]
                since, failure = self._failed.get(key, (0.0, None))
                if failure is not None and time.monotonic() - since < REMEMBERED:
                    raise failure
            try:
                with self._slots:
                    made = self._made(item, kind)
            except Unplayable as error:
                with self._turn:
                    self._failed[key] = time.monotonic(), error
                    self._failed.move_to_end(key)
                    if len(self._failed) > MOST_FAILURES:
                        self._failed.popitem(last=False)
                raise
            with self._turn:
                self._keep(key, made)
            return made

    def _made(self, item: Item, kind: Kind) -> tuple[bytes, str]:
        there = {"film": item.film_path, "recording": item.recording_path, "midi": item.midi}[kind]
        if there is None:
            raise Unplayable("no_media", f"This match comes without a {'MIDI' if kind == 'midi' else kind}.")
        try:
            data, told = self._media(item, kind)
        except FilmError as error:
            raise Unplayable(error.reason, error.detail) from error
        except UserError as error:
            raise Unplayable("unusable", str(error)) from error
        except Exception as error:  # whatever it is, it is told to the person who listens
            raise Unplayable("failed", f"The {kind} could not be made: {type(error).__name__}: {error}"[:500]) from error
        if not isinstance(data, bytes) or not data or not _TYPE.fullmatch(told):
            raise Unplayable("failed", f"The {kind} came out as nothing that plays.")
        if len(data) > self._room:
            raise Unplayable("too_large", f"The {kind} has {len(data):,} bytes, more than the page may hold: shorten the clip.")
        return data, told

    def _keep(self, key: tuple[int, str], made: tuple[bytes, str]) -> None:
        self._kept[key] = made
        self._size += len(made[0])
        while self._size > self._room:
            _, (data, _) = self._kept.popitem(last=False)
            self._size -= len(data)


@dataclass(frozen=True)
class Part:
    """Bytes `first` to `last` (both included) of a whole, and whether that is less than was there."""

    first: int
    last: int
    partial: bool


_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(\d{0,18})[ \t]*-[ \t]*(\d{0,18})[ \t]*", re.IGNORECASE | re.ASCII)


def part(header: str | None, size: int) -> Part | None:
    """What a Range header asks of `size` > 0 bytes, by RFC 9110 section 14; None if it asks for bytes that there are not.

    What cannot be read as one range is as if it were not there, and the whole is meant.
    """
    whole = Part(0, size - 1, False)
    if header is None or not (read := _RANGE.fullmatch(header.strip())) or not (read[1] or read[2]):
        return whole
    if not read[1]:  # the last so many
        count = int(read[2])
        return Part(max(size - count, 0), size - 1, True) if count else None
    first = int(read[1])
    if read[2] and int(read[2]) < first:
        return whole
    last = min(int(read[2]), size - 1) if read[2] else size - 1
    return Part(first, last, True) if first < size else None
