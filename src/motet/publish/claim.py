"""One publisher at a time at a bucket: an object that says who is at work, created only where there is none.

A publisher that was killed leaves it. The same machine knows it for its own, and that nobody holds it any more, by a locked file
in its cache; another machine cannot know, and is told. A store without conditional puts cannot keep two from claiming at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from motet.errors import UserError
from motet.publish.manifest import CLAIM
from motet.publish.place import Overtaken, Place

__all__ = ["claimed"]


@contextmanager
def claimed(place: Place, cache: Path, take_over: bool) -> Iterator[Callable[[], None]]:
    """Gives what raises Overtaken when somebody else has taken the claim. Raises UserError where it is another's already."""
    busy = f"Another publisher is at work at {place.url}"
    name = hashlib.blake2b(place.url.encode(errors="replace"), digest_size=12).hexdigest()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        opened = (cache / f"claim-{name}").open("a+")
    except OSError as error:
        raise UserError(f"cannot write to {cache} ({error.strerror}): name a folder for caches in XDG_CACHE_HOME.", 1) from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"{busy}, on this machine: publish again when it is done.", 1) from None
        file.seek(0)
        mine = file.read().split()
        there = place.read(CLAIM)
        if there and _token(there[0]) not in mine and not take_over:
            raise UserError(
                f"{busy}, or was stopped on another machine: publish again when it is done, or take over if it is dead.",
                1,
            )
        token = secrets.token_hex(16)
        _remember(file, [*mine[-1:], token])
        data = json.dumps({"claim": token}).encode()
        place.write(CLAIM, data, there[1] if there else "")

        def still() -> None:
            now = place.read(CLAIM)
            if now is None or _token(now[0]) != token:
                raise Overtaken(CLAIM)

        try:
            yield still
        finally:
            # What cannot be withdrawn now is known for ours next time.
            with suppress(UserError):
                still()
                place.delete([CLAIM])


def _remember(file: IO[str], tokens: list[str]) -> None:
    file.seek(0)
    file.truncate()
    file.write("\n".join(tokens))
    file.flush()


def _token(data: bytes) -> str:
    with suppress(ValueError, LookupError, TypeError):
        return str(json.loads(data)["claim"])
    return ""
