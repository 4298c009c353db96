"""A small messy collection that changes: excerpts of Motet's own tunes, in folders and archives, with junk among them."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from random import Random

import mido

from motet.demo.collection import collection

JUNK = (b"", b"<!DOCTYPE html><p>not found</p>", b"MThd\0\0\0\6\0\1\0\2\1\xe0MTrk\0\0\xff\xff\0", b"RIFF\x10\0\0\0RMID")


def tunes() -> list[bytes]:
    """Our own tunes as MIDI files, in a fixed order."""
    found = sorted(collection().items())
    return [data for name, data in found if name.endswith(".mid") and data[:4] == b"MThd" and "(1)" not in name]


def excerpt(data: bytes, *, start: float, seconds: float, up: int = 0) -> bytes:
    """The part of a MIDI file between two moments as a file of its own, all but drums moved by semitones."""
    score = mido.MidiFile(file=io.BytesIO(data))
    ticks_per_second = score.ticks_per_beat / (_tempo(score) / 1e6)
    first, last = round(start * ticks_per_second), round((start + seconds) * ticks_per_second)
    cut = mido.MidiFile(type=score.type, ticks_per_beat=score.ticks_per_beat)
    for track in score.tracks:
        now, before = 0, 0
        sounding: set[tuple[int, int]] = set()
        out = mido.MidiTrack()
        for message in track:
            now += message.time
            strikes = message.type == "note_on" and message.velocity > 0
            if message.type in ("note_on", "note_off"):
                key = (message.channel, message.note)
                if not (first <= now < last if strikes else key in sounding):
                    continue
                (sounding.add if strikes else sounding.discard)(key)
                moved = message.note if message.channel == 9 else min(127, max(0, message.note + up))
                message = message.copy(note=moved)
            elif message.type == "end_of_track":
                continue
            at = min(max(now - first, 0), last - first)
            out.append(message.copy(time=at - before))
            before = at
        cut.tracks.append(out)
    written = io.BytesIO()
    cut.save(file=written)
    return written.getvalue()


def _tempo(score: mido.MidiFile) -> int:
    """Microseconds per quarter note, by the file's first tempo."""
    return next((m.tempo for track in score.tracks for m in track if m.type == "set_tempo"), 500_000)


class Collection:
    """A folder of sources, and the ways in which people change one."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.folder, self.random, self.tunes, self.count = folder, random, tunes(), 0

    def begin(self, files: int) -> None:
        """Some new files, an archive and junk."""
        (self.folder / "old").mkdir(parents=True)
        (self.folder / "licences.yaml").write_text('"*": CC0-1.0\n')
        for _ in range(files):
            self.add()
        self.pack()
        for number, junk in enumerate(JUNK):
            (self.folder / f"junk {number}.mid").write_bytes(junk)

    def change(self) -> str:
        """One thing that a person does to a collection; what it was."""
        return str(
            self.random.choice((self.add, self.add, self.pack, self.rename, self.copy, self.delete, self.edit, self.spoil))()
        )

    def add(self) -> str:
        return self._write(self.folder / self.random.choice(("", "old")) / f"{self._name()}.mid", self._music())

    def pack(self) -> str:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for _ in range(self.random.randint(1, 3)):
                archive.writestr(zipfile.ZipInfo(f"midi/{self._name()}.MID", (2004, 2, 29, 12, 0, 0)), self._music())
        return self._write(self.folder / f"{self._name()}.zip", packed.getvalue())

    def rename(self) -> str:
        path = self._one()
        return f"{path.name} is now {path.rename(path.with_name(f'{self._name()}{path.suffix}')).name}"

    def copy(self) -> str:
        path = self._one()
        return f"{path.name} once more: {shutil.copy(path, path.with_name(f'{self._name()}{path.suffix}'))}"

    def delete(self) -> str:
        path = self._one()
        path.unlink()
        return f"no {path.name}"

    def edit(self) -> str:
        return self._write(self._one(".mid"), self._music())

    def spoil(self) -> str:
        path = self._one(".mid")
        data = path.read_bytes()
        return self._write(path, data[: len(data) * 3 // 5])

    def _one(self, suffix: str = "") -> Path:
        found = sorted(
            p for p in self.folder.rglob(f"*{suffix}") if p.suffix in (".mid", ".zip") and not p.name.startswith("junk")
        )
        return self.random.choice(found)

    def _name(self) -> str:
        self.count += 1
        return f"Song {self.count:03}"

    def _music(self) -> bytes:
        draw = self.random
        return excerpt(draw.choice(self.tunes), start=draw.uniform(0, 35), seconds=draw.uniform(8, 16), up=draw.randint(-3, 3))

    def _write(self, path: Path, data: bytes) -> str:
        path.write_bytes(data)
        return f"wrote {path.name}"
