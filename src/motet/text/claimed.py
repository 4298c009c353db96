"""Every checkable thing that a caption asserts. Patterns run on the short form of a `Reading` (`@n` instrument, `#n` number)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from motet.text.claims import Assertion, Mention, Reading

INST = r"(?:bass)?@\d+"
_PLACE = re.compile(r"@(\d+)")
_DET = r"(?:the |a |an |its |their |some |this |that |her |his )?"

# --- numbers and what follows them
_NOUNS = "instruments?|players?|musicians?|performers?|people|piece(?= )|parts|members|instrumentalists|persons|hands"
_BPM = re.compile(
    r" (?:\w+ ){0,2}?(?:bpm\b|b \. p \. m|beats? (?:per|a|to the|each|every|in a) (?:single )?minute|"
    r"(?:of those )?(?:to the|a|per) minute|(?:\w+ )?(?:crotchets|quarters|quarter notes|beats|"
    r"taps|pulses) (?:per|a|to the|each|every) minute|beats (?=[.,;:)]))"
)
_PER_SECOND = re.compile(
    r" (?:(?:or|and) (?:more|so) )?(?:\w+ ){0,2}?(?:(?:notes?|events?|onsets?) )?(?:and more |"
    r"or so |or more )?(?:per|a|every|each) second\b"
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

# --- keys, chords
_NOTE = re.compile(
    r"(?<![A-Za-z'’#♭♯])(?P<tonic>[A-G])(?:(?P<acc>[#♯♭]|b(?![a-z]))|[ -](?P<accword>flat|sharp)(?!ly)\b)?"
    r"(?:(?P<sym>(?:maj|min|m|M(?=\d)|dim|aug|sus|add|°|ø|\+)?\d{0,2}(?:sus[24]|b5|#5|b9|#9|maj7|add9)?)(?![A-Za-z\d]))"
    r"(?P<rest>(?:[ -](?:major|minor|dominant|diminished|half-diminished|augmented|suspended|seventh?|"
    r"seven|ninth|nine|sixth|six|power|fifth|eleventh|thirteenth|maj|min)(?![A-Za-z]))*)"
    r"(?:/[A-G][b#♭♯]?(?![A-Za-z]))?"
)
_PITCH = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MODE = re.compile(
    r"\b(?P<mode>major|minor)\b(?= (?:key\b|mode|tonality|scale|in (?:mode|key|tonality)|keys|"
    r"harmon|sounding|chords? progression|key progression|feel|flavou?r|tinged|side)|s? ?(?:[.,"
    r";:)(]|$)| (?:and|at|with|nor|or)\b)"
)
_MODE_BEFORE = re.compile(
    r"(?:^|[.,;:(] |\b(?:in|in an?|neither|nor|not|mode is|mode :|key :|tonality :|is|and|its|"
    r"or|a|the|mode|thoroughly|resolutely|firmly|decidedly|it's|nor|but) )$"
)

# --- roles
_MEL = (
    r"(?:(?:main |principal |lead |top |leading |primary |whole )?(?:melod(?:y|ies|ic line|ic "
    r"lead|ic role)|tunes?|themes?)(?: (?:line|part|lead|role))?|lead(?: (?:line|part|melody|role|"
    r"voice))?(?! (?:guitar|synth)|s\b| @)|top line|topline)"
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
    r"|offers?|offering|spins?|intones?|picks? (?:up|out)|assumes?|claims?|whistles?|croons?|shoulders?|"
    r"does|doing|fills|tackles?|bears?|runs?|render(?:s|ing)?|rolls out|pounds out|traces?|tracing|"
    r"presents?|presenting|articulates?|covers?|covering|performs?|performing|serv(?:es?|ing) "
    r"as|acts? as|supports? with|blows?|enters (?:with|on)|joins (?:with|on)|comes in with|arrives "
    r"(?:with|on)|steps in with|responds with|strikes up|unfolds|wields)"
)
_SUBJECT = rf"(?:(?P<other>{INST}) (?:and|,) (?:the |a |an )?)?(?P<who>{INST})"
_PLAYS = re.compile(
    rf"{_SUBJECT}(?: (?:player|section|part))?(?: ,)?(?: (?:which|that|who|alone|also|then|always|"
    rf"here|simply|mostly|softly|quietly|gently|now|first|meanwhile|later|there|above|is|'s))?(?: "
    rf",)? {_DOES} (?:(?!and\b|over\b|with\b|at\b|beneath\b|under\b|against\b)[a-z']+ ){{0,4}}?{_ROLE}"
)
_DIRECT = re.compile(
    rf"(?P<who>{INST})(?: 's)? (?:(?!and\b|or\b|on\b|with\b|the\b|plays?\b|in\b|over\b|but\b|while\b|"
    rf"as\b|for\b|to\b|has\b|takes?\b|is\b|are\b|at\b|no\b|from\b|of\b|under\b|beneath\b|joins?\b|"
    rf"enters?\b|its\b|a\b|follows?\b)[a-z]+ )?(?P<rest>{_MEL}|{_CHO}|bass@\d+ (?:lines?|parts?)"
    rf"|bassline)"
)
_ELLIPSIS = re.compile(
    rf"(?:,|and|;|but) (?:a |an |the )?(?:[a-z]+ ){{0,2}}?(?P<who>{INST}) (?:on |with )?(?:the "
    rf"|its |a |some )(?:[a-z]+ )?{_ROLE}(?= [.,;:)]| and | in | with |$|\n)"
)
_PASSIVE = re.compile(
    rf"{_ROLE}(?:(?: (?!and\b|with\b|over\b|for\b)[a-z']+){{0,4}}?) (?:by|on|belongs? to|falls? "
    rf"to|given to|goes to|left to|entrusted to|assigned to|comes? from|taken by|passes from|is "
    rf"(?:with|in)|lies (?:with|in)|sits in|rests (?:with|in)) {_DET}(?:(?!top\b)[a-z]+ )?(?P<who>{INST})"
)
_LED = re.compile(
    rf"(?:\b(?:led|fronted|headed|dominated|guided) by {_DET}(?:[a-z]+ )?(?P<who>{INST})|(?P<who2>{INST})"
    rf"(?: ,)? (?:leads(?! (?:into|to)\b| (?:with )?(?:the |a )?(?:{_CHO}|{_BAS}|{_PAD}))|(?:is "
    rf"|are |neither absent nor )?in the lead\b|out front|takes? the lead\b|to the fore|"
    rf"takes? centre stage)|(?<!by )\blead (?P<who3>{INST}))"
)
_QUESTION = re.compile(
    rf"(?:plays?|has|carries|takes|holds|is on|gets|handles) (?:the |a )?{_ROLE} \? (?:a : )?(?:the |a |an )?(?P<who>{INST})"
)
_COMPS = re.compile(rf"(?P<who>{INST})(?: [a-z]+)? (?:comps\b|comping\b)")
_BACKED = re.compile(rf"\b(?:accompanied|backed|supported|underpinned) by {_DET}(?:[a-z]+ )?(?P<who>{INST})")

# --- events
_ENTERS = (
    r"\b(?:enters?|entering|entered|joins?|joining|joined|comes? in(?!to)|coming in(?!to)|came "
    r"in|arrives?|arriving|appears?|appearing|slips? in|kicks? in|(?<!the )(?<!the very )starts?(?! "
    r"of\b)|starting|(?<!the )begins?|shows? up|pipes? up|barges? in|follows?|following|added|"
    r"adds?|drops? in(?!to)|turns? up|emerges?|is introduced|are introduced|introduces|introducing|"
    r"steps? in|creeps? in|takes? over|needs?|waits?|takes the|sets? in|chimes? in|strikes? up|"
    r"there|entrance|entry|entries|brings?)\b"
)
_LEAVES = (
    r"\b(?:leaves?|leaving|left|drops? out|dropping out|drop away|stops?|stopping|departs?|bows? "
    r"out|exits?|exiting|falls? silent|fall silent|falling silent|ends?|disappears?|vanish(?:es)"
    r"?|hands? over|cuts? out|goes silent|go silent|is gone|are gone|ceases?|retires?|steps? out|"
    r"quits?|finish(?:es)?|made way|makes way|withdraws?)\b"
)
_SOUNDS = (
    r"\b(?:plays?|playing|heard|sounds?|sounding|audible|present|holds?|sustains?|solo(?:s|es)"
    r"?|silent|only|sits out|remains?|continues?|lingers?|carries on|goes on|keeps going|persists?|"
    r"blows?|hear|runs?)\b"
)
_EVENT = re.compile(f"(?P<enters>{_ENTERS})|(?P<leaves>{_LEAVES})|(?P<sounds>{_SOUNDS})")
_WHEN = re.compile(
    r"(?P<lastn>\b(?:the )?(?:last|final) (?:few|#(?P<ln>\d+)) (?:seconds?|s\b)(?! of))"
    r"|(?P<lastfew>\b(?:the )?(?:last|final|closing) (?:seconds?|moments|bars?)\b)"
    r"|(?P<firstn>\b(?:the )?(?:(?:very )?first|opening) (?:few|#(?P<fn>\d+)) (?:seconds?|s)\b)"
    r"|(?P<ntolast>#(?P<nt>\d+) seconds? (?:(?:before|from) the (?:end|close|finish)|left|remaining|to go|to spare))"
    r"|(?P<mark>\b(?:second|at|@) #(?P<mk>\d+)(?= [.,;:)]|$))"
    r"|(?P<sec>#(?P<s1>\d+)(?: (?:or|to|and) #(?P<s2>\d+))?(?: or so)? (?:seconds?|secs?|sec|s)\b)"
    r"|(?P<min>#(?P<m1>\d+) minutes?\b)"
    r"|(?P<threequarters>#\d+ quarters?(?: of the way)?(?: (?:through|in))?|\bthree fourths)"
    r"|(?P<twothirds>#(?P<tt>\d+) thirds?(?: of the way)?)"
    r"|(?P<lastq>\b(?:last|final|fourth) quarter\b)|(?P<firstq>\b(?:first|opening) quarter\b)|"
    r"(?P<lastt>\b(?:last|final) third\b)|(?P<firstt>\b(?:first|opening) third\b)|(?P<midt>\b(?:the "
    r")?(?:middle|second) third\b|\b(?:the )?middle section\b)"
    r"|(?P<quarter>\b(?:a|the|one|#\d+|after|at a) (?:first )?quarter\b(?: (?:of the way|through|"
    r"in))?(?! (?:note|of an hour|of a minute|of the minute)))"
    r"|(?P<third>\b(?:a|the|#\d+) third\b of the way)"
    r"|(?P<second_half>\b(?:second|latter|other) half\b|\bin the second(?= [.,;:]|$))|(?P<first_half>\bfirst half\b)"
    r"|(?P<half>\b(?:halfway|half way|midway|mid way|midpoint|mid point|the middle|half time|at "
    r"half|half past|half the clip|half of the clip|midst|half is|middle on|middle third)\b)"
    r"|(?P<untilend>\b(?:until|till|to|through to|up to|right to|right up to) the (?:very |bitter "
    r")?(?:end|finish|(?:last|final)(?: second| note| bar| chord| moment| beat)?(?! #| \w+ (?:seconds|"
    r"bars))|close)\b)"
    r"|(?P<end>\b(?:at|near|towards?|by|before) the (?:very )?(?:end|close|finish|conclusion)\b|"
    r"\bat the last (?:moment|second|minute)|\blate on\b|\bvery end\b)"
    r"|(?P<start>\b(?:(?:at|from|right at|since|right from) (?:the )?(?:very )?(?:start|beginning|"
    r"outset|off|top|first(?: second| bar| note| beat| moment)?|word go)|(?<!notes )at once|immediately|"
    r"straight away|from first to last|from the (?:very )?first [a-z]+|first bar|instantly)\b)"
)
_THROUGHOUT = re.compile(
    rf"(?P<who>{INST})(?: (?!and\b|while\b|with\b)[a-z']+){{0,5}}? (?:throughout|from start to "
    rf"finish|from beginning to end|from first to last|the whole time|all the way through|all along|"
    rf"without (?:a )?(?:break|pause|interruption))\b"
)
_BEFORE = re.compile(
    rf"(?P<who>{INST})(?P<gap>(?: (?:(?!and\b|but\b|while\b)[a-z']+|,)){{0,7}}?) (?P<how>before|"
    rf"after|ahead of|earlier than|later than|prior to|preceded by|followed by|precedes?|is followed "
    rf"by|follows on|preceding)(?P<gap2> (?:(?:the|a|an|its|that|any|other|both|only)|[a-z]+ing|"
    rf"[a-z]+)){{0,3}} (?P<whom>{INST})"
)
_AFTERWARDS = re.compile(
    rf"(?:^|[.;:!?,] |\band )(?P<how>after|once|following|before) (?:the |a |an )?(?P<one>{INST})"
    rf"(?P<gap>(?: (?!{INST}|and\b|[.;:!?])[^\s]+){{0,7}}?) (?:the |a |an |another |its )?(?:[a-z]+ "
    rf")?(?P<two>{INST})(?: [a-z]+)? (?=(?:enters?|joins?|comes?|arrives?|follows?|starts?|begins?|"
    rf"plays?|takes|appears?|is|are|kicks?|slips?|makes|adds?|brings?|has|have|can|[.,;:!])(?: "
    rf"|$))"
)
_TO = r"(?: (?:the|a|an|another|its|his|their))?(?: [a-z]+)?"
_PAIRS = (
    (
        re.compile(
            rf"(?P<one>{INST})(?: (?:is|are))?(?: (?:soon|later|then|eventually|promptly|quickly|first|"
            rf"finally))? joined(?: (?:[a-z]+|#\d+)){{0,5}} by{_TO} (?P<two>{INST})"
        ),
        False,
        ("enters",),
    ),
    (
        re.compile(
            rf"(?P<one>{INST})(?: [a-z]+)? (?:gives? way to|makes? way for|hands? (?:over|off|on) to|hands? "
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
    (re.compile(rf"(?P<one>{INST})(?: [a-z]+){{0,3}} and only then{_TO} (?P<two>{INST})"), False, ("enters",)),
)
_RANKED = re.compile(
    rf"\b(?:the )?(?P<rank>first|second|third|fourth|last|final)(?: of all)?(?: (?:instrument|voice|"
    rf"sound|thing|player|one|arrival|entry|to (?:enter|be heard|arrive|come in|join|play|appear|"
    rf"start)|we hear|heard|in|comes?|enters?|arrives?|joins?|is|are)){{1,5}}(?: (?:the|a|an|of|some)"
    rf")?(?: (?:distorted|lead|lone|solo|second|muted|clean|bright))? (?P<who>{INST})"
)
_ORDERED = re.compile(
    r"\bin th(?:at|is) order\b|\bone after (?:another|the other)\b|\border (?:of (?:entry|appearance|arrival)|in which)\b"
)
_FOLLOWS = re.compile(
    rf"(?P<one>{INST})[^.;:!?@]{{0,40}} ,? ?(?:and |with |then )*(?:the |a |an )?(?P<two>{INST}) "
    r"(?:(?:then |soon )?follows|following|comes? (?:later|next|afterwards)|joins? later|enters? "
    r"later)(?= (?:[.,;:]|and\b|later\b|soon\b)|$)"
)
_MARKER = re.compile(
    r"\b(?P<m>later(?= (?:on )?(?:, )?(?:the |a |an )?(?:bass)?@)|first(?! half| quarter| third|"
    r" #| few| second)|next|then|finally|lastly|at last|"
    r"and last|followed by|after that|subsequently)\b"
)
_RANK = re.compile(
    rf"(?P<who>{INST})(?: (?!and\b)[a-z']+){{0,5}}? (?P<rank>first|second|third|fourth|last)(?: "
    rf"(?:instrument|one|of all|voice|part|thing|sound))?(?: (?:you|we) hear| to (?:enter|join|come in|arrive|appear|be added|"
    rf"be heard|start|play))?(?= (?:[.,;:)]|and\b|in this\b|in the\b|of\b)|$)"
)

# --- the rest
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
    rf"is alone\b|no one but the {INST} plays|\bnothing else\b|^ ?solo\b(?! #))"
)
_TIMING = re.compile(
    r"\b(?:starts?|begins?|opens?|opening|beginning|until|at first|initially|enters?|for the first|intro|rest)\b"
)
_PLAIN_MODERATE = re.compile(r"\b(?:moderate|moderately|medium|middling|steady)\b")
_REGISTER = re.compile(
    r"\b(?:(?P<a>uppermost|highest|topmost|lowest|low|high|deep|middle|bass|treble|central|squeaky high|upper|lower) (?:[a-z]+ "
    r"){0,1}?(?:register|octaves?|range|pitche[ds]?|pitch|registers|tessitura|notes)\b"
    r"|(?:very|extremely|exceptionally|unusually|remarkably|entirely|all|wholly|exclusively|impossibly|"
    r"uniformly|decidedly) (?P<c>low|high)(?= (?:[.,;:!]|and\b|indeed|up|down|in pitch|throughout)"
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
_FLAT = re.compile(
    r"\b(?:(?:dynamics?|volume|level) ?(?::|is|are|stays?|remains?|holds?)? (?:moderate , )?(?:steady|"
    r"constant|unchanging|unchanged|even|level|flat)|never (?:gets|growing|grows) (?:louder|quieter|"
    r"softer))\b"
)
_LOOSE_GROWTH = re.compile(
    r"\b(?:grows?|growing|growing dynamic)(?= (?:all the while|steadily|throughout|in size|to a|and grow|[.,;])|$)"
)
_TEMPO_STEADY = re.compile(
    r"\b(?:(?P<no>unsteady|rubato|fluctuating|wavering) ?(?:tempo|pulse|pace|beat)?|(?P<yes>(?:steady|"
    r"rock solid|unwavering|constant|unchanging|metronomic|unvarying) (?:tempo|pulse|pace|speed|"
    r"beat))|(?:tempo|pulse|pace)(?: (?:is|stays|remains|holds|keeps))*(?P<not> not| never)? steady|"
    r"is the (?:pulse|tempo) steady \? (?P<ans>no|yes))\b"
)
_TEMPO_CHANGE = re.compile(
    r"\b(?:(?P<down>slackens?|slows? down|slowing down|slows to|slows|decelerat(?:es|ing)|ritardando|"
    r"rallentando|tempo (?:drops|falls|eases)|pace (?:drops|slackens|eases))|(?P<up>speeds? up|"
    r"speeding up|accelerat(?:es|ing|ando)|accelerando|tempo (?:rises|increases|picks up)|pace "
    r"(?:quickens|picks up)|quickens))\b"
)
_POSITION = re.compile(
    r"(?P<before>(?:\b(?:towards?|near|at|until|till|to|by|before|in|of|from)) (?:the )?(?:very "
    r")?)?\b(?P<w>start|beginning|opening|end|ending|close|middle|conclusion|centre|heart) of "
    r"(?:an?|the|this|its|some|that|another|[a-z]+'s) (?:(?!clip\b|excerpt\b|passage\b|recording\b|"
    r"bar\b|section\b|phrase\b|extract\b|snippet\b)[a-z0-9']+ ){0,5}?"
    r"(?P<n>song|piece|track|tune|work|number|composition|lullaby|hymn|ballad|waltz|anthem|march|symphony)\b"
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
_DURATION_NEAR = re.compile(
    r"\b(?:lasts?|lasting|long|length|duration|runs?(?: for| to)?|running time|runtime|clip|excerpt|"
    r"takes|spans?|snippet|extract|over in|in length|whole|passage takes|time :|entire)\b"
)
_MINUTE = re.compile(
    r"\b(?:(?P<hm>half[ -]?a?[ -]?minute|half a minute)|(?P<qm>(?:a )?quarter (?:of (?:a|the) "
    r")?minute)|(?P<tq>three quarters of a minute)|(?P<mh>minute and a half)|(?P<om>(?:a|an|one|"
    r"exactly one|the|this|whole|full|[a-z]+) minute)(?! or| and|s))\b"
)
_CHORD_COUNT = re.compile(r"#(?P<n>\d+) (?:[a-z]+ )?chords\b")
_CHORUS = re.compile(
    r"\b(?:with|in|of|through|heavy|lush|some|and|, a|deep|by|shimmering|adds?|a|added|thick) "
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
_FOR_A_TIME = re.compile(
    r"\b(?:until|till|at first|initially|yet|any ?more|first half|second half|at the (?:start|"
    r"beginning|outset|end)|(?:after|before) #|(?:first|last|final|opening) (?:#\d+|few|quarter|"
    r"third|bars?|seconds?))\b"
)
_INSTRUMENTAL = re.compile(r"\binstrumental(?! (?:section|passage|break|forces|texture|parts|voices))\b")


def assertions(reading: Reading) -> Iterator[Assertion]:
    """All that a caption says and a record could tell, in no particular order."""
    yield from _words(reading)
    yield from _instruments(reading)
    yield from _numbers(reading)
    yield from _metres(reading)
    yield from _keys_and_chords(reading)
    yield from _roles(reading)
    yield from _events(reading)
    yield from _orders(reading)
    yield from _attributes(reading)


def _made(
    reading: Reading, kind: str, meanings: tuple[tuple[str, Any], ...], begin: int, end: int, said: bool | None = None
) -> Assertion:
    first, last = reading.span(begin, end)
    return Assertion(kind, meanings, first, last, not reading.denied(begin) if said is None else said)


def _class(reading: Reading, who: str) -> str:
    place = _PLACE.search(who)
    return reading.mentions[int(place.group(1))].means("instrument") if place else ""


def _words(reading: Reading) -> Iterator[Assertion]:
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
        meanings: list[tuple[str, Any]] = [*mention.meanings]
        first = reading.tokens[mention.first]
        if text.startswith("waltz") or re.match(r" (?:like|ish|esque)\b", after):
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
        if mention.means("mood") and re.match(r" (?:@|bass@)", after) and text in ("dark", "bright", "warm", "sweet"):
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
        yield _made(reading, meanings[0][0], tuple(meanings), begin, end, said=not told)


def _effect(reading: Reading, mention: Mention, begin: int, end: int) -> Iterator[Assertion]:
    """An effect, on an instrument where the words say which."""
    line = reading.line
    _, stop = reading.sentence(begin)
    start, _ = reading.sentence(begin)
    who = ""
    effect = mention.means("effect")
    if (
        (
            (match := re.match(rf" (?:[a-z]+ )?(?P<who>{INST})", line[end:stop]))
            and not re.match(r" (?:and|on|over|with|while|the|a|in)\b", line[end:stop])
        )
        or (match := _ON_INST.match(line, end, min(stop, end + 80)))
        or (match := _WITH.search(line[max(start, begin - 70) : begin].rstrip()))
    ):
        who = _class(reading, match["who"])
    yield _made(reading, "effect", (("effect", (effect, who)),), begin, end)


def _instruments(reading: Reading) -> Iterator[Assertion]:
    """Who is there, and who is said not to be."""
    line = reading.line
    for match in re.finditer(INST, line):
        number = int(_PLACE.search(match.group()).group(1))  # type: ignore[union-attr]
        mention = reading.mentions[number]
        what = mention.means("instrument")
        text = " ".join(token.word for token in reading.tokens[mention.first : mention.last])
        before, after = line[max(0, match.start() - 40) : match.start()], line[match.end() : match.end() + 40]
        said = sum(first <= match.start() < last for first, last in reading.absent) % 2 == 0
        if _idiom(text, before, after):
            continue
        if (
            said
            and match.group().startswith("bass@")
            and re.match(r" (?:register|range|line|lines|part|parts|notes|clef|role|stave|frequencies)\b", after)
        ):
            continue
        if not said and _FOR_A_TIME.search(line[slice(*reading.sentence(match.start()))]):
            continue
        if text in ("alto", "tenor", "soprano"):
            continue
        yield _made(reading, "instrument", (("instrument", what),), match.start(), match.end(), said)
    for match in re.finditer(r"\b(?:the|an?) (alto|tenor|soprano|baritone)\b(?! (?:line|part|key))", line):
        yield _made(reading, "instrument", (("sort", match.group(1)),), match.start(1), match.end())
    for match in _INSTRUMENTAL.finditer(line):
        yield _made(reading, "instrument", (("absent", "voice"),), match.start(), match.end())
    for match in re.finditer(r"\bdrumless\b", line):
        yield _made(reading, "instrument", (("absent", "drums"),), match.start(), match.end())


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
        or (text in ("voice", "voices") and re.search(r"\b(?:inner|lead) $", before))
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


def _when_value(reading: Reading, name: str | None) -> float:
    return reading.numbers.get(int(name), 0.0) if name else 0.0


def _numbers(reading: Reading) -> Iterator[Assertion]:
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
        if _PER_SECOND.match(after) and value < 60:
            fewer = bool(re.search(r"\b(?:fewer|less) than $|\bunder $|\bbelow $", before))
            yield _made(
                reading, "density", (("rate", (value, "under" if fewer else "over" if plus else "")),), begin, end, said=True
            )
            continue
        if _BPM.match(after):
            yield _made(reading, "tempo_number", (("bpm", (value, about, _tempo_when(before))),), begin, end)
            continue
        if (
            re.match(r" (?:-|–|to|and) #\d+", after)
            and re.search(r"between $|^", before)
            and _BPM.match(re.sub(r"^ (?:-|–|to|and) #\d+", "", after))
        ):
            continue
        if _SECONDS.match(after) or _MINUTES.match(after) or re.match(r" (?:or|to|and) #\d+ (?:seconds?|s)\b", after):
            continue
        if re.match(rf" (?:different |separate |skilled |distinct |synthetic |acoustic )?(?:{_NOUNS})\b", after):
            if re.search(r"\b(?:other|remaining|another|these|those|last|first|the last|next) $", before) or re.match(
                r"(?: \w+){1,3} (?:enters?|joins?|leaves?|drop|come in|follow)\b", after
            ):
                continue
            if re.match(r" parts?\b", after) and value <= 1:
                continue
            yield _made(reading, "count", (("count", (int(value), "")),), begin, end + len(after.split(" ")[1]) + 1)
            continue
        counted = re.match(
            rf" (?:(?!or\b|and\b|with\b|for\b|to\b|the\b|by\b|in\b|more\b|a\b|on\b)[a-z]+ )?(?P<who>{INST})", after
        )
        if (
            counted
            and 1 < value < 20
            and value == int(value)
            and not re.search(r"\b(?:at|tempo|of the|first|last|other|second|bpm|:|remaining) $", before)
            and "," not in after[: counted.end()]
        ):
            what = _class(reading, counted["who"])
            options: list[tuple[str, Any]] = [("count", (int(value), what))]
            if what == "voice":
                options.append(("count", (int(value), "")))
            yield _made(reading, "count", tuple(options), begin, end)
            continue
        if (
            1900 <= value <= 2029
            and value == int(value)
            and re.fullmatch(r"\d{4}", reading.tokens[reading.short[reading.place(begin)][1]].word)
        ):
            yield _made(reading, "era", (("era", f"{int(value) // 10 * 10}s"),), begin, end)
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
                and re.search(rf"seconds?|{_LEAVES}|{_ENTERS}", line[first:stop])
                and not re.search(r"tempo|pace|bpm|\bspeed", line[first:stop])
                and value < 100
                and re.search(rf"(?:{_ENTERS}|{_LEAVES})[^,;]*$", before)
            ):
                continue
            yield _made(reading, "tempo_number", (("bpm", (value, about, _tempo_when(before))),), begin, end)
    for match in re.finditer(r"(?:between )?#(\d+) (?:-|–|to|and) #(\d+) (?:bpm|beats)", line):
        low, high = (_when_value(reading, one) for one in match.groups())
        yield _made(reading, "tempo_number", (("bpm_range", (low, high)),), match.start(), match.end())
    for match in re.finditer(r"\btempo(?: \w+){0,2} from #(\d+) to #(\d+)", line):
        yield _made(
            reading,
            "tempo_number",
            (("bpm", (_when_value(reading, match.group(1)), False, "first")),),
            match.start(1),
            match.end(1),
        )
        yield _made(
            reading,
            "tempo_number",
            (("bpm", (_when_value(reading, match.group(2)), False, "later")),),
            match.start(2),
            match.end(2),
        )
    for match in re.finditer(rf"\b(?:pair|couple) of (?:{_NOUNS})|\b(?P<half>half )?(?:a )?dozen (?:{_NOUNS})", line):
        value = 2 if match.group().startswith(("pair", "couple")) else 6 if match["half"] else 12
        yield _made(reading, "count", (("count", (value, "")),), match.start(), match.end())
    for match in _CHORD_COUNT.finditer(line):
        yield _made(reading, "chord", (("chord_count", int(_when_value(reading, match["n"]))),), match.start(), match.end())
    yield from _durations(reading)


def _tempo_when(before: str) -> str:
    """Whether a tempo is the first, one that it changes to, or any."""
    if re.search(
        r"\b(?:drops?|slows?(?: down)?|rises?|speeds? up|goes up|falls?|changes?(?: from #\d+)?|increases?|"
        r"accelerates?|up|down|slackens?)(?: \w+){0,2}? to (?:about |around |roughly )?$",
        before,
    ):
        return "later"
    if re.search(r"\b(?:begins?|starts?|opens?)\b[^.;]*$", before):
        return "first"
    return ""


def _durations(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in re.finditer(
        r"#(\d+)(?: (?:and|to|or|-|–) #(\d+))?(?: or so)? (seconds?|secs?|sec|s|minutes?|min)\b(?: (?:and )?#(\d+) seconds)?",
        line,
    ):
        low = _when_value(reading, match[1])
        high = _when_value(reading, match[2]) if match[2] else low
        unit = 60.0 if match[3].startswith("min") else 1.0
        more = _when_value(reading, match[4])
        begin, end = match.span()
        first, stop = reading.sentence(begin)
        before, after = line[max(first, begin - 50) : begin], line[end : min(stop + 1, end + 40)]
        if re.search(
            r"\b(?:at|after|from|by|until|till|first|last|final|second|opening|closing|within|needs|waits|"
            r"every|to|for|spends|past|before|next|remaining|only) (?:\w+ ){0,2}$",
            before,
        ) and not re.search(
            r"\b(?:lasts?|runs?|over|clip|takes|plays|goes on) (?:\w+ )*for (?:\w+ )*$|\b(?:amounts|comes|"
            r"adds up|close) to (?:\w+ )*$|\b(?:lasts|lasted|lasting|takes|length|spans?|duration)\b(?: "
            r"[\w:]+){0,4} $",
            before,
        ):
            continue
        if re.search(r"\( ?(?:about |around |at |from )?$", before) and (
            re.search(f"{_ENTERS}", line[first:stop]) or re.search(rf"{INST}[^,]{{0,12}}\( ?$", before)
        ):
            continue
        if re.search(r"\bbetween $", before) and not re.search(r"\b(?:lasts?|takes|long|length|runs?)\b", line[first:stop]):
            continue
        if re.match(
            r" (?:in(?!\s*(?:length|duration|all|total))|into|later|on\b|mark|before|from (?:the|its) "
            r"end|of silence|after|earlier|apart|behind|to go|left|remaining|to spare)\b",
            after,
        ):
            continue
        whole = not before.strip(" (,") and re.fullmatch(r" ?[.;!,)]?.{0,3}", after[:4]) is not None
        near = _DURATION_NEAR.search(line[max(first, begin - 60) : begin]) or _DURATION_NEAR.search(
            line[end : min(stop, end + 30)]
        )
        kind = (
            "strict"
            if near
            or whole
            or re.match(r" (?:of|long|excerpt|clip|piece|passage|track|snippet|waltz|tune|loop|song)\b", after)
            or not re.search(f"{_ENTERS}|{_LEAVES}", line[first:stop])
            else "loose"
        )
        about = bool(_ABOUT.search(before[-25:]) or "or so" in match.group())
        yield _made(
            reading, "duration", (("seconds", (low * unit + more, high * unit + more, about, kind == "strict")),), begin, end
        )
    for match in _MINUTE.finditer(line):
        first, stop = reading.sentence(match.start())
        before = line[max(first, match.start() - 30) : match.start()]
        if re.search(
            r"\b(?:per|beats|#\d+|to the|each|every|taps|last|first|final|for|after|of those|bpm) (?:\w+ )?$", before
        ) or re.match(r"(?:per|to|each|every|last|first|any|next|of|beats|by)\b", match.group()):
            continue
        seconds = 30.0 if match["hm"] else 15.0 if match["qm"] else 45.0 if match["tq"] else 90.0 if match["mh"] else 60.0
        about = bool(_ABOUT.search(before[-25:])) or match["om"] is None
        over = bool(re.search(r"\b(?:over|more than) (?:an? |half )?$", before))
        if re.match(r"(?:the|this) minute", match.group()) and re.search(r"\b(?:to|of) $", before):
            continue
        yield _made(
            reading,
            "duration",
            (("seconds", (seconds, seconds * (1.12 if over else 1.0), about, True)),),
            match.start(),
            match.end(),
        )
    for match in re.finditer(r"\b(?:duration|length|time|runtime)(?: is)?(?: :)? #(\d+)(?= [.,;]|$)", line):
        seconds = _when_value(reading, match[1])
        if match.group().startswith("time") and seconds < 5:
            continue
        yield _made(reading, "duration", (("seconds", (seconds, seconds, False, True)),), match.start(1), match.end())


def _metres(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in re.finditer(r"#(\d+) (?:/ )?#(\d+)\b(?! (?:seconds|/))", line):
        over, under = (_when_value(reading, one) for one in match.groups())
        before = line[max(0, match.start() - 40) : match.start()]
        when = (
            "first"
            if re.search(
                r"\b(?:begins?|starts?|opens?|opening|starting|beginning)(?: [a-z]+)? (?:in|with|as|out in)"
                r" (?:a )?$|\bfrom (?:a )?$",
                before,
            )
            else "later"
            if re.search(
                r"\b(?:turns?(?: in)?|changes?(?: [a-z]+)?|switches|shifts?|shifting|moves|goes|gives way|"
                r"turning) (?:to|into) (?:a )?$",
                before,
            )
            else ""
        )
        if when and under in (2, 4, 8, 16) and 1 < over < 20:
            yield _made(reading, "metre", (("metre_when", (f"{int(over)}/{int(under)}", when)),), match.start(), match.end())
            continue
        if under in (2, 4, 8, 16) and 1 < over < 20 and over == int(over):
            yield _made(reading, "metre", (("metre", frozenset({f"{int(over)}/{int(under)}"})),), match.start(), match.end())
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
        yield _made(reading, "metre", tuple(meanings), match.start(), match.end())
    for match in _BEATS_BAR.finditer(line):
        value = int(_when_value(reading, match["n"]))
        yield _made(
            reading,
            "metre",
            (("metre", frozenset(_METRES.get(str(value), {f"{value}/4", f"{value}/8"}))),),
            match.start(),
            match.end(),
        )
    for match in re.finditer(r"\b(?:how many beats [^?]{0,40}|beats in (?:a|the) bar) \? (?:a : )?#(\d+)", line):
        value = int(_when_value(reading, match[1]))
        yield _made(
            reading,
            "metre",
            (("metre", frozenset(_METRES.get(str(value), {f"{value}/4", f"{value}/8"}))),),
            match.start(1),
            match.end(),
        )
    for match in _IN_N.finditer(line):
        value = int(_when_value(reading, match["n"]))
        if 1 < value < 13 and (
            not match.group().startswith(("in ", "bpm"))
            or not re.search(
                r"\b(?:split|divided|enters?|come|comes|join|joins)\b", line[max(0, match.start() - 12) : match.start()]
            )
        ):
            yield _made(
                reading,
                "metre",
                (("metre", frozenset(_METRES.get(str(value), {f"{value}/4", f"{value}/8"}))),),
                match.start(),
                match.end(),
            )


def _keys_and_chords(reading: Reading) -> Iterator[Assertion]:
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
        if (
            tonic == "A"
            and not accidental
            and not sym
            and rest
            and not re.match(r"(?:major|minor|dominant|dim|aug|half|sus)", rest)
            and not re.match(r"\s*(?:chord|[,.;)–—]|and\b|to\b|$)", after)
        ):
            continue
        if bare and re.match(r"[:'’.]\s*[A-Za-z]?", after) and re.match(r"[:'’]", after):
            continue
        if re.match(r"\s*(?:clarinet|trumpet|sax|horn|tuba|cornet|instrument|harmonica|soprano|tenor|alto|string|clef)", after):
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
        if bare and re.search(r"[\w]['’]$", before):
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
        elif chordish and mode and not near and plain and not re.search(r"\bchord|progression|changes|riff|loop", sentence):
            yield Assertion("key", (key,), start, end, said)
        elif chordish:
            yield Assertion(
                "chord",
                (chord, key) if mode and number == 0 and not re.search(r"\bchord", before) else (chord,),
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
        if chain and not re.fullmatch(
            r"\s*(?:–|—|-|->|→|>|,? ?(?:on |back |and )?(?:then |home )?(?:back )?to|,? ?then)\s*",
            caption[notes[number - 1][0].end() : match.start()],
        ):
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
        yield _made(reading, "chord", (("no_chords", True),), match.start(), match.end(), said=True)
    for match in _MODE.finditer(reading.line):
        before = reading.line[max(0, match.start() - 22) : match.start()]
        if re.search(r"(?:^|[ (])a $", before) and not reading.caption[_source(reading, match.start() - 2)].isupper():
            before = ""
            if not re.match(r" (?:key|mode|tonality|scale)", line_after := reading.line[match.end() :]) and not re.match(
                r" [.,;]", line_after
            ):
                continue
            yield _made(reading, "key", (("mode", match["mode"]),), match.start(), match.end())
            continue
        if re.search(r"(?:^|[ (])(?:[a-g]|flat|sharp|[a-g][b#]|[♭♯#b]|relative|dominant|parallel) $", before):
            continue
        if re.match(r" (?:key|mode|tonality|scale|in (?:mode|key|tonality))", reading.line[match.end() :]) or _MODE_BEFORE.search(
            before
        ):
            yield _made(reading, "key", (("mode", match["mode"]),), match.start(), match.end())


def _linked(caption: str, one: tuple[int, int], two: tuple[int, int]) -> bool:
    """Whether two notes stand in one list."""
    between = caption[min(one[1], two[1]) : max(one[0], two[0])]
    return (
        re.fullmatch(
            r"(?:\s|,|–|—|-|/|→|>|&|\||and|to|then|on|back|home|again|or|alternates|with|via|chord|chords|a|an|the)*", between
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


def _roles(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    found: dict[tuple[int, str], Assertion] = {}

    def add(who: str, at: int, role: str, begin: int, end: int) -> None:
        if who and role and not re.fullmatch(rf"{INST}", role):
            what = _class(reading, who)
            key = (at, role)
            if key not in found and what:
                found[key] = _made(reading, "role", (("role", (what, role)),), begin, end, said=not (reading.denied(end - 1)))

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
                            r"\b(?:on|plays?|playing|takes?|has|carries|supplies|anchors|holds down|provides|handles)(?: the)? $",
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
            if pattern is _QUESTION and re.search(r"\b(?:doesn't|not|isn't)\b", match.group()):
                continue
            if match["who"] == (match.groupdict().get("bassrole") or ""):
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
        head = line[: match.start()]
        if role == "bass" and re.fullmatch(r"bass@\d+", match["bassrole"] or ""):
            continue
        if re.search(rf"{INST}(?: [a-z']+){{0,2}} (?:plays?|carries|has|takes) (?:the |a )?$", head):
            continue
        if match.start("who") not in taken:
            add(match["who"], match.start("who"), role, match.start(), match.end())
    for match in _LED.finditer(line):
        name = next((one for one in ("who", "who2", "who3") if match[one]), "")
        if name == "who3" and re.match(r"(?: \w+)?(?: drenched| playing)?", line[match.end() :]) is None:
            continue
        if match.start(name) not in taken:
            add(match[name], match.start(name), "melody", match.start(), match.end())
    for match in _COMPS.finditer(line):
        add(match["who"], match.start(), "chords", match.start(), match.end())
    for match in _BACKED.finditer(line):
        add(match["who"], match.start("who"), "accompaniment", match.start(), match.end())
    yield from found.values()


def _spec(reading: Reading, match: re.Match[str], line_before: str) -> tuple[str, float, float]:
    """What a time phrase says: "s" seconds from the start, "e" from the end, "f" shares of the clip."""
    if match["lastn"]:
        value = _when_value(reading, match["ln"]) or 4.0
        return "e", value, 0.0
    if match["lastfew"]:
        return "f", 0.8, 1.0
    if match["firstn"]:
        return "s", 0.0, _when_value(reading, match["fn"]) or 4.0
    if match["ntolast"]:
        value = _when_value(reading, match["nt"])
        return "e", value, value
    if match["mark"]:
        value = _when_value(reading, match["mk"])
        return "s", value, value
    if match["sec"]:
        low = _when_value(reading, match["s1"])
        return "s", low, _when_value(reading, match["s2"]) if match["s2"] else low
    if match["min"]:
        value = 60 * _when_value(reading, match["m1"])
        return "s", value, value
    for name, low, high in (
        ("threequarters", 0.75, 0.75), ("lastq", 0.72, 1.0), ("firstq", 0.0, 0.28),
        ("lastt", 0.64, 1.0), ("firstt", 0.0, 0.36), ("midt", 0.3, 0.7),
        ("quarter", 0.25, 0.25), ("third", 0.33, 0.33), ("second_half", 0.5, 1.0), ("first_half", 0.0, 0.5), ("half", 0.5, 0.5),
        ("untilend", 1.0, 1.0), ("end", 0.75, 1.0), ("start", 0.0, 0.05),
    ):  # fmt: skip
        if match[name]:
            if name == "end" and match.group().startswith("before"):
                return "f", 0.0, 0.95
            if match.group() in ("the middle", "midst") and line_before.endswith("in "):
                return "f", 0.3, 0.7
            return "f", low, high
    share = _when_value(reading, match["tt"]) / 3
    if re.search(r"\b(?:last|final|remaining|latter) $", line_before):
        share = 1 - share
    return "f", share, share


_HAS_CHANGE = re.compile(
    r"\b(?:key|tempo|metre|meter|modulat\w+|pace|speeds?|slows?|major|minor|lift|bpm|turns|shift\w*)\b|#\d+ / #\d+"
)


def _events(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in _WHEN.finditer(line):
        begin, end = match.span()
        first, stop = reading.sentence(begin)
        before, after = line[first:begin], line[end:stop]
        if match["sec"] and re.match(r" (?:after|before|earlier|apart|behind) (?!the (?:start|beginning|end))", line[end:]):
            continue
        if match["sec"] and re.match(r" (?:in (?:length|duration|all|total)|long)\b", line[end:]):
            continue
        if match["sec"] and _PER_SECOND.match(line, reading.starts[reading.place(begin)] + len(line[begin:].split(" ")[0])):
            continue
        kind, low, high = _spec(reading, match, before)
        if match["threequarters"]:
            count = _when_value(reading, re.search(r"#(\d+)", match.group()).group(1)) if "#" in match.group() else 3.0  # type: ignore[union-attr]
            if "quarter notes" in line[begin : end + 8]:
                continue
            low = high = count / 4
        if match["half"] and re.match(r" (?:register|range|octaves?|voices?|of the keyboard|c\b)", after):
            continue
        if match["mark"] and (
            not re.search(f"{_ENTERS}|{_LEAVES}", line[first:stop])
            or (re.search(r"\b(?:tempo|bpm|pace|pulse)\b", line[first:stop]) and match.group().startswith("at"))
        ):
            continue
        if (
            match["mark"]
            and match.group().startswith("at")
            and not re.search(rf"(?:{_ENTERS}|{_LEAVES})(?: [a-z]+){{0,3}} $", before)
        ):
            continue
        clause = max(before.rfind(" ; "), before.rfind(" : "), -1)
        near = before[clause + 1 :] if clause >= 0 else before
        near = near[-160:]
        if match["sec"]:
            pointed = (
                re.search(
                    r"\b(?:at|after|from|by|until|till|around|about|for|within|needs|waits|second|to|until about|"
                    r"in|past|before|than|roughly|seconds|and|spends)(?: [a-z]+){0,3} $",
                    near,
                )
                or re.match(r" (?:in\b|into|later|on\b|mark)", after)
                or re.search(r"[(] ?$", near)
            )
            if not pointed:
                continue
            if re.search(r"\b(?:alone|by itself|on its own|by themselves) for (?:about |the first )?$", near):
                continue
            if not re.search(f"{_ENTERS}|{_LEAVES}|{_SOUNDS}|@", line[first:stop]):
                continue
        if re.search(r"\bnot (?:every|all)\b", line[first:stop]):
            continue
        if match["start"] and not re.search(f"{_ENTERS}|{_SOUNDS}|@", line[first:stop]):
            continue
        # The verb of its own part of the sentence, the nearest before it, or else after it.
        verb = None
        for candidate in _EVENT.finditer(near):
            verb = candidate
        if verb is not None and "," in near[verb.end() :] and near[verb.end() :].count(",") > 1:
            verb = None
        how = ""
        who = ""
        origin = first + len(before) - len(near)
        # "drums (12 s)", "strings from the midpoint": who stands right there, whatever verb came before.
        beside = _BESIDE.search(near)
        asked = re.search(
            rf"\bwhen (?:does|do|did|will) (?:the )?(?P<who>{INST})[^?]{{0,60}}\?(?: a :)?(?: [a-z]+){{0,4}} ?$",
            line[max(0, begin - 120) : begin],
        )
        if asked:
            who, how = asked["who"], "leaves" if re.search(_LEAVES, asked.group()) else "enters"
        elif beside and (
            verb is None or origin + beside.start() >= origin + verb.end() or (match["start"] and verb.lastgroup != "enters")
        ):
            who = beside["who"]
            told = re.search(r"\b(?:enters?|joins?|comes? in|arrives?|follows?|added)\b", near)
            how = (
                "sounds"
                if match["first_half"] or match["second_half"] or match["untilend"] or match["end"] or beside["how"] == "for"
                else "enters"
                if told and verb and verb.lastgroup == "enters"
                else ""
            )
            if match["start"] and "from" in match.group():
                how = "enters"
        elif verb is not None:
            how = verb.lastgroup or ""
            who = _subject(line, origin, origin + verb.start(), origin + verb.end(), begin)
        else:
            later = _EVENT.search(after[:90])
            ahead = re.match(rf"[ ,]*(?:on |onwards )?,? ?(?:a |an |the |comes? )*(?:(?!of\b)[a-z]+ )?(?P<who>{INST})", after)
            if later and ("," not in after[: later.start()].strip(" ,") or after.startswith(" of")):
                how = later.lastgroup or ""
                begun = end + (after[: later.start()].rfind(" , ") + 1 if after.startswith(" of") else 0)
                who = _subject(line, begun, end + later.start(), end + later.end(), min(stop, end + later.end() + 40))
            if not who and ahead and any(match[name] for name in ("sec", "half", "quarter", "mark", "end", "third", "lastn")):
                who = ahead["who"]
        classes = [_class(reading, one) for one in re.findall(INST, who)]
        if lead := re.search(
            r"(?:^|[,;] |and ) ?(?:the|a|another|#\d+|second) (?:second )?lead(?: synth)?(?: (?!guitar|"
            r"line|melody)[a-z]+){0,4} ?$",
            near,
        ):
            classes = ["lead instrument"]
            how = how or "sounds"
            del lead
        if not classes and not how and not _HAS_CHANGE.search(line[first:stop]):
            continue
        if not classes and how == "sounds" and not _HAS_CHANGE.search(line[first:stop]):
            continue
        if (
            re.search(r"\b(?:for|spends|lasts?) (?:the )?(?:first |last )?$", near)
            and match["sec"]
            and not re.search(r"\bfor $", near)
        ):
            continue
        part = near[max(near.rfind(" , "), near.rfind(" : ")) + 1 :]
        only = bool(re.search(r"\bonly\b", part) or re.match(r" only\b", after))
        silent = bool(re.search(r"\b(?:silent|sits out|rests|waits|absent|mute)\b", part[-60:])) and not re.search(
            r"falls? silent|goes silent", near
        )
        if (silent and re.search(r"\b(?:until|till) (?:the |about |around )*$", near)) or re.search(
            r"\bwaits? (?:until |till )?(?:the |about |around )*$", near
        ):
            silent, how = False, "enters"
        lasting = bool(match["sec"]) and bool(re.search(r"\b(?:for|spends)(?: about| around| roughly)? $", near))
        onward = bool(re.match(r" (?:on|onwards?|onward)\b", after))
        between = bool(match["sec"] and re.search(r"\b(?:to|until|till) (?:about |around )?$", near)) and "from" in near
        if between:
            how = "leaves"
        if how == "sounds" and re.search(r"\bfrom (?:the )?(?:about |around )?$", near) and not match["start"]:
            how = "enters"
        if how == "sounds" and re.search(r"\b(?:until|till|by) (?:the )?$", near) and not match["untilend"]:
            how = "leaves"
        if match["start"] and how == "sounds" and "from" in match.group():
            how = "enters"
        payload = (
            tuple(classes),
            how,
            (kind, low, high),
            silent,
            lasting,
            onward,
            bool(_HAS_CHANGE.search(line[first:stop])),
            only,
        )
        if (
            who
            and classes != ["lead instrument"]
            and not beside
            and not asked
            and verb is not None
            and (at := near.rfind(who)) >= 0
            and (near[at + len(who) : verb.start()].count(" ") > 5 or len(re.findall(INST, line[first:stop])) > 3)
        ):
            # Who does it is a guess so far from the verb: anyone of the sentence will do.
            anyone = tuple(_class(reading, one) for one in re.findall(INST, line[first:stop]))
            options = tuple(("event", ((one,), *payload[1:])) for one in dict.fromkeys(anyone))
            yield _made(reading, "entry", options, begin, end)
            continue
        name = "position" if match["untilend"] or how == "sounds" else "entry"
        yield _made(
            reading,
            name,
            (("event", payload),),
            begin,
            end,
            said=silent
            or bool(re.search(r"\b(?:until|till|before) (?:the |about |around )*$", near))
            or not reading.denied(begin),
        )
    for match in re.finditer(
        rf"(?P<who>{INST})(?: (?:and|with) (?:the |a |an )?{INST})?(?: alone| on its own)? (?P<verb>opens?|"
        rf"begins?|starts?|closes?|ends?|concludes?)(?: (?:the|this) (?:[a-z]+ )?(?:piece|clip|excerpt|"
        rf"passage|music|song|track|tune|section|recording)| things(?: off)?| proceedings)\b",
        line,
    ):
        first = match["verb"].startswith(("o", "b", "s"))
        payload = (
            (_class(reading, match["who"]),),
            "enters" if first else "sounds",
            ("f", 0.0, 0.05) if first else ("f", 0.85, 1.0),
            False,
            False,
            False,
            False,
            False,
        )
        yield _made(reading, "entry", (("event", payload),), match.start(), match.end())
    for match in _THROUGHOUT.finditer(line):
        part = match.group()
        if re.search(
            r"\b(?:no|(?:is|are)(?! (?:heard|present|audible|there))|legato|staccato|loud|soft|remains?|stays?|played|sound)\b",
            part,
        ):
            continue
        yield _made(reading, "position", (("throughout", _class(reading, match["who"])),), match.start(), match.end())


_BESIDE = re.compile(
    rf"(?P<who>{INST})(?: 's)?(?: (?:tune|melody|line|part|chords|hits|(?!and\b|with\b|over\b|has\b|"
    rf"is\b|are\b|takes?\b)[a-z]+)){{0,2}} ?[(,]? ?(?P<how>from|at|after|by|for|until|in|only|till|"
    rf"is on|\(|,)? ?(?:(?:the|about|around|a|very) )*$"
)


def _subject(line: str, first: int, verb: int, verb_end: int, limit: int) -> str:
    """Who enters or leaves: the list of instruments before the verb, the nearest, or right after it."""
    before = line[first:verb]
    if (
        by := re.match(
            rf"(?: (?!{INST})[a-z#\d]+){{0,6}} by (?:the |a |an )?(?:[a-z]+ )?(?P<who>{INST}(?:(?: ,| and|"
            rf" , and)(?: the| a| an)? {INST})*)",
            line[verb_end : verb_end + 120],
        )
    ) and re.match(r"(?:joined|followed|added|introduced)", line[verb:verb_end]):
        return by["who"]
    if (
        before.endswith(" and ")
        and (subjects := re.search(rf"(?:^|[,;:.] )(?=[^,;:]*$)[^,;:]*?({INST})", before))
        and len(re.findall(INST, before)) > 1
        and not re.search(rf"{INST} and $", before)
    ):
        return subjects.group(1)
    relative = re.search(
        rf"(?P<who>{INST}(?:(?: , {INST})* ,? ?and(?: the| a| an)? {INST})?)(?: 's)?(?P<gap>(?: (?!{INST}|;)[^\s]+)*?) ?$", before
    )
    if relative and relative["gap"].count(" ") <= 12:
        # "a trumpet over bass and drums enters": what follows a preposition is not who does it.
        whole = before[: relative.start()]
        if (
            re.search(
                r"\b(?:over|with|beneath|under|above|against|alongside|behind|of) (?:the |a |an |its )?(?:[a-z]+ )?$", whole
            )
            and (earlier := re.search(rf"({INST})(?: [a-z']+){{0,5}} ?$", whole))
            and "," not in relative["gap"]
        ):
            return earlier.group(1)
        return relative["who"]
    after = re.match(rf" (?:(?:a|an|the|by|with|of|in|first|only|some) ){{0,2}}(?:[a-z]+ )?(?P<who>{INST})", line[verb_end:limit])
    return after["who"] if after else ""


def _orders(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in _BEFORE.finditer(line):
        gap = match["gap"] or ""
        who, whom, how = _class(reading, match["who"]), _class(reading, match["whom"]), match["how"]
        start, stop = reading.sentence(match.start())
        if (
            re.search(r"\b(?:seconds?|bars?|moments?|beats?)\b", gap)
            and re.search(r"\b(?:a|few|one|second)\b", gap)
            and not re.search("#", gap)
        ):
            continue
        eventful = re.search(f"{_ENTERS}|{_LEAVES}|in that order|heard|layer|comes?|came", line[start:stop]) or not gap.strip()
        if not eventful:
            continue
        leaving = re.search(_LEAVES, gap)
        first, second = (whom, who) if how in ("after", "later than", "preceded by", "follows on") else (who, whom)
        kinds = ("leaves" if leaving else "enters", "enters")
        if how in ("after", "later than", "preceded by", "follows on"):
            kinds = ("enters", kinds[0])
        if leaving and how == "after":
            continue
        yield _made(reading, "order", (("before", (first, kinds[0], second, kinds[1])),), match.start(), match.end())
    for match in _AFTERWARDS.finditer(line):
        kind = (
            "leaves"
            if re.search(
                _LEAVES + r"|\b(?:finished|stopped|left|ended|dropped out|fallen silent|gone|departed|done)\b", match["gap"] or ""
            )
            else "enters"
        )
        first, second = _class(reading, match["one"]), _class(reading, match["two"])
        ordered = (first, kind, second, "enters") if match["how"] != "before" else (second, "enters", first, kind)
        if match["how"] == "with" or re.match(r" (?:and|or)\b", match["gap"] or ""):
            continue
        yield _made(reading, "order", (("before", ordered),), match.start(), match.end())
    for pattern, swapped, timings in _PAIRS:
        for match in pattern.finditer(line):
            first, second = _class(reading, match["one"]), _class(reading, match["two"])
            if swapped:
                first, second = second, first
            order = "not_after" if "join" in match.group() else "before"
            options = tuple((order, (first, timing, second, "enters")) for timing in timings)
            yield _made(reading, "order", options, match.start(), match.end())
    for match in _RANKED.finditer(line):
        rank = "last" if re.match(r"last|final", match["rank"]) else match["rank"]
        yield _made(reading, "order", (("rank", (_class(reading, match["who"]), rank)),), match.start(), match.end())
    for match in re.finditer(
        rf"(?P<who>{INST})[^.;!?]{{0,80}}?(?P<what>{INST})(?: one)?[^.;!?]{{0,30}}\b(?:even )?(?P<how>before|"
        rf"after) (?:it|that|them|either|both|all)\b",
        line,
    ):
        first, second = _class(reading, match["what"]), _class(reading, match["who"])
        if re.search(
            r"\b(?:in|enter|entered|come|coming|came|join|joined|there|start|arriv|added|hits)\w*\b", match.group()
        ) and not re.search(r"\bdrops? out|leaves?|stops?\b", match.group()):
            if match["how"] == "after":
                first, second = second, first
            yield _made(reading, "order", (("before", (first, "enters", second, "enters")),), match.start("what"), match.end())
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
                    rf"{INST}(?: (?:comes?|is|are|enters?|goes|plays?|starts?|begins?|arrives?))? $", part[: markers[0].start()]
                )
            ):
                sequence.append(firsts[-1])
            if markers[0]["m"] != "first" and firsts and (len(firsts) == 1 or markers[0]["m"] in ("then", "followed by")):
                sequence.append(firsts[-1])
            for marker in markers:
                if follows := re.match(rf"(?: (?!then\b|next\b)[a-z':]+){{0,5}} ?(?P<who>{INST})", part[marker.end() :]):
                    sequence.append(follows["who"])
            classes = tuple(_class(reading, one) for one in sequence)
            if len(classes) > 1:
                yield _made(
                    reading, "order", (("sequence", classes),), match.start() + markers[0].start(), match.end(), said=True
                )
        if told := _ORDERED.search(part):
            earlier = line[max(0, match.start() - 200) : match.start()].rsplit(" ; ", 1)[-1]
            for listed in (part[: told.start()], part[told.end() :], earlier):
                names = tuple(_class(reading, one) for one in re.findall(INST, listed))
                if len(names) > 1:
                    if not re.search(r"\b(?:before|after)\b", listed):
                        yield _made(
                            reading, "order", (("sequence", names),), match.start() + told.start(), match.end(), said=True
                        )
                    break
    for match in _FOLLOWS.finditer(line):
        pair = (_class(reading, match["one"]), "enters", _class(reading, match["two"]), "enters")
        yield _made(reading, "order", (("before", pair),), match.start(), match.end())
    for match in _RANK.finditer(line):
        start, stop = reading.sentence(match.start())
        if not re.search(rf"{_ENTERS}|\bheard?\b", line[start:stop]) or (
            re.search(r"\b(?:the|a|for|at|in) $", line[match.start() : match.start("rank")][-5:])
            and "to " not in match.group()[-18:]
            and not re.search("instrument|thing|sound", match.group())
        ):
            continue
        yield _made(reading, "order", (("rank", (_class(reading, match["who"]), match["rank"])),), match.start(), match.end())


def _attributes(reading: Reading) -> Iterator[Assertion]:
    line = reading.line
    for match in _COUNT_WORD.finditer(line):
        before, after = line[max(0, match.start() - 30) : match.start()], line[match.end() : match.end() + 20]
        if kind := re.search(rf"(?P<who>{INST}) $", before):
            what = _class(reading, kind["who"])
            yield _made(
                reading,
                "count",
                (("count", (_COUNTS[match["w"]], what)), ("count", (_COUNTS[match["w"]], ""))),
                match.start(),
                match.end(),
            )
            continue
        if re.search(r"\b(?:rhythm|power) $", before) and "rhythm" in before:
            continue
        if (match["w"] == "duet" and re.search(r"\bin $", before)) or re.match(r" (?:chord|texture)", after):
            continue
        yield _made(reading, "count", (("count", (_COUNTS[match["w"]], "")),), match.start(), match.end())
    for match in _ALONE.finditer(line):
        start, stop = reading.sentence(match.start())
        if match.group() != "solo" and _TIMING.search(line[start:stop]):
            continue
        if (
            match.group().startswith("solo")
            and re.search(rf"(?:{INST}|\b(?:a|an|the|guitar|,) ?) $", line[max(0, match.start() - 10) : match.start()])
            and re.search(INST, line[: match.start()])
        ):
            continue
        if re.search(r"#(\d+)", match.group()) and _when_value(reading, re.search(r"#(\d+)", match.group()).group(1)) != 1:  # type: ignore[union-attr]
            continue
        said = True if "no one but" in match.group() or "nothing else" in match.group() else None
        alone: tuple[tuple[str, Any], ...] = (("count", (1, "")),)
        if match.group() == "unaccompanied":
            alone += (("all", "voice"),)
        yield _made(reading, "count", alone, match.start(), match.end(), said=said)
    for match in re.finditer(
        r"\bhow many (?:instruments|players|musicians|parts)[^?]{0,20} \? (?:a : )?#(\d+)|\bwhich play \? #(\d+)", line
    ):
        value = _when_value(reading, match[1] or match[2])
        yield _made(reading, "count", (("count", (int(value), "")),), match.start(), match.end())
    for match in re.finditer(rf"#(\d+) ,? ?(?:counting (?:the )?{INST}|in (?:all|total)|all told)", line):
        yield _made(reading, "count", (("count", (int(_when_value(reading, match[1])), "")),), match.start(), match.end())
    for match in re.finditer(rf"\bboth ({INST})(?! and)", line):
        yield _made(reading, "count", (("count", (2, _class(reading, match[1]))),), match.start(), match.end(), said=True)
    for match in re.finditer(r"\b(?:full|whole|entire) (?:rock |jazz |pop )?band\b|\ba band of\b", line):
        yield _made(reading, "count", (("least", 3),), match.start(), match.end())
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
            meanings = (("tempo", "moderate"), ("density", "moderate"), ("level", ("moderate", "")))
        if word == "moderately" and not re.match(r" (?:paced|[.,;:]|$)", after):
            continue
        if word != "steady":
            inside = any(
                m.first <= reading.short[reading.place(match.start())][1] < m.last and not m.means("genre")
                for m in reading.mentions
            )
            if not inside:
                yield _made(reading, meanings[0][0], meanings, match.start(), match.end())
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
        yield _made(reading, "register", (("register", which),), match.start(match.lastgroup or 0), match.end())
    for match in re.finditer(r"\bbass@\d+ (?:register|range|stave)\b", line):
        yield _made(reading, "register", (("register", "low"),), match.start(), match.end())
    for match in _DYNAMIC_WORDS.finditer(line):
        if (
            match["noun"] in ("sound", "music")
            and not re.search(r"loud|quiet|soft", line[match.end() : match.end() + 12])
            and not re.match(r"fad|swell|dwind", match["verb"])
        ):
            continue
        rising = bool(_UPWARD.match(match["verb"]))
        if re.match(r" (?:loud|quiet|soft|faint)", line[match.end() :]):
            rising = bool(re.match(r" loud", line[match.end() :]))
        yield _made(reading, "dynamics", (("change", "crescendo" if rising else "decrescendo"),), match.start(), match.end())
    for match in _FLAT.finditer(line):
        yield _made(reading, "dynamics", (("change", "steady"),), match.start(), match.end())
    for match in _LOOSE_GROWTH.finditer(line):
        yield _made(reading, "dynamics", (("change", "crescendo"),), match.start(), match.end())
    for match in re.finditer(
        r"\b(?:a|one) notes? every (?:#\d+ )?(?:other )?seconds?\b|\bsparing with (?:its |the )?notes\b|"
        r"\bbarely (?:plays?|playing)\b|\balmost nothing happens\b|\bhardly (?:plays?|playing)\b",
        line,
    ):
        yield _made(reading, "density", (("density", "sparse"),), match.start(), match.end())
    for match in re.finditer(r"\brate of notes is (high|low)\b", line):
        yield _made(reading, "density", (("density", "dense" if match[1] == "high" else "sparse"),), match.start(), match.end())
    for match in re.finditer(r"\b(?:tempo|pace|speed)(?: is| :)? (high|low)\b", line):
        yield _made(reading, "tempo_word", (("tempo", "up" if match[1] == "high" else "down"),), match.start(), match.end())
    for match in _TEMPO_STEADY.finditer(line):
        steady = bool(match["yes"]) or (not match["no"] and not match["not"] and match["ans"] != "no")
        said = True if match["not"] or match["no"] or match["ans"] else None
        yield _made(reading, "tempo_word", (("steady", steady),), match.start(), match.end(), said=said)
    for match in _TEMPO_CHANGE.finditer(line):
        yield _made(
            reading, "tempo_word", (("tempo_change", "slower" if match["down"] else "faster"),), match.start(), match.end()
        )
    for match in _POSITION.finditer(line):
        begin = match.start("w")
        if match["before"] and re.match(r"(?:towards?|near|until|till|to|by|before|at)\b", match["before"]):
            continue
        where = "ending" if match["w"] in _ENDING else "middle" if match["w"] in ("middle", "centre", "heart") else "opening"
        yield _made(reading, "position", (("position", where),), begin, match.end())
    for match in _POSITION_VERB.finditer(line):
        if match["g"] and re.search(rf"{INST}(?: alone)? $", line[: match.start()]):
            continue
        text = next(one for one in (match["e"], match["f"], match["g"], match["h"], match["i"]) if one)
        where = "opening" if re.match(r"open|begin|start", text) else "middle" if text == "middle" else "ending"
        if match["e"] == "ends" and re.search(r"\bbefore\b", line[max(0, match.start() - 20) : match.start()]):
            continue
        yield _made(reading, "position", (("position", where),), match.start(), match.end())
    for match in _REPEATS.finditer(line):
        yield _made(reading, "position", (("repeats", True),), match.start(), match.end())
    for match in _CHORUS.finditer(line):
        mention = Mention(0, 0, (("effect", "chorus"),))
        yield from _effect(reading, mention, match.start("e"), match.end("e"))
    for match in re.finditer(r"\bno effects?\b|\bwithout (?:any )?effects?\b", line):
        yield _made(reading, "effect", (("no_effects", True),), match.start(), match.end(), said=True)
