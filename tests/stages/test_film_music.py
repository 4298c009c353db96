"""From films, recordings and MIDI to moments in which all run on one clock: a cinema of our own tunes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from film.numbered_films import film as numbered
from motet import Dataset, midi, render
from motet.cli import main
from motet.demo import TUNES, arrange, to_midi
from motet.exporting.reading import Reading, Wanted
from motet.film import reviewing
from motet.judging import Playing, items
from motet.recipe import load, parse
from motet.run.build import build
from motet.run.watch import Run
from motet.video.film import write

Audio = npt.NDArray[np.float32]
pytestmark = pytest.mark.slow  # a minute for its cinema; the rooms it joins are tested in tests/film

RATE = 44100
FPS = Fraction(24)
KNOWN = ("Amazing Grace", "Greensleeves", "Auld Lang Syne")
UNKNOWN = "Oh! Susanna"


def played(title: str) -> tuple[bytes, Audio]:
    """A tune of the demo as MIDI, and as the synth plays it."""
    data = to_midi(arrange(next(one for one in TUNES if one.title == title)))
    (audio,) = render.load(render.find(), RATE).render([data])
    return data, np.asarray(audio / np.abs(audio).max() * 0.5, np.float32)


def crowd(seconds: float, seed: int) -> Audio:
    """People who talk: noise through formants, syllable by syllable."""
    random = np.random.default_rng(seed)
    noise = random.normal(size=(round(seconds * RATE), 1)).astype(np.float32)
    syllables = np.repeat(random.uniform(0, 1, round(seconds * 5) + 2) ** 2, RATE // 5)[: len(noise), None]
    return np.asarray(np.diff(noise, axis=0, prepend=0.0) * syllables * 0.05, np.float32).repeat(2, axis=1)


def film(path: Path, seconds: float, songs: Mapping[str, tuple[float, float, float]], seed: int) -> None:
    """A film with a cut every four seconds; `songs` are heard from a second on, for so many seconds, from their own second."""
    sound = crowd(seconds, seed)
    for title, (start, length, own) in songs.items():
        piece = played(title)[1][round(own * RATE) :][: round(length * RATE)]
        sound[round(start * RATE) :][: len(piece)] += piece[: len(sound) - round(start * RATE)]
    random = np.random.default_rng(seed)
    shots = random.integers(40, 220, (round(seconds / 4) + 1, 8, 12, 3)).repeat(8, axis=1).repeat(8, axis=2)

    def picture(number: int) -> npt.NDArray[np.uint8]:
        shown = shots[number // 96].astype(np.uint8)
        shown[20:40, number % 80 : number % 80 + 12] = 255
        return shown

    write(path, map(picture, range(round(seconds * FPS))), fps=FPS, size=(96, 64), sound=(sound, RATE))


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two films with songs, one without, and what only looks like films; recordings, MIDI files, and a list."""
    place = tmp_path_factory.mktemp("cinema")
    for folder in ("films", "recordings", "midi"):
        (place / folder).mkdir()
    for title in KNOWN:
        data, audio = played(title)
        soundfile.write(place / "recordings" / f"Ada Example - {title}.flac", audio, RATE)
        (place / "midi" / f"{title}.mid").write_bytes(data)
    film(place / "films" / "The Bridge (1961).mp4", 60, {KNOWN[0]: (10, 20, 5), KNOWN[1]: (36, 16, 2)}, 1)
    film(place / "films" / "The Bridge II (1965).mp4", 40, {KNOWN[2]: (8, 25, 0)}, 2)
    film(place / "films" / "Talk.mp4", 30, {UNKNOWN: (5, 20, 0)}, 3)
    write(place / "films" / "Mute.mp4", (np.full((64, 96, 3), n, np.uint8) for n in range(48)), fps=FPS, size=(96, 64))
    whole = (place / "films" / "Talk.mp4").read_bytes()
    (place / "films" / "Broken.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    lines = (
        "film,year,song,artist",
        "The Bridge,1961,Amazing Grace,Ada Example",
        "The Bridge,1961,Nobody Has This,",
        "Other,1990,X,",
    )
    (place / "songs.csv").write_text("\n".join(lines))
    return place


def sources(place: Path) -> list[str]:
    kinds = [f"{kind}={place / kind}" for kind in ("films", "recordings", "midi")]
    return [*kinds, f"lists={place / 'songs.csv'}"]


def built(place: Path, to: Path, *settings: str) -> Run:
    return build(load("film-music").changed(settings), sources(place), to)


@pytest.fixture(scope="module")
def made(cinema: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    to = tmp_path_factory.mktemp("made") / "dataset"
    built(cinema, to, "plan_clips.negatives=1", "plan_clips.copies=1", "plan_clips.longest=12")
    return Dataset(to)


def rows(dataset: Dataset, sql: str) -> list[dict[str, Any]]:
    return dataset.query(sql).to_arrow_table().to_pylist()  # type: ignore[no-any-return]


# What is found


def test_every_song_is_found_where_it_plays_and_nothing_else(made: Dataset) -> None:
    found = rows(made, "SELECT film, title, film_start, film_end, song_start, speed FROM moments ORDER BY film, film_start")
    assert [(one["film"], one["title"]) for one in found] == [
        ("The Bridge", KNOWN[0]),
        ("The Bridge", KNOWN[1]),
        ("The Bridge II", KNOWN[2]),
    ]
    for one, (start, length, own) in zip(found, ((10, 20, 5), (36, 16, 2), (8, 25, 0)), strict=True):
        assert one["film_start"] == pytest.approx(start, abs=1)
        assert one["film_end"] == pytest.approx(start + length, abs=1)
        middle = start + length / 2
        assert one["song_start"] + one["speed"] * (middle - one["film_start"]) == pytest.approx(own + length / 2, abs=0.05)


def test_films_that_cannot_be_used_say_why(made: Dataset) -> None:
    told = {
        one["path"].rpartition("/")[2]: one["reason"]
        for one in rows(made, "SELECT path, reason FROM work WHERE status = 'dropped'")
    }
    assert told["Mute.mp4"] == "no_sound"
    assert told["Broken.mp4"] == "truncated"
    assert told["Talk.mp4"] == "no_song_heard"


def test_lists_say_which_film_uses_what_and_names_find_the_files(made: Dataset) -> None:
    listed = rows(made, "SELECT film, title, told_by FROM film_songs ORDER BY title")
    assert [(one["film"], one["title"]) for one in listed] == [("The Bridge", "Amazing Grace"), ("The Bridge", "Nobody Has This")]
    matched = rows(made, "SELECT what, item_path, probability, evidence FROM matches ORDER BY what")
    assert [one["what"] for one in matched] == ["midi", "recording"]
    assert all("Amazing Grace" in one["item_path"] and one["probability"] > 0.5 and one["evidence"] for one in matched)
    assert [one["title"] for one in rows(made, "SELECT title FROM moments WHERE listed")] == ["Amazing Grace"]


# Clips


def test_a_clip_has_picture_sound_recording_and_notes_on_one_clock(made: Dataset) -> None:
    clips = rows(made, "SELECT * FROM clips WHERE kind = 'positive' AND changes = '[]' ORDER BY id")
    assert len(clips) == 2 + 2 + 3  # of 20, 16 and 25 s, none longer than 12
    for one in clips:
        assert one["frames"] == round(one["seconds"] * 24)
        heard, rate = render.decode(made.media.path(one["audio"]))
        assert len(heard) / rate == pytest.approx(one["seconds"], abs=1 / rate)
        score = midi.read(made.media.read(one["midi"]))
        onsets = score.tempo_map.to_seconds(np.unique(score.notes["start"]))
        written = midi.read(played(one["title"])[0])
        known = np.unique(written.tempo_map.to_seconds(np.unique(written.notes["start"]))) - one["song_start"]
        off = np.abs(onsets[1:, None] - known[None, :]).min(axis=1)  # the first may be held into the clip
        assert np.median(off) < 0.015
        assert off.max() < 0.06
        assert onsets.min() >= 0
        assert onsets.max() <= one["seconds"]
        assert one["notes"] == len(score.notes)
        assert {"symbolic", "sounding", "visual"} <= {name for name in one if one[name]}
        assert json.loads(one["visual"])["motion"] > 0


def test_negatives_are_marked_and_no_hidden_positives(made: Dataset) -> None:
    negatives = rows(made, "SELECT * FROM clips WHERE kind = 'negative'")
    assert negatives
    of = {one["id"]: one for one in rows(made, "SELECT * FROM planned_clips")}
    for one in negatives:
        true = of[one["negative_of"]]
        assert one["negative"] in ("same_film_other_moment", "other_song")
        if one["negative"] == "other_song":
            assert (one["film"], one["start"]) == (true["film"], pytest.approx(true["start"], abs=1e-6))
            assert one["title"] != true["title"]
        else:
            assert one["film"] == true["film"]
            assert one["end"] <= true["start"] + 1e-6 or one["start"] >= true["end"] - 1e-6
        assert one["film_audio"] is None  # it would give away which music belongs there


def test_changed_copies_say_what_was_changed(made: Dataset) -> None:
    copies = rows(made, "SELECT * FROM clips WHERE kind = 'positive' AND changes <> '[]'")
    assert copies
    for one in copies:
        assert all(change["kind"] for change in json.loads(one["changes"]))


# What is done again


def test_nothing_is_done_twice_and_a_new_film_does_one(cinema: Path, made: Dataset, tmp_path: Path) -> None:
    place = tmp_path / "cinema"
    shutil.copytree(cinema, place)
    first = built(place, tmp_path / "data", "pair.media=false")
    again = built(place, tmp_path / "data", "pair.media=false")
    assert first.done_now > 0
    assert again.done_now == 0
    film(place / "films" / "Third.mp4", 30, {KNOWN[1]: (5, 20, 0)}, 4)
    third = built(place, tmp_path / "data", "pair.media=false")
    done = {stage.name: stage.done_now for stage in third.stages}
    assert (done["read_films"], done["read_recordings"], done["clean"], done["align"]) == (1, 0, 0, 0)
    assert done["find_shots"] == 1


def test_features_only_writes_no_media_of_films(cinema: Path, tmp_path: Path) -> None:
    built(cinema, tmp_path / "data", "pair.media=false")
    (one, *_) = rows(Dataset(tmp_path / "data"), "SELECT * FROM clips")
    assert [one[name] for name in ("video", "audio", "film_audio", "midi", "midi_unwarped")] == [None] * 5
    assert all(one[name] for name in ("visual", "sounding", "symbolic"))
    kept = {path.suffix for path in (tmp_path / "data" / "media").rglob("*") if path.is_file()}
    assert kept == {".sound"}


# Judgements


def test_what_a_person_said_is_respected(cinema: Path, tmp_path: Path) -> None:
    to = tmp_path / "data"
    built(cinema, to, "pair.media=false")
    shown = items(Dataset(to))
    assert len(shown) == 3
    playing = Playing(Dataset(to))
    for kind, told in (("film", "video/mp4"), ("recording", "audio/flac"), ("midi", "audio/flac")):
        data, what = playing(shown[0], kind)
        assert what == told
        assert len(data) > 1000
    labels = reviewing.Labels.open(to / "judgements.jsonl")
    gone, kept = (next(one for one in shown if one.song == title) for title in (KNOWN[1], KNOWN[2]))
    labels.add(gone.stamp, "no", by="a tester")
    labels.add(kept.stamp, "yes", by="a tester")
    built(cinema, to, "pair.media=false", "locate_songs.least=0.999999")
    left = rows(Dataset(to), "SELECT title, judged FROM moments")
    assert {"title": KNOWN[2], "judged": "yes"} in left
    assert all(one["title"] != KNOWN[1] for one in left)


def test_renamed_files_keep_their_moments_clips_and_judgements(cinema: Path, tmp_path: Path) -> None:
    place, to = tmp_path / "cinema", tmp_path / "data"
    shutil.copytree(cinema, place)
    built(place, to, "pair.media=false")
    labels = reviewing.Labels.open(to / "judgements.jsonl")
    for one in items(Dataset(to)):
        labels.add(one.stamp, "yes")
    (place / "recordings" / f"Ada Example - {KNOWN[0]}.flac").rename(place / "recordings" / f"{KNOWN[0]}, again.flac")
    (place / "films" / "The Bridge II (1965).mp4").rename(place / "films" / "Bridge 2.mp4")
    (place / "midi" / f"{KNOWN[1]}.mid").rename(place / "midi" / f"{KNOWN[1]}, 2.mid")
    again = built(place, to, "pair.media=false", "pair.side=64")
    assert again.failed == 0
    assert rows(Dataset(to), "SELECT status FROM work WHERE status IN ('unanswered', 'failed')") == []
    assert {one["judged"] for one in rows(Dataset(to), "SELECT judged FROM clips")} == {"yes"}
    built(place, tmp_path / "fresh", "pair.media=false", "pair.side=64")
    told = "SELECT title, start, notes, midi_sha256 FROM clips ORDER BY title, start"
    assert rows(Dataset(to), told) == rows(Dataset(tmp_path / "fresh"), told)
    assert main(["check", str(to)]) == 0


# The commands


def test_the_small_tools_on_single_files(cinema: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bridge = str(cinema / "films" / "The Bridge (1961).mp4")

    def told(*arguments: str, code: int = 0) -> Any:
        assert main([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    songs = told("film", "songs", bridge, "--list", str(cinema / "songs.csv"))
    assert [one["title"] for one in songs["songs"]] == ["Amazing Grace", "Nobody Has This"]
    assert told("film", "match", str(cinema / "songs.csv"), str(cinema / "midi"))["matched"] == 1
    placed = told("film", "locate", bridge, str(cinema / "recordings"))["placements"]
    assert [Path(one["song"]).stem.rpartition(" - ")[2] for one in placed] == list(KNOWN[:2])
    fits = told(
        "film", "align", str(cinema / "midi" / f"{KNOWN[0]}.mid"), str(cinema / "recordings" / f"Ada Example - {KNOWN[0]}.flac")
    )
    assert fits["accepted"]
    other = str(cinema / "recordings" / f"Ada Example - {KNOWN[1]}.flac")
    assert not told("film", "align", str(cinema / "midi" / f"{KNOWN[0]}.mid"), other, code=1)["accepted"]
    shots = told("film", "shots", bridge)["shots"]
    assert [round(one["start"]) for one in shots] == list(range(0, 60, 4))


def test_a_broken_film_can_be_kept_and_says_that_it_breaks_off(cinema: Path, tmp_path: Path) -> None:
    recipe = parse({"name": "films", "stages": ["collect", {"read_films": {"truncated": "keep"}}]}, "here")
    mute, broken = cinema / "films" / "Mute.mp4", tmp_path / "films" / "Broken.mkv"
    broken.parent.mkdir()
    _copied(cinema / "films" / "Talk.mp4", broken)
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    build(recipe, [f"films={broken.parent}", f"films={mute}"], tmp_path / "data")
    (kept,) = rows(Dataset(tmp_path / "data"), "SELECT path, remarks FROM movies")
    assert kept["path"] == "films/Broken.mkv"
    assert any("cut off" in remark or "are there" in remark for remark in kept["remarks"])


def test_silent_films_say_so_and_uneven_ones_are_kept_or_left_as_asked(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    numbered(films / "silent.mp4", sound=np.zeros(5 * 44100, np.float32))
    numbered(films / "uneven.mkv", stamps=[n + n // 3 for n in range(120)])
    for asked, kept in (("keep", True), ("drop", False)):
        recipe = parse({"name": "films", "stages": ["collect", {"read_films": {"unsteady": asked}}]}, "here")
        build(recipe, [f"films={films}"], tmp_path / asked)
        told = rows(Dataset(tmp_path / asked), "SELECT path, reason FROM work WHERE status = 'dropped' ORDER BY path")
        reasons = {one["path"].rpartition("/")[2]: one["reason"] for one in told}
        assert reasons == {"silent.mp4": "silent"} | ({} if kept else {"uneven.mkv": "unsteady"})
        assert [one["steady"] for one in rows(Dataset(tmp_path / asked), "SELECT steady FROM movies")] == [False] * kept


def _copied(film: Path, to: Path) -> None:
    with av.open(str(film)) as source, av.open(str(to), "w") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)


def test_an_exported_moment_tells_tempo_and_key(made: Dataset) -> None:
    told = [example.facts for example in Reading(made, Wanted())()]
    assert told
    for facts in told:
        assert 40 < facts["tempo"] < 250
        assert facts["key"].split()[-1] in ("major", "minor")
        assert -60 < facts["lufs"] < 0
