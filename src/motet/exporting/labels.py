"""Labelled files of known datasets, as lists and shards for training."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import duckdb

from motet.dataset.folder import Dataset, refused
from motet.errors import UserError
from motet.export import manifests as lists
from motet.export.example import Written
from motet.exporting.media import reader


def manifests(dataset: Dataset, folder: Path, where: str = "") -> Written:
    """Lists of training data, one for each split, as JSONL and CSV; `where` is SQL on the columns of `labels`."""
    _check_labels(dataset)
    files, remarks = lists.write(lambda: _samples(dataset, where), folder)
    return Written(files, [f"Paths of files are below {dataset.folder.absolute()}.", *remarks])


def shards(dataset: Dataset, folder: Path, where: str = "", megabytes: int = 256) -> Written:
    """Training data packed into tar files of at most so many MB; `where` is SQL on the columns of `labels`."""
    _check_labels(dataset)
    return Written(*lists.shards(lambda: _samples(dataset, where), reader(dataset), folder, megabytes))


_SAME = ("dataset", "part", "sha256", "split", "split_by", "published_split", "group", "golden", "licence", "licence_url")


def _check_labels(dataset: Dataset) -> None:
    if "labels" not in dataset.tables():
        raise UserError(f"{dataset.folder} has no labels: build it by the recipe prepare.")


def _samples(dataset: Dataset, where: str) -> Iterator[lists.Sample]:
    """Labelled files in order of id; those which gave no features, and why, are told by `motet status`."""
    there = dataset.tables()
    usable = made = ""
    if "features" in there:
        usable = "AND id IN (SELECT id FROM work WHERE stage = 'prepare_features' AND status = 'ok')"
        made = (
            "LEFT JOIN (SELECT source AS raw, map_from_entries(list((what, file) ORDER BY what)) AS files, "
            "max(seconds) AS seconds FROM features GROUP BY source) f ON f.raw = l.source"
        )
    columns = "l.*, f.files, f.seconds" if made else "l.*, NULL AS files, NULL AS seconds"
    chosen = f"(SELECT * FROM labels WHERE ({where or 'true'}) {usable})"
    try:
        rows = dataset.query(f"SELECT {columns} FROM {chosen} l {made} ORDER BY l.id").to_arrow_reader(4096)
    except duckdb.Error as error:
        raise refused(error) from None
    for batch in rows:
        for row in batch.to_pylist():
            yield lists.Sample(
                id=row["source"],
                raw=row["path"],
                labels=json.loads(row["labels"]),
                seconds=row["seconds"],
                files=dict(row["files"] or ()),
                **{name: row[name] for name in _SAME},
            )
