"""Why yt-dlp could not give a recording: one word for each reason. Runs where yt-dlp is."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Failure", "judge"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RUNTIME = re.compile(r"no supported javascript runtime|challenge solving failed|signature solving failed")

# What yt-dlp and its extractors say, in small letters, for want of a class; the first that fits.
_SAID: tuple[tuple[str, str], ...] = (
    (r"no connection adapters|file:|unsupported url scheme", "foreign_address"),
    (r"no space left|errno 28\b|disk quota|errno 122\b", "no_space"),
    (r"drm", "protected"),
    (r"private video|video is private|is private|private playlist|members[- ]only|join this channel", "private"),
    (r"not a bot|fresh cookies|cookies are (?:needed|required)|pass cookies", "needs_cookies"),
    (
        r"confirm your age|age[- ]restrict|registered users|log ?in|sign in|logged[- ]in|authentica|--username|subscri",
        "needs_login",
    ),
    (r"geo[- ]?restrict|your country|your location|your region|geo[- ]?block", "geo_blocked"),
    (r"live event|livestream|live stream|is live|premieres? in|not live|is offline|is not currently live", "live_stream"),
    (r"rate[- ]?limit|too many requests|429", "rate_limited"),
    (r"removed|deleted|no longer available|does not exist|video unavailable|not available|not found|terminated", "gone"),
    (r"no video formats|no formats|requested format|no media|no video|did not get any data", "no_audio"),
    (r"ffmpeg|rtmpdump|mplayer", "needs_program"),
    (r"unsupported url|not a valid url|no suitable extractor", "unknown_site"),
    (r"timed? ?out|connection|resolve|getaddrinfo|unreachable|ssl|certificate|incompleteread|bytes read", "network"),
)


class Foreign(OSError):
    """Something led to an address that is not asked: another scheme, or a private network."""


@dataclass(frozen=True)
class Failure:
    """A reason to count by, the status of HTTP if one was the cause, and the seconds that the site asks to wait."""

    reason: str
    status: int | None = None
    wait: str | None = None
    """as Retry-After was written"""


def judge(problem: BaseException, said: list[str]) -> Failure:
    """The reason of a failure; `said` are yt-dlp's warnings on the way."""
    from yt_dlp.networking.exceptions import HTTPError, TransportError
    from yt_dlp.utils import GeoRestrictedError, UnsupportedError, UserNotLive

    chain = list(_causes(problem))
    for each in chain:
        if isinstance(each, Foreign):
            return Failure("foreign_address")
        if isinstance(each, OSError) and each.errno in _FULL:
            return Failure("no_space")
        if isinstance(each, GeoRestrictedError):
            return Failure("geo_blocked")
        if isinstance(each, UserNotLive):
            return Failure("live_stream")
    for each in chain:
        if isinstance(each, HTTPError):
            return _of_status(each, " ".join(map(str, chain)).lower())
    if any(isinstance(each, UnsupportedError) for each in chain):
        return Failure("unknown_site")
    if any(isinstance(each, TransportError) for each in chain):
        return Failure("network")
    told = re.sub(r"https?://\S+|please report this issue.*|confirm you are on the latest.*", " ", str(problem).lower())
    if _RUNTIME.search(" ".join(said).lower()):
        return Failure("no_javascript_runtime")
    for pattern, reason in _SAID:
        if re.search(pattern, told):
            return Failure(reason)
    return Failure("site_failed")


def _of_status(error: Any, told: str) -> Failure:
    status = int(error.status)
    wait = error.response.headers.get("Retry-After") if error.response is not None else None
    if 300 <= status < 400:
        return Failure("foreign_address", status)
    if re.search(r"not a bot|fresh cookies", told):
        return Failure("needs_cookies", status)
    known = {401: "needs_login", 403: "private", 404: "gone", 410: "gone", 429: "rate_limited", 451: "geo_blocked"}
    reason = known.get(status) or (
        "rate_limited" if status == 503 and wait else "network" if status >= 500 or status == 408 else "site_failed"
    )
    return Failure(reason, status, str(wait)[:100] if wait else None)


def _causes(problem: BaseException) -> Iterator[BaseException]:
    """An error and all that led to it, each once."""
    seen: set[int] = set()
    waiting: list[Any] = [problem]
    while waiting and len(seen) < 50:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        told = getattr(each, "exc_info", None)
        waiting += [told[1] if isinstance(told, tuple) and len(told) == 3 else None]
        waiting += [getattr(each, "cause", None), getattr(each, "reason", None), each.__cause__, each.__context__]
