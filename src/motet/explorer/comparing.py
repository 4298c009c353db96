"""A dataset beside another, a version of itself, or an earlier run: what is in one and not in the other, and why.

The other is told as the first, and the dataset that is looked at as the second: `added` is what it has and the other has not.
"""

from __future__ import annotations

import re
import signal
import threading
from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from motet.dataset.folder import Dataset
from motet.dataset.query import damage_told
from motet.dataset.versions import names
from motet.errors import UserError
from motet.explorer import overview
from motet.explorer.browse import FACETS
from motet.explorer.columns import shape_of
from motet.explorer.counting import edges
from motet.explorer.shelf import MANY, RANGES

LIVE = "live"
EXAMPLES = 3
MOST_VALUES = 24  # of a spread
ASIDE = 50_000  # rows in all tables, from which a process of its own compares
KEPT = 8  # answers
_COLUMNS = {  # of each facet that is told
    "tempo": "tempo", "seconds": "seconds", "loudness": "loudness", "key": "key", "metre": "metre", "split": "split",
    "instrument": "instruments", "tag": "tags", "artist": "artist", "kind": "kind", "licence": "licence",
}  # fmt: skip
_ID = re.compile(r" \(([^()]*)\)(?:: [^()]*)?$")  # in an example of `motet.diffing`: path (id): columns

_answers: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()
_one_at_a_time = threading.Lock()


def choices(dataset: Dataset, beside: Sequence[Dataset] = ()) -> list[dict[str, str]]:
    """What the dataset can be compared with: {"name", "label"} each. Datasets beside it first, then its versions, then its
    earlier runs, the latest first, of which only the stages are known."""
    found = [{"name": name, "label": overview.title_of(one)} for name, one in _beside(beside).items()]
    if dataset.tag:
        found.append({"name": LIVE, "label": f"{overview.title_of(Dataset(dataset.folder))} as it is now"})
    found += [{"name": f"@{tag}", "label": f"version {tag}"} for tag in names(dataset.folder) if tag != dataset.tag]
    runs = [run for run in overview.runs_of(dataset) if not run.get("trouble")]
    return [*found, *({"name": f"run:{run['name']}", "label": f"run of {_moment(run)}, stages only"} for run in runs[1:])]


def compared(dataset: Dataset, other_name: str, beside: Sequence[Dataset] = ()) -> dict[str, Any]:
    """The shape of api/compare, with `other_name` out of `choices`. Raises UserError for another name, for a dataset without a
    finished run, and for damaged tables.

    It takes seconds where there are many rows; answers are kept until a snapshot changes, and others wait for the one at work.
    """
    known = [choice["name"] for choice in choices(dataset, beside)]
    if other_name not in known:
        told = f"it can be compared with: {', '.join(known)}." if known else "tag it, or name others with --beside."
        raise UserError(f"{overview.title_of(dataset)} cannot be compared with {other_name!r}; {told}")
    if other_name.startswith("run:"):
        return _runs(dataset, other_name.removeprefix("run:"))
    other = _other(dataset, other_name, beside)
    key = tuple(overview.state_of(one, one.snapshot) for one in (dataset, other))
    with _one_at_a_time:
        if key not in _answers:
            _answers[key] = _aside(dataset, other) if _large(dataset) or _large(other) else _datasets(dataset, other)
        _answers.move_to_end(key)
        while len(_answers) > KEPT:
            _answers.popitem(last=False)
        return _answers[key]


def _beside(beside: Sequence[Dataset]) -> dict[str, Dataset]:
    """Each under a name of its own."""
    found: dict[str, Dataset] = {}
    for one in beside:
        name, number = overview.title_of(one), 2
        while f"beside:{name}" in found:
            name, number = f"{overview.title_of(one)} ({number})", number + 1
        found[f"beside:{name}"] = one
    return found


def _other(dataset: Dataset, name: str, beside: Sequence[Dataset]) -> Dataset:
    if name in (there := _beside(beside)):
        return there[name]
    return Dataset(dataset.folder if name == LIVE else f"{dataset.folder}{name}")


def _moment(run: Mapping[str, Any]) -> str:
    return str(run.get("started", ""))[:19].replace("T", " ") or str(run["name"])


# --- datasets ------------------------------------------------------------------------------------------------------------


def _large(dataset: Dataset) -> bool:
    return sum(dataset.snapshot.tables.values()) > ASIDE


def _aside(dataset: Dataset, other: Dataset) -> dict[str, Any]:
    """In a process of its own: what it needs of memory is more than a server should keep."""
    try:
        with ProcessPoolExecutor(1, get_context("spawn"), initializer=_unhurried) as pool:
            return pool.submit(_by_name, dataset.name, other.name).result()
    except BrokenProcessPool:
        raise UserError("The comparison was ended from outside, perhaps for want of memory: try again.", exit_code=1) from None


def _unhurried() -> None:
    """Ctrl-C is for the server, which ends this process with itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _by_name(name: str, other: str) -> dict[str, Any]:
    return _datasets(Dataset(name), Dataset(other))


def _datasets(dataset: Dataset, other: Dataset) -> dict[str, Any]:
    from motet.diffing import compare

    examples = [_examples(one) for one in (dataset, other)]
    opens = examples[0].table
    with compare(other, dataset, examples=EXAMPLES) as found:
        counts = {table: {**found.counts[table], "same": same} for table, same in found.same.items()}
        sums = [
            {
                "table": one.table,
                "what": one.what,
                "cause": one.cause,
                "rows": one.rows,
                "examples": [_id(example) for example in one.examples],
                "said": one.examples,
                "opens": [_id(example) if opens == one.table and one.what != "removed" else None for example in one.examples],
            }
            for one in found.sums
        ]
        facts = list(found.facts)
    return {
        "one": {"title": overview.title_of(dataset), "totals": overview.totals(dataset)},
        "other": {"title": _apart(dataset, other), "totals": overview.totals(other)},
        "facts": facts,
        "tables": [{"table": table, **number} for table, number in counts.items()],
        "sums": sums,
        "stages": list(_stages(_standing(dataset), _standing(other))),
        "spread": _spread(examples),
    }


def _apart(dataset: Dataset, other: Dataset) -> str:
    """The other's title, with its folder where both are called the same."""
    title = overview.title_of(other)
    return title if title != overview.title_of(dataset) else f"{title} ({other.folder.absolute().parent.name})"


def _id(example: str) -> str:
    found = _ID.search(example)
    return found[1] if found else ""


def _standing(dataset: Dataset) -> dict[str, dict[str, Any]]:
    """How each stage stands, by its name."""
    snapshot = dataset.snapshot
    runs = overview.runs_until(dataset, snapshot)
    return {state.name: overview.stage(state, {}, runs) for state in snapshot.stages}


_TOLD = ("in", "ok", "dropped", "failed", "unanswered", "out", "seconds")


def _stages(one: Mapping[str, dict[str, Any]], other: Mapping[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Side by side, in the order of the one; None where it has no such stage."""
    for name in [*one, *(name for name in other if name not in one)]:
        sides = ({key: side[name].get(key) for key in _TOLD} if name in side else None for side in (one, other))
        yield {"name": name, **dict(zip(("one", "other"), sides, strict=True))}


def _spread(examples: Sequence[_Examples]) -> list[dict[str, Any]]:
    """How many kept examples of each have a value, the commonest first; of figures, in equal steps. What is the same for all
    examples of both is left out."""
    found = []
    for name, column in _COLUMNS.items():
        counted = [_figures(one, column) if name in RANGES else _values(one, column, name in MANY) for one in examples]
        values = _steps(*counted) if name in RANGES else _ranked(*counted)  # type: ignore[arg-type]
        if len(values) > 1:
            found.append({"name": name, "label": FACETS[name], "values": values})
    return found


@dataclass(frozen=True)
class _Examples:
    dataset: Dataset
    table: str  # that they stand in
    sql: str  # of all kept examples, with every column of `motet.explorer.columns`; "" where there are none


def _examples(dataset: Dataset) -> _Examples:
    snapshot = dataset.snapshot
    try:
        with damage_told(dataset.folder):
            columns = {table: pq.read_schema(snapshot.table(table)).names for table in snapshot.tables}
    except OSError as error:
        raise UserError(f"A table of {dataset.name} is gone: `motet check {dataset.folder}` tells more.", 1) from error
    shape = shape_of(columns)
    return _Examples(dataset, shape.table if shape else "", shape.sql() if shape else "")


def _values(examples: _Examples, column: str, several: bool) -> Counter[str]:
    """How often each value is there; "" is that of the examples that have none."""
    if not examples.sql:
        return Counter()
    value = f"unnest(CASE WHEN len({column}) = 0 THEN [''] ELSE list_distinct({column}) END)" if several else column
    with damage_told(examples.dataset.folder):
        sql = f"SELECT value, count(*) FROM (SELECT {value} AS value FROM ({examples.sql})) GROUP BY value"
        return Counter(dict(examples.dataset.query(sql).fetchall()))


def _figures(examples: _Examples, column: str) -> npt.NDArray[np.float64]:
    if not examples.sql:
        return np.zeros(0)
    with damage_told(examples.dataset.folder):
        told = examples.dataset.query(f"SELECT {column} AS value FROM ({examples.sql}) WHERE {column} IS NOT NULL").fetchnumpy()
    return np.asarray(told["value"], np.float64)


def _ranked(one: Counter[str], other: Counter[str]) -> list[list[Any]]:
    """By their shares of both, so that a small dataset is heard beside a large one."""
    here, there = max(1, one.total()), max(1, other.total())
    ranked = sorted(one + other, key=lambda value: (-one[value] / here - other[value] / there, value))[:MOST_VALUES]
    return [[value, one[value], other[value]] for value in ranked]


def _steps(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> list[list[Any]]:
    """Values are ranges as filters take them: "100..120"."""
    limits = edges(np.concatenate([one, other]))
    counts = [np.histogram(figures, limits)[0].tolist() if limits else [] for figures in (one, other)]
    names = [f"{low:g}..{high:g}" for low, high in pairwise(limits)]
    return [[name, here, there] for name, here, there in zip(names, *counts, strict=True)]


# --- runs ----------------------------------------------------------------------------------------------------------------


def _runs(dataset: Dataset, name: str) -> dict[str, Any]:
    """The latest run beside an earlier one: their stages, and what was asked of them otherwise."""
    runs = [run for run in overview.runs_of(dataset) if not run.get("trouble")]
    one, other = runs[0], next(run for run in runs if run["name"] == name)
    return {
        "one": {"title": f"run of {_moment(one)}", "totals": _run_totals(one)},
        "other": {"title": f"run of {_moment(other)}", "totals": _run_totals(other)},
        "facts": list(_run_facts(other, one)),
        "tables": [],
        "sums": [],
        "stages": list(_stages(_run_stages(one), _run_stages(other))),
        "spread": [],
    }


def _run_totals(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    seconds = run.get("seconds")
    done = sum(entry.get("done_now", 0) for entry in run["stages"] if isinstance(entry, dict))
    told = [{"label": "answers given", "value": done, "unit": "count"}]
    return [{"label": "time", "value": seconds, "unit": "seconds"}, *told] if isinstance(seconds, int | float) else told


def _run_stages(run: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        str(entry["name"]): {
            **overview.by_status(entry.get("statuses", {})),
            "in": entry.get("inputs", 0),
            "out": entry.get("rows_out", 0),
            "seconds": entry.get("seconds"),
        }
        for entry in run["stages"]
        if isinstance(entry, dict) and "name" in entry
    }


def _run_facts(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for key, told in (("recipe", "The recipe was"), ("motet", "The version of Motet was"), ("seed", "The seed was")):
        if then.get(key) != now.get(key):
            yield f"{told} {then.get(key)} and is {now.get(key)}."
    before, after = (list(run.get("sources") or []) for run in (then, now))
    yield from (f"{source} is no longer among the sources." for source in before if source not in after)
    yield from (f"{source} is new among the sources." for source in after if source not in before)
