"""Songs and score cues, compilations and score albums: told apart by words, each with its reason."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from motet.film.songs.listed import Kind
from motet.naming.spelling import LONGEST, artist_key, folded

VARIOUS = frozenset({"various artists", "various", "va", "v a", "diverse", "verschiedene", "artistes varies", "varios artistas"})
_SHARE = 0.7  # of an album's tracks by one artist, or called like cues, that make it a score


def _any(*ways: str) -> str:
    return f"(?:{'|'.join(ways)})"


_SOUNDTRACK = _any(
    r"sound ?track", r"o\.?s\.?t\b", r"b\.?s\.?o\b", "bande originale", "banda sonora", "colonna sonora", "filmmusik"
)  # fmt: skip
_OF_FILM = r"(?:the )?(?:(?:original|official|complete|expanded|deluxe) )*" + _any(
    "motion[ -]picture", "movie", "film", "television", "tv", "cast", "broadway"
)
_SCORE = re.compile(
    "(?i)"
    + _any(
        rf"\b{_OF_FILM} score\b", r"\b(?:original|film|complete|the) score\b", r"[(\[]score[)\]]", r"\bscore$", r"\bcomposed by\b"
    )
)
_SONGS = re.compile("(?i)" + _any(r"\b(?:songs|music) (?:and \w+ )?from\b", r"\bmore songs\b", rf"\b{_OF_FILM} songs\b"))
_INSPIRED = re.compile(r"(?i)\binspired by\b")
_MARKED = re.compile(
    r"(?i)\b"
    + _any(
        _SOUNDTRACK,
        "score\\b",
        "motion[ -]picture",
        "(?:music|songs) (?:from|inspired by)",
        "(?:movie|film) (?:music|songs|playlist)",
    )
)
# From the first of these on, a title tells of the album and no more of the film.
_TAIL = re.compile(
    r"(?i)[\s:,;/–—-]*[(\[]?\s*\b"
    + _any(
        r"(?:the |an )?(?:original|official|complete|expanded|deluxe)\b[\w\s]*?"
        r"(?:sound ?track|score|picture|songs|recording|cast)",
        r"(?:more |the )?(?:music|songs?|selections)\b[\w\s,&]*?\b(?:from|inspired by|of)\b",
        r"(?:the )?(?:motion[ -]picture|movie|film) (?:sound ?track|score|music|songs|album|playlist)",
        rf"(?:the )?{_SOUNDTRACK}",
        r"the (?:album|score)\b",
        r"\bscore[)\]]?$",
        r"(?:complete )?play ?list\b",
    )
    + ".*$"
)
_HEAD = re.compile(
    r"(?i)^(?:the )?(?:(?:original|official|complete) )*"
    + _any(_SOUNDTRACK, "score", "music", "songs", "selections")
    + r"\b\.?(?: (?:and|&) (?:songs|music|score))?(?: (?:from|of|to|and|inspired by))*"
    + rf"(?: {_OF_FILM})?(?: [:–-])?[\s:\"“'‘–-]+"
)
_CUE = re.compile(
    "(?i)"
    + _any(
        r"(?:main|end|opening|closing) (?:titles?|credits?|theme)\b.*",
        r"(?:the )?(?:prologue|epilogue|overture|finale|intermission|entr'?acte|exit music)\b.*",
        r"(?:love|[^(]{1,30}'s) theme(?: [/(:–-].*)?",
        r".*\b(?:underscore|source cue|score suite|main theme)\b.*",
        r"(?!.*\b(?:no\.? ?\d|op\.|in [a-g]\b|ballet)).{1,40} suite",  # not one in E minor
        r"(?:cue )?\d{1,2} ?m ?\d{1,3}\b.*",
        r".*\((?:theme|score|from the score)\)",
    )
    + "$"
)


@dataclass(frozen=True)
class Album:
    """What the title of an album says: the film, what is on it, and whether it is a soundtrack at all.

    `inspired`: some of it may not be in the film.
    """

    film: str
    kind: Kind
    marked: bool
    inspired: bool


def album(title: str) -> Album:
    """`Pulp Fiction (Music From the Motion Picture)` is of the film Pulp Fiction, and has songs."""
    title = " ".join(title[:LONGEST].split())
    film = _HEAD.sub("", title)
    film = _TAIL.sub("", film).strip(" :,;/–—-([\"“”'‘’") or title
    kind: Kind = "score" if _SCORE.search(title) else "song" if _SONGS.search(title) else "unknown"
    return Album(film, kind, bool(_MARKED.search(title)) or film != title, bool(_INSPIRED.search(title)))


def various(artist: str) -> bool:
    """Whether a credit names nobody in particular."""
    return folded(artist).strip(" .") in VARIOUS


def cue(title: str) -> bool:
    """Whether a title is that of a piece of a score: Main Title, End Credits, 3M12."""
    return bool(_CUE.match(" ".join(title[:LONGEST].split())))


def of_album(title: str, artist: str, tracks: Sequence[tuple[str, str]]) -> tuple[Kind, bool | None, str]:
    """The kind of an album of (title, artist) tracks, whether it is a compilation, and why.

    A soundtrack by various artists holds songs; one by a single artist is a score if it says so or its tracks are called like
    cues. What remains is unknown: songs by one band fill soundtracks, too.
    """
    told = album(title)
    by = [artist_key(one) for _, one in tracks if one and not various(one)]
    most = max(sorted(set(by)), key=by.count, default="")
    share = by.count(most) / len(by) if by else 0.0
    gathered: bool | None = various(artist) or (share < _SHARE and len(set(by)) > 2) if artist or by else None
    if told.kind == "score" and not gathered:
        return "score", gathered, "its album is called a score"
    if gathered:
        return "song", True, "its album is by various artists"
    if told.kind == "song":
        return "song", gathered, "its album is called songs or music from the film"
    if tracks and sum(cue(one) for one, _ in tracks) >= max(2, (1 - _SHARE) * len(tracks)) and share >= _SHARE:
        return "score", gathered, "its album is by one artist and many tracks are called like cues"
    return "unknown", gathered, ""


def of_track(
    title: str, artist: str, composers: Sequence[str] = (), album_kind: Kind = "unknown", why: str = ""
) -> tuple[Kind, str]:
    """The kind of one track, with the reason. `composers` are those of the film's score, if they are known."""
    if cue(title):
        return "score", "its title is that of a cue"
    if artist and any(artist_key(artist) == artist_key(one) for one in composers if one):
        return "score", "it is by the composer of the score"
    return (album_kind, why) if album_kind != "unknown" else ("unknown", "")
