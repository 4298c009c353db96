"""Splits that do not leak and stay where they were, and licences that are told: from MIDI files to the live tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from motet import Dataset, UserError
from motet.dataset.media import Media
from motet.demo import TUNES, arrange, to_midi
from motet.export.example import SPLITS
from motet.recipe import load
from motet.run import Tools
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.stages.read_licences import ReadLicences, read_licences
from toys.midi import song

SHARES = ["assign_splits.train=0.6", "assign_splits.validation=0.2", "assign_splits.test=0.2"]


@dataclass
class World:
    sources: Path
    data: Path
    engine: LocalEngine

    def write(self, name: str, data: bytes) -> None:
        (self.sources / name).parent.mkdir(parents=True, exist_ok=True)
        (self.sources / name).write_bytes(data)

    def build(self, *settings: str) -> Dataset:
        recipe = load("symbolic").changed(["clean.shortest=1", *SHARES, *settings])
        build(recipe, [self.sources], self.data, engine=self.engine)
        return Dataset(self.data)

    def splits(self) -> dict[str, str]:
        return dict(Dataset(self.data).query("SELECT path, split FROM splits").fetchall())


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(workers=1) as engine:
        yield engine


@pytest.fixture
def world(tmp_path: Path, engine: LocalEngine) -> World:
    """Ten songs by five artists."""
    world = World(tmp_path / "songs", tmp_path / "data", engine)
    for number in range(10):
        world.write(f"Artist {number // 2}/Tune {number}.mid", song(100 + 7 * number, bars=4 + number))
    return world


def test_every_song_has_a_split_and_no_artist_two(world: World) -> None:
    world.build()
    placed = world.splits()
    assert len(placed) == 10
    assert set(placed.values()) == set(SPLITS)
    assert len({(path.split("/")[1], split) for path, split in placed.items()}) == 5


def test_songs_that_come_later_move_nobody(world: World) -> None:
    world.build()
    before = world.splits()
    for number in range(10, 22):
        world.write(f"Artist {number // 3}/Tune {number}.mid", song(100 + 7 * number, bars=4 + number))
    world.build()
    after = world.splits()
    assert len(after) == 22
    assert before.items() <= after.items()
    world.build("assign_splits.remember=false")
    assert len({(path.split("/")[1], split) for path, split in world.splits().items()}) == 8


def test_what_was_drawn_with_other_shares_is_not_remembered(world: World) -> None:
    world.build()
    world.build("assign_splits.train=1", "assign_splits.validation=0", "assign_splits.test=0")
    assert set(world.splits().values()) == {"train"}


def test_a_newcomer_that_joins_two_splits_is_left_out_and_told(world: World) -> None:
    world.build()
    before = world.splits()
    one, other = (next(path for path, split in sorted(before.items()) if split == wanted) for wanted in ("train", "test"))
    tune = next(tune for tune in TUNES if tune.title == "Greensleeves")
    world.write(f"{other.split('/')[1]}/Greensleeves.mid", to_midi(arrange(tune)))
    world.build()
    before = world.splits()
    assert before[f"songs/{other.split('/')[1]}/Greensleeves.mid"] == "test"
    # The same tune again, by an artist whose songs are in train.
    world.write(f"{one.split('/')[1]}/Green Sleeves.mid", to_midi(arrange(tune), ticks_per_quarter=960, softer=9))
    dataset = world.build("deduplicate.remove=same_bytes")
    placed = world.splits()
    assert placed[f"songs/{one.split('/')[1]}/Green Sleeves.mid"] == ""
    assert {path: split for path, split in placed.items() if path in before} == before
    ((why,),) = dataset.query("SELECT why FROM splits WHERE split = ''").fetchall()
    assert "train" in why
    assert "test" in why


def test_the_survivor_of_a_duplicate_goes_where_that_was(world: World) -> None:
    """Train and test stay apart over versions: a better copy takes the split of the one it drives out."""
    tune = arrange(next(tune for tune in TUNES if tune.title == "Greensleeves"))
    world.write("Nobody/long name of a file.mid", to_midi(tune, softer=9))
    world.build()
    was = world.splits()["songs/Nobody/long name of a file.mid"]
    world.write("Nowhere/b.mid", to_midi(tune))
    world.build()
    placed = world.splits()
    assert "songs/Nobody/long name of a file.mid" not in placed
    assert placed["songs/Nowhere/b.mid"] == was


def test_a_list_in_the_sources_says_what_they_are_under(world: World) -> None:
    world.write(
        "licences.yaml",
        b'"*": {licence: CC-BY-4.0, holder: Ada Example, url: "https://example.org"}\n"Artist 1/*": CC0-1.0\n',
    )
    dataset = world.build()
    told = dict(dataset.query("SELECT path, [licence, holder, said_by] FROM licences").fetchall())
    assert told["songs/Artist 0/Tune 0.mid"] == ["CC-BY-4.0", "Ada Example", "list"]
    assert told["songs/Artist 1/Tune 2.mid"] == ["CC0-1.0", "", "list"]


def test_without_a_list_nobody_knows(world: World) -> None:
    assert world.build().query("SELECT DISTINCT licence, said_by FROM licences").fetchall() == [("", "")]


def test_a_changed_list_is_read_again_and_renders_nothing(world: World) -> None:
    world.build()
    world.write("licences.yaml", b'"*": MIT\n')
    run = build(load("symbolic").changed(["clean.shortest=1", *SHARES]), [world.sources], world.data, engine=world.engine)
    read = {"scan", "read_judgements", "read_licences"}
    assert {stage.name for stage in run.stages if not stage.unchanged} <= {*read, "settle_licences"}
    assert Dataset(world.data).query("SELECT DISTINCT licence FROM licences").fetchall() == [("MIT",)]


@pytest.mark.parametrize(
    "content, said",
    [
        (b"- CC0-1.0\n", "a map is wanted"),
        (b'"*": {license: MIT}\n', "there is no key 'license' here; did you mean licence"),
        (b'"*": {holder: Ada Example}\n', "licence is missing"),
        (b'"*": [MIT]\n', "line 1"),
        (b"", "is empty"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_a_list_that_is_none_is_told_with_its_line(world: World, content: bytes, said: str) -> None:
    world.write("licences.yaml", content)
    with pytest.raises(UserError, match=said):
        world.build()


def test_shares_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UserError, match=r"add up to 0\.8"):
        load("symbolic").changed(["assign_splits.train=0.7"])


def test_a_source_that_goes_while_a_build_reads_it_is_one_sentence(tmp_path: Path) -> None:
    """After the scan found it: a disk that is away for a moment."""
    tools = Tools(Random(0), Media(tmp_path), tmp_path)
    with pytest.raises(UserError, match="gone does not exist"):
        list(read_licences([tmp_path / "gone"], ReadLicences(), tools))
