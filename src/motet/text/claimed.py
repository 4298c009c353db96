"""Every checkable thing that a caption asserts.

Each reader runs its patterns on the short form of a `Reading` (`@n` instrument, `#n` number).
"""

from __future__ import annotations

from collections.abc import Iterator

from motet.text.claimed_keys import keys_and_chords
from motet.text.claimed_manner import effects, manner, sections, words
from motet.text.claimed_numbers import durations, metres, numbers, tempo_changes
from motet.text.claimed_orders import orders
from motet.text.claimed_players import counts, instruments
from motet.text.claimed_roles import roles
from motet.text.claimed_times import events
from motet.text.claims import Assertion, Reading

_READERS = (
    words, instruments, numbers, durations, metres, keys_and_chords, roles, events, orders,
    counts, tempo_changes, manner, sections, effects,
)  # fmt: skip


def assertions(reading: Reading) -> Iterator[Assertion]:
    """All that a caption says and a record could tell, in no particular order."""
    for reader in _READERS:
        yield from reader(reading)
