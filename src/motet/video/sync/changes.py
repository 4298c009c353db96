"""The frames at which the picture of a film changes, found from the pictures alone.

The idea is that of spectral flux with a maximum filter (Böck and Widmer, "Maximum filter vibrato suppression for onset
detection", DAFx 2013), taken from spectra to pictures: a place counts for what it changes more than it and its neighbours changed
in any of the three pictures before. So what moves steadily, flickers or fades does not count; what begins to, does. Brighter and
darker are looked at apart, for what fades after one change must not hide the next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from motet.video.footage import Picture

__all__ = ["Curve", "changed", "curve"]

Floats = npt.NDArray[np.float64]
Maps = npt.NDArray[np.float32]
Pictures = npt.NDArray[np.uint8]

CELLS = 24  # along the longer side; a window is 2 x 2 of them, and there is one at every cell
BACK = 3  # pictures before
RANGE = BACK + 1  # pictures before: in the third after a change, what was before it still counts as known
LOCAL, WHOLE = 3.0, 0.4  # levels of 255, the mean over a window, over the picture: noise of codecs stays under them
STEADY = 0.5  # in addition so many times the change there was before
AROUND = 12  # pictures on either side
RESTLESS = 4.0  # times the median of the curve around, in addition
RENEWED = 4.0  # times the threshold where an encoder renews all of the picture by the clock, at another quality
SELDOM, RARE = 4, 240  # pictures from one renewal to the next, at least; from which on one suffices to see a clock in it
BATCH = 64  # pictures looked at together


@dataclass(frozen=True, eq=False)
class Curve:
    """Per picture: `novelty`, where 1 is a clear change from the picture before, in a place or everywhere; `fresh`, the same of
    that alone which none of the four pictures before had; `motion`, by how many levels of 255 a pixel differs from the picture
    before, in the mean; `light`, the mean luma; `contrast`, between the brightest and darkest window; `key`, whether the
    encoder renewed it all. The first three are 0 at the first picture."""

    novelty: Floats
    fresh: Floats
    motion: Floats
    light: Floats
    contrast: Floats
    key: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.novelty)


def curve(pictures: Iterable[Picture]) -> Curve:
    """How the picture changes; memory does not grow with the film."""
    parts: list[tuple[Maps, Maps, Maps, Maps, Maps]] = []
    keys: list[bool] = []
    past: Pictures | None = None
    memory: tuple[Maps, Maps] | None = None
    for batch in _batches(pictures, keys):
        luma = batch[:, 0]
        brightness = luma.reshape(len(batch), -1).mean(axis=1, dtype=np.float32)
        span = np.ptp(_windows(luma[:, None].astype(np.int16)).reshape(len(batch), -1), axis=1)
        if past is None:
            past = np.repeat(batch[:1], RANGE, axis=0)
        joined = np.concatenate([past, batch])
        change, fresh = _change(joined)
        moved = change.mean(axis=(2, 3)).reshape(len(batch), 3, 2).sum(axis=2).max(axis=1)
        if memory is None:
            # Before the film it was as restless as it is at first, but for what happens there.
            usual = np.median(change[1:6], axis=0) if len(change) > 1 else change[0]
            memory = np.repeat(usual[None], BACK, axis=0), np.repeat(np.zeros_like(usual)[None], BACK, axis=0)
        parts.append((_novelty(memory[0], change), _novelty(memory[1], fresh), moved, brightness, span))
        memory = np.concatenate([memory[0], change])[-BACK:], np.concatenate([memory[1], fresh])[-BACK:]
        past = joined[-RANGE:]
    if not parts:
        nothing = np.zeros(0)
        return Curve(nothing, nothing, nothing, nothing, nothing, np.zeros(0, np.bool_))
    curves = [np.concatenate(part).astype(np.float64) for part in zip(*parts, strict=True)]
    rising, fresher, motion, light, contrast = curves
    rising[0] = fresher[0] = 0
    return Curve(rising, fresher, motion, light, contrast, np.array(keys, np.bool_))


def _batches(pictures: Iterable[Picture], keys: list[bool]) -> Iterator[Pictures]:
    held: list[Pictures] = []
    for picture in pictures:
        held.append(picture.planes)
        keys.append(picture.key)
        if len(held) == BATCH:
            yield np.stack(held)
            held = []
    if held:
        yield np.stack(held)


def _change(joined: Pictures) -> tuple[Maps, Maps]:
    """Per picture after the first four, for each plane and sign: by how much windows differ from the picture before, and by how
    much they leave the range of the four before. (pictures, planes x signs, windows down, windows across)"""
    count = len(joined) - RANGE
    now, before = joined[RANGE:].astype(np.int16), joined[RANGE - 1 : -1].astype(np.int16)
    highest, lowest = joined[RANGE - 1 : -1], joined[RANGE - 1 : -1]
    for back in range(2, RANGE + 1):
        earlier = joined[RANGE - back : RANGE - back + count]
        highest, lowest = np.maximum(highest, earlier), np.minimum(lowest, earlier)
    difference = now - before
    change = np.stack([np.maximum(difference, 0), np.maximum(-difference, 0)], axis=2)
    fresh = np.stack([np.maximum(now - highest, 0), np.maximum(lowest - now, 0)], axis=2)
    shape = (count, -1, *now.shape[2:])
    return _windows(change.reshape(shape)), _windows(fresh.reshape(shape))


def _windows(planes: npt.NDArray[np.int16]) -> Maps:
    """Means over overlapping windows: (…, height, width) to (…, down, across)."""
    *_, height, width = planes.shape
    side = max(1, round(max(height, width) / CELLS))
    down, across = height // side, width // side
    whole = planes[..., : down * side, : across * side].reshape(*planes.shape[:-2], down, side, across * side)
    rows = whole.sum(axis=-2, dtype=np.int32).reshape(*planes.shape[:-2], down, across, side)
    cells = rows.sum(axis=-1, dtype=np.int32).astype(np.float32)
    if down > 1:
        cells = cells[..., 1:, :] + cells[..., :-1, :]
    if across > 1:
        cells = cells[..., 1:] + cells[..., :-1]
    windows: Maps = cells / np.float32(side * side * (2 if down > 1 else 1) * (2 if across > 1 else 1))
    return windows


def _novelty(memory: Maps, change: Maps) -> Maps:
    """The rise of each picture's change over what was around each place in the three before, of the place that rises most or of
    the whole picture."""
    joined = np.concatenate([memory, change])
    around = _spread(joined)
    count = len(change)
    usual = around[BACK - 1 : -1]
    for back in range(2, BACK + 1):
        usual = np.maximum(usual, around[BACK - back : BACK - back + count])
    local = ((change - usual) / (LOCAL + STEADY * usual)).reshape(count, -1).max(axis=1)
    means = joined.mean(axis=(2, 3))
    level = means[BACK - 1 : -1]
    for back in range(2, BACK + 1):
        level = np.maximum(level, means[BACK - back : BACK - back + count])
    whole = ((means[BACK:] - level) / (WHOLE + STEADY * level)).max(axis=1)
    novelty: Maps = np.maximum(np.maximum(local, whole), 0)
    return novelty


def _spread(maps: Maps) -> Maps:
    """Of each place and its neighbours up to two windows' halves away the highest."""
    for axis in (-2, -1):
        wide = maps.copy()
        for shift in (1, 2):
            if maps.shape[axis] > shift:
                ahead = [slice(None)] * maps.ndim
                behind = [slice(None)] * maps.ndim
                ahead[axis], behind[axis] = slice(shift, None), slice(None, -shift)
                wide[tuple(behind)] = np.maximum(wide[tuple(behind)], maps[tuple(ahead)])
                wide[tuple(ahead)] = np.maximum(wide[tuple(ahead)], maps[tuple(behind)])
        maps = wide
    return maps


def changed(found: Curve) -> npt.NDArray[np.int64]:
    """The pictures that are the first of something new, ascending.

    A change is where the novelty is highest among its neighbours and over a threshold, which is higher where all is restless, and
    where the encoder begins anew.
    In the three pictures after a change only what is fresh counts: a flash that goes out is no second change.
    """
    count = len(found)
    padded = np.pad(found.novelty, AROUND, mode="reflect" if count > AROUND else "edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * AROUND + 1)
    limit = 1 + RESTLESS * np.median(around, axis=1)
    limit[_renewals(found.key)] *= RENEWED
    before, behind = np.append(0.0, found.novelty[:-1]), np.append(found.novelty[1:], 0.0)
    highest = (found.novelty >= before) & (found.novelty >= behind) & (found.novelty > limit)
    kept: list[int] = []
    for frame in np.flatnonzero(highest).tolist():
        if not kept or frame - kept[-1] > BACK or found.fresh[frame] > limit[frame]:
            kept.append(frame)
    return np.array(kept, np.int64)


def _renewals(key: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """The key pictures that come as far behind the last as any do; the others an encoder puts where it sees a new scene."""
    places = np.flatnonzero(key)
    apart = np.diff(places)
    if not len(apart):
        return places[:0]
    longest = int(apart.max())
    often = np.count_nonzero(apart == longest) > 1 or longest >= RARE
    return places[1:][apart == longest] if often and longest >= SELDOM else places[:0]
