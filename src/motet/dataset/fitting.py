"""Whether a row fits its table: asked where the row is made, so that one that does not costs nothing but itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from motet.dataset.rows import Row, row_fields

SHOWN = 60  # characters of a value that does not fit


class UnfitError(ValueError):
    """A row that its table cannot hold."""

    reason = "unfit_row"


def fitting(row: Any, row_type: type[Row] | None) -> dict[str, Any]:
    """The payload of a row of this type. Raises UnfitError where a column cannot hold what a field says."""
    if row_type is None or not isinstance(row, row_type):
        wanted = f"rows of {row_type.__name__}" if row_type else "no rows"
        raise UnfitError(f"the stage writes {wanted}, and made one of {type(row).__name__}")
    values = {}
    for name, plainly_fits in _plain(row_type).items():  # type: ignore[arg-type]  # mypy takes the hash of rows for that of their type
        value = values[name] = getattr(row, name)
        if not plainly_fits(value):
            _ask_arrow(row_type, name, value)
    return values


def _ask_arrow(row_type: type[Row], name: str, value: Any) -> None:
    """Arrow has the last word on what is rare: whole numbers among fractions, NumPy's numbers, tuples."""
    import pyarrow as pa  # slow to load, and most workers never need it

    from motet.dataset.tables import payload_schema

    kind = payload_schema(row_type).field(name).type
    try:
        pa.array([value], kind)
    except (pa.ArrowException, OverflowError, UnicodeError, TypeError, ValueError) as error:
        shown = ascii(value)
        shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
        raise UnfitError(f"{name} is {shown}, which a column of {kind} cannot hold") from error


@lru_cache(maxsize=256)
def _plain(row_type: type[Row]) -> dict[str, Callable[[Any], bool]]:
    """By field, whether a value is of the usual kind, which always fits."""
    hints = get_type_hints(row_type)
    return {name: _plainly(hints[name]) for name in row_fields(row_type)}


def _plainly(hint: Any) -> Callable[[Any], bool]:
    if get_origin(hint) is list:
        (inner,) = get_args(hint)
        return _LISTS.get(inner) or _all_plain(_plainly(inner))
    others = [one for one in get_args(hint) if one is not NoneType]
    if others:  # X | None
        inside = _plainly(others[0])
        return lambda value: value is None or inside(value)
    return _SCALARS[hint]


def _all_plain(inside: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: type(value) is list and all(map(inside, value))


def _whole_number(value: Any) -> bool:
    return type(value) is int and -(1 << 63) <= value < 1 << 63


def _text(value: Any) -> bool:
    return type(value) is str and (value.isascii() or _encodes(value))


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return True


def _numbers(value: Any) -> bool:
    return type(value) is list and set(map(type, value)) <= {float, NoneType}


def _whole_numbers(value: Any) -> bool:
    return type(value) is list and (
        not value or (set(map(type, value)) == {int} and _whole_number(min(value)) and _whole_number(max(value)))
    )


_SCALARS: dict[Any, Callable[[Any], bool]] = {
    str: _text,
    int: _whole_number,
    float: lambda value: type(value) is float or (type(value) is int and abs(value) <= 1 << 53),
    bool: lambda value: type(value) is bool,
    bytes: lambda value: type(value) is bytes,
}
_LISTS: dict[Any, Callable[[Any], bool]] = {float: _numbers, int: _whole_numbers}
