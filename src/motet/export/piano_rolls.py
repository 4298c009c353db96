"""Piano rolls: for each example one compressed NumPy file, and a list of them.

    roll = np.load("train/<name>.npz")["roll"]

The arrays of a file, of which `np.load` reads only those that are asked for:

    roll      uint8 (tracks, 128, steps): the velocity 1-127 of the note that sounds at a pitch in a step, 0 for none
    onsets    bool, the same shape: where a note begins, without which a repeated note and a held one would be alike
    programs  uint8 (tracks,): General MIDI, 0-127; 0 for drums
    is_drum   bool (tracks,): drums are one row, the last; every other track of the MIDI that has notes is a row
    names     str (tracks,)
    times     float64 (steps + 1,): seconds from the example's start at which each step begins, and the last one ends

In score time there are `steps` to the quarter note (12 unless asked otherwise: sixteenths and triplets both fall on one), in
seconds `fps` to the second. A note begins at the nearest step and fills one at least; where two of a row have one pitch the later
one is heard from where it begins. What the form follows is the array itself, as pypianoroll (Dong et al. 2018) lays it out for
each track, turned so that time is last.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.errors import UserError
from motet.export.example import SPLITS, Choice, Example, Examples, Fault, Written
from motet.export.midi_files import Songs, batches, inside, json_lines, row, text
from motet.export.naming import file_name
from motet.export.publishing import digest, in_order, published
from motet.wording import several

__all__ = ["OPTIONS", "NoRoll", "Roll", "check", "notes_of", "roll_of", "write"]

OPTIONS: tuple[str, ...] = ("steps", "fps")
FORM, VERSION = "piano-rolls", 1
PIECE = 100  # examples
LINES = "metadata.jsonl"
STEPS = 12
LARGEST = 1 << 29  # cells of a roll
_ARRAYS = ("roll", "onsets", "programs", "is_drum", "names", "times")
# What zipfile, zlib and NumPy raise for a file that is not what they expect.
_UNREADABLE = (
    OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError, EOFError, RuntimeError,
    SyntaxError, zipfile.BadZipFile, zlib.error, struct.error,
)  # fmt: skip
_RANGES = {"steps": (1, 96), "fps": (1, 1000)}

Cells = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Roll:
    """The arrays of a file, as the module describes them."""

    roll: Cells
    onsets: npt.NDArray[np.bool_]
    programs: Cells
    is_drum: npt.NDArray[np.bool_]
    names: npt.NDArray[np.str_]
    times: npt.NDArray[np.float64]


class NoRoll(Exception):
    """Why there is no roll of some MIDI, as it goes into a remark."""


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write the rolls and their list. Options: `steps` to the quarter note (1-96) or `fps` (1-1000), not both.

    Examples without MIDI, notes, or room for a roll (half a thousand million cells) are left out. Raises UserError where nothing
    is left, for options that cannot be, and for two examples of one id.
    """
    unit, number = _grid(choice)
    left: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    lines = []
    with published(folder, _list_last) as pending:
        for batch in batches(examples(), PIECE):
            told = [[one.key, one.id, one.song, one.path, one.split, one.title, one.artist] for one in batch]
            key = digest(FORM, VERSION, unit, number, choice.has("captions"), choice.captions, told)
            note = pending.note(key)
            if note is None:
                note = {"rows": [], "left": {}}
                names = []
                for one, made in zip(batch, in_order(batch, lambda one: _made(one, unit, number), 4), strict=False):
                    if isinstance(made, str):
                        note["left"][made] = note["left"].get(made, 0) + 1
                        continue
                    data, facts = made
                    name = f"{one.split}/{file_name(one.id)}.npz"
                    with pending.open(name) as file:
                        file.write(data)
                    names.append(name)
                    note["rows"].append({**row(one, choice), "file": name, unit: number, **facts})
                pending.done(key, names, note)
            left.update(note["left"])
            for line in note["rows"]:
                splits[line["split"]] += 1
                lines.append(json.dumps(line, sort_keys=True).encode() + b"\n")
        if not lines:
            raise UserError("No example has notes to make a roll of: build the dataset with a recipe that keeps its MIDI.")
        pending.write(LINES, b"".join(lines))
        names = pending.names
    remarks = [f"{several(count, 'example')} {why}: left out." for why, count in sorted(left.items())]
    remarks += [f"No example is in {split}." for split in SPLITS if not splits[split]]
    return Written(names, remarks, tuple(pending.pieces.values()))


def roll_of(data: bytes, unit: str = "steps", number: int = STEPS) -> Roll:
    """The roll of a MIDI file at `number` steps to the quarter note, or to the second if `unit` is "fps". Raises NoRoll."""
    from motet import midi

    try:
        score = midi.read(data)
    except midi.Unreadable as error:
        raise NoRoll(f"with MIDI that cannot be read ({error.reason})") from None
    notes = score.notes
    if not len(notes):
        raise NoRoll("without notes")
    clock = score.tempo_map
    starts, ends = (np.asarray(notes["start"]), np.asarray(notes["start"] + notes["duration"]))
    if unit == "fps":
        starts, ends = (np.floor(clock.to_seconds(ticks) * number + 0.5).astype(np.int64) for ticks in (starts, ends))
    else:
        quarter = score.symusic.ticks_per_quarter
        starts, ends = ((2 * ticks * number + quarter) // (2 * quarter) for ticks in (starts, ends))
    ends = np.maximum(ends, starts + 1)
    steps = int(ends.max())
    played = np.where(notes["is_drum"], np.iinfo(np.int32).max, notes["track"])  # drums last, together
    tracks, rows = np.unique(played, return_inverse=True)
    if len(tracks) * 128 * steps > LARGEST:
        raise NoRoll("too long for a roll")
    roll = np.zeros((len(tracks), 128, steps), np.uint8)
    onsets = np.zeros(roll.shape, bool)
    # Of notes that begin together the longest, then loudest, is written last and heard.
    order = np.lexsort((notes["velocity"], ends, starts))
    for line, pitch, start, end, velocity in zip(
        *(column[order].tolist() for column in (rows, notes["pitch"], starts, ends, notes["velocity"])), strict=True
    ):
        roll[line, pitch, start:end] = max(velocity, 1)
        onsets[line, pitch, start] = True
    of_rows = np.array([int(np.flatnonzero(rows == line)[0]) for line in range(len(tracks))])
    drums = np.asarray(notes["is_drum"][of_rows])
    names = [text(score.symusic.tracks[int(track)].name) for track in notes["track"][of_rows]]
    grid = np.arange(steps + 1)
    if unit == "fps":
        times = grid / number
    else:  # between two ticks time is a straight line
        ticks, over = np.divmod(grid * score.symusic.ticks_per_quarter, number)
        before, after = clock.to_seconds(ticks), clock.to_seconds(ticks + 1)
        times = before + (after - before) * over / number
    return Roll(
        roll,
        onsets,
        np.where(drums, 0, notes["program"][of_rows]).astype(np.uint8),
        drums.astype(bool),
        np.array(["drums" if drum else name for name, drum in zip(names, drums, strict=True)], np.str_),
        np.asarray(times, np.float64),
    )


def notes_of(roll: Cells, onsets: npt.NDArray[np.bool_]) -> list[tuple[int, int, int, int, int]]:
    """The notes of a roll: (track, pitch, first step, step after the last, velocity), in that order."""
    found = []
    for track, pitch, start in np.argwhere(onsets).tolist():
        line = roll[track, pitch]
        over = (line[start + 1 :] == 0) | onsets[track, pitch, start + 1 :]
        end = start + 1 + (int(over.argmax()) if over.any() else len(over))
        found.append((track, pitch, start, end, int(line[start])))
    return found


def check(folder: Path) -> list[Fault]:
    """What somebody who loads the rolls by their list would stumble over."""
    faults: list[Fault] = []
    songs, listed = Songs(), set[str]()
    for where, told, wrong in json_lines(folder / LINES, LINES):
        if told is None:
            faults.append(Fault("list", where, wrong))
            continue
        name, split = told.get("file"), told.get("split")
        path = inside(folder, name)
        if path is None or not isinstance(name, str) or path.suffix != ".npz":
            faults.append(Fault("name", where, "Its file is no path of an .npz inside the folder."))
            continue
        if split not in SPLITS or not name.startswith(f"{split}/"):
            faults.append(Fault("split", name, f"It is listed in the split {split!r}, and lies in another folder."))
        if name in listed:
            faults.append(Fault("twice", name, "It is listed twice."))
        listed.add(name)
        faults += songs.leak(told.get("song"), split, name)
        faults += _looked_at(path, name, told)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*.npz") if path.is_file()}
    there |= {path.relative_to(folder).as_posix() for split in SPLITS for path in (folder / split).rglob("*") if path.is_file()}
    extra = sorted(name for name in there - listed if not name.startswith("."))
    return [*faults, *(Fault("extra", name, "No list names this file.", False) for name in extra)]


def _grid(choice: Choice) -> tuple[str, int]:
    choice.check_options(*OPTIONS)
    if len(choice.options) > 1:
        raise UserError("A roll has steps to the quarter note or to the second: give steps=… or fps=…, not both.")
    for unit, told in choice.options.items():
        least, most = _RANGES[unit]
        if not (told.isascii() and told.isdigit() and len(told) < 5 and least <= int(told) <= most):
            raise UserError(f"{unit}={told} cannot be: give a whole number from {least} to {most}.")
        return unit, int(told)
    return "steps", STEPS


def _made(example: Example, unit: str, number: int) -> tuple[bytes, dict[str, Any]] | str:
    """The file, and what its list tells of it; or why there is none."""
    if example.midi is None:
        return "without MIDI"
    try:
        roll = roll_of(example.midi(), unit, number)
    except NoRoll as error:
        return str(error)
    arrays = {name: getattr(roll, name) for name in _ARRAYS}
    made = io.BytesIO()
    np.savez_compressed(made, allow_pickle=False, **arrays)  # its members have no time
    tracks = [
        {"name": str(name), "program": int(program), "is_drum": bool(drum)}
        for name, program, drum in zip(roll.names, roll.programs, roll.is_drum, strict=True)
    ]
    return made.getvalue(), {"shape": list(roll.roll.shape), "roll_notes": int(roll.onsets.sum()), "tracks": tracks}


def _looked_at(path: Path, name: str, told: dict[str, Any]) -> list[Fault]:
    shape = told.get("shape")
    if not (isinstance(shape, list) and len(shape) == 3 and all(type(n) is int and n > 0 for n in shape)):
        return [Fault("list", name, "Its list gives no shape of three sizes.")]
    if shape[0] * shape[1] * shape[2] > LARGEST:
        return [Fault("list", name, "Its list gives a shape that is larger than any roll written.")]
    try:
        _sized(path, shape)
        with np.load(path, allow_pickle=False) as file:
            arrays = {array: file[array] for array in _ARRAYS}
    except FileNotFoundError:
        return [Fault("missing", name, "It is listed, and not there.")]
    except _UNREADABLE as error:
        return [Fault("damaged", name, f"NumPy cannot read it: {str(error) or type(error).__name__}.")]
    return _measured(name, told, **arrays)


def _sized(path: Path, shape: list[int]) -> None:
    """Raises ValueError where a member unpacks to more than its list leads to expect: a small file may hold endless zeros."""
    cells = shape[0] * shape[1] * shape[2]
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > cells + 16 * (shape[2] + 1) + 1_000_000:
                raise ValueError(f"{member.filename} would unpack to {member.file_size:,} bytes")


def _measured(
    name: str, told: dict[str, Any], roll: Any, onsets: Any, programs: Any, is_drum: Any, names: Any, times: Any
) -> list[Fault]:
    def fault(rule: str, sentence: str) -> list[Fault]:
        return [Fault(rule, name, sentence)]

    if roll.dtype != np.uint8 or onsets.dtype != np.bool_ or roll.ndim != 3 or roll.shape[1] != 128:
        return fault("array", f"Its roll is {roll.dtype} of the shape {roll.shape}, not uint8 of (tracks, 128, steps).")
    if list(roll.shape) != told["shape"] or roll.shape != onsets.shape:
        return fault("count", f"Its roll has the shape {roll.shape}, its onsets {onsets.shape}, its list {told['shape']}.")
    if programs.dtype != np.uint8 or is_drum.dtype != np.bool_ or names.dtype.kind != "U":
        return fault("array", f"Its programs, drums and names are {programs.dtype}, {is_drum.dtype} and {names.dtype}.")
    if any(one.shape != roll.shape[:1] for one in (programs, is_drum, names)):
        return fault("count", f"Its programs, drums or names are not of {roll.shape[0]} tracks.")
    if roll.max(initial=0) > 127 or programs.max(initial=0) > 127:
        return fault("array", "A velocity or program of it is above 127.")
    if not roll[onsets].all():
        return fault("array", "A note begins in it where nothing sounds.")
    held = roll[:, :, :-1] > 0
    if ((roll[:, :, 1:] > 0) & ~held & ~onsets[:, :, 1:]).any() or ((roll[:, :, 0] > 0) & ~onsets[:, :, 0]).any():
        return fault("array", "Something sounds in it that never began.")
    if int(onsets.sum()) != told.get("roll_notes"):
        return fault("count", f"It holds {int(onsets.sum())} notes, and the list says {told.get('roll_notes')}.")
    if times.shape != (roll.shape[2] + 1,) or times.dtype != np.float64 or not (np.diff(times) > 0).all():
        return fault("array", "Its times do not rise from step to step.")
    if is_drum[:-1].any():
        return fault("array", "Its drums are not the last row.")
    return []


def _list_last(name: str) -> tuple[bool, str]:
    return name == LINES, name
