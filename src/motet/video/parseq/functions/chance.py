"""Seeded chance. Without a seed Parseq takes the clock; here a field and a place in its expression always draw the same."""

import math
import zlib

from motet.video.parseq.functions.curves import CONTROL_POINTS, CURVE, along, control_points
from motet.video.parseq.functions.definition import Argument, Function
from motet.video.parseq.generators import Noise, uniform
from motet.video.parseq.moment import Moment
from motet.video.parseq.values import Value, divided, number, text

__all__ = ["CHANCE"]

SEEDING = 600  # the work of setting up a generator


def _unseeded(moment: Moment, place: int) -> float:
    return float(zlib.crc32(f"{moment.field} {place}".encode("utf-8", "surrogatepass")))


SEED = Argument(("seed", "s"), _unseeded)
LOW, HIGH = Argument(("min", "n"), 0.0), Argument(("max", "x"), 1.0)


def _draw(moment: Moment, place: int, seed: Value) -> float:
    generator = moment.memory.get((place, "generator"))
    if generator is None:
        moment.effort.spend(SEEDING)
        generator = moment.memory[place, "generator"] = uniform(text(seed))
    drawn: float = generator()
    return drawn


def _held(since: float, hold: float) -> float:
    periods = divided(since, hold)
    return float(math.floor(periods)) if math.isfinite(periods) else periods


def _rand(moment: Moment, place: int, values: list[Value]) -> Value:
    low, high, _, hold = map(number, values)
    last = moment.memory.get((place, "drawn"))
    if last is None or _held(last[0] - moment.active, hold) < _held(moment.frame - moment.active, hold):
        last = moment.memory[place, "drawn"] = (moment.frame, _draw(moment, place, values[2]) * (high - low) + low)
    value: float = last[1]
    return value


def _noise(moment: Moment, place: int, values: list[Value]) -> tuple[Noise, float, float]:
    noise = moment.memory.get((place, "noise"))
    if noise is None:
        moment.effort.spend(SEEDING)
        noise = moment.memory[place, "noise"] = Noise(text(values[3]))
    smooth = number(values[0])
    return noise, moment.frame / smooth if smooth and smooth == smooth else float(moment.frame), number(values[4])


def _smrand(moment: Moment, place: int, values: list[Value]) -> Value:
    noise, x, y = _noise(moment, place, values)
    low, high = number(values[1]), number(values[2])
    return noise.simplex(x, y) * (high - low) / 2 + (high + low) / 2


def _perlin(moment: Moment, place: int, values: list[Value]) -> Value:
    noise, x, y = _noise(moment, place, values)
    low, high = number(values[1]), number(values[2])
    return noise.perlin(x, y) * (high - low) + (high + low) / 2


def _vibe(moment: Moment, place: int, values: list[Value]) -> Value:
    x1, y1, x2, y2, _, shortest, longest, fixed, low, high = map(number, values[:10])
    way = moment.memory.get((place, "way"))
    if way is None or moment.frame > way[0] + way[1]:
        start = way[3] if way is not None and way[3] == way[3] else moment.curve.active(moment.frame)
        end = _draw(moment, place, values[10]) * (high - low) + low
        if fixed != fixed:
            drawn = _draw(moment, place, values[10]) * (shortest - longest) + shortest
            fixed = float(math.floor(drawn)) if math.isfinite(drawn) else drawn
        way = moment.memory[place, "way"] = (moment.frame, fixed, start, end)
    since, period, start, end = way
    points = control_points(x1, y1, x2, y2, values[11])
    return along(moment, points, start, end, period, divided(float(moment.frame - since), period))


SMOOTH = (Argument(("smooth", "sm"), 10.0), LOW, HIGH, SEED, Argument(("y",), 0.0))
CHANCE = {
    "rand": Function((LOW, HIGH, SEED, Argument(("hold", "h"), 1.0)), _rand, cost=6),
    "smrand": Function(SMOOTH, _smrand, cost=20),
    "perlin": Function(SMOOTH, _perlin, cost=20),
    "vibe": Function(
        (
            *CONTROL_POINTS,
            Argument(("offset", "os"), 2.0),
            Argument(("pmin",), 1.0),
            Argument(("pmax",), 20.0),
            Argument(("p",), math.nan),
            Argument(("min",), 0.0),
            Argument(("max",), 1.0),
            SEED,
            CURVE,
        ),
        _vibe,
        cost=20,
    ),
}
