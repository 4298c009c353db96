"""What a file's first bytes and its own headers tell against its name."""

from __future__ import annotations

import io
import struct
import wave
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from motet.inventory.scanning.contents import OutOfReach, kind_of, look

TRACK = b"\0\x90\x3c\x40\x60\x80\x3c\x00" * 20 + b"\0\xff\x2f\0"


def midi(tracks: int = 2, track: bytes = TRACK) -> bytes:
    header = b"MThd" + struct.pack(">IHHH", 6, 1, tracks, 480)
    return header + (b"MTrk" + struct.pack(">I", len(track)) + track) * tracks


def wav(seconds: float = 0.2) -> bytes:
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(seconds * 8000) * 2))
    return held.getvalue()


def sound(kind: str, subtype: str | None = None) -> bytes:
    held = io.BytesIO()
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, 40_000)
    soundfile.write(held, noise, 22_050, format=kind, subtype=subtype)
    return held.getvalue()


def zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as file:
        file.writestr("a.txt", "one" * 1000)
    return held.getvalue()


def array() -> bytes:
    held = io.BytesIO()
    np.save(held, np.zeros((80, 200), np.float32))
    return held.getvalue()


def boxes() -> bytes:
    def box(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", 8 + len(data)) + name + data

    return box(b"ftyp", b"M4A \0\0\2\0") + box(b"mdat", bytes(3000)) + box(b"moov", bytes(300))


def seen(name: str, data: bytes) -> tuple[str, str]:
    return look(name, kind_of(name), len(data), lambda length, offset: data[offset : offset + length])


WHOLE: dict[str, Callable[[], bytes]] = {
    "a.mid": midi,
    "a.wav": wav,
    "a.flac": lambda: sound("FLAC"),
    "a.ogg": lambda: sound("OGG", "VORBIS"),
    "a.mp3": lambda: sound("MP3"),
    "a.aiff": lambda: sound("AIFF"),
    "a.au": lambda: sound("AU"),
    "a.zip": zipped,
    "a.npz": zipped,
    "a.npy": array,
    "a.m4a": boxes,
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_has_no_fault(name: str) -> None:
    assert seen(name, WHOLE[name]()) == ("", "")


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_whose_second_half_is_missing_is_truncated(name: str) -> None:
    data = WHOLE[name]()
    fault, detail = seen(name, data[: len(data) // 2])
    assert fault == "truncated"
    assert detail


@pytest.mark.parametrize("name", sorted({*WHOLE, "a.csv", "a.txt", "a.bin", "a.tar.gz"}))
def test_a_pointer_of_git_lfs_is_told_whatever_it_stands_for(name: str) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 72862\n"
    assert seen(name, pointer) == ("lfs_pointer", "of a file of 72,862 bytes")


@pytest.mark.parametrize("name", ["a.mid", "a.wav", "a.mp3", "a.zip", "a.csv", "a.npy"])
@pytest.mark.parametrize(
    "page", [b"\n <!DOCTYPE html><html>404", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>']
)
def test_an_error_page_under_the_name_of_a_download_is_a_web_page(name: str, page: bytes) -> None:
    assert seen(name, page * 3)[0] == "web_page"


@pytest.mark.parametrize("name", ["a.html", "a.xml", "a.svg", "README.md", "a.musicxml"])
def test_a_page_under_its_own_name_is_none(name: str) -> None:
    assert seen(name, b"<html><body>Hello</body></html>") == ("", "")


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("a.mid", wav(), "RIFF"),
        ("a.wav", midi(), "MIDI"),
        ("a.wav", b'{"error": "quota exceeded"}', "text"),
        ("a.flac", bytes(5000), "zero"),
        ("a.mp3", boxes(), "MP4"),
        ("a.npy", zipped(), "zip"),
        ("a.zip", b"\x1f\x8b\x08" + bytes(60), "gzip"),
    ],
)
def test_other_content_than_the_name_says_is_named(name: str, data: bytes, words: str) -> None:
    fault, detail = seen(name, data)
    assert fault == "other_kind"
    assert words in detail


def test_an_empty_file_is_empty() -> None:
    assert seen("a.mid", b"") == ("empty", "")


LENIENT = {
    "an ID3 tag before FLAC": ("a.flac", b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + sound("FLAC")),
    "an ID3 tag before MP3": ("a.mp3", b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + sound("MP3")),
    "zeros before a WAV": ("a.wav", bytes(64) + wav()),
    "a Macintosh header before MIDI": ("a.mid", bytes(128) + midi()),
    "MIDI in RIFF": ("a.mid", b"RIFF\0\1\0\0RMIDdata\0\1\0\0" + midi()),
    "bytes behind the last track": ("a.mid", midi() + b"written by an old sequencer"),
    "a chunk of its own before a track": ("a.mid", midi()[:14] + b"XFIH\0\0\0\4abcd" + midi()[14:]),
    "a track with its end but a wrong length": ("a.mid", midi(1)[: -len(TRACK) - 4] + struct.pack(">I", 9999) + TRACK),
    "a stream's WAV": ("a.wav", wav()[:40] + b"\xff\xff\xff\xff" + wav()[44:]),
    "a WAV that was never closed": ("a.wav", wav()[:4] + bytes(4) + wav()[8:40] + bytes(4) + wav()[44:]),
    "speech of the NIST": ("a.wav", b"NIST_1A\n   1024\n" + bytes(2000)),
    "a picture under another picture's name": ("a.jpg", b"\x89PNG\r\n\x1a\n" + bytes(100)),
    "weights": ("a.pt", b"\x80\x02}q\0."),
    "a tar archive that is not compressed": ("a.tar.gz", bytes(257) + b"ustar\x0000" + bytes(1000)),
}


@pytest.mark.parametrize("case", LENIENT)
def test_what_real_collections_hold_has_no_fault(case: str) -> None:
    assert seen(*LENIENT[case]) == ("", "")


def test_a_midi_file_with_fewer_tracks_than_declared_is_truncated() -> None:
    short = midi(1)[:10] + struct.pack(">H", 3) + midi(1)[12:]
    assert seen("a.mid", short) == ("truncated", "1 tracks where its header says 3")


def test_the_words_of_a_truncation_tell_both_numbers() -> None:
    data = wav()
    assert seen("a.wav", data[:1044]) == ("truncated", "its data says 3,200 bytes, 1,000 follow")


def test_long_midi_files_are_walked_to_their_end() -> None:
    data = midi(40, b"\0\x90\x3c\x40" * 5000 + b"\0\xff\x2f\0")
    assert seen("a.mid", data) == ("", "")
    assert seen("a.mid", data[:-10])[0] == "truncated"


def test_little_is_read_of_a_large_file() -> None:
    data, read = wav(60), []

    def reader(length: int, offset: int) -> bytes:
        read.append(length)
        return data[offset : offset + length]

    assert look("a.wav", "audio", len(data), reader) == ("", "")
    assert sum(read) <= 4096


def test_what_cannot_be_reached_is_not_judged() -> None:
    data = zipped()

    def reader(length: int, offset: int) -> bytes:
        if offset:
            raise OutOfReach
        return data[:length]

    assert look("a.npz", "array", 10**9, reader) == ("", "")


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_no_bytes_make_it_fail(name: str, draw: st.DataObject) -> None:
    data = bytearray(WHOLE[name]())
    for _ in range(draw.draw(st.integers(0, 8))):
        data[draw.draw(st.integers(0, min(200, len(data) - 1)))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.integers(0, len(data)))])
    fault, detail = seen(name, cut)
    assert fault in ("", "empty", "web_page", "truncated", "other_kind", "lfs_pointer")
    assert len(detail) < 200


@pytest.mark.parametrize(
    "name, kind",
    [
        ("a.MID", "midi"),
        ("a.wav", "audio"),
        ("a.tar.gz", "archive"),
        ("a.zip?download=1", "archive"),
        ("info.csv", "table"),
        ("LICENSE", "text"),
        ("a", "other"),
        (".mid", "midi"),
        ("a.npy", "array"),
        ("a.mp4", "video"),
    ],
)
def test_kinds_go_by_the_name(name: str, kind: str) -> None:
    assert kind_of(name) == kind


@pytest.mark.shared
def test_every_real_file_of_groove_and_ravdess_is_whole(shared: Path) -> None:
    files = [path for path in (shared / "datasets").rglob("*") if path.suffix in (".mid", ".wav") and path.is_file()]
    assert len(files) > 1100
    for path in files:
        assert seen(path.name, path.read_bytes()) == ("", ""), path
