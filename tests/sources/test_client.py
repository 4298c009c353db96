"""The client: polite, patient, and silent about secrets."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from pathlib import Path
from threading import Thread
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.sources import SOURCES, Client, Unanswered, ask, source
from motet.sources.cache import Cache
from motet.sources.client import Asked, Secrets, basic
from motet.sources.hostile import number, parse, text
from motet.sources.limits import Gate, Limit
from sources.answers import KEYS, PROVIDERS, QUESTION, TOKEN, settings
from sources.serving import Reply, Request, serving, told

QUICK = Limit(1000, 1)


def asked(url: str, song: str = "one", limit: Limit = QUICK) -> Asked:
    return Asked("somewhere", f"{url}/song", {"name": song}, limit=limit)


@pytest.mark.parametrize("date", [False, True])
def test_it_stays_away_as_long_as_it_is_asked_to(date: bool, tmp_path: Path) -> None:
    numbers = count()

    def replies(request: Request) -> Reply:
        soon = datetime.now(UTC) + timedelta(seconds=2)
        after = format_datetime(soon, usegmt=True) if date else "1"
        return told({}) if next(numbers) else Reply(b"", 429, {"Retry-After": after})

    with serving(replies) as service, Client(tmp_path, slower=0.01) as client, Client(tmp_path, slower=0.01) as other:
        assert client.ask(asked(service.url)).told == {}
        first, second = (request.at for request in service.asked)
        assert 0.95 <= second - first <= 2.5
        assert other.ask(asked(service.url)).told == {}
        assert len(service.asked) == 2


def test_the_other_processes_stay_away_too_and_a_day_is_the_longest(tmp_path: Path) -> None:
    with serving(lambda _: Reply(b"", 429, {"Retry-After": "9" * 30})) as service:
        for song in ("one", "two"):
            with Client(tmp_path, seconds=5) as client, pytest.raises(Unanswered, match=r"its turn would be in 8[56]\d\d\d s"):
                client.ask(asked(service.url, song))
        assert len(service.asked) == 1


@pytest.mark.parametrize(
    "after", ["-5", "soon", "nan", "Wed, 99 Nov 2026 00:00:00 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "", "1e400"]
)
def test_a_date_that_is_none_is_passed_over(after: str, tmp_path: Path) -> None:
    numbers = count()
    replies = lambda request: told({}) if next(numbers) else Reply(b"", 429, {"Retry-After": after})  # noqa: E731
    with serving(replies) as service, Client(tmp_path, seconds=5, slower=0.01) as client:
        assert client.ask(asked(service.url)).status == 200


def test_a_limit_holds_among_processes(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from motet.sources.limits import Gate, Limit\n"
    code += "gate = Gate(Path(sys.argv[1]), Limit(20, 1))\nimport time\nfor _ in range(10): gate.enter(60); print(time.time())"
    runs = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "host"], stdout=subprocess.PIPE) for _ in range(3)]
    turns = sorted(float(line) for run in runs for line in run.communicate()[0].split())
    assert len(turns) == 30
    # A turn may be told a little late, so its neighbour looks close; twenty in a row never fit in a second.
    assert all(turns[n + 20] - turns[n] > 1.0 for n in range(10))
    assert turns[-1] - turns[0] < 3.5


def test_no_two_take_a_turn_at_once(tmp_path: Path) -> None:
    with (tmp_path / "host").open("wb") as taken:
        fcntl.flock(taken, fcntl.LOCK_EX)
        waiting = Thread(target=Gate(tmp_path / "host", QUICK).enter, args=(60,))
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
    waiting.join(5)
    assert not waiting.is_alive()


@pytest.mark.parametrize("written", [b"", b"x", b"\xff" * 16, b"\x00" * 16, b"rubbish" * 100])
def test_a_damaged_limit_is_begun_anew(written: bytes, tmp_path: Path) -> None:
    (tmp_path / "host").write_bytes(written)
    limit = Limit(2, 1)
    gate = Gate(tmp_path / "host", limit)
    assert gate.enter(5) == 0
    assert 0.4 < gate.enter(0) <= limit.spacing


def test_a_redirect_is_followed_within_the_host_only(tmp_path: Path) -> None:
    def replies(request: Request) -> Reply:
        where = {"here": "/there?x=1", "loop": "/song?name=loop", "away": other.url + "/there", "odd": "http://[", "none": ""}
        return (
            told({"at": request.path})
            if request.path == "/there"
            else Reply(b"", 301, {"Location": where[request.params["name"]]})
        )

    with serving(lambda _: told({})) as other, serving(replies) as service, Client(tmp_path, slower=0.001, seconds=5) as client:
        assert client.ask(asked(service.url, "here")).told == {"at": "/there"}
        for song in ("loop", "away", "odd", "none"):
            with pytest.raises(Unanswered, match="redirect" if song in ("loop", "away") else "5 tries"):
                client.ask(asked(service.url, song))
        assert other.asked == []


def test_a_host_that_fails_is_left_alone(tmp_path: Path) -> None:
    with serving(lambda _: Reply(b"", 500)) as service, Client(tmp_path, slower=0.001, seconds=5) as client:
        for number in range(8):
            with pytest.raises(Unanswered, match="5 tries" if number < 5 else "left alone"):
                client.ask(asked(service.url, str(number)))
        assert len(service.asked) == 25
    with serving(lambda _: told({})) as service, Client(tmp_path, slower=0.001) as client:
        assert client.ask(asked(service.url)).told == {}


def test_nobody_at_home_is_unanswered(tmp_path: Path) -> None:
    with serving(lambda _: told({})) as service:
        url = service.url
    with Client(tmp_path, slower=0.001) as client, pytest.raises(Unanswered, match="ConnectError"):
        client.ask(asked(url))


def test_offline_says_the_same_again_and_nothing_else(tmp_path: Path) -> None:
    with serving(lambda request: told({"n": request.params["name"]})) as service:
        with Client(tmp_path) as client:
            said = client.ask(asked(service.url))
        for _ in range(2):
            with Client(tmp_path, offline=True) as client:
                assert client.ask(asked(service.url)) == said
                with pytest.raises(Unanswered, match="never asked"):
                    client.ask(asked(service.url, "two"))
        assert len(service.asked) == 1
    with Client(tmp_path / "nowhere", offline=True) as client, pytest.raises(Unanswered, match="never asked"):
        client.ask(asked(service.url))
    assert not (tmp_path / "nowhere").exists()


def test_an_answer_is_asked_for_again_when_it_is_old(tmp_path: Path) -> None:
    with serving(lambda _: told({})) as service:
        for renew_after, asked_so_far in ((None, 1), (timedelta(hours=1), 1), (timedelta(seconds=-2), 2), (None, 2)):
            with Client(tmp_path, renew_after=renew_after) as client:
                client.ask(asked(service.url))
            assert len(service.asked) == asked_so_far


def test_it_works_inside_an_event_loop_as_in_a_notebook(tmp_path: Path) -> None:
    async def cell(client: Client, url: str) -> object:
        return client.ask(asked(url)).told

    with serving(lambda _: told({"a": 1})) as service, Client(tmp_path) as client:
        assert asyncio.run(cell(client, service.url)) == {"a": 1}


def test_a_damaged_cache_is_the_users_to_throw_away(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"not a database" * 1000)
    with pytest.raises(UserError, match=r"answers\.sqlite cannot be used"):
        Client(tmp_path)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def chain(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("status", [200, 302, 403, 500])
def test_a_secret_stays_a_secret(
    name: str,
    status: int,
    tmp_path: Path,
    log: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    provider = PROVIDERS[name]

    def replies(request: Request) -> Reply:
        """A service that repeats all it hears."""
        sent = json.dumps([request.params, dict(request.headers), request.body.decode()])
        answer = json.loads(provider.replies(request).body)
        if isinstance(answer, dict) and request.path != "/api/token":
            answer |= {"heard": sent, **({"error": sent} if status != 200 else {})}
        away = f"http://127.0.0.1:9/{quote_plus(sent)}"
        return told(answer, 200 if request.path == "/api/token" else status, Location=away, X_Heard=quote_plus(sent))

    with serving(replies) as service:
        for variable, value in settings(name, service.url).items():
            monkeypatch.setenv(variable, value)
        with Client(tmp_path, slower=0.001, seconds=5) as client:
            opened = source(name)
            told_of = [repr(opened), repr(client)]
            try:
                told_of.append(repr(ask(opened, QUESTION, client, lambda song: 1.0)))
            except Unanswered as problem:
                told_of += [repr(one) + str(one) + repr(vars(one)) for one in chain(problem)]
        told_of += [log.text, *capfd.readouterr()]
    told_of += [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    if (tmp_path / "answers.sqlite").exists():
        with Client(tmp_path, offline=True) as client:
            assert client._cache is not None
            rows = client._cache._database.execute("SELECT provider, request, body FROM answers").fetchall()
        import zlib

        told_of += [f"{row[0]} {row[1]} {zlib.decompress(row[2]).decode()}" for row in rows]
        assert len(rows) > 0 or status != 200
    login = basic(KEYS["SPOTIFY_CLIENT_ID"], KEYS["SPOTIFY_CLIENT_SECRET"])
    for secret in (*KEYS.values(), TOKEN, login.split()[1], "planted"):
        assert not any(secret in one for one in told_of)


def test_the_key_reaches_the_service_and_is_no_part_of_the_question(tmp_path: Path) -> None:
    with serving(PROVIDERS["lastfm"].replies) as service, Client(tmp_path, slower=0.01) as client:
        for key in ("first-key", "second-key"):
            ask(source("lastfm", {**settings("lastfm", service.url), "LASTFM_API_KEY": key}), QUESTION, client, lambda song: 1.0)
        assert {request.params["api_key"] for request in service.asked} == {"first-key"}


def test_a_secret_without_characters_of_its_own_is_refused() -> None:
    with pytest.raises(UserError, match="LASTFM_API_KEY"):
        source("lastfm", {})
    with pytest.raises(UserError) as refused:
        source("lastfm", {"LASTFM_API_KEY": "kéy"})
    assert "kéy" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["ftp://a", "http://", "x", "http://user:pass@host", "http://a?b", "http://[", "http://a:99999999"]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(UserError, match="MOTET_DEEZER_URL") as refused:
        source("deezer", {"MOTET_DEEZER_URL": url})
    assert "pass" not in str(refused.value).replace("password", "")


def test_an_unknown_source_names_those_there_are() -> None:
    with pytest.raises(UserError, match=", ".join(sorted(SOURCES))):
        source("geocities", os.environ)


def test_a_package_may_bring_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "a_source-1.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: a-source\nVersion: 1\n")
    (package / "entry_points.txt").write_text("[motet.sources]\nradio = motet.sources.deezer:open_source\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert source("radio", {"MOTET_DEEZER_URL": "http://localhost:1"}).online


def test_what_is_asked_twice_is_asked_in_any_order_of_words() -> None:
    one = Asked("s", "http://a/b", {"x": "1", "y": "2"}, limit=QUICK)
    assert one.name == replace(one, params={"y": "2", "x": "1"}).name
    assert one.name == replace(one, secrets=lambda _: Secrets({"key": "s"})).name
    assert (
        len({one.name, replace(one, params={"x": "1"}).name, replace(one, json=[1]).name, replace(one, url="http://a/c").name})
        == 4
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_json_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.binary() | st.text().map(lambda said: said.encode("utf-8", "surrogatepass")))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    with suppress(ValueError):
        parse(data)


@pytest.mark.parametrize("depth,read", [(60, True), (70, False), (100_000, False)])
def test_depth_has_a_limit(depth: int, read: bool) -> None:
    data = b"[" * depth + b"]" * depth
    if read:
        parse(data)
    else:
        with pytest.raises(ValueError, match="deep"):
            parse(data)


@given(st.text(st.characters()))
def test_a_name_is_one_printable_line(value: str) -> None:
    shown = text(value)
    assert shown == text(shown)
    assert shown.isprintable()
    shown.encode()


def test_a_number_is_finite_and_within_bounds() -> None:
    assert [number(value, 0, 10) for value in ("3", 3, 3.5, " 4 ")] == [3, 3, 3.5, 4]
    assert [number(value, 0, 10) for value in ("", "x", True, None, [], "nan", "inf", 11, -1, 10**400, "9" * 5000)] == [None] * 11


def test_many_processes_may_begin_the_same_cache(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from motet.sources.cache import Cache, Kept\n"
    code += "cache = Cache(Path(sys.argv[1]))\nfor n in range(20): cache.put('p', f'{sys.argv[2]} {n}', Kept(200, b'{}', ''))"
    runs = [subprocess.Popen([sys.executable, "-c", code, tmp_path / "answers.sqlite", str(n)]) for n in range(4)]
    assert [run.wait() for run in runs] == [0] * 4
    assert len(Cache(tmp_path / "answers.sqlite")) == 80
