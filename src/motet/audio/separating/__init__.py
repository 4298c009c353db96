"""A recording taken apart into stems by a demucs model."""

from motet.audio.separating.models import ModelCard
from motet.audio.separating.separator import Separation, Separator, load

__all__ = ["ModelCard", "Separation", "Separator", "load"]
