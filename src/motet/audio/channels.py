"""Many channels made two or one."""

import re
from functools import cache
from typing import Literal

import numpy as np

from motet.audio.decoding import Samples

__all__ = ["downmix"]

_LEFT = "FL FLC DL WL BIL".split()
_RIGHT = "FR FRC DR WR BIR".split()
_LEFT_AROUND = "BL SL SDL SSL TFL TBL TSL TTL BFL".split()
_RIGHT_AROUND = "BR SR SDR SSR TFR TBR TSR TTR BFR".split()
_AMID = "FC BFC".split()
_AMID_AROUND = "BC TC TFC TBC".split()
_DEEP = "LFE LFE2".split()

_3_DB = 0.5**0.5
GAINS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(_LEFT, (1.0, 0.0)),
    **dict.fromkeys(_RIGHT, (0.0, 1.0)),
    **dict.fromkeys(_LEFT_AROUND, (_3_DB, 0.0)),
    **dict.fromkeys(_RIGHT_AROUND, (0.0, _3_DB)),
    **dict.fromkeys(_AMID, (_3_DB, _3_DB)),
    **dict.fromkeys(_AMID_AROUND, (0.5, 0.5)),
    **dict.fromkeys(_DEEP, (0.0, 0.0)),
}
"""How much of a channel (FFmpeg's names) goes left and right, as ITU-R BS.775-3 says; heights go like surrounds."""


def downmix(block: Samples, layout: str, channels: Literal[1, 2]) -> Samples:
    """`block` (frames, any) in the FFmpeg layout `layout`, as stereo or mono (frames, channels).

    Stereo of more than two channels: centre and surrounds -3 dB, one surround -6 dB on both sides, LFE left out (ITU-R
    BS.775-3), and all of it scaled by one factor, so that it cannot clip where the channels did not (5.1:
    -7.7 dB). A layout that is not known gives the mean of its channels on both sides. Stereo stays as it is, mono goes to
    both sides at full level. Mono is the mean of what stereo would be.
    """
    count = block.shape[1]
    if count == channels:
        return block
    gains = _gains(layout, count, channels)
    mixed = np.zeros((len(block), channels), np.float32)
    for side in range(channels):
        for channel in np.flatnonzero(gains[:, side]):
            mixed[:, side] += gains[channel, side] * block[:, channel]
    return mixed


@cache
def _gains(layout: str, count: int, channels: int) -> Samples:
    """(count, channels)"""
    names = _names(layout)
    if count == 1:
        stereo = np.ones((1, 2))
    elif len(names) == count and all(name in GAINS for name in names):
        stereo = np.array([GAINS[name] for name in names])
    else:
        stereo = np.ones((count, 2))
    loudest = stereo.sum(axis=0).max()
    stereo = stereo / loudest if loudest else np.full((count, 2), 1 / count)
    return np.asarray(stereo if channels == 2 else stereo.mean(axis=1, keepdims=True), np.float32)


def _names(layout: str) -> list[str]:
    """The channels of a layout by FFmpeg's names, none where it is not known."""
    from av.audio.layout import AudioLayout

    if spelled := re.fullmatch(r"\d+ channels \((.+)\)", layout):
        return spelled[1].split("+")
    try:
        return [channel.name for channel in AudioLayout(layout).channels]
    except ValueError:
        return []
