"""Whether what is rendered sounds as its MIDI says, on real files, and whether the check would notice if it did not.

Stems of a fixed sample of the shared collection, played by the font that comes along. MOTET_SONGS sets how many files.
Nothing is tuned on this sample: the thresholds were set on another one. The worst stems that do not pass are printed, all of
them with MOTET_ALL=1.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from measure import Line
from motet import midi, render
from motet.midi.events import Event, Events, parse, write
from motet.render.hearing import Fault, Hearing, Kind, Struck, hear, judge, kind_of, struck
from planted import wilson

RATE = 44100
SONGS, QUICK = 200, 20
SEED = 20
LEFT_OUT = ("broken", "odd")  # folders
GOAL = 0.95
WORST = 10
PLANTS = 120  # sound stems that faults are planted in, at most
KINDS: tuple[Kind, ...] = ("percussive", "plucked", "sustained", "noise")
Audio = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Stem:
    """One part and what was heard of it."""

    file: str
    part: midi.Part
    kind: Kind
    heard: Hearing
    faults: tuple[Fault, ...]


def measure(quick: bool) -> Iterator[Line]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    synth = render.load(render.find(), RATE)
    if not shared.is_dir():
        print(f"(no shared files at {shared}: set MOTET_SHARED; drift only)")
        yield _drift(synth)
        return
    files = sorted(path for path in shared.rglob("*") if path.suffix.lower() in (".mid", ".midi", ".kar"))
    files = [path for path in files if path.relative_to(shared).parts[0] not in LEFT_OUT]
    wanted = int(os.environ.get("MOTET_SONGS", QUICK if quick else SONGS))
    sample = random.Random(SEED).sample(files, min(wanted, len(files)))
    listened = _Listened(synth)
    for path in sample:
        listened.take(path, path.relative_to(shared).as_posix())
    yield from _sounds(listened)
    yield from _caught(listened)
    yield _speed(listened)
    yield from _timing(listened)
    yield _drift(synth)


class _Listened:
    """The stems of all files, one file after another: only numbers stay in memory."""

    def __init__(self, synth: render.Synth) -> None:
        self.synth = synth
        self.files = 0
        self.unreadable: Counter[str] = Counter()
        self.stems: list[Stem] = []
        self.seconds = 0.0
        self.spent: dict[str, float] = defaultdict(float)  # CPU seconds
        self.caught: dict[str, Counter[Kind]] = defaultdict(Counter)
        self.asked: dict[str, Counter[Kind]] = defaultdict(Counter)
        self.named: dict[str, Counter[str]] = defaultdict(Counter)
        self.attacks: list[float] = []  # ms, of isolated hits in files with tempo changes
        self.unfound = 0

    def take(self, path: Path, name: str) -> None:
        data = path.read_bytes()
        try:
            parts = midi.split(data)
            tempi = len(midi.read(data).tempo_map.tempi)
        except midi.Unreadable as error:
            self.unreadable[error.reason] += 1
            return
        self.files += 1
        planted = random.Random(name).choice(parts) if parts else None
        other: tuple[Audio, Struck] | None = None
        for part in parts:
            try:
                began = time.process_time()
                audio = next(iter(self.synth.render([part.midi])))
                self.spent["synth"] += time.process_time() - began
            except render.RenderError as error:
                self.unreadable[error.reason] += 1
                continue
            kind = kind_of(part.program, part.is_drum)
            began = time.process_time()
            notes = struck(part.midi, RATE)
            reading = time.process_time()
            heard = hear(audio, RATE, notes, kind)
            self.spent["struck"] += reading - began
            self.spent["hear"] += time.process_time() - reading
            self.seconds += len(audio) / RATE
            stem = Stem(name, part, kind, heard, judge(heard, kind))
            self.stems.append(stem)
            if part is planted and not stem.faults and heard.expected >= 12 and sum(self.asked["shifted"].values()) < PLANTS:
                self.plant(stem, audio, notes, other)
            if part.is_drum and tempi > 1:
                self.time(audio, notes)
            other = audio, notes

    def plant(self, stem: Stem, audio: Audio, notes: Struck, other: tuple[Audio, Struck] | None) -> None:
        kind = stem.kind
        plants: dict[str, Callable[[], Audio]] = {
            "shifted": lambda: np.concatenate([np.zeros((round(0.08 * RATE), 2), np.float32), audio]),
            "third missing": lambda: self._played(stem.part.midi, _thinned),
            "half silent": lambda: _half_silent(audio, notes),
            "clipped": lambda: np.clip(audio, -0.35 * np.abs(audio).max(), 0.35 * np.abs(audio).max()),
            "DC": lambda: audio + np.float32(0.02),
            "cut off": lambda: audio[: _busy_end(audio)],
        }
        if kind != "percussive" and stem.heard.judged >= 8:
            plants["detuned"] = lambda: self._played(stem.part.midi, _detuned)
        if other is not None and _unlike(notes, other[1]):
            plants["another part"] = lambda: other[0]
        for name, make in plants.items():
            heard = hear(make(), RATE, notes, kind)
            faults = judge(heard, kind)
            self.asked[name][kind] += 1
            self.caught[name][kind] += bool(faults)
            self.named[name].update({fault.reason for fault in faults} or {"NOTHING"})

    def _played(self, data: bytes, change: Callable[[Events], Events]) -> Audio:
        return next(iter(self.synth.render([write(change(parse(data)))])))

    def time(self, audio: Audio, notes: Struck) -> None:
        late, unfound = _attacks(audio, notes)
        self.attacks += (late * 1000).tolist()
        self.unfound += unfound


# --- what is planted ---


def _thinned(song: Events) -> Events:
    """Every third note is never struck."""
    count = 0

    def kept(event: Event) -> bool:
        nonlocal count
        _, status, data = event
        if status & 0xF0 == 0x90 and data[1]:
            count += 1
            return count % 3 != 0
        return True

    return replace(song, tracks=[[event for event in track if kept(event)] for track in song.tracks])


def _detuned(song: Events) -> Events:
    """35 cents sharp, by registered parameter 1."""
    cents = round(8192 * 1.35)
    said = ((101, 0), (100, 1), (6, cents >> 7), (38, cents & 127), (101, 127), (100, 127))
    turns: list[Event] = [(0, 0xB0 | channel, bytes(pair)) for channel in range(16) for pair in said]
    return replace(song, tracks=[*song.tracks[:-1], turns + song.tracks[-1]])


def _half_silent(audio: Audio, notes: Struck) -> Audio:
    """Nothing sounds in the later half of the notes."""
    part = audio.copy()
    part[int(np.median(notes.start)) :] = 0
    return part


def _busy_end(audio: Audio) -> int:
    """The loudest place in the last third."""
    first = len(audio) * 2 // 3
    return first + int(np.abs(audio[first:]).max(axis=1).argmax())


def _unlike(one: Struck, other: Struck) -> bool:
    """Whether fewer than half the notes of the one are in the other: parts are often doubled."""
    mine, theirs = (set(zip(some.start.tolist(), (some.key % 12).tolist(), strict=True)) for some in (one, other))
    return 2 * len(mine & theirs) < len(mine)


# --- what is told ---


def _sounds(listened: _Listened) -> Iterator[Line]:
    sound = [stem for stem in listened.stems if stem.heard.notes]
    turned_away = f"not read or played: {_counts(listened.unreadable)}"
    for kind in KINDS:
        some = [stem for stem in sound if stem.kind == kind]
        judged = [stem.heard.f1 for stem in some if stem.heard.f1 is not None]
        if not judged:
            continue
        strict = kind in ("percussive", "plucked")
        middle, (low, high) = statistics.median(judged), _middle(judged)
        yield Line(
            f"{kind}: onset F1, median",
            (middle,),
            "",
            len(judged),
            goal=f">= {GOAL}" if strict else "",
            reached=middle >= GOAL if strict else None,
            note=f"95 %: {low:.3f}-{high:.3f}; mean {statistics.mean(judged):.3f}; {listened.files} files; {turned_away}",
        )
        yield _share(f"{kind}: onset F1 >= {GOAL}", sum(f1 >= GOAL for f1 in judged), len(judged))
        reasons = Counter(stem.faults[0].reason for stem in some if stem.faults)
        note = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        yield _share(
            f"{kind}: stems that pass", sum(not stem.faults for stem in some), len(some), f"others, gravest: {note or 'none'}"
        )
        late = [stem.heard.offset_ms for stem in some if stem.heard.offset_ms is not None]
        if len(late) > 1:
            twentieths = statistics.quantiles(late, n=20)
            note = f"5 % {twentieths[0]:.1f}, 95 % {twentieths[-1]:.1f}"
            yield Line(f"{kind}: onsets later than the MIDI", (statistics.median(late),), "ms", len(late), note=note)
        out: Counter[str] = Counter()
        for stem in some:
            out.update(stem.heard.left_out)
        notes = sum(stem.heard.notes for stem in some)
        yield Line(
            f"{kind}: notes whose onset may go unheard", (sum(out.values()) / notes,), "of notes", notes, note=_counts(out)
        )
    tuned = [abs(stem.heard.tuning_cents) for stem in sound if stem.heard.tuning_cents is not None and stem.heard.present >= 6]
    if tuned:
        yield Line("off their pitch, either way", (statistics.median(tuned),), "cents", len(tuned), note=f"most {max(tuned):.0f}")
    failed = sorted((stem for stem in sound if stem.faults), key=lambda stem: stem.heard.f1 or 0)
    strict_first = sorted(failed, key=lambda stem: stem.kind == "sustained")
    for stem in strict_first if os.environ.get("MOTET_ALL") else strict_first[:WORST]:
        told = "; ".join(f"{fault.reason}: {fault.detail}" for fault in stem.faults)
        name = midi.instrument(stem.part.program, stem.part.is_drum)
        print(f"  F1 {stem.heard.f1 or 0:.2f} {name}, part {stem.part.index} of {stem.file}: {told}")


def _caught(listened: _Listened) -> Iterator[Line]:
    for name, asked in listened.asked.items():
        caught = listened.caught[name]
        kinds = ", ".join(f"{kind} {caught[kind]}/{asked[kind]}" for kind in KINDS if asked[kind])
        note = f"{kinds}; said: {_counts(listened.named[name])}"
        yield _share(f"planted: {name}, caught", caught.total(), asked.total(), note)


def _speed(listened: _Listened) -> Line:
    each = {name: spent / listened.seconds * 1000 for name, spent in listened.spent.items()}
    whole = each["struck"] + each["hear"]
    note = ", ".join(f"{name} {value:.3f}" for name, value in each.items())
    line = Line("CPU a second of stem", (whole,), "ms", len(listened.stems), whole / each["synth"], "synth", "< 0.3", whole < 0.3)
    return replace(line, note=f"{listened.seconds:,.0f} s of stems; {note}")


def _timing(listened: _Listened) -> Iterator[Line]:
    if late := listened.attacks:
        off = np.abs(late)
        note = f"95 % {np.quantile(off, 0.95):.2f}, most {off.max():.2f}, {int((off > 5).sum())} over 5; "
        note += f"signed median {statistics.median(late):+.2f}; "
        note += f"{listened.unfound} more had no attack within 30 ms"
        share = float(np.quantile(off, 0.95))
        yield Line(
            "isolated hits, tempo changes: off", (float(np.median(off)),), "ms", len(late), None, "", "95 % < 5", share < 5, note
        )


def _attacks(audio: Audio, notes: Struck) -> tuple[Floats, int]:
    """Seconds from strikes to the attacks of hits that stand alone, sample by sample, and how many have none to be seen.

    A hit stands alone with none within 100 ms and 20 ms before it 30 dB under its height in the next 30 ms. Its attack is
    the first sample, from 20 ms before the strike on, above a tenth of that height.
    """
    before, after, alone = round(0.02 * RATE), round(0.03 * RATE), round(0.1 * RATE)
    starts = np.unique(notes.start)
    gaps = np.diff(starts, prepend=-alone, append=starts[-1:] + alone) if len(starts) else np.zeros(1)
    late = []
    unfound = 0
    for start in starts[(gaps[:-1] >= alone) & (gaps[1:] >= alone)].tolist():
        first = max(0, start - before)
        wave = np.abs(audio[first : start + after]).max(axis=1, initial=0)
        height = float(wave.max(initial=0))
        # The first half of the time before, so that an early hit is still seen as one.
        if height < 0.001 or wave[: max(0, start - first) // 2].max(initial=0) > height * 10**-1.5:
            unfound += height < 0.001
            continue
        late.append((first + int((wave > height / 10).argmax()) - start) / RATE)
    return np.array(late), unfound


def _drift(synth: render.Synth) -> Line:
    """Ten minutes of side sticks under changing tempo: the last minute's attacks against the first's."""
    ticks, chosen = 480, random.Random(SEED)
    body, now, seconds = b"", 0, 0.0
    while seconds < 600:
        tempo = chosen.randrange(300_000, 900_000)
        body += _delta(now) + b"\xff\x51\x03" + tempo.to_bytes(3) + b"\0\x99\x25\x64" + _delta(120) + b"\x89\x25\0"
        now, seconds = ticks - 120, seconds + tempo / 1e6
    body += b"\0\xff\x2f\0"
    song = b"MThd\0\0\0\6\0\0\0\1" + ticks.to_bytes(2) + b"MTrk" + len(body).to_bytes(4) + body
    notes = struck(song, RATE)
    late, unfound = _attacks(next(iter(synth.render([song]))), notes)
    starts = notes.start / RATE
    if unfound or len(late) != len(starts):
        msg = f"of {len(starts)} hits {len(late)} have an attack"
        raise RuntimeError(msg)
    first, last = late[starts < 60], late[starts > starts[-1] - 60]
    drift = float(np.median(last) - np.median(first)) * 1000
    note = f"{len(first)} hits of the first minute, {len(last)} of the last"
    return Line("drift over ten minutes", (drift,), "ms", len(late), None, "", "<= 1", abs(drift) <= 1, note)


def _delta(ticks: int) -> bytes:
    return bytes([ticks >> 7 | 0x80, ticks & 0x7F])


def _share(name: str, hits: int, asked: int, note: str = "") -> Line:
    low, high = wilson(hits, asked)
    return Line(name, (hits / asked,), "of stems", asked, note=f"95 %: {low:.3f}-{high:.3f}{'; ' * bool(note)}{note}")


def _middle(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the median, by order statistics."""
    ranked, half = sorted(values), 0.98 * len(values) ** 0.5
    low, high = len(ranked) / 2 - half, len(ranked) / 2 + half
    return ranked[max(0, int(low))], ranked[min(len(ranked) - 1, int(high))]


def _counts(told: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in told.most_common() if count) or "none"
