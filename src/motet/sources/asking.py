"""What a source is asked, what it answers, and what a source is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from motet.errors import UserError

if TYPE_CHECKING:
    from motet.sources.client import Client

Status = Literal["found", "not_found", "refused"]
RawTags = tuple[tuple[str, float | None], ...]


_MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")  # ISO 3901
_MD5 = re.compile(r"[0-9a-f]{32}")


class Unanswered(Exception):
    """A service could not be asked, so there is no answer: ask again later. The sentence holds no secret."""


@dataclass(frozen=True)
class Question:
    """A song, as far as it is known: names, seconds, and what identifies a recording (`isrc`, `musicbrainz_recording`) or
    a file (`md5` of its bytes, as the Lakh lists name them). An identifier goes before a name."""

    artist: str = ""
    title: str = ""
    duration: float | None = None
    isrc: str = ""
    musicbrainz_recording: str = ""
    md5: str = ""


@dataclass(frozen=True)
class Song:
    """The song that a source says it found; `duration` in seconds. What it does not say is empty."""

    artist: str = ""
    title: str = ""
    duration: float | None = None


@dataclass(frozen=True)
class Answer:
    """What one source says of one song.

    `status` is `found`, `not_found`, or `refused`: the service knows what was meant and declines, as Spotify does with
    its audio features. `facts` are named as in docs/sources.md. `tags` are as the crowd wrote them, best first, each with
    the source's own count, or None. `asked_at` is when the service said so (ISO 8601, UTC), also when it is
    told from the cache; of a file, when it was last changed. `url` holds no secret.
    """

    source: str
    status: Status
    song: Song = Song()
    facts: Mapping[str, Any] = field(default_factory=dict)
    tags: RawTags = ()
    identifiers: Mapping[str, str] = field(default_factory=dict)
    asked_at: str = ""
    url: str = ""


class Source(Protocol):
    """A service, or a list on disk.

    `search` gives the songs that may be meant, as the source ranks them, or one answer that is not `found`. None of
    them has been checked: whether it is the song asked for is for the caller to judge. `details` asks for all else about
    one of them. Both raise Unanswered when the source cannot be asked now, UserError when it is set up wrongly.
    `digest` tells the content of a list on disk; a service has "".
    """

    name: str
    online: bool

    @property
    def digest(self) -> str: ...

    def search(self, question: Question, client: Client) -> list[Answer]: ...

    def details(self, found: Answer, client: Client) -> Answer: ...


def mbid(value: str) -> str:
    """An identifier of MusicBrainz as it writes them, "" for what is none."""
    return found if _MBID.fullmatch(found := value[:100].strip().lower()) else ""


def isrc(value: str) -> str:
    """An ISRC without hyphens, "" for what is none."""
    return found if _ISRC.fullmatch(found := value[:100].replace("-", "").strip().upper()) else ""


def md5(value: str) -> str:
    """An MD5 in hexadecimal, "" for what is none."""
    return found if _MD5.fullmatch(found := value[:100].strip().lower()) else ""


def setting(settings: Mapping[str, str], name: str, purpose: str) -> str:
    """A setting that a source cannot do without, from the environment, else from the system's keyring (service "motet");
    raises UserError naming it. Its value is never shown."""
    value = (settings.get(name, "") or _kept(name)).strip()
    if not value:
        raise UserError(f"{purpose} needs {name}: set it in the environment, or say `keyring set motet {name}`.")
    if not (value.isascii() and value.isprintable()):
        raise UserError(f"{name} holds characters that no key has: copy it again from {purpose}.")
    return value


def _kept(name: str) -> str:
    """What the keyring has, if there is one: the package is an extra, and a server has no keyring to unlock."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return keyring.get_password("motet", name) or ""
    except KeyringError:
        return ""


def address(settings: Mapping[str, str], name: str, default: str) -> str:
    """The address of a service, or of the mirror that the setting `name` gives instead, without a slash at its end."""
    from urllib.parse import urlsplit

    given = settings.get(name, "").strip().rstrip("/") or default
    try:
        parts = urlsplit(given)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and not parts.fragment
        whole = whole and (parts.port is None or parts.port > 0) and parts.username is None
    except ValueError:
        whole = False
    if not whole:
        raise UserError(f"{name} is not an address: write it as http://host or https://host/path, without a password in it.")
    return given
