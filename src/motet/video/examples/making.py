"""The demo tunes played, planned, painted and measured: a film of a window each, with its MIDI, its sound and its plan."""

from __future__ import annotations

import hashlib
import json
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Told
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from motet import __version__
from motet.demo import TUNES, Tune, arrange, to_midi
from motet.errors import UserError
from motet.video.errors import VideoError
from motet.video.examples.choosing import Wanted, file_name, wanted
from motet.video.film import replacing
from motet.video.poster import poster
from motet.video.song import RATE, Song, fitted
from motet.video.windows import Limits
from motet.wording import several

if TYPE_CHECKING:
    from motet.render.mixing import Audio
    from motet.video.mapping import Mapping
    from motet.video.windows import Window

__all__ = ["Example", "examples"]

INDEX = "index.html"
MARK = '<meta name="generator" content="motet video examples">'  # by it our own page is known again
SIZES = ((256, 256), (512, 288), (1280, 720))
MOODS = ("happy", "calm", "dark", "energetic", "dreamy", "epic")
MAIN = "full-song"
FPS = Fraction(24)
SECONDS = 16.0
APART = 4  # frames between events that a film can be judged by
SUFFIXES = {"video": "mp4", "midi": "mid", "sound": "mp3", "manifest": "parseq.json", "poster": "jpg"}


@dataclass(frozen=True)
class Example:
    """A film of a window of a tune, and what is to be told of it.

    `files` are the names of its video, midi, sound, manifest and poster in the folder. `moves` are, for every drum and role, how
    many of its onsets are planned events, and the fields they move. `marks` are the events as (seconds, who, velocity), and
    `downbeats` seconds, both from the start of the film. `sync` is what `motet.video.sync.check` found. `sounds` are the files
    that played, and their licences.
    """

    name: str
    series: tuple[str, ...]
    title: str
    artist: str
    files: Told[str, str]
    size: tuple[int, int]
    fps: str
    frames: int
    seconds: float
    start: float
    bars: int
    mapping: str
    theme: str
    mood: str
    key: str | None
    tempo: float
    prompt: str
    notes: int
    moves: tuple[tuple[str, int, tuple[str, ...]], ...]
    marks: tuple[tuple[float, str, int], ...]
    downbeats: tuple[float, ...]
    sync: Told[str, Any]
    sounds: tuple[tuple[str, str], ...]

    @property
    def events(self) -> int:
        return len(self.marks)


def examples(
    to: Path,
    *,
    songs: int | None = None,
    sizes: Sequence[tuple[int, int]] = SIZES,
    moods: Sequence[str] = MOODS,
    mappings: Sequence[str] | None = None,
    seconds: float = SECONDS,
    seed: int = 0,
    progress: Callable[[int, int, str], None] = lambda done, of, what: None,
) -> list[Example]:
    """Films of the first `songs` demo tunes (None: all) in a folder, and `index.html` to watch them on.

    `mappings` are all there are unless given. One window, of up to `seconds`, is shown in every mood, by every mapping and in
    every size, then every tune once. Each film's files get their names when they are whole, and its record last; the page is
    written anew after every film and lists finished ones only, so a run that was stopped leaves nothing that lies, and the next
    one goes on. `progress` is given (done, of, what); it is told too of a film that is left out, as by a mapping of drums where a
    tune has none.
    Raises UserError for a mood, mapping or size there is none of, and a folder that is no folder or holds another page.
    """
    from motet.video import mapping as plans

    chosen = _chosen(songs)
    ways = tuple(mappings) if mappings is not None else tuple(sorted(plans.names(), key=lambda name: (name != MAIN, name)))
    _check(sizes, moods, ways)
    read = {name: plans.read(name) for name in ways}
    with _blaming(to):
        _prepare(to)
    tunes = [_Tune(tune, seconds) for tune in chosen]
    films = wanted(len(tunes), tuple(sizes), tuple(moods), ways, lambda tune, name: tunes[tune].moved(read[name]))
    planned: list[_Planned] = []
    for film, series in films.items():
        try:
            planned.append(_plan(film, tuple(series), tunes[film.tune], seed))
        except VideoError as error:
            progress(0, len(films), f"{file_name(chosen[film.tune].title, film)} is left out: {error.detail}")
    made = {one.film: finished for one in planned if (finished := _finished(to, one))}
    _publish(to, _in_order(planned, made))
    for done, one in enumerate(planned):
        progress(done, len(planned), one.name)
        if one.film not in made:
            with _blaming(to):
                made[one.film] = _make(to, one)
                _publish(to, _in_order(planned, made))
    progress(len(planned), len(planned), INDEX)
    return _in_order(planned, made)


def _chosen(songs: int | None) -> tuple[Tune, ...]:
    if songs is not None and not 1 <= songs <= len(TUNES):
        raise UserError(f"There are 1 to {len(TUNES)} demo tunes, not {songs}.")
    return tuple(TUNES[:songs])


def _check(sizes: Sequence[tuple[int, int]], moods: Sequence[str], mappings: Sequence[str]) -> None:
    for what, values in (("size", sizes), ("mood", moods), ("mapping", mappings)):
        if not values:
            raise UserError(f"Name at least one {what}.")
    for width, height in sizes:
        if any(side % 2 or not 64 <= side <= 4096 for side in (width, height)):
            raise UserError(f"A film of {width}×{height} cannot be made: sides are even numbers from 64 to 4096.")


def _prepare(to: Path) -> None:
    if to.exists() and not to.is_dir():
        raise UserError(f"{to} is no folder: name a new or empty one.")
    to.mkdir(parents=True, exist_ok=True)
    index = to / INDEX
    if not index.is_file():
        return
    if MARK.encode() not in index.read_bytes()[:4096]:
        raise UserError(f"{index} is another page: name a new or empty folder.")
    for scrap in to.glob(".*.tmp"):  # of a run that was killed
        scrap.unlink()


# --- a tune ---


class _Tune(Song):
    """A tune of ours to be filmed, and the window that is shown of it."""

    def __init__(self, tune: Tune, seconds: float) -> None:
        super().__init__(to_midi(arrange(tune)))
        self.tune, self.seconds = tune, seconds

    def moved(self, mapping: Mapping) -> int:
        """How many moments of the window at which something moves stand apart, so that an eye can tell them."""
        from motet.video.mapping import mapped

        return self._apart(self.window, mapped(self.score, self.roles, mapping))

    @cached_property
    def window(self) -> Window:
        """The window with the most onsets that stand apart; of several the first."""
        from motet.video.windows import windows

        found = windows(self.score, seconds=self.seconds)
        every = np.ones(len(self.score.notes), np.bool_)
        return max(found, key=lambda one: self._apart(one, every))

    def _apart(self, window: Window, chosen: NDArray[np.bool_]) -> int:
        """How many frames at which chosen notes begin are at least APART from their neighbours."""
        starts = self.score.notes["start"]
        here = starts[chosen & (starts >= window.start_tick) & (starts < window.end_tick)]
        at = np.unique(np.floor((self.score.tempo_map.to_seconds(here) - window.start) * float(FPS) + 0.5))
        gaps = np.diff(at, prepend=-np.inf, append=np.inf) >= APART
        return int((gaps[:-1] & gaps[1:]).sum())

    @cached_property
    def heard(self) -> tuple[Audio, tuple[tuple[str, str], ...]]:
        """The mix of the window at RATE, what rings on from just before it included, and who played, with licences."""
        return self.passage(self.window)


# --- a film ---


@dataclass(frozen=True)
class _Planned:
    film: Wanted
    series: tuple[str, ...]
    song: _Tune
    name: str
    manifest: Told[str, Any]
    document: bytes
    notes: bytes
    key: str  # the same as long as nothing that makes the film has changed, its plan, its font and Motet


def _plan(film: Wanted, series: tuple[str, ...], song: _Tune, seed: int) -> _Planned:
    from motet.render import find
    from motet.video import mapping, parseq

    name = file_name(song.tune.title, film)
    (planned,) = song.plans(
        mapping.read(film.mapping),
        seconds=song.seconds,
        limits=Limits(),
        fps=FPS,
        size=film.size,
        theme=None,
        feeling=film.mood,
        random=random.Random(f"{seed} {song.tune.title}"),
        only=[song.window],
    )
    manifest, notes = planned.manifest, planned.notes
    document = parseq.dump(manifest)
    made_with = repr((__version__, find("auto").sha256, film.size, RATE)).encode()
    digest = hashlib.sha256()
    for part in (song.data, document, notes, made_with):
        digest.update(len(part).to_bytes(8, "big") + part)
    return _Planned(film, series, song, name, manifest, document, notes, digest.hexdigest())


def _make(to: Path, one: _Planned) -> Example:
    from motet.render import encode
    from motet.video import painter, sync

    paths = {kind: to / file for kind, file in _files(one).items()}
    _record(to, one).unlink(missing_ok=True)  # first: files that change under it are not what it tells of
    mix, sounds = one.song.heard
    audio = fitted(mix, len(one.manifest["rendered_frames"]), FPS)
    film = painter.film(dict(one.manifest), paths["video"], size=one.film.size, sound=(audio, RATE))
    _write(paths["midi"], one.notes)
    _write(paths["manifest"], one.document)
    _write(paths["sound"], encode(audio, RATE, "mp3"))
    found = sync.check(paths["video"], dict(one.manifest)).to_dict()
    _write(paths["poster"], poster(paths["video"], _busiest(one.manifest, film.frames)))
    told = {
        "key": one.key,
        "files": {path.name: _digest(path) for path in paths.values()},
        "sync": found,
        "sounds": sounds,
        "frames": film.frames,
        "seconds": float(film.seconds),
    }
    _write(_record(to, one), json.dumps(told, indent=1, default=str).encode())
    return _example(one, told)


def _busiest(manifest: Told[str, Any], frames: int) -> int:
    """The frame of the event with the most others in the half second before it: a picture with much in it."""
    at = np.array([event["frame"] for event in manifest["motet"]["events"]] or [0])
    weight = at.searchsorted(at, "right") - at.searchsorted(at - FPS // 2, "left")
    return min(int(at[int(np.argmax(weight))]) + 1, frames - 1)


def _example(one: _Planned, told: Told[str, Any]) -> Example:
    about, window, (width, height) = one.manifest["motet"], one.song.window, one.film.size
    marks, moved, fields = [], Counter[str](), dict[str, set[str]]()
    for event in about["events"]:
        who = str(event["drum"] or event["role"])
        marks.append((float(Fraction(event["frame"]) / FPS), who, int(event["velocity"])))
        moved[who] += 1
        fields.setdefault(who, set()).update(event["fields"])
    return Example(
        name=one.name,
        series=one.series,
        title=one.song.tune.title,
        artist=one.song.tune.artist,
        files=_files(one),
        size=(width, height),
        fps=str(FPS),
        frames=int(told["frames"]),
        seconds=float(told["seconds"]),
        start=window.start,
        bars=window.bars,
        mapping=about["mapping"],
        theme=about["theme"],
        mood=about["mood"],
        key=about["key"],
        tempo=float(about["tempo"]),
        prompt=_prompt(one.manifest),
        notes=len(marks) + len(about["notes"]),
        moves=tuple((who, number, tuple(sorted(fields[who]))) for who, number in sorted(moved.items(), key=_most)),
        marks=tuple(marks),
        downbeats=tuple(round(float(beat) / float(FPS), 6) for beat in about["downbeats"]),
        sync=told["sync"],
        sounds=tuple((str(name), str(licence)) for name, licence in told["sounds"]),
    )


def _most(item: tuple[str, int]) -> tuple[int, str]:
    return -item[1], item[0]


def _prompt(manifest: Told[str, Any]) -> str:
    prompts = manifest.get("prompts") or {}
    listed = prompts.get("promptList", []) if isinstance(prompts, dict) else prompts
    return str(listed[0].get("positive", "")) if listed else ""


# --- files ---


def _files(one: _Planned) -> dict[str, str]:
    return {kind: f"{one.name}.{suffix}" for kind, suffix in SUFFIXES.items()}


def _record(to: Path, one: _Planned) -> Path:
    return to / f"{one.name}.json"


def _finished(to: Path, one: _Planned) -> Example | None:
    """The example as an earlier run left it, or None where it is not whole or not this one."""
    try:
        told = json.loads(_record(to, one).read_bytes())
        same = told["key"] == one.key and told["files"] == {file: _digest(to / file) for file in _files(one).values()}
        return _example(one, told) if same else None
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _in_order(planned: Sequence[_Planned], made: Told[Wanted, Example]) -> list[Example]:
    return [made[one.film] for one in planned if one.film in made]


def _publish(to: Path, finished: Sequence[Example]) -> None:
    from motet.video.examples.page import page

    _write(to / INDEX, page(finished).encode())


def _write(path: Path, data: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def _blaming(folder: Path) -> Iterator[None]:
    """What the disk refuses, in a sentence."""
    try:
        yield
    except VideoError as error:
        if error.reason != "not_written":
            raise
        raise UserError(f"{folder}: {error.detail.rstrip('.')}.", 1) from error
    except OSError as error:
        free = f", {several(shutil.disk_usage(folder).free // 1_000_000, 'MB')} free" if folder.is_dir() else ""
        raise UserError(f"cannot write to {folder} ({error.strerror or error}{free}): name a folder with room.", 1) from error
