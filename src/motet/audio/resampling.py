"""Another sample rate, block by block."""

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

from motet.audio.channels import downmix
from motet.audio.decoding import Recording, Samples

__all__ = ["mono", "resampled"]


def resampled(blocks: Iterable[Samples], rate: int, wanted: int, quality: Literal["VHQ", "HQ"] = "VHQ") -> Iterator[Samples]:
    """`blocks` (frames, channels) of `rate` Hz at `wanted` Hz, by soxr: linear phase, no delay, each frame where it was.

    All blocks together have round(frames x wanted / rate) frames, whatever the size of the blocks; none has no frames.
    `HQ` keeps 20 bits, `VHQ` 28. Peaks may rise above full scale, as they may between any samples.
    """
    if rate == wanted:
        yield from (block for block in blocks if len(block))
        return
    import soxr

    stream: soxr.ResampleStream | None = None
    nothing: Samples | None = None
    for block in blocks:
        if not len(block):
            continue
        if stream is None:
            stream = soxr.ResampleStream(rate, wanted, block.shape[1], "float32", quality)
            nothing = block[:0].astype(np.float32)
        made: Samples = stream.resample_chunk(np.ascontiguousarray(block, np.float32))
        if len(made):
            yield made
    if stream is not None:
        made = stream.resample_chunk(nothing, last=True)
        if len(made):
            yield made


def mono(recording: Recording, rate: int) -> Iterator[Samples]:
    """An opened recording from end to end in one channel, (frames, 1) a block, at `rate` Hz."""
    blocks = (downmix(block, recording.layout, 1) for block in recording.blocks())
    return resampled(blocks, recording.rate, rate, "HQ")
