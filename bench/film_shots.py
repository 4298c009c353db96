"""Shots of films whose cuts, fades and dissolves are known, found by Motet and by PySceneDetect.

The films are made here: painted scenes of our own moods, and camera-like scenes (a textured ground under pans, zooms and shakes,
things that pass, grain, exposure), joined by cuts, fades and dissolves, with what misleads beside them: flashes, strobing, whip
pans, light switched, low light, letterbox, comb lines, held and irregular pictures. PySceneDetect is looked for in this Python,
or in the one that MOTET_SCENEDETECT names: a virtual environment's, for it brings OpenCV along.

    python bench/film_shots.py [--seed 1] [--only NAME …]
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from measure import Line

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

WIDTH, HEIGHT = 256, 144
GOAL = 0.9  # F1 of hard cuts
DRAWS = 2000  # of the bootstrap
QUICK = 4
DETECTORS = ("ContentDetector", "AdaptiveDetector", "ContentDetector + ThresholdDetector")
Image = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Scene = Iterator[Floats]
ASK = """
import json, sys
from scenedetect import ContentDetector, AdaptiveDetector, ThresholdDetector, SceneManager, open_video
told = {}
for name in json.loads(sys.argv[2]):
    manager = SceneManager()
    for part in name.split(" + "):
        manager.add_detector(globals()[part]())
    video = open_video(sys.argv[1])
    manager.detect_scenes(video)
    told[name] = sorted({scene[0].frame_num for scene in manager.get_scene_list()} - {0})
print("TOLD" + json.dumps(told))
"""


@dataclass(frozen=True)
class Join:
    """A change between two shots at picture `frame`, the first of the new one; a gradual one takes `length` pictures."""

    frame: int
    kind: str
    length: int = 0


@dataclass
class Made:
    name: str
    path: Path
    fps: Fraction
    joins: list[Join]
    moments: list[float]
    """of each picture, in seconds"""
    found: dict[str, list[int]] = field(default_factory=dict)


def ground(random: np.random.Generator, dim: float = 1.0) -> Floats:
    """A wide coloured picture of blotches of many sizes, edges, and a fall of light: (3 H, 3 W, 3), 0 to 255."""
    tall, wide = 3 * HEIGHT, 3 * WIDTH
    colours = random.uniform(20, 235, (4, 3)).astype(np.float32)
    total = np.zeros((tall, wide), np.float32)
    for grain in (4, 9, 20, 48, 110):
        coarse = random.random((tall // grain + 3, wide // grain + 3)).astype(np.float32)
        total += _widened(coarse, tall, wide, grain) * grain**0.8
    total = (total - total.min()) / np.ptp(total)
    place = total * 3
    low = np.minimum(place.astype(int), 2)
    mixed = colours[low] + (colours[low + 1] - colours[low]) * (place - low)[..., None]
    for _ in range(int(random.integers(6, 25))):  # walls, windows, posts
        y, x = int(random.integers(0, tall)), int(random.integers(0, wide))
        size = random.integers(8, 120, 2)
        mixed[y : y + size[0], x : x + size[1]] = 0.4 * mixed[y : y + size[0], x : x + size[1]] + 0.6 * random.uniform(0, 255, 3)
    rows = np.linspace(random.uniform(0.5, 1), random.uniform(0.5, 1), tall, dtype=np.float32)
    return np.asarray(mixed * rows[:, None, None] * dim, np.float32)


def _widened(coarse: Floats, tall: int, wide: int, grain: int) -> Floats:
    rows, columns = np.arange(tall) / grain, np.arange(wide) / grain
    y, x = rows.astype(int), columns.astype(int)
    fy, fx = (rows - y).astype(np.float32)[:, None], (columns - x).astype(np.float32)
    upper = coarse[y][:, x] * (1 - fx) + coarse[y][:, x + 1] * fx
    lower = coarse[y + 1][:, x] * (1 - fx) + coarse[y + 1][:, x + 1] * fx
    return np.asarray(upper * (1 - fy) + lower * fy, np.float32)


def camera(random: np.random.Generator, fps: float, manner: str = "", dim: float = 1.0) -> Scene:
    """A camera over a ground: still, panning, zooming, held by hand, or whipped round; things pass before it."""
    wide = ground(random, dim)
    manner = manner or str(random.choice(["still", "pan", "zoom", "hand", "hand", "pan"]))
    speed = random.uniform(-0.35, 0.35, 2) * WIDTH / fps * (manner == "pan")
    zooming = random.uniform(-0.12, 0.12) / fps * (manner == "zoom")
    y, x, zoom = HEIGHT * 1.0, WIDTH * 1.0, 1.0
    things = [
        (random.uniform(0, 1, 2), random.uniform(-0.5, 0.5, 2) / fps, random.uniform(0.05, 0.22), random.uniform(0, 255 * dim, 3))
        for _ in range(int(random.integers(0, 4)))
    ]
    sway, number = random.uniform(0, 6, 4), 0
    while True:
        shake = np.zeros(2)
        if manner in ("hand", "shake"):
            strength = 0.012 if manner == "hand" else 0.05
            seconds = number / fps
            shake = strength * WIDTH * np.array([np.sin(7 * seconds + sway[0]) + np.sin(17 * seconds + sway[1]),
                                                 np.sin(6 * seconds + sway[2]) + np.sin(19 * seconds + sway[3])])  # fmt: skip
        whip = WIDTH * 2.2 / fps if manner == "whip" and number % round(2 * fps) < fps * 0.4 else 0.0
        x, y, zoom = x + speed[1] + whip, y + speed[0], zoom * (1 + zooming)
        rows = (y + shake[0] + (np.arange(HEIGHT) - HEIGHT / 2) / zoom) % (3 * HEIGHT - 1)
        columns = (x + shake[1] + (np.arange(WIDTH) - WIDTH / 2) / zoom) % (3 * WIDTH - 1)
        picture = _at(wide, rows, columns, blur=int(abs(whip) / 3))
        for place, pace, radius, colour in things:
            spot = (place + pace * number) % 1.4 - 0.2
            disc = (np.arange(HEIGHT)[:, None] - spot[0] * HEIGHT) ** 2 + (np.arange(WIDTH) - spot[1] * WIDTH) ** 2
            picture[disc < (radius * WIDTH) ** 2] = colour
        number += 1
        yield picture


def _at(wide: Floats, rows: Any, columns: Any, blur: int) -> Floats:
    y, x = rows.astype(int), columns.astype(int)
    fy, fx = (rows - y).astype(np.float32)[:, None, None], (columns - x).astype(np.float32)[:, None]
    shown = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for back in range(0, blur + 1, 4):
        left = (x - back) % (wide.shape[1] - 1)
        upper = wide[y][:, left] * (1 - fx) + wide[y][:, left + 1] * fx
        lower = wide[y + 1][:, left] * (1 - fx) + wide[y + 1][:, left + 1] * fx
        shown += upper * (1 - fy) + lower * fy
    return np.asarray(shown / (blur // 4 + 1), np.float32)


def painted(random: np.random.Generator, fps: float, mood: str = "") -> Scene:
    """A scene of our painter: events every third of a second or so, at which the picture changes at once."""
    from motet.video.painter import paint
    from video.test_painter import MOODS, event, manifest

    frames = round(fps * 12)
    struck, at = [], 4
    while at < frames - 3:
        struck.append(event(at, str(random.choice(["drums", "melody", "bass", "chords"])), "kick", int(random.integers(40, 90))))
        at += int(random.integers(3, 20))
    keys = ("C major", "A minor", "E flat major", "F# minor", "G major", "B flat minor")
    told = {"mood": mood or str(random.choice(MOODS)), "key": str(random.choice(keys)), "seed": int(random.integers(1 << 20))}
    document = manifest(struck, frames, fps=fps, **told)
    for picture in paint(document, size=(WIDTH, HEIGHT)):
        yield picture.rgb().astype(np.float32)


@dataclass(frozen=True)
class Recipe:
    name: str
    fps: Fraction = Fraction(24)
    scene: Callable[..., Scene] = camera
    manner: str = ""
    kinds: tuple[str, ...] = ("cut",)
    shots: int = 10
    shortest: float = 0.7
    longest: float = 4.0
    dim: float = 1.0
    grain: float = 2.0
    effect: str = ""
    crf: int = 24
    codec: str = "libx264"


RECIPES = (
    Recipe("cuts"),
    Recipe("cuts at 25", Fraction(25), grain=4),
    Recipe("cuts at 60", Fraction(60), shots=8, longest=2.5),
    Recipe("cuts at 12", Fraction(12), longest=5),
    Recipe("cuts at 23.976", Fraction(24000, 1001), crf=33),
    Recipe("quick cuts", shortest=0.25, longest=0.8, shots=24),
    Recipe("pans", manner="pan"),
    Recipe("whip pans", manner="whip", shortest=2),
    Recipe("shaken camera", manner="shake"),
    Recipe("low light", dim=0.12, grain=2.5),
    Recipe("very low light", dim=0.05, grain=1.5, crf=20),
    Recipe("grain", grain=14),
    Recipe("flashes", effect="flashes", shortest=1.2),
    Recipe("strobe", effect="strobe", shortest=1.5),
    Recipe("light switched", effect="light", shortest=2),
    Recipe("letterbox", effect="letterbox", kinds=("cut", "cut", "fade", "dissolve"), shortest=2),
    Recipe("comb lines", Fraction(25), effect="comb"),
    Recipe("held pictures", effect="twos"),
    Recipe("irregular pictures", effect="irregular"),
    Recipe("subtitles and inserts", effect="inserts", shortest=1.5),
    Recipe("fades", kinds=("fade",), shortest=2.2, longest=4.5, shots=8),
    Recipe("fades to white", kinds=("white",), shortest=2.2, longest=4.5, shots=8),
    Recipe("dissolves", kinds=("dissolve",), shortest=2.5, longest=4.5, shots=9),
    Recipe("dissolves, still", manner="still", kinds=("dissolve",), shortest=2.5, longest=4.5, shots=9),
    Recipe("dissolves, pans", manner="pan", kinds=("dissolve",), shortest=2.5, longest=4.5, shots=9),
    Recipe("mixed", kinds=("cut", "cut", "cut", "fade", "dissolve"), shortest=2.2, shots=12),
    Recipe("mixed at 30", Fraction(30), kinds=("cut", "cut", "fade", "dissolve"), shortest=2.2, codec="mpeg4"),
    Recipe("painted, cuts", scene=painted, shortest=1.5),
    Recipe("painted, mixed", scene=painted, kinds=("cut", "fade", "dissolve"), shortest=2.5, shots=9),
    Recipe("painted at 30", Fraction(30), scene=painted, shortest=1.5),
    Recipe("one shot, hand", manner="hand", shots=1, shortest=20, longest=20),
    Recipe("one shot, whip pans", manner="whip", shots=1, shortest=20, longest=20),
    Recipe("one shot, zoom", manner="zoom", shots=1, shortest=20, longest=20),
)


def make(recipe: Recipe, folder: Path, seed: int) -> Made:
    """The film of a recipe, encoded, and what is true of it."""
    random = np.random.default_rng([seed, *recipe.name.encode()])
    fps = float(recipe.fps)
    pictures, joins = _joined(recipe, random, fps)
    pictures = _spoilt(recipe, pictures, joins, random, fps)
    noisy = (picture + random.normal(0, recipe.grain, (HEIGHT, WIDTH, 1)) + random.normal(0, recipe.grain / 2, picture.shape)
             for picture in pictures)  # fmt: skip
    stamps: list[int] = []
    path = folder / f"{recipe.name}.{'mp4' if recipe.codec == 'libx264' else 'avi'}"
    _encode(path, noisy, recipe, random, stamps)
    return Made(recipe.name, path, recipe.fps, joins, [stamp / fps for stamp in stamps])


def _joined(recipe: Recipe, random: np.random.Generator, fps: float) -> tuple[Scene, list[Join]]:
    joins, lengths = [], []
    for number in range(recipe.shots):
        lengths.append(round(random.uniform(recipe.shortest, recipe.longest) * fps))
        if number:
            kind = str(random.choice(recipe.kinds))
            gradual = round(random.uniform(0.5, 1.6) * fps / 2) * 2 if kind != "cut" else 0
            joins.append(Join(sum(lengths[:-1]), kind, min(gradual, min(lengths[-2:]) // 2 * 2)))

    def pictures() -> Scene:
        scenes = [
            recipe.scene(random, fps, recipe.manner, recipe.dim) if recipe.scene is camera else recipe.scene(random, fps)
            for _ in lengths
        ]
        at, current, total = 0, 0, sum(lengths)
        while at < total:
            near = next((join for join in joins if join.length and abs(at + 0.5 - join.frame) < join.length / 2), None)
            current = sum(join.frame <= at for join in joins)
            if near is None:
                yield next(scenes[current])
            else:
                which = joins.index(near)
                part = (at + 0.5 - near.frame) / near.length + 0.5
                one, other = next(scenes[which]), next(scenes[which + 1])
                if near.kind == "dissolve":
                    yield (1 - part) * one + part * other
                else:
                    level = 255.0 if near.kind == "white" else 0.0
                    # A twentieth of the way the picture stands in one colour.
                    share = min(1.0, max(0.0, abs(2 * part - 1) - 0.08) / 0.92)
                    yield level + (one if part < 0.5 else other) * share - level * share
            at += 1

    return pictures(), joins


def _spoilt(recipe: Recipe, pictures: Scene, joins: Sequence[Join], random: np.random.Generator, fps: float) -> Scene:
    effect = recipe.effect
    cuts = {join.frame for join in joins}
    flash_left, light, last, before = 0, 1.0, None, None
    for number, picture in enumerate(pictures):
        away = min((abs(number - cut) for cut in cuts), default=99)
        if effect == "flashes" and flash_left == 0 and away > fps / 3 and random.random() < 1 / fps:
            flash_left = int(random.integers(1, 5))
        if flash_left:
            picture, flash_left = picture * 0.3 + 180, flash_left - 1
        if effect == "strobe" and number // 3 % 2:
            picture = picture * 0.15
        if effect == "light":
            if away > fps / 2 and random.random() < 0.5 / fps:
                light = random.uniform(0.35, 1.0) if light == 1 else 1.0
            picture = picture * light
        if effect == "letterbox":
            picture = picture.copy()
            picture[: HEIGHT // 8] = picture[-HEIGHT // 8 :] = 0
        if effect == "comb":
            mixed = picture.copy()
            if before is not None:
                mixed[1::2] = before[1::2] if number not in cuts else picture[1::2]
            before, picture = picture, mixed
        if effect == "twos":
            if last is None or number % 2 == 0 or number in cuts:
                last = picture
            picture = last
        if effect == "inserts":
            picture = picture.copy()
            if number // round(fps * 0.9) % 2:
                picture[-HEIGHT // 5 : -HEIGHT // 10, WIDTH // 6 : -WIDTH // 6] = 240
            if number // round(fps * 1.3) % 3 == 1:
                picture[HEIGHT // 10 : HEIGHT // 2, WIDTH // 20 : WIDTH // 3] = (200, 30, 30)
        yield picture


def _encode(path: Path, pictures: Iterator[Floats], recipe: Recipe, random: np.random.Generator, stamps: list[int]) -> None:
    import av

    options = {"preset": "veryfast", "crf": str(recipe.crf)} if recipe.codec == "libx264" else {"qscale": "5"}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(recipe.codec, rate=recipe.fps, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = WIDTH, HEIGHT, "yuv420p", 1
        at = 0
        for picture in pictures:
            image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "rgb24")
            frame.pts, frame.time_base = at, 1 / recipe.fps
            stamps.append(at)
            at += int(random.integers(1, 4)) if recipe.effect == "irregular" else 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def found_by_motet(made: Made) -> tuple[list[int], list[str]]:
    """First pictures of new shots, and how they begin."""
    from motet.film.pictures import look_at

    span = look_at(made.path, 0.0, float("inf"))
    if span.frames != len(made.moments):
        raise AssertionError(f"{made.name}: {span.frames} of {len(made.moments)} pictures")
    times = np.array(made.moments)
    begins = [int(np.argmin(np.abs(times - shot.start))) for shot in span.shots[1:]]
    return begins, [shot.kind for shot in span.shots[1:]]


def found_by_scenedetect(made: Made) -> dict[str, list[int]]:
    """By each detector with its defaults; nothing where there is no PySceneDetect."""
    chosen = os.environ.get("MOTET_SCENEDETECT", sys.executable if importlib.util.find_spec("scenedetect") else "")
    if not chosen:
        return {}
    asked = [chosen, "-c", ASK, str(made.path), json.dumps(DETECTORS)]
    ended = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=300)
    told: dict[str, list[int]] = json.loads(ended.stdout.rpartition("TOLD")[2])
    return told


def marks(made: Made, found: Sequence[int], kind: str = "") -> tuple[int, int, int]:
    """Right, wrong and missed: a cut within one picture of its own, a gradual change within its length.

    With a `kind`, only changes of that kind, and nothing is wrong.
    """
    left, right, missed = sorted(found), 0, 0
    for join in sorted(made.joins, key=lambda join: join.length):
        slack = 1 if join.kind == "cut" else join.length / 2 + 1
        hit = min((at for at in left if abs(at - join.frame) <= slack), key=lambda at: abs(at - join.frame), default=None)
        if hit is not None:
            left.remove(hit)
        if not kind or kind == join.kind or (kind == "fade" and join.kind == "white"):
            right, missed = right + (hit is not None), missed + (hit is None)
    return right, 0 if kind else len(left), missed


def f1(counts: Sequence[tuple[int, int, int]]) -> float:
    right, wrong, missed = (sum(column) for column in zip(*counts, strict=True))
    return 2 * right / max(1, 2 * right + wrong + missed)


def interval(counts: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    """95 % of the bootstrap over films."""
    random = np.random.default_rng(1)
    drawn = [f1([counts[place] for place in random.integers(0, len(counts), len(counts))]) for _ in range(DRAWS)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def judged(recipes: Sequence[Recipe], seed: int, tell: Callable[[str], object] | None = None) -> tuple[list[Made], float]:
    """All films with what was found in them, and the seconds that Motet took for a second of film."""
    films, taken, lasting = [], 0.0, 0.0
    with tempfile.TemporaryDirectory(prefix="motet-shots-") as folder:
        for recipe in recipes:
            made = make(recipe, Path(folder), seed)
            began = time.process_time()
            begins, kinds = found_by_motet(made)
            taken, lasting = taken + time.process_time() - began, lasting + made.moments[-1]
            made.found = {"Motet": begins} | found_by_scenedetect(made)
            made.path.unlink()
            films.append(made)
            if tell:
                tell(_row(made, kinds))
    return films, taken / max(lasting, 1e-9)


def _row(made: Made, kinds: Sequence[str]) -> str:
    told = "  ".join(f"{who.replace('Detector', '')} {'/'.join(map(str, marks(made, at)))}" for who, at in made.found.items())
    mine = made.found["Motet"]

    def near(at: int, join: Join) -> bool:
        return abs(at - join.frame) <= (join.length / 2 + 1 if join.length else 1)

    extra = [f"+{at}{kind[0]}" for at, kind in zip(mine, kinds, strict=True) if not any(near(at, join) for join in made.joins)]
    lost = [f"-{join.frame}{join.kind[0]}{join.length}" for join in made.joins if not any(near(at, join) for at in mine)]
    return f"{made.name:<24} {len(made.joins):>3}  {told}   {' '.join([*extra, *lost])}"


def measure(quick: bool) -> Iterator[Line]:
    films, pace = judged(RECIPES[::8][:QUICK] if quick else RECIPES, seed=1)
    whose = list(films[0].found)
    for group, chosen in (
        ("cuts only", lambda made: all(join.kind == "cut" for join in made.joins)),
        ("all films", lambda _: True),
    ):
        some = [made for made in films if chosen(made)]
        peer = None
        for who in whose:
            counts = [marks(made, made.found[who]) for made in some]
            low, high = interval(counts)
            right, wrong, missed = (sum(column) for column in zip(*counts, strict=True))
            value = f1(counts)
            goal = f"at least {GOAL}" if who == "Motet" else ""
            yield Line(
                f"{group}: {who}", (value,), "F1", len(some), None if peer is None else value / peer, whose[0] if peer else "",
                goal, (value >= GOAL) if goal and not quick else None,
                f"95 % {low:.3f} to {high:.3f}; {right} right, {wrong} wrong, {missed} missed",
            )  # fmt: skip
            peer = peer or value
    for kind in ("cut", "fade", "dissolve"):
        for who in whose:
            right, _, missed = (
                sum(column) for column in zip(*(marks(made, made.found[who], kind) for made in films), strict=True)
            )
            if right + missed:
                yield Line(f"found of each {kind}: {who}", (right / (right + missed),), "share", right + missed)
    yield Line("seconds for a second of film", (pace,), "s", len(films), note=f"{WIDTH} x {HEIGHT}, decoding and looks included")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=[])
    chosen = parser.parse_args()
    recipes = [recipe for recipe in RECIPES if not chosen.only or recipe.name in chosen.only]
    films, pace = judged(recipes, chosen.seed, lambda line: print(line, flush=True))
    for who in films[0].found:
        counts = [marks(made, made.found[who]) for made in films]
        low, high = interval(counts)
        kinds = {kind: [marks(made, made.found[who], kind) for made in films] for kind in ("cut", "fade", "dissolve")}
        shares = ", ".join(f"{kind} {sum(c[0] for c in some)}/{sum(c[0] + c[2] for c in some)}" for kind, some in kinds.items())
        right, wrong, missed = (sum(column) for column in zip(*counts, strict=True))
        print(f"{who:<40} F1 {f1(counts):.3f} ({low:.3f} to {high:.3f})  {right} right {wrong} wrong {missed} missed; {shares}")
    print(f"{pace:.4f} s of CPU for a second of film")


if __name__ == "__main__":
    main()
