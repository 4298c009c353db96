"""The one polite client of all services: cached, limited, patient, and silent about secrets."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal
from urllib.parse import quote, quote_plus, urlencode, urlsplit

from motet import __version__
from motet.sources.asking import Unanswered
from motet.sources.cache import Cache, Kept
from motet.sources.hostile import inside, number, parse
from motet.sources.limits import Gate, Limit
from motet.sources.wire import Heard, Lost, Sent, Wire, redirected, retry_after

SECONDS = 60.0  # a question may take, with waiting and all tries
ATTEMPTS = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 20.0  # seconds before a new try: doubling, and drawn between none and that (full jitter)
_ONE_TRY = 25.0  # seconds
_REDIRECTS = 3
_FAILURES, _REST = 5, 60.0  # questions in a row that a host fails, and the seconds it is left alone then
_SHORTEST_SECRET = 4  # characters; a shorter one cannot be told from other text

# answer: kept, whatever it says. later: over the limit. outage: worth another try. key: the credentials are not accepted.
# no: another try would say the same.
Verdict = Literal["answer", "later", "outage", "key", "no"]


@dataclass(frozen=True)
class Secrets:
    """What proves who asks: never in a cache, a message, a repr."""

    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def no_secrets(fresh: bool) -> Secrets:
    return Secrets()


def by_status(status: int, told: Any) -> Verdict:
    """What an answer is worth by its HTTP status; `told` is its JSON, None if it has none."""
    if status in (200, 404) and told is not None:
        return "answer"
    if status == 429:
        return "later"
    if status in (401, 403):
        return "key"
    return "outage" if status in (200, 408) or status >= 500 else "no"  # a 404 without JSON is of some other server


@dataclass(frozen=True)
class Asked:
    """One request. All but `secrets` is its name in the cache.

    `judge` says what an answer is worth, from its status and its JSON (None if it has none). `secrets` is called only
    when the request goes out; with True, when what it gave before was not accepted.
    """

    provider: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: Any = None  # makes it a POST
    form: Mapping[str, str] | None = field(default=None, repr=False)  # makes it a POST, too; never kept
    judge: Callable[[int, Any], Verdict] = field(default=by_status, repr=False)
    secrets: Callable[[bool], Secrets] = field(default=no_secrets, repr=False)
    limit: Limit = field(kw_only=True)

    @property
    def address(self) -> str:
        """The address without secrets."""
        return f"{self.url}?{urlencode(sorted(self.params.items()), errors='replace')}" if self.params else self.url

    @property
    def name(self) -> str:
        """What tells this request from others."""
        return self.address if self.json is None else f"{self.address} {json.dumps(self.json, sort_keys=True)}"


@dataclass(frozen=True)
class Said:
    """What a service said: HTTP status, its JSON (None if it has none), when (ISO 8601, UTC), and where it was asked."""

    status: int
    told: Any
    asked_at: str
    url: str


@dataclass
class _Rest:
    failures: int = 0
    until: float = 0.0


class Client:
    """Asks services, and remembers.

    `folder` holds the answers and the limits; processes that share it share both. With `offline` the answers there are all
    there is. `seconds` is the longest a question may take. `slower` multiplies every wait of our own: between requests, and
    before a new try; below 1 it is for mirrors that allow it. Answers last for ever, or until `renew_after`. For one thread at
    a time; each process makes its own, and keeps it: connections, tokens and hosts that are down are remembered in it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        offline: bool = False,
        seconds: float = SECONDS,
        slower: float = 1.0,
        renew_after: timedelta | None = None,
        contact: str | None = None,
    ) -> None:
        self.offline = offline
        self._folder = folder
        self._seconds = seconds
        self._slower = slower
        self._oldest = _iso(datetime.now(UTC) - renew_after) if renew_after and not offline else ""
        self._contact = os.environ.get("MOTET_CONTACT", "") if contact is None else contact
        self._secrets: set[str] = set()
        self._rests: dict[str, _Rest] = {}
        self._give_up: float | None = None
        self._wire: Wire | None = None
        self._cache: Cache | None = None
        if not offline:
            (folder / "limits").mkdir(parents=True, exist_ok=True)
        if not offline or (folder / "answers.sqlite").exists():
            self._cache = Cache(folder / "answers.sqlite")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    @contextmanager
    def question(self) -> Iterator[None]:
        """All requests made inside have the time of one question together."""
        outer, self._give_up = self._give_up, time.monotonic() + self._seconds
        try:
            yield
        finally:
            self._give_up = outer

    def ask(self, asked: Asked) -> Said:
        """The answer, from the cache if it was ever given. Raises Unanswered when there is none to be had now."""
        if said := self._remembered(asked):
            return said
        if self.offline:
            raise Unanswered(f"{asked.provider}: this was never asked, and the network is not to be used")
        host = urlsplit(asked.url).netloc
        rest = self._rests.setdefault(host, _Rest())
        if time.monotonic() < rest.until:
            raise Unanswered(f"{asked.provider}: {host} failed {rest.failures} times in a row and is left alone for a minute")
        give_up = self._give_up if self._give_up is not None else time.monotonic() + self._seconds
        outcome = self._asked(asked, host, give_up)
        if isinstance(outcome, _Failed):
            if outcome.blame:
                rest.failures += 1
                rest.until = time.monotonic() + _REST if rest.failures >= _FAILURES else 0.0
            raise Unanswered(self._scrubbed(f"{asked.provider}: {outcome.reason} ({asked.address[:300]})"))
        rest.failures = 0
        return outcome

    def _remembered(self, asked: Asked) -> Said | None:
        if self._cache is None or asked.form is not None:
            return None
        kept = self._cache.get(asked.provider, asked.name)
        if kept is None or kept.asked_at < self._oldest:
            return None
        return Said(kept.status, _told(kept.body), kept.asked_at, asked.address)

    def _asked(self, asked: Asked, host: str, give_up: float) -> Said | _Failed:
        gate = Gate(self._folder / "limits" / re.sub(r"[^a-z0-9.-]", "_", host.lower())[:200], self._pace(asked.limit))
        secrets = asked.secrets(False)
        fresh, last, tries, pauses = False, "no time was left", 0, 0
        while True:
            if wait := gate.enter(give_up - time.monotonic()):
                return _Failed(f"{last}; its turn would be in {wait:.0f} s", blame=tries > pauses)
            # Another process may have asked the same while this one waited.
            if said := self._remembered(asked):
                return said
            self._note(secrets)
            heard = self._send(asked, secrets, gate, give_up)
            tries += 1
            told = None if isinstance(heard, Lost) else _told(heard.body)
            verdict = "outage" if isinstance(heard, Lost) else asked.judge(heard.status, told)
            if isinstance(heard, Lost):
                last, pause = heard.reason, None
            else:
                if verdict == "answer":
                    return self._keep(asked, heard)
                last, pause = f"status {heard.status}{'' if told is not None else ', no JSON'}", retry_after(heard.headers)
            if verdict == "no":
                return _Failed(f"{last}, which no new try will change", blame=False)
            if verdict == "key":
                renewed = secrets if fresh else asked.secrets(True)
                if renewed == secrets:
                    return _Failed(f"it refuses who asks ({last}): check the credentials, if it has any", blame=True)
                secrets, fresh = renewed, True
                continue
            drawn = random.uniform(0, self._slower * min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**tries))
            if verdict == "later":
                pauses += 1
                last = "it was asked too often"
                gate.close(max(drawn, pause or 0.0))  # for every process
                continue
            if tries - pauses >= ATTEMPTS:
                return _Failed(f"{tries} tries; the last: {last}", blame=True)
            if pause:
                gate.close(pause)
            time.sleep(max(0.0, min(drawn, give_up - time.monotonic())))

    def _send(self, asked: Asked, secrets: Secrets, gate: Gate, give_up: float) -> Heard | Lost:
        """One try, redirects followed."""
        if self._wire is None:
            self._wire = Wire(_user_agent(self._contact))
        sent = Sent(
            "GET" if asked.json is None and asked.form is None else "POST",
            asked.url,
            tuple(sorted({**_clean(asked.params), **secrets.params}.items())),
            secrets.headers,
            asked.form or {},
            asked.json,
        )
        for _ in range(_REDIRECTS + 1):
            heard = self._wire.exchange(sent, min(_ONE_TRY, give_up - time.monotonic()))
            if isinstance(heard, Lost):
                return heard
            if heard.headers.get("x-ratelimit-remaining", "").strip() == "0":
                gate.close(number(heard.headers.get("x-ratelimit-reset-in"), 0, 3600) or 1.0)
            if heard.status not in (301, 302, 303, 307, 308):
                return heard
            there = redirected(sent, heard.headers.get("location", ""))
            if there is None or sent.method != "GET":
                return Lost("a redirect to another host")
            if gate.enter(give_up - time.monotonic()):
                return Lost("no time for a redirect")
            sent = Sent("GET", there, (), secrets.headers)
        return Lost("too many redirects")

    def _keep(self, asked: Asked, heard: Heard) -> Said:
        body = self._unsecret(heard.body)
        kept = Kept(heard.status, body, _iso(datetime.now(UTC)))
        if self._cache is not None and asked.form is None:
            self._cache.put(asked.provider, asked.name, kept)
        # A token is the one answer that is a secret, and whole.
        return Said(heard.status, _told(heard.body if asked.form is not None else body), kept.asked_at, asked.address)

    def _pace(self, limit: Limit) -> Limit:
        return Limit(limit.requests, limit.seconds * self._slower)

    def _note(self, secrets: Secrets) -> None:
        for value in (*secrets.params.values(), *secrets.headers.values()):
            for word in (value, value.partition(" ")[2], _password(value)):  # "Bearer token"
                if len(word) >= _SHORTEST_SECRET:
                    self._secrets |= {word, quote(word), quote_plus(word), json.dumps(word)[1:-1]}

    def _unsecret(self, body: bytes) -> bytes:
        """A service may repeat what it was sent."""
        for secret in self._secrets:
            body = body.replace(secret.encode("utf-8", "replace"), b"*")
        return body

    def _scrubbed(self, sentence: str) -> str:
        for secret in self._secrets:
            sentence = sentence.replace(secret, "*")
        return sentence


@dataclass(frozen=True)
class _Failed:
    reason: str
    blame: bool  # the host's doing


def _password(header: str) -> str:
    """That of a header by `basic`; "" for another."""
    scheme, _, told = header.partition(" ")
    try:
        return base64.b64decode(told, validate=True).decode("utf-8").partition(":")[2] if scheme == "Basic" else ""
    except ValueError:
        return ""


def basic(name: str, password: str) -> str:
    """The value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _clean(params: Mapping[str, str]) -> dict[str, str]:
    return {name: value.encode("utf-8", "replace").decode() for name, value in params.items()}


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _told(body: bytes) -> Any:
    try:
        return parse(body)
    except ValueError:
        return None


def _user_agent(contact: str) -> str:
    """Services ask for a name and a way to reach who asks."""
    shown = "".join(c for c in contact if " " <= c <= "~" and c not in "()\\")[:200].strip()
    return f"Motet/{__version__} (builds music datasets{'; ' + shown if shown else ''})"


def shared_folder(settings: Mapping[str, str]) -> Path:
    """Where answers and limits of this user lie: one place, so that two datasets do not ask twice, or twice as often."""
    caches = settings.get("XDG_CACHE_HOME", "")
    return (Path(caches) if caches.startswith("/") else Path.home() / ".cache") / "motet" / "sources"


def error_code(told: Any) -> int | None:
    """The number of an error that a service puts into an answer, at `error` or `error.code`."""
    found = inside(told, "error", "code") if isinstance(inside(told, "error"), dict) else inside(told, "error")
    return int(found) if (found := number(found, 0, 10_000)) is not None else None
