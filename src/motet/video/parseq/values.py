"""Numbers and texts as JavaScript treats them, which is what Parseq's expressions mean (ECMA-262, sections 6.1.6, 7.1, 21.1)."""

import math
import re
from decimal import ROUND_HALF_UP, Decimal

__all__ = [
    "SPACES",
    "Value",
    "added",
    "divided",
    "equal",
    "fixed",
    "less",
    "number",
    "power",
    "precise",
    "remainder",
    "rounded",
    "text",
    "whole",
]

Value = float | str
SPACES = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
EXACT = 2.0**53  # the first whole number after which not every one has a float
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z")
_BASED = re.compile(r"0[xX][0-9a-fA-F]{1,255}\Z|0[oO][0-7]{1,255}\Z|0[bB][01]{1,255}\Z")


def number(value: Value) -> float:
    """The number that a value stands for: NaN for a text that is none, 0 for an empty one."""
    if isinstance(value, float):
        return value
    stripped = value.strip(SPACES)
    if not stripped:
        return 0.0
    if _DECIMAL.match(stripped):
        return float(stripped)
    if _BASED.match(stripped):
        return float(int(stripped, 0))
    if stripped.lstrip("+-") == "Infinity" and len(stripped) <= 9:
        return -math.inf if stripped[0] == "-" else math.inf
    return math.nan


def text(value: Value) -> str:
    """A value as JavaScript prints it: the fewest digits that read back as the same number, and no point where none is needed."""
    if isinstance(value, str):
        return value
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    written = "".join(map(str, digits))
    point = len(written) + int(exponent)
    if 0 < point <= 21:
        return sign + (written.ljust(point, "0") if len(written) <= point else f"{written[:point]}.{written[point:]}")
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{written}"
    return sign + _scientific(written, point - 1)


def _scientific(digits: str, exponent: int) -> str:
    return f"{digits[0]}{'.' if len(digits) > 1 else ''}{digits[1:]}e{exponent:+d}"


def fixed(value: float, places: int) -> str:
    """A number with that many places, ties away from zero (`toFixed`)."""
    if not math.isfinite(value) or abs(value) >= 1e21:
        return text(value)
    written = f"{Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
    return written[1:] if value == 0 and written[0] == "-" else written


def precise(value: float, digits: int) -> str:
    """A number with that many significant digits, ties away from zero (`toPrecision`)."""
    if not math.isfinite(value):
        return text(value)
    if value == 0:
        return "0." + "0" * (digits - 1) if digits > 1 else "0"
    exact = Decimal(value)
    exponent = exact.adjusted()
    shown = exact.quantize(Decimal(1).scaleb(exponent - digits + 1), ROUND_HALF_UP)
    if shown.adjusted() > exponent:  # 9.9999 became 10.000
        exponent += 1
        shown = shown.quantize(Decimal(1).scaleb(exponent - digits + 1), ROUND_HALF_UP)
    if -6 <= exponent < digits:
        return f"{shown:f}"
    sign = "-" if value < 0 else ""
    return sign + _scientific("".join(map(str, shown.as_tuple().digits)), exponent)


def whole(value: float) -> int | float:
    """The same number as JSON writes it: 1 and not 1.0, 0 and not -0.0."""
    return int(value) if value.is_integer() and abs(value) < EXACT else value


def rounded(value: float) -> float:
    """The nearest whole number, halves upwards (`Math.round`)."""
    if not math.isfinite(value):
        return value
    below = math.floor(value)
    return float(below + 1 if value - below >= 0.5 else below)


def divided(left: float, right: float) -> float:
    """A quotient that may be infinite, or NaN for 0 / 0."""
    if right != 0:
        return left / right
    if left == 0 or left != left:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: float, right: float) -> float:
    """What is left of a division rounded towards zero; it has the sign of `left`."""
    if right == 0 or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


def power(base: float, exponent: float) -> float:
    """A power that may be infinite, or NaN where a real one does not exist."""
    if exponent != exponent or (abs(base) == 1 and math.isinf(exponent)):
        return math.nan
    try:
        return math.pow(base, exponent)
    except OverflowError:
        return -math.inf if base < 0 and exponent % 2 == 1 else math.inf
    except ValueError:
        if base == 0:
            return math.copysign(math.inf, base) if exponent % 2 == 1 else math.inf
        return math.nan


def added(left: Value, right: Value) -> Value:
    """The sum of two numbers, or two values written one after the other when either is a text."""
    if isinstance(left, float) and isinstance(right, float):
        return left + right
    return text(left) + text(right)


def equal(left: Value, right: Value) -> bool:
    """Whether two values are alike, "2" and 2 included."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return number(left) == number(right)


def less(left: Value, right: Value) -> bool:
    """Whether `left` comes before `right`: by the alphabet when both are texts."""
    if isinstance(left, str) and isinstance(right, str):
        return left < right
    return number(left) < number(right)
