"""What people judge outlives renames, is seen at once, and is respected by the next build, which does nothing else anew."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet import Dataset, UserError
from motet.cli import main
from motet.dataset.keeping.checking import check
from motet.dataset.rows import Clip, FilmClip, Judgement, RecordedClip, Row, Song, VideoPlan
from motet.dataset.versions import create
from motet.labels import Label, Labels, Verdict, judgements, lineage_of, stamp_of
from motet.recipe import Recipe, load, parse
from motet.run import Drop
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.removal import remove
from motet.run.stage import Stage
from motet.run.watch import Run, StageReport, Watch
from motet.stages.exclude import Exclude, exclude
from motet.stages.exclude_plans import exclude_plans
from motet.stages.exclude_songs import exclude_songs
from toys.compare import assert_same
from toys.midi import song

FILE = "judgements.jsonl"
RECIPE = parse(
    {"name": "songs", "stages": ["scan", "read_judgements", {"clean": {"shortest": 2}}, "exclude_songs", "split_parts"]}, "songs"
)


# -- stamps ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "stamp"),
    [
        ((), "4fc1.t000.c002"),
        ((None, None), "4fc1.t000.c002"),
        ((0.0, 12.5), "4fc1.t000.c002@0-12500"),
        ((28.420992, 40.075744), "4fc1.t000.c002@28421-40076"),
        ((0.0005, 1.0004999), "4fc1.t000.c002@1-1000"),  # half a millisecond goes up
        ((-0.25, 1), "4fc1.t000.c002@-250-1000"),
        ((float("nan"), 1.0), "4fc1.t000.c002"),
        ((0.0, float("inf")), "4fc1.t000.c002"),
    ],
)
def test_an_example_is_known_by_its_content_and_its_span(span: tuple[float | None, ...], stamp: str) -> None:
    assert stamp_of("4fc1.t000.c002", *span) == stamp


@given(st.text(min_size=1, max_size=30).filter(lambda text: "@" not in text), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_the_content_is_read_back_from_a_stamp(lineage: str, start: float, end: float) -> None:
    assert lineage_of(stamp_of(lineage, start, end)) == lineage_of(lineage) == lineage


def test_what_is_no_span_belongs_to_the_content() -> None:
    assert lineage_of("someone@example.org") == "someone@example.org"


# -- the file -------------------------------------------------------------------------------------------------------------


def test_a_file_from_before_there_were_ids_is_read_as_it_was(tmp_path: Path) -> None:
    old = {
        "stamp": "a b 1.00 2.00",
        "verdict": "unsure",
        "note": "faint",
        "by": "Ada",
        "at": "2026-01-01T00:00:00Z",
        "about": "a song",
    }
    (tmp_path / FILE).write_text(f'{{"motet": "labels", "version": 1}}\n{json.dumps(old)}\n')
    labels = Labels.open(tmp_path / FILE)
    assert labels.all() == [Label("a b 1.00 2.00", "unsure", "faint", "Ada", "2026-01-01T00:00:00Z", "a song", "")]
    assert labels.told == ()


def test_verdicts_on_matches_and_on_examples_stand_in_one_file(tmp_path: Path) -> None:
    labels = Labels.open(tmp_path / FILE)
    said: list[Verdict] = ["yes", "no", "unsure", "good", "bad"]
    for verdict in said:
        labels.add(f"of {verdict}", verdict, id=f"id of {verdict}\ud800")
    assert {stamp: label.verdict for stamp, label in judgements(tmp_path).items()} == {f"of {v}": v for v in said}
    assert judgements(tmp_path)["of bad"].id == "id of bad\ufffd"  # what no file can hold is replaced
    with pytest.raises(ValueError, match="no label"):
        labels.add("one", "dreadful")  # type: ignore[arg-type]


@pytest.mark.parametrize("line", ['"verdict": "dreadful"', '"verdict": "bad", "id": 3', '"verdict": "bad", "id": null'])
def test_a_line_that_is_no_label_is_passed_over_and_told(tmp_path: Path, line: str) -> None:
    with (tmp_path / FILE).open("w") as file:
        file.write(f'{{"motet": "labels", "version": 1}}\n{{"stamp": "one", {line}, "at": "2026-01-01T00:00:00Z"}}\n')
    labels = Labels.open(tmp_path / FILE)
    assert labels.all() == []
    assert labels.told == (f"Line 2 of {FILE} cannot be read and is passed over.",)


# -- what is left out, table by table ---------------------------------------------------------------------------------------


def row(row_type: type[Row], number: int, **told: Any) -> Any:
    """A row of which nothing matters but what is told."""
    empty = {f.name: None for f in fields(row_type) if f.default is MISSING and f.default_factory is MISSING}
    return row_type(**{**empty, "id": f"id{number}", "lineage": f"content{number}", **told})


def judged(stamp: str, verdict: str, note: str = "") -> Judgement:
    return Judgement(stamp=stamp, verdict=verdict, note=note, by="", at="")


SPANNED = [(exclude, Clip), (exclude, RecordedClip), (exclude, FilmClip), (exclude_plans, VideoPlan)]


@pytest.mark.parametrize(("stage", "row_type"), SPANNED)
def test_what_was_judged_bad_is_left_out(stage: Stage, row_type: type[Row]) -> None:
    rows = [row(row_type, number, start=10.0 * number, end=10.0 * number + 5) for number in range(5)]
    said = [
        judged("content0@0-5000", "bad", note="clipped\nand  noisy"),
        judged("content1@10000-15000", "good"),
        judged("content2@20000-24999", "bad"),  # it was cut elsewhere then
        judged("content3", "bad"),  # of a song, not of this clip of it
        judged("elsewhere@0-5000", "bad"),
    ]
    (verdict,) = stage.function(rows, said, Exclude())
    assert (verdict.id, verdict.drop) == ("id0", Drop("judged_bad", "clipped and noisy"))


def test_a_song_is_judged_whole() -> None:
    rows = [row(Song, number) for number in range(3)]
    said = [judged("content1", "bad"), judged("content2@0-5000", "bad")]  # the second is of a clip that it once gave
    (verdict,) = exclude_songs.function(rows, said, Exclude())
    assert (verdict.id, verdict.drop) == ("id1", Drop("judged_bad", ""))


@pytest.mark.parametrize(
    ("setting", "left_out"),
    [([], {}), (["bad"], {"id1": "judged_bad"}), (["bad", "unsure"], {"id1": "judged_bad", "id2": "judged_unsure"})],
)
def test_a_recipe_says_which_verdicts_leave_out(setting: list[Any], left_out: dict[str, str]) -> None:
    rows = [row(Song, number) for number in range(4)]
    said = [judged("content0", "good"), judged("content1", "bad"), judged("content2", "unsure")]
    told = exclude_songs.function(rows, said, Exclude(judged=setting))
    assert {verdict.id: verdict.drop.reason for verdict in told} == left_out


def test_a_verdict_that_nobody_gives_is_refused() -> None:
    with pytest.raises(UserError, match=r"exclude\.judged\.0 cannot be 'awful'"):
        load("text-to-music").changed(["exclude.judged=[awful]"])


@pytest.mark.parametrize(
    ("recipe", "stage", "after", "before"),
    [
        ("text-to-music", "exclude", "segment", "assign_splits"),
        ("musicgen", "exclude", "tag", "balance"),
        ("film-music", "exclude", "pair", None),
        ("midi-video", "exclude_plans", "map_video", "render_video"),
        ("symbolic", "exclude_songs", "deduplicate", "assign_splits"),
        ("duplicates", "exclude_songs", "deduplicate", None),
    ],
)
def test_ready_recipes_leave_out_before_anything_is_chosen_or_told(
    recipe: str, stage: str, after: str, before: str | None
) -> None:
    names = [step.name for step in load(recipe).steps]
    assert names.index("read_judgements") < names.index(after) == names.index(stage) - 1
    assert before is None or names.index(stage) < names.index(before)


# -- in a dataset -----------------------------------------------------------------------------------------------------------


@dataclass
class World:
    """Three songs, and the dataset built of them."""

    sources: Path
    data: Path
    engine: LocalEngine

    def build(self, recipe: Recipe = RECIPE, watch: Watch | None = None) -> Run:
        return build(recipe, [self.sources], self.data, engine=self.engine, watch=watch)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return Dataset(self.data).query(sql).fetchall()

    def songs(self) -> set[str]:
        return {path.rpartition("/")[2] for (path,) in self.rows("SELECT path FROM songs")}

    def judge(self, name: str, verdict: Verdict, note: str = "") -> Label:
        ((row_id, lineage),) = self.rows(f"SELECT id, lineage FROM songs WHERE path LIKE '%{name}'")
        labels = Labels.open(self.data / FILE)
        return labels.add(stamp_of(lineage), verdict, note=note, by="Ada", about=name, id=row_id)


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> Path:
    root = tmp_path_factory.mktemp("built")
    (root / "sources").mkdir()
    for number, name in enumerate(("one", "two", "three")):
        (root / "sources" / f"{name}.mid").write_bytes(song(number))
    World(root / "sources", root / "data", engine).build()
    return root  # never touched again: every test has a copy


@pytest.fixture
def world(built: Path, tmp_path: Path, engine: LocalEngine) -> World:
    shutil.copytree(built / "data", tmp_path / "data", symlinks=True)
    return World(built / "sources", tmp_path / "data", engine)


@pytest.fixture
def moved(world: World, tmp_path: Path) -> World:
    """With sources that a test may change."""
    world.sources = Path(shutil.copytree(world.sources, tmp_path / "sources"))
    return world


def report(run: Run, stage: str) -> StageReport:
    return next(one for one in run.stages if one.name == stage)


def test_nobody_judged(world: World) -> None:
    assert world.rows("FROM judged") == []
    assert [name for name, *_ in world.rows("DESCRIBE judged")] == ["stamp", "id", "verdict", "note", "by", "at", "about"]
    assert not (world.data / FILE).exists()
    assert not world.build().changed


def test_what_is_judged_is_seen_at_once_and_respected_by_the_next_build(world: World) -> None:
    label = world.judge("one.mid", "bad", note="out of tune")
    told = label.stamp, label.id, "bad", "out of tune", "Ada", label.at, "one.mid"
    assert world.rows("FROM judged") == [told]
    assert world.songs() == {"one.mid", "two.mid", "three.mid"}
    assert world.rows("SELECT count(*) FROM songs WHERE id NOT IN (SELECT id FROM judged WHERE verdict = 'bad')") == [(2,)]

    run = world.build()
    assert world.songs() == {"two.mid", "three.mid"}
    assert world.rows("SELECT count(DISTINCT source) FROM parts") == [(2,)]
    dropped = "SELECT stage, id, reason, detail FROM work WHERE status <> 'ok'"
    assert world.rows(dropped) == [("exclude_songs", label.id, "judged_bad", "out of tune")]
    assert world.rows("FROM judged") == [told]  # it still says what it was called
    assert report(run, "clean").unchanged
    assert report(run, "split_parts").done_now == 0  # nothing is played or cut again for a verdict
    assert not list(check(world.data))
    assert not world.build().changed


def test_a_verdict_taken_back_brings_the_song_back(world: World, tmp_path: Path) -> None:
    before = shutil.copytree(world.data, tmp_path / "before", symlinks=True)
    label = world.judge("one.mid", "bad")
    world.build()
    assert Labels.open(world.data / FILE).withdraw(label)
    assert world.rows("FROM judged") == []
    run = world.build()
    assert report(run, "split_parts").done_now == 0
    assert_same(world.data, before)


def test_a_file_keeps_its_judgement_under_another_name(moved: World) -> None:
    label = moved.judge("one.mid", "bad")
    (moved.sources / "one.mid").rename(moved.sources / "uno.mid")
    moved.build(RECIPE.changed(["exclude_songs.judged=[]"]))
    ((now,),) = moved.rows("SELECT id FROM songs WHERE path LIKE '%uno.mid'")
    assert now != label.id
    assert moved.rows("SELECT id FROM judged") == [(now,)]  # by what it is called today
    moved.build()
    assert moved.songs() == {"two.mid", "three.mid"}


def test_another_song_under_a_judged_name_is_not_judged(moved: World) -> None:
    label = moved.judge("one.mid", "bad")
    (moved.sources / "one.mid").write_bytes(song(7))
    moved.build()
    assert moved.songs() == {"one.mid", "two.mid", "three.mid"}
    assert moved.rows("SELECT stamp, id FROM judged") == [(label.stamp, "")]


def test_every_file_of_a_content_is_judged_at_once(moved: World) -> None:
    shutil.copy(moved.sources / "one.mid", moved.sources / "again.mid")
    moved.build()
    moved.judge("one.mid", "bad")
    both = moved.rows("SELECT id FROM songs WHERE path LIKE '%one.mid' OR path LIKE '%again.mid' ORDER BY id")
    assert moved.rows("SELECT id FROM judged ORDER BY id") == both
    moved.build()
    assert moved.songs() == {"two.mid", "three.mid"}


class Judging(Watch):
    """Somebody who judges while a build is on its way."""

    def __init__(self, world: World) -> None:
        self.world = world

    def ends(self, report: StageReport) -> None:
        if report.name == "clean":
            self.world.judge("two.mid", "bad")


def test_what_is_judged_during_a_build_counts_in_the_next(world: World) -> None:
    world.judge("one.mid", "bad")
    world.build(watch=Judging(world))
    assert world.songs() == {"two.mid", "three.mid"}
    assert {verdict for (verdict,) in world.rows("SELECT about FROM judged")} == {"one.mid", "two.mid"}
    world.build()
    assert world.songs() == {"three.mid"}


def test_a_file_of_judgements_that_cannot_be_read_matters_where_it_is_asked_for(world: World) -> None:
    (world.data / FILE).write_text("dear diary\n")
    assert world.rows("SELECT count(*) AS judged FROM songs") == [(3,)]
    with pytest.raises(UserError, match=r"no_such_table"):
        world.rows("SELECT 'judged' FROM no_such_table")
    for ask in (lambda: world.rows("FROM judged"), world.build):
        with pytest.raises(UserError, match=r"is not a file of labels: mend it, or move it away to go on without judgements\.$"):
            ask()
    assert world.songs() == {"one.mid", "two.mid", "three.mid"}


def test_what_was_said_of_a_song_goes_with_it(moved: World) -> None:
    moved.judge("one.mid", "bad", "out of tune")
    moved.judge("one.mid", "good", "or not")
    moved.judge("two.mid", "good")
    remove(moved.data, "sources/one.mid", engine=moved.engine)
    assert [label.about for label in Labels.open(moved.data / FILE).all()] == ["two.mid"]
    for file in (moved.data / FILE, *moved.data.glob("snapshots/*/judgements.parquet")):
        assert b"out of tune" not in file.read_bytes()
    assert {verdict for (verdict,) in moved.rows("SELECT verdict FROM judgements")} == {"good"}


def test_of_a_tag_nobody_judges(world: World) -> None:
    world.judge("one.mid", "bad")
    world.build()
    create(world.data, "v1")
    tagged = Dataset(f"{world.data}@v1")
    assert tagged.query("SELECT verdict FROM judgements").fetchall() == [("bad",)]
    with pytest.raises(UserError, match="is a tag, of which nobody judges: what it was built with is its table judgements"):
        tagged.query("FROM judged")


@pytest.mark.parametrize("name", ["snapshot", "connection", "sql", "self"])
def test_a_name_in_a_query_is_never_a_variable_of_ours(world: World, name: str) -> None:
    with pytest.raises(UserError, match=f"Table with name {name} does not exist"):
        world.rows(f"FROM {name}")


# -- clips, played and cut --------------------------------------------------------------------------------------------------

SHORT = ["render_stems.rate=16000", "clean.shortest=2", "segment.shortest=2", "segment.target=4", "segment.longest=8"]
ROWS = ("split_parts", "render_stems", "check_audio", "mix_stems", "segment", "write_captions", "check_captions")


@pytest.mark.slow
def test_a_clip_that_is_judged_costs_no_other_clip_anything(tmp_path: Path, engine: LocalEngine) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "one.mid").write_bytes(song(1, bars=8))
    (tmp_path / "sources" / "two.mid").write_bytes(song(2, bars=8))
    world = World(tmp_path / "sources", tmp_path / "data", engine)
    recipe = load("text-to-music").changed(SHORT)
    world.build(recipe)
    (first, *others) = world.rows('SELECT id, lineage, start, "end" FROM clips ORDER BY id')
    assert len(others) >= 2
    label = Labels.open(world.data / FILE).add(stamp_of(*first[1:]), "bad", id=first[0])
    texts = world.rows("SELECT id, texts FROM captions ORDER BY id")

    run = world.build(recipe)
    assert {report(run, name).done_now for name in ROWS} == {0}
    assert report(run, "exclude").reasons == [("dropped", "judged_bad", 1)]
    assert world.rows('SELECT id, lineage, start, "end" FROM clips ORDER BY id') == others
    assert world.rows("SELECT id, texts FROM captions ORDER BY id") == [one for one in texts if one[0] != first[0]]

    kept = world.build(recipe.changed(["exclude.judged=[]"]))
    assert {report(kept, name).done_now for name in ROWS} == {0}
    where = "id NOT IN (SELECT id FROM judged WHERE verdict = 'bad')"
    assert main(["export", str(world.data), "--as", "jsonl", "--to", str(tmp_path / "out"), "--where", where]) == 0
    told = [json.loads(line) for file in (tmp_path / "out").rglob("*.jsonl") for line in file.read_text().splitlines()]
    assert {one["id"] for one in told} == {row_id for row_id, *_ in others}

    other = world.build(recipe.changed(["segment.target=8", "segment.cut=bars"]))  # under the old name there is another clip
    assert report(other, "exclude").reasons == []
    assert (first[0],) in world.rows("SELECT id FROM clips")
    assert world.rows("SELECT stamp, id FROM judged") == [(label.stamp, "")]
