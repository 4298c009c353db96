"""All that is told of one example, and of what did not become one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from motet import Dataset, UserError, midi, render
from motet.clips import clip_audio, clip_midi
from motet.explorer.cuts import Cuts
from motet.explorer.one import plain, told
from motet.explorer.tracing import why
from motet.labels import Label, Labels
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys import explored
from toys.explored import row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset; the files it was made of lie beside it."""
    return explored.rendered(tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Dataset:
    return Dataset(folder)


@pytest.fixture(scope="module")
def clips(dataset: Dataset) -> list[str]:
    return [id for (id,) in dataset.query("SELECT id FROM clips ORDER BY start").fetchall()]


@pytest.fixture(scope="module")
def second(dataset: Dataset, clips: list[str]) -> dict[str, Any]:
    """The song's second clip, from its fourth bar on."""
    return told(dataset, row(clips[1]))


def lost(dataset: Dataset, reason: str) -> dict[str, Any]:
    """The row of `work` that was dropped for a reason, as the list knows it."""
    sql = f"SELECT id, source, stage, reason, detail FROM work WHERE reason = '{reason}'"
    (found,) = dataset.query(sql).to_arrow_table().to_pylist()
    return row(found["id"], "dropped", found["stage"], found["reason"], found["detail"], source=found["source"])


def test_all_of_it_can_be_sent_as_json(second: dict[str, Any]) -> None:
    assert json.loads(json.dumps(second, allow_nan=False)) == second


def test_the_notes_are_those_of_the_clip_on_its_own_clock(dataset: Dataset, clips: list[str], second: dict[str, Any]) -> None:
    score = midi.read(clip_midi(dataset, clips[1]))
    clock, notes = score.tempo_map, score.notes
    begins, ends = (clock.to_seconds(ticks) * 1000 for ticks in (notes["start"], notes["start"] + notes["duration"]))
    cut = sorted(zip(np.rint(begins).tolist(), np.rint(ends).tolist(), notes["pitch"].tolist(), strict=True))
    drawn = np.reshape(second["notes"], (-1, 5))
    assert sorted(map(tuple, drawn[:, :3].tolist())) == cut
    assert set(drawn[:, 3].tolist()) == {0, 1, 2}


def test_every_voice_is_a_stem(second: dict[str, Any]) -> None:
    stems, voices = second["stems"], second["voices"]
    assert [voices[stem["voice"]]["name"] for stem in stems] == [stem["name"] for stem in stems]
    assert [voice["drum"] for voice in voices] == [False, False, True]
    assert {stem["licence"] for stem in stems} == {"GPL-2.0"}


def test_bars_beats_sections_and_chords_lie_in_the_clip(second: dict[str, Any]) -> None:
    assert second["bars"] == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert second["beats"] == [0.5 * beat for beat in range(21)]
    spans = [*second["sections"], *second["chords"]]
    assert spans
    assert all(0 <= span["start"] < span["end"] <= 10.0 for span in spans)


def test_the_wave_is_that_of_the_clip(dataset: Dataset, clips: list[str], second: dict[str, Any]) -> None:
    audio, _ = clip_audio(dataset, clips[1])
    assert second["peaks"] == render.peaks(audio, 800).ravel().tolist()


def test_every_claim_of_a_caption_stands_at_its_words_with_its_verdict(second: dict[str, Any]) -> None:
    (caption,) = second["captions"]
    assert caption["claims"]
    for claim in caption["claims"]:
        assert caption["text"][claim["start"] : claim["end"]] == claim["words"]
        assert (claim["verdict"], bool(claim["because"])) == ("supported", True)


def test_every_fact_has_a_name_a_value_and_somebody_who_says_it(second: dict[str, Any]) -> None:
    facts = {(fact["name"], fact["by"]): fact["value"] for fact in second["facts"]}
    assert all(fact["name"] and fact["value"] and fact["by"] for fact in second["facts"])
    assert facts["tempo", "notes"] == "120 BPM"
    assert facts["loudness", "sound"].endswith(" LUFS")
    assert facts["best guess", "file name"]


def test_the_chain_leads_from_the_scan_to_the_clip(dataset: Dataset, second: dict[str, Any]) -> None:
    stages = [link["stage"] for link in second["chain"]]
    order = [stage.name for stage in dataset.snapshot.stages]
    assert stages == sorted(stages, key=order.index)
    assert (stages[0], stages[-1]) == ("scan", "check_captions")
    assert all(link["about"] for link in second["chain"])
    assert [link["detail"] for link in second["chain"] if link["stage"] == "render_stems"] == ["3 parts"]
    (words,) = [link["part"] for link in second["chain"] if link["stage"] == "write_captions"]
    assert words.endswith(".c001"), "not those of the other clip"


def test_the_other_clips_of_the_song_are_named_in_order(clips: list[str], second: dict[str, Any]) -> None:
    assert [(other["id"], other["here"]) for other in second["others"]] == [(clips[0], False), (clips[1], True)]
    assert second["others"][1]["title"].startswith("bars 4–8")


def test_where_it_comes_from_and_what_made_it(second: dict[str, Any]) -> None:
    assert second["origin"]["path"].endswith("One.mid") or second["origin"]["path"].endswith("Same.mid")
    assert len(second["origin"]["sha256"]) == 64
    made = {line["stage"]: line["settings"] for line in second["made_with"]}
    assert made["render_stems"] == {"rate": 16000}
    assert made["scan"] == {}
    assert "/" not in json.dumps(made), "no path of this machine"


def test_what_can_be_downloaded_is_what_can_be_cut(dataset: Dataset, second: dict[str, Any], tmp_path: Path) -> None:
    cuts = Cuts(dataset, tmp_path, 1 << 30)
    assert [one["what"] for one in second["downloads"]][:2] == ["mix", "midi"]
    for one in second["downloads"]:
        cut = cuts.get(second["id"], one["what"])
        assert (cut.filename, cut.mime) == (one["filename"], one["mime"])
    assert len({one["filename"] for one in second["downloads"]}) == len(second["downloads"])


@pytest.mark.parametrize(
    ("reason", "stages", "sentence"),
    [
        ("other_type", ["scan"], "scan left it out: other type (neither its name nor its content is that of a midi file)."),
        ("same_bytes", ["scan", "clean", "fingerprint", "deduplicate"], "deduplicate left it out: same bytes (as "),
        ("truncated", ["scan", "clean"], "clean left it out: truncated ("),
    ],
)
def test_what_was_dropped_is_told_up_to_where_that_was(dataset: Dataset, reason: str, stages: list[str], sentence: str) -> None:
    found = told(dataset, lost(dataset, reason))
    assert [link["stage"] for link in found["chain"]] == stages
    assert found["chain"][-1]["reason"] == reason
    assert found["why"].startswith(sentence)
    assert (found["sound"], found["downloads"], found["judgeable"]) == (None, [], False)
    assert found["origin"]["path"].startswith("in/")


@pytest.mark.parametrize(
    ("state", "status", "sentence"),
    [
        ("kept", "ok", ""),
        ("failed", "crashed", "tag crashed on it, twice; `motet build --retry` tries again: sigsegv."),
        ("unanswered", "unanswered", "tag could not be asked about it, and the next build asks again: sigsegv."),
    ],
)
def test_why_says_what_became_of_it(state: str, status: str, sentence: str) -> None:
    assert why(row("a", state, "tag", "sigsegv"), status) == sentence


def test_duplicates_lead_to_each_other(dataset: Dataset, clips: list[str], second: dict[str, Any]) -> None:
    gone = lost(dataset, "same_bytes")
    (here,) = second["duplicates"]
    assert (here["other"], here["open"], here["of_this"], here["removed"]) == (gone["id"], gone["id"], False, True)
    (there,) = told(dataset, gone)["duplicates"]
    assert (there["other"], there["open"], there["of_this"]) == (clips[0].partition(".")[0], clips[0], True)
    assert here["evidence"] == there["evidence"] == "same bytes"


def test_a_label_is_shown_and_the_stamp_is_of_content_and_span(dataset: Dataset, clips: list[str]) -> None:
    label = Label("stamp", "bad", "too loud", "ada", "2026-01-01T00:00:00Z", "")
    found = told(dataset, row(clips[1]), label)
    assert found["label"] == {"verdict": "bad", "note": "too loud", "by": "ada", "at": "2026-01-01T00:00:00Z"}
    ((lineage,),) = dataset.query(f"SELECT lineage FROM clips WHERE id = '{clips[1]}'").fetchall()
    assert (found["stamp"], found["judgeable"]) == (f"{lineage}@6000-16000", True)


def test_what_a_person_took_out_can_still_be_judged(dataset: Dataset) -> None:
    label = Label("stamp of a clip", "bad", "", "", "2026-01-01T00:00:00Z", "")
    found = told(dataset, row("0123456789abcdef.t000.c000", "dropped", "exclude", "judged_bad"), label)
    assert (found["stamp"], found["judgeable"]) == ("stamp of a clip", True)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy", symlinks=True))


def test_media_that_are_gone_are_told_one_by_one(copy: Path, clips: list[str]) -> None:
    shutil.rmtree(copy / "media")
    found = told(Dataset(copy), row(clips[1]))
    assert (found["peaks"], found["notes"], found["bars"]) == ([], [], [])
    assert len(found["missing"]) == len(set(found["missing"])) == 7  # the mix, and sound and MIDI of three stems
    assert all(sentence.endswith("make it again.") for sentence in found["missing"])
    assert found["captions"], "what is in the tables is shown all the same"
    assert str(copy) not in json.dumps(found)


def test_damaged_sound_is_told_and_the_rest_shown(copy: Path, clips: list[str]) -> None:
    for file in (copy / "media").rglob("*.flac"):
        file.write_bytes(file.read_bytes()[:3000])
    found = told(Dataset(copy), row(clips[1]))
    (sentence,) = found["missing"]
    assert "is damaged" in sentence
    assert found["peaks"] == []
    assert len(found["notes"]) > 0


def test_one_stem_without_its_notes_leaves_the_others(copy: Path, clips: list[str]) -> None:
    ((reference,),) = Dataset(copy).query("SELECT midi FROM stems WHERE index = 1").fetchall()
    (copy / reference).write_bytes(b"MThd and nothing else")
    found = told(Dataset(copy), row(clips[1]))
    assert [voice["stem"] for voice in found["voices"]] == [0, 2]
    assert [stem["voice"] for stem in found["stems"]] == [0, None, 1]
    assert len(found["missing"]) == 1


def test_a_table_that_is_gone_is_one_sentence(copy: Path, clips: list[str]) -> None:
    dataset = Dataset(copy)
    dataset.snapshot.table("stems").unlink()
    with pytest.raises(UserError, match="`motet check`"):
        told(dataset, row(clips[1]))


def test_a_new_snapshot_is_seen_at_once(copy: Path, clips: list[str]) -> None:
    dataset = Dataset(copy)
    told(dataset, row(clips[1]))
    live = copy / "snapshots" / "live"
    shutil.copytree(live.resolve(), copy / "snapshots" / "000002")
    (copy / "snapshots" / "000002" / "captions.parquet").unlink()
    stored = json.loads((copy / "snapshots" / "000002" / "snapshot.json").read_text())
    del stored["tables"]["captions"]
    (copy / "snapshots" / "000002" / "snapshot.json").write_text(json.dumps(stored))
    live.unlink()
    live.symlink_to("000002")
    assert told(dataset, row(clips[1]))["captions"] == []


def test_nothing_that_json_cannot_hold_is_told() -> None:
    odd = {"nan": float("nan"), "half": "a\ud800b", "pair": "\U0001f3b5", "bytes": b"\x00\xff", 7: (float("-inf"), True)}
    assert plain(odd) == {"nan": None, "half": "a\ufffdb", "pair": "\U0001f3b5", "bytes": "00ff", "7": [None, True]}


@pytest.mark.slow
def test_what_was_judged_bad_can_be_heard_and_taken_back(folder: Path, tmp_path: Path, clips: list[str]) -> None:
    """Its row is told as it was before the build that left it out."""
    data = Path(shutil.copytree(folder, tmp_path / "data", symlinks=True))
    before = told(Dataset(data), row(clips[1]))
    Labels.open(data / "judgements.jsonl").add(before["stamp"], "bad", note="dull")
    with LocalEngine(workers=1) as engine:
        build(load("text-to-music").changed(explored.QUICK), [folder.parent / "in"], data, engine=engine)
    dataset = Dataset(data)
    assert dataset.query("SELECT id FROM clips").fetchall() == [(clips[0],)]
    after = told(dataset, lost(dataset, "judged_bad"))
    assert after["why"].endswith("left it out: judged bad (dull).")
    same = ("stamp", "notes", "peaks", "bars", "stems", "downloads", "judgeable")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert Cuts(dataset, tmp_path / "cuts", 1 << 30).get(clips[1], "mix").path.is_file()


@pytest.mark.slow
def test_a_song_in_parts_is_told_without_a_clip(tmp_path: Path) -> None:
    dataset = Dataset(explored.symbolic(tmp_path))
    ((id,),) = dataset.query("SELECT id FROM songs").fetchall()
    found = told(dataset, row(id))
    assert (found["sound"], found["stems"], found["peaks"]) == (None, [], [])
    assert len(found["notes"]) == 5 * 3 * 4 * explored.BARS
    assert [one["what"] for one in found["downloads"]] == ["midi", "stem-0.mid", "stem-1.mid", "stem-2.mid"]
    assert "@" not in found["stamp"]
    assert found["sections"][0]["start"] == 0.0
