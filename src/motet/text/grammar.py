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
    adjective = _tempo_word(facts.tempo, random)
    a_slow = f"{_article(adjective).lower()} {adjective}"
    frames = [
        f"{_capital(a_slow)} {piece}{_with(metre)} for {ensemble}{_at(tempo)}.",
        f"{_capital(ensemble)} in {a_slow} {piece}{_with(metre)}{_at(tempo)}.",
        f"{_article(length)} {length} {piece}{_with(metre)}, {adjective}, played by {ensemble}{_at(tempo)}.",
        f"{_capital(a_slow)} instrumental{_with(metre)}: {ensemble}{_at(tempo)}.",
        f"Instrumental music{_with(metre)} with {ensemble}, {adjective}{_at(tempo)}.",
        f"{_capital(ensemble)} {_play(ensemble)} {a_slow} {piece}{_with(metre)}{_at(tempo)}.",
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
        return random.choice(("with a changing tempo", "its tempo changing along the way"))
    if not numbers:
        return ""
    return random.choice(("at {} BPM", "at {} beats per minute", "at a tempo of {} BPM")).format(round(facts.tempo))


def _metre(metre: str, random: Random) -> str:
    if not metre:
        return ""
    return random.choice(("in {}", "in {} time")).format(metre)


def _with(phrase: str) -> str:
    return f" {phrase}" if phrase else ""


def _at(tempo: str) -> str:
    if not tempo:
        return ""
    return f", {tempo}" if not tempo.startswith("at") else f" {tempo}"


def _play(ensemble: str) -> str:
    plural = " and " in ensemble or ensemble.endswith("s")
    return "play" if plural else "plays"


def _listed(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _article(word: str) -> str:
    # "An 18-second", "an 8-second", "an 11-second", "an 80-second": by sound, not by letter.
    return "An" if word[0] in "aeiou" or word.startswith(("8", "11-", "18-")) else "A"


def _capital(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]


def _number(n: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[n] if n < len(words) else str(n)
