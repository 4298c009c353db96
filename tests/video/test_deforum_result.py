"""A film of a server counts when it holds what was asked, and never otherwise."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.video.deforum.result import Film, check, fetch
from motet.video.errors import VideoError
from video.deforum_server import film

NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize("fps", [Fraction(24), Fraction(25, 2), NTSC])
@pytest.mark.parametrize("frames", [1, 2, 31])
def test_a_film_is_counted_measured_and_timed(tmp_path: Path, fps: Fraction, frames: int) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(film(frames, 64, 48, fps))
    assert check(path, frames=frames, size=(64, 48), fps=fps) == Film(frames, (64, 48), fps, path.stat().st_size)


@pytest.mark.parametrize(
    "frames, size, fps, reason",
    [
        (9, (64, 48), NTSC, "wrong_frames"),
        (11, (64, 48), NTSC, "wrong_frames"),
        (10, (48, 64), NTSC, "wrong_size"),
        (10, (64, 48), Fraction(24), "wrong_rate"),
        (10, (64, 48), Fraction(60), "wrong_rate"),
    ],
)
def test_a_film_of_something_else_is_refused(
    tmp_path: Path, frames: int, size: tuple[int, int], fps: Fraction, reason: str
) -> None:
    (tmp_path / "film.mp4").write_bytes(film(10, 64, 48, NTSC))
    with pytest.raises(VideoError) as refused:
        check(tmp_path / "film.mp4", frames=frames, size=size, fps=fps)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "data",
    [b"", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile film.mp4\n", b"\0" * 5000, b"RIFF" * 99],
)
def test_what_is_no_film_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "film.mp4").write_bytes(data)
    with pytest.raises(VideoError) as refused:
        check(tmp_path / "film.mp4", frames=10, size=(64, 48), fps=Fraction(24))
    assert refused.value.reason == "unreadable_film"
    with pytest.raises(VideoError) as refused:
        check(tmp_path, frames=10, size=(64, 48), fps=Fraction(24))
    assert refused.value.reason == "no_film"


@given(st.data())
def test_a_damaged_film_is_refused_or_still_whole(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.mp4"
    whole = bytearray(film(10, 64, 48, Fraction(24)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        found = str(check(path, frames=10, size=(64, 48), fps=Fraction(24)).frames)
    except VideoError as refused:
        found = refused.reason
    assert found in ("10", "unreadable_film", "wrong_frames", "wrong_size", "wrong_rate")


def test_pictures_of_an_unknown_codec_are_none(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(film(10, 64, 48, Fraction(24)).replace(b"avc1", b"avc\0"))
    with pytest.raises(VideoError, match="holds no pictures"):
        check(tmp_path / "film.mp4", frames=10, size=(64, 48), fps=Fraction(24))


def test_what_a_killed_process_left_of_a_film_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".film.mp4.tmp").write_bytes(b"half")
    (tmp_path / "film.mp4").write_bytes(film(10, 64, 48, Fraction(24)))
    fetch(tmp_path / "film.mp4", tmp_path / "out" / "film.mp4", frames=10, size=(64, 48), fps=Fraction(24))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["film.mp4"]


def test_a_film_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xff"))  # no UTF-8
    source, to = tmp_path / "theirs.mp4", folder / "ours.mp4"
    source.write_bytes(film(10, 64, 48, Fraction(24)))
    assert fetch(source, to, frames=10, size=(64, 48), fps=Fraction(24)).bytes == to.stat().st_size
    before = to.read_bytes()
    source.write_bytes(film(9, 64, 48, Fraction(24)))
    with pytest.raises(VideoError):
        fetch(source, to, frames=10, size=(64, 48), fps=Fraction(24))
    with pytest.raises(VideoError):
        fetch(tmp_path / "none.mp4", to, frames=10, size=(64, 48), fps=Fraction(24))
    assert to.read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["ours.mp4"]
