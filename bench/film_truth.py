"""Films whose music is known: painted pictures, a bed of speech and noise, and rendered songs laid under it at known times.

A placement's level is the RMS of the music against the RMS of the bed over its whole length, both as they are mixed. "Same" is
the indexed rendering itself; "other" is the song rendered anew by another font (or with other programs of the same families),
without some of its parts, and through an equaliser, a room and a compressor. Every film also plays songs of no index.
Everything is drawn from one seed and kept in a folder, so a second run makes nothing.
"""

from __future__ import annotations

import json
import math
import os
import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

import film_beds
from motet import midi, render
from motet.midi.events import NOTE_ON, PROGRAM, Events, write
from motet.midi.reading import prepare, unwrap
from motet.video import film as films
from motet.video import painter

Audio = NDArray[np.float32]
Floats = NDArray[np.float64]

RATE, FILM_RATE = 24000, 48000  # Hz
SONG_SECONDS = 150.0  # of a song at most
LEVELS = (-18, -12, -6, 0, 6)  # dB
KINDS = ("same", "other")
SPEEDS = (0.96, 1.04)
PLACED = (10.0, 45.0)  # seconds in the film
BED_DB = -27.0  # full scale, RMS of a bed
FPS, SIZE = Fraction(2), (64, 64)
FONTS = ("/usr/share/sounds/sf2/FluidR3_GM.sf2", "/usr/share/sounds/sf3/MuseScore_General_Lite.sf3")
FOLDERS = ("pop909", "lakh-layout", "free", "messy")
GRAM, SHARED = 8, 0.15  # intervals in a row; the share of them that makes two files one song
SAME_NOTES, NEAR = 0.95, 0.03  # a passage recurs where this share of its notes is struck again, within seconds


@dataclass(frozen=True, eq=False)
class Song:
    name: str
    data: bytes

    @property
    def file(self) -> str:
        return f"{zlib.crc32(self.name.encode()):08x}.flac"


@dataclass(frozen=True)
class Placed:
    """Song time is `song_start` + `speed` x (film time - `film_start`), in seconds.

    `lags`: the same notes come again so much later in the song (earlier, below 0). `indexed` is False for songs of no index,
    which nobody can find.
    """

    song: str
    kind: str
    level: float
    film_start: float
    film_end: float
    song_start: float
    speed: float
    indexed: bool
    lags: tuple[float, ...] = ()
    bed: str = ""
    how: str = ""


@dataclass(frozen=True)
class Film:
    name: str
    path: str
    seconds: float
    placed: tuple[Placed, ...]


@dataclass(frozen=True)
class Material:
    """`songs`: from name to the FLAC file of the indexed rendering."""

    songs: dict[str, Path]
    films: list[Film] = field(default_factory=list)


def material(
    folder: Path, songs: Sequence[Song], *, indexed: int, films: int, placements: int, barren: int = 6, seed: int = 10
) -> Material:
    """The songs and films, made where `folder` has them not. The last of every `barren` films plays songs of no index only."""
    folder.mkdir(parents=True, exist_ok=True)
    known, unknown, kept = {}, [], []
    for song in songs:
        try:
            path = _indexed(song, folder)
        except render.RenderError:
            continue
        if len(known) < indexed:
            known[song.name] = path
            kept.append(song)
        else:
            unknown.append(song)
    made = []
    cells = [(level, kind) for level in LEVELS for kind in KINDS]
    random.Random(seed).shuffle(cells)
    count = 0
    for number in range(films):
        chance = random.Random(f"{seed} {number}")
        absent = number % barren == barren - 1
        wanted: list[tuple[Song, float, str, bool]] = []
        if not absent:
            for song in chance.sample(kept, placements):
                level, kind = cells[count % len(cells)]
                wanted.append((song, level, kind, True))
                count += 1
        for song in chance.sample(unknown, min(len(unknown), max(1, placements // (1 if absent else 5)))):
            wanted.append((song, chance.choice((0, 6)), chance.choice(KINDS), False))
        chance.shuffle(wanted)
        film = _film(folder, f"film {number:02}{' (nothing to find)' if absent else ''}", number, wanted, chance)
        made.append(replace(film, placed=tuple(replace(one, indexed=one.song in known) for one in film.placed)))
    return Material(known, made)


# Songs


def shared_songs(folder: Path, wanted: int, seed: int = 10) -> list[Song]:
    """Real songs of at least 40 s and 150 notes, no two alike by their melodic intervals; pop909's main versions, no copies."""
    paths = sorted(p for name in FOLDERS for p in (folder / name).rglob("*") if p.suffix.lower() in {".mid", ".midi", ".kar"})
    paths = [path for path in paths if "versions" not in path.parts]
    random.Random(seed).shuffle(paths)
    found: list[Song] = []
    seen: dict[int, set[int]] = {}  # gram -> songs
    for path in paths:
        try:
            data = path.read_bytes()
            score = midi.read(data)
        except midi.Unreadable:
            continue
        if len(score.notes) < 150 or not 40 <= score.duration <= 900:
            continue
        grams = _grams(score)
        if len(grams) < 20:
            continue
        shared: dict[int, int] = {}
        for gram in grams:
            for other in seen.get(gram, ()):
                shared[other] = shared.get(other, 0) + 1
        if max(shared.values(), default=0) > SHARED * len(grams):
            continue
        for gram in grams:
            seen.setdefault(gram, set()).add(len(found))
        found.append(Song(path.relative_to(folder).as_posix(), data))
        if len(found) == wanted:
            break
    return found


def own_songs(wanted: int, seconds: float = 32.0, seed: int = 10) -> list[Song]:
    """Songs composed here."""
    from video_songs import band, written

    found = []
    for number in range(wanted):
        chance = random.Random(f"{seed} song {number}")
        parts = chance.choice(
            (("drums", "melody", "bass", "chords"), ("melody", "chords", "bass"), ("melody", "line 5", "chords"))
        )
        piece = band(
            chance,
            bpm=chance.uniform(80, 150),
            metre=chance.choice(((4, 4), (4, 4), (3, 4))),
            seconds=seconds,
            parts=parts,
            drums=chance.choice(("rock", "soft", "sixteen", "sparse")),
            steps=chance.choice((2, 2, 3, 4)),
        )
        found.append(Song(f"song {number:03}", _reprogrammed(written(piece), chance, anew=True)))
    return found


def _grams(score: midi.Score) -> set[int]:
    """Intervals in a row of the highest notes of every track, without repetitions of one note."""
    found: set[int] = set()
    notes = score.notes[~score.notes["is_drum"]]
    for track in np.unique(notes["track"]):
        mine = notes[notes["track"] == track]
        mine = mine[np.lexsort((-mine["pitch"].astype(int), mine["start"]))]
        line = mine["pitch"][np.unique(mine["start"], return_index=True)[1]].astype(int)
        steps = np.diff(line)
        for at in range(len(steps) - GRAM + 1):
            row = steps[at : at + GRAM]
            if len(set(row.tolist())) > 2:
                found.add(hash(tuple(row.tolist())))
    return found


def rendered(data: bytes, font: str = "auto", *, rate: int = RATE, seconds: float = SONG_SECONDS) -> Audio:
    """One channel, peak 0.7; frame 0 is tick 0. Raises RenderError for silence too."""
    stereo = next(iter(_synth(font, rate).render([data])))[: round(seconds * rate)]
    mono = stereo.mean(axis=1, dtype=np.float32)
    peak = float(np.abs(mono).max(initial=0))
    if peak < 1e-3:
        raise render.RenderError("silent", "nothing is heard")
    scaled: Audio = mono * np.float32(0.7 / peak)
    return scaled


@cache
def _synth(font: str, rate: int) -> render.Synth:
    return render.load(render.find(font), rate)


def other_fonts(folder: Path) -> list[str]:
    """Fonts beside the one that comes along; none where `folder`/plain asks for what every machine has."""
    return [font for font in FONTS if Path(font).exists() and not (folder / "plain").exists()]


def _indexed(song: Song, folder: Path) -> Path:
    import soundfile

    path = folder / "songs" / song.file
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        soundfile.write(unfinished, rendered(song.data), RATE, format="FLAC", subtype="PCM_16")
        unfinished.replace(path)
    return path


# Another version


def another(song: Song, folder: Path, chance: random.Random) -> tuple[bytes, Audio, str]:
    """The song without some parts, by another font, through effects: its MIDI, its sound, and what was done in words."""
    data, dropped = thinned(song.data, chance)
    fonts = other_fonts(folder)
    if fonts:
        font = chance.choice(fonts)
        audio, words = rendered(data, font), Path(font).stem
    else:
        audio, words = rendered(_reprogrammed(data, chance)), "other programs"
    return data, effects(audio, chance), f"{words}, without {dropped}"


def thinned(data: bytes, chance: random.Random) -> tuple[bytes, str]:
    """Without one part, two, or half of them; what stays has a third of the notes and something that is no drum."""
    events = prepare(unwrap(data)[0])
    counts: dict[tuple[int, int], int] = {}
    for number, track in enumerate(events.tracks):
        for _, status, body in track:
            if status & 0xF0 == NOTE_ON and status < 0xF0 and body[1]:
                counts[number, status & 15] = counts.get((number, status & 15), 0) + 1
    parts = sorted(counts)
    for _ in range(20):
        most = chance.choice((1, 2, len(parts) // 2))
        gone = set(chance.sample(parts, min(most, len(parts) // 2)))
        left = [part for part in parts if part not in gone]
        if any(channel != 9 for _, channel in left) and sum(counts[part] for part in left) * 3 >= sum(counts.values()):
            break
    else:
        gone = set()
    tracks = [
        [e for e in track if not (e[1] < 0xF0 and e[1] & 0xF0 == NOTE_ON and (number, e[1] & 15) in gone and e[2][1])]
        for number, track in enumerate(events.tracks)
    ]
    return write(Events(events.format, events.division, tracks)), f"{len(gone)} of {len(parts)} parts"


def _reprogrammed(data: bytes, chance: random.Random, *, anew: bool = False) -> bytes:
    """Every program replaced by another of its family of eight; `anew`: by any that holds its note or is plucked."""
    events = prepare(unwrap(data)[0])
    singing = (0, 4, 11, 16, 21, 24, 25, 27, 40, 42, 48, 56, 60, 65, 68, 71, 73, 80, 88)

    def other(program: int) -> int:
        return chance.choice(singing) if anew else program // 8 * 8 + (program + chance.randint(1, 7)) % 8

    tracks = [
        [(t, s, bytes([other(b[0])])) if s & 0xF0 == PROGRAM and s < 0xF0 else (t, s, b) for t, s, b in track]
        for track in events.tracks
    ]
    return write(Events(events.format, events.division, tracks))


def effects(audio: Audio, chance: random.Random, rate: int = RATE) -> Audio:
    """Three bands of an equaliser (6 dB either way), a room of 0.3 to 1.2 s under it, 3:1 above a threshold; nothing is late."""
    from scipy.signal import fftconvolve, lfilter

    wave = audio.astype(np.float64)
    for low, high in ((80, 300), (400, 1800), (2200, 7000)):
        wave = lfilter(*_peaking(math.exp(chance.uniform(math.log(low), math.log(high))), chance.uniform(-6, 6), rate), wave)
    length = chance.uniform(0.3, 1.2)
    noise = np.random.default_rng(chance.getrandbits(32)).standard_normal(round(length * rate))
    tail = noise * 10 ** (-3 * np.arange(len(noise)) / len(noise))
    tail[: round(0.008 * rate)] = 0
    tail *= chance.uniform(0.2, 0.45) / math.sqrt(float((tail**2).sum()))
    wave += fftconvolve(wave, tail)[: len(wave)]
    power = lfilter([0.003], [1, -0.997], wave**2)
    threshold = float(np.median(power[power > 0])) if (power > 0).any() else 1.0
    wave *= np.maximum(power / threshold, 1.0) ** (-1 / 3)
    peak = float(np.abs(wave).max(initial=1e-9))
    changed: Audio = (wave * (0.7 / peak)).astype(np.float32)
    return changed


def _peaking(hertz: float, gain: float, rate: int, q: float = 0.9) -> tuple[list[float], list[float]]:
    """The peaking filter of the cookbook by Robert Bristow-Johnson."""
    a, w = 10 ** (gain / 40), 2 * math.pi * hertz / rate
    alpha, cosine = math.sin(w) / (2 * q), math.cos(w)
    top = 1 + alpha / a
    return [x / top for x in (1 + alpha * a, -2 * cosine, 1 - alpha * a)], [x / top for x in (top, -2 * cosine, 1 - alpha / a)]


# Films


def _film(folder: Path, name: str, number: int, wanted: list[tuple[Song, float, str, bool]], chance: random.Random) -> Film:
    told = folder / "films" / f"{number:02}.json"
    if told.exists():
        known = json.loads(told.read_text())
        placed = tuple(Placed(**one | {"lags": tuple(one["lags"])}) for one in known.pop("placed"))
        return Film(**known, placed=placed)
    told.parent.mkdir(exist_ok=True)
    clips, at = [], chance.uniform(4, 12)
    for song, level, kind, indexed in wanted:
        found = _passage(song, kind, level, folder, chance)
        if found:
            placed, music = found
            shift = replace(placed, film_start=at, film_end=at + len(music) / FILM_RATE, indexed=indexed)
            clips.append((shift, music))
            at = shift.film_end + chance.uniform(4, 15)
    seconds = math.ceil(at * 2) / 2
    bed, kind = film_beds.bed(round(seconds * FILM_RATE), FILM_RATE, chance, film_beds.voices(folder))
    bed *= np.float32(10 ** (BED_DB / 20) / _rms(bed))
    placements = []
    sound = bed.copy()
    for placed, music in clips:
        first = round(placed.film_start * FILM_RATE)
        under = bed[first : first + len(music)]
        side = chance.uniform(0.35, 0.65)
        stereo = np.stack([music * (2 * side), music * (2 - 2 * side)], axis=1).astype(np.float32)
        sound[first : first + len(music)] += stereo * np.float32(10 ** (placed.level / 20) * _rms(under) / _rms(stereo))
        exact = first / FILM_RATE
        placements.append(replace(placed, film_start=exact, film_end=exact + len(music) / FILM_RATE, bed=kind))
    sound *= np.float32(min(1.0, 0.95 / float(np.abs(sound).max())))
    path = told.with_suffix(".mp4")
    frames = round(seconds * FPS)
    films.write(path, _pictures(frames, number), fps=FPS, size=SIZE, sound=(sound, FILM_RATE), frames=frames)
    film = Film(name, str(path), seconds, tuple(placements))
    told.write_text(json.dumps(asdict(film)))
    return film


def _rms(sound: Audio) -> float:
    return math.sqrt(float(np.mean(np.square(sound, dtype=np.float64)))) or 1e-9


def _passage(song: Song, kind: str, level: float, folder: Path, chance: random.Random) -> tuple[Placed, Audio] | None:
    """A passage of a song that is heard nearly throughout, at its speed: where in the film is not settled yet."""
    if kind == "same":
        audio, _ = render.decode(_indexed(song, folder))
        data, audio, how = song.data, audio.reshape(len(audio), -1)[:, 0], "the indexed rendering"
    else:
        data, audio, how = another(song, folder, chance)
    speed = chance.choice((1.0, 1.0, *SPEEDS, round(chance.uniform(*SPEEDS), 4), round(chance.uniform(*SPEEDS), 4)))
    whole = len(audio) / RATE
    loud = np.sqrt(np.square(audio[: len(audio) // RATE * RATE], dtype=np.float64).reshape(-1, RATE).mean(axis=1))
    for _ in range(40):
        length = math.exp(chance.uniform(*map(math.log, PLACED)))
        if length * speed > whole - 1:
            continue
        start = round(chance.uniform(0, whole - length * speed) * RATE) / RATE
        heard = loud[math.floor(start) : math.ceil(start + length * speed)]
        if len(heard) and np.mean(heard > 0.05 * loud.max()) >= 0.9 and heard[0] > 0.1 * loud.max() < heard[-1]:
            break
    else:
        return None
    piece = audio[round(start * RATE) : round((start + length * speed) * RATE)]
    music: Audio = soxr.resample(piece, RATE * speed, FILM_RATE, quality="HQ").astype(np.float32)
    fade = round(chance.uniform(0.02, 0.3) * FILM_RATE)
    slope = np.linspace(0, 1, fade, dtype=np.float32)
    music[:fade] *= slope
    music[-fade:] *= slope[::-1]
    lags = _lags(data, start, start + length * speed)
    return Placed(song.name, kind, level, 0.0, 0.0, start, speed, True, lags, "", how), music


def _lags(data: bytes, start: float, end: float) -> tuple[float, ...]:
    """Seconds after (or before) which all but all notes of a passage are struck again."""
    score = midi.read(data)
    moments = score.tempo_map.to_seconds(score.notes["start"])
    keys = score.notes["pitch"].astype(np.int64) + 128 * score.notes["is_drum"]
    order = np.lexsort((moments, keys))
    moments, keys = moments[order], keys[order]
    inside = (moments >= start) & (moments < end)
    if not inside.any():
        return ()
    far = 1e5
    line, mine = keys * far + moments, (keys * far + moments)[inside]
    values, counts = np.unique(keys[inside], return_counts=True)
    rare = min(zip(counts.tolist(), values.tolist(), strict=True))[1]
    first = float(moments[inside & (keys == rare)][0])
    found = []
    for lag in moments[keys == rare] - first:
        if abs(lag) > 0.5:
            asked = mine + lag
            at = np.searchsorted(line, asked)
            gap = np.minimum(np.abs(line[np.minimum(at, len(line) - 1)] - asked), np.abs(line[np.maximum(at - 1, 0)] - asked))
            there = np.mean((moments >= start + lag) & (moments < end + lag)) * len(moments)
            if np.mean(gap <= NEAR) >= SAME_NOTES and there <= len(mine) / SAME_NOTES:
                found.append(round(float(lag), 4))
    return tuple(found)


def _pictures(frames: int, seed: int) -> Iterator[films.Picture]:
    """A painted minute and a half, over and over."""
    some = [{"strength": 0.9, "noise": 0.05, "rotation_3d_z": 0.2 * k, "fov": 60.0} for k in range(min(frames, 180))]
    manifest = {"options": {"output_fps": int(FPS)}, "rendered_frames": some, "motet": {"seed": seed, "mood": "happy"}}
    painted = list(painter.paint(manifest, size=SIZE, seed=seed))
    return (painted[k % len(painted)] for k in range(frames))
