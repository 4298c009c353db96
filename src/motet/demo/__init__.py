"""Our own tunes, written as code: a small, messy MIDI collection to try Motet on."""

from .arrange import Arrangement, arrange
from .collection import write
from .engrave import to_midi
from .form import Part, Section, Tune
from .notation import NotationError
from .tunes import TUNES

__all__ = ["TUNES", "Arrangement", "NotationError", "Part", "Section", "Tune", "arrange", "to_midi", "write"]
