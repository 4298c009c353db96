"""What the notes say, in the tables: facts of songs, and clips that follow sections, phrases or the clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from motet import Dataset, demo, midi, text
from motet.recipe import load, parse
from motet.run.build import build
from motet.run.engine import LocalEngine

TUNE = "Korobeiniki.mid"
CUTS = {"sections": [], "bars": ["segment.cut=bars"], "fixed": ["segment.cut=fixed", "segment.longest=12", "segment.target=12"]}


@pytest.fixture(scope="module")
def tune(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tunes")
    demo.write(folder)
    kept = folder / "kept"
    kept.mkdir()
    return next(folder.glob(f"*/{TUNE}")).rename(kept / TUNE)


@pytest.fixture(scope="module")
def built(tune: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """One dataset built three times: the clips of each way to cut, and the facts."""
    folder = tmp_path_factory.mktemp("data")
    tables: dict[str, list[dict[str, Any]]] = {}
    with LocalEngine(1) as engine:
        for name, settings in CUTS.items():
            recipe = load("text-to-music").changed(["render_stems.rate=16000", *settings])
            run = build(recipe, [tune.parent], folder, engine=engine)
            if name != "sections":
                redone = {stage.name for stage in run.stages if stage.done_now}
                assert redone <= {"scan", "segment", "exclude", "assign_splits", "write_captions", "check_captions"}, (
                    "another cut renders nothing"
                )
            tables[name] = rows(folder, "clips")
    tables["facts"] = rows(folder, "midi_facts")
    return tables


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Dataset(folder).query(f"SELECT * FROM {table} ORDER BY id").to_arrow_table().to_pylist()
    return found


def test_a_song_s_row_holds_what_its_notes_say(tune: Path, built: dict[str, list[dict[str, Any]]]) -> None:
    (row,) = built["facts"]
    song = midi.Passage.whole(midi.read(tune.read_bytes()))
    facts = midi.describe(song)
    sections = midi.describe_sections(song, facts)
    assert facts.key is not None
    assert (row["key"], row["key_runner_up"]) == (facts.key.name, facts.key.runner_up_name)
    assert row["chords"] == [chord.symbol for chord in facts.chords]
    assert row["chord_ticks"] == [chord.start for chord in facts.chords]
    assert row["instrument_roles"] == [one.role for one in facts.instruments]
    assert row["section_labels"] == [one.section.label for one in sections]
    assert row["section_end"] == sections[-1].section.end
    assert sum(row["pitch_classes"]) == pytest.approx(1, abs=1e-3)
    assert row["metre"] == "4/4"
    confidences = [value for name, value in row.items() if name.endswith("confidence") and value is not None]
    assert all(0 <= value <= 1 for value in confidences)


def test_clips_begin_where_sections_begin_when_they_can(built: dict[str, list[dict[str, Any]]]) -> None:
    (facts,) = built["facts"]
    boundaries = set(facts["section_ticks"]) | {facts["section_end"]}

    def on_boundary(clips: list[dict[str, Any]]) -> float:
        starts = [clip["start_tick"] for clip in clips]
        return sum(start in boundaries for start in starts) / len(starts)

    assert len(boundaries) > 2
    assert on_boundary(built["sections"]) > on_boundary(built["bars"])
    assert all(10 <= clip["end"] - clip["start"] <= 30 for clip in built["sections"])


def test_a_clip_s_row_holds_the_facts_of_its_own_notes(tune: Path, built: dict[str, list[dict[str, Any]]]) -> None:
    score = midi.read(tune.read_bytes())
    for clip in built["sections"]:
        facts = midi.describe(midi.Passage(score, clip["start_tick"], clip["end_tick"]))
        assert facts.key is not None
        assert clip["key"] == facts.key.name
        assert clip["chords"] == [chord.symbol for chord in facts.chords]
        assert clip["notes"] == sum(clip["instrument_notes"]) == facts.texture.notes
        assert set(clip["instrument_roles"]) <= {"drums", "bass", "melody", "chords", "pad", "other"}
        assert clip["sections"]


def test_a_clip_s_record_tells_what_its_notes_do_and_where_it_lies(tune: Path, built: dict[str, list[dict[str, Any]]]) -> None:
    song = midi.read(tune.read_bytes())
    clips = built["sections"]
    records = [text.Record.from_json(clip["record"]) for clip in clips]
    for clip, record in zip(clips, records, strict=True):
        passage = midi.Passage(song, clip["start_tick"], clip["end_tick"])
        assert replace(record, section=None) == text.listen(passage, midi.describe(passage))
        assert record.section is not None
        assert list(record.section.labels or ()) == clip["sections"]
    positions = [record.section.position for record in records if record.section]
    assert (positions[0], positions[-1]) == ("opening", "ending")
    assert set(positions[1:-1]) <= {"middle", None}


def test_a_recipe_without_facts_cuts_at_bars(tune: Path, tmp_path: Path) -> None:
    plain = load("text-to-music").resolved()
    stages = [{name: {}} for name in plain if name != "midi_facts"]
    recipe = parse({"name": "plain", "stages": stages}, "plain").changed(["render_stems.rate=8000"])
    with LocalEngine(1) as engine:
        build(recipe, [tune.parent], tmp_path, engine=engine)
    assert all(clip["sections"] == [] for clip in rows(tmp_path, "clips"))


def test_fixed_clips_last_as_long_as_was_asked(built: dict[str, list[dict[str, Any]]]) -> None:
    *full, last = built["fixed"]
    assert len(full) > 1
    assert all(abs(clip["end_frame"] - clip["start_frame"] - 12 * clip["rate"]) <= 1 for clip in full)
    assert 10 <= last["end"] - last["start"] <= 12
    for one, following in zip(built["fixed"], built["fixed"][1:], strict=False):
        assert one["end_frame"] == following["start_frame"]
