"""From MIDI to films that were measured: planned by a mapping, painted or rendered by servers, heard, checked, exported."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from motet import Dataset, UserError, midi
from motet.cli import main
from motet.demo import TUNES, arrange, to_midi
from motet.exporting import export
from motet.recipe import load
from motet.report import write_report
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.watch import Run
from motet.video.deforum.result import check
from video.deforum_server import Faults, servers

SHORT = ["render_stems.rate=16000", "map_video.seconds=8", "map_video.most=2", "map_video.width=128", "map_video.height=128"]
SMALL = ["--seconds", "6", "--size", "128x128"]
DRUMLESS, DRUMMED = "Amazing Grace", "Greensleeves"


def tunes(folder: Path, *titles: str) -> Path:
    folder.mkdir()
    for tune in TUNES:
        if tune.title in titles:
            (folder / f"{tune.title}.mid").write_bytes(to_midi(arrange(tune)))
    return folder


def built(root: Path, source: Path, *settings: str) -> Run:
    with LocalEngine(workers=2) as engine:
        return build(load("midi-video").changed([*SHORT, *settings]), [source], root / "data", engine=engine)


def rows(data: Dataset, sql: str) -> list[dict[str, Any]]:
    return data.query(sql).to_arrow_table().to_pylist()


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Run]:
    root = tmp_path_factory.mktemp("films")
    run = built(root, tunes(root / "tunes", DRUMMED, "Auld Lang Syne"))
    return Dataset(root / "data"), run


def test_every_film_holds_its_window_and_no_more(films: tuple[Dataset, Run]) -> None:
    data, _ = films
    found = rows(data, "SELECT p.*, f.video, f.sound, f.seconds FROM films f JOIN plans p ON p.id = f.id ORDER BY p.id")
    assert len(found) == 4
    for one in found:
        check(data.media.path(one["video"]), frames=one["frames"], size=(128, 128), fps=Fraction(24))
        assert 0 <= one["frames"] / 24 - (one["end"] - one["start"]) < 1 / 24
        score = midi.read(data.media.read(one["midi"]))
        assert score.duration <= one["end"] - one["start"] + 1e-6
        with av.open(str(data.media.path(one["sound"]))) as heard:
            assert heard.streams.audio[0].duration is not None
            assert float(heard.duration / 1e6) == pytest.approx(one["end"] - one["start"], abs=0.1)
        with av.open(str(data.media.path(one["video"]))) as seen:
            assert [stream.codec_context.name for stream in seen.streams] == ["h264", "aac"]


def test_windows_lie_between_bar_lines_of_the_song(films: tuple[Dataset, Run]) -> None:
    data, _ = films
    for one in rows(data, "SELECT p.*, m.path AS song FROM plans p JOIN mixes m ON m.source = p.source"):
        (stem, *_) = rows(data, f"SELECT midi FROM stems WHERE source = '{one['source']}'")
        clock = midi.read(data.media.read(stem["midi"])).tempo_map
        assert clock.to_bars([one["start_tick"], one["end_tick"]])[1].tolist() == [0, 0]
        assert clock.to_bars(one["start_tick"])[0] == one["first_bar"] - 1
        assert one["end"] - one["start"] <= 8


def test_what_was_planned_is_seen_and_heard_in_the_finished_file(films: tuple[Dataset, Run]) -> None:
    data, _ = films
    found = rows(data, "SELECT * FROM sync_checks")
    assert len(found) == 4
    assert sum(one["judged"] for one in found) > 40
    for one in found:
        assert one["faults"] == []
        assert one["f1"] is None or one["f1"] >= 0.95
        assert one["error_ms_worst"] is None or one["error_ms_worst"] <= 1000 / 48 + 1000 / 24
        assert one["audio_f1"] is None or one["audio_f1"] > 0.5


def test_the_manifest_is_a_parseq_document_with_our_own_account(films: tuple[Dataset, Run]) -> None:
    data, _ = films
    (one, *_) = rows(data, "SELECT * FROM plans")
    manifest = json.loads(data.media.read(one["manifest"]))
    assert len(manifest["rendered_frames"]) == one["frames"]
    assert len(manifest["motet"]["events"]) == one["events"]
    assert set(manifest["managedFields"]) <= manifest["rendered_frames"][0].keys()


def test_the_page_of_a_run_shows_films_to_watch(films: tuple[Dataset, Run]) -> None:
    data, run = films
    page = write_report(data.folder, run.folder).read_text("utf-8")
    assert page.count('"mime":"video/mp4"') == 4
    assert page.count('<div class="screen"><img') == 4
    assert "seen where planned" in page


def test_films_leave_beside_their_notes_and_sound(films: tuple[Dataset, Run], tmp_path: Path) -> None:
    data, _ = films
    written = export(data, "midi-video", tmp_path / "out")
    for suffix in (".mp4", ".mid", ".mp3", ".parseq.json"):
        assert sum(name.endswith(suffix) for name in written.files) == 4
    told = [json.loads(line) for line in (tmp_path / "out" / "metadata.jsonl").read_text().splitlines()]
    assert {one["song"] for one in told} == {f"tunes/{DRUMMED}.mid", "tunes/Auld Lang Syne.mid"}
    assert len({(one["song"], one["split"]) for one in told}) == 2, "a song is in one split"


@pytest.mark.slow
def test_a_mapping_of_ones_own_makes_films_anew_when_it_changes(tmp_path: Path) -> None:
    source = tunes(tmp_path / "tunes", DRUMMED)
    mapping = tmp_path / "mine.yaml"
    text = "name: mine\nabout: bass\nrules:\n  - {notes: {role: bass}, field: translation_x, shape: impulse, value: [2, 6]}\n"
    mapping.write_text(text)
    films = [f"map_video.mapping={mapping}", "map_video.most=1"]
    assert built(tmp_path, source, *films).changed
    left = tmp_path / "data" / "cache" / "render_video" / "tmp1234"  # by a build that was killed
    left.mkdir()
    assert not built(tmp_path, source, *films).changed
    assert not left.exists()
    moved = mapping.rename(tmp_path / "moved.yaml")
    assert built(tmp_path, source, f"map_video.mapping={moved}", "map_video.most=1").done_now == 0
    moved.write_text(text.replace("[2, 6]", "[4, 9]"))
    again = built(tmp_path, source, f"map_video.mapping={moved}", "map_video.most=1")
    assert {stage.name: stage.done_now for stage in again.stages if stage.done_now} == {
        "map_video": 1, "exclude_plans": 1, "render_video": 1, "check_sync": 1,
    }  # fmt: skip


def test_a_song_without_drums_says_so_under_a_mapping_of_drums(tmp_path: Path) -> None:
    source = tunes(tmp_path / "tunes", DRUMLESS)
    (source / f"{DRUMLESS}.mid").write_bytes(_without_drums(source / f"{DRUMLESS}.mid"))
    built(tmp_path, source, "map_video.mapping=v2midi")
    told = rows(Dataset(tmp_path / "data"), "SELECT reason, detail FROM work WHERE stage = 'map_video'")
    assert told[0]["reason"] == "no_mapped_notes"
    assert "none of the song's notes" in told[0]["detail"]


def _without_drums(file: Path) -> bytes:
    score = midi.read(file.read_bytes()).symusic
    score.tracks = [track for track in score.tracks if not track.is_drum]
    return bytes(score.dumps_midi())


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("map_video.mapping=nonsense", "no mapping 'nonsense'"),
        ("map_video.theme=nonsense", "There is no theme 'nonsense'"),
        ("map_video.mood=nonsense", "There is no mood 'nonsense'"),
        ("map_video.width=255", "even"),
        ("render_video.renderer=deforum", "needs servers"),
        ("render_video.renderer=diffusion", "needs a model"),
        ('render_video.servers=["http://me:secret@127.0.0.1:1"]', "MOTET_DEFORUM_SERVERS"),
    ],
)
def test_a_mistake_is_told_before_work_begins(tmp_path: Path, setting: str, told: str) -> None:
    (tmp_path / "tunes").mkdir()
    with pytest.raises(UserError, match=told) as caught:
        built(tmp_path, tmp_path / "tunes", setting)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    assert not (tmp_path / "data" / "work").exists()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (['render_video.servers=["nonsense"]'], "address"),
        (['render_video.servers=["http://127.0.0.1:9"]', 'render_video.changes={"W": 512}'], "leave it out"),
        (['render_video.servers=["http://127.0.0.1:9"]', 'render_video.changes={"stepps": 3}'], "steps is the nearest"),
    ],
)
def test_servers_and_their_settings_are_checked_before_work_begins(tmp_path: Path, settings: list[str], told: str) -> None:
    source = tunes(tmp_path / "tunes", DRUMMED)
    with pytest.raises(UserError, match=told):
        built(tmp_path, source, "render_video.renderer=deforum", *settings)
    assert not (tmp_path / "data" / "media").exists()


@pytest.mark.slow
def test_addresses_with_passwords_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tunes(tmp_path / "tunes", DRUMMED)
    with servers(tmp_path, 1) as (server,):
        server.password = "hunter2"
        monkeypatch.setenv("MOTET_DEFORUM_SERVERS", server.url)
        built(tmp_path, source, "render_video.renderer=deforum", "map_video.most=1", "check_sync.faulty=keep")
    assert sum(server.made.values()) == 1
    held = b"".join(path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file())
    assert b"hunter2" not in held


@pytest.mark.slow
def test_servers_render_each_film_once_and_the_mix_is_its_sound(tmp_path: Path) -> None:
    source = tunes(tmp_path / "tunes", DRUMMED, "Auld Lang Syne")
    faults = {1: "RETRYABLE", 3: "wrong frames"}
    with servers(tmp_path, 2, lambda number: Faults(lambda settings, posted: faults.get(posted, ""), seed=number)) as found:
        addresses = json.dumps([server.url for server in found])
        run = built(
            tmp_path, source, "render_video.renderer=deforum", f"render_video.servers={addresses}", "check_sync.faulty=keep"
        )
    assert run.failed == 0
    data = Dataset(tmp_path / "data")
    films = rows(data, "SELECT f.*, p.seed FROM films f JOIN plans p ON p.id = f.id")
    assert len(films) == 4
    made = found[0].made + found[1].made
    assert sorted(made.values()) == [1] * 4
    assert max(server.together for server in found) == 1
    for film in films:
        with av.open(str(data.media.path(film["video"]))) as seen:
            assert [stream.codec_context.name for stream in seen.streams] == ["h264", "aac"]
    # Grey pictures of a server that listens to nothing follow no notes.
    assert all(one["faults"] for one in rows(data, "SELECT faults FROM sync_checks"))


def test_one_song_is_painted_and_measured_by_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = tunes(tmp_path / "tunes", DRUMMED) / f"{DRUMMED}.mid"
    film = tmp_path / "film.mp4"
    assert main(["video", "paint", str(song), "--to", str(film), *SMALL, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["film.mp4", "film.parseq.json"]
    assert main(["video", "paint", str(song), "--to", str(tmp_path / "all"), "--most", "1", *SMALL]) == 0
    assert sorted(file.suffix for file in (tmp_path / "all").iterdir()) == [".json", ".mid", ".mp3", ".mp4"]
    capsys.readouterr()
    check(film, frames=told["frames"], size=(128, 128), fps=Fraction(24))
    assert main(["video", "check", str(film)]) == 0
    assert "are seen at their frame" in capsys.readouterr().out
    before = film.read_bytes()
    plan = tmp_path / "film.parseq.json"
    assert main(["video", "paint", str(plan), "--to", str(film), "--sound", str(next((tmp_path / "all").glob("*.mp3")))]) == 0
    assert main(["video", "check", str(film), "--json"]) == 0
    assert film.read_bytes() != before, "its sound went through MP3"
    assert main(["video", "parseq", str(plan)]) == 0
    assert "is sound" in capsys.readouterr().out


def test_a_film_beside_its_song_leaves_the_song_alone(tmp_path: Path) -> None:
    song = tunes(tmp_path / "tunes", DRUMMED) / f"{DRUMMED}.mid"
    before = song.read_bytes()
    short = ["--seconds", "4", "--size", "64x64"]
    assert main(["video", "paint", str(song), "--to", str(song.with_suffix(".mp4")), *short]) == 0
    assert song.read_bytes() == before
    mine = song.with_name("mine.parseq.json")
    mine.write_text("{}")
    assert main(["video", "paint", str(song), "--to", str(song.with_name("mine.mp4")), *short]) == 2
    assert mine.read_text() == "{}"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["paint", "song.mid", "--to", "x.mp4", "--size", "63x64"], "even numbers from 64 to 4096"),
        (["paint", "song.mid", "--to", "x.mp4", "--fps", "1/0"], "no frame rate"),
        (["paint", "empty.mid", "--to", "x.mp4"], "has no notes"),
        (["paint", "song.mid", "--to", "x.mp4", "--mapping", "nonsense"], "no mapping 'nonsense'"),
        (["parseq", "deep.json"], "deep.json"),
        (["check", "song.mid"], "There is no plan"),
        (["check", "song.mid", "--plan", "plan.json"], "plan.json"),
        (["check", "gone.mp4"], "There is no film gone.mp4"),
        (["paint", "song.mid", "--to", "x.mp4", "--mood", "zebra"], "There is no mood 'zebra'"),
        (["paint", "song.mid", "--to", "x.avi"], "MP4"),
        (["paint", "plan.json", "--to", "x.mp4", "--mood", "calm"], "--mood is for MIDI files"),
        (["paint", "song.mid", "--to", "song.mid"], "is no folder"),
        (["deforum", "plans"], "no folder of plans"),
        (["serve", "--command", "true", "--devices", "cpu"], "{port}"),
        (["servers"], "No server is named"),
        (["servers", "--url", "http://me:secret@127.0.0.1:9"], ""),
    ],
)
def test_a_mistake_in_a_command_is_one_sentence(
    tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.mid").write_bytes(to_midi(arrange(TUNES[0])))
    (tmp_path / "empty.mid").write_bytes(b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "plan.json").write_text('{"keyframes": [{"frame": 0}, {"frame": 5}]}')
    assert main(["video", *words]) in (1, 2)
    out, error = capsys.readouterr()
    said = (out + error).strip()
    assert said.count("\n") == 0
    assert told in said
    assert "secret" not in said
    assert not (tmp_path / "x.mp4").exists()


def test_plans_in_a_folder_are_rendered_by_servers_with_the_sound_beside_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song = tunes(tmp_path / "tunes", DRUMMED) / f"{DRUMMED}.mid"
    plans = tmp_path / "plans"
    assert main(["video", "parseq", str(song), "--to", str(plans), "--most", "2", *SMALL]) == 0
    first, second = sorted(plans.glob("*.parseq.json"))
    sound = first.with_name(first.name.replace(".parseq.json", ".wav"))
    soundfile.write(sound, np.zeros((44100 * 6, 2), np.float32), 44100)
    with servers(tmp_path, 1) as (server,), servers(tmp_path / "locked", 1) as (locked,):
        locked.password = "secret"
        words = ["video", "deforum", str(plans), "--url", locked.url.replace("me:secret@", ""), "--url", server.url]
        assert main(words) == 0
        out, error = capsys.readouterr()
        assert "2 films, 0 failures" in out
        assert "wants a name and a password" in error
        assert main(words) == 0, "nothing is rendered again"
        assert sorted(server.made.values()) == [1, 1]
    for plan, streams in ((first, ["h264", "aac"]), (second, ["h264"])):
        with av.open(str(plan.with_name(plan.name.replace(".parseq.json", ".mp4")))) as seen:
            assert [stream.codec_context.name for stream in seen.streams] == streams
