"""How it is played, and where in its song: what the words of the lexicon and phrases around them say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from motet.text.checking.reading import INST, Assertion, Mention, Reading
from motet.text.checking.verbs import ENTERS, LEAVES

_PLAIN_MODERATE = re.compile(r"\b(?:moderate|moderately|medium|middling|steady)\b")
_REGISTER = re.compile(
    r"\b(?:(?P<a>uppermost|highest|topmost|lowest|low|high|deep|middle|bass|treble|central|squeaky high|upper|lower) (?:[a-z]+ "
    r"){0,1}?(?:register|octaves?|range|pitche[ds]?|pitch|registers|tessitura|notes)\b"
    r"|(?:very|extremely|exceptionally|unusually|remarkably|entirely|all|wholly|exclusively|impossibly|"
    r"uniformly|decidedly) (?P<c>low|high)(?= (?:[.,;:!]|and\b|indeed|up|down|in pitch|throughout|from|all|the whole)"
    r"|$)(?! (?:tempo|volume|energy|density|speed))|(?:stays?|staying|sits?|sitting|keeps?|lies|"
    r"lying|hovers?|pitched|set|placed|remains?|perched|register (?:is|stays|:)|range (?:is|:)"
    r"|nothing|far from|anything but|(?<!rate of )notes? (?:are|is)|notes so|pitches are|pitch is|up) (?:(?:very|so|"
    r"extremely|quite|rather|too|fairly|all|up|down|extraordinarily|exceptionally) ){0,2}(?P<b>low|"
    r"high)\b(?! (?:in (?:volume|energy)|energy|tempo|key|speed|volume)))"
)
_DYNAMIC_WORDS = re.compile(
    r"\b(?P<noun>volume|dynamics?|loudness|dynamic level|sound|music|intensity|level)\b(?: (?!and\b|"
    r"but\b)[a-z']+){0,3}? (?P<verb>ris(?:es|ing|e)|increas(?:es|ing|e)|grow(?:s|ing)?|mount(?:s|"
    r"ing)?|swell(?:s|ing)?|climb(?:s|ing)?|build(?:s|ing)?|fall(?:s|ing)?|decreas(?:es|ing|e)"
    r"|diminish(?:es|ing)?|reced(?:es?|ing)|drop(?:s|ping)?|sink(?:s|ing)?|shrink(?:s|ing)?|fad(?:es?|"
    r"ing)|dwindl(?:es?|ing)|wan(?:es|ing))\b"
)
_UPWARD = re.compile(r"ris|increas|grow|mount|swell|climb|build")
_COMPARED = re.compile(
    r"\b(?:gets?|getting|becom(?:es?|ing)|grow(?:s|ing)?|turn(?:s|ing)?|ever) (?:(?:[a-z]+ly|ever|much|and|even|a (?:bit|"
    r"little)) ){0,2}"
    r"(?:(?P<up>louder|noisier|stronger|bigger|mightier)|quieter|softer|fainter|weaker|hushed)\b"
)
_EIGHTHS = re.compile(
    r"\b(?:eighths?|eighth notes|quavers)(?: (?:are|is|stay|remain|being|played|all|perfectly|strictly))* "
    r"(?:(?P<swung>swung|shuffled|uneven)|even|straight)\b"
)
_FLAT = re.compile(
    r"\b(?:(?:never|not|without|hardly|barely) (?:ever )?(?:chang|vary|varie)\w* (?:in |its )?(?:volume|level|loudness|"
    r"dynamics?)|"
    r"(?:dynamics?|volume|level) ?(?::|is|are|stays?|remains?|holds?)? (?:moderate , )?(?:steady|"
    r"constant|unchanging|unchanged|even|level|flat)|never (?:gets|growing|grows) (?:louder|quieter|"
    r"softer))\b"
)
_LOOSE_GROWTH = re.compile(
    r"\b(?:grows?|growing|growing dynamic)(?= (?:all the while|steadily|throughout|in size|to a|and grow|[.,;])|$)"
)

_POSITION = re.compile(
    r"(?P<before>(?:\b(?:towards?|near|at|until|till|to|by|before|in|of|from)) (?:the )?(?:very "
    r")?)?\b(?P<w>start|beginning|opening|end|ending|close|middle|conclusion|centre|heart) of "
    r"(?:an?|the|this|its|some|that|another|[a-z]+'s) (?:(?!clip\b|excerpt\b|passage\b|recording\b|"
    r"bar\b|section\b|phrase\b|extract\b|snippet\b)[a-z0-9']+ ){0,5}?"
    r"(?P<n>song|piece|track|tune|work|number|composition|lullaby|hymn|ballad|waltz|anthem|march|symphony)\b"
)
_SONG = (
    r"(?:song|piece|track|tune|work|number|composition|lullaby|hymn|ballad|waltz|anthem|march|symphony|rag|polka|tango|score|"
    r"movement|jam|performance|story|set piece|cue|blues|chorale|sonata|raga|fanfare|tunes?|bossa|jig|reel|music)"
)
_A_SONG = (
    r"(?:an?|the|this|its|some|that|our) (?:(?!clip\b|excerpt\b|passage\b|recording\b|section\b|of\b|and\b|with\b)[a-z0-9']+ )"
    rf"{{0,4}}?{_SONG}\b(?! (?:clip|excerpt|passage|section|snippet|fragment|extract))"
)
# "The last bars of the number", "on the threshold of a song".
_PART_OF_SONG = re.compile(
    r"\b(?:(?P<opening>(?:first|opening|initial|introductory|earliest) (?:few )?(?:bars?|moments?|measures?|notes?|pages?|"
    r"strains?|riffs?|verse|chords?|"
    r"phrases?|minutes?|section|stretch|lines?|steps?|part)|outset|threshold|kick ?off)|"
    r"(?P<ending>(?:last|final|closing|concluding|dying) (?:few )?(?:bars?|moments?|measures?|notes?|pages?|strains?|phrases?|"
    r"minutes?|"
    r"section|stretch|lines?|steps?|part|gasps?)|tail(?: end)?|finish|last of(?= the song)|winding down|farewell)|"
    rf"(?P<middle>midst|thick|core|central part|middle part|middle stretch|midpoint|half way point)) of {_A_SONG}"
)
_SONGS_PART = re.compile(
    rf"\b{_SONG}'s (?:very )?(?:(?P<opening>first|opening|initial)|(?P<ending>last|final|closing|dying)) (?:few )?"
    r"(?:minutes?|bars?|moments?|measures?|section|pages?|strains?|stretch|notes?|part)\b"
)
# Said of the whole: "brings the piece to its close", "kicking off the song", "as the piece gets under way".
_SONG_GOES = re.compile(
    rf"\b(?:(?P<ending>(?:bring|draw|carr|wind|guid|lead|usher|see)(?:s|ies|ing|y)? (?:{_A_SONG}|things|it all|proceedings) "
    r"(?:to (?:an?|its|the|their) (?:[a-z]+ )?(?:close|end|ending|conclusion|rest|finish|halt)|home|out|down)|"
    rf"(?:clos|conclud|finish|end|wrap|round)(?:e?s|ing) (?:(?:up|off|out) )?{_A_SONG}|"
    rf"(?:wrap|round|sign|see|play|wind)(?:s|ping|ing)? (?:up|off|out) {_A_SONG}|"
    rf"{_SONG} (?:bids (?:us )?(?:farewell|goodbye|adieu)|says (?:goodbye|farewell)|takes its leave|signs off|"
    r"(?:nears|is nearing|approaches|reaches|comes to|draws to|is drawing to|has reached|is coming to|is at|meets|finds) "
    r"(?:(?:its|an?) )?"
    r"(?:finish|end|close|conclusion|ending|last|halt|rest)|is (?:almost |nearly |about to be )?(?:over|finishing)|winds "
    r"(?:itself )?(?:up|"
    r"down)|is winding down|is about to end|is on its (?:way out|last legs)|bows out|finishes|concludes|closes(?! in| with))|"
    r"curtain (?:falls|comes down|drops))|"
    rf"(?P<opening>(?:kick|open|launch|start|set|begin|lead)(?:e?s|ing|ning|ting)? (?:off |into )?{_A_SONG}|"
    rf"(?:kick|start|set|lead)(?:s|ing|ting)? {_A_SONG} (?:off|going|in motion|rolling|under way)|"
    rf"{_SONG} (?:is (?:only |just |barely )*(?:getting|starting|setting)|(?:only |just |barely )*(?:gets|sets)) (?:under ?way|"
    rf"going|"
    r"started|off|out|off the ground|in motion|rolling)|curtain (?:goes up|rises|lifts|opens)|"
    rf"{_SONG} (?:kicks off|sets off|strikes up|begins its journey)|"
    r"(?:as|where) (?:the|this|an?) (?:[a-z]+ )?(?:song|track|work|number|hymn|march|waltz) (?:opens|begins|starts)))\b"
)
# "Right at the beginning of the score: …", of the song and of no player's time.
_AT_START = re.compile(
    r"(?:^|[.;:!?] )(?:(?:we|you|this|it|here|i)(?: [a-z']+){0,3} )?(?:right |just |somewhere )?(?:at|near|towards?|in|from) "
    r"the (?:very )?"
    rf"(?:(?P<opening>start|beginning|opening|outset)|(?P<ending>end|close|finish|ending|conclusion)|(?P<middle>middle|heart|"
    rf"centre|thick)) of {_A_SONG}"
)
_POSITION_VERB = re.compile(
    r"\b(?:(?:song|piece|track|tune|lullaby|hymn|work|number|ballad|march|waltz) (?P<e>is ending|"
    r"ends|draws to a close|comes to an end)|as an (?P<f>ending|opening) should|(?P<g>ends|closes|"
    r"concludes|opens|begins) (?:the|a|this|an) (?:[a-z]+ )?(?:song|piece|track|tune|work|number)"
    r"|(?:song|piece|track|lullaby|hymn|tune)'s (?P<h>ending|end|close|opening|beginning|middle|"
    r"start)|^ ?(?P<i>opening|ending|middle) of (?:a|the) (?:song|piece|track))\b"
)
_ENDING = ("end", "ending", "close", "conclusion")
_REPEATS = re.compile(
    r"\b(?:returns|recurs|comes back|reappears|is repeated|repeats|appears|heard again|comes|one "
    r"that returns) (?:again )?elsewhere\b"
)

_CHORUS = re.compile(
    r"\b(?:with|is|there's|in|of|through|heavy|lush|some|and|, a|deep|by|shimmering|adds?|a|added|thick) "
    r"(?:[a-z]+ )?(?P<e>chorus)(?= (?:on|and|effect|,|\.|to|in|added|flanger)|$)"
)
_ON_INST = re.compile(
    rf"(?: (?:effect|pedal|unit|has been|is|are|applied|added|put|placed|[a-z]+)){{0,4}}?(?: and "
    rf"(?:[a-z]+ )?[a-z]+)? (?:on|to|colours|colors|over|accompanies) (?:the |its |a |an |[a-z]+ "
    rf")?(?P<who>{INST})"
)
_WITH = re.compile(
    rf"(?P<who>{INST})(?: ,)?(?: (?!and\b)[a-z'-]+){{0,6}}? (?:with|in|through|via|of|by|to|a|an|"
    rf"has|bears?|carries|using|under|from)(?: [a-z-]+){{0,3}}$"
)

# "from sparse to dense", "between fast and slow" say neither.
_RANGE = re.compile(r"\b(?:between|from|scale of) (?:[a-z]+ )?@  ?(?:to|and) [a-z]+|\b(?:between|from) [a-z]+ (?:to|and) @ ")
# What a word of mood says of a tempo that it stands before.
_MOOD_TEMPOS = {
    **dict.fromkeys(
        ("relaxed", "relaxing", "laid back", "easygoing", "mellow", "calm", "gentle", "chill", "sedate"), ("slow", "moderate")
    ),
    **dict.fromkeys(
        (
            "lively",
            "energetic",
            "spirited",
            "vigorous",
            "animated",
            "upbeat",
            "bouncy",
            "cheerful",
            "frenetic",
            "furious",
            "frantic",
            "exciting",
            "frenzied",
        ),
        ("up",),
    ),
}
# Words that may be meant of something else than a mood.
_ALSO: dict[str, tuple[tuple[str, Any], ...]] = {
    "gentle": (("level", ("soft", "")),), **dict.fromkeys(("lively", "upbeat", "driving"), (("tempo", "up"),)),
    "energetic": (("tempo", "fast"), ("level", ("loud", ""))), "leisurely": (("tempo", "moderate"),),
    "easygoing": (("tempo", "moderate"),), "intense": (("level", ("loud", "")), ("change", "crescendo")),
}  # fmt: skip

_LOCAL = re.compile(r"\b(?:opens?|starts?|begins?|ends?|closes|initially|at first)(?: [a-z]+){0,3} $")

# "Slowly grows", "quickly joined by": a rate of change, and no tempo.
_CHANGES = re.compile(
    r" (?:and (?:steadily|surely|gradually) )?(?:but surely|(?:grow|build|get|gett|becom|swell|fad|ris|increas|intensif|gain|"
    r"gather|unfold|add|join|enter|fill|com|follow|develop|emerg|turn|fall|ebb|reced|introduc|din|diminish|drop|reach|chang|"
    r"evolv|brighten|darken|expand|dwindl|creep|bring|layer|accumulat|die|dy|leav|vanish|disappear|giv|open|rais|lower|soften|"
    r"establish|settl|tak|los|blossom|mount)(?:ies|ied|es|s|ing|ed|e|ning|ping)?\b|louder|softer|quieter)"
)
_CHANGED = re.compile(
    r"\b(?:grow|build|swell|fad|ris|unfold|join|enter|follow|develop|emerg|fall|ebb|chang|evolv|expand|appear|arriv|"
    r"come|comes|coming|dies|gets|getting)(?:es|s|ing|ed|e)?(?: (?:in|up|out|away|on|down|louder|quieter|softer))? (?:very )?$"
)
_SYMBOL = re.compile(r"[A-G][b#]?m")  # a chord, as it is written

# Instruments whose own register says nothing of the whole clip's.
_LOW = {
    "bass",
    "cello",
    "tuba",
    "bassoon",
    "timpani",
    "bass clarinet",
    "baritone saxophone",
    "trombone",
    "acoustic bass",
    "synth bass",
}
_HIGH = {"flute", "piccolo", "violin", "glockenspiel", "celesta", "music box", "tin whistle", "recorder"}


def _own_register(reading: Reading, which: str, begin: int) -> bool:
    """Whether a register may be that of one instrument of several: a low cello beside a flute."""
    named = {reading.kind_of(one) for one in re.findall(INST, reading.line)}
    here = {reading.kind_of(one) for one in re.findall(INST, reading.part(begin))}
    # "The bassist, the low notes".
    if not here and (who := re.search(rf"({INST}) , (?:[a-z]+ ){{0,2}}$", reading.line[max(0, begin - 40) : begin])):
        here = {reading.kind_of(who[1])}
    return len(named) > 1 and len(here) == 1 and bool(here & {"low": _LOW, "high": _HIGH}.get(which, set()))


def _qualified(reading: Reading, mention: Mention) -> bool:
    """Whether another known word stands before, which a denial may mean alone."""
    return any(other.last == mention.first and not other.means("genre") for other in reading.mentions)


def words(reading: Reading) -> Iterator[Assertion]:
    """What single words and phrases of the lexicon say."""
    line = reading.line
    for mention in reading.mentions:
        if mention.means("instrument"):
            continue
        begin = reading.at_token(mention.first)
        end = reading.at_token(mention.last - 1) + 1
        end = line.find(" ", end)
        end = len(line) if end < 0 else end
        text = " ".join(token.word for token in reading.tokens[mention.first : mention.last])
        before, after = line[max(0, begin - 40) : begin], line[end : end + 40]
        if reading.supposed(begin):
            continue
        meanings: list[tuple[str, Any]] = [*mention.meanings]
        first = reading.tokens[mention.first]
        if text.startswith("waltz") or (not mention.means("swing") and re.match(r" (?:like|ish|esque)\b", after)):
            continue
        if mention.means("mood") and re.match(
            r" (?:crescendo|decrescendo|diminuendo|swell|build|rise|fade|climb|growth)\b", after
        ):
            continue
        if text.endswith("ly") and mention.means("tempo") and (_CHANGES.match(after) or _CHANGED.search(before)):
            continue
        if mention.means("genre") and _SYMBOL.fullmatch(reading.caption, first.start, reading.tokens[mention.last - 1].end):
            continue
        if text in ("quietly", "softly") and re.match(r" (?:behind|under|underneath|beneath|below|in the background)\b", after):
            continue
        if mention.means("level") and re.search(rf"{INST} (?:[a-z]+ )?(?:goes|go|falls?|going|falling) $", before):
            continue
        if mention.means("tempo") and re.match(
            r" (?:build|burn|crescendo|swell|fade|but sure|motion|attack|decay|release)", after
        ):
            continue
        if text in ("romantic",):
            meanings.append(("era", "romantic"))
        if text in ("classical",):
            meanings.append(("era", "classical"))
        if text in ("lively", "upbeat", "driving"):
            meanings.append(("tempo", "lively"))
        if mention.means("region"):
            if not reading.caption[first.start].isupper():
                continue
            meanings.append(("era", mention.means("region")))
        if mention.means("genre") or mention.means("mood"):
            meanings += [("tag", text)]
        if mention.means("genre") and mention.means("genre") != text and not reading.denied(begin):
            meanings.append(("genre", text))
        if mention.means("genre") and re.match(
            r" (?:voicings?|licks?|runs?|chords?|harmon\w+|(?:seventh|ninth) chords?|atmosphere)\b", after
        ):
            continue
        # "No fast flamenco" is a flamenco; "a cappella" is denied by who plays.
        if mention.means("genre") and reading.denied(begin) and (text.startswith("a cap") or _qualified(reading, mention)):
            continue
        if text == "spare" and re.match(r" (?:us|me|you|them|him|her|a thought|the|no)\b", after):
            continue
        # "Strings swell up at the half" is how they enter.
        if text.startswith("swell") and re.match(r" (?:up|in|into)\b", after) and re.search(rf"{INST} $", before):
            continue
        if text.startswith("club") and re.search(r"\b(?:jazz|folk|blues|cabaret|supper|night) $", before):
            continue
        if mention.means("mood") and re.match(r" (?:tempo|pace|speed|#\d+|clip|beat|pulse)\b", after):
            meanings += [("tempo", one) for one in _MOOD_TEMPOS.get(text, ())]
        meanings += _ALSO.get(text, ())
        if text in ("furious", "frantic", "frenzied", "wild") and re.match(
            rf" (?:[a-z]+ )?(?:{INST}|strumm|runs|passage)", after
        ):
            meanings += [("tempo", "fast"), ("density", "dense")]  # "a furious drum pattern"
        if text in ("slow", "slowly") and re.search(r"\b(?:starts?|begins?|opens?)(?: (?:out|off))? $", before):
            meanings.append(("tempo_change", "faster"))
        if _RANGE.search(f"{before}@ {after}"):
            continue
        if mention.means("mood") and re.match(r" (?:@|bass@)", after) and text in ("dark", "bright", "warm", "sweet"):
            continue
        if re.match(r" (?:footed|fingered|witted|handed|spoken|hearted|talking|thinking|tongued|blooded|born)\b", after):
            continue
        if text in ("fast",) and re.match(r" (?:forward|food|track)", after):
            continue
        if text in ("loud",) and after.startswith(" and clear"):
            continue
        if text == "straight" and (
            re.match(r" (?:from|out|away|ahead|after|into|through|in|to|at|up|off|on|down|line|faced|forward|for|back)\b", after)
            or re.search(
                r"\b(?:go|goes|come|comes|head|heads|going|set|sets|jumps?|dives?|launche?s?|moves?|leads?|cuts?|get|gets) $",
                before,
            )
        ):
            continue
        if text in ("swing", "swings") and re.search(r"\b(?:full|mood|of a|back|into) $", before):
            continue
        if text in ("echoes", "echo", "echoing") and re.match(r" (?:@|of|the|each|that)", after):
            continue
        if (
            text in ("delay", "delayed")
            and re.search(r"\b(?:without|no|the) $", before)
            and not re.match(r" (?:on|and|effect|pedal)", after)
        ):
            continue
        if text in ("quick", "quickly") and re.search(r"\b(?:a|and) $", before) and re.match(r" (?:word|look|listen)", after):
            continue
        if text in ("key", "keys", "swell") and "key" in before:
            continue
        if text in ("rock",) and re.match(r" (?:solid|steady|bottom)", after):
            continue
        if text in ("metal",) and re.search(r"\b(?:pedal to the) $", before):
            continue
        if (register := mention.means("register")) and _own_register(reading, register, begin):
            continue
        if mention.means("effect"):
            yield from _effect(reading, mention, begin, end)
            continue
        if level := mention.means("level"):
            phase = ""
            if re.match(
                r" (?:at first|at the (?:start|outset|beginning)|to begin|start|opening|beginning|initially)", after
            ) or re.search(r"\b(?:starts?|begins?|beginning|starting|from|opens?)(?: \w+)? $", before):
                phase = "start"
            elif re.search(r"\b(?:ends?|ending|finishes|finish|closes)(?: \w+)? $", before) or re.match(
                r" (?:at the end|ending|close)", after
            ):
                phase = "end"
            meanings = [("level", (level, phase))]
        if mention.means("density") and (_LOCAL.search(before) or re.match(r" at first\b", after)):
            continue
        if (density := mention.means("density")) and re.match(
            r" (?:line up|lineup|instrumentation|ensemble|orchestration|scoring|arrangement|setting|accompaniment)\b", after
        ):
            meanings.append(("most", 3) if density == "sparse" else ("least", 5))
        if mention.means("genre") and text == "electronic" and re.match(rf" (?:sounds?|instruments?|percussion|{INST})", after):
            continue
        if mention.means("density") and text in ("thin", "crowded") and "texture" not in line:
            continue
        if (
            mention.means("position")
            and re.search(r"\b(?:in|during|after) the $", before)
            and text in ("opening bars", "final bars", "closing bars")
        ):
            continue
        if mention.means("articulation") and text in ("pizzicato",):
            continue
        if mention.means("articulation"):
            strict = bool(
                re.search(
                    r"\b(?:entirely|wholly|purely|exclusively|perfectly|all|every|strictly|completely|nothing but) (?:\w+ )?$",
                    before,
                )
                or re.match(r"(?: \w+)? (?:throughout|without exception)", after)
            )
            meanings = [("articulation", (mention.means("articulation"), strict))]
        # "There is no drummer in this country band" denies no genre.
        told = reading.denied(begin) and not any(
            low <= begin < high and re.search(INST, line[low:begin]) and not re.search(r" (?:or|nor) ", line[low:begin])
            for low, high in reading.denials
        )
        yield reading.made(meanings[0][0], tuple(meanings), begin, end, said=not told)


def _effect(reading: Reading, mention: Mention, begin: int, end: int) -> Iterator[Assertion]:
    """An effect, on an instrument where the words say which."""
    line = reading.line
    _, stop = reading.sentence(begin)
    start, _ = reading.sentence(begin)
    who = ""
    effect = mention.means("effect")
    if (
        (
            match := re.search(
                rf"(?P<who>{INST}) (?:[a-z]+ )?(?:with|through|in) (?:an? |its |some )?(?:[a-z]+ )?$", line[start:begin]
            )
        )
        or (match := re.search(rf"(?P<who>{INST})(?: 's)? (?:[a-z]+ and )?$", line[start:begin]))  # "the organ's rotary speaker"
        or (
            (match := re.match(rf" (?:[a-z]+ )?(?P<who>{INST})", line[end:stop]))
            and not re.match(r" (?:and|on|over|with|while|the|a|in)\b", line[end:stop])
        )
        or (match := _ON_INST.match(line, end, min(stop, end + 80)))
        or (match := _WITH.search(line[max(start, begin - 70) : begin].rstrip()))
    ):
        who = reading.kind_of(match["who"])
    yield reading.made("effect", (("effect", (effect, who)),), begin, end)


def manner(reading: Reading) -> Iterator[Assertion]:
    """Register, dynamics and density in phrases."""
    line = reading.line
    for match in _PLAIN_MODERATE.finditer(line):
        after = line[match.end() : match.end() + 40]
        before = line[max(0, match.start() - 25) : match.start()]
        word = match.group()
        if re.match(r" (?:[a-z]+ ){0,1}?(?:tempo|pace|speed|clip|#\d+|pulse|beat)", after) or re.search(
            r"\b(?:tempo|pace|speed)(?: :| is| stays)? (?:a )?$", before
        ):
            meanings: tuple[tuple[str, Any], ...] = (("tempo", "moderate"),)
        elif re.match(r" (?:in )?(?:density|texture)", after):
            meanings = (("density", "moderate"),)
        elif re.match(r" (?:in )?(?:volume|dynamics?|level|loudness)", after) or re.search(
            r"\b(?:dynamics?|volume|level)(?: :| is| are)? $", before
        ):
            meanings = (("level", ("moderate", "")),)
        elif re.match(r" (?:in )?(?:tempo|pace|speed)", after):
            meanings = (("tempo", "moderate"),)
        elif re.match(r" (?:in )?(?:register|range)", after) or re.match(
            r" (?:[a-z]+ )?(?:role|detail|amount|success|length|size)", after
        ):
            continue
        else:
            meanings = (("tempo", "moderate"), ("density", "moderate"), ("level", ("moderate", "")), ("register", "middle"))
        if word == "moderately" and not re.match(r" (?:paced|[.,;:]|$)", after):
            continue
        if word == "steady" and re.match(r" (?:piece|recording|passage|track|music|clip|excerpt|tune|number|song)\b", after):
            even: tuple[tuple[str, Any], ...] = (("steady", True), ("change", "steady"))
            yield reading.made("tempo_word", even, match.start(), match.end())
        if word != "steady":
            inside = any(
                m.first <= reading.short[reading.place(match.start())][1] < m.last and not m.means("genre")
                for m in reading.mentions
            )
            if not inside:
                yield reading.made(meanings[0][0], meanings, match.start(), match.end())
    for match in _REGISTER.finditer(line):
        word = match["a"] or match["b"] or match["c"]
        if match["c"] and re.search(
            r"\b(?:tempo|pace|speed|volume|energy|rate|density)\b[^.;]{0,25}$", line[max(0, match.start() - 40) : match.start()]
        ):
            continue
        which = (
            "low" if word in ("low", "lowest", "deep", "bass", "lower") else "middle" if word in ("middle", "central") else "high"
        )
        if match["a"] and re.search(r"\b(?:long|short) $", line[max(0, match.start() - 8) : match.start()]):
            continue
        if _own_register(reading, which, match.start()):
            continue
        yield reading.made("register", (("register", which),), match.start(match.lastgroup or 0), match.end())
    for match in re.finditer(
        r"\b(?:(?:baritone|tenor|cellar|basement|(?:bass)?@\d+|[a-z]+ingly|[a-z]+ily) (?P<low>low)|(?:piccolo|soprano|treble|sky|"
        r"[a-z]+ingly|[a-z]+ily|flute|@\d+) high)(?= (?:on|throughout|and|in|[.,;:])|$)(?! in (?:volume|energy))",
        line,
    ):
        if not re.search(r"\b(?:tempo|pace|speed|volume|energy|rate)\b", reading.part(match.start())):
            which = "low" if match["low"] else "high"
            if "@" in match.group() or not _own_register(reading, which, match.start()):
                yield reading.made("register", (("register", which),), match.start(), match.end())
    for match in re.finditer(
        r"(?:^ ?|[.;] |\b(?:slow|soft|quiet|sparse|dark|deep|loud|fast|light|bright|thin|airy) and )(?P<w>low|high)"
        r"(?= and [a-z]+ [,.;]| [,.;])(?! and (?:behold|mighty|dry))",
        line,
    ):
        if not _own_register(reading, match["w"], match.start("w")):
            yield reading.made("register", (("register", match["w"]),), match.start("w"), match.end())
    for match in re.finditer(r"\bbass@\d+ (?:register|range|stave)\b", line):
        yield reading.made("register", (("register", "low"),), match.start(), match.end())
    for match in _DYNAMIC_WORDS.finditer(line):
        if (
            match["noun"] in ("sound", "music")
            and not re.search(r"loud|quiet|soft", line[match.end() : match.end() + 12])
            and not re.match(r"fad|swell|dwind", match["verb"])
        ):
            continue
        if re.match(r" (?:above|beyond|past|below)\b", line[match.end() :]):
            continue  # "never rises above soft" is a level
        rising = bool(_UPWARD.match(match["verb"]))
        never = bool(re.search(r" (?:never|not|hardly|barely|scarcely|doesn't|don't)\b", match.group())) or None
        if re.match(r" (?:loud|quiet|soft|faint)", line[match.end() :]):
            rising = bool(re.match(r" loud", line[match.end() :]))
        change = "crescendo" if rising else "decrescendo"
        yield reading.made("dynamics", (("change", change),), match.start(), match.end(), said=not never if never else None)
    for match in _COMPARED.finditer(line):
        change = "crescendo" if match["up"] else "decrescendo"
        if not re.match(r" than\b", line[match.end() :]):
            yield reading.made("dynamics", (("change", change),), match.start(), match.end())
    for match in _EIGHTHS.finditer(line):
        which = "swung" if match["swung"] else "straight"
        yield reading.made("swing", (("swing", which),), match.start(), match.end())
    for match in re.finditer(
        r"\b(?:up|high|stays?|remains?|set|lies) (?:up )?in the (?P<high>treble|top)|(?:deep|down|"
        r"low) in the bass(?:@\d+)?(?![^ ])",
        line,
    ):
        yield reading.made("register", (("register", "high" if match["high"] else "low"),), match.start(), match.end())
    for match in _FLAT.finditer(line):
        said = True if match.group().startswith(("never", "not", "without")) else None
        yield reading.made("dynamics", (("change", "steady"),), match.start(), match.end(), said)
    for match in _LOOSE_GROWTH.finditer(line):
        yield reading.made("dynamics", (("change", "crescendo"),), match.start(), match.end())
    for match in re.finditer(
        r"\b(?:only|just|barely|hardly more than|no more than|little more than) (?:a|an odd|the odd|#\d+|one)(?: odd|"
        r" single)? notes? "
        r"(?:now and (?:then|again)|here and there|at a time)\b|"
        r"\b(?:a|one) notes? every (?:#\d+ )?(?:other )?seconds?\b|\bsparing with (?:its |the )?notes\b|"
        r"\bbarely (?:plays?|playing)\b|\balmost nothing happens\b|\bhardly (?:plays?|playing)\b",
        line,
    ):
        yield reading.made("density", (("density", "sparse"),), match.start(), match.end())
    for match in re.finditer(r"\brate of notes is (high|low)\b", line):
        yield reading.made("density", (("density", "dense" if match[1] == "high" else "sparse"),), match.start(), match.end())


def sections(reading: Reading) -> Iterator[Assertion]:
    """Which part of the song it is."""
    line = reading.line
    for match in _POSITION.finditer(line):
        begin = match.start("w")
        if match["before"] and re.match(r"(?:towards?|near|until|till|to|by|before|at)\b", match["before"]):
            continue
        where = "ending" if match["w"] in _ENDING else "middle" if match["w"] in ("middle", "centre", "heart") else "opening"
        yield reading.made("position", (("position", where),), begin, match.end())
    for match in _POSITION_VERB.finditer(line):
        if match["g"] and re.search(rf"{INST}(?: alone)? $", line[: match.start()]):
            continue
        text = next(one for one in (match["e"], match["f"], match["g"], match["h"], match["i"]) if one)
        where = "opening" if re.match(r"open|begin|start", text) else "middle" if text == "middle" else "ending"
        if match["e"] == "ends" and re.search(r"\bbefore\b", line[max(0, match.start() - 20) : match.start()]):
            continue
        yield reading.made("position", (("position", where),), match.start(), match.end())
    for match in re.finditer(
        rf"\b{_SONG} (?:is|has) (?:only |just |barely ){{1,2}}(?:starting|beginning|begun|started)\b",
        line,
    ):
        yield reading.made("position", (("position", "opening"),), match.start(), match.end())
    for pattern in (_PART_OF_SONG, _SONGS_PART, _AT_START, _SONG_GOES):
        for match in pattern.finditer(line):
            begin, (first, stop) = match.start(), reading.sentence(match.start("opening" if match["opening"] else 0))
            # "The piece ends" may be the clip.
            if reading.supposed(begin) or re.match(
                r"(?:music|piece|cue|performance|story|jam|score) (?:finishes|concludes|closes|kicks|sets|is over)", match.group()
            ):
                continue
            # What an instrument opens or closes is told of its time.
            if pattern is _SONG_GOES and re.search(rf"{INST}(?: (?!,)[a-z]+)? $", line[:begin][-30:]):
                continue
            if pattern is not _SONG_GOES and (
                re.search(f"{ENTERS}|{LEAVES}", line[first:begin] + line[match.end() : stop])
                if pattern is _AT_START
                else re.search(
                    r"\b(?:at|near|towards?|until|till|by|before|after|during|for|from|over|to|in) (?:the )?(?:very )?$",
                    line[:begin][-20:],
                )
            ):
                continue
            where = "opening" if match["opening"] else "ending" if match["ending"] else "middle"
            meanings = (("position", where), ("position", "whole")) if pattern is _SONG_GOES else (("position", where),)
            yield reading.made("position", meanings, begin, match.end())
    for match in _REPEATS.finditer(line):
        yield reading.made("position", (("repeats", True),), match.start(), match.end())


def effects(reading: Reading) -> Iterator[Assertion]:
    """Effects in phrases."""
    line = reading.line
    for match in _CHORUS.finditer(line):
        mention = Mention(0, 0, (("effect", "chorus"),))
        yield from _effect(reading, mention, match.start("e"), match.end("e"))
    for match in re.finditer(r"\bno effects?\b(?! (?:on|other|besides|apart|except|but))|\bwithout (?:any )?effects?\b", line):
        yield reading.made("effect", (("no_effects", True),), match.start(), match.end(), said=True)
