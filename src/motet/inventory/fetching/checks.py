"""Is it the file that was published? By size, checksum and first bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from motet.files.tars import is_tar_header
from motet.wording import count

_BLOCK = 1 << 20
_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<error", b"<head", b"<body", b"<script")
_POINTER = b"version https://git-lfs.github.com/spec/"
_TARS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")
_MARKUP = (".html", ".htm", ".xml", ".musicxml", ".mei", ".svg")
HEAD = 512


class Stopped(Exception):
    """The fetch ends: what runs in a thread should too."""


@dataclass(frozen=True)
class Published:
    """What is known of a file before it comes. `git` is the SHA-1 of a git blob."""

    bytes: int | None = None
    sha256: str = ""
    md5: str = ""
    sha1: str = ""
    git: str = ""

    @property
    def summed(self) -> bool:
        return bool(self.sha256 or self.sha1 or self.md5 or self.git)

    def fault(self, file: Path, stop: Event) -> str:
        """How a file differs from it, in words, or ""."""
        there = file.stat().st_size
        if self.bytes is not None and there != self.bytes:
            return f"has {count(there)} bytes where {count(self.bytes)} are published"
        sums = {}
        if self.sha256:
            sums["SHA-256"] = (hashlib.sha256(), self.sha256)
        if self.md5:
            sums["MD5"] = (hashlib.md5(usedforsecurity=False), self.md5)
        if self.sha1:
            sums["SHA-1"] = (hashlib.sha1(usedforsecurity=False), self.sha1)
        if self.git:
            blob = hashlib.sha1(b"blob %d\0" % there, usedforsecurity=False)
            sums["git SHA-1"] = (blob, self.git)
        if not sums:
            return ""
        with file.open("rb", buffering=0) as opened:
            while block := opened.read(_BLOCK):
                if stop.is_set():
                    raise Stopped
                for running, _ in sums.values():
                    running.update(block)
        for name, (running, wanted) in sums.items():
            if running.hexdigest() != wanted.lower():
                return f"has another {name} checksum than the published one"
        return ""


def stranger(head: bytes, content_type: str, unpack: str, name: str) -> str:
    """What the first bytes show in place of the file, in words, or ""."""
    if unpack == "zip" and head.startswith((b"PK\3\4", b"PK\5\6")):
        return ""
    if unpack == "tar" and (head.startswith(_TARS) or is_tar_header(head[:HEAD])):
        return ""
    if head.startswith(_POINTER) and len(head) < HEAD:
        return "a Git-LFS pointer"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    typed = content_type.partition(";")[0].strip().lower()
    markup = start.startswith(_PAGES) or (typed in ("text/html", "application/xhtml+xml") and start.startswith(b"<"))
    if markup and (unpack or not name.lower().endswith(_MARKUP)):
        return "a web page"
    if unpack and typed in ("text/html", "application/json", "text/plain"):
        return f"text ({typed})"
    return f"something that is no {unpack} archive" if unpack else ""
