"""What people judged is kept: whole lines, in order, whoever else writes and whatever ends the process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import UserError
from motet.film.reviewing import Label, Labels

WRITER = """
import sys
from pathlib import Path
from motet.film.reviewing import Labels
labels = Labels.open(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    label = labels.add(f"{sys.argv[2]}-{number}", "yes", note="n" * 500)
    sys.stdout.write(label.stamp + "\\n")
    sys.stdout.flush()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "labels.jsonl"


def writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, str(count)], stdout=subprocess.PIPE, text=True)


def test_the_last_label_of_a_stamp_counts_and_all_are_kept(path: Path) -> None:
    labels = Labels.open(path)
    assert labels.verdict("one") is None
    assert not path.exists()  # looking leaves no trace
    first = labels.add("one", "no", note="too faint", by="Ada", about="a song in a film")
    second = labels.add("one", "yes", by="Ada")
    other = labels.add("two", "unsure")
    again = Labels.open(path)
    assert again.verdict("one") == second
    assert again.verdicts() == {"one": second, "two": other}
    assert again.all() == [first, second, other]
    assert (first.note, first.by, first.about) == ("too faint", "Ada", "a song in a film")
    assert first.at.endswith("Z")
    assert again.told == ()


def test_a_label_taken_back_gives_way_to_the_one_before_it(path: Path) -> None:
    labels = Labels.open(path)
    first, second = labels.add("one", "no"), labels.add("one", "yes")
    assert labels.withdraw(second)
    assert Labels.open(path).verdict("one") == labels.verdict("one") == first
    assert not labels.withdraw(second)  # it does not stand any more
    assert labels.withdraw(first)
    assert Labels.open(path).all() == []
    assert path.read_text().count("\n") == 5  # nothing is ever removed from the file


def test_an_open_file_knows_what_another_wrote_since(path: Path) -> None:
    mine, yours = Labels.open(path), Labels.open(path)
    mine.add("one", "yes")
    assert yours.verdict("one") is not None
    yours.withdraw(yours.all()[0])
    assert mine.verdict("one") is None
    path.unlink()
    assert mine.all() == []
    mine.add("two", "no")
    assert [label.stamp for label in yours.all()] == ["two"]


def test_files_of_two_people_are_joined_end_to_end(tmp_path: Path) -> None:
    names = [tmp_path / "ada", tmp_path / "bob"]
    for name, verdict in zip(names, ("yes", "no"), strict=True):
        Labels.open(name).add("one", verdict, by=name.name)
    joined = tmp_path / "both"
    joined.write_bytes(b"".join(name.read_bytes() for name in [*names, names[0]]))
    labels = Labels.open(joined)
    assert [(label.by, label.verdict) for label in labels.all()] == [("ada", "yes"), ("bob", "no")]
    assert labels.told == ()


TEXTS = st.text(max_size=80)


@settings(max_examples=40)
@given(
    labels=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["yes", "no", "unsure"]), TEXTS), min_size=1, max_size=6),
    cut=st.floats(0, 1),
)
def test_wherever_a_file_is_cut_whole_lines_stand_and_writing_goes_on(
    tmp_path_factory: pytest.TempPathFactory, labels: list[tuple[str, str, str]], cut: float
) -> None:
    path = tmp_path_factory.mktemp("cut") / "labels.jsonl"
    written: list[Label] = [Labels(path).add(stamp, verdict, note=note) for stamp, verdict, note in labels]  # type: ignore[arg-type]
    data = path.read_bytes()
    kept = data[: round(cut * len(data))]
    path.write_bytes(kept)
    lines = kept.count(b"\n")
    complete = lines > 0 and not kept.endswith(b"\n") and data[len(kept) : len(kept) + 1] == b"\n"  # only its newline is gone
    left = written[: max(lines - 1, 0) + complete]
    opened = Labels.open(path)
    assert opened.all() == left
    torn = bool(kept) and not kept.endswith(b"\n") and not complete and kept != data[: data.index(b"\n")]
    assert bool(opened.told) == torn
    more = opened.add("more", "yes")
    assert opened.all() == Labels.open(path).all() == [*left, more]
    assert path.read_bytes().startswith(kept if lines else b"")


@pytest.mark.parametrize("acknowledged", [1, 7, 20])
def test_what_was_acknowledged_survives_kill_9(path: Path, acknowledged: int) -> None:
    process = writer(path, "label", 100_000)
    assert process.stdout is not None
    seen = [process.stdout.readline().strip() for _ in range(acknowledged)]
    os.kill(process.pid, signal.SIGKILL)
    seen += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    labels = Labels.open(path)
    stamps = [label.stamp for label in labels.all()]
    assert stamps[: len(seen)] == seen
    assert len(stamps) <= len(seen) + 1  # one may be on the disk that nobody was told of
    labels.add("after", "no")
    assert Labels.open(path).all()[-1].stamp == "after"


def test_processes_that_write_at_once_lose_nothing(path: Path) -> None:
    processes = [writer(path, f"p{number}", 25) for number in range(3)]
    told = {stamp for process in processes for stamp in process.communicate()[0].split()}
    labels = Labels.open(path)
    assert len(told) == 75
    assert {label.stamp for label in labels.all()} == told
    assert labels.told == ()


def test_lines_that_are_no_labels_are_passed_over_and_told(path: Path) -> None:
    labels = Labels.open(path)
    good = labels.add("one", "yes")
    line = json.loads(path.read_text().splitlines()[1])
    hostile = [
        "no JSON",
        "[" * 60_000,
        "9" * 10_000,
        "null",
        json.dumps(line | {"verdict": "maybe"}),
        json.dumps(line | {"verdict": ["yes"]}),
        json.dumps(line | {"stamp": ""}),
        json.dumps(line | {"stamp": "\ud800"}),
        json.dumps(line | {"at": "yesterday"}),
        json.dumps(line | {"at": "2026-01-01T00:00:00"}),
        json.dumps(line | {"note": 7}),
        json.dumps({"stamp": "one", "at": good.at, "withdrawn": {"by": 1, "at": good.at}}),
        json.dumps(line | {"note": "x" * 70_000}),
    ]
    with path.open("a") as file:
        file.write("\n".join(hostile) + "\n\0\n")
        file.write(json.dumps(line | {"stamp": "two", "note": "\u202eevil\ud800", "new": "a field of later versions"}) + "\n")
    labels = Labels.open(path)
    assert [label.stamp for label in labels.all()] == ["one", "two"]
    assert labels.all()[1].note == "\ufffdevil\ufffd"
    assert len(labels.told) == len(hostile) + 1
    assert labels.told[0] == "Line 3 of labels.jsonl cannot be read and is passed over."


@pytest.mark.parametrize("content", [b"\x89PNG\r\n", b"notes of mine", b"{}\n", b'{"stamp": "a"}\n'])
def test_a_file_that_is_something_else_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UserError, match="not a file of labels"):
        Labels.open(path)
    with pytest.raises(UserError, match="not a file of labels"):
        Labels(path).add("one", "yes")
    assert path.read_bytes() == content


def test_places_where_no_file_can_be_are_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        Labels.open(tmp_path / "absent" / "labels.jsonl")
    with pytest.raises(UserError, match="not a file"):
        Labels.open(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="not a file"):
        Labels.open(tmp_path / "pipe")


def test_a_disk_that_is_full_leaves_the_file_as_it_was(path: Path) -> None:
    Labels.open(path).add("one", "yes")
    before = path.read_bytes()
    room = len(before) + 20  # less than a line
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n{WRITER}"
    ended = subprocess.run([sys.executable, "-c", limited, str(path), "two", "1"], capture_output=True, text=True, check=False)
    assert "UserError" in ended.stderr
    assert "cannot be written (File too large)" in ended.stderr
    assert path.read_bytes() == before


NO_LABELS = [("", "yes"), ("x" * 201, "yes"), ("a\nb", "yes"), ("a\ud800", "yes"), ("one", "maybe")]


@pytest.mark.parametrize("stamp, verdict", NO_LABELS)
def test_what_is_no_label_is_never_written(path: Path, stamp: str, verdict: str) -> None:
    with pytest.raises(ValueError, match="is no label"):
        Labels.open(path).add(stamp, verdict)  # type: ignore[arg-type]
    assert not path.exists()
