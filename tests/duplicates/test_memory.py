"""What was judged is remembered between runs, and forgotten without harm."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from duplicates.perturb import transposed
from duplicates.tunes import changed, ready, song
from motet.duplicates import Entry, Judged, Likeness, Search, judge, memory, sketch

ONE = Likeness("hard", 0.987654321, -3, 1.0812345, 1.25, 4.25, (0.9, 1.0), "first", ("bass", "drums"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "judged.sqlite"


def test_it_comes_back_as_it_was_told_also_that_two_songs_are_not_alike(path: Path) -> None:
    told = Judged(path)
    told["a", "b"], told["a", "c"] = ONE, None
    told.close()
    again = Judged(path)
    assert dict(again) == {("a", "b"): ONE, ("a", "c"): None}
    assert ("a", "c") in again
    assert ("b", "a") not in again
    with pytest.raises(KeyError):
        again["b", "a"]
    del again["a", "b"]
    assert list(again) == [("a", "c")]
    again.close()


def test_another_version_of_the_judge_forgets(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = Judged(path)
    told["a", "b"] = ONE
    told.close()
    monkeypatch.setattr(memory, "_TABLE", "judged_next")
    later = Judged(path)
    assert dict(later) == {}
    later["a", "b"] = None
    later.close()
    monkeypatch.undo()
    assert dict(Judged(path)) == {}


def test_not_closed_it_keeps_nothing(path: Path) -> None:
    Judged(path)["a", "b"] = ONE
    assert dict(Judged(path)) == {}


@pytest.mark.parametrize("damage", ["another file", "broken off", "a hole"])
def test_a_damaged_file_is_begun_anew(path: Path, damage: str) -> None:
    told = Judged(path)
    for number in range(3000):
        told[f"{number:032}", "b"] = ONE
    told.close()
    data = path.read_bytes()
    assert len(data) > 100_000
    whole = {
        "another file": b"not a database" * 100,
        "broken off": data[:40_000],
        "a hole": data[:8192] + bytes(80_000) + data[88_192:],
    }
    path.write_bytes(whole[damage])
    again = Judged(path)
    asked = [f"{number:032}" for number in range(3000)]
    assert all(again.get((one, "b")) in (None, ONE) for one in asked)
    again["new", "b"] = ONE
    again.close()
    assert Judged(path)["new", "b"] == ONE


def test_a_search_compares_no_two_songs_twice(path: Path) -> None:
    piece = changed("Greensleeves", transposed)
    assert piece
    songs = [song("Greensleeves"), ready(piece)]
    entries = [Entry(name, sketch(one.patterns)) for name, one in zip("ab", songs, strict=True)]
    asked: list[tuple[int, int]] = []

    def judged(pairs: Sequence[tuple[int, int]]) -> list[Likeness | None]:
        asked.extend(pairs)
        return [judge(songs[one], songs[other]) for one, other in pairs]

    told = Judged(path)
    (pair,) = Search(entries, judged, told).pairs()
    told.close()
    assert list(Search(entries, judged, Judged(path)).pairs()) == [pair]
    assert asked == [(0, 1)]
