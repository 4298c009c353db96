"""Films are looked at as finished files: does the picture change where notes were planned to be seen?"""

from __future__ import annotations

import json
from typing import Literal

from pydantic import Field

from motet.dataset.rows import Film, SyncCheck
from motet.run import Drop, Settings, Tools, stage
from motet.video.errors import VideoError


class CheckSync(Settings):
    faulty: Literal["drop", "keep"] = Field(
        default="drop", description="what becomes of a film that is frozen, black, always in motion or otherwise faulty"
    )


@stage(version=2, uses=["video", "manifest"], timeout=600, libraries=["av", "numpy", "scipy"])
def check_sync(film: Film, settings: CheckSync, tools: Tools) -> SyncCheck | Drop:
    from motet.video import sync

    manifest = json.loads(tools.media.read(film.manifest))
    try:
        found = sync.check(tools.media.path(film.video), manifest)
    except VideoError as error:
        return Drop(error.reason, error.detail)
    if found.faults and settings.faulty == "drop":
        return Drop(found.faults[0].reason, "; ".join(fault.detail for fault in found.faults))
    picture = found.picture
    return SyncCheck(
        planned=len({event["frame"] for event in manifest["motet"]["events"]}),
        judged=picture.judged,
        changes=len(found.changes),
        precision=picture.precision,
        recall=picture.recall,
        f1=picture.f1,
        f1_all=found.every.f1,
        error_ms=picture.mean_ms,
        error_ms_worst=picture.worst_ms,
        audio_f1=found.sound.f1 if found.sound else None,
        av_align=found.av_align,
        beat_alignment=found.beat_alignment,
        faults=[fault.reason for fault in found.faults],
        details=[fault.detail for fault in found.faults],
    )
