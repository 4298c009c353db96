"""Films read back from their files: what they are, and what is wrong with those that are not."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from motet.video.errors import VideoError
from motet.video.footage import open_footage, soundtrack
from motet.video.sync import look
from video.plain_films import RATE, clicks, encode

GRAY = [np.full((48, 64), 40 + 4 * number, np.uint8) for number in range(30)]


def reason(path: Path) -> str:
    with pytest.raises(VideoError) as error:
        look(path)
    assert path.name in error.value.detail
    return error.value.reason


def told(path: Path) -> int | str:
    """The number of its pictures, or what is wrong with it."""
    try:
        return look(path).frames
    except VideoError as error:
        return error.reason


@pytest.mark.parametrize("fps", [24, 30, Fraction(24000, 1001), Fraction(25, 2)])
def test_a_film_is_counted_and_timed(fps: Fraction, tmp_path: Path) -> None:
    with open_footage(encode(tmp_path / "film.mp4", GRAY, fps=fps)) as footage:
        pictures = list(footage.pictures())
    assert (footage.frames, footage.width, footage.height, footage.codec) == (30, 64, 48, "h264")
    assert footage.fps == fps
    assert footage.steady
    assert not footage.has_sound
    assert [float(picture.seconds) for picture in pictures] == pytest.approx([n / float(fps) for n in range(30)], abs=1e-4)


def test_pictures_are_small_and_in_full_range(tmp_path: Path) -> None:
    wide = np.zeros((180, 320, 3), np.uint8)
    wide[:, 160:] = 255
    with open_footage(encode(tmp_path / "film.mkv", [wide] * 3)) as footage:
        planes = next(footage.pictures()).planes
    assert planes.shape == (3, 54, 96)
    assert planes[0, :, :40].max() <= 3
    assert planes[0, :, 56:].min() >= 252


@pytest.mark.parametrize("name, codec", [("f.mp4", "mpeg4"), ("f.webm", "libvpx"), ("f.avi", "mjpeg"), ("f.mov", "libx264")])
def test_many_kinds_of_film_are_read(name: str, codec: str, tmp_path: Path) -> None:
    assert look(encode(tmp_path / name, GRAY, codec=codec, strict="unofficial")).frames == 30


def test_a_film_of_uneven_pictures_is_read_by_its_time_stamps(tmp_path: Path) -> None:
    stamps = [0, 1, 2, 5, 6, 7, 12, 13, 14, 15]
    images = [np.full((64, 64), 40 if number < 6 else 200, np.uint8) for number in range(10)]
    seen = look(encode(tmp_path / "film.mp4", images, stamps=stamps))
    assert not seen.steady
    assert seen.moments.tolist() == pytest.approx([12 / 24], abs=1e-3)


def test_the_soundtrack_begins_with_the_picture(tmp_path: Path) -> None:
    sound = clicks([0.5], 1.25, np.random.default_rng(1))
    track = soundtrack(encode(tmp_path / "film.mp4", GRAY, sound=sound))
    assert track is not None
    first = np.flatnonzero(np.abs(track.copy) > 0.25 * np.abs(track.copy).max())[0] / track.rate + track.start
    assert first == pytest.approx(0.5, abs=0.003)
    assert track.seconds == pytest.approx(1.25, abs=0.03)
    assert track.peak == pytest.approx(float(np.abs(sound).max()), rel=0.5)


def test_a_film_without_sound_has_none(tmp_path: Path) -> None:
    assert soundtrack(encode(tmp_path / "film.mp4", GRAY)) is None


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    film = encode(tmp_path / "good.mp4", GRAY).read_bytes()
    files = {
        "empty": b"",
        "web_page": b"<!DOCTYPE html><html><body>404</body></html>",
        "lfs_pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n",
        "truncated": film[:-200],
        "not_video": np.random.default_rng(1).bytes(5000),
    }
    for name, data in files.items():
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(data)
        assert reason(path) == name
    assert reason(tmp_path / "nowhere.mp4") == "missing"
    folder = tmp_path / "folder.mp4"
    folder.mkdir()
    assert reason(folder) == "not_a_file"


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    import av

    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        track = container.add_stream("aac", rate=RATE)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.rate = RATE
        container.mux([*track.encode(frame), *track.encode(None)])
    assert reason(path) == "no_picture"


def test_a_film_cut_in_the_middle_is_told(tmp_path: Path) -> None:
    images = [np.random.default_rng(number).integers(0, 255, (64, 64), np.uint8) for number in range(72)]
    for name in ("film.mkv", "film.avi"):
        path = encode(tmp_path / name, images)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert reason(path) in ("truncated", "damaged")


def test_damage_amid_a_film_is_told_or_harmless(tmp_path: Path) -> None:
    """Whatever bytes are turned over, the answer is a Look or a VideoError."""
    good = encode(tmp_path / "film.mp4", GRAY).read_bytes()
    random = np.random.default_rng(7)
    for number in range(40):
        data = bytearray(good)
        for place in random.integers(0, len(data), 6):
            data[place] = int(random.integers(256))
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(data)
        assert told(path) != ""


def test_a_lying_header_is_not_believed(tmp_path: Path) -> None:
    """The count of pictures in the index is raised; the pictures that come are counted."""
    data = bytearray(encode(tmp_path / "film.mp4", GRAY).read_bytes())
    at = data.index(b"stts") + 8
    entries, count, delta = struct.unpack(">III", data[at : at + 12])
    assert (entries, count) == (1, 30)
    data[at + 4 : at + 12] = struct.pack(">II", 1_000_000, delta)
    path = tmp_path / "lie.mp4"
    path.write_bytes(data)
    assert told(path) in (30, "truncated")


def test_a_film_that_is_too_long_is_left(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mp4", GRAY)
    with pytest.raises(VideoError, match="longer than"), open_footage(path, longest=0.5) as footage:
        list(footage.pictures())


def test_a_name_that_is_no_unicode_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f\udcff.mp4"
    encode(tmp_path / "f.mp4", GRAY).rename(path)
    assert look(path).frames == 30
