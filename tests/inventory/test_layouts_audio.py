"""Paths as the published audio datasets have them, and what they say."""

import pytest

from motet.inventory.datasets import known

KNOWN = known()

TRUE_PATHS = [
    (
        "ravdess-speech",
        "speech",
        "Actor_12/03-01-06-01-02-01-12.wav",
        {"emotion": "06", "intensity": "01", "statement": "02", "repetition": "01", "actor": "12"},
    ),
    ("ravdess-speech", "video", "Actor_01/02-01-06-01-02-01-01.mp4", {"modality": "02", "emotion": "06", "actor": "01"}),
    ("ravdess-song", "song", "Actor_24/03-02-05-02-01-02-24.wav", {"emotion": "05", "intensity": "02", "actor": "24"}),
    (
        "crema-d",
        "audio",
        "AudioWAV/1001_DFA_ANG_XX.wav",
        {"actor": "1001", "sentence": "DFA", "emotion": "ANG", "level": "XX"},
    ),
    ("crema-d", "audio", "AudioWAV/1091_IEO_HAP_LO.wav", {"actor": "1091", "emotion": "HAP", "level": "LO"}),
    ("crema-d", "mp3", "AudioMP3/1040_ITH_SAD_XX.mp3", {"actor": "1040", "emotion": "SAD"}),
    ("crema-d", "video", "VideoFlash/1076_MTI_NEU_XX.flv", {"actor": "1076", "emotion": "NEU"}),
    ("crema-d", "votes", "processedResults/tabulatedVotes.csv", {"results": "tabulatedVotes"}),
    ("tess", "speech", "OAF_angry/OAF_back_angry.wav", {"speaker": "OAF", "word": "back", "emotion": "angry"}),
    ("tess", "speech", "OAF_neutral/OA_bite_neutral.wav", {"speaker": "OA", "word": "bite", "emotion": "neutral"}),
    ("tess", "speech", "YAF_pleasant_surprised/YAF_back_ps.wav", {"speaker": "YAF", "word": "back", "emotion": "ps"}),
    ("tess", "speech", "OAF_Fear/OAF_youth_fear.wav", {"speaker": "OAF", "emotion": "fear"}),
    ("gtzan", "audio", "blues/blues.00000.wav", {"genre": "blues", "number": "00000", "form": "wav"}),
    ("gtzan", "audio", "hiphop/hiphop.00099.au", {"genre": "hiphop", "number": "00099", "form": "au"}),
    ("fma-small", "audio", "000/000002.mp3", {"thousand": "000", "rest": "002"}),
    ("fma-full", "audio", "155/155320.mp3", {"thousand": "155", "rest": "320"}),
    ("fma-large", "metadata", "fma_metadata/tracks.csv", {"table": "tracks"}),
    ("mtg-jamendo", "audio", "56/1376256.mp3", {"last": "56", "rest": "13762"}),
    ("mtg-jamendo", "audio", "48/948.mp3", {"last": "48", "rest": "9"}),
    ("mtg-jamendo", "audio_low", "56/1376256.low.mp3", {"last": "56"}),
    ("mtg-jamendo", "melspecs", "56/1376256.npy", {"last": "56"}),
    (
        "musdb18",
        "stems",
        "train/Actions - One Minute Smile.stem.mp4",
        {"split": "train", "artist": "Actions", "title": "One Minute Smile"},
    ),
    (
        "musdb18-hq",
        "stems",
        "test/Al James - Schoolboy Facination/vocals.wav",
        {"split": "test", "artist": "Al James", "title": "Schoolboy Facination", "stem": "vocals"},
    ),
    (
        "nsynth",
        "train",
        "nsynth-train/audio/guitar_acoustic_022-055-100.wav",
        {"instrument": "guitar_acoustic_022", "pitch": "055", "velocity": "100"},
    ),
    ("nsynth", "test", "nsynth-test/audio/synth_lead_synthetic_001-060-127.wav", {"instrument": "synth_lead_synthetic_001"}),
    ("nsynth", "valid_table", "nsynth-valid/examples.json", {}),
    ("musiccaps", "captions", "musiccaps-public.csv", {}),
    ("musiccaps", "audio", "-0Gj8-vB1q4.wav", {"ytid": "-0Gj8-vB1q4"}),
    ("v2midi", "midi", "img2img_part_aw/0001.mid", {"shard": "img2img_part_aw", "clip": "0001"}),
]

FALSE_PATHS = [
    ("ravdess-speech", "speech", "Actor_12/03-02-06-01-02-01-12.wav"),  # sung
    ("ravdess-speech", "speech", "Actor_11/03-01-06-01-02-01-12.wav"),  # another actor's folder
    ("ravdess-speech", "speech", "Actor_25/03-01-06-01-02-01-25.wav"),
    ("ravdess-speech", "speech", "Actor_12/03-01-09-01-02-01-12.wav"),
    ("ravdess-speech", "speech", "Actor_12/03-01-06-01-02-01-12_16k.wav"),
    ("ravdess-song", "song", "Actor_18/03-02-01-01-01-01-18.wav"),  # actor 18 did not sing
    ("ravdess-song", "song", "Actor_01/03-02-08-01-01-01-01.wav"),  # nobody sang surprise
    ("crema-d", "audio", "AudioWAV/1092_DFA_ANG_XX.wav"),
    ("crema-d", "audio", "AudioWAV/1000_DFA_ANG_XX.wav"),
    ("crema-d", "audio", "AudioWAV/1001_DFA_ANG.wav"),
    ("tess", "speech", "OAF_angry/OAF_back_bored.wav"),
    ("tess", "speech", "other/OAF_back_angry.wav"),
    ("gtzan", "audio", "blues/jazz.00000.wav"),
    ("gtzan", "audio", "blues/blues.00100.wav"),
    ("gtzan", "audio", "blues/blues00000.wav"),
    ("fma-small", "audio", "001/000002.mp3"),
    ("fma-small", "audio", "000/2.mp3"),
    ("mtg-jamendo", "audio", "57/1376256.mp3"),
    ("mtg-jamendo", "audio", "56/1376256.low.mp3"),
    ("musdb18", "stems", "valid/Actions - One Minute Smile.stem.mp4"),
    ("musdb18", "stems", "train/Actions - One Minute Smile.mp4"),
    ("musdb18-hq", "stems", "train/Actions - One Minute Smile/guitar.wav"),
    ("nsynth", "train", "nsynth-test/audio/guitar_acoustic_022-055-100.wav"),
    ("nsynth", "train", "nsynth-train/audio/guitar_acoustic_022-055-101.wav"),
    ("musiccaps", "audio", "take one.wav"),
    ("v2midi", "midi", "songs/0001.mid"),
]


@pytest.mark.parametrize(("name", "part", "path", "fields"), TRUE_PATHS)
def test_a_published_path_is_its_part_s_alone(name: str, part: str, path: str, fields: dict[str, str]) -> None:
    dataset = KNOWN[name]
    found = dataset.layout(dataset.part(part)).of_path(path)
    assert found is not None
    assert fields.items() <= found.items()
    assert dataset.layout(dataset.part(part)).of_name(path.split("/")[-1]) is not None
    assert [p.name for p in dataset.parts if dataset.layout(p).of_path(path) is not None] == [part]


@pytest.mark.parametrize(("name", "part", "path"), FALSE_PATHS)
def test_what_only_looks_like_one_is_none(name: str, part: str, path: str) -> None:
    dataset = KNOWN[name]
    assert dataset.layout(dataset.part(part)).of_path(path) is None


TELLING = [row for row in TRUE_PATHS if KNOWN[row[0]].part(row[1]).telling]


@pytest.mark.parametrize(("name", "part", "path", "fields"), TELLING)
def test_a_telling_name_is_no_other_dataset_s(name: str, part: str, path: str, fields: dict[str, str]) -> None:
    file = path.split("/")[-1]
    others = {
        other.name
        for other in KNOWN.values()
        for part_ in other.parts
        if part_.telling and other.layout(part_).of_name(file) is not None
    }
    assert others == {name}


@pytest.mark.shared
def test_every_name_of_the_real_samples_is_known(shared) -> None:  # type: ignore[no-untyped-def]
    dataset = KNOWN["ravdess-speech"]
    folder = shared / "datasets" / "emotion" / "ravdess_sample"
    paths = [str(file.relative_to(folder)) for file in folder.rglob("*.wav")]
    assert len(paths) == 10
    assert all(dataset.layout(dataset.part("speech")).of_path(path) for path in paths)
