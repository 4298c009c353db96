"""From a dataset, whatever recipe made it, to the examples that forms of export are given."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa

from motet.dataset.folder import Dataset, refused
from motet.errors import UserError
from motet.export.example import SPLITS, VOICES, Example, Licence, Split, Voice
from motet.wording import several

Row = Mapping[str, Any]

_PLACE = f"list_position([{', '.join(repr(split) for split in SPLITS)}], split)"


MEMORY = "512MB"  # of the query; more of what it sorts and joins goes to disk


@dataclass(frozen=True)
class Wanted:
    """Which examples: `where` is SQL on the columns of the table they are of, and `split`; `use` one that licences must allow."""

    where: str = ""
    splits: tuple[Split, ...] = SPLITS
    use: str = ""  # "" | commercial
    songs: bool = False  # whole songs instead of clips
    voices: frozenset[Voice] = frozenset(VOICES)  # what of each is written: licences of what is not do not count


@dataclass(frozen=True)
class Kind:
    """How examples are read of one sort of dataset: the table they are of, the SQL of all that belongs to one, and the reading.

    In `sql`, {chosen} is a table expression of the rows that are wanted, with their split.
    """

    table: str
    sql: str
    joined_by: str  # the column of `splits` that a row is found by: source | id
    example: Callable[[Dataset, Row], Example]


class Reading:
    """The examples of a dataset, in order of split and id; each call begins anew.

    `remarks` tells afterwards what was left out.
    """

    def __init__(self, dataset: Dataset, wanted: Wanted) -> None:
        """Raises UserError for a dataset that holds no such examples, or has no splits."""
        self.dataset, self.wanted = dataset, wanted
        there = dataset.tables()
        self.kind = kind_of(dataset, songs=wanted.songs)
        if "splits" not in there:
            raise UserError(f"{dataset.folder} has no splits: build it again, and it will.")
        self.refused: Counter[str] = Counter()
        _check_condition(wanted.where)

    def __call__(self) -> Iterator[Example]:
        self.refused.clear()
        for row in self._rows():
            example = _without(self.kind.example(self.dataset, row), self.wanted.voices)
            if self.wanted.use and (why := _refusal(example.licences, self.wanted.use)):
                self.refused[why] += 1
                continue
            yield example

    @property
    def remarks(self) -> list[str]:
        ((apart,),) = self.dataset.query("SELECT count(*) FROM splits WHERE split = ''").fetchall()
        told = [f"{several(number, 'example')} left out: {why}." for why, number in self.refused.most_common(20)]
        if apart:
            told.append(f"{several(apart, 'song')} in no split, as {'it' if apart == 1 else 'they'} would join what is apart.")
        return [*told, *_missed(self.dataset)]

    def table(self) -> pa.Table:
        """All rows at once, without those whose licences do not allow the use."""
        try:
            with TemporaryDirectory(prefix="motet-") as scratch:
                found = self._query(Path(scratch)).to_arrow_table()
        except duckdb.Error as error:
            raise refused(error) from None
        if not self.wanted.use:
            return found
        examples = (_without(self.kind.example(self.dataset, row), self.wanted.voices) for row in found.to_pylist())
        kept = [not _refusal(example.licences, self.wanted.use) for example in examples]
        return found.filter(pa.array(kept, pa.bool_()))

    def _rows(self) -> Iterator[Row]:
        try:
            with TemporaryDirectory(prefix="motet-") as scratch:
                for batch in self._query(Path(scratch)).to_arrow_reader(256):
                    yield from batch.to_pylist()
        except (duckdb.Error, pa.ArrowException) as error:  # of a condition that some row does not bear
            raise refused(error) from None

    def _query(self, scratch: Path) -> duckdb.DuckDBPyRelation:
        placed = (
            f"SELECT t.*, s.split FROM {self.kind.table} t JOIN splits s ON s.{self.kind.joined_by} = t.{self.kind.joined_by}"
        )
        splits = ", ".join(repr(split) for split in self.wanted.splits)
        chosen = f"(SELECT * FROM ({placed}) WHERE split IN ({splits}) AND ({self.wanted.where or 'true'}))"
        sql = f"SELECT * FROM ({self.kind.sql.replace('{chosen}', chosen)}) ORDER BY {_PLACE}, id"
        try:
            return self.dataset.query(sql, scratch, MEMORY)
        except duckdb.Error as error:
            raise refused(error) from None


def _check_condition(where: str) -> None:
    """Raises UserError for what is no condition, and for one that may answer otherwise when it is asked again."""
    if not where:
        return
    try:
        statements = duckdb.extract_statements(f"SELECT 1 WHERE {where}")  # without brackets, which it might close
    except duckdb.Error as error:
        raise refused(error) from None
    if len(statements) != 1:
        raise UserError("A condition is one expression, such as tempo > 120.")
    called = {name.casefold() for name in re.findall(r"(\w+)\s*\(", where)}
    sql = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability = 'VOLATILE'"
    volatile = duckdb.execute(sql).fetchall()
    if found := sorted(called & {name for (name,) in volatile}):
        raise UserError(f"{found[0]}() answers otherwise each time: choose by what stays, such as hash(id) % 10 = 0.")


def _missed(dataset: Dataset) -> Iterator[str]:
    """Splits that are far from their shares: artists and duplicates are placed whole."""
    stages = dataset.made_by.get("stages", {})
    wanted = stages.get("assign_splits") or stages.get("assign_film_splits") or {}
    reached = dict(dataset.query("SELECT split, sum(weight) FROM splits WHERE split <> '' GROUP BY split").fetchall())
    whole = sum(reached.values())
    for split in SPLITS:
        share, asked = reached.get(split, 0) / whole if whole else 0, wanted.get(split, 0)
        if whole and abs(share - asked) > max(0.02, asked / 4):
            yield f"{split} has {share:.0%} of the clips where {asked:.0%} were asked for: artists and duplicates stay together."


def kind_of(dataset: Dataset, *, songs: bool = False) -> Kind:
    """How the dataset's examples are read; raises UserError where it has none."""
    from motet.exporting import filmed, recorded, rendered

    there = dataset.tables().keys()
    if songs:
        if not {"songs", "parts"} <= there:
            raise UserError(f"{dataset.folder} has no songs in parts: build it by a recipe that splits MIDI files.")
        return rendered.songs(there)
    if {"clips", "movies"} <= there:
        return filmed.clips(there)
    if {"clips", "chunks"} <= there:
        return recorded.clips(there)
    if {"films", "plans"} <= there:
        return filmed.films(there)
    if {"clips", "mixes"} <= there:
        return rendered.clips(there)
    raise UserError(f"{dataset.folder} has no clips to export: build it by text-to-music, musicgen, midi-video or film-music.")


def key_of(row: Row, *more: Any) -> str:
    """The same for an example as long as all that is told of it is."""
    told = json.dumps([row, more], sort_keys=True, default=repr).encode(errors="replace")
    return hashlib.blake2b(told, digest_size=16).hexdigest()


def joined(there: Any, table: str, sql: str) -> str:
    """`sql` where the dataset has the table, else nothing."""
    return sql if table in there else ""


def column(there: Any, table: str, sql: str, name: str, empty: str = "NULL") -> str:
    """`sql AS name` where the dataset has the table, else an empty column."""
    return f"{sql if table in there else empty} AS {name}"


def _without(example: Example, voices: frozenset[Voice]) -> Example:
    """An example without the licences of what is not written of it."""
    heard, words = bool(voices & {"mix", "stems", "video"}), "captions" in voices
    idle = {*(() if heard else ("sound", "separator", "recording")), *(() if words else ("captions",))}
    idle |= set() if "video" in voices else {"video model"}
    return replace(example, licences=tuple(one for one in example.licences if one.what not in idle)) if idle else example


def _refusal(licences: tuple[Licence, ...], use: str) -> str:
    from motet.export.licences import allows

    refusal = allows(licences, use)  # type: ignore[arg-type]
    if refusal is None:
        return ""
    part = refusal.part
    told = f"is under {part.licence}" if part.licence else "has a licence that nobody tells"
    return f"its {part.what} {told}{'' if part.what == 'source' else f' ({part.name})'}"
