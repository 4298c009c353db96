"""When players enter, leave and sound: each time in a caption, with the players and the verb of its own part of the sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from motet.text.checking.numbers import PER_SECOND
from motet.text.checking.reading import INST, SORTS, Assertion, Reading
from motet.text.checking.verbs import ENTERS, EVENT, LEAVES, SILENT, Event

_ORDINALS = (
    "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth "
    "eighteenth nineteenth twentieth".split()
)
_TIME = re.compile(
    r"(?P<share_left>\b(?:a|one|#\d+) (?P<sl>third|quarter) (?:of (?:the|its) [a-z]+ )?(?:still )?(?:to go|left|remaining)\b)"
    r"|(?P<near_end>\b(?:(?:shortly|just|right|moments|not long|briefly|immediately) before the (?:very )?(?:end|close|finish)|"
    r"(?:a "
    r"(?:couple of|few|handful of)|mere) (?:seconds?|moments|bars) (?:to go|left|remaining|before the (?:end|close)|from the "
    r"(?:end|"
    r"close)))\b)"
    r"|(?P<last_n>\b(?:last|final|closing) (?:few|#(?P<ln>\d+)) (?:seconds?|s)\b)"
    rf"|(?P<nth>\b(?:{'|'.join(_ORDINALS)}|\d{{1,3}}(?:th|rd|nd|st)) second(?= (?:[.,;:)]|on\b|onwards?\b)|$))"
    r"|(?P<half_minute>\bhalf(?: a)? minute (?=mark\b|point\b|in\b(?! length))|(?:(?<=\bat )|(?<=\bafter )|(?<=\buntil ))"
    r"(?<!in at )half a minute\b)"
    r"|(?P<last_few>\b(?:last|final|closing) (?:seconds?|moments|bars?)\b)"
    r"|(?P<first_n>\b(?:(?:very )?first|opening|initial) (?:few|#(?P<fn>\d+)) (?:seconds?|s)\b)"
    r"|(?P<to_end>#(?P<te>\d+) (?:seconds?|secs?|s) (?:(?:before|from) the (?:end|close|finish)|left|remaining|to go|to spare))"
    r"|(?P<relative>(?:\banother )?#(?P<re>\d+) (?:more )?(?:seconds?|secs?|s) (?:later|more|on(?= [.,;:)]|$)|"
    r"after(?:wards)?|before|earlier|apart|behind|ahead)\b"
    r"(?! (?:the|its) (?:start|beginning|end)))"
    r"|(?P<mark>(?:\b(?:second|at|@|\() |(?<=\bby )|(?<=\buntil )|(?<=\btill ))#(?P<mk>\d+)(?= [.,;:)]|$))"
    r"|(?P<sec>#(?P<s1>\d+)(?: (?:or|to|and|–) #(?P<s2>\d+))?(?: or so)? (?:seconds?|secs?|s)\b)"
    r"|(?P<min>#(?P<m1>\d+) minutes?\b)"
    r"|(?P<three_quarters>#\d+ quarters?(?: of the way)?\b(?! notes?)|\bthree fourths)"
    r"|(?P<thirds>#(?P<tt>\d+) thirds?\b|\ba third (?=of the way))"
    r"|(?P<last_quarter>\b(?:last|final|fourth) quarter\b)|(?P<first_quarter>\b(?:first|opening) quarter\b)"
    r"|(?P<last_third>\b(?:last|final) third\b)|(?P<first_third>\b(?:first|opening) third\b)"
    r"|(?P<middle_third>\b(?:middle|second) third\b|\bmiddle section\b)"
    r"|(?P<quarter>\b(?:a|the|one|#\d+|after) quarter\b(?! (?:notes?|of an hour|of a minute|of the minute)))"
    r"|(?P<second_half>\b(?:second|latter|other|remaining) half\b|\bin the second(?= [.,;:]|$))"
    r"|(?P<first_half>\bfirst half\b)"
    r"|(?P<half>\b(?:half way|halfway|midway|mid way|midpoint|mid point|half time|half past|midst|at half(?! (?:a )?minute)|"
    r"half the clip|"
    r"half of the clip|the middle(?! (?:third|section)))\b)"
    r"|(?P<until_end>\b(?:until|till|to|through to) the (?:very |bitter )?(?:end|finish|close|"
    r"(?:last|final)(?! #| few| quarter| third| half| section| \w+ (?:seconds|bars))(?: (?:second|note|bar|chord|moment|"
    r"beat))?)\b)"
    r"|(?P<end>\b(?:at|near|towards?|by|before) the (?:very )?(?:end|close|finish|conclusion|last (?:moment|second|minute))\b|"
    r"\blate on\b|\bvery end\b)"
    r"|(?P<start>\b(?:at|from|since|after) (?:(?:the|its) )?(?:very |right )?(?:start|beginning|outset|off|top|opening(?= "
    r"(?:bars?|"
    r"notes?|seconds?|moments?)\b| [,.;:)]| on\b)(?: (?:bars?|notes?|seconds?|moments?))?|first(?! (?:#|few|half|"
    r"quarter|third))(?: (?:second|bar|note|beat|moment)s?)?|word go)\b(?! to\b)|\bfrom the get go\b|\bfrom (?:bar|note|"
    r"measure|beat) #(?P<one>\d+)|"
    r"\b(?:initially|immediately|instantly|straight away|right away|(?<!notes )(?<!voices )at once)\b)"
)
EVERYONE = "*"  # in place of an instrument
_NAMED = {"lead": "lead instrument", **{one: one for one in (EVERYONE, *SORTS)}}
_SHARES = {
    "near_end": (0.8, 1.0),
    "last_few": (0.8, 1.0), "last_quarter": (0.72, 1.0), "first_quarter": (0.0, 0.28), "last_third": (0.64, 1.0),
    "first_third": (0.0, 0.36), "middle_third": (0.3, 0.7), "quarter": (0.25, 0.25), "second_half": (0.5, 1.0),
    "first_half": (0.0, 0.5), "half": (0.5, 0.5), "until_end": (1.0, 1.0), "end": (2 / 3, 1.0), "start": (0.0, 0.05),
}  # fmt: skip

# The same players, said together: "bass and drums", "a violin, a viola and the cello".
_WORD = (
    r"(?:(?!(?:then|later|finally|soon|with|while|plus|also|now|is|are|plays?|enters?|joins?|comes?|at|from|after|in|on|over|by|"
    r"for|halfway|midway|around|until|till|before|near|towards?|to|of|one|another|only|just|under|but)\b)[a-z']+ )"
)
_GROUP = re.compile(
    rf"{INST}(?:(?:(?: , {_WORD}{{0,2}}{INST}){{1,6}} ,)? (?:and|or|plus|as well as|along with|together with|"
    rf"&) {_WORD}{{0,3}}{INST}|(?: , {_WORD}{{0,2}}{INST}){{1,6}} and {_WORD}{{0,3}}{INST})?"
    r"|\b(?:the|a|another|second) lead(?! (?:guitar|synth|line|melody|role|part|instrument|vocals?|to|into)\b)(?= )"
    r"|\b(?:the|an?) (?:alto|tenor|soprano|baritone)(?= )(?! (?:line|part|key|clef|voice|register|range|melody|@))"
    rf"|(?:(?<= )|^)(?:(?:every(?:one|thing|body)|all)(?: [a-z#\d]+)? (?:but|except|save)(?: for)? (?:the )?{INST}|"
    r"(?P<all>(?:every(?:one|body)|all|both)(?: (?:#\d+|of them))?)(?= (?:plays?|is|are|has|have|enters?|starts?|begins?|"
    r"sounds?|joins?|comes?|stays?|keeps?|remains?|who|from|at|in|there|present)\b)|"
    r"the (?:others|rest|former|latter)|(?:every(?:one|thing|body))(?: else)?|(?:the )?other [a-z#\d]+|#\d+ (?:colleagues|"
    r"others))(?![^ ])"
)
# Between parts of a sentence: strong ones, and weak ones over which a part without players reaches back.
_BREAK = re.compile(
    r"(?:(?<= )|^)(?:(?P<strong>[:()–—]|(?<!nothing )(?<!none )(?<!no one )(?<!nobody )but|while|whereas|whilst|though|"
    r"although|(?<!not )before|because)|"
    r"(?P<weak>,|and|then|with|as|when|once|after|where|yet|-|/))(?= |$)"
)
_NOT_BEFORE = re.compile(
    r" ?(?:and )?(?:not|no) (?:(?:a )?(?:second|moment|bar) )?(?:before|earlier|sooner|later|after)(?: that)? ?"
)
_OF_TIME = re.compile(
    r"\b(?:or so|right|very|just|from|into|the|second|another|point|stage|later|onwards?|minute|clip|excerpt|piece|music|song|"
    r"mark|only|way|"
    r"through|have|passed|gone|"
    r"track|recording|passage)\b"
)
_ABOUT = r"(?:(?:just|only|about|around|roughly|some|exactly|nearly|almost|approximately|the|a|an|over|under|its|very|well) )*"
_BEFORE_TIME = re.compile(
    rf"\b(?P<how>at|after|once|from|by|until|till|up to|for|within|during|in|past|before|since|to|than|spends?|needs?|waits?|"
    rf"lets|"
    rf"allows|counts|second|"
    rf"on|throughout|over|of|takes) {_ABOUT}$|[(] ?{_ABOUT}$"
)
_AFTER_TIME = re.compile(
    r" (?:or so )?(?:in\b(?! (?:length|duration|all|total))|into|mark|on\b|have (?:passed|gone)|along\b|"
    r"deep\b|of the way)"
)
_ALONE = re.compile(
    r"\b(?:alone|solo|(?:by|on) (?:itself|its own|themselves|their own)|unaccompanied|(?:nothing|none|no one|nobody) but)\b"
)
_LENGTH = re.compile(
    r"\b(?:lasts?|lasting|long|length|duration|running time|runtime|fills|takes up|in all|in total|clip of|excerpt of|spans?|"
    r"goes on for|clocks in|runs (?:for|to))\b"
)
_OF_WAIT = re.compile(rf"\b(?:rests?|waits?|waiting|silence|pause|gap|mark|absence|intro|start|first|last|lead) of {_ABOUT}$")
_CHANGE = re.compile(
    r"\b(?:key|tempo|metre|meter|modulat\w+|pace|speeds?|slows?|slower|faster|quicker|major|minor|lift|bpm|turns|shift\w*|"
    r"time)\b|"
    r"#\d+ / #\d+"
)
_UNDER = re.compile(
    r"\b(?:over|with|beneath|under|above|against|alongside|behind|of|by|to|for|from|on|than|beside|around|below|without|before|"
    r"after|like) (?:[a-z']+ ){0,3}$"
)
_SINGULAR = re.compile(r"(?:[a-z]+s|has [a-z]+)\b")
_BY = re.compile(
    rf"[^.;!?@]{{0,60}}? by {_WORD}{{0,3}}(?P<who>{INST}(?:(?: , {_WORD}{{0,2}}{INST}){{0,6}}(?: ,)? and {_WORD}{{0,3}}{INST})?)"
)
_WHO = rf"(?:the |an? )?(?:[a-z]+ ){{0,2}}?(?P<who>{INST}(?: and (?:the |an? )?{INST})?)"
_PASSES = re.compile(
    rf" (?:of the (?:clip|excerpt) )?(?:goes? by|pass(?:es)?|elapses?|ticks? by|(?:is|are) (?:over|gone|up)) before {_WHO}"
)
_TAKES_HIM = re.compile(rf"\btakes (?:the |an? )?(?:[a-z]+ )?(?P<who>{INST}) {_ABOUT}$")
_THEN_WHO = re.compile(rf"(?P<first>[^.;:!?]{{0,60}}?) ,? ?(?:and )?(?:then|before|until|till) {_WHO} (?={ENTERS})")
_PRONOUN = re.compile(r" ?(?:it|they|this|that|there|he|she|which|the (?:music|volume|sound|piece|song|tempo|key))\b")
_PASSIVE = re.compile(r"(?:joined|followed|added|introduced|entered|replaced|adds?|introduc(?:es|ing)|brings?|gain(?:s|ing)?)$")


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a sentence, from `first` to `last` of the line; `weak` if it hangs on the one before, beyond `marks`."""

    first: int
    last: int
    weak: bool
    marks: str


def events(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    times = list(_TIME.finditer(line))
    told = [(mention.first, mention.last) for mention in reading.mentions if not mention.means("instrument")] if times else []
    cut: dict[int, list[_Part]] = {}  # by where the sentence begins
    for match in times:
        begin, end = match.span()
        first, stop = reading.sentence(begin)
        before, after = line[max(first, begin - 60) : begin], line[end : min(stop, end + 60)]
        if _no_time(match, before, after) or re.search(r"\bnot (?:every|all)\b", line[first:begin]):
            continue
        if match["one"] and reading.value(match["one"]) != 1:
            continue
        unit, low, high = _meant(reading, match, before, after)
        if first not in cut:
            cut[first] = _parts(line, first, stop, times)
        parts = cut[first]
        at = next((number for number, part in enumerate(parts) if part.first <= begin <= part.last), len(parts) - 1)
        if match.lastgroup in ("start", "end", "half", "first_half", "second_half") and not _told(line, parts[at]):
            # "Moderate at first": said of the music.
            own = reading.place(parts[at].first), reading.place(max(parts[at].last - 1, 0))
            if match["start"] and _content(f"{line[parts[at].first : begin]} {line[end : parts[at].last]}"):
                continue
            if any(reading.short[own[0]][1] <= known[0] and known[1] <= reading.short[own[1]][2] for known in told):
                continue
        leading = _BEFORE_TIME.search(before)
        how_long = (leading["how"] or "") if leading else ""
        readings = list(_readings(line, parts, at, match, reading.sentence(first - 2) if first > 2 else (0, 0)))
        options: list[Event] = []
        changes = bool(_CHANGE.search(line[first:stop]))
        here: set[str] = set()  # "no drums at the end": silent then
        missing: set[str] = set()
        stated = how_long in ("until", "till", "before")
        for begun, ended in reading.absent:
            # "Opens without its piano, which joins at the half."
            if first <= begun < stop and not re.search(
                r"\b(?:starts?|begins?|opens?) without (?:[a-z]+ )?$", line[:begun][-30:] + " "
            ):
                (here if parts[at].first <= begun <= parts[at].last else missing).update(re.findall(INST, line[begun:ended]))
        for names, verb, text in readings:
            who = [one for one in names if one not in missing]
            if (mute := SILENT.search(text)) and re.match(r"not|never|no longer|[a-z]+n't", mute.group()):
                stated = True  # "isn't heard for six seconds": the denial is in the silence
            if here.intersection(who):
                text, stated = f"{text} absent", True
            kinds = tuple(_NAMED.get(one) or reading.kind_of(one) for one in who)
            if not kinds:
                continue
            options += _options(match, kinds, verb, text, how_long, unit, low, high, after, changes)
        if waited := _waited(line, match, before, stop, how_long):
            options, stated = [Event(tuple(map(reading.kind_of, waited)), "enters", unit, high, high)], True
        if not options:
            if not (changes and (match["sec"] or match["half"]) and leading):
                continue
            options = [Event((), "", unit, low, high, changes=True)]
        name = "position" if all(one.how in ("sounds", "silent") for one in options) or match["until_end"] else "entry"
        said = True if stated or any(one.how == "silent" for one in options) else None
        meanings = tuple(("event", one) for one in dict.fromkeys(options))
        yield reading.made(name, meanings, begin, end, said)
    yield from _openings(reading)
    yield from _throughout(reading)


def _waited(line: str, match: re.Match[str], before: str, stop: int, leading: str) -> list[str]:
    """Who enters after a time: "half the clip goes by before X …", "it takes X six seconds to …", "alone for six, then X …"."""
    if told := _PASSES.match(line, match.end(), stop):
        return re.findall(INST, told["who"])
    if match["sec"] and (told := _TAKES_HIM.search(before)) and re.match(r" (?:or so )?to\b", line[match.end() : stop]):
        return [told["who"]]
    if match["sec"] and leading == "for" and (told := _THEN_WHO.match(line, match.end(), stop)) and _ALONE.search(told["first"]):
        return re.findall(INST, told["who"])
    return []


def _no_time(match: re.Match[str], before: str, after: str) -> bool:
    """Whether the words are a length, a rate or a place in the song instead."""
    if re.match(r" of (?:the|a|an|this|its|our) (?:[a-z]+ ){0,2}?(?:song|piece|track|tune|work|number|keyboard|register)", after):
        return match.lastgroup not in ("sec", "first_n", "last_n", "to_end", "fn", "ln", "te", "s1", "s2")
    if match["sec"] and re.search(rf"\b(?:has|have|had) (?:already |now )?been\b[^.;,]{{0,40}} for {_ABOUT}$", before):
        return True  # so long before something else
    if match.group() == "the middle" and not re.search(
        r"\b(?:in|at|from|around|by|until|till|near|towards?|past|after|before|about|since|to|for|through|over)(?: about| "
        r"around)? $",
        before,
    ):
        return True  # "filling the middle"
    if match["half"] and re.match(r" (?:register|range|octaves?|voices?|c\b|of the (?:keyboard|range))", after):
        return True
    if re.search(r"\b(?:[a-z]+er|more|less)(?<!later)(?<!earlier)(?<!sooner) than (?:[a-z]+ )?$", before) and not match["sec"]:
        return True  # "louder than at the start"
    if match.group() == "at once" and re.search(rf"{INST} $", before):
        return True  # "guitar and drums at once": together
    if match["start"] and re.search(r"\bseconds? $", before):
        return True  # "six seconds after the start" is read as six seconds
    if match["mark"]:
        if match.group().startswith(("second", "@")):
            return False
        if match.group().startswith("#"):  # "arrives at eight seconds and is gone by twenty"
            return not re.search(r"\bseconds?\b", before)
        # "at 15", if somebody comes or goes there, or stands there beside others who do.
        listed = re.search(rf"{INST} $", before) and re.search(rf"(?:{ENTERS}|{LEAVES}).*(?:seconds?|s) ", before)
        return not listed and not re.search(rf"(?:{ENTERS}|{LEAVES})[^.;,]{{0,25}}$|[(] ?$", before)
    if match["sec"]:
        timed = _BEFORE_TIME.search(before) or _AFTER_TIME.match(after)
        if (
            re.match(rf"#{match['s1']} second$", match.group())
            and re.search(r"\b(?:an?|this|the|one) $", before)
            and re.match(r" (?!mark\b|point\b|line\b|later\b|stage\b|in\b)[a-z@]", after)
        ):
            return True  # "in an 18-second piece"
        how = timed["how"] if timed and "how" in timed.groupdict() else ""
        if how == "of" and not _OF_WAIT.search(before):
            return True
        if how == "takes" and not re.match(r" (?:more )?(?:for|before|until|till|to)\b", after):
            return True
        if not timed and _TAKES_HIM.search(before):
            return False
        if not timed or _LENGTH.search(before[-25:]) or re.match(r" (?:in (?:length|duration|all|total)|long|of)\b", after):
            return True
        if PER_SECOND.match(match.group()[match.group().index(" ") :]) and re.search(r"\bnotes?\b", match.group()):
            return True
    return False


def _meant(reading: Reading, match: re.Match[str], before: str, after: str) -> tuple[str, float, float]:
    if match["half_minute"]:
        return "s", 30.0, 30.0
    if match["share_left"]:
        share = 2 / 3 if match["sl"] == "third" else 0.75
        return "f", share, share
    if match["nth"]:
        word = match.group().split(" ")[0]
        value = float(_ORDINALS.index(word) + 3) if word in _ORDINALS else float(re.sub(r"\D", "", word))
        return "s", value, value
    if match["half"] and re.search(r"\b(?:past|after|beyond) (?:the )?$", before):
        return "f", 0.5, 0.75
    if match["last_n"]:
        return "e", reading.value(match["ln"]) or 4.0, 0.0
    if match["first_n"]:
        return "s", 0.0, reading.value(match["fn"]) or 4.0
    for name, number, unit, scale in (("to_end", "te", "e", 1.0), ("relative", "re", "r", 1.0), ("mark", "mk", "s", 1.0),
                                      ("min", "m1", "s", 60.0)):  # fmt: skip
        if match[name]:
            value = scale * reading.value(match[number])
            return unit, value, value
    if match["sec"]:
        low = reading.value(match["s1"])
        return "s", low, reading.value(match["s2"]) if match["s2"] else low
    if match["three_quarters"]:
        count = re.search(r"#(\d+)", match.group())
        share = (reading.value(count[1]) if count else 3.0) / 4
        return "f", share, share
    if match["thirds"]:
        share = (reading.value(match["tt"]) or 1.0) / 3
        return ("f", 1 - share, 1.0) if re.search(r"\b(?:last|final|remaining|latter) $", before) else ("f", share, share)
    if match["half"] and match.group() in ("the middle", "midst") and before.endswith("in "):
        return "f", 0.3, 0.7
    if match["end"] and match.group().startswith("before"):
        return "f", 0.0, 0.95
    return "f", *_SHARES[next(name for name in _SHARES if match[name])]


def _parts(line: str, first: int, stop: int, times: list[re.Match[str]]) -> list[_Part]:
    """A sentence cut at commas and conjunctions, save those inside a group of players or a time."""
    whole = [match.span() for match in _GROUP.finditer(line, first, stop)]
    whole += [match.span() for match in times if first <= match.start() < stop]
    parts = []
    begin, weak, mixed = first, False, ""
    for mark in _BREAK.finditer(line, first, stop):
        if any(low <= mark.start() < high for low, high in whole):
            continue
        if (mark["weak"] or mark["strong"]) in ("after", "when", "once", "then", "before") and any(
            _BEFORE_TIME.search(line[mark.start() : low])
            for low, _ in whole
            if 0 < low - mark.start() < 30 and "@" not in line[mark.start() : low + 1]
        ):
            continue
        if line[begin : mark.start()].strip():
            parts.append(_Part(begin, mark.start(), weak, mixed))
            weak, mixed = bool(mark["weak"]), mark.group()
        else:
            weak, mixed = weak and bool(mark["weak"]), f"{mixed} {mark.group()}"
        begin = mark.end()
    parts.append(_Part(begin, max(stop, begin), weak, mixed))
    return parts


def _readings(
    line: str, parts: list[_Part], at: int, time: re.Match[str], before: tuple[int, int]
) -> Iterator[tuple[list[str], str, str]]:
    """Who may be meant, the verb ("enters", "leaves", "sounds" or "") and the words around; `before` is the last sentence."""
    own_part = at
    first, last = parts[at].first, parts[at].last
    if len(parts) == 1 and line[before[1] : before[1] + 1] == "?" and not _players(line, first, last):
        asked = _players(line, *before)
        verb = EVENT.search(line, asked[0].end(), before[1]) if asked else None
        if asked and verb:
            yield _names(asked[0]), verb.lastgroup or "", ""
            return
    own = line[first:last]
    beside = -1  # the part before a time alone, if what it says may happen then
    lone = re.fullmatch(rf" ?(?:[a-z]+ ){{0,2}}{_ABOUT}", line[first : time.start()]) and not _content(line[time.end() : last])
    does = _verb(line, first, last, time)
    if lone and not _players(line, first, last) and not does:
        # "After eight seconds, …" stands for itself: it belongs to what follows, or else to what came before.
        told = at and "and" not in parts[at].marks
        done = EVENT.search(line, parts[at - 1].first, parts[at - 1].last) if told else None
        if at and (
            (
                "(" in parts[at].marks
                and not re.search(r"\b(?:and|then|with|plus|also) \($", line[: parts[at].first].rstrip()[-12:])
            )
            or "but" in parts[at].marks
            or (re.search(r"\bonly\b", line[first:last]) and _told(line, parts[at - 1]))
            or at + 1 == len(parts)
            or (done and not EVENT.search(line, parts[at + 1].first, parts[at + 1].last))
        ):
            at -= 1
        elif at + 1 < len(parts):
            # "At the half, not before, …".
            if at + 2 < len(parts) and _NOT_BEFORE.fullmatch(line[parts[at + 1].first : parts[at + 1].last]):
                at += 1
            beside = at - 1 if done and done.lastgroup in ("enters", "leaves") else -1
            at += 1
        first, last = parts[at].first, parts[at].last
    if beside >= 0 and (groups := _players(line, parts[beside].first, parts[beside].last)):
        done = EVENT.search(line, parts[beside].first, parts[beside].last)
        yield _names(groups[0]), (done.lastgroup or "") if done else "", ""
    while not _told(line, parts[at]) and parts[at].weak and at and own_part - at < 3 and not _PRONOUN.match(line, first):
        at -= 1
        first = parts[at].first
    groups = _players(line, first, last)
    verb = _verb(line, first, last, time)
    text = line[first:last] if at == own_part else f"{line[first:last]} {own}"
    if verb and groups:
        names = _subject(line, groups, verb, first)
        yield names, verb.lastgroup or "", text
        if len(names) > 1 and re.search(
            rf"(?: , and (?:the |a |an )?{names[-1]}| {names[-1]} (?:that|which|who)) (?:[a-z]+ly )?$", line[first : verb.start()]
        ):
            yield names[-1:], verb.lastgroup or "", text
        if lone and own_part > at and "(" not in parts[own_part].marks and (earlier := _players(line, parts[0].first, first)):
            yield _names(earlier[0]), verb.lastgroup or "", text
    elif groups:
        how = ""
        for part in reversed(parts[max(at - 12, 0) : at]):
            if found := list(EVENT.finditer(line, part.first, part.last)):
                how = found[-1].lastgroup or ""
                break
        near = [group for group in groups if group.end() <= time.start()]
        names = _names((near or groups)[-1 if near else 0])
        if near and re.match(r" ,? ?(?:that|which|who)\b", line[near[-1].end() : time.start()]):
            names = names[-1:]
        elif near and len(names) > 2 and len(near[-1].group().split(" , ")) > 1:
            # "Strings, guitar, drums, and brass from halfway": the brass.
            yield names[-1:], how if how in ("enters", "leaves") else "", text
        yield names, how if how in ("enters", "leaves") else "", text
    elif verb and not re.fullmatch(r"is|are|has|have", verb.group()):
        earlier = _players(line, parts[0].first, first) or _players(line, *before)[-1:]
        if earlier:
            yield _names(earlier[-1]), verb.lastgroup or "", text
            yield _names(earlier[-1])[-1:], verb.lastgroup or "", text
            yield _names(earlier[0]), verb.lastgroup or "", text
        elif lone and at + 1 < len(parts) and (later := _players(line, parts[at + 1].first, parts[at + 1].last)):
            yield _names(later[0]), verb.lastgroup or "", text


def _content(text: str) -> bool:
    """Whether anything is said besides the time itself."""
    return bool(re.search(r"[a-z@]{3,}", _OF_TIME.sub("", text)))


def _told(line: str, part: _Part) -> bool:
    return bool(re.search(INST, line[part.first : part.last]) or EVENT.search(line, part.first, part.last))


def _players(line: str, first: int, last: int) -> list[re.Match[str]]:
    return list(_GROUP.finditer(line, first, last))


def _names(group: re.Match[str]) -> list[str]:
    if group["all"]:
        return [EVERYONE]
    return (
        []
        if re.match(r"every|all", group.group())
        else re.findall(rf"{INST}|(?:lead|alto|tenor|soprano|baritone)$", group.group())
    )


def _verb(line: str, first: int, last: int, time: re.Match[str]) -> re.Match[str] | None:
    """The nearest verb before the time, or the first after it."""
    found = [one for one in EVENT.finditer(line, first, last) if one.end() <= time.start() or one.start() >= time.end()]
    before = [one for one in found if one.end() <= time.start()]
    return before[-1] if before else found[0] if found else None


def _subject(line: str, groups: list[re.Match[str]], verb: re.Match[str], first: int) -> list[str]:
    """Who does it: before the verb and not under a preposition; or after it, in the passive or where nobody stands before."""
    if verb.group().startswith("joined") and (by := _BY.match(line, verb.end())):
        return re.findall(INST, by["who"])
    before = [group for group in groups if group.end() <= verb.start()]
    after = [group for group in groups if group.start() >= verb.end()]
    if after and (_PASSIVE.search(verb.group()) and (" by " in line[verb.end() : after[0].start() + 1] or not before)):
        return _names(after[0])
    if not before:
        return _names(after[0]) if after else _names(groups[0])
    if re.match(r" (?:,? )?(?:that|which|who)\b", line[before[-1].end() : verb.start() + 1]):
        names = _names(before[-1])
        return names[-1:] if _SINGULAR.match(verb.group()) or len(names) == 1 else names
    free = [group for group in before if not _UNDER.search(line[first : group.start()])]
    chosen = (free or before)[-1]
    names = _names(chosen)
    if len(names) > 1 and _SINGULAR.match(verb.group()) and verb.start() - chosen.end() < 20:
        return names[-1:]
    return names


def _options(
    match: re.Match[str], who: tuple[str, ...], how: str, text: str, leading: str, unit: str, low: float, high: float, after: str,
    changes: bool,
) -> Iterator[Event]:  # fmt: skip
    """What a time with a preposition says of players with a verb."""
    # "Bass for the last few seconds", without a verb: then only.
    only = bool(re.search(r"\bonly\b", text)) or (leading == "for" and not how)
    until = leading in ("until", "till", "up to", "before", "to", "than") and not match["until_end"]
    silent = how != "leaves" and bool(SILENT.search(text))

    def event(how: str, **more: Any) -> Event:
        return Event(who, how, unit, low, high, changes=changes, **more)

    if match["until_end"]:
        yield event("sounds")
    elif re.search(r"\bwait(?:s|ing)? for the (?:second|last|final|latter|closing)\b", text):
        yield event("enters")
    elif silent and (until or (leading in ("for", "needs", "need", "waits", "wait", "within") and (low == 0.0 or low == high))):
        # Silent until then, or for so long: then they enter.
        yield Event(who, "enters", unit, high if match["first_n"] else low, high, changes=changes)
    elif silent:
        yield event("silent")
    elif until and re.search(r"\b(?:not|n't|never|\w+n't|nobody|nothing|no one|no)\b", text) and how != "leaves":
        yield event("enters")
    elif until and how in ("sounds", ""):
        yield event("leaves")
    elif match["first_n"] and how in ("sounds", "") and leading in ("for", "", "during", "in"):
        yield event("sounds")
    elif leading in ("lets", "allows", "counts"):
        yield event("enters")  # "lets ten seconds pass"
    elif _ALONE.search(text) and (until or leading == "for") and (match["sec"] or match["first_n"]):
        yield Event((), "", unit, high, high)
    elif leading in ("for", "spends", "takes") and how != "leaves" and match["sec"]:
        yield event("sounds", kept=True)
        yield Event(who, "leaves", unit, low, high)
        yield Event(who, "enters", unit, low, high)
        if re.match(r" (?:,|and|before|until|;)(?: and)?(?: then)? ", after) and re.search(
            r"\b(?:then|before|until)\b", after[:20]
        ):
            yield Event((), "", unit, low, high)  # "three synths for six seconds, then the drums"
    elif leading == "before" and how in ("enters", "leaves"):
        yield event(how)
        yield event(how, by=True)
    elif leading == "by" or (match["end"] and match.group().startswith("by")):
        yield event(how or "sounds", by=True)
    elif match["start"] and how in ("sounds", ""):
        yield event("sounds")
    elif how == "sounds" and (leading == "from" or re.match(r" (?:on|onwards?)\b", after)) and unit == "s":
        yield event("enters")
    else:
        yield event(how, only=only)


_OPENS = re.compile(
    rf"(?P<who>{INST})(?: (?:and|with) (?:the |a |an )?{INST})?(?: alone| on its own)?(?: that| which| who)? (?P<verb>opens?|"
    rf"begins?|starts?|"
    rf"closes?|ends?|concludes?)(?: (?:the|this|an?) (?!(?:second|last|final|next|middle|new|other)\b)(?:[a-z']+ ){{0,4}}?"
    rf"(?:piece|clip|excerpt|passage|music|song|track|tune|recording|cue|number|miniature|soundscape|affair|performance|waltz|"
    rf"march|groove|arrangement)|(?: the)? section| things(?: off)?| proceedings)\b"
)
_BEGINS_WITH = re.compile(
    r"\b(?:track|piece|music|clip|song|excerpt|it|passage|recording|tune|cue|number|everything|groove|miniature)(?: [a-z]+ly)? "
    r"(?:begins|starts|opens|kicks off|sets (?:off|out)|starts (?:off|out)|leads off) (?:with|on) (?:just |only )?(?:the |an? )?"
    rf"(?P<who>{INST}(?: and (?:the |an? )?{INST})?)(?! (?:and|or|line|part|solo)\b)"
)
_WHOLE = (
    r"(?:throughout|from start to finish|from beginning to end|from first to last|the whole time|all the way through|all along|"
    r"without (?:a )?(?:break|pause|interruption)|from the (?:first|start|beginning|opening)(?: [a-z]+)? to the (?:last|end|"
    r"final)|"
    r"for the (?:whole|entire|full) (?:#\d+ seconds|clip|excerpt|piece|duration|length|time)|never (?:stops|rests|drops out))"
)
_THROUGHOUT = re.compile(rf"(?P<who>{INST})(?: (?!and\b|while\b|with\b)[a-z']+){{0,5}}? {_WHOLE}")
_FIRST_THROUGHOUT = re.compile(rf"\b{_WHOLE}(?: the [a-z]+)?(?: ,)? (?:the |a |an )?(?:[a-z]+ ){{0,2}}?(?P<who>{INST})")
_OTHERWISE = re.compile(
    r"\b(?:no|(?:is|are)(?! (?:heard|present|audible|there|playing))|legato|staccato|loud\w*|soft\w*|remains?|stays?|played|"
    r"sound)\b"
)


def _openings(reading: Reading) -> Iterator[Assertion]:
    for match in _BEGINS_WITH.finditer(reading.line):
        who = tuple(reading.kind_of(one) for one in re.findall(INST, match["who"]))
        yield reading.made("entry", (("event", Event(who, "enters", "f", 0.0, 0.05)),), match.start("who"), match.end())
    for match in _OPENS.finditer(reading.line):
        first = match["verb"].startswith(("o", "b", "s"))
        who = (reading.kind_of(match["who"]),)
        event = Event(who, "enters", "f", 0.0, 0.05) if first else Event(who, "sounds", "f", 0.85, 1.0)
        yield reading.made("entry", (("event", event),), match.start(), match.end())


def _throughout(reading: Reading) -> Iterator[Assertion]:
    for pattern in (_THROUGHOUT, _FIRST_THROUGHOUT):
        for match in pattern.finditer(reading.line):
            if pattern is _FIRST_THROUGHOUT and not re.search(r"(?:^|[.;:!?,] )$", reading.line[: match.start()]):
                continue
            if not _OTHERWISE.search(match.group()):
                yield reading.made("position", (("throughout", reading.kind_of(match["who"])),), match.start(), match.end())
