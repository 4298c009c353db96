"""Films of plain moving shapes, encoded for real, whose changes are known: what the measurement of sync is tried on."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
SIZE = 128
RATE = 48000


def encode(
    path: Path,
    images: Iterable[Image],
    *,
    fps: int | Fraction = 24,
    crf: int = 20,
    sound: Floats | None = None,
    stamps: Sequence[int] | None = None,
    codec: str = "libx264",
    **options: str,
) -> Path:
    """Gray or RGB pictures as a film; `stamps` are the moments of each in frames, one after another where not given."""
    settings = {"preset": "veryfast", "crf": str(crf)} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=fps, options=settings | options)
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        track: Any = container.add_stream("aac", rate=RATE) if sound is not None else None
        for number, image in enumerate(images):
            if not number:
                stream.width, stream.height = image.shape[1], image.shape[0]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "gray" if image.ndim == 2 else "rgb24")
            frame.pts, frame.time_base = (number if stamps is None else stamps[number]), 1 / Fraction(fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track is not None and sound is not None:
            heard = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound[None], np.float32), "fltp", "mono")
            heard.rate, heard.pts, heard.time_base = RATE, 0, Fraction(1, RATE)
            for piece in av.AudioResampler("fltp", "mono", RATE, frame_size=1024).resample(heard):
                container.mux(track.encode(piece))
            container.mux(track.encode(None))
    return path


def texture(size: int, seed: int, lowest: int = 40, highest: int = 180) -> Floats:
    """Soft blotches of many sizes."""
    random = np.random.default_rng(seed)
    total = np.zeros((size, size), np.float32)
    for grain in (4, 8, 16, 32):
        coarse = random.random((size // grain + 2, size // grain + 2)).astype(np.float32)
        rows = np.arange(size) / grain
        low = rows.astype(int)
        part = (rows - low).astype(np.float32)
        across = coarse[:, low] * (1 - part) + coarse[:, low + 1] * part
        total += (across[low].T * (1 - part) + across[low + 1].T * part).T * grain
    total -= total.min()
    return np.asarray(lowest + total * ((highest - lowest) / total.max()), np.float32)


def shown(picture: npt.NDArray[np.floating[Any]]) -> Image:
    image: Image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return image


Film = Callable[[int, Sequence[int], np.random.Generator], Iterator[Image]]
"""`frames` pictures that change at `events`."""


def _decay(frames: int, events: Collection[int], rate: float = 0.7) -> npt.NDArray[np.float64]:
    level, levels = 0.0, []
    for frame in range(frames):
        level = 1.0 if frame in events else level * rate
        levels.append(level)
    return np.array(levels)


def flashes(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """The whole picture brightens at once and fades."""
    ground = texture(SIZE, 1)
    for level in _decay(frames, set(events)):
        yield shown(ground + 60 * np.float32(level))


def soft_flashes(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """The same by few levels, over a slow zoom."""
    for frame, level in enumerate(_decay(frames, set(events))):
        yield shown(_looked(BIG, 1 + 0.1 * np.sin(frame / 60), 0, 0, 0) + 8 * np.float32(level))


def dots(frames: int, events: Sequence[int], random: np.random.Generator, contrast: int = 40) -> Iterator[Image]:
    """A dot of a hundredth of the picture is added at every event, and fades slowly."""
    picture, ground = np.zeros((SIZE, SIZE), np.float32), texture(SIZE, 2)
    side = SIZE // 10
    for frame in range(frames):
        picture *= 0.93
        if frame in events:
            row, column = random.integers(0, SIZE - side, 2)
            picture[row : row + side, column : column + side] += contrast * random.choice([-1, 1])
        yield shown(ground + picture)


def soft_dots(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """The same with little contrast."""
    return dots(frames, events, random, 16)


def cuts(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """Another scene at every event; each drifts."""
    scene = 0
    wide = [texture(2 * SIZE, seed) for seed in range(7)]
    for frame in range(frames):
        scene = (scene + int(random.integers(1, 7))) % 7 if frame in events else scene
        yield shown(_looked(wide[scene], 1, 0, frame * 0.2, 0))


def jumps(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """Squares move steadily, and one of them jumps at every event."""
    places = random.random((6, 2)) * (SIZE - 16)
    speeds = random.normal(0, 1.2, (6, 2))
    for frame in range(frames):
        outside = (places + speeds < 0) | (places + speeds > SIZE - 16)
        speeds[outside] *= -1
        places = places + speeds
        if frame in events:
            places[random.integers(6)] = random.random(2) * (SIZE - 16)
        picture = np.full((SIZE, SIZE), 60, np.float32)
        for number, (row, column) in enumerate(places):
            _square(picture, row, column, 16, 110 + 20 * number)
        yield shown(picture)


def particles(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """Sparks drift and fade all the time; at every event a burst of them is born in one place."""
    place, speed, light = np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)
    for frame in range(frames):
        born = 14 if frame in events else int(random.random() < 0.3)
        where = random.random(2) * SIZE
        place = np.concatenate([place + speed, np.repeat(where[None], born, axis=0) + random.normal(0, 5, (born, 2))])
        speed = np.concatenate([speed * 0.97, random.normal(0, 1.0, (born, 2))])
        light = np.concatenate([light * 0.92, np.full(born, 150.0 if born > 1 else 60.0)])
        place, speed, light = place[light > 5], speed[light > 5], light[light > 5]
        picture = np.full((SIZE, SIZE), 30, np.float32)
        for (row, column), bright in zip(place, light, strict=True):
            _square(picture, row, column, 3, bright, add=True)
        yield shown(picture)


def zooms(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """A slow camera that leaps forward at every event and falls back."""
    for frame, level in enumerate(_decay(frames, set(events), 0.8)):
        yield shown(_looked(BIG, 1.2 + 0.15 * np.sin(frame / 50) + 0.06 * level, frame / 300, 0, 0))


def shakes(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """A hand-held camera trembles all the time; a flash at every event."""
    for level in _decay(frames, set(events)):
        across, down = random.normal(0, 1.0, 2)
        yield shown(_looked(BIG, 1, 0, across, down) + 40 * np.float32(level))


def grainy(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """Strong grain over a drifting scene; a soft flash of half the picture at every event."""
    half = (np.arange(SIZE) < SIZE // 2).astype(np.float32)
    for frame, level in enumerate(_decay(frames, set(events))):
        grain = random.normal(0, 10, (SIZE, SIZE)).astype(np.float32)
        yield shown(_looked(BIG, 1, 0, frame * 0.3, 0) + grain + 25 * np.float32(level) * half)


def rings(frames: int, events: Sequence[int], random: np.random.Generator) -> Iterator[Image]:
    """A ring starts at every event and widens while it fades, over a pulsing light."""
    rows, columns = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    born: list[tuple[int, float, float]] = []
    for frame in range(frames):
        if frame in events:
            born.append((frame, *(random.random(2) * SIZE)))
        picture = np.full((SIZE, SIZE), 70 + 25 * np.sin(frame / 12), np.float32)
        for start, row, column in born:
            age = frame - start
            if age < 40:
                radius = np.hypot(rows - row, columns - column)
                picture += 120 * 0.8**age * np.exp(-(((radius - 8 - 1.5 * age) / 3) ** 2))
        yield shown(picture)


FILMS: dict[str, Film] = {
    film.__name__: film for film in (flashes, soft_flashes, dots, soft_dots, cuts, jumps, particles, zooms, shakes, grainy, rings)
}


def _looked(wide: Floats, zoom: float, turn: float, across: float, down: float) -> Floats:
    """A camera over a wide picture, by bilinear sampling."""
    middle = np.arange(SIZE, dtype=np.float64) - SIZE / 2
    rows, columns = np.meshgrid(middle / zoom, middle / zoom, indexing="ij")
    y = (rows * np.cos(turn) - columns * np.sin(turn) + len(wide) / 2 + down) % (len(wide) - 1)
    x = (rows * np.sin(turn) + columns * np.cos(turn) + len(wide) / 2 + across) % (len(wide) - 1)
    top, left = y.astype(int), x.astype(int)
    fy, fx = y - top, x - left
    upper = wide[top, left] * (1 - fx) + wide[top, left + 1] * fx
    lower = wide[top + 1, left] * (1 - fx) + wide[top + 1, left + 1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, np.float32)


BIG = texture(3 * SIZE, 5)


def _square(picture: Floats, row: float, column: float, side: int, value: float, *, add: bool = False) -> None:
    """With soft edges, so that it moves by less than a pixel at a time."""
    spans, covers = [], []
    for low in (row, column):
        places = np.arange(min(SIZE, max(0, int(low))), min(SIZE, max(0, int(low) + side + 1)))
        spans.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0))
        covers.append(np.clip(np.minimum(places + 1 - low, low + side - places), 0, 1))
    there = picture[spans[0], spans[1]]
    there += np.outer(*covers).astype(np.float32) * (value if add else value - there)


def plan(frames: int, random: np.random.Generator, *, least: int = 4, most: int = 14) -> list[int]:
    """Frames at irregular distances, from the first second on."""
    gaps = random.integers(least, most + 1, frames)
    at = int(random.integers(4, 12)) + np.concatenate([[0], np.cumsum(gaps)])
    return [int(frame) for frame in at if frame < frames - 2]


def manifest(events: Sequence[int], frames: int, fps: int = 24, notes: Sequence[int] = ()) -> dict[str, Any]:
    """As much of a manifest as is compared: one drum at each of `events`."""

    def note(frame: int, fields: list[str]) -> dict[str, Any]:
        own = {"role": "drums", "drum": "kick", "pitch": 36, "velocity": 100, "duration": 0.1}
        return own | {"frame": frame, "seconds": frame / fps, "fields": fields}

    return {
        "options": {"output_fps": fps, "bpm": 120},
        "rendered_frames": [{"frame": frame} for frame in range(frames)],
        "motet": {
            "version": 1,
            "events": [note(frame, ["zoom"]) for frame in events],
            "notes": [note(frame, []) for frame in notes],
            "beats": [12.0 * beat for beat in range(-(-frames // 12))],
        },
    }


def clicks(moments: Sequence[float], seconds: float, random: np.random.Generator) -> Floats:
    """A short burst of noise at each moment, in seconds."""
    sound = np.zeros(round(seconds * RATE), np.float32)
    burst = (np.exp(-np.arange(RATE // 10) / (RATE / 60)) * random.normal(0, 0.2, RATE // 10)).astype(np.float32)
    for moment in moments:
        there = sound[round(moment * RATE) :][: len(burst)]
        there += burst[: len(there)]
    return sound
