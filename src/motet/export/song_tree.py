"""Whole songs as folders that a person can walk through: by artist and title, an instrument's notes in each file.

    Artist/Title/00 Lead Vocal.mid      one MIDI file for each instrument, on the song's own clock
    Artist/Title/song.json              the song's record: names, tags, features, sections (`motet.export.song_json`)
    Artist/Title/mix.flac               the recording, where the mix was chosen
    Artist/Title/stems/00 Lead Vocal.flac
    index.jsonl                         a line for each song: its folder, split, names, facts and files

Songs whose artist nobody knows lie in "Unknown Artist", and those without a title bear their source's file name. Artists that
differ in case or in the form of their accents only share a folder; a song of a name that is taken has a number behind it. No
folder is empty. The index is what a program reads; `check` holds the tree to it.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from motet.errors import UserError
from motet.export.example import SPLITS, Choice, Example, Examples, Fault, Written
from motet.export.midi_files import Songs, batches, inside, json_lines, row, text
from motet.export.naming import free, plain_name
from motet.export.publishing import LIST, Pending, digest, in_order, published
from motet.export.sound import encoded
from motet.wording import several

__all__ = ["INDEX", "OPTIONS", "check", "write"]

OPTIONS: tuple[str, ...] = ()
FORM, VERSION = "song-tree", 1
PIECE = 50  # songs
INDEX = "index.jsonl"
RECORD = "song.json"
UNKNOWN = "Unknown Artist"
_TOPS = (INDEX, LIST, "README.md", "LICENSE.md", "card")  # files beside the artists' folders, of an export as it is published
_DEEPEST = 4  # parts of a path: artist, title, stems, file
_SUFFIXES = ("flac", "wav", "ogg", "opus", "mp3")


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write the tree and its index, of examples that are whole songs. Songs of which nothing is to write are left out.

    Raises UserError where nothing is left, and for two examples of one id.
    """
    choice.check_options(*OPTIONS)
    lacking: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    lines = []
    with published(folder, lambda name: (name == INDEX, name)) as pending:
        for batch in _placed(examples):
            told = [[one.key, one.id, one.song, one.path, one.split, place] for one, place in batch]
            key = digest(FORM, VERSION, sorted(choice.voices), choice.audio, choice.rate, choice.channels, choice.captions, told)
            note = pending.note(key)
            if note is None:
                rows = list(in_order(batch, lambda one: _song(pending, *one, choice), 4))
                note = {"rows": rows}
                pending.done(key, [f"{line['folder']}/{file['name']}" for line in rows for file in line["files"]], note)
            for line in note["rows"]:
                lacking.update(_lacks(line, choice))
                if line["files"]:
                    splits[line["split"]] += 1
                    lines.append(json.dumps(line).encode() + b"\n")
        if not lines:
            raise UserError("No song has anything of what was chosen: choose other voices, or build with a recipe that has them.")
        pending.write(INDEX, b"".join(lines))
        names = pending.names
    remarks = [f"{several(count, 'song')} {what}." for what, count in sorted(lacking.items())]
    remarks += [f"No song is in {split}." for split in SPLITS if not splits[split]]
    return Written(names, remarks, tuple(pending.pieces.values()))


def check(folder: Path) -> list[Fault]:
    """What somebody who reads the tree by its index, or walks through it on any disk, would stumble over."""
    faults: list[Fault] = []
    songs, listed, places = Songs(), set[str](), set[str]()
    for where, told, wrong in json_lines(folder / INDEX, INDEX):
        if told is None:
            faults.append(Fault("list", where, wrong))
            continue
        place, files, split = told.get("folder"), told.get("files"), told.get("split")
        if inside(folder, place) is None or not isinstance(place, str) or len(PurePosixPath(place).parts) != 2:
            faults.append(Fault("name", where, "Its folder is no Artist/Title inside this one."))
            continue
        if place in places:
            faults.append(Fault("twice", place, "Two songs are said to lie in it."))
        places.add(place)
        if split not in SPLITS:
            faults.append(Fault("split", place, f"There is no split {split!r}."))
        faults += songs.leak(told.get("song"), split, place)
        if not isinstance(files, list) or not files:
            faults.append(Fault("list", where, "It lists no files."))
            continue
        for file in files:
            name = f"{place}/{file.get('name')}" if isinstance(file, dict) else ""
            path = inside(folder, name)
            if path is None:
                faults.append(Fault("name", where, "A file it lists is no path inside the song's folder."))
                continue
            listed.add(name)
            faults += _opened(path, name, file)
    return [*faults, *_walked(folder, listed)]


# --- writing ---


@dataclass
class _Names:
    """Folders given so far: artists by how a disk may mix them up, and what is taken of their names and titles."""

    artists: dict[str, str]
    taken: dict[str, int]

    def place(self, one: Example) -> str:
        artist = plain_name(one.artist, UNKNOWN)
        if _alike(artist) not in self.artists:
            self.artists[_alike(artist)] = free(artist, self.taken)
        artist = self.artists[_alike(artist)]
        stem = PurePosixPath(one.path.replace("\\", "/")).stem
        return free(f"{artist}/{plain_name(one.title, plain_name(stem, 'Untitled'))}", self.taken)


def _alike(name: str) -> str:
    return unicodedata.normalize("NFKD", name).casefold()


def _placed(examples: Examples) -> Iterator[list[tuple[Example, str]]]:
    """Batches of songs with their folders, which hang on all songs before them."""
    names = _Names({_alike(UNKNOWN): UNKNOWN}, {_alike(name): 1 for name in (UNKNOWN, *_TOPS)})
    for batch in batches(examples(), PIECE):
        yield [(one, names.place(one)) for one in batch]


def _song(pending: Pending, one: Example, place: str, choice: Choice) -> dict[str, Any]:
    """Write a song's files; its line of the index. For any thread."""
    files: list[dict[str, Any]] = []

    def put(name: str, data: bytes, **told: Any) -> None:
        with pending.open(f"{place}/{name}") as file:
            file.write(data)
        files.append({"name": name, **told})

    if choice.has("midi"):
        for name, data, told in _parts(one):
            put(f"{name}.mid", data, kind="midi", **told)
    if choice.has("mix") and one.mix:
        sound = encoded(one.mix, choice)
        put(f"mix.{sound.suffix}", sound.data, kind="mix", rate=sound.rate, channels=sound.channels, frames=sound.frames)
    for stem in one.stems if choice.has("stems") else ():
        if stem.sound:
            sound = encoded(stem.sound, choice)
            told = {"rate": sound.rate, "channels": sound.channels, "frames": sound.frames, "played_by": text(stem.played_by)}
            put(f"stems/{_numbered(stem.index, stem.name)}.{sound.suffix}", sound.data, kind="stem", index=stem.index, **told)
    if choice.has("video") and one.video:
        put("film.mp4", one.video(), kind="video")
    if one.record:
        record = json.dumps(dict(one.record), ensure_ascii=False, indent=2, allow_nan=False)
        put(RECORD, record.encode(errors="replace") + b"\n", kind="record")
    return {"folder": place, **row(one, choice), "files": files}


def _parts(one: Example) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """The MIDI of each instrument: that of the stems, or of the song taken apart where no stem has any."""
    from motet import midi

    played = [stem for stem in one.stems if stem.midi]
    for stem in played:
        told = {"index": stem.index, "role": stem.role, "program": stem.program, "is_drum": stem.is_drum}
        yield _numbered(stem.index, stem.name), stem.midi() if stem.midi else b"", told
    if played or one.midi is None:
        return
    try:
        parts = midi.split(one.midi())
    except midi.Unreadable as error:
        raise UserError(f"The MIDI of {one.path} cannot be read ({error.detail}): build the dataset again.", 1) from None
    for part in parts:
        told = {"index": part.index, "role": "", "program": part.program, "is_drum": part.is_drum}
        yield _numbered(part.index, part.name), part.midi, told


def _numbered(index: int, name: str) -> str:
    return f"{index:02d} {plain_name(name, 'part')}"


def _lacks(line: dict[str, Any], choice: Choice) -> Iterator[str]:
    kinds = {file["kind"] for file in line["files"]}
    if not kinds:
        yield "without anything of what was chosen: left out"
        return
    for voice, kind in (("mix", "mix"), ("midi", "midi"), ("stems", "stem"), ("video", "video")):
        if voice in choice.voices and kind not in kinds:
            yield f"without {'sounding stems' if voice == 'stems' else 'MIDI' if voice == 'midi' else f'a {voice}'}"
    if "record" not in kinds:
        yield "without a record"


# --- checking ---


def _opened(path: Path, name: str, told: dict[str, Any]) -> list[Fault]:
    from motet import midi
    from motet.render.encoding import pieces
    from motet.render.errors import RenderError

    kind, suffix = told.get("kind"), path.suffix.removeprefix(".").casefold()
    try:
        if not path.is_file():
            return [Fault("missing", name, "It is listed, and not there.")]
        if kind == "midi":
            if not len(midi.read(path.read_bytes()).notes):
                return [Fault("empty", name, "It holds no notes.", False)]
        elif kind == "record":
            if not isinstance(json.loads(path.read_bytes()), dict):
                return [Fault("damaged", name, "It is no JSON object.")]
        elif kind in ("mix", "stem") and suffix in _SUFFIXES:
            frames = sum(len(piece) for piece in pieces(path))
            if frames != told.get("frames"):
                return [Fault("count", name, f"It holds {frames:,} frames, and the index says {told.get('frames')!r}.")]
        elif kind == "video" and suffix == "mp4":
            if path.read_bytes()[4:8] != b"ftyp":
                return [Fault("damaged", name, "It is no MP4 file.")]
        else:
            return [Fault("list", name, f"The index calls it {kind!r}, which is nothing this tree has.")]
    except midi.Unreadable as error:
        return [Fault("damaged", name, f"It cannot be read: {error.detail}.")]
    except RenderError as error:
        return [Fault("damaged", name, f"It cannot be read: {error.detail}.")]
    except (OSError, ValueError, RecursionError) as error:
        return [Fault("damaged", name, f"It cannot be read: {error}.")]
    return []


def _walked(folder: Path, listed: set[str]) -> Iterator[Fault]:
    """Every file and folder below the artists' folders: what no line lists, what is empty, what one disk mixes up."""
    seen: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.startswith("."):
            continue
        first = seen.setdefault(_alike(name), name)
        if first != name:
            yield Fault("case", name, f"On a disk that does not tell upper from lower case it is {first}.")
        if path.is_dir():
            if not any(path.iterdir()):
                yield Fault("empty", name, "It is an empty folder.", False)
        elif "/" in name and name not in listed and name.partition("/")[0] not in _TOPS:
            yield Fault("extra", name, "No line of the index lists this file.", False)
        if len(PurePosixPath(name).parts) > _DEEPEST:
            yield Fault("extra", name, "It lies deeper than anything in this tree.", False)
