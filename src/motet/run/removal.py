"""Taking a source out of a dataset, and all that came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from motet.dataset import versions
from motet.dataset.durable import write_bytes
from motet.dataset.folder import read_recipe_file
from motet.dataset.keeping.cleaning import delete_media, forget_unused, unused_media
from motet.dataset.lock import writer_lock
from motet.dataset.query import connect, damage_told, parquet
from motet.dataset.snapshot import Snapshot, finished, read
from motet.dataset.tables import stream
from motet.errors import UserError
from motet.labels import FILE as LABELS
from motet.labels import Labels
from motet.recipe import Recipe, parse
from motet.run.build import Engine, build
from motet.run.watch import Run, Watch

LEFT_BEHIND = ("runs/*/.*.tmp", ".*.tmp", "snapshots/.live.*")  # by processes that were killed while writing
LINEAGE = 16  # characters of a SHA-256 that a lineage begins with
JOURNAL = ".removal.json"  # what has gone so far, for who finishes a removal that was cut short


@dataclass(frozen=True)
class Removal:
    """All that went. `rows` are those of the live tables, a row that took the place of another not counted off."""

    paths: list[str]
    rows: dict[str, int]  # table -> rows that are live no more
    tags: list[str]  # versions that held it, each with what it was
    media: list[str]  # references to the files deleted
    freed: int  # bytes of media
    pages: list[str]  # listening pages deleted
    run: Run


@dataclass
class _Journal:
    """What a removal has done, on disk before the next step is: cut short, its list is not lost."""

    folder: Path
    before: str = ""  # the snapshot that was live
    paths: list[str] = field(default_factory=list)
    rows: dict[str, int] | None = None
    tags: list[str] = field(default_factory=list)
    media: list[str] = field(default_factory=list)
    freed: int = 0
    pages: list[str] = field(default_factory=list)

    @classmethod
    def open(cls, folder: Path) -> _Journal:
        """The journal of a removal that was cut short, or a new one. It only tells: one that is damaged is begun anew."""
        new = cls(folder)
        try:
            stored = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
            kept = cls(folder, **stored)
        except (ValueError, TypeError, OSError):
            return new
        alike = all(type(value) is type(getattr(new, name)) for name, value in stored.items() if name != "rows")
        return kept if alike and isinstance(kept.rows, dict | None) else new

    def write(self) -> None:
        told = {name: value for name, value in asdict(self).items() if name != "folder"}
        write_bytes(self.folder / JOURNAL, json.dumps(told).encode())

    def close(self) -> None:
        (self.folder / JOURNAL).unlink(missing_ok=True)


def recorded_recipe(folder: Path) -> Recipe:
    """The recipe a dataset was last built by, with its settings, from motet.yaml."""
    stored = read_recipe_file(folder)
    stages = []
    for name, settings in stored.get("stages", {}).items():
        stages.append({name: {k: v for k, v in settings.items() if k != "version"}})
    if not stages:
        raise UserError(f"{folder} has no finished run yet: run its `motet build` again to the end.", exit_code=1)
    return parse({"name": stored["recipe"], "stages": stages}, str(folder))


def remove(
    folder: Path, what: str, *, workers: int | None = None, engine: Engine | None = None, watch: Watch | None = None
) -> Removal:
    """Take out the source file `what` (its path as the dataset shows it, a folder of such, its id or its SHA-256).

    Its content is remembered as removed, so no later build brings it back under any name. The dataset is rebuilt from the
    files it knew (a duplicate of other content may take its place), and whatever is not live then is deleted: answers,
    media, older snapshots and listening pages, and every tag that holds it. A source that only a tag holds can be removed too.
    A removal that was cut short is finished by the same command. What was exported or published before is not known here.
    Raises UserError when nothing matches.
    """
    removed_before = read_recipe_file(folder).get("removed", [])
    before = finished(folder)
    gone, begun = _matching(folder, before, what, removed_before)
    if not gone and not begun:
        raise UserError(f"{folder} has no source called {what!r}; `motet query {folder} 'SELECT path FROM files'` lists them.")
    journal = _Journal.open(folder)
    journal.paths = sorted({*journal.paths, *(row["path"] for row in [*gone, *begun])})
    known = {(row["path"], row["sha256"]) for row in removed_before}
    fresh = [row for row in gone if (row["path"], row["sha256"]) not in known]
    if not journal.before or fresh:
        journal.before, journal.rows = before.folder.name, None
    journal.write()
    _forget_judgements(folder, before, {row["sha256"] for row in [*gone, *begun]})
    run = build(recorded_recipe(folder), None, folder, workers=workers, rescan=False, remove=fresh, engine=engine, watch=watch)
    with writer_lock(folder), damage_told(folder):
        if journal.rows is None:
            journal.rows = _rows_gone(folder, journal.before, run.snapshot)
        contents = {row["sha256"] for row in read_recipe_file(folder).get("removed", [])}
        journal.tags += [_told(folder, name) for name in versions.holders(folder, contents)]
        journal.write()
        versions.delete_holders(folder, contents)  # and any that were made since
        forget_unused(folder)
        unused = unused_media(folder)
        counted = set(journal.media)
        journal.freed += sum((folder / name).stat().st_size for name in unused if name not in counted)
        journal.media = sorted({*journal.media, *unused})
        pages = [str(page.relative_to(folder)) for page in sorted(folder.glob("runs/*/report.html"))]
        journal.pages = sorted({*journal.pages, *pages})
        journal.write()
        delete_media(folder, unused)
        for page in pages:
            (folder / page).unlink(missing_ok=True)
        for left in LEFT_BEHIND:
            for path in folder.glob(left):
                path.unlink()
        journal.close()
    tags = list(dict.fromkeys(journal.tags))
    return Removal(journal.paths, journal.rows, tags, journal.media, journal.freed, journal.pages, run)


def _forget_judgements(folder: Path, before: Snapshot, contents: set[str]) -> None:
    """What people said of the examples of these contents goes with them: it names them."""
    roots = {sha256[:LINEAGE] for sha256 in contents}
    stamps = set()
    if "moments" in before.tables:
        stamps = {
            row["stamp"] for row in stream(before.table("moments")) if contents & {row["film_sha256"], row["recording_sha256"]}
        }
    Labels(folder / LABELS).forget(lambda stamp: stamp in stamps or stamp.partition(".")[0].partition("@")[0] in roots)


def _matching(
    folder: Path, before: Snapshot, what: str, removed: list[dict[str, str]]
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The sources that `what` means, with all of the same content, live or in a tag; and those removed already, or begun to."""
    wanted = what.rstrip("/")

    def matches(row: Mapping[str, Any]) -> bool:
        named = (row["sha256"], row["path"], row.get("id"), row.get("location"))
        return wanted in named or row["path"].startswith((wanted + "/", wanted + "!/"))

    found: dict[tuple[str, str], bool] = {}  # (path, SHA-256) -> whether it is meant
    for row in stream(before.table("files")):
        found[row["path"], row["sha256"]] = matches(row)
    for name in versions.names(folder):
        try:
            for row in versions.sources(read(versions.tagged(folder, name))):
                place = row["path"], row["sha256"]
                found[place] = found.get(place, False) or matches(row)
        except (UserError, ValueError, OSError):  # a damaged tag is deleted in any case: what it holds cannot be told
            continue
    contents = {sha256 for (_, sha256), meant in found.items() if meant}
    gone = [{"path": path, "sha256": sha256} for path, sha256 in found if sha256 in contents]
    return gone, [row for row in removed if matches(row)]


def _rows_gone(folder: Path, before: str, now: Snapshot) -> dict[str, int]:
    """Rows by table that are live no more; none where a build since has deleted what was live before."""
    try:
        old = read(folder / "snapshots" / before)
    except UserError:
        return {}
    counts = {}
    for table in old.tables:
        if not old.table(table).exists():
            continue
        rows = f"FROM {parquet([old.table(table)])} o"
        if table in now.tables:  # another row of the same id is another row: a survivor's, where ids follow content
            rows += f" ANTI JOIN {parquet([now.table(table)])} n USING (id, lineage)"
        ((counted,),) = connect().sql(f"SELECT count(*) {rows}").fetchall()
        if counted:
            counts[table] = counted
    return counts


def _told(folder: Path, name: str) -> str:
    """A tag and what it was, for the list."""
    try:
        tag = versions.describe(folder, name)
    except UserError:
        return f"{name} (damaged)"
    return f"{name} ({tag.recipe}, of {tag.when[:10]}, {', '.join(f'{rows:,} {table}' for table, rows in tag.tables.items())})"
