"""Exports that are stopped on their way, and what they had encoded until then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import md5
from pathlib import Path

from motet.export.example import Example, Examples, Sound

CHILD = """
import os, signal, sys
from pathlib import Path
from motet.export import {form} as form
from motet.export.example import Choice
from toys.examples import examples
from toys.stops import counted
{before}
given, _ = counted(examples({count}), {at}, lambda: os.kill(os.getpid(), signal.SIGKILL))
form.write(given, Path(sys.argv[1]), Choice({choice}))
"""


class Stop(BaseException):
    """Somebody pulls the plug."""


def stop() -> None:
    raise Stop


def counted(examples: Examples, at: int | None = None, then: Callable[[], None] = stop) -> tuple[Examples, list[str]]:
    """The same examples, and a list that grows by the id of an example whose mix is read; `then` is done at the read so far."""
    read: list[str] = []

    def heard(example: Example) -> Example:
        mix = example.mix
        if mix is None:
            return example

        def called() -> None:
            read.append(example.id)
            if at is not None and len(read) > at:
                then()

        def samples(mix: Sound = mix):  # type: ignore[no-untyped-def]
            called()
            return mix.samples()

        def stored(mix: Sound = mix) -> bytes:
            called()
            assert mix.stored
            return mix.stored()

        return replace(example, mix=replace(mix, samples=samples, stored=stored if mix.stored else None))

    def give() -> Iterable[Example]:
        return map(heard, examples())

    return give, read


def killed(form: str, folder: Path, *, at: int, count: int, choice: str = "", before: str = "") -> None:
    """An export in a process of its own, killed when it reads sound number `at`."""
    source = CHILD.format(form=form, at=at, count=count, choice=choice, before=before)
    path = ["-c", f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{source}", str(folder)]
    ended = subprocess.run([sys.executable, *path], capture_output=True, timeout=120, check=False)
    assert ended.returncode == -9, ended.stderr.decode()


def tree(folder: Path) -> dict[str, str]:
    """All files below a folder, and their MD5."""
    return {
        path.relative_to(folder).as_posix(): md5(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
