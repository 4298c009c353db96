"""Small MIDI parts, written byte by byte, and what an ear would ask of their sound."""

from collections.abc import Iterable

import numpy as np

from motet.render import Audio

RATE = 44100
TICKS = 480  # per quarter note; half a second at the default 120 BPM

Message = tuple[int, bytes]  # tick, bytes of a message


def part(messages: Iterable[Message], ticks: int = TICKS) -> bytes:
    """A one-track MIDI file of `messages`, which may come in any order."""
    body, now = b"", 0
    for tick, data in sorted(messages, key=lambda message: message[0]):
        delta, now = tick - now, tick
        size = bytes([delta & 0x7F])
        while delta := delta >> 7:
            size = bytes([delta & 0x7F | 0x80]) + size
        body += size + data
    body += b"\0\xff\x2f\0"
    header = b"MThd" + (6).to_bytes(4) + (0).to_bytes(2) + (1).to_bytes(2) + ticks.to_bytes(2)
    return header + b"MTrk" + len(body).to_bytes(4) + body


def note(start: int, length: int, key: int, velocity: int = 100, channel: int = 0) -> list[Message]:
    return [(start, bytes([0x90 | channel, key, velocity])), (start + length, bytes([0x80 | channel, key, 0]))]


def control(tick: int, controller: int, value: int, channel: int = 0) -> Message:
    return tick, bytes([0xB0 | channel, controller, value])


def program(tick: int, number: int, channel: int = 0) -> Message:
    return tick, bytes([0xC0 | channel, number])


def bend(tick: int, value: int, channel: int = 0) -> Message:
    return tick, bytes([0xE0 | channel, value & 0x7F, value >> 7])


def tempo(tick: int, bpm: float) -> Message:
    return tick, b"\xff\x51\x03" + round(60e6 / bpm).to_bytes(3)


def level(audio: Audio) -> float:
    """RMS, in dBFS."""
    return float(10 * np.log10(np.mean(audio.astype(np.float64) ** 2) + 1e-20))


def pitch(audio: Audio) -> float:
    """The frequency of the strongest partial, in Hz."""
    signal = audio.sum(axis=1) * np.hanning(len(audio))
    spectrum = np.abs(np.fft.rfft(signal, 1 << 19))
    return float(np.argmax(spectrum[100:]) + 100) * RATE / (1 << 19)
