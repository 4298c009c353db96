"""A dataset of an older format is brought to this one, whole, wherever it is stopped."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from motet import Dataset, UserError
from motet.cli import main
from motet.dataset.folder import FORMAT
from motet.dataset.keeping import migrating, record
from motet.dataset.keeping.checking import check
from motet.dataset.tables import media_columns
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.compare import live_state
from toys.numbers import recipe, sources

OLD_NAMES = {"answer_key": "key", "answer_seq": "seq", "answer_row": "n"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset as format 1 had it: other columns for answers, none that says it names media, parts called by number alone."""
    root = tmp_path_factory.mktemp("migrating")
    with LocalEngine(1) as engine:
        build(recipe(), [sources(root / "sources")], root / "data", engine=engine)
    data = root / "data"
    parts: dict[str, list[str]] = {}
    commits = json.loads((data / "commits.json").read_text())
    for shelf, names in commits["parts"].items():
        for name in names:
            new = f"part-{record.number_of(name):08d}.parquet"
            (data / shelf / name).rename(data / shelf / new)
            parts.setdefault(shelf, []).append(new)
            if shelf.startswith("tables/"):
                table = pq.read_table(data / shelf / new)
                table = table.rename_columns([OLD_NAMES.get(column, column) for column in table.column_names])
                plain = [field.remove_metadata() for field in table.schema]
                pq.write_table(table.cast(pa.schema(plain)), data / shelf / new)
    (data / "commits.json").write_text(json.dumps({"next": commits["next"], "parts": parts}))
    stored = yaml.safe_load((data / "motet.yaml").read_text())
    (data / "motet.yaml").write_text(yaml.safe_dump({**stored, "format": 1}, sort_keys=False))
    return root


@pytest.fixture
def data(built: Path, tmp_path: Path) -> Path:
    shutil.copytree(built / "data", tmp_path / "data", symlinks=True)
    return tmp_path / "data"


def test_commands_say_what_to_run(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["status"], ["check"], ["clean"], ["query"]):
        assert main([*command, str(data), *(["SELECT 1"] if command == ["query"] else [])]) == 2
        assert f"`motet migrate {data}`" in capsys.readouterr().err


def test_nothing_is_lost_and_nothing_asked_again(built: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = live_state(data)
    assert main(["migrate", str(data)]) == 0
    assert "From format 1 to 2" in capsys.readouterr().out
    assert list(check(data, leftovers=True)) == []
    assert live_state(data) == before
    (part,) = (data / "tables" / "digits").iterdir()
    assert media_columns(part) == ["written"]
    with LocalEngine(1) as engine:
        run = build(recipe(), [built / "sources"], data, engine=engine)
        assert [stage.name for stage in run.stages if stage.done_now and "unique" not in stage.name] == []
        (data / "snapshots" / "live").unlink()  # all is assembled from the answers
        build(recipe(), [built / "sources"], data, engine=engine)
    assert live_state(data) == before
    assert main(["migrate", str(data)]) == 0
    assert "already" in capsys.readouterr().out


@pytest.mark.parametrize("at", range(3))
def test_a_migration_that_was_stopped_is_finished(data: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    """Stopped before each of the steps that count: the commit of the parts, the sweep of the old ones, the recipe file."""

    class Stop(BaseException):
        pass

    def stops(*_: object, **__: object) -> None:
        raise Stop

    place, name = [(record, "write_bytes"), (Path, "unlink"), (migrating, "write_bytes")][at]
    with monkeypatch.context() as patch:
        patch.setattr(place, name, stops)
        with pytest.raises(Stop):
            migrating.migrate(data)
    assert yaml.safe_load((data / "motet.yaml").read_text())["format"] == 1
    assert migrating.migrate(data)
    assert list(check(data)) == []
    assert Dataset(data).made_by["format"] == FORMAT


REFUSED = [("format: 99\nmotet: 9.9", "update this motet"), ("format: 0", "is not a Motet"), ("[", "read")]


@pytest.mark.parametrize(("said", "sentence"), REFUSED)
def test_what_cannot_be_migrated_is_left_alone(data: Path, said: str, sentence: str) -> None:
    (data / "motet.yaml").write_text(said)
    with pytest.raises(UserError, match=sentence):
        migrating.migrate(data)
    assert (data / "motet.yaml").read_text() == said
