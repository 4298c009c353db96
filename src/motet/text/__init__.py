"""Words about music that the music's facts support."""

from motet.text.facts import ClipFacts
from motet.text.grammar import sentence

__all__ = ["ClipFacts", "sentence"]
