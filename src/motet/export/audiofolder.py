"""Examples as a folder that `load_dataset("audiofolder", data_dir=…)` reads: a sound each, and a table of what is known of them.

    data/train/metadata.parquet
    data/train/3f/<name>.flac           the mix, which is the column `audio`
    data/train/3f/<name>.mid            its notes: column `midi_path`
    data/train/3f/<digest>/00-bass.flac its stems, column `stems`, with a field `audio` each, and their notes beside them
    films/3f/<name>.mp4                 its film: column `video_path`

The rules are those of huggingface/datasets 5, `packaged_modules/folder_based_builder`, `load.py` and `data_files.py`. Paths in
`file_name` begin at the table, and become sounds; those in `*_path` begin at the folder of the export, and stay text. The table
is Parquet because the types of JSON lines are guessed: a split in which nobody's key is known would have another type than the
rest, which the loader refuses, and titles like 1999-12-31 would become times. It is one a split, as the rows of several come in
any order. Films stand apart: a folder with as many films as sounds is taken for one of films. No folder is named after an
example, as one called `test` would be a split. Folders are drawn by the id, so that an example stays where it is when others
come, and none holds too many files for the Hub (10,000) below a million examples.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.export.example import SPLITS, Choice, Example, Examples, Fault, Stem, Written
from motet.export.huggingface import missing, parquet, remarks
from motet.export.huggingface_columns import Column, plain_columns, plain_row, stem_row
from motet.export.naming import file_name
from motet.export.publishing import Pending, blaming, digest, in_order, published
from motet.export.sound import encoded
from motet.wording import several

__all__ = ["FORM", "METADATA", "OPTIONS", "check", "front_matter", "write"]

FORM, VERSION = "audiofolder", 1
OPTIONS: tuple[str, ...] = ()
METADATA = "metadata.parquet"

PIECE, LONGEST = 128, 512  # examples of a piece: on average, and at most


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write the folder. An example without a mix is left out: every row names a sound. Tables get their names last.

    Pieces end where the digest of an id says so: a newcomer changes the one that it comes into.
    """
    choice.check_options(*OPTIONS)
    if not choice.has("mix"):
        raise UserError("A folder for AudioFolder is one of sounds: include the mix, or choose the form huggingface.")
    lacking: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    silent = 0

    def heard() -> Iterator[Example]:
        nonlocal silent
        for example in examples():
            if example.mix:
                yield example
            silent += not example.mix

    with published(folder, lambda name: (name.endswith(METADATA), name)) as pending:
        names = _Names()
        for split, some in groupby(heard(), key=lambda example: example.split):
            with parquet(pending, f"data/{split}/{METADATA}", columns(choice), features=False) as table:
                for piece in _pieces(some):
                    places = [_Place(split, names.of(example.id), example.id) for example in piece]
                    suffixes = _written(pending, list(zip(piece, places, strict=True)), choice)
                    table.write([_row(*each, choice) for each in zip(piece, places, suffixes, strict=True)])
                    splits[split] += len(piece)
                    lacking.update(what for example in piece for what in missing(example, choice))
        if not splits:
            raise UserError("No example has a mix, which a folder for AudioFolder is made of: choose other examples.", 1)
        told = remarks(splits, lacking)
        if silent:
            told.insert(0, f"{several(silent, 'example')} without a mix {'is' if silent == 1 else 'are'} left out.")
        return Written(pending.names, told, tuple(pending.pieces.values()))


class _Names:
    """Names of files: dots of ids become dashes, so that `a.b` and `a-b` would be one."""

    def __init__(self) -> None:
        self._dashed: set[str] = set()

    def of(self, id: str) -> str:
        name = file_name(id)
        if name in self._dashed:
            name = f"{name}-{_drawn(id)}"
        if "-" in id or name != id.replace(".", "-"):  # in order of id, the one with a dash comes before the one with a dot
            self._dashed.add(name)
        return name


@dataclass(frozen=True)
class _Place:
    """Where the files of an example lie."""

    split: str
    name: str
    id: str

    @property
    def drawn(self) -> str:
        return _drawn(self.id)

    @property
    def base(self) -> str:
        """The mix without its suffix, as the table names it: from its own folder."""
        return f"{self.drawn[:2]}/{self.name}"

    def stem(self, number: int, stem: Stem) -> str:
        called = re.sub(r"[^a-z0-9]+", "-", stem.name.lower()).strip("-")[:40].strip("-")
        return f"{self.drawn[:2]}/{self.drawn}/{number:02d}{'-' if called else ''}{called}"

    def whole(self, path: str) -> str:
        return f"data/{self.split}/{path}"

    @property
    def film(self) -> str:
        return f"films/{self.base}.mp4"


def _drawn(id: str) -> str:
    return hashlib.blake2b(id.encode(errors="surrogatepass"), digest_size=6).hexdigest()


def _pieces(examples: Iterable[Example]) -> Iterator[list[Example]]:
    piece: list[Example] = []
    for example in examples:
        piece.append(example)
        if int(_drawn(example.id), 16) % PIECE == 0 or len(piece) == LONGEST:
            yield piece
            piece = []
    if piece:
        yield piece


_Suffixes = tuple[str, list[str | None]]
"""That of the mix, and that of each stem; None for a stem without sound."""


def _written(pending: Pending, piece: list[tuple[Example, _Place]], choice: Choice) -> list[_Suffixes]:
    """Writes the files of a piece, or finds them written; gives the suffixes they have."""
    how = [sorted(choice.voices), choice.audio, choice.rate, choice.channels]
    of = [[example.key, place.split, place.name, place.id, [stem.name for stem in example.stems]] for example, place in piece]
    key = digest(FORM, VERSION, how, of)
    note = pending.note(key)
    if note is None:
        files: list[str] = []
        suffixes: list[_Suffixes] = []
        for names, suffix in in_order(piece, lambda one: _files(pending, *one, choice)):
            files += names
            suffixes.append(suffix)
        note = {"suffixes": [list(one) for one in suffixes]}
        pending.done(key, files, note)
    return [(mix, stems) for mix, stems in note["suffixes"]]


def _files(pending: Pending, example: Example, place: _Place, choice: Choice) -> tuple[list[str], _Suffixes]:
    written: list[str] = []

    def put(name: str, data: bytes) -> None:
        with pending.open(name) as file, blaming(pending.folder):
            file.write(data)
        written.append(name)

    assert example.mix is not None
    mix = encoded(example.mix, choice)
    put(place.whole(f"{place.base}.{mix.suffix}"), mix.data)
    if choice.has("midi") and example.midi:
        put(place.whole(f"{place.base}.mid"), example.midi())
    if choice.has("video") and example.video:
        put(place.film, example.video())
    stems: list[str | None] = []
    for number, stem in enumerate(example.stems if choice.has("stems") else ()):
        sound = encoded(stem.sound, choice) if stem.sound else None
        if sound:
            put(place.whole(f"{place.stem(number, stem)}.{sound.suffix}"), sound.data)
        if choice.has("midi") and stem.midi:
            put(place.whole(f"{place.stem(number, stem)}.mid"), stem.midi())
        stems.append(sound.suffix if sound else None)
    return written, (mix.suffix, stems)


# --- Rows ---


def columns(choice: Choice) -> dict[str, Column]:
    told: dict[str, Column] = {"file_name": "string"} | plain_columns(choice)
    paths: dict[str, Column] = {"midi_path": "string"} if choice.has("midi") else {}
    told |= paths
    if choice.has("video"):
        told["video_path"] = "string"
    if choice.has("stems"):
        stem: dict[str, Column] = {
            "name": "string",
            "role": "string",
            "program": "int32",
            "is_drum": "bool",
            "played_by": "string",
        }
        told["stems"] = [stem | {"file_name": "string"} | paths]
    return told


def _row(example: Example, place: _Place, suffixes: _Suffixes, choice: Choice) -> dict[str, Any]:
    mix, stems = suffixes
    row = {"file_name": f"{place.base}.{mix}"} | plain_row(example, choice)
    if choice.has("midi"):
        row["midi_path"] = place.whole(f"{place.base}.mid") if example.midi else None
    if choice.has("video"):
        row["video_path"] = place.film if example.video else None
    if choice.has("stems"):
        row["stems"] = [
            stem_row(stem)
            | {
                "file_name": f"{place.stem(number, stem)}.{suffix}" if suffix else None,
                "midi_path": place.whole(f"{place.stem(number, stem)}.mid") if stem.midi else None,
            }
            for number, (stem, suffix) in enumerate(zip(example.stems, stems, strict=True))
        ]
    return row


# --- The card's part ---


def front_matter(folder: Path) -> dict[str, Any]:
    """`configs` for the front matter of the folder's README.md: which files are of which split."""
    splits = [split for split in SPLITS if (folder / "data" / split / METADATA).is_file()]
    if not splits:
        raise UserError(f"There is no {METADATA} in {folder}/data: export the dataset to it.", 1)
    return {
        "configs": [{"config_name": "default", "data_files": [{"split": name, "path": f"data/{name}/**"} for name in splits]}]
    }


def check(folder: Path) -> list[Fault]:
    """What the loader would stumble over, or leave out without a word. Reads every file."""
    from motet.export import audiofolder_rules

    return audiofolder_rules.check(folder)
