"""Pairs of songs judged in several processes at once; the songs' notes lie in one file."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import lru_cache
from pathlib import Path
from queue import SimpleQueue
from typing import BinaryIO

from motet.duplicates.alignment import Song
from motet.duplicates.judging import Likeness, judge
from motet.duplicates.patterns import Voices

KEPT = 128  # songs that a process keeps ready
BATCH = 256  # pairs sent at once

Place = tuple[int, int]  # where in the file, and how many bytes


class Notes:
    """The packed voices of songs by number, one after another in a file, which is begun anew and deleted at the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.places: dict[int, Place] = {}
        path.unlink(missing_ok=True)  # a process left over from a killed run may still read the old one
        path.write_bytes(b"")
        self._file = path.open("rb")
        self._judge = _Judge(self._file)

    def __enter__(self) -> Notes:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)

    def write(self, songs: Iterable[tuple[int, bytes]]) -> None:
        """Add songs, each a number and its packed voices."""
        with self.path.open("ab") as file:
            for song, voices in songs:
                packed = zlib.compress(voices, 1)
                self.places[song] = (file.tell(), len(packed))
                file.write(packed)

    def judged(self, pairs: Sequence[tuple[int, int]], workers: int) -> Iterator[Likeness | None]:
        """The likeness of each pair of songs, in order. Of more than one batch, in so many processes of their own."""
        wanted = [(self.places[one], self.places[other]) for one, other in pairs]
        batches = [wanted[at : at + BATCH] for at in range(0, len(wanted), BATCH)]
        if workers < 2 or len(batches) < 2:
            yield from self._judge.batch(wanted)
            return
        with ExitStack() as stack:
            free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
            for _ in range(min(workers, len(batches))):
                child = subprocess.Popen(
                    [sys.executable, "-m", "motet.duplicates", str(self.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
                stack.callback(_end, child)
                free.put(child)
            threads = stack.enter_context(ThreadPoolExecutor(min(workers, len(batches))))
            stack.callback(threads.shutdown, wait=False, cancel_futures=True)
            for answers in threads.map(lambda batch: _asked(free, batch), batches):
                yield from answers


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    for stream in (child.stdin, child.stdout):
        assert stream is not None
        with suppress(OSError):  # what was not sent yet nobody wants
            stream.close()


def _asked(free: SimpleQueue[subprocess.Popen[bytes]], batch: list[tuple[Place, Place]]) -> list[Likeness | None]:
    child = free.get()
    assert child.stdin is not None and child.stdout is not None
    try:
        pickle.dump(batch, child.stdin)
        child.stdin.flush()
        answers: list[Likeness | None] = pickle.load(child.stdout)
    except (EOFError, BrokenPipeError) as error:
        raise RuntimeError(f"a process that compares songs ended by itself (exit code {child.wait()})") from error
    finally:
        free.put(child)
    return answers


class _Judge:
    """What reads songs from the file and judges them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._song = lru_cache(KEPT)(self._read)

    def _read(self, place: Place) -> Song:
        self._file.seek(place[0])
        return Song(Voices.unpack(zlib.decompress(self._file.read(place[1]))))

    def batch(self, pairs: Sequence[tuple[Place, Place]]) -> Iterator[Likeness | None]:
        for one, other in pairs:
            yield judge(self._song(one), self._song(other))


def serve(path: str) -> None:
    """Answer batches of pairs on standard input until it ends, as it does when the process that asks is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who asks
    with open(path, "rb") as file, suppress(EOFError, BrokenPipeError):
        judge_of = _Judge(file)
        while True:
            batch = pickle.load(sys.stdin.buffer)
            pickle.dump(list(judge_of.batch(batch)), sys.stdout.buffer)
            sys.stdout.buffer.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to say
