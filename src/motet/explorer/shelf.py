"""All rows of a dataset that one can look at, in one table on disk, and what is counted of them, in memory.

The text of a row lies in DuckDB, which finds words in it and hands over the few rows that are seen. What rows are filtered,
counted and sorted by lies in arrays of small numbers: so a filter costs some milliseconds, however long the captions are.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from duckdb.func import PythonUDFType

from motet.dataset.query import damage_told, parquet, quoted
from motet.dataset.snapshot import Snapshot
from motet.errors import UserError
from motet.explorer.columns import FATE, NOTHING, Columns, left_out, shape_of
from motet.scratch import Scratch

Numbers = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]

MEMORY = (128, 256, 512, 1024)  # MB of DuckDB while it joins; each but the first where the one before was too little
MEMORY_AFTER = 80  # MB that it may hold of what is often asked for
BATCH = 20_000  # rows
ONE = ("state", "kind", "split", "source", "artist", "key", "metre", "stage", "reason", "licence")
RANGES = ("tempo", "seconds", "loudness")
MANY = {"instrument": "instruments", "tag": "tags"}
# What a row tells, and in this order; `judged` comes to it.
ROW: tuple[str, ...] = (
    "id",
    "kind",
    "state",
    "title",
    "artist",
    "path",
    "caption",
    "start",
    "end",
    "seconds",
    "split",
    "key",
    "tempo",
    "metre",
)
ROW += ("loudness", "instruments", "tags", "stage", "reason", "detail", "has")
STORED = (*ROW, "source", "lineage", "licence")
SEARCHED = ("caption", "title", "artist", "path", "key", "stage", "reason", "detail", "id")

_ACCENTS = re.compile("[\u0300-\u036f]")


def fold(text: str) -> str:
    """Text as words are looked for in it: without case and accents."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.lower())).replace("ς", "σ")


def _folded(column: pa.ChunkedArray) -> pa.Array:
    return pa.array([None if text is None else fold(text) for text in column.to_pylist()], pa.string())


@dataclass(frozen=True)
class Coded:
    """A text that each row has one of: `values` sorted, and which of them each row has."""

    values: list[str]
    codes: Numbers


@dataclass(frozen=True)
class Listed:
    """Texts of which each row has some: item by item the row, and which of the `values` (sorted) it is; no item twice."""

    values: list[str]
    rows: Numbers
    codes: Numbers


def place_of(values: list[str], value: str) -> int | None:
    """Where a value stands among sorted ones; None where it is not."""
    place = bisect_left(values, value)
    return place if place < len(values) and values[place] == value else None


class Shelf:
    """The rows of one snapshot; one is known by its number, from 0, which means nothing else. Without a snapshot, none.

    Safe among threads. Raises UserError when a table is damaged.
    """

    def __init__(self, snapshot: Snapshot | None) -> None:
        self._scratch = Scratch("motet-explore-")
        self._turn = threading.Lock()
        self._orders: dict[str, Numbers] = {}
        self.coded: dict[str, Coded] = {}
        self.figures: dict[str, npt.NDArray[np.float64]] = {}
        self.listed: dict[str, Listed] = {}
        try:
            self._make(snapshot)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()
        self._scratch.close()

    # --- made once ---

    def _make(self, snapshot: Snapshot | None) -> None:
        folder = self._scratch.path
        for attempt, memory in enumerate(MEMORY):
            # On disk, where DuckDB packs text to a third. Small groups of rows: each writer holds one in memory.
            self._connection = duckdb.connect(config={"memory_limit": f"{memory}MB", "threads": 1})
            run = self._connection.execute
            run(f"SET temp_directory={quoted(str(folder))}; SET enable_progress_bar=false; SET TimeZone='UTC'")
            run(f"ATTACH {quoted(str(folder / f'rows{attempt}'))} AS shelf (ROW_GROUP_SIZE 20480)")
            try:
                with damage_told(snapshot.folder.parent.parent if snapshot else folder):
                    self._fill(snapshot)
                    run(f"SET memory_limit='{MEMORY_AFTER}MB'")
                    self._count()
                return
            except OSError as error:
                sentence = (
                    f"{error.filename} cannot be read ({error.strerror}): `motet check` tells more; restore it, or build anew."
                )
                raise UserError(sentence, exit_code=1) from error
            except UserError as error:
                self._connection.close()
                if not isinstance(error.__cause__, duckdb.OutOfMemoryException):
                    raise
        raise UserError("This dataset needs more memory to be looked at than there is: explore a smaller one.", exit_code=1)

    def _fill(self, snapshot: Snapshot | None) -> None:
        run = self._connection.execute
        self._connection.create_function("folded", _folded, ["VARCHAR"], "VARCHAR", type=PythonUDFType.ARROW)
        run("CREATE MACRO fold(text) AS CASE WHEN strlen(text) = length(text) THEN lower(text) ELSE folded(text) END")
        columns = ", ".join(f'"{name}"' for name in STORED)
        words = ", ".join([*SEARCHED, *(f"array_to_string({name}, ' ')" for name in ("tags", "instruments"))])
        lot = "('0x' || substr(md5(lineage), 1, 12))::BIGINT AS lot"
        wanted = f"SELECT {columns}, {lot}, fold(concat_ws(chr(10), {words})) AS search"
        run(f"CREATE TABLE shelf.things AS {wanted} FROM ({NOTHING})")
        if snapshot is None:
            return
        columns_of = {name: frozenset(pq.read_schema(snapshot.table(name)).names) for name in snapshot.tables}
        examples, rest, table = _selects(snapshot, columns_of)
        refused = ", ".join(f"coalesce(r.{name}, {quoted(usual)}) AS {name}" for name, usual in FATE.items())
        # Some sources at a time: what is joined to them, and what is not yet on disk, is all that is held.
        for low, high in _slices(snapshot.tables.get(table, 0)):
            for view in _views(snapshot, columns_of, f"source >= {quoted(low)} AND source < {quoted(high)}"):
                run(view)
            run(f"CREATE OR REPLACE TEMP TABLE rest AS {rest or NOTHING}")
            if examples:
                known = f"SELECT {refused}, e.* FROM ({examples}) e LEFT JOIN rest r USING (id)"
                run(f"INSERT INTO shelf.things {wanted} FROM ({known})")
                run(f'DELETE FROM rest WHERE id IN (SELECT id FROM "{table}")')
            run(f"INSERT INTO shelf.things {wanted} FROM rest")
        run("DROP TABLE rest; CHECKPOINT shelf")

    def _count(self) -> None:
        first = self._connection.execute("SELECT rowid FROM shelf.things ORDER BY fold(path), path, id").fetchnumpy()["rowid"]
        size = self.size = len(first)
        self._orders["path"] = first.astype(np.int32)
        books: dict[str, dict[str, int]] = {name: {} for name in (*ONE, *MANY)}
        codes = {name: np.zeros(size, np.int32) for name in ONE}
        self.figures = {name: np.full(size, np.nan) for name in RANGES}
        items: dict[str, list[tuple[Numbers, Numbers]]] = {name: [] for name in MANY}
        columns = ", ".join(name for name in ONE if name != "source")
        root = "CASE WHEN contains(path, '/') THEN split_part(path, '/', 1) ELSE '' END AS source"
        sql = f"SELECT rowid AS n, {columns}, {root}, {', '.join([*RANGES, *MANY.values()])} FROM shelf.things"
        for batch in self._connection.sql(sql).to_arrow_reader(BATCH):
            at = batch["n"].to_numpy()
            for name in ONE:
                codes[name][at] = _code(batch[name], books[name])
            for name in RANGES:
                self.figures[name][at] = batch[name].to_numpy(zero_copy_only=False)
            for name, column in MANY.items():
                rows = at[pc.list_parent_indices(batch[column]).to_numpy()]
                items[name].append((rows.astype(np.int32), _code(batch[column].flatten(), books[name])))
        for name in ONE:
            self.coded[name] = Coded(*_sorted(books[name], codes[name]))
        for name, parts in items.items():
            self.listed[name] = _listed(books[name], parts)

    # --- asked often ---

    def holding(self, word: str) -> Mask:
        """Which rows hold a folded word."""
        mask = np.zeros(self.size, np.bool_)
        if _writable(word):
            mask[self._ask("SELECT rowid FROM shelf.things WHERE contains(search, ?)", [word]).fetchnumpy()["rowid"]] = True
        return mask

    def order(self, sort: str) -> Numbers:
        """The numbers of all rows by a sort ("-" before it: reversed): ties by path and id, unknowns last."""
        with self._turn:
            if sort not in self._orders:
                name = sort.removeprefix("-")
                keys = self._keys(name)
                unknown = keys == _LAST
                first = self._orders["path"]
                by = np.where(unknown, np.inf, -keys if sort.startswith("-") else keys)
                self._orders[sort] = first[np.argsort(by[first], kind="stable")]
            return self._orders[sort]

    def rows(self, numbers: Sequence[int] | Numbers, more: Sequence[str] = ()) -> list[dict[str, Any]]:
        """These rows, in this order, without what was judged; `more` columns beside those of a row."""
        if not len(numbers):
            return []
        places = np.asarray(numbers).tolist()
        columns = ", ".join(f'"{name}"' for name in (*ROW, *more))
        listed = ", ".join(map(str, places))
        found = self._ask(f"SELECT rowid, {columns} FROM shelf.things WHERE rowid IN ({listed})").fetchall()
        by_number = {n: told for n, *told in found}
        return [dict(zip((*ROW, *more), by_number[n], strict=True)) for n in places]

    def number(self, id: str) -> int | None:
        """The row of this id."""
        found = self._ask("SELECT rowid FROM shelf.things WHERE id = ?", [id]).fetchone() if _writable(id) else None
        return int(found[0]) if found else None

    def drawn(self, most: int) -> Numbers:
        """At most so many kept rows, each source in its turn, and as many of the others; in order of path."""
        sql = (
            "SELECT n FROM (SELECT rowid AS n, state = 'kept' AS kept, id, lot, "
            "row_number() OVER (PARTITION BY state = 'kept', source ORDER BY lot, id) AS turn FROM shelf.things) "
            "QUALIFY row_number() OVER (PARTITION BY kept ORDER BY turn, lot, id) <= ?"
        )
        mask = np.zeros(self.size, np.bool_)
        mask[self._ask(sql, [most]).fetchnumpy()["n"]] = True
        first = self.order("path")
        return first[mask[first]]

    def spans(self, lineages: Iterable[str]) -> Iterator[tuple[int, str, float | None, float | None, str]]:
        """Number, lineage, start, end and reason of the rows of these lineages."""
        sql = 'SELECT rowid, lineage, start, "end", reason FROM shelf.things WHERE lineage IN (SELECT unnest(?::VARCHAR[]))'
        yield from self._ask(sql, [[one for one in lineages if _writable(one)]]).fetchall()

    def _ask(self, sql: str, given: Sequence[Any] = ()) -> duckdb.DuckDBPyConnection:
        return self._connection.cursor().execute(sql, given)

    def _keys(self, name: str) -> npt.NDArray[np.float64]:
        """A number for each row, by which they are sorted; _LAST for unknown."""
        if name in self.figures:
            return np.nan_to_num(self.figures[name], nan=_LAST)
        keys = np.empty(self.size)
        if name in self.coded:
            coded = self.coded[name]
            rank = np.empty(max(len(coded.values), 1))
            rank[sorted(range(len(coded.values)), key=lambda c: (fold(coded.values[c]), c))] = np.arange(len(coded.values))
            rank[[c for c, value in enumerate(coded.values) if not value]] = _LAST
            return rank[coded.codes]
        ranked = f'dense_rank() OVER (ORDER BY fold("{name}"), "{name}")'
        by = "lot" if name == "shuffled" else f"(CASE WHEN \"{name}\" <> '' THEN {ranked} END)"
        found = self._ask(f"SELECT rowid, coalesce({by}, {_LAST}) AS key FROM shelf.things").fetchnumpy()
        keys[found["rowid"]] = found["key"]
        return keys


_LAST = float(2**60)


def _writable(text: str) -> bool:
    """Whether a text can stand in a table at all: half a character cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_SLICED = 50_000  # examples, about, that are joined at a time


def _slices(rows: int) -> Iterator[tuple[str, str]]:
    """Limits that part the ids of sources, which are spread evenly as hashes are, into slices; any text is in one of them."""
    number = max(1, min(rows // _SLICED, 4096))
    yield from pairwise(["", *(f"{65536 * n // number:04x}" for n in range(1, number)), "\U0010ffff"])


def _selects(snapshot: Snapshot, columns: Columns) -> tuple[str, str, str]:
    """SQL of a snapshot's examples, of what did not make it, and the table of examples; each "" where there is none."""
    shape = shape_of(columns)
    names = [stage.name for stage in snapshot.stages]
    made = next((n for n, stage in enumerate(snapshot.stages) if "songs" in stage.outputs), len(names))
    rest = left_out(columns, shape, names[made + 1 :]) if names else ""
    return (shape.sql(), rest, shape.table) if shape else ("", rest, "")


def _views(snapshot: Snapshot, columns: Columns, where: str) -> Iterator[str]:
    """SQL that makes the snapshot's tables, and `work`, views of some of their rows."""
    for name, known in columns.items():
        if {"id", "source"} <= set(known):
            yield f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM {parquet([snapshot.table(name)])} WHERE {where}'
    wanted = ", ".join(("id", "source", "path", "lineage", "status", "reason", "detail"))
    verdicts = [
        f"SELECT {number} AS ordinal, {quoted(stage.name)} AS stage, {wanted} "
        f"FROM {parquet([snapshot.folder / stage.verdicts])} WHERE status <> 'ok' AND {where}"
        for number, stage in enumerate(snapshot.stages)
    ]
    if verdicts:
        yield "CREATE OR REPLACE VIEW work AS " + " UNION ALL ".join(verdicts)


def _code(column: pa.Array, book: dict[str, int]) -> Numbers:
    """The numbers of a column's values in a book, into which new ones are written."""
    packed = column.dictionary_encode()
    known = np.fromiter((book.setdefault(value, len(book)) for value in packed.dictionary.to_pylist()), np.int32)
    indices = packed.indices.to_numpy(zero_copy_only=False)
    return known[indices] if len(known) else np.zeros(len(indices), np.int32)


def _sorted(book: dict[str, int], codes: Numbers) -> tuple[list[str], Numbers]:
    """A book's values in order, and codes that mean their places."""
    values = sorted(book)
    places = np.empty(max(len(book), 1), np.int32)
    places[[book[value] for value in values]] = np.arange(len(values), dtype=np.int32)
    return values, places[codes]


def _listed(book: dict[str, int], parts: list[tuple[Numbers, Numbers]]) -> Listed:
    rows, codes = (np.concatenate([np.zeros(0, np.int32), *each]) for each in (zip(*parts, strict=True) if parts else ((), ())))
    values, places = _sorted(book, codes)
    each = np.unique(rows.astype(np.int64) * max(len(values), 1) + places)  # what a row names twice counts once
    row, place = np.divmod(each, max(len(values), 1))
    return Listed(values, row.astype(np.int32), place.astype(np.int32))
