"""Which keys, modes and chords."""

from __future__ import annotations

import re
from collections.abc import Iterator

from motet.text.checking.reading import Assertion, Reading

_NOTE = re.compile(
    r"(?<![A-Za-z'’#♭♯])(?<![A-Za-z]&)(?P<tonic>[A-G])(?:(?P<acc>[#♯♭]|b(?![a-z])|b(?=(?:maj|min|m|dim|aug|sus|add)(?:\d|"
    r"\b)))|[ -](?P<accword>flat|sharp)(?!ly)\b)?"
    r"(?:(?P<sym>(?:maj|min|m|M(?=\d)|dim|aug|sus|add|°|ø|\+)?\d{0,2}(?:sus[24]|b5|#5|b9|#9|maj7|add9)?)(?![A-Za-z\d]))"
    r"(?P<rest>(?:[ -](?:major|minor|dominant|diminished|half-diminished|augmented|suspended|seventh?|"
    r"seven|ninth|nine|sixth|six|power|fifth|eleventh|thirteenth|maj|min)(?![A-Za-z]))*)"
    r"(?:/[A-G][b#♭♯]?(?![A-Za-z]))?"
)
# "A major step": at the start of a sentence, before a noun, it is an article.
_ARTICLE = re.compile(r"(?:^|[.!?;]\s*[\"“‘']?|[\"“])$")
_NO_NOUN = re.compile(r"\s*(?:$|[^\w\s]|(?:is|as|at|and|in|with|throughout|to|then|chords?|for|from|or|but|tonality)\b)")
_CHORD_BEFORE = re.compile(
    r"\b(?:(?:begin|start|open|set|sett|end|clos|land|rest|resolv|conclud|finish|mov|go|pass|lead|chang|gives? way|giving way|"
    r"return|progress|follow|preced|head|travel|com|sound|alternat|turn|swing|drift|slid|step)(?:s|es|ed|ing|e|ning)?"
    r"(?: (?:out|off|on|back|away|things))?) (?:on|with|from|by|to|towards?|via|through|and|between|over|at)(?: an?| the)? $"
    r"|\b(?:on to|towards?|via|followed by|gives way to|giving way to) (?:an? |the )?$"
)
_CHORD_AFTER = re.compile(
    r"\s+(?:gives? way|giving way|moves?|goes|leads?|leading|passes|(?:is|are) (?:then )?(?:followed|answered|succeeded)|yields|"
    r"resolves|resolving|opens|turns|changes|comes (?:first|next|before|after)|sounds|starts|begins|alternates|precedes|"
    r"follows)\b"
)
_PITCH = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MODE = re.compile(
    r"\b(?P<mode>major|minor)\b(?= (?:key\b|mode|tonality|scale|in (?:mode|key|tonality)|keys|"
    r"harmon|sounding|chords? progression|key progression|feel|flavou?r|tinged|side)|s? ?(?:[.,"
    r";:)(]|$)| (?:and|at|with|nor|or)\b)"
)
# No record tells these: a key there is major or minor.
_CHURCH = re.compile(r"\b(?:dorian|phrygian|lydian|mixolydian|locrian)\b")
_MODE_BEFORE = re.compile(
    r"(?:^|[.,;:(] |\b(?:in|in an?|neither|nor|not|mode is|mode :|key :|tonality :|is|and|its|"
    r"or|a|the|mode|thoroughly|resolutely|firmly|decidedly|it's|nor|but) )$"
)


_LEADS_TO = re.compile(
    r"\s*(?:–|—|-|->|→|>|,? ?(?:and )?(?:on |back |next )?(?:then |home )?(?:back |on |home )?(?:to|through|via|into)|"
    r"(?: (?:the |its )?(?:chords?|harmony|progression|music|it))? (?:moves?|goes|travels?|passes|steps?|shifts?)(?: on)? to|"
    r"(?: first| on first)? to|,? ?(?:and )?(?:afterwards?|after that|finally|from there|thence|at last|lastly) (?:on )?(?:to|"
    r"comes?)|"
    r",? ?(?:and )?(?:then|next)(?: comes?)?|,? ?(?:which |that |and )?(?:then )?(?:yields|gives way|leads|goes|moves|turns|"
    r"passes|"
    r"resolves|falls|rises|drops|changes|steps|slides|proceeds)(?: on)?(?: in)? ?to|,? ?(?:is )?followed by)(?: an?)?\s*"
)
_IN_ORDER = re.compile(
    r"\border\b|\bprogression\b|\bsequence\b|\bcycl(?:e|es|ing)\b|\bin turn\b|\bloop(?:s|ing|ed)?\b|\bsuccession\b|\brotat"
)


def keys_and_chords(reading: Reading) -> Iterator[Assertion]:
    """Notes named, as a key or as chords by what stands around them."""
    caption = reading.caption
    notes = []
    for match in _NOTE.finditer(caption):
        tonic, accidental = match["tonic"], (match["acc"] or match["accword"] or "")
        sym, rest = match["sym"] or "", (match["rest"] or "").lower().replace("-", " ").strip()
        before, after = caption[max(0, match.start() - 30) : match.start()], caption[match.end() : match.end() + 25]
        bare = not accidental and not sym and not rest
        if bare and (
            re.match(r"-[a-z]|[ -](?:section|part|theme|strain|form|side|list|grade|minus|plus)\b", after)
            or re.search(
                r"\b(?:sections?|parts?|form|themes?|strains?|labels?|labelled|side|plan|letters?|vitamin|"
                r"grade|group|class):? (?:\(?[A-G](?:,| and|-|–|,? then| to| or)? ?)*$",
                before,
            )
        ):
            continue
        if bare and tonic == "A":
            listed = re.match(r"\s*(?:[,–—/&.;:)-]|and\b|to\b|$)", after) or re.search(
                r"(?:[–/-]\s*|\bin |chords? |, |and |\bto |on )$", before
            )
            if not listed or (
                re.match(r"\s*[a-z]*\s*[a-z]", after)
                and not re.match(r"\s*(?:[,–—/&.;:)-]|and\b|to\b|are\b|is\b|returns\b)", after)
            ):
                continue
            if re.match(r"\s*:", after):
                continue
        if (
            tonic == "A"
            and not accidental
            and not sym
            and (
                (re.match(r"-(?!flat|sharp)", after) and not rest.startswith(("major", "minor")))
                or (re.match(r"[ -]key\b", after) and not re.search(r"\w ?$", before))
            )
        ):
            continue
        if tonic == "A" and _ARTICLE.search(before) and (rest or accidental) and not sym and not _NO_NOUN.match(after):
            continue
        if (
            tonic == "A"
            and not accidental
            and not sym
            and rest
            and not re.match(r"(?:major|minor|dominant|dim|aug|half|sus)", rest)
            and not re.match(r"\s*(?:chord|[,.;)–—]|and\b|to\b|$)", after)
        ):
            continue
        # "A flat-footed", "a sharp-eared": two words in one.
        if match["accword"] and re.match(r"-[a-z]+(?:ed|er|ing|y)\b(?<!based)(?<!centred)(?<!centered)(?<!rooted)", after):
            continue
        if bare and re.match(r"[:'’.]\s*[A-Za-z]?", after) and re.match(r"[:'’]", after):
            continue
        if re.match(r"\s*(?:clarinet|trumpet|sax|horn|tuba|cornet|instrument|harmonica|soprano|tenor|alto|string|clef)", after):
            continue
        # "C over E": a chord and its bass; "a major-mode tune": no key of A.
        if bare and (re.search(r"\b[A-G][#b♯♭]?(?:m|maj)?7? over $", before) or re.match(r" in the bass\b", after)):
            continue
        if (
            tonic == "A"
            and not accidental
            and rest
            and re.match(r"-(?:mode|key|tinged|sounding)", after)
            and _ARTICLE.search(before)
        ):
            continue
        if bare and re.search(r"\b(?:middle|low|high|top|open|bottom|concert)[ -]$", before):
            continue
        if (digits := re.search(r"\d+", sym)) and digits.group() not in ("2", "4", "5", "6", "7", "9", "11", "13", "69"):
            continue
        if re.search(r"\brelative (?:of|to|major of|minor of|major,?|minor,?) (?:the )?$", before):
            continue
        if (
            rest.startswith(("major", "minor"))
            and re.match(r"\s+(?:detail|role|hit|part\b|change|setback|scale\b)", after)
            and tonic == "A"
            and not accidental
        ):
            continue
        if bare and (re.search(r"[\w]['’]$", before) or re.match(r"\s+in r&b\b", after, re.IGNORECASE)):
            continue
        pitch = (_PITCH[tonic] + {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}.get(accidental, 0)) % 12
        mode = (
            "minor"
            if rest.startswith("min") or sym == "m" or sym == "min"
            else "major"
            if rest.startswith("maj") or sym in ("maj", "M")
            else ""
        )
        notes.append((match, pitch, f"{sym} {rest}".strip(), mode, bare))
    for number, (match, pitch, quality, mode, bare) in enumerate(notes):
        start, end = match.span()
        before, after = caption[max(0, start - 45) : start].lower(), caption[end : end + 40].lower()
        near = [
            other
            for other in (number - 1, number + 1)
            if 0 <= other < len(notes) and _linked(caption, notes[other][0].span(), (start, end))
        ]
        sentence = _sentence_of(caption, start)
        plain = not re.search(r"\d|sus|dim|aug|sev|nin|six|pow|fif|add", quality)
        keyish = plain and bool(
            re.search(
                r"(?:\bin|\bkey of|\bkey is|\bkey[:,]?|\bkey rises to|\btonic,?|\btonality of|\bkey changes "
                r"to|\bmodulat\w+ to|\bmodulates to|\bkey \w+ to|\blift to|\bin the key of|\bvisits|\bback "
                r"to|\bdominant \(|\bseconds of) (?:the key of )?$",
                before,
            )
            or re.match(r"\s*(?:is the key|as (?:the|its) key|key\b|tonality|returns|is the tonic|in key)", after)
        )
        chordish = (
            bool(near)
            or not plain
            or bool(re.search(r"\bchords?\b|progression|\bchanges\b|riff|harmon|loop|triad", sentence))
            or "chord" in after[:8]
        )
        said = not reading.denied(_line_at(reading, start))
        when = (
            "later"
            if re.search(r"\b(?:rises|lifts?|modulat\w+|changes|moves|shifts)(?: \w+){0,3} to (?:the key of )?$", before)
            else "first"
            if re.search(r"\b(?:begins?|starts?|opens?)(?: \w+)? in (?:the key of )?$", before)
            else ""
        )
        key = ("key", (pitch, mode, when))
        chord = ("chord", (pitch, quality))
        if keyish and not (near and re.search(r"\bchords? (?:of|in)\b", before)):
            yield Assertion("key", (key,), start, end, said)
        elif mode and not near and plain and number and sum(not other[3] for other in notes) > 1:
            yield Assertion("chord", (chord, key), start, end, said)
        elif match["sym"] == "m" and (_CHORD_BEFORE.search(before) or _CHORD_AFTER.match(after)):
            # "Begins on Bm", "Cm gives way to F".
            yield Assertion("chord", (chord, key), start, end, said)
        elif chordish and mode and not near and plain and not re.search(r"\bchord|progression|changes|riff|loop", sentence):
            yield Assertion("key", (key,), start, end, said)
        elif chordish:
            yield Assertion(
                "chord",
                (chord, key) if mode and plain else (chord,),
                start,
                end,
                said,
            )
        elif mode:
            yield Assertion("key", (key,), start, end, said)
        elif match["acc"] or match["accword"]:
            yield Assertion("key", (key, chord), start, end, said)
        elif bare and (re.search(r"\bin $", before) or re.search(r"\bkey:? $", before)):
            yield Assertion("key", (key,), start, end, said)
    chain: list[tuple[re.Match[str], tuple[int, str]]] = []
    for number, (match, pitch, quality, _, _) in enumerate(notes):
        between = caption[notes[number - 1][0].end() : match.start()] if chain else ""
        commas = re.fullmatch(r"\s*(?:,|,? and|&|\|)\s*", between)
        in_order = bool(
            chain
            and commas
            and (
                _IN_ORDER.search(_sentence_of(caption, match.start()))
                # "Four chords: Gm, Bb, Eb, F": a row without an "and" is played so.
                or ("," in between and "and" not in between and re.search(r":\s*$", caption[: chain[0][0].start()][-3:]))
            )
        )
        if chain and not in_order and not _LEADS_TO.fullmatch(between):
            if len(chain) > 1:
                yield Assertion(
                    "chord", (("chord_order", tuple(one for _, one in chain)),), chain[0][0].start(), chain[-1][0].end(), True
                )
            chain = []
        chain.append((match, (pitch, quality)))
    if len(chain) > 1:
        yield Assertion(
            "chord", (("chord_order", tuple(one for _, one in chain)),), chain[0][0].start(), chain[-1][0].end(), True
        )
    for match in re.finditer(r"\bno chords?\b|\bwithout (?:any )?chords\b", reading.line):
        yield reading.made("chord", (("no_chords", True),), match.start(), match.end(), said=True)
    for match in _CHURCH.finditer(reading.line):
        yield reading.made("key", (("mode", match[0]),), match.start(), match.end())
    for match in _MODE.finditer(reading.line):
        if reading.supposed(match.start()):
            continue
        before = reading.line[max(0, match.start() - 22) : match.start()]
        if re.search(r"(?:^|[ (])a $", before) and not reading.caption[_source(reading, match.start() - 2)].isupper():
            before = ""
            if not re.match(r" (?:key|mode|tonality|scale)", line_after := reading.line[match.end() :]) and not re.match(
                r" [.,;]", line_after
            ):
                continue
            yield reading.made("key", (("mode", match["mode"]),), match.start(), match.end())
            continue
        if re.search(r"(?:^|[ (])(?:[a-g]|flat|sharp|[a-g][b#]|[♭♯#b]|relative|dominant|parallel) $", before):
            continue
        if re.match(r" (?:key|mode|tonality|scale|in (?:mode|key|tonality))", reading.line[match.end() :]) or _MODE_BEFORE.search(
            before
        ):
            yield reading.made("key", (("mode", match["mode"]),), match.start(), match.end())


def _linked(caption: str, one: tuple[int, int], two: tuple[int, int]) -> bool:
    """Whether two notes stand in one list."""
    between = caption[min(one[1], two[1]) : max(one[0], two[0])]
    return (
        re.fullmatch(
            r"(?:\s|,|–|—|-|/|→|>|&|\||and|to|then|after|before|followed by|on|back|home|again|or|alternates|with|via|chord|"
            r"chords|a|an|the)*",
            between,
        )
        is not None
        and ";" not in between
    )


def _sentence_of(caption: str, at: int) -> str:
    first = max(caption.rfind(mark, 0, at) for mark in ".!?;\n")
    ends = [end for mark in ".!?;\n" if (end := caption.find(mark, at)) >= 0]
    return caption[first + 1 : min(ends, default=len(caption))].lower()


def _line_at(reading: Reading, character: int) -> int:
    """The place in the short form of a character of the caption."""
    low, high = 0, len(reading.short) - 1
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if reading.tokens[reading.short[middle][1]].start <= character else (low, middle - 1)
    return reading.starts[low] if reading.starts else 0


def _source(reading: Reading, at: int) -> int:
    """The character of the caption for one of the line."""
    return reading.span(max(at, 0), max(at, 0) + 1)[0]
