"""What Kaggle and Hugging Face ask for: found where their own programs look, kept in memory only."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path

from motet.errors import UserError
from motet.inventory.known import Download

_LARGEST = 64 << 10  # of a file with a token
_TOKEN = re.compile(r"[!-~]+")

NEEDED = {
    "kaggle": "set KAGGLE_API_TOKEN, or KAGGLE_USERNAME and KAGGLE_KEY, or put kaggle.json into ~/.kaggle "
    "(a token is made at https://www.kaggle.com/settings)",
    "huggingface": "set HF_TOKEN or run `hf auth login` (a token is made at https://huggingface.co/settings/tokens)",
}


def needs(download: Download) -> bool:
    """Does it start only with credentials?"""
    return download.kind == "kaggle" or (download.kind == "huggingface" and download.gated)


def authorization(download: Download, environment: Mapping[str, str]) -> str | None:
    """The header's value, or None where there are no credentials. Raises UserError where they cannot be ones."""
    if download.kind == "kaggle":
        return _kaggle(environment)
    if download.kind == "huggingface" and download.gated:
        return _hugging_face(environment)
    return None


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


def _kaggle(environment: Mapping[str, str]) -> str | None:
    if token := environment.get("KAGGLE_API_TOKEN", "").strip():
        return "Bearer " + _sound(token, "KAGGLE_API_TOKEN")
    user, key = environment.get("KAGGLE_USERNAME", "").strip(), environment.get("KAGGLE_KEY", "").strip()
    if user and key:
        return basic(_sound(user, "KAGGLE_USERNAME"), _sound(key, "KAGGLE_KEY"))
    folder = environment.get("KAGGLE_CONFIG_DIR", "")
    file = (Path(folder) if folder else _home(environment) / ".kaggle") / "kaggle.json"
    written = _text(file)
    if written is None:
        return None
    try:
        told = json.loads(written)
    except (ValueError, RecursionError):
        told = None
    pair = [told.get(name) for name in ("username", "key")] if isinstance(told, dict) else []
    named = [one for one in pair if isinstance(one, str) and one]
    if len(named) != 2:
        raise UserError(f"{file} holds no username and key: make a new one at https://www.kaggle.com/settings.")
    return basic(_sound(named[0], str(file)), _sound(named[1], str(file)))


def _hugging_face(environment: Mapping[str, str]) -> str | None:
    if token := environment.get("HF_TOKEN", "").strip():
        return "Bearer " + _sound(token, "HF_TOKEN")
    folder = environment.get("HF_HOME", "")
    file = (Path(folder) if folder else _home(environment) / ".cache" / "huggingface") / "token"
    written = (_text(file) or "").strip()
    return "Bearer " + _sound(written, str(file)) if written else None


def _home(environment: Mapping[str, str]) -> Path:
    home = environment.get("HOME", "")
    return Path(home) if home.startswith("/") else Path.home()


def _text(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST).decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UserError(f"{file} cannot be read ({what}): mend it, or set the token in the environment.") from None


def _sound(token: str, where: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise UserError(f"{where} holds characters that no token has: copy the token again.")
    return token
