"""What a film is, by its time stamps and not by its headers, without decoding more than its first picture and sound."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from motet.audio.containers import clean
from motet.film.errors import FilmError
from motet.film.pictures.opening import MOST_PER_SECOND, Opened, open_film, stamp

if TYPE_CHECKING:
    from av.packet import Packet
    from av.stream import Stream

__all__ = ["FilmFacts", "film_facts"]

LONGEST = 6 * 3600.0  # seconds
WHOLE = 1 << 30  # bytes up to which all packets of a file are read; of larger ones some stretches are
STRETCHES = 12  # of a large file, with its end
STRETCH = 240  # packets of the picture
LAST = 20.0  # seconds before the told end, from which on a large file is read to its end
SLACK = 1.0  # seconds by which a film may be shorter than it tells
SHORTER = 2.0  # seconds by which the sound alone may, which says nothing of the picture
MOST = 6_000_000  # pictures
SEARCHED = 4000  # packets in which the first picture and the first sound are looked for
FOREVER = 1 << 60  # ticks: beyond them a stamp is no moment
GAP = 10.0  # seconds for which one picture stands: worth a remark
MOST_TAGS, LONGEST_NAME, LONGEST_TAG = 64, 64, 1000
COUNTED = frozenset("asf avi flv matroska mov".split())
"""Containers that tell how long they are; of the others FFmpeg asks their last packets."""


@dataclass(frozen=True)
class FilmFacts:
    """A film as it is played.

    `seconds`: from its first picture to the end of its last. `fps`: pictures a second, the told rate where the time stamps
    agree, else the mean; `steady`: each is shown for equally long, to a tick of the file's clock. `width` and `height` are of
    the encoded picture, which a player turns by `turned` degrees (0, 90, 180, 270, clockwise). `frames_told`: by the file's
    index; `frames`: packets of pictures shown, None for a large file, whose packets were not all read. `sound_start`: seconds
    from the first picture to the first sample, negative where the sound is first, 0 without sound. `start`: the first picture's
    stamp on the file's clock, in seconds. `tags`: names in lower case. `remarks`: sentences on what is odd and does no harm.
    """

    seconds: float
    fps: Fraction
    steady: bool
    width: int
    height: int
    codec: str
    container: str
    frames_told: int | None
    frames: int | None
    sound_start: float
    has_sound: bool
    start: Fraction
    turned: int
    tags: dict[str, str]
    remarks: tuple[str, ...]


def film_facts(path: Path, *, longest: float = LONGEST, whole: bool = True) -> FilmFacts:
    """The facts of a film of at most `longest` seconds. Up to 1 GiB every packet's stamp is read, beyond that some stretches
    and the end; 8 bytes of memory a picture. With `whole` false, that a film breaks off is a remark.

    Raises FilmError `missing`, `not_a_file`, `empty`, `lfs_pointer`, `web_page`, `not_video`, `no_picture` (sound only, a still,
    or nothing that decodes), `unknown_codec`, `odd_size`, `odd_rate`, `truncated` (its index is cut off so that nothing can be
    read, or its packets end before what it tells), `too_long`, `unreadable`.
    """
    with open_film(path) as film:
        first = _first(film)
    with open_film(path) as film:
        told = _told_seconds(film)
        if told is not None and told - _offset(film, first) > longest:
            raise _too_long(film, longest)
        large = told is not None and path.stat().st_size > WHOLE
        read = _sampled(film, first.picture, told) if told is not None and large else _all(film)
        cut = film.source.cut(film.container.format.name.partition(",")[0])
        lacks = f"{film.called} is cut off: {cut}" if cut else _lacking(film, first, read, told, longest, large)
        if lacks and whole:
            raise FilmError("truncated", lacks)
        facts = _facts(film, first, read, large)
        return replace(facts, remarks=(lacks, *facts.remarks)) if lacks else facts


@dataclass(frozen=True)
class _First:
    """The first picture and the first sample, in seconds of the file's clock."""

    picture: Fraction
    sound: Fraction | None
    turned: int
    colours: int


class _Read:
    """What packets say: the picture's stamps, in ticks, in one stretch or several, and how far any stream reaches."""

    def __init__(self) -> None:
        self.stretches: list[array[int]] = [array("q")]
        self.packets = self.corrupt = self.unstamped = 0
        self.ends = Fraction(0)
        self.highest, self.lasting = -FOREVER, 0

    def take(self, packet: Packet[Stream]) -> None:
        """A packet of the picture."""
        at = packet.pts if packet.pts is not None else packet.dts
        if not packet.size:
            return
        self.packets += 1
        self.corrupt += packet.is_corrupt
        if packet.is_discard:  # before the cut of an edit list
            return
        self.unstamped += packet.pts is None
        if at is None or abs(at) > FOREVER:
            return
        if at > self.highest:
            self.highest, self.lasting = at, min(max(packet.duration or 0, 0), FOREVER)
        self.stretches[-1].append(at)

    def pass_by(self, packet: Packet[Stream]) -> None:
        """A packet of any stream."""
        at = packet.pts if packet.pts is not None else packet.dts
        if at is not None and packet.size and packet.time_base is not None and abs(at) < FOREVER:
            self.ends = max(self.ends, (at + (packet.duration or 0)) * Fraction(packet.time_base))


def _first(film: Opened) -> _First:
    """Decode until there is a picture and, if there is any, sound. Raises FilmError `no_picture`."""
    from av.audio.frame import AudioFrame
    from av.error import FFmpegError
    from av.video.frame import VideoFrame

    picture: VideoFrame | None = None
    heard: Fraction | None = None
    wanted = [film.stream] if film.sound is None else [film.stream, film.sound]
    try:
        for number, packet in enumerate(film.container.demux(wanted)):
            try:
                frames = packet.decode() if packet.stream_index == film.stream.index or heard is None else []
            except FFmpegError:  # damaged: the next one may do
                continue
            for frame in frames:
                if isinstance(frame, VideoFrame) and picture is None:
                    picture = frame
                elif isinstance(frame, AudioFrame) and heard is None and frame.pts is not None and frame.time_base is not None:
                    heard = Fraction(frame.pts * frame.time_base)
            if (picture is not None and (heard is not None or film.sound is None)) or number > SEARCHED:
                break
    except FFmpegError as error:
        if picture is None:
            raise FilmError("truncated", f"{film.called} cannot be read to its first picture: {error.strerror}") from None
    if picture is None:
        raise FilmError("no_picture", f"no picture of {film.called} can be decoded")
    if heard is None and film.sound is not None and film.sound.start_time is not None and film.sound.time_base is not None:
        heard = Fraction(film.sound.start_time * film.sound.time_base)
    turned = -round((picture.rotation or 0) / 90) * 90 % 360
    return _First(stamp(picture) or Fraction(0), heard, turned, int(picture.color_trc))


def _all(film: Opened) -> _Read:
    """The stamps of all packets. Raises FilmError `odd_rate`."""
    from av.error import FFmpegError

    read = _Read()
    try:
        for packet in film.container.demux():
            read.pass_by(packet)
            if packet.stream_index == film.stream.index:
                read.take(packet)
                if read.packets > MOST:
                    raise FilmError("odd_rate", f"{film.called} has more than {MOST:,} pictures")
    except FFmpegError:  # what came is judged by what was told
        read.corrupt += 1
    return read


def _sampled(film: Opened, start: Fraction, told: float) -> _Read:
    """The stamps of some stretches of a large file, and of its end."""
    from av.error import FFmpegError

    read = _Read()
    for number in range(STRETCHES + 1):
        last = number == STRETCHES
        at = float(start) + (max(0.0, told - LAST) if last else told * number / STRETCHES)
        try:
            if number:
                film.container.seek(round(at / float(film.tick)), stream=film.stream)
                read.stretches.append(array("q"))
            for packet in film.container.demux():
                read.pass_by(packet)
                if packet.stream_index == film.stream.index:
                    read.take(packet)
                    if not last and len(read.stretches[-1]) >= STRETCH:
                        break
                    if read.packets > MOST:
                        raise FilmError("odd_rate", f"{film.called} has more than {MOST:,} pictures")
        except FFmpegError:
            read.corrupt += 1
    return read


def _too_long(film: Opened, longest: float) -> FilmError:
    return FilmError("too_long", f"{film.called} is longer than {longest / 3600:.4g} hours")


def _told_seconds(film: Opened) -> float | None:
    """How long the file says that its picture is; None where it does not, or speaks of picture and sound together."""
    stream = film.stream
    if stream.duration and stream.time_base and 0 < stream.duration < FOREVER:
        return float(stream.duration * stream.time_base)
    if found := re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", "")):
        return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
    return _told_together(film) if film.sound is None else None


def _told_together(film: Opened) -> float | None:
    """How long the file says that all of it is, where it counted."""
    name, told = film.container.format.name.partition(",")[0], film.container.duration
    return told / 1e6 if name in COUNTED and told and 0 < told < FOREVER else None


def _offset(film: Opened, first: _First) -> float:
    """Seconds that a told length counts before the first picture: FFmpeg's Matroska is told where it ends."""
    return max(0.0, float(first.picture)) if film.container.format.name.startswith("matroska") else 0.0


def _lacking(film: Opened, first: _First, read: _Read, told: float | None, longest: float, large: bool) -> str:
    """A sentence on what a film lacks of what it tells, "" where it is whole. Raises FilmError `no_picture`, `too_long`."""
    if read.highest == -FOREVER:
        raise FilmError("no_picture", f"no picture of {film.called} has a time stamp")
    ends = (read.highest + read.lasting) * film.tick
    lasting = float(ends - first.picture)
    if lasting > longest:
        raise _too_long(film, longest)
    if told is not None and lasting + SLACK < told - _offset(film, first):
        return f"{film.called} tells of {told:.2f} s, {lasting:.2f} s of pictures are there"
    promised = film.stream.frames
    if film.container.format.name.startswith("mov"):  # what an edit list leaves out is told, but not in the index
        promised = min(promised, len(film.stream.index_entries))
    if not large and promised and read.packets + 2 < promised:
        return f"{film.called} tells of {promised:,} pictures, {read.packets:,} are there"
    together = _told_together(film)
    begins = Fraction(film.container.start_time or 0, 1_000_000)
    if together is not None and float(max(read.ends, ends) - begins) + SHORTER < together - _offset(film, first):
        return f"{film.called} tells of {together:.2f} s, {float(max(read.ends, ends) - begins):.2f} s are there"
    return ""


def _facts(film: Opened, first: _First, read: _Read, large: bool) -> FilmFacts:
    """Raises FilmError `odd_rate`."""
    stretches = [np.unique(np.frombuffer(stretch, np.int64)) for stretch in read.stretches if len(stretch)]
    fps, steady, gap = _rate(film, stretches, large)
    last = Fraction(read.lasting) * film.tick or gap
    end = read.highest * film.tick + (min(last, 2 * gap) if steady else last)
    remarks = _remarks(film, first, read, stretches, large)
    return FilmFacts(
        seconds=float(end - first.picture),
        fps=fps,
        steady=steady,
        width=film.width,
        height=film.height,
        codec=film.codec,
        container=film.container.format.name.partition(",")[0],
        frames_told=film.stream.frames or None,
        frames=None if large else sum(map(len, stretches)),
        sound_start=0.0 if first.sound is None else float(first.sound - first.picture),
        has_sound=film.sound is not None,
        start=first.picture,
        turned=first.turned,
        tags=_tags(film.container.metadata, film.stream.metadata),
        remarks=remarks,
    )


def _rate(film: Opened, stretches: list[npt.NDArray[np.int64]], large: bool) -> tuple[Fraction, bool, Fraction]:
    """Pictures a second, whether each is shown for equally long, and for how long in the mean. Raises FilmError `odd_rate`."""
    told, tick = film.told_fps, film.tick
    # Where a stretch was cut out, pictures out of order are missing at its ends.
    inner = [stretch[16:-16] for stretch in stretches] if large else stretches
    count = sum(max(0, len(stretch) - 1) for stretch in inner)
    if not count:
        fps = told or Fraction(1)
        return fps, True, 1 / fps
    lasting = sum(int(stretch[-1] - stretch[0]) for stretch in inner if len(stretch) > 1)
    mean = lasting * tick / count
    gaps = np.concatenate([np.diff(stretch) for stretch in inner if len(stretch) > 1])
    steady = bool(np.all(np.abs(gaps - float(mean / tick)) <= 1.01))
    # A told rate stands where the time stamps, whole ticks of the file's clock, allow it.
    slack = 2 * float(tick) / float(lasting * tick) + 1e-6
    fps = told if told and (abs(float(1 / mean / told) - 1) <= slack) else (1 / mean).limit_denominator(1001)
    if not 0 < fps <= MOST_PER_SECOND:
        raise FilmError("odd_rate", f"{film.called} has {float(1 / mean):,.4g} pictures a second")
    return fps, steady, mean


def _remarks(film: Opened, first: _First, read: _Read, stretches: list[npt.NDArray[np.int64]], large: bool) -> tuple[str, ...]:
    remarks = []
    if first.turned:
        remarks.append(f"players turn the picture by {first.turned} degrees")
    ratio = film.stream.sample_aspect_ratio
    if ratio and ratio != 1:
        remarks.append(f"its pixels are {ratio.numerator}:{ratio.denominator}, not square")
    if first.colours in (16, 18):  # SMPTE ST 2084 and HLG, ITU-T H.273
        remarks.append("the picture is HDR: its looks are measured without tone mapping")
    longest = max((int(np.diff(stretch).max()) for stretch in stretches if len(stretch) > 1), default=0) * film.tick
    if longest > GAP:
        remarks.append(f"one picture stands for {float(longest):.1f} s")
    if read.corrupt:
        remarks.append(f"{read.corrupt:,} of its packets are damaged")
    if read.unstamped:
        remarks.append(f"{read.unstamped:,} of its pictures have no time stamp of their own")
    if large:
        remarks.append("its time stamps were read in some places only")
    if _told_together(film) is None and _told_seconds(film) is None:
        remarks.append("it does not tell how long it is, so that a lost end would not be seen")
    return tuple(remarks)


def _tags(*parts: dict[str, str]) -> dict[str, str]:
    """Told words, the container's before the picture's own; bounded in number and length."""
    tags: dict[str, str] = {}
    for part in parts:
        for key, value in part.items():
            name, words = clean(key[: 4 * LONGEST_NAME])[:LONGEST_NAME].lower(), clean(value[: 4 * LONGEST_TAG])[:LONGEST_TAG]
            if name and words and len(tags) < MOST_TAGS:
                tags.setdefault(name, words)
    return tags
