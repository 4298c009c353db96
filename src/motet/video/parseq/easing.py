"""Cubic Bezier easing as browsers draw it: from (0, 0) to (1, 1) by two control points (CSS Easing Functions, level 1)."""

import struct
from collections.abc import Callable
from functools import lru_cache

from motet.video.parseq.errors import ExpressionError

__all__ = ["CURVES", "easing"]

# How the curve is solved for its x decides the fourth digit of y where it is steep: these are the usual figures.
SAMPLES = 11
NEWTON_STEPS, NEWTON_SLOPE = 4, 0.001
HALVINGS, CLOSE = 10, 1e-7

CURVES = {
    "ease": (0.25, 0.1, 0.25, 1.0),
    "linear": (0.0, 0.0, 1.0, 1.0),
    "step-start": (0.0, 0.0, 0.0, 1.0),
    "step-end": (1.0, 0.0, 1.0, 1.0),
    "ease-in": (0.42, 0.0, 1.0, 1.0),
    "ease-out": (0.0, 0.0, 0.58, 1.0),
    "ease-in-out": (0.42, 0.0, 0.58, 1.0),
    "easeInSine": (0.12, 0.0, 0.39, 0.0),
    "easeOutSine": (0.61, 1.0, 0.88, 1.0),
    "easeInOutSine": (0.37, 0.0, 0.63, 1.0),
    "easeInQuad": (0.11, 0.0, 0.5, 0.0),
    "easeOutQuad": (0.5, 1.0, 0.89, 1.0),
    "easeInOutQuad": (0.45, 0.0, 0.55, 1.0),
    "easeInCubic": (0.32, 0.0, 0.67, 0.0),
    "easeOutCubic": (0.33, 1.0, 0.68, 1.0),
    "easeInOutCubic": (0.65, 0.0, 0.35, 1.0),
    "easeInQuart": (0.5, 0.0, 0.75, 0.0),
    "easeOutQuart": (0.25, 1.0, 0.5, 1.0),
    "easeInOutQuart": (0.76, 0.0, 0.24, 1.0),
    "easeInQuint": (0.64, 0.0, 0.78, 0.0),
    "easeOutQuint": (0.22, 1.0, 0.36, 1.0),
    "easeInOutQuint": (0.83, 0.0, 0.17, 1.0),
    "easeInExpo": (0.7, 0.0, 0.84, 0.0),
    "easeOutExpo": (0.16, 1.0, 0.3, 1.0),
    "easeInOutExpo": (0.87, 0.0, 0.13, 1.0),
    "easeInCirc": (0.55, 0.0, 1.0, 0.45),
    "easeOutCirc": (0.0, 0.55, 0.45, 1.0),
    "easeInOutCirc": (0.85, 0.0, 0.15, 1.0),
    "easeInBack": (0.36, 0.0, 0.66, -0.56),
    "easeOutBack": (0.34, 1.56, 0.64, 1.0),
    "easeInOutBack": (0.68, -0.6, 0.32, 1.6),
}
for _plain in ("ease-in", "ease-out", "ease-in-out", "step-start", "step-end"):
    _head, *_tail = _plain.split("-")
    CURVES[_head + "".join(word.title() for word in _tail)] = CURVES[_plain]
for _order, _shape in enumerate(("Sine", "Quad", "Cubic", "Quart", "Quint", "Expo"), 1):
    for _side in ("easeIn", "easeOut", "easeInOut"):
        CURVES[f"{_side}{_order}"] = CURVES[_side + _shape]


@lru_cache(maxsize=256)
def easing(x1: float, y1: float, x2: float, y2: float) -> Callable[[float], float]:
    """The curve's y at a given x; x1 and x2 lie in 0 to 1."""
    if not (0 <= x1 <= 1 and 0 <= x2 <= 1):
        raise ExpressionError("the x of a Bezier control point must lie between 0 and 1")
    if x1 == y1 and x2 == y2:
        return float
    across = (1 - 3 * x2 + 3 * x1, 3 * x2 - 6 * x1, 3 * x1)
    up = (1 - 3 * y2 + 3 * y1, 3 * y2 - 6 * y1, 3 * y1)
    step = 1 / (SAMPLES - 1)
    samples = struct.unpack(f"{SAMPLES}f", struct.pack(f"{SAMPLES}f", *(_at(across, i * step) for i in range(SAMPLES))))

    def moment(x: float) -> float:
        """The parameter t at which the curve has come to x."""
        left = 0
        while left < SAMPLES - 2 and samples[left + 1] <= x:
            left += 1
        start = left * step
        width = samples[left + 1] - samples[left]
        guess = start + ((x - samples[left]) / width if width else 0.0) * step
        slope = _slope(across, guess)
        if slope >= NEWTON_SLOPE:
            for _ in range(NEWTON_STEPS):
                slope = _slope(across, guess)
                if slope == 0:
                    break
                guess -= (_at(across, guess) - x) / slope
            return guess
        return guess if slope == 0 else _halved(across, x, start, start + step)

    return lambda x: x if x in (0, 1) else _at(up, moment(x))


def _at(terms: tuple[float, float, float], t: float) -> float:
    return ((terms[0] * t + terms[1]) * t + terms[2]) * t


def _slope(terms: tuple[float, float, float], t: float) -> float:
    return 3 * terms[0] * t * t + 2 * terms[1] * t + terms[2]


def _halved(across: tuple[float, float, float], x: float, low: float, high: float) -> float:
    middle = low
    for _ in range(HALVINGS):
        middle = low + (high - low) / 2
        beyond = _at(across, middle) - x
        if abs(beyond) <= CLOSE:
            break
        low, high = (low, middle) if beyond > 0 else (middle, high)
    return middle
