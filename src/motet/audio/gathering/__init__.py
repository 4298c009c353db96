"""Recordings from URLs and playlists, through yt-dlp: fetched once, with their source and licence beside them."""

from motet.audio.gathering.addresses import hushed, read_list
from motet.audio.gathering.asking import Options
from motet.audio.gathering.licences import allows, normalised
from motet.audio.gathering.recordings import Fetched, Progress, Refused, gather
from motet.audio.gathering.sheet import Sheet, read_sheet

__all__ = [
    "Fetched",
    "Options",
    "Progress",
    "Refused",
    "Sheet",
    "allows",
    "gather",
    "hushed",
    "normalised",
    "read_list",
    "read_sheet",
]
