"""The explorer as plain files: whole, of our own making only, and the same that a server would tell."""

import base64
import json
import os
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import soundfile

from motet.cli import main
from motet.dataset.folder import Dataset
from motet.errors import UserError
from motet.explorer import static
from motet.explorer.serving import site
from motet.explorer.static import MARKER, names, write
from motet.publish.plan import folder_files
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.browsing import chromium, hosted
from toys.midi import song

QUICK = ["render_stems.rate=8000", "clean.shortest=2", "segment.shortest=2", "segment.target=4", "segment.longest=8"]
HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs of two clips each, one in a folder of a hostile name, and files that are none."""
    root = tmp_path_factory.mktemp("static")
    (root / "tunes" / "<script>").mkdir(parents=True)
    (root / "tunes" / "one.mid").write_bytes(song(1, bars=8))
    (root / "tunes" / "<script>" / "さくら <!--.mid").write_bytes(song(2, bars=8))
    for name in ("a", "b", "c"):
        (root / "tunes" / f"{name}.mid").write_bytes(b"<html>" + name.encode())
    with LocalEngine(1) as engine:
        build(load("text-to-music").changed(QUICK), [root / "tunes"], root / "data", engine=engine)
    return root / "data"


@pytest.fixture(scope="module")
def page(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of it, stems too."""
    folder = tmp_path_factory.mktemp("page") / "out"
    done = write(Dataset(data), folder, stems=True)
    assert (done.examples, done.remarks) == (len(kept(folder)), ())
    assert done.files == len([path for path in folder.rglob("*") if path.is_file()])
    return folder


def given(page: Path, name: str) -> Any:
    """What a script of the page hands over, under the name it says."""
    text = (page / "data" / f"{name}.js").read_text(encoding="ascii")
    assert text.startswith("motet.give(")
    assert text.endswith(");\n")
    assert "<" not in text
    called, told = json.loads(f"[{text[len('motet.give(') : -3]}]")
    assert called.partition("/")[0] == name.partition("/")[0]
    return told


def rows(page: Path) -> list[dict[str, Any]]:
    return list(given(page, "rows")["rows"])


def kept(page: Path) -> list[dict[str, Any]]:
    return [row for row in rows(page) if row["state"] == "kept"]


# -- what is written ----------------------------------------------------------------------------------------------------


def test_the_page_is_that_of_the_server_and_knows_that_it_is_files(page: Path) -> None:
    html = (page / "index.html").read_bytes()
    assert html.replace(b"<html data-static", b"<html", 1) == site("index.html")

    class Loaded(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            found.extend(str(value) for name, value in attributes if name in ("src", "href"))

    found: list[str] = []
    Loaded().feed(html.decode())
    for name in (one for one in found if one.startswith("site/")):
        assert (page / name).is_file()
    assert not [one for one in found if one.startswith(("/", "http", "//"))]


def test_about_says_that_nothing_is_judged_here(page: Path) -> None:
    about = given(page, "about")
    assert (about["static"], about["judging"], about["compare"], about["stems"]) == (True, False, [], True)
    assert (about["total"], about["note"]) == (len(rows(page)), "")
    assert given(page, "overview")["recipe"] == "text-to-music"


def test_every_row_has_its_example_and_its_media(page: Path) -> None:
    assert len(kept(page)) == 6
    for row in rows(page):
        one = given(page, f"one/{row['at']}")
        assert one["id"] == row["id"]
        assert one["judgeable"] is False
        assert one["files"] == row["files"]
        for name in row["files"].values():
            assert (page / "media" / row["at"] / name).stat().st_size
    for row in kept(page):
        assert row["files"] == {"mix": "mix.mp3", "midi": "midi.mid"}
        assert row["has"] == ["mix", "midi", "stems", "captions"]
        assert row["source"] == "tunes"
        assert row["search"]
        one = given(page, f"one/{row['at']}")
        assert one["sound"] == {"what": "mix", "mime": "audio/mpeg"}
        assert {"what": "mix", "mime": "audio/mpeg"}.items() <= one["downloads"][0].items()
        assert [download["what"] for download in one["downloads"]] == ["mix", "midi"]
        sound = soundfile.info(page / "media" / row["at"] / "mix.mp3")
        assert (sound.format, round(sound.duration - row["seconds"], 1)) == ("MP3", 0)


def test_stems_are_in_scripts_of_their_own(page: Path, tmp_path: Path) -> None:
    for row in kept(page):
        stems = given(page, f"stems/{row['at']}")
        assert sorted(stems) == [str(stem["index"]) for stem in given(page, f"one/{row['at']}")["stems"]]
        (tmp_path / "stem.mp3").write_bytes(base64.b64decode(stems["0"]))
        assert soundfile.info(tmp_path / "stem.mp3").format == "MP3"


def test_every_source_has_its_turn_and_what_is_missing_is_said(data: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    done = write(Dataset(data), tmp_path / "out", most=2, watch=lambda n, of: told.append((n, of)))
    assert (done.examples, done.left_out) == (2, 2)
    assert told == [(n, 4) for n in range(5)]
    assert len({row["path"] for row in kept(tmp_path / "out")}) == 2
    assert done.remarks == ("This page shows 2 of 6 examples, and 2 of 3 inputs that did not make it.",)
    assert given(tmp_path / "out", "about")["note"] == done.remarks[0]
    here = {row["id"] for row in rows(tmp_path / "out")}
    for row in kept(tmp_path / "out"):
        one = given(tmp_path / "out", f"one/{row['at']}")
        assert "stems" not in row["has"]
        assert {other["id"] for other in one["others"]} <= here
    assert not (tmp_path / "out" / "data" / "stems").exists()


def test_who_judged_is_not_told(data: Path, tmp_path: Path) -> None:
    from motet.explorer.shown import Shown

    own = Path(shutil.copytree(data, tmp_path / "data", symlinks=True))
    (tmp_path / "cuts").mkdir()
    shown = Shown(Dataset(own), scratch=tmp_path / "cuts", room=1 << 20, by="Ada Lovelace")
    id = shown.rows([("state", "kept")], 0, 1)["rows"][0]["id"]
    shown.judge(id, "good", "fine drums")
    shown.close()
    write(Dataset(own), tmp_path / "out")
    (row,) = [row for row in rows(tmp_path / "out") if row["judged"]]
    assert row["id"] == id
    assert given(tmp_path / "out", f"one/{row['at']}")["label"]["note"] == "fine drums"
    for file in (tmp_path / "out" / "data").rglob("*.js"):
        assert "Lovelace" not in file.read_text()


def test_no_place_of_this_machine_is_told(page: Path, data: Path) -> None:
    for file in (path for path in page.rglob("*") if path.is_file()):
        assert os.fsencode(data.parent) not in file.read_bytes(), file


def test_media_that_are_gone_are_told_on_the_page(data: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(data, tmp_path / "data", symlinks=True))
    for file in (own / "media").rglob("*.flac"):
        file.unlink()
    done = write(Dataset(own), tmp_path / "out")
    assert any("could not be had" in remark for remark in done.remarks)
    for row in kept(tmp_path / "out"):
        one = given(tmp_path / "out", f"one/{row['at']}")
        assert one["sound"] is None
        assert one["missing"]
        assert "mix" not in row["has"]


def test_without_a_finished_run_there_is_a_page_that_says_so(data: Path, tmp_path: Path) -> None:
    own = Path(shutil.copytree(data, tmp_path / "data", symlinks=True))
    shutil.rmtree(own / "snapshots")
    done = write(Dataset(own), tmp_path / "out")
    assert (done.examples, done.left_out) == (0, 0)
    assert "no finished run" in given(tmp_path / "out", "about")["note"]


# -- names --------------------------------------------------------------------------------------------------------------


def test_ids_become_names_that_any_disk_takes() -> None:
    ids = [
        "ab12.c003",
        "AB12.c003",
        "../../etc/passwd",
        "..",
        ".",
        "",
        "x" * 5000,
        "x" * 5001,
        "さくら",
        "a/b",
        "a_b",
        "\ud800",
        "con",
    ]
    found = names(ids)
    assert list(found) == ids
    assert found["ab12.c003"] == "ab12.c003"
    assert len({name.casefold() for name in found.values()}) == len(ids)
    for name in found.values():
        assert name.isascii()
        assert 0 < len(name) <= 100
        assert not name.startswith(".")
        assert not set(name) & set('/\\:*?"<>| ')


# -- the folder ---------------------------------------------------------------------------------------------------------


def test_a_page_is_replaced_by_the_next(page: Path, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(page, out)
    write(Dataset(data), out, most=1)
    assert len(kept(out)) == 1
    assert os.listdir(tmp_path) == ["out"]


def test_an_empty_folder_is_filled(data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(Dataset(data), tmp_path / "out", most=1)
    assert (tmp_path / "out" / MARKER).is_file()


def test_what_is_not_ours_is_left_alone(page: Path, data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    shutil.copytree(page, tmp_path / "added")
    (tmp_path / "added" / "CNAME").write_text("mine")
    shutil.copytree(page, tmp_path / "beside")
    (tmp_path / "beside" / "media" / "letter.txt").write_text("mine")
    (tmp_path / "forged").mkdir()
    (tmp_path / "forged" / MARKER).write_text("{}")
    theirs = [
        ("file", "is a file"),
        ("full", "other files"),
        ("added", "CNAME"),
        ("beside", "media/letter"),
        ("forged", "other files"),
    ]
    for name, said in theirs:
        with pytest.raises(UserError, match=said):
            write(Dataset(data), tmp_path / name)
    for inside in (data, data / "media" / "page"):
        with pytest.raises(UserError, match="in the dataset"):
            write(Dataset(data), inside)
    assert sorted(os.listdir(tmp_path)) == ["added", "beside", "file", "forged", "full"]


def test_a_page_that_cannot_be_finished_leaves_the_one_before(
    page: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    shutil.copytree(page, out)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(static.shutil, "copyfileobj", full)
    with pytest.raises(UserError, match="No space left") as told:
        write(Dataset(data), out, most=1)
    assert told.value.exit_code == 1
    assert os.listdir(tmp_path) == ["out"]
    assert len(kept(out)) == 6


def test_what_a_killed_writer_left_is_cleared(page: Path, data: Path, tmp_path: Path) -> None:
    left = tmp_path / ".out.explore.tmp"
    (left / "new").mkdir(parents=True)
    shutil.copytree(page, left / "old")  # killed when the old page had gone and the new one was not yet there
    write(Dataset(data), tmp_path / "out", most=1)
    assert len(kept(tmp_path / "out")) == 1
    assert os.listdir(tmp_path) == ["out"]


def test_two_writers_do_not_meet(data: Path, tmp_path: Path) -> None:
    with static._aside(tmp_path / "out"), pytest.raises(UserError, match="another process"):
        write(Dataset(data), tmp_path / "out")


def test_the_command_says_what_it_wrote(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", str(data), "--static", str(tmp_path / "out"), "--most", "1", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["examples"], told["left_out"]) == (1, 1)
    assert told["files"] == len([path for path in (tmp_path / "out").rglob("*") if path.is_file()])


def test_the_page_can_be_published(page: Path, tmp_path: Path) -> None:
    found = {local.path for local in folder_files(page, cache=tmp_path)}
    assert found == {str(path.relative_to(page)) for path in page.rglob("*") if path.is_file()}


# -- in a browser -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.mark.browser
@pytest.mark.parametrize("how", ["from the disk", "from a host"])
def test_the_page_works(browser: Any, page: Path, how: str) -> None:
    with hosted(page) as host:
        address = page.joinpath("index.html").as_uri() if how == "from the disk" else f"{host}/index.html"
        tab = browser.new_page()
        troubles: list[str] = []
        tab.on("pageerror", lambda error: troubles.append(str(error)))
        tab.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
        home = address.rpartition("/")[0]
        tab.on("request", lambda asked: None if asked.url.startswith((home, "data:", "blob:")) else troubles.append(asked.url))
        tab.goto(address)
        tab.locator("#main a[href^='#/one/']").first.wait_for()
        row = kept(page)[0]
        tab.goto(f"{address}#/one/{row['id']}")
        tab.get_by_role("heading", level=1).wait_for()
        stem = tab.evaluate(f"motet.store.stem({{id: {json.dumps(row['id'])}}}, 0).then(data => data.byteLength)")
        assert stem == len(base64.b64decode(given(page, f"stems/{row['at']}")["0"]))
        tab.close()
    assert troubles == []
