"""Songs located in films whose music is known: recall and precision by level and kind, boundaries, offsets, speed, memory.

Of the material that `film_truth` makes. A placement is found if a report names its song and each covers half of the other or
more. A report is right if it names a song that plays during half of the report or more; all others are false. An offset is the
distance between told and true song time at the middle of the placement; where the song's notes come again exactly, that place
counts as true as well, since nothing heard tells them apart, and how many such there were is told.
Run alone: `python bench/film_located.py FOLDER [--songs 500] [--films 36] [--placements 12] [--own] [--json FILE]`.
MOTET_FILMS names a folder that keeps the material of `bench/run.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from film_truth import FILM_RATE, KINDS, LEVELS, Film, Material, Placed, material, own_songs, shared_songs
from measure import Line, cpu, fresh, peak_mb
from planted import wilson

GOALS = {0: 0.95, -12: 0.80}  # recall
PRECISION, NEAR_END, NEAR_OFFSET, FAST, MEMORY = 0.99, 1.0, 0.050, 100.0, 1000.0
COVER = 0.5
FEWEST = 30  # placements that a goal is judged by
WORST = 25
SONGS, FILMS, PLACEMENTS, UNKNOWN = 500, 36, 12, 60
QUICK = (60, 4, 8, 8)
LONG_HOURS = 2.0


@dataclass(frozen=True)
class Hit:
    """A placement and the report that found it, None where none did. Errors in seconds, told less true; `offset` to the nearest
    passage of the same notes, `exact` to the one that was played; `speed` is a ratio less one."""

    film: str
    placed: Placed
    found: bool
    start: float = 0.0
    end: float = 0.0
    offset: float = 0.0
    exact: float = 0.0
    speed: float = 0.0
    confidence: float = 0.0

    def named(self) -> str:
        p = self.placed
        where = f"{p.film_start:.1f}-{p.film_end:.1f} s at {p.level:+} dB, speed {p.speed:g}, {p.bed}; {p.how}"
        return f"{self.film}: {p.song} [{p.kind}] {where}"


@dataclass(frozen=True)
class Wrong:
    """A report of what does not play there."""

    film: str
    song: str
    start: float
    end: float
    confidence: float
    instead: str  # what plays there

    def named(self) -> str:
        return f"{self.film}: {self.song} at {self.start:.1f}-{self.end:.1f} s, confidence {self.confidence:.3f}; {self.instead}"


def judged(film: Film, reports: Sequence[Any]) -> tuple[list[Hit], list[Wrong], int]:
    """What became of every placement that could be found, what is false among the reports, and how many there are."""
    hits = []
    for placed in film.placed:
        if placed.indexed:
            length = placed.film_end - placed.film_start
            able = [r for r in reports if r.song == placed.song and _shared(placed, r) >= COVER * max(length, _length(r))]
            best = max(able, key=lambda r: _shared(placed, r), default=None)
            hits.append(_hit(film.name, placed, best))
    false = []
    for report in reports:
        shared = {p: _shared(p, report) for p in film.placed}
        if not any(p.song == report.song and part >= COVER * _length(report) for p, part in shared.items()):
            there = [f"{p.song}{'' if p.indexed else ' (of no index)'}" for p, part in shared.items() if part > 0]
            plays = f"there plays {' and '.join(there)}" if there else "no music there"
            false.append(Wrong(film.name, report.song, report.film_start, report.film_end, report.confidence, plays))
    return hits, false, len(reports)


def _length(report: Any) -> float:
    return float(report.film_end - report.film_start)


def _shared(placed: Placed, report: Any) -> float:
    return max(0.0, min(placed.film_end, report.film_end) - max(placed.film_start, report.film_start))


def _hit(film: str, placed: Placed, report: Any) -> Hit:
    if report is None:
        return Hit(film, placed, found=False)
    middle = (placed.film_start + placed.film_end) / 2
    told = report.song_start + report.speed * (middle - report.film_start)
    exact = float(told - (placed.song_start + placed.speed * (middle - placed.film_start)))
    return Hit(
        film,
        placed,
        True,
        float(report.film_start - placed.film_start),
        float(report.film_end - placed.film_end),
        min((exact - lag for lag in (0.0, *placed.lags)), key=abs),
        exact,
        float(report.speed / placed.speed - 1),
        float(report.confidence),
    )


@dataclass
class Outcome:
    hits: list[Hit]
    false: list[Wrong]
    reports: int
    film_seconds: float
    song_seconds: float
    spent: dict[str, float]  # CPU seconds
    refused: list[str]


def located(made: Material, progress: Callable[[str], None] = lambda _: None) -> Outcome:
    """Everything under test, once: the songs heard, the catalogue made, every film heard and searched."""
    from motet.film.locating import Catalogue, listen_to

    spent: dict[str, float] = defaultdict(float)
    outcome = Outcome([], [], 0, 0.0, 0.0, spent, [])

    def timed(name: str, work: Callable[[], Any]) -> Any:
        began = cpu()
        done = work()
        spent[name] += cpu() - began
        return done

    some = next(iter(made.songs.values()))
    Catalogue({"some": listen_to(some)}).locate(listen_to(some))  # what is compiled and loaded once is no speed
    sounds = {}
    for name, path in made.songs.items():
        sounds[name] = timed("songs heard", lambda path=path: listen_to(path))  # type: ignore[misc]
        outcome.song_seconds += _seconds(path)
    progress(f"{len(sounds)} songs heard, {outcome.song_seconds / max(spent['songs heard'], 1e-9):.0f} x real time")
    catalogue = timed("catalogue made", lambda: Catalogue(sounds))
    for film in made.films:
        timed("decoding alone", lambda film=film: _decoded(Path(film.path)))  # type: ignore[misc]
        sound = timed("films heard", lambda film=film: listen_to(Path(film.path)))  # type: ignore[misc]
        reports = timed("films searched", lambda sound=sound: catalogue.locate(sound))  # type: ignore[misc]
        hits, false, count = judged(film, list(reports))
        outcome.hits += hits
        outcome.false += false
        outcome.reports += count
        outcome.film_seconds += film.seconds
        progress(f"{film.name}: {sum(h.found for h in hits)} of {len(hits)} found, {len(false)} false")
    return outcome


def _seconds(path: Path) -> float:
    import soundfile

    return float(soundfile.info(path).duration)


def _decoded(path: Path) -> None:
    from motet.audio.decoding import open_recording

    with open_recording(path, longest=24 * 3600.0) as recording:
        for _ in recording.blocks():
            pass


def lines(outcome: Outcome) -> Iterator[Line]:
    for kind in KINDS:
        for level in LEVELS:
            some = [hit for hit in outcome.hits if hit.placed.kind == kind and hit.placed.level == level]
            if some:
                goal = GOALS.get(level)
                yield _share(f"recall, {kind}, {level:+} dB", (hit.found for hit in some), goal)
    for level in LEVELS:
        some = [hit for hit in outcome.hits if hit.placed.level == level]
        if some:
            yield _share(f"recall, both kinds, {level:+} dB", (hit.found for hit in some), GOALS.get(level))
    right = outcome.reports - len(outcome.false)
    if outcome.reports:
        yield _share("precision, reports", [True] * right + [False] * len(outcome.false), PRECISION)
    for kind in KINDS:
        found = [hit for hit in outcome.hits if hit.found and hit.placed.kind == kind]
        if found:
            yield from _close(kind, found)
    heard = outcome.film_seconds / max(outcome.spent["films heard"] + outcome.spent["films searched"], 1e-9)
    parts = ", ".join(f"{name} {outcome.film_seconds / max(outcome.spent[name], 1e-9):.0f} x" for name in _PARTS)
    yield Line(
        "films, heard and searched", (heard,), "x real time", round(outcome.film_seconds), goal=f">= {FAST:g}",
        reached=heard >= FAST, note=f"CPU time, one process; {parts}",
    )  # fmt: skip
    songs = outcome.song_seconds / max(outcome.spent["songs heard"], 1e-9)
    yield Line("songs heard", (songs,), "x real time", round(outcome.song_seconds))


_PARTS = ("decoding alone", "films heard", "films searched")


def _close(kind: str, found: list[Hit]) -> Iterator[Line]:
    for name, errors in (("start", [hit.start for hit in found]), ("end", [hit.end for hit in found])):
        note = _spread(errors)
        yield _share(f"  {kind}: {name} within 1 s", (abs(error) <= NEAR_END for error in errors), PRECISION, note)
    offsets = [hit.offset * 1000 for hit in found]
    repeats = sum(abs(hit.exact) > abs(hit.offset) + 1e-9 for hit in found)
    note = f"{_spread(offsets, 'ms')}; {repeats} told as another passage of the same notes"
    yield _share(f"  {kind}: offset within 50 ms", (abs(one) <= NEAR_OFFSET * 1000 for one in offsets), PRECISION, note)
    speeds = np.abs([hit.speed for hit in found]) * 100
    yield Line(f"  {kind}: speed off, median", (float(np.median(speeds)),), "%", len(found), note=f"95 % {_at(speeds):.3f}")


def _spread(errors: Sequence[float], unit: str = "s") -> str:
    off = np.abs(errors)
    return f"median {np.median(errors):+.3f}, off {np.median(off):.3f}, 95 % {_at(off):.3f}, most {off.max():.3f} {unit}"


def _at(values: Any) -> float:
    return float(np.quantile(values, 0.95))


def _share(name: str, marks: Iterable[bool], goal: float | None = None, note: str = "") -> Line:
    """A share with Wilson's interval. A goal is judged from 30 on."""
    asked = list(marks)
    hits = sum(asked)
    low, high = wilson(hits, len(asked))
    told = f"95 %: {low:.3f}-{high:.3f}{'; ' * bool(note)}{note}"
    reached = None if goal is None or len(asked) < FEWEST else hits / len(asked) >= goal
    words = f">= {goal}" if goal is not None else ""
    return Line(name, (hits / len(asked),), "", len(asked), goal=words, reached=reached, note=told)


def worst(outcome: Outcome, most: int = WORST) -> Iterator[str]:
    """The false reports, the misses at levels where few are allowed, and the largest errors, by name."""
    loud = sorted((hit for hit in outcome.hits if not hit.found), key=lambda hit: -hit.placed.level)
    found = [hit for hit in outcome.hits if hit.found]
    lists = {
        "false": [one.named() for one in sorted(outcome.false, key=lambda one: -one.confidence)],
        "missed, loudest first": [hit.named() for hit in loud],
        "offset beyond 50 ms": _largest(found, lambda hit: hit.offset, NEAR_OFFSET),
        "start beyond 1 s": _largest(found, lambda hit: hit.start, NEAR_END),
        "end beyond 1 s": _largest(found, lambda hit: hit.end, NEAR_END),
    }
    for name, told in lists.items():
        yield f"  {name}: {len(told)}"
        yield from (f"    {line}" for line in told[:most])
    by: dict[str, list[bool]] = defaultdict(list)
    for hit in outcome.hits:
        if hit.placed.level >= -12:
            length = hit.placed.film_end - hit.placed.film_start
            p = hit.placed
            length, off = p.film_end - p.film_start, abs(p.speed - 1)
            by[f"bed {p.bed}"].append(hit.found)
            by[f"length {'10-15' if length < 15 else '15-25' if length < 25 else '25-45'} s"].append(hit.found)
            by[f"speed {'1' if not off else 'within 2 %' if off <= 0.02 else 'beyond 2 %'}"].append(hit.found)
    for name in sorted(by):
        yield f"  recall from -12 dB on, {name}: {sum(by[name])} of {len(by[name])}"


def _largest(found: list[Hit], error: Callable[[Hit], float], limit: float) -> list[str]:
    some = sorted((hit for hit in found if abs(error(hit)) > limit), key=lambda hit: -abs(error(hit)))
    return [f"{error(hit):+.3f} s {hit.named()}" for hit in some]


# A long film


def looped(film: Path, path: Path, hours: float) -> None:
    """A film of `hours`: the packets of a short one again and again."""
    import av

    with av.open(str(path), "w") as out:
        streams: dict[str, Any] = {}
        shift, last = 0.0, 0.0
        while shift < hours * 3600:
            with av.open(str(film)) as short:
                for stream in short.streams:
                    if stream.type not in streams:
                        streams[stream.type] = out.add_stream_from_template(stream)
                for packet in short.demux():
                    if packet.dts is None or packet.pts is None:
                        continue
                    step = round(shift / packet.time_base)
                    packet.pts, packet.dts = packet.pts + step, packet.dts + step
                    last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                    packet.stream = streams[packet.stream.type]
                    out.mux(packet)
            shift = last + 1024 / FILM_RATE


def memory(made: Material, hours: float, folder: Path) -> Line:
    """Peak memory of a fresh process that hears a long film and searches the catalogue of all songs for it."""
    path = folder / f"long-{hours:g}.mp4"
    if not path.exists():
        looped(Path(made.films[0].path), path, hours)
    told = fresh("film_located", "--memory", path, "--index", *made.songs.values())
    held = told["peak_mb"]
    note = f"{told['seconds']:.0f} s of film, {told['reports']} placements; the catalogue alone {told['catalogue_mb']:.0f} MB"
    return Line("peak memory, a long film", (held,), "MB", 1, goal=f"<= {MEMORY:g}", reached=held <= MEMORY, note=note)


def _remember(film: Path, songs: list[Path]) -> dict[str, float]:
    from motet.film.locating import Catalogue, listen_to

    catalogue = Catalogue({path.stem: listen_to(path) for path in songs})
    before = peak_mb()
    began = cpu()
    reports = list(catalogue.locate(listen_to(film)))
    import av

    with av.open(str(film)) as container:
        length = (container.duration or 0) / 1e6
    return {"peak_mb": peak_mb(), "catalogue_mb": before, "cpu": cpu() - began, "seconds": length, "reports": len(reports)}


# Commands


def measure(quick: bool) -> Iterator[Line]:
    songs, films, placements, unknown = QUICK if quick else (SONGS, FILMS, PLACEMENTS, UNKNOWN)
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as temporary:
        folder = Path(os.environ.get("MOTET_FILMS") or temporary) / f"{songs}-{films}"
        there = shared.is_dir()
        all_songs = shared_songs(shared, songs + unknown) if there else own_songs(songs + unknown, 60.0)
        made = material(folder, all_songs, indexed=songs, films=films, placements=placements)
        print(f"({len(made.songs)} {'real' if there else 'composed'} songs, {len(made.films)} films)")
        outcome = located(made)
        yield from lines(outcome)
        print(*worst(outcome), sep="\n")
        yield memory(made, 0.25 if quick else LONG_HOURS, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--songs", type=int, default=SONGS)
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--placements", type=int, default=PLACEMENTS)
    parser.add_argument("--own", action="store_true", help="songs composed here instead of the shared folder's")
    parser.add_argument("--long", type=float, default=0.0, metavar="HOURS", help="measure the memory that such a film takes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--memory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--index", type=Path, nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.memory:
        print(json.dumps(_remember(chosen.memory, chosen.index)))
        return
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    wanted = chosen.songs + UNKNOWN
    songs = own_songs(wanted, 60.0) if chosen.own else shared_songs(shared, wanted)
    made = material(chosen.folder, songs, indexed=chosen.songs, films=chosen.films, placements=chosen.placements)
    began = time.monotonic()
    outcome = located(made, lambda words: print(f"  {words}", file=sys.stderr, flush=True))
    for line in lines(outcome):
        goal = "" if line.reached is None else f" (goal {line.goal}: {'reached' if line.reached else 'MISSED'})"
        print(f"{line.name:<40} {line.figure:9.3f} {line.unit:<12} n {line.n:<6}{goal} {line.note}")
    print(*worst(outcome), sep="\n")
    sizes = f"{len(made.songs)} songs, {len(made.films)} films, {outcome.film_seconds:.0f} s of film"
    print(f"{sizes}; {time.monotonic() - began:.0f} s")
    if chosen.long:
        line = memory(made, chosen.long, chosen.folder)
        print(f"{line.name:<40} {line.figure:9.1f} {line.unit} {line.note}")
    if chosen.json:
        from dataclasses import asdict

        told = {"hits": [asdict(hit) for hit in outcome.hits], "false": [asdict(one) for one in outcome.false]}
        chosen.json.write_text(json.dumps(told | {"reports": outcome.reports, "spent": outcome.spent}, indent=1))


if __name__ == "__main__":
    main()
