"""The explorer as plain files: for any host that hands out files, and for a browser that opens them from the disk.

A page that is opened from the disk may load scripts and media, and nothing else: so what it would ask a server for lies in small
scripts, each of which hands over one answer. Stems are in such scripts too, since a page decodes them itself.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from motet import __version__
from motet.errors import UserError
from motet.explorer.browse import asked_of
from motet.explorer.cuts import NotThere
from motet.explorer.shown import Shown, json_of
from motet.export.publishing import blaming, in_order
from motet.wording import count, several

if TYPE_CHECKING:
    from motet.dataset.folder import Dataset

__all__ = ["MARKER", "Written", "write"]

MARKER = "motet-explorer.json"  # in every finished site: what it is of
ROOM = 256 << 20  # bytes of cuts that are kept while they are copied
PLAYED = ("mix", "video", "film-sound", "midi")
AHEAD = 4  # examples that are worked on at one time
LONGEST = 80  # characters of a file's name
Watch = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """A finished site: how many examples it has, and rows that did not make it; its files and their bytes."""

    examples: int
    left_out: int
    files: int
    bytes: int
    remarks: tuple[str, ...]


def write(dataset: Dataset, out: Path, *, most: int = 200, stems: bool = False, watch: Watch = lambda _, __: None) -> Written:
    """Write a page with at most `most` examples, drawn so that every source has its turn, and as many rows that did not make it.

    `out` is new, empty, or holds an earlier such page, which is replaced when the new one is whole. `watch` is told how many
    rows are done, and of how many. Raises UserError where it cannot be written, or the dataset not be read.
    """
    out = Path(os.path.realpath(out))
    _check(out, dataset)
    with _aside(out) as folder:
        new, scratch = folder / "new", folder / "cuts"
        with blaming(out):
            for made in (
                *([new / "data" / "stems"] if stems else []),
                scratch,
                new / "site",
                new / "data" / "one",
                new / "media",
            ):
                made.mkdir(parents=True)
        shown = Shown(dataset, scratch=scratch, room=ROOM, form="mp3")
        try:
            examples, remarks = _Site(shown, new, stems).write(most, watch)
        finally:
            shown.close()
        files = [path for path in new.rglob("*") if path.is_file()]
        done = Written(*examples, len(files), sum(path.stat().st_size for path in files), remarks)
        with blaming(out):
            _put(new, out, folder / "old")
    return done


class _Site:
    """A page being written into a folder."""

    def __init__(self, shown: Shown, folder: Path, stems: bool) -> None:
        self.shown, self.folder, self.stems = shown, folder, stems
        self.ats: dict[str, str] = {}  # id -> what its files are called
        self.missing = 0

    def write(self, most: int, watch: Watch) -> tuple[tuple[int, int], tuple[str, ...]]:
        """How many rows there are that were kept, and that were not; and what is to be said of it."""
        about = self.shown.about()
        with self.shown.reading() as index:
            rows = index.everything(most)
            every = index.count(asked_of([("state", "kept")]))
        self.ats = names(row["id"] for row in rows)
        shown = []
        watch(0, len(rows))
        for number, row in enumerate(in_order(rows, self._one, AHEAD), 1):
            shown.append(row)
            watch(number, len(rows))
        kept = sum(row["state"] == "kept" for row in rows)
        note = about["note"] or _note((kept, len(rows) - kept), (every, about["total"] - every))
        of_files = {"static": True, "judging": False, "by": "", "compare": [], "stems": self.stems}
        self._give("about", {**about, **of_files, "total": len(rows), "note": note})
        self._give("rows", {"rows": shown})
        self._give("overview", self.shown.overview())
        self._page({"of": about["title"], "examples": kept, "left_out": len(rows) - kept})
        remarks = [note] if note else []
        if self.missing:
            remarks.append(f"{several(self.missing, 'media file')} could not be had: the page says which.")
        return (kept, len(rows) - kept), tuple(remarks)

    def _one(self, row: dict[str, Any]) -> dict[str, Any]:
        """Write all that belongs to a row; returns it as the list shows it."""
        id, at = row["id"], self.ats[row["id"]]
        one = self.shown.one(id)
        row["judged"] = one["judged"]
        gone: list[str] = []
        files: dict[str, str] = {}
        mimes: dict[str, str] = {}
        downloads = []
        for download in one["downloads"]:
            what = download["what"]
            if what in PLAYED and (found := self._copy(id, what, at, gone)):
                files[what], mimes[what], name = found
                downloads.append({**download, "filename": name, "mime": mimes[what]})
        mixed = self.stems and self._stems(id, at, [stem["index"] for stem in one["stems"]], gone)
        self.missing += len(gone)
        for name in ("sound", "video"):
            what = one[name] and one[name]["what"]
            one[name] = {**one[name], "mime": mimes[what]} if what in files else None
        has = [what for what in row["has"] if what in (*files, "captions") or (what == "stems" and mixed)]
        label = one["label"] and {**one["label"], "by": ""}  # who judged is not for everyone
        told = {"has": has, "files": files, "at": at, "downloads": downloads, "judgeable": False, "label": label}
        here = {"others": [other for other in one["others"] if other["id"] in self.ats]}
        here["duplicates"] = [{**two, "open": two["open"] if two["open"] in self.ats else None} for two in one["duplicates"]]
        missing = [*one["missing"], *(sentence for sentence in gone if sentence not in one["missing"])]
        self._give(f"one/{at}", {**one, **told, **here, "missing": missing}, f"one/{id}")
        folder = row["path"].partition("/")
        del row["lineage"]
        return {**row, "has": has, "files": files, "at": at, "source": folder[0] if folder[1] else ""}

    def _copy(self, id: str, what: str, at: str, gone: list[str]) -> tuple[str, str, str] | None:
        """Bring a file to its place; returns its name there, its type, and what a person would call it."""
        try:
            cut, file = self.shown.opened(id, what)
        except NotThere as error:
            gone.append(str(error))
            return None
        name = f"{what}{PurePosixPath(cut.path).suffix}"
        with file, blaming(self.folder):
            target = self.folder / "media" / at / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as copy:
                shutil.copyfileobj(file, copy, 1 << 20)
        return name, cut.mime, cut.filename

    def _stems(self, id: str, at: str, indices: Iterable[int], gone: list[str]) -> bool:
        """Write the sound of an example's stems; says whether there are any."""
        sounds: dict[str, str] = {}
        for index in indices:
            try:
                _, file = self.shown.opened(id, f"stem-{index}")
            except NotThere as error:
                gone.append(str(error))
                continue
            with file:
                sounds[str(index)] = base64.b64encode(file.read()).decode()
        if sounds:
            self._give(f"stems/{at}", sounds)
        return bool(sounds)

    def _give(self, name: str, told: Any, called: str = "") -> None:
        """Write an answer as a script. "<" is escaped: so nothing in it is taken for a tag, wherever the text ends up."""
        text = f"motet.give({json_of(called or name)}, {json_of(told)});\n".replace("<", "\\u003c")
        with blaming(self.folder):
            (self.folder / "data" / f"{name}.js").write_text(text, encoding="ascii")

    def _page(self, of: dict[str, Any]) -> None:
        site = resources.files("motet.explorer") / "site"
        with blaming(self.folder):
            for file in site.iterdir():
                if file.is_file() and file.name != "index.html":
                    (self.folder / "site" / file.name).write_bytes(file.read_bytes())
            page = (site / "index.html").read_text(encoding="utf-8")
            (self.folder / "index.html").write_text(page.replace("<html", "<html data-static", 1), encoding="utf-8")
            told = {"motet": "explorer", "version": __version__, **of, "files": sorted(_files(self.folder))}
            (self.folder / MARKER).write_text(json.dumps(told, indent=1), encoding="ascii")


def names(ids: Iterable[str]) -> dict[str, str]:
    """For each id a file name that any disk, host and address takes, each another, whatever a disk thinks of case."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for id in ids:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", id)[:LONGEST].strip(".")
        if not name or name != id or name.casefold() in taken:
            name = f"{name[:LONGEST]}-{hashlib.blake2b(id.encode(errors='surrogatepass'), digest_size=8).hexdigest()}".lstrip("-")
        taken.add(name.casefold())
        found[id] = name
    return found


def _note(shown: tuple[int, int], of: tuple[int, int]) -> str:
    """What part of a dataset a page shows; "" for all of it."""
    if shown == of:
        return ""
    kept, rest = (f"{count(part)} of {count(whole)}" for part, whole in zip(shown, of, strict=True))
    return f"This page shows {kept} examples, and {rest} inputs that did not make it."


# --- the folder --------------------------------------------------------------------------------------------------------


def _check(out: Path, dataset: Dataset) -> None:
    """Raises UserError for a folder that is not ours to write."""
    inside = Path(os.path.realpath(dataset.folder))
    if out == inside or inside in out.parents:
        raise UserError(f"{out} lies in the dataset itself: name a folder elsewhere.")
    if not os.path.lexists(out):
        return
    try:
        found = set(os.listdir(out))
    except NotADirectoryError:
        raise UserError(f"{out} is a file: name a folder.") from None
    except OSError as error:
        raise UserError(f"{out} cannot be read ({error.strerror}): name another folder.") from None
    if not found:
        return
    try:
        ours = set(json.loads((out / MARKER).read_text(encoding="ascii"))["files"]) | {MARKER}
    except (OSError, ValueError, KeyError, TypeError):
        raise UserError(f"{out} holds other files: name a new or empty folder.") from None
    if others := sorted(_files(out) - ours):
        raise UserError(f"{out} holds files that are not of the page ({others[0]!r}): take them elsewhere first.")


def _files(folder: Path) -> set[str]:
    """All that is not a folder below one, by its path there."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()}


@contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """An empty hidden folder beside `out`, gone at the end; what a killed writer left is cleared. Raises UserError."""
    folder = out.with_name(f".{out.name}.explore.tmp")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UserError(f"{out} cannot be written ({error.strerror}): name a folder that you may write to.") from None
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{out} is being written by another process: wait for it, or name another folder.") from None
        old = folder / "old"
        if old.is_dir() and not os.path.lexists(out):  # killed between two renames
            old.rename(out)
        for left in folder.iterdir():
            shutil.rmtree(left)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(opened)


def _put(new: Path, out: Path, old: Path) -> None:
    """Give a finished folder its name; what had that name goes."""
    if out.exists():
        out.rename(old)
    try:
        new.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
