"""Songs of known form, composed by code: where their sections begin, and which are the same.

Every song has material for each label (harmony, tune, texture, key, metre) and plays it whenever its form calls for it,
varied as players vary: ornaments, other instruments, fills, another key, another ending. What is asked of an analysis
is where a musician would put rehearsal letters: at each time through, also where a section follows itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from random import Random
from typing import Protocol

import numpy as np

from motet import midi
from motet.midi.events import Event, Events, write

DIVISION = 480
META = 0xFF
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
Metre = tuple[int, int]

# Letters are labels. I: introduction, O: ending; V, C, B: verse, chorus, bridge; S: a solo over A's harmony.
FORMS = {
    "song": "I V C V C B C O",
    "song, two verses first": "I V V C V C C O",
    "song without introduction": "V C V C B C C",
    "song with a break": "I V P C V P C B P C O",
    "standards": "A A B A",
    "standards, twice": "I A A B A A A B A O",
    "ABAC": "A B A C A B A C",
    "rondo": "A B A C A",
    "long rondo": "A B A C A B A",
    "blues": "A A S S S A",
    "dance": "I V C B V C B O",
    "jig": "A A B B A A B B",
    "minuet": "A A B B C C D D A B",
    "ballad": "A B C B A",
    "variations": "A A A A A B",
}
LENGTHS = [8, 8, 8, 8, 8, 8, 16, 16, 12, 10, 6, 7]  # bars
SHORT = {"I": 4, "O": 4, "P": 4}
SAME_LENGTH = {"blues": 12, "jig": 8, "standards": 8, "standards, twice": 8}

LOOPS = {
    MAJOR: ["0453", "0534", "5304", "3400", "0304", "1405", "0343", "2514", "5234", "3045", "0131", "0025"],
    MINOR: ["0526", "0340", "0654", "3625", "5600", "0263", "0303", "0053", "3304", "5263"],
}
BLUES = "000033004304"
PLANS = {1: ["a"], 2: ["ab", "aa"], 3: ["aab", "abc"], 4: ["abac", "aaba", "abab", "abcd", "aabc"]}

# Instruments of a style: (part, channel, program); the tenth channel is drums.
STYLES = {
    "band": [("tune", 0, 65), ("comp", 1, 27), ("bass", 2, 33), ("pad", 3, 89), ("answer", 4, 61), ("drums", 9, 0)],
    "singer": [("tune", 0, 52), ("comp", 1, 25), ("bass", 2, 32), ("drums", 9, 0)],
    "piano": [("tune", 0, 0), ("comp", 1, 0)],
    "quartet": [("tune", 0, 40), ("comp", 1, 41), ("pad", 2, 41), ("bass", 3, 42)],
    "folk": [("tune", 0, 73), ("comp", 1, 24)],
    "groove": [("riff", 2, 38), ("comp", 1, 81), ("drums", 9, 0)],
}
COMPS = ["held", "strummed", "after beats", "broken", "rocking"]
BASSES = ["held", "pulsing", "fifths", "walking"]
DRUMS = ["rock", "half", "four", "ride", "toms"]
TEMPI = ["steady", "steady", "by section", "ritardando", "by bar"]


class Found(Protocol):
    """A section as an analysis gives it: where it starts and ends, in ticks, and a label."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def label(self) -> str: ...


@dataclass(frozen=True)
class Song:
    """`starts` are the ticks at which sections begin, then that of the end; `labels` name them, the same name for the same."""

    name: str
    data: bytes
    starts: tuple[int, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """What a label stands for. Harmony: a degree (0-6) for each bar. The tune: (tick, length, degree) from its start."""

    metre: Metre
    harmony: tuple[int, ...]
    tune: tuple[tuple[int, int, int], ...]
    riff: tuple[tuple[int, int, int], ...]  # of one bar or two, above the chord's root
    parts: frozenset[str]
    comp: str
    bass: str
    drums: str
    register: int
    shift: int = 0  # semitones away from the song's key
    loudness: int = 80

    @property
    def bar(self) -> int:
        return DIVISION * 4 * self.metre[0] // self.metre[1]

    @property
    def beat(self) -> int:
        return DIVISION * 3 // 2 if self.metre[1] == 8 else DIVISION

    @property
    def length(self) -> int:
        return self.bar * len(self.harmony)


@dataclass
class Sheet:
    """What is written so far: notes by part, changes of tempo and metre."""

    scale: tuple[int, ...]
    tonic: int
    notes: dict[str, list[tuple[int, int, int, int]]] = field(default_factory=dict)
    metas: list[Event] = field(default_factory=list)

    def play(self, part: str, tick: int, length: int, pitch: int, velocity: int) -> None:
        self.notes.setdefault(part, []).append((tick, length, pitch, velocity))

    def pitch(self, degree: int, shift: int = 0) -> int:
        octave, step = divmod(degree, 7)
        return self.tonic + shift + 12 * octave + self.scale[step]

    def chord(self, degree: int, shift: int) -> list[int]:
        pitches = [self.pitch(degree + above, shift) for above in (0, 2, 4)]
        if self.scale is MINOR and degree % 7 == 4:
            pitches[1] += 1  # the dominant is major
        return pitches


def agreement(right: int, found: int, wanted: int) -> float:
    """Van Rijsbergen's F: the harmonic mean of precision and recall."""
    return 2 * right / (found + wanted) if found + wanted else 1.0


def boundaries_found(song: Song, found: Sequence[Found]) -> float:
    """F of the boundaries inside the song, each matched to one found at most half a bar away, none to two.

    As `mir_eval.segment.detection` does with `trim=True`: the start and the end of a song, which all find, do not count.
    """
    clock = midi.read(song.data).tempo_map
    wanted = song.starts[1:-1]
    given = sorted({section.start for section in found} | {section.end for section in found})[1:-1]
    right, at = 0, 0
    for tick in wanted:
        top, bottom = clock.metre_at(tick)
        reach = clock.division * 2 * top / bottom
        while at < len(given) and given[at] < tick - reach:
            at += 1
        if at < len(given) and given[at] <= tick + reach:
            right, at = right + 1, at + 1
    return agreement(right, len(given), len(wanted))


def labels_found(song: Song, found: Sequence[Found]) -> float:
    """Pairwise F (Levy & Sandler 2008): pairs of bars that have one label, over all pairs of bars of the song."""
    lines = midi.read(song.data).tempo_map.bar_lines(song.starts[-1] - 1)
    wanted = np.array(song.labels)[np.searchsorted(song.starts, lines, "right") - 1]
    at = np.searchsorted([section.start for section in found], lines, "right") - 1
    given = np.array([section.label for section in found])[np.maximum(at, 0)]
    pairs = np.triu_indices(len(lines), 1)
    together, apart = ((names[:, None] == names)[pairs] for names in (wanted, given))
    return agreement(int((together & apart).sum()), int(apart.sum()), int(together.sum()))


def songs(count: int = 75, seed: int = 20) -> Iterator[Song]:
    """Every form in turn, in styles, metres and keys drawn by chance."""
    for number, form in zip(range(count), cycle(FORMS), strict=False):
        yield compose(form, Random(seed * 1000 + number), number)


def compose(form: str, chance: Random, number: int = 0) -> Song:
    style = "folk" if form == "jig" else chance.choice([*STYLES, "band"])
    metre = {"jig": (6, 8), "minuet": (3, 4), "blues": (4, 4)}.get(form) or chance.choice([(4, 4), (4, 4), (3, 4), (6, 8)])
    scale = chance.choice([MAJOR, MAJOR, MINOR])
    sheet = Sheet(scale, chance.randrange(43, 55))
    labels = FORMS[form].split()
    materials = drawn(labels, form, style, metre, scale, chance)
    tempo = 60 / chance.uniform(70, 150) * (1.5 if metre[1] == 8 else 1)  # seconds per beat
    tempi = chance.choice(TEMPI)
    upbeat, last_higher = chance.random() < 0.3, chance.choice([0, 0, 1, 2])
    starts, now = [], 0
    if upbeat:
        sheet.metas.append((0, META, signature(metre)))
        now = materials[labels[0]].bar  # the bar of the upbeat belongs to the first section
    last_chorus = len(labels) - 1 - labels[::-1].index("C") if "C" in labels else -1
    for number_of, label in enumerate(labels):
        again = labels[:number_of].count(label)
        material = varied(materials[label], style, chance) if again else materials[label]
        if number_of == last_chorus:
            material = replace(material, shift=material.shift + last_higher)
        starts.append(now)
        sheet.metas.append((now, META, signature(material.metre)))
        pace(sheet, now, material, tempo, tempi, chance, closing=number_of == len(labels) - 1)
        perform(sheet, now, material, chance, ornaments=again > 0 and chance.random() < 0.6, upbeat=upbeat, final=label == "O")
        now += material.length
    if labels[-1] != "O":  # a last chord, which belongs to the last section
        for pitch in sheet.chord(0, material.shift):
            sheet.play("comp", now, material.bar, pitch + 12, 70)
        now += material.bar
    name = f"{number}: {form}, {style}, {metre[0]}/{metre[1]}, {tempi}"
    return Song(name, saved(sheet, style, chance), (0, *starts[1:], now), tuple(labels))


def drawn(
    labels: Sequence[str], form: str, style: str, metre: Metre, scale: tuple[int, ...], chance: Random
) -> dict[str, Material]:
    """Material for each label: no two of the same harmony, unless the form or the style is one of loops."""
    loops = chance.sample(LOOPS[scale], len(LOOPS[scale]))
    one_loop = form == "dance" or (style == "groove" and chance.random() < 0.5)
    textures = list(zip(chance.sample(COMPS, 5), chance.sample(BASSES * 2, 5), chance.sample(DRUMS, 5), strict=True))
    other_metre = {(4, 4): (3, 4), (3, 4): (4, 4), (6, 8): (4, 4)}[metre] if chance.random() < 0.2 else metre
    materials: dict[str, Material] = {}
    for number, label in enumerate(dict.fromkeys(labels)):
        bars = SAME_LENGTH.get(form) or SHORT.get(label) or chance.choice(LENGTHS)
        if label == "I" and chance.random() < 0.3:
            bars = 8
        own = other_metre if label in ("B", "D") and form not in ("blues", "jig", "minuet") else metre
        loop, other = loops[0 if one_loop else number % len(loops)], loops[(number * 3 + 5) % len(loops)]
        if one_loop or chance.random() < 0.7:
            other = loop
        harmony = harmonised(loop, other, bars, chance, closes=not one_loop)
        if form == "blues":
            harmony = tuple(map(int, BLUES))
        comp, bass, drums = textures[number % 5]
        parts = {part for part, *_ in STYLES[style]}
        for optional, odds in (("pad", 0.5), ("answer", 0.6), ("drums", 0.15 if label in "VCAS" else 0.3)):
            if optional in parts and style != "quartet" and chance.random() < odds:
                parts.discard(optional)
        if label in "IO":
            parts -= {"tune", "answer"} if style != "piano" else set()
            parts -= {chance.choice(["drums", "bass", "pad"])}
        elsewhere = label in ("B", "C", "D") and form not in ("blues", "jig") and chance.random() < 0.25
        materials[label] = Material(
            own,
            harmony,
            composed(own, harmony, chance, dense=chance.random()),
            composed(own, (0,) * chance.choice([1, 2]), chance, dense=0.8),
            frozenset(parts),
            comp,
            bass,
            drums,
            register=chance.choice([7, 9, 11]) + (2 if label == "C" else 0),
            shift=chance.choice([5, 7, -3, 3]) if elsewhere else 0,
            loudness=chance.randrange(70, 90) + (10 if label == "C" else 0),
        )
    return materials


def harmonised(first: str, second: str, bars: int, chance: Random, closes: bool) -> tuple[int, ...]:
    degrees = [int((first if bar % 8 < 4 else second)[bar % 4]) for bar in range(bars)]
    if closes and chance.random() < 0.6:
        degrees[-1] = chance.choice([4, 0])
    return tuple(degrees)


def composed(metre: Metre, harmony: Sequence[int], chance: Random, dense: float) -> tuple[tuple[int, int, int], ...]:
    """A tune over chords from motifs of two bars, which come back on other chords."""
    beat = DIVISION * 3 // 2 if metre[1] == 8 else DIVISION
    bar = DIVISION * 4 * metre[0] // metre[1]
    units = (len(harmony) + 1) // 2
    # Where there are more than eight bars, they go on with something new.
    plan = chance.choice(PLANS[min(4, units)])
    if units > 4:
        plan += chance.choice(PLANS[units - 4]).translate(str.maketrans("abcd", "efgh"))
    motifs: dict[str, list[tuple[int, int, int]]] = {}
    tune = []
    for unit, name in enumerate(plan):
        if name not in motifs:
            motifs[name] = motif(beat, 2 * bar, chance, dense)
        for tick, length, step in motifs[name]:
            at = 2 * bar * unit + tick
            if at < bar * len(harmony):
                tune.append((at, min(length, bar * len(harmony) - at), harmony[at // bar] % 7 + step))
    return tuple(tune)


def motif(beat: int, length: int, chance: Random, dense: float) -> list[tuple[int, int, int]]:
    halves = [[1], [1], [1 / 2, 1 / 2]] if beat == DIVISION else [[1], [2 / 3, 1 / 3], [1 / 3, 1 / 3, 1 / 3]]
    quick = [[1 / 2, 1 / 4, 1 / 4], [1 / 4] * 4] if beat == DIVISION else [[1 / 3, 1 / 3, 1 / 6, 1 / 6]]
    notes, tick, step = [], 0, chance.choice([0, 2, 4])
    while tick < length:
        if chance.random() < 0.12 and tick:
            tick += beat
            continue
        if chance.random() < 0.35 - 0.3 * dense and tick + 2 * beat <= length:
            shares: Sequence[float] = [2]
        else:
            simple = halves if chance.random() < dense + 0.4 else halves[:1]
            shares = chance.choice(quick if chance.random() < dense - 0.6 else simple)
        for number, share in enumerate(shares):
            step += chance.choice([-2, -1, -1, 1, 1, 2]) if number else 0
            notes.append((tick, round(share * beat * 0.95), step))
            tick += round(share * beat)
        # The next beat starts on a note of the chord, near by.
        step = min((0, 2, 4, 7, -3), key=lambda tone: abs(tone - step) + 2 * chance.random())
    return notes


def varied(material: Material, style: str, chance: Random) -> Material:
    """The same once more: other players, other loudness, sometimes the tune an octave off or another ending."""
    parts = set(material.parts)
    for part in ("pad", "answer", "drums", "bass"):
        if part in {name for name, *_ in STYLES[style]} and style != "quartet" and chance.random() < 0.15:
            parts ^= {part}
    tune = material.tune
    if chance.random() < 0.3:
        ending = material.length - 2 * material.bar
        other = composed(material.metre, material.harmony[-2:], chance, dense=0.5)
        tune = (*(note for note in tune if note[0] < ending), *((tick + ending, *rest) for tick, *rest in other))
    register = material.register + (7 if chance.random() < 0.1 else 0)
    loudness = material.loudness + chance.randrange(-6, 7)
    return replace(material, parts=frozenset(parts), tune=tune, register=register, loudness=loudness)


def perform(sheet: Sheet, start: int, material: Material, chance: Random, *, ornaments: bool, upbeat: bool, final: bool) -> None:
    if "tune" in material.parts:
        tune(sheet, start, material, chance, ornaments, upbeat)
    for number, degree in enumerate(material.harmony):
        bar = start + number * material.bar
        ends = final and number == len(material.harmony) - 1
        chord = sheet.chord(0 if ends else degree, material.shift)
        if "comp" in material.parts:
            accompany(sheet, bar, material, [pitch + 12 for pitch in chord], "held" if ends else material.comp)
        if "pad" in material.parts:
            for pitch in chord[1:]:
                sheet.play("pad", bar, material.bar - 10, pitch + 12, material.loudness - 20)
        if "bass" in material.parts:
            low(sheet, bar, material, chord[0] - 12, "held" if ends else material.bass, chance)
        if "answer" in material.parts and number % 4 == 3:
            for at in range(2):
                tick = bar + material.bar // 2 + at * material.beat // 2
                sheet.play("answer", tick, 150, chord[2 - at] + 24, material.loudness)
        if "drums" in material.parts and not ends:
            drum(sheet, bar, material, chance, first=number == 0, fill=number == len(material.harmony) - 1)
        if "riff" in material.parts:
            for tick, length, step in material.riff:
                if tick // material.bar == number % 2 or material.riff[-1][0] < material.bar:
                    pitch = sheet.pitch(degree % 7 + step - 7, material.shift)
                    sheet.play("riff", bar + tick % material.bar, length, pitch, material.loudness)


def tune(sheet: Sheet, start: int, material: Material, chance: Random, ornaments: bool, upbeat: bool) -> None:
    if upbeat and material.tune:
        for back in (2, 1):
            tick = start - back * material.beat // 2
            pitch = sheet.pitch(material.tune[0][2] + material.register - back, material.shift)
            sheet.play("tune", max(tick, 0), material.beat // 2 - 10, pitch, material.loudness)
    for tick, length, degree in material.tune:
        pitch = sheet.pitch(degree + material.register, material.shift)
        if ornaments and length >= DIVISION * 0.8 and chance.random() < 0.4:
            above = sheet.pitch(degree + material.register + chance.choice([-1, 1]), material.shift)
            sheet.play("tune", start + tick, length // 4, above, material.loudness)
            sheet.play("tune", start + tick + length // 4, length - length // 4, pitch, material.loudness)
        elif not (ornaments and chance.random() < 0.06):
            sheet.play("tune", start + tick, length, pitch, material.loudness + chance.randrange(8))


def accompany(sheet: Sheet, bar: int, material: Material, chord: list[int], manner: str) -> None:
    half, loud = material.beat // 2, material.loudness - 15
    if manner == "held":
        for pitch in chord:
            sheet.play("comp", bar, material.bar - 20, pitch, loud)
    elif manner in ("broken", "rocking"):
        order = (0, 1, 2, 1) if manner == "broken" else (0, 2, 1, 2)
        step = DIVISION // 2
        for number in range(material.bar // step):
            sheet.play("comp", bar + number * step, step - 10, chord[order[number % 4]], loud)
    else:
        for beat in range(0, material.bar, material.beat):
            if manner == "strummed":
                hits = [beat, beat + half]
            else:
                hits = [beat] if beat else []
                if not beat:
                    sheet.play("comp", bar, material.beat - 20, chord[0] - 12, loud)
            for hit in hits:
                for pitch in chord:
                    sheet.play("comp", bar + hit, half - 20, pitch, loud - (8 if hit % material.beat else 0))


def low(sheet: Sheet, bar: int, material: Material, root: int, manner: str, chance: Random) -> None:
    beats = range(0, material.bar, material.beat)
    if manner == "held":
        sheet.play("bass", bar, material.bar - 20, root, material.loudness)
    elif manner == "pulsing":
        for tick in range(0, material.bar, DIVISION // 2):
            sheet.play("bass", bar + tick, DIVISION // 2 - 40, root, material.loudness)
    else:
        for number, beat in enumerate(beats):
            steps = (0, chance.choice([3, 4, 5]), 7, chance.choice([9, 10])) if manner == "walking" else (0, 7, 0, 7)
            step = steps[number % 4]
            sheet.play("bass", bar + beat, material.beat - 30, root + step, material.loudness)


def drum(sheet: Sheet, bar: int, material: Material, chance: Random, *, first: bool, fill: bool) -> None:
    """A bar of a pattern: kick 36, snare 38, hats 42 and 46, ride 51, toms 41 to 47, crash 49."""
    beat, beats = material.beat, material.bar // material.beat
    third = material.metre[1] == 8
    subs = [beat // 3, 2 * beat // 3] if third else [beat // 2]
    loud = material.loudness
    filled = beats - 1 if fill and chance.random() < 0.7 else beats
    for number in range(filled):
        at, strong = bar + number * beat, number % 2 == 0
        hits = {
            "rock": [(0, 36 if strong else 38), (0, 42), *((sub, 42) for sub in subs)],
            "half": [(0, 42), *([(0, 36)] if not number else []), *([(0, 38)] if number == beats // 2 else [])],
            "four": [(0, 36), (subs[-1], 46), *([] if strong else [(0, 39)])],
            "ride": [(0, 51), *([] if strong else [(subs[-1], 51), (0, 44)])],
            "toms": [(0, 41), *((sub, 45) for sub in subs), *([(0, 36)] if not number else [])],
        }[material.drums]
        for offset, pitch in hits:
            sheet.play("drums", at + offset, 60, pitch, loud + chance.randrange(-6, 7))
    for tick in range(bar + filled * beat, bar + material.bar, DIVISION // 4):
        sheet.play("drums", tick, 60, chance.choice([38, 45, 47, 41]), loud)
    if first and chance.random() < 0.6:
        sheet.play("drums", bar, 200, 49, loud + 10)


def pace(sheet: Sheet, start: int, material: Material, tempo: float, kind: str, chance: Random, *, closing: bool) -> None:
    """Changes of tempo in a section; `tempo` is seconds per beat."""
    quarter = tempo * DIVISION / material.beat
    bars = len(material.harmony)
    if kind == "by section":
        quarter *= chance.uniform(0.9, 1.1)
    changes = [(0.0, quarter)]
    if kind == "by bar":
        changes = [(bar, quarter * chance.uniform(0.97, 1.03)) for bar in range(bars)]
    elif closing or (kind == "ritardando" and chance.random() < 0.4):
        changes += [(bars - 2 + step / 4, quarter * (1 + 0.05 * step)) for step in range(8)]
    for bar, seconds in changes:
        sheet.metas.append((start + round(bar * material.bar), META, b"\x51" + round(seconds * 1e6).to_bytes(3)))


def signature(metre: Metre) -> bytes:
    return bytes((0x58, metre[0], metre[1].bit_length() - 1, 24, 8))


def saved(sheet: Sheet, style: str, chance: Random) -> bytes:
    """As a file, each part on its track, played as strictly or freely as chance has it."""
    freedom = chance.choice([0, 0, 6, 12])  # ticks, one standard deviation
    tracks: list[list[Event]] = [sorted(sheet.metas, key=lambda event: event[0])]
    for part, channel, program in STYLES[style]:
        events: list[Event] = [] if channel == 9 else [(0, 0xC0 | channel, bytes((program,)))]
        for tick, length, pitch, velocity in sheet.notes.get(part, []):
            start = max(tick + round(max(-30, min(30, chance.gauss(0, freedom)))), 0)
            pitch, velocity = min(max(pitch, 0), 127), min(max(velocity, 1), 127)
            events.append((start, 0x90 | channel, bytes((pitch, velocity))))
            events.append((start + max(length - 30, 30), 0x80 | channel, bytes((pitch, 0))))
        tracks.append(sorted(events, key=lambda event: (event[0], event[1] & 0xF0 == 0x90)))
    return write(Events(1, DIVISION, tracks))
