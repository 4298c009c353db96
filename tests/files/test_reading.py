"""Reading a found file again: the bytes that were scanned, or an error that says what became of them."""

import multiprocessing
import os
import pickle
import random
import tarfile
import threading
from io import BytesIO
from pathlib import Path
from unittest.mock import patch
from zipfile import ZipFile

import pytest

from motet.files import MIDI, Changed, Found, Gone, Skipped, Unreadable, read, reading, walk

SONGS = [b"MThd" + bytes([n]) * 3000 for n in range(50)]


def tar_of(path: Path, songs: list[bytes] = SONGS) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for n, data in enumerate(songs):
            info = tarfile.TarInfo(f"{n}.mid")
            info.size = len(data)
            file.addfile(info, BytesIO(data))
    return path


def found(path: Path) -> list[Found]:
    return [row for row in walk(path, MIDI) if isinstance(row, Found)]


def test_members_read_in_order_decompress_the_archive_once(tmp_path: Path) -> None:
    rows = found(tar_of(tmp_path / "a.tgz"))
    with patch.object(reading, "_archive", wraps=reading._archive) as opened, patch("gzip.GzipFile.rewind") as rewound:
        assert [read(row) for row in rows] == SONGS
    assert opened.call_count == 1
    assert rewound.call_count == 0


def test_members_may_be_read_in_any_order(tmp_path: Path) -> None:
    rows = found(tar_of(tmp_path / "a.tgz"))
    order = random.Random(1).choices(range(len(rows)), k=60)
    assert [read(rows[n]) for n in order] == [SONGS[n] for n in order]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are listed under /proc on Linux only")
def test_no_more_than_two_archives_stay_open(tmp_path: Path) -> None:
    archives = [found(tar_of(tmp_path / f"{n}.tgz", SONGS[n : n + 3])) for n in range(5)]
    for rows in zip(*archives, strict=True):
        for n, row in enumerate(rows):
            assert read(row) == SONGS[n + row.member]
    held = [os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.exists()]
    assert sum(name.endswith(".tgz") for name in held) == 2


def test_threads_do_not_move_each_others_archive(tmp_path: Path) -> None:
    rows = found(tar_of(tmp_path / "a.tgz"))
    wrong: list[int] = []

    def work(seed: int) -> None:
        for n in random.Random(seed).choices(range(len(rows)), k=30):
            if read(rows[n]) != SONGS[n]:
                wrong.append(n)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork on this system")
def test_a_forked_child_opens_its_own_archive(tmp_path: Path) -> None:
    rows = found(tar_of(tmp_path / "a.tgz"))
    read(rows[0])
    child = os.fork()
    if child == 0:
        os._exit(0 if [read(row) for row in rows] == SONGS else 1)
    assert [read(row) for row in rows] == SONGS
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_changed_file_is_an_error(tmp_path: Path) -> None:
    song = tmp_path / "song.mid"
    song.write_bytes(b"MThd one")
    (row,) = found(song)
    for other in (b"MThd two", b"MThd three", b""):
        song.write_bytes(other)
        with pytest.raises(Changed, match=r"song\.mid is no longer what was scanned") as caught:
            read(row)
        assert caught.value.reason == "changed"


def test_an_archive_changed_between_two_reads_is_an_error(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "a.tgz")
    rows = found(path)
    assert read(rows[3]) == SONGS[3]
    tar_of(path, SONGS[::-1])
    with pytest.raises(Changed):
        read(rows[4])
    with ZipFile(path, "w") as file:
        file.writestr("0.mid", SONGS[0])
    with pytest.raises(Changed):
        read(rows[4])
    path.write_bytes(b"no archive any more")
    with pytest.raises(Changed):
        read(rows[4])
    tar_of(path)
    assert read(rows[4]) == SONGS[4]


@pytest.mark.parametrize("make", ["song.mid", "a.tgz"])
def test_a_file_that_is_gone_is_an_error(tmp_path: Path, make: str) -> None:
    path = tar_of(tmp_path / make) if make == "a.tgz" else tmp_path / make
    if make == "song.mid":
        path.write_bytes(SONGS[0])
    row = found(path)[0]
    read(row)
    path.unlink()
    with pytest.raises(Gone, match="no longer there") as caught:
        read(row)
    assert caught.value.reason == "gone"


def test_a_file_that_is_a_folder_now_is_unreadable_and_a_pipe_does_not_hang(tmp_path: Path) -> None:
    path = tmp_path / "song.mid"
    path.write_bytes(SONGS[0])
    (row,) = found(path)
    path.unlink()
    path.mkdir()
    with pytest.raises((Unreadable, Changed)):
        read(row)
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(Changed):
        read(row)


def test_errors_travel_between_processes() -> None:
    for error in (Changed("one"), Gone("two"), Unreadable("three")):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), again.detail, again.reason) == (type(error), error.detail, error.reason)


@pytest.mark.shared
def test_real_folders_are_accounted_for_to_the_last_file(shared: Path) -> None:
    midi = shared / "midi"
    rows = list(walk(midi, MIDI))
    archived = [row for row in rows if isinstance(row, Found) and row.member >= 0]
    assert len(archived) == 3089
    on_disk = sum(path.is_file() for path in midi.rglob("*"))
    assert len({row.location for row in rows}) == on_disk
    assert {row.reason for row in rows if isinstance(row, Skipped)} <= {"other_type", "junk"}
    for row in archived[:200] + [row for row in rows if isinstance(row, Found)][::50]:
        assert len(read(row)) == row.size
