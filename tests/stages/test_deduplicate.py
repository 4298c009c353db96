"""Songs that are another one again go or are linked, with the reason, whatever the order of files and the number of workers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from duplicates.perturb import Piece, medley, notes_dropped
from duplicates.tunes import DRUMS, melody, tune, written
from motet import Dataset, demo
from motet.recipe import parse
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.compare import assert_same

STAGES = ["scan", "clean", "fingerprint", "deduplicate"]
PLAIN = Piece.of(tune("Greensleeves"))


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as one:
        yield one


@dataclass
class World:
    """A folder of songs, and the dataset built of it."""

    root: Path
    engine: LocalEngine

    @property
    def data(self) -> Path:
        return self.root / "data"

    def write(self, songs: dict[str, bytes]) -> None:
        for name, content in songs.items():
            path = self.root / "songs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def build(self, to: str = "data", engine: LocalEngine | None = None, **settings: str) -> Path:
        steps = [{name: settings if name == "deduplicate" else {"shortest": 1} if name == "clean" else {}} for name in STAGES]
        recipe = parse({"name": "songs", "stages": steps}, "songs")
        build(recipe, [self.root / "songs"], self.root / to, engine=engine or self.engine)
        return self.root / to

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Paths are told without the folder."""
        found = Dataset(self.data).query(sql).fetchall()
        return [tuple(v.removeprefix("songs/") if isinstance(v, str) else v for v in row) for row in found]

    def gone(self) -> dict[str, tuple[str, str]]:
        """Who was dropped, as what and why."""
        said = "SELECT path, reason, detail FROM work WHERE stage = 'deduplicate' AND status = 'dropped'"
        return {path: (reason, why.replace("songs/", "")) for path, reason, why in self.rows(said)}

    def songs(self) -> set[str]:
        return {path for (path,) in self.rows("SELECT path FROM songs")}

    def links(self) -> dict[tuple[str, str], tuple[str, bool]]:
        """Of each pair, the song that ranks lower first: its level, and whether it went for the other."""
        rows = self.rows("SELECT path, other_path, level, removed FROM duplicates")
        assert len({row[:2] for row in rows}) == len(rows)
        return {(path, other): (level, removed) for path, other, level, removed in rows}


@pytest.fixture
def world(tmp_path: Path, engine: LocalEngine) -> World:
    return World(tmp_path, engine)


def saved_again() -> bytes:
    """The same notes at twice the ticks, softer, the tracks in another order."""
    (greensleeves,) = (demo.arrange(tune) for tune in demo.TUNES if tune.title == "Greensleeves")
    ticks, order = 2 * greensleeves.tune.ticks_per_quarter, range(len(greensleeves.voices))[::-1]
    return demo.to_midi(greensleeves, ticks_per_quarter=ticks, order=order, softer=9)


def transposed(piece: Piece, steps: int) -> Piece:
    notes = piece.notes.copy()
    notes["pitch"] = np.where(piece.pitched, notes["pitch"].astype(np.int64) + steps, notes["pitch"])
    return replace(piece, notes=notes)


def faster(piece: Piece, times: float) -> Piece:
    return replace(piece, tempi=tuple((tick, round(us / times)) for tick, us in piece.tempi))


def thinner(piece: Piece) -> Piece:
    """The same song with 15 % of its notes gone, which ranks below it under any name."""
    fewer = notes_dropped(piece, np.random.default_rng(0))
    assert fewer
    return fewer


def original() -> bytes:
    (greensleeves,) = (demo.to_midi(demo.arrange(tune)) for tune in demo.TUNES if tune.title == "Greensleeves")
    return greensleeves


def copies() -> dict[str, bytes]:
    """A song, the same bytes, the same notes, the same arrangement, and another song."""
    return {
        "a.mid": original(),
        "b copied.mid": original(),
        "c saved again.mid": saved_again(),
        "d three up.mid": transposed(thinner(PLAIN), 3).written(),
        "e another.mid": demo.to_midi(demo.arrange(demo.TUNES[1])),
    }


# -- who goes -----------------------------------------------------------------------------------------------------------


def test_of_copies_one_stays_and_each_that_goes_says_why(world: World) -> None:
    world.write(copies())
    world.build()
    assert world.songs() == {"a.mid", "e another.mid"}
    gone = world.gone()
    assert gone.keys() == {"b copied.mid", "c saved again.mid", "d three up.mid"}
    assert gone["b copied.mid"] == ("same_bytes", "as a.mid: same bytes")
    assert gone["c saved again.mid"] == ("same_notes", "as a.mid: same notes, 100 % shared")
    level, why = gone["d three up.mid"]
    assert level == "hard"
    assert why.startswith("as a.mid: same notes +3 semitones, ")
    assert world.links() == {(path, "a.mid"): (reason, True) for path, (reason, _) in gone.items()}


def test_the_table_tells_each_pair_in_numbers(world: World) -> None:
    world.write({"a.mid": PLAIN.written(), "up.mid": faster(transposed(thinner(PLAIN), 3), 1.25).written()})
    world.build()
    ((row),) = Dataset(world.data).table("duplicates").to_pylist()
    ids = dict(world.rows("SELECT path, id FROM files"))
    assert (row["id"], row["source"]) == (ids["up.mid"] + ".d000", ids["up.mid"])
    assert (row["other"], row["cluster"]) == (ids["a.mid"], ids["a.mid"])
    assert (row["transposition"], row["offset"], row["contained"]) == (3, 0.0, "")
    assert row["tempo"] == pytest.approx(0.8, rel=0.01)
    assert row["shared"] > row["other_shared"] > 0.8
    assert (f"as songs/a.mid: {row['evidence']}",) in Dataset(world.data).query("SELECT detail FROM work").fetchall()


def test_a_looser_level_than_is_removed_is_only_linked(world: World) -> None:
    world.write(copies())
    world.build(remove="same_notes")
    assert world.songs() == {"a.mid", "d three up.mid", "e another.mid"}
    assert world.links()["d three up.mid", "a.mid"] == ("hard", False)
    assert world.links()["c saved again.mid", "a.mid"] == ("same_notes", True)
    clusters = dict(world.rows("SELECT d.path, f.path FROM duplicates d JOIN files f ON f.id = d.cluster"))
    assert clusters == {"b copied.mid": "a.mid", "c saved again.mid": "a.mid", "d three up.mid": "d three up.mid"}


@pytest.mark.parametrize(
    "link, found",
    [("same_bytes", {"b copied.mid"}), ("same_notes", {"b copied.mid", "c saved again.mid"})],
)
def test_what_is_not_looked_for_is_not_found(world: World, link: str, found: set[str]) -> None:
    world.write(copies())
    world.build(link=link)
    assert world.gone().keys() == found
    assert {path for path, _ in world.links()} == found


def test_a_medley_is_linked_to_its_songs_and_all_stay(world: World) -> None:
    second = Piece.of(tune("Ode to Joy"))
    world.write({"one.mid": PLAIN.written(), "two.mid": second.written(), "both.mid": medley(PLAIN, second).written()})
    world.build()
    assert world.gone() == {}
    assert world.links() == {("one.mid", "both.mid"): ("hard", False), ("two.mid", "both.mid"): ("hard", False)}
    assert set(world.rows("SELECT path, contained FROM duplicates")) == {("one.mid", "this"), ("two.mid", "this")}


def test_all_that_hang_together_are_one_family_though_no_group(world: World) -> None:
    """Train and test must not share a song, not even as a part of a medley."""
    one, other = PLAIN, Piece.of(tune("Korobeiniki"))
    world.write({"a.mid": one.written(), "b.mid": other.written(), "both.mid": medley(one, other).written()})
    world.build()
    assert len(world.songs()) == 3
    assert len({family for (family,) in world.rows("SELECT family FROM duplicates")}) == 1


def test_the_same_notes_slower_are_said_to_be_slower(world: World) -> None:
    world.write({"a.mid": PLAIN.written(), "slow.mid": faster(PLAIN, 0.8).written()})
    world.build()
    ((level, tempo, evidence),) = world.rows("SELECT level, tempo, evidence FROM duplicates")
    assert (level, tempo) == ("same_notes", pytest.approx(1.25, rel=1e-3))
    assert evidence == "same notes, 1.25 x slower, 100 % shared"


def test_songs_without_a_melody_of_their_own_stay_and_are_in_no_group(world: World) -> None:
    scale = [60, 62, 64, 65, 67, 69, 71, 72]
    lines = {
        "drums.mid": melody([36, 42, 38, 42] * 40, program=DRUMS),
        "drums too.mid": melody([36, 42, 38, 46] * 40, program=DRUMS),
        "click.mid": melody([76] * 100, program=DRUMS),
        "short.mid": melody(scale),
        "short too.mid": melody([*scale, 74]),
        "scale.mid": melody([*scale, *scale[::-1]] * 10),
        "scale too.mid": melody([*scale, *scale[::-1]] * 12),
        "riff.mid": melody([40, 43, 45, 43] * 40),
        "riff too.mid": melody([41, 44, 46, 44] * 50),
        "one note.mid": melody([60] * 100),
        "one other note.mid": melody([61] * 100),
    }
    world.write({name: written([line]) for name, line in lines.items()})
    world.write({"no notes.mid": written([])})
    world.build()
    assert world.songs() == set(lines)
    assert world.links() == {}


# -- what changes -------------------------------------------------------------------------------------------------------


def test_a_better_copy_takes_over_and_gives_back(world: World) -> None:
    world.write({"fewer notes.mid": thinner(PLAIN).written(), "up.mid": transposed(thinner(PLAIN), 2).written()})
    world.build()
    assert world.songs() == {"up.mid"}, "of equals the shorter name stays"
    world.write({"complete and with a long name.mid": PLAIN.written()})
    world.build()
    assert world.songs() == {"complete and with a long name.mid"}
    assert world.gone().keys() == {"fewer notes.mid", "up.mid"}
    assert_same(world.data, world.build("fresh with"))
    (world.root / "songs" / "complete and with a long name.mid").unlink()
    world.build()
    assert world.songs() == {"up.mid"}
    assert_same(world.data, world.build("fresh without"))


def test_a_survivor_of_the_same_notes_at_another_tempo_is_told_at_its_own(world: World) -> None:
    """What was judged before must not speak for another file, though their notes are the same."""
    world.write({"long name.mid": PLAIN.written(), "up.mid": transposed(thinner(PLAIN), 2).written()})
    world.build()
    world.write({"a.mid": faster(PLAIN, 1.5).written()})
    world.build()
    assert world.songs() == {"a.mid"}
    assert "1.50 x slower" in world.gone()["up.mid"][1]
    assert_same(world.data, world.build("fresh"))


def test_the_cache_may_be_lost_or_damaged(world: World) -> None:
    world.write(copies())
    world.build()
    fresh = world.build("fresh")
    (judged,) = world.data.rglob("judged.sqlite")
    judged.write_bytes(b"no database")
    (world.root / "songs" / "e another.mid").rename(world.root / "songs" / "renamed.mid")
    world.build()
    assert_same(world.data, world.build("renamed"))
    assert fresh != world.data


def test_neither_names_nor_workers_decide_what_is_alike(world: World) -> None:
    """Under other names, so in another order, the same songs are paired for the same reasons; with two workers all is equal."""
    songs = {
        **copies(),
        "f up.mid": transposed(Piece.of(tune("Ode to Joy")), 1).written(),
        "g.mid": Piece.of(tune("Ode to Joy")).written(),
    }
    world.write(songs)
    world.build()
    with LocalEngine(2) as two:
        assert_same(world.data, world.build("two workers", two))
    backwards = World(world.root / "backwards", world.engine)
    names = dict(zip(songs, (f"{name[0]}.mid" for name in reversed(songs)), strict=True))
    backwards.write({names[name]: content for name, content in songs.items()})
    backwards.build()

    def pairs(one: World, called: dict[str, str]) -> set[tuple[Any, ...]]:
        """Unordered pairs by their old names: who survives hangs on names, who is alike does not."""
        sql = "SELECT path, other_path, level, score, abs(transposition), greatest(tempo, 1 / tempo) FROM duplicates"
        return {
            (frozenset({called[a], called[b]}), level, score, up, round(tempo, 3))
            for a, b, level, score, up, tempo in one.rows(sql)
        }

    same = {name: name for name in songs}
    hard = {pair for pair in pairs(world, same) if pair[1] == "hard"}
    back = {new: old for old, new in names.items()}
    found = {pair for pair in pairs(backwards, back) if pair[1] == "hard"}
    assert len(hard) == 2

    def song_of(pair: tuple[Any, ...]) -> tuple[Any, ...]:
        """Copies of the same notes stand for each other."""
        return frozenset("a.mid" if name[0] in "abc" else name for name in pair[0]), *pair[1:]

    assert {song_of(pair) for pair in hard} == {song_of(pair) for pair in found}
    assert len(backwards.songs()) == len(world.songs()) == 3
