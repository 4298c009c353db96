"""Last.fm: what listeners call a song, each tag with its count from 0 to 100. Needs a key, and is for non-commercial use.

https://www.last.fm/api/show/track.getTopTags. About five requests a second. Errors come with any HTTP status, 200 too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from motet.sources.asking import Answer, Question, Song, address, mbid, setting
from motet.sources.client import Asked, Client, Said, Secrets, Verdict, by_status, error_code
from motet.sources.hostile import inside, items, known, link, seconds, tags, text, whole
from motet.sources.limits import Limit

_LIMIT = Limit(5, 1)
_CANDIDATES = 10
_NOT_FOUND, _TOO_OFTEN = 6, 29
_KEY = (4, 9, 10, 13, 14, 26)
_OUT = (8, 11, 16)


@dataclass(frozen=True)
class LastFm:
    key: str = field(repr=False)
    url: str = "https://ws.audioscrobbler.com"
    name: str = "lastfm"
    online: bool = True
    digest: str = ""

    def search(self, question: Question, client: Client) -> list[Answer]:
        if recording := mbid(question.musicbrainz_recording):
            return [self._track(self._ask(client, "track.getInfo", mbid=recording))]
        if question.artist and question.title:
            return [self._track(self._ask(client, "track.getInfo", artist=question.artist, track=question.title))]
        if not question.title:
            return [Answer(self.name, "not_found")]
        said = self._ask(client, "track.search", track=question.title, limit=str(_CANDIDATES))
        hits = items(inside(said.told, "results", "trackmatches", "track"))[:_CANDIDATES]
        found = [self._answer(text(hit.get("artist")), hit, said) for hit in hits]
        return [one for one in found if one.song.title] or [self._none(said)]

    def details(self, found: Answer, client: Client) -> Answer:
        said = self._ask(client, "track.getTopTags", artist=found.song.artist, track=found.song.title)
        listed = items(inside(said.told, "toptags", "tag"))
        counted = tags([(tag.get("name"), tag.get("count")) for tag in listed])
        return Answer(
            self.name, "found", found.song, found.facts, counted or found.tags, found.identifiers, said.asked_at, said.url
        )

    def _ask(self, client: Client, method: str, **params: str) -> Said:
        shown = {name: text(value)[:300] for name, value in params.items()} | {"method": method, "format": "json"}
        if method != "track.search":
            shown["autocorrect"] = "1"

        def secrets(fresh: bool) -> Secrets:
            return Secrets(params={"api_key": self.key})

        return client.ask(Asked(self.name, f"{self.url}/2.0/", shown, judge=_judges[method], secrets=secrets, limit=_LIMIT))

    def _none(self, said: Said) -> Answer:
        return Answer(self.name, "not_found", asked_at=said.asked_at, url=said.url)

    def _track(self, said: Said) -> Answer:
        track = inside(said.told, "track")
        if not isinstance(track, dict):
            return self._none(said)
        return self._answer(text(inside(track, "artist", "name")), track, said)

    def _answer(self, artist: str, track: Mapping[str, Any], said: Said) -> Answer:
        facts = known(
            listeners=whole(track.get("listeners"), 0),
            plays=whole(track.get("playcount"), 0),
            album=text(inside(track, "album", "title")),
        )
        named = [(tag.get("name"), None) for tag in items(inside(track, "toptags", "tag"))]
        return Answer(
            self.name,
            "found",
            Song(artist, text(track.get("name")), seconds(track.get("duration"))),
            facts,
            tags(named),
            known(musicbrainz_recording=mbid(text(track.get("mbid"))), lastfm_url=link(track.get("url"))),
            said.asked_at,
            said.url,
        )


def open_source(settings: Mapping[str, str]) -> LastFm:
    """LASTFM_API_KEY is the key; MOTET_LASTFM_URL names another address."""
    key = setting(settings, "LASTFM_API_KEY", "Last.fm")
    return LastFm(key, address(settings, "MOTET_LASTFM_URL", LastFm.url))


def _judged(*path: str) -> Any:
    def judge(status: int, told: Any) -> Verdict:
        code = error_code(told)
        if code == _NOT_FOUND:
            return "answer"
        if code == _TOO_OFTEN:
            return "later"
        if code in _KEY:
            return "key"
        if code is not None:
            return "outage" if code in _OUT or status >= 500 else "no"
        if status == 404:  # a page of a proxy: Last.fm itself says error 6
            return "no"
        return by_status(status, told) if status != 200 or inside(told, *path) is not None else "outage"

    return judge


_judges = {
    "track.getInfo": _judged("track", "name"),
    "track.getTopTags": _judged("toptags"),
    "track.search": _judged("results"),
}
