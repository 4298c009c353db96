"""How long tests wait for a plug-in, and what builds one."""

from collections.abc import Callable

from motet.render.plugins import Limits, Plugin

IMPATIENT = Limits(load=20, render=2, factor=0.1)
Build = Callable[[str], Plugin]
