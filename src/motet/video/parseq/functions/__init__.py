"""The functions an expression may call."""

from motet.video.parseq.functions.chance import CHANCE
from motet.video.parseq.functions.curves import TRANSITIONS
from motet.video.parseq.functions.definition import Argument, Function
from motet.video.parseq.functions.labels import LABELS
from motet.video.parseq.functions.maths import MATHS
from motet.video.parseq.functions.memory import MEMORY
from motet.video.parseq.functions.oscillators import OSCILLATORS
from motet.video.parseq.functions.units import UNITS
from motet.video.parseq.functions.weights import WEIGHTS

__all__ = ["FUNCTIONS", "SERIES", "Function"]

FUNCTIONS: dict[str, Function] = {
    **MATHS,
    **OSCILLATORS,
    **CHANCE,
    **TRANSITIONS,
    **WEIGHTS,
    **LABELS,
    **UNITS,
    **MEMORY,
}
# A name that is no function is a time series: `alias(frame, 1)`; Parseq lets five more numbers stand there and heeds none.
SERIES = tuple(Argument((name,), 0.0) for name in "abcdefg")
