"""MIDI alone: a file for each example, and a list of them as the MAESTRO dataset has one.

    train/<name>.mid      the example's notes, byte for byte as the dataset has them
    metadata.jsonl        a line for each file, in ASCII: texts whole, lists as lists, what is not known as null
    metadata.csv          the same for spreadsheets and pandas: texts on one line, lists joined by "; "

The columns `split`, `midi_filename` and `duration` are those of MAESTRO v3's CSV (Hawthorne et al. 2019), whose loaders read
`midi_filename` from the folder of the list. `check` holds a folder to what such a loader does: open every name, parse it.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from motet.errors import UserError
from motet.export.audiocraft import one_line
from motet.export.example import FACTS, SPLITS, Choice, Example, Examples, Fault, Written
from motet.export.naming import file_name
from motet.export.publishing import digest, in_order, published
from motet.wording import several

__all__ = ["OPTIONS", "Songs", "batches", "check", "inside", "json_lines", "row", "text", "write"]

OPTIONS: tuple[str, ...] = ()
FORM, VERSION = "midi-files", 2
PIECE = 200  # examples
LINES, TABLE = "metadata.jsonl", "metadata.csv"
COLUMNS = (
    "split", "midi_filename", "duration", "title", "artist", "caption", "captions", "id", "song", "path", "start", "end",
    "midi_notes", "licences", *FACTS,
)  # fmt: skip
_LONGEST_LINE = 16_000_000  # bytes


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write the MIDI files and both lists. Examples without MIDI, and those whose MIDI cannot be read, are left out.

    Raises UserError where nothing is left, and for two examples of one id.
    """
    choice.check_options(*OPTIONS)
    left: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    lines = []
    captioned = 0
    with published(folder, _lists_last) as pending:
        for batch in batches(examples(), PIECE):
            key = digest(FORM, VERSION, choice.has("captions"), choice.captions, [_told(one) for one in batch])
            note = pending.note(key)
            if note is None:
                note = {"rows": [], "left": {}}
                names = []
                for one, made in zip(batch, in_order(batch, _made), strict=False):
                    if isinstance(made, str):
                        note["left"][made] = note["left"].get(made, 0) + 1
                        continue
                    data, notes = made
                    name = f"{one.split}/{file_name(one.id)}.mid"
                    with pending.open(name) as file:
                        file.write(data)
                    names.append(name)
                    note["rows"].append({**row(one, choice), "midi_filename": name, "midi_notes": notes})
                pending.done(key, names, note)
            left.update(note["left"])
            for told in note["rows"]:
                splits[told["split"]] += 1
                captioned += bool(told["captions"])
                lines.append(json.dumps({column: told.get(column) for column in COLUMNS}).encode() + b"\n")
        if not lines:
            raise UserError("No example has MIDI that can be read: build the dataset with a recipe that keeps its MIDI.")
        pending.write(LINES, b"".join(lines))
        pending.write(TABLE, _table(json.loads(line) for line in lines))
        names = pending.names
    remarks = [f"{several(number, 'example')} {why}: left out." for why, number in sorted(left.items())]
    if choice.has("captions") and captioned < len(lines):
        remarks.append(f"{several(len(lines) - captioned, 'example')} without captions.")
    remarks += [f"No example is in {split}." for split in SPLITS if not splits[split]]
    return Written(names, remarks, tuple(pending.pieces.values()))


def check(folder: Path) -> list[Fault]:
    """What a loader of MAESTRO's kind would stumble over in `folder`."""
    faults: list[Fault] = []
    rows: list[dict[str, Any]] = []
    songs, listed = Songs(), dict[str, str]()
    for where, told, wrong in json_lines(folder / LINES, LINES):
        if told is None:
            faults.append(Fault("list", where, wrong))
            continue
        rows.append(told)
        name, split = told.get("midi_filename"), told.get("split")
        path = inside(folder, name)
        if path is None or not isinstance(name, str):
            faults.append(Fault("name", where, "Its midi_filename is no path inside the folder."))
            continue
        if split not in SPLITS or not name.startswith(f"{split}/"):
            faults.append(Fault("split", name, f"It is listed in the split {split!r}, and lies in another folder."))
        if name.casefold() in listed:
            faults.append(Fault("twice", name, f"It is listed twice, or as {listed[name.casefold()]} too."))
        listed[name.casefold()] = name
        faults += songs.leak(told.get("song"), split, name)
        faults += _listened(path, name, told)
    faults += _compared(folder, rows)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if _ours(path, folder)}
    faults += [Fault("extra", name, "No list names this file.", False) for name in sorted(there - set(listed.values()))]
    return faults


# --- what the forms of notes share ---


def batches(examples: Iterable[Example], most: int, size: Callable[[Example], int] = lambda one: 1) -> Iterator[list[Example]]:
    """Examples of one split, in their order, until `size` of them together reaches `most`.

    Raises UserError for two of which the files would be one.
    """
    batch: list[Example] = []
    taken: set[str] = set()
    reached = 0
    for one in examples:
        if (name := f"{one.split}/{file_name(one.id)}") in taken:
            raise UserError(f"Two examples would be called {name}: build the dataset again.", 1)
        taken.add(name)
        if batch and (reached >= most or batch[-1].split != one.split):
            yield batch
            batch, reached = [], 0
        batch.append(one)
        reached += size(one)
    if batch:
        yield batch


def row(example: Example, choice: Choice) -> dict[str, Any]:
    """The plain facts of an example as JSON: its names, its captions as chosen, and all of FACTS, unknown ones null."""
    captions = [text(caption) for caption in choice.texts(example)]
    return {
        "id": text(example.id),
        "song": text(example.song),
        "path": text(example.path),
        "split": example.split,
        "title": text(example.title) or None,
        "artist": text(example.artist) or None,
        "start": round(example.start, 6),
        "end": round(example.end, 6),
        "duration": round(example.end - example.start, 6),
        "caption": captions[0] if captions else None,
        "captions": captions,
        "licences": [f"{one.what}: {text(one.licence) or 'unknown'}" for one in example.licences],
        **{name: _fact(example.facts.get(name), kind) for name, kind in FACTS.items()},
    }


def text(words: str) -> str:
    """Text that UTF-8 holds: half of a surrogate pair becomes a question mark, and NUL, which many readers end at, a space."""
    return words.encode(errors="replace").decode().replace("\0", " ")


def inside(folder: Path, name: Any) -> Path | None:
    """The path of a file that a list names; None for what is no text, or leads out of the folder."""
    if not isinstance(name, str) or not name or "\\" in name or "\0" in name or not name.isprintable():
        return None
    parts = PurePosixPath(name).parts
    if PurePosixPath(name).is_absolute() or ".." in parts or "/".join(parts) != name:
        return None
    return folder / name


def json_lines(path: Path, name: str) -> Iterator[tuple[str, dict[str, Any] | None, str]]:
    """Each line of a list: where it is, its object or None, and what is wrong then."""
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE):
                number += 1
                try:
                    told = json.loads(line)
                except (ValueError, RecursionError):
                    told = None
                where = f"{name}:{number}"
                yield (where, told, "") if isinstance(told, dict) else (where, None, "This line is no JSON object.")
            if not number:
                yield name, None, "The list is empty."
    except OSError as error:
        yield name, None, f"The list cannot be read: {error.strerror or error}."


@dataclass
class Songs:
    """Which split each song is in, to find those that are in two."""

    split_of: dict[str, Any] = field(default_factory=dict)

    def leak(self, song: Any, split: Any, where: str) -> list[Fault]:
        if not isinstance(song, str) or not song:
            return [
                Fault("song", where, "Nothing says of which song this is, so nobody can tell whether splits share it.", False)
            ]
        first = self.split_of.setdefault(song, split)
        if first == split:
            return []
        return [Fault("leak", where, f"The song {song} is in {split} and in {first}: what is tested was trained on.")]


# --- this form's own ---


def _told(one: Example) -> list[Any]:
    return [one.key, one.id, one.song, one.path, one.split, one.title, one.artist]


def _fact(value: Any, kind: type) -> Any:
    if kind is list:
        return [text(str(one)) for one in value or ()]
    return text(value) if isinstance(value, str) else value


def _made(example: Example) -> tuple[bytes, int] | str:
    """The MIDI and how many notes it holds, or why there is none."""
    from motet import midi

    if example.midi is None:
        return "without MIDI"
    data = example.midi()
    try:
        return data, len(midi.read(data).notes)
    except midi.Unreadable as error:
        return f"with MIDI that cannot be read ({error.reason})"


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(one_line(str(one)) for one in value)
    return one_line(value) if isinstance(value, str) else value


def _table(rows: Iterable[dict[str, Any]]) -> bytes:
    """The rows as RFC 4180 wants them."""
    made = io.StringIO()
    table = csv.writer(made, lineterminator="\r\n")
    table.writerow(COLUMNS)
    table.writerows([_cell(told.get(column)) for column in COLUMNS] for told in rows)
    return made.getvalue().encode()


def _lists_last(name: str) -> tuple[bool, str]:
    return name in (LINES, TABLE), name


def _listened(path: Path, name: str, told: dict[str, Any]) -> list[Fault]:
    from motet import midi

    try:
        score = midi.read(path.read_bytes())
    except OSError:
        return [Fault("missing", name, "It is listed, and not there.")]
    except midi.Unreadable as error:
        return [Fault("damaged", name, f"It cannot be read: {error.detail}.")]
    notes = told.get("midi_notes")
    if notes != len(score.notes):
        return [Fault("count", name, f"It holds {len(score.notes)} notes, and the list says {notes}.")]
    seconds = told.get("duration")
    if not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
        return [Fault("duration", name, f"Its duration is {seconds!r}, which is no length of time.")]
    return []


def _compared(folder: Path, rows: list[dict[str, Any]]) -> list[Fault]:
    """Whether the table says what the lines say."""
    try:
        with (folder / TABLE).open(encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
    except OSError as error:
        return [Fault("list", TABLE, f"The list cannot be read: {error.strerror or error}.")]
    except (ValueError, csv.Error) as error:
        return [Fault("list", TABLE, f"This is no CSV in UTF-8: {error}.")]
    if len(table) != len(rows):
        return [Fault("count", TABLE, f"It has {len(table)} rows, and {LINES} {len(rows)}.")]
    for number, (told, line) in enumerate(zip(table, rows, strict=True), 2):
        for column in ("split", "midi_filename", "duration", "title", "artist", "caption"):
            value = line.get(column)
            if told.get(column) != ("" if value is None else str(_cell(value))):
                return [Fault("list", f"{TABLE}:{number}", f"Its {column} is not that of {LINES}.")]
    return []


def _ours(path: Path, folder: Path) -> bool:
    """What must be listed: all that lies in a split's folder, and MIDI wherever it lies."""
    parts = path.relative_to(folder).parts
    if parts[0].startswith(".") or not path.is_file():
        return False
    return parts[0] in SPLITS or path.suffix.casefold() in (".mid", ".midi")
