"""Content hashes: right, in one pass, remembered as long as nothing changed, and never in the way."""

import hashlib
import io
import itertools
import os
import sqlite3
import tarfile
import threading
import time
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from motet.inventory.verifying.hashing import ALGORITHMS, Digest, Hashes, digests


def later() -> int:
    """A moment at which a file written now is old."""
    return time.time_ns() + 10**10


def by_path(told: "itertools.chain[Digest] | list[Digest]") -> dict[str, Digest]:
    return {digest.path: digest for digest in told}


def written(path: Path, data: bytes) -> tuple[str, int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path), len(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_all_three_hashes_in_one_reading(folder: Path) -> None:
    large = bytes(range(256)) * 20_000  # several buffers
    files = [written(folder / "large.wav", large), written(folder / "small.mid", b"MThd"), written(folder / "none", b"")]
    told = by_path(list(digests(files, frozenset(ALGORITHMS))))
    for path, size in files:
        data = Path(path).read_bytes()
        digest = told[path]
        assert (digest.size, digest.fault) == (size, "")
        assert digest.md5 == hashlib.md5(data).hexdigest()
        assert digest.sha1 == hashlib.sha1(data).hexdigest()
        assert digest.sha256 == hashlib.sha256(data).hexdigest()


def test_only_what_is_wanted(folder: Path) -> None:
    (digest,) = digests([written(folder / "a", b"a")], {"md5"})
    assert digest.md5
    assert (digest.sha1, digest.sha256) == ("", "")


def test_names_that_are_not_text(folder: Path) -> None:
    folder.mkdir()
    names = [b"caf\xe9.mid", b"new\nline.mid", b"\xff\xfe", "…".encode()]
    files = []
    for name in names:
        path = os.path.join(os.fsencode(folder), name)
        Path(os.fsdecode(path)).write_bytes(name)
        files.append((os.fsdecode(path), len(name)))
    with Hashes(folder.parent / "cache", later) as cache:
        assert {digest.sha256 for digest in digests(files, cache=cache)} == {hashlib.sha256(name).hexdigest() for name in names}
        assert all(digest.cached for digest in digests(files, cache=cache))


def test_what_cannot_be_read_is_told(folder: Path) -> None:
    good, size = written(folder / "good", b"good")
    os.mkfifo(folder / "pipe")
    (folder / "loop").symlink_to("loop")
    bad = [str(folder / name) for name in ("pipe", "loop", "gone")] + [str(folder), "with\0nul"]
    told = by_path(list(digests([*((path, 1) for path in bad), (good, size)])))
    assert {path for path in told if told[path].fault} == set(bad)
    assert told[good].sha256 == hashlib.sha256(b"good").hexdigest()
    assert "folder, a pipe or a device" in told[str(folder / "pipe")].fault


def archived(folder: Path, kind: str, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"songs.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
        return path
    with tarfile.open(path, "w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_members_of_archives(folder: Path, kind: str) -> None:
    files = {f"set/{n}.mid": b"x" * n * 1000 for n in range(50)}
    path = archived(folder, kind, files)
    asked = [(f"{path}!/{name}", len(data)) for name, data in reversed(files.items())]
    with Hashes(folder / "cache", later) as cache:
        told = by_path(list(digests([*asked, (f"{path}!/set/none.mid", 5)], cache=cache)))
        for name, data in files.items():
            assert told[f"{path}!/{name}"].sha256 == hashlib.sha256(data).hexdigest()
        assert told[f"{path}!/set/none.mid"].fault == "It is not in the archive."
        again = list(digests(asked, cache=cache))
    assert len(again) == 50
    assert all(digest.cached for digest in again)


def test_a_folder_may_be_called_like_an_archive(folder: Path) -> None:
    file = written(folder / "Wow!" / "song.mid", b"song")
    (digest,) = digests([file])
    assert digest.sha256 == hashlib.sha256(b"song").hexdigest()


def test_a_damaged_member_and_a_cut_archive(folder: Path) -> None:
    path = archived(folder, "zip", {"a.mid": b"a" * 100, "b.mid": b"b" * 100})
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("a.mid").header_offset
    data[at + 36] ^= 0xFF  # inside the compressed bytes of the first member
    path.write_bytes(data)
    told = by_path(list(digests([(f"{path}!/a.mid", 100), (f"{path}!/b.mid", 100)])))
    assert told[f"{path}!/a.mid"].fault
    assert told[f"{path}!/b.mid"].sha256 == hashlib.sha256(b"b" * 100).hexdigest()

    cut = archived(folder, "tar.gz", {"a.mid": b"a" * 100, "b.mid": os.urandom(5000)})
    cut.write_bytes(cut.read_bytes()[:-3000])
    told = by_path(list(digests([(f"{cut}!/a.mid", 100), (f"{cut}!/b.mid", 5000)])))
    assert "archive" in told[f"{cut}!/b.mid"].fault


def test_a_file_is_read_again_only_when_it_changed(folder: Path) -> None:
    path, size = written(folder / "a.wav", b"before")
    with Hashes(folder / "cache", later) as cache:
        (first,) = digests([(path, size)], cache=cache)
    with Hashes(folder / "cache", later) as cache:
        (second,) = digests([(path, size)], cache=cache)
        assert (first.cached, second.cached) == (False, True)
        assert second.sha256 == first.sha256
        (other,) = digests([(path, size)], {"md5"}, cache=cache)
        assert (other.cached, other.md5) == (False, hashlib.md5(b"before").hexdigest())
        (both,) = digests([(path, size)], {"md5", "sha256"}, cache=cache)
        assert both.cached
        # Other bytes of the same size at the same time: the time of the change of its state tells.
        times = os.stat(path)
        Path(path).write_bytes(b"after!")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        (third,) = digests([(path, size)], cache=cache)
    assert (third.cached, third.sha256) == (False, hashlib.sha256(b"after!").hexdigest())


def test_a_file_that_was_just_written_is_not_remembered(folder: Path) -> None:
    path, size = written(folder / "a.wav", b"now")
    with Hashes(folder / "cache", lambda: os.stat(path).st_ctime_ns + 10**9) as cache:
        assert not [digest for _ in range(2) for digest in digests([(path, size)], cache=cache) if digest.cached]


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100, b"SQLite format 3\0" + bytes(100)])
def test_a_damaged_cache_begins_anew(folder: Path, content: bytes) -> None:
    file = written(folder / "a", b"a")
    written(folder / "cache" / "hashes.sqlite", content)
    for cached in (False, True):
        with Hashes(folder / "cache", later) as cache:
            (digest,) = digests([file], cache=cache)
            assert (digest.cached, digest.sha256, cache.problem) == (cached, hashlib.sha256(b"a").hexdigest(), "")


def test_a_cache_of_another_version_begins_anew(folder: Path) -> None:
    file = written(folder / "a", b"a")
    (folder / "cache").mkdir()
    with sqlite3.connect(folder / "cache" / "hashes.sqlite") as database:
        database.execute("CREATE TABLE digests (something TEXT)")
    database.close()
    for cached in (False, True):
        with Hashes(folder / "cache", later) as cache:
            (digest,) = digests([file], cache=cache)
            assert digest.cached == cached


def test_without_a_cache_that_can_be_used(folder: Path) -> None:
    file = written(folder / "a", b"a")
    with Hashes(folder / "cache", later) as cache:
        list(digests([file], cache=cache))
    other = sqlite3.connect(folder / "cache" / "hashes.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with Hashes(folder / "cache", later) as cache:
            (digest,) = digests([file], cache=cache)
            assert (digest.cached, digest.sha256) == (False, hashlib.sha256(b"a").hexdigest())
            assert "locked" in cache.problem
    finally:
        other.close()
    with Hashes(Path(file[0]) / "no folder", later) as cache:  # a file stands where the folder should be
        (digest,) = digests([file], cache=cache)
        assert digest.sha256 == hashlib.sha256(b"a").hexdigest()
        assert cache.problem


def test_results_come_while_files_are_still_listed(folder: Path) -> None:
    path, size = written(folder / "a", b"a")
    drawn = itertools.count()
    endless = ((path, size) for _ in drawn)
    told = digests(endless, workers=2)
    assert [digest.size for digest in itertools.islice(told, 1000)] == [1] * 1000
    told.close()  # type: ignore[attr-defined]
    assert next(drawn) < 5000
    assert not [thread for thread in threading.enumerate() if thread.name == "motet-hashing"]


def test_progress(folder: Path) -> None:
    files = [written(folder / str(n), b"x" * n) for n in range(100)]
    seen: list[tuple[int, int]] = []
    list(digests(files, watch=lambda number, size: seen.append((number, size))))
    assert (sum(n for n, _ in seen), sum(size for _, size in seen)) == (100, sum(range(100)))


def test_a_remembered_hash_that_lost_a_bit_is_worked_out_again(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(b"notes")
    files = [(str(file), 5)]

    def later() -> int:
        return time.time_ns() + 10**10

    with Hashes(tmp_path / "cache", clock=later) as cache:
        (true,) = digests(files, cache=cache)
    with closing(sqlite3.connect(tmp_path / "cache" / "hashes.sqlite")) as database:
        (held,) = database.execute("SELECT sha256 FROM digests").fetchone()
        database.execute("UPDATE digests SET sha256 = ?", ("0" + held[1:] if held[0] != "0" else "1" + held[1:],))
        database.commit()
    with Hashes(tmp_path / "cache", clock=later) as cache:
        (again,) = digests(files, cache=cache)
    assert (again.sha256, again.cached) == (true.sha256, False)
