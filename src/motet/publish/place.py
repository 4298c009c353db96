"""What `publish` asks of a destination; a bucket answers it, and a folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Lock
from typing import Protocol, TypeVar

from motet.errors import UserError
from motet.publish.plan import Local

__all__ = ["ANYTHING", "Overtaken", "Place", "Seen", "together"]

ANYTHING = "*"
"""For `expected`: whatever lies there may be replaced."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Overtaken(UserError):
    """Something else lies there than was expected: another publisher was faster."""

    def __init__(self, key: str) -> None:
        super().__init__(f"{key} was changed by another publisher meanwhile: see who it is, and publish again after.", 1)


@dataclass(frozen=True)
class Seen:
    """An object as a listing tells it."""

    size: int
    etag: str


class Place(Protocol):
    """Keys begin at the prefix. `expected` is the ETag of what shall be replaced, "" for nothing, or ANYTHING.

    All raise UserError in a sentence without secrets; what writes raises Overtaken. For any thread.
    """

    url: str  # for people
    lasting: bool  # whether an ETag tells bytes by themselves, and not only that a file was left alone

    def claimed(self, cache: Path, take_over: bool) -> AbstractContextManager[Callable[[], None]]: ...
    def listing(self) -> dict[str, Seen]: ...
    def read(self, key: str) -> tuple[bytes, str] | None: ...
    def write(self, key: str, data: bytes, expected: str) -> str: ...
    def put(self, local: Local, expected: str) -> str: ...
    def holds(self, local: Local, seen: Seen) -> bool: ...
    def copy(self, key: str, to: str, size: int, sha256: str) -> str: ...
    def sha256(self, key: str) -> str: ...
    def delete(self, keys: list[str]) -> None: ...


def together(items: Iterable[_In], work: Callable[[_In], _Out], threads: int) -> Iterator[tuple[_In, _Out]]:
    """`work` of each item in threads, as they end. The first that fails is raised, and no other is begun after."""
    source, lock, stop = iter(items), Lock(), Event()
    ended: SimpleQueue[tuple[_In, _Out] | BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            while not stop.is_set():
                with lock:
                    item = next(source)
                ended.put((item, work(item)))
        except StopIteration:
            pass
        except BaseException as error:  # noqa: BLE001
            stop.set()
            ended.put(error)  # raised where the results are read
        finally:
            ended.put(None)

    if isinstance(items, Sized):
        threads = max(1, min(threads, len(items)))
    pool = ThreadPoolExecutor(threads)
    try:
        for _ in range(threads):
            pool.submit(run)
        running = threads
        while running:
            one = ended.get()
            if isinstance(one, BaseException):
                raise one
            if one is None:
                running -= 1
            else:
                yield one
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)
