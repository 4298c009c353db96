"""Every checkable thing that a caption asserts.

Each reader runs its patterns on the short form of a `Reading` (`@n` instrument, `#n` number).
"""

from __future__ import annotations

from collections.abc import Iterator

from motet.text.checking.keys import keys_and_chords
from motet.text.checking.manner import effects, manner, sections, words
from motet.text.checking.numbers import durations, metres, numbers, tempo_changes
from motet.text.checking.orders import orders
from motet.text.checking.players import counts, instruments
from motet.text.checking.reading import Assertion, Reading
from motet.text.checking.roles import roles
from motet.text.checking.times import events

_READERS = (
    words, instruments, numbers, durations, metres, keys_and_chords, roles, events, orders,
    counts, tempo_changes, manner, sections, effects,
)  # fmt: skip


def assertions(reading: Reading) -> Iterator[Assertion]:
    """All that a caption says and a record could tell, in no particular order."""
    for reader in _READERS:
        yield from reader(reading)
