"""The process that talks to sites, as its parent sees it: asked, waited for, and ended when it says nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO, Any

from motet.audio.gathering.asking import Options, cookies
from motet.errors import UserError

__all__ = ["Conversation", "Lost"]

STARTING = 120.0  # seconds that importing yt-dlp may take on a busy machine
LEAST = 16 << 10  # bytes that must come in `patience` seconds
MOST_PATIENCE = 20  # times `patience` in all, for the pages of a playlist
LONGEST_LINE = 64 << 20  # bytes of an answer: a playlist of very many items

_CODE = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from motet.audio.gathering.downloader import main; main()"

_UNREADY = {
    "formats": "yt-dlp does not understand the formats {0.formats!r}: ask for bestaudio/best, or see its FORMAT SELECTION.",
    "sites": "One of the extractors {0.sites} cannot be imported: write each as module:Class, of an installed module.",
}

Answer = dict[str, Any]


class Lost(Exception):
    """The process gave no answer, and is gone: it crashed, hung, or was stopped."""


class Conversation:
    """A process of its own with yt-dlp in it, started when it is first asked, and again after it was lost."""

    def __init__(self, options: Options, asked: list[str], folder: Path, lock: int) -> None:
        self._options, self._folder, self._lock = options, folder, lock
        self._first = {
            "formats": options.formats,
            "rate_limit": options.rate_limit,
            "sleep": options.sleep,
            "cookies": cookies(options.cookies),
            "most": options.most,
            "retries": options.retries,
            "patience": options.patience,
            "user_agent": options.user_agent,
            "sites": list(options.sites),
            "asked": asked,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: SimpleQueue[Answer | None] = SimpleQueue()

    def look(self, url: str, key: str | None, path: list[int]) -> Answer:
        """What stands there; no media is asked for. Raises Lost.

        A long playlist has many pages: every answer of its site is a sign of life, though not for ever.
        """
        return self._ask({"look": url, "key": key, "path": path}, self._options.patience + self._options.sleep, None)

    def fetch(self, folder: Path, watch: Callable[[int, int | None], None]) -> Answer:
        """What was looked at last, into the folder. Raises Lost, and whatever `watch` raises to stop it."""
        return self._ask({"fetch": str(folder)}, self._options.patience, watch)

    def _ask(self, ask: Answer, patience: float, watch: Callable[[int, int | None], None] | None) -> Answer:
        if self._process is None:
            self._start()
        self._send(ask)
        try:
            return self._wait(patience, watch)
        except BaseException:
            self.end()
            raise

    def _start(self) -> None:
        # No path of a plug-in, no netrc; `-P` and the parent's own path, so that nothing is imported from the working folder.
        environment = {**os.environ, "YTDLP_NO_PLUGINS": "1", "NETRC": os.devnull}
        path = json.dumps([os.path.abspath(entry) for entry in sys.path])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _CODE, path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env=environment,
            start_new_session=True,
            pass_fds=[self._lock],
        )
        assert self._process.stdout is not None
        self._answers = SimpleQueue()
        threading.Thread(target=_listen, args=(self._process.stdout, self._answers), daemon=True).start()
        try:
            self._send(self._first)
            unready = self._wait(STARTING, None).get("unready")
        except Lost:
            raise UserError('yt-dlp does not start: install it anew with pip install --upgrade "motet[gather]".', 1) from None
        except BaseException:
            self.end()
            raise
        if unready is not None:
            self.end()
            raise UserError(_UNREADY[unready].format(self._options))

    def _send(self, ask: Answer) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(ask).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            self.end()
            raise Lost("crashed") from None

    def _wait(self, patience: float, watch: Callable[[int, int | None], None] | None) -> Answer:
        until, mark = time.monotonic() + patience, 0
        last = time.monotonic() + patience * MOST_PATIENCE
        limit = self._options.rate_limit
        least = LEAST if limit is None else min(LEAST, int(limit * patience / 4))
        while True:
            try:
                answer = self._answers.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                raise Lost("hung") from None
            if answer is None:
                raise Lost("crashed")
            if "alive" in answer:
                until = min(last, time.monotonic() + patience) if watch is None else until
                continue
            if "here" not in answer:
                return answer
            here = int(answer["here"])
            if watch is not None:
                watch(here, answer["total"])
            if here - mark >= least or here < mark:
                until, mark = time.monotonic() + patience, here

    def end(self) -> None:
        """End the process, and everything that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        if process.stdin is not None:
            with suppress(BrokenPipeError):
                process.stdin.close()
        process.wait()


def _listen(pipe: IO[bytes], answers: SimpleQueue[Answer | None]) -> None:
    with pipe:
        while line := pipe.readline(LONGEST_LINE):
            try:
                answer = json.loads(line)
            except (ValueError, RecursionError):
                break
            if not isinstance(answer, dict):
                break
            answers.put(answer)
    answers.put(None)
