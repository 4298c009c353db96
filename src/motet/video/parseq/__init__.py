"""Parseq documents: read, checked, rendered and written as Parseq itself would."""

from motet.video.parseq.loading import dump, load
from motet.video.parseq.rendering import render
from motet.video.parseq.validation import problems

__all__ = ["dump", "load", "problems", "render"]
