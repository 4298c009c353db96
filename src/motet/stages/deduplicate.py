"""Songs that are another song again are dropped, each pointing at the one that stays.

Same bytes: the files are equal. Same notes: onsets and lengths in quarters, pitches, drums and programs are equal; order of
tracks, velocities, names and all metadata do not count.

Which one stays: the one read without sanitising, then the one with more tempo and metre changes (a re-save may lose them),
then more tracks, then the shorter path, then the path in alphabetical order. So a name is decided the same way every time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from motet.dataset.rows import Duplicate, Song
from motet.run import Drop, Verdict, stage

_Rank = tuple[bool, int, int, int, str, str]


def _rank(song: Song) -> _Rank:
    changes = len(song.tempo_changes) + len(song.metre_changes)
    return (song.read_as != "strict", -changes, -song.tracks, len(song.path), song.path, song.id)


@stage(version=1, filters=True, timeout=3600)
def deduplicate(songs: Iterable[Song]) -> Iterator[Verdict[Duplicate]]:
    """Verdicts on all songs; the memory it takes is a digest and a rank per song."""
    best: dict[str, _Rank] = {}
    content: dict[str, str] = {}  # id -> sha256, of the best so far
    everyone: list[tuple[str, str, str]] = []
    for song in songs:
        rank = _rank(song)
        everyone.append((song.id, song.sha256, song.notes_digest))
        if song.notes_digest not in best or rank < best[song.notes_digest]:
            best[song.notes_digest] = rank
            content[song.notes_digest] = song.sha256
    for song_id, sha256, notes in everyone:
        *_, survivor_path, survivor = best[notes]
        if song_id == survivor:
            yield Verdict(song_id)
            continue
        level = "same_bytes" if sha256 == content[notes] else "same_notes"
        row = Duplicate(level=level, survivor=survivor, survivor_path=survivor_path)
        yield Verdict(song_id, Drop(level, f"{level.replace('_', ' ')} as {survivor_path}"), row)
