"""A trial: a sample of the sources goes through the real stages, in a dataset beside the real one that is gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from motet import __version__
from motet.dataset.durable import write_bytes
from motet.dataset.folder import FORMAT, RECIPE_FILE
from motet.dataset.ledger import Ledger, answered
from motet.dataset.lock import writer_lock
from motet.dataset.media import Media
from motet.dataset.query import connect, parquet
from motet.dataset.rows import Row, media_fields
from motet.dataset.snapshot import Snapshot, link
from motet.dataset.tables import media_columns, stream
from motet.errors import UserError
from motet.forecasting.drawing import Drawn, Found, Frame, Stratum, walked
from motet.recipe import Recipe, Step
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.watch import Run
from motet.run.worker import Item, Order, Outcome, Task

PREFIX = ".motet-dry-run-"
# A dry run asks nobody: what stands in where a stage would ask a service.
STAND_INS: dict[str, tuple[Any, Any]] = {
    "offline": (False, True),
    "writer": ("llm", "grammar"),
    "renderer": ("deforum", "painter"),
}


@dataclass
class Share:
    """What one source came to in one stage. Seconds, bytes and dollars are those of rows that were not answered before."""

    inputs: int = 0
    rows: int = 0
    answered: int = 0
    seconds: float = 0.0
    media_bytes: float = 0.0
    dollars: float = 0.0
    kept: int = 0  # inputs that were not lost
    lost: Counter[str] = field(default_factory=Counter)  # reason -> inputs


@dataclass
class StageTrial:
    """What a trial saw of a stage."""

    step: Step
    shares: dict[str, Share] = field(default_factory=lambda: defaultdict(Share))  # by source
    seconds: list[float] = field(default_factory=list)  # of each row that was timed, those of the real dataset too
    warming: float = 0.0  # seconds that a worker's first row took beyond the others
    line_bytes: float = 0.0  # of its tables, for an input
    fixed: float = 0.0  # seconds that a stage over all rows or sources took
    unpriced: bool = False
    asks: str = ""  # what a real run would ask, and the trial did not


@dataclass
class Trial:
    found: Found
    strata: list[Stratum] = field(default_factory=list)
    stages: list[StageTrial] = field(default_factory=list)
    peak_memory: int = 0  # bytes, of one worker with its children
    seconds: float = 0.0

    @property
    def drawn(self) -> int:
        return sum(len(stratum.drawn) for stratum in self.strata)


@contextlib.contextmanager
def aside(to: Path) -> Iterator[Path]:
    """A folder on the disk of `to` that is gone afterwards; those of runs that were killed go first. Raises UserError."""
    place = to.absolute().parent
    while not place.is_dir():
        place = place.parent
    for old in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(UserError, OSError), writer_lock(old):
            shutil.rmtree(old, ignore_errors=True)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    except OSError as error:
        raise UserError(f"{place} cannot be written ({error.strerror}), and a dry run tries its sample there.", 1) from error
    try:
        with writer_lock(folder):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def try_out(
    recipe: Recipe,
    sources: Sequence[str],
    to: Path,
    *,
    snapshot: Snapshot | None,
    made_by: Mapping[str, Any],
    files: int,
    budget: float,
    workers: int | None,
    memory_mb: int | None,
    seed: int,
    retry: bool,
    each: Callable[[int], None] = lambda drawn: None,
) -> Trial:
    """Walk the sources, draw about `files` of them by size, and build those in rounds until `budget` seconds are over.

    Nothing at `to` is changed. `each` is told how many files a round takes. Raises UserError as a build would.
    """
    with aside(to) as folder:
        pa.set_memory_pool(pa.system_memory_pool())
        found = walked(recipe.steps[0], sources, to, folder, made_by, seed)
        frame = Frame(folder, recipe.steps[0], snapshot, files, seed)
        found.fresh, found.gone = frame.fresh, frame.gone
        trial = Trial(found)
        if not found.files:
            return trial
        data = folder / "data"
        _begun_from(recipe, to, data)
        with LocalEngine(workers, memory_mb) as engine:
            gauge = Gauge(engine, recipe, to, data)
            began, drawn = time.monotonic(), 0
            for depth in frame.depths():
                ids = frame.drawn(depth)
                taken = time.monotonic() - began
                if drawn and taken * len(ids) / drawn > budget:
                    break
                drawn = len(ids)
                each(drawn)
                trial.strata = frame.strata(depth)
                small = _small(recipe, frame.rows(ids), drawn)
                with gauge.watched():
                    run = build(small, sources, data, seed=seed, retry=retry, engine=gauge)
            trial.seconds, trial.peak_memory = time.monotonic() - began, gauge.peak
            trial.stages = list(seen(recipe, run, data, gauge))
        return trial


def _small(recipe: Recipe, rows: tuple[Row, ...], drawn: int) -> Recipe:
    """The recipe on the sample. A stage that takes so many songs takes them all, unless it takes fewer than were drawn."""
    from motet.stages.sample import Sample

    steps: list[Step] = [Drawn(recipe.steps[0].name, recipe.steps[0].settings, rows)]
    for step in recipe.steps[1:]:
        settings = step.settings
        if isinstance(settings, Sample) and settings.songs >= drawn:
            settings = settings.model_copy(update={"songs": 0})
        steps.append(Step(step.name, settings))
    return replace(recipe, steps=tuple(steps))


def _begun_from(recipe: Recipe, to: Path, data: Path) -> None:
    """A dataset that knows what the real one was answered. Parts are never changed, so a second name for each is enough."""
    from motet.labels import FILE

    data.mkdir()
    for name in ("commits.json", FILE):
        if (to / name).is_file():
            shutil.copyfile(to / name, data / name)
    for part in (*to.glob("work/*/*.parquet"), *to.glob("tables/*/*.parquet")):
        target = data / part.relative_to(to)
        target.parent.mkdir(parents=True, exist_ok=True)
        link(part, target)
    ledger = Ledger(data)
    if not all(part.exists() for shelf in ledger.shelves() for part in ledger.parts(shelf)):
        raise UserError(f"{to} was written while it was read: wait until that run has ended.", exit_code=1)
    made_by = {"format": FORMAT, "motet": __version__, "recipe": recipe.name}
    write_bytes(data / RECIPE_FILE, yaml.safe_dump(made_by).encode())


class Gauge:
    """The local engine, with a look at all that passes: what it cost, and what it needs of the real dataset's media."""

    def __init__(self, engine: LocalEngine, recipe: Recipe, to: Path, data: Path) -> None:
        self._engine, self._to, self._data = engine, Media(to), Media(data)
        self.workers = engine.workers
        self._steps = {step.name: step for step in recipe.steps}
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        self.dollars: dict[tuple[str, str], float] = {}
        self.unpriced: set[str] = set()
        self.peak = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        """The engine is closed by whoever opened it."""

    def run(self, tasks: Iterable[Task | None]) -> Generator[tuple[Order, Outcome]]:
        orders: dict[int, Order] = {}  # by identity: the engine makes batches of one order
        real: dict[int, Order] = {}

        def passed() -> Iterator[Task | None]:
            for task in tasks:
                if task is None:
                    yield None
                    continue
                order, item = task
                if id(order) not in orders:
                    shown = self._offline(order)
                    orders[id(order)], real[id(shown)] = shown, order
                self._fetch(order, item)
                yield orders[id(order)], item

        with contextlib.closing(self._engine.run(passed())) as answers:
            for order, outcome in answers:
                self.outcomes[order.stage, outcome.key] = outcome
                yield real[id(order)], outcome

    def _offline(self, order: Order) -> Order:
        settings = dict(order.settings)
        for name, value in stand_ins(self._steps[order.stage]).items():
            settings[name] = value
        return replace(order, settings=settings)

    def _fetch(self, order: Order, item: Item) -> None:
        """Give the media that an item names a name in the trial too, and note its dollars."""
        step = self._steps[order.stage]
        stage = step.stage
        for parameter in stage.inputs:
            value = item.rows.get(parameter.name)
            if stage.kind == "whole":
                file = Path(value or os.devnull)
                columns = media_columns(file) if value else []
                for row in stream(file, columns) if columns else ():
                    self._link(row.values())
                continue
            names = media_fields(parameter.row_type)
            for row in value if isinstance(value, list) else [value] if value else []:
                self._link(row.get(name) for name in names)
        if stage.cost is not None:
            try:
                cost = stage.cost(item.rows[stage.main.name], step.settings)
            except KeyError:  # it looks at a field that the stage itself does not use, and a task does not hold
                self.unpriced.add(order.stage)
                return
            self.dollars[order.stage, item.key] = cost.dollars if cost else 0.0

    def _link(self, names: Iterable[Any]) -> None:
        for name in names:
            for one in name if isinstance(name, list) else [name]:
                if not one:
                    continue
                here, there = self._data.path(one), self._to.path(one)
                if not here.exists() and there.exists():
                    here.parent.mkdir(parents=True, exist_ok=True)
                    link(there, here)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Look at the workers' memory now and then."""
        done = threading.Event()

        def look() -> None:
            own = psutil.Process(os.getpid())
            while not done.wait(0.2):
                with contextlib.suppress(psutil.Error):
                    for child in own.children():
                        with contextlib.suppress(psutil.Error):
                            family = [child, *child.children(recursive=True)]
                            self.peak = max(self.peak, sum(one.memory_info().rss for one in family))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def stand_ins(step: Step) -> dict[str, Any]:
    """Settings with which a stage asks no service, where its own would."""
    return {name: instead for name, (asking, instead) in STAND_INS.items() if getattr(step.settings, name, instead) == asking}


def _asked(step: Step) -> str:
    """Whom a stage would ask, "" for nobody."""
    if "ask" in type(step.settings).model_fields and not getattr(step.settings, "ask"):  # noqa: B009
        return ""
    return {"offline": "services", "writer": "a language model", "renderer": "Deforum's servers"}.get(
        next(iter(stand_ins(step)), ""), ""
    )


def seen(recipe: Recipe, run: Run, data: Path, gauge: Gauge) -> Iterator[StageTrial]:
    """Stage by stage, what became of every source of the sample."""
    db = connect(data)
    for step, state, report in zip(recipe.steps, run.snapshot.stages, run.stages, strict=True):
        told = StageTrial(step, asks=_asked(step), fixed=report.seconds if step.stage.kind in ("source", "whole") else 0.0)
        folder, stage = run.snapshot.folder, step.stage
        told.unpriced = step.name in gauge.unpriced and bool(told.asks)
        known: dict[str, float] = {}
        if stage.kind in ("row", "group") and (answers := answered(Ledger(data), stage.name)):
            sql = f"SELECT key, seconds FROM {answers} SEMI JOIN {parquet([folder / state.verdicts])} USING (key)"
            known = dict(db.sql(sql).fetchall())
        table = (stage.writes or stage.main.row_type).table
        output = folder / state.outputs[table] if table in state.outputs else None
        counted = output if not stage.filters else None
        for row in stream(counted, ["source"]) if counted else ():
            told.shares[row["source"]].rows += 1
        charged: set[str] = set()
        fresh: list[tuple[Share, Outcome]] = []
        for line in stream(folder / state.verdicts):
            share = told.shares[line["source"]]
            share.inputs += 1
            if line["status"] == "ok":
                share.kept += 1
            else:
                share.lost[line["reason"] or line["status"]] += 1
            key = line["key"]
            outcome = gauge.outcomes.get((stage.name, key)) or gauge.outcomes.get((step.name, key))
            if not key or key in charged:
                continue
            charged.add(key)
            if outcome is not None:
                fresh.append((share, outcome))
                share.media_bytes += outcome.media_bytes
                share.dollars += gauge.dollars.get((step.name, key), 0.0)
            elif line["status"] != "unanswered" and not line["reason"].startswith("no_"):
                share.answered += 1
                told.seconds += [known[key]] if key in known else []
        if stage.filters:
            for share in told.shares.values():
                share.rows = share.kept
        _timed(told, fresh)
        files = [folder / state.verdicts, *([output] if output else [])]
        told.line_bytes = sum(_compressed(file) for file in files) / max(1, sum(one.inputs for one in told.shares.values()))
        yield told


def _timed(told: StageTrial, fresh: list[tuple[Share, Outcome]]) -> None:
    """Seconds of rows. A worker's first row also loads libraries, which it does once a night and not once a row."""
    met: set[int] = set()
    first: list[tuple[Share, float]] = []
    others: list[tuple[Share, float]] = []
    for share, outcome in fresh:
        (others if outcome.worker in met else first).append((share, outcome.seconds))
        met.add(outcome.worker)
    usual = sorted(seconds for _, seconds in others)
    for share, seconds in others:
        share.seconds += seconds
        told.seconds.append(seconds)
    for share, seconds in first:
        likely = min(seconds, usual[len(usual) // 2]) if len(usual) >= 3 else seconds
        told.warming = max(told.warming, seconds - likely)
        share.seconds += likely
        told.seconds.append(likely)


def _compressed(file: Path) -> int:
    """Bytes of a table's columns, without what every file has once."""
    told = pq.read_metadata(file)
    groups = (told.row_group(n) for n in range(told.num_row_groups))
    return sum(group.column(n).total_compressed_size for group in groups for n in range(group.num_columns))
