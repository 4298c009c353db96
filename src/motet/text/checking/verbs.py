"""Verbs of coming, of going, of sounding and of silence, as patterns."""

from __future__ import annotations

import re

ENTERS = (
    r"\b(?:(?:start|beg[ia]n)(?:s|n?ing)?(?: to)? (?:play|sing|sound)(?:ing)?|enter(?:s|ing|ed)?|join(?:s|ing|ed)?|com(?:es?|"
    r"ing) in(?!to)|com(?:es?|ing)(?= (?:only |just |about |around )?(?:#\d+ seconds?|at #|after #|halfway|midway|late)\b)|came "
    r"in|arriv(?:es?|ing|ed)|appear(?:s|ing|ed)?|"
    r"(?:slip|kick|drop|step|creep|com|chim|set|fad|jump|bl?end|sneak|break|burst|crash|burst|fall|mov)(?:es|e|s|ing)? in(?!to)|"
    r"(?<!the )(?<!the very )start(?:s|ing|ed)?(?! of\b)|(?<!the )beg(?:ins?|an|inning)|shows? up|pipes? up|turns? up|barges? in|"
    r"follow(?:s|ing|ed)?|add(?:s|ed|ing)?|emerg(?:es?|ing)|introduc(?:es?|ing|ed)|tak(?:es?|ing) over|strikes? up|steps? up|"
    r"takes? the (?:lead|melody|tune|stage)|entrance|entry|entries|brings? in|first (?:heard|sounds|plays)|heard first|"
    r"made to wait|"
    r"debuts?|(?:is|are) (?:already )?there|makes? (?:its|their|an|his|her) (?:entrance|entry|appearance|debut)|layered|"
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
    r"hold(?:s)? (?:back|off)|sings?|singing|carr(?:y|ies|ying)|has|have|takes?|stays?|is|are|belongs?|leads?|wails?|keeps?)\b"
)
EVENT = re.compile(f"(?P<enters>{ENTERS})|(?P<leaves>{LEAVES})|(?P<sounds>{SOUNDS})")
SILENT = re.compile(
    r"\b(?:silent|nowhere|sit(?:s|ting)? (?:it )?out|keep(?:s|ing)? (?:quiet|silent|still|mum|out of (?:it|the way|things))|"
    r"bid(?:es|ing) (?:its|their|his|her) time|rest(?:s|ing)|waits?|waiting|wait|absent|missing|mute|hold(?:s|ing)? (?:back|"
    r"off)|held back|"
    r"(?:not|never|[a-z]+n't|no longer)(?: [a-z]+){0,2} (?:heard|play|sound|sing|present|there|audible|playing|plays))\b"
)
