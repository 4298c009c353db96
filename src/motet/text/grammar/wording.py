"""Words for instruments and numbers, with the article and the number that English gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from random import Random

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

# General MIDI's names in other words. One is used where no other instrument of the clip could be meant by it.
CALLED = {
    "grand piano": ("piano", "piano"), "bright piano": ("piano",), "acoustic grand piano": ("piano",),
    "honky-tonk piano": ("piano",),
    "nylon-string guitar": ("guitar", "nylon guitar"), "steel-string guitar": ("guitar",),
    "jazz guitar": ("guitar",), "clean electric guitar": ("guitar", "electric guitar"),
    "muted electric guitar": ("electric guitar", "guitar"), "overdriven guitar": ("electric guitar", "guitar"),
    "distorted guitar": ("electric guitar", "guitar"), "upright bass": ("bass",), "fingered bass": ("bass", "bass guitar"),
    "picked bass": ("bass", "bass guitar"), "fretless bass": ("bass",), "slap bass": ("bass",), "synth bass": ("bass",),
    "drawbar organ": ("organ",), "percussive organ": ("organ",), "rock organ": ("organ",),
    "church organ": ("organ", "pipe organ"),
    "string ensemble": ("strings",), "slow strings": ("strings",), "tremolo strings": ("strings",),
    "pizzicato strings": ("plucked strings",), "synth strings": ("synthesised strings",), "brass section": ("brass",),
    "soprano saxophone": ("saxophone", "soprano sax"), "alto saxophone": ("saxophone", "alto sax"),
    "tenor saxophone": ("saxophone", "tenor sax"), "baritone saxophone": ("saxophone", "baritone sax"),
    "French horn": ("horn",), "double bass": ("contrabass",), "square-wave lead": ("square-wave synth",),
    "sawtooth lead": ("sawtooth synth",),
}  # fmt: skip
_SINGULAR_S = ("bass", "glass", "brass")
_NO_ARTICLE = ("noise", "brass", "applause", "bass and lead synth")
_PLURAL = ("timpani", "guitar harmonics")
_VOWEL = re.compile(
    r"(?!uni|use|usu|uk\b|uku|uto|us\b|eur|ewe|one\b|once|u\b)[aeiou]|hour|honest|heir|honour|(?:8|1[18](?!\d))", re.IGNORECASE
)
_LETTERED = re.compile(r"[aefhilmnorsx](?![a-z])|[AEFHILMNORSX](?:[A-Z&]|\b)|[fhlmnrsx][^aeiouy\W]*(?![\w])", 0)
_WORDS = re.compile(r"[^\W_]+")


@cache
def is_plural(name: str) -> bool:
    """Whether an instrument's name takes a verb in the plural, as "strings" does."""
    return name in _PLURAL or (name.endswith("s") and not name.endswith(_SINGULAR_S))


def takes_article(name: str) -> bool:
    """Whether "a" may stand before an instrument's name."""
    return not is_plural(name) and not name.endswith(_NO_ARTICLE)


def with_article(phrase: str) -> str:
    """A phrase with "a" or "an", by its sound: "an 8-second", "a unison", "an FM", "an hour", "an R&B", "a UK"."""
    return f"{'an' if _VOWEL.match(phrase) or _LETTERED.match(phrase) else 'a'} {phrase}"


def listed(names: Sequence[str], random: Random) -> str:
    """Names with commas and "and", now and then with a comma before it."""
    if len(names) < 2:
        return "".join(names)
    serial = "," if len(names) > 2 and random.random() < 0.3 else ""
    return f"{', '.join(names[:-1])}{serial} and {names[-1]}"


def folded(text: str) -> str:
    """Words in lower case between single spaces, so that a name is found whole."""
    return " ".join(["", *_WORDS.findall(text.casefold()), ""])
