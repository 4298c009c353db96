"""From recordings to clips a MusicGen trains on: an album of our own renders, its twins, its faults and its odd files."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from audio.tiny_models import keep, transformer
from motet import Dataset, midi, render
from motet.cli import main
from motet.clips import clip_audio
from motet.demo import TUNES, arrange, to_midi
from motet.exporting import export
from motet.recipe import load
from motet.report import write_report
from motet.run.build import build
from motet.run.engine import LocalEngine
from motet.run.watch import Run

pytestmark = pytest.mark.slow  # half a minute for its recordings; the rooms it joins are tested in tests/audio

Audio = npt.NDArray[np.float32]
ALBUM = ("Amazing Grace", "Auld Lang Syne", "Greensleeves")


def rendered(title: str, folder: Path) -> tuple[Audio, int]:
    """A tune of the demo, played by the default rack."""
    tune = next(one for one in TUNES if one.title == title)
    (folder / f"{title}.mid").write_bytes(to_midi(arrange(tune)))
    assert main(["render", str(folder / f"{title}.mid"), "--to", str(folder / title), "--json"]) == 0
    (mix,) = (file for file in (folder / title).rglob("*.flac") if "mix" in file.name)
    return soundfile.read(mix, dtype="float32", always_2d=True)  # type: ignore[no-any-return]


def sung(seconds: float, rate: int) -> Audio:
    """A voice of our own: a buzz with vibrato through two moving formants."""
    time = np.arange(round(seconds * rate)) / rate
    pitch = 220 * 2 ** (np.floor(time) % 5 / 12) * (1 + 0.02 * np.sin(2 * np.pi * 5.5 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    formants = (700 + 200 * np.sin(2 * np.pi * 0.7 * time), 1200 + 300 * np.sin(2 * np.pi * 0.9 * time))
    wave = np.zeros_like(time)
    for harmonic in range(1, 25):
        strength = sum(np.exp(-(((harmonic * pitch - formant) / 250) ** 2)) for formant in formants)
        wave += strength * np.sin(harmonic * phase)
    return (0.2 * wave / np.abs(wave).max()).astype(np.float32)


def encoded(audio: Audio, rate: int, suffix: str, **tags: str) -> bytes:
    """A file of any kind PyAV writes, with tags."""
    stream = io.BytesIO()
    codec = {"mp3": "libmp3lame", "m4a": "aac", "opus": "libopus", "mka": "flac"}[suffix]
    container = {"m4a": "ipod", "mka": "matroska"}.get(suffix, suffix)
    with av.open(stream, "w", format=container) as file:
        file.metadata.update(tags)
        track = file.add_stream(codec, rate=48_000 if suffix == "opus" else rate, layout="stereo")
        resampler = av.AudioResampler(format=track.format, layout="stereo", rate=track.rate, frame_size=track.frame_size)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio.T), format="fltp", layout="stereo")
        frame.rate = rate
        for made in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(track.encode(made))
        file.mux(track.encode(None))
    return stream.getvalue()


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three songs, one of them again as MP3 and as another FLAC, one sung over, and what only looks like recordings."""
    aside, folder = tmp_path_factory.mktemp("aside"), tmp_path_factory.mktemp("album")
    for title in ALBUM:
        audio, rate = rendered(title, aside)
        audio = audio[: 64 * rate]
        soundfile.write(folder / f"{title}.flac", audio, rate)
        if title == ALBUM[0]:
            (folder / "Grace again.mp3").write_bytes(encoded(audio, rate, "mp3", artist="Ada Example", title="Grace"))
            soundfile.write(folder / "Grace once more.wav", audio, rate, subtype="PCM_16")
        if title == ALBUM[1]:
            voice = sung(40, rate)[:, None]
            soundfile.write(folder / "Syne sung.wav", audio[10 * rate : 50 * rate] * 0.5 + voice, rate, subtype="FLOAT")
            (folder / "Syne tagged.m4a").write_bytes(
                encoded(
                    audio[: 40 * rate] * 0.3, rate, "m4a", artist="Ben Sample", title="Sign", genre="Folk", copyright="CC BY 4.0"
                )
            )
        if title == ALBUM[2]:
            soundfile.write(folder / "Sleeves, from 20 s.flac", audio[20 * rate : 50 * rate], rate)
    (folder / "cut.mp3").write_bytes((folder / "Grace again.mp3").read_bytes()[:40_000])
    (folder / "empty.wav").write_bytes(b"")
    (folder / "page.mp3").write_bytes(b"<!DOCTYPE html><html><title>404</title></html>")
    soundfile.write(folder / "silence.flac", np.zeros((40 * 8000, 1), np.float32), 8000)
    short = 0.1 * np.sin(np.arange(3 * 16_000) / 9)
    soundfile.write(folder / "short.ogg", short, 16_000)
    noise = np.random.default_rng(1).uniform(-1, 1, (40 * 11_025, 1))
    soundfile.write(folder / "clipped.wav", np.clip(noise * 3, -1, 1), 11_025, subtype="PCM_16")
    return folder


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(1) as one:
        yield one


def built(sources: list[Path], to: Path, engine: LocalEngine, *settings: str) -> Run:
    recipe = load("musicgen").changed(["separate.method=none", *settings])
    return build(recipe, sources, to, engine=engine)


@pytest.fixture(scope="module")
def made(album: Path, tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> Path:
    to = tmp_path_factory.mktemp("made") / "data"
    run = built([album], to, engine)
    assert not run.failed
    return to


def rows(data: Path, sql: str) -> list[Any]:
    return Dataset(data).query(sql).fetchall()


def test_every_file_is_clips_or_a_reason(album: Path, made: Path) -> None:
    kept = {Path(path).name for (path,) in rows(made, "SELECT DISTINCT path FROM captions")}
    told = dict(rows(made, "SELECT path, reason FROM work WHERE status <> 'ok' ORDER BY path"))
    told = {Path(path).name: reason for path, reason in told.items()}
    assert {file.name for file in album.iterdir()} <= kept | told.keys()
    assert told["silence.flac"] == "silent"
    assert told["empty.wav"] == "empty"
    assert told["page.mp3"] == "web_page"
    assert told["short.ogg"] == told["cut.mp3"] == "too_short"
    assert told["clipped.wav"] == "clipped"


def test_one_of_several_equal_recordings_stays(made: Path) -> None:
    twins = rows(made, "SELECT level, path, other_path FROM twins WHERE removed ORDER BY path")
    named = {(level, Path(path).name, Path(other).name) for level, path, other in twins}
    assert ("near", "Grace again.mp3", "Amazing Grace.flac") in named
    assert ("same_sound", "Grace once more.wav", "Amazing Grace.flac") in named


def test_a_part_of_a_recording_is_linked_and_shares_its_family(made: Path) -> None:
    for name, begins in (("tagged", 0), ("from 20 s", -20)):
        (found,) = rows(made, f"SELECT contained, removed, family, other, \"offset\" FROM twins WHERE path LIKE '%{name}%'")
        assert found[:2] == ("this", False)
        assert found[2] == found[3]
        assert abs(found[4] - begins) < 0.1


def test_chunks_follow_each_other_to_the_sample(made: Path) -> None:
    for (name,) in rows(made, "SELECT DISTINCT path FROM chunks"):
        spans = rows(made, f"SELECT start_frame, end_frame FROM chunks WHERE path = '{name}' ORDER BY index")
        ((frames,),) = rows(made, f"SELECT frames FROM separated WHERE path = '{name}'")
        assert spans[0][0] == 0
        assert spans[-1][1] == frames
        assert all(before[1] == after[0] for before, after in pairwise(spans))


def test_clips_are_mono_at_32_khz_as_loud_as_asked_and_never_over_the_ceiling(made: Path) -> None:
    data = Dataset(made)
    clips = data.query("SELECT * FROM clips").to_arrow_table().to_pylist()
    assert clips
    for clip in clips:
        audio, rate = clip_audio(data, clip)
        assert (rate, audio.shape[1]) == (32_000, 1)
        assert 15 <= len(audio) / rate <= 45
        peak = 20 * np.log10(render.true_peak(audio))
        assert peak <= -0.99
        lufs = render.integrated_loudness(audio, rate)
        assert lufs is not None
        assert abs(lufs + 16) < 0.1 or peak > -1.1


def test_what_is_heard_is_what_was_written(made: Path) -> None:
    """The tempo of each clip is the score's there or another level of its metre, to 4 %; its key the song's."""
    heard = []
    for title in ALBUM:
        score = midi.read(to_midi(arrange(next(one for one in TUNES if one.title == title))))
        song = midi.describe(midi.Passage.whole(score))
        for start, bpm, key in rows(made, f"SELECT start, tempo, key FROM clips WHERE path LIKE '%{title}.flac'"):
            first, last = score.tempo_map.from_seconds([start + 2, start + 12]).tolist()
            quarters = (last - first) / score.tempo_map.division * 6  # in a minute
            levels = [quarters * factor for factor in (1 / 2, 2 / 3, 1, 2)]
            heard.append((bpm is not None and any(abs(bpm / level - 1) < 0.04 for level in levels), key == song.key.name))
    assert len(heard) == 6
    assert sum(tempo for tempo, _ in heard) >= 5
    assert sum(key for _, key in heard) >= 5


def test_a_file_s_own_tags_are_facts_with_a_source_and_nothing_is_invented(made: Path) -> None:
    ((genres, sources, licence, artist),) = rows(
        made, "SELECT DISTINCT genres, tag_sources, licence, artist FROM clips WHERE path LIKE '%tagged%'"
    )
    assert (genres, set(sources), licence, artist) == (["folk"], {"file"}, "cc-by-4.0", "Ben Sample")
    for genres, moods, instruments, empty in rows(
        made, "SELECT genres, moods, instruments, left_empty FROM clips WHERE path LIKE '%Greensleeves%'"
    ):
        assert genres == moods == instruments == []
        assert {line.partition(":")[0] for line in empty} == {"genres", "moods", "instruments"}


def test_the_same_again_does_nothing_and_a_song_more_does_one(
    album: Path, made: Path, engine: LocalEngine, tmp_path: Path
) -> None:
    more = tmp_path / "more"
    more.mkdir()
    audio, rate = soundfile.read(album / "Greensleeves.flac", dtype="float32", always_2d=True)
    soundfile.write(more / "slower.flac", np.repeat(audio, 2, axis=0)[: 40 * rate], rate)
    copy = tmp_path / "data"
    shutil.copytree(made, copy, symlinks=True)
    again = built([album], copy, engine)
    assert sum(stage.done_now for stage in again.stages if stage.name not in ("gather", "match_recordings", "balance")) == 0
    run = built([album, more], copy, engine)
    assert next(stage.done_now for stage in run.stages if stage.name == "decode") == 1
    assert next(stage.done_now for stage in run.stages if stage.name == "chunk") == 1


def test_another_loudness_cuts_again_and_decodes_nothing(album: Path, made: Path, engine: LocalEngine, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(made, copy, symlinks=True)
    run = built([album], copy, engine, "chunk.loudness=-20")
    done = {stage.name: stage.done_now for stage in run.stages}
    assert done["decode"] == done["separate"] == done["identify"] == 0
    assert done["chunk"] > 0


def test_a_target_thins_what_there_is_too_much_of(album: Path, made: Path, engine: LocalEngine, tmp_path: Path) -> None:
    copy = tmp_path / "data"
    shutil.copytree(made, copy, symlinks=True)
    built([album], copy, engine, "balance.target={most_per_song: 1}")
    assert all(n == 1 for (n,) in rows(copy, "SELECT count(*) FROM clips GROUP BY source"))
    reasons = rows(copy, "SELECT DISTINCT reason FROM work WHERE stage = 'balance' AND status = 'dropped'")
    assert reasons == [("enough_of_song",)]


def test_the_export_passes_the_loader_s_rules(made: Path, tmp_path: Path) -> None:
    written = export(Dataset(made), "audiocraft", tmp_path / "out")
    lines = [
        json.loads(line)
        for file in sorted((tmp_path / "out").rglob("data.jsonl.gz"))
        for line in gzip.decompress(file.read_bytes()).splitlines()
    ]
    assert len(lines) == len(rows(made, "SELECT id FROM captions"))
    for line in lines:
        told = json.loads((tmp_path / "out" / line["path"]).with_suffix(".json").read_text())
        assert {"title", "artist", "key", "bpm", "genre", "moods", "description", "name", "instrument"} <= told.keys()
        assert told["description"]
    assert not [remark for remark in written.remarks if "finds" in remark and "short" not in remark], written.remarks


def test_the_report_plays_the_clips(made: Path) -> None:
    run = sorted((made / "runs").iterdir())[-1]
    page = write_report(made, run).read_text()
    assert "Greensleeves" in page
    assert page.count("heard in it") == len(rows(made, "SELECT id FROM clips"))


def test_without_demucs_or_its_model_the_recipe_says_what_is_missing(
    album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", "musicgen", "--from", str(album), "--to", str(tmp_path / "data")]) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert "separate.method=none" in said or "separate.fetch=true" in said


def test_voices_are_taken_out_at_the_recording_s_own_rate_by_a_model_of_demucs_s_own_kind(
    album: Path, engine: LocalEngine, tmp_path: Path
) -> None:
    pytest.importorskip("demucs.hf", reason="separation needs demucs 4.1 (motet[separate])")
    folder = keep(tmp_path / "models", transformer(), licence="CC0-1.0")
    song = tmp_path / "song"
    song.mkdir()
    shutil.copy(album / "Syne sung.wav", song)
    settings = [
        "separate.method=demucs",
        "separate.model=tiny",
        f"separate.folder={folder}",
        "separate.stems=all",
        "separate.keep=[]",
    ]
    run = built([song], tmp_path / "data", engine, *settings, "chunk.silent=-120", "chunk.repeated=1")
    assert not run.failed
    found = rows(tmp_path / "data", "SELECT stem, rate, frames, method, model, model_licence FROM separated ORDER BY stem")
    assert [stem for stem, *_ in found] == ["bass", "drums", "other", "vocals"]
    assert {tuple(rest) for _, *rest in found} == {(44_100, 40 * 44_100, "demucs", "tiny", "CC0-1.0")}
    again = built([song], tmp_path / "data", engine, *settings, "chunk.rate=16000")
    done = {stage.name: stage.done_now for stage in again.stages}
    assert (done["separate"], done["chunk"]) == (0, 4)


def test_a_tagger_of_one_s_own_names_what_it_hears(album: Path, made: Path, engine: LocalEngine, tmp_path: Path) -> None:
    onnx: Any = pytest.importorskip("onnx", reason="ONNX models need onnx and onnxruntime (motet[onnx])")
    pytest.importorskip("onnxruntime", reason="ONNX models need onnxruntime (motet[onnx])")
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("Mul", ["sound", "sound"], ["power"]),
            onnx.helper.make_node("ReduceMean", ["power"], ["mean"], axes=[1], keepdims=1),
            onnx.helper.make_node("Mul", ["mean", "slopes"], ["values"]),
        ],
        "loudness",
        [onnx.helper.make_tensor_value_info("sound", onnx.TensorProto.FLOAT, [1, None])],
        [onnx.helper.make_tensor_value_info("values", onnx.TensorProto.FLOAT, [1, 2])],
        [onnx.helper.make_tensor("slopes", onnx.TensorProto.FLOAT, [1, 2], [10.0, 0.0])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(tmp_path / "loud.onnx"))
    (tmp_path / "loud.yaml").write_text(
        "kind: onnx\nmodel: loud.onnx\nlabels: [Hip Hop, polka]\ntag_kind: genre\nrate: 16000\nseconds: 5\n"
        "activation: none\nthreshold: 0.02\nlicence: CC0-1.0\n"
    )
    copy = tmp_path / "data"
    shutil.copytree(made, copy, symlinks=True)
    run = built([album], copy, engine, f"tag.models=[{tmp_path / 'loud.yaml'}]")
    assert {stage.name for stage in run.stages if stage.done_now} <= {
        "match_recordings", "tag", "exclude", "assign_splits", "balance", "write_captions", "check_captions",
        "sample_recordings",
    }  # fmt: skip
    told = rows(copy, "SELECT genres, tag_sources, left_empty FROM clips WHERE path LIKE '%Greensleeves.flac'")
    assert all(genres == ["hip hop"] and sources == ["loud"] for genres, sources, _ in told)


@pytest.mark.shared
def test_real_singing_is_heard_in_a_render_and_costs_its_song_nothing(shared: Path, engine: LocalEngine, tmp_path: Path) -> None:
    band, rate = rendered(ALBUM[2], tmp_path)
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("vocadito_10", "vocadito_14"):
        voice, own = soundfile.read(shared / "audio" / "vocadito" / f"{name}.wav", dtype="float32", always_2d=True)
        assert own == rate
        voice = np.tile(voice, (4, 1))  # the singers sing some ten seconds
        length = min(len(voice), len(band), 30 * rate)
        loud = np.sqrt(np.mean(band[:length] ** 2) / np.mean(voice[:length] ** 2))
        soundfile.write(folder / f"{name} sung.flac", (0.5 * (band[:length] + loud * voice[:length, :1])).clip(-1, 1), rate)
    soundfile.write(folder / "band.flac", 0.5 * band[: 40 * rate], rate)
    run = built([folder], tmp_path / "data", engine)
    assert not run.failed
    voices = dict(rows(tmp_path / "data", "SELECT path, max(voice) FROM clips GROUP BY path"))
    alone = voices.pop("album/band.flac")
    assert len(voices) == 2
    assert all(voice > alone for voice in voices.values()), (voices, alone)


def test_an_address_in_a_list_is_a_source_with_a_licence_and_a_page(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("yt_dlp", reason="fetching needs yt-dlp (motet[gather])")
    monkeypatch.chdir(tmp_path)  # the dataset's folder is named as people name it
    command = ["build", "musicgen", "--from", "songs.txt", "--to", "data", "--workers", "1"]
    command += ["--set", "separate.method=none", "--set", "gather.sleep=0", "--set", "gather.retries=1"]
    with served(album) as site:
        Path("songs.txt").write_text(f"# mine\n{site}/Greensleeves.flac   # the best\n{site}/missing.flac\n")
        assert main(command) == 0
        assert rows(Path("data"), "SELECT reason FROM work WHERE stage = 'gather' AND status <> 'ok'") == [("gone",)]
        ((page, said_by),) = rows(Path("data"), "SELECT page, said_by FROM credits")
        assert page == f"{site}/Greensleeves.flac"
        assert "page" in said_by
    assert main(command) == 0  # the site is gone by now
    assert len(rows(Path("data"), "SELECT id FROM songs")) == 1


@contextmanager
def served(folder: Path) -> Iterator[str]:
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
