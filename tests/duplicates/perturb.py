"""Ways in which one arrangement comes back as another file: written as real MIDI bytes again, by seed.

Every way changes one thing and leaves the song what it is to a listener. Some do not apply to every song (no second
instrument to drop, too few bars to take one out): those return None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from symusic.core import NoteTickList, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

from motet import midi

Notes = NDArray[np.void]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Chance = np.random.Generator
Names = ("", "Track", "untitled", "Melody", "MIDI out", "Copyright free", "Staff", "new part")


@dataclass(frozen=True)
class Piece:
    """What is changed: notes as `Score.notes` has them, track names, tempi and metres as `TempoMap` has them."""

    notes: Notes
    names: tuple[str, ...]
    division: int
    tempi: tuple[tuple[int, int], ...]
    metres: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, score: midi.Score) -> Piece:
        clock = score.tempo_map
        names = tuple(track.name for track in score.symusic.tracks)
        return cls(score.notes.copy(), names, clock.division, clock.tempi, clock.metres)

    @property
    def end(self) -> int:
        return int((self.notes["start"] + self.notes["duration"]).max(initial=0))

    @property
    def pitched(self) -> NDArray[np.bool_]:
        return ~self.notes["is_drum"]

    @property
    def parts(self) -> Ints:
        """For each note a number of its track, program and kind, in order of tracks."""
        notes = self.notes
        key = (notes["track"].astype(np.int64) * 2 + notes["is_drum"]) * 128 + notes["program"]
        return np.unique(key, return_inverse=True)[1].astype(np.int64)

    def written(self) -> bytes:
        """MIDI bytes of format 1. A note without length gets one tick, or it could not be written."""
        score = ScoreTick(self.division)
        for tick, us in self.tempi:
            score.tempos.append(TempoTick(tick, mspq=us))
        for tick, top, bottom in self.metres:
            score.time_signatures.append(TimeSignatureTick(tick, top, bottom))
        parts = self.parts
        for part in range(int(parts.max(initial=-1)) + 1):
            notes = self.notes[parts == part]
            notes = notes[np.argsort(notes["start"], kind="stable")]
            first = notes[0]
            name = self.names[first["track"]] if first["track"] < len(self.names) else ""
            track = TrackTick(name, int(first["program"]), bool(first["is_drum"]))
            track.notes = NoteTickList.from_numpy(
                notes["start"].astype(np.int32),
                np.maximum(notes["duration"], 1).astype(np.int32),
                notes["pitch"].astype(np.int8),
                np.maximum(notes["velocity"], 1).astype(np.int8),
            )
            score.tracks.append(track)
        return bytes(score.dumps_midi())


Way = Callable[[Piece, Chance], Piece | None]


def _with(piece: Piece, **columns: NDArray[np.generic]) -> Piece:
    notes = piece.notes.copy()
    for name, values in columns.items():
        notes[name] = values
    return replace(piece, notes=notes)


def _only(piece: Piece, kept: NDArray[np.bool_]) -> Piece | None:
    """The notes that are kept, if any of them has a pitch."""
    return replace(piece, notes=piece.notes[kept]) if (kept & piece.pitched).any() else None


def _moved(piece: Piece, move: Callable[[Ints], Ints], metres: bool = True) -> Piece:
    """Notes, tempi and metres at other ticks; `move` never swaps two."""
    starts = move(piece.notes["start"])
    ends = move(piece.notes["start"] + piece.notes["duration"])
    tempi = tuple((int(move(np.array([tick]))[0]) if tick else 0, us) for tick, us in piece.tempi)
    moved = tuple((int(move(np.array([tick]))[0]) if tick else 0, top, bottom) for tick, top, bottom in piece.metres)
    kept = replace(piece, tempi=tempi, metres=moved if metres else piece.metres)
    return _with(kept, start=starts, duration=ends - starts)


def saved_again(piece: Piece, chance: Chance) -> Piece:
    """Nothing but the writer."""
    return piece


def transposed(piece: Piece, chance: Chance) -> Piece | None:
    """1 to 6 semitones up or down, drums stay."""
    pitches = piece.notes["pitch"].astype(np.int64)
    within = pitches[piece.pitched]
    steps = [step for step in (*range(-6, 0), *range(1, 7)) if within.min() + step >= 0 and within.max() + step <= 127]
    return _with(piece, pitch=np.where(piece.pitched, pitches + chance.choice(steps), pitches)) if steps else None


def _ratio(chance: Chance) -> float:
    """0.8 to 1.25, at least 2 % away from 1."""
    while True:
        ratio = float(np.exp(chance.uniform(np.log(0.8), np.log(1.25))))
        if abs(ratio - 1) >= 0.02:
            return ratio


def other_tempo(piece: Piece, chance: Chance) -> Piece:
    """0.8 to 1.25 times as fast, by the tempo that is written."""
    ratio = _ratio(chance)
    return replace(piece, tempi=tuple((tick, min(round(us / ratio), (1 << 24) - 1)) for tick, us in piece.tempi))


def stretched(piece: Piece, chance: Chance) -> Piece:
    """0.8 to 1.25 times as long in ticks under the old tempo: no note is on the grid any more."""
    ratio = _ratio(chance)
    return _moved(piece, lambda ticks: np.rint(ticks * ratio).astype(np.int64), metres=False)


def other_resolution(piece: Piece, chance: Chance) -> Piece:
    """Written with other ticks per quarter note, coarse ones too."""
    division = int(chance.choice([one for one in (96, 120, 192, 384, 480, 960) if one != piece.division]))
    ratio = division / piece.division
    return replace(_moved(piece, lambda ticks: np.rint(ticks * ratio).astype(np.int64)), division=division)


def begun_later(piece: Piece, chance: Chance) -> Piece:
    """Half a beat to 12 beats of silence in front, no whole beat; the written bar lines stay where they were."""
    beats = int(chance.integers(0, 12)) + chance.uniform(0.1, 0.9)
    shift = round(beats * piece.division)
    return _moved(piece, lambda ticks: ticks + shift, metres=False)


def tracks_in_other_order(piece: Piece, chance: Chance) -> Piece:
    """And under other names."""
    order = chance.permutation(int(piece.notes["track"].max(initial=-1)) + 1)
    return replace(_with(piece, track=order[piece.notes["track"]]), names=tuple(chance.choice(Names, len(order)).tolist()))


def other_instruments(piece: Piece, chance: Chance) -> Piece:
    """Every program another one of the pitched ones, or all of them a piano."""
    programs = chance.permutation(128) if chance.random() < 0.5 else np.zeros(128, np.int64)
    return _with(piece, program=np.where(piece.pitched, programs[piece.notes["program"]], piece.notes["program"]))


def programs_dropped(piece: Piece, chance: Chance) -> Piece | None:
    """One to half of the programs are gone (the drums count as one), at least one pitched one stays."""
    kinds = np.unique(piece.notes["program"].astype(np.int64) + 128 * piece.notes["is_drum"], return_inverse=True)[1]
    count = int(kinds.max(initial=-1)) + 1
    if count < 2:
        return None
    for _ in range(50):
        gone = chance.choice(count, int(chance.integers(1, count // 2 + 1)), replace=False)
        if kept := _only(piece, ~np.isin(kinds, gone)):
            return kept
    return None


def notes_dropped(piece: Piece, chance: Chance) -> Piece | None:
    """15 % of the notes, anywhere."""
    return _only(piece, chance.permutation(len(piece.notes)) >= round(0.15 * len(piece.notes)))


def jittered(piece: Piece, chance: Chance) -> Piece:
    """30 % of the notes begin one or two 32nds early or late, each on its own."""
    steps = chance.choice([-2, -1, 1, 2], len(piece.notes)) * (chance.random(len(piece.notes)) < 0.3)
    return _with(piece, start=np.maximum(piece.notes["start"] + np.rint(steps * piece.division / 8).astype(np.int64), 0))


def other_durations(piece: Piece, chance: Chance) -> Piece:
    """Each 0.3 to 2 times as long, or all of one length."""
    long = piece.notes["duration"] * chance.uniform(0.3, 2, len(piece.notes))
    if chance.random() < 0.3:
        long = np.full(len(piece.notes), piece.division / chance.choice([2, 4, 8]))
    return _with(piece, duration=np.maximum(np.rint(long), 1))


def other_velocities(piece: Piece, chance: Chance) -> Piece:
    """All the same, or each drawn anew."""
    flat = chance.random() < 0.5
    return _with(piece, velocity=np.full(len(piece.notes), 100) if flat else chance.integers(20, 127, len(piece.notes)))


def quantised(piece: Piece, chance: Chance) -> Piece:
    """Onsets on the nearest 16th."""
    return _on_grid(piece, piece.division / 4)


def quantised_in_threes(piece: Piece, chance: Chance) -> Piece:
    """Onsets on the nearest triplet of eighths, though the song may be straight."""
    return _on_grid(piece, piece.division / 3)


def _on_grid(piece: Piece, step: float) -> Piece:
    return _with(piece, start=np.rint(np.rint(piece.notes["start"] / step) * step).astype(np.int64))


def bars_inserted(piece: Piece, chance: Chance) -> Piece | None:
    """1 to 3 bars, each at a place of its own: silence, or the bar before once more."""
    for _ in range(int(chance.integers(1, 4))):
        lines = _lines(piece)
        if len(lines) < 6:
            return None
        at = int(chance.integers(1, len(lines) - 1))
        before, here = int(lines[at - 1]), int(lines[at])
        again = piece.notes[(piece.notes["start"] >= before) & (piece.notes["start"] < here)]
        again["start"] += here - before
        long = here - before
        notes = piece.notes.copy()
        notes["start"] += long * (notes["start"] >= here)
        if chance.random() < 0.5:
            notes = np.concatenate([notes, again])
        piece = replace(
            piece,
            notes=notes,
            tempi=tuple((tick + long * (tick >= here), us) for tick, us in piece.tempi),
            metres=tuple((tick + long * (tick >= here), top, bottom) for tick, top, bottom in piece.metres),
        )
    return piece


def bars_removed(piece: Piece, chance: Chance) -> Piece | None:
    """1 to 3 bars, each at a place of its own."""
    for _ in range(int(chance.integers(1, 4))):
        lines = _lines(piece)
        if len(lines) < 12:
            return None
        at = int(chance.integers(1, len(lines) - 1))
        cut = _without(piece, int(lines[at - 1]), int(lines[at]))
        if cut is None:
            return None
        piece = cut
    return piece


def _lines(piece: Piece) -> Ints:
    return midi.TempoMap(piece.division, piece.tempi, piece.metres).bar_lines(piece.end)


def _without(piece: Piece, first: int, last: int) -> Piece | None:
    """The piece without what begins from tick `first` to before tick `last`; what comes after moves up."""
    starts = piece.notes["start"]
    kept = _only(piece, (starts < first) | (starts >= last))

    def move(ticks: Ints) -> Ints:
        return np.where(ticks >= last, ticks - (last - first), np.minimum(ticks, first))

    if kept is None:
        return None
    moved = _moved(kept, move)
    # Of changes that now lie on one tick the last holds.
    tempi = tuple(dict(moved.tempi).items())
    metres = tuple((tick, *metre) for tick, metre in {tick: metre for tick, *metre in moved.metres}.items())
    return replace(moved, tempi=tempi, metres=metres)


def intro_cut(piece: Piece, chance: Chance) -> Piece | None:
    """10 to 25 % of the time from the first note on."""
    first = int(piece.notes["start"].min(initial=piece.end))
    return _without(piece, first, first + round((piece.end - first) * chance.uniform(0.1, 0.25)))


def ending_cut(piece: Piece, chance: Chance) -> Piece | None:
    """10 to 25 % of the time up to the last note."""
    first = int(piece.notes["start"].min(initial=piece.end))
    return _only(piece, piece.notes["start"] < piece.end - round((piece.end - first) * chance.uniform(0.1, 0.25)))


def tracks_merged(piece: Piece, chance: Chance) -> Piece | None:
    """All pitched tracks become one, under its most frequent program."""
    pitched = piece.pitched
    if len(np.unique(piece.parts[pitched])) < 2:
        return None
    program = int(np.bincount(piece.notes["program"][pitched]).argmax())
    track = int(piece.notes["track"][pitched].min())
    return _with(
        piece,
        program=np.where(pitched, program, piece.notes["program"]),
        track=np.where(pitched, track, piece.notes["track"]),
    )


def tracks_split_by_pitch(piece: Piece, chance: Chance) -> Piece:
    """Every pitched track becomes two: above its middle pitch and below, as of two hands."""
    parts, pitches = piece.parts, piece.notes["pitch"].astype(np.int64)
    middles = np.array([np.median(pitches[parts == part]) for part in range(int(parts.max(initial=-1)) + 1)])
    return _with(piece, track=2 * piece.notes["track"] + ((pitches >= middles[parts]) & piece.pitched))


def tracks_split_at_random(piece: Piece, chance: Chance) -> Piece:
    """Every pitched track becomes two, each note in either."""
    return _with(piece, track=2 * piece.notes["track"] + (chance.integers(0, 2, len(piece.notes)) & piece.pitched))


def few_notes_edited(piece: Piece, chance: Chance) -> Piece | None:
    """1 to 3 % of the notes: another pitch, gone, or doubled a third above."""
    count = len(piece.notes)
    touched = chance.permutation(count)[: max(1, round(count * chance.uniform(0.01, 0.03)))]
    touched = touched[piece.pitched[touched]]
    what = chance.integers(0, 3, len(touched))
    notes = piece.notes.copy()
    pitches = notes["pitch"].astype(np.int64)
    doubled = notes[touched[what == 2]]
    doubled["pitch"] = np.minimum(doubled["pitch"].astype(np.int64) + 4, 127)
    pitches[touched[what == 0]] += chance.choice([-2, -1, 1, 2], int((what == 0).sum()))
    notes["pitch"] = np.clip(pitches, 0, 127)
    kept = np.ones(count, np.bool_)
    kept[touched[what == 1]] = False
    return _only(replace(piece, notes=notes), kept) and replace(piece, notes=np.concatenate([notes[kept], doubled]))


def medley(first: Piece, second: Piece) -> Piece:
    """One after the other, a beat between them, each in its own tempo; in the resolution of `first`."""
    ratio = first.division / second.division
    after = first.end + first.division
    later = _moved(second, lambda ticks: np.rint(ticks * ratio).astype(np.int64) + after)
    tracks = int(first.notes["track"].max(initial=-1)) + 1
    later.notes["track"] += tracks
    tempi = {**dict(first.tempi), **{max(tick, after): us for tick, us in later.tempi}}
    metres = {tick: metre for tick, *metre in (*first.metres, *((max(at, after), *of) for at, *of in later.metres))}
    return Piece(
        np.concatenate([first.notes, later.notes]),
        (*first.names[:tracks], *[""] * (tracks - len(first.names)), *second.names),
        first.division,
        tuple(tempi.items()),
        tuple((tick, *metre) for tick, metre in metres.items()),
    )


# By name. The first ones are asked for by themselves and mixed: of each tuple a mix takes one at most.
MIXED: tuple[tuple[Way, ...], ...] = (
    (transposed,),
    (other_tempo, stretched),
    (begun_later,),
    (tracks_in_other_order,),
    (programs_dropped,),
    (notes_dropped,),
    (jittered,),
    (other_durations,),
    (other_velocities,),
    (quantised, quantised_in_threes),
    (bars_inserted, bars_removed),
    (tracks_merged, tracks_split_by_pitch, tracks_split_at_random),
)
ALONE: tuple[Way, ...] = (saved_again, other_resolution, other_instruments, few_notes_edited, intro_cut, ending_cut)
WAYS: dict[str, Way] = {way.__name__.replace("_", " "): way for way in (*(way for ways in MIXED for way in ways), *ALONE)}


def mixed(piece: Piece, chance: Chance) -> tuple[Piece, list[str]]:
    """Three to five of `MIXED` one after another, in an order by chance, and which; those that do not apply are left out."""
    wanted, done = int(chance.integers(3, 6)), []
    for at in chance.permutation(len(MIXED)).tolist():
        way = MIXED[at][int(chance.integers(len(MIXED[at])))]
        changed = way(piece, chance)
        if changed is not None:
            piece = changed
            done.append(way.__name__.replace("_", " "))
        if len(done) == wanted:
            break
    return piece, done
