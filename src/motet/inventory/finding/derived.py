"""What was made of data: spectrograms, embeddings, manifests, logs, checkpoints and processed files, told by content."""

from __future__ import annotations

import json
import os
import pickletools
import re
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from motet.files import FilesError
from motet.inventory.finding.places import PROCESSED, above, below, called, floor, is_below, shared_folder
from motet.inventory.finding.recognising import Look, plain
from motet.inventory.findings import Derived, DerivedKind
from motet.inventory.known import Dataset
from motet.inventory.verifying.rows import BadIndex, rows
from motet.wording import several

__all__ = ["Made", "made"]

Read = Callable[[str, int], bytes]
MEL_BANDS = (40, 64, 80, 96, 128, 229, 256)
_EMBEDDING = range(128, 2049)
_HEAD = 1 << 18
_PATH = re.compile(r"[^\0\r\n]{1,1000}\.(?:mid|midi|kar|wav|wave|flac|mp3|ogg|opus|m4a|aac|aif|aiff|npy|npz|pt)", re.IGNORECASE)
_CHECKED = 500
_TRAINING = frozenset("training trainings runs tensorboard lightninglogs mlruns wandb tblogs".split())
_NAMED_LOGS = ("metrics", "history", "log", "events", "hparams", "results", "training", "train", "val", "loss")
_MANIFESTS = (".csv", ".tsv", ".json", ".jsonl", ".ndjson")
_DATED = re.compile(
    r"[-_. ]*(?:(?:19|20)\d\d[-_.]?\d\d[-_.]?\d\d)?[-_. T]*(?:\d\d[-_.:]?\d\d(?:[-_.:]?\d\d)?)?"
    r"(?:[-_. ]*(?:run|version|v)?[-_. ]*\d*)?$"
)


@dataclass(frozen=True)
class Made:
    """A derived thing, and the files it speaks for in each folder: path -> files and bytes."""

    derived: Derived
    folders: Mapping[str, tuple[int, int]]


def made(looks: Sequence[Look], known: Mapping[str, Dataset], claimed: Mapping[str, int], read: Read) -> list[Made]:
    """All that was made of data; `claimed` says of a folder how many of its files belong to a dataset."""
    roots = tuple(dict.fromkeys(look.root for look in looks))
    found: list[Made] = []
    by_folder = {
        plain(folder): d.name for d in sorted(known.values(), key=lambda d: d.name, reverse=True) for folder in d.folders
    }
    found += _training(looks, claimed)
    spoken_for = {path for one in found for path in one.folders}
    arrays: dict[tuple[str, str, str], list[tuple[Look, str]]] = {}
    processed: dict[tuple[str, str], list[Look]] = {}
    for look in looks:
        free = look.seen.files - claimed.get(look.path, 0)
        if free <= 0:
            continue
        of = _of(look, by_folder)
        if look.path not in spoken_for and look.seen.many_arrays and claimed.get(look.path, 0) == 0:
            kind, words = _arrays(look, read)
            arrays.setdefault((kind, of, _base(look, by_folder)), []).append((look, words))
            continue
        if look.seen.checkpoints and (one := _checkpoints(look, of, read)):
            found.append(one)
            if one.derived.files == look.seen.files:
                continue
        if look.path in spoken_for:
            continue
        found += _manifests(look, of, roots, known, claimed, read)
        named_so = max(look.seen.inside, key=lambda name: look.seen.inside[name], default="")
        content = sum(look.seen.kinds.get(kind, 0) for kind in ("audio", "midi", "array", "image", "video"))
        if content and claimed.get(look.path, 0) == 0 and (named_so or (of and _in_processed(look))):
            processed.setdefault((named_so or of, _base(look, by_folder)), []).append(look)
    for (kind, of, _), several_looks in sorted(arrays.items()):
        found.append(_gathered(_ARRAY_KINDS[kind], of, [look for look, _ in several_looks], several_looks[0][1]))
    for (of, base), held in sorted(processed.items()):
        inside = sum(look.seen.inside.get(of, 0) for look in held)
        words = (
            f"the names of its files stand inside the names of {several(inside, 'file')}"
            if inside
            else f"they lie in a folder called {called(base)}, below one of processed files"
        )
        found.append(_gathered("processed", of, held, words))
    return found


_ARRAY_KINDS: dict[str, DerivedKind] = {"mel": "mel_spectrograms", "embedding": "embeddings", "other": "features"}


def _gathered(kind: DerivedKind, of: str, looks: Sequence[Look], words: str) -> Made:
    files, size = sum(look.seen.files for look in looks), sum(look.seen.octets for look in looks)
    where = shared_folder(look.path for look in looks)
    evidence = f"{several(files, 'file')}: {words}."
    return Made(
        Derived(kind, where, files, size, of, evidence), {look.path: (look.seen.files, look.seen.octets) for look in looks}
    )


def _steps(look: Look) -> list[str]:
    """Paths of the folders from the root's down to this one."""
    paths, path, lowest = [look.path], look.path, floor(look)
    while path != lowest:
        path = above(path)
        paths.append(path)
    return paths[::-1]


def _of(look: Look, by_folder: Mapping[str, str]) -> str:
    """The dataset whose usual name one of the folders has; of several the innermost."""
    if look.seen.inside:
        return max(look.seen.inside, key=lambda name: look.seen.inside[name])
    return next((by_folder[name] for step in reversed(_steps(look)) if (name := plain(called(step))) in by_folder), "")


def _in_processed(look: Look) -> bool:
    return any(plain(called(step)) in PROCESSED for step in _steps(look)[1:])


def _base(look: Look, by_folder: Mapping[str, str]) -> str:
    """The folder that speaks for all of them: the one called like the dataset, else the outermost of processed files."""
    steps = _steps(look)
    for step in reversed(steps):
        if plain(called(step)) in by_folder:
            return step
    return next(
        (step for step in steps[1:] if plain(called(step)) in PROCESSED), above(look.path) if len(steps) > 2 else look.path
    )


# Arrays


def _arrays(look: Look, read: Read) -> tuple[str, str]:
    """mel, embedding or other, and why, by the headers of up to five of the files."""
    shapes = Counter[str]()
    example = ""
    for name in look.seen.arrays:
        told = shape(f"{look.path.rstrip('/')}/{name}", read)
        if told is None:
            continue
        kind = _kind_of(*told)
        shapes[kind] += 1
        if not example or kind == shapes.most_common(1)[0][0]:
            example = f"{'×'.join(map(str, told[0])) or 'one number'} {told[1]}"
    if not shapes:
        return "other", "their headers do not tell what they are"
    kind = shapes.most_common(1)[0][0]
    words = {"mel": "bands by frames", "embedding": "vectors", "other": "arrays"}[kind]
    return kind, f"{words}, {example} in the first read"


def _kind_of(sizes: tuple[int, ...], dtype: str) -> str:
    if not dtype.startswith("float"):
        return "other"
    trimmed = [size for size in sizes if size != 1]
    # N × 128 can be frames of a spectrogram or vectors: only more than one axis of several sizes makes it a spectrogram.
    if len(trimmed) == 2 and any(size in MEL_BANDS for size in trimmed):
        return "mel"
    if trimmed and len(trimmed) <= 2 and trimmed[-1] in _EMBEDDING:
        return "embedding"
    return "other"


def shape(path: str, read: Read) -> tuple[tuple[int, ...], str] | None:
    """Shape and element type of the (first) array in an .npy, .npz or .pt file, None where its header does not tell."""
    low = path.lower()
    try:
        head = read(path, _HEAD)
        if low.endswith(".npz"):
            head = _first_member(head)
        elif low.endswith((".pt", ".pth")):
            tensors = _tensors(head)
            return tensors[0] if len(tensors) == 1 else None
        return _npy(head)
    except (FilesError, ValueError, struct.error, zlib.error):
        return None


def _npy(head: bytes) -> tuple[tuple[int, ...], str] | None:
    if head[:6] != b"\x93NUMPY" or len(head) < 12:
        return None
    wide = head[6] > 1
    start = 12 if wide else 10
    length = int.from_bytes(head[8:start], "little")
    text = head[start : start + min(length, 10_000)].decode("latin-1")
    kind, sizes = re.search(r"'descr':\s*'[<>|=]?([a-zA-Z])(\d+)'", text), re.search(r"'shape':\s*\(([\d, ]*)\)", text)
    if kind is None or sizes is None:
        return None
    names = {"f": "float", "i": "int", "u": "uint", "b": "bool", "c": "complex"}
    return tuple(int(one) for one in sizes[1].split(",") if one.strip())[
        :8
    ], f"{names.get(kind[1], kind[1])}{8 * int(kind[2][:4])}"


def _first_member(head: bytes) -> bytes:
    """The first bytes of a zip file's first member, by its local header."""
    if head[:4] != b"PK\x03\x04":
        return b""
    method, name, extra = struct.unpack_from("<8xH16xHH", head)
    data = head[30 + name + extra :]
    return data[:4096] if method == 0 else zlib.decompressobj(-15).decompress(data, 4096)


def _tensors(head: bytes) -> list[tuple[tuple[int, ...], str]]:
    """Shapes in the pickle of a PyTorch file, read as a list of operations: nothing of it is run."""
    if head[:4] != b"PK\x03\x04":
        return []
    pickle = _first_pickle(head)
    found: list[tuple[tuple[int, ...], str]] = []
    kinds = {"FloatStorage": "float32", "HalfStorage": "float16", "DoubleStorage": "float64", "BFloat16Storage": "float16"}
    kind = "int"
    numbers: list[int] | None = None
    try:
        for operation, argument, _ in pickletools.genops(pickle):
            if operation.name in ("GLOBAL", "STACK_GLOBAL") and isinstance(argument, str) and "Storage" in argument:
                kind = kinds.get(argument.split()[-1], "int")
            elif operation.name == "BINPERSID":
                numbers = []
            elif numbers is not None and operation.name in ("BININT", "BININT1", "BININT2", "LONG1", "INT"):
                numbers.append(int(argument or 0))
            elif numbers is not None and operation.name in ("TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"):
                found.append((tuple(numbers[1:]), kind))  # the first number is the offset in the storage
                numbers = None
            if len(found) > 1000:
                break
    except (ValueError, IndexError, KeyError, UnicodeDecodeError):
        return found
    return found


def _first_pickle(head: bytes) -> bytes:
    method, name, extra = struct.unpack_from("<8xH16xHH", head)
    title = head[30 : 30 + name]
    if not title.endswith(b"data.pkl"):
        return b""
    data = head[30 + name + extra :]
    return data if method == 0 else zlib.decompressobj(-15).decompress(data, _HEAD)


def _checkpoints(look: Look, of: str, read: Read) -> Made | None:
    """Files of weights; a folder with many small .pt files of one array each holds features, not weights."""
    names = dict(look.seen.checkpoints)
    kept: dict[str, int] = {}
    arrays: list[tuple[tuple[int, ...], str]] = []
    for number, (name, size) in enumerate(names.items()):
        if name.lower().endswith((".pt", ".pth")) and number < 5:
            told = shape(f"{look.path.rstrip('/')}/{name}", read)
            if told is not None:
                arrays.append(told)
                continue
        kept[name] = size
    if arrays and len(arrays) >= min(5, len(names)):
        total = sum(names.values())
        kind = _kind_of(*arrays[0])
        size_of_first = "×".join(map(str, arrays[0][0]))
        words = f"{several(len(names), 'file')} with one array each, {size_of_first} {arrays[0][1]} in the first read."
        return Made(Derived(_ARRAY_KINDS[kind], look.path, len(names), total, of, words), {look.path: (len(names), total)})
    if not kept:
        return None
    total = sum(kept.values())
    words = f"{several(len(kept), 'file')} of weights, the largest {max(kept.values()):,} bytes: {_first(kept)}."
    return Made(Derived("checkpoints", look.path, len(kept), total, of, words), {look.path: (len(kept), total)})


# Training logs


def _training(looks: Sequence[Look], claimed: Mapping[str, int]) -> list[Made]:
    by_base: dict[str, list[tuple[Look, int]]] = {}
    for look in looks:
        if not look.seen.logs or claimed.get(look.path, 0):
            continue
        steps = _steps(look)
        base = next((step for step in reversed(steps) if plain(called(step)) in _TRAINING), None)
        if base is None:
            base = next((step for step in reversed(steps) if plain(called(step)) in ("logs", "log")), None)
        events = [name for name in look.seen.logs if "tfevents" in name.lower()]
        logs = [name for name in look.seen.logs if name.lower().endswith(".log") or name.lower().startswith(_NAMED_LOGS)]
        if base is None and not events:
            continue
        if not events and not logs and plain(called(base or "")) in ("logs", "log"):
            continue
        by_base.setdefault(base or look.path, []).append((look, len(look.seen.logs)))
    found = []
    for base, several_looks in sorted(by_base.items()):
        runs: dict[str, set[str]] = {}
        for look, _ in several_looks:
            parts = below(look.path, base).split("/") if look.path != base else []
            if parts:
                model = _model(parts[0])
                if len(parts) > 1:
                    runs.setdefault(model, set()).add(parts[1])
                elif model != parts[0]:
                    runs.setdefault(model, set()).add(parts[0])
                else:
                    runs.setdefault(model, set()).update(look.seen.logs)
            else:
                for name in look.seen.logs:
                    runs.setdefault(_model(re.sub(r"\.[a-z]+$", "", name)), set()).add(name)
        files = sum(number for _, number in several_looks)
        folders = {look.path: (look.seen.files, look.seen.octets) for look, _ in several_looks}
        told = "; ".join(f"{model}: {several(len(which), 'run')}" for model, which in sorted(runs.items())[:20])
        words = f"{several(files, 'file')} of {several(len(runs), 'model')}: {told}{'; …' if len(runs) > 20 else ''}."
        names = tuple(sorted(runs))
        total = sum(size for _, size in folders.values())
        found.append(Made(Derived("training_log", base, files, total, "", words, names), folders))
    return found


def _model(name: str) -> str:
    """A model's name without the date, time or number of its run."""
    return _DATED.sub("", name) or name


# Manifests


def _manifests(
    look: Look, of: str, roots: Sequence[str], known: Mapping[str, Dataset], claimed: Mapping[str, int], read: Read
) -> list[Made]:
    tables = [table for table in look.seen.tables if table[0].lower().endswith(_MANIFESTS)]
    if claimed.get(look.path, 0) or look.seen.kinds.get("table", 0) > 50:
        return []  # tables of a dataset are its own; many in a folder stand beside one file each
    found = []
    for name, size in tables[:20]:
        path = f"{look.path.rstrip('/')}/{name}"
        named = _paths(path, read)
        if len(named) < 2:
            continue
        checked = named[:_CHECKED]
        there = sum(_is_there(one, look.path, roots) for one in checked)
        inside = Counter(_dataset(one, known) for one in checked)
        del inside[""]
        whose = inside.most_common(1)[0][0] if inside and 2 * inside.most_common(1)[0][1] >= len(checked) else of
        words = f"Rows name files: {there:,} of the first {len(checked):,} are there."
        found.append(Made(Derived("manifest", path, 1, size, whose, words), {look.path: (1, size)}))
    return found


def _paths(path: str, read: Read) -> list[str]:
    """The first path of a sound, song or array in each row."""
    suffix = path.rpartition(".")[2].lower()
    try:
        data = read(path, _HEAD)
        if len(data) == _HEAD:
            data = data.rpartition(b"\n")[0]
        if suffix == "json" and len(data) < _HEAD:
            return list(_within(json.loads(data)))[:5000]
        if suffix == "json":
            return [
                m[1].decode("utf-8", "surrogateescape")
                for m in re.finditer(rb'"([^"\\]{1,1000}\.(?:mid|wav|flac|mp3|npy))"', data)
            ]
        format = {"ndjson": "jsonl"}.get(suffix, suffix)
        found = []
        for row in rows(data, format):
            told = next(_within(list(row.values())), None)
            if told:
                found.append(told)
        return found
    except (FilesError, BadIndex, ValueError, RecursionError):
        return []


def _within(told: object, depth: int = 0) -> Iterator[str]:
    if isinstance(told, str):
        if _PATH.fullmatch(told):
            yield told
    elif depth < 6 and isinstance(told, (list, dict)):
        for one in [*told, *told.values()] if isinstance(told, dict) else told:
            yield from _within(one, depth + 1)


def _is_there(named: str, folder: str, roots: Sequence[str]) -> bool:
    """Is the file there, seen from the manifest's folder or one above it? Nothing outside the roots is asked for."""
    if "!" in folder:
        return False
    named = named.replace("\\", "/")
    tried = [named] if named.startswith("/") else []
    at = folder
    while not tried or not named.startswith("/"):
        tried.append(f"{at.rstrip('/')}/{named}")
        if at in roots or at == "/":
            break
        at = above(at)
    if named.startswith("/"):
        tried = [named]
    for one in tried:
        one = os.path.normpath(one)
        if any(is_below(one, root) for root in roots):
            try:
                if os.path.isfile(one):
                    return True
            except ValueError:
                continue
    return False


def _dataset(path: str, known: Mapping[str, Dataset]) -> str:
    steps = {plain(step) for step in path.replace("\\", "/").split("/")[:-1]}
    for dataset in known.values():
        if steps & {plain(folder) for folder in dataset.folders}:
            return dataset.name
    name = path.replace("\\", "/").rpartition("/")[2]
    for dataset in known.values():
        for part in dataset.parts:
            if part.telling and dataset.layout(part).of_name(name):
                return dataset.name
    return ""


def _first(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:3]) + (f" and {len(every) - 3:,} more" if len(every) > 3 else "")
