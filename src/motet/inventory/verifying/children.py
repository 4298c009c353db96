"""Children that decode, killed where one takes too long: a bad file costs one answer, never the run."""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from pebble import ProcessExpired, ProcessPool

from motet.errors import UserError
from motet.inventory.verifying.examining import Examined, Sample, examine_all, start

PACE = 1 << 20  # bytes a second that the slowest machine decodes
START_SECONDS = 60.0  # loading libraries, before the first file

_BATCH_FILES = 16
_BATCH_BYTES = 4 << 20
_HELD_BYTES = 128 << 20  # of samples that wait with their bytes
_TIMES_SENT = 20  # of one batch, before something else than its files is taken to stop the processes


@dataclass(frozen=True)
class _Flight:
    samples: list[Sample]
    pool: ProcessPool | None
    alone: bool = False
    sent: int = 1


class Children:
    """`seconds` is the limit of one file, beside its size by PACE."""

    def __init__(self, workers: int = 2, seconds: float = 60.0) -> None:
        self._workers, self._seconds = max(1, workers), seconds
        self._pool: ProcessPool | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill them, busy or not."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    def examined(self, samples: Iterable[Sample], deep: bool) -> Iterator[tuple[Sample, Examined]]:
        """Every sample with what it holds, as they come. Samples are drawn only as fast as they are decoded."""
        flights: dict[Any, _Flight] = {}
        batches = _batches(samples)
        more = True
        try:
            while more or flights:
                while more and len(flights) < 2 * self._workers and _held(flights) < _HELD_BYTES:
                    batch = next(batches, None)
                    if batch is None:
                        more = False
                    else:
                        flights[self._sent(batch, deep)] = _Flight(batch, self._pool)
                lost = {future for future, flight in flights.items() if self._lost(future, flight)}
                done = lost or wait(flights, return_when=FIRST_COMPLETED).done
                for future in done:
                    flight = flights.pop(future)
                    if self._lost(future, flight):
                        if flight.sent == _TIMES_SENT:
                            raise UserError("Something keeps stopping the decoding processes: run it again.", exit_code=1)
                        again = self._sent(flight.samples, deep)
                        flights[again] = replace(flight, pool=self._pool, sent=flight.sent + 1)
                        continue
                    told = self._told(future, flight)
                    if told is not None:
                        yield from zip(flight.samples, told, strict=True)
                        continue
                    # One of the batch took the child down or too long: each by itself, to find it.
                    for sample in flight.samples:
                        flights[self._sent([sample], deep)] = _Flight([sample], self._pool, alone=True)
        finally:
            for future in flights:
                future.cancel()

    def _told(self, future: Any, flight: _Flight) -> list[Examined] | None:
        try:
            told: list[Examined] = future.result()
        except TimeoutError:
            limit = self._limit(flight.samples)
            why = Examined(fault="timed_out", sentence=f"Decoding it took longer than {limit:,.0f} seconds.")
        except ProcessExpired:
            why = Examined(fault="undecodable", sentence="Decoding it crashes the decoder.")
        else:
            return told
        return [why] if flight.alone or len(flight.samples) == 1 else None

    def _lost(self, future: Any, flight: _Flight) -> bool:
        """It ended, or never will, because its whole pool was stopped after a neighbour's death: no fault of its own."""
        if not future.done():
            return flight.pool is not self._pool
        return future.cancelled() or isinstance(future.exception(), BrokenProcessPool)

    def _limit(self, samples: list[Sample]) -> float:
        return self._seconds + sum(sample.size for sample in samples) / PACE

    def _sent(self, samples: list[Sample], deep: bool) -> Any:
        bare = [replace(sample, tag=None) for sample in samples]
        for _ in range(2):
            try:
                return self._started().schedule(examine_all, args=(bare, deep), timeout=self._limit(samples))
            except (RuntimeError, BrokenProcessPool):
                self.close()  # all of them died at once: start afresh
        raise UserError("The decoding processes cannot be started: run `motet doctor`.", exit_code=1)

    def _started(self) -> ProcessPool:
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPool(max_workers=self._workers, initializer=start, context=spawn)
            # Children inherit a blocked SIGINT: Ctrl-C is the parent's to handle, and no child prints a traceback.
            if threading.current_thread() is threading.main_thread():
                before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
                try:
                    self._pool.schedule(examine_all, args=([], False), timeout=START_SECONDS)
                finally:
                    signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._pool


def _held(flights: dict[Any, _Flight]) -> int:
    return sum(len(sample.data) for flight in flights.values() for sample in flight.samples)


def _batches(samples: Iterable[Sample]) -> Iterator[list[Sample]]:
    batch: list[Sample] = []
    weight = 0
    for sample in samples:
        batch.append(sample)
        weight += sample.size
        if len(batch) >= _BATCH_FILES or weight >= _BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch
