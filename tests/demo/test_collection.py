"""The folder that `motet demo` starts from: tunes, and the mess of real collections."""

import zipfile
from collections import Counter
from pathlib import Path

import pytest
import symusic

from motet.demo import TUNES, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "tunes"
    write(folder)
    return folder


def notes(data: bytes) -> Counter[tuple[float, int, bool]]:
    score = symusic.Score.from_midi(data)
    return Counter((n.start / score.tpq, n.pitch, track.is_drum) for track in score.tracks for n in track.notes)


def test_every_tune_is_at_artist_title(folder: Path) -> None:
    for tune in TUNES:
        assert notes((folder / tune.artist / f"{tune.title}.mid").read_bytes())


def test_writing_again_changes_nothing_and_leaves_no_scraps(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert write(folder) == sorted(before)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_what_it_wrote_is_what_it_says(tmp_path: Path) -> None:
    written = write(tmp_path / "new")
    assert written == sorted(path for path in tmp_path.rglob("*") if path.is_file())


def test_a_duplicate_has_the_same_notes_and_other_bytes(folder: Path) -> None:
    original = (folder / "Traditional English" / "Greensleeves.mid").read_bytes()
    again = (folder / "Traditional English" / "Greensleeves.1.mid").read_bytes()
    assert original != again
    assert notes(original) == notes(again)


def test_an_archive_holds_the_same_bytes_under_another_name(folder: Path) -> None:
    with zipfile.ZipFile(folder / "old backup" / "songs.zip") as archive:
        (name,) = archive.namelist()
        assert "Auld" not in name
        assert archive.read(name) == (folder / "Traditional Scottish" / "Auld Lang Syne.mid").read_bytes()


@pytest.mark.parametrize("sanitize", [False, True])
@pytest.mark.parametrize(
    "name",
    ["Traditional Russian/Korobeiniki (1).mid", "Franz Xaver Gruber/Silent Night.mid", "Unknown Artist/untitled.mid"],
)
def test_some_cannot_be_read_at_all(folder: Path, name: str, sanitize: bool) -> None:
    with pytest.raises(RuntimeError):
        symusic.Score.from_midi((folder / name).read_bytes(), sanitize_data=sanitize)


def test_the_broken_one_was_a_tune_once(folder: Path) -> None:
    broken = (folder / "Traditional Russian" / "Korobeiniki (1).mid").read_bytes()
    whole = (folder / "Traditional Russian" / "Korobeiniki.mid").read_bytes()
    assert whole.startswith(broken)
    assert len(whole) > len(broken) > 1000


def test_the_licence_names_every_tune(folder: Path) -> None:
    licence = (folder / "LICENCE.txt").read_text(encoding="utf-8")
    assert "CC0 1.0" in licence
    assert all(f"{tune.title}: {tune.origin}" in licence for tune in TUNES)
