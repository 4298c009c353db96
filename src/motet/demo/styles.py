"""Patterns for drums, bass and chords, one sign per step, one bar after another.

A bar's steps share the bar evenly, so `1--5--` is six eighths in 6/8 or in 3/4, and `1` alone lasts the whole
bar. `|` starts the second bar of a longer pattern. `-` holds, `.` is silence.

Drums: `X` accent, `x` plain, `o` soft, `g` ghost. Bass: `1 3 5 6 8` degrees of the chord, `a` a step into the
next chord's root. Chords: `X x o` the whole chord, `D d u` strummed down and up, `1`-`5` its notes from below,
left to ring.
"""

from dataclasses import dataclass

KIT = {
    "kick": 36, "side": 37, "snare": 38, "floor": 41, "hat": 42, "tom3": 43, "pedal": 44, "open": 46, "tom2": 47,
    "crash": 49, "tom1": 50, "ride": 51, "tambourine": 54, "cowbell": 56, "conga": 63, "lowconga": 64, "block": 76,
    "lowblock": 77, "triangle": 81, "shaker": 82,
}  # fmt: skip


@dataclass(frozen=True)
class Groove:
    """A drum pattern and the bar that leads out of it; `crash` marks the start of the section after a fill."""

    lines: dict[str, tuple[str, ...]]
    fill: dict[str, tuple[str, ...]]
    crash: bool = True


def _lines(text: str) -> dict[str, tuple[str, ...]]:
    rows = (line.split(maxsplit=1) for line in text.strip().splitlines())
    return {name: tuple(bar.replace(" ", "") for bar in steps.split("|")) for name, steps in rows}


def _groove(lines: str, fill: str, *, crash: bool = True) -> Groove:
    return Groove(_lines(lines), _lines(fill), crash)


GROOVES: dict[str, Groove] = {
    "rock": _groove(
        """
        hat    x.o.x.o.x.o.x.o. | x.o.x.o.x.o.x...
        open   ................ | ..............x.
        snare  ....X..g....X... | ....X..g.g..X...
        kick   X.....x.x....... | X.....x.x.x.....
        """,
        """
        snare  ....X...xoxoX...
        tom1   ............x...
        tom2   .............xx.
        tom3   ...............X
        kick   X.....x.x...x...
        hat    x.o.x.o.........
        """,
    ),
    "halftime": _groove(
        """
        ride   x.o.x.o.x.o.x.o.
        side   ........X.......
        kick   X.....o...o.....
        """,
        """
        ride   x.o.x...........
        snare  ........X..ox.xx
        tom2   ..........x..x..
        kick   X.......x.......
        """,
    ),
    "march": _groove(
        """
        snare  X.oox.ooX.oox.ox | X.oox.ooXoxoxoxo
        kick   X.......x.......
        pedal  ....x.......x...
        """,
        """
        snare  X.oox.ooXoooXooo
        kick   X.......x...x...
        """,
    ),
    "timpani": _groove(
        """
        floor  X.......x.......
        kick   X.......o.......
        triangle ....o.......o...
        """,
        """
        floor  X.......x.x.xxxx
        snare  ........ooooxxxx
        """,
    ),
    "polka": _groove(
        """
        kick   X.......x.......
        snare  ....x..g....x.og
        hat    ..x...x...x...x.
        """,
        """
        kick   X.......x...x...
        snare  ..x.x.xxx.xxX.X.
        """,
    ),
    "train": _groove(
        """
        snare  ooXoooXoooXoooXx
        kick   X...x...X...x...
        pedal  ..x...x...x...x.
        """,
        """
        snare  ooXooxXxoxXxXXX.
        kick   X...x...X...x.x.
        """,
    ),
    "swing": _groove(
        """
        ride   X...x.x.X...x.x.
        pedal  ....x.......x...
        snare  ......g.......o. | ..g..........oo.
        kick   x.......o.......
        """,
        """
        ride   x...x...........
        snare  ......x.X.x.XxX.
        tom2   ..........x.....
        kick   x.......x...x...
        """,
    ),
    "secondline": _groove(
        """
        snare  X.o.x.x.o.x.o.X. | X.o.xox.o.x.x...
        kick   X.....x.....x...
        pedal  ....x.......x...
        cowbell ................ | ........o...o...
        """,
        """
        snare  X.x.Xxx.X.X.XxX.
        kick   X.....x.X...x...
        """,
    ),
    "bossa": _groove(
        """
        side   x..x..x...x..x.. | ..x..x....x..x..
        kick   X..ox..ox..ox..o
        shaker xoooxoooxoooxooo
        """,
        """
        side   x..x..x.........
        kick   X..ox..ox..ox..o
        conga  ........x.x..x..
        lowconga ...........x..xx
        shaker xoooxoooxoooxooo
        """,
        crash=False,
    ),
    "reggae": _groove(
        """
        hat    o.x.o.xoo.x.o.x.
        kick   ........X....... | ........X......o
        side   ....g...X......g
        open   ..............o.
        """,
        """
        snare  X..x..x.X.......
        tom1   ..........xx....
        tom2   ............xx..
        tom3   ..............X.
        kick   X.......X.......
        """,
    ),
    "taiko": _groove(
        """
        floor  X...........x.x. | X.......x.......
        lowblock ....o.......o... | ....o.....o.o...
        """,
        """
        floor  X...x...x.x.xxxx
        block  ....o...........
        """,
        crash=False,
    ),
    "creep": _groove(
        """
        side   x...o...x...o...
        kick   o.......o.......
        """,
        """
        side   x...o...x.x.x.xx
        kick   o.......o...o...
        """,
        crash=False,
    ),
    "stomp": _groove(
        """
        floor  X...x...X...x...
        kick   X...x...X...x...
        snare  ..x...x...x...xx
        hat    x.x.x.x.x.x.x.x.
        """,
        """
        floor  X...x...X.X.XXXX
        snare  ..x...xxX.X.XXXX
        kick   X...x...X...X...
        """,
    ),
    "waltz": _groove(
        """
        kick   X..........o
        side   ....x...o...
        ride   x...x.o.x...
        """,
        """
        kick   X...........
        snare  ....x.o.xoxx
        ride   x...........
        """,
        crash=False,
    ),
    "gospel": _groove(
        """
        hat    x.o.x.o.x.o. | x.o.x.o.x.x.
        kick   X......x.... | X.........o.
        snare  ....g...X... | ....g...X..g
        """,
        """
        hat    x.o.........
        kick   X.....x.....
        snare  ....x...X...
        tom1   .....xx.....
        tom3   .........xXX
        """,
    ),
    "frame": _groove(
        """
        tambourine o.x.o.x.o.x. | o.x.o.x.oxx.
        floor  X.....x..... | X.....x...o.
        """,
        """
        tambourine o.x.o.x.xxxx
        floor  X.....x.x.X.
        """,
        crash=False,
    ),
    "jig": _groove(
        """
        kick   X.....x..... | X.....x...o.
        snare  ....g...X.o. | ....g...X.ox
        hat    x.o.x.x.o.x.
        """,
        """
        kick   X.....x.....
        snare  x.oox.X.xxxx
        tom3   ......x.....
        """,
    ),
}

BASS: dict[str, tuple[str, ...]] = {
    name: tuple(pattern.replace(" ", "").split("|"))
    for name, pattern in {
        "root": "1",
        "two": "1--.5--.",
        "oompah": "1-..5-..",
        "walk": "135a | 8531",
        "drive": "1-1-1-5- | 1-1-8-5a",
        "country": "1-.-5-.- | 1-.-5-5a",
        "bossa": "1--55--1",
        "reggae": "1--. ..31 5-.. .... | 1--. ..15 8-5- 3-..",
        "pulse": "1.1.1.1.",
        "half": "1-5-",
        "waltz": "1--... | 5--...",
        "slow": "1---5- | 1--5-a",
        "lilt": "1--5-. | 1--1-5",
        "jig": "1-.5-. | 1-.5-a",
        "rock6": "1--5--",
    }.items()
}

CHORDS: dict[str, tuple[str, ...]] = {
    name: tuple(pattern.replace(" ", "").split("|"))
    for name, pattern in {
        "pad": "x",
        "strum": "D-duduDu | D-dud-du",
        "power": "X-x-..x- | X-x-..xx",
        "oompah": "..x...x.",
        "offbeat": "..X...x.",
        "four": "o.X.o.X.",
        "charleston": "x--x.... | ..x.x--.",
        "bossa": "x--x--x---x--x-- | ..x--x----x--x--",
        "skank": "..X...x. ..X...xx",
        "bubble": "o.x.o.x. o.x.o.x.",
        "roll": "13243423",
        "banjo": "1-3415-3 42314235",
        "koto": "1-3-5--- 4-3-2-3-",
        "stabs": "X...x... | X...x.x.",
        "march": "x.x.x.x.",
        "harp3": "123454",
        "lute": "135424",
        "hymn": "X--x--",
        "jig": "d.ud.u | D.ud.u",
    }.items()
}


def steps(pattern: tuple[str, ...], bar: int, length: int) -> list[tuple[int, int, str]]:
    """The signs of one bar as (start, length, sign), holds joined to the sign they hold; silence left out."""
    text = pattern[bar % len(pattern)]
    step = length // len(text)
    found: list[tuple[int, int, str]] = []
    silent = True
    for place, sign in enumerate(text):
        if sign == "-" and not silent:
            start, held, what = found[-1]
            found[-1] = (start, held + step, what)
        elif sign not in "-.":
            found.append((place * step, step, sign))
        silent = sign == "." or (sign == "-" and silent)
    return found
