"""What is measured of a rendered note, and the laws that it is held against.

Time counts frames at 44.1 kHz; one tick of the parts here is one frame. Levels are dB of the sample as it is stored: a note of
velocity 127 at volume 127, panned hard to one side, plays at 0 dB there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from render.notation import Message, part
from render.soundfont.making import RATE

Sound = npt.NDArray[np.float64]
"""(frames, 2), in units of the stored sample."""
Law = Callable[[Sound], Sound]
"""What a control value should be at each frame after the note's onset."""

BLOCK = 64  # frames: control values may move in such steps, and a note is let go at the next multiple of them
FRAMES = RATE // 2  # ticks per quarter note, at 120 BPM: a tick is a frame


def song(messages: Iterable[Message]) -> bytes:
    """A part in which ticks are frames, at volume 127 where it says nothing else."""
    full = [(0, bytes([0xB0 | channel, 7, 127])) for channel in range(16)]
    return part([*full, *messages], FRAMES)


def played(start: int, length: int, key: int = 60, velocity: int = 127, channel: int = 0) -> list[Message]:
    return [(start, bytes([0x90 | channel, key, velocity])), (start + length, bytes([0x80 | channel, key, 64]))]


def seconds(timecents: float) -> float:
    return float(2 ** (timecents / 1200))


def hertz(cents: float) -> float:
    """Of absolute cents (8.1.3)."""
    return float(8.176 * 2 ** (cents / 1200))


def decibels(amplitude: npt.ArrayLike) -> Sound:
    return np.asarray(20 * np.log10(np.maximum(np.abs(np.asarray(amplitude)), 1e-12)), np.float64)


def loudness(sound: Sound, stored: float = 0.5) -> Sound:
    """The gain over time, as an amplitude, of a steady sample; pan does not matter where its power is constant."""
    return np.hypot(sound[:, 0], sound[:, 1]) / stored


def place(sound: Sound, frames: int = 60000) -> Sound:
    """Which frame of the `ramp` is heard at each moment, played hard left."""
    return sound[:, 0] * 32768 + frames // 2


def cents(places: Sound, at: npt.ArrayLike, over: int = BLOCK) -> Sound:
    """The pitch against the stored one from each of the frames `at`, `over` so many frames, by the slope of the ramp."""
    start = np.asarray(at)
    return np.asarray(1200 * np.log2((places[start + over] - places[start]) / over))


def response(sound: Sound, click_at: int, hz: npt.ArrayLike, frames: int = 8192) -> npt.NDArray[np.complex128]:
    """What the filter makes of these frequencies: the spectrum of its answer to the click."""
    span = np.arange(frames)
    answer = sound[click_at : click_at + frames, 0]
    turns = np.exp(-2j * np.pi * np.outer(np.asarray(hz, np.float64), span) / RATE)
    return np.asarray(turns @ answer)


def cutoff(sound: Sound, click_at: int) -> float:
    """The pole's angle, in absolute cents: there a two-pole low-pass turns the phase by a quarter, whatever its resonance."""
    spectrum = np.fft.rfft(sound[click_at : click_at + 4096, 0], 1 << 18)
    turned = -np.unwrap(np.angle(spectrum))
    quarter = int(np.argmax(turned >= np.pi / 2))
    turn = np.interp(np.pi / 2, turned[quarter - 1 : quarter + 1], [quarter - 1, quarter])
    return float(1200 * np.log2(turn * RATE / (1 << 18) / 8.176))


def triangle(turns: Sound) -> Sound:
    """An LFO: from 0 up to 1 at a quarter turn, to -1 at three quarters; 0 before it begins."""
    rising = 1 - 4 * np.abs((turns + 0.25) % 1 - 0.5)
    return np.asarray(np.where(turns < 0, 0.0, rising))


def follows(measured: Sound, law: Law, at: npt.NDArray[np.floating], tolerance: float, span: int = 2 * BLOCK) -> None:
    """Asserts that at each frame `measured` is what the law says somewhere within `span` frames on either side.

    A value that is held for a block, or moves to the next in a ramp of one block, is up to two blocks old.
    """
    near = law(at[:, None] + np.linspace(-span, span, 65)[None, :])
    low, high = near.min(axis=1) - tolerance, near.max(axis=1) + tolerance
    worst = int(np.argmax(np.maximum(low - measured, measured - high)))
    assert low[worst] <= measured[worst] <= high[worst], (
        f"at frame {at[worst]:.0f}: {measured[worst]:.4f}, not {low[worst]:.4f} to {high[worst]:.4f}"
    )
