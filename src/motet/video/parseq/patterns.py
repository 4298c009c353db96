"""Regular expressions over keyframe labels, in time that grows with pattern times label whatever the pattern (Thompson, 1968)."""

from dataclasses import dataclass
from functools import lru_cache

from motet.video.parseq.errors import ExpressionError

__all__ = ["Pattern", "pattern"]

LONGEST = 500  # characters of a pattern
STATES = 5_000
DEEPEST = 6  # a bracket is read twice, once to step over it
REPEATS = 200
WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
DIGITS = frozenset("0123456789")
LINE_ENDS = frozenset("\n\r\u2028\u2029")
SPACES = frozenset("\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff") | frozenset(map(chr, range(0x2000, 0x200B)))
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "f": "\f", "0": "\0"}


@dataclass(frozen=True, slots=True)
class _Class:
    """The characters that may stand in one place, or (`other`) those that may not."""

    ranges: tuple[tuple[str, str], ...]
    sets: tuple["_Class | frozenset[str]", ...] = ()
    other: bool = False

    def has(self, character: str) -> bool:
        inside = any(low <= character <= high for low, high in self.ranges) or any(
            part.has(character) if isinstance(part, _Class) else character in part for part in self.sets
        )
        return inside != self.other


# A step of the machine: a class of characters to read, a place ("^", "$", "b", "B") to be at, or None to go on from at once.
_Step = tuple[_Class | str | None, list[int]]


class Pattern:
    """A compiled pattern: `found(label)` says whether it matches anywhere in a label."""

    def __init__(self, steps: list[_Step], start: int) -> None:
        self._steps = steps
        self._start = start
        self.size = len(steps)

    def found(self, label: str) -> bool:
        reading: set[int] = set()
        for at in range(len(label) + 1):
            places = _places(label, at)
            reached, waiting = set(reading), [*reading, self._start]
            reached.add(self._start)
            following: set[int] = set()
            while waiting:
                step = waiting.pop()
                if step == 0:
                    return True
                what, ahead = self._steps[step]
                if isinstance(what, _Class):
                    if at < len(label) and what.has(label[at]):
                        following.update(ahead)
                elif what is None or what in places:
                    new = [place for place in ahead if place not in reached]
                    reached.update(new)
                    waiting.extend(new)
            reading = following
        return False


def _places(label: str, at: int) -> str:
    before = at > 0 and label[at - 1] in WORD
    after = at < len(label) and label[at] in WORD
    return ("^" if at == 0 else "") + ("$" if at == len(label) else "") + ("b" if before != after else "B")


@lru_cache(maxsize=256)
def pattern(source: str) -> Pattern:
    """The machine of a regular expression: literals, `.`, classes, `^ $ \\b`, groups, `|`, repeats; no back-references."""
    if len(source) > LONGEST:
        raise ExpressionError(f"a pattern may have {LONGEST} characters, this one has {len(source):,}")
    builder = _Builder(source)
    start = builder.either(0, 0)
    if builder.at < len(source):
        raise ExpressionError(f"a bracket of the pattern {source[:40]!r} is closed but not opened")
    return Pattern(builder.steps, start)


class _Builder:
    """Builds from the end: each part is told the step that follows it, and answers the step it begins with."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.steps: list[_Step] = [(None, [])]  # step 0: found

    def step(self, what: _Class | str | None, ahead: list[int]) -> int:
        if len(self.steps) >= STATES:
            raise ExpressionError(f"the pattern {self.source[:40]!r} is too large")
        self.steps.append((what, ahead))
        return len(self.steps) - 1

    def peek(self) -> str:
        return self.source[self.at : self.at + 1]

    def either(self, follows: int, depth: int) -> int:
        if depth > DEEPEST:
            raise ExpressionError(f"the pattern {self.source[:40]!r} is nested too deeply")
        branches = [self.row(follows, depth)]
        while self.peek() == "|":
            self.at += 1
            branches.append(self.row(follows, depth))
        return branches[0] if len(branches) == 1 else self.step(None, branches)

    def row(self, follows: int, depth: int) -> int:
        """Reads what stands one after the other, then joins it from its end."""
        spans: list[tuple[int, int, int, float]] = []
        while self.peek() not in ("", "|", ")"):
            start = self.at
            self.skip(depth)
            end = self.at
            spans.append((start, end, *self.repeats(start)))
        after = self.at
        for start, end, least, most in reversed(spans):
            follows = self.repeated(start, end, least, most, follows, depth)
        self.at = after
        return follows

    def skip(self, depth: int) -> None:
        """Steps over one atom; that it is sound is found out when it is built."""
        built = len(self.steps)
        self.atom(0, depth)
        del self.steps[built:]

    def repeats(self, start: int) -> tuple[int, float]:
        sign = self.peek()
        least, most = 1, 1.0
        if sign and sign in "*+?":
            self.at += 1
            least, most = {"*": (0, float("inf")), "+": (1, float("inf")), "?": (0, 1.0)}[sign]
        elif sign == "{":
            close = self.source.find("}", self.at)
            low, comma, high = self.source[self.at + 1 : close].partition(",")
            if close < 0 or not (low.isascii() and low.isdigit()) or not (high == "" or (high.isascii() and high.isdigit())):
                raise ExpressionError(f"a brace of the pattern {self.source[:40]!r} holds no number")
            least = int(low)
            most = float(int(high)) if high else float("inf") if comma else float(least)
            if least > REPEATS or (most != float("inf") and most > REPEATS) or most < least:
                raise ExpressionError(f"the pattern {self.source[:40]!r} repeats too often")
            self.at = close + 1
        else:
            return 1, 1.0
        if self.source[start] in "^$" and self.at - start <= 2:
            raise ExpressionError(f"nothing stands before a repeat in the pattern {self.source[:40]!r}")
        if self.peek() == "?":  # the shortest match first: the same answer
            self.at += 1
        return least, most

    def repeated(self, start: int, end: int, least: int, most: float, follows: int, depth: int) -> int:
        def once(ahead: int) -> int:
            self.at = start
            step = self.atom(ahead, depth)
            self.at = end
            return step

        if most == float("inf"):
            again = self.step(None, [follows])
            self.steps[again][1].append(once(again))
            follows = again
        else:
            for _ in range(int(most) - least):
                follows = self.step(None, [follows, once(follows)])
        for _ in range(least):
            follows = once(follows)
        return follows

    def atom(self, follows: int, depth: int) -> int:
        character = self.peek()
        self.at += 1
        if character == "(":
            if self.peek() == "?":
                if self.source[self.at : self.at + 2] != "?:":
                    raise ExpressionError(f"the pattern {self.source[:40]!r} looks ahead, looks behind or names a group")
                self.at += 2
            inside = self.either(follows, depth + 1)
            if self.peek() != ")":
                raise ExpressionError(f"a bracket of the pattern {self.source[:40]!r} is not closed")
            self.at += 1
            return inside
        if character in "*+?{":
            raise ExpressionError(f"nothing stands before a repeat in the pattern {self.source[:40]!r}")
        if character in "^$":
            return self.step(character, [follows])
        if character == ".":
            return self.step(_Class((), (LINE_ENDS,), other=True), [follows])
        if character == "[":
            return self.step(self.choice(), [follows])
        if character == "\\":
            if self.peek() in ("b", "B"):
                self.at += 1
                return self.step(self.source[self.at - 1], [follows])
            meant = self.escaped()
            return self.step(_Class(((meant, meant),)) if isinstance(meant, str) else meant, [follows])
        return self.step(_Class(((character, character),)), [follows])

    def escaped(self) -> str | _Class:
        character = self.peek()
        self.at += 1
        if character == "":
            raise ExpressionError(f"the pattern {self.source[:40]!r} ends with a backslash")
        if character in "dDwWsS":
            return _Class((), ({"d": DIGITS, "w": WORD, "s": SPACES}[character.lower()],), other=character.isupper())
        if character in "xu":
            length = 2 if character == "x" else 4
            code = self.source[self.at : self.at + length]
            if len(code) == length and all(digit in "0123456789abcdefABCDEF" for digit in code):
                self.at += length
                return chr(int(code, 16))
        if character in "123456789":
            raise ExpressionError(f"the pattern {self.source[:40]!r} refers back to a group")
        return ESCAPES.get(character, character)

    def choice(self) -> _Class:
        other = self.peek() == "^"
        self.at += other
        ranges: list[tuple[str, str]] = []
        sets: list[_Class | frozenset[str]] = []
        while self.peek() != "]":
            low = self.member()
            if isinstance(low, _Class):
                sets.append(low)
                continue
            high: str | _Class = low
            if self.peek() == "-" and self.source[self.at + 1 : self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.member()
            if isinstance(high, _Class) or high < low:
                raise ExpressionError(f"a range of the pattern {self.source[:40]!r} runs backwards")
            ranges.append((low, high))
        self.at += 1
        return _Class(tuple(ranges), tuple(sets), other)

    def member(self) -> str | _Class:
        character = self.peek()
        if not character:
            raise ExpressionError(f"a class of the pattern {self.source[:40]!r} is not closed")
        self.at += 1
        if character != "\\":
            return character
        if self.peek() == "b":
            self.at += 1
            return "\b"
        return self.escaped()
