"""A language model for tests: an OpenAI-compatible server on this machine, what it may say, and a checker that knows it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sources.serving import Reply, Request, told

KEY = "sk-planted/key+4711-of-nobody"
INSTRUMENTS = ("piano", "flute", "drums", "guitar", "banjo", "harp", "cello", "trumpet")
STYLES = ("short", "long", "tags", "question")


def record(number: int = 0) -> dict[str, Any]:
    """A clip's facts, others for each number."""
    return {
        "seconds": 10.0 + number / 100,
        "tempo": {"bpm": 60.0 + number % 90, "steady": True, "confidence": 0.97},
        "metre": "3/4",
        "metre_confidence": 0.9,
        "key": {"tonic": "E flat", "mode": "major", "confidence": 0.4, "runner_up": "C minor"},
        "chords": ["Eb", "Cm7", "Ab"],
        "instruments": [
            {
                "name": INSTRUMENTS[number % 3],
                "family": "x",
                "role": "melody",
                "role_confidence": 0.9,
                "notes": 61,
                "presence": 1.0,
            },
            {"name": "guitar", "family": "guitar", "role": "bass", "role_confidence": 0.3, "notes": 20, "presence": 0.5},
        ],
        "tags": [
            {"name": "folk", "kind": "genre", "weight": 0.9, "confidence": 0.8, "source": "own"},
            {"name": "polka", "kind": "genre", "weight": 0.1, "confidence": 0.2, "source": "own"},
            {"name": "songs by the paper lanterns", "kind": "other", "weight": 1, "confidence": 0.9, "source": "own"},
        ],
        "withheld": {"artist": "The Paper Lanterns", "title": "Harbour Lights"},
    }


def true_caption(facts: Mapping[str, Any], style: str) -> str:
    plays, bpm = facts["instruments"][0]["name"], round(facts["tempo"]["bpm"])
    return {
        "short": f"A {plays} tune at {bpm} BPM.",
        "long": f"The {plays} leads. Below it is a guitar, at {bpm} BPM.",
        "tags": f"{plays}, guitar, {bpm} BPM",
        "question": f"What plays? A {plays} with a guitar.",
    }[style]


def fallback(facts: Mapping[str, Any], style: str) -> str:
    return f"{facts['instruments'][0]['name']} and guitar ({style}, by the grammar)"


@dataclass(frozen=True)
class Claim:
    words: str
    verdict: str
    because: str


@dataclass(frozen=True)
class Checked:
    verdict: str
    claims: tuple[Claim, ...]


def check(text: str, facts: Mapping[str, Any]) -> Checked:
    """Knows instruments and beats a minute, and nothing else."""
    plays = {one["name"] for one in facts["instruments"]}
    words = text.lower()
    names = [name.lower() for name in facts.get("withheld", {}).values()]
    if re.search(r"sorry|as an ai|cannot|error|record", words) or not text.isascii() or any(name in words for name in names):
        return Checked("junk", ())
    claims = [
        Claim(name, "supported" if name in plays else "unsupported", f"no {name} plays")
        for name in INSTRUMENTS
        if re.search(rf"\b{name}\b", words)
    ]
    for bpm in re.findall(r"(\d{1,9}) bpm", words):
        right = abs(int(bpm) - facts["tempo"]["bpm"]) <= 1
        claims.append(Claim(f"{bpm} BPM", "supported" if right else "contradicted", f"it is {facts['tempo']['bpm']} BPM"))
    return Checked("true" if claims and all(one.verdict == "supported" for one in claims) else "false", tuple(claims))


@dataclass(frozen=True)
class Asked:
    """A request as the model sees it; `turn` is 1 when captions are sent back."""

    record: Mapping[str, Any]
    styles: tuple[str, ...]
    turn: int
    body: Mapping[str, Any]
    prompt: str

    @property
    def name(self) -> str:
        return self.prompt


def asked(request: Request) -> Asked:
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    body = json.loads(request.body)
    messages = body["messages"]
    first, last = json.loads(messages[1]["content"]), json.loads(messages[-1]["content"])
    return Asked(first["record"], tuple(last["styles"]), (len(messages) - 2) // 2, body, json.dumps(messages))


def tokens(request: Request, content: str) -> tuple[int, int]:
    """As a model of the size would count: three bytes a token, the template besides."""
    return len(request.body) // 3 + 8, len(content.encode()) // 3 + 1


def completion(request: Request, content: Any, finish: str = "stop", usage: tuple[int, int] | None = None, **more: Any) -> Reply:
    """An answer, cut at the tokens it was granted."""
    text = content if isinstance(content, str) else json.dumps(content)
    body = json.loads(request.body)
    most = body.get("max_tokens", body.get("max_completion_tokens"))
    if tokens(request, text)[1] > most:
        text, finish = text[: 3 * most - 3], "length"
    count = usage or tokens(request, text)
    return told(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}],
            "usage": {"prompt_tokens": count[0], "completion_tokens": count[1], "total_tokens": sum(count)},
        }
    )


def streamed(request: Request, content: Any, *, whole: bool = True) -> Reply:
    """The same as server-sent events, a few letters each."""
    text = content if isinstance(content, str) else json.dumps(content)
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": {"content": text[start : start + 7]}, "finish_reason": None}]}
        for start in range(0, len(text), 7)
    ]
    if whole:
        count = tokens(request, text)
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        chunks.append({"choices": [], "usage": {"prompt_tokens": count[0], "completion_tokens": count[1]}})
    lines = (
        ": processing\n\n" + "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ("data: [DONE]\n\n" if whole else "")
    )
    return Reply(lines.encode(), headers={"Content-Type": "text/event-stream"}, drip=0.00005)


def honest(request: Request, styles: Sequence[str] = ()) -> dict[str, str]:
    question = asked(request)
    return {style: true_caption(question.record, style) for style in styles or question.styles}
