"""What is no caption at all: nothing, a refusal, an error, a prompt, another language, or a name that must not be said."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from motet.text.checking.lexicon import lexicon
from motet.text.prompts import TEXTS

_TALK = re.compile(
    r"\bas an? (?:ai|artificial|language|large language|text[- ]based|assistant)\b|\blanguage model\b|\bai (?:assistant|model)\b"
    r"|^\W*(?:i['’]?m|i am|we['’]?re|we are)? ?(?:so |very |terribly |really )?(?:sorry|apologi[sz]e|"
    r"apologies|my apologies|unfortunately)\b"
    r"|\b(?:i|we) (?:apologi[sz]e|regret)\b|\bmy apologies\b"
    r"|\bi(?:['’]m| am) (?:sorry|unable|not able|afraid|here to)\b"
    r"|\bi (?:cannot|can['’]?t|can not|could not|couldn['’]t|am unable|won['’]t|will not|do not "
    r"have|don['’]t have|do not (?:hear|listen|know)) (?:be |actually |directly |really )?"
    r"(?:help|assist|provide|generate|describe|comply|fulfil|hear|listen|access|write|process|"
    r"answer|create|caption|do that|continue|enough|the|any|ears|identify|complete|produce|determine|"
    r"play|analy[sz]e)\b"
    r"|\b(?:please|kindly) (?:provide|upload|share|supply|try again|note that|let me|rephrase|specify|clarify)\b"
    r"|\b(?:here(?:['’]s| is| are)) (?:the|a|an|your|my|one|some) (?:[a-z]+ ){0,3}(?:captions?|"
    r"descriptions?|response|answer|output|summary|version|text|rewrite|revision|sentence)s?\b"
    r"|^\W*(?:sure|certainly|of course|absolutely|okay|ok|got it|no problem|understood|great|alright)\s*[!,:.]"
    r"|\blet me know (?:if|whether|how|what)\b|\bi hope (?:this|that|it)\b|\bhope this helps\b|"
    r"\bfeel free to\b|\bwould you like (?:me|another|a)\b|\bhappy to (?:help|revise|adjust|provide)"
    r"\b|\bis there anything else\b"
    r"|\b(?:not|in)sufficient (?:information|data|context)\b|\benough information\b|\bno (?:information|"
    r"data|audio|record) (?:was|is|were|has been) (?:provided|given|available|found|supplied)\b"
    r"|\bi(?:['’]ve| have)? (?:made|invented|assumed|guessed|fabricated|left out|omitted|avoided|"
    r"kept|tried|followed|written|included)\b|\bmade (?:some of )?(?:this|it) up\b"
    r"|\b(?:the|this|your|given|provided) (?:json|metadata|prompt|fact record|facts? (?:sheet|"
    r"provided)|input (?:data|record)|instructions?|schema|record (?:lacks|says|provided|states|"
    r"does|is|above|below|contains|has no))\b"
    r"|\b(?:based on|according to|per|from|given|using) the (?:provided |given |supplied |above "
    r")?(?:record|metadata|facts|data|information|json|details|input|fields?)\b"
    r"|\bsystem prompt\b|\bsystem message\b|\bignore (?:all |the |any )?(?:previous|prior|above)"
    r"\b|\bdo not (?:mention|include|name|reveal|invent|use|add|output)\b|\bdescribe (?:the|this)"
    r" (?:following )?(?:clip|music|audio|track)\b|\bwrite (?:a|one|the) (?:[a-z]+ ){0,2}(?:caption|"
    r"sentence|description)\b|\byou are an? (?:[a-z]+ ){0,4}(?:assistant|writer|musicologist|model|"
    r"captioner|expert|critic)\b|\byour task\b|\b(?:in )?(?:one|two|three|\d+) sentences?\b.{0,"
    r"40}\bcaption\b"
    r"|\[/?inst\]|<\|[a-z_]*\|?>|</?s>|<<sys>>|</?think>|</?(?:p|div|html|body|br|span)\b|<!doctype|"
    r"\b(?:system|user|assistant|human|ai)\s*:|###|\*\*caption|^\W*(?:caption|output|answer|response|"
    r"description|text)\s*[:=]"
    r"|```|\{\s*[\"']|[\"']\s*:\s*[\"'{\[\d]|\{\{|\{[a-z_]+\}|\$\{|\[(?:insert|your|artist|title|"
    r"instrument|genre|tempo|caption|name|placeholder)[^\]]*\]|%s\b|<[a-z_ ]{3,20}>"
    r"|\b(?:http|https)://|\btraceback\b|\b(?:[a-z]+)?(?:error|exception)\s*(?::|\d{3})|\berror\b.{0,"
    r"30}\b(?:occurred|code|\d{3})\b|\b(?:4\d\d|5\d\d) (?:error|bad gateway|internal|service|too "
    r"many|not found|forbidden|unauthori[sz]ed)"
    r"|\brate[_ -]?limit|\btimed? ?out\b(?: |$)|\bquota\b|\bapi[_ ]key\b|\bserver (?:error|overloaded|"
    r"is busy)|\bmodel (?:overloaded|is (?:currently )?overloaded)|\btry again(?: later)?\b|\bout "
    r"of memory\b|\bnull\b|\bundefined\b|\bnan\b|\bn/a\b|\btodo\b|\btbd\b|\blorem ipsum\b|\bplaceholder\b|"
    r"\bcontent policy\b|\bcontent[_ ]filter|\bmax[_ ]tokens\b|\bnull\s*[,}\]]|\bfinish_reason\b|"
    r"\bconnection (?:reset|refused|error|aborted)\b|\binternal server\b|\bsegmentation fault\b|"
    r"\bunexpected token\b|\bkeyerror\b|\bnot found\b\s*$"
    r"|\bas (?:you )?(?:requested|instructed)\b|\bper your (?:request|instructions)\b|\(?\b\d+ "
    r"words\)|\b(?:maximum|max|at most|under|within|exactly) \d+ words\b|\bword count\b|\boutput "
    r"format\b|\b(?:the|a|this|your|following|above|requested) captions?\b|\bcaption for\b|\btraining "
    r"data\b|\bknowledge cutoff\b|\bmy (?:instructions|guidelines|training|programming)\b|\baudio "
    r"(?:file|clip) (?:could not|cannot|was not|is not)\b|\b(?:could not|cannot|failed to|unable "
    r"to) (?:be )?(?:load|generate|process|parse|read|open|find|connect|complete|analy[sz]e|describe)"
    r"\w*\b|\bno (?:caption|description|output|response)\b|\bexit code\b|\bstatus code\b|\bservice "
    r"unavailable\b|\bunauthori[sz]ed\b"
    r"|^\W*(?:none|nothing|unknown|empty|test|null|nil|no caption|no description)\W*$",
    re.IGNORECASE,
)
# Names of fields, places in a list, an object's class, marks of formatting.
_FORM = re.compile(r"\b[a-z]+_[a-z_]+\b|\w\[\d+\]|\[object \w+\]|\*\*|`|</?[a-z!]|&[a-z]{2,8};|(?:^|\n)\s*#+ ", re.IGNORECASE)
# Somebody whose music this is said to be, or to be like.
_STYLED = re.compile(
    r"\b(?i:in the (?:style|manner|vein|spirit) of|reminiscent of|(?:composed|written|made famous|recorded|sung) by|"
    r"(?:a )?cover of|homage to|tribute to|(?:music|song|piece|tune) by|"
    r"by (?=[A-Z][a-z]+ [A-Z][a-z])) (?:the )?(?P<who>[A-Z][\w'’]+(?: [A-Z][\w'’]+){0,3})"
)
_ENGLISH = frozenset(
    "the a an and or of in on with for to at by from is are it its this that as into over under "
    "no not without while then after before "
    "plays play played piece music song track has have be been was which who there throughout clip plus through "
    "major minor beats tempo key bpm chords drums".split()
)
_FOREIGN = frozenset(
    "der die das und ein eine einem einen mit ist im auf von für nicht wird le la les et une "
    "des du avec dans est sur pour qui au aux el los las un una y "
    "con en por del que es il di e lo gli che per della nel uno o os as um uma com em do da na "
    "no het een van met op de voor zijn och ett med som är på av "
    "och den det jest z na się w i och mit sich dem par sans sin se su morceau stück stykke musik "
    "música musique musica pieza brano canción chanson".split()
) - frozenset("a an as do no on to in was i of e per".split())
_LATIN_ONLY = re.compile(r"[^\W\d_]+")
_LEAST_WORDS = 5


def junk(caption: str, artist: str, title: str) -> tuple[int, int, str] | None:
    """Where and why a text is no caption, or None. `artist` and `title` are names that must not be said, or ""."""
    if not caption.strip() or not any(character.isalnum() for character in caption):
        return 0, len(caption), "nothing is said"
    if hidden := next((at for at, one in enumerate(caption) if unicodedata.category(one) in ("Cf", "Co", "Cn")), None):
        return hidden, hidden + 1, "a character that nobody sees"
    if bad := re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ufffe\uffff\ud800-\udfff]", caption):
        return bad.start(), bad.end(), "characters that are no text"
    if talk := _TALK.search(caption):
        return talk.start(), talk.end(), "this is not said of music but by a program or to one"
    if made := _FORM.search(caption):
        return made.start(), made.end(), "this is of a program's making"
    if found := _foreign(caption):
        return found
    if echo := _echo(caption):
        return *echo, "this repeats the prompt"
    if (styled := _STYLED.search(caption)) and not _known(styled["who"]):
        return styled.start("who"), styled.end("who"), "somebody is named"
    if re.search(r"\b(\w+)(?:\W+\1\b){4,}", caption[:4000], re.IGNORECASE):
        return 0, len(caption), "a word is said over and over"
    for what, name in (("artist", artist), ("title", title)):
        if place := _named(caption, name) or _squeezed_in(caption, name):
            return *place, f"the {what} is named, which is withheld"
    return None


_WORD = re.compile(r"[a-z0-9']+")
_RUN = 6  # words in a row of the prompt that nobody writes by chance


@lru_cache(1)
def _prompt() -> frozenset[tuple[str, ...]]:
    """All runs of words of what a language model is asked."""
    runs: set[tuple[str, ...]] = set()
    for text in TEXTS:
        words = _WORD.findall(text.lower())
        runs.update(tuple(words[at : at + _RUN]) for at in range(len(words) - _RUN + 1))
    return frozenset(runs)


def _echo(caption: str) -> tuple[int, int] | None:
    words = list(_WORD.finditer(caption.lower()))
    for at in range(len(words) - _RUN + 1):
        if tuple(word.group() for word in words[at : at + _RUN]) in _prompt():
            return words[at].start(), words[at + _RUN - 1].end()
    return None


def _known(name: str) -> bool:
    """Whether a word in capitals is one of music or of a place, and no name of somebody."""
    known = lexicon()
    return all(word.lower() in known or word.lower() in _ENGLISH for word in name.split())


_LOOKS_LIKE = str.maketrans("аеорсхуіѕјοαı", "aeopcxyisjoai")
_LEAST_LETTERS = 7  # of a name that is found whatever stands between its letters,
_LEAST_WHOLE = 4  # and of one that is found so from the beginning of a word to the end of one


@lru_cache(8)
def _squeezed(text: str, spare: bool) -> tuple[str, tuple[int, ...]]:
    """Letters and digits alone, without the words "and" and "n" if `spare`, and where each stood."""
    letters, places = [], []
    if spare:
        text = re.sub(r"(?i)\band\b|(?<=\W)n(?=\W)", lambda found: " " * len(found[0]), text)
    for match in re.finditer(r"[^\W_]", text):
        for one in unicodedata.normalize("NFKD", match[0].casefold().translate(_LOOKS_LIKE)):
            if one.isalnum():
                letters.append(one)
                places.append(match.start())
    return "".join(letters), tuple(places)


def _squeezed_in(caption: str, name: str) -> tuple[int, int] | None:
    """Where a name stands however it is spaced, dotted or spelled in letters that look alike."""
    if all(word in lexicon() or word in _ENGLISH for word, _, _ in _spelled(name[:300])):
        return None
    for spare in (True, False):
        wanted, _ = _squeezed(name[:300], spare)
        text, places = _squeezed(caption, spare)
        at = text.find(wanted) if len(wanted) >= _LEAST_WHOLE and wanted not in lexicon() else -1
        while at >= 0:
            first, last = places[at], places[at + len(wanted) - 1] + 1
            alone = not caption[max(0, first - 1) : first].isalnum() and not caption[last : last + 1].isalnum()
            if alone or len(wanted) >= _LEAST_LETTERS:
                return first, last
            at = text.find(wanted, at + 1)
    return None


def _foreign(caption: str) -> tuple[int, int, str] | None:
    letters = [character for character in caption if character.isalpha()]
    strange = sum(not unicodedata.name(character, "").startswith("LATIN") for character in letters if not character.isascii())
    if letters and strange > 0.15 * len(letters) + 2:
        return 0, len(caption), "this is not English"
    words = [word.lower() for word in _LATIN_ONLY.findall(caption)]
    if len(words) < _LEAST_WORDS:
        return None
    english = sum(word in _ENGLISH for word in words)
    foreign = sum(word in _FOREIGN and word not in _ENGLISH for word in words)
    known = lexicon()
    telling = sum(word in known for word in words)
    if (foreign >= 2 and not english) or (foreign >= 3 and foreign > english and foreign > 0.12 * len(words)):
        return 0, len(caption), "this is not English"
    if len(words) >= 8 and not english and telling < 0.15 * len(words) and foreign > 1:
        return 0, len(caption), "this is not English"
    if not english and not telling and foreign + len(words) >= 5 and not re.search(r"\d", caption):
        return 0, len(caption), "this is not English"
    return None


def _named(caption: str, name: str) -> tuple[int, int] | None:
    """Where a name stands: all its words, or two of them in a row and capitals, or a rare single one in a capital."""
    words = _spelled(name[:300])
    if words and words[0][0] in ("the", "a", "an", "dj", "mc", "mr", "le", "la") and len(words) > 1:
        words = words[1:]
    if not words:
        return None
    text = _spelled(caption)
    plain = [word for word, _, _ in text]
    wanted = [word for word, _, _ in words]
    known = lexicon()
    for at in range(len(plain)):
        if plain[at] not in wanted:
            continue
        first = wanted.index(plain[at])
        length = 1
        while first + length < len(wanted) and at + length < len(plain) and plain[at + length] == wanted[first + length]:
            length += 1
        begin, end = text[at][1], text[at + length - 1][2]
        capitals = sum(caption[start].isupper() for _, start, _ in text[at : at + length])
        quoted = caption[max(0, begin - 1) : begin] in ("“", '"', "‘", "'", "«", "*", "_") and begin > 0
        whole = length == len(wanted)
        if whole and _rare(wanted):
            return begin, end
        long = [word for word in wanted[first : first + length] if len(word) > 3 and word not in _ENGLISH]
        if whole and (
            quoted
            or length > 2
            or (length == 2 and (capitals == 2 or not all(word in known or word in _ENGLISH for word in wanted)))
        ):
            return begin, end
        if (
            whole
            and length == 1
            and capitals
            and (len(plain[at]) > 2)
            and plain[at] not in known
            and (at > 0 and caption[max(0, begin - 2) : begin][:1] not in ".!?")
        ):
            return begin, end
        if length >= 2 and len(long) >= 2 and capitals == length:
            return begin, end
        if length == 1 and capitals and len(plain[at]) > 4 and plain[at] not in known and at and _middle(caption, begin):
            return begin, end
    return None


def _rare(name: list[str]) -> bool:
    """Whether a name is told from common words by itself, capitals or not."""
    known, letters = lexicon(), "".join(name)
    uncommon = any(word not in known and word not in _ENGLISH for word in name)
    return uncommon and (len(letters) > 3 or not letters.isascii() or any(one.isdigit() for one in letters))


def _middle(caption: str, begin: int) -> bool:
    """Whether a place is inside a sentence, where only names begin with a capital."""
    before = caption[:begin].rstrip(" \"“'‘(")
    return bool(before) and before[-1] not in ".!?:;-–—\n"


@lru_cache(4)
def _spelled(text: str) -> list[tuple[str, int, int]]:
    found = []
    for match in re.finditer(r"[^\W_]+(?:['’][^\W_]+)*", text):
        word = unicodedata.normalize("NFKD", match.group().casefold())
        plain = "".join(character for character in word if character.isalnum())
        plain = plain.removesuffix("s") if match.group().casefold().endswith(("'s", "’s")) else plain
        if plain:
            found.append((plain, match.start(), match.end()))
    return found
