"""The picture's arithmetic, compiled: the last picture moved and faded, shapes and sparks laid on it, all in float32.

A canvas is three planes, Y (h, w) and U and V (h / 2, w / 2), in steps of 8-bit video. Nodes lie every 16 pixels of Y,
at (16 i, 16 j) of the picture's own coordinates, in which the first pixel reaches from 0 to 1. No fastmath, and what is called
is inlined: compiled and cached code agree to the last bit.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["BAR", "DISC", "GLOW", "NODE", "POLYGON", "RING", "bend", "fly", "ground", "move", "sow", "stamp", "store"]

Plane = npt.NDArray[np.float32]
Nodes = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Single = Any  # a float32 of compiled code, which to mypy is no float

NODE = 16
LITTLE = 0.15  # pixels by which a shift may be wrong between two nodes, where all are moved alike
DISC, RING, POLYGON, BAR, GLOW = range(5)

compiled = njit(nogil=True, cache=True)
inlined = njit(nogil=True, cache=True, forceinline=True)


@compiled
def move(before: Plane, after: Plane, across: Nodes, down: Nodes, added: Nodes, kept: float, step: int) -> None:
    """Fill `after` with `kept` of `before`, looked up bilinearly at the nodes' source coordinates, and `added` between nodes.

    `step` is the number of the plane's pixels between two nodes: 16 for Y, 8 for U and V.
    """
    height, width = before.shape
    flat, filled = before.reshape(-1), after.reshape(-1)
    scale = np.float32(step) / np.float32(NODE)
    half, one, zero, keep = np.float32(0.5), np.float32(1.0), np.float32(0.0), np.float32(kept)
    right, bottom = np.float32(width) - np.float32(1.01), np.float32(height) - np.float32(1.01)
    part, middle, little = one / np.float32(step), np.float32(0.5 * step), np.float32(2.0 * LITTLE / step)
    for j in range(down.shape[0] - 1):
        for y in range(j * step, min((j + 1) * step, height)):
            low = (np.float32(y - j * step) + half) * part
            high = one - low
            for i in range(down.shape[1] - 1):
                u = across[j, i] * high + across[j + 1, i] * low
                v = down[j, i] * high + down[j + 1, i] * low
                g = added[j, i] * high + added[j + 1, i] * low
                du = (across[j, i + 1] * high + across[j + 1, i + 1] * low - u) * part
                dv = (down[j, i + 1] * high + down[j + 1, i + 1] * low - v) * part
                dg = (added[j, i + 1] * high + added[j + 1, i + 1] * low - g) * part
                u, du, v, dv = u * scale - half, du * scale, v * scale - half, dv * scale
                first = i * step
                length = min(step, width - first)
                target = np.uint64(y * width + first)
                # A whole block's line moved by nearly the same: its neighbours lie in a row, many are weighed at once.
                us, vs = u + du * middle - middle + half, v + dv * middle
                if abs(du - one) + abs(dv) < little and zero <= us < right - np.float32(length) and zero <= vs < bottom:
                    column, row = np.int32(us), np.int32(vs)
                    fx, fy = us - np.float32(column), vs - np.float32(row)
                    w00, w01 = (one - fx) * (one - fy) * keep, fx * (one - fy) * keep
                    w10, w11 = (one - fx) * fy * keep, fx * fy * keep
                    lit = g + dg * half
                    a = np.uint64(row * width + column)
                    b, c, d = a + np.uint64(1), a + np.uint64(width), a + np.uint64(width + 1)
                    for x in range(np.uint64(length)):
                        weighed = flat[a + x] * w00 + flat[b + x] * w01 + (flat[c + x] * w10 + flat[d + x] * w11)
                        filled[target + x] = weighed + (lit + dg * np.float32(x))
                    continue
                for x in range(length):
                    at = np.float32(x) + half
                    us = min(max(u + du * at, zero), right)
                    vs = min(max(v + dv * at, zero), bottom)
                    column, row = np.int32(us), np.int32(vs)
                    fx, fy = us - np.float32(column), vs - np.float32(row)
                    a = np.uint64(row * width + column)
                    b, c, d = a + np.uint64(1), a + np.uint64(width), a + np.uint64(width + 1)
                    top = flat[a] + (flat[b] - flat[a]) * fx
                    under = flat[c] + (flat[d] - flat[c]) * fx
                    filled[target + np.uint64(x)] = (top + (under - top) * fy) * keep + (g + dg * at)


@compiled
def store(plane: Plane, lift: float, stored: Bytes, lowest: float, highest: float) -> None:
    """Round to bytes, `lift` steps lighter."""
    more, low, high = np.float32(lift + 0.5), np.float32(lowest), np.float32(highest)
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            stored[y, x] = np.uint8(min(max(plane[y, x] + more, low), high))


@compiled
def ground(colours: Plane, phases: Doubles, aspect: float, out: Nodes) -> None:
    """Slow clouds of `colours` (3, 3), dark to light, at the nodes of `out` (3, rows, columns); `phases` (4) say how they lie."""
    rows, columns = out.shape[1], out.shape[2]
    for j in range(rows):
        y = 2.0 * j / (rows - 1) - 1.0
        for i in range(columns):
            x = (2.0 * i / (columns - 1) - 1.0) * aspect
            bend = 0.8 * math.sin(1.3 * y + phases[2]) + 0.6 * math.cos(1.1 * x - phases[1])
            cloud = 0.5 + 0.28 * math.sin(1.7 * x + bend + phases[0]) + 0.22 * math.sin(2.1 * y - 1.3 * bend + phases[3])
            cloud *= 1.0 - 0.22 * (x * x + y * y) / (1.0 + aspect * aspect)
            place = min(max(2.0 * cloud, 0.0), 2.0)
            upper = min(int(place), 1)
            part = place - upper
            for channel in range(3):
                out[channel, j, i] = colours[upper, channel] * (1.0 - part) + colours[upper + 1, channel] * part


@inlined
def _cover(kind: int, x: Single, y: Single, size: Single, width: Single, sides: int, edges: Plane, soft: Single) -> Single:
    """How much of a point, 0 to 1, a shape round (0, 0) covers; x runs along the shape's own direction."""
    if kind == GLOW:
        near = np.float32(1.0) - (x * x + y * y) / (size * size)
        return near * near if near > np.float32(0.0) else np.float32(0.0)
    if kind == BAR:
        along = max(abs(x) - size, np.float32(0.0))
        distance = math.sqrt(along * along + y * y) - width
    elif kind == POLYGON:
        distance = -size
        for side in range(sides):
            distance = max(distance, x * edges[side, 0] + y * edges[side, 1])
        distance -= size
        if width > np.float32(0.0):
            distance = abs(distance) - width
    else:
        distance = math.sqrt(x * x + y * y) - size
        if kind == RING:
            distance = abs(distance) - width
    return min(max(np.float32(0.5) - distance / soft, np.float32(0.0)), np.float32(1.0))


@compiled
def stamp(
    luma: Plane,
    blue: Plane,
    red: Plane,
    kind: int,
    centre_x: float,
    centre_y: float,
    size: float,
    width: float,
    angle: float,
    sides: int,
    soft: float,
    opacity: float,
    colour: npt.NDArray[np.float32],
) -> None:
    """Lay one shape over the canvas; lengths in pixels of Y, the angle in radians.

    DISC and GLOW have the radius `size`, a RING too and half the `width`; a BAR reaches `size` to both sides and `width` up
    and down; a POLYGON has `sides` 3 to 8 at the distance `size`, drawn as a line of half the `width`, or filled if that is 0.
    """
    edges = np.empty((8, 2), np.float32)
    sides = min(max(sides, 3), 8)
    for side in range(sides):
        edges[side, 0] = math.cos(2.0 * math.pi * side / sides)
        edges[side, 1] = math.sin(2.0 * math.pi * side / sides)
    reach = size + width + soft
    if kind == POLYGON:
        reach = size / math.cos(math.pi / sides) + 2.0 * width + soft
    tall = reach
    wide = reach
    if kind == BAR:
        wide = size * abs(math.cos(angle)) + width + soft
        tall = size * abs(math.sin(angle)) + width + soft
    turn_x, turn_y = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    size32, width32, soft32, opacity32 = np.float32(size), np.float32(width), np.float32(soft), np.float32(opacity)
    for step in (1, 2):
        height, length = (luma if step == 1 else blue).shape
        first_y = int(min(max(math.floor((centre_y - tall) / step), 0.0), height))
        last_y = int(min(max(math.ceil((centre_y + tall) / step), 0.0), height))
        first_x = int(min(max(math.floor((centre_x - wide) / step), 0.0), length))
        last_x = int(min(max(math.ceil((centre_x + wide) / step), 0.0), length))
        for row in range(first_y, last_y):
            dy = np.float32((row + 0.5) * step - centre_y)
            for column in range(first_x, last_x):
                dx = np.float32((column + 0.5) * step - centre_x)
                covered = (
                    _cover(kind, dx * turn_x + dy * turn_y, dy * turn_x - dx * turn_y, size32, width32, sides, edges, soft32)
                    * opacity32
                )
                if step == 1:
                    luma[row, column] += (colour[0] - luma[row, column]) * covered
                else:
                    blue[row, column] += (colour[1] - blue[row, column]) * covered
                    red[row, column] += (colour[2] - red[row, column]) * covered


# A spark: where it is and how far it goes in a frame, in pixels of Y; its light, 0 when it is out; its radius; its colour.
X, Y, SPEED_X, SPEED_Y, LIGHT, RADIUS, COLOUR = range(7)


@compiled
def fly(sparks: Doubles, luma: Plane, blue: Plane, red: Plane, inks: Plane, dimming: float, drag: float, fall: float) -> None:
    """Move every spark on by a frame and draw it; `inks` are the colours."""
    height, width = luma.shape
    for spark in range(sparks.shape[0]):
        light = sparks[spark, LIGHT]
        if light < 0.02:
            continue
        sparks[spark, SPEED_X] *= drag
        sparks[spark, SPEED_Y] = sparks[spark, SPEED_Y] * drag + fall
        sparks[spark, X] += sparks[spark, SPEED_X]
        sparks[spark, Y] += sparks[spark, SPEED_Y]
        sparks[spark, LIGHT] = light * dimming
        x, y, radius = sparks[spark, X], sparks[spark, Y], sparks[spark, RADIUS]
        if not (-radius < x < width + radius and -radius < y < height + radius):
            sparks[spark, LIGHT] = 0.0
            continue
        ink = int(sparks[spark, COLOUR])
        for step in (1, 2):
            tall, wide = (luma if step == 1 else blue).shape
            first_y, last_y = int(max((y - radius) / step, 0.0)), int(min((y + radius) / step + 1.0, tall))
            first_x, last_x = int(max((x - radius) / step, 0.0)), int(min((x + radius) / step + 1.0, wide))
            for row in range(first_y, last_y):
                dy = (row + 0.5) * step - y
                for column in range(first_x, last_x):
                    dx = (column + 0.5) * step - x
                    near = 1.0 - (dx * dx + dy * dy) / (radius * radius)
                    if near > 0.0:
                        part = np.float32(near * light)
                        if step == 1:
                            luma[row, column] += (inks[ink, 0] - luma[row, column]) * part
                        else:
                            blue[row, column] += (inks[ink, 1] - blue[row, column]) * part
                            red[row, column] += (inks[ink, 2] - red[row, column]) * part


@compiled
def sow(sparks: Doubles, new: Doubles) -> None:
    """Put new sparks where the old ones are out, or nearly."""
    place = 0
    for spark in range(new.shape[0]):
        dimmest, least = place, np.inf
        for _ in range(sparks.shape[0]):
            place = (place + 1) % sparks.shape[0]
            if sparks[place, LIGHT] < least:
                dimmest, least = place, sparks[place, LIGHT]
            if least < 0.02:
                break
        sparks[dimmest] = new[spark]
        place = dimmest


@compiled
def bend(move: Doubles, phases: Doubles, width: int, height: int, across: Nodes, down: Nodes) -> None:
    """Where each node's point was in the last picture, in pixels of Y.

    `move` holds zoom (a power of e), roll (radians), two shifts in half heights, two rotations of the camera (radians), its focal
    length in half heights, and how far the picture flows to and fro, in half heights.
    """
    zoom, roll, right, lower, tilt, pan, focal, flow = move
    shrink = math.exp(-zoom)
    cosine, sine = math.cos(roll) * shrink, math.sin(roll) * shrink
    tilt_cos, tilt_sin, pan_cos, pan_sin = math.cos(tilt), math.sin(tilt), math.cos(pan), math.sin(pan)
    half = 0.5 * height
    for j in range(across.shape[0]):
        for i in range(across.shape[1]):
            x, y = (i * NODE - 0.5 * width) / half - right, (j * NODE - half) / half - lower
            x, y = x * cosine + y * sine, y * cosine - x * sine
            y, depth = y * tilt_cos + focal * tilt_sin, focal * tilt_cos - y * tilt_sin
            x, depth = x * pan_cos + depth * pan_sin, depth * pan_cos - x * pan_sin
            depth = max(depth, 0.1 * focal)
            x, y = x * focal / depth, y * focal / depth
            x += flow * math.sin(2.3 * y + phases[0] + 0.7 * math.cos(1.9 * x + phases[1]))
            y += flow * math.cos(2.1 * x - phases[1] + 0.7 * math.sin(1.7 * y + phases[2]))
            across[j, i] = x * half + 0.5 * width
            down[j, i] = y * half + half
