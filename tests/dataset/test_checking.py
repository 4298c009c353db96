"""What a check finds: each promise is broken by hand, in a dataset that was whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from motet.cli import main
from motet.dataset import versions
from motet.dataset.keeping.checking import check
from motet.dataset.keeping.faults import Tally
from motet.dataset.keeping.repairing import repair
from motet.dataset.lock import writer_lock
from motet.dataset.snapshot import digest, live
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.numbers import recipe, sources


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("checking")
    with LocalEngine(1) as engine:
        build(recipe(), [sources(root / "sources")], root / "data", engine=engine)
    versions.create(root / "data", "v1")
    return root / "data"  # never touched again: every test has a copy


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built, tmp_path / "data", symlinks=True)
    return tmp_path / "data"


def kinds(data: Path, **options: Any) -> set[str]:
    return {fault.kind for fault in check(data, **options)}


def publish(data: Path, table: str, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change a live table as a stage that is wrong would have written it: with its digest."""
    snapshot = live(data)
    assert snapshot is not None
    place = snapshot.folder / "snapshot.json"
    stored = json.loads(place.read_text())
    for state in stored["stages"]:
        if table in state["outputs"]:
            name = state["outputs"][table]
            new = change(pq.read_table(snapshot.folder / name))
            for path in (snapshot.folder / name, snapshot.folder / f"{table}.parquet"):
                path.unlink()
                pq.write_table(new, path)
            state["digests"][name] = digest(snapshot.folder / name)
    place.write_text(json.dumps(stored))


def column(table: pa.Table, name: str, change: Callable[[list[Any]], list[Any]]) -> pa.Table:
    place = table.schema.get_field_index(name)
    field = table.schema.field(name)
    return table.set_column(place, field, pa.array(change(table[name].to_pylist()), field.type))


def test_what_was_just_built_is_whole_and_leaves_nothing_behind(data: Path) -> None:
    tally = Tally()
    assert list(check(data, leftovers=True, tally=tally)) == []
    assert tally.files > len(list((data / "media").glob("*/*")))
    assert tally.bytes > 0


@pytest.mark.parametrize(
    ("table", "change", "kind"),
    [
        ("totals", lambda t: t.slice(0, 0), "count"),
        ("totals", lambda t: t.take(list(reversed(range(len(t))))), "order"),
        ("totals", lambda t: column(t, "id", lambda ids: [ids[0], *ids[:-1]]), "double_id"),
        ("totals", lambda t: column(t, "total", lambda totals: [totals[0] + 1, *totals[1:]]), "stale"),
        ("totals", lambda t: column(t, "source", lambda ids: ["0000000000000000", *ids[1:]]), "dangling"),
        ("totals", lambda t: column(t, "lineage", lambda ids: ["0000000000000000", *ids[1:]]), "lineage"),
        ("digits", lambda t: column(t, "written", lambda names: ["../../secret", *names[1:]]), "missing_media"),
    ],
)
def test_tables_that_say_what_cannot_be(data: Path, table: str, change: Callable[[pa.Table], pa.Table], kind: str) -> None:
    publish(data, table, change)
    assert kind in kinds(data)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda t: t.slice(1), "verdict"),
        (lambda t: pa.concat_tables([t, t.slice(0, 1)]), "verdict"),
        (lambda t: column(t, "key", lambda keys: ["none", *keys[1:]]), "lost_answer"),
    ],
)
def test_every_input_has_one_verdict_and_its_answer(data: Path, change: Callable[[pa.Table], pa.Table], kind: str) -> None:
    snapshot = live(data)
    assert snapshot is not None
    place = snapshot.folder / "snapshot.json"
    stored = json.loads(place.read_text())
    state = stored["stages"][-1]
    path = snapshot.folder / state["verdicts"]
    new = change(pq.read_table(path))
    path.unlink()
    pq.write_table(new, path)
    state["digests"][state["verdicts"]] = digest(path)
    place.write_text(json.dumps(stored))
    assert kind in kinds(data)


def test_a_group_of_duplicates_in_two_splits_is_a_leak(data: Path) -> None:
    snapshot = live(data)
    assert snapshot is not None
    splits = pq.read_table(snapshot.table("totals")).select(["id", "source", "path", "lineage"])
    splits = splits.append_column("split", pa.array(["train", "test", *["train"] * (len(splits) - 2)]))
    apart = [[f"song {n}"] for n in range(len(splits))]
    place = snapshot.folder / "snapshot.json"
    for groups, found in ((apart, set()), ([["family x"], ["family x"], *apart[2:]], {"leak"})):
        for name in ("splits.parquet", "stages/99-splits.parquet", "work/splits.parquet"):
            table = splits.append_column("groups", pa.array(groups))
            if name.startswith("work"):
                table = pq.read_table(snapshot.folder / "work" / "toys.stages.sum_digits.parquet").slice(0, 0)
            pq.write_table(table, snapshot.folder / name)
        stored = json.loads(place.read_text())
        names = ("stages/99-splits.parquet", "work/splits.parquet")
        state = {"name": "splits", "fingerprint": "", "verdicts": names[1], "outputs": {"splits": names[0]}, "counts": {}}
        state |= {"digests": {name: digest(snapshot.folder / name) for name in names}, "rows_out": len(splits)}
        stored["stages"] = [one for one in stored["stages"] if one["name"] != "splits"] + [state]
        stored["tables"]["splits"] = len(splits)
        place.write_text(json.dumps(stored))
        assert kinds(data) == found


@pytest.mark.parametrize("to", ["nowhere", "..", "/", "tags/v1"])
def test_a_link_that_leads_elsewhere(data: Path, to: str) -> None:
    (data / "snapshots" / "live").unlink()
    (data / "snapshots" / "live").symlink_to(to)
    assert kinds(data) == {"link"}


def test_a_flipped_bit_in_a_part_is_seen(data: Path) -> None:
    for part in sorted((data / "tables").glob("*/*")):
        whole = part.read_bytes()
        part.write_bytes(whole[:100] + bytes([whole[100] ^ 1]) + whole[101:])
        assert kinds(data) == {"damaged_table"}
        part.write_bytes(whole)


def test_media_are_read_or_not(data: Path) -> None:
    media = sorted((data / "media").glob("*/*"))
    media[0].write_bytes(b"other")
    media[1].unlink()
    assert kinds(data) == {"damaged_media", "missing_media"}
    assert kinds(data, media=False) == {"missing_media"}


def test_what_is_harmless_breaks_no_promise(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "work" / "digits" / "part-99999999.parquet").write_bytes(b"half")
    (data / "media" / "00").mkdir(exist_ok=True)
    (data / "media" / "00" / ".half.tmp").write_bytes(b"half")
    (data / "snapshots" / ".draft").mkdir()
    (data / "judgements.jsonl").write_bytes(b'{"motet": "labels", "version": 1}\n{"stamp": \n')
    text = (data / "motet.yaml").read_text()
    (data / "motet.yaml").write_text(text.replace("seed: 0", "seed: 1"))
    assert list(check(data)) == []
    found = list(check(data, leftovers=True))
    assert {fault.kind for fault in found} == {"leftover", "unfinished", "judgements"}
    assert not any(fault.promise for fault in found)
    assert main(["check", str(data)]) == 0
    assert "5 remarks" in capsys.readouterr().out


def test_faults_are_told_with_their_promise(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sorted((data / "media").glob("*/*"))[0].unlink()
    assert main(["check", str(data), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert [(fault["kind"], fault["promise"], fault["mended"]) for fault in said["faults"]] == [("missing_media", 2, "repair")]
    assert main(["check", str(data), "--repair"]) == 0
    assert "Build again" in capsys.readouterr().out


def test_what_is_no_dataset_is_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert main(["check", str(tmp_path / "none")]) == 2
    assert "is not a Motet dataset" in capsys.readouterr().err


@pytest.mark.parametrize("reference", ["../outside", "", "runs"])
def test_a_reference_that_is_none_of_media_is_not_followed(data: Path, reference: str) -> None:
    (data.parent / "outside").mkdir()
    (data.parent / "outside" / "notes.txt").write_text("mine")
    publish(data, "digits", lambda t: column(t, "written", lambda names: [reference, *names[1:]]))
    with writer_lock(data):
        repair(data)
    assert (data.parent / "outside" / "notes.txt").exists()
    assert list(data.glob("runs/*/run.json"))


def test_a_dataset_of_which_no_build_was_finished_is_said_so(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(data / "snapshots")
    shutil.rmtree(data / "runs")
    assert list(check(data)) == []
    assert main(["check", str(data)]) == 0
    assert "no run has finished yet" in capsys.readouterr().out
