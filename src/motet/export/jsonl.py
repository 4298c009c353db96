"""JSON lines: a list for each split with all that is known of an example, and its files beside it.

Each line is one JSON object (jsonlines.org), in ASCII: what reads it needs no guess at an encoding, and no line ends inside a
text. All lines have the same columns, and null or [] for what is not known. `features.json` says what the columns hold, as
`datasets.Features.from_dict` reads it (huggingface/datasets, `features/features.py`): without it that library takes a column's
type from the first lines, and stops where a column is null there and is not further on.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import astuple
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from motet.errors import UserError
from motet.export.damage import Leaks, files_told, judge, judge_row, parsed, shown
from motet.export.example import SPLITS, Choice, Example, Examples, Fault, Written
from motet.export.publishing import Pending, digest, in_order, published
from motet.export.told import NOTHING, Media, Tally, batches, by_split, chosen, features, identity, media, place, told

FORM, VERSION = "jsonl", 1
OPTIONS: tuple[str, ...] = ("gz",)
FEATURES = "features.json"
PIECE = 128  # examples
PLACES = ("audio", "midi", "video", "stems")  # the folders of files

_LONGEST_LINE = 1 << 24


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write `<split>.jsonl`, or `.jsonl.gz` with the option `gz=yes`, `features.json`, and the files of the voices chosen.

    Those lie at `audio/<split>/<name>.flac`, `midi/<split>/<name>.mid`, `video/<split>/<name>.mp4` and
    `stems/<split>/<name>/<stem>.flac`, and the lists hold their paths from the folder. Without a voice that is a file there are
    lists only. Raises UserError where there is no example, and where the folder cannot be written to.
    """
    choice.check_options(*OPTIONS)
    packed = choice.options.get("gz", "no")
    if packed not in ("yes", "no"):
        raise UserError(f"The option gz is yes or no, not {packed!r}.")
    ending = ".jsonl.gz" if packed == "yes" else ".jsonl"
    tally = Tally(choice)
    known: dict[str, set[str]] = {}
    with published(folder, lambda name: (name == FEATURES or "/" not in name, name)) as pending:
        notes = list(_pieces(examples(), pending, choice))
        files: Iterator[Any] = (made for note in notes for made in json.loads(note["media"]))
        for split, some in by_split(examples()):
            own = known.setdefault(split, set())
            with pending.open(split + ending) as file, _packed(file) if packed == "yes" else nullcontext(file) as out:
                for example in some:
                    row = told(example, choice, [Media(*one) for one in next(files)] if notes else [], partial(place, example))
                    out.write(json.dumps(row, allow_nan=False).encode("ascii") + b"\n")
                    tally.see(example)
                    own.update(column for column, value in row.items() if value not in (None, []))
        if not tally.examples:
            raise UserError(NOTHING)
        pending.write(FEATURES, json.dumps(features(choice), indent=1).encode() + b"\n")
    remarks = tally.remarks()
    everywhere = known[min(known)].intersection(*known.values())
    if uneven := sorted(set().union(*known.values()) - everywhere):
        remarks.append(
            f"Nothing is known of {', '.join(uneven)} in one list and something in another: give datasets.load_dataset the "
            f"features of {FEATURES}."
        )
    return Written(pending.names, remarks, tuple(pending.pieces.values()))


def _packed(file: IO[bytes]) -> IO[bytes]:
    """A gzip file that tells no time and no name."""
    return gzip.GzipFile("", "wb", 6, file, 0)  # type: ignore[return-value]


def _pieces(examples: Iterable[Example], pending: Pending, choice: Choice) -> Iterator[dict[str, Any]]:
    if not choice.voices & {"mix", "stems", "midi", "video"}:
        return
    for _, some in by_split(examples):
        for piece in batches(some, PIECE):
            key = digest(FORM, VERSION, chosen(choice), [identity(example) for example in piece])
            if (note := pending.note(key)) is None:
                names: list[str] = []
                every: list[list[tuple[Any, ...]]] = []
                for example, files in zip(piece, in_order(piece, lambda one: list(media(one, choice))), strict=True):
                    for one, data in files:
                        names.append(place(example, one))
                        with pending.open(names[-1]) as file:
                            file.write(data)
                    every.append([astuple(one) for one, _ in files])
                note = {"media": json.dumps(every, separators=(",", ":"))}
                pending.done(key, names, note)
            yield note


def check(folder: Path) -> list[Fault]:
    """What is wrong with the lists, and with the files they tell of: reads, hashes and decodes all.

    By the rules of JSON (RFC 8259: UTF-8, no NaN) and of what reads lists of it into columns: pandas `read_json(lines=True)` and
    the `json` loader of datasets want the same columns in each line, and one type in each column. Nothing is raised for what
    the folder holds.
    """
    found: list[Fault] = []
    leaks, paths = Leaks(), set[str]()
    before: frozenset[str] | None = None
    lists = [
        f"{split}{ending}" for split in SPLITS for ending in (".jsonl", ".jsonl.gz") if (folder / f"{split}{ending}").is_file()
    ]
    if not lists:
        return [Fault("no_list", "", "There is no list (train.jsonl) in it.")]
    for name in lists:
        split = name.partition(".")[0]
        if name.endswith(".gz") and f"{split}.jsonl" in lists:
            found.append(_fault("two_lists", name, "there is another list of the split, and who reads both has all twice"))
        broken: list[Fault] = []
        for where, row, faults in in_order(_rows(folder, name, broken), partial(_judged, folder)):
            found += faults
            if row is None:
                continue
            found += leaks.see(row, split, where)
            if row.get("split") != split:
                found.append(_fault("wrong_split", where, f"it is told to be in {shown(row.get('split'))}"))
            if before is not None and before != row.keys():
                odd = ", ".join(map(shown, sorted(before ^ row.keys())[:5]))
                found.append(_fault("uneven", where, f"it has other columns than the line before it ({odd}), and datasets stops"))
            before = frozenset(row)
            for path, _, _ in files_told(row):
                if path in paths:
                    found.append(_fault("twice", where, f"another example has the file {shown(path)} too"))
                paths.add(path)
        found += broken
    for one in PLACES:
        for file in sorted((folder / one).rglob("*")):
            name = file.relative_to(folder).as_posix()
            if file.is_file() and name not in paths:
                found.append(Fault("extra_file", ascii(name)[1:-1], f"No list tells of {shown(name)}.", fatal=False))
    return found


def _rows(folder: Path, name: str, found: list[Fault]) -> Iterator[tuple[str, bytes]]:
    """The lines of a list, with their numbers."""
    number = 0
    try:
        with gzip.open(folder / name) if name.endswith(".gz") else (folder / name).open("rb") as file:
            while line := file.readline(_LONGEST_LINE):
                number += 1
                if len(line) == _LONGEST_LINE:
                    found.append(_fault("bad_line", f"{name}:{number}", f"it is longer than {_LONGEST_LINE:,} bytes"))
                    return
                yield f"{name}:{number}", line
                if not line.endswith(b"\n"):
                    found.append(_fault("cut_off", f"{name}:{number}", "the list ends inside a line"))
    except (OSError, EOFError, zlib.error) as error:
        found.append(_fault("damaged", name, f"it cannot be read behind line {number} ({shown(str(error))})"))
    if not number:
        found.append(_fault("empty", name, "there is no line in it"))


def _judged(folder: Path, line: tuple[str, bytes]) -> tuple[str, dict[str, Any] | None, list[Fault]]:
    where, data = line
    row = parsed(data)
    if isinstance(row, str):
        return where, None, [_fault("bad_line", where, row)]
    rules = list(judge_row(row))
    for path, what, columns in files_told(row):
        parts = PurePosixPath(path).parts
        if path.startswith("/") or "\\" in path or "\0" in path or ".." in parts or parts[:1] not in [(one,) for one in PLACES]:
            rules.append(("bad_path", f"{shown(path)} is no path to a file of this export"))
            continue
        try:
            if not (folder / path).is_file():
                rules.append(("missing_file", f"{shown(path)} is not there"))
                continue
            if (size := (folder / path).stat().st_size) != columns.get(f"{what}_bytes"):
                rules.append(("wrong_bytes", f"{shown(path)} has {size:,} bytes, not {shown(columns.get(f'{what}_bytes'))}"))
                continue
            rules += ((rule, f"{path}: {said}") for rule, said in judge(path, what, columns, (folder / path).read_bytes()))
        except OSError as error:
            rules.append(("missing_file", f"{shown(path)} cannot be read ({error.strerror})"))
    return where, row, [_fault(rule, where, said) for rule, said in rules]


def _fault(rule: str, where: str, said: str) -> Fault:
    return Fault(rule, where, f"{where}: {said}.", rule not in ("no_column", "silent"))
