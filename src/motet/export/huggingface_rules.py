"""What `load_dataset` makes of a folder of Parquet shards, said before anybody trains on it.

The rules are those of huggingface/datasets 5: `data_files.py` (which files are found, and for which split), `load.py` (what
they are taken for), `utils/metadata.py` and `utils/info_utils.py` (the card), `features/features.py` and
`packaged_modules/parquet` (what the columns become). Much of it goes without a word: a file that another pattern found first, or
a shard without features, is no error there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from motet.export.example import Fault
from motet.export.huggingface_columns import Column, arrow, as_yaml, features_of
from motet.export.huggingface_view import View, fault, limited, listed_faults
from motet.export.media_faults import film_fault, midi_fault, short, sound_fault
from motet.export.publishing import in_order

__all__ = ["Seen", "check"]

SHARD = re.compile(r"data/(train|validation|test)-(\d{5})\.parquet")
GROUP_BYTES = 300_000_000  # of a row group: the Hub's viewer reads no larger ones


# --- Shards ---


def check(folder: Path) -> list[Fault]:
    """What is wrong in a folder of shards. Reads every row, and decodes every sound, film and file of notes."""
    view = View.of(folder)
    found = view.faults
    found += listed_faults(folder, view.names)
    shards = [name for name in view.names if SHARD.fullmatch(name)]
    if not shards:
        return [*found, fault("no_shard", "data", "holds no shard such as train-00000.parquet")]
    found += _numbering(shards)
    loaded = {name for names in view.splits.values() for name in names}
    found += [fault("ignored", name, "is not loaded: other files are found before it") for name in shards if name not in loaded]
    for split, names in view.splits.items():
        for name in names:
            if (match := SHARD.fullmatch(name)) is None:
                parquet = name.endswith(".parquet")
                said = "is loaded with the shards" if parquet else "is found as a file of the dataset, and passed over"
                found.append(fault("mixed_in", name, f"{said} of {split}", fatal=parquet))
            elif match[1] != split:
                found.append(fault("wrong_split", name, f"is loaded as {split}"))
        if (kind := view.taken_for(split)) != "parquet":
            found.append(fault("not_parquet", split, f"is loaded as files of .{kind}, of which it has most"))
    seen = Seen()
    first: dict[str, Column] = {}
    counts: Counter[str] = Counter()
    for name in shards:
        split = name[5:].partition("-")[0]
        there, rows = _shard_faults(folder / name, name, split, first, seen)
        found += there
        counts[split] += rows
    return limited([*found, *_told_counts(view.card, counts, first)])


def _numbering(shards: list[str]) -> list[Fault]:
    numbers: dict[str, list[int]] = {}
    for name in shards:
        split, _, number = name[5:-8].rpartition("-")
        numbers.setdefault(split, []).append(int(number))
    return [
        fault("missing_shard", f"data/{split}-{number:05d}.parquet", "is missing: shards before and behind it are there")
        for split, some in numbers.items()
        for number in sorted(set(range(max(some))) - set(some))
    ]


def _shard_faults(path: Path, name: str, split: str, first: dict[str, Column], seen: Seen) -> tuple[list[Fault], int]:
    """Faults of one shard, and its rows. `first` are the columns of the first shard: all others must have them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found: list[Fault] = []
    rows = 0
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            told = file.metadata
            rows = told.num_rows
            try:
                columns = features_of(file.schema_arrow)
                types = {column: arrow(kind) for column, kind in columns.items()}
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
                return [fault("bad_features", name, f"has features that cannot be read ({short(error)})")], rows
            found += _column_faults(file.schema_arrow, types, name)
            if not first:
                first.update(columns)
            if columns != first:
                found.append(fault("other_columns", name, "has other columns, or others of their types, than the first shard"))
            if not rows:
                found.append(fault("empty", name, "has no row"))
            groups = [told.row_group(number).total_byte_size for number in range(told.num_row_groups)]
            if max(groups, default=0) > GROUP_BYTES:
                said = "has row groups of more than 300 MB, which the Hub's viewer does not show"
                found.append(fault("large_groups", name, said, fatal=False))
            if any(one.fatal for one in found):
                return found, rows
            for row in _rows(file, columns, seen.wrong):
                found += seen.row(row, name, split)
    except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
        found.append(fault("unreadable", name, f"cannot be read ({short(error)}): export it again"))
    return found, rows


def _column_faults(kind: Any, types: Mapping[str, Any], name: str) -> Iterator[Fault]:
    if not types:
        yield fault("no_features", name, "has no features in its schema: sounds would load as structs of bytes")
        return
    for field_ in kind:
        if field_.name not in types:
            yield fault("no_features", name, f"has a column {short(field_.name)} that its features do not name")
        elif not types[field_.name].equals(field_.type):
            yield fault(
                "other_types", name, f"holds {short(field_.type)} where its features say {field_.name}: they are passed over"
            )
    for column in types:
        if column not in kind.names:
            yield fault("missing_column", name, f"lacks the column {short(column)} that its features name")
    for column in ("id", "song"):
        if column in kind.names and str(kind.field(column).type) != "string":
            yield fault("other_types", name, f"has a column {column} that is no text")


def _rows(file: Any, columns: Mapping[str, Column], wrong: Callable[[Any, Column], str]) -> Iterator[dict[str, Any]]:
    """Each row, with a sentence under `wrong` for each of its media that cannot be decoded."""

    timed = columns.get("audio") == "audio" and columns.get("seconds") == "float64"

    def judged(row: dict[str, Any]) -> dict[str, Any]:
        said = [f"{column}: {words}" for column, kind in columns.items() if (words := wrong(row[column], kind))]
        if not said and timed and row["audio"] and row["seconds"] is not None:
            said += filter(None, [sound_fault(row["audio"]["bytes"], row["seconds"])])
        return {name: row.get(name) for name in ("id", "song", "captions")} | {"wrong": said}

    rows = (row for batch in file.iter_batches(batch_size=8) for row in batch.to_pylist())
    yield from in_order(rows, judged)


def _told_counts(card: Mapping[str, Any], counts: Mapping[str, int], columns: Mapping[str, Column]) -> Iterator[Fault]:
    """`dataset_info` of the card against the shards: a split more, less, or of another size stops the loader."""
    told = card.get("dataset_info")
    try:
        told = told[0] if isinstance(told, list) else told
        if not told:
            return
        said = {one["name"]: one["num_examples"] for one in told.get("splits") or ()}
        for split in sorted({*said, *counts}) if said else ():
            if said.get(split) != counts.get(split):
                words = f"tells of {said.get(split, 'no')} examples in {split}, and there are {counts.get(split, 'none')}"
                yield fault("wrong_counts", "README.md", words)
        features = told.get("features")
        if features is not None and columns and features != [{"name": name} | as_yaml(kind) for name, kind in columns.items()]:
            yield fault("other_columns", "README.md", "tells of other columns than the shards have, or of others of their types")
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        yield fault("bad_card", "README.md", f"has a `dataset_info` that cannot be read ({short(error)})")


# --- Rows and media ---


class Seen:
    """What rows say together: ids are unique, and a song is in one split."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._songs: dict[str, str] = {}

    def row(self, row: Mapping[str, Any], where: str, split: str) -> Iterator[Fault]:
        id, song = row.get("id"), row.get("song")
        who = short(id)
        if not isinstance(id, str) or not id:
            yield fault("no_id", where, "has a row without an id")
        elif id in self._ids:
            yield fault("twice", where, f"has {who} a second time")
        else:
            self._ids.add(id)
        if isinstance(song, str) and song and self._songs.setdefault(song, split) != split:
            yield fault("leak", where, f"has {who}, of a song that is in {self._songs[song]} too")
        captions = row.get("captions")
        if any(
            not str(one or "").strip()
            for one in (captions if isinstance(captions, list) else () if captions is None else (captions,))
        ):
            yield fault("empty_caption", where, f"has an empty caption for {who}", fatal=False)
        for words in row.get("wrong") or ():
            yield fault("damaged", where, f"{who}: {words}")

    def wrong(self, value: Any, kind: Column) -> str:
        """A sentence on what cannot be decoded in a value of that type."""
        if value is None:
            return ""
        if isinstance(kind, list):
            return next((said for one in value if (said := self.wrong(one, kind[0]))), "")
        if isinstance(kind, dict):
            return next((f"{name}: {said}" for name, one in kind.items() if (said := self.wrong(value[name], one))), "")
        if kind in ("audio", "video"):
            if value["bytes"] is None:
                return "names a file that is not in the shard"
            return sound_fault(value["bytes"]) if kind == "audio" else film_fault(value["bytes"])
        return midi_fault(value) if kind == "binary" else ""
