"""The layout of Slakh2100, walked through as its loaders do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pretty_midi
import pytest
import soundfile
import yaml

from motet import render
from motet.errors import UserError
from motet.export import slakh
from motet.export.example import Choice, Example, Examples, Fault, Sound
from toys.examples import RATE, examples, sound, wave

SONGS = 7


def songs(count: int = SONGS, **how: bool) -> Examples:
    return examples(count, whole=True, **how)


def changed(change: Callable[[Example], Example], count: int = SONGS) -> Examples:
    """Toy songs of which the first is changed."""
    one, *others = songs(count)()
    return lambda: iter([change(one), *others])


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rules(faults: Iterable[Fault]) -> set[str]:
    return {fault.rule for fault in faults}


def raw(samples: np.ndarray, rate: int = RATE) -> Sound:
    return Sound(rate, samples.shape[1], len(samples), lambda: samples)


def walked(folder: Path) -> list[dict[str, Any]]:
    """Every track as mirdata sees it: the split from the path, the facts of each stem from the metadata."""
    found = []
    for metadata in sorted(folder.glob("*/Track*/metadata.yaml")):
        with metadata.open(encoding="ascii") as file:
            told = yaml.safe_load(file)
        place = metadata.parent
        mix, rate = soundfile.read(place / "mix.flac", dtype="float32", always_2d=True)
        stems = {}
        for name, facts in told["stems"].items():
            if facts["audio_rendered"]:
                audio, own = soundfile.read(place / "stems" / f"{name}.flac", dtype="float32", always_2d=True)
                assert own == rate
                facts["audio"] = audio
            if facts["midi_saved"]:
                facts["midi"] = pretty_midi.PrettyMIDI(str(place / "MIDI" / f"{name}.mid"))
            stems[name] = facts
        whole = pretty_midi.PrettyMIDI(str(place / "all_src.mid"))
        found.append({**told, "split": place.parent.name, "track": place.name, "mix": mix, "stems": stems, "midi": whole})
    return found


def first(folder: Path) -> dict[str, Any]:
    return next(one for one in walked(folder) if one["track"] == "Track00001")


def test_loaders_find_every_track_with_its_stems(tmp_path: Path) -> None:
    written = slakh.write(songs(), tmp_path, Choice())
    assert written.files == sorted(held(tmp_path))
    assert slakh.check(tmp_path) == []
    tracks = {track["UUID"]: track for track in walked(tmp_path)}
    assert sorted(track["track"] for track in tracks.values()) == [f"Track0000{n}" for n in range(1, 8)]
    for one in songs()():
        track = tracks[one.song]
        assert (track["split"], track["lmd_midi_dir"], track["captions"]) == (one.split, one.path, [one.captions[0]])
        assert track["midi_dir"] == f"{track['track']}/MIDI"
        assert len(track["midi"].instruments) == 3
        for stem, facts in zip(one.stems, track["stems"].values(), strict=True):
            assert facts["program_num"] == stem.program
            assert facts["midi_program_name"] == pretty_midi.program_to_instrument_name(stem.program)
            assert (facts["plugin_name"], facts["is_drum"]) == ("toy.sf2", False)
            assert facts["midi"].instruments[0].program == stem.program
            assert facts["integrated_loudness"] == pytest.approx(render.integrated_loudness(facts["audio"], RATE), abs=0.001)


def test_submixes_of_the_stems_add_up_to_the_mix(tmp_path: Path) -> None:
    slakh.write(songs(), tmp_path, Choice())
    for track in walked(tmp_path):
        total = sum(facts["audio"] for facts in track["stems"].values())
        assert np.abs(total - track["mix"]).max() < 4 / 32768


def test_a_mix_that_is_the_sum_is_kept_and_a_mastered_one_is_not(tmp_path: Path) -> None:
    def own(one: Example) -> Example:
        stems = [stem.sound.samples() for stem in one.stems if stem.sound]
        return replace(one, mix=raw(np.asarray(sum(stems), np.float32)))

    assert slakh.write(lambda: map(own, songs()()), tmp_path / "sums", Choice()).remarks == []
    mastered = slakh.write(songs(), tmp_path / "mastered", Choice())
    assert mastered.remarks == [f"{SONGS} songs without a mix that is the sum of the stems: the sum was written as theirs."]
    assert held(tmp_path / "sums") == held(tmp_path / "mastered")


def test_stems_too_loud_together_are_all_lowered(tmp_path: Path) -> None:
    def loud(one: Example) -> Example:
        return replace(one, stems=tuple(replace(stem, sound=raw(wave(220.0) * 2.4)) for stem in one.stems))

    written = slakh.write(changed(loud), tmp_path, Choice())
    assert "1 song lowered, so that the sum of the stems stays under full scale." in written.remarks
    assert slakh.check(tmp_path) == []
    track = first(tmp_path)
    assert track["overall_gain"] == pytest.approx(1 / (2 * 2.4 * float(np.abs(wave(220.0)).max())), rel=0.001)
    assert np.abs(track["mix"]).max() == pytest.approx(1, abs=0.001)


def test_stems_of_other_lengths_and_rates_are_fitted_to_the_mix(tmp_path: Path) -> None:
    def uneven(one: Example) -> Example:
        melody, bass = one.stems
        short, other = raw(wave(220.0)[:9000, :1]), raw(wave(330.0)[: RATE // 2], RATE // 2)
        return replace(one, stems=(replace(melody, sound=short), replace(bass, sound=other)))

    slakh.write(changed(uneven), tmp_path, Choice())
    assert slakh.check(tmp_path) == []
    track = first(tmp_path)
    assert {facts["audio"].shape for facts in track["stems"].values()} == {track["mix"].shape} == {(RATE, 2)}


@pytest.mark.parametrize("choice", [Choice(audio="wav"), Choice(rate=22050, channels=1), Choice(audio="flac", rate=8000)])
def test_format_rate_and_channels_are_as_chosen(choice: Choice, tmp_path: Path) -> None:
    slakh.write(songs(3), tmp_path, choice)
    assert slakh.check(tmp_path) == []
    for path in tmp_path.glob(f"*/*/**/*.{choice.audio or 'flac'}"):
        about = soundfile.info(path)
        assert (about.samplerate, about.channels) == (choice.rate or RATE, choice.channels or 2)


def test_drums_silence_and_what_nobody_rendered(tmp_path: Path) -> None:
    def various(one: Example) -> Example:
        melody, bass = one.stems
        drums = replace(melody, is_drum=True, program=0, sound=sound(220.0))
        silent = replace(bass, index=1, sound=raw(np.zeros((2 * RATE, 2), np.float32)))
        unheard = replace(bass, index=2, name="unheard", sound=None, midi=None, program=None, played_by="")
        return replace(one, stems=(drums, silent, unheard))

    slakh.write(changed(various), tmp_path, Choice())
    assert slakh.check(tmp_path) == []
    drums, silent, unheard = first(tmp_path)["stems"].values()
    assert (drums["program_num"], drums["inst_class"], drums["midi_program_name"]) == (128, "Drums", "Drums")
    assert "integrated_loudness" not in silent
    assert (unheard["audio_rendered"], unheard["midi_saved"], unheard["plugin_name"]) == (False, False, "None")


def test_songs_without_midi_or_stems_are_left_out_and_numbers_close_up(tmp_path: Path) -> None:
    def some() -> Iterable[Example]:
        one, other, *others = songs()()
        return iter([replace(one, midi=None), replace(other, stems=()), *others])

    written = slakh.write(some, tmp_path, Choice())
    assert "1 song without MIDI: left out." in written.remarks
    assert "1 song without a sounding stem: left out." in written.remarks
    assert sorted(path.name for path in tmp_path.glob("*/*")) == [f"Track0000{n}" for n in range(1, SONGS - 1)]
    with pytest.raises(UserError, match="No song has MIDI and a sounding stem"):
        slakh.write(lambda: (replace(one, stems=()) for one in songs()()), tmp_path / "none", Choice())
    with pytest.raises(UserError, match="choose flac or wav"):
        slakh.write(songs(), tmp_path / "lossy", Choice(audio="mp3"))


def test_texts_of_any_kind_are_read_back_from_ascii(tmp_path: Path) -> None:
    awkward = "a: 'b' \"c\" # d\n- {e} \ud800 \0 \x85 ünïcode 🎵 " + "long " * 5000
    slakh.write(changed(lambda one: replace(one, title=awkward, path=awkward, captions=(awkward,))), tmp_path, Choice())
    assert slakh.check(tmp_path) == []
    track = first(tmp_path)
    shown = awkward.replace("\ud800", "?").replace("\0", " ")
    assert (track["title"], track["lmd_midi_dir"], track["captions"]) == (shown, shown, [shown])


def test_a_stopped_export_goes_on_and_equal_songs_give_equal_bytes(tmp_path: Path) -> None:
    slakh.write(songs(), tmp_path / "undisturbed", Choice())
    asked: list[str] = []

    def watched(stop: bool) -> Examples:
        def of(one: Example) -> Callable[[], bytes]:
            def give() -> bytes:
                if stop and one.split == "test":
                    raise KeyboardInterrupt
                asked.append(one.split)
                return one.midi() if one.midi else b""

            return give

        return lambda: (replace(one, midi=of(one)) for one in songs(stored=False)())

    with pytest.raises(KeyboardInterrupt):
        slakh.write(watched(True), tmp_path / "stopped", Choice())
    asked.clear()
    slakh.write(watched(False), tmp_path / "stopped", Choice())
    assert set(asked) == {"test"}
    assert held(tmp_path / "stopped") == held(tmp_path / "undisturbed")


def retell(folder: Path, track: str, **change: Any) -> None:
    path = folder / track / "metadata.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **change}))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    slakh.write(songs(), tmp_path, Choice())
    return tmp_path


def test_missing_extra_and_damaged_files_are_found(written: Path) -> None:
    track = written / "train" / "Track00001"
    (track / "stems" / "S07.flac").write_bytes(b"")
    assert rules(slakh.check(written)) == {"extra"}
    (track / "stems" / "S07.flac").unlink()
    (track / "MIDI" / "S01.mid").write_bytes(b"MThd")
    assert rules(slakh.check(written)) == {"damaged"}
    (track / "MIDI" / "S01.mid").unlink()
    assert rules(slakh.check(written)) == {"missing"}
    slakh.write(songs(), written, Choice())
    whole = (track / "mix.flac").read_bytes()
    (track / "mix.flac").write_bytes(whole[: len(whole) // 2])
    assert rules(slakh.check(written)) == {"damaged"}
    (track / "mix.flac").unlink()
    assert "missing" in rules(slakh.check(written))


def test_a_mix_that_is_not_the_sum_is_found(written: Path) -> None:
    track = written / "train" / "Track00001"
    (track / "mix.flac").write_bytes(render.encode(wave(300.0), RATE, "flac"))
    assert rules(slakh.check(written)) == {"sum"}
    (track / "mix.flac").write_bytes(render.encode(wave(300.0)[:-1], RATE, "flac"))
    assert rules(slakh.check(written)) == {"count"}


def test_metadata_that_loaders_cannot_use_is_found(written: Path) -> None:
    told = yaml.safe_load((written / "train" / "Track00001" / "metadata.yaml").read_text())
    stems = told["stems"]
    for change, rule in (
        ({"UUID": yaml.safe_load((written / "test" / "Track00007" / "metadata.yaml").read_text())["UUID"]}, "leak"),
        ({"audio_dir": "stems"}, "metadata"),
        ({"overall_gain": None}, "metadata"),
        ({"stems": {}}, "damaged"),
        ({"stems": {"../S00": stems["S00"]}}, "damaged"),
        ({"stems": {**stems, "S00": {**stems["S00"], "program_num": 128}}}, "program"),
        ({"stems": {**stems, "S00": {**stems["S00"], "integrated_loudness": -40.0}}}, "loudness"),
    ):
        retell(written, "train/Track00001", **{**told, **change})
        assert rules(slakh.check(written)) == {rule}
    for text in ("[" * 10_000, "a: *b", "\x00", "ünïcode: 1", "!!python/object/apply:os.getcwd []"):
        (written / "train" / "Track00001" / "metadata.yaml").write_text(text, encoding="utf-8")
        assert rules(slakh.check(written)) == {"damaged"}


def test_tracks_that_loaders_do_not_see_are_found(written: Path) -> None:
    (written / "validation").rename(written / "valid")
    assert rules(slakh.check(written)) == {"split"}
    (written / "valid").rename(written / "validation")
    (written / "validation" / "Track00006").rename(written / "validation" / "track6")
    assert rules(slakh.check(written)) == {"extra"}
    assert rules(slakh.check(written / "nowhere")) == {"missing"}


@pytest.mark.shared
def test_our_metadata_has_every_field_of_the_real_one(shared: Path, written: Path) -> None:
    real = yaml.safe_load(next(shared.glob("midi/slakh-sample/*/train/Track*/metadata.yaml")).read_text())
    ours = yaml.safe_load((written / "train" / "Track00001" / "metadata.yaml").read_text())
    assert set(real) <= set(ours)
    assert set(real["stems"]["S00"]) <= set(ours["stems"]["S00"])
