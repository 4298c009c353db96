"""SoundFonts: found, checked, and named with their licence."""

import hashlib
import importlib.util
import os
import re
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from motet.render.errors import FontError

__all__ = ["COMPRESSED", "ROM", "Contents", "Font", "contents", "find", "whole"]

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
LARGEST = 2**32 + 8  # bytes: RIFF counts what follows its first eight in 32 bits
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
    path = _automatic() if setting == "auto" else _expanded(setting)
    with _readable(path) as about:
        return _read(path, about.st_size, about.st_mtime_ns)


def whole(path: Path) -> bytes:
    """The bytes of a font. Not mapped: who cuts a mapped file short ends the process that reads it.

    Raises FontError: `missing`, `not_a_soundfont`, `unreadable`.
    """
    with _readable(path):
        return path.read_bytes()


@contextmanager
def _readable(path: Path) -> Iterator[os.stat_result]:
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # a pipe or a device may never end
            raise FontError("unreadable", f"the SoundFont {path} is not a regular file")
        if about.st_size > LARGEST:
            raise FontError("not_a_soundfont", f"{path} holds {about.st_size:,} bytes: a SoundFont has at most 4 GiB")
        yield about
    except FileNotFoundError:
        raise FontError("missing", f"there is no SoundFont at {path}") from None
    except OSError as error:
        raise FontError("unreadable", f"the SoundFont {path} cannot be read: {error.strerror}") from None


@lru_cache(maxsize=16)
def _read(path: Path, size: int, written: int) -> Font:
    """The font in a file of that size, written then: a build asks for one several times, and large ones take long."""
    data = path.read_bytes()
    info = contents(data, str(path)).info
    name = info.get("INAM") or path.stem
    sha256 = hashlib.sha256(data).hexdigest()
    return Font(path.resolve(), name, sha256, _licence(sha256, name, path.stem, info))


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~ and a name that is no user's
        return Path(text)


def _automatic() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return _expanded(named)
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
#
# Synths read chunks in ways of their own: tinysoundfont knows no pad bytes, makes no difference between a chunk and a list of one
# name, and goes on in the middle of a list that it cannot follow. What it would find elsewhere than we do is refused.

_BAG = np.dtype([("generator", "<u2"), ("modulator", "<u2")])
_GENERATOR = np.dtype([("kind", "<u2"), ("amount", "<i2")])
_MODULATOR = np.dtype(
    [(name, "<i2" if name == "amount" else "<u2") for name in "source destination amount amount_source transform".split()]
)
_SAMPLE = [(name, "<u4") for name in "start end loop_start loop_end rate".split()]
RECORDS = {
    "phdr": np.dtype([("name", "S20"), ("program", "<u2"), ("bank", "<u2"), ("bag", "<u2"), ("library", "V12")]),
    "pbag": _BAG,
    "pmod": _MODULATOR,
    "pgen": _GENERATOR,
    "inst": np.dtype([("name", "S20"), ("bag", "<u2")]),
    "ibag": _BAG,
    "imod": _MODULATOR,
    "igen": _GENERATOR,
    "shdr": np.dtype([("name", "S20"), *_SAMPLE, ("pitch", "u1"), ("correction", "i1"), ("link", "<u2"), ("kind", "<u2")]),
}
INSTRUMENT, SAMPLE = 41, 53  # generators that point at another table
COMPRESSED, ROM = 0x30, 0x8000  # bits of a sample's type: Vorbis or the like (sf3), and in a sound card's memory

Place = tuple[int, int]  # start and size, bytes


@dataclass(frozen=True, eq=False)
class Contents:
    """What a font holds whose sizes and indices all hold. Every table ends with a record that only closes it."""

    info: dict[str, str]
    version: tuple[int, int]  # of the standard that the font says it follows
    tables: dict[str, npt.NDArray[np.void]]  # by name, with the fields of RECORDS
    smpl: Place | None
    sm24: Place | None


def contents(data: bytes, called: str) -> Contents:
    """What the font in `data` holds; raises FontError: `not_a_soundfont`, `truncated`, `damaged`."""
    if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
        raise FontError("not_a_soundfont", f"{called} is not a SoundFont (it begins with {data[:12]!r})")
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    if end > len(data):
        raise FontError("truncated", f"{called} holds {len(data):,} bytes of {end:,}: fetch it again")
    lists: dict[str, dict[str, Place]] = {}
    for kind, start, size in _chunks(data, 12, end, called):
        if kind in ("sdta", "pdta"):
            if kind in lists:
                raise FontError("damaged", f"{called} holds two lists {kind!r}")
            lists[kind] = _only_chunks(data, start, start + size, called)
        elif kind == "INFO":
            lists[kind] = {tag: (at, n) for tag, at, n in _chunks(data, start, start + size, called)}
    samples, info = lists.get("sdta", {}), lists.get("INFO", {})
    if not any(samples.get(name, (0, 0))[1] >= 2 for name in ("smpl", "smpo")):
        raise FontError("damaged", f"{called} holds no samples")
    tables = _tables(data, lists.get("pdta", {}), samples.get("smpl"), called)
    texts = {tag: _text(data[at : at + size]) for tag, (at, size) in info.items()}
    at, size = info.get("ifil", (0, 0))
    major, minor = struct.unpack_from("<HH", data, at) if size >= 4 else (2, 1)
    return Contents(texts, (major, minor), tables, samples.get("smpl"), samples.get("sm24"))


def _chunks(data: bytes, start: int, end: int, called: str) -> list[tuple[str, int, int]]:
    """Name, start and size of each chunk; those of a list are its kind's and its content's.

    A chunk of odd size is followed by a pad byte of zero. Some programs leave it out, and no name begins with a zero.
    """
    found = []
    while start + 8 <= end:
        tag, size = data[start : start + 4].decode("latin-1"), struct.unpack_from("<I", data, start + 4)[0]
        if start + 8 + size > end:
            raise FontError("truncated", f"{called} is cut off inside its chunk {tag!r}")
        next_one = start + 8 + size
        if tag == "LIST":
            if size < 4:
                raise FontError("damaged", f"{called} holds a list without a kind")
            found.append((data[start + 8 : start + 12].decode("latin-1"), start + 12, size - 4))
        else:
            found.append((tag, start + 8, size))
        start = next_one + (size & 1 and data[next_one : next_one + 1] == b"\0")
    return found


def _only_chunks(data: bytes, start: int, end: int, called: str) -> dict[str, Place]:
    """The chunks of a list that is nothing else: each has a name of its own, and all but the last an even size."""
    found: dict[str, Place] = {}
    odd = False
    for name, at, size in _chunks(data, start, end, called):
        if odd or name in found or name == "RIFF" or not "!" <= name[0] <= "y":
            raise FontError("damaged", f"{called}: its chunk {name!r} is out of place")
        found[name] = at, size
        start = at + size
        odd = bool(size & 1)
    if data[start:end] not in (b"", b"\0"):
        raise FontError("damaged", f"{called}: there are {end - start} bytes after the last chunk of a list")
    return found


def _text(raw: bytes) -> str:
    return " ".join(raw.split(b"\0")[0].decode("latin-1").split())[:200]


def _tables(data: bytes, pdta: dict[str, Place], smpl: Place | None, called: str) -> dict[str, npt.NDArray[np.void]]:
    tables: dict[str, npt.NDArray[np.void]] = {}
    for name, record in RECORDS.items():
        at, size = pdta.get(name, (0, 0))
        if size < record.itemsize or size % record.itemsize:
            raise FontError("damaged", f"{called} has a table {name!r} of {size} bytes")
        tables[name] = np.frombuffer(data, record, size // record.itemsize, at)
    for name, field, target, spare in (
        ("phdr", "bag", "pbag", 1),
        ("pbag", "generator", "pgen", 0),
        ("inst", "bag", "ibag", 1),
        ("ibag", "generator", "igen", 0),
    ):
        index = tables[name][field].astype(np.int64)
        if (np.diff(index) < 0).any() or index[-1] + spare > len(tables[target]):
            raise FontError("damaged", f"{called}: its table {name!r} points outside {target!r}")
    for name, generator, target in (("pgen", INSTRUMENT, "inst"), ("igen", SAMPLE, "shdr")):
        pointed = tables[name]["amount"][tables[name]["kind"] == generator].astype(np.uint16)
        if pointed.size and pointed.max() >= len(tables[target]) - 1:
            raise FontError("damaged", f"{called}: its table {name!r} points outside {target!r}")
    if smpl is not None:
        headers = tables["shdr"]
        compressed = bool((headers["kind"] & COMPRESSED).any())  # sf3 counts bytes, sf2 counts 16-bit words
        if smpl[1] % 2 and not compressed:  # fluidsynth would play silence
            raise FontError("damaged", f"{called} ends its sample data in half a sample")
        room = smpl[1] if compressed else smpl[1] // 2
        # A sample in ROM is silent: tinysoundfont stops at the end of the data, fluidsynth leaves it out. But among compressed
        # samples tinysoundfont reads it from where it says.
        here = headers[:-1][(headers[:-1]["kind"] & ROM == 0) | compressed]
        if any((here[field] > room).any() for field in ("start", "end")):
            raise FontError("damaged", f"{called}: a sample lies outside the sample data")
    return tables
