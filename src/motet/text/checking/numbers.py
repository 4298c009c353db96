"""How fast, how long, in what metre: what the numbers of a caption say, and the words that stand for numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from motet.text.checking.reading import INST, Assertion, Reading
from motet.text.checking.verbs import ENTERS, LEAVES, Event

_NOUNS = "instruments?|players?|musicians?|performers?|people|piece(?= )|parts|members|instrumentalists|persons|hands"
_BPM = re.compile(
    r" (?:\w+ ){0,2}?(?:bpm\b|b \. p \. m|beats? (?:per|a|to the|each|every|in a) (?:single )?minute|"
    r"(?:of those )?(?:to the|a|per) minute|(?:\w+ )?(?:crotchets|quarters|quarter notes|beats|"
    r"taps|pulses) (?:per|a|to the|each|every) minute|beats (?=[.,;:)]))"
)
PER_SECOND = re.compile(
    r" (?:(?:or|and) (?:more|so) )?(?:(?!seconds?\b)\w+ ){0,2}?(?:(?:notes?|events?|onsets?) )?(?:and more |"
    r"or so |or more )?(?:per|a|every|each) second\b(?! (?:@|[a-z]+ @|, [a-z ]{0,20}@))"
)
_SECONDS = re.compile(r" (?:or (?:so|thirteen|more) )?(?:seconds?|secs?|s|sec)\b")
_MINUTES = re.compile(r" (?:minutes?|min|mins)\b")
_TEMPO_BEFORE = re.compile(
    r"(?:\b(?:tempo|pace|pulse|speed|metronome|bpm|beats? per minute|clocks? in|ticks? along|moves?(?: "
    r"along)?|moving|goes by|runs along)\b(?: [a-z:=(,]+){0,4}|\bslow(?:ly|s|ing)?(?: down)?(?: "
    r"to)?|\bspeeds up to|\bslack\w+ to|\bat (?:a |an )?(?:\w+ )?|\bmoderate|\bfast|\bquick|\bbrisk|"
    r"\blively|\bcrotchet =|\bquarter =) ?(?:[(=] )?(?:about |around |roughly |nearly |some |exactly "
    r"|circa |just |only |precisely |a steady |almost |over |under |approximately )?$"
)
_ABOUT = re.compile(
    r"\b(?:about|around|roughly|nearly|some|circa|approximately|almost|just (?:over|under|shy "
    r"of|short of)|a (?:little|bit|touch) (?:over|under)|close to|or so|approx|near|upwards of|"
    r"over|under|say|well)\b"
)
_METRES = {
    "waltz": {"3/4", "3/8", "6/4"}, "triple": {"3/4", "3/8", "9/8", "3/2"}, "duple": {"2/4", "2/2", "6/8", "6/4", "2/8"},
    "quadruple": {"4/4", "12/8", "4/2", "4/8"}, "compound": {"6/8", "9/8", "12/8", "6/4", "3/8"},
    "common": {"4/4"}, "cut": {"2/2"},
    "2": {"2/4", "2/2", "6/8"}, "3": {"3/4", "3/8", "9/8", "3/2"}, "4": {"4/4", "12/8", "4/2"}, "5": {"5/4", "5/8"},
    "6": {"6/8", "6/4"}, "7": {"7/8", "7/4"}, "9": {"9/8"}, "12": {"12/8"}, "simple": {"2/4", "3/4", "4/4", "2/2", "3/8", "5/4"},
    "odd": {"5/4", "7/8", "5/8", "7/4", "11/8", "9/8"},
}  # fmt: skip
_METRE_WORDS = re.compile(
    r"\b(?:(?P<waltz>waltz(?:es|ing|like)?)\b(?! genre)|(?P<ct>compound (?P<kind>duple|triple|"
    r"quadruple))\b|(?P<word>triple|duple|quadruple|compound)(?: (?:metre|meter|time|rhythm|beat|"
    r"feel|pulse))?\b(?! (?:threat|tongu|stop|track|bass|play))"
    r"|(?P<common>common time)|(?P<cut>cut time|alla breve)|(?P<odd>(?:odd|asymmetric|irregular|"
    r"asymmetrical) (?:metre|meter|time))|(?P<simple>simple (?:time|metre|meter))|(?P<floor>four "
    r"on the floor|four to the floor))"
)
_IN_N = re.compile(
    r"\b(?:in|marching in|(?:metre|meter|time) (?:of|is|:)|a bar of|counted in|bpm) #(?P<n>\d+)"
    r"(?= (?:[.,;:)]|and\b|but\b|with\b|for\b|at\b|to (?:a|the) bar|$)|$)"
)
_BEATS_BAR = re.compile(
    r"#(?P<n>\d+) (?:(?:strong|even|steady|dotted|solid|clear) )?(?:(?:beats?|crotchets|quarters|"
    r"quarter notes|quavers) )?(?:to|in|per|a|make|makes|form|fill|of them to) (?:the |a |each "
    r"|every |up a |up the )?(?:bar|measure)\b"
)

_DURATION_NEAR = re.compile(
    r"\b(?:lasts?|lasting|long|length|duration|runs?(?: for| to)?|running time|runtime|clip|excerpt|"
    r"spans?|snippet|extract|over in|in length|whole|time :|entire)\b"
)
_MINUTE = re.compile(
    r"(?<![^ ])(?:(?P<hm>half[ -]?a?[ -]?minute|half a minute)|(?P<qm>(?:a )?quarter (?:of (?:a|the) "
    r")?minute)|(?P<tq>#\d+ quarters of (?:a|the) minute)|(?P<mh>minute and a half)|(?P<om>(?:a|an|one|"
    r"exactly one|the|this|whole|full|[a-z]+) minute)(?! or| and|s))\b"
)
_THEN = re.compile(
    r" (?:,|;|and|–|—)(?: and)? (?:only )?(?:then|after which|whereupon|before|until|till)\b|"
    r" (?:before|until|till) (?:the |an? )?(?:[a-z]+ )?(?:bass)?@"
)
_OVER_AFTER = re.compile(
    r"[^.;!?]{0,80}? (?:the|this) (?:clip|excerpt|recording|extract|snippet|music|piece|whole thing|sample) (?:stops|ends|is "
    r"over|"
    r"finishes|breaks off|cuts off|is cut)\b"
)
_JUST_ONE = re.compile(r"\b(?:for|just|only|exactly|precisely) $")
_MORE = re.compile(r"\b(?:other|another|second|two|both|then|later|first)\b")
_LASTS_FOR = re.compile(r"\b(?:lasts?|runs?|clip|plays|goes on|continues) for (?:[a-z]+ ){0,2}$")
_CHORD_COUNT = re.compile(r"#(?P<n>\d+) (?:[a-z]+ )?chords\b")

_TEMPO_STEADY = re.compile(
    r"\b(?:(?P<no>unsteady|rubato|fluctuating|wavering) ?(?:tempo|pulse|pace|beat)?|(?P<yes>(?:steady|"
    r"rock solid|unwavering|constant|unchanging|metronomic|unvarying) (?:tempo|pulse|pace|speed|"
    r"beat))|(?:tempo|pulse|pace)(?: (?:is|stays|remains|holds|keeps))*(?P<not> not| never)? steady|"
    r"is the (?:pulse|tempo) steady \? (?P<ans>no|yes))\b"
)
_TEMPO_CHANGE = re.compile(
    r"\b(?:(?P<down>slackens?|(?:slows|(?<![.!?]) slow) down|slowing down|slows to|slows|decelerat(?:es|ing)|ritardando|"
    r"rallentando|tempo (?:drops|falls|eases)|pace (?:drops|slackens|eases))|(?P<up>speeds? up|"
    r"speeding up|accelerat(?:es|ing|ando)|accelerando|tempo (?:rises|increases|picks up)|pace "
    r"(?:quickens|picks up)|quickens))\b"
)


def numbers(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in re.finditer(r"#(\d+)\b", line):
        value = reading.numbers.get(int(match.group(1)), 0.0)
        begin, end = match.span()
        first, stop = reading.sentence(begin)
        before, after = line[max(first, begin - 60) : begin], line[end : min(stop + 1, end + 60)]
        about = bool(_ABOUT.search(before[-22:]) or re.match(r" or so\b", after))
        plus = (" and more" in after[:12]) or bool(re.search(r"\b(?:more than|over|upwards of|above) $", before))
        if re.match(r" (?:/ )?#\d+", after) or re.search(r"#\d+ (?:/ )?$", before):
            continue
        if _BEATS_BAR.match(line, begin):
            continue
        if re.match(
            r" (?:(?:even|steady|slow|single) )?(?:beats?|pulses?|taps?|ticks?) (?:per|a|every|each|to the) second\b", after
        ):
            yield reading.made("tempo_number", (("bpm", (60 * value, True, "")),), begin, end)
            continue
        if PER_SECOND.match(after) and value < 60:
            fewer = bool(re.search(r"\b(?:fewer|less) than $|\bunder $|\bbelow $", before))
            yield reading.made(
                "density", (("rate", (value, "under" if fewer else "over" if plus else "")),), begin, end, said=True
            )
            continue
        if re.match(r" beats\b(?! (?:per|a|to) )", after) and re.search(r"\b(?:bar|measure)s?(?: [a-z]+){0,2} $", before):
            beats = str(int(min(value, 99)))
            wanted = frozenset(_METRES.get(beats, {f"{beats}/4", f"{beats}/8"}))
            yield reading.made("metre", (("metre", wanted),), begin, end)
            continue
        if _BPM.match(after) and not re.match(r" quarters? of", after):
            yield reading.made("tempo_number", (("bpm", (value, about, _tempo_when(before))),), begin, end)
            continue
        if (
            re.match(r" (?:-|–|to|and) #\d+", after)
            and re.search(r"between $|^", before)
            and _BPM.match(re.sub(r"^ (?:-|–|to|and) #\d+", "", after))
        ):
            continue
        if _SECONDS.match(after) or _MINUTES.match(after) or re.match(r" (?:or|to|and) #\d+ (?:seconds?|s)\b", after):
            continue
        if re.match(
            rf" (?:(?!of\b|or\b|and\b|to\b|for\b|in\b|other\b|more\b|the\b|from\b|with\b|an?\b|can\b|hears?\b)"
            rf"[a-z]+ ){{0,2}}(?:{_NOUNS})\b",
            after,
        ):
            if re.search(r"\b(?:other|remaining|another|these|those|last|first|the last|next) $", before) or re.match(
                r"(?: \w+){1,3} (?:enters?|joins?|leaves?|drop|come in|follow)\b", after
            ):
                continue
            if re.match(r" parts?\b", after) and value <= 1:
                continue
            # "One plucked instrument and a drum", "two players on chords": some of them.
            if (
                re.match(r" (?:plucked|bowed|blown|struck|melod\w+|pitched|unpitched|electric|acoustic|electronic|harmony|"
                r"chordal|"
                         r"tuned|lower|upper|accompanying)\b", after)
                or re.match(rf" (?:{_NOUNS})(?: (?:are|is))? (?:on|playing|supplying|providing|sharing|doubling|in) (?:the )?"
                            r"(?:chords?|harmon\w+|melod\w+|tune|accompaniment|support)\b", after)
            ):  # fmt: skip
                continue
            if re.match(r" stringed\b", after):
                yield reading.made("count", (("count", (int(value), "strings")),), begin, end)
                continue
            if re.search(r"\bby the (?:very )?(?:end|close) (?:,|there are|we have|all)? ?(?:all )?$", before):
                yield reading.made("count", (("count_at_end", int(value)),), begin, end, True)
                continue
            if re.search(
                r"\b(?:(?:grow|expand|swell|shrink|turn)\w* (?:in)?to|from #\d+ [a-z]+ to #|becom\w+|"
                r"until|at first|initially|to begin with|(?:at|by|in) the (?:start|beginning|outset|end))\b",
                line[first:stop],
            ):
                continue
            known = True if re.search(r"\b(?:the|these|its|all) $", before) else None
            numbered: tuple[tuple[str, Any], ...] = (("count", (int(value), "")),)
            if group := re.match(rf" piece (?:[a-z]+ )?(?P<who>{INST})", after):
                numbered += (("count", (int(value), reading.kind_of(group["who"]))),)  # "a three-piece horn line"
            yield reading.made("count", numbered, begin, end + len(after.split(" ")[1]) + 1, known)
            continue
        counted = re.match(
            rf" (?:(?!or\b|and\b|with\b|for\b|to\b|the\b|by\b|in\b|more\b|a\b|on\b|lower\b|higher\b|upper\b|other\b|further\b|"
            rf"deeper\b|additional\b|extra\b)[a-z]+ )?(?P<who>{INST})",
            after,
        )
        if (
            counted
            and (1 < value < 20 or (value == 1 and _JUST_ONE.search(before) and not _MORE.search(line[first:stop])))
            and value == int(value)
            and not re.search(r"\b(?:at|tempo|of the|first|last|other|second|bpm|:|remaining) $", before)
            and "," not in after[: counted.end()]
        ):
            what = reading.kind_of(counted["who"])
            options: list[tuple[str, Any]] = [("count", (int(value), what))]
            if what == "voice":
                options.append(("count", (int(value), "")))
            yield reading.made("count", tuple(options), begin, end)
            continue
        if (
            1900 <= value <= 2029
            and value == int(value)
            and re.fullmatch(r"\d{4}", reading.tokens[reading.short[reading.place(begin)][1]].word)
        ):
            yield reading.made("era", (("era", f"{int(value) // 10 * 10}s"),), begin, end)
            continue
        if re.match(
            r" (?:chords?|sections?|bars?|beats?|notes?|times|semitones?|octaves?|words|quarters?|thirds?|"
            r"eighths?|strings?|more|dotted|leads?|layers|horns?|crotchets|changes|years|percent|%|of|"
            r"halves|minutes?|hundred|sounds|families)\b",
            after,
        ):
            continue
        if (
            re.search(r"\bat (?:about |around )?$", before)
            and re.search(r"\bseconds?\b", line[first:begin])
            and not re.search(r"\b(?:tempo|pace|bpm|beats?|speed|pulse)\b", line[first:stop])
        ):
            continue
        if re.search(r"\bto #\d+ at (?:about |around )?$", before):
            continue
        if 30 <= value <= 320 and _TEMPO_BEFORE.search(before):
            if (
                re.search(r"\bat $", before)
                and re.search(rf"seconds?|{LEAVES}|{ENTERS}", line[first:stop])
                and not re.search(r"tempo|pace|bpm|\bspeed", line[first:stop])
                and value < 100
                and re.search(rf"(?:{ENTERS}|{LEAVES})[^,;]*$", before)
            ):
                continue
            yield reading.made("tempo_number", (("bpm", (value, about, _tempo_when(before))),), begin, end)
    for match in re.finditer(r"(?:between )?#(\d+) (?:-|–|to|and) #(\d+) (?:bpm|beats)", line):
        low, high = (reading.value(one) for one in match.groups())
        if re.search(
            r"\bfrom (?:(?:about|around|roughly|some|nearly|a|an) ){0,2}$", line[max(0, match.start() - 30) : match.start()]
        ):
            for value, when in ((low, "first"), (high, "later")):
                yield reading.made("tempo_number", (("bpm", (value, False, when)),), match.start(), match.end())
            continue
        yield reading.made("tempo_number", (("bpm_range", (low, high)),), match.start(), match.end())
    for match in re.finditer(r"\btempo(?: \w+){0,2} from #(\d+) to #(\d+)", line):
        yield reading.made(
            "tempo_number",
            (("bpm", (reading.value(match.group(1)), False, "first")),),
            match.start(1),
            match.end(1),
        )
        yield reading.made(
            "tempo_number",
            (("bpm", (reading.value(match.group(2)), False, "later")),),
            match.start(2),
            match.end(2),
        )
    for match in re.finditer(rf"\b(?:pair|couple) of (?:{_NOUNS})|\b(?P<half>half )?(?:a )?dozen (?:{_NOUNS})", line):
        value = 2 if match.group().startswith(("pair", "couple")) else 6 if match["half"] else 12
        yield reading.made("count", (("count", (value, "")),), match.start(), match.end())
    for match in re.finditer(
        rf"#(?P<n>\d+) of (?:them|which|whom|these) (?:are |is |being )?(?:all )?(?:the )?(?P<who>{INST})", line
    ):
        value = int(min(reading.value(match["n"]), 99))
        yield reading.made("count", (("count", (value, reading.kind_of(match["who"]))),), match.start(), match.end())
    for match in re.finditer(rf"#(?P<n>\d+) (?:layers|tracks|sorts|kinds|types) of (?:[a-z]+ )?(?P<who>{INST})", line):
        value = int(min(reading.value(match["n"]), 99))
        yield reading.made("count", (("count", (value, reading.kind_of(match["who"]))),), match.start(), match.end())
    for match in re.finditer(r"\bfor #(?P<n>\d+)(?= ?[.,;:]|$)", line):
        if 1 < reading.value(match["n"]) < 10 and not re.search(r"\bseconds?\b", line[slice(*reading.sentence(match.start()))]):
            yield reading.made("count", (("count", (int(reading.value(match["n"])), "")),), match.start("n"), match.end())
    for match in _CHORD_COUNT.finditer(line):
        if reading.value(match["n"]) < 2 and not re.search(r"\b(?:just|only|a single) $", line[: match.start()]):
            continue
        yield reading.made("chord", (("chord_count", int(reading.value(match["n"]))),), match.start(), match.end())


def _tempo_when(before: str) -> str:
    """Whether a tempo is the first, one that it changes to, or any."""
    if re.search(
        r"\b(?:drops?|slows?(?: down)?|rises?|speeds? up|goes up|falls?|changes?(?: from #\d+)?|increases?|"
        r"accelerates?|up|down|slackens?|moves|goes|shifts|switches|settles)(?: \w+){0,2}? (?:to|into) "
        r"(?:about |around |roughly )?$",
        before,
    ):
        return "later"
    if re.search(r"\b(?:begins?|starts?|opens?)\b[^.;,]*$", before):
        return "first"
    return ""


def durations(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in re.finditer(
        r"#(\d+)(?: (?:and|to|or|-|–) #(\d+))?(?: or so| odd)? (seconds?|secs?|sec|s|minutes?|min)\b(?: (?:and )?#(\d+) "
        r"seconds)?",
        line,
    ):
        low = reading.value(match[1])
        high = reading.value(match[2]) if match[2] else low
        unit = 60.0 if match[3].startswith("min") else 1.0
        more = reading.value(match[4])
        begin, end = match.span()
        first, stop = reading.sentence(begin)
        before, after = line[max(first, begin - 50) : begin], line[end : min(stop + 1, end + 40)]
        if re.search(
            r"\b(?:at|after|from|by|until|till|first|last|final|second|opening|closing|within|needs|waits|"
            r"every|to|for|spends|past|before|next|remaining|only) (?:\w+ ){0,2}$",
            before,
        ) and not re.search(
            r"\b(?:lasts?|runs?|over|clip|takes|plays|goes on) (?:\w+ )*for (?:\w+ )*$|\b(?:amounts|comes|runs?|stretch(?:es)?|"
            r"extends?|adds up|close) to (?:\w+ )*$|\b(?:lasts|lasted|lasting|length|spans?|duration)\b(?: [\w:]+){0,4} $|"
            r"\btakes(?: "
            r"(?:about|around|only|just|some|a|roughly|over|under|all of|up))* $",
            before,
        ):
            continue
        if re.search(r"\( ?(?:about |around |at |from )?$", before) and (
            re.search(f"{ENTERS}", line[first:stop]) or re.search(rf"{INST}[^,]{{0,12}}\( ?$", before)
        ):
            continue
        if re.search(r"\bbetween $", before) and not re.search(r"\b(?:lasts?|takes|long|length|runs?)\b", line[first:stop]):
            continue
        if re.match(
            r" (?:in(?!\s*(?:length|duration|all|total))|into|later|on\b|along|deep|mark|before|from (?:the|its) "
            r"end|of silence|after|earlier|apart|behind|to go|"
            r"left|remaining|to spare|pass|passes|go by|elapse|tick by|of (?:listening|hearing|waiting))\b",
            after,
        ):
            continue
        # "Six seconds of organ, then a choir": the choir's entry.
        if re.match(r" of\b", after) and (
            _THEN.search(line, end, stop) or re.match(r" of (?:silence|rest|tacet|waiting|solo)\b", after)
        ):
            if re.search(r"(?:^|[.;:!?,(] |\b(?:with|some|about|around|roughly|after|just|only|a mere) )$", line[:begin][-12:]):
                event = Event((), "", "s", low * unit, high * unit, changes=True)
                yield reading.made("entry", (("event", event),), begin, end, True)
            continue
        whole = not before.strip(" (,") and re.fullmatch(r" ?[.;!,)]?.{0,3}", after[:4]) is not None
        near = _DURATION_NEAR.search(line[max(first, begin - 60) : begin]) or _DURATION_NEAR.search(
            line[end : min(stop, end + 30)]
        )
        kind = (
            "strict"
            if near or whole or re.match(r" (?:of|long|excerpt|clip|piece|passage|track|snippet|waltz|tune|loop|song)\b", after)
            else "loose"
        )
        about = bool(_ABOUT.search(before[-25:]) or re.search(r" (?:or so|odd) ", match.group()))
        yield reading.made(
            "duration",
            (("seconds", (low * unit + more, high * unit + more, about, kind == "strict")),),
            begin,
            end,
            True if re.search(r"\b(?:the|these|its|all) $", before) else None,
        )
    for match in _MINUTE.finditer(line):
        first, stop = reading.sentence(match.start())
        before = line[max(first, match.start() - 30) : match.start()]
        # "After a minute of growing volume the excerpt stops".
        ends = re.search(r"\bafter (?:[a-z]+ )?$", before) and _OVER_AFTER.match(line, match.end(), stop)
        if (
            not ends
            and re.search(
                r"(?:\b(?:per|beats|to the|each|every|taps|last|first|final|after|until|till|(?<!in )at|of those|bpm)|#\d+) "
                r"(?:(?!for\b)\w+ )?$",
                before,
            )
        ) or re.match(r" (?:mark|point|into|later|before|after|in(?! (?:length|duration|all|total)))\b", line[match.end() :]):
            continue
        if re.match(r"(?:per|to|each|every|last|first|any|next|of|beats|by)\b", match.group()):
            continue
        seconds = 30.0 if match["hm"] else 15.0 if match["qm"] else 45.0 if match["tq"] else 90.0 if match["mh"] else 60.0
        about = bool(_ABOUT.search(before[-25:])) or match["om"] is None
        # "For half a minute" may be as long as a player plays.
        strict = not re.search(r"\bfor (?:[a-z]+ ){0,2}$", before) or bool(_LASTS_FOR.search(before))
        over = bool(re.search(r"\b(?:over|more than) (?:an? |half )?$", before))
        if re.match(r"(?:the|this) minute", match.group()) and re.search(r"\b(?:to|of) $", before):
            continue
        yield reading.made(
            "duration",
            (("seconds", (seconds, seconds * (1.12 if over else 1.0), about, strict)),),
            match.start(),
            match.end(),
        )
    for match in re.finditer(r"\b(?:duration|length|time|runtime)(?: is)?(?: :)? #(\d+)(?= [.,;]|$)", line):
        seconds = reading.value(match[1])
        if match.group().startswith("time") and seconds < 5:
            continue
        yield reading.made("duration", (("seconds", (seconds, seconds, False, True)),), match.start(1), match.end())


def metres(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in re.finditer(r"#(\d+) (?:/ )?#(\d+)\b(?! (?:seconds|/))", line):
        over, under = (reading.value(one) for one in match.groups())
        before = line[max(0, match.start() - 40) : match.start()]
        when = (
            "first"
            if re.search(
                r"\b(?:begins?|starts?|opens?|opening|starting|beginning)(?: [a-z]+)? (?:in|with|as|out in)"
                r" (?:a )?$",
                before,
            )
            else "from"
            if re.search(r"\bfrom (?:a )?$", before)
            else "later"
            if re.search(
                r"\b(?:turns?(?: in)?|changes?(?: [a-z]+)?|switches|shifts?|shifting|moves|goes|gives way|"
                r"turning) (?:to|into) (?:a )?$",
                before,
            )
            else ""
        )
        if when and under in (2, 4, 8, 16) and 1 < over < 20:
            yield reading.made("metre", (("metre_when", (f"{int(over)}/{int(under)}", when)),), match.start(), match.end())
            continue
        if under in (2, 4, 8, 16) and 1 < over < 20 and over == int(over):
            yield reading.made("metre", (("metre", frozenset({f"{int(over)}/{int(under)}"})),), match.start(), match.end())
    for match in _METRE_WORDS.finditer(line):
        if match["ct"]:
            wanted = (
                _METRES["compound"] & {"duple": {"6/8", "6/4"}, "triple": {"9/8", "3/8"}, "quadruple": {"12/8"}}[match["kind"]]
            )
        elif match["word"]:
            if (
                match["word"] in ("triple", "compound", "duple")
                and match.group() == match["word"]
                and not re.search(
                    r"\b(?:in|is this|or|and|not|set in|metre|,|:|compound|is|it's)(?: (?:a|an))? $",
                    line[max(0, match.start() - 15) : match.start()],
                )
            ):
                continue
            wanted = _METRES[match["word"]]
        else:
            wanted = (
                _METRES[next(name for name in ("waltz", "common", "cut", "odd", "simple", "floor") if match[name])]
                if not match["floor"]
                else {"4/4", "2/4"}
            )
        if re.match(r" or (?:triple|duple)", line[match.end() :]) or re.search(r"(?:duple|triple) or $", line[: match.start()]):
            continue
        meanings: list[tuple[str, Any]] = [("metre", frozenset(wanted))]
        if match["waltz"]:
            meanings.append(("tag", "waltz"))
        yield reading.made("metre", tuple(meanings), match.start(), match.end())
    for match in _BEATS_BAR.finditer(line):
        value = int(reading.value(match["n"]))
        yield reading.made(
            "metre",
            (("metre", frozenset(_METRES.get(str(value), {f"{value}/4", f"{value}/8"}))),),
            match.start(),
            match.end(),
        )
    for match in re.finditer(r"#(?P<n>\d+) beats? (?:bar|measure|metre|meter|cycle)s?\b", line):
        value = int(min(reading.value(match["n"]), 99))
        in_bar = frozenset(_METRES.get(str(value), {f"{value}/4", f"{value}/8"}))
        yield reading.made("metre", (("metre", in_bar),), match.start(), match.end())
    for match in re.finditer(r"\b(?:how many beats [^?]{0,40}|beats in (?:a|the) bar) \? (?:a : )?#(\d+)", line):
        value = int(reading.value(match[1]))
        yield reading.made(
            "metre",
            (("metre", frozenset(_METRES.get(str(value), {f"{value}/4", f"{value}/8"}))),),
            match.start(1),
            match.end(),
        )
    for match in _IN_N.finditer(line):
        value = int(reading.value(match["n"]))
        if 1 < value < 13 and (
            not match.group().startswith(("in ", "bpm"))
            or not re.search(
                r"\b(?:split|divid(?:ed|es|ing)|subdivid\w+|group(?:s|ed|ing)|enters?|come|comes|join|joins)\b",
                line[max(0, match.start() - 12) : match.start()],
            )
        ):
            yield reading.made(
                "metre",
                (("metre", frozenset(_METRES.get(str(value), {f"{value}/4", f"{value}/8"}))),),
                match.start(),
                match.end(),
            )


def tempo_changes(reading: Reading) -> Iterator[Assertion]:
    """That the tempo holds, slackens or quickens."""
    line = reading.line
    for match in re.finditer(r"\b(?:tempo|pace|speed)(?: is| :)? (high|low)\b", line):
        yield reading.made("tempo_word", (("tempo", "up" if match[1] == "high" else "down"),), match.start(), match.end())
    for match in _TEMPO_STEADY.finditer(line):
        steady = bool(match["yes"]) or (not match["no"] and not match["not"] and match["ans"] != "no")
        said = True if match["not"] or match["no"] or match["ans"] else None
        yield reading.made("tempo_word", (("steady", steady),), match.start(), match.end(), said=said)
    for match in _TEMPO_CHANGE.finditer(line):
        yield reading.made("tempo_word", (("tempo_change", "slower" if match["down"] else "faster"),), match.start(), match.end())
