"""mirdata's validate beside `motet inventory verify --full`, on the Groove MIDI Dataset, whole and damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from measure import Line, over
from peers import environments, given
from peers.table import Table
from peers.watching import SCRIPTS, Watched, watched

REPEATS, QUICK_REPEATS = 5, 2


def compare(quick: bool) -> Iterator[Table]:
    table = Table(
        "Is a dataset whole: mirdata's validate",
        "The Groove MIDI Dataset 1.0.0 without audio, 1,150 MIDI files and a table, warm file cache; from the start of the "
        "process "
        "to its end. Then one file at a time was damaged, and a tool has found it if it names the file.",
        (
            "tool",
            "version",
            "wall, s",
            "CPU, s",
            "× Motet",
            "memory, MB",
            "cut to half",
            "missing",
            "same size, MIDI destroyed",
            "same size, a note changed",
            "a file too many",
        ),
        notes=[
            "mirdata's own index of this dataset is fetched from Zenodo at first use. It was replaced by one of the same "
            "form, made "
            "from these files, so that it knows the MD5 of each. The publisher gives a checksum of the archive alone, and "
            "Motet's "
            "registry has no checksums of single files: of a change that leaves a readable file of the same size it can tell "
            "nothing.",
            "Motet (remembering) verified the whole folder once before the damage; Motet (new) sees it for the first time.",
        ],
    )
    shared = given.shared()
    source = shared / "datasets" / "groove" if shared else None
    if source is None or not source.is_dir():
        table.skipped["mirdata"] = "the Groove MIDI Dataset is not among the shared files"
        yield table
        return
    try:
        interpreter = environments.python("mirdata")
    except environments.Missing as missing:
        table.skipped["mirdata"] = str(missing)
        yield table
        return
    with tempfile.TemporaryDirectory(prefix="mp-") as folder:
        home = Path(folder) / "groove"
        shutil.copytree(source, home)
        yield _compared(table, Path(folder), home, interpreter, QUICK_REPEATS if quick else REPEATS)


def _compared(table: Table, folder: Path, home: Path, interpreter: Path, repeats: int) -> Table:
    index = folder / "index.json"
    index.write_text(json.dumps(_index(home)))
    tools: dict[str, Callable[[bool], Watched]] = {
        "Motet (new)": lambda memory: _motet(folder, home, fresh=True, memory=memory),
        "Motet (remembering)": lambda memory: _motet(folder, home, fresh=False, memory=memory),
        "mirdata": lambda memory: watched([interpreter, SCRIPTS / "validate_mirdata.py", home, index], memory=memory, whole=True),
    }
    peaks = {name: tool(True).peak_mb for name, tool in tools.items()}
    runs: dict[str, list[Watched]] = {name: [] for name in tools}
    for _ in range(repeats):
        for name, tool in tools.items():
            runs[name].append(tool(False))
    found: dict[str, list[str]] = {name: [] for name in tools}
    victim = sorted(home.rglob("*.mid"))[500]
    extra = victim.with_name("copy of it.mid")
    data = victim.read_bytes()
    for damaged in (data[: len(data) // 2], None, b"\xa5" * len(data), _other_note(data), data):
        victim.unlink() if damaged is None else victim.write_bytes(damaged)
        wanted = victim
        if damaged == data:
            extra.write_bytes(data)
            wanted = extra
        for name, tool in tools.items():
            found[name].append(_verdict(tool(False), wanted, home))
        victim.write_bytes(data)
    extra.unlink()
    for name in tools:
        wall, used = tuple(run.wall for run in runs[name]), tuple(run.cpu for run in runs[name])
        ratio = over(wall, tuple(run.wall for run in runs["Motet (new)"]))
        version = environments.pinned("mirdata") if name == "mirdata" else "this tree"
        table.rows.append((name, version, wall, used, ratio, peaks[name], *found[name]))
        note = f"found {sum(one.startswith('yes') for one in found[name])} of {len(found[name])} kinds of damage"
        line = Line(f"{name}: validate Groove", wall, "s", 1151, ratio, "motet", note=note)
        table.lines.append(line)
    return table


def _motet(folder: Path, home: Path, *, fresh: bool, memory: bool) -> Watched:
    """With `fresh`, nothing of an earlier look is known."""
    cache = folder / ("caches new" if fresh else "caches kept")
    if fresh:
        shutil.rmtree(cache, ignore_errors=True)
    places = {name: str(cache / name) for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")}
    command = [sys.executable, "-m", "motet.cli", "inventory", "verify", "groove", "--full", "--root", home]
    return watched([*command, "--json"], environment=places, memory=memory, whole=True)


def _verdict(run: Watched, victim: Path, home: Path) -> str:
    return "yes" if victim.name in run.said or victim.relative_to(home).as_posix() in run.said else "no"


def _index(home: Path) -> dict[str, Any]:
    """An index of the form that mirdata's loader of this dataset wants."""
    sums = {file: hashlib.md5(file.read_bytes()).hexdigest() for file in sorted(home.rglob("*.mid"))}
    tracks = {
        f"{file.parent.relative_to(home).as_posix()}/{file.stem.split('_')[0]}": {
            "midi": [file.relative_to(home).as_posix(), digest],
            "audio": [None, None],
        }
        for file, digest in sums.items()
    }
    table = hashlib.md5((home / "info.csv").read_bytes()).hexdigest()
    return {"version": "1.0.0", "metadata": {"info": ["info.csv", table]}, "tracks": tracks}


def _other_note(data: bytes) -> bytes:
    """The first note-on at another velocity: still a MIDI file, and as long."""
    changed = bytearray(data)
    for at in range(22, len(data) - 3):
        if data[at] == 0x99 and data[at + 1] < 128 and 1 < data[at + 2] < 127:
            changed[at + 2] ^= 1
            return bytes(changed)
    msg = "no note on channel 10 was found to change"
    raise RuntimeError(msg)
