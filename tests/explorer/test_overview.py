"""The overview: what it counts is what the tables hold, and it is told whatever state the dataset is in."""

from __future__ import annotations

import json
import shlex
import shutil
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from motet.dataset import versions
from motet.dataset.folder import Dataset
from motet.demo.collection import collection
from motet.errors import UserError
from motet.explorer.overview import overview, runs_of, title_of
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine

KEPT = ("Traditional English/", "Traditional Japanese/", "Unknown", "lic")


@pytest.fixture(scope="module")
def folk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few of our tunes with their mess, one of them twice, built with a seed and a setting of one's own."""
    folder = tmp_path_factory.mktemp("folk")
    for name, data in collection().items():
        if name.startswith(KEPT):
            (folder / "tunes" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "tunes" / name).write_bytes(data)
    recipe = load("symbolic").changed(["clean.shortest=6", "assign_splits.train=0.5", "assign_splits.test=0.45"])
    with LocalEngine(workers=1) as engine:
        build(recipe, [folder / "tunes"], folder / "folk", engine=engine, seed=3)
    return folder / "folk"


def copied(dataset: Path, folder: Path) -> Path:
    return Path(shutil.copytree(dataset, folder / dataset.name, symlinks=True))


def test_it_counts_what_the_tables_hold(folk: Path) -> None:
    dataset = Dataset(folk)
    told = overview(dataset)
    assert told["title"] == "folk"
    assert told["recipe"] == "symbolic"
    assert {"label": "songs", "value": dataset.tables()["songs"], "unit": "count"} in told["totals"]
    for stage in told["stages"]:
        counts = "count(*), count(*) FILTER (status = 'ok'), count(*) FILTER (status = 'dropped')"
        sql = f"SELECT {counts} FROM work WHERE stage = '{stage['name']}'"
        assert dataset.query(sql).fetchall() == [(stage["in"], stage["ok"], stage["dropped"])], stage["name"]
    ((lost,),) = dataset.query("SELECT count(*) FROM work WHERE status <> 'ok'").fetchall()
    assert lost > 0
    assert sum(drop["count"] for drop in told["drops"]) == lost
    junk = next(drop for drop in told["drops"] if drop["reason"] == "same_notes")
    assert (junk["stage"], junk["status"], junk["meaning"]) == ("deduplicate", "dropped", "the same notes in another file")


def test_every_figure_has_a_name_and_a_meaning(folk: Path) -> None:
    figures = {group["title"]: group["rows"] for group in overview(Dataset(folk))["figures"]}
    assert "Train, validation and test" in figures
    rows = {row["label"]: row for row in figures["What it may be used for"]}
    assert rows["commercial use"]["value"] == "yes"
    assert rows["source"]["value"] == "CC0 1.0"
    assert rows["source"]["meaning"] == f"of {Dataset(folk).tables()['songs']} files"
    assert all(row["label"] and row["meaning"] for group in figures.values() for row in group)


def test_its_command_makes_the_same_again(folk: Path) -> None:
    """The settings that the command gives lead to the very settings that the dataset was built with."""
    command = overview(Dataset(folk))["command"]
    program, verb, recipe, *rest = shlex.split(command)
    assert (program, verb, recipe) == ("motet", "build", "symbolic")
    given = [value for option, value in pairwise(rest) if option == "--set"]
    built = Dataset(folk).made_by["stages"]
    again = load(recipe).changed(given).resolved()
    assert {name: again[name] for name in built} == built
    assert rest[rest.index("--seed") + 1] == "3"
    assert rest[rest.index("--from") + 1] == "tunes"  # by its name: the page may be shown to others
    assert str(folk.parent) not in command


def test_it_is_json_as_it_stands(folk: Path) -> None:
    assert json.loads(json.dumps(overview(Dataset(folk)), allow_nan=False)) == overview(Dataset(folk))


def test_runs_are_told_the_latest_first_and_a_damaged_one_says_so(folk: Path, tmp_path: Path) -> None:
    dataset = Dataset(copied(folk, tmp_path))
    (run,) = runs_of(dataset)
    (dataset.folder / "runs" / "9999-01-01T00-00-00").mkdir()
    (dataset.folder / "runs" / "9999-01-01T00-00-00" / "run.json").write_text("[1, 2")
    latest, before = overview(dataset)["runs"]
    assert "cannot be read" in latest["trouble"]
    assert (before["name"], before["seconds"], before["trouble"]) == (run["name"], run["seconds"], "")
    assert {stage["name"] for stage in before["stages"]} == {state.name for state in dataset.snapshot.stages}


def test_without_a_finished_run_it_tells_the_recipe_and_no_figure(folk: Path, tmp_path: Path) -> None:
    spoilt = copied(folk, tmp_path)
    shutil.rmtree(spoilt / "snapshots")
    told = overview(Dataset(spoilt))
    assert (told["recipe"], told["totals"], told["figures"], told["stages"], told["drops"]) == ("symbolic", [], [], [], [])


def test_a_dataset_of_nothing_has_stages_and_no_figures(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "readme.txt").write_bytes(b"nothing here")
    with LocalEngine(workers=1) as engine:
        build(load("duplicates"), [tmp_path / "sources"], tmp_path / "none", engine=engine)
    told = overview(Dataset(tmp_path / "none"))
    assert {"label": "songs", "value": 0, "unit": "count"} in told["totals"]
    assert [(drop["reason"], drop["count"]) for drop in told["drops"]] == [("other_type", 1)]
    assert told["stages"][0]["name"] == "scan"


@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_table_that_cannot_be_read_is_one_sentence(folk: Path, tmp_path: Path, harm: str) -> None:
    dataset = Dataset(copied(folk, tmp_path))
    table = dataset.snapshot.table("splits")
    table.unlink()
    if harm == "damaged":
        table.write_bytes(b"PAR1 it is not")
    with pytest.raises(UserError, match=r"`motet check` names it"):
        overview(dataset)


def test_values_that_cannot_be_spoil_their_own_figures_only(folk: Path, tmp_path: Path) -> None:
    dataset = Dataset(copied(folk, tmp_path))
    table = dataset.table("splits")
    names = pa.array(["<script>"] * len(table), pa.string())
    pq.write_table(table.set_column(table.column_names.index("split"), "split", names), dataset.snapshot.table("splits"))
    (dataset.snapshot.folder / "snapshot.json").touch()
    figures = {group["title"]: group["rows"] for group in overview(dataset)["figures"]}
    (row,) = figures["Train, validation and test"]
    assert row["label"] == "cannot be counted"
    assert row["meaning"].endswith("tells more.")
    assert figures["What it may be used for"] == overview(Dataset(folk))["figures"][-1]["rows"]


def test_what_was_tagged_is_told_as_it_was(folk: Path, tmp_path: Path) -> None:
    dataset = Dataset(copied(folk, tmp_path))
    versions.create(dataset.folder, "v1")
    tagged = Dataset(f"{dataset.folder}@v1")
    assert title_of(tagged) == "folk@v1"
    assert overview(tagged)["totals"] == overview(dataset)["totals"]
    assert overview(tagged)["made_at"] == overview(dataset)["made_at"] != ""
