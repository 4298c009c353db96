"""Shots found where they were put, and not where only light and movement change; looks of films whose looks are known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from motet.film.errors import FilmError
from motet.film.pictures import HUES, Shot, look_at, shots, snap
from motet.video.footage import open_footage
from video.plain_films import encode, texture

FPS = 24
Floats = npt.NDArray[np.float32]


def place(seed: int, side: int = 320) -> Floats:
    """A coloured place: (side, side, 3)."""
    tint = np.random.default_rng(seed).uniform(0.3, 1.2, 3)
    return np.clip(texture(side, seed, 20, 210)[:, :, None] * tint, 0, 255).astype(np.float32)


def scene(seed: int, frames: int, across: float = 0.0) -> list[Floats]:
    """96 x 64 pixels of a place, the camera going to the right by so many pixels a picture."""
    wide = place(seed)
    start = 20 if across >= 0 else 200
    return [wide[40:104, start + round(across * number) :][:, :96] for number in range(frames)]


@dataclass(frozen=True)
class Seen:
    seconds: float
    planes: npt.NDArray[np.uint8]


def told(images: list[Floats], fps: float = FPS, moments: list[float] | None = None) -> list[tuple[int, str]]:
    """The first pictures of the shots after the first, and how they begin."""

    def pictures() -> Iterator[Seen]:
        for number, image in enumerate(images):
            luma = image @ np.array([0.2126, 0.7152, 0.0722], np.float32)
            planes = np.stack([luma, 128 + (image[..., 2] - luma) / 1.8556, 128 + (image[..., 0] - luma) / 1.5748])
            yield Seen(moments[number] if moments else number / fps, np.clip(np.rint(planes), 0, 255).astype(np.uint8))

    found = shots(pictures())
    times = np.array(moments) if moments else np.arange(len(images)) / fps
    assert found[0].kind == "begin"
    assert [shot.end for shot in found[:-1]] == [shot.start for shot in found[1:]]
    return [(int(np.argmin(np.abs(times - shot.start))), shot.kind) for shot in found[1:]]


def mixed(one: list[Floats], other: list[Floats], length: int) -> list[Floats]:
    """The end of one dissolved into the begin of the other."""
    parts = (np.arange(length) + 0.5) / length
    between = [a * (1 - part) + b * part for a, b, part in zip(one[-length:], other[:length], parts, strict=True)]
    return [*one[:-length], *between, *other[length:]]


@pytest.mark.parametrize("fps", [12, 24, 60])
@pytest.mark.parametrize("across", [0.0, 1.5])
def test_cuts_are_found_to_the_picture(fps: int, across: float) -> None:
    images = [*scene(1, 40, across), *scene(2, 31, across), *scene(3, 44, -0.2)]
    assert told(images, fps) == [(40, "cut"), (71, "cut")]


def test_cuts_are_found_in_the_dark() -> None:
    random = np.random.default_rng(3)
    images = [image * 0.08 + random.normal(0, 1, image.shape) for image in [*scene(1, 40), *scene(2, 40)]]
    assert told(images) == [(40, "cut")]


def test_cuts_are_found_where_pictures_come_irregularly() -> None:
    moments = np.cumsum(np.random.default_rng(5).choice([1 / 60, 1 / 24, 1 / 12], 90)).tolist()
    assert told([*scene(1, 50, 1.0), *scene(2, 40)], moments=moments) == [(50, "cut")]


def test_cuts_are_found_between_held_pictures() -> None:
    """Drawn films show each picture twice."""
    drawn = [*scene(1, 24, 3.0), *scene(2, 24, 3.0)]
    assert told([image for image in drawn for _ in range(2)]) == [(48, "cut")]


def pan() -> list[Floats]:
    return scene(1, 100, 2.0)


def shake() -> list[Floats]:
    wide, random = place(1), np.random.default_rng(2)
    return [wide[y : y + 64, x : x + 96] for y, x in random.integers(36, 44, (100, 2))]


def flashes() -> list[Floats]:
    return [image * 0.2 + 200 if number in (20, 21, 50, 51, 52, 80) else image for number, image in enumerate(scene(1, 100))]


def strobe() -> list[Floats]:
    return [image * (0.1 if number // 3 % 2 else 1.0) for number, image in enumerate(scene(1, 100, 0.5))]


def light_switched() -> list[Floats]:
    return [image * (0.4 if 30 <= number < 70 else 1.0) for number, image in enumerate(scene(1, 100))]


def subtitles() -> list[Floats]:
    images = [image.copy() for image in scene(1, 100)]
    for image in [*images[20:40], *images[60:90]]:
        image[50:60, 20:76] = 240
    return images


def noise() -> list[Floats]:
    random = np.random.default_rng(4)
    return [random.uniform(0, 255, (64, 96, 3)).astype(np.float32) for _ in range(100)]


def one_colour() -> list[Floats]:
    return [np.full((64, 96, 3), 90, np.float32)] * 100


@pytest.mark.parametrize("film", [pan, shake, flashes, strobe, light_switched, subtitles, noise, one_colour])
def test_one_shot_stays_one(film: Callable[[], list[Floats]]) -> None:
    assert told(film()) == []


@pytest.mark.parametrize("colour", [0.0, 255.0], ids=["black", "white"])
@pytest.mark.parametrize("length", [8, 20])
def test_a_fade_through_a_colour_is_one_bound_in_its_middle(colour: float, length: int) -> None:
    plain = [np.full((64, 96, 3), colour, np.float32)]
    one, other = scene(1, 60), scene(2, 60)
    [(at, kind)] = told([*mixed(one, plain * length, length), *plain * 5, *mixed(plain * length, other, length)])
    assert kind == "fade"
    assert at == pytest.approx(62, abs=2)


@pytest.mark.parametrize("length", [10, 24, 48])
def test_a_dissolve_is_a_bound_where_it_is_half_done(length: int) -> None:
    [(at, kind)] = told(mixed(scene(1, 90), scene(2, 90), length))
    assert kind == "dissolve"
    assert at == pytest.approx(90 - length / 2, abs=3)


def test_a_film_may_begin_and_end_in_black() -> None:
    black = [np.zeros((64, 96, 3), np.float32)]
    assert told([*black * 20, *mixed(black * 12, scene(1, 60), 12)]) == []
    assert told([*mixed(scene(1, 60), black * 12, 12), *black * 30]) == []


def test_no_pictures_no_shots() -> None:
    assert shots([]) == []


spans = some.tuples(some.floats(0, 50), some.floats(0, 50)).map(sorted)


@settings(max_examples=100, deadline=None)
@given(spans, some.lists(some.floats(0, 50), max_size=8), some.floats(0, 10))
def test_a_snapped_clip_never_grows_and_moves_little(span: list[float], cuts: list[float], within: float) -> None:
    start, end = span
    edges = sorted({0.0, *cuts, 50.0})
    cut = [Shot(a, b, "cut", 1.0) for a, b in pairwise(edges)]
    begin, stop = snap(start, end, cut, within=within)
    assert start <= begin <= stop <= end
    assert begin - start <= within + 1e-9
    assert end - stop <= within + 1e-9
    assert begin == start or begin in edges
    assert stop == end or stop in edges


def test_a_clip_is_moved_to_the_nearest_bound_in_reach() -> None:
    cut = [Shot(0, 2, "begin", 0), Shot(2, 2.5, "cut", 1), Shot(2.5, 9, "cut", 1), Shot(9, 20, "fade", 1)]
    assert snap(1.5, 9.4, cut, within=1.0) == (2, 9)
    assert snap(1.5, 9.4, cut, within=0.3) == (1.5, 9.4)
    assert snap(8.8, 9.2, cut, within=1.0) == (8.8, 9.2)
    for bad in ((3.0, 2.0, 1.0), (float("nan"), 2.0, 1.0), (0.0, 2.0, -1.0), (0.0, 2.0, float("nan"))):
        with pytest.raises(ValueError, match=r"span|moved"):
            snap(bad[0], bad[1], cut, within=bad[2])


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five scenes of two seconds, a key picture a minute: cuts at 2, 4, 6 and 8 s."""
    images = [image.astype(np.uint8) for seed in range(5) for image in scene(seed, 48, 0.5)]
    return encode(tmp_path_factory.mktemp("film") / "film.mp4", images, g="1440", keyint_min="1440", sc_threshold="0")


def test_a_span_is_exact_to_the_picture_and_cut_as_the_whole_film(joined: Path) -> None:
    whole = look_at(joined, 0, float("inf"))
    assert whole.frames == 5 * 48
    assert [shot.start for shot in whole.shots] == pytest.approx([2 * n for n in range(5)])
    for start, end in ((3.0, 7.0), (1.99, 4.05), (6.0, 8.0), (9.5, 99.0)):
        span = look_at(joined, start, end)
        inside = [n for n in range(240) if start - 1e-9 <= n / 24 < min(end, 10) - 1e-9]
        assert (span.frames, span.start) == (len(inside), pytest.approx(inside[0] / 24))
        assert span.end == pytest.approx((inside[-1] + 1) / 24)
        assert span.steady
        expected = [shot.start for shot in whole.shots if span.start < shot.start < span.end]
        assert [shot.start for shot in span.shots[1:]] == pytest.approx(expected)
        assert (span.shots[0].start, span.shots[-1].end) == (span.start, span.end)
    assert look_at(joined, 6.0, 8.0).shots[0].kind == "cut"
    assert look_at(joined, 6.5, 8.0).shots[0].kind == "begin"


def test_the_same_span_of_many_kinds_of_file(joined: Path, tmp_path: Path) -> None:
    images = [image.astype(np.uint8) for seed in range(4) for image in scene(seed, 48, 0.5)]
    for name, options in (("a.mkv", {"bf": "2"}), ("b.webm", {"codec": "libvpx"}), ("c.avi", {"codec": "mpeg4"}), ("d.ts", {})):
        path = encode(tmp_path / name, images, g="24", **options)  # type: ignore[arg-type]
        span = look_at(path, 3.0, 5.0)
        assert (name, span.frames) == (name, 48)
        assert [shot.start for shot in span.shots] == pytest.approx([3.0, 4.0], abs=0.002)


def test_shots_of_footage_are_those_of_the_span(joined: Path) -> None:
    with open_footage(joined) as footage:
        found = shots(footage.pictures())
    assert [(shot.start, shot.kind) for shot in found] == [(shot.start, shot.kind) for shot in look_at(joined, 0, 99).shots]


def test_a_span_outside_of_the_film_is_told(joined: Path) -> None:
    with pytest.raises(FilmError) as error:
        look_at(joined, 20, 30)
    assert error.value.reason == "past_end"
    for start, end in ((3.0, 3.0), (5.0, 4.0), (float("nan"), 4.0), (float("inf"), float("inf"))):
        with pytest.raises(ValueError, match="span"):
            look_at(joined, start, end)


def looks(path: Path, images: list[Any]) -> Any:
    shown = [np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in images]
    return look_at(encode(path / "film.mp4", shown, crf=10), 0, 99).looks


@pytest.mark.parametrize("number, colour", enumerate(
    [(230, 30, 30), (230, 180, 30), (120, 220, 30), (30, 220, 80), (30, 220, 220), (30, 90, 220), (130, 30, 220), (220, 30, 180)]
))  # fmt: skip
def test_colours_are_told(number: int, colour: tuple[int, int, int], tmp_path: Path) -> None:
    image = np.zeros((64, 96, 3)) + colour
    told = looks(tmp_path, [image] * 6)
    assert HUES[int(np.argmax(told.hues))] == HUES[number]
    assert sum(told.hues) == pytest.approx(1)
    assert told.saturation > 0.8
    assert (told.warm > 0.9) == (number in (0, 1))
    assert (told.warm < 0.1) == (number in (4, 5))


def test_gray_has_no_colour_and_light_is_told(tmp_path: Path) -> None:
    half = np.zeros((64, 96, 3))
    half[:, 48:] = 255
    told = looks(tmp_path, [half] * 6)
    assert told.brightness == pytest.approx(0.5, abs=0.02)
    assert told.contrast == pytest.approx(0.5, abs=0.02)
    assert (told.warm, sum(told.hues)) == (0.5, 0)
    assert told.colourfulness < 3
    assert told.saturation < 0.03


def test_colourfulness_follows_its_definition(tmp_path: Path) -> None:
    """Hasler and Süsstrunk's M̂3 of the picture itself, at its own size; the measured one is of a smaller picture."""
    image = np.zeros((64, 96, 3))
    image[:32, :48], image[32:, :48], image[:, 48:] = (200, 40, 40), (40, 160, 60), (60, 60, 190)
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    opponent, other = red - green, (red + green) / 2 - blue
    expected = np.hypot(opponent.std(), other.std()) + 0.3 * np.hypot(opponent.mean(), other.mean())
    assert looks(tmp_path, [image] * 6).colourfulness == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize("across", [0.0, 0.25, 1.0, 2.0])
def test_a_pan_moves_as_fast_as_it_is(across: float, tmp_path: Path) -> None:
    """In picture widths a second; the picture goes to the left when the camera goes to the right."""
    wide = place(1, 640)
    fine = [np.asarray(wide[40:232, 20 + round(3 * across * number) :][:, :288]) for number in range(48)]
    told = looks(tmp_path, fine)
    speed = across * FPS / 96
    assert told.motion == pytest.approx(speed, rel=0.12, abs=0.015)
    assert told.across == pytest.approx(-speed, rel=0.12, abs=0.015)
    assert told.down == pytest.approx(0, abs=0.01)
    assert told.motion_peak == pytest.approx(speed, rel=0.3, abs=0.02)
    assert (told.stillness > 0.9) == (across == 0)


def test_shots_a_minute(joined: Path) -> None:
    assert look_at(joined, 0, 10).looks.shot_rate == pytest.approx(4 * 60 / 10)
    assert look_at(joined, 0.5, 1.5).looks.shot_rate == 0
