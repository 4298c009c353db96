"""Performances whose timing is known: MIDI files with their tempo bent, played, and other arrangements that are none of them.

A warp is written into the file as tempo changes on a fine grid, and then the file is played as it stands: so the seconds of
every tick, before and after, are those of two tempo maps, exactly. What is done to the sound besides is one thing each, so that
it can be told apart: another font with effects, noise, a late beginning, an end cut off, a semitone up or down.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import film_beds
from film_truth import FONTS, RATE, Song, effects, rendered, thinned
from motet import midi
from motet.midi.events import META, NOTE_OFF, NOTE_ON, TEMPO, Event, Events, write
from motet.midi.reading import prepare, unwrap

Audio = NDArray[np.float32]
Floats = NDArray[np.float64]

SECONDS = 90.0  # of a song, from its first note
RUBATO, GLOBAL = 0.08, (0.8, 1.25)
WARPS = ("rubato", "ritardandi", "fermatas", "all")
SOUNDS = ("plain", "another font, effects", "noise", "late start", "cut end", "a semitone off", "parts missing")
OTHERS = ("another song", "shuffled sections", "half the bars of another song", "chords replaced")


@dataclass(frozen=True, eq=False)
class Performance:
    """`midi_seconds` and `sound_seconds` (n,) of the onsets that are in the sound, sorted.

    `same` is False where `score` is another arrangement than what is played: there are no times then, and `likeness` is
    `same_notes` of the two.
    """

    name: str
    group: str
    score: bytes
    audio: Audio
    midi_seconds: Floats
    sound_seconds: Floats
    transposition: int
    same: bool
    likeness: float = 1.0


def excerpt(data: bytes, seconds: float) -> bytes:
    """From the first note on, for `seconds`."""
    score = midi.read(data)
    first = int(score.notes["start"].min())
    last = min(score.tempo_map.from_seconds(score.tempo_map.to_seconds(first) + seconds), score.end)
    return midi.cut(data, first, last)


# Warps


def warped(data: bytes, warp: str, chance: random.Random) -> tuple[bytes, Floats, Floats]:
    """The file in a bent tempo, and the seconds of its onsets before and after."""
    events = prepare(unwrap(data)[0])
    score = midi.read(data)
    step = max(1, events.division // 8)
    grid = np.arange(0, score.end + step, step)
    before = score.tempo_map.to_seconds(grid)
    slow = _slowness(before, warp, chance)
    after = np.concatenate([[0.0], np.cumsum(np.diff(before) * slow[:-1])])
    tempi: list[Event] = []
    told = 0.0
    for k, tick in enumerate(grid[:-1].tolist()):
        us = round((after[k + 1] - told) * 1e6 * events.division / step)
        us = min(max(us, 1000), (1 << 24) - 1)
        told += us * step / events.division / 1e6
        tempi.append((tick, META, bytes((TEMPO,)) + us.to_bytes(3)))
    tracks = [[e for e in track if not (e[1] == META and e[2][:1] == bytes((TEMPO,)))] for track in events.tracks]
    bent = write(Events(1, events.division, [tempi, *tracks]))
    ticks = np.unique(score.notes["start"])
    return bent, score.tempo_map.to_seconds(ticks), midi.read(bent).tempo_map.to_seconds(ticks)


def _slowness(seconds: Floats, warp: str, chance: random.Random) -> Floats:
    """Seconds played for each second written, at each of `seconds`."""
    slow = np.full(len(seconds), 1 / math.exp(chance.uniform(*map(math.log, GLOBAL))))
    length = float(seconds[-1]) or 1.0
    if warp in ("rubato", "all"):
        wave = np.zeros(len(seconds))
        for _ in range(4):
            period = chance.uniform(3, 20)
            wave += chance.uniform(0.3, 1) * np.sin(2 * np.pi * (seconds / period + chance.random()))
        slow *= np.exp(math.log1p(RUBATO) * wave / (np.abs(wave).max() or 1.0))
    if warp in ("ritardandi", "all"):
        at = chance.uniform(8, 16)
        while at < length + 8:
            over = chance.uniform(2, 5)
            slow *= 1 + chance.uniform(0.3, 0.8) * np.where(seconds <= at, np.clip(1 - (at - seconds) / over, 0, 1), 0.0)
            at += chance.uniform(15, 30)
    if warp in ("fermatas", "all"):
        at = chance.uniform(6, 14)
        while at < length:
            place = int(np.searchsorted(seconds, at))
            if place < len(slow):
                span = max(float(np.diff(seconds[place : place + 2]).sum()), 1e-3)
                slow[place] *= 1 + chance.uniform(0.5, 2.0) / span
            at += chance.uniform(12, 30)
    return slow


def performances(
    songs: Sequence[Song], *, seconds: float = SECONDS, seed: int = 11, plain: bool = False
) -> Iterator[Performance]:
    """One performance of every song: warps and sounds take turns. `plain` asks for what every machine has."""
    for number, song in enumerate(songs):
        chance = random.Random(f"{seed} {song.name}")
        warp, sound = WARPS[number % len(WARPS)], SOUNDS[number // len(WARPS) % len(SOUNDS)]
        data = excerpt(song.data, seconds)
        played, shift = data, 0
        if sound == "a semitone off":
            shift = chance.choice((-1, 1))
            played = midi.vary(data, midi.Variation(transpose=shift), chance)
        elif sound == "parts missing":
            played, _ = thinned(data, chance)
        bent, before, after = warped(played, warp, chance)
        audio = played_as(bent, sound, chance, plain=plain)
        if sound == "late start":
            late = chance.uniform(1, 8)
            quiet = np.random.default_rng(number).standard_normal(round(late * RATE)).astype(np.float32) * np.float32(0.001)
            audio, after = np.concatenate([quiet, audio]), after + len(quiet) / RATE
        elif sound == "cut end":
            audio = audio[: round(len(audio) * chance.uniform(0.5, 0.85))]
        inside = after < len(audio) / RATE - 0.1
        yield Performance(song.name, f"{warp}; {sound}", data, audio, before[inside], after[inside], shift, True)


def played_as(data: bytes, sound: str, chance: random.Random, *, plain: bool = False) -> Audio:
    fonts = [font for font in FONTS if Path(font).exists() and not plain]
    if sound == "another font, effects":
        return effects(rendered(data, chance.choice(fonts) if fonts else "auto", seconds=1e4), chance)
    audio = rendered(data, seconds=1e4)
    if sound == "noise":
        clips = (film_beds.babble(chance, 3.0),)
        noise, _ = film_beds.bed(len(audio), RATE, chance, clips)
        rms = [math.sqrt(float(np.mean(one.astype(np.float64) ** 2))) for one in (audio, noise)]
        audio = audio + noise[:, 0] * np.float32(10 ** (-chance.uniform(0, 12) / 20) * rms[0] / rms[1])
    return audio


# Other arrangements


def others(songs: Sequence[Song], *, seconds: float = SECONDS, seed: int = 12, plain: bool = False) -> Iterator[Performance]:
    """A performance of something else than the score, for every song; the kinds take turns."""
    for number, song in enumerate(songs):
        chance = random.Random(f"{seed} {song.name}")
        kind = OTHERS[number % len(OTHERS)]
        data = excerpt(song.data, seconds)
        stranger = excerpt(songs[(number + 1) % len(songs)].data, seconds)
        if kind == "another song":
            played = stranger
        elif kind == "shuffled sections":
            played = shuffled(data, chance)
        elif kind == "chords replaced":
            played = reharmonised(data, chance)
        else:
            played = mingled(data, stranger)
        yield _other(song.name, kind, data, played, chance, plain=plain)


def _other(name: str, kind: str, score: bytes, played: bytes, chance: random.Random, *, plain: bool = False) -> Performance:
    bent, _, _ = warped(played, "rubato", chance)
    sound = chance.choice(("plain", "another font, effects"))
    nothing = np.zeros(0)
    audio = played_as(bent, sound, chance, plain=plain)
    return Performance(name, kind, score, audio, nothing, nothing, 0, False, same_notes(score, played))


def _bars(score: midi.Score) -> list[tuple[int, int]]:
    lines = score.tempo_map.bar_lines(score.end)
    return list(zip(lines.tolist(), [*lines[1:].tolist(), score.end], strict=True))


Note = tuple[int, int, int, int, int]  # channel, tick, duration, pitch, velocity


def _written(data: bytes, notes: Sequence[Note]) -> bytes:
    """A file with the tempi and what shapes the sound of `data` at its start, and these notes."""
    events = prepare(unwrap(data)[0])
    kept: list[Event] = []
    for track in events.tracks:
        for tick, status, body in track:
            kind = status & 0xF0
            if status == META and body[:1] == bytes((TEMPO,)):
                kept.append((tick, status, body))
            elif status < 0xF0 and kind not in (NOTE_ON, NOTE_OFF) and tick <= events.division * 8:
                kept.append((0, status, body))
    for channel, tick, duration, pitch, velocity in notes:
        kept.append((tick, NOTE_ON | channel, bytes((pitch, velocity))))
        kept.append((tick + max(1, duration), NOTE_OFF | channel, bytes((pitch, 0))))
    kept.sort(key=lambda event: (event[0], event[1] & 0xF0 == NOTE_ON and event[1] < 0xF0))
    return write(Events(1, events.division, [kept]))


def _notes(data: bytes) -> list[Note]:
    """By channel, which symusic does not keep: the notes of the events."""
    events = prepare(unwrap(data)[0])
    found: list[Note] = []
    for track in events.tracks:
        held: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for tick, status, body in track:
            if status >= 0xF0 or status & 0xF0 not in (NOTE_ON, NOTE_OFF):
                continue
            key = (status & 15, body[0])
            if status & 0xF0 == NOTE_ON and body[1]:
                held[key].append((tick, body[1]))
            elif held[key]:
                start, velocity = held[key].pop(0)
                found.append((key[0], start, tick - start, key[1], velocity))
    return sorted(found, key=lambda note: (note[1], note[0], note[3]))


def shuffled(data: bytes, chance: random.Random) -> bytes:
    """The same music in another order: sections of four bars, none of them where it was."""
    bars = _bars(midi.read(data))
    sections = [bars[k : k + 4] for k in range(0, len(bars), 4)]
    order = list(range(len(sections)))
    for _ in range(100):
        chance.shuffle(order)
        if all(at != k and (at == 0 or order[k - 1] != at - 1) for k, at in enumerate(order)):
            break
    notes, now, every = [], 0, _notes(data)
    for k in order:
        first, last = sections[k][0][0], sections[k][-1][1]
        notes += [(c, tick - first + now, d, p, v) for c, tick, d, p, v in every if first <= tick < last]
        now += last - first
    return _written(data, notes)


def mingled(data: bytes, stranger: bytes) -> bytes:
    """Every second pair of bars is another song's."""
    mine, theirs = midi.read(data), midi.read(stranger)
    foreign, every = _notes(stranger), _notes(data)
    ratio = mine.tempo_map.division / theirs.tempo_map.division
    notes: list[Note] = []
    bars, strange = _bars(mine), _bars(theirs)
    for k, (first, last) in enumerate(bars):
        if k // 2 % 2 == 0:
            notes += [note for note in every if first <= note[1] < last]
        elif strange:
            begin, end = strange[k % len(strange)]
            for channel, tick, duration, pitch, velocity in foreign:
                at = first + round((tick - begin) * ratio)
                if begin <= tick < end and at < last:
                    notes.append((channel, at, round(duration * ratio), pitch, velocity))
    return _written(data, notes)


def reharmonised(data: bytes, chance: random.Random) -> bytes:
    """Every bar's pitches a step of its own up or down, by two to five semitones: the rhythm and the drums stay."""
    notes: list[Note] = []
    every = _notes(data)
    for first, last in _bars(midi.read(data)):
        step = chance.choice((-5, -4, -3, -2, 2, 3, 4, 5))
        for channel, tick, duration, pitch, velocity in every:
            if first <= tick < last:
                moved = pitch if channel == 9 else min(max(pitch + step, 0), 127)
                notes.append((channel, tick, duration, moved, velocity))
    return _written(data, notes)


# Versions of one title


def same_notes(one: bytes, other: bytes) -> float:
    """How much of two files is the same music in the same order: the share of the shorter one's quarter-note steps that its best
    monotonous path through the other matches in at least half of their pitch classes."""
    a, b = (_classes(data) for data in (one, other))
    if len(a) > len(b):
        a, b = b, a
    if not len(a):
        return 0.0
    shared = a @ b.T
    union = a.sum(axis=1)[:, None] + b.sum(axis=1)[None] - shared
    alike = (shared >= 0.5 * union) & ((shared > 0) | (union == 0))
    best = np.zeros(len(b) + 1)
    for row in alike:  # the longest common subsequence
        here = best[:-1] + row
        best[1:] = np.maximum.accumulate(np.maximum(best[1:], here))
    return float(best[-1] / len(a))


def _classes(data: bytes) -> Floats:
    score = midi.read(data)
    notes = score.notes[~score.notes["is_drum"]]
    steps = (notes["start"] // score.tempo_map.division).astype(int)
    found = np.zeros((int(steps.max(initial=-1)) + 1, 12))
    found[steps, notes["pitch"] % 12] = 1
    return found


def versions(shared: Path, most: int, seconds: float = SECONDS) -> Iterator[Performance]:
    """Files of one title, each played beside the other's score. Some are the same arrangement: `likeness` says how alike."""
    pairs: list[tuple[Path, Path]] = []
    titles: dict[tuple[Path, str], list[Path]] = defaultdict(list)
    for path in sorted((shared / "lakh-layout").rglob("*.mid")):
        stem = path.stem.rsplit(".", 1)
        titles[path.parent, stem[0] if len(stem) == 2 and stem[1].isdigit() else path.stem].append(path)
    for group in titles.values():
        pairs += pairwise(group)
    for folder in sorted((shared / "pop909").iterdir())[: most - len(pairs)]:
        pairs += [(folder / f"{folder.name}.mid", one) for one in sorted(folder.glob("versions/*.mid"))[:1]]
    for one, other in pairs[:most]:
        score, played = excerpt(one.read_bytes(), seconds), other.read_bytes()
        name = f"{one.relative_to(shared).as_posix()} by {other.name}"
        chance = random.Random(name)
        yield _other(name, "same title", score, excerpt(played, seconds), chance)
