"""Captions by a grammar: what may be said of a clip, the phrases for it, and the sentences they make."""

from motet.text.grammar.sentences import Form, write

__all__ = ["Form", "write"]
