"""Archives made to harm, and archives packed in every usual way."""

from __future__ import annotations

import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from inventory.fetching.shelves import SOUND, TAKES, Shelves, below, download, drums, linked, tarred, zipped
from motet.errors import UserError
from motet.inventory.fetching import Patience, fetch, plan
from motet.inventory.fetching.unpacking import BadContent, Limits, Unpacking, folds_case


def got(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def link_in_zip() -> bytes:
    out = io.BytesIO(zipped(TAKES))
    with zipfile.ZipFile(out, "a") as archive:
        info = zipfile.ZipInfo("drummer1/9.mid")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return out.getvalue()


def encrypted() -> bytes:
    """The flag of the first member's entry in the directory says so."""
    data = bytearray(zipped(TAKES))
    at = data.index(b"PK\1\2") + 8
    struct.pack_into("<H", data, at, 1)
    return bytes(data)


def damaged() -> bytes:
    data = zipped(TAKES)
    return data.replace(b"MThd two", b"MThd twx")


def twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("drummer1/1.mid", b"MThd")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("drummer1/1.mid", b"evil")
    return out.getvalue()


def device() -> tarfile.TarInfo:
    info = tarfile.TarInfo("drummer1/zero")
    info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, 1, 5
    return info


TAR = {"unpack": "tar"}
HARMFUL = [
    ("zip-slip", lambda: zipped({**TAKES, "../../evil": b"x"}), {}, "its member ../../evil climbs out of the folder"),
    ("zip-slip within", lambda: zipped({**TAKES, "a/../../evil": b"x"}), {}, "climbs out"),
    ("zip-slip of Windows", lambda: zipped({**TAKES, "a/..\\..\\evil": b"x"}), {}, "climbs out"),
    ("absolute", lambda: zipped({**TAKES, "/etc/cron.d/evil": b"x"}), {}, "its member /etc/cron.d/evil would be"),
    ("drive", lambda: zipped({**TAKES, "C:/evil": b"x"}), {}, "place of its own choice"),
    ("link in zip", link_in_zip, {}, "of its member drummer1/9.mid: it is a link"),
    ("symbolic link", lambda: tarred({**TAKES, "d": linked("d", "/etc"), "d/x": b""}), TAR, "of its member d: it is a link"),
    ("hard link", lambda: tarred({**TAKES, "d": linked("d", "info.csv", tarfile.LNKTYPE)}), TAR, "it is a link"),
    ("device", lambda: tarred({**TAKES, "zero": device()}), TAR, "it is a device"),
    ("climbing tar", lambda: tarred({**TAKES, "../evil": b"x"}), TAR, "climbs out"),
    ("two of one name", twice, {}, "two of its members are the same file, drummer1/1.mid"),
    ("file and folder", lambda: zipped({"drummer1": b"", **TAKES}), {}, "two of its members are the same file"),
    ("long name", lambda: zipped({**TAKES, "x" * 300: b""}), {}, "longer than a disk can hold"),
    ("encrypted", encrypted, {}, "it is encrypted; unpack the archive with its password first"),
    ("damaged", damaged, {}, "the content of its member drummer1/2.mid is damaged"),
    ("controls", lambda: zipped({**TAKES, "\x1b[2J/../x": b""}), {}, r"its member \\x1b\[2J/../x climbs"),
    ("cut tar", lambda: tarred({**TAKES, "z": os.urandom(30_000)})[:-9000], TAR, "cut short"),
    ("no part", lambda: zipped({"readme.txt": b"hello"}), {}, r"the part midi should be \(drummer\{drummer\}/\{take\}.mid\)"),
]  # fmt: skip


@pytest.mark.parametrize("make, how, words", [case[1:] for case in HARMFUL], ids=[case[0] for case in HARMFUL])
def test_a_harmful_archive_is_told_and_leaves_nothing(
    make: Any, how: Mapping[str, str], words: str, shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    shelves.put("/a.bin", make())
    to = tmp_path / "deep" / "down"
    with pytest.raises(UserError, match=words) as told:
        fetch(plan(drums([download(f"{shelves.url}/a.bin", **how)]), None, to, home), environment=home, patience=hasty)
    assert told.value.exit_code == 1
    assert "\x1b" not in str(told.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.name in ("evil", "1.mid", "x")]
    assert not (to / "drums").exists()


@pytest.mark.parametrize("unpack", ["zip", "tar"])
def test_a_bomb_is_told(unpack: str, shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    files = {**TAKES, "zeros": bytes(40 << 20)}
    bomb = zipped(files, zipfile.ZIP_DEFLATED) if unpack == "zip" else tarred(files)
    shelves.put("/bomb", bomb)
    limits = Limits(floor=10 << 20)
    made = plan(drums([download(f"{shelves.url}/bomb", unpack=unpack)]), None, tmp_path, home)
    with pytest.raises(UserError, match="as a decompression bomb does"):
        fetch(made, environment=home, patience=hasty, limits=limits)
    assert not (tmp_path / "drums").exists()
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 1 << 20


def test_a_member_that_holds_more_than_it_says(tmp_path: Path) -> None:
    data = bytearray(zipped({"a": bytes(1 << 20)}, zipfile.ZIP_DEFLATED))
    struct.pack_into("<L", data, data.index(b"PK\1\2") + 24, 10)
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(BadContent, match="it holds more than it declares"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_more_files_than_a_disk_should_hold(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zipped({str(n): b"" for n in range(50)}))
    with pytest.raises(BadContent, match="it holds more than 20 files"):
        unpack(tmp_path / "a.zip", tmp_path / "out", limits=Limits(members=20))


def test_names_that_differ_by_case_only(tmp_path: Path) -> None:
    """A disk that takes A for a would lose one of them; another keeps both, and they are told."""
    (tmp_path / "a.zip").write_bytes(zipped({"Song.mid": b"1", "song.mid": b"2"}))
    with pytest.raises(BadContent, match=r"differ by case only, which this disk cannot hold: song.mid"):
        unpack(tmp_path / "a.zip", tmp_path / "folding", folds=True)
    if folds_case(tmp_path):
        pytest.skip("this disk takes A for a")
    assert unpack(tmp_path / "a.zip", tmp_path / "out").cases == ["song.mid"]


def unpack(file: Path, folder: Path, **how: Any) -> Unpacking:
    folder.mkdir()
    making = Unpacking(folder, Event(), lambda octets: None, **how)
    making.unpack(file, file.name)
    return making


@pytest.mark.parametrize(
    "files, into, expected",
    [
        (TAKES, "", TAKES),
        (below("drums", TAKES), "", TAKES),
        (below("drums/drums", TAKES), "", TAKES),
        (below("./drums-v1.0", TAKES), "", TAKES),
        ({**below("drums", TAKES), "LICENSE": b"free"}, "", {**TAKES, "LICENSE": b"free"}),
        ({**below("drums", TAKES), "__MACOSX/drums/drummer1/._1.mid": b"x"}, "", TAKES),
        ({**below("drums", TAKES), "drums/notes/a.txt": b"x"}, "", {**TAKES, "notes/a.txt": b"x"}),
        ({**below("drums", TAKES), "info.csv": b"another"}, "", TAKES),
    ],
)
@pytest.mark.parametrize("unpack", ["zip", "tar"])
def test_the_parts_lie_where_their_layouts_say(
    unpack: str,
    files: dict[str, bytes],
    into: str,
    expected: dict[str, bytes],
    shelves: Shelves,
    tmp_path: Path,
    home: dict[str, str],
    hasty: Patience,
) -> None:
    shelves.put("/a", zipped(files) if unpack == "zip" else tarred(files))
    made = plan(drums([download(f"{shelves.url}/a", unpack=unpack, into=into)]), None, tmp_path, home)
    fetch(made, environment=home, patience=hasty)
    assert got(tmp_path / "drums") == expected


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_tar_archives_of_every_kind(mode: str, shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/a", tarred(TAKES, mode))
    fetch(plan(drums([download(f"{shelves.url}/a", unpack="tar")]), None, tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == TAKES


@pytest.mark.parametrize("top", ["", "sound/", "x/sound/"])
def test_a_download_goes_into_its_folder_and_not_twice(
    top: str, shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    parts = [{"name": "audio", "files": "sound/drummer{drummer}/{take}.wav", "kind": "audio"}]
    shelves.put("/a", zipped({f"{top}{name}": content for name, content in SOUND.items()}))
    dataset = drums([download(f"{shelves.url}/a", gives=["audio"], into="sound")], parts=parts)
    fetch(plan(dataset, None, tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == below("sound", SOUND)


def test_a_single_file_is_called_as_its_layout_says(
    shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    shelves.put("/files/1234/content", b"take\n1\n")
    table = download(f"{shelves.url}/files/1234/content", name="table", unpack="", gives=["table"])
    fetch(plan(drums([table]), ["table"], tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == {"info.csv": b"take\n1\n"}


def test_a_part_that_is_not_whole_is_told(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/a", zipped({name: content for name, content in TAKES.items() if "2" not in name}))
    fetched = fetch(plan(drums([download(f"{shelves.url}/a")]), None, tmp_path, home), environment=home, patience=hasty)
    assert fetched.notes == ("midi gives 1 file of midi where 3 are published.",)
