"""The beat of a span of music, as its metre counts it."""

from __future__ import annotations

from dataclasses import dataclass

from motet.midi.tempo import TempoMap

STEADY = 0.02  # largest change of tempo, as a share, that still counts as steady


@dataclass(frozen=True)
class Pulse:
    """`mean` is in beats of the metre per minute, weighted by time; `metre` is "" when it changes inside the span."""

    mean: float
    steady: bool
    metre: str


def pulse(clock: TempoMap, start_tick: int, end_tick: int) -> Pulse:
    """What a musician would count between two ticks (start < end).

    The beat is the metre's lower number, but three of them in compound metres (6/8, 9/8, 12/8 and the like): so 6/8 at a
    quarter note of 120 has 80 beats a minute. Where the metre changes, quarter notes are counted.
    """
    metres = {clock.metre_at(start_tick)}
    metres |= {(top, bottom) for tick, top, bottom in clock.metres if start_tick < tick < end_tick}
    quarters_per_beat = 1.0
    name = ""
    if len(metres) == 1:
        ((top, bottom),) = metres
        name = f"{top}/{bottom}"
        quarters_per_beat = 4 / bottom * (3 if is_compound(top, bottom) else 1)
    seconds = clock.to_seconds(end_tick) - clock.to_seconds(start_tick)
    mean = 60 * clock.to_quarters(end_tick - start_tick) / seconds / quarters_per_beat
    tempi = [clock.bpm_at(start_tick)]
    tempi += [60e6 / us for tick, us in clock.tempi if start_tick < tick < end_tick]
    return Pulse(mean, max(tempi) <= min(tempi) * (1 + STEADY), name)


def is_compound(top: int, bottom: int) -> bool:
    """Whether beats of this metre fall into three: 6/8, 9/8, 12/16 …, but not 3/8, which is counted in ones."""
    return bottom >= 8 and top > 3 and top % 3 == 0
