"""A client of Deforum servers is killed, and goes on: no job is lost, none made twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from motet.video.deforum.result import check
from video.deforum_server import FPS, FRAMES, SIZE, DeforumServer, Faults, farm, job, made, servers


def test_a_batch_left_behind_keeps_its_server_only_while_it_moves(tmp_path: Path) -> None:
    with servers(tmp_path, 1, lambda number: Faults(lambda settings, posted: "stall" if posted == 1 else "")) as found:
        killed = _client(found, tmp_path, range(1))
        _until(lambda: found[0].posted[0] == 1)
        _kill(killed)
        with farm(found, tmp_path) as ours:
            ours.render(job(1, tmp_path))
            assert ours.render(job(0, tmp_path)).tries == 2
    assert found[0].together == 1


CLIENT = """
import sys, json
from pathlib import Path
sys.path[:0] = [{tests!r}]
from video.deforum_server import QUICK, job
from motet.video.deforum import Farm
folder = Path({folder!r})
with Farm({urls!r}, folder / "journal", **QUICK) as farm:
    for outcome in farm.run([job(number, folder) for number in {numbers!r}]):
        error = outcome.error
        print(json.dumps([outcome.job.id, error.reason if error else "", error.detail if error else ""]), flush=True)
"""


def _client(found: list[DeforumServer], folder: Path, numbers: range) -> subprocess.Popen[bytes]:
    code = CLIENT.format(
        tests=str(Path(__file__).parents[1]), folder=str(folder), urls=[server.url for server in found], numbers=list(numbers)
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True)


def _kill(client: subprocess.Popen[bytes]) -> None:
    os.kill(client.pid, signal.SIGKILL)
    client.communicate()


def _until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 60
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.002)


def ill(server: int) -> Faults:
    names: tuple[str, ...] = ("RETRYABLE", "stall", "no file", "wrong frames", "wrong size", "wrong rate", "cut film", "restart")
    names += ("restart after", "queued for ever")

    def fault(settings: dict[str, Any], posted: int) -> str:
        if settings["seed"] % 40 == 7:
            return "TERMINAL"
        if settings["seed"] % 50 == 9:
            return "CANCELLED"
        drawn = random.Random(f"{server} {posted}").random()
        return names[int(drawn / 0.012)] if drawn < 0.12 else ""

    return Faults(fault, wire=0.02, slow=0.6, seed=server)


@pytest.mark.slow
def test_200_jobs_over_3_faulty_servers_by_a_client_that_is_killed_again_and_again(tmp_path: Path) -> None:
    """Each ends once: with its film, made once, or with a reason. The servers count."""
    numbers, started = range(200), time.monotonic()
    with servers(tmp_path, 3, ill) as found:
        for killed in range(3):
            client = _client(found, tmp_path, numbers)
            posted = sum(server.posted.total() for server in found)
            _until(lambda: sum(server.posted.total() for server in found) > posted + 25 + killed)  # noqa: B023
            _kill(client)
        client = _client(found, tmp_path, numbers)
        told = client.communicate(timeout=120)[0]
        ends = {id: (reason, detail) for id, reason, detail in map(json.loads, told.splitlines())}
        assert client.returncode == 0
    assert len(ends) == 200
    films = {int(path.stem) for path in (tmp_path / "films").glob("*.mp4")}
    assert films == {number for number in numbers if not ends[f"song {number}"][0]}
    for number in films:
        check(tmp_path / "films" / f"{number}.mp4", frames=FRAMES, size=SIZE, fps=FPS)
    counts = made(found)
    assert set(counts) == films
    assert max(counts.values()) == 1
    assert [server.together for server in found] == [1, 1, 1]
    for id, (reason, detail) in ends.items():
        number = int(id.split()[1])
        if number % 40 == 7 or number % 50 == 9:
            assert reason == ("terminal" if number % 40 == 7 else "cancelled")
        else:
            assert not reason or "tried 4 times" in detail
    assert not list((tmp_path / "films").glob(".*"))
    reasons = Counter(reason or "film" for reason, _ in ends.values())
    asked = sum(server.asked.total() for server in found)
    batches = sum(server.posted.total() for server in found)
    print(f"{dict(reasons)}, {batches} batches, {asked} requests, {time.monotonic() - started:.1f} s")
