"""Ways from one keyframe to the next: straight, or eased along a Bezier curve."""

from motet.video.parseq.easing import CURVES, easing
from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.functions.definition import Argument, Function
from motet.video.parseq.moment import Moment
from motet.video.parseq.values import Value, divided, number

__all__ = ["CONTROL_POINTS", "TRANSITIONS", "along", "control_points"]


def _start(moment: Moment, place: int) -> float:
    return moment.curve.active(moment.frame)


def _end(moment: Moment, place: int) -> float:
    return moment.curve.next_value(moment.frame)


def _span(moment: Moment, place: int) -> float:
    return float(moment.curve.next_frame(moment.frame) - moment.active)


CONTROL_POINTS = (
    Argument(("x1",), 0.5),
    Argument(("y1",), 0.0),
    Argument(("x2",), 0.5),
    Argument(("y2",), 1.0),
)
FROM = Argument(("from", "start", "s"), _start)
TO = Argument(("to", "end", "t"), _end)
SPAN = Argument(("span", "in", "s"), _span)
OFFSET = Argument(("offset", "os"), 2.0)  # below 1: the place on the way, whatever the frame
CURVE = Argument(("curve", "c"), "", text=True)


def control_points(x1: float, y1: float, x2: float, y2: float, curve: Value) -> tuple[float, float, float, float]:
    """The four numbers of a curve by its name, or as they are given."""
    if not curve:
        return x1, y1, x2, y2
    if curve not in CURVES:
        raise ExpressionError(f"there is no curve {str(curve)[:40]!r}: take one of {', '.join(list(CURVES)[:7])}, easeInSine, …")
    return CURVES[str(curve)]


def along(
    moment: Moment, points: tuple[float, float, float, float], start: float, end: float, over: float, offset: float
) -> float:
    """The place on an eased way that begins at the active keyframe and takes `over` frames."""
    position = offset if abs(offset) < 1 else divided(moment.frame - moment.active, over)
    if over == 0:
        return start
    if position > 1:
        return end
    return start + easing(*points)(position) * (end - start)


def _bez(moment: Moment, place: int, values: list[Value]) -> Value:
    x1, y1, x2, y2, start, end, over, offset = map(number, values[:8])
    delta = number(values[9])
    if delta and delta == delta:
        end = start + delta
    return along(moment, control_points(x1, y1, x2, y2, values[8]), start, end, over, offset)


def _slide(moment: Moment, place: int, values: list[Value]) -> Value:
    start, end, over, offset = map(number, values)
    passed = float(moment.frame - moment.active)
    if over == 0:
        return start
    if passed >= over:
        return end
    return start + (end - start) / over * (offset * over if abs(offset) < 1 else passed)


TRANSITIONS = {
    "bez": Function((*CONTROL_POINTS, FROM, TO, SPAN, OFFSET, CURVE, Argument(("d", "delta"), 0.0)), _bez, cost=12),
    "slide": Function((FROM, TO, SPAN, OFFSET), _slide, cost=4),
}
