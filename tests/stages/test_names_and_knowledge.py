"""Songs get a name by the user's index, and what a service knows of it; what is not known is left empty, and said so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from duplicates.tunes import TITLES, tune
from motet import Dataset
from motet.cli import main
from motet.naming import SongIndex
from motet.recipe import parse
from motet.run.build import Run, build
from sources.answers import MBID, PROVIDERS, RECORDING
from sources.serving import Replies, Reply, Request, Service, serving, told

STAGES = ["scan", "clean", "midi_facts", "identify", "enrich"]
SECRET = "planted-secret-4711"


def knows_one_song(request: Request) -> Reply:
    if request.path == f"/ws/2/recording/{MBID}":
        return told(RECORDING)
    return told({"recordings": [RECORDING] if "Low Tide" in request.params["query"] else []})


class World:
    """A folder of songs, the index of a user who knows two of them, a service, and the dataset built of it all."""

    def __init__(self, root: Path, service: Service) -> None:
        self.root, self.service = root, service
        self.songs, self.data = root / "songs", root / "data"
        self.songs.mkdir()
        listed = root / "list.csv"
        listed.write_text("artist,title\nThe Paper Lanterns,Low Tide\nMara Quill,Nine Winters\n")
        with SongIndex(root / "index.sqlite") as index:
            index.add(listed)

    def write(self, *names: str) -> None:
        for name, title in zip(names, TITLES, strict=False):
            (self.songs / name).write_bytes(bytes(tune(title).symusic.dumps_midi()))

    def build(self, **settings: Any) -> Run:
        given = {"identify": {"index": str(self.root / "index.sqlite")}, "clean": {"shortest": 1}, "enrich": settings}
        recipe = parse({"name": "named", "stages": [{name: given.get(name, {})} for name in STAGES]}, "named")
        return build(recipe, [self.songs], self.data, workers=1)

    def build_asking(self) -> Run:
        given = {"identify": {"index": str(self.root / "index.sqlite"), "ask": ["musicbrainz"]}, "clean": {"shortest": 1}}
        recipe = parse({"name": "named", "stages": [{name: given.get(name, {})} for name in STAGES]}, "named")
        return build(recipe, [self.songs], self.data, workers=1)

    def one(self, table: str, name: str) -> dict[str, Any]:
        found = Dataset(self.data).query(f"SELECT * FROM {table} WHERE path LIKE '%{name}'").to_arrow_table()
        (row,) = found.to_pylist()
        return dict(row)

    def count(self, table: str) -> int:
        return len(Dataset(self.data).query(f"SELECT 1 FROM {table}").fetchall())


@pytest.fixture
def replies() -> Replies:
    return knows_one_song


@pytest.fixture
def world(tmp_path: Path, replies: Replies, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving(replies) as service:
        monkeypatch.setenv("MOTET_MUSICBRAINZ_URL", service.url)
        yield World(tmp_path, service)


def test_a_named_song_gets_tags_and_facts_each_with_its_source(world: World) -> None:
    world.write("Paper Lanterns, The - LOW_TIDE (2).mid.mid")
    world.build()
    identity, knowledge = world.one("identities", "mid"), world.one("knowledge", "mid")
    assert (identity["artist"], identity["title"], identity["level"]) == ("The Paper Lanterns", "Low Tide", "artist and title")
    assert identity["probability"] > 0.8
    assert (knowledge["asked"], knowledge["answers"]) == (["musicbrainz"], ["found"])
    assert ("shoegaze", "genre", ["musicbrainz"]) in zip(
        knowledge["tags"], knowledge["tag_kinds"], knowledge["tag_sources"], strict=True
    )
    chosen = {
        name: (json.loads(value), source)
        for name, value, source, taken in zip(
            *(knowledge[f"fact_{column}"] for column in ("names", "values", "sources", "chosen")), strict=True
        )
        if taken
    }
    assert chosen["year"] == (2024, "musicbrainz")
    assert chosen["tempo"][1] == "motet", "what is measured in the song's own notes goes before another recording's"
    assert f"musicbrainz_recording:{MBID}" in knowledge["identifiers"]


def test_of_a_song_whose_name_is_not_known_nobody_is_asked(world: World) -> None:
    world.write("track07.mid", "Somebody Else - Low Tied.mid")
    world.build()
    assert world.one("identities", "track07.mid")["level"] == "unidentified"
    assert world.one("knowledge", "track07.mid")["left_empty"][0] == "services: the song's name is not known"
    assert not [request for request in world.service.asked if "track" in str(request.params)]


def test_offline_all_is_built_and_says_what_was_left_empty_and_online_later_it_is_filled(world: World) -> None:
    world.write("The Paper Lanterns - Low Tide.mid", "Mara Quill - Nine Winters.mid")
    world.build(offline=True)
    assert not world.service.asked
    assert "musicbrainz: offline, and never asked before" in world.one("knowledge", "Low Tide.mid")["left_empty"]
    world.build()
    assert world.one("knowledge", "Low Tide.mid")["answers"] == ["found"]
    assert "musicbrainz: not found" in world.one("knowledge", "Nine Winters.mid")["left_empty"]
    asked = len(world.service.asked)
    world.build(offline=True)
    assert world.one("knowledge", "Low Tide.mid")["answers"] == ["found"], "an answer that was given stays"
    assert len(world.service.asked) == asked


@pytest.mark.parametrize("replies", [lambda request: Reply(status=401)], ids=["no access"])
def test_what_a_service_could_not_answer_is_asked_again(world: World) -> None:
    world.write("The Paper Lanterns - Low Tide.mid")
    first = world.build()
    assert first.stages[-1].statuses == {"unanswered": 1}
    waiting = world.one("knowledge", "Low Tide.mid")
    assert (waiting["answers"], waiting["left_empty"][0]) == (["unanswered"], "musicbrainz: could not be reached; build again")
    assert "tempo" in waiting["fact_names"], "what Motet measured itself is there in the meantime"
    world.service.replies = knows_one_song
    world.build()
    assert world.one("knowledge", "Low Tide.mid")["answers"] == ["found"]


def test_exported_as_json_a_song_says_what_is_known_and_from_whom(world: World) -> None:
    world.write("The Paper Lanterns - Low Tide.mid", "track07.mid")
    world.build()
    assert main(["export", str(world.data), "--as", "song-json", "--to", str(world.root / "out")]) == 0
    files = {"The Paper Lanterns - Low Tide.json", "unidentified.json", "motet-export.json"}
    assert {path.name for path in (world.root / "out").iterdir()} == files
    told = json.loads((world.root / "out" / "The Paper Lanterns - Low Tide.json").read_text())
    assert [*told] == [*"Song Artist Tags duration_ms acousticness energy key mode tempo sections provenance".split()]
    heard = world.one("midi_facts", "Low Tide.mid")
    assert (told["Song"], told["Artist"], told["Tags"][0]) == ("Low Tide", "The Paper Lanterns", "shoegaze")
    assert told["mode"].lower() == heard["key_mode"]
    assert told["provenance"]["duration_ms"]["conflicts"][0]["source"] == "musicbrainz", "its recording is of another length"
    assert len(told["sections"]) == len(heard["section_ticks"])
    assert told["sections"][0]["key_confidence"] == round(heard["section_key_confidences"][0], 3)


def test_an_export_goes_nowhere_else_and_takes_its_old_files_along(world: World) -> None:
    world.write("The Paper Lanterns - Low Tide.mid", "track07.mid")
    world.build()
    out = world.root / "out"
    assert main(["export", str(world.data), "--as", "song-json", "--to", str(out)]) == 0
    assert main(["export", str(world.data), "--as", "song-json", "--to", str(out), "--where", "path LIKE '%Low Tide%'"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["The Paper Lanterns - Low Tide.json", "motet-export.json"]
    for folder in (world.songs, world.data / "media", world.root / "index.sqlite"):
        assert main(["export", str(world.data), "--as", "song-json", "--to", str(folder)]) == 2
    for where in ("tempo > 'x'", "1=1); COPY (SELECT 1) TO 'x.csv'; SELECT (1", "1=1) UNION (SELECT 1"):
        assert main(["export", str(world.data), "--as", "song-json", "--to", str(world.root / "new"), "--where", where]) == 2


def test_a_service_is_asked_for_what_the_file_says_not_for_the_index_s_guess(world: World) -> None:
    world.write("Unknown Band - Never Listed Song.mid")
    world.build_asking()
    assert 'recording:"Never Listed Song" AND artist:"Unknown Band"' in world.service.asked[0].params["query"]


def test_a_secret_of_the_environment_is_written_nowhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.write("The Paper Lanterns - Low Tide.mid")
    monkeypatch.setenv("LASTFM_API_KEY", SECRET)
    monkeypatch.setenv("MOTET_LASTFM_URL", world.service.url)
    world.service.replies = PROVIDERS["lastfm"].replies
    world.build(sources=["lastfm"])
    assert SECRET in world.service.asked[0].params.values()
    assert world.one("knowledge", "Low Tide.mid")["tags"]
    kept = [path for path in world.root.rglob("*") if path.is_file()]
    assert not [path for path in kept if SECRET.encode() in path.read_bytes()]
