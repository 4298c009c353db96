"""One film's canvas, from picture to picture: what stays flows and fades, what happens is there at once."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from motet.video.film import Picture
from motet.video.painter import kernel, shapes
from motet.video.painter.camera import Camera
from motet.video.painter.palettes import palette
from motet.video.painter.script import Event, Script

__all__ = ["Scene"]

Canvas = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]
"""Y, U and V, as `kernel` has them."""

HALF_LIFE = 0.22  # seconds, of whatever was drawn
GLOW_HALF_LIFE = 0.9  # seconds, of the light of pads
TURN = 70.0  # degrees between the hues of the first prompt and of the second
CHANGE = 2.0  # seconds in which one becomes the other
DRIFT = 0.0022  # the picture always grows a little, as a power of e in a frame at 24 a second
FLOW = 0.0022  # half heights, to and fro
SPARKS, MOTES = 192, 26
SUM_OF_LIGHT = 0.22  # flashes that follow one another close together do not add up to more
LOWEST, HIGHEST = 16.0, 235.0


class Scene:
    """Paints the pictures of a script in order."""

    def __init__(self, script: Script, size: tuple[int, int], seed: int) -> None:
        self.script, self.size = script, size
        width, height = size
        self.fps = float(script.fps)
        self.random = random.Random(seed)
        first, second = (palette(script.key, script.mood, turn, script.theme) for turn in (0.0, TURN))
        self.palettes = first, second
        self.camera = Camera(self.fps)
        self.phases = np.array([self.random.uniform(0.0, 2.0 * math.pi) for _ in range(7)])
        pace = (0.10 + 0.22 * (1.0 - first.calm)) / self.fps
        self.pace = np.array([self.random.choice((-1.0, 1.0)) * self.random.uniform(0.5, 1.0) * pace for _ in range(7)])
        rows, columns = -(-height // kernel.NODE) + 1, -(-width // kernel.NODE) + 1
        self.across, self.down = np.empty((2, rows, columns), np.float32)
        self.ground = np.empty((3, rows, columns), np.float32)
        self.glow = np.zeros((3, rows, columns), np.float32)
        self.light = 0.0
        self.blend = float(script.second[0])
        self.canvas = self._planes()
        self.other = self._planes()
        self.sparks = np.zeros((SPARKS, 7))
        self.motes = np.zeros((MOTES, 7))
        self.stage = shapes.Stage(size, self.random)

    def _planes(self) -> Canvas:
        width, height = self.size
        half = height // 2, width // 2
        return np.zeros((height, width), np.float32), np.zeros(half, np.float32), np.zeros(half, np.float32)

    def paint(self, frame: int) -> Picture:
        """The picture of `frame`; frames come one after another from 0 on."""
        script = self.script
        events, notes = script.events.get(frame, ()), script.notes.get(frame, ())
        inks = self._colours(frame)
        kept = 0.5 ** (1.0 / (self.fps * HALF_LIFE))
        if events:
            kept *= 0.55 + 0.45 * min(float(script.strength[frame]) / 0.75, 1.0)
        self._flow(frame, bool(events))
        self._wash(events, notes, kept if frame else 0.0, inks)
        self._sparkle(inks)
        drawn, thrown = self.stage.act(events)
        for shape in drawn:
            kernel.stamp(*(*self.canvas, *shape.measures(), inks[shape.ink]))
        if thrown:
            kernel.sow(self.sparks, np.array(thrown))
        return self._stored()

    def _colours(self, frame: int) -> npt.NDArray[np.float32]:
        """Let the ground move on, and give the colours to draw with."""
        most = 1.0 / (CHANGE * self.fps)
        self.blend += min(max(float(self.script.second[frame]) - self.blend, -most), most)
        self.phases += self.pace * (1.0 + 2.0 * float(self.script.noise[frame]))
        first, second = self.palettes
        part = np.float32(self.blend)
        width, height = self.size
        kernel.ground(first.ground + (second.ground - first.ground) * part, self.phases, width / height, self.ground)
        return first.inks + (second.inks - first.inks) * part

    def _flow(self, frame: int, event: bool) -> None:
        moved = self.camera.follow(self.script.moves[frame], event=event)
        drift = 24.0 / self.fps
        moved[0] += DRIFT * drift
        focal = 1.0 / math.tan(math.radians(float(self.script.fov[frame])) / 2.0)
        move = np.concatenate([moved, [focal, FLOW * drift * (1.0 + float(self.script.noise[frame]))]])
        kernel.bend(move, self.phases[4:], *self.size, self.across, self.down)

    def _wash(self, events: Sequence[Event], notes: Sequence[Event], kept: float, inks: npt.NDArray[np.float32]) -> None:
        """Move the last picture, let it fade to the ground, and light it up where something happens."""
        self.glow *= 0.5 ** (1.0 / (self.fps * GLOW_HALF_LIFE))
        self.light *= kept
        for note in notes:
            self._glow(note, 0.10, inks)
        leapt = -self.glow
        for event in events:
            if event.role in ("pad", "bass"):
                self._glow(event, 0.45 if event.role == "pad" else 0.25, inks)
        leapt += self.glow
        if events:
            flash = self._flash(events)
            leapt += (self.palettes[0].flash[:, None, None] - self.ground) * np.float32(flash)
        added = (self.ground + self.glow) * np.float32(1.0 - kept) + leapt
        for before, after, plane, step in zip(
            self.canvas, self.other, added, (kernel.NODE, *[kernel.NODE // 2] * 2), strict=True
        ):
            kernel.move(before, after, self.across, self.down, plane, kept, step)
        self.canvas, self.other = self.other, self.canvas

    def _flash(self, events: Sequence[Event]) -> float:
        """How much the whole picture lights up, as a part of the way to the flash's colour."""
        loudest = max(event.velocity for event in events) / 127.0
        wanted = 0.022 + 0.030 * loudest + 0.003 * min(len(events) - 1, 4)
        if any(event.drum == "crash" for event in events):
            wanted += 0.07 * loudest
        flash = min(wanted, max(SUM_OF_LIGHT - self.light, 0.02))
        self.light += flash
        return flash

    def _glow(self, note: Event, part: float, inks: npt.NDArray[np.float32]) -> None:
        """A broad light that stays for a while; its nodes are too far apart for less."""
        x, y, wide, tall = self.stage.place_of_glow(note)
        rows, columns = self.glow.shape[1:]
        across = (np.linspace(0.0, 1.0, columns) - x) / wide
        down = (np.linspace(0.0, 1.0, rows) - y) / tall
        shape = np.exp(-(across[None, :] ** 2 + down[:, None] ** 2)) * (part * (0.4 + 0.6 * note.velocity / 127.0))
        ink = inks[note.pitch % len(inks)]
        self.glow += (ink[:, None, None] - self.ground - self.glow) * shape.astype(np.float32)

    def _sparkle(self, inks: npt.NDArray[np.float32]) -> None:
        drag = 0.90 ** (24.0 / self.fps)
        kernel.fly(self.sparks, *self.canvas, inks, 0.5 ** (1.0 / (self.fps * HALF_LIFE)), drag, 0.0)
        for mote in self.motes:
            if mote[kernel.LIGHT] < 0.02:
                mote[:] = self.stage.mote(self.fps)
        kernel.fly(self.motes, *self.canvas, inks, 1.0, 1.0, 0.0)

    def _stored(self) -> Picture:
        width, height = self.size
        picture = Picture(np.empty((height * 3 // 2, width), np.uint8))
        for plane, stored, lowest, highest in zip(
            self.canvas, (picture.luma, *picture.chroma), (LOWEST,) * 3, (HIGHEST, 240.0, 240.0), strict=True
        ):
            kernel.store(plane, 0.0, stored, lowest, highest)
        return picture
