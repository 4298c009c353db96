"""Rendering and measuring sound, as multiples of real time on one core."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from measure import Line, over, seconds
from motet import demo, midi, render

RATE = 44100


def measure(quick: bool) -> Iterator[Line]:
    tunes = demo.TUNES[:1] if quick else demo.TUNES[:5]
    repeats = 3
    songs = [[part.midi for part in midi.split(demo.to_midi(demo.arrange(tune)))] for tune in tunes]
    font = render.find()
    synth = render.load(font, RATE)
    stems = [list(synth.render(parts)) for parts in songs]
    mixes = [render.mix(parts).audio for parts in stems]
    stored = [render.encode(audio, RATE) for audio in mixes]
    long = sum(len(audio) for audio in mixes) / RATE  # seconds of music
    sounded = sum(len(stem) for song in stems for stem in song) / RATE  # seconds of stems

    playing = _speeds(lambda: [list(synth.render(parts)) for parts in songs], long, repeats)
    parts = sum(map(len, songs))
    note = f"{parts} stems, {long:.0f} s of songs, {font.name}"
    yield Line("synth, all stems of a song", playing, "x real time", len(songs), note=note)
    # The rest beside the synth, per second of song: a song has one mix and several stems.
    works: dict[str, tuple[Callable[[], Any], float]] = {
        "FLAC, all stems of a song": (lambda: [_stored(stem) for song in stems for stem in song], long),
        "mix with loudness and true peak": (lambda: [render.mix(song) for song in stems], long),
        "  integrated loudness": (lambda: [render.integrated_loudness(audio, RATE) for audio in mixes], long),
        "  true peak": (lambda: [render.true_peak(audio) for audio in mixes], long),
        "FLAC, the mix": (lambda: [render.encode(audio, RATE) for audio in mixes], long),
        "reading FLAC, the mix": (lambda: [render.decode(data) for data in stored], long),
    }
    for name, (work, music) in works.items():
        speeds = _speeds(work, music, repeats)
        note = f"{sounded:.0f} s of stems" if name.startswith("FLAC, all") else ""
        yield Line(name, speeds, "x real time", len(songs), over(speeds, playing), "synth", note=note)


def _stored(stem: render.Audio) -> bytes:
    return render.encode(stem, RATE, gain_db=-render.stored_gain(stem))


def _speeds(work: Callable[[], Any], music: float, repeats: int) -> tuple[float, ...]:
    return tuple(music / taken for taken in seconds(work, repeats, time.process_time))
