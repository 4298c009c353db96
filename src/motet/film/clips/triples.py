"""A clip as one thing: picture, film sound, recording and MIDI on one clock, changed together."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet import midi
from motet.film.clips.changes import Change, check_change
from motet.film.clips.opening import LONGEST, pictures_from, timeline
from motet.film.clips.picture import joined, planes_of
from motet.film.clips.score import transposed
from motet.film.clips.sound import Samples
from motet.film.clips.stretching import shifted, stretched
from motet.film.errors import FilmError
from motet.midi.events import META, TEMPO, Event, Events, write
from motet.midi.reading import prepare, unwrap
from motet.video.errors import VideoError
from motet.video.film import SMALLEST, Picture
from motet.video.film import write as film_written

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

__all__ = ["Triple", "apply"]

QUIET = 1e-5  # RMS (-100 dB) below which there is nothing to hold speech against
DEFAULT_TEMPO = 500_000


@dataclass(frozen=True, eq=False)
class Triple:
    """A clip: `picture` is a file as `cut_picture` writes (constant rate), `sound` the film's, `recording` the recording's at the
    film's pace (None: not at hand), `midi` the warped slice (None: none); second 0 of all is the first picture.

    `changes` are those that made it, in their order.
    """

    picture: Path | None
    sound: Samples = field(repr=False)
    recording: Samples | None = field(repr=False)
    rate: int
    midi: bytes | None = field(repr=False)
    changes: tuple[Change, ...] = ()


def apply(
    triple: Triple, changes: Sequence[Change], *, to: Path | None = None, dialogue: tuple[Samples, int] | None = None
) -> Triple:
    """The triple changed by each of `changes` in turn, all its parts alike.

    The picture, with the changed film sound under it, is written to the file `to` (needed where there is a picture); it is
    encoded once, whatever the number of changes. `dialogue` (samples, Hz) is the speech that a change `dialogue` mixes in.
    Equal triples and changes give equal bytes. Raises FilmError `bad_change`, `no_dialogue`, `too_long`, `nowhere`, `damaged`, …
    """
    _check(triple)
    for change in changes:
        check_change(change)
    if triple.picture is not None and to is None:
        raise FilmError("nowhere", "the changed picture needs a file to be written to")
    if triple.picture is not None and to is not None and to.exists() and to.samefile(triple.picture):
        raise FilmError("nowhere", "the changed picture cannot be written over the one it is made of")
    seen = None if triple.picture is None else _Seen.of(triple.picture)
    sound, recording, score, done = triple.sound, triple.recording, triple.midi, list[Change]()
    for change in changes:
        told = change
        if change.kind in ("stretch", "transpose", "gain"):
            sound = _sounding(sound, triple.rate, change)
            recording = None if recording is None else _sounding(recording, triple.rate, change)
            score = None if score is None else _written(score, change)
        elif change.kind == "dialogue":
            sound, told = _spoken(sound, triple.rate, change, dialogue)
        if seen is not None:
            seen, told = seen.changed(told)
        if len(sound) > LONGEST * triple.rate:
            raise FilmError("too_long", f"a clip of {len(sound) / triple.rate:.0f} s is longer than {LONGEST:g} s")
        done.append(told)
    if seen is not None and to is not None:
        seen.film(to, sound, triple.rate)
    made = to if seen is not None else None
    return replace(triple, picture=made, sound=sound, recording=recording, midi=score, changes=(*triple.changes, *done))


def _check(triple: Triple) -> None:
    if not 1000 <= triple.rate <= 384000:
        raise FilmError("bad_rate", f"a sample rate of {triple.rate} Hz is not between 1000 and 384000")
    for one in (triple.sound, triple.recording):
        if one is not None and (one.ndim != 2 or one.shape[1] not in (1, 2) or not np.isfinite(one).all()):
            raise FilmError("bad_sound", f"sound of the shape {one.shape} is not (frames, 1 or 2), or it is not finite")
        if one is not None and len(one) > LONGEST * triple.rate:
            raise FilmError("too_long", f"a clip of {len(one) / triple.rate:.0f} s is longer than {LONGEST:g} s")


def _sounding(sound: Samples, rate: int, change: Change) -> Samples:
    """What is heard, stretched, transposed or louder."""
    if change.kind == "stretch":
        return stretched(sound, rate, change.number("factor"))
    if change.kind == "transpose":
        return shifted(sound, rate, change.number("semitones"))
    louder: Samples = sound * np.float32(10 ** (change.number("db") / 20))
    return louder


def _written(score: bytes, change: Change) -> bytes:
    """The MIDI, stretched or transposed; a gain is not its matter."""
    if change.kind == "stretch":
        return _slower(score, change.number("factor"))
    if change.kind == "transpose":
        return write(transposed(_events(score), int(change.number("semitones"))))
    return score


def _events(score: bytes) -> Events:
    try:
        return prepare(unwrap(score)[0])
    except midi.Unreadable as error:
        raise FilmError(error.reason, error.detail) from None


def _slower(score: bytes, factor: float) -> bytes:
    """The MIDI lasting `factor` times as long: each tempo is what is missing until the next, so that roundings do not add up."""
    events = _events(score)
    found = [
        (tick, int.from_bytes(data[1:])) for track in events.tracks for tick, status, data in track if _is_tempo(status, data)
    ]
    clock = midi.TempoMap(events.division, tuple(found))
    tempi, reached = list[Event](), 0
    ticks = [tick for tick, _ in clock.tempi]
    for at, (tick, us) in enumerate(clock.tempi):
        if at + 1 < len(ticks):
            apart = ticks[at + 1] - tick
            wanted = clock.to_seconds(ticks[at + 1]) * factor * 1e6 * events.division
            us = round((wanted - reached) / apart)
        else:
            apart, us = 0, round(us * factor)
        us = min(max(us, 1), (1 << 24) - 1)
        reached += apart * us
        tempi.append((tick, META, bytes((TEMPO,)) + us.to_bytes(3)))
    tracks = [[event for event in track if not _is_tempo(event[1], event[2])] for track in events.tracks]
    conductor = tempi + (tracks[0] if tracks else [])
    tracks[:1] = [sorted(conductor, key=lambda event: (event[1] == META and event[2][0] == 0x2F, event[0]))]
    return write(Events(events.format, events.division, tracks))


def _is_tempo(status: int, data: bytes) -> bool:
    return status == META and data[0] == TEMPO


def _spoken(sound: Samples, rate: int, change: Change, dialogue: tuple[Samples, int] | None) -> tuple[Samples, Change]:
    """The sound with the speech in it, and the change with the gain of the speech."""
    if dialogue is None:
        raise FilmError("no_dialogue", "there is no speech to mix in")
    speech, own = dialogue
    if speech.ndim == 1:
        speech = speech[:, None]
    if speech.ndim != 2 or speech.shape[1] not in (1, 2) or not np.isfinite(speech).all() or not 1000 <= own <= 384000:
        raise FilmError("no_dialogue", f"speech of the shape {speech.shape} at {own} Hz cannot be mixed in")
    if own != rate:
        import soxr

        speech = np.asarray(soxr.resample(np.asarray(speech, np.float32), own, rate, quality="HQ"), np.float32)
    if speech.shape[1] != sound.shape[1]:
        speech = np.repeat(speech, 2, axis=1) if speech.shape[1] == 1 else speech.mean(axis=1, keepdims=True, dtype=np.float32)
    at = math.floor(change.number("at") * rate + 0.5)
    speech = speech[: max(0, len(sound) - at)]
    gain, under = 0.0, sound[at : at + len(speech)]
    if len(speech) and (spoken := _rms(speech)) > QUIET:
        gain = max(_rms(under), QUIET) / spoken * 10 ** (change.number("level_db") / 20)
    mixed = sound.copy()
    mixed[at : at + len(speech)] += np.float32(gain) * speech
    return mixed, Change(change.kind, {**change.values, "gain": float(np.float32(gain))})


def _rms(sound: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


@dataclass(frozen=True)
class _Seen:
    """The picture of a clip, and what will be done to it: which part is shown, at which rate, how long, which way round."""

    source: Path
    width: int
    height: int
    own: Fraction
    count: int
    fps: Fraction
    factor: Fraction = Fraction(1)
    """seconds of what will be written for one of the file"""
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    flipped: bool = False

    @classmethod
    def of(cls, source: Path) -> _Seen:
        times = timeline(source)
        _, frame = next(pictures_from(source, times, 0))
        fps = times.rate or 1 / times.step
        width, height = frame.width // 2 * 2, frame.height // 2 * 2
        count = len(times.stamps)
        if count / fps > LONGEST + 1:
            raise FilmError("too_long", f"{times.called} is longer than {LONGEST:g} s")
        return cls(source, width, height, fps, count, fps, box=(0, 0, width, height))

    def changed(self, change: Change) -> tuple[_Seen, Change]:
        """With one change more, and the change as it was done."""
        if change.kind == "stretch":
            return replace(self, factor=self.factor * Fraction(change.number("factor"))), change
        if change.kind == "retime":
            fps = Fraction(change.number("fps")).limit_denominator(1001)
            return replace(self, fps=fps), Change(change.kind, {**change.values, "was": float(self.fps)})
        if change.kind == "flip":
            return replace(self, flipped=not self.flipped), change
        if change.kind == "crop":
            return self._cropped(change)
        return self, change

    def _cropped(self, change: Change) -> tuple[_Seen, Change]:
        left, top, width, height = self.box
        across, down = (_side(change.number(name), side) for name, side in (("width", width), ("height", height)))
        x = min(_at(change.number("left"), width), width - across)
        y = min(_at(change.number("top"), height), height - down)
        # A picture that is shown the other way round is cropped as it is shown.
        begin = left + (width - across - x if self.flipped else x)
        box = begin, top + y, across, down
        told: dict[str, float | str] = {
            **change.values,
            "x": float(x),
            "y": float(y),
            "across": float(across),
            "down": float(down),
        }
        return replace(self, box=box), Change(change.kind, told)

    def film(self, to: Path, sound: Samples, rate: int) -> None:
        """Write it, with its sound."""
        count = max(1, math.floor(self.count / self.own * self.factor * self.fps + Fraction(1, 2)))
        size = self.box[2], self.box[3]
        try:
            film_written(
                to, self._pictures(count), fps=self.fps, size=size, sound=(sound, rate) if len(sound) else None, frames=count
            )
        except VideoError as error:
            raise FilmError(error.reason, error.detail) from None

    def _pictures(self, count: int) -> Iterator[Picture]:
        times = timeline(self.source)
        frames = pictures_from(self.source, times, 0)
        number, frame = next(frames)
        ahead: tuple[int, VideoFrame] | None = next(frames, None)
        made: Picture | None = None
        step = self.own / self.fps / self.factor
        for at in range(count):
            wanted = min(math.floor(at * step + Fraction(1, 1000)), self.count - 1)
            while ahead is not None and ahead[0] <= wanted:
                (number, frame), made = ahead, None
                ahead = next(frames, None)
            if number < wanted and ahead is None:
                raise FilmError("truncated", f"the pictures of {times.called} end after {number + 1:,} of {self.count:,}")
            if made is None:
                made = self._shown(planes_of(frame, (self.width, self.height)))
            yield made

    def _shown(self, picture: Picture) -> Picture:
        left, top, across, down = self.box
        if self.box == (0, 0, *picture.size) and not self.flipped:
            return picture
        parts: list[npt.NDArray[np.uint8]] = [picture.luma[top : top + down, left : left + across]]
        parts += [plane[top // 2 : (top + down) // 2, left // 2 : (left + across) // 2] for plane in picture.chroma]
        return joined(*(part[:, ::-1] if self.flipped else part for part in parts))


def _side(share: float, pixels: int) -> int:
    return min(pixels, max(SMALLEST, math.floor(share * pixels / 2 + 0.5) * 2))


def _at(share: float, pixels: int) -> int:
    return math.floor(share * pixels / 2 + 0.5) * 2
