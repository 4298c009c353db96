"""How alike our synth and fluidsynth sound: single notes of every preset, and songs (see `reference`), put on one clock before.

MOTET_SYNTH plays another of our synths in the place of `motet`; MOTET_OUTLIERS names a file for every note and song out of
bounds, as JSON lines.
"""

from __future__ import annotations

import json
import os
import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from measure import Line
from motet import midi, render
from motet.midi import events
from planted import wilson
from reference import DRUM_CHANNEL, DRUMS, HELD, RATE, SEED, Audio, Fluid, Preset, fonts, songs

KEYS, KIT_KEYS, VELOCITIES = range(24, 109, 12), range(29, 82, 4), (30, 64, 100, 127)
QUICK_KEYS, QUICK_KIT_KEYS, QUICK_VELOCITIES, QUICK_STEP = (36, 60, 84), (36, 46), (64, 127), 8
SONGS, QUICK_SONGS = 50, 4

Floats = NDArray[np.float64]


def _load(font: render.Font) -> render.Synth:
    return render.load(font, RATE, synth=os.environ.get("MOTET_SYNTH", render.DEFAULT_SYNTH))


def _note_file(preset: Preset, key: int, velocity: int) -> bytes:
    """The same note as a MIDI file whose ticks are frames."""
    channel = DRUM_CHANNEL if preset.bank == DRUMS else 0
    division = RATE // 2  # with the default tempo
    notes = [(0, 0x90 | channel, bytes([key, velocity])), (HELD, 0x80 | channel, bytes([key, 64]))]
    end = (HELD, events.META, bytes([events.END_OF_TRACK]))
    return events.write(events.Events(0, division, [[*notes, end]]))


# --- how alike two notes are ---

LEVEL_BOUND, PITCH_BOUND = 1.0, 2.0  # dB, cents
SILENT = 1e-5  # RMS of full scale below which a note counts as silent: -100 dBFS
LAGS = 64  # frames either way
STEP = RATE // 100  # frames of a contour's cell
DEEPEST = 60.0  # dB below the loudest cell
WINDOW, HOP, SPAN = 4096, 512, 8  # frames, frames, hops
FARTHEST = 260  # steps of 5 cents
BANDS = (0, 300, 1000, 3000, 8000, 20000)  # Hz
NAMED = 5  # presets told by name for each cause
BOTH_SILENT = "silent in both"
ATTACK, FADED = 5, HELD // STEP  # cells: the first 50 ms; when the key is let go


@dataclass(frozen=True)
class Likeness:
    """One note by two synths. All decibels are ours less theirs; `level` and `peak` still hold the engines' constant offset."""

    level: float  # of the first second's RMS
    peak: float  # of the loudest 50 ms
    cents: float  # nan where no common partial can be followed
    lag: int  # frames ours is late
    waveform: float  # residual RMS over theirs, after alignment and one gain
    envelope: float  # dB: median difference of the contours' shape
    causes: tuple[str, ...]  # each way in which it differs by more than the bounds, as far as it can be told


def compare(theirs: Audio, ours: Audio, offset: float = 0.0) -> Likeness:
    """`offset` is the engines' constant difference in dB, where it is known already: only causes depend on it."""
    if len(ours) < len(theirs):
        ours = np.concatenate([ours, np.zeros((len(theirs) - len(ours), 2), np.float32)])
    one, other = theirs.astype(np.float64), ours[: len(theirs)].astype(np.float64)
    loud, loud_ours = _rms(one[:HELD]), _rms(other[:HELD])
    if loud < SILENT or loud_ours < SILENT:
        silent = (
            BOTH_SILENT
            if max(loud, loud_ours) < 10 * SILENT
            else "missing in ours"
            if loud_ours < SILENT
            else "missing in theirs"
        )
        apart = 0.0 if silent == BOTH_SILENT else 120.0 if loud < SILENT else -120.0
        return Likeness(apart, apart, np.nan, 0, 1.0 if apart else 0.0, abs(apart), (silent,))
    lag = _lag(one, other)
    aligned = np.roll(other, -lag, axis=0)
    rest = one - float((one * aligned).sum() / (aligned**2).sum()) * aligned
    contour, contour_ours = _contour(one), _contour(other)
    level = 20 * np.log10(loud_ours / loud)
    peak = float(_loudest(contour_ours) - _loudest(contour))
    heard = contour > contour.max() - DEEPEST
    shape = np.where(heard, np.maximum(contour_ours, contour.max() - DEEPEST - 20) - contour - level, 0.0)
    envelope = float(np.median(np.abs(shape[heard])))
    cents = _cents(one, other)
    causes = _why(one, other, level - offset, cents, shape, heard)
    parting = _parting(one, rest)
    if parting is not None:
        causes += (f"wave: parts at {parting} ms",)
    return Likeness(float(level), peak, cents, lag, _rms(rest) / _rms(one), envelope, causes)


def _rms(audio: Floats) -> float:
    return float(np.sqrt((audio**2).mean()))


def _lag(one: NDArray[Any], other: NDArray[Any], reach: int = LAGS) -> int:
    """By how many frames the other is late, at most `reach`: where the sum of all pieces' cross-correlations is largest."""
    piece = 1 << 14
    summed = np.zeros(piece + 1, np.complex128)
    for start in range(0, min(len(one), len(other)), piece):
        spectra = [np.fft.rfft(audio[start : start + piece], 2 * piece, axis=0) for audio in (one, other)]
        summed += (spectra[0].conj() * spectra[1]).sum(axis=1)
    found = np.fft.irfft(summed, 2 * piece)
    return int(np.concatenate([found[-reach:], found[: reach + 1]]).argmax()) - reach


def _contour(audio: Floats) -> Floats:
    """RMS of each 10 ms in dB."""
    cells = audio[: len(audio) // STEP * STEP].reshape(-1, STEP * 2)
    decibels: Floats = 10 * np.log10((cells**2).mean(axis=1) + 1e-20)
    return decibels


def _loudest(contour: Floats) -> float:
    power = 10 ** (contour / 10)
    return float(10 * np.log10(sliding_window_view(power, 5).mean(axis=1).max()))


def _cents(one: Floats, other: Floats) -> float:
    """How far ours is sharp, by how the phase between partials that both have turns; weighted median over bins.

    Two looks: over one hop, which is sure of its turn up to 43 Hz, then over SPAN of them, which is exact.
    """
    start, end = RATE // 50, HELD
    window = np.hanning(WINDOW)

    def spectra(audio: Floats) -> NDArray[np.complex128]:
        frames = sliding_window_view(audio[start:end].sum(axis=1), WINDOW)[::HOP]
        found: NDArray[np.complex128] = np.fft.rfft(frames * window, axis=1)
        return found

    a, b = spectra(one), spectra(other)
    power, power_ours = (abs(a) ** 2).sum(axis=0), (abs(b) ** 2).sum(axis=0)
    chosen = np.flatnonzero((power > 1e-4 * power.max()) & (power_ours > 1e-4 * power_ours.max()))
    chosen = chosen[chosen >= 2]
    if not chosen.size:
        return _far_cents(one, other)
    cross = b[:, chosen] * a[:, chosen].conj()
    hertz = chosen * RATE / WINDOW
    turned = (cross[1:] * cross[:-1].conj()).sum(axis=0)
    steady = abs(turned) / (abs(cross[1:] * cross[:-1]).sum(axis=0) + 1e-300)
    coarse = np.angle(turned)
    ahead = cross[SPAN:] * cross[:-SPAN].conj() * np.exp(-1j * SPAN * coarse)
    summed = ahead.sum(axis=0)
    apart = (coarse + np.angle(summed) / SPAN) * RATE / (2 * np.pi * HOP)
    sure = (steady > 0.9) & (abs(summed) > 0.8 * abs(ahead).sum(axis=0)) & (hertz + apart > 10)
    if not sure.any():
        return _far_cents(one, other)
    cents = 1200 * np.log2(1 + apart[sure] / hertz[sure])
    weight = np.sqrt(abs(summed[sure])) * hertz[sure]
    order = np.argsort(cents)
    middle = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(cents[order][middle])


def _far_cents(one: Floats, other: Floats) -> float:
    """How far ours is sharp where no partial is common: by the shift at which the spectra over log frequency agree best."""
    grid = np.exp2(np.arange(0, 8.5, 1 / 240)) * 40  # 5 cents apart
    found = []
    for audio in (one, other):
        spectrum = abs(np.fft.rfft(audio[:HELD].sum(axis=1) * np.hanning(HELD), 1 << 17))
        decibels = 20 * np.log10(np.interp(grid * (1 << 17) / RATE, np.arange(len(spectrum)), spectrum) / spectrum.max() + 1e-4)
        found.append(decibels - decibels.mean())
    shifts = range(-FARTHEST, FARTHEST + 1)
    agreement = [float((found[0][FARTHEST:-FARTHEST] * np.roll(found[1], -shift)[FARTHEST:-FARTHEST]).sum()) for shift in shifts]
    best = int(np.argmax(agreement))
    here = max(agreement[FARTHEST - 10 : FARTHEST + 11])  # within 50 cents noise tells nothing
    clear = agreement[best] > max(1.3 * here, 0.6 * float((found[0][FARTHEST:-FARTHEST] ** 2).sum()))
    return 5.0 * shifts[best] if clear else float("nan")


def _why(one: Floats, other: Floats, level: float, cents: float, shape: Floats, heard: NDArray[np.bool_]) -> tuple[str, ...]:
    """Every way in which they differ that can be told from the sound, each as "name: figures"."""
    causes = []
    if abs(level) > LEVEL_BOUND:
        causes.append(f"level: {level:+.1f} dB")
    if abs(cents) > PITCH_BOUND:
        causes.append(f"pitch: {cents:+.1f} cents")
    sides = [
        float(np.clip(np.subtract(*(10 * np.log10((audio[:HELD] ** 2).sum(axis=0) + 1e-12))), -40, 40)) for audio in (one, other)
    ]
    if abs(sides[1] - sides[0]) > LEVEL_BOUND:
        causes.append(f"sides: left over right {sides[0]:+.1f} dB theirs, {sides[1]:+.1f} ours")
    bright = _bands(other) - _bands(one)
    known = bright[np.isfinite(bright)]
    if known.size > 1 and known.max() - known.min() > 2 * LEVEL_BOUND:
        told = " ".join("-" if np.isnan(gain) else f"{gain - known[0]:+.1f}" for gain in bright)
        causes.append(f"colour: {told} dB from low to high")
    stages = (("attack", slice(0, ATTACK)), ("held", slice(ATTACK, FADED - 1)), ("release", slice(FADED + 1, None)))
    for name, cells in stages:
        part = np.where(heard, shape, 0.0)[cells]
        worst = int(np.abs(part).argmax())
        if abs(part[worst]) > LEVEL_BOUND:
            causes.append(f"{name}: {part[worst]:+.1f} dB at {10 * ((cells.start or 0) + worst)} ms")
    return tuple(causes)


def _parting(one: Floats, rest: Floats) -> int | None:
    """The millisecond from which the waves differ (by a tenth), where they agreed (within a hundredth) until then."""
    cells = len(one) // STEP
    energy, left = ((audio[: cells * STEP].reshape(cells, -1) ** 2).sum(axis=1) for audio in (one, rest))
    apart = np.sqrt(left / np.maximum(energy, 1e-7 * energy.max()))
    first = int((apart > 0.1).argmax())
    return 10 * first if apart[first] > 0.1 and first > 2 and np.median(apart[:first]) < 0.01 else None


def _bands(audio: Floats) -> Floats:
    """Power in dB by band of the first second, nan for what lies 50 dB below the loudest."""
    frames = sliding_window_view(audio[:HELD].sum(axis=1), WINDOW)[:: WINDOW // 2]
    power = (abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2).sum(axis=0)
    edges = np.array(BANDS[:-1]) * WINDOW // RATE
    found = np.add.reduceat(power[: BANDS[-1] * WINDOW // RATE], edges)
    return np.where(found > 1e-5 * found.max(), 10 * np.log10(found + 1e-30), np.nan)


# --- how alike two songs are ---

MELS, FRAME, JUMP, FLOOR = 128, 2048, 512, 80.0
SONG_GOAL = 0.995
PLAYER_LAGS = 441  # frames either way
OVERLAPS = 0.02  # a share of notes


def likeness(theirs: Audio, ours: Audio) -> float:
    """Correlation of the log-mel spectra of both channels, after alignment (fluidsynth's player is some 100 frames late)."""
    frames = min(len(theirs), len(ours))
    lag = _lag(theirs, ours, PLAYER_LAGS)
    one, other = theirs[max(-lag, 0) : frames - max(lag, 0)], ours[max(lag, 0) : frames - max(-lag, 0)]
    return float(np.corrcoef(_decibels(_mel(one)).ravel(), _decibels(_mel(other)).ravel())[0, 1])


def _on_one_clock(data: bytes) -> bytes:
    """The same messages at the same times, ticks being frames: fluidsynth's player loses some ms at each change of tempo."""
    file = events.parse(data)
    clock = midi.read(data).tempo_map
    tracks = [
        [
            (round(float(clock.to_seconds(tick)) * RATE), status, told)
            for tick, status, told in track
            if (status, told[:1]) != (events.META, bytes([events.TEMPO]))
        ]
        for track in file.tracks
    ]
    return events.write(events.Events(file.format, RATE // 2, tracks))


def _mel(audio: Audio) -> Audio:
    """Power by frame and band, both channels side by side."""
    window, bank = np.hanning(FRAME).astype(np.float32), _mels()
    found = []
    for channel in audio.T:
        spectrum = np.fft.rfft(sliding_window_view(np.ascontiguousarray(channel), FRAME)[::JUMP] * window, axis=1)
        found.append((spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ bank)
    return np.concatenate(found, axis=1)


def _decibels(power: Audio) -> Audio:
    """Below the maximum, down to the floor."""
    top = np.float32(power.max() or 1.0)
    found: Audio = 10 * np.log10(np.maximum(power / top, np.float32(10 ** (-FLOOR / 10))))
    return found


def _mels() -> NDArray[np.float32]:
    """Triangles evenly spaced on the mel scale 2595 log10(1 + f/700)."""
    corners = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), MELS + 2) / 2595) - 1)
    hertz = np.arange(FRAME // 2 + 1)[:, None] * RATE / FRAME
    up = (hertz - corners[:-2]) / (corners[1:-1] - corners[:-2])
    down = (corners[2:] - hertz) / (corners[2:] - corners[1:-1])
    return np.maximum(np.minimum(up, down), 0).astype(np.float32)


# --- conformance ---


def measure(quick: bool) -> Iterator[Line]:
    """Single notes of every preset, then songs, beside fluidsynth without effects."""
    outliers: list[dict[str, Any]] = []
    for font in fonts(("TimGM6mb", "MuseScore", "FluidR3")):
        fluid, synth = Fluid(font.path), _load(font)
        yield from _notes(fluid, synth, font.path.stem, quick, outliers)
        if font.path.stem == "TimGM6mb":
            yield from _songs_alike(fluid, synth, font.path.stem, quick, outliers)
    if kept := os.environ.get("MOTET_OUTLIERS"):
        Path(kept).write_text("".join(json.dumps(one) + "\n" for one in outliers))


def _notes(fluid: Fluid, synth: render.Synth, font: str, quick: bool, outliers: list[dict[str, Any]]) -> Iterator[Line]:
    asked = list(_asked(fluid.presets(), quick))
    offset = _offset(fluid, synth, random.Random(SEED).sample(asked, min(len(asked), 200)))
    found = []
    for preset, key, velocity in asked:
        found.append(compare(fluid.note(preset, key, velocity), _played(synth, preset, key, velocity), offset))
    heard = [(one, like) for one, like in zip(asked, found, strict=True) if like.causes != (BOTH_SILENT,)]
    n = len(heard)
    alike = [like for _, like in heard]
    level = np.array([like.level - offset for like in alike])
    peak = np.array([like.peak - offset for like in alike])
    cents = np.array([like.cents for like in alike])
    followed = ~np.isnan(cents)
    held = (np.abs(level) <= LEVEL_BOUND) & (np.abs(peak) <= LEVEL_BOUND) & ~(np.abs(cents) > PITCH_BOUND)
    low, high = wilson(int(held.sum()), n)
    share = 100 * held.mean()
    wave = [20 * np.log10(like.waveform + 1e-12) for like in alike]
    note = f"{fluid.version}, 1 s and 0.5 s after, offset {offset:+.2f} dB; half within {_middle(wave)} dB"
    yield Line(f"{font}: waveform error", (statistics.median(wave),), "dB", n, note=note)
    shape = [like.envelope for like in alike]
    yield Line(
        f"{font}: envelope error", (statistics.median(shape),), "dB", n, note=f"worst tenth above {np.quantile(shape, 0.9):.2f}"
    )
    note = f"95 %: {100 * low:.1f} to {100 * high:.1f}"
    goal = f"within {LEVEL_BOUND:g} dB and {PITCH_BOUND:g} cents: 99 %"
    yield Line(f"{font}: notes alike", (share,), "% of notes", n, goal=goal, reached=None if quick else share >= 99.0, note=note)
    for name, values in (("level", np.abs(level)), ("loudest 50 ms", np.abs(peak)), ("pitch", np.abs(cents[followed]))):
        unit = "cents" if name == "pitch" else "dB"
        middle, tail = np.quantile(values, (0.5, 0.99))
        yield Line(
            f"  {name}, off by",
            (float(middle),),
            unit,
            len(values),
            note=f"99 % within {tail:.2f}, all within {values.max():.2f}",
        )
    for ((preset, key, velocity), like), fine in zip(heard, held, strict=True):
        if not fine:
            told = {**asdict(like), "level": like.level - offset, "peak": like.peak - offset}
            outliers.append({"font": font, **preset._asdict(), "key": key, "velocity": velocity, **told})
    _tell([one for one in outliers if one["font"] == font], n)


def _asked(presets: list[Preset], quick: bool) -> Iterator[tuple[Preset, int, int]]:
    """Presets over keys and velocities."""
    for preset in presets[:: QUICK_STEP if quick else 1]:
        keys: Iterable[int] = (QUICK_KIT_KEYS if quick else KIT_KEYS) if preset.bank == DRUMS else QUICK_KEYS if quick else KEYS
        for key in keys:
            for velocity in QUICK_VELOCITIES if quick else VELOCITIES:
                yield preset, key, velocity


def _offset(fluid: Fluid, synth: render.Synth, asked: list[tuple[Preset, int, int]]) -> float:
    """The engines' constant difference in level: the median of a sample of the notes."""
    found = (compare(fluid.note(*one), _played(synth, *one)) for one in asked)
    return statistics.median(like.level for like in found if like.causes != (BOTH_SILENT,))


def _played(synth: render.Synth, preset: Preset, key: int, velocity: int) -> Audio:
    line = render.Line(_note_file(preset, key, velocity), render.Preset(preset.bank, preset.program))
    return next(iter(synth.render([line])))


def _middle(values: Sequence[float]) -> str:
    return " to ".join(f"{value:.0f}" for value in np.quantile(values, (0.25, 0.75)))


def _tell(outliers: list[dict[str, Any]], n: int) -> None:
    """By cause, then by preset: what is out of bounds, the most frequent first."""
    if not outliers:
        return
    print(f"  {len(outliers)} of {n} out of bounds")
    by_cause: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in outliers:
        for cause in one["causes"] or ("untold",):
            by_cause[cause.split(":")[0]].append({**one, "cause": cause})
    for cause, those in sorted(by_cause.items(), key=lambda item: -len(item[1])):
        presets = Counter(f"{one['bank']}:{one['program']} {one['name']}" for one in those)
        print(f"  {cause}: {len(those)} notes of {len(presets)} presets")
        for preset, count in presets.most_common(NAMED):
            sample = next(one for one in those if preset == f"{one['bank']}:{one['program']} {one['name']}")
            such = f"key {sample['key']} velocity {sample['velocity']}: {'; '.join(sample['causes'])}"
            print(f"    {preset}, {count} notes, such as {such}")


def _songs_alike(fluid: Fluid, synth: render.Synth, font: str, quick: bool, outliers: list[dict[str, Any]]) -> Iterator[Line]:
    found, plain = [], []
    for name, data in songs(QUICK_SONGS if quick else SONGS):
        alike = likeness(fluid.song(_on_one_clock(data)), next(iter(synth.render([render.Line(data)]))))
        found.append(alike)
        overlaps = _overlaps(data)
        if overlaps <= OVERLAPS:
            plain.append(alike)
        if alike < SONG_GOAL:
            why = f"{100 * overlaps:.0f} % of notes overlap one of their key; {_blamed(fluid, synth, data)}"
            print(f"  {name}: {alike:.4f}; {why}", flush=True)
            outliers.append({"song": name, "font": f"{font}, songs", "likeness": alike, "why": why})
    goal = f"at least {SONG_GOAL}"
    kinds = {"songs alike": found, "songs without overlapping notes of a key": plain}
    for label, those in kinds.items():
        if those:
            good = sum(one >= SONG_GOAL for one in those)
            note = f"log-mel, {good} reach it, worst {min(those):.4f}"
            reached = None if quick else statistics.median(those) >= SONG_GOAL
            yield Line(f"{font}: {label}", tuple(those), "correlation", len(those), goal=goal, reached=reached, note=note)


def _overlaps(data: bytes) -> float:
    """The share of notes struck while one of their key sounds: fluidsynth ends that one, and the first note-off ends both."""
    sounding: Counter[tuple[int, int]] = Counter()
    struck = over = 0
    told = sorted(
        (event for track in events.parse(data).tracks for event in track if event[1] & 0xE0 == 0x80), key=lambda one: one[0]
    )
    for _, status, (key, velocity) in told:
        note = status & 15, key
        if status & 0xF0 == events.NOTE_ON and velocity:
            struck, over = struck + 1, over + (sounding[note] > 0)
            sounding[note] += 1
        elif sounding[note]:
            sounding[note] -= 1
    return over / max(struck, 1)


def _blamed(fluid: Fluid, synth: render.Synth, data: bytes) -> str:
    """The three channels that differ most when they play alone."""
    file = events.parse(data)
    channels = Counter(event[1] & 15 for track in file.tracks for event in track if event[1] & 0xF0 == events.NOTE_ON)
    alone = {}
    for channel in channels:
        tracks = [
            [event for event in track if not (event[1] & 0xE0 == 0x80 and event[1] & 15 != channel)] for track in file.tracks
        ]
        part = events.write(events.Events(file.format, file.division, tracks))
        alone[channel] = likeness(fluid.song(_on_one_clock(part)), next(iter(synth.render([render.Line(part)]))))
    worst = sorted(alone, key=lambda channel: alone[channel])[:3]
    return ", ".join(f"channel {one} ({_programs(file, one)}, {channels[one]} notes) {alone[one]:.4f}" for one in worst)


def _programs(file: events.Events, channel: int) -> str:
    asked = sorted({event[2][0] for track in file.tracks for event in track if event[1] == 0xC0 | channel})
    return f"programs {asked}" if asked else "no program"
