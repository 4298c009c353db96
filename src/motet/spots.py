"""What stands where in a YAML file that a user wrote, a rack or a mapping: read with care, every mistake told with its line."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from motet.errors import UserError

__all__ = ["LARGEST", "Spot", "nearest", "read_spots"]

LARGEST = 128 * 1024  # bytes of a file
DEEPEST = 12
MOST = 20_000  # values in a file
LONGEST = 500  # characters of a text
SHOWN = 40


@dataclass(frozen=True)
class Spot:
    """A value of a file: `content` is a text as written, a list or a mapping of spots, or None where nothing stands."""

    origin: str
    place: str
    line: int
    content: str | list[Spot] | dict[str, Spot] | None
    plain: bool = False  # written without quotes, so that it may be a number

    def fail(self, sentence: str) -> NoReturn:
        """Raises UserError: the place, then `sentence`, which goes on after a colon and names the fix."""
        where = f", {self.place}" if self.place else ""
        raise UserError(f"{self.origin}, line {self.line}{where}: {sentence}{'' if sentence.endswith('?') else '.'}")

    @property
    def shown(self) -> str:
        if isinstance(self.content, str):
            return repr(self.content if len(self.content) <= SHOWN else self.content[:SHOWN] + "…")
        return "nothing" if self.content is None else "a list" if isinstance(self.content, list) else "a map"

    def keys(self, known: Iterable[str], needed: Iterable[str] = ()) -> dict[str, Spot]:
        """A map that has only keys of `known`, and all of `needed`."""
        told = self.members(f"with {', '.join(known)}")
        for key, value in told.items():
            if key not in known:
                value.fail(f"there is no key {key[:SHOWN]!r} here{nearest(key, known)}")
        for key in needed:
            if key not in told:
                self.fail(f"{key} is missing; add it")
        return told

    def members(self, what: str) -> dict[str, Spot]:
        if not isinstance(self.content, dict):
            self.fail(f"{self.shown} stands where a map is wanted, {what}")
        return self.content

    def items(self, what: str) -> list[Spot]:
        if not isinstance(self.content, list):
            self.fail(f"{self.shown} stands where a list is wanted: {what}")
        if not self.content:
            self.fail(f"this list is empty; write {what} into it")
        return self.content

    def one_or_more(self, what: str) -> list[Spot]:
        return self.items(what) if isinstance(self.content, list) else [self]

    def yes(self) -> bool:
        if self.content not in ("true", "false"):
            self.fail(f"{self.shown} stands where true or false is wanted")
        return self.content == "true"

    def text(self) -> str:
        if not isinstance(self.content, str) or not self.content.strip():
            self.fail(f"{self.shown} stands where a text is wanted")
        if not self.content.isprintable():
            self.fail(f"{self.shown} has characters that cannot be printed; write it on one line without them")
        return self.content.strip()

    def one_of(self, known: Iterable[str]) -> str:
        text = self.text()
        if text not in known:
            self.fail(f"{text[:SHOWN]!r} is not known here{nearest(text, known)}")
        return text

    def number(self, low: float = -1e9, high: float = 1e9) -> float:
        """A finite number from `low` to `high`."""
        try:
            value = float(self.content) if isinstance(self.content, str) and self.plain else math.nan
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            self.fail(f"{self.shown} stands where a number from {low:g} to {high:g} is wanted")
        return value

    def whole(self, low: int, high: int) -> int:
        if (value := self.number(low, high)) % 1:
            self.fail(f"{self.shown} stands where a whole number is wanted")
        return int(value)


def nearest(name: str, known: Iterable[str]) -> str:
    """How a sentence about an unknown name ends: with the nearest one, or all there are."""
    known = list(known)
    near = difflib.get_close_matches(name[:100], known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"


class _Loader(yaml.SafeLoader):
    """Composes no more than a file may hold."""

    depth = 0
    count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        line = self.peek_event().start_mark.line + 1  # type: ignore[no-untyped-call]
        self.count += 1
        if self.check_event(yaml.AliasEvent):
            raise _Unwanted(line, "`*` stands for a value from elsewhere in the file; write it out here")
        if self.depth == DEEPEST:
            raise _Unwanted(line, f"values lie more than {DEEPEST} deep; half of that is enough")
        if self.count > MOST:
            raise _Unwanted(line, f"there are more than {MOST:,} values; split the file in two")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Unwanted(Exception):
    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(line, sentence)
        self.line = line
        self.sentence = sentence


def read_spots(data: bytes, origin: str, needed: Sequence[str]) -> Spot:
    """The YAML document `data`, from a file called `origin`. Raises UserError with the line and the fix.

    An empty file is told which keys are `needed`.
    """
    if len(data) > LARGEST:
        raise UserError(f"{origin} has more than {LARGEST:,} bytes; split the file in two.")
    try:
        loader = _Loader(data.decode("utf-8-sig"))
        node = loader.get_single_node()
    except UnicodeDecodeError:
        raise UserError(f"{origin} is not written in UTF-8; save it so.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UserError(f"{origin}, line {line}: this is not valid YAML ({_said(error)}).") from None
    except yaml.YAMLError as error:
        raise UserError(f"{origin} is not valid YAML ({_said(error)}).") from None
    except _Unwanted as unwanted:
        raise UserError(f"{origin}, line {unwanted.line}: {unwanted.sentence}.") from None
    if node is None:
        raise UserError(f"{origin} is empty; write {', '.join(needed[:-1])} and {needed[-1]} into it.")
    return _spot(node, origin, "")


def _said(error: yaml.YAMLError) -> str:
    said = str(getattr(error, "problem", None) or getattr(error, "reason", "") or "it cannot be read")
    return "".join(c if c.isprintable() else "?" for c in said[:120])


def _spot(node: yaml.Node, origin: str, place: str) -> Spot:
    spot = Spot(origin, place, node.start_mark.line + 1, None)
    if isinstance(node, yaml.SequenceNode):
        inner = [_spot(one, origin, f"{place}[{index + 1}]") for index, one in enumerate(node.value)]
        return Spot(origin, place, spot.line, inner)
    if isinstance(node, yaml.MappingNode):
        members: dict[str, Spot] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else ""
            at = Spot(origin, place, key.start_mark.line + 1, None)
            if not name or len(name) > LONGEST or not name.isprintable():
                at.fail("a key must be a short printable name")
            if name in members:
                at.fail(f"{name[:SHOWN]!r} stands here twice; leave one")
            members[name] = _spot(value, origin, f"{place}.{name[:SHOWN]}" if place else name[:SHOWN])
        return Spot(origin, place, spot.line, members)
    assert isinstance(node, yaml.ScalarNode)
    if len(node.value) > LONGEST:
        spot.fail(f"a text of {len(node.value):,} characters is too long; {LONGEST} are the most")
    plain = node.style is None
    absent = plain and node.value in ("", "~", "null")
    return Spot(origin, place, spot.line, None if absent else node.value, plain)
