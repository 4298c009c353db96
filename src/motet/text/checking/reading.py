"""What a caption claims: its words, its numbers and its mentions of instruments, and from them every checkable assertion.

The text is folded and cut to tokens. What the lexicon knows is marked; an instrument becomes `@n`, a number `#n`. On that
short form patterns say who has which role, enters when, and before whom. Nothing here looks at the facts.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from motet.text.checking.denials import absent, denials
from motet.text.checking.lexicon import Meaning, fold, lexicon

LONGEST = 4_000  # characters that are read; a caption is never so long
_LONGEST_PHRASE = 6

_TOKEN = re.compile(r"\d+(?:[.,:]\d+)*(?![^\W_])|r ?& ?b|r'n'b|[^\W_]+(?:'[^\W_]+)*|[.,;:!?()\[\]–—−/+♭♯#\"“”|=…&→>]|\n")
_UNITS = {w: n for n, w in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen".split())}  # fmt: skip
_TENS = {w: 10 * n for n, w in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_IDIOMS = re.compile(
    r"\b(?:(?:lead|inner|second|third|fourth|upper|lower|middle|independent) voices?\b|(?:plays?|playing|takes?|taking|took|"
    r"play) (?:an? )?(?:key|major|minor|leading|instrumental|"
    r"second) (?:role|part|fiddle)|second fiddle|fit as a fiddle|fiddl(?:e|ing) (?:around|with|"
    r"about)|strings? (?:are |come |is )?attached|(?:a|the) string of|strings? together|pull(?:s|"
    r"ing)? (?:out )?(?:all )?(?:the |some )?(?:strings|stops)|string along"
    r"|brass tacks|bold as brass|top brass|brass neck|harps? on|harping on|rings? a bell|clear "
    r"as a bell|(?:all the )?bells and whistles|with bells on|alarm bells?|saved by the bell|saving "
    r"grace|clean as a whistle|whistle stop|blow(?:s|ing)? the whistle|wet (?:your|its) whistle|"
    r"pipe dream|pipes? up|pipes? down|(?:blow|toot|blows|toots|blowing|tooting)(?:ing|s)? (?:its|"
    r"their|his|her|your|one's) own (?:horn|trumpet)s?|horns of a dilemma|locks? horns"
    r"|drums? up|drumming up|drums? (?:home|into)|own drum(?:mer)?|different drum(?:mer)?|(?:drum "
    r"?roll) please|whole kit|kit and caboodle|tool ?kit|gives? voice|voice of reason|one (?:low |deep |high |single )?voice|"
    r"(?:rais|lower)(?:es?|ing) (?:the|its|their|his|her|a) voices?|"
    r"(?:its|their) (?:own )?voices?|(?:another|new|further|fresh|additional|one more|instrumental) voices?|inner voice|"
    r"find(?:s|ing)? (?:its|their) voice|second wind|wind(?:s|ing)? (?:down|up)|(?:in|"
    r"to) the wind|gone with the wind|winds of change|(?:break|like the) wind|off the record|for "
    r"the record|on record|upright (?:citizen|position)|brush(?:es|ed)? (?:up|off|aside)|kicks? "
    r"(?:in|off|back|out|things off)|kick start|kicks (?:of|from)"
    r"|(?:minor|major|two|both|three|change|changes|changing|different|related|flat|sharp|distant)"
    r" keys|keys? of (?!the)|key (?:to|figure|ingredient|element|feature|point|moment|change|player)"
    r"|in good voice|swan song|food for thought|in full swing|mood swings?|swings and roundabouts|"
    r"swings? (?:into|by|between|from|back)|quick (?:look|word|wins?|succession|order|burst|fade)|rapid succession|"
    r"takes? (?:its|their) time|fast (?:forward|track|food|"
    r"asleep|friends)|slow (?:burn|burner|motion)|loud and clear|soft spot|on the fast track|"
    r"thick of|through thick and thin|thin (?:ice|line|on the ground)|minor (?:details?|"
    r"quibble|miracle|point|matter|role|setback|complaint)|major (?:league|leagues|player|role|"
    r"event|part(?! of the)|point|thirds?|sixths?)|minor thirds?|minor sixths?|high (?:time|point|"
    r"spot|street|note|five|hopes|marks|praise)|low (?:key|point|ebb|hanging|profile)|in the long "
    r"run|at long last|country mile|rock solid|rock steady beat|between a rock|rock bottom|soul "
    r"mates?|heart and soul|bare one's soul|body and soul|pop (?:up|in|by|out|quiz)|pops? (?:up|"
    r"in)|on the house|house(?:s|d) |full house|bring(?:s|ing)? the house down|steals? the (?:march|"
    r"thunder)|stolen a march|march(?:es|ing)? (?:on|in|past|off)|metal(?:lic)? (?:sheen|glint|"
    r"edge)|pedal to the metal|in (?:good|fine|mint) (?:time|shape)|in time|blues? (?:skies|sky)"
    r"|feels? the blues|folks\b|once in a blue moon|punk'd|song and dance|dance around|dances? "
    r"(?:around|with|over|above|about|across|between|through|along)|flat out|falls? flat|sharp "
    r"(?:contrast|edge|relief|left)|on the beat|natural(?:ly)?|note to self|of note|takes? note)"
    r"\b"
)
INST = r"(?:bass)?@\d+"  # an instrument in the short form
SORTS = ("alto", "tenor", "soprano", "baritone")  # of saxophone, said alone
_PLACE = re.compile(r"@(\d+)")
_UNREAL = re.compile(
    r"\b(?:if|as though|whether|compared (?:with|to)|mistaken for|imitat\w+|mimic\w+|in the sense of|resembl\w+|reminiscent of|"
    r"(?<!sounds )(?<!sound )like an?|unlike|might (?:expect|have been|be)|would (?:have|use|be|need|call for|expect)|"
    r"could (?:be|have been|pass for)|in place of|"
    r"(?:often|usually|normally|typically|as a rule|tends? to)|stands? in for|standing in for|replac(?:es|ing) the usual|"
    r"(?:does|do|doing) the (?:job|work) of|(?:nobody|no one|no player) (?:solos|improvises|shines|wails|shows off)(?: on)?)\b"
    r"[^,;:().!?]*"
)
_ASKED = re.compile(r"[^.!?;\n]+\?")
_ENDS = frozenset(".!?;\n")


@dataclass(frozen=True, slots=True)
class Token:
    word: str
    start: int
    end: int
    glued: bool  # to the word before, or parted from it by a space or hyphen only


@dataclass(frozen=True, slots=True)
class Mention:
    """Tokens first to last (exclusive) that the lexicon knows."""

    first: int
    last: int
    meanings: tuple[Meaning, ...]

    def means(self, kind: str) -> str:
        return next((what for which, what in self.meanings if which == kind), "")


@dataclass(frozen=True, slots=True)
class Assertion:
    """One thing said: any of `meanings` would do. `start` and `end` are characters of the caption; `said` is denied if not."""

    kind: str
    meanings: tuple[tuple[str, Any], ...]
    start: int
    end: int
    said: bool = True


@dataclass
class Reading:
    """A caption taken apart. `line` is its short form, its tokens joined by spaces."""

    caption: str
    tokens: list[Token]
    mentions: list[Mention]
    numbers: dict[int, float]  # by first token of the short form's number
    short: list[tuple[str, int, int]]  # word, first and last token
    starts: list[int] = field(default_factory=list)
    line: str = ""

    def __post_init__(self) -> None:
        at = 0
        for word, _, _ in self.short:
            self.starts.append(at)
            at += len(word) + 1
        self.line = " ".join(word for word, _, _ in self.short)

    @cached_property
    def ends(self) -> list[int]:
        """Places in the line where sentences end."""
        return [at for at, (word, _, _) in zip(self.starts, self.short, strict=True) if word in _ENDS] + [len(self.line)]

    def place(self, at: int) -> int:
        """The item of the short form at a character of the line."""
        return max(bisect_right(self.starts, at) - 1, 0)

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Characters of the caption for characters of the line."""
        first = self.tokens[self.short[self.place(begin)][1]].start
        return first, self.tokens[self.short[self.place(max(end - 1, begin))][2] - 1].end

    def sentence(self, at: int) -> tuple[int, int]:
        """The bounds in the line of the sentence around a character of it."""
        number = bisect_right(self.ends, at - 1) if at else 0
        number = min(number, len(self.ends) - 1)
        return (self.ends[number - 1] + 1 if number else 0), self.ends[number]

    def part(self, at: int) -> str:
        """The words around a place of the line, from comma to comma."""
        first, last = self.sentence(at)
        first, end = max(first, self.line.rfind(" , ", first, at) + 1), self.line.find(" , ", at, last)
        return self.line[first : last if end < 0 else end]

    def at_token(self, token: int) -> int:
        """The character of the line where a token is."""
        low, high = 0, len(self.short) - 1
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.short[middle][1] <= token else (low, middle - 1)
        return self.starts[low]

    @cached_property
    def denials(self) -> list[tuple[int, int]]:
        return list(denials(self.line))

    @cached_property
    def absent(self) -> list[tuple[int, int]]:
        return list(absent(self.line))

    @cached_property
    def unreal(self) -> list[tuple[int, int]]:
        """Stretches of the line that compare, suppose or ask for what need not be there."""
        # "Is it legato or staccato?" says neither.
        asked = [match.span() for match in _ASKED.finditer(self.line) if " or " in match.group()]
        return asked + [match.span() for match in _UNREAL.finditer(self.line)]

    def supposed(self, begin: int) -> bool:
        """Whether the words at a place of the line are said of nothing that need be there."""
        return any(first <= begin < last for first, last in self.unreal)

    def denied(self, begin: int, end: int | None = None) -> bool:
        """Whether an odd number of denials reach over the words at a place of the line."""
        return sum(first <= begin < last for first, last in self.denials) % 2 == 1

    def value(self, number: str | None) -> float:
        """The value of a number of the short form, without its `#`."""
        return self.numbers.get(int(number), 0.0) if number else 0.0

    def kind_of(self, who: str) -> str:
        """The instrument of an `@n` of the short form."""
        place = _PLACE.search(who)
        return self.mentions[int(place.group(1))].means("instrument") if place else ""

    def made(self, kind: str, meanings: tuple[tuple[str, Any], ...], begin: int, end: int, said: bool | None = None) -> Assertion:
        """What is said at a place of the line; denied if the place is, unless `said` tells."""
        first, last = self.span(begin, end)
        return Assertion(kind, meanings, first, last, not self.denied(begin) if said is None else said)


def read(caption: str) -> Reading:
    """A caption's tokens, numbers and mentions. The first 4,000 characters are read."""
    caption = caption[:LONGEST]
    tokens = _tokens(caption)
    idioms = [match.span() for match in _IDIOMS.finditer(fold(caption).replace("-", " "))]
    mentions = [
        one
        for one in _mentions(tokens)
        if not any(start <= tokens[one.first].start and tokens[one.last - 1].end <= end for start, end in idioms)
    ]
    numbers: dict[int, float] = {}
    short: list[tuple[str, int, int]] = []
    instruments = {mention.first: (number, mention) for number, mention in enumerate(mentions) if mention.means("instrument")}
    at = 0
    while at < len(tokens):
        word = tokens[at].word
        if at in instruments:
            number, mention = instruments[at]
            last = tokens[mention.last - 1].word
            plain = word if mention.last == at + 1 and word in ("bass", "basses") else ""
            short.append((f"{'bass' if plain else ''}@{number}", at, mention.last))
            if last.endswith("'s"):
                short.append(("'s", mention.last - 1, mention.last))
            at = mention.last
            continue
        value, last_token = _number(tokens, at)
        if word == "one" and at and tokens[at - 1].word == "not":
            value = None  # "not one guitar" is none
        if value is not None:
            numbers[at] = value
            short.append((f"#{at}", at, last_token))
            at = last_token
            continue
        short.append((word, at, at + 1))
        at += 1
    return Reading(caption, tokens, mentions, numbers, short)


def _tokens(caption: str) -> list[Token]:
    found = []
    folded = fold(caption)
    before = 0
    for match in _TOKEN.finditer(folded):
        gap = folded[before : match.start()]
        found.append(Token(match.group(), match.start(), match.end(), not gap.strip(" -'\t_*")))
        before = match.end()
    return found


def _mentions(tokens: list[Token]) -> list[Mention]:
    """The longest phrases of the lexicon, from left to right."""
    known = lexicon()
    found = []
    at = 0
    while at < len(tokens):
        word = tokens[at].word
        phrases = known.get(word)
        bare = word.removesuffix("'s") if word.endswith("'s") else word
        if phrases is None and bare != word:
            phrases = known.get(bare)
        if phrases is None:
            at += 1
            continue
        words: list[str] = []
        best: Mention | None = None
        for last in range(at, min(at + _LONGEST_PHRASE, len(tokens))):
            if last > at and not tokens[last].glued:
                break
            plain = tokens[last].word
            stripped = plain.removesuffix("'s")
            for one in {plain, stripped}:
                if (meanings := phrases.get((*words, one))) and not _of_a_fraction(tokens, last):
                    best = Mention(at, last + 1, meanings)
            words.append(plain if not (last == at and word not in known) else bare)
        if best:
            found.append(best)
            at = best.last
        else:
            at += 1
    return found


def _of_a_fraction(tokens: list[Token], last: int) -> bool:
    """Whether a token is the upper number of a metre: "a solo electric piano 2/2 piece" has no electric piano 2."""
    return tokens[last].word.isdigit() and last + 1 < len(tokens) and tokens[last + 1].word == "/"


def _number(tokens: list[Token], at: int) -> tuple[float | None, int]:
    """The number that begins at a token, in digits or words, and where it ends."""
    word = tokens[at].word
    if word[0].isdigit() and word[0].isascii():
        try:
            if ":" in word:
                minutes, _, seconds = word.partition(":")
                return 60.0 * int(minutes) + float(seconds), at + 1
            return min(float(word.replace(",", "")), 1e9), at + 1
        except ValueError:
            return None, at
    value: float | None = None
    end = at
    if word in ("a", "one") and at + 1 < len(tokens) and tokens[at + 1].word == "hundred":
        value, end = 100.0, at + 2
    elif word == "two" and at + 1 < len(tokens) and tokens[at + 1].word == "hundred":
        value, end = 200.0, at + 2
    if value is not None:
        if end < len(tokens) and tokens[end].word == "and":
            end += 1
        more, last = _below_hundred(tokens, end)
        if more is None:
            return value, end - (tokens[end - 1].word == "and")
        return value + more, last
    value, end = _below_hundred(tokens, at)
    if value is not None and [token.word for token in tokens[end : end + 3]] == ["and", "a", "half"]:
        return value + 0.5, end + 3
    return value, end


def _below_hundred(tokens: list[Token], at: int) -> tuple[float | None, int]:
    if at >= len(tokens):
        return None, at
    word = tokens[at].word
    if word in _TENS:
        if at + 1 < len(tokens) and tokens[at + 1].glued and 0 < _UNITS.get(tokens[at + 1].word, 0) < 10:
            return float(_TENS[word] + _UNITS[tokens[at + 1].word]), at + 2
        return float(_TENS[word]), at + 1
    if word in _UNITS:
        return float(_UNITS[word]), at + 1
    return None, at
