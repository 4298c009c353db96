"""What the pipeline promises of the music: nothing lost in the split, stems that sum to the mix, exact clips, true captions."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import symusic

from motet import Dataset, UserError, midi, render
from motet.clips import clip_audio, clip_midi, clip_row
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.text import Record
from toys.midi import song

SETTINGS = ["render_stems.rate=16000", "segment.shortest=3", "segment.target=5", "segment.longest=9"]


def odd_song() -> bytes:
    """Two guitars of one program, a track that changes its program, drums, bends and pedals; 3/4 that slows down halfway."""
    score = symusic.Score(480)
    score.tempos.append(symusic.Tempo(0, qpm=133.0))
    score.tempos.append(symusic.Tempo(480 * 12, qpm=97.0))
    score.time_signatures.append(symusic.TimeSignature(0, 3, 4))
    for number, (program, is_drum) in enumerate(((24, False), (24, False), (48, False), (0, True))):
        track = symusic.Track(name=f"voice {number}", program=program, is_drum=is_drum)
        for beat in range(30):
            track.notes.append(symusic.Note(beat * 480 + 7 * number, 300 + beat, 40 + 5 * number + beat % 7, 50 + beat))
        if number == 0:
            track.pitch_bends.append(symusic.PitchBend(960, 1000))
            track.controls.append(symusic.ControlChange(0, 7, 90))
            track.pedals.append(symusic.Pedal(480, 960))
        score.tracks.append(track)
    changing = symusic.Track(name="changing", program=73)
    changing.notes.append(symusic.Note(0, 480, 80, 70))
    changing.notes.append(symusic.Note(480 * 20, 480, 82, 70))
    score.tracks.append(changing)
    later = symusic.Track(name="changing", program=71)
    later.notes.append(symusic.Note(480 * 10, 480, 81, 70))
    score.tracks.append(later)
    return bytes(score.dumps_midi())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    root = tmp_path_factory.mktemp("pipeline")
    (root / "songs").mkdir()
    for name, content in {"four.mid": song(4, bars=6), "odd.mid": odd_song(), "loud.mid": song(2, velocity=127, bars=6)}.items():
        (root / "songs" / name).write_bytes(content)
    with LocalEngine(2) as engine:
        build(load("text-to-music").changed(SETTINGS), [root / "songs"], root / "data", engine=engine)
    return Dataset(root / "data")


def rows(data: Dataset, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = data.query(sql).to_arrow_table().to_pylist()
    return found


def notes(content: bytes) -> Counter[tuple[int, ...]]:
    """Every note with all that makes it sound: start, length, pitch, velocity, program, drum."""
    fields = ["start", "duration", "pitch", "velocity", "program", "is_drum"]
    return Counter(tuple(int(n[f]) for f in fields) for n in midi.read(content).notes)


def source(data: Dataset, row: dict[str, Any]) -> bytes:
    ((location,),) = data.query(f"SELECT location FROM files WHERE id = '{row['source']}'").fetchall()
    return Path(location).read_bytes()


# -- parts --------------------------------------------------------------------------------------------------------------


def test_the_parts_of_a_song_hold_exactly_its_notes(data: Dataset) -> None:
    for row in rows(data, "SELECT * FROM songs"):
        parts = rows(data, f"SELECT * FROM parts WHERE source = '{row['source']}' ORDER BY index")
        together: Counter[tuple[int, ...]] = Counter()
        for part in parts:
            own = notes(data.media.read(part["midi"]))
            assert own.total() == part["notes"] > 0
            together += own
        assert together == notes(source(data, row))
        assert together.total() == row["notes"]
        assert [p["index"] for p in parts] == list(range(len(parts)))


def test_a_part_is_one_instrument_and_drums_stay_drums(data: Dataset) -> None:
    for part in rows(data, "SELECT * FROM parts"):
        played = midi.read(data.media.read(part["midi"])).notes
        assert set(played["is_drum"].tolist()) == {part["is_drum"]}
        assert set(played["program"].tolist()) == {part["program"]}
        assert (int(played["pitch"].min()), int(played["pitch"].max())) == (part["pitch_low"], part["pitch_high"])
    drums = rows(data, "SELECT path, count(*) AS n FROM parts WHERE is_drum GROUP BY path")
    assert {r["path"]: r["n"] for r in drums} == {"songs/four.mid": 1, "songs/odd.mid": 1, "songs/loud.mid": 1}


def test_two_tracks_of_one_program_stay_two_parts(data: Dataset) -> None:
    guitars = rows(data, "SELECT * FROM parts WHERE path = 'songs/odd.mid' AND program = 24 ORDER BY index")
    assert [g["track_name"] for g in guitars] == ["voice 0", "voice 1"]


def test_every_part_runs_on_the_clock_of_its_song(data: Dataset) -> None:
    for row in rows(
        data, "SELECT p.midi, s.division, s.tempo_changes, s.metre_changes FROM parts p JOIN songs s ON s.id = p.source"
    ):
        clock = midi.read(data.media.read(row["midi"])).tempo_map.to_rows()
        assert clock == {"division": row["division"], "tempi": row["tempo_changes"], "metres": row["metre_changes"]}


def test_bends_and_controllers_stay_with_their_part(data: Dataset) -> None:
    first, second = rows(data, "SELECT midi FROM parts WHERE path = 'songs/odd.mid' AND program = 24 ORDER BY index")
    bent, plain = (symusic.Score.from_midi(data.media.read(r["midi"])) for r in (first, second))
    assert [(b.time, b.value) for t in bent.tracks for b in t.pitch_bends] == [(960, 1000)]
    assert any(c.number == 7 and c.value == 90 for t in bent.tracks for c in t.controls)
    assert [b for t in plain.tracks for b in t.pitch_bends] == []


# -- stems and mixes ----------------------------------------------------------------------------------------------------


def mixed_from_stems(data: Dataset, mix: dict[str, Any]) -> tuple[Any, Any]:
    """The mix as it is stored, and the sum of its stored stems, each times its stored gain."""
    audio, rate = render.decode(data.media.path(mix["audio"]))
    assert (rate, len(audio)) == (mix["rate"], mix["frames"])
    total = np.zeros_like(audio, dtype=np.float64)
    for index, gain_db in zip(mix["stem_indices"], mix["stem_gains_db"], strict=True):
        (stem,) = rows(data, f"SELECT * FROM stems WHERE source = '{mix['source']}' AND index = {index}")
        stem_audio, stem_rate = render.decode(data.media.path(stem["audio"]))
        assert stem_rate == rate
        total[: len(stem_audio)] += stem_audio.astype(np.float64) * 10 ** (gain_db / 20)
    return audio, total


def test_the_stems_with_their_gains_sum_to_the_mix(data: Dataset) -> None:
    for mix in rows(data, "SELECT * FROM mixes"):
        audio, total = mixed_from_stems(data, mix)
        rms = float(np.sqrt(np.mean((audio - total) ** 2)))
        assert 20 * np.log10(rms) <= -80
        assert np.abs(audio).max() > 0.05  # it is not silence that agrees


def test_a_mix_reaches_its_loudness_or_says_that_the_ceiling_won(data: Dataset) -> None:
    for mix in rows(data, "SELECT * FROM mixes"):
        audio, rate = render.decode(data.media.path(mix["audio"]))
        assert mix["lufs"] == pytest.approx(render.integrated_loudness(audio, rate), abs=0.05)
        assert render.true_peak(audio) <= 10 ** (-0.95 / 20)
        assert mix["true_peak_db"] <= -0.99
        if mix["ceiling_won"]:
            assert mix["lufs"] < -14.05
            assert mix["true_peak_db"] == pytest.approx(-1, abs=0.05)
        else:
            assert mix["lufs"] == pytest.approx(-14, abs=0.05)


def test_every_stem_names_what_played_it_with_its_licence(data: Dataset) -> None:
    font = render.find()
    for stem in rows(data, "SELECT * FROM stems"):
        sound = render.Patch.from_json(stem["patch"]).sound
        assert (sound.file, sound.sha256, sound.licence) == (font.path.name, font.sha256, font.licence)
        assert (sound.engine, bool(sound.engine_version)) == ("motet", True)
        assert (stem["sound"], stem["licence"], stem["repeatable"]) == (sound.file, sound.licence, True)
        assert not stem["silent"]


def test_a_stem_can_be_played_again_from_its_row(data: Dataset) -> None:
    with render.Player(render.read_rack("default"), 16000) as player:
        for stem in rows(data, "SELECT * FROM stems ORDER BY id LIMIT 3"):
            patch = render.Patch.from_json(stem["patch"])
            again = player.again(data.media.read(stem["midi"]), midi.Variation(), 0, patch, "plucked")
            stored = render.encode(again.audio, 16000, gain_db=-stem["stored_gain_db"])
            assert data.media.read(stem["audio"]) == stored


def test_every_stem_sounds_as_its_notes_say(data: Dataset) -> None:
    checks = rows(data, "SELECT * FROM audio_checks")
    assert len(checks) == len(rows(data, "SELECT id FROM stems"))
    assert [(one["path"], one["faults"]) for one in checks if one["faults"]] == []


def test_each_stem_has_the_loudness_of_its_role_in_the_mix(data: Dataset) -> None:
    """Before the mix's own gain, and as far as twelve decibels reach."""
    for mix in rows(data, "SELECT * FROM mixes"):
        stems = rows(data, f"SELECT * FROM stems WHERE source = '{mix['source']}' ORDER BY index")
        for stem, gain in zip(stems, mix["stem_gains_db"], strict=True):
            moved = gain - mix["gain_db"] - stem["stored_gain_db"]
            wanted = render.LOUDNESS[stem["role"]] + stem["volume_db"] - stem["lufs"]
            assert moved == pytest.approx(max(-12, min(12, wanted)), abs=0.002)


# -- clips --------------------------------------------------------------------------------------------------------------


def clock_of(data: Dataset, clip: dict[str, Any]) -> midi.TempoMap:
    (row,) = rows(data, f"SELECT * FROM songs WHERE id = '{clip['source']}'")
    return midi.TempoMap.from_rows({"division": row["division"], "tempi": row["tempo_changes"], "metres": row["metre_changes"]})


def test_clips_begin_and_end_at_bar_lines_of_the_one_clock(data: Dataset) -> None:
    for clip in rows(data, "SELECT * FROM clips"):
        clock = clock_of(data, clip)
        first, last = clip["first_bar"] - 1, clip["first_bar"] - 1 + clip["bars"]
        assert (clip["start_tick"], clip["end_tick"]) == (clock.from_bars(first), clock.from_bars(last))
        assert clip["start"] == pytest.approx(clock.to_seconds(clip["start_tick"]), abs=1e-9)
        assert clip["end"] == pytest.approx(clock.to_seconds(clip["end_tick"]), abs=1e-9)
        assert abs(clip["start_frame"] - clip["start"] * clip["rate"]) <= 0.5
        assert 3 - 1e-6 <= clip["end"] - clip["start"] <= 9 + 1e-6


def test_one_clip_begins_at_the_frame_where_the_last_one_ended(data: Dataset) -> None:
    met = 0
    for song_id in {c["source"] for c in rows(data, "SELECT source FROM clips")}:
        clips = rows(data, f"SELECT * FROM clips WHERE source = '{song_id}' ORDER BY index")
        assert [c["index"] for c in clips] == list(range(len(clips)))
        for one, following in pairwise(clips):
            assert following["start_frame"] >= one["end_frame"]
            if following["start_tick"] == one["end_tick"]:
                assert following["start_frame"] == one["end_frame"]
                met += 1
    assert met >= 2


def test_the_audio_of_a_clip_is_the_mix_s_own_to_the_sample(data: Dataset) -> None:
    for clip in rows(data, "SELECT * FROM clips"):
        whole, rate = render.decode(data.media.path(clip["audio"]))
        cut, cut_rate = clip_audio(data, clip["id"])
        assert (rate, len(cut)) == (cut_rate, clip["end_frame"] - clip["start_frame"])
        assert np.array_equal(cut, whole[clip["start_frame"] : clip["end_frame"]])


def test_the_midi_of_a_clip_is_the_song_s_own_to_the_tick(data: Dataset) -> None:
    for clip in rows(data, "SELECT * FROM clips"):
        a, b = clip["start_tick"], clip["end_tick"]
        wanted: Counter[tuple[int, ...]] = Counter()
        for (start, length, *rest), n in notes(source(data, clip)).items():
            if start < b and (start >= a or start + length > a):
                begin, end = max(start, a), min(start + length, b)
                wanted[begin - a, end - begin, *rest] += n
        found = notes(clip_midi(data, clip["id"]))
        assert found == wanted
        assert sum(clip["instrument_notes"]) == clip["notes"]
        clock, cut_clock = clock_of(data, clip), midi.read(clip_midi(data, clip)).tempo_map
        for tick in range(a, b + 1, 120):
            assert cut_clock.to_seconds(tick - a) == pytest.approx(clock.to_seconds(tick) - clip["start"], abs=1e-6)


def test_the_facts_of_a_clip_are_those_of_its_notes(data: Dataset) -> None:
    for clip in rows(data, "SELECT * FROM clips"):
        struck: Counter[str] = Counter()
        for start, _, _, _, program, is_drum in notes(source(data, clip)).elements():
            if clip["start_tick"] <= start < clip["end_tick"]:
                struck[midi.instrument(program, bool(is_drum))] += 1
        assert dict(zip(clip["instruments"], clip["instrument_notes"], strict=True)) == dict(struck)
        assert clip["metre"] == ("3/4" if clip["path"] == "songs/odd.mid" else "4/4")
        if clip["path"] != "songs/odd.mid":
            assert (clip["tempo"], clip["tempo_steady"]) == (120.0, True)


def test_an_unknown_clip_is_one_sentence(data: Dataset) -> None:
    with pytest.raises(UserError, match="no live clip 'nowhere'"):
        clip_row(data, "nowhere")


# -- captions -----------------------------------------------------------------------------------------------------------


def test_every_clip_has_a_caption_that_its_row_supports(data: Dataset) -> None:
    captions = rows(data, "SELECT t.text, c.* FROM captions t JOIN clips c ON c.id = t.id")
    assert len(captions) == data.tables()["clips"] > 4
    for row in captions:
        known = Record.from_json(row["record"])
        for number in re.findall(r"(\d+) (?:BPM|beats per minute)", row["text"]):
            told = [change.to for change in known.changes or () if change.what == "tempo"]
            assert int(number) in [round(tempo) for tempo in (known.tempo.bpm, *told) if tempo]  # type: ignore[union-attr]
        for metre in re.findall(r"\d+/\d+", row["text"]):
            assert metre in (row["metre"], *(change.to for change in known.changes or ()))
        if not row["has_drums"]:
            assert not re.search(r"(?<!no )(?<!without )(?<!any )\b(?:drums|drum beat)\b", row["text"], re.IGNORECASE)


def test_every_claim_of_a_caption_is_kept_with_what_the_record_says_to_it(data: Dataset) -> None:
    for row in rows(data, "SELECT * FROM captions"):
        assert (row["text"], len(row["texts"])) == (row["texts"][0], 1)
        assert (row["forms"], row["writers"], row["models"]) == (["short"], ["grammar"], [""])
        (claims,) = (json.loads(one) for one in row["claims"])
        assert {claim["verdict"] for claim in claims} <= {"supported"}
        assert all(row["text"][claim["start"] : claim["end"]] == claim["words"] for claim in claims)
        assert set(row["told"]) & set(row["known"])
        assert Record.from_json(row["record"]).instruments
