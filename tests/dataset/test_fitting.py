"""A row that its table cannot hold is told of where it is made, by its field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.dataset.fitting import UnfitError, fitting
from motet.dataset.rows import Row
from motet.dataset.tables import payload_schema


@dataclass(frozen=True, kw_only=True)
class Motley(Row):
    table: ClassVar[str] = "motley"
    whole: int = 0
    part: float = 0.0
    text: str = ""
    flag: bool = False
    raw: bytes = b""
    maybe: int | None = None
    wholes: list[int]
    parts: list[float | None]
    texts: list[str]
    nested: list[list[int]]


FIELDS = [field.name for field in payload_schema(Motley)]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 64), 1 << 64),
    st.floats(),
    st.text(st.characters()),
    st.text(st.characters(categories=["Cs", "Lu"]), max_size=2),
    st.binary(max_size=3),
    st.sampled_from([np.int32(3), np.float32(2.5), np.float64(1.5), np.bool_(True), np.str_("é")]),
)
VALUES = st.one_of(
    SCALARS, st.lists(SCALARS, max_size=3), st.lists(st.lists(SCALARS, max_size=2), max_size=2), st.tuples(SCALARS)
)


def motley(**values: Any) -> Motley:
    return Motley(id="a", source="a", path="a", lineage="a", **{"wholes": [], "parts": [], "texts": [], "nested": [], **values})


@given(st.sampled_from(FIELDS), VALUES)
def test_a_row_fits_where_arrow_can_hold_it(name: str, value: Any) -> None:
    row = motley(**{name: value})
    schema = payload_schema(Motley)
    try:
        pa.RecordBatch.from_pylist([{field: getattr(row, field) for field in FIELDS}], schema=schema)
    except (pa.ArrowException, OverflowError, UnicodeError, TypeError, ValueError):
        with pytest.raises(UnfitError, match=name):
            fitting(row, Motley)
    else:
        assert fitting(row, Motley)[name] is value


@pytest.mark.parametrize("other", [object(), {"whole": 1}, None])
def test_what_is_no_row_of_the_stage_fits_nowhere(other: Any) -> None:
    with pytest.raises(UnfitError, match="writes rows of Motley"):
        fitting(other, Motley)


def test_what_a_stage_that_writes_nothing_makes_fits_nowhere() -> None:
    with pytest.raises(UnfitError, match="writes no rows"):
        fitting(motley(), None)
