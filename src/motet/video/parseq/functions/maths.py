"""Plain arithmetic; names with an underscore mean what JavaScript's Math means by them."""

import math
from collections.abc import Callable

from motet.video.parseq.functions.definition import Argument, Function, numbers
from motet.video.parseq.values import divided, power, rounded

__all__ = ["MATHS"]


def _min(a: float, b: float) -> float:
    return math.nan if a != a or b != b else min(a, b)


def _max(a: float, b: float) -> float:
    return math.nan if a != a or b != b else max(a, b)


def _to_places(round_off: Callable[[float], float]) -> Callable[[float, float], float]:
    def function(v: float, p: float) -> float:
        scale = power(10.0, p)
        return divided(round_off(v * scale), scale)

    return function


def _floor(v: float) -> float:
    return float(math.floor(v)) if math.isfinite(v) else v


def _ceil(v: float) -> float:
    return float(math.ceil(v)) if math.isfinite(v) else v


def _real(function: Callable[[float], float]) -> Callable[[float], float]:
    """NaN where there is no real answer, and infinity where it is too large."""

    def answer(v: float) -> float:
        try:
            return float(function(v))
        except OverflowError:
            return math.copysign(math.inf, v) if function is math.sinh else math.inf
        except ValueError:
            return math.nan

    return answer


def _log(function: Callable[[float], float], pole: float = 0.0) -> Callable[[float], float]:
    inside = _real(function)
    return lambda v: -math.inf if v == pole else inside(v)


def _atanh(v: float) -> float:
    return math.copysign(math.inf, v) if abs(v) == 1 else _real(math.atanh)(v)


def _sign(v: float) -> float:
    return v if v == 0 or v != v else math.copysign(1.0, v)


def _leading_zeros(v: float) -> float:
    return float(32 - (math.trunc(v) & 0xFFFFFFFF).bit_length()) if math.isfinite(v) else 32.0


VALUE = Argument(("v",))
PLACES = Argument(("p",), 0.0)
RAW: dict[str, Callable[[float], float]] = {
    **{
        f"_{name}": _real(getattr(math, name))
        for name in ("sin cos tan asin acos atan exp sqrt cbrt expm1 sinh cosh tanh asinh acosh".split())
    },
    "_log": _log(math.log),
    "_log2": _log(math.log2),
    "_log10": _log(math.log10),
    "_log1p": _log(math.log1p, -1.0),
    "_atanh": _atanh,
    "_sign": _sign,
    "_clz32": _leading_zeros,
}
MATHS = {
    "min": Function((Argument(("a",)), Argument(("b",))), numbers(_min)),
    "max": Function((Argument(("a",)), Argument(("b",))), numbers(_max)),
    "abs": Function((VALUE,), numbers(abs)),
    "round": Function((VALUE, PLACES), numbers(_to_places(rounded))),
    "floor": Function((VALUE, PLACES), numbers(_to_places(_floor))),
    "ceil": Function((VALUE, PLACES), numbers(_to_places(_ceil))),
    **{name: Function((VALUE,), numbers(function)) for name, function in RAW.items()},
}
