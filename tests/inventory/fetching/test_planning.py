"""What a plan downloads, and what it says must be there first."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inventory.fetching.shelves import drums
from motet.errors import UserError
from motet.inventory.fetching import fetch, plan

SMALL = {
    "name": "takes",
    "kind": "http",
    "url": "https://a.example/takes.zip",
    "unpack": "zip",
    "gives": ["midi", "table"],
    "bytes": 100,
    "source": "us",
}
SOUND = {**SMALL, "name": "sound", "url": "https://a.example/sound.zip", "gives": ["audio"], "bytes": 900}
ALL = {**SMALL, "name": "all", "url": "https://a.example/all.zip", "gives": ["midi", "audio", "table"], "bytes": 5000}
KAGGLE = {"name": "takes", "kind": "kaggle", "dataset": "ada/drums", "gives": ["midi", "table"], "bytes": 50, "source": "us"}
GATED = {"name": "takes", "kind": "huggingface", "dataset": "ada/drums", "gated": True, "gives": ["midi", "table"]}
BY_HAND = {
    "name": "form",
    "kind": "manual",
    "url": "https://a.example/form",
    "gives": ["audio"],
    "steps": ["Fill in the form.", "Wait a day."],
}


@pytest.mark.parametrize(
    "downloads, parts, chosen, octets",
    [
        ([ALL, SMALL, SOUND], None, ["takes"], 100),
        ([ALL, SMALL, SOUND], ["audio"], ["sound"], 900),
        ([ALL, SMALL, SOUND], ["midi", "audio", "table"], ["takes", "sound"], 1000),
        ([ALL, SMALL], ["midi", "audio"], ["all"], 5000),
        ([{**SOUND, "bytes": None}, ALL], ["audio"], ["all"], 5000),  # a size that nobody published may be anything
        ([{**SMALL, "bytes": None}], None, ["takes"], None),
        ([ALL, BY_HAND], ["audio"], ["all"], 5000),
    ],
)
def test_the_fewest_bytes_that_give_what_is_wanted(
    downloads: list[dict[str, Any]],
    parts: list[str] | None,
    chosen: list[str],
    octets: int | None,
    tmp_path: Path,
    home: dict[str, str],
) -> None:
    made = plan(drums(downloads), parts, tmp_path, home)
    assert [way.name for way in made.ways] == chosen
    assert made.bytes == octets
    assert made.folder == tmp_path / "drums"
    assert made.by_hand == ()


def test_many_parts_with_a_download_each_are_planned_at_once(tmp_path: Path, home: dict[str, str]) -> None:
    names = [f"p{n}" for n in range(40)]
    parts = [{"name": name, "files": f"{name}/{{x}}.mid", "kind": "midi"} for name in names]
    downloads = [{**SMALL, "name": f"{name}{size}", "gives": [name], "bytes": size} for name in names for size in (10, 5)]
    assert plan(drums(downloads, parts=parts), None, tmp_path, home).bytes == 40 * 5


def test_credentials_are_named_before_anything_starts(tmp_path: Path, home: dict[str, str]) -> None:
    for download, words in [(KAGGLE, "KAGGLE_API_TOKEN"), (GATED, "HF_TOKEN")]:
        made = plan(drums([download]), None, tmp_path, home)
        assert words in made.lacking[0]
        with pytest.raises(UserError, match=words):
            fetch(made, environment=home)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("way", ["token", "pair", "file"])
def test_credentials_are_found_where_their_own_programs_look(way: str, tmp_path: Path, home: dict[str, str]) -> None:
    if way == "token":
        home["KAGGLE_API_TOKEN"] = "abc"
    elif way == "pair":
        home |= {"KAGGLE_USERNAME": "ada", "KAGGLE_KEY": "abc"}
    else:
        (tmp_path / "home/.kaggle").mkdir(parents=True)
        (tmp_path / "home/.kaggle/kaggle.json").write_text(json.dumps({"username": "ada", "key": "abc"}))
    made = plan(drums([KAGGLE]), None, tmp_path, home)
    assert made.lacking == ()
    assert "abc" not in repr(made)


def test_a_token_that_cannot_be_one_is_told_without_it(tmp_path: Path, home: dict[str, str]) -> None:
    with pytest.raises(UserError, match="KAGGLE_API_TOKEN holds characters") as told:
        plan(drums([KAGGLE]), None, tmp_path, home | {"KAGGLE_API_TOKEN": "ab c\r\nX: 1"})
    assert "ab c" not in str(told.value)


def test_a_mirror_without_an_account_goes_before_one_that_needs_it(tmp_path: Path, home: dict[str, str]) -> None:
    dataset = drums([KAGGLE, SMALL])
    assert [source.kind for source in plan(dataset, None, tmp_path, home).ways[0].sources] == ["http"]
    with_account = plan(dataset, None, tmp_path, home | {"KAGGLE_API_TOKEN": "abc"})
    assert [source.kind for source in with_account.ways[0].sources] == ["kaggle", "http"]


def test_what_must_be_got_by_hand_is_said_step_by_step(tmp_path: Path, home: dict[str, str]) -> None:
    made = plan(drums([BY_HAND]), ["audio"], tmp_path, home)
    assert made.sentences[-2:] == ("Fill in the form.", "Wait a day.")
    with pytest.raises(UserError, match=r"by hand: See https://a.example/form. Fill in the form. Wait a day."):
        fetch(made, environment=home)


def test_user_info_and_query_of_an_address_are_not_shown(tmp_path: Path, home: dict[str, str]) -> None:
    made = plan(drums([{**SMALL, "url": "https://ada:secret@a.example/takes.zip?key=secret"}]), None, tmp_path, home)
    assert not [sentence for sentence in made.sentences if "secret" in sentence]


def test_an_unknown_part_is_told_with_the_nearest(tmp_path: Path, home: dict[str, str]) -> None:
    with pytest.raises(UserError, match="no part called 'mid': did you mean midi"):
        plan(drums([ALL]), ["mid"], tmp_path, home)
    with pytest.raises(UserError, match="No download is known that gives the part audio"):
        plan(drums([SMALL]), ["audio"], tmp_path, home)


def test_the_target_must_be_a_folder_of_its_own(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "drums").symlink_to(tmp_path)
    with pytest.raises(UserError, match="is a link"):
        plan(drums([ALL]), None, tmp_path, home)
    (tmp_path / "drums").unlink()
    (tmp_path / "drums").write_text("")
    with pytest.raises(UserError, match="is a file"):
        plan(drums([ALL]), None, tmp_path, home)
