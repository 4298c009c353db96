"""Soundtracks in MusicBrainz: release groups of the type soundtrack, then the tracks of their releases.

https://musicbrainz.org/doc/MusicBrainz_API. One request finds the groups, one more reads each that is of the film.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from motet.film.songs.asking import Check, Refused, Told, mixed
from motet.film.songs.columns import identifiers
from motet.film.songs.kinds import of_album, of_track
from motet.film.songs.kinds import various as by_nobody
from motet.film.songs.listed import Listed
from motet.film.songs.names import FilmName, canonical
from motet.sources.asking import address, mbid
from motet.sources.client import Asked, Client, Verdict, by_status
from motet.sources.hostile import inside, items, text, whole, year
from motet.sources.limits import Limit

_LIMIT = Limit(1, 1)
_GROUPS = 50  # that a search gives
_READ = 5  # groups whose tracks are read, the likeliest
_RELEASES = 25  # of a group
_MOST_TRACKS = 1000  # of a group, each once


@dataclass(frozen=True)
class MusicBrainz:
    url: str = "https://musicbrainz.org"
    name: str = "musicbrainz"

    def ask(self, film: FilmName, client: Client, check: Check) -> Told:
        said = client.ask(self._asked("release-group", _judge_groups, query=_query(film), limit=str(_GROUPS)))
        found, refused = list[tuple[float, int, Mapping[str, Any]]](), list[Refused]()
        for rank, group in enumerate(items(inside(said.told, "release-groups"))[:_GROUPS]):
            title, first = text(group.get("title")), year(group.get("first-release-date"))
            what = f"“{title}” by {credited(group) or 'nobody'}"
            if not title or not mbid(text(group.get("id"))):
                continue
            if not _soundtrack(group):
                refused.append(Refused(what, "no_soundtrack", f"{what} is no soundtrack."))
                continue
            judged = check(title, first, what)
            if isinstance(judged, Refused):
                refused.append(judged)
            else:
                found.append((judged, -rank, group))
        found.sort(key=lambda one: one[:2], reverse=True)
        doubt, notes = mixed(film, [year(group.get("first-release-date")) for _, _, group in found[:_READ]])
        notes += [f"{len(found) - _READ} more soundtracks of this title were not read."] if len(found) > _READ else []
        listed = list[Listed]()
        for sure, _, group in found[:_READ]:
            lines, note = self._tracks(film, group, round(sure * doubt, 4), client)
            listed += lines
            notes += note
            if not lines:
                what = f"“{text(group.get('title'))}” by {credited(group) or 'nobody'}"
                refused.append(Refused(what, "no_tracks", f"{what} has no tracks that are known."))
        status: Literal["found", "not_found", "refused"] = "found" if listed else "refused" if said.status == 400 else "not_found"
        return Told(self.name, status, tuple(listed), tuple(refused), said.asked_at, said.url, tuple(notes))

    def _tracks(self, film: FilmName, group: Mapping[str, Any], sure: float, client: Client) -> tuple[list[Listed], list[str]]:
        """The songs of a group, each once, by the order of its releases."""
        group_id = mbid(text(group.get("id")))
        params = {"release-group": group_id, "inc": "artist-credits+recordings+isrcs", "limit": str(_RELEASES)}
        said = client.ask(self._asked("release", _judge_releases, **params))
        releases = items(inside(said.told, "releases"))[:_RELEASES]
        # A bootleg's tracks are anybody's.
        releases = [one for one in releases if text(one.get("status")) in ("Official", "Promotion", "")] or releases
        seen = dict[tuple[str, str], Mapping[str, Any]]()
        for release in releases:
            for medium in items(release.get("media")):
                for track in items(medium.get("tracks")):
                    title, artist = _title(track), credited(track) or credited(track.get("recording")) or credited(release)
                    if title and len(seen) < _MOST_TRACKS:
                        seen.setdefault((title, artist), track)
        title, artist = text(group.get("title")), credited(group)
        kind, gathered, why = of_album(title, artist, list(seen))
        there = f"{self.url}/release-group/{group_id}"
        composers = () if gathered or by_nobody(artist) or kind != "score" else (artist,)
        listed = list[Listed]()
        for (name, by), track in seen.items():
            its, reason = of_track(name, by, composers, kind, why)
            recording = track.get("recording")
            codes = inside(recording, "isrcs")
            known = identifiers(
                " ".join(text(code) for code in codes[:10]) if isinstance(codes, list) else "", text(inside(recording, "id"))
            )
            shown = "" if by_nobody(by) else by
            listed.append(
                Listed(film.title, film.year, film.film_id, name, shown, its, title, gathered, self.name, there, sure, known,
                       (), reason)
            )  # fmt: skip
        count = whole(inside(said.told, "release-count"), 0)
        return listed, [f"{_RELEASES} of {count} releases of “{title}” were read."] if count and count > _RELEASES else []

    def _asked(self, path: str, judge: Any, **params: str) -> Asked:
        return Asked(f"{self.name}-film", f"{self.url}/ws/2/{path}", {**params, "fmt": "json"}, judge=judge, limit=_LIMIT)


def open_service(settings: Mapping[str, str]) -> MusicBrainz:
    """MOTET_MUSICBRAINZ_URL names a mirror."""
    return MusicBrainz(address(settings, "MOTET_MUSICBRAINZ_URL", MusicBrainz.url))


def _query(film: FilmName) -> str:
    """In Lucene's language: the title as it is, or as words without article and symbols, among soundtracks."""
    phrases = dict.fromkeys(said for said in (text(film.title)[:200], " ".join(canonical(film.title))[:200]) if said)
    return f"({' OR '.join(f'releasegroup:{_quoted(said)}' for said in phrases)}) AND secondarytype:soundtrack"


def _quoted(said: str) -> str:
    escaped = said.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _judge_groups(status: int, told: Any) -> Verdict:
    return _judge(status, told, isinstance(inside(told, "release-groups"), list))


def _judge_releases(status: int, told: Any) -> Verdict:
    return _judge(status, told, isinstance(inside(told, "releases"), list))


def _judge(status: int, told: Any, complete: bool) -> Verdict:
    if status == 400:
        return "answer" if isinstance(inside(told, "error"), str) else "no"
    if status == 503:  # its word for over the limit
        return "later"
    return "outage" if status == 200 and not complete else by_status(status, told)


def _soundtrack(group: Mapping[str, Any]) -> bool:
    kinds = group.get("secondary-types")
    return isinstance(kinds, list) and "Soundtrack" in kinds[:50]


def _title(track: Mapping[str, Any]) -> str:
    return text(track.get("title")) or text(inside(track.get("recording"), "title"))


def credited(one: Any) -> str:
    """An artist credit as it is printed."""
    credit = items(inside(one, "artist-credit"))[:50]
    parts = [part for who in credit for part in (who.get("name"), who.get("joinphrase")) if isinstance(part, str)]
    return text("".join(part[:500] for part in parts))
