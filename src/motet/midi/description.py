"""All that is known of a song or a clip from its notes, in one record; and a song's sections with the facts of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from motet.midi.chords import Chord, chords
from motet.midi.estimates import acousticness, energy, loudness
from motet.midi.feel import Feel, feel
from motet.midi.instruments import Instrument, instruments
from motet.midi.key import Key, key, keys
from motet.midi.metre import Metre, metre
from motet.midi.passage import Passage
from motet.midi.pulse import Pulse, pulse
from motet.midi.sections import Section, sections
from motet.midi.tap import Tap, tap
from motet.midi.texture import Texture, texture


@dataclass(frozen=True)
class Description:
    """Facts of a passage; None where it holds too little to tell.

    `tempo` is the written tempo in beats of the metre, `tap` the pulse a listener would tap. Estimates carry their own
    confidence; `lufs`, `energy` and `acousticness` are estimates of Motet's (`motet.midi.estimates`); `texture` is counted.
    """

    seconds: float
    tempo: Pulse
    tap: Tap | None
    metre: Metre | None
    feel: Feel | None
    key: Key | None
    chords: Sequence[Chord]
    texture: Texture
    instruments: Sequence[Instrument]
    lufs: float
    energy: float
    acousticness: float | None


@dataclass(frozen=True)
class SectionFacts:
    """A section of a song with its facts: `start` and `seconds` on the song's clock, `tempo` in taps per minute."""

    section: Section
    start: float
    seconds: float
    lufs: float
    tempo: float
    tempo_confidence: float
    key: Key | None
    metre: tuple[int, int]
    metre_confidence: float


def describe(passage: Passage) -> Description:
    """Everything about a passage; of one without notes or time that is None or nothing for most of it.

    Raises `Unreadable` (absurd_length) for more than 200,000 beats.
    """
    heard, tonality = texture(passage), key(passage)
    lufs = float(loudness(passage, np.array([passage.start, passage.end]))[0])
    return Description(
        seconds=passage.seconds,
        tempo=pulse(passage.clock, passage.start, max(passage.end, passage.start + 1)),
        tap=tap(passage),
        metre=metre(passage),
        feel=feel(passage),
        key=tonality,
        chords=chords(passage, tonality),
        texture=heard,
        instruments=instruments(passage),
        lufs=lufs,
        energy=energy(heard, lufs),
        acousticness=acousticness(passage),
    )


def describe_sections(passage: Passage, song: Description) -> list[SectionFacts]:
    """The sections of a song. Tempo and metre of a section are the song's pulse and its clock there; the key is its own."""
    found = sections(passage)
    if not found:
        return []
    clock = passage.clock
    edges = np.array([*(one.start for one in found), found[-1].end])
    times, levels, tonalities = clock.to_seconds(edges), loudness(passage, edges), keys(passage, edges)
    told = []
    for at, section in enumerate(found):
        start, seconds = float(times[at]), float(times[at + 1] - times[at])
        quarters = clock.to_quarters(section.end - section.start)
        told.append(
            SectionFacts(
                section=section,
                start=start,
                seconds=seconds,
                lufs=float(levels[at]),
                tempo=60 * quarters / seconds / (song.tap.quarters if song.tap else 1.0),
                tempo_confidence=song.tap.confidence if song.tap else 0.0,
                key=tonalities[at],
                metre=clock.metre_at(section.start),
                metre_confidence=(song.metre.confidence or 0.0) if song.metre else 0.0,
            )
        )
    return told


def as_services_did(facts: SectionFacts) -> dict[str, float | int]:
    """A section under the names and units of the audio analysis that Spotify's service gave for recordings.

    Key 0 (C) to 11, -1 unknown; mode 1 major, 0 minor; seconds; dB; confidences 0 to 1. On the MIDI's own timeline.
    """
    tonality = facts.key
    return {
        "start": round(facts.start, 3),
        "duration": round(facts.seconds, 3),
        "confidence": round(facts.section.confidence, 3),
        "loudness": round(facts.lufs, 1),
        "tempo": round(facts.tempo, 3),
        "tempo_confidence": round(facts.tempo_confidence, 3),
        "key": tonality.tonic if tonality else -1,
        "key_confidence": round(tonality.confidence, 3) if tonality else 0.0,
        "mode": int(tonality.mode == "major") if tonality else 0,
        "mode_confidence": round(tonality.confidence, 3) if tonality else 0.0,
        "time_signature": facts.metre[0],
        "time_signature_confidence": round(facts.metre_confidence, 3),
    }
