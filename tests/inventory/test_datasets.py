"""Reading the registry, and a folder of one's own, whatever lies in it."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.inventory import datasets
from motet.inventory.known import Dataset

OWN = """\
name: {name}
title: My drums
about: what I played
modalities: [midi]
tasks: [groove]
licence: {{name: mine, source: me}}
citation: none
home: https://example.org
sources: {{me: I recorded it}}
folders: my_drums
parts:
  - {{name: midi, files: "take{{take}}.mid", kind: midi}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own").mkdir()
    return tmp_path / "own"


def own(folder: Path, name: str = "my-drums", *changes: tuple[str, str]) -> Path:
    text = OWN.format(name=name)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = folder / f"{name}.yaml"
    file.write_text(text)
    return file


def complaint(folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        datasets.known(folder)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert re.search(r"[.?]$", sentence)
    return sentence


def test_one_s_own_dataset_stands_beside_the_packaged_ones(folder: Path) -> None:
    own(folder)
    (folder / "notes.txt").write_text("not a registry file")
    (folder / "._my-drums.yaml").write_bytes(b"\0\1")  # what macOS leaves on foreign drives
    known = datasets.known(folder)
    assert known["my-drums"].title == "My drums"
    assert known["my-drums"].folders == ("my_drums",)
    assert set(known) == {"my-drums", *datasets.known()}
    assert list(known) == sorted(known)


def test_one_s_own_replaces_a_packaged_one_of_the_same_name(folder: Path) -> None:
    own(folder, "groove")
    assert datasets.known(folder)["groove"].title == "My drums"
    assert datasets.known()["groove"].title == "Groove MIDI Dataset"


def test_a_name_that_is_not_known_is_answered_with_the_nearest() -> None:
    known = datasets.known()
    assert datasets.find("groove", known).name == "groove"
    for asked, answer in (("grove", "groove"), ("CREMAD", "crema-d"), ("musdb", "musdb18"), ("ravdes", "ravdess-s")):
        with pytest.raises(UserError, match=answer):
            datasets.find(asked, known)
    with pytest.raises(UserError, match="motet inventory list"):
        datasets.find("\x1b[31mzzzz\udcff" * 1000, known)


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        (("title:", "titel:"), "unknown entry at titel; did you mean title?"),
        (("about: what I played\n", ""), "lacks the entry about"),
        (("kind: midi", "kind: mid"), "parts > 1 > kind; known: midi, audio"),
        (("kind: midi", "kind: midi, cuont: 3"), "parts > 1 > cuont; did you mean count"),
        (("kind: midi", "kind: midi, count: 3"), "count_source"),
        (("source: me", "source: you"), "'you' is not among the sources"),
        (("take{take}.mid", "../take{take}.mid"), "no path below"),
        (("name: my-drums", "name: other-drums"), "other-drums.yaml"),
        (("name: my-drums", "name: [1"), "line"),
        (("title: My drums", "title: My drums\ntitle: again"), "second time"),
        (("title: My drums", "title: &a My drums"), "alias"),
        (("title: My drums", "title: !!python/object/apply:os.system [echo]"), "uses a YAML tag"),
        (("about: what I played", "about: " + "[" * 200 + "]" * 200), "levels deep"),
        (("about: what I played", "about: 2020-99-99"), "not valid YAML"),
    ],
)
def test_a_wrong_file_is_answered_with_its_place_and_what_would_be_right(
    folder: Path, change: tuple[str, str], answer: str
) -> None:
    own(folder, "my-drums", change)
    sentence = complaint(folder)
    assert "my-drums.yaml" in sentence
    assert answer in sentence


def test_a_bomb_of_aliases_is_refused_before_it_is_built(folder: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    (folder / "bomb.yaml").write_text("\n".join(lines))
    assert "alias" in complaint(folder)


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", "must hold entries"),
        (b"- a\n- b\n", "must hold entries"),
        (b"1: 2\n", "must hold entries"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"name: \x07", "not valid YAML"),
        (b"a: " + b"9" * 10_000, "not valid YAML"),
        (b"#" * (datasets.LARGEST + 1), "larger than 1 MB"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "lacks|not valid YAML|must hold|unknown entry"),
        (b"<!DOCTYPE html>\n<html></html>\n", "not valid YAML|must hold entries"),
    ],
)
def test_what_is_no_registry_file_is_named(folder: Path, data: bytes, answer: str) -> None:
    (folder / "x.yaml").write_bytes(data)
    assert re.search(answer, complaint(folder))


_WORDS = st.sampled_from(
    [b"name: ", b"parts:\n", b"  - ", b"{", b"[", b"]", b"}", b": ", b"&a ", b"*a ", b"!!int ", b"? ", b"|\n", b"\t", b"--- "]
)


@given(st.lists(_WORDS | st.binary(max_size=6), max_size=30))
def test_any_bytes_are_read_or_refused_in_one_sentence(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(b"".join(pieces))
    refused = ""
    try:
        datasets.checked(Dataset, datasets.content(file), file)
    except UserError as error:
        refused = str(error)
    assert refused.isprintable()
    assert refused, "no such file describes a dataset"


def test_a_megabyte_of_open_brackets_is_refused(folder: Path) -> None:
    (folder / "deep.yaml").write_bytes(b"a: " + b"[" * 900_000)
    assert "levels deep" in complaint(folder)


def test_a_pipe_or_a_folder_of_that_name_does_not_hang(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    assert "is not a file" in complaint(folder)
    (folder / "pipe.yaml").unlink()
    (folder / "sub.yaml").mkdir()
    assert "sub.yaml" in complaint(folder)


def test_a_link_that_leads_round_in_a_circle_is_named(folder: Path) -> None:
    (folder / "a.yaml").symlink_to(folder / "a.yaml")
    assert "cannot be read" in complaint(folder)


def test_a_name_that_is_not_text_can_be_shown(folder: Path) -> None:
    with open(os.fsencode(folder) + b"/\xff\x1b.yaml", "w") as file:
        file.write("a: 1")
    complaint(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "correct the path" in complaint(tmp_path / "none")
    assert "correct the path" in complaint(Path("a\0b"))
