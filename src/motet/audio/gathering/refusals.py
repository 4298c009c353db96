"""Why a recording was not taken: a word to count by, and a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass

from motet.wording import span

__all__ = ["Refused", "refused"]

_COOKIES = "export the cookies of a browser that may see it, and name that file"
_SENTENCES = {
    "wrong_licence": "Its licence is {licence}, which is not among those asked for.",
    "too_long": "It lasts {length}, longer than the {longest} that are taken.",
    "too_large": "It is larger than is taken, or has no end: raise `largest` if you want it.",
    "gone": "The site no longer has it.",
    "private": "It is private, or the site forbids it to strangers: " + _COOKIES + " if you may have it.",
    "needs_login": "The site wants a login: " + _COOKIES + ".",
    "needs_cookies": "The site doubts that a person asks: " + _COOKIES + ".",
    "geo_blocked": "The site does not give it to your country.",
    "no_audio": "There is no sound that can be taken in the formats asked for.",
    "no_space": "The disk is full: make room and run the same command again; what has come is kept.",
    "rate_limited": "The site asks to be left alone for {wait}: run the same command again later, with more `sleep`.",
    "no_javascript_runtime": (
        "YouTube needs a JavaScript runtime that yt-dlp supports: install deno (https://deno.com), node, bun or quickjs, and"
        ' yt-dlp\'s scripts for it with pip install "yt-dlp[default]".'
    ),
    "unknown_site": "This is no web address that yt-dlp finds a recording at: update yt-dlp, or name the recording's own page.",
    "foreign_address": "It leads to a file, to another protocol or into a private network, which a stranger's page may not.",
    "live_stream": "It is a live stream, which has no end yet: ask again when it is over.",
    "network": "The site did not answer, or broke off too often: run the same command again; what has come is kept.",
    "protected": "It is encrypted against copying (DRM).",
    "needs_program": "It comes in a protocol that needs ffmpeg or another program: ask for another format.",
    "playlist_cut": "The playlist holds more than {most} items, and the rest was left: raise `most`.",
    "too_deep": "It is a playlist in playlists in playlists: name the one that holds the recordings.",
    "crashed": "yt-dlp crashed over it, again and again: update yt-dlp.",
    "site_failed": "yt-dlp could not read the site's page: update yt-dlp, since sites change often.",
}


@dataclass(frozen=True)
class Refused:
    """What was not taken. `url` is fit to be written down (see `hushed`)."""

    url: str
    reason: str
    sentence: str


def refused(
    url: str,
    reason: str,
    *,
    licence: str | None = None,
    length: float = 0.0,
    longest: float = 0.0,
    wait: float | None = None,
    most: int = 0,
) -> Refused:
    """A refusal by its reason, with what its sentence tells."""
    sentence = _SENTENCES[reason].format(
        licence=f"“{licence}”" if licence else "not told",
        length=span(length),
        longest=span(longest),
        wait=span(wait) if wait is not None else "a while",
        most=f"{most:,}",
    )
    return Refused(url, reason, sentence)
