"""A small grammar: one sentence from a clip's facts, seeded, saying nothing the facts do not."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from motet.midi.general_midi import DRUMS
from motet.text.facts import ClipFacts

FEW_NOTES = 4  # an instrument with fewer notes in a clip is not named: one may well not hear it

# Words for the tempo, in beats per minute: the lower bound of each. Borders lie where Italian markings on metronomes do.
TEMPO_WORDS = (
    (0, ("very slow",)),
    (50, ("slow", "unhurried")),
    (76, ("moderate", "easy-going")),
    (108, ("lively", "brisk")),
    (140, ("fast", "quick")),
    (180, ("very fast",)),
)


def sentence(facts: ClipFacts, random: Random, *, instruments: int = 4, numbers: bool = True) -> str:
    """One English sentence naming at most `instruments` instruments, the tempo and the metre.

    `numbers` gives the tempo in beats per minute as well. What is unknown (a metre that changes) is left out.
    """
    ensemble = _ensemble(facts, instruments, random)
    tempo = _tempo(facts, numbers, random)
    metre = _metre(facts.metre, random)
    piece = random.choice(("passage", "excerpt", "section", "stretch of music", "piece of music"))
    length = f"{facts.seconds:.0f}-second"
    # A word like "slow" for a tempo that changes would be true of a part of it only.
    adjective = _tempo_word(facts.tempo, random) if facts.tempo_steady else ""
    some_piece = _with_article(f"{adjective} {piece}".strip())
    frames = [
        f"{_capital(some_piece)}{metre} for {ensemble}{tempo}.",
        f"{_capital(ensemble)} in {some_piece}{metre}{tempo}.",
        f"{_capital(_with_article(length))} {piece}{metre}{_aside(adjective)} played by {ensemble}{tempo}.",
        f"{_capital(_with_article(f'{adjective} instrumental'.strip()))}{metre}: {ensemble}{tempo}.",
        f"Instrumental music{metre} with {ensemble}{_aside(adjective).rstrip(',')}{tempo}.",
        f"{_capital(ensemble)} {_play(ensemble)} {some_piece}{metre}{tempo}.",
    ]
    return random.choice(frames)


def _ensemble(facts: ClipFacts, most: int, random: Random) -> str:
    pitched = [name for name, notes in facts.instruments.items() if name != DRUMS and notes >= FEW_NOTES]
    drums = facts.instruments.get(DRUMS, 0) >= FEW_NOTES
    if not pitched and not drums:
        pitched = [name for name in facts.instruments if name != DRUMS] or [DRUMS]
    named = pitched[: most - 1 if drums and most > 1 else most]
    left = len(pitched) - len(named)
    if drums and (most > 1 or not named):
        named = [*named, DRUMS]
    if left > 0:
        named = [*named, "another instrument" if left == 1 else f"{_number(left)} other instruments"]
    return _listed(named)


def _tempo_word(tempo: float, random: Random) -> str:
    words = next(words for low, words in reversed(TEMPO_WORDS) if tempo >= low)
    return random.choice(words)


def _tempo(facts: ClipFacts, numbers: bool, random: Random) -> str:
    if not facts.tempo_steady:
        return random.choice((", with a changing tempo", ", its tempo changing along the way"))
    if not numbers:
        return ""
    return random.choice((" at {} BPM", " at {} beats per minute", " at a tempo of {} BPM")).format(round(facts.tempo))


def _metre(metre: str, random: Random) -> str:
    return random.choice((" in {}", " in {} time")).format(metre) if metre else ""


def _aside(adjective: str) -> str:
    return f", {adjective}," if adjective else ""


def _play(ensemble: str) -> str:
    plural = " and " in ensemble or ensemble.endswith("s")
    return "play" if plural else "plays"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _with_article(phrase: str) -> str:
    # By sound, not by letter: an 8-second, an 11-second, an 18-second, an 80-second passage.
    return f"{'an' if phrase[0] in 'aeiou' or phrase.startswith(('8', '11-', '18-')) else 'a'} {phrase}"


def _capital(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]


def _number(n: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[n] if n < len(words) else str(n)
