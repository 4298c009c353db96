"""Which of several readings an expression with `if` has.

Nothing in `if (a) b else c + d` says where the last branch ends, and `if a -b` may be a difference or two values. Parseq takes
the first reading that its parser comes upon: an Earley parser (Earley, "An efficient context-free parsing algorithm", 1970)
whose lists are worked through in a certain order. So the same lists are kept here, in that order.
"""

from collections.abc import Callable, Sequence
from typing import Any

from motet.video.parseq.errors import ExpressionError

__all__ = ["Builder", "first_reading"]

MOST = 60_000  # partial readings of one expression
Builder = Callable[[list[Any]], Any]

# A rule: what it makes, and of what: other rules by name, a "sign", a set of signs, or a <kind> of word.
_GAP, _SPACE = "gap", "space"
RULES: tuple[tuple[str, tuple[str | frozenset[str], ...]], ...] = (
    ("whole", (_GAP, "expression", _GAP)),
    ("call", ("name", _GAP, "'(", "named", "')")),
    ("call", ("name", _GAP, "'(", "listed", "')")),
    ("if", ("'if", _SPACE, "expression", _SPACE, "expression")),
    ("if", ("'if", _SPACE, "expression", _GAP, "expression", _GAP, "'else", _SPACE, "expression")),
    ("listed", ()),
    ("listed", (_GAP, "expression", _GAP)),
    ("listed", (_GAP, "expression", _GAP, "',", "listed")),
    ("named", (_GAP, "name", _GAP, "'=", _GAP, "expression", _GAP)),
    ("named", (_GAP, "name", _GAP, "'=", _GAP, "expression", _GAP, "',", "named")),
    ("expression", ("logic",)),
    ("logic", ("comparison",)),
    ("logic", ("comparison", _GAP, "junction", _GAP, "logic")),
    ("junction", ("'and",)),
    ("junction", ("'or",)),
    ("comparison", ("sum",)),
    ("comparison", ("sum", _GAP, "relation", _GAP, "comparison")),
    *(("relation", ("'" + sign,)) for sign in (">", ">=", "<", "<=", "==", "!=", "&&", "||")),
    ("sum", ("product",)),
    ("sum", ("product", _GAP, frozenset("+-"), _GAP, "sum")),
    ("product", ("signed",)),
    ("product", ("signed", _GAP, frozenset("*/%:^"), _GAP, "product")),
    ("signed", ("value",)),
    ("signed", ("'-", "value")),
    ("value", ("<number>",)),
    ("value", ("name",)),
    ("value", ("call",)),
    ("value", ("<text>",)),
    ("value", ("if",)),
    ("value", ("truth",)),
    ("value", ("'(", _GAP, "expression", _GAP, "')")),
    ("truth", ("'true",)),
    ("truth", ("'false",)),
    ("name", ("<name>",)),
    ("spaces", ("<space>",)),
    ("spaces", ("spaces", "<space>")),
    (_SPACE, ("spaces",)),
    ("maybe", ()),
    ("maybe", ("maybe", "<space>")),
    (_GAP, ("maybe",)),
)
BY_NAME: dict[str, list[int]] = {}
for _number, (_name, _) in enumerate(RULES):
    BY_NAME.setdefault(_name, []).append(_number)


class _State:
    """A rule read up to its dot, begun at column `start`; `wanted` are the states that wait for what it makes."""

    __slots__ = ("before", "dot", "name", "part", "rule", "start", "symbols", "wanted")

    def __init__(self, rule: int, dot: int, start: int, wanted: list["_State"], before: "_State | None", part: Any) -> None:
        self.rule, self.dot, self.start, self.wanted = rule, dot, start, wanted
        self.before, self.part = before, part
        self.name, self.symbols = RULES[rule]

    def with_part(self, part: Any) -> "_State":
        return _State(self.rule, self.dot + 1, self.start, self.wanted, self, part)


class _Column:
    def __init__(self, number: int) -> None:
        self.number = number
        self.states: list[_State] = []
        self.wants: dict[str, list[_State]] = {}
        self.scannable: list[_State] = []
        self.empty: dict[str, list[_State]] = {}  # finished where they began

    def predict(self, name: str) -> None:
        wanted = self.wants[name]
        self.states.extend(_State(rule, 0, self.number, wanted, None, None) for rule in BY_NAME[name])

    def work(self, left: int) -> int:
        """Predicts and completes all there is; answers how many more states may be."""
        at = 0
        states = self.states
        while at < len(states):
            state = states[at]
            at += 1
            if state.dot == len(state.symbols):
                for waiting in reversed(state.wanted):
                    states.append(waiting.with_part(state))
                if state.start == self.number:
                    self.empty.setdefault(state.name, []).append(state)
            else:
                self.advance(state)
            if len(states) > left:
                raise ExpressionError("its conditions can be read in too many ways: put brackets around each if … else …")
        return left - len(states)

    def advance(self, state: _State) -> None:
        symbol = state.symbols[state.dot]
        if not isinstance(symbol, str) or symbol[0] in "'<":
            self.scannable.append(state)
        elif symbol in self.wants:
            self.wants[symbol].append(state)
            self.states.extend(state.with_part(done) for done in self.empty.get(symbol, ()))
        else:
            self.wants[symbol] = [state]
            self.predict(symbol)


def first_reading(tokens: Sequence[tuple[str, str]], builders: dict[str, Builder]) -> Any:
    """The first reading of `tokens` (kind and text, spaces included) as `builders` make it, by name of rule; None: there is none.

    A builder is given the parts of its rule in order; a part that is a word is its text. ExpressionError when there are too many.
    """
    column = _Column(0)
    column.wants["whole"] = []
    column.predict("whole")
    left = column.work(MOST)
    for number, (kind, text) in enumerate(tokens, 1):
        following = _Column(number)
        for state in reversed(column.scannable):
            symbol = state.symbols[state.dot]
            if text in symbol if isinstance(symbol, frozenset) else symbol in ("'" + text, f"<{kind}>"):
                following.states.append(state.with_part(text))
        left = following.work(left)
        column = following
    for state in column.states:
        if state.name == "whole" and state.start == 0 and state.dot == len(state.symbols):
            return _built(state, builders)
    return None


def _built(state: _State, builders: dict[str, Builder]) -> Any:
    """What the rules below `state` make, from the words up; without recursion, for a sum may be long."""
    frames: list[tuple[_State, list[Any], list[Any]]] = [(state, _parts(state), [])]
    while True:
        rule, parts, made = frames[-1]
        if len(made) < len(parts):
            part = parts[len(made)]
            if isinstance(part, _State):
                frames.append((part, _parts(part), []))
            else:
                made.append(part)
            continue
        frames.pop()
        builder = builders.get(rule.name)
        result = builder(made) if builder else made[0] if len(made) == 1 else None
        if not frames:
            return result
        frames[-1][2].append(result)


def _parts(state: _State) -> list[Any]:
    parts: list[Any] = []
    step: _State | None = state
    while step is not None and step.dot:
        parts.append(step.part)
        step = step.before
    return parts[::-1]
