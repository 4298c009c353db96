"""Hugging Face: its list in pages, its checksums, its gates; Kaggle and Zenodo in their own ways."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from inventory.fetching.shelves import SOUND, TAKES, Shelves, download, drums, zipped
from motet.errors import UserError
from motet.inventory.fetching import Patience, fetch, plan

HUB = {"name": "hub", "kind": "huggingface", "dataset": "ada/drums", "gives": ["midi", "table"]}
TREE = "/api/datasets/ada/drums/tree/main"


def got(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def entry(path: str, content: bytes, large: bool) -> dict[str, Any]:
    git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    told: dict[str, Any] = {"type": "file", "path": path, "size": len(content), "oid": git}
    if large:
        told |= {"oid": "0" * 40, "lfs": {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}}
    return told


def hub(shelves: Shelves, files: dict[str, bytes], **how: Any) -> None:
    entries: list[dict[str, Any]] = [{"type": "directory", "path": "data", "size": 0, "oid": ""}]
    for name, content in files.items():
        entries.append(entry(name, content, name.endswith((".mid", ".zip"))))
        shelves.put(f"/datasets/ada/drums/resolve/main/{name}", content, **how)
    half = len(entries) // 2
    shelves.put(
        f"{TREE}?recursive=true", json.dumps(entries[:half]).encode(), links=f'<{shelves.url}{TREE}?cursor=2>; rel="next"', **how
    )
    shelves.put(f"{TREE}?cursor=2", json.dumps(entries[half:]).encode(), **how)


@pytest.fixture
def environment(shelves: Shelves, home: dict[str, str]) -> dict[str, str]:
    return home | {"MOTET_HF_ENDPOINT": shelves.url, "MOTET_KAGGLE_ENDPOINT": shelves.url}


@pytest.mark.parametrize("top", ["", "data/"])
def test_only_the_files_of_the_parts_are_fetched(
    top: str, shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience
) -> None:
    hub(
        shelves,
        {f"{top}{name}": content for name, content in {**TAKES, **SOUND}.items()} | {"README.md": b"x", ".gitattributes": b"y"},
    )
    fetched = fetch(plan(drums([HUB]), None, tmp_path, environment), environment=environment, patience=hasty, workers=3)
    assert got(tmp_path / "drums") == TAKES
    assert fetched.bytes == sum(map(len, TAKES.values()))


@pytest.mark.parametrize("name, kind", [("drummer1/1.mid", "SHA-256"), ("info.csv", "git SHA-1")])
def test_every_file_is_checked(
    name: str, kind: str, shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience
) -> None:
    hub(shelves, TAKES)
    shelf = shelves[f"/datasets/ada/drums/resolve/main/{name}"]
    shelf.body = shelf.body[:-1] + b"!"
    with pytest.raises(UserError, match=rf"has another {kind} checksum .* look at https://huggingface.co/datasets/ada/drums"):
        fetch(plan(drums([HUB]), None, tmp_path, environment), environment=environment, patience=hasty)
    assert not (tmp_path / "drums").exists()


def test_files_that_have_come_are_not_asked_for_again(
    shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience
) -> None:
    hub(shelves, TAKES)
    last = shelves["/datasets/ada/drums/resolve/main/info.csv"]
    last.answers = [(500, {})] * 3
    made = plan(drums([HUB]), None, tmp_path, environment)
    with pytest.raises(UserError, match="answers 500"):
        fetch(made, environment=environment, patience=hasty, workers=1)
    fetched = fetch(made, environment=environment, patience=hasty, workers=1)
    assert fetched.resumed == sum(len(content) for name, content in TAKES.items() if name.endswith(".mid"))
    asked = [asked.path for asked in shelves.asked if "resolve" in asked.path and "info.csv" not in asked.path]
    assert sorted(asked) == sorted(set(asked))
    assert got(tmp_path / "drums") == TAKES


def test_archives_of_a_repository_are_unpacked_together(
    shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience
) -> None:
    halves = [dict(list(TAKES.items())[:2]), dict(list(TAKES.items())[2:])]
    hub(shelves, {"one.zip": zipped(halves[0]), "two.zip": zipped(halves[1]), "README.md": b"x"})
    fetch(plan(drums([{**HUB, "unpack": "zip"}]), None, tmp_path, environment), environment=environment, patience=hasty)
    assert got(tmp_path / "drums") == TAKES


def test_a_gated_one_is_asked_for_with_the_token(
    shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience
) -> None:
    hub(shelves, TAKES, key="Bearer hf_secret")
    gated = drums([{**HUB, "gated": True}])
    (tmp_path / "home/.cache/huggingface").mkdir(parents=True)
    (tmp_path / "home/.cache/huggingface/token").write_text("hf_wrong\n")
    with pytest.raises(UserError, match=r"answers 401, it wants to know who asks.* https://huggingface.co/datasets/ada/drums"):
        fetch(plan(gated, None, tmp_path, environment), environment=environment, patience=hasty)
    environment["HF_TOKEN"] = "hf_secret"
    fetch(plan(gated, None, tmp_path, environment), environment=environment, patience=hasty)
    assert got(tmp_path / "drums") == TAKES


@pytest.mark.parametrize("path", ["../evil.mid", "/etc/evil.mid", "a//b.mid", "a\\b.mid", 7])
def test_a_list_with_paths_of_its_own_choice(
    path: Any, shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience
) -> None:
    shelves.put(TREE, json.dumps([{**entry("a", b"x", False), "path": path}]).encode())
    with pytest.raises(UserError, match="the list of ada/drums holds a file that is none"):
        fetch(plan(drums([HUB]), None, tmp_path, environment), environment=environment, patience=hasty)


@pytest.mark.parametrize(
    "body, words",
    [(b"<html>", "cannot be read"), (b"{}", "cannot be read"), (b"[" * 100_000, "cannot be read"), (b"[]", "holds no file of")],
)
def test_a_list_that_is_none(
    body: bytes, words: str, shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience
) -> None:
    shelves.put(TREE, body)
    with pytest.raises(UserError, match=words):
        fetch(plan(drums([HUB]), None, tmp_path, environment), environment=environment, patience=hasty)


def test_a_list_that_goes_on_elsewhere(shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience) -> None:
    shelves.put(TREE, b"[]", links='<https://evil.example/x>; rel="next"')
    with pytest.raises(UserError, match="goes on with its list at another host"):
        fetch(plan(drums([HUB]), None, tmp_path, environment), environment=environment, patience=hasty)


def test_kaggle_by_name_and_key(shelves: Shelves, tmp_path: Path, environment: dict[str, str], hasty: Patience) -> None:
    environment |= {"KAGGLE_USERNAME": "ada", "KAGGLE_KEY": "secret"}
    shelves.put("/api/v1/datasets/download/ada/drums", zipped(TAKES), key="Basic YWRhOnNlY3JldA==")
    kaggle = {"name": "k", "kind": "kaggle", "dataset": "ada/drums", "gives": ["midi", "table"]}
    fetch(plan(drums([kaggle]), None, tmp_path, environment), environment=environment, patience=hasty)
    assert got(tmp_path / "drums") == TAKES


def test_zenodo_is_asked_for_the_download(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/records/1/files/drums.zip", zipped(TAKES))
    fetch(
        plan(drums([download(f"{shelves.url}/records/1/files/drums.zip", kind="zenodo")]), None, tmp_path, home),
        environment=home,
        patience=hasty,
    )
    assert shelves.asked[0].query == "download=1"
