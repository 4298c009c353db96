"""Never twice, never stale: how much work each change costs, who survives, what is removed, and what stays true."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from motet import Dataset, UserError
from motet.dataset.keeping.checking import check
from motet.dataset.keeping.cleaning import clean
from motet.dataset.keeping.repairing import repair
from motet.dataset.lock import writer_lock
from motet.dataset.tables import media_columns
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.removal import remove
from motet.run.watch import Run
from toys.compare import assert_same, live_state
from toys.midi import song

SHORT = [
    "render_stems.rate=16000",
    "clean.shortest=2",
    "segment.shortest=2",
    "segment.target=4",
    "segment.longest=8",
    "assign_splits.remember=false",
]
ROW_STAGES = ("clean", "split_parts", "render_stems", "mix_stems", "segment", "write_captions", "check_captions")
NOTHING = dict.fromkeys(ROW_STAGES, 0)


@dataclass
class World:
    """A folder of sources, and the dataset built of it."""

    sources: Path
    data: Path
    engine: LocalEngine

    def build(self, *settings: str, **options: Any) -> Run:
        recipe = load("text-to-music").changed([*SHORT, *settings])
        return build(recipe, [self.sources], self.data, engine=self.engine, **options)

    def fresh(self, *settings: str) -> Path:
        """What the same command makes of the same sources in a new folder."""
        folder = self.data.with_name("fresh")
        build(load("text-to-music").changed([*SHORT, *settings]), [self.sources], folder, engine=self.engine)
        return folder

    def write(self, name: str, data: bytes) -> None:
        path = self.sources / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return Dataset(self.data).query(sql).fetchall()

    def paths(self, table: str) -> set[str]:
        return {path for (path,) in self.rows(f"SELECT DISTINCT path FROM {table}")}

    def media(self) -> set[str]:
        return {str(p.relative_to(self.data)) for p in (self.data / "media").rglob("*") if p.is_file()}


def work(run: Run) -> dict[str, int]:
    """How many work lines this run wrote for each stage that works row by row."""
    return {stage.name: stage.done_now for stage in run.stages if stage.name in ROW_STAGES}


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> Path:
    root = tmp_path_factory.mktemp("built")
    world = World(root / "sources", root / "data", engine)
    world.write("Artist/one.mid", song(1))
    world.write("Artist/two.mid", song(2))
    world.build()
    return root  # never touched again: every test has a copy


@pytest.fixture
def world(built: Path, tmp_path: Path, engine: LocalEngine) -> World:
    """The two songs and their dataset, to be changed at will."""
    shutil.copytree(built, tmp_path / "world", symlinks=True)
    return World(tmp_path / "world" / "sources", tmp_path / "world" / "data", engine)


def live(world: World) -> dict[str, Any]:
    """What is live, places on disk aside: a test's copy lies elsewhere than what it was copied from."""
    state = live_state(world.data)
    places = ("root", "location")
    return {**state, "files": [{k: v for k, v in row.items() if k not in places} for row in state["files"]]}


# -- the cost of a change -----------------------------------------------------------------------------------------------


def test_no_change_is_no_work(world: World) -> None:
    before = live(world)
    run = world.build()
    assert run.done_now == 0
    assert live(world) == before


def test_one_file_more_is_one_file_s_work(world: World) -> None:
    parts_before = {midi for (midi,) in world.rows("SELECT midi FROM parts")}
    world.write("Artist/three.mid", song(3))
    run = world.build()
    own_parts = {midi for (midi,) in world.rows("SELECT midi FROM parts WHERE path LIKE '%three.mid'")}
    ((own_clips,),) = world.rows("SELECT count(*) FROM clips WHERE path LIKE '%three.mid'")
    assert own_clips
    assert work(run) == {
        "clean": 1,
        "split_parts": 1,
        "render_stems": len(own_parts - parts_before),  # its drums are those of the other songs, note for note
        "mix_stems": 1,
        "segment": 1,
        "write_captions": own_clips,
        "check_captions": own_clips,
    }
    assert len(own_parts - parts_before) < len(own_parts)
    assert_same(world.data, world.fresh())


def test_another_caption_setting_writes_captions_and_nothing_else(world: World) -> None:
    run = world.build("write_captions.numbers=false")
    clips = len(world.rows("SELECT id FROM clips"))
    assert work(run) == {**NOTHING, "write_captions": clips, "check_captions": clips}
    assert not any("BPM" in text or "per minute" in text for (text,) in world.rows("SELECT text FROM captions"))


def test_another_loudness_mixes_again_and_renders_nothing(world: World) -> None:
    stems = world.rows("SELECT id, audio FROM stems ORDER BY id")
    captions = world.rows("SELECT id, text FROM captions ORDER BY id")
    run = world.build("mix_stems.lufs=-30")
    done = work(run)
    assert (done["split_parts"], done["render_stems"], done["mix_stems"], done["segment"]) == (0, 0, 2, 2)
    assert (done["write_captions"], done["check_captions"]) == (0, 0)  # no caption speaks of loudness
    assert world.rows("SELECT id, audio FROM stems ORDER BY id") == stems
    assert world.rows("SELECT id, text FROM captions ORDER BY id") == captions
    assert all(abs(lufs + 30) < 0.1 for (lufs,) in world.rows("SELECT lufs FROM mixes"))


def test_a_setting_changed_back_finds_its_answers(world: World) -> None:
    before = live(world)
    world.build("mix_stems.lufs=-30", "segment.target=3")
    run = world.build()
    assert [stage.name for stage in run.stages if stage.done_now] == [
        "exclude"
    ]  # of all rows at once: these are no row's answers
    assert live(world) == before


def test_a_time_limit_is_no_reason_to_work_again(world: World) -> None:
    assert world.build("render_stems.timeout=77", "clean.timeout=9").done_now == 0


def test_a_renamed_file_keeps_all_that_was_made_of_it(world: World) -> None:
    clips = world.rows("SELECT audio, start_frame FROM clips ORDER BY ALL")
    captions = world.rows("SELECT text FROM captions ORDER BY ALL")
    (world.sources / "Artist/one.mid").rename(world.sources / "renamed.mid")
    run = world.build()
    assert work(run) == NOTHING
    assert world.paths("clips") == {"sources/renamed.mid", "sources/Artist/two.mid"}
    assert world.rows("SELECT audio, start_frame FROM clips ORDER BY ALL") == clips
    assert world.rows("SELECT text FROM captions ORDER BY ALL") == captions
    assert_same(world.data, world.fresh())


def test_a_file_gone_and_back_is_not_done_twice(world: World) -> None:
    before = live(world)
    data = (world.sources / "Artist/one.mid").read_bytes()
    (world.sources / "Artist/one.mid").unlink()
    assert work(world.build()) == NOTHING
    for table in Dataset(world.data).tables():
        assert world.paths(table) <= {"sources/Artist/two.mid"}
    world.write("Artist/one.mid", data)
    assert work(world.build()) == NOTHING
    assert live(world) == before


def test_an_edited_file_is_done_again_and_only_it(world: World) -> None:
    world.write("Artist/one.mid", song(5))
    done = work(world.build())
    assert (done["clean"], done["split_parts"], done["mix_stems"], done["segment"]) == (1, 1, 1, 1)
    assert_same(world.data, world.fresh())


def test_another_seed_changes_only_what_is_drawn(world: World) -> None:
    captions = world.rows("SELECT id, text FROM captions ORDER BY id")
    run = world.build(seed=7)
    assert work(run) == {**NOTHING, "write_captions": len(captions), "check_captions": len(captions)}
    assert world.rows("SELECT id, text FROM captions ORDER BY id") != captions
    assert world.build().done_now == 0  # the seed is the dataset's until another is given
    assert world.build(seed=0).done_now == 0
    assert world.rows("SELECT id, text FROM captions ORDER BY id") == captions


def test_sources_left_out_leave_and_none_named_means_the_last(world: World) -> None:
    recipe = load("text-to-music").changed(SHORT)
    run = build(recipe, [world.sources / "Artist" / "two.mid"], world.data, engine=world.engine)
    assert (run.survivors, run.snapshot.tables["files"]) == (len(world.rows("SELECT id FROM clips")), 1)
    assert build(recipe, None, world.data, engine=world.engine).done_now == 0


# -- duplicates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "again"), [("same_bytes", song(1)), ("same_notes", song(1, velocity=60, name="x", swapped=True))]
)
def test_a_duplicate_points_at_its_survivor_and_takes_over_when_that_goes(world: World, level: str, again: bytes) -> None:
    world.write("Artist/one, saved again.mid", again)
    run = world.build()
    assert {k: v for k, v in work(run).items() if k != "clean"} == {k: 0 for k in NOTHING if k != "clean"}
    ((found_level, survivor, survivor_path),) = world.rows("SELECT level, other, other_path FROM duplicates")
    assert (found_level, survivor_path) == (level, "sources/Artist/one.mid")  # the shorter path stays
    assert world.rows(f"SELECT path FROM songs WHERE id = '{survivor}'") == [(survivor_path,)]
    for table in ("songs", "parts", "stems", "mixes", "clips", "captions"):
        assert "sources/Artist/one, saved again.mid" not in world.paths(table)
    said = world.rows("SELECT status, reason FROM work WHERE path LIKE '%again.mid' AND stage = 'deduplicate'")
    assert said == [("dropped", level)]

    (world.sources / "Artist/one.mid").unlink()
    run = world.build()
    assert world.rows("SELECT * FROM duplicates") == []
    for table in ("songs", "parts", "stems", "mixes", "clips", "captions"):
        assert world.paths(table) == {"sources/Artist/one, saved again.mid", "sources/Artist/two.mid"}
    assert work(run)["render_stems"] == (0 if level == "same_bytes" else 3)
    assert_same(world.data, world.fresh())


def test_of_equal_songs_the_one_read_strictly_stays_whatever_it_is_called(world: World) -> None:
    data = bytearray(song(3))
    spoilt = data.replace(b"\x90", b"\x90", 1)
    at = spoilt.index(b"\x90") + 2
    spoilt[at] |= 0x80  # a velocity above 127: readable only by sanitising, and velocities do not count
    world.write("a.mid", bytes(spoilt))
    world.write("a much longer name.mid", bytes(data))
    world.build()
    assert dict(world.rows("SELECT path, read_as FROM songs WHERE path LIKE '%/a%'")) == {
        "sources/a much longer name.mid": "strict"
    }
    assert world.rows("SELECT path, other_path FROM duplicates") == [("sources/a.mid", "sources/a much longer name.mid")]


def test_other_pitches_or_another_instrument_make_another_song(world: World) -> None:
    import symusic

    score = symusic.Score.from_midi(song(1))
    world.write("higher.mid", bytes(score.shift_pitch(2).dumps_midi()))
    score.tracks[0].program = 40
    world.write("on the violin.mid", bytes(score.dumps_midi()))
    world.build()
    assert world.rows("SELECT path FROM duplicates") == []
    assert len(world.paths("songs")) == 4


def test_tempo_and_metre_do_not_make_another_song(world: World) -> None:
    import symusic

    score = symusic.Score.from_midi(song(1))
    score.tempos = [symusic.Tempo(0, qpm=90.0)]
    world.write("Artist/one, slower.mid", bytes(score.dumps_midi()))
    world.build()
    assert world.rows("SELECT path, level FROM duplicates") == [("sources/Artist/one, slower.mid", "same_notes")]


# -- removal and cleaning -----------------------------------------------------------------------------------------------


def media_of(world: World, path: str) -> set[str]:
    found = set()
    for table in Dataset(world.data).tables():
        for column in media_columns(Dataset(world.data).snapshot.table(table)):
            found |= {m for (m,) in world.rows(f"SELECT {column} FROM {table} WHERE path = '{path}'")}
    return found


def test_what_is_removed_leaves_no_trace_and_does_not_come_back(world: World) -> None:
    own = media_of(world, "sources/Artist/one.mid") - media_of(world, "sources/Artist/two.mid")
    assert own <= world.media()
    removal = remove(world.data, "sources/Artist/one.mid", engine=world.engine)
    assert removal.paths == ["sources/Artist/one.mid"]
    assert removal.freed > 0
    assert not own & world.media()
    for table in Dataset(world.data).tables():
        assert "sources/Artist/one.mid" not in world.paths(table)
    assert world.rows("SELECT status, reason FROM work WHERE path LIKE '%one.mid'") == [("dropped", "removed")]
    assert list(check(world.data)) == []
    assert not list(world.data.glob("runs/*/report.html"))  # pages that played it

    world.write("under another name.mid", song(1))
    run = world.build()
    assert run.done_now <= 2  # the verdicts over all songs
    assert world.paths("songs") == {"sources/Artist/two.mid"}
    assert not own & world.media()


def test_a_removed_song_s_duplicate_of_other_content_takes_over(world: World) -> None:
    world.write("softer, longer name.mid", song(1, velocity=60))
    world.write("Artist/one, the same.mid", song(1))
    world.build()
    removal = remove(world.data, "sources/Artist/one.mid", engine=world.engine)
    assert removal.paths == ["sources/Artist/one, the same.mid", "sources/Artist/one.mid"]  # the content goes, not the name
    assert world.paths("captions") == {"sources/softer, longer name.mid", "sources/Artist/two.mid"}
    assert list(check(world.data)) == []


def test_a_folder_can_be_removed_and_everything_with_it(world: World) -> None:
    removal = remove(world.data, "sources/Artist/", engine=world.engine)
    assert len(removal.paths) == 2
    assert world.media() == set()
    assert set(Dataset(world.data).tables().values()) == {0}


def test_removing_what_is_not_there_changes_nothing(world: World) -> None:
    before = live(world)
    with pytest.raises(UserError, match=r"no source called 'sources/three\.mid'"):
        remove(world.data, "sources/three.mid", engine=world.engine)
    assert live(world) == before


def test_clean_forgets_what_nothing_live_uses_and_nothing_else(world: World) -> None:
    mixes = {audio for (audio,) in world.rows("SELECT audio FROM mixes")}
    world.build("mix_stems.lufs=-30")
    before = live(world)
    assert mixes <= world.media()
    with writer_lock(world.data):
        cleaned = clean(world.data)
    assert (cleaned.answers, cleaned.bytes > 0) == (4, True)  # two mixes, and the clips of them
    assert not mixes & world.media()
    assert live(world) == before
    assert list(check(world.data)) == []
    assert world.build("mix_stems.lufs=-30").done_now == 0
    assert work(world.build())["mix_stems"] == 2  # changed back after cleaning, it is made again


# -- what the folder promises -------------------------------------------------------------------------------------------


def test_ids_lead_from_a_caption_to_its_file(world: World) -> None:
    sql = (
        "SELECT f.path, p.path FROM captions t JOIN clips c ON c.id = t.id "
        "JOIN mixes m ON m.source = c.source AND m.take = c.take JOIN songs s ON s.id = m.source "
        "JOIN files f ON f.id = s.id JOIN captions p ON p.id = t.id"
    )
    rows = world.rows(sql)
    assert rows
    assert all(a == b for a, b in rows)
    assert len(rows) == len(world.rows("SELECT id FROM captions"))


def test_every_file_looked_at_has_a_verdict(world: World) -> None:
    world.write("page.mid", b"<html>not here</html>")
    world.write("empty.mid", b"")
    world.write("._one.mid", b"\0")
    world.write("cut off.mid", song(4)[:40])
    world.build()
    said = dict(world.rows("SELECT path, reason FROM work WHERE status = 'dropped' AND path NOT LIKE '%Artist%'"))
    assert said.keys() == {"sources/page.mid", "sources/empty.mid", "sources/._one.mid", "sources/cut off.mid"}
    assert all(said.values())
    assert said["sources/._one.mid"] == "junk"


def test_an_interrupted_write_is_swept_away(world: World) -> None:
    before = live(world)
    (world.data / "work" / "clean" / "part-99999999.parquet").write_bytes(b"half")
    (world.data / "tables" / "songs" / ".part-1.parquet.1.tmp").write_bytes(b"half")
    (world.data / "snapshots" / ".draft").mkdir()
    (world.data / "snapshots" / ".draft" / "songs.parquet").write_bytes(b"half")
    assert live(world) == before  # readers never see it
    assert world.build().done_now == 0
    assert not (world.data / "work" / "clean" / "part-99999999.parquet").exists()
    assert not (world.data / "tables" / "songs" / ".part-1.parquet.1.tmp").exists()
    assert not (world.data / "snapshots" / ".draft").exists()


def test_two_readers_of_one_snapshot_see_it_while_the_next_is_made(world: World) -> None:
    old = Dataset(world.data).snapshot
    world.write("three.mid", song(3))
    world.build()
    assert old.table("clips").exists()  # the last snapshot stays for who has it open
    assert Dataset(world.data).snapshot.number == old.number + 1


@pytest.mark.parametrize("damage", ["shorten", "flip", "delete"])
def test_check_names_media_that_is_not_what_was_written(world: World, damage: str) -> None:
    ((reference,),) = world.rows("SELECT audio FROM mixes LIMIT 1")
    path = world.data / reference
    data = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    else:
        data[len(data) // 2] ^= 1
        path.write_bytes(data[:-1] if damage == "shorten" else data)
    (fault,) = check(world.data)
    assert (fault.kind, fault.where) == ("missing_media" if damage == "delete" else "damaged_media", reference)


def test_lost_and_damaged_media_is_made_again_after_a_repair(world: World) -> None:
    before = live(world)
    ((stem,), (mix,)) = (*world.rows("SELECT audio FROM stems LIMIT 1"), *world.rows("SELECT audio FROM mixes LIMIT 1"))
    (world.data / stem).unlink()
    (world.data / mix).write_bytes(b"fLaC, but no more")
    assert {fault.kind for fault in check(world.data)} == {"missing_media", "damaged_media"}
    with writer_lock(world.data):
        assert repair(world.data).answers >= 2
    world.build()
    assert live(world) == before
    assert list(check(world.data)) == []


def test_a_dataset_among_the_sources_is_no_source(world: World) -> None:
    inside = world.sources / "my dataset"
    shutil.copytree(world.data, inside, symlinks=True)
    run = world.build()
    assert run.stages[0].reasons == [("dropped", "left", 1)]
    assert world.paths("files") == {"sources/Artist/one.mid", "sources/Artist/two.mid"}


def test_parts_of_an_older_motet_may_lack_a_column(world: World) -> None:
    world.write("a.mid", song(1))
    world.build()
    for part in (world.data / "tables" / "songs").glob("*.parquet"):
        pq.write_table(pq.read_table(part).drop_columns(["notes_digest"]), part)
    world.write("b.mid", song(2))
    again = ["clean.shortest=3"]  # all are asked again, as after a stage's new version
    world.build(*again)
    assert all(digest for (digest,) in world.rows("SELECT notes_digest FROM songs"))
    assert_same(world.data, world.fresh(*again))
