"""Files named by their content."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

from motet.dataset.durable import sync_folder

FOLDER = "media"
REFERENCE = re.compile(r"media/([0-9a-f]{2})/(\1[0-9a-f]{62})(\.[^/\0]*)?")


class Media:
    """The `media/` folder of a dataset. A reference is the path inside the dataset: `media/ab/abcdef….flac`."""

    def __init__(self, dataset: Path) -> None:
        self.dataset = dataset
        self.written = 0  # bytes new on disk through this object

    def write(self, data: bytes, suffix: str) -> str:
        """Keep `data` under its SHA-256; equal content is stored once. Returns the reference."""
        name = hashlib.sha256(data).hexdigest()
        reference = f"{FOLDER}/{name[:2]}/{name}{suffix}"
        path = self.dataset / reference
        if path.exists() and path.stat().st_size == len(data):
            return reference
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
        self.written += len(data)
        return reference

    def adopt(self, file: Path, suffix: str) -> str:
        """Keep a file that is too large for memory as `write` does its bytes, by moving it; returns the reference."""
        with file.open("rb") as opened:
            name = hashlib.file_digest(opened, "sha256").hexdigest()
            os.fsync(opened.fileno())
        reference = f"{FOLDER}/{name[:2]}/{name}{suffix}"
        path = self.dataset / reference
        size = file.stat().st_size
        if path.exists() and path.stat().st_size == size:
            file.unlink()
            return reference
        path.parent.mkdir(parents=True, exist_ok=True)
        file.replace(path)
        sync_folder(path.parent)
        self.written += size
        return reference

    def read(self, reference: str) -> bytes:
        """The bytes behind a reference, checked against the hash in its name.

        Raises `MediaDamaged` when they are not what the name says, FileNotFoundError when they are gone.
        """
        data = self.path(reference).read_bytes()
        if hashlib.sha256(data).hexdigest() != Path(reference).name.split(".")[0]:
            raise MediaDamaged(reference)
        return data

    def path(self, reference: str) -> Path:
        return self.dataset / reference

    def all(self) -> Iterator[Path]:
        """Every file below `media/`, leftovers of a killed run included; folders among them are the user's."""
        folder = self.dataset / FOLDER
        if folder.is_dir():
            for shard in sorted(folder.iterdir()):
                if shard.is_dir() and not shard.is_symlink():
                    yield from sorted(path for path in shard.iterdir() if not path.is_dir())


class MediaDamaged(Exception):
    """A media file's bytes are not those its name promises."""

    reason = "media_damaged"

    def __init__(self, reference: str) -> None:
        super().__init__(f"{reference} is not what its name says; run `motet check`")
        self.detail = str(self)
