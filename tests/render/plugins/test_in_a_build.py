"""A build whose rack would rather play plug-ins: good ones are heard, bad ones cost their attempt and are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motet import Dataset, render
from motet.midi import Variation
from motet.recipe import load
from motet.render.plugins import Quarantine
from motet.run.build import build as build_dataset
from motet.run.engine import LocalEngine
from render.notation import TICKS, note, part, program
from render.plugins.patience import Build

pytestmark = pytest.mark.system("g++")
SHORT = ["render_stems.rate=22050", "segment.shortest=3", "segment.target=5", "segment.longest=9"]


def scale(number: int) -> bytes:
    """Every part strikes key 66, at which the bad plug-ins misbehave."""
    keys = [60 + number, 66, 62, 66, 64, 67] * 4
    notes = (event for place, key in enumerate(keys) for event in note(place * TICKS, TICKS - 40, key))
    drums = (event for place in range(24) for event in note(place * TICKS, 60, 66, channel=9))
    return part([program(0, 4 + number), *notes, *drums])


def built(root: Path, rack: str, songs: int = 1, workers: int = 1) -> Dataset:
    (root / "songs").mkdir()
    (root / "rack.yaml").write_text(rack)
    for number in range(songs):
        (root / "songs" / f"{number}.mid").write_bytes(scale(number))
    recipe = load("text-to-music").changed([*SHORT, f"render_stems.rack={root / 'rack.yaml'}"])
    with LocalEngine(workers) as engine:
        build_dataset(recipe, [root / "songs"], root / "data", engine=engine)
    return Dataset(root / "data")


def rows(data: Dataset, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data.query(sql).to_arrow_table().to_pylist()
    return found


def rack(*plugins: str, extra: str = "") -> str:
    wanted = "".join(f"  - {{name: {Path(path).stem.lower()}, plugin: {path}, weight: 1000}}\n" for path in plugins)
    return f"name: own\nabout: plug-ins first\ninstruments:\n{wanted}  - {{name: font, font: auto, weight: 0.001}}\n{extra}"


def test_a_plug_in_plays_the_parts_and_the_record_says_how(tmp_path: Path, build: Build, pedalboard: str) -> None:
    good = build("Good")
    text = rack(good.path).replace("weight: 1000", "weight: 1000, parameters: {decay: [0.2, 0.4]}")
    data = built(tmp_path, text)
    for stem in rows(data, "SELECT * FROM stems"):
        patch = render.Patch.from_json(stem["patch"])
        assert (patch.sound.engine, patch.sound.sha256) == (pedalboard, good.sha256)
        assert 0.2 <= patch.sound.parameters["decay"] <= 0.4
        assert (stem["repeatable"], stem["instead_of"], stem["silent"]) == (False, [], False)
        with render.Player(render.read_rack(str(tmp_path / "rack.yaml")), 22050) as player:
            again = player.again(data.media.read(stem["midi"]), Variation(), 0, patch, "plucked").audio
        stored, _ = render.decode(data.media.path(stem["audio"]))
        heard = stored * render.gain(stem["stored_gain_db"])
        assert np.abs(again - heard).max() < 2e-4


def test_plug_ins_that_crash_hang_or_are_silent_cost_their_attempt_and_are_named(
    tmp_path: Path, build: Build, pedalboard: str
) -> None:
    bad = {name.lower(): build(name) for name in ("Stillborn", "Hanger", "Silent")}
    data = built(tmp_path, rack(*(one.path for one in bad.values())), songs=2, workers=2)
    reasons = {"stillborn": "plugin_crashed", "hanger": "plugin_hung", "silent": "plugin_silent"}
    stems = rows(data, "SELECT * FROM stems")
    assert len(rows(data, "SELECT id FROM mixes")) == 2
    for stem in stems:
        assert render.Patch.from_json(stem["patch"]).instrument == "font"
        told = {line.partition(": ")[0]: line for line in stem["instead_of"]}
        assert set(told) == set(reasons)
        for name, reason in reasons.items():
            assert told[name].startswith(f"{name}: {reason}: ")
    # The first story of each is everybody's: no row depends on which of them met the plug-in first.
    assert len({line for stem in stems for line in stem["instead_of"]}) == 3
    kept = Quarantine.of_this_machine()
    told = {name: json.loads((kept.folder / f"{one.sha256}.json").read_text())["reason"] for name, one in bad.items()}
    assert told == {"stillborn": "plugin_crashed", "hanger": "plugin_hung", "silent": ""}


def test_captions_go_by_what_a_rack_says_it_sounds_like(tmp_path: Path, build: Build, pedalboard: str) -> None:
    text = rack(build("Good").path).replace("weight: 1000", "weight: 1000, for: {drums: false}, sounds_like: 80")
    data = built(tmp_path, text)
    for clip in rows(data, "SELECT instruments FROM clips"):
        assert clip["instruments"] == ["square-wave lead", "drums"]


def test_an_effect_that_crashes_is_left_out_and_named(tmp_path: Path, build: Build, pedalboard: str) -> None:
    effects = f"effects:\n  - always:\n      - {{plugin: {build('Stillborn').path}}}\n      - {{effect: reverb}}\n"
    data = built(tmp_path, rack(extra=effects))
    for stem in rows(data, "SELECT * FROM stems"):
        assert stem["effects"] == ["reverb"]
        (told,) = stem["instead_of"]
        assert "plugin_crashed" in told


def test_real_effects_are_heard_and_recorded(tmp_path: Path, pedalboard: str) -> None:
    zam = Path("/usr/lib/vst3/ZamDelay.vst3")
    if not zam.exists():
        pytest.skip(f"no {zam}: apt install zam-plugins")
    data = built(tmp_path, rack(extra=f"effects:\n  - always: [{{plugin: {zam}}}]\n"))
    for stem in rows(data, "SELECT * FROM stems"):
        (effect,) = render.Patch.from_json(stem["patch"]).effects
        assert (effect.file, effect.engine, stem["instead_of"]) == (zam.stem, pedalboard, [])
    assert [one["faults"] for one in rows(data, "SELECT * FROM audio_checks") if one["faults"]] == []
