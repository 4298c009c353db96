"""Datasets are found wherever they lie, whatever their folders are called; every file belongs to one of them at most."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory import seed_tree as tree
from inventory.small import KNOWN, NAMES, best, holding, part, seen, taps, told, voices
from motet.errors import UserError
from motet.inventory import datasets
from motet.inventory.finding.take import take
from motet.inventory.settings import Settings
from motet.inventory.tree import Entry, Folder, Tree


@pytest.mark.parametrize("where", ["taps", "TAPS", "a/b/from Anna", "taps/taps", "x.zip"])
def test_a_dataset_is_found_in_any_folder_and_an_unusual_name_is_told(where: str, tmp_path: Path) -> None:
    folder = tree.write(tmp_path / "disk" / where, taps())
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, copy.where) == ("complete", str(folder))
    assert copy.also == (() if "taps" in where.lower() else ("renamed",))


def test_a_copy_divided_among_neighbours_is_one(tmp_path: Path) -> None:
    for player in ("player1", "player2"):
        tree.write(tmp_path / "disk" / "sets" / f"of {player}", {n: c for n, c in taps().items() if n.startswith(player)})
    copy = best(seen(tmp_path / "disk"))
    assert (copy.where, part(copy).present) == (str(tmp_path / "disk" / "sets"), 6)


def test_a_dataset_in_an_archive_is_read_where_it_lies(tmp_path: Path) -> None:
    file = tree.zipped(tmp_path / "disk" / "old.zip", taps(), below="taps/")
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, copy.where, copy.also) == ("complete", f"{file}!/taps", ("in_archive",))


def test_an_archive_inside_an_archive_is_not_looked_into_and_that_is_said(tmp_path: Path) -> None:
    inner = tree.zipped(tmp_path / "taps.zip", taps())
    outer = tree.zipped(tmp_path / "disk" / "outer.zip", {"a/taps.zip": inner.read_bytes()})
    inventory = seen(tmp_path / "disk")
    assert holding(inventory).state == "missing"
    assert [(path, reason) for path, reason, _ in inventory.passed] == [(f"{outer}!/a/taps.zip", "inner_archive")]


def test_what_a_fetch_is_still_getting_is_nobodys(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / ".motet-fetch" / "taps" / "got", taps())
    inventory = seen(tmp_path / "disk")
    assert (holding(inventory).state, inventory.files) == ("missing", 0)


def test_links_with_its_names_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "disk" / "taps" / "player1"
    folder.mkdir(parents=True)
    (folder / "take1_tap.mid").symlink_to("../../.git/annex/objects/nowhere")
    found = holding(seen(tmp_path / "disk"))
    assert found.state == "missing"
    assert told(found, "broken_link").files == (str(folder / "take1_tap.mid"),)


def test_what_is_excluded_says_who_says_so_and_that_it_is_there_all_the_same(tmp_path: Path) -> None:
    folder = tree.write(tmp_path / "disk" / "taps", taps())
    found = holding(seen(tmp_path / "disk", Settings(excluded={"taps": "Ada: no taps"}, origin="roots.toml")))
    assert found.state == "excluded"
    said = [one.sentence for one in found.evidence if one.what == "excluded"]
    assert said == ["Ada: no taps (who says so: roots.toml).", f"It is there all the same: {folder}."]


def test_what_lies_elsewhere_than_the_settings_expect_is_told(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "taps", taps())
    assert best(seen(tmp_path / "disk", Settings(expected={"taps": "raw/taps"}))).also == ("elsewhere",)
    assert best(seen(tmp_path / "disk", Settings(expected={"taps": "taps"}))).also == ()


def test_settings_that_name_no_known_dataset_are_refused_with_the_nearest_name(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with pytest.raises(UserError, match="names no known dataset: tapes; did you mean taps"):
        seen(tmp_path / "disk", Settings(excluded={"tapes": "no"}, origin="roots.toml"))


def test_two_copies_are_compared_name_by_name(tmp_path: Path) -> None:
    files = taps()
    tree.write(tmp_path / "disk" / "one" / "taps", files)
    tree.write(tmp_path / "disk" / "two" / "taps", {name: content for name, content in files.items() if name != NAMES[1]})
    found = holding(seen(tmp_path / "disk"))
    assert [copy.state for copy in found.copies] == ["complete", "partial"]
    assert all("twice" in copy.also for copy in found.copies)
    assert told(found, "twice").files == (NAMES[1],)


def test_files_named_by_an_md5_that_is_not_theirs_are_somebody_elses(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "cache", {f"a/{'a' * 31}{at}.mid": tree.tune(str(at)) for at in range(9)})
    found = holding(seen(tmp_path / "disk", known=datasets.known()), "lakh-full")
    assert (found.state, told(found, "checksum").number) == ("missing", 9)


@pytest.mark.parametrize(("folder", "name"), [("songs", "lakh-full"), ("lmd_matched", "lakh-matched")])
def test_flat_files_of_lakh_belong_to_all_of_it_unless_their_folder_says_otherwise(
    folder: str, name: str, tmp_path: Path
) -> None:
    tree.write(tmp_path / "disk" / folder, {path.rpartition("/")[2]: content for path, content in tree.lakh(many=40)})
    inventory = seen(tmp_path / "disk", known=datasets.known())
    assert [one.dataset.name for one in inventory.holdings if one.copies] == [name]


def test_a_large_folder_of_no_dataset_is_told_once_by_its_topmost_folder(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "taps", taps())
    tree.write(tmp_path / "disk" / "mine", {f"{at % 3}/{at}.wav": tree.wave(at) for at in range(120)})
    (unknown,) = seen(tmp_path / "disk").unknown
    assert (unknown.where, unknown.files, dict(unknown.kinds)) == (str(tmp_path / "disk" / "mine"), 120, {"audio": 120})


def test_a_second_look_at_an_unchanged_folder_never_asks_for_its_files() -> None:
    kept: dict[tuple[str, str], tuple[str, bytes]] = {}

    class Notes:
        def told(self, what: str, path: str, stamp: str) -> bytes | None:
            then, value = kept.get((what, path), ("", b""))
            return value if then == stamp else None

        def tell(self, what: str, path: str, stamp: str, value: bytes) -> None:
            kept[what, path] = (stamp, value)

    class Closed(Folder):
        def __getattribute__(self, name: str) -> object:
            assert name != "files"
            return super().__getattribute__(name)

    def looked_at(folder: Folder) -> int:
        tree_seen = Tree((folder.path,), (folder,), (), 1, 9, 0, 0.0)
        return len([one for one in take(tree_seen, KNOWN, Settings(), Notes()).holdings if one.copies])

    entry = Entry("notes.txt", 9, "text", "")
    assert looked_at(Folder("/d", "/d", "", (entry,), "stamp")) == 0
    assert looked_at(Closed("/d", "/d", "", (entry,), "stamp")) == 0
    with pytest.raises(AssertionError):
        looked_at(Closed("/d", "/d", "", (entry,), "another stamp"))


def test_names_of_other_capitals_and_alphabets_beside_the_files_harm_nothing(tmp_path: Path) -> None:
    odd = {f"player1/{name}": b"x" for name in ("\u202e.mid", "a\nb.mid", "É.mid", "\udcff.mid")}
    tree.write(tmp_path / "disk" / "taps", taps() | odd)
    copy = best(seen(tmp_path / "disk"))
    assert (part(copy).present, part(copy).missing) == (6, ())
    assert not any(letter in one.sentence for one in copy.evidence for letter in "\u202e\n\udcff")


def test_no_file_belongs_to_two_datasets(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "both", taps() | voices())
    inventory = seen(tmp_path / "disk")
    assert {one.dataset.name: one.state for one in inventory.holdings} == {"taps": "complete", "voices": "complete"}
    assert sum(copy.files for one in inventory.holdings for copy in one.copies) == inventory.files
