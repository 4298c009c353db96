"""pyfluidsynth: libfluidsynth's own player and file renderer, a synth a file since the file's name is a setting of it."""

from collections.abc import Callable

import fluidsynth


def start(font: str) -> Callable[[str, str], None]:
    def play(path: str, target: str) -> None:
        synth = fluidsynth.Synth(samplerate=44100.0)
        synth.sfload(font)
        synth.midi2audio(path, target)
        synth.delete()

    return play
