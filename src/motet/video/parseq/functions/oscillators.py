"""Waves over the frames."""

import math

from motet.video.parseq.functions.definition import Argument, Function
from motet.video.parseq.moment import Moment
from motet.video.parseq.values import Value, divided, number, remainder

__all__ = ["OSCILLATORS"]

ARGUMENTS = (
    Argument(("period", "p")),
    Argument(("phase", "ps"), 0.0),
    Argument(("amp", "a"), 1.0),
    Argument(("centre", "c"), 0.0),
    Argument(("limit", "li"), 0.0),  # periods after the keyframe, then 0; 0 is for ever
    Argument(("pulse", "pw"), 5.0),
)


def _sine(place: float, period: float) -> float:
    angle = divided(place * math.pi * 2, period)
    return math.sin(angle) if math.isfinite(angle) else math.nan


def _wave(shape: str, place: float, period: float, amp: float, width: float) -> float:
    if shape == "sin":
        return _sine(place, period) * amp
    if shape == "tri":
        return math.asin(_sine(place, period)) * (2 * amp) / math.pi
    if shape == "saw":
        return divided(remainder(place, period) * amp, period)
    if shape == "sq":
        return amp if _sine(place, period) >= 0 else -amp
    return amp if remainder(place, period) < width else amp * 0


def _oscillator(shape: str) -> Function:
    def call(moment: Moment, place: int, values: list[Value]) -> Value:
        period, phase, amp, centre, limit, width = map(number, values)
        if limit > 0 and moment.frame - moment.active > limit * period:
            return 0.0
        return centre + _wave(shape, moment.frame + phase, period, amp, width)

    return Function(ARGUMENTS, call, cost=3)


OSCILLATORS = {shape: _oscillator(shape) for shape in ("sin", "sq", "saw", "tri", "pulse")}
