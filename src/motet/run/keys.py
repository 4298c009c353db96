"""Keys: what must be equal for an answer to be used again."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping
from typing import Any

from motet.run.stage import Settings, Stage, versions


def canonical(value: Any) -> bytes:
    """One byte string per value: equal values give equal bytes. Floats keep every bit."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, set | frozenset):
        return sorted(value)
    msg = f"{type(value).__name__} cannot be part of a key"
    raise TypeError(msg)


def digest(*values: Any) -> str:
    return hashlib.blake2b(canonical(values), digest_size=16).hexdigest()


def salt(stage: Stage, settings: Settings, seed: int) -> str:
    """What every key of a stage shares: its version, settings, fonts or models by content, and shaping libraries."""
    chosen = settings.model_dump(mode="json", exclude={"timeout", *settings.no_effect})
    contents = dict(stage.contents(settings)) if stage.contents else {}
    drawn = seed if stage.draws_with(settings) else None
    return digest(stage.name, stage.version, chosen, contents, versions(stage.libraries), drawn)


def key(stage_salt: str, used: Mapping[str, Any], lineage: str | None) -> str:
    """The key of one input: the stage's salt, the used fields by input name, the lineage if the stage draws lots."""
    return digest(stage_salt, used, lineage)


def dice(stage: str, lineage: str, seed: int) -> random.Random:
    """Random numbers for one row: the same for the same lineage, stage and seed, whatever the settings."""
    return random.Random(digest(stage, lineage, seed))
