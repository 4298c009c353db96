"""What of a song survives transposing, another tempo and editing: short runs of melodic steps, line by line."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from motet.midi import Score

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

STEPS = 6  # melodic steps of a pattern
WIDEST = 24  # semitones; wider steps count as this
FEWEST_PITCHES = 4  # lines of fewer different pitches are ostinati: they would be found everywhere
SLOTS = 8  # moments told apart in a quarter note; of notes struck within one, the outermost makes the line
SCALE = 768  # ticks per quarter note of `Voices.starts`: what is finer is nobody's

NOTE = np.dtype([("start", np.int32), ("pitch", np.uint8), ("voice", np.uint8)])
_HEAD = struct.calcsize("<dBI")
DRUMS = 128  # stands for the program of drums


@dataclass(frozen=True, eq=False)
class Voices:
    """A song as the search for duplicates knows it: notes by onset, and who plays them.

    `notes` has `start` in 1/768 of a quarter note, `pitch` and `voice`, in order of voice, then onset. `programs` holds
    each voice's General MIDI program, 128 for drums. `quarter` is how many seconds a quarter note lasts on average. A song
    of more than 255 voices keeps the first 255.
    """

    notes: NDArray[np.void]
    programs: tuple[int, ...]
    quarter: float

    def pack(self) -> bytes:
        """A plain form for a table, which compresses well."""
        head = struct.pack("<dBI", self.quarter, len(self.programs), len(self.notes)) + bytes(self.programs)
        # Differences compress three times as well.
        steps = np.diff(self.notes["start"], prepend=np.int32(0)).astype("<i4")
        return head + steps.tobytes() + self.notes["pitch"].tobytes() + self.notes["voice"].tobytes()

    @classmethod
    def unpack(cls, packed: bytes) -> Voices:
        """The voices that `pack` packed."""
        quarter, programs, count = struct.unpack_from("<dBI", packed)
        body = packed[_HEAD + programs :]
        notes = np.empty(count, NOTE)
        notes["start"] = np.cumsum(np.frombuffer(body, "<i4", count))
        notes["pitch"] = np.frombuffer(body, np.uint8, count, 4 * count)
        notes["voice"] = np.frombuffer(body, np.uint8, count, 5 * count)
        return cls(notes, tuple(packed[_HEAD : _HEAD + programs]), quarter)


@dataclass(frozen=True, eq=False)
class Patterns:
    """The patterns of a song, sorted by hash: `hashes`, the `pitches` they begin on, and `starts` as in `Voices`."""

    hashes: Hashes
    pitches: Ints
    starts: Ints


def voices(score: Score) -> Voices:
    """The notes of a score as they are compared."""
    notes = score.notes
    notes = notes[notes["track"] < 255]
    kept = np.empty(len(notes), NOTE)
    # What 32 bits cannot count, millions of quarters away, lies at their end.
    kept["start"] = np.minimum(notes["start"] * SCALE // score.tempo_map.division, np.iinfo(np.int32).max)
    kept["pitch"], kept["voice"] = notes["pitch"], notes["track"]
    heads = np.flatnonzero(np.diff(notes["track"], prepend=-1)).tolist()
    programs = np.zeros(max((int(notes["track"][h]) for h in heads), default=-1) + 1, np.int64)
    for head in heads:
        programs[notes["track"][head]] = DRUMS if notes["is_drum"][head] else notes["program"][head]
    quarters = score.last_off / score.tempo_map.division
    quarter = score.duration / quarters if quarters else 0.5
    return Voices(kept[np.lexsort((kept["start"], kept["voice"]))], tuple(programs.tolist()), quarter)


def patterns(song: Voices) -> Patterns:
    """All patterns: of the top line of every pitched voice, and of the highest and lowest line of them all.

    A line is the highest (or lowest) note struck at each moment; repeated pitches count once, so that drops, splits and
    repeated notes change little. A pattern is six steps in a row, hashed: neither key nor tempo nor lengths enter.
    """
    programs = np.array(song.programs, np.int64)
    notes = song.notes[programs[song.notes["voice"]] != DRUMS] if len(song.notes) else song.notes
    starts, pitches, voices = (notes[name].astype(np.int64) for name in ("start", "pitch", "voice"))
    together = np.zeros(len(notes), np.int64)
    found = [_runs(starts, pitches, voices, highest=True)]
    found += [_runs(starts, pitches, together, highest=highest) for highest in (True, False)]
    hashes, firsts, begins = (np.concatenate(column) for column in zip(*found, strict=True))
    order = np.argsort(begins, kind="stable")  # two sorts take half of the time of lexsort
    order = order[np.argsort(hashes[order], kind="stable")]
    return Patterns(hashes[order], firsts[order], begins[order])


def _runs(starts: Ints, pitches: Ints, lines: Ints, *, highest: bool) -> tuple[Hashes, Ints, Ints]:
    """Hash, first pitch and start of every run of steps of each line; `lines` numbers the line that a note may be of."""
    slots = (starts * SLOTS + SCALE // 2) // SCALE
    # Slots take 40 bits: starts are of 32.
    order = np.argsort(lines << 47 | slots << 7 | (pitches if highest else 127 - pitches), kind="stable")
    slots, pitches, starts, lines = slots[order], pitches[order], starts[order], lines[order]
    outer = np.append((slots[1:] != slots[:-1]) | (lines[1:] != lines[:-1]), True)[: len(slots)]
    pitches, starts, lines = pitches[outer], starts[outer], lines[outer]
    moved = np.append(True, (pitches[1:] != pitches[:-1]) | (lines[1:] != lines[:-1]))[: len(pitches)]
    pitches, starts, lines = pitches[moved], starts[moved], lines[moved]
    steps = np.clip(pitches[1:] - pitches[:-1], -WIDEST, WIDEST) + WIDEST
    count = len(steps) - STEPS + 1
    if count < 1:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    code = np.zeros(count, np.int64)
    for step in range(STEPS):
        code = code * (2 * WIDEST + 1) + steps[step : step + count]
    varied = (np.bincount(lines << 7 | pitches, minlength=256 << 7).reshape(-1, 128) > 0).sum(1) >= FEWEST_PITCHES
    kept = np.flatnonzero((lines[:count] == lines[STEPS:]) & varied[lines[:count]])
    return _mixed(code[kept].astype(np.uint64)), pitches[kept], starts[kept]


def _mixed(codes: Hashes) -> Hashes:
    """Codes spread evenly over 64 bits (the finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014)."""
    codes = codes + np.uint64(0x9E3779B97F4A7C15)
    codes = (codes ^ codes >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    codes = (codes ^ codes >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return codes ^ codes >> np.uint64(31)
