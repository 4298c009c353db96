"""Datasets leave in the forms that others read: their examples, handed to a form of `motet.export`.

A form of FORMS is given every example with all its voices (`motet.export.example`). What is left are exports with a reading of
their own; a package adds one as an entry point of the group `motet.exporters`, a function `(dataset, folder, where) -> Written`.
"""

from __future__ import annotations

import fcntl
import importlib
import importlib.metadata
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from motet.dataset.durable import write_bytes
from motet.dataset.folder import RECIPE_FILE, Dataset
from motet.errors import UserError
from motet.export.example import Checker, Choice, Fault, Voice, Writer, Written
from motet.export.publishing import LIST, PENDING, blaming, in_order, sha256_of
from motet.exporting import films, labels, songs
from motet.exporting.carding import About, with_card
from motet.exporting.reading import Reading, Wanted

__all__ = ["FORMS", "Form", "check", "export", "names"]

Exporter = Callable[[Dataset, Path, str], Written]


@dataclass(frozen=True)
class Form:
    """How a form is written. `of` is what it is of where nobody chooses: clips or songs; `songs_only` leaves no choice."""

    about: str
    module: str
    voices: frozenset[Voice]
    of: str = "clips"
    songs_only: bool = False
    options: tuple[str, ...] = ()

    @property
    def write(self) -> Writer:
        written: Writer = importlib.import_module(self.module).write
        return written

    @property
    def check(self) -> Checker:
        checker: Checker = importlib.import_module(self.module).check
        return checker


def _form(name: str, about: str, *voices: Voice, of: str = "clips", songs_only: bool = False) -> Form:
    return Form(about, f"motet.export.{name}", frozenset(voices), of, songs_only)


FORMS: dict[str, Form] = {
    "audiocraft": _form("audiocraft", "manifests, FLAC and sidecars, as MusicGen trains on them", "mix", "captions"),
    "stable-audio": _form("stable_audio", "audio, sidecars and metadata module for stable-audio-tools", "mix", "captions"),
    "huggingface": _form("huggingface", "Parquet shards that `datasets` loads", "mix", "midi", "captions", "video"),
    "audiofolder": _form("audiofolder", "an AudioFolder: files beside metadata.jsonl", "mix", "midi", "captions"),
    "webdataset": _form("webdataset", "tar shards for WebDataset", "mix", "midi", "captions", "video"),
    "jsonl": _form("jsonl", "JSON lines beside files", "mix", "midi", "captions"),
    "midi": _form("midi_files", "MIDI files with a table", "midi", "captions", of="songs"),
    "tokens": _form("tokens", "token ids by MidiTok, in Parquet", "midi", "captions", of="songs"),
    "piano-rolls": _form("piano_rolls", "piano rolls as arrays", "midi", "captions", of="songs"),
    "song-tree": _form(
        "song_tree", "Artist/Title/ with a MIDI file per instrument", "midi", "stems", of="songs", songs_only=True
    ),
    "slakh": _form("slakh", "tracks with stems, as Slakh2100 lays them out", "mix", "stems", "midi", of="songs", songs_only=True),
    "twelve-fields": _form("twelve_fields", "one list of clips with twelve fields each", "mix", "captions"),
}

OWN: dict[str, Exporter] = {
    "song-json": songs.song_json,
    "manifests": labels.manifests,
    "shards": labels.shards,
    "midi-video": films.midi_video,
}


def export(
    dataset: Dataset,
    kind: str,
    folder: Path,
    where: str = "",
    *,
    choice: Choice | None = None,
    wanted: Wanted | None = None,
    about: About | None = None,
) -> Written:
    """Write a dataset as `kind` into a folder that is new, empty, or holds an earlier export, whose other files then go.

    `choice` None takes what the form is for; `about` goes into the card. `where` is SQL on the columns of the table that the
    examples are of. Raises UserError for an unknown kind, a condition that is none, and a folder that is somebody else's.
    """
    form = FORMS.get(kind)
    write = None if form else exporter(kind)
    if write is not None and (choice is not None or wanted is not None):
        raise UserError(f"The export {kind} takes --where only: of what, in which format and with what else it decides itself.")
    _earlier(folder)  # before anything is made
    with blaming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        before = _earlier(folder)
        begun = {"as": kind, "unfinished": True, "files": sorted(before.files), "pieces": before.pieces, "sha256": before.sums}
        with blaming(folder):
            write_bytes(folder / LIST, json.dumps(begun).encode())  # so that the folder is ours whenever this is stopped
        try:
            if form:
                asked = replace(wanted or Wanted(songs=form.of == "songs"), where=where)
                done = _written(dataset, form, kind, folder, choice, asked, about or About())
            else:
                assert write is not None
                done = write(dataset, folder, where)
        except UserError:
            if os.listdir(folder) == [LIST] and not before.files:  # nothing came of it
                (folder / LIST).unlink()
            raise
        for gone in before.files - set(done.files):
            (folder / gone).unlink(missing_ok=True)
            _emptied(folder, (folder / gone).parent)
        files = sorted(done.files)
        sums = dict(zip(files, in_order(files, lambda name: sha256_of(folder / name), 16), strict=True))
        told = {"as": kind, "snapshot": dataset.snapshot.number, "files": files, "sha256": sums, "pieces": list(done.pieces)}
        write_bytes(folder / LIST, json.dumps(told, indent=1).encode())
    return done


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One export at a time writes into a folder; the kernel drops the lock of one that died."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"Another export is writing into {folder}: wait for it, or choose another folder.", 1) from None
        yield
    finally:
        os.close(opened)


def check(folder: Path) -> list[Fault]:
    """What the program that an export is for would stumble over. Raises UserError for a folder that is no such export."""
    try:
        told = json.loads((folder / LIST).read_text(encoding="utf-8"))
        kind = str(told["as"])
    except FileNotFoundError:
        raise UserError(f"{folder} is neither a dataset nor an export: `motet export` writes one.") from None
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise UserError(f"{folder / LIST} cannot be read: export anew.") from None
    if told.get("unfinished"):
        raise UserError(f"The export in {folder} was stopped: run it again to the end.", 1)
    if kind.partition(":")[0] not in names():
        raise UserError(f"{folder / LIST} names an export {kind!r} that this motet does not know.")
    found = list(_other_than_written(folder, told.get("sha256")))
    return [*found, *(FORMS[kind].check(folder) if kind in FORMS else ())]


def _other_than_written(folder: Path, sums: Any) -> Iterator[Fault]:
    """What is gone, has other bytes, or came since; the README is the user's to change."""
    known = {name: told for name, told in sums.items() if _is_inside(name)} if isinstance(sums, dict) else {}
    names_ = sorted(known)
    for name, found in zip(names_, in_order(names_, lambda name: _found(folder / name), 16), strict=True):
        if not found:
            yield Fault("gone", name, "The export wrote this file, and it is not there.")
        elif found != known[name]:
            yield Fault("other_bytes", name, "It holds other bytes than the export wrote.", fatal=name != "README.md")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (name := path.relative_to(folder).as_posix()) not in {*known, LIST}:
            yield Fault("extra", name, "The export did not write this file.", fatal=False)


def _is_inside(name: Any) -> bool:
    return isinstance(name, str) and name.isprintable() and not PurePosixPath(name).is_absolute() and ".." not in name.split("/")


def _found(path: Path) -> str:
    try:
        return sha256_of(path) if path.is_file() else ""
    except OSError:
        return "unreadable"


def names() -> list[str]:
    """All that `kind` may be."""
    return sorted({*FORMS, *OWN, *(entry.name for entry in importlib.metadata.entry_points(group="motet.exporters"))})


def exporter(name: str) -> Exporter:
    """The exporter with a reading of its own of this name; raises UserError listing all."""
    plugged = {entry.name: entry for entry in importlib.metadata.entry_points(group="motet.exporters")}
    if name in OWN:
        return OWN[name]
    kind, colon, megabytes = name.partition(":")
    if kind == "shards" and colon:
        if not (megabytes.isdecimal() and megabytes.isascii() and 0 < int(megabytes[:9]) <= 100_000):
            raise UserError(f"{name!r} gives no size: write shards:256 for tar files of at most 256 MB.")
        return partial(labels.shards, megabytes=int(megabytes[:9]))
    if name not in plugged:
        raise UserError(f"There is no export called {name!r}; there are: {', '.join(names())}.")
    loaded: Exporter = plugged[name].load()
    return loaded


def _written(
    dataset: Dataset, form: Form, kind: str, folder: Path, choice: Choice | None, wanted: Wanted, about: About
) -> Written:
    if form.songs_only and not wanted.songs:
        raise UserError(f"The export {kind} is of whole songs: leave --of out, or say --of songs.")
    chosen = choice or Choice(voices=form.voices & available(dataset, songs=wanted.songs))
    reading = Reading(dataset, replace(wanted, voices=chosen.voices))
    done = form.write(reading, folder, chosen)
    done = replace(done, remarks=[*done.remarks, *reading.remarks])
    return with_card(dataset, kind, reading, chosen, folder, done, about)


def available(dataset: Dataset, *, songs: bool) -> frozenset[Voice]:
    """The voices that examples of this dataset have."""
    there = dataset.tables()
    found: set[Voice] = {"mix"} if not songs or there.get("mixes") else set()
    if there.get("parts") or "movies" in there:
        found.add("midi")
    if there.get("stems") or (songs and there.get("parts")):
        found.add("stems")
    if not songs and (there.get("films") or "movies" in there):
        found.add("video")
    if not songs and (there.get("captions") or there.get("films")):
        found.add("captions")
    return frozenset(found)


@dataclass(frozen=True)
class _Earlier:
    """What an earlier export left in a folder: its files, and the pieces that need not be done again."""

    files: set[str]
    pieces: list[Any]
    sums: dict[str, str]


def _earlier(folder: Path) -> _Earlier:
    """What lies there already; raises UserError where others' files do."""
    place = folder.resolve()
    if any((above / RECIPE_FILE).exists() for above in (place, *place.parents)):
        raise UserError(f"{folder} is in a dataset: export into a folder outside it.")
    if folder.is_symlink() and not folder.exists():
        raise UserError(f"{folder} is a link that leads nowhere: export into a new or empty folder.")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is no folder: export into a new or empty one.")
    there: set[str] = set()
    for base, folders, files in os.walk(folder):
        if linked := next((name for name in folders if os.path.islink(os.path.join(base, name))), ""):
            raise UserError(f"{folder} holds a link to a folder, {linked}: export into a new or empty folder.")
        there.update(os.path.relpath(os.path.join(base, name), folder) for name in files)
    try:
        told = json.loads((folder / LIST).read_text(encoding="utf-8"))
        named, pieces = {name for name in told["files"] if isinstance(name, str)}, list(told.get("pieces", []))
        unfinished, sums = bool(told.get("unfinished")), dict(told.get("sha256") or {})
    except FileNotFoundError:
        if any(not name.startswith((f"{PENDING}{os.sep}", f".{LIST}.")) for name in there):
            raise UserError(f"{folder} holds other files: export into a new or empty folder.") from None
        return _Earlier(set(), [], {})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UserError(f"{folder / LIST} cannot be read: export into a new or empty folder.") from None
    # Of an export that was stopped while its files got their names, all that lies there is its own: it began in a folder of ours.
    ours = {name for name in there if not name.startswith(f"{PENDING}{os.sep}") and name != LIST}
    return _Earlier(ours if unfinished else ours & named, pieces, sums)


def _emptied(folder: Path, place: Path) -> None:
    """Folders of files that went go too, once nothing is in them."""
    while place != folder and place.is_dir() and not any(place.iterdir()):
        place.rmdir()
        place = place.parent
