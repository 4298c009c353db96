"""Sanitising: what audio and MIDI is not worth training on, with the figures that say why."""

import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from motet.errors import UserError
from motet.inventory.verifying.hashing import Hashes
from motet.inventory.verifying.sanitising import Finding, Sanitised, sanitise

RATE = 8000


def sound(path: Path, samples: np.ndarray, rate: int = RATE, **more: str) -> None:
    soundfile.write(path, samples, rate, **more)


def sine(seconds: float, level: float = 0.5) -> np.ndarray:
    return level * np.sin(np.arange(int(seconds * RATE)) / 7.3)


def midi(*pitches: int, ticks: int = 100, velocity: int = 64) -> bytes:
    events = b"".join(bytes([0, 0x90, p, velocity, ticks, 0x80, p, 0]) for p in pitches) + b"\0\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 100) + b"MTrk" + struct.pack(">I", len(events)) + events


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def told(found: Sanitised) -> dict[str, Finding]:
    """By name of the file; each file of these tests has one finding."""
    assert len({one.path for one in found.findings}) == len(found.findings)
    return {Path(one.path).name: one for one in found.findings}


def whats(found: Sanitised) -> dict[str, str]:
    return {name: one.what for name, one in told(found).items()}


def test_good_files_are_not_mentioned(folder: Path) -> None:
    sound(folder / "good.wav", sine(1))
    sound(folder / "good.flac", sine(1.5))
    sound(folder / "good.ogg", sine(2))
    sound(folder / "good.mp3", sine(2.5), 16000)
    (folder / "good.mid").write_bytes(midi(60, 62, 64))
    (folder / "notes.txt").write_text("not looked into")
    found = sanitise(str(folder))
    assert found.findings == ()
    assert (found.audio, found.midi, found.other) == (4, 1, 1)
    assert found.hours * 3600 == pytest.approx(1 + 1.5 + 2 + 1.25 + 1.5, abs=0.3)


def test_levels(folder: Path) -> None:
    sound(folder / "zeros.wav", np.zeros(RATE))
    sound(folder / "whisper.wav", sine(1, 10 ** (-75 / 20)), subtype="PCM_24")
    sound(folder / "soft.wav", sine(1, 10 ** (-65 / 20)), subtype="PCM_24")
    sound(folder / "direct.wav", np.full(RATE, 0.25))
    sound(folder / "loud.wav", sine(1, 0.999))
    sound(folder / "broken.wav", np.where(np.arange(RATE) == 500, np.nan, sine(1)), subtype="FLOAT")
    found = told(sanitise(str(folder)))
    assert {name: one.what for name, one in found.items()} == {
        "zeros.wav": "silent",
        "whisper.wav": "silent",
        "direct.wav": "constant",
        "broken.wav": "not_finite",
    }
    assert found["whisper.wav"].figure == pytest.approx(-75, abs=0.1)
    assert "-75.0 dBFS" in found["whisper.wav"].sentence
    assert found["direct.wav"].figure == pytest.approx(0.25, abs=1e-4)
    assert found["broken.wav"].figure == 1


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("frames", [1000, 1_000_000])
def test_clipping_is_counted_over_blocks_and_channels(folder: Path, subtype: str, frames: int) -> None:
    rng = np.random.default_rng(0)
    left, right = rng.uniform(-0.8, 0.8, (2, frames))
    runs = [(0, 3), (100, 2), (200, 5), (frames // 2, 1), (frames - 4, 4)]
    if frames > 1 << 18:
        runs.append(((1 << 17) - 2, 7))  # across the border of two blocks of stereo
    for at, length in runs:
        left[at : at + length] = 1
    right[300:303] = -1
    sound(folder / "clipped.wav", np.stack([left, right], axis=1), subtype=subtype)
    (finding,) = sanitise(str(folder)).findings
    long = [length for _, length in runs if length >= 3] + [3]
    assert finding.what == "clipped"
    assert finding.figure == pytest.approx(sum(long) / (2 * frames))
    assert finding.sentence.startswith(f"{sum(long)} of its samples")
    assert finding.sentence.endswith(f"in {len(long)} runs of 3 or more.")


def test_damage(folder: Path) -> None:
    for kind in ("wav", "flac"):
        path = folder / f"cut.{kind}"
        sound(path, np.random.default_rng(1).uniform(-0.5, 0.5, 8 * RATE))
        path.write_bytes(path.read_bytes()[:-40_000])
    (folder / "noise.mp3").write_bytes(os.urandom(20_000))
    (folder / "empty.wav").write_bytes(b"")
    sound(folder / "nothing.wav", np.zeros(0))
    (folder / "cut.mid").write_bytes(midi(60, 62, 64)[:-6])
    (folder / "noise.mid").write_bytes(os.urandom(1000))
    os.mkfifo(folder / "pipe.wav")
    (folder / "gone.wav").symlink_to("nowhere")
    assert whats(sanitise(str(folder))) == {
        "cut.wav": "truncated",
        "cut.flac": "truncated",
        "noise.mp3": "unreadable",
        "empty.wav": "unreadable",
        "nothing.wav": "unreadable",
        "cut.mid": "truncated",
        "noise.mid": "unreadable",
        "gone.wav": "unreadable",
    }


def test_songs_without_notes_and_very_short_ones(folder: Path) -> None:
    (folder / "none.mid").write_bytes(midi())
    (folder / "short.mid").write_bytes(midi(60, ticks=10))
    sound(folder / "short.wav", sine(0.05))
    found = sanitise(str(folder))
    assert whats(found) == {"none.mid": "silent", "short.mid": "very_short", "short.wav": "very_short"}
    assert told(found)["short.wav"].figure == pytest.approx(0.05)
    assert "short.wav" not in whats(sanitise(str(folder), shortest=0.01))


def test_the_same_again(folder: Path) -> None:
    for name in ("1.wav", "2.wav", "3.wav"):
        sound(folder / name, sine(1))
    sound(folder / "4.wav", sine(1, 0.4))
    (folder / "5.mid").write_bytes(midi(60, 64))
    (folder / "6.mid").write_bytes(midi(60, 64))
    (folder / "7.mid").write_bytes(midi(60, 64, velocity=99))
    (folder / "8.mid").write_bytes(midi(60, 65))
    found = told(sanitise(str(folder)))
    assert {name: (one.what, Path(one.same_as).name) for name, one in found.items()} == {
        "2.wav": ("duplicate", "1.wav"),
        "3.wav": ("duplicate", "1.wav"),
        "6.mid": ("duplicate", "5.mid"),
        "7.mid": ("same_notes", "5.mid"),
    }


def test_inside_archives_as_on_disk(folder: Path) -> None:
    files = {"a.wav": np.zeros(RATE), "b.wav": sine(1), "c.wav": sine(1)}
    for name, samples in files.items():
        sound(folder / name, samples)
    with zipfile.ZipFile(folder.parent / "all.zip", "w") as archive:
        for name in files:
            archive.write(folder / name, f"set/{name}")
        archive.writestr("other/d.wav", b"")
    packed = f"{folder.parent}/all.zip"
    expected = {"a.wav": "silent", "c.wav": "duplicate"}
    assert whats(sanitise(str(folder))) == expected
    assert whats(sanitise(f"{packed}!/set")) == expected
    assert whats(sanitise(packed)) == {**expected, "d.wav": "unreadable"}
    assert whats(sanitise([(f"{packed}!/set/a.wav", 1), (f"{packed}!/gone.wav", 1)])) == {
        "a.wav": "silent",
        "gone.wav": "unreadable",
    }


def test_an_archive_cut_short_is_told(folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("a.mid", midi(60))
    (folder / "a.zip").write_bytes((folder / "a.zip").read_bytes()[:-30])
    assert whats(sanitise(str(folder / "a.zip"))) == {"a.zip": "unreadable"}


def test_a_long_recording_is_read_in_blocks(folder: Path) -> None:
    with soundfile.SoundFile(folder / "long.flac", "w", RATE, 1) as file:
        for _ in range(60):
            file.write(np.zeros(60 * RATE, np.int16))
    found = sanitise(str(folder))
    assert whats(found) == {"long.flac": "silent"}
    assert found.hours == pytest.approx(1)


def test_hashes_are_taken_from_the_cache(folder: Path, tmp_path: Path) -> None:
    sound(folder / "1.wav", sine(1))
    sound(folder / "2.wav", sine(1))
    with Hashes(tmp_path, lambda: 1 << 62) as cache:
        first, second = (sanitise(str(folder), cache=cache) for _ in range(2))
    assert first.findings == second.findings
    assert first.counts == {"duplicate": 1}


def test_names_that_are_not_text(folder: Path) -> None:
    for name in (b"caf\xe9.wav", b"new\nline.wav"):
        sound(folder / "plain.wav", sine(1))
        os.rename(folder / "plain.wav", os.fsencode(folder) + b"/" + name)
    found = sanitise(str(folder))
    assert found.counts == {"duplicate": 1}
    assert "\n" not in found.findings[0].sentence
    found.findings[0].sentence.encode()


def test_nothing_there(folder: Path) -> None:
    assert sanitise(str(folder)).audio == 0
    with pytest.raises(UserError, match="check the spelling"):
        sanitise(str(folder / "gone"))
