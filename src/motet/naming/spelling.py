"""Names in a form in which spellings of one song meet: words, and two keys without spaces."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 300  # characters of a name that are looked at; no song is called more

_LETTERS = str.maketrans({
    "ø": "o", "đ": "d", "ð": "d", "ł": "l", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "’": "'", "‘": "'", "`": "'",
    "´": "'", "ʼ": "'", "ʻ": "'",
})  # fmt: skip
_SYMBOLS = str.maketrans({"&": " and ", "'": "", '"': " "})
_WORD = re.compile(r"[^\W_]+")
_DOUBLED = re.compile(r"([^\W\di])\1+")  # not the numbers II and 22
# What is written in many ways, one way. Both sides are treated alike, so it does no harm inside a word.
_ONE_WAY = [
    ("the", ""), ("you", "u"), ("love", "luv"), ("night", "nite"), ("ing", "in"), ("and", "n"), ("one", "1"), ("two", "2"),
    ("too", "2"), ("to", "2"), ("three", "3"), ("four", "4"), ("for", "4"), ("five", "5"), ("seven", "7"), ("eight", "8"),
    ("ph", "f"), ("part", "pt"),
]  # fmt: skip


def folded(text: str) -> str:
    """The text in lower case without accents and apostrophes, `&` as "and"; of no more than 300 characters."""
    text = text[:LONGEST]
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
        text = "".join(letter for letter in text if not unicodedata.combining(letter)).translate(_LETTERS)[:LONGEST]
    return text.lower().translate(_SYMBOLS)


def words(text: str) -> tuple[str, ...]:
    """The words of a text, folded: letters and digits of any script. Of the first 300 characters, as all here."""
    return _words(text[:LONGEST])


@lru_cache(1 << 15)
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(text)))


def plain(text: str) -> str:
    """Its letters and digits in one run: "I'm a Believer" and `imabeliever` meet."""
    return _plain(text[:LONGEST])


@lru_cache(1 << 15)
def _plain(text: str) -> str:
    return "".join(_words(text))


def loose(run: str) -> str:
    """The same for a plain run, blind to `u` or "you", `4` or "for", doubled letters and "the"."""
    for written, so in _ONE_WAY:
        run = run.replace(written, so)
    return _DOUBLED.sub(r"\1", run)


def artist_key(artist: str) -> str:
    """An artist's words in alphabetical order: "Gaye,Marvin" and "Marvin Gaye" are one; "the" and "and" do not count."""
    found = words(artist)
    return " ".join(sorted(word for word in found if word not in ("the", "and")) or found)


def grams(run: str) -> list[str]:
    """The different three-letter pieces of a run with its ends marked; what a misspelt name still shares with the title."""
    marked = f"^{run}$"
    return sorted({marked[at : at + 3] for at in range(len(marked) - 2)})
