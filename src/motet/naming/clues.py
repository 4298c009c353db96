"""What tells the name of a song: a text, and where it was found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

Where = Literal["file name", "folder", "archive", "track name", "lyric", "text", "copyright", "tag", "info"]
PLACES: tuple[str, ...] = get_args(Where)

MOST_CLUES = 60
LONGEST_LYRIC = 4_000  # characters
_FOLDERS = 3  # the innermost that are looked at
_SLASH = re.compile(r"[/\\]+")


@dataclass(frozen=True)
class Clue:
    """A text that may name the song, and where it stood. A tag or an info may begin with `artist:` or `title:`."""

    text: str
    where: Where


def clues_of_path(path: str) -> list[Clue]:
    """The file name, up to three folders around it, innermost first, and the archive it lies in (`songs.zip!/a/b.mid`).

    Windows' slashes count as slashes. The path is text only; nothing is opened.
    """
    *archives, inside = path.split("!/")
    *folders, name = [part for part in _SLASH.split(inside) if part not in ("", ".", "..")] or [""]
    found = [Clue(name, "file name")]
    found += [Clue(folder, "folder") for folder in folders[: -_FOLDERS - 1 : -1]]
    found += [Clue(_SLASH.split(archive)[-1], "archive") for archive in archives[-1:]]
    return found


def clues_of_midi(data: bytes) -> list[Clue]:
    """What a MIDI file says of itself: the title and names a karaoke file declares, names of tracks, texts, copyright, lyrics.

    At most 59 clues, so that a file name fits before them. Raises `motet.midi.Unreadable` for what is no MIDI.
    """
    from motet import midi

    said = midi.words(data)
    declared = [notice.text[2:] for notice in said.notices if notice.text[:2] == "@T"]
    found = [Clue(text, "text") for text in declared[:4]]
    found += [Clue(one.text, "track name") for one in said.track_names[:20]]
    found += [Clue(one.text, "text") for one in said.texts[:20]]
    found += [Clue(one.text, "copyright") for one in said.copyrights[:5]]
    found += [Clue(said.lyrics[:LONGEST_LYRIC], "lyric")] if said.lyrics.strip() else []
    return [clue for clue in found if clue.text.strip()][: MOST_CLUES - 1]
