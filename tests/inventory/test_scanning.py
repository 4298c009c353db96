"""A scan sees every file of every folder and archive, opens only what has changed, and nothing hangs or crashes it."""

from __future__ import annotations

import io
import os
import pickle
import shutil
import socket
import sqlite3
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from motet.errors import UserError
from motet.files import Gone, Unreadable, places
from motet.inventory.scanning import scan as scanning
from motet.inventory.scanning.memory import Memory
from motet.inventory.scanning.reading import read
from motet.inventory.scanning.scan import Folders, scan
from motet.inventory.tree import Entry, Folder, Tree

SONG = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"


@pytest.fixture(autouse=True)
def settled() -> Iterator[None]:
    """Files written a moment ago count as old, so that tests need not wait two seconds."""
    with patch.object(places, "RACY_NS", 0):
        yield


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory(tmp_path / "cache") as memory:
        yield memory


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


def write(path: Path, data: bytes = SONG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def tarred(path: Path, members: dict[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as file:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, io.BytesIO(data))
    return path


def files(tree: Tree, root: Path) -> dict[str, str]:
    """Path below the root -> fault."""
    found = ((os.path.join(folder.path, entry.name), entry.fault) for folder in tree.folders for entry in folder.files)
    return {path[len(str(root)) + 1 :]: fault for path, fault in found}


def reasons(tree: Tree) -> dict[str, str]:
    return {Path(passed.path).name: passed.reason for passed in tree.passed}


def stamps(tree: Tree) -> dict[str, str]:
    return {folder.path: folder.stamp for folder in tree.folders}


def test_every_file_of_every_folder_is_there(disk: Path, memory: Memory) -> None:
    for name in ("a.mid", "b/c.mid", "b/d/e.MID", "b-2/f.txt"):
        write(disk / name)
    tree = scan([disk], memory)
    assert files(tree, disk) == {"a.mid": "", "b/c.mid": "", "b/d/e.MID": "", "b-2/f.txt": ""}
    assert (tree.files, tree.bytes, tree.reread, tree.roots) == (4, 4 * len(SONG), 4, (str(disk),))


def test_folders_come_in_order_of_path_a_folder_before_what_lies_below_it(disk: Path, memory: Memory) -> None:
    for name in ("b/c/x.mid", "b-2/x.mid", "b.zip/x.mid", "a/x.mid"):
        write(disk / name)
    paths = [folder.path[len(str(disk)) :] for folder in scan([disk], memory).folders]
    assert paths == ["", "/a", "/b", "/b/c", "/b-2", "/b.zip"]


def test_folders_are_a_sequence_that_is_gone_through_again_and_again(disk: Path, memory: Memory) -> None:
    write(disk / "a/x.mid")
    folders = scan([disk], memory).folders
    assert isinstance(folders, Folders)
    assert list(folders) == list(folders) == [folders[0], folders[1]] == folders[:2]
    assert len(folders) == 2
    assert folders.get(str(disk / "a")) == folders[1]
    assert folders.get(str(disk / "b")) is None
    assert folders[1].files == (Entry("x.mid", len(SONG), "midi", ""),)
    assert folders[1].root == str(disk)


def test_a_folder_of_the_tree_can_go_to_another_process(disk: Path, memory: Memory) -> None:
    write(disk / "x.mid")
    folder = scan([disk], memory).folders[0]
    again = pickle.loads(pickle.dumps(folder))
    assert type(again) is Folder
    assert (again.path, again.files, again.stamp) == (folder.path, folder.files, folder.stamp)


def test_faults_are_told_by_content(disk: Path, memory: Memory) -> None:
    write(disk / "whole.mid")
    write(disk / "cut.mid", SONG[:-2])
    write(disk / "pointer.wav", POINTER)
    write(disk / "page.zip", b"<!DOCTYPE html><html></html>")
    write(disk / "nothing.mid", b"")
    write(disk / "other.wav", SONG)
    assert files(scan([disk], memory), disk) == {
        "whole.mid": "",
        "cut.mid": "truncated",
        "pointer.wav": "lfs_pointer",
        "page.zip": "web_page",
        "nothing.mid": "empty",
        "other.wav": "other_kind",
    }


def test_a_second_scan_opens_nothing_and_tells_the_same(disk: Path, memory: Memory) -> None:
    write(disk / "a/x.mid")
    write(disk / "a/y.mid", SONG[:-2])
    zipped(disk / "z.zip", {"in/x.mid": SONG})
    first = scan([disk], memory)
    with patch.object(os, "pread", side_effect=AssertionError), patch.object(scanning, "look_inside", side_effect=AssertionError):
        second = scan([disk], memory)
    assert (first.reread, second.reread) == (4, 0)
    assert list(first.folders) == list(second.folders)
    assert (first.files, first.bytes) == (second.files, second.bytes)


def test_what_is_remembered_outlives_the_process(disk: Path, tmp_path: Path) -> None:
    write(disk / "x.mid")
    with Memory(tmp_path / "cache") as memory:
        scan([disk], memory)
    with Memory(tmp_path / "cache") as memory:
        assert scan([disk], memory).reread == 0


def test_only_the_file_that_changed_is_opened_again(disk: Path, memory: Memory) -> None:
    for name in ("x.mid", "y.mid", "z.mid"):
        write(disk / name)
    before = scan([disk], memory).folders[0].stamp
    write(disk / "y.mid", SONG[:-2])
    tree = scan([disk], memory)
    assert tree.reread == 1
    assert files(tree, disk) == {"x.mid": "", "y.mid": "truncated", "z.mid": ""}
    assert tree.folders[0].stamp != before


def test_a_file_rewritten_in_place_with_its_size_and_time_put_back_is_seen(disk: Path, memory: Memory) -> None:
    path = write(disk / "x.mid")
    status = path.stat()
    scan([disk], memory)
    with path.open("r+b") as file:
        file.write(b"RIFF")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert files(scan([disk], memory), disk) == {"x.mid": "other_kind"}


def test_a_file_as_young_as_the_clock_is_coarse_is_looked_at_again(disk: Path, memory: Memory) -> None:
    write(disk / "x.mid")
    with patch.object(places, "RACY_NS", 10**15):
        assert [scan([disk], memory).reread for _ in range(2)] == [1, 1]
    assert [scan([disk], memory).reread for _ in range(2)] == [1, 0]


def test_fresh_looks_at_everything_again(disk: Path, memory: Memory) -> None:
    write(disk / "x.mid")
    zipped(disk / "z.zip", {"x.mid": SONG})
    scan([disk], memory)
    assert scan([disk], memory, fresh=True).reread == 3


def test_files_and_folders_that_are_gone_are_forgotten(disk: Path, memory: Memory) -> None:
    for name in ("a/x.mid", "a/b/y.mid", "c/z.mid", "d.mid"):
        write(disk / name)
    zipped(disk / "z.zip", {"x.mid": SONG})
    memory.tell("names", str(disk / "a/b"), "1", b"told")
    scan([disk], memory)
    shutil.rmtree(disk / "a")
    (disk / "d.mid").unlink()
    (disk / "z.zip").unlink()
    assert files(scan([disk], memory), disk) == {"c/z.mid": ""}
    assert len(memory.below(b"")) == 2
    assert memory.archives_below(b"") == []
    assert memory.told("names", str(disk / "a/b"), "1") is None


def test_stamps_differ_where_files_do(disk: Path, memory: Memory) -> None:
    write(disk / "a/x.mid")
    write(disk / "b/x.mid")
    first = stamps(scan([disk], memory))
    assert len(set(first.values())) == 3
    write(disk / "a/y.mid")
    second = stamps(scan([disk], memory))
    assert [path for path in first if first[path] != second[path]] == [str(disk / "a")]


# Archives


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.bz2"])
def test_members_of_archives_are_files_in_folders(disk: Path, memory: Memory, name: str) -> None:
    members = {"x.mid": SONG, "in/deep/y.mid": SONG[:-2], "in/p.wav": POINTER, "__MACOSX/._x.mid": b"1", "in/Icon_": b""}
    if name.endswith(".zip"):
        zipped(disk / name, members)
    else:
        tarred(disk / name, members, {"tar": "w", "bz2": "w:bz2"}.get(name.rpartition(".")[2], "w:gz"))
    tree = scan([disk], memory)
    assert files(tree, disk) == {
        name: "",
        f"{name}!/x.mid": "",
        f"{name}!/in/deep/y.mid": "truncated",
        f"{name}!/in/p.wav": "lfs_pointer",
    }
    below = [folder for folder in tree.folders if folder.archive]
    assert [folder.path for folder in below] == [f"{disk}/{name}!{inner}" for inner in ("", "/in", "/in/deep")]
    assert {folder.archive for folder in below} == {str(disk / name)}
    assert isinstance(tree.folders, Folders)
    assert tree.folders.get(f"{disk}/{name}!/in") == below[1]
    assert read(f"{disk}/{name}!/in/deep/y.mid", 4) == b"MThd"


def test_a_changed_archive_is_listed_again(disk: Path, memory: Memory) -> None:
    zipped(disk / "a.zip", {"old/x.mid": SONG})
    scan([disk], memory)
    zipped(disk / "a.zip", {"new/x.mid": SONG, "new/y.mid": SONG})
    assert set(files(scan([disk], memory), disk)) == {"a.zip", "a.zip!/new/x.mid", "a.zip!/new/y.mid"}


def test_what_is_wrong_with_an_archive_is_told_in_a_sentence(disk: Path, memory: Memory) -> None:
    whole = tarred(disk / "cut.tar.gz", {f"{n}.bin": os.urandom(4000) for n in range(9)}).read_bytes()
    write(disk / "cut.tar.gz", whole[: len(whole) // 2])
    secret = bytearray(zipped(disk / "secret.zip", {"x.mid": SONG}).read_bytes())
    secret[secret.index(b"PK\1\2") + 8] |= 1
    write(disk / "secret.zip", bytes(secret))
    write(disk / "cut.zip", zipped(disk / "cut.zip", {"x.mid": os.urandom(5000)}).read_bytes()[:3000])
    tree = scan([disk], memory)
    assert reasons(tree) == {"cut.tar.gz": "bad_archive", "secret.zip": "encrypted", "cut.zip": "bad_archive"}
    seen = files(tree, disk)
    assert seen["secret.zip!/x.mid"] == "unreadable"
    assert seen["cut.zip"] == "truncated"
    assert seen["cut.tar.gz!/0.bin"] == ""
    assert reasons(scan([disk], memory)) == reasons(tree)


def test_a_bomb_does_not_go_off(disk: Path, memory: Memory) -> None:
    zipped(disk / "zeros.zip", {"big.bin": bytes(50 << 20)})
    with patch("motet.files.member.BOMB_FLOOR", 1 << 20):
        tarred(disk / "zeros.tar.gz", {"big.bin": bytes(50 << 20), "x.mid": SONG})
        tree = scan([disk], memory)
    assert reasons(tree) == {"zeros.tar.gz": "too_large"}
    assert "zeros.zip!/big.bin" in files(tree, disk)


def test_members_that_climb_or_are_links_lead_nowhere(disk: Path, memory: Memory) -> None:
    with tarfile.open(disk / "a.tar", "w") as file:
        link = tarfile.TarInfo("link.mid")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
        for name in ("../../up.mid", "/top.mid", "./same.mid", "deep/" * 2000 + "x.mid"):
            info = tarfile.TarInfo(name)
            info.size = len(SONG)
            file.addfile(info, io.BytesIO(SONG))
    tree = scan([disk], memory)
    assert set(files(tree, disk)) == {"a.tar", "a.tar!/(..)/(..)/up.mid", "a.tar!/top.mid", "a.tar!/same.mid"}
    assert {passed.reason for passed in tree.passed} == {"link", "too_deep"}
    assert read(f"{disk}/a.tar!/(..)/(..)/up.mid", 100) == SONG


def test_archives_in_archives_are_files(disk: Path, memory: Memory) -> None:
    inner = zipped(disk / "inner.zip", {"x.mid": SONG}).read_bytes()
    (disk / "inner.zip").unlink()
    zipped(disk / "outer.zip", {"inner.zip": inner})
    assert set(files(scan([disk], memory), disk)) == {"outer.zip", "outer.zip!/inner.zip"}


def test_a_folder_called_like_the_inside_of_an_archive_is_another_one(disk: Path, memory: Memory) -> None:
    zipped(disk / "a.zip", {"x.mid": SONG})
    write(disk / "a.zip!" / "y.mid")
    assert set(files(scan([disk], memory), disk)) == {"a.zip", "a.zip!/x.mid", "a.zip!/y.mid"}


# What lies in the way


def test_junk_is_left_out(disk: Path, memory: Memory) -> None:
    for name in (".DS_Store", "._x.mid", "Thumbs.db", ".git/config", "__MACOSX/x.mid"):
        write(disk / name)
    write(disk / "Icon_", b"")
    write(disk / "a/Icon_", b"not empty")
    assert files(scan([disk], memory), disk) == {"a/Icon_": ""}


def test_a_dataset_that_motet_built_is_passed(disk: Path, memory: Memory) -> None:
    write(disk / "built/motet.yaml", b"recipe: x")
    write(disk / "built/files/x.mid")
    tree = scan([disk], memory)
    assert files(tree, disk) == {}
    assert reasons(tree) == {"built": "motet_dataset"}


def test_pipes_sockets_and_loops_do_not_hang_it(disk: Path, memory: Memory) -> None:
    os.mkfifo(disk / "pipe.mid")
    (disk / "loop").symlink_to(disk)
    (disk / "self.mid").symlink_to("self.mid")
    (disk / "nowhere.mid").symlink_to("gone.mid")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(disk)
        server.bind("socket.mid")
        os.chdir(here)
        tree = scan([disk], memory)
    assert files(tree, disk) == {}
    assert reasons(tree) == {
        "pipe.mid": "not_a_file",
        "socket.mid": "not_a_file",
        "loop": "link",
        "self.mid": "link",
        "nowhere.mid": "link",
    }


def test_a_link_to_a_file_outside_is_followed_once(disk: Path, memory: Memory, tmp_path: Path) -> None:
    away = write(tmp_path / "away" / "x.mid")
    (disk / "b").mkdir()
    (disk / "a.mid").symlink_to(away)
    (disk / "b" / "again.mid").symlink_to(away)
    write(disk / "c.mid")
    (disk / "to_c.mid").symlink_to("c.mid")
    for _ in range(2):
        tree = scan([disk], memory)
        assert files(tree, disk) == {"a.mid": "", "c.mid": ""}
        assert (tree.files, tree.bytes) == (2, 2 * len(SONG))
        assert reasons(tree) == {"again.mid": "link", "to_c.mid": "link"}
    write(away, SONG[:-2])
    assert files(scan([disk], memory), disk) == {"a.mid": "truncated", "c.mid": ""}


def test_names_that_are_not_utf_8_survive(disk: Path, memory: Memory) -> None:
    folder, name = b"caf\xe9", b"na\xefve\n.mid"
    os.mkdir(os.fsencode(disk) + b"/" + folder)
    write(Path(os.fsdecode(os.fsencode(disk) + b"/" + folder + b"/" + name)))
    for _ in range(2):
        tree = scan([disk], memory)
        assert os.fsencode(tree.folders[1].path).endswith(folder)
        assert os.fsencode(tree.folders[1].files[0].name) == name
        assert read(os.path.join(tree.folders[1].path, tree.folders[1].files[0].name), 4) == b"MThd"


def test_folders_more_than_a_thousand_deep_are_walked(disk: Path, memory: Memory) -> None:
    here = os.getcwd()
    os.chdir(disk)
    try:
        for _ in range(1500):
            os.mkdir("d")
            os.chdir("d")
        Path("x.mid").write_bytes(SONG)
        tree = scan([disk], memory)
        os.unlink("x.mid")
        for _ in range(1500):  # what clears up behind tests would recurse
            os.chdir("..")
            os.rmdir("d")
    finally:
        os.chdir(here)
    assert len(tree.folders) == 1501
    assert tree.files == 1


def test_a_folder_that_cannot_be_read_is_passed(disk: Path, memory: Memory) -> None:
    write(disk / "closed/x.mid")
    listing = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return listing(path)

    with patch.object(os, "scandir", refusing):
        tree = scan([disk], memory)
    assert reasons(tree) == {"closed": "unreadable"}


# Roots


def test_what_lies_under_two_roots_belongs_to_the_first(disk: Path, memory: Memory) -> None:
    write(disk / "a/b/x.mid")
    write(disk / "a/y.mid")
    inner_first = scan([disk / "a" / "b", disk, disk], memory)
    assert {folder.path: folder.root for folder in inner_first.folders} == {
        str(disk): str(disk),
        str(disk / "a"): str(disk),
        str(disk / "a/b"): str(disk / "a/b"),
    }
    outer_first = scan([disk, disk / "a" / "b"], memory)
    assert {folder.root for folder in outer_first.folders} == {str(disk)}
    assert inner_first.files == outer_first.files == 2


def test_a_root_that_is_not_there_or_no_folder_is_told(disk: Path, memory: Memory) -> None:
    file = write(disk / "x.mid")
    tree = scan([disk / "gone", file], memory)
    assert len(tree.folders) == 0
    assert reasons(tree) == {"gone": "no_root", "x.mid": "no_root"}


def test_an_empty_mount_point_does_not_make_it_forget_the_drive(disk: Path, memory: Memory) -> None:
    write(disk / "a/x.mid")
    scan([disk], memory)
    (disk / "a").rename(disk.parent / "unplugged")
    assert scan([disk], memory).files == 0
    (disk.parent / "unplugged").rename(disk / "a")
    assert scan([disk], memory).reread == 0


# Several processes


@pytest.fixture
def eager() -> Iterator[None]:
    """Even few files are shared with another process."""
    with patch.multiple(scanning, _ALONE=1, _ALONE_SECONDS=0.0, _OWN=0.0):
        yield


def test_several_processes_see_what_one_sees(disk: Path, tmp_path: Path, eager: None) -> None:
    for n in range(300):
        write(disk / f"{n % 7}/{n % 30}/{n}.mid", SONG[: len(SONG) - n % 2])
    seen: list[tuple[int, int]] = []
    with Memory(tmp_path / "1") as one, Memory(tmp_path / "3") as three:
        alone = scan([disk], one, workers=1)
        shared = scan([disk], three, workers=3, watch=lambda files, opened: seen.append((files, opened)))
        assert files(alone, disk) == files(shared, disk)
        for here, there in zip(alone.folders, shared.folders, strict=True):
            assert (here.path, here.files) == (there.path, there.files)
        assert seen[-1] == (300, 300)


def test_a_process_that_is_killed_is_one_sentence(disk: Path, memory: Memory, eager: None) -> None:
    for n in range(50):
        write(disk / f"{n}/{n}.mid")

    class Doomed(scanning._Worker):
        def give(self, what: str, work: object) -> None:
            self._process.kill()
            self._process.join()
            super().give(what, work)

    with patch.object(scanning, "_Worker", Doomed), pytest.raises(UserError, match="scan again with 1 worker"):
        scan([disk], memory, workers=2)


# Memory


def test_a_damaged_memory_is_begun_anew(disk: Path, tmp_path: Path) -> None:
    write(disk / "x.mid")
    with Memory(tmp_path / "cache") as memory:
        scan([disk], memory)
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(b"not a database" * 1000)
    with Memory(tmp_path / "cache") as memory:
        assert scan([disk], memory).reread == 1
    with Memory(tmp_path / "cache") as memory:
        assert scan([disk], memory).reread == 0


def test_a_memory_that_is_locked_or_cannot_be_written_costs_time_only(disk: Path, tmp_path: Path) -> None:
    write(disk / "x.mid")
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    with Memory(tmp_path / "cache") as memory:
        assert not memory.lasting
        assert files(scan([disk], memory), disk) == {"x.mid": ""}
    with Memory(tmp_path / "held"):
        pass
    (file,) = (tmp_path / "held").iterdir()
    other = sqlite3.connect(file)
    other.execute("BEGIN EXCLUSIVE")
    with patch("motet.inventory.scanning.memory._PATIENCE", 0.05), Memory(tmp_path / "held") as memory:
        assert files(scan([disk], memory), disk) == {"x.mid": ""}
        memory.tell("a", "/b", "1", b"c")
        assert memory.told("a", "/b", "1") == b"c"
    other.close()


def test_records_lost_under_a_tree_are_looked_at_again(disk: Path, memory: Memory) -> None:
    write(disk / "x.mid")
    zipped(disk / "z.zip", {"in/y.mid": SONG})
    tree = scan([disk], memory)
    before = files(tree, disk)
    memory.drop(memory.below(b""))
    assert files(tree, disk) == before


def test_a_record_that_is_damaged_is_made_anew(disk: Path, memory: Memory) -> None:
    write(disk / "x.mid")
    tree = scan([disk], memory)
    kept = memory.folder_of(memory.below(b"")[0])
    assert kept is not None
    memory.keep_folders([replace(kept, record=kept.record[:-3])])
    assert files(tree, disk) == {"x.mid": ""}


def test_two_memories_of_one_folder_know_the_same(disk: Path, tmp_path: Path) -> None:
    write(disk / "x.mid")
    with Memory(tmp_path / "cache") as one, Memory(tmp_path / "cache") as other:
        scan([disk], one)
        assert scan([disk], other).reread == 0


def test_notes_are_kept_by_what_path_and_stamp(tmp_path: Path) -> None:
    odd = os.fsdecode(b"/d/caf\xe9")
    with Memory(tmp_path) as memory:
        memory.tell("md5", odd, "1", b"\0\1")
        memory.tell("md5", "/d/e/f", "1", b"2")
        memory.tell("md5", "/d/e-2", "1", b"3")
        memory.tell("names", "/d/e", "1", b"4")
        assert memory.told("md5", odd, "1") == b"\0\1"
    with Memory(tmp_path) as memory:
        assert memory.told("md5", odd, "1") == b"\0\1"
        assert memory.told("md5", odd, "2") is None
        assert memory.told("names", odd, "1") is None
        memory.forget("/d/e", "md5")
        assert memory.told("md5", "/d/e/f", "1") is None
        assert memory.told("names", "/d/e", "1") == b"4"
        memory.forget("/d/e")
        assert memory.told("names", "/d/e", "1") is None
        assert memory.told("md5", "/d/e-2", "1") == b"3"


# Reading


def test_at_most_as_much_is_read_as_is_asked_for(disk: Path) -> None:
    write(disk / "x.mid")
    zipped(disk / "z.zip", {"in/y.mid": SONG * 1000})
    assert read(str(disk / "x.mid"), 4) == b"MThd"
    assert read(str(disk / "x.mid"), 10**9) == SONG
    assert read(str(disk / "z.zip!/in/y.mid"), 30_000) == (SONG * 1000)[:30_000]


def test_what_cannot_be_read_is_told_by_kind(disk: Path) -> None:
    zipped(disk / "z.zip", {"y.mid": SONG})
    os.mkfifo(disk / "pipe")
    write(disk / "bad.zip", b"PK\3\4" + struct.pack("<I", 7))
    for path in ("gone.mid", "z.zip!/gone.mid", "gone.zip!/x.mid"):
        with pytest.raises(Gone):
            read(str(disk / path), 10)
    for path in ("pipe", "bad.zip!/x.mid", "."):
        with pytest.raises(Unreadable):
            read(str(disk / path), 10)
    with pytest.raises(Unreadable):
        read(str(disk / "nul\0byte"), 10)


@pytest.mark.shared
def test_the_real_samples_have_their_known_numbers(shared: Path, memory: Memory) -> None:
    tree = scan([shared / "datasets"], memory)
    entries = [entry for folder in tree.folders for entry in folder.files]
    assert sum(entry.kind == "midi" and not entry.fault for entry in entries) == 1150
    assert sum(entry.fault == "lfs_pointer" for entry in entries) == 7442
    assert not any(entry.name == "Icon_" for entry in entries)
