"""From the files of a copy to its state, and what is told as evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory import seed_tree as tree
from inventory.small import NAMES, best, holding, part, seen, table, taps, told, voices


def test_the_whole_dataset_is_complete_and_its_index_names_every_file(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "taps", taps())
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, copy.version, copy.also) == ("complete", "", ())
    assert told(copy, "count").sentence == "All 6 files of midi are here and the index names each of them."


def test_what_the_index_names_and_is_not_there_is_missing_and_so_is_the_share_of_the_player(tmp_path: Path) -> None:
    files = taps()
    del files[NAMES[4]]
    tree.write(tmp_path / "disk" / "taps", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert (part(copy).missing, dict(part(copy).lacking)) == ((NAMES[4],), {"player": ("2",)})
    assert "player 2 has 2 of 3." in [one.sentence for one in copy.evidence]


def test_a_file_in_another_folder_counts_where_the_index_has_it_and_both_places_are_told(tmp_path: Path) -> None:
    files = taps()
    files["later/take5_tap.mid"] = files.pop(NAMES[4])
    tree.write(tmp_path / "disk" / "taps", files)
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "complete"
    assert (part(copy).missing, dict(part(copy).lacking)) == ((), {})
    assert told(copy, "out_of_place").files == ("later/take5_tap.mid", NAMES[4])
    assert told(copy, "count").sentence.endswith("names each of them, 1 in another folder.")


def test_a_name_that_the_index_gives_to_two_files_does_not_tell_which_of_them_is_here(tmp_path: Path) -> None:
    same = ("player1/take1_tap.mid", "player2/take1_tap.mid")
    names = (*same, "player1/take2_tap.mid", "player1/take3_tap.mid", "player2/take4_tap.mid", "player2/take5_tap.mid")
    files = taps(names)
    loose = files.pop(same[0])
    del files[same[1]]
    tree.write(tmp_path / "disk" / "taps", files | {"take1_tap.mid": loose})
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "partial"
    assert (part(copy).present, part(copy).missing) == (5, ())
    assert dict(part(copy).lacking) == {}
    assert told(copy, "untold").number == 1


def test_files_without_their_folders_lack_only_what_is_certain(tmp_path: Path) -> None:
    files = {name.rpartition("/")[2]: content for name, content in taps().items() if name in NAMES[:2]}
    tree.write(tmp_path / "disk" / "loose", files)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, part(copy).present) == ("partial", 2)
    # Two files, three of each player published: whosoever they are, both lack some.
    assert dict(part(copy).lacking) == {"player": ("1", "2")}
    assert [one.what for one in copy.evidence if "no file." in one.sentence] == []


def test_the_same_name_in_its_place_and_out_of_it_counts_once(tmp_path: Path) -> None:
    files = taps()
    tree.write(tmp_path / "disk" / "taps", files | {"copy of/take1_tap.mid": files[NAMES[0]]})
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, part(copy).present) == ("complete", 6)
    assert told(copy, "duplicate").files == ("copy of/take1_tap.mid",)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (table({NAMES[0]: 1.0}), "it names 1 of 6 files of midi"),
        (b"file,seconds\n../../etc/passwd,1\n", "1 row of it name paths outside the dataset's folder"),
        (b"name\nx\n", "it has no column file"),
        (b"\xff\xfe\x00", "it has no rows"),
    ],
    ids=["short", "climbing out", "other columns", "binary"],
)
def test_an_index_that_is_none_is_at_fault_itself_and_takes_no_file_away(content: bytes, why: str, tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "taps", taps() | {"table.csv": content})
    copy = best(seen(tmp_path / "disk"))
    assert copy.state == "corrupt"
    assert part(copy).present == 6
    assert dict(part(copy, "table").faulty) == {"index": ("table.csv",)}
    assert told(copy, "index").sentence == f"table.csv is not the index that was published ({why})."


def test_capitals_do_not_matter_and_are_told(tmp_path: Path) -> None:
    files = taps()
    files["Player2/take4_tap.MID"] = files.pop(NAMES[3])
    tree.write(tmp_path / "disk" / "taps", files)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, part(copy).missing, dict(part(copy).lacking)) == ("complete", (), {})
    assert told(copy, "capitals").files == ("Player2/take4_tap.MID",)


def test_a_part_of_one_file_that_is_missing_is_named(tmp_path: Path) -> None:
    files = taps()
    del files["table.csv"]
    tree.write(tmp_path / "disk" / "taps", files)
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, part(copy, "table").missing) == ("partial", ("table.csv",))
    assert "1 file of table is not here: table.csv." in [one.sentence for one in copy.evidence]


def test_files_beyond_the_published_count_that_no_index_can_name_leave_it_open_which_are_its_own(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "voices", voices() | {"Actor_01/say-3-01.wav": tree.wave(3)})
    copy = best(seen(tmp_path / "disk"), "voices")
    assert copy.state == "unverifiable"
    assert told(copy, "extra").number == 1


def test_what_a_check_found_counts_as_a_fault(tmp_path: Path) -> None:
    folder = tree.write(tmp_path / "disk" / "taps", taps())
    troubles = {str(folder / NAMES[0]): ("undecodable", "It ends inside an event.")}
    copy = best(seen(tmp_path / "disk", troubles=troubles))
    assert (copy.state, part(copy).present) == ("corrupt", 5)
    assert told(copy, "undecodable").files == (NAMES[0],)
    assert told(copy, "count").sentence == "All 6 files of midi are here by name; of 1 the content is not."


def test_a_mark_tells_another_version(tmp_path: Path) -> None:
    four = {name: content for name, content in taps().items() if name in NAMES[:4]}
    lengths = {name: 1.0 + at for at, name in enumerate(NAMES[:4])}
    tree.write(tmp_path / "disk" / "taps", four | {"table.csv": table(lengths), "only_in_1.txt": b"1"})
    copy = best(seen(tmp_path / "disk"))
    assert (copy.state, copy.version) == ("wrong_version", "1")


def test_a_copy_at_another_rate_is_another_version_though_every_file_is_there(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "voices", voices(rate=16_000))
    copy = best(seen(tmp_path / "disk"), "voices")
    assert copy.state == "wrong_version"
    assert told(copy, "rate").sentence == "All 4 files read have a sample rate of 16,000 Hz; the published ones have 48,000 Hz."


def test_of_a_copy_at_another_rate_the_missing_are_named_all_the_same(tmp_path: Path) -> None:
    files = {path: content for path, content in voices(rate=16_000).items() if path == "Actor_01/say-1-01.wav"}
    tree.write(tmp_path / "disk" / "voices", files)
    copy = best(seen(tmp_path / "disk"), "voices")
    assert copy.state == "partial"
    said = [one.sentence for one in copy.evidence]
    assert "actor 02 has no file." in said
    assert "actor 01 has 1 of 2." in said


def test_at_another_rate_and_out_of_the_published_folders_only_processed_files_are_left(tmp_path: Path) -> None:
    files = {path.rpartition("/")[2]: content for path, content in voices(rate=16_000).items()}
    tree.write(tmp_path / "disk" / "work" / "happy", files)
    found = holding(seen(tmp_path / "disk"), "voices")
    assert (found.state, found.copies) == ("processed_only", ())
    assert [one.where for one in found.derived] == [str(tmp_path / "disk" / "work" / "happy")]


def test_files_that_a_check_found_at_another_rate_are_named_and_are_no_faults(tmp_path: Path) -> None:
    folder = tree.write(tmp_path / "disk" / "voices", voices())
    one = "Actor_02/say-2-02.wav"
    troubles = {str(folder / one): ("wrong_rate", "It has 16,000 Hz where 48,000 Hz are published.")}
    copy = best(seen(tmp_path / "disk", troubles=troubles), "voices")
    assert (copy.state, part(copy, "speech").present, dict(part(copy, "speech").faulty)) == ("wrong_version", 4, {})
    assert told(copy, "rate").files == (one,)
