"""What a dataset is as a whole: how much, how good, what was left out and why, and how it was made.

What is in it, by tempo, key or instrument, is told by `motet.explorer.browse`, so that it obeys the page's filters.
"""

from __future__ import annotations

import json
import shlex
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb

from motet.dataset.folder import Dataset
from motet.dataset.ledger import BLAMED
from motet.dataset.query import connect, damage_told, parquet, quoted
from motet.dataset.snapshot import Snapshot, live, read
from motet.dataset.versions import describe, tagged
from motet.errors import UserError
from motet.explorer.page import Figure
from motet.wording import count

KEPT = 8  # answers
MOST_RUNS = 50  # of which are told, the latest
MOST_REASONS = 200
MOST_LICENCES = 12
VARIETY_OF = 1_000  # clips by whose captions variety is measured here
BALANCE_OF = 20_000


_told: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()
_turn = threading.Lock()


def overview(dataset: Dataset) -> dict[str, Any]:
    """The shape of api/overview. Without a finished run it tells the recipe and the runs, and has no figures.

    A figure that cannot be counted, of a damaged table for one, is told as a sentence in its place. What was counted once of a
    snapshot is kept, so do not change the answer.
    """
    snapshot = snapshot_of(dataset)
    runs = runs_until(dataset, snapshot) if dataset.tag and snapshot else runs_of(dataset)
    key = (state_of(dataset, snapshot), tuple(run["name"] for run in runs))
    with _turn:
        if key not in _told:
            _told[key] = _overview(dataset, snapshot, runs)
        _told.move_to_end(key)
        while len(_told) > KEPT:
            _told.popitem(last=False)
        return _told[key]


def state_of(dataset: Dataset, snapshot: Snapshot | None) -> tuple[Any, ...]:
    """What is another whenever the tables are."""
    if snapshot is None:
        return (str(dataset.folder.absolute()), dataset.tag)
    stat = (snapshot.folder / "snapshot.json").stat()
    return (str(snapshot.folder.absolute()), snapshot.number, stat.st_ino, stat.st_mtime_ns)


def _overview(dataset: Dataset, snapshot: Snapshot | None, runs: list[dict[str, Any]]) -> dict[str, Any]:
    tables = dict(snapshot.tables) if snapshot else {}
    abouts = _abouts(dataset)
    with damage_told(dataset.folder):
        asked = _Held(dataset, snapshot) if snapshot else dataset
    return {
        "title": title_of(dataset),
        "recipe": str(dataset.made_by["recipe"]),
        "about": recipe_about(str(dataset.made_by["recipe"])),
        "made_at": made_at(dataset, snapshot, runs),
        "command": _command(dataset),
        "totals": _totals(asked, tables),
        "figures": _figures(asked, tables) if snapshot else [],
        "drawings": [],
        "stages": [stage(state, abouts, runs) for state in snapshot.stages] if snapshot else [],
        "drops": _drops(asked) if snapshot else [],
        "runs": [_run(run) for run in runs[:MOST_RUNS]],
    }


class _Held(Dataset):
    """The same dataset by one snapshot and one connection: thirty questions would open each table thirty times."""

    def __init__(self, dataset: Dataset, snapshot: Snapshot) -> None:
        self.folder, self.tag, self.made_by, self.media = dataset.folder, dataset.tag, dataset.made_by, dataset.media
        self._snapshot = snapshot
        self._connection = connect()
        self._connection.execute("SET threads=2")
        lines = [
            f"SELECT {quoted(one.name)} AS stage, * FROM {parquet([snapshot.folder / one.verdicts])}" for one in snapshot.stages
        ]
        views = {"work": " UNION ALL ".join(lines)}
        views |= {table: f"SELECT * FROM {parquet([snapshot.table(table)])}" for table in snapshot.tables}
        for name, sql in views.items():
            self._connection.execute(f'CREATE VIEW "{name}" AS {sql}')

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    def query(self, sql: str, scratch: Path | None = None, memory: str = "") -> duckdb.DuckDBPyRelation:
        return self._connection.sql(sql)


def title_of(dataset: Dataset) -> str:
    """What the dataset is called: its folder's name, with the tag if it is one's."""
    folder = dataset.folder.absolute()
    name = folder.parent.name if folder.name == "dataset" else folder.name
    return f"{name}@{dataset.tag}" if dataset.tag else name


def snapshot_of(dataset: Dataset) -> Snapshot | None:
    """The snapshot that is shown; None before the first run has finished."""
    return read(tagged(dataset.folder, dataset.tag)) if dataset.tag else live(dataset.folder)


def runs_of(dataset: Dataset) -> list[dict[str, Any]]:
    """What every run of the dataset wrote down of itself, the latest first, with its `name`; one that cannot be read says so
    under `trouble`."""
    found = []
    for file in sorted((dataset.folder / "runs").glob("*/run.json"), reverse=True):
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            if not isinstance(told, dict) or not isinstance(told.get("stages"), list):
                raise ValueError("it is no record of a run")
            found.append({**told, "name": file.parent.name})
        except (OSError, ValueError) as error:
            found.append({"name": file.parent.name, "stages": [], "trouble": f"run.json cannot be read: {error}."})
    return found


def runs_until(dataset: Dataset, snapshot: Snapshot) -> list[dict[str, Any]]:
    """The runs that led to a snapshot, the latest first."""
    return [run for run in runs_of(dataset) if isinstance(run.get("snapshot"), int) and run["snapshot"] <= snapshot.number]


def made_at(dataset: Dataset, snapshot: Snapshot | None, runs: list[dict[str, Any]]) -> str:
    """When what is shown was made, ISO 8601: the begin of the run that made it, else of the tag; "" where nothing tells."""
    by_run = (str(run.get("started", "")) for run in reversed(runs) if snapshot and run.get("snapshot") == snapshot.number)
    return next(by_run, "") or (describe(dataset.folder, dataset.tag).when if dataset.tag else "")


def totals(dataset: Dataset) -> list[dict[str, Any]]:
    """How much there is, in rows and hours: label, value, unit (count | seconds | bytes)."""
    snapshot = snapshot_of(dataset)
    return _totals(dataset, dict(snapshot.tables)) if snapshot else []


def _totals(dataset: Dataset, tables: Mapping[str, int]) -> list[dict[str, Any]]:
    from motet.report import totals as counted

    with damage_told(dataset.folder):
        return [{"label": one.label, "value": one.value, "unit": one.unit} for one in counted(dataset, dict(tables))]


# --- how good it is ----------------------------------------------------------------------------------------------------


def _figures(dataset: Dataset, tables: dict[str, int]) -> list[dict[str, Any]]:
    from motet import report

    asked: list[tuple[str, Callable[[], list[Figure]]]] = [
        ("How true the captions are", lambda: report.caption_figures(dataset, tables, VARIETY_OF)),
        (
            "How true sound and picture are",
            lambda: [*report.sound_figures(dataset, tables), *report.sync_figures(dataset, tables)],
        ),
        ("Songs in films", lambda: report.moment_figures(dataset, tables)),
        ("What there is to train on", lambda: report.training_figures(dataset, tables)),
        ("What the recipe aims at", lambda: report.balance_figures(dataset, tables, BALANCE_OF)),
        ("Train, validation and test", lambda: report.split_figures(dataset, tables)),
        ("What it may be used for", lambda: _licences(dataset, tables)),
    ]
    told = []
    for title, ask in asked:
        try:
            with damage_told(dataset.folder):
                rows = ask()
        except UserError as error:
            rows = [Figure("cannot be counted", "", str(error))]
        except (ValueError, LookupError, TypeError, ArithmeticError) as error:  # of values that no build of ours writes
            sentence = f"The tables hold something that cannot be ({error}): `motet check {dataset.name}` tells more."
            rows = [Figure("cannot be counted", "", sentence)]
        if rows:
            told.append({"title": title, "rows": [row._asdict() for row in rows]})
    return told


def _licences(dataset: Dataset, tables: Mapping[str, int]) -> list[Figure]:
    """What holds for the whole, and each licence of its parts with the rows it is in. No example is read: parts are counted
    where they are written down."""
    from motet.export.example import Licence
    from motet.export.licences import rule_of, strictest

    rows = [row for sql in _parts_sql(tables) for row in dataset.query(sql).fetchall()]
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for what, name, told, unit, number in rows:
        counted[what, name or "", told or "", unit] += number
    if not counted:
        return []
    parts = {key: Licence(key[0], key[1], key[2]) for key in counted}
    combined = strictest(parts.values())
    said = "; ".join(combined.terms) or "nothing is asked of who uses it"
    if combined.unknown:
        said = f"the licence of some parts is not known, and those allow nothing; {said}"
    found = [Figure("commercial use", {True: "yes", False: "no", None: "unknown"}[combined.commercial], said)]
    for key, number in counted.most_common(MOST_LICENCES):
        what, name, _, unit = key
        found.append(Figure(f"{what} {name}".strip(), rule_of(parts[key]).name, f"of {count(number)} {unit}"))
    return found


def _parts_sql(tables: Mapping[str, int]) -> Iterator[str]:
    """Queries of what examples are made of: what, its name, the licence as told, what is counted, and how many."""
    main = next((table for table in ("clips", "plans", "songs") if table in tables), "")
    if "movies" in tables and main == "clips":
        for what in ("film", "recording", "midi"):
            yield f"SELECT '{what}', '', {what}_licence, 'clips', count(*) FROM clips GROUP BY ALL"
    elif "licences" in tables and main:
        yield (
            "SELECT 'source', '', licence, 'files', count(*) FROM licences "
            f"WHERE source IN (SELECT source FROM {main}) GROUP BY ALL"
        )
    if "mixes" in tables:
        yield (
            "SELECT 'sound', name, licence, 'mixes', count(*) FROM (SELECT DISTINCT id, unnest(sounds) AS name, "
            "unnest(licences) AS licence FROM mixes) GROUP BY ALL"
        )
    if "separated" in tables:
        yield (
            "SELECT 'separator', coalesce(nullif(model, ''), method), model_licence, 'songs', count(*) FROM separated "
            "WHERE method NOT IN ('', 'none') GROUP BY ALL"
        )
    if "knowledge" in tables:
        yield (
            "SELECT 'tags', name, '', 'songs', count(*) FROM (SELECT DISTINCT id, unnest(flatten(tag_sources)) AS name "
            "FROM knowledge) WHERE name <> '' GROUP BY ALL"
        )
    if {"clips", "chunks"} <= tables.keys():
        yield (
            "SELECT 'tags', name, '', 'clips', count(*) FROM (SELECT DISTINCT id, unnest(tag_sources) AS name FROM clips) "
            "WHERE name <> '' GROUP BY ALL"
        )
    if "films" in tables:
        yield "SELECT 'video model', model, model_licence, 'films', count(*) FROM films WHERE model <> '' GROUP BY ALL"
    if "captions" in tables:
        yield (
            "SELECT 'captions', name, '', 'clips', count(*) FROM (SELECT DISTINCT id, unnest(models) AS name FROM captions) "
            "WHERE name <> '' GROUP BY ALL"
        )


# --- what was left out ---------------------------------------------------------------------------------------------------


def _drops(dataset: Dataset) -> list[dict[str, Any]]:
    """By stage, status and reason, the commonest first. `meaning` is "" for a reason that says enough by its name."""
    from motet.exporting.carding import MEANINGS

    with damage_told(dataset.folder):
        rows = dataset.query(
            "SELECT stage, status, reason, count(*) FROM work WHERE status <> 'ok' GROUP BY ALL "
            f"ORDER BY 4 DESC, stage, status, reason LIMIT {MOST_REASONS}"
        ).fetchall()
    return [
        {"stage": stage, "status": status, "reason": reason or "", "meaning": MEANINGS.get(reason or "", ""), "count": number}
        for stage, status, reason, number in rows
    ]


# --- how it was made -----------------------------------------------------------------------------------------------------


def stage(state: Any, abouts: Mapping[str, str], runs: list[dict[str, Any]]) -> dict[str, Any]:
    """A stage as it stands now; seconds and bytes are of the last run in which it had something to do, None where none tells."""
    entries = [entry for run in runs for entry in run["stages"] if isinstance(entry, dict) and entry.get("name") == state.name]
    worked = next((entry for entry in entries if not entry.get("unchanged")), None) or (entries[-1] if entries else {})
    return {
        "name": state.name,
        "about": abouts.get(state.name, ""),
        **by_status(state.counts),
        "out": state.rows_out,
        "seconds": worked.get("seconds"),
        "media_bytes": worked.get("media_bytes"),
    }


def by_status(counts: Mapping[str, int]) -> dict[str, int]:
    """A stage's inputs by what became of them; what crashed or ran out of time has failed."""
    return {
        "in": sum(counts.values()),
        "ok": counts.get("ok", 0),
        "dropped": counts.get("dropped", 0),
        "failed": sum(counts.get(status, 0) for status in BLAMED),
        "unanswered": counts.get("unanswered", 0),
    }


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run as it told itself. `stages` are those that had something to do."""
    worked = [entry for entry in run["stages"] if isinstance(entry, dict) and not entry.get("unchanged")]
    return {
        "name": run["name"],
        "started": str(run.get("started", "")),
        "seconds": run.get("seconds"),
        "snapshot": run.get("snapshot"),
        "stages": [
            {"name": str(entry.get("name", "")), "seconds": entry.get("seconds"), "done": entry.get("done_now", 0)}
            for entry in worked
        ],
        "trouble": run.get("trouble", ""),
    }


def _abouts(dataset: Dataset) -> dict[str, str]:
    """The first line of each stage's own documentation; {} for a recipe with a stage that this machine has not."""
    from motet.exporting.carding import stage_lines

    try:
        return {line.name: line.about for line in stage_lines(dataset)}
    except (UserError, ImportError):
        return {}


def recipe_about(name: str) -> str:
    """What a ready recipe is about; "" for one of the user's own."""
    from motet.recipe import ready

    return ready().get(name, "")


def _command(dataset: Dataset) -> str:
    """The command that makes it again from the same sources, which are told by their names, not by their places."""
    from motet.run.build import named

    made_by = dataset.made_by
    recipe = str(made_by["recipe"])
    sources = []
    for source in made_by.get("sources", []):
        kind, path = named(source)
        sources.append(shlex.quote(f"{kind}={Path(path).name}" if kind else Path(path).name))
    words = ["motet build", shlex.quote(recipe), "--from", *(sources or ["SOURCES"]), "--to again"]
    words += [f"--seed {int(made_by['seed'])}"] if made_by.get("seed") else []
    words += [f"--set {shlex.quote(one)}" for one in _set(recipe, made_by.get("stages", {}))]
    return " ".join(words)


def _set(recipe: str, stages: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The settings that are unlike those of the recipe as it comes, as `--set` takes them."""
    from motet.recipe import load, ready

    if recipe not in ready():
        return
    try:
        usual = load(recipe).resolved()
    except (UserError, ImportError):
        return
    for stage, settings in stages.items():
        for name, value in settings.items():
            if name != "version" and name in usual.get(stage, {}) and value != usual[stage][name]:
                if isinstance(value, str) and value.startswith(("/", "~")):
                    value = Path(value).name  # as with sources: others may read this
                yield f"{stage}.{name}={value if isinstance(value, str) and value.isalnum() else json.dumps(value)}"
