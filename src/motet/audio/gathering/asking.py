"""What is asked of sites, and how patiently."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from motet.audio.gathering.licences import named
from motet.errors import UserError

__all__ = ["Options", "cookies"]

LARGEST_COOKIES = 4 << 20  # bytes
MOST_SITES = 100


@dataclass(frozen=True)
class Options:
    """How recordings are gathered. Proxies are those of the environment. Raises UserError for what cannot be."""

    formats: str = "bestaudio/best"
    """yt-dlp's format selection, of one stream: joining two needs ffmpeg"""
    rate_limit: int | None = None
    """bytes a second"""
    sleep: float = 0.0
    """seconds between requests of pages, and between recordings"""
    cookies: Path | None = None
    """a file in Netscape's format, sent to the hosts it names and never written"""
    licences: tuple[str, ...] = ()
    """those that are taken, as `cc-by` (any version) or `cc-by-4.0`; none means any, also none told"""
    longest: float | None = None
    """seconds of a recording"""
    largest: int = 4 << 30
    """bytes of a recording: a stream without an end is broken off there"""
    most: int = 10_000
    """items of a playlist"""
    retries: int = 5
    """in a row, after the first try"""
    patience: float = 60.0
    """seconds in which a page, or 16 KiB of a recording, must come; a playlist may take 20 times as long in all"""
    first_wait: float = 1.0
    """seconds before the second try; each next waits twice as long"""
    longest_wait: float = 300.0
    """seconds that a site may ask to stay away (Retry-After)"""
    user_agent: str | None = None
    """yt-dlp's own where None"""
    sites: tuple[str, ...] = ()
    """extractors of one's own for yt-dlp, as `module:Class`"""

    def __post_init__(self) -> None:
        for name, value, least in (
            ("rate_limit", self.rate_limit, 1),
            ("sleep", self.sleep, 0),
            ("longest", self.longest, 0.001),
            ("largest", self.largest, 1),
            ("most", self.most, 1),
            ("retries", self.retries, 0),
            ("patience", self.patience, 0.1),
            ("first_wait", self.first_wait, 0),
            ("longest_wait", self.longest_wait, 0),
        ):
            if value is not None and not (math.isfinite(value) and value >= least):
                raise UserError(f"{name} of gathering is {value}: give a number of at least {least}.")
        if re.search(r"[+,]", re.sub(r"\[[^\]]*\]", "", self.formats)):
            raise UserError("Formats that ask for several streams (+ or ,) need ffmpeg: ask for one, such as bestaudio/best.")
        if any(ord(letter) < 32 or ord(letter) > 126 for letter in self.user_agent or ""):
            raise UserError("The user agent holds letters that no request can carry: use plain ones.")
        for licence in self.licences:
            named(licence)
        for site in self.sites[:MOST_SITES]:
            module, _, name = site.partition(":")
            if not (name.isidentifier() and all(part.isidentifier() for part in module.split("."))):
                raise UserError(f"{site!r} names no extractor: write it as module:Class.")


def cookies(path: Path | None) -> str | None:
    """The content of a file of cookies. Raises UserError, which never holds a word of it."""
    if path is None:
        return None
    try:
        with path.open("rb") as opened:
            octets = opened.read(LARGEST_COOKIES + 1)
    except OSError as error:
        raise UserError(
            f"The cookies {path} cannot be read ({error.strerror}): name a cookies.txt in Netscape's format."
        ) from None
    text = octets.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n")
    lines = [line.removeprefix("#HttpOnly_") for line in text.split("\n")]
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if len(octets) > LARGEST_COOKIES or not lines or any(line.count("\t") != 6 for line in lines):
        raise UserError(f"The cookies {path} are not in Netscape's format (7 columns, with tabs): export them as cookies.txt.")
    return (
        text if text.startswith(("# Netscape HTTP Cookie File", "# HTTP Cookie File")) else f"# Netscape HTTP Cookie File\n{text}"
    )
