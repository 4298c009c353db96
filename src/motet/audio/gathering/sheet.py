"""What is known of a fetched recording, as a file beside it."""

from __future__ import annotations

import json
import math
import os
import unicodedata
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from motet.errors import UserError

__all__ = ["Sheet", "line", "number", "read_sheet", "write_sheet"]

LONGEST_LINE = 500  # characters
LARGEST = 64 << 10  # bytes of a sheet


@dataclass(frozen=True)
class Sheet:
    """Where a recording came from and what its site says of it; None where it says nothing.

    Addresses stand without user, password, fragment and any parameter that does not plainly name a recording.
    """

    url: str
    """as it was asked for"""
    page: str
    """the page of the recording"""
    extractor: str
    """yt-dlp's name of the site"""
    id: str
    """the site's name of the recording"""
    title: str | None
    artist: str | None
    track: str | None
    album: str | None
    uploader: str | None
    uploader_url: str | None
    licence: str | None
    """in the site's words"""
    licence_spdx: str | None
    """one spelling (see `licences.normalised`)"""
    uploaded: str | None
    """a date, as 2024-05-31"""
    fetched_at: str
    """as 2024-05-31T12:00:00Z"""
    formats: str
    """what was asked for"""
    format: str
    """what the site sent"""
    codec: str | None
    bitrate: float | None
    """kbit/s, as the site tells"""
    duration: float | None
    """seconds, of the file's header, else as the site tells"""
    bytes: int
    sha256: str
    file: str
    """its name, beside this sheet"""


def line(told: object, longest: int = LONGEST_LINE) -> str | None:
    """A stranger's words as one line of text without control characters, or None where there are none."""
    if not isinstance(told, str):
        return None
    text = told[: 4 * longest].encode("utf-8", "replace").decode("utf-8")
    text = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp", "Cf") else letter for letter in text)
    return " ".join(unicodedata.normalize("NFC", text).split())[:longest] or None


def number(told: object) -> float | None:
    """A stranger's number, finite and not below 0, or None."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    try:
        value = float(told)
    except OverflowError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def write_sheet(sheet: Sheet, path: Path) -> None:
    """Written whole, or not at all."""
    written = path.with_name(f"{path.name}.new")
    with written.open("w", encoding="utf-8") as file:
        json.dump(asdict(sheet), file, ensure_ascii=False, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(written, path)


def read_sheet(path: Path) -> Sheet:
    """Raises UserError where the file is missing or is no sheet."""
    told: Any = None
    try:
        with path.open("rb") as opened:
            told = json.loads(opened.read(LARGEST))
    except OSError as error:
        raise UserError(f"The sheet {path} cannot be read ({error.strerror}): gather the recording again.") from None
    except (ValueError, RecursionError):
        pass  # told of below
    if isinstance(told, dict) and _fits(told):
        return Sheet(**{name: told[name] for name in _TYPES})
    raise UserError(f"{path} is no sheet of a recording: remove it and gather the recording again.")


_TYPES = {field.name: str(field.type) for field in fields(Sheet)}
_KINDS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "float | None": (int, float, type(None)),
    "int": (int,),
}


def _fits(told: dict[str, Any]) -> bool:
    return all(name in told and isinstance(told[name], _KINDS[kind]) for name, kind in _TYPES.items()) and "/" not in told["file"]
