"""What a part is told, taken down: which zones are struck when, for how long, and all that its channels hear meanwhile."""

from __future__ import annotations

from collections.abc import Iterable

from motet.render.errors import FontError, RenderError
from motet.render.performance import KITS, Action, Verb, wanted
from motet.render.soundfont.controls import GENERATOR, PALETTE, TUNING, Channel
from motet.render.soundfont.font import SoundFont, Zone
from motet.render.soundfont.generators import Gen
from motet.render.soundfont.modulators import Palette

__all__ = ["NEVER", "Score", "Struck"]

NEVER = 1 << 40  # frames
MOST_STRUCK = 1_000_000  # zones in a part: each takes about a kilobyte until it is played


class Struck:
    """A zone that was struck. It is let go at frame `stop`, choked by its exclusive class at `choked`, cut off at `cut`."""

    __slots__ = ("channel", "choked", "cut", "glide", "key", "start", "stop", "velocity", "zone")

    def __init__(self, zone: Zone, channel: int, key: int, velocity: int, start: int, glide: tuple[float, float] | None) -> None:
        self.zone = zone
        self.channel = channel
        self.key = key
        self.velocity = velocity
        self.start = start
        self.stop = NEVER
        self.choked = NEVER
        self.cut = NEVER
        self.glide = glide  # key it comes from, seconds


class Score:
    """`struck` in order of time, and `channels` with their curves."""

    def __init__(self, actions: Iterable[Action], font: SoundFont, name: str) -> None:
        """`name` is the font's, for FontError `no_preset`: a sound is asked for, and played, that it has not."""
        self.struck: list[Struck] = []
        self.channels: dict[int, Channel] = {}
        self._font = font
        self._name = name
        self._sounds: dict[int, tuple[int, int] | str] = {}  # channel -> bank and program, or what the font lacks
        self._down: dict[tuple[int, int], list[list[Struck]]] = {}  # (channel, key) -> notes, the longest sounding first
        self._classes: dict[tuple[int, int], list[Struck]] = {}  # (channel, exclusive class) -> what may sound of it
        self._glides: dict[int, tuple[float, float]] = {}
        self._since: dict[int, int] = {}  # channel -> where in `struck` begins what was not cut
        for action in actions:
            self._take(*action)

    def _take(self, frame: int, verb: Verb, channel: int, a: float, b: float) -> None:
        if verb == Verb.NOTE_ON:
            self._strike(frame, channel, int(a), int(b))
        elif verb == Verb.NOTE_OFF:
            notes = self._down.get((channel, int(a)))
            if notes:
                for struck in notes.pop(0):
                    struck.stop = min(struck.stop, frame)
        elif verb == Verb.CONTROL:
            self._channel(channel).tell(int(a), frame, b)
        elif verb == Verb.WHEEL:
            self._channel(channel).tell(PALETTE + Palette.WHEEL, frame, a)
        elif verb == Verb.WHEEL_RANGE:
            self._channel(channel).tell(PALETTE + Palette.WHEEL_RANGE, frame, a)
        elif verb == Verb.PRESSURE:
            self._channel(channel).tell(PALETTE + Palette.CHANNEL_PRESSURE, frame, a)
        elif verb == Verb.KEY_PRESSURE:
            self._channel(channel).tell((PALETTE + Palette.KEY_PRESSURE, int(a)), frame, b)
        elif verb == Verb.TUNING:
            self._channel(channel).tell(TUNING, frame, 100 * a)
        elif verb == Verb.GENERATOR:
            self._channel(channel).tell(GENERATOR + int(a), frame, b)
        elif verb == Verb.GLIDE:
            self._glides[channel] = (a, b)
        elif verb == Verb.CUT:
            self._cut(frame, channel)
        elif verb == Verb.PRESET:
            found = next((one for one in wanted(int(a), int(b)) if self._font.has(*one)), None)
            self._sounds[channel] = found or ("drum kit" if a == KITS else f"program {int(b)}")
        elif verb == Verb.EXACT_PRESET:
            if not self._font.has(int(a), int(b)):
                raise FontError("no_preset", f"the font {self._name} has no program {int(b)} in bank {int(a)}")
            self._sounds[channel] = (int(a), int(b))

    def _channel(self, number: int) -> Channel:
        found = self.channels.get(number)
        if found is None:
            found = self.channels[number] = Channel()
        return found

    def _strike(self, frame: int, channel: int, key: int, velocity: int) -> None:
        sound = self._sounds[channel]
        if isinstance(sound, str):
            raise FontError("no_preset", f"the font {self._name} has no {sound}")
        self._channel(channel)
        glide = self._glides.pop(channel, None)
        note = [Struck(zone, channel, key, velocity, frame, glide) for zone in self._font.zones(*sound, key, velocity)]
        choking: dict[int, list[Struck]] = {}
        for struck in note:
            number = int(struck.zone.generators[Gen.EXCLUSIVE_CLASS])
            if number:
                choking.setdefault(number, []).append(struck)
        for number, own in choking.items():  # 8.1.2, 57: it ends what sounds of its class, its own layers excepted
            for other in self._classes.get((channel, number), ()):
                other.choked = min(other.choked, frame)
            self._classes[channel, number] = own
        down = self._down.setdefault((channel, key), [])
        if down:  # one string cannot sound twice; the note before has still its own end to come, which ends nothing any more
            for struck in down[-1]:
                struck.stop = min(struck.stop, frame)
        down.append(note)
        self.struck += note
        if len(self.struck) > MOST_STRUCK:
            raise RenderError("too_many_notes", f"the part strikes more than {MOST_STRUCK:,} sounds of the font {self._name}")

    def _cut(self, frame: int, channel: int) -> None:
        for struck in self.struck[self._since.get(channel, 0) :]:
            if struck.channel == channel:
                struck.cut = min(struck.cut, frame)
        self._since[channel] = len(self.struck)
