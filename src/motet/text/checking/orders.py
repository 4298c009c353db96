"""Who comes before whom."""

from __future__ import annotations

import re
from collections.abc import Iterator

from motet.text.checking.reading import INST, Assertion, Reading
from motet.text.checking.verbs import ENTERS, LEAVES

_WORDS = r"(?:(?!and\b|but\b|while\b)[a-z']+|,)"
_BEFORE = re.compile(
    rf"(?P<who>{INST})(?P<gap>(?: {_WORDS}){{0,7}}?) (?P<how>before|after|once|as soon as|ahead of|earlier than|later than|"
    rf"prior to|preceded by|"
    rf"followed by|precedes?|until|till|is followed by|follows on|preceding)(?: (?:the|a|an|its|that|any|other|both|only|"
    rf"[a-z]+ing|[a-z]+)"
    rf"){{0,4}} (?P<whom>{INST}|lead(?= [.,;:]|$))(?P<then>(?: [a-z']+){{0,3}})"
)
_AFTER = ("after", "once", "as soon as", "later than", "preceded by", "follows on")
_AFTERWARDS = re.compile(
    rf"(?:^|[.;:!?,] |\band )(?:not until |only )?(?P<how>after|once|following|before|when|as soon as) (?:the |a |"
    rf"an )?(?P<one>{INST})(?P<more>(?: ,? ?(?:and )?(?:the |a |an )?{INST}){{0,3}})"
    rf"(?P<gap>(?: (?!{INST}|[.;:!?])[^\s]+){{0,9}}?) (?P<mark>, )?(?:(?:does|do) )?(?:the |a |an |another |its )?(?:[a-z]+ )?"
    rf"(?P<two>{INST})(?P<then>(?: ,? ?(?:and )?(?:the )?{INST}){{0,3}}(?: [a-z']+){{0,3}})"
)
_OTHERS = re.compile(
    rf"(?P<who>{INST})(?: {_WORDS}){{0,6}}? (?P<how>after|before|later than|earlier than|ahead of|precedes?) (?:the|all|"
    rf"everyone|everybody|everything|every) "
    rf"?(?:the )?(?:others?|else|rest|remaining|other)\b"
)
_TO = r"(?: (?:the|a|an|another|its|his|their))?(?: [a-z]+)?"
_PAIRS = (
    (
        re.compile(
            rf"(?P<one>{INST})(?: ,)?(?: (?:that|which|who))?(?: (?:is|are|gets?))?(?: (?:soon|later|then|eventually|promptly|"
            rf"quickly|first|finally|subsequently))? joined(?: (?:[a-z]+|#\d+)){{0,5}} by{_TO} (?P<two>{INST})"
        ),
        False,
        ("enters",),
    ),
    (
        re.compile(
            rf"(?P<one>{INST})(?: (?!and\b|or\b)[a-z]+)? (?:gives? way to|makes? way for|hands? (?:over|off|on) to|hands? "
            rf"the [a-z]+(?: over)? to|is replaced by|is succeeded by|cedes? to|yields? to|passes (?:the "
            rf"[a-z]+ )?(?:on )?to){_TO} (?P<two>{INST})"
        ),
        False,
        ("leaves", "enters"),
    ),
    (
        re.compile(rf"(?P<one>{INST})(?: [a-z]+)? (?:replaces?|takes over from|succeeds?|relieves?){_TO} (?P<two>{INST})"),
        True,
        ("leaves", "enters"),
    ),
    (
        re.compile(
            rf"(?P<one>{INST})(?: (?:then|later|soon|eventually))? (?:follows?|joins?)(?: (?:in )?after)"
            rf"?(?: (?:the|a|an))? (?P<two>{INST})(?! (?:and|,) (?:the )?@\d+ (?:in|at|later)\b)"
        ),
        True,
        ("enters",),
    ),
    (
        re.compile(
            rf"(?P<one>{INST}) (?:is|are) already (?:there|playing|under way|going|present|in place)(?: "
            rf"[a-z]+)? when{_TO} (?P<two>{INST})"
        ),
        False,
        ("enters",),
    ),
    (
        re.compile(
            rf"(?P<one>{INST}) (?:opens?|begins?|starts?|leads off|sets out)(?: [a-z']+){{0,7}} , (?:and (?:is|are) )?(?:soon|"
            rf"later|then|eventually|subsequently|finally) joined by{_TO} (?P<two>{INST})"
        ),
        False,
        ("enters",),
    ),
    (
        re.compile(
            rf"(?P<one>{INST}) (?:has|have|is|are|had) (?:already|long)(?: [a-z]+){{0,7}}? (?:when|before|by the time) (?:the |"
            rf"an? |its )?(?:[a-z]+ )?"
            rf"(?P<two>{INST}) (?={ENTERS})"
        ),
        False,
        ("enters",),
    ),
    (
        re.compile(
            rf"(?P<one>{INST}) (?:to (?:start|begin|open)(?: with)?|at first|initially|first|to kick (?:things )?off) [,;](?: "
            rf"and)?"
            rf"(?: then)?{_TO} (?P<two>{INST})(?:(?: ,| and)?(?: the| an?)? {INST}){{0,3}} (?:(?:being |is |are |gets "
            rf")?(?:added|joining|"
            r"arriving|entering|brought in)(?: [a-z]+)? (?:later|afterwards|after)|to (?:follow|come|finish|end)|follow(?:s|"
            r"ing)?|"
            r"later|afterwards|next|after that|second)\b"
        ),
        False,
        ("enters",),
    ),
    (
        re.compile(
            rf"\bfirst (?:comes? |we hear )?(?:the |an? )?(?:[a-z]+ )?(?P<one>{INST}) , (?:and |with )?(?:then )?(?:the |an? "
            rf")?(?:[a-z]+ )?"
            rf"(?P<two>{INST}) (?:arriv|join|enter|follow|com|appear|add)(?:ing|s|es|ed)(?: in)?(?: only)?(?: (?:after|later|"
            rf"next)\w*|(?= [.,;]))"
        ),
        False,
        ("enters",),
    ),
    (
        re.compile(
            rf"(?P<one>{INST}) (?:heralds?|opens?|begins?|starts?|introduces?|announces?|launches)(?: [a-z]+){{0,3}} ,? "
            rf"?(?:and |but )?only "
            rf"(?:later|then|afterwards|after that)(?: (?:do|does|comes?))?{_TO} (?P<two>{INST})"
        ),
        False,
        ("enters",),
    ),
    (
        re.compile(
            rf"(?P<one>{INST})(?: (?!after\b|before\b)[a-z]+){{0,4}} ,? ?(?:and|,)(?: ,)?(?: [a-z#\d]+){{0,3}}? after (?:them|"
            rf"it|that|those|"
            rf"these|him|her|which)(?: ,)?(?: comes?| come)?{_TO} (?P<two>{INST})"
        ),
        False,
        ("enters",),
    ),
    (re.compile(rf"(?P<one>{INST})(?: [a-z]+){{0,3}} and only then{_TO} (?P<two>{INST})"), False, ("enters",)),
)
_RANKED = re.compile(
    rf"\b(?:the )?(?P<rank>first|second|third|fourth|(?<!second )(?<!third )(?<!to )last|final)(?! (?:but|last|to last|from "
    rf"last)\b)(?: of all)?(?: (?:instrument|voice|"
    rf"sound|thing|player|one|arrival|entry|to (?:enter|be heard|arrive|come in|join|play|appear|"
    rf"start)|we hear|heard|in|comes?|enters?|arrives?|joins?|is|are)){{1,5}}(?: (?:the|a|an|of|some)"
    rf")?(?: (?:distorted|lead|lone|solo|second|muted|clean|bright))? (?P<who>{INST})"
)
_ORDERED = re.compile(
    r"\bin th(?:at|is) order\b|\bone after (?:another|the other)\b|\b(?:enter(?:s|ing)?|com(?:e|es|ing) in|join(?:s|"
    r"ing)?) (?:in turn|one by one|one at a time)\b|\border (?:of (?:entry|appearance|arrival)|in which)\b"
)
_FOLLOWS = re.compile(
    rf"(?P<one>{INST})[^.;:!?@]{{0,40}} ,? ?(?:and |with |then )*(?:the |a |an )?(?P<two>{INST}) "
    r"(?:(?:then |soon )?follows|following|comes? (?:later|next|afterwards)|joins? later|enters? "
    r"later)(?= (?:[.,;:]|and\b|later\b|soon\b)|$)"
)
_LEAVES_ALONE = re.compile(
    rf"(?P<one>{INST})(?: (?!and\b|while\b|with\b)[a-z#\d]+| ,){{0,8}}? (?:leaves|leaving) (?:the |an? )?(?:[a-z]+ "
    rf")?(?P<two>{INST})"
    r"(?: to (?:finish|end|close|carry on|continue|go on|play on))?(?: (?:alone|(?:on|by) (?:its|their) own|by itself|to "
    r"itself))\b"
)
_FIRST_SECOND = re.compile(
    rf"(?P<one>{INST}) first (?:,|and) (?:then )?(?:the |an? )?(?:[a-z]+ )?(?P<two>{INST}) (?:second|next|afterwards|later|"
    rf"after|last)"
    r"(?= [.,;:)]|$)"
)
_MARKER = re.compile(
    r"\b(?P<m>later(?= (?:on )?(?:, )?(?:the |a |an )?(?:bass)?@)|first(?! half| quarter| third|"
    r" #| few| second)|next|then|finally|lastly|at last|"
    r"and last|afterwards|followed by|after that|subsequently|last of all|at the very (?:end|last)(?= (?:the |an? )?(?:[a-z]+ )?"
    r"(?:bass)?@))\b"
)
_RANK = re.compile(
    rf"(?P<who>{INST})(?: (?!and\b)[a-z']+){{0,5}}? (?P<rank>first|second|third|fourth|(?<!second )(?<!third )(?<!to )last)(?! "
    rf"(?:but|last|to last|from last)\b)(?: "
    rf"(?:instrument|one|of all|voice|part|thing|sound))?(?: (?:you|we) hear| to (?:enter|join|come in|arrive|appear|be added|"
    rf"be heard|start|play))?(?= (?:[.,;:)]|and\b|in this\b|in the\b|of\b)|$)"
)


def orders(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in _BEFORE.finditer(line):
        gap, then = match["gap"], match["then"]
        who, whom, after = (
            reading.kind_of(match["who"]),
            reading.kind_of(match["whom"]) or "lead instrument",
            match["how"] in _AFTER,
        )
        if re.search(r"\b(?:seconds?|bars?|moments?|beats?)\b", gap) and not re.search("#", gap):
            continue
        begin, stop = reading.sentence(match.start())
        told = (
            re.fullmatch(
                r" (?:comes?|came|sounds?|"
                r"appears?)",
                gap,
            )
            or match["how"] in ("followed by", "is followed by", "precedes", "precede")
            or (not gap.strip() and re.search(f"{ENTERS}|\\border\\b", line[begin:stop]))
        )
        if not told and not re.search(f"{ENTERS}|{LEAVES}|heard", gap + then):
            continue
        if match["how"] in ("until", "till") and not re.search(ENTERS, then):
            continue
        one, two = (who, _kind(gap)), (whom, _kind(then))
        yield _pair(reading, two if after else one, one if after else two, match.start(), match.end())
    for match in _AFTERWARDS.finditer(line):
        gap, then = match["gap"], match["then"]
        if not match["mark"] and not re.search(r"\b(?:does|do|comes?)\b", match.group()):
            continue
        one, two = (reading.kind_of(match["one"]), _kind(gap)), (reading.kind_of(match["two"]), _kind(then))
        if not re.search(f"{ENTERS}|{LEAVES}", then):
            if not re.search(f"{ENTERS}|{LEAVES}", gap) and gap.strip():
                continue
            # "After the flute drops out, the guitar carries on": it may come or go later.
            two = two[0], ""
        if match["how"] == "when":
            continue
        for other in (one, *((reading.kind_of(name), one[1]) for name in re.findall(INST, match["more"]))):
            yield _pair(reading, *((two, other) if match["how"] == "before" else (other, two)), match.start(), match.end())
    for match in _OTHERS.finditer(line):
        if match["how"].startswith("prec") or re.search(ENTERS, match.group()):
            rank = "last" if match["how"] in ("after", "later than") else "first"
            yield reading.made("order", (("rank", (reading.kind_of(match["who"]), rank)),), match.start(), match.end())
    for pattern, swapped, timings in _PAIRS:
        for match in pattern.finditer(line):
            first, second = reading.kind_of(match["one"]), reading.kind_of(match["two"])
            if swapped:
                first, second = second, first
            later = re.search(r"\b(?:soon|later|then|eventually|subsequently|finally)\b", match.group())
            order = "not_after" if "join" in match.group() and not later else "before"
            options = tuple((order, (first, timing, second, "enters")) for timing in timings)
            yield reading.made("order", options, match.start(), match.end())
    for match in _RANKED.finditer(line):
        rank = "last" if re.match(r"last|final", match["rank"]) else match["rank"]
        yield reading.made("order", (("rank", (reading.kind_of(match["who"]), rank)),), match.start(), match.end())
    for match in re.finditer(
        rf"(?P<who>{INST})[^.;!?]{{0,80}}?(?P<what>{INST})(?: one)?[^.;!?]{{0,30}}\b(?:even )?(?P<how>before|"
        rf"after) (?:it|that|them|either|both|all)\b",
        line,
    ):
        first, second = reading.kind_of(match["what"]), reading.kind_of(match["who"])
        if re.search(
            r"\b(?:in|enter|entered|come|coming|came|join|joined|there|start|arriv|added|hits)\w*\b", match.group()
        ) and not re.search(r"\bdrops? out|leaves?|stops?\b", match.group()):
            if match["how"] == "after":
                first, second = second, first
            yield reading.made("order", (("before", (first, "enters", second, "enters")),), match.start("what"), match.end())
    for match in re.finditer(r"(?:^|[.;:!?] )[^.;!?]*", line):
        part = match.group()
        markers = list(_MARKER.finditer(part))
        if not markers or re.search(r"\bchords?\b|\bsecond half\b|\bfirst half\b", part):
            pass
        if markers and not (markers[0]["m"] == "first" and len(markers) == 1):
            sequence = []
            firsts = re.findall(INST, part[: markers[0].start()])
            if (
                markers[0]["m"] == "first"
                and firsts
                and re.search(
                    rf"{INST}(?: (?:comes?|is|are|enters?|goes|plays?|starts?|begins?|arrives?)(?: in)?)? $",
                    part[: markers[0].start()],
                )
            ):
                sequence.append(firsts[-1])
            if (
                markers[0]["m"] != "first"
                and firsts
                and (len(firsts) == 1 or markers[0]["m"] in ("then", "followed by", "later", "afterwards", "next", "after that"))
            ):
                sequence.append(firsts[-1])
            for marker in markers:
                if follows := re.match(
                    rf"(?: ,(?: [a-z#\d]+){{1,4}} ,)?(?: (?!then\b|next\b|lea(?:ves|ving)\b|hands?\b|gives\b|makes\b|answers\b|"
                    rf"to\b|over\b|beneath\b|above\b|against\b|alongside\b)[a-z':]+){{0,5}} "
                    rf"?(?P<who>{INST})",
                    part[marker.end() :],
                ):
                    sequence.append(follows["who"])
            classes = tuple(reading.kind_of(one) for one in sequence)
            if len(classes) > 1:
                yield reading.made("order", (("sequence", classes),), match.start() + markers[0].start(), match.end(), said=True)
        if told := _ORDERED.search(part):
            earlier = line[max(0, match.start() - 200) : match.start()].rsplit(" ; ", 1)[-1]
            for listed in (part[: told.start()], part[told.end() :], earlier):
                names = tuple(reading.kind_of(one) for one in re.findall(INST, listed))
                if len(names) > 1:
                    if not re.search(r"\b(?:before|after)\b", listed):
                        yield reading.made("order", (("sequence", names),), match.start() + told.start(), match.end(), said=True)
                    break
    for match in _LEAVES_ALONE.finditer(line):
        pair = (reading.kind_of(match["one"]), "leaves", reading.kind_of(match["two"]), "leaves")
        yield reading.made("order", (("before", pair),), match.start(), match.end())
    for match in _FIRST_SECOND.finditer(line):
        pair = (reading.kind_of(match["one"]), "enters", reading.kind_of(match["two"]), "enters")
        yield reading.made("order", (("before", pair),), match.start(), match.end())
    for match in _FOLLOWS.finditer(line):
        pair = (reading.kind_of(match["one"]), "enters", reading.kind_of(match["two"]), "enters")
        yield reading.made("order", (("before", pair),), match.start(), match.end())
    for match in _RANK.finditer(line):
        start, stop = reading.sentence(match.start())
        if not re.search(rf"{ENTERS}|\bheard?\b", line[start:stop]) or (
            re.search(r"\b(?:the|a|for|at|in|final|last|first|middle|opening) $", line[match.start() : match.start("rank")][-9:])
            and "to " not in match.group()[-18:]
            and not re.search("instrument|thing|sound", match.group())
        ):
            continue
        yield reading.made("order", (("rank", (reading.kind_of(match["who"]), match["rank"])),), match.start(), match.end())


def _kind(words: str) -> str:
    return "leaves" if re.search(LEAVES, words) else "enters"


def _pair(reading: Reading, one: tuple[str, str], two: tuple[str, str], begin: int, end: int) -> Assertion:
    """That one comes or goes before another does, either where the words do not say which."""
    options = [(one[0], first, two[0], second) for first in _either(one[1]) for second in _either(two[1])]
    return reading.made("order", tuple(("before", option) for option in options), begin, end)


def _either(kind: str) -> tuple[str, ...]:
    return (kind,) if kind else ("enters", "leaves")
