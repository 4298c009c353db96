"""The text-to-music recipe on 1,000, 10,000 and 100,000 files: time per file, the driver's memory, disk, and building again.

The files are songs of `duplicates_scale`: real ones (our own tunes where the shared files are not there), transposed, thinned,
cut, bent and joined, here cut to a passage and to a few parts, at another tempo, their tracks in another order, under names of
their own. So many of a hundred are the same bytes again, junk, or damaged. Songs are the same from run to run and stay on disk,
in `motet-scale` where temporary files lie. All stages that are cheap see all files; as many songs are rendered of each size.

python bench/scale.py 100000 [folder]   one size only, and leave the dataset in the folder
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from duplicates_scale import REAL, Collection, real
from measure import Line, cpu, fresh, over
from memory import Gauge

SIZES, QUICK = (1000, 10_000, 100_000), (200, 1000)
SAME_TIME, FLAT, AGAIN_S = 1.10, 1.25, 10.0  # a file at most, times that at a tenth of the files; memory; seconds
SONGS = 10  # rendered
WORKERS = 2
VERSION = 1  # of the files that are made
COPIES, JUNK, DAMAGED = 4, 2, 2  # of a hundred files
PARTS, QUARTERS, NOTES = 4, 64, 800  # of a song, at most
SCALE = 768  # ticks of a quarter, as `duplicates.Voices` counts
PEOPLE = ("Vesna Marlow", "The Quiet Tide", "Ida Brook", "Los Faroles", "Ensemble Nadir", "Björn Ask")
WORDS = ("night", "river", "paper", "garden", "engine", "silver", "winter", "harbour", "dancing", "letter", "märchen")


def measure(quick: bool) -> Iterator[Line]:
    sizes = QUICK if quick else SIZES
    told: dict[int, dict[str, Any]] = {}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
            told[size] = ran(size, Path(folder), 1 if quick else 3)
        yield from _lines(size, told)
    yield from _by_stage(told[sizes[-2]], told[sizes[-1]], sizes)


def ran(size: int, folder: Path, again: int) -> dict[str, Any]:
    """What a first build of so many files, builds of no change, and those of a file more and a file less took."""
    # A tree of its own: one file more must not stay among those kept on disk.
    sources, dataset = folder / "songs", folder / "dataset"
    shutil.copytree(made(size), sources, copy_function=os.link)
    first: dict[str, Any] = fresh("scale", "build", sources, dataset)
    first["disk"], first["media"], first["parts_files"] = _disk(dataset)
    first["again"] = [fresh("scale", "build", sources, dataset) for _ in range(again)]
    if any(sum(run["done"].values()) for run in first["again"]):
        msg = f"a build of no change answered {first['again'][0]['done']}"
        raise RuntimeError(msg)
    more = sources / "000" / "one more.mid"
    more.write_bytes(_bytes(Collection(real(folder, 50)[0]), size))
    first["more"] = fresh("scale", "build", sources, dataset)
    more.unlink()
    first["less"] = fresh("scale", "build", sources, dataset)
    return first


def _lines(size: int, told: dict[int, dict[str, Any]]) -> Iterator[Line]:
    run, before = told[size], told.get(size // 10)
    each = run["wall"] / size * 1e3
    peer = f"{size // 10:,} files" if before else ""
    ratio = each / (before["wall"] / (size // 10) * 1e3) if before else None
    yield Line(
        f"{size:,} files: first build",
        (each,),
        "ms/file",
        size,
        ratio,
        peer,
        goal=f"<= {SAME_TIME} x" if before else "",
        reached=ratio <= SAME_TIME if ratio and size >= SIZES[-1] else None,
        note=f"{run['wall']:.0f} s; CPU {run['cpu_of_all']:.0f} s, the driver's {run['cpu']:.0f} s; {SONGS} songs rendered",
    )
    cheap = {name: seconds for name, seconds in run["stages"].items() if name in _cheap(run)}
    yield Line(f"{size:,} files: stages before rendering", (sum(cheap.values()) / size * 1e3,), "ms/file", size)
    flat = run["peak"] / before["peak"] if before else None
    yield Line(
        f"{size:,} files: driver memory",
        (run["peak"],),
        "MB",
        size,
        flat,
        peer,
        goal=f"<= {FLAT} x" if before else "",
        reached=flat <= FLAT if flat and size >= SIZES[-1] else None,
        note=f"{max(run['memory'], key=run['memory'].get)} most; {run['imported_mb']:.0f} MB before the first stage",
    )
    note = f"{run['media']:,} media, {run['parts_files']} parts and tables"
    yield Line(f"{size:,} files: disk", (run["disk"] / size / 1e3,), "kB/file", size, note=note)
    walls = tuple(one["wall"] for one in run["again"])
    slowest = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in _longest(run["again"][-1], 3))
    yield Line(
        f"{size:,} files: no-change rebuild",
        walls,
        "s",
        size,
        over(walls, (run["wall"],)),
        "first build",
        goal=f"<= {AGAIN_S:g} s" if size >= SIZES[-1] else "",
        reached=sorted(walls)[len(walls) // 2] <= AGAIN_S if size >= SIZES[-1] else None,
        note=f"{slowest}; {run['again'][-1]['imported']:.1f} s of importing not counted",
    )
    for name, said in (("more", "one file more"), ("less", "one file less")):
        slowest = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in _longest(run[name], 4))
        took = (run[name]["wall"],)
        yield Line(f"{size:,} files: {said}", took, "s", size, over(took, walls), "no-change rebuild", note=slowest)


def _by_stage(few: dict[str, Any], many: dict[str, Any], sizes: tuple[int, ...]) -> Iterator[Line]:
    for name in _cheap(many):
        each = many["stages"][name] / sizes[-1] * 1e3
        ratio = each / max(few["stages"][name] / sizes[-2] * 1e3, 1e-6)
        busy = many["stages_cpu_of_all"][name] / sizes[-1] * 1e3
        note = f"CPU of all processes {busy:.2f} ms; {many['out'][name]:,} rows out; driver {many['memory'][name]:.0f} MB"
        yield Line(f"  {name}", (each,), "ms/file", sizes[-1], ratio, f"{sizes[-2]:,} files", note=note)


def _cheap(run: dict[str, Any]) -> list[str]:
    names = list(run["stages"])
    return names[: names.index("sample") + 1]


def _longest(run: dict[str, Any], how_many: int) -> list[tuple[str, float]]:
    return sorted(run["stages"].items(), key=lambda one: -one[1])[:how_many]


def _disk(dataset: Path) -> tuple[int, int, int]:
    """Bytes of a dataset, and how many files of media and of tables."""
    said = subprocess.run(["du", "-s", "-B1", str(dataset)], capture_output=True, text=True, check=True).stdout
    media = sum(1 for _ in (dataset / "media").rglob("*.*"))
    return (
        int(said.split()[0]),
        media,
        sum(1 for top in ("work", "tables", "snapshots") for _ in (dataset / top).rglob("*.parquet")),
    )


# The files


def made(size: int) -> Path:
    """A folder of so many files, made if it is not there."""
    folder = Path(tempfile.gettempdir()) / "motet-scale" / f"{VERSION}-{size}"
    if folder.exists():
        return folder
    making = folder.with_name(f".{folder.name}.{os.getpid()}")
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as scratch:
        songs = Collection(real(Path(scratch), min(REAL, size // 5))[0])
    for number in range(size):
        place = making / f"{number // 1000:03d}"
        place.mkdir(parents=True, exist_ok=True)
        name, data = _file(songs, number)
        (place / name).write_bytes(data)
    making.rename(folder)
    return folder


def _file(songs: Collection, number: int) -> tuple[str, bytes]:
    """Name and bytes of a file: mostly a song, in fixed shares something else."""
    chance = random.Random(f"file {number}")
    name = f"{chance.choice(PEOPLE)} - {' '.join(chance.sample(WORDS, 2))} {number}.mid"
    lot = chance.randrange(100)
    if lot < COPIES and number:
        return name, _bytes(songs, chance.randrange(number))
    lot -= COPIES
    if 0 <= lot < JUNK:
        return chance.choice((f"._{name}", f"{name}.txt", f"cover {number}.jpg")), chance.randbytes(300)
    lot -= JUNK
    if 0 <= lot < DAMAGED:
        whole = _bytes(songs, number)
        return name, chance.choice((b"", b"<!DOCTYPE html><html>404</html>", whole[: len(whole) // 3], whole[40:]))
    return name, _bytes(songs, number)


def _bytes(songs: Collection, number: int) -> bytes:
    """A song of the collection as a MIDI file."""
    from symusic.core import NoteTickList, ScoreTick, TempoTick, TimeSignatureTick, TrackTick

    chance = random.Random(f"song {number}")
    song = songs.song(number)
    begin = int(song.notes["start"].min(initial=0))
    notes = song.notes[song.notes["start"] < begin + QUARTERS * SCALE]
    voices, counts = np.unique(notes["voice"], return_counts=True)
    kept = sorted(voices[np.argsort(-counts, kind="stable")[:PARTS]].tolist())
    chance.shuffle(kept)
    score = ScoreTick(SCALE)
    score.tempos.append(TempoTick(0, qpm=chance.randint(70, 160)))
    score.time_signatures.append(TimeSignatureTick(0, 4, 4))
    for voice in kept:
        mine = notes[notes["voice"] == voice][: NOTES // len(kept)]
        starts = mine["start"].astype(np.int32) - begin
        moments = np.unique(starts)
        ends = np.append(moments[1:], moments[-1:] + SCALE)[np.searchsorted(moments, starts)]
        program = song.programs[voice]
        track = TrackTick(f"part {voice}", min(program, 127), program == 128)
        lengths, loud = np.minimum(ends - starts, SCALE), np.full(len(mine), chance.randint(60, 110), np.int8)
        track.notes = NoteTickList.from_numpy(starts, lengths, mine["pitch"].astype(np.int8), loud)
        score.tracks.append(track)
    return bytes(score.dumps_midi())


# In a process of its own


def main(sources: str, dataset: str) -> None:
    """Build once in this process; print what it took."""
    began = time.perf_counter()
    from motet.recipe import load
    from motet.run.build import build
    from motet.run.watch import StageReport, Watch

    gauge, memory, own, everyone = Gauge(), dict[str, float](), dict[str, float](), dict[str, float]()

    class Meter(Watch):
        def ends(self, report: StageReport) -> None:
            memory[report.name] = gauge.peak()
            own[report.name], everyone[report.name] = cpu() - sum(own.values()), cpu_of_all() - sum(everyone.values())

    recipe = load("text-to-music").changed([f"sample.songs={SONGS}"])
    imported_mb, imported = gauge.peak(), time.perf_counter()
    own[""], everyone[""] = cpu(), cpu_of_all()
    run = build(recipe, [sources], dataset, workers=WORKERS, watch=Meter())
    told = {
        "imported": imported - began,
        "imported_mb": imported_mb,
        "wall": time.perf_counter() - imported,
        "cpu": cpu() - own[""],
        "cpu_of_all": cpu_of_all() - everyone[""],
        "stages_cpu": own,
        "stages_cpu_of_all": everyone,
        "peak": max(*memory.values(), gauge.peak()),
        "memory": memory,
        "done": {stage.name: stage.done_now for stage in run.stages},
        "out": {stage.name: stage.rows_out for stage in run.stages},
        "stages": {stage.name: stage.seconds for stage in run.stages},
        "statuses": {stage.name: stage.statuses for stage in run.stages},
    }
    print(json.dumps(told))


def cpu_of_all() -> float:
    """CPU seconds of this process and those it started, ended or not: the same however busy the machine is."""
    living = psutil.Process().children(recursive=True)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = cpu() + ended.ru_utime + ended.ru_stime
    for one in living:
        with suppress(psutil.Error):
            times = one.cpu_times()
            used += times.user + times.system
    return used


def _only(size: int, folder: Path) -> None:
    """One size, for who wants to look at what comes of it."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {size: ran(size, folder, 3)}
    (folder / "told.json").write_text(json.dumps(told[size], indent=1))
    for line in _lines(size, told):
        print(f"{line.name:<45} {line.figure:>10.2f} {line.unit:<8} {line.note}")
    for line in _by_stage(told[size], told[size], (size, size)):
        print(f"{line.name:<45} {line.figure:>10.2f} {line.unit:<8} {line.note}")


if __name__ == "__main__":
    if sys.argv[1] == "build":
        main(*sys.argv[2:])
    else:
        _only(int(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else tempfile.mkdtemp(prefix="motet-scale-")))
