"""What a film is, told from its time stamps, and what is wrong with the files that are none."""

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from motet.film.errors import FilmError
from motet.film.pictures import facts as room
from motet.film.pictures import film_facts, look_at
from motet.video import footage
from video.plain_films import RATE, encode

GRAY = [np.full((48, 64), 40 + 4 * number, np.uint8) for number in range(30)]
RESTLESS = [np.random.default_rng(number).integers(0, 255, (64, 64), np.uint8) for number in range(96)]
HISS = (0.1 * np.random.default_rng(1).standard_normal(4 * RATE)).astype(np.float32)


def reason(path: Path) -> str:
    with pytest.raises(FilmError) as error:
        film_facts(path)
    assert path.name in error.value.detail
    return error.value.reason


@pytest.mark.parametrize("fps", [12, 24, Fraction(24000, 1001), 30, 60])
@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_facts_of_a_steady_film(fps: int | Fraction, name: str, tmp_path: Path) -> None:
    told = film_facts(encode(tmp_path / name, GRAY, fps=fps, sound=HISS[: RATE // 2]))
    assert (told.width, told.height, told.codec, told.has_sound, told.steady) == (64, 48, "h264", True, True)
    assert told.fps == fps
    assert told.frames == 30
    assert told.seconds == pytest.approx(30 / fps, abs=0.002)
    assert told.remarks == ()


def test_a_silent_film_has_no_sound(tmp_path: Path) -> None:
    told = film_facts(encode(tmp_path / "film.mp4", GRAY))
    assert (told.has_sound, told.sound_start) == (False, 0.0)


def test_uneven_pictures_make_a_film_unsteady(tmp_path: Path) -> None:
    stamps = [0, 1, 2, 5, 6, 7, 12, 13, 14, 15]
    for name in ("film.mp4", "film.mkv"):
        told = film_facts(encode(tmp_path / name, GRAY[:10], stamps=stamps))
        assert not told.steady
        assert told.frames == 10
        assert told.seconds == pytest.approx(16 / 24, abs=0.1)


@pytest.mark.parametrize("delay", [-0.2, 0.0, 0.3])
@pytest.mark.parametrize("name", ["film.mkv", "film.mov"])
def test_the_sound_starts_where_its_stamps_say(delay: float, name: str, tmp_path: Path) -> None:
    """Sound before or after the first picture: edit lists in QuickTime, plain stamps in Matroska."""
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        seen: Any = container.add_stream("libx264", rate=25)
        seen.width, seen.height, seen.pix_fmt = 64, 48, "yuv420p"
        heard: Any = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        packets = []
        for number, image in enumerate(GRAY):
            frame = av.VideoFrame.from_ndarray(image, "gray")
            frame.pts, frame.time_base = number + 10, Fraction(1, 25)
            packets += seen.encode(frame)
        packets += seen.encode(None)
        for at in range(0, RATE, 1024):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), "s16", "mono")
            sound.sample_rate, sound.pts, sound.time_base = RATE, at + round((0.4 + delay) * RATE), Fraction(1, RATE)
            packets += heard.encode(sound)
        packets += heard.encode(None)
        for packet in sorted(packets, key=lambda one: float(one.dts * one.time_base)):
            container.mux(packet)
    assert film_facts(path).sound_start == pytest.approx(delay, abs=0.0015)


def test_facts_and_footage_begin_the_sound_alike(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mp4", GRAY, sound=HISS[:RATE])
    track = footage.soundtrack(path)
    assert track is not None
    assert film_facts(path).sound_start == pytest.approx(track.start, abs=1e-6)


def test_pictures_decoded_out_of_order_are_counted_from_the_first_shown(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mp4", RESTLESS[:30], bf="3", g="30")
    told = film_facts(path)
    assert (told.frames, told.steady, told.seconds) == (30, True, pytest.approx(30 / 24, abs=1e-3))
    assert look_at(path, 0, 9).frames == 30


def shifted(path: Path, ticks: int) -> bytes:
    """The MP4 file with an edit list that begins so many ticks of its picture's clock later."""
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    begins = struct.unpack(">i", data[at + 12 : at + 16])[0]
    data[at + 12 : at + 16] = struct.pack(">i", begins + ticks)
    return bytes(data)


def test_pictures_before_the_cut_of_an_edit_list_are_not_shown(tmp_path: Path) -> None:
    whole = encode(tmp_path / "film.mp4", GRAY, g="5")
    with av.open(str(whole)) as container:
        per_picture = round(1 / (24 * container.streams.video[0].time_base))  # type: ignore[operator]
    path = tmp_path / "edited.mp4"
    path.write_bytes(shifted(whole, 6 * per_picture))
    told, span = film_facts(path), look_at(path, 0, 9)
    assert told.frames == span.frames == 24
    assert told.seconds == pytest.approx(1.0, abs=0.01)
    first = next(iter(footage_lumas(path)))
    assert first == pytest.approx(footage_lumas(whole)[6], abs=1)


def footage_lumas(path: Path) -> list[float]:
    with footage.open_footage(path) as open_film:
        container = open_film._container
        return [float(frame.to_ndarray()[:48].mean()) for frame in container.decode(video=0)]


@pytest.mark.parametrize("start", [-2, 90_000])
def test_a_clock_may_start_anywhere(start: int, tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mkv", GRAY, stamps=[start + number for number in range(30)], avoid_negative_ts="disabled")
    told = film_facts(path)
    assert told.frames == 30
    assert told.seconds == pytest.approx(1.25, abs=0.01)
    assert look_at(path, 0.5, 0.75).frames == 6


def test_a_turned_picture_says_so(tmp_path: Path) -> None:
    """A telephone held upright: a matrix in the file turns the picture."""
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(-90)
        for number, image in enumerate(GRAY):
            frame = av.VideoFrame.from_ndarray(image, "gray")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    told = film_facts(path)
    assert (told.width, told.height, told.turned) == (64, 48, 90)
    assert any("90 degrees" in remark for remark in told.remarks)


def test_one_picture_is_a_film(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mp4", GRAY[:1])
    told, span = film_facts(path), look_at(path, 0, float("inf"))
    assert (told.frames, told.steady, told.seconds) == (1, True, pytest.approx(1 / 24, abs=1e-3))
    assert (span.frames, len(span.shots)) == (1, 1)


def test_tags_are_told_clean(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as container:
        container.metadata.update({"title": "Rain\nand  \x1b[31mSong", "DATE": "1952", "copyright": "public domain"})
        stream: Any = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        container.mux([*stream.encode(av.VideoFrame.from_ndarray(GRAY[0], "gray")), *stream.encode(None)])
    tags = film_facts(path).tags
    assert (tags["title"], tags["date"], tags["copyright"]) == ("Rain and [31mSong", "1952", "public domain")


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    film = encode(tmp_path / "good.mp4", GRAY).read_bytes()
    png = io.BytesIO()
    with av.open(png, "w", format="image2pipe") as container:
        still: Any = container.add_stream("png", rate=1)
        still.width, still.height, still.pix_fmt = 64, 48, "rgb24"
        frame = av.VideoFrame.from_ndarray(GRAY[0], "gray").reformat(format="rgb24")
        container.mux([*still.encode(frame), *still.encode(None)])
    files = {
        "empty": b"",
        "web_page": b"<!DOCTYPE html><html><body>404</body></html>",
        "lfs_pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n",
        "truncated": film[:-200],
        "not_video": png.getvalue(),
    }
    for name, data in files.items():
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(data)
        assert reason(path) == name
    (tmp_path / "text.mp4").write_text("This is no film, but a text of some length, which goes on for a while.\n" * 40)
    assert reason(tmp_path / "text.mp4") == "not_video"
    assert reason(tmp_path / "nowhere.mp4") == "missing"
    (tmp_path / "folder.mp4").mkdir()
    assert reason(tmp_path / "folder.mp4") == "not_a_file"


def song(path: Path, *, cover: bool) -> Path:
    with av.open(str(path), "w") as container:
        heard: Any = container.add_stream("aac", rate=RATE, layout="mono")
        still: Any = container.add_stream("mjpeg", rate=1) if cover else None
        if still:
            from av.stream import Disposition

            still.width, still.height, still.pix_fmt, still.disposition = 64, 48, "yuvj420p", Disposition.attached_pic
        for at in range(0, RATE, 1024):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
            container.mux(heard.encode(frame))
        container.mux(heard.encode(None))
        if still:
            container.mux([*still.encode(av.VideoFrame.from_ndarray(GRAY[0], "gray")), *still.encode(None)])
    return path


@pytest.mark.parametrize("cover", [True, False])
def test_a_song_with_or_without_a_cover_is_no_film(cover: bool, tmp_path: Path) -> None:
    assert reason(song(tmp_path / "song.mp4", cover=cover)) == "no_picture"


@pytest.mark.parametrize("name", ["front.mp4", "film.mkv", "film.avi", "film.flv"])
@pytest.mark.parametrize("sound", [True, False])
def test_a_film_cut_in_the_middle_is_told(name: str, sound: bool, tmp_path: Path) -> None:
    """An index at the front promises more than is there."""
    whole = encode(tmp_path / f"whole.{name}", RESTLESS, sound=HISS if sound else None)
    if name == "front.mp4":
        front = tmp_path / "moved.mp4"
        with av.open(str(whole)) as source, av.open(str(front), "w", options={"movflags": "+faststart"}) as container:
            copies = {stream.index: container.add_stream_from_template(stream) for stream in source.streams}
            for packet in source.demux():
                if packet.dts is not None:
                    packet.stream = copies[packet.stream_index]
                    container.mux(packet)
        whole = front
    path = tmp_path / name
    assert film_facts(whole).frames == 96
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert reason(path) == "truncated"


def test_a_film_that_is_too_long_or_too_small_is_left(tmp_path: Path) -> None:
    path = encode(tmp_path / "film.mp4", GRAY)
    with pytest.raises(FilmError, match="longer than") as error:
        film_facts(path, longest=1.0)
    assert error.value.reason == "too_long"
    assert reason(encode(tmp_path / "tiny.mp4", [image[:4, :4] for image in GRAY])) == "odd_size"


def test_of_a_large_file_some_stretches_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of files beyond a gibibyte; the answers are those of the whole."""
    images: list[npt.NDArray[np.uint8]] = [np.full((48, 64), number % 200, np.uint8) for number in range(2400)]
    for name, frames in (("film.mp4", 2400), ("film.mkv", 2400)):
        path = encode(tmp_path / name, images[:frames], g="24")
        monkeypatch.undo()
        whole = film_facts(path)
        monkeypatch.setattr(room, "WHOLE", 1000)
        monkeypatch.setattr(room, "STRETCH", 60)
        told = film_facts(path)
        assert told.frames is None
        assert (told.fps, told.steady, told.seconds) == (whole.fps, whole.steady, pytest.approx(whole.seconds, abs=0.002))
        cut = tmp_path / f"cut.{name}"
        if name == "film.mkv":
            cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
            assert reason(cut) == "truncated"


def test_damage_is_told_or_harmless(tmp_path: Path) -> None:
    """Whatever bytes are turned over, the answers are facts and a span, or FilmErrors."""
    random = np.random.default_rng(7)
    for name in ("film.mp4", "film.mkv"):
        good = encode(tmp_path / name, GRAY, sound=HISS[:RATE]).read_bytes()
        for _ in range(25):
            data = bytearray(good)
            for place in random.integers(0, len(data), 8):
                data[place] = int(random.integers(256))
            path = tmp_path / f"damaged.{name}"
            path.write_bytes(data)
            assert answer(lambda path=path: film_facts(path).seconds, path) >= 0
            assert answer(lambda path=path: look_at(path, 0.3, 0.9).end, path) >= 0


def answer(ask: Callable[[], float], path: Path) -> float:
    """A number, or 0 for an error that names the file."""
    try:
        return ask()
    except FilmError as error:
        return 0.0 if path.name in error.detail and error.reason.isidentifier() else -1.0
