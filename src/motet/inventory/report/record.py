"""The report as JSON: written whole or not at all, and read again however it was changed meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from motet.errors import UserError
from motet.inventory.report.figures import Report
from motet.inventory.report.words import shown

SCHEMA = "motet.inventory.report"
VERSION = 1
MOST_BYTES = 256 << 20
KEPT = 50  # reports remembered

_REPORT = TypeAdapter(Report)


def to_json(report: Report) -> str:
    """ASCII throughout: bytes of names that are not UTF-8 stand as lone surrogates, escaped."""
    return json.dumps({"schema": SCHEMA, "version": VERSION, **asdict(report)}, indent=1, allow_nan=False)


def of_json(text: str, name: str = "the report") -> Report:
    """The report of `to_json`. Raises UserError with one sentence."""
    try:
        told: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{name} is not JSON: name a report written by motet inventory report.") from None
    if not isinstance(told, dict) or told.pop("schema", None) != SCHEMA:
        raise UserError(f"{name} is not a report of an inventory: name one written by motet inventory report.")
    version = told.pop("version", None)
    if version != VERSION:
        raise UserError(
            f"{name} has schema version {shown(str(version), 40)}, this Motet reads {VERSION}: make a new report with this Motet."
        )
    try:
        return _REPORT.validate_python(told)
    except (ValidationError, RecursionError) as error:
        place = ".".join(str(step) for step in error.errors()[0]["loc"]) if isinstance(error, ValidationError) else "?"
        raise UserError(f"{name} has a wrong entry at {shown(place, 80)}: name a report that was not changed.") from None


def read(path: Path) -> Report:
    """Raises UserError."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): name a report written by motet inventory report.") from None
    if len(data) > MOST_BYTES:
        raise UserError(f"{path} is larger than a report can be: name one written by motet inventory report.")
    try:
        return of_json(data.decode("ascii"), str(path))
    except UnicodeDecodeError:
        raise UserError(f"{path} is not JSON: name a report written by motet inventory report.") from None


def write(path: Path, text: str) -> None:
    """Replace `path` by `text` in UTF-8, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("wb") as file:
            file.write(text.encode("utf-8", "replace"))
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def remember(report: Report, cache: Path) -> None:
    """Keep a report for the next one to be compared with; those of the same roots replace each other."""
    folder = cache / "reports"
    write(folder / f"{_key(report)}.json", to_json(report))
    kept = sorted(folder.glob("*.json"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    for old in kept[KEPT:]:
        old.unlink(missing_ok=True)


def last(report: Report, cache: Path) -> Report | None:
    """The report remembered before this one: of the same roots, else the newest that has a root in common, else none."""
    folder = cache / "reports"
    mine = {*report.roots, *(absent.root for absent in report.absent)}
    same = folder / f"{_key(report)}.json"
    others = sorted((p for p in folder.glob("*.json") if p != same), key=lambda p: p.stat().st_mtime_ns, reverse=True)
    for path in [same, *others]:
        if not path.exists():
            continue
        try:
            found = read(path)
        except UserError:
            continue  # of another Motet, or damaged: what is in the cache may be lost
        if mine & {*found.roots, *(absent.root for absent in found.absent)}:
            return found
    return None


def _key(report: Report) -> str:
    roots = sorted({*report.roots, *(absent.root for absent in report.absent)})
    return hashlib.sha256("\0".join(roots).encode("utf-8", "surrogateescape")).hexdigest()[:32]
