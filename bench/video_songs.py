"""Fifty songs to judge films by, composed here note by note and written by mido: same bytes every time."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from io import BytesIO

import mido

SEED = 20
DRUMS = 9
KICK, SNARE, STICK, CLOSED, PEDAL, OPEN, RIDE, CRASH, LOW, MID, HIGH = 36, 38, 37, 42, 44, 46, 51, 49, 45, 47, 50
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10), "dorian": (0, 2, 3, 5, 7, 9, 10)}
PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (5, 3, 0, 4), (0, 6, 5, 4))
Beats = Fraction  # quarter notes from the start of the song


@dataclass(frozen=True)
class Song:
    name: str
    group: str
    data: bytes


@dataclass(frozen=True)
class Note:
    part: str
    start: Beats
    length: Beats
    pitch: int
    velocity: int


@dataclass
class Piece:
    """What is to be written, in quarter notes."""

    notes: list[Note]
    tempi: list[tuple[Beats, float]] = field(default_factory=lambda: [(Fraction(0), 120.0)])  # BPM
    metres: list[tuple[Beats, int, int]] = field(default_factory=lambda: [(Fraction(0), 4, 4)])
    division: int = 480
    smpte: tuple[int, int] | None = None  # frames per second, ticks per frame: the tempi are then ticks only
    form: int = 1
    one_track: bool = False  # of type 1
    tempo_track: int = 0
    chatter: bool = False  # lyrics, markers and the like between the notes of every track
    zero_off: bool = False  # notes end by note-ons of velocity 0


CHANNELS = {"drums": DRUMS, "melody": 0, "bass": 1, "chords": 2, "pad": 3}
PROGRAMS = {"melody": 73, "bass": 33, "chords": 4, "pad": 48}


def songs() -> list[Song]:
    """All fifty, 20 to 60 s each."""
    found = []
    for number, (name, group, compose) in enumerate(_SONGS):
        found.append(Song(name, group, written(compose(random.Random(SEED * 1000 + number)))))
    return found


# Writing


def written(piece: Piece) -> bytes:
    """The piece as a file."""
    names = list(dict.fromkeys(note.part for note in piece.notes))
    apart = piece.form == 1 and not piece.one_track
    tracks: list[list[tuple[int, int, mido.Message | mido.MetaMessage]]] = [[] for _ in range(len(names) + 1 if apart else 1)]
    tempo_track = min(piece.tempo_track, len(tracks) - 1)
    for beat, bpm in piece.tempi:
        tracks[tempo_track].append((_tick(piece, beat), 0, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm))))
    for beat, top, bottom in piece.metres:
        signature = mido.MetaMessage("time_signature", numerator=top, denominator=bottom)
        tracks[0].append((_tick(piece, beat), 0, signature))
    for order, name in enumerate(names):
        track = tracks[order + 1 if apart else 0]
        channel = _channel(name)
        track.append((0, 0, mido.MetaMessage("track_name", name=name)))
        track.append((0, 1, mido.Message("program_change", channel=channel, program=PROGRAMS.get(name, 10 * order % 96))))
        for count, note in enumerate(one for one in piece.notes if one.part == name):
            on, off = _tick(piece, note.start), _tick(piece, note.start + note.length)
            track.append((on, 3, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)))
            ending = "note_on" if piece.zero_off else "note_off"
            track.append((max(off, on + 1), 2, mido.Message(ending, channel=channel, note=note.pitch, velocity=0)))
            if piece.chatter:
                between = (on + max(off, on + 1)) // 2
                track.append((between, 4, mido.MetaMessage("lyrics" if count % 2 else "marker", text=f"{name} {count}")))
    division = piece.division if piece.smpte is None else (((256 - piece.smpte[0]) << 8) | piece.smpte[1]) - (1 << 16)
    song = mido.MidiFile(type=piece.form, ticks_per_beat=division)
    for track in tracks:
        last, laid = 0, mido.MidiTrack()
        for tick, _, message in sorted(track, key=lambda one: one[:2]):
            laid.append(message.copy(time=tick - last))
            last = tick
        song.tracks.append(laid)
    data = BytesIO()
    song.save(file=data)
    return data.getvalue()


def _channel(name: str) -> int:
    return CHANNELS[name] if name in CHANNELS else [channel for channel in range(16) if channel != DRUMS][int(name.split()[1])]


def _tick(piece: Piece, beat: Beats) -> int:
    if piece.smpte is None:
        return round(beat * piece.division)
    seconds, at, bpm = Fraction(0), Fraction(0), 120.0
    for start, following in [*piece.tempi, (beat, 0.0)]:
        until = min(start, beat)
        seconds += max(until - at, Fraction(0)) * 60 / Fraction(bpm).limit_denominator(1000)
        at, bpm = max(until, at), following
        if start >= beat:
            break
    return round(seconds * piece.smpte[0] * piece.smpte[1])


# Composing


def band(
    chance: random.Random,
    *,
    bpm: float = 120.0,
    metre: tuple[int, int] = (4, 4),
    seconds: float = 32.0,
    parts: Iterable[str] = ("drums", "melody", "bass", "chords"),
    drums: str = "rock",
    swing: Fraction = Fraction(1, 2),
    loud: tuple[int, int] = (60, 110),
    pickup: Beats = Fraction(0),
    silence: Beats = Fraction(0),
    steps: int = 2,
) -> Piece:
    """A song in one tempo: `steps` of the melody and bass to a quarter note, `swing` is where in the beat its half falls."""
    top, bottom = metre
    bar = Fraction(4 * top, bottom)
    bars = max(4, round(seconds * bpm / 60 / float(bar)))
    scale, tonic = chance.choice(list(SCALES.values())), chance.randrange(12)
    progression = chance.choice(PROGRESSIONS)
    notes: list[Note] = []
    for order, part in enumerate(parts):
        degree = chance.randrange(4, 10)
        for number in range(bars):
            start = silence + pickup + number * bar
            root = progression[number % 4]
            if part == "drums":
                notes += _kit(chance, drums, start, bar, metre, loud, number)
            elif part == "pad" or (part == "chords" and drums == "none"):
                force = chance.randint(*loud)
                pitches = [_pitch(scale, tonic, root + step, 4) for step in (0, 2, 4)]
                notes += [Note(part, start, bar * Fraction(9, 10), pitch, force) for pitch in pitches]
            elif part == "chords":
                pitches = [_pitch(scale, tonic, root + step, 4) for step in (0, 2, 4)]
                for step in range(0, int(bar * 2), 3):
                    force = chance.randint(*loud)
                    notes += [Note(part, start + Fraction(step, 2), Fraction(2, 5), pitch, force) for pitch in pitches]
            elif part == "bass":
                for beat in range(int(bar)):
                    if beat == 0 or chance.random() < 0.7:
                        step = chance.choice((0, 0, 4, 7)) if beat else 0
                        pitch = _pitch(scale, tonic, root + step, 2)
                        notes.append(Note(part, start + beat, Fraction(3, 4), pitch, chance.randint(*loud)))
            else:
                octave = 5 if part == "melody" else 5 - order % 3
                at = Fraction(0)
                while at < bar:
                    length = Fraction(chance.choice((1, 1, 2, 2, 3, 4)), steps)
                    degree = min(max(degree + chance.choice((-2, -1, -1, 1, 1, 2)), 0), 14)
                    if chance.random() < 0.85:
                        pitch, held = _pitch(scale, tonic, degree, octave), min(length, bar - at) * Fraction(4, 5)
                        notes.append(Note(part, start + at, held, pitch, chance.randint(*loud)))
                    at += length
    if pickup:
        count = int(pickup * 2)
        for step in range(count):
            notes.append(Note("melody", silence + Fraction(step, 2), Fraction(2, 5), _pitch(scale, tonic, 4 + step, 5), loud[1]))
    if swing != Fraction(1, 2):
        notes = [_swung(note, swing) for note in notes]
    notes.sort(key=lambda note: note.start)
    metres = [(Fraction(0), top, bottom)]
    if pickup:
        metres = [(Fraction(0), int(pickup * 2), 8), (silence + pickup, top, bottom)]
    return Piece(notes, tempi=[(Fraction(0), bpm)], metres=metres)


def _pitch(scale: tuple[int, ...], tonic: int, degree: int, octave: int) -> int:
    return min(127, 12 * (octave + 1 + degree // 7) + tonic + scale[degree % 7] - 5)


def _swung(note: Note, swing: Fraction) -> Note:
    beat, part = divmod(note.start, 1)
    moved = part * 2 * swing if part <= Fraction(1, 2) else swing + (part - Fraction(1, 2)) * 2 * (1 - swing)
    return Note(note.part, beat + moved, note.length, note.pitch, note.velocity)


def _kit(
    chance: random.Random, style: str, start: Beats, bar: Beats, metre: tuple[int, int], loud: tuple[int, int], number: int
) -> list[Note]:
    struck: list[tuple[Beats, int]] = []
    top, bottom = metre
    pulse = Fraction(4, bottom)
    if style == "none":
        return []
    if style in ("rock", "soft"):
        for step in range(top):
            at = step * pulse
            if bottom == 4:
                struck.append((at, SNARE if step % 2 else KICK))
            elif step % 3 == 0:
                struck.append((at, SNARE if step % 6 == 3 else KICK))
            struck.append((at, CLOSED))
            if bottom == 4 and style != "soft":
                struck.append((at + Fraction(1, 2), OPEN if step == top - 1 else CLOSED))
        if number % 4 == 3:
            struck += [(bar - Fraction(1) + Fraction(step, 4), (HIGH, HIGH, MID, LOW)[step]) for step in range(4)]
        if number % 8 == 0:
            struck.append((Fraction(0), CRASH))
    elif style == "sixteen":
        struck += [(Fraction(step, 4), CLOSED) for step in range(int(bar * 4))]
        struck += [(Fraction(beat), (KICK, SNARE)[beat % 2]) for beat in range(int(bar))]
    elif style == "rolls":
        struck += [(Fraction(beat), (KICK, SNARE)[beat % 2]) for beat in range(int(bar))]
        struck += [(bar - 2 + Fraction(step, 8), SNARE if step < 8 else (HIGH, MID, LOW)[step % 3]) for step in range(16)]
    elif style == "sparse":
        struck += [(Fraction(0), KICK), (bar / 2, SNARE), (bar * Fraction(3, 4), PEDAL)]
    elif style == "sizes":  # every velocity there is, one after another
        return [
            Note("drums", start + beat, Fraction(1, 8), (KICK, SNARE, CLOSED, OPEN, PEDAL)[(number * int(bar) + beat) % 5], force)
            for beat in range(int(bar))
            for force in [(number * int(bar) + beat) * 2 % 127 + 1]
        ]
    elif style == "ghosts":
        struck += [(Fraction(beat), (KICK, SNARE)[beat % 2]) for beat in range(int(bar))]
        quiet = [Fraction(2 * step + 1, 4) for step in range(int(bar * 2)) if chance.random() < 0.6]
        return [
            *(Note("drums", start + at, Fraction(1, 8), pitch, chance.randint(90, 120)) for at, pitch in struck),
            *(Note("drums", start + at, Fraction(1, 8), SNARE, chance.randint(1, 20)) for at in quiet),
        ]
    return [Note("drums", start + at, Fraction(1, 8), pitch, chance.randint(*loud)) for at, pitch in dict.fromkeys(struck)]


def _loose(chance: random.Random, piece: Piece, most: float) -> Piece:
    """Every note a little off the grid, by up to `most` quarter notes."""
    notes = []
    for note in piece.notes:
        start = max(Fraction(0), note.start + Fraction(round(chance.gauss(0, most / 2) * 1000), 1000))
        notes.append(Note(note.part, start, note.length, note.pitch, note.velocity))
    piece.notes = notes
    return piece


Compose = Callable[[random.Random], Piece]


def _plain(**wanted: object) -> Compose:
    """A band, with what is named after `piece_` set on the piece itself."""
    own = {key.removeprefix("piece_"): value for key, value in wanted.items() if key.startswith("piece_")}
    rest = {key: value for key, value in wanted.items() if not key.startswith("piece_")}

    def compose(chance: random.Random) -> Piece:
        piece = band(chance, **rest)  # type: ignore[arg-type]
        for key, value in own.items():
            setattr(piece, key, value)
        return piece

    return compose


def _turning(turns: Callable[[random.Random, Beats], list[tuple[Beats, float]]], **wanted: object) -> Compose:
    """A band whose tempi are `turns` of the length of the song."""

    def compose(chance: random.Random) -> Piece:
        piece = _plain(**wanted)(chance)
        piece.tempi = turns(chance, max(note.start for note in piece.notes))
        return piece

    return compose


def _slope(first: float, last: float, steps: int) -> Callable[[random.Random, Beats], list[tuple[Beats, float]]]:
    return lambda _, end: [(end * k / steps, first + (last - first) * k / steps) for k in range(steps)]


def _every(beats: Beats, *bpm: float) -> Callable[[random.Random, Beats], list[tuple[Beats, float]]]:
    return lambda _, end: [(k * beats, bpm[k % len(bpm)]) for k in range(int(end / beats) + 1)]


def _breathing(chance: random.Random, end: Beats) -> list[tuple[Beats, float]]:
    return [(Fraction(k), chance.uniform(58, 96)) for k in range(int(end) + 1)]


def _twice_told(_: random.Random, end: Beats) -> list[tuple[Beats, float]]:
    eighths = range(int(end / 8) + 1)
    return [(Fraction(8 * k), bpm) for k in eighths for bpm in (40.0, 90.0 + 10 * (k % 4))]


def _rubato(chance: random.Random) -> Piece:
    piece = band(chance, parts=("melody", "chords"), drums="none", seconds=30, loud=(30, 90))
    piece.tempi = _breathing(chance, max(note.start for note in piece.notes))
    return _loose(chance, piece, 0.15)


def _free_drums(chance: random.Random) -> Piece:
    return _loose(chance, band(chance, bpm=104, seconds=28), 0.06)


def _changing_metres(chance: random.Random) -> Piece:
    whole, metres, at = Piece([]), [], Fraction(0)
    for top, bottom in ((4, 4), (3, 4), (7, 8), (6, 8), (5, 4), (4, 4)):
        part = band(chance, bpm=110, metre=(top, bottom), seconds=0)
        metres.append((at, top, bottom))
        whole.notes += [Note(note.part, note.start + at, note.length, note.pitch, note.velocity) for note in part.notes]
        at += 4 * Fraction(4 * top, bottom)
    whole.tempi, whole.metres = [(Fraction(0), 110.0)], metres
    return whole


def _many_channels(chance: random.Random) -> Piece:
    return band(chance, bpm=100, parts=("drums", *(f"part {k}" for k in range(9))), seconds=24, steps=1)


def _long_notes(chance: random.Random) -> Piece:
    piece = band(chance, parts=("pad", "melody", "drums"), drums="sparse", steps=1, seconds=36)
    piece.tempi = [(Fraction(2 * k + 1, 2), (50.0, 180.0, 95.0, 240.0)[k % 4]) for k in range(40)]
    return piece


ROCK = ("drums", "melody", "bass", "chords")
_SONGS: tuple[tuple[str, str, Compose], ...] = (
    ("ninety", "90 BPM", _plain(bpm=90.0)),
    ("ninety in two tracks", "90 BPM", _plain(bpm=90.0, parts=("drums", "melody"))),
    ("ninety shuffled", "90 BPM", _plain(bpm=90.0, swing=Fraction(2, 3))),
    ("ninety, drums alone", "90 BPM", _plain(bpm=90.0, parts=("drums",))),
    ("ninety without drums", "90 BPM", _plain(bpm=90.0, parts=("melody", "bass", "chords"))),
    ("ninety in one track", "90 BPM", _plain(bpm=90.0, piece_form=0)),
    ("accelerando of 64 steps", "tempo changes", _turning(_slope(70, 160, 64))),
    ("ritardando of 200 steps", "tempo changes", _turning(_slope(150, 60, 200))),
    ("sudden halves", "tempo changes", _turning(_every(Fraction(16), 140, 70))),
    ("turns inside notes", "tempo changes", _long_notes),
    ("a tempo a bar", "tempo changes", _turning(_every(Fraction(4), 96, 104, 92, 118, 100))),
    ("tempi in the last track", "tempo changes", _turning(_every(Fraction(6), 80, 132), piece_tempo_track=4)),
    ("two tempi at a tick", "tempo changes", _turning(_twice_told)),
    ("from 30 to 280 BPM", "tempo changes", _turning(_every(Fraction(3), 30, 280, 90), parts=("drums", "bass"), seconds=22.0)),
    ("two tracks", "tracks", _plain(bpm=120.0, parts=("drums", "melody"))),
    ("four tracks, notes off by velocity 0", "tracks", _plain(bpm=128.0, piece_zero_off=True)),
    ("tempo in the second track", "tracks", _plain(bpm=84.0, piece_tempo_track=1)),
    ("words between notes", "tracks", _plain(bpm=120.0, piece_chatter=True)),
    ("words between notes of one track", "tracks", _plain(bpm=112.0, piece_chatter=True, piece_one_track=True)),
    ("ten tracks", "tracks", _many_channels),
    ("six eight", "metres", _plain(bpm=100.0, metre=(6, 8))),
    ("six eight, slow", "metres", _plain(bpm=66.0, metre=(6, 8), parts=("drums", "melody", "pad"))),
    ("seven eight", "metres", _plain(bpm=132.0, metre=(7, 8))),
    ("five four", "metres", _plain(bpm=126.0, metre=(5, 4))),
    ("three four", "metres", _plain(bpm=138.0, metre=(3, 4))),
    ("twelve eight", "metres", _plain(bpm=90.0, metre=(12, 8))),
    ("changing metres", "metres", _changing_metres),
    ("swing", "swing", _plain(bpm=120.0, swing=Fraction(2, 3))),
    ("swing, fast", "swing", _plain(bpm=176.0, swing=Fraction(3, 5))),
    ("shuffle, slow", "swing", _plain(bpm=74.0, swing=Fraction(2, 3), parts=("drums", "bass"))),
    ("one track of type 0", "forms", _plain(bpm=118.0, piece_form=0, piece_chatter=True)),
    ("96 ticks", "forms", _plain(bpm=98.0, piece_division=96)),
    ("120 ticks", "forms", _plain(bpm=143.0, piece_division=120)),
    ("960 ticks", "forms", _plain(bpm=87.0, piece_division=960)),
    ("15360 ticks", "forms", _plain(bpm=107.0, piece_division=15360)),
    ("25 x 40 SMPTE", "forms", _plain(bpm=95.0, piece_smpte=(25, 40))),
    ("29.97 x 80 SMPTE", "forms", _plain(bpm=110.0, piece_smpte=(29, 80))),
    ("pick-up of a quarter", "pick-ups, silence", _plain(bpm=116.0, pickup=Fraction(1))),
    ("pick-up of an eighth", "pick-ups, silence", _plain(bpm=100.0, metre=(6, 8), pickup=Fraction(1, 2))),
    ("20 s of silence first", "pick-ups, silence", _plain(bpm=120.0, silence=Fraction(40), seconds=24.0)),
    ("every velocity", "drums", _plain(bpm=96.0, parts=("drums",), drums="sizes", seconds=50.0)),
    ("ghost notes", "drums", _plain(bpm=102.0, parts=("drums", "bass"), drums="ghosts")),
    ("drums alone, sparse", "drums", _plain(bpm=88.0, parts=("drums",), drums="sparse")),
    ("sixteenths at 140", "dense", _plain(bpm=140.0, drums="sixteen", steps=4)),
    ("rolls", "dense", _plain(bpm=130.0, drums="rolls", parts=("drums", "bass"))),
    ("sixteenths, drums alone", "dense", _plain(bpm=140.0, drums="sixteen", parts=("drums",))),
    ("soft piano", "soft", _plain(bpm=72.0, parts=("melody", "chords"), drums="none", loud=(1, 40), steps=1)),
    ("soft drums", "soft", _plain(bpm=80.0, drums="soft", loud=(5, 35), parts=("drums", "pad"))),
    ("rubato piano", "rubato", _rubato),
    ("a drummer off the grid", "rubato", _free_drums),
)
