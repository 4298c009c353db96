"""Live rows are gathered from the answers, and rows are kept by their verdicts, whatever they weigh and wherever they lie."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from motet.dataset.ledger import Ledger, answered
from motet.dataset.query import connect
from motet.dataset.rows import Row
from motet.dataset.snapshot import VERDICT
from motet.dataset.tables import schema, write_table
from motet.run import gather
from motet.run.assemble import PLAN
from motet.run.gather import gathered, kept


@dataclass(frozen=True, kw_only=True)
class Voice(Row):
    table: ClassVar[str] = "voices"
    letter: ClassVar[str] = "v"
    said: str
    sound: bytes


def plan(folder: Path, keys: Sequence[str]) -> Path:
    lines = [
        {"position": n, "id": f"{n:06d}", "source": f"{n:06d}", "path": f"{n}.mid", "lineage": f"of{n}", "key": key, "lacks": ""}
        for n, key in enumerate(keys)
    ]
    write_table(folder / "plan.parquet", PLAN, [pa.RecordBatch.from_pylist(lines, schema=PLAN)])
    return folder / "plan.parquet"


def answer(ledger: Ledger, rows: dict[str, list[str]], status: str = "ok", weight: int = 1) -> None:
    """Commit a part: what was said to each key, a row for each thing."""
    told = {"status": status, "reason": "", "detail": "", "seconds": 0.0, "attempts": 1, "media_bytes": 0, "worker": 1}
    ledger.append(
        "speak",
        [{"key": key, **told} for key in rows],
        Voice,
        [
            {"answer_key": key, "answer_row": n, "said": one, "sound": one.encode().ljust(weight, b"\0")}
            for key, said in rows.items()
            for n, one in enumerate(said)
        ],
    )


def live(folder: Path, planned: Path, ledger: Ledger, suffix: str = "") -> Iterator[dict[str, Any]]:
    parts = ledger.parts("tables/voices")
    for batch in gathered(connect(folder), answered(ledger, "speak") or "", planned, parts, Voice, suffix):
        assert batch.schema == schema(Voice)
        yield from batch.to_pylist()


@pytest.mark.parametrize("range_bytes", [1, 64 << 20])
def test_rows_come_in_order_of_id_from_parts_in_any_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, range_bytes: int
) -> None:
    monkeypatch.setattr(gather, "RANGE_BYTES", range_bytes)
    ledger = Ledger(tmp_path)
    keys = [f"key {n}" for n in range(500)]
    shuffled = random.Random(1).sample(keys, len(keys))
    for at in range(0, len(keys), 100):
        answer(ledger, {key: [f"to {key}"] for key in shuffled[at : at + 100]})
    found = list(live(tmp_path, plan(tmp_path, keys), ledger))
    assert [(row["id"], row["lineage"], row["said"]) for row in found] == [
        (f"{n:06d}", f"of{n}", f"to key {n}") for n in range(500)
    ]
    assert [path.name for path in tmp_path.glob("plan.parquet*")] == ["plan.parquet"]  # what was dealt out is gone


def test_only_the_latest_answer_to_what_is_planned_is_live(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    answer(ledger, {"a": ["old"], "gone": ["nobody asks"], "b": ["b"]})
    answer(ledger, {"a": ["new"]})
    answer(ledger, {"b": []}, status="dropped")
    found = live(tmp_path, plan(tmp_path, ["b", "a", "unanswered"]), ledger)
    assert [(row["id"], row["said"]) for row in found] == [("000001", "new")]


def test_equal_contents_share_an_answer_and_keep_their_own_names(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    answer(ledger, {"a": ["one", "two"]})
    found = live(tmp_path, plan(tmp_path, ["a", "a"]), ledger, ".v")
    assert [(row["id"], row["lineage"], row["path"], row["said"]) for row in found] == [
        ("000000.v000", "of0.v000", "0.mid", "one"),
        ("000000.v001", "of0.v001", "0.mid", "two"),
        ("000001.v000", "of1.v000", "1.mid", "one"),
        ("000001.v001", "of1.v001", "1.mid", "two"),
    ]


def test_a_thousand_rows_of_one_input_are_sorted_by_id_too(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    answer(ledger, {"a": [str(n) for n in range(1100)]})
    ids = [row["id"] for row in live(tmp_path, plan(tmp_path, ["a"]), ledger, ".v")]
    assert ids == sorted(ids)
    assert {"000000.v999", "000000.v1000"} <= set(ids)


@pytest.mark.slow
def test_rows_of_more_weight_than_the_memory_of_a_query_are_gathered(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    keys = [f"key {n}" for n in range(5000)]
    shuffled = random.Random(1).sample(keys, len(keys))
    for at in range(0, len(keys), 1000):
        answer(ledger, {key: [key] for key in shuffled[at : at + 1000]}, weight=40_000)
    total = 0
    for n, row in enumerate(live(tmp_path, plan(tmp_path, keys), ledger)):
        assert (row["id"], row["said"]) == (f"{n:06d}", f"key {n}")
        total += len(row["sound"])
    assert total == 5000 * 40_000 > 128_000_000


def test_rows_are_kept_whose_verdict_is_ok(tmp_path: Path) -> None:
    ids = [f"{n:06d}" for n in range(10_000)]
    rows = [{"id": one, "source": one, "path": "", "lineage": "", "said": one, "sound": b""} for one in ids]
    write_table(tmp_path / "before.parquet", schema(Voice), [pa.RecordBatch.from_pylist(rows, schema=schema(Voice))])
    lines = [{"id": one, "status": "dropped" if n % 3 else "ok"} for n, one in enumerate(ids)]
    write_table(tmp_path / "verdicts.parquet", VERDICT, [pa.RecordBatch.from_pylist(lines, schema=VERDICT)])
    write_table(tmp_path / "after.parquet", schema(Voice), kept(tmp_path / "before.parquet", tmp_path / "verdicts.parquet"))
    assert pq.read_table(tmp_path / "after.parquet")["said"].to_pylist() == ids[::3]
