"""Films by Deforum: settings that are checked, its web API, and a farm of servers that loses nothing."""

from typing import TYPE_CHECKING, Any

from motet.video.deforum.jobs import Change, Job, Outcome, Rendered
from motet.video.deforum.settings import problems, settings

if TYPE_CHECKING:
    from motet.video.deforum.farm import Farm

__all__ = ["Change", "Farm", "Job", "Outcome", "Rendered", "problems", "settings"]


def __getattr__(name: str) -> Any:
    """The farm speaks HTTP, which takes 0.1 s to import; settings do not."""
    if name == "Farm":
        from motet.video.deforum.farm import Farm

        return Farm
    raise AttributeError(name)
