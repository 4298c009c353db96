"""`motet inventory fetch` and `verify`, driven from outside as a person drives them, against servers and archives that lie."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from inventory.hostile_server import HostileServer, Page, hostile, silent_port, wait_until

TAKES = 6
SECRET = "s3cr3t-of-mine"


def take(word: str, seconds: float = 1.0) -> bytes:
    """A MIDI file with one drum note after another; `word` makes it unlike every other."""
    ticks = round(seconds * 240)
    text = word.encode()
    track = b"\x00\xff\x01" + bytes([len(text)]) + text
    for note in (36, 38, 42, 46):
        track += b"\x00\x99" + bytes([note, 100]) + bytes([ticks >> 7 | 128, ticks & 127]) + b"\x89" + bytes([note, 0])
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480) + b"MTrk" + struct.pack(">I", len(track)) + track


def takes(name: str, count: int = TAKES) -> dict[str, bytes]:
    """The files of a made-up dataset, by their path below its folder."""
    return {f"kit/{name}-{number:03d}.mid": take(f"{name} {number}") for number in range(count)}


def zipped(files: Mapping[str, bytes], top: str = "top/", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        for path, content in files.items():
            members.writestr(zipfile.ZipInfo(top + path), content, method)
    return archive.getvalue()


def tarred(files: Mapping[str, bytes], *odd: tarfile.TarInfo, top: str = "top/") -> bytes:
    """A tar.gz of files, and after them members without content."""
    archive = io.BytesIO()
    with gzip.GzipFile(fileobj=archive, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as members:
        for path, content in files.items():
            member = tarfile.TarInfo(top + path)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
        for member in odd:
            members.addfile(member)
    return archive.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    if kind == tarfile.CHRTYPE:
        made.devmajor, made.devminor = 1, 5
    return made


def linked(files: Mapping[str, bytes], name: str, target: str) -> bytes:
    """A zip that holds a symbolic link beside its files."""
    archive = io.BytesIO(zipped(files))
    with zipfile.ZipFile(archive, "a") as members:
        link = zipfile.ZipInfo(name)
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        members.writestr(link, target)
    return archive.getvalue()


def encrypted(archive: bytes) -> bytes:
    """The archive with the flag on every member that says it is encrypted."""
    changed = bytearray(archive)
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = changed.find(mark)
        while at >= 0:
            changed[at + flags] |= 1
            at = changed.find(mark, at + 4)
    return bytes(changed)


def miscounted(archive: bytes) -> bytes:
    """The archive with one byte changed in its third member's content, so that its CRC is wrong."""
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        third = members.infolist()[2]
    changed = bytearray(archive)
    changed[third.header_offset + 30 + len(third.filename) + third.file_size // 2] ^= 0x10
    return bytes(changed)


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Desk:
    """A person's home, settings and disks; nothing outside it is read or written."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def settings(self) -> Path:
        return self.folder / "roots.toml"

    def set_up(self) -> Desk:
        for name in ("data", "home", "registry"):
            (self.folder / name).mkdir(parents=True)
        self.settings.write_text(f'roots = ["{self.data}"]\ndatasets = "{self.folder / "registry"}"\n', encoding="utf-8")
        return self

    def environment(self, **more: str) -> dict[str, str]:
        home = self.folder / "home"
        usual = {key: os.environ[key] for key in ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH") if key in os.environ}
        xdg = {f"XDG_{what}_HOME": str(home / what.lower()) for what in ("CONFIG", "CACHE", "DATA", "STATE")}
        return {**usual, **xdg, "HOME": str(home), "TMPDIR": str(self.folder), "LANG": "C.UTF-8", "NO_PROXY": "*", **more}

    def command(self, *words: str | bytes | Path) -> list[str | bytes | Path]:
        first, *others = words
        return [sys.executable, "-m", "motet.cli", "inventory", first, "--settings", self.settings, *others]

    def motet(self, *words: str | bytes | Path, **more: str) -> Said:
        """What `motet inventory` said and how it ended."""
        done = subprocess.run(
            self.command(*words),
            check=False,
            env=self.environment(**more),
            capture_output=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        return Said(done.returncode, *(text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr)))

    def start(self, *words: str | bytes | Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*words),
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )

    def knows(self, name: str, *downloads: Mapping[str, object], count: int | None = TAKES, **more: object) -> None:
        """Writes the registry file of a dataset of so many takes. JSON is YAML."""
        part: dict[str, object] = {"name": "midi", "files": f"kit/{name}-{{take}}.mid", "kind": "midi"}
        if count is not None:
            part |= {"count": count, "count_source": "us"}
        entry: dict[str, object] = {
            "name": name,
            "title": name,
            "about": "takes of our drummers",
            "modalities": ["midi"],
            "tasks": ["groove"],
            "licence": {"name": "CC-BY-4.0", "source": "us"},
            "citation": "Ourselves (2026)",
            "home": "https://example.org/takes",
            "sources": {"us": "the list of takes"},
            "folders": [name],
            "fields": {"take": "[0-9]{3}"},
            "parts": [part],
            "downloads": [{"name": "takes", "kind": "http", "gives": ["midi"], "source": "us", **each} for each in downloads],
            **more,
        }
        (self.folder / "registry" / f"{name}.yaml").write_text(json.dumps(entry), encoding="utf-8")

    def states(self, *names: str) -> dict[str, dict[str, Any]]:
        said = self.motet("status", "--json", *names)
        assert said.err == ""
        return {entry["name"]: entry for entry in said.json["datasets"]}

    def files(self, below: Path | None = None) -> list[str]:
        """Every file, link and odd thing below a folder."""
        top = below or self.data
        return sorted(str(path.relative_to(top)) for path in top.rglob("*") if path.is_symlink() or not path.is_dir())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "desk").set_up()


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with hostile() as own:
        yield own


def one_sentence(said: Said, *words: str) -> str:
    """The only line on stderr: a sentence with these words, without a traceback, a query or a secret."""
    lines = said.err.strip().splitlines()
    assert len(lines) == 1, said.err
    line = lines[0]
    assert line.endswith("."), line
    for word in words:
        assert re.search(word, line, re.IGNORECASE), (word, line)
    for never in (SECRET, "?key=", "Traceback", "Errno", "Error(", str(Path(__file__).parents[2])):
        assert never not in said.err + said.out, (never, said)
    return line


HTML = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Sign in</body></html>\n"


@dataclass(frozen=True)
class Hostility:
    """One way in which a download goes wrong, and the words the sentence about it must have."""

    page: Callable[[bytes, str], Page]  # good archive, name -> what the server has
    words: str
    unpack: str = "zip"
    publish: Callable[[bytes], dict[str, object]] = lambda archive: {}
    good: Callable[[str], bytes] = lambda name: zipped(takes(name))


def sums(archive: bytes) -> dict[str, object]:
    return {"bytes": len(archive), "sha256": sha256(archive).hexdigest()}


def holding(make: Callable[[dict[str, bytes], str], bytes]) -> Callable[[bytes, str], Page]:
    return lambda archive, name: Page(make(takes(name), name))


def bomb(files: dict[str, bytes], name: str) -> bytes:
    """300 MB of zeros in 300 kB."""
    return zipped({**files, "kit/zeros.bin": bytes(300_000_000)})


def bomb_tar(files: dict[str, bytes], name: str) -> bytes:
    return tarred({**files, "kit/zeros.bin": bytes(300_000_000)})


def lying_sizes(files: dict[str, bytes], name: str) -> bytes:
    """A zip whose directory says that 20 MB of zeros are 40 bytes."""
    archive = bytearray(zipped({**files, "kit/zeros.bin": bytes(20_000_000)}))
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        last = archive.rfind(mark)
        archive[last + at : last + at + 4] = struct.pack("<I", 40)
    return bytes(archive)


TAR: dict[str, Any] = {"unpack": "tar", "good": lambda name: tarred(takes(name))}
HOSTILITIES = {
    "wrong-sha256": Hostility(lambda a, n: Page(a[:-30] + b"x" + a[-29:]), "checksum|sha-?256", publish=sums),
    "wrong-md5": Hostility(
        lambda a, n: Page(a[:-30] + b"x" + a[-29:]), "checksum|md5", publish=lambda a: {"md5": md5(a).hexdigest()}
    ),
    "too-long": Hostility(lambda a, n: Page(a + b"more"), "bytes|long|size", publish=lambda a: {"bytes": len(a)}),
    "endless": Hostility(lambda a, n: Page(a + bytes(40_000_000), chunked=True, etag=""), "bytes|long|size", publish=sums),
    "truncated": Hostility(lambda a, n: Page(a[:-200]), "bytes|short|size", publish=sums),
    "truncated-of-unknown-size": Hostility(lambda a, n: Page(a[:-200]), "zip|archive"),
    "empty": Hostility(lambda a, n: Page(b""), "empty|0 b|nothing|no bytes"),
    "404": Hostility(lambda a, n: Page(HTML, status=404, type="text/html"), "404"),
    "403": Hostility(lambda a, n: Page(HTML, status=403, type="text/html"), "403"),
    "html-with-200": Hostility(lambda a, n: Page(HTML, type="text/html; charset=utf-8"), "web page|html", publish=sums),
    "html-called-zip": Hostility(lambda a, n: Page(HTML, type="application/zip"), "web page|html"),
    "lfs-pointer": Hostility(
        lambda a, n: Page(b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 5\n"), "LFS|pointer"
    ),
    "redirect-loop": Hostility(lambda a, n: Page(status=302, headers={"Location": f"/{n}?key={SECRET}"}), "redirect"),
    "redirect-to-file": Hostility(
        lambda a, n: Page(status=302, headers={"Location": "file:///etc/passwd"}), "redirect|file:|http"
    ),
    "redirect-nowhere": Hostility(lambda a, n: Page(status=302), "redirect|302"),
    "huge-length": Hostility(lambda a, n: Page(a, says=10**15), "room|space|free|disk|bytes|long"),
    "zip-slip": Hostility(holding(lambda f, n: zipped({**f, "../../../../escaped.mid": take("e")})), r"escape|outside|\.\."),
    "zip-slip-backslashes": Hostility(
        holding(lambda f, n: zipped({**f, "..\\..\\..\\..\\escaped.mid": take("e")})), r"escape|outside|\.\."
    ),
    "zip-absolute": Hostility(
        holding(lambda f, n: zipped({**f, "/tmp/escaped.mid": take("e")}, top="")), "escape|outside|/tmp|absolute"
    ),
    "zip-drive-letter": Hostility(
        holding(lambda f, n: zipped({**f, "C:/escaped.mid": take("e")}, top="")), "escape|outside|C:|drive"
    ),
    "zip-symlink": Hostility(holding(lambda f, n: linked(f, "top/kit/out", "/etc/passwd")), "link"),
    "zip-symlink-inside": Hostility(holding(lambda f, n: linked(f, "top/kit/out", "../kit")), "link"),
    "zip-bomb": Hostility(holding(bomb), "bomb|times|packed|larger|expand|unpack"),
    "zip-lying-sizes": Hostility(holding(lying_sizes), "size|CRC|bytes|damaged|larger|longer"),
    "zip-encrypted": Hostility(holding(lambda f, n: encrypted(zipped(f))), "encrypt|password"),
    "zip-wrong-crc": Hostility(
        holding(lambda f, n: miscounted(zipped(f, method=zipfile.ZIP_STORED))), "CRC|damaged|checksum|corrupt"
    ),
    "zip-file-and-folder": Hostility(holding(lambda f, n: zipped({**f, "kit": b"x"})), "kit"),
    "zip-of-other-things": Hostility(holding(lambda f, n: zipped({"readme.txt": b"moved"})), "midi|no file"),
    "tar-absolute": Hostility(
        holding(lambda f, n: tarred({**f, "/tmp/escaped.mid": take("e")}, top="")), "escape|outside|/tmp|absolute", **TAR
    ),
    "tar-slip": Hostility(holding(lambda f, n: tarred({**f, "../../../escaped.mid": take("e")})), r"escape|outside|\.\.", **TAR),
    "tar-hard-link": Hostility(holding(lambda f, n: tarred(f, member("top/out", tarfile.LNKTYPE, "/etc/passwd"))), "link", **TAR),
    "tar-symlink": Hostility(holding(lambda f, n: tarred(f, member("top/out", tarfile.SYMTYPE, "/etc"))), "link", **TAR),
    "tar-device": Hostility(holding(lambda f, n: tarred(f, member("top/zero", tarfile.CHRTYPE))), "device|zero|special", **TAR),
    "tar-pipe": Hostility(
        holding(lambda f, n: tarred(f, member("top/pipe", tarfile.FIFOTYPE))), "pipe|fifo|device|special", **TAR
    ),
    "tar-bomb": Hostility(holding(bomb_tar), "bomb|times|packed|larger|expand|unpack", **TAR),
    "tar-truncated": Hostility(lambda a, n: Page(a[:-60]), "archive|tar|damaged|cut|end", **TAR),
    "tar-that-is-a-zip": Hostility(lambda a, n: Page(zipped(takes(n))), "tar", **TAR),
}


@dataclass
class Outcome:
    failed: Said
    state: str = ""  # after the failure
    healed: str = ""  # state after the same command once the server is well


@dataclass
class Story:
    """Every hostility once, `status`, all servers healed, the same downloads again, `status`."""

    desk: Desk
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    mended: Said = Said(-1, "", "")

    def tell(self, server: HostileServer) -> Story:
        goods = {name: hostility.good(name) for name, hostility in HOSTILITIES.items()}
        for name, hostility in HOSTILITIES.items():
            server.pages[f"/{name}"] = hostility.page(goods[name], name)
            download = {
                "url": f"{server.address}/{name}?key={SECRET}",
                "unpack": hostility.unpack,
                **hostility.publish(goods[name]),
            }
            self.desk.knows(name, download)
            self.outcomes[name] = Outcome(self.desk.motet("fetch", name, "--yes"))
        for name, entry in self.desk.states(*goods).items():
            self.outcomes[name].state = entry["state"]
        for name, good in goods.items():
            server.pages[f"/{name}"] = Page(good, etag='"2"')
        self.mended = self.desk.motet("fetch", *goods, "--yes")
        for name, entry in self.desk.states(*goods).items():
            self.outcomes[name].healed = entry["state"]
        return self


@dataclass(frozen=True)
class Slow:
    """What is tried again and again before it is given up."""

    page: Callable[[bytes], Page]
    words: str


SLOW = {
    "cut-every-time": Slow(lambda a: Page(a, stops=300, ranges=False), "broke|cut|closed|ended"),
    "503-for-ever": Slow(lambda a: Page(HTML, status=503, type="text/html"), "503"),
    "429-for-ever": Slow(lambda a: Page(b"slow down", status=429, headers={"Retry-After": "1"}), "429"),
    "429-for-a-year": Slow(lambda a: Page(b"slow down", status=429, headers={"Retry-After": "31536000"}), "429"),
    "nobody-listens": Slow(Page, "no answer|refused|connect|reached"),
}


@dataclass(frozen=True)
class Meanwhile:
    story: Future[Story]
    slow: dict[str, subprocess.Popen[bytes]]


@pytest.fixture(scope="module", autouse=True)
def meanwhile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Meanwhile]:
    """What takes long and is looked at last, on a server of its own, while the other tests run; only what they ask for."""
    wanted = {getattr(item, "originalname", "") for item in request.session.items}
    with hostile() as server, ThreadPoolExecutor(1) as pool:
        desk = Desk(tmp_path_factory.mktemp("slow") / "desk").set_up()
        started = {}
        for name, each in SLOW.items() if test_what_never_comes_is_given_up_with_one_sentence.__name__ in wanted else ():
            good = zipped(takes(name))
            server.pages[f"/{name}"] = each.page(good)
            port = f"http://127.0.0.1:{silent_port()}" if name == "nobody-listens" else server.address
            desk.knows(name, {"url": f"{port}/{name}?key={SECRET}", "unpack": "zip", **sums(good)})
            started[name] = desk.start("fetch", name, "--yes")
        story = Story(Desk(tmp_path_factory.mktemp("hostile") / "desk").set_up())
        stories = any("story" in item.fixturenames for item in request.session.items if isinstance(item, pytest.Function))
        yield Meanwhile(pool.submit(story.tell, server) if stories else Future(), started)
        for process in started.values():
            process.kill()
            process.wait()


@pytest.fixture
def story(meanwhile: Meanwhile) -> Story:
    return meanwhile.story.result()


@pytest.fixture
def fetched(desk: Desk, server: HostileServer) -> Desk:
    """A desk with the dataset `drums`, fetched and complete."""
    archive = zipped(takes("drums"))
    server.pages["/drums"] = Page(archive)
    desk.knows("drums", {"url": f"{server.address}/drums?key={SECRET}", "unpack": "zip", **sums(archive)})
    assert desk.motet("fetch", "drums").code == 0
    assert desk.files() == [f"drums/{path}" for path in takes("drums")]
    return desk


def content(desk: Desk, folder: Path, name: str = "drums") -> bool:
    """Whether every take below the folder is, byte for byte, what was published."""
    return all((folder / path).read_bytes() == octets for path, octets in takes(name).items())


@pytest.mark.slow
def test_a_fetch_killed_ten_times_goes_on_where_it_was(desk: Desk, server: HostileServer) -> None:
    chance = random.Random(time.time_ns())
    big = random.Random(7).randbytes(30_000_000)
    archive = zipped({**takes("large"), "kit/big.bin": big}, method=zipfile.ZIP_STORED)
    server.pages["/large"] = Page(archive, per_second=20_000_000)
    desk.knows("large", {"url": f"{server.address}/large", "unpack": "zip", **sums(archive)})
    killed = 0
    for _ in range(10):
        process = desk.start("fetch", "large", "--yes")
        enough = server.sent.get("/large", 0) + chance.randrange(2_500_000)
        wait_until(lambda: process.poll() is not None or server.sent.get("/large", 0) > enough)  # noqa: B023
        time.sleep(chance.random() / 20)
        process.kill()
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        assert not (desk.data / "large").exists()
    assert killed == 10
    assert desk.states("large")["large"]["state"] == "missing"
    server.pages["/large"].per_second = float("inf")
    said = desk.motet("fetch", "large", "--yes")
    assert (said.code, said.err) == (0, "")
    begun = [asked.range for asked in server.asked if asked.path == "/large"]
    assert len([asked for asked in begun if asked and not asked.startswith("bytes=0-")]) >= 3, begun
    assert server.sent["/large"] < len(archive) + 10 * 1_000_000
    assert (desk.data / "large/kit/big.bin").read_bytes() == big
    assert content(desk, desk.data / "large", "large")
    assert desk.states("large")["large"]["state"] == "complete"
    assert desk.files() == sorted(["large/kit/big.bin", *(f"large/{path}" for path in takes("large"))])


def test_a_fetch_killed_while_it_unpacks_publishes_everything_or_nothing(desk: Desk, server: HostileServer) -> None:
    chance = random.Random(time.time_ns())
    archive = zipped({**takes("many", 300), **{f"other/{n}.bin": b"%d" % n * 50 for n in range(900)}})
    server.pages["/many"] = Page(archive)
    desk.knows("many", {"url": f"{server.address}/many", "unpack": "zip", **sums(archive)}, count=300)
    for _ in range(6):
        process = desk.start("fetch", "many", "--yes")
        wait_until(lambda: process.poll() is not None or (desk.data / ".motet-fetch").exists())  # noqa: B023
        time.sleep(chance.random() * 0.4)
        process.kill()
        process.communicate()
        here = len(desk.files(desk.data / "many")) if (desk.data / "many").exists() else 0
        assert here in (0, 1_200)
        if here:
            shutil.rmtree(desk.data / "many")
    assert desk.motet("fetch", "many", "--yes").code == 0
    assert desk.states("many")["many"]["state"] == "complete"
    assert len(desk.files()) == 1_200


def test_interrupting_a_server_that_drips_ends_at_once_and_is_resumed(desk: Desk, server: HostileServer) -> None:
    archive = zipped(takes("drip"))
    server.pages["/drip"] = Page(archive, per_second=1)
    desk.knows("drip", {"url": f"{server.address}/drip?key={SECRET}", "unpack": "zip", **sums(archive)})
    process = desk.start("fetch", "drip", "--yes")
    wait_until(lambda: server.sent.get("/drip", 0) > 1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode not in (0, None)
    assert b"Traceback" not in err
    assert SECRET.encode() not in err
    assert not (desk.data / "drip").exists()
    server.pages["/drip"] = Page(archive)
    assert desk.motet("fetch", "drip", "--yes").code == 0
    assert desk.states("drip")["drip"]["state"] == "complete"


def test_connections_that_are_cut_are_taken_up_where_they_were(desk: Desk, server: HostileServer) -> None:
    archive = zipped({**takes("cut"), "kit/big.bin": random.Random(1).randbytes(1_000_000)}, method=zipfile.ZIP_STORED)
    server.pages["/cut"] = Page(archive, first=[Page(archive, stops=600_000)])
    desk.knows("cut", {"url": f"{server.address}/cut", "unpack": "zip", **sums(archive)})
    said = desk.motet("fetch", "cut", "--yes")
    assert said.code == 0, said.err
    assert server.sent["/cut"] < len(archive) + 200_000
    assert content(desk, desk.data / "cut", "cut")


def test_every_byte_of_a_cut_connection_is_kept(desk: Desk, server: HostileServer) -> None:
    """A proxy that lets through 40 kB at a time is slow, and no reason to give up."""
    archive = zipped({**takes("sips"), "kit/big.bin": random.Random(1).randbytes(60_000)}, method=zipfile.ZIP_STORED)
    server.pages["/sips"] = Page(archive, stops=40_000)
    desk.knows("sips", {"url": f"{server.address}/sips", "unpack": "zip", **sums(archive)})
    process = desk.start("fetch", "sips", "--yes")
    try:
        wait_until(lambda: len(server.methods("/sips")) >= 2)
        wait_until(lambda: process.poll() is not None or len(server.methods("/sips")) >= 3)
    finally:
        process.kill()
        process.communicate()
    assert server.sent["/sips"] < len(archive) + 20_000
    assert process.returncode == 0


def test_a_file_that_changes_between_two_halves_is_begun_anew(desk: Desk, server: HostileServer) -> None:
    old = zipped({**takes("moving"), "kit/big.bin": random.Random(1).randbytes(800_000)}, method=zipfile.ZIP_STORED)
    new = zipped({**takes("moving"), "kit/big.bin": random.Random(2).randbytes(800_000)}, method=zipfile.ZIP_STORED)
    server.pages["/moving"] = Page(new, etag='"2"', first=[Page(old, stops=500_000)])
    desk.knows("moving", {"url": f"{server.address}/moving", "unpack": "zip"})
    assert desk.motet("fetch", "moving", "--yes").code == 0
    assert (desk.data / "moving/kit/big.bin").read_bytes() == random.Random(2).randbytes(800_000)


def test_a_server_that_asks_for_patience_once_gets_it(desk: Desk, server: HostileServer) -> None:
    archive = zipped(takes("patience"))
    server.pages["/patience"] = Page(archive, first=[Page(status=429, headers={"Retry-After": "1"})])
    desk.knows("patience", {"url": f"{server.address}/patience?key={SECRET}", "unpack": "zip", **sums(archive)})
    said = desk.motet("fetch", "patience", "--yes")
    assert said.code == 0
    assert SECRET not in said.err
    assert desk.states("patience")["patience"]["state"] == "complete"


def test_two_fetches_at_once_make_one_dataset(desk: Desk, server: HostileServer) -> None:
    archive = zipped({**takes("twice"), "kit/big.bin": random.Random(3).randbytes(3_000_000)}, method=zipfile.ZIP_STORED)
    server.pages["/twice"] = Page(archive, per_second=3_000_000)
    desk.knows("twice", {"url": f"{server.address}/twice", "unpack": "zip", **sums(archive)})
    both = [desk.start("fetch", "twice", "--yes") for _ in range(2)]
    errors = [process.communicate(timeout=30)[1].decode() for process in both]
    assert 0 in [process.returncode for process in both], errors
    for process, error in zip(both, errors, strict=True):
        if process.returncode:
            one_sentence(Said(process.returncode, "", error), "twice")
    assert content(desk, desk.data / "twice", "twice")
    assert desk.states("twice")["twice"]["state"] == "complete"
    assert [file for file in desk.files() if not file.startswith("twice/kit/")] == []


@pytest.mark.parametrize("first", ["404", "wrong checksum"])
def test_a_mirror_is_asked_where_the_first_fails(desk: Desk, server: HostileServer, first: str) -> None:
    archive = zipped(takes("mirror"))
    server.pages["/second"] = Page(archive)
    server.pages["/first"] = Page(status=404) if first == "404" else Page(archive[:-30] + b"x" + archive[-29:])
    desk.knows("mirror", *({"url": f"{server.address}/{at}", "unpack": "zip", **sums(archive)} for at in ("first", "second")))
    said = desk.motet("fetch", "mirror", "--yes")
    assert said.code == 0, said.err
    assert desk.states("mirror")["mirror"]["state"] == "complete"


def test_where_all_mirrors_fail_it_is_said_why_each_did(desk: Desk, server: HostileServer) -> None:
    archive = zipped(takes("mirrors"))
    server.pages["/one"], server.pages["/two"] = Page(status=404), Page(archive[:-1] + b"x")
    desk.knows(
        "mirrors", *({"url": f"{server.address}/{at}?key={SECRET}", "unpack": "zip", **sums(archive)} for at in ("one", "two"))
    )
    said = desk.motet("fetch", "mirrors", "--yes")
    assert said.code == 1
    assert [line for line in said.err.splitlines() if not line.startswith("  ")][1:] == []
    for word in ("mirrors", "404", "checksum"):
        assert word in said.err
    assert SECRET not in said.out + said.err


def test_what_is_there_is_left_alone_until_again_is_said(fetched: Desk, server: HostileServer) -> None:
    hurt, gone = fetched.data / "drums/kit/drums-002.mid", fetched.data / "drums/kit/drums-004.mid"
    hurt.write_bytes(hurt.read_bytes()[:20])
    gone.unlink()
    (fetched.data / "drums/notes.txt").write_text("mine", encoding="utf-8")
    server.asked.clear()
    said = fetched.motet("fetch", "drums")
    assert said.code == 1
    one_sentence(said, "drums", "--again")
    assert (len(hurt.read_bytes()), server.asked) == (20, [])
    assert fetched.motet("fetch", "drums", "--again").code == 0
    assert content(fetched, fetched.data / "drums")
    assert (fetched.data / "drums/notes.txt").read_text(encoding="utf-8") == "mine"
    assert fetched.states("drums")["drums"]["state"] == "complete"


def test_the_command_that_status_prints_for_a_damaged_copy_mends_it(fetched: Desk) -> None:
    renamed = fetched.data / "old drums"
    (fetched.data / "drums").rename(renamed)
    (renamed / "kit/drums-003.mid").unlink()
    (renamed / "kit/drums-001.mid").write_bytes(b"")
    assert fetched.states("drums")["drums"]["state"] != "complete"
    printed = [line.strip() for line in fetched.motet("status", "drums").out.splitlines() if "motet inventory fetch" in line]
    words = printed[0].partition("motet inventory ")[2]
    said = fetched.motet(
        *subprocess.run(
            ["bash", "-c", f"printf '%s\\n' {words}"], check=False, capture_output=True, text=True
        ).stdout.splitlines()
    )
    assert said.code == 0, (words, said)
    mended = fetched.states("drums")["drums"]
    assert mended["state"] == "complete", (words, mended["why"], fetched.files())


def test_a_persons_own_files_in_the_folder_stay(desk: Desk, server: HostileServer) -> None:
    archive = zipped(takes("mine"))
    server.pages["/mine"] = Page(archive)
    desk.knows("mine", {"url": f"{server.address}/mine", "unpack": "zip", **sums(archive)})
    own = {"notes.txt": b"mine", "kit/mine-003.txt": b"also mine", "top/other.wav": b"RIFF"}
    for path, octets in own.items():
        (desk.data / "mine" / path).parent.mkdir(parents=True, exist_ok=True)
        (desk.data / "mine" / path).write_bytes(octets)
    said = desk.motet("fetch", "mine", "--yes")
    assert {path: (desk.data / "mine" / path).read_bytes() for path in own} == own
    assert said.code == 0, said.err
    assert content(desk, desk.data / "mine", "mine")


def test_a_file_where_the_folder_should_be_is_told(desk: Desk, server: HostileServer) -> None:
    archive = zipped(takes("file"))
    server.pages["/file"] = Page(archive)
    desk.knows("file", {"url": f"{server.address}/file", "unpack": "zip", **sums(archive)})
    (desk.data / "file").write_bytes(b"mine")
    said = desk.motet("fetch", "file", "--yes")
    assert said.code != 0
    one_sentence(said, "file")
    assert (desk.data / "file").read_bytes() == b"mine"


def test_a_link_where_the_folder_should_be_leads_nowhere_unasked(desk: Desk, server: HostileServer) -> None:
    """A folder that a person linked to another drive is either followed whole or told; nothing is lost."""
    archive = zipped(takes("linked"))
    server.pages["/linked"] = Page(archive)
    desk.knows("linked", {"url": f"{server.address}/linked", "unpack": "zip", **sums(archive)})
    drive = desk.folder / "drive"
    drive.mkdir()
    (drive / "notes.txt").write_bytes(b"mine")
    (desk.data / "linked").symlink_to(drive)
    said = desk.motet("fetch", "linked", "--yes")
    assert (drive / "notes.txt").read_bytes() == b"mine"
    assert (desk.data / "linked").is_symlink()
    if said.code:
        one_sentence(said, "linked")
    else:
        assert content(desk, drive, "linked")


@pytest.mark.parametrize("folder", [b"with spaces and 'quotes'", "Übungen – ñ".encode(), b"not utf-8 \xff\xfe", b"new\nline"])
def test_the_folder_may_be_called_anything(desk: Desk, server: HostileServer, folder: bytes) -> None:
    archive = zipped(takes("named"))
    server.pages["/named"] = Page(archive)
    desk.knows("named", {"url": f"{server.address}/named", "unpack": "zip", **sums(archive)})
    place = os.fsencode(desk.folder) + b"/" + folder
    said = desk.motet("fetch", "named", "--yes", "--to", place)
    assert (said.code, said.err) == (0, "")
    assert content(desk, Path(os.fsdecode(place)) / "named", "named")
    status = desk.motet("status", "--json", "--root", place, "named")
    assert (status.code, status.err) == (0, "")
    assert status.json["datasets"][0]["state"] == "complete"


ARCHIVES: dict[str, tuple[Callable[[str], bytes], str]] = {
    "folder-in-folder": (lambda n: zipped(takes(n), top=f"{n}/{n}/"), "zip"),
    "no-folder": (lambda n: zipped(takes(n), top=""), "zip"),
    "only-kit-below-x-x": (lambda n: tarred(takes(n), top="./x/x/"), "tar"),
    "mac-leftovers": (
        lambda n: zipped({**{f"top/{p}": c for p, c in takes(n).items()}, "__MACOSX/top/._x": b"x"}, top=""),
        "zip",
    ),
    "names-that-are-not-utf-8": (lambda n: tarred({**takes(n), "kit/caf\udce9.txt": b"x"}), "tar"),
    "control-characters": (lambda n: zipped({**takes(n), "kit/\x1b[31mred\n.txt": b"x"}), "zip"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_odd_archives_with_all_files_are_unpacked_to_the_published_layout(desk: Desk, server: HostileServer, name: str) -> None:
    make, unpack = ARCHIVES[name]
    server.pages[f"/{name}"] = Page(make(name))
    desk.knows(name, {"url": f"{server.address}/{name}", "unpack": unpack, **sums(make(name))})
    said = desk.motet("fetch", name, "--yes")
    assert said.code == 0, said.err
    assert "\x1b" not in said.out + said.err
    entry = desk.states(name)[name]
    assert entry["state"] == "complete", (entry["why"], desk.files())


def test_names_that_differ_in_case_only_lose_no_file(desk: Desk, server: HostileServer) -> None:
    files = {**takes("case"), "kit/README.txt": b"large", "kit/readme.txt": b"small"}
    server.pages["/case"] = Page(zipped(files))
    desk.knows("case", {"url": f"{server.address}/case", "unpack": "zip"})
    said = desk.motet("fetch", "case", "--yes")
    if said.code:
        one_sentence(said, "case", "readme")
        assert desk.states("case")["case"]["state"] == "missing"
    else:
        assert {(desk.data / "case" / path).read_bytes() for path in files} == set(files.values())


def test_an_archive_that_lacks_half_of_the_files_says_so(desk: Desk, server: HostileServer) -> None:
    server.pages["/half"] = Page(zipped(takes("half", 3)))
    desk.knows("half", {"url": f"{server.address}/half", "unpack": "zip"})
    said = desk.motet("fetch", "half", "--yes")
    assert re.search(r"\b3\b.*\b6\b", said.err), said
    entry = desk.states("half")["half"]
    assert (entry["state"], entry["present"], entry["expected"]) == ("partial", 3, 6)
    server.pages["/half"] = Page(zipped(takes("half")), etag='"2"')
    assert desk.motet("fetch", "half", "--yes", "--again").code == 0
    assert desk.states("half")["half"]["state"] == "complete"


def test_a_download_larger_than_the_disk_is_refused_before_anything_is_asked(desk: Desk, server: HostileServer) -> None:
    server.asked.clear()
    desk.knows("whale", {"url": f"{server.address}/whale", "unpack": "zip", "bytes": 10**15})
    said = desk.motet("fetch", "whale", "--yes")
    assert said.code != 0
    one_sentence(said, "whale", "room|space|free|disk")
    assert [asked for asked in server.asked if "whale" in asked.path] == []


@pytest.mark.parametrize("kind", ["file-size limit", "full disk while it loads", "full disk while it unpacks"])
def test_a_disk_that_fills_up_is_told_and_nothing_is_published(desk: Desk, server: HostileServer, kind: str) -> None:
    packed = {**takes("brimming"), "kit/big.bin": bytes(200_000) + random.Random(5).randbytes(3_000_000)}
    loads = kind != "full disk while it unpacks"
    archive = (
        zipped(packed, method=zipfile.ZIP_STORED) if loads else zipped({**takes("brimming"), "kit/big.bin": bytes(5_000_000)})
    )
    server.pages["/brimming"] = Page(archive, chunked=True)
    desk.knows("brimming", {"url": f"{server.address}/brimming?key={SECRET}", "unpack": "zip"})
    fetch = " ".join(f"'{os.fsdecode(word)}'" for word in desk.command("fetch", "brimming", "--yes", "--to", desk.data))
    if kind == "file-size limit":
        words = ["bash", "-c", f"ulimit -f 1000; {fetch}"]
    else:
        mount = f"mount -t tmpfs -o size=2m none '{desk.data}' || exit 99"
        words = [
            "unshare",
            "-rm",
            "bash",
            "-c",
            f"{mount}; {fetch}; code=$?; find '{desk.data}' -path '*brimming/kit*' >&1; exit $code",
        ]
        if not shutil.which("unshare") or subprocess.run([*words[:4], mount], check=False, capture_output=True).returncode:
            pytest.skip("no disk of one's own can be mounted here")
    done = subprocess.run(words, env=desk.environment(), check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1, done
    one_sentence(Said(1, done.stdout, done.stderr), "brimming", "room|space|free|disk|large")
    assert f"{desk.data}/brimming" not in done.stdout.partition("gives midi")[2]
    assert not (desk.data / "brimming").exists()
    server.pages["/brimming"] = Page(archive)
    assert desk.motet("fetch", "brimming", "--yes").code == 0
    assert desk.states("brimming")["brimming"]["state"] == "complete"


@pytest.mark.parametrize(
    "download, names",
    [
        ({"kind": "kaggle", "dataset": "ada/takes"}, "KAGGLE"),
        ({"kind": "huggingface", "dataset": "ada/takes", "gated": True}, "HF_TOKEN"),
    ],
)
def test_credentials_that_are_lacking_are_named_before_anything_is_asked(
    desk: Desk, server: HostileServer, download: dict[str, object], names: str
) -> None:
    desk.knows("closed", {**download, "bytes": 1000})
    before = len(server.asked)
    said = desk.motet(
        "fetch", "closed", "--yes", NO_PROXY="", **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), server.address)
    )
    assert said.code != 0
    one_sentence(said, "closed", names)
    assert [asked.path for asked in server.asked[before:]] == []
    assert desk.files() == []


def test_what_only_a_person_can_get_is_told_step_by_step(desk: Desk) -> None:
    desk.knows(
        "by-hand", {"kind": "manual", "url": "https://example.org/form", "steps": ["Fill in the form.", "Unpack it into kit."]}
    )
    said = desk.motet("fetch", "by-hand", "--yes")
    assert "Fill in the form." in said.out + said.err
    assert "https://example.org/form" in said.out + said.err
    assert said.code != 0


def test_a_large_download_is_asked_about_and_silence_is_no_yes(desk: Desk, server: HostileServer) -> None:
    server.pages["/unsized"] = Page(zipped(takes("unsized")))
    desk.knows("unsized", {"url": f"{server.address}/unsized", "unpack": "zip"})
    said = desk.motet("fetch", "unsized")
    assert said.code != 0
    one_sentence(said, "--yes")
    assert server.methods("/unsized") == []


def test_json_is_all_that_is_printed(desk: Desk, server: HostileServer) -> None:
    archive = zipped(takes("told"))
    server.pages["/told"] = Page(archive)
    desk.knows("told", {"url": f"{server.address}/told?key={SECRET}", "unpack": "zip", **sums(archive)})
    assert desk.motet("fetch", "told", "--json").json
    assert SECRET not in json.dumps(desk.motet("fetch", "told", "--json", "--again").json)


KINDS = ("wav", "flac", "mp3", "mid")
RATE = 16_000


def recording(number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A second of a tone in faint noise; [frames]."""
    at = np.arange(RATE) / RATE
    noise = np.random.default_rng(number).standard_normal(RATE) / 100
    return (0.3 * np.sin(2 * np.pi * (220 + 37 * number) * at) + noise).astype(np.float32)


def write(path: Path, number: int, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mid":
        path.write_bytes(take(f"{number}"))
    else:
        soundfile.write(path, recording(number), rate)


def settle(desk: Desk) -> None:
    """Waits until no file has changed just now, so that what is found of it can be remembered."""
    newest = max(path.stat().st_ctime for path in desk.data.rglob("*"))
    time.sleep(max(0.0, newest + 2.5 - time.time()))


def path_of(kind: str, number: int) -> str:
    return f"{kind}/sounds-{number:03d}.{kind}"


@pytest.fixture
def sounds(desk: Desk) -> Desk:
    """A desk with the dataset `sounds`: four files of each of four kinds."""
    parts = []
    for kind in KINDS:
        more = {"kind": "midi"} if kind == "mid" else {"kind": "audio", "rate": RATE, "properties_source": "us"}
        files = f"{kind}/sounds-{{take}}.{kind}"
        parts.append({"name": kind, "files": files, "count": 4, "count_source": "us", **more})
        for number in range(4):
            write(desk.data / "sounds" / path_of(kind, number), number)
    desk.knows("sounds", parts=parts)
    return desk


def damage(folder: Path) -> dict[str, str]:
    """Harms files in three ways; path -> the words that must be said of it."""
    harmed = {}
    for kind in KINDS:
        short, other = folder / path_of(kind, 1), folder / path_of(kind, 2)
        octets = short.read_bytes()
        short.write_bytes(octets[: len(octets) * 3 // 5])
        harmed[path_of(kind, 1)] = "truncated"
        if kind != "wav":  # any bytes are samples of a WAV file
            octets = other.read_bytes()
            other.write_bytes(octets[: len(octets) // 3] + random.Random(4).randbytes(len(octets) - len(octets) // 3))
            harmed[path_of(kind, 2)] = "undecodable" if kind != "mp3" else "undecodable|truncated"
        if kind != "mid":
            write(folder / path_of(kind, 3), 3, 22_050)
            harmed[path_of(kind, 3)] = "wrong.rate"
    return harmed


@pytest.mark.slow
def test_verify_names_what_is_damaged_and_status_remembers_it_until_it_is_mended(sounds: Desk) -> None:
    assert sounds.motet("verify", "sounds").code == 0
    folder = sounds.data / "sounds"
    good = {path: (folder / path).read_bytes() for path in sounds.files(folder)}
    harmed = damage(folder)
    settle(sounds)
    for level in ([], ["--full"]):
        cache = str(sounds.folder / f"cache{len(level)}")
        said = sounds.motet("verify", "sounds", "--json", *level, XDG_CACHE_HOME=cache)
        assert said.code == 1
        troubles = {trouble["path"].partition("/sounds/")[2] for trouble in said.json["verified"][0]["troubles"]}
        assert troubles == set(harmed)
        entry = sounds.motet("status", "--json", "sounds", XDG_CACHE_HOME=cache).json["datasets"][0]
        assert entry["state"] == "corrupt"
        evidence = json.dumps(entry["copies"][0]["evidence"])
        assert [path for path in harmed if path not in evidence] == [], (level, evidence)
    for path, octets in good.items():
        (folder / path).write_bytes(octets)
    mended = sounds.motet("status", "--json", "sounds", XDG_CACHE_HOME=cache).json["datasets"][0]
    assert mended["state"] == "complete", mended["why"]


def test_the_way_in_which_a_file_is_damaged_is_said(sounds: Desk) -> None:
    harmed = damage(sounds.data / "sounds")
    said = sounds.motet("verify", "sounds", "--full", "--json")
    told = {trouble["path"].partition("/sounds/")[2]: trouble for trouble in said.json["verified"][0]["troubles"]}
    assert set(told) == set(harmed)
    for path, words in harmed.items():
        assert re.search(words, json.dumps(told[path])), told[path]


def test_only_motet_speaks(sounds: Desk) -> None:
    """What libraries have to say of a broken file is said by nobody."""
    damage(sounds.data / "sounds")
    for words in (["verify", "sounds", "--full"], ["verify", "sounds", "--sanitise"], ["status", "sounds"]):
        assert sounds.motet(*words).err == "", words


def test_a_file_replaced_by_another_of_the_same_size_is_told_by_its_checksum(desk: Desk) -> None:
    songs = [take(f"{number}") for number in range(3)]
    paths = [desk.data / "summed" / f"{md5(song).hexdigest()}.mid" for song in songs]
    paths[0].parent.mkdir()
    for path, song in zip(paths, songs, strict=True):
        path.write_bytes(song)
    part = {"name": "midi", "files": "{sum}.mid", "kind": "midi", "count": 3, "count_source": "us", "named_by": "md5"}
    desk.knows("summed", parts=[part], fields={"sum": "[0-9a-f]{32}"})
    assert desk.motet("verify", "summed", "--full").code == 0
    was = paths[1].stat()
    paths[1].write_bytes(take("7"))
    os.utime(paths[1], ns=(was.st_atime_ns, was.st_mtime_ns))
    assert paths[1].stat().st_size == was.st_size
    said = desk.motet("verify", "summed", "--full")
    assert said.code == 1
    assert paths[1].name in said.out
    assert paths[0].name not in said.out


def test_what_verify_says_of_files_that_were_fetched_just_now_is_what_status_says(desk: Desk, server: HostileServer) -> None:
    """`fetch`, `verify` and `status` in one line of a script."""
    archive = zipped({**takes("fresh"), "kit/fresh-002.mid": take("x")[:23] + b"\xf5" * (len(take("x")) - 23)})
    server.pages["/fresh"] = Page(archive)
    desk.knows("fresh", {"url": f"{server.address}/fresh", "unpack": "zip", **sums(archive)})
    assert desk.motet("fetch", "fresh", "--yes").code == 0
    verified = desk.motet("verify", "fresh", "--full")
    assert verified.code == 1
    assert "fresh-002.mid" in verified.out
    assert desk.states("fresh")["fresh"]["state"] == "corrupt"


def test_sanitise_tells_silence_clipping_offsets_and_duplicates(sounds: Desk) -> None:
    folder = sounds.data / "sounds" / "wav"
    soundfile.write(folder / "sounds-000.wav", np.zeros(RATE), RATE)
    soundfile.write(folder / "sounds-001.wav", np.clip(recording(1) * 20, -1, 1), RATE)
    soundfile.write(folder / "sounds-002.wav", np.full(RATE, 0.3), RATE)
    shutil.copy(folder / "sounds-003.wav", sounds.data / "sounds" / "wav" / "sounds-004.wav")
    said = sounds.motet("verify", "sounds", "--sanitise", "--json")
    assert said.code == 0, said.out
    told = json.dumps(said.json["verified"][0]["sanitised"])
    for words, path in (
        ("silent", "000.wav"),
        ("clip", "001.wav"),
        ("offset|dc|constant|silent", "002.wav"),
        ("same|duplicate", "004.wav"),
    ):
        assert re.search(words, told, re.IGNORECASE), (words, told)
        assert path in told, (path, told)


def test_sanitise_ends_with_1_where_a_file_cannot_be_read(sounds: Desk) -> None:
    (sounds.data / "sounds" / path_of("flac", 1)).write_bytes(b"fLaC" + bytes(500))
    said = sounds.motet("verify", "sounds", "--sanitise")
    assert said.code == 1
    assert path_of("flac", 1) in said.out


def test_verify_of_what_is_not_here_ends_with_1(desk: Desk) -> None:
    desk.knows("elsewhere")
    said = desk.motet("verify", "elsewhere")
    assert said.code == 1
    assert "elsewhere" in said.out + said.err


@pytest.mark.parametrize("name", HOSTILITIES)
def test_a_download_that_goes_wrong_is_told_in_one_sentence_and_leaves_no_dataset(story: Story, name: str) -> None:
    outcome = story.outcomes[name]
    assert outcome.failed.code == 1
    one_sentence(outcome.failed, name, HOSTILITIES[name].words)
    assert outcome.state == "missing", outcome.failed
    assert outcome.healed == "complete", story.mended.err


def test_the_query_of_an_address_is_never_shown(story: Story) -> None:
    for name, outcome in story.outcomes.items():
        assert SECRET not in outcome.failed.out + outcome.failed.err, name


def test_nothing_left_the_folder_that_was_named(story: Story) -> None:
    assert not list(story.desk.folder.rglob("escaped.mid"))
    assert not Path("/tmp/escaped.mid").exists()
    odd = [path for path in story.desk.data.rglob("*") if path.is_symlink() or not (path.is_file() or path.is_dir())]
    assert odd == []


@pytest.mark.parametrize("name", SLOW)
def test_what_never_comes_is_given_up_with_one_sentence(meanwhile: Meanwhile, name: str) -> None:
    """The tries are told on lines of their own, set in; the sentence that ends it stands alone."""
    _, err = meanwhile.slow[name].communicate(timeout=60)
    assert meanwhile.slow[name].returncode == 1
    last = "".join(line + "\n" for line in err.decode().splitlines() if not line.startswith("  "))
    one_sentence(Said(1, "", last), name, SLOW[name].words)
    assert SECRET.encode() not in err
