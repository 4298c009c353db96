"""`motet midi facts`, `sections` and `split`: looking into one file, as a user does."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from motet import demo, midi
from motet.cli import main
from motet.midi.events import Events, write


@pytest.fixture(scope="module")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tunes")
    demo.write(folder)
    return folder


@pytest.fixture
def ode(tunes: Path) -> Path:
    return next(tunes.glob("*/Ode to Joy.mid"))


def told(capsys: pytest.CaptureFixture[str], *words: object) -> Any:
    assert main(["midi", *map(str, words), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str]:
    code = main(["midi", *map(str, words)])
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("motet: ")
    assert err.count("\n") == 1, "one sentence"
    return code, err


def test_facts_of_a_tune(ode: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = told(capsys, "facts", ode)
    assert (facts["key"]["name"], facts["metre"]["numerator"], facts["metre"]["denominator"]) == ("D major", 4, 4)
    assert facts["chords"][0]["symbol"] == "D"
    assert facts["chords"][-1]["end"] == facts["end"] == pytest.approx(facts["seconds"], abs=1e-5)
    assert {one["role"] for one in facts["instruments"]} >= {"bass", "drums", "melody"}
    assert "Violins" in facts["words"]["track_names"]
    assert main(["midi", "facts", str(ode)]) == 0
    said = capsys.readouterr().out
    assert "D major" in said
    assert "double bass" in said


def test_facts_of_a_clip_are_those_of_the_clip(ode: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = told(capsys, "facts", ode, "--from", 0, "--to", 10)
    assert clip["seconds"] == pytest.approx(10, abs=0.01)
    assert clip["texture"]["notes"] < told(capsys, "facts", ode)["texture"]["notes"]
    assert clip["sections"] == []


def test_sections_have_the_names_and_units_that_services_gave(ode: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = told(capsys, "sections", ode)
    assert 0 <= song["energy"] <= 1
    assert set(song["estimated"]) == {"loudness", "energy", "acousticness"}
    sections = song["sections"]
    assert len(sections) > 1
    for one, following in pairwise(sections):
        assert one["start"] + one["duration"] == pytest.approx(following["start"], abs=0.01)
    first = sections[0]
    assert first.keys() - {"label", "label_confidence"} == {
        "start", "duration", "confidence", "loudness", "tempo", "tempo_confidence", "key", "key_confidence", "mode",
        "mode_confidence", "time_signature", "time_signature_confidence",
    }  # fmt: skip
    assert (first["key"], first["mode"], first["time_signature"]) == (2, 1, 4)
    assert sections[-1]["start"] + sections[-1]["duration"] == pytest.approx(song["duration"], abs=0.01)


def test_split_writes_a_file_per_instrument(ode: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = told(capsys, "split", ode, "--to", tmp_path / "parts")
    written = sorted((tmp_path / "parts").iterdir())
    assert [Path(part["file"]) for part in result["parts"]] == written
    notes = sum(len(midi.read(path.read_bytes()).notes) for path in written)
    assert notes == len(midi.read(ode.read_bytes()).notes)
    assert result["left_out"] == [
        {"track": 0, "channel": None, "program": None, "name": "Ode to Joy", "reason": "no notes"},
    ]
    again = told(capsys, "split", ode, "--to", tmp_path / "parts")
    assert again == result


def test_split_by_family_makes_fewer_files(ode: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = told(capsys, "split", ode, "--to", tmp_path / "alone")
    merged = told(capsys, "split", ode, "--to", tmp_path / "merged", "--merge", "family")
    assert len(merged["parts"]) < len(alone["parts"])
    assert sum(part["notes"] for part in merged["parts"]) == sum(part["notes"] for part in alone["parts"])


def test_split_writes_beside_nothing_else(ode: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    code, said = refused(capsys, "split", ode, "--to", tmp_path)
    assert code == 2
    assert "thesis.txt" in said


@pytest.mark.parametrize("command", ["facts", "sections", "split"])
@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"", "empty_file"), (b"<html><body>404", "html_page"), (b"MThd\0\0\0\6\0\1\0\1\0\0MTrk\0\0\0\0", "bad_division")],
)
def test_what_is_no_midi_is_refused_by_name(
    command: str, data: bytes, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "song.mid").write_bytes(data)
    code, said = refused(capsys, command, tmp_path / "song.mid")
    assert (code, reason in said) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["song.mid"]


def test_mistakes_are_told_with_the_fix(ode: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "facts", tmp_path / "none.mid")[0] == 2
    assert "is no clip" in refused(capsys, "facts", ode, "--from", "900")[1]
    assert refused(capsys, "facts", tmp_path)[0] == 2
    (tmp_path / "silent.mid").write_bytes(write(Events(1, 480, [[]])))
    for command in ("facts", "sections"):
        assert "no notes" in refused(capsys, command, tmp_path / "silent.mid")[1]


def test_pipes_and_devices_are_no_midi(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.mid")
    for file in (tmp_path / "pipe.mid", Path("/dev/zero")):
        assert "pipe or a device" in refused(capsys, "facts", file)[1]


def test_a_split_that_was_killed_goes_on(ode: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = Path(told(capsys, "split", ode, "--to", tmp_path / "parts")["parts"][0]["file"]).name
    left = tmp_path / "parts" / f".{name}.4711.tmp"
    left.write_bytes(b"MThd half of it")
    told(capsys, "split", ode, "--to", tmp_path / "parts")
    assert not left.exists()


def test_names_do_nothing_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = b"\x03\x1b[31mred\nnext\0[bold]"
    track = [(0, 0xFF, name), *((tick, 0x90, bytes((60 + tick // 480, 80 * (tick % 480 == 0)))) for tick in range(0, 4800, 240))]
    track = [(tick, status, bytes((60 + tick // 480, data[1])) if status == 0x90 else data) for tick, status, data in track]
    (tmp_path / "red.mid").write_bytes(write(Events(1, 480, [track])))
    assert main(["midi", "facts", str(tmp_path / "red.mid")]) == 0
    assert "\x1b[31m" not in capsys.readouterr().out
    assert "\x1b" not in refused(capsys, "facts", "\x1b[31mnone.mid")[1]


def test_a_terminal_that_knows_no_unicode_gets_question_marks(ode: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "motet.cli", "midi", "facts", str(ode)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_unnamed_silent_tracks_are_told(ode: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plays = [(0, 0x90, b"\x3c\x40"), (480, 0x80, b"\x3c\x00")]
    endless, soundless = [(0, 0x91, b"\x3c\x40")], [(0, 0x92, b"\x3c\x00")]
    (tmp_path / "song.mid").write_bytes(write(Events(1, 480, [plays, endless, soundless])))
    left = told(capsys, "split", tmp_path / "song.mid")["left_out"]
    assert [one["reason"] for one in left] == ["no note ends", "all notes at velocity 0"]


def test_nothing_can_be_described_of_a_moment() -> None:
    score = midi.read(write(Events(1, 480, [[]])))
    found = midi.describe(midi.Passage.whole(score))
    assert (found.key, found.tap, list(found.chords), found.texture.notes) == (None, None, [], 0)
    assert midi.describe_sections(midi.Passage.whole(score), found) == []
