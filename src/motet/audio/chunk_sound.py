"""The sound of a chunk as a model is trained on it: down-mixed, resampled, brought to one loudness, and checked for faults."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from motet.audio.channels import downmix
from motet.audio.chunking import Span
from motet.audio.decoding import Samples
from motet.audio.errors import Unusable
from motet.audio.resampling import resampled
from motet.errors import UserError
from motet.render.loudness import integrated_loudness, true_peak

__all__ = ["Fitted", "Fitter", "faults", "out_frame"]

MOST_RAISED = 30.0  # dB: what is quieter than that is noise, or not meant to be heard
STEP_DB = 0.001  # gains are whole multiples, so that no last bit of a measurement decides a file's bytes
FULL = 0.999  # of full scale: a sample that reaches it may have been cut off there
RUN = 3  # samples in a row that make it sure
WINDOW = 0.05  # seconds whose level is looked at together
OFFSET = 0.01  # of full scale


@dataclass(frozen=True, eq=False)
class Fitted:
    """A chunk's sound (frames, channels), and what was done to get it.

    `samples` are the resampled ones times `gain_db`, nothing else. `lufs` and `true_peak_db` are theirs, None where there is
    none (silence; for loudness, less than 0.4 s too). `limited`: the true peak or the most that is raised kept the gain under
    what the loudness asked for.
    """

    samples: Samples
    gain_db: float
    lufs: float | None
    true_peak_db: float | None
    limited: bool


@dataclass(frozen=True)
class Fitter:
    """How chunks are to sound: `rate` in Hz, `loudness` in LUFS or None to leave it, `ceiling` in dBTP, soxr's `quality`."""

    rate: int = 32000
    channels: Literal[1, 2] = 1
    loudness: float | None = -16.0
    ceiling: float = -1.0
    quality: Literal["VHQ", "HQ"] = "VHQ"

    def __post_init__(self) -> None:
        if not 8000 <= self.rate <= 192000:
            raise UserError(f"a sample rate of {self.rate} Hz is not between 8000 and 192000")
        if self.channels not in (1, 2):
            raise UserError(f"a chunk has 1 or 2 channels, not {self.channels}")
        if self.loudness is not None and not -70 <= self.loudness <= 0:
            raise UserError(f"a loudness of {self.loudness:g} LUFS is not between -70 and 0: -16 is usual")
        if not -60 <= self.ceiling <= 0:
            raise UserError(f"a ceiling of {self.ceiling:g} dBTP is not between -60 and 0: -1 is usual")

    def fit(self, samples: Samples, raw_rate: int, layout: str = "") -> Fitted:
        """One chunk (frames, channels) at `raw_rate`, as if there were silence around it: see `cut` for those of a recording.

        Raises Unusable `not_finite`.
        """
        whole = Span(0, len(samples))
        return next(self.cut([samples], raw_rate, [whole], layout))

    def cut(self, blocks: Iterable[Samples], raw_rate: int, spans: Sequence[Span], layout: str = "") -> Iterator[Fitted]:
        """The chunks of a recording, whose `spans` are in order of their beginnings (and ends) at `raw_rate`.

        The recording is resampled once and then cut, from `out_frame` of a span's beginning to `out_frame` of its end: chunks
        that follow each other do so sample by sample, without a click. Memory holds a chunk and a block.
        A span that ends behind the recording is as long as what there is. Raises Unusable `not_finite`.
        """
        stream = resampled(self._mixed(blocks, layout), raw_rate, self.rate, self.quality)
        kept: list[Samples] = []
        first = come = 0  # the output frames [first, come) are kept
        for span in spans:
            start, end = (out_frame(frame, raw_rate, self.rate) for frame in (span.start_frame, span.end_frame))
            while True:
                while kept and first + len(kept[0]) <= start:
                    first += len(kept.pop(0))
                if come >= end or (piece := next(stream, None)) is None:
                    break
                kept.append(piece)
                come += len(piece)
            sound = np.concatenate(kept) if kept else np.zeros((0, self.channels), np.float32)
            yield self._levelled(np.ascontiguousarray(sound[max(start - first, 0) : max(end - first, 0)]))

    def _mixed(self, blocks: Iterable[Samples], layout: str) -> Iterator[Samples]:
        for block in blocks:
            if not math.isfinite(float(block.sum(dtype=np.float64))):
                raise Unusable("not_finite", "the recording holds values that are no sound")
            yield downmix(block, layout, self.channels)

    def _levelled(self, samples: Samples) -> Fitted:
        loudness = integrated_loudness(samples, self.rate) if samples.size else None
        peak = true_peak(samples)
        if peak == 0:
            return Fitted(samples, 0.0, None, None, False)
        peak_db = 20 * math.log10(peak)
        wanted = 0.0 if loudness is None or self.loudness is None else self.loudness - loudness
        allowed = min(self.ceiling - peak_db, MOST_RAISED)
        limited = wanted > allowed
        db = math.floor(allowed / STEP_DB) * STEP_DB if limited else round(wanted / STEP_DB) * STEP_DB
        db = round(db, 3)
        samples = samples * np.float32(10 ** (db / 20))
        return Fitted(samples, db, None if loudness is None else loudness + db, peak_db + db, limited)


def out_frame(frame: int, rate: int, wanted: int) -> int:
    """The frame at `wanted` Hz that is nearest to a frame at `rate` Hz, the later of two.

    A cut at a frame is this cut in what was resampled: so lengths of chunks add up to the length of the whole.
    """
    return (2 * frame * wanted + rate) // (2 * rate)


def faults(
    samples: Samples, rate: int, *, silent_db: float = -60.0, most_clipped: float = 0.001, most_silence: float = 0.5
) -> list[tuple[str, str]]:
    """What speaks against a chunk (frames, channels) as it was decoded: words to count by, and sentences for a person.

    `not_finite`: it holds values that are no sound; nothing else is said of it then.
    `silent`, `mostly_silent`: all, or more than `most_silence`, of its moments of 50 ms lie under `silent_db` dBFS (RMS of the
    loudest channel).
    `clipped`: more than `most_clipped` of a channel's samples are in runs of three or more at full scale. Look at what was
    decoded: resampling hides it.
    `dc`: a channel's mean is further from zero than a hundredth of full scale and a tenth of its RMS.
    """
    if not samples.size:
        return [("silent", "there is no sound in it")]
    if not math.isfinite(float(samples.sum(dtype=np.float64))):
        return [("not_finite", "it holds values that are no sound")]
    found = []
    silence = _silence(samples, rate, silent_db)
    if silence == 1:
        found.append(("silent", f"all of it is under {silent_db:g} dBFS"))
    elif silence > most_silence:
        found.append(("mostly_silent", f"{silence:.0%} of it is under {silent_db:g} dBFS"))
    clipped = max(_clipped(samples[:, channel]) for channel in range(samples.shape[1]))
    if clipped > most_clipped:
        found.append(("clipped", f"{clipped:.2%} of its samples are cut off at full scale"))
    mean = np.abs(samples.mean(axis=0, dtype=np.float64))
    power = np.einsum("fc,fc->c", samples, samples) / len(samples)
    if (off := np.flatnonzero((mean > OFFSET) & (mean > 0.1 * np.sqrt(power)))).size:
        found.append(("dc", f"its waveform lies {mean[off].max():.3f} of full scale beside zero"))
    return found


def _silence(samples: Samples, rate: int, silent_db: float) -> float:
    """The share of moments that are silent."""
    size = min(max(round(WINDOW * rate), 1), len(samples))
    whole = samples[: len(samples) // size * size].reshape(-1, size, samples.shape[1])
    power = np.einsum("wfc,wfc->wc", whole, whole).max(axis=1) / size
    return float((power < 10 ** (silent_db / 10)).mean())


def _clipped(channel: Samples) -> float:
    """The share of samples (frames,) in runs at full scale."""
    high = np.flatnonzero(np.abs(channel) >= FULL)
    if high.size < RUN:
        return 0.0
    # A run ends where the next frame at full scale is not the next frame, or has the other sign.
    breaks = np.flatnonzero((np.diff(high) != 1) | (np.diff(np.signbit(channel[high]))))
    lengths = np.diff(np.concatenate(([0], breaks + 1, [high.size])))
    return float(lengths[lengths >= RUN].sum() / len(channel))
