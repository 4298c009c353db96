"""mido: the messages one after another, in seconds; tracks merged and tempi followed by mido."""

from typing import Any

import mido


def load(path: str) -> Any:
    return mido.MidiFile(path)


def facts(song: Any) -> tuple[int, float, int]:
    notes, now, end, tempi = 0, 0.0, 0.0, 0
    sounding: set[tuple[int, int]] = set()
    for message in song:
        now += message.time
        if message.type == "set_tempo":
            tempi += 1
        elif message.type == "note_on" and message.velocity:
            notes += 1
            sounding.add((message.channel, message.note))
        elif message.type in ("note_on", "note_off") and (message.channel, message.note) in sounding:
            sounding.remove((message.channel, message.note))
            end = now
    return notes, end, max(tempi, 1)
