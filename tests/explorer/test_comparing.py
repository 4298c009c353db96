"""Comparing a dataset with another, with a version of itself, and with an earlier run of its own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from motet.dataset import versions
from motet.dataset.folder import Dataset
from motet.demo.collection import collection
from motet.errors import UserError
from motet.explorer import comparing
from motet.explorer.browse import Index, asked_of
from motet.explorer.comparing import choices, compared
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine

GONE = "Traditional Japanese/Sakura Sakura.mid"
CAME = "Traditional Sea Shanty/Drunken Sailor.mid"
KEPT = ("Traditional English/", "Traditional Japanese/", "Traditional Russian/")


@pytest.fixture(scope="module")
def folk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built and tagged `before`; then again with one tune gone, another new, and what is shorter than a minute left out."""
    folder = tmp_path_factory.mktemp("folk")
    for name, data in collection().items():
        if name.startswith(KEPT):
            (folder / "tunes" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "tunes" / name).write_bytes(data)
    with LocalEngine(workers=1) as engine:
        build(load("duplicates"), [folder / "tunes"], folder / "folk", engine=engine)
        versions.create(folder / "folk", "before")
        (folder / "tunes" / GONE).unlink()
        (folder / "tunes" / "new.mid").write_bytes(collection()[CAME])
        build(load("duplicates").changed(["clean.shortest=60"]), [folder / "tunes"], folder / "folk", engine=engine)
    return folder / "folk"


def sums(told: dict[str, Any], table: str) -> dict[tuple[str, str], int]:
    return {(one["what"], one["cause"]): one["rows"] for one in told["sums"] if one["table"] == table}


def test_it_can_be_compared_with_what_is_beside_it_its_tags_and_its_earlier_runs(folk: Path, tmp_path: Path) -> None:
    other = Dataset(shutil.copytree(folk, tmp_path / "folk", symlinks=True))
    names = [choice["name"] for choice in choices(Dataset(folk), [other, other])]
    assert names[:3] == ["beside:folk", "beside:folk (2)", "@before"]
    assert [name.partition(":")[0] for name in names[3:]] == ["run"]
    assert choices(Dataset(f"{folk}@before"))[0]["name"] == "live"


def test_what_came_what_went_and_why(folk: Path) -> None:
    told = compared(Dataset(folk), "@before")
    assert (told["one"]["title"], told["other"]["title"]) == ("folk", "folk@before")
    assert "clean.shortest 5.0 → 60.0." in told["facts"]
    files = next(table for table in told["tables"] if table["table"] == "files")
    assert (files["added"], files["removed"]) == (1, 1)
    assert sums(told, "files") == {("added", "its source is new"): 1, ("removed", "its source is gone"): 1}
    left = {cause: rows for (what, cause), rows in sums(told, "songs").items() if what == "removed"}
    assert left["its source is gone"] == 1
    assert left["dropped by clean: too_short (clean.shortest 5.0 → 60.0)"] >= 1


def test_examples_are_ids_of_the_rows(folk: Path) -> None:
    was = Dataset(f"{folk}@before")
    ids = {id for (id,) in was.query("SELECT id FROM songs").fetchall()}
    examples = [id for one in compared(Dataset(folk), "@before")["sums"] if one["table"] == "songs" for id in one["examples"]]
    assert examples
    assert set(examples) <= ids


def test_stages_stand_side_by_side_each_as_it_is_in_its_own(folk: Path) -> None:
    for stage in compared(Dataset(folk), "@before")["stages"]:
        for side, dataset in (("one", Dataset(folk)), ("other", Dataset(f"{folk}@before"))):
            state = dataset.snapshot.stage(stage["name"])
            assert state is not None
            assert stage[side]["in"] == sum(state.counts.values())
            assert (stage[side]["ok"], stage[side]["out"]) == (state.counts.get("ok", 0), state.rows_out)
            assert stage[side]["seconds"] >= 0


def test_spreads_count_what_the_list_counts(folk: Path) -> None:
    """A value has as many examples on each side as the list finds for it there."""
    sides = [Index(Dataset(folk)), Index(Dataset(f"{folk}@before"))]
    spread = compared(Dataset(folk), "@before")["spread"]
    assert {"tempo", "seconds"} <= {one["name"] for one in spread}
    for one in spread:
        for value, *numbers in one["values"]:
            asked = asked_of([("state", "kept"), (one["name"], value)])
            assert [side.find(asked)["total"] for side in sides] == numbers, (one["name"], value)


def test_a_tag_is_compared_with_what_is_live_and_sees_the_same_from_the_other_side(folk: Path) -> None:
    forth, back = compared(Dataset(folk), "@before"), compared(Dataset(f"{folk}@before"), "live")
    theirs = {table["table"]: table for table in back["tables"]}
    assert theirs.keys() == {table["table"] for table in forth["tables"]}
    for one in forth["tables"]:
        other = theirs[one["table"]]
        assert (one["added"], one["removed"], one["changed"]) == (other["removed"], other["added"], other["changed"])


def test_a_run_is_compared_by_its_stages(folk: Path) -> None:
    (name,) = (choice["name"] for choice in choices(Dataset(folk)) if choice["name"].startswith("run:"))
    told = compared(Dataset(folk), name)
    records = [json.loads(file.read_text()) for file in sorted((folk / "runs").glob("*/run.json"))]
    for stage in told["stages"]:
        for side, record in (("other", records[0]), ("one", records[-1])):
            entry = next(entry for entry in record["stages"] if entry["name"] == stage["name"])
            assert (stage[side]["in"], stage[side]["out"], stage[side]["seconds"]) == (
                entry["inputs"], entry["rows_out"], entry["seconds"],
            )  # fmt: skip
    assert (told["tables"], told["sums"], told["spread"]) == ([], [], [])


def test_a_name_that_is_no_choice_is_refused_with_what_there_is(folk: Path) -> None:
    for name in ("", "@after", "beside:nobody", "run:..", "/etc", "@../../before"):
        with pytest.raises(UserError, match="@before"):
            compared(Dataset(folk), name)


def test_an_answer_is_kept_until_a_snapshot_changes(folk: Path, tmp_path: Path) -> None:
    dataset = Dataset(shutil.copytree(folk, tmp_path / "again", symlinks=True))
    told = compared(dataset, "@before")
    assert compared(Dataset(dataset.folder), "@before") is told
    (dataset.snapshot.folder / "snapshot.json").touch()
    assert compared(dataset, "@before") is not told
    assert compared(dataset, "@before") == told


def test_many_rows_are_compared_in_a_process_of_their_own(folk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = compared(Dataset(folk), "@before")
    shutil.copytree(folk, tmp_path / "folk", symlinks=True)
    monkeypatch.setattr(comparing, "ASIDE", 0)
    assert compared(Dataset(tmp_path / "folk"), "@before") == here


@pytest.mark.slow
def test_recipes_of_different_kinds_and_datasets_of_nothing_can_be_compared(folk: Path, tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    with LocalEngine(workers=1) as engine:
        build(load("prepare"), [tmp_path / "sources"], tmp_path / "none", engine=engine)
    told = compared(Dataset(folk), "beside:none", [Dataset(tmp_path / "none")])
    assert "The recipe was prepare and is duplicates." in told["facts"]
    songs = next(table for table in told["tables"] if table["table"] == "songs")
    assert songs["added"] == Dataset(folk).tables()["songs"]
    assert {stage["name"]: stage["other"] for stage in told["stages"]}["deduplicate"] is None


@pytest.mark.parametrize("harm", ["damaged", "gone", "unfinished"])
def test_a_dataset_that_cannot_be_read_is_one_sentence(folk: Path, tmp_path: Path, harm: str) -> None:
    spoilt = Dataset(shutil.copytree(folk, tmp_path / "spoilt", symlinks=True))
    table = spoilt.snapshot.table("songs")
    if harm == "unfinished":
        (spoilt.folder / "snapshots" / "live").unlink()
    else:
        table.unlink()
    if harm == "damaged":
        table.write_bytes(b"PAR1 it is not")
    with pytest.raises(UserError, match=r"\.$"):
        compared(Dataset(folk), "beside:spoilt", [spoilt])
