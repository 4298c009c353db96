"""Spotify: songs by name or ISRC. Audio features only where the application still has them; since 2024-11-27 most are
refused (403), which is an answer like any other.

https://developer.spotify.com/documentation/web-api. It tells no limit beforehand; a 429 says how long to stay away.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from motet.sources.asking import Answer, Question, Song, Unanswered, address, isrc, setting
from motet.sources.client import Asked, Client, Said, Secrets, Verdict, basic, by_status
from motet.sources.hostile import inside, items, known, link, number, seconds, text, whole, year
from motet.sources.limits import Limit

_LIMIT = Limit(3, 1)
_CANDIDATES = 10  # the most a search gives since 2026
_EARLY = 60.0  # seconds before its end from which a token is not used


@dataclass
class _Token:
    value: str = ""
    until: float = 0.0  # by the monotonic clock


@dataclass
class Spotify:
    id: str = field(repr=False)
    secret: str = field(repr=False)
    url: str = "https://api.spotify.com"
    accounts: str = "https://accounts.spotify.com"
    name: str = "spotify"
    online: bool = True
    digest: str = ""
    _token: _Token = field(default_factory=_Token, repr=False)
    _closed: Said | None = field(default=None, repr=False)  # features are refused to an application, not for a song

    def search(self, question: Question, client: Client) -> list[Answer]:
        named = ("track", _plain(question.title)), ("artist", _plain(question.artist))
        words = [f"{name}:{said}" for name, said in named if said]
        if code := isrc(question.isrc):
            words = [f"isrc:{code}"]
        elif not _plain(question.title):
            return [Answer(self.name, "not_found")]
        said = self._ask(client, "search", _judge_search, type="track", limit=str(_CANDIDATES), q=" ".join(words))
        hits = items(inside(said.told, "tracks", "items"))[:_CANDIDATES]
        return [one for hit in hits if (one := self._answer(hit, said)).song.title] or [self._none(said)]

    def details(self, found: Answer, client: Client) -> Answer:
        """Audio features and the confidences of the analysis. `refused`, with what the search told, where they are closed."""
        track = found.identifiers.get("spotify_track", "")
        if not track:
            return found
        if self._closed is not None:
            return replace(found, status="refused", asked_at=self._closed.asked_at, url=self._closed.url)
        said = self._ask(client, f"audio-features/{quote(track, safe='')}", _judge_features)
        if said.status == 403:
            self._closed = said
            return replace(found, status="refused", asked_at=said.asked_at, url=said.url)
        if said.status != 200:
            return found
        return replace(found, facts={**found.facts, **_features(said.told), **self._confidences(track, client)})

    def _confidences(self, track: str, client: Client) -> dict[str, Any]:
        said = self._ask(client, f"audio-analysis/{quote(track, safe='')}", _judge_analysis)
        names = ("tempo_confidence", "key_confidence", "mode_confidence", "time_signature_confidence")
        return known(**{name: number(inside(said.told, "track", name), 0, 1) for name in names})

    def _ask(self, client: Client, path: str, judge: Any, **params: str) -> Said:
        def secrets(fresh: bool) -> Secrets:
            return Secrets(headers={"Authorization": f"Bearer {self._bearer(client, fresh)}"})

        return client.ask(Asked(self.name, f"{self.url}/v1/{path}", params, judge=judge, secrets=secrets, limit=_LIMIT))

    def _bearer(self, client: Client, fresh: bool) -> str:
        """A token of the client credentials flow (RFC 6749, 4.4). It lives in memory only."""
        if fresh or time.monotonic() > self._token.until:
            login = Secrets(headers={"Authorization": basic(self.id, self.secret)})
            form = {"grant_type": "client_credentials"}
            said = client.ask(
                Asked(
                    self.name, f"{self.accounts}/api/token", form=form, judge=_judge_token, secrets=lambda _: login, limit=_LIMIT
                )
            )
            value = inside(said.told, "access_token")
            if not isinstance(value, str) or not (value.isascii() and value.isprintable() and value.strip()):
                raise Unanswered(f"{self.name}: it gave no token that can be used")
            lasts = number(inside(said.told, "expires_in"), 0, 86_400) or 0.0
            self._token = _Token(value, time.monotonic() + max(lasts - _EARLY, 0.0))
        return self._token.value

    def _none(self, said: Said) -> Answer:
        refused = said.status == 400
        return Answer(self.name, "refused" if refused else "not_found", asked_at=said.asked_at, url=said.url)

    def _answer(self, track: Mapping[str, Any], said: Said) -> Answer:
        artists = [name for one in items(track.get("artists")) if (name := text(one.get("name")))]
        facts = known(
            popularity=whole(track.get("popularity"), 0, 100),
            album=text(inside(track, "album", "name")),
            year=year(inside(track, "album", "release_date")),
        )
        shown = {
            "isrc": isrc(text(inside(track, "external_ids", "isrc"))),
            "spotify_track": text(track.get("id")),
            "spotify_url": link(inside(track, "external_urls", "spotify")),
        }
        song = Song(", ".join(artists), text(track.get("name")), seconds(track.get("duration_ms")))
        return Answer(self.name, "found", song, facts, (), known(**shown), said.asked_at, said.url)


def open_source(settings: Mapping[str, str]) -> Spotify:
    """SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET are the credentials of an application; MOTET_SPOTIFY_URL and
    MOTET_SPOTIFY_ACCOUNTS_URL name other addresses."""
    return Spotify(
        setting(settings, "SPOTIFY_CLIENT_ID", "Spotify"),
        setting(settings, "SPOTIFY_CLIENT_SECRET", "Spotify"),
        address(settings, "MOTET_SPOTIFY_URL", "https://api.spotify.com"),
        address(settings, "MOTET_SPOTIFY_ACCOUNTS_URL", "https://accounts.spotify.com"),
    )


def _features(told: Any) -> dict[str, Any]:
    shares = ("acousticness", "danceability", "energy", "instrumentalness", "liveness", "speechiness", "valence")
    key = whole(inside(told, "key"), 0, 11)  # -1 where it is not known
    return known(
        **{name: number(inside(told, name), 0, 1) for name in shares},
        key=key,
        mode=whole(inside(told, "mode"), 0, 1) if key is not None else None,
        tempo=number(inside(told, "tempo"), 1, 1000),
        loudness=number(inside(told, "loudness"), -100, 20),
        time_signature=whole(inside(told, "time_signature"), 1, 15),
    )


def _judge_search(status: int, told: Any) -> Verdict:
    if status == 400:
        return "answer" if inside(told, "error") is not None else "no"
    return "outage" if status == 200 and not isinstance(inside(told, "tracks", "items"), list) else by_status(status, told)


def _judge_features(status: int, told: Any) -> Verdict:
    if status == 403:
        # Of Spotify itself, not of a proxy on the way.
        return "answer" if inside(told, "error") is not None else "no"
    return "outage" if status == 200 and number(inside(told, "tempo")) is None else by_status(status, told)


def _judge_analysis(status: int, told: Any) -> Verdict:
    if status == 403:
        return "answer"
    return "outage" if status == 200 and not isinstance(inside(told, "track"), dict) else by_status(status, told)


def _judge_token(status: int, told: Any) -> Verdict:
    if status == 400:  # invalid_client
        return "key"
    return "outage" if status == 200 and not isinstance(inside(told, "access_token"), str) else by_status(status, told)


def _plain(said: str) -> str:
    """Words in a query, in which a colon begins a filter."""
    return text(said.replace(":", " ").replace('"', " "))[:100]
