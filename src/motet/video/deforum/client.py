"""The HTTP API of Deforum in a web UI: batches, jobs, and what their answers mean."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import httpx2

from motet import __version__
from motet.errors import UserError
from motet.sources.hostile import inside, number, parse, text
from motet.sources.wire import Heard, Sent, Wire

__all__ = ["Address", "Client", "Direct", "Refused", "Silent", "Status"]

_LONGEST_PATH = 4096
_STATES = ("ACCEPTED", "SUCCEEDED", "FAILED", "CANCELLED")
_NEVER_SENT = ("ConnectError", "ConnectTimeout", "InvalidURL", "UnsupportedProtocol")


class Silent(Exception):
    """No answer that can be read: the server is down, or ill. `sent`: whether it may have heard the request;
    `answered`: whether it said anything, so that what it does about the request is done."""

    def __init__(self, what: str, *, sent: bool = True, answered: bool = False) -> None:
        super().__init__(what)
        self.sent = sent
        self.answered = answered


class Refused(Exception):
    """The server understood, and will not do it, now or later: a sentence."""


@dataclass(frozen=True)
class Address:
    """Where a web UI listens. `shown` holds no user, password or key; `name` tells servers from others, on a machine's own
    loopback the machine's name too, so that two machines may share a journal."""

    url: str = field(repr=False)
    shown: str
    name: str
    authorization: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, url: str) -> Address:
        """Raises UserError for what is no address of a server."""
        try:
            parts = urlsplit(url.strip())
            host, port = parts.hostname or "", parts.port
        except ValueError:
            host, port = "", None
        if not host or parts.scheme not in ("http", "https") or len(url) > 2000:
            raise UserError("A server's address is written as http://127.0.0.1:7860.")
        place = f"[{host}]" if ":" in host else host
        place = place if port is None else f"{place}:{port}"
        shown = urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
        proof = None
        if parts.username is not None:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            proof = "Basic " + base64.b64encode(pair.encode("utf-8", "replace")).decode()
        loopback = host == "localhost" or host == "::1" or host.startswith("127.")
        return cls(shown, shown, f"{socket.gethostname()} {shown}" if loopback else shown, proof)


@dataclass(frozen=True)
class Status:
    """What a server says about one job. `mark` is the batch_name of its settings, `changes` whatever moves while it works."""

    id: str
    state: Literal["ACCEPTED", "SUCCEEDED", "FAILED", "CANCELLED"]
    phase: str
    error: str
    progress: float
    message: str
    outdir: str
    timestring: str
    mark: str

    changes: tuple[Any, ...] = ()

    @classmethod
    def read(cls, told: Any) -> Status | None:
        """None for what is no job: an answer may be of any shape."""
        if not isinstance(told, Mapping) or told.get("status") not in _STATES or not text(told.get("id")):
            return None
        settings = told.get("deforum_settings")
        settings = settings[0] if isinstance(settings, list) and settings else settings
        progress = number(told.get("phase_progress"), 0, 1)
        seen = (told.get("phase"), progress, number(told.get("updates")), number(told.get("last_updated")))
        return cls(
            id=text(told["id"]),
            state=told["status"],
            phase=text(told.get("phase")),
            error=text(told.get("error_type")),
            progress=0.0 if progress is None else progress,
            message=text(told.get("message")),
            outdir=_path(told.get("outdir")),
            timestring=_path(told.get("timestring")),
            mark=text(inside(settings, "batch_name")) if isinstance(settings, Mapping) else "",
            changes=tuple(part if isinstance(part, (str, float)) else None for part in seen),
        )


def _path(told: Any) -> str:
    return told if isinstance(told, str) and len(told) <= _LONGEST_PATH and "\0" not in told else ""


class Direct(Wire):
    """Connections straight to servers of one's own: a proxy of the environment is for the world outside. Certificates take
    0.1 s to load, so they are only for `addresses` with https."""

    def __init__(self, addresses: Iterable[Address]) -> None:
        super().__init__(f"Motet/{__version__} (builds music datasets)")
        verify = any(address.url.startswith("https:") for address in addresses)
        self._client = httpx2.AsyncClient(
            headers=self._headers, timeout=None, follow_redirects=False, trust_env=False, verify=verify
        )


class Client:
    """One server's API. `seconds` is the longest an answer may take. For several threads at once."""

    def __init__(self, address: Address, wire: Wire, *, seconds: float = 30.0) -> None:
        self.address = address
        self.seconds = seconds
        self._wire = wire

    def submit(self, settings: Mapping[str, Any]) -> str:
        """Send one job as a batch of its own; its id. Raises Refused, or Silent: then the batch may run all the same."""
        told, status = self._ask("POST", "batches", {"deforum_settings": [dict(settings)], "options_overrides": None})
        jobs = inside(told, "job_ids")
        if status != 202 or not isinstance(jobs, list) or len(jobs) != 1 or not isinstance(jobs[0], str) or not jobs[0]:
            raise Silent(f"{self.address.shown} answered a new batch with something else", answered=True)
        return str(jobs[0])

    def job(self, job: str) -> Status | None:
        """How a job stands, None if the server does not know it (any more). Raises Silent."""
        told, status = self._ask("GET", f"jobs/{quote(job, safe='')}")
        if status == 404:
            return None
        found = Status.read(told)
        if found is None:
            raise Silent(f"{self.address.shown} answered about a job with something else", answered=True)
        return found

    def find(self, mark: str) -> Status | None:
        """The job whose settings bear `mark` as batch_name, None if there is none. Raises Silent.

        A server that has worked long repeats so many settings in its list that no one reads it whole; then the list of
        batches tells the jobs, and each is asked.
        """
        try:
            told, _ = self._ask("GET", "jobs")
        except _TooLong:
            batches, _ = self._ask("GET", "batches?id=all")
            ids = [job for jobs in _values(batches) if isinstance(jobs, list) for job in jobs if isinstance(job, str)]
            return next((found for job in reversed(ids) if (found := self.job(job)) and found.mark == mark), None)
        return next((found for one in _values(told) if (found := Status.read(one)) and found.mark == mark), None)

    def cancel(self, job: str) -> bool:
        """Cancel a job; False if it had ended, or the server does not know it. Raises Silent."""
        _, status = self._ask("DELETE", f"jobs/{quote(job, safe='')}", ended=True)
        return status == 200

    def alive(self) -> bool:
        """Whether the API answers: asked for a job that nobody sent, which is answered shortly however long it has worked."""
        try:
            return self.job("motet") is None
        except (Silent, Refused):
            return False

    def _ask(self, method: str, path: str, body: Any = None, *, ended: bool = False) -> tuple[Any, int]:
        headers = {"Authorization": self.address.authorization} if self.address.authorization else {}
        sent = Sent(method, f"{self.address.url}/deforum_api/{path}", headers=headers, json=body)
        heard = self._wire.exchange(sent, self.seconds)
        shown = self.address.shown
        if not isinstance(heard, Heard):
            if heard.reason.startswith("an answer of more than"):
                raise _TooLong(f"{shown} gave {heard.reason}", answered=True)
            raise Silent(f"{shown} gave no answer ({heard.reason})", sent=heard.reason not in _NEVER_SENT)
        status = heard.status
        if status in (401, 403):
            raise UserError(f"{shown} wants a user and a password: write them into its address.", exit_code=1)
        if status >= 500 or status in (408, 425, 429):
            raise Silent(f"{shown} answered {status}", answered=True)
        told = _told(heard.body)
        if status == 404 and (method == "POST" or inside(told, "detail") == "Not Found"):
            raise UserError(f"{shown} has no Deforum API: start its web UI with --api --deforum-api.", exit_code=1)
        if status == 404 or (status == 400 and ended):
            return told, status
        if told is None:
            raise Silent(f"{shown} answered {status} without JSON", answered=True)
        if not 200 <= status < 300:
            raise Refused(f"{shown} answered {status}: {text(inside(told, 'message') or inside(told, 'detail')) or 'no reason'}")
        return told, status


class _TooLong(Silent):
    """An answer too long to be read."""


def _values(told: Any) -> list[Any]:
    return list(told.values()) if isinstance(told, Mapping) else told if isinstance(told, list) else []


def _told(body: bytes) -> Any:
    try:
        return parse(body)
    except ValueError:
        return None
