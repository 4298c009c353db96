"""Walking folders: every file once, in order, nothing opened that is known, nothing that can hang or crash it."""

import contextlib
import os
import socket
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from tarfile import TarInfo
from tarfile import open as open_tar
from unittest.mock import patch
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.files import MIDI, Found, MissingSource, Skipped, places, read, root_of, walk, walking
from motet.files.kinds import is_junk

SONG = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0"
Row = Found | Skipped


def rows_of(*roots: Path) -> list[Row]:
    return list(walk(roots, MIDI))


def found(rows: Sequence[Row]) -> list[str]:
    return [row.path for row in rows if isinstance(row, Found)]


def skipped(rows: Sequence[Row]) -> dict[str, str]:
    return {row.path: row.reason for row in rows if isinstance(row, Skipped)}


def memory_of(rows: Sequence[Row]):
    by_location: dict[str, list[Row]] = {}
    for row in rows:
        by_location.setdefault(row.location, []).append(row)
    return lambda location: by_location.get(location, ())


@pytest.fixture
def settled() -> Iterator[None]:
    """Files written a moment ago count as old, so that tests need not wait two seconds."""
    with patch.object(places, "RACY_NS", 0):
        yield


def write(path: Path, data: bytes = SONG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_a_file_is_midi_by_its_suffix_or_by_its_content(tmp_path: Path) -> None:
    write(tmp_path / "a.MID")
    write(tmp_path / "b.kar", b"<html>not found</html>")
    write(tmp_path / "c.mid", b"")
    write(tmp_path / "d", SONG)
    write(tmp_path / "e.bin", b"RIFF\0\0\0\0RMIDdata")
    write(tmp_path / "f.dat", b"SMF2CLIP")
    write(tmp_path / "g.wav", b"RIFF\0\0\0\0WAVEfmt ")
    write(tmp_path / "h.txt", b"")
    rows = rows_of(tmp_path)
    assert found(rows) == ["a.MID", "b.kar", "c.mid", "d", "e.bin", "f.dat"]
    assert skipped(rows) == {"g.wav": "other_type", "h.txt": "other_type"}


def test_what_systems_leave_behind_is_skipped_as_junk(tmp_path: Path) -> None:
    for name in ("._song.mid", ".DS_Store", "Desktop.ini", "Thumbs.db", "__MACOSX/song.mid", ".git/objects/x"):
        write(tmp_path / name)
    write(tmp_path / ".hidden.mid")
    rows = rows_of(tmp_path)
    assert found(rows) == [".hidden.mid"]
    assert set(skipped(rows).values()) == {"junk"}
    assert "__MACOSX" in skipped(rows), "a junk folder is one line"


def test_order_is_that_of_the_bytes_of_names_folder_by_folder(tmp_path: Path) -> None:
    for name in ("b.mid", "B.mid", "a/z.mid", "a/y/x.mid", "é.mid", "a.mid"):
        write(tmp_path / name)
    assert found(rows_of(tmp_path)) == ["B.mid", "a/y/x.mid", "a/z.mid", "a.mid", "b.mid", "é.mid"]


def test_a_root_may_be_one_file(tmp_path: Path) -> None:
    song = write(tmp_path / "x" / "song.mid")
    (row,) = walk(song, MIDI)
    assert (row.path, row.root, row.location) == ("song.mid", str(song), str(song))


def test_a_missing_root_says_so_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    song = write(tmp_path / "song.mid")
    for missing in (tmp_path / "typo", tmp_path / "dangling", song / "inside", Path("a\0b")):
        with pytest.raises(MissingSource, match="does not exist: check the spelling") as caught:
            walk([tmp_path, missing], MIDI)
        assert caught.value.reason == "missing_source"


def test_root_of_is_the_root_of_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "a" / "song.mid")
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    for source in (tmp_path / "a", Path("../a"), "../a/song.mid"):
        (row,) = walk([Path(source)], MIDI)
        assert row.root == root_of(source)


def test_overlapping_roots_yield_a_file_once(tmp_path: Path) -> None:
    for name in ("a/1.mid", "a/b/2.mid", "3.mid"):
        write(tmp_path / name)
    (tmp_path / "alias").symlink_to(tmp_path / "a")
    roots = [tmp_path / "a" / "b" / "2.mid", tmp_path / "a", tmp_path, tmp_path / "a" / "b", tmp_path / "alias"]
    rows = rows_of(*roots)
    assert sorted(Path(row.location).name for row in rows if isinstance(row, Found)) == ["1.mid", "2.mid", "3.mid"]
    assert skipped(rows) == {"alias": "link"}


def test_links_to_files_are_followed_once_and_links_to_folders_are_not(tmp_path: Path) -> None:
    outside = write(tmp_path / "outside" / "blob")
    root = tmp_path / "root"
    song = write(root / "song.mid")
    (root / "again.mid").symlink_to(song)
    (root / "first.mid").symlink_to(outside)
    (root / "second.mid").symlink_to(outside)
    (root / "loop").symlink_to(root)
    (root / "self").symlink_to(root / "self")
    (root / "dangling.mid").symlink_to("nowhere")
    rows = rows_of(root)
    assert found(rows) == ["first.mid", "song.mid"]
    assert skipped(rows) == dict.fromkeys(["again.mid", "second.mid", "loop", "self", "dangling.mid"], "link")
    assert read(next(row for row in rows if row.path == "first.mid")) == SONG


def test_links_into_a_folder_that_is_not_walked_are_followed(tmp_path: Path) -> None:
    """git-annex and DataLad keep the content of every file under .git."""
    (tmp_path / "song.mid").symlink_to(write(tmp_path / ".git" / "annex" / "objects" / "SHA256-1"))
    assert found(rows_of(tmp_path)) == ["song.mid"]


def test_pipes_sockets_and_devices_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "fifo.mid")
    (tmp_path / "zero.mid").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.mid")
        assert set(skipped(rows_of(tmp_path)).values()) == {"not_a_file"}
        assert skipped(rows_of(tmp_path / "fifo.mid")) == {"fifo.mid": "not_a_file"}


def test_a_pipe_that_takes_a_files_place_does_not_hang(tmp_path: Path) -> None:
    song = write(tmp_path / "song.mid")
    real_open = walking.open_for_reading

    def swap(path: str) -> int:
        song.unlink()
        os.mkfifo(song)
        return real_open(path)

    with patch.object(walking, "open_for_reading", swap):
        assert skipped(rows_of(tmp_path)) == {"song.mid": "not_a_file"}


def test_a_file_that_vanishes_during_the_walk_is_a_line(tmp_path: Path) -> None:
    for name in ("a.mid", "b.mid", "c/d.mid"):
        write(tmp_path / name)
    rows = walk(tmp_path, MIDI)
    first = next(rows)
    (tmp_path / "b.mid").unlink()
    (tmp_path / "c" / "d.mid").unlink()
    (tmp_path / "c").rmdir()
    rest = list(rows)
    assert first.path == "a.mid"
    assert skipped(rest) == {"b.mid": "gone", "c": "gone"}


def test_a_file_that_changes_while_it_is_hashed_is_hashed_again(tmp_path: Path) -> None:
    song = write(tmp_path / "song.mid")
    hash_, longer = walking._hash, iter([SONG * 2, SONG * 3])

    def interfere(chunks):
        result = hash_(chunks)
        song.write_bytes(next(longer, SONG * 3))
        os.utime(song, ns=(1, 1))
        return result

    with patch.object(walking, "_hash", interfere):
        (row,) = walk(tmp_path, MIDI)
    assert isinstance(row, Skipped)
    assert row.reason == "changing"

    longer = iter([SONG * 2])
    turns = iter([interfere, hash_])

    def interfere_once(chunks):
        return next(turns)(chunks)

    with patch.object(walking, "_hash", interfere_once):
        (row,) = walk(tmp_path, MIDI)
    assert read(row) == SONG * 2


@contextlib.contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything: be somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_what_may_not_be_read_is_a_line_with_the_systems_reason() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        write(root / "open.mid")
        write(root / "closed.mid").chmod(0)
        write(root / "folder" / "song.mid").parent.chmod(0)
        with without_privileges():
            rows = rows_of(root)
            (alone,) = walk(root / "folder", MIDI)
        (root / "folder").chmod(0o755)
    assert found(rows) == ["open.mid"]
    assert skipped(rows) == {"closed.mid": "unreadable", "folder": "unreadable"}
    assert "Permission denied" in rows[0].detail
    assert (alone.path, alone.reason) == (".", "unreadable")


def test_a_path_too_long_to_open_is_a_line(tmp_path: Path) -> None:
    depth = 40  # of 120 bytes each: past the 4,096 of a path
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d" * 120, dir_fd=folder)
        inner = os.open("d" * 120, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    (row,) = rows_of(tmp_path)
    assert row.reason == "unreadable"


def test_folders_may_be_deeper_than_the_stack(tmp_path: Path) -> None:
    deepest = f"{tmp_path}{'/d' * 1500}"
    for end in range(len(str(tmp_path)) + 2, len(deepest) + 1, 2):
        os.mkdir(deepest[:end])
    song = write(Path(deepest, "song.mid"))
    rows = rows_of(tmp_path)
    song.unlink()
    for end in range(len(deepest), len(str(tmp_path)), -2):  # too deep for pytest to clear away
        os.rmdir(deepest[:end])
    assert len(found(rows)) == 1


def test_names_that_are_not_utf8_are_shown_visibly_and_reopened(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9\n.mid"
    with open(raw, "wb") as file:
        file.write(SONG)
    write(tmp_path / "caf\\xe9\\x0a.mid")
    rows = rows_of(tmp_path)
    assert sorted(found(rows)) == ["caf\\x5cxe9\\x5cx0a.mid", "caf\\xe9\\x0a.mid"], "no two names are shown alike"
    for row in rows:
        assert (row.root + row.path + row.location).encode()
        assert read(row) == SONG
    assert {os.fsencode(places.on_disk(row.location)) for row in rows} >= {raw}


@given(st.binary(min_size=1, max_size=40).filter(lambda raw: b"\0" not in raw))
def test_a_location_is_utf8_and_leads_back(raw: bytes) -> None:
    path = os.fsdecode(b"/" + raw)
    assert places.location(path).encode()
    assert places.on_disk(places.location(path)) == path


CHARACTERS = st.sampled_from("\\xu0159\n\x80\udc80\u2028a") | st.characters(exclude_categories=())
ODD = st.text(CHARACTERS, max_size=8)


@settings(max_examples=300)
@given(ODD, ODD)
def test_no_two_names_are_shown_alike(one: str, other: str) -> None:
    shown = places.shown(one)
    assert shown.encode().decode() == shown
    assert not any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in shown)
    assert (shown == places.shown(other)) == (one == other)


# --- what is known is not opened ---


def no_opening(path: str) -> int:
    raise AssertionError(f"{path} was opened")


@pytest.mark.usefixtures("settled")
def test_unchanged_files_are_not_opened_again(tmp_path: Path) -> None:
    write(tmp_path / "a" / "song.mid")
    write(tmp_path / "a" / "notes.txt", b"text")
    with ZipFile(tmp_path / "a" / "songs.zip", "w") as file:
        file.writestr("one.mid", SONG)
        file.writestr("two.txt", "text")
    first = rows_of(tmp_path)
    with patch.object(walking, "open_for_reading", no_opening):
        assert list(walk(tmp_path, MIDI, memory_of(first))) == first
        moved = list(walk(tmp_path / "a", MIDI, memory_of(first)))
    assert moved == rows_of(tmp_path / "a"), "the same rows, as seen from another root"


@pytest.mark.usefixtures("settled")
def test_a_changed_file_is_hashed_again_even_if_size_and_mtime_are_the_same(tmp_path: Path) -> None:
    song = write(tmp_path / "song.mid", b"MThd one")
    before = song.stat()
    first = rows_of(tmp_path)
    song.write_bytes(b"MThd two")
    os.utime(song, ns=(before.st_atime_ns, before.st_mtime_ns))
    (row,) = walk(tmp_path, MIDI, memory_of(first))
    assert read(row) == b"MThd two"


def test_a_file_touched_within_two_seconds_before_it_was_hashed_is_not_trusted(tmp_path: Path) -> None:
    write(tmp_path / "song.mid")
    write(tmp_path / "notes.txt", b"text")
    assert [row.stamp for row in rows_of(tmp_path)] == ["", ""]


@pytest.mark.usefixtures("settled")
def test_rows_recorded_halfway_through_an_archive_are_not_all_of_it(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "songs.zip", "w") as file:
        for n in range(5):
            file.writestr(f"{n}.mid", SONG)
    rows = rows_of(tmp_path)
    for part in (rows[:3], rows[2:], rows[:2] + rows[3:], rows[::-1]):
        assert list(walk(tmp_path, MIDI, memory_of(part))) == rows


# --- any tree ---

NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="/\0\\"), min_size=1, max_size=10).filter(
    lambda name: name not in (".", "..") and not is_junk(name) and "." not in name
)
WANTED = st.one_of(
    st.tuples(st.sampled_from(MIDI.suffixes), st.binary(max_size=40)),
    st.tuples(st.just(""), st.binary(max_size=40).map(lambda data: SONG + data)),
)
OTHER = st.tuples(st.just(".txt"), st.binary(max_size=40).map(lambda data: b"text" + data))
FILES = st.one_of(WANTED, OTHER)
MEMBERS = st.dictionaries(NAMES, FILES, min_size=1, max_size=4)
ARCHIVES = st.tuples(st.sampled_from([".zip", ".tar", ".tgz", ".tar.bz2"]), MEMBERS)
TREES = st.dictionaries(
    NAMES, st.recursive(FILES | ARCHIVES, lambda inner: st.dictionaries(NAMES, inner, max_size=4), max_leaves=10)
)


def plant(folder: Path, tree: dict) -> list[bytes]:
    """Write a tree to disk; return the content of every file a walk should find."""
    wanted = []
    for name, node in tree.items():
        if isinstance(node, dict):
            (folder / name).mkdir()
            wanted += plant(folder / name, node)
            continue
        suffix, content = node
        path = folder / (name + suffix)
        if isinstance(content, bytes):
            path.write_bytes(content)
            wanted += [content] if suffix != ".txt" else []
            continue
        members = {inner + end: data for inner, (end, data) in content.items()}
        pack(path, members)
        wanted += [data for inner, data in members.items() if not inner.endswith(".txt")]
    return wanted


def pack(path: Path, members: dict[str, bytes]) -> None:
    if path.suffix == ".zip":
        with ZipFile(path, "w", ZIP_DEFLATED) as file:
            for name, data in members.items():
                file.writestr(name, data)
        return
    with open_tar(path, {".tar": "w:", ".tgz": "w:gz", ".bz2": "w:bz2"}[path.suffix]) as file:
        for name, data in members.items():
            info = TarInfo(name)
            info.size = len(data)
            file.addfile(info, BytesIO(data))


@settings(max_examples=60)
@given(TREES)
def test_any_tree_is_walked_whole_and_the_second_time_without_opening_a_file(tree: dict) -> None:
    with tempfile.TemporaryDirectory() as name, patch.object(places, "RACY_NS", 0):
        wanted = plant(Path(name), tree)
        rows = rows_of(Path(name))
        assert Counter(read(row) for row in rows if isinstance(row, Found)) == Counter(wanted)
        assert set(skipped(rows).values()) <= {"other_type"}
        assert all(row.path.encode() and row.location.encode() for row in rows)
        with patch.object(walking, "open_for_reading", no_opening):
            assert list(walk(name, MIDI, memory_of(rows))) == rows
