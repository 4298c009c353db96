"""Captions by a model that lies, stammers, sulks and sends bills: none is shipped that is not true, and none is paid twice."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as law
from hypothesis import strategies as st

from motet.errors import UserError
from motet.sources import Unanswered
from motet.text import prompts
from motet.text.llm import Settings, Writer, Written, caption
from motet.text.prompts import captions_in
from motet.text.spending import Ledger, Prices, money
from sources.serving import Reply, Request, serving, told
from text.llm_server import KEY, STYLES, asked, check, completion, fallback, honest, record, streamed, tokens, true_caption

pytest.importorskip("openai")

PRICES = Prices(0.4, 1.6)


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def settings(url: str, **more: Any) -> Settings:
    quick = {"first_pause": 0.01, "per_minute": 100_000, "price_in": 0.4, "price_out": 1.6}
    return Settings(**{"model": "tiny-model", "base_url": f"{url}/v1", **quick, **more})


def write(writer: Writer, clips: range) -> list[list[Written] | Unanswered]:
    return list(writer.captions(map(record, clips), STYLES, check, fallback))


def true(found: list[list[Written] | Unanswered], clips: range) -> list[Written]:
    """All captions, each of every style and true to its clip."""
    kept: list[Written] = []
    for clip, captions in zip(clips, found, strict=True):
        assert not isinstance(captions, Unanswered), captions
        assert [one.style for one in captions] == list(STYLES)
        assert all(check(one.text, record(clip)).verdict == "true" for one in captions)
        kept += captions
    return kept


def test_a_clip_is_asked_for_once_in_all_styles_and_never_again(tmp_path: Path) -> None:
    with serving(lambda request: completion(request, honest(request))) as service:
        first = caption(record(), STYLES, settings(service.url), check, fallback, folder=tmp_path)
        assert first[0] == Written("A piano tune at 60 BPM.", "short", "llm", "tiny-model", prompts.PROMPT_VERSION, 1)
        assert [one.style for one in first] == list(STYLES)
        (request,) = service.asked
    assert request.headers["authorization"] == f"Bearer {KEY}"
    shape = json.loads(request.body)["response_format"]["json_schema"]["schema"]
    assert shape["required"] == list(STYLES)
    # No server any more, and nothing lost.
    assert caption(record(), STYLES, settings(service.url), check, fallback, folder=tmp_path) == first


def test_clips_with_the_same_facts_are_asked_for_once(tmp_path: Path) -> None:
    with (
        serving(lambda request: completion(request, honest(request))) as service,
        Writer(settings(service.url), tmp_path) as writer,
    ):
        found = list(writer.captions([record()] * 20, STYLES, check, fallback))
        assert found == [found[0]] * 20
        assert len(service.asked) == 1


def test_the_model_learns_what_is_sure_and_neither_artist_nor_title() -> None:
    messages = prompts.first(record(), STYLES)
    facts = json.loads(messages[1]["content"])["record"]
    assert facts["tags"] == [{"name": "folk", "kind": "genre"}]  # one is unlikely, one names the artist
    assert "key" not in facts  # 40 % sure
    assert [one.get("role") for one in facts["instruments"]] == ["melody", None]
    assert "lanterns" not in str(messages).casefold()
    assert "harbour" not in str(messages).casefold()
    assert "confidence" not in messages[1]["content"]
    wrong = {"short": ("A song.", ['"song": it is Harbour Lights, by The Paper Lanterns!', "no song is known"])}
    reasons = json.loads(prompts.again(messages, wrong, record())[-1]["content"])["wrong"]
    assert reasons == {"short": ["it gives a name", "no song is known"]}


def test_the_song_is_named_if_asked_for(tmp_path: Path) -> None:
    def replies(request: Request) -> Reply:
        return completion(request, {"short": f"{asked(request).record['song']['title']}, for piano."})

    with serving(replies) as service:
        (found,) = caption(record(), ["short"], settings(service.url, name_song=True), check, fallback, folder=tmp_path)
        assert (found.text, found.writer) == ("Harbour Lights, for piano.", "llm")


SHAPES: list[Callable[[dict[str, str]], Any]] = [
    lambda said: said,
    lambda said: f"```json\n{json.dumps(said)}\n```",
    lambda said: f"<think>Is it {{a waltz}}?</think>Here you are: {json.dumps(said)} Enjoy!",
    lambda said: {"captions": said},
    lambda said: [{"style": style, "caption": text} for style, text in said.items()],
    lambda said: {
        **said,
        "tags": said["tags"].split(", "),
        "question": dict(zip("QA", said["question"].split("? "), strict=True)),
    },
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reply", [completion, streamed])
def test_a_server_may_ignore_the_schema_and_it_may_stream(shape: Any, reply: Any, tmp_path: Path) -> None:
    with serving(lambda request: reply(request, shape(honest(request)))) as service:
        found = caption(record(1), STYLES, settings(service.url), check, fallback, folder=tmp_path)
    assert [one.writer for one in found] == ["llm"] * 4
    assert len(service.asked) == 1


def test_a_false_caption_goes_back_once_with_the_reason(tmp_path: Path) -> None:
    def replies(request: Request) -> Reply:
        said = honest(request)
        question = asked(request)
        if question.turn == 0:
            said |= {"short": "A banjo joins the piano.", "long": "A harp sings."}
        elif "long" in said:
            said["long"] = "A harp and a trumpet."
        return completion(request, said)

    with serving(replies) as service:
        found = caption(record(), STYLES, settings(service.url), check, fallback, folder=tmp_path)
        assert found == caption(record(), STYLES, settings(service.url), check, fallback, folder=tmp_path)
    assert [(one.style, one.writer, one.tries) for one in found] == [
        ("short", "llm", 2),
        ("long", "grammar", 2),
        ("tags", "llm", 1),
        ("question", "llm", 1),
    ]
    assert found[0].reasons == ('"banjo": no banjo plays',)
    assert found[1].text == fallback(record(), "long")
    first, second = (asked(request) for request in service.asked)
    assert (first.styles, second.styles) == (STYLES, ("short", "long"))
    assert "no banjo plays" in json.loads(second.prompt)[-1]["content"]


JUNK = {
    "refusal": "I'm sorry, but I cannot help with that.",
    "error": "Error: upstream timed out",
    "empty": "",
    "spaces": "  \n ",
    "another language": "Ein Klavier spielt für dich, 60 BPM",
    "the artist": "The Paper Lanterns play the piano.",
    "leakage": "The record says that a piano plays.",
    "control characters": "A piano\x1b[31m tune.",
    "half a character": "A piano tune \ud800.",
    "megabytes": "A piano tune. " * 3000,
    "no text": 7,
    "nothing to check": "Lovely.",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
def test_junk_is_replaced(junk: Any, tmp_path: Path) -> None:
    with serving(lambda request: completion(request, dict.fromkeys(asked(request).styles, junk))) as service:
        config = settings(service.url, answer_tokens=100_000)
        found = true([caption(record(), STYLES, config, check, fallback, folder=tmp_path)], range(1))
        assert {one.writer for one in found} == {"grammar"}
        assert all(one.reasons for one in found)
        assert len(service.asked) == 2


def test_a_refusal_of_everything_is_junk_too(tmp_path: Path) -> None:
    def replies(request: Request) -> Reply:
        return [
            completion(request, "I'm sorry, I cannot write captions."),
            completion(request, None, refusal="I cannot."),
            told({"error": {"code": "content_filter", "message": "filtered"}}, 400),
        ][len(service.asked) - 1]

    with serving(replies) as service, Writer(settings(service.url), tmp_path) as writer:
        for clip in range(2):
            found = true(write(writer, range(clip, clip + 1)), range(clip, clip + 1))
            assert {one.writer for one in found} == {"grammar"}
        assert len(service.asked) == 3


def test_a_caption_that_not_even_the_grammar_can_mend_is_left_out(tmp_path: Path) -> None:
    with (
        serving(lambda request: completion(request, {"short": "A harp."})) as service,
        Writer(settings(service.url), tmp_path) as writer,
    ):
        assert writer.caption(record(), ["short"], check, lambda facts, style: "A trumpet.") == []
        assert writer.tally.left_out == 1


class Moody:
    """A model that fails in every way a server can, and lies in between."""

    def __init__(self, moods: random.Random) -> None:
        self.moods = moods
        self.lock = Lock()
        self.now = self.most = 0
        self.seen = Counter[str]()

    def __call__(self, request: Request) -> Reply:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            time.sleep(0.003)
            return self.reply(request)
        finally:
            with self.lock:
                self.now -= 1

    def reply(self, request: Request) -> Reply:
        said = honest(request)
        with self.lock:
            mood = self.moods.random()
        style = asked(request).styles[int(mood * 1000) % len(said)]
        whole = json.dumps(said)
        moods: list[Callable[[], Reply]] = [
            lambda: Reply(b"", 429, {"Retry-After": "0.02"}),
            lambda: told({"error": {"message": "slow down"}}, 429),
            lambda: Reply(b"<html>oops</html>", 500),
            lambda: Reply(b"<html>a proxy's page</html>"),
            lambda: completion(request, whole[: len(whole) // 2]),
            lambda: completion(request, whole[: len(whole) // 2], "length"),
            lambda: Reply(completion(request, said).body, cut=True),
            lambda: streamed(request, whole[:-9], whole=False),
            lambda: completion(request, said | {style: "A harp and a banjo."}),
            lambda: completion(request, said | {style: "A piano, a flute and drums at 999 BPM."}),
            lambda: completion(request, said | {style: "As an AI I cannot hear music."}),
            lambda: completion(request, {"answer": [1, 2, {"x": None}]}),
            lambda: completion(request, {name: text for name, text in said.items() if name != style}),
            lambda: told([[[]]]),
            lambda: streamed(request, said),
        ]
        return moods[int(mood * 2 * len(moods))]() if mood < 0.5 else completion(request, said)


def test_nothing_false_gets_through(tmp_path: Path) -> None:
    moody = Moody(random.Random(7))
    with serving(moody) as service, Writer(settings(service.url, concurrency=4, tries=12), tmp_path) as writer:
        found = true(write(writer, range(60)), range(60))
        assert moody.most <= 4
        assert Counter(one.writer for one in found) == {"llm": writer.tally.llm, "grammar": writer.tally.grammar}
        assert writer.tally.llm > 180
        assert writer.tally.grammar > 0
        said = len(service.asked)
        assert true(write(writer, range(60)), range(60)) == found
        assert len(service.asked) == said


def test_no_more_are_in_flight_than_allowed(tmp_path: Path) -> None:
    flying, most, lock = 0, 0, Lock()

    def replies(request: Request) -> Reply:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        time.sleep(0.02)
        with lock:
            flying -= 1
        return completion(request, honest(request))

    # Two writers, as two processes would be, share three slots.
    with serving(replies) as service, Writer(settings(service.url, concurrency=3), tmp_path) as one:
        with Writer(settings(service.url, concurrency=3), tmp_path) as other:
            mine, others = (
                w.captions(map(record, clips), STYLES, check, fallback) for w, clips in ((one, range(12)), (other, range(50, 62)))
            )
            for pair in zip(mine, others, strict=True):
                assert all(isinstance(found, list) for found in pair)
        assert most == 3


def test_an_answer_that_lacks_room_is_granted_more(tmp_path: Path) -> None:
    with serving(lambda request: completion(request, honest(request))) as service:
        found = caption(record(), STYLES, settings(service.url, answer_tokens=30), check, fallback, folder=tmp_path)
        assert {one.writer for one in found} == {"llm"}
        assert [json.loads(request.body)["max_tokens"] for request in service.asked] == [30, 60, 120][: len(service.asked)]
        assert len(service.asked) > 1


def test_what_a_server_declines_is_left_out(tmp_path: Path) -> None:
    def replies(request: Request) -> Reply:
        for option, words in {
            "max_tokens": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            "temperature": "temperature must be 1",
            "response_format": "unknown field",
        }.items():
            if option in asked(request).body:
                return told({"error": {"message": words}}, 400)
        return completion(request, honest(request))

    with serving(replies) as service, Writer(settings(service.url, concurrency=1), tmp_path) as writer:
        true(write(writer, range(3)), range(3))
        assert len(service.asked) == 3 + 3
        assert json.loads(service.asked[-1].body)["max_completion_tokens"] == 600


def test_it_stays_away_as_long_as_it_is_asked_to(tmp_path: Path) -> None:
    busy = iter([True])

    def replies(request: Request) -> Reply:
        return Reply(b"", 429, {"Retry-After": "1"}) if next(busy, False) else completion(request, honest(request))

    with serving(replies) as service:
        caption(record(), STYLES, settings(service.url), check, fallback, folder=tmp_path)
        first, second = (request.at for request in service.asked)
        assert 0.95 <= second - first <= 2.5


@pytest.mark.parametrize(
    "reply, within",
    [
        (Reply(b"", 429, {"Retry-After": "9" * 30}), "its turn would be in 86400 s"),
        (told({"error": {"code": "insufficient_quota"}}, 429), "no credit left"),
        (Reply(b"", 503), "2 tries; the last: status 503"),
        (Reply(b"{}", wait=5), "no whole answer in 0.3 s"),
        (Reply(b"x" * 1000, drip=0.05), "no whole answer in 0.3 s"),
        (Reply(b"[" * 100_000), "2 tries"),
        (told({"error": {"message": f"bad {KEY}\x1b"}}, 418), "status 418, which no new try will change"),
    ],
)
def test_a_server_that_cannot_be_asked_gives_no_answer(reply: Reply, within: str, tmp_path: Path) -> None:
    with (
        serving(lambda _: reply) as service,
        Writer(settings(service.url, seconds=0.3, tries=2, patience=30), tmp_path) as writer,
    ):
        start = time.monotonic()
        (found,) = write(writer, range(1))
        assert isinstance(found, Unanswered)
        assert within in str(found)
        assert time.monotonic() - start < 3
        service.replies = lambda request: completion(request, honest(request))
    # Nothing was kept, so the next run asks.
    with serving(lambda request: completion(request, honest(request))) as service:
        true([caption(record(), STYLES, settings(service.url), check, fallback, folder=tmp_path)], range(1))


def test_a_huge_answer_is_not_read_to_its_end(tmp_path: Path) -> None:
    with serving(lambda _: Reply(b'{"choices":"' + b" " * (64 << 20))) as service:
        found = true([caption(record(), STYLES, settings(service.url, tries=2), check, fallback, folder=tmp_path)], range(1))
        assert {one.reasons for one in found} == {("an answer of more than 1048576 bytes",)}
        assert len(service.asked) == 2


def test_a_server_that_is_down_is_left_alone(tmp_path: Path) -> None:
    with serving(lambda _: Reply(b"", 500)) as service, Writer(settings(service.url, tries=2, concurrency=1), tmp_path) as writer:
        found = write(writer, range(40))
        assert all(isinstance(one, Unanswered) for one in found)
        assert 10 <= len(service.asked) <= 12  # five questions, each twice, and what was between two tries
        assert "left alone" in str(found[-1])


# Money


class Till:
    """A server that bills what it says, and everything it answers."""

    def __init__(self, wait: float = 0.0) -> None:
        self.wait = wait
        self.billed = Decimal(0)
        self.delivered = Counter[str]()
        self.lock = Lock()

    def __call__(self, request: Request) -> Reply:
        time.sleep(self.wait)
        said = honest(request)
        reply = completion(request, said)
        asked_tokens, told_tokens = tokens(request, json.dumps(said))
        with self.lock:
            self.billed += (asked_tokens * Decimal("0.4") + told_tokens * Decimal("1.6")) / 10**6
            self.delivered[asked(request).name] += 1
        return reply


def test_the_cap_holds_under_concurrency_and_is_used_up(tmp_path: Path) -> None:
    till = Till(0.002)
    with serving(till) as service:
        with Writer(settings(service.url, cap=0.02), tmp_path) as writer:
            found = write(writer, range(60))
            answered = [one for one in found if not isinstance(one, Unanswered)]
            assert 0 < len(answered) < 60
            assert "raise it to go on" in str(found[-1])
            assert money(writer.spent()) == till.billed * 10**12  # to the last digit
            assert Decimal("0.9") < till.billed / Decimal("0.02") <= 1
        with Writer(settings(service.url, cap=1), tmp_path) as writer:
            true(write(writer, range(60)), range(60))
    assert set(till.delivered.values()) == {1}


ASK = """
import sys
from pathlib import Path
from motet.text.llm import Settings, Writer
from text.llm_server import STYLES, check, fallback, record

folder, url, cap, first, last = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
settings = Settings(model="tiny-model", base_url=url + "/v1", price_in=0.4, price_out=1.6, cap=cap, per_minute=100_000)
with Writer(settings, folder) as writer:
    for found in writer.captions(map(record, range(first, last)), STYLES, check, fallback):
        pass
"""


def process(folder: Path, url: str, cap: float, clips: range) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", ASK, str(folder), url, str(cap), str(clips.start), str(clips.stop)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths})


def test_the_cap_holds_among_processes(tmp_path: Path) -> None:
    till = Till(0.002)
    with serving(till) as service:
        both = [process(tmp_path, service.url, 0.02, clips) for clips in (range(40), range(40, 80))]
        assert [one.wait(60) for one in both] == [0, 0]
    assert Decimal("0.8") < till.billed / Decimal("0.02") <= 1
    assert set(till.delivered.values()) == {1}


@pytest.mark.slow
def test_killed_and_resumed_nothing_is_asked_twice_but_what_was_in_flight(tmp_path: Path) -> None:
    till, clips, kills = Till(0.01), range(300), 3
    with serving(till) as service:
        for number in range(kills):
            one = process(tmp_path, service.url, 100, clips)
            while one.poll() is None and len(service.delivered) < 70 * (number + 1):
                time.sleep(0.005)
            one.send_signal(signal.SIGKILL)
            assert one.wait(60) == -signal.SIGKILL
            time.sleep(0.05)
        cut = len(service.delivered)
        assert process(tmp_path, service.url, 100, clips).wait(120) == 0
    again = [name for name, times in till.delivered.items() if times > 1]
    assert 3 * 70 <= cut < 300
    assert len(till.delivered) == 300
    assert len(again) <= kills * Settings(model="m", base_url="http://localhost/v1").concurrency
    # What the dead had reserved counts as spent: never less than was billed.
    ledger = Ledger(tmp_path / "spending.sqlite")
    assert till.billed * 10**12 <= ledger.spent() <= till.billed * 10**12 + 24 * PRICES.of(8000, 600)
    ledger.close()


def test_ctrl_c_ends_it_at_once_and_what_was_in_flight_stays_reserved(tmp_path: Path) -> None:
    with serving(lambda _: Reply(b"{}", wait=20)) as service:
        one = process(tmp_path, service.url, 100, range(30))
        while len(service.asked) < 8 and one.poll() is None:
            time.sleep(0.01)
        start = time.monotonic()
        one.send_signal(signal.SIGINT)
        assert one.wait(30) == -signal.SIGINT
        assert time.monotonic() - start < 5
        assert len(service.asked) == 8
    ledger = Ledger(tmp_path / "spending.sqlite")
    assert 8 * PRICES.of(1000, 600) < ledger.spent() < 8 * PRICES.of(8000, 600)
    ledger.close()


@pytest.mark.parametrize(
    "reply, share",
    [
        (Reply(b"", 500), 0),
        (Reply(b"", 504), 1),  # the server behind the gateway may have answered
        (Reply(b"{}", wait=2), 1),
        (told({"choices": [{"message": {"content": '{"short": "A piano."}'}}]}), 1),  # does not say what it used
        (
            told(
                {
                    "choices": [{"message": {"content": '{"short": "A piano."}'}}],
                    "usage": {"prompt_tokens": -1, "completion_tokens": 1e99},
                }
            ),
            1,
        ),
        (
            told(
                {
                    "choices": [{"message": {"content": '{"short": "A piano."}'}}],
                    "usage": {"prompt_tokens": 0, "completion_tokens": 0},
                }
            ),
            0,
        ),
    ],
)
def test_who_may_have_worked_is_reckoned_as_paid(reply: Reply, share: int, tmp_path: Path) -> None:
    with serving(lambda _: reply) as service, Writer(settings(service.url, seconds=0.2, tries=1), tmp_path) as writer:
        list(writer.captions([record()], ["short"], check, fallback))
        assert (writer.spent() > 0) == share


def test_nobody_is_billed_for_a_server_that_is_not_there(tmp_path: Path) -> None:
    with serving(lambda _: Reply()) as service:
        pass
    with Writer(settings(service.url, tries=2), tmp_path) as writer:
        (found,) = write(writer, range(1))
        assert "ConnectError" in str(found)
        assert writer.spent() == 0


def test_a_cap_that_is_reached_keeps_what_is_known(tmp_path: Path) -> None:
    with serving(lambda request: completion(request, honest(request))) as service:
        with Writer(settings(service.url), tmp_path) as writer:
            write(writer, range(2))
        with Writer(settings(service.url, cap=0), tmp_path) as writer:
            one, other, unknown = write(writer, range(3))
            assert true([one, other], range(2))
            assert "leaves no room" in str(unknown)
        assert len(service.asked) == 2


def test_the_estimate_is_near_what_is_spent_and_most_is_above_it(tmp_path: Path) -> None:
    with (
        serving(lambda request: completion(request, honest(request))) as service,
        Writer(settings(service.url), tmp_path) as writer,
    ):
        before = writer.estimate(map(record, range(20)), STYLES)
        assert service.asked == []
        write(writer, range(20))
        assert (before.clips, before.requests) == (20, 24)
        # The captions of this model are short, and all are true.
        assert writer.spent() < before.dollars < 3 * writer.spent() < before.most
        after = writer.estimate(map(record, range(20)), STYLES)
        assert (after.requests, after.dollars, after.most) == (0, 0.0, 0.0)


@law(max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.booleans()), max_size=20), st.integers(0, 2000))
def test_a_ledger_never_reserves_beyond_its_cap(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, int, bool]], cap: int
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("ledger") / "spending.sqlite")
    expected = 0
    for amount, paid, settled in lines:
        number = ledger.reserve(amount, cap, "m")
        assert (number is None) == bool(amount and expected + amount > cap)
        if number is not None:
            expected += min(paid, amount) if settled else amount
            if settled:
                ledger.settle(number, min(paid, amount))
                ledger.settle(number, 0)  # a second time says nothing
        assert ledger.spent() == expected
    assert expected <= cap
    ledger.close()


# Secrets


def test_the_key_is_found_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    caplog.set_level(logging.DEBUG)
    leaks: list[Callable[[Request], Reply]] = [
        lambda request: completion(request, dict.fromkeys(asked(request).styles, f"A piano. {KEY}")),
        lambda request: completion(request, json.dumps({"short": "A piano. " + KEY}).replace("k", "\\u006b")),
        lambda request: told({"error": {"message": f"Incorrect API key provided: {KEY}"}}, 401),
        lambda request: told({"error": {"message": KEY, "code": KEY}}, 400, Retry_After=KEY),
        lambda request: told({"error": KEY}, 500, X_Key=KEY),
        lambda request: Reply(b"", 302, {"Location": f"http://localhost:1/{KEY}"}),
        lambda request: Reply(KEY.encode(), cut=True),
        lambda request: completion(request, honest(request)),
    ]
    texts: list[str] = []
    problems: list[UserError] = []
    for number, leak in enumerate(leaks):
        with serving(leak) as service, Writer(settings(service.url, tries=2), tmp_path / str(number)) as writer:
            texts += [repr(writer.settings), repr(vars(writer))]
            try:
                texts += [repr(found) + str(found) for found in write(writer, range(1))]
            except UserError as problem:
                texts += traceback.format_exception(problem)
                problems.append(problem)
    assert len(problems) == 2
    assert {(one.__cause__, one.__context__) for one in problems} == {(None, None)}  # those of the library hold the request
    texts += [caplog.text, *capfd.readouterr()]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 8
    for number in range(len(leaks)):  # the answers are packed
        for _, captions in kept(tmp_path / str(number)):
            texts.append(captions)
    assert not any(KEY in text for text in texts)
    assert not any(KEY.encode() in path.read_bytes() for path in written)


def kept(folder: Path) -> Iterator[tuple[str, str]]:
    import sqlite3
    import zlib

    database = sqlite3.connect(folder / "answers.sqlite")
    for request, body in database.execute("SELECT request, body FROM answers"):
        yield request, zlib.decompress(body).decode()
    database.close()


@pytest.mark.parametrize("status", [401, 403, 404, 307])
def test_what_the_user_must_mend_is_said_at_once(status: int, tmp_path: Path) -> None:
    with serving(lambda _: Reply(b"{}", status, {"Location": "/v2"})) as service:
        with pytest.raises(UserError, match="check"):
            caption(record(), STYLES, settings(service.url), check, fallback, folder=tmp_path)
        assert len(service.asked) == 1


@pytest.mark.parametrize(
    "more, sentence",
    [
        ({"price_in": None, "base_url": "https://models.example/v1"}, "set price_in and price_out"),
        ({"base_url": "ftp://models.example"}, "is not an address"),
        ({"model": ""}, "model is empty"),
        ({"cap": -1.0}, "cap is -1.0: set it to a number from 0"),
        ({"cap": float("nan")}, "cap is nan"),
        ({"concurrency": 0}, "concurrency is 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        settings("http://localhost:1", **more)


def test_a_server_elsewhere_needs_a_key_and_the_package_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(UserError, match=r"models\.example needs OPENAI_API_KEY"):
        Writer(settings("https://models.example"), tmp_path)
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(UserError, match=r'pip install "motet\[llm\]"'):
        Writer(settings("http://localhost:1"), tmp_path)


def test_a_style_that_is_unknown_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="choose from short, long, tags, question"):
        caption(record(), ["haiku"], settings("http://localhost:1"), check, fallback, folder=tmp_path)


# What models write, and what records hold

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(STYLES), inner),
)


@given(JSON, st.integers(0, 60), st.text(max_size=20))
def test_any_answer_gives_lines_of_known_styles_or_none(value: Any, cut: int, before: str) -> None:
    for content in (json.dumps(value), json.dumps(value)[:cut], before + json.dumps({"short": "a b"}) + before):
        found = captions_in(content, STYLES)
        assert found is None or all(style in STYLES and text and text == " ".join(text.split()) for style, text in found.items())


@pytest.mark.parametrize(
    "content", ["[" * 200_000, '{"a":' * 100_000, "{ " * 300_000, "1" * 500_000, '{"short": "' + "x" * 500_000]
)
def test_a_hostile_answer_costs_no_time(content: str) -> None:
    start = time.process_time()
    assert not captions_in(content, STYLES)
    assert time.process_time() - start < 1


@law(max_examples=50)
@given(st.dictionaries(st.sampled_from(sorted(record())), JSON))
def test_any_record_makes_a_prompt_of_bounded_size(facts: dict[str, Any]) -> None:
    messages = prompts.first(
        {**facts, "withheld": {"artist": "Zqx Wvy", "title": "A"}, "tags": [{"name": "zqx wvy hits"}, {"name": "y" * 10**5}]},
        STYLES,
    )
    assert "zqx" not in messages[1]["content"]
    assert len(messages[1]["content"].encode()) < 100_000
    assert messages == prompts.first({**facts, "withheld": None, "tags": [{"name": "y" * 10**5}]}, STYLES)


def test_a_change_of_the_prompt_changes_its_version() -> None:
    """If this fails, raise PROMPT_VERSION and store the new digest."""
    messages = prompts.first(record(), STYLES)
    asked_all = json.dumps(
        [messages, prompts.again(messages, {"short": ("A harp.", ["no harp"])}, record()), prompts.schema(STYLES)]
    )
    assert (prompts.PROMPT_VERSION, hashlib.sha256(asked_all.encode()).hexdigest()[:12]) == ("1", "7e8a7a50ee36")


def test_the_true_captions_of_these_tests_are_true() -> None:
    for clip in range(90):
        assert all(
            check(text(record(clip), style), record(clip)).verdict == "true"
            for style in STYLES
            for text in (true_caption, fallback)
        )
