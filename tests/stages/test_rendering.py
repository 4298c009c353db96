"""Stems and mixes as a rack and the settings have them: takes, formats, instruments that fail, stems with faults."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motet import Dataset, UserError, midi, render
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.midi import song

SHORT = ["render_stems.rate=16000", "segment.shortest=3", "segment.target=5", "segment.longest=9"]


def built(root: Path, *settings: str, songs: int = 1, seed: int = 0) -> Dataset:
    folder = root / "songs"
    folder.mkdir(exist_ok=True)
    for number in range(songs):
        (folder / f"{number}.mid").write_bytes(song(4 + number, bars=6))
    with LocalEngine(1) as engine:
        build(load("text-to-music").changed([*SHORT, *settings]), [folder], root / "data", engine=engine, seed=seed)
    return Dataset(root / "data")


def rows(data: Dataset, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data.query(sql).to_arrow_table().to_pylist()
    return found


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("takes")
    return built(root, "render_stems.takes=3", "render_stems.transpose=5", "render_stems.tempo=0.2", seed=3)


def test_every_take_has_a_mix_and_clips_of_its_own(takes: Dataset) -> None:
    assert [mix["take"] for mix in rows(takes, "SELECT take FROM mixes ORDER BY id")] == [0, 1, 2]
    assert {clip["take"] for clip in rows(takes, "SELECT take FROM clips")} == {0, 1, 2}
    assert len({mix["audio"] for mix in rows(takes, "SELECT audio FROM mixes")}) == 3


def test_the_first_take_is_the_song_as_written_and_all_parts_share_the_others(takes: Dataset) -> None:
    found = {(s["take"], s["transpose"], s["speed"]) for s in rows(takes, "SELECT take, transpose, speed FROM stems")}
    assert len(found) == 3
    assert (0, 0, 1.0) in found
    for take, transpose, speed in found:
        assert abs(transpose) <= 5
        assert 1 / 1.2 <= speed <= 1.2
        assert take == 0 or speed != 1


def test_a_stem_keeps_the_midi_it_was_played_from(takes: Dataset) -> None:
    sql = "SELECT s.*, p.midi AS written, p.is_drum FROM stems s JOIN parts p ON p.source = s.source AND p.index = s.index"
    for stem in rows(takes, sql):
        before, after = midi.read(takes.media.read(stem["written"])), midi.read(takes.media.read(stem["midi"]))
        shift = 0 if stem["is_drum"] else stem["transpose"]
        assert (after.notes["pitch"].astype(int) - before.notes["pitch"] == shift).all()
        assert after.duration * stem["speed"] == pytest.approx(before.duration, rel=1e-4)


def test_a_clips_facts_are_those_of_its_take(takes: Dataset) -> None:
    clips = rows(takes, "SELECT c.*, m.speed FROM clips c JOIN mixes m ON m.source = c.source AND m.take = c.take")
    (plain,) = {clip["tempo"] for clip in clips if clip["take"] == 0}
    for clip in clips:
        assert clip["tempo"] == pytest.approx(plain * clip["speed"], rel=1e-3)
        lasts = (clip["end_frame"] - clip["start_frame"]) / clip["rate"]
        assert lasts == pytest.approx(clip["end"] - clip["start"], abs=2 / clip["rate"])


def test_one_take_more_renders_none_of_the_others_anew(takes: Dataset, tmp_path: Path) -> None:
    fewer = built(tmp_path, "render_stems.takes=2", "render_stems.transpose=5", "render_stems.tempo=0.2", seed=3)
    audio = {(s["index"], s["take"]): s["audio"] for s in rows(takes, "SELECT index, take, audio FROM stems")}
    for stem in rows(fewer, "SELECT index, take, audio FROM stems"):
        assert audio[stem["index"], stem["take"]] == stem["audio"]


def test_mono_files_of_another_format(tmp_path: Path) -> None:
    data = built(tmp_path, "render_stems.channels=1", "render_stems.format=wav", "mix_stems.format=mp3")
    (mix,) = rows(data, "SELECT * FROM mixes")
    assert Path(mix["audio"]).suffix == ".mp3"
    audio, rate = render.decode(data.media.path(mix["audio"]))
    assert (audio.shape, rate) == ((mix["frames"], 1), 16000)
    total = np.zeros((mix["frames"], 1))
    for stem, gain in zip(rows(data, "SELECT * FROM stems ORDER BY index"), mix["stem_gains_db"], strict=True):
        assert Path(stem["audio"]).suffix == ".wav"
        sound, _ = render.decode(data.media.path(stem["audio"]))
        total[: len(sound)] += sound * 10 ** (gain / 20)
    assert np.corrcoef(total[:, 0], audio[:, 0])[0, 1] > 0.99  # an MP3 is near the sum, and begins where it does


def test_a_rate_that_a_format_does_not_know_is_told_before_work_begins(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="opus holds sample rates of 8000"):
        built(tmp_path, "render_stems.rate=44100", "render_stems.format=opus")


RACK = """
name: own
about: a sound that the font lacks, and one that it has
instruments:
  - {name: nowhere, font: auto, bank: 77, program: 3, weight: 1000}
  - {name: general-midi, font: auto, weight: 0.001}
"""


def test_an_instrument_that_cannot_play_makes_way_for_the_next_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(RACK)
    data = built(tmp_path, f"render_stems.rack={tmp_path / 'own.yaml'}")
    for stem in rows(data, "SELECT * FROM stems"):
        assert render.Patch.from_json(stem["patch"]).instrument == "general-midi"
        (said,) = stem["instead_of"]
        assert said.startswith("nowhere: no_preset: ")
        assert "no program 3 in bank 77" in said


def test_a_rack_without_an_instrument_for_a_part_drops_it_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "drums.yaml").write_text(
        "name: drums\nabout: only drums\ninstruments:\n  - {name: kit, for: {drums: true}, font: auto}\n"
    )
    data = built(tmp_path, f"render_stems.rack={tmp_path / 'drums.yaml'}", "mix_stems.missing=go_on")
    lines = rows(data, "SELECT * FROM work WHERE stage = 'render_stems' AND status = 'dropped'")
    assert {line["reason"] for line in lines} == {"no_instrument"}
    (mix,) = rows(data, "SELECT * FROM mixes")
    assert len(mix["missing_stems"]) == len(lines) > 0


def test_a_rack_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no rack 'studoi'.*studio"):
        built(tmp_path, "render_stems.rack=studoi")


def test_stems_with_faults_may_be_left_out_of_the_mix(tmp_path: Path) -> None:
    """A volume of zero is a stem that plays notes and is not heard."""
    folder = tmp_path / "songs"
    folder.mkdir()
    loud, muted = song(2, bars=6), _muted(song(2, bars=6))
    (folder / "loud.mid").write_bytes(loud)
    (folder / "muted.mid").write_bytes(muted)
    data = built(tmp_path, "mix_stems.faulty=leave_out", songs=0)
    (silent,) = rows(data, "SELECT * FROM audio_checks WHERE len(faults) > 0")
    assert silent["faults"] == ["silent"]
    (mix,) = rows(data, f"SELECT * FROM mixes WHERE source = '{silent['source']}'")
    assert mix["missing_stems"] == [silent["index"]]
    assert silent["index"] not in mix["stem_indices"]


def _muted(data: bytes) -> bytes:
    """The same song with the first part's volume at 0, and its notes a little other, so that it is no duplicate."""
    from motet.midi.events import CONTROL, NOTE_ON, Events, parse, write

    told = parse(midi.vary(data, midi.Variation(transpose=2, speed=0.8), random.Random(0)))
    (first,) = [n for n, track in enumerate(told.tracks) if any(s & 0xF0 == NOTE_ON for _, s, _ in track)][:1]
    channel = next(s & 15 for _, s, _ in told.tracks[first] if s & 0xF0 == NOTE_ON)
    tracks = list(told.tracks)
    tracks[first] = [(0, CONTROL | channel, bytes((7, 0))), *tracks[first]]
    return write(Events(told.format, told.division, tracks))


def test_a_stem_row_tells_what_a_rack_drew(tmp_path: Path) -> None:
    pytest.importorskip("pedalboard", reason='pedalboard is not installed: pip install "motet[effects]"')
    data = built(tmp_path, "render_stems.rack=studio", seed=5)
    stems = rows(data, "SELECT * FROM stems")
    assert any(stem["effects"] for stem in stems)
    with render.Player(render.read_rack("studio"), 16000) as player:
        for stem in stems:
            patch = render.Patch.from_json(stem["patch"])
            assert [effect.name for effect in patch.effects] == stem["effects"]
            again = player.again(data.media.read(stem["midi"]), midi.Variation(), 0, patch, "plucked")
            assert data.media.read(stem["audio"]) == render.encode(again.audio, 16000, gain_db=-stem["stored_gain_db"])
    told = {effect for clip in rows(data, "SELECT record FROM clips") for one in json.loads(clip["record"]).get("effects", [])
            for effect in one["effects"]}  # fmt: skip
    assert told <= {effect for stem in stems for effect in stem["effects"]}


def test_a_synth_that_cannot_be_used_here_stops_the_build_and_costs_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a read-only installation of a user without a home. Once that is mended, the next build asks again."""
    with monkeypatch.context() as barred:
        barred.setenv("NUMBA_CACHE_LOCATOR_CLASSES", "UserProvidedCacheLocator")
        barred.delenv("NUMBA_CACHE_DIR", raising=False)
        with pytest.raises(UserError, match="name one in the environment variable NUMBA_CACHE_DIR"):
            built(tmp_path)
    assert rows(built(tmp_path), "SELECT count(*) AS n FROM mixes") == [{"n": 1}]
