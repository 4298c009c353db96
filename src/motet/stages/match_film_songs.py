"""Songs of films meet the catalogue: which MIDI files and recordings are of the same song, by their names, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from pydantic import Field

from motet import naming
from motet.dataset.rows import Catalogued, Duplicate, FilmSong, Song, SongMatch
from motet.film import matching
from motet.run import Settings, Verdict, stage


class MatchFilmSongs(Settings):
    least: float = Field(default=matching.SURE, ge=0, le=1, description="probability of a match, at least")


@stage(version=1, timeout=24 * 3600, libraries=["rapidfuzz", "ftfy"])
def match_film_songs(
    film_songs: Iterable[FilmSong],
    songs: Iterable[Song],
    duplicates: Iterable[Duplicate],
    recordings: Iterable[Catalogued],
    settings: MatchFilmSongs,
) -> Iterator[Verdict[SongMatch]]:
    """Verdicts on all songs of films. In memory are these, and the matches."""
    wanted = {one.id: one for one in film_songs}
    families = {row.source: row.family for row in duplicates}
    families |= {family: family for family in families.values()}
    paths: dict[str, tuple[str, str]] = {}

    def catalogue() -> Iterator[matching.Catalogued]:
        for song in songs:
            paths[song.id] = ("midi", song.path)
            yield matching.Catalogued(song.id, tuple(naming.clues_of_path(song.path)), song.seconds, families.get(song.id, ""))
        for one in recordings:
            paths[one.id] = ("recording", one.path)
            yield matching.Catalogued(one.id, clues_of(one), one.seconds, "")

    # A cue of a score is called by what happens on the screen: without its composer any song may have its title.
    told = (one for one in wanted.values() if one.artist or one.kind != "score")
    keys = [matching.Wanted(one.id, one.title, one.artist) for one in told]
    found: dict[str, list[SongMatch]] = defaultdict(list)
    for match in matching.match_all(keys, catalogue(), least=settings.least):
        song = wanted[match.wanted]
        what, path = paths[match.item]
        found[match.wanted].append(
            SongMatch(
                film=song.film,
                title=song.title,
                artist=song.artist,
                what=what,
                item=match.item,
                item_path=path,
                probability=round(match.probability, 4),
                through=match.through,
                evidence=match.explain(),
            )
        )
    for key in wanted:
        rows = sorted(found[key], key=lambda row: (-row.probability, row.item_path, row.item))
        yield Verdict(key, None, tuple(rows))


def clues_of(one: Catalogued) -> tuple[naming.Clue, ...]:
    """What a recording's tags and its path say of it."""
    said = [naming.Clue(f"{name}:{text}", "tag") for name, text in (("artist", one.artist), ("title", one.title)) if text]
    return (*said, *naming.clues_of_path(one.path))
