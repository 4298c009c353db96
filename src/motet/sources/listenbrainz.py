"""ListenBrainz: how often a recording is listened to, and its tags. No key; a token of one's own raises the limit.

https://listenbrainz.readthedocs.io/en/latest/users/api/. The limit is told in headers, which the client minds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from motet.sources.asking import Answer, Question, Song, address, mbid
from motet.sources.client import Asked, Client, Said, Secrets, Verdict, by_status
from motet.sources.hostile import inside, items, known, seconds, tags, text, whole
from motet.sources.limits import Limit

_LIMIT = Limit(30, 10)


@dataclass(frozen=True)
class ListenBrainz:
    url: str = "https://api.listenbrainz.org"
    token: str = field(default="", repr=False)
    name: str = "listenbrainz"
    online: bool = True
    digest: str = ""

    def search(self, question: Question, client: Client) -> list[Answer]:
        if known_as := mbid(question.musicbrainz_recording):
            return [self._recording(known_as, client)]
        if not (text(question.artist) and text(question.title)):
            return [Answer(self.name, "not_found")]
        params = {"artist_name": text(question.artist)[:300], "recording_name": text(question.title)[:300]}
        said = self._ask(client, "metadata/lookup/", _judge_lookup, params)
        recording = mbid(text(inside(said.told, "recording_mbid")))
        if not recording:
            return [self._none(said)]
        song = Song(text(inside(said.told, "artist_credit_name")), text(inside(said.told, "recording_name")))
        facts = known(album=text(inside(said.told, "release_name")))
        return [Answer(self.name, "found", song, facts, (), {"musicbrainz_recording": recording}, said.asked_at, said.url)]

    def details(self, found: Answer, client: Client) -> Answer:
        recording = mbid(found.identifiers.get("musicbrainz_recording", ""))
        if not recording:
            return found
        told = self._recording(recording, client)
        told = told if told.status == "found" else found
        said = self._ask(client, "popularity/recording", _judge_popularity, {}, {"recording_mbids": [recording]})
        counts = next((one for one in items(said.told) if mbid(text(one.get("recording_mbid"))) == recording), {})
        listens = known(plays=whole(counts.get("total_listen_count"), 0), listeners=whole(counts.get("total_user_count"), 0))
        return replace(told, facts={**told.facts, **listens})

    def _recording(self, known_as: str, client: Client) -> Answer:
        params = {"recording_mbids": known_as, "inc": "artist tag release"}
        said = self._ask(client, "metadata/recording/", _judge_recordings, params)
        entry = inside(said.told, known_as)
        if not text(inside(entry, "recording", "name")):
            return self._none(said)
        own = _tags(inside(entry, "tag", "recording"))
        shown = own or _tags(inside(entry, "tag", "artist"))
        facts = known(
            album=text(inside(entry, "release", "name")),
            year=whole(inside(entry, "release", "year"), 1000, 2999),
            tags_of=("recording" if own else "artist") if shown else None,
        )
        recording = inside(entry, "recording")
        song = Song(text(inside(entry, "artist", "name")), text(recording.get("name")), seconds(recording.get("length")))
        return Answer(self.name, "found", song, facts, shown, {"musicbrainz_recording": known_as}, said.asked_at, said.url)

    def _ask(self, client: Client, path: str, judge: Any, params: Mapping[str, str], json: Any = None) -> Said:
        def secrets(fresh: bool) -> Secrets:
            return Secrets(headers={"Authorization": f"Token {self.token}"} if self.token else {})

        return client.ask(Asked(self.name, f"{self.url}/1/{path}", params, json, judge=judge, secrets=secrets, limit=_LIMIT))

    def _none(self, said: Said) -> Answer:
        return Answer(self.name, "refused" if said.status == 400 else "not_found", asked_at=said.asked_at, url=said.url)


def open_source(settings: Mapping[str, str]) -> ListenBrainz:
    """LISTENBRAINZ_TOKEN may be given; MOTET_LISTENBRAINZ_URL names another address."""
    url = address(settings, "MOTET_LISTENBRAINZ_URL", ListenBrainz.url)
    return ListenBrainz(url, settings.get("LISTENBRAINZ_TOKEN", "").strip())


def _judge_lookup(status: int, told: Any) -> Verdict:
    return _judge(status, told, told == {} or bool(mbid(text(inside(told, "recording_mbid")))))


def _judge_recordings(status: int, told: Any) -> Verdict:
    return _judge(status, told, isinstance(told, dict) and all(isinstance(one, dict) for one in told.values()))


def _judge_popularity(status: int, told: Any) -> Verdict:
    return _judge(status, told, isinstance(told, list))


def _judge(status: int, told: Any, whole: bool) -> Verdict:
    if status == 400:
        return "answer" if inside(told, "error") is not None else "no"
    return "outage" if status == 200 and not whole else by_status(status, told)


def _tags(found: Any) -> tuple[tuple[str, float | None], ...]:
    return tags([(tag.get("tag"), tag.get("count")) for tag in items(found)])
