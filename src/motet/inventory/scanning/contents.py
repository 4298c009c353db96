"""What a file is by its name, and what is wrong with it by its first bytes and its own headers: as little is read as tells."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

from motet.files.tars import is_tar_header
from motet.inventory.tree import Fault

__all__ = ["OutOfReach", "Read", "first_read", "is_archive", "kind_of", "look", "needs_look"]

Read = Callable[[int, int], bytes]
"""``read(length, offset)``: bytes of the content, fewer only where it ends. Raises OSError or OutOfReach."""

_HEAD = 4096
_MIDI_HEAD = 64 << 10
_LARGEST_POINTER = 1024
_MOST_STEPS = 10_000  # chunks of one file that are walked


class OutOfReach(Exception):
    """These bytes could be read only at too great a cost: nothing can be said from them."""


_KINDS = {
    "midi": "mid midi kar rmi",
    "audio": "wav wave flac mp3 mp2 ogg oga opus m4a aac aif aiff aifc au snd wma w64 caf sph ape wv",
    "video": "mp4 m4v mov mkv webm avi flv mpg mpeg wmv 3gp",
    "image": "png jpg jpeg gif bmp tif tiff webp svg",
    "text": "txt md rst lrc lab html htm xml musicxml mxl abc krn pdf ann jams yaml yml toml rtf log",
    "table": "csv tsv json jsonl ndjson parquet feather arrow xlsx xls",
    "array": "npy npz pt pth h5 hdf5 hdf mat safetensors tfrecord tfrecords",
    "archive": "zip tar tgz gz tbz tbz2 bz2 txz xz 7z rar zst",
}
_BY_SUFFIX = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes.split()}
_TEXTS = frozenset("readme license licence copying changelog changes authors notice citation".split())
_OPENED = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz")


def kind_of(name: str) -> str:
    """The kind a file's name tells, see `known.FileKind`; ``x.zip?download=1`` is a zip file as well."""
    return _BY_SUFFIX.get(_suffix(name)) or ("text" if name.lower() in _TEXTS else "other")


def _suffix(name: str) -> str:
    if "?" in name:
        name = name.partition("?")[0]
    stem, dot, suffix = name.rpartition(".")
    return suffix.lower() if stem or dot else ""


def is_archive(name: str) -> bool:
    """Is it an archive that can be listed in place, going by its name?"""
    return name.partition("?")[0].lower().endswith(_OPENED)


def needs_look(kind: str, size: int) -> bool:
    """Can the content tell a fault of such a file? Of other files only small ones: they may be pointers."""
    return size > 0 and (kind != "other" or size <= _LARGEST_POINTER)


def first_read(kind: str) -> int:
    """Bytes of a file of this kind that are read at least."""
    return _MIDI_HEAD if kind == "midi" else _HEAD


def look(name: str, kind: str, size: int, read: Read) -> tuple[Fault, str]:
    """The fault of a file of this name, kind and size in bytes, and a few words on it; ("", "") if none is seen.

    Raises OSError where the content cannot be read.
    """
    if not size:
        return "empty", ""
    head = read(first_read(kind), 0)
    if not head:
        return "truncated", f"nothing can be read of its {size:,} bytes"
    if fault := _pointer(head, size):
        return fault
    suffix = _suffix(name)
    if kind != "other" and suffix not in _MARKUP and _is_page(head, kind):
        return "web_page", ""
    if kind in ("other", "text") and suffix not in _SIGNED:
        return "", ""
    try:
        if words := _foreign(suffix, kind, size, head, read):
            return "other_kind", words
        walk = _WALKS.get(suffix)
        words = walk(head, size, read) if walk else ""
    except OutOfReach:
        return "", ""
    return ("truncated", words) if words else ("", "")


# Files that stand for others


def _pointer(head: bytes, size: int) -> tuple[Fault, str] | None:
    if size > _LARGEST_POINTER:
        return None
    if head.startswith(b"version https://git-lfs.github.com/spec/"):
        held = re.search(rb"^size ([0-9]{1,15})$", head, re.MULTILINE)
        return "lfs_pointer", f"of a file of {int(held[1]):,} bytes" if held else ""
    if head.startswith((b"/annex/objects/", b"../.git/annex/objects/", b".git/annex/objects/")):
        return "lfs_pointer", "a git-annex pointer"
    return None


_MARKUP = frozenset("html htm xml musicxml svg md jams".split())


def _is_page(head: bytes, kind: str) -> bool:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:512].lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head>", b"<head ")):
        return True
    if kind in ("text", "table"):
        return start.startswith((b"<?xml", b"<error>")) and b"<error>" in start
    return start.startswith((b"<?xml", b"<error>", b"<!doctype"))


# What it is by its first bytes

_SIGNS = (  # what begins a file, and how we call it
    (b"MThd", "MIDI"), (b"RIFF", "RIFF"), (b"RIFX", "RIFF"), (b"RF64", "WAV"), (b"BW64", "WAV"), (b"fLaC", "FLAC"),
    (b"OggS", "Ogg"), (b"FORM", "AIFF"), (b".snd", "AU"), (b"ID3", "ID3"), (b"PK\3\4", "zip"), (b"PK\5\6", "zip"),
    (b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"Rar!", "RAR"), (b"7z\xbc\xaf", "7z"), (b"\xfd7zXZ", "xz"),
    (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"%PDF", "PDF"), (b"\x1aE\xdf\xa3", "Matroska"),
    (b"\x93NUMPY", "NumPy"), (b"\x89HDF", "HDF5"), (b"\x30\x26\xb2\x75", "ASF"), (b"PAR1", "Parquet"),
)  # fmt: skip
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp")


def _foreign(suffix: str, kind: str, size: int, head: bytes, read: Read) -> str:
    """What its first bytes are instead, or "" where they fit its name or cannot tell."""
    fits = _SIGNED.get(suffix)
    if fits is None:
        return ""
    if fits(head):
        return ""
    bare = head.lstrip(b"\0")
    if not bare:
        if size <= len(head):
            return f"its {size:,} bytes are all zero"
        if kind == "archive":
            return ""  # a tar archive may be empty, or begin with a gap
        try:
            bare = read(_HEAD, max(0, size // 2)).lstrip(b"\0")
        except OutOfReach:
            bare = b""
        if not bare:
            return f"its first {len(head):,} bytes are zero"
    if fits(bare):
        return ""
    for sign, words in _SIGNS:
        if bare.startswith(sign):
            return f"it begins as {words}"
    if head[4:8] in _BOXES or bare[4:8] in _BOXES:
        return "it begins as MP4"
    if bare[:1] in (b"{", b"<") or (bare[:64].isascii() and b"\0" not in bare[:64] and bare[:64].decode().isprintable()):
        return "it begins as text"
    return f"it begins with {bare[:4].hex(' ')}"


def _starts(*signs: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signs)


def _has_midi(head: bytes) -> bool:
    # A Macintosh header, or bytes of a mail before the music: readers look for MThd, and find it.
    return head.startswith(b"SMF2CLIP") or b"MThd" in head[:_HEAD] or (head[:4] == b"RIFF" and head[8:12] == b"RMID")


def _has_wave(head: bytes) -> bool:
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FFIR"):
        return head[8:12] in (b"WAVE", b"EVAW")
    return head.startswith((b"ID3", b"NIST_1A"))


_SYNC = re.compile(rb"\xff[\xe2-\xe7\xf2-\xff]")  # eleven bits of a frame's header, with a layer that exists


def _has_mpeg(head: bytes) -> bool:
    if head.startswith((b"ID3", b"TAG", b"APETAGEX")) or (head[:4] == b"RIFF" and head[8:12] in (b"WAVE", b"RMP3")):
        return True
    if any(head.startswith(sign) for sign, _ in _SIGNS) or head[4:8] in _BOXES:
        return False
    return _SYNC.search(head) is not None


def _has_boxes(head: bytes) -> bool:
    return head[4:8] in _BOXES


def _has_aac(head: bytes) -> bool:
    return head.startswith((b"ID3", b"ADIF")) or (head[:1] == b"\xff" and head[1:2] >= b"\xf0") or _has_boxes(head)


def _has_image(head: bytes) -> bool:
    signs = (b"\x89PNG", b"\xff\xd8", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    return head.startswith(signs) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or head[4:8] == b"ftyp"


def _has_hdf(head: bytes) -> bool:
    return any(head[at : at + 4] == b"\x89HDF" for at in (0, 512, 1024, 2048))  # a user's block may come first


def _has_tar(head: bytes) -> bool:
    return head[257:262] == b"ustar" or (len(head) >= 512 and is_tar_header(head[:512]))


def _has_gzip_or_tar(head: bytes) -> bool:
    return head.startswith((b"\x1f\x8b", b"BZh")) or _has_tar(head)


_zip = _starts(b"PK\3\4", b"PK\5\6", b"PK\7\x08", b"MZ")
_SIGNED: dict[str, Callable[[bytes], bool]] = {
    **dict.fromkeys("mid midi kar rmi".split(), _has_midi),
    **dict.fromkeys("wav wave".split(), _has_wave),
    "flac": _starts(b"fLaC", b"ID3", b"OggS"),
    **dict.fromkeys("mp3 mp2".split(), _has_mpeg),
    **dict.fromkeys("ogg oga opus".split(), _starts(b"OggS", b"ID3")),
    **dict.fromkeys("m4a mp4 m4v mov 3gp".split(), _has_boxes),
    "aac": _has_aac,
    **dict.fromkeys("aif aiff aifc".split(), _starts(b"FORM", b"ID3")),
    **dict.fromkeys("au snd".split(), _starts(b".snd", b"dns.")),
    **dict.fromkeys("mkv webm".split(), _starts(b"\x1aE\xdf\xa3")),
    "avi": _starts(b"RIFF"),
    "flv": _starts(b"FLV"),
    **dict.fromkeys("wma wmv".split(), _starts(b"\x30\x26\xb2\x75")),
    "w64": _starts(b"riff"),
    "caf": _starts(b"caff"),
    **dict.fromkeys("png jpg jpeg gif bmp tif tiff webp".split(), _has_image),
    "npy": _starts(b"\x93NUMPY"),
    **dict.fromkeys("npz mxl xlsx".split(), _zip),
    **dict.fromkeys("h5 hdf5".split(), _has_hdf),
    **dict.fromkeys("pt pth".split(), lambda head: True),
    "safetensors": lambda head: head[8:9] == b"{",
    "parquet": _starts(b"PAR1", b"PARE"),
    "pdf": lambda head: b"%PDF" in head[:1024],
    "zip": _zip,
    **dict.fromkeys("gz tgz".split(), _has_gzip_or_tar),
    **dict.fromkeys("bz2 tbz tbz2".split(), _has_gzip_or_tar),
    "tar": _has_gzip_or_tar,
    **dict.fromkeys("xz txz".split(), _starts(b"\xfd7zXZ\0")),
    "7z": _starts(b"7z\xbc\xaf\x27\x1c"),
    "rar": _starts(b"Rar!\x1a\x07", b"MZ"),
    "zst": _starts(b"\x28\xb5\x2f\xfd"),
}


# Does all of it follow that its own headers tell of? Each gives a few words where it does not.


class _Bytes:
    """The content of a file at any offset, from what was read already where that holds it."""

    def __init__(self, head: bytes, size: int, read: Read) -> None:
        self._part, self._at, self._read, self.size = head, 0, read, size

    def at(self, offset: int, length: int) -> bytes:
        """Fewer bytes only where the file ends."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        if not self._at <= offset <= offset + length <= self._at + len(self._part):
            self._part, self._at = self._read(max(length, _HEAD), offset), offset
        return self._part[offset - self._at :][:length]


def _short(what: str, told: int, there: int) -> str:
    return f"{what} says {told:,} bytes, {max(0, there):,} follow"


def _midi(head: bytes, size: int, read: Read) -> str:
    start = head.find(b"MThd")
    if start < 0:
        return ""
    content = _Bytes(head, size, read)
    first = content.at(start, 14)
    if len(first) < 14:
        return "it ends inside its header"
    length, _, declared = struct.unpack_from(">IHH", first, 4)
    at, found = start + 8 + max(6, length), 0
    for _ in range(_MOST_STEPS):
        if found >= declared:
            return ""
        chunk = content.at(at, 8)
        if len(chunk) < 8:
            # A writer that counted wrong, and a cut between two tracks, look the same.
            return f"{found:,} tracks where its header says {declared:,}"
        length = int.from_bytes(chunk[4:], "big")
        if chunk[:4] == b"MTrk":
            found += 1
        elif not all(32 <= byte < 127 for byte in chunk[:4]):
            return ""  # not a chunk: where the next track begins nothing tells
        if at + 8 + length > size:
            if chunk[:4] == b"MTrk" and content.at(size - 3, 3) == b"\xff\x2f\0":
                return ""  # the track has its end, only its length is wrong
            return _short(f"track {found:,}" if chunk[:4] == b"MTrk" else "a chunk", length, size - at - 8)
        at += 8 + length
    return ""


def _streamed(length: int) -> bool:
    """Lengths that writers put who could not go back and fill it in."""
    return length == 0 or 0x7FFFF000 <= length <= 0x80000100 or length >= 0xFFFFFF00


def _wave(head: bytes, size: int, read: Read) -> str:
    content = _Bytes(head, size, read)
    start = 0
    while start < len(head) and head[start] == 0:
        start += 1
    form = content.at(start, 12)
    if form[:4] not in (b"RIFF", b"RIFX", b"RF64", b"BW64") or form[8:] != b"WAVE":
        return "" if len(form) == 12 else "it ends inside its header"
    order: str = ">" if form[:4] == b"RIFX" else "<"
    whole = struct.unpack_from(order + "I", form, 4)[0]
    at, wide = start + 12, 0
    for _ in range(_MOST_STEPS):
        chunk = content.at(at, 8)
        if len(chunk) < 8:
            return "its samples are missing"
        length = struct.unpack_from(order + "I", chunk, 4)[0]
        if chunk[:4] == b"ds64":
            sizes = content.at(at + 8, 16)
            wide = struct.unpack_from("<Q", sizes, 8)[0] if len(sizes) == 16 else 0
        if chunk[:4] == b"data":
            if length == 0xFFFFFFFF and wide:
                length = wide
            elif _streamed(length):
                return ""
            # A byte that fills up an odd length is often left out.
            if at + 8 + length > size:
                return _short("its data", length, size - at - 8)
            if not _streamed(whole) and start + whole > size:
                return _short("its header", whole, size - start - 8)
            return ""
        at += 8 + length + length % 2
    return ""


def _aiff(head: bytes, size: int, read: Read) -> str:
    if head[:4] != b"FORM" or head[8:12] not in (b"AIFF", b"AIFC"):
        return ""
    content, at = _Bytes(head, size, read), 12
    for _ in range(_MOST_STEPS):
        chunk = content.at(at, 8)
        if len(chunk) < 8:
            return ""  # no sound at all is allowed
        length = int.from_bytes(chunk[4:], "big")
        if at + 8 + length > size and not _streamed(length):
            return _short("a chunk", length, size - at - 8)
        at += 8 + length + length % 2
    return ""


def _au(head: bytes, size: int, read: Read) -> str:
    if head[:4] not in (b".snd", b"dns.") or len(head) < 24:
        return "it ends inside its header" if len(head) < 24 else ""
    start, length = struct.unpack_from(">II" if head[:4] == b".snd" else "<II", head, 4)
    return "" if length == 0xFFFFFFFF or start + length <= size else _short("its data", length, size - start)


def _behind_id3(content: _Bytes) -> tuple[int, str]:
    """Where the content begins behind ID3 tags, or what is missing of them."""
    at = 0
    for _ in range(8):
        tag = content.at(at, 10)
        if tag[:3] != b"ID3":
            break
        if len(tag) < 10 or any(byte & 0x80 for byte in tag[6:]):
            return at, ""
        length = tag[6] << 21 | tag[7] << 14 | tag[8] << 7 | tag[9]
        if at + 10 + length > content.size:
            return at, _short("its tag", length, content.size - at - 10)
        at += 10 + length + (10 if tag[5] & 0x10 else 0)
    return at, ""


def _flac(head: bytes, size: int, read: Read) -> str:
    content = _Bytes(head, size, read)
    at, words = _behind_id3(content)
    if words or content.at(at, 4) != b"fLaC":
        return words
    at += 4
    frames = smallest = 0
    for _ in range(_MOST_STEPS):
        block = content.at(at, 4)
        if len(block) < 4:
            return "it ends inside its header"
        length = int.from_bytes(block[1:], "big")
        if at + 4 + length > size:
            return _short("a block of its header", length, size - at - 4)
        if block[0] & 0x7F == 0 and length >= 18:
            told = content.at(at + 4, 18)
            largest_block = int.from_bytes(told[2:4], "big")
            smallest = int.from_bytes(told[4:7], "big")
            samples = int.from_bytes(told[10:18], "big") & 0xFFFFFFFFF
            frames = -(-samples // largest_block) if largest_block else 0
        at += 4 + length
        if block[0] & 0x80:
            break
    if frames and at >= size:
        return "its samples are missing"
    # Every frame has at least the size of the smallest, but for the last, which holds the rest.
    if (least := max(0, frames - 1) * smallest) > size - at:
        return f"its header tells of at least {least:,} bytes, {size - at:,} follow"
    return ""


_SLACK = 4096  # bytes by which encoders differ on what they count: their own frame, tags


def _mp3(head: bytes, size: int, read: Read) -> str:
    content = _Bytes(head, size, read)
    at, words = _behind_id3(content)
    if words:
        return words
    frame = content.at(at, 512)
    for name, where, needs in ((b"Xing", 8, 2), (b"Info", 8, 2), (b"VBRI", 10, 0)):
        tag = frame.find(name, 0, 64)
        if tag < 0 or len(frame) < tag + 16:
            continue
        flags = int.from_bytes(frame[tag + 4 : tag + 8], "big")
        if needs and not flags & needs:
            continue
        place = tag + where + (4 if needs and flags & 1 else 0)
        told = int.from_bytes(frame[place : place + 4], "big")
        if told > size - at + _SLACK:
            return _short("its first frame", told, size - at)
    return ""


_LARGEST_PAGE = 65_307  # bytes of an Ogg page: 27 + 255 + 255 × 255


def _ogg(head: bytes, size: int, read: Read) -> str:
    if not head.startswith(b"OggS"):
        return ""
    start = max(0, size - _LARGEST_PAGE - 4)
    tail = head if size <= len(head) else read(size - start, start)
    start = size - len(tail)
    at = tail.rfind(b"OggS\0")
    if at < 0:
        return "its last page has no beginning"
    header = tail[at : at + 27]
    table = tail[at + 27 : at + 27 + header[26]] if len(header) == 27 else b""
    if len(header) < 27 or len(table) < header[26]:
        return "it ends inside the header of a page"
    length = 27 + len(table) + sum(table)
    return _short("its last page", length, size - start - at) if start + at + length > size else ""


def _mp4(head: bytes, size: int, read: Read) -> str:
    content, at, indexed, sound = _Bytes(head, size, read), 0, False, False
    for _ in range(_MOST_STEPS):
        box = content.at(at, 16)
        if len(box) < 8:
            break
        length, name = int.from_bytes(box[:4], "big"), box[4:8]
        if not all(32 <= byte < 127 or byte == 0xA9 for byte in name):
            return ""  # bytes behind the last box
        if length == 1 and len(box) == 16:
            length = int.from_bytes(box[8:16], "big")
        indexed |= name in (b"moov", b"moof")
        sound |= name == b"mdat"
        if length == 0:
            break
        if length < 8:
            return ""
        if at + length > size:
            return _short(f"its part {name.decode('latin-1')}", length, size - at)
        at += length
    return "its index (moov) is missing" if sound and not indexed else ""


_NPY = re.compile(rb"'descr': *'[<>|=]?[a-zA-Z]([0-9]{1,6})'")
_SHAPE = re.compile(rb"'shape': *\(([0-9, ]*)\)")


def _npy(head: bytes, size: int, read: Read) -> str:
    if len(head) < 12:
        return "it ends inside its header"
    wide = head[6] >= 2
    length = struct.unpack_from("<I" if wide else "<H", head, 8)[0]
    start = (12 if wide else 10) + length
    if start > size:
        return _short("its header", length, size - (12 if wide else 10))
    header = head[:start]
    kind, shape = _NPY.search(header), _SHAPE.search(header)
    if not kind or not shape:
        return ""
    told = int(kind[1]) * (4 if b"U" in kind[0].partition(b":")[2] else 1)
    for side in shape[1].split(b","):
        if side.strip():
            told *= int(side[:20])
    return _short("its shape", told, size - start) if start + told > size else ""


def _zipped(head: bytes, size: int, read: Read) -> str:
    if not head.startswith(b"PK\3\4"):
        return ""
    if size >= 22 and read(22, size - 22)[:4] == b"PK\5\6":
        return ""
    start = max(0, size - 22 - 0xFFFF)
    return "" if b"PK\5\6" in read(size - start, start) else "the directory of members at its end is missing"


def _hdf(head: bytes, size: int, read: Read) -> str:
    if not head.startswith(b"\x89HDF\r\n\x1a\n") or len(head) < 48:
        return ""
    version = head[8]
    widths = head[13] if version < 2 else head[9]
    if widths != 8 or version > 3:
        return ""
    end = struct.unpack_from("<Q", head, (40 if version == 0 else 44) if version < 2 else 28)[0]
    return _short("its header", end, size) if end > size and end != 0xFFFFFFFFFFFFFFFF else ""


def _safetensors(head: bytes, size: int, read: Read) -> str:
    length = int.from_bytes(head[:8], "little")
    if 8 + length > size:
        return _short("its header", length, size - 8)
    if length > 1 << 20:
        return ""
    ends = re.findall(rb'"data_offsets": *\[ *[0-9]{1,18} *, *([0-9]{1,18}) *\]', read(8 + length, 0))
    told = max(map(int, ends), default=0)
    return _short("its header", told, size - 8 - length) if 8 + length + told > size else ""


def _parquet(head: bytes, size: int, read: Read) -> str:
    return "" if size >= 12 and read(4, size - 4) in (b"PAR1", b"PARE") else "the footer at its end is missing"


def _gzip(head: bytes, size: int, read: Read) -> str:
    return "it ends inside its header" if head.startswith(b"\x1f\x8b") and size < 18 else ""


_Walk = Callable[[bytes, int, Read], str]
_WALKS: dict[str, _Walk] = {
    **dict.fromkeys("mid midi kar rmi".split(), _midi),
    **dict.fromkeys("wav wave".split(), _wave),
    **dict.fromkeys("aif aiff aifc".split(), _aiff),
    **dict.fromkeys("au snd".split(), _au),
    "flac": _flac,
    **dict.fromkeys("mp3 mp2".split(), _mp3),
    **dict.fromkeys("ogg oga opus".split(), _ogg),
    **dict.fromkeys("m4a mp4 m4v mov 3gp".split(), _mp4),
    "npy": _npy,
    **dict.fromkeys("zip npz mxl xlsx pt pth".split(), _zipped),
    **dict.fromkeys("h5 hdf5".split(), _hdf),
    "safetensors": _safetensors,
    "parquet": _parquet,
    **dict.fromkeys("gz tgz".split(), _gzip),
}
