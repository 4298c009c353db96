"""Many films by several Deforum servers at once: each batch sent once, followed to its end, and found again after a crash."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from motet.errors import UserError
from motet.video.deforum.attempts import Course, Failed
from motet.video.deforum.client import Address, Direct, Silent
from motet.video.deforum.jobs import Change, Job, Outcome, Rendered
from motet.video.deforum.journal import RUNNING, Journal, Record
from motet.video.deforum.leases import Leases, Patience, Stopped
from motet.video.deforum.result import check
from motet.video.errors import VideoError

__all__ = ["Farm"]

_LOSSES = 10  # restarts of servers that one job outlives


class Farm:
    """Deforum servers, and a folder that remembers what each was given.

    `poll` is the time between two looks at a batch, `stalled_after` the longest without any progress, `patience` the longest
    that a server with a batch, or all servers, may be silent, `seconds` the longest an answer may take, all in seconds. A job
    is given to a server up to `tries` times, not counting those that a restart lost. `outputs` maps folders as servers name
    them onto the same folders here; without it, they are the same. With `again`, jobs that ended without a film before are
    tried anew.

    A context manager, for any number of threads; any number of processes, also on several machines, may share the journal.
    """

    def __init__(
        self,
        servers: Sequence[str],
        journal: Path,
        *,
        poll: float = 2.0,
        stalled_after: float = 900.0,
        tries: int = 3,
        outputs: Mapping[str, Path] | None = None,
        patience: float = 600.0,
        seconds: float = 30.0,
        again: bool = False,
    ) -> None:
        if not (poll > 0 and stalled_after > 0 and patience > 0 and seconds > 0 and tries >= 1):
            raise UserError("A farm's times are above 0 seconds, and it tries at least once.")
        self._patience = Patience(poll, stalled_after, patience, seconds)
        self._tries = tries
        self._again = again
        self._outputs = dict(outputs or {})
        self._journal = Journal(journal)
        addresses = [Address.read(url) for url in servers]
        if not addresses:
            raise UserError("There is no server: name at least one, as http://127.0.0.1:7860.")
        self._wire = Direct(addresses)
        self._leases = Leases(addresses, self._journal, self._wire, self._patience)
        self._stop = threading.Event()
        self._runs: dict[threading.Event, list[threading.Thread]] = {}
        self._telling = threading.Lock()

    def __enter__(self) -> Farm:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop following batches, which run on, and close all connections."""
        self._stop.set()
        for stop, threads in list(self._runs.items()):
            stop.set()
            for thread in threads:
                thread.join()
        self._wire.close()

    def render(self, job: Job, on_change: Callable[[Change], None] | None = None) -> Rendered:
        """The film of one job, as soon as it is there.

        Raises VideoError: bad_settings, refused, terminal, cancelled, no_server; failed, stalled, adrift, no_film,
        unreadable_film, wrong_size, wrong_frames or wrong_rate after the last try; lost when servers restarted too often.
        Raises UserError when nothing can be had of a server before its user does something.
        """
        return self._render(job, on_change, self._stop)

    def run(self, jobs: Iterable[Job], on_change: Callable[[Change], None] | None = None) -> Iterator[Outcome]:
        """All jobs, on all servers at once; each outcome as it comes. `on_change` is called in threads, one at a time.

        Ending early leaves running batches to the next farm with this journal.
        """
        todo = list(jobs)
        if len({job.id for job in todo}) < len(todo):
            raise UserError("Two jobs have the same id: give each its own.")
        occupants = {found.id for name in self._leases.servers if (found := self._journal.occupant(name))}
        todo.sort(key=lambda job: job.id not in occupants)  # what runs already is followed first
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        for job in todo:
            waiting.put(job)
        told: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
        stop = threading.Event()
        # Twice as many as servers: while one film is copied and checked, its server has the next.
        threads = [
            threading.Thread(target=self._work, args=(waiting, told, on_change, stop), name="motet-farm")
            for _ in range(min(2 * len(self._leases.servers), len(todo)))
        ]
        for thread in threads:
            thread.start()
        self._runs[stop] = threads
        try:
            for _ in todo:
                outcome = told.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                yield outcome
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            self._runs.pop(stop, None)

    def _work(
        self,
        waiting: queue.SimpleQueue[Job],
        told: queue.SimpleQueue[Outcome | BaseException],
        on_change: Callable[[Change], None] | None,
        stop: threading.Event,
    ) -> None:
        while not stop.is_set():
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                told.put(Outcome(job, self._render(job, on_change, stop), None))
            except VideoError as error:
                told.put(Outcome(job, None, error))
            except BaseException as problem:  # noqa: BLE001 - raised again in the thread that waits for outcomes
                told.put(problem)
                return

    def _render(self, job: Job, on_change: Callable[[Change], None] | None, stop: threading.Event) -> Rendered:
        digest = job.digest()
        while not stop.is_set():
            with self._journal.lock("jobs", job.id) as ours:
                if ours:
                    return self._followed(job, self._journal.record(job.id, digest), on_change, stop)
            stop.wait(self._patience.poll)  # another process is at it
        raise Stopped

    def _followed(self, job: Job, record: Record, on_change: Callable[[Change], None] | None, stop: threading.Event) -> Rendered:
        if record.done is not None:
            if (film := _there(job, record)) is not None:
                return film
            record = Record(record.id, record.digest)  # someone took the film away
        if record.ended is not None:
            if not self._again:
                raise VideoError(*record.ended)
            record = Record(record.id, record.digest, [one for one in record.attempts if one.state in (*RUNNING, "adrift")])

        def tell(server: str, what: str, progress: float) -> None:
            if on_change is not None:
                with self._telling:
                    on_change(Change(job.id, server, what, progress))

        course = Course(job, record, self._journal, self._leases, self._patience, self._outputs, tell, stop)
        try:
            while True:
                if course.step():
                    return self._done(job, record)
                self._still_worth_it(record)
        except Failed as end:
            record.ended = [end.reason, end.detail]
            self._journal.keep(record)
            raise VideoError(end.reason, end.detail) from None

    def _still_worth_it(self, record: Record) -> None:
        if any(one.state in RUNNING for one in record.attempts):
            return
        over = [one for one in record.attempts if one.state != "lost"]
        if len(over) >= self._tries:
            raise Failed(over[-1].state, f"{over[-1].detail} It was tried {len(over)} times.")
        if (lost := len(record.attempts) - len(over)) > _LOSSES:
            raise Failed("lost", f"Servers restarted {lost} times while they had this job.")

    def _done(self, job: Job, record: Record) -> Rendered:
        for one in record.attempts:
            server = self._leases.servers.get(one.server)
            if one.state == "adrift" and one.job and server is not None and not server.resting:
                with suppress(Silent):  # it may be up again, with work that nobody waits for
                    server.client.cancel(one.job)
        assert record.done is not None
        return _rendered(job, record)


def _there(job: Job, record: Record) -> Rendered | None:
    """The film of a job that was finished before, if it is still what it was."""
    assert record.done is not None
    try:
        if job.to.stat().st_size != record.done.get("bytes"):
            return None
        check(job.to, frames=job.frames, size=job.size, fps=job.fps)
    except (OSError, VideoError):
        return None
    return _rendered(job, record)


def _rendered(job: Job, record: Record) -> Rendered:
    assert record.done is not None
    told = record.done
    return Rendered(job.to, job.frames, job.size, job.fps, int(told["bytes"]), str(told["server"]), int(told["tries"]))
