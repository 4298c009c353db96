"""What the loader of AudioFolder makes of a folder of sounds and tables, said before anybody trains on it.

The rules are those of huggingface/datasets 5, `packaged_modules/folder_based_builder/folder_based_builder.py`. It reads what the
tables name and nothing else: a sound that no row names is not there, and a table that is called otherwise, or lies where no split
finds it, leaves sounds without words; neither is told.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from motet.export.example import SPLITS, Fault
from motet.export.huggingface_rules import Seen
from motet.export.huggingface_view import FILMS, SOUNDS, TABLE_NAMES, View, fault, limited, listed_faults
from motet.export.media_faults import film_fault, midi_fault, short, sound_fault
from motet.export.publishing import in_order

__all__ = ["check"]

MANY = 10_000  # files of a folder, of which the Hub takes no more
_SIDECARS = (".json", ".jsonl", ".csv", ".tsv", ".txt", ".parquet")
_CHUNK = 10 << 20  # bytes of JSON lines of which the loader guesses the types at a time


@dataclass
class _Told:
    """What tables name: by path, in lower case too, as other disks have it."""

    folder: Path
    names: frozenset[str]
    seen: Seen = field(default_factory=Seen)
    sounds: Counter[str] = field(default_factory=Counter)
    others: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.alike = {name.casefold(): name for name in self.names}


def check(folder: Path) -> list[Fault]:
    """What is wrong in a folder of sounds. Reads every row of its tables, and decodes every sound, film and file of notes."""
    view = View.of(folder)
    found = view.faults + listed_faults(folder, view.names)
    tables = [name for name in view.names if PurePosixPath(name).name in TABLE_NAMES]
    sounds = {name for name in view.names if _suffix(name) in SOUNDS and not name.startswith("films/")}
    if not sounds:
        return [*found, fault("no_sound", "", "holds no sound that the loader knows")]
    if not tables:
        said = f"has no table called {', '.join(TABLE_NAMES[:-1])} or {TABLE_NAMES[-1]}: sounds load without a word about them"
        return [*found, fault("no_metadata", "", said), *_misnamed(view)]
    found += _found_tables(view, tables, sounds)
    found += _misnamed(view)
    told = _Told(folder, frozenset(view.names))
    first: dict[str, Any] = {}
    for split, names in view.splits.items():
        for name in names:
            if name in tables:
                found += _table_faults(told, name, split, first)
    for name in sorted(sounds - set(told.sounds)):
        found.append(fault("unnamed", name, "is a sound that no row names: the loader leaves it out"))
    for name, times in told.sounds.items():
        if times > 1:
            found.append(fault("named_twice", name, f"is named by {times} rows"))
    for name in sorted(view.names):
        if (_suffix(name) in ("mid", "midi") or name.startswith("films/")) and name not in told.others:
            found.append(fault("unnamed", name, "is named by no row", fatal=False))
    per_folder = Counter(str(PurePosixPath(name).parent) for name in view.names)
    for place, number in sorted(per_folder.items()):
        if number > MANY:
            found.append(
                fault("many_files", place, f"holds {number:,} files, and the Hub takes {MANY:,} of a folder", fatal=False)
            )
    return limited(found)


def _found_tables(view: View, tables: list[str], sounds: set[str]) -> Iterator[Fault]:
    """Tables that are not found, or of several kinds; splits without one; folders that are taken for something else."""
    if len(kinds := sorted({_suffix(name) for name in tables})) > 1:
        yield fault(
            "two_formats", tables[0], f"is not the only kind of table: there are {' and '.join(kinds)}, and nothing loads"
        )
    loaded = {name for names in view.splits.values() for name in names}
    for name in tables:
        if name not in loaded:
            yield fault("ignored", name, "lies in no folder of a split: what it tells is passed over")
    for name in sorted(sounds - loaded):
        yield fault("ignored", name, "lies in no folder of a split: it is not loaded")
    for split, names in view.splits.items():
        there = [name for name in names if name in tables]
        if not there:
            yield fault("no_metadata", split, "has no table while other splits have one: none of its sounds is loaded")
        elif len(there) > 1:
            yield fault("several_tables", there[1], f"is one of {len(there)} of {split}: rows load in any order", fatal=False)
        suffix = view.taken_for(split)
        if suffix not in SOUNDS or suffix in FILMS:
            kind = f"files of .{suffix}" if suffix else "tables"
            yield fault("not_audio", split, f"is taken for {kind}, of which it has most, unless AudioFolder is asked for by name")
    for split in view.splits:
        if split not in SPLITS:
            yield fault("other_split", split, "is a split that nobody expects", fatal=False)
    for name, others in _in_two(view.splits).items():
        yield fault("two_splits", name, f"is loaded for {' and '.join(others)}")


def _in_two(splits: Mapping[str, list[str]]) -> dict[str, list[str]]:
    of: dict[str, list[str]] = {}
    for split, names in splits.items():
        for name in names:
            of.setdefault(name, []).append(split)
    return {name: some for name, some in of.items() if len(some) > 1}


def _misnamed(view: View) -> Iterator[Fault]:
    """Words beside sounds that nobody reads: JSON sidecars, tables of another name."""
    for names in view.splits.values():
        for name in names:
            if name.endswith(_SIDECARS) and PurePosixPath(name).name not in TABLE_NAMES:
                yield fault("sidecar", name, f"is passed over: only tables called {' or '.join(TABLE_NAMES)} are read")
    for name in view.names:
        path = PurePosixPath(name)
        if path.stem.casefold() == "metadata" and path.name not in TABLE_NAMES:
            yield fault("misnamed", name, f"is passed over: tables are called {' or '.join(TABLE_NAMES)}")


def _table_faults(told: _Told, name: str, split: str, first: dict[str, Any]) -> Iterator[Fault]:
    import pyarrow as pa

    rows = 0
    try:
        for table in _batches(told.folder / name):
            if not rows:
                yield from _column_faults(table.schema, name)
                types = {column.name: column.type for column in table.schema}
                if first and types != first:
                    odd = sorted(column for column in {*types, *first} if types.get(column) != first.get(column))
                    yield fault("other_columns", name, f"has other columns than the first table, or of other types: {short(odd)}")
                first.update(types if not first else {})
            for row, wrong, sounds, others in in_order(table.to_pylist(), partial(_judged, told, PurePosixPath(name).parent)):
                rows += 1
                told.sounds.update(sounds)
                told.others.update(others)
                yield from (fault(rule, name, said, fatal) for rule, said, fatal in wrong)
                yield from told.seen.row(row, name, split)
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, AttributeError, MemoryError, OverflowError) as error:
        yield fault("unreadable", name, f"cannot be read ({short(error)}): nothing loads")
        return
    if not rows:
        yield fault("empty", name, "has no row")


def _batches(path: Path) -> Iterator[Any]:
    """Tables of some hundred rows, of types as the loader finds them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for batch in file.iter_batches(batch_size=500):
                yield pa.Table.from_batches([batch])
    elif path.suffix == ".jsonl":
        from pyarrow import json as lines

        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                chunk += file.readline()
                yield lines.read_json(io.BytesIO(chunk), read_options=lines.ReadOptions(block_size=len(chunk) + 1))
    else:
        from pyarrow import csv

        yield csv.read_csv(path)


def _column_faults(kind: Any, name: str) -> Iterator[Fault]:
    import pyarrow as pa

    if "file_name" not in kind.names:
        yield fault("no_file_name", name, "has no column file_name: nothing tells which sound a row is about")
    elif not (pa.types.is_string(kind.field("file_name").type) or pa.types.is_large_string(kind.field("file_name").type)):
        yield fault("no_file_name", name, f"has a column file_name of {kind.field('file_name').type}, and it must be text")
    for column in kind.names:
        if column != "file_name" and column.endswith("_file_name"):
            yield fault("other_sound", name, f"has a column {short(column)}, which the loader takes for a sound", fatal=False)


_Judged = tuple[dict[str, Any], list[tuple[str, str, bool]], list[str], list[str]]


def _judged(told: _Told, place: PurePosixPath, row: dict[str, Any]) -> _Judged:
    """A row, what is wrong with the files that it names, the sounds among them, and the others. `place`: its table's folder."""
    wrong: list[tuple[str, str, bool]] = []
    sounds: list[str] = []
    others: list[str] = []
    who = short(row.get("id") or row.get("file_name"))

    def say(rule: str, said: str, fatal: bool = True) -> None:
        wrong.append((rule, f"{'has a row' if rule == 'bad_path' else 'tells'} of {who}: {said}", fatal))

    def sound(value: Any, seconds: float | None) -> None:
        path = _path(value, place)
        if path is None:
            say("bad_path", f"its file_name {short(repr(value))} is no path below the table's folder")
        elif (found := _there(told, path)) != path:
            say("missing", f"{short(path)} is not there" + (f", but {short(found)} is" if found else ""))
        else:
            sounds.append(path)
            if _suffix(path) not in SOUNDS:
                say("no_suffix", f"{short(path)} has a suffix that the loader does not know for a sound")
            said = sound_fault(told.folder / path)
            said = said or (sound_fault(told.folder / path, float(seconds)) if isinstance(seconds, int | float) else "")
            if said:
                say("damaged", f"{short(path)}: {said}")

    def other(value: Any, judge: Any) -> None:
        if value is None:
            return
        path = _path(value, PurePosixPath())
        if path is None or _there(told, path) != path:
            say("missing", f"{short(value)} is not there")
            return
        others.append(path)
        if said := judge(told.folder / path):
            say("damaged", f"{short(path)}: {said}")

    sound(row.get("file_name"), row.get("seconds"))
    other(row.get("video_path"), film_fault)
    other(row.get("midi_path"), _midi)
    stems = row.get("stems")
    for stem in stems if isinstance(stems, list) else ():
        if isinstance(stem, dict):
            if stem.get("file_name") is not None:
                sound(stem["file_name"], None)
            other(stem.get("midi_path"), _midi)
    return row, wrong, sounds, others


def _midi(path: Path) -> str:
    try:
        return midi_fault(path.read_bytes())
    except OSError as error:
        return short(error)


def _path(value: Any, place: PurePosixPath) -> str | None:
    """A path in the folder; None for what the loader refuses: a URL, an absolute path, one that leaves the table's folder."""
    if not isinstance(value, str) or not value or "://" in value or "\x00" in value or value.startswith("/") or "\\" in value:
        return None
    parts: list[str] = []
    for part in value.split("/"):
        if part == ".." and not parts:
            return None
        if part == "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return (place / "/".join(parts)).as_posix() if parts else None


def _there(told: _Told, path: str) -> str | None:
    """The file of that path, or the one that a disk without case would give."""
    return path if path in told.names else told.alike.get(path.casefold())


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()[1:]
