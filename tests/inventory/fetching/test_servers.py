"""Servers that fail, in every way one does: one clear sentence, and nothing half-published."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from inventory.fetching.shelves import TAKES, Shelves, below, download, drums, serving, zipped
from motet.errors import UserError
from motet.inventory.fetching import Patience, fetch, plan
from motet.inventory.fetching.exchange import Refused, redirected

ARCHIVE = zipped(below("drums", TAKES))
LARGE = zipped({**TAKES, "more.bin": bytes(range(256)) * 4000})


def got(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Told:
    """A watch that remembers."""

    def __init__(self) -> None:
        self.octets: dict[str, int] = {}
        self.sentences: list[str] = []
        self.ended: list[str] = []

    def begins(self, name: str, octets: int | None) -> None:
        self.octets[name] = 0

    def advances(self, name: str, octets: int) -> None:
        self.octets[name] += octets

    def notes(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def ends(self, name: str) -> None:
        self.ended.append(name)


Failing = Callable[..., str]


@pytest.fixture
def failing(tmp_path: Path, home: dict[str, str], hasty: Patience) -> Failing:
    """The sentence of a fetch that must fail, and leave nothing to see."""

    def run(downloads: list[dict[str, Any]], patience: Patience = hasty) -> str:
        with pytest.raises(UserError) as told:
            fetch(plan(drums(downloads), None, tmp_path, home), environment=home, patience=patience)
        assert not (tmp_path / "drums").exists()
        assert str(told.value).endswith(".")
        assert told.value.exit_code == 1
        return str(told.value)

    return run


def test_a_dataset_arrives(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/drums.zip", ARCHIVE)
    told = Told()
    made = plan(drums([download(f"{shelves.url}/drums.zip", ARCHIVE)]), None, tmp_path, home)
    fetched = fetch(made, watch=told, environment=home, patience=hasty)
    assert got(tmp_path / "drums") == TAKES  # and no drums/drums
    assert fetched.files == {"midi": 3, "table": 1}
    assert fetched.bytes == told.octets["midi"] == len(ARCHIVE)
    assert (fetched.resumed, fetched.notes) == (0, ())
    assert sorted(told.ended) == ["midi", "midi (unpacking)"]
    assert [path.name for path in tmp_path.iterdir()] == ["drums"]  # nothing of the work is left


def test_it_works_inside_a_running_event_loop(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    import asyncio

    shelves.put("/drums.zip", ARCHIVE)
    made = plan(drums([download(f"{shelves.url}/drums.zip", ARCHIVE)]), None, tmp_path, home)

    async def notebook() -> int:
        return fetch(made, environment=home, patience=hasty).files["midi"]

    assert asyncio.run(notebook()) == 3


def test_a_wrong_checksum(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", ARCHIVE)
    wrong = download(f"{shelves.url}/drums.zip", ARCHIVE, sha256="0" * 64)
    assert "has another SHA-256 checksum than the published one" in failing([wrong])
    wrong = download(f"{shelves.url}/drums.zip", md5="0" * 32, source="us")
    assert "has another MD5 checksum than the published one" in failing([wrong])
    wrong = download(f"{shelves.url}/drums.zip", sha1="0" * 40, source="us")
    assert "has another SHA-1 checksum than the published one" in failing([wrong])


def test_a_wrong_size_is_told_before_it_is_downloaded(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", LARGE, drip=0.01, step=4096)
    wrong = download(f"{shelves.url}/drums.zip", bytes=999_999_999, source="us")
    assert f"offers {len(LARGE):,} bytes where 999,999,999 are published" in failing([wrong])
    assert shelves.sent < len(LARGE)


def test_a_body_that_always_ends_early(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", LARGE, length=len(LARGE) + 100, ranges=False)
    sentence = failing([download(f"{shelves.url}/drums.zip")])
    assert f"after {len(LARGE):,} of {len(LARGE) + 100:,} bytes, 3 times in a row" in sentence


def test_a_body_of_unknown_length_that_ends_early(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", ARCHIVE[:-30], sized=False)
    assert "not unpacked: it has no directory of members at its end" in failing([download(f"{shelves.url}/drums.zip")])


def test_more_bytes_than_published(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", ARCHIVE + bytes(1000), sized=False)
    assert "sends more than the" in failing([download(f"{shelves.url}/drums.zip", ARCHIVE)])


@pytest.mark.parametrize(
    "status, words", [(404, "there is no such file"), (403, "does not let us have"), (410, "is gone"), (401, "who asks")]
)
def test_what_is_refused_is_not_asked_for_twice(status: int, words: str, shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", answers=[(status, {})] * 5)
    assert words in failing([download(f"{shelves.url}/drums.zip")])
    assert len(shelves.asked) == 1


def test_the_wait_a_server_asks_for_is_kept(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/drums.zip", ARCHIVE, answers=[(429, {"Retry-After": "1"})])
    told = Told()
    begun = time.monotonic()
    fetch(plan(drums([download(f"{shelves.url}/drums.zip")]), None, tmp_path, home), watch=told, environment=home, patience=hasty)
    assert time.monotonic() - begun >= 1.0  # a lower bound, which no slow machine breaks
    assert any("answers 429, too many requests; the next try is in 1" in sentence for sentence in told.sentences)
    assert got(tmp_path / "drums") == TAKES


def test_a_wait_that_is_too_long_is_told(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", ARCHIVE, answers=[(429, {"Retry-After": "7200"})])
    assert "asks to wait 2 h 0 min" in failing([download(f"{shelves.url}/drums.zip")])


def test_errors_of_the_server_pass(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/drums.zip", ARCHIVE, answers=[(500, {}), (503, {"Retry-After": "0"})])
    fetch(plan(drums([download(f"{shelves.url}/drums.zip")]), None, tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == TAKES


def test_errors_that_do_not_pass(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", answers=[(500, {})] * 9)
    assert "answers 500, 3 times in a row" in failing([download(f"{shelves.url}/drums.zip")])
    assert len(shelves.asked) == 3


def test_nobody_answers(failing: Failing) -> None:
    with serving() as gone:
        address = f"{gone.url}/drums.zip"
    assert "cannot be reached, 3 times in a row" in failing([download(address)])


def test_redirects_in_a_circle(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", to="/other.zip")
    shelves.put("/other.zip", to="/drums.zip")
    assert "redirects in a circle" in failing([download(f"{shelves.url}/drums.zip")])


def test_redirects_without_end(shelves: Shelves, failing: Failing) -> None:
    for n in range(30):
        shelves.put(f"/{n}", to=f"/{n + 1}")
    assert "redirects more than 10 times" in failing([download(f"{shelves.url}/0")])


@pytest.mark.parametrize("to", ["ftp://a.example/x", "file:///etc/passwd", "http://[::1"])
def test_redirects_to_what_is_no_address(to: str, shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", to=to)
    assert "redirects to what is no address" in failing([download(f"{shelves.url}/drums.zip")])


def test_a_web_page_in_place_of_the_archive(shelves: Shelves, failing: Failing) -> None:
    page = b"<!DOCTYPE html><html><body>Sign in</body></html>"
    shelves.put("/drums.zip", page, type="text/html; charset=utf-8")
    assert "sent a web page in place of the file" in failing([download(f"{shelves.url}/drums.zip")])
    assert "sent a web page in place of the file" in failing([download(f"{shelves.url}/drums.zip", ARCHIVE)])
    shelves.put("/drums.zip", b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>')
    assert "sent a web page in place of the file" in failing([download(f"{shelves.url}/drums.zip")])


def test_other_things_in_place_of_the_archive(shelves: Shelves, failing: Failing) -> None:
    shelves.put("/drums.zip", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    assert "sent a Git-LFS pointer in place of the file" in failing([download(f"{shelves.url}/drums.zip")])
    shelves.put("/drums.zip", b'{"error": "no"}', type="application/json")
    assert "sent text (application/json) in place of the file" in failing([download(f"{shelves.url}/drums.zip")])
    shelves.put("/drums.zip", b"\x00" * 5000)
    assert "sent something that is no zip archive in place of the file" in failing([download(f"{shelves.url}/drums.zip")])
    shelves.put("/drums.zip", b"")
    assert "sent an empty file" in failing([download(f"{shelves.url}/drums.zip")])


def test_an_archive_said_to_be_a_web_page_is_an_archive(
    shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    shelves.put("/drums.zip", ARCHIVE, type="text/html")
    fetch(plan(drums([download(f"{shelves.url}/drums.zip", ARCHIVE)]), None, tmp_path, home), environment=home, patience=hasty)
    assert got(tmp_path / "drums") == TAKES


@pytest.mark.parametrize("step", [1, 600])
def test_a_server_that_drips_is_left(step: int, shelves: Shelves, failing: Failing) -> None:
    """Every byte comes before any read would time out."""
    shelves.put("/drums.zip", LARGE, drip=0.1, step=step)
    impatient = Patience(quiet=0.5, least=4000, tries=2, first_wait=0.01)
    assert "sends too slowly, or nothing" in failing([download(f"{shelves.url}/drums.zip")], impatient)


def test_mirrors_are_tried_in_order(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/bad.zip", zipped({"../evil": b"x"}))
    shelves.put("/good.zip", ARCHIVE)
    mirrors = [download(f"{shelves.url}/{name}.zip") for name in ("none", "bad", "good", "never")]
    fetched = fetch(plan(drums(mirrors), None, tmp_path, home), environment=home, patience=hasty)
    assert [asked.path for asked in shelves.asked] == ["/none.zip", "/bad.zip", "/good.zip"]
    assert got(tmp_path / "drums") == TAKES
    assert ["there is no such file" in fetched.notes[0], "climbs out" in fetched.notes[1]] == [True, True]


def test_all_mirrors_fail_in_one_sentence(shelves: Shelves, failing: Failing) -> None:
    mirrors = [download(f"{shelves.url}/{name}.zip") for name in "abc"]
    sentence = failing(mirrors)
    assert sentence.count("there is no such file; its next mirror: ") == 2
    assert sentence.endswith("there is no such file; try again later, or look at https://drums.example/.")


def test_connections_that_break_off_are_gone_on_with(
    shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    shelves.put("/drums.zip", LARGE, cut=[300_000, 300_000, 300_000])
    patience = Patience(quiet=2, least=1, tries=2, enough=200_000, first_wait=0.01)
    told = Told()
    fetched = fetch(
        plan(drums([download(f"{shelves.url}/drums.zip", LARGE)]), None, tmp_path, home),
        watch=told,
        environment=home,
        patience=patience,
    )
    assert fetched.bytes == len(LARGE) == told.octets["midi"]
    assert "Range" not in shelves.asked[0].headers
    assert all(asked.headers["If-Range"] == '"one"' for asked in shelves.asked[1:])
    assert len(shelves.asked) == 4


def test_a_server_without_ranges_starts_over(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/drums.zip", LARGE, cut=[300_000], ranges=False)
    told = Told()
    fetch(
        plan(drums([download(f"{shelves.url}/drums.zip", LARGE)]), None, tmp_path, home),
        watch=told,
        environment=home,
        patience=hasty,
    )
    assert any("is sent whole only; it is fetched from its beginning" in sentence for sentence in told.sentences)
    assert told.octets["midi"] == len(LARGE)


def test_a_file_that_changed_half_way_starts_over(
    shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    other = zipped({**TAKES, "more.bin": bytes(range(255, -1, -1)) * 4000})
    shelf = shelves.put("/drums.zip", other, cut=[300_000])
    told = Told()

    class Changing(Told):
        def notes(self, sentence: str) -> None:
            told.notes(sentence)
            shelf.body, shelf.etag = LARGE, '"two"'

    made = plan(drums([download(f"{shelves.url}/drums.zip")]), None, tmp_path, home)
    fetch(made, watch=Changing(), environment=home, patience=hasty)
    assert any("changed since; it is fetched from its beginning" in sentence for sentence in told.sentences)
    assert got(tmp_path / "drums")["more.bin"] == bytes(range(256)) * 4000


def test_a_weak_tag_vouches_for_nothing(shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience) -> None:
    shelves.put("/drums.zip", LARGE, cut=[300_000], etag='W/"weak"')
    fetch(plan(drums([download(f"{shelves.url}/drums.zip", LARGE)]), None, tmp_path, home), environment=home, patience=hasty)
    assert "If-Range" not in shelves.asked[1].headers
    assert hashlib.sha256(got(tmp_path / "drums")["more.bin"]).hexdigest()


def test_secrets_stay_with_their_host_and_off_the_disk(
    shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving("localhost") as storage:
        storage.put("/signed.zip", LARGE, cut=[500_000])
        shelves.put(
            "/api/v1/datasets/download/ada/drums", to=f"{storage.url}/signed.zip?signature=hushhush", key="Bearer topsecret"
        )
        environment = home | {"KAGGLE_API_TOKEN": "topsecret", "MOTET_KAGGLE_ENDPOINT": shelves.url}
        kaggle = {
            "name": "midi",
            "kind": "kaggle",
            "dataset": "ada/drums",
            "gives": ["midi", "table"],
            "sha256": "0" * 64,
            "source": "us",
        }
        seen: list[bytes] = []

        class Looking(Told):
            def notes(self, sentence: str) -> None:
                super().notes(sentence)
                seen.extend(path.read_bytes() for path in (tmp_path / ".motet-fetch").rglob("*.json"))

        told = Looking()
        with pytest.raises(UserError, match="another SHA-256") as failed:
            fetch(plan(drums([kaggle]), None, tmp_path, environment), watch=told, environment=environment, patience=hasty)
        assert [asked.headers.get("Authorization") for asked in shelves.asked] == ["Bearer topsecret"] * len(shelves.asked)
        assert [asked.headers.get("Authorization") for asked in storage.asked] == [None] * len(storage.asked)
        assert storage.asked[0].query == "signature=hushhush"
    assert seen  # there was a partial file to look at
    everything = [str(failed.value), caplog.text, *told.sentences, *(text.decode() for text in seen)]
    everything += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    assert not [text for text in everything if "topsecret" in text or "hushhush" in text]


def test_user_info_of_an_address_goes_to_its_host_only(
    shelves: Shelves, tmp_path: Path, home: dict[str, str], hasty: Patience
) -> None:
    with serving("localhost") as storage:
        storage.put("/drums.zip", ARCHIVE)
        shelves.put("/drums.zip", to=f"http://bob:other@{storage.host}/drums.zip", key="Basic YWRhOnNlY3JldA==")
        fetch(
            plan(drums([download(f"http://ada:secret@{shelves.host}/drums.zip")]), None, tmp_path, home),
            environment=home,
            patience=hasty,
        )
        assert "Authorization" not in storage.asked[0].headers
    assert got(tmp_path / "drums") == TAKES


def test_https_is_never_redirected_down_to_http() -> None:
    with pytest.raises(Refused, match=r"a.example redirects from https down to http"):
        redirected(httpx2.URL("https://a.example/x"), "http://a.example/x")
    assert str(redirected(httpx2.URL("https://a.example/x"), "//bob:pw@b.example/y?k=1#z")) == "https://b.example/y?k=1"
