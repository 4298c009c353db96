"""What is cut out of a film: exactly these pictures, exactly these samples."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from film.numbered_films import CLICKS, RATE, clicks, film, number_in, numbers
from motet.audio.decoding import open_recording
from motet.film.clips import cut_picture, film_sound, recording_sound
from motet.film.errors import FilmError
from motet.render.encoding import encode


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    for suffix in ("mp4", "mkv", "avi", "webm", "ts"):
        film(folder / f"late.{suffix}", 160, late=0.3 if suffix != "avi" else 0.0)
    return folder


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "avi", "webm", "ts"])
@pytest.mark.parametrize(("first", "behind"), [(0, 11), (59, 88), (150, 160)])
def test_a_clip_holds_exactly_the_pictures_of_its_span(films: Path, tmp_path: Path, suffix: str, first: int, behind: int) -> None:
    cut = cut_picture(films / f"late.{suffix}", tmp_path / "clip.mp4", start=first / 25, end=behind / 25, sound="none")
    assert numbers(tmp_path / "clip.mp4") == list(range(first, behind))
    assert (cut.first_frame, cut.frames, cut.fps, cut.steady) == (first, behind - first, 25, True)
    assert (cut.start, cut.end) == pytest.approx((first / 25, behind / 25), abs=1e-9)
    assert (cut.repeated, cut.left_out, cut.rotation, cut.has_sound) == (0, 0, 0, False)


def test_the_first_picture_is_the_first_at_the_start_or_after_it(films: Path, tmp_path: Path) -> None:
    cut = cut_picture(films / "late.mp4", tmp_path / "clip.mp4", start=1.01, end=1.5)
    assert cut.start == pytest.approx(26 / 25)
    assert numbers(tmp_path / "clip.mp4") == list(range(26, 38))


def _lag(sound: np.ndarray, begin: float) -> int:
    """By how many samples the first click of a sound is later than that of the click track from `begin` seconds on."""
    clean = clicks(8.0)[round(begin * RATE) :][: len(sound)]
    correlation = np.fft.irfft(np.fft.rfft(sound, 1 << 18) * np.conj(np.fft.rfft(clean, 1 << 18)))
    at = int(np.argmax(correlation))
    return at if at < 1 << 17 else at - (1 << 18)


# MP4 keeps delays in milliseconds, WebM all moments.
@pytest.mark.parametrize(("suffix", "clock"), [("mp4", 0.001), ("mkv", 0.0001), ("webm", 0.001), ("ts", 0.0001)])
@pytest.mark.parametrize("start", [1.0, 2.44, 5.32])
def test_sound_that_begins_late_is_cut_where_it_is_heard(films: Path, suffix: str, clock: float, start: float) -> None:
    sound, rate = film_sound(films / f"late.{suffix}", start, start + 1, rate=None)
    assert (rate, sound.shape) == (RATE, (RATE, 1))
    assert abs(_lag(sound[:, 0], start - 0.3)) <= clock * RATE


def test_before_late_sound_begins_there_is_silence(films: Path) -> None:
    sound, rate = film_sound(films / "late.mkv", 0.0, 0.5, rate=None)
    assert not sound[: round(0.27 * rate)].any()
    assert np.abs(sound[round(0.3 * rate) :]).max() > 0.2


def test_the_sound_of_a_later_span_is_that_of_an_earlier_longer_one(tmp_path: Path) -> None:
    """Forty seconds in, the film is sought, not read from its beginning: the samples are the same to the last bit."""
    long = film(tmp_path / "long.mkv", 45 * 12, fps=12)
    whole, rate = film_sound(long, 0.0, 44.0, rate=None)
    for start in (38.21, 41.5):
        piece, _ = film_sound(long, start, start + 1.5, rate=None)
        begin = round(start * rate)
        assert np.array_equal(piece, whole[begin : begin + len(piece)])


def test_avi_without_b_frames_keeps_picture_and_sound_together(tmp_path: Path) -> None:
    path = tmp_path / "plain.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"qscale": "2"})
        stream.width, stream.height, stream.pix_fmt = 80, 64, "yuv420p"
        track = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        from film.numbered_films import painted

        sound = (clicks(4.0) * 32767).astype(np.int16)
        for number in range(100):
            frame = av.VideoFrame.from_ndarray(painted(number), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
            heard = av.AudioFrame.from_ndarray(sound[None, number * 1920 : (number + 1) * 1920], "s16", "mono")
            heard.sample_rate, heard.pts, heard.time_base = RATE, number * 1920, Fraction(1, RATE)
            container.mux(track.encode(heard))
        container.mux(stream.encode(None))
    cut = cut_picture(path, tmp_path / "clip.mp4", start=2.0, end=3.0, sound="none")
    assert (numbers(tmp_path / "clip.mp4"), cut.first_frame) == (list(range(50, 75)), 50)
    piece, _ = film_sound(path, 2.0, 3.0, rate=None)
    assert np.array_equal(piece[:, 0], sound[2 * RATE : 3 * RATE] / np.float32(32768))


def test_uneven_pictures_become_even_ones_that_show_what_the_film_shows(tmp_path: Path) -> None:
    stamps = [0, 1, 2, 3, 7, 8, 12, 13, 14, 15, 25, 26, 27, 28, 29, 30]
    path = film(tmp_path / "uneven.mkv", len(stamps), stamps=stamps)
    cut = cut_picture(path, tmp_path / "clip.mp4", start=0.0, end=1.24, sound="none")
    shown = [max(n for n, stamp in enumerate(stamps) if stamp <= moment) for moment in range(31)]
    assert not cut.steady
    assert numbers(tmp_path / "clip.mp4") == shown
    assert (cut.fps, cut.repeated, cut.left_out) == (25, 31 - len(stamps), 0)


def test_another_rate_takes_or_repeats_pictures(films: Path, tmp_path: Path) -> None:
    half = cut_picture(films / "late.mkv", tmp_path / "half.mp4", start=1.0, end=2.0, fps=Fraction(25, 2), sound="none")
    assert numbers(tmp_path / "half.mp4") == list(range(25, 50, 2))[: half.frames]
    assert (half.left_out, half.repeated) == (12, 0)
    twice = cut_picture(films / "late.mkv", tmp_path / "twice.mp4", start=1.0, end=2.0, fps=Fraction(50), sound="none")
    assert numbers(tmp_path / "twice.mp4") == [25 + n // 2 for n in range(50)]
    assert (twice.frames, twice.seconds, twice.repeated) == (50, 1.0, 25)


def test_the_same_clip_is_the_same_bytes(films: Path, tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        cut_picture(films / "late.mp4", tmp_path / name, start=1.0, end=3.0)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()


def test_the_sound_of_a_clip_begins_with_its_first_picture(films: Path, tmp_path: Path) -> None:
    cut = cut_picture(films / "late.mp4", tmp_path / "clip.mp4", start=2.0, end=4.0)
    assert cut.has_sound
    sound, _ = film_sound(tmp_path / "clip.mp4", 0.0, 2.0, rate=None)
    assert abs(_lag(sound[:, 0], 2.0 - 0.3)) <= 0.001 * RATE


def test_sound_of_ones_own_is_put_under_a_clip(films: Path, tmp_path: Path) -> None:
    own = clicks(1.0)[:, None]
    cut_picture(films / "late.mp4", tmp_path / "clip.mp4", start=2.0, end=3.0, sound=(own, RATE))
    heard, _ = film_sound(tmp_path / "clip.mp4", 0.0, 1.0, rate=None)
    assert _lag(heard[:, 0], 0.0) == 0


def _turned(path: Path, to: Path, matrix: tuple[int, int, int, int]) -> Path:
    """The MP4 with another matrix of display in its track header (ISO 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd")
    at += 44 if data[at + 4] == 0 else 56
    a, b, c, d = (value << 16 for value in matrix)
    values = (a, b, 0, c, d, 0, 0, 0, 1 << 30)
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in values)
    to.write_bytes(data)
    return to


@pytest.mark.parametrize(("matrix", "degrees"), [((0, 1, -1, 0), 90), ((-1, 0, 0, -1), 180), ((0, -1, 1, 0), 270)])
def test_a_film_that_is_to_be_turned_is_turned(
    films: Path, tmp_path: Path, matrix: tuple[int, int, int, int], degrees: int
) -> None:
    path = _turned(films / "late.mp4", tmp_path / "turned.mp4", matrix)
    cut = cut_picture(path, tmp_path / "clip.mp4", start=1.0, end=1.2, sound="none")
    assert cut.rotation == degrees
    assert (cut.width, cut.height) == ((64, 80) if degrees % 180 else (80, 64))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        picture = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert number_in(np.rot90(picture, degrees // 90)) == 25


@pytest.mark.parametrize(
    ("size", "box", "shown"),
    [((321, 181), None, (320, 180)), ((320, 180), (160, 160), (160, 90)), ((80, 64), (4096, 4096), (80, 64))],
)
def test_a_picture_is_made_even_and_fits_its_box(
    tmp_path: Path, size: tuple[int, int], box: tuple[int, int] | None, shown: tuple[int, int]
) -> None:
    path = tmp_path / "odd.mkv"
    if size[0] % 2:  # 4:4:4 knows odd sides
        with av.open(str(path), "w") as container:
            stream = container.add_stream("ffv1", rate=25)
            stream.width, stream.height, stream.pix_fmt = *size, "yuv444p"
            from film.numbered_films import painted

            for number in range(4):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(painted(number, size[1], size[0]), "rgb24")))
            container.mux(stream.encode(None))
    else:
        film(path, 4, size=size, silent=True)
    cut = cut_picture(path, tmp_path / "clip.mp4", start=0, end=1, size=box)
    assert (cut.width, cut.height, cut.has_sound) == (*shown, False)
    assert numbers(tmp_path / "clip.mp4") == [0, 1, 2, 3]


def test_a_picture_of_4096_pixels_is_cut_and_a_wider_one_made_to_fit(tmp_path: Path) -> None:
    film(tmp_path / "wide.mp4", 2, size=(4096, 64), silent=True)
    assert cut_picture(tmp_path / "wide.mp4", tmp_path / "clip.mp4", start=0, end=1).width == 4096
    film(tmp_path / "wider.mp4", 2, size=(4224, 132), silent=True)
    cut = cut_picture(tmp_path / "wider.mp4", tmp_path / "clip.mp4", start=0, end=1)
    assert (cut.width, cut.height) == (4096, 128)


def test_colours_stay_what_they_are(tmp_path: Path) -> None:
    """Small films that tell no matrix are in BT.601; clips are written in BT.709."""
    path = tmp_path / "red.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        image = np.zeros((64, 64, 3), np.uint8)
        image[:] = (200, 30, 60)
        frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p", dst_colorspace="ITU601")
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    cut_picture(path, tmp_path / "clip.mp4", start=0, end=1)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        seen = next(container.decode(video=0)).reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    assert np.abs(seen.reshape(-1, 3).mean(axis=0) - (200, 30, 60)).max() < 5


@pytest.mark.parametrize(
    ("start", "end"), [(-1.0, 2.0), (2.0, 2.0), (3.0, 2.0), (float("nan"), 2.0), (0.0, float("inf")), (0.0, 1e5), (1e300, 2e300)]
)
def test_a_span_that_is_none_is_refused(films: Path, tmp_path: Path, start: float, end: float) -> None:
    with pytest.raises(FilmError) as caught:
        cut_picture(films / "late.mp4", tmp_path / "clip.mp4", start=start, end=end)
    assert caught.value.reason == "bad_span"
    with pytest.raises(FilmError):
        film_sound(films / "late.mp4", start, end, rate=None)
    assert not list(tmp_path.iterdir())


def test_a_span_beyond_the_film_holds_no_pictures_and_one_over_its_end_ends_there(films: Path, tmp_path: Path) -> None:
    with pytest.raises(FilmError) as caught:
        cut_picture(films / "late.mp4", tmp_path / "clip.mp4", start=50, end=60)
    assert caught.value.reason == "no_pictures"
    assert cut_picture(films / "late.mp4", tmp_path / "clip.mp4", start=6, end=60).frames == 10


def test_what_is_no_film_is_told(films: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    (tmp_path / "text.mp4").write_bytes(b"no film" * 100)
    (tmp_path / "cut.mp4").write_bytes((films / "late.mp4").read_bytes()[:20000])
    (tmp_path / "sound.wav").write_bytes(encode(clicks(1.0)[:, None], RATE, "wav"))
    reasons = {}
    for name in ("gone.mp4", "empty.mp4", "text.mp4", "cut.mp4", "sound.wav", "."):
        with pytest.raises(FilmError) as caught:
            cut_picture(tmp_path / name, tmp_path / "clip.mp4", start=0, end=1)
        reasons[name] = caught.value.reason
    assert reasons["gone.mp4"] == "missing"
    assert reasons["empty.mp4"] == "empty"
    assert reasons["text.mp4"] == "not_video"
    assert reasons["cut.mp4"] in ("truncated", "not_video")
    assert reasons["sound.wav"] in ("no_picture", "not_video")
    assert reasons["."] == "not_a_file"
    assert not (tmp_path / "clip.mp4").exists()


def test_a_film_that_ends_too_early_is_told(films: Path, tmp_path: Path) -> None:
    """Matroska that was cut off tells of more than there is."""
    whole = (films / "late.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    assert cut_picture(tmp_path / "cut.mkv", tmp_path / "clip.mp4", start=0.4, end=0.8).frames == 10
    with pytest.raises(FilmError) as caught:
        cut_picture(tmp_path / "cut.mkv", tmp_path / "clip.mp4", start=5, end=6)
    assert caught.value.reason in ("truncated", "no_pictures", "damaged")


def test_a_film_is_not_overwritten_by_its_clip(films: Path) -> None:
    before = (films / "late.mp4").read_bytes()
    with pytest.raises(FilmError) as caught:
        cut_picture(films / "late.mp4", films / "late.mp4", start=0, end=1)
    assert caught.value.reason == "nowhere"
    assert (films / "late.mp4").read_bytes() == before


def test_a_silent_film_has_no_sound_to_cut(tmp_path: Path) -> None:
    path = film(tmp_path / "silent.mp4", 10, silent=True)
    with pytest.raises(FilmError) as caught:
        film_sound(path, 0.0, 0.2, rate=None)
    assert caught.value.reason == "no_sound"
    assert not cut_picture(path, tmp_path / "clip.mp4", start=0, end=0.4).has_sound


SOUND = np.stack([clicks(36.0), clicks(36.0)[::-1]], axis=1)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, np.ndarray]]:
    folder, kept = tmp_path_factory.mktemp("recordings"), {}
    for kind in ("flac", "wav", "ogg", "opus", "mp3"):
        path = folder / f"song.{kind}"
        path.write_bytes(encode(SOUND, RATE, kind))
        with open_recording(path) as recording:
            kept[kind] = path, np.concatenate(list(recording.blocks()))
    return kept


@pytest.mark.parametrize("kind", ["flac", "wav", "ogg", "opus", "mp3"])
@pytest.mark.parametrize(("start", "end"), [(-0.5, 1.0), (24.371, 25.0), (34.9, 37.0)])
def test_a_recording_is_cut_to_the_sample(
    recordings: dict[str, tuple[Path, np.ndarray]], kind: str, start: float, end: float
) -> None:
    path, whole = recordings[kind]
    cut = recording_sound(path, start, end, speed=1.0, rate=RATE)
    places = round(start * RATE) + np.arange(len(cut))
    there = (places >= 0) & (places < len(whole))
    assert np.array_equal(cut[there], whole[places[there]])
    assert not cut[~there].any()


def test_a_recording_that_a_film_plays_too_fast_is_shorter_and_higher(recordings: dict[str, tuple[Path, np.ndarray]]) -> None:
    path, _ = recordings["flac"]
    cut = recording_sound(path.read_bytes(), 10.0, 20.4, speed=1.04, rate=44100)
    assert cut.shape == (441000, 2)
    loud = np.abs(cut[:, 0])
    for click in range(1, 40):
        at = round(click * CLICKS / 1.04 * 44100)
        assert loud[at : at + 200].max() > 0.2
        assert loud[at - 2000 : at - 20].max() < 0.02


def test_a_span_outside_a_recording_is_refused(recordings: dict[str, tuple[Path, np.ndarray]]) -> None:
    with pytest.raises(FilmError) as caught:
        recording_sound(recordings["flac"][0], 70.0, 71.0, speed=1.0, rate=RATE)
    assert caught.value.reason == "outside_recording"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=st.integers(0, 150), frames=st.integers(1, 9), nudge=st.floats(-0.3, 0.3))
def test_any_span_holds_its_pictures(films: Path, tmp_path: Path, first: int, frames: int, nudge: float) -> None:
    """A start up to a part of a picture earlier finds the same picture, a later one the next."""
    start = max(0.0, (first + nudge) / 25)
    cut = cut_picture(films / "late.mkv", tmp_path / "clip.mp4", start=start, end=(first + frames + 0.5) / 25, sound="none")
    expected = first if nudge <= 0.0125 else first + 1
    assert cut.first_frame == expected
    assert numbers(tmp_path / "clip.mp4")[:1] == [expected]
