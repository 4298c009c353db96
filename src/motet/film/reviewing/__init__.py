"""Matches judged by ear and eye: does this song really play in this moment of this film, does this MIDI fit?

A judgement is a label. It names what it is about by a stamp, a key made of content, so it survives renamed files and new runs.
Later runs respect the last label of a stamp: "no" drops the match (reason `rejected`), "yes" keeps it whatever its confidence
(`accepted`), and "unsure" changes nothing.
"""

from motet.film.reviewing.items import Item
from motet.film.reviewing.serving import Kind, Media, Review, serve
from motet.labels import Label, Labels, Verdict

__all__ = ["Item", "Kind", "Label", "Labels", "Media", "Review", "Verdict", "serve"]
