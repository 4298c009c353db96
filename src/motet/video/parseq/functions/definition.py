"""What a function of the language is."""

from collections.abc import Callable
from dataclasses import dataclass

from motet.video.parseq.moment import Moment
from motet.video.parseq.values import Value

__all__ = ["Argument", "Function", "numbers"]

Default = Value | Callable[[Moment, int], Value]


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument by any of its `names`; `default` is a value, or asked of the moment and of the call's number."""

    names: tuple[str, ...]
    default: Default | None = None  # None: it must be given
    text: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """`call(moment, call number, values)`: the number tells one place in an expression from another, for what it remembers."""

    arguments: tuple[Argument, ...]
    call: Callable[[Moment, int, list[Value]], Value]
    cost: int = 1

    @property
    def required(self) -> tuple[Argument, ...]:
        return tuple(argument for argument in self.arguments if argument.default is None)


def numbers(function: Callable[..., float]) -> Callable[[Moment, int, list[Value]], Value]:
    """A call of a plain function of numbers."""
    return lambda moment, place, values: function(*values)
