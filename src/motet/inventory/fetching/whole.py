"""A dataset got whole: every download of a plan fetched, checked, unpacked, and put in its place in one step."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from motet.errors import UserError
from motet.files.places import shown
from motet.inventory.fetching import space
from motet.inventory.fetching.exchange import Exchange, Refused
from motet.inventory.fetching.layouts import below, home, matches
from motet.inventory.fetching.pieces import Piece, pieces
from motet.inventory.fetching.places import Publishing, Record, held
from motet.inventory.fetching.planning import Plan, Way, bare, needed
from motet.inventory.fetching.transfer import Patience, Transfer
from motet.inventory.fetching.unpacking import BadContent, Limits, Unpacking, empty, folds_case, settle
from motet.inventory.fetching.watching import InTurn, Silent, Watch
from motet.inventory.known import Download
from motet.wording import count, several

T = TypeVar("T")


@dataclass(frozen=True)
class Fetched:
    """What a fetch brought."""

    dataset: str
    folder: Path
    files: Mapping[str, int]  # part -> files in the folder now
    downloads: tuple[str, ...]  # those done, in this run or an earlier one
    bytes: int  # that came over the network in this run
    resumed: int  # that an earlier run had left
    by_hand: tuple[Download, ...]  # what a person must still get
    notes: tuple[str, ...]
    seconds: float


@dataclass
class _Run:
    plan: Plan
    environment: Mapping[str, str]
    again: bool
    patience: Patience
    limits: Limits
    exchange: Exchange
    watch: InTurn
    workers: int
    turns: asyncio.Semaphore
    work: Path
    record: Record
    publishing: Publishing
    stop: Event = field(default_factory=Event)
    notes: list[str] = field(default_factory=list)
    bytes: int = 0
    resumed: int = 0


def fetch(
    plan: Plan,
    *,
    workers: int = 2,
    watch: Watch | None = None,
    again: bool = False,
    environment: Mapping[str, str] | None = None,
    patience: Patience | None = None,
    limits: Limits | None = None,
) -> Fetched:
    """Get what a plan says, `workers` files at a time.

    Killed at any time, it goes on where it was when the same plan is fetched again. `again` fetches parts that are there
    already, and lets new files replace old ones. Raises UserError with one sentence.
    """
    if workers < 1:
        raise UserError("At least one worker is needed to fetch.")
    if not plan.ways:
        steps = " ".join(step for download in plan.by_hand for step in (f"See {bare(download.url)}.", *download.steps))
        raise UserError(f"{plan.dataset.name} can only be got by hand: {steps}", exit_code=1)
    if plan.lacking:
        raise UserError(plan.lacking[0], exit_code=1)
    surroundings = os.environ if environment is None else environment
    telling = InTurn(watch or Silent())
    started = time.monotonic()
    try:
        with held(plan.to, plan.folder.name) as work:
            record = Record(work)
            publishing = Publishing(work, plan.folder, record)
            publishing.mend()
            todo = _todo(plan, record, again)
            run = _alone(
                _fetch(
                    plan,
                    todo,
                    workers,
                    telling,
                    again,
                    surroundings,
                    patience or Patience(),
                    limits or Limits(),
                    work,
                    record,
                    publishing,
                )
            )
            files = matches(plan.dataset, plan.folder)
            shutil.rmtree(work)
    except OSError as error:
        raise _told(error, plan) from None
    return Fetched(
        dataset=plan.dataset.name,
        folder=plan.folder,
        files=dict(files),
        downloads=tuple(way.name for way in plan.ways),
        bytes=run.bytes,
        resumed=run.resumed,
        by_hand=plan.by_hand,
        notes=tuple(run.notes),
        seconds=time.monotonic() - started,
    )


def _todo(plan: Plan, record: Record, again: bool) -> list[Way]:
    """The downloads that no earlier run has finished. Raises UserError where their parts are in the folder already."""
    there = matches(plan.dataset, plan.folder)
    done = {
        key
        for key, counts in record.done.items()
        if counts and all(isinstance(number, int) and there[part] >= number for part, number in counts.items())
    }
    record.done = {key: record.done[key] for key in done}
    todo = [way for way in plan.ways if _key(way) not in done]
    given = {part for way in plan.ways if way not in todo for part in way.gives}
    for part in plan.wanted:
        if there[part] and not again and part not in given and any(part in way.gives for way in todo):
            raise UserError(
                f"{plan.folder} already holds {several(there[part], 'file')} of the part {part}: "
                "add --again to fetch it anew, or name another folder with --to.",
                exit_code=1,
            )
    return todo


async def _fetch(
    plan: Plan,
    todo: list[Way],
    workers: int,
    watch: InTurn,
    again: bool,
    environment: Mapping[str, str],
    patience: Patience,
    limits: Limits,
    work: Path,
    record: Record,
    publishing: Publishing,
) -> _Run:
    exchange = Exchange(patience.quiet, workers)
    run = _Run(
        plan, environment, again, patience, limits, exchange, watch, workers, asyncio.Semaphore(workers), work, record, publishing
    )
    for folder in work.iterdir():
        if folder.is_dir():
            _clear(folder)
    there = _bytes_below(work)
    space.check(plan.folder, max(0, sum(needed(plan.dataset, way) for way in todo) - there), plan.dataset.name)
    try:
        # One that fails does not stop the others: what they bring stays.
        ends = await asyncio.gather(*(_way(run, way) for way in todo), return_exceptions=True)
    finally:
        run.stop.set()
        await exchange.close()
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return run


async def _way(run: _Run, way: Way) -> None:
    """One download: from the first of its sources that gives it whole."""
    dataset, here = run.plan.dataset, run.work / hashlib.sha256(_key(way).encode()).hexdigest()[:16]
    failed = []
    run.watch.begins(way.name, way.bytes)
    for source in way.sources:
        try:
            got = await _got(run, way, source, here)
            try:
                new, counts = await asyncio.to_thread(_made, run, way, source, here, got)
            except Refused:
                # Useless, and no checksum says that it is what was published: the next run asks for it anew.
                for piece, target in got:
                    if not piece.published.summed:
                        target.unlink(missing_ok=True)
                raise
        except Refused as problem:
            failed.append(str(problem))
            if source is not way.sources[-1]:
                _note(run, f"{way.name}: {problem}; the next mirror is tried.")
            continue
        run.publishing.publish(new, _key(way), counts, run.again)
        await asyncio.to_thread(shutil.rmtree, here)
        run.watch.ends(way.name)
        return
    others = "".join(f"; its next mirror: {why}" for why in failed[1:])
    first = way.sources[0]
    page = f"https://huggingface.co/datasets/{first.dataset}" if first.kind == "huggingface" else dataset.home
    raise UserError(
        f"{dataset.name} ({way.name}) was not fetched: {failed[0]}{others}; try again later, or look at {bare(page)}.",
        exit_code=1,
    )


async def _got(run: _Run, way: Way, source: Download, here: Path) -> list[tuple[Piece, Path]]:
    """All files of one source, each checked. Raises Refused."""
    found = await pieces(run.plan.dataset, source, run.environment, run.exchange, run.patience)
    total = sum(piece.published.bytes or 0 for piece in found)
    space.check(run.work, max(0, total - _bytes_below(here)), run.plan.dataset.name)
    got = [
        (piece, here / "got" / hashlib.sha256(f"{piece.source.name}\n{piece.path}".encode()).hexdigest()[:24]) for piece in found
    ]
    await _each(len(got), run.workers, run.turns, (_piece(run, way, piece, target, here) for piece, target in got))
    return got


async def _piece(run: _Run, way: Way, piece: Piece, target: Path, here: Path) -> None:
    advance = partial(run.watch.advances, way.name)
    if target.exists():
        # What an earlier run had got is checked again: it may have been damaged, or published anew.
        if not await asyncio.to_thread(piece.published.fault, target, run.stop):
            run.resumed += target.stat().st_size
            advance(target.stat().st_size)
            return
        target.unlink()
    transfer = Transfer(
        source=piece.source,
        target=target,
        folder=here / "parts",
        published=piece.published,
        unpack=piece.unpack,
        label=shown(piece.path.rpartition("/")[2]),
        exchange=run.exchange,
        patience=run.patience,
        stop=run.stop,
        advance=advance,
        note=partial(_note, run),
    )
    try:
        await transfer.run()
    finally:
        run.bytes += transfer.received
        run.resumed += transfer.resumed


async def _each(number: int, workers: int, turns: asyncio.Semaphore, works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do each piece of work, as many at a time as there are turns; the first that fails ends the others."""
    waiting = iter(works)

    async def worker() -> None:
        for work in waiting:
            async with turns:
                await work

    tasks = [asyncio.create_task(worker()) for _ in range(min(number, workers))]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for work in waiting:
            work.close()


def _made(run: _Run, way: Way, source: Download, here: Path, got: list[tuple[Piece, Path]]) -> tuple[Path, dict[str, int]]:
    """A folder as it will stand in the dataset's, and how many files of each part are in it. Leaves nothing where it fails."""
    try:
        return _unpacked(run, way, source, here, got)
    except BaseException:
        _clear(here)
        raise


def _clear(here: Path) -> None:
    for left in (here / "raw", here / "new"):
        if left.exists():
            shutil.rmtree(left)


def _unpacked(run: _Run, way: Way, source: Download, here: Path, got: list[tuple[Piece, Path]]) -> tuple[Path, dict[str, int]]:
    dataset, raw, new = run.plan.dataset, here / "raw", here / "new"
    empty(raw)
    empty(new)
    label = f"{way.name} (unpacking)"
    making = Unpacking(raw, run.stop, partial(run.watch.advances, label), run.limits, folds_case(here))
    if any(piece.unpack for piece, _ in got):
        run.watch.begins(label, None)
    for piece, file in got:
        name = shown(piece.path.rpartition("/")[2])
        if not piece.unpack:
            making.files.append(piece.path)
            target = raw / piece.path
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(file, target)
            continue
        try:
            making.unpack(file, name)
        except BadContent as problem:
            file.unlink()
            raise Refused(f"{name} from {piece.source.name} is not unpacked: {problem}") from None
    if any(piece.unpack for piece, _ in got):
        run.watch.ends(label)
    if making.cases:
        alike = f"{several(len(making.cases), 'name')} of {way.name} differ from another by case only"
        _note(run, f"{alike}, so they cannot all be copied to a disk that takes A for a: {shown(making.cases[0])}.")
    at = home(dataset, way.gives, making.files, source.into)
    if lost := [part for part in way.gives if part not in at.parts]:
        layout = dataset.part(lost[0]).files
        raise Refused(f"nothing that {got[0][0].source.name} sent is laid out as the part {lost[0]} should be ({layout})")
    for left_out in _arranged(raw, new, at.top, at.into):
        _note(
            run, f"{way.name}: {shown(left_out)} of the archive was left out: a file of its name lies in its folder {at.top} too."
        )
    counts = matches(dataset, new)
    for part in way.gives:
        expected = dataset.part(part).count
        if expected is not None and counts[part] != expected:
            _note(run, f"{way.name} gives {several(counts[part], 'file')} of {part} where {count(expected)} are published.")
    settle(new, len(making.files))
    return new, {part: counts[part] for part in way.gives}


def _arranged(raw: Path, new: Path, top: str, into: str) -> list[str]:
    """Move what lies in the folder `top` of `raw` to `into` below `new`, and what lies beside it too; what found no place."""
    target = new / into if into else new
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        target.rmdir()
    os.rename(raw / top if top else raw, target)
    left_out = []
    if top:
        for path in list(below(raw)):
            there = target / path
            try:
                there.parent.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError):
                left_out.append(path)
                continue
            if os.path.lexists(there):
                left_out.append(path)
            else:
                os.rename(raw / path, there)
    return left_out


def _link(file: Path, target: Path) -> None:
    try:
        os.link(file, target)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
            raise
        shutil.copyfile(file, target)


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _key(way: Way) -> str:
    """What a download is, without secrets: its name, its checksum, where it comes from."""
    return "\n".join([way.name, *(f"{s.kind} {bare(s.url)} {s.dataset} {s.sha256 or s.sha1 or s.md5}" for s in way.sources)])


def _note(run: _Run, sentence: str) -> None:
    run.notes.append(sentence)
    run.watch.notes(sentence)


def _alone(work: Coroutine[Any, Any, T]) -> T:
    """Run it in an event loop of its own, also where the caller has one, as notebooks do."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def _told(error: OSError, plan: Plan) -> UserError:
    if space.is_full(error):
        return space.full(error, plan.to, "what has come is kept", plan.dataset.name)
    where = shown(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else str(plan.to)
    return UserError(
        f"{where} cannot be written ({error.strerror or type(error).__name__}): mend it, or choose another folder with --to.", 1
    )
