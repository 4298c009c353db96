"""How unlike two pictures are once what moved is laid over itself, and where it moved: block matching, compiled.

Each block of the later picture is looked for in the earlier one by its sum of absolute differences, as video encoders do (Jain
and Jain, "Displacement measurement and its application in interframe image coding", IEEE Trans. Communications 1981).
"""

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["BLOCK", "REACH", "framed", "halved", "match", "refine", "structure"]

Planes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

BLOCK = 8  # pixels of a halved picture, a side
REACH = 6  # pixels to each side that a block is looked for: an eighth of the picture's longer side
STAY = 0.9  # a block moved only if it is found better than where it was, by this and
BLACK = 24  # levels that black bars do not reach
LITTLE = 0.25  # so many levels

compiled = njit(nogil=True, cache=True)


def halved(planes: Planes) -> Planes:
    """(3, h, w) averaged over 2 x 2 pixels; what is but one pixel high or wide stays. Raises ValueError for another shape."""
    if planes.ndim != 3 or len(planes) != 3 or not planes.size or planes.dtype != np.uint8:
        raise ValueError(f"a picture is three planes of bytes, not {planes.dtype} of the shape {planes.shape}")
    if min(planes.shape) < 2:
        return np.ascontiguousarray(planes)
    down, across = planes.shape[1] // 2, planes.shape[2] // 2
    cut = planes[:, : 2 * down, : 2 * across].reshape(3, down, 2, across, 2)
    total = cut[:, :, 0, :, 0].astype(np.uint16) + cut[:, :, 0, :, 1] + cut[:, :, 1, :, 0] + cut[:, :, 1, :, 1]
    small: Planes = ((total + 2) >> 2).astype(np.uint8)
    return np.ascontiguousarray(small)


@compiled
def _starts(length: int, side: int) -> npt.NDArray[np.int64]:
    """Where blocks of `side` pixels begin, so that they cover `length`."""
    count = max(1, (length + side // 2) // side)
    places = np.zeros(count, np.int64)
    for number in range(1, count):
        places[number] = (length - side) * number // (count - 1)
    return places


@compiled
def match(before: Planes, after: Planes) -> Floats:
    """Per block of `after`: by how many levels its luma and chroma differ where its luma is found best in `before`; by how many
    at its own place; its texture, the mean distance of its luma from its mean; and by how many pixels it came (down, right).

    (3, h, w) each -> (blocks, 5) float32
    """
    height, width = after.shape[1], after.shape[2]
    side_y, side_x = min(BLOCK, height), min(BLOCK, width)
    tops, lefts = _starts(height, side_y), _starts(width, side_x)
    found = np.zeros((len(tops) * len(lefts), 5), np.float32)
    area = side_y * side_x
    number = 0
    for top in tops:
        for left in lefts:
            total = np.int64(0)
            stay = np.int64(0)
            for y in range(top, top + side_y):
                for x in range(left, left + side_x):
                    total += np.int64(after[0, y, x])
                    stay += abs(np.int64(after[0, y, x]) - np.int64(before[0, y, x]))
            mean = total / area
            texture = 0.0
            for y in range(top, top + side_y):
                for x in range(left, left + side_x):
                    texture += abs(after[0, y, x] - mean)
            best = stay * STAY - LITTLE * area
            chosen_y, chosen_x, chosen = 0, 0, float(stay)
            for dy in range(-REACH, REACH + 1):
                if top + dy < 0 or top + dy + side_y > height:
                    continue
                for dx in range(-REACH, REACH + 1):
                    if left + dx < 0 or left + dx + side_x > width:
                        continue
                    here = np.int64(0)
                    for y in range(top, top + side_y):
                        for x in range(left, left + side_x):
                            here += abs(np.int64(after[0, y, x]) - np.int64(before[0, y + dy, x + dx]))
                        if here >= best:
                            break
                    if here < best:
                        best, chosen, chosen_y, chosen_x = float(here), float(here), dy, dx
            colour = np.int64(0)
            colour_stay = np.int64(0)
            for plane in range(1, 3):
                for y in range(top, top + side_y):
                    for x in range(left, left + side_x):
                        now = np.int64(after[plane, y, x])
                        colour += abs(now - np.int64(before[plane, y + chosen_y, x + chosen_x]))
                        colour_stay += abs(now - np.int64(before[plane, y, x]))
            found[number, 0] = (chosen + colour) / area
            found[number, 1] = (stay + colour_stay) / area
            found[number, 2] = texture / area
            found[number, 3] = -chosen_y
            found[number, 4] = -chosen_x
            number += 1
    return found


def framed(one: Planes, other: Planes) -> tuple[Planes, Planes]:
    """Both without the black bars that they share at their edges, whose own edges would look like the same place."""
    light = np.maximum(one[0], other[0]) > BLACK
    rows, columns = np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))
    if not len(rows) or (len(rows) == light.shape[0] and len(columns) == light.shape[1]):
        return one, other
    top, bottom = rows[0] + (rows[0] > 0), rows[-1] + (rows[-1] == light.shape[0] - 1)
    left, right = columns[0] + (columns[0] > 0), columns[-1] + (columns[-1] == light.shape[1] - 1)
    if bottom - top < BLOCK or right - left < BLOCK:
        return one, other
    return (
        np.ascontiguousarray(one[:, top:bottom, left:right]),
        np.ascontiguousarray(other[:, top:bottom, left:right]),
    )


@compiled
def structure(before: Planes, after: Planes) -> tuple[float, float]:
    """How much of the texture of two pictures is another, 0 to about 1, whatever light falls on either: each block without its
    mean, and scaled to the same contrast, laid where it fits best. And the mean texture of both, in levels."""
    height, width = after.shape[1], after.shape[2]
    side_y, side_x = min(BLOCK, height), min(BLOCK, width)
    tops, lefts = _starts(height, side_y), _starts(width, side_x)
    area = side_y * side_x
    rest, whole, textures = 0.0, 0.0, 0.0
    for top in tops:
        for left in lefts:
            total, square = 0.0, 0.0
            own_total, own_square = 0.0, 0.0
            for y in range(top, top + side_y):
                for x in range(left, left + side_x):
                    now, own = float(after[0, y, x]), float(before[0, y, x])
                    total += now
                    square += now * now
                    own_total += own
                    own_square += own * own
            power = max(0.0, square - total * total / area)
            own_power = max(0.0, own_square - own_total * own_total / area)
            best = 0.0
            for dy in range(-REACH, REACH + 1):
                if top + dy < 0 or top + dy + side_y > height:
                    continue
                for dx in range(-REACH, REACH + 1):
                    if left + dx < 0 or left + dx + side_x > width:
                        continue
                    other, others, both = 0.0, 0.0, 0.0
                    for y in range(top, top + side_y):
                        for x in range(left, left + side_x):
                            there = float(before[0, y + dy, x + dx])
                            other += there
                            others += there * there
                            both += there * after[0, y, x]
                    common = both - total * other / area
                    there_power = others - other * other / area
                    if common > 0 and there_power > area and power > area:  # a texture of a level and more
                        best = max(best, common * common / (there_power * power))
            weight = (power / area) ** 0.5
            rest += weight * (1 - best)
            whole += weight
            textures += 0.5 * (weight + (own_power / area) ** 0.5)
    return (rest / whole if whole > 0 else 1.0), textures / (len(tops) * len(lefts))


@compiled
def refine(before: Planes, after: Planes, found: Floats) -> Floats:
    """The movement of each block to a fraction of a pixel: what `match` found in the halved pictures, looked at again in the
    whole ones. (blocks, 3): pixels down and right, and how far it can be trusted, 0 or 1 (a flat block shows no movement)."""
    half_h, half_w = after.shape[1] // 2, after.shape[2] // 2
    side_y, side_x = min(BLOCK, half_h), min(BLOCK, half_w)
    tops, lefts = _starts(half_h, side_y), _starts(half_w, side_x)
    moved = np.zeros((len(found), 3), np.float32)
    sums = np.zeros((3, 3), np.float64)
    number = -1
    for top in tops:
        for left in lefts:
            number += 1
            if found[number, 2] < 2 or found[number, 0] > 0.7 * found[number, 2] + 2:
                continue
            y0, x0, tall, wide = 2 * top, 2 * left, 2 * side_y, 2 * side_x
            by, bx = -2 * int(found[number, 3]), -2 * int(found[number, 4])
            for turn in range(3):  # walk to the lowest of the neighbours
                for j in range(3):
                    for i in range(3):
                        dy, dx = by + j - 1, bx + i - 1
                        if y0 + dy < 0 or x0 + dx < 0 or y0 + dy + tall > after.shape[1] or x0 + dx + wide > after.shape[2]:
                            sums[j, i] = 1e12
                            continue
                        here = 0.0
                        for y in range(y0, y0 + tall):
                            for x in range(x0, x0 + wide):
                                step = float(after[0, y, x]) - float(before[0, y + dy, x + dx])
                                here += step * step
                        sums[j, i] = here
                low_j, low_i = 1, 1
                for j in range(3):
                    for i in range(3):
                        if sums[j, i] < sums[low_j, low_i]:
                            low_j, low_i = j, i
                if (low_j == 1 and low_i == 1) or turn == 2:
                    break
                by, bx = by + low_j - 1, bx + low_i - 1
            part_y, part_x = 0.0, 0.0
            bend_y, bend_x = sums[0, 1] + sums[2, 1] - 2 * sums[1, 1], sums[1, 0] + sums[1, 2] - 2 * sums[1, 1]
            if bend_y > 0 and sums[0, 1] < 1e12 and sums[2, 1] < 1e12:
                part_y = min(0.5, max(-0.5, 0.5 * (sums[0, 1] - sums[2, 1]) / bend_y))
            if bend_x > 0 and sums[1, 0] < 1e12 and sums[1, 2] < 1e12:
                part_x = min(0.5, max(-0.5, 0.5 * (sums[1, 0] - sums[1, 2]) / bend_x))
            moved[number, 0], moved[number, 1], moved[number, 2] = -(by + part_y), -(bx + part_x), 1
    return moved
