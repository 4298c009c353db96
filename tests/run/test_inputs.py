"""The inputs of a stage, from live tables: rows, groups and joins, with what is missing and what lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.dataset.rows import File
from motet.dataset.snapshot import VERDICT
from motet.dataset.tables import schema, write_table
from motet.recipe import find_stage
from motet.run.inputs import LOST, Live, Unit, rows_of, units, units_of
from toys.stages import Digit, Number

SUM, PARSE = find_stage("toys.stages:sum_digits"), find_stage("toys.stages:parse_number")
CLEAN = find_stage("clean")


def table(file: Path, columns: pa.Schema, rows: list[dict[str, Any]]) -> Path:
    ordered = sorted(rows, key=lambda row: str(row["id"]))
    write_table(file, columns, [pa.RecordBatch.from_pylist(ordered, schema=columns)])
    return file


def number(source: str, value: int) -> dict[str, Any]:
    return {"id": source, "source": source, "path": f"{source}.txt", "lineage": f"L{source}", "value": value}


def digit(source: str, index: int, value: int) -> dict[str, Any]:
    end = f".d{index:03d}"
    named = {"id": source + end, "source": source, "path": f"{source}.txt", "lineage": f"L{source}{end}"}
    return {**named, "digit": value, "written": "media/x.txt"}


def verdict(row: dict[str, Any], status: str) -> dict[str, Any]:
    named = {name: row[name] for name in ("id", "source", "path", "lineage")}
    return {**named, "key": "", "status": status, "reason": "" if status == "ok" else "why", "detail": ""}


def live(folder: Path, numbers: list[dict[str, Any]], digits: list[dict[str, Any]], lost: dict[str, str]) -> dict[str, Live]:
    """Tables of numbers and digits; of the digits, `lost` says which a filter took out, and how."""
    kept = [row for row in digits if row["id"] not in lost]
    first = table(folder / "first", VERDICT, [verdict(number(s, 0), "ok") for s in sorted({d["source"] for d in digits})])
    second = table(folder / "second", VERDICT, [verdict(row, lost.get(row["id"], "ok")) for row in digits])
    return {
        "numbers": Live(table(folder / "numbers", schema(Number), numbers), ""),
        "digits": Live(table(folder / "digits", schema(Digit), kept), "", ((first, ""), (second, ""))),
    }


def test_a_group_is_given_its_rows_its_join_and_what_is_missing(tmp_path: Path) -> None:
    digits = [digit("a", n, n) for n in range(3)] + [digit("b", 0, 7)]
    tables = live(tmp_path, [number("a", 12), number("b", 7)], digits, {"a.d001": "dropped", "b.d000": "crashed"})
    a, b = units(SUM, tables)
    assert [row["digit"] for row in a.rows["digits"]] == [0, 2]
    assert (a.rows["number"]["value"], a.path, a.lineage, a.lacks) == (12, "a.txt", "La", "")
    assert [(m.index, m.status, m.reason) for m in a.missing] == [(1, "dropped", "why")]
    assert (b.id, b.rows["digits"], b.lacks) == ("b", [], "digits")
    assert [(m.index, m.status) for m in b.missing] == [(0, "crashed")]


def test_a_group_without_its_join_lacks_it(tmp_path: Path) -> None:
    (unit,) = units(SUM, live(tmp_path, [], [digit("a", 0, 1)], {}))
    assert (unit.lacks, unit.rows["number"]) == ("numbers", None)


def test_rows_show_what_the_stage_may_look_at_or_all(tmp_path: Path) -> None:
    tables = live(tmp_path, [number("a", 1)], [digit("a", 0, 1)], {})
    (shown,), (whole,) = units(SUM, tables), units(SUM, tables, whole_rows=True)
    assert shown.rows["digits"] == [{"id": "a.d000", "source": "a", "path": "a.txt", "lineage": "La.d000", "digit": 1}]
    assert whole.rows["digits"] == [digit("a", 0, 1)]


def test_a_stage_takes_rows_of_its_kind_and_all_of_a_table_that_knows_no_kinds() -> None:
    row = dict.fromkeys(("id", "source", "path", "lineage"), "a")
    given_rows = [{**row, "kind": "midi"}, {**row, "kind": "audio"}, row]
    assert [u.rows["file"] for u in units_of(CLEAN, "a", given_rows, {})] == [given_rows[0], given_rows[2]]


def test_rows_of_some_sources_are_found_in_all_row_groups(tmp_path: Path) -> None:
    rows = [number(f"{n:05d}", n) for n in range(20_000)]
    file = table(tmp_path / "numbers", schema(Number), rows)
    wanted = ["00000", "08191", "08192", "19999", "absent"]
    assert rows_of(file, wanted) == {source: [number(source, int(source))] for source in wanted[:-1]}
    assert rows_of(file, ["zzz"]) == {}
    verdicts = table(tmp_path / "verdicts", VERDICT, [verdict(number("a", 1), "ok"), verdict(number("b", 2), "failed")])
    assert [*rows_of(verdicts, ["a", "b"], LOST)] == ["b"]


SOURCES = st.sampled_from(["a", "b", "c", "d"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(SOURCES),
    st.dictionaries(st.tuples(SOURCES, st.integers(0, 4)), st.sampled_from(["ok", "dropped", "failed", "unanswered"])),
)
def test_one_source_alone_has_the_inputs_it_has_among_all(
    tmp_path_factory: pytest.TempPathFactory, numbers: set[str], digits: dict[tuple[str, int], str]
) -> None:
    rows = [digit(source, index, index) for source, index in digits]
    lost = {f"{s}.d{n:03d}": status for (s, n), status in digits.items() if status != "ok"}
    tables = live(tmp_path_factory.mktemp("live"), [number(source, 1) for source in numbers], rows, lost)
    alone: list[Unit] = []
    for source in ("a", "b", "c", "d"):
        held = {name: rows_of(one.file, [source]).get(source, []) for name, one in tables.items()}
        gone = [line for file, _ in tables["digits"].verdicts for line in rows_of(file, [source], LOST).get(source, [])]
        alone += units_of(SUM, source, held["digits"], held, gone)
    assert alone == list(units(SUM, tables, whole_rows=True))
    assert [u.id for u in alone] == sorted({source for source, _ in digits})


def test_files_keep_where_they_lie(tmp_path: Path) -> None:
    row = {"id": "a", "source": "a", "path": "p", "lineage": "l", "root": "r", "location": "w", "member": -1, "offset": 0}
    row |= {"inner_path": "p", "size": 3, "sha256": "f"}
    (unit,) = units(PARSE, {"files": Live(table(tmp_path / "files", schema(File), [row]), "")})
    assert unit.rows["file"] == {name: value for name, value in row.items() if name != "size"}
