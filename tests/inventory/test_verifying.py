"""Verifying a copy: what is wrong with it is found on disk and in archives, named, and remembered while it stands."""

import hashlib
import os
import struct
import sys
import tarfile
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import soundfile

from motet.inventory.datasets import known
from motet.inventory.findings import Copy
from motet.inventory.known import Dataset
from motet.inventory.verifying import children
from motet.inventory.verifying.children import Children
from motet.inventory.verifying.examining import Sample
from motet.inventory.verifying.verify import Trouble, Verified, remember, remembered, verify

SONGS = range(1, 31)


def midi(notes: int, seconds: float = 2.0) -> bytes:
    """Middle C again and again, at 120 quarter notes a minute."""
    ticks = int(seconds * 960 / notes)
    length = bytes([0x80 | ticks >> 7, ticks & 0x7F])
    events = b"".join(b"\0\x90\x3c\x40" + length + b"\x80\x3c\0" for _ in range(notes)) + b"\0\xff\x2f\0"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(events)) + events


def tone(path: Path, rate: int = 22050, channels: int = 1, seconds: float = 2.0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.3 * np.sin(np.arange(int(rate * seconds)) / 10)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate, subtype="PCM_16")


def dataset(**more: Any) -> Dataset:
    """30 songs by three players, each as MIDI and as sound."""
    told: dict[str, Any] = {
        "name": "tones",
        "title": "Tones",
        "about": "middle C by three players",
        "modalities": ["midi", "audio"],
        "tasks": ["melody"],
        "licence": {"name": "CC0-1.0", "source": "us"},
        "citation": "ourselves",
        "home": "https://example.org",
        "sources": {"us": "this test"},
        "folders": "tones",
        "fields": {"player": "[abc]", "song": "[0-9]+"},
        "parts": [
            {
                "name": "midi", "files": "{player}/{song}.mid", "kind": "midi", "count": 30, "count_source": "us",
                "each": [{"field": "player", "source": "us", "counts": {"a": 10, "b": 10, "c": 10}}],
            },
            {
                "name": "audio", "files": "{player}/{song}.wav", "kind": "audio", "count": 30, "count_source": "us",
                "rate": 22050, "channels": 1, "seconds": [1, 3], "properties_source": "us",
            },
            {"name": "table", "files": "songs.csv", "kind": "table", "count": 1, "count_source": "us", "telling": False},
        ],
        "index": {"file": "songs.csv", "format": "csv", "paths": {"midi": "midi", "audio": "audio"}, "seconds": "length"},
    }  # fmt: skip
    return Dataset(**(told | more))


def copy_at(where: Path | str, version: str = "") -> Copy:
    return Copy("tones", str(where), str(where), "complete", (), version, (), (), 0, 0)


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "tones"
    lines = ["player,midi,audio,length"]
    for n in SONGS:
        player = "abc"[n % 3]
        tone(folder / player / f"{n}.wav")
        (folder / player / f"{n}.mid").write_bytes(midi(n))
        lines.append(f"{player},{player}/{n}.mid,{player}/{n}.wav,2.0")
    (folder / "songs.csv").write_text("\n".join(lines))
    return folder


def told(verified: Verified, where: Path | str) -> set[tuple[str, str]]:
    return {(trouble.path.removeprefix(f"{where}/"), trouble.what) for trouble in verified.troubles}


@pytest.mark.parametrize("full", [False, True], ids=["quick", "full"])
def test_a_whole_copy_has_no_troubles(songs: Path, full: bool) -> None:
    seen: list[int] = []
    verified = verify(copy_at(songs), dataset(), full=full, watch=lambda files, size: seen.append(files))
    assert verified.troubles == ()
    assert (verified.checked, verified.level) == (61, "full" if full else "quick")
    assert verified.decoded == (60 if full else 40)  # 20 of each part that can be decoded
    assert verified.bytes == sum(path.stat().st_size for path in songs.rglob("*") if path.is_file())
    assert sum(seen) == 61
    assert "no checksum is published" in verified.unverified
    assert ("quick look" in verified.unverified) == (not full)


def spoil(folder: Path) -> set[tuple[str, str]]:
    """Every sort of damage that a file's own bytes tell; returns what must be found."""
    wav = (folder / "a/3.wav").read_bytes()
    (folder / "a/3.wav").write_bytes(wav[: len(wav) // 2])
    song = (folder / "b/4.mid").read_bytes()
    (folder / "b/4.mid").write_bytes(song[:-10])
    (folder / "a/6.wav").write_bytes(b"")
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 88244\n"
    (folder / "a/9.wav").write_bytes(pointer)
    (folder / "b/7.mid").write_bytes(b"<!DOCTYPE html><html><title>404</title></html>")
    (folder / "b/10.mid").write_bytes(wav)
    return {
        ("a/3.wav", "truncated"),
        ("b/4.mid", "truncated"),
        ("a/6.wav", "empty"),
        ("a/9.wav", "lfs_pointer"),
        ("b/7.mid", "web_page"),
        ("b/10.mid", "other_kind"),
    }


@pytest.mark.parametrize("full", [False, True], ids=["quick", "full"])
def test_every_file_at_fault_is_named(songs: Path, full: bool) -> None:
    expected = spoil(songs)
    verified = verify(copy_at(songs), dataset(), full=full)
    assert told(verified, songs) == expected
    assert all(trouble.sentence.endswith(".") for trouble in verified.troubles)


@pytest.mark.parametrize("full", [False, True], ids=["quick", "full"])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_in_an_archive_too(songs: Path, kind: str, full: bool) -> None:
    expected = spoil(songs)
    packed = songs.parent / f"my copy.{kind}"
    pack(songs, packed)
    verified = verify(copy_at(f"{packed}!/tones"), dataset(), full=full)
    assert told(verified, f"{packed}!/tones") == expected
    assert verified.checked == 61


def pack(folder: Path, packed: Path) -> None:
    if packed.suffix == ".zip":
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder.parent))
    else:
        with tarfile.open(packed, "w:gz") as tar:
            tar.add(folder, folder.name)


def test_what_is_missing(songs: Path) -> None:
    (songs / "c/2.mid").unlink()
    (songs / "c/5.wav").unlink()
    verified = verify(copy_at(songs), dataset(), full=False)
    sentences = {trouble.sentence for trouble in verified.troubles if trouble.path == str(songs)}
    assert sentences == {
        "Of 30 files of midi 29 are there.",
        "Of 30 files of audio 29 are there.",
        "Files of midi are missing by player: c (9 of 10).",
    }
    assert {("c/2.mid", "missing"), ("c/5.wav", "missing")} < told(verified, songs)


def test_capitals_do_not_matter(songs: Path) -> None:
    (songs / "c/2.mid").rename(songs / "c/2.MID")
    assert verify(copy_at(songs), dataset(), full=False).troubles == ()


def test_a_part_of_a_download_of_its_own_may_be_absent(songs: Path) -> None:
    for path in songs.rglob("*.wav"):
        path.unlink()
    parts = [part.model_dump() | {"required": part.name != "audio"} for part in dataset().parts]
    assert verify(copy_at(songs), dataset(parts=parts), full=False).troubles == ()
    assert len(verify(copy_at(songs), dataset(), full=False).troubles) == 31  # each, and their number


def test_counts_are_those_of_the_version(songs: Path) -> None:
    (songs / "c/2.mid").unlink()
    versions = [{"name": "2", "source": "us"}, {"name": "1", "source": "us", "counts": {"midi": 29}}]
    found = {v: verify(copy_at(songs, v), dataset(versions=versions, index=None), full=False).troubles for v in ("1", "2")}
    assert found["1"] == ()
    assert found["2"]


def test_properties_of_the_sound(songs: Path) -> None:
    tone(songs / "a/3.wav", rate=44100)
    tone(songs / "a/6.wav", channels=2)
    tone(songs / "a/9.wav", seconds=2.9)  # within what is published, but not what the index says
    tone(songs / "a/12.wav", seconds=9)
    (songs / "b/4.mid").write_bytes(midi(4, seconds=15))
    verified = verify(copy_at(songs), dataset(), full=True)
    assert told(verified, songs) == {
        ("a/3.wav", "wrong_rate"),
        ("a/6.wav", "wrong_channels"),
        ("a/9.wav", "wrong_length"),
        ("a/12.wav", "wrong_length"),
        ("b/4.mid", "wrong_length"),
    }


def test_names_that_are_checksums(tmp_path: Path) -> None:
    part = {"name": "midi", "files": "{md5}.mid", "kind": "midi", "named_by": "md5"}
    lakh = dataset(parts=[part], index=None, fields={"md5": "[0-9a-f]{32}"})
    folder = tmp_path / "data" / "songs"
    folder.mkdir(parents=True)
    for n in range(1, 6):
        (folder / f"{hashlib.md5(midi(n)).hexdigest()}.mid").write_bytes(midi(n))
    spoiled = sorted(folder.iterdir())[2]
    spoiled.write_bytes(midi(77))
    pack(folder, folder.parent / "songs.tar.gz")
    for where in (str(folder), f"{folder.parent}/songs.tar.gz!/songs"):
        verified = verify(copy_at(where), lakh, full=True)
        assert told(verified, where) == {(spoiled.name, "checksum")}
        assert verified.matched == 4
        assert "checksum" not in verified.unverified
        assert verify(copy_at(where), lakh, full=False).troubles == ()


def published(packed: Path, **more: Any) -> Dataset:
    data = packed.read_bytes()
    download = {
        "name": "all", "kind": "http", "url": f"https://example.org/{packed.name}?x=1", "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(), "unpack": "zip", "gives": ["midi", "audio", "table"], "source": "us",
    }  # fmt: skip
    return dataset(downloads=[download | more])


def test_the_published_archive_beside_it(songs: Path) -> None:
    packed = songs.parent / "tones-1.0.zip"
    pack(songs, packed)
    right = published(packed)
    verified = verify(copy_at(songs), right, full=True)
    assert (verified.troubles, verified.matched, verified.unverified) == ((), 1, "")
    assert verify(copy_at(songs), right, full=False).matched == 0  # sizes only

    data = bytearray(packed.read_bytes())
    data[-1] ^= 1
    packed.write_bytes(data)
    assert verify(copy_at(songs), right, full=False).troubles == ()
    assert told(verify(copy_at(songs), right, full=True), songs.parent) == {("tones-1.0.zip", "checksum")}
    packed.write_bytes(data[:-1000])
    for full in (False, True):
        assert told(verify(copy_at(songs), right, full=full), songs.parent) == {("tones-1.0.zip", "truncated")}


def test_the_published_archive_it_lies_in_whatever_its_name(songs: Path) -> None:
    packed = songs.parent / "renamed.zip"
    pack(songs, packed)
    right = published(packed, url="https://example.org/tones.zip")
    assert verify(copy_at(f"{packed}!/tones"), right, full=True).matched == 1
    pack(songs / "a", packed)  # one of somebody's own: that is no trouble by itself
    verified = verify(copy_at(f"{packed}!/a"), right.model_copy(update={"parts": right.parts[:1], "index": None}), full=True)
    assert {trouble.what for trouble in verified.troubles} == {"missing"}
    assert "no download with a published checksum was compared" in verified.unverified


def test_an_archive_that_ends_early_is_judged_as_far_as_it_goes(songs: Path) -> None:
    expected = spoil(songs)
    packed = songs.parent / "tones.tar.gz"
    with tarfile.open(packed, "w:gz") as tar:
        for path in [*sorted(songs.rglob("*.mid")), *sorted(songs.rglob("*.wav"))]:
            tar.add(path, f"tones/{path.relative_to(songs)}")
        (songs / "noise.bin").write_bytes(os.urandom(1 << 20))
        tar.add(songs / "noise.bin", "tones/noise.bin")
    packed.write_bytes(packed.read_bytes()[: -1 << 19])
    verified = verify(copy_at(f"{packed}!/tones"), dataset(index=None), full=True)
    assert (str(packed), "truncated") in {(trouble.path, trouble.what) for trouble in verified.troubles}
    assert expected <= told(verified, f"{packed}!/tones")


def test_a_copy_that_is_gone(tmp_path: Path) -> None:
    verified = verify(copy_at(tmp_path / "gone"), dataset(), full=True)
    assert (str(tmp_path / "gone"), "missing") in {(trouble.path, trouble.what) for trouble in verified.troubles}
    assert verified.checked == 0


@pytest.mark.parametrize("table", [b"\xff\xfe\0\0", b"player,midi\n" + b'"' * 3_000_000, b"", b"a,b\n../../x,/etc/passwd\n"])
def test_a_hostile_index(songs: Path, table: bytes) -> None:
    (songs / "songs.csv").write_bytes(table)
    verified = verify(copy_at(songs), dataset(), full=True)
    assert {trouble.path for trouble in verified.troubles} <= {str(songs / "songs.csv")}


def test_hostile_names_and_links(songs: Path) -> None:
    (songs / "d").symlink_to(songs)  # a loop of folders
    os.mkfifo(songs / "a" / "99.wav")
    (songs / "a" / "98.wav").symlink_to("98.wav")
    Path(os.fsdecode(os.fsencode(songs) + b"/caf\xe9.wav")).write_bytes(b"")
    verified = verify(copy_at(songs), dataset(), full=True)
    assert told(verified, songs) == {("a/98.wav", "unreadable")}


# Troubles are remembered while they stand


def settled(verified: Verified) -> Verified:
    """As if its files had been old: those of a test are too new to be trusted."""
    troubles = []
    for trouble in verified.troubles:
        status = os.stat(trouble.path)
        state = f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"
        troubles.append(replace(trouble, stamp=state))
    return replace(verified, troubles=tuple(troubles))


def found(songs: Path, name: str, level: Any = "full") -> Verified:
    troubles = (Trouble(str(songs / name), "undecodable", "It is noise."),)
    return settled(Verified("tones", str(songs), level, 61, 0, troubles, "", 0.0))


def test_a_trouble_is_remembered_until_its_file_changes(songs: Path, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    assert remembered(memory) == {}
    remember(memory, found(songs, "a/3.wav"))
    assert remembered(memory) == {str(songs / "a/3.wav"): ("undecodable", "It is noise.")}
    tone(songs / "a/3.wav")
    assert remembered(memory) == {}


def test_a_quick_look_does_not_take_back_what_a_full_one_found(songs: Path, tmp_path: Path) -> None:
    memory = tmp_path / "memory"
    remember(memory, found(songs, "a/3.wav"))
    remember(memory, found(songs, "a/6.wav", "quick"))
    assert set(remembered(memory)) == {str(songs / "a/3.wav"), str(songs / "a/6.wav")}
    remember(memory, found(songs, "a/9.wav"))
    assert set(remembered(memory)) == {str(songs / "a/9.wav")}


def test_what_is_wrong_with_a_file_just_written_is_remembered_until_it_is_written_again(songs: Path, tmp_path: Path) -> None:
    whole = (songs / "a/3.wav").read_bytes()
    (songs / "a/3.wav").write_bytes(b"")
    remember(tmp_path / "memory", verify(copy_at(songs), dataset(), full=True))
    assert remembered(tmp_path / "memory") == {str(songs / "a/3.wav"): ("empty", "It has 0 bytes.")}
    (songs / "a/3.wav").write_bytes(whole)
    assert remembered(tmp_path / "memory") == {}


def test_a_damaged_memory_is_no_obstacle(songs: Path, tmp_path: Path) -> None:
    (tmp_path / "troubles.sqlite").write_bytes(b"not a database, though long enough to be one" * 100)
    assert remembered(tmp_path) == {}
    remember(tmp_path, found(songs, "a/3.wav"))
    assert len(remembered(tmp_path)) == 1


# Decoders that fail badly


def test_a_killed_child_costs_no_answer(songs: Path) -> None:
    samples = [Sample(str(path), "audio", path.stat().st_size, str(path)) for path in sorted(songs.rglob("*.wav"))] * 20
    with Children(2) as crew:
        answers = crew.examined(samples, deep=True)
        told = [next(answers)]
        for child in psutil.Process().children():
            with suppress(psutil.NoSuchProcess):
                if "spawn_main" in " ".join(child.cmdline()):
                    child.kill()
        told += answers
    assert len(told) == len(samples)
    assert sum(1 for _, examined in told if examined.sound) >= len(samples) - 4  # whoever dies again when alone is blamed


def test_what_waits_while_the_processes_start_afresh_is_sent_again(songs: Path) -> None:
    samples = [Sample(str(path), "audio", path.stat().st_size, str(path)) for path in sorted(songs.rglob("*.wav"))] * 20
    with Children(2) as crew:
        answers = crew.examined(samples, deep=True)
        told = [next(answers)]
        crew.close()
        told += answers
    assert sorted(sample.path for sample, _ in told) == sorted(sample.path for sample in samples)
    assert all(examined.sound for _, examined in told)


def test_a_file_that_takes_too_long_costs_one_line(songs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = songs / "endless.wav"
    head = (songs / "a/3.wav").read_bytes()[:44]
    size = 3 << 30 if sys.platform == "linux" else 1 << 30
    endless.write_bytes(head[:40] + struct.pack("<I", size))
    os.truncate(endless, 44 + size)  # a sparse file: it takes no room
    monkeypatch.setattr(children, "PACE", 1 << 60)
    samples = [Sample(str(path), "audio", 1000, str(path)) for path in (endless, songs / "a/6.wav")]
    with Children(1, seconds=0.5) as crew:
        told = {sample.path: examined for sample, examined in crew.examined(samples, deep=True)}
    assert told[str(endless)].fault == "timed_out"
    assert told[str(songs / "a/6.wav")].sound


@pytest.mark.shared
def test_groove_is_whole(shared: Path) -> None:
    groove = known()["groove"]
    verified = verify(copy_at(shared / "datasets" / "groove", "1.0.0"), groove, full=True)
    assert (verified.troubles, verified.decoded) == ((), 1150)
