"""Plug-ins that crashed or hung once are not asked again."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from motet.render.plugins.errors import PluginError
from motet.render.plugins.finding import Plugin

__all__ = ["Quarantine"]


@dataclass(frozen=True)
class Quarantine:
    """A folder with a small file per plug-in that crashed or hung, named by its content: a new version is asked anew.

    The first story is the one that stays, so every later answer is the same, whichever row met the plug-in first.
    """

    folder: Path

    @classmethod
    def of_this_machine(cls) -> Quarantine:
        """The one that all this user's datasets share: in `XDG_CACHE_HOME`, or `~/.cache`."""
        caches = os.environ.get("XDG_CACHE_HOME", "")
        return cls((Path(caches) if caches.startswith("/") else Path.home() / ".cache") / "motet" / "plugins")

    def check(self, plugin: Plugin) -> None:
        """Raises the PluginError that put `plugin` here, if one did. A damaged file counts as none."""
        try:
            told = json.loads(self._file(plugin.sha256).read_bytes())
            reason, detail = told["reason"], told["detail"]
        except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError):
            return
        if reason:
            raise PluginError(str(reason), str(detail))

    def put(self, plugin: Plugin, error: PluginError) -> None:
        """Keep `plugin` here for `error`, unless it is here already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        told = {"name": plugin.name, "reason": error.reason, "detail": error.detail}
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".new", delete=False, encoding="ascii") as file:
            json.dump(told, file)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(file.name, self._file(plugin.sha256))
        except FileExistsError:
            try:
                self.check(plugin)
            except PluginError:
                return  # another process met it at the same time
            os.replace(file.name, self._file(plugin.sha256))
        finally:
            Path(file.name).unlink(missing_ok=True)

    def tried(self, plugin: Plugin) -> bool:
        """Whether `plugin` had its trial, whatever came of it."""
        return self._file(plugin.sha256).exists()

    def free(self, plugin: Plugin) -> None:
        """Keep that `plugin` passed its trial."""
        self.put(plugin, PluginError("", ""))

    def forget(self, sha256: str | None = None) -> None:
        """Let one plug-in out, or all."""
        for file in [self._file(sha256)] if sha256 is not None else self.folder.glob("*.json"):
            file.unlink(missing_ok=True)

    def _file(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("a digest has 64 hexadecimal digits")
        return self.folder / f"{sha256}.json"
