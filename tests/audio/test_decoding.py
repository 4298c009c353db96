"""Recordings of every format decode to the samples that went in; whatever else lies under an audio name is told by a word."""

import io
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
import soundfile
from av.audio.stream import AudioStream
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.audio.decoding import Recording, Samples, open_recording
from motet.audio.errors import Unusable
from motet.render.encoding import encode

RATE = 48_000


def chord(seconds: float = 1.0, rate: int = RATE, channels: int = 2) -> Samples:
    """A chord that swells: no two stretches of it are alike."""
    t = np.arange(round(seconds * rate)) / rate
    sides = [sum(np.sin(2 * np.pi * hz * (1 + 0.01 * side) * t) for hz in (220, 277, 330)) for side in range(channels)]
    return np.asarray(0.1 * np.stack(sides, axis=1) * (0.5 + t[:, None] / max(seconds, 1e-9)), np.float32)


def stored(audio: Samples, rate: int = RATE, container: str = "WAV", subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, rate, format=container, subtype=subtype)
    return file.getvalue()


def muxed(
    audio: Samples, codec: str, container: str, rate: int = RATE, picture: bool = False, tags: dict[str, str] | None = None
) -> bytes:
    """A file written by FFmpeg; with a few frames of video if `picture`."""
    file = io.BytesIO()
    layout = "mono" if audio.shape[1] == 1 else "stereo"
    with av.open(file, "w", format=container) as out:
        out.metadata.update(tags or {})
        if picture:
            film = out.add_stream("mpeg4", rate=25)
            film.width = film.height = 64
            film.pix_fmt = "yuv420p"
        stream = cast(AudioStream, out.add_stream(codec, rate=rate, layout=layout))
        if picture:
            for _ in range(10):
                out.mux(film.encode(av.VideoFrame(64, 64, "yuv420p")))
            out.mux(film.encode(None))
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio.T), "fltp", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return file.getvalue()


def decoded(source: bytes | Path, frames: int = 1 << 16) -> tuple[Samples, Recording]:
    with open_recording(source) as recording:
        return np.concatenate(list(recording.blocks(frames))), recording


def refused(source: bytes | Path) -> str:
    with pytest.raises(Unusable) as raised:
        decoded(source)
    assert raised.value.detail.isprintable()
    return raised.value.reason


# What comes out is what went in


@pytest.mark.parametrize("container, subtype, error", [
    ("WAV", "PCM_U8", 1 / 128), ("WAV", "PCM_16", 2**-15), ("WAV", "PCM_24", 2**-23), ("WAV", "PCM_32", 2**-24),
    ("WAV", "FLOAT", 0), ("WAV", "DOUBLE", 0), ("WAV", "ULAW", 0.02), ("WAV", "ALAW", 0.02), ("W64", "PCM_16", 2**-15),
    ("AIFF", "PCM_16", 2**-15), ("AIFF", "PCM_24", 2**-23), ("AU", "PCM_16", 2**-15), ("CAF", "PCM_24", 2**-23),
    ("FLAC", "PCM_16", 2**-15), ("FLAC", "PCM_24", 2**-23),
])  # fmt: skip
def test_lossless_formats_give_back_their_samples(container: str, subtype: str, error: float) -> None:
    audio = chord(0.3)
    heard, recording = decoded(stored(audio, container=container, subtype=subtype))
    assert heard.shape == audio.shape
    assert np.abs(heard - audio).max() <= error
    assert (recording.rate, recording.channels, recording.layout, recording.fault) == (RATE, 2, "stereo", None)
    assert recording.told_seconds == pytest.approx(0.3)


@pytest.mark.parametrize("format, seconds", [("mp3", 1.0), ("ogg", 3.0), ("opus", 1.0), ("mp3", 0.1), ("opus", 0.1)])
def test_what_lossy_encoders_put_before_and_behind_is_left_out(format: str, seconds: float) -> None:
    audio = chord(seconds)
    heard, recording = decoded(encode(audio, RATE, format))  # type: ignore[arg-type]
    assert len(heard) == len(audio)
    assert np.corrcoef(heard[:, 0], audio[:, 0])[0, 1] > 0.99
    assert recording.fault is None


@pytest.mark.parametrize("codec, container, picture", [
    ("aac", "mp4", False), ("aac", "mp4", True), ("alac", "ipod", False), ("libopus", "webm", False), ("flac", "matroska", True),
])  # fmt: skip
def test_mp4_and_video_files_give_their_sound(codec: str, container: str, picture: bool) -> None:
    audio = chord(1.0)
    heard, recording = decoded(muxed(audio, codec, container, picture=picture))
    assert abs(len(heard) - len(audio)) <= RATE / 1000  # MP4 counts in milliseconds
    n = min(len(heard), len(audio))
    assert np.corrcoef(heard[:n, 0], audio[:n, 0])[0, 1] > 0.999
    assert recording.fault is None


@given(seconds=st.floats(0.001, 0.3), channels=st.integers(1, 8), frames=st.integers(1, 5000))
@settings(max_examples=25)
def test_blocks_are_as_long_as_asked_for_and_hold_everything(seconds: float, channels: int, frames: int) -> None:
    audio = chord(seconds, channels=channels)
    with open_recording(stored(audio, subtype="FLOAT")) as recording:
        blocks = list(recording.blocks(frames))
    assert {len(block) for block in blocks[:-1]} <= {frames}
    assert 0 < len(blocks[-1]) <= frames
    np.testing.assert_array_equal(np.concatenate(blocks), audio)


@pytest.mark.parametrize("rate", [1_000, 7_350, 11_025, 44_100, 192_000, 768_000])
def test_odd_rates_are_kept(rate: int) -> None:
    heard, recording = decoded(stored(chord(0.1, rate), rate))
    assert (recording.rate, len(heard)) == (rate, round(0.1 * rate))


@pytest.mark.parametrize("rate", [10, 999, 768_001, 2_000_000_000])
def test_rates_that_no_sound_has_are_refused(rate: int) -> None:
    file = bytearray(stored(chord(0.1)))
    file[24:28] = struct.pack("<I", rate)
    assert refused(bytes(file)) == "odd_rate"


def test_surround_tells_its_layout() -> None:
    _, recording = decoded(stored(chord(0.1, channels=6), container="FLAC"))
    assert (recording.channels, recording.layout) == (6, "5.1(side)")


def test_more_channels_than_a_studio_has_are_refused() -> None:
    decoded(stored(chord(0.01, channels=64)))
    assert refused(stored(chord(0.01, channels=65))) == "odd_channels"


def test_the_blocks_can_be_taken_once() -> None:
    with open_recording(stored(chord(0.1))) as recording:
        list(recording.blocks())
        with pytest.raises(RuntimeError, match="once"):
            next(recording.blocks())


def test_a_stream_that_changes_midway_goes_on_as_it_began() -> None:
    first, second = chord(3.0), chord(3.0, 24_000, 1)
    heard, recording = decoded(encode(first, RATE, "mp3") + encode(second, 24_000, "mp3"))
    assert (recording.rate, recording.channels) == (RATE, 2)
    assert len(heard) == pytest.approx(6 * RATE, abs=4000)
    assert np.std(heard[-2 * RATE :]) == pytest.approx(np.std(second[-2 * 24_000 :]), rel=0.4)


def test_ogg_chains_of_two_kinds_end_with_the_first() -> None:
    chain = stored(chord(2.0), RATE, "OGG", "VORBIS") + stored(chord(2.0, 24_000, 1), 24_000, "OGG", "VORBIS")
    heard, recording = decoded(chain)
    assert len(heard) == pytest.approx(2 * RATE, abs=2048)
    assert recording.fault is not None
    assert "another rate" in recording.fault.detail


def test_names_need_not_be_utf_8(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9 100% [1].wav"))
    path.write_bytes(stored(chord(0.1)))
    heard, _ = decoded(path)
    assert len(heard) == round(0.1 * RATE)


# Tags


def test_tags_are_one_safe_line_each() -> None:
    file = muxed(chord(0.1), "flac", "flac", tags={"title": "Ma\x1b[31mrch\n\u202egnos", "artist": "x" * 5000, "k" * 300: "v"})
    _, recording = decoded(file)
    assert recording.tags["title"] == "Ma [31mrch gnos"
    assert len(recording.tags["artist"]) == 1000
    assert max(map(len, recording.tags)) == 64


def test_tags_that_are_not_utf_8_do_not_stop_the_sound() -> None:
    file = muxed(chord(0.1), "flac", "flac", tags={"title": "cafXX"}).replace(b"cafXX", b"caf\xe9\xff")
    _, recording = decoded(file)
    assert recording.tags["title"].startswith("caf")
    recording.tags["title"].encode()


# What is no recording


@pytest.mark.parametrize("content, reason", [
    (b"", "empty"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n", "lfs_pointer"),
    (b"<!DOCTYPE html><html><body>404 Not Found</body></html>", "web_page"),
    (b"just a few words about a song, " * 100, "unreadable"),
    (bytes(10_000), "unreadable"),
    (stored(chord(0.1))[:44], "no_sound"),
    (stored(chord(0.1))[:20], "truncated"),
])  # fmt: skip
@pytest.mark.parametrize("suffix", [".mp3", ".wav", ""])
def test_what_is_no_recording_says_what_it_is(content: bytes, reason: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"song{suffix}"
    path.write_bytes(content)
    named = {"unreadable", "not_sound", "truncated"} if reason in ("unreadable", "truncated") else {reason}
    assert refused(path) in named
    assert refused(content) in named


def test_a_video_without_sound_is_no_recording() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        film = out.add_stream("mpeg4", rate=25)
        film.width = film.height = 64
        film.pix_fmt = "yuv420p"
        out.mux(film.encode(av.VideoFrame(64, 64, "yuv420p")))
        out.mux(film.encode(None))
    assert refused(file.getvalue()) == "no_sound"


def test_what_is_not_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    assert refused(tmp_path / "pipe.mp3") == "not_a_file"
    assert refused(tmp_path) == "not_a_file"
    assert refused(tmp_path / "absent.mp3") == "missing"


def test_copy_protection_and_unknown_codecs_are_named() -> None:
    file = muxed(chord(0.2), "aac", "mp4")
    assert file.count(b"mp4a") == 1
    assert refused(file.replace(b"mp4a", b"drms")) == "protected"
    wave = bytearray(stored(chord(0.1)))
    wave[20:22] = b"\x34\x12"
    assert refused(bytes(wave)) == "unknown_codec"


@pytest.mark.parametrize("sample", [np.nan, np.inf, -np.inf, 1e30])
def test_samples_that_are_no_levels_stop_the_recording_where_they_stand(sample: float) -> None:
    audio = chord(2.0)
    audio[70_000, 1] = sample
    with open_recording(stored(audio, subtype="FLOAT")) as recording, pytest.raises(Unusable, match=r"at 1\.458 s") as raised:
        list(recording.blocks())
    assert raised.value.reason == "not_finite"


def test_a_float_file_above_full_scale_is_not_touched() -> None:
    audio = 20 * chord(0.1)
    np.testing.assert_array_equal(decoded(stored(audio, subtype="FLOAT"))[0], audio)


# What came only in part


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg", "opus"])
@pytest.mark.parametrize("kept", [0.5, 0.9])
def test_what_comes_of_a_cut_file_is_kept_and_the_cut_is_told(format: str, kept: float) -> None:
    rng = np.random.default_rng(1)
    audio = np.asarray(0.1 * rng.standard_normal((5 * RATE, 2)), np.float32)
    file = encode(audio, RATE, format)  # type: ignore[arg-type]
    heard, recording = decoded(file[: int(kept * len(file))])
    assert len(heard) == pytest.approx(kept * len(audio), rel=0.35)
    assert recording.fault is not None
    assert recording.fault.reason == "truncated"
    assert recording.fault.seconds == len(heard) / RATE


def test_an_mp4_cut_before_its_index_gives_nothing() -> None:
    file = muxed(chord(3.0), "aac", "mp4")
    assert refused(file[: len(file) // 2]) in ("truncated", "unreadable")


def test_holes_are_counted_and_the_rest_is_kept() -> None:
    audio = np.asarray(0.1 * np.random.default_rng(1).standard_normal((5 * RATE, 2)), np.float32)
    file = bytearray(encode(audio, RATE, "mp3"))
    for start in (len(file) // 3, len(file) // 2):
        file[start : start + 3000] = bytes(3000)
    heard, recording = decoded(bytes(file))
    assert 4 * RATE < len(heard) <= len(audio)
    assert recording.fault is not None


def test_a_lying_header_costs_nothing() -> None:
    file = bytearray(stored(chord(1.0), container="FLAC"))
    samples = int.from_bytes(file[21:26]) & ~0xFFFFFFFFF | 0xFFFFFFFFF
    file[21:26] = samples.to_bytes(5)
    heard, recording = decoded(bytes(file))
    assert len(heard) == RATE
    assert recording.told_seconds is not None
    assert recording.told_seconds > 1e6
    assert recording.fault is not None
    assert recording.fault.reason == "truncated"


def test_a_stream_that_does_not_end_is_stopped() -> None:
    with open_recording(stored(np.zeros((5 * RATE, 1), np.float32)), longest=3) as recording, pytest.raises(Unusable) as raised:
        for _ in recording.blocks():
            pass
    assert raised.value.reason == "too_long"


@given(data=st.data())
@settings(max_examples=150)
def test_no_damage_raises_anything_but_unusable(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from(FILES)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(file) - 1))
        file[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    try:
        heard, recording = decoded(bytes(file))
    except Unusable:
        return
    assert np.isfinite(heard).all()
    assert heard.shape[1] == recording.channels


FILES = [
    *(encode(chord(0.2), RATE, format) for format in ("wav", "flac", "mp3", "ogg", "opus")),
    muxed(chord(0.2), "aac", "mp4", tags={"title": "a"}),
    muxed(chord(0.2), "libopus", "webm"),
    stored(chord(0.2), container="AIFF"),
]


# What would have FFmpeg open something else


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, list[str]]]:
    """A server of sound, and what was asked of it."""
    asked: list[str] = []

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(stored(chord(0.5)))

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


PLAYLISTS = {
    "concat": "ffconcat version 1.0\nfile '{name}'\n",
    "concat of an address": "ffconcat version 1.0\nfile '{address}/canary.wav'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{address}/canary.ts\n#EXT-X-ENDLIST\n",
    "hls of a file": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{path}\n#EXT-X-ENDLIST\n",
    "m3u": "{address}/canary.mp3\n",
    "pls": "[playlist]\nFile1={address}/canary.mp3\nNumberOfEntries=1\n",
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
    '<Representation id="1" mimeType="audio/mp4"><BaseURL>{address}/canary.mp4</BaseURL></Representation>'
    "</AdaptationSet></Period></MPD>",
    "asx": '<asx version="3.0"><entry><ref href="{address}/canary.wma"/></entry></asx>',
    "rtsp": "rtsptextRTSP://127.0.0.1/canary\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".mp3", ".m3u8", ".ffconcat", ".mpd", ".sdp", ""])
def test_no_file_or_address_beside_the_recording_is_opened(
    kind: str, suffix: str, tmp_path: Path, address: tuple[str, list[str]]
) -> None:
    canary = tmp_path / "canary.wav"
    canary.write_bytes(stored(chord(0.5)))
    hostile = tmp_path / f"song{suffix}"
    hostile.write_text(PLAYLISTS[kind].format(name=canary.name, path=canary, address=address[0]))
    with pytest.raises(Unusable):
        decoded(hostile)
    with pytest.raises(Unusable):
        decoded(hostile.read_bytes())
    assert address[1] == []


def test_ffmpeg_would_open_them_if_it_were_let(tmp_path: Path) -> None:
    (tmp_path / "canary.wav").write_bytes(stored(chord(0.5)))
    hostile = tmp_path / "song.mp3"
    hostile.write_text(PLAYLISTS["concat"].format(name="canary.wav"))
    with av.open(str(hostile)) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == RATE // 2


def test_ffmpeg_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    for file in FILES:
        for damaged in (file[: len(file) // 2], file[: len(file) // 3] + bytes(500) + file[len(file) // 3 :], b"ID3" + file):
            try:
                decoded(damaged)
            except Unusable:
                continue
    assert capfd.readouterr() == ("", "")


def test_a_disk_that_fails_is_told() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 100_000:
                raise OSError(5, "Input/output error")
            return super().read(size)

    file = stored(chord(5.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "BytesIO", Failing)
        with open_recording(file) as recording, pytest.raises(Unusable, match="Input/output error"):
            list(recording.blocks())


LONG = """
import resource, sys, numpy as np, soundfile
from pathlib import Path
from motet.audio.decoding import open_recording
path = Path(sys.argv[1])
with soundfile.SoundFile(path, "w", 2000, 1, "PCM_16", format="FLAC") as file:
    minute = np.random.default_rng(0).integers(-50, 50, 2000 * 60).astype(np.int16)
    for _ in range(180):
        file.write(minute)
with open_recording(path) as recording:
    next(blocks := recording.blocks())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    frames = sum(map(len, blocks))
print(frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_three_hours_are_streamed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LONG, tmp_path / "long.flac"], capture_output=True, text=True, check=True)
    frames, growth = map(int, done.stdout.split())
    assert frames == 180 * 60 * 2000 - (1 << 16)
    assert growth < (20_000 if sys.platform == "linux" else 20_000_000)  # KB on Linux, bytes on a Mac; of 86 MB


@pytest.mark.shared
@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg", "aac"])
def test_one_clip_in_five_formats_is_one_clip(suffix: str, shared: Path) -> None:
    read = partial(soundfile.read, always_2d=True, dtype="float32")
    original = read(shared / "audio/essentia/dubstep.wav")[0]
    heard, recording = decoded(shared / f"audio/essentia/dubstep.{suffix}")
    assert (recording.rate, recording.channels, recording.fault) == (44_100, 2, None)
    assert 0 <= len(heard) - len(original) <= 2 * 1152
    if suffix in ("wav", "flac"):
        np.testing.assert_array_equal(heard, original)


@pytest.mark.shared
def test_every_odd_file_is_sound_or_a_reason(shared: Path) -> None:
    reasons = {}
    for path in sorted((shared / "audio/odd").rglob("*.*")):
        try:
            heard, _ = decoded(path)
        except Unusable as error:
            reasons[path.name] = error.reason
        else:
            assert len(heard)
    assert reasons["sample.mid"] == "unreadable"
    assert reasons["test1_empty.wav"] == "no_sound"
    assert len(reasons) < 30
