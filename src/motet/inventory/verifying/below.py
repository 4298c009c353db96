"""Every file below a folder, on disk or inside an archive."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator

from motet.errors import UserError
from motet.files.kinds import is_junk
from motet.files.member import BadArchive
from motet.files.places import shown
from motet.inventory.scanning.contents import is_archive
from motet.inventory.scanning.inside import inner_path
from motet.inventory.verifying.members import INSIDE, opened, parted


def files(where: str, closed: Callable[[str, str], None]) -> Iterator[tuple[str, int]]:
    """Path and size of every file below a folder, in an archive or a folder inside one (`a.zip!/b`); of a file, itself.

    What cannot be read is given to `closed`, with a sentence. Raises UserError where there is nothing of the name.
    """
    archive, inside = parted(where)
    if not archive and is_archive(where) and os.path.isfile(where):
        archive, inside = where, ""
    if archive:
        yield from _members(archive, inside, closed)
    elif os.path.isdir(where):

        def refused(path: str, error: OSError) -> None:
            closed(path, f"The system does not let us read it: {error.strerror}.")

        yield from ((path, status.st_size) for path, _, status in walk(where, refused))
    else:
        try:
            yield where, os.stat(where).st_size
        except (OSError, ValueError):
            raise UserError(f"{shown(where)} cannot be read: check the spelling, or attach the drive.") from None


def _members(archive: str, inside: str, closed: Callable[[str, str], None]) -> Iterator[tuple[str, int]]:
    try:
        with opened(archive) as (listed, _):
            for member in listed.members():
                name = inner_path(member.name)
                if (not inside or name == inside or name.startswith(f"{inside}/")) and not any(map(is_junk, name.split("/"))):
                    yield f"{archive}{INSIDE}{name}", member.size
    except BadArchive as error:
        closed(archive, f"The archive cannot be read further: {error.detail}.")
    except OSError as error:
        closed(archive, f"The system does not let us read it: {error.strerror}.")


def walk(where: str, closed: Callable[[str, OSError], None]) -> Iterator[tuple[str, str, os.stat_result]]:
    """Every file below a folder: its path, that below the folder, its state. Links to files are followed, others are not.

    What cannot be read is given to `closed`. Folders may be nested to any depth.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(os.path.join(where, folder)) as entries:
                listed = sorted(entries, key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            closed(os.path.join(where, folder), error)
            continue
        for entry in listed:
            if is_junk(entry.name):
                continue
            below = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(below)
                elif stat.S_ISREG((status := entry.stat()).st_mode):
                    yield entry.path, below, status
            except OSError as error:
                closed(entry.path, error)
