"""Verbs of coming, of going, of sounding and of silence, as patterns; and what they say of players at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

ENTERS = (
    r"\b(?:(?:start|beg[ia]n)(?:s|n?ing)?(?: to)? (?:play|sing|sound)(?:ing)?|enter(?:s|ing|ed)?|join(?:s|ing|ed)?|com(?:es?|"
    r"ing) in(?!to)|com(?:es?|ing)(?= (?:only |just |about |around )?(?:#\d+ seconds?|at #|after #|halfway|midway|late)\b)|came "
    r"in|arriv(?:es?|ing|ed)|appear(?:s|ing|ed)?|"
    r"(?:slip|kick|drop|step|creep|com|chim|set|fad|jump|bl?end|sneak|break|burst|crash|burst|fall|mov|cut|pop|sail|glid|float|"
    r"weav|drift|wander|march|storm|steal|pil|filter|sweep|swoop|swell|eas|roll|rush|tiptoe|div|sidl|rid|chip|clock|check|stroll|"
    r"wad|barg)(?:es|e|s|ing|ping|ting)? in(?!to)|swell(?:s|ing)? up|tak(?:es?|ing) (?:its|their|a) (?:bow|place|cue|turn)|"
    r"(?:is|are|get(?:s|ting)?|being) (?:brought|ushered|let|woven|mixed|phased|layered) in|"
    r"(?<!the )(?<!the very )start(?:s|ing|ed)?(?! of\b)|(?<!the )beg(?:ins?|an|inning)|shows? up|pipes? up|turns? up|barges? in|"
    r"follow(?:s|ing|ed)?|add(?:s|ed|ing)?|emerg(?:es?|ing)|introduc(?:es?|ing|ed)|tak(?:es?|ing) over|strikes? up|steps? up|"
    r"gain(?:s|ing)?(?= (?:the |an? )?(?:[a-z]+ )?(?:bass)?@)|takes? up|takes? the (?:lead|melody|tune|stage)|entrance|entry|"
    r"entries|brings? in|first (?:heard|sounds|plays)|heard first|"
    r"made to wait|"
    r"debuts?|(?:is|are) (?:already )?(?:there|in place|on the scene)|gets? (?:going|started|under way)|sets? off|"
    r"makes? (?:its|their|an|his|her) (?:entrance|entry|appearance|debut)|layered|"
    r"cuts? through)\b"
)
LEAVES = (
    r"\b(?:(?:stops?|ceases?|finish(?:es)?)(?: to)? (?:play|sing|sound)(?:ing)?|leaves?|leaving|left|drop(?:s|ped|"
    r"ping)? (?:out|away)|stop(?:s|ping|ped)?|depart(?:s|ed|ing)?|bow(?:s|ed|ing)? out|"
    r"exit(?:s|ing|ed)?|f(?:alls?|ell|alling) silent|(?<!the )(?<!very )(?<!low )(?<!bottom )(?<!top )ends?|disappear(?:s|ed|"
    r"ing)?|vanish(?:es|ed)?|"
    r"hands? over|cuts? out|"
    r"go(?:es)? (?:silent|quiet)|falls? quiet|(?:is|are) gone|ceases?|retires?|steps? out|quits?|finish(?:es|ed)?|ma(?:de|"
    r"kes?) way|withdraws?|"
    r"falls? away|fades? out|bows? off)\b"
)
SOUNDS = (
    r"\b(?:play(?:s|ing|ed)?|heard|sound(?:s|ing)?|audible|present|holds?|sustains?|solo(?:s|es|ing)?|silent|sit(?:s|ting)? "
    r"(?:it )?out|rest(?:s|ing)?|happens?|occurs?|bid(?:es|ing)|"
    r"remains?|continues?|lingers?|carries on|goes on|keep(?:s)? going|persists?|blows?|hear|runs?|absent|missing|waits?|"
    r"hold(?:s)? (?:back|off)|hangs? back|lays? out|lies? low|keeps? (?:out|away|back|off)|sings?|singing|carr(?:y|ies|ying)|"
    r"has|have|takes?|stays?|is|are|belongs?|leads?|wails?|keeps?)\b"
)
EVENT = re.compile(f"(?P<enters>{ENTERS})|(?P<leaves>{LEAVES})|(?P<sounds>{SOUNDS})")
SILENT = re.compile(
    r"\b(?:silent|nowhere|sit(?:s|ting)? (?:it )?out|keep(?:s|ing)? (?:quiet|silent|still|mum|out of (?:it|the way|things))|"
    r"bid(?:es|ing) (?:its|their|his|her) time|rest(?:s|ing)|waits?|waiting|wait|absent|missing|mute|(?:stay|hang|lay|lie|keep|"
    r"remain)(?:s|ing)? (?:out|away|back|low|off)|hold(?:s|ing)? (?:back|"
    r"off)|held back|"
    r"(?:not|never|[a-z]+n't|no longer)(?: [a-z]+){0,2} (?:heard|play|sound|sing|present|there|audible|playing|plays))\b"
)


@dataclass(frozen=True, slots=True)
class Event:
    """Players (all of them) who enter, leave, sound or are silent ("" if not said) at a time.

    `unit` is "s" for seconds from the start, "e" from the end, "f" for shares of the clip, "r" for seconds between two events;
    `kept` if they do it for so long; `by` if they have done it by then; `only` if at no other time; `changes` if a change of key,
    tempo or metre may be meant.
    """

    who: tuple[str, ...]
    how: str
    unit: str
    low: float
    high: float
    kept: bool = False
    by: bool = False
    only: bool = False
    changes: bool = False
