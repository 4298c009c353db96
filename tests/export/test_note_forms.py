"""The forms that hold notes and no sound: MIDI files with their lists, tokens, piano rolls; read as their consumers read them."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from motet import midi
from motet.errors import UserError
from motet.export import midi_files, piano_rolls, tokens
from motet.export.example import Choice, Example, Examples, Fault
from toys.examples import examples
from toys.midi import song

miditok = pytest.importorskip("miditok", reason='tokens need MidiTok: pip install "motet[tokens]"')

FORMS = (midi_files, tokens, piano_rolls)
every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.FORM)


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rules(faults: Iterable[Fault]) -> set[str]:
    return {fault.rule for fault in faults}


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def relist(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def changed(count: int = 5, **change: Any) -> Examples:
    """Toy examples of which the first is changed."""
    first, *others = examples(count)()
    return lambda: iter([replace(first, **change), *others])


def piano(*notes: tuple[int, int, int]) -> bytes:
    """MIDI of notes by start, length (ticks of 480) and pitch."""
    score = symusic.Score(480)
    track = symusic.Track(program=0)
    for start, length, pitch in notes:
        track.notes.append(symusic.Note(start, length, pitch, 80))
    score.tracks.append(track)
    return bytes(score.dumps_midi())


# --- what all forms owe ---


@every_form
def test_the_checker_finds_nothing_in_what_was_written(form: Any, tmp_path: Path) -> None:
    written = form.write(examples(9), tmp_path, Choice())
    assert written.files == sorted(held(tmp_path))
    assert form.check(tmp_path) == []
    assert written.remarks == []


@every_form
def test_equal_examples_give_equal_bytes_however_they_lie_in_the_dataset(form: Any, tmp_path: Path) -> None:
    form.write(examples(9), tmp_path / "one", Choice())
    form.write(examples(9, stored=False), tmp_path / "two", Choice())
    one, two = held(tmp_path / "one"), held(tmp_path / "two")
    assert one == two


@pytest.mark.parametrize(("form", "options"), [*((form, {}) for form in FORMS), (tokens, {"bpe": "560"})])
def test_a_stopped_export_goes_on_where_it_was(form: Any, options: dict[str, str], tmp_path: Path) -> None:
    choice = Choice(options=options)
    form.write(examples(9), tmp_path / "undisturbed", choice)
    asked: list[str] = []

    def watched(stop: bool) -> Examples:
        def of(one: Example) -> Callable[[], bytes]:
            def give() -> bytes:
                if stop and one.split == "test":
                    raise KeyboardInterrupt
                asked.append(one.split)
                return one.midi() if one.midi else b""

            return give

        return lambda: (replace(one, midi=of(one)) for one in examples(9)())

    with pytest.raises(KeyboardInterrupt):
        form.write(watched(True), tmp_path / "stopped", choice)
    assert "train" in asked
    assert not any(name for name in held(tmp_path / "stopped") if not name.startswith(".motet-part"))
    asked.clear()
    form.write(watched(False), tmp_path / "stopped", choice)
    assert set(asked) == {"test"}
    assert held(tmp_path / "stopped") == held(tmp_path / "undisturbed")


@every_form
def test_examples_without_notes_are_left_out_and_counted(form: Any, tmp_path: Path) -> None:
    def some() -> Iterable[Example]:
        bare, broken, *others = examples(7)()
        return iter([replace(bare, midi=None), replace(broken, midi=lambda: b"MThd, and then nothing"), *others])

    written = form.write(some, tmp_path, Choice())
    assert form.check(tmp_path) == []
    assert [remark for remark in written.remarks if "left out" in remark] == [
        "1 example with MIDI that cannot be read (unparsable): left out.",
        "1 example without MIDI: left out.",
    ]
    with pytest.raises(UserError, match="build the dataset with a recipe that keeps its MIDI"):
        form.write(lambda: (replace(one, midi=None) for one in examples(3)()), tmp_path / "none", Choice())


@every_form
def test_a_split_without_examples_is_told(form: Any, tmp_path: Path) -> None:
    written = form.write(examples(4), tmp_path, Choice())
    assert "No example is in test." in written.remarks


@every_form
def test_one_song_in_two_splits_is_a_leak(form: Any, tmp_path: Path) -> None:
    *_, last = examples()()
    form.write(changed(song=last.song), tmp_path, Choice())
    assert rules(form.check(tmp_path)) == {"leak"}


@every_form
def test_an_option_nobody_knows_is_an_error(form: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no option 'pitch'"):
        form.write(examples(), tmp_path, Choice(options={"pitch": "1"}))


@every_form
def test_two_examples_of_one_name_are_an_error(form: Any, tmp_path: Path) -> None:
    def alike() -> Iterable[Example]:
        return (replace(one, split="train", id="one.id") for one in list(examples()())[:2])

    with pytest.raises(UserError, match="would be called"):
        form.write(alike, tmp_path, Choice())


@every_form
@given(damage=st.data())
@settings(max_examples=4, deadline=None)
def test_no_damage_makes_the_checker_fail(form: Any, damage: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    form.write(examples(5), folder, Choice())
    name = damage.draw(st.sampled_from(sorted(held(folder))))
    data = bytearray((folder / name).read_bytes())
    at = damage.draw(st.integers(0, len(data) - 1))
    data[at : damage.draw(st.integers(at, len(data)))] = damage.draw(st.binary(max_size=40))
    (folder / name).write_bytes(data)
    assert isinstance(form.check(folder), list)
    (folder / name).unlink()
    assert any(fault.fatal for fault in form.check(folder))
    shutil.rmtree(folder)


# --- MIDI files ---


def test_midi_is_the_datasets_own_to_the_byte(tmp_path: Path) -> None:
    midi_files.write(examples(), tmp_path, Choice())
    for one, row in zip(examples()(), lines(tmp_path), strict=True):
        assert one.midi
        assert (tmp_path / row["midi_filename"]).read_bytes() == one.midi()
        assert row["midi_notes"] == symusic.Score(tmp_path / row["midi_filename"]).note_num()


def test_pandas_reads_the_table_as_it_reads_maestros(tmp_path: Path) -> None:
    import pandas as pd

    awkward = 'A "quoted", broken\r\nline; \ud800 \0 «ünïcode» =1+1'
    midi_files.write(changed(captions=(awkward, "two"), title=awkward), tmp_path, Choice(captions="all"))
    table = pd.read_csv(tmp_path / "metadata.csv")
    assert list(table["split"]) == ["train"] * 3 + ["validation", "test"]
    assert all((tmp_path / name).is_file() for name in table["midi_filename"])
    assert list(table["duration"]) == [2.0] * 5
    assert table["title"][0] == 'A "quoted", broken line; ? «ünïcode» =1+1'
    assert lines(tmp_path)[0]["captions"] == [awkward.replace("\ud800", "?").replace("\0", " "), "two"]
    assert midi_files.check(tmp_path) == []


def test_only_the_captions_chosen_are_listed(tmp_path: Path) -> None:
    for captions, count in (("first", 1), ("all", 2)):
        midi_files.write(examples(), tmp_path / captions, Choice(captions=captions))  # type: ignore[arg-type]
        assert {len(row["captions"]) for row in lines(tmp_path / captions)} == {count}
    midi_files.write(examples(), tmp_path / "none", Choice(voices=frozenset({"midi"})))
    assert {row["caption"] for row in lines(tmp_path / "none")} == {None}


def test_examples_without_captions_are_counted(tmp_path: Path) -> None:
    assert midi_files.write(changed(captions=()), tmp_path, Choice()).remarks == ["1 example without captions."]


@pytest.mark.parametrize("name", ["../outside.mid", "/etc/passwd", "train\\a.mid", "train//a.mid", "", None, 7, "train/\n.mid"])
def test_no_list_leads_out_of_the_folder(name: Any, tmp_path: Path) -> None:
    midi_files.write(examples(), tmp_path, Choice())
    rows = lines(tmp_path)
    rows[0]["midi_filename"] = name
    relist(tmp_path, rows)
    assert "name" in rules(midi_files.check(tmp_path))


def test_the_list_and_the_table_and_the_files_must_agree(tmp_path: Path) -> None:
    midi_files.write(examples(), tmp_path, Choice())
    rows = lines(tmp_path)
    (tmp_path / "train" / "stray.mid").write_bytes(song(7))
    assert rules(midi_files.check(tmp_path)) == {"extra"}
    (tmp_path / "train" / "stray.mid").unlink()
    (tmp_path / rows[0]["midi_filename"]).write_bytes(song(0, bars=4))
    assert rules(midi_files.check(tmp_path)) == {"count"}
    (tmp_path / rows[0]["midi_filename"]).write_bytes(b"<html>")
    assert rules(midi_files.check(tmp_path)) == {"damaged"}
    midi_files.write(examples(), tmp_path, Choice())
    table = (tmp_path / "metadata.csv").read_text(encoding="utf-8")
    (tmp_path / "metadata.csv").write_text(table.replace("validation", "test"), encoding="utf-8")
    assert rules(midi_files.check(tmp_path)) == {"list"}
    relist(tmp_path, [*rows, rows[0]])
    assert rules(midi_files.check(tmp_path)) == {"twice", "count"}
    (tmp_path / "metadata.jsonl").write_text("[" * 100_000)
    assert "list" in rules(midi_files.check(tmp_path))
    assert next(csv.reader([table.splitlines()[0]]))[:3] == ["split", "midi_filename", "duration"]


# --- tokens ---


def rows_of(folder: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return [row for path in sorted(folder.glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def onsets(score: Any) -> list[tuple[float, int, bool, int]]:
    """The notes of a score by quarter, program, kind and pitch."""
    return sorted(
        (note.start / score.ticks_per_quarter, 0 if track.is_drum else track.program, track.is_drum, note.pitch)
        for track in score.tracks
        for note in track.notes
    )


@pytest.mark.parametrize("kind", tokens.KINDS)
def test_what_miditok_decodes_are_the_notes_that_went_in(kind: str, tmp_path: Path) -> None:
    tokens.write(examples(), tmp_path, Choice(options={"tokenizer": kind}))
    assert tokens.check(tmp_path) == []
    tokenizer = getattr(miditok, kind)(params=tmp_path / "tokenizer.json")
    given = {one.id: one for one in examples()()}
    for row in rows_of(tmp_path):
        one = given[row["id"]]
        assert one.midi
        score = tokenizer.decode(row["ids"])
        assert onsets(score) == onsets(midi.read(one.midi()).symusic)
        assert (row["song"], row["split"], row["caption"]) == (one.song, one.split, one.captions[0])
        assert score.tempos[0].qpm == pytest.approx(120, abs=4)  # of 32 tempos from 40 to 250


def test_a_vocabulary_is_learned_from_train_alone(tmp_path: Path) -> None:
    choice = Choice(options={"bpe": "560"})
    tokens.write(examples(10), tmp_path / "all", choice)
    tokens.write(lambda: (one for one in examples(10)() if one.split == "train"), tmp_path / "train", choice)
    assert (tmp_path / "all" / "tokenizer.json").read_bytes() == (tmp_path / "train" / "tokenizer.json").read_bytes()
    assert tokens.check(tmp_path / "all") == []
    tokenizer = miditok.REMI(params=tmp_path / "all" / "tokenizer.json")
    assert len(tokenizer) == 560
    tokens.write(examples(10), tmp_path / "plain", Choice())
    for joined, plain in zip(rows_of(tmp_path / "all"), rows_of(tmp_path / "plain"), strict=True):
        assert len(joined["ids"]) < len(plain["ids"])
        whole, part = (miditok.REMI(params=tmp_path / name / "tokenizer.json") for name in ("plain", "all"))
        assert onsets(part.decode(joined["ids"])) == onsets(whole.decode(plain["ids"]))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tokenizer": "MMM"}, "There is no tokenizer 'MMM'"),
        ({"tokenizer": "__class__"}, "There is no tokenizer"),
        ({"bpe": "many"}, "is no size of a vocabulary"),
        ({"bpe": "3"}, "words before any are joined"),
        ({"bpe": "900", "tokenizer": "Octuple"}, "leave bpe out"),
    ],
)
def test_what_no_tokenizer_can_be_is_said(options: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=said):
        tokens.write(examples(), tmp_path, Choice(options=options))


def test_a_full_shard_is_closed_and_splits_are_never_mixed(tmp_path: Path) -> None:
    facts = {"notes": 60_000}  # as many bytes as a shard is allowed
    written = tokens.write(lambda: (replace(one, facts=facts) for one in examples(7)()), tmp_path, Choice(shard_bytes=1_000_000))
    shards = [name for name in written.files if name.endswith(".parquet")]
    assert shards == ["test-00000.parquet", *(f"train-0000{n}.parquet" for n in range(5)), "validation-00000.parquet"]
    assert tokens.check(tmp_path) == []
    (tmp_path / "train-00002.parquet").unlink()
    assert rules(tokens.check(tmp_path)) == {"missing"}


def test_notes_without_words_are_counted(tmp_path: Path) -> None:
    data = piano((0, 480, 60), (480, 480, 3))
    written = tokens.write(changed(midi=lambda: data), tmp_path, Choice())
    assert written.remarks == ["1 note REMI has no words for: not in the tokens."]
    assert tokens.check(tmp_path) == []


def test_tokens_must_be_words_of_their_tokenizer(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tokens.write(examples(), tmp_path, Choice())
    path = tmp_path / "test-00000.parquet"
    table = pq.read_table(path)

    def retold(**change: Any) -> set[str]:
        pq.write_table(pa.Table.from_pylist([{**table.to_pylist()[0], **change}], schema=table.schema), path)
        return rules(tokens.check(tmp_path))

    ids = table["ids"].to_pylist()[0]
    assert retold() == set()
    assert retold(ids=[*ids, 1_000_000]) == {"vocabulary"}
    assert retold(ids=[*ids, -1]) == {"vocabulary"}
    assert retold(ids=[]) == {"empty"}
    assert retold(ids=ids[:60]) == {"count"}
    assert retold(split="train") == {"split"}
    assert retold(song=None) == {"song"}
    pq.write_table(table.drop_columns(["song"]), path)
    assert rules(tokens.check(tmp_path)) == {"columns"}
    told = json.loads((tmp_path / "tokenizer.json").read_text())
    (tmp_path / "tokenizer.json").write_text(json.dumps({**told, "decode": "something"}))
    assert "tokenizer" in rules(tokens.check(tmp_path))


# --- piano rolls ---


def test_a_roll_is_loaded_in_a_line(tmp_path: Path) -> None:
    piano_rolls.write(examples(), tmp_path, Choice())
    row = lines(tmp_path)[0]
    roll = np.load(tmp_path / row["file"])["roll"]
    assert roll.dtype == np.uint8
    assert list(roll.shape) == row["shape"] == [3, 128, 11 * 12 + 10]  # 12 quarters, the last of them 400 ticks of 480 long
    assert [track["is_drum"] for track in row["tracks"]] == [False, False, True]
    assert [track["program"] for track in row["tracks"]] == [0, 33, 0]
    assert set(np.unique(roll)) == {0, 80}


@pytest.mark.parametrize(("unit", "number"), [("steps", 12), ("steps", 4), ("fps", 50)])
def test_rolls_hold_the_notes_of_the_file(unit: str, number: int, tmp_path: Path) -> None:
    piano_rolls.write(examples(), tmp_path, Choice(options={unit: str(number)}))
    assert piano_rolls.check(tmp_path) == []
    for one, row in zip(examples()(), lines(tmp_path), strict=True):
        assert one.midi
        assert row[unit] == number
        score = midi.read(one.midi())
        with np.load(tmp_path / row["file"]) as file:
            found = piano_rolls.notes_of(file["roll"], file["onsets"])
            times = file["times"]
            drums = file["is_drum"]
        seconds = score.tempo_map.to_seconds(score.notes["start"])
        want = sorted(
            (bool(note["is_drum"]), int(note["pitch"]), round(float(at), 2))
            for note, at in zip(score.notes, seconds, strict=True)
        )
        assert sorted((bool(drums[track]), pitch, round(float(times[start]), 2)) for track, pitch, start, _, _ in found) == want


notes = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 127), st.integers(0, 200), st.integers(1, 40), st.integers(1, 127)),
    min_size=1,
    max_size=30,
)


@given(notes=notes)
@settings(max_examples=25, deadline=None)
def test_notes_on_the_grid_come_back_from_a_roll(notes: list[tuple[int, int, int, int, int]]) -> None:
    """Notes that lie on steps and do not overlap at one pitch are in the roll and its onsets as they are in the file."""
    kept: list[tuple[int, int, int, int, int]] = []
    for track, pitch, start, length, velocity in notes:
        if not any((track, pitch) == one[:2] and start < one[3] and one[2] < start + length for one in kept):
            kept.append((track, pitch, start, start + length, velocity))
    score = symusic.Score(480)
    for number in range(3):
        track = symusic.Track(name=f"track {number}", program=number * 10, is_drum=number == 2)
        for of, pitch, start, end, velocity in kept:
            if of == number:
                track.notes.append(symusic.Note(start * 40, (end - start) * 40, pitch, velocity))
        score.tracks.append(track)
    made = piano_rolls.roll_of(bytes(score.dumps_midi()))
    there = sorted({track for track, *_ in kept})
    assert piano_rolls.notes_of(made.roll, made.onsets) == sorted((there.index(track), *others) for track, *others in kept)
    assert made.roll.shape[2] == max(end for *_, end, _ in kept)


def test_times_follow_the_tempo() -> None:
    score = symusic.Score(480)
    score.tempos.append(symusic.Tempo(0, qpm=60.0))
    score.tempos.append(symusic.Tempo(480, qpm=120.0))
    score.tracks.append(symusic.Track(notes=symusic.core.NoteTickList([symusic.Note(0, 960, 60, 80)])))
    times = piano_rolls.roll_of(bytes(score.dumps_midi()), "steps", 7).times
    assert times[[0, 7, 14]].tolist() == [0.0, 1.0, 1.5]
    assert np.diff(times)[:7] == pytest.approx(1 / 7)
    assert np.diff(times)[7:] == pytest.approx(1 / 14)


@pytest.mark.parametrize("options", [{"steps": "0"}, {"steps": "97"}, {"fps": "²"}, {"fps": "1001"}, {"steps": "4", "fps": "50"}])
def test_what_no_grid_can_be_is_said(options: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="give"):
        piano_rolls.write(examples(), tmp_path, Choice(options=options))


def test_a_song_too_long_for_a_roll_is_left_out(tmp_path: Path) -> None:
    data = piano((0, 480, 60), (480 * 120_000, 480, 60))
    written = piano_rolls.write(changed(midi=lambda: data), tmp_path, Choice(options={"steps": "96"}))
    assert written.remarks == ["1 example too long for a roll: left out."]


def test_a_roll_must_be_what_its_list_says(tmp_path: Path) -> None:
    piano_rolls.write(examples(), tmp_path, Choice())
    path = tmp_path / lines(tmp_path)[0]["file"]
    with np.load(path) as file:
        arrays = dict(file)

    def retold(**change: Any) -> set[str]:
        np.savez_compressed(path, **{**arrays, **change})
        return rules(piano_rolls.check(tmp_path))

    assert retold() == set()
    assert retold(onsets=np.zeros_like(arrays["onsets"])) == {"array"}
    assert retold(roll=arrays["roll"][:, :, :-1]) == {"count"}
    assert retold(roll=arrays["roll"] * 2) == {"array"}
    assert retold(roll=arrays["roll"].astype(float)) == {"array"}
    assert retold(programs=arrays["names"]) == {"array"}
    assert retold(times=arrays["times"][::-1]) == {"array"}
    assert retold(names=np.array([object()] * 3)) == {"damaged"}
    assert retold(more=np.zeros(20_000_000, np.uint8)) == {"damaged"}
    path.unlink()
    assert rules(piano_rolls.check(tmp_path)) == {"missing"}
