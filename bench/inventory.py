"""Scanning many small files: the first time, and again when nothing has changed, beside a plain walk that only asks for states.

A tree of our own is written, a million MIDI files of 900 bytes in 5,000 folders. The first scan is measured with the contents
in the system's cache, and with them on the disk alone, as at the first scan of a drive; the states of the files are in the
cache each time. A second scan asks for the state of every file, so the plain walk is the least it can take.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Line, fresh, over, peak_mb

FILES, QUICK, EACH = 1_000_000, 50_000, 200
SECONDS, MEGABYTES, AGAIN = 90, 500, 10
REPEATS = 3


def measure(quick: bool) -> Iterator[Line]:
    files = QUICK if quick else FILES
    judged = not quick
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        known = os.environ.get("MOTET_MILLION", "")  # a tree that was written before
        tree = Path(known if known and not quick else Path(folder, "tree"))
        if not tree.is_dir():
            _written(tree, files)
        plain = tuple(fresh("inventory", "walk", tree, 1)["seconds"] for _ in range(REPEATS))
        yield Line("plain walk with states, one process", plain, "s", files)
        both = tuple(fresh("inventory", "walk", tree, 2)["seconds"] for _ in range(REPEATS))
        yield Line("plain walk with states, two processes", both, "s", files, over(both, plain), "one process")
        _evicted(tree)
        cold = fresh("inventory", "scan", tree, Path(folder, "cold"), 2)
        note = f"{files / cold['seconds']:,.0f} files/s"
        yield Line("first scan, contents on disk", (cold["seconds"],), "s", files, note=note)
        # Contents are in the cache now, if it has room for them.
        firsts = [fresh("inventory", "scan", tree, Path(folder, f"warm{n}"), 2) for n in range(REPEATS)]
        first = tuple(told["seconds"] for told in firsts)
        middle = sorted(first)[len(first) // 2]
        yield Line(
            "first scan, contents in the cache",
            first,
            "s",
            files,
            over(first, both),
            "plain walk, two processes",
            goal=f"<= {SECONDS} s",
            reached=middle <= SECONDS if judged else None,
            note=f"{files / middle:,.0f} files/s",
        )
        seconds = [fresh("inventory", "scan", tree, Path(folder, "warm0"), 2) for _ in range(REPEATS)]
        second = tuple(told["seconds"] for told in seconds)
        if any(told["reread"] for told in seconds):
            raise RuntimeError("a second scan opened files")
        yield Line("second scan", second, "s", files, over(second, both), "plain walk, two processes")
        for name, before in (("on disk", (cold["seconds"],)), ("in the cache", first)):
            times = over(before, second)
            yield Line(
                f"first over second, contents {name}",
                (times,),
                "times",
                files,
                goal=f">= {AGAIN}",
                reached=times >= AGAIN if judged else None,
            )
        peaks = tuple(told["peak"] for told in (cold, *firsts, *seconds))
        yield Line(
            "memory of all processes",
            peaks,
            "MB",
            files,
            goal=f"<= {MEGABYTES} MB",
            reached=max(peaks) <= MEGABYTES if judged else None,
        )


def _written(tree: Path, files: int) -> None:
    """Folders of 200 songs each, no two alike."""
    for number in range(0, files, EACH):
        folder = tree / f"d{number // EACH // 50:03}" / f"f{number // EACH:04}"
        folder.mkdir(parents=True)
        for song in range(number, number + EACH):
            notes = b"".join(bytes((0, 0x90, (song + n) % 128, 80, 48, 0x80, (song + n) % 128, 0)) for n in range(108))
            track = notes + b"\0\xff\x2f\0"
            name = folder / f"song_{song}.mid"
            name.write_bytes(b"MThd" + struct.pack(">IHHH", 6, 0, 1, 96) + b"MTrk" + struct.pack(">I", len(track)) + track)
    os.sync()
    time.sleep(2.5)  # files younger than that are looked at again


def _evicted(tree: Path) -> None:
    """Their contents are no longer in the system's cache."""
    if not hasattr(os, "posix_fadvise"):
        return
    for folder, _, names in os.walk(tree):
        for name in names:
            descriptor = os.open(os.path.join(folder, name), os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)


def _walked(folders: list[str]) -> int:
    seen = 0
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)
                    seen += 1
    return seen


def walk(tree: str, processes: int) -> None:
    """A plain walk in this process, or shared with others that are there already."""
    if processes == 1:
        began = time.perf_counter()
        seen = _walked([tree])
        print(json.dumps({"seconds": time.perf_counter() - began, "files": seen}))
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        pool.map(_walked, [[] for _ in range(processes)])
        began = time.perf_counter()
        seen = sum(pool.imap_unordered(_walked, [[entry.path] for entry in os.scandir(tree)]))
        print(json.dumps({"seconds": time.perf_counter() - began, "files": seen}))


def scan(tree: str, cache: str, workers: int) -> None:
    from motet.inventory.scanning.memory import Memory
    from motet.inventory.scanning.scan import scan

    with Memory(Path(cache)) as memory:
        told = scan([Path(tree)], memory, workers=workers)
    others = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6 * (workers - 1)
    print(json.dumps({"seconds": told.seconds, "reread": told.reread, "files": told.files, "peak": peak_mb() + others}))


if __name__ == "__main__":
    if sys.argv[1] == "walk":
        walk(sys.argv[2], int(sys.argv[3]))
    else:
        scan(sys.argv[2], sys.argv[3], int(sys.argv[4]))
