"""An expression's tree made into one Python function, so that a frame costs little. Nothing of it is ever text for Python."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.functions import FUNCTIONS, SERIES, Function
from motet.video.parseq.functions.definition import Argument
from motet.video.parseq.language import Call, Chain, If, Literal, Measure, Negation, Node, Variable, parse
from motet.video.parseq.moment import Moment
from motet.video.parseq.values import Value, added, divided, equal, less, number, power, remainder, text

__all__ = ["Program", "compiled"]

LONGEST = 10_000  # characters of a text that an expression builds
Run = Callable[[Moment], Value]


def _polynomial(moment: Moment) -> float:
    moment.effort.spend(len(moment.curve.frames) ** 2 // 8)
    return moment.curve.polynomial(moment.frame)


VARIABLES: dict[str, Run] = {
    "L": lambda moment: moment.curve.linear(moment.frame),
    "S": lambda moment: moment.curve.active(moment.frame),
    "C": lambda moment: moment.curve.cubic(moment.frame),
    "P": _polynomial,
    "f": lambda moment: float(moment.frame),
    "b": lambda moment: moment.beat,
    "wb": lambda moment: float(math.floor(moment.beat)),
    "s": lambda moment: moment.frame / moment.fps,
    "k": lambda moment: float(moment.frame - moment.active),
    "fps": lambda moment: moment.fps,
    "bpm": lambda moment: moment.bpm,
    "cadence": lambda moment: moment.cadence,
    "final_frame": lambda moment: float(moment.last_frame),
    "last_frame": lambda moment: float(moment.last_frame),
    "active_keyframe": lambda moment: float(moment.active),
    "prev_keyframe": lambda moment: float(moment.active),
    "next_keyframe": lambda moment: float(moment.curve.next_frame(moment.frame)),
    "active_keyframe_value": lambda moment: moment.curve.active(moment.frame),
    "prev_keyframe_value": lambda moment: moment.curve.active(moment.frame),
    "next_keyframe_value": lambda moment: moment.curve.next_value(moment.frame),
}
CONSTANTS = {
    "PI": math.pi,
    "E": math.e,
    "SQRT2": math.sqrt(2),
    "SQRT1_2": math.sqrt(0.5),
    "LN2": math.log(2),
    "LN10": math.log(10),
    "LOG2E": 1 / math.log(2),
    "LOG10E": 1 / math.log(10),
}


def _quotient(left: Value, right: Value) -> Value:
    if right == 0 and not isinstance(right, str):
        raise ExpressionError("a number is divided by zero")
    return divided(number(left), number(right))


def _minus(left: Value, right: Value) -> Value:
    return number(left) - number(right)


def _times(left: Value, right: Value) -> Value:
    return number(left) * number(right)


def _both(left: Value, right: Value) -> Value:
    return float(number(left) > 0 and number(right) > 0)


def _either(left: Value, right: Value) -> Value:
    return float(number(left) > 0 or number(right) > 0)


OPERATORS: dict[str, Callable[[Value, Value], Value]] = {
    "+": added,
    "-": _minus,
    "*": _times,
    "/": _quotient,
    "%": lambda left, right: remainder(number(left), number(right)),
    "^": lambda left, right: power(number(left), number(right)),
    ":": lambda left, right: f"({text(left)}:{text(right)})",
    "==": lambda left, right: float(equal(left, right)),
    "!=": lambda left, right: float(not equal(left, right)),
    "<": lambda left, right: float(less(left, right)),
    ">": lambda left, right: float(less(right, left)),
    "<=": lambda left, right: float(less(left, right) or equal(left, right)),
    ">=": lambda left, right: float(less(right, left) or equal(left, right)),
    "and": _both,
    "&&": _both,
    "or": _either,
    "||": _either,
}


@dataclass(frozen=True, slots=True)
class Program:
    """`run(moment)` works the expression out, `cost` is what that costs; the rest is for a check without running it."""

    run: Run
    cost: int
    variables: frozenset[str]  # names the language does not know by itself
    series: frozenset[str]  # names called like functions that are none
    faults: tuple[str, ...]  # what would stop it if it came so far


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Program:
    """The program of an expression. ExpressionError where it cannot be read."""
    compiler = _Compiler()
    run = compiler.node(parse(expression))
    return Program(
        run, compiler.cost, frozenset(compiler.variables), frozenset(compiler.series), tuple(dict.fromkeys(compiler.faults))
    )


class _Compiler:
    def __init__(self) -> None:
        self.cost = 0
        self.places: dict[int, int] = {}
        self.variables: set[str] = set()
        self.series: set[str] = set()
        self.faults: list[str] = []

    def place(self, node: Node) -> int:
        """A number for a node, the same whenever the expression is compiled."""
        return self.places.setdefault(id(node), len(self.places))

    def node(self, node: Node) -> Run:
        self.cost += 1
        match node:
            case Literal(value):
                return lambda moment: value
            case Variable(name):
                return self.variable(name)
            case Measure(amount, "s"):
                return lambda moment: amount * moment.fps
            case Measure(amount, "b"):
                return lambda moment: amount * (moment.fps * 60) / moment.bpm
            case Measure(amount):
                return lambda moment: amount
            case Negation(operand):
                inside = self.node(operand)
                return lambda moment: _negated(inside(moment))
            case Chain():
                return self.chain(node)
            case If():
                return self.condition(node)
            case Call():
                return self.call(node)

    def variable(self, name: str) -> Run:
        if name in VARIABLES:
            return VARIABLES[name]
        if name in CONSTANTS:
            constant = CONSTANTS[name]
            return lambda moment: constant
        self.variables.add(name)
        return lambda moment: moment.variable(name)

    def chain(self, node: Chain) -> Run:
        operands = [self.node(operand) for operand in node.operands]
        operators = [OPERATORS[sign] for sign in node.operators]
        if len(operands) == 2:
            first, second = operands
            operator = operators[0]
            return lambda moment: _short(operator(first(moment), second(moment)))

        def run(moment: Moment) -> Value:
            values = [operand(moment) for operand in operands]
            result = values.pop()
            for operator in reversed(operators):
                result = _short(operator(values.pop(), result))
            return result

        return run

    def condition(self, node: If) -> Run:
        condition, then = self.node(node.condition), self.node(node.then)
        otherwise = self.node(node.otherwise) if node.otherwise is not None else lambda moment: 0.0
        place = (self.place(node), "taken")

        def run(moment: Moment) -> Value:
            taken = moment.memory[place] = number(condition(moment)) > 0
            return then(moment) if taken else otherwise(moment)

        return run

    def call(self, node: Call) -> Run:
        function = FUNCTIONS.get(node.name)
        fault = self.misfit(node, function)
        if fault is not None:
            self.faults.append(fault)
            return _failing(fault)
        if function is None:
            self.series.add(node.name)
        arguments = SERIES if function is None else function.arguments
        given = [self.given(node, at, argument) for at, argument in enumerate(arguments)]
        self.cost += 3 + (function.cost if function else 3) + len(arguments)
        readers = [self.reader(node.name, argument, one) for argument, one in zip(arguments, given, strict=True)]
        if function is None:
            return _series(node.name, readers)
        call, place = function.call, self.place(node)
        if node.name == "recompute_if":
            last = self.last(node)

            def keep(moment: Moment) -> Value:
                values = [reader(moment, place) for reader in readers]
                return call(moment, last(moment), values)

            return keep
        return lambda moment: call(moment, place, [reader(moment, place) for reader in readers])

    def given(self, node: Call, at: int, argument: Argument) -> Node | None:
        if node.names:
            return next((one for name, one in zip(node.names, node.arguments, strict=True) if name in argument.names), None)
        return node.arguments[at] if at < len(node.arguments) else None

    def reader(self, name: str, argument: Argument, given: Node | None) -> Callable[[Moment, int], Value]:
        if given is None:
            default = argument.default
            if callable(default):
                return default
            value = math.nan if default is None else default
            return lambda moment, place: value
        inside = self.node(given)
        kind = str if argument.text else float
        wanted = f"{argument.names[0]!r} of {name}() must be a {'text' if argument.text else 'number'}"

        def read(moment: Moment, place: int) -> Value:
            value = inside(moment)
            if type(value) is not kind:
                raise ExpressionError(wanted)
            return value

        return read

    def misfit(self, node: Call, function: Function | None) -> str | None:
        """What is wrong with a call's arguments."""
        arguments = SERIES if function is None else function.arguments
        required = () if function is None else function.required
        if node.names:
            known = {name for argument in arguments for name in argument.names}
            lacking = [a.names[0] for a in required if not set(a.names) & set(node.names)]
            strange = [name for name in node.names if name not in known]
            twice = [a.names[0] for a in arguments if sum(name in a.names for name in node.names) > 1]
        else:
            lacking = [a.names[0] for a in required[len(node.arguments) :]]
            strange = [f"argument {len(arguments) + 1}"] if len(node.arguments) > len(arguments) else []
            twice = []
        if lacking:
            return f"{node.name}() lacks {', '.join(lacking)}"
        if strange:
            return f"{node.name}() knows no {', '.join(strange)[:80]}: it takes {', '.join(a.names[0] for a in arguments)}"
        return f"{node.name}() is given {', '.join(twice)} twice" if twice else None

    def last(self, node: Node) -> Callable[[Moment], int]:
        """The node worked out last within `node`: recompute_if() keeps its value there, so two of them may share one."""
        match node:
            case Negation(operand):
                return self.last(operand)
            case Chain(operands):
                return self.last(operands[-1])
            case If(condition, then, otherwise):
                taken = (self.place(node), "taken")
                yes, no = self.last(then), self.last(condition if otherwise is None else otherwise)
                return lambda moment: yes(moment) if moment.memory.get(taken) else no(moment)
            case Call():
                function = FUNCTIONS.get(node.name)
                arguments = SERIES if function is None else function.arguments
                given = [one for at, argument in enumerate(arguments) if (one := self.given(node, at, argument)) is not None]
                if given:
                    return self.last(given[-1])
        place = self.place(node)
        return lambda moment: place


def _negated(value: Value) -> Value:
    return "-" + value if isinstance(value, str) else -value


def _short(value: Value) -> Value:
    if isinstance(value, str) and len(value) > LONGEST:
        raise ExpressionError(f"a text grows beyond {LONGEST:,} characters")
    return value


def _failing(fault: str) -> Run:
    def run(moment: Moment) -> Value:
        raise ExpressionError(fault)

    return run


def _series(name: str, readers: list[Callable[[Moment, int], Value]]) -> Run:
    def run(moment: Moment) -> Value:
        series = moment.series.get(name)
        if series is None:
            raise ExpressionError(f"there is no function {name[:60]!r}")
        frame, linear = [number(reader(moment, 0)) for reader in readers][:2]
        return series.at(frame, moment.fps, linear=bool(linear) and linear == linear)

    return run
