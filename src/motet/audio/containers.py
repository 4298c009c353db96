"""A file as FFmpeg sees it: bytes and a suffix, and the few kinds of containers and decoders it may try on them.

Containers that name other files or addresses (playlists, concat scripts, HLS, DASH, SDP, image sequences) are not among them,
nor are decoders of anything but sound, nor is any protocol.
"""

import io
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, NoReturn

from motet.audio.errors import Unusable

__all__ = ["Source", "clean", "limits", "opened", "refuse"]

HEAD = 4096  # bytes that tell a web page or a pointer from sound
CONTAINERS = (
    "aac ac3 aiff amr ape asf au avi caf dsf dts dtshd eac3 flac flv iff loas matroska,webm mov,mp4,m4a,3gp,3g2,mj2 mp3 mpc mpc8"
    " mpeg mpegts ogg sox tak truehd tta voc w64 wav wv xwma"
)


@cache
def limits() -> dict[str, str]:
    """FFmpeg's options: the containers, decoders and protocols (none) it may use."""
    import av

    decoders = [name for name in sorted(av.codecs_available) if _decodes_sound(name)]
    return {
        "format_whitelist": CONTAINERS.replace(" ", ","),
        "codec_whitelist": ",".join(decoders),
        "protocol_whitelist": "none",
    }


def _decodes_sound(name: str) -> bool:
    from av.codec import Codec
    from av.codec.codec import UnknownCodecError

    try:
        return Codec(name, "r").type == "audio"
    except UnknownCodecError:  # it encodes only
        return False


def refuse(url: str, flags: int, options: dict[str, str]) -> NoReturn:
    """What FFmpeg is told when a container names another file."""
    raise PermissionError("a recording may not open another file")


@contextmanager
def opened(source: Path | bytes) -> Iterator[BinaryIO]:
    """Its bytes. Raises Unusable `missing`, `not_a_file`, `unreadable`."""
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    called = clean(source.name)
    try:
        regular = stat.S_ISREG(os.stat(source).st_mode)
        file = source.open("rb") if regular else None  # opening a pipe would wait for its other end
    except FileNotFoundError:
        raise Unusable("missing", f"there is no {called}") from None
    except OSError as error:
        raise Unusable("unreadable", f"{called} cannot be read: {error.strerror}") from None
    if file is None:
        raise Unusable("not_a_file", f"{called} is not a file")
    with file:
        yield file


class Source:
    """A file as FFmpeg sees it. It never raises, for FFmpeg would print it: a failed read is an end, told afterwards."""

    def __init__(self, file: BinaryIO, called: str) -> None:
        self.called = clean(called)
        suffix = called.rpartition(".")[2].lower()
        self.name = f"recording.{suffix}" if re.fullmatch("[a-z0-9]{1,8}", suffix) else "recording"
        self._file = file
        self._failed: OSError | None = None
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            self._failed = error
            return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._file.tell(), os.SEEK_END: self._size}.get(whence, -1)
        if start < 0 or not 0 <= start + offset < 1 << 42:  # a file system would refuse, too
            return -22  # EINVAL
        return self._file.seek(start + offset)

    def tell(self) -> int:
        return self._file.tell()

    def check(self) -> None:
        """Raises Unusable `unreadable` when a read failed."""
        if self._failed is not None:
            raise Unusable("unreadable", f"{self.called} cannot be read: {self._failed.strerror}")

    def _at(self, length: int, offset: int) -> bytes:
        self._file.seek(offset)
        return self.read(length)

    def _looked(self, suffix: str) -> tuple[str, str]:
        from motet.inventory.scanning.contents import look

        place = self._file.tell()
        found = look(f"recording.{suffix}", "audio", self._size, self._at)
        self._file.seek(place)
        self.check()
        return found

    def check_head(self) -> None:
        """Raises Unusable `empty`, `lfs_pointer`, `web_page`."""
        fault, words = self._looked("")
        if fault:
            names = {"empty": "is empty", "lfs_pointer": "stands for a file that was not fetched", "web_page": "is a web page"}
            raise Unusable(fault, f"{self.called} {names.get(fault, words)}")

    def refused(self, error: Exception) -> NoReturn:
        """Raises Unusable for a file that FFmpeg would not open: `truncated`, `not_sound`, `unreadable`."""
        self.check()
        fault, words = self._looked(self.name.rpartition(".")[2])
        if fault == "truncated":
            raise Unusable("truncated", f"{self.called} is cut off: {words}")
        if fault == "other_kind":
            raise Unusable("not_sound", f"{self.called} is no recording: {words}")
        raise Unusable("unreadable", f"{self.called} is no recording that can be read: {getattr(error, 'strerror', error)}")

    def cut(self, container: str) -> str:
        """How the file is cut off, or "", where FFmpeg tells the length of what is left (Ogg, WAV, AU)."""
        words = self._looked(container)[1] if container in ("ogg", "wav", "au") else ""
        return "" if words.startswith("its header") else words  # a sum that is wrong, with all of the sound there

    def counts_frames(self) -> bool:
        """Does an MP3 file begin with a count of its frames (Xing's, LAME's or Fraunhofer's header)?"""
        place, at = self._file.tell(), 0
        for _ in range(8):  # several tags may stand before
            tag = self._at(10, at)
            if len(tag) < 10 or tag[:3] != b"ID3":
                break
            at += 10 + sum(byte % 128 << 7 * (3 - n) for n, byte in enumerate(tag[6:10])) + (10 if tag[5] & 0x10 else 0)
        frame = self._at(HEAD, at)
        self._file.seek(place)
        found = re.search(rb"(?:Xing|Info)\0\0\0(.)|VBRI", frame[:2048], re.DOTALL)
        return found is not None and (found[1] is None or bool(found[1][0] & 1))


_TURNS = frozenset(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))  # turn the direction of the text behind them


def clean(text: str) -> str:
    """Words on one line, without what controls a terminal or cannot be written as UTF-8."""
    safe = "".join(" " if c in _TURNS or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in text)
    return " ".join(safe.split())
