"""Schedules, "0: (1), 30: (2*sin(t/10))", as Deforum splits and reads them."""

from __future__ import annotations

import ast
import re
from functools import lru_cache

__all__ = ["fault", "frame_fault"]

LONGEST = 100_000  # characters
_DEEPEST = 64  # brackets in brackets: Python's own parser gives up not far above
_NUMBER = re.compile(r"(?=.)[+-]?[0-9]*(\.[0-9]+)?")  # what Deforum takes for one; "1e3" and "1." are expressions
_BRACKETS = str.maketrans("", "", "'\"()")
_VARIABLES = frozenset({"t", "s", "max_f"})
# The functions of numexpr that take one argument: a comma would end the key frame.
_FUNCTIONS = frozenset(
    "sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh"
    " log log10 log1p exp expm1 sqrt abs floor ceil conj real imag".split()
)
_NODES = (
    ast.Expression,
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.operator,
    ast.unaryop,
    ast.cmpop,
    ast.expr_context,
)


@lru_cache(4096)  # settings of thousands of films differ in few
def fault(schedule: str, *, names: bool = False) -> str | None:
    """What is wrong with a schedule, as the end of a sentence, or None. `names`: its values are names, not expressions.

    Deforum splits at every comma, then at every colon, whatever brackets stand around them.
    """
    if len(schedule) > LONGEST:
        return f"has more than {LONGEST} characters"
    if not schedule.strip():
        return 'is empty: write "0: (value)"'
    begins = False
    for entry in schedule.split(","):
        frame, *values = entry.split(":")
        if len(values) != 1:
            shown = _shown(entry)
            if not values:
                return f"has {shown} without a frame: Deforum ends a key frame at every comma, in brackets too"
            return f"has {shown} with two colons: Deforum reads what is between them and drops the rest"
        if found := frame_fault(frame):
            return f"has {_shown(entry)}: {found}"
        begins = begins or _plain(frame) == "0"
        value = values[0].strip()
        if not _plain(value):
            return f"has no value in {_shown(entry)}"
        if not names and (found := _expression_fault(value)):
            return f"has {_shown(entry)}: {found}"
    return None if begins else "has no key frame 0: Deforum fails on it"


def frame_fault(frame: str) -> str | None:
    """What is wrong with the frame of a key frame: a whole number, or an expression as max_f-2, in quotes or not."""
    plain = _plain(frame)
    if _NUMBER.fullmatch(plain):
        return None if re.fullmatch(r"[+-]?[0-9]+", plain) else f"{plain} is no whole frame"
    return _expression_fault(frame.strip().strip("'\""))


def _plain(value: str) -> str:
    return value.strip().translate(_BRACKETS).strip()


def _expression_fault(value: str) -> str | None:
    if _NUMBER.fullmatch(_plain(value)):
        return None
    if value.count("(") > _DEEPEST or len(value) > 2000:
        return "the expression is too long"
    try:
        tree = ast.parse(value.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "it is no expression"
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name) or node.func.id not in _FUNCTIONS or len(node.args) != 1 or node.keywords:
                name = _shown(node.func.id) if isinstance(node.func, ast.Name) else "like this"
                return f"Deforum knows no function {name} of one value"
        elif isinstance(node, ast.Name):
            if node.id not in _VARIABLES and node.id not in _FUNCTIONS:
                return f"Deforum knows t, s and max_f, and no {_shown(node.id)}"
        elif isinstance(node, ast.Constant):
            if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
                return "it holds something that is no number"
        elif not isinstance(node, _NODES):
            return "it is no expression of numbers"
    return None


def _shown(text: str) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= 60 else text[:57] + "…")
