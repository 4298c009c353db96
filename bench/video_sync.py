"""Films against the notes: planned frames beside a reading of the MIDI by mido, and finished films beside the plan.

Fifty songs composed for it (`video_songs`) and fifty real files drawn at random. What judges is `tests/video/independent.py`,
which shares nothing with Motet; Motet's own check stands beside it, and so does the method of V2MIDI's code. Run alone, it keeps
one line a song in a file and goes on where it stopped: `python bench/video_sync.py --rows FILE [--seconds 200]`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np

from measure import Line

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from video import independent

FPS = Fraction(24)
SIZE = (256, 256)
SECONDS = 16.0
FOLDERS = ("lakh-layout", "pop909", "artist-title", "odd")
REAL, REAL_SEED = 50, 8
QUICK = 6
MOST_WINDOWS = 6  # of a song, whose plans are looked at; one of them is filmed
ROLES = ("melody", "bass", "chords", "pad")
MAPPINGS = ("full-song", "v2midi")
GOAL = 0.95
DRAWS = 2000  # of the bootstrap
Row = dict[str, Any]


@dataclass(frozen=True)
class Source:
    name: str
    group: str
    load: Callable[[], bytes]


def composed() -> list[Source]:
    from video_songs import songs

    return [Source(song.name, song.group, lambda song=song: song.data) for song in songs()]  # type: ignore[misc]


def real() -> list[Source]:
    """Files of the shared folder, drawn at random from all four collections together; MOTET_SONGS sets how many, or "all"."""
    folder = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    kinds = {".mid", ".midi", ".kar", ".rmi"}
    files = [path for name in FOLDERS for path in sorted((folder / name).rglob("*")) if path.suffix.lower() in kinds]
    wanted = os.environ.get("MOTET_SONGS", str(REAL))
    chosen = random.Random(REAL_SEED).sample(files, len(files) if wanted == "all" else min(int(wanted), len(files)))
    return [Source(str(p.relative_to(folder)), f"files: {p.relative_to(folder).parts[0]}", p.read_bytes) for p in sorted(chosen)]


# One song


def examined(source: Source, mapping: str, films: Path | None) -> Row:
    """Everything measured of a song under a mapping, as plain values; films are made in `films` and removed."""
    from motet import midi
    from motet.errors import UserError
    from motet.midi import Unreadable
    from motet.video import mapping as mappings
    from motet.video import windows
    from motet.video.errors import VideoError

    row: Row = {"name": source.name, "group": source.group, "mapping": mapping, "refused": {}, "counts": {}, "plans": []}
    data = source.load()
    reading: independent.Reading | None = None
    try:
        reading = independent.read(data)
    except independent.Unfit as error:
        row["refused"]["mido"] = str(error)
    try:
        score = midi.read(data)
    except Unreadable as error:
        row["refused"]["motet"] = error.reason
        return row | {"counts": {"read by mido alone": len(reading.onsets) if reading else 0}}
    if reading is None:
        return row | {"counts": {"read by Motet alone": len(score.notes)}}
    try:
        found = list(windows.windows(score, seconds=SECONDS))
    except (VideoError, UserError) as error:
        row["refused"]["windows"] = f"{getattr(error, 'reason', 'user')}: {error}"
        found = []
    chance = random.Random(zlib.crc32(source.name.encode()))
    looked = sorted(chance.sample(range(len(found)), min(MOST_WINDOWS, len(found))))
    roles = ["drums" if track.is_drum else ROLES[k % len(ROLES)] for k, track in enumerate(score.symusic.tracks)]
    counts: Counter[str] = Counter()
    inside = [any(w.start_tick <= onset.tick < w.end_tick for w in found) for onset in reading.onsets]
    counts["outside every window"] = inside.count(False)
    chosen = [found[k] for k in looked]
    seen = [any(w.start_tick <= onset.tick < w.end_tick for w in chosen) for onset in reading.onsets]
    counts["in windows not looked at"] = sum(inside) - sum(seen)
    manifests = []
    for window in chosen:
        # One clock for both: a tick is a tick, also where Motet turns SMPTE time into quarter notes.
        try:
            manifest = mappings.plan(
                score,
                roles,
                window,
                mappings.read(mapping),
                fps=FPS,
                size=SIZE,
                theme=None,
                mood="happy",
                key=None,
                tempo=120.0,
                random=random.Random(0),
            )
        except (VideoError, UserError) as error:
            # Of several windows the last refusal is kept.
            row["refused"]["plan"] = f"{getattr(error, 'reason', 'user')}: {error}"
            continue
        manifests.append(manifest)
        row["plans"].append(_planned(manifest, window, reading, counts) | _seed(data, window))
    row["counts"] = dict(counts)
    if films and manifests:
        row["film"] = _filmed(manifests[len(manifests) // 2], films)
    return row


def _planned(manifest: dict[str, Any], window: Any, reading: independent.Reading, counts: Counter[str]) -> Row:
    """A plan beside mido's reading: for every mapped note its distance in frames, and what only one of them has."""
    start = reading.clock.seconds(window.start_tick)
    frames = ceil((reading.clock.seconds(window.end_tick) - start) * FPS)
    told = manifest["motet"]
    planned = [
        independent.Planned(note["pitch"], note["velocity"], note["frame"], bool(note["fields"]))
        for note in [*told["events"], *told.get("notes", [])]
    ]
    heard = []
    for onset in reading.onsets:
        if window.start_tick <= onset.tick < window.end_tick:
            frame = independent.nearest_frame(onset.seconds - start, FPS)
            if frame < frames:
                heard.append((onset, frame))
            else:
                counts["rounded beyond the last frame"] += 1
    away, off = [], 0
    for note, struck, frame in independent.pairs(planned, heard):
        if note is None:
            counts["read by mido alone"] += 1
        elif struck is None:
            counts["read by Motet alone" if not note.mapped else "planned without an onset"] += 1
        elif not note.mapped:
            counts["not in the mapping"] += 1
        else:
            away.append(float(abs(note.frame - (struck.seconds - start) * FPS)))
            off += note.frame != frame
    counts["mapped"] += len(away)
    return {
        "away": [round(value, 6) for value in away],
        "off": off,
        "frames": frames,
        "rendered": len(manifest["rendered_frames"]),
        "start": abs(float(start) - float(window.start)),
    }


def _seed(data: bytes, window: Any) -> Row:
    """Errors in ms of V2MIDI's frames of the same passage, cut out as a file of its own."""
    passage = independent.excerpt(data, window.start_tick, window.end_tick)
    exact = independent.in_messages(passage)
    raised = ""
    try:
        independent.seed_frames(passage, FPS)
    except ValueError as error:
        raised = str(error)
    frames = independent.seed_frames(passage, FPS, forgiving=True)
    late = [abs(Fraction(frame) / FPS - onset.seconds) for frame, onset in zip(frames, exact, strict=True)]
    return {"seed": [round(float(value) * 1e3, 2) for value in late], "seed_raised": raised}


def _filmed(manifest: dict[str, Any], folder: Path) -> Row:
    """The finished film of a plan: judged by Motet's own check and by an eye that knows neither."""
    from motet.video import painter, sync

    path = folder / "film.mp4"
    painting = time.process_time()
    painter.film(manifest, path)
    painting = time.process_time() - painting
    try:
        checking = time.process_time()
        own: Any = sync.check(path, manifest)
        checking = time.process_time() - checking
        score = independent.scores(path)
        changed = independent.peaks(score)
    finally:
        path.unlink(missing_ok=True)
    events = [event["frame"] for event in manifest["motet"]["events"]]
    told: Row = {
        "frames": len(score),
        "planned_frames": len(manifest["rendered_frames"]),
        "paint_s": painting,
        "check_s": checking,
        "own": dict(_flat(own.to_dict())),
        "events": sorted(set(events)),
        "changes": changed,
    }
    for tolerance in (0, 1):
        judged = independent.judge(events, changed, tolerance)
        told[f"eye{tolerance}"] = {
            "judged": judged.judged,
            "excluded": judged.excluded,
            "seen": judged.seen,
            "false": judged.false,
            "precision": judged.precision,
            "recall": judged.recall,
            "f1": judged.f1,
            "offsets": dict(Counter(judged.offsets)),
        }
    return told


def _flat(told: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Plain values by dotted names; of a list its length."""
    if isinstance(told, dict):
        for key, value in told.items():
            yield from _flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(told, list | tuple):
        yield name, told if all(isinstance(value, str) for value in told) else len(told)
    else:
        yield name, told


# Tables


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """What the rows say, group by group and in all."""
    for mapping in dict.fromkeys(row["mapping"] for row in rows):
        mine = [row for row in rows if row["mapping"] == mapping]
        yield f"\nMapping {mapping}: planned frames against mido, {float(FPS):g} a second"
        head = f"  {'':<24}{'songs':>6}{'windows':>8}{'events':>9}{'worst':>9}{'off':>5}"
        yield f"{head}   V2MIDI, ms: {'n':>7}{'mean':>9}{'95 %':>9}{'worst':>9} raises"
        for group, part in _groups(mine):
            plans = [plan for row in part for plan in row["plans"]]
            away = [value for plan in plans for value in plan["away"]]
            seed = [value for plan in plans for value in plan["seed"]]
            raises = sum(any(plan["seed_raised"] for plan in row["plans"]) for row in part)
            planner = f"{max(away, default=0.0):>9.4f}{sum(plan['off'] for plan in plans):>5}"
            told = (
                f"{np.mean(seed):>9.0f}{np.percentile(seed, 95):>9.0f}{max(seed):>9.0f}" if seed else f"{'-':>9}{'-':>9}{'-':>9}"
            )
            yield f"  {group:<24}{len(part):>6}{len(plans):>8}{len(away):>9}{planner}{'':>15}{len(seed):>7}{told} {raises}"
        every = [plan for row in mine for plan in row["plans"]]
        wrong = sum(plan["rendered"] != plan["frames"] for plan in every)
        begun = max((plan["start"] for plan in every), default=0.0)
        yield f"  films of another length than the window: {wrong}; worst start of a window: {begun:.2e} s off"
        counts: Counter[str] = Counter()
        for row in mine:
            counts.update(row["counts"])
        yield "  onsets: " + "; ".join(f"{count:,} {what}" for what, count in counts.most_common())
        refused = Counter(f"{who}: {why.partition(':')[0]}" for row in mine for who, why in row["refused"].items())
        for why, count in refused.most_common(12):
            yield f"  refused {count} x {why}"
        yield from _films(mapping, [row for row in mine if "film" in row])


def _films(mapping: str, rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    eyes: dict[str, Callable[[Row], Row]] = {
        "own check": own_scores,
        "eye, 1 frame": lambda film: film["eye1"],
        "eye, same frame": lambda film: film["eye0"],
    }
    for who, look in eyes.items():
        yield f"\nMapping {mapping}: finished films, {who}"
        head = f"  {'':<24}{'films':>6}{'judged':>8}{'excluded':>9}{'precision':>10}{'recall':>8}"
        yield f"{head}{'F1 mean':>9}  95 % interval   pooled   worst"
        for group, part in _groups(rows):
            found = [(look(row["film"]), row["name"]) for row in part]
            scored = [(score, name) for score, name in found if score["judged"]]
            if not scored:
                continue
            values = [score["f1"] for score, _ in scored]
            low, high = bootstrap(values)
            seen = [(score["precision"], score["recall"]) for score, _ in scored]
            pooled = _pooled([score for score, _ in scored])
            lowest = sorted(scored, key=lambda one: one[0]["f1"])[:3]
            worst = ", ".join(f"{name[-32:]} {score['f1']:.2f}" for score, name in lowest)
            yield (
                f"  {group:<24}{len(scored):>6}{sum(score['judged'] for score, _ in scored):>8}"
                f"{sum(score['excluded'] or 0 for score, _ in scored):>9}{np.mean([p for p, _ in seen]):>10.3f}"
                f"{np.mean([r for _, r in seen]):>8.3f}{np.mean(values):>9.3f}  {low:.3f} to {high:.3f}  {pooled}   {worst}"
            )
    films = [row["film"] for row in rows]
    offsets: Counter[str] = Counter()
    for film in films:
        offsets.update({str(key): count for key, count in film["eye1"]["offsets"].items()})
    close = [(set(film["events"]) - {0}, set(film["changes"])) for film in films]
    kept = sum(len(events & changed) for events, changed in close)
    yield f"  of all {sum(len(events) for events, _ in close)} event frames, close ones too, {kept} change as the eye sees it"
    mixed = [independent.judge(other["events"], film["changes"]).f1 for film, other in pairwise(films) if other["events"]]
    pictures = sum(film["frames"] for film in films)
    short = sum(film["frames"] != film["planned_frames"] for film in films)
    yield f"  seen at: {dict(sorted(offsets.items(), key=lambda one: int(one[0])))} frames off; films of a wrong length: {short}"
    if mixed:
        yield f"  control, each film against the plan of the next: F1 {np.mean(mixed):.3f} on average"
    for key in ("paint_s", "check_s"):
        taken = sum(film[key] for film in films)
        yield f"  {key}: {pictures / float(FPS) / max(taken, 1e-9):.1f} x real time, CPU, {len(films)} films"


def own_scores(film: Row) -> Row:
    """Motet's own figures of a film, wherever its record keeps them."""

    def find(word: str) -> Any:
        return next((value for key, value in film["own"].items() if key.rpartition(".")[2] == word), None)

    told = {word: find(word) or 0 for word in ("planned", "judged", "precision", "recall", "f1")}
    return told | {"excluded": told["planned"] - told["judged"], "seen": None}


def _pooled(scores: Iterable[Row]) -> str:
    """F1 of all events together, where they were counted."""
    listed = list(scores)
    if any(score["seen"] is None for score in listed):
        return f"{'':>6}"
    seen, judged, false = (sum(score[key] for score in listed) for key in ("seen", "judged", "false"))
    return f"{2 * seen / max(judged + seen + false, 1):.4f}"


def bootstrap(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the mean, songs drawn anew with replacement."""
    listed = np.asarray(values)
    drawn = np.random.default_rng(0).choice(listed, (DRAWS, len(listed))).mean(axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def _groups(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for group in dict.fromkeys(row["group"] for row in rows):
        yield group, [row for row in rows if row["group"] == group]
    for name, wanted in (("all composed", False), ("all files", True), ("all", None)):
        part = [row for row in rows if wanted is None or row["group"].startswith("files") is wanted]
        if part:
            yield name, part


# Running


def measure(quick: bool) -> Iterator[Line]:
    songs = composed()
    if quick:
        songs = random.Random(0).sample(songs, QUICK)
    rows = []
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder:
        for source in [*songs, *([] if quick else real())]:
            rows.append(examined(source, MAPPINGS[0], Path(folder)))
    print(*tables(rows), sep="\n")
    away = [value for row in rows for plan in row["plans"] for value in plan["away"]]
    seed = [value for row in rows for plan in row["plans"] for value in plan["seed"]]
    films = [row["film"] for row in rows if "film" in row]
    exact = max(away) <= 0.5
    yield Line("planned frames, worst", (max(away),), "frames", len(away), goal="<= 0.5", reached=exact, note="against mido")
    yield Line("  V2MIDI's frames, mean", (float(np.mean(seed)) / 1e3,), "s", len(seed))
    eyes: dict[str, Callable[[Row], Row]] = {
        "seen in films, an eye of its own": lambda film: film["eye1"],
        "  Motet's own check": own_scores,
    }
    for name, look in eyes.items():
        values = [look(film)["f1"] for film in films if look(film)["judged"]]
        mean = float(np.mean(values))
        yield Line(name, (mean,), "F1", len(values), goal=f">= {GOAL}", reached=None if quick else mean >= GOAL)


@cache
def _sources() -> list[Source]:
    return [*composed(), *real()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True, help="a file of one line a song, which is added to")
    parser.add_argument("--mapping", choices=MAPPINGS, default=MAPPINGS[0])
    parser.add_argument("--plans-only", action="store_true", help="make no films")
    parser.add_argument("--seconds", type=float, default=1e9, help="begin no song after so long")
    parser.add_argument("--only", help="songs and files whose name holds this")
    parser.add_argument("--tables", action="store_true", help="only print what the file holds")
    chosen = parser.parse_args()
    kept = [json.loads(line) for line in chosen.rows.read_text().splitlines()] if chosen.rows.exists() else []
    if not chosen.tables:
        done = {(row["name"], row["mapping"]) for row in kept}
        ends = time.monotonic() + chosen.seconds
        with tempfile.TemporaryDirectory(prefix="motet-bench-") as folder, chosen.rows.open("a") as out:
            for source in _sources():
                if (source.name, chosen.mapping) in done or (chosen.only and chosen.only not in source.name):
                    continue
                if time.monotonic() > ends:
                    print("to be continued")
                    break
                kept.append(examined(source, chosen.mapping, None if chosen.plans_only else Path(folder)))
                out.write(json.dumps(kept[-1]) + "\n")
                out.flush()
    print(*tables(kept), sep="\n")


if __name__ == "__main__":
    main()
