"""The commands render and rack, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from motet import midi, render
from motet.cli import main
from toys.midi import song


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "song.mid"
    path.write_bytes(song(3, bars=4))
    return path


def sound(path: Path) -> np.ndarray:
    return render.decode(path)[0].astype(np.float64)


def test_a_folder_gets_mix_stems_and_record_and_the_stems_sum_to_the_mix(file: Path, tmp_path: Path) -> None:
    assert main(["render", str(file), "--to", str(tmp_path / "out"), "--stems"]) == 0
    record = json.loads((tmp_path / "out" / "render.json").read_text())
    (take,) = record["takes"]
    mix = sound(tmp_path / "out" / "mix.flac")
    total = np.zeros_like(mix)
    for stem in take["stems"]:
        heard = sound(tmp_path / "out" / stem["file"])
        total[: len(heard)] += heard * 10 ** (stem["gain_db"] / 20)
        assert (tmp_path / "out" / stem["file"]).with_suffix(".mid").is_file()
    assert 20 * np.log10(np.sqrt(np.mean((mix - total) ** 2))) <= -80
    assert np.abs(mix).max() > 0.05
    assert take["mix"]["lufs"] == pytest.approx(
        render.integrated_loudness(render.decode(tmp_path / "out" / "mix.flac")[0], 44100), abs=0.05
    )


def test_a_record_plays_the_same_again(file: Path, tmp_path: Path) -> None:
    several = ["--takes", "2", "--transpose", "4", "--tempo", "0.2", "--seed", "5"]
    assert main(["render", str(file), "--to", str(tmp_path / "a"), *several]) == 0
    assert main(["render", str(file), "--to", str(tmp_path / "b"), "--record", str(tmp_path / "a" / "render.json")]) == 0
    for name in ("mix 0.flac", "mix 1.flac"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "mix 0.flac").read_bytes() != (tmp_path / "a" / "mix 1.flac").read_bytes()


def test_one_file_of_another_format_in_mono(file: Path, tmp_path: Path) -> None:
    assert main(["render", str(file), "--to", str(tmp_path / "song.ogg"), "--mono", "--rate", "32000"]) == 0
    audio, rate = render.decode(tmp_path / "song.ogg")
    assert (rate, audio.shape[1]) == (32000, 1)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--to", "out.flac", "--stems"], "name a folder"),
        (["--to", "out.flac", "--takes", "2"], "name a folder"),
        (["--to", "out.flac", "--format", "mp3"], "no mp3 file"),
        (["--to", "out", "--rack", "nothing"], "There is no rack 'nothing'"),
        (["--to", "out", "--rack", "missing.yaml"], "cannot be read"),
        (["--to", "out", "--font", "missing.sf2"], "there is no SoundFont"),
        (["--to", "out", "--synth", "moog"], "there is no synth 'moog'"),
        (["--to", "out", "--tempo", "3"], "a share of 0 to 0.5"),
        (["--to", "out", "--rate", "11"], "11 Hz"),
        (["--to", "out", "--format", "opus"], "opus holds sample rates"),
        (["--to", "out", "--record", "song.mid"], "is no record of a rendering"),
    ],
)
def test_a_mistake_is_one_sentence_and_writes_nothing(
    file: Path, arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(file.parent)
    assert main(["render", str(file), *arguments]) in (1, 2)
    told = capsys.readouterr()
    assert sentence in told.err
    assert told.err.startswith("motet: ")
    assert told.err.count("\n") == 1
    assert sorted(path.name for path in file.parent.iterdir()) == ["song.mid"]


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"MThd", midi.__doc__.encode()])  # type: ignore[union-attr]
def test_what_is_no_music_is_one_sentence(content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.mid").write_bytes(content)
    assert main(["render", str(tmp_path / "bad.mid"), "--to", str(tmp_path / "out")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_racks_are_listed_shown_and_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rack", "show", "--json"]) == 0
    assert {"default", "studio"} <= set(json.loads(capsys.readouterr().out))
    rack = tmp_path / "own.yaml"
    rack.write_text(
        "name: own\nabout: a flute, and what no font has\ninstruments:\n"
        "  - {name: flute, for: {programs: [73]}, font: auto}\n  - {name: nowhere, font: auto, bank: 99, program: 1}\n"
    )
    assert main(["rack", "check", str(rack), "--json"]) == 1
    found = {trial["instrument"]: trial for trial in json.loads(capsys.readouterr().out)}
    assert found["flute"]["faults"] == []
    assert [fault["reason"] for fault in found["nowhere"]["faults"]] == ["no_preset"]


def test_a_record_keeps_what_was_asked_for(file: Path, tmp_path: Path) -> None:
    asked = ["--rate", "16000", "--mono", "--format", "wav", "--lufs", "-30"]
    assert main(["render", str(file), "--to", str(tmp_path / "a"), *asked]) == 0
    assert main(["render", str(file), "--to", str(tmp_path / "b"), "--record", str(tmp_path / "a" / "render.json")]) == 0
    assert (tmp_path / "a" / "mix.wav").read_bytes() == (tmp_path / "b" / "mix.wav").read_bytes()


def test_a_folder_is_only_taken_over_from_an_earlier_rendering(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["render", str(file), "--to", str(out), "--takes", "2", "--stems"]) == 0
    assert main(["render", str(file), "--to", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["mix.flac", "render.json"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letters.txt").write_text("dear")
    assert main(["render", str(file), "--to", str(tmp_path / "mine")]) == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letters.txt"]


@pytest.mark.parametrize(
    "place, value",
    [
        (("rate",), 1e12),
        (("format",), "../../x"),
        (("takes",), []),
        (("takes", 0, "transpose"), 1000),
        (("takes", 0, "stems", 0, "variation", "speed"), 0.0),
        (("takes", 0, "stems", 0, "variation", "speed"), float("inf")),
        (("takes", 0, "stems", 0, "patch", "pan"), "left"),
        (("takes", 0, "stems", 0, "patch", "gain_db"), 1e9),
        (("takes", 0, "stems", 0, "patch", "sound", "sha256"), "0" * 64),
        (("sha256",), "0" * 64),
    ],
)
def test_a_record_that_was_meddled_with_is_one_sentence(
    file: Path, tmp_path: Path, place: tuple[str | int, ...], value: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["render", str(file), "--to", str(tmp_path / "a")]) == 0
    record = json.loads((tmp_path / "a" / "render.json").read_text())
    inner = record
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    (tmp_path / "bad.json").write_text(json.dumps(record))
    capsys.readouterr()
    assert main(["render", str(file), "--to", str(tmp_path / "b"), "--record", str(tmp_path / "bad.json")]) in (1, 2)
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "b" / "mix.flac").exists()
