"""Examples as `datasets` of Hugging Face loads them: Parquet shards that hold sound, film, notes and words.

    data/train-00000.parquet   data/validation-00000.parquet   data/test-00000.parquet

    load_dataset(folder, split="train")[0]["audio"]

The types of the columns stand in the schema's metadata under the key `huggingface`, where `Features.from_arrow_schema` looks for
them: without it a sound would be a struct of bytes. Row groups are small, as one is read at a time, and cut by content, so that
a new version of a shard shares its chunks with the one before (huggingface/datasets, `packaged_modules/parquet/parquet.py`,
`features/features.py`, `arrow_writer.py`). What comes of it is checked by `motet.export.huggingface_rules`.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count, groupby, islice
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.export.example import SPLITS, Choice, Example, Examples, Fault, Sound, Written
from motet.export.huggingface_columns import CHUNKS, Column, as_yaml, columns, features_of, layout, plain_row, schema, stem_row
from motet.export.naming import file_name
from motet.export.publishing import Pending, blaming, digest, in_order, published
from motet.export.sound import encoded
from motet.wording import several

__all__ = ["FORM", "OPTIONS", "check", "front_matter", "missing", "parquet", "remarks", "write"]

FORM, VERSION = "huggingface", 1
OPTIONS: tuple[str, ...] = ()

GROUP_BYTES, GROUP_ROWS = 50_000_000, 100  # of a row group, which a reader holds in memory; the Hub's viewer takes 300 MB
NUM_BYTES = "num_bytes"  # in a shard's metadata: what its rows take in memory
LARGEST = (1 << 31) - 1  # bytes of a column in one row group: Arrow counts them in 32 bits


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write `data/<split>-<number>.parquet`. A shard is one piece; it is closed when its rows hold `shard_bytes`.

    What a shard holds is known when it is written: its key is that of its first example, its note says how many followed and
    whether it was full. So it counts as done when the same examples come, and no others could have joined them.
    """
    choice.check_options(*OPTIONS)
    wanted = columns(choice)
    lacking: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    with published(folder, lambda name: name) as pending:
        for split, some in groupby(examples(), key=lambda example: example.split):
            for note in _shards(pending, split, _Ahead(some), choice, wanted):
                splits[split] += note["examples"]
                lacking.update(note["lacking"])
        if not splits:
            raise UserError("There is no example to export: choose others, or build the dataset first.", 1)
        return Written(pending.names, remarks(splits, lacking), tuple(pending.pieces.values()))


def remarks(splits: Mapping[str, int], lacking: Mapping[str, int]) -> list[str]:
    """What a person should know: voices that examples lack, and splits without any."""
    examples = sum(splits.values())
    told = []
    for what, number in sorted(lacking.items()):
        if number == examples:
            told.append(f"No example has {what}.")
        elif number:
            told.append(f"{several(number, 'example')} of {examples:,} {'has' if number == 1 else 'have'} no {what}.")
    return told + [f"No example is in {split}: it is not written." for split in SPLITS if not splits.get(split)]


def missing(example: Example, choice: Choice) -> list[str]:
    """The chosen voices that an example lacks, in words that follow "no"."""
    has = {
        "mix": example.mix,
        "stems": any(stem.sound for stem in example.stems),
        "midi": example.midi,
        "video": example.video,
        "captions": example.captions,
    }
    words = {"midi": "MIDI"}
    return sorted(words.get(voice, voice) for voice, there in has.items() if voice in choice.voices and not there)


class _Ahead:
    """Examples that can be looked at before they are taken."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self._seen: deque[Example] = deque()
        self._more = iter(examples)

    def first(self, count: int) -> list[Example]:
        self._seen.extend(islice(self._more, max(0, count - len(self._seen))))
        return list(islice(self._seen, count))

    def take(self) -> Iterator[Example]:
        while self.first(1):
            yield self._seen.popleft()

    def back(self, examples: Iterable[Example]) -> None:
        self._seen.extendleft(reversed(list(examples)))


def _shards(pending: Pending, split: str, ahead: _Ahead, choice: Choice, wanted: dict[str, Column]) -> Iterator[dict[str, Any]]:
    """Writes the shards of a split, or finds them done; gives the note of each."""
    import pyarrow as pa

    how = [sorted(choice.voices), choice.audio, choice.rate, choice.channels, choice.captions, choice.shard_bytes, pa.__version__]
    taken: deque[Example] = deque()  # given to the threads, and not yet in a shard

    def encoding() -> Generator[dict[str, Any]]:
        def coming() -> Iterator[Example]:
            for example in ahead.take():
                taken.append(example)
                yield example

        yield from in_order(coming(), lambda example: _row(example, choice))

    rows = encoding()
    try:
        for number in count():
            first = [*taken, *ahead.first(1)][:1]
            if not first:
                return
            key = digest(FORM, VERSION, how, split, number, _known(first[0], choice))
            note = pending.note(key)
            if note is not None:
                rows.close()
                ahead.back(taken)
                taken.clear()
                note = note if _same(note, ahead, choice) else None
                rows = encoding()
            yield note or _shard(pending, key, f"data/{split}-{number:05d}.parquet", rows, taken, choice, wanted)
    finally:
        rows.close()


def _same(note: Mapping[str, Any], ahead: _Ahead, choice: Choice) -> bool:
    """Whether the shard of that note holds what would be written now; then its examples are taken."""
    size = note["examples"]
    come = ahead.first(size + 1)
    if not (note["full"] or len(come) == size) or digest([_known(example, choice) for example in come[:size]]) != note["of"]:
        return False
    for _ in islice(ahead.take(), size):
        pass
    return True


def _shard(
    pending: Pending,
    key: str,
    name: str,
    rows: Iterable[dict[str, Any]],
    taken: deque[Example],
    choice: Choice,
    wanted: dict[str, Column],
) -> dict[str, Any]:
    """Rows up to `shard_bytes`, in groups; `taken` are the examples that they are of."""
    told: list[str] = []
    lacking: Counter[str] = Counter()
    size = held = 0
    group: list[dict[str, Any]] = []
    with parquet(pending, name, wanted) as table:
        for row in rows:
            example = taken.popleft()
            told.append(_known(example, choice))
            lacking.update(missing(example, choice))
            of_row = _size(example, row)
            if group and (held + of_row > GROUP_BYTES or len(group) == GROUP_ROWS):
                table.write(group)
                group, held = [], 0
            group.append(row)
            held, size = held + of_row, size + of_row
            if size >= choice.shard_bytes:
                break
        table.write(group)
    note = {"examples": len(told), "of": digest(told), "full": size >= choice.shard_bytes, "lacking": dict(lacking)}
    pending.done(key, [name], note)
    return note


class _Table:
    """A Parquet file that is being written."""

    def __init__(self, folder: Path, writer: Any, kind: Any) -> None:
        self._folder, self._writer, self._kind = folder, writer, kind
        self.memory = 0  # bytes that the rows take when they are read

    def write(self, rows: list[dict[str, Any]]) -> None:
        """A row group; columns that the file does not have are passed over."""
        import pyarrow as pa

        table = pa.Table.from_pylist(rows, self._kind)
        with blaming(self._folder):
            self._writer.write_table(table, row_group_size=len(table))
        self.memory += table.nbytes


@contextmanager
def parquet(pending: Pending, name: str, wanted: dict[str, Column], features: bool = True) -> Iterator[_Table]:
    """A new Parquet file of the export, with the features of its columns where they are to be read from it."""
    import pyarrow.parquet as pq

    kind = schema(wanted) if features else schema(wanted).remove_metadata()
    with pending.open(name) as file:
        writer = pq.ParquetWriter(file, kind, **layout(wanted))
        try:
            table = _Table(pending.folder, writer, kind)
            yield table
            told = {"content_defined_chunking": json.dumps(CHUNKS)}
            writer.add_key_value_metadata(told | ({NUM_BYTES: str(table.memory)} if features else {}))
            with blaming(pending.folder):
                writer.close()
        except BaseException:
            with suppress(Exception):  # of a file that is thrown away
                writer.close()
            raise


def _known(example: Example, choice: Choice) -> str:
    return digest(example.key, plain_row(example, choice))


def _row(example: Example, choice: Choice) -> dict[str, Any]:
    name = file_name(example.id)
    row = plain_row(example, choice)
    if choice.has("mix"):
        row["audio"] = _sound(example.mix, name, choice)
    if choice.has("video"):
        row["video"] = {"bytes": example.video(), "path": f"{name}.mp4"} if example.video else None
    if choice.has("midi"):
        row["midi"] = example.midi() if example.midi else None
    if choice.has("stems"):
        row["stems"] = [
            stem_row(stem)
            | {"audio": _sound(stem.sound, f"{name}-{stem.index:02d}", choice)}
            | ({"midi": stem.midi() if stem.midi else None} if choice.has("midi") else {})
            for stem in example.stems
        ]
    return row


def _sound(sound: Sound | None, name: str, choice: Choice) -> dict[str, Any] | None:
    if sound is None:
        return None
    file = encoded(sound, choice)
    return {"bytes": file.data, "path": f"{name}.{file.suffix}"}


def _size(example: Example, row: Any) -> int:
    """The bytes of a row's sound, film, notes and words; raises UserError for more than a row can hold."""
    size = _bytes(row)
    if size > LARGEST:
        msg = (
            f"{example.path!r} has {several(size, 'byte')} of sound and film, and a row of Parquet holds 2 GB: leave a voice out."
        )
        raise UserError(msg, 1)
    return size


def _bytes(value: Any) -> int:
    if isinstance(value, dict):
        return sum(_bytes(one) for one in value.values())
    if isinstance(value, list):
        return sum(_bytes(one) for one in value)
    return len(value) if isinstance(value, bytes | str) else 8


# --- The card's part ---


def front_matter(folder: Path) -> dict[str, Any]:
    """`configs` and `dataset_info` for the front matter of the folder's README.md, as `load_dataset` would find them.

    `num_bytes` is what the rows take in memory. Raises UserError for a folder without a shard that can be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    features: list[dict[str, Any]] = []
    splits: dict[str, dict[str, Any]] = {}
    stored = 0
    for split in SPLITS:
        for path in sorted((folder / "data").glob(f"{split}-[0-9][0-9][0-9][0-9][0-9].parquet")):
            try:
                told = pq.read_metadata(path)
            except (pa.ArrowException, OSError) as error:
                raise UserError(f"{path} cannot be read ({error}): export it again.", 1) from None
            features = features or [
                {"name": name} | as_yaml(kind) for name, kind in features_of(told.schema.to_arrow_schema()).items()
            ]
            one = splits.setdefault(split, {"name": split, "num_bytes": 0, "num_examples": 0})
            one["num_bytes"] += int((told.metadata or {}).get(NUM_BYTES.encode(), 0))
            one["num_examples"] += told.num_rows
            stored += path.stat().st_size
    if not splits:
        raise UserError(f"There is no shard in {folder}/data: export the dataset to it.", 1)
    return {
        "configs": [{"config_name": "default", "data_files": [{"split": name, "path": f"data/{name}-*"} for name in splits]}],
        "dataset_info": {
            "features": features,
            "splits": list(splits.values()),
            "download_size": stored,
            "dataset_size": sum(one["num_bytes"] for one in splits.values()),
        },
    }


def check(folder: Path) -> list[Fault]:
    """What `load_dataset` would stumble over, or read without a word as something else. Reads every row."""
    from motet.export import huggingface_rules

    return huggingface_rules.check(folder)
