"""What is measured of a recording while it streams by: levels, clipping, silence, sameness, and a name for its content."""

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from motet.audio.decoding import Recording, Samples

__all__ = ["Levels", "Meter", "measure", "metered"]

SILENCE = -60.0  # dBFS that no sample of a silence reaches
SHORTEST_SILENCE = 0.5  # seconds
AT_A_TIME = 100  # windows of 10 ms, whatever the size of the blocks: what is measured does not depend on it
RUN = 3  # samples in a row at the ceiling: one or two are a peak
STEEP, STEEPEST = 4, 6  # steps that no smooth peak falls at once, beside a top of more than RUN samples and beside one of RUN
RUNS = 8  # flat tops below full scale that are no chance
STEP, COARSEST = 2.0**-15, 2.0**-7  # of 16-bit and 8-bit samples
LOUD = 10 ** (-20 / 20)  # a ceiling below it is nobody's limiter
FFT = 4096
FAR_BELOW = 95.0  # dB under the strongest band there is nothing to hear
ROUNDING = 10.0  # dB above the noise of rounding to steps is no rounding; dither makes it 5 dB louder


@dataclass(frozen=True)
class Levels:
    """A recording's levels; dBFS of digital silence is None."""

    rate: int
    channels: int
    frames: int
    peak_dbfs: float | None
    """the highest sample of any channel; above 0 in lossy and float files"""
    rms_dbfs: float | None
    """of all channels together; a full-scale sine has -3.01"""
    dc: float
    """the mean of the channel where it is farthest from 0, in full scales"""
    clipped: float
    """the share of all samples that stand in a row of at least 3 at full scale, or at a flat top below it; 0 to 1"""
    silences: tuple[tuple[float, float], ...]
    """seconds from and to between which no sample reaches the threshold, for at least the shortest time; to 10 ms"""
    same_channels: bool
    """are there two channels or more, each sample alike: mono in a stereo file?"""
    bandwidth_hz: float | None
    """above it nothing comes within 95 dB of the strongest band and out of 16-bit noise: some 16,000 where an MP3 was enlarged"""
    sha256: str
    """of the samples at 16 bits and their rate: equal for WAV, FLAC and ALAC of one 16-bit master, and for mono told twice"""

    @property
    def seconds(self) -> float:
        return self.frames / self.rate

    @property
    def silent(self) -> float:
        """The share of the time that is silence, 0 to 1."""
        return min(1.0, sum(end - start for start, end in self.silences) / self.seconds) if self.frames else 0.0


def measure(recording: Recording, *, silence_dbfs: float = SILENCE, shortest_silence: float = SHORTEST_SILENCE) -> Levels:
    """All of it in one pass. Raises Unusable as `Recording.blocks` does."""
    meter = Meter(recording.rate, recording.channels, silence_dbfs=silence_dbfs, shortest_silence=shortest_silence)
    for block in recording.blocks():
        meter.add(block)
    return meter.levels()


def metered(blocks: Iterable[Samples], meter: "Meter") -> Iterator[Samples]:
    """`blocks`, measured in passing."""
    for block in blocks:
        meter.add(block)
        yield block


class Meter:
    """Measures blocks one after another; what it holds does not grow with the recording, but for one bit in 10 ms."""

    def __init__(
        self, rate: int, channels: int, *, silence_dbfs: float = SILENCE, shortest_silence: float = SHORTEST_SILENCE
    ) -> None:
        self._rate, self._channels = rate, channels
        self._window = max(1, rate // 100)
        self._threshold, self._shortest = 10 ** (silence_dbfs / 20), shortest_silence
        self._held = np.empty((self._window * AT_A_TIME, channels), np.float32)
        self._filled = self._frames = 0
        self._peak = 0.0
        self._squares, self._sums = 0.0, np.zeros(channels)
        self._same = channels > 1
        self._quiet: list[npt.NDArray[np.bool_]] = []
        self._tops = [_Top(sign) for _ in range(channels) for sign in (1, -1)]
        self._step: float | None = None
        self._spectrum, self._spectra = np.zeros(FFT // 2 + 1), 0
        self._hashes = [hashlib.sha256(b"%d" % rate) for _ in range(channels)]

    def add(self, block: Samples) -> None:
        """The next frames (frames, channels), finite."""
        while len(block):
            taken = block[: len(self._held) - self._filled]
            self._held[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            block = block[len(taken) :]
            if self._filled == len(self._held):
                self._measure(self._held)
                self._filled = 0

    def levels(self) -> Levels:
        """Of all that was added."""
        if self._filled:
            self._measure(self._held[: self._filled])
            self._filled = 0
        count = self._frames * self._channels
        means = self._sums / max(1, self._frames)
        return Levels(
            rate=self._rate,
            channels=self._channels,
            frames=self._frames,
            peak_dbfs=_db(self._peak),
            rms_dbfs=_db(math.sqrt(self._squares / max(1, count))),
            dc=float(means[np.argmax(np.abs(means))]),
            clipped=sum(top.clipped() for top in self._tops) / max(1, count),
            silences=self._silences(),
            same_channels=self._same and self._frames > 0,
            bandwidth_hz=self._bandwidth(),
            sha256=self._name(),
        )

    def _measure(self, block: Samples) -> None:
        lanes = np.ascontiguousarray(block.T)
        heights = np.abs(lanes)
        peak = float(heights.max())
        self._peak = max(self._peak, peak)
        self._frames += len(block)
        self._sums += lanes.sum(axis=1, dtype=np.float64)
        self._squares += sum(float(np.dot(lane, lane)) for lane in lanes)
        self._quiet.append(_quiet(heights, self._window, self._threshold))
        self._same = self._same and bool((lanes[1:] == lanes[0]).all())
        if peak >= LOUD:
            self._step = self._step or _step(lanes[0])
            for place, top in enumerate(self._tops):
                top.add(lanes[place // 2], self._step)
        if len(block) >= FFT:
            self._listen(lanes)
        for lane, name in zip(lanes, self._hashes, strict=True):
            name.update(np.clip(np.rint(lane * 2**15), -(2**15), 2**15 - 1).astype("<i2").tobytes())

    def _listen(self, lanes: Samples) -> None:
        from scipy.fft import rfft

        middle = (lanes.shape[1] - FFT) // 2
        for lane in lanes[:2]:
            self._spectrum += np.abs(rfft(lane[middle : middle + FFT] * _hann())) ** 2
            self._spectra += 1

    def _silences(self) -> tuple[tuple[float, float], ...]:
        if not self._quiet:
            return ()
        quiet = np.concatenate([[False], *self._quiet, [False]])
        edges = np.flatnonzero(quiet[1:] != quiet[:-1]).reshape(-1, 2) * self._window / self._rate
        edges = np.minimum(edges, self._frames / self._rate)
        return tuple((float(a), float(b)) for a, b in edges if b - a >= self._shortest)

    def _bandwidth(self) -> float | None:
        noise = (self._step or STEP) ** 2 / 12 * float(np.sum(_hann() ** 2)) * self._spectra
        least = max(float(self._spectrum.max()) * 10 ** (-FAR_BELOW / 10), noise * 10 ** (ROUNDING / 10))
        heard = np.flatnonzero(self._spectrum > least)
        return min((float(heard[-1]) + 0.5) / FFT, 0.5) * self._rate if len(heard) else None

    def _name(self) -> str:
        names = [name.digest() for name in self._hashes]
        return hashlib.sha256(b"".join(names[:1] if len(set(names)) == 1 else names)).hexdigest()


class _Top:
    """The ceiling of one side (sign) of one channel: the highest samples so far, and those in rows that stand flat at it."""

    def __init__(self, sign: int) -> None:
        self._sign, self._top = sign, LOUD
        self._samples = self._runs = 0

    def add(self, lane: Samples, step: float) -> None:
        top = float(lane.max() if self._sign > 0 else -lane.min())
        near = 1.5 * step
        if top < min(self._top, 1.0) - near:
            return
        if min(top, 1.0) > min(self._top, 1.0) + near:
            self._samples = self._runs = 0
        self._top = max(self._top, top)
        level = min(self._top, 1.0) - near
        above = np.concatenate([[False], (lane if self._sign > 0 else -lane) >= level, [False]])
        starts, ends = np.flatnonzero(above[1:] != above[:-1]).reshape(-1, 2).T
        long = ends - starts >= RUN
        starts, ends = starts[long], ends[long]
        beside = np.full((2, len(starts)), np.inf, np.float32)
        beside[0, starts > 0] = np.abs(lane[starts[starts > 0] - 1] - lane[starts[starts > 0]])
        beside[1, ends < len(lane)] = np.abs(lane[ends[ends < len(lane)]] - lane[ends[ends < len(lane)] - 1])
        flat = beside.max(axis=0) > np.where(ends - starts > RUN, STEEP, STEEPEST) * step if len(starts) else np.zeros(0, bool)
        self._runs += int(flat.sum())
        self._samples += int((ends - starts)[flat].sum())

    def clipped(self) -> int:
        return self._samples if self._top >= 1 - 2 * STEP or self._runs >= RUNS else 0


def _step(lane: Samples) -> float:
    """The step between neighbouring levels of samples, from that of 16 bits to that of 8."""
    steps = np.diff(np.unique(lane))
    return min(max(STEP, float(steps.min())), COARSEST) if len(steps) else STEP


def _quiet(heights: Samples, window: int, threshold: float) -> npt.NDArray[np.bool_]:
    """Which windows of (channels, frames) are silent; the last may be shorter."""
    tops = heights.max(axis=0)
    quiet: npt.NDArray[np.bool_] = np.maximum.reduceat(tops, np.arange(0, len(tops), window)) < threshold
    return quiet


@cache
def _hann() -> npt.NDArray[np.float32]:
    return np.hanning(FFT + 1)[:-1].astype(np.float32)


def _db(level: float) -> float | None:
    return 20 * math.log10(level) if level > 0 else None
