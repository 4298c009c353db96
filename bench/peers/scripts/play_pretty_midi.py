"""pretty_midi, which plays each instrument by pyfluidsynth and adds them up."""

import wave
from collections.abc import Callable

import numpy as np
import pretty_midi


def start(font: str) -> Callable[[str, str], None]:
    def play(path: str, target: str) -> None:
        audio = pretty_midi.PrettyMIDI(path).fluidsynth(fs=44100, sf2_path=font)
        with wave.open(target, "wb") as file:
            file.setparams((1, 2, 44100, len(audio), "NONE", ""))
            file.writeframes((audio * 32767).astype("<i2").tobytes())

    np.seterr(invalid="raise")
    return play
