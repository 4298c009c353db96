"""AcoustID: recordings by their sound, from a Chromaprint fingerprint to MusicBrainz' identifiers. Needs a key and fpcalc.

https://acoustid.org/webservice. Three requests a second; free for non-commercial use. Errors have a code and any HTTP status.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer
from typing import Any

from motet.errors import UserError
from motet.sources.asking import Answer, Question, Song, address, mbid, setting
from motet.sources.client import Asked, Client, Said, Secrets, Verdict, by_status, error_code
from motet.sources.hostile import inside, items, known, number, parse, text
from motet.sources.limits import Limit

SECONDS = 60.0  # fpcalc may take; it reads two minutes of sound at most
_MOST = 1 << 16  # bytes of what fpcalc says; a fingerprint of two minutes has about 4,000
_TEXT = re.compile(r"[A-Za-z0-9_-]{1,16384}")  # base64 for addresses (RFC 4648, 5)
_LONGEST = 1e6  # seconds
_LIMIT = Limit(3, 1)
_CANDIDATES = 50
_BAD_FINGERPRINT, _BAD_DURATION = 3, 8
_OUT, _TOO_OFTEN = (5, 13), 14
_KEY = (4, 12, 17)


class NoFingerprint(Exception):
    """A file has no fingerprint. `reason` is `no_file`, `no_sound` (none that fpcalc can decode, or too little of it: some
    seconds are needed) or `timed_out`; `detail` is a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Fingerprint:
    """How the first two minutes of a file sound, as Chromaprint writes it, and the seconds of the whole file.

    Raises ValueError for a text that is no fingerprint, and for a duration below 1 s or above 1,000,000 s.
    """

    duration: float
    text: str

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or not _TEXT.fullmatch(self.text):
            raise ValueError("a fingerprint has letters, digits, - and _, at most 16384 of them")
        if number(self.duration, 1, _LONGEST) is None:
            raise ValueError("a duration lies between 1 and 1,000,000 seconds")


def fingerprint(path: Path, *, seconds: float = SECONDS) -> Fingerprint:
    """The fingerprint of an audio file, by the program fpcalc. What breaks off is known by the part that can be decoded.

    Raises NoFingerprint for a file that has none, or takes fpcalc more than `seconds`; UserError where fpcalc is missing.
    """
    # An absolute path is neither an option nor one of FFmpeg's protocols ("-", "http:", "concat:"). A pipe would never end.
    try:
        there = os.path.abspath(path)
        is_file = os.path.isfile(there)
        os.fsencode(there)
    except ValueError:  # a null character, half a character
        is_file = False
    if not is_file:
        raise NoFingerprint("no_file", "there is no such file")
    said = _said_by_fpcalc(there, seconds)
    # Its errors come on lines of their own; with FFmpeg 5 it calls the end of a file one, and ends with 3.
    line = next((line for line in said.splitlines() if line.startswith(b"{")), b"")
    try:
        told = parse(line)
        return Fingerprint(number(inside(told, "duration")) or 0.0, inside(told, "fingerprint"))
    except ValueError:
        problem = text(said[:300].decode("utf-8", "replace").replace(there, "…")).removeprefix("ERROR: ")
        raise NoFingerprint("no_sound", f"fpcalc finds no fingerprint: {problem or 'it says nothing'}") from None


def _said_by_fpcalc(path: str, seconds: float) -> bytes:
    try:
        process = subprocess.Popen(
            ["fpcalc", "-json", path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that what it starts ends with it
        )
    except OSError:
        raise UserError(
            "AcoustID needs the program fpcalc: install Chromaprint "
            "(Debian, Ubuntu: apt install libchromaprint-tools; macOS: brew install chromaprint)."
        ) from None
    late: list[bool] = []

    def end() -> None:
        late.append(True)
        _end(process)

    clock = Timer(seconds, end)
    clock.daemon = True
    clock.start()
    try:
        assert process.stdout is not None
        with process.stdout as output:
            said = output.read(_MOST)
    finally:
        clock.cancel()
        _end(process)
        process.wait()
    if late:
        raise NoFingerprint("timed_out", f"fpcalc took more than {seconds:g} s")
    return said


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it is over
        os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True)
class AcoustId:
    key: str = field(repr=False)
    url: str = "https://api.acoustid.org"
    name: str = "acoustid"
    online: bool = True
    digest: str = ""

    def lookup(self, sound: Fingerprint, client: Client) -> list[Answer]:
        """The recordings that sound like this, likeliest first, each once; or one answer that is not `found`.

        Raises Unanswered when AcoustID cannot be asked now.
        """
        params = {"duration": str(round(sound.duration)), "fingerprint": sound.text, "meta": "recordings", "format": "json"}

        def secrets(fresh: bool) -> Secrets:
            return Secrets(params={"client": self.key})

        where = f"{self.url}/v2/lookup"
        said = client.ask(Asked(self.name, where, params, judge=_judge, secrets=secrets, limit=_LIMIT))
        results = sorted(items(inside(said.told, "results")), key=_score, reverse=True)
        found: dict[str, Answer] = {}
        for result in results:
            for recording in items(result.get("recordings")):
                if (there := mbid(text(recording.get("id")))) and len(found) < _CANDIDATES:
                    found.setdefault(there, self._answer(there, recording, result, said))
        refused = error_code(said.told) is not None
        none = Answer(self.name, "refused" if refused else "not_found", asked_at=said.asked_at, url=where)
        return list(found.values()) or [none]

    def search(self, question: Question, client: Client) -> list[Answer]:
        """It knows no names, only sounds: see `lookup`."""
        return [Answer(self.name, "not_found")]

    def details(self, found: Answer, client: Client) -> Answer:
        return found

    def _answer(self, recording_id: str, recording: Mapping[str, Any], result: Mapping[str, Any], said: Said) -> Answer:
        return Answer(
            self.name,
            "found",
            Song(_artist(recording), text(recording.get("title")), number(recording.get("duration"), 1, 1e6)),
            known(match_score=number(result.get("score"), 0, 1)),
            (),
            known(musicbrainz_recording=recording_id, acoustid=mbid(text(result.get("id")))),
            said.asked_at,
            said.url.partition("?")[0],  # without the fingerprint, which has thousands of characters
        )


def lookup(sound: Fingerprint, client: Client, settings: Mapping[str, str] = os.environ) -> list[Answer]:
    """What AcoustID, set up by `settings`, knows of this sound: see AcoustId.lookup. Raises UserError without a key."""
    return open_source(settings).lookup(sound, client)


def open_source(settings: Mapping[str, str]) -> AcoustId:
    """ACOUSTID_API_KEY is the key of an application; MOTET_ACOUSTID_URL names another address."""
    key = setting(settings, "ACOUSTID_API_KEY", "AcoustID")
    return AcoustId(key, address(settings, "MOTET_ACOUSTID_URL", AcoustId.url))


def _judge(status: int, told: Any) -> Verdict:
    code = error_code(told)
    if code in (_BAD_FINGERPRINT, _BAD_DURATION):
        return "answer"
    if code == _TOO_OFTEN:
        return "later"
    if code in _KEY:
        return "key"
    if code in _OUT:
        return "outage"
    if status == 200 and code is None and inside(told, "status") == "ok" and isinstance(inside(told, "results"), list):
        return "answer"
    if code is not None or status == 404:
        return "no"
    return "outage" if status == 200 else by_status(status, told)


def _score(result: Mapping[str, Any]) -> float:
    return number(result.get("score"), 0, 1) or 0.0


def _artist(recording: Mapping[str, Any]) -> str:
    names = [(text(one.get("name")), one.get("joinphrase")) for one in items(recording.get("artists"))]
    joined = "".join(name + (join[:50] if isinstance(join, str) else ", ") for name, join in names if name)
    return text(joined).removesuffix(",")
