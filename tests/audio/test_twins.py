"""The same recording found again by its print, whatever was done to it, and nothing else taken for it."""

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
import soxr

from motet.audio.decoding import Samples, open_recording
from motet.audio.fingerprint import NOTHING, RATE, SECONDS, Print, fingerprint
from motet.audio.resampling import resampled
from motet.audio.twins import SAME, Pair, Twins, same_sound
from motet.errors import UserError
from motet.render.encoding import Format, encode

PLAYED = 22050  # Hz


@cache
def piece(seed: int, seconds: float = 30, rate: int = PLAYED) -> Samples:
    """Chords, a melody and a drum at 120 beats a minute, in stereo: all pieces have one tempo and the same instruments."""
    dice = np.random.default_rng(seed)
    sound = np.zeros((round(seconds * rate), 2), np.float32)
    for beat in range(int(seconds * 2)):
        start, length = beat * rate // 2, rate // 2
        time = np.arange(length) / rate
        keys = [
            *(dice.choice([48, 50, 52, 53, 55, 57]) + np.array([0, 4, 7]) if beat % 2 == 0 else ()),
            60 + dice.integers(0, 24),
        ]
        heard = sum(_tone(440 * 2 ** ((key - 69) / 12), time) for key in keys)
        drum = dice.normal(0, 1, length) * np.exp(-time * 60) if beat % 2 else np.sin(2 * np.pi * 60 * time) * np.exp(-time * 20)
        side = (heard * 0.08 + drum * 0.1)[: len(sound) - start, None] * [[0.9, 0.7]]
        sound[start : start + length] += side.astype(np.float32)
    return sound


def _tone(hz: float, time: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    partials = np.array([np.sin(2 * np.pi * hz * part * time) / part for part in range(1, 7)])
    dying: npt.NDArray[np.float64] = partials.sum(axis=0) * np.exp(-time * 3)
    return dying


def printed(sound: Samples, rate: int = PLAYED) -> Print:
    mono = sound.mean(axis=1, keepdims=True, dtype=np.float32)
    return fingerprint(resampled([mono[at : at + 30_000] for at in range(0, len(mono), 30_000)], rate, RATE))


def encoded(sound: Samples, format: Format, rate: int = PLAYED) -> Print:
    quiet = encode(sound * np.float32(0.5), rate, format)
    with open_recording(quiet) as recording:
        return printed(np.concatenate(list(recording.blocks())), recording.rate)


def brighter(sound: Samples) -> Samples:
    """6 dB more above a few kilohertz and less below, as a first difference makes it."""
    changed: Samples = np.diff(sound, axis=0, prepend=np.zeros((1, 2), np.float32)) * np.float32(2) + sound * np.float32(0.2)
    return changed


def faded(sound: Samples) -> Samples:
    ramp = np.minimum(1, np.arange(len(sound)) / (8 * PLAYED))
    changed: Samples = (sound * (ramp * ramp[::-1])[:, None]).astype(np.float32)
    return changed


def noisy(sound: Samples) -> Samples:
    level = float(np.sqrt((sound**2).mean())) * 10 ** (-20 / 20)
    hiss: Samples = np.random.default_rng(9).normal(0, level, sound.shape).astype(np.float32)
    return sound + hiss


DONE: dict[str, Callable[[Samples], Print]] = {
    "mp3": lambda sound: encoded(sound, "mp3"),
    "vorbis": lambda sound: encoded(sound, "ogg"),
    "opus at 24 kHz": lambda sound: encoded(soxr.resample(sound, PLAYED, 24000), "opus", 24000),
    "16 kHz": lambda sound: printed(soxr.resample(sound, PLAYED, 16000), 16000),
    "12 dB quieter": lambda sound: printed(sound * np.float32(0.25)),
    "12 dB louder, clipped": lambda sound: printed(np.clip(sound * np.float32(4), -1, 1)),
    "an equaliser": lambda sound: printed(brighter(sound)),
    "left channel": lambda sound: printed(sound[:, :1]),
    "13 s cut off": lambda sound: printed(sound[13 * PLAYED + 1234 :]),
    "fades": lambda sound: printed(faded(sound)),
    "noise": lambda sound: printed(noisy(sound)),
    "all of it": lambda sound: encoded(brighter(noisy(sound))[5 * PLAYED + 700 :] * np.float32(0.3), "mp3"),
}


@pytest.fixture(scope="module")
def others() -> dict[str, Print]:
    return {f"other {seed}": printed(piece(seed)) for seed in range(1, 6)}


# --- prints ---


def test_a_print_has_a_number_for_each_hop() -> None:
    numbers = printed(piece(0))
    assert numbers.dtype == np.uint32
    assert len(numbers) * SECONDS == pytest.approx(30, abs=0.7)


def test_a_print_does_not_depend_on_how_the_sound_comes_in() -> None:
    sound = piece(0, 20, RATE)[:, :1]
    whole = fingerprint([sound])
    for size in (777, 4096, 65_536):
        assert np.array_equal(fingerprint(sound[at : at + size] for at in range(0, len(sound), size)), whole)
    assert np.array_equal(fingerprint([sound[:, 0]]), whole)


def test_what_is_too_short_has_no_print() -> None:
    assert len(fingerprint([])) == 0
    assert len(fingerprint([np.zeros((0, 1), np.float32), np.ones((4000, 1), np.float32)])) == 0


def test_silence_and_steady_tones_tell_nothing() -> None:
    tone = np.sin(np.arange(RATE * 20) * 2 * np.pi * 440 / RATE).astype(np.float32)[:, None]
    assert (fingerprint([np.zeros_like(tone)]) == NOTHING).all()
    assert (fingerprint([tone]) == NOTHING).mean() > 0.95


# --- twins ---


@pytest.mark.parametrize("what", DONE)
def test_a_recording_is_found_again(what: str, others: dict[str, Print]) -> None:
    pairs = list(Twins().find({"it": printed(piece(0)), "again": DONE[what](piece(0)), **others}))
    assert [(pair.a, pair.b) for pair in pairs] == [("it", "again")]
    assert pairs[0].score > SAME


def test_other_pieces_of_the_same_tempo_and_instruments_are_not_twins(others: dict[str, Print]) -> None:
    assert list(Twins().find(others)) == []
    prints = list(others.values())
    assert max(same_sound(one, other) for one in prints for other in prints if one is not other) < SAME - 0.1


def test_a_pair_tells_where_the_one_lies_in_the_other() -> None:
    whole, part = piece(0), piece(0)[8 * PLAYED : 23 * PLAYED]
    (pair,) = Twins().find({"whole": printed(whole), "part": printed(part)})
    assert (pair.a, pair.b, pair.contained) == ("whole", "part", "b")
    assert pair.offset_seconds == pytest.approx(-8, abs=SECONDS)
    assert pair.overlap_seconds == pytest.approx(15, abs=1.5)
    (turned,) = Twins().find({"part": printed(part), "whole": printed(whole)})
    assert (turned.contained, turned.offset_seconds) == ("a", -pair.offset_seconds)


def test_a_stretch_in_common_is_found_amid_other_sound() -> None:
    medley = np.concatenate([piece(5, 20), piece(0)[8 * PLAYED : 28 * PLAYED], piece(6, 20)])
    (pair,) = Twins().find({"it": printed(piece(0)), "medley": printed(medley)})
    assert pair.contained == ""
    assert pair.offset_seconds == pytest.approx(12, abs=SECONDS)
    assert pair.overlap_seconds == pytest.approx(20, abs=4)
    assert list(Twins(shortest=30).find({"it": printed(piece(0)), "medley": printed(medley)})) == []


def test_short_recordings_are_told_by_nearly_all_of_them() -> None:
    short = piece(0, 7)
    (pair,) = Twins().find({"short": printed(short), "mp3": encoded(short, "mp3")})
    assert pair.overlap_seconds > 5


def test_identical_prints_are_each_paired_with_the_first() -> None:
    it, again = printed(piece(0)), printed(piece(0)[3000:])
    pairs = list(Twins().find({"1": it, "2": it.copy(), "3": it.copy(), "4": again}))
    assert [(pair.a, pair.b) for pair in pairs] == [("1", "2"), ("1", "3"), ("1", "4")]
    assert pairs[0] == Pair("1", "2", 1.0, 0.0, len(it) * SECONDS, "")


def test_of_a_set_that_grows_only_what_is_new_is_told() -> None:
    prints = {"1": printed(piece(0)), "2": printed(piece(0)[3000:]), "3": printed(piece(0)[9000:])}
    assert {(pair.a, pair.b) for pair in Twins().find(prints)} == {("1", "2"), ("1", "3"), ("2", "3")}
    assert {(pair.a, pair.b) for pair in Twins().find(prints, new={"3"})} == {("1", "3"), ("2", "3")}
    assert list(Twins().find(prints, new=())) == []


def test_silences_and_tones_are_nobodys_twins() -> None:
    silent = [np.zeros((RATE * seconds, 1), np.float32) for seconds in (30, 30, 40)]
    tones = [np.sin(np.arange(RATE * 30) * hz).astype(np.float32)[:, None] for hz in (0.3, 0.3, 0.4)]
    prints = {str(number): fingerprint([sound]) for number, sound in enumerate(silent + tones)}
    assert list(Twins().find({**prints, "empty": np.zeros(0, np.uint32)})) == []
    assert same_sound(prints["0"], prints["2"]) == 0


def test_noise_is_nobodys_twin() -> None:
    drawn = [np.random.default_rng(seed).integers(0, 1 << 32, 4000, np.uint32) for seed in range(40)]
    assert list(Twins(least_score=0.1).find({str(seed): numbers for seed, numbers in enumerate(drawn)})) == []


def test_a_recording_too_long_to_place_is_refused() -> None:
    with pytest.raises(UserError, match="in parts"):
        list(Twins().find({"a week": np.broadcast_to(np.uint32(7), 1 << 23)}))


# --- chunks ---


def test_a_loop_that_comes_again_is_one_sound() -> None:
    loop = piece(3, 8)
    song = printed(np.concatenate([loop, loop, loop, piece(4, 8)]))
    size = round(8 / SECONDS)
    assert same_sound(song[:size], song[size : 2 * size]) > 0.8
    assert same_sound(song[:size], song[3 * size :]) < SAME


def test_a_sound_is_itself_at_a_small_offset_too() -> None:
    it = piece(0)
    assert same_sound(printed(it), printed(it[2 * PLAYED + 1000 :])) > 0.7
    assert same_sound(printed(it), np.zeros(0, np.uint32)) == 0
