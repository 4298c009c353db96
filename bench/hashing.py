"""Content hashes, and full verification, beside a plain multi-threaded hash of the same bytes in a warm cache."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import struct
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

from measure import Line, over, seconds
from motet.inventory.findings import Copy
from motet.inventory.known import Dataset
from motet.inventory.verifying.hashing import Hashes, digests
from motet.inventory.verifying.verify import verify

GOAL = 0.8
WORKERS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure(quick: bool) -> Iterator[Line]:
    repeats = 3 if quick else 5
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        large = _files(Path(folder) / "large", 4 if quick else 16, 64 << 20)
        small = _files(Path(folder) / "small", 2000 if quick else 20_000, 20_000)
        for name, files in (("large files", large), ("small files", small)):
            yield from _compared(name, files, repeats, Path(folder) / f"cache {name}")
        for kind in ("wav", "flac", "mid"):
            yield _verified(Path(folder) / kind, kind, 40 if quick else 600, repeats)
            shutil.rmtree(Path(folder) / kind)


def _verified(folder: Path, kind: str, number: int, repeats: int) -> Line:
    """`motet inventory verify --full` of recordings of 10 MB, or of songs of 2 kB."""
    files = _media(folder, kind, number if kind != "mid" else 10 * number)
    part = {"name": "files", "files": f"{{name}}.{kind}", "kind": "midi" if kind == "mid" else "audio", "telling": False}
    dataset = Dataset.model_validate(
        {
            "name": "bench", "title": "bench", "about": "bench", "modalities": ["audio"], "tasks": [], "citation": "none",
            "licence": {"name": "none", "source": "us"}, "home": "none", "sources": {"us": "us"}, "folders": ["bench"],
            "parts": [part],
        }
    )  # fmt: skip
    copy = Copy("bench", str(folder), str(folder), "unverifiable", (), "", (), (), len(files), 0)
    plain: list[float] = []
    ours: list[float] = []
    _plain(files)
    for _ in range(repeats):
        plain += seconds(lambda: _plain(files), 1)
        ours += seconds(lambda: _whole(copy, dataset, len(files)), 1)
    ratio = over(tuple(1 / taken for taken in ours), tuple(1 / taken for taken in plain))
    total = sum(size for _, size in files)
    pace = tuple(total / taken / 1e6 for taken in ours)
    return Line(f"full verify, {kind}", pace, "MB/s", len(files), ratio, "a plain hash", f">= {GOAL}", ratio >= GOAL)


def _whole(copy: Copy, dataset: Dataset, number: int) -> None:
    verified = verify(copy, dataset, full=True, workers=WORKERS)
    if verified.checked != number or verified.troubles:
        raise RuntimeError("not every file was found whole")


def _media(folder: Path, kind: str, number: int) -> list[tuple[str, int]]:
    folder.mkdir()
    noise = (np.random.default_rng(0).standard_normal((48_000 * 52, 2)) * 3000).astype(np.int16)
    for n in range(number):
        path = folder / f"{n}.{kind}"
        if kind == "mid":
            notes = b"".join(bytes([0, 0x90, 48 + (n + i) % 40, 80, 48, 0x80, 48 + (n + i) % 40, 0]) for i in range(240))
            body = b"\x00\xff\x7f\x03" + n.to_bytes(3) + notes + b"\x00\xff\x2f\x00"
            path.write_bytes(struct.pack(">4sLHHH4sL", b"MThd", 6, 0, 1, 96, b"MTrk", len(body)) + body)
        else:
            soundfile.write(path, np.roll(noise, n + 1, axis=0), 48_000, subtype="PCM_16")
    return [(str(path), path.stat().st_size) for path in sorted(folder.iterdir())]


def _compared(name: str, files: list[tuple[str, int]], repeats: int, cache: Path) -> Iterator[Line]:
    total = sum(size for _, size in files)
    plain: list[float] = []
    ours: list[float] = []
    known: list[float] = []
    _plain(files)
    for _ in range(repeats):  # in turns: what else the machine does falls on both
        plain += seconds(lambda: _plain(files), 1)
        ours += seconds(lambda: _ours(files, None), 1)
    # As if two seconds had gone by, and a file could not change without its time.
    hashes = Hashes(cache, clock=lambda: time.time_ns() + 10**10)
    _ours(files, hashes)
    for _ in range(repeats):
        known += seconds(lambda: _ours(files, hashes), 1)
    hashes.close()
    pace = [tuple(total / taken / 1e6 for taken in took) for took in (plain, ours, known)]
    ratio = over(pace[1], pace[0])
    yield Line(f"{name}, a plain hash in threads", pace[0], "MB/s", len(files))
    peer = "a plain hash"
    yield Line(f"{name}, digests", pace[1], "MB/s", len(files), ratio, peer, f">= {GOAL}", ratio >= GOAL)
    yield Line(f"{name}, digests, unchanged since", pace[2], "MB/s", len(files), over(pace[2], pace[0]), peer)


def _files(folder: Path, number: int, size: int) -> list[tuple[str, int]]:
    folder.mkdir()
    noise = random.Random(0).randbytes(size)
    files = []
    for n in range(number):
        path = folder / f"{n}.bin"
        path.write_bytes(n.to_bytes(8) + noise[8:])
        files.append((str(path), size))
    return files


def _plain(files: list[tuple[str, int]]) -> None:
    def one(path: str) -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    with ThreadPoolExecutor(WORKERS) as pool:
        told = list(pool.map(one, (path for path, _ in files), chunksize=1))
    if len(set(told)) != len(files):
        raise RuntimeError("files of other content have the same hash")


def _ours(files: list[tuple[str, int]], cache: Hashes | None) -> None:
    told = {digest.sha256 for digest in digests(files, cache=cache, workers=WORKERS)}
    if len(told) != len(files) or "" in told:
        raise RuntimeError("a file was not hashed")
