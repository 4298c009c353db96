"""The tunes as a folder of files, with the mess that real collections have."""

import io
import os
import zipfile
from pathlib import Path

from .arrange import Arrangement, arrange
from .engrave import to_midi
from .tunes import AULD_LANG_SYNE, GREENSLEEVES, KOROBEINIKI, TUNES

_WEB_PAGE = b"""<!DOCTYPE html>
<html><head><title>404 - not found</title></head>
<body><h1>The file silent_night.mid is no longer here</h1><p>Back to the <a href="/midi/">list</a>.</p></body></html>
"""

_LICENCE = """The tunes in this folder

The melodies are traditional, or their composers died long ago: they are in the public domain.
The arrangements were written for Motet and are dedicated to the public domain under CC0 1.0
(https://creativecommons.org/publicdomain/zero/1.0/): use them for anything, no credit needed.

"""


def write(folder: Path) -> list[Path]:
    """Write the collection below `folder` (made if absent) and return the files written, sorted.

    Every tune is at `Artist/Title.mid`. Beside them, on purpose: the same notes saved by another program, the same
    bytes under another name in an archive, a transfer that broke off, a web page and an empty file that call
    themselves MIDI, a file of the desktop's, and what it all is under. Each file appears whole or not at all.
    """
    written = []
    for name, data in sorted(collection().items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_bytes(data)
        os.replace(unfinished, path)
        written.append(path)
    return written


def collection() -> dict[str, bytes]:
    """The files of the collection by their path within it; the same bytes every time."""
    pieces = {tune.title: arrange(tune) for tune in TUNES}
    files = {f"{tune.artist}/{tune.title}.mid": to_midi(pieces[tune.title]) for tune in TUNES}
    auld_lang_syne, korobeiniki = (files[f"{tune.artist}/{tune.title}.mid"] for tune in (AULD_LANG_SYNE, KOROBEINIKI))
    return files | {
        "Traditional English/Greensleeves.1.mid": _saved_again(pieces[GREENSLEEVES.title]),
        "old backup/songs.zip": _archive({"midi/AULDLANG.MID": auld_lang_syne}),
        "Traditional Russian/Korobeiniki (1).mid": korobeiniki[: len(korobeiniki) * 3 // 5],
        "Franz Xaver Gruber/Silent Night.mid": _WEB_PAGE,
        "Unknown Artist/untitled.mid": b"",
        ".DS_Store": b"\0\0\0\x01Bud1" + bytes(6136),
        "licences.yaml": b'# What the files here are under: patterns of their paths, later lines win.\n"*": CC0-1.0\n',
        "LICENCE.txt": (_LICENCE + "".join(f"{tune.title}: {tune.origin}\n" for tune in TUNES)).encode(),
    }


def _saved_again(piece: Arrangement) -> bytes:
    """The same notes as another program would save them: other order of tracks, finer ticks, softer."""
    order = range(len(piece.voices))[::-1]
    return to_midi(piece, ticks_per_quarter=2 * piece.tune.ticks_per_quarter, order=order, softer=9)


def _archive(files: dict[str, bytes]) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as opened:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, date_time=(2004, 2, 29, 12, 0, 0))
            entry.create_system = 3  # the same bytes on every platform
            opened.writestr(entry, data)
    return archive.getvalue()
