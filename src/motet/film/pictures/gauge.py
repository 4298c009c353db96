"""The measurement of looks, picture by picture."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from motet.film.pictures.blocks import halved, match, refine
from motet.film.pictures.looks import Looks

__all__ = ["Gauge"]

RATE = 12.0  # pictures a second that are measured
STILL = 0.01  # picture widths a second
FASTEST = 4.0  # picture widths a second, as far as they are told apart
STEPS = 2000  # of the histogram of movement
ORANGE = np.pi / 6
FAR = 0.5  # seconds between two measured pictures, from which on no movement is told


class Gauge:
    """Takes pictures one after another; `looks` says what they were like. Memory does not grow."""

    def __init__(self, *, wide: bool = True) -> None:
        """`wide`: the colours are those of ITU-R BT.709, as in films of high definition, else of BT.601."""
        red, blue = (0.2126, 0.0722) if wide else (0.299, 0.114)
        green = 1 - red - blue
        self._red, self._blue = 2 * (1 - red), 2 * (1 - blue)
        self._green = -2 * (1 - red) * red / green, -2 * (1 - blue) * blue / green
        self._light = np.zeros(4)  # sums of brightness, contrast, saturation, colourfulness
        self._hues = np.zeros(8)
        self._warm = 0.0
        self._pictures = self._pairs = 0
        self._flow = np.zeros(3)  # sums of motion, across, down
        self._still = self._flicker = self._time = 0.0
        self._speeds = np.zeros(STEPS + 1, np.int64)
        self._before: tuple[float, npt.NDArray[np.uint8], npt.NDArray[np.uint8], float] | None = None
        self._next = -np.inf

    def push(self, seconds: float, planes: npt.NDArray[np.uint8]) -> None:
        if seconds < self._next - 1e-6:
            return
        self._next = max(self._next + 1 / RATE, seconds + 0.5 / RATE)
        half = halved(planes)
        brightness = self._colours(half)
        if self._before is not None:
            then, whole, before, was = self._before
            step = seconds - then
            if 0 < step <= FAR and before.shape == half.shape:
                self._movement(whole, planes, match(before, half), step)
                self._flicker += abs(brightness - was)
                self._time += step
        self._before = seconds, planes, half, brightness

    def _colours(self, half: npt.NDArray[np.uint8]) -> float:
        luma = half[0].astype(np.float64)
        chroma_blue, chroma_red = half[1].astype(np.float64) - 128, half[2].astype(np.float64) - 128
        red = np.clip(luma + self._red * chroma_red, 0, 255)
        green = np.clip(luma + self._green[0] * chroma_red + self._green[1] * chroma_blue, 0, 255)
        blue = np.clip(luma + self._blue * chroma_blue, 0, 255)
        high, low = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
        chroma = high - low
        opponent, other = red - green, 0.5 * (red + green) - blue
        colourful = np.hypot(opponent.std(), other.std()) + 0.3 * np.hypot(opponent.mean(), other.mean())
        saturation = float(np.mean(chroma / np.maximum(high, 1)))
        brightness = float(luma.mean()) / 255
        self._light += brightness, float(luma.std()) / 255, saturation, float(colourful)
        hue = np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)
        weight = np.where(chroma >= 8, chroma, 0)  # less is the rounding of gray
        eighth = np.rint(hue / (np.pi / 4)).astype(int) % 8
        self._hues += np.bincount(eighth.ravel(), weight.ravel(), 8)
        self._warm += float((weight * np.cos(hue - ORANGE)).sum())
        self._pictures += 1
        return brightness

    def _movement(
        self, before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8], found: npt.NDArray[np.float32], step: float
    ) -> None:
        if found[:, 0].mean() > 0.7 * found[:, 2].mean() + 4:  # another picture: a cut, not a movement
            return
        moved = refine(before, after, found)
        sure = moved[:, 2] > 0
        vectors = moved[sure, :2].astype(np.float64) / max(after.shape[1:]) / step
        speeds = np.hypot(vectors[:, 0], vectors[:, 1])
        speed = min(FASTEST, float(speeds.mean())) if len(speeds) else 0.0
        mean = vectors.mean(axis=0) if len(vectors) else np.zeros(2)
        self._flow += speed, mean[1], mean[0]
        self._still += speed < STILL
        self._speeds[round(speed / FASTEST * STEPS)] += 1
        self._pairs += 1

    def looks(self, shot_rate: float) -> Looks:
        """What all pictures so far were like, of which there must be one."""
        brightness, contrast, saturation, colourful = (self._light / self._pictures).tolist()
        colour = float(self._hues.sum())
        hues = self._hues / colour if colour else self._hues
        pairs = max(1, self._pairs)
        motion, across, down = (self._flow / pairs).tolist()
        reached = np.cumsum(self._speeds) >= 0.95 * self._pairs
        return Looks(
            brightness=brightness,
            contrast=contrast,
            saturation=saturation,
            colourfulness=colourful,
            hues=tuple(hues.tolist()),
            warm=0.5 + 0.5 * self._warm / colour if colour else 0.5,
            motion=motion,
            motion_peak=float(np.argmax(reached)) / STEPS * FASTEST if self._pairs else 0.0,
            across=across,
            down=down,
            stillness=self._still / self._pairs if self._pairs else 1.0,
            flicker=self._flicker / self._time if self._time else 0.0,
            shot_rate=shot_rate,
        )
