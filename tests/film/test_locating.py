"""Songs are found where a film plays them: under noise, faster, slower, in part; and nothing is found where nothing plays."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.film.errors import FilmError
from motet.film.locating import RATE, Catalogue, Sound, listen, listen_to

Mono = npt.NDArray[np.float32]


@cache
def tune(seed: int, seconds: int = 60) -> Mono:
    """Notes drawn by chance, two voices, each with four partials that die away."""
    dice = np.random.default_rng(seed)
    sound = np.zeros((seconds + 2) * RATE, np.float32)
    at = 0.0
    while at < seconds:
        for _ in range(2):
            pitch = 220 * 2 ** (dice.integers(0, 25) / 12)
            t = np.arange(RATE) / RATE
            note = sum(np.sin(2 * np.pi * pitch * k * t) / k for k in range(1, 5)) * np.exp(-4 * t)
            first = round(at * RATE)
            sound[first : first + RATE] += 0.1 * note.astype(np.float32)
        at += float(dice.choice([0.17, 0.25, 0.34]))
    return sound[: seconds * RATE]


def noise(seconds: int, seed: int = 99) -> Mono:
    return np.random.default_rng(seed).standard_normal(seconds * RATE).astype(np.float32)


def faster(sound: Mono, speed: float) -> Mono:
    moments = np.arange(0, len(sound) - 1, speed)
    return np.interp(moments, np.arange(len(sound)), sound).astype(np.float32)


def film(part: Mono, snr_db: float, before: int = 15, behind: int = 15) -> Mono:
    """A part of a song under noise that begins before it and goes on behind it."""
    bed = noise(before + behind + len(part) // RATE + 1)
    level = np.sqrt((part**2).mean()) * 10 ** (-snr_db / 20)
    bed *= level
    bed[before * RATE : before * RATE + len(part)] += part
    return bed


@cache
def catalogue() -> Catalogue:
    return Catalogue({f"tune {seed}": listen([tune(seed)]) for seed in range(12)})


@pytest.mark.parametrize("snr_db", [0.0, -9.0])
@pytest.mark.parametrize("speed", [0.96, 1.0, 25 / 24])
def test_a_song_is_found_under_noise_at_any_speed(snr_db: float, speed: float) -> None:
    part = tune(3)[10 * RATE : 30 * RATE]
    (found,) = catalogue().locate(listen([film(faster(part, speed), snr_db)]))
    assert found.song == "tune 3"
    assert found.film_start == pytest.approx(15, abs=1)
    assert found.film_end == pytest.approx(15 + 20 / speed, abs=1)
    assert found.speed == pytest.approx(speed, abs=0.003)
    heard = found.song_start + found.speed * (20 - found.film_start)
    assert heard == pytest.approx(10 + speed * 5, abs=0.05)
    assert found.song_end - found.song_start == pytest.approx(found.speed * (found.film_end - found.film_start))
    assert 0.5 <= found.confidence <= 1
    assert found.pitch_kept is (None if speed == 1 else False)


def test_two_songs_are_told_one_after_the_other() -> None:
    both = np.concatenate((tune(1)[: 15 * RATE], tune(7)[20 * RATE : 40 * RATE]))
    found = catalogue().locate(listen([film(both, 6.0)]))
    assert [one.song for one in found] == ["tune 1", "tune 7"]
    assert found[1].film_start == pytest.approx(30, abs=1)


def test_one_song_used_twice_is_found_twice() -> None:
    gap = np.zeros(10 * RATE, np.float32)
    sound = np.concatenate((tune(2)[: 12 * RATE], gap, tune(2)[30 * RATE : 45 * RATE]))
    found = catalogue().locate(listen([film(sound, 3.0)]))
    assert [(one.song, round(one.song_start / 5)) for one in found] == [("tune 2", 0), ("tune 2", 6)]


def test_a_song_that_says_all_of_it_twice_is_told_once_where_it_plays_once() -> None:
    verse = tune(4)[: 25 * RATE]
    others = {f"tune {seed}": listen([tune(seed)]) for seed in (1, 2, 3)}
    twice = Catalogue({"twice": listen([np.concatenate((verse, verse))]), **others})
    (found,) = twice.locate(listen([film(verse[3 * RATE : 22 * RATE], 6.0)]))
    assert found.song == "twice"
    assert found.song_start % 25 == pytest.approx(3, abs=1)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.float32),
        np.ones(1, np.float32),
        np.zeros(60 * RATE, np.float32),
        np.sin(np.arange(60 * RATE) * 0.3).astype(np.float32),
        noise(60),
        tune(77),
    ],
    ids=["nothing", "one sample", "silence", "a steady tone", "noise", "a song that is not in the catalogue"],
)
def test_nothing_is_found_where_nothing_plays(sound: Mono) -> None:
    assert catalogue().locate(listen([sound])) == []


def test_an_empty_catalogue_finds_nothing() -> None:
    assert Catalogue({}).locate(listen([tune(1)])) == []
    assert Catalogue({"empty": listen([])}).locate(listen([tune(1)])) == []


def test_equal_questions_have_equal_answers() -> None:
    asked = listen([film(tune(5)[: 20 * RATE], 0.0)])
    again = Catalogue({f"tune {seed}": listen([tune(seed)]) for seed in reversed(range(12))})
    assert again.locate(asked) == catalogue().locate(asked)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 40_000), max_size=8))
def test_blocks_of_any_size_give_the_same_sound(sizes: list[int]) -> None:
    sound = tune(4)[: 20 * RATE]
    cuts = np.minimum(np.cumsum(sizes), len(sound)).astype(int).tolist()
    assert listen(np.split(sound, cuts)).to_bytes() == listen([sound[:, None]]).to_bytes()


def test_a_sound_is_kept_in_two_kilobytes_a_second_and_read_again() -> None:
    sound = listen([tune(6)])
    data = sound.to_bytes()
    assert len(data) < 2000 * sound.seconds
    assert Sound.from_bytes(data).to_bytes() == data


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_foreign_bytes_are_refused(data: st.DataObject) -> None:
    good = listen([tune(6)[: 3 * RATE]]).to_bytes()
    cut = data.draw(st.integers(0, len(good) - 1))
    for wrong in (good[:cut], good + b"x", data.draw(st.binary(max_size=64))):
        with pytest.raises(FilmError, match="no sound that was listened to") as error:
            Sound.from_bytes(wrong)
        assert error.value.reason == "foreign_sound"


@pytest.mark.parametrize(
    ("block", "reason"), [(np.full(9, np.nan), "not_finite"), (np.full(9, np.inf), "not_finite"), (np.ones((9, 2)), "not_mono")]
)
def test_what_is_no_sound_is_refused(block: Mono, reason: str) -> None:
    with pytest.raises(FilmError) as error:
        listen([block.astype(np.float32)])
    assert error.value.reason == reason


def test_a_film_is_listened_to_from_its_bytes() -> None:
    import av

    file = io.BytesIO()
    sound = np.repeat(film(tune(8)[: 20 * RATE], 6.0), 4)
    sound /= np.abs(sound).max()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=4 * RATE, layout="mono")
        frame = av.AudioFrame.from_ndarray(sound[None], "fltp", "mono")
        frame.sample_rate = 4 * RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    (found,) = catalogue().locate(listen_to(file.getvalue()))
    assert found.song == "tune 8"
    with pytest.raises(FilmError) as error:
        listen_to(b"<!DOCTYPE html><html></html>")
    assert error.value.reason == "web_page"
