"""MIDI aligned to performances whose timing is known: errors at note onsets, and whether other arrangements are rejected.

Of the material that `film_warps` makes from real MIDI files. Errors are those of accepted alignments, at every onset that is in
the sound; what is wrongly rejected counts as such and gives no errors. Other arrangements that are all but the same after all
(sections of one vamp shuffled, files of one title by one sequencer) are told apart by `same_notes`: from 0.8 on no goal holds.
Run alone: `python bench/film_aligned.py [--songs 84] [--others 60] [--versions 40] [--seconds 90] [--json FILE]`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from film_truth import RATE, Song, own_songs, shared_songs
from film_warps import SECONDS, Performance, others, performances, versions
from measure import Line, cpu
from motet import midi
from planted import wilson

Floats = NDArray[np.float64]

MEDIAN, MOST = 20.0, 60.0  # ms, of the median and of 95 %
REJECTED, WRONGLY = 0.90, 0.05
OTHER = 0.8  # likeness below which an arrangement is another
FEWEST = 20
WORST = 15
SEED = 11  # not the one that the films' songs are drawn with


@dataclass(frozen=True)
class Outcome:
    """What an alignment says of a performance.

    `errors`: ms at onsets, told less true; `untold`: the share of onsets that is given no time.
    """

    name: str
    group: str
    same: bool
    likeness: float
    accepted: bool
    reason: str
    confidence: float
    transposed_right: bool
    errors: list[float]
    cpu: float
    seconds: float
    untold: float = 0.0

    @property
    def median(self) -> float:
        return float(np.median(np.abs(self.errors))) if self.errors else float("nan")


def aligned(performance: Performance) -> Outcome:
    """Everything under test, for one performance."""
    from motet.film import aligning
    from motet.film.errors import FilmError

    sound = soxr.resample(performance.audio, RATE, aligning.RATE, quality="HQ").astype(np.float32)
    length = len(performance.audio) / RATE
    score = midi.read(performance.score)
    began = cpu()
    told = (performance.name, performance.group, performance.same, performance.likeness)
    try:
        heard = aligning.hear(sound[k : k + 65536] for k in range(0, len(sound), 65536))
        found = aligning.align(score, heard)
    except FilmError as error:
        return Outcome(*told, False, f"{error.reason} (raised)", 0.0, False, [], cpu() - began, length)
    spent = cpu() - began
    errors: list[float] = []
    untold = 0.0
    if performance.same:
        said = np.asarray(found.to_sound(performance.midi_seconds), np.float64)
        off = (said - performance.sound_seconds) * 1000
        errors, untold = off[np.isfinite(off)].round(2).tolist(), float(np.mean(~np.isfinite(off)))
    right = found.transposition == performance.transposition
    reason = str(found.reason or "")
    return Outcome(*told, bool(found.accepted), reason, float(found.confidence), right, errors, spent, length, untold)


def lines(outcomes: list[Outcome]) -> Iterator[Line]:
    same = [one for one in outcomes if one.same]
    accepted = [one for one in same if one.accepted and one.errors]
    pooled = np.abs(np.concatenate([one.errors for one in accepted])) if accepted else np.zeros(0)
    if len(pooled):
        enough = len(accepted) >= FEWEST
        low, high = _drawn(accepted, 0.5)
        note = f"95 %: {low:.1f}-{high:.1f}; {len(accepted)} performances; signed {_signed(accepted):+.1f}"
        yield _line("off at onsets, median", pooled, 0.5, MEDIAN, enough, note)
        low, high = _drawn(accepted, 0.95)
        yield _line("off at onsets, 95 %", pooled, 0.95, MOST, enough, f"95 %: {low:.1f}-{high:.1f}")
        whole = [one for one in accepted if one.median <= MEDIAN and float(np.quantile(np.abs(one.errors), 0.95)) <= MOST]
        yield _share("  performances that meet both alone", len(whole), len(accepted))
        yield _share("  transposition right", sum(one.transposed_right for one in accepted), len(accepted))
        untold = [one.untold for one in accepted]
        yield Line("  onsets given no time, mean", (float(np.mean(untold)),), "", len(untold), note=f"most {max(untold):.3f}")
    if same:
        wrongly = sum(not one.accepted for one in same)
        why = Counter(one.reason for one in same if not one.accepted)
        yield _share("rejected wrongly", wrongly, len(same), WRONGLY, most=True, note=_counts(why))
    different = [one for one in outcomes if not one.same and one.likeness < OTHER]
    made = [one for one in different if one.group != "same title"]
    if made:
        why = Counter(one.reason for one in made if not one.accepted)
        rejected = sum(not one.accepted for one in made)
        yield _share("other arrangements rejected", rejected, len(made), REJECTED, note=_counts(why))
    for position, what in ((0, "warp"), (1, "sound")):
        for name in dict.fromkeys(one.group.split("; ")[position] for one in same):
            some = [one for one in same if one.group.split("; ")[position] == name]
            yield _group(f"  {what}: {name}", some)
    for name in dict.fromkeys(one.group for one in different):
        some = [one for one in different if one.group == name]
        yield _share(f"  rejected: {name}", sum(not one.accepted for one in some), len(some))
    alike = [one for one in outcomes if not one.same and one.likeness >= OTHER]
    if alike:
        groups = _counts(Counter(one.group for one in alike))
        yield _share("  rejected: all but the same after all", sum(not one.accepted for one in alike), len(alike), note=groups)
    fast = sum(one.seconds for one in outcomes) / max(sum(one.cpu for one in outcomes), 1e-9)
    yield Line("heard and aligned", (fast,), "x real time", len(outcomes), note="CPU time, without resampling")


def _line(name: str, off: Floats, share: float, goal: float, enough: bool, note: str) -> Line:
    figure = float(np.quantile(off, share))
    return Line(name, (figure,), "ms", len(off), goal=f"<= {goal:g}", reached=figure <= goal if enough else None, note=note)


def _group(name: str, some: list[Outcome]) -> Line:
    accepted = [one for one in some if one.accepted and one.errors]
    off = np.abs(np.concatenate([one.errors for one in accepted])) if accepted else np.array([np.nan])
    note = f"95 % {np.quantile(off, 0.95):.1f} ms; {len(some) - len(accepted)} of {len(some)} rejected"
    return Line(name, (float(np.median(off)),), "ms", len(off), note=note)


def _signed(some: list[Outcome]) -> float:
    return float(np.median(np.concatenate([one.errors for one in some])))


def _drawn(some: list[Outcome], share: float, draws: int = 500) -> tuple[float, float]:
    """The interval of a quantile of the pooled errors, by drawing performances again with replacement."""
    chance = np.random.default_rng(0)
    errors = [np.abs(one.errors) for one in some]
    drawn = [chance.integers(0, len(errors), len(errors)) for _ in range(draws)]
    found = [float(np.quantile(np.concatenate([errors[k] for k in one]), share)) for one in drawn]
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def _share(name: str, hits: int, asked: int, goal: float | None = None, *, most: bool = False, note: str = "") -> Line:
    low, high = wilson(hits, asked)
    share = hits / asked
    reached = None if goal is None or asked < FEWEST else share <= goal if most else share >= goal
    words = "" if goal is None else f"{'<=' if most else '>='} {goal}"
    return Line(
        name, (share,), "", asked, goal=words, reached=reached, note=f"95 %: {low:.3f}-{high:.3f}{'; ' * bool(note)}{note}"
    )


def _counts(told: Counter[str]) -> str:
    return ", ".join(f"{count} {reason or 'no reason'}" for reason, count in told.most_common())


def worst(outcomes: list[Outcome], most: int = WORST) -> Iterator[str]:
    same = [one for one in outcomes if one.same]
    bad = sorted(
        (one for one in same if one.accepted and one.errors), key=lambda one: -float(np.quantile(np.abs(one.errors), 0.95))
    )
    yield "  largest errors (median, 95 %, most, signed median; ms)"
    for one in bad[:most]:
        off = np.abs(one.errors)
        figures = f"{np.median(off):7.1f} {np.quantile(off, 0.95):8.1f} {off.max():8.1f} {np.median(one.errors):+7.1f}"
        yield f"   {figures}  confidence {one.confidence:.3f}  {one.name} [{one.group}]"
    lists: dict[str, Iterable[Outcome]] = {
        "rejected wrongly": (one for one in same if not one.accepted),
        "accepted wrongly": (one for one in outcomes if not one.same and one.accepted and one.likeness < OTHER),
        "all but the same, rejected": (one for one in outcomes if not one.same and not one.accepted and one.likeness >= OTHER),
    }
    for name, found in lists.items():
        some = sorted(found, key=lambda one: -one.confidence)
        yield f"  {name}: {len(some)}"
        for one in some[:most]:
            off = f", off {one.median:.0f} ms" if one.same and one.errors else ""
            yield f"    {one.confidence:.3f} {one.reason} likeness {one.likeness:.2f}{off}  {one.name} [{one.group}]"


def examined(
    songs: list[Song],
    shared: Path | None,
    *,
    same: int,
    other: int,
    titles: int,
    seconds: float = SECONDS,
    plain: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Outcome]:
    """Performances of `same` songs, other arrangements of `other` songs (of the last ones), and `titles` pairs of one title."""
    outcomes: list[Outcome] = []
    groups: list[Iterator[Performance]] = [
        performances(songs[:same], seconds=seconds, plain=plain),
        others(songs[len(songs) - other :], seconds=seconds, plain=plain),
        versions(shared, titles, seconds) if shared and titles else iter(()),
    ]
    for group in groups:
        for performance in group:
            one = aligned(performance)
            outcomes.append(one)
            verdict = "accepted" if one.accepted else f"rejected ({one.reason})"
            off = f", off {one.median:.1f} ms" if one.errors else ""
            progress(f"{len(outcomes)} {one.group}: {verdict} {one.confidence:.2f}{off} {one.name}")
    return outcomes


def _songs(wanted: int) -> tuple[list[Song], Path | None]:
    shared = Path(os.environ.get("MOTET_SHARED") or Path(__file__).resolve().parents[2] / "shared") / "data" / "midi"
    if shared.is_dir():
        return shared_songs(shared, wanted, seed=SEED), shared
    return own_songs(wanted, SECONDS, seed=SEED), None


def measure(quick: bool) -> Iterator[Line]:
    same, other, titles = (14, 8, 6) if quick else (84, 60, 40)
    songs, shared = _songs(same + other)
    outcomes = examined(songs, shared, same=same, other=other, titles=titles)
    yield from lines(outcomes)
    print(*worst(outcomes), sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, default=84)
    parser.add_argument("--others", type=int, default=60)
    parser.add_argument("--versions", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    began = time.monotonic()
    songs, shared = _songs(chosen.songs + chosen.others)
    outcomes = examined(
        songs,
        shared,
        same=chosen.songs,
        other=chosen.others,
        titles=chosen.versions,
        seconds=chosen.seconds,
        progress=lambda words: print(f"  {words}", file=sys.stderr, flush=True),
    )
    for line in lines(outcomes):
        goal = "" if line.reached is None else f" (goal {line.goal}: {'reached' if line.reached else 'MISSED'})"
        print(f"{line.name:<42} {line.figure:9.3f} {line.unit:<12} n {line.n:<6}{goal} {line.note}")
    print(*worst(outcomes), sep="\n")
    by = _counts(Counter(one.group.split("; ")[0] for one in outcomes))
    print(f"{len(outcomes)} performances ({by}) in {time.monotonic() - began:.0f} s")
    if chosen.json:
        chosen.json.write_text(json.dumps([asdict(one) for one in outcomes], indent=1))


if __name__ == "__main__":
    main()
