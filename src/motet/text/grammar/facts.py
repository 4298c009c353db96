"""What may be said of a clip: the facts of its record that are sure enough, each with the phrases for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from motet.midi.general_midi import DRUMS, PROGRAMS
from motet.text import words
from motet.text.grammar.phrases import Bank, banks
from motet.text.grammar.wording import CALLED, NUMBERS, folded, is_plural, listed, takes_article, with_article
from motet.text.record import Change, Player, Record, Withheld

# What may be said once only: of each group one fact at most is put into a caption.
_GROUPED = {
    "sparse": "texture",
    "dense": "texture",
    "single": "texture",
    "thick": "texture",
    "solo": "ensemble",
    "steady": "pace",
    "even": "volume",
    "drums_throughout": "drums",
}
_MANY_NAMED = 5  # instruments in a list, at most
_MOST_PLAYERS = 24  # instruments that anything is said of
_LONGEST_TAG = 40
_PLAIN_TAG = re.compile(r"[^\W_][\w &'/+.-]*", re.UNICODE)
_ERA = re.compile(r"(?:1[5-9]|20)?[0-9]0s")
# Moods that a listener would take for a claim about tempo, loudness or texture are left to the notes.
_NOT_MOODS = frozenset(
    "driving energetic upbeat easygoing easy-going slow fast quick lively brisk steady soft quiet loud sparse dense busy thick "
    "rich full low high swinging unhurried rapid moderate medium smooth heavy light".split()
)
_ITALIAN = frozenset("largo adagio lento andante moderato allegretto allegro presto".split())
_INITIALS = {"r&b": "R&B", "rnb": "R&B", "edm": "EDM", "idm": "IDM", "ebm": "EBM", "uk": "UK", "us": "US", "mpb": "MPB"}
PIECE_TEMPI = {
    "very slow": ("very slow", "extremely slow"),
    "slow": ("slow", "unhurried", "slow-paced"),
    "moderate": ("mid-tempo", "easy-going", "moderately paced", "medium-tempo"),
    "lively": ("lively", "brisk", "upbeat"),
    "fast": ("fast", "quick", "driving", "fast-paced"),
    "very fast": ("very fast", "rapid", "breakneck"),
}
_METRES = {
    "4/4": ("4/4", "common time", "common time"),
    "2/4": ("2/4", "duple time"),
    "2/2": ("cut time", "2/2"),
    "3/8": ("triple metre", "3/8"),
    "6/8": ("6/8", "compound time"),
    "9/8": ("9/8", "compound time"),
    "12/8": ("12/8", "compound time"),
}
_KEY = re.compile(r"[A-G](?: flat| sharp)? (?:major|minor)")
_CHORD = re.compile(r"[A-G][#b]?[\w#/+]{0,12}")
_FRACTION = re.compile(r"[1-9][0-9]{0,2}/[1-9][0-9]{0,2}")
_KNOWN_NAMES = frozenset((*PROGRAMS, DRUMS))


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact that may be said: the phrases for it by place, what they name, and how much it belongs into a caption."""

    kind: str
    bank: Bank
    values: Mapping[str, str]
    weight: float = 1.0
    plural: bool = False

    def say(self, place: str, random: Random) -> str:
        options = self.bank[place]
        told = ""
        for _ in range(4):
            phrase = options[int(random.random() * len(options))]
            told = phrase.say(self.values, random, self.plural and place != "predicate")
            # Not "the sawtooth lead takes the lead".
            if self.kind != "melody" or told.count("lead") < 2:
                break
        return told

    @property
    def group(self) -> str:
        """Of each group one fact at most is put into a caption."""
        return _GROUPED.get(self.kind, self.kind)


class Draft:
    """What may be said of one clip, and the state of saying it: who has been mentioned, which words were drawn."""

    def __init__(self, record: Record, random: Random, numbers: bool) -> None:
        self.record, self.random, self.numbers = record, random, numbers
        self._banks = banks(numbers)
        withheld = record.withheld or Withheld()
        self._withheld = [plain for name in (withheld.artist, withheld.title) if name and (plain := folded(name)).strip()]
        self.players = self._players()
        self.called = self._names()
        self.listed: set[str] = set()  # who is in the list of players
        self.whole = record.section is not None and record.section.position == "whole"
        self.part = False  # whether the music is called a part of a longer piece
        self.noun = self.subject = ""  # what the music is called in this caption, and was in the sentence before
        self.facts: list[Fact] = []
        self._gather()

    def choose(self, options: Sequence[str]) -> str:
        return options[int(self.random.random() * len(options))]

    def names_withheld(self, text: str) -> bool:
        return bool(self._withheld) and any(name in folded(text) for name in self._withheld)

    # Instruments

    def _players(self) -> list[Player]:
        """Those worth a name, each once: most notes first, drums last."""
        sounding = {one.name: one for one in self.record.instruments or () if _PLAIN_TAG.fullmatch(one.name) or "(" in one.name}
        known = [one for one in sounding.values() if one.name in _KNOWN_NAMES or not self.names_withheld(one.name)]
        return [one for one in known if one.notes is None or one.notes >= words.FEW_NOTES][:_MOST_PLAYERS] or known[:1]

    def _names(self) -> dict[str, str]:
        """What each instrument is called in this caption."""
        everyone = {one.name for one in self.record.instruments or ()}
        found = {}
        for player in self.players:
            name = player.name
            options = [name]
            for other in CALLED.get(name, ()):
                word = other.split()[-1]
                if not any(word in them or word in CALLED.get(them, ()) for them in everyone if them != name):
                    options.append(other)
            found[name] = self.choose(options)
        return found

    def _in_sentence(self, name: str) -> str:
        """An instrument in a sentence of its own: "the violin" once it is listed, else "a violin"."""
        called = self.called.get(name, name)
        return with_article(called) if name not in self.listed and takes_article(called) else f"the {called}"

    def _list(self, players: Sequence[Player], most: int) -> str:
        everyone = len(self.record.instruments or ())
        most = everyone if everyone == most + 1 else most  # rather one more than "and another instrument"
        told = list(players[:most])
        self.listed = {one.name for one in told}
        named = [self.called[one.name] for one in told]
        if self.random.random() < 0.2 and len(named) <= 3:
            named = [with_article(one) if takes_article(one) else one for one in named]
        elif self.random.random() < 0.15 and len(named) > 2 and named[-1] != DRUMS:
            self.random.shuffle(named)
        if left := everyone - len(named):
            more = ("others", "more", "other instruments") if left > 1 else ("another instrument",)
            return f"{', '.join(named)} and {self.choose(more)}"
        return listed(named, self.random)

    # Facts

    def _add(self, kind: str, weight: float = 1.0, plural: bool = False, **values: str) -> None:
        if bank := self._banks.get(kind):
            self.facts.append(Fact(kind, bank, values, weight, plural))

    def _gather(self) -> None:
        changing: set[str] = {one.what for one in self.record.changes or ()}
        self._gather_time(changing)
        self._gather_harmony(changing)
        self._gather_players()
        self._gather_sound()
        self._gather_tags()
        self._gather_events()

    def _gather_time(self, changing: set[str]) -> None:
        record = self.record
        if (seconds := round(record.seconds)) > 1 and self.numbers:
            self._add("length", 0.5, s=str(seconds))
        if (tempo := record.tempo) and (tempo.confidence is None or tempo.confidence >= words.SURE_TEMPO):
            if tempo.steady is False or "tempo" in changing:
                self._add("unsteady", 1.2)
            elif tempo.bpm >= 10:
                name = self.choose(words.names(words.TEMPI, tempo.bpm))
                marking = self.choose(words.TEMPO_WORDS[name])
                word = self.choose([one for one in words.TEMPO_WORDS[name] if one not in _ITALIAN and one != "mid-tempo"])
                piece = self.choose(PIECE_TEMPI[name])
                told = f"{round(tempo.bpm)}"
                self._add("tempo", 3.0, n=told, w=word, aw=with_article(word), ai=with_article(marking), j=piece)
                if tempo.steady:
                    self._add("steady", 0.2)
        if record.metre == "" or "metre" in changing:
            self._add("mixed_metre")
        elif record.metre and (record.metre_confidence is None or record.metre_confidence >= words.SURE):
            if record.metre == "3/4":
                self._add("waltz", 1.6, f="3/4")
            else:
                also = _METRES.get(record.metre, (f"{record.metre} time",))
                self._add("metre", 1.2, f=record.metre, metred=self.choose(also))
        if (swing := record.swing) and words.SWUNG[0] <= swing.ratio <= words.SWUNG[1] and _sure(swing.confidence):
            self._add("swing", 1.5)

    def _gather_harmony(self, changing: set[str]) -> None:
        record = self.record
        if (key := record.key) and _sure(key.confidence) and "key" not in changing:
            self._add("key", 2.2, k=key.name, m=key.mode)
        first = (record.chords or ())[:4]
        chords = [one for at, one in enumerate(first) if not at or one != first[at - 1]]
        if len(chords) > 1 and all(_CHORD.fullmatch(one) for one in chords):
            if len(chords) > 3 and self.random.random() < 0.4:
                chords = chords[:3]
            named = self.choose((listed(chords, self.random), "–".join(chords)))
            self._add("progression", 0.9, p=named, p0=chords[0], p1=chords[1])

    def _gather_players(self) -> None:
        record, players = self.record, self.players
        if not players:
            return
        everyone = {one.name for one in record.instruments or ()}
        several = len(players) > 1
        names = self._list(players, _MANY_NAMED if self.random.random() < 0.6 else 4)
        alone = self.called[players[0].name]
        plural = several or is_plural(alone)
        self._add(
            "several" if several or len(everyone) > 1 or not takes_article(alone) else "ensemble", 7.0, plural, l=names, one=alone
        )
        if len(everyone) == 1 and players[0].name != DRUMS:
            self._add("solo", 1.2)
        elif 2 <= len(everyone) <= 12 and (len(everyone) > len(players) or self.random.random() < 0.4):
            count = NUMBERS[len(everyone)]
            self._add("count", 0.45, g=with_article(words.GROUPS.get(len(everyone), f"group of {count}")), c=count)
        told: set[str] = set()
        for player in players:
            role = player.role
            if role == "drums" or player.name == DRUMS:
                self._add("drums", 0.8)
                continue
            if len(everyone) < 2 or role in (None, "other", *told) or not _sure(player.role_confidence):
                continue
            # Of two basses neither is "the bass", of two melodies none "the melody".
            if any(one.role == role and one is not player for one in record.instruments or ()):
                continue
            told.add(str(role))
            called = self.called[player.name]
            kind = "low_bass" if role == "bass" and "bass" in called else str(role)
            if kind == "pad" and "pad" in called:
                continue  # "the warm pad provides a pad"
            self._add(kind, 1.5 if role == "melody" else 0.9, is_plural(called), x=self._in_sentence(player.name), b=called)
        steady = [
            one
            for one in players
            if one.presence is not None
            and one.presence >= words.THROUGHOUT
            and one.enters is not None
            and one.enters <= words.THROUGHOUT_FROM * record.seconds
        ]
        busy = {change.instrument for change in record.changes or ()} | {one.name for one in players if one.role in told}
        steady = [one for one in steady if one.name not in busy]
        if steady and len(everyone) > 1:
            player = steady[int(self.random.random() * len(steady))]
            kind = "drums_throughout" if player.name == DRUMS else "throughout"
            self._add(kind, 0.2, is_plural(self.called[player.name]), x=self._in_sentence(player.name))
        if not any("drum" in name or "kit" in name for name in everyone) and len(everyone) > 1:
            self._add("no_drums", 0.25)

    def _gather_sound(self) -> None:
        record = self.record
        if dynamics := record.dynamics:
            if dynamics.level in ("soft", "loud") and dynamics.change in (None, "steady"):
                self._add(dynamics.level, 0.9)
            if dynamics.change == "steady":
                self._add("even", 0.15)
            elif dynamics.change:
                self._add(dynamics.change, 1.1)
        if record.notes_per_second is not None:
            for density in words.names(words.DENSITIES, record.notes_per_second):
                if density != "moderate":
                    self._add(density, 0.5)
        if record.polyphony is not None:
            for thickness in words.names(words.POLYPHONIES, record.polyphony):
                if thickness != "several":
                    self._add(thickness, 0.35)
        if record.register:
            for register in words.names(words.REGISTERS, record.register.median):
                self._add(register, 0.08 if register == "middle" else 0.8)
        if (articulation := record.articulation) and _sure(articulation.confidence):
            self._add(articulation.kind, 0.15 if articulation.kind == "mixed" else 0.6)
        for one in (record.effects or ())[:1]:
            effects = [name for name in one.effects[:4] if _PLAIN_TAG.fullmatch(name) and not self.names_withheld(name)]
            if effects and one.instrument in self.called:
                called = self.called[one.instrument]
                self._add("effects", 0.6, is_plural(called), fx=listed(effects, self.random), x=f"the {called}")

    def _gather_tags(self) -> None:
        seen = set()
        for tag in self.tags():
            if tag[0] not in seen:
                seen.add(tag[0])
                self._add(tag[0], 1.6 if tag[0] in ("genre", "mood") else 0.6, v=tag[1], av=with_article(tag[1]))

    def tags(self) -> list[tuple[str, str]]:
        """Kind and name of the tags that may be said, drawn so that the heavier ones come first more often."""
        told = []
        for tag in self.record.tags or ():
            name = " ".join(tag.name.split())
            if tag.kind in ("instrument", "other") or len(name) > _LONGEST_TAG or not _PLAIN_TAG.fullmatch(name):
                continue
            if (tag.confidence is not None and tag.confidence < words.SURE_TAG) or self.names_withheld(name):
                continue
            if (tag.kind == "mood" and name.casefold() in _NOT_MOODS) or (tag.kind == "era" and not _ERA.fullmatch(name)):
                continue
            if tag.kind == "region":
                name = name.title() if name.isascii() else name
            weight = 0.5 if tag.weight is None else tag.weight
            told.append((weight + 0.5 * self.random.random(), tag.kind, " ".join(_INITIALS.get(w, w) for w in name.split())))
        told.sort(key=lambda one: -one[0])
        return [(kind, name) for _, kind, name in told[:8]]

    def _gather_events(self) -> None:
        record = self.record
        if place := record.section:
            if place.position in ("opening", "middle", "ending"):
                self._add("inside" if place.position == "middle" else place.position, 0.25)
            if place.repeats:
                self._add("repeats", 0.25)
        changes = [one for one in record.changes or () if 0 < one.at < record.seconds]
        # Of a metre that goes to and fro no one change is worth a word.
        for_metre = [one for one in changes if one.what == "metre"]
        changes = [one for one in changes if one.what != "metre" or len(for_metre) < 3]
        for change in changes if len(changes) <= 3 else self.random.sample(changes, 3):
            self._add_event(change)

    def _add_event(self, change: Change) -> None:
        when, at = self._when(change.at), f"{change.at:.3f}"
        if not when:
            return
        if change.what in ("enters", "leaves"):
            if change.instrument in self.called:
                called = self.called[change.instrument]
                self._add(change.what, 1.1, is_plural(called), x=self._in_sentence(change.instrument), when=when, at=at)
        elif change.what == "tempo":
            self._add("new_tempo", 0.9, n=f"{float(change.to or 0):.0f}", when=when, at=at)
        elif change.what == "key":
            if _KEY.fullmatch(str(change.to)):
                self._add("modulation", 1.2, k=str(change.to), when=when, at=at)
        elif _FRACTION.fullmatch(str(change.to)):
            self._add("new_metre", 0.9, f=str(change.to), when=when, at=at)

    def _when(self, at: float) -> str:
        """When something happens, "" if that cannot be said well."""
        share = at / self.record.seconds
        options = []
        if words.HALFWAY[0] <= share <= words.HALFWAY[1]:
            options += ["halfway through", "about halfway through", "around the halfway point"]
        if share >= words.TOWARDS_END:
            options += ["towards the end", "near the end"]
        if share > 0.5:
            options += ["in the second half"]
        elif share < 0.5:
            options += ["in the first half"]
        if self.numbers and (seconds := round(at)) >= 2:
            options += [f"after {seconds} seconds", f"{seconds} seconds in", f"after about {seconds} seconds"] * 2
            options += [f"at around {seconds} seconds", f"some {seconds} seconds in"]
        return self.choose(options) if options else ""

    def pick(self, count: int) -> list[Fact]:
        """So many of the facts, by weight and by chance, one of each group; who plays is nearly always among them."""
        draw = self.random.random
        ranked = sorted(((draw() ** (1 / one.weight), at) for at, one in enumerate(self.facts)), reverse=True)
        chosen: list[Fact] = []
        groups: set[str] = set()
        for _, at in ranked:
            one = self.facts[at]
            if one.group not in groups:
                chosen.append(one)
                groups.add(one.group)
                if len(chosen) == count:
                    break
        return chosen


def _sure(confidence: float | None) -> bool:
    return confidence is None or confidence >= words.SURE
