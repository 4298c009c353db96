"""How varied captions are: distinct n-grams, and the share that reads alike once the facts are masked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from motet.midi.general_midi import DRUMS, PROGRAMS
from motet.text import words
from motet.text.grammar.facts import PIECE_TEMPI
from motet.text.grammar.wording import CALLED, NUMBERS


@dataclass(frozen=True)
class Variety:
    """How varied captions are.

    `distinct4` is the share of different 4-grams of words among all, the mean over samples of 200 captions in the order given.
    `commonest_frame_share` is the share of the captions that read alike once words for facts (instruments, numbers, keys,
    chords, tempo words) are masked and lists of them are one; `commonest_frame` shows it. Comma lists of tags hold
    facts only, so their frames say nothing.
    """

    captions: int
    distinct4: float
    commonest_frame_share: float
    commonest_frame: str
    mean_words: float


SAMPLE = 200  # captions of a sample for 4-grams


def variety(captions: Iterable[str], names: Iterable[str] = ()) -> Variety:
    """How varied captions are; `names` are further words for facts, such as the genres and moods of the records.

    Raises ValueError without captions.
    """
    told = list(captions)
    if not told:
        raise ValueError("no captions to measure the variety of")
    shares, total = [], 0
    for begin in range(0, len(told), SAMPLE):
        grams: list[tuple[str, ...]] = []
        for caption in told[begin : begin + SAMPLE]:
            said = re.findall(r"[\w/&'#-]+", caption.lower())
            total += len(said)
            grams += zip(said, said[1:], said[2:], said[3:], strict=False)
        if grams and (begin == 0 or begin + SAMPLE <= len(told)):  # a last sample that is smaller would read as more varied
            shares.append(len(set(grams)) / len(grams))
    mask = _masking(frozenset(names))
    frames = Counter(_frame(caption, mask) for caption in told)
    frame, count = frames.most_common(1)[0]
    distinct = sum(shares) / len(shares) if shares else 1.0
    return Variety(len(told), distinct, count / len(told), frame, total / len(told))


@cache
def _masking(names: frozenset[str]) -> re.Pattern[str]:
    known = {*PROGRAMS, DRUMS, *names, *(one for those in CALLED.values() for one in those)}
    known |= {one for those in (*words.TEMPO_WORDS.values(), *PIECE_TEMPI.values()) for one in those}
    known |= {*NUMBERS[2:], *words.GROUPS.values(), "waltz", "common time", "compound time"}
    words_ = "|".join(re.escape(one) for one in sorted(known, key=lambda one: (-len(one), one)) if one)
    chord = (
        r"[A-G](?:[b#]|(?= flat| sharp| major| minor|[\W\d]|m|dim|aug|sus))(?:m|dim|aug|sus|maj|[0-9b#/A-G])*(?: flat| sharp)?"
    )
    return re.compile(rf"(?<![\w-])(?:(?i:{words_})|{chord}(?: (?:major|minor))?|(?i:major|minor)|\d[\w/]*)(?![\w#])")


def _frame(caption: str, mask: re.Pattern[str]) -> str:
    masked = re.sub(r"\b[Aa]n\b", "a", mask.sub("_", caption))
    return re.sub(r"(?:(?:a |the )?_(?:,? and |, |–))+(?:a |the )?_", "_", masked)
