"""The registry's MIDI side against true paths of the published datasets, below the dataset's folder."""

import re
from collections import Counter
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from motet.inventory.known import Dataset

MD5 = "1d9d16a9da90c090809c153754823c2b"
MAESTRO = "MIDI-Unprocessed_Chamber3_MID--AUDIO_10_R3_2018_wav--1"
MAESTRO_2013 = "ORIG-MIDI_03_7_8_13_Group__MID--AUDIO_19_R2_2013_wav--3"
MAESTRO_2015 = "MIDI-Unprocessed_R2_D2-12-13-15_mid--AUDIO-from_mp3_12_R2_2015_wav--3"
GIANT = "Chopin, Frédéric, Études, Op.10, g0hoN6_HDVU"
VIDEO_GAME = "Banjo-Kazooie_N64_Banjo-Kazooie_Boggys Igloo Happy"

TRUE = [
    (
        "groove",
        "midi",
        "drummer1/eval_session/1_funk-groove1_138_beat_4-4.mid",
        {"drummer": "1", "session": "eval_session", "take": "1", "style": "funk-groove1", "bpm": "138", "beat": "beat"},
    ),
    ("groove", "audio", "drummer10/session1/8_jazz-swing_215_fill_4-4.wav", {"drummer": "10", "metre": "4-4", "beat": "fill"}),
    (
        "e-gmd",
        "midi",
        "drummer1/eval_session/1_funk-groove1_138_beat_4-4_1.midi",
        {"drummer": "1", "style": "funk-groove1", "metre": "4-4", "kit": "1"},
    ),
    ("e-gmd", "audio", "drummer5/eval_session/2_funk-groove2_105_beat_4-4_43.wav", {"drummer": "5", "kit": "43"}),
    ("e-gmd", "table", "e-gmd-v1.0.0.csv", {}),
    ("lakh-full", "midi", f"1/{MD5}.mid", {"first": "1", "rest": MD5[1:]}),
    ("lakh-full", "names", "md5_to_paths.json", {}),
    ("lakh-matched", "midi", f"A/A/A/TRAAAGR128F425B14B/{MD5}.mid", {"a": "A", "track": "TRAAAGR128F425B14B", "md5": MD5}),
    ("lakh-matched", "metadata", "lmd_matched_h5/A/A/A/TRAAAGR128F425B14B.h5", {"track": "TRAAAGR128F425B14B"}),
    ("lakh-aligned", "midi", f"A/A/A/TRAAAGR128F425B14B/{MD5}.mid", {"track": "TRAAAGR128F425B14B"}),
    ("lakh-clean", "midi", "ABBA/Dancing Queen.2.mid", {"artist": "ABBA", "title": "Dancing Queen.2"}),
    ("lakh-clean", "midi", "Gaye,Marvin/I Heard It Through The Grapevine.mid", {"artist": "Gaye,Marvin"}),
    ("maestro", "midi", f"2018/{MAESTRO}.midi", {"year": "2018", "recording": MAESTRO}),
    ("maestro", "midi", f"2013/{MAESTRO_2013}.midi", {"year": "2013", "recording": MAESTRO_2013}),
    ("maestro", "midi", f"2015/{MAESTRO_2015}.midi", {"year": "2015"}),
    ("maestro", "audio", f"2018/{MAESTRO}.wav", {"year": "2018"}),
    ("maestro", "table", "maestro-v3.0.0.csv", {}),
    ("musicnet", "audio", "train_data/1788.wav", {"split": "train", "recording": "1788"}),
    ("musicnet", "notes", "test_labels/2303.csv", {"split": "test", "recording": "2303"}),
    ("musicnet", "midi", "musicnet_midis/Bach/2186_vs6_1.mid", {"composer": "Bach", "recording": "2186", "piece": "vs6_1"}),
    ("pop909", "midi", "001/001.mid", {"song": "001"}),
    ("pop909", "versions", "392/versions/392-v11.mid", {"song": "392", "version": "11"}),
    ("pop909", "annotations", "909/chord_audio.txt", {"song": "909", "annotation": "chord_audio"}),
    ("slakh2100", "mix", "test/Track01876/mix.flac", {"split": "test", "track": "01876"}),
    ("slakh2100", "song", "train/Track00001/all_src.mid", {"split": "train", "track": "00001"}),
    ("slakh2100", "stems", "train/Track00001/stems/S00.flac", {"folder": "train", "stem": "S00"}),
    ("slakh2100", "stem_midi", "omitted/Track01627/MIDI/S10.mid", {"folder": "omitted", "track": "01627", "stem": "S10"}),
    ("slakh2100", "omitted_metadata", "omitted/Track01627/metadata.yaml", {"track": "01627"}),
    (
        "giantmidi",
        "midi",
        f"midis/{GIANT}.mid",
        {"surname": "Chopin", "firstname": "Frédéric", "piece": "Études, Op.10", "youtube": "g0hoN6_HDVU"},
    ),
    ("giantmidi", "curated", "surname_checked_midis/Ravel, Maurice, Jeux d'eau, v-QmwrhO3ec.mid", {"youtube": "v-QmwrhO3ec"}),
    (
        "adl-piano",
        "midi",
        "Classical/Japanese Classical/Michiru Oshima/Beaming Sunlight.mid",
        {"genre": "Classical", "subgenre": "Japanese Classical", "artist": "Michiru Oshima", "title": "Beaming Sunlight"},
    ),
    ("adl-piano", "midi", "Soul/R&B/Rihanna/Unfaithful.mid", {"genre": "Soul", "subgenre": "R&B"}),
    (
        "asap",
        "performances",
        "Bach/Fugue/bwv_846/Shi05M.mid",
        {"composer": "Bach", "collection": "Fugue", "piece": "bwv_846", "performance": "Shi05M"},
    ),
    ("asap", "performances", "Chopin/Etudes_op_10/4/Richardson_2013_03M.mid", {"performance": "Richardson_2013_03M"}),
    ("asap", "single_performances", "Bach/Italian_concerto/KyykhynenT03.mid", {"composer": "Bach", "piece": "Italian_concerto"}),
    ("asap", "performance_beats", "Bach/Fugue/bwv_846/Shi05M_annotations.txt", {"performance": "Shi05M"}),
    ("asap", "sheets", "Beethoven/Piano_Sonatas/21-1_no_repeat/xml_score.musicxml", {"piece": "21-1_no_repeat"}),
    ("asap", "single_scores", "Glinka/The_Lark/midi_score.mid", {"piece": "The_Lark"}),
    ("emopia", "midi", "midis/Q1__8v0MFBZoco_0.mid", {"quadrant": "1", "song": "_8v0MFBZoco", "clip": "0"}),
    ("emopia", "midi", "midis/Q2_L3_TadjSQQ0_12.mid", {"quadrant": "2", "song": "L3_TadjSQQ0", "clip": "12"}),
    (
        "vgmidi",
        "labelled",
        f"labelled/midi/{VIDEO_GAME}.mid",
        {"series": "Banjo-Kazooie", "console": "N64", "game": "Banjo-Kazooie", "piece": "Boggys Igloo Happy"},
    ),
    ("vgmidi", "labelled", "labelled/midi/Star Fox_SNES_Star Fox_Stage_Clear.mid", {"piece": "Stage_Clear"}),
    ("vgmidi", "phrases", f"labelled/phrases/{VIDEO_GAME}_0.mid", {"piece": "Boggys Igloo Happy", "phrase": "0"}),
    ("midicaps", "midi", f"lmd_full/1/{MD5}.mid", {"first": "1"}),
    ("gigamidi", "tables", "v2.0.0/train/00000.parquet", {"split": "train", "shard": "00000"}),
    ("gigamidi", "first", "v1.0.0/validation.parquet", {"split": "validation"}),
    ("aria-midi", "midi", "data/cs/140922_0.mid", {"shard": "cs", "recording": "140922", "segment": "0"}),
]

FALSE = [
    ("groove", "midi", "drummer11/session1/1_funk_80_beat_4-4.mid"),
    ("groove", "midi", "drummer1/session1/1_funk_80_beat_4-4_7.mid"),
    ("groove", "audio", "drummer1/session1/1_funk_80_beat_4-4_7.wav"),
    ("e-gmd", "midi", "drummer1/session1/1_funk_80_beat_4-4.midi"),
    ("lakh-full", "midi", f"2/{MD5}.mid"),
    ("lakh-full", "midi", f"A/A/A/TRAAAGR128F425B14B/{MD5}.mid"),
    ("lakh-full", "midi", "1/1d9d16a9.mid"),
    ("lakh-matched", "midi", f"A/A/A/{MD5}.mid"),
    ("lakh-clean", "midi", "Dancing Queen.mid"),
    ("lakh-clean", "midi", "A/B/C.mid"),
    ("maestro", "midi", f"2018/{MAESTRO}.mid"),
    ("maestro", "midi", f"2012/{MAESTRO}.midi"),
    ("maestro", "midi", "2018/Sonata.midi"),
    ("maestro", "table", "maestro-v2.0.0.csv"),
    ("musicnet", "audio", "valid_data/1788.wav"),
    ("musicnet", "midi", "musicnet_midis/Liszt/2186_vs6_1.mid"),
    ("pop909", "midi", "001/002.mid"),
    ("pop909", "midi", "910/910.mid"),
    ("pop909", "midi", "000/000.mid"),
    ("slakh2100", "mix", "omitted/Track01627/mix.flac"),
    ("slakh2100", "mix", "train/Track02200/mix.flac"),
    ("giantmidi", "midi", "midis/Chopin - Etudes.mid"),
    ("asap", "performances", "Bach/Fugue/bwv_846/midi_score.mid"),
    ("asap", "performances", "Satie/Gymnopedies/1/Shi05M.mid"),
    ("emopia", "midi", "midis/Q5__8v0MFBZoco_0.mid"),
    ("vgmidi", "unlabelled", f"labelled/midi/{VIDEO_GAME}.mid"),
    ("midicaps", "midi", f"lmd_full/{MD5}.mid"),
    ("gigamidi", "tables", "v1.0.0/train.parquet"),
    ("aria-midi", "midi", "data/cs/140922.mid"),
]

OURS = sorted({row[0] for row in TRUE})
TWINS = {("lakh-full", "midi"), ("lakh-matched", "midi")}  # the same files under the same names: the folders tell


@cache
def registry() -> dict[str, Dataset]:
    read = {}
    for file in files("motet.inventory").joinpath("registry").iterdir():
        if file.name.endswith(".yaml") and file.name != "tasks.yaml":
            dataset = Dataset.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
            read[dataset.name] = dataset
    return read


def fields(name: str, part: str, path: str) -> dict[str, str] | None:
    dataset = registry()[name]
    return dataset.layout(dataset.part(part)).of_path(path)


@pytest.mark.parametrize(("name", "part", "path", "told"), TRUE)
def test_a_true_path_is_of_its_part_and_tells_its_fields(name: str, part: str, path: str, told: dict[str, str]) -> None:
    found = fields(name, part, path)
    assert found is not None
    assert {field: found[field] for field in told} == told


@pytest.mark.parametrize(("name", "part", "path"), FALSE)
def test_a_path_of_another_shape_is_not_of_the_part(name: str, part: str, path: str) -> None:
    assert fields(name, part, path) is None


@pytest.mark.parametrize(("name", "part", "path"), [row[:3] for row in TRUE])
def test_a_file_lies_in_one_part_of_its_dataset(name: str, part: str, path: str) -> None:
    assert [p.name for p in registry()[name].parts if fields(name, p.name, path) is not None] == [part]


@pytest.mark.parametrize(("name", "part", "path"), [row[:3] for row in TRUE])
def test_a_telling_name_tells_of_no_other_dataset(name: str, part: str, path: str) -> None:
    file = path.rpartition("/")[2]
    told = {
        (other.name, p.name)
        for other in registry().values()
        for p in other.parts
        if other.name != name and p.telling and other.layout(p).of_name(file) is not None
    }
    lakh = {"lakh-full", "lakh-matched", "lakh-aligned", "midicaps"}
    assert told <= (TWINS if name in lakh else set())


@pytest.mark.parametrize("name", OURS)
def test_files_are_counted_by_values_that_the_field_can_have(name: str) -> None:
    dataset = registry()[name]
    counted = [(expected.field, value) for part in dataset.parts for expected in part.each for value in expected.counts]
    assert [pair for pair in counted if not re.fullmatch(dataset.fields[pair[0]], pair[1])] == []


@pytest.mark.parametrize("name", OURS)
def test_no_two_versions_share_a_mark(name: str) -> None:
    marks = Counter(mark for version in registry()[name].versions for mark in version.marks)
    assert [mark for mark, times in marks.items() if times > 1] == []


@pytest.mark.parametrize("name", OURS)
def test_the_wanted_version_has_the_published_number_of_files(name: str) -> None:
    dataset = registry()[name]
    for version in dataset.versions[:1]:
        assert version.counts == {part: dataset.part(part).count for part in version.counts}


def test_names_that_are_the_md5_of_the_content_hold_all_of_it() -> None:
    for name in ("lakh-full", "lakh-matched", "midicaps"):
        dataset = registry()[name]
        part = dataset.part("midi")
        assert part.named_by == "md5"
        assert dataset.layout(part).of_name(f"{MD5}.mid") is not None
        assert dataset.layout(part).of_name(f"{MD5}0.mid") is None


def test_the_aligned_files_of_lakh_are_not_named_by_their_content() -> None:
    assert registry()["lakh-aligned"].part("midi").named_by == ""


def test_the_large_ones_are_left_out_of_recommendations() -> None:
    assert {name for name in OURS if registry()[name].very_large} == {"aria-midi", "gigamidi", "musicnet", "slakh2100"}


@pytest.mark.shared
def test_every_performance_of_the_real_groove_fits_and_each_drummer_has_as_many_as_told(shared: Path) -> None:
    groove = registry()["groove"]
    part = groove.part("midi")
    folder = shared / "datasets" / "groove"
    drummers = Counter[str]()
    for file in folder.rglob("*.mid"):
        found = groove.layout(part).of_path(file.relative_to(folder).as_posix())
        assert found is not None, file.name
        drummers[found["drummer"]] += 1
    assert drummers == part.each[0].counts
    assert drummers.total() == part.count


@pytest.mark.shared
def test_every_file_of_the_real_slakh_sample_fits(shared: Path) -> None:
    slakh = registry()["slakh2100"]
    folder = shared / "midi" / "slakh-sample" / "slakh2100_flac_redux"
    midi = list(folder.rglob("*.mid"))
    assert midi
    for file in midi:
        path = file.relative_to(folder).as_posix()
        assert any(slakh.layout(part).of_path(path) is not None for part in slakh.parts), path
