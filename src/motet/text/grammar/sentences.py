"""A grammar that writes captions from a fact record: seeded, offline, in varied English, saying nothing the record does not.

A caption opens with a sentence that tells what music it is and who plays; a longer one goes on with a sentence for each thing
worth telling: who does what, the harmony, the pulse, the sound, and what happens when.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Literal

from motet.text.grammar.facts import Draft, Fact
from motet.text.grammar.wording import listed, with_article
from motet.text.record import Record

Form = Literal["short", "long", "tags", "question"]

_PIECES = (
    "piece", "piece", "passage", "excerpt", "clip", "track", "instrumental", "arrangement", "number", "composition",
    "instrumental piece", "instrumental passage", "piece of music", "instrumental clip", "instrumental track", "snippet",
    "extract", "recording", "selection",
)  # fmt: skip
_PLAYED = ("piece", "piece", "passage", "arrangement", "instrumental", "composition", "number", "piece of music")
_WHOLE = ("piece", "piece", "track", "instrumental", "arrangement", "composition", "number", "recording", "piece of music")
_SUNG = ("choir", "voice", "vocal")  # in names of instruments; with one of them no music is called instrumental
_PARTS = ("excerpt", "excerpt", "passage", "extract")  # of a longer piece
_OPENINGS = ("this is {a}", "here is {a}", "this is {a}", "we hear {a}", "you hear {a}")

# What a sentence of a long caption is about, and the order in which they come.
_TOPICS = (
    "melody bass low_bass chords pad throughout count solo no_drums",
    "key progression",
    "tempo steady unsteady metre waltz mixed_metre swing drums drums_throughout",
    "soft loud crescendo decrescendo even sparse dense single thick low high middle legato staccato mixed effects",
    "genre mood era region",
    "length opening ending inside repeats",
)
_TOPIC = {kind: at for at, kinds in enumerate(_TOPICS) for kind in kinds.split()}
_EVENTS = frozenset(("enters", "leaves", "modulation", "new_tempo", "new_metre"))
_PLACES = frozenset(("opening", "ending", "inside"))
_WHO = frozenset(("several", "ensemble"))
_DEEDS = frozenset(("melody", "bass", "low_bass", "chords", "pad", "drums"))
_APART = frozenset(("bass", "low_bass", "chords", "pad"))  # these make a clause of their own
_KINDS = frozenset(("genre", "mood", "tempo", "key", "waltz", "metre", "era", "swing"))
_FIRST = _WHO | frozenset(("genre", "mood", "tempo", "key", "waltz", "metre", "region", "era", "swing", "length"))

# Where adjectives stand: length, mood and how it is played, tempo, then what kind of music it is.
_BEFORE = {"length": 0, "mood": 1, "tempo": 2, "steady": 2, "waltz": 4, "era": 4, "region": 5, "key": 6, "metre": 6, "solo": 6}
_BEFORE |= {"genre": 7, "ensemble": 8}
# And what stands behind: who plays, key, tempo, metre, and the rest as it comes.
_BEHIND = {"several": 0, "ensemble": 0, "count": 0, "era": 1, "key": 2, "tempo": 3, "metre": 3, "waltz": 3, "steady": 4}
_BEHIND |= {"progression": 4, "opening": 1, "ending": 1, "inside": 1}
_PREPOSITIONS = frozenset(("in", "at", "with", "over", "for", "on", "of", "from", "to", "by"))


def write(record: Record, random: Random, form: Form = "short", numbers: bool = True) -> str:
    """A caption of a clip, one line: one sentence (`short`), two to four (`long`), a comma list (`tags`) or a question with
    its answer (`question`).

    Facts below the confidences of `motet.text.words` are not mentioned, and the artist and title withheld are not named.
    Without `numbers` it gives neither beats per minute nor seconds. Equal records, generators and settings give equal
    captions. Raises ValueError for another form.
    """
    writer = _FORMS.get(form)
    if writer is None:
        raise ValueError(f"no form of caption: {form!r}; there are {', '.join(_FORMS)}")
    clip = Draft(record, random, numbers)
    told = writer(clip)
    # A title may be a common word, which a caption says without meaning it; another caption mostly does without.
    for _ in range(12):
        if not clip.names_withheld(told):
            break
        told = writer(Draft(record, random, numbers))
    return told


# --- The forms ---


def _short(clip: Draft) -> str:
    return _opening(clip, _picked(clip, 2 + int(clip.random.random() * 3.2)))


def _long(clip: Draft) -> str:
    """A sentence that introduces the music, and one to three more, each about one thing."""
    draw = clip.random.random
    facts = _picked(clip, 5 + int(draw() * 5))
    if len(facts) < 2:
        more = clip.choose(("No more is known of it.", "Nothing more is known.", "There is no more to tell."))
        return f"{_opening(clip, facts)} {more}"
    # Who plays and what kind of music it is come first; of the rest, what belongs together comes together.
    facts.sort(key=lambda one: (one.kind in _EVENTS, one.kind not in _WHO, one.kind not in _FIRST, draw()))
    first = min(len(facts) - 1, 2 + (draw() < 0.5))
    while first > 1 and facts[first - 1].kind in _EVENTS:
        first -= 1
    sentences = [_opening(clip, facts[:first])]
    sentences += [_following(clip, group) for group in _grouped(facts[first:], clip)[-3:]]
    return " ".join(sentences)


def _picked(clip: Draft, count: int) -> list[Fact]:
    """So many facts; with one that tells where in a longer piece the clip lies, it is called a part of it."""
    facts = clip.pick(count)
    clip.part = any(one.kind in _PLACES for one in facts)
    return facts


def _grouped(facts: Sequence[Fact], clip: Draft) -> list[list[Fact]]:
    """Facts about one thing together, at most two; what happens in the course of the clip comes last, in order of time."""
    events = sorted((one for one in facts if one.kind in _EVENTS), key=lambda one: float(one.values.get("at", 0)))
    others = sorted((one for one in facts if one.kind not in _EVENTS), key=lambda one: _TOPIC.get(one.kind, len(_TOPICS)))
    groups: list[list[Fact]] = []
    for one in others:
        last = groups[-1] if groups else []
        if len(last) == 1 and _TOPIC.get(last[0].kind) == _TOPIC.get(one.kind):
            last.append(one)
        else:
            groups.append([one])
    clip.random.shuffle(groups)
    return groups + ([events[:2]] if events else [])


def _question(clip: Draft) -> str:
    """A question about one fact with its answer, in which now and then another fact is told."""
    draw = clip.random.random
    able = [one for one in clip.facts if "ask" in one.bank]
    if not able:
        what = clip.choose(("What is this?", "What do you hear?", "What kind of clip is this?"))
        return f"{what} {_opening(clip, clip.pick(2))}"
    asked = able[int(draw() * len(able))]
    question = _capital(asked.say("ask", clip.random))
    answer = asked.say("answer", clip.random) if draw() < 0.6 else _clause(asked, clip, "it")
    others = [one for one in clip.pick(6) if one.group != asked.group and _TOPIC.get(one.kind) == _TOPIC.get(asked.kind)]
    if others and draw() < 0.5:
        more = _clause(others[0], clip, "it")
        answer += f". {_capital(more)}" if draw() < 0.5 else f"; {more}"
    if draw() < 0.3:
        return f"Q: {question} A: {_finished(answer)}"
    return f"{question} {_finished(answer)}"


def _tags(clip: Draft) -> str:
    """A comma list of what is sure, in an order of chance."""
    record, draw = clip.record, clip.random.random
    told = [clip.called[one.name] for one in clip.players[:6]]
    if told and len(record.instruments or ()) == 1:
        told[0] = f"solo {told[0]}"
    told += [name for _, name in clip.tags()[:4]]
    for one in clip.facts:
        values, kind = one.values, one.kind
        if kind == "tempo":
            told.append(values["j"])
            if clip.numbers and draw() < 0.8:
                told.append(f"{values['n']} {clip.choose(('BPM', 'beats per minute'))}")
        elif kind == "key":
            told.append(clip.choose((values["k"], values["k"], f"{values['m']} key")))
        elif kind in ("metre", "waltz"):
            told.append(clip.choose((values["f"], f"{values['f']} time", "waltz time" if kind == "waltz" else values["f"])))
        elif kind in _AS_TAGS and draw() < 0.7:
            told.append(clip.choose(_AS_TAGS[kind]))
    clip.random.shuffle(told)
    kept = list(dict.fromkeys(told))[: 5 + int(draw() * 6)]
    return ", ".join(kept) if kept else f"{clip.choose(_PIECES[:4])} of music"


_AS_TAGS = {
    "unsteady": ("changing tempo",), "mixed_metre": ("changing metre",), "swing": ("swung", "swing feel"),
    "solo": ("unaccompanied",),
    "soft": ("soft", "quiet"), "loud": ("loud",), "crescendo": ("crescendo", "growing louder"), "no_drums": ("no drums",),
    "decrescendo": ("decrescendo", "growing softer"), "sparse": ("sparse",), "dense": ("busy", "dense"),
    "single": ("monophonic", "single line"), "thick": ("full texture", "thick texture"), "low": ("low register",),
    "high": ("high register",), "legato": ("legato",), "staccato": ("staccato",), "modulation": ("key change",),
}  # fmt: skip
_FORMS = {"short": _short, "long": _long, "tags": _tags, "question": _question}

# --- Sentences ---


def _opening(clip: Draft, facts: list[Fact]) -> str:
    """A sentence that says all of these facts and what music it is about."""
    if not facts:
        return _finished(clip.choose(("{}", "this is {}", "here is {}")).format(with_article(clip.choose(_PIECES[:5]))))
    draw = clip.random.random
    who = next((one for one in facts if one.kind in _WHO), None)
    if who is not None:
        # Who is named need not be counted, nor the drums be named again.
        facts = [one for one in facts if one.kind not in ("count", "drums", "throughout", "drums_throughout")]
    rest = [one for one in facts if one is not who]
    plan = draw()
    if who is not None and rest:
        names = who.values["l"]
        verb = "play" if who.plural else "plays"
        if who.kind == "ensemble":
            plan = 0.5 + plan / 2  # "a solo piano piece" rather than "piano plays a piece"
        if plan < 0.22:
            music, left = _noun_phrase(clip, rest, pieces=_PLAYED)
            return _finished(f"{names} {verb} {music}{_added(clip, left)}")
        if plan < 0.3:
            music, left = _noun_phrase(clip, rest)
            return _finished(f"{names} in {music}{_added(clip, left)}")
        if plan < 0.35 and (front := next((one for one in rest if "front" in one.bank and one.kind not in _DEEDS), None)):
            music, left = _noun_phrase(clip, [one for one in rest if one is not front], pieces=_PLAYED)
            return _finished(f"{front.say('front', clip.random)}, {names} {verb} {music}{_added(clip, left)}")
        if plan < 0.39 and all(one.kind in _KINDS and "after" in one.bank for one in rest):
            behind = _behind([(one.kind, one.say("after", clip.random)) for one in rest], clip)
            return _finished(f"{names}{behind}")
    if plan < 0.58:
        deed = next((one for one in facts if one.kind in _DEEDS), None)
        said = deed.say("clause", clip.random) if deed else ""
        if deed is not None and len(facts) > 1 and not said.endswith(" it") and " it " not in said:
            others = [one for one in facts if one is not deed]
            music, left = _noun_phrase(clip, others, clip.choose(("this", "a", "a")))
            return _finished(f"{said} in {music}{_added(clip, left)}")
    if plan < 0.72:
        able = [one for one in facts if "predicate" in one.bank]
        before = next((one for one in facts if "adjective" in one.bank and (one is not able[0] if able else True)), None)
        told = [one for one in able if one is not before][: 1 + (draw() < 0.6)]
        if told:
            adjective = f"{before.say('adjective', clip.random)} " if before else ""
            said = _predicates(told, clip)
            left = [one for one in facts if one is not before and one not in told]
            return _finished(f"{clip.choose(('this', 'this', 'the'))} {adjective}{_piece(clip)} {said}{_added(clip, left)}")
    if plan < 0.8:
        kinds = [one for one in facts if "adjective" in one.bank and one.kind not in ("length", "ensemble")][:2]
        others = [one for one in facts if one not in kinds]
        if kinds and others and all("after" in one.bank for one in others[:3]):
            kinds.sort(key=lambda one: _BEFORE.get(one.kind, 2))
            first = _adjectives([(_BEFORE.get(one.kind, 2), one.say("adjective", clip.random)) for one in kinds])
            behind = _behind([(one.kind, one.say("after", clip.random)) for one in others[:3]], clip)
            return _finished(f"{first} music{behind}{_added(clip, others[3:])}")
    music, left = _noun_phrase(clip, facts)
    if plan < 0.88:
        music = clip.choose(_OPENINGS).format(a=music)
    return _finished(music + _added(clip, left))


def _following(clip: Draft, facts: list[Fact]) -> str:
    """A sentence about music that was introduced."""
    draw, random = clip.random.random, clip.random
    first, *others = sorted(facts, key=lambda one: one.kind != "melody")
    if not others and "alone" in first.bank:
        return _finished(first.say("alone", random))
    if first.kind in _DEEDS and len(others) == 1 and draw() < 0.6:
        # "The flute carries the melody over chords from the harp."
        place = "front" if "front" in others[0].bank else "after"
        if first.kind == "melody" and others[0].kind in _DEEDS and place in others[0].bank:
            link = " " if draw() < 0.6 else ", "
            return _finished(f"{first.say('clause', random)}{link}{others[0].say(place, random)}")
    front = next((one for one in others if "front" in one.bank and one.kind not in _DEEDS), None)
    if front is not None and first.kind in _DEEDS and draw() < 0.5:
        left = [one for one in facts if one is not front]
        return _finished(f"{front.say('front', random)}, {_clauses(clip, left)}")
    alike = len({_TOPIC.get(one.kind) for one in facts}) == 1
    if len(facts) < 3 and alike and all("predicate" in one.bank for one in facts) and draw() < 0.7:
        return _finished(f"{_subject(clip)} {_predicates(facts, clip)}")
    return _finished(_clauses(clip, facts))


def _noun_phrase(
    clip: Draft, facts: Sequence[Fact], determiner: str = "a", pieces: Sequence[str] = _PIECES
) -> tuple[str, list[Fact]]:
    """The music with what stands before and behind it, and the facts that found no place."""
    draw, random = clip.random.random, clip.random
    most_before, most_behind = 1 + (draw() < 0.55), 2 + (draw() < 0.5)
    before: list[tuple[int, str]] = []
    behind: list[tuple[str, str]] = []
    left = []
    for one in facts:
        if "adjective" in one.bank and len(before) < most_before and (draw() < 0.6 or "after" not in one.bank):
            before.append((_BEFORE.get(one.kind, 1), one.say("adjective", random)))
        elif (
            "after" in one.bank
            and len(behind) < most_behind
            and one.kind not in _APART
            and (said := _unlike(one, [told for _, told in behind], random))
        ):
            behind.append((one.kind, said))
        else:
            left.append(one)
    noun = " ".join(filter(None, (_adjectives(sorted(before)), _piece(clip, pieces))))
    noun = with_article(noun) if determiner == "a" else f"{determiner} {noun}"
    return noun + _behind(behind, clip), left


def _unlike(one: Fact, told: Sequence[str], random: Random) -> str:
    """A fact as it stands behind a noun, beginning with a word that none before it begins with; "" if there is none."""
    begun = {phrase.partition(" ")[0] for phrase in told}
    begun |= {"played", "performed"} if one.kind == "tempo" else set()  # somebody plays it already
    for _ in range(4):
        said = one.say("after", random)
        if said.partition(" ")[0] not in begun:
            return said
    return ""


def _adjectives(ranked: Sequence[tuple[int, str]]) -> str:
    """Adjectives in their order; those of one sort are set apart by commas: "a soft, lively piece"."""
    last = len(ranked) - 1
    told = [
        f"{word}," if at < last and 1 <= rank <= 3 and ranked[at + 1][0] <= 3 else word for at, (rank, word) in enumerate(ranked)
    ]
    return " ".join(told)


def _behind(phrases: Sequence[tuple[str, str]], clip: Draft) -> str:
    """Phrases behind a noun, each with its kind: who plays first, as a rule."""
    waiting = [phrase for _, phrase in sorted(phrases, key=lambda one: _BEHIND.get(one[0], 5))]
    if len(waiting) == 2 and phrases and clip.random.random() < 0.3:
        waiting.reverse()  # "in D minor for violin and cello"
    told, previous = "", ""
    for one in sorted(waiting, key=lambda one: not one.startswith("of ")):
        word = one.partition(" ")[0]
        # A list or a participle before would else draw what follows to itself.
        apart = told and (word == "from" or " and " in previous or ", " in previous or word == previous.partition(" ")[0])
        loose = word not in _PREPOSITIONS and word not in ("that", "which")
        told += f"{', ' if apart or (loose and (told or clip.random.random() < 0.4)) else ' '}{one}"
        previous = one
    return told


def _added(clip: Draft, left: Sequence[Fact]) -> str:
    """What is still to be said, behind a sentence."""
    if not left:
        return ""
    return f"; {_clauses(clip, left, 'the music')}"


def _clauses(clip: Draft, facts: Sequence[Fact], subject: str = "") -> str:
    facts = sorted(facts, key=_when)
    subject = subject or _subject(clip)
    told = [_clause(one, clip, "it" if at else subject) for at, one in enumerate(facts)]
    if len(told) > 2:
        return f"{', '.join(told[:-1])}, and {told[-1]}"
    return clip.choose((", and ", ", and ", "; ")).join(told)


def _when(one: Fact) -> tuple[bool, float]:
    """What happens comes last, in order of time."""
    return one.kind in _EVENTS, float(one.values.get("at", 0))


def _subject(clip: Draft) -> str:
    """What a sentence is about; not by the same noun twice in a row."""
    choices = [one for one in ("it", "it", "the music", f"the {clip.noun or 'piece'}") if one == "it" or one != clip.subject]
    clip.subject = clip.choose(choices)
    return clip.subject


def _clause(one: Fact, clip: Draft, subject: str) -> str:
    """A fact as a clause, or as a predicate of the music."""
    if "clause" in one.bank and ("predicate" not in one.bank or clip.random.random() < 0.6):
        return one.say("clause", clip.random)
    return f"{subject} {one.say('predicate', clip.random)}"


def _predicates(facts: Sequence[Fact], clip: Draft) -> str:
    """What the music does, in a list; not twice by the same verb if that can be helped."""
    told: list[str] = []
    for one in facts:
        verbs = {phrase.partition(" ")[0] for phrase in told}
        for _ in range(4):
            said = one.say("predicate", clip.random)
            if said.partition(" ")[0] not in verbs:
                break
        told.append(said)
    return listed(told, clip.random)


def _piece(clip: Draft, pieces: Sequence[str] = _PIECES) -> str:
    """A word for the music itself."""
    players = clip.record.instruments
    # Only of players that are all known can be told that none of them sings.
    unsung = bool(players) and not any(word in one.name for one in players or () for word in _SUNG)
    while True:
        piece = clip.choose(_PARTS if clip.part else _WHOLE if clip.whole else pieces)
        if unsung or "instrumental" not in piece:
            clip.noun = piece
            return piece


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _finished(text: str) -> str:
    return f"{_capital(text)}."
