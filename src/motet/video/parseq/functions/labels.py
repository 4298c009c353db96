"""Questions about the info labels of keyframes, asked by regular expression."""

from bisect import bisect_right
from collections.abc import Callable

from motet.video.parseq.functions.definition import Argument, Function
from motet.video.parseq.moment import Moment
from motet.video.parseq.values import Value, divided, number

__all__ = ["LABELS"]

REGEX = Argument(("regex", "r"), text=True)
OTHERWISE = Argument(("default", "d"), -1.0)


def _match(moment: Moment, place: int, values: list[Value]) -> Value:
    frames = moment.labels.frames
    at = bisect_right(frames, moment.frame)
    return float(at > 0 and moment.labels.previous(str(values[0]), moment.frame) == frames[at - 1])


def _count(moment: Moment, place: int, values: list[Value]) -> Value:
    return float(bisect_right(moment.labels.matching(str(values[0])), moment.frame))


def _between(answer: Callable[[int, int | None, int | None], float | None]) -> Callable[[Moment, int, list[Value]], Value]:
    """`answer(frame, previous match, next match)` or, where it has none, the default."""

    def call(moment: Moment, place: int, values: list[Value]) -> Value:
        source = str(values[0])
        labels = moment.labels
        found = answer(moment.frame, labels.previous(source, moment.frame), labels.following(source, moment.frame))
        return number(values[1]) if found is None else float(found)

    return call


def _previous(frame: int, before: int | None, after: int | None) -> float | None:
    return before


def _next(frame: int, before: int | None, after: int | None) -> float | None:
    return after


def _gap(frame: int, before: int | None, after: int | None) -> float | None:
    return None if before is None or after is None else after - before


def _progress(frame: int, before: int | None, after: int | None) -> float | None:
    return None if before is None or after is None else divided(frame - before, after - before)


def _since(frame: int, before: int | None, after: int | None) -> float | None:
    return None if before is None else frame - before


def _until(frame: int, before: int | None, after: int | None) -> float | None:
    return None if after is None else after - frame


_PREVIOUS = Function((REGEX, Argument(("default", "d"), -1.0, text=True)), _between(_previous), cost=4)
LABELS = {
    "info_match": Function((REGEX,), _match, cost=4),
    "info_match_count": Function((REGEX,), _count, cost=4),
    "info_match_prev": _PREVIOUS,
    "info_match_last": _PREVIOUS,
    "info_match_next": Function((REGEX, OTHERWISE), _between(_next), cost=4),
    "info_match_gap": Function((REGEX, OTHERWISE), _between(_gap), cost=4),
    "info_match_progress": Function((REGEX, OTHERWISE), _between(_progress), cost=4),
    "info_match_since": Function((REGEX, OTHERWISE), _between(_since), cost=4),
    "info_match_until": Function((REGEX, OTHERWISE), _between(_until), cost=4),
}
