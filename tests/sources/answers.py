"""Small answers in the manner of each service, of songs that do not exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from motet.sources import Question, Song
from sources.serving import Reply, Request, told

MBID = "0b5c7d1e-0000-4000-8000-00000000abcd"
ISRC = "XXAAA2400001"
SONG = Song("The Paper Lanterns", "Low Tide", 201.5)
QUESTION = Question(artist="the paper lanterns", title="low tide")
KEYS = {
    "LASTFM_API_KEY": "planted-lastfm-key-4711",
    "SPOTIFY_CLIENT_ID": "planted-spotify-id-4711",
    "SPOTIFY_CLIENT_SECRET": "planted-spotify-secret-4711",
    "LISTENBRAINZ_TOKEN": "planted-listenbrainz-token-4711",
}
TOKEN = "planted-spotify-token-4711"
SPOTIFY = "4711abcLowTide"

RECORDING = {
    "id": MBID,
    "title": "Low Tide",
    "length": 201500,
    "score": 100,
    "first-release-date": "2024-05-01",
    "artist-credit": [{"name": "The Paper Lanterns", "joinphrase": "", "artist": {"name": "The Paper Lanterns", "tags": []}}],
    "isrcs": [ISRC],
    "genres": [{"name": "shoegaze", "count": 3}],
    "tags": [
        {"name": "shoegaze", "count": 3},
        {"name": "sea songs", "count": 1},
        {"name": "even", "count": 0},
        {"name": "voted down", "count": -2},
    ],
    "releases": [{"title": "Harbour", "release-group": {"secondary-types": ["Soundtrack"]}}],
}


@dataclass(frozen=True)
class Provider:
    """What a service says of the song, of a song it does not know, and when it is asked too often; by path."""

    name: str
    found: dict[str, Any]
    absent: Reply
    too_often: Reply
    tags: tuple[tuple[str, float | None], ...]
    facts: dict[str, Any]

    def replies(self, request: Request) -> Reply:
        if request.path == "/api/token":
            return told({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
        return told(self.found[request.params.get("method", request.path)])


_TRACK = {
    "id": SPOTIFY,
    "name": "Low Tide",
    "duration_ms": 201500,
    "artists": [{"name": "The Paper Lanterns"}],
    "album": {"name": "Harbour", "release_date": "2024-05-01"},
    "external_ids": {"isrc": ISRC},
    "external_urls": {"spotify": f"https://open.spotify.com/track/{SPOTIFY}"},
    "popularity": 12,
}
_DEEZER = {"id": 4711, "title": "Low Tide", "duration": 201.5, "artist": {"name": "The Paper Lanterns"}}
_LASTFM = {
    "name": "Low Tide",
    "duration": "201500",
    "listeners": "40",
    "playcount": "400",
    "mbid": MBID,
    "artist": {"name": "The Paper Lanterns"},
    "toptags": {"tag": {"name": "shoegaze", "url": ""}},
}

PROVIDERS = {
    one.name: one
    for one in (
        Provider(
            "musicbrainz",
            {"/ws/2/recording": {"recordings": [RECORDING]}, f"/ws/2/recording/{MBID}": RECORDING},
            told({"recordings": []}),
            Reply(b'{"error": "Your requests are exceeding the allowable rate limit."}', 503),
            (("shoegaze", 3), ("sea songs", 1)),
            {"year": 2024, "album": "Harbour", "soundtrack": True, "tags_of": "recording"},
        ),
        Provider(
            "lastfm",
            {
                "track.getInfo": {"track": _LASTFM},
                "track.getTopTags": {
                    "toptags": {"tag": [{"name": "dreamy", "count": 40}, {"name": "shoegaze", "count": 100}], "@attr": {}}
                },
            },
            told({"error": 6, "message": "Track not found"}),
            told({"error": 29, "message": "Rate limit exceeded"}),
            (("shoegaze", 100), ("dreamy", 40)),
            {"listeners": 40, "plays": 400},
        ),
        Provider(
            "spotify",
            {
                "/v1/search": {"tracks": {"items": [_TRACK]}},
                f"/v1/audio-features/{SPOTIFY}": {
                    "tempo": 88.5,
                    "key": 4,
                    "mode": 0,
                    "energy": 0.4,
                    "acousticness": 0.1,
                    "loudness": -9.5,
                    "time_signature": 4,
                },
                f"/v1/audio-analysis/{SPOTIFY}": {"track": {"tempo_confidence": 0.7, "key_confidence": 0.6}},
            },
            told({"tracks": {"items": []}}),
            Reply(b"", 429, {"Retry-After": "0"}),
            (),
            {"tempo": 88.5, "key": 4, "mode": 0, "energy": 0.4, "tempo_confidence": 0.7, "popularity": 12, "year": 2024},
        ),
        Provider(
            "deezer",
            {"/search": {"data": [_DEEZER]}, "/track/4711": {**_DEEZER, "isrc": ISRC, "bpm": 88.4, "gain": -9.1}},
            told({"data": [], "total": 0}),
            told({"error": {"type": "Exception", "message": "Quota limit exceeded", "code": 4}}),
            (),
            {"tempo": 88.4, "gain": -9.1},
        ),
        Provider(
            "listenbrainz",
            {
                "/1/metadata/lookup/": {
                    "recording_mbid": MBID,
                    "recording_name": "Low Tide",
                    "artist_credit_name": "The Paper Lanterns",
                },
                "/1/metadata/recording/": {
                    MBID: {
                        "recording": {"name": "Low Tide", "length": 201500},
                        "artist": {"name": "The Paper Lanterns"},
                        "release": {"name": "Harbour", "year": 2024},
                        "tag": {"recording": [{"tag": "shoegaze", "count": 2}], "artist": [{"tag": "rock", "count": 9}]},
                    }
                },
                "/1/popularity/recording": [{"recording_mbid": MBID, "total_listen_count": 400, "total_user_count": 40}],
            },
            told({}),
            Reply(b'{"code": 429}', 429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset-In": "0.1"}),
            (("shoegaze", 2),),
            {"plays": 400, "listeners": 40, "year": 2024, "tags_of": "recording"},
        ),
    )
}


def settings(name: str, url: str) -> dict[str, str]:
    """The environment of a source that is served at `url`."""
    return {**KEYS, f"MOTET_{name.upper()}_URL": url, "MOTET_SPOTIFY_ACCOUNTS_URL": url}
