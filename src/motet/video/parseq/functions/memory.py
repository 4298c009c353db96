"""What was worked out before, and where beats and generated frames lie."""

import math
from collections.abc import Callable

from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.functions.definition import Argument, Function
from motet.video.parseq.moment import Moment
from motet.video.parseq.values import Value, number, remainder, rounded

__all__ = ["MEMORY"]

ROUNDINGS: dict[Value, Callable[[float], float]] = {"d": math.floor, "u": math.ceil, "r": rounded}


def _now(moment: Moment, place: int) -> float:
    return float(moment.frame)


def _computed_at(moment: Moment, place: int, values: list[Value]) -> Value:
    frame = number(values[0])
    if frame < 0:
        return number(values[1])
    if not (frame.is_integer() and frame < len(moment.computed)):
        raise ExpressionError("computed_at() knows only whole frames before this one, and none in a prompt")
    return moment.computed[int(frame)]


def _start_of_beat(moment: Moment, place: int, values: list[Value]) -> Value:
    if values[1] not in ROUNDINGS:
        raise ExpressionError(f'start_of_beat() rounds "d" (down), "u" (up) or "r", not {str(values[1])[:20]!r}')
    per_beat = moment.fps * 60 / moment.bpm
    beat = number(values[0]) / per_beat
    if not math.isfinite(beat):
        return math.nan
    return float(ROUNDINGS[values[1]](math.floor(beat) * per_beat))


def _recompute_if(moment: Moment, place: int, values: list[Value]) -> Value:
    key = (place, "kept")
    if number(values[0]) > 0:
        moment.memory[key] = values[1]
        return values[1]
    kept: Value = moment.memory.get(key, values[2])
    return kept


def _dangerous(moment: Moment, place: int, values: list[Value]) -> Value:
    frame = number(values[1])
    if not (frame.is_integer() and 0 <= frame < len(moment.rendered)):
        return -1.0
    found = moment.rendered[int(frame)].get(str(values[0]))
    return float(found) if found and found == found else -1.0


def _is_generation(moment: Moment, place: int, values: list[Value]) -> Value:
    return float(remainder(number(values[0]), moment.cadence) == 0)


MEMORY = {
    "computed_at": Function(
        (
            Argument(("f",), lambda moment, place: float(moment.active)),
            Argument(("d",), lambda moment, place: moment.rest),
        ),
        _computed_at,
    ),
    "start_of_beat": Function((Argument(("f",), _now), Argument(("round", "r"), "r", text=True)), _start_of_beat),
    "recompute_if": Function((Argument(("if",)), Argument(("compute", "c")), Argument(("default", "d"), -1.0)), _recompute_if),
    "dangerous": Function((Argument(("name", "n"), text=True), Argument(("frame", "f"), _now)), _dangerous),
    "is_generation": Function((Argument(("f",), _now),), _is_generation),
}
