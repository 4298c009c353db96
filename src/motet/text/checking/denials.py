"""What is denied: how far each *no*, *without* and *there is none* of a caption's short form reaches."""

from __future__ import annotations

import re
from collections.abc import Iterator

_I = r"(?:bass)?@\d+"
_VERBS = (
    r"(?:is|are|was|plays?|playing|has|have|had|takes?|enters?|joins?|comes?|carr(?:y|ies)|leads?|"
    r"supports?|sounds?|sits?|goes|go|makes?"
    r"|adds?|arrives?|holds?|moves?|runs?|lasts?|keeps?|sustains?|does|do|drops?|underpins?|follows?|sings?|brings?|supplies)"
)
_NEGATORS = re.compile(
    r"\b(?:no|without|neither|nor|not|never|isn't|aren't|doesn't|(?:do not|don't)(?: expect)?|"
    r"wasn't|won't|cannot|can't|hasn't|haven't|nobody|none of|lacks?|lacking|minus"
    r"|devoid of|free of|free from|absence of|absent|anything but|far from|miles? (?:away )?from|a long way from|rather than|"
    r"instead "
    r"of|nothing|in vain for|bereft of|devoid|sans|lack of|hardly any"
    r"|forgoes|omits|omitting|excludes|excluding|avoids|dispenses with|does away with|nowhere|"
    r"zero|leaves out|leaving out|nary a|there's no|shuns|eschews|eschewing|less any)\b"
)
_PLAIN_WORDS = (
    r"(?: (?:the|an?|any|its|their|so much as an?))?(?: (?!(?:with|but|only|is|are|just|while|"
    r"to|in|on|by|from|for|one|less|more|doubt|and|or|over|at"
    r"|until|that|which|plays?|joins?|back|leaving|losing|drowning|letting|ever|changing|the|an?|"
    r"its|their|of|besides?|except|apart|other|than|beyond|save"
    r"|behind|under|beneath|against|around|matter|sooner|has|have|accompan[a-z]+|interrupt[a-z]*|"
    r"disturb[a-z]*|support[a-z]*|overshadow[a-z]*)\b)[a-z']+){0,3}"
    r"(?: (?:of (?:an?|any|the)|(?:from|by|on) (?:an?|any)))?(?: (?:sort|kind|single) of)?"
)
_NONE_OF = re.compile(
    r"(?<!not )(?<!never )\b(?:no|without|neither|nor|lacks?|lacking|lack of|devoid of|free of|"
    r"free from|absence of|minus|sans|bereft of|in vain for|zero|nary an?|not (?:an?|any|one)|"
    r"isn't an?|isn't any|aren't any|is not an?|are not any|there (?:aren't|are not|isn't|is not|"
    r"is never)"
    r"|(?:does|do|did|will|would|can|could|won)?(?:n't|not| not|'t| never) (?:have|has|include|feature|contain|use|employ|"
    r"involve|expect|need|hear|find|see|get|notice|spot|detect|meet|call for|make use of)|never (?:(?:hear|use|feature|include|"
    r"need|involve|employ|want|admit)s?|"
    r"(?:turn|resort|look)s? to|calls? (?:on|for|in))|"
    r"no(?:body|[ -]one| player) (?:plays|is|on|touches|strums|picks up|sits at|blows|drums on)|(?:hard|difficult|"
    r"impossible)(?: [a-z]+)? to find|"
    r"(?:everything|anything)(?: [a-z]+){0,4}(?: ,)? (?:except|but|save|bar)(?: for)?|"
    r"no (?:sign|trace|hint|use|need|room|place|help) (?:of|for|from)|none of (?:the|them|these|those|which|whom)(?: (?:is|are|"
    r"being))?|none (?:being|"
    r"is) an?|forgoes|omits|omitting|excludes|excluding|"
    r"avoids|dispenses with|does away with|leaves out|leaving out|shuns|eschews|eschewing|instead "
    r"of|rather than|as opposed to)"
    rf"(?P<list>{_PLAIN_WORDS} {_I}(?:(?: ,)?(?: or| nor| no| and(?! an?\b| the\b| no\b| it\b| they\b| there\b|"
    rf" [a-z]+s\b)){_PLAIN_WORDS} "
    rf"{_I}(?!\d| [a-rt-z]+s\b)|(?: (?:section|player|part)s?)? or{_PLAIN_WORDS} {_I}|"
    rf" ,{_PLAIN_WORDS} {_I}(?=[^.;:]{{0,80}} (?:or|nor) ))*)"
)
_STOP = re.compile(
    r"[.;:!?\n()–—−/|]| - |\b(?:but|in this|in the (?:arrangement|mix|music|song|piece)|only|except|"
    r"just|while|although|though|yet|because|with|instead|so|which|and (?:a|an|it|they|there|the|"
    r"its|is|plays|in)|beside|apart from|other than|as)\b"
)  # fmt: skip
# "Nothing about this waltz is slow" denies no waltz.
_ABOUT_IT = re.compile(
    r" (?:about|in|of|on|to) (?:this|these|the|its)\b[^.;!?]{0,60}? (?=(?:is|are|was|sounds?|feels?|changes?|seems?)\b)"
)
_VERB = re.compile(rf"\b{_VERBS}\b")
_NOUNS_ONLY = frozenset(
    "no|without|free of|free from|absence of|lack of|lacks|lack|minus|devoid of|sans|in vain for|zero|bereft of|omits|omitting|"
    "excludes|excluding|leaves out|leaving out|dispenses with|does away with|forgoes|shuns|eschews|avoids".split("|")
)
# A verb that begins what is no longer denied.
_NEXT_VERB = re.compile(
    r" and (?:then |also |still |always |mostly |often )?[a-z]*(?!ss|us|is)[a-z][a-rt-z]s (?!of\b|and\b|or\b)"
)
_AFTER_NO = re.compile(
    r" (?:at|in(?! (?:volume|tempo|dynamics?|level|pace|speed|key|metre|meter|loudness|rhythm)\b)|that|"
    r"which|who|played|moving|running|set|"
    r"throughout)\b"
)


def denials(line: str) -> Iterator[tuple[int, int]]:
    """Stretches of the line that a negator reaches over."""
    for match in _NEGATORS.finditer(line):
        word = match.group()
        begin = match.end()
        rest = line[begin : begin + 300]
        if word == "not" and re.match(r" (?:only|just|to mention|least|surprisingly|every|all|unlike|long)\b", rest):
            continue
        if word == "no" and re.match(
            r" (?:doubt|wonder|question|matter|less|more than|other|one but|longer|pipe|mere|sooner|end|"
            r"means|nonsense|time|breathing|frills|rush|hurry)\b",
            rest,
        ):
            continue
        # "Never rises above soft" is soft.
        if word in ("never", "not", "doesn't", "without", "hardly any") and re.match(
            r" (?:[a-z']+ ){1,5}?(?:above|beyond|below|past|louder than|quieter than|softer than|faster than|slower than)\b", rest
        ):
            continue
        if word in ("never", "not", "doesn't") and re.match(
            r" (?:once )?(?:leav|stray|depart|wander|stop|ceas|los|abandon|fail|quit|let(?:s|ting)? go|giv|break|rest|without|"
            r"wast)",
            rest,
        ):
            continue
        if word in ("nothing", "nobody", "no") and re.match(
            r" (?:but|else|other than|less than|unusual|special|fancy|wrong|strange|odd)\b", rest
        ):
            continue
        # "Would not be a tango without its bandoneon" has one.
        if (word == "not" and re.match(r" (?:be|sound|feel|work|have) [^.;,]{0,50}\bwithout\b", rest)) or (
            word == "without"
            and re.search(r"\b(?:not|n't|never) (?:be|sound|feel|work) [^.;,]{0,50}$", line[: match.start()][-70:])
        ):
            continue
        if word == "absent" or (word == "nowhere"):
            continue
        if about := _ABOUT_IT.match(rest):
            begin, rest = begin + about.end(), rest[about.end() :]
        stop = _STOP.search(rest)
        end = stop.start() if stop else len(rest)
        # "Has no drums and stays loud", "does not slow down and has a legato touch".
        for other in (_NEXT_VERB, _AFTER_NO) if word in _NOUNS_ONLY else (_NEXT_VERB,):
            if met := other.search(rest, 0, end):
                end = met.start()
        scope = rest[:end]
        if word in _NOUNS_ONLY or word == "nothing":
            verb = _VERB.search(scope)
            if verb and word != "nothing":
                scope = scope[: verb.start()]
        comma = scope.find(",")
        while comma >= 0:
            later = scope[comma + 1 :]
            part = later[: later.find(" , ")] if " , " in later else later
            more = re.match(r" (?:or|nor|no|and no|not|even)\b", later)
            listed = re.search(r"\b(?:or|nor)\b", later) and not _VERB.search(later.split(" or ")[0])
            if not (more or listed) or (_VERB.search(part) and not more):
                scope = scope[:comma]
                break
            comma = scope.find(",", comma + 1)
        # "no drums , no bass" is two denials: the second does not undo the first.
        again = re.search(r"\b(?:no|nor|without|not|neither|isn't|aren't)\b", scope)
        if again:
            scope = scope[: again.start()]
        yield begin, begin + len(scope)
    yield from _denied_after(line)


def absent(line: str) -> Iterator[tuple[int, int]]:
    """Stretches of the line whose instruments are said not to be there. "Not played by the flute" denies no flute."""
    for match in _NONE_OF.finditer(line):
        if not re.search(r"\b(?:not|never|[a-z]+n't) (?:be|sound|feel|work) [^.;,]{0,50}$", line[: match.start()][-70:]):
            yield match.span("list")
    yield from _denied_after(line)


_LISTED = (
    rf"{_I}(?: section| part)?(?:(?:(?: ,(?: the| an?| any)? {_I}){{1,6}} ,)?(?: (?:and|or|&)(?: the| an?| any)? {_I})|"
    rf"(?: , {_I}){{1,6}} (?:and|or) {_I})?"
)
_AWAY = re.compile(
    rf"(?P<list>{_LISTED})(?: (?:section|part|player)s?)?(?: (?:is|are|being|has|have|had|been|was|were|both|all|entirely|"
    rf"completely|simply|remains?|stays?|stayed|keeps?|conspicuously|notably|totally|wholly)){{0,4}} "
    r"(?:absent|missing|nowhere|lacking|omitted|excluded|left out|left (?:off|at home)|at home|away|kept out|forgotten|unused|"
    r"not (?:be )?(?:heard|used|found|present|there|included|needed|required|invited|part of)|"
    r"(?:plays?|has|have|takes?) no (?:part|role|place)|(?:sits?|sat) (?:this|it) (?:one )?out|silent (?:throughout|here)|"
    r"out of (?:it|the picture)|"
    r"conspicuous(?:ly)? (?:by (?:its|their) absence|absent))\b"
    r"(?! (?:from the (?:first|second|opening|last|final|start|beg)|until|till|at|for|in the (?:first|second|last|opening)|"
    r"during|before|after))"
    rf"(?: , (?:as|so) (?:is|are|was|were|has|have|do|does) (?:the )?(?P<more>{_LISTED}))?"
)


_ASKED_OF_THEM = re.compile(rf" ?(?:(?:q|a) : )?(?:do|does|did|will) the (?:[a-z]+ )?{_I} (?!play \?|feature|appear|sound \?)")
_MISSING = re.compile(
    r"\b(?:(?:missing|absent|lacking|gone|left out|omitted|not (?:here|present|included|heard|invited|used|among them))"
    r"(?: from [a-z ]{1,30}?)?(?: ,? ?(?:however|though|too|also|here|entirely|altogether|completely|notably|conspicuously) ?,?)?"
    r" (?:is|are|was|were)|what (?:is|it) (?:missing|lacking|lacks|absent) (?:is|are)|(?:the )?only (?:thing )?(?:missing|"
    r"absent) "
    r"(?:is|are)|(?:who|what|which (?:instruments?|players?))(?: is| are|'s)? (?:missing|absent|lacking|not (?:here|heard|"
    r"present)|"
    r"left out) \?(?: a :)?|nobody (?:has )?(?:thought of|brought)(?: along)?)"
    rf"(?: (?:the|an?|any))?(?: [a-z]+)? (?P<list>{_LISTED})"
)


def _denied_after(line: str) -> Iterator[tuple[int, int]]:
    """What is denied by words that follow it: "Guitars, drums: no.", "Is it fast? No.", "The sax is absent"."""
    for match in re.finditer(
        r"(?<![^.?!;])[^.?!;]+\? (?:(?:q|a) : )?(?:(?:no|none|not|nope|never|neither|absent|missing|nowhere)\b(?! (?:less|other|"
        r"wonder|doubt))|(?:there|it|they) (?:isn't|aren't|is not|are not|is none|are none|doesn't|don't|does not|do not)\b|"
        r"you (?:won't|will not) (?:find|hear)\b)(?! from)",
        line,
    ):
        # "Do the drums enter late? No" denies no drums.
        if not _ASKED_OF_THEM.match(match.group()):
            yield match.start(), match.start() + match.group().index("?")
    for match in re.finditer(r" : (?:there (?:is|are) )?(?:no\b|none\b)(?= [.;!]|$)", line):
        begin = max(line.rfind(mark, 0, match.start()) for mark in ".!?;")
        yield begin + 1, match.start()
    for match in re.finditer(rf"({_I}|\b[a-z]+(?: in [a-z]+)?) (?:it|they) (?:isn't|aren't|is not|are not)\b", line):
        yield match.start(), match.end(1)
    yield from (match.span("list") for match in _AWAY.finditer(line))
    yield from (match.span("more") for match in _AWAY.finditer(line) if match["more"])
    yield from (match.span("list") for match in _MISSING.finditer(line))
    for match in re.finditer(rf"({_I}) free\b(?! of)", line):
        yield match.start(), match.end(1)
    for match in re.finditer(r"\bthere (?:is|are) none\b", line):
        begin = max(line.rfind(mark, 0, match.start()) for mark in ".!?;:")
        yield begin + 1, match.start()
