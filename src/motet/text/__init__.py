"""Words about music that the music's facts support."""

from motet.text.checking import Checked, Claim, check
from motet.text.grammar import Form, write
from motet.text.listening import listen
from motet.text.record import Effects, Place, Record, Tag, Withheld
from motet.text.shipping import Caption, by_grammar, ship

__all__ = [
    "Caption",
    "Checked",
    "Claim",
    "Effects",
    "Form",
    "Place",
    "Record",
    "Tag",
    "Withheld",
    "by_grammar",
    "check",
    "listen",
    "ship",
    "write",
]
