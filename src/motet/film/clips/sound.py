"""The sound of a span, to the sample: a film's on the clock of its pictures, a recording's on its own."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.audio.channels import downmix
from motet.audio.containers import Source, limits, opened, refuse
from motet.audio.decoding import LOUDEST, RATES, SCALES
from motet.audio.errors import Unusable
from motet.film.clips.opening import check_span, timeline
from motet.film.errors import FilmError
from motet.film.opening import film_opened

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.container import InputContainer

__all__ = ["Samples", "film_sound", "recording_sound"]

Samples = npt.NDArray[np.float32]
"""Sound: float32 (frames, 1 or 2), full scale 1.0."""

BEFORE = 2.0  # seconds decoded ahead of a span: decoders of sound need some to be themselves again
NEAR = 20.0  # seconds from the beginning within which it is not worth seeking
EARLIER = (0.0, 10.0)  # seconds: some containers seek too far, and are asked again
GUARD = 0.05  # seconds around a span that the resampler hears
GAP = 0.02  # seconds between time stamp and samples that came, from which the time stamp is believed
TRUNCATED = 0.5  # seconds of sound that the file tells of, and that do not come
SPEEDS = (0.25, 4.0)
CHUNKED = ("vorbis",)  # codecs whose packets are of several lengths: with stamps of 1 ms no sample can be told by them
BLIND = ("mp3", "aac", "ac3", "eac3", "dts", "loas", "amr", "mpc", "mpc8", "tta", "ape", "tak")  # containers without stamps


def film_sound(film: Path, start: float, end: float, *, rate: int | None) -> tuple[Samples, int]:
    """The sound that is heard with the pictures from film second `start` to `end`, and its rate (`rate`, or the film's own).

    Exact to the nearest sample: the stream's time stamps against that of the first picture; it is silent where the sound has
    not begun or is over. Stereo of more than two channels. Raises FilmError `bad_span`, `no_sound`, `truncated`, `damaged`,
    `sound_changes`, `not_finite`, `bad_rate` and what opening a film may raise.
    """
    check_span(start, end)
    times = timeline(film)
    zero = int(times.stamps[0]) * times.tick
    with film_opened(film) as (source, container):
        sound = _Heard(container, source.called, zero)
        wanted = sound.rate if rate is None else _checked_rate(rate)
        return sound.span(start, end, speed=1.0, rate=wanted), wanted


def recording_sound(source: Path | bytes, start: float, end: float, *, speed: float, rate: int) -> Samples:
    """A recording from song second `start` to `end`, played at `speed` (1.04: as a film 4 % too fast plays it, pitch and all).

    (round((end - start) / speed x rate), channels); silent before the recording begins and after it ends. Song second 0 is
    its first sample. Only the span and a little before it is decoded where the container can be trusted to seek, and never
    more of it held than the span. Raises FilmError `bad_span`, `bad_rate`, `bad_speed`, `outside_recording`, and what reading
    a recording may raise.
    """
    from av.error import FFmpegError

    check_span(start, end, negative=True)
    _checked_rate(rate)
    if not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise FilmError("bad_speed", f"a speed of {speed} is not between {SPEEDS[0]} and {SPEEDS[1]}")
    try:
        with _recording(source) as (called, container):
            sound = _Heard(container, called, None)
            made = sound.span(start, end, speed=speed, rate=rate)
            if not sound.came:
                raise FilmError("outside_recording", f"{called} has no sound from {start:g} s to {end:g} s")
            return made
    except Unusable as error:
        raise FilmError(error.reason, error.detail) from None
    except FFmpegError as error:
        raise FilmError("damaged", f"the recording cannot be read further: {error.strerror}") from None


@contextmanager
def _recording(source: Path | bytes) -> Iterator[tuple[str, InputContainer]]:
    import av
    from av.error import FFmpegError

    with opened(source) as file:
        origin = Source(file, source.name if isinstance(source, Path) else "the recording")
        origin.check_head()
        try:
            container = av.open(
                origin, "r", options=limits(), metadata_encoding="utf-8", metadata_errors="replace", io_open=refuse
            )
        except (FFmpegError, ValueError) as error:
            origin.refused(error)
        with container:
            yield origin.called, container
        origin.check()


def _checked_rate(rate: int) -> int:
    if not 1000 <= rate <= 384000:
        raise FilmError("bad_rate", f"a sample rate of {rate} Hz is not between 1000 and 384000")
    return rate


@dataclass(frozen=True)
class _Grid:
    """Where the packets of a stream begin, in samples from its first: `opening`, then every `every` (0: who knows)."""

    stamp: Fraction
    opening: int
    every: int


class _Heard:
    """The sound of an open file, by moments. Second 0 is at `zero` on the file's clock, or at the first sample."""

    def __init__(self, container: InputContainer, called: str, zero: Fraction | None) -> None:
        from av.audio.stream import AudioStream
        from av.stream import Discard

        stream = container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            raise FilmError("no_sound", f"{called} has no sound")
        if stream.codec_context is None:
            raise FilmError("unknown_codec", f"the sound of {called} is in a codec that cannot be decoded")
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
        stream.codec_context.thread_count = 1
        self.called, self._container, self._stream = called, container, stream
        # What stands behind the told end of an MP4 is padding of its encoder; a film's sound is heard as it comes.
        self._own = zero is None and container.format.name.startswith("mov")
        self._opening: list[AudioFrame] = []
        self._frames = self._decoded()
        while len(self._opening) < 3 and (frame := next(self._frames, None)) is not None:
            self._opening.append(frame)
        if not self._opening:
            raise FilmError("no_sound", f"{called} has a sound stream with nothing in it")
        first = self._opening[0]
        self.rate, self.channels = first.sample_rate, min(first.layout.nb_channels, 2)
        if not RATES[0] <= self.rate <= RATES[1]:
            raise FilmError("odd_rate", f"{called} has {self.rate:,} samples a second")
        sizes = [frame.samples for frame in self._opening]
        every = sizes[1] if len(sizes) == 3 and sizes[1] == sizes[2] else 0
        self.grid = _Grid(self._stamp(first) or Fraction(0), sizes[0], every)
        self.zero = self.grid.stamp if zero is None else zero
        self._tick = Fraction(stream.time_base) if stream.time_base else Fraction(1, self.rate)
        self.came = 0

    def _stamp(self, frame: AudioFrame) -> Fraction | None:
        return None if frame.pts is None or not frame.time_base else frame.pts * Fraction(frame.time_base)

    def _decoded(self) -> Iterator[AudioFrame]:
        from av.error import FFmpegError

        begun = False
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except FFmpegError as error:
                if begun and packet.size:
                    raise FilmError("damaged", f"the sound of {self.called} cannot be decoded: {error.strerror}") from None
                continue
            for frame in frames:
                if frame.samples:
                    begun = True
                    yield frame

    def span(self, start: float, end: float, *, speed: float, rate: int) -> Samples:
        """(round((end - start) / speed x rate), channels)"""
        # Samples are counted from the first of the stream.
        shift = float((self.zero - self.grid.stamp) * self.rate)
        begin, over = start * self.rate + shift, end * self.rate + shift
        count = max(1, math.floor((end - start) / speed * rate + 0.5))
        if rate == self.rate and speed == 1:
            first = math.floor(begin + 0.5)
            return self._read(first, first + count)
        import soxr

        guard = math.ceil(GUARD * self.rate)
        first = math.floor(begin) - guard
        held = self._read(first, math.ceil(over) + guard)
        made = np.asarray(soxr.resample(held, self.rate * speed, rate, quality="VHQ"), np.float32)
        lead = math.floor((begin - first) / self.rate / speed * rate + 0.5)
        piece = np.zeros((count, self.channels), np.float32)
        got = made[lead : lead + count]
        piece[: len(got)] = got
        return piece

    def _read(self, first: int, last: int) -> Samples:
        """The samples [first, last) of the stream, silent where there are none."""
        piece = np.zeros((last - first, self.channels), np.float32)
        told = self._told()
        reached = 0
        over = told if told is not None and self._own else last
        for at, frame in self._placed(first):
            reached = at + frame.samples
            if reached <= first:
                continue
            if at >= min(last, over):
                break
            samples = self._samples(frame)
            low, high = max(at, first), min(at + len(samples), last, over)
            if high <= low:
                continue
            piece[low - first : high - first] = samples[low - at : high - at]
            self.came += high - low
        if told is not None and reached < min(last, told) - TRUNCATED * self.rate:
            raise FilmError(
                "truncated", f"the sound of {self.called} ends at {reached / self.rate:.2f} s, before its header says"
            )
        return piece

    def _told(self) -> int | None:
        """Samples that the file tells of, where it counted."""
        stream = self._stream
        if self._container.format.name in BLIND or not stream.duration or stream.duration <= 0 or not stream.time_base:
            return None
        return int(stream.duration * stream.time_base * self.rate)

    def _placed(self, first: int) -> Iterator[tuple[int, AudioFrame]]:
        """Frames with their places, from some before sample `first` on."""
        from av.error import FFmpegError

        wanted = first / self.rate - BEFORE
        chunked = self._tick * self.rate > 1 and self._stream.codec_context.name in CHUNKED
        if wanted > NEAR and not chunked and self.grid.every and self._container.format.name not in BLIND:
            for earlier in EARLIER:
                stamp = self.grid.stamp + Fraction(wanted - earlier)
                try:
                    self._container.seek(math.floor(stamp / self._tick), stream=self._stream)
                except FFmpegError:
                    break  # it cannot seek: from the beginning
                frames = self._decoded()
                opening = next(frames, None)
                if opening is not None and (at := self._place(opening)) is not None and at <= first:
                    yield at, opening
                    yield from self._in_turn(frames, at + opening.samples)
                    return
            self._container.seek(0)
            self._frames, self._opening = self._decoded(), []
        opened_frames, self._opening = self._opening, []

        def all_frames() -> Iterator[AudioFrame]:
            yield from opened_frames
            yield from self._frames

        yield from self._in_turn(all_frames(), 0)

    def _place(self, frame: AudioFrame) -> int | None:
        """The sample at which a frame begins: by its time stamp, and exactly where that falls on the grid of packets."""
        stamp = self._stamp(frame)
        if stamp is None:
            return None
        near = (stamp - self.grid.stamp) * self.rate
        if near <= 0:
            return math.floor(near + Fraction(1, 2))
        every, opening = self.grid.every, self.grid.opening
        if every:
            exact = opening + every * math.floor((near - opening) / every + Fraction(1, 2))
            if abs(exact - near) <= max(2 * self._tick * self.rate, Fraction(2)) and 2 * abs(exact - near) < every:
                return exact
        return math.floor(near + Fraction(1, 2))

    def _in_turn(self, frames: Iterator[AudioFrame], at: int) -> Iterator[tuple[int, AudioFrame]]:
        """Each frame behind the one before, but where its time stamp says clearly otherwise."""
        least = max(GAP * self.rate, 2 * float(self._tick * self.rate))
        for frame in frames:
            told = self._place(frame)
            if told is not None and abs(told - at) > least:
                at = told
            yield at, frame
            at += frame.samples

    def _samples(self, frame: AudioFrame) -> Samples:
        if frame.sample_rate != self.rate:
            words = f"{self.rate:,} to {frame.sample_rate:,} samples a second"
            raise FilmError("sound_changes", f"the sound of {self.called} changes from {words}")
        name = frame.format.name.removesuffix("p")
        if name not in SCALES:
            raise FilmError("unknown_codec", f"the sound of {self.called} is in samples of the kind {name}")
        scale, shift = SCALES[name]
        array = frame.to_ndarray()
        shaped = array.T if frame.format.is_planar else array.reshape(-1, frame.layout.nb_channels)
        with np.errstate(over="ignore"):  # a double beyond float32 is told as not finite
            samples: Samples = np.multiply(shaped, scale, dtype=np.float32, casting="unsafe") + np.float32(shift)
        if not (samples.min() >= -LOUDEST and samples.max() <= LOUDEST):
            raise FilmError("not_finite", f"the sound of {self.called} has a sample that is no level of sound")
        return downmix(samples, frame.layout.name, 1 if self.channels == 1 else 2)
