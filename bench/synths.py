"""How fast our synth is beside the players (see `reference`), what reuse brings, and what it holds in memory."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from measure import Line, cpu, over, peak_mb
from motet import demo, midi, render
from motet.midi import events
from motet.render.soundfont.synth import KEPT, SoundFontSynth
from motet.render.timeline import actions
from reference import DRUM_CHANNEL, RATE, Fluid, fonts, songs

Floats = NDArray[np.float64]

SPEED_SONGS, QUICK_SPEED_SONGS, REPEATS = 24, 4, 2
MANY = {"drums": 100, "pedal piano": 30, "bends": 200, "controllers": 500}  # events that make a song one of its kind
FLUID_GOAL, STEMS_GOAL, CORES_GOAL, MEMORY_GOAL = 5.0, 1.3, 1.9, 1000.0
TINY, FLUID = "tinysoundfont", "fluidsynth"
HOUR = 3600.0  # seconds


def measure(quick: bool) -> Iterator[Line]:
    """CPU time on one core, font loaded: whole songs, stems, what reuse brings; then two processes, cold start and memory."""
    chosen = _varied(QUICK_SPEED_SONGS if quick else SPEED_SONGS)
    for font in fonts(("TimGM6mb", "MuseScore")):
        yield from _speeds(font, chosen, 1 if quick else REPEATS, quick)
    yield from _cores(quick)
    yield from _cold()
    yield from _memory()


def _speeds(font: render.Font, chosen: list[tuple[str, bytes]], repeats: int, quick: bool) -> Iterator[Line]:
    taken: dict[str, list[list[float]]] = defaultdict(list)  # CPU seconds by repeat and song
    tiny, fluid = render.load(font, RATE, synth=TINY), Fluid(font.path)
    for _ in SoundFontSynth(font, RATE).stream([data for _, data in chosen[:2]]):
        pass  # compiled from here on
    seconds = np.array([midi.read(data).duration for _, data in chosen])
    for _ in range(repeats):
        together = SoundFontSynth(font, RATE)
        found = [_taken(font, data, together, tiny, fluid) for _, data in chosen]
        for what in found[0]:
            taken[what].append([one[what] for one in found])
    speeds = {what: seconds / np.array(times) for what, times in taken.items()}  # (repeats, songs)
    n, name = len(chosen), font.path.stem
    medians = {what: tuple(float(one) for one in np.median(speed, axis=1)) for what, speed in speeds.items()}
    labels = {
        "mix": "motet, mix",
        TINY: "tinysoundfont, mix",
        FLUID: "fluidsynth, mix",
        "stems": "motet, all stems and mix",
        "without": "motet, mix, no note used again",
        "together": "motet, mix, one memory for all songs",
    }
    for what, label in labels.items():
        note = _spread(np.median(speeds[what], axis=0)) + ("; without reading MIDI" if what == TINY else "")
        ratio, peer = (None, "") if what == "mix" else (over(medians[what], medians["mix"]), labels["mix"])
        yield Line(f"{name}: {label}", medians[what], "x real time", n, ratio, peer, note=note)
    for what, goal in ((FLUID, f"median at least {FLUID_GOAL:g}"), (TINY, "least at least 1")):
        ratios = np.median(speeds["mix"] / speeds[what], axis=0)
        held = bool(np.median(ratios) >= FLUID_GOAL if what == FLUID else ratios.min() >= 1)
        note = f"least: {chosen[int(ratios.argmin())][0]}"
        yield Line(f"  times {what}, song by song", tuple(ratios), "x", n, goal=goal, reached=None if quick else held, note=note)
    costs = np.median(np.array(taken["stems"]) / np.array(taken["mix"]), axis=0)
    reached = None if quick else float(np.median(costs)) <= STEMS_GOAL
    goal = f"median at most {STEMS_GOAL}"
    yield Line("  stems and mix over mix, song by song", tuple(costs), "x", n, goal=goal, reached=reached)


def _taken(font: render.Font, data: bytes, together: render.Synth, tiny: render.Synth, fluid: Fluid) -> dict[str, float]:
    """CPU seconds of one song by what makes it sound. Ours begins with an empty memory, but for `together`."""
    parts = [part.midi for part in midi.split(data)]
    fresh, of_stems, without = (SoundFontSynth(font, RATE, keep=keep) for keep in (KEPT, KEPT, 0))
    return {
        "mix": _cpu(lambda: list(fresh.render([data]))),
        "stems": _cpu(lambda: sum(1 for _ in of_stems.stream(parts))),
        "without": _cpu(lambda: list(without.render([data]))),
        "together": _cpu(lambda: list(together.render([data]))),
        TINY: _cpu(lambda: list(tiny.render([data]))) - _cpu(lambda: actions(data, RATE)),
        FLUID: _cpu(lambda: fluid.song(data)),
    }


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _spread(speeds: Floats) -> str:
    low, quarter, three, high = np.quantile(speeds, (0, 0.25, 0.75, 1))
    return f"songs {low:.0f}, half {quarter:.0f} to {three:.0f}, {high:.0f}"


def _varied(wanted: int) -> list[tuple[str, bytes]]:
    """As many songs with drums, with pedal piano, with bends and with many controllers."""
    found: dict[str, list[tuple[str, bytes]]] = {kind: [] for kind in MANY}
    for name, data in songs(10**6):
        counts = _counted(data)
        kind = next((k for k in MANY if counts[k] >= MANY[k] and len(found[k]) < wanted / len(MANY)), None)
        if kind:
            found[kind].append((name, data))
        if sum(map(len, found.values())) >= wanted:
            break
    return [song for those in found.values() for song in those]


def _counted(data: bytes) -> Counter[str]:
    counts: Counter[str] = Counter()
    for track in events.parse(data).tracks:
        for _, status, told in track:
            kind = status & 0xF0
            counts["drums"] += kind == events.NOTE_ON and status & 15 == DRUM_CHANNEL
            counts["bends"] += kind == events.BEND
            counts["controllers"] += kind == events.CONTROL
            counts["pedal piano"] += kind == events.CONTROL and told[0] == 64
    return counts


# --- fresh processes: this file runs itself ---


def _cores(quick: bool) -> Iterator[Line]:
    """Wall time of the same work by one process, and by two at once."""
    gains = []
    for _ in range(1 if quick else REPEATS):
        alone, both = _raced(1), _raced(2)
        gains.append(2 * alone / both)
    goal, held = f"at least {CORES_GOAL}", None if quick else statistics.median(gains) >= CORES_GOAL
    note = f"wall time, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    yield Line("two processes over one", tuple(gains), "x", 2, goal=goal, reached=held, note=note)


def _raced(processes: int) -> float:
    """Seconds until the last of them is done, all begun at once when each is ready."""
    run = [sys.executable, __file__, "race"]
    racers = [subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    try:
        for racer in racers:
            if _line(racer) != "ready":
                msg = f"a process that renders ended with {racer.wait()}"
                raise RuntimeError(msg)
        began = time.perf_counter()
        for racer in racers:
            print("go", file=racer.stdin, flush=True)
        for racer in racers:
            _line(racer)
        return time.perf_counter() - began
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def _line(racer: subprocess.Popen[str]) -> str:
    return racer.stdout.readline().strip() if racer.stdout else ""


def _race() -> None:
    played = [data for _, data in songs(2 * QUICK_SPEED_SONGS)]
    for _ in SoundFontSynth(render.find(), RATE).render(played[:1]):
        pass
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(3):
        for _ in SoundFontSynth(render.find(), RATE).render(played):
            pass
    print("done", flush=True)


def _cold() -> Iterator[Line]:
    """CPU seconds of a process that renders one demo tune, from its start to its end."""
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as compiled:
        kept = {"NUMBA_CACHE_DIR": compiled}
        for label, synth in (("nothing compiled yet", "motet"), ("compiled before", "motet"), ("", TINY), ("", FLUID)):
            began, before = time.perf_counter(), _children()
            _fresh("cold", synth, **kept)
            wall = time.perf_counter() - began
            name = f"cold start, {synth}" + (f", {label}" if label else "")
            yield Line(
                name, (_children() - before,), "s of CPU", 1, note=f"{wall:.1f} s by the clock; one tune, one font of 6 MB"
            )


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _fresh(*arguments: str, **variables: str) -> dict[str, Any]:
    run = [sys.executable, __file__, *arguments]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env={**os.environ, **variables})
    if done.returncode:
        msg = f"bench/synths.py {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()[-2000:]}"
        raise RuntimeError(msg)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _named(synth: str, font: render.Font) -> render.Synth:
    return SoundFontSynth(font, RATE) if synth == "motet" else render.load(font, RATE, synth=synth)


def _memory() -> Iterator[Line]:
    for font in fonts(("TimGM6mb", "MuseScore")):
        for synth in ("motet", TINY, FLUID):
            held = float(_fresh("memory", synth, str(font.path))["peak_mb"])
            name = f"memory, {synth}, stems of a song"
            yield Line(name, (held,), "MB", 1, goal="at most 1000", reached=held <= MEMORY_GOAL, note=font.path.stem)
    for seconds in (HOUR, HOUR / 2.1):
        told = _fresh("streamed", str(seconds))
        if "refused" in told:
            print(f"  {seconds:.0f} s are refused: {told['refused']}")
            continue
        held = float(told["peak_mb"])
        note = f"{told['seconds']:.0f} s of {told['parts']} stems and their mix, {told['seconds'] / told['cpu']:.0f} x real time"
        reached = held <= MEMORY_GOAL and seconds == HOUR
        yield Line("memory, motet, streamed", (held,), "MB", 1, goal="an hour in 1000", reached=reached, note=note)
        break


def _song_alone(synth: str, path: str) -> None:
    ((_, data),) = songs(1)
    for _ in _named(synth, render.find(path)).render(part.midi for part in midi.split(data)):
        pass
    print(json.dumps({"peak_mb": peak_mb()}))


def _streamed_alone(seconds: float) -> None:
    parts = [part.midi for part in midi.split(_repeated(demo.to_midi(demo.arrange(demo.TUNES[0])), seconds))]
    began, frames = cpu(), 0
    try:
        for tile in SoundFontSynth(render.find(), RATE).stream(parts):
            frames += len(tile.mix)
    except render.RenderError as error:
        print(json.dumps({"refused": str(error)}))
        return
    told = {"seconds": frames / RATE, "parts": len(parts), "cpu": cpu() - began, "peak_mb": peak_mb()}
    print(json.dumps(told))


def _repeated(data: bytes, seconds: float) -> bytes:
    """A song from its beginning again and again."""
    file = events.parse(data)
    times = int(seconds / midi.read(data).duration)
    length = max(event[0] for track in file.tracks for event in track)
    tracks = []
    for track in file.tracks:
        plain = [event for event in track if event[1:] != (events.META, bytes([events.END_OF_TRACK]))]
        longer = [(tick + n * length, status, told) for n in range(times) for tick, status, told in plain]
        tracks.append([*longer, (times * length, events.META, bytes([events.END_OF_TRACK]))])
    return events.write(events.Events(file.format, file.division, tracks))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["race"]:
            _race()
        case ["cold", synth]:
            for _ in _named(synth, render.find()).render([demo.to_midi(demo.arrange(demo.TUNES[0]))]):
                print(json.dumps({}))
        case ["memory", synth, path]:
            _song_alone(synth, path)
        case ["streamed", seconds]:
            _streamed_alone(float(seconds))
