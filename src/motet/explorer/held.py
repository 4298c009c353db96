"""One thing that one can look at, with all that belongs to it: its row, its example as exports read it, and its neighbours."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from motet.errors import UserError

if TYPE_CHECKING:
    import duckdb

    from motet.dataset.folder import Dataset
    from motet.dataset.snapshot import Snapshot
    from motet.export.example import Example

Row = dict[str, Any]
SHOWN = ("clips", "plans", "songs", "labels", "files")  # of what a dataset has of these, the first holds its examples
SNAPSHOTS = 4  # to which connections are kept


class NotThere(UserError):
    """Nothing of this name, or media that are gone or damaged: one sentence."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, exit_code=1)


@dataclass(frozen=True)
class Near:
    """A dataset as seen from some of its sources: of every table, what came of these."""

    dataset: Dataset
    snapshot: Snapshot
    sources: tuple[str, ...]
    connection: duckdb.DuckDBPyConnection
    known: dict[tuple[str, str], Row] = field(default_factory=dict)  # rows that were asked for

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(self.snapshot.tables)

    @property
    def stages(self) -> tuple[str, ...]:
        return tuple(stage.name for stage in self.snapshot.stages)

    def rows(self, sql: str) -> list[Row]:
        found: list[Row] = self.connection.sql(sql).to_arrow_table().to_pylist()
        return found

    def one(self, table: str, of: str) -> Row:
        """The row of `table` whose id is `of`; {} where there is no such row, or no such table."""
        from motet.dataset.query import quoted

        if (table, of) not in self.known:
            rows = self.rows(f"SELECT * FROM {table} WHERE id = {quoted(of)}") if table in self.tables else []
            self.known[table, of] = rows[0] if rows else {}
        return self.known[table, of]


@dataclass(frozen=True)
class Held:
    """An example: the table it stands in, its row there with what was joined to it, and what an export is given of it.

    `example` is None for one that no export knows: a song that was not split, a labelled file.
    """

    id: str
    source: str
    table: str
    row: Row
    example: Example | None


@contextmanager
def near(dataset: Dataset, id: str, source: str = "") -> Iterator[Near]:
    """The dataset near the source of `id`, which ids begin with; of a film's moment, near its recording and MIDI file too.

    Raises UserError where a table is damaged.
    """
    from motet.dataset.query import damage_told

    with damage_told(dataset.folder):
        snapshot = dataset.snapshot
        sources = [source or id.partition(".")[0]]
        connection = _connection(dataset, snapshot, sources)
        try:
            if {"movies", "planned_clips", "files"} <= snapshot.tables.keys() and (others := _others(connection, snapshot, id)):
                sources += others
                connection.close()
                connection = _connection(dataset, snapshot, sources)
            yield Near(dataset, snapshot, tuple(sources), connection)
        finally:
            connection.close()


_opened: OrderedDict[tuple[str, int, int], duckdb.DuckDBPyConnection] = OrderedDict()
_opening = threading.Lock()


def _connection(dataset: Dataset, snapshot: Snapshot, sources: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """A connection near these sources. It shares with earlier ones the views, which are slow to make."""
    from motet.dataset.query import quoted

    variables = [f"getvariable('source{number}')" for number in range(len(sources))]
    touched = (snapshot.folder / "snapshot.json").stat().st_mtime_ns
    state = (str(snapshot.folder.resolve()), touched, len(sources))
    with _opening:
        if state not in _opened:
            # A single one is compared as such, since only then whole groups of rows are passed over unread.
            listed = f"= {variables[0]}" if len(sources) == 1 else f"IN ({', '.join(variables)})"
            _opened[state] = dataset.near(lambda column: f"{column} {listed}")
            while len(_opened) > SNAPSHOTS:
                _opened.popitem(last=False)  # closed when the last that reads by it is done
        _opened.move_to_end(state)
        connection = _opened[state].cursor()
    for number, source in enumerate(sources):
        connection.execute(f"SET VARIABLE source{number} = {quoted(source)}")
    return connection


def _others(connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, id: str) -> list[str]:
    """The sources that a moment of a film is made of, beside the film: one for the recording, and one for the MIDI file."""
    from motet.dataset.query import parquet, quoted

    made_of = "".join(
        f"{' UNION ' if number else ''}SELECT {column} FROM planned_clips WHERE id = {quoted(id)}"
        for number, column in enumerate(("recording_sha256", "midi_sha256"))
    )
    sql = f"SELECT min(id) FROM {parquet([snapshot.table('files')])} WHERE sha256 IN ({made_of}) GROUP BY sha256 ORDER BY 1"
    return [one for (one,) in connection.sql(sql).fetchall()]


def shown_table(tables: Sequence[str]) -> str:
    """The table that holds a dataset's examples, the last one where it has none of those known; "" without any table."""
    return next((table for table in (*SHOWN, *reversed(tables)) if table in tables), "")


def hold(beside: Near, id: str) -> Held | None:
    """The example of this id, live or as it was before a stage left it out; None where there never was one."""
    from motet.dataset.query import quoted

    table = shown_table(beside.tables)
    place = _place(beside, table, id) if table else ""
    if not place:
        return None
    chosen = f"(SELECT t.* FROM {place} t WHERE t.id = {quoted(id)})"
    if "splits" in beside.tables:
        on = "id" if table == "clips" and "movies" in beside.tables else "source"
        placed = f"(SELECT t.*, coalesce(s.split, '') AS split FROM {chosen} t LEFT JOIN splits s ON s.{on} = t.{on})"
    else:
        placed = f"(SELECT t.*, '' AS split FROM {chosen} t)"
    sql, reading = _reading(beside, table)
    if sql and (joined := beside.rows(sql.replace("{chosen}", placed))):
        return Held(id, joined[0]["source"], table, joined[0], reading(beside.dataset, joined[0]))
    (row,) = beside.rows(f"SELECT * FROM {placed}")
    if table == "labels" and "features" in beside.tables:  # the raw file is not ours to give; what was made of it is
        made = "SELECT file AS heard_file, shape AS heard_shape, rate AS heard_rate FROM features WHERE what = 'audio'"
        row |= (beside.rows(f"{made} AND source = {quoted(row['source'])} ORDER BY id LIMIT 1") or [{}])[0]
    return Held(id, row["source"], table, row, None)


def _place(beside: Near, table: str, id: str) -> str:
    """Where in the snapshot the row of an example stands, as SQL: among the live ones, or in what an earlier stage gave."""
    from motet.dataset.query import parquet, quoted

    snapshot = beside.snapshot
    given = [parquet([snapshot.folder / stage.outputs[table]]) for stage in reversed(snapshot.stages) if table in stage.outputs]
    within = f"WHERE source = {quoted(beside.sources[0])} AND id = {quoted(id)}"
    places = (table, *given[1:])  # the last gave the live ones
    return next((place for place in places if beside.rows(f"SELECT 1 FROM {place} {within} LIMIT 1")), "")


def _reading(beside: Near, table: str) -> tuple[str, Any]:
    """The SQL that joins to an example all that exports read of it, and the reading; "" where exports know no such thing."""
    from motet.exporting import filmed, recorded, rendered

    there = set(beside.tables)
    if table == "clips" and "movies" in there:
        kind = filmed.clips(there)
    elif table == "clips" and {"chunks", "separated"} <= there:
        kind = recorded.clips(there)
    elif table == "clips" and {"mixes", "stems", "parts"} <= there:
        kind = rendered.clips(there)
    elif table == "plans" and {"films", "mixes"} <= there:
        # One with a fault, or without its film, is looked at too, to see why.
        kind = filmed.films(there - {"sync_checks"})
        return kind.sql.replace("JOIN films f", "LEFT JOIN films f"), kind.example
    elif table == "songs" and "parts" in there and ("stems" in there or "mixes" not in there):
        return rendered.songs(there).sql, _song
    else:
        return "", None
    return kind.sql, kind.example


def _song(dataset: Dataset, row: Row) -> Example:
    """A whole song. (That of exports comes with its record, for which all songs of the dataset are read.)"""
    from motet.export.example import Example, Stem
    from motet.exporting import lineage
    from motet.exporting.media import notes, sound, stored
    from motet.exporting.reading import key_of

    parts = {part["index"]: part for part in row["parts"] or ()}
    mixed = bool(row.get("mix_id"))
    gains = dict(zip(row["stem_indices"], row["stem_gains_db"], strict=True)) if mixed else {}
    played = {stem["index"]: stem for stem in row.get("stems") or () if stem["index"] in gains}
    stems = []
    for index in played or parts:
        part, stem = parts.get(index, {}), played.get(index)
        heard = None
        if stem:
            heard = sound(
                dataset, stem["audio"], row["mix_rate"], stem["channels"], stem["frames"], (0, row["frames"]), gains[index]
            )
        stems.append(
            Stem(
                index=index,
                name=part.get("name") or f"part {index + 1}",
                sound=heard,
                midi=stored(dataset, (stem or part)["midi"]),
                role=(stem or part)["role"],
                program=part.get("program"),
                is_drum=bool(part.get("is_drum")),
                played_by=stem["sound"] if stem else "",
            )
        )
    references = [(played.get(index) or parts[index])["midi"] for index in played or parts]
    return Example(
        id=row["id"],
        key=key_of(row),
        song=row["source"],
        path=row["path"],
        split=row["split"],
        start=0.0,
        end=row["seconds"],
        title=row["known_title"] or "",
        artist=row["known_artist"] or "",
        licences=(lineage.of_source(row), *lineage.of_sounds(row.get("sounds"), row.get("licences"))),
        mix=sound(dataset, row["mix_audio"], row["mix_rate"], row["channels"], row["frames"]) if mixed else None,
        stems=tuple(stems),
        midi=notes(dataset, references, 0, row["last_tick"] + 1) if references else None,
    )
