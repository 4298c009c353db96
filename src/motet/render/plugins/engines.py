"""The two libraries that run plug-ins, and which of them runs what."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from motet.render.plugins.errors import PluginError
from motet.render.plugins.finding import Plugin

__all__ = ["ENGINES", "Engine", "engine_for", "version"]


@dataclass(frozen=True)
class Engine:
    """A library, the extra of Motet that brings it, and the formats it loads."""

    name: str
    extra: str
    formats: frozenset[str]

    @property
    def fix(self) -> str:
        return f'pip install "motet[{self.extra}]"'


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("pedalboard", "effects", frozenset({"vst3"})),
        Engine("dawdreamer", "vst", frozenset({"vst2", "vst3", "lv2"})),
    )
}
"""By name, the preferred one first."""


def engine_for(plugin: Plugin) -> str:
    """The engine that runs `plugin` when nothing else is said: pedalboard for a VST3, dawdreamer for the rest."""
    return next(name for name, engine in ENGINES.items() if plugin.format in engine.formats)


def version(engine: str) -> str:
    """The installed version. Raises PluginError `unknown_engine`, `missing_engine` (with what to install)."""
    if engine not in ENGINES:
        raise PluginError("unknown_engine", f"there is no plug-in engine {engine!r}; there are: {', '.join(ENGINES)}")
    try:
        return metadata.version(engine)
    except metadata.PackageNotFoundError:
        raise PluginError("missing_engine", f"the plug-in engine {engine} is not installed: {ENGINES[engine].fix}") from None
