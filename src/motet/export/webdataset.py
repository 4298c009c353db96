"""WebDataset: shards in which the files of an example stand together, and for each split a list of its shards.

A shard is a tar file (POSIX ustar). Files that share what stands before the first dot of their name are one sample, as long as
they follow each other: webdataset/webdataset, `webdataset/tariterators.py`, `base_plus_ext` and `group_by_keys`. A list is as
`wids` reads it (`wids/wids_index.py` there, "wids-shard-index-v1"), with each shard's SHA-256 besides.
`motet.export.tar_rules` checks what is written.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from motet.errors import UserError
from motet.export.example import Choice, Example, Examples, Written
from motet.export.publishing import Pending, digest, in_order, published
from motet.export.tar_rules import check
from motet.export.told import NOTHING, Media, Tally, chosen, example_name, identity, lacking, media, plain, told

__all__ = ["FORM", "OPTIONS", "VERSION", "Members", "Shard", "check", "index", "shards", "write"]

FORM, VERSION = "webdataset", 1
OPTIONS: tuple[str, ...] = ()

_BLOCK = 512
_END = 2 * _BLOCK  # closes a tar file

Members = Callable[[Example], list[tuple[str, bytes]]]
"""The files of an example in their order in a shard, by their whole names."""


@dataclass(frozen=True)
class Shard:
    """A finished shard: its name, how many samples it holds, its bytes, their SHA-256, and how often what is lacking."""

    name: str
    samples: int
    size: int
    sha256: str
    lacking: dict[str, int]


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write `<split>-000000.tar` …, and `<split>.json`, the list of its shards.

    A sample has `<key>.flac` (or another format of sound), `<key>.json` (facts, captions, licences), `<key>.txt` (the first
    caption), `<key>.mid`, `<key>.mp4`, and for its stems `<key>.stem-00.flac` and `<key>.stem-00.mid`; what is not chosen, or not
    there, is left out. Raises UserError where there is no example, and where the folder cannot be written to.
    """
    choice.check_options(*OPTIONS)
    tally = Tally(choice)
    with published(folder, lambda name: (not name.endswith(".tar"), name)) as pending:
        made: dict[str, list[Shard]] = {}
        for split, shard in shards(examples, pending, choice, FORM, VERSION, lambda one: members(one, choice), "{0}-{1:06d}.tar"):
            made.setdefault(split, []).append(shard)
            tally.add(split, shard.samples, shard.lacking)
        if not made:
            raise UserError(NOTHING)
        for split, some in made.items():
            pending.write(f"{split}.json", index(split, some))
    patterns = [pattern([shard.name for shard in some]) for some in made.values()]
    remarks = [*tally.remarks(), f"Read it as {', '.join(patterns)}."]
    return Written(pending.names, remarks, tuple(pending.pieces.values()))


def members(example: Example, choice: Choice) -> list[tuple[str, bytes]]:
    """Sound first: a reader that looks for any sound takes the mix, and finds the stems after it."""
    key = example_name(example.id)
    files = list(media(example, choice))
    row = told(example, choice, [one for one, _ in files], suffix)
    whole = [(f"{key}.{suffix(one)}", data) for one, data in files]
    words = [(f"{key}.json", json.dumps(row, allow_nan=False).encode("ascii"))]
    if texts := choice.texts(example):
        words.append((f"{key}.txt", plain(texts[0]).encode()))
    first = len([one for one, _ in files if one.what == "audio" and one.stem is None])
    return [*whole[:first], *words, *whole[first:]]


def suffix(one: Media) -> str:
    """What a file is called in its sample."""
    return one.suffix if one.stem is None else f"stem-{one.stem:02d}.{one.suffix}"


def index(split: str, some: Iterable[Shard], base: str = "") -> bytes:
    """The list of a split's shards, in the words of `wids`; it lies in `base`, "" or a folder with its slash."""
    every = list(some)
    told = {
        "__kind__": "wids-shard-index-v1",
        "wids_version": 1,
        "name": split,
        "nsamples": sum(shard.samples for shard in every),
        "filesize": sum(shard.size for shard in every),
        "pattern": pattern([shard.name.removeprefix(base) for shard in every]),
        "shardlist": [
            {"url": shard.name.removeprefix(base), "nsamples": shard.samples, "filesize": shard.size, "sha256": shard.sha256}
            for shard in every
        ],
    }
    return json.dumps(told, indent=1).encode() + b"\n"


def pattern(names: list[str]) -> str:
    """The names of shards numbered from 0 as one pattern of braces; one alone is its name."""
    last = len(names) - 1
    return f"{names[0].removesuffix('000000.tar')}{{000000..{last:06d}}}.tar" if last else names[0]


def shards(
    examples: Examples, pending: Pending, choice: Choice, form: str, version: int, work: Members, name: str
) -> Iterator[tuple[str, Shard]]:
    """Write the shards of all splits, and give each with its split. `name` is made of split and number, as `str.format` does.

    A shard is closed when it has reached `choice.shard_bytes`, so where it ends is known when it is written. That is kept in a
    piece of its own, by the example it begins with: the next export takes as many examples, and where they are the same ones
    the shard is done.
    """
    flow = _Flow(examples(), work)
    number: Counter[str] = Counter()
    while (first := flow.peek()) is not None:
        path = name.format(first.split, number[first.split])
        number[first.split] += 1
        how = [form, version, chosen(choice), dict(choice.options), choice.shard_bytes, path]
        begin = digest("begins", *how, identity(first))
        expected = int((pending.note(begin) or {}).get("samples", 0))
        key = digest(*how, [identity(one) for one in flow.look(expected)])
        note = pending.note(key) if expected else None
        if note is None:
            used: list[Example] = []
            with pending.open(path) as file:
                note = _fill(_Tar(file), flow, first.split, choice, expected, used)
            pending.done(begin, [], {"samples": len(used)})
            pending.done(digest(*how, [identity(one) for one in used]), [path], note)
        else:
            flow.skip(expected)
        yield first.split, Shard(path, **note)


def _fill(tar: _Tar, flow: _Flow, split: str, choice: Choice, expected: int, used: list[Example]) -> dict[str, Any]:
    """Add examples of a split to a shard until it is full; say what it holds."""
    lacks: Counter[str] = Counter()
    for example, files in flow.made(split, expected):
        for name, data in files:
            tar.add(name, data)
        used.append(example)
        lacks.update(lacking(example, choice))
        if tar.size + _END >= choice.shard_bytes:
            break
    tar.close()
    return {"samples": len(used), "size": tar.size, "sha256": tar.sha256.hexdigest(), "lacking": dict(sorted(lacks.items()))}


class _Tar:
    """A tar file that is being written: of no owner and no time."""

    def __init__(self, file: IO[bytes]) -> None:
        self.size, self.sha256 = 0, hashlib.sha256()
        self._file = file

    def add(self, name: str, data: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(data)
        try:
            head = member.tobuf(tarfile.USTAR_FORMAT)
        except ValueError:
            raise UserError(f"{name} is too large for a tar file (8 GiB): export without it.", 1) from None
        self._write(head)
        self._write(data)
        self._write(bytes(-len(data) % _BLOCK))

    def close(self) -> None:
        self._write(bytes(_END))

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self.sha256.update(data)
        self.size += len(data)


class _Flow:
    """Examples in their order, and their files made a little ahead, over the ends of shards.

    An example is in one of three places, in this order: made already, being made, or waiting.
    """

    def __init__(self, examples: Iterable[Example], work: Members) -> None:
        self._rest, self._work = iter(examples), work
        self._ready: deque[tuple[Example, list[tuple[str, bytes]]]] = deque()
        self._waiting: deque[Example] = deque()
        self._making: Iterator[tuple[Example, list[tuple[str, bytes]]]] = iter(())
        self._left = 0

    def peek(self) -> Example | None:
        """The next example; None after the last."""
        if not self._ready and (one := next(self._making, None)):
            self._ready.append(one)
        if self._ready:
            return self._ready[0][0]
        return next(iter(self.look(1)), None)

    def look(self, many: int) -> list[Example]:
        """The next examples, as far as there are so many; nothing is left in the making."""
        if not many:
            return []
        self._left = 0
        self._ready.extend(self._making)
        while len(self._ready) + len(self._waiting) < many and (one := next(self._rest, None)) is not None:
            self._waiting.append(one)
        return [*(example for example, _ in self._ready), *self._waiting][:many]

    def skip(self, many: int) -> None:
        """Past so many of the examples that were looked at."""
        for _ in range(many):
            (self._ready or self._waiting).popleft()

    def made(self, split: str, expected: int) -> Iterator[tuple[Example, list[tuple[str, bytes]]]]:
        """The next examples of the split with their files. As long as so many are expected no more are begun."""
        for limit in (expected, None) if expected else (None,):
            self._left = 1 << 62 if limit is None else max(limit - len(self._ready), 0)
            while (one := self._next(split)) is not None:
                yield one

    def _next(self, split: str) -> tuple[Example, list[tuple[str, bytes]]] | None:
        if self._ready:
            return self._ready.popleft()
        if (one := next(self._making, None)) is None:
            self._making = in_order(self._source(split), lambda example: (example, self._work(example)))
            one = next(self._making, None)
        return one

    def _source(self, split: str) -> Iterator[Example]:
        while self._left:
            one = self._waiting.popleft() if self._waiting else next(self._rest, None)
            if one is None:
                return
            if one.split != split:
                self._waiting.appendleft(one)
                return
            self._left -= 1
            yield one
