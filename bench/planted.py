"""The planted test of duplicates: real songs, copies perturbed along one axis or several, and who finds which again.

The truth of a file is the songs it holds, by SHA-256 of the original's bytes. A pair is right if both hold the same one.
Pairs of different originals may be true duplicates that were in the collection before: `Judged` tells what people found of
them. What is the same is left out of account; what nobody judged, or is another arrangement of the same piece, is reported
both ways.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from motet import midi
from motet.midi.reading import NOTE

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
perturb = importlib.import_module("duplicates.perturb")

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Scored = dict[tuple[int, int], float]  # pairs of files by number, the lower first

FOLDERS = ("messy", "lakh-layout", "artist-title", "free")
SUFFIXES = {".mid", ".midi", ".kar"}
ENOUGH, ENOUGH_PITCHED = 100, 50  # notes of a song of the main figure
SEED = 0
JUDGED = Path(__file__).with_name("judged.tsv")
LEVELS = ("same_bytes", "same_notes", "hard", "soft")  # the strictest first
FRAMES, BINS = 64, 1000
GRAM, COMMON = 8, 100  # intervals; a gram in more files than that tells nothing


@dataclass(frozen=True, eq=False)
class File:
    """`songs` are the originals it holds; `what` is for people alone, no detector sees it."""

    songs: tuple[str, ...]
    what: str
    data: bytes
    score: midi.Score

    @property
    def piece(self) -> Any:
        return perturb.Piece.of(self.score)


@dataclass(frozen=True)
class Answer:
    """Pairs of files by number and level, and the clusters at the level of hard duplicates."""

    pairs: dict[tuple[int, int], str]
    clusters: list[list[int]] = field(default_factory=list)

    def at(self, level: str) -> set[tuple[int, int]]:
        allowed = LEVELS[: LEVELS.index(level) + 1]
        return {pair for pair, found in self.pairs.items() if found in allowed}

    @property
    def linked(self) -> set[tuple[int, int]]:
        """Hard duplicates, by themselves or in one cluster."""
        return self.at("hard") | {pair for cluster in self.clusters for pair in combinations(sorted(cluster), 2)}


# Songs


def originals(shared: Path) -> list[File]:
    """All readable songs with enough notes, in an order by chance; of those with the same notes the first."""
    files: dict[str, File] = {}
    for name in FOLDERS:
        for path in sorted(path for path in (shared / name).rglob("*") if path.suffix.lower() in SUFFIXES):
            file = opened(path, shared)
            if file and len(file.score.notes) >= ENOUGH and (~file.score.notes["is_drum"]).sum() >= ENOUGH_PITCHED:
                files.setdefault(_notes_digest(file.score), file)
    found = [*files.values()]
    return [found[at] for at in np.random.default_rng(SEED).permutation(len(found)).tolist()]


def opened(path: Path, shared: Path) -> File | None:
    data = path.read_bytes()
    try:
        score = midi.read(data)
    except midi.Unreadable:
        return None
    return File((hashlib.sha256(data).hexdigest(),), str(path.relative_to(shared)), data, score)


def versions(shared: Path) -> list[File]:
    """The songs of POP909 and their versions, which hold the song of their folder."""
    found = []
    for path in sorted((shared / "pop909").rglob("*.mid")):
        if file := opened(path, shared):
            found.append(replace(file, songs=("/".join(path.relative_to(shared).parts[:2]),)))
    return found


def _notes_digest(score: midi.Score) -> str:
    names = ("start", "duration", "pitch", "program", "is_drum")
    notes = np.stack([score.notes[name].astype(np.int64) for name in names], axis=1)
    notes = notes[np.lexsort(notes.T)]
    return hashlib.sha256(str(score.tempo_map.division).encode() + notes.tobytes()).hexdigest()


def copies(songs: Sequence[File], axis: str, reserve: Sequence[File] = ()) -> list[File]:
    """One copy of every song that the axis applies to. Medleys take their other half from `reserve`, each once."""
    made = []
    for at, song in enumerate(songs):
        chance = np.random.default_rng([SEED, at, *axis.encode()])
        held, told = song.songs, axis
        if axis == "mixed":
            piece, done = perturb.mixed(song.piece, chance)
            told = "mixed: " + ", ".join(done)
        elif axis == "medley":
            if at >= len(reserve):
                break
            other = reserve[at]
            held = (*song.songs, *other.songs)
            piece = perturb.medley(*([song.piece, other.piece] if at % 2 else [other.piece, song.piece]))
        else:
            piece = perturb.WAYS[axis](song.piece, chance)
        if piece is None:
            continue
        data = piece.written()
        score = midi.read(data)
        if len(score.notes) < len(song.score.notes) / 2:
            told += f", {len(score.notes)} of {len(song.score.notes)} notes left"
        made.append(File(held, f"{song.what} [{told}]", data, score))
    return made


AXES = (*perturb.WAYS, "medley", "mixed")


# What must stay apart


KINDS = ("drums alone", "very short", "scales", "ostinati", "clicks")
SHORT, DRUMS = 16, 50  # notes: of a very short song; at least, of a drum part
MOST_APART = 200  # of a kind


def alone(songs: Sequence[File], kind: str) -> list[File]:
    """The drums of real songs by themselves, or their first 16 pitched notes."""
    found = []
    for song in songs:
        piece = song.piece
        if kind == "drums alone":
            notes = piece.notes[~piece.pitched]
        else:
            notes = piece.notes[piece.pitched]
            notes = notes[np.argsort(notes["start"], kind="stable")][:SHORT]
        if len(notes) >= (DRUMS if kind == "drums alone" else SHORT):
            found.append(_made(song.songs[0], f"{song.what} [{kind}]", replace(piece, notes=notes)))
    return found[:MOST_APART]


def exercises(kind: str, count: int = 40) -> list[File]:
    """Scales, patterns over and over, clicks at one pitch, each in 4 to 32 bars and at one of three speeds.

    Scales of one mode are one song, in any key; of the others each is one by itself.
    """
    found = []
    for number in range(count):
        chance = np.random.default_rng([SEED, number, *kind.encode()])
        bars, step = int(chance.integers(4, 33)), int(chance.choice([120, 240, 480]))
        ticks = np.arange(0, bars * 1920, step)
        song = f"{kind} {number}"
        if kind == "scales":
            degree = int(chance.integers(7))
            song = f"scale from degree {degree}"
            mode = np.cumsum(np.roll([2, 2, 1, 2, 2, 2, 1], degree))
            turn = np.concatenate([[0], mode, mode[-2::-1]])
            pitches = chance.integers(48, 72) + turn[np.arange(len(ticks)) % len(turn)]
        elif kind == "ostinati":
            pattern = chance.integers(48, 60, int(chance.integers(2, 9)))
            pitches = pattern[np.arange(len(ticks)) % len(pattern)]
        else:
            pitches = np.full(len(ticks), chance.integers(31, 80))
        notes = np.zeros(len(ticks), NOTE)
        notes["start"], notes["duration"], notes["pitch"], notes["velocity"] = ticks, step // 2, pitches, 90
        notes["is_drum"], notes["program"] = kind == "clicks" and number % 2, 0
        found.append(_made(song, f"{kind} {number}", perturb.Piece(notes, ("",), 480, ((0, 500_000),), ())))
    return found


def _made(song: str, what: str, piece: Any) -> File:
    data = piece.written()
    return File((song,), what, data, midi.read(data))


# Truth


@dataclass(frozen=True)
class Judged:
    """Pairs of files and what people found: "same" arrangement, "soft" (another one), "different".

    By the first 16 digits of each SHA-256. `by` tells how a pair came to be judged: "names" alike, "content" (found by an
    index of another's), "weak" where little speaks for it, "pop909", or "originals" of the planted test (there most
    are called different by rule: another name, and little in common by an alignment of the judge's own).
    """

    verdicts: dict[frozenset[str], str]
    by: dict[frozenset[str], str]

    @classmethod
    def of(cls, table: Path = JUDGED) -> Judged:
        """From `judged.tsv`: what is unsure is left out, equal content and the same arrangement are the same."""
        with table.open(newline="") as lines:
            rows = [row for row in csv.DictReader(lines, delimiter="\t") if row["verdict"] != "unsure"]
        pairs = [frozenset((row["first"], row["second"])) for row in rows]
        told = ("same" if row["verdict"] == "hard" else row["verdict"] for row in rows)
        return cls(dict(zip(pairs, told, strict=True)), dict(zip(pairs, (row["found_by"] for row in rows), strict=True)))

    def __call__(self, one: File, other: File) -> str:
        """ "right", or what is known of the pair: same, soft, different, or unknown."""
        if set(one.songs) & set(other.songs):
            return "right"
        known = {self.verdicts.get(frozenset((a[:16], b[:16])), "unknown") for a in one.songs for b in other.songs}
        return next(verdict for verdict in ("same", "soft", "unknown", "different") if verdict in known)


@dataclass(frozen=True)
class Tally:
    """How an answer stands to the truth: copies found again, and how many pairs of each verdict were given."""

    asked: int
    found: int
    verdicts: Counter[str]
    missed: list[str]
    wrong: list[tuple[str, str, str]]  # verdict, file, file

    @property
    def strict(self) -> tuple[int, int]:
        """Right pairs, and all but those that people judged the same."""
        right = self.verdicts["right"]
        return right, right + self.verdicts["different"] + self.verdicts["unknown"] + self.verdicts["soft"]

    @property
    def judged(self) -> tuple[int, int]:
        """Right pairs, and those with the pairs that people judged different."""
        right = self.verdicts["right"]
        return right, right + self.verdicts["different"]


def tally(files: Sequence[File], pairs: Iterable[tuple[int, int]], judged: Judged) -> Tally:
    """Of `files`, what holds the same song stands together in truth."""
    pairs = set(pairs)
    true = _true(files)
    verdicts: Counter[str] = Counter()
    wrong = []
    for a, b in sorted(pairs):
        verdict = judged(files[a], files[b])
        verdicts[verdict] += 1
        if verdict != "right":
            wrong.append((verdict, files[a].what, files[b].what))
    missed = [f"{files[b].what}" for _, b in sorted(true - pairs)]
    return Tally(len(true), len(true & pairs), verdicts, missed, wrong)


def _true(files: Sequence[File]) -> set[tuple[int, int]]:
    holding = defaultdict(list)
    for at, file in enumerate(files):
        for song in file.songs:
            holding[song].append(at)
    return {pair for group in holding.values() for pair in combinations(group, 2)}


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def told(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits / of:.3f} ({low:.3f} to {high:.3f}, n {of:,})" if of else "none"


# Who answers


def motet(files: Sequence[File]) -> Answer:
    """Motet's own answer, asked for in an order by chance; in a cluster the song with most notes survives.

    Songs of the same notes are told by their digest, as the stage does, before any comparison.
    """
    ours = importlib.import_module("motet.duplicates")
    order = np.random.default_rng(SEED).permutation(len(files)).tolist()
    scores = [files[at].score for at in order]
    found = {(pair.first, pair.second): str(pair.likeness.level) for pair in ours.find(scores)}
    digests = [midi.notes_digest(score) for score in scores]
    found |= dict.fromkeys(equal([digest.encode() for digest in digests]), "same_notes")
    hard = {frozenset(pair) for pair, level in found.items() if level != "soft"}
    ready: dict[int, Any] = {}

    def song(at: int) -> Any:
        return ready.get(at) or ready.setdefault(at, ours.Song(ours.voices(scores[at])))

    def alike(a: int, b: int) -> bool:
        if frozenset((a, b)) in hard:
            return True
        likeness = ours.judge(song(a), song(b))
        return likeness is not None and likeness.level == "hard"

    ranks = [(-len(score.notes), digest, at) for at, (score, digest) in enumerate(zip(scores, digests, strict=True))]
    clusters = ours.clusters(ranks, [pair for pair, level in found.items() if level != "soft"], alike)
    pairs = {tuple(sorted((order[a], order[b]))): level for (a, b), level in found.items()}
    return Answer(pairs, [[order[at] for at in cluster] for cluster in clusters])


def equal(digests: Sequence[bytes]) -> Scored:
    groups = defaultdict(list)
    for at, digest in enumerate(digests):
        groups[digest].append(at)
    return {pair: 1.0 for group in groups.values() for pair in combinations(group, 2)}


def md5(files: Sequence[File]) -> Scored:
    return equal([hashlib.md5(file.data, usedforsecurity=False).digest() for file in files])


def encoding_hash(files: Sequence[File]) -> Scored:
    """The (instrument, pitch) of all notes in order of onset, then track, then pitch."""
    digests = []
    for file in files:
        notes = file.score.notes
        notes = notes[np.lexsort((notes["pitch"], notes["track"], notes["start"]))]
        programs = np.where(notes["is_drum"], 128, notes["program"])
        digests.append(hashlib.sha256(np.stack([programs, notes["pitch"]], 1).astype(np.uint8).tobytes()).digest())
    return equal(digests)


def chroma_of(file: File) -> Floats:
    """How long each pitch class sounds in each 64th of the song, from first onset to end, as one vector of length 1."""
    notes = file.score.notes[~file.score.notes["is_drum"]]
    if not len(notes):
        return np.zeros((12, FRAMES), np.float32)
    starts, ends = notes["start"], notes["start"] + notes["duration"]
    edges = np.linspace(starts.min(), max(ends.max(), starts.min() + 1), FRAMES + 1)
    sums = np.zeros((12, FRAMES))
    for kind in range(12):
        of = notes["pitch"] % 12 == kind
        sums[kind] = np.diff(np.clip(edges[:, None] - starts[of], 0, ends[of] - starts[of]).sum(axis=1))
    length = np.linalg.norm(sums)
    return (sums / length if length else sums).astype(np.float32)


def chroma(files: Sequence[File]) -> Floats:
    """The cosine of every pair of files under the best of 12 rotations."""
    vectors = np.stack([chroma_of(file) for file in files])
    flat = vectors.reshape(len(files), -1)
    best = np.full((len(files), len(files)), -1, np.float32)
    for step in range(12):
        np.maximum(best, flat @ np.roll(vectors, step, axis=1).reshape(len(files), -1).T, out=best)
    return best


def skyline(files: Sequence[File]) -> Scored:
    """Shared 8-grams of the intervals between the highest notes of the onsets, over those of the file that has fewer."""
    grams = []
    for file in files:
        notes = file.score.notes[~file.score.notes["is_drum"]]
        notes = notes[np.lexsort((notes["pitch"], notes["start"]))]
        top = notes["pitch"][np.append(notes["start"][1:] != notes["start"][:-1], len(notes) > 0)].astype(np.int8)
        steps = np.diff(top)
        if len(steps) < GRAM:
            grams.append(np.zeros(0, np.int64))
            continue
        windows = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(steps, GRAM))
        grams.append(np.unique(windows.view(np.int64).ravel()))
    holders = defaultdict(list)
    for at, of in enumerate(grams):
        for gram in of.tolist():
            holders[gram].append(at)
    shared: Counter[tuple[int, int]] = Counter()
    for group in holders.values():
        if 1 < len(group) <= COMMON:
            shared.update(combinations(group, 2))
    return {pair: count / min(len(grams[pair[0]]), len(grams[pair[1]])) for pair, count in shared.items()}


@dataclass
class Fitted:
    """Thresholds of a scored peer: the best F1 on pairs within one half of the songs, judged on the other half.

    A song is in the first half by its place among the originals. Scores are kept in bins, true and false.
    """

    counts: dict[str, NDArray[np.int64]] = field(default_factory=dict)  # (half, true, bin) by axis
    asked: dict[str, NDArray[np.int64]] = field(default_factory=dict)  # true pairs by half

    def add(self, axis: str, a: Ints, b: Ints, scores: Floats, right: NDArray[np.bool_], halves: Ints, asked: Ints) -> None:
        """Pairs of files `a`, `b` with their scores and whether they are right; `halves` holds the half of each file."""
        bins = np.clip((scores * BINS).astype(np.int64), 0, BINS - 1)
        kept = halves[a] == halves[b]
        index = (halves[a][kept] * 2 + right[kept]) * BINS + bins[kept]
        self.counts[axis] = np.bincount(index, minlength=4 * BINS).reshape(2, 2, BINS)
        self.asked[axis] = asked

    @property
    def threshold(self) -> int:
        """In bins, by the first half and all axes together."""
        counts = sum(self.counts.values())[0]  # type: ignore[index]
        above = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
        asked = sum(asked[0] for asked in self.asked.values())
        return int(np.argmax(2 * above[1] / np.maximum(above.sum(axis=0) + asked, 1)))

    def judged(self, axis: str) -> tuple[int, int, int]:
        """On the second half: right pairs, pairs asked for, pairs given."""
        above = self.counts[axis][1][:, self.threshold :].sum(axis=1)
        return int(above[1]), int(self.asked[axis][1]), int(above.sum())


@dataclass(frozen=True)
class Measured:
    """What one set of files gave: the answers of Motet and of the peers that need no threshold, and how many `copies`.

    Motet's count if they are hard duplicates by themselves (`direct`), or in one cluster as well.
    """

    name: str
    copies: int
    motet: Tally | None
    direct: Tally | None
    exact: dict[str, Tally]


Detector = Callable[[Sequence[File]], Answer]
EXACT: dict[str, Callable[[Sequence[File]], Scored]] = {"MD5": md5, "encoding hash": encoding_hash}
SCORED = ("chroma", "skyline")
PEERS = (*EXACT, *SCORED)


def planted(
    songs: Sequence[File], reserve: Sequence[File], judged: Judged, detector: Detector | None, fitted: dict[str, Fitted]
) -> Iterator[Measured]:
    """Axis after axis: the songs and one copy of each. What the scored peers gave goes to `fitted`."""
    for axis in AXES:
        made = copies(songs, axis, reserve)
        yield compared(axis, [*songs, *made], len(made), judged, detector, fitted)


def compared(
    name: str,
    files: Sequence[File],
    made: int,
    judged: Judged,
    detector: Detector | None,
    fitted: dict[str, Fitted],
    asked: Callable[[File], bool] = lambda file: True,
) -> Measured:
    """Ask everyone about `files`. Only pairs with a file that is `asked` for count; songs fall into halves by their SHA-256."""
    wanted = np.array([asked(file) for file in files])
    among = np.array([int(hashlib.sha256(_owner(file).encode()).hexdigest()[:2], 16) % 2 for file in files])

    def of_interest(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
        return {(a, b) for a, b in pairs if wanted[a] or wanted[b]}

    ours = direct = None
    if detector:
        found = detector(files)
        ours = tally(files, of_interest(found.linked), judged)
        direct = tally(files, of_interest(found.at("hard")), judged)
    exact = {peer: tally(files, of_interest(pairs(files)), judged) for peer, pairs in EXACT.items()}
    true = _true(files)
    right = np.zeros((len(files), len(files)), np.bool_)
    ignored = np.zeros_like(right)
    for a, b in true:
        right[a, b] = True
    place = defaultdict(list)
    for at, file in enumerate(files):
        for song in file.songs:
            place[song[:16]].append(at)
    for pair, verdict in judged.verdicts.items():
        if verdict == "same" and len(pair) == 2:
            one, other = pair
            for a in place.get(one, ()):
                for b in place.get(other, ()):
                    ignored[min(a, b), max(a, b)] = True
    halves = np.array([among[a] for a, b in true if among[a] == among[b]], np.int64)
    for peer, (a, b, scores) in {"chroma": _all_pairs(chroma(files)), "skyline": _listed(skyline(files))}.items():
        kept = (wanted[a] | wanted[b]) & (right[a, b] | ~ignored[a, b])
        a, b = a[kept], b[kept]
        fitted[peer].add(name, a, b, scores[kept], right[a, b], among, np.bincount(halves, minlength=2))
    return Measured(name, made, ours, direct, exact)


def _owner(file: File) -> str:
    return file.songs[0]


def _all_pairs(scores: Floats) -> tuple[Ints, Ints, Floats]:
    a, b = np.triu_indices(len(scores), 1)
    return a, b, scores[a, b]


def _listed(scores: Scored) -> tuple[Ints, Ints, Floats]:
    pairs = np.array([*scores], np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1], np.array([*scores.values()], np.float64)


# Clusters


def b_cubed(files: Sequence[File], clusters: Sequence[Sequence[int]], asked: Callable[[File], bool]) -> tuple[float, float]:
    """Precision and recall: for each file asked for, of its cluster and of its group, the share that is in both."""
    cluster_of = {at: [*cluster] for cluster in clusters for at in cluster}
    groups = defaultdict(set)
    for at, file in enumerate(files):
        groups[file.songs[0]].add(at)
    precise, complete = [], []
    for at, file in enumerate(files):
        if asked(file):
            cluster, group = {at, *cluster_of.get(at, ())}, groups[file.songs[0]]
            precise.append(len(cluster & group) / len(cluster))
            complete.append(len(cluster & group) / len(group))
    return float(np.mean(precise)), float(np.mean(complete))
