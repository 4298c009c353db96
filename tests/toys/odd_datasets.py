"""Small datasets that are hard to show: built for real, then hostile, empty, half-built, or with media gone or damaged.

`tunes` and `film` are built from our own tunes, with junk beside them. The others are made of a copy of one.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from motet.dataset.snapshot import live
from motet.dataset.tables import media_columns, write_table
from motet.demo.collection import collection
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.midi import song

SCRIPT = "<script>alert(1)</script>"
IMAGE = "<img src=x onerror=alert(1)>"
SCRIPTS = (
    "さくらさくら", "茉莉花", "아리랑", "Калинка", "Σ' αγαπώ", "أغنية السلام", "הבה נגילה", "भजन", "เพลงลอย", "ქართული", "ትዝታ",
    "Frère Jacques",
    "Cafe\u0301",
)  # fmt: skip
HOSTILE = (
    SCRIPT,
    IMAGE,
    "\"'><svg onload=alert(1)>",
    "</script><script>alert(1)</script>",
    "../../../../etc/passwd",
    "..\\..\\boot.ini",
    "javascript:alert(1)",
    "\u202egnp.exe \u2066txt",
    "🎻👨‍👩‍👧‍👦🏴\u200d☠️",
    "line one\nline two\r\x07\x00\x1b[31m",
    "__proto__",
    "constructor",
    "%2e%2e%2f%00 %s ${x} {{x}}",
    "'; DROP TABLE clips; --",
    "= 1 + 1",
    "#/one/x?from=y&a=b",
    "\ufeff\u200b\u00ad",
    "Z" + "\u0336" * 300,
    "long " + "x" * 5000,
)
QUICK = ("render_stems.rate=16000", "mix_stems.ceiling=-1", "segment.target=8", "segment.shortest=4")


def tunes(folder: Path) -> Path:
    """Two tunes and all the mess of our collection: kept clips, a duplicate, damaged and foreign files, licences, two splits."""
    kept = (
        "Traditional English/Greensleeves",
        "Traditional Japanese/",
        "Unknown",
        "Franz",
        "Traditional Russian/Korobeiniki (",
        "lic",
    )
    written = {name: data for name, data in collection().items() if name.startswith(kept)}
    settings = ["render_stems.rate=22050", "assign_splits.train=0.5", "assign_splits.validation=0", "assign_splits.test=0.5"]
    return _built("text-to-music", folder, written, settings)


def film(folder: Path) -> Path:
    """One tune as two films of four seconds, small and quick to paint."""
    settings = ["render_stems.rate=22050"]
    settings += [f"map_video.{name}" for name in ("seconds=4", "most=2", "width=128", "height=128")]
    return _built("midi-video", folder, {"Grieg/Sakura.mid": collection()["Traditional Japanese/Sakura Sakura.mid"]}, settings)


def named(folder: Path) -> Path:
    """Short songs whose files are called what file systems allow: every script, markup, newlines, no UTF-8 at all, and in an
    archive names of 5,000 characters and names that climb out of it."""
    names = [one for one in (*SCRIPTS, *HOSTILE) if len(one.encode()) < 200 and not set("/\0") & set(one)]
    files: dict[str | bytes, bytes] = {f"{name}/{name}.mid": song(at, bars=4) for at, name in enumerate(names)}
    files |= {
        f"{SCRIPT}.mid": song(50, bars=4),
        b"not utf-8 \xff\xfe.mid": song(51, bars=4),
        "x/" * 40 + "deep.mid": song(52, bars=4),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for at, name in enumerate(("../../../climbs.mid", "/etc/absolute.mid", "y" * 5000 + ".mid", "z/" * 2500 + "z.mid")):
            archive.writestr(name, song(60 + at, bars=4))
    return _built("symbolic", folder, {**files, "names.zip": packed.getvalue()}, [])


def _built(recipe: str, folder: Path, files: Mapping[Any, bytes], settings: Sequence[str]) -> Path:
    for name, data in files.items():
        path = os.path.join(os.fsencode(folder / "sources"), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        Path(os.fsdecode(path)).write_bytes(data)
    with LocalEngine(workers=2) as engine:
        build(load(recipe).changed(list(settings)), [folder / "sources"], folder / "data", engine=engine)
    return folder / "data"


def empty(folder: Path) -> Path:
    """A finished run over a folder in which there is nothing to use."""
    return _built("text-to-music", folder, {"readme.txt": b"nothing here"}, [])


def half_built(folder: Path) -> Path:
    """A first build that was killed while it rendered: no run has finished, parts and media lie there."""
    (folder / "sources").mkdir(parents=True)
    for name, data in collection().items():
        if name.startswith("Traditional English/"):
            (folder / "sources" / Path(name).name).write_bytes(data)
    command = [
        sys.executable,
        "-m",
        "motet.cli",
        "build",
        "text-to-music",
        "--from",
        str(folder / "sources"),
        "--to",
        str(folder / "data"),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as child:
        deadline = time.monotonic() + 60
        while not (folder / "data" / "work" / "midi_facts").is_dir() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(child.pid, signal.SIGKILL)
    assert (folder / "data" / "motet.yaml").is_file()
    assert not (folder / "data" / "snapshots" / "live").exists()
    return folder / "data"


def copied(dataset: Path, folder: Path) -> Path:
    """The same dataset again, to be spoilt."""
    return Path(shutil.copytree(dataset, folder, symlinks=True))


def without_media(dataset: Path, folder: Path) -> Path:
    """A copy whose media are all gone."""
    spoilt = copied(dataset, folder)
    shutil.rmtree(spoilt / "media")
    return spoilt


def damaged_media(dataset: Path, folder: Path, said: bytes = b"not what it was") -> Path:
    """A copy in which every file of the media begins as before and then is something else."""
    spoilt = copied(dataset, folder)
    for file in (spoilt / "media").rglob("*.*"):
        whole = file.read_bytes()
        file.unlink()  # a hard link of the original's would be spoilt with it
        file.write_bytes(whole[: len(whole) // 50] + said)
    return spoilt


def without_tables(dataset: Path, folder: Path, *names: str) -> Path:
    """A copy whose live snapshot has lost the files of these tables, although it lists them."""
    spoilt = copied(dataset, folder)
    snapshot = live(spoilt)
    assert snapshot is not None
    for name in names:
        snapshot.table(name).unlink()
    return spoilt


def hostile(dataset: Path, folder: Path) -> Path:
    """A copy in which every text that comes from outside is hostile, and many a number is none: no build of ours would write
    some of it, but a dataset may be a download. Ids and media stay true, so that there is something to play."""
    spoilt = copied(dataset, folder)
    snapshot = live(spoilt)
    assert snapshot is not None
    for file in [*map(snapshot.table, snapshot.tables), *(snapshot.folder / stage.verdicts for stage in snapshot.stages)]:
        media = media_columns(file)
        _rewritten(file, lambda name, value, at, media=media: value if name in media else _spoilt(name, value, at))  # type: ignore[misc]
    return spoilt


# By these, rows find each other and their media; numbers and structures live in the texts below. Something else in their place
# would be damage, which is another dataset's matter.
TRUE = {"id", "source", "lineage", "other", "cluster", "family", "sha256", "status", "stage"}
STRUCTURE = {"record", "patch", "heard", "claims", "read_as", "notes_digest", "root", "location", "inner_path"}
NO_NUMBER = {"tempo", "lufs", "tap", "tap_confidence", "key_confidence", "notes_per_second", "polyphony", "probability", "score"}


def _spoilt(name: str, value: Any, at: int) -> Any:
    text = HOSTILE[(at + len(name)) % len(HOSTILE)]
    if name in TRUE or name in STRUCTURE:
        return value
    if name == "path":
        return f"{text}/{text}/{value}"
    if name in NO_NUMBER and at % 2:
        return (float("nan"), float("inf"), -1e308)[at // 2 % 3]
    if isinstance(value, str) and value:
        return text
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [HOSTILE[(at + number) % len(HOSTILE)] for number in range(len(value))]
    return value


def _rewritten(file: Path, change: Callable[[str, Any, int], Any]) -> None:
    """Every value of a Parquet file changed by its column's name, itself and the number of its row."""
    table = pq.read_table(file)
    rows = [{name: change(name, value, at) for name, value in row.items()} for at, row in enumerate(table.to_pylist())]
    file.unlink()  # hard links of it stay as they were
    write_table(file, table.schema, pa.Table.from_pylist(rows, schema=table.schema).to_batches())
