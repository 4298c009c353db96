"""One file over HTTP: resumed where it broke off, tried again with patience, checked before anybody sees it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from motet.inventory.fetching import space
from motet.inventory.fetching.checks import HEAD, Published, stranger
from motet.inventory.fetching.exchange import Answer, Exchange, Interrupted, Refused, judge
from motet.wording import count, span

_SYNCED = 32 << 20  # bytes, or seconds, after which what has come is put on disk for good
_SYNCED_SECONDS = 5.0
_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19}|\*)")
_STATE = 64 << 10


@dataclass(frozen=True)
class Patience:
    """How long a server is given, in seconds and bytes."""

    quiet: float = 60.0  # the longest time in which fewer than `least` bytes come
    least: int = 64 << 10
    tries: int = 6  # in a row that bring fewer than `enough` bytes
    enough: int = 1 << 20
    first_wait: float = 1.0
    longest_wait: float = 300.0  # also of those a server asks for


@dataclass(frozen=True)
class Source:
    """Where a file comes from. `name` tells it from others, and is written down."""

    name: str
    url: str = field(repr=False)
    authorization: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class _State:
    """What is known of a partial file."""

    source: str
    etag: str = ""
    modified: str = ""
    total: int | None = None
    synced: int = 0


@dataclass
class Transfer:
    """A file on its way to `target`. What has come so far lies in `folder`, under a name made of the source's."""

    source: Source
    target: Path
    folder: Path
    published: Published
    unpack: str
    label: str  # its name, for people
    exchange: Exchange
    patience: Patience
    stop: Event
    advance: Callable[[int], None]
    note: Callable[[str], None]
    told: int = 0  # bytes that were announced
    received: int = 0  # bytes that came over the network and were written
    resumed: int = 0  # bytes of an earlier run that were gone on with

    def __post_init__(self) -> None:
        key = hashlib.sha256(f"{self.source.name}\n{self.target.name}".encode()).hexdigest()[:16]
        self._part = self.folder / f"{key}.part"
        self._record = self.folder / f"{key}.json"
        self._state = _State(self.source.name)

    async def run(self) -> None:
        """Raises Refused where this source cannot give the file; OSError where the disk does not take it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        again = True
        while True:
            old = self._resume()
            if old and not self.resumed:
                self.resumed = old
            try:
                await self._patiently()
            except Refused:
                if not self._here():
                    self._drop()
                raise
            fault = await asyncio.to_thread(self.published.fault, self._part, self.stop)
            if not fault:
                break
            continued = bool(self.resumed)
            self._drop()
            if not (continued and again):  # the beginning may have been another file's
                raise Refused(f"what {self.source.name} sent {fault}")
            again, self.resumed = False, 0
            self.note(f"{self.label} {fault}; it is fetched from its beginning.")
        self.target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self._part, self.target)
        space.sync_folder(self.target.parent)
        self._record.unlink(missing_ok=True)

    async def _patiently(self) -> None:
        failed = 0
        while True:
            before = self._here()
            try:
                await self._once()
                return
            except Interrupted as problem:
                gained = self._here() - before
                failed = 1 if gained >= self.patience.enough else failed + 1
                had = f" after {count(self._here())} of {count(self._state.total)} bytes" if self._state.total else ""
                if problem.wait is not None and problem.wait > self.patience.longest_wait:
                    raise Refused(f"{problem} and asks to wait {span(problem.wait)}") from None
                if failed >= self.patience.tries:
                    raise Refused(f"{problem}{had}, {failed} times in a row") from None
                backoff = min(self.patience.longest_wait, self.patience.first_wait * 2 ** (failed - 1)) * random.uniform(0.5, 1.5)
                wait = max(backoff, problem.wait or 0.0)
                self.note(f"{self.label}: {problem}{had}; the next try is in {span(wait)}.")
                await asyncio.sleep(wait)

    async def _once(self) -> None:
        at = self._here()
        if self._state.total is not None and at == self._state.total:
            return
        headers = {}
        if at:
            headers["Range"] = f"bytes={at}-"
            # Only a strong tag vouches for bytes (RFC 9110, 13.1.5).
            if mark := self._state.etag if self._state.etag and not self._state.etag.startswith("W/") else self._state.modified:
                headers["If-Range"] = mark
        async with self.exchange.ask(self.source.url, headers, self.source.authorization) as answer:
            if answer.status == 416 and at:
                self._restart()
                raise Interrupted(f"{answer.host} does not know the rest of the file")
            judge(answer)
            if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                raise Refused(f"{answer.host} packs the file in a way that was not asked for")
            at, total = self._begins(answer, at)
            if self.published.bytes is not None and total not in (None, self.published.bytes):
                await self._judge_first(answer)
                raise Refused(f"{answer.host} offers {count(total or 0)} bytes where {count(self.published.bytes)} are published")
            if total is not None:
                space.check(self.folder, total - at, f"{self.label}")
            await self._receive(answer, at, total)

    async def _judge_first(self, answer: Answer) -> None:
        head = b""
        async with asyncio.timeout(self.patience.quiet):
            async for chunk in answer.chunks():
                head += chunk
                if len(head) >= HEAD:
                    break
        self._judge(head, answer)

    def _judge(self, head: bytes, answer: Answer) -> None:
        if not head and self.published.bytes != 0:
            raise Refused(f"{answer.host} sent an empty file")
        if found := stranger(head, answer.headers.get("content-type", ""), self.unpack, self.label):
            raise Refused(f"{answer.host} sent {found} in place of the file")

    def _begins(self, answer: Answer, at: int) -> tuple[int, int | None]:
        """Where the body begins in the file, and how long the whole file is. Starts over where that is not what is here."""
        heads = answer.headers
        etag, modified = heads.get("etag", "")[:1000], heads.get("last-modified", "")[:100]
        if answer.status == 206:
            match = _RANGE.fullmatch(heads.get("content-range", "").strip())
            first, total = (int(match[1]), None if match[3] == "*" else int(match[3])) if match else (-1, None)
            another = (etag and self._state.etag and etag != self._state.etag) or (
                total is not None and self._state.total is not None and total != self._state.total
            )
            if first != at or another:
                self._restart()
                raise Interrupted(
                    f"{answer.host} has another file than before"
                    if another
                    else f"{answer.host} sent another piece than asked for"
                )
            if total is None:
                total = self._state.total
            self._remember(_State(self.source.name, etag or self._state.etag, modified or self._state.modified, total, at))
            return at, total
        if at:
            why = "changed since" if etag != self._state.etag or modified != self._state.modified else "is sent whole only"
            self.note(f"{self.label} {why}; it is fetched from its beginning.")
        self._restart()
        length = heads.get("content-length", "").strip()
        total = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
        self._remember(_State(self.source.name, etag, modified, total, 0))
        return 0, total

    async def _receive(self, answer: Answer, at: int, total: int | None) -> None:
        most = total if total is not None else self.published.bytes
        head, fresh, since, window = b"", at == 0, 0, 0
        loop = asyncio.get_running_loop()
        last = loop.time()
        with self._part.open("ab") as file:
            try:
                async with asyncio.timeout(self.patience.quiet) as limit:
                    async for chunk in answer.chunks():
                        if fresh:
                            head += chunk
                            if len(head) < HEAD and (most is None or len(head) < most):
                                continue
                            self._judge(head, answer)
                            chunk, fresh = head, False
                        at += len(chunk)
                        if most is not None and at > most:
                            self._drop()
                            raise Refused(f"{answer.host} sends more than the {count(most)} bytes it should")
                        self._write(file, chunk)
                        since += len(chunk)
                        window += len(chunk)
                        if window >= self.patience.least:
                            limit.reschedule(loop.time() + self.patience.quiet)
                            window = 0
                        if since >= _SYNCED or loop.time() - last > _SYNCED_SECONDS:
                            await asyncio.to_thread(self._sync, file, at)
                            space.check(self.folder, _SYNCED if total is None else total - at, self.label)
                            since, last = 0, loop.time()
                if fresh:
                    self._judge(head, answer)
                    self._write(file, head)
                    at += len(head)
            except TimeoutError:
                raise Interrupted(f"{answer.host} sends too slowly, or nothing") from None
            finally:
                file.flush()
        with self._part.open("ab") as file:
            await asyncio.to_thread(self._sync, file, at)
        if most is not None and at < most:
            raise Interrupted(f"{answer.host} ended the file early")

    def _write(self, file: Any, chunk: bytes) -> None:
        file.write(chunk)
        self.told += len(chunk)
        self.received += len(chunk)
        self.advance(len(chunk))

    def _sync(self, file: Any, at: int) -> None:
        file.flush()
        os.fsync(file.fileno())
        self._remember(_State(self._state.source, self._state.etag, self._state.modified, self._state.total, at))

    def _here(self) -> int:
        try:
            return self._part.stat().st_size
        except FileNotFoundError:
            return 0

    def _resume(self) -> int:
        """Bytes of an earlier try that can be gone on with; what cannot is dropped."""
        here = self._here()
        told: dict[str, Any] = {}
        with suppress(FileNotFoundError, ValueError, RecursionError):
            with self._record.open("rb") as opened:
                found = json.loads(opened.read(_STATE))
            told = found if isinstance(found, dict) else {}
        total, synced = told.get("total"), told.get("synced")
        state = _State(
            self.source.name,
            etag=told["etag"] if isinstance(told.get("etag"), str) else "",
            modified=told["modified"] if isinstance(told.get("modified"), str) else "",
            total=total if isinstance(total, int) and total >= 0 else None,
            synced=synced if isinstance(synced, int) and synced >= 0 else 0,
        )
        known = told.get("source") == self.source.name and (self.published.summed or state.etag or state.modified)
        # After a power cut a file may end in bytes that never reached the disk. A checksum would tell; without one only
        # what was synced counts.
        trusted = (here if self.published.summed else min(here, state.synced)) if known else 0
        if state.total is not None and trusted > state.total:
            trusted = 0
        if not trusted:
            if here or told:
                self._drop()
            return 0
        if trusted < here:
            os.truncate(self._part, trusted)
        self._state = state
        if trusted > self.told:
            self.advance(trusted - self.told)
            self.told = trusted
        return trusted

    def _restart(self) -> None:
        with self._part.open("wb"):
            pass
        if self.told:
            self.advance(-self.told)
        self.told = 0
        self.resumed = 0
        self._state = _State(self.source.name)

    def _drop(self) -> None:
        self._restart()
        self._part.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def _remember(self, state: _State) -> None:
        self._state = state
        written = self._record.with_suffix(".new")
        with written.open("w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(written, self._record)
