"""Clues of recordings: real tags in real files, yt-dlp's side file, and damage that says nothing."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from motet.errors import UserError
from motet.naming import Clue, clues_of_recording

mutagen = pytest.importorskip("mutagen", reason="the extra `recordings` is not installed")


@pytest.fixture(params=["flac", "ogg", "mp3", "wav"])
def recording(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / f"Quentin Marlow - Seventeen Winters.{request.param}"
    soundfile.write(path, np.zeros((4410, 1)), 44100)
    return path


def tag(path: Path) -> None:
    if path.suffix in (".flac", ".ogg"):
        file = mutagen.File(path)
        file.update({"ARTIST": "Odessa Crane", "Title": "Lanterns", "isrc": "zz-xxx-87-00001", "musicbrainz_trackid": "ab-cd"})
    else:
        from mutagen.id3 import TIT2, TPE1, TSRC, UFID

        file = mutagen.File(path)
        if file.tags is None:
            file.add_tags()
        for frame in (
            TIT2(text=["Lanterns"]),
            TPE1(text=["Odessa Crane"]),
            TSRC(text=["zz-xxx-87-00001"]),
            UFID(owner="http://musicbrainz.org", data=b"ab-cd"),
        ):
            file.tags.add(frame)
    file.save()


def test_tags_of_all_kinds_are_read(recording: Path) -> None:
    tag(recording)
    found = clues_of_recording(recording)
    assert found.clues[:3] == [
        Clue("artist:Odessa Crane", "tag"),
        Clue("title:Lanterns", "tag"),
        Clue(recording.name, "file name"),
    ]
    assert found.identifiers == {"isrc": "ZZXXX8700001", "musicbrainz_recording": "ab-cd"}
    assert found.duration == pytest.approx(0.1, abs=0.1)


def test_the_side_file_of_yt_dlp_is_read(recording: Path) -> None:
    info = {"title": "Odessa Crane - Lanterns (Official Video)", "track": "Lanterns", "artist": "Odessa Crane", "duration": 9}
    recording.with_suffix(".info.json").write_text(json.dumps(info))
    texts = [clue.text for clue in clues_of_recording(recording).clues if clue.where == "info"]
    assert texts == ["artist:Odessa Crane", "title:Lanterns", "title:Odessa Crane - Lanterns (Official Video)"]


@pytest.mark.parametrize(
    "content", [b"", b"[" * 200_000, b"[1]", b'{"title": 5, "artist": {"a": 1}, "duration": 1e999}', b"\xff\xfe"]
)
def test_a_damaged_side_file_says_nothing(recording: Path, content: bytes) -> None:
    recording.with_suffix(".info.json").write_bytes(content)
    assert not [clue for clue in clues_of_recording(recording).clues if clue.where == "info"]


def test_a_damaged_file_still_has_its_name(recording: Path) -> None:
    tag(recording)
    whole = recording.read_bytes()
    for cut in range(0, min(len(whole), 600), 7):
        recording.write_bytes(whole[:cut] + b"\xff" * 16)
        assert clues_of_recording(recording).clues[-1].where in ("file name", "folder")


def test_a_file_that_is_not_there_is_a_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no file"):
        clues_of_recording(tmp_path / "nothing.mp3")
