"""Where files belong below a dataset's folder, by the layouts of its parts."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from motet.inventory.known import Dataset


def below(folder: Path) -> Iterator[str]:
    """Paths of all files below a folder, links not followed, in order."""
    for where, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            yield os.path.relpath(os.path.join(where, name), folder)


def matches(dataset: Dataset, folder: Path) -> Counter[str]:
    """How many files below a folder belong to each part."""
    layouts = [(part.name, dataset.layout(part)) for part in dataset.parts]
    found: Counter[str] = Counter()
    for path in below(folder):
        for name, layout in layouts:
            if layout.of_path(path) is not None:
                found[name] += 1
    return found


@dataclass(frozen=True)
class Home:
    """The folder of an archive, "" for its top, that becomes the folder `into` below the dataset's; the parts found so."""

    top: str
    into: str
    parts: frozenset[str]


def home(dataset: Dataset, parts: Sequence[str], paths: Sequence[str], into: str) -> Home:
    """Where the parts lie in an archive as their layouts say, once it is unpacked into `into`, or else without it.

    The folder where most parts, then most files, are found; the topmost among equals.
    """
    for target in dict.fromkeys((into, "")):
        files: Counter[str] = Counter()
        found: dict[str, set[str]] = {}
        layouts = [(name, dataset.layout(dataset.part(name))) for name in parts]
        before = target.split("/") if target else []
        for path in paths:
            steps = path.split("/")
            for name, layout in layouts:
                above = len(steps) - 1 - (layout.depth - len(before))
                if 0 <= above < len(steps) and layout.of_path("/".join([*before, *steps[above:]])) is not None:
                    top = "/".join(steps[:above])
                    files[top] += 1
                    found.setdefault(top, set()).add(name)
        if found:
            best = max(found, key=lambda top: (len(found[top]), files[top], -top.count("/") - bool(top)))
            return Home(best, target, frozenset(found[best]))
    return Home("", into, frozenset())
