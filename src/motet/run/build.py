"""The build: each stage of a recipe on what is new to it, then one step that makes the result live."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from motet import __version__
from motet.dataset.durable import write_bytes
from motet.dataset.folder import FORMAT, RECIPE_FILE, kept_recipe, read_recipe_file
from motet.dataset.ledger import BLAMED, Ledger
from motet.dataset.lock import writer_lock
from motet.dataset.media import Media
from motet.dataset.query import batches, connect, damage_told, parquet
from motet.dataset.rows import Row
from motet.dataset.snapshot import VERDICT, Draft, Snapshot, StageState, digest
from motet.dataset.tables import column_names, digest_of, schema, stream, write_table
from motet.errors import UserError
from motet.recipe import Recipe, Step
from motet.run import keys
from motet.run.ahead import Ahead, Asking, Planned, Standing, Turn
from motet.run.assemble import PLAN, assemble_rows, assemble_whole, latest_answers, todo_sql
from motet.run.engine import LocalEngine
from motet.run.inputs import Live, Unit, keying, units
from motet.run.shelf import RESERVE_BYTES, Shelf
from motet.run.stage import Cost, Drop, Input, Stage, Tools, Verdict, versions
from motet.run.watch import Run, StageReport, Watch
from motet.run.worker import Item, Order, Outcome, Task, cache
from motet.wording import size

SLOWEST = 10
OWN = {"read_judgements"}  # sources in the dataset's own folder: read anew even where no source is looked for


class Engine(Protocol):
    """Answers tasks, in any order; see `LocalEngine`."""

    @property
    def workers(self) -> int: ...

    @property
    def stores(self) -> bool:
        """Whether it writes the parts of the ledger itself."""

    def run(self, tasks: Iterable[Task | None]) -> Generator[tuple[Order, Outcome]]: ...

    def close(self) -> None: ...


def build(
    recipe: Recipe,
    sources: Sequence[str | Path] | None,
    to: str | Path,
    *,
    workers: int | None = None,
    memory_mb: int | None = None,
    seed: int | None = None,
    retry: bool = False,
    rescan: bool = True,
    remove: Sequence[Mapping[str, str]] = (),
    engine: Engine | None = None,
    watch: Watch | None = None,
) -> Run:
    """Bring the dataset at `to` to what `recipe` makes of `sources`, doing only what was not done before.

    `sources` None takes those of the last run. `retry` asks blamed rows again. Raises UserError when it cannot finish;
    whatever was answered by then is kept.
    """
    folder = Path(to)
    own_engine = None
    pa.set_memory_pool(pa.system_memory_pool())  # it gives back what Arrow's own keeps: the driver's memory stays flat
    try:
        may_become(folder, sources)
        folder.mkdir(parents=True, exist_ok=True)
        with writer_lock(folder), damage_told(folder):
            made_by = open_recipe(folder, recipe)
            if engine is None:
                engine = own_engine = LocalEngine(workers, memory_mb)
            try:
                job = _Build(folder, recipe, made_by, sources, seed, retry, rescan, remove, engine, watch or Watch())
                return job.run()
            finally:
                if own_engine is not None:
                    own_engine.close()
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror or error}. Mend that and run again.", 1) from error


def may_become(folder: Path, sources: Sequence[str | Path] | None) -> None:
    """Raises UserError when the folder is no dataset and may not become one, or has nothing to be made of."""
    for source in sources or ():
        name, path = named(str(source))
        if name and not path:
            raise UserError(f"{name}= names no path: write {name}=PATH.")
        if not os.path.lexists(path):
            raise UserError(f"{path} does not exist: check the spelling, or name a folder, archive or file that does.")
    if (folder / RECIPE_FILE).exists():
        return
    if kept_recipe(folder):
        read_recipe_file(folder)
    begun = (".lock", f".{RECIPE_FILE}.")  # what a run that was killed in its first moment leaves
    if folder.exists() and (not folder.is_dir() or not all(p.name.startswith(begun) for p in folder.iterdir())):
        raise UserError(f"{folder} exists and is not a Motet dataset: choose an empty or new folder.")
    if not sources:
        raise UserError(f"{folder} is new, so it needs sources: add --from PATH.")


def named(source: str) -> tuple[str, str]:
    """What a source is called and where it lies: `films=PATH` has a name, a plain PATH has none."""
    name, equals, path = source.partition("=")
    return (name, path) if equals and name.isidentifier() and not os.path.lexists(source) else ("", source)


def open_recipe(folder: Path, recipe: Recipe) -> dict[str, Any]:
    """What the dataset's recipe file says, or, of a new one, will say. Raises UserError when it belongs to another recipe."""
    if not (folder / RECIPE_FILE).exists():
        return {"format": FORMAT, "motet": __version__, "recipe": recipe.name}
    made_by = read_recipe_file(folder)
    if made_by.get("recipe") != recipe.name:
        raise UserError(f"{folder} was made by the recipe {made_by.get('recipe')}, not {recipe.name}: choose another folder.")
    return made_by


def sources_of(folder: Path, recipe: Recipe, made_by: Mapping[str, Any], given: Sequence[str | Path] | None) -> list[str]:
    """What a run reads, by whole paths: what it was given, or else what the last one read. Raises UserError."""
    sources = [_absolute(str(source)) for source in given or made_by.get("sources", [])]
    if not sources:
        raise UserError(f"{folder} has no sources yet: add --from PATH.")
    known = [name for step in recipe.steps for name in step.settings.source_names]
    for name in sorted({named(source)[0] for source in sources} - {"", *known}):
        can = f"it takes {', '.join(f'{one}=PATH' for one in known)}" if known else "it takes plain paths"
        raise UserError(f"The recipe {recipe.name} knows no sources called {name}=…: {can}.")
    return sources


def _absolute(source: str) -> str:
    name, path = named(source)
    return f"{name}={Path(path).absolute()}" if name else str(Path(path).absolute())


def _changed(recorded: Mapping[str, Mapping[str, Any]], recipe: Recipe) -> Iterator[str]:
    """A sentence per setting that differs from the last run's: settings are not carried over, so one may be forgotten."""
    for name, settings in recipe.resolved().items():
        for setting, value in settings.items():
            before = recorded.get(name, {}).get(setting, value)
            if before != value:
                then, now = ('""' if one == "" else one for one in (before, value))
                yield f"{name}.{setting} was {then} in the last run and is {now} now."


class _Build:
    def __init__(
        self,
        folder: Path,
        recipe: Recipe,
        made_by: dict[str, Any],
        sources: Sequence[str | Path] | None,
        seed: int | None,
        retry: bool,
        rescan: bool,
        remove: Sequence[Mapping[str, str]],
        engine: Engine,
        watch: Watch,
    ) -> None:
        self.folder, self.recipe, self.engine, self.watch = folder, recipe, engine, watch
        self.retry, self.rescan = retry, rescan
        self.sources = sources_of(folder, recipe, made_by, sources)
        unfinished = "stages" not in made_by
        for gone in [] if unfinished else sorted(set(made_by.get("sources", [])) - set(self.sources)):
            watch.notes(f"{gone} is no longer among the sources: its rows leave the live dataset.")
        for change in _changed(made_by.get("stages", {}), recipe):
            watch.notes(change)
        self.seed = made_by.get("seed", 0) if seed is None else seed
        self.removed = [*made_by.get("removed", []), *(dict(r) for r in remove)]
        self.removed_contents = {r["sha256"] for r in self.removed}
        if remove or unfinished:  # first of all, so that a removal cut short is still one, and a first run keeps its sources
            begun = {**made_by, "sources": self.sources, "seed": self.seed, "removed": self.removed}
            text = yaml.safe_dump(begun, sort_keys=False, allow_unicode=True)
            write_bytes(folder / RECIPE_FILE, text.encode())
        self.scratch = folder / ".scratch"
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        for left in (folder / "cache").glob("*/tmp*"):  # where stages that were killed had been at work
            if not left.parent.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
        self.ledger = Ledger(folder)
        self.ledger.sweep()
        self.media = Media(folder)
        self.draft = Draft(folder)
        self.live: dict[str, Live] = {}
        self.final: dict[str, str] = {}
        self.rows: dict[str, int] = {}
        self.states: list[StageState] = []
        self.since = self.ledger.reserve(1)  # what has a greater number was answered in this run
        self.reports: dict[str, StageReport] = {}  # of stages that have answers, some of them before their turn
        self.shelves: dict[str, Shelf] = {}
        self.turns: dict[str, int] = {}  # stages of the stretch that is being answered
        self.asking: Asking | None = None

    def run(self) -> Run:
        began = time.monotonic()
        started = datetime.now(UTC)
        reports = []
        try:
            # First of all, so that a missing font is not noticed after hours.
            self.salts = {step.name: keys.salt(step.stage, step.settings, self.seed) for step in self.recipe.steps}
            for index, step in enumerate(self.recipe.steps):
                stage_began = time.monotonic()
                if step.stage.kind in ("source", "whole"):
                    self._end_stretch()
                if step.stage.kind == "source":
                    report = self._source(index, step)
                elif step.stage.kind == "whole":
                    report = self._whole(index, step)
                else:
                    report = self._rows(index, step)
                report.seconds = time.monotonic() - stage_began
                reports.append(report)
                self.watch.ends(report)
            snapshot = self._publish()
            before = self.draft.previous.number if self.draft.previous else 0
            changed = snapshot.number != before
            run = Run(snapshot, self._run_folder(started), reports, time.monotonic() - began, changed)
            self._log(run, started)
            return run
        finally:
            self._end_stretch()
            self.draft.discard()
            shutil.rmtree(self.scratch, ignore_errors=True)

    # -- the three kinds of stage ------------------------------------------------------------------------------------

    def _source(self, index: int, step: Step) -> StageReport:
        """Sources become rows. Its verdicts name every file that was looked at and left."""
        stage = step.stage
        assert stage.writes is not None
        self.watch.begins(stage.name, 0, 0)
        report = StageReport(step.name)
        row_schema = schema(stage.writes)
        found, skipped = self.scratch / "found.parquet", self.scratch / "skipped.parquet"
        rescan = self.rescan or step.name in OWN
        previous = self.draft.previous.stage(step.name) if self.draft.previous and not rescan else None

        def rows_and_lines() -> Iterator[tuple[dict[str, Any] | None, dict[str, Any]]]:
            verdicts = self._known_sources(previous, stage.writes) if previous else self._scan(step)
            for verdict in verdicts:
                drop, row = verdict.drop, next(iter(verdict.rows), None)
                if row is not None and self._is_removed(row):
                    drop, row = _removed(row), None
                line = {"id": verdict.id, "source": verdict.id, "path": verdict.path, "lineage": "", "key": ""}
                line |= {"status": "dropped" if drop else "ok"}
                line |= {"reason": drop.reason if drop else "", "detail": drop.detail if drop else ""}
                self.watch.advances(stage.name, line["status"])
                yield ({n: getattr(row, n) for n in row_schema.names} if row is not None else None), line

        _write_two(rows_and_lines(), found, row_schema, skipped, VERDICT)
        output, verdicts_file = _names(index, step.name, stage.writes)
        connection = connect(self.scratch)
        write_table(
            self.draft.folder / output,
            row_schema,
            batches(connection, f"SELECT * FROM {parquet([found])} ORDER BY id", row_schema),
        )
        write_table(
            self.draft.folder / verdicts_file,
            VERDICT,
            batches(connection, f"SELECT * FROM {parquet([skipped])} ORDER BY id, path", VERDICT),
        )
        self._close(report, stage, verdicts_file, {stage.writes.table: output}, fingerprint="")
        return report

    def _scan(self, step: Step) -> Iterator[Verdict[Any]]:
        stage = step.stage
        called = tuple((name, Path(path)) for name, path in map(named, self.sources))
        tools = Tools(keys.dice(stage.name, "", self.seed), self.media, cache(self.folder, stage.name), named=called)
        arguments: dict[str, Any] = {
            "sources": [path for _, path in called],
            "settings": step.settings,
            "tools": tools,
        }
        yield from stage.function(**arguments)

    def _known_sources(self, previous: StageState, row_type: type[Row] | None) -> Iterator[Verdict[Any]]:
        """The sources as the last run found them."""
        assert self.draft.previous is not None and row_type is not None
        rows = stream(self.draft.previous.folder / previous.outputs[row_type.table])
        by_id = {}
        for row in rows:
            by_id[row["id"]] = row_type(**row)
        for line in stream(self.draft.previous.folder / previous.verdicts):
            drop = Drop(line["reason"], line["detail"]) if line["status"] != "ok" else None
            known = by_id.get(line["id"])
            yield Verdict(line["id"], drop, () if known is None else (known,), line["path"])

    def _is_removed(self, row: Row) -> bool:
        return getattr(row, "sha256", None) in self.removed_contents

    def _rows(self, index: int, step: Step) -> StageReport:
        """A function of one row or group: plan the keys, answer what is new, and assemble what is live."""
        stage = step.stage
        salt = self.salts[step.name]
        # An optional input may be of a table that the recipe does not make.
        inputs = [self.live[p.row_type.table].digest if p.row_type.table in self.live else "" for p in stage.inputs]
        inputs += [d for _, d in self.live[stage.main.row_type.table].verdicts] if stage.kind == "group" else []
        fingerprint = keys.digest(salt, inputs)
        if report := self._unchanged(step, fingerprint):
            return report
        report = self.reports.setdefault(step.name, StageReport(step.name))
        plan = self.scratch / f"plan-{index}.parquet"
        write_table(plan, PLAN, self._plan(stage, keying(stage, step.settings, salt)))
        connection = connect(self.scratch)
        todo = self.scratch / f"todo-{index}.parquet"
        columns = pa.schema([("position", pa.int64())])
        answers = latest_answers(self.ledger, stage)
        count = write_table(todo, columns, batches(connection, todo_sql(answers, plan, self.retry, self.since), columns))
        planned = f"SELECT count(DISTINCT key) FROM {parquet([plan])} WHERE lacks = ''"
        ((keys_planned,),) = connection.sql(planned).fetchall()
        answered = keys_planned - count
        report.already = answered - report.done_now  # what was done before its turn was done now
        self.watch.begins(step.name, count, answered)
        if count:
            self._estimate(stage, step, todo)
            self._answer(index, plan, todo, count)
        report.slowest.sort(reverse=True)
        if report.done_now:
            self.ledger.compact(f"work/{stage.name}")
            if stage.writes is not None:
                self.ledger.compact(f"tables/{stage.writes.table}")
        output, verdicts_file = _names(index, step.name, stage.writes or stage.main.row_type)
        before = self.live[stage.main.row_type.table].file
        assemble_rows(connection, stage, self.ledger, plan, before, self.draft.folder / output, self.draft.folder / verdicts_file)
        table = (stage.writes or stage.main.row_type).table
        self._close(report, stage, verdicts_file, {table: output}, fingerprint)
        return report

    def _whole(self, index: int, step: Step) -> StageReport:
        """A function of all rows at once, in a worker of its own; its verdicts are made anew when any row changed."""
        stage = step.stage
        salt = self.salts[step.name]
        tables = {p.name: self.live.get(p.row_type.table) for p in stage.inputs}
        # What drops rows hands on whole ones, so all of each counts; else what the stage is shown.
        whole = {stage.main.name} if stage.filters else set()
        fingerprint = keys.digest(salt, [_seen(p, tables[p.name], p.name in whole) for p in stage.inputs])
        if report := self._unchanged(step, fingerprint):
            return report
        report = StageReport(step.name)
        self.watch.begins(step.name, 1, 0)
        said = self.scratch / f"said-{index}.parquet"
        files = {name: str(table.file) if table else "" for name, table in tables.items()}
        item = Item(0, "", "", "", {**files, "verdicts": str(said), "before": self._before(step)})
        order = self._order(step)
        for _, outcome in self.engine.run([(order, item)]):
            if outcome.status != "ok":
                raise UserError(f"{step.name} {outcome.status} over all rows: {outcome.detail}.", exit_code=1)
            report.done_now = 1
        output, verdicts_file = _names(index, step.name, stage.main.row_type)
        main = tables[stage.main.name]
        assert main is not None
        # A stage that knows but some columns takes rows out only where it is there for that: else the table goes on as it is.
        outputs = {} if _shown(stage.main, main) and not stage.filters else {stage.main.row_type.table: output}
        if stage.writes is not None:
            outputs[stage.writes.table], _ = _names(index, step.name, stage.writes)
        places = {name: self.draft.folder / file for name, file in outputs.items()}
        assemble_whole(connect(self.scratch), stage, main.file, said, places, self.draft.folder / verdicts_file)
        self._close(report, stage, verdicts_file, outputs, fingerprint)
        return report

    def _before(self, step: Step) -> str:
        """The file of what a stage wrote in the live snapshot; "" when there is none."""
        previous = self.draft.previous.stage(step.name) if self.draft.previous else None
        if previous is None or step.stage.writes is None or self.draft.previous is None:
            return ""
        return str(self.draft.previous.folder / previous.outputs[step.stage.writes.table])

    # -- steps of a row stage ----------------------------------------------------------------------------------------

    def _plan(self, stage: Stage, key: Callable[[Unit], str]) -> Iterator[pa.RecordBatch]:
        lines: list[dict[str, Any]] = []
        for position, unit in enumerate(units(stage, self.live)):
            lines.append(
                {
                    "position": position,
                    "id": unit.id,
                    "source": unit.source,
                    "path": unit.path,
                    "lineage": unit.lineage,
                    "key": key(unit),
                    "lacks": unit.lacks,
                }
            )
            if len(lines) >= 1024:
                yield pa.RecordBatch.from_pylist(lines, schema=PLAN)
                lines = []
        if lines:
            yield pa.RecordBatch.from_pylist(lines, schema=PLAN)

    def _units(self, stage: Stage, todo: Path, whole_rows: bool = False) -> Iterator[tuple[int, Unit]]:
        wanted = (row["position"] for row in stream(todo))
        following = next(wanted, None)
        for position, unit in enumerate(units(stage, self.live, whole_rows)):
            if following is None:
                return
            if position == following:
                yield position, unit
                following = next(wanted, None)

    def _estimate(self, stage: Stage, step: Step, todo: Path) -> None:
        """Say what the stage will take, and refuse to begin what the disk cannot hold."""
        if stage.cost is None:
            return
        total = Cost()
        for _, unit in self._units(stage, todo, whole_rows=True):
            cost = stage.cost(unit.rows[stage.main.name], step.settings)
            if cost is None:
                return
            total += cost
        free = shutil.disk_usage(self.folder).free
        minutes = total.seconds / max(1, self.engine.workers) / 60
        if total.media_bytes + RESERVE_BYTES > free:
            raise UserError(
                f"{step.name} needs about {size(total.media_bytes)} (an estimate) and {self.folder} has {size(free)} free: "
                "free some room, take a smaller --sample, or choose another disk.",
                exit_code=1,
            )
        if total.dollars:
            self.watch.notes(f"{step.name}: about ${total.dollars:.4f} from here (an estimate).")
        if minutes >= 1:
            self.watch.notes(f"{step.name}: about {minutes:.0f} min and {size(total.media_bytes)} from here (an estimate).")

    def _order(self, step: Step) -> Order:
        settings, timeout = step.settings.model_dump(mode="json"), step.settings.timeout or step.stage.timeout
        return Order(step.name, settings, self.seed, str(self.folder), self.engine.workers, timeout)

    def _answer(self, index: int, plan: Path, todo: Path, count: int) -> None:
        """Ask the engine what is to do for a stage, and ahead of its time what this lets the next ones do."""
        asking = self.asking = self.asking or self._stretch(index)
        number = self.turns[self.recipe.steps[index].name]
        turn = asking.ahead.turns[number]
        asking.ahead.begins(number, self._complete(plan, todo, asking.ahead.room(self.engine.workers)), self.live)

        def tasks() -> Iterator[Task]:
            for position, unit in self._units(turn.stage, todo):
                yield turn.order, Item(position, turn.key(unit), unit.path, unit.lineage, unit.rows, unit.missing)

        try:
            for order, outcome, path in asking.answers(turn.order.stage, tasks(), count):
                stage = asking.ahead.turns[self.turns[order.stage]].stage
                if order.stage not in self.shelves:
                    self.shelves[order.stage] = Shelf(self.ledger, stage, self.folder)
                self.shelves[order.stage].add(outcome)
                report = self.reports.setdefault(order.stage, StageReport(order.stage))
                report.done_now += 1
                report.media_bytes += outcome.media_bytes
                heapq.heappush(report.slowest, (outcome.seconds, path))
                if len(report.slowest) > SLOWEST:
                    heapq.heappop(report.slowest)
                if order.stage == turn.order.stage:
                    self.watch.advances(order.stage, outcome.status)
        finally:
            with contextlib.ExitStack() as flushing:
                for shelf in self.shelves.values():
                    flushing.callback(shelf.flush)

    def _stretch(self, index: int) -> Asking:
        """The row and group stages from here to the next of another kind, which one source can go through on its own."""
        steps = list(itertools.takewhile(lambda step: step.stage.kind in ("row", "group"), self.recipe.steps[index:]))
        self.turns = {step.name: number for number, step in enumerate(steps)}
        standing = Standing(self.ledger)
        turns = []
        for step in steps:
            order = replace(self._order(step), seq=self.ledger.reserve() if self.engine.stores else 0)
            turns.append(Turn(step.stage, order, keying(step.stage, step.settings, self.salts[step.name]), _costing(step)))
        return Asking(self.engine.run, Ahead(turns, standing, lambda: shutil.disk_usage(self.folder).free - RESERVE_BYTES))

    def _end_stretch(self) -> None:
        if self.asking is not None:
            self.asking.close()
        self.asking, self.turns, self.shelves = None, {}, {}

    def _complete(self, plan: Path, todo: Path, most: int) -> dict[str, list[Planned]]:
        """The plans of sources all of whose inputs are to do: the last ones, since no worker is idle before they are given."""
        lines, positions = parquet([plan]), parquet([todo])
        sql = (
            f"WITH open AS (SELECT p.key FROM {lines} p SEMI JOIN {positions} t USING (position)), "
            f"complete AS (SELECT p.source FROM {lines} p LEFT JOIN open o USING (key) GROUP BY p.source "
            "HAVING bool_and(p.lacks <> '' OR o.key IS NOT NULL) AND bool_or(p.lacks = '') "
            f"ORDER BY max(p.position) DESC LIMIT {most}) "
            f"SELECT p.source, p.id, p.path, p.lineage, p.key, p.lacks FROM {lines} p SEMI JOIN complete USING (source) "
            "ORDER BY p.position"
        )
        plans: dict[str, list[Planned]] = {}
        for source, *line in connect(self.scratch).sql(sql).fetchall():
            plans.setdefault(source, []).append(Planned(*line))
        return plans

    # -- snapshot and report -----------------------------------------------------------------------------------------

    def _unchanged(self, step: Step, fingerprint: str) -> StageReport | None:
        """The previous snapshot's output, when nothing this stage depends on has changed."""
        previous = self.draft.previous.stage(step.name) if self.draft.previous else None
        if previous is None or previous.fingerprint != fingerprint or previous.counts.get("unanswered"):
            return None
        if self.retry and any(previous.counts.get(status) for status in BLAMED):
            return None
        for name in previous.digests:
            self.draft.take_over(name)
        self.watch.begins(step.name, 0, sum(previous.counts.values()))
        report = StageReport(step.name, unchanged=True, already=sum(previous.counts.values()))
        self._close(report, step.stage, previous.verdicts, previous.outputs, fingerprint, previous)
        return report

    def _close(
        self,
        report: StageReport,
        stage: Stage,
        verdicts: str,
        outputs: dict[str, str],
        fingerprint: str,
        previous: StageState | None = None,
    ) -> None:
        """Record how the stage stands, and what later stages read."""
        folder = self.draft.folder
        digests = previous.digests if previous else {name: digest(folder / name) for name in [verdicts, *outputs.values()]}
        connection = connect(self.scratch)
        counted = connection.sql(
            f"SELECT status, reason, count(*) FROM {parquet([folder / verdicts])} GROUP BY ALL ORDER BY 3 DESC, 1, 2"
        ).fetchall()
        counts: Counter[str] = Counter()
        for status, _, n in counted:
            counts[status] += n
        report.inputs = sum(counts.values())
        report.statuses = dict(counts)
        report.reasons = [(status, reason, n) for status, reason, n in counted if status != "ok"]
        if counts["unanswered"]:
            unanswered = f"FROM {parquet([folder / verdicts])} WHERE status = 'unanswered'"
            ((detail,),) = connection.sql(f"SELECT mode(detail) {unanswered}").fetchall()
            self.watch.notes(f"{report.name}: {counts['unanswered']:,} unanswered, and asked again by the next build: {detail}")
        written = stage.writes.table if stage.writes else ""
        for table, name in outputs.items():
            shaped = [(folder / verdicts, digests[verdicts])]
            if table in self.live and table != written:
                shaped = [*self.live[table].verdicts, *shaped]
            self.live[table] = Live(folder / name, digests[name], tuple(shaped))
            self.final[table] = name
            self.rows[table] = pq.read_metadata(folder / name).num_rows
        main = written if written in outputs and stage.kind != "whole" else next(iter(outputs))
        report.rows_out = self.rows[main]
        self.states.append(StageState(report.name, fingerprint, verdicts, outputs, digests, dict(counts), report.rows_out))

    def _publish(self) -> Snapshot:
        """Make it live, unless it is to the last digest what is live already."""
        described = self._description()
        text = yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=120)
        previous = self.draft.previous
        same = previous is not None and [(s.name, s.digests) for s in previous.stages] == [
            (s.name, s.digests) for s in self.states
        ]
        if same and previous is not None and [s.fingerprint for s in previous.stages] == [s.fingerprint for s in self.states]:
            if (self.folder / RECIPE_FILE).read_text(encoding="utf-8") != text:
                write_bytes(self.folder / RECIPE_FILE, text.encode())
            return previous
        snapshot = self.draft.publish(self.recipe.name, self.states, self.final, self.rows, made_by=text)
        write_bytes(self.folder / RECIPE_FILE, text.encode())
        return snapshot

    def _description(self) -> dict[str, Any]:
        used = sorted({lib for step in self.recipe.steps for lib in step.stage.libraries})
        return {
            "format": FORMAT,
            "motet": __version__,
            "recipe": self.recipe.name,
            "sources": self.sources,
            "seed": self.seed,
            "removed": self.removed,
            "stages": self.recipe.resolved(),
            "contents": {
                step.name: dict(step.stage.contents(step.settings)) for step in self.recipe.steps if step.stage.contents
            },
            "libraries": versions(used),
        }

    def _run_folder(self, started: datetime) -> Path:
        name = started.strftime("%Y-%m-%dT%H-%M-%S")
        folder = self.folder / "runs" / name
        n = 1
        while folder.exists():
            n += 1
            folder = folder.with_name(f"{name}.{n}")
        folder.mkdir(parents=True)
        return folder

    def _log(self, run: Run, started: datetime) -> None:
        told = {
            "started": started.isoformat(timespec="seconds"),
            "seconds": round(run.seconds, 3),
            "motet": __version__,
            "recipe": self.recipe.name,
            "snapshot": run.snapshot.number,
            "seed": self.seed,
            "sources": self.sources,
            "stages": [asdict(s) for s in run.stages],
        }
        write_bytes(run.folder / "run.json", json.dumps(told, indent=1).encode())


def _costing(step: Step) -> Callable[[Unit], Cost | None]:
    stage, settings = step.stage, step.settings
    return lambda unit: stage.cost(unit.rows[stage.main.name], settings) if stage.cost else None


def _seen(parameter: Input, table: Live | None, whole: bool) -> str:
    """A digest of what a stage over all rows is shown of a table: of all of it, or of the columns that its row type has."""
    if table is None:
        return ""
    shown = [] if whole else _shown(parameter, table)
    return digest_of(table.file, shown) if shown else table.digest


def _shown(parameter: Input, table: Live) -> list[str]:
    """The columns that a stage over all rows is shown of a table, [] where it is all of them."""
    there = column_names(table.file)
    shown = [name for name in there if name in parameter.row_type.__dataclass_fields__]
    return shown if len(shown) < len(there) else []


def _removed(row: Row) -> Drop:
    return Drop("removed", f"{row.path} was taken out by `motet remove`")


def _names(index: int, stage: str, writes: type[Row]) -> tuple[str, str]:
    safe = stage.replace(":", ".")
    return f"stages/{index:02d}-{safe}.{writes.table}.parquet", f"work/{safe}.parquet"


def _write_two(
    pairs: Iterator[tuple[dict[str, Any] | None, dict[str, Any]]],
    first: Path,
    first_schema: pa.Schema,
    second: Path,
    second_schema: pa.Schema,
) -> None:
    """Stream pairs into two Parquet files."""
    rows: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    with pq.ParquetWriter(first, first_schema) as a, pq.ParquetWriter(second, second_schema) as b:

        def flush() -> None:
            a.write_table(pa.Table.from_pylist(rows, schema=first_schema))
            b.write_table(pa.Table.from_pylist(lines, schema=second_schema))
            rows.clear()
            lines.clear()

        for row, line in pairs:
            if row is not None:
                rows.append(row)
            lines.append(line)
            if len(lines) >= 4096:
                flush()
        flush()
