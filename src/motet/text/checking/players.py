"""Who plays, who does not, and how many."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from motet.text.checking.lexicon import kinds_of
from motet.text.checking.reading import INST, Assertion, Reading

_COUNTS = {
    "solo": 1,
    "duo": 2,
    "duet": 2,
    "trio": 3,
    "quartet": 4,
    "quintet": 5,
    "sextet": 6,
    "septet": 7,
    "octet": 8,
    "nonet": 9,
    "threesome": 3,
    "foursome": 4,
    "twosome": 2,
    "duos": 2,
}
_COUNT_WORD = re.compile(r"\b(?P<w>duo|duet|trio|quartet|quintet|sextet|septet|octet|nonet|threesome|foursome|twosome)(?:'s)?\b")
_ALONE = re.compile(
    rf"(?:\bsolo(?= (?:[a-z]+ )?{INST})|(?<!two )\bunaccompanied\b|\b(?:the|a) lone {INST}|(?:the|"
    rf"just the|only|a) (?:single|one|#\d+|sole) (?:instrument|player)\b|{INST} by itself\b|{INST} "
    rf"is alone\b|no one but the {INST} plays|\bnothing else\b|\b(?:played|performed|heard) solo\b|^ ?solo\b(?! #))"
)
_TIMING = re.compile(
    r"\b(?:starts?|begins?|opens?|opening|beginning|until|at first|initially|enters?|for the first|intro|rest|for #\d+|then|"
    r"soon|later|adds?|joined|eventually|before|grows?)\b"
)

_FOR_A_TIME = re.compile(
    r"\b(?:(?:starts?|begins?|opens?|ends?) without|until|till|at first|initially|yet|any ?more|first half|second half|"
    r"for (?:half|part|most|much|some|a while|a time|now|(?:the first |about |around |nearly |some |roughly |almost )?#\d+ "
    r"seconds)|"
    r"at the (?:start|"
    r"beginning|outset|end)|(?:after|before) #|(?:first|last|final|opening) (?:#\d+|few|quarter|"
    r"third|bars?|seconds?))\b"
)
_STARTS_AS = re.compile(
    r"\b(?:start|beg[aiu]n|open|set|launch)[a-z]*(?: (?:out|off|life))? (?:as|with)(?: (?:just|only))?(?: an?)? $"
)
_GROWS = re.compile(r"\b(?:grow|expand|swell|turn|shrink|thin)[a-z]*(?: from [a-z ]{0,12})? (?:in|out |down )?to\b")
_INSTRUMENTAL = re.compile(
    r"(?<!mostly )(?<!largely )(?<!almost )\binstrumental(?! (?:section|passage|break|forces|texture|parts|voices|"
    r"(?:,? ?)(?:apart|except|save|but for|besides|aside)))\b"
)
_ELLIPSIS = re.compile(r" (?:is|are|do|does|did|was|were|has|have|will) not(?= [.,;:!?]|$)")  # not what? It may be there


_ANOTHER = re.compile(
    r"\b(?:second|third|fourth|further|other|others|additional|extra|more|another|different|separate|accompanying|rival|"
    r"competing|matching|\d+(?:nd|rd|th)) (?:[a-z]+ ){0,2}$"
)
_A_SECOND = re.compile(
    rf"\b(?<!after )(?<!in )(?<!for )(?<!within )(?<!than )(?:a (?:second|further)|another|one more) (?P<who>{INST})"
    r"(?= (?:[.,;:)!]|and\b|joins?\b|joining\b|enters?\b|comes?\b|that\b|which\b|with\b|plays?\b|follows?\b|takes?\b|"
    r"answers?\b)|$)"
)
_A_CAPPELLA = re.compile(r"\ba cap(?:p?)el?la\b")


def instruments(reading: Reading) -> Iterator[Assertion]:
    """Who is there, and who is said not to be."""
    line = reading.line
    for match in re.finditer(INST, line):
        number = int(match.group().partition("@")[2])
        mention = reading.mentions[number]
        what = mention.means("instrument")
        text = " ".join(token.word for token in reading.tokens[mention.first : mention.last])
        before, after = line[max(0, match.start() - 40) : match.start()], line[match.end() : match.end() + 40]
        said = sum(first <= match.start() < last for first, last in reading.absent) % 2 == 0
        if _idiom(text, before, after) or _ELLIPSIS.match(after):
            continue
        if (
            said
            and match.group().startswith("bass@")
            and re.match(r" (?:register|range|line|lines|part|parts|notes|clef|role|stave|frequencies)\b", after)
        ):
            continue
        if not said and _FOR_A_TIME.search(line[slice(*reading.sentence(match.start()))]):
            continue
        if match.group().startswith("bass@") and re.search(
            r"\b(?:down|low|deep|sits?|lies|stays?|lives?|remains?|all|mostly|rumbl\w+) in the $", before
        ):
            continue
        if text in ("alto", "tenor", "soprano"):
            continue
        if said and (reading.supposed(match.start()) or re.match(r" (?:might|would|could|may)\b", after)):
            continue
        # "A distorted kalimba": the effect, and no guitar.
        beside = re.match(rf" ({INST})", after) or re.search(rf"({INST}) $", before)
        if text in ("distorted", "overdriven") and beside and not {"guitar", "bass"} & kinds_of()[reading.kind_of(beside[1])]:
            effect = (("effect", ("distortion", reading.kind_of(beside[1]))),)
            yield reading.made("effect", effect, match.start(), match.end(), said)
            continue
        # "No second cello", "no guitar solo" deny neither.
        if not said and (_ANOTHER.search(before) or re.match(r" (?:solos?|breaks?|fills?|rolls?|hits?)\b", after)):
            continue
        meanings = [what]
        # "a slapped bass guitar", "an upright honky-tonk of a piano": one instrument in two words.
        if beside := re.match(rf" (?:of an? )?{INST}", after):
            meanings.append(reading.kind_of(beside.group()))
        if beside := re.search(rf"({INST})(?: of an?)? $", before):
            meanings.append(reading.kind_of(beside[1]))
        yield reading.made("instrument", tuple(("instrument", one) for one in meanings), match.start(), match.end(), said)
    for match in re.finditer(r"\b(?:the|an?) (alto|tenor|soprano|baritone)\b(?! (?:line|part|key))", line):
        yield reading.made("instrument", (("sort", match.group(1)),), match.start(1), match.end())
    for match in _INSTRUMENTAL.finditer(line):
        yield reading.made("instrument", (("absent", "voice"),), match.start(), match.end())
    for match in _A_CAPPELLA.finditer(line):
        yield reading.made("count", (("all", "voice"),), match.start(), match.end())
    for match in re.finditer(r"\bdrumless\b", line):
        yield reading.made("instrument", (("absent", "drums"),), match.start(), match.end())


def _idiom(text: str, before: str, after: str) -> bool:
    """Whether the name of an instrument says something else here."""
    return bool(
        (text in ("key", "keys") and not re.search(r"\b(?:neither|nor|no|or|,|and) $", before))
        or (
            text == "key"
            and re.match(r" (?:of|is|to|role|[a-g]\b|minor|major|sits|:|,|and|change|centre|signature)", after)
            and not re.search(r"\b(?:nor|or|string ,) $", before)
        )
        or (text == "keys" and re.search(r"\b(?:the|two|of) $", before) and "minor" in after)
        or (text == "kit" and "on fire" not in after and re.search(r"\btool $", before))
        or (text in ("fiddle",) and re.search(r"\b(?:fit as a|second|plays second) $", before))
        or (text in ("string", "strings") and re.match(r" (?:attached|of)\b", after))
        or (text == "strings" and re.search(r"\bpull\w* (?:the )?$", before))
        or (
            text in ("bells", "bell")
            and ("whistle" in after or re.search(r"\b(?:alarm|rings a) $", before) or re.match(r" and @", after))
        )
        or (text in ("whistle", "whistles") and re.search(r"(?:@\d+ and|clean as a) $", before))
        or (text in ("drums", "drum") and re.match(r" (?:up|roll|do the heavy)\b", after) and "do" not in after)
        or (
            text in ("trumpet", "horn", "horns")
            and re.search(r"\b(?:own|their own|his own|toot\w*|blow their own|lock|locks|word \"|word “|the word) $", before)
        )
        or (text in ("pipe", "pipes") and re.match(r" (?:up|dream|down)\b", after))
        or (text in ("brass", "wind", "organ", "piano") and re.match(r" (?:tacks|up\b|of change|down\b)", after))
        or (text == "wind" and not re.search(r"\b(?:neither|nor|or|no|and) $", before))
        or (text in ("voice", "voices") and re.search(r"\b(?:another|new) $", before))
        or (text == "kick" and re.match(r" (?:in|off|out|back|things)\b", after))
        or (text in ("celeste", "harp", "harps") and re.match(r" on (?:about|the same)", after))
        or (text == "triangle")
        or re.match(r" like\b(?! @)", after) is not None
        or re.search(
            r"\b(?:like an?|as high as an?|as low as an?|reminiscent of an?|resembling an?|where an?|expected "
            r"an?|asked for an?) $",
            before,
        )
        is not None
    )


def _denied_here(reading: Reading, at: int) -> bool:
    return any(first <= at < last for first, last in reading.absent)


def counts(reading: Reading) -> Iterator[Assertion]:
    """How many play."""
    line = reading.line
    for match in _COUNT_WORD.finditer(line):
        before, after = line[max(0, match.start() - 30) : match.start()], line[match.end() : match.end() + 20]
        start, stop = reading.sentence(match.start())
        if reading.supposed(match.start()) or _FOR_A_TIME.search(line[start:stop]) or re.search(r"\bbecom\w+", line[start:stop]):
            continue
        if kind := re.search(rf"(?P<who>{INST}) $", before):
            what = reading.kind_of(kind["who"])
            yield reading.made(
                "count",
                (("count", (_COUNTS[match["w"]], what)), ("count", (_COUNTS[match["w"]], ""))),
                match.start(),
                match.end(),
            )
            continue
        # Who starts as a trio may end as a quartet.
        if _STARTS_AS.search(before) or _GROWS.search(line[start:stop]):
            continue
        if re.search(r"\b(?:rhythm|power) $", before) and "rhythm" in before:
            continue
        if (match["w"] == "duet" and re.search(r"\bin $", before)) or re.match(r" (?:chord|texture)", after):
            continue
        yield reading.made("count", (("count", (_COUNTS[match["w"]], "")),), match.start(), match.end())
    for match in _ALONE.finditer(line):
        start, stop = reading.sentence(match.start())
        if _TIMING.search(line[start:stop]):
            continue
        if (
            match.group().startswith("solo")
            and re.search(rf"(?:{INST}|\b(?:a|an|the|guitar|,) ?) $", line[max(0, match.start() - 10) : match.start()])
            and re.search(INST, line[: match.start()])
        ):
            continue
        if re.search(r"#(\d+)", match.group()) and reading.value(re.search(r"#(\d+)", match.group()).group(1)) != 1:  # type: ignore[union-attr]
            continue
        said = True if "no one but" in match.group() or "nothing else" in match.group() else None
        told = [one for one in re.finditer(INST, line[start:stop]) if not _denied_here(reading, start + one.start())]
        named = len({reading.kind_of(one.group()) for one in told}) if "else" in match.group() else 1
        alone: tuple[tuple[str, Any], ...] = (("count", (max(named, 1), "")),)
        who = re.match(rf" (?:[a-z]+ )?({INST})", line[match.end() :]) if match.group().startswith("solo") else None
        if who and reading.kind_of(who[1]) == "guitar":
            alone += (("role", ("guitar", "melody")),)  # a lead guitar is also called a solo guitar
        if match.group() == "unaccompanied":
            alone += (("all", "voice"),)
        yield reading.made("count", alone, match.start(), match.end(), said=said)
    for match in re.finditer(
        r"\bhow many (?:instruments|players|musicians|parts)[^?]{0,20} \? (?:a : )?#(\d+)|\bwhich play \? #(\d+)", line
    ):
        value = reading.value(match[1] or match[2])
        yield reading.made("count", (("count", (int(value), "")),), match.start(), match.end())
    for match in re.finditer(rf"#(\d+) ,? ?(?:counting (?:the )?{INST}|in (?:all|total)|all told)", line):
        yield reading.made("count", (("count", (int(reading.value(match[1])), "")),), match.start(), match.end())
    for match in re.finditer(r"\b(?:group|ensemble|team|line up|lineup|cast|combo|party) of #(\d+)(?= ?[.,;:)]|$)", line):
        if not _FOR_A_TIME.search(line[slice(*reading.sentence(match.start()))]):
            yield reading.made("count", (("count", (int(min(reading.value(match[1]), 999)), "")),), match.start(), match.end())
    for match in _A_SECOND.finditer(line):
        if not reading.supposed(match.start()) and not reading.denied(match.start()):
            yield reading.made("count", (("least_of", (2, reading.kind_of(match["who"]))),), match.start(), match.end())
    for match in re.finditer(rf"\bboth ({INST})(?! and)", line):
        yield reading.made("count", (("count", (2, reading.kind_of(match[1]))),), match.start(), match.end(), said=True)
    for match in re.finditer(r"\b(?:full|whole|entire) (?:rock |jazz |pop )?band\b|\ba band of\b", line):
        yield reading.made("count", (("least", 3),), match.start(), match.end())
