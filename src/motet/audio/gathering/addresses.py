"""Addresses of recordings: lists of them, and how they are written down without what is secret in them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit, urlunsplit

from motet.errors import UserError

__all__ = ["host", "hushed", "identity", "is_web", "read_list"]

LARGEST_LIST = 64 << 20  # bytes
LONGEST = 8192  # characters of an address

# What names a recording or a page of it, as sites spell it. Every other parameter may be a key and is not written down.
_NAMES = frozenset(
    "v list id i p aid bvid vid mid clip track trackid track_id video videoid video_id song songid song_id album albumid album_id"
    " playlist playlistid playlist_id item itemid item_id episode episodeid episode_id media mediaid media_id".split()
)
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

# What changes, or is secret, while the recording stays the same.
_PASSING = re.compile(
    r"(?i)(.*[-_.])?(access[-_]?key|api[-_]?key|auth|authorization|credential|expire|expires|expiry|hash|hdnea|hdnts|hmac|jwt|key|"
    r"key-pair-id|lsig|md5|nonce|pass|passwd|password|policy|secret|session|sessionid|sid|sig|sign|signature|ticket|time|timestamp|"
    r"token|ts|tok|user|username|utm_[a-z]+|x-amz-[a-z-]+|x-goog-[a-z-]+|si|feature|pp|fbclid|gclid)"
)


def _split(url: str) -> SplitResult | None:
    """The parts of a web address, or None for anything else."""
    if len(url) > LONGEST:
        return None
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises for a port that is none
    except ValueError:
        return None
    return parts if parts.scheme in ("http", "https") and parts.hostname else None


def is_web(url: str) -> bool:
    """Whether this is an http or https address."""
    return _split(url) is not None


def host(url: str) -> str:
    """The host, with its port where one is told; "" where there is none."""
    parts = _split(url)
    return _host(parts) if parts else ""


def _host(parts: SplitResult) -> str:
    name = parts.hostname or ""
    name = f"[{name}]" if ":" in name else name
    return name if parts.port is None else f"{name}:{parts.port}"


def hushed(url: str) -> str:
    """An address fit to be written down and shown: without user and password, fragment, and every parameter that does not
    plainly name a recording. "" for what is no web address."""
    parts = _split(url)
    if parts is None:
        return ""
    kept = [(name, value) for name, value in _query(parts) if name.lower() in _NAMES and _NAME.fullmatch(value)]
    path = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit((parts.scheme, _host(parts), path, urlencode(kept), ""))


def identity(url: str) -> str:
    """A digest that tells an address from others; signatures, times and keys in its query change nothing."""
    parts = _split(url)
    if parts is None:
        return hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:32]
    kept = sorted((name, value) for name, value in _query(parts) if not _PASSING.fullmatch(name))
    told = repr((_host(parts).lower(), parts.path or "/", kept))
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:32]


def _query(parts: SplitResult) -> list[tuple[str, str]]:
    try:
        return parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def read_list(path: Path) -> list[str]:
    """The addresses of a text file, one a line, each once; empty lines and what stands behind a # after a space are passed over.

    UTF-8 with or without a byte order mark, any line ends. Raises UserError with the numbers of lines that are no address.
    """
    try:
        with path.open("rb") as opened:
            octets = opened.read(LARGEST_LIST + 1)
    except OSError as error:
        raise UserError(f"The list {path} cannot be read ({error.strerror}): name a text file with one URL a line.") from None
    if len(octets) > LARGEST_LIST:
        raise UserError(f"The list {path} is larger than {LARGEST_LIST >> 20} MiB: split it.")
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        broken = octets.count(b"\n", 0, error.start) + 1
        raise UserError(f"The list {path} is not UTF-8 in line {broken}: save it as UTF-8 text.") from None
    found: dict[str, None] = {}
    bad = []
    for at, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if not line:
            continue
        if not is_web(line) or re.search(r"[\s\x00-\x1f\x7f]", line):
            bad.append(at)
        else:
            found[line] = None
    if bad:
        # The lines are not shown: an address may hold a password.
        named = ", ".join(map(str, bad[:10])) + (" and more" if len(bad) > 10 else "")
        lines = "line" if len(bad) == 1 else "lines"
        raise UserError(f"The list {path} holds something other than an http or https address in {lines} {named}: mend it.")
    return list(found)
