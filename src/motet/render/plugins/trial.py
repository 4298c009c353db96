"""A plug-in's trial: once on this machine, before it plays in any song."""

from __future__ import annotations

import numpy as np

from motet.midi.events import CONTROL, NOTE_OFF, NOTE_ON, Event, Events, write
from motet.render.plugins.errors import PluginError
from motet.render.plugins.finding import Plugin
from motet.render.plugins.host import CRASHING, HANGING, Host
from motet.render.plugins.quarantine import Quarantine

__all__ = ["verdict"]

RATE = 44100
DIVISION = 480  # ticks a quarter note, which lasts half a second
KEYS = range(21, 109)  # those of a piano


def verdict(plugin: Plugin, engine: str, quarantine: Quarantine) -> str:
    """The sentence that condemns `plugin`; "" if it plays all keys, or lets noise through, without crashing or hanging.

    The first verdict is kept in `quarantine`, and stays until it is forgotten there, so that what plays in a song hangs neither
    on the songs before nor on who asks first. What breaks only at something the trial does not ask breaks in songs, one by one.
    """
    if not quarantine.tried(plugin):
        with Host(quarantine=quarantine) as host:
            try:
                _try(host, plugin, engine)
            except PluginError as error:
                if error.reason not in (CRASHING, HANGING):
                    quarantine.free(plugin)  # what else is wrong is told where it plays
            else:
                quarantine.free(plugin)
    try:
        quarantine.check(plugin)
    except PluginError as error:
        return error.detail
    return ""


def _try(host: Host, plugin: Plugin, engine: str) -> None:
    if host.describe(plugin, engine).instrument:
        host.play(plugin, engine, _all_keys(), RATE)
    else:
        noise = np.random.default_rng(0).uniform(-0.25, 0.25, (2 * RATE, 2)).astype(np.float32)
        host.process(plugin, engine, noise, RATE)


def _all_keys() -> bytes:
    track: list[Event] = [(0, CONTROL, bytes((1, 40)))]
    for place, key in enumerate(KEYS):
        track.append((place * DIVISION // 4, NOTE_ON, bytes((key, 100))))
        track.append((place * DIVISION // 4 + DIVISION // 5, NOTE_OFF, bytes((key, 0))))
    return write(Events(0, DIVISION, [track]))
