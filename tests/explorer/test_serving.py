"""The explorer over HTTP: what it answers, whom it refuses, and what it survives. All over real sockets."""

import http.client
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from motet.cli import main
from motet.dataset.folder import Dataset
from motet.errors import UserError
from motet.explorer import guarding, serving
from motet.explorer.serving import Explorer, serve
from motet.labels import Labels
from motet.recipe import load
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.midi import song

QUICK = ["render_stems.rate=8000", "clean.shortest=2", "segment.shortest=2", "segment.target=4", "segment.longest=8"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One song of a few clips, and a file that is none."""
    root = tmp_path_factory.mktemp("served")
    (root / "tunes").mkdir()
    (root / "tunes" / "one.mid").write_bytes(song(1, bars=8))
    (root / "tunes" / "page.mid").write_bytes(b"<html>not here</html>")
    with LocalEngine(1) as engine:
        build(load("text-to-music").changed(QUICK), [root / "tunes"], root / "data", engine=engine)
    return root / "data"


@pytest.fixture
def own(data: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(data, tmp_path / "data", symlinks=True))


class Asking:
    """Asks a served page, as a browser at its address would, but for the headers that a test gives."""

    def __init__(self, page: Explorer) -> None:
        self.page, self.home = page, f"http://127.0.0.1:{page.port}"

    def __call__(
        self, path: str, method: str = "GET", *, body: bytes | None = None, headers: Mapping[str, str | None] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.page.port, timeout=30)
        said: dict[str, str | None] = {"Host": f"127.0.0.1:{self.page.port}"}
        said |= {"Origin": self.home, "Content-Type": "application/json"} if method == "POST" else {}
        said |= headers or {}
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in said.items():
            if value is not None:
                connection.putheader(name, value)
        if body is not None and "Content-Length" not in said:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        told = answer.status, answer.headers, answer.read()
        connection.close()
        return told

    def json(self, path: str) -> Any:
        status, _, body = self(path)
        assert status == 200, body
        return json.loads(body)

    def error(self, path: str, method: str = "GET", **more: Any) -> tuple[int, str]:
        status, _, body = self(path, method, **more)
        return status, json.loads(body)["error"]

    def judge(self, id: str, verdict: str, note: str = "") -> tuple[int, Any]:
        status, _, body = self("/api/judge", "POST", body=json.dumps({"id": id, "verdict": verdict, "note": note}).encode())
        return status, json.loads(body)

    def raw(self, sent: bytes, *, end: bool = False) -> bytes:
        """What comes back until the connection is closed."""
        with socket.create_connection(("127.0.0.1", self.page.port), timeout=30) as connection:
            connection.sendall(sent)
            if end:
                connection.shutdown(socket.SHUT_WR)
            found = b""
            while piece := connection.recv(65536):
                found += piece
            return found


@pytest.fixture(scope="module")
def ask(data: Path) -> Iterator[Asking]:
    """For tests that only read."""
    with serve(Dataset(data)) as page:
        yield Asking(page)


@pytest.fixture
def asking(own: Path) -> Iterator[Asking]:
    with serve(Dataset(own), by="Ada") as page:
        yield Asking(page)


@pytest.fixture(scope="module")
def clip(ask: Asking) -> str:
    return str(ask.json("/api/rows?state=kept")["rows"][0]["id"])


# -- what is answered ---------------------------------------------------------------------------------------------------


def test_the_page_and_what_it_loads_are_served(ask: Asking) -> None:
    status, headers, page = ask("/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    names = re.findall(r'(?:src|href)="(site/[^"]+)"', page.decode())
    assert names
    for name in names:
        status, headers, _ = ask(f"/{name}")
        assert (status, headers["Content-Type"].partition("/")[0]) == (200, "text"), name


def test_about_tells_what_is_shown(ask: Asking) -> None:
    told = ask.json("/api/about")
    assert told["title"] == "data"
    assert told["recipe"] == "text-to-music"
    assert told["finished"] is True
    assert told["static"] is False
    assert told["judging"] is True
    assert {"tempo", "state", "split"} <= {facet["name"] for facet in told["facets"]}
    assert told["total"] == ask.json("/api/find")["all"]


def test_what_is_found_can_be_paged_through(ask: Asking) -> None:
    whole = ask.json("/api/rows?state=kept&limit=200")
    parts = [ask.json(f"/api/rows?state=kept&offset={at}&limit=1")["rows"] for at in range(whole["total"])]
    assert whole["total"] == ask.json("/api/find?state=kept")["total"] > 1
    assert [row for part in parts for row in part] == whole["rows"]


def test_an_example_is_told_by_its_id(ask: Asking, clip: str) -> None:
    one = ask.json(f"/api/one/{quote(clip, safe='')}")
    assert one["id"] == clip
    assert one["sound"] == {"what": "mix", "mime": "audio/flac"}
    assert one["label"] is None


def test_overview_is_told(ask: Asking) -> None:
    assert ask.json("/api/overview")["recipe"] == "text-to-music"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/one/nobody", 404, "nobody"),
        ("/media/nobody/mix", 404, "nobody"),
        ("/api/find?colour=red", 400, "colour"),
        ("/api/find?tempo=slow", 400, "range"),
        ("/api/rows?offset=-1", 400, "offset"),
        ("/api/rows?limit=many", 400, "limit"),
        ("/api/rows?sort=weight", 400, "sort"),
        ("/api/compare", 400, "with"),
        ("/api/compare?with=nothing", 400, "nothing"),
        ("/nothing", 404, "nothing"),
        ("/docs", 404, "nothing"),
        ("/openapi.json", 404, "nothing"),
        ("/site/page.css", 404, "page.css"),
    ],
)
def test_a_mistake_is_told_in_a_sentence(ask: Asking, path: str, status: int, said: str) -> None:
    found, sentence = ask.error(path)
    assert found == status
    assert said in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    "path",
    [
        "/site/../serving.py",
        "/site/..%2fserving.py",
        "/site/%2e%2e%2f%2e%2e%2f__init__.py",
        "/site/%2fetc%2fpasswd",
        "/site/index.html%00.js",
        "/site/",
        "/media/../../etc/passwd",
        "/media/..%2f..%2fmotet.yaml/mix",
        "/media/%00/mix",
        "/media/%ff%fe/mix",
        "/media/x/..%2f..%2fmotet.yaml",
        "/api/one/..%2f..%2fmotet.yaml",
        "/motet.yaml",
        "//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/media/" + "x" * 20_000 + "/mix",
    ],
)
def test_no_path_leads_out(ask: Asking, path: str) -> None:
    status, _, body = ask(path)
    assert status == 404
    assert set(json.loads(body)) == {"error"}


def test_a_file_that_a_link_leads_out_to_is_not_given(asking: Asking, own: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.flac").write_bytes(b"secret")
    for file in (own / "media").rglob("*.flac"):
        file.unlink()
        file.symlink_to(tmp_path / "secret.flac")
    for row in asking.json("/api/rows?state=kept")["rows"]:
        for what in ("mix", "stem-0"):
            status, _, body = asking(f"/media/{row['id']}/{what}")
            assert status == 404
            assert b"secret" not in body.replace(b"secret.flac", b"")


def test_what_has_not_changed_is_not_sent_again(ask: Asking) -> None:
    for path in ("/", "/api/about", "/site/dom.js"):
        _, headers, body = ask(path)
        again, _, nothing = ask(path, headers={"If-None-Match": headers["ETag"]})
        assert (again, nothing) == (304, b"")
        other, _, whole = ask(path, headers={"If-None-Match": '"other"'})
        assert (other, whole) == (200, body)


def test_answers_are_packed_for_who_can_unpack_them(ask: Asking) -> None:
    import gzip

    _, plain, whole = ask("/site/dom.js")
    _, packed, small = ask("/site/dom.js", headers={"Accept-Encoding": "br, gzip"})
    _, refused, same = ask("/site/dom.js", headers={"Accept-Encoding": "gzip;q=0"})
    assert (plain["Content-Encoding"], packed["Content-Encoding"], refused["Content-Encoding"]) == (None, "gzip", None)
    assert gzip.decompress(small) == whole == same
    assert ask("/site/dom.js", headers={"If-None-Match": packed["ETag"]})[0] == 304


# -- media --------------------------------------------------------------------------------------------------------------


def test_sound_is_given_whole_and_in_pieces(ask: Asking, clip: str) -> None:
    path = f"/media/{clip}/mix"
    status, headers, whole = ask(path)
    assert (status, headers["Content-Type"], whole[:4]) == (200, "audio/flac", b"fLaC")
    assert headers["Accept-Ranges"] == "bytes"
    size = len(whole)
    for given, first, last in [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, size - 1),
        ("bytes=-50", size - 50, size - 1),
        (f"bytes=-{size * 9}", 0, size - 1),
        (f"bytes={size - 1}-{size * 9}", size - 1, size - 1),
        ("BYTES = 5 - 5", 5, 5),
    ]:
        status, headers, part = ask(path, headers={"Range": given})
        assert status == 206, given
        assert headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert part == whole[first : last + 1]


@pytest.mark.parametrize(
    "given", ["bytes=9-2", "bytes=a-b", "items=0-1", "bytes=", "bytes=0-1,4-5", "bytes=-", "bytes=0-0" + "0" * 99]
)
def test_a_range_that_is_none_gives_the_whole(ask: Asking, clip: str, given: str) -> None:
    status, _, body = ask(f"/media/{clip}/mix", headers={"Range": given})
    assert (status, body) == (200, ask(f"/media/{clip}/mix")[2])


def test_a_range_past_the_end_is_refused(ask: Asking, clip: str) -> None:
    size = len(ask(f"/media/{clip}/mix")[2])
    for given in (f"bytes={size}-", "bytes=-0"):
        status, headers, body = ask(f"/media/{clip}/mix", headers={"Range": given})
        assert (status, headers["Content-Range"], body) == (416, f"bytes */{size}", b"")


def test_a_piece_of_what_has_changed_is_the_whole(ask: Asking, clip: str) -> None:
    path = f"/media/{clip}/mix"
    _, headers, whole = ask(path)
    assert ask(path, headers={"Range": "bytes=0-9", "If-Range": headers["ETag"]})[0] == 206
    status, _, body = ask(path, headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (status, body) == (200, whole)


def test_head_says_the_same_without_a_body(ask: Asking, clip: str) -> None:
    for path in ("/", "/api/about", f"/media/{clip}/mix", "/nothing"):
        status, headers, body = ask(path)
        again, same, nothing = ask(path, "HEAD")
        assert (again, same["Content-Length"], same["Content-Type"], nothing) == (
            status,
            headers["Content-Length"],
            headers["Content-Type"],
            b"",
        )
        assert int(headers["Content-Length"]) == len(body)


def test_a_download_has_a_name(ask: Asking, clip: str) -> None:
    assert ask(f"/media/{clip}/midi")[1]["Content-Disposition"] is None
    _, headers, body = ask(f"/media/{clip}/midi?download")
    assert re.fullmatch(r"attachment; filename=\"[^\"]+\.mid\"; filename\*=UTF-8''[^ ]+\.mid", headers["Content-Disposition"])
    assert body[:4] == b"MThd"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Für Elise.flac", "F_r Elise.flac"),
        ('a"b\\c;\r\nSet-Cookie: x.mid', "a_b_c;__Set-Cookie_ x.mid"),
        ("さくら.mid", "___.mid"),
        ("\ud800.mid", "_.mid"),
        ("", "example"),
    ],
)
def test_a_download_may_have_any_name(name: str, plain: str) -> None:
    told = serving._named(name)
    assert f'filename="{plain}"' in told
    assert told.isascii()
    assert told.isprintable()


def test_media_that_are_gone_are_told(asking: Asking, own: Path) -> None:
    shutil.rmtree(own / "media")
    id = asking.json("/api/rows?state=kept")["rows"][0]["id"]
    status, sentence = asking.error(f"/media/{id}/mix")
    assert status == 404
    assert "gone" in sentence
    assert asking.json(f"/api/one/{id}")["missing"]


# -- judging ------------------------------------------------------------------------------------------------------------


def test_a_judgement_is_written_told_and_taken_back(asking: Asking, own: Path) -> None:
    id = asking.json("/api/rows?state=kept")["rows"][0]["id"]
    assert asking.judge(id, "good")[0] == 200
    status, told = asking.judge(id, "bad", "the drums are late")
    assert (status, told["judged"]) == (200, "bad")
    assert (told["label"]["note"], told["label"]["by"]) == ("the drums are late", "Ada")
    one = asking.json(f"/api/one/{id}")
    assert (one["judged"], one["label"]) == ("bad", told["label"])
    assert [row["id"] for row in asking.json("/api/rows?judged=bad")["rows"]] == [id]
    (written,) = Labels.open(own / "judgements.jsonl").verdicts().values()
    assert (written.stamp, written.id, written.verdict) == (one["stamp"], id, "bad")
    assert asking.judge(id, "") == (200, {"judged": "", "label": None})
    assert asking.json(f"/api/one/{id}")["label"] is None
    assert asking.json("/api/rows?judged=bad")["rows"] == []
    assert Labels.open(own / "judgements.jsonl").verdicts() == {}


def test_one_takes_back_what_oneself_said(own: Path) -> None:
    with serve(Dataset(own), by="Bob") as his, serve(Dataset(own), by="Alice") as hers:
        bob, alice = Asking(his), Asking(hers)
        id = bob.json("/api/rows?state=kept&limit=1")["rows"][0]["id"]
        bob.judge(id, "bad", "the drums are late")
        assert alice.judge(id, "good")[1]["judged"] == "good"
        status, told = alice.judge(id, "")
        assert (status, told["judged"], told["label"]["by"]) == (200, "bad", "Bob")


def test_a_cookie_of_another_program_hides_ours_from_nobody(data: Path) -> None:
    with serve(Dataset(data), host="0.0.0.0") as page:
        ask = Asking(page)
        cookie = ask(f"/?{page.url.partition('?')[2]}")[1]["Set-Cookie"].partition(";")[0]
        assert ask("/api/about", headers={"Cookie": f'prefs={{"a":1}}; a[b]=1; {cookie}'})[0] == 200


def test_what_another_process_judges_is_seen(asking: Asking, own: Path) -> None:
    id = asking.json("/api/rows?state=kept")["rows"][0]["id"]
    stamp = asking.json(f"/api/one/{id}")["stamp"]
    labels = Labels.open(own / "judgements.jsonl")
    label = labels.add(stamp, "good", id=id)
    assert asking.json("/api/rows?judged=good")["total"] == 1
    labels.withdraw(label)
    assert asking.json("/api/rows?judged=good")["total"] == 0


def test_judgements_that_cannot_be_read_hide_nothing_else(asking: Asking, own: Path) -> None:
    (own / "judgements.jsonl").write_text("this is something else\n")
    id = asking.json("/api/rows?state=kept")["rows"][0]["id"]
    assert any("judgements.jsonl" in sentence for sentence in asking.json(f"/api/one/{id}")["missing"])
    status, told = asking.judge(id, "bad")
    assert status == 400
    assert "judgements.jsonl" in told["error"]
    assert (own / "judgements.jsonl").read_text() == "this is something else\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{}", 400),
        (b"[]", 400),
        (b"not json", 400),
        (b'{"id": "x", "verdict": "yes"}', 400),
        (b'{"id": 1, "verdict": "good"}', 400),
        (b'{"id": "x", "verdict": "good", "path": "/etc"}', 400),
        (b'{"id": "nobody", "verdict": "good"}', 404),
        (b'{"id": "x", "verdict": "good", "note": "' + b"n" * 17_000 + b'"}', 413),
        (b'{"id": "x", "verdict": "good", "note": "' + b"n" * 3_000 + b'"}', 400),
        (b"[" * 10_000, 400),
        (b'{"id": "\\ud800", "verdict": "good"}', 400),
        (b"", 400),
    ],
)
def test_a_judgement_that_is_none_is_refused(ask: Asking, data: Path, body: bytes, status: int) -> None:
    found, sentence = ask.error("/api/judge", "POST", body=body)
    assert found == status
    assert sentence
    assert not (data / "judgements.jsonl").exists()


def test_what_was_dropped_is_not_judged(asking: Asking) -> None:
    id = asking.json("/api/rows?state=dropped")["rows"][0]["id"]
    status, told = asking.judge(id, "bad")
    assert status == 400
    assert "kept" in told["error"]


def test_a_tag_is_shown_and_not_judged(own: Path) -> None:
    assert main(["tag", str(own), "v1"]) == 0
    with serve(Dataset(f"{own}@v1")) as page:
        asking = Asking(page)
        assert asking.json("/api/about")["judging"] is False
        assert asking.json("/api/about")["title"] == "data@v1"
        id = asking.json("/api/rows?state=kept")["rows"][0]["id"]
        assert asking.json(f"/api/one/{id}")["judgeable"] is False
        status, told = asking.judge(id, "bad")
        assert status == 400
        assert "tag" in told["error"]
    assert not (own / "judgements.jsonl").exists()


# -- whom it refuses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", "", "localhost@evil", "0.0.0.0"])
def test_another_name_for_this_machine_is_refused(ask: Asking, host: str) -> None:
    status, sentence = ask.error("/api/about", headers={"Host": host})
    assert status == 421
    assert "another name" in sentence


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:9"])
def test_the_names_of_this_machine_are_known(ask: Asking, host: str) -> None:
    assert ask("/api/about", headers={"Host": host})[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": None}, 415),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_no_other_page_can_judge(ask: Asking, clip: str, data: Path, headers: dict[str, str | None], status: int) -> None:
    body = json.dumps({"id": clip, "verdict": "bad"}).encode()
    assert ask.error("/api/judge", "POST", body=body, headers=headers)[0] == status
    assert not (data / "judgements.jsonl").exists()


def test_no_other_page_can_read(ask: Asking, clip: str) -> None:
    other = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    for path in ("/api/about", f"/media/{clip}/mix", "/site/dom.js"):
        assert ask(path, headers=other)[0] == 403
        assert ask(path)[1]["Access-Control-Allow-Origin"] is None
    assert ask("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})[0] == 200  # a link is no harm


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW"])
def test_other_methods_are_refused(ask: Asking, method: str) -> None:
    assert ask("/api/about", method)[0] in (400, 405)


def test_every_answer_binds_the_page_to_itself(ask: Asking, clip: str) -> None:
    for path in ("/", "/api/about", "/api/one/nobody", f"/media/{clip}/mix", "/nothing"):
        _, headers, _ = ask(path)
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_bound_elsewhere_a_token_is_wanted(data: Path) -> None:
    with serve(Dataset(data), host="0.0.0.0") as page:
        ask = Asking(page)
        assert page.open
        token = page.url.partition("?token=")[2]
        assert len(token) >= 32
        for path in ("/", "/api/about", "/site/dom.js", "/?token=", f"/?token={token[:-1]}", f"/api/about?token={token}"):
            assert ask.error(path)[0] == 403, path
        status, headers, body = ask(f"/?token={token}")
        assert status == 200
        assert token.encode() not in body
        assert "HttpOnly" in headers["Set-Cookie"]
        assert "SameSite=Strict" in headers["Set-Cookie"]
        cookie = headers["Set-Cookie"].partition(";")[0]
        assert token not in cookie
        assert ask("/api/about", headers={"Cookie": f"a=b; {cookie}"})[0] == 200
        assert ask("/api/about", headers={"Cookie": cookie[:-1]})[0] == 403
        assert ask("/api/about", headers={"Cookie": '\x01="; =;;'})[0] == 403
        assert ask("/api/about", headers={"Cookie": cookie, "Host": "192.0.2.1:80"})[0] == 200  # an address cannot be rebound
        assert ask("/api/about", headers={"Cookie": cookie, "Host": "evil.example"})[0] == 421


# -- what it survives ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /api/judge HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/judge HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600),
        random.Random(13).randbytes(4096).replace(b"\n", b"") + b"\r\n\r\n",
    ],
)
def test_nonsense_is_refused(ask: Asking, sent: bytes) -> None:
    told = ask.raw(sent, end=True)
    assert not told or re.match(rb"HTTP/1\.1 (400|414|421|431|505)", told)
    assert ask("/api/about")[0] == 200


def test_too_long_a_body_is_refused_before_it_is_there(ask: Asking) -> None:
    head = "POST /api/judge HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\n"
    for how in ("Content-Length: 99999999999\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n8000\r\n"):
        told = ask.raw(head.encode() + how.encode() + b"x" * 0x8000 + b"\r\n")
        assert told.startswith(b"HTTP/1.1 413")


def test_two_hundred_connections_at_once_are_answered(ask: Asking) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(ask("/api/rows?limit=5")[0])) for _ in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [200] * 200


def test_who_says_half_a_request_is_let_go(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "REQUEST_WITHIN", 0.3)
    with serve(Dataset(data)) as page:
        ask = Asking(page)
        head = b"POST /api/judge HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\n"
        for half in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: loc", head + b"Content-Length: 50\r\n\r\n{"):
            try:
                told = ask.raw(half)
            except ConnectionResetError:
                told = b""
            assert told == b""
        assert ask("/api/about")[0] == 200


def test_who_leaves_in_the_middle_harms_nobody(ask: Asking, clip: str) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", ask.page.port)) as connection:
            connection.sendall(f"GET /media/{clip}/mix HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert ask(f"/media/{clip}/mix")[0] == 200


# -- a dataset that changes ---------------------------------------------------------------------------------------------


def test_a_build_meanwhile_is_shown_and_what_it_left_out_can_be_taken_back(asking: Asking, own: Path, data: Path) -> None:
    before = asking.json("/api/about")
    id = asking.json("/api/rows?state=kept")["rows"][0]["id"]
    asking.judge(id, "bad", "out of tune")
    (own.parent / "more").mkdir()
    (own.parent / "more" / "two.mid").write_bytes(b"<html>")
    with LocalEngine(1) as engine:
        build(load("text-to-music").changed(QUICK), [data.parent / "tunes", own.parent / "more"], own, engine=engine)
    after = asking.json("/api/about")
    assert after["snapshot"] == before["snapshot"] + 1
    assert after["total"] == asking.json("/api/find")["all"] == before["total"] + 1
    one = asking.json(f"/api/one/{id}")
    assert (one["state"], one["reason"], one["judged"], one["judgeable"]) == ("dropped", "judged_bad", "bad", True)
    assert one["label"]["note"] == "out of tune"
    assert asking.judge(id, "") == (200, {"judged": "", "label": None})
    assert Labels.open(own / "judgements.jsonl").verdicts() == {}


def test_a_dataset_that_goes_away_is_told(asking: Asking, own: Path) -> None:
    id = asking.json("/api/rows?state=kept")["rows"][0]["id"]
    shutil.rmtree(own)
    for path in ("/api/about", "/api/find", f"/api/one/{id}", "/api/overview", f"/media/{id}/mix"):
        status, sentence = asking.error(path)
        assert status in (400, 404, 503), path
        assert "not a Motet dataset" in sentence
    assert asking("/")[0] == 200


def test_without_a_finished_run_the_page_says_so(own: Path) -> None:
    shutil.rmtree(own / "snapshots")
    with serve(Dataset(own)) as page:
        asking = Asking(page)
        about = asking.json("/api/about")
        assert (about["finished"], about["total"]) == (False, 0)
        assert "no finished run" in about["note"]
        assert asking.json("/api/find")["total"] == 0
        assert asking.json("/api/rows")["rows"] == []
        assert asking.json("/api/overview")["recipe"] == "text-to-music"
        assert asking.error("/api/one/x")[0] == 404


# -- the command --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{data}/nothing"], "not a Motet dataset"),
        (["{data}@nothing"], "no tag"),
        (["{data}", "--beside", "{data}/nothing"], "not a Motet dataset"),
        (["{data}", "--port", "{taken}"], "cannot be had"),
        (["{data}", "--port", "70000"], "70000"),
        (["{data}", "--host", "192.0.2.1"], "cannot be had"),
        (["{data}", "--host", "no such machine"], "cannot be had"),
        (["{data}", "--stems"], "--static"),
        (["{data}", "--static", "{data}/site"], "lies in the dataset"),
        (["{data}", "--static", "{data}/../site", "--port", "1"], "--port"),
        (["{data}", "--static", "/proc/nowhere/site"], "cannot be written"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_sentence(
    ask: Asking, data: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["explore", *(word.format(data=data, taken=ask.page.port) for word in words), "--no-browser"])
    told = capsys.readouterr()
    assert code == 2, told.err
    assert said in told.err
    assert "Traceback" not in told.err


def test_the_command_says_where_the_page_is_and_ends_by_ctrl_c(data: Path) -> None:
    command = [sys.executable, "-m", "motet.cli", "explore", str(data), "--no-browser", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        told = json.loads(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", told["port"])) as half:
            half.sendall(b"GET / HTTP/1.1\r\n")  # who has not finished asking does not hold up the end
            process.send_signal(2)
            assert process.wait(30) == 0
        assert process.stderr.read().strip() == ""


def test_a_port_is_between_0_and_65535(data: Path) -> None:
    with pytest.raises(UserError, match="65535"):
        serve(Dataset(data), port=-1)
