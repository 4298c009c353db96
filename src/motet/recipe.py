"""Recipes: load, validate, explain."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from motet.errors import UserError
from motet.run.stage import Settings, Stage

_SECRET = re.compile(r"//[^/@\s]*@")  # of an address


@dataclass(frozen=True)
class Step:
    """A stage with its settings."""

    name: str
    settings: Settings

    @property
    def stage(self) -> Stage:
        return find_stage(self.name)


@dataclass(frozen=True)
class Recipe:
    """A list of stages with settings; every setting has a value once it is loaded."""

    name: str
    about: str
    steps: tuple[Step, ...]

    def changed(self, settings: Iterable[str]) -> Recipe:
        """With `stage.setting=value` applied; the value is read as YAML. Raises UserError naming the nearest valid name."""
        given = {step.name: step.settings.model_dump(exclude_defaults=True) for step in self.steps}
        for text in settings:
            place, equals, value = text.partition("=")
            stage_name, dot, setting = place.rpartition(".")  # stages of plug-ins have dots in their names
            if not equals or not dot:
                raise UserError(f"{text!r} is not a setting: write stage.setting=value, such as clean.shortest=3.")
            if stage_name not in given:
                raise UserError(_unknown("stage", stage_name, given, f"recipe {self.name}"))
            try:
                given[stage_name][setting] = yaml.safe_load(value)
            except yaml.YAMLError:
                raise UserError(f"The value in {text!r} cannot be read; quote it as in YAML.") from None
        # All together, since some are only valid together.
        return replace(self, steps=tuple(Step(name, _settings(find_stage(name), chosen)) for name, chosen in given.items()))

    def resolved(self) -> dict[str, Any]:
        """Every stage with every setting, as written to motet.yaml."""
        return {step.name: {"version": step.stage.version, **step.settings.model_dump(mode="json")} for step in self.steps}


def ready() -> dict[str, str]:
    """The recipes that come with Motet: name to what it is about."""
    found = {}
    for entry in sorted(resources.files("motet.recipes").iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".yaml"):
            found[entry.name.removesuffix(".yaml")] = str(yaml.safe_load(entry.read_text("utf-8")).get("about", ""))
    return found


def load(name_or_file: str | Path) -> Recipe:
    """A ready recipe by name, or one's own from a YAML file. Raises UserError with one sentence."""
    text = str(name_or_file)
    if text.endswith((".yaml", ".yml")):
        try:
            content = Path(text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"The recipe {text} cannot be read ({error}).") from None
    else:
        known = ready()
        if text not in known:
            raise UserError(_unknown("recipe", text, known, "Motet") + " A file of your own ends in .yaml.")
        content = resources.files("motet.recipes").joinpath(f"{text}.yaml").read_text("utf-8")
    try:
        stored = yaml.safe_load(content)
    except yaml.YAMLError as error:
        raise UserError(f"The recipe {text} is not valid YAML: {str(error).splitlines()[0]}.") from None
    return parse(stored, text)


def parse(stored: Any, origin: str) -> Recipe:
    """A recipe from its YAML mapping; raises UserError."""
    if not isinstance(stored, dict):
        raise UserError(f"The recipe {origin} must be a mapping with `name` and `stages`.")
    for field in stored:
        if field not in ("name", "about", "stages"):
            raise UserError(_unknown("field", str(field), ["name", "about", "stages"], f"recipe {origin}"))
    listed = stored.get("stages")
    if not isinstance(stored.get("name"), str) or not isinstance(listed, list) or not listed:
        raise UserError(f"The recipe {origin} must have a `name` and a list of `stages`.")
    steps: list[Step] = []
    for entry in listed:
        name, given = _entry(entry, origin)
        if any(step.name == name for step in steps):
            raise UserError(f"The recipe {origin} names the stage {name} twice.")
        steps.append(Step(name, _settings(find_stage(name), given)))
    _check_order(steps, origin)
    return Recipe(stored["name"], str(stored.get("about", "")), tuple(steps))


def _entry(entry: Any, origin: str) -> tuple[str, Mapping[str, Any]]:
    if isinstance(entry, str):
        return entry, {}
    if isinstance(entry, dict) and len(entry) == 1:
        ((name, given),) = entry.items()
        if given is None or isinstance(given, dict):
            return str(name), given or {}
    raise UserError(f"In the recipe {origin}, {entry!r} is no stage: write `- clean` or `- clean: {{shortest: 3}}`.")


def _settings(stage: Stage, given: Mapping[str, Any]) -> Settings:
    known = [*stage.settings_type.model_fields]
    for name in given:
        if name not in known:
            raise UserError(_unknown("setting", str(name), known, f"stage {stage.name}"))
    try:
        return stage.settings_type(**given)
    except ValidationError as error:
        first = error.errors()[0]
        said = first["msg"].removeprefix("Value error, ")
        if not first["loc"]:
            raise UserError(f"The settings of {stage.name} do not fit together: {said}.") from None
        where = ".".join(str(part) for part in first["loc"])
        shown = _SECRET.sub("//…@", repr(first["input"]))
        raise UserError(f"{stage.name}.{where} cannot be {shown}: {_lower(said)}.") from None


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _check_order(steps: list[Step], origin: str) -> None:
    written: set[str] = set()
    for step in steps:
        stage = step.stage
        for parameter in stage.inputs:
            table = parameter.row_type.table
            if table not in written and not parameter.optional:
                raise UserError(f"In the recipe {origin}, {step.name} reads {table}, which no stage before it writes.")
        if stage.writes is not None:
            written.add(stage.writes.table)
    if steps[0].stage.kind != "source":
        raise UserError(f"The recipe {origin} must begin with a stage that reads sources, such as scan.")


@cache
def stage_names() -> tuple[str, ...]:
    """Every stage one may name: the files in `motet/stages`, and the `motet.stages` entry points of plug-ins."""
    import motet.stages

    own = [m.name for m in pkgutil.iter_modules(motet.stages.__path__) if not m.name.startswith("_")]
    plugged = [e.name for e in importlib.metadata.entry_points(group="motet.stages")]
    return tuple(sorted({*own, *plugged}))


@cache
def find_stage(name: str) -> Stage:
    """A stage by name: its own file in `motet/stages`, a plug-in's entry point, or `package.module:function`."""
    if ":" in name:
        module, _, attribute = name.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            raise UserError(f"The stage {name} cannot be loaded: {error}.") from None
    elif name not in stage_names():
        raise UserError(_unknown("stage", name, stage_names(), "Motet"))
    else:
        entries = [e for e in importlib.metadata.entry_points(group="motet.stages") if e.name == name]
        found = entries[0].load() if entries else getattr(importlib.import_module(f"motet.stages.{name}"), name)
    if not isinstance(found, Stage):
        raise UserError(f"{name} is no stage: declare it with @stage.")
    return found


def _unknown(what: str, name: str, known: Iterable[str], owner: str) -> str:
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}."
    return f"{owner} has no {what} called {name!r}; {hint}"
