"""AV-Align: do picture and sound peak together?"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from motet.video.sync.matching import pairs

__all__ = ["av_align"]


def av_align(seen: Sequence[float], heard: Sequence[float], fps: Fraction | float) -> float | None:
    """Intersection over union of the peaks of the picture and the onsets of the sound, both in seconds: 0 to 1.

    After Yariv et al., "Diverse and Aligned Audio-to-Video Generation via Text-to-Video Model Adaptation" (AAAI 2024,
    arXiv:2309.16429): a peak has a partner within a window of three frames, one frame either way. The paper takes the peaks of
    the magnitude of the optical flow; here they are the changes of the picture, and partners are one to one, so that many peaks
    around one onset count once. None where neither has a peak.
    """
    picture, sound = np.unique(np.asarray(seen, np.float64)), np.unique(np.asarray(heard, np.float64))
    if not len(picture) and not len(sound):
        return None
    both = len(pairs(picture, sound, 1 / float(fps)))
    return both / (len(picture) + len(sound) - both)
