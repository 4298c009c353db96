"""Stems are judged by what was heard of them when they were made: do they sound as their notes say?"""

from __future__ import annotations

import json
from typing import cast

from motet import render
from motet.dataset.rows import AudioCheck, Stem
from motet.run import stage


@stage(
    version=1,
    uses=["index", "take", "kind", "heard", "patch", "sound"],
    timeout=20,
)
def check_audio(stem: Stem) -> AudioCheck:
    told = json.loads(stem.heard)
    hearing = render.Hearing(**told | {"unheard_keys": tuple(told["unheard_keys"])})
    patch = render.Patch.from_json(stem.patch)
    faults = render.faults(hearing, cast("render.Kind", stem.kind), patch)
    return AudioCheck(
        index=stem.index,
        take=stem.take,
        kind=stem.kind,
        faults=[fault.reason for fault in faults],
        details=[fault.detail for fault in faults],
        onset_f1=hearing.f1,
        offset_ms=hearing.offset_ms,
        tuning_cents=hearing.tuning_cents,
        instrument=patch.instrument,
        sound=stem.sound,
    )
