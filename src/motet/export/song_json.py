"""A song as JSON: names, tags, what services call its audio features, sections; and where each of them comes from."""

from __future__ import annotations

import json
import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from motet.export.publishing import blaming, sync

KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
MODES = ("Minor", "Major")
# A section's fields, in this order; these as int, the others as float.
SECTION = (
    "start", "duration", "confidence", "loudness", "tempo", "tempo_confidence", "key", "key_confidence",
    "mode", "mode_confidence", "time_signature", "time_signature_confidence",
)  # fmt: skip
_COUNTED = frozenset({"key", "mode", "time_signature"})
# What ends up under another name than its fact's.
_NAMED_AFTER = {"duration_ms": "duration"}

_ENDLESS = 1e15
_NAME_BYTES = 120  # of a file's name, before its suffix: short enough for every disk, with room for a number
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")})
_FORBIDDEN = dict.fromkeys(map(ord, '<>:"/\\|?*'), "_")

Told = Mapping[str, Any]


def song_json(identity: Told, tags: Iterable[Told], facts: Mapping[str, Told], sections: Sequence[Told]) -> dict[str, Any]:
    """The record of a song.

    Fields and order: Song, Artist, Tags, duration_ms, acousticness, energy, key ("A"), mode ("Major"), tempo (BPM),
    sections, provenance. What is not known is None.

    `identity` has "title" and "artist", and whatever else tells how sure they are, which goes into the provenance. `tags`
    have "name" and the other fields of `motet.sources.tags.Tag`, heaviest first. `facts` are by field as
    `motet.sources.merging.record` writes them: "value", "source", "time", "confidence", "conflicts"; of these duration (s),
    acousticness, energy, key (0-11, -1 unknown), mode (0 or 1) and tempo are used. `sections` are Motet's own, as
    `motet.midi.as_services_did` gives them: a service's times belong to another recording. Raises ValueError if
    one lacks a field.
    """
    heard = {field: _number(facts.get(field, {}).get("value")) for field in ("duration", "acousticness", "energy", "tempo")}
    tags = list(tags)
    key, mode = (facts.get(field, {}).get("value") for field in ("key", "mode"))
    tonic = KEYS[key] if type(key) is int and 0 <= key < len(KEYS) else None
    song: dict[str, Any] = {
        "Song": identity.get("title") or None,
        "Artist": identity.get("artist") or None,
        "Tags": [tag["name"] for tag in tags],
        "duration_ms": None if heard["duration"] is None else round(heard["duration"] * 1000),
        "acousticness": _rounded(heard["acousticness"], 4),
        "energy": _rounded(heard["energy"], 4),
        "key": tonic,
        # The mode of an unknown tonic is no mode.
        "mode": MODES[mode] if tonic and type(mode) is int and 0 <= mode < len(MODES) else None,
        "tempo": _rounded(heard["tempo"], 3),
        "sections": [_section(section) for section in sections],
    }
    told = {field: facts[_NAMED_AFTER.get(field, field)] for field in song if _NAMED_AFTER.get(field, field) in facts}
    song["provenance"] = {
        "identity": dict(identity),
        "Tags": [dict(tag) for tag in tags],
        **{field: dict(fact) for field, fact in told.items()},
        "sections": {"source": "motet"},
    }
    return song


def write(songs: Iterable[dict[str, Any]], folder: Path) -> list[str]:
    """Write each song to a file "Artist - Title.json" of `folder`, whole or not at all, and return the names.

    No two names of one call differ in case or accents' form only: the second song of a name gets " (2)". A file that is
    there already under the name is replaced. Raises UserError where the folder cannot be written to, ValueError for a song
    with NaN in its provenance.
    """
    taken: dict[str, int] = {}
    written: list[str] = []
    with blaming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for song in songs:
        with blaming(folder):
            written.append(f"{_free(_name(song), taken)}.json")
            _replace(folder / written[-1], song)
    with blaming(folder):
        sync(folder)
    return written


def _section(section: Told) -> dict[str, float | int | None]:
    if lacking := [field for field in SECTION if field not in section]:
        raise ValueError(f"a section lacks {', '.join(lacking)}")
    numbers = {field: _number(section[field]) for field in SECTION}
    return {field: int(value) if field in _COUNTED and value is not None else value for field, value in numbers.items()}


def _number(value: Any) -> float | None:
    """A float; None for what is not known, no number, or beyond all measure."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < _ENDLESS else None  # NaN is not below it either


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _name(song: Told) -> str:
    """The artist's and the song's names as a file may be called on every disk."""
    shown = " - ".join(str(name)[:_NAME_BYTES] for name in (song["Artist"], song["Song"]) if name)
    # Also what is written from right to left and invisible: categories of control, format, surrogate and the unassigned.
    shown = "".join(c for c in unicodedata.normalize("NFC", shown) if unicodedata.category(c)[0] != "C").translate(_FORBIDDEN)
    shown = shown.encode()[:_NAME_BYTES].decode(errors="ignore").strip(" .")
    if shown.partition(".")[0].strip().casefold() in _RESERVED:
        shown = f"_{shown}"
    return shown or "unidentified"


def _free(name: str, taken: dict[str, int]) -> str:
    """The name, or the first with a number after it that is not taken; and takes it. Counts on from the last of that name."""
    free, number = name, taken.get(_alike(name), 0)
    while _alike(free) in taken:
        number += 1
        free = f"{name} ({number})"
    taken[_alike(name)] = max(number, 1)
    taken.setdefault(_alike(free), 1)
    return free


def _alike(name: str) -> str:
    """Equal for names that some disk holds to be one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _replace(path: Path, song: dict[str, Any]) -> None:
    # Half a surrogate pair is no text that a file can hold.
    data = json.dumps(song, ensure_ascii=False, indent=2, allow_nan=False).encode(errors="replace")
    temporary = path.with_name(f".{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
