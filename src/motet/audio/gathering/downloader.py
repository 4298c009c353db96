"""The process that talks to sites: silent, with nothing of the user's terminal, and gone as soon as its parent is."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

__all__ = ["main"]

TELL_EVERY = 0.2  # seconds


def main() -> None:
    """Reads a line of JSON for each thing to do, and answers with lines of JSON. The first line holds the options."""
    asks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    waiting: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(asks, waiting), daemon=True).start()
    _Conversation(json.loads(waiting.get()), answers).go_on(waiting)


def _listen(asks: BinaryIO, waiting: SimpleQueue[bytes]) -> None:
    for line in asks:
        waiting.put(line)
    os.killpg(0, signal.SIGKILL)  # the parent is gone: so is everything that was started here


class _Conversation:
    def __init__(self, options: dict[str, Any], answers: BinaryIO) -> None:
        # All that takes long to import, now: later it would count as a site's silence.
        import motet.audio.decoding
        import motet.audio.gathering.judging  # noqa: F401
        from motet.audio.gathering.site import Site, only_known_networks

        self._answers, self._told = answers, 0.0
        only_known_networks(options["asked"])
        try:
            self._site = Site(options, self._progress, self._alive)
        except SyntaxError:
            self._say({"unready": "formats"})
            raise
        except (ImportError, AttributeError):
            self._say({"unready": "sites"})
            raise

    def _say(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer, default=str).encode() + b"\n")
        self._answers.flush()

    def _progress(self, here: int, total: int | None) -> None:
        if time.monotonic() - self._told > TELL_EVERY:
            self._told = time.monotonic()
            self._say({"here": here, "total": total})

    def _alive(self) -> None:
        if time.monotonic() - self._told > TELL_EVERY:
            self._told = time.monotonic()
            self._say({"alive": True})

    def go_on(self, waiting: SimpleQueue[bytes]) -> None:
        self._say({"ready": True})
        while True:
            self._say(self._answer(json.loads(waiting.get())))

    def _answer(self, ask: dict[str, Any]) -> dict[str, Any]:
        from motet.audio.gathering.judging import judge

        self._told = 0.0
        try:
            if "look" in ask:
                return self._site.look(ask["look"], ask["key"], tuple(ask["path"]))
            folder = Path(ask["fetch"])
            return {"file": self._site.fetch(folder)["file"], **_heard(folder / "media")}
        except Exception as problem:  # noqa: BLE001  whatever an extractor raises is the item's fault
            failure = judge(problem, self._site.log.warnings)
            return {"failed": failure.reason, "status": failure.status, "wait": failure.wait}


def _heard(media: Path) -> dict[str, Any]:
    """What the file itself tells of its sound: here, since a hostile one may bring its reader down."""
    from motet.audio.decoding import open_recording
    from motet.audio.errors import Unusable

    try:
        with open_recording(media) as recording:
            return {"codec": recording.codec, "container": recording.container, "seconds": recording.told_seconds}
    except Unusable as problem:
        return {"unusable": problem.reason}


if __name__ == "__main__":
    sys.exit("This is run by motet.audio.gathering.")
