"""MusicBrainz: songs by name, ISRC or its own identifier, with their tags and genres. The default; it needs no key.

https://musicbrainz.org/doc/MusicBrainz_API. One request a second, from an application that says who it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from motet.sources.asking import Answer, Question, Song, address, isrc, mbid
from motet.sources.client import Asked, Client, Said, Verdict, by_status
from motet.sources.hostile import inside, items, known, seconds, tags, text, whole, year
from motet.sources.limits import Limit

_LIMIT = Limit(1, 1)
_CANDIDATES = 10
_ABOUT = "artist-credits+isrcs+tags+genres+releases+release-groups"


@dataclass(frozen=True)
class MusicBrainz:
    url: str = "https://musicbrainz.org"
    name: str = "musicbrainz"
    online: bool = True
    digest: str = ""

    def search(self, question: Question, client: Client) -> list[Answer]:
        if recording := mbid(question.musicbrainz_recording):
            return [self._lookup(recording, client)]
        if code := isrc(question.isrc):
            said = client.ask(self._asked(f"isrc/{code}", inc="artist-credits+isrcs"))
        elif question.title:
            words = [f'{field}:"{_escaped(said)}"' for field, said in _named(question) if said]
            said = client.ask(self._asked("recording", query=" AND ".join(words), limit=str(_CANDIDATES)))
        else:
            return [Answer(self.name, "not_found")]
        found = [one for entry in items(inside(said.told, "recordings")) if (one := self._answer(entry, said)).song.title]
        return found[:_CANDIDATES] or [self._none(said)]

    def details(self, found: Answer, client: Client) -> Answer:
        recording = mbid(found.identifiers.get("musicbrainz_recording", ""))
        # What was looked up by its identifier has all there is.
        return self._lookup(recording, client) if recording and "/recording/" not in found.url else found

    def _lookup(self, recording: str, client: Client) -> Answer:
        said = client.ask(self._asked(f"recording/{recording}", inc=_ABOUT))
        return self._answer(said.told, said) if said.status == 200 else self._none(said)

    def _asked(self, path: str, **params: str) -> Asked:
        judge = _judge_list if path == "recording" or path.startswith("isrc/") else _judge_one
        return Asked(self.name, f"{self.url}/ws/2/{path}", {**params, "fmt": "json"}, judge=judge, limit=_LIMIT)

    def _none(self, said: Said) -> Answer:
        refused = said.status == 400  # a name it cannot look for
        return Answer(self.name, "refused" if refused else "not_found", asked_at=said.asked_at, url=said.url)

    def _answer(self, recording: Mapping[str, Any], said: Said) -> Answer:
        credit = items(recording.get("artist-credit"))
        artist = "".join(_raw(one.get("name")) + _raw(one.get("joinphrase")) for one in credit)
        isrcs = [code for one in _listed(recording.get("isrcs")) if (code := isrc(text(one)))]
        own = _tags(recording)
        releases = items(recording.get("releases"))
        groups = [group for one in releases if isinstance(group := one.get("release-group"), dict)]
        kinds = {text(kind) for group in groups for kind in _listed(group.get("secondary-types"))}
        shown = own or _tags(*(who for one in credit if isinstance(who := one.get("artist"), dict)))
        facts = known(
            year=year(recording.get("first-release-date")),
            album=text(releases[0].get("title")) if releases else None,
            soundtrack="Soundtrack" in kinds or None,
            search_score=whole(recording.get("score"), 0, 100),
            tags_of=("recording" if own else "artist") if shown else None,
        )
        return Answer(
            self.name,
            "found",
            Song(text(artist), text(recording.get("title")), seconds(recording.get("length"))),
            facts,
            shown,
            known(musicbrainz_recording=mbid(text(recording.get("id"))), isrc=isrcs[0] if isrcs else None),
            said.asked_at,
            said.url,
        )


def open_source(settings: Mapping[str, str]) -> MusicBrainz:
    """MOTET_MUSICBRAINZ_URL names a mirror."""
    return MusicBrainz(address(settings, "MOTET_MUSICBRAINZ_URL", MusicBrainz.url))


def _judge_list(status: int, told: Any) -> Verdict:
    return _judge(status, told, isinstance(inside(told, "recordings"), list))


def _judge_one(status: int, told: Any) -> Verdict:
    return _judge(status, told, bool(text(inside(told, "title")) and text(inside(told, "id"))))


def _judge(status: int, told: Any, whole: bool) -> Verdict:
    if status == 400:
        return "answer" if isinstance(inside(told, "error"), str) else "no"
    if status == 503:  # its word for over the limit
        return "later"
    return "outage" if status == 200 and not whole else by_status(status, told)


def _named(question: Question) -> tuple[tuple[str, str], ...]:
    return ("recording", text(question.title)[:200]), ("artist", text(question.artist)[:200])


def _escaped(said: str) -> str:
    """For a phrase in Lucene's query language."""
    return said.replace("\\", "\\\\").replace('"', '\\"')


def _raw(value: Any) -> str:
    return value[:500] if isinstance(value, str) else ""


def _listed(value: Any) -> list[Any]:
    return value[:1000] if isinstance(value, list) else []


def _tags(*entries: Mapping[str, Any]) -> tuple[tuple[str, float | None], ...]:
    """Genres are tags, too, which MusicBrainz knows to be genres."""
    votes = [tag for one in entries for kind in ("genres", "tags") for tag in items(one.get(kind))]
    counted = tags([(tag.get("name"), tag.get("count")) for tag in votes])
    return tuple((name, count) for name, count in counted if count is None or count > 0)  # for, less against
