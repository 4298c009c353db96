"""Archives are read in place, member by member; hostile ones cost a line, never the walk."""

import gzip
import random
import struct
import tarfile
import tracemalloc
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from unittest.mock import patch
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.files import MIDI, Found, Skipped, member, read, walk

SONG = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0"
Row = Found | Skipped


def rows_of(path: Path, kind=MIDI) -> list[Row]:
    return list(walk(path, kind))


def outcome(rows: list[Row]) -> dict[str, str]:
    """What became of each member: ``found`` or the reason why not."""
    return {row.path.partition("!/")[2]: "found" if isinstance(row, Found) else row.reason for row in rows}


def zip_of(path: Path, members: dict[str, bytes], method: int = ZIP_DEFLATED) -> Path:
    with ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


def tar_of(path: Path, members: dict[str, bytes], mode: str = "w:gz", form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, mode, format=form) as file:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            file.addfile(info, BytesIO(data))
    return path


MEMBERS = {
    "inner/": b"",
    "inner/song.mid": SONG,
    "inner/by-content": SONG + b"x",
    "inner/empty.mid": b"",
    "inner/page.mid": b"<html>",
    "notes.txt": b"text",
    "__MACOSX/inner/._song.mid": b"junk",
    "more.zip": b"PK\3\4",
    "hidden-archive.bin": gzip.compress(b"x"),
}
OUTCOME = {
    "inner/song.mid": "found",
    "inner/by-content": "found",
    "inner/empty.mid": "found",
    "inner/page.mid": "found",
    "notes.txt": "other_type",
    "__MACOSX/inner/._song.mid": "junk",
    "more.zip": "nested_archive",
    "hidden-archive.bin": "nested_archive",
}


@pytest.mark.parametrize("name", "a.zip a.tar a.tar.gz a.tgz a.tar.bz2 a-zip a-tar a-gz a-bz2".split())
def test_members_are_found_whatever_the_archive_is_called(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if "zip" in name:
        zip_of(path, MEMBERS)
    else:
        mode = "w:" + ("gz" if "gz" in name else "bz2" if "bz2" in name else "")
        with tarfile.open(path, mode) as file:
            for inner, data in MEMBERS.items():
                info = tarfile.TarInfo(inner.rstrip("/"))
                info.type = tarfile.DIRTYPE if inner.endswith("/") else tarfile.REGTYPE
                info.size = len(data)
                file.addfile(info, BytesIO(data))
    rows = rows_of(path)
    assert outcome(rows) == OUTCOME
    assert [row.member for row in rows] == list(range(len(rows)))
    assert all(row.path.startswith(f"{name}!/") for row in rows)
    contents = [read(row) for row in rows if isinstance(row, Found)]
    assert contents == [SONG, SONG + b"x", b"", b"<html>"]


def test_content_goes_before_the_name_of_an_archive(tmp_path: Path) -> None:
    zip_of(tmp_path / "really-a-zip.tar.gz", {"a.mid": SONG})
    tar_of(tmp_path / "really-a-tar.zip", {"b.mid": SONG})
    zip_of(tmp_path / "score.mxl", {"c.mid": SONG})
    (tmp_path / "page.zip").write_bytes(b"<html>not found</html>")
    (tmp_path / "page.tar.gz").write_bytes(b"<html>not found</html>")
    (tmp_path / "page.tar").write_bytes(b"<html>not found</html>" * 100)
    (tmp_path / "data.gz").write_bytes(gzip.compress(b"not a tar archive" * 100))
    (tmp_path / "songs.rar").write_bytes(b"Rar!\x1a\x07\0")
    (tmp_path / "songs.tar.xz").write_bytes(b"\xfd7zXZ\0")
    rows = {row.path: row for row in rows_of(tmp_path)}
    assert {path: "found" if isinstance(row, Found) else row.reason for path, row in rows.items()} == {
        "really-a-zip.tar.gz!/a.mid": "found",
        "really-a-tar.zip!/b.mid": "found",
        "score.mxl": "other_type",
        "page.zip": "bad_archive",
        "page.tar.gz": "bad_archive",
        "page.tar": "bad_archive",
        "data.gz": "other_type",
        "songs.rar": "unsupported_archive",
        "songs.tar.xz": "unsupported_archive",
    }


def test_two_members_of_one_name_are_two_files(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("song.mid", SONG)
        with pytest.warns(UserWarning, match="Duplicate name"):
            file.writestr("song.mid", SONG + b"second")
    rows = rows_of(tmp_path)
    assert [row.path for row in rows] == ["a.zip!/song.mid"] * 2
    assert [read(row) for row in rows] == [SONG, SONG + b"second"]


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_names_that_climb_are_shown_harmlessly(tmp_path: Path, make) -> None:
    path = make(tmp_path / "a", {"../../etc/x.mid": SONG, "/abs/y.mid": SONG, "a/./b//z.mid": SONG, "n\n.mid": SONG})
    inner = [row.path.partition("!/")[2] for row in rows_of(path)]
    assert inner == ["(..)/(..)/etc/x.mid", "abs/y.mid", "a/b/z.mid", "n\\x0a.mid"]


def test_names_in_old_encodings_are_read(tmp_path: Path) -> None:
    """Zip without the UTF-8 flag: code page 437 from DOS and Windows, Latin-1 or unflagged UTF-8 from Unix."""
    for host, raw in ((0, "é".encode("cp437")), (3, "é".encode("latin-1")), (3, "é".encode())):
        entry = ZipInfo("#" * len(raw) + ".mid")
        entry.create_system = host
        buffer = BytesIO()
        with ZipFile(buffer, "w") as file:
            file.writestr(entry, SONG)
        (tmp_path / "a.zip").write_bytes(buffer.getvalue().replace(b"#" * len(raw), raw))
        assert [row.path for row in rows_of(tmp_path)] == ["a.zip!/é.mid"]
    (tmp_path / "a.zip").unlink()
    with tarfile.open(tmp_path / "a.tar", "w", format=tarfile.USTAR_FORMAT, encoding="latin-1") as file:
        info = tarfile.TarInfo("é.mid")
        file.addfile(info)
    assert [row.path for row in rows_of(tmp_path)] == ["a.tar!/é.mid"]


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_are_read_and_endless_ones_cut(tmp_path: Path, form: int) -> None:
    long, endless = "long/" * 60 + "song.mid", "x" * 5000 + ".mid"
    path = tar_of(tmp_path / "a.tar", {long: SONG, endless: SONG}, "w", form)
    rows = rows_of(path)
    assert rows[0].path == f"a.tar!/{long}"
    assert len(rows[1].path) < 1100
    assert rows[1].path.endswith(".mid")
    assert [read(row) for row in rows] == [SONG, SONG]


def test_links_pipes_and_devices_in_archives_are_skipped(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as file:
        for name, kind in {
            "hard.mid": tarfile.LNKTYPE,
            "soft.mid": tarfile.SYMTYPE,
            "pipe.mid": tarfile.FIFOTYPE,
            "device.mid": tarfile.CHRTYPE,
        }.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
        info = tarfile.TarInfo("song.mid")
        info.size = len(SONG)
        file.addfile(info, BytesIO(SONG))
    assert outcome(rows_of(tmp_path)) == {
        "hard.mid": "link",
        "soft.mid": "link",
        "pipe.mid": "not_a_file",
        "device.mid": "not_a_file",
        "song.mid": "found",
    }
    (tmp_path / "a.tar").unlink()
    link = ZipInfo("soft.mid")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    assert outcome(rows_of(tmp_path)) == {"soft.mid": "link"}


def test_encrypted_and_oddly_compressed_members_are_skipped(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"secret.mid": SONG, "open.mid": SONG})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert outcome(rows_of(path)) == {"secret.mid": "encrypted", "open.mid": "found"}
    zip_of(path, {"song.mid": SONG}, ZIP_BZIP2)
    assert outcome(rows_of(path)) == {"song.mid": "unsupported_archive"}


def test_a_zip_behind_a_program_and_one_with_64_bit_sizes_are_read(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"song.mid": SONG})
    path.write_bytes(b"MZ a program that unpacks itself" * 9 + path.read_bytes())
    assert [read(row) for row in rows_of(path)] == [SONG]
    with ZipFile(path, "w") as file, file.open("song.mid", "w", force_zip64=True) as inner:
        inner.write(SONG)
    assert [read(row) for row in rows_of(path)] == [SONG]
    with patch("zipfile.ZIP_FILECOUNT_LIMIT", 1), ZipFile(path, "w") as file:
        file.writestr("one.mid", SONG)
        file.writestr("two.mid", SONG)
        file.comment = b"a comment that names PK\5\6 and more than twenty-two bytes"
    assert path.read_bytes().count(b"PK\6\6") == 1
    assert [read(row) for row in rows_of(path)] == [SONG, SONG]


def test_a_tar_of_the_seventies_and_one_of_several_gzip_streams_are_read(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "a.tar", {"song.mid": SONG}, "w", tarfile.USTAR_FORMAT)
    plain = path.read_bytes()
    old = bytearray(plain[:512])
    old[257:] = bytes(255)
    old[148:156] = b" " * 8
    old[148:156] = b"%06o\0 " % sum(old)
    path.write_bytes(bytes(old) + plain[512:])
    assert [read(row) for row in rows_of(path)] == [SONG]
    path.unlink()
    (tmp_path / "a.tgz").write_bytes(gzip.compress(plain[:700]) + gzip.compress(plain[700:]))
    assert [read(row) for row in rows_of(tmp_path)] == [SONG]


# --- damage ---


@pytest.mark.parametrize("name, mode", [("a.tar.gz", "w:gz"), ("a.tar.bz2", "w:bz2"), ("a.tar", "w")])
def test_members_before_the_cut_of_a_truncated_tar_are_kept(tmp_path: Path, name: str, mode: str) -> None:
    songs = {f"{n}.mid": SONG + random.Random(n).randbytes(50_000) for n in range(40)}
    path = tar_of(tmp_path / name, songs, mode)
    whole = rows_of(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    rows = rows_of(path)
    kept = [row for row in rows if isinstance(row, Found)]
    assert 5 < len(kept) < 40
    assert [replace(row, stamp="") for row in kept] == [replace(row, stamp="") for row in whole[: len(kept)]]
    assert [read(row) for row in kept] == list(songs.values())[: len(kept)]
    assert isinstance(rows[-1], Skipped)
    assert (rows[-1].reason, rows[-1].path, rows[-1].member) == ("bad_archive", name, len(kept))
    assert "cut short" in rows[-1].detail


def test_a_tar_cut_between_two_members_is_noticed(tmp_path: Path) -> None:
    path = tar_of(tmp_path / "a.tar", {"one.mid": SONG, "two.mid": SONG}, "w")
    path.write_bytes(path.read_bytes()[:1024])
    assert [row.path if isinstance(row, Found) else row.reason for row in rows_of(path)] == [
        "a.tar!/one.mid",
        "bad_archive",
    ]


def test_a_damaged_member_of_a_zip_costs_only_itself(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"one.mid": b"MThd one", "two.mid": b"MThd two"}, ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"MThd one", b"MThd 0ne"))
    rows = rows_of(path)
    assert outcome(rows) == {"one.mid": "bad_member", "two.mid": "found"}
    assert "checksum" in rows[0].detail


@pytest.mark.parametrize("lie", [-1, 1, 1000])
def test_a_member_that_lies_about_its_size_is_skipped(tmp_path: Path, lie: int) -> None:
    path = zip_of(tmp_path / "a.zip", {"song.mid": SONG})
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<L", len(SONG) + lie)
    path.write_bytes(data)
    assert outcome(rows_of(path)) == {"song.mid": "bad_member"}


def test_a_member_beyond_the_limit_is_skipped_before_it_is_read(tmp_path: Path) -> None:
    small = replace(MIDI, largest_member=1000)
    members = {"big.mid": SONG + bytes(1000), "big": SONG + bytes(1000), "big.txt": bytes(2000), "small.mid": SONG}
    for path in (zip_of(tmp_path / "a.zip", members), tar_of(tmp_path / "a.tgz", members)):
        assert outcome(rows_of(path, small)) == {
            "big.mid": "too_large",
            "big": "too_large",
            "big.txt": "other_type",
            "small.mid": "found",
        }


def test_bombs_are_left_alone(tmp_path: Path) -> None:
    many = {f"{n}.mid": bytes(100_000) for n in range(100)}
    with patch.object(member, "BOMB_FLOOR", 1 << 20):
        for path in (zip_of(tmp_path / "a.zip", many), tar_of(tmp_path / "b.tgz", {"x.bin": bytes(10_000_000)} | many)):
            tracemalloc.start()
            rows = rows_of(path)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert isinstance(rows[-1], Skipped)
            assert rows[-1].reason == "too_large"
            assert "decompression bomb" in rows[-1].detail
            assert len(rows) < 100
            assert peak < 2 << 20


def test_overlapping_members_of_one_zip_are_a_bomb_too(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", {"0.mid": bytes(100_000)})
    data = path.read_bytes()
    at, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
    count = 2000
    closing = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, count, count, (end - at) * count, at, 0)
    path.write_bytes(data[:at] + data[at:end] * count + closing)
    with patch.object(member, "BOMB_FLOOR", 1 << 20):
        rows = rows_of(path)
    assert rows[-1].reason == "too_large"
    assert len(rows) < count


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_memory_stays_flat_over_many_members(tmp_path: Path, make) -> None:
    path = make(tmp_path / "a", {f"{n}.txt": b"text" for n in range(2000)} | {"song.mid": SONG})
    tracemalloc.start()
    found = sum(isinstance(row, Found) for row in walk(path, MIDI))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == 1
    assert peak < 500_000, "2,000 members held at once would take more"


def headers_with_lies() -> list[bytes]:
    info = tarfile.TarInfo("song.mid")
    lies = []
    for size, kind in ((8 << 30, tarfile.XHDTYPE), (8 << 30, tarfile.GNUTYPE_LONGNAME), (1 << 62, tarfile.REGTYPE)):
        info.size, info.type = size, kind
        lies.append(info.tobuf(tarfile.GNU_FORMAT))
    for record in (b"junk", b"99999 path=x\n", b"30 size=99999999999999999999\n", b"0 a=b\n", b"12 size=-99\n"):
        info.size, info.type = len(record), tarfile.XHDTYPE
        lies.append(info.tobuf(tarfile.GNU_FORMAT) + record.ljust(512, b"\0"))
    negative = bytearray(tarfile.TarInfo("song.mid").tobuf(tarfile.GNU_FORMAT))
    negative[124:136] = b"\xff" * 12
    negative[148:156] = b" " * 8
    negative[148:156] = b"%06o\0 " % sum(negative)
    return [*lies, bytes(negative)]


@pytest.mark.parametrize("header", headers_with_lies())
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_headers_that_lie_end_the_archive_or_the_member(tmp_path: Path, header: bytes, pack) -> None:
    body = tarfile.TarInfo("next.mid").tobuf() + bytes(1024)
    (tmp_path / "a.tar").write_bytes(pack(header + body))
    rows = rows_of(tmp_path)
    assert all(isinstance(row, Skipped) for row in rows)
    assert {row.reason for row in rows} <= {"bad_archive", "too_large"}
    assert rows


PLAIN = {"one.mid": SONG, "two.txt": b"text", "three.mid": SONG * 30}


@settings(max_examples=150)
@given(st.sampled_from(["zip", "tar", "tgz", "bz2"]), st.data())
def test_any_damage_ends_in_rows(tmp_path_factory: pytest.TempPathFactory, form: str, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / f"damaged.{form}"
    zip_of(path, PLAIN) if form == "zip" else tar_of(path, PLAIN, {"tar": "w", "tgz": "w:gz", "bz2": "w:bz2"}[form])
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))])
    rows = rows_of(path)
    for row in rows:
        if isinstance(row, Found) and row.member >= 0:
            assert len(read(row)) == row.size
    path.unlink()
