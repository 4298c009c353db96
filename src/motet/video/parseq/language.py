"""Parseq's expressions: the words, and the tree they form. Operators of one level group to the RIGHT: `a-b-c` is `a-(b-c)`."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from motet.video.parseq.conditions import Builder, first_reading
from motet.video.parseq.errors import ExpressionError

__all__ = ["Call", "Chain", "If", "Literal", "Measure", "Negation", "Node", "Variable", "parse"]

LONGEST = 10_000  # characters of one expression
DEEPEST = 40  # brackets, calls and conditions within each other
LEVELS = (("and", "or"), (">", ">=", "<", "<=", "==", "!=", "&&", "||"), ("+", "-"), ("*", "/", "%", ":", "^"))
KEYWORDS = ("if", "else", "and", "or", "true", "false")
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<sign><=|>=|==|!=|&&|\|\||[<>(),=+\-*^/%:])
    |(?P<text>"(?:[^\n\\"]|\\["\\ntbfr])*")
    |(?P<number>[0-9]+(?:\.[0-9]+)?[fsb]?)
    |(?P<name>[a-zA-Z_][a-zA-Z_0-9]*)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Literal:
    value: float | str


@dataclass(frozen=True, slots=True)
class Measure:
    """A length in frames (f), seconds (s) or beats (b)."""

    amount: float
    unit: str


@dataclass(frozen=True, slots=True)
class Variable:
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Negation:
    operand: "Node"


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Operands of one level with the operators between them, worked out from the right."""

    operands: tuple["Node", ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class If:
    condition: "Node"
    then: "Node"
    otherwise: "Node | None"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function and its arguments; `names` is empty or has one name for each."""

    name: str
    arguments: tuple["Node", ...]
    names: tuple[str, ...]


Node = Literal | Measure | Variable | Negation | Chain | If | Call


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    spaced: bool  # space stands before it


@lru_cache(maxsize=4096)
def parse(expression: str) -> Node:
    """The tree of an expression. ExpressionError says what is wrong and where."""
    if len(expression) > LONGEST:
        raise ExpressionError(f"an expression may have {LONGEST:,} characters, this one has {len(expression):,}")
    tokens = _tokens(expression)
    if any(token.kind == "sign" and token.text == "if" for token in tokens):
        return _conditional(tokens)
    return _Parser(tokens).whole()


def _tokens(expression: str) -> list[_Token]:
    tokens: list[_Token] = []
    position, spaced = 0, False
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None:
            what = "comments are not read" if expression[position] == "#" else f"{expression[position]!r} means nothing here"
            raise ExpressionError(f"{what} (at character {position + 1})")
        position = match.end()
        kind = match.lastgroup or ""
        if kind == "space":
            spaced = True
            continue
        word = match.group()
        tokens.append(_Token("sign" if word in KEYWORDS else kind, word, match.start(), spaced))
        spaced = False
    return [*tokens, _Token("end", "", len(expression), spaced)]


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        node = self.level(0)
        if self.token.kind != "end":
            raise self.unexpected("an operator or the end")
        return node

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def unexpected(self, wanted: str) -> ExpressionError:
        found = "the expression ends" if self.token.kind == "end" else f"{self.token.text[:40]!r} stands"
        return ExpressionError(f"{found} where {wanted} should be (at character {self.token.start + 1})")

    def taken(self, sign: str) -> bool:
        if self.token.kind == "sign" and self.token.text == sign:
            self.at += 1
            return True
        return False

    def need(self, sign: str) -> None:
        if not self.taken(sign):
            raise self.unexpected(repr(sign))

    def level(self, level: int) -> Node:
        """A chain of the operators of LEVELS[level] and tighter; what an operator binds is decided by its level alone."""
        if level == len(LEVELS):
            return self.signed()
        operands, operators = [self.level(level + 1)], []
        while self.token.kind == "sign" and self.token.text in LEVELS[level]:
            operators.append(self.token.text)
            self.at += 1
            operands.append(self.level(level + 1))
        return operands[0] if not operators else Chain(tuple(operands), tuple(operators))

    def signed(self) -> Node:
        if self.taken("-"):
            if self.token.spaced:
                raise ExpressionError(f"no space may stand after a minus sign (at character {self.token.start})")
            return Negation(self.unary())
        return self.unary()

    def unary(self) -> Node:
        token = self.token
        if token.kind == "number":
            self.at += 1
            if token.text[-1] in "fsb":
                return Measure(float(token.text[:-1]), token.text[-1])
            return Literal(float(token.text))
        if token.kind == "text":
            self.at += 1
            try:
                return Literal(str(json.loads(token.text)))
            except ValueError:
                raise ExpressionError(f"a text holds a character that must be escaped (at character {token.start + 1})") from None
        if token.kind == "name":
            self.at += 1
            return self.nested(self.call, token.text) if self.taken("(") else Variable(token.text)
        if self.taken("true"):
            return Literal(1.0)
        if self.taken("false"):
            return Literal(0.0)
        if self.taken("("):
            return self.nested(self.bracket, "")
        raise self.unexpected("a value")

    def nested(self, read: Callable[[str], Node], name: str) -> Node:
        self.depth += 1
        if self.depth > DEEPEST:
            raise ExpressionError(f"brackets stand more than {DEEPEST} deep in each other")
        node = read(name)
        self.depth -= 1
        return node

    def bracket(self, name: str) -> Node:
        node = self.level(0)
        self.need(")")
        return node

    def call(self, name: str) -> Node:
        arguments: list[Node] = []
        names: list[str] = []
        while not self.closing(bool(names)):
            if self.tokens[self.at + 1].text == "=" and self.token.kind == "name" and len(names) == len(arguments):
                names.append(self.token.text)
                self.at += 2
            elif names:
                raise self.unexpected("a named argument")
            arguments.append(self.level(0))
            if not self.taken(","):
                self.need(")")
                break
        return Call(name, tuple(arguments), tuple(names))

    def closing(self, named: bool) -> bool:
        """Whether the bracket closes here: after nothing, or after a comma that no named argument follows."""
        if named or self.token.text != ")" or self.token.kind != "sign" or self.token.spaced:
            return False
        self.at += 1
        return True


def _conditional(tokens: list[_Token]) -> Node:
    words: list[tuple[str, str]] = []
    deep = 0
    for token in tokens:
        if token.spaced:
            words.append(("space", " "))
        if token.kind != "end":
            words.append((token.kind, token.text))
        if token.kind == "sign":
            deep += (token.text in ("(", "if")) - (token.text == ")")
        if deep > DEEPEST:
            raise ExpressionError(f"brackets and conditions stand more than {DEEPEST} deep in each other")
    node: Node | None = first_reading(words, BUILDERS)
    if node is None:
        raise ExpressionError("a condition is not written as `if (…) … else …`, with a space after each of these words")
    return node


def _value(parts: list[Any]) -> Node:
    """A number, a text, a variable, or what is in brackets."""
    if len(parts) > 1:
        inside: Node = parts[2]
        return inside
    (part,) = parts
    if not isinstance(part, str):
        return cast(Node, part)
    return _Parser(_tokens(part)).unary()


def _binary(parts: list[Any]) -> Node:
    if len(parts) == 1:
        return cast(Node, parts[0])
    left, sign, right = parts[0], parts[2], parts[4]
    if isinstance(right, Chain) and any(sign in level and right.operators[0] in level for level in LEVELS):
        return Chain((left, *right.operands), (sign, *right.operators))
    return Chain((left, right), (sign,))


def _named(parts: list[Any]) -> list[tuple[str, Node]]:
    return [(parts[1], parts[5]), *(parts[8] if len(parts) > 7 else [])]


def _listed(parts: list[Any]) -> list[tuple[str, Node]]:
    return [("", parts[1]), *(parts[4] if len(parts) > 3 else [])] if parts else []


def _called(parts: list[Any]) -> Node:
    names = tuple(name for name, _ in parts[3] if name)
    return Call(parts[0], tuple(node for _, node in parts[3]), names)


BUILDERS: dict[str, Builder] = {
    "whole": lambda parts: parts[1],
    "call": _called,
    "if": lambda parts: If(parts[2], parts[4], parts[8] if len(parts) > 5 else None),
    "listed": _listed,
    "named": _named,
    "logic": _binary,
    "comparison": _binary,
    "sum": _binary,
    "product": _binary,
    "signed": lambda parts: Negation(parts[1]) if len(parts) > 1 else parts[0],
    "value": _value,
    "truth": lambda parts: Literal(float(parts[0] == "true")),
}
