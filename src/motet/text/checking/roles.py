"""Who has the melody, the chords or the bass line, who leads and who accompanies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from motet.text.checking.reading import INST, Assertion, Reading

_DET = r"(?:the |a |an |its |their |some |this |that |her |his )?"

_MEL = (
    r"(?:(?:main |principal |lead |top |leading |primary |whole )?(?:melod(?:y|ies|ic line|ic "
    r"lead|ic role)|tunes?|themes?)(?: (?:line|part|lead|role))?|lead(?: (?:line|part|melody|role|"
    r"voice))?(?! (?:guitar|synth)|s\b| @)|top line|topline|(?:main|principal|leading|melodic) line)"
)
_CHO = (
    r"(?:chords?(?: (?:work|part|progression|pattern|changes))?|chordal [a-z]+|harmon(?:y|ies)"
    r"|harmonic (?:support|bed|backing)|comping)"
)
_BAS = (
    r"(?:bass@\d+ (?:lines?|parts?|role|notes|foundation|duty|duties)|bass@\d+(?! (?:guitar|register|"
    r"drum))|(?:bottom|low) (?:line|end)|bassline)"
)
_PAD = r"(?:sustained (?:pads?|chords|harmonies)|background pads?)"
_ROLE = rf"(?:(?P<melody>{_MEL})|(?P<chords>{_CHO})|(?P<bassrole>{_BAS})|(?P<pad>{_PAD}))"
_DOES = (
    r"(?:plays?|playing|carr(?:y|ies|ying)|has|have|having|had|takes?(?: over| charge of| up| "
    r"on| care of)?|taking(?: over| up| on)?|holds?(?: down)?|handles?|suppl(?:y|ies|ying)|provid(?:es?|"
    r"ing)"
    r"|sings?|singing|deliver(?:s|ing)?|leads?(?: with)?|leading(?: with)?|brings?(?: in)?|bringing(?: "
    r"in)?|keeps?|gets?|owns?|states?|performs?|anchors?|outlines?|lays? down|laying down|is on|"
    r"are on|on|with|in charge of|is responsible for|is given|is assigned|contribut(?:es?|ing)"
    r"|offers?|offering|spins?|intones?|pick(?:s|ing)?(?: up| out)?|assumes?|claims?|whistles?|croons?|shoulders?|"
    r"does|doing|fill(?:s|ing)?(?: in| out)?|spell(?:s|ing)? out|mark(?:s|ing)?(?: out)?|strik(?:es|ing)|strum(?:s|ming)?|"
    r"pluck(?:s|ing)?(?: out)?|finger ?picks?|hammer(?:s|ing)? out|comp(?:s|ing)|holding|handling|outlining|anchoring|stating|"
    r"spinning|intoning|owning|giv(?:es|ing)|sound(?:s|ing)|walk(?:s|ing)|pump(?:s|ing)(?: out)?|unfurls?|tackles?|bears?|runs?|"
    r"render(?:s|ing)?|rolls out|pounds out|traces?|tracing|"
    r"presents?|presenting|articulates?|covers?|covering|performs?|performing|serv(?:es?|ing) "
    r"as|acts? as|supports? with|blows?|enters (?:with|on)|joins (?:with|on)|comes in with|arrives "
    r"(?:with|on)|steps in with|responds with|strikes up|unfolds|wields)"
)
_SUBJECT = (
    rf"(?:(?P<other>{INST}) (?:and|,) (?:the |a |an )?)?(?P<who>{INST})(?: , (?!and\b|while\b|with\b|then\b|but\b)[a-z]+ ,)?"
)
_PLAYS = re.compile(
    rf"{_SUBJECT}(?: (?:player|section|part))?(?: ,)?(?: (?:which|that|who|alone|also|then|always|"
    rf"here|just|only|still|[a-z]+ly|now|first|meanwhile|later|there|above|is|'s))?(?: "
    rf",)? {_DOES} (?:(?!and\b|over\b|with\b|at\b|beneath\b|under\b|against\b)[a-z']+ ){{0,4}}?{_ROLE}"
)
_DIRECT = re.compile(
    rf"(?P<who>{INST})(?: 's)? (?:(?!and\b|or\b|on\b|with\b|the\b|plays?\b|in\b|over\b|but\b|while\b|"
    rf"as\b|for\b|to\b|has\b|takes?\b|is\b|are\b|at\b|no\b|from\b|of\b|under\b|beneath\b|joins?\b|"
    rf"enters?\b|its\b|a\b|follows?\b)[a-z]+ )?(?P<rest>{_MEL}|{_CHO}|bass@\d+ (?:lines?|parts?)"
    rf"|bassline)"
)
_ELLIPSIS = re.compile(
    rf"(?:,|and|;|but) (?:a |an |the )?(?:[a-z]+ ){{0,2}}?(?P<who>{INST})(?: , (?:and )?(?:not|rather than) (?:the |an? "
    rf")?{INST} ,)? "
    rf"(?:on |with )?(?:the "
    rf"|its |a |some )(?:[a-z]+ )?{_ROLE}(?= [.,;:)]| and | in | with |$|\n)"
)
_BESIDE = (
    r"(?:support|accompan|back|answer|follow|driven|underpin|doubl|join|shadow|echo|cushion|held|surround|frame|ground|"
    r"decorat|interrupt|propel|anchor|mirror|match|help|complement|colou?r|punctuat)[a-z]*\b"
)
_HANDED = (
    r"(?:(?:en)?trusted|assigned|handed(?: over| down| on| out)?|passed(?: on| over)?|allott?ed|delegated|allocated|awarded|"
    r"granted|"
    r"committed|confided|reserved|ceded|relegated|fall(?:s|ing|en)|fell|belonging|going|given)"
)
_PASSIVE = re.compile(
    rf"{_ROLE}(?: ,(?= (?:which (?:is|are) )?(?:[a-z]+ly )?(?:{_HANDED} to|(?:played|carried|sung|taken|performed|stated|"
    rf"delivered|held|led|voiced|whistled|intoned|provided|supplied|picked|spun|traced|shaped) (?:out )?by|played on|in the "
    rf"hands)))?"
    rf"(?: which)?(?:(?: (?!and\b|with\b|over\b|for\b|in\b|{_BESIDE})[a-z']+){{0,4}}? (?:by|in the hands of)|(?: (?:is|are|line|"
    rf"part|"
    rf"played|carried|"
    rf"performed|taken|sung|heard|here|now|always|mostly|solely|throughout|itself|too|and)){{0,4}} on|(?: (?!and\b|with\b|over\b|"
    rf"for\b)[a-z']+){{0,4}}? (?:belongs? to|falls? "
    rf"to|(?:passes|moves|shifts|switches|migrates|wanders|travels|transfers|hops) (?:over |across )?to|given (?:over )?to|goes "
    rf"to|left to|{_HANDED} to|in the (?:care|charge|keeping) of|up to|(?:the )?(?:job|task|province|"
    rf"property|business|domain|responsibility|preserve|work|charge|duty) of|comes? from|taken by|passes from|is "
    rf"(?:with|in)|lies (?:with|in)|(?:sits|stays|remains|resides|lives) (?:with|in)|rests (?:with|in|on))) "
    rf"{_DET}(?:(?!top\b)[a-z]+ )?(?P<who>{INST})"
)
_LED = re.compile(
    rf"(?:\b(?:led|fronted|headed|dominated|guided) by {_DET}(?:[a-z]+ )?(?P<who>{INST})|(?P<who2>{INST})"
    rf"(?: (?:player|section))?(?: ,)? (?:leads(?! (?:into|to)\b| (?:with )?(?:the |a )?(?:{_CHO}|{_BAS}|{_PAD}))|(?:is "
    rf"|are |neither absent nor )?in the lead\b|out front|takes? the lead\b|to the fore|"
    rf"takes? centre stage)|\blead instrument (?:is|being) {_DET}(?P<who4>{INST})|(?<!by )\blead (?P<who3>{INST}))"
)
_QUESTION = re.compile(
    rf"(?:plays?|has|carries|takes|holds|is on|gets|handles) (?:the |a )?{_ROLE} \? (?:a : )?(?:the |a |an )?(?P<who>{INST})"
    r"(?!\d| (?:parts?|lines?|role)\b)"
)
# "Melody: trumpet", "trumpet (melody)".
_LABELLED = re.compile(rf"(?:(?<![^ ])|^){_ROLE} : (?:the |an? )?(?P<who>{INST})(?= [.,;|\n]| and |$)")
_BRACKETED = re.compile(rf"(?P<who>{INST}) \( (?:the )?{_ROLE} \)")
# "Handed to the tuba is the melody", "the flute is entrusted with the tune", "it falls to the oboe to carry the tune".
_GIVEN = re.compile(
    rf"(?P<who>{INST}) (?:is |are |being |gets |was )?(?:entrusted|tasked|charged|left|given|assigned|handed|allotted|awarded|"
    rf"responsible|saddled)(?: (?:with|for))?(?: (?!and\b|no\b)[a-z']+){{0,3}}? {_ROLE}"
)
_FALLS_TO = re.compile(
    rf"\b(?:falls|left|up|fell|handed|given|entrusted) to {_DET}(?:[a-z]+ )?(?P<who>{INST}) to (?:[a-z]+ ){{1,4}}?{_ROLE}"
)
_HANDS_OVER = re.compile(
    r"\b(?:hand(?:s|ed|ing)?|pass(?:es|ed|ing)?|giv(?:es?|ing)|entrust(?:s|ing)?|leav(?:es?|ing)|assign(?:s|ing)?|lends?|"
    r"ced(?:es?|"
    rf"ing)|surrender(?:s|ing)?|yield(?:s|ing)?) (?:the |its |their |this )?{_ROLE} (?:over )?(?:to|with) {_DET}(?:[a-z]+ "
    rf")?(?P<who>{INST})"
)
# "In charge of the tune is the organ".
_INVERTED = re.compile(
    r"\b(?:in charge of|responsible for|carrying|playing|singing|taking|handling|providing|supplying|holding(?: down)?|bearing|"
    rf"delivering|tasked with|entrusted with|behind) (?:the |its )?{_ROLE} (?:here )?(?:is|are|comes|stands?|sits|we (?:find|"
    rf"hear)) "
    rf"{_DET}(?:[a-z]+ )?(?P<who>{INST})"
)
_COMPS = re.compile(rf"(?P<who>{INST})(?: [a-z]+)? (?:comps\b|comping\b)")
_ACCOMPANIES = re.compile(
    rf"(?P<who>{INST})(?: (?:and|,) (?:the )?{INST})*(?: [a-z]+ly| merely| only| just)? accompan(?:y|ies)\b(?! (?:the|an?|it|"
    rf"them)\b)"
)
_BACKED = re.compile(rf"\b(?:accompanied|backed|supported|underpinned) by {_DET}(?:[a-z]+ )?(?P<who>{INST})")


# "… with a tune on the flute" is the flute's.
_ON_ANOTHER = re.compile(
    rf" (?:is |are |played |heard |sung |carried |entrusted )?(?:on|by|from|in) {_DET}(?:[a-z]+ )?(?P<who>{INST})"
)
_ASIDE = re.compile(
    rf"(?P<who>{INST}) , (?:(?!and\b|then\b)[a-z']+ ){{0,4}}(?:by|with|over|under|beneath|above|against|alongside|beside|like|"
    rf"to|not|than|"
    r"behind) (?:[a-z']+ ){0,3}$"
)
_TOGETHER = re.compile(
    rf"(?P<all>{INST}(?: , (?:the |a |an )?{INST}){{0,6}}(?: ,)? and (?:the |a |an )?{INST}) ,? ?(?:[a-z]+ly )?"
    r"(?:play|perform|deliver|offer|present|sing|sound|render|playing|performing|offering) (?:an? |some )"
)


def _role_of(match: re.Match[str]) -> str:
    groups = match.groupdict()
    return (
        "melody"
        if groups.get("melody")
        else "chords"
        if groups.get("chords")
        else "bass"
        if groups.get("bassrole")
        else "pad"
        if groups.get("pad")
        else ""
    )


def roles(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    found: dict[tuple[int, str], Assertion] = {}

    def add(who: str, at: int, role: str, begin: int, end: int) -> None:
        if any(first <= at < last for first, last in reading.absent):
            return
        if who and role and not re.fullmatch(rf"{INST}", role):
            what = reading.kind_of(who)
            key = (at, role)
            if key not in found and what:
                found[key] = reading.made("role", (("role", (what, role)),), begin, end, said=not (reading.denied(end - 1)))

    for pattern in (_QUESTION, _PLAYS, _ELLIPSIS):
        for match in pattern.finditer(line):
            role = _role_of(match)
            if role == "bass" and (bass := match["bassrole"]) and bass.startswith("bass@"):
                # "with guitar, bass and drums" names a player; "on bass" and "the bass line" a role.
                tail = line[: match.start("bassrole")].split(" ")[-2:]
                plain = re.fullmatch(r"bass@\d+", bass)
                if plain and not (
                    tail[-2] in ("on", "the", "a", "for")
                    and (
                        pattern is not _PLAYS
                        or re.search(
                            r"\b(?:on|plays?|playing|tak(?:es?|ing)|ha(?:s|ve|ving)|carr(?:y|ies|ying)|suppl(?:y|ies|ying)|"
                            r"anchor(?:s|ing)?|hold(?:s|ing)? down|provid(?:es?|ing)|handl(?:es?|ing)|mark(?:s|ing)|giv(?:es|"
                            r"ing)|"
                            r"fill(?:s|ing) in|contribut(?:es|ing)|deliver(?:s|ing)|lay(?:s|ing) down)(?: the)? $",
                            line[: match.start("bassrole")],
                        )
                    )
                ):
                    continue
                if (
                    plain
                    and re.match(r" (?:and|,) (?:the |a )?(?:bass)?@", line[match.end() :])
                    and tail[-2] != "the"
                    and tail[-2] != "on"
                ):
                    continue
            if role == "chords" and re.match(r" (?:are|is|go|run|of the)\b", line[match.end() :]) and pattern is _ELLIPSIS:
                continue
            if role == "chords" and re.search(r"\bin (?:[a-z]+ )?harmony$", match.group()):
                continue
            if pattern is _QUESTION and re.search(r"\b(?:doesn't|not|isn't)\b", match.group()):
                continue
            if match["who"] == (match.groupdict().get("bassrole") or ""):
                continue
            if pattern is _PLAYS and (on := _ON_ANOTHER.match(line, match.end())) and not line[match.end()].startswith(on["who"]):
                continue
            # "A choir, softly accompanied by an organ, sings a melody": the choir does.
            if pattern is _PLAYS and line.startswith(" ,", match.end("who")):
                aside = _ASIDE.search(line[max(0, match.start("who") - 80) : match.start("who")])
                if aside:
                    add(aside["who"], match.start("who"), role, match.start(), match.end())
                    continue
            group = _TOGETHER.search(line, max(0, match.start("who") - 120), match.end())
            if pattern is _PLAYS and role == "melody" and group and group.end() > match.end("who"):
                # "Viola and cello play a slow melody": one of them may.
                meanings = tuple(("role", (reading.kind_of(one), role)) for one in re.findall(INST, group["all"]))
                found[match.start("who"), role] = reading.made("role", meanings, match.start(), match.end())
                continue
            add(match["who"], match.start("who"), role, match.start(), match.end())
            other = match.groupdict().get("other")
            if (
                other
                and pattern is _PLAYS
                and re.search(
                    rf"{re.escape(match['who'])}(?: \w+)? (?:play|carry|share|have|take|both|sing|double|provide|supply)\b",
                    match.group(),
                )
            ):
                add(other, match.start("other"), role, match.start(), match.end())
    taken = {at for at, _ in found}
    for match in _DIRECT.finditer(line):
        rest = match["rest"]
        role = "bass" if rest.startswith("bass") else "chords" if re.match(_CHO, rest) else "melody"
        if (
            match.start() not in taken
            and not re.match(rf"{INST}$", rest)
            and not (rest.startswith("bass") and match["who"] == rest.split(" ")[0])
        ):
            if rest == "lead" and re.match(r" @|s\b", line[match.end() :]):
                continue
            add(match["who"], match.start(), role, match.start(), match.end())
    for match in _PASSIVE.finditer(line):
        role = _role_of(match)
        head = line[max(0, match.start() - 60) : match.start()]
        if role == "bass" and re.fullmatch(r"bass@\d+", match["bassrole"] or ""):
            continue
        if re.search(
            rf"{INST}(?: [a-z']+){{0,2}} (?:plays?|carr(?:ies|y|ying)|ha(?:s|ve|ving)|tak(?:es?|ing)|holds?|with|on|playing) "
            rf"(?:the |a )?$",
            head,
        ):
            continue
        if match.start("who") not in taken:
            add(match["who"], match.start("who"), role, match.start(), match.end())
    for match in _LED.finditer(line):
        name = next((one for one in ("who", "who2", "who3", "who4") if match[one]), "")
        if name == "who3" and re.match(r"(?: \w+)?(?: drenched| playing)?", line[match.end() :]) is None:
            continue
        if match.start(name) not in taken:
            add(match[name], match.start(name), "melody", match.start(), match.end())
    for pattern in (_LABELLED, _BRACKETED, _GIVEN, _FALLS_TO, _HANDS_OVER, _INVERTED):
        for match in pattern.finditer(line):
            player = pattern in (_GIVEN, _FALLS_TO, _HANDS_OVER, _INVERTED) and re.fullmatch(r"bass@\d+", match["bassrole"] or "")
            if player and not line[: match.start("bassrole")].endswith(" the "):
                continue
            add(match["who"], match.start("who"), _role_of(match), match.start(), match.end())
    for match in _COMPS.finditer(line):
        add(match["who"], match.start(), "chords", match.start(), match.end())
    for match in (*_BACKED.finditer(line), *_ACCOMPANIES.finditer(line)):
        add(match["who"], match.start("who"), "accompaniment", match.start(), match.end())
    yield from found.values()
