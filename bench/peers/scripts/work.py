"""The function that every runner calls: what Motet's stage `clean` does to a file, as a plain function of a path.

Faults are planted by name, and calls written down, only where the environment asks for it.
"""

from __future__ import annotations

import hashlib
import os
import signal
import time
from pathlib import Path
from typing import Any

from motet import midi

SHORTEST, LONGEST, LARGEST = 5.0, 900.0, 8 << 20  # seconds, seconds, bytes: the stage's defaults
CRASH, HANG = "crash.mid", "hang.mid"
TEXT, WHOLE, REAL = "text", "whole", "real"
FIELDS = {
    "path": TEXT,
    "sha256": TEXT,
    "reason": TEXT,  # why it is dropped; empty for a song
    "read_as": TEXT,
    "division": WHOLE,
    "seconds": REAL,
    "first_onset": REAL,
    "last_tick": WHOLE,
    "notes": WHOLE,
    "tracks": WHOLE,
    "tempo": REAL,
    "tempo_min": REAL,
    "tempo_max": REAL,
    "tempo_changes": WHOLE,
    "metre_changes": WHOLE,
    "programs": TEXT,
    "has_drums": WHOLE,
    "pitch_low": WHOLE,
    "pitch_high": WHOLE,
    "notes_digest": TEXT,
}
EMPTY = {TEXT: "", WHOLE: 0, REAL: 0.0}


def found(folder: str) -> list[str]:
    return sorted(str(path) for path in Path(folder).rglob("*.mid"))


def clean(path: str) -> dict[str, Any]:
    """A row with all FIELDS."""
    planted(path)
    row: dict[str, Any] = {name: EMPTY[kind] for name, kind in FIELDS.items()} | {"path": path}
    data = Path(path).read_bytes()
    row["sha256"] = hashlib.sha256(data).hexdigest()
    if len(data) > LARGEST:
        return row | {"reason": "too_large"}
    try:
        score = midi.read(data)
    except midi.Unreadable as error:
        return row | {"reason": error.reason}
    facts = midi.facts(score)
    if facts.first_onset is None or facts.pitch_low is None or facts.pitch_high is None:
        return row | {"reason": "no_notes"}
    if facts.duration < SHORTEST:
        return row | {"reason": "too_short"}
    if facts.duration > LONGEST:
        return row | {"reason": "too_long"}
    clock = score.tempo_map.to_rows()
    return row | {
        "read_as": score.how,
        "division": clock["division"],
        "seconds": facts.duration,
        "first_onset": facts.first_onset,
        "last_tick": score.last_off,
        "notes": facts.notes,
        "tracks": facts.tracks,
        "tempo": facts.tempo_mean,
        "tempo_min": facts.tempo_min,
        "tempo_max": facts.tempo_max,
        "tempo_changes": len(clock["tempi"]),
        "metre_changes": len(clock["metres"]),
        "programs": " ".join(map(str, facts.programs)),
        "has_drums": int(facts.has_drums),
        "pitch_low": facts.pitch_low,
        "pitch_high": facts.pitch_high,
        "notes_digest": facts.notes_digest,
    }


def planted(path: str) -> None:
    """Write the call down, and crash or hang where that was planted."""
    if log := os.environ.get("PEERS_LOG"):
        handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{path}\n".encode())
        os.close(handle)
    if "PEERS_LOG" in os.environ and path.endswith(CRASH):
        os.kill(os.getpid(), signal.SIGSEGV)
    while "PEERS_LOG" in os.environ and path.endswith(HANG):
        time.sleep(3600)
