"""tinysoundfont: its sequencer, and blocks until no event is left, then two seconds; 12 dB down, so that nothing clips."""

import wave
from collections.abc import Callable

import numpy as np
import tinysoundfont

RATE, BLOCK, TAIL = 44100, 4410, 2 * 44100
LONGEST = 3600 * RATE


def start(font: str) -> Callable[[str, str], None]:
    loaded = tinysoundfont.Synth(gain=-12, samplerate=RATE)
    loaded.sfload(font)
    del loaded

    def play(path: str, target: str) -> None:
        synth = tinysoundfont.Synth(gain=-12, samplerate=RATE)
        font_id = synth.sfload(font)
        for channel in range(16):
            synth.program_select(channel, font_id, 128 if channel == 9 else 0, 0, channel == 9)
        sequencer = tinysoundfont.Sequencer(synth)
        sequencer.midi_load(path)
        blocks = []
        while not sequencer.is_empty() and len(blocks) * BLOCK < LONGEST:
            blocks.append(np.frombuffer(bytes(synth.generate(BLOCK)), np.float32))
        blocks.append(np.frombuffer(bytes(synth.generate(TAIL)), np.float32))
        audio = np.concatenate(blocks)
        with wave.open(target, "wb") as file:
            file.setparams((2, 2, RATE, len(audio) // 2, "NONE", ""))
            file.writeframes((np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes())

    return play
