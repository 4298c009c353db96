"""What a build will take: rows, hours, bytes and dollars, estimated from a sample of its sources before it begins.

Files are drawn in strata by size, so that the few large ones, which cost most, are among them. What the drawn ones came to in a
trial is weighted by how many stand behind each. The interval is a bootstrap over files within strata (the rescaled one of Rao and
Wu, which holds with few per stratum), widened as Student's t is wider than the normal: nine in ten should hold the truth.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.dataset.snapshot import Snapshot, live
from motet.forecasting.drawing import Found, Stratum
from motet.forecasting.trial import StageTrial, Trial, try_out
from motet.recipe import Recipe
from motet.run.build import may_become, open_recipe, sources_of
from motet.run.engine import usable_cores

FILES = 20
BUDGET = 90.0  # seconds after which no larger sample is begun
REPLICATES = 2000
TAIL = 0.05  # of the truth on either side of an interval
JITTER = 0.1  # how much one run's speed differs from another's on a quiet machine: a standard deviation, of the logarithm
ROW_OVERHEAD = 0.0007  # seconds the driver takes to plan, answer and assemble a row of a stage: `make bench`, overhead
FEWEST_KEPT = 0.25  # of songs that are no exact copies, where nothing is known: as little may be left once alike ones are found
TWINS = ("deduplicate", "match_recordings")  # they keep one of several that are alike
# Stages over all rows of which a sample tells what it tells of others: a row's fate hangs on itself.
SCALING = ("prepare_labels", "exclude", "exclude_songs", "exclude_plans", "settle_licences", "assign_splits", "list_film_songs")
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Range:
    """An estimate: what is likely, and the bounds that hold the truth nine times in ten."""

    low: float
    likely: float
    high: float

    def __mul__(self, factor: float) -> Range:
        return Range(self.low * factor, self.likely * factor, self.high * factor)


NONE = Range(0.0, 0.0, 0.0)


@dataclass(frozen=True)
class StageForecast:
    """What is to be expected of one stage. `cpu` and `wall` in seconds, `media` and `tables` in bytes."""

    name: str
    inputs: Range
    rows: Range
    answered: Range
    cpu: Range
    wall: Range
    media: Range
    tables: Range
    dollars: Range
    median: float | None = None  # seconds a row takes; None where none was timed
    p95: float | None = None
    lost: dict[str, float] = field(default_factory=dict)  # reason -> share of the inputs
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Forecast:
    recipe: str
    to: str
    found: Found
    sampled: int
    of: int  # different contents
    workers: int
    stages: list[StageForecast]
    cpu: Range
    wall: Range
    media: Range
    tables: Range
    dollars: Range
    peak_memory: int  # bytes
    disk_free: int
    trial_seconds: float
    unknown: tuple[str, ...] = ()  # what is not in the sums

    @property
    def disk(self) -> Range:
        """Bytes that the build will write."""
        return Range(*(getattr(self.media, end) + getattr(self.tables, end) for end in ("low", "likely", "high")))


def forecast(
    recipe: Recipe,
    sources: Sequence[str] | None,
    to: str | Path,
    *,
    files: int = FILES,
    budget: float = BUDGET,
    workers: int | None = None,
    memory_mb: int | None = None,
    seed: int | None = None,
    retry: bool = False,
    each: Callable[[int], None] = lambda drawn: None,
) -> Forecast:
    """What `build` with the same arguments will take. Changes nothing at `to`; raises UserError where a build would.

    So many files of each kind are tried as `files` says, fewer when that takes longer than `budget` seconds.
    """
    folder = Path(to)
    may_become(folder, sources)
    made_by = open_recipe(folder, recipe)
    chosen = sources_of(folder, recipe, made_by, sources)
    for step in recipe.steps:
        if step.stage.contents:
            step.stage.contents(step.settings)  # what a real run would refuse is refused here
    snapshot = live(folder) if folder.is_dir() else None
    trial = try_out(
        recipe,
        chosen,
        folder,
        snapshot=snapshot,
        made_by=made_by,
        files=files,
        budget=budget,
        workers=workers,
        memory_mb=memory_mb,
        seed=made_by.get("seed", 0) if seed is None else seed,
        retry=retry,
        each=each,
    )
    hands = workers or usable_cores()
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    stages, total, unknown = scaled(trial, snapshot, hands)
    return Forecast(
        recipe=recipe.name,
        to=str(to),
        found=trial.found,
        sampled=trial.drawn,
        of=sum(stratum.contents for stratum in trial.strata),
        workers=hands,
        stages=stages,
        **total,
        peak_memory=trial.peak_memory,
        disk_free=shutil.disk_usage(place).free,
        trial_seconds=trial.seconds,
        unknown=unknown,
    )


class _Weights:
    """How many contents stand behind each drawn file: first as drawn, then replicate by replicate."""

    def __init__(self, strata: Sequence[Stratum], rng: np.random.Generator) -> None:
        self.ids = [row_id for stratum in strata for row_id in stratum.drawn]
        self.copies = np.array(
            [
                float(s.copies[n]) if s.copies and len(s.drawn) == s.contents else s.files / s.contents
                for s in strata
                for n in range(len(s.drawn))
            ]
        )
        self.values = np.ones((len(self.ids), REPLICATES + 1))
        first = 0
        for stratum in strata:
            n, of = len(stratum.drawn), stratum.contents
            part = slice(first, first + n)
            first += n
            self.values[part] = of / n
            if n == of:
                continue
            if n == 1:  # nothing is known of how much others differ
                self.values[part, 1:] *= rng.exponential(size=(1, REPLICATES))
                continue
            hits = rng.multinomial(n - 1, [1 / n] * n, size=REPLICATES).T * (n / (n - 1))
            reach = np.sqrt(1 - n / of)
            self.values[part, 1:] *= np.maximum(0.0, 1 - reach + reach * hits)
        whole = len(self.ids) == sum(s.contents for s in strata)
        # One stratum, that of the largest, often holds most of what is unsure: no more is known than it tells.
        self.freedom = 0 if whole else max(1, max(len(s.drawn) for s in strata if len(s.drawn) < s.contents) - 1)
        self.jitter = np.ones(REPLICATES + 1)
        self.jitter[1:] = np.exp(rng.normal(0, JITTER, REPLICATES))


def scaled(
    trial: Trial, snapshot: Snapshot | None, workers: int
) -> tuple[list[StageForecast], dict[str, Range], tuple[str, ...]]:
    """From a trial to all sources."""
    rng = np.random.default_rng(0)
    sums = {name: np.zeros(REPLICATES + 1) for name in ("cpu", "wall", "media", "tables", "dollars")}
    if not trial.stages:
        return [], dict.fromkeys(sums, NONE), ()
    weights = _Weights(trial.strata, rng)
    widen = _widening(weights.freedom)
    values, copies = weights.values, weights.copies[:, None]
    stages, unknown = [], []
    for told in trial.stages:
        stage, notes = told.step.stage, []
        shares = [told.shares.get(one) for one in weights.ids]

        def of(name: str, shares: Sequence[Any] = shares) -> Numbers:
            return np.array([float(getattr(share, name)) if share else 0.0 for share in shares])[:, None]

        whole = stage.kind == "whole"
        came = values
        if whole and stage.filters:
            values, note = _thinned(told, values, of, snapshot, rng, weights)
            notes += [note] if note else []
            if told.step.name in TWINS:
                copies = np.ones_like(copies)
        elif whole and told.step.name not in SCALING:
            notes.append("not estimated from a sample: it compares all rows")
        per_stage = {
            "inputs": (of("inputs") * came * (weights.copies[:, None] if told.step.name in TWINS else copies)).sum(0),
            "rows": (of("rows") * values * copies).sum(0),
            "answered": (of("answered") * came).sum(0),
            "media": (of("media_bytes") * came).sum(0),
            "dollars": (of("dollars") * came).sum(0),
        }
        todo = np.maximum(0.0, per_stage["inputs"] - per_stage["answered"] * copies.mean())
        cpu = (of("seconds") * came).sum(0) * weights.jitter
        busy = bool(of("seconds").any())
        per_stage["cpu"] = cpu + told.warming * workers
        longest = max(told.seconds, default=0.0) if busy else 0.0
        per_stage["wall"] = np.maximum(cpu / workers, longest) + told.warming + told.fixed + todo * ROW_OVERHEAD
        per_stage["tables"] = 2 * told.line_bytes * todo  # as answered, and in the snapshot
        if told.asks:
            notes.append(f"asks {told.asks}, which a dry run does not: their time is not in here")
        if told.unpriced:
            notes.append("its price is not known")
        if whole and told.step.name in (*TWINS, "locate_songs", "match_midi"):
            unknown.append(told.step.name)
        for name in sums:
            sums[name] = sums[name] + per_stage[name]
        ordered = sorted(told.seconds)
        stages.append(
            StageForecast(
                name=told.step.name,
                **{name: _range(drawn, widen) for name, drawn in per_stage.items()},
                median=float(np.median(ordered)) if ordered else None,
                p95=float(np.quantile(ordered, 0.95)) if ordered else None,
                lost=_lost(told, weights.ids, (came * copies)[:, 0]),
                notes=tuple(notes),
            )
        )
    sentences = []
    if unknown:
        sentences.append(f"the hours of {_listed(unknown)}, which look at all rows at once")
    asking = [told.step.name for told in trial.stages if told.asks]
    if asking:
        sentences.append(f"the time that services take ({_listed(asking)})")
    return stages, {name: _range(drawn, widen) for name, drawn in sums.items()}, tuple(sentences)


def _thinned(
    told: StageTrial,
    values: Numbers,
    of: Callable[[str], Numbers],
    snapshot: Snapshot | None,
    rng: np.random.Generator,
    weights: _Weights,
) -> tuple[Numbers, str]:
    """The weights behind a stage that takes rows out by looking at all of them, and what is to be said of that."""
    there = (of("inputs") > 0) * values
    if _is_cap(told):
        songs = float(told.step.settings.songs)  # type: ignore[attr-defined]
        if not songs:
            return values, ""
        kept = ((of("rows") > 0) * values).sum(0)
        factor = np.divide(np.minimum(songs, there.sum(0)), kept, out=np.zeros_like(kept), where=kept > 0)
        return values * factor, f"takes {songs:,.0f} songs at most"
    if told.step.name in SCALING:
        return values, ""
    if not weights.freedom:
        return values, ""  # all there is was tried
    state = snapshot.stage(told.step.name) if snapshot else None
    counted = sum(state.counts.values()) if state else 0
    if state and counted:
        share = state.counts.get("ok", 0) / counted
        files = (there * weights.copies[:, None]).sum(0)
        seen = ((of("rows") > 0) * values).sum(0)
        likely = np.minimum(1.0, np.divide(share * files, seen, out=np.ones_like(seen), where=seen > 0))
        # As sure as so many rows make it, were they drawn from the same collection.
        factor = likely * np.exp(np.concatenate([[0.0], rng.normal(0, min(0.5, 1 / counted**0.5), REPLICATES)]))
        return values * np.minimum(1.0, factor), f"{share:.0%} kept, as in the dataset so far"
    spread = np.concatenate([[1.0], rng.uniform(FEWEST_KEPT, 1.0, REPLICATES)])
    return values * spread, f"not estimated from a sample: between {FEWEST_KEPT:.0%} and all of what is no exact copy goes on"


def _is_cap(told: StageTrial) -> bool:
    from motet.stages.sample import Sample

    return isinstance(told.step.settings, Sample)


def _lost(told: StageTrial, ids: Sequence[str], weights: Numbers) -> dict[str, float]:
    """Shares of the inputs, by why they went."""
    total, lost = 0.0, dict[str, float]()
    for row_id, weight in zip(ids, weights, strict=True):
        if share := told.shares.get(row_id):
            total += weight * share.inputs
            for reason, number in share.lost.items():
                lost[reason] = lost.get(reason, 0.0) + weight * number
    return {reason: number / total for reason, number in sorted(lost.items(), key=lambda one: -one[1])} if total else {}


def _range(drawn: Numbers, widen: float) -> Range:
    """What was drawn, and how far the replicates spread around it."""
    likely = float(drawn[0])
    low, high = (float(one) for one in np.quantile(drawn[1:], (TAIL, 1 - TAIL)))
    low, high = min(low, likely), max(high, likely)
    if likely > 0 and low > 0:
        return Range(likely * (low / likely) ** widen, likely, likely * (high / likely) ** widen)
    return Range(max(0.0, likely - widen * (likely - low)), likely, likely + widen * (high - likely))


def _widening(freedom: int) -> float:
    from scipy.stats import norm, t

    return float(t.ppf(1 - TAIL, freedom) / norm.ppf(1 - TAIL)) if freedom else 1.0


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
