"""Soundtracks on Spotify: albums and listeners' playlists that are called like a film, where the application may read them.

https://developer.spotify.com/documentation/web-api. Since 2024-11 an application does not see Spotify's own playlists, and since
2026-03 one in development mode only its users': a 403 is an answer, and is told as one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from motet.film.songs.asking import Check, Refused, Told, mixed
from motet.film.songs.columns import identifiers
from motet.film.songs.kinds import album as read_album
from motet.film.songs.kinds import of_album, of_track
from motet.film.songs.kinds import various as by_nobody
from motet.film.songs.listed import Listed
from motet.film.songs.names import FilmName
from motet.sources.client import Client, Said, Verdict, by_status
from motet.sources.hostile import inside, items, link, text, whole, year
from motet.sources.spotify import Spotify
from motet.sources.spotify import open_source as open_spotify

_FOUND = 10  # of each kind that a search gives since 2026
_READ = 3  # albums, and playlists, whose tracks are read
_PAGE, _PAGES = 50, 4
_PLAYLIST = 0.6  # a playlist is anybody's, and its songs as a rule not of the film alone

_ID = re.compile(r"[A-Za-z0-9]{1,64}")


@dataclass(frozen=True)
class SpotifySoundtracks:
    source: Spotify = field(repr=False)
    name: str = "spotify"

    def ask(self, film: FilmName, client: Client, check: Check) -> Told:
        words = " ".join(text(film.title.replace(":", " ").replace('"', " ")).split())[:100]
        params = {"type": "album,playlist", "limit": str(_FOUND), "q": f"{words} soundtrack"}
        said = self.source._ask(client, "search", _judge_search, **params)
        if said.status == 403:
            return Told(self.name, "refused", (), (_closed("its search", said),), said.asked_at, said.url)
        listed, refused, notes = list[Listed](), list[Refused](), list[str]()
        for kind in ("albums", "playlists"):
            chosen, others = _chosen(items(inside(said.told, kind, "items"))[:_FOUND], kind, check)
            refused += others
            if len(chosen) > _READ:
                notes.append(f"{len(chosen) - _READ} more {kind} of this title were not read.")
            doubt, mix = mixed(film, [year(one.get("release_date")) for _, one in chosen[:_READ]] if kind == "albums" else [])
            notes += mix
            for sure, one in chosen[:_READ]:
                told = self._tracks(film, one, kind, round(sure * doubt, 4), client)
                if isinstance(told, Refused):
                    refused.append(told)
                else:
                    listed += told
        closed = any(one.reason == "closed" for one in refused)
        status: Literal["found", "not_found", "refused"] = "found" if listed else "refused" if closed else "not_found"
        return Told(self.name, status, tuple(listed), tuple(refused), said.asked_at, said.url, tuple(notes))

    def _tracks(self, film: FilmName, one: Mapping[str, Any], kind: str, sure: float, client: Client) -> list[Listed] | Refused:
        name, own = text(one.get("name")), text(one.get("id"))
        what, path = f"“{name}”", f"albums/{own}/tracks" if kind == "albums" else f"playlists/{own}/items"
        tracks = list[Mapping[str, Any]]()
        for page in range(_PAGES):
            said = self.source._ask(client, path, _judge_page, limit=str(_PAGE), offset=str(page * _PAGE))
            if said.status in (403, 404):
                return _closed(what, said)
            found = items(inside(said.told, "items"))[:_PAGE]
            tracks += [inner if isinstance(inner := held.get("item") or held.get("track"), dict) else held for held in found]
            if not found or len(tracks) >= (whole(inside(said.told, "total"), 0) or 0):
                break
        named = [(title, _artists(track), track) for track in tracks if (title := text(track.get("name")))]
        if not named:
            return Refused(what, "no_tracks", f"{what} has no tracks that can be seen.")
        maker = _artists(one)
        its, gathered, why = of_album(name, maker, [(title, by) for title, by, _ in named])
        if kind == "playlists":
            its, gathered, why = "unknown", None, ""
        composers = (maker,) if its == "score" and not gathered else ()
        there = link(inside(one, "external_urls", "spotify")) or f"https://open.spotify.com/{kind[:-1]}/{own}"
        listed = list[Listed]()
        for title, by, track in named:
            judged, reason = of_track(title, by, composers, its, why)
            held = text(inside(track, "album", "name")) if kind == "playlists" else name
            code, track_id = text(inside(track, "external_ids", "isrc")), text(track.get("id"))
            known = identifiers(code, "", f"spotify:track:{track_id}")
            shown = "" if by_nobody(by) else by
            listed.append(
                Listed(film.title, film.year, film.film_id, title, shown, judged, held, gathered, self.name,
                       there.partition("?")[0], sure, known, (), reason)
            )  # fmt: skip
        return listed


def open_service(settings: Mapping[str, str]) -> SpotifySoundtracks:
    """Set up as the source `spotify` is: SPOTIFY_CLIENT_ID, SPOTIFY_CLIENT_SECRET."""
    return SpotifySoundtracks(open_spotify(settings))


def _chosen(
    found: list[Mapping[str, Any]], kind: str, check: Check
) -> tuple[list[tuple[float, Mapping[str, Any]]], list[Refused]]:
    """Albums or playlists of the film, the likeliest first, and why not the others."""
    chosen, refused = list[tuple[float, Mapping[str, Any]]](), list[Refused]()
    for one in found:
        name = text(one.get("name"))
        if not name or not _ID.fullmatch(text(one.get("id"))):
            continue
        what = f"“{name}” by {_artists(one) or text(inside(one, 'owner', 'display_name')) or 'nobody'}"
        # An album called Heat is a soundtrack only if it says so.
        if not read_album(name).marked and not (kind == "albums" and by_nobody(_artists(one))):
            refused.append(Refused(what, "no_soundtrack", f"{what} does not say that it is a soundtrack."))
            continue
        judged = check(name, year(one.get("release_date")) if kind == "albums" else None, what)
        if isinstance(judged, Refused):
            refused.append(judged)
        else:
            chosen.append((round(judged * (_PLAYLIST if kind == "playlists" else 1.0), 4), one))
    chosen.sort(key=lambda one: -one[0])
    return chosen, refused


def _closed(what: str, said: Said) -> Refused:
    why = text(inside(said.told, "error", "message"))[:200]
    return Refused(
        what, "closed", f"Spotify does not show {what} to this application (status {said.status}{': ' + why if why else ''})."
    )


def _artists(one: Mapping[str, Any]) -> str:
    return ", ".join(name for who in items(one.get("artists"))[:20] if (name := text(who.get("name"))))


def _judge_search(status: int, told: Any) -> Verdict:
    shown = any(isinstance(inside(told, kind, "items"), list) for kind in ("albums", "playlists"))
    return _judge(status, told, shown)


def _judge_page(status: int, told: Any) -> Verdict:
    return _judge(status, told, isinstance(inside(told, "items"), list))


def _judge(status: int, told: Any, complete: bool) -> Verdict:
    if status in (400, 403, 404):
        # Of Spotify itself, not of a proxy on the way.
        return "answer" if inside(told, "error") is not None else "no"
    return "outage" if status == 200 and not complete else by_status(status, told)
