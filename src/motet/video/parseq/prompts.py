"""The prompt of each frame: which prompts stand there, how heavy each is, and what their expressions come to."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from motet.video.errors import VideoError
from motet.video.parseq.errors import ExpressionError
from motet.video.parseq.evaluation import compiled
from motet.video.parseq.functions.weights import MOVED
from motet.video.parseq.moment import Moment
from motet.video.parseq.values import SPACES, Value, fixed, precise

__all__ = ["EXPRESSION", "composed"]

EXPRESSION = re.compile(r"\$\{(.*?)\}", re.DOTALL)
LONGEST = 200_000  # characters of one frame's prompt
_MOVED = re.compile(re.escape(MOVED[0]) + "([^\n\r\u2028\u2029]*?)" + re.escape(MOVED[1]))
Text = str | list[str | Callable[[Moment], Value]]


def composed(prompts: Mapping[str, Any], last_frame: int) -> Callable[[Moment], str]:
    """The function that writes the prompt at a moment: `positive --neg negative`, several joined as `a: w AND b: w`.

    Expressions that cannot be read raise ExpressionError here, those that cannot be worked out when it is called.
    """
    listed = [(prompt, *_texts(prompts, prompt), _weight(prompt, last_frame)) for prompt in prompts["promptList"]]

    def write(moment: Moment) -> str:
        active = [(pos, neg, weight) for prompt, pos, neg, weight in listed if _stands(prompt, moment.frame)]
        positives, negatives = [], []
        for pos, neg, weight in active:
            positive, negative = _moved(_said(pos, moment, True), _said(neg, moment, False))
            negative, positive = _moved(negative, positive)
            heavy = f": {_said(weight(moment.frame), moment, None)}"
            positives.append(positive + (heavy if len(active) > 1 else ""))
            negatives.append(negative + (heavy if len(active) > 1 else ""))
        said, unsaid = " AND ".join(positives), " AND ".join(negatives)
        if len(said) + len(unsaid) > LONGEST:
            raise VideoError("bad_prompt", f"The prompt of frame {moment.frame} is longer than {LONGEST:,} characters.")
        return f"{said} --neg {unsaid}" if unsaid else said

    return write


def _stands(prompt: Mapping[str, Any], frame: int) -> bool:
    return bool(prompt["allFrames"] or prompt["from"] <= frame <= prompt["to"])


def _texts(prompts: Mapping[str, Any], prompt: Mapping[str, Any]) -> tuple[Text, Text]:
    common, place = prompts["commonPrompt"], prompts["commonPromptPos"]
    positive, negative = (_joined(prompt[key], common[key], place) for key in ("positive", "negative"))
    return _parts(positive), _parts(negative)


def _joined(own: str, common: str, place: str) -> str:
    if place == "append":
        return f"{own} {common}".strip(SPACES)
    if place == "prepend":
        return f"{common} {own}".strip(SPACES)
    if not common.strip(SPACES):
        return own
    if common.count("[prompt]") * len(own) > LONGEST:
        raise VideoError("bad_prompt", f"The common prompt makes a prompt longer than {LONGEST:,} characters.")
    return common.replace("[prompt]", own)


def _parts(prompt: str) -> Text:
    """The plain text of a prompt, or its pieces with a function for each `${expression}`."""
    pieces = EXPRESSION.split(prompt)
    if len(pieces) == 1:
        return prompt.replace("\n", " ")
    return [compiled(piece).run if at % 2 else piece.replace("\n", " ") for at, piece in enumerate(pieces)]


def _said(text: Text, moment: Moment, positive: bool | None) -> str:
    if isinstance(text, str):
        return text
    moment.positive = positive
    said = []
    for part in text:
        if isinstance(part, str):
            said.append(part)
            continue
        moment.memory = {}  # an expression in a prompt begins anew at every frame
        value = part(moment)
        if value != value:
            raise ExpressionError("an expression in a prompt is not a number")
        said.append(value.replace("\n", " ") if isinstance(value, str) else fixed(value, 5))
    moment.effort.spend(sum(map(len, said)) // 4 + 10 * len(said))
    return "".join(said)


def _weight(prompt: Mapping[str, Any], last_frame: int) -> Callable[[int], Text]:
    overlap = prompt["overlap"]
    if overlap["type"] == "custom":
        custom = _parts("${" + overlap["custom"] + "}")
        return lambda frame: custom
    fade_in, fade_out = (overlap[key] if overlap["type"] == "linear" else 0 for key in ("inFrames", "outFrames"))
    start, end = (0, last_frame) if prompt["allFrames"] else (prompt["from"], prompt["to"])

    def fade(frame: int) -> str:
        if fade_in and frame < start + fade_in:
            return precise((frame - start) / fade_in, 4)
        if fade_out and frame > end - fade_out:
            return precise(1 - (frame - (end - fade_out)) / fade_out, 4)
        return "1"

    return fade


def _moved(giving: str, taking: str) -> tuple[str, str]:
    """Takes the terms that belong elsewhere out of one prompt and sets them before the other."""
    if MOVED[0] not in giving:
        return giving, taking
    for match in list(_MOVED.finditer(giving)):
        giving = giving.replace(match[0], "", 1)
        taking = f" {match[1]} {taking}"
    return giving, taking
