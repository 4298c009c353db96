"""Every service, in everything that may happen to a question."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from motet.sources import Answer, Client, Question, Song, Unanswered, ask, search, source
from motet.sources.cache import Cache
from sources.answers import ISRC, MBID, PROVIDERS, QUESTION, SONG, Provider, settings
from sources.serving import Replies, Reply, Request, Service, serving, told

AnyProvider = pytest.mark.parametrize("provider", PROVIDERS.values(), ids=list(PROVIDERS))


def the_song(song: Song) -> float:
    return float((song.artist, song.title) == (SONG.artist, SONG.title))


@contextmanager
def asking(
    folder: Path, provider: Provider, replies: Replies, seconds: float = 20
) -> Iterator[tuple[Service, Callable[..., Answer]]]:
    """A service, and a way to ask it; all waits are a hundredth of the real ones."""
    with serving(replies) as service, Client(folder, seconds=seconds, slower=0.01) as client:
        asked = source(provider.name, settings(provider.name, service.url))
        yield service, lambda question=QUESTION: ask(asked, question, client, the_song)


def songs_kept(folder: Path) -> int:
    return len(Cache(folder / "answers.sqlite"))


def but(provider: Provider, other: Callable[[int], Reply | None]) -> Replies:
    """The service's replies, but of those to its first requests (a token aside) what `other` says by number."""
    numbers = count()

    def replies(request: Request) -> Reply:
        instead = None if request.path == "/api/token" else other(next(numbers))
        return provider.replies(request) if instead is None else instead

    return replies


@AnyProvider
def test_found(provider: Provider, tmp_path: Path) -> None:
    with asking(tmp_path, provider, provider.replies) as (service, answer):
        found = answer()
        assert (found.status, found.source, found.song) == (
            "found",
            provider.name,
            SONG if provider.name != "lastfm" else found.song,
        )
        assert found.song.title == "Low Tide"
        assert found.tags == provider.tags
        assert {name: found.facts[name] for name in provider.facts} == provider.facts
        assert MBID in found.identifiers.values() or ISRC in found.identifiers.values()
        asked = len(service.asked)
        assert answer() == found
        assert len(service.asked) == asked
        assert all(request.headers["User-Agent"].startswith("Motet/") for request in service.asked)
    with Client(tmp_path, offline=True) as client:
        # The address is part of the question: what a mirror said is not what the service said.
        again = ask(source(provider.name, settings(provider.name, service.url)), QUESTION, client, the_song)
        assert again == found


@AnyProvider
def test_not_found_is_an_answer(provider: Provider, tmp_path: Path) -> None:
    with asking(tmp_path, provider, but(provider, lambda _: provider.absent)) as (service, answer):
        assert answer().status == answer().status == "not_found"
        assert sum(request.path != "/api/token" for request in service.asked) == 1


@AnyProvider
def test_what_is_not_the_song_is_not_found(provider: Provider, tmp_path: Path) -> None:
    with serving(provider.replies) as service, Client(tmp_path, slower=0.01) as client:
        asked = source(provider.name, settings(provider.name, service.url))
        assert ask(asked, QUESTION, client, lambda song: 0.49).status == "not_found"
        assert [one.song.title for one in search(asked, QUESTION, client)] == ["Low Tide"]


MALFORMED = [
    b"<html>Please log in</html>",
    b"",
    b'{"track',
    b"null",
    b"[]",
    b'{"surprise": 1}',
    b'"text"',
    b"NaN",
    b"[" * 200_000,
]
MALFORMED += [b'{"recordings": 7, "track": 7, "tracks": 7, "data": 7, "toptags": 7, "recording_mbid": 7}']


@AnyProvider
@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_is_no_answer(provider: Provider, body: bytes, tmp_path: Path) -> None:
    with asking(tmp_path, provider, but(provider, lambda _: Reply(body))) as (_, answer), pytest.raises(Unanswered):
        answer()
    assert songs_kept(tmp_path) == 0


@AnyProvider
def test_over_the_limit_it_waits_and_asks_again(provider: Provider, tmp_path: Path) -> None:
    with asking(tmp_path, provider, but(provider, lambda n: provider.too_often if n < 8 else None)) as (_, answer):
        assert answer().status == "found"


@AnyProvider
def test_a_lasting_limit_leaves_it_unanswered_in_time(provider: Provider, tmp_path: Path) -> None:
    began = time.monotonic()
    with (
        asking(tmp_path, provider, but(provider, lambda _: provider.too_often), seconds=1) as (_, answer),
        pytest.raises(Unanswered),
    ):
        answer()
    assert time.monotonic() - began < 3
    assert songs_kept(tmp_path) == 0


@AnyProvider
def test_403_is_no_answer_and_no_reason_to_insist(provider: Provider, tmp_path: Path) -> None:
    with asking(tmp_path, provider, but(provider, lambda _: told({"error": "no"}, 403))) as (service, answer):
        with pytest.raises(Unanswered, match="403"):
            answer()
        assert len(service.asked) <= 4  # with a new token
    assert songs_kept(tmp_path) == 0


def test_spotify_refuses_its_features_and_that_is_an_answer(tmp_path: Path) -> None:
    provider = PROVIDERS["spotify"]

    def replies(request: Request) -> Reply:
        return told({"error": {"status": 403}}, 403) if "audio" in request.path else provider.replies(request)

    with asking(tmp_path, provider, replies) as (service, answer):
        refused = answer()
        assert (refused.status, refused.song, refused.identifiers["isrc"]) == ("refused", SONG, ISRC)
        assert "tempo" not in refused.facts
        assert answer() == refused
        # It is the application that is refused: another song's features are not asked for.
        assert answer(Question("The Paper Lanterns", "Low Tide (live)")).status == "refused"
        assert [request.path for request in service.asked].count("/v1/audio-features/4711abcLowTide") == 1


def test_spotify_renews_a_token_that_is_no_longer_accepted(tmp_path: Path) -> None:
    provider = PROVIDERS["spotify"]
    tokens = count()

    def replies(request: Request) -> Reply:
        if request.path == "/api/token":
            assert request.headers["Authorization"].startswith("Basic ")
            return told({"access_token": f"token-{next(tokens)}", "expires_in": 3600})
        return provider.replies(request) if request.headers["Authorization"] == "Bearer token-1" else told({"error": {}}, 401)

    with asking(tmp_path, provider, replies) as (_, answer):
        assert answer().status == "found"
        assert next(tokens) == 2


@AnyProvider
def test_a_page_that_is_not_there_is_not_a_song_that_is_not_there(provider: Provider, tmp_path: Path) -> None:
    page = but(provider, lambda _: Reply(b"<html>404</html>", 404))
    with asking(tmp_path, provider, page) as (_, answer), pytest.raises(Unanswered, match="404"):
        answer()
    assert songs_kept(tmp_path) == 0


@pytest.mark.parametrize("name,error", [("musicbrainz", {"error": "bad query"}), ("spotify", {"error": {"status": 400}})])
def test_a_question_that_a_service_declines_is_refused_for_good(name: str, error: Any, tmp_path: Path) -> None:
    provider = PROVIDERS[name]
    with asking(tmp_path, provider, but(provider, lambda _: told(error, 400))) as (service, answer):
        assert answer().status == answer().status == "refused"
        assert sum(request.path != "/api/token" for request in service.asked) == 1


@AnyProvider
def test_an_outage_is_tried_again_then_left(provider: Provider, tmp_path: Path) -> None:
    status = 500 if provider.name == "musicbrainz" else 503  # there a 503 is the limit
    flaky = but(provider, lambda n: [Reply(b"", status), Reply(b"{}", cut=True), None][n % 3])
    with asking(tmp_path / "flaky", provider, flaky) as (_, answer):
        assert answer().status == "found"
    with asking(tmp_path / "down", provider, but(provider, lambda _: Reply(b"", 500))) as (service, answer):
        with pytest.raises(Unanswered, match="5 tries"):
            answer()
        assert sum(request.path != "/api/token" for request in service.asked) == 5
    assert songs_kept(tmp_path / "down") == 0


@AnyProvider
@pytest.mark.parametrize("reply", [Reply(b"{}", wait=5), Reply(b"{}" * 100, drip=0.05)], ids=["silent", "a byte at a time"])
def test_a_question_has_an_end(provider: Provider, reply: Reply, tmp_path: Path) -> None:
    began = time.monotonic()
    with asking(tmp_path, provider, but(provider, lambda _: reply), seconds=0.7) as (_, answer), pytest.raises(Unanswered):
        answer()
    assert time.monotonic() - began < 2.5
    assert songs_kept(tmp_path) == 0


@AnyProvider
@pytest.mark.parametrize("packed", [False, True])
def test_huge_is_cut_off(provider: Provider, packed: bool, tmp_path: Path) -> None:
    body = b'["' + b"x" * (100_000_000 if packed else 9_000_000) + b'"]'
    reply = Reply(gzip.compress(body, 1), headers={"Content-Encoding": "gzip"}) if packed else Reply(body)
    with (
        asking(tmp_path, provider, but(provider, lambda _: reply)) as (_, answer),
        pytest.raises(Unanswered, match="more than 8388608"),
    ):
        answer()
    assert songs_kept(tmp_path) == 0


def spoilt(value: Any, by: Any) -> Any:
    """An answer of the right shape whose every leaf is something else."""
    if isinstance(value, dict):
        return {name: spoilt(inner, by) for name, inner in value.items()}
    return [spoilt(inner, by) for inner in value] if isinstance(value, list) else by


SCRIPT = "javascript:alert(1)"
HOSTILE = [
    SCRIPT,
    "a\x00b\x1b[31m\u202e",
    "\ud800",
    "x" * 1_000_000,
    -(10**400),
    1e308,
    None,
    [],
    {},
    True,
    "9" * 5000,
    "../../etc/passwd",
]


@AnyProvider
@pytest.mark.parametrize("by", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_leaves_give_an_answer_or_none(provider: Provider, by: Any, tmp_path: Path) -> None:
    def replies(request: Request) -> Reply:
        if request.path == "/api/token":
            return provider.replies(request)
        return told(spoilt(json.loads(provider.replies(request).body), by))

    with serving(replies) as service, Client(tmp_path, seconds=5, slower=0.001) as client:
        try:
            found = ask(source(provider.name, settings(provider.name, service.url)), QUESTION, client, lambda song: 1.0)
        except Unanswered:
            return
    words = [found.song.artist, found.song.title, *found.identifiers.values(), *(name for name, _ in found.tags), found.url]
    words += [value for value in found.facts.values() if isinstance(value, str)]
    assert not any(word.startswith("javascript") for name, word in found.identifiers.items() if name.endswith("_url"))
    assert all(word.isprintable() and len(word) <= 1000 and word.encode() is not None for word in words)


HOSTILE_NAMES = ["\ud800\udfff", "a\x00b\n\r\t", "x" * 1_000_000, '" OR *:* \\', "?&=#%/../", "  ", "日本語 \u202e"]


@AnyProvider
@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=range(len(HOSTILE_NAMES)))
def test_hostile_questions_are_asked_safely(provider: Provider, name: str, tmp_path: Path) -> None:
    with asking(tmp_path, provider, but(provider, lambda _: provider.absent)) as (service, answer):
        odd = Question(name, name, isrc=name, musicbrainz_recording=name, md5=name)
        assert answer(odd) == answer(odd)
        assert answer(odd).status == "not_found"
        assert all(len(request.path) + sum(map(len, request.params.values())) < 1000 for request in service.asked)


@AnyProvider
def test_a_song_known_by_identifier_is_asked_for_by_it(provider: Provider, tmp_path: Path) -> None:
    unknown = {
        f"/ws/2/recording/{MBID}": told({"error": "Not Found"}, 404),
        f"/track/isrc:{ISRC}": told({"error": {"type": "DataException", "message": "no data", "code": 800}}),
        "/api/token": provider.replies(Request("POST", "/api/token", {}, {}, b"", 0)),
    }
    with asking(tmp_path, provider, lambda request: unknown.get(request.path, provider.absent)) as (service, answer):
        assert answer(replace(QUESTION, isrc="xx-aaa-24-00001", musicbrainz_recording=MBID.upper())).status == "not_found"
        first, second = [request for request in service.asked if request.path != "/api/token"]
        sent = f"{first.path} {first.params}"
        assert MBID in sent or ISRC in sent
        assert "low tide" in str(second.params).lower()  # which it does not know: then by name
