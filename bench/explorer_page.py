"""The explorer's page on a dataset of 100,000 clips, in a real browser: what a person waits for.

The dataset is a small real one, its rows repeated under other names, contents, keys, tempos, instruments, words, tags and drops:
all drawn by seed, so that filters divide it as they divide a real collection. Its media are the small one's own.

Of every figure each single try is kept. Beside the median, a line's note has the 95th percentile and the worst.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from measure import Line
from motet import demo
from motet.dataset.query import connect, parquet
from motet.dataset.snapshot import live
from motet.dataset.tables import write_table
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine

FIRST_PAINT, FILTER, MEMORY = 1500.0, 200.0, 400.0  # ms, ms, MB: the goals
CLIPS, DROPPED_OF_KEPT = 100_000, 0.45
QUIET = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]

COLLECTIONS = ("tunes", "archive 1998", "Lakh", "karaoke", "großvater", "合唱", "uploads", "cds", "old disk", "contest", "school")
FIRST = (
    "Ada Béla Clara Dmitri Édith Fela Gülşen Håkon Ilse José Kaija Lê Maria Nadia Ōtomo Pauline Quincy Rosa Sōseki Tōru".split()
)
LAST = "Ábel Brandt Costa Dvořák Eriksen Fonseca García Holm Ito Jansen Kowalski Lindgren Müller Nguyễn Okafor Petrov".split()
KEYS = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in "C G D A E F B♭ E♭ B A♭ F♯ D♭".split()]
METRES = ["4/4"] * 14 + ["3/4"] * 4 + ["6/8"] * 3 + ["2/4"] * 2 + ["5/4", "7/8", ""]
INSTRUMENTS = (
    "piano,double bass,flute,nylon-string guitar,steel-string guitar,violin,cello,strings,choir,trumpet,tuba,drums,organ,harp,"
    "clarinet,oboe,accordion,banjo,sitar,celesta,vibraphone,synth lead,synth pad,fretless bass,slap bass,distortion guitar"
).split(",")
MOODS = "calm bright brooding playful solemn restless tender festive wistful driving".split()
GENRES = "waltz,march,reggae,polka,bossa nova,ballad,hymn,jig,blues,techno,lullaby,tango,ragtime,fanfare,chorale".split(",")
TITLES = (
    "Morning Harbour River Lantern Snow Orchard Midnight Carousel Ferry Meadow Winter Clockwork Bridge Garden Thunder".split()
)


def many(base: Path, folder: Path, clips: int = CLIPS) -> Path:
    """A dataset of about so many clips out of the text-to-music dataset `base`, with as many drops as a messy collection has."""
    snapshot = live(base)
    assert snapshot is not None
    shutil.rmtree(folder, ignore_errors=True)
    target = folder / "snapshots" / f"{snapshot.number:06d}"
    (target / "work").mkdir(parents=True)
    (target / "stages").mkdir()
    (folder / "snapshots" / "live").symlink_to(target.name)
    for name in ("motet.yaml", "commits.json"):
        shutil.copyfile(base / name, folder / name)
    (folder / "media").symlink_to((base / "media").resolve())
    shutil.copytree(base / "runs", folder / "runs")
    database = connect(folder, "2GB")
    _copies(database, snapshot.folder, clips // snapshot.tables["clips"] + 1)
    stored = json.loads((snapshot.folder / "snapshot.json").read_text())
    for table in stored["tables"]:
        stored["tables"][table] = _written(database, snapshot.table(table), target / f"{table}.parquet", CHANGED.get(table, {}))
    for stage in stored["stages"]:
        _written(database, snapshot.folder / stage["verdicts"], target / stage["verdicts"], {})
        found = database.execute(f"SELECT status, count(*) FROM {parquet([target / stage['verdicts']])} GROUP BY 1").fetchall()
        stage["counts"] = dict(found)
        for table, file in stage["outputs"].items():
            if not (target / file).exists():
                os.link(target / f"{table}.parquet", target / file)
            stage["rows_out"] = stored["tables"][table]
    (target / "snapshot.json").write_text(json.dumps(stored))
    shutil.copyfile(snapshot.folder / "recipe.yaml", target / "recipe.yaml")
    return folder


def _copies(database: duckdb.DuckDBPyConnection, base: Path, times: int) -> None:
    """The table `copies`: every source of `base`, so many times under a new id, content and path. What was dropped, less often.

    A source's id is 16 hexadecimal digits; `moved(id, n)` is that of its n-th copy, and everything below it moves along.
    """
    names = f"{[f'{one} {other}' for one in FIRST for other in LAST]}"
    titles = f"{[f'{one} {other}' for one in TITLES for other in TITLES]}"
    database.execute("CREATE MACRO moved(one, n) AS substr(md5('id' || one[:16] || n), 1, 16) || one[17:]")
    database.execute("CREATE MACRO drawn(list, seed, what) AS list[1 + (hash(what || seed) % len(list))::INT]")
    database.execute(
        f"""CREATE TABLE copies AS
        WITH known AS (SELECT DISTINCT source, path FROM {parquet([base / "work" / "scan.parquet"])}),
             kept AS (SELECT DISTINCT source FROM {parquet([base / "clips.parquet"])}),
             licences AS (SELECT DISTINCT source FROM {parquet([base / "licence_lines.parquet"])}),
             counted AS (SELECT source, path, CASE WHEN source IN (FROM licences) THEN 1 WHEN source IN (FROM kept) THEN {times}
                         ELSE {times} * {DROPPED_OF_KEPT} END AS times FROM known),
             repeated AS (SELECT source, path, unnest(range(times::INT)) AS n FROM counted)
        SELECT source, n, drawn({[*COLLECTIONS]}, source || n, 'folder') || '/' || drawn({names}, source || n, 'artist') || '/'
               || drawn({titles}, source || n, 'title') || ' (' || n || ').' || split_part(path, '.', -1) AS path
        FROM repeated"""
    )


def _facts(*parts: str) -> str:
    return " || ' ' || ".join(parts)


_KEY, _TEMPO = f"drawn({KEYS}, ID, 'key')", "round(60 + 60 * pow((hash('tempo' || ID) % 1000) / 1000.0, 1.3) + hash(ID) % 80, 1)"
# As many as the clip has, no two alike: 7 and the number of instruments have no common factor.
_PLAYERS = f"[{INSTRUMENTS}[1 + ((hash(ID) % 1000 + 7 * i) % {len(INSTRUMENTS)})::INT] for i in range(len(b.instruments))]"
_SOME = f"[{INSTRUMENTS}[1 + ((hash(ID) % 1000 + 7 * i) % {len(INSTRUMENTS)})::INT] for i in range(3)]"
_KNOWN = "hash('known' || SRC) % 10 < 7"
_SENTENCE = _facts(
    "'A'", f"drawn({MOODS}, SRC, 'mood')", f"drawn({GENRES}, SRC, 'genre')", "'in'", _KEY, "'at'", f"{_TEMPO}::VARCHAR", "'bpm'",
    f"array_to_string({_SOME}, ', ')", "'.'",
)  # fmt: skip
# What is other in a copy, by table and column. ID and SRC stand for the copy's own id and that of its source.
CHANGED: dict[str, dict[str, str]] = {
    "clips": {
        "key": f"CASE WHEN hash('none' || ID) % 20 > 0 THEN {_KEY} END",
        "tempo": _TEMPO,
        "metre": f"drawn({METRES}, SRC, 'metre')",
        "instruments": _PLAYERS,
        "lufs": "round(-32 + 20 * (hash('lufs' || ID) % 1000) / 1000.0, 2)",
    },
    "captions": {
        "text": f"text || ' ' || {_SENTENCE}",
        "texts": f"[one || ' ' || {_SENTENCE} for one in texts]",
    },
    "identities": {
        "artist": f"CASE WHEN {_KNOWN} THEN split_part(c.path, '/', 2) ELSE '' END",
        "title": f"CASE WHEN {_KNOWN} THEN regexp_extract(c.path, '/([^/]*) .[0-9]*.[.]', 1) ELSE '' END",
        "level": f"CASE WHEN {_KNOWN} THEN 'artist and title' ELSE 'unidentified' END",
        "probability": f"CASE WHEN {_KNOWN} THEN 0.97 ELSE 0.0 END",
    },
    "splits": {"split": f"drawn({['train'] * 8 + ['validation', 'test']}, SRC, 'split')"},
    "knowledge": {
        "tags": f"[drawn({GENRES}, SRC, 'genre'), drawn({MOODS}, SRC, 'mood')]",
        "tag_kinds": "['genre', 'mood']",
        "tag_weights": "[1.0, 0.5]",
        "tag_confidences": "[0.9, 0.9]",
        "tag_sources": "[['musicbrainz'], ['musicbrainz']]",
    },
    "duplicates": {"other": "moved(b.other, n)", "cluster": "moved(b.cluster, n)", "family": "moved(b.family, n)"},
}


def _written(database: duckdb.DuckDBPyConnection, base: Path, target: Path, changed: dict[str, str]) -> int:
    """One table of all copies, sorted by id, with the schema of `base`; returns its rows."""
    schema = pq.read_schema(base)
    identity = {
        "id": "moved(b.id, n)",
        "source": "moved(b.source, n)",
        "path": "c.path",
        "lineage": "CASE WHEN b.lineage <> '' THEN substr(md5('bytes' || b.source || n), 1, 16) || b.lineage[17:] ELSE '' END",
    }
    columns = []
    for name in schema.names:
        told = {**identity, **changed}.get(name, f'b."{name}"')
        told = told.replace("ID", identity["id"]).replace("SRC", identity["source"])
        columns.append(f'{told} AS "{name}"')
    sql = f"SELECT {', '.join(columns)} FROM {parquet([base])} b JOIN copies c ON c.source = b.source ORDER BY 1"
    reader = database.sql(sql).to_arrow_reader(8192)
    return write_table(target, schema, (one for batch in reader for one in _cast(batch, schema)))


def _cast(batch: pa.RecordBatch, schema: pa.Schema) -> list[pa.RecordBatch]:
    # `cast` does not set what a schema says of its fields; rebuilding does.
    table = pa.Table.from_batches([batch]).cast(pa.schema([pa.field(f.name, f.type) for f in schema]))
    found: list[pa.RecordBatch] = pa.Table.from_arrays(table.columns, schema=schema).combine_chunks().to_batches()
    return found


# --- the server and the browser ---------------------------------------------------------------------------------------


@contextmanager
def served(dataset: Path) -> Iterator[tuple[str, int, float]]:
    """`motet explore` as a user starts it: its address, its process and the seconds until it answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "motet.cli", "explore", str(dataset), "--no-browser", "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        while True:
            try:
                urllib.request.urlopen(f"{address}/api/about", timeout=120).read()
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - began > 120:
                    msg = "the explorer did not start"
                    raise RuntimeError(msg) from None
                time.sleep(0.02)
        yield address, process.pid, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


ROWS = "#main a[href^='#/one/']"


def memory(pid: int, which: str = "VmRSS") -> float:
    """MB that a process holds (`VmRSS`), or held at most (`VmHWM`)."""
    return int(Path(f"/proc/{pid}/status").read_text().partition(f"{which}:")[2].split()[0]) * 1024 / 1e6


@contextmanager
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


# Paints as the browser itself tells them; the largest one is the list once its rows stand.
WATCH = """
window.paints = {};
for (const type of ["paint", "largest-contentful-paint"]) {
    new PerformanceObserver(list => { for (const one of list.getEntries()) paints[one.name || "largest"] = one.startTime; })
        .observe({type, buffered: true});
}
"""

# From an act to the frame in which its outcome is drawn: every frame is asked for what stands in the list, and when that is
# other than before, the time counts to the task after that frame.
AFTER = """act => new Promise((done, fail) => {
    const main = document.querySelector("#main");
    const see = () => [...main.querySelectorAll("a[href^='#/one/']")].map(one => one.hash).join();
    const before = see(), began = performance.now();
    const look = () => {
        const now = see();
        if (now && now !== before) {
            const channel = new MessageChannel();
            channel.port1.onmessage = () => done(performance.now() - began);
            channel.port2.postMessage(0);
        } else if (performance.now() - began > 20000) fail(new Error("nothing changed: " + act));
        else requestAnimationFrame(look);
    };
    window.acts[act]();
    requestAnimationFrame(look);
})"""
ACTS = """
window.acts = {
    filter: () => {
        const ticked = document.querySelectorAll("#main input[type=checkbox]:checked");
        if (ticked.length) { ticked[0].click(); return; }
        const all = [...document.querySelectorAll("#main input[type=checkbox]")].filter(one => one.getClientRects().length);
        all[(window.turn = (window.turn ?? -1) + 1) % all.length].click();
    },
    type: () => {
        const field = [...document.querySelectorAll("#main input[type=search]")]
            .find(one => /^search/i.test(one.ariaLabel ?? one.labels[0]?.textContent.trim() ?? ""));
        const words = "waltz tuba kaija garden flute rosa brooding jig harp nadia thunder celesta polka ōtomo".split(" ");
        field.value = words[(window.typed = (window.typed ?? -1) + 1) % words.length];
        field.dispatchEvent(new InputEvent("input", {bubbles: true}));
    },
    scroll: () => {
        const deep = [document.scrollingElement, ...document.querySelectorAll("#main *")]
            .sort((a, b) => (b.scrollHeight - b.clientHeight) - (a.scrollHeight - a.clientHeight))[0];
        window.turn = (window.turn ?? 0) + 1;
        deep.scrollTop = (deep.scrollHeight - deep.clientHeight) * (0.2 + 0.61803 * window.turn % 0.6);
    },
};
"""


def measure(quick: bool) -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as name:
        base = _base(Path(name))
        yield from page(many(base, Path(name) / "many"), 4 if quick else 25)


def _base(folder: Path) -> Path:
    """Our own tunes, as the ready recipe makes clips of them."""
    demo.write(folder / "tunes")
    with LocalEngine() as engine:
        build(load("text-to-music").changed(["render_stems.rate=16000"]), [folder / "tunes"], folder / "base", engine=engine)
    return folder / "base"


def page(dataset: Path, tries: int) -> Iterator[Line]:
    """All that is measured of one dataset; with fewer than 20 tries nothing is judged."""
    with served(dataset) as (address, pid, started), chromium() as browser:
        with urllib.request.urlopen(f"{address}/api/about") as answer:
            rows = json.loads(answer.read())["total"]

        def line(name: str, values: list[float], unit: str = "ms", most: float | None = None) -> Line:
            worst, high = (
                max(values),
                statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0],
            )
            goal = f"{most:g} at most" if most else ""
            judged = bool(most) and (tries >= 20 or unit == "MB")
            reached = statistics.median(values) <= most if judged and most else None
            return Line(name, tuple(values), unit, rows, goal=goal, reached=reached, note=f"p95 {high:.0f}, worst {worst:.0f}")

        yield line("start to the first answer", [started * 1000])
        first, largest, listed = zip(*(_opened(browser, address) for _ in range(tries)), strict=True)
        yield line("first paint", [*first], most=FIRST_PAINT)
        yield line("largest paint", [*largest], most=FIRST_PAINT)
        yield line("until rows stand", [*listed], most=FIRST_PAINT)
        yield line("a filter, answered by the server", _asked(address, tries), most=FILTER)
        tab = _list(browser, address)
        for act, name, most in (
            ("filter", "from the click on a filter to the new list", FILTER),
            ("type", "from a word typed to the new list", None),
            ("scroll", "from a leap in the list to its rows", None),
        ):
            yield line(name, _acted(tab, act, tries), most=most)
        yield line("the server's memory, now", [memory(pid)], "MB", MEMORY)
        yield line("the server's memory, at most", [memory(pid, "VmHWM")], "MB", MEMORY)


def _list(browser: Any, address: str) -> Any:
    tab = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    tab.add_init_script(WATCH + ACTS)
    tab.goto(address)
    tab.locator(ROWS).first.wait_for(timeout=60_000)
    tab.locator("#main input[type=checkbox]").first.wait_for(timeout=60_000)
    return tab


def _opened(browser: Any, address: str) -> tuple[float, float, float]:
    """First paint, largest paint, and rows in the list, in ms from the start of the navigation, in a fresh profile."""
    tab = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    tab.add_init_script(
        WATCH + "const seen = () => document.querySelector(\"#main a[href^='#/one/']\") ? window.listed = performance.now()"
        " : requestAnimationFrame(seen); requestAnimationFrame(seen);"
    )
    tab.goto(address)
    while not tab.evaluate("window.listed && paints.largest"):
        tab.wait_for_timeout(20)
    tab.wait_for_timeout(300)  # a larger paint may follow
    told = tab.evaluate("[paints['first-contentful-paint'], paints.largest, listed]")
    tab.context.close()
    return float(told[0]), float(told[1]), float(told[2])


def _acted(tab: Any, act: str, tries: int) -> list[float]:
    """Each act changes the list once. An act whose outcome happens to look as before would be no measure, and fails."""
    taken = []
    for _ in range(tries):
        taken.append(float(tab.evaluate(AFTER, act)))
        tab.wait_for_timeout(150)
    return taken


def _asked(address: str, tries: int) -> list[float]:
    """find and the first rows together, for filters of every kind, none of them asked twice."""
    with urllib.request.urlopen(f"{address}/api/find") as answer:
        facets = json.loads(answer.read())["facets"]
    choices = [(name, value) for name, told in facets.items() for value, _ in told.get("values", [])[:8]]
    choices += [("tempo", f"{low}..{low + 20}") for low in range(60, 140, 10)] + [("q", word) for word in (*GENRES, "tuba minor")]
    taken = []
    for name, value in (choices * 2)[:: max(1, 2 * len(choices) // tries)][:tries]:
        state = urlencode({name: value, "sort": "tempo"})
        began = time.perf_counter()
        for path in (f"api/find?{state}", f"api/rows?{state}&limit=100"):
            with urllib.request.urlopen(f"{address}/{path}") as answer:
                answer.read()
        taken.append((time.perf_counter() - began) * 1000)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", type=Path, help="one to measure as it is (else one is made)")
    parser.add_argument("--tries", type=int, default=25)
    given = parser.parse_args()
    for one in page(given.dataset, given.tries) if given.dataset else measure(given.tries < 20):
        verdict = "" if one.reached is None else "  reached" if one.reached else "  MISSED"
        print(
            f"{one.name:<45} {one.figure:9.1f} {one.unit:<3} n={len(one.values):<3} {one.note:<24} {one.goal}{verdict}",
            flush=True,
        )


if __name__ == "__main__":
    main()
