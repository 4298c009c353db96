"""A complete dataset with something wrong about it: what is wrong is found, and the files are named."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import zipfile
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import pytest

from inventory import seed_tree as tree
from motet.cli import main
from motet.inventory.findings import Copy, Holding, Inventory, PartFound
from motet.inventory.looking import look
from motet.inventory.settings import Settings

ONE = "drummer8/session2/12_funk_81_beat_4-4.mid"
TWO = "drummer8/session2/25_latin_84_beat_4-4.mid"
THREE = "drummer8/session2/2_funk_92_beat_4-4.mid"

Look = Callable[..., Inventory]


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    return tree.groove()


@pytest.fixture
def files(whole: dict[str, bytes]) -> dict[str, bytes]:
    return dict(whole)


@pytest.fixture
def seen(tmp_path: Path) -> Look:
    """Looks at folders, always with the same memory."""

    def at(*roots: Path) -> Inventory:
        return look(roots, Settings(), cache=tmp_path / "memory")

    return at


def holding(inventory: Inventory, name: str = "groove") -> Holding:
    (found,) = (one for one in inventory.holdings if one.dataset.name == name)
    return found


def best(inventory: Inventory, name: str = "groove") -> Copy:
    found = holding(inventory, name).best
    assert found is not None, holding(inventory, name).state
    return found


def part(copy: Copy, name: str = "midi") -> PartFound:
    (found,) = (one for one in copy.parts if one.part == name)
    return found


def named(copy: Copy) -> set[str]:
    """All paths that the evidence names."""
    return {path for one in copy.evidence for path in one.files}


def faults(copy: Copy, name: str = "midi") -> set[str]:
    return {path for paths in part(copy, name).faulty.values() for path in paths}


def told_by(copy: Copy, path: str) -> str:
    """The words and sentences of the evidence that names a path."""
    return " ".join(f"{one.what} {one.sentence}" for one in copy.evidence if path in one.files)


def copied(folder: Path, to: Path) -> Path:
    """A copy that may be changed, without the empty files of a Mac's folder icons."""
    shutil.copytree(folder, to, copy_function=shutil.copyfile)
    for at, _, _ in os.walk(to):
        os.chmod(at, 0o755)
    return to


# The whole one


def test_the_whole_one_is_complete_without_any_fault(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, copy.also, copy.version) == ("complete", (), "1.0.0")
    assert (part(copy).present, part(copy).missing, faults(copy)) == (1_150, (), set())


# One change


def test_one_file_removed(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    del files[ONE]
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert (part(copy).present, part(copy).missing) == (1_149, (ONE,))
    assert dict(part(copy).lacking) == {"drummer": ("8",)}
    assert ONE in named(copy)


def test_one_file_truncated_in_place_after_a_first_look(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    folder = tree.write(tmp_path / "disk" / "groove", files)
    assert best(seen(tmp_path / "disk")).state == "complete"
    parent = (folder / ONE).parent
    before = parent.stat().st_mtime_ns
    os.truncate(folder / ONE, len(files[ONE]) // 2)
    assert parent.stat().st_mtime_ns == before
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "corrupt"
    assert faults(copy) == {ONE}
    assert ONE in named(copy)
    assert part(copy).present == 1_149


@pytest.mark.parametrize("kept", [1, 5, 14, 18, 21, 22, 40, -1])
def test_a_file_cut_anywhere_is_corrupt(kept: int, tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files[ONE] = files[ONE][:kept]
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "corrupt"
    assert faults(copy) == {ONE}
    assert ONE in named(copy)


def test_an_empty_file_is_told_as_empty(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files[ONE] = b""
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state in ("partial", "corrupt")
    assert faults(copy) == {ONE}
    assert "empty" in told_by(copy, ONE) or "0 bytes" in told_by(copy, ONE)


def test_content_of_the_same_length_replaced_with_the_old_time_is_found_by_a_full_verify(
    tmp_path: Path, files: dict[str, bytes], seen: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tree.write(tmp_path / "disk" / "groove", files)
    stat = (folder / ONE).stat()
    (folder / ONE).write_bytes(bytes(len(files[ONE])))
    os.utime(folder / ONE, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert main(["inventory", "verify", "--full", "--root", str(tmp_path / "disk"), "groove"]) == 1
    assert ONE in capsys.readouterr().out


def test_one_file_renamed(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files["drummer8/session2/my favourite.mid"] = files.pop(ONE)
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert part(copy).missing == (ONE,)
    assert {ONE, "drummer8/session2/my favourite.mid"} <= named(copy)
    assert "renamed_file" in [one.what for one in copy.evidence]


def test_one_file_renamed_after_a_first_look(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    folder = tree.write(tmp_path / "disk" / "groove", files)
    assert best(seen(tmp_path / "disk")).state == "complete"
    (folder / ONE).rename(folder / "drummer8/session2/renamed.mid")
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    (renamed,) = (one for one in copy.evidence if one.what == "renamed_file")
    assert {ONE, "drummer8/session2/renamed.mid"} <= set(renamed.files)


def test_one_file_renamed_to_another_take_of_the_same_form(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files["drummer8/session2/999_funk_81_beat_4-4.mid"] = files.pop(ONE)
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert part(copy).missing == (ONE,)
    assert {ONE, "drummer8/session2/999_funk_81_beat_4-4.mid"} <= named(copy)


def test_one_file_moved_to_another_folder_of_the_dataset(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files["drummer8/12_funk_81_beat_4-4.mid"] = files.pop(ONE)
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert "drummer8/12_funk_81_beat_4-4.mid" in named(copy)
    assert (copy.state == "complete") == (dict(part(copy).lacking) == {})
    assert ONE in named(copy), [one.sentence for one in copy.evidence]


def test_two_files_renamed_are_matched_each_to_its_own(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files["drummer8/session2/b.mid"] = files.pop(ONE)
    files["drummer8/session2/a.mid"] = files.pop(TWO)
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert set(part(copy).missing or ()) == {ONE, TWO}
    assert {ONE, TWO, "drummer8/session2/a.mid", "drummer8/session2/b.mid"} <= named(copy)
    for one in copy.evidence:
        assert {ONE, "drummer8/session2/a.mid"} != set(one.files)
        assert {TWO, "drummer8/session2/b.mid"} != set(one.files)


def test_two_files_that_took_each_others_names_are_found_by_a_full_verify(
    tmp_path: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    # One lasts 2 s, the other 13 s, and the table says so.
    first = next(iter(files))
    files[ONE], files[first] = files[first], files[ONE]
    tree.write(tmp_path / "disk" / "groove", files)
    assert main(["inventory", "verify", "--full", "--root", str(tmp_path / "disk"), "groove"]) == 1
    said = capsys.readouterr().out
    assert ONE in said
    assert first in said


def test_what_a_full_verify_found_turns_up_in_the_next_status(
    tmp_path: Path, files: dict[str, bytes], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    # Its chunk is as long as its header says; only decoding tells that it ends inside an event.
    files[ONE] = files[ONE][:100] + bytes(len(files[ONE]) - 100)
    folder = tree.write(tmp_path / "disk" / "groove", files)
    status = ["inventory", "status", "--root", str(tmp_path / "disk"), "groove", "--all"]
    assert main(["inventory", "verify", "--full", "--root", str(tmp_path / "disk"), "groove"]) == 1
    capsys.readouterr()
    assert main(status) == 0
    said = capsys.readouterr().out
    assert "corrupt" in said
    assert ONE in said
    tree.write(folder, {ONE: files[TWO]})
    assert main(status) == 0
    assert "corrupt" not in capsys.readouterr().out


def test_the_folder_renamed_and_moved(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    first = tree.write(tmp_path / "disk" / "raw" / "groove", files)
    assert best(seen(tmp_path / "disk")).also == ()
    second = tmp_path / "disk" / "old stuff" / "2019" / "drums from Anna"
    second.parent.mkdir(parents=True)
    first.rename(second)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, copy.where) == ("complete", str(second))
    assert "renamed" in copy.also
    chosen = Settings(roots=(tmp_path / "disk",), expected={"groove": "raw/groove"})
    assert "elsewhere" in best(look(chosen=chosen, cache=tmp_path / "memory")).also


def test_the_root_is_the_dataset_itself(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    folder = tree.write(tmp_path / "whatever", files)
    copy = best(seen(folder))
    assert (copy.state, copy.where) == ("complete", str(folder))


@pytest.mark.parametrize("below", ["groove/", "some/where/else/", ""])
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_the_whole_in_an_archive(below: str, kind: str, tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    pack = tree.zipped if kind == "zip" else tree.tarred
    file = pack(tmp_path / "disk" / f"groove.{kind}", files, below=below)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "complete"
    assert "in_archive" in copy.also
    assert copy.where.startswith(str(file))
    assert part(copy).present == 1_150


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_that_lacks_one_file_and_holds_another_cut(
    kind: str, tmp_path: Path, files: dict[str, bytes], seen: Look
) -> None:
    del files[ONE]
    files[TWO] = files[TWO][:30]
    pack = tree.zipped if kind == "zip" else tree.tarred
    pack(tmp_path / "disk" / f"groove.{kind}", files, below="groove/")
    copy = best(seen(tmp_path / "disk"))
    assert copy.state in ("partial", "corrupt")
    assert {ONE, TWO} <= named(copy)
    assert part(copy).missing == (ONE,)
    assert faults(copy) == {TWO}


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_cut_in_half_is_not_called_complete(kind: str, tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    pack = tree.zipped if kind == "zip" else tree.tarred
    file = pack(tmp_path / "disk" / f"groove.{kind}", files, below="groove/")
    assert best(seen(tmp_path / "disk")).state == "complete"
    os.truncate(file, file.stat().st_size // 2)
    inventory = seen(tmp_path / "disk")
    assert holding(inventory).state != "complete"
    told = [sentence for path, _, sentence in inventory.passed if path.startswith(str(file))]
    told += [one.sentence for copy in holding(inventory).copies for one in copy.evidence if one.what != "count"]
    assert told


def test_a_large_member_that_holds_zeros_only_is_named(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files[ONE] = bytes(64_000_000)
    tree.zipped(tmp_path / "disk" / "groove.zip", files, below="groove/")
    copy = best(seen(tmp_path / "disk"))
    assert copy.state != "complete"
    assert ONE in named(copy)


def test_a_zip_inside_a_zip_is_looked_into_or_named_as_not_looked_into(
    tmp_path: Path, files: dict[str, bytes], seen: Look
) -> None:
    inner = tree.zipped(tmp_path / "groove.zip", files, below="groove/")
    tree.zipped(tmp_path / "disk" / "backup.zip", {"groove.zip": inner.read_bytes()})
    inventory = seen(tmp_path / "disk")
    assert holding(inventory).state == "complete" or any("groove.zip" in path for path, _, _ in inventory.passed)


def test_an_extra_file_is_named_and_harms_nothing(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files["drummer8/session2/998_funk_81_beat_4-4.mid"] = tree.tune("one of our own", seconds=3.3)
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "complete"
    assert part(copy).present == 1_150
    assert "drummer8/session2/998_funk_81_beat_4-4.mid" in named(copy)


def test_an_extra_file_does_not_stand_in_for_a_missing_one(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    del files["drummer2/session2/1_latin_67_beat_4-4.mid"]
    files["drummer8/session2/998_funk_81_beat_4-4.mid"] = tree.tune("one of our own", seconds=3.3)
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert part(copy).missing == ("drummer2/session2/1_latin_67_beat_4-4.mid",)
    assert {"drummer2/session2/1_latin_67_beat_4-4.mid", "drummer8/session2/998_funk_81_beat_4-4.mid"} <= named(copy)


def test_the_table_missing(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    del files["info.csv"]
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert part(copy).present == 1_150
    assert part(copy, "table").present == 0
    assert "info.csv" in named(copy)


def test_the_table_missing_and_one_file_removed(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    del files["info.csv"], files[ONE]
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert part(copy).present == 1_149
    assert dict(part(copy).lacking) == {"drummer": ("8",)}


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"\xff\xfe\x00garbage",
        b"drummer\n" * 3,
        b'"' * 100_000,
        b"midi_filename,duration\n" + b"../../etc/passwd,1\n" * 1_150,
    ],
    ids=["empty", "binary", "without columns", "quotes", "paths that climb out"],
)
def test_a_table_that_is_none_neither_crashes_nor_makes_the_dataset_complete(
    table: bytes, tmp_path: Path, files: dict[str, bytes], seen: Look
) -> None:
    files["info.csv"] = table
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state != "complete"
    assert part(copy).present == 1_150
    assert "info.csv" in named(copy)


def test_a_table_cut_short_does_not_take_away_files_that_are_there(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files["info.csv"] = b"".join(files["info.csv"].splitlines(keepends=True)[:600])
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state != "complete"
    assert part(copy).present == 1_150
    assert "info.csv" in named(copy)


def test_a_web_page_in_place_of_a_file(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files[ONE] = tree.HTML
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state in ("partial", "corrupt")
    assert faults(copy) == {ONE}
    assert "web page" in told_by(copy, ONE) or "HTML" in told_by(copy, ONE)
    assert part(copy).present == 1_149


def test_an_xml_error_in_place_of_a_file(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files[ONE] = b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code></Error>"
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state in ("partial", "corrupt")
    assert faults(copy) == {ONE}
    assert ONE in named(copy)


def test_all_replaced_by_pointers(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    tree.write(
        tmp_path / "disk" / "groove", {path: tree.pointer(path) if path.endswith(".mid") else files[path] for path in files}
    )
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "pointers"
    assert part(copy).present == 0
    assert len(faults(copy)) >= 1_000
    assert any(one.number == 1_150 for one in copy.evidence if "pointer" in one.what)


def test_one_pointer_among_files_is_named(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files[ONE] = tree.pointer(ONE)
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state in ("partial", "corrupt")
    assert faults(copy) == {ONE}
    assert "ointer" in told_by(copy, ONE)


def test_half_pointers_and_half_files_are_not_called_pointers_only(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    half = [path for path in files if path.startswith("drummer1/")]
    tree.write(tmp_path / "disk" / "groove", files | {path: tree.pointer(path) for path in half})
    copy = best(seen(tmp_path / "disk"))
    assert copy.state in ("partial", "corrupt")
    assert faults(copy) == set(half)
    assert part(copy).present == 1_150 - 494


def test_two_copies_on_two_roots_of_which_one_lacks_a_file(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    tree.write(tmp_path / "old" / "groove", {path: files[path] for path in files if path != ONE})
    tree.write(tmp_path / "new" / "groove", files)
    found = holding(seen(tmp_path / "old", tmp_path / "new"))
    assert found.state == "complete"
    assert "twice" in found.also
    assert [(copy.root, copy.state) for copy in found.copies] == [
        (str(tmp_path / "new"), "complete"),
        (str(tmp_path / "old"), "partial"),
    ]
    assert ONE in named(found.copies[1])


def test_halves_on_two_roots_are_two_partial_copies(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    one = {path: files[path] for path in files if not path.startswith("drummer1/")}
    two = {path: files[path] for path in files if path.startswith("drummer1/")}
    tree.write(tmp_path / "a" / "groove", one)
    tree.write(tmp_path / "b" / "groove", two)
    found = holding(seen(tmp_path / "a", tmp_path / "b"))
    assert found.state == "partial"
    assert [part(copy).present for copy in found.copies] == [656, 494]
    assert part(found.copies[1]).lacking["drummer"] == ("2", "3", "4", "5", "6", "7", "8", "9", "10")


def test_one_root_below_another_does_not_make_two_copies(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    tree.write(tmp_path / "disk" / "raw" / "groove", files)
    inventory = seen(tmp_path / "disk", tmp_path / "disk" / "raw")
    assert len(holding(inventory).copies) == 1
    assert "twice" not in holding(inventory).also
    assert inventory.files == len(files)


def test_a_link_to_the_folder_is_not_a_second_copy(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    folder = tree.write(tmp_path / "disk" / "groove", files)
    (tmp_path / "disk" / "groove again").symlink_to(folder, target_is_directory=True)
    (folder / "drummer1" / "loop").symlink_to(tmp_path / "disk", target_is_directory=True)
    found = holding(seen(tmp_path / "disk"))
    assert found.state == "complete"
    assert len(found.copies) == 1


def test_nested_twice(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    folder = tree.write(tmp_path / "disk" / "groove" / "groove", files)
    found = holding(seen(tmp_path / "disk"))
    assert found.state == "complete"
    assert [copy.where for copy in found.copies] == [str(folder)]


def test_one_copy_inside_the_other(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    tree.write(tmp_path / "disk" / "groove", files)
    tree.write(tmp_path / "disk" / "groove" / "groove", files)
    found = holding(seen(tmp_path / "disk"))
    assert found.state == "complete"
    assert "twice" in found.also
    assert {copy.where for copy in found.copies} == {
        str(tmp_path / "disk" / "groove"),
        str(tmp_path / "disk" / "groove" / "groove"),
    }


def test_suffixes_in_upper_case(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    tree.write(tmp_path / "disk" / "groove", {path.replace(".mid", ".MID"): content for path, content in files.items()})
    copy = best(seen(tmp_path / "disk"))
    assert part(copy).present == 1_150
    assert copy.state == "complete"


def test_one_suffix_in_upper_case_and_one_file_removed(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files[ONE.replace(".mid", ".MID")] = files.pop(ONE)
    del files[TWO]
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert part(copy).missing == (TWO,)
    assert part(copy).present == 1_149


def test_folders_in_upper_case(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    tree.write(tmp_path / "disk" / "groove", {path.replace("drummer", "Drummer"): content for path, content in files.items()})
    copy = best(seen(tmp_path / "disk"))
    assert part(copy).present == 1_150
    assert (part(copy).missing or ()) == ()


def test_files_of_one_drummer_without_their_folders_are_counted_once(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    eight = {path.rpartition("/")[2]: content for path, content in files.items() if path.startswith("drummer8/")}
    tree.write(tmp_path / "disk" / "drums", eight)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert part(copy).present == 80
    assert [one.number for one in copy.evidence if one.what == "missing" and one.number > 1_150 - 80] == []


def test_links_that_lead_nowhere_are_told_of_as_files_that_never_came(
    tmp_path: Path, files: dict[str, bytes], seen: Look
) -> None:
    for path in files:
        link = tmp_path / "disk" / "groove" / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../.git/annex/objects/{md5(path.encode()).hexdigest()}")
    inventory = seen(tmp_path / "disk")
    assert holding(inventory).state not in ("complete", "partial")
    told = {path for path, _, _ in inventory.passed}
    assert str(tmp_path / "disk" / "groove" / ONE) in told


def test_hidden_files_of_a_mac_are_no_files_of_the_dataset(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    marks = {
        f"{path.rpartition('/')[0]}/._{path.rpartition('/')[2]}": b"\x00\x05\x16\x07" + bytes(100)
        for path in files
        if "/" in path
    }
    tree.write(tmp_path / "disk" / "groove", files | marks | {".DS_Store": b"\0\0\0\1Bud1"})
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "complete"
    assert part(copy).present == 1_150


# More than one change


def test_one_removed_and_one_truncated(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    del files[ONE]
    files[TWO] = files[TWO][:-7]
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state in ("partial", "corrupt")
    assert part(copy).missing == (ONE,)
    assert faults(copy) == {TWO}
    assert {ONE, TWO} <= named(copy)
    assert part(copy).present == 1_148


def test_one_renamed_one_removed_one_truncated_one_page_and_one_pointer(
    tmp_path: Path, files: dict[str, bytes], seen: Look
) -> None:
    three = sorted(path for path in files if path.startswith("drummer3/"))[:2]
    files["drummer8/session2/other.mid"] = files.pop(ONE)
    del files[TWO]
    files[THREE] = files[THREE][:50]
    files[three[0]], files[three[1]] = tree.HTML, tree.pointer("three")
    tree.write(tmp_path / "disk" / "archive" / "my drums", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state in ("partial", "corrupt")
    assert set(part(copy).missing or ()) == {ONE, TWO}
    assert faults(copy) == {THREE, *three}
    assert {ONE, TWO, THREE, *three, "drummer8/session2/other.mid"} <= named(copy)
    assert "renamed" in copy.also


@pytest.mark.parametrize("seed", range(6))
def test_any_mixture_of_faults_is_named_file_by_file(seed: int, tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    draw = random.Random(seed)
    chosen = draw.sample(sorted(path for path in files if path.endswith(".mid")), 40)
    removed, cut, pages = set(chosen[:15]), set(chosen[15:30]), set(chosen[30:])
    for path in removed:
        del files[path]
    for path in cut:
        files[path] = files[path][: draw.randrange(1, len(files[path]))]
    for path in pages:
        files[path] = tree.HTML
    tree.write(tmp_path / "disk" / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert set(part(copy).missing or ()) == removed
    assert faults(copy) == cut | pages
    assert part(copy).present == 1_110


def test_what_is_mended_is_complete_again(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    folder = tree.write(tmp_path / "disk" / "groove", files)
    (folder / ONE).unlink()
    os.truncate(folder / TWO, 20)
    assert best(seen(tmp_path / "disk")).state != "complete"
    tree.write(folder, {ONE: files[ONE], TWO: files[TWO]})
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, faults(copy)) == ("complete", set())


# Names of the folders above


NAMES = [
    "with spaces  and two",
    "Müsik – Ünïcode 音楽 🥁",
    "brackets [old] (2) {x} <b>",
    "quote ' \" `id` $(id) ; & |",
    "percent %20 %s \\n back\\slash",
    "tab\tand\nline\x1b[31mred",
    "right\u202eto left \u2028 separator",
    "-rf",
    "a" * 200,
    "groove!",
    "x.zip!",
    "looks.zip",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_the_folder_above_does_not_matter(
    name: str, tmp_path: Path, files: dict[str, bytes], seen: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    del files[ONE]
    folder = tree.write(tmp_path / "disk" / name / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, copy.where) == ("partial", str(folder))
    assert ONE in named(copy)
    written_well(tmp_path, capsys)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system has no such names")
def test_a_name_above_that_is_not_utf8_does_not_matter(
    tmp_path: Path, files: dict[str, bytes], seen: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    del files[ONE]
    folder = tree.write(tmp_path / "disk" / os.fsdecode(b"M\xfcsik \xff\xfe") / "groove", files)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, os.fsencode(copy.where)) == ("partial", os.fsencode(folder))
    written_well(tmp_path, capsys)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file system has no such names")
def test_names_that_are_not_utf8_beside_the_files_do_not_matter(tmp_path: Path, files: dict[str, bytes], seen: Look) -> None:
    files["drummer8/session2/" + os.fsdecode(b"\xff\xfe.mid")] = tree.tune("odd")
    tree.write(tmp_path / "disk" / "groove", files)
    assert best(seen(tmp_path / "disk")).state == "complete"


def written_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reports of the disk are made, name the missing file, and let no control character through."""
    out = tmp_path / "report"
    assert main(["inventory", "report", "--root", str(tmp_path / "disk"), "--to", str(out)]) == 0
    assert main(["inventory", "status", "--root", str(tmp_path / "disk"), "--all"]) == 0
    said = capsys.readouterr().out
    for text in (said, *(file.read_text(encoding="utf-8") for file in out.iterdir())):
        assert not {
            character for character in text if (ord(character) < 32 and character != "\n") or character in "\x7f\u202e\u2028"
        }
    assert ONE in said.replace("\n", "")
    (file,) = out.glob("*.json")
    (told,) = (one for one in json.loads(file.read_text())["datasets"] if one["name"] == "groove")
    assert told["state"] == "partial"
    assert ONE in json.dumps(told)


# Other datasets, made of our files


def test_ravdess_with_one_actor_and_a_part_of_it(tmp_path: Path, seen: Look) -> None:
    files = {path: content for path, content in tree.ravdess().items() if path.startswith("Actor_01/")}
    kept = dict(list(files.items())[:10])
    tree.write(tmp_path / "disk" / "emotion", kept)
    copy = best(seen(tmp_path / "disk"), "ravdess-speech")
    assert copy.state == "partial"
    speech = part(copy, "speech")
    assert (speech.present, speech.expected) == (10, 1_440)
    assert speech.lacking["actor"] == tuple(f"{actor:02}" for actor in range(1, 25))
    said = " ".join(one.sentence for one in copy.evidence)
    assert "10 of 60" in said


def test_ravdess_with_a_wrong_rate_in_actor_folders_is_not_called_complete(tmp_path: Path, seen: Look) -> None:
    files = {path: tree.wave(at, rate=16_000) for at, path in enumerate(tree.ravdess())}
    tree.write(tmp_path / "disk" / "ravdess", files)
    assert holding(seen(tmp_path / "disk"), "ravdess-speech").state != "complete"


def test_speech_and_song_mixed_in_one_place_are_two_datasets(tmp_path: Path, seen: Look) -> None:
    speech = tree.ravdess()
    song = {
        path.replace("/03-01-", "/03-02-"): content
        for path, content in speech.items()
        if "Actor_18" not in path and "-07-" not in path[12:15] and "-08-" not in path[12:15]
    }
    tree.write(tmp_path / "disk" / "ravdess", speech | song)
    inventory = seen(tmp_path / "disk")
    assert best(inventory, "ravdess-speech").state == "complete"
    assert part(best(inventory, "ravdess-song"), "song").present == 23 * 44


def test_lakh_with_a_file_whose_content_is_not_that_of_its_name(
    tmp_path: Path, seen: Look, capsys: pytest.CaptureFixture[str]
) -> None:
    files = dict(tree.lakh(many=60))
    bad = sorted(files)[7]
    files[bad] = tree.tune("another")
    tree.write(tmp_path / "disk" / "lmd_full", files)
    copy = best(seen(tmp_path / "disk"), "lakh-full")
    assert copy.state in ("partial", "corrupt")
    assert main(["inventory", "verify", "--full", "--root", str(tmp_path / "disk"), "lakh-full"]) == 1
    assert bad in capsys.readouterr().out


# The real ones


@pytest.fixture
def real(shared: Path, tmp_path: Path) -> Path:
    return copied(shared / "datasets" / "groove", tmp_path / "disk" / "groove")


@pytest.mark.shared
def test_the_real_groove_is_complete(real: Path, seen: Look) -> None:
    copy = best(seen(real.parent))
    assert (copy.state, part(copy).present, faults(copy)) == ("complete", 1_150, set())


@pytest.mark.shared
def test_the_real_groove_with_one_removed_one_truncated_and_one_renamed(real: Path, seen: Look) -> None:
    assert best(seen(real.parent)).state == "complete"
    (real / ONE).unlink()
    os.truncate(real / TWO, (real / TWO).stat().st_size - 11)
    (real / THREE).rename(real / "drummer8/session2/Copy of 2.mid")
    copy = best(seen(real.parent))
    assert copy.state in ("partial", "corrupt")
    assert set(part(copy).missing or ()) == {ONE, THREE}
    assert faults(copy) == {TWO}
    assert {ONE, TWO, THREE, "drummer8/session2/Copy of 2.mid"} <= named(copy)
    (renamed,) = (one for one in copy.evidence if one.what == "renamed_file")
    assert {THREE, "drummer8/session2/Copy of 2.mid"} <= set(renamed.files)
    assert ONE not in renamed.files


@pytest.mark.shared
def test_the_real_groove_renamed_without_a_first_look(real: Path, seen: Look) -> None:
    (real / ONE).rename(real / "drummer8/session2/x.mid")
    copy = best(seen(real.parent))
    assert part(copy).missing == (ONE,)
    assert {ONE, "drummer8/session2/x.mid"} <= named(copy)


@pytest.mark.shared
def test_the_real_groove_renamed_moved_and_zipped(real: Path, tmp_path: Path, seen: Look) -> None:
    moved = tmp_path / "disk" / "b" / "c d" / "[drums]"
    moved.parent.mkdir(parents=True)
    real.rename(moved)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, copy.where) == ("complete", str(moved))
    assert "renamed" in copy.also
    with zipfile.ZipFile(tmp_path / "disk" / "old.zip", "w") as archive:
        for file in sorted(moved.rglob("*")):
            if file.is_file():
                archive.write(file, f"[drums]/{file.relative_to(moved)}")
    shutil.rmtree(moved)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, part(copy).present) == ("complete", 1_150)
    assert {"in_archive", "renamed"} <= set(copy.also)


@pytest.mark.shared
def test_the_ravdess_sample_is_partial_with_its_missing_actors_named(shared: Path, tmp_path: Path, seen: Look) -> None:
    copied(shared / "datasets" / "emotion" / "ravdess_sample", tmp_path / "disk" / "ravdess_sample")
    copy = best(seen(tmp_path / "disk"), "ravdess-speech")
    assert copy.state == "partial"
    speech = part(copy, "speech")
    assert (speech.present, speech.expected) == (10, 1_440)
    assert set(speech.lacking["actor"]) >= {f"{actor:02}" for actor in range(2, 25)}
    said = " ".join(one.sentence for one in copy.evidence)
    assert "10 of 60" in said


@pytest.mark.shared
def test_the_real_crema_tarball_is_pointers_only(shared: Path, tmp_path: Path, seen: Look) -> None:
    (tmp_path / "disk").mkdir()
    shutil.copyfile(shared / "datasets" / "emotion" / "crema_d_lfs_pointers.tar.gz", tmp_path / "disk" / "crema.tar.gz")
    copy = best(seen(tmp_path / "disk"), "crema-d")
    assert copy.state == "pointers"
    assert "in_archive" in copy.also
    assert (part(copy, "audio").present, part(copy, "audio").expected) == (0, 7_442)
    assert any(one.number == 7_442 for one in copy.evidence if "pointer" in one.what)
