"""Golden digests: what each stage makes of the demo's tunes, or of a little dataset, kept beside its version.

A stage whose output changes while its inputs, version and libraries stay the same fails here: raise its version, so that
existing datasets are made anew, and renew `golden.json` by `python tests/test_golden.py`. That command refuses to cover up a
change without a new version. What holds sound is kept per platform, for arithmetic differs in its last bits between them.
"""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import platform
import sys
import tempfile
import wave
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from motet import render
from motet.demo import TUNES, arrange, to_midi, write
from motet.recipe import Recipe, load
from motet.run.build import build
from motet.run.stage import versions
from motet.video import film
from toys.midi import song

GOLDEN = Path(__file__).with_name("golden.json")
SETTINGS = ["render_stems.rate=16000", "sample.songs=2"]
# Spectrograms are held against librosa's in tests/inventory/test_preparing.py: their last bits are the processor's.
PREPARED = ["prepare_features.rate=8000", "prepare_features.mel=false"]
FILMED = [*SETTINGS, "map_video.seconds=8", "map_video.most=1", "map_video.width=64", "map_video.height=64"]
RECORDED = ["separate.method=none", "chunk.length=20"]
HEARD = ["pair.media=false", "plan_clips.longest=12"]  # of films; their encoding is held in tests/video
# Stages that make or read sound.
SOUND = (
    "render_stems", "mix_stems", "segment", "write_captions", "check_captions", "prepare_features",
    "map_video", "render_video", "check_sync", "decode", "match_recordings", "separate", "chunk", "audio_facts", "tag", "balance",
    "collect", "read_recordings", "read_films", "locate_songs", "find_shots", "match_midi", "align", "plan_clips", "pair",
    "exclude", "exclude_plans",
)  # fmt: skip
HERE = f"{sys.platform}-{platform.machine()}"
# Where the tunes lie, not what they are.
PLACES = ("root", "location", "offset", "film_where", "recording_where", "midi_where")
ENCODED = {"films": ("video", "sound")}  # by AAC and MP3, whose last bits are the processor's

Entry = dict[str, Any]


def recipe() -> Recipe:
    return load("text-to-music").changed(SETTINGS)


def plain(value: Any) -> Any:
    """Floats to twelve digits, as the last bits may hang on the processor; bytes in hexadecimal."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else f"{value:.12g}"
    if isinstance(value, bytes):
        return value.hex()
    return [plain(v) for v in value] if isinstance(value, list) else value


def digest(rows: Any) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:32]


def measure(folder: Path) -> dict[str, Entry]:
    """Build the demo's tunes and a little dataset below `folder`; what each stage made of them, and of what."""
    write(folder / "tunes")
    measured = measure_stages(recipe(), folder / "tunes", folder / "data")
    source, registry = write_voices(folder)
    own = [f"prepare_labels.registry={registry}", "prepare_labels.dataset=toy-voices", "prepare_labels.golden=2"]
    prepared = measure_stages(load("prepare").changed([*PREPARED, *own]), source, folder / "prepared")
    recorded = measure_stages(load("musicgen").changed(RECORDED), write_recordings(folder / "recordings"), folder / "recorded")
    filmed = measure_stages(load("midi-video").changed(FILMED), folder / "tunes", folder / "filmed")
    heard = measure_stages(load("film-music").changed(HEARD), write_cinema(folder / "cinema"), folder / "heard")
    others = prepared | recorded | filmed | heard
    return measured | {name: entry for name, entry in others.items() if name not in measured}


def write_cinema(folder: Path) -> list[str]:
    """A film in which a tune of the demo is heard under noise, its recording, its MIDI, and a list that names it."""
    (folder / "films").mkdir(parents=True)
    tune = next(one for one in TUNES if one.title == "Greensleeves")
    (folder / "Greensleeves.mid").write_bytes(data := to_midi(arrange(tune)))
    (audio,) = render.load(render.find(), 22050).render([data])
    loud = np.clip(audio / np.abs(audio).max() * 0.5, -1, 1).astype(np.float32)
    (folder / "Ada Example - Greensleeves.wav").write_bytes(render.encode(loud, 22050, "wav"))
    random = np.random.default_rng(1)
    sound = random.normal(0, 0.01, (40 * 22050, 2)).astype(np.float32)
    sound[8 * 22050 : 32 * 22050] += loud[4 * 22050 : 28 * 22050]
    shots = random.integers(40, 220, (5, 8, 8, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    pictures = (np.roll(shots[n // 96], n % 64, axis=1) for n in range(480))
    film.write(folder / "films" / "The Bridge (1961).mp4", pictures, fps=Fraction(12), size=(64, 64), sound=(sound, 22050))
    (folder / "songs.csv").write_text("film,year,song,artist\nThe Bridge,1961,Greensleeves,Ada Example\n")
    return [str(folder / "films"), *map(str, sorted(folder.glob("*.*")))]


def write_recordings(folder: Path) -> Path:
    """Two little pieces of plucked chords, one of them again, softer."""
    folder.mkdir()
    for name, beat, root, loud in (("slow", 12000, 110, 9000), ("fast", 8000, 147, 9000), ("soft", 8000, 147, 3000)):
        tones = [[(abs(at * root * step // 40 % 800 - 400) - 200) / 200 for at in range(beat)] for step in (4, 5, 6, 8)]
        bar = [value * (1 - at / beat) ** 2 for tone in tones for at, value in enumerate(tone)]
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(
                b"".join(round(loud * value).to_bytes(2, "little", signed=True) for value in bar) * (600_000 // len(bar))
            )
    return folder


def measure_stages(made: Recipe, source: Path | list[str], to: Path) -> dict[str, Entry]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CPU_NAME", "generic")  # else the workers' compiled code is this processor's own
        snapshot = build(made, source if isinstance(source, list) else [source], to).snapshot
    tables: dict[str, str] = {}
    measured: dict[str, Entry] = {}
    places = source if isinstance(source, list) else [str(source)]
    files = [file for place in map(Path, places) for file in (sorted(place.rglob("*")) if place.is_dir() else [place])]
    read = digest([[file.name, hashlib.sha256(file.read_bytes()).hexdigest()] for file in files if file.is_file()])
    for step, state in zip(made.steps, snapshot.stages, strict=True):
        stage = step.stage
        inputs = {p.row_type.table: tables[p.row_type.table] for p in stage.inputs if p.row_type.table in tables}
        if stage.kind == "source":
            inputs = {"sources": read}
        verdicts = pq.read_table(snapshot.folder / state.verdicts, columns=["id", "status", "reason"]).to_pylist()
        made_here = {}
        for table, file in state.outputs.items():
            rows = pq.read_table(snapshot.folder / file).to_pylist()
            passed = (*PLACES, *ENCODED.get(table, ()))
            made_here[table] = digest([{k: plain(v) for k, v in row.items() if k not in passed} for row in rows])
        tables |= made_here
        measured[step.name] = {
            "version": stage.version,
            "libraries": versions(stage.libraries),
            "contents": dict(stage.contents(step.settings)) if stage.contents else {},
            "inputs": inputs,
            "output": digest([verdicts, made_here]),
        }
    return measured


def write_voices(folder: Path) -> tuple[Path, Path]:
    """Recordings and tunes of four speakers, of whom a table tells the mood, and the registry file that describes them."""
    source, registry = folder / "toy_voices", folder / "registry"
    registry.mkdir()
    (registry / "toy-voices.yaml").write_text(DESCRIBED)
    table = ["path,mood,take"]
    for number, who in enumerate(("ann", "bob", "eve", "zoe")):
        (source / who).mkdir(parents=True)
        with wave.open(str(source / who / "say_1.wav"), "wb") as file:
            file.setparams((1, 2, 16000, 0, "NONE", ""))
            file.writeframes(b"".join((abs(at % (50 + number) - 25) * 600).to_bytes(2, "little") for at in range(4000)))
        (source / who / "hum_2.mid").write_bytes(song(number))
        table += [f"{who}/say_1.wav,{'sad' if number % 2 else 'glad'},1", f"{who}/hum_2.mid,calm,2"]
    (source / "moods.csv").write_text("\n".join(table))
    return source, registry


DESCRIBED = """
name: toy-voices
title: Toy voices
about: tones and tunes
modalities: [audio, midi]
tasks: [emotion]
licence: {name: CC0-1.0, source: own}
citation: none
home: https://example.org
sources: {own: our own}
folders: [toy_voices]
fields: {who: "[a-z]+", take: "[0-9]"}
parts:
  - {name: speech, files: "{who}/say_{take}.wav", kind: audio}
  - {name: tunes, files: "{who}/hum_{take}.mid", kind: midi}
index: {file: moods.csv, format: csv, paths: {speech: path}}
labels:
  mood: {column: mood, values: {glad: happy}}
  take: {column: take, number: true}
  speaker: {field: who}
disjoint_by: speaker
"""


def verdict(kept: Mapping[str, Any] | None, now: Mapping[str, Any]) -> str:
    """How a stage stands to what was kept: same | changed | stale (not comparable: renew) | elsewhere (other libraries)."""
    if kept is None:
        return "stale"
    if kept == now:
        return "same"
    if kept["version"] != now["version"]:
        return "stale"
    if (kept["libraries"], kept["contents"]) != (now["libraries"], now["contents"]):
        return "elsewhere"
    return "stale" if kept["inputs"] != now["inputs"] else "changed"


def shelf(stage: str) -> str:
    return HERE if stage in SOUND else "any"


def kept() -> dict[str, dict[str, Entry]]:
    return json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Entry]:
    # In a process of its own: code compiled for any processor would stay with the tests that follow.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        return apart.submit(measure, tmp_path_factory.mktemp("golden")).result()


RECIPES = ("text-to-music", "prepare", "musicgen", "midi-video", "film-music")
STAGES = dict.fromkeys(step.name for name in RECIPES for step in load(name).steps)


@pytest.mark.slow  # five recipes are built
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_makes_what_it_made(stage: str, measured: dict[str, Entry]) -> None:
    golden = kept()
    if shelf(stage) not in golden:
        pytest.skip(f"no golden digests of sound for {HERE}: python tests/test_golden.py adds them")
    judged = verdict(golden[shelf(stage)].get(stage), measured[stage])
    if judged == "elsewhere":
        pytest.skip(f"the golden digest of {stage} is of other library versions or another font")
    if judged == "stale" and _after_elsewhere(stage, golden, measured):
        pytest.skip(f"{stage} follows a stage whose libraries or font are others here")
    assert judged != "changed", f"{stage} makes something else: raise its version, then run python tests/test_golden.py"
    assert judged == "same", f"{stage} or what it reads has a new version: run python tests/test_golden.py"


def _after_elsewhere(stage: str, golden: dict[str, dict[str, Entry]], measured: dict[str, Entry]) -> bool:
    names = list(measured)
    before = names[: names.index(stage)]
    return any(verdict(golden.get(shelf(n), {}).get(n), measured[n]) == "elsewhere" or shelf(n) not in golden for n in before)


def test_a_change_without_a_new_version_is_told_apart_from_one_with() -> None:
    before = {"version": 1, "libraries": {"a": "1"}, "contents": {}, "inputs": {"songs": "x"}, "output": "p"}
    assert verdict(before, before) == "same"
    assert verdict(before, {**before, "output": "q"}) == "changed"
    assert verdict(before, {**before, "output": "q", "version": 2}) == "stale"
    assert verdict(before, {**before, "output": "q", "inputs": {"songs": "y"}}) == "stale"
    assert verdict(before, {**before, "output": "q", "libraries": {"a": "2"}}) == "elsewhere"
    assert verdict(None, before) == "stale"


def renew() -> int:
    """Write `golden.json` anew; refuses where a stage changed without a new version."""
    golden = kept()
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder))
    changed = [n for n, now in measured.items() if verdict(golden.get(shelf(n), {}).get(n), now) == "changed"]
    if changed:
        print(f"not renewed: {', '.join(changed)} changed; raise the version there first", file=sys.stderr)
        return 1
    golden = {place: {n: e for n, e in entries.items() if n in measured} for place, entries in golden.items()}
    for name, now in measured.items():
        golden.setdefault(shelf(name), {})[name] = now
    GOLDEN.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n")
    print(f"renewed {GOLDEN}")
    return 0


if __name__ == "__main__":
    sys.exit(renew())
