"""The index behind the list: what one asks for is what a plain reading of the rows would give."""

import json
import math
import shutil
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qsl

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from motet.dataset.folder import Dataset
from motet.dataset.snapshot import VERDICT
from motet.errors import UserError
from motet.explorer import shelf
from motet.explorer.browse import Asked, Index, asked_of
from motet.explorer.shelf import fold
from motet.labels import FILE, Labels, stamp_of

Rows = list[dict[str, Any]]
TEXT, FIGURE, LIST = pa.string(), pa.float64(), pa.list_(pa.string())
COLUMNS = {
    **dict.fromkeys(("id", "source", "path", "lineage", "text", "artist", "title", "split", "licence", "key", "metre"), TEXT),
    **dict.fromkeys(("kind", "labels", "what", "prompt", "video", "renderer", "audio", "midi", "mood", "theme"), TEXT),
    **dict.fromkeys(("symbolic", "sounding", "film", "film_licence", "group"), TEXT),
    **dict.fromkeys(("start", "end", "tempo", "lufs", "seconds"), FIGURE),
    **dict.fromkeys(("instruments", "tags"), LIST),
}


def dataset(folder: Path, tables: Mapping[str, Rows], work: Mapping[str, Rows] | None = None, number: int = 1) -> Dataset:
    """A dataset with these live rows and verdicts, as a build would leave it: a row's source is its id up to the first dot."""
    snapshot = folder / "snapshots" / f"{number:06d}"
    (snapshot / "work").mkdir(parents=True)
    (folder / "motet.yaml").write_text("format: 2\nmotet: test\nrecipe: test\nstages: {}\n")
    for name, rows in tables.items():
        whole = [_whole(row) for row in rows]
        names = list(dict.fromkeys(name for row in whole for name in row)) or ["id", "source", "path", "lineage"]
        pq.write_table(pa.Table.from_pylist(whole, pa.schema([(n, COLUMNS[n]) for n in names])), snapshot / f"{name}.parquet")
    stages = []
    for name, rows in (work or {}).items():
        verdicts = [{"key": "", "reason": "", "detail": "", **_whole(row)} for row in rows]
        pq.write_table(pa.Table.from_pylist(verdicts, VERDICT), snapshot / "work" / f"{name}.parquet")
        counts = dict(Counter(row["status"] for row in rows))
        files = {"verdicts": f"work/{name}.parquet", "outputs": {"songs": ""} if name == "clean" else {}, "digests": {}}
        stages.append({"name": name, "fingerprint": "", **files, "counts": counts, "rows_out": 0})
    told = {"number": number, "recipe": "test", "tables": {n: len(r) for n, r in tables.items()}, "stages": stages}
    (snapshot / "snapshot.json").write_text(json.dumps(told))
    live = folder / "snapshots" / "live"
    live.unlink(missing_ok=True)
    live.symlink_to(snapshot.name)
    return Dataset(folder)


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    source = row["id"].split(".")[0]
    return {"source": source, "path": f"music/{source}.mid", "lineage": f"l-{row['id']}", **row}


def asked(query: str) -> Asked:
    return asked_of(parse_qsl(query, keep_blank_values=True))


def ids(index: Index, query: str = "") -> list[str]:
    return [row["id"] for row in index.rows(asked(query), 0, 1000)]


# --- what is a row ---


def test_a_clip_is_told_with_all_that_is_known_of_it_and_of_its_song(tmp_path: Path) -> None:
    clip = {"id": "a.c000", "start": 1.0, "end": 5.5, "tempo": 120.0, "key": "E minor", "metre": "3/4", "lufs": -14.0}
    tables: dict[str, Rows] = {
        "clips": [clip | {"instruments": ["flute", "drums"]}],
        "mixes": [{"id": "a.t000"}],
        "stems": [{"id": "a.p000.t000"}],
        "captions": [{"id": "a.c000", "text": "A flute."}],
        "identities": [{"id": "a", "artist": "Ada", "title": "Rain"}],
        "knowledge": [{"id": "a", "tags": ["folk", "calm"]}],
        "licences": [{"id": "a", "licence": "CC0-1.0"}],
        "splits": [{"id": "a", "split": "train"}],
    }
    index = Index(dataset(tmp_path, tables))
    (row,) = index.rows(Asked())
    assert row == {
        "id": "a.c000", "kind": "clip", "state": "kept", "title": "Rain", "artist": "Ada", "path": "music/a.mid",
        "caption": "A flute.", "start": 1.0, "end": 5.5, "seconds": 4.5, "split": "train", "key": "E minor", "tempo": 120.0,
        "metre": "3/4", "loudness": -14.0, "instruments": ["flute", "drums"], "tags": ["folk", "calm"], "stage": "",
        "reason": "", "detail": "", "has": ["mix", "midi", "stems", "captions"], "judged": "",
    }  # fmt: skip
    assert index.row("a.c000") == row | {"source": "a", "lineage": "l-a.c000"}
    assert index.row("a.c001") is None
    assert index.row("\ud800") is None


def test_tables_that_are_not_there_leave_out_what_they_would_tell(tmp_path: Path) -> None:
    index = Index(dataset(tmp_path, {"clips": [{"id": "a.c000", "path": "a/b/Rain.v2.mid"}]}))
    (row,) = index.rows(Asked())
    assert (row["title"], row["artist"], row["caption"], row["tempo"], row["has"]) == ("Rain.v2", "", "", None, [])
    assert [facet["name"] for facet in index.about()["facets"]] == ["state", "kind", "judged", "source"]


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        pytest.param(
            {"clips": [{"id": "a.k0", "tags": ["rock"], "artist": "Ada", "audio": "x"}], "chunks": [{"id": "a.k0"}]},
            {"kind": "clip", "tags": ["rock"], "artist": "Ada", "has": ["mix"]},
            id="musicgen",
        ),
        pytest.param(
            {
                "plans": [{"id": "a.v0", "mood": "dark", "theme": "sea", "prompt": "waves", "midi": "m", "audio": "x"}],
                "films": [{"id": "a.v0", "video": "v", "seconds": 8.0, "renderer": "diffusion"}],
            },
            {"kind": "film", "tags": ["dark", "sea"], "caption": "waves", "seconds": 8.0, "has": ["mix", "midi", "video"]},
            id="midi-video",
        ),
        pytest.param({"plans": [{"id": "a.v0", "prompt": "waves"}]}, {"kind": "plan", "caption": "", "has": []}, id="plans only"),
        pytest.param(
            {
                "clips": [
                    {"id": "a.c0", "title": "Rain", "film": "Fog", "film_licence": "CC0-1.0", "video": "v", "sounding": "no JSON"}
                    | {
                        "symbolic": '{"tempo": {"bpm": 90.5}, "key": {"tonic": "F", "mode": "major"}, '
                        '"instruments": [{"name": "oboe"}]}'
                    }
                ],
                "movies": [{"id": "a"}],
            },
            {"kind": "moment", "title": "Rain", "tags": ["Fog"], "tempo": 90.5, "key": "F major", "instruments": ["oboe"]},
            id="film-music",
        ),
        pytest.param(
            {"songs": [{"id": "a", "seconds": 60.0, "tempo": 99.0}], "parts": [{"id": "a.p0"}]},
            {"kind": "song", "seconds": 60.0, "start": None, "tempo": 99.0, "has": ["midi"]},
            id="symbolic",
        ),
        pytest.param(
            {
                "labels": [{"id": "a.l0", "labels": '{"emotion": "sad", "take": 2}'}],
                "features": [{"id": "a.f0", "what": "audio"}],
            },
            {"kind": "file", "tags": ["emotion: sad", "take: 2"], "has": ["mix"]},
            id="prepare",
        ),
        pytest.param({"files": [{"id": "a"}]}, {"kind": "file", "title": "a"}, id="a recipe of one's own"),
    ],
)
def test_examples_of_every_sort_of_dataset(tmp_path: Path, tables: dict[str, Rows], expected: dict[str, Any]) -> None:
    (row,) = Index(dataset(tmp_path, tables)).rows(Asked())
    assert {name: row[name] for name in expected} == expected


def test_what_did_not_make_it_stands_beside_the_examples_with_its_last_reason(tmp_path: Path) -> None:
    work = {
        "scan": [{"id": "x", "status": "dropped", "reason": "junk", "detail": "left behind"}, {"id": "a", "status": "ok"}],
        "clean": [{"id": "y", "status": "crashed", "reason": "sigsegv"}],
        "identify": [{"id": "z", "status": "unanswered", "reason": "offline"}],
        "enrich": [{"id": "z", "status": "timed_out", "reason": "too_long"}, {"id": "a.p001", "status": "dropped"}],
        "write_captions": [{"id": "a.c001", "status": "dropped", "reason": "nothing_known"}],
    }
    clips: Rows = [{"id": "a.c000", "key": "A minor"}, {"id": "a.c001", "key": "C major"}]
    index = Index(dataset(tmp_path, {"clips": clips}, work))
    told = {row["id"]: (row["kind"], row["state"], row["stage"], row["reason"]) for row in index.rows(Asked())}
    assert told == {
        "a.c000": ("clip", "kept", "", ""),
        "a.c001": ("clip", "dropped", "write_captions", "nothing_known"),
        "a.p001": ("part", "dropped", "enrich", ""),
        "x": ("file", "dropped", "scan", "junk"),
        "y": ("file", "failed", "clean", "sigsegv"),
        "z": ("song", "failed", "enrich", "too_long"),
    }
    refused = index.row("a.c001")
    assert refused is not None
    assert refused["key"] == "C major"  # all that is known of it stays known


def test_a_figure_that_is_none_is_unknown(tmp_path: Path) -> None:
    odd = [math.nan, math.inf, -math.inf, 1e300, None, 5.0]
    index = Index(dataset(tmp_path, {"clips": [{"id": f"a.c{n}", "tempo": figure} for n, figure in enumerate(odd)]}))
    assert [row["tempo"] for row in index.rows(Asked())] == [None] * 5 + [5.0]
    assert index.find(Asked())["facets"]["tempo"] == {"bins": [[5.0, 6.0, 1]], "unknown": 5}
    json.dumps(index.about() | index.find(Asked()), allow_nan=False)


# --- what is no dataset to look at ---


def test_a_dataset_without_a_finished_run_or_without_rows_is_empty(tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "motet.yaml").write_text("format: 2\nrecipe: symbolic\n")
    nothing: Rows = []
    for made in (Dataset(unfinished), dataset(tmp_path / "empty", {"clips": nothing}, {"scan": nothing})):
        index = Index(made)
        assert index.find(asked("q=x&state=kept&tempo=1..2&instrument=flute")) == {"total": 0, "all": 0, "facets": {}}
        assert index.rows(asked("sort=-title")) == index.everything(10) == []
        assert index.row("a") is None
        index.mark("a", "good")
    assert "no finished run" in Index(Dataset(unfinished)).about()["note"]


@pytest.mark.parametrize("table", ["clips", "captions"])
def test_a_damaged_table_is_told_in_a_sentence(tmp_path: Path, table: str) -> None:
    made = dataset(tmp_path, {"clips": [{"id": "a.c0"}], "captions": [{"id": "a.c0", "text": "x"}]})
    file = made.snapshot.table(table)
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\xff" * (len(whole) - 40) + whole[-36:])
    with pytest.raises(UserError, match=r"damaged|cannot be read"):
        Index(made)
    file.unlink()
    with pytest.raises(UserError, match=table):
        Index(made)


def test_a_dataset_that_needs_more_memory_gets_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dataset(tmp_path, {"clips": [{"id": f"{n:04x}.c0", "key": "x" * 2000} for n in range(3000)]})
    monkeypatch.setattr(shelf, "MEMORY", (1, 128))
    assert Index(made).count(Asked()) == 3000
    monkeypatch.setattr(shelf, "MEMORY", (1,))
    with pytest.raises(UserError, match="memory"):
        Index(made)


def test_examples_joined_in_slices_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"{n:04x}" for n in range(0, 65536, 1500)] + ["", "zz", "é", "\U0001f3bb"]
    clips = [{"id": f"{name}.c0", "key": name} for name in names]
    captions = [{"id": f"{name}.c0", "text": f"of {name}"} for name in names]
    work = {"scan": [{"id": f"{name}.x", "status": "dropped", "reason": "junk"} for name in names]}
    made = dataset(tmp_path, {"clips": clips, "captions": captions}, work)
    once = Index(made).everything(1000)
    monkeypatch.setattr(shelf, "_SLICED", 5)
    assert Index(made).everything(1000) == once
    assert len(once) == 2 * len(names)


# --- what is asked ---


def test_an_address_is_read_and_what_makes_no_sense_is_told() -> None:
    assert asked("q=Ünder+the&q=SEA&split=train&tempo=..90&sort=-tempo&split=train") == Asked(
        ("under", "the", "sea"), (("split", "train"), ("tempo", "..90")), "-tempo"
    )
    for query in ("colour=red", "sort=size", "tempo=fast", "tempo=100", "tempo=..", "tempo=nan..2", "seconds=1..2..3"):
        with pytest.raises(UserError):
            asked(query)
    with pytest.raises(UserError, match="fewer words"):
        asked("q=" + "+".join(map(str, range(21))))
    with pytest.raises(UserError, match="too many"):
        asked("&".join(f"tag={n}" for n in range(501)))


def test_words_are_found_in_any_case_and_without_accents(tmp_path: Path) -> None:
    clips = [
        {"id": f"{n}.c0", "path": f"music/{title}.mid"} for n, title in enumerate(["Frère Jacques", "ΟΔΟΣ", "さくら", "a_b%c"])
    ]
    index = Index(dataset(tmp_path, {"clips": clips}))
    for words, title in [
        ("frere JACQUES", 0),
        ("jacq frè", 0),
        ("οδός", 1),
        ("さく", 2),
        ("_b%", 3),
        ("\ud800", None),
        ("' OR 1", None),
    ]:
        found = [row["id"] for row in index.rows(Asked(tuple(fold(words).split())))]
        assert found == ([] if title is None else [f"{title}.c0"])


def test_only_forty_values_are_shown_but_always_the_chosen_ones(tmp_path: Path) -> None:
    clips = [{"id": f"{n:02}{m}.c0", "key": f"key {n:02}"} for n in range(60) for m in range(2 if n < 50 else 1)]
    index = Index(dataset(tmp_path, {"clips": clips}))
    shown = index.find(Asked())["facets"]["key"]
    assert shown == {"values": [[f"key {n:02}", 2] for n in range(40)], "more": 20}
    shown = index.find(asked("key=key+59&key=none"))["facets"]["key"]
    assert len(shown["values"]) == 40
    assert shown["values"][-2:] == [["key 59", 1], ["none", 0]]
    assert shown["more"] == 60 - 39


def test_rare_figures_far_outside_do_not_flatten_the_bins(tmp_path: Path) -> None:
    figures = [100 + n / 10 for n in range(1000)] + [-5000.0, 900_000.0]
    index = Index(dataset(tmp_path, {"clips": [{"id": f"{n:04}.c0", "tempo": figure} for n, figure in enumerate(figures)]}))
    bins = index.find(Asked())["facets"]["tempo"]["bins"]
    assert sum(count for _, _, count in bins) == len(figures)
    assert sum(count > 20 for _, _, count in bins) >= 10
    assert bins[0][0] <= -5000
    assert bins[-1][1] > 900_000


def test_examples_are_drawn_evenly_over_their_sources(tmp_path: Path) -> None:
    clips = [{"id": f"{source}.c{n:02}"} for source, number in (("a", 50), ("b", 2), ("c", 1)) for n in range(number)]
    work = {"scan": [{"id": f"x{n}", "status": "dropped"} for n in range(9)]}
    index = Index(dataset(tmp_path, {"clips": clips}, work))
    drawn = index.everything(4)
    assert Counter(row["source"] for row in drawn if row["state"] == "kept") in (
        {"a": 2, "b": 1, "c": 1},
        {"a": 1, "b": 2, "c": 1},
    )
    assert sum(row["state"] == "dropped" for row in drawn) == 4
    whole = index.everything(1000)
    assert [row["id"] for row in whole] == ids(index)
    assert {"search", "lot", "lineage", "licence"} <= whole[0].keys()
    assert [row["id"] for row in sorted(whole, key=lambda row: row["lot"])] == ids(index, "sort=shuffled")


# --- judging ---


def test_judgements_are_seen_at_once_whoever_makes_them(tmp_path: Path) -> None:
    clips: Rows = [{"id": "a.c0", "start": 0.0, "end": 4.0}, {"id": "a.c1", "start": 4.0, "end": 8.0}, {"id": "b"}]
    made = dataset(tmp_path, {"clips": clips})
    labels = Labels.open(tmp_path / FILE)
    first = labels.add(stamp_of("l-a.c0", 0.0, 4.0), "bad", id="a.c0")
    labels.add(stamp_of("l-a.c1", 4.0, 9.0), "bad", id="a.c1")  # of a clip that was cut otherwise
    labels.add("l-b", "unsure")
    index = Index(made)
    assert ids(index, "judged=bad") == ["a.c0"]
    labels.add("l-b", "good", id="b")
    assert ids(index, "judged=good") == ["b"]
    index.mark("a.c1", "good")
    assert index.find(asked("judged=good"))["facets"]["judged"]["values"] == [["good", 2], ["bad", 1]]
    assert ids(index, "judged=good&judged=bad") == ["a.c0", "a.c1", "b"]
    labels.withdraw(first)
    assert ids(index, "judged=bad") == []
    (tmp_path / FILE).write_text("nothing of ours")
    assert "not a file of labels" in index.about()["note"]


def test_what_was_left_out_for_a_judgement_is_still_known_by_it(tmp_path: Path) -> None:
    work = {"exclude": [{"id": "a.c0", "status": "dropped", "reason": "judged_bad"}]}
    made = dataset(tmp_path, {"clips": [{"id": "b.c0"}]}, work)
    labels = Labels.open(tmp_path / FILE)
    label = labels.add(stamp_of("l-a.c0", 0.0, 4.0), "bad", id="as it was called then")
    index = Index(made)
    assert ids(index, "judged=bad&state=dropped") == ["a.c0"]
    labels.withdraw(label)
    assert ids(index, "judged=bad") == []


# --- by rule ---

WORDS = ["Rain", "rain", "Frère", "ΟΔΟΣ", "x", ""]
PATHS = ["a/x.mid", "A/x.mid", "é/y.mid", "plain", "a/b/Rain.mid", "<script>/../z.mid"]
rows = st.lists(
    st.fixed_dictionaries(
        {
            "path": st.sampled_from(PATHS),
            "lineage": st.sampled_from(["l1", "l2", "l3", "l4"]),
            "key": st.sampled_from([None, "", "A minor", "C major", "E flat major"]),
            "metre": st.sampled_from(["", "3/4", "4/4"]),
            "tempo": st.none() | st.sampled_from([math.nan, 60.0, 99.999, 100.0, 120.0, 240.0]) | st.floats(30, 300),
            "lufs": st.none() | st.floats(-60, 0),
            "instruments": st.lists(st.sampled_from(["flute", "drums", "cello", ""]), max_size=4),
            "text": st.sampled_from(WORDS),
            "title": st.sampled_from(WORDS),
            "artist": st.sampled_from(WORDS),
            "fate": st.sampled_from(["ok", "ok", "dropped", "failed", "crashed", "unanswered"]),
        }
    ),
    max_size=12,
)
FILTERS = """
key=A+minor key= key=no metre=3/4 tempo=60..100 tempo=100.. tempo=..99.999 tempo= loudness=-20..-5 instrument=flute
instrument=drums instrument= artist=Rain artist= source=a source= state=kept state=failed state=dropped reason=why kind=clip
q=rain q=a+min q=οδος q=frere q=mid+x q=nowhere
"""
filters = st.lists(st.sampled_from(FILTERS.split()), max_size=5)
sorts = st.sampled_from(
    [f"{back}{name}" for name in ("path", "title", "artist", "tempo", "loudness", "key", "shuffled") for back in ("", "-")]
)


def plainly_folded(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not "\u0300" <= c <= "\u036f").replace("ς", "σ")


def said_of(row: dict[str, Any], facet: str) -> list[Any]:
    """What a row says to a facet."""
    if facet == "source":
        return [row["path"].split("/")[0] if "/" in row["path"] else ""]
    found: list[Any] = row[f"{facet}s"] if facet in ("instrument", "tag") else [row[facet]]
    return found


def passes(row: dict[str, Any], name: str, values: list[str]) -> bool:
    said = said_of(row, name)
    if name in ("tempo", "seconds", "loudness"):
        (figure,) = said
        ends = [[float(end) if end else None for end in value.split("..")] if value else None for value in values]
        return any(
            figure is None
            if end is None
            else figure is not None and (end[0] is None or figure >= end[0]) and (end[1] is None or figure < end[1])
            for end in ends
        )
    if name in ("instrument", "tag"):
        return all(value in said if value else not said for value in values)
    return said[0] in values


def matching(rows: Rows, state: Asked, but: str = "") -> Rows:
    names = dict.fromkeys(name for name, _ in state.filters if name != but)
    words = ("caption", "title", "artist", "path", "key", "stage", "reason", "detail", "id")
    return [
        row
        for row in rows
        if all(passes(row, name, state.of(name)) for name in names)
        and all(
            any(word in plainly_folded(text) for text in [*(row[name] for name in words), *row["tags"], *row["instruments"]])
            for word in state.words
        )
    ]


@cache
def place(name: str) -> Callable[[dict[str, Any]], Any]:
    if name == "shuffled":
        return lambda row: row["lot"]
    return lambda row: (plainly_folded(row[name]), row[name]) if isinstance(row[name], str) else row[name]


def in_order(rows: Rows, sort: str) -> Rows:
    name = sort.removeprefix("-")
    first = sorted(rows, key=lambda row: (plainly_folded(row["path"]), row["path"], row["id"]))
    known = [row for row in first if name == "shuffled" or row[name] not in (None, "")]
    unknown = [row for row in first if row not in known]
    key = place(name)
    by: list[Any] = sorted({key(row) for row in known}, reverse=sort.startswith("-"))
    return [row for value in by for row in known if key(row) == value] + unknown


@given(made=rows, states=st.lists(st.tuples(filters, sorts), min_size=1, max_size=6))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_index_finds_what_a_plain_reading_finds(made: Rows, states: list[tuple[list[str], str]]) -> None:
    with TemporaryDirectory() as folder:
        clips, captions, identities, work = [], [], [], []
        for n, drawn in enumerate(made):
            one = {"id": f"{n % 5}.c{n:03}", "source": f"{n % 5}{n:03}", "path": drawn["path"], "lineage": drawn["lineage"]}
            clips.append(one | {name: drawn[name] for name in ("key", "metre", "tempo", "lufs", "instruments")})
            captions.append(one | {"text": drawn["text"]})
            identities.append(one | {"artist": drawn["artist"], "title": drawn["title"]})
            if drawn["fate"] != "ok":
                work.append(one | {"status": drawn["fate"], "reason": "why", "detail": "so"})
        index = Index(dataset(Path(folder), {"clips": clips, "captions": captions, "identities": identities}, {"last": work}))
        every = index.everything(1000)
        assert len(every) == len(made)
        for parts, sort in states:
            state = asked("&".join([*parts, f"sort={sort}"]))
            wanted = in_order(matching(every, state), sort)
            assert [row["id"] for row in index.rows(state, 0, 100)] == [row["id"] for row in wanted]
            assert [row["id"] for row in index.rows(state, 2, 3)] == [row["id"] for row in wanted][2:5]
            assert index.count(state) == len(wanted)
            found = index.find(state)
            assert (found["total"], found["all"]) == (len(wanted), len(made))
            for name, told in found["facets"].items():
                among = wanted if name in ("instrument", "tag") else matching(every, state, but=name)
                said = [set(said_of(row, name)) or {""} for row in among]
                if "bins" in told:
                    figures = [figure for each in said for figure in each if figure is not None]
                    assert told["unknown"] == len(said) - len(figures)
                    assert [count for _, _, count in told["bins"]] == [
                        sum(low <= figure < high for figure in figures) for low, high, _ in told["bins"]
                    ]
                    assert sum(count for _, _, count in told["bins"]) == len(figures)
                else:
                    counted = Counter(value for each in said for value in each) + Counter()
                    counts = {value: count for value, count in told["values"] if count}
                    assert counts == counted
                    assert told["more"] == 0
                    assert set(state.of(name)) <= {value for value, _ in told["values"]}
        index.close()


def test_many_threads_may_ask_at_once(tmp_path: Path) -> None:
    clips = [{"id": f"{n:03}.c0", "tempo": float(n % 50), "key": "AB"[n % 2]} for n in range(500)]
    index = Index(dataset(tmp_path, {"clips": clips}))
    queries = [f"q={n % 10}&key={'AB'[n % 2]}&sort={'-' * (n % 2)}tempo" for n in range(20)]
    expected = {query: (index.find(asked(query)), ids(index, query)) for query in queries}
    fresh = Index(index.dataset)
    wrong: list[str] = []

    def ask(start: int) -> None:
        for query in queries[start:] + queries[:start]:
            if (fresh.find(asked(query)), ids(fresh, query)) != expected[query] or fresh.row("007.c0") is None:
                wrong.append(query)

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_snapshot_that_a_build_replaces_meanwhile_is_read_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = dataset(tmp_path, {"clips": [{"id": "a.c0"}]})
    fill = shelf.Shelf._fill

    def late(self: shelf.Shelf, snapshot: Any) -> None:
        if snapshot.number == 1:  # two builds end before the first table is opened
            dataset(tmp_path, {"clips": [{"id": "b.c0"}]}, number=2)
            shutil.rmtree(snapshot.folder)
        fill(self, snapshot)

    monkeypatch.setattr(shelf.Shelf, "_fill", late)
    index = Index(old)
    assert (index.snapshot, ids(index)) == (2, ["b.c0"])
