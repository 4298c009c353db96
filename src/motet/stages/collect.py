"""Sources become files, each of a kind: MIDI, recordings, films, and lists of the songs that films use.

The kind is what a file's name says, unless its source is called by one: in `recordings=PATH` a concert in MP4 is a recording.
Lists are taken only from sources that are called so, or that are a list themselves: a table beside a film may be anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

from motet import files
from motet.dataset.rows import Collected, File
from motet.files.kinds import FILMS, HEAD, LISTS, MIDI, RECORDINGS, Kind, any_of
from motet.run import Drop, Settings, Tools, Unanswered, Verdict, stage
from motet.stages.scan import root_of, walked

KINDS = {"midi": MIDI, "recordings": RECORDINGS, "films": FILMS, "lists": LISTS}
_PLAIN = (MIDI, FILMS, RECORDINGS)  # of files in a source without a name: the first that fits


class Collect(Settings):
    source_names: ClassVar[tuple[str, ...]] = tuple(KINDS)

    @property
    def kind(self) -> Kind:
        """What the walk takes."""
        return any_of(tuple(KINDS.values()))


@stage(version=1)
def collect(sources: list[Path], settings: Collect, tools: Tools) -> Iterator[Verdict[Collected]]:
    names: dict[str, set[str]] = {}
    for name, path in tools.named:
        names.setdefault(root_of(path), set()).add(name)
    for found in walked(list(dict.fromkeys(sources)), settings.kind, tools.cache / "files-collected.sqlite"):
        if not found.rows:
            yield Verdict(found.id, found.drop, (), found.path)
            continue
        (file,) = found.rows
        kind = _kind(file, names.get(file.root, set()))
        if isinstance(kind, Drop):
            yield Verdict(found.id, kind, (), found.path)
        else:
            yield Verdict(found.id, None, (Collected(**asdict(file), kind=kind),), found.path)


def _kind(file: File, names: set[str]) -> str | Drop:
    said = sorted(names - {""})
    if said:
        fits = [name for name in said if KINDS[name].named(file.inner_path)]
        unnamed = not any(kind.named(file.inner_path) for kind in KINDS.values())
        fits = fits or [name for name in said if unnamed and KINDS[name].test(_head(file))]
        if fits:
            return KINDS[fits[0]].name
        if "" not in names:
            return Drop("another_kind", f"none of the {' and '.join(said)} that its source is said to hold")
    if LISTS.named(file.inner_path):
        if file.root == file.location:
            return LISTS.name
        return Drop("unasked_list", "a list of songs is taken where one says so: lists=PATH")
    by_name = [kind.name for kind in _PLAIN if kind.named(file.inner_path)]
    by_content = by_name or [kind.name for kind in _PLAIN if kind.test(_head(file))]
    return by_content[0] if by_content else Drop("unknown_kind", "neither its name nor its first bytes tell what it is")


def _head(file: File) -> bytes:
    if file.member >= 0:  # of a member of an archive its name has to tell
        return b""
    try:
        with open(files.on_disk(file.location), "rb") as opened:
            return opened.read(HEAD)
    except OSError:
        return b""  # what reads it next says why


def where(file: File) -> str:
    """Where a file's bytes lie, for a row that stands for another source."""
    places = ("root", "location", "member", "offset", "inner_path", "size")
    return json.dumps({name: getattr(file, name) for name in places}, ensure_ascii=False)


def file_at(place: str, sha256: str) -> File:
    """The file that `where` told of."""
    return File(**json.loads(place), sha256=sha256)


def film_at(place: str, sha256: str) -> Path:
    """The path of a film. Its size vouches for it: this run's scan knows its content, and to read it all again takes minutes."""
    file = file_at(place, sha256)
    path = Path(files.on_disk(file.location))
    try:
        size = path.stat().st_size
    except OSError as error:
        raise Unanswered(f"{path.name} cannot be read: {error.strerror}") from None
    if size != file.size:
        raise Unanswered(f"{path.name} is no longer what was scanned: build again")
    return path
