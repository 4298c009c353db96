"""Clues of a recording: its embedded tags, what yt-dlp wrote beside it, and its name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from motet.errors import UserError
from motet.naming.clues import Clue, clues_of_path
from motet.naming.index import KnownSong

MOST_INFO = 16_000_000  # bytes of an `.info.json`
_LONGEST = 1_000  # characters of a tag
# What the tags of MP3, FLAC, Ogg, Opus, MP4, WAV, AIFF and ASF are called, in small letters. The identifier that Picard
# writes as "MusicBrainz Track Id" is that of the recording.
_TAGS = {
    "artist": ("artist", "tpe1", "author", "\xa9art"),
    "title": ("title", "tit2", "\xa9nam"),
    "isrc": ("isrc", "tsrc", "wm/isrc", "----:com.apple.itunes:isrc"),
    "musicbrainz_recording": (
        "musicbrainz_trackid", "musicbrainz/track id", "ufid:http://musicbrainz.org",
        "----:com.apple.itunes:musicbrainz track id",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Recording:
    """What is said of a recording: clues, the identifiers `isrc` and `musicbrainz_recording` as far as its tags have them,
    its length in seconds, None where the file does not tell, and the song as its own tags name it, None where they do not
    give artist and title."""

    clues: list[Clue]
    identifiers: dict[str, str]
    duration: float | None
    tagged: KnownSong | None = None


def clues_of_recording(path: str | Path) -> Recording:
    """Clues from the tags of an audio file, the `.info.json` that yt-dlp wrote beside it, its name and its folders.

    Tags that cannot be read and an info file that is no JSON object of up to 16 MB say nothing; the name still does. Raises
    UserError where mutagen is not installed, or the file is not there.
    """
    path = Path(path)
    tags, duration = _tags(path)
    info = _info(path)
    clues = [Clue(f"{name}:{value}", "tag") for name in ("artist", "title") if (value := tags.get(name))]
    for name, fields in (("artist", ("artist", "creator")), ("title", ("track", "title"))):
        clues += [
            Clue(f"{name}:{text[:_LONGEST]}", "info") for field in fields if isinstance(text := info.get(field), str) and text
        ]
    identifiers = {name: tags[name] for name in ("isrc", "musicbrainz_recording") if tags.get(name)}
    length = info.get("duration")
    if duration is None and isinstance(length, (int, float)) and 0 < length < 1_000_000:
        duration = float(length)
    tagged = None
    if tags.get("artist") and tags.get("title"):
        ids = (identifiers.get(name, "") for name in ("isrc", "musicbrainz_recording"))
        tagged = KnownSong(tags["artist"], tags["title"], 1, duration or 0.0, *ids)
    return Recording([*clues, *clues_of_path(str(path))], identifiers, duration, tagged)


def _tags(path: Path) -> tuple[dict[str, str], float | None]:
    try:
        import mutagen
    except ImportError:
        msg = 'Tags of recordings are read by mutagen, which is not installed: pip install "motet[recordings]".'
        raise UserError(msg) from None
    if not path.is_file():
        msg = f"There is no file {path}; name a recording."
        raise UserError(msg)
    try:
        file = mutagen.File(path)
    except (mutagen.MutagenError, ValueError, LookupError, ArithmeticError, EOFError):
        # mutagen gives up on a damaged file in many ways; what it cannot read says nothing.
        return {}, None
    if file is None:
        return {}, None
    length = getattr(file.info, "length", None)
    duration = float(length) if isinstance(length, (int, float)) and 0 < length < 1_000_000 else None
    said = {str(name).lower(): value for name, value in file.tags.items()} if file.tags is not None else {}
    found = {}
    for name, called in _TAGS.items():
        texts = (text for key in called if key in said for text in _texts(said[key]))
        if text := next(filter(None, texts), ""):
            found[name] = text[:_LONGEST]
    if "isrc" in found:
        found["isrc"] = found["isrc"].replace("-", "").upper()
    return found, duration


def _texts(value: Any) -> Iterator[str]:
    """The texts of a tag, whichever way its format holds them: a list, a frame with texts, bytes, an attribute."""
    for one in value if isinstance(value, list) else getattr(value, "text", None) or [value]:
        one = getattr(one, "value", getattr(one, "data", one))
        yield (one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one)).strip(" \0")


def _info(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".info.json")
    if not beside.is_file() or beside.stat().st_size > MOST_INFO:
        return {}
    try:
        info = json.loads(beside.read_bytes())
    except (ValueError, RecursionError):
        return {}
    return info if isinstance(info, dict) else {}
