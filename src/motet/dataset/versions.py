"""Versions of a dataset: snapshots that were given a name, and stay while the live one moves on.

`snapshots/tags/<name>/` holds the files of a snapshot (hard links, so a tag costs no room until the live tables differ),
`recipe.yaml` with the motet.yaml of that moment, and `tag.json`. Its media stay where they are, and `motet clean` keeps them.

A tag is made under a hidden name and renamed, so it is there whole or not at all. A lock of their own orders those who make and
delete tags; a build may run meanwhile, since a snapshot never changes. A takedown deletes the tags that hold the source after
the live snapshot lost it, under the same lock: so no tag of the older snapshot can slip in behind it.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from motet.dataset.durable import sync_folder, write_bytes
from motet.dataset.snapshot import Snapshot, finished, link, live, read
from motet.dataset.tables import stream
from motet.errors import UserError

RECIPE = "recipe.yaml"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_TRIES = 3  # at a live snapshot that is replaced, twice, and swept away while it is being linked


@dataclass(frozen=True)
class Tag:
    """A version: `when` in ISO 8601, UTC; `motet` the version that built it; `number` of the snapshot it was."""

    name: str
    when: str
    recipe: str
    motet: str
    number: int
    tables: dict[str, int]  # -> rows


def split(name: str | Path) -> tuple[Path, str]:
    """The folder and the tag that `DIR@NAME` means; the tag is "" for a plain folder. A folder that exists goes first."""
    text = str(name)
    folder, at, tag = text.rpartition("@")
    if not at or not folder or "/" in tag or os.path.lexists(text):
        return Path(name), ""
    return Path(folder), tag


def tagged(dataset: Path, name: str) -> Path:
    """The folder of a tag; raises UserError when there is none of this name."""
    folder = _shelf(dataset) / name
    if not _NAME.fullmatch(name) or not (folder / "snapshot.json").is_file():
        known = ", ".join(names(dataset)) or "none"
        raise UserError(f"{dataset} has no tag {name!r}; its tags are: {known}.")
    return folder


def names(dataset: Path) -> list[str]:
    """The tags of a dataset, in order of their names."""
    shelf = _shelf(dataset)
    return sorted(p.name for p in shelf.iterdir() if not p.name.startswith(".")) if shelf.is_dir() else []


def describe(dataset: Path, name: str) -> Tag:
    """What a tag says of itself; raises UserError when there is none, or it is damaged."""
    folder = tagged(dataset, name)
    snapshot = read(folder)
    try:
        stored: dict[str, Any] = json.loads((folder / "tag.json").read_text(encoding="utf-8"))
        return Tag(name, str(stored["when"]), snapshot.recipe, str(stored["motet"]), snapshot.number, snapshot.tables)
    except (ValueError, LookupError, TypeError, OSError) as error:
        sentence = f"The tag {name} of {dataset} is damaged: `motet tag {dataset} {name} --delete` takes it away."
        raise UserError(sentence, exit_code=1) from error


def create(dataset: Path, name: str) -> tuple[Tag, bool]:
    """Keep the live snapshot under `name`; returns the tag, and whether it is new (not when the same is called so already).

    Raises UserError for a name that is none or is taken by another snapshot, for a dataset without a finished run, and for
    one whose live tables hold what was to be removed.
    """
    from motet.dataset.folder import read_recipe_file

    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} is no name for a tag: take up to 100 letters, digits, dots, dashes and _, such as v1.0.")
    read_recipe_file(dataset)
    with _lock(dataset):
        _sweep(dataset)
        target = _shelf(dataset) / name
        for tries in range(1, _TRIES + 1):
            snapshot = finished(dataset)
            if target.exists():
                if _contents(read(target)) == _contents(snapshot):
                    return describe(dataset, name), False
                raise UserError(
                    f"{dataset} has a tag {name} of another state: take another name, or delete it with "
                    f"`motet tag {dataset} {name} --delete`."
                )
            removed = {one["sha256"] for one in read_recipe_file(dataset).get("removed", [])}
            if _holds(snapshot, removed):
                raise UserError(f"A removal from {dataset} was cut short: give its `motet remove` again, then tag.", exit_code=1)
            try:
                _link_all(dataset, snapshot, target)
                break
            except FileNotFoundError as error:
                now = live(dataset)
                if tries == _TRIES or now is None or now.number == snapshot.number:
                    lost = error.filename or "a file"
                    raise UserError(f"{lost} of the live snapshot is gone: `motet check {dataset}` tells more.", 1) from None
    return describe(dataset, name), True


def delete(dataset: Path, name: str) -> None:
    """Forget a tag, damaged or not. Its media go with the next `motet clean`, unless others need them."""
    with _lock(dataset):
        _sweep(dataset)
        if name not in names(dataset):
            tagged(dataset, name)
        _delete(_shelf(dataset) / name)


def holders(dataset: Path, contents: Collection[str]) -> list[str]:
    """The tags that hold a source of one of these contents (SHA-256), and those of which that cannot be told."""
    found = []
    for name in names(dataset):
        try:
            held = _holds(read(_shelf(dataset) / name), contents)
        except (UserError, ValueError, OSError):  # ValueError: Arrow's, of a damaged file
            held = True
        if held:
            found.append(name)
    return found


def delete_holders(dataset: Path, contents: Collection[str]) -> list[str]:
    """Delete every tag that holds a source of one of these contents, and what was left of unfinished tags; returns which.

    Called when the live snapshot no longer has it.
    """
    if not _shelf(dataset).is_dir():
        return []
    with _lock(dataset):
        _sweep(dataset)
        found = holders(dataset, contents)
        for name in found:
            _delete(_shelf(dataset) / name)
    return found


def sources(snapshot: Snapshot) -> Iterator[dict[str, Any]]:
    """The rows of `files`, as every stage of a snapshot left them: a file that a filter dropped stands there too."""
    for state in snapshot.stages:
        if "files" in state.outputs:
            yield from stream(snapshot.folder / state.outputs["files"])


def _holds(snapshot: Snapshot, contents: Collection[str]) -> bool:
    return bool(contents) and any(row["sha256"] in contents for row in sources(snapshot))


def _contents(snapshot: Snapshot) -> list[tuple[str, str, dict[str, str]]]:
    return [(state.name, state.fingerprint, state.digests) for state in snapshot.stages]


def _link_all(dataset: Path, snapshot: Snapshot, target: Path) -> None:
    """Make the tag `target` of a snapshot, in one step. Raises FileNotFoundError when the snapshot is swept away meanwhile."""
    from motet.dataset.folder import RECIPE_FILE, recipe_of

    draft = target.with_name(f".{target.name}.draft")
    try:
        draft.mkdir()
        listed = {f"{table}.parquet" for table in snapshot.tables}
        for state in snapshot.stages:
            listed |= state.digests.keys()
        for name in sorted(listed):
            (draft / name).parent.mkdir(exist_ok=True)
            link(snapshot.folder / name, draft / name)
        own = snapshot.folder / RECIPE
        recipe = own if own.is_file() else dataset / RECIPE_FILE
        write_bytes(draft / RECIPE, recipe.read_bytes())
        when = datetime.now(UTC).isoformat(timespec="seconds")
        told = {"name": target.name, "when": when, "motet": str(recipe_of(draft / RECIPE).get("motet", ""))}
        write_bytes(draft / "tag.json", json.dumps(told, indent=1).encode())
        write_bytes(draft / "snapshot.json", (snapshot.folder / "snapshot.json").read_bytes())
        for folder in {(draft / name).parent for name in listed}:
            sync_folder(folder)
        draft.rename(target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _delete(folder: Path) -> None:
    """In one step for readers: renamed, then deleted."""
    gone = folder.with_name(f".{folder.name}.gone")
    folder.rename(gone)
    sync_folder(folder.parent)
    _rub_out(gone)


def _sweep(dataset: Path) -> None:
    """Delete what was left by who was killed while making or deleting a tag."""
    for left in _shelf(dataset).glob(".*"):
        if left.suffix in (".draft", ".gone"):
            _rub_out(left)


def _rub_out(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _shelf(dataset: Path) -> Path:
    return dataset / "snapshots" / "tags"


@contextmanager
def _lock(dataset: Path) -> Iterator[None]:
    """Wait for one's turn to change the tags. The kernel drops the lock with its process."""
    _shelf(dataset).mkdir(parents=True, exist_ok=True)
    fd = os.open(_shelf(dataset) / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
