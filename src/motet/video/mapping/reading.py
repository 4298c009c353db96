"""Mappings read from YAML, with every name and number checked before the first note is looked at."""

from __future__ import annotations

import hashlib
import re
import stat
from fractions import Fraction
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from motet.errors import UserError
from motet.midi.general_midi import FAMILIES
from motet.midi.instruments import ROLES
from motet.spots import LARGEST, Spot, nearest, read_spots
from motet.video.drums import DRUMS
from motet.video.fields import FIELDS, Field
from motet.video.mapping.rules import CURVES, DIRECTIONS, SHAPES, Length, Mapping, Notes, Rule

__all__ = ["names", "parse", "read"]

MOST_RULES = 200
NEEDED = ("name", "about", "rules")
MAPPING = ("name", "about", "rest", "rules")
RULE = ("notes", "field", "shape", "length", "value", "velocity", "direction")
NOTES = ("drum", "role", "pitch", "program", "family", "velocity")
# The film's own: its seed runs on frame by frame, and it has two prompts.
OWN = ("seed", *(f"prompt_weight_{n}" for n in range(3, 9)))
OTHER_NAMES = {
    "cfg": "scale",
    "cfg_scale": "scale",
    "prompt_weight": "prompt_weight_1",
    "rotation": "rotation_3d_x, rotation_3d_y and rotation_3d_z",
    "rotation_3d": "rotation_3d_x, rotation_3d_y and rotation_3d_z",
    "rotation_3d_xyz": "rotation_3d_x, rotation_3d_y and rotation_3d_z",
    "translation": "translation_x, translation_y and translation_z",
    "translation_xyz": "translation_x, translation_y and translation_z",
}
MOVED = tuple(name for name in FIELDS if name not in OWN)

_LENGTH = re.compile(r"(\d{1,4}(?:\.\d{1,4})?|\d{1,4}/\d{1,4}) ?(frame|beat|bar|second)s?")
_MOST = {"frames": 10_000, "beats": 256, "bars": 64, "seconds": 120}
_USUAL = {"impulse": "1 frame", "hold": "note", "decay": "6 frames", "ramp": "4 frames"}
_PITCH = re.compile(r"([A-Ga-g])([#b♯♭]?)(-?\d)")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ALL_ROLES = (*ROLES, "drums")


def names() -> list[str]:
    """The mappings that come with Motet."""
    return sorted(entry.name.removesuffix(".yaml") for entry in _home().iterdir() if entry.name.endswith(".yaml"))


def read(name_or_path: str | Path) -> Mapping:
    """A mapping that comes with Motet by its name, or one's own from a `.yaml` file.

    Raises UserError: one sentence with the line in the file and the fix.
    """
    text = str(name_or_path)
    if not text.endswith((".yaml", ".yml")):
        if text not in names():
            raise UserError(f"There is no mapping {text!r:.80} (a file of your own ends in .yaml){nearest(text, names())}")
        return parse(_home().joinpath(f"{text}.yaml").read_bytes(), f"{text}.yaml")
    try:
        path = Path(text).expanduser()
        if not stat.S_ISREG(path.stat().st_mode):
            raise UserError(f"The mapping {text!r:.200} is not a regular file; name a file of YAML.")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError, RuntimeError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file can have such a name"
        raise UserError(f"The mapping {text!r:.200} cannot be read: {why}.") from None
    return parse(data, "".join(c if c.isprintable() else "?" for c in path.name))


def parse(data: bytes, origin: str) -> Mapping:
    """The mapping that YAML bytes from a file called `origin` hold. Raises UserError as `read` does."""
    told = read_spots(data, origin, NEEDED).keys(MAPPING, NEEDED)
    rest = _rest(told["rest"]) if "rest" in told else {}
    written = told["rules"].items("rules, each with `notes`, `field`, `shape` and `value`")
    if len(written) > MOST_RULES:
        told["rules"].fail(f"there are {len(written)} rules and {MOST_RULES} are the most; join some")
    rules = tuple(_rule(spot, rest) for spot in written)
    flat = next((rule.field for rule in rules if FIELDS[rule.field].camera == "2D"), None)
    for spot, rule in zip(written, rules, strict=True):
        if flat and FIELDS[rule.field].camera == "3D":
            spot.fail(f"Deforum moves {rule.field} with a 3D camera alone and {flat} with a 2D one; keep to the fields of one")
    return Mapping(told["name"].text(), told["about"].text(), rest, rules, hashlib.sha256(data).hexdigest())


def _home() -> Traversable:
    return resources.files("motet.video.mapping")


def _rest(spot: Spot) -> dict[str, tuple[float, float]]:
    rest = {}
    for name, value in spot.members("such as {strength: [0.8, 0.9]}").items():
        rest[name] = _range(value, _field(value, name))
    return {name: rest[name] for name in FIELDS if name in rest}


def _rule(spot: Spot, rest: dict[str, tuple[float, float]]) -> Rule:
    told = spot.keys(RULE, ("notes", "field", "shape", "value"))
    field = _field(told["field"], told["field"].text())
    shape = told["shape"].one_of(SHAPES)
    if shape == "ramp" and not field.delta:
        moving = ", ".join(name for name in MOVED if FIELDS[name].delta)
        told["shape"].fail(f"{field.name} cannot move on and on in a ramp; use hold or decay, or one of {moving}")
    if shape == "impulse" and "length" in told:
        told["length"].fail("an impulse lasts one frame; leave the length out or use decay or hold")
    value = _range(told["value"], field)
    velocity = told["velocity"].one_of(("none", *CURVES)) if "velocity" in told else "none"
    if velocity != "none" and value[0] == value[1]:
        told["velocity"].fail("a velocity needs a range to choose from; write value: [softest, loudest]")
    direction = told["direction"].one_of(DIRECTIONS) if "direction" in told else "up"
    if "direction" in told and not field.delta:
        told["direction"].fail(f"a direction is for fields that move, and {field.name} does not; leave it out")
    rule = Rule(_notes(told["notes"]), field.name, shape, _length(told.get("length"), shape), value, velocity, direction)
    _check_reach(told["value"], rule, field, rest.get(field.name))
    return rule


def _check_reach(spot: Spot, rule: Rule, field: Field, rest: tuple[float, float] | None) -> None:
    """That the rule keeps within the field's limits whichever way it goes, and is seen whatever value is drawn."""
    ways = {"up": (1,), "down": (-1,)}.get(rule.direction, (1, -1))
    still = field.still
    for way in ways:
        low, high = sorted(still + way * (value - still) for value in rule.value)
        if low < field.low or high > field.high:
            reached = low if low < field.low else high
            spot.fail(f"{field.name} would reach {reached:g}, outside its limits; it goes from {field.low:g} to {field.high:g}")
        if field.delta and low <= still <= high:
            spot.fail(f"{field.name} may be {still:g}, which moves nothing; keep the range on one side of it")
        if field.name.startswith("prompt_weight"):
            continue  # their rest is the film's own
        usual = rest or (still, still)
        if rule.shape == "ramp":
            # It adds to the movement at rest, and may take just that away.
            if (min(usual) < still and high > still) or (max(usual) > still and low < still):
                spot.fail(f"{field.name} may stand still, as the ramp goes against the movement at rest; let both go one way")
        elif low <= max(usual) and high >= min(usual):
            where = f"{usual[0]:g}" if usual[0] == usual[1] else f"{min(usual):g} to {max(usual):g}"
            spot.fail(f"{field.name} may be the same as at rest ({where}), so that nothing is seen; keep the range apart from it")


def _field(spot: Spot, name: str) -> Field:
    if name in OWN:
        own = "the seed runs on by itself" if name == "seed" else "a film has two prompts, prompt_weight_1 and prompt_weight_2"
        spot.fail(f"{name} cannot be moved: {own}; use another field")
    if name not in FIELDS:
        other = OTHER_NAMES.get(name.lower())
        spot.fail(f"there is no field {name[:40]!r}{f'; Parseq calls it {other}' if other else nearest(name, MOVED)}")
    return FIELDS[name]


def _range(spot: Spot, field: Field) -> tuple[float, float]:
    ends = spot.one_or_more("one number, or [low, high]")
    if len(ends) > 2:
        spot.fail(f"a range has two numbers, not {len(ends)}; write [low, high]")
    values = []
    for end in ends:
        value = end.number()
        if not field.low <= value <= field.high:
            end.fail(f"{value:g} is outside the limits of {field.name}; it goes from {field.low:g} to {field.high:g}")
        values.append(value)
    return values[0], values[-1]


def _length(spot: Spot | None, shape: str) -> Length:
    text = spot.text() if spot else _USUAL[shape]
    if text == "note":
        return Length(Fraction(1), "note")
    found = _LENGTH.fullmatch(text)
    if not found or re.search(r"/0+$", found[1]) or not Fraction(found[1]):
        assert spot
        spot.fail(f"{spot.shown} is no length; write it as 6 frames, 1/2 beat, 2 bars, 0.5 seconds, or note")
    amount, unit = Fraction(found[1]), f"{found[2]}s"
    if amount > _MOST[unit]:
        assert spot
        spot.fail(f"{spot.shown} is too long; {_MOST[unit]:,} {unit} are the most")
    return Length(amount, unit)


def _notes(spot: Spot) -> Notes:
    told = spot.keys(NOTES)
    if not told:
        spot.fail(f"there is no condition, so that no note is named; write one of {', '.join(NOTES)}")
    drums, drum_notes = _drums(told["drum"]) if "drum" in told else (frozenset(), frozenset())
    roles = frozenset(one.one_of(_ALL_ROLES) for one in told["role"].one_or_more("roles")) if "role" in told else frozenset()
    programs = _programs(told["program"]) if "program" in told else frozenset()
    if "family" in told:
        wanted = [FAMILIES.index(one.one_of(FAMILIES)) for one in told["family"].one_or_more("families")]
        of_families = frozenset(8 * family + program for family in wanted for program in range(8))
        programs = programs & of_families if programs else of_families
    pitches = _pitches(told["pitch"]) if "pitch" in told else None
    about_pitches = pitches is not None or "program" in told or "family" in told
    if ("drum" in told and (about_pitches or (roles and "drums" not in roles))) or (roles == {"drums"} and about_pitches):
        spot.fail("no note meets these conditions together: drums have the role drums, and neither pitch, program nor family")
    if ("program" in told or "family" in told) and not programs:
        spot.fail("no program is both in `program` and of `family`; leave one of them out")
    velocities = _velocities(told["velocity"]) if "velocity" in told else (1, 127)
    return Notes(drums, drum_notes, roles, pitches, programs, velocities)


def _drums(spot: Spot) -> tuple[frozenset[str], frozenset[int]]:
    named, numbered = set(), set()
    for one in spot.one_or_more("drums by name or note, such as closed hat or 42"):
        if isinstance(one.content, str) and one.plain and re.fullmatch(r"-?\d+(\.\d*)?", one.content):
            numbered.add(one.whole(0, 127))
            continue
        name = one.text()
        if name not in DRUMS:
            one.fail(f"there is no drum {name[:40]!r}{nearest(name, DRUMS)}")
        named.add(name)
    return frozenset(named), frozenset(numbered)


def _pitches(spot: Spot) -> tuple[int, int]:
    if isinstance(spot.content, list):
        ends = [_pitch(one, one.text()) for one in spot.items("[lowest, highest]")]
    else:
        ends = [_pitch(spot, end.strip()) for end in spot.text().split("..")]
    if len(ends) > 2:
        spot.fail(f"pitches have a lowest and a highest, not {len(ends)} numbers; write [36, 60] or C2..C4")
    if ends[0] > ends[-1]:
        spot.fail(f"the pitches go from {ends[0]} down to {ends[-1]}; write the lower first")
    return ends[0], ends[-1]


def _pitch(spot: Spot, text: str) -> int:
    """A pitch from a number or a name: 60 is C4."""
    named = _PITCH.fullmatch(text)
    if named:
        pitch = 12 * (int(named[3]) + 1) + _STEPS[named[1].lower()] + {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[named[2]]
    else:
        pitch = int(text) if re.fullmatch(r"\d{1,3}", text) else -1
    if not 0 <= pitch <= 127:
        spot.fail(f"{text[:40]!r} is no pitch; write a number from 0 to 127 or a name such as C4, which is 60")
    return pitch


def _programs(spot: Spot) -> frozenset[int]:
    found: set[int] = set()
    for one in spot.one_or_more("programs, such as 0 or 0-7"):
        ends = re.fullmatch(r"(\d{1,3})(?:-(\d{1,3}))?", one.text())
        low, high = (int(ends[1]), int(ends[2] or ends[1])) if ends else (1, 0)
        if not low <= high <= 127:
            one.fail(f"{one.shown} is no program; write a number from 0 to 127, or two as 0-7")
        found.update(range(low, high + 1))
    return frozenset(found)


def _velocities(spot: Spot) -> tuple[int, int]:
    ends = [one.whole(1, 127) for one in spot.one_or_more("one velocity, or [softest, loudest]")]
    if len(ends) > 2 or ends[0] > ends[-1]:
        spot.fail("velocities have a softest and a loudest; write them as [64, 127]")
    return ends[0], ends[-1]
