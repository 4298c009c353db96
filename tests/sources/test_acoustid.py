"""Recordings by their sound."""

from __future__ import annotations

import base64
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from motet.errors import UserError
from motet.sources import Answer, Client, Song, Unanswered
from motet.sources.acoustid import Fingerprint, NoFingerprint, fingerprint, lookup
from motet.sources.cache import Cache
from sources.serving import Replies, Reply, serving, told

KEY = "planted-acoustid-key-4711"
MBID = "0b5c7d1e-0000-4000-8000-00000000abcd"
OTHER = "0b5c7d1e-0000-4000-8000-00000000dcba"
TRACK = "0b5c7d1e-0000-4000-8000-000000004711"
SOUND = Fingerprint(201.5, "AQAA3Y6YhFIi")
RECORDING = {"id": MBID, "title": "Low Tide", "duration": 201, "artists": [{"name": "Ada"}, {"name": "Bo"}]}
FOUND = {
    "status": "ok",
    "results": [
        {"id": TRACK, "score": 0.4, "recordings": [RECORDING, {"id": OTHER}]},
        {"id": TRACK, "score": 0.9, "recordings": [RECORDING]},
        {"id": TRACK, "score": 0.95},
    ],
}


def error(code: int, status: int = 400) -> Reply:
    return told({"status": "error", "error": {"code": code, "message": f"no, {KEY}"}}, status)


def asked(folder: Path, replies: Replies) -> tuple[list[Answer], int]:
    """The answers, and how often the service was asked for them."""
    with serving(replies) as service, Client(folder, seconds=5, slower=0.01) as client:
        settings = {"ACOUSTID_API_KEY": KEY, "MOTET_ACOUSTID_URL": service.url}
        first = lookup(SOUND, client, settings)
        assert lookup(SOUND, client, settings) == first
        sent = {"client": KEY, "duration": "202", "fingerprint": SOUND.text, "meta": "recordings", "format": "json"}
        assert all((one.path, one.params) == ("/v2/lookup", sent) for one in service.asked)
        return first, len(service.asked)


def test_recordings_come_likeliest_first_and_each_once(tmp_path: Path) -> None:
    (best, other), times = asked(tmp_path, lambda _: told(FOUND))
    assert (best.status, best.song, best.facts) == ("found", Song("Ada, Bo", "Low Tide", 201), {"match_score": 0.9})
    assert best.identifiers == {"musicbrainz_recording": MBID, "acoustid": TRACK}
    assert (other.song, other.facts) == (Song(), {"match_score": 0.4})
    assert times == 1
    assert not any(KEY.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_no_result_is_an_answer_and_so_is_a_fingerprint_that_is_declined(tmp_path: Path) -> None:
    for number, (reply, status) in enumerate([(told({"status": "ok", "results": []}), "not_found"), (error(3), "refused")]):
        (none,), times = asked(tmp_path / str(number), lambda _, reply=reply: reply)
        assert (none.status, times) == (status, 1)


def test_too_often_is_asked_again_later(tmp_path: Path) -> None:
    replies = iter([error(14, 429), error(14), told(FOUND)])
    assert asked(tmp_path, lambda _: next(replies))[1] == 3


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (error(4), "check the credentials"),
        (error(5, 500), "5 tries"),
        (error(2), "no new try"),
        (Reply(b"<html>"), "no JSON"),
        (told({"status": "ok"}), "5 tries"),
        (told({"status": "ok", "results": 7}), "5 tries"),
        (told([]), "5 tries"),
    ],
)
def test_what_is_no_answer_is_not_kept_and_tells_no_key(reply: Reply, says: str, tmp_path: Path) -> None:
    with pytest.raises(Unanswered, match=says) as raised:
        asked(tmp_path, lambda _: reply)
    assert KEY not in str(raised.value)
    assert len(Cache(tmp_path / "answers.sqlite")) == 0


@pytest.mark.parametrize("odd", [None, "x" * 100_000, "\ud800\x00", -1, 10**400, [[]], {"name": 7}, True])
def test_hostile_leaves_leave_the_recording(odd: Any, tmp_path: Path) -> None:
    recording = {"id": MBID, "title": odd, "duration": odd, "artists": [{"name": odd, "joinphrase": odd}]}
    answer = {"status": "ok", "results": [{"id": odd, "score": odd, "recordings": [recording, {"id": odd}, odd]}, odd]}
    (found,), _ = asked(tmp_path, lambda _: told(answer))
    assert found.identifiers == {"musicbrainz_recording": MBID}
    assert all(word.isprintable() and len(word) <= 500 for word in (found.song.artist, found.song.title))


@pytest.mark.parametrize(("duration", "words"), [(0, "AQ"), (float("nan"), "AQ"), (9, ""), (9, "A&client=x"), (9, "A" * 20_000)])
def test_what_is_no_fingerprint_is_never_sent(duration: float, words: str) -> None:
    with pytest.raises(ValueError, match=r"a (fingerprint|duration)"):
        Fingerprint(duration, words)


def test_without_fpcalc_it_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.wav").touch()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="libchromaprint-tools"):
        fingerprint(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["absent.wav", "a\0b", "\ud800", "pipe"])
def test_what_is_no_file_has_no_fingerprint(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NoFingerprint) as raised:
        fingerprint(tmp_path / name)
    assert raised.value.reason == "no_file"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("yes '{'", "no_sound"),
        ('echo \'{"duration": 1e999, "fingerprint": ["A"]}\'', "no_sound"),
        ("sleep 60 & sleep 60", "timed_out"),
    ],
)
def test_a_strange_fpcalc_is_bounded(script: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "fpcalc"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    began = time.monotonic()
    with pytest.raises(NoFingerprint) as raised:
        fingerprint(program, seconds=1)
    assert (raised.value.reason, time.monotonic() - began < 10) == (reason, True)


def melody(seed: int) -> Any:
    """Twenty seconds of struck tones at 22,050 Hz."""
    t = np.arange(11_025) / 22_050
    pitches = 440 * 2 ** ((np.random.default_rng(seed).integers(55, 80, 40) - 69) / 12)
    return np.concatenate([sum(np.sin(2 * np.pi * f * k * t) / k for k in (1, 2, 3)) * np.exp(-3 * t) * 0.3 for f in pitches])


def bits(sound: Fingerprint) -> Any:
    """The 32 bits of each moment, from Chromaprint's packed form: the places of the bits that differ from the moment before,
    as steps of three bits, of which 0 ends a moment and 7 is continued by five bits at the end."""
    data = base64.urlsafe_b64decode(sound.text + "=" * (-len(sound.text) % 4))
    moments = int.from_bytes(data[1:4], "big")
    flat = np.unpackbits(np.frombuffer(data[4:], np.uint8), bitorder="little")
    steps = flat[: len(flat) // 3 * 3].reshape(-1, 3) @ (1, 2, 4)
    steps = steps[: np.flatnonzero(steps == 0)[moments - 1] + 1]
    rest = flat[-(-len(steps) * 3 // 8) * 8 :]
    longer = iter(rest[: len(rest) // 5 * 5].reshape(-1, 5) @ (1, 2, 4, 8, 16))
    changed, moment, place = np.zeros((moments, 32), int), 0, -1
    for step in steps:
        if step == 0:
            moment, place = moment + 1, -1
        else:
            place += step + (next(longer) if step == 7 else 0)
            changed[moment, place] = 1
    return np.cumsum(changed, axis=0) % 2


def alike(one: Fingerprint, other: Fingerprint) -> float:
    """The share of bits that two have in common."""
    a, b = bits(one), bits(other)
    size = min(len(a), len(b))
    return float(np.mean(a[:size] == b[:size]))


@pytest.mark.system("fpcalc")
def test_the_same_music_in_two_encodings_sounds_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, seed in (("-version", 1), ("same.ogg", 1), ("other.wav", 2)):
        soundfile.write(tmp_path / name, melody(seed), 22_050, format="OGG" if name.endswith("ogg") else "WAV")
    first, same, other = (fingerprint(Path(name)) for name in ("-version", "same.ogg", "other.wav"))
    assert first.duration == pytest.approx(20, abs=0.1)

    # Unrelated music shares half of its bits by chance.
    assert alike(first, same) > 0.9 > 0.7 > alike(first, other)


@pytest.mark.system("fpcalc")
def test_what_has_no_sound_has_no_fingerprint(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    soundfile.write(tmp_path / "short.wav", np.zeros(1000), 22_050)
    for name in ("text.wav", "short.wav"):
        with pytest.raises(NoFingerprint, match="fpcalc finds no fingerprint: ") as raised:
            fingerprint(tmp_path / name)
        assert raised.value.reason == "no_sound"
