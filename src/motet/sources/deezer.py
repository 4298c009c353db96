"""Deezer: songs by name or ISRC, with tempo and gain. No key.

https://developers.deezer.com/api. Fifty requests in five seconds; above that, HTTP 200 with error code 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from motet.sources.asking import Answer, Question, Song, address, isrc
from motet.sources.client import Asked, Client, Said, Verdict, by_status, error_code
from motet.sources.hostile import inside, items, known, number, text, whole, year
from motet.sources.limits import Limit

_LIMIT = Limit(50, 5)
_CANDIDATES = 10
_TOO_OFTEN, _BUSY, _NO_DATA = 4, 700, 800
_REFUSED = (100, 200, 300, 500, 501, 600, 901)


@dataclass(frozen=True)
class Deezer:
    url: str = "https://api.deezer.com"
    name: str = "deezer"
    online: bool = True
    digest: str = ""

    def search(self, question: Question, client: Client) -> list[Answer]:
        if code := isrc(question.isrc):
            return [self._track(client.ask(self._asked(f"track/isrc:{code}")))]
        named = ("artist", _plain(question.artist)), ("track", _plain(question.title))
        words = [f'{name}:"{said}"' for name, said in named if said]
        if not _plain(question.title):
            return [Answer(self.name, "not_found")]
        said = client.ask(self._asked("search", q=" ".join(words), limit=str(_CANDIDATES)))
        hits = items(inside(said.told, "data"))[:_CANDIDATES]
        return [one for hit in hits if (one := self._answer(hit, said)).song.title] or [self._none(said)]

    def details(self, found: Answer, client: Client) -> Answer:
        track = found.identifiers.get("deezer_track", "")
        if not track or "/track/" in found.url:  # that has all there is
            return found
        told = self._track(client.ask(self._asked(f"track/{track}")))
        return told if told.status == "found" else found

    def _asked(self, path: str, **params: str) -> Asked:
        return Asked(self.name, f"{self.url}/{path}", params, judge=_judge_list if path == "search" else _judge_one, limit=_LIMIT)

    def _none(self, said: Said) -> Answer:
        refused = error_code(said.told) in _REFUSED
        return Answer(self.name, "refused" if refused else "not_found", asked_at=said.asked_at, url=said.url)

    def _track(self, said: Said) -> Answer:
        return self._none(said) if inside(said.told, "error") is not None or said.status != 200 else self._answer(said.told, said)

    def _answer(self, track: Mapping[str, Any], said: Said) -> Answer:
        facts = known(
            tempo=number(track.get("bpm"), 1, 1000),  # 0 where it is not known
            gain=number(track.get("gain"), -60, 60),
            year=year(track.get("release_date")),
            album=text(inside(track, "album", "title")),
            rank=whole(track.get("rank"), 0),
        )
        number_there = whole(track.get("id"), 1)
        return Answer(
            self.name,
            "found",
            Song(text(inside(track, "artist", "name")), text(track.get("title")), number(track.get("duration"), 1, 1e6)),
            facts,
            (),
            known(isrc=isrc(text(track.get("isrc"))), deezer_track=str(number_there) if number_there else None),
            said.asked_at,
            said.url,
        )


def open_source(settings: Mapping[str, str]) -> Deezer:
    """MOTET_DEEZER_URL names another address."""
    return Deezer(address(settings, "MOTET_DEEZER_URL", Deezer.url))


def _judge_list(status: int, told: Any) -> Verdict:
    return _judge(status, told, isinstance(inside(told, "data"), list))


def _judge_one(status: int, told: Any) -> Verdict:
    return _judge(status, told, bool(text(inside(told, "title"))))


def _judge(status: int, told: Any, whole: bool) -> Verdict:
    code = error_code(told)
    if code == _TOO_OFTEN:
        return "later"
    if code == _BUSY:
        return "outage"
    if code == _NO_DATA or code in _REFUSED:
        return "answer"
    if status == 404:
        return "no"
    return "outage" if status == 200 and not whole else by_status(status, told)


def _plain(said: str) -> str:
    """A phrase in a query; it has no way to write a quotation mark."""
    return text(said.replace('"', " "))[:200]
