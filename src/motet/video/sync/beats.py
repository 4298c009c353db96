"""The beat alignment score: does the picture change on the beat?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from motet.video.sync.matching import distances

__all__ = ["SIGMA", "beat_alignment"]

SIGMA = 0.050  # seconds: three frames at the 60 a second of AIST++


def beat_alignment(beats: Sequence[float], seen: Sequence[float]) -> float | None:
    """The mean over the beats of exp(-d² / 2σ²), d being the distance to the nearest change of the picture, both in seconds.

    After Siyao et al., "Bailando" (CVPR 2022), who turn round the score of Li et al., "AI Choreographer" (ICCV 2021), whose mean
    is over the movements; σ is three frames at 60 a second in both. Beats on which nothing changes pull it down, changes between
    beats do not. None without beats, 0 without changes.
    """
    music, picture = np.asarray(beats, np.float64), np.asarray(seen, np.float64)
    if not len(music):
        return None
    if not len(picture):
        return 0.0
    return float(np.exp(-np.square(distances(music, picture)) / (2 * SIGMA**2)).mean())
