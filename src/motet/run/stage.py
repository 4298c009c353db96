"""What a stage is: a function over typed rows, declared by its own signature.

    @stage(version=1, uses=("sha256",), timeout=20)
    def clean(file: File, settings: Clean) -> Song | Drop: ...

reads the table of `File`, and writes the table of `Song`. The first parameter says what one call is about: a row, or with
`list[Stem]` all rows of one source (a group). Further row parameters are joined by source: one row, `list[...]` for all,
`... | None` where there may be none. With `Iterable[Song]` it is about all rows there are; `Iterable[Clip] | None` is None where
the recipe makes no such table. `settings` and `tools` come last, each only if wanted.
"""

from __future__ import annotations

import importlib.metadata
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import UnionType
from typing import Any, ClassVar, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field

from motet.dataset.media import Media
from motet.dataset.rows import Row


class Settings(BaseModel):
    """A stage's settings. Every field enters the key, except `timeout` and what `no_effect` names."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    no_effect: ClassVar[frozenset[str]] = frozenset()
    source_names: ClassVar[tuple[str, ...]] = ()  # of a stage that reads sources: what these may be called, as in films=PATH

    timeout: float | None = Field(default=None, gt=0, description="seconds one row may take")


@dataclass(frozen=True)
class Drop:
    """This input gives no row, for a reason that is its own: a short snake_case word, and a sentence."""

    reason: str
    detail: str = ""


RowT = TypeVar("RowT", bound=Row, covariant=True)


@dataclass(frozen=True)
class Verdict(Generic[RowT]):
    """What a stage over all rows, or over sources, says of one: kept, or dropped; with the rows it writes, if any.

    A stage that returns `Iterator[Verdict[Duplicate]]` writes that table; one that only filters returns `Verdict[Any]`.
    A source has one row at most. Where a stage over all rows may say several of one, the row type has a `letter`, for ids behind
    that of what was read.
    """

    id: str
    drop: Drop | None = None
    rows: tuple[RowT, ...] = ()
    path: str = ""  # needed where there was no row before: of a source that was skipped


class Unanswered(Exception):
    """A service could not be asked: no answer, so the row is asked again on the next run. Until then `for_now` stands in."""

    def __init__(self, sentence: str, for_now: Row | None = None) -> None:
        super().__init__(sentence)
        self.for_now = for_now


@dataclass(frozen=True)
class Missing:
    """A member of a group that has no row: its index in the source, and what became of it."""

    index: int
    status: str
    reason: str


@dataclass
class Tools:
    """What a stage may use besides its rows: seeded randomness, media, what `setup` made, members that are missing.

    `random` is an input's own, `song_random` the same for all inputs of one source: what the parts of a song must agree on.

    `named` are all sources with what the user called each: "films", or "" for one without a name.

    `cache` is a folder of the stage's own for what it can make again at any time: an index, a table of hashes. `workers` is
    how many processes a stage over all rows, which runs alone, may use, and `before` the file of what it wrote in the live
    snapshot, None when there is none: for the one stage whose answers are remembered.
    """

    random: Random
    media: Media
    cache: Path
    equipment: Any = None
    missing: list[Missing] = field(default_factory=list)
    workers: int = 1
    song_random: Random = field(default_factory=lambda: Random(0))
    named: tuple[tuple[str, Path], ...] = ()
    before: Path | None = None


@dataclass(frozen=True)
class Input:
    """A row parameter of a stage."""

    name: str
    row_type: type[Row]
    many: bool
    optional: bool


@dataclass(frozen=True)
class Cost:
    """What answering one input will take: an estimate from its rows, for the check before a long run. `dollars` are paid to a
    service."""

    seconds: float = 0.0
    media_bytes: float = 0.0
    dollars: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.seconds + other.seconds, self.media_bytes + other.media_bytes, self.dollars + other.dollars)


@dataclass(frozen=True)
class Needs:
    """What answering one row takes for itself beside a core: graphics cards, of each of which a worker sees its own, and more
    memory than a worker usually may use."""

    gpus: int = 0
    memory_mb: int = 0


@dataclass(frozen=True)
class Stage:
    name: str
    function: Callable[..., Any]
    version: int
    kind: Literal["source", "row", "group", "whole"]
    inputs: tuple[Input, ...]
    settings_type: type[Settings]
    wants_tools: bool
    writes: type[Row] | None  # None: a filter on what it reads
    many: bool  # one input may give several rows
    filters: bool  # a dropped row is gone from the table for later stages
    uses: frozenset[str]  # "field" of the first input, "table.field" of a joined one
    takes: str  # rows of this `kind` only; "" for all, and of a table that knows no kinds all
    draws: bool | Callable[[Any], bool]  # takes random numbers, with these settings: lineage and seed enter the key
    timeout: float
    libraries: tuple[str, ...]
    contents: Callable[[Any], Mapping[str, str]] | None  # settings -> digests of the fonts or models they name
    setup: Callable[[Any], Any] | None  # settings -> equipment, made once per worker
    cost: Callable[..., Cost | None] | None  # gives None where its settings leave nothing to estimate
    needs: Needs | Callable[[Any], Needs] = Needs()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The plain function, for tests and notebooks."""
        return self.function(*args, **kwargs)

    def draws_with(self, settings: Settings) -> bool:
        return self.draws(settings) if callable(self.draws) else self.draws

    def needs_with(self, settings: Settings) -> Needs:
        return self.needs(settings) if callable(self.needs) else self.needs

    @property
    def main(self) -> Input:
        return self.inputs[0]

    def used(self, parameter: Input) -> tuple[str, ...]:
        """The fields of an input that enter the key."""
        if parameter is self.main:
            return tuple(sorted(u for u in self.uses if "." not in u))
        table = parameter.row_type.table + "."
        return tuple(sorted(u.removeprefix(table) for u in self.uses if u.startswith(table)))


def stage(
    *,
    version: int,
    uses: Iterable[str] = (),
    takes: str = "",
    timeout: float = 60.0,
    draws: bool | Callable[[Any], bool] = False,
    filters: bool = False,
    libraries: Iterable[str] = (),
    contents: Callable[[Any], Mapping[str, str]] | None = None,
    setup: Callable[[Any], Any] | None = None,
    cost: Callable[..., Cost | None] | None = None,
    needs: Needs | Callable[[Any], Needs] = Needs(),
) -> Callable[[Callable[..., Any]], Stage]:
    """Declare a stage. `uses` lists the input fields it may touch: they, and nothing else, decide its key.

    Where files of several kinds stand in one table, `takes` says of which kind the stage's are: others are no business of it.
    """

    def declare(function: Callable[..., Any]) -> Stage:
        hints = get_type_hints(function)
        returned = hints.pop("return")
        inputs: list[Input] = []
        settings_type: type[Settings] = Settings
        wants_tools = False
        whole = False
        source = False
        for name, hint in hints.items():
            if inspect.isclass(hint) and issubclass(hint, Settings):
                settings_type = hint
            elif hint is Tools:
                wants_tools = True
            elif name == "sources":
                source = True
            else:
                parameter, is_whole = _input(name, hint)
                whole = whole or is_whole
                inputs.append(parameter)
        kind: Literal["source", "row", "group", "whole"] = "row"
        if source:
            kind = "source"
        elif whole:
            kind = "whole"
        elif inputs[0].many:
            kind = "group"
        writes, many = _output(returned)
        declared = Stage(
            name=function.__name__,
            function=function,
            version=version,
            kind=kind,
            inputs=tuple(inputs),
            settings_type=settings_type,
            wants_tools=wants_tools,
            writes=writes,
            many=many,
            filters=filters or writes is None,
            uses=frozenset(uses),
            takes=takes,
            draws=draws,
            timeout=timeout,
            libraries=tuple(libraries),
            contents=contents,
            setup=setup,
            cost=cost,
            needs=needs,
        )
        _check(declared)
        return declared

    return declare


def _input(name: str, hint: Any) -> tuple[Input, bool]:
    optional = False
    if get_origin(hint) in (Union, UnionType):
        optional = True
        (hint,) = (a for a in get_args(hint) if a is not type(None))
    origin = get_origin(hint)
    if origin is list:
        return Input(name, get_args(hint)[0], many=True, optional=True), False
    if origin is not None and issubclass(origin, Iterable):
        return Input(name, get_args(hint)[0], many=False, optional=optional), True
    return Input(name, hint, many=False, optional=optional), False


def _output(hint: Any) -> tuple[type[Row] | None, bool]:
    if get_origin(hint) in (Union, UnionType):
        found = [_output(a) for a in get_args(hint)]
        return next(((row, many) for row, many in found if row is not None), (None, False))
    if inspect.isclass(hint) and issubclass(hint, Row):
        return hint, False
    if get_origin(hint) in (list, Iterator, Iterable):
        (inner,) = get_args(hint)
        if inspect.isclass(inner) and issubclass(inner, Row):
            return inner, True
        return _output(inner)[0], True
    if get_origin(hint) is Verdict:
        return _output(get_args(hint)[0])
    return None, False


def _check(declared: Stage) -> None:
    for use in declared.uses:
        table, _, name = use.rpartition(".")
        rows = [i.row_type for i in declared.inputs if i.row_type.table == table] if table else [declared.main.row_type]
        if not rows or name not in rows[0].__dataclass_fields__:
            msg = f"stage {declared.name} says it uses {use!r}, which none of its inputs has"
            raise TypeError(msg)


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Installed versions of the libraries that shape a stage's output ('' when absent)."""
    found = {}
    for name in libraries:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = ""
    return found
