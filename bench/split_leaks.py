"""Splits beside hash thresholds on real names, and what crosses them of copies planted among real songs.

In the bench, or by itself: `python bench/split_leaks.py`. Names are the 17,252 lines of Lakh's clean_midi; their genres are
planted (one of twelve for each artist, some frequent and some rare), because the list has none. The Groove recordings have
styles of their own, and stay together by session. A copy is planted under a name of nobody, so that only its notes can bring
it to its original.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import resource
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

import planted
from measure import Line, seconds
from motet.export.example import SPLITS, Split
from motet.export.splits import Before, Item, Proof, assign, main_artist, prove
from motet.naming.spelling import plain

SHARES: dict[Split, float] = {"train": 0.9, "validation": 0.05, "test": 0.05}
GENRES = 12
SEEDS, SONGS = 20, 400
AXES = ("transposed", "mixed", "medley")


def measure(quick: bool) -> Iterator[Line]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data"
    if shared.is_dir():
        seeds = range(3 if quick else SEEDS)
        for name, items in (("Lakh names", _lakh(shared)), ("Groove", _groove(shared))):
            yield from _compared(name, items, seeds)
        yield from _grown(_lakh(shared), seeds)
        yield from _planted(shared / "midi", 60 if quick else SONGS)
    else:
        print(f"(no shared files at {shared}: set MOTET_SHARED)")
    yield from _at_scale(50_000 if quick else 1_000_000)


# Names


def _lakh(shared: Path) -> list[Item]:
    """Copies of one song (`Title.1.mid`) are a group."""
    items = []
    with (shared / "lists" / "clean_midi.txt").open(encoding="utf-8") as lines:
        for line in lines:
            number, artist, title, digest, _ = line.rstrip("\n").split("\t")
            main = main_artist(artist)
            genre = int(GENRES * _point("genre", main) ** 2)
            groups = (f"song {main} {plain(title)}", f"bytes {digest}")
            items.append(Item(f"{int(number):05d}", groups, artist, strata=(f"genre {genre}",)))
    return items


def _groove(shared: Path) -> list[Item]:
    """Weighed by seconds, a session together."""
    with (shared / "datasets" / "groove" / "info.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [Item(row["id"], (row["session"],), "", float(row["duration"]), (row["style"].split("/")[0],)) for row in rows]


def _point(*names: object) -> float:
    digest = hashlib.blake2b("\0".join(map(str, names)).encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def _thresholds(seed: int, name: str) -> Split:
    point, edge = _point(seed, name), 0.0
    for split in SPLITS:
        edge += SHARES[split]
        if point < edge:
            return split
    return SPLITS[-1]


def _by_hash(items: Sequence[Item], seed: int) -> dict[str, Split | None]:
    """A hash of each component, so that it leaks as little as ours; what stands by itself is hashed by its id."""
    parents: dict[str, str] = {}

    def top(name: str) -> str:
        parents.setdefault(name, name)
        while parents[name] != name:
            parents[name] = name = parents[parents[name]]
        return name

    for item in items:
        for name in _names(item):
            parents[top(name)] = top(f"id {item.id}")
    least: dict[str, str] = {}
    for item in items:
        least[top(f"id {item.id}")] = min(item.id, least.get(top(f"id {item.id}"), item.id))
    return {item.id: _thresholds(seed, least[top(f"id {item.id}")]) for item in items}


def _names(item: Item) -> list[str]:
    artist = main_artist(item.artist)
    return [*item.groups, *([f"artist {artist}"] if artist else [])]


def _off(proof: Proof) -> float:
    return max(abs(proof.shares[split] - SHARES[split]) for split in SPLITS)


def _apart(proof: Proof) -> float:
    return max(proof.strata.get(split, 1.0) for split in SPLITS)


def _compared(name: str, items: Sequence[Item], seeds: range) -> Iterator[Line]:
    song_by_song = [prove(items, {item.id: _thresholds(seed, item.id) for item in items}) for seed in seeds]
    by_hash = [prove(items, _by_hash(items, seed)) for seed in seeds]
    ours = [assign(items, SHARES, seed).proof for seed in seeds]
    ways = {"hash of songs": song_by_song, "hash of artists and groups": by_hash, "ours": ours}
    n = len(items)
    for way, proofs in ways.items():
        across = tuple(float(proof.groups_across + proof.artists_across) for proof in proofs)
        goal = {"goal": "0", "reached": max(across) == 0} if way == "ours" else {}
        yield Line(f"{name}: names in two splits, {way}", across, "names", n, **goal)  # type: ignore[arg-type]
    for what, figure in (("share missed by", _off), ("tags apart by", _apart)):
        for way, proofs in ways.items():
            yield Line(f"{name}: {what}, {way}", tuple(100 * figure(proof) for proof in proofs), "%", n)


def _grown(items: list[Item], seeds: range) -> Iterator[Line]:
    """The collection comes in five parts by chance; how many change their split under way, and how many are left out."""
    moved, moved_by_hash, out, off = [], [], [], []
    for seed in seeds:
        order = np.random.default_rng(seed).permutation(len(items)).tolist()
        before: dict[str, Before] = {}
        hashed: dict[str, Split | None] = {}
        changed = by_hash = 0
        proof = None
        for part in range(1, 6):
            there = [items[at] for at in order[: len(items) * part // 5]]
            result = assign(there, SHARES, seed, before)
            now = {name: place.split for name, place in result.placed.items()}
            changed += sum(now[name] != earlier.split for name, earlier in before.items())
            before = {item.id: Before(split, item.groups, main_artist(item.artist)) for item in there if (split := now[item.id])}
            other = _by_hash(there, seed)
            by_hash += sum(other[name] != split for name, split in hashed.items())
            hashed, proof = other, result.proof
        assert proof is not None
        moved.append(float(changed))
        moved_by_hash.append(float(by_hash))
        out.append(float(proof.left_out))
        off.append(100 * _off(proof))
    yield Line("grown in five parts: moved, hash of artists and groups", tuple(moved_by_hash), "songs", len(items))
    yield Line("grown in five parts: moved, ours", tuple(moved), "songs", len(items), goal="0", reached=max(moved) == 0)
    yield Line("grown in five parts: left out, ours", tuple(out), "songs", len(items))
    yield Line("grown in five parts: share missed by, ours", tuple(off), "%", len(items))


# Planted copies


def _planted(midi: Path, count: int) -> Iterator[Line]:
    everyone = planted.originals(midi)
    songs, reserve = everyone[:count], everyone[count : 2 * count]
    for axis in AXES:
        files = [*songs, *planted.copies(songs, axis, reserve)]
        found = planted.motet(files)
        pairs = set(found.pairs) | {pair for cluster in found.clusters for pair in combinations(sorted(cluster), 2)}
        together: dict[int, list[str]] = {}
        for number, pair in enumerate(sorted(pairs)):
            for at in pair:
                together.setdefault(at, []).append(f"pair {number}")
        items = [Item(f"{at:06d}", tuple(together.get(at, ())), "Unknown") for at in range(len(files))]
        yield from _crossing(axis, files, items, pairs)


def _crossing(axis: str, files: Sequence[planted.File], items: Sequence[Item], pairs: set[tuple[int, int]]) -> Iterator[Line]:
    holding: dict[str, list[int]] = {}
    for at, file in enumerate(files):
        for song in file.songs:
            holding.setdefault(song, []).append(at)
    true = {pair for those in holding.values() for pair in combinations(those, 2)}
    half: Mapping[Split, float] = {
        "train": 0.5,
        "validation": 0.25,
        "test": 0.25,
    }  # two of three strangers are apart, at the least
    result = assign(items, half)
    placed = {name: place.split for name, place in result.placed.items()}
    told = prove(items, placed, ((items[a].id, items[b].id) for a, b in sorted(pairs)))
    crossing = sum(placed[items[a].id] != placed[items[b].id] for a, b in true)
    missed = len(true - pairs)
    note = f"{told.pairs:,} pairs checked"
    yield Line(f"{axis}: found pairs in two splits", (float(told.pairs_across),), "pairs", len(pairs),
               goal="0", reached=told.pairs_across == 0, note=note)  # fmt: skip
    yield Line(f"{axis}: planted pairs in two splits", (float(crossing),), "pairs", len(true),
               goal=f"<= {missed} missed", reached=crossing <= missed)  # fmt: skip


# Scale


def _at_scale(count: int) -> Iterator[Line]:
    """Artists as uneven as they are, a fifth of the songs in families; a fifth of all comes later."""
    chance = np.random.default_rng(0)
    artist = (count / 4 * chance.random(count) ** 3).astype(int).tolist()
    family = np.where(chance.random(count) < 0.2, chance.integers(0, count, count), np.arange(count) + count).tolist()
    genre = (40 * chance.random((count, 2)) ** 2).astype(int).tolist()
    weight = chance.integers(1, 10, count).tolist()
    items = [
        Item(
            f"{at:012x}",
            (f"family {family[at]:x}",),
            f"Artist {artist[at]}",
            weight[at],
            tuple(f"genre {one}" for one in genre[at]),
        )
        for at in range(count)
    ]
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    taken = seconds(lambda: assign(items, SHARES), 1)
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held
    yield Line(f"{count:,} songs placed", taken, "s", count, goal="< 60", reached=taken[0] < 60 if count >= 1_000_000 else None)
    yield Line(f"{count:,} songs placed: memory beside the items", (more / 1024,), "MiB", count)
    old = items[: count * 4 // 5]
    first = assign(old, SHARES).placed
    before = {item.id: Before(split, item.groups, main_artist(item.artist)) for item in old if (split := first[item.id].split)}
    out: Counter[bool] = Counter()
    taken = seconds(lambda: out.update(place.split is None for place in assign(items, SHARES, 0, before).placed.values()), 1)
    yield Line(f"a fifth of {count:,} songs added", taken, "s", count, note=f"{out[True]:,} left out")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    for line in measure(parser.parse_args().quick):
        low, high = min(line.values), max(line.values)
        goal = (
            f"  goal {line.goal}: {'reached' if line.reached else 'missed' if line.reached is False else 'not judged'}"
            if line.goal
            else ""
        )
        print(
            f"{line.name:<62} {line.figure:>10.3f} {low:>10.3f} {high:>10.3f} {line.unit:<6} n {line.n:>9,}{goal} {line.note}",
            flush=True,
        )


if __name__ == "__main__":
    main()
