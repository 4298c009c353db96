"""Small objects published to a local S3 server, beside boto3's put_object in a loop, and in threads, to the same server.

The servers are slow themselves: what is left of the ratio is what they leave. `plain requests` says how fast a server takes
objects that are neither signed nor checked. Servers: moto, and s3rver (npm) where S3RVER names it.
"""

from __future__ import annotations

import http.client
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from measure import Line, over, seconds

GOAL = 3.0
SIZE = 2000  # bytes, as a short MIDI file
THREADS = 32
MOTO = (
    "import logging, sys; logging.getLogger('werkzeug').setLevel(logging.ERROR); from moto.server import ThreadedMotoServer; "
    "s = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False); s.start(); "
    "print(s.get_host_and_port()[1], flush=True); sys.stdin.read()"
)


def measure(quick: bool) -> Iterator[Line]:
    os.environ |= {"AWS_ACCESS_KEY_ID": "S3RVER", "AWS_SECRET_ACCESS_KEY": "S3RVER", "AWS_REGION": "us-east-1"}
    number, repeats = (1000, 1) if quick else (50_000, 1)
    with tempfile.TemporaryDirectory(prefix="motet-bench-") as base:
        folder = Path(base) / "export"
        chance = random.Random(1)
        for at in range(number):
            file = folder / f"{at // 1000:03}" / f"{at:06}.mid"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(chance.randbytes(SIZE))
        for name, server in (("moto", _moto), ("s3rver", _s3rver)):
            with suppress(FileNotFoundError):
                yield from _compared(name, server, folder, Path(base), number, repeats, quick)
                yield from _again(name, server, folder, Path(base), number)


def _compared(name: str, server: Any, folder: Path, base: Path, number: int, repeats: int, quick: bool) -> Iterator[Line]:
    taken: dict[str, tuple[float, ...]] = {}
    ways: dict[str, Callable[[str, str], object]] = {
        "boto3 loop": lambda endpoint, bucket: _boto(endpoint, bucket, folder, 1),
        f"boto3, {THREADS} threads": lambda endpoint, bucket: _boto(endpoint, bucket, folder, THREADS),
        "plain requests": lambda endpoint, bucket: _plain(endpoint, bucket, folder),
        "motet publish": lambda endpoint, bucket: _motet(endpoint, bucket, folder, base),
    }
    for way, work in ways.items():  # a fresh server for each: they slow down as they fill
        with server(base) as endpoint:
            _client(endpoint).create_bucket(Bucket="bench")
            taken[way] = seconds(lambda work=work, endpoint=endpoint: work(endpoint, "bench"), repeats)  # type: ignore[misc]
    peer = "boto3 loop"
    for way, took in taken.items():
        ratio = over(taken[peer], took) if way != peer else None
        goal = way == "motet publish"
        yield Line(
            f"{name}: {way}", tuple(number / one for one in took), "objects/s", number, ratio, f"{name}: {peer}" if ratio else "",
            f">= {GOAL:.0f} x" if goal else "", ratio is not None and ratio >= GOAL if goal and not quick else None,
        )  # fmt: skip


def _again(name: str, server: Any, folder: Path, base: Path, number: int) -> Iterator[Line]:
    with server(base) as endpoint:
        _client(endpoint).create_bucket(Bucket="bench")
        _motet(endpoint, "bench", folder, base)
        yield Line(
            f"{name}: published again, nothing new", seconds(lambda: _motet(endpoint, "bench", folder, base), 3), "s", number
        )


def _motet(endpoint: str, bucket: str, folder: Path, base: Path) -> None:
    from motet.publish import publish

    publish(folder, f"s3://{bucket}/set", endpoint=endpoint, parallel=THREADS, cache=base / "cache")


def _boto(endpoint: str, bucket: str, folder: Path, threads: int) -> None:
    client = _client(endpoint)

    def put(file: Path) -> None:
        client.put_object(Bucket=bucket, Key=f"set/{file.relative_to(folder).as_posix()}", Body=file.read_bytes())

    files = sorted(file for file in folder.rglob("*") if file.is_file())
    if threads == 1:
        for file in files:
            put(file)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(put, files))


def _plain(endpoint: str, bucket: str, folder: Path) -> None:
    """PUTs without a signature that anybody would have computed, over kept connections."""
    to = urlsplit(endpoint)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    authorization = "AWS4-HMAC-SHA256 Credential=S3RVER/20240101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"

    def some(mine: list[Path]) -> None:
        connection = http.client.HTTPConnection(to.hostname or "", to.port)
        for file in mine:
            path = f"/{bucket}/set/{file.relative_to(folder).as_posix()}"
            connection.request("PUT", path, file.read_bytes(), {"Authorization": authorization})
            connection.getresponse().read()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(some, [files[start::8] for start in range(8)]))


def _client(endpoint: str) -> Any:
    import boto3

    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")


@contextmanager
def _moto(base: Path) -> Iterator[str]:
    made = subprocess.Popen(
        [sys.executable, "-c", MOTO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert made.stdout
        yield f"http://127.0.0.1:{int(made.stdout.readline())}"
    finally:
        made.kill()
        made.communicate()


@contextmanager
def _s3rver(base: Path) -> Iterator[str]:
    """s3rver keeps objects as files. Raises FileNotFoundError where it is not installed."""
    program = os.environ.get("S3RVER") or shutil.which("s3rver")
    if not program:
        raise FileNotFoundError
    place = Path(tempfile.mkdtemp(dir=base))
    command = [program, "-d", str(place), "-p", "0", "-s"]
    port = random.Random().randrange(20_000, 30_000)
    command[command.index("0")] = str(port)
    legacy = {**os.environ, "NODE_OPTIONS": "--openssl-legacy-provider"}  # or its listings of more than 1000 keys fail
    made = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=legacy)
    try:
        for _ in range(100):
            with suppress(OSError):
                http.client.HTTPConnection("127.0.0.1", port).connect()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        made.kill()
        made.wait()
        shutil.rmtree(place, ignore_errors=True)
