"""midi2audio, which starts fluidsynth for each file."""

from collections.abc import Callable

from midi2audio import FluidSynth


def start(font: str) -> Callable[[str, str], None]:
    played: Callable[[str, str], None] = FluidSynth(font, sample_rate=44100).midi_to_audio
    return played
