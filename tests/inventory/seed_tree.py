"""The disks of somebody with 52 GB of data and no list of them, rebuilt from files of our own: same layout, same counts."""

from __future__ import annotations

import csv
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import md5
from pathlib import Path

GROOVE_BY_DRUMMER = {1: 494, 2: 18, 3: 98, 4: 9, 5: 54, 6: 15, 7: 342, 8: 80, 9: 30, 10: 10}
NAMED = (  # the takes that the person's own list shows
    "drummer8/session2/12_funk_81_beat_4-4.mid",
    "drummer8/session2/25_latin_84_beat_4-4.mid",
    "drummer8/session2/2_funk_92_beat_4-4.mid",
)
LAKH_HERE, LAKH_WHOLE = 10_180, 178_561
EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised")
RAVDESS_SPEECH = 1_440
CREMA = 7_442
MODELS = ("emotionrecognizer", "groovepredictor", "melodytransformer", "emotionnodeclassifier")
MELS, EMBEDDINGS = 40, 25
TAKES, TAKE_BYTES = 13, 4_000_000_000  # 52 GB that take no room on the disk
HTML = b"<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>\n"
HEAD = "drummer,session,id,style,bpm,beat_type,time_signature,midi_filename,audio_filename,duration,split"


def number(value: int) -> bytes:
    """A MIDI number of variable length."""
    octets = [value & 127]
    while value := value >> 7:
        octets.append(value & 127 | 128)
    return bytes(reversed(octets))


def tune(word: str, *, seconds: float = 1.0, bpm: int = 120, notes: tuple[int, ...] = (36,)) -> bytes:
    """A MIDI file of `seconds` with one drum note after another; `word` makes it unlike every other."""
    ticks = max(len(notes), round(seconds * bpm / 60 * 480))
    track = b"\x00\xff\x51\x03" + round(60e6 / bpm).to_bytes(3, "big") + b"\x00\xff\x01" + number(len(word)) + word.encode()
    step = ticks // len(notes)
    for at, note in enumerate(notes):
        length = step if at < len(notes) - 1 else ticks - step * (len(notes) - 1)
        track += b"\x00\x99" + bytes([note, 100]) + number(length) + b"\x89" + bytes([note, 0])
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track


def wave(seed: int, *, rate: int = 48_000, frames: int = 240) -> bytes:
    """A 16-bit WAV file with a triangle of its own pitch."""
    period = 8 + seed % 97
    samples = [abs((at + seed) % period - period // 2) * 200 - 4_000 for at in range(frames)]
    data = struct.pack(f"<{frames}h", *samples)
    return wave_header(rate, len(data)) + data


def wave_header(rate: int, octets: int) -> bytes:
    return b"RIFF" + struct.pack(
        "<I4s4sIHHIIHH4sI", 36 + octets, b"WAVE", b"fmt ", 16, 1, 1, rate, rate * 2, 2, 16, b"data", octets
    )


def array(shape: tuple[int, ...], seed: int) -> bytes:
    """A NumPy file of 32-bit floats."""
    said = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape!r}, }}"
    said += " " * (-(len(said) + 11) % 64) + "\n"
    size = 1
    for length in shape:
        size *= length
    return (
        b"\x93NUMPY\x01\x00"
        + struct.pack("<H", len(said))
        + said.encode()
        + struct.pack(f"<{size}f", *((at * seed) % 251 / 251 for at in range(size)))
    )


def pointer(content: str) -> bytes:
    """What Git-LFS leaves in place of a file."""
    name = md5(content.encode()).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{name}{name}\nsize 120344\n".encode()


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    made: set[str] = set()
    for path, content in files.items():
        parent = path.rpartition("/")[0]
        if parent not in made:
            (folder / parent).mkdir(parents=True, exist_ok=True)
            made.add(parent)
        with open(os.fsencode(folder) + b"/" + os.fsencode(path), "wb") as file:
            file.write(content)
    return folder


def zipped(file: Path, files: Mapping[str, bytes], *, below: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(below + path, content)
    return file


def tarred(file: Path, files: Mapping[str, bytes], *, below: str = "") -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(below + path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


def groove() -> dict[str, bytes]:
    """A complete Groove, 1,150 tunes and their table, each tune as long as the table says."""
    files, table = {}, io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(HEAD.split(","))
    styles = ("funk", "latin", "rock", "afrobeat", "dance-disco", "jazz-funk", "hiphop", "neworleans-secondline")
    at = 0
    for drummer, takes in GROOVE_BY_DRUMMER.items():
        named = [path for path in NAMED if path.startswith(f"drummer{drummer}/")]
        taken = {path.rsplit("/", 1)[0] + "/" + path.rsplit("/", 1)[1].split("_")[0] for path in named}
        paths = list(named)
        take = 0
        while len(paths) < takes:
            take += 1
            session = "eval_session" if drummer in (1, 5, 7) and take <= 10 else f"session{1 + take % 2}"
            if f"drummer{drummer}/{session}/{take}" in taken:
                continue
            beat = "fill" if take % 3 == 0 else "beat"
            metre = "6-8" if take % 40 == 39 else "4-4"
            paths.append(f"drummer{drummer}/{session}/{take}_{styles[take % 8]}_{60 + take * 7 % 130}_{beat}_{metre}.mid")
        for path in paths:
            _, session, name = path.split("/")
            one, style, bpm, beat, metre = name.removesuffix(".mid").split("_")
            # no two are of one length
            seconds = 2 + at * 0.011
            drums = tuple(35 + (at * 7 + beat_at * 5) % 22 for beat_at in range(12 + at % 30))
            files[path] = tune(path, seconds=seconds, bpm=int(bpm), notes=drums)
            audio = "" if at % 19 == 0 and at < 60 * 19 else path.replace(".mid", ".wav")
            split = ("train", "train", "train", "validation", "test")[at % 5]
            folder = f"drummer{drummer}/{session}"
            where = (f"drummer{drummer}", folder, f"{folder}/{one}")
            rows.writerow([*where, style.replace("-", "/"), bpm, beat, metre, path, audio, f"{seconds:.6f}", split])
            at += 1
    files["info.csv"] = table.getvalue().encode()
    files["README"] = b"Stand-ins for drum performances, written by a test.\n"
    files["LICENSE"] = b"CC0-1.0\n"
    return files


def lakh(*, firsts: str = "0123456789abcdef", many: int = LAKH_HERE) -> Iterator[tuple[str, bytes]]:
    """Tunes named by the MD5 of their content, in the folder of its first digit."""
    at = made = 0
    while made < many:
        content = tune(f"lakh {at}")
        name = md5(content).hexdigest()
        at += 1
        if name[0] in firsts:
            made += 1
            yield f"{name[0]}/{name}.mid", content


def ravdess_names() -> Iterator[tuple[str, str]]:
    """(actor, name) of the 1,440 spoken sentences."""
    for actor in range(1, 25):
        for emotion in range(1, 9):
            for intensity in (1,) if emotion == 1 else (1, 2):
                for statement in (1, 2):
                    for repetition in (1, 2):
                        yield f"{actor:02}", f"03-01-{emotion:02}-{intensity:02}-{statement:02}-{repetition:02}-{actor:02}.wav"


def ravdess() -> dict[str, bytes]:
    """All of RAVDESS's speech at its own rate."""
    return {f"Actor_{actor}/{name}": wave(at) for at, (actor, name) in enumerate(ravdess_names())}


def ravdess_processed() -> dict[str, bytes]:
    """What a script made of it: in folders by emotion, at another rate."""
    return {f"{EMOTIONS[int(name[6:8]) - 1]}/{name}": wave(at, rate=16_000) for at, (_, name) in enumerate(ravdess_names())}


def crema_names() -> list[str]:
    lost = {1002: 1, 1008: 6, 1009: 6, 1019: 6, 1076: 1}
    names = []
    for actor in range(1001, 1092):
        one = [
            f"{actor}_IEO_{emotion}_{level}.wav"
            for emotion in ("ANG", "DIS", "FEA", "HAP", "SAD")
            for level in ("LO", "MD", "HI")
        ]
        one.append(f"{actor}_IEO_NEU_XX.wav")
        for sentence in ("TIE", "IOM", "IWW", "TAI", "MTI", "IWL", "ITH", "DFA", "ITS", "TSI", "WSI"):
            one += [f"{actor}_{sentence}_{emotion}_XX.wav" for emotion in ("ANG", "DIS", "FEA", "HAP", "NEU", "SAD")]
        names += one[: len(one) - lost.get(actor, 0)]
    return names


def crema_pointers() -> dict[str, bytes]:
    """What the zip of the repository gives: 7,442 pointers under the names of recordings."""
    return {f"AudioWAV/{name}": pointer(name) for name in crema_names()} | {
        "README.md": b"Stand-ins for recordings, written by a test.\n",
        ".gitattributes": b"AudioWAV/*.wav filter=lfs diff=lfs merge=lfs -text\n",
    }


def training_logs() -> dict[str, bytes]:
    """Two models with a folder of runs each, two with the run's time in the folder's name."""
    runs = {
        "emotionrecognizer/20251226_091500": 3,
        "emotionrecognizer/20251226_113012": 3,
        "emotionrecognizer/20251226_154405": 5,
        "groovepredictor/20251226_101010": 4,
        "groovepredictor/20251226_121212": 4,
        "melodytransformer_20251226_081500": 3,
        "melodytransformer_20251226_093012": 3,
        "emotionnodeclassifier_20251226_171717": 6,
    }
    files = {}
    for run, epochs in runs.items():
        lines = [
            f"epoch {epoch}/{epochs} loss {1 / epoch:.4f} val_loss {1.2 / epoch:.4f} accuracy {1 - 1 / (epoch + 1):.4f}"
            for epoch in range(1, epochs + 1)
        ]
        files[f"{run}/training.log"] = ("\n".join(lines) + "\n").encode()
        files[f"{run}/metrics.json"] = b'{"epoch": %d, "loss": 0.2, "val_loss": 0.3}\n' % epochs
        files[f"{run}/events.out.tfevents.1766740000.host"] = struct.pack("<QI", 24, 0) + bytes(28)
    return files


def manifest(paths: list[str]) -> bytes:
    return "".join(f'{{"audio": "{path}", "label": "{path.split("/")[-2]}", "split": "train"}}\n' for path in paths).encode()


def data_disk(disk: Path, *, one_lakh_folder: bool = False) -> Path:
    """`AUDIO_MIDI_DATA` as the person's list shows it."""
    kelly = disk / "kelly-audio-data"
    write(kelly / "raw/grooves/groove_midi/groove", groove())
    if one_lakh_folder:
        write(kelly / "raw/chord_progressions", dict(lakh(firsts="b")))
    else:
        write(kelly / "raw/chord_progressions/lmd_full", dict(lakh()))
    (kelly / "raw/melodies").mkdir()
    (kelly / "raw/emotions").mkdir()
    processed = ravdess_processed()
    write(kelly / "processed/emotions/ravdess/processed", processed)
    write(kelly / "processed/emotions/ravdess", {"manifest.jsonl": manifest([f"processed/{path}" for path in processed])})
    write(kelly / "processed/emotions/mel_spectrograms", {f"{at:04}_mel.npy": array((128, 12), at + 1) for at in range(MELS)})
    write(kelly / "processed/embeddings", {f"{at:04}.npy": array((512,), at + 1) for at in range(EMBEDDINGS)})
    write(kelly / "logs/training", training_logs())
    takes = disk / "SSD_Transfer" / "Bounces"
    takes.mkdir(parents=True)
    for at in range(TAKES):
        with open(takes / f"bounce {at:02}.wav", "wb") as file:
            file.write(wave_header(48_000, TAKE_BYTES - 44))
            file.truncate(TAKE_BYTES)
    return disk


def size_of(folder: Path) -> tuple[int, int]:
    """(files, bytes) below a folder, counted here and not by the program."""
    sizes = [os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(folder) for name in names]
    return len(sizes), sum(sizes)
