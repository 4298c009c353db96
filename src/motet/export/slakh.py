"""Whole songs in the layout of Slakh2100 (Manilow, Wichern, Seetharaman and Le Roux 2019), the FLAC release "redux".

    train/Track00001/mix.flac           the sum of the stems, to the last step
    train/Track00001/all_src.mid        the whole song
    train/Track00001/metadata.yaml
    train/Track00001/stems/S00.flac     one instrument each, all as long as the mix, and at its rate
    train/Track00001/MIDI/S00.mid

What is written, and what `check` wants, follows the files that were published and two loaders: mirdata (`datasets/slakh.py`: the
split from the path; `stems`, `UUID`, `lmd_midi_dir`, `normalized`, `overall_gain` of the metadata; `inst_class`,
`integrated_loudness`, `is_drum`, `midi_program_name`, `plugin_name`, `program_num` of each stem; drums are program 128) and
ethman/slakh-utils (`audio_rendered`, `midi_saved`; stems are summed to make submixes).

A recording that was mastered is not the sum of its stems: of those the sum is written in its place, and a remark counts them.
Where the sum would be above full scale, all stems are lowered alike, by `overall_gain`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.errors import UserError
from motet.export.example import SPLITS, Choice, Example, Examples, Fault, Sound, Stem, Written
from motet.export.midi_files import Songs, batches, text
from motet.export.publishing import Pending, digest, in_order, published
from motet.export.sound import Encoded, encoded
from motet.wording import several

__all__ = ["OPTIONS", "check", "write"]

OPTIONS: tuple[str, ...] = ()
FORM, VERSION = "slakh", 1
PIECE = 20  # songs
METADATA = "metadata.yaml"
DRUMS = 128  # what Slakh calls the program of drums
_STEP = 1 / 32768  # of 16 bits
_TRACK = re.compile(r"Track\d{5,}")
_FIELDS = {
    "audio_rendered": bool, "inst_class": str, "is_drum": bool, "midi_program_name": str, "midi_saved": bool, "plugin_name": str,
    "program_num": int,
}  # fmt: skip
_LARGEST = 4_000_000  # bytes of metadata

Audio = npt.NDArray[np.float32]


def write(examples: Examples, folder: Path, choice: Choice) -> Written:
    """Write a folder for each song that has MIDI and a sounding stem, numbered in their order; the others are left out.

    FLAC, or WAV if chosen (the loaders of babyslakh read that). Memory: the sum and one stem of a few songs, and their files.
    Raises UserError where nothing is left, and for a lossy format: there the mix would not be the sum of its stems.
    """
    choice.check_options(*OPTIONS)
    if choice.audio not in ("", "flac", "wav"):
        raise UserError(f"Slakh's mix is the sum of its stems, which {choice.audio} cannot hold: choose flac or wav.")
    left: Counter[str] = Counter()
    splits: Counter[str] = Counter()
    summed = lowered = number = 0
    with published(folder, lambda name: (name.endswith(METADATA), name)) as pending:
        for batch in batches(examples(), PIECE):
            usable = [one for one in batch if not _lacks(one)]
            left.update(why for one in batch if (why := _lacks(one)))
            tracks = [(f"Track{number + at:05d}", one) for at, one in enumerate(usable, 1)]
            number += len(usable)
            if not tracks:
                continue
            told = [[track, one.key, one.id, one.song, one.path, one.split] for track, one in tracks]
            texts = [choice.has("captions"), choice.captions]
            key = digest(FORM, VERSION, choice.audio, choice.rate, choice.channels, texts, told)
            note = pending.note(key)
            if note is None:
                done = list(in_order(tracks, lambda track: _track(pending, *track, choice), 3))
                note = {"summed": sum(one.summed for one in done), "lowered": sum(one.lowered for one in done)}
                pending.done(key, [name for one in done for name in one.names], note)
            splits[batch[0].split] += len(tracks)
            summed += note["summed"]
            lowered += note["lowered"]
        if not number:
            raise UserError(
                "No song has MIDI and a sounding stem: build with a recipe that renders stems, and export whole songs."
            )
        names = pending.names
    remarks = [f"{several(count, 'song')} {why}: left out." for why, count in sorted(left.items())]
    if summed:
        remarks.append(f"{several(summed, 'song')} without a mix that is the sum of the stems: the sum was written as theirs.")
    if lowered:
        remarks.append(f"{several(lowered, 'song')} lowered, so that the sum of the stems stays under full scale.")
    remarks += [f"No song is in {split}: loaders that ask for it find no folder." for split in SPLITS if not splits[split]]
    return Written(names, remarks, tuple(pending.pieces.values()))


@dataclass(frozen=True)
class _Track:
    names: list[str]
    summed: bool
    lowered: bool


def _lacks(one: Example) -> str:
    if one.midi is None:
        return "without MIDI"
    return "" if any(stem.sound for stem in one.stems) else "without a sounding stem"


def _track(pending: Pending, track: str, one: Example, choice: Choice) -> _Track:
    """Write a song's files. For any thread."""
    place = f"{one.split}/{track}"
    names: list[str] = []

    def put(name: str, data: bytes) -> None:
        with pending.open(f"{place}/{name}") as file:
            file.write(data)
        names.append(f"{place}/{name}")

    rate, channels = _common(one, choice)
    factor = np.float32(1)
    total, sounds = _summed(one, choice, rate, channels, factor)
    top = float(np.abs(total).max(initial=0.0))
    if top > 1:
        # Rounded down to a step, and for what each stem's own rounding may add.
        factor = np.float32((1 - len(sounds) * _STEP) / top)
        total, sounds = _summed(one, choice, rate, channels, factor)
    own = _own_mix(one, choice, rate, channels, total) if factor == 1 else None
    mix = own or encoded(_plain(total, rate), choice, "flac", rate, channels)
    stems: dict[str, Any] = {}
    for number, stem in enumerate(one.stems):
        made = sounds.get(number)
        if made:
            put(f"stems/S{number:02d}.{made.sound.suffix}", made.sound.data)
        if stem.midi:
            put(f"MIDI/S{number:02d}.mid", stem.midi())
        stems[f"S{number:02d}"] = _told(stem, made)
    put(f"mix.{mix.suffix}", mix.data)
    put("all_src.mid", one.midi() if one.midi else b"")
    put(METADATA, _metadata(track, one, choice, float(factor), stems))
    return _Track(names, summed=own is None and float(factor) == 1, lowered=float(factor) != 1)


@dataclass(frozen=True)
class _Made:
    sound: Encoded
    lufs: float | None


def _common(one: Example, choice: Choice) -> tuple[int, int]:
    """The rate and channels of all files of a song: as chosen, as the mix, or the most of any stem."""
    sounds = [stem.sound for stem in one.stems if stem.sound]
    rate = choice.rate or (one.mix or max(sounds, key=lambda sound: sound.rate)).rate
    return rate, choice.channels or min(2, max(sound.channels for sound in (*sounds, *([one.mix] if one.mix else []))))


def _summed(one: Example, choice: Choice, rate: int, channels: int, factor: np.float32) -> tuple[Audio, dict[int, _Made]]:
    """The stems as they will lie there, times `factor` and all of one length; and the sum of what is read back of them."""
    from motet.render.encoding import decode
    from motet.render.loudness import integrated_loudness

    sounds = {number: stem.sound for number, stem in enumerate(one.stems) if stem.sound}
    fitted = {number: encoded(sound, choice, "flac", rate, channels) for number, sound in sounds.items()}
    frames = max(sound.frames for sound in fitted.values())
    total = np.zeros((frames, channels), np.float32)
    made: dict[int, _Made] = {}
    for number, sound in fitted.items():
        samples = decode(sound.data)[0]
        if len(samples) != frames or factor != 1:
            whole = np.zeros_like(total)
            whole[: len(samples)] = samples[:frames] * factor
            sound = encoded(_plain(whole, rate), choice, "flac", rate, channels)
            samples = decode(sound.data)[0]
        total += samples
        made[number] = _Made(sound, integrated_loudness(samples, rate))
    return total, made


def _plain(samples: Audio, rate: int) -> Sound:
    return Sound(rate, samples.shape[1], len(samples), lambda: samples)


def _own_mix(one: Example, choice: Choice, rate: int, channels: int, total: Audio) -> Encoded | None:
    """The song's own mix, where it is the sum of the stems but for rounding."""
    from motet.render.encoding import decode

    if one.mix is None:
        return None
    mix = encoded(one.mix, choice, "flac", rate, channels)
    samples = decode(mix.data)[0]
    if samples.shape != total.shape or float(np.abs(samples - total).max(initial=0.0)) > (len(one.stems) + 2) * _STEP:
        return None
    return mix


def _told(stem: Stem, made: _Made | None) -> dict[str, Any]:
    import pretty_midi  # type: ignore[import-untyped]

    from motet.midi.general_midi import slakh_class

    program = stem.program or 0
    told = {
        "audio_rendered": made is not None,
        "inst_class": slakh_class(program, stem.is_drum),
        "is_drum": stem.is_drum,
        "midi_program_name": "Drums" if stem.is_drum else pretty_midi.program_to_instrument_name(program),
        "midi_saved": stem.midi is not None,
        "plugin_name": text(stem.played_by) or "None",  # what Slakh writes for none
        "program_num": DRUMS if stem.is_drum else program,
        "name": text(stem.name),
    }
    if made and made.lufs is not None:  # silence has no loudness, and Slakh then says nothing either
        told["integrated_loudness"] = round(made.lufs, 4)
    return told


def _metadata(track: str, one: Example, choice: Choice, gain: float, stems: dict[str, Any]) -> bytes:
    """YAML in ASCII: loaders open it in whatever encoding their machine has."""
    import yaml

    told = {
        "UUID": text(one.song),
        "audio_dir": f"{track}/stems",
        "lmd_midi_dir": text(one.path),
        "midi_dir": f"{track}/MIDI",
        "normalization_factor": None,
        "normalized": False,
        "overall_gain": gain,
        "stems": stems,
        "target_peak": None,
        "id": text(one.id),
        "title": text(one.title) or None,
        "artist": text(one.artist) or None,
        "captions": [text(caption) for caption in choice.texts(one)],
    }
    return str(yaml.safe_dump(told, width=120)).encode("ascii")


# --- checking ---


def check(folder: Path) -> list[Fault]:
    """What the loaders named above would stumble over in `folder`."""
    faults: list[Fault] = []
    songs, tracks = Songs(), dict[str, str]()
    try:
        tops = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        return [Fault("missing", ".", f"The folder cannot be read: {error.strerror or error}.")]
    for top in tops:
        if top.name not in SPLITS:
            if _TRACK.fullmatch(top.name) or any(_TRACK.fullmatch(path.name) for path in top.iterdir()):
                faults.append(Fault("split", top.name, f"Loaders look in {', '.join(SPLITS)}: these tracks are not seen."))
            continue
        for place in sorted(top.iterdir()):
            name = f"{top.name}/{place.name}"
            if not (_TRACK.fullmatch(place.name) and place.is_dir()):
                faults.append(Fault("extra", name, "It is no folder of a track, as Track00001 is.", False))
                continue
            if place.name in tracks:
                faults.append(Fault("twice", name, f"There is {tracks[place.name]} too: a track's number is its id."))
            tracks.setdefault(place.name, name)
            faults += _track_faults(place, name, songs, top.name)
    if not tracks:
        faults.append(Fault("missing", ".", "There is no track."))
    return faults


def _track_faults(place: Path, name: str, songs: Songs, split: str) -> Iterator[Fault]:
    from motet import midi

    try:
        told = _metadata_of(place / METADATA)
    except OSError as error:
        yield Fault("missing", f"{name}/{METADATA}", f"It cannot be read: {error.strerror or error}.")
        return
    except ValueError as error:
        yield Fault("damaged", f"{name}/{METADATA}", f"It is no metadata of a track: {error}.")
        return
    yield from songs.leak(told.get("UUID"), split, name)
    for field, part in (("audio_dir", "stems"), ("midi_dir", "MIDI")):
        if told.get(field) != f"{place.name}/{part}":
            yield Fault("metadata", name, f"Its {field} is {told.get(field)!r}, not {place.name}/{part}.")
    if type(told.get("overall_gain")) not in (int, float):
        yield Fault("metadata", name, "It has no overall_gain.")
    suffix = "flac" if (place / "mix.flac").exists() else "wav"
    wanted = {METADATA, "all_src.mid", f"mix.{suffix}"}
    for stem, facts in told["stems"].items():
        wrong = [field for field, kind in _FIELDS.items() if type(facts.get(field)) is not kind]
        if wrong:
            yield Fault("metadata", f"{name}: {stem}", f"Its {wrong[0]} is missing, or no {_FIELDS[wrong[0]].__name__}.")
            continue
        number = facts["program_num"]
        if facts["is_drum"] != (number == DRUMS) or not 0 <= number <= DRUMS:
            yield Fault("program", f"{name}: {stem}", f"Its program is {number}: drums are {DRUMS}, and all else is below.")
        wanted |= {f"stems/{stem}.{suffix}"} if facts["audio_rendered"] else set()
        wanted |= {f"MIDI/{stem}.mid"} if facts["midi_saved"] else set()
    there = {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}
    yield from (
        Fault("missing", f"{name}/{file}", "The metadata says it is there, and it is not.") for file in sorted(wanted - there)
    )
    yield from (Fault("extra", f"{name}/{file}", "The metadata says nothing of it.", False) for file in sorted(there - wanted))
    for file in sorted(wanted & there):
        if file.endswith(".mid"):
            try:
                midi.read((place / file).read_bytes())
            except (OSError, midi.Unreadable) as error:
                yield Fault("damaged", f"{name}/{file}", f"It cannot be read: {error}.")
    yield from _sum_faults(place, name, told["stems"], suffix)


def _metadata_of(path: Path) -> dict[str, Any]:
    """Raises ValueError for what is no mapping with stems in it."""
    import yaml

    if path.stat().st_size > _LARGEST:
        raise ValueError("it is too large")
    try:
        told = yaml.safe_load(path.read_bytes().decode("ascii"))
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())[:200]) from None
    stems = told.get("stems") if isinstance(told, dict) else None
    if not isinstance(stems, dict) or not stems:
        raise ValueError("it has no stems")
    if not all(isinstance(name, str) and re.fullmatch(r"S\d{2,}", name) and isinstance(one, dict) for name, one in stems.items()):
        raise ValueError("its stems are not called S00, S01, … with facts of each")
    return dict(told)


def _sum_faults(place: Path, name: str, stems: dict[str, Any], suffix: str) -> Iterator[Fault]:
    """Whether all sounds can be read, are of one rate and length and as loud as told, and add up to the mix."""
    from motet.render.encoding import decode
    from motet.render.errors import RenderError
    from motet.render.loudness import integrated_loudness

    total, rate, count = None, 0, 0
    for stem in (None, *stems):
        file = f"mix.{suffix}" if stem is None else f"stems/{stem}.{suffix}"
        if not (place / file).is_file():
            continue
        try:
            samples, own = decode(place / file)
        except (RenderError, OSError) as error:
            yield Fault("damaged", f"{name}/{file}", f"It cannot be read: {error}.")
            return
        if stem is None:
            total, rate = samples, own
            continue
        if total is None:
            return
        if (samples.shape, own) != (total.shape, rate):
            both = [f"{len(one):,} frames of {one.shape[1]} at {hz} Hz" for one, hz in ((samples, own), (total, rate))]
            yield Fault("count", f"{name}/{file}", f"It has {both[0]}, and the mix {both[1]}.")
            return
        lufs, told = integrated_loudness(samples, own), stems[stem].get("integrated_loudness")
        if (lufs is None) != (told is None) or (lufs is not None and not (_is_number(told) and abs(told - lufs) < 0.5)):
            yield Fault("loudness", f"{name}/{file}", f"It has {lufs} LUFS, and the metadata says {told!r}.", False)
        total -= samples
        count += 1
    if total is not None and count and (left := float(np.abs(total).max(initial=0.0))) > (count + 2) * _STEP:
        yield Fault("sum", f"{name}/mix.{suffix}", f"It is not the sum of its stems: they are up to {left:.4f} apart.")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
