"""Which song a file holds, from its names: clues, guesses, an offline index of songs, and a probability."""

from motet.naming.cleaning import Guess, guesses
from motet.naming.clues import Clue, clues_of_midi, clues_of_path
from motet.naming.identifying import Identification, identify
from motet.naming.index import KnownSong, SongIndex, default_path
from motet.naming.matching import Match, Penalty, match
from motet.naming.recordings import Recording, clues_of_recording

__all__ = [
    "Clue",
    "Guess",
    "Identification",
    "KnownSong",
    "Match",
    "Penalty",
    "Recording",
    "SongIndex",
    "clues_of_midi",
    "clues_of_path",
    "clues_of_recording",
    "default_path",
    "guesses",
    "identify",
    "match",
]
