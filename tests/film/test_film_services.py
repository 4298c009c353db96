"""Soundtracks by services: what they say, what is refused of it, and what happens when they say nothing or nonsense."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from motet.errors import UserError
from motet.film.songs import FilmName, Soundtracks, find
from motet.sources import Client, Unanswered
from sources.answers import KEYS, TOKEN
from sources.serving import Replies, Reply, Request, Service, serving, told

FILM = FilmName("The Lantern", 1998)
VARIOUS = [{"name": "Various Artists", "joinphrase": ""}]
ADA = [{"name": "Ada Quay", "joinphrase": ""}]


def mbid(number: int) -> str:
    return f"0b5c7d1e-0000-4000-8000-{number:012x}"


def group(number: int, title: str, date: str = "1998-05-01", by: Any = VARIOUS, kind: str = "Soundtrack") -> dict[str, Any]:
    return {"id": mbid(number), "title": title, "first-release-date": date, "artist-credit": by, "secondary-types": [kind]}


def track(title: str, artist: str, code: str = "", recording: int = 1) -> dict[str, Any]:
    credit = [{"name": artist, "joinphrase": ""}]
    held = {"id": mbid(recording), "title": title, "artist-credit": credit, "isrcs": [code] if code else []}
    return {"title": title, "artist-credit": credit, "recording": held}


def release(*tracks: dict[str, Any], status: str = "Official") -> dict[str, Any]:
    return {"status": status, "media": [{"tracks": list(tracks)}]}


SONGS = release(
    track("Low Tide", "The Paper Lanterns", "XXAAA2400001", 1),
    track("Ho", "The Rowers", "", 2),
    track("Harbour Song", "Bo", "", 3),
)
CUES = release(track("Main Title", "Ada Quay", "", 4), track("The Storm", "Ada Quay", "", 5))
GROUPS = [group(1, "The Lantern: Music From the Motion Picture"), group(2, "The Lantern (Original Motion Picture Score)", by=ADA)]


def musicbrainz(groups: list[Any], releases: dict[int, list[Any]]) -> Replies:
    def replies(request: Request) -> Reply:
        if request.path == "/ws/2/release-group":
            return told({"release-groups": groups})
        assert request.path == "/ws/2/release"
        found = releases[int(request.params["release-group"].rpartition("-")[2], 16)]
        return told({"releases": found, "release-count": len(found)})

    return replies


KNOWN = musicbrainz(GROUPS, {1: [SONGS, SONGS], 2: [CUES]})


@contextmanager
def asking(
    folder: Path, replies: Replies, names: tuple[str, ...] = ("musicbrainz",), seconds: float = 20, **settings: Any
) -> Iterator[tuple[Service, Soundtracks]]:
    """A service, and a way to ask it; all waits are a hundredth of the real ones."""
    with serving(replies) as service, Client(folder, seconds=seconds, slower=0.01, **settings) as client:
        places = {f"MOTET_{name}_URL": service.url for name in ("MUSICBRAINZ", "SPOTIFY", "SPOTIFY_ACCOUNTS")}
        yield service, Soundtracks.open(client, {**KEYS, **places}, names)


def test_the_songs_of_a_compilation_and_the_cues_of_a_score(tmp_path: Path) -> None:
    with asking(tmp_path, KNOWN) as (service, soundtracks):
        asked = soundtracks.ask(FILM)
    assert [one.status for one in asked.told] == ["found"]
    assert {(one.title, one.artist, one.kind, one.compilation) for one in asked.listed} == {
        ("Low Tide", "The Paper Lanterns", "song", True),
        ("Ho", "The Rowers", "song", True),
        ("Harbour Song", "Bo", "song", True),
        ("Main Title", "Ada Quay", "score", False),
        ("The Storm", "Ada Quay", "score", False),
    }
    low = next(one for one in asked.listed if one.title == "Low Tide")
    assert low.identifiers == ("isrc:XXAAA2400001", f"musicbrainz_recording:{mbid(1)}")
    assert (low.source, low.where) == ("musicbrainz", f"{service.url}/release-group/{mbid(1)}")
    assert low.confidence == 0.9
    assert [song.title for song in find(FILM, asked.listed) if song.kind == "song"] == ["Harbour Song", "Ho", "Low Tide"]
    query = service.asked[0].params["query"]
    assert query == '(releasegroup:"The Lantern" OR releasegroup:"lantern") AND secondarytype:soundtrack'


def test_a_first_answer_is_kept_and_told_again_without_a_network(tmp_path: Path) -> None:
    with asking(tmp_path, KNOWN) as (service, soundtracks):
        first = soundtracks.ask(FILM)
        with Client(tmp_path, offline=True) as client:
            settings = {"MOTET_MUSICBRAINZ_URL": service.url}
            assert Soundtracks.open(client, settings).ask(FILM) == first
            with pytest.raises(Unanswered, match="never asked"):
                Soundtracks.open(client, settings).ask(FilmName("Another"))
        assert len(service.asked) == 3


@pytest.mark.parametrize(
    ("title", "date", "kind", "reason"),
    [
        ("The Lantern II (Original Soundtrack)", "1998", "Soundtrack", "other_film"),
        ("The Lanterns: Original Soundtrack", "1998", "Soundtrack", "other_film"),
        ("Lantern Hill: Original Soundtrack", "1998", "Soundtrack", "other_film"),
        ("The Lantern: Original Soundtrack", "2017", "Soundtrack", "other_year"),
        ("The Lantern: Original Soundtrack", "1950", "Soundtrack", "other_year"),
        ("The Lantern", "1998", "Live", "no_soundtrack"),
    ],
)
def test_another_films_soundtrack_is_refused_and_said_to_be(
    title: str, date: str, kind: str, reason: str, tmp_path: Path
) -> None:
    with asking(tmp_path, musicbrainz([group(1, title, date, kind=kind)], {1: [SONGS]})) as (service, soundtracks):
        asked = soundtracks.ask(FILM)
        assert (asked.told[0].status, asked.listed) == ("not_found", ())
        assert [one.reason for one in asked.refused] == [reason]
        assert title in asked.refused[0].detail
        assert len(service.asked) == 1  # its tracks are not even asked for


@pytest.mark.parametrize(
    ("title", "date", "confidence"),
    [
        ("The Lantern", "1998", 0.9),
        ("Lantern (Original Soundtrack)", "2000", 0.9),
        ("The Lantern: Awesome Tape, Vol. 1", "1998", 0.765),
        ("The Lantern: Music From and Inspired by the Motion Picture", "1998", 0.54),
        ("The Lantern", "", 0.7),
    ],
)
def test_how_far_a_soundtrack_is_believed(title: str, date: str, confidence: float, tmp_path: Path) -> None:
    with asking(tmp_path, musicbrainz([group(1, title, date)], {1: [SONGS]})) as (_, soundtracks):
        assert {one.confidence for one in soundtracks.ask(FILM).listed} == {confidence}


def test_without_a_year_two_films_of_one_name_may_be_mixed(tmp_path: Path) -> None:
    groups = [group(1, "The Lantern", "1998"), group(2, "The Lantern (Original Score)", "2017", ADA)]
    with asking(tmp_path, musicbrainz(groups, {1: [SONGS], 2: [CUES]})) as (_, soundtracks):
        asked = soundtracks.ask(FilmName("The Lantern"))
    assert {one.confidence for one in asked.listed} == {0.42}
    assert asked.told[0].notes == ("Soundtracks of this title are of 1998, 2017, perhaps of several films: say the year.",)


def test_a_film_nobody_knows_has_no_songs(tmp_path: Path) -> None:
    with asking(tmp_path, musicbrainz([], {})) as (_, soundtracks):
        asked = soundtracks.ask(FILM)
    assert (asked.listed, asked.refused, asked.unanswered) == ((), (), ())
    assert [one.status for one in asked.told] == ["not_found"]


def test_it_comes_back_after_as_long_as_it_is_asked_to(tmp_path: Path) -> None:
    numbers = count()

    def replies(request: Request) -> Reply:
        return KNOWN(request) if next(numbers) else Reply(b'{"error": "too many"}', 503, {"Retry-After": "1"})

    with asking(tmp_path, replies) as (service, soundtracks):
        assert len(soundtracks.ask(FILM).listed) == 5
        assert service.asked[1].at - service.asked[0].at >= 0.95


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"<html>busy</html>", 502),
        Reply(b"", 200),
        Reply(b'{"release-groups": "none"}', 200),
        Reply(b"[" * 100_000, 200),
        Reply(b'{"release-groups": [', 200),
        Reply(b'{"error": "too many"}', 503, {"Retry-After": "90"}),
        Reply(b'{"release-groups": []}', 200, cut=True),
        Reply(b"x" * (9 << 20), 200),
        Reply(b'{"error": "forbidden"}', 403),
    ],
)
def test_what_could_not_be_asked_is_not_no_songs(reply: Reply, tmp_path: Path) -> None:
    with asking(tmp_path, lambda _: reply, seconds=2) as (_, soundtracks), pytest.raises(Unanswered, match="musicbrainz"):
        soundtracks.ask(FILM)


def test_a_service_that_fails_midway_leaves_no_half_answer(tmp_path: Path) -> None:
    down = True

    def replies(request: Request) -> Reply:
        return Reply(b"", 500) if down and request.path == "/ws/2/release" else KNOWN(request)

    with asking(tmp_path, replies) as (service, soundtracks):
        with pytest.raises(Unanswered):
            soundtracks.ask(FILM)
        down = False
        assert len(soundtracks.ask(FILM).listed) == 5
        assert [request.path for request in service.asked].count("/ws/2/release-group") == 1  # what it did say is kept


HOSTILE: list[Any] = [
    None,
    5,
    "x",
    [],
    {},
    {"id": "../../etc"},
    {"id": mbid(1)},
    {"title": ["x"]},
    {"title": "The Lantern", "id": 5},
]


def test_nonsense_among_answers_is_passed_over(tmp_path: Path) -> None:
    named = {"title": "A\x00B\u202e", "artist-credit": [None, {"name": 5}], "recording": {"isrcs": [5, "no", None], "id": "?"}}
    tracks = [None, 5, {}, {"title": 5}, {"recording": []}]
    odd = [None, "x", {"media": "x"}, {"media": [None, {"tracks": None}, {"tracks": tracks}]}, release(named)]
    replies = musicbrainz([*HOSTILE, group(1, "The Lantern", date="19")], {1: odd})
    with asking(tmp_path, replies) as (_, soundtracks):
        (one,) = soundtracks.ask(FILM).listed
    assert (one.title, one.artist, one.identifiers) == ("A B", "", ())


def test_ten_thousand_releases_are_not_all_read(tmp_path: Path) -> None:
    def replies(request: Request) -> Reply:
        if request.path == "/ws/2/release-group":
            return told({"release-groups": [group(number, "The Lantern") for number in range(1, 10_001)]})
        size = int(request.params["limit"])
        many = [release(*(track(f"Song {n}-{m}", f"Band {m}") for m in range(100))) for n in range(size)]
        return told({"releases": many, "release-count": 10_000})

    with asking(tmp_path, replies) as (service, soundtracks):
        asked = soundtracks.ask(FILM)
    assert len(service.asked) == 6
    assert len(asked.listed) == 5 * 1000
    assert "45 more soundtracks of this title were not read." in asked.told[0].notes
    assert "25 of 10000 releases of “The Lantern” were read." in asked.told[0].notes


def test_a_title_cannot_break_out_of_its_query(tmp_path: Path) -> None:
    with asking(tmp_path, musicbrainz([], {})) as (service, soundtracks):
        soundtracks.ask(FilmName('x" OR secondarytype:* \\'))
        assert r'releasegroup:"x\" OR secondarytype:* \\"' in service.asked[0].params["query"]


ALBUM = {
    "id": "album1", "name": "The Lantern (Original Motion Picture Soundtrack)", "release_date": "1998-05-01",
    "artists": [{"name": "Various Artists"}], "external_urls": {"spotify": "https://open.spotify.com/album/album1?si=secret"},
}  # fmt: skip
PLAYLIST = {"id": "list1", "name": "The Lantern soundtrack", "owner": {"display_name": "somebody"}}
TRACK = {
    "id": "0" * 22,
    "name": "Low Tide",
    "artists": [{"name": "The Paper Lanterns"}],
    "external_ids": {"isrc": "XXAAA2400001"},
}


def spotify(pages: dict[str, Reply], albums: Any = (ALBUM,), playlists: Any = (PLAYLIST, None)) -> Replies:
    def replies(request: Request) -> Reply:
        if request.path == "/api/token":
            return told({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
        if request.path == "/v1/search" and request.path not in pages:
            return told({"albums": {"items": list(albums)}, "playlists": {"items": list(playlists)}})
        return pages[request.path]

    return replies


CLOSED = told({"error": {"status": 403, "message": "Forbidden"}}, 403)


def test_albums_and_playlists_of_spotify(tmp_path: Path) -> None:
    pages = {
        "/v1/albums/album1/tracks": told({"items": [TRACK, {**TRACK, "id": "1" * 22, "name": "Ho"}], "total": 2}),
        "/v1/playlists/list1/items": told(
            {"items": [{"item": {**TRACK, "name": "Low Tide - Remastered"}}, {"item": None}], "total": 2}
        ),
    }
    with asking(tmp_path, spotify(pages), ("spotify",)) as (_, soundtracks):
        asked = soundtracks.ask(FILM)
    songs = {song.title: song for song in find(FILM, asked.listed)}
    assert set(songs) == {"Low Tide", "Ho"}
    assert songs["Low Tide"].sources == ("spotify",)
    assert songs["Low Tide"].compilation is True
    assert len(songs["Low Tide"].evidence) == 2
    assert songs["Low Tide"].confidence > songs["Ho"].confidence
    assert f"spotify_url:https://open.spotify.com/track/{'0' * 22}" in songs["Low Tide"].identifiers
    assert not any("secret" in sentence for song in songs.values() for sentence in song.evidence)


def test_what_spotify_closes_is_told_and_asked_once(tmp_path: Path) -> None:
    pages = {"/v1/albums/album1/tracks": told({"items": [TRACK], "total": 1}), "/v1/playlists/list1/items": CLOSED}
    with asking(tmp_path, spotify(pages), ("spotify",)) as (service, soundtracks):
        asked = soundtracks.ask(FILM)
        assert soundtracks.ask(FILM) == asked
    assert asked.told[0].status == "found"
    assert [(one.what, one.reason) for one in asked.refused] == [("“The Lantern soundtrack”", "closed")]
    assert "403: Forbidden" in asked.refused[0].detail
    assert [request.path for request in service.asked].count("/v1/playlists/list1/items") == 1


def test_an_application_that_may_not_search_is_refused_and_no_failure(tmp_path: Path) -> None:
    with asking(tmp_path, spotify({"/v1/search": CLOSED}), ("spotify",)) as (_, soundtracks):
        (one,) = soundtracks.ask(FILM).told
    assert (one.status, one.listed, one.refused[0].reason) == ("refused", (), "closed")


def test_an_album_that_does_not_say_it_is_a_soundtrack_is_none(tmp_path: Path) -> None:
    album = {**ALBUM, "name": "The Lantern", "artists": [{"name": "A Rock Band"}]}
    with asking(tmp_path, spotify({}, [album], []), ("spotify",)) as (_, soundtracks):
        assert [one.reason for one in soundtracks.ask(FILM).refused] == ["no_soundtrack"]


def test_a_long_playlist_is_read_by_pages_and_not_for_ever(tmp_path: Path) -> None:
    page = told({"items": [{"track": {**TRACK, "name": f"Song {n}"}} for n in range(50)], "total": 10**9})
    with asking(tmp_path, spotify({"/v1/playlists/list1/items": page}, []), ("spotify",)) as (service, soundtracks):
        soundtracks.ask(FILM)
    offsets = [request.params["offset"] for request in service.asked if "offset" in request.params]
    assert offsets == ["0", "50", "100", "150"]


def test_two_services_one_of_which_is_down(tmp_path: Path) -> None:
    def replies(request: Request) -> Reply:
        return KNOWN(request) if request.path.startswith("/ws/") else Reply(b"", 500)

    with asking(tmp_path, replies, ("musicbrainz", "spotify")) as (_, soundtracks):
        with pytest.raises(Unanswered, match="spotify"):
            soundtracks.ask(FILM)
        asked = soundtracks.ask(FILM, partly=True)
        assert len(asked.listed) == 5
        assert len(asked.unanswered) == 1
        assert not any(secret in asked.unanswered[0] for secret in KEYS.values())


def test_no_secret_is_kept_or_told(tmp_path: Path) -> None:
    mean = told({"error": {"status": 403, "message": f"no {TOKEN}"}}, 403)
    with asking(tmp_path, spotify({"/v1/search": mean}), ("spotify",)) as (_, soundtracks):
        shown = f"{soundtracks!r} {soundtracks.ask(FILM)!r}"
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (TOKEN, *KEYS.values()):
        assert secret not in shown
        assert secret.encode() not in kept


def test_which_services_are_asked(tmp_path: Path) -> None:
    with Client(tmp_path) as client:
        assert [one.name for one in Soundtracks.open(client, {}).services] == ["musicbrainz"]
        assert [one.name for one in Soundtracks.open(client, KEYS).services] == ["musicbrainz", "spotify"]
        with pytest.raises(UserError, match="SPOTIFY_CLIENT_ID"):
            Soundtracks.open(client, {}, ["spotify"])
        with pytest.raises(UserError, match="knows soundtracks"):
            Soundtracks.open(client, {}, ["myspace"])
        with pytest.raises(UserError, match="without a title"):
            Soundtracks.open(client, {}).ask(FilmName(" ", 1998))


@pytest.mark.shared
def test_recorded_answers_of_spotify_are_read(shared: Path, tmp_path: Path) -> None:
    """Real search results and pages, in their full shape."""
    folder = shared / "api/spotify_jmperez"
    found = {
        "albums": json.loads((folder / "search_album.json").read_text())["albums"],
        "playlists": json.loads((folder / "search_playlist.json").read_text())["playlists"],
    }
    for item in (*found["albums"]["items"], *found["playlists"]["items"]):
        item["name"] = "The Lantern soundtrack"
    pages = {
        "albums": told(json.loads((folder / "album_tracks.json").read_text())),
        "playlists": told(json.loads((folder / "playlist_tracks.json").read_text())),
    }

    def replies(request: Request) -> Reply:
        if request.path == "/v1/search":
            return told(found)
        return pages[request.path.split("/")[2]] if request.path.startswith("/v1/") else spotify({})(request)

    with asking(tmp_path, replies, ("spotify",)) as (_, soundtracks):
        songs = find(FILM, soundtracks.ask(FILM).listed)
    assert {"Girls Just Want to Have Fun", "Money Changes Everything"} <= {song.title for song in songs}
    assert all(song.artist for song in songs)


@pytest.mark.shared
def test_recorded_answers_of_musicbrainz_are_read(shared: Path, tmp_path: Path) -> None:
    folder = shared / "api/musicbrainz_picard"
    real = json.loads((folder / "release.json").read_text())
    about = json.loads((folder / "release_group.json").read_text())
    about = {**about, "id": mbid(1), "secondary-types": ["Soundtrack"], "artist-credit": real["artist-credit"]}
    with asking(tmp_path, musicbrainz([about], {1: [real]})) as (_, soundtracks):
        asked = soundtracks.ask(FilmName(about["title"], 1973))
    assert len(asked.listed) == sum(len(medium["tracks"]) for medium in real["media"])
    assert {one.artist for one in asked.listed} == {"Pink Floyd"}
    assert {one.kind for one in asked.listed} == {"unknown"}  # songs by one band are no score
