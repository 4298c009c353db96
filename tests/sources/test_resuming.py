"""Thousands of songs, a service that is slow, flaky and counts, and a power switch."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from threading import Lock

import pytest

from motet.sources import Client, Question, source
from sources.serving import Reply, Request, serving, told

SLOWER = 0.04
ALLOWED, SPAN = 50, 5 * SLOWER  # requests in so many seconds: Deezer's limit, made quicker
WORKERS, KILLS = 2, 3
SECRET = "planted-listenbrainz-token-4711"

ASK = """
import os, sys
from pathlib import Path
from motet.sources import Client, Question, Unanswered, source

folder, slower, first, last, step = Path(sys.argv[1]), float(sys.argv[2]), *map(int, sys.argv[3:])
deezer, left = source("deezer"), 0
with Client(folder, slower=slower) as client:
    for number in range(first, last, step):
        try:
            deezer.search(Question("The Paper Lanterns", f"Song {number}"), client)
        except Unanswered as problem:
            left += 1
            print(problem, file=sys.stderr)
sys.exit(left > 0)
"""


class Moody:
    """A service that answers slowly, fails one request in ten in four ways, and forbids what is over the limit."""

    def __init__(self) -> None:
        self.random = random.Random(20)
        self.lock = Lock()
        self.recent: list[float] = []
        self.failed = Counter[str]()
        self.over = 0

    def __call__(self, request: Request) -> Reply:
        title = request.params["q"].split('"')[3]
        with self.lock:
            self.recent = [at for at in self.recent if request.at - at < SPAN] + [request.at]
            self.over += len(self.recent) > ALLOWED
            if len(self.recent) > ALLOWED:
                return told({"error": {"message": "Quota limit exceeded", "code": 4}})
            mood = self.random.random()
        if title.endswith("7"):
            answer = told({"data": [], "total": 0})
        else:
            answer = told({"data": [{"id": int(title.split()[1]) + 1, "title": title, "artist": {"name": "The Paper Lanterns"}}]})
        if mood < 0.1 and self.failed[title] < 3:  # or one song in 100,000 would rightly be left unanswered
            self.failed[title] += 1
            return [Reply(b"", 500), Reply(b"<html>busy</html>"), Reply(answer.body, cut=True), Reply(b"", 503)][int(mood * 40)]
        return Reply(answer.body, wait=0.001 + 0.01 * (mood > 0.97))

    @staticmethod
    def good(request: Request, reply: Reply) -> bool:
        return reply.status == 200 and reply.body.startswith(b'{"data"') and not reply.cut


@pytest.mark.slow
@pytest.mark.parametrize("songs", [2000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_killed_and_resumed_nothing_is_lost_and_nothing_asked_twice(songs: int, tmp_path: Path) -> None:
    moody, answered = Moody(), Counter[str]()

    def replies(request: Request) -> Reply:
        reply = moody(request)
        answered[request.params["q"]] += Moody.good(request, reply)
        return reply

    with serving(replies) as service:
        environment = {**os.environ, "MOTET_DEEZER_URL": service.url, "LISTENBRAINZ_TOKEN": SECRET, "LASTFM_API_KEY": SECRET}

        def start() -> list[subprocess.Popen[bytes]]:
            return [
                subprocess.Popen(
                    [sys.executable, "-c", ASK, tmp_path, str(SLOWER), str(n), str(songs), str(WORKERS)], env=environment
                )
                for n in range(WORKERS)
            ]

        killed = 0
        for part in range(1, KILLS + 1):
            running = start()
            while len(answered) < part * songs / (KILLS + 1) and any(one.poll() is None for one in running):
                time.sleep(0.02)
            for one in running:
                killed += one.poll() is None
                one.send_signal(signal.SIGKILL)
                one.wait()
        assert killed == KILLS * WORKERS
        running = start()
        assert [one.wait() for one in running] == [0] * WORKERS

        asked_so_far = len(service.asked)
        assert [one.wait() for one in start()] == [0] * WORKERS
        assert len(service.asked) == asked_so_far

    assert moody.over == 0
    assert service.most_in(SPAN) <= ALLOWED
    assert len(answered) == songs
    assert sum(answered.values()) - songs <= killed  # what each of them had in flight

    deezer = source("deezer", {"MOTET_DEEZER_URL": service.url})
    with Client(tmp_path, offline=True) as client:
        for number in range(songs):
            (answer,) = deezer.search(Question("The Paper Lanterns", f"Song {number}"), client)
            assert (answer.status, answer.song.title) == (("not_found", "") if number % 10 == 7 else ("found", f"Song {number}"))
    assert not any(SECRET.encode() in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    print(json.dumps({"songs": songs, "requests": asked_so_far, "twice": sum(answered.values()) - songs}))
