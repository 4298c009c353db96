"""Instruments and effects of others, VST3, VST2 and LV2, in a process that may crash, hang and be killed.

with Host() as host:
    organ = find("/usr/lib/vst3/Organ.vst3")
    print(host.describe(organ, engine_for(organ)).parameters)
    audio = host.play(organ, engine_for(organ), Path("part.mid").read_bytes(), 44100, parameters={"drive": 0.3})
"""

from motet.render.plugins.describing import Description, Parameter
from motet.render.plugins.engines import ENGINES, Engine, engine_for, version
from motet.render.plugins.errors import PluginError
from motet.render.plugins.finding import Plugin, find
from motet.render.plugins.host import Host, Limits
from motet.render.plugins.quarantine import Quarantine
from motet.render.plugins.trial import verdict

__all__ = [
    "ENGINES",
    "Description",
    "Engine",
    "Host",
    "Limits",
    "Parameter",
    "Plugin",
    "PluginError",
    "Quarantine",
    "engine_for",
    "find",
    "verdict",
    "version",
]
