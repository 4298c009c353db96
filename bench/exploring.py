"""Filters, search and rows of the explorer over many clips: the demo's, copied under new names with facts of their own."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measure import Line, fresh, peak_mb

GOAL_FIND, GOAL_BUILD, GOAL_MEMORY = 0.1, 3.0, 300
SONGS = 4  # of the demo, rendered

# What is asked, as query strings.
ASKED = {
    "everything": "",
    "split=train": "split=train",
    "key": "key=G+major",
    "tempo": "tempo=100..120",
    "loudness": "loudness=..-20",
    "instrument": "instrument=drums",
    "two instruments": "instrument=drums&instrument=violin",
    "artist": "artist=Artist+7",
    "dropped": "state=dropped",
    "reason": "reason=truncated",
    "one word": "q=guitar",
    "one rare word": "q=zymurgical",
    "three words": "q=guitar+drums+minor",
    "a letter": "q=a",
    "by title": "sort=title",
    "by title, back": "sort=-title",
    "by path, back": "sort=-path",
    "by tempo": "sort=-tempo",
    "shuffled": "sort=shuffled",
    "all of it": "split=train&tempo=80..160&instrument=drums&state=kept&q=guitar+clip&metre=4%2F4&sort=-loudness",
}


def measure(quick: bool) -> Iterator[Line]:
    clips = 5000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as name:
        base, dataset = Path(name) / "base", Path(name) / "dataset"
        build(Path(name) / "tunes", base)
        grow(base, dataset, clips)
        runs = [fresh("exploring", "index", dataset) for _ in range(2 if quick else 5)]
    judged = clips >= 100_000
    built = tuple(run["build"] for run in runs)
    rows = runs[0]["rows"]
    goal = f"<= {GOAL_BUILD:g} (100,000 clips)"
    yield Line("index made", built, "s", rows, goal=goal, reached=max(built) <= GOAL_BUILD if judged else None)
    limit = f"<= {GOAL_FIND * 1000:g}"
    for asked in ASKED:
        told = tuple(run["find"][asked] * 1000 for run in runs)
        reached = max(told) <= GOAL_FIND * 1000 if judged else None
        note = f"first 100 rows {1000 * max(run['page'][asked] for run in runs):.1f} ms at most"
        yield Line(f"find, {asked}", told, "ms", runs[0]["found"][asked], goal=limit, reached=reached, note=note)
    for where in ("far", "far, by tempo"):
        yield Line(f"100 rows, {where}", tuple(run[where] * 1000 for run in runs), "ms", rows)
    yield Line("one row by its id", tuple(run["row"] * 1000 for run in runs), "ms", rows)
    peaks = tuple(run["peak"] for run in runs)
    reached = max(peaks) <= GOAL_MEMORY if judged else None
    note = f"before the index {runs[0]['before']:.0f} MB"
    yield Line("memory, with FastAPI", peaks, "MB", rows, goal=f"<= {GOAL_MEMORY}", reached=reached, note=note)


def build(tunes: Path, dataset: Path) -> None:
    """A dataset of our own tunes, small but whole."""
    from motet import demo
    from motet.recipe import load
    from motet.run.build import build

    demo.write(tunes)
    build(load("text-to-music").changed([f"sample.songs={SONGS}"]), [tunes], dataset, workers=2)


def grow(base: Path, to: Path, clips: int, seed: int = 0) -> None:
    """A dataset like `base`, of about so many clips: its sources copied under new names, ids and contents.

    Tempo, key and loudness of clips are drawn, captions get a word more; media are those of `base`, by a link.
    """
    import duckdb

    live = (base / "snapshots" / "live").resolve()
    told = json.loads((live / "snapshot.json").read_text())
    copies = max(1, round(clips / told["tables"]["clips"]))
    folder = to / "snapshots" / "000001"
    for name in ("work", "stages"):
        (folder / name).mkdir(parents=True)
    shutil.copyfile(base / "motet.yaml", to / "motet.yaml")
    (to / "media").symlink_to((base / "media").resolve())
    (to / "snapshots" / "live").symlink_to(folder.name)
    connection = duckdb.connect(config={"threads": 2, "memory_limit": "4GB", "temp_directory": str(to / "spilled")})
    connection.execute("SET preserve_insertion_order=true")
    connection.execute(f"""
        CREATE MACRO fresh(id, n) AS
        CASE WHEN id = '' THEN '' ELSE substr(md5(id[:16] || '/{seed}/' || n), 1, 16) || id[17:] END""")
    connection.execute("""
        CREATE MACRO named(path, n) AS
        regexp_replace(path, '^([^/]*)/(?:([^/]*)/)?', '\\1/\\2 ' || (n % 500) || '/' || n || ' ')""")
    for file in [*sorted(live.glob("*.parquet")), *sorted((live / "work").glob("*.parquet"))]:
        _copied(connection, file, folder / file.relative_to(live), copies)
    for stage in told["stages"]:
        for table, name in stage["outputs"].items():
            source = folder / f"{table}.parquet"
            os.link(source, folder / name)
        stage["counts"] = {status: number * copies for status, number in stage["counts"].items()}
        stage["rows_out"] *= copies
    told["tables"] = {table: number * copies for table, number in told["tables"].items()}
    (folder / "snapshot.json").write_text(json.dumps(told))
    shutil.rmtree(to / "spilled", ignore_errors=True)


_DRAWN = {
    "clips": """
        round(55 + 160 * draw(1) * draw(2), 3) AS tempo, round(-9 - 18 * draw(3), 2) AS lufs,
        CASE WHEN key IS NULL THEN NULL ELSE
          ['C', 'G', 'D', 'A', 'E', 'B', 'F sharp', 'D flat', 'A flat', 'E flat', 'B flat', 'F'][1 + floor(12 * draw(4))::INT]
          || [' major', ' minor'][1 + floor(2 * draw(5))::INT] END AS key""",
    "captions": """
        text || ' ' || ['A bright', 'A dark', 'A calm', 'A hushed', 'A zymurgical'][1 + floor(4.01 * draw(6))::INT]
          || ' ' || ['evening', 'morning', 'street', 'dance', 'journey'][1 + floor(5 * draw(7))::INT] || ' no. ' || n
          || '.' AS text""",
    "identities": "'Artist ' || floor(400 * draw(8) * draw(9))::INT AS artist, guess_title || ' ' || n AS title",
    "splits": "['train', 'train', 'train', 'train', 'validation', 'test'][1 + floor(6 * draw(10))::INT] AS split",
    "knowledge": """
        [['folk', 'rock', 'jazz', 'dance'][1 + floor(4 * draw(11))::INT], 'tag ' || floor(300 * draw(12))::INT] AS tags""",
}


def _copied(connection: Any, file: Path, to: Path, copies: int) -> None:
    drawn = re.sub(r"draw\((\d+)\)", r"((hash(id, n, \1) % 1000003) / 1000003.0)", _DRAWN.get(file.stem, ""))
    drawn = drawn if file.parent.name != "work" else ""
    path = str(file).replace("'", "''")
    changed = "named(path, n) AS path, " + ", ".join(f"fresh({name}, n) AS {name}" for name in ("lineage", "source", "id"))
    replaced = ", ".join(part for part in (changed, drawn) if part)
    inner = f"SELECT * REPLACE ({replaced}) FROM read_parquet('{path}') CROSS JOIN range({copies}) copies(n)"
    connection.execute(f"COPY (SELECT * EXCLUDE (n) FROM ({inner}) ORDER BY id) TO '{to}' (FORMAT parquet, COMPRESSION zstd)")


def index(dataset: Path) -> None:
    """Make an index in this process and ask it; print what it took."""
    from urllib.parse import parse_qsl

    import fastapi  # noqa: F401
    import uvicorn  # noqa: F401

    from motet.dataset.folder import Dataset
    from motet.explorer.browse import Index, asked_of

    before = peak_mb()
    began = time.perf_counter()
    made = Index(Dataset(dataset))
    told: dict[str, Any] = {"build": time.perf_counter() - began, "before": before, "find": {}, "page": {}, "found": {}}
    told["rows"] = made.about()["total"]
    for name, query in ASKED.items():
        asked = asked_of(parse_qsl(query))
        began = time.perf_counter()
        told["found"][name] = made.find(asked)["total"]
        told["find"][name] = time.perf_counter() - began
        began = time.perf_counter()
        made.rows(asked, 0, 100)
        told["page"][name] = time.perf_counter() - began
    far = told["rows"] * 9 // 10
    for where, query in (("far", ""), ("far, by tempo", "sort=tempo")):
        asked = asked_of(parse_qsl(query))
        began = time.perf_counter()
        page = made.rows(asked, far, 100)
        told[where] = time.perf_counter() - began
    began = time.perf_counter()
    made.row(page[0]["id"])
    told["row"] = time.perf_counter() - began
    told["peak"] = peak_mb()
    print(json.dumps(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("index", "grow"))
    parser.add_argument("dataset", type=Path)
    parser.add_argument("to", type=Path, nargs="?", help="grow: a new folder")
    parser.add_argument("--clips", type=int, default=100_000)
    chosen = parser.parse_args()
    if chosen.what == "index":
        index(chosen.dataset)
    else:
        grow(chosen.dataset, chosen.to, chosen.clips)


if __name__ == "__main__":
    main()
