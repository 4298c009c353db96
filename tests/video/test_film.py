"""Films are what was asked for, whole or not there, and the same bytes every time."""

import os
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as some

from motet.video.errors import VideoError
from motet.video.film import Filmed, Picture, write

RATE = 48000


def pictures(count: int, size: tuple[int, int] = (64, 64)) -> Iterator[Picture]:
    """A light bar that goes down over a dark ground, a row a picture."""
    width, height = size
    for number in range(count):
        picture = Picture(np.full((height * 3 // 2, width), 128, np.uint8))
        picture.luma[:] = 40
        picture.luma[number % height] = 220
        yield picture


def click(at: int, length: int, channels: int = 1) -> npt.NDArray[np.float32]:
    """Silence with one short ring at a frame."""
    sound = np.zeros((length, channels), np.float32)
    ring = np.exp(-np.arange(200) / 40) * np.sin(np.arange(200) * 0.9)
    sound[at : at + 200] = 0.8 * ring[: length - at, None]
    return sound


def heard(path: Path) -> npt.NDArray[np.float32]:
    """The soundtrack as a player gives it: (channels, frames), silence before its first time stamp."""
    with av.open(os.fspath(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        start = round((frames[0].pts or 0) * (stream.time_base or 0) * stream.rate)
        sound = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    return np.pad(sound, ((0, 0), (max(start, 0), 0)))[:, max(-start, 0) :]


def planes(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """Its three planes, one below another."""
    return frame.to_ndarray().astype(np.uint8)


def seen(path: Path) -> tuple[list[Fraction], list[npt.NDArray[np.uint8]]]:
    """When each picture is shown, and its luma."""
    with av.open(os.fspath(path)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
        found = [(Fraction(frame.pts or 0) * (stream.time_base or 0), planes(frame)[: stream.height]) for frame in frames]
    return [time for time, _ in found], [luma for _, luma in found]


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(30), Fraction(30000, 1001), Fraction(25, 2)])
def test_every_picture_stands_at_its_moment(tmp_path: Path, fps: Fraction) -> None:
    filmed = write(tmp_path / "film.mp4", pictures(31), fps=fps, size=(64, 64))
    times, lumas = seen(tmp_path / "film.mp4")
    assert filmed == Filmed(31, float(31 / fps), 64, 64, fps, (tmp_path / "film.mp4").stat().st_size)
    assert all(abs(time - number / fps) < Fraction(1, 10000) for number, time in enumerate(times))
    assert [int(luma.astype(int).mean(axis=1).argmax()) for luma in lumas] == list(range(31))


@pytest.mark.parametrize("rate, channels", [(48000, 1), (44100, 2), (32000, 1), (22050, 2), (16000, 1)])
def test_a_sound_is_heard_where_it_was_put(tmp_path: Path, rate: int, channels: int) -> None:
    at = rate // 2 + 77
    sound = click(at, 3 * rate, channels)
    write(tmp_path / "film.mp4", pictures(48), fps=Fraction(24), size=(64, 64), sound=(sound, rate))
    found = heard(tmp_path / "film.mp4")
    alike = [float(found[0, at + late : at + late + 200] @ sound[at : at + 200, 0]) for late in range(-100, 101)]
    assert abs(int(np.argmax(alike)) - 100) <= 1  # frames: the encoder's own delay of 1024 is made good
    assert found.shape[0] == channels


@pytest.mark.parametrize("given_seconds", [0.0, 0.3, 2.0, 5.0])
def test_the_sound_is_as_long_as_the_pictures(tmp_path: Path, given_seconds: float) -> None:
    sound = np.full((round(given_seconds * RATE), 1), 0.25, np.float32)
    write(tmp_path / "film.mp4", pictures(50), fps=Fraction(25), size=(64, 64), sound=(sound, RATE))
    with av.open(os.fspath(tmp_path / "film.mp4")) as container:
        audio, video = container.streams.audio[0], container.streams.video[0]
        for stream in (audio, video):
            assert (stream.duration or 0) * (stream.time_base or 0) == 2
    assert abs(heard(tmp_path / "film.mp4").shape[1] - 2 * RATE) < 1024


def test_a_rate_that_aac_does_not_know_is_resampled(tmp_path: Path) -> None:
    write(tmp_path / "film.mp4", pictures(24), fps=Fraction(24), size=(64, 64), sound=(click(5000, 10000), 10000))
    with av.open(os.fspath(tmp_path / "film.mp4")) as container:
        assert container.streams.audio[0].rate == 48000
    assert abs(int(np.argmax(np.abs(heard(tmp_path / "film.mp4"))[0] > 0.4)) / 48000 - 0.5) < 0.005


def test_the_same_film_is_the_same_bytes(tmp_path: Path) -> None:
    sound = click(3000, RATE)
    for name in ("one.mp4", "two.mp4"):
        write(tmp_path / name, pictures(24, (96, 64)), fps=Fraction(24), size=(96, 64), sound=(sound, RATE))
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_pictures_may_be_rgb_and_keep_their_colours(tmp_path: Path) -> None:
    red = np.zeros((64, 96, 3), np.uint8)
    red[:, :48] = 200, 30, 20
    write(tmp_path / "film.mp4", [red] * 5, fps=Fraction(24), size=(96, 64))
    with av.open(os.fspath(tmp_path / "film.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.colorspace, stream.color_range) == (1, 1)
        shown = Picture(planes(next(container.decode(stream)))).rgb()
    assert np.abs(shown[8:-8, 8:40].astype(int) - (200, 30, 20)).max() < 8
    assert shown[8:-8, 56:88].max() < 8


def test_a_film_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Iterator[Picture]:
        yield from pictures(3)
        raise RuntimeError("the painter fell ill")

    (tmp_path / "film.mp4").write_bytes(b"an older film")
    with pytest.raises(RuntimeError, match="ill"):
        write(tmp_path / "film.mp4", broken(), fps=Fraction(24), size=(64, 64), sound=(click(0, RATE), RATE))
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]
    assert (tmp_path / "film.mp4").read_bytes() == b"an older film"


@pytest.mark.parametrize("name", ["film.mp4", "a b%d #1?.mp4", "über–Film 日本.mp4", "x" * 251 + ".mp4", "no suffix"])
def test_any_name_will_do(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, pictures(3), fps=Fraction(24), size=(64, 64))
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_name_or_a_folder_that_is_not_utf_8_will_do(tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    write(folder / os.fsdecode(b"\xff.mp4"), pictures(3), fps=Fraction(24), size=(64, 64))
    assert [os.fsencode(path.name) for path in folder.iterdir()] == [b"\xff.mp4"]


@pytest.mark.parametrize(
    "reason, changed",
    [
        ("wrong_size", {"size": (63, 64)}),
        ("wrong_size", {"size": (32, 64)}),
        ("wrong_size", {"size": (64, 5000)}),
        ("wrong_rate", {"fps": Fraction(0)}),
        ("wrong_rate", {"fps": Fraction(1000)}),
        ("no_pictures", {"pictures": []}),
        ("wrong_picture", {"size": (64, 66)}),
        ("wrong_picture", {"pictures": [np.zeros((64, 64), np.uint8)]}),
        ("wrong_picture", {"pictures": [np.zeros((64, 64, 3), np.float32)]}),
        ("wrong_length", {"frames": 9}),
        ("wrong_sound", {"sound": (np.zeros(48000, np.float32), RATE)}),
        ("wrong_sound", {"sound": (np.zeros((48000, 6), np.float32), RATE)}),
        ("wrong_sound", {"sound": (np.zeros((48000, 1), np.float32), 0)}),
        ("wrong_sound", {"sound": (np.full((48000, 1), np.nan, np.float32), RATE)}),
    ],
)
def test_what_cannot_be_filmed_says_why(tmp_path: Path, reason: str, changed: dict[str, object]) -> None:
    asked: dict[str, object] = {"pictures": pictures(4), "fps": Fraction(24), "size": (64, 64), **changed}
    with pytest.raises(VideoError) as caught:
        write(tmp_path / "film.mp4", asked.pop("pictures"), **asked)  # type: ignore[arg-type]
    assert caught.value.reason == reason
    assert not list(tmp_path.iterdir())


@examples(max_examples=8)
@given(
    some.integers(32, 100),
    some.integers(32, 100),
    some.integers(1, 30),
    some.fractions(Fraction(1), Fraction(60), max_denominator=50),
)
def test_any_even_size_any_rate_and_any_length(
    tmp_path_factory: pytest.TempPathFactory, wide: int, tall: int, count: int, fps: Fraction
) -> None:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    size = 2 * wide, 2 * tall
    filmed = write(path, pictures(count, size), fps=fps, size=size, sound=(click(0, RATE), RATE))
    times, lumas = seen(path)
    assert (len(times), filmed.frames) == (count, count)
    assert lumas[0].shape == (size[1], size[0])
    assert all(one < other for one, other in pairwise(times))
