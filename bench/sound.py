"""Rendering real songs, as a build does: what each step costs on one core, and what a worker holds with a large font."""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from measure import Line, fresh, over, peak_mb
from motet import demo, midi, render
from motet.render.hearing import hear, kind_of, struck

RATE = 44100
SEED = 0
SONGS, REPEATS = 12, 2
FEWEST_PARTS, SHORTEST, LONGEST = 3, 60.0, 240.0  # seconds
CRAFTED = ("broken", "odd")  # made to break readers; not what a collection is like
LARGE_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SHARE_GOAL, FLAC_GOAL, MEMORY_GOAL = 25.0, 400.0, 1000.0
SYNTH, CODING = "synth", ("FLAC, stems", "FLAC, mix")
BESIDE = ("loudness of stems", "checks", "reading stems for the mix", "summing", "loudness of the mix", "true peak of the mix")

Given = TypeVar("Given")


def measure(quick: bool) -> Iterator[Line]:
    songs, origin = _songs(2 if quick else SONGS)
    repeats = 1 if quick else REPEATS
    font = render.find()
    list(render.load(font, RATE).render([songs[0][0].midi]))  # compiled from here on
    clocks = [_Clock() for _ in range(repeats)]
    for clock in clocks:
        for parts in songs:
            _one_song(parts, font, clock)
    n, first = len(songs), clocks[0]
    long, sounded = first.seconds["songs"], first.seconds["stems"]

    def speed(seconds: float, *steps: str) -> tuple[float, ...]:
        return tuple(seconds / sum(clock.taken[step] for step in steps) for clock in clocks)

    playing = speed(long, SYNTH)
    note = f"{origin}, {first.stems} stems, {long:.0f} s of songs, {sounded:.0f} s of stems, {font.name}"
    yield Line(f"synth ({render.DEFAULT_SYNTH}), all stems of a song", playing, "x real time", n, note=note)
    for other in _others():
        speeds = speed(long, other)
        yield Line(
            f"{other}, all stems of a song", speeds, "x real time", n, over(speeds, playing), "synth", note=render.version(other)
        )
    for step in (*BESIDE, *CODING):
        speeds = speed(long, step)
        yield Line(step, speeds, "x real time", n, over(speeds, playing), "synth")

    everything = (SYNTH, *BESIDE, *CODING)
    yield Line("the whole", speed(long, *everything), "x real time", n)
    for name, without in (("not synth, not encoding", ()), ("  the same without reading stems", ("reading stems for the mix",))):
        rest = [step for step in BESIDE if step not in without]
        counted = [step for step in everything if step not in without]
        shares = tuple(100 * sum(c.taken[step] for step in rest) / sum(c.taken[step] for step in counted) for c in clocks)
        yield Line(name, shares, "% of time", n, goal="at most 25", reached=_reached(max(shares) <= SHARE_GOAL, quick))
    for name, step, seconds in (("FLAC, one stem", CODING[0], sounded), ("FLAC, one mix", CODING[1], long)):
        speeds = speed(seconds, step)
        yield Line(name, speeds, "x real time", n, goal="at least 400", reached=_reached(min(speeds) >= FLAC_GOAL, quick))
    yield from _memory()


def _reached(held: bool, quick: bool) -> bool | None:
    return None if quick else held


class _Clock:
    """CPU seconds by step, and seconds of sound by what they are of."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.seconds: Counter[str] = Counter()
        self.stems = 0

    def time(self, step: str, work: Callable[[], Given]) -> Given:
        began = time.process_time()
        done = work()
        self.taken[step] += time.process_time() - began
        return done


def _one_song(parts: list[midi.Part], font: render.Font, clock: _Clock) -> None:
    synth = render.load(font, RATE)
    others = {name: render.load(font, RATE, synth=name) for name in _others()}
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        paths, gains = [], []
        for part in parts:
            (audio,) = clock.time(SYNTH, lambda part=part: list(synth.render([part.midi])))
            for name, other in others.items():
                clock.time(name, lambda part=part, other=other: list(other.render([part.midi])))
            clock.time("loudness of stems", lambda audio=audio: render.integrated_loudness(audio, RATE))
            clock.time("checks", lambda audio=audio, part=part: _heard(audio, part))
            data, gain = clock.time(CODING[0], lambda audio=audio: _stored(audio))
            paths.append(Path(folder, f"{len(paths)}.flac"))
            paths[-1].write_bytes(data)
            gains.append(gain)
            clock.stems += 1
            clock.seconds["stems"] += len(audio) / RATE
        clock.time("reading stems for the mix", lambda: sum(len(piece) for path in paths for piece in render.pieces(path)))
        began = time.process_time()
        mix = render.mix(map(render.pieces, paths), gains, sample_rate=RATE)
        whole = time.process_time() - began
    before = clock.taken.copy()
    clock.time("loudness of the mix", lambda: render.integrated_loudness(mix.audio, RATE))
    clock.time("true peak of the mix", lambda: render.true_peak(mix.audio))
    apart = (clock.taken - before).total() + clock.taken["reading stems for the mix"] - clock.seconds["read before"]
    clock.taken["summing"] += whole - apart
    clock.seconds["read before"] = clock.taken["reading stems for the mix"]
    clock.time(CODING[1], lambda: render.encode(mix.audio, RATE))
    clock.seconds["songs"] += len(mix.audio) / RATE


def _others() -> list[str]:
    """The synths beside the default one that are installed here."""
    return [name for name in render.SYNTHS if name != render.DEFAULT_SYNTH and render.version(name)]


def _heard(audio: render.Audio, part: midi.Part) -> object:
    return hear(audio, RATE, struck(part.midi, RATE), kind_of(part.program, part.is_drum))


def _stored(audio: render.Audio) -> tuple[bytes, float]:
    gain = render.stored_gain(audio)
    return render.encode(audio, RATE, gain_db=-gain), gain


def _songs(wanted: int) -> tuple[list[list[midi.Part]], str]:
    root = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    if not root.is_dir():
        return [midi.split(demo.to_midi(demo.arrange(tune))) for tune in demo.TUNES[:wanted]], "the demo tunes"
    files = sorted(file for folder in root.iterdir() if folder.name not in CRAFTED for file in folder.rglob("*.mid"))
    random.Random(SEED).shuffle(files)
    songs = []
    for file in files:
        data = file.read_bytes()
        try:
            if SHORTEST <= midi.read(data).duration <= LONGEST and len(parts := midi.split(data)) >= FEWEST_PARTS:
                songs.append(parts)
        except midi.Unreadable:
            continue
        if len(songs) == wanted:
            break
    return songs, "real songs, drawn at random"


# --- memory: a process that plays one song with a font of 148 MB ---


def _memory() -> Iterator[Line]:
    if not LARGE_FONT.is_file() or not Path("/proc/self/status").is_file():
        return
    for synth in (render.DEFAULT_SYNTH, *_others()):
        held = float(fresh("sound", synth)["peak_mb"])
        size = LARGE_FONT.stat().st_size / 1e6
        note = f"{LARGE_FONT.stem}, {size:.0f} MB"
        yield Line(f"memory, {synth}", (held,), "MB", 1, goal="at most 1000", reached=held <= MEMORY_GOAL, note=note)


def _alone(synth: str) -> None:
    (parts,), _ = _songs(1)
    font = render.find(str(LARGE_FONT))
    player = render.load(font, RATE, synth=synth)
    stored = [_stored(audio) for audio in player.render(part.midi for part in parts)]
    mix = render.mix((render.pieces(data) for data, _ in stored), [gain for _, gain in stored])
    render.encode(mix.audio, RATE)
    print(json.dumps({"peak_mb": peak_mb()}))


if __name__ == "__main__":
    _alone(sys.argv[1])
