"""Recordings taken apart as they stream by: hours of sound need no more memory than a few segments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from motet.audio.errors import Unusable
from motet.audio.separating.models import ModelCard, found
from motet.audio.separating.overlap import Overlapped, Wave
from motet.errors import UserError

if TYPE_CHECKING:
    from motet.audio.decoding import Samples

__all__ = ["Separation", "Separator", "load"]

Stems = dict[str, "Samples"]

WHOLE = -10.0  # dB of the mix that all stems together may lack and still be taken for the whole of it
SHORTEST = 2.0  # seconds of a segment: in less, a model hears too little


def load(
    model: str,
    folder: Path | None,
    *,
    device: str = "auto",
    segment: float | None = None,
    overlap: float = 0.25,
    batch: int = 1,
    shifts: int = 0,
    fetch: bool = False,
) -> Separator:
    """A demucs model or bag of models by its name: in a folder (`.th` files or safetensors), or one of demucs's own.

    Without a folder it must have been fetched before, unless `fetch` lets demucs fetch it. `.th` files are pickles, and can
    run anything: name only a folder that you trust. `device` is `auto` (CUDA where there is any), `cpu`, `cuda`, `cuda:1` …;
    `segment` seconds, by default the model's own, which transformers cannot exceed; `overlap` 0 to 0.9 of a segment; `batch`
    segments at once; `shifts` times is the recording heard again, each time shifted by another part of half a second, and
    the answers are averaged. Raises UserError.
    """
    if not 0 <= overlap <= 0.9:
        raise UserError(f"Segments cannot overlap by {overlap:g} of their length: set separate.overlap to 0 to 0.9.")
    if batch < 1 or not 0 <= shifts <= 100:
        raise UserError("Set separate.batch to 1 or more, and separate.shifts to 0 to 100.")
    net, card = found(model, folder, fetch=fetch)
    return Separator(net, card, _device(device), _segment(net, card, segment), overlap, batch, shifts)


class Separator:
    """A loaded model and how it listens. Its weights stay where they are used."""

    def __init__(self, net: Any, card: ModelCard, device: str, segment: float, overlap: float, batch: int, shifts: int) -> None:
        self.card, self.device, self.segment, self.batch, self.shifts = card, device, segment, batch, shifts
        self.frames = int(card.rate * segment)
        """of a segment, at the model's rate"""
        self.stride = max(1, int((1 - overlap) * self.frames))
        self._overlap, self._inner, self._net = overlap, segment, net.to(device).eval()

    def separate(
        self,
        blocks: Iterable[Samples],
        rate: int,
        channels: int,
        *,
        stems: Literal["two", "all"] = "two",
        instrumental: Literal["auto", "sum", "difference"] = "auto",
    ) -> Separation:
        """The stems of blocks (frames, channels), channels 1 or 2: as many frames, at the same rate, as many channels.

        `two` are `instrumental` and `vocals`, `all` the model's own. What is no voice is the `sum` of the other stems or the
        `difference` between mix and vocals; `auto` is the sum, unless the stems lack more than a tenth of the mix's energy in
        the first segment with sound. Raises UserError, and Unusable `too_many_channels`, `wrong_channels`, `not_finite` or
        `no_separation`.
        """
        if stems == "two" and "vocals" not in self.card.stems:
            known = ", ".join(self.card.stems)
            raise UserError(f"The model {self.card.name} has no vocals among its stems ({known}): set separate.stems=all.")
        if channels not in (1, 2):
            raise Unusable("too_many_channels", f"a recording of {channels} channels must be brought down to 1 or 2 first")
        return Separation(self, blocks, rate, channels, stems == "two", instrumental)

    def hear(self, waves: Wave, told: list[str]) -> Wave:
        """Of segments (items, the model's channels, frames) what the model makes: (items, stems, the model's channels, frames).

        What memory cannot hold is tried one by one, in shorter segments where the model allows that, and on the CPU; `told` is
        told. Raises UserError when nothing helps.
        """
        import torch

        while True:
            try:
                parts = [self._answer(waves[start : start + self.batch]) for start in range(0, len(waves), self.batch)]
                return np.concatenate(parts)
            except torch.OutOfMemoryError:
                told.append(self._made_smaller())
            torch.cuda.empty_cache()

    def _answer(self, waves: Wave) -> Wave:
        import torch
        from demucs.apply import apply_model

        out = apply_model(
            self._net,
            torch.from_numpy(waves),
            shifts=0,
            split=self._inner < self.segment,
            overlap=self._overlap,
            segment=self._inner,
            device=self.device,
        )
        answer: Wave = out.to("cpu", torch.float32).numpy()
        return answer

    def _made_smaller(self) -> str:
        """Asks less of the memory from now on, and says how."""
        if self.batch > 1:
            self.batch = 1
            return "out of memory: one segment at a time"
        if _longest(self._net) == math.inf and self._inner / 2 >= SHORTEST:
            self._inner /= 2
            return f"out of memory: segments of {self._inner:g} s"
        if self.device == "cpu":
            raise UserError(f"The model {self.card.name} does not fit into memory: choose a smaller one.", 1)
        self.device, self._inner = "cpu", self.segment
        self._net.to("cpu")
        return "out of memory: on the CPU"


class Separation:
    """The stems of one recording, block by block, once: an iterator of dicts, name to (frames, channels).

    A constant offset is left out of stems: models lay it upon every one. What came of it is known when everything has come.
    """

    def __init__(
        self, separator: Separator, blocks: Iterable[Samples], rate: int, channels: int, two: bool, instrumental: str
    ) -> None:
        self.names = ("instrumental", "vocals") if two else separator.card.stems
        self.instrumental = instrumental if two else ""
        """`sum` or `difference`, once the first sound has come; `auto` for silence"""
        self.fallbacks: list[str] = []
        """what was done otherwise than asked, for want of memory"""
        self.frames = 0
        """that have come"""
        self._separator, self._rate, self._channels, self._two = separator, rate, channels, two
        self._mix = self._lack = 0.0
        self._blocks = self._through(blocks)

    def __iter__(self) -> Iterator[Stems]:
        return self

    def __next__(self) -> Stems:
        return next(self._blocks)

    @property
    def device(self) -> str:
        """where the model last listened"""
        return self._separator.device

    @property
    def residual_db(self) -> float:
        """What all stems together lack of the mix, in dB of the mix; NaN for silence, -inf where nothing lacks."""
        if not self._mix:
            return math.nan
        return 10 * math.log10(self._lack / self._mix) if self._lack else -math.inf

    def _through(self, blocks: Iterable[Samples]) -> Iterator[Stems]:
        model_rate, given = self._separator.card.rate, 0
        forth = _Resampler(self._rate, model_rate, self._channels)
        back = {name: _Resampler(model_rate, self._rate, self._channels) for name in self.names}
        heard = Overlapped(self._separator, self._channels, self.fallbacks)
        for block in self._whole(blocks):
            sound = forth.push(block) if block is not None else forth.end()
            for mix, stems in heard.push(sound.T, last=block is None):
                out = {name: back[name].push(stem) for name, stem in self._named(mix, stems).items()}
                given += len(out[self.names[0]])
                if len(out[self.names[0]]) and given <= self.frames:
                    yield out
                elif len(out[self.names[0]]) > given - self.frames:
                    yield {name: sound[: self.frames - given] for name, sound in out.items()}
        if given < self.frames:
            yield {name: _of_length(resampler.end(), self.frames - given) for name, resampler in back.items()}

    def _whole(self, blocks: Iterable[Samples]) -> Iterator[Samples | None]:
        """Blocks that can be worked on, and None after the last."""
        for block in blocks:
            if block.ndim != 2 or block.shape[1] != self._channels:
                raise Unusable("wrong_channels", f"a block of the shape {block.shape} has not {self._channels} channels")
            if not np.isfinite(block).all():
                raise Unusable("not_finite", "the recording holds samples that are not finite")
            self.frames += len(block)
            yield block
        yield None

    def _named(self, mix: Wave, stems: Wave) -> Stems:
        """Of a mix (channels, frames) and all stems (stems, channels, frames) those that are asked for, (frames, channels)."""
        names, whole = self._separator.card.stems, stems.sum(axis=0)
        lack = mix - whole
        self._mix += float(np.vdot(mix, mix))
        self._lack += float(np.vdot(lack, lack))
        if not self._two:
            return {name: stem.T for name, stem in zip(names, stems, strict=True)}
        if self.instrumental == "auto" and self._mix:
            self.instrumental = "sum" if self.residual_db <= WHOLE else "difference"
        vocals = stems[names.index("vocals")]
        rest = (mix if self.instrumental == "difference" else whole) - vocals
        return {"instrumental": rest.T, "vocals": vocals.T}


class _Resampler:
    """A stream (frames, channels) at another rate, delay 0; untouched where the rates are the same."""

    def __init__(self, rate: int, wanted: int, channels: int) -> None:
        import soxr

        self._channels = channels
        self._stream = soxr.ResampleStream(rate, wanted, channels, "float32", "VHQ") if rate != wanted else None

    def push(self, block: Samples) -> Samples:
        return self._pushed(np.ascontiguousarray(block, np.float32), False)

    def end(self) -> Samples:
        return self._pushed(np.zeros((0, self._channels), np.float32), True)

    def _pushed(self, block: Samples, last: bool) -> Samples:
        if not self._stream:
            return block
        out: Samples = self._stream.resample_chunk(block, last).reshape(-1, self._channels)
        return out


def _of_length(sound: Samples, frames: int) -> Samples:
    """Resampling forth and back rounds twice: a frame may be missing, or too many."""
    return np.pad(sound[:frames], ((0, max(0, frames - len(sound))), (0, 0)))


def _nets(net: Any) -> list[Any]:
    return list(getattr(net, "models", [net]))


def _longest(net: Any) -> float:
    """Seconds of the longest segment that a model can hear: transformers know no more places than they were trained with."""
    from demucs.htdemucs import HTDemucs

    return min((float(one.segment) for one in _nets(net) if isinstance(one, HTDemucs)), default=math.inf)


def _segment(net: Any, card: ModelCard, asked: float | None) -> float:
    if asked is None:
        return min(float(one.segment) for one in _nets(net))
    longest = _longest(net)
    if not 0 < asked <= longest or asked * card.rate < 2:
        most = f"more than 0 and at most {longest:g}" if longest < math.inf else "more than 0"
        raise UserError(f"The model {card.name} cannot hear segments of {asked:g} s: set separate.segment to {most}.")
    return asked


def _device(asked: str) -> str:
    import torch

    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1).to(asked)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UserError(f"There is no device {asked!r} here: set separate.device to auto or cpu.") from None
    return asked
