"""What is asked of the servers, and what comes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from motet.video.deforum.settings import problems
from motet.video.errors import VideoError

__all__ = ["Change", "Job", "Outcome", "Rendered"]


@dataclass(frozen=True)
class Job:
    """A film to be made by Deforum's `settings`, put at `to` once it holds `frames` pictures of `size` (width, height) at
    `fps` a second. `id` tells jobs apart in a journal."""

    id: str
    settings: Mapping[str, Any] = field(repr=False)
    frames: int
    size: tuple[int, int]
    fps: Fraction
    to: Path

    def digest(self) -> str:
        """Changes with what is asked. Raises VideoError for settings that Deforum would not take."""
        if found := problems(self.settings if isinstance(self.settings, dict) else dict(self.settings)):
            raise VideoError("bad_settings", found[0])
        told = json.dumps([self.settings, self.frames, self.size, str(self.fps)], sort_keys=True, default=dict)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True)
class Rendered:
    """A film that is there and was checked. `server` made it (address without secrets) at the `tries`-th try."""

    path: Path
    frames: int
    size: tuple[int, int]
    fps: Fraction
    bytes: int
    server: str
    tries: int


@dataclass(frozen=True)
class Change:
    """What became of a job: `what` is a phase of Deforum's (QUEUED … DONE), or the reason a try ended, in small letters."""

    id: str
    server: str
    what: str
    progress: float


@dataclass(frozen=True)
class Outcome:
    """The end of a job: a film, or the reason there is none."""

    job: Job
    rendered: Rendered | None
    error: VideoError | None
