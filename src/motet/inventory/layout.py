"""Paths with fields: `drummer{drummer}/{session}/{take}_{style}.mid` against real paths, from the file's name upwards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}|\*")
_ANYTHING = r"[^/]+?"


class LayoutError(ValueError):
    """A layout that is not one: a sentence."""


@dataclass(frozen=True)
class Layout:
    """The parts of a path, one regular expression for each; the last is the file's name.

    A field that stands twice must hold the same text in both places. `*` is any text without a slash.
    """

    text: str
    steps: tuple[re.Pattern[str], ...]
    fields: tuple[str, ...]
    whole: re.Pattern[str]

    @staticmethod
    @lru_cache(maxsize=4096)
    def _parsed(text: str, fields: tuple[tuple[str, str], ...]) -> Layout:
        known = dict(fields)
        if not text or text.startswith("/") or ".." in text.split("/") or "" in text.split("/"):
            raise LayoutError(f"{text!r} is no path below the dataset's folder")
        steps, whole, seen = [], [], []
        for step in text.split("/"):
            alone, together, at = "", "", 0
            here: set[str] = set()
            for match in _FIELD.finditer(step):
                literal = re.escape(step[at : match.start()])
                at = match.end()
                name = match[1]
                expression = known.get(name, _ANYTHING) if name else r"[^/]*?"
                try:
                    groups = re.compile(expression).groups
                except re.error as error:
                    raise LayoutError(f"the expression of {name} is not one: {error}") from None
                if groups:
                    raise LayoutError(f"the expression of {name} has groups of its own: write (?:...)")
                if not name:
                    alone += literal + expression
                    together += literal + expression
                    continue
                alone += literal + (f"(?P={name})" if name in here else f"(?P<{name}>{expression})")
                together += literal + (f"(?P={name})" if name in seen else f"(?P<{name}>{expression})")
                here.add(name)
                if name not in seen:
                    seen.append(name)
            tail = re.escape(step[at:])
            steps.append(re.compile(alone + tail, re.IGNORECASE))
            whole.append(together + tail)
        return Layout(text, tuple(steps), tuple(seen), re.compile("/".join(whole), re.IGNORECASE))

    @classmethod
    def parse(cls, text: str, fields: Mapping[str, str]) -> Layout:
        """Raises LayoutError."""
        return cls._parsed(text, tuple(sorted(fields.items())))

    @property
    def depth(self) -> int:
        """Folders between the dataset's folder and the file."""
        return len(self.steps) - 1

    def of_name(self, name: str) -> dict[str, str] | None:
        """The fields of a file's name, or None where it is not such a name."""
        match = self.steps[-1].fullmatch(name)
        return match.groupdict() if match else None

    def of_path(self, path: str) -> dict[str, str] | None:
        """The fields of a path below the dataset's folder, or None."""
        match = self.whole.fullmatch(path)
        return match.groupdict() if match else None
