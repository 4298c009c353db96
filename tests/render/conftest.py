"""The synth that plays the tests' parts."""

from collections.abc import Callable

import pytest

from motet.render import SYNTHS, Audio, Font, Synth, find, load, version
from render.notation import RATE, Message, part


@pytest.fixture(scope="session")
def font() -> Font:
    return find()


@pytest.fixture(scope="session", params=SYNTHS)
def engine(request: pytest.FixtureRequest) -> str:
    """Every synth must play by the same rules."""
    if not version(request.param):
        pytest.skip(f"{request.param} is not installed: motet doctor tells how to add it")
    return str(request.param)


@pytest.fixture(scope="session")
def synth(font: Font) -> Synth:
    return load(font, RATE)


@pytest.fixture(scope="session")
def play(synth: Synth) -> Callable[[list[Message]], Audio]:
    """The sound of one part."""

    def played(messages: list[Message]) -> Audio:
        return next(iter(synth.render([part(messages)])))

    return played
