"""One picture of a film, to stand for it until it plays."""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import islice
from pathlib import Path

__all__ = ["poster"]


def poster(film: Path, frame: int | None = None) -> bytes:
    """Picture `frame` of a film as JPEG, or the last one before it; None: one a third of the way through."""
    import av

    with av.open(os.fspath(film)) as container:
        stream = container.streams.video[0]
        wanted = max(stream.frames // 3, 0) if frame is None else frame
        picture = next(container.decode(stream))
        for later in islice(container.decode(stream), wanted):
            picture = later
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width, codec.height, codec.pix_fmt, codec.time_base = picture.width, picture.height, "yuvj420p", Fraction(1, 25)
    codec.options = {"qmin": "3", "qmax": "3"}
    still = picture.reformat(format="yuvj420p")
    still.pts, still.time_base = 0, Fraction(1, 25)
    return b"".join(bytes(packet) for packet in [*codec.encode(still), *codec.encode(None)])
