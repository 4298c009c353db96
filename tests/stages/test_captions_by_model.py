"""Captions of a build by a language model: nothing false gets in, nothing is asked twice, and no server holds a build up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from motet import Dataset, UserError
from motet.recipe import Recipe, load
from motet.run.build import Run, build
from motet.run.watch import Watch
from motet.text import check
from sources.serving import Reply, Request, serving
from text.llm_server import asked, completion
from toys.midi import song

pytest.importorskip("openai")
pytestmark = pytest.mark.slow  # builds that wait for a server; what asks it is tested in tests/text

SHORT = ["render_stems.rate=16000", "clean.shortest=2", "segment.shortest=2", "segment.target=2", "segment.longest=3"]


def recipe(url: str, *more: str) -> Recipe:
    model = [
        "write_captions.writer=llm",
        "write_captions.model=tiny",
        f"write_captions.base_url={url}/v1",
        "write_captions.patience=3",
    ]
    return load("text-to-music").changed([*SHORT, *model, *more])


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "songs"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.mid").write_bytes(song(number, bars=8))
    return folder


def captions(data: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Dataset(data).query("SELECT * FROM captions ORDER BY id").to_arrow_table().to_pylist()
    return found


def unanswered(run: Run) -> int:
    return next(stage for stage in run.stages if stage.name == "write_captions").statuses.get("unanswered", 0)


def moody(request: Request) -> Reply:
    """A model with every bad habit, one after another by what it is asked."""
    told = asked(request)
    plays = told.record["instruments"][0]["name"]
    habit = hash_of(told.prompt) % 6
    if habit == 0:
        return completion(request, {"short": f"A banjo and {plays} in a melancholy waltz."})
    if habit == 1:
        return completion(request, {"short": "I'm sorry, but I cannot listen to audio."})
    if habit == 2:
        return completion(request, '{"short": "A piece for ')
    if habit == 3:
        return Reply(b"the kitchen is on fire", 500)
    if habit == 4:
        return Reply(b"{}", 429, {"Retry-After": "0"})
    return completion(request, {"short": f"Music with {plays}."})


def hash_of(text: str) -> int:
    return sum(text.encode()) + len(text)


@pytest.mark.slow
def test_nothing_false_is_shipped_whatever_the_model_says(tmp_path: Path, sources: Path) -> None:
    with serving(moody) as service:
        for _ in range(2):  # what met a 500 or a 429 to the end is asked again
            build(recipe(service.url), [sources], tmp_path / "data", workers=2)
    rows = captions(tmp_path / "data")
    assert len(rows) == Dataset(tmp_path / "data").tables()["clips"] > 12
    for row in rows:
        assert check(row["text"], json.loads(row["record"])).verdict == "true"
        assert "banjo" not in row["text"]
    writers = Counter(writer for row in rows for writer in row["writers"])
    assert writers["llm"]
    assert writers["grammar"]
    assert any("banjo" in reason for row in rows for wrong in row["wrong"] for reason in wrong)


@pytest.mark.slow
def test_a_server_that_is_down_holds_nothing_up_and_is_asked_by_the_next_build(tmp_path: Path, sources: Path) -> None:
    with serving(lambda request: Reply(b"", 503)) as service:
        run = build(recipe(service.url), [sources / "0.mid"], tmp_path / "data", workers=1)
        assert unanswered(run) == len(captions(tmp_path / "data")) > 0
        assert {writer for row in captions(tmp_path / "data") for writer in row["writers"]} == {"grammar"}
        service.replies = lambda request: completion(
            request, {"short": f"Music with {asked(request).record['instruments'][0]['name']}."}
        )
        time.sleep(0.1)
        run = build(recipe(service.url), [sources / "0.mid"], tmp_path / "data", workers=1)
        assert unanswered(run) == 0
        assert {writer for row in captions(tmp_path / "data") for writer in row["writers"]} == {"llm"}


@pytest.mark.slow
def test_a_build_killed_in_the_middle_asks_nothing_twice(tmp_path: Path, sources: Path) -> None:
    def slowly(request: Request) -> Reply:
        reply = completion(request, {"short": f"Music with {asked(request).record['instruments'][0]['name']}."})
        return Reply(reply.body, reply.status, reply.headers, wait=0.15)

    with serving(slowly) as service:
        words = ["build", "text-to-music", "--from", str(sources), "--to", str(tmp_path / "data"), "--workers", "2"]
        chosen = [f"--set={one}" for one in (*SHORT, "write_captions.writer=llm", "write_captions.model=tiny")]
        chosen.append(f"--set=write_captions.base_url={service.url}/v1")
        command = [sys.executable, "-m", "motet.cli", *words, *chosen]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        while len(service.delivered) < 8 and child.poll() is None:
            time.sleep(0.02)
        killed = time.monotonic()
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        time.sleep(0.5)
        assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    # What had come to the end well before the kill; of the rest nobody knows whether it was read.
    answered = {asked(request).name for request in service.delivered if request.at < killed - 0.6}
    # A request without a body is one that the kill broke off while it was sent.
    later = {asked(request).name for request in service.asked if request.at > killed and request.body}
    assert answered
    assert later
    assert not answered & later
    assert {writer for row in captions(tmp_path / "data") for writer in row["writers"]} == {"llm"}


def test_a_key_that_is_refused_ends_the_build_in_one_sentence(tmp_path: Path, sources: Path) -> None:
    with serving(lambda request: Reply(b"{}", 401)) as service:
        with pytest.raises(UserError, match="refuses who asks"):
            build(recipe(service.url), [sources], tmp_path / "data", workers=1)
        assert len(service.asked) < 3
        service.replies = lambda request: completion(
            request, {"short": f"Music with {asked(request).record['instruments'][0]['name']}."}
        )
        run = build(recipe(service.url), [sources], tmp_path / "data", workers=1)
        assert unanswered(run) == 0


class Notes(Watch):
    def __init__(self) -> None:
        self.told: list[str] = []

    def notes(self, sentence: str) -> None:
        self.told.append(sentence)


def test_the_price_is_told_before_and_what_the_cap_has_no_room_for_is_not_asked(tmp_path: Path, sources: Path) -> None:
    with serving(moody) as service:
        priced = ["write_captions.price_in=100", "write_captions.price_out=400", "write_captions.cap=0.01"]
        watch = Notes()
        run = build(recipe(service.url, *priced), [sources / "0.mid"], tmp_path / "data", workers=1, watch=watch)
        assert service.asked == []
    assert any(note.startswith("write_captions: about $") and "an estimate" in note for note in watch.told)
    assert any("unanswered" in note and "cap" in note for note in watch.told)
    rows = captions(tmp_path / "data")
    assert unanswered(run) == len(rows) > 0
    assert {writer for row in rows for writer in row["writers"]} == {"grammar"}


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ([], "model is empty"),
        (["write_captions.model=tiny", "write_captions.base_url=https://models.invalid/v1"], "price_in"),
        (["write_captions.model=tiny", "write_captions.base_url=nonsense"], "base_url"),
    ],
)
def test_what_a_server_needs_is_told_before_anything_is_written(
    tmp_path: Path, sources: Path, chosen: list[str], told: str
) -> None:
    with pytest.raises(UserError, match=told):
        build(load("text-to-music").changed([*SHORT, "write_captions.writer=llm", *chosen]), [sources], tmp_path / "data")
    assert not (tmp_path / "data" / "snapshots" / "live").exists()
