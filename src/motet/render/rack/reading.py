"""Racks read from YAML, with every file found and every number checked before the first part is drawn."""

from __future__ import annotations

import errno
import hashlib
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import TypeVar

from motet.errors import UserError
from motet.midi.general_midi import DRUMS, FAMILIES
from motet.midi.instruments import ROLES
from motet.render import effects, fonts, synths
from motet.render.errors import RenderError
from motet.render.plugins import engines, finding
from motet.render.rack.chance import Between, Fixed, LogBetween, OneOf, Range
from motet.render.rack.rack import ZERO, EffectEntry, EffectRule, File, Humanise, Instrument, PresetEntry, Rack
from motet.render.rack.rules import Rule
from motet.spots import LARGEST, Spot, nearest, read_spots

__all__ = ["read", "ready"]

T = TypeVar("T")
HEAVIEST = 1000
LOUDEST = 24.0  # dB; and 60 down
UNSTEADIEST_MS = 50.0
UNSTEADIEST_VELOCITY = 40.0
URI = re.compile(r"[a-z][a-z0-9+.-]{1,15}:")
EVERYTHING = Rule()

NEEDED = ("name", "about", "instruments")
RACK = (*NEEDED, "effects", "humanise")
INSTRUMENT = ("name", "for", "weight", "gain_db", "pan", "sounds_like", "licence")
FONT = ("font", "synth", "bank", "program")
PLUGIN = ("plugin", "engine", "preset", "parameters")
RULE = ("programs", "families", "roles", "banks", "drums")


@dataclass(frozen=True)
class _Here:
    """Where a rack lies, and what its instruments play with that name nothing else."""

    folder: Path
    font: str
    synth: str
    found: dict[str, fonts.Font] = field(default_factory=dict)

    def beside(self, text: str) -> str:
        return str(self.folder / _expanded(text))

    def find_font(self, setting: str) -> fonts.Font:
        """As `fonts.find`; each is read once, however many instruments it serves."""
        if setting not in self.found:
            self.found[setting] = fonts.find(setting)
        return self.found[setting]


def ready() -> dict[str, str]:
    """The racks that come with Motet: name to what it is about."""
    found = {}
    for entry in sorted(_home().iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".yaml"):
            spot = read_spots(entry.read_bytes(), entry.name, NEEDED)
            found[entry.name.removesuffix(".yaml")] = spot.keys(RACK)["about"].text()
    return found


def read(name_or_path: str | Path, *, font: str = "auto", synth: str = synths.DEFAULT_SYNTH) -> Rack:
    """A ready rack by name, or one's own from a `.yaml` file, beside which its fonts, plug-ins and presets are looked for.

    `font` is what instruments with `font: auto` play, as `motet.render.find` takes it, and `synth` the engine of those that name
    none. Every file is read and its digest taken: a large font takes a moment.

    Raises UserError: one sentence with the place in the file and the fix, also for what is not installed.
    """
    text = str(name_or_path)
    _usable(font, synth)
    if not text.endswith((".yaml", ".yml")):
        known = [entry.name.removesuffix(".yaml") for entry in _home().iterdir() if entry.name.endswith(".yaml")]
        if text not in known:
            raise UserError(f"There is no rack {text!r:.80} (a file of your own ends in .yaml){nearest(text, sorted(known))}")
        return _rack(
            read_spots(_home().joinpath(f"{text}.yaml").read_bytes(), f"{text}.yaml", NEEDED), _Here(Path(), font, synth)
        )
    path = _expanded(text)
    try:
        data = _content(path, LARGEST + 1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name holds a character that no file can have"
        raise UserError(f"The rack {text!r:.200} cannot be read: {why}.") from None
    called = "".join(c if c.isprintable() else "?" for c in path.name)
    return _rack(read_spots(data, called, NEEDED), _Here(path.absolute().parent, font, synth))


def _content(path: Path, most: int = -1) -> bytes:
    """The first `most` bytes of a file. Raises OSError, also for what is no file: a pipe or a device may never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    with path.open("rb") as file:
        return file.read(most)


def _expanded(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~ and a name that is no user's
        return Path(text)


def _usable(font: str, synth: str) -> None:
    """What the user named is the user's, not the rack's: raises UserError before the rack is read."""
    try:
        if font != "auto":
            fonts.find(font)
        synths.version(synth)
    except RenderError as error:
        raise UserError(f"{error.detail.rstrip('.')}.") from None


def _home() -> resources.abc.Traversable:
    return resources.files("motet.render.rack") / "racks"


def _rack(spot: Spot, here: _Here) -> Rack:
    told = spot.keys(RACK, NEEDED)
    instruments = _each(told["instruments"], lambda one: _instrument(one, here), "the instruments")
    names: set[str] = set()
    for one, entry in zip(instruments, told["instruments"].items(""), strict=True):
        if one.name in names:
            entry.fail(f"the name {one.name!r:.60} stands twice; give each instrument its own")
        names.add(one.name)
    return Rack(
        told["name"].text(),
        told["about"].text(),
        instruments,
        _each(told.get("effects"), lambda one: _effect_rule(one, here), "chains, each with `always` or `chain`"),
        _each(told.get("humanise"), _humanise, "rules, each with `timing_ms` or `velocity`"),
    )


def _each(spot: Spot | None, make: Callable[[Spot], T], what: str) -> tuple[T, ...]:
    return tuple(make(one) for one in spot.items(what)) if spot else ()


def _instrument(spot: Spot, here: _Here) -> Instrument:
    told = spot.keys((*INSTRUMENT, *FONT, *PLUGIN), ("name",))
    if ("font" in told) == ("plugin" in told):
        spot.fail("an instrument plays either a `font` or a `plugin`; write one of them")
    kind, foreign = ("font", PLUGIN) if "font" in told else ("plugin", FONT)
    for key in told:
        if key in foreign:
            told[key].fail(f"{key} has no meaning for a {kind}; leave it out")
    made = _font(told, here) if kind == "font" else _plugin(told, here)
    return replace(
        made,
        name=told["name"].text(),
        rule=_rule(told.get("for")),
        weight=_weight(told),
        licence=told["licence"].text() if "licence" in told else made.licence,
        sounds_like=_whole(told["sounds_like"], 0, 127) if "sounds_like" in told else None,
        gain_db=_range(told["gain_db"], -60, LOUDEST) if "gain_db" in told else ZERO,
        pan=_range(told["pan"], -1, 1) if "pan" in told else ZERO,
    )


def _font(told: Mapping[str, Spot], here: _Here) -> Instrument:
    spot = told["font"]
    setting = spot.text()
    font = _found(spot, lambda: here.find_font(here.font if setting == "auto" else here.beside(setting)))
    engine = told["synth"].text() if "synth" in told else here.synth
    version = _found(told.get("synth", spot), lambda: synths.version(engine))
    file = File("font", str(font.path), font.path.name, font.sha256)
    bank = _whole(told["bank"], 0, 16383) if "bank" in told else None
    program = _range(told["program"], 0, 127) if "program" in told else None
    if isinstance(program, Between | LogBetween) or any(end % 1 for end in (program.ends if program else ())):
        told["program"].fail("a program is a whole number; write one, or several as {one_of: [0, 1]}")
    return Instrument("", EVERYTHING, 1.0, engine, version, file, font.licence, bank, program)


def _plugin(told: Mapping[str, Spot], here: _Here) -> Instrument:
    file, engine, version = _plugged(told, here)
    presets: tuple[PresetEntry, ...] = ()
    if "preset" in told:
        listed = isinstance(told["preset"].content, list)
        entries = told["preset"].items("presets") if listed else [told["preset"]]
        presets = tuple(_preset(one, here) for one in entries)
    return Instrument(
        "", EVERYTHING, 1.0, engine, version, file, "unknown", presets=presets, parameters=_parameters(told.get("parameters"))
    )


def _plugged(told: Mapping[str, Spot], here: _Here) -> tuple[File, str, str]:
    """The file of a plug-in, its engine and that engine's version."""
    spot = told["plugin"]
    text = spot.text()
    plugin = _found(spot, lambda: finding.find(text if URI.match(text) else here.beside(text)))
    fitting = [name for name, one in engines.ENGINES.items() if plugin.format in one.formats]
    engine = told["engine"].one_of(fitting) if "engine" in told else fitting[0]
    version = _found(told.get("engine", spot), lambda: engines.version(engine))
    return File("plugin", plugin.path, plugin.name, plugin.sha256), engine, version


def _preset(spot: Spot, here: _Here) -> PresetEntry:
    told = spot.keys(("file", "weight"), ("file",)) if isinstance(spot.content, dict) else {"file": spot}
    path = Path(here.beside(told["file"].text()))
    try:
        data = _content(path)
    except OSError as error:
        told["file"].fail(f"the preset {str(path)!r} cannot be read ({error.strerror})")
    return PresetEntry(File("preset", str(path), path.name, hashlib.sha256(data).hexdigest()), _weight(told))


def _found(spot: Spot, find: Callable[[], T]) -> T:
    try:
        return find()
    except RenderError as error:
        spot.fail(error.detail)


def _effect_rule(spot: Spot, here: _Here) -> EffectRule:
    told = spot.keys(("for", "always", "how_many", "chain"))
    always = _each(told.get("always"), lambda one: _effect(one, here, ()), "effects")
    chain = _each(told.get("chain"), lambda one: _effect(one, here, ("weight",)), "effects")
    if bool(chain) != ("how_many" in told):
        spot.fail("`how_many` and `chain` need each other: how_many: [2, 1] draws none twice as often as one")
    how_many: tuple[float, ...] = (1.0,)
    if chain:
        counts = told["how_many"].items("weights of 0, 1, 2, … effects")
        if len(counts) > len(chain) + 1:
            told["how_many"].fail(f"{len(counts) - 1} effects cannot be drawn from {len(chain)}; shorten it")
        how_many = _weights(told["how_many"], counts)
    return EffectRule(_rule(told.get("for")), always, chain, how_many)


def _effect(spot: Spot, here: _Here, more: tuple[str, ...]) -> EffectEntry:
    if not isinstance(spot.content, dict) or ("effect" in spot.content) == ("plugin" in spot.content):
        spot.fail("an effect is written as {effect: reverb, wet_level: 0.1} or {plugin: X.vst3, parameters: {…}}")
    if "plugin" in spot.content:
        told = spot.keys(("plugin", "engine", "parameters", *more))
        file, engine, version = _plugged(told, here)
        parameters = _parameters(told.get("parameters"))
        return EffectEntry(file.name, parameters, engine, version, file, _weight(told))
    name = spot.content["effect"].one_of(effects.EFFECTS)
    known = effects.EFFECTS[name]
    told = spot.keys(("effect", *known, *more))
    version = _found(spot.content["effect"], effects.version)
    drawn = {
        key: _range(told[key], kind.low, kind.high) if key in told else Fixed(float(kind.default)) for key, kind in known.items()
    }
    return EffectEntry(name, drawn, effects.ENGINE, version, None, _weight(told))


def _parameters(spot: Spot | None) -> dict[str, Range]:
    if spot is None:
        return {}
    if not isinstance(spot.content, dict):
        spot.fail("write the parameters as {cutoff: [0.2, 0.9], wave: 1}")
    return {name: _range(one) for name, one in sorted(spot.content.items())}


def _humanise(spot: Spot) -> Humanise:
    told = spot.keys(("for", "timing_ms", "velocity"))
    if len(told.keys() - {"for"}) == 0:
        spot.fail("there is neither `timing_ms` nor `velocity`; write one of them")
    return Humanise(
        _rule(told.get("for")),
        _range(told["timing_ms"], 0, UNSTEADIEST_MS) if "timing_ms" in told else ZERO,
        _range(told["velocity"], 0, UNSTEADIEST_VELOCITY) if "velocity" in told else ZERO,
    )


def _rule(spot: Spot | None) -> Rule:
    if spot is None:
        return EVERYTHING
    told = spot.keys(RULE)
    drums = told["drums"].yes() if "drums" in told else None
    families = _names(told.get("families"), FAMILIES)
    roles = _names(told.get("roles"), (*ROLES, DRUMS))
    wants_drums, wants_pitch = drums or roles == (DRUMS,), drums is False or bool(families)
    if (wants_drums and wants_pitch) or (drums and roles and DRUMS not in roles) or (drums is False and roles == (DRUMS,)):
        spot.fail("no part can meet these conditions together; drums have the role drums and no family")
    return Rule(_ranges(told.get("programs"), 127), families, roles, _ranges(told.get("banks"), 16383), drums)


def _names(spot: Spot | None, known: tuple[str, ...]) -> tuple[str, ...]:
    if spot is None:
        return ()
    listed = spot.items("names") if isinstance(spot.content, list) else [spot]
    return tuple(sorted({one.one_of(known) for one in listed}))


def _ranges(spot: Spot | None, highest: int) -> tuple[int, ...]:
    """Numbers and ranges such as 0-3."""
    if spot is None:
        return ()
    found: set[int] = set()
    for one in spot.items("numbers or ranges such as 0-3") if isinstance(spot.content, list) else [spot]:
        match = re.fullmatch(r"([0-9]{1,5})(?: ?- ?([0-9]{1,5}))?", one.text())
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not low <= high <= highest:
            one.fail(f"{one.shown} is no number or range from 0 to {highest}; write 5 or 0-3")
        found.update(range(low, high + 1))
    return tuple(sorted(found))


def _weight(told: Mapping[str, Spot]) -> float:
    return told["weight"].number(1 / HEAVIEST, HEAVIEST) if "weight" in told else 1.0


def _weights(spot: Spot, listed: list[Spot]) -> tuple[float, ...]:
    weights = tuple(one.number(0, HEAVIEST) for one in listed)
    if not sum(weights):
        spot.fail("all weights are 0; make one of them greater")
    return weights


def _whole(spot: Spot, low: int, high: int) -> int:
    number = spot.number(low, high)
    if number % 1:
        spot.fail(f"{spot.shown} stands where a whole number is wanted")
    return int(number)


def _range(spot: Spot, low: float = -1e9, high: float = 1e9) -> Range:
    """A number, [low, high], {log: [low, high]} or {one_of: [...], weights: [...]}, all within `low` and `high`."""
    if isinstance(spot.content, dict):
        told = spot.keys(("log", "one_of", "weights"))
        if "one_of" in told and "log" not in told:
            values = told["one_of"].items("numbers")
            listed = told["weights"].items("a weight for each number") if "weights" in told else []
            if listed and len(listed) != len(values):
                told["weights"].fail(f"there are {len(listed)} weights for {len(values)} numbers; write one for each")
            weights = _weights(told["weights"], listed) if listed else (1.0,) * len(values)
            return OneOf(tuple(one.number(low, high) for one in values), weights)
        if told.keys() != {"log"}:
            spot.fail("write a number, [low, high], {log: [low, high]} or {one_of: [1, 2], weights: [3, 1]}")
        first, last = _ends(told["log"], low, high)
        if first <= 0:
            told["log"].fail("a range of ratios begins above 0; write {log: [0.01, 1]}, or [0, 1] without log")
        return LogBetween(first, last)
    return Between(*_ends(spot, low, high)) if isinstance(spot.content, list) else Fixed(spot.number(low, high))


def _ends(spot: Spot, low: float, high: float) -> tuple[float, float]:
    ends = spot.items("[low, high]")
    if len(ends) != 2:
        spot.fail(f"a range has two numbers, not {len(ends)}; write [low, high], or {{one_of: […]}}")
    first, last = (one.number(low, high) for one in ends)
    if first > last:
        spot.fail(f"the range goes from {first:g} down to {last:g}; write the lower number first")
    return first, last
