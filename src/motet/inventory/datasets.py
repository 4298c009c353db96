"""All datasets of the registry: the packaged files, and those of a folder of one's own."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from motet.errors import UserError
from motet.inventory.known import Dataset

REGISTRY = Path(__file__).parent / "registry"
TASKS = "tasks.yaml"
LARGEST = 1_000_000
"""Bytes of a registry file; the largest of ours has a few thousand."""
DEEPEST = 20

_SUFFIXES = (".yaml", ".yml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Record = TypeVar("_Record", bound=BaseModel)


def known(own: Path | None = None) -> dict[str, Dataset]:
    """Every dataset by name; one of the folder `own` replaces a packaged one of the same name.

    Raises UserError for a file that is not a registry file.
    """
    found = dict(_packaged())
    if own is not None:
        found |= _folder(own)
    return dict(sorted(found.items()))


def find(name: str, known: Mapping[str, Dataset]) -> Dataset:
    """The dataset of that name; raises UserError with the nearest names."""
    if name in known:
        return known[name]
    near = nearest(name, known)
    advice = f"did you mean {' or '.join(near)}?" if near else "`motet inventory list` names them all."
    raise UserError(f"There is no dataset called {shown(name)}; {advice}")


def nearest(name: str, names: Iterable[str], most: int = 3) -> list[str]:
    """The names most like one that does not exist, without regard to case, - and _."""
    plain = {re.sub(r"[-_. ]", "", other.lower()): other for other in names}
    asked = re.sub(r"[-_. ]", "", name[:100].lower())
    near = difflib.get_close_matches(asked, plain, n=most, cutoff=0.5)
    near += [p for p in plain if len(asked) > 2 and p not in near and (p.startswith(asked) or asked.startswith(p))]
    return [plain[found] for found in near[:most]]


def shown(text: str) -> str:
    """Text of a user's file or command as it may stand in a message: in quotes, one line, not long."""
    text = text if len(text) <= 120 else f"{text[:50]}...{text[-67:]}"
    return repr(text) if text.isprintable() else ascii(text)


@lru_cache(maxsize=1)
def _packaged() -> dict[str, Dataset]:
    return _folder(REGISTRY)


def _folder(folder: Path) -> dict[str, Dataset]:
    try:
        names = sorted(os.listdir(folder))
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"The folder of datasets {shown(str(folder))} cannot be read ({why}): correct the path.") from None
    found: dict[str, Dataset] = {}
    for name in names:
        if name.startswith(".") or name == TASKS or not name.lower().endswith(_SUFFIXES):
            continue
        file = folder / name
        dataset = checked(Dataset, content(file), file)
        if dataset.name != file.stem:
            raise UserError(
                f"{shown(str(file))} describes {dataset.name!r}: call the file {dataset.name}.yaml, or correct its `name`."
            )
        if dataset.name in found:
            raise UserError(f"{shown(str(folder))} has two files for {dataset.name!r}: remove one of them.")
        found[dataset.name] = dataset
    return found


def content(file: Path) -> dict[str, Any]:
    """What a YAML file holds: a table of plain values. Raises UserError, without ever building what is too large."""
    where = shown(str(file))
    text = _text(file, where)
    try:
        _harmless(text, where)
        held = yaml.load(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f" in line {mark.line + 1}" if mark is not None else ""
        raise UserError(f"{where} is not valid YAML{place}: {error.problem}.") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise UserError(f"{where} is not valid YAML: {' '.join(str(error).split())[:200]}.") from None
    if not isinstance(held, dict) or not all(isinstance(key, str) for key in held):
        raise UserError(f"{where} must hold entries such as `name: ...`; write one in each line.")
    return held


def checked(record: type[_Record], held: object, file: Path, inside: str = "") -> _Record:
    """The record that a part of a file describes; raises UserError with the place and the nearest valid name."""
    try:
        return record.model_validate(held)
    except ValidationError as error:
        # What stands there under a wrong name is worth more than what is therefore missing.
        several = sorted(error.errors(include_url=False, include_input=False), key=lambda e: e["type"] != "extra_forbidden")
        first = several[0]
        raise UserError(_complaint(record, dict(first), shown(str(file)), inside)) from None


def _text(file: Path, where: str) -> str:
    try:
        # Without O_NONBLOCK a named pipe would be waited for.
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with open(descriptor, "rb") as opened:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UserError(f"{where} is not a file: remove it, or give it another ending.")
            data = opened.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{where} cannot be read ({why}): check its path and permissions.") from None
    if len(data) > LARGEST:
        raise UserError(f"{where} is larger than {LARGEST // 1_000_000} MB: a registry file has a few thousand bytes.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{where} is not UTF-8 text: save it as UTF-8.") from None


def _harmless(text: str, where: str) -> None:
    """No aliases, which can make a short file enormous, no tags, no deep nesting, no key twice: parsed, nothing built."""
    tables: list[set[str] | None] = []  # the keys of each open table so far; None for a list
    key_next: list[bool] = []
    for event in yaml.parse(text, Loader=_LOADER):
        mark = event.start_mark
        place = f"{where}, line {mark.line + 1}," if mark is not None else where
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise UserError(f"{place} uses a YAML alias (& or *): write the value out.")
        if tag := getattr(event, "tag", None):
            raise UserError(f"{place} uses a YAML tag ({shown(str(tag))}): write plain values.")
        if isinstance(event, yaml.CollectionEndEvent):
            tables.pop(), key_next.pop()
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            continue
        if tables and (keys := tables[-1]) is not None:
            if key_next[-1] and isinstance(event, yaml.ScalarEvent):
                if event.value in keys:
                    raise UserError(f"{place} has {shown(event.value)} a second time: remove one of them.")
                keys.add(event.value)
            key_next[-1] = not key_next[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            tables.append(set() if isinstance(event, yaml.MappingStartEvent) else None)
            key_next.append(True)
            if len(tables) > DEEPEST:
                raise UserError(f"{place} is nested more than {DEEPEST} levels deep: a registry file needs five.")


def _complaint(record: type[BaseModel], error: Mapping[str, Any], where: str, inside: str) -> str:
    path = tuple(error["loc"])
    names = [inside] if inside else []
    names += [str(part + 1) if isinstance(part, int) else shown(part)[1:-1] for part in path]
    place = " > ".join(names)
    kind = error["type"]
    if kind == "extra_forbidden":
        fields = list(_fields(record, path[:-1]))
        near = nearest(str(path[-1]), fields, 1)
        return f"{where} has an unknown entry at {place}; {_advice(near, fields)}"
    if kind == "missing":
        return f"{where} lacks the entry {place}: add it."
    message = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    message = message[:1].lower() + message[1:]
    if kind == "literal_error":
        valid = re.findall(r"'([^']*)'", str(error["ctx"]["expected"]))
        return f"{where} has an unknown word at {place}; known: {', '.join(filter(None, valid))}."
    return f"{where} is wrong{f' at {place}' if place else ''}: {' '.join(message.split())[:300]}."


def _advice(near: list[str], names: list[str]) -> str:
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names)}."


def _fields(record: type[BaseModel], path: tuple[str | int, ...]) -> Iterator[str]:
    """The entries that the record at a path may have."""
    for part in path:
        if isinstance(part, str) and part in record.model_fields:
            record = next(_records(record.model_fields[part].annotation), record)
    yield from record.model_fields


def _records(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _records(inner)
