"""What people judged, in a file that only grows: one JSON object a line, after a first line that says what the file is.

A label names what it is about by a stamp, a key made of content and a span, so it outlives renamed files and new builds, and
means nothing else once the span is another. Two people's files may be joined with `cat`; of several labels with one stamp, the
last counts. A label is flushed to the disk before it is acknowledged, and processes that write to one file take turns (flock).
What a crash left of a last line is passed over and told, never removed.
"""

from __future__ import annotations

import fcntl
import json
import math
import os
import re
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, NoReturn, cast, get_args

from motet.errors import UserError
from motet.files.places import shown

__all__ = [
    "FILE", "LONGEST_NOTE", "LONGEST_STAMP", "Label", "Labels", "Verdict", "judgements", "lineage_of", "stamp_of", "stamped",
    "written",
]  # fmt: skip

FILE = "judgements.jsonl"  # in a dataset's own folder
# Of a match in a film, and of an example.
Verdict = Literal["yes", "no", "unsure", "good", "bad"]
VERDICTS = frozenset(get_args(Verdict))
HEADER = b'{"motet": "labels", "version": 1}\n'
LONGEST_STAMP, LONGEST_NOTE, LONGEST_NAME, LONGEST_ABOUT, LONGEST_ID = 200, 2000, 200, 1000, 200  # characters
LONGEST_LINE = 64 << 10  # bytes
LARGEST = 128 << 20  # bytes of a file
MOST_TOLD = 20
PATIENCE = 10.0  # seconds in which others may be done with the file

_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")  # bidi overrides too
_SPAN = re.compile(r"@-?[0-9]+--?[0-9]+\Z")

_Key = tuple[str, str, str]


def written(text: str, longest: int = LONGEST_ABOUT) -> str:
    """The text as any file and browser can take it: what cannot be shown becomes U+FFFD, and what is too long is cut."""
    plain = _UNSHOWABLE.sub("\ufffd", text[: longest + 1])
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def stamped(stamp: object) -> bool:
    """Whether this can be a stamp: 1 to 200 characters that can be written as they are."""
    return isinstance(stamp, str) and 0 < len(stamp) <= LONGEST_STAMP and not _UNSHOWABLE.search(stamp) and "\n" not in stamp


def stamp_of(lineage: str, start: float | None = None, end: float | None = None) -> str:
    """What a judgement of an example is about: its content and its span in seconds, or the content where it has no span.

    The same music under another name has the same stamp; the same clip cut elsewhere has another.
    """
    if start is None or end is None or not (math.isfinite(start) and math.isfinite(end)):
        return lineage
    return f"{lineage}@{_milliseconds(start)}-{_milliseconds(end)}"


def lineage_of(stamp: str) -> str:
    """The content that a stamp of an example is about, whatever the span."""
    return _SPAN.sub("", stamp)


def judgements(dataset: Path) -> dict[str, Label]:
    """The label that counts for every stamp that was judged in a dataset; none where nobody judged. Raises UserError."""
    if not (path := dataset / FILE).exists():
        return {}
    try:
        return Labels.open(path).verdicts()
    except UserError as error:
        said = str(error).split(":")[0].rstrip(".")
        raise UserError(f"{said}: mend it, or move it away to go on without judgements.") from None


def _milliseconds(seconds: float) -> int:
    return math.floor(seconds * 1000 + 0.5)


@dataclass(frozen=True)
class Label:
    """One verdict. `at` is an ISO 8601 time in UTC, `about` says in a sentence what was judged, `by` who judged, and `id` what
    the example was called then: its stamp tells what it is."""

    stamp: str
    verdict: Verdict
    note: str
    by: str
    at: str
    about: str
    id: str = ""


class Labels:
    """The labels in one file. Safe to share among threads, and the file among processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        self._forget()

    @classmethod
    def open(cls, path: Path) -> Labels:
        """The labels at `path`; there may be none yet, and the file is made with the first. Raises UserError."""
        labels = cls(path)
        if not path.parent.is_dir():
            raise UserError(f"There is no folder {shown(str(path.parent))} for labels: make it, or name another place.")
        labels.all()
        return labels

    def add(self, stamp: str, verdict: Verdict, *, note: str = "", by: str = "", about: str = "", id: str = "") -> Label:
        """Append a label, on disk when this returns. Raises UserError if it cannot be written, ValueError if it is none."""
        if not stamped(stamp) or verdict not in VERDICTS:
            msg = f"{verdict!r} about {stamp!r} is no label"
            raise ValueError(msg)
        note, by, about, id = _texts(note, by, about, id)
        with self._turn, self._open(writing=True) as fd:
            moment = datetime.now(UTC)
            while (stamp, by, _iso(moment)) in self._places:  # a label's time tells it from the others
                moment += timedelta(microseconds=1)
            label = Label(stamp, verdict, note, by, _iso(moment), about, id)
            self._append(fd, asdict(label))
            self._take(label)
        return label

    def withdraw(self, label: Label, *, by: str = "") -> bool:
        """Take one label back, so that the one before it counts again; False if it does not stand. Raises UserError."""
        key = label.stamp, label.by, label.at
        with self._turn, self._open(writing=True) as fd:
            if key not in self._places:
                return False
            of = {"by": label.by, "at": label.at}
            at = _iso(datetime.now(UTC))
            self._append(fd, {"stamp": label.stamp, "withdrawn": of, "by": written(by, LONGEST_NAME), "at": at})
            self._drop(key)
        return True

    def all(self) -> list[Label]:
        """Every label that stands, in the order of the file. Raises UserError."""
        with self._turn:
            self._look()
            return [label for label in self._labels if label is not None]

    def verdict(self, stamp: str) -> Label | None:
        """The label that counts for this stamp: the last. Raises UserError."""
        with self._turn:
            self._look()
            return self._last(stamp)

    def verdicts(self) -> dict[str, Label]:
        """The label that counts, for every stamp that has one. Raises UserError."""
        with self._turn:
            self._look()
            return {stamp: label for stamp in self._of if (label := self._last(stamp))}

    @property
    def told(self) -> tuple[str, ...]:
        """What was passed over in the file as it was last read, in sentences."""
        with self._turn:
            more = self._broken - len(self._told)
            name = shown(self.path.name)
            lines = [f"Line {number} of {name} cannot be read and is passed over." for number in self._told]
            if more:
                lines.append(f"So are {more:,} more of its lines.")
            if self._torn:
                lines.append(f"The last line of {name} was cut short and is passed over.")
            return tuple(lines)

    # --- what is known ---

    def _forget(self) -> None:
        self._seen: tuple[int, ...] | None = None  # the file as it was when last read
        self._labels: list[Label | None] = []
        self._places: dict[_Key, int] = {}
        self._of: dict[str, list[int]] = {}
        self._told: list[int] = []  # line numbers
        self._broken = 0
        self._torn = False

    def _take(self, label: Label) -> None:
        key = label.stamp, label.by, label.at
        if key in self._places:  # the same label twice, as in files that were joined
            return
        self._places[key] = len(self._labels)
        self._of.setdefault(label.stamp, []).append(len(self._labels))
        self._labels.append(label)

    def _drop(self, key: _Key) -> None:
        if (place := self._places.pop(key, None)) is not None:
            self._labels[place] = None
            self._of[key[0]].remove(place)

    def _last(self, stamp: str) -> Label | None:
        places = self._of.get(stamp)
        return self._labels[places[-1]] if places else None

    # --- the file ---

    @contextmanager
    def _open(self, *, writing: bool) -> Iterator[int]:
        """The file, locked and read; made if it is to be written. Raises UserError, FileNotFoundError when only to be read."""
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT if writing else os.O_RDONLY
        while True:
            try:
                fd = os.open(self.path, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)  # a pipe would hold us here
            except FileNotFoundError:
                if not writing:
                    raise
                raise UserError(f"The folder of {shown(str(self.path))} is gone: name another place for labels.") from None
            except OSError as error:
                self._refuse(error, "written" if writing else "read")
            try:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    raise UserError(f"{shown(str(self.path))} is not a file: name another place for labels.")
                try:
                    self._take_turn(fd, fcntl.LOCK_EX if writing else fcntl.LOCK_SH)
                    if not self._ours(fd):
                        continue  # replaced while we waited
                    self._read(fd)
                    yield fd
                except OSError as error:
                    self._refuse(error, "written" if writing else "read")
                return
            finally:
                os.close(fd)

    def forget(self, gone: Callable[[str], bool]) -> int:
        """Take every line about a stamp that is `gone` out of the file, as if never said; how many. Raises UserError."""
        from motet.dataset.durable import write_bytes

        if not self.path.exists():
            return 0
        with self._turn, self._open(writing=True) as fd:
            with os.fdopen(os.dup(fd), "rb") as file:
                file.seek(0)
                lines = file.readlines()
            kept = [line for line in lines if not gone(_stamp_in(line))]
            if len(kept) < len(lines):
                write_bytes(self.path, b"".join(kept))  # in one step; who waits for the old file opens the new one
            self._forget()
        return len(lines) - len(kept)

    def _take_turn(self, fd: int, lock: int) -> None:
        """Wait for those who write or read it, but not for ever: one of them may have been stopped."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(fd, lock | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > until:
                    name = shown(str(self.path))
                    raise UserError(f"Another program has held {name} for {PATIENCE:.0f} s: end it, and try again.", 1) from None
                time.sleep(0.005)

    def _refuse(self, error: OSError, done: str) -> NoReturn:
        raise UserError(f"{shown(str(self.path))} cannot be {done} ({error.strerror}): mend it, or name another file.") from None

    def _ours(self, fd: int) -> bool:
        try:
            now = os.stat(self.path)
        except FileNotFoundError:
            return False
        held = os.fstat(fd)
        return (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino)

    def _look(self) -> None:
        try:
            now = os.stat(self.path)
            if _state(now) == self._seen:
                return
            with self._open(writing=False):
                pass
        except FileNotFoundError:
            self._forget()
        except OSError as error:
            self._refuse(error, "read")

    def _read(self, fd: int) -> None:
        """Know what the file holds, which is locked. Nothing is read that has not changed since."""
        now = os.fstat(fd)
        if _state(now) == self._seen:
            return
        self._forget()
        if now.st_size > LARGEST:
            raise UserError(f"{shown(str(self.path))} is too large for a file of labels: name another file.")
        with os.fdopen(os.dup(fd), "rb") as file:
            file.seek(0)
            number = 0
            while line := file.readline(LONGEST_LINE + 1):
                number += 1
                whole = line.endswith(b"\n")
                while not whole and len(line) > LONGEST_LINE and (rest := file.readline(LONGEST_LINE)):
                    whole = rest.endswith(b"\n")  # too long to be ours: read past it
                first = line.rstrip() == HEADER.rstrip()
                if number == 1 and not first and (whole or not HEADER.startswith(line)):
                    raise UserError(f"{shown(str(self.path))} is not a file of labels: name another file.")
                if first or self._parse(line):
                    continue
                if whole:
                    self._broken += 1
                    self._told += [number] if len(self._told) < MOST_TOLD else []
                else:
                    self._torn = True
        self._seen = _state(now)

    def _parse(self, line: bytes) -> bool:
        """Take what the line says; False if it is none of ours."""
        try:
            read = json.loads(line) if len(line) <= LONGEST_LINE else None
        except (ValueError, RecursionError):
            return False
        if not isinstance(read, dict) or not stamped(read.get("stamp")) or not _is_time(read.get("at")):
            return False
        texts = [read.get(name, "") for name in ("note", "by", "about", "id")]
        if not all(isinstance(text, str) for text in texts):
            return False
        if isinstance(of := read.get("withdrawn"), dict):
            if not isinstance(of.get("by"), str) or not _is_time(of.get("at")):
                return False
            self._drop((read["stamp"], written(of["by"], LONGEST_NAME), of["at"]))
            return True
        if not isinstance(verdict := read.get("verdict"), str) or verdict not in VERDICTS:
            return False
        note, by, about, id = _texts(*texts)
        self._take(Label(read["stamp"], cast("Verdict", verdict), note, by, read["at"], about, id))
        return True

    def _append(self, fd: int, told: dict[str, object]) -> None:
        """One more line on the disk, or the file as it was."""
        before = os.fstat(fd).st_size
        line = json.dumps(told, ensure_ascii=False).encode() + b"\n"
        if new := before < len(HEADER):  # or a first line that was cut short
            os.ftruncate(fd, before := 0)
            line = HEADER + line
        elif os.pread(fd, 1, before - 1) != b"\n":
            line = b"\n" + line  # what is torn stays as it is, on a line of its own
        try:
            left = memoryview(line)
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        except BaseException:
            os.ftruncate(fd, before)
            raise
        if new:
            _sync_folder(self.path.parent)
        self._seen = None if self._torn else _state(os.fstat(fd))  # a torn line has a number now


def _texts(note: str, by: str, about: str, id: str) -> tuple[str, str, str, str]:
    return written(note, LONGEST_NOTE), written(by, LONGEST_NAME), written(about, LONGEST_ABOUT), written(id, LONGEST_ID)


def _stamp_in(line: bytes) -> str:
    try:
        return str(json.loads(line)["stamp"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _state(of: os.stat_result) -> tuple[int, ...]:
    return of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _is_time(text: object) -> bool:
    try:
        plain = isinstance(text, str) and len(text) <= 40 and text.isascii()
        return plain and datetime.fromisoformat(cast("str", text)).tzinfo is not None
    except ValueError:
        return False


def _sync_folder(folder: Path) -> None:
    """Make a new name inside `folder` survive a power cut."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
