"""One job's way from server to server, step by step; each step is in the journal before the next begins."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from motet.errors import UserError
from motet.video.deforum.client import Refused, Silent, Status
from motet.video.deforum.jobs import Job
from motet.video.deforum.journal import RUNNING, Attempt, Journal, Occupant, Record
from motet.video.deforum.leases import Leases, Patience, Server, Stopped
from motet.video.deforum.result import fetch
from motet.video.errors import VideoError

__all__ = ["Course", "Failed"]

_STAMP = re.compile(r"[\w-]{1,64}")
_LATE = 3  # looks for a film that the server's disk has and ours does not show yet


class Failed(Exception):
    """A job that ends without a film."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Course:
    """What is done for one job while its lock is held. `tell` hears (server, what, progress)."""

    def __init__(
        self,
        job: Job,
        record: Record,
        journal: Journal,
        leases: Leases,
        patience: Patience,
        outputs: Mapping[str, Path],
        tell: Callable[[str, str, float], None],
        stop: threading.Event,
    ) -> None:
        self._job = job
        self._record = record
        self._journal = journal
        self._leases = leases
        self._patience = patience
        self._outputs = outputs
        self._tell = tell
        self._stop = stop

    def step(self) -> bool:
        """One attempt, a new one or one that was left behind, to its end; whether the film is there. Raises Failed, Stopped."""
        self._ask_after_the_adrift()
        attempt = next((one for one in self._record.attempts if one.state in RUNNING), None)
        if attempt is None:
            avoid = frozenset(one.server for one in self._record.attempts if one.state != "lost")
            with self._leases.any(self._job.id, avoid, self._stop) as server:
                attempt = self._sent(server)
                status = self._followed(server, attempt) if attempt else None
        elif attempt.server not in self._leases.servers:
            self._end(attempt, "lost", "The server that had it is not in use any more.")
            return False
        else:
            with self._leases.one(attempt.server, self._stop) as server:
                status = self._followed(server, attempt) if attempt.job or self._found(server, attempt) else None
        if attempt is None or attempt.state not in RUNNING:
            return False
        if status is not None:
            return self._settled(attempt, status)
        return self._left_behind(attempt)

    def _sent(self, server: Server) -> Attempt | None:
        """A new batch; None when the server cannot have heard of it, or says at once that it has none."""
        mark = f"motet-{uuid.uuid4().hex}"
        attempt = Attempt(server.name, mark, time.time())
        self._record.attempts.append(attempt)
        self._journal.keep(self._record)
        self._occupy(server, attempt)
        try:
            attempt.job = server.client.submit({**self._job.settings, "batch_name": mark})
        except Refused as problem:
            self._end(attempt, "refused", f"{problem}.")
            raise Failed("refused", attempt.detail) from None
        except Silent as problem:
            if not problem.sent:
                self._record.attempts.remove(attempt)
                self._journal.keep(self._record)
                server.failed()
                return None
            self._found(server, attempt, looks_once=problem.answered)
            return attempt
        self._journal.keep(self._record)
        self._occupy(server, attempt)
        return attempt

    def _occupy(self, server: Server, attempt: Attempt) -> None:
        last = self._journal.occupant(server.name)
        mine = Occupant(self._job.id, attempt.mark, attempt.posted, attempt.job)
        if last is not None:
            mine.stopped, mine.root = last.stopped, last.root
        if attempt.outdir.endswith(attempt.mark):
            mine.root = attempt.outdir.removesuffix(attempt.mark)
        self._journal.occupy(server.name, mine)

    def _found(self, server: Server, attempt: Attempt, looks_once: bool = False) -> bool:
        """Whether the server has a batch whose number was never heard, because its answer or our process was cut off.

        What was sent may still be on its way for as long as an answer may take. Otherwise the attempt is lost or adrift.
        """
        seconds = self._patience.seconds
        until = time.monotonic() + min(seconds, max(0.0, attempt.posted + 2 * seconds - time.time()))
        silent_since: float | None = None
        while not self._stop.is_set():
            try:
                found = server.client.find(attempt.mark)
            except Silent as problem:
                silent_since = silent_since or time.monotonic()
                if time.monotonic() - silent_since > self._patience.silent:
                    server.failed()
                    self._end(attempt, "adrift", f"{problem}, and may be making the film still.")
                    return False
            else:
                if found is not None:
                    attempt.job = found.id
                    self._journal.keep(self._record)
                    self._occupy(server, attempt)
                    return True
                if looks_once or time.monotonic() >= until:
                    self._end(attempt, "lost", f"{server.shown} knows nothing of the batch.")
                    return False
                silent_since = None
            self._stop.wait(self._patience.poll)
        raise Stopped

    def _followed(self, server: Server, attempt: Attempt) -> Status | None:
        """How the batch ended; None when the server forgot it. An attempt that stalls or drifts is ended here."""
        if not attempt.job:
            return None
        seen, changed = None, time.monotonic()
        heard = changed
        while not self._stop.is_set():
            stale = time.monotonic() - changed > self._patience.stalled_after
            try:
                status = server.client.job(attempt.job)
                if stale and status is not None and status.state == "ACCEPTED":
                    status = self._cancelled(server, attempt, status)
            except (Silent, Refused) as problem:
                if time.monotonic() - heard > self._patience.silent:
                    server.failed()
                    self._end(attempt, "adrift", f"{problem}, and may be making the film still.")
                    return None
            else:
                server.answered()
                heard = time.monotonic()
                if status is None or attempt.state == "stalled":
                    return status
                if status.outdir and not attempt.outdir:
                    self._note_place(server, attempt, status)
                if status.state != "ACCEPTED":
                    return status
                if status.changes != seen:
                    seen, changed = status.changes, time.monotonic()
                    self._tell(server.shown, status.phase, status.progress)
            self._stop.wait(self._patience.poll)
        raise Stopped

    def _cancelled(self, server: Server, attempt: Attempt, status: Status) -> Status | None:
        """Stop a batch that stands still, unless it ended meanwhile. Raises Silent."""
        attempt.state = "cancelling"
        self._journal.keep(self._record)
        if not server.client.cancel(attempt.job):
            later = server.client.job(attempt.job)
            if later is None or later.state != "ACCEPTED":
                attempt.state = "open" if later is None or later.state != "CANCELLED" else "cancelling"
                return later
        server.failed()  # what hangs once keeps its GPU
        self._end(attempt, "stalled", f"{server.shown} made no progress for {self._patience.stalled_after:g} seconds.")
        return status

    def _note_place(self, server: Server, attempt: Attempt, status: Status) -> None:
        attempt.outdir, attempt.timestring = status.outdir, status.timestring
        self._journal.keep(self._record)
        self._occupy(server, attempt)

    def _settled(self, attempt: Attempt, status: Status) -> bool:
        """The film of a batch that ended, or the reason there is none."""
        said = f' It said: "{status.message[:200]}".' if status.message else ""
        shown = self._shown(attempt)
        if status.state == "SUCCEEDED":
            self._tell(shown, status.phase, 1.0)
            return self._fetched(attempt, status.outdir, status.timestring)
        last = self._journal.occupant(attempt.server)
        ours = attempt.state == "cancelling" or (last is not None and attempt.mark in last.stopped)
        if status.state == "CANCELLED" and ours:
            self._end(attempt, "stalled", f"{shown} made no progress for {self._patience.stalled_after:g} seconds.")
            return False
        if status.state == "CANCELLED":
            self._end(attempt, "cancelled", f"Someone cancelled it on {shown}.{said}")
            raise Failed("cancelled", attempt.detail)
        if status.error == "TERMINAL":
            self._end(attempt, "terminal", f"{shown} cannot make it.{said}")
            raise Failed("terminal", attempt.detail)
        self._end(attempt, "failed", f"{shown} failed.{said}")
        return False

    def _left_behind(self, attempt: Attempt) -> bool:
        """A server that forgot a batch may have finished its film before it restarted."""
        try:
            source = self._source(attempt.outdir, attempt.timestring) if attempt.outdir else self._by_mark(attempt)
            if source is not None and self._taken(attempt, source):
                return True
        except VideoError:
            pass  # it had begun and not finished
        self._end(attempt, "lost", f"{self._shown(attempt)} restarted and forgot it.")
        return False

    def _by_mark(self, attempt: Attempt) -> Path | None:
        """The film of a batch of which no place was told: beside films of the same server that were."""
        last = self._journal.occupant(attempt.server)
        if last is None or not last.root:
            return None
        films = sorted(self._source(last.root + attempt.mark, "any").parent.glob("*.mp4"))
        return films[-1] if films else None

    def _fetched(self, attempt: Attempt, outdir: str, timestring: str) -> bool:
        for late in range(_LATE):
            try:
                return self._taken(attempt, self._source(outdir, timestring))
            except VideoError as problem:
                if problem.reason == "no_film" and late < _LATE - 1:
                    self._stop.wait(self._patience.poll)
                    continue
                self._end(attempt, problem.reason, f"{self._shown(attempt)} succeeded, but: {problem.detail}")
        return False

    def _taken(self, attempt: Attempt, source: Path) -> bool:
        job = self._job
        film = fetch(source, job.to, frames=job.frames, size=job.size, fps=job.fps)
        attempt.state = "done"
        tries = sum(one.state != "lost" for one in self._record.attempts)
        self._record.done = {"server": self._shown(attempt), "bytes": film.bytes, "tries": tries}
        self._journal.keep(self._record)
        return True

    def _source(self, outdir: str, timestring: str) -> Path:
        """Where a server's film lies for us. Raises VideoError no_film, and UserError when `outputs` does not tell."""
        absolute = outdir.startswith("/") or re.match(r"[A-Za-z]:[\\/]", outdir)
        if not absolute or not _STAMP.fullmatch(timestring):
            raise VideoError("no_film", "The server does not tell where its film lies.")
        path = outdir.replace("\\", "/")
        if ".." in path.split("/"):
            raise VideoError("no_film", "The server tells a folder above its own.")
        if not self._outputs:
            return Path(path) / f"{timestring}.mp4"
        for theirs, ours in self._outputs.items():
            root = theirs.replace("\\", "/").rstrip("/")
            if path == root or path.startswith(root + "/"):
                return ours / path[len(root) :].strip("/") / f"{timestring}.mp4"
        raise UserError(f"A server keeps its films in {outdir[:200]}: say with outputs which folder that is here.", exit_code=1)

    def _ask_after_the_adrift(self) -> None:
        """A server that could not be asked may answer again: what it has is taken, or gone on with, before another is tried."""
        for attempt in [one for one in self._record.attempts if one.state == "adrift"]:
            server = self._leases.servers.get(attempt.server)
            if server is None or server.resting:
                continue
            try:
                status = server.client.job(attempt.job) if attempt.job else server.client.find(attempt.mark)
            except (Silent, Refused):
                server.failed()
                continue
            if status is None or status.state == "FAILED":
                attempt.state = "failed"
            else:
                attempt.state, attempt.job = "open", status.id
            self._journal.keep(self._record)

    def _shown(self, attempt: Attempt) -> str:
        server = self._leases.servers.get(attempt.server)
        return server.shown if server else attempt.server

    def _end(self, attempt: Attempt, reason: str, detail: str) -> None:
        attempt.state, attempt.detail = reason, detail
        self._journal.keep(self._record)
        self._tell(self._shown(attempt), reason, 0.0)
