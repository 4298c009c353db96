"""The child's side: announce a row, run the stage's function on it, report."""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from motet.dataset.fitting import fitting
from motet.dataset.media import Media, MediaDamaged
from motet.dataset.rows import Row, limited, locators, media_fields
from motet.errors import UserError
from motet.run.keys import dice
from motet.run.stage import Drop, Missing, Settings, Stage, Tools, Unanswered

SLOT = struct.Struct("=qqd")  # process id, row number in the batch, when it began (monotonic seconds)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
DETAIL = 500  # characters of a reason kept
STARVED = 77  # exit code of a worker that ran out of memory
EQUIPMENTS = 4  # what `setup` made of so many stages stays loaded; no more are asked for at a time


@dataclass(frozen=True)
class Order:
    """What a worker needs to know of a stage: everything but the rows."""

    stage: str
    settings: dict[str, Any]
    seed: int
    dataset: str
    workers: int = 1  # that a stage over all rows has for itself
    timeout: float = 60.0  # the limit of one row in seconds
    seq: int = 0  # first of the numbers of parts, for an engine that writes them itself


@dataclass(frozen=True)
class Item:
    """One input on its way to a worker. `rows` holds, per parameter, a row's values, a list of them, or None."""

    position: int
    key: str
    path: str
    lineage: str
    rows: dict[str, Any]
    missing: list[Missing] = field(default_factory=list)
    back: bool = False  # whether the build looks at the rows of its outcome, or is content with the parts


Task = tuple[Order, Item]


@dataclass(frozen=True)
class Outcome:
    """What became of one item. `halt` marks an obstacle that is not the row's: a full or read-only disk, or, with the reason
    `USER`, something that only the user can mend."""

    position: int
    key: str
    status: str
    reason: str = ""
    detail: str = ""
    seconds: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list)
    media_bytes: int = 0
    worker: int = 0
    attempts: int = 1
    halt: bool = False
    parts: tuple[tuple[str, str], ...] = ()  # where it is written already: (shelf, file name); () where nobody has yet


USER = "user"

_board: mmap.mmap | None = None


def start(board: str, memory_bytes: int, gpus: str = "") -> None:
    """Prepare a fresh worker: tie its life to the parent's, limit its memory, open the announcement board.

    `gpus` are the graphics cards it is to see, "" for all there are.
    """
    global _board
    _die_with_parent()
    if gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus
    # One core per worker: threads of linear algebra would fight for the others' cores, and change last bits with their number.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    if "numpy" in sys.modules:  # the user's own script, which a spawned process reads again, was quicker
        from threadpoolctl import threadpool_limits

        threadpool_limits(1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a native loop must die at the first knock
    _limit(memory_bytes)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Path(board).open("r+b") as file:
        _board = mmap.mmap(file.fileno(), 0)


def _limit(memory_bytes: int) -> None:
    if sys.platform == "linux":  # elsewhere the engine's own watch has to do
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        least = memory_bytes if most == resource.RLIM_INFINITY else min(memory_bytes, most)
        resource.setrlimit(resource.RLIMIT_DATA, (least, most))


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def announce(slot: int, row: int) -> None:
    assert _board is not None
    SLOT.pack_into(_board, slot * SLOT.size, os.getpid(), row, time.monotonic())


def do_batch(slot: int, order: Order, items: list[Item], memory_bytes: int) -> list[Outcome]:
    """Answer a batch; each row is announced before it is begun, so that if this process dies one row is suspect."""
    announce(slot, -1)
    _limit(memory_bytes)
    frozen = _frozen(order.settings)
    declared, settings, draws = _declared(order.stage, frozen)
    equipment = _equipment(order.stage, frozen) if declared.setup else None
    outcomes = []
    for n, item in enumerate(items):
        announce(slot, n)
        outcome = answer(declared, settings, equipment, draws, order, item)
        outcomes.append(outcome)
        if outcome.halt:
            break
    announce(slot, -1)
    return outcomes


def _frozen(settings: dict[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)


@lru_cache(maxsize=64)
def _declared(name: str, settings: str) -> tuple[Stage, Settings, bool]:
    from motet.recipe import find_stage

    declared = find_stage(name)
    chosen = declared.settings_type(**json.loads(settings))
    return declared, chosen, declared.draws_with(chosen)


@lru_cache(maxsize=EQUIPMENTS)
def _equipment(name: str, settings: str) -> Any:
    declared, chosen, _ = _declared(name, settings)
    assert declared.setup is not None
    return declared.setup(chosen)


def answer(declared: Stage, settings: Settings, equipment: Any, draws: bool, order: Order, item: Item) -> Outcome:
    """Run the stage's function on one item. Whatever it raises becomes part of the outcome."""
    media = Media(Path(order.dataset))
    began = time.perf_counter()
    rows: list[dict[str, Any]] = []
    halt = False
    try:
        status, reason, detail, rows = _made(declared, settings, equipment, draws, order, media, item)
    except UserError as error:
        # What only the user can mend, a refused key for one, is no row's fault, and would be every row's.
        status, reason, detail, halt = "failed", USER, str(error), True
    except MemoryError:
        os._exit(STARVED)  # a worker of its own for the next row, which would lack what this one left in memory
    except OSError as error:
        halt = error.errno in FULL
        status, reason, detail = "failed", *_blame(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this row's
        status, reason, detail = "failed", *_blame(error)
    return Outcome(
        position=item.position,
        key=item.key,
        status=status,
        reason=reason,
        detail=detail[:DETAIL],
        seconds=time.perf_counter() - began,
        rows=rows,
        media_bytes=media.written,
        worker=os.getpid(),
        halt=halt,
    )


def _made(
    declared: Stage, settings: Settings, equipment: Any, draws: bool, order: Order, media: Media, item: Item
) -> tuple[str, str, str, list[dict[str, Any]]]:
    """Status, reason, detail and rows, where the stage's function raises nothing that is wrong."""
    try:
        result = call(declared, settings, equipment, draws, order, media, item)
        if isinstance(result, Drop):
            return "dropped", result.reason, result.detail, []
        if declared.kind == "whole":
            from motet.run.whole import write_verdicts

            write_verdicts(Path(item.rows["verdicts"]), declared, result)
            return "ok", "", "", []
        return "ok", "", "", [fitting(row, declared.writes) for row in _rows(result)]
    except Unanswered as error:
        return "unanswered", "no_answer", str(error), [fitting(row, declared.writes) for row in _rows(error.for_now)]
    except (UserError, MemoryError):
        raise
    except Exception:
        if lost := _lost_media(declared, media, item):
            mend = f"`motet check --repair {order.dataset}` and another build make it anew"
            return "unanswered", "media_lost", f"{lost} is gone or damaged: {mend}", []
        raise


def _lost_media(declared: Stage, media: Media, item: Item) -> str:
    """What a row failed of that is not its own: the first of its media that is gone or not what its name says, "" for none."""
    for parameter in declared.inputs if declared.kind != "whole" else ():
        value = item.rows[parameter.name]
        for row in value if parameter.many else [value]:
            for name in media_fields(parameter.row_type) if row else ():
                if reference := row.get(name):
                    try:
                        media.read(reference)
                    except (MediaDamaged, OSError):
                        return str(reference)
    return ""


def call(declared: Stage, settings: Settings, equipment: Any, draws: bool, order: Order, media: Media, item: Item) -> Any:
    """The stage's function on rows that show only what the stage declared."""
    arguments: dict[str, Any] = {}
    for parameter in declared.inputs:
        if declared.kind == "whole":
            file = item.rows[parameter.name]
            arguments[parameter.name] = _Table(parameter.row_type, Path(file)) if file else None
            continue
        allowed = frozenset(declared.used(parameter)) | locators(parameter.row_type)
        value = item.rows[parameter.name]
        if value is None:
            arguments[parameter.name] = None
        elif parameter.many:
            arguments[parameter.name] = [limited(parameter.row_type, row, allowed) for row in value]
        else:
            arguments[parameter.name] = limited(parameter.row_type, value, allowed)
    if declared.settings_type is not Settings:
        arguments["settings"] = settings
    if declared.wants_tools:
        own = item.lineage if draws else ""
        random, song_random = (dice(declared.name, lineage, order.seed) for lineage in (own, own.partition(".")[0]))
        folder = cache(media.dataset, declared.name)
        arguments["tools"] = Tools(random, media, folder, equipment, item.missing, order.workers, song_random)
        if item.rows.get("before"):
            arguments["tools"].before = Path(item.rows["before"])
    return declared.function(**arguments)


@dataclass(frozen=True)
class _Table:
    """The rows of a table, read anew each time they are asked for; of them, what the row type has."""

    row_type: type[Row]
    file: Path

    def __iter__(self) -> Iterator[Row]:
        from motet.dataset.tables import column_names, stream  # Arrow is slow to load, and most workers never need it

        names = [name for name in column_names(self.file) if name in self.row_type.__dataclass_fields__]
        return (self.row_type(**row) for row in stream(self.file, names))


def cache(dataset: Path, stage: str) -> Path:
    """The folder in which a stage may keep what can be made again."""
    folder = dataset / "cache" / stage.rpartition(":")[2]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _rows(result: Row | Iterable[Row] | None) -> Iterator[Row]:
    if result is None:
        return
    if isinstance(result, Row):
        yield result
    else:
        yield from result


def _blame(error: Exception) -> tuple[str, str]:
    reason = getattr(error, "reason", None)
    if isinstance(reason, str):
        return reason, str(getattr(error, "detail", error))
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return type(error).__name__, f"{error}{where}"
