"""What each sort of dataset shows of its examples, as SQL with the same columns for all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from motet.dataset.query import quoted

Columns = Mapping[str, Collection[str]]  # of each table

# Every row has these, in this order; unknown is '' for text, NULL for a number, [] for a list.
TEXT = ("id", "source", "path", "lineage", "kind", "title", "artist", "caption", "split", "key", "metre", "licence")
NUMBERS = ("start", "end", "seconds", "tempo", "loudness")
LISTS = ("instruments", "tags", "has")

FATE = {"state": "kept", "stage": "", "reason": "", "detail": ""}  # of what made it

NOTHING = (
    "SELECT "
    + ", ".join(
        [f"'' AS \"{name}\"" for name in (*TEXT, *FATE)]
        + [f'NULL::DOUBLE AS "{name}"' for name in NUMBERS]
        + [f'[]::VARCHAR[] AS "{name}"' for name in LISTS]
    )
    + " WHERE false"
)

# Ids below a file's: the letter before the last number tells what one is of.
_LETTERS = {"p": "part", "c": "clip", "v": "voice", "k": "chunk", "n": "moment", "s": "film song", "m": "match", "l": "line"}


@dataclass(frozen=True)
class Shape:
    """The examples of one sort of dataset: the table `c` they stand in, what is joined to it, and an expression per column.

    `apart` tells what an id's letter means where it is not what it usually does.
    """

    kind: str
    table: str
    joins: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    apart: Mapping[str, str] = field(default_factory=dict)

    def sql(self) -> str:
        """A SELECT of all examples, with every column."""
        told = {**_EMPTY, "kind": quoted(self.kind), **self.fields}
        columns = ", ".join(f'{_shaped(name, told[name])} AS "{name}"' for name in (*TEXT, *NUMBERS, *LISTS))
        return f'SELECT {columns} FROM "{self.table}" c {" ".join(self.joins)}'


_STEM = "parse_filename(c.path, true, 'forward_slash')"
_LEAF = "parse_filename(c.path, false, 'forward_slash')"
_EMPTY = {
    **dict.fromkeys(("caption", "split", "key", "metre", "licence", "artist"), "''"),
    **dict.fromkeys(NUMBERS, "NULL"),
    **dict.fromkeys(LISTS, "NULL"),
    **{name: f"c.{name}" for name in ("id", "source", "path", "lineage")},
    "title": f"coalesce(nullif({_STEM}, ''), {_LEAF})",
}


def _shaped(name: str, told: str) -> str:
    if name in TEXT:
        return f"coalesce({told}, '')::VARCHAR"
    if name in NUMBERS:  # what is no number cannot be compared, nor written as JSON; nor is what is absurd of any use
        # isfinite too: by the table's statistics, which know no NaN, DuckDB may hold the comparison for always true.
        return f"CASE WHEN isfinite(({told})::DOUBLE) AND abs(({told})::DOUBLE) < 1e12 THEN ({told})::DOUBLE END"
    return f"coalesce(list_filter(({told})::VARCHAR[], lambda one: one <> ''), [])"


class _There:
    """The tables and columns that a dataset has: what it lacks is left out of the SQL."""

    def __init__(self, columns: Columns) -> None:
        self.columns = columns

    def has(self, *tables: str) -> bool:
        return all(table in self.columns for table in tables)

    def column(self, table: str, name: str, letter: str = "c", empty: str = "NULL") -> str:
        return f'{letter}."{name}"' if name in self.columns.get(table, ()) else empty

    def join(self, table: str, letter: str, by: str = "source", on: str = "source") -> str:
        """One row of `table` for each of `c`, whatever the table holds."""
        if not {by, "id"} <= set(self.columns.get(table, ())):
            return ""
        return f'LEFT JOIN "{table}" {letter} ON {letter}."{by}" = c."{on}"'

    def among(self, table: str, where: str = "true") -> str:
        """Whether `table` has a row of the same source."""
        return f'c.source IN (SELECT source FROM "{table}" WHERE {where})' if table in self.columns else "false"


def shape_of(columns: Columns) -> Shape | None:
    """How the examples of a dataset with these tables are read; None where it has none to look at."""
    there = _There(columns)
    if there.has("clips", "movies"):
        return _moments(there)
    if there.has("clips", "chunks"):
        return _recorded(there)
    if there.has("clips"):
        return _clips(there)
    if there.has("plans"):
        return _films(there)
    if there.has("songs"):
        return _songs(there)
    if there.has("labels"):
        return _labelled(there)
    identity = {"id", "source", "path", "lineage"}
    last = next((table for table in ("files", *reversed(list(columns))) if identity <= set(columns.get(table, ()))), None)
    return Shape("file" if last == "files" else "row", last, *_common(there)) if last else None


def _common(there: _There, *joins: str, by: str = "source", **fields: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """Joins and fields that all sorts share: what is known of the source, its licence, its split."""
    known = {
        "title": f"coalesce(nullif({there.column('identities', 'title', 'i')}, ''), {_EMPTY['title']})",
        "artist": there.column("identities", "artist", "i"),
        "tags": there.column("knowledge", "tags", "k"),
        "licence": there.column("licences", "licence", "lic"),
        "split": there.column("splits", "split", "s"),
    }
    shared = (
        there.join("identities", "i"),
        there.join("knowledge", "k"),
        there.join("licences", "lic"),
        there.join("splits", "s", by, by),
    )
    return tuple(join for join in (*shared, *joins) if join), {**known, **fields}


def _own(there: _There, table: str, *names: str) -> dict[str, str]:
    return {name: there.column(table, name) for name in names}


def _has(**conditions: str) -> str:
    """A list of what there is, each under its condition."""
    items = (f"CASE WHEN {condition} THEN {quoted(name)} ELSE '' END" for name, condition in conditions.items())
    return f"[{', '.join(items)}]"


def _clips(there: _There) -> Shape:
    """Clips of MIDI files that were rendered."""
    sounds = "true" if there.has("mixes") else "false"
    joins, fields = _common(
        there,
        there.join("captions", "t", "id", "id"),
        **_own(there, "clips", "start", "end", "key", "tempo", "metre", "instruments"),
        loudness=there.column("clips", "lufs"),
        seconds=_span(there, "clips"),
        caption=there.column("captions", "text", "t"),
        has=_has(
            mix=sounds,
            midi="true" if there.has("stems") else "false",
            stems="true" if there.has("mixes", "stems") else "false",
            captions=f"{there.column('captions', 'text', 't')} <> ''",
        ),
    )
    return Shape("clip", "clips", joins, fields)


def _span(there: _There, table: str) -> str:
    return f"{there.column(table, 'end')} - {there.column(table, 'start')}"


def _recorded(there: _There) -> Shape:
    """Clips of recordings."""
    said = {name: there.column("clips", name) for name in ("title", "artist", "licence")}
    joins, fields = _common(
        there,
        there.join("captions", "t", "id", "id"),
        **_own(there, "clips", "start", "end", "key", "tempo", "instruments", "tags"),
        loudness=there.column("clips", "lufs"),
        seconds=_span(there, "clips"),
        caption=there.column("captions", "text", "t"),
        has=_has(mix=f"{there.column('clips', 'audio')} <> ''", captions=f"{there.column('captions', 'text', 't')} <> ''"),
    )
    fields["title"] = (
        f"coalesce(nullif({there.column('identities', 'title', 'i')}, ''), nullif({said['title']}, ''), {_EMPTY['title']})"
    )
    fields["artist"] = f"coalesce(nullif({fields['artist']}, ''), {said['artist']})"
    fields["licence"] = f"coalesce(nullif({fields['licence']}, ''), {said['licence']})"
    return Shape("clip", "clips", joins, fields)


def _films(there: _There) -> Shape:
    """Films of MIDI files, and those that are only planned."""
    made = there.column("films", "video", "f", "''")
    renderer = there.column("films", "renderer", "f", "'painter'")
    written = f"CASE WHEN {renderer} <> 'painter' THEN c.prompt END"
    joins, fields = _common(
        there,
        there.join("films", "f", "id", "id"),
        **_own(there, "plans", "start", "end", "key", "tempo", "metre"),
        seconds=f"coalesce({there.column('films', 'seconds', 'f')}, {_span(there, 'plans')})",
        kind=f"CASE WHEN {made} <> '' THEN 'film' ELSE 'plan' END",
        caption=written if "prompt" in there.columns["plans"] else "NULL",
        has=_has(
            mix=f"{there.column('plans', 'audio')} <> ''", midi=f"{there.column('plans', 'midi')} <> ''", video=f"{made} <> ''"
        ),
    )
    moods = f"[{there.column('plans', 'mood')}, {there.column('plans', 'theme')}]"
    fields["tags"] = f"list_concat({moods}, {fields['tags']})"
    return Shape("film", "plans", joins, fields, {"v": "film"})


def _moments(there: _There) -> Shape:
    """Moments of films that others shot: what the notes tell of them, else what is heard."""
    symbolic, sounding = _json(there, "clips", "symbolic"), _json(there, "clips", "sounding")
    joins, fields = _common(
        there,
        by="id",
        **_own(there, "clips", "start", "end", "title", "artist", "seconds"),
        tempo=f"coalesce({_at(symbolic, 'tempo.bpm', 'DOUBLE')}, {_at(sounding, 'tempo.bpm', 'DOUBLE')})",
        key=f"coalesce({_at(symbolic, 'key.tonic')} || ' ' || {_at(symbolic, 'key.mode')}, {_at(sounding, 'key.name')})",
        metre=_at(symbolic, "metre"),
        loudness=_at(sounding, "dynamics.lufs", "DOUBLE"),
        instruments=_at(symbolic, "instruments[*].name", "VARCHAR[]"),
        tags=f"[{there.column('clips', 'film')}, {there.column('clips', 'kind')}, {there.column('clips', 'negative')}]",
        has=_has(**{what: f"{there.column('clips', name)} <> ''" for what, name in _VOICES.items()}),
    )
    fields["licence"] = f"coalesce(nullif({fields['licence']}, ''), {there.column('clips', 'film_licence')})"
    return Shape("moment", "clips", joins, fields, {"c": "moment"})


_VOICES = {"mix": "audio", "midi": "midi", "video": "video"}


def _json(there: _There, table: str, name: str) -> str:
    """A column of JSON, NULL where it holds none."""
    told = there.column(table, name)
    return f"(CASE WHEN json_valid({told}) THEN {told} END)" if told != "NULL" else "NULL"


def _at(json: str, place: str, kind: str = "VARCHAR") -> str:
    """What stands at a place of a JSON column; NULL where nothing does, or something of another kind."""
    return "NULL" if json == "NULL" else f"TRY_CAST(json_extract_string({json}, '$.{place}') AS {kind})"


def _songs(there: _There) -> Shape:
    """Whole songs, where nothing was cut from them; their facts where they were computed."""
    facts = {name: there.column("midi_facts", name, "f") for name in ("key", "metre", "instruments")}
    joins, fields = _common(
        there,
        there.join("midi_facts", "f", "id", "id"),
        **_own(there, "songs", "seconds", "tempo"),
        **facts,
        loudness=there.column("midi_facts", "lufs", "f"),
        has=_has(mix=there.among("mixes"), midi=there.among("parts")),
    )
    return Shape("song", "songs", joins, fields)


def _labelled(there: _There) -> Shape:
    """Files of known datasets. What their labels say are tags: "emotion: happy"."""
    length = there.column("features", "seconds", "f")
    labels = f"coalesce({_json(there, 'labels', 'labels')}, '{{}}')"
    joins, fields = _common(
        there,
        seconds=f"(SELECT max({length}) FROM features f WHERE f.source = c.source)" if there.has("features") else "NULL",
        tags=f"list_transform(json_keys({labels}), lambda name: "
        f"name || ': ' || coalesce(json_extract_string({labels}, '$.\"' || name || '\"'), ''))",
        split=there.column("labels", "split"),
        has=_has(mix=there.among("features", "what = 'audio'")),
    )
    fields["artist"] = f"coalesce(nullif({fields['artist']}, ''), {there.column('labels', 'group')})"
    fields["licence"] = f"coalesce(nullif({fields['licence']}, ''), {there.column('labels', 'licence')})"
    return Shape("file", "labels", joins, fields)


def left_out(columns: Columns, shape: Shape | None, stages: list[str]) -> str:
    """A SELECT of the inputs that did not make it, each id once, by its last stage; from a table `work` with an `ordinal`.

    `stages` are those that songs went into: before them an id without a letter is a file's.
    """
    letters = {**_LETTERS, **(shape.apart if shape else {})}
    letter = "regexp_extract(c.id, '\\.([a-z])[0-9]+$', 1)"
    cases = " ".join(f"WHEN '{one}' THEN {quoted(what)}" for one, what in letters.items())
    songs = ", ".join(quoted(name) for name in stages) or "''"
    there = _There({**columns, "splits": ()})
    kinds = "kind" in columns.get("files", ())  # of a recipe that reads several together
    whole = f"CASE WHEN c.stage IN ({songs}) THEN 'song' ELSE 'file' END"
    whole = "coalesce(nullif(fi.kind, ''), 'file')" if kinds else whole
    stem = "CASE WHEN contains(c.id, '.p') THEN 'stem' ELSE 'mix' END"
    joins, fields = _common(
        there,
        *([there.join("files", "fi")] if kinds else []),
        kind=f"CASE {letter} WHEN '' THEN {whole} WHEN 't' THEN {stem} {cases} ELSE 'row' END",
    )
    last = "(SELECT unnest(max_by(work, ordinal)) FROM work WHERE status <> 'ok' GROUP BY id)"
    examples = Shape("row", "work", joins, {**fields, "tags": "NULL"}).sql().replace('FROM "work" c', f"FROM {last} c", 1)
    state = "CASE c.status WHEN 'dropped' THEN 'dropped' WHEN 'unanswered' THEN 'unanswered' ELSE 'failed' END AS state"
    why = ", ".join(f"coalesce(c.{name}, '') AS {name}" for name in ("stage", "reason", "detail"))
    return examples.replace("SELECT ", f"SELECT {state}, {why}, ", 1)
