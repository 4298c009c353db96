"""What can go wrong with somebody else's instrument or effect."""

from motet.render.errors import RenderError

__all__ = ["PluginError"]


class PluginError(RenderError):
    """A plug-in that is missing, refuses, misbehaves, or an engine that is not there to run it."""
