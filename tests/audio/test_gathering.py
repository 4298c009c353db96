"""Recordings from URLs and playlists, from a site on this machine."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from inventory.hostile_server import Page, hostile, wait_until
from motet.audio.gathering import (
    Fetched,
    Options,
    Refused,
    Sheet,
    allows,
    gather,
    hushed,
    normalised,
    read_list,
    read_sheet,
)
from motet.audio.gathering.addresses import identity
from motet.audio.gathering.archive import Archive, Kept, held
from motet.errors import UserError

QUICK = {"retries": 1, "first_wait": 0.05, "patience": 20.0}


@pytest.fixture
def site() -> Iterator[Any]:
    pytest.importorskip("yt_dlp", reason="yt-dlp is not installed: pip install 'motet[gather]'")
    from audio.a_site import Site

    with hostile() as server:
        yield Site(server)


def options(**settings: Any) -> Options:
    return Options(**{**QUICK, "sites": ("audio.a_site:ASiteIE",), **settings})


def gathered(folder: Path, *urls: str, **settings: Any) -> list[Fetched | Refused]:
    return list(gather(urls, folder, options(**settings)))


def fetched(results: list[Fetched | Refused]) -> list[Fetched]:
    assert all(isinstance(each, Fetched) for each in results), results
    return [each for each in results if isinstance(each, Fetched)]


def reasons(results: list[Fetched | Refused]) -> list[str]:
    return [each.reason if isinstance(each, Refused) else "fetched" for each in results]


def sentence(result: Fetched | Refused) -> str:
    assert isinstance(result, Refused)
    return result.sentence


def everything_written(folder: Path) -> bytes:
    """Names and contents of all files below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"\n".join(str(path).encode() + b"\n" + path.read_bytes() for path in files)


def test_a_song_comes_with_what_its_site_says_of_it(site: Any, tmp_path: Path) -> None:
    url = site.song(
        "one",
        artist="Anna\x00\u202e  Ber\ud800g",
        album="Trios",
        uploader="anna",
        uploader_url="http://me:secret@example.org/anna?session=secret",
        license="Creative Commons Attribution license (reuse allowed)",
        upload_date="20240531",
        title="../../" + "x" * 5000,
    )
    [song] = fetched(gathered(tmp_path, url))

    assert song.path.read_bytes() == site.server.pages["/media/one.flac"].body
    assert song.path.parent == tmp_path
    assert read_sheet(song.path.with_suffix(".json")) == song.sheet
    told = dataclasses.asdict(song.sheet)
    assert told.pop("fetched_at").endswith("Z")
    assert told.pop("title") == "../../" + "x" * 494
    assert told == {
        "url": url,
        "page": url,
        "extractor": "asite",
        "id": "one",
        "artist": "Anna Ber?g",
        "track": None,
        "album": "Trios",
        "uploader": "anna",
        "uploader_url": "http://example.org/anna",
        "licence": "Creative Commons Attribution license (reuse allowed)",
        "licence_spdx": "cc-by-3.0",
        "uploaded": "2024-05-31",
        "formats": "bestaudio/best",
        "format": "lossless",
        "codec": "flac",
        "bitrate": None,
        "duration": 1.0,
        "bytes": song.path.stat().st_size,
        "sha256": hashlib.sha256(song.path.read_bytes()).hexdigest(),
        "file": song.path.name,
    }


def test_of_a_playlist_each_item_is_a_file_or_a_reason_and_nothing_is_fetched_twice(site: Any, tmp_path: Path) -> None:
    site.song("good", license="CC BY 4.0")
    site.song("forbidden", license="CC BY-SA 4.0", media=Page(b"", status=403))
    site.song("ours", license="All rights reserved")
    site.song("also", license="https://creativecommons.org/licenses/by/3.0/")
    site.song("copy", license="cc-by", media=site.server.pages["/media/good.flac"])
    songs = ["/song/good", "/song/missing", "/song/forbidden", "/song/ours", "/song/also", "/song/copy", "file:///etc/passwd"]
    url = site.playlist("mixed", *songs)

    results = gathered(tmp_path, url, licences=("cc-by", "cc-by-sa"))

    assert reasons(results) == ["fetched", "gone", "private", "wrong_licence", "fetched", "fetched", "foreign_address"]
    assert "All rights reserved" in sentence(results[3])
    assert site.media_asked("ours") == []  # the licence is known before any of the sound is asked for
    good, copy = fetched([results[0], results[5]])
    assert (copy.path, copy.already) == (good.path, True)  # the same bytes under another name
    assert len(list(tmp_path.glob("*.flac"))) == 2

    site.server.asked.clear()
    again = gathered(tmp_path, url, f"{site.server.address}/song/also", site.playlist("other", "/song/good"), licences=("cc-by",))

    assert [each.already for each in again if isinstance(each, Fetched)] == [True] * 5
    asked = [each.path for each in site.server.asked]
    assert not [path for path in asked if "good" in path or "also" in path or "copy" in path]  # not even the pages


def test_troubles_have_names(site: Any, tmp_path: Path) -> None:
    troubles = {
        "private": "Private video. Sign in if you've been granted access",
        "needs_login": "This video is only available for registered users. Use --cookies",
        "needs_cookies": "Sign in to confirm you’re not a bot",
        "geo_blocked": "abroad",
        "gone": "This video has been removed by the uploader",
        "live_stream": "This live event will begin in 3 hours",
        "protected": "This video is DRM protected",
        "no_javascript_runtime": "no runtime",
        "crashed": "crash",
        "site_failed": "something that nobody foresaw",
    }
    for reason, trouble in troubles.items():
        site.page(f"/song/{reason}", {"trouble": trouble})
    site.song("live", is_live=True)
    site.song("long", duration=601.0)
    site.song("text", media=Page(b"<html>Please log in</html>" * 100, type="audio/flac"))
    site.song("big", media=Page(b"\0" * 400_000, type="audio/flac"))
    site.song("last")
    elsewhere = Page(b"", status=302, headers={"Location": "file:///etc/passwd"})
    site.server.pages["/song/elsewhere"] = elsewhere
    site.song("inside", formats=[{"format_id": "1", "url": "http://127.0.0.2:1/router", "ext": "mp3", "vcodec": "none"}])
    names = [*troubles, "live", "long", "text", "big", "elsewhere", "inside", "last"]
    urls = [f"{site.server.address}/song/{name}" for name in names]

    results = gathered(tmp_path, "mailto:you", *urls, longest=600, largest=300_000, retries=0)

    assert reasons(results) == [
        "unknown_site",
        *troubles,
        "live_stream",
        "too_long",
        "no_audio",
        "too_large",
        "foreign_address",
        "foreign_address",
        "fetched",
    ]
    assert all(isinstance(each, Fetched) or each.sentence.endswith(".") for each in results)
    assert [path.name for path in (tmp_path / ".motet-gather").iterdir() if any(path.glob("media*"))] == []


def test_what_a_server_breaks_off_or_puts_off_is_asked_for_again(site: Any, tmp_path: Path) -> None:
    busy, cut, new, shut = (site.song(id) for id in ("busy", "cut", "new", "shut"))
    pages = site.server.pages
    later = Page(b"", status=429, headers={"Retry-After": "0"})
    pages["/song/busy"].first, pages["/media/busy.flac"].first = [later], [dataclasses.replace(later, status=503)]
    pages["/media/cut.flac"].first = [dataclasses.replace(pages["/media/cut.flac"], stops=20_000, first=[])]
    pages["/media/new.flac"].first = [Page(b"\x55" * 90_000, etag='"old"', stops=20_000, type="audio/flac")]
    pages["/song/shut"].first = [Page(b"", status=429, headers={"Retry-After": "3600"})] * 9

    results = gathered(tmp_path, busy, cut, new, shut, site.song("third"), retries=2)

    assert reasons(results) == ["fetched", "fetched", "fetched", "rate_limited", "rate_limited"]
    for id, song in zip(("busy", "cut", "new"), fetched(results[:3]), strict=True):
        assert song.path.read_bytes() == pages[f"/media/{id}.flac"].body  # of the changed file all, not its end alone
    first, rest = site.media_asked("cut")
    assert (first, 0 < int(rest.strip("bytes=-")) <= 20_000) == ("", True)
    assert "1 h" in sentence(results[3])
    assert site.media_asked("third") == []  # the same host asked to be left alone


def test_a_server_that_falls_silent_costs_one_item(site: Any, tmp_path: Path) -> None:
    slow = site.song("slow")
    site.server.pages["/media/slow.flac"].per_second = 2000.0
    site.page("/song/hangs", {"trouble": "hang"})

    results = gathered(tmp_path, f"{site.server.address}/song/hangs", slow, site.song("next"), patience=1.5, retries=0)

    assert reasons(results) == ["network", "network", "fetched"]


RUN = """
import sys
from pathlib import Path
from motet.audio.gathering import Options, gather
for each in gather([sys.argv[1]], Path(sys.argv[2]), Options(sites=("audio.a_site:ASiteIE",), retries=0)):
    print(each)
"""


def test_a_killed_run_is_gone_on_with_by_the_same_call(site: Any, tmp_path: Path) -> None:
    from audio.a_site import tone

    body = tone(4.0)
    url = site.song("big", media=Page(body, type="audio/flac", per_second=40_000.0))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    run = subprocess.Popen([sys.executable, "-c", RUN, url, str(tmp_path)], env=environment, stdout=subprocess.PIPE)
    parts = tmp_path / ".motet-gather"
    wait_until(lambda: any(part.stat().st_size > 50_000 for part in parts.glob("*/media.part")), seconds=60)
    with pytest.raises(UserError, match="Another run is gathering"), held(tmp_path):
        pass
    os.kill(run.pid, signal.SIGKILL)
    assert run.communicate()[0] == b""
    assert [path.name for path in tmp_path.iterdir()] == [".motet-gather"]  # nothing half-published

    site.server.pages["/media/big.flac"].per_second = float("inf")
    [song] = fetched(gathered(tmp_path, url))

    assert song.path.read_bytes() == body
    first, rest = site.media_asked("big")
    assert (first, rest.startswith("bytes=")) == ("", True)
    assert int(rest[6:-1]) > 50_000


def test_secrets_are_sent_and_never_written(site: Any, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    written = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tlogin\tCOOKIESECRET\n"
    cookies.write_text(written)
    url = site.song("own", query="?token=MEDIASECRET").replace("http://", "http://me:PASSWORD@") + "?key=URLSECRET&v=7#FRAGMENT"
    folder = tmp_path / "songs"
    results = fetched(gathered(folder, url, cookies=cookies, user_agent="Motet test"))
    refused = gathered(folder, url.replace("own", "none"), cookies=cookies)

    for asked in site.server.asked:
        assert "login=COOKIESECRET" in asked.headers["Cookie"]
    assert site.server.asked[0].headers["User-Agent"] == "Motet test"
    assert site.server.asked[0].headers["Authorization"].startswith("Basic ")
    assert "MEDIASECRET" in "".join(asked.path for asked in site.server.asked)
    seen = everything_written(folder) + repr((results, refused)).encode()
    for secret in (b"COOKIESECRET", b"MEDIASECRET", b"URLSECRET", b"PASSWORD", b"FRAGMENT"):
        assert secret not in seen
    assert results[0].sheet.url == f"{site.server.address}/song/own?v=7"
    assert cookies.read_text() == written


def test_direct_links_and_feeds_of_no_known_site(site: Any, tmp_path: Path) -> None:
    from audio.a_site import tone

    pages, address = site.server.pages, site.server.address
    pages["/a/track.flac"] = Page(tone(hz=300), type="audio/flac")
    pages["/b/track.flac"] = Page(tone(hz=500), type="audio/flac")  # another song of the same name
    item = "<item><title>{0}</title><link>{1}{0}</link></item>"
    feed = "".join(item.format(name, address) for name in ("/b/track.flac", "/none.flac"))
    pages["/feed"] = Page(f"<rss><channel><title>Feed</title>{feed}</channel></rss>".encode(), type="application/rss+xml")

    results = gathered(tmp_path, *(f"{address}{path}" for path in ("/a/track.flac", "/b/track.flac", "/feed")))

    assert reasons(results) == ["fetched", "fetched", "fetched", "gone"]
    assert [each.already for each in fetched(results[:3])] == [False, False, True]


@pytest.mark.slow  # yt-dlp imports its two thousand extractors to look for players in a page
def test_the_players_of_a_page_are_told_from_those_of_others(site: Any, tmp_path: Path) -> None:
    from audio.a_site import tone

    pages, address = site.server.pages, site.server.address
    for name, hz in (("a", 300), ("b", 500), ("c", 700)):
        pages[f"/{name}.flac"] = Page(tone(hz=hz), type="audio/flac")
    pages["/one"] = Page(b"<title>One</title><audio src='/a.flac'></audio><audio src='/b.flac'></audio>", type="text/html")
    pages["/x/one"] = Page(b"<title>One</title><audio src='/b.flac'></audio><audio src='/c.flac'></audio>", type="text/html")

    results = gathered(tmp_path, f"{address}/one", f"{address}/x/one")

    assert [each.already for each in fetched(results)] == [False, False, True, False]


def test_no_program_is_run_for_a_stream_in_pieces(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bait = tmp_path / "bin" / "ffmpeg"
    bait.parent.mkdir()
    bait.write_text(f"#!/bin/sh\ntouch {tmp_path}/it-ran\n")
    bait.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bait.parent}{os.pathsep}{os.environ['PATH']}")
    pieces = [os.urandom(2000) for _ in range(2)]
    for index, piece in enumerate(pieces):
        site.server.pages[f"/{index}.ts"] = Page(piece)
    manifest = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
    site.server.pages["/fine.m3u8"] = Page(manifest.format("/0.ts", "/1.ts").encode())
    site.server.pages["/bad.m3u8"] = Page(manifest.format("/0.ts", "file:///etc/passwd").encode())
    for name, protocol in (("fine", "m3u8_native"), ("bad", "m3u8_native"), ("foreign", "rtmp")):
        form = {"format_id": "1", "url": f"{site.server.address}/{name}.m3u8", "ext": "ts", "vcodec": "none"}
        site.song(name, formats=[{**form, "protocol": protocol}])
    urls = [f"{site.server.address}/song/{name}" for name in ("fine", "bad", "foreign")]

    results = gathered(tmp_path / "songs", *urls, retries=0)

    assert reasons(results) == ["no_audio", "foreign_address", "needs_program"]  # the pieces came, and are noise
    assert not (tmp_path / "it-ran").exists()


def test_a_full_disk_is_said_before_it_is_full(site: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(total=1 << 40, used=1 << 40, free=1 << 20))
    assert reasons(gathered(tmp_path, site.song("one"))) == ["no_space"]
    assert site.media_asked("one") == []


def test_without_ytdlp_the_install_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("motet.audio.gathering.recordings.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r'pip install "motet\[gather\]"'):
        next(gather(["http://example.org"], tmp_path))


KEPT = Kept("asite", "one", "lossless", "best", "0" * 32, "a.flac", "1" * 64)


def published(folder: Path, kept: Kept) -> None:
    (folder / kept.file).write_bytes(b"sound")
    words = {field.name: "" for field in dataclasses.fields(Sheet)}
    numbers = {"bytes": 5, "duration": 1.0, "bitrate": None}
    known = {"extractor": kept.extractor, "id": kept.id, "format": kept.format, "formats": kept.formats}
    told = words | numbers | known | {"file": kept.file, "sha256": kept.sha256, "url": "http://example.org/one"}
    (folder / kept.file).with_suffix(".json").write_text(json.dumps(told))


def test_the_archive_bears_half_a_line_and_lines_of_others(tmp_path: Path) -> None:
    published(tmp_path, KEPT)
    Archive(tmp_path).add(KEPT)
    with (tmp_path / "archive.jsonl").open("ab") as file:
        file.write(b'{"file": "../../etc/passwd"}\n[]\n\xff\n' + json.dumps(dataclasses.asdict(KEPT)).encode()[:40])
    archive = Archive(tmp_path)
    assert archive.asked(KEPT.asked, "best") is not None
    archive.add(dataclasses.replace(KEPT, asked="f" * 32))
    assert Archive(tmp_path).asked("f" * 32, "best") is not None
    assert Archive(tmp_path).asked("f" * 32, "worst") is None


def test_what_was_published_by_a_killed_run_is_known_again(tmp_path: Path) -> None:
    published(tmp_path, KEPT)
    archive = Archive(tmp_path)
    assert archive.item("asite", "one", "best") is not None
    assert archive.asked(identity("http://example.org/one"), "best") is not None
    (tmp_path / KEPT.file).unlink()
    assert Archive(tmp_path).item("asite", "one", "best") is None  # taken away: it may be fetched again


@pytest.mark.parametrize(
    "told, spdx",
    [
        ("Creative Commons Attribution license (reuse allowed)", "cc-by-3.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/3.0/de/", "cc-by-nc-sa-3.0"),
        ("http://creativecommons.org/licenses/by-nd-nc/1.0/", "cc-by-nc-nd-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"),
        ("http://creativecommons.org/publicdomain/mark/1.0/", "public-domain"),
        ("cc-by-nc-sa", "cc-by-nc-sa"),
        ("CC BY-SA 4.0", "cc-by-sa-4.0"),
        ("by-nc", "cc-by-nc"),
        ("Attribution - Non Commercial - No Derivatives", "cc-by-nc-nd"),
        ("Attribution-ShareAlike 4.0 International", "cc-by-sa-4.0"),
        ("This work is licensed under a Creative Commons Attribution 4.0 International License.", "cc-by-4.0"),
        ("CC BY 4.0 https://creativecommons.org/licenses/by/4.0/", "cc-by-4.0"),
        ("Public Domain Dedication", "cc0-1.0"),
        ("Public domain", "public-domain"),
        ("all-rights-reserved", "all-rights-reserved"),
        ("Standard YouTube License", None),
        ("CC BY 4.0, but non-commercial use only", None),
        ("not licensed under CC BY", None),
        ("CC BY 4.0 and CC BY-SA 4.0", None),
        ("CC BY 3.0. All rights reserved.", None),
        ("CC Bynum Records", None),
        ("Creative Commons", None),
        ("Full attribution required", None),
        ("https://creativecommons.org/licenses/sampling+/1.0/", None),
        ("", None),
        (None, None),
    ],
)
def test_licences_are_spelled_one_way_and_doubt_is_none(told: str | None, spdx: str | None) -> None:
    assert normalised(told) == spdx


def test_licences_are_allowed_by_family_or_version() -> None:
    assert allows(("cc-by", "CC0"), "cc-by-3.0")
    assert allows(("cc-by", "CC0"), "cc0-1.0")
    assert not allows(("cc-by",), "cc-by-sa-4.0")
    assert not allows(("cc-by-4.0",), "cc-by-3.0")
    assert not allows(("cc-by-4.0",), "cc-by")
    assert not allows(("cc-by",), None)
    assert allows((), None)
    with pytest.raises(UserError, match="choose among cc-by"):
        Options(licences=("free",))


def test_addresses_are_hushed_but_stay_names_of_recordings() -> None:
    assert hushed("https://www.youtube.com/watch?v=dQw4w9WgXcQ&si=abc&pp=x#t=3") == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    assert hushed("https://me:pw@example.org:8443/a b?id=7&sig=1&list=a%20b") == "https://example.org:8443/a%20b?id=7"
    assert hushed("http://[::1]:80/x?token=1") == "http://[::1]:80/x"
    assert [hushed(bad) for bad in ("file:///etc/passwd", "http://", "http://[x", "http://a:b", "")] == [""] * 5
    signed = "https://a.example/x.mp3?file=7&Expires=1&Signature=2"
    assert identity(signed) == identity("https://a.example/x.mp3?Signature=9&file=7&Expires=8")
    assert identity(signed) != identity("https://a.example/x.mp3?file=8")


def test_a_list_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes("\ufeff# mine\r\nhttps://a.example/1\r\n\r\n  http://b.example/ü#x \rhttps://a.example/1\n".encode())
    assert read_list(path) == ["https://a.example/1", "http://b.example/ü#x"]
    path.write_text("https://a.example/1\nfile:///etc/passwd\nhttps://me:PASSWORD@[\n")
    with pytest.raises(UserError, match="lines 2, 3") as told:
        read_list(path)
    assert "PASSWORD" not in str(told.value)
    path.write_bytes(b"https://a.example/1\n\xff\xfe")
    with pytest.raises(UserError, match="line 2"):
        read_list(path)
    with pytest.raises(UserError, match="cannot be read"):
        read_list(tmp_path / "none")


@pytest.mark.parametrize(
    "settings, told",
    [
        ({"formats": "bestvideo[ext=mp4]+bestaudio"}, "ask for one"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"longest": float("nan")}, "longest"),
        ({"user_agent": "a\r\nX: y"}, "user agent"),
        ({"sites": ("os.system('x')",)}, "module:Class"),
    ],
)
def test_options_that_cannot_be_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UserError, match=told):
        Options(**settings)


def test_what_ytdlp_does_not_understand_is_the_askers_mistake(site: Any, tmp_path: Path) -> None:
    url = site.song("one")
    with pytest.raises(UserError, match="FORMAT SELECTION"):
        gathered(tmp_path, url, formats="best[[")
    with pytest.raises(UserError, match="module:Class"):
        gathered(tmp_path, url, sites=("audio.a_site:NoSuchIE",))
    assert site.server.asked == []


def test_a_file_that_holds_no_cookies_is_named(site: Any, tmp_path: Path) -> None:
    (tmp_path / "cookies.txt").write_text("login=SECRET")
    with pytest.raises(UserError, match="Netscape") as told:
        gathered(tmp_path / "songs", site.song("one"), cookies=tmp_path / "cookies.txt")
    assert "SECRET" not in str(told.value)
