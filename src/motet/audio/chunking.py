"""A recording cut into chunks on paper: the frames that each begins and ends with. No sound is needed."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from motet.errors import UserError

__all__ = ["Span", "Tail", "cuts_in", "plan"]

Tail = Literal["join", "drop", "keep"]
"""What becomes of a rest that is too short for a chunk of its own; see `plan`."""

SHORTEST_LENGTH = 0.5  # seconds
MOST_JOINED = 1.5  # of the wanted length


@dataclass(frozen=True, order=True)
class Span:
    """The frames [start_frame, end_frame) of a recording, at its own rate."""

    start_frame: int
    end_frame: int


def plan(
    seconds: float,
    rate: int,
    *,
    length: float = 30.0,
    shortest: float = 15.0,
    overlap: float = 0.0,
    tail: Tail = "join",
    cuts: Sequence[float] | None = None,
    slack: float = 2.0,
) -> list[Span]:
    """The chunks of a recording of `seconds` (those decoded, not those a header tells) at `rate` Hz, in order.

    The first begins with the recording. Each is `length` seconds long, and begins exactly `overlap` seconds before its
    predecessor ends: without overlap, where that ends. With `cuts` (seconds: beats, down-beats, silences), a chunk ends at the
    cut nearest to where it would, the earlier of two, if there is one within `slack` seconds (at most half of what it brings).

    What is left behind the last of them is a chunk too if it is `shortest` long or longer. If not, `tail` decides. "drop": it
    is left out. "keep": it is a chunk all the same. "join": the last chunk goes on to the end of the recording, if it is then
    no longer than 1.5 times `length`; else it and the rest are cut into two of one length (or at the cut nearest to that);
    and where these would be shorter than `shortest`, they stay one chunk. So with "join" and "drop" no chunk is shorter than
    `shortest`, and a recording that is shorter than that gives none.

    Raises UserError for settings that contradict each other.
    """
    _check(length, shortest, overlap, tail, slack)
    if not (math.isfinite(seconds) and seconds > 0 and rate > 0):
        return []
    end, step, least = round(seconds * rate), max(round(length * rate), 1), round(shortest * rate)
    lap = min(round(overlap * rate), step - 1)
    give = min(round(slack * rate), (step - lap) // 2)
    places = sorted({round(cut * rate) for cut in cuts or () if math.isfinite(cut) and 0 < cut < seconds})
    spans: list[Span] = []
    start = 0
    while end - start >= step:
        stop = min(_nearest(places, start + step, give), end)
        spans.append(Span(start, stop))
        if stop == end:
            return spans
        start = stop - lap
    rest = Span(start, end)
    if end - start >= least or (tail == "keep" and end > start):
        return [*spans, rest]
    if tail == "join" and spans:
        return [*spans[:-1], *_joined(spans[-1].start_frame, end, places, step, least, lap, give)]
    return spans


def _check(length: float, shortest: float, overlap: float, tail: str, slack: float) -> None:
    if not (math.isfinite(length) and length >= SHORTEST_LENGTH):
        raise UserError(f"a chunk of {length:g} seconds is none: let length be {SHORTEST_LENGTH:g} seconds or more")
    if not 0 <= shortest <= length:
        raise UserError(f"the shortest chunk of {shortest:g} seconds must be between 0 and the length of {length:g}")
    if not 0 <= overlap <= 0.9 * length:
        raise UserError(f"an overlap of {overlap:g} seconds must be between 0 and nine tenths of the length, {0.9 * length:g}")
    if not (math.isfinite(slack) and slack >= 0):
        raise UserError(f"a slack of {slack:g} seconds is not 0 or more: 2 is usual")
    if tail not in get_args(Tail):
        raise UserError(f"there is no rule {tail!r} for the rest of a recording: choose {', '.join(get_args(Tail))}")


def _nearest(places: Sequence[int], wanted: int, give: int) -> int:
    """The place nearest to `wanted` and at most `give` from it, the earlier of two; else `wanted` itself."""
    at = bisect_left(places, wanted)
    near = [place for place in places[max(at - 1, 0) : at + 1] if abs(place - wanted) <= give]
    return min(near, key=lambda place: abs(place - wanted), default=wanted)


def _joined(start: int, end: int, places: Sequence[int], step: int, least: int, lap: int, give: int) -> list[Span]:
    """The last chunk, from `start`, and a rest too short to stand alone."""
    whole = Span(start, end)
    if end - start <= MOST_JOINED * step:
        return [whole]
    half = start + (end - start + lap + 1) // 2
    for stop in (_nearest(places, half, give), half):
        if min(stop - start, end - stop + lap) >= least:
            return [Span(start, stop), Span(stop - lap, end)]
    return [whole]


def cuts_in(silences: Iterable[tuple[float, float]]) -> list[float]:
    """Where to cut in silences, given as (start, end) in seconds: in the middle of each."""
    return [(start + end) / 2 for start, end in silences if math.isfinite(start) and math.isfinite(end) and start <= end]
