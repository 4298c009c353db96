"""Results as runners leave them, cut short by a kill or not."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq


def json_rows(text: str) -> list[dict[str, Any]]:
    """The rows of lines of JSON; a line cut by a kill is none."""
    rows = []
    for line in text.splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def unpacked(file: Path) -> str:
    """As much as can be read of what may have been cut."""
    data = b""
    with gzip.open(file) as opened:
        try:
            while piece := opened.read(1 << 16):
                data += piece
        except (EOFError, gzip.BadGzipFile):
            pass
    return data.decode(errors="replace")


def whole(file: Path) -> bool:
    """Whether a Parquet file was written to its end."""
    try:
        pq.read_metadata(file)
    except (OSError, ValueError):
        return False
    return True
