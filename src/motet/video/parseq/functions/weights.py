"""Terms that stand in the positive or the negative prompt by the sign of their weight."""

from collections.abc import Callable

from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.functions.definition import Argument, Function
from motet.video.parseq.moment import Moment
from motet.video.parseq.values import Value, fixed, number

__all__ = ["MOVED", "WEIGHTS"]

MOVED = ("__PARSEQ_MOVE__", "__PARSEQ_END_MOVE__")  # around a term that belongs to the other prompt
NAN = float("nan")


def _weighted(opening: str, closing: str) -> Callable[[Moment, int, list[Value]], Value]:
    def call(moment: Moment, place: int, values: list[Value]) -> Value:
        if moment.positive is None:
            raise ExpressionError("posneg() belongs in a prompt")
        weight, in_positive, in_negative = map(number, values[1:])
        if weight == 0:
            return ""
        moves = weight < 0
        own = in_positive if moment.positive != moves else in_negative
        term = f"{opening}{values[0]}:{fixed(abs(weight) if own != own else own, 4)}{closing}"
        return term.join(MOVED) if moves else term

    return call


TERM = (
    Argument(("term", "t"), text=True),
    Argument(("weight", "w")),
    Argument(("posweight", "pw"), NAN),
    Argument(("negweight", "nw"), NAN),
)
WEIGHTS = {
    "posneg": Function(TERM, _weighted("(", ")"), cost=3),
    "posneg_lora": Function(TERM, _weighted("<lora:", ">"), cost=3),
}
