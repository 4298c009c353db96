"""Captions by a language model behind any OpenAI-compatible server: asked once, paid within a cap, and checked claim by claim."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import logging
import os
import random
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

import httpx2

from motet.errors import UserError
from motet.sources.asking import Unanswered, address, setting
from motet.sources.cache import Cache, Kept
from motet.sources.hostile import inside, parse, whole
from motet.sources.hostile import text as one_line
from motet.sources.limits import Gate, Limit
from motet.sources.wire import Heard, retry_after
from motet.text import prompts
from motet.text.prompts import PROMPT_VERSION, STYLES, Messages, captions_in
from motet.text.spending import MOST_TOKENS, Ledger, Money, Prices, dollars, money

MOST_BYTES = 1 << 20  # of an answer; captions have a few kB
MOST_CHARACTERS = 1500  # of a caption
BYTES_A_TOKEN = 3  # of a question, for the estimate: JSON and English have 3 to 4.5. No token has less than one byte
SENT_BACK = 0.2  # share of clips asked a second time, for the estimate

_PROVIDER = "llm"
_BESIDES = 64  # tokens a chat template puts around a message, at most
_LONGER = 4  # times as many tokens as set are granted to an answer that broke off for want of them
_LONGEST_PAUSE = 20.0  # seconds before a new try, by ourselves
_FAILURES, _REST = 5, 60.0  # questions in a row that a server fails, and the seconds it is left alone then
_SLOT_PAUSE = 0.02
_AT_ONCE = 0.002  # seconds the other requests can be kept waiting
_SHORTEST_SECRET = 8  # characters; a shorter one cannot be told from other text
_DECLINED = {"content_filter", "content_policy_violation"}
_UNKNOWN_COST = (408, 502, 504)  # said by a gateway that does not know what the server behind it did

T = TypeVar("T")


class Claim(Protocol):
    @property
    def words(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def because(self) -> str: ...


class Checked(Protocol):
    """What a checker says of a caption: "true", or anything else and why."""

    @property
    def verdict(self) -> str: ...
    @property
    def claims(self) -> Sequence[Claim]: ...


Record = Mapping[str, Any]
Check = Callable[[str, Record], Checked]
Fallback = Callable[[Record, str], str]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which server is asked, how much, and for how many dollars.

    `base_url` ends where "/chat/completions" begins. `key_variable` names the environment variable with the API key; "" is
    for a server that wants none, and one on this machine needs none. `price_in` and `price_out` are dollars for a million tokens;
    only for a server on this machine they may be left out. `cap` is in dollars, for all that was ever asked from one folder.
    `concurrency` and `per_minute` are requests, of all processes that share the folder. `seconds` is the longest an answer
    may take, `patience` (seconds) the longest a question waits for the server in all, `tries` how often it is sent.
    `answer_tokens` is granted to an answer, all styles together. `name_song` tells artist and title. Raises UserError for
    values that cannot be.
    """

    model: str
    base_url: str = "https://api.openai.com/v1"
    key_variable: str = "OPENAI_API_KEY"
    price_in: float | None = None
    price_out: float | None = None
    cap: float = 5.0
    concurrency: int = 8
    per_minute: float = 3000.0
    seconds: float = 120.0
    patience: float = 600.0
    tries: int = 4
    first_pause: float = 0.5
    answer_tokens: int = 600
    temperature: float = 0.8
    name_song: bool = False

    def __post_init__(self) -> None:
        address({"base_url": self.base_url}, "base_url", "")
        if not self.model or one_line(self.model) != self.model:
            raise UserError("model is empty or no name: give the one that the server knows it by.")
        bounds: dict[str, tuple[float, float]] = {
            "price_in": (0, 1e4), "price_out": (0, 1e4), "cap": (0, 1e6), "concurrency": (1, 256), "per_minute": (0.1, 1e5),
            "seconds": (0.1, 3600), "patience": (0.1, 86_400), "tries": (1, 20), "first_pause": (0, 60),
            "answer_tokens": (1, 100_000), "temperature": (0, 2),
        }  # fmt: skip
        for name, (least, most) in bounds.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise UserError(f"{name} is {value}: set it to a number from {least:g} to {most:g}.")
        if not self.here and (self.price_in is None or self.price_out is None):
            sentence = "set price_in and price_out to dollars for a million tokens, or to 0 for a server of your own."
            raise UserError(f"Without prices the cap of {self.cap:g} dollars means nothing: {sentence}")

    @property
    def here(self) -> bool:
        """Whether the server is on this machine."""
        return urlsplit(self.base_url).hostname in ("localhost", "127.0.0.1", "::1")

    @property
    def prices(self) -> Prices:
        return Prices(self.price_in or 0.0, self.price_out or 0.0)


@dataclass(frozen=True)
class Written:
    """A caption that the checker found true.

    `model` and `prompt_version` tell who was asked, also where the grammar had to step in; `tries` how many of its captions
    were looked at (0 if it gave none that could be read), and `reasons` what was wrong with those that are not this one.
    """

    text: str
    style: str
    writer: Literal["llm", "grammar"]
    model: str
    prompt_version: str
    tries: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Estimate:
    """What captions will cost. `requests` are those that are not in the cache, `dollars` is likely, `most` is if every clip is
    sent back and every answer as long as it may be; requests that fail and are sent again come on top."""

    clips: int
    requests: int
    tokens_in: int
    tokens_out: int
    dollars: float
    most: float


@dataclass
class Tally:
    """What a writer did: `asked` requests sent, `told` answers from the cache; captions by the model and by the grammar,
    `sent_back` for a second try, and `left_out` because not even the grammar's was found true."""

    asked: int = 0
    told: int = 0
    llm: int = 0
    grammar: int = 0
    sent_back: int = 0
    left_out: int = 0


def caption(
    record: Record, styles: Sequence[str], settings: Settings, check: Check, fallback: Fallback, *, folder: Path
) -> list[Written]:
    """Captions of one clip, a Writer for this once. See `Writer.captions`; raises Unanswered if the server cannot be asked."""
    with Writer(settings, folder) as writer:
        return writer.caption(record, styles, check, fallback)


class Writer:
    """Asks a server for captions, and remembers.

    `folder` holds the answers, the ledger and the limits; processes that share it share all of them. Answers are told apart by
    model, prompt version and prompt, not by server. Needs the package openai and raises UserError without it, or without the
    key. Use it in a `with`; the object is for one thread.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings = settings
        self.tally = Tally()
        self._folder = folder
        key = _key(settings)
        self._tells_key = _tells(key)
        (folder / "limits").mkdir(parents=True, exist_ok=True)
        self._host = urlsplit(settings.base_url).netloc
        self._at = f"llm-{_digest(settings.base_url)[:16]}"
        self._gate = Gate(folder / "limits" / self._at, Limit(settings.per_minute, 60))
        self._without: set[str] = set()  # what the server has declined: see _adapted
        self._asking: dict[str, asyncio.Task[_Answer]] = {}
        self._reserved = 0
        self._failures, self._down_until = 0, 0.0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="motet-llm", daemon=True)
        self._thread.start()
        try:
            self._run(self._open(key))
        except BaseException:
            self._stop()
            raise

    async def _open(self, key: str) -> None:
        """Connections and databases belong to the thread of the loop."""
        self._client = _client(self.settings, key or "none")
        self._cache = Cache(self._folder / "answers.sqlite")
        self._ledger = Ledger(self._folder / "spending.sqlite")
        self._slots = asyncio.Semaphore(self.settings.concurrency)
        self._settled = asyncio.Event()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Break off what is being asked; its reservations stay in the ledger."""
        if self._loop.is_running():
            self._run(self._close())
            self._stop()

    async def _close(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._client.close()
        self._cache.close()
        self._ledger.close()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def spent(self) -> float:
        """Dollars paid or reserved, by all that share the folder."""

        async def told() -> float:
            return dollars(self._ledger.spent())

        return self._run(told())

    def estimate(self, records: Iterable[Record], styles: Sequence[str]) -> Estimate:
        """What captions of these clips will cost; asks nobody. A token of a question is 3 bytes, the answer of a style has
        its usual length, and one clip in five is sent back once."""
        return self._run(self._estimate(records, styles))

    async def _estimate(self, records: Iterable[Record], styles: Sequence[str]) -> Estimate:
        seen: set[str] = set()
        clips = question = longest = 0
        for record in records:
            clips += 1
            messages = self._first(record, styles)
            if (name := self._name(messages)) not in seen and self._remembered(name) is None:
                seen.add(name)
                bound = _most_tokens(messages, self._options(styles, 1))
                question += -(-bound // BYTES_A_TOKEN)
                # What is sent back holds the question, the captions and the reasons.
                longest += 2 * bound + self._limit() + 4000
        requests = round(len(seen) * (1 + SENT_BACK))
        tokens_in = round(question * (1 + SENT_BACK))
        tokens_out = requests * sum(STYLES[style].tokens for style in styles)
        prices = self.settings.prices
        likely = prices.of(tokens_in, tokens_out)
        most = prices.of(longest, len(seen) * 2 * self._limit())
        return Estimate(clips, requests, tokens_in, tokens_out, dollars(likely), dollars(most))

    def caption(self, record: Record, styles: Sequence[str], check: Check, fallback: Fallback) -> list[Written]:
        """Captions of one clip; raises Unanswered if the server cannot be asked."""
        (found,) = self.captions([record], styles, check, fallback)
        if isinstance(found, Unanswered):
            raise found
        return found

    def captions(
        self, records: Iterable[Record], styles: Sequence[str], check: Check, fallback: Fallback
    ) -> Iterator[list[Written] | Unanswered]:
        """Captions of each clip, in the order of the clips and the styles; `records` is read as far as needed.

        Every caption has passed `check(text, record)`. One that does not is sent back once with the reasons, and then
        replaced by `fallback(record, style)`; should that fail the check too, the style is left out. Both are called in
        one other thread, one at a time. Where the server is down, asks to wait for longer than the patience, or the cap
        leaves no room, an Unanswered stands in place of the captions: the same call later goes on from there. Raises
        UserError if the server refuses key, model or address.
        """
        waiting: deque[Future[list[Written] | Unanswered]] = deque()
        left = iter(records)
        try:
            while True:
                for record in islice(left, 2 * self.settings.concurrency - len(waiting)):
                    work = self._written(record, styles, check, fallback)
                    waiting.append(asyncio.run_coroutine_threadsafe(work, self._loop))
                if not waiting:
                    return
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    async def _written(
        self, record: Record, styles: Sequence[str], check: Check, fallback: Fallback
    ) -> list[Written] | Unanswered:
        # Where the song may be named, its names are no leak.
        shown = {name: value for name, value in record.items() if name != "withheld" or not self.settings.name_song}
        try:
            drafts = await self._drafts(self._first(record, styles), shown, styles, check)
        except Unanswered as problem:
            return problem
        kept = []
        for style, draft in drafts.items():
            text, writer = draft.text, "llm"
            if not text:
                text, writer = " ".join(fallback(shown, style).split()), "grammar"
                if _against(text, shown, check):
                    self.tally.left_out += 1
                    continue
            self.tally.llm += writer == "llm"
            self.tally.grammar += writer == "grammar"
            asked = (self.settings.model, PROMPT_VERSION, draft.tries, tuple(draft.reasons))
            kept.append(Written(text, style, "llm" if draft.text else "grammar", *asked))
        return kept

    async def _drafts(self, messages: Messages, record: Record, styles: Sequence[str], check: Check) -> dict[str, _Draft]:
        drafts = {style: _Draft() for style in styles}
        asked = list(drafts)
        for turn in range(2):
            answer = await self._answer(messages, asked)
            wrong: dict[str, tuple[str, Sequence[str]]] = {}
            for style in asked:
                draft, text = drafts[style], answer.captions.get(style, "")
                draft.tries += style in answer.captions
                reasons = [answer.problem] if answer.problem else _against(text, record, check)
                draft.reasons += reasons
                if reasons:
                    wrong[style] = (text, reasons)
                else:
                    draft.text = text
            if not wrong or answer.problem or turn:
                break
            self.tally.sent_back += len(wrong)
            messages, asked = prompts.again(messages, wrong, record), list(wrong)
        return drafts

    def _first(self, record: Record, styles: Sequence[str]) -> Messages:
        return prompts.first(record, styles, name_song=self.settings.name_song)

    def _name(self, messages: Messages) -> str:
        """What an answer is kept by."""
        return _digest(json.dumps([self.settings.model, PROMPT_VERSION, self.settings.temperature, messages]))

    def _remembered(self, name: str) -> _Answer | None:
        kept = self._cache.get(_PROVIDER, name)
        told = None if kept is None else _parsed(kept.body)
        captions, problem = inside(told, "captions"), inside(told, "problem")
        if not isinstance(captions, dict) or not isinstance(problem, str):
            return None
        return _Answer({style: text for style, text in captions.items() if isinstance(text, str)}, problem)

    def _keep(self, name: str, answer: _Answer) -> _Answer:
        kept = Kept(200, json.dumps(asdict(answer)).encode(), datetime.now(UTC).isoformat(timespec="seconds"))
        self._cache.put(_PROVIDER, name, kept)
        return answer

    async def _answer(self, messages: Messages, styles: Sequence[str]) -> _Answer:
        name = self._name(messages)
        if found := self._remembered(name):
            self.tally.told += 1
            return found
        task = self._asking.get(name)
        if task is None:  # or another clip with the same facts is asking
            task = self._asking[name] = asyncio.create_task(self._ask(name, messages, styles))
            task.add_done_callback(lambda done: (self._asking.pop(name, None), done.cancelled() or done.exception()))
        return await asyncio.shield(task)

    async def _ask(self, name: str, messages: Messages, styles: Sequence[str]) -> _Answer:
        give_up = 0.0
        tries, pauses, limit, last = 0, 0, self.settings.answer_tokens, "no time was left"
        while True:
            async with self._slot():
                # Another process may have asked the same while this one waited.
                if found := self._remembered(name):
                    return found
                if time.monotonic() < self._down_until:
                    raise self._unanswered(f"it failed {_FAILURES} questions in a row and is left alone for a minute")
                give_up = give_up or time.monotonic() + self.settings.patience
                await self._turn(give_up, last)
                options = self._options(styles, limit)
                heard = await self._paid(messages, options, limit)
            pause = random.uniform(0, min(_LONGEST_PAUSE, self.settings.first_pause * 2 ** min(tries + pauses, 16)))
            verdict = self._verdict(heard, options)
            if verdict == "answer":
                self._failures = 0
                answer, broke_off = _read(heard, styles)
                answer = self._unsecret(answer)
                tries += 1
                if not answer.problem or tries >= self.settings.tries or (isinstance(heard, Heard) and heard.status != 200):
                    return self._keep(name, answer)
                last = answer.problem
                limit = min(2 * limit, self._limit()) if broke_off else limit
                continue
            if verdict == "otherwise":
                continue
            if isinstance(heard, Heard) and (away := retry_after(heard.headers)):
                self._gate.close(away)  # for every process
            last = _said(heard) if verdict == "outage" else "it was asked too often"
            if verdict == "later":
                pauses += 1
                self._gate.close(pause)
                continue
            tries += 1
            if tries >= self.settings.tries:
                self._failures += 1
                if self._failures >= _FAILURES:
                    self._failures, self._down_until = 0, time.monotonic() + _REST
                raise self._unanswered(f"{tries} tries; the last: {last}")
            await asyncio.sleep(max(0.0, min(pause, give_up - time.monotonic())))

    def _verdict(self, heard: Heard | _Lost, options: Mapping[str, Any]) -> Literal["answer", "later", "outage", "otherwise"]:
        """What an exchange is worth. Raises UserError for what only the user can mend, Unanswered for what no new try will."""
        if isinstance(heard, _Lost):
            return "answer" if heard.huge else "outage"
        told = _parsed(heard.body)
        codes = {code for name in ("code", "type") if isinstance(code := inside(told, "error", name), str)}
        if heard.status == 200:
            return "outage" if _completion(heard.body)[0] is None else "answer"
        if codes & _DECLINED:
            return "answer"
        if heard.status in (401, 403):
            raise UserError(
                f"{self._host} refuses who asks (status {heard.status}): check the key in {self.settings.key_variable}."
            )
        if heard.status == 404 or 300 <= heard.status < 400:
            raise UserError(f"{self.settings.base_url} has no model {self.settings.model} (status {heard.status}): check both.")
        if "insufficient_quota" in codes or heard.status == 402:
            raise self._unanswered("the account has no credit left")
        if heard.status == 429:
            return "later"
        if heard.status in (400, 422, 501) and self._adapted(heard, options):
            return "otherwise"
        if heard.status in (408, 409, 425) or heard.status >= 500:
            return "outage"
        raise self._unanswered(f"{_said(heard)}, which no new try will change")

    def _adapted(self, heard: Heard, options: Mapping[str, Any]) -> bool:
        """Whether there is something to leave out that the server declines. A limit of the answer is always asked for: without
        it nobody could say what an answer may cost."""
        words = heard.body[:10_000]
        for option in ("max_tokens", "temperature", "response_format"):
            if option in options and option.encode() in words:
                self._without.add(option)
                return True
        if "response_format" in options:  # servers without schemas need not say what they do not understand
            self._without.add("response_format")
            return True
        return False

    def _options(self, styles: Sequence[str], limit: int) -> dict[str, Any]:
        options: dict[str, Any] = {"max_completion_tokens" if "max_tokens" in self._without else "max_tokens": limit}
        if "temperature" not in self._without:
            options["temperature"] = self.settings.temperature
        if "response_format" not in self._without:
            options["response_format"] = prompts.schema(styles)
        return options

    def _limit(self) -> int:
        return self.settings.answer_tokens * _LONGER

    async def _turn(self, give_up: float, last: str) -> None:
        while wait := self._gate.enter(_AT_ONCE):
            if wait > give_up - time.monotonic():
                raise self._unanswered(f"{last}; its turn would be in {wait:.0f} s, as it asked or the limit has it")
            await asyncio.sleep(wait)

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """One of so many requests at a time, of all processes; the kernel frees the slot of one that dies."""
        async with self._slots:
            while True:
                for number in range(self.settings.concurrency):
                    with (self._folder / "limits" / f"{self._at}-{number}").open("a") as slot:
                        try:
                            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        except BlockingIOError:
                            continue
                        yield
                        return
                await asyncio.sleep(_SLOT_PAUSE)

    async def _paid(self, messages: Messages, options: Mapping[str, Any], limit: int) -> Heard | _Lost:
        """One request, reserved before and settled after."""
        prices = self.settings.prices
        amount = prices.of(_most_tokens(messages, options), limit)
        reservation = await self._reserve(amount)
        try:
            self.tally.asked += 1
            heard = await self._send(messages, options)
            tokens = _usage(heard) if isinstance(heard, Heard) else None
            if tokens:
                paid = prices.of(*tokens)
            elif isinstance(heard, _Lost):
                paid = amount if heard.sent else 0
            else:
                paid = amount if heard.status < 300 or heard.status in _UNKNOWN_COST else 0
            self._ledger.settle(reservation, paid, *(tokens or ()))
            return heard
        finally:
            self._reserved -= 1
            self._settled.set()

    async def _reserve(self, amount: Money) -> int:
        cap = money(self.settings.cap)
        while (found := self._ledger.reserve(amount, cap, self.settings.model)) is None:
            if not self._reserved:
                spent = f"{dollars(self._ledger.spent()):.2f} dollars are spent or reserved"
                raise Unanswered(
                    f"The cap of {self.settings.cap:g} dollars leaves no room for a request ({spent}): raise it to go on."
                )
            # What is on its way will cost less than it reserved.
            self._settled.clear()
            await self._settled.wait()
        self._reserved += 1
        return found

    async def _send(self, messages: Messages, options: Mapping[str, Any]) -> Heard | _Lost:
        """Exceptions of the library end here: they hold the request, and its key."""
        import openai

        try:
            async with asyncio.timeout(self.settings.seconds):
                raw = await self._client.chat.completions.with_raw_response.create(
                    model=self.settings.model, messages=list(messages), **options
                )
                return Heard(raw.status_code, dict(raw.headers), raw.http_response.content)
        except openai.APIStatusError as problem:
            return Heard(problem.status_code, dict(problem.response.headers), problem.response.content)
        except TimeoutError:
            return _Lost(f"no whole answer in {self.settings.seconds:g} s")
        except (openai.APIConnectionError, httpx2.HTTPError, OSError) as problem:
            cause = problem.__cause__ or problem
            if isinstance(cause, _Unread):
                return _Lost(str(cause), huge=cause.huge)
            return _Lost(type(cause).__name__, sent=not isinstance(cause, (httpx2.ConnectError, httpx2.ConnectTimeout)))

    def _unanswered(self, sentence: str) -> Unanswered:
        return Unanswered(f"{self._host} gave no captions: {sentence}.")

    def _unsecret(self, answer: _Answer) -> _Answer:
        """A server may repeat what it was sent."""
        if any(map(self._tells_key, answer.captions.values())):
            return _Answer({}, "it repeats the key")
        return answer


@dataclass(frozen=True)
class _Answer:
    """Captions by style, as they were written; or what is wrong with the whole answer."""

    captions: Mapping[str, str]
    problem: str = ""


@dataclass
class _Draft:
    text: str = ""
    tries: int = 0
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Lost:
    """Nothing came back that can be read; whether it was `sent`, and so may have to be paid."""

    reason: str
    sent: bool = True
    huge: bool = False


class _Unread(httpx2.ReadError):
    """An answer that is not read to its end."""

    def __init__(self, reason: str, *, huge: bool = False) -> None:
        super().__init__(reason)
        self.huge = huge


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MOST_BYTES:
                raise _Unread(f"an answer of more than {MOST_BYTES} bytes", huge=True)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    # Packed ones were not asked for: a few kB may hold gigabytes.
    if response.headers.get("content-encoding", "identity").strip().lower() not in ("identity", ""):
        raise _Unread("an answer packed in a way that was not asked for")
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


def _package() -> Any:
    try:
        import openai
    except ImportError:
        raise UserError('Captions by a language model need the package openai: pip install "motet[llm]".') from None
    return openai


def _client(settings: Settings, key: str) -> Any:
    openai = _package()
    logging.getLogger("httpcore2").setLevel(logging.WARNING)  # it logs headers, in which a server may repeat what it was sent
    return openai.AsyncOpenAI(
        api_key=key,
        base_url=settings.base_url,
        max_retries=0,  # each try is reserved and settled by itself
        timeout=None,
        default_headers={"Accept-Encoding": "identity"},
        http_client=httpx2.AsyncClient(
            follow_redirects=False,
            timeout=None,
            limits=httpx2.Limits(max_connections=settings.concurrency),
            event_hooks={"response": [_bound]},
        ),
    )


def likely_dollars(record: Record, styles: Sequence[str], settings: Settings) -> float:
    """What captions of a clip will probably cost, by the rules of thumb of `Writer.estimate`; asks nobody."""
    question = sum(len(message["content"].encode()) for message in prompts.first(record, styles)) / BYTES_A_TOKEN
    answer = sum(STYLES[style].tokens for style in styles)
    return dollars(settings.prices.of(round(question), answer)) * (1 + SENT_BACK)


def ready(settings: Settings) -> None:
    """Raises UserError if the package or the key is missing that a Writer with these settings needs; asks nobody."""
    _package()
    _key(settings)


def _key(settings: Settings) -> str:
    """The API key, or "" for a server that is asked without one."""
    if not settings.key_variable or (settings.here and not os.environ.get(settings.key_variable, "").strip()):
        return ""
    return setting(os.environ, settings.key_variable, urlsplit(settings.base_url).netloc)


def _tells(key: str) -> Callable[[str], bool]:
    """Whether a text holds the key, in any of the shapes it may have there. A function shows it to nobody."""
    shapes = {key, quote(key), quote_plus(key), json.dumps(key)[1:-1]} if len(key) >= _SHORTEST_SECRET else set()
    return lambda text: any(shape in text for shape in shapes)


def _against(text: str, record: Record, check: Check) -> list[str]:
    """What speaks against a caption; nothing if it is true."""
    if not text:
        return ["there is no caption"]
    if len(text) > MOST_CHARACTERS:
        return [f"it has more than {MOST_CHARACTERS} characters"]
    if not text.isprintable():
        return ["it holds control characters"]
    checked = check(text, record)
    if checked.verdict == "true":
        return []
    reasons = [f'"{claim.words}": {claim.because}' for claim in checked.claims if claim.verdict != "supported"]
    return [one_line(reason) for reason in reasons] or [f"it is {one_line(checked.verdict)}"]


def _read(heard: Heard | _Lost, styles: Sequence[str]) -> tuple[_Answer, bool]:
    """The captions in an answer, and whether it broke off."""
    if isinstance(heard, _Lost):
        return _Answer({}, heard.reason), False
    if heard.status != 200:
        return _Answer({}, "the server does not want to answer this"), False
    content, finish = _completion(heard.body)
    found = captions_in(content or "", styles)
    if found is None or finish in ("length", ""):
        return _Answer({}, "the answer breaks off"), True
    return _Answer(found), False


def _completion(body: bytes) -> tuple[str | None, str]:
    """What a model wrote (None if it cannot be found) and why it ended, "" if it did not; from one answer, or from a stream."""
    if not _streams(body):
        choice = _choice(_parsed(body))
        content = inside(choice, "message", "content")
        if isinstance(content, list):
            content = "".join(part for one in content if isinstance(part := inside(one, "text"), str))
        if content is None and isinstance(inside(choice, "message", "refusal"), str):
            content = ""
        return (content if isinstance(content, str) else None), str(inside(choice, "finish_reason") or "stop")
    pieces, finish = [], "stop" if b"data: [DONE]" in body else ""
    for event in _events(body):
        choice = _choice(event)
        pieces.append(piece if isinstance(piece := inside(choice, "delta", "content"), str) else "")
        finish = str(inside(choice, "finish_reason") or finish)
    return "".join(pieces), finish


def _streams(body: bytes) -> bool:
    return body.lstrip().startswith((b"data:", b"event:", b":", b"id:", b"retry:"))


def _events(body: bytes) -> Iterator[Any]:
    """The JSON of server-sent events (WHATWG HTML, 9.2)."""
    for line in body.splitlines():
        if line.startswith(b"data:") and (told := _parsed(line[5:].strip())) is not None:
            yield told


def _choice(told: Any) -> Any:
    choices = inside(told, "choices")
    return choices[0] if isinstance(choices, list) and choices else None


def _usage(heard: Heard) -> tuple[int, int] | None:
    """Tokens of the question and of the answer, if the server says."""
    for told in _events(heard.body) if _streams(heard.body) else [_parsed(heard.body)]:
        counts = [whole(inside(told, "usage", name), 0, MOST_TOKENS) for name in ("prompt_tokens", "completion_tokens")]
        if counts[0] is not None and counts[1] is not None:
            return counts[0], counts[1]
    return None


def _said(heard: Heard | _Lost) -> str:
    return heard.reason if isinstance(heard, _Lost) else f"status {heard.status}"


def _most_tokens(messages: Messages, options: Mapping[str, Any]) -> int:
    """More tokens than the question can have, with what a template puts around it: none is shorter than a byte."""
    sent = json.dumps([messages, options.get("response_format")], ensure_ascii=False)
    return len(sent.encode()) + _BESIDES * (len(messages) + 1)


def _parsed(body: bytes) -> Any:
    try:
        return parse(body)
    except ValueError:
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
