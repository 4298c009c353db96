"""SoundFonts: found, checked, and named with their licence."""

import hashlib
import importlib.util
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motet.render.errors import FontError

__all__ = ["Font", "find"]

VARIABLE = "MOTET_SOUNDFONT"
SUFFIXES = (".sf2", ".sf3")
SYSTEM_PLACES = (
    "/usr/share/sounds/sf2",
    "/usr/share/sounds/sf3",
    "/usr/share/soundfonts",
    "/usr/local/share/soundfonts",
    "/usr/local/share/sounds/sf2",
    "/opt/homebrew/share/soundfonts",
    "/opt/homebrew/share/fluid-synth",
    "/usr/local/share/fluid-synth",
    "/opt/local/share/sounds/sf2",
    "~/Library/Audio/Sounds/Banks",
)
LICENCE_BY_HASH = {"82475b91a76de15cb28a104707d3247ba932e228bada3f47bba63c6b31aaf7a1": "GPL-2.0"}
LICENCE_BY_NAME = {"timgm6mb": "GPL-2.0", "fluidr3": "MIT", "musescoregeneral": "MIT"}
LICENCE_WORDS = re.compile(r"licen[cs]e|public domain|copyright|\(c\)|©|creative commons|\bgpl\b", re.IGNORECASE)


@dataclass(frozen=True)
class Font:
    """A SoundFont file that was checked: what it is called, what it is, what it allows."""

    path: Path
    name: str
    sha256: str
    licence: str


def find(setting: str = "auto") -> Font:
    """The SoundFont to play with.

    `setting` is a path, or "auto": the file named by the environment variable MOTET_SOUNDFONT; else the one
    bundled with pretty_midi, so that two machines that follow no further advice sound the same; else the
    first by name in the places where systems keep SoundFonts.

    Raises FontError: `missing`, `not_a_soundfont`, `truncated`, `damaged`, `unreadable`.
    """
    path = _automatic() if setting == "auto" else Path(setting).expanduser()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise FontError("missing", f"there is no SoundFont at {path}") from None
    except OSError as error:
        raise FontError("unreadable", f"the SoundFont {path} cannot be read: {error.strerror}") from None
    info = _check(data, str(path))
    name = info.get("INAM") or path.stem
    sha256 = hashlib.sha256(data).hexdigest()
    return Font(path.resolve(), name, sha256, _licence(sha256, name, path.stem, info))


def _automatic() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    spec = importlib.util.find_spec("pretty_midi")
    places = [Path(spec.origin).parent / "TimGM6mb.sf2"] if spec and spec.origin else []
    for folder in (Path(place).expanduser() for place in SYSTEM_PLACES):
        if folder.is_dir():
            places += sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    for place in places:
        if place.is_file():
            return place
    raise FontError("missing", f"no SoundFont was found: pip install pretty_midi, or set {VARIABLE} to one")


def _licence(sha256: str, name: str, stem: str, info: dict[str, str]) -> str:
    if sha256 in LICENCE_BY_HASH:
        return LICENCE_BY_HASH[sha256]
    for called in (name, stem):
        plain = re.sub(r"[^a-z0-9]", "", called.lower())
        for known, licence in LICENCE_BY_NAME.items():
            if plain.startswith(known):
                return licence
    if info.get("ICOP"):
        return info["ICOP"]
    comment = info.get("ICMT", "")
    return comment if LICENCE_WORDS.search(comment) else "unknown"


# --- what a synth written in C must be able to rely on (SoundFont 2.04, sections 4 to 7) ---

RECORDS = {"phdr": 38, "pbag": 4, "pmod": 10, "pgen": 4, "inst": 22, "ibag": 4, "imod": 10, "igen": 4, "shdr": 46}
INSTRUMENT, SAMPLE = 41, 53  # generators that point at another table


def _check(data: bytes, called: str) -> dict[str, str]:
    """The INFO texts of a font whose sizes and indices all hold; raises FontError."""
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise FontError("not_a_soundfont", f"{called} is not a SoundFont (it begins with {data[:12]!r})")
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise FontError("truncated", f"{called} holds {len(data):,} bytes of {end:,}: fetch it again")
    lists: dict[str, dict[str, tuple[int, int]]] = {}
    for tag, start, size in _chunks(data, 12, end, called):
        if tag == "LIST" and size >= 4:
            kind = data[start : start + 4].decode("latin-1")
            lists[kind] = {name: (at, n) for name, at, n in _chunks(data, start + 4, start + size, called)}
    samples = lists.get("sdta", {})
    if not any(samples.get(name, (0, 0))[1] >= 2 for name in ("smpl", "smpo")):
        raise FontError("damaged", f"{called} holds no samples")
    _check_tables(data, lists.get("pdta", {}), samples.get("smpl"), called)
    return {tag: _text(data[at : at + size]) for tag, (at, size) in lists.get("INFO", {}).items()}


def _chunks(data: bytes, start: int, end: int, called: str) -> list[tuple[str, int, int]]:
    found = []
    while start + 8 <= end:
        tag, size = data[start : start + 4].decode("latin-1"), struct.unpack_from("<I", data, start + 4)[0]
        if start + 8 + size > end:
            raise FontError("truncated", f"{called} is cut off inside its chunk {tag!r}")
        found.append((tag, start + 8, size))
        start += 8 + size + (size & 1)
    return found


def _text(raw: bytes) -> str:
    return " ".join(raw.split(b"\0")[0].decode("latin-1").split())[:200]


def _check_tables(data: bytes, pdta: dict[str, tuple[int, int]], smpl: tuple[int, int] | None, called: str) -> None:
    tables = {}
    for name, width in RECORDS.items():
        at, size = pdta.get(name, (0, 0))
        if size < width or size % width:
            raise FontError("damaged", f"{called} has a table {name!r} of {size} bytes")
        tables[name] = np.frombuffer(data, np.uint8, size, at).reshape(-1, width)

    def words(name: str, offset: int) -> npt.NDArray[np.int64]:
        return tables[name][:, offset : offset + 2].copy().view("<u2")[:, 0].astype(np.int64)

    def sample(offset: int) -> npt.NDArray[np.int64]:
        return tables["shdr"][:-1, offset : offset + 4].copy().view("<u4")[:, 0].astype(np.int64)

    for name, offset, target, spare in (
        ("phdr", 24, "pbag", 1),
        ("pbag", 0, "pgen", 0),
        ("inst", 20, "ibag", 1),
        ("ibag", 0, "igen", 0),
    ):
        index = words(name, offset)
        if (np.diff(index) < 0).any() or index[-1] + spare > len(tables[target]):
            raise FontError("damaged", f"{called}: its table {name!r} points outside {target!r}")
    for name, generator, target in (("pgen", INSTRUMENT, "inst"), ("igen", SAMPLE, "shdr")):
        pointed = words(name, 2)[words(name, 0) == generator]
        if pointed.size and pointed.max() >= len(tables[target]) - 1:
            raise FontError("damaged", f"{called}: its table {name!r} points outside {target!r}")
    if smpl is not None:
        compressed = bool((words("shdr", 44) & 0x10).any())  # sf3 counts bytes, sf2 counts 16-bit words
        room = smpl[1] if compressed else smpl[1] // 2
        if any((sample(offset) > room).any() for offset in (20, 24)):
            raise FontError("damaged", f"{called}: a sample lies outside the sample data")
