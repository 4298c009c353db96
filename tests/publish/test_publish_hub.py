"""Publishing to the Hub: everything arrives by checksum, nothing twice, and no reader is pointed to half."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.errors import UserError
from motet.publish import hub as publishing
from motet.publish import hub_client, hub_trouble
from motet.publish.hub import publish, verify
from motet.publish.plan import Published, Refused

from .hub_server import Fault, Hub

pytest.importorskip("huggingface_hub")

NAME = "ada/tunes"
URL = f"hf://datasets/{NAME}"
TOKEN = "hf_right"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    import huggingface_hub.utils._http as http

    hurried = SimpleNamespace(sleep=lambda seconds: time.sleep(seconds / 100))  # the library's waits and ours, not the server's
    monkeypatch.setattr(http, "time", hurried)
    monkeypatch.setattr(hub_trouble, "time", hurried)
    with Hub().serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield hub


def some(folder: Path, files: dict[str, bytes]) -> Path:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small export: two large shards, lists, a card."""
    files = {
        "README.md": b"---\nlicense: cc0-1.0\n---\n# Tunes\n",
        "data/train-00000.parquet": b"PAR1" + bytes(range(256)) * 40,
        "data/test-00000.parquet": b"PAR1" + bytes(range(255, -1, -1)) * 30,
        "data/Ünïcode & more #1?.flac": b"fLaC" + bytes(5000),
        "captions.jsonl": '{"caption": "hä? — \'quoted\'"}\n'.encode(),
        "empty.txt": b"",
    }
    return some(tmp_path / "export", files)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def published(hub: Hub, revision: str = "main") -> dict[str, bytes]:
    """What is there of the folder: without the Hub's own file and our lists."""
    there = hub.files(NAME, revision).items()
    return {path: data for path, data in there if path != ".gitattributes" and not path.startswith(".motet")}


def latest(hub: Hub) -> dict[str, Any]:
    pointer: dict[str, Any] = json.loads(hub.read(NAME, ".motet/latest.json"))
    return pointer


def test_everything_arrives_by_checksum_and_the_pointer_comes_last(hub: Hub, folder: Path) -> None:
    done = publish(folder, URL, made_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert (done.version, done.sent, done.skipped) == (1, 6, 0)
    assert published(hub) == published(hub, "v1") == contents(folder)
    assert latest(hub) == {"version": 1, "tag": "v1", "manifest": ".motet/manifests/1.json"}
    manifest = json.loads(hub.read(NAME, ".motet/manifests/1.json", "v1"))
    assert manifest["made_at"] == "2026-01-02T00:00:00+00:00"
    assert hub.tokens_at_storage == 0
    assert {one["path"]: one["sha256"] for one in manifest["files"]} == {
        path: hashlib.sha256(data).hexdigest() for path, data in contents(folder).items()
    }
    history = hub.repos[NAME].history()
    assert ".motet/latest.json" in history[0].tree
    assert all(".motet/latest.json" not in commit.tree for commit in history[1:])
    assert verify(URL) == []


def test_the_library_itself_downloads_what_was_published(hub: Hub, folder: Path, tmp_path: Path) -> None:
    import huggingface_hub

    publish(folder, URL)
    huggingface_hub.HfApi(endpoint=hub.url).snapshot_download(
        NAME, repo_type="dataset", revision="v1", local_dir=tmp_path / "got", cache_dir=tmp_path / "hf"
    )
    got = contents(tmp_path / "got")
    assert {path: got[path] for path in contents(folder)} == contents(folder)


LOADER = """
import json, sys
import datasets
loaded = datasets.load_dataset("ada/tunes", revision=sys.argv[1])
print(json.dumps({split: rows["caption"][:] for split, rows in loaded.items()}))
"""


@pytest.mark.slow
def test_load_dataset_takes_a_version_and_not_our_lists(hub: Hub, tmp_path: Path) -> None:
    lines = {f"data/{split}.jsonl": json.dumps({"caption": f"a {split}"}).encode() for split in ("train", "test")}
    folder = some(tmp_path / "lines", lines)
    publish(folder, URL)
    (folder / "data/train.jsonl").write_text(json.dumps({"caption": "another"}))
    publish(folder, URL, replace=True)
    env = {**os.environ, "HF_HOME": str(tmp_path / "home")}
    for revision, caption in (("v1", "a train"), ("v2", "another"), ("main", "another")):
        loaded = subprocess.run([sys.executable, "-c", LOADER, revision], env=env, capture_output=True, timeout=120, check=True)
        assert json.loads(loaded.stdout.splitlines()[-1]) == {"train": [caption], "test": ["a test"]}


def test_a_new_repository_is_private_unless_it_is_to_be_public(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    publish(folder, "hf://datasets/ada/open", public=True)
    assert [one["visibility"] for one in hub.created] == ["private", "public"]


def test_the_second_time_nothing_is_sent(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    asked = len(hub.log)
    done = publish(folder, URL)
    assert (done.version, done.sent, done.skipped, done.bytes) == (1, 0, 6, 0)
    assert {method for method, _, _ in hub.log[asked:]} == {"GET"}


def test_dry_run_tells_sizes_and_changes_nothing(hub: Hub, folder: Path) -> None:
    done = publish(folder, URL, dry_run=True)
    assert (done.version, done.sent) == (1, 6)
    assert done.bytes == sum(map(len, contents(folder).values()))
    assert hub.repos == {}
    assert {method for method, _, _ in hub.log} == {"GET"}


def test_progress_is_told_by_commit(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "FILES", 2)
    told: list[tuple[int, int]] = []
    publish(folder, URL, watch=lambda files, octets: told.append((files, octets)))
    assert [files for files, _ in told] == [2, 4, 6]
    assert told[-1][1] == sum(map(len, contents(folder).values()))
    assert published(hub) == contents(folder)
    titles = [commit.title for commit in hub.repos[NAME].history()]
    assert titles[0] == "Version 1"
    assert "README.md" in hub.repos[NAME].history()[2].tree
    assert "README.md" not in hub.repos[NAME].history()[3].tree  # the card is in the last commit of files


def test_what_exists_is_not_overwritten_unless_asked_and_the_old_version_stays(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    before = contents(folder)
    (folder / "captions.jsonl").write_text("other words\n")
    (folder / "data/test-00000.parquet").unlink()
    head = hub.repos[NAME].branches["main"]
    with pytest.raises(Refused, match=r"captions\.jsonl.*replace") as refused:
        publish(folder, URL)
    assert refused.value.paths == ("captions.jsonl",)
    assert hub.repos[NAME].branches["main"] == head

    done = publish(folder, URL, replace=True)
    assert (done.version, done.sent, done.gone) == (2, 1, ("data/test-00000.parquet",))
    assert published(hub) == published(hub, "v2") == contents(folder)
    assert published(hub, "v1") == before
    assert latest(hub)["tag"] == "v2"
    assert verify(URL) == []


def test_files_gone_from_the_folder_want_replace_too(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    (folder / "empty.txt").unlink()
    with pytest.raises(Refused, match=r"no longer in the folder \(empty.txt\)"):
        publish(folder, URL)


def test_new_files_are_a_new_version_without_replace(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    (folder / "data/extra.parquet").write_bytes(b"PAR1 more")
    assert publish(folder, URL).version == 2
    assert published(hub, "v2") == contents(folder)


def test_a_strangers_file_is_refused_where_it_differs_and_kept_where_it_is_none_of_ours(hub: Hub, folder: Path) -> None:
    hub.create(NAME)
    hub.put(NAME, {"captions.jsonl": b"theirs", "notes.txt": b"theirs", "empty.txt": b""})
    with pytest.raises(Refused, match="in the repository would be overwritten"):
        publish(folder, URL)
    done = publish(folder, URL, replace=True)
    assert done.skipped == 1
    assert published(hub) == {**contents(folder), "notes.txt": b"theirs"}


@pytest.mark.parametrize("card", [b"", b"---\nlicense: mit\n---\n", b"---\nlicense: mit\n---\n\n# tunes\n"])
def test_the_empty_card_of_the_hub_gives_way(hub: Hub, folder: Path, card: bytes) -> None:
    hub.create(NAME)
    hub.put(NAME, {"README.md": card})
    publish(folder, URL)
    assert published(hub) == contents(folder)


def test_a_card_that_someone_wrote_does_not(hub: Hub, folder: Path) -> None:
    hub.create(NAME)
    hub.put(NAME, {"README.md": b"---\nlicense: mit\n---\n# tunes\nMy own words.\n"})
    with pytest.raises(Refused, match=r"README\.md"):
        publish(folder, URL)


def test_the_hubs_gitattributes_stay_the_hubs(hub: Hub, folder: Path) -> None:
    (folder / ".gitattributes").write_text("* -text\n")
    done = publish(folder, URL)
    assert hub.read(NAME, ".gitattributes") != b"* -text\n"
    assert "Hub keeps its own" in done.remarks[0]


def test_another_branch_has_versions_of_its_own(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    (folder / "captions.jsonl").write_text("for the branch\n")
    with pytest.raises(Refused):
        publish(folder, f"{URL}@small")
    assert publish(folder, f"{URL}@small", replace=True).version == 2  # the branch began at main, with its pointer
    assert published(hub, "small") == contents(folder)
    assert published(hub) != contents(folder)
    assert hub.repos[NAME].tags.keys() == {"v1", "small-v2"}
    assert publish(folder, f"{URL}@small").sent == 0
    assert verify(f"{URL}@small") == verify(URL) == []


def test_a_takedown_says_that_history_holds_on_and_squash_lets_go(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    taken = (folder / "data/train-00000.parquet").read_bytes()
    (folder / "data/train-00000.parquet").unlink()
    done = publish(folder, URL, forget=True)
    assert done.gone == ("data/train-00000.parquet",)
    assert "history and the tags of older versions still hold" in done.remarks[-1]
    assert not any(b"train-00000" in data for path, data in hub.files(NAME).items() if path.startswith(".motet"))
    assert hub.read(NAME, "data/train-00000.parquet", "v1") == taken

    done = publish(folder, URL, forget=True, squash=True)
    assert hashlib.sha256(taken).hexdigest() not in hub.objects
    assert not any("data/train-00000.parquet" in commit.tree for commit in hub.repos[NAME].history())
    assert set(hub.repos[NAME].tags) == {f"v{done.version}"}
    assert published(hub, f"v{done.version}") == contents(folder)
    assert verify(URL) == []


def test_a_takedown_of_what_was_replaced_before_leaves_no_list_that_names_it(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    (folder / "data/train-00000.parquet").unlink()
    publish(folder, URL, replace=True)
    assert any(b"train-00000" in data for data in hub.files(NAME).values())
    assert publish(folder, URL, forget=True).version == 3
    assert not any(b"train-00000" in data for data in hub.files(NAME).values())
    assert publish(folder, URL, forget=True).version == 3


@pytest.mark.parametrize("after", ["POST /super-squash/", "POST /tag/", "DELETE /tag/", "GET /lfs-files", "POST /lfs-files/"])
def test_a_takedown_cut_off_anywhere_is_finished_by_the_next(hub: Hub, folder: Path, after: str) -> None:
    publish(folder, URL)
    taken = hashlib.sha256((folder / "data/train-00000.parquet").read_bytes()).hexdigest()
    (folder / "data/train-00000.parquet").unlink()
    method, path = after.split()
    hub.faults = [Fault(method, path, status=403)]
    with pytest.raises(UserError):
        publish(folder, URL, forget=True, squash=True)
    assert hub.faults == []
    assert readable(hub)
    publish(folder, URL, forget=True, squash=True)
    assert taken not in hub.objects
    repo = hub.repos[NAME]
    reached = [commit for revision in ["main", *repo.tags] for commit in repo.history(revision)]
    assert not any("data/train-00000.parquet" in commit.tree for commit in reached)
    assert not any(b"train-00000" in data for data in hub.files(NAME).values())
    assert verify(URL) == []


def test_a_tag_that_is_someone_elses_is_passed_over(hub: Hub, folder: Path) -> None:
    repo = hub.create(NAME)
    first = repo.tags["v1"] = repo.branches["main"]
    assert publish(folder, URL).version == 2
    assert repo.tags == {"v1": first, "v2": repo.tags["v2"]}


def test_verify_finds_what_was_damaged_behind_our_back(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    hub.put(NAME, {"captions.jsonl": b"garbled"})
    repo = hub.repos[NAME]
    del repo.commits[repo.branches["main"]].tree["empty.txt"]
    assert {(fault.rule, fault.where) for fault in verify(URL)} == {("damaged", "captions.jsonl"), ("missing", "empty.txt")}
    del repo.tags["v1"]
    assert ("missing", "v1") in {(fault.rule, fault.where) for fault in verify(URL)}
    hub.put(NAME, {".motet/latest.json": b'{"version": 1, "tag": "v9", "manifest": "../../x"}'})
    assert [(fault.rule, fault.where) for fault in verify(URL)] == [("damaged", ".motet/latest.json")]
    assert [fault.rule for fault in verify("hf://datasets/ada/none")] == ["nothing published"]


FAULTS = {
    "server errors": [Fault("PUT", "/storage/", status=503, times=3), Fault("POST", "/preupload/", status=500)],
    "asked to wait": [Fault("POST", "/lfs/objects/batch", 429, {"Retry-After": "1"}), Fault("GET", "/tree/", 429)],
    "commit refused once": [Fault("POST", "/commit/", status=502)],
    "commit done, answer lost": [Fault("POST", "/commit/", late=True, times=2)],
    "dropped mid-upload": [Fault("PUT", "/storage/", drop_after=700, times=2)],
    "dropped mid-commit": [Fault("POST", "/commit/", drop_after=50)],
    "tag made, answer lost": [Fault("POST", "/tag/", late=True)],
    "repository made, answer lost": [Fault("POST", "/repos/create", late=True)],
    "slow": [Fault("POST", "/commit/", slow=0.2), Fault("PUT", "/storage/", slow=0.2)],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
def test_trouble_that_passes_is_waited_for(hub: Hub, folder: Path, faults: list[Fault]) -> None:
    hub.faults = [Fault(**vars(fault)) for fault in faults]
    publish(folder, URL)
    assert hub.faults == []
    assert published(hub, "v1") == contents(folder)
    assert len({commit.oid for commit in hub.repos[NAME].history()}) == 4  # first, files, list, pointer: none twice
    assert verify(URL) == []


def test_large_files_go_in_parts_and_a_lost_part_is_sent_again(hub: Hub, folder: Path) -> None:
    hub.part = 1000
    hub.faults = [Fault("PUT", r"/storage/\w+/3", drop_after=10)]
    publish(folder, URL)
    assert published(hub) == contents(folder)
    assert hub.count("PUT", r"/storage/\w+/\d+") > 20


REFUSALS = {
    "bad token": (Fault("GET", "/api/datasets", 401, message="Invalid credentials"), "does not accept the token"),
    "no right": (Fault("POST", "/commit/", 403, message=f"no write for {TOKEN}"), "may not do this"),
    "gone": (Fault("POST", "/preupload/", 404), "is not on the Hub"),
    "no room": (Fault("POST", "/objects/batch", 402, message="over quota"), "over quota"),
    "too large": (Fault("POST", "/commit/", 413), "smaller shards"),
    "limit of commits": (Fault("POST", "/commit/", 429, {"Retry-After": "3600"}), "asks to wait 3,600 seconds"),
    "down": (Fault("GET", "/api/datasets", 503, times=100), "in trouble"),
    "cut": (Fault("GET", "/api/datasets", drop_after=0, times=100), "connection to the Hub was lost"),
    "bad card": (Fault("POST", "/validate-yaml", 400, message="bad yaml"), "README.md"),
}


@pytest.mark.parametrize(("fault", "words"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_a_person_has_to_mend_is_one_sentence_without_the_token(hub: Hub, folder: Path, fault: Fault, words: str) -> None:
    hub.faults = [Fault(**vars(fault))]
    with pytest.raises(UserError, match=words) as told:
        publish(folder, URL)
    said = str(told.value)
    assert TOKEN not in said
    assert hub.url not in said
    assert "\n" not in said
    assert len(said) < 350
    hub.faults = []
    publish(folder, URL)
    assert published(hub) == contents(folder)


@pytest.mark.parametrize(
    "where", ["GET /tree/", "GET /refs", "POST /preupload/", "POST /objects/batch", "POST /commit/", "GET /revision/"]
)
def test_an_answer_that_makes_no_sense_is_told_and_nobody_is_pointed_to_it(hub: Hub, folder: Path, where: str) -> None:
    method, path = where.split()
    hub.create(NAME)
    hub.faults = [Fault(method, path, status=200, message="<html>")]
    with pytest.raises(UserError, match="could not be published"):
        publish(folder, URL)
    assert ".motet/latest.json" not in hub.files(NAME)
    assert publish(folder, URL).version == 1
    assert published(hub) == contents(folder)


@pytest.mark.parametrize("where", ["GET /refs", "POST /commit/", "POST /tag/"])
def test_a_server_that_falls_silent_is_not_waited_for_for_ever(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    method, path = where.split()
    monkeypatch.setattr(hub_client, "STALLED", 0.25)
    hub.faults = [Fault(method, path, 400, slow=0.6)]  # who waits for the answer is refused
    publish(folder, URL)
    assert hub.faults == []
    assert published(hub, "v1") == contents(folder)
    assert len(hub.repos[NAME].history()) == 4


def test_a_file_that_changes_meanwhile_stops_it_before_the_pointer(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "FILES", 1)

    def meanwhile(files: int, octets: int) -> None:
        (folder / "empty.txt").write_text("no longer")

    with pytest.raises(UserError, match=r"empty\.txt changed while it was published"):
        publish(folder, URL, watch=meanwhile)
    assert ".motet/latest.json" not in hub.files(NAME)
    assert publish(folder, URL).version == 1


def test_a_file_that_changes_while_it_is_sent_stops_it_too(hub: Hub, folder: Path) -> None:
    hub.faults = [fault := Fault("POST", "/commit/", slow=0.3)]

    def meanwhile() -> None:
        while fault in hub.faults:
            time.sleep(0.002)
        (folder / "data/train-00000.parquet").write_bytes(b"other bytes")

    thread = Thread(target=meanwhile, daemon=True)
    thread.start()
    with pytest.raises(UserError, match=r"train-00000\.parquet changed while it was published"):
        publish(folder, URL)
    thread.join()
    assert ".motet/latest.json" not in hub.files(NAME)


def test_without_network_or_library_it_says_so(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    with monkeypatch.context() as offline:
        offline.setattr(huggingface_hub.constants, "is_offline_mode", lambda: True)
        with pytest.raises(UserError, match="HF_HUB_OFFLINE"):
            publish(folder, URL)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(UserError, match=r'pip install "motet\[hub\]"'):
        publish(folder, URL)


def test_nobody_gets_in_with_a_wrong_token_or_without_one(
    hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import huggingface_hub.constants

    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(UserError, match="does not accept the token"):
        publish(folder, URL)
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    with pytest.raises(UserError, match="hf auth login"):
        publish(folder, URL)
    assert hub.repos == {}


def test_the_token_of_hf_auth_login_is_taken(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import huggingface_hub.constants

    (tmp_path / "token").write_text(TOKEN + "\n")
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    assert publish(folder, URL).version == 1


@pytest.mark.parametrize(
    "url",
    [
        "hf://models/ada/tunes",
        "hf://datasets/ada",
        f"hf://{TOKEN}@datasets/ada/tunes",
        "hf://datasets/ada/tunes/extra",
        "hf://datasets/ada/..",
        "hf://datasets/ada/tunes?x=1",
        "hf://datasets/ada/tunes@-x",
        "https://huggingface.co/datasets/ada/tunes",
    ],
)
def test_other_addresses_are_refused_without_repeating_them(folder: Path, url: str) -> None:
    with pytest.raises(UserError, match=r"hf://datasets/owner/name") as told:
        publish(folder, url)
    assert TOKEN not in str(told.value)


def test_an_endpoint_with_a_password_is_refused(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "https://ada:secret@example.org")
    with pytest.raises(UserError, match="without a user or password") as told:
        publish(folder, URL)
    assert "secret" not in str(told.value)


def test_a_folder_the_hub_takes_no_files_of_is_told_before_anything_is_sent(hub: Hub, folder: Path) -> None:
    (folder / ".cache").mkdir()
    (folder / ".cache" / "x").write_text("x")
    with pytest.raises(UserError, match=r"\.cache/x cannot be on the Hub"):
        publish(folder, URL)
    assert hub.log == []


def test_files_that_a_gitignore_keeps_out_are_missed(hub: Hub, folder: Path) -> None:
    hub.create(NAME)
    hub.put(NAME, {".gitignore": b"*.parquet\n"})
    with pytest.raises(UserError, match=r"2 files did not arrive.*\.gitignore"):
        publish(folder, URL)
    assert ".motet/latest.json" not in hub.files(NAME)
    assert hub.repos[NAME].tags == {}


def test_someone_elses_commit_in_between_is_noticed(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    (folder / "new.txt").write_text("new")

    def meanwhile(files: int, octets: int) -> None:
        hub.put(NAME, {"theirs.txt": b"theirs"})

    with pytest.raises(UserError, match="Someone else changed ada/tunes meanwhile"):
        publish(folder, URL, watch=meanwhile)
    assert latest(hub)["version"] == 1
    assert publish(folder, URL).version == 2
    assert published(hub) == {**contents(folder), "theirs.txt": b"theirs"}


def test_a_version_cut_off_before_its_pointer_is_finished_or_passed_over(hub: Hub, folder: Path) -> None:
    hub.faults = [Fault("POST", "/commit/", status=403, skip=2)]  # the pointer
    with pytest.raises(UserError):
        publish(folder, URL)
    assert set(hub.repos[NAME].tags) == {"v1"}
    assert ".motet/latest.json" not in hub.files(NAME)
    stored = hub.stored.copy()
    assert publish(folder, URL).version == 1
    assert hub.stored == stored

    (folder / "a.txt").write_text("a")
    hub.faults = [Fault("POST", "/commit/", status=403, skip=2)]
    with pytest.raises(UserError):
        publish(folder, URL)
    (folder / "b.txt").write_text("b")
    assert publish(folder, URL).version == 3  # the tag v2 is of other files
    assert published(hub, "v3") == contents(folder)


def test_files_with_equal_bytes_all_arrive(hub: Hub, tmp_path: Path) -> None:
    data = bytes(range(256)) * 2000
    folder = some(tmp_path / "twins", {f"{name}.flac": data for name in "abcdefgh"} | {"c.txt": b"c", "d.txt": b"c"})
    publish(folder, URL)
    assert published(hub) == contents(folder)


def test_two_at_once_do_not_mix(hub: Hub, folder: Path, tmp_path: Path) -> None:
    other = some(tmp_path / "other", {**contents(folder), "captions.jsonl": b"the other's", "other.bin": b"the other's"})
    (tmp_path / "home").mkdir()
    both = [publisher(hub, one, tmp_path / "home") for one in (folder, other)]
    said = [process.communicate()[0] for process in both]
    for process, words in zip(both, said, strict=True):
        assert process.returncode == 0 or re.search(rb"UserError: .*publish again", words), words.decode()
    assert readable(hub)
    for one in (folder, other):  # the one that lost goes on
        publish(one, URL, replace=True)
        assert published(hub, latest(hub)["tag"]) == contents(one)


@given(
    st.lists(st.dictionaries(st.sampled_from(["a.txt", "b/c.bin", "README.md"]), st.binary(max_size=3), min_size=1), max_size=4)
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_version_keeps_its_bytes(
    hub: Hub, tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, bytes]]
) -> None:
    hub.repos.clear()
    versions: dict[int, dict[str, bytes]] = {}
    for files in history:
        texts = {path: data.hex().encode() for path, data in files.items()}  # a card is text
        version = publish(some(tmp_path_factory.mktemp("any") / "export", texts), URL, replace=True).version
        assert versions.setdefault(version, texts) == texts
    for version, texts in versions.items():
        assert published(hub, f"v{version}") == texts
    assert sorted(versions) == list(range(1, len(versions) + 1))


def test_more_files_than_a_page_of_the_listing(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.page = 7
    monkeypatch.setattr(publishing, "FILES", 10)
    for number in range(40):
        path = tmp_path / "many" / f"{number % 4}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    publish(tmp_path / "many", URL)
    assert len(published(hub)) == 40
    assert publish(tmp_path / "many", URL).sent == 0


def test_where_xet_is_off_the_library_sends_the_files_by_itself(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    publish(folder, URL)
    assert published(hub) == contents(folder)
    assert hub.count("GET", "xet-write-token") == 0


def test_a_server_is_asked_once_whether_it_has_xet(hub: Hub, folder: Path) -> None:
    publish(folder, URL)
    assert hub.count("GET", "xet-write-token") == 1


def test_commits_hold_no_more_than_may_be_in_memory(hub: Hub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "INLINE", 100)
    publish(folder, URL)
    assert published(hub) == contents(folder)
    assert len(hub.repos[NAME].history()) > 6


def test_the_users_settings_are_as_before(hub: Hub, folder: Path) -> None:
    import huggingface_hub
    from huggingface_hub.utils import are_progress_bars_disabled

    library = logging.getLogger("huggingface_hub")
    before = dict(os.environ), library.level, are_progress_bars_disabled(), huggingface_hub.get_session().timeout
    publish(folder, URL)
    assert (dict(os.environ), library.level, are_progress_bars_disabled(), huggingface_hub.get_session().timeout) == before


PUBLISHER = """
import sys
from pathlib import Path
from motet.publish import hub
hub.FILES = 3
done = hub.publish(Path(sys.argv[1]), sys.argv[2], replace=True, watch=lambda *sent: None)
print(done)
"""


def publisher(hub: Hub, folder: Path, home: Path, token: str = TOKEN) -> subprocess.Popen[bytes]:
    given = {"HF_ENDPOINT": hub.url, "HF_TOKEN": token, "HF_HOME": str(home), "XDG_CACHE_HOME": str(home), "HF_DEBUG": "1"}
    command = [sys.executable, "-c", PUBLISHER, str(folder), URL]
    return subprocess.Popen(command, env={**os.environ, **given}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def readable(hub: Hub) -> bool:
    """Whether a reader who follows the pointer finds all that its version promises."""
    with hub.lock:
        if NAME not in hub.repos or ".motet/latest.json" not in hub.files(NAME):
            return True
        pointer = latest(hub)
        manifest = json.loads(hub.read(NAME, pointer["manifest"], pointer["tag"]))
        there = hub.files(NAME, pointer["tag"])
        return all(hashlib.sha256(there[one["path"]]).hexdigest() == one["sha256"] for one in manifest["files"])


def killed_and_resumed(hub: Hub, folder: Path, home: Path, kills: int) -> None:
    """The publisher is killed after more and more requests, spread over all that one undisturbed publication makes."""
    home.mkdir()
    for number in range(10):
        (folder / f"data/shard-{number}.parquet").write_bytes(b"PAR1" + bytes([number]) * 20000)
    whole = 60  # requests, about
    killed = 0
    for kill in range(kills):
        begun, stop = len(hub.log), 2 + kill * whole // kills % 25
        process = publisher(hub, folder, home)
        while process.poll() is None and len(hub.log) - begun < stop:
            assert readable(hub)
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert readable(hub)
        if kill % 4 == 3:
            (folder / "captions.jsonl").write_text(f"version of kill {kill}\n")
    assert killed >= min(kills, 3)
    process = publisher(hub, folder, home)
    output, _ = process.communicate()
    assert process.returncode == 0, output.decode()
    assert published(hub) == contents(folder)
    assert verify(URL) == []
    assert set(hub.stored.values()) == {1}, "an object that had arrived was sent again"
    asked = len(hub.log)
    assert publish(folder, URL).sent == 0
    assert {method for method, _, _ in hub.log[asked:]} == {"GET"}


def test_killed_at_any_moment_it_goes_on(hub: Hub, folder: Path, tmp_path: Path) -> None:
    killed_and_resumed(hub, folder, tmp_path / "home", 3)


@pytest.mark.slow
def test_killed_twenty_times_it_goes_on(hub: Hub, folder: Path, tmp_path: Path) -> None:
    killed_and_resumed(hub, folder, tmp_path / "home", 20)


@pytest.mark.slow
@pytest.mark.parametrize("skip", range(4))
@pytest.mark.parametrize("where", ["POST /repos/create", "PUT /storage/", "POST /commit/", "POST /tag/"])
def test_killed_while_the_server_is_at_it(hub: Hub, folder: Path, tmp_path: Path, where: str, skip: int) -> None:
    """What was asked is done after the one who asked is dead."""
    (tmp_path / "home").mkdir()
    method, path = where.split()
    hub.faults = [fault := Fault(method, path, slow=0.3, skip=skip)]
    process = publisher(hub, folder, tmp_path / "home")
    while process.poll() is None and fault in hub.faults:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    time.sleep(0.4)
    hub.faults = []
    assert readable(hub)
    assert publish(folder, URL).version == 1
    assert published(hub, "v1") == contents(folder)
    assert set(hub.stored.values()) == {1}
    assert verify(URL) == []


def test_the_token_is_nowhere_but_in_requests(hub: Hub, folder: Path, tmp_path: Path) -> None:
    """Planted, and looked for in all that a publisher prints, even with the library's debugging on, and in all it leaves."""
    secret = "PlantedSecretNobodyMaySee"
    hub.tokens[secret] = "ada"
    (tmp_path / "home").mkdir()
    hub.faults = [
        Fault("PUT", "/storage/", status=503),
        Fault("POST", "/commit/", 400, message=f"denied to {secret}", skip=1),
    ]
    failed = publisher(hub, folder, tmp_path / "home", secret)
    said = failed.communicate()[0]
    assert failed.returncode != 0
    assert b"denied to" in said
    went = publisher(hub, folder, tmp_path / "home", secret)
    said += went.communicate()[0]
    assert went.returncode == 0, said.decode()
    assert secret.encode() not in said
    for path in tmp_path.rglob("*"):
        assert secret not in str(path)
        assert not path.is_file() or secret.encode() not in path.read_bytes()
    assert not any(secret.encode() in data for data in hub.files(NAME).values())
    assert all(isinstance(done, Published) for done in [publish(folder, URL)])
