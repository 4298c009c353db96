"""The outline of a waveform, small enough to ship in a page."""

import numpy as np
import numpy.typing as npt

__all__ = ["peaks"]


def peaks(audio: npt.NDArray[np.float32], n: int) -> npt.NDArray[np.int8]:
    """The lowest and highest sample of `n` equal stretches of `audio` (frames, channels): (n, 2), 127 is full scale.

    What exceeds full scale is drawn at it. A recording of fewer than `n` frames gives as many pairs as it has frames.
    """
    n = min(n, len(audio))
    if n <= 0:
        return np.zeros((0, 2), np.int8)
    starts = np.arange(n) * len(audio) // n
    low = np.minimum.reduceat(audio, starts, axis=0).min(axis=1)
    high = np.maximum.reduceat(audio, starts, axis=0).max(axis=1)
    steps: npt.NDArray[np.int8] = np.rint(np.clip(np.stack([low, high], axis=1), -1, 1) * 127).astype(np.int8)
    return steps
