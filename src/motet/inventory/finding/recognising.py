"""Which names in a folder tell a dataset: one look at each folder, remembered until the folder or the registry changes."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from motet.inventory.known import Dataset, Part
from motet.inventory.layout import Layout
from motet.inventory.tree import Entry, Folder

__all__ = ["Hit", "Look", "Remembering", "Seen", "Sign", "Signs", "plain"]

SKETCH = 48
"""How many hashes of names stand for all of them: those with the smallest values."""
_SAMPLED = 24
_MOST_TABLES = 40
_FORMAT = "2"
_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".safetensors", ".h5", ".hdf5", ".onnx", ".keras", ".tflite")
_ARRAYS = (".npy", ".npz")
_LOGS = (".log", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".txt", ".out", ".pkl")

# Names that anybody's files have: an expression that finds itself in one of them tells nothing inside a longer name.
_ANYBODYS = (
    "song", "track_01", "001", "000123", "0001234", "happy_16k", "a_b_c", "piano-solo-2", "audio.0001", "2024-01-02 take 3",
    "AB_cd_ef",
)  # fmt: skip


class Remembering(Protocol):
    """What `motet.inventory.scanning.memory.Memory` offers here."""

    def told(self, what: str, path: str, stamp: str) -> bytes | None: ...

    def tell(self, what: str, path: str, stamp: str, value: bytes) -> None: ...


def plain(name: str) -> str:
    """A folder's name without case, - _ . and spaces: `CREMA-D` and `crema_d` are one."""
    return re.sub(r"[-_. ]", "", name.lower())


@dataclass(frozen=True)
class Sign:
    """One expression for file names, and the parts of datasets whose files have such names."""

    expression: re.Pattern[str]
    parts: tuple[tuple[str, str], ...]  # dataset, part


@dataclass(frozen=True)
class Hit:
    """The names in one folder that bear a sign: how many, the first, and a sketch of all."""

    count: int
    first: str
    sketch: tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """What a folder's own files are, as far as names tell."""

    files: int
    octets: int
    kinds: Mapping[str, int]
    hits: Mapping[int, Hit]  # number of the sign -> names
    tables: tuple[tuple[str, int], ...] = ()  # name and bytes of what may be an index or a manifest
    arrays: tuple[str, ...] = ()  # first, last and some between
    many_arrays: int = 0
    checkpoints: tuple[tuple[str, int], ...] = ()
    logs: tuple[str, ...] = ()
    inside: Mapping[str, int] = field(default_factory=dict)  # dataset -> files whose longer names hold one of its names
    archives: tuple[tuple[str, int, str], ...] = ()  # name, bytes, fault

    def encoded(self) -> bytes:
        hits = {str(number): [hit.count, hit.first, hit.sketch] for number, hit in self.hits.items()}
        return json.dumps({**self.__dict__, "hits": hits}).encode()

    @classmethod
    def decoded(cls, told: bytes) -> Seen:
        """Raises ValueError, TypeError or KeyError for what `encoded` did not write."""
        held: dict[str, Any] = json.loads(told)
        return cls(
            files=held["files"],
            octets=held["octets"],
            kinds=held["kinds"],
            hits={int(number): Hit(count, first, tuple(sketch)) for number, (count, first, sketch) in held["hits"].items()},
            tables=tuple((name, size) for name, size in held["tables"]),
            arrays=tuple(held["arrays"]),
            many_arrays=held["many_arrays"],
            checkpoints=tuple((name, size) for name, size in held["checkpoints"]),
            logs=tuple(held["logs"]),
            inside=held["inside"],
            archives=tuple((name, size, fault) for name, size, fault in held["archives"]),
        )


@dataclass(frozen=True)
class Look:
    """One folder of the tree without its files: where it is, and what was seen in it."""

    path: str
    root: str
    archive: str
    seen: Seen
    stamp: str


class Signs:
    """All telling names of a registry."""

    def __init__(self, known: Mapping[str, Dataset]) -> None:
        self.known = known
        self.layouts: dict[tuple[str, str], Layout] = {}
        by_expression: dict[str, tuple[re.Pattern[str], list[tuple[str, str]]]] = {}
        for dataset in known.values():
            for part in dataset.parts:
                layout = self.layouts[dataset.name, part.name] = dataset.layout(part)
                if part.telling:
                    last = layout.steps[-1]
                    by_expression.setdefault(last.pattern, (last, []))[1].append((dataset.name, part.name))
        self.signs = tuple(Sign(expression, tuple(parts)) for expression, parts in by_expression.values())
        self._by_suffix: dict[str, list[tuple[int, re.Pattern[str]]]] = {}
        for number, sign in enumerate(self.signs):
            suffix = _suffix(self.layouts[sign.parts[0]].text.rpartition("/")[2])
            self._by_suffix.setdefault(suffix, []).append((number, sign.expression))
        self._any = self._by_suffix.pop("", [])
        self._indexes = {dataset.index.file.rpartition("/")[2].lower() for dataset in known.values() if dataset.index is not None}
        self._cores = tuple(_cores(known, self.layouts))
        self._downloads = {download.url.rpartition("/")[2] for d in known.values() for download in d.downloads if download.url}
        self.digest = _digest(known)

    def look(self, folder: Folder, memory: Remembering | None) -> Look:
        """What is seen in the folder, from memory where neither it nor the registry changed."""
        stamp = f"{folder.stamp} {self.digest}"
        told = memory.told("recognised", folder.path, stamp) if memory is not None and folder.stamp else None
        if told is not None:
            try:
                return Look(folder.path, folder.root, folder.archive, Seen.decoded(told), folder.stamp)
            except (ValueError, TypeError, KeyError):
                pass  # a damaged record is made again
        seen = self._see(folder.files)
        if memory is not None and folder.stamp:
            memory.tell("recognised", folder.path, stamp, seen.encoded())
        return Look(folder.path, folder.root, folder.archive, seen, folder.stamp)

    def datasets(self, name: str) -> set[str]:
        """Those whose files have such a name."""
        dot = name.rfind(".")
        tried = [*self._by_suffix.get(name[dot:].lower() if dot >= 0 else ".", ()), *self._any]
        return {dataset for number, sign in tried if sign.fullmatch(name) for dataset, _ in self.signs[number].parts}

    def _see(self, files: Sequence[Entry]) -> Seen:
        found: dict[int, list[str]] = {}
        rest: list[str] = []
        by_suffix, anything = self._by_suffix, self._any
        kinds: Counter[str] = Counter()
        total = 0
        for entry in files:
            name = entry.name
            kinds[entry.kind] += 1
            total += entry.size
            known = False
            dot = name.rfind(".")
            for number, expression in by_suffix.get(name[dot:].lower() if dot >= 0 else ".", ()):
                if expression.fullmatch(name):
                    found.setdefault(number, []).append(name)
                    known = True
            for number, expression in anything:
                if expression.fullmatch(name):
                    found.setdefault(number, []).append(name)
                    known = True
            if not known:
                rest.append(name)
        return Seen(
            files=len(files),
            octets=total,
            kinds=dict(kinds),
            hits={number: Hit(len(names), names[0], sketch(names)) for number, names in found.items()},
            **self._rest(files, rest),
        )

    def _rest(self, files: Sequence[Entry], rest: Sequence[str]) -> dict[str, Any]:
        lower = [(name, name.lower()) for name in rest]
        arrays = [name for name, low in lower if low.endswith(_ARRAYS)]
        logs = [name for name, low in lower if "tfevents" in low or low.endswith(_LOGS)]
        others = [name for name, low in lower if not low.endswith(_TABLES)]
        tables = [name for name, low in lower if low.endswith(_TABLES)]
        indexes = [entry.name for entry in files if entry.name.lower() in self._indexes]
        wanted = dict.fromkeys([*indexes, *islice(tables, _MOST_TABLES)], 0)
        if wanted:
            wanted |= {entry.name: entry.size for entry in files if entry.name in wanted}
        checkpoints = [
            (entry.name, entry.size) for entry in files if entry.kind not in ("midi", "audio") and _is_checkpoint(entry.name)
        ]
        archives = [
            (entry.name, entry.size, str(entry.fault))
            for entry in files
            if entry.kind == "archive" or entry.name in self._downloads
        ]
        spread = _spread(others, _SAMPLED)
        held: Counter[str] = Counter()
        for name in spread:
            for title, core in self._cores:
                if core.search(name):
                    held[title] += 1
        inside = {title: round(count / len(spread) * len(rest)) for title, count in held.items() if 2 * count >= len(spread)}
        return {
            "tables": tuple(wanted.items()),
            "arrays": tuple(_spread(arrays, 5)),
            "many_arrays": len(arrays),
            "checkpoints": tuple(checkpoints[:200]),
            "logs": tuple(logs[:500]),
            "inside": inside,
            "archives": tuple(archives),
        }


def sketch(names: Iterable[str]) -> tuple[int, ...]:
    """The smallest hashes of the names: two folders of the same names have the same, of other names hardly one in common."""
    return tuple(sorted(zlib.crc32(name.encode("utf-8", "surrogateescape")) for name in names)[:SKETCH])


def _spread(names: Sequence[str], most: int) -> list[str]:
    if len(names) <= most:
        return list(names)
    return [names[at * (len(names) - 1) // (most - 1)] for at in range(most)]


def _suffix(name: str) -> str:
    """In small letters, with the dot; "" where it holds a field, "." where there is none."""
    dot = name.rfind(".")
    suffix = name[dot:].lower() if 0 < dot < len(name) - 1 else "."
    return "" if "{" in suffix or "*" in suffix else suffix


def _is_checkpoint(name: str) -> bool:
    low = name.lower()
    return low.endswith(_CHECKPOINTS) or re.search(r"\.ckpt[-.][^/]*$|^pytorch_model.*\.bin$|^model\.ckpt", low) is not None


def _cores(known: Mapping[str, Dataset], layouts: Mapping[tuple[str, str], Layout]) -> Iterable[tuple[str, re.Pattern[str]]]:
    """Names without their ends, to be found inside longer ones: `03-01-03-01-01-01-01` in `03-01-03-01-01-01-01_16k.npy`."""
    seen: set[tuple[str, str]] = set()
    for dataset in known.values():
        for part in dataset.parts:
            if not part.telling or part.named_by or part.kind not in ("midi", "audio", "video"):
                continue
            stem = _core(dataset, part, layouts[dataset.name, part.name])
            core = re.compile(rf"(?<![0-9A-Za-z]){stem}(?![0-9A-Za-z])", re.IGNORECASE)
            if (dataset.name, stem) in seen or any(core.search(name) for name in _ANYBODYS):
                continue
            seen.add((dataset.name, stem))
            yield dataset.name, core


def _core(dataset: Dataset, part: Part, layout: Layout) -> str:
    name = layout.text.rpartition("/")[2]
    stem = name if (dot := name.rfind(".")) <= 0 else name[:dot]
    pieces = re.split(r"(\{[a-z][a-z0-9_]*\}|\*)", stem)
    return "".join(
        "[^/]*?" if piece == "*" else f"(?:{dataset.fields.get(piece[1:-1], '[^/]+?')})" if piece[:1] == "{" else re.escape(piece)
        for piece in pieces
    )


def _digest(known: Mapping[str, Dataset]) -> str:
    digest = hashlib.sha256(_FORMAT.encode())
    for name in sorted(known):
        digest.update(known[name].model_dump_json(exclude={"about", "citation", "traps", "licence", "labels", "tasks"}).encode())
    return digest.hexdigest()[:24]
