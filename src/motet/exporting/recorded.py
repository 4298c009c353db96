"""Clips of recordings, as examples."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from motet.dataset.folder import Dataset
from motet.export.example import Example, Licence
from motet.exporting import lineage
from motet.exporting.media import sound
from motet.exporting.reading import Kind, Row, column, joined, key_of


def clips(there: Collection[str]) -> Kind:
    """The table `clips` of musicgen."""
    columns = [
        "c.*",
        "v.model AS separator, v.model_licence AS separator_licence, v.method",
        column(there, "captions", "t.texts", "texts"),
        column(there, "captions", "t.forms", "forms"),
        column(there, "captions", "t.models", "models"),
        column(there, "identities", "i.artist", "known_artist", "''"),
        column(there, "identities", "i.title", "known_title", "''"),
        lineage.COLUMNS if "licences" in there else lineage.NONE,
    ]
    joins = [
        "LEFT JOIN separated v ON v.source = c.source AND v.stem = c.stem",
        joined(there, "captions", "LEFT JOIN captions t ON t.id = c.id"),
        joined(there, "identities", "LEFT JOIN identities i ON i.source = c.source"),
        joined(there, "licences", lineage.JOIN),
    ]
    return Kind("clips", f"SELECT {', '.join(columns)} FROM {{chosen}} c {' '.join(joins)}", "source", _clip)


def _clip(dataset: Dataset, row: Row) -> Example:
    frames = row["end_frame"] - row["start_frame"]
    span = None if row["start_frame"] == 0 else (row["start_frame"], row["end_frame"])
    return Example(
        id=row["id"],
        key=key_of(row),
        song=row["source"],
        path=row["path"],
        split=row["split"],
        start=row["start"],
        end=row["end"],
        title=row["known_title"] or row["title"] or "",
        artist=row["known_artist"] or row["artist"] or "",
        captions=tuple(row["texts"] or ()),
        caption_forms=tuple(row["forms"] or ()),
        facts={name: row[name] for name in ("tempo", "tempo_confidence", "key", "key_confidence", "lufs")}
        | {name: row[name] for name in ("instruments", "genres", "moods", "tags")},
        licences=tuple(_licences(row)),
        mix=sound(dataset, row["audio"], row["rate"], row["channels"], row["end_frame"] if span else frames, span),
    )


def _licences(row: Row) -> Iterator[Licence]:
    yield lineage.of_source(row)
    if row["method"] and row["method"] != "none":
        yield Licence("separator", row["separator"] or row["method"], row["separator_licence"] or "")
    yield from lineage.of_tags(source for source in row["tag_sources"] or () if source)
    yield from lineage.of_captions(row["models"])
