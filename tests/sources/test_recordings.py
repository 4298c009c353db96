"""What the real services once said, said again by a server on this machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from motet.sources import Answer, Client, Question, Song, Source, Unanswered, source
from sources.answers import settings
from sources.serving import Reply, Request, serving, told

pytestmark = pytest.mark.shared
SOMEBODY = Question("somebody", "something")
MB = "0b5c7d1e-0000-4000-8000-00000000abcd"


@contextmanager
def saying(name: str, folder: Path, *said: Any, status: int = 200) -> Iterator[tuple[Source, Client]]:
    """A service that says this, in this order, then the last of it for ever. Bytes are said as they are."""
    left = list(said)

    def replies(request: Request) -> Reply:
        if request.path == "/api/token":
            return told({"access_token": "t", "expires_in": 3600})
        answer = left.pop(0) if len(left) > 1 else left[0]
        return Reply(answer, status) if isinstance(answer, bytes) else told(answer, status)

    with serving(replies) as service, Client(folder, slower=0.01, seconds=20) as client:
        yield source(name, settings(name, service.url)), client


def by_name(answers: list[Answer]) -> list[Song]:
    return [one.song for one in answers]


def test_spotify_search_and_features(shared: Path, tmp_path: Path) -> None:
    folder = shared / "api" / "spotify_jmperez"
    found_there = (folder / "search_track.json").read_bytes()
    features, analysis = ((folder / f"track_audio_{kind}.json").read_bytes() for kind in ("features", "analysis"))
    with saying("spotify", tmp_path, found_there, features, analysis) as (spotify, client):
        found = spotify.search(SOMEBODY, client)
        details = spotify.details(found[0], client)
    assert found[0].song == Song("Veronica Maggio", "Satan i gatan", 195.146)
    assert found[0].identifiers["isrc"] == "SEUM71100167"
    assert found[0].identifiers["spotify_url"].startswith("https://open.spotify.com/track/")
    assert len(found) == 10
    shown = {
        "tempo": 98.002,
        "key": 5,
        "mode": 0,
        "energy": 0.578,
        "acousticness": 0.514,
        "loudness": -11.84,
        "time_signature": 4,
    }
    assert shown.items() <= details.facts.items()


def test_spotify_other_recordings(shared: Path, tmp_path: Path) -> None:
    beets = shared / "api" / "beets" / "spotify"
    for name, least in (("track_request", 1), ("japanese_track_request", 1), ("missing_request", 0)):
        with saying("spotify", tmp_path / name, (beets / f"{name}.json").read_bytes()) as (spotify, client):
            found = spotify.search(SOMEBODY, client)
            assert sum(one.status == "found" for one in found) >= least, name
            assert all(one.song.artist and one.song.title and one.song.duration for one in found if one.status == "found")
    zmb3 = shared / "api" / "spotify_zmb3"
    track = json.loads((zmb3 / "find_track.txt").read_bytes())
    with saying("spotify", tmp_path / "zmb3", {"tracks": {"items": [track]}}, b"", b"") as (spotify, client):
        (one,) = spotify.search(SOMEBODY, client)
    assert one.song.title == track["name"]
    assert one.identifiers["spotify_track"] == track["id"]


def xml_as_json(element: ElementTree.Element) -> Any:
    """As Last.fm itself turns its XML into JSON: attributes under @attr, repeated children as a list."""
    if not len(element):
        return element.text or ""
    shown: dict[str, Any] = {"@attr": dict(element.attrib)} if element.attrib else {}
    for child in element:
        value = xml_as_json(child)
        if child.tag not in shown:
            shown[child.tag] = value
        else:
            shown[child.tag] = [*shown[child.tag], value] if isinstance(shown[child.tag], list) else [shown[child.tag], value]
    return shown


def lastfm(path: Path) -> Any:
    # Some were recorded without the line that declares this prefix.
    return xml_as_json(ElementTree.fromstring(path.read_text("utf-8").replace("opensearch:", "")))


def test_lastfm_tags(shared: Path, tmp_path: Path) -> None:
    folder = shared / "api" / "lastfm_ruby_xml"
    with saying("lastfm", tmp_path, lastfm(folder / "track_get_info.xml"), lastfm(folder / "track_get_top_tags.xml")) as (
        source,
        client,
    ):
        (found,) = source.search(SOMEBODY, client)
        details = source.details(found, client)
    assert found.song == Song("Cher", "Believe", 222.0)
    assert ("pop", None) in found.tags
    assert found.facts["listeners"] == 152451
    assert details.tags == (("alternative", 100), ("alternative rock", 77))


@pytest.mark.parametrize("name,count", [("track_search", 2), ("track_search_single_track", 1), ("track_search_no_match", 0)])
def test_lastfm_search(name: str, count: int, shared: Path, tmp_path: Path) -> None:
    recorded = lastfm(shared / "api" / "lastfm_ruby_xml" / f"{name}.xml")
    recorded["results"]["trackmatches"] = recorded["results"]["trackmatches"] or {}
    with saying("lastfm", tmp_path, recorded) as (source, client):
        found = source.search(Question(title="Believe"), client)
    assert sum(one.status == "found" for one in found) >= count
    assert (found[0].status == "not_found") == (count == 0)


def test_lastfm_cassettes(shared: Path, tmp_path: Path) -> None:
    """Every recorded track.getInfo of pylast."""
    told_of = 0
    for path in sorted((shared / "api" / "lastfm_pylast_cassettes" / "test_track").glob("*.yaml")):
        for one in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["interactions"]:
            body = one["response"]["body"]["string"]
            root = ElementTree.fromstring(body if isinstance(body, bytes) else body.encode())
            if "getInfo" not in str(one["request"]) or root.find("track") is None:
                continue
            track = root.find("track")
            assert track is not None
            with saying("lastfm", tmp_path / str(told_of), xml_as_json(root)) as (source, client):
                (found,) = source.search(SOMEBODY, client)
            assert found.song.title == track.findtext("name")
            assert found.song.artist == track.findtext("artist/name")
            told_of += 1
    assert told_of >= 3


def musicbrainz_json(recording: ElementTree.Element) -> dict[str, Any]:
    """A recording of the XML interface as the JSON one has it."""
    plain = {child.tag.rpartition("}")[2]: child for child in recording}
    names = [child for child in recording.iter() if child.tag.endswith("}name-credit")]
    artists = [next(inner.text for inner in credit.iter() if inner.tag.endswith("}name")) for credit in names]
    length = plain["length"].text if "length" in plain else None
    return {
        "id": recording.get("id"),
        "title": plain["title"].text,
        "length": int(length) if length else None,
        "artist-credit": [{"name": name, "joinphrase": ""} for name in artists],
    }


def test_musicbrainz_search(shared: Path, tmp_path: Path) -> None:
    root = ElementTree.parse(shared / "api" / "musicbrainz_ngs_xml" / "search-recording.xml").getroot()
    recordings = [musicbrainz_json(one) for one in root[0]]
    with saying("musicbrainz", tmp_path, {"recordings": recordings}) as (source, client):
        found = source.search(SOMEBODY, client)
    assert by_name(found[:2]) == [
        Song("Dynamo Go", "Thief of Hearts", 198.586), Song("Dynamo Go", "Waiting My Turn", 187.706)
    ]  # fmt: skip
    assert len(found) == 10


def test_musicbrainz_lookups(shared: Path, tmp_path: Path) -> None:
    folder = shared / "api" / "musicbrainz_picard"
    told_of = 0
    for path in sorted(folder.glob("recording*.json")):
        if "null" in path.name:
            continue
        recorded = json.loads(path.read_bytes())
        with saying("musicbrainz", tmp_path / path.stem, recorded) as (source, client):
            (found,) = source.search(Question(musicbrainz_recording=MB), client)
        assert found.song.title == recorded["title"]
        assert found.song.duration == (recorded["length"] / 1000 if recorded["length"] else None)
        assert found.identifiers["musicbrainz_recording"] == recorded["id"]
        told_of += 1
    assert told_of >= 10
    nothing = (folder / "recording_null.json").read_bytes()
    with saying("musicbrainz", tmp_path / "null", nothing) as (source, client), pytest.raises(Unanswered):
        source.search(Question(musicbrainz_recording=MB), client)
    with saying("musicbrainz", tmp_path / "many", (folder / "recording_multi_artists_1.json").read_bytes()) as (source, client):
        (found,) = source.search(Question(musicbrainz_recording=MB), client)
    assert found.song.artist == "Ed Sheeran feat. Meek Mill & A Boogie Wit da Hoodie"


def cassettes(folder: Path, wanted: str) -> Iterator[tuple[str, int, Any]]:
    """Recorded answers of Deezer to what looks like this: name, status, JSON."""
    for path in sorted(folder.rglob("*.yaml")):
        for one in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)["interactions"]:
            body = one["response"]["body"]["string"]
            plain = isinstance(body, str) or body[:1] == b"{"
            if one["request"]["method"] == "GET" and re.search(wanted, one["request"]["uri"]) and plain:
                yield path.stem, int(one["response"]["status"]["code"]), json.loads(body)


def test_deezer_searches(shared: Path, tmp_path: Path) -> None:
    told_of = 0
    for name, status, recorded in cassettes(shared / "api" / "deezer_cassettes", r"/search\?"):
        with saying("deezer", tmp_path / str(told_of), recorded, status=status) as (source, client):
            found = source.search(SOMEBODY, client)
        assert by_name(found) == [
            Song(one["artist"]["name"], " ".join(one["title"].split()), one["duration"]) for one in recorded["data"][:10]
        ], name
        told_of += 1
    assert told_of >= 10


def test_deezer_tracks(shared: Path, tmp_path: Path) -> None:
    told_of = 0
    for name, status, recorded in cassettes(shared / "api" / "deezer_cassettes", r"/track/-?\d+$"):
        with saying("deezer", tmp_path / str(told_of), recorded, status=status) as (source, client):
            (found,) = source.search(Question(isrc="GBDUW0000059"), client)
        if "error" in recorded:
            assert found.status == "not_found", name
        else:
            assert found.song.title == recorded["title"]
            assert found.facts.get("tempo") == (recorded.get("bpm") or None)
            assert found.facts.get("gain") == recorded.get("gain")
            assert found.identifiers.get("isrc") == recorded.get("isrc")
        told_of += 1
    assert told_of >= 2
