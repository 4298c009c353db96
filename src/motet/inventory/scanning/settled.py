"""May a file that was just looked at be trusted not to have changed again within one tick of the clock?"""

from __future__ import annotations

from motet.files import places

__all__ = ["is_settled"]


def is_settled(mtime_ns: int, ctime_ns: int, now_ns: int) -> bool:
    """Were its times far enough from now when it was looked at? Times in the far future are old mistakes, not new writes."""
    return abs(now_ns - mtime_ns) >= places.RACY_NS and abs(now_ns - ctime_ns) >= places.RACY_NS
