"""Plug-ins on disk: what they are, and their digest."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from motet.render.plugins.errors import PluginError

__all__ = ["Plugin", "find"]

Format = Literal["vst3", "vst2", "lv2"]

LV2_PLACES = (
    "~/.lv2",
    "/usr/local/lib/lv2",
    "/usr/lib/lv2",
    "/usr/lib/x86_64-linux-gnu/lv2",
    "/usr/lib64/lv2",
    "~/Library/Audio/Plug-Ins/LV2",
)
BUNDLES = (".vst3", ".vst")
LARGEST_MANIFEST = 1 << 20  # bytes; some collections list hundreds of plug-ins in one
ENTRIES: dict[Format, tuple[bytes, ...]] = {"vst3": (b"GetPluginFactory",), "vst2": (b"VSTPluginMain", b"\0main\0")}
"""What a library of the format exports (VST 3 SDK, VST 2.4 SDK)."""
BINARY = (b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
PIECE = 1 << 20


@dataclass(frozen=True)
class Plugin:
    """A plug-in: where it lies (an LV2 plug-in: its URI), what it is called there, and the SHA-256 of its content."""

    path: str
    name: str
    sha256: str
    format: Format


def find(path_or_uri: str) -> Plugin:
    """The plug-in at a path (a `.vst3` bundle or file, a VST2 library), or of an LV2 URI in LV2_PATH or where systems keep them.

    The digest of a folder is over the names and bytes of its files in order, that of an LV2 plug-in over its URI and bundle.
    Nothing is loaded. Raises PluginError `plugin_missing`, `not_a_plugin`, `unreadable`.
    """
    try:
        if re.match(r"[a-z][a-z0-9+.-]{1,15}:[^\\]", path_or_uri):
            return _lv2(path_or_uri)
        return _file(path_or_uri)
    except PluginError:
        raise
    except (OSError, ValueError, RuntimeError) as error:  # a NUL or a lone surrogate in the path; ~ and a name that is no user's
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise PluginError("unreadable", f"the plug-in {_shown(path_or_uri)} cannot be read: {why}") from None


def _file(text: str) -> Plugin:
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise PluginError("plugin_missing", f"there is no plug-in at {_shown(str(path))}")
    if not (path.is_file() or path.is_dir()):  # a pipe or a device may never end
        raise PluginError("not_a_plugin", f"{_shown(str(path))} is not a regular file")
    if path.is_dir() and not (path.suffix.lower() in BUNDLES and (path / "Contents").is_dir()):
        raise PluginError("not_a_plugin", f"{_shown(str(path))} is a folder, and no bundle of a plug-in")
    format: Format = "vst3" if path.suffix.lower() == ".vst3" else "vst2"
    digest = hashlib.sha256()
    if not _read([path] if path.is_file() else _files(path), path, digest, ENTRIES[format]):
        raise PluginError("not_a_plugin", f"{_shown(str(path))} is no {format.upper()} plug-in: no library in it exports one")
    return Plugin(str(path), path.stem, digest.hexdigest(), format)


def _lv2(uri: str) -> Plugin:
    for bundle in _bundles():
        manifest = bundle / "manifest.ttl"
        if manifest.is_file() and uri in _described(manifest):
            digest = hashlib.sha256(uri.encode() + b"\0")
            _read(_files(bundle), bundle, digest, ())
            return Plugin(uri, re.split(r"[/#:]", uri.rstrip("/#:"))[-1], digest.hexdigest(), "lv2")
    raise PluginError("plugin_missing", f"no LV2 bundle describes {_shown(uri)}: install it, or name its folder in LV2_PATH")


def _bundles() -> Iterator[Path]:
    places = os.environ["LV2_PATH"].split(os.pathsep) if os.environ.get("LV2_PATH") else LV2_PLACES
    for place in places:
        folder = Path(place).expanduser()
        if folder.is_dir():
            yield from sorted(one for one in folder.iterdir() if one.suffix == ".lv2")


def _described(manifest: Path) -> set[str]:
    """The URIs a manifest says something about (of Turtle what bundles use: prefixes, and subjects at a line's start)."""
    with manifest.open("rb") as file:
        text = file.read(LARGEST_MANIFEST).decode("utf-8", "replace")
    prefixes = dict(re.findall(r"^@prefix[ \t]+([\w.-]{0,40}):[ \t]*<([^<>\s]{1,500})>", text, re.MULTILINE))
    found = set(re.findall(r"^<([^<>\s]{1,500})>", text, re.MULTILINE))
    for prefix, local in re.findall(r"^([\w.-]{0,40}):([\w.-]{1,200})", text, re.MULTILINE):
        if prefix in prefixes:
            found.add(prefixes[prefix] + local)
    return found


def _files(folder: Path) -> list[Path]:
    found = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    return sorted(file for file in found if file.is_file())  # no pipe that never ends


def _read(files: list[Path], root: Path, digest: hashlib._Hash, entries: tuple[bytes, ...]) -> bool:
    """Digest the files; whether a binary among them names one of `entries`."""
    exports = False
    for file in files:
        if file != root:
            name = os.fsencode(file.relative_to(root).as_posix())
            digest.update(b"%d:%s:%d:" % (len(name), name, file.stat().st_size))
        with file.open("rb") as opened:
            before = b""
            binary = None
            while piece := opened.read(PIECE):
                binary = piece.startswith(BINARY) if binary is None else binary
                seam = before[-16:] + piece
                exports = exports or (binary and any(entry in seam for entry in entries))
                digest.update(piece)
                before = piece
    return exports


def _shown(text: str) -> str:
    return ascii(text)[1:-1] if len(text) <= 300 else ascii(text[:300])[1:-1] + "…"
