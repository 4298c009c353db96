"""Crowd tags in order: one spelling for each, the noise gone, sorted by what they say of a song.

Every tag takes the first way that fits (docs/tags.md): the song's own names are removed; a year or decade is an era; a term of
the vocabulary is itself; a list is its members; personal tags are removed; several terms in a row are each themselves; what
ends in a genre or an instrument is one ("swamp metal"); the rest is "other".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from motet.sources.vocabulary import find, fold

LONGEST = 100  # characters of a tag; longer ones are no tags, and are removed
MOST = 1000  # tags of a song that are kept, the heaviest
UNCOUNTED = 0.5  # the weight of a tag whose source gives no count

# How often the kind was right, by the way taken: of 200 recorded tags judged by hand before the first reading 150 of 150, 7 of 9,
# 5 of 7 and 12 of 19 (docs/tags.md), each with one right and one wrong added.
CERTAIN, JOINED, HEADED, UNKNOWN = 0.99, 0.73, 0.67, 0.62

Raw = tuple[str, float | None, str]


@dataclass(frozen=True, slots=True)
class Tag:
    """What a crowd says of a song.

    `name` is in lower case; `kind` one of genre, mood, instrument, era, region, other. `weight` is the crowd's count as a
    share of the top tag's, 0 to 1, or 0.5 where a source does not count. `confidence`, 0 to 1, is that the kind is right;
    whether the crowd is right nobody measured.
    """

    name: str
    kind: str
    weight: float
    sources: tuple[str, ...]
    confidence: float


def normalise(tags: Iterable[Raw], artist: str = "", title: str = "") -> list[Tag]:
    """The tags of a song, the heaviest first, each name once, whatever their order was.

    A raw tag is its text, a count of 0 to 100 or None, and the source. Counts outside are brought to the nearest; a tag
    that was voted down (below 0) or counts NaN is left out. Of equal tags the greatest weight counts, and all sources are
    named. At most the 1,000 heaviest tags come back; text of more than 100 characters is no tag.
    """
    own = _own(artist[:_LONGEST_NAME], title[:_LONGEST_NAME])
    found: dict[str, Tag] = {}
    for text, count, source in tags:
        if len(text) > LONGEST or (count is not None and not count >= 0):
            continue
        weight = UNCOUNTED if count is None else min(count, 100) / 100
        for name, kind, confidence in _read(text, own):
            merge(found, Tag(name, kind, weight, (source,), confidence))
    return ordered(found.values())[:MOST]


def scaled(votes: Iterable[tuple[str, float | None]], source: str) -> list[Raw]:
    """Raw tags of a source that counts votes, as MusicBrainz does: the tag with most of them counts 100, all others a share."""
    votes = list(votes)
    top = max((count for _, count in votes if count is not None and 0 < count < math.inf), default=100)
    return [(text, None if count is None else 100 * min(count, top) / top, source) for text, count in votes]


def merge(found: dict[str, Tag], tag: Tag) -> None:
    """Add a tag to those of the same song by name: the greater weight counts, and all sources."""
    known = found.get(tag.name)
    if known:
        surer = max(known, tag, key=lambda one: (one.confidence, one.kind))
        sources = tuple(sorted({*known.sources, *tag.sources}))
        tag = replace(surer, weight=max(known.weight, tag.weight), sources=sources)
    found[tag.name] = tag


def ordered(tags: Iterable[Tag]) -> list[Tag]:
    """The heaviest first, by name among equals."""
    return sorted(tags, key=lambda tag: (-tag.weight, tag.name))


_LONGEST_NAME = 500  # characters of an artist's names or a title that are looked at
_PIECES = re.compile(r"[(\[,;/]| feat\.? | ft\.? | - ", re.IGNORECASE)


def _own(artist: str, title: str) -> frozenset[str]:
    """The song's own names without spaces, as people write them into tags; parts of them unless they are terms too."""
    by, of = fold(artist).removeprefix("the "), fold(title)
    bys = {by, *(fold(piece).removeprefix("the ") for piece in _PIECES.split(artist))}
    ofs = {of, fold(_PIECES.split(title)[0])}
    names = {by, of} | {name for name in bys | ofs if len(name) > 1 and not find(name)}
    names |= {f"{one} {other}" for one in bys for other in ofs} | {f"{other} {one}" for one in bys for other in ofs}
    names |= {f"the {name}" for name in names}
    return frozenset(name.replace(" ", "") for name in names) - {"", "the"}


# What a person says of a record collection or of their own taste, not of the song, if all words are such.
_PERSONAL = frozenset(
    """
    album albums all amazing artist artists awesome bad band bands best better boring brilliant buy cant cd cds check
    checkout collection cool crap deezer default discover discovered dislike dont download downloaded epicwin essential
    essentials everything excellent fantastic fav fave faves favorit favoritas favorite favoriten favorites favoritos
    favorits favourite favourites favs flac fuck fucked fucking genius genre good gotta great guilty hated he hear heard hmm
    i id im incredible incredibles ipod it its itunes ive lastfm legend legendary legends library like liked likes listen
    listened listening loved lovedtracks loves lp masterpiece masterpieces me meh mine misc mixtape mmm mp3 mp3s music must
    musthave musthear my myspace need never nice none null ok omg other our overrated own owned pandora perfect perfection
    playlist playlists please pleasure pleasures preferred radio random rating recommendation recommendations recommended
    saw score100 seen she shit song songs soundcloud spotify star stars station stuff superb tag tagged tagging tags test
    testing that these they this those title tobuy todo tolisten top10 top100 track tracks underrated unknown untagged
    untitled us various vinyl wanna want wanted we win wishlist wonderful wont worst wow wtf yes you your youtube
    """.split()
)
# Any of these makes it so: "best of the 80s".
_TELLING = frozenset(
    """
    1001 500 albums amazing awesome best better buy cds collection dont download fav fave faves favorit favorite favorites
    favourite favourites favs fuck fucking greatest hear heard i id im it itunes ive lastfm library like liked likes listen
    listened listening loved me mine mixtape my never our own owned owns playlist playlists please radio recommendation
    recommended saw seen spotify stars tag tagged that this top us want we wishlist you your youtube
    """.split()
)
_LEAVES = frozenset("and the of in with for from a an by very so really most music song songs".split())
_NO_HEAD = frozenset("to that which who not no is are was be as at on or but when if what how too than".split()) | _TELLING

_ERA = re.compile(
    r"(?:the |early |mid |late |anni |annees |anos |lata )*((?:1[0-9]|20)[0-9]0|[0-9]0) ?(?:s|er|ies|talet)(?: era)?"
    r"|(?:anni|annees|anos|lata) ([0-9]0)|(1[5-9][0-9]{2}|20[0-9]{2})"
)
_CENTURY = re.compile(r"(1[0-9]|2[01]) ?(?:th|st) century")
_WRITTEN_OUT = {
    "twenties": "20", "thirties": "30", "forties": "40", "fifties": "50", "sixties": "60", "seventies": "70",
    "eighties": "80", "nineties": "90", "noughties": "00", "two thousands": "2000",
}  # fmt: skip
_NUMBER = re.compile(r"[0-9 ]+|[0-9]{1,3} ?(?:stars?|points?|of [0-9]+|out of [0-9]+)")
# One word with a number inside or after it, or with letters thrice in a row: a name somebody took on a web site.
_USER = re.compile(r"(?=.*[^\W\d])(?=.*\d)\w+|.*([^\W\d])\1\1.*")
_LISTED = re.compile(r"[,;/|]")
_LONGEST_TERM = 5  # words

Read = tuple[str, str, float]


def _read(text: str, own: frozenset[str]) -> list[Read]:
    """Names, kinds and confidences of one raw tag; none of one that says nothing of the song."""
    words = fold(text)[:LONGEST].strip()
    if not words or words.replace(" ", "") in own:
        return []
    if era := _era(words):
        return [(era, "era", CERTAIN)]
    if term := find(words):
        return [(term.name, term.kind, CERTAIN)]
    pieces = [piece for piece in _LISTED.split(text) if piece.strip()]
    if len(pieces) > 1 and all(len(fold(piece)) > 2 for piece in pieces):  # "AC/DC" is no list
        return [(name, kind, min(sure, JOINED)) for piece in pieces for name, kind, sure in _read(piece, own)]
    parts = words.split()
    if words.replace(" ", "") in _PERSONAL or any(part in _TELLING for part in parts) or all(part in _PERSONAL for part in parts):
        return []
    if _NUMBER.fullmatch(words) or (len(words) == 1 and words.isascii()):
        return []
    if several := _several(parts):
        return [(name, kind, JOINED) for name, kind in several]
    if head := _head(parts):
        return [(words, head, HEADED)]
    if len(parts) == 1 and _USER.fullmatch(words):
        return []
    return [(words, "other", UNKNOWN)]


def _era(words: str) -> str | None:
    """The decade ("60s", "2000s") or the century of words that say nothing else."""
    for spelled, figure in _WRITTEN_OUT.items():
        words = words.replace(spelled, f"{figure}s")
    if century := _CENTURY.fullmatch(words):
        return f"{century[1]}th century" if century[1] != "21" else "21st century"
    if not (told := _ERA.fullmatch(words)):
        return None
    decade = (told[1] or told[2] or told[3][:3] + "0").zfill(2)
    if len(decade) == 2:
        # "20s" and later are of the last century: those tags are older than the 2020s.
        decade = ("20" if decade in {"00", "10"} else "19") + decade
    return f"{decade[2:]}s" if "1930" <= decade <= "1990" else f"{decade}s"


def _several(parts: list[str]) -> list[tuple[str, str]]:
    """The terms that words are made of, the longest first from the left; none if a word is left over."""
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(parts):
        for end in range(min(len(parts), at + _LONGEST_TERM), at, -1):
            words = " ".join(parts[at:end])
            if era := _era(words):
                found.append((era, "era"))
                break
            if term := find(words):
                found.append((term.name, term.kind))
                break
        else:
            if parts[at] not in _LEAVES:
                return []
            end = at + 1
        at = end
    return list(dict.fromkeys(found))


def _head(parts: list[str]) -> str | None:
    """The kind of a genre or an instrument nobody listed, by its last words; at most four words, and no sentence."""
    if not 2 <= len(parts) <= 4 or not _NO_HEAD.isdisjoint(parts):
        return None
    for begin in range(1, len(parts)):
        term = find(" ".join(parts[begin:]))
        if term and term.kind in {"genre", "instrument"}:
            return term.kind
    return None
