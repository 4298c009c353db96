"""One request and the redirects it leads to. Secrets go to the host they are meant for, and to no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

import httpx2

from motet import __version__
from motet.files.places import shown
from motet.inventory.fetching.credentials import basic
from motet.sources.wire import hush, retry_after

_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)


class Refused(Exception):
    """This source gives nothing, however often it is asked: a sentence, without its end."""


class Interrupted(Exception):
    """It may go better in a while: a sentence, without its end, and the seconds the server asks to wait."""

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


@dataclass(frozen=True)
class Answer:
    """A server's answer whose body is still to be read. Names of headers are in small letters."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    host: str
    url: str = field(repr=False)
    response: httpx2.Response = field(repr=False)

    def chunks(self) -> AsyncIterator[bytes]:
        return self.response.aiter_raw()


class Exchange:
    """Connections, kept open between requests. `quiet` is the longest wait for an answer's head, in seconds."""

    def __init__(self, quiet: float, connections: int) -> None:
        hush()
        self._quiet = quiet
        self._client = httpx2.AsyncClient(
            headers={
                "User-Agent": f"Motet/{__version__} (builds music datasets)",
                "Accept": "*/*",
                "Accept-Encoding": "identity",
            },
            timeout=httpx2.Timeout(quiet, pool=None),
            follow_redirects=False,
            limits=httpx2.Limits(max_connections=connections + 2),
        )

    async def close(self) -> None:
        await self._client.aclose()

    @asynccontextmanager
    async def ask(self, url: str, headers: Mapping[str, str], authorization: str | None) -> AsyncIterator[Answer]:
        """Raises Refused or Interrupted."""
        here = _parsed(url)
        if here.userinfo and authorization is None:
            user, _, password = here.userinfo.decode("ascii", "replace").partition(":")
            authorization = basic(unquote(user), unquote(password))
        here = here.copy_with(userinfo=b"", fragment=None)
        origin, passed = _origin(here), set[str]()
        for _ in range(_MOST_REDIRECTS + 1):
            if str(here) in passed:
                raise Refused(f"{host(here)} redirects in a circle")
            passed.add(str(here))
            sent = dict(headers)
            if authorization is not None and _origin(here) == origin:
                sent["Authorization"] = authorization
            else:
                authorization = None  # a host that redirects back is not given it again either
            response = await self._head(here, sent)
            try:
                if response.status_code not in _REDIRECTS:
                    heads = {name.lower(): value for name, value in response.headers.items()}
                    with _problems(host(here), "broke off"):
                        yield Answer(response.status_code, heads, host(here), str(here), response)
                    return
                there = redirected(here, response.headers.get("location", ""))
            finally:
                await response.aclose()
                self._client.cookies.clear()
            here = there
        raise Refused(f"{host(here)} redirects more than {_MOST_REDIRECTS} times")

    async def _head(self, url: httpx2.URL, headers: Mapping[str, str]) -> httpx2.Response:
        with _problems(host(url), "gave no answer"):
            # The library's own limits start again with every byte: a head that drips in is only broken off from outside.
            async with asyncio.timeout(self._quiet):
                return await self._client.send(self._client.build_request("GET", url, headers=dict(headers)), stream=True)


class _problems:
    """Errors of the library as sentences. Its own hold the request, and with it the secrets."""

    def __init__(self, host: str, what: str) -> None:
        self._host, self._what = host, what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        if isinstance(problem, TimeoutError | httpx2.TimeoutException):
            raise Interrupted(f"{self._host} {self._what} in time") from None
        if isinstance(problem, httpx2.UnsupportedProtocol | httpx2.InvalidURL | UnicodeError):
            raise Refused(f"{self._host} cannot be asked: its address is not one") from None
        if isinstance(problem, httpx2.HTTPError | httpx2.StreamError):
            raise Interrupted(f"{self._host} {_how(problem) or self._what}") from None


def _how(problem: Exception) -> str:
    """What a person can make of an error of the library, or ""."""
    if isinstance(problem, httpx2.ConnectError):
        return "cannot be reached"
    return "broke off" if isinstance(problem, httpx2.RemoteProtocolError | httpx2.ReadError) else ""


def judge(answer: Answer) -> None:
    """Raises Refused or Interrupted for any status but success."""
    status, where = answer.status, answer.host
    if status in (200, 206):
        return
    if status in (408, 425, 429) or status >= 500:
        meaning = {429: "too many requests", 503: "not available now"}.get(status, "")
        raise Interrupted(f"{where} answers {status}{f', {meaning}' if meaning else ''}", retry_after(answer.headers))
    meaning = {401: "it wants to know who asks", 403: "it does not let us have the file", 404: "there is no such file",
               410: "the file is gone", 451: "the file is withheld by law"}.get(status, "which is no file")  # fmt: skip
    raise Refused(f"{where} answers {status}, {meaning}")


def host(url: httpx2.URL) -> str:
    """Host and port, for people."""
    return shown(url.host + (f":{url.port}" if url.port else ""))


def _parsed(url: str) -> httpx2.URL:
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError, UnicodeError):
        raise Refused("its address is not one") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise Refused(f"addresses that begin with {shown(parsed.scheme)[:20] or 'nothing'}: are not fetched")
    return parsed


def redirected(here: httpx2.URL, location: str) -> httpx2.URL:
    try:
        there = here.join(location)
    except (httpx2.InvalidURL, ValueError, UnicodeError):
        raise Refused(f"{host(here)} redirects to what is no address") from None
    if not location or there.scheme not in ("http", "https") or not there.host:
        raise Refused(f"{host(here)} redirects to what is no address")
    if here.scheme == "https" and there.scheme == "http":
        raise Refused(f"{host(here)} redirects from https down to http, which anybody on the way could change")
    return there.copy_with(userinfo=b"", fragment=None)


def _origin(url: httpx2.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
