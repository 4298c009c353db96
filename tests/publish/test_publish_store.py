"""Publishing over real HTTP to a real S3 server, through a proxy that breaks things, and to folders."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from motet.errors import UserError
from motet.publish import Refused, folder_files, publish, s3, verify
from motet.publish.credentials import account
from motet.publish.plan import part_etag
from publish.servers import Proxy, s3_server

SECRET = "wJalrXUtnFEMI-planted"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def known_as(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAPLANTED")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(s3, "FIRST_WAIT", 0.01)
    soon = {"init_backoff": timedelta(milliseconds=2), "max_backoff": timedelta(milliseconds=10)}
    monkeypatch.setitem(s3.PATIENCE, "backoff", soon)
    monkeypatch.setattr(s3, "SINGLE", 1 << 16)


@pytest.fixture(scope="module")
def client(server: str) -> Any:
    keys = {"aws_access_key_id": "A", "aws_secret_access_key": "B", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=server, **keys)


@pytest.fixture
def bucket(client: Any) -> str:
    name = f"bucket-{random.randrange(1 << 40)}"
    client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    made = Proxy(server)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An export: many small files, one in parts, an empty one, and a name that is hard on URLs."""
    made = tmp_path / "export"
    for number in range(8):
        put(made / "train" / f"{number:03}.flac", b"sound %d" % number)
    put(made / "large.tar", random.Random(1).randbytes(s3.SINGLE * 2 + 5))
    put(made / "empty", b"")
    put(made / "Café" / "50%25 #1? &+\"'*{}[]~=.mid", b"MThd")
    return made


def put(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def lies(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def held(client: Any, bucket: str, prefix: str = "set/") -> dict[str, bytes]:
    keys = [
        one["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket) for one in page.get("Contents", [])
    ]
    return {key.removeprefix(prefix): client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def files_of(objects: dict[str, bytes]) -> dict[str, bytes]:
    return {key: data for key, data in objects.items() if not key.startswith(".motet/")}


def newest(objects: dict[str, bytes]) -> dict[str, bytes]:
    """What a reader gets who follows the pointer, checked by the sums of the manifest."""
    return version_of(objects, json.loads(objects[".motet/latest.json"])["version"])


def version_of(objects: dict[str, bytes], version: int) -> dict[str, bytes]:
    manifest = json.loads(objects[f".motet/manifests/{version}.json"])
    found = {}
    for one in manifest["files"]:
        found[one["path"]] = objects[one["key"]]
        assert hashlib.sha256(objects[one["key"]]).hexdigest() == one["sha256"], one["path"]
    return found


# What arrives


def test_a_bucket_holds_what_the_folder_holds_and_a_pointer_to_it(server: str, client: Any, bucket: str, folder: Path) -> None:
    told: list[tuple[int, int]] = []
    url = f"s3://{bucket}/set"
    done = publish(folder, url, endpoint=server, watch=lambda files, size: told.append((files, size)))
    objects = held(client, bucket)
    assert files_of(objects) == newest(objects) == lies(folder)
    assert (done.version, done.sent, done.skipped, done.url) == (1, len(lies(folder)), 0, url)
    assert told[-1] == (done.sent, done.bytes) == (done.sent, sum(map(len, lies(folder).values())))
    assert verify(url, endpoint=server) == verify(url, endpoint=server, whole=True) == []


def test_a_second_publication_sends_nothing(proxy: Proxy, bucket: str, folder: Path) -> None:
    first = publish(folder, f"s3://{bucket}/set", endpoint=proxy.endpoint)
    proxy.asked.clear()
    again = publish(folder, f"s3://{bucket}/set", endpoint=proxy.endpoint)
    assert (again.version, again.sent, again.skipped, again.bytes) == (1, 0, first.sent, 0)
    assert not proxy.count("PUT")
    assert not proxy.count("POST")


def test_a_dry_run_tells_what_would_be_sent_and_writes_nothing(server: str, client: Any, bucket: str, folder: Path) -> None:
    would = publish(folder, f"s3://{bucket}/set", endpoint=server, dry_run=True)
    assert {local.path for local in would.plan.new} == set(lies(folder))
    assert would.bytes == sum(map(len, lies(folder).values()))
    assert would.version == 0
    assert held(client, bucket) == {}


def test_equal_objects_of_somebody_else_are_not_sent_again(server: str, client: Any, bucket: str, folder: Path) -> None:
    client.put_object(Bucket=bucket, Key="set/train/000.flac", Body=b"sound 0")
    made = client.create_multipart_upload(Bucket=bucket, Key="set/large.tar")["UploadId"]  # in other parts than ours
    part = {"Bucket": bucket, "Key": "set/large.tar", "UploadId": made}
    data = (folder / "large.tar").read_bytes()
    halves = [data[: s3.SINGLE + 7], data[s3.SINGLE + 7 :]]
    tags = [client.upload_part(**part, PartNumber=n, Body=half)["ETag"] for n, half in enumerate(halves, 1)]
    parts = [{"PartNumber": n, "ETag": tag} for n, tag in enumerate(tags, 1)]
    client.complete_multipart_upload(**part, MultipartUpload={"Parts": parts})
    done = publish(folder, f"s3://{bucket}/set", endpoint=server)
    assert {local.path for local in done.plan.same} == {"train/000.flac", "large.tar"}
    assert verify(f"s3://{bucket}/set", endpoint=server, whole=True) == []


def test_other_objects_of_somebody_else_are_never_overwritten(server: str, client: Any, bucket: str, folder: Path) -> None:
    client.put_object(Bucket=bucket, Key="set/train/000.flac", Body=b"theirs!")
    for replace in (False, True):
        with pytest.raises(Refused, match=r"1 object at s3://.* motet did not publish.*\(train/000.flac\)"):
            publish(folder, f"s3://{bucket}/set", endpoint=server, replace=replace)
    assert held(client, bucket) == {"train/000.flac": b"theirs!"}


# Versions, the same at a bucket and in a folder


@pytest.fixture(params=["bucket", "folder"])
def place(request: Any, server: str, client: Any, bucket: str, tmp_path: Path) -> tuple[dict[str, Any], Any]:
    """How to publish there, and all that lies there."""
    if request.param == "bucket":
        return {"url": f"s3://{bucket}/set", "endpoint": server}, lambda: held(client, bucket)
    there = tmp_path / "there"
    return {"url": there.as_uri()}, lambda: {key: data for key, data in lies(there).items() if key != ".motet/lock"}


def test_what_a_version_names_is_replaced_only_when_asked_and_kept(place: Any, folder: Path) -> None:
    there, objects = place
    publish(folder, **there)
    before = lies(folder)
    put(folder / "train/000.flac", b"SOUND 0")
    put(folder / "large.tar", random.Random(2).randbytes(s3.SINGLE + 1))
    put(folder / "fresh", b"new")
    with pytest.raises(Refused, match="2 files of version 1 would be overwritten") as refused:
        publish(folder, **there)
    assert set(refused.value.paths) == {"train/000.flac", "large.tar"}
    assert newest(objects()) == before
    done = publish(folder, **there, replace=True)
    assert (done.version, done.sent) == (2, 3)
    now = objects()
    assert files_of(now) == newest(now) == lies(folder)
    assert version_of(now, 1) == before
    assert now[".motet/kept/1/train/000.flac"] == b"sound 0"
    assert verify(**there) == []


def test_files_that_are_only_added_make_a_version_without_replacing(place: Any, folder: Path) -> None:
    there, objects = place
    publish(folder, **there)
    before = lies(folder)
    put(folder / "fresh", b"new")
    assert publish(folder, **there).version == 2
    assert newest(objects()) == lies(folder)
    assert version_of(objects(), 1) == before


def test_what_is_gone_from_the_folder_stays_for_the_old_version(place: Any, folder: Path) -> None:
    there, objects = place
    publish(folder, **there)
    before = lies(folder)
    (folder / "train/007.flac").unlink()
    with pytest.raises(Refused, match=r"1 file of version 1 .*no longer in the folder \(train/007.flac\)"):
        publish(folder, **there)
    assert publish(folder, **there, replace=True).gone == ("train/007.flac",)
    assert files_of(objects()) == newest(objects()) == lies(folder)  # who reads no manifest finds nothing that is gone
    put(folder / "train/007.flac", b"another song")  # its old place is free
    publish(folder, **there)
    assert files_of(objects()) == newest(objects()) == lies(folder)
    assert version_of(objects(), 1) == before


def test_a_takedown_leaves_nothing_of_the_old_bytes(place: Any, folder: Path) -> None:
    there, objects = place
    put(folder / "shard", b"one takendown two")
    put(folder / "takendown.flac", b"takendown as a file")
    publish(folder, **there)
    put(folder / "takendown.flac", b"takendown as another file")
    publish(folder, **there, replace=True)
    put(folder / "shard", b"one two")
    (folder / "takendown.flac").unlink()
    done = publish(folder, **there, forget=True)
    now = objects()
    assert not [key for key, data in now.items() if b"takendown" in key.encode() + data]
    assert files_of(now) == newest(now) == lies(folder)
    assert version_of(now, 1).keys() == version_of(now, 2).keys() == lies(folder).keys() - {"shard"}
    assert "by itself" in done.remarks[0]
    assert publish(folder, **there, forget=True).version == done.version


def test_a_takedown_killed_before_its_end_is_finished_by_the_next(
    place: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, objects = place
    put(folder / "takendown.flac", b"takendown")
    publish(folder, **there)
    (folder / "takendown.flac").unlink()
    with monkeypatch.context() as stopped:
        stopped.setattr("motet.publish.store._forgotten", lambda *_: sys.exit(1))
        with pytest.raises(SystemExit):
            publish(folder, **there, forget=True)
    assert b"takendown" in objects().values()
    publish(folder, **there, forget=True)
    assert b"takendown" not in objects().values()
    assert b"takendown" not in objects()[".motet/manifests/1.json"]


def test_an_edit_after_a_stop_needs_no_leave_where_no_version_was_out(
    place: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, objects = place
    with monkeypatch.context() as stopped:
        stopped.setattr("motet.publish.store._arrived", lambda *_: sys.exit(1))
        with pytest.raises(SystemExit):
            publish(folder, **there)
    put(folder / "train/000.flac", b"sound!!")
    (folder / "train/001.flac").unlink()
    assert publish(folder, **there).sent == 1
    now = objects()
    assert files_of(now) == newest(now) == lies(folder)  # nor is what was sent and then removed left lying
    assert ".motet/pending.json" not in now


@pytest.mark.parametrize("at", ["_meant", "_kept", "_sent", "_arrived", "_out", "_clear"])
def test_a_replacement_stopped_anywhere_goes_on(place: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    there, objects = place
    publish(folder, **there)
    before = lies(folder)
    (folder / "empty").unlink()
    put(folder / "train/000.flac", b"second")
    with monkeypatch.context() as stopped:
        stopped.setattr(f"motet.publish.store.{at}", lambda *_: sys.exit(1))
        with pytest.raises(SystemExit):
            publish(folder, **there, replace=True)
    assert newest(objects()) == (lies(folder) if at == "_clear" else before)
    put(folder / "train/000.flac", b"and edited")
    put(folder / "train/001.flac", b"more")
    publish(folder, **there, replace=True)
    now = objects()
    assert files_of(now).keys() - {"empty"} == lies(folder).keys()
    assert newest(now) == lies(folder)
    assert version_of(now, 1) == before


def test_going_back_to_the_old_bytes_within_a_replacement(place: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there, objects = place
    publish(folder, **there)
    old = (folder / "train/000.flac").read_bytes()
    put(folder / "train/000.flac", b"second")
    with monkeypatch.context() as stopped:
        stopped.setattr("motet.publish.store._arrived", lambda *_: sys.exit(1))
        with pytest.raises(SystemExit):
            publish(folder, **there, replace=True)
    put(folder / "train/000.flac", old)
    publish(folder, **there)
    now = objects()
    assert files_of(now) == newest(now) == version_of(now, 1) == lies(folder)


_STATES = st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=2), min_size=1)


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(st.lists(_STATES, min_size=1, max_size=5))
def test_every_version_can_be_read_after_any_history(
    tmp_path_factory: pytest.TempPathFactory, history: list[dict[str, bytes]]
) -> None:
    base = tmp_path_factory.mktemp("history")
    folder, there, out = base / "export", base / "there", {}
    for state in history:
        for file in folder.glob("*"):
            file.unlink()
        for name, data in state.items():
            put(folder / name, data)
        out[publish(folder, str(there), replace=True, cache=base / "cache").version] = state
        for version, was in out.items():
            assert version_of(lies(there), version) == was
    assert verify(str(there)) == []


# Bad networks


@pytest.mark.parametrize("fault", [(503, "SlowDown"), (429, "TooManyRequests"), "reset", "lost", "short"])
def test_what_passes_is_tried_again(proxy: Proxy, client: Any, bucket: str, folder: Path, fault: Any) -> None:
    """Every third request fails: puts, parts, listings, and the pointer's."""
    proxy.fault = lambda method, path, number: fault if number % 3 == 1 else None
    done = publish(folder, f"s3://{bucket}/set", endpoint=proxy.endpoint, parallel=4)
    assert done.version == 1
    assert files_of(held(client, bucket)) == lies(folder)
    put(folder / "train/000.flac", b"second")
    assert publish(folder, f"s3://{bucket}/set", endpoint=proxy.endpoint, replace=True, parallel=4).sent == 1
    assert newest(held(client, bucket)) == lies(folder)


def test_a_store_that_keeps_failing_is_told_and_nothing_is_sent_twice(
    proxy: Proxy, client: Any, bucket: str, folder: Path
) -> None:
    proxy.fault = lambda method, path, number: (503, "SlowDown") if "/train/006" in path else None
    with pytest.raises(UserError, match=r"kept failing \(SlowDown\).*not sent again"):
        publish(folder, f"s3://{bucket}/set", endpoint=proxy.endpoint, parallel=2)
    assert ".motet/latest.json" not in held(client, bucket)
    there = files_of(held(client, bucket))
    proxy.fault = lambda method, path, number: None
    done = publish(folder, f"s3://{bucket}/set", endpoint=proxy.endpoint)
    assert done.skipped == len(there) > 0
    assert files_of(held(client, bucket)) == lies(folder)


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (403, "RequestTimeTooSkewed", "this machine's clock is wrong"),
        (403, "SignatureDoesNotMatch", "does not accept these credentials"),
        (403, "InvalidAccessKeyId", "does not accept these credentials"),
        (403, "AccessDenied", "may not do this"),
        (404, "NoSuchBucket", "There is no bucket"),
    ],
)
def test_what_a_person_must_mend_is_one_sentence(
    proxy: Proxy, bucket: str, folder: Path, status: int, code: str, sentence: str
) -> None:
    for method in ("GET", "PUT"):
        proxy.fault = lambda asked, path, number, method=method: (status, code) if asked == method else None
        with pytest.raises(UserError, match=sentence) as told:
            publish(folder, f"s3://{bucket}/set", endpoint=proxy.endpoint)
        shown = f"{told.value} {told.value.__cause__} {told.value.__context__ if not told.value.__suppress_context__ else ''}"
        assert not [secret for secret in (SECRET, "AKIAPLANTED", "KEYWORD", "<") if secret in shown]


def test_nobody_answers(folder: Path) -> None:
    with pytest.raises(UserError, match=r"kept failing .*check the endpoint and the network"):
        publish(folder, "s3://bucket/set", endpoint="http://127.0.0.1:9")


def test_nobody_says_who_one_is(server: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="No credentials were found"):
        publish(folder, "s3://bucket/set", endpoint=server)


def test_no_such_bucket_at_a_real_server(server: str, folder: Path) -> None:
    with pytest.raises(UserError, match="There is no bucket nowhere-to-be-found"):
        publish(folder, "s3://nowhere-to-be-found/set", endpoint=server)


# Two at once


def test_a_second_publisher_is_told_and_changes_nothing(
    proxy: Proxy, server: str, client: Any, bucket: str, folder: Path, tmp_path: Path
) -> None:
    """The other one comes while we put our first file: from this machine, and from another one, which knows nothing of us."""
    url = f"s3://{bucket}/set"
    publish(folder, url, endpoint=server)
    before = lies(folder)
    other = tmp_path / "other"
    put(other / "only theirs", b"x")
    put(folder / "train/000.flac", b"ours")
    told = []

    def fault(method: str, path: str, number: int) -> None:
        if method == "PUT" and path.endswith("set/train/000.flac"):
            proxy.fault = lambda *_: None
            for cache in (None, tmp_path / "other machine"):
                with pytest.raises(UserError, match="Another publisher is at work") as second:
                    publish(other, url, endpoint=server, cache=cache, replace=True)
                told.append(str(second.value))

    proxy.fault = fault
    publish(folder, url, endpoint=proxy.endpoint, replace=True)
    assert ["on this machine" in one for one in told] == [True, False]
    assert newest(held(client, bucket)) == lies(folder)
    assert version_of(held(client, bucket), 1) == before


@pytest.mark.parametrize("first", [True, False])
def test_a_publisher_that_was_taken_over_is_told(
    proxy: Proxy, server: str, client: Any, bucket: str, folder: Path, tmp_path: Path, first: bool
) -> None:
    url = f"s3://{bucket}/set"
    other = tmp_path / "other"
    put(other / "train/000.flac", b"theirs")
    if not first:
        publish(folder, url, endpoint=server)
        put(folder / "train/000.flac", b"ours..")

    def fault(method: str, path: str, number: int) -> None:
        if method == "PUT" and path.endswith("set/train/000.flac"):
            proxy.fault = lambda *_: None
            publish(other, url, endpoint=server, cache=tmp_path / "other machine", replace=True, take_over=True)

    proxy.fault = fault
    with pytest.raises(UserError, match=r"by another publisher|who else writes there"):
        publish(folder, url, endpoint=proxy.endpoint, replace=True, parallel=1)
    assert newest(held(client, bucket)) == lies(other)
    assert verify(url, endpoint=server, whole=True) == [] or not first


def test_what_was_stopped_on_another_machine_is_taken_over_when_asked(
    server: str, client: Any, bucket: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"s3://{bucket}/set"
    client.put_object(Bucket=bucket, Key="set/.motet/claim.json", Body=b'{"claim": "of another"}')
    with pytest.raises(UserError, match="take over if it is dead"):
        publish(folder, url, endpoint=server)
    publish(folder, url, endpoint=server, take_over=True)
    assert ".motet/claim.json" not in held(client, bucket)


def test_two_publishers_of_one_folder_take_turns(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"

    def second(files: int, size: int) -> None:
        with pytest.raises(UserError, match="Another publisher is at work"):
            publish(folder, str(there))

    publish(folder, str(there), watch=second)
    assert newest(lies(there)) == lies(folder)


# Kill


_PUBLISH = """
import sys
from pathlib import Path
from motet.publish import publish, s3
s3.SINGLE = 1 << 16
publish(Path(sys.argv[1]), sys.argv[2], replace=True)
"""


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_at_random_and_started_again_it_arrives(
    server: str, client: Any, bucket: str, folder: Path, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version is out; the next is killed again and again. Whoever follows the pointer finds its bytes at every moment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server)
    url = f"s3://{bucket}/set"
    for number in range(60):
        put(folder / "more" / f"{number}", b"first %d" % number)
    publish(folder, url)
    before = lies(folder)
    for number in range(0, 60, 2):
        put(folder / "more" / f"{number}", b"second %d" % number)
    put(folder / "large.tar", random.Random(3).randbytes(s3.SINGLE * 2))
    stop = threading.Event()
    wrong: list[str] = []
    looks = [0]

    def read() -> None:
        mine = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
        while not stop.is_set():
            looks[0] += 1
            wrong.extend(_promises_broken(mine, bucket, {1: before, 2: lies(folder)}))

    reader = threading.Thread(target=read)
    reader.start()
    chance = random.Random(kills)
    for _ in range(kills):
        run = subprocess.Popen([sys.executable, "-c", _PUBLISH, str(folder), url], stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.25, 0.9))
        run.send_signal(signal.SIGKILL)
        run.wait()
    done = publish(folder, url, replace=True)
    stop.set()
    reader.join()
    assert not wrong
    assert looks[0] > 1
    now = held(client, bucket)
    assert files_of(now) == newest(now) == lies(folder)
    assert version_of(now, 1) == before
    assert done.version == 2
    assert publish(folder, url).sent == 0
    assert ".motet/pending.json" not in now


def _promises_broken(client: Any, bucket: str, versions: dict[int, dict[str, bytes]]) -> Iterator[str]:
    """One look of a reader. Where bytes are not as the manifest says, it may have moved them meanwhile: it is read again."""
    get = lambda key: client.get_object(Bucket=bucket, Key=f"set/{key}")["Body"].read()  # noqa: E731
    pointer = json.loads(get(".motet/latest.json"))
    for one in json.loads(get(pointer["manifest"]))["files"]:
        for _ in range(2):
            data = get(one["key"])
            if hashlib.sha256(data).hexdigest() == one["sha256"] and data == versions[pointer["version"]][one["path"]]:
                break
            one = next(other for other in json.loads(get(pointer["manifest"]))["files"] if other["path"] == one["path"])
        else:
            yield f"{one['key']} of version {pointer['version']}"


# What does not match any more


def test_verify_tells_what_is_damaged_missing_and_extra(
    place: Any, client: Any, bucket: str, folder: Path, tmp_path: Path
) -> None:
    there, _ = place

    def change(key: str, data: bytes | None) -> None:
        if there["url"].startswith("file"):
            file = tmp_path / "there" / key
            file.unlink() if data is None else put(file, data)
        elif data is None:
            client.delete_object(Bucket=bucket, Key=f"set/{key}")
        else:
            client.put_object(Bucket=bucket, Key=f"set/{key}", Body=data)

    assert [fault.rule for fault in verify(**there)] == ["nothing published"]
    publish(folder, **there)
    change("train/000.flac", b"SOUND 0")
    change("train/001.flac", b"long" * 10)
    change("train/002.flac", None)
    change("stray", b"")
    assert [(fault.rule, fault.where, fault.fatal) for fault in verify(**there)] == [
        ("damaged", "train/000.flac", True), ("damaged", "train/001.flac", True), ("missing", "train/002.flac", True),
        ("extra", "stray", False),
    ]  # fmt: skip


@pytest.mark.parametrize("key", [".motet/latest.json", ".motet/manifests/1.json"])
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"version": "1"}', b'{"version": 1, "manifest": "../../x"}', b"\xff"])
def test_a_damaged_pointer_or_manifest_is_named(folder: Path, tmp_path: Path, key: str, data: bytes) -> None:
    there = tmp_path / "there"
    publish(folder, str(there))
    put(there / key, data)
    with pytest.raises(UserError, match=rf"{key} is damaged"):
        publish(folder, str(there))


def test_a_manifest_cannot_lead_us_to_other_keys(folder: Path, tmp_path: Path) -> None:
    there = tmp_path / "there"
    publish(folder, str(there))
    manifest = there / ".motet/manifests/1.json"
    manifest.write_text(manifest.read_text().replace('"key": "empty"', '"key": "../precious"'))
    put(tmp_path / "precious", b"mine")
    with pytest.raises(UserError, match="damaged"):
        publish(folder, str(there), forget=True)
    assert (tmp_path / "precious").read_bytes() == b"mine"


# What a folder holds


def test_what_no_reader_should_get_is_left_out(folder: Path, tmp_path: Path) -> None:
    before = lies(folder)
    put(folder / ".motet-part" / "half", b"x")
    put(folder / "train" / ".000.flac.tmp", b"x")
    put(folder / ".motet" / "latest.json", b"of another place")
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to(folder / "empty")
    paths = [local.path for local in folder_files(folder)]
    assert paths == sorted([*before, "link"])


@pytest.mark.parametrize("name", ["line\nbreak", "back\\slash", "/".join("x" * 250 for _ in range(4)), "\udcff"])
def test_names_that_stores_do_not_take_are_told(tmp_path: Path, name: str) -> None:
    put(tmp_path / "export" / name, b"x")
    with pytest.raises(UserError, match="rename it"):
        folder_files(tmp_path / "export")


def test_links_out_of_the_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    put(tmp_path / "private", b"x")
    (folder / "link").symlink_to(tmp_path / "private")
    with pytest.raises(UserError, match="link that leads to no file of the folder"):
        folder_files(folder)


def test_a_file_that_changes_while_it_is_published_stops_it(server: str, client: Any, bucket: str, folder: Path) -> None:
    def watch(files: int, size: int) -> None:
        put(folder / "train/007.flac", b"SOUND 7" * 2)

    with pytest.raises(UserError, match=r"train/007.flac changed while it was published"):
        publish(folder, f"s3://{bucket}/set", endpoint=server, watch=watch, parallel=1)
    assert ".motet/latest.json" not in held(client, bucket)


def test_checksums_are_remembered_and_a_changed_file_is_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in folder.rglob("*"):
        os.utime(file, (1e9, 1e9))
    monkeypatch.setattr("motet.publish.plan._RACY", -1)
    first = folder_files(folder, cache=tmp_path / "sums")
    read: list[int] = []
    monkeypatch.setattr("motet.publish.plan.hashlib", _Counting(read))
    assert folder_files(folder, cache=tmp_path / "sums") == first
    assert not read
    put(folder / "train/000.flac", b"SOUND 0")
    os.utime(folder / "train/000.flac", (1e9, 1e9))
    assert folder_files(folder, cache=tmp_path / "sums") != first
    assert len(read) == 1


class _Counting:
    def __init__(self, read: list[int]) -> None:
        self._read = read

    def sha256(self) -> Any:
        self._read.append(1)
        return hashlib.sha256()

    def __getattr__(self, name: str) -> Any:
        return getattr(hashlib, name)


@given(st.binary(max_size=50), st.integers(1, 20), st.lists(st.integers(1, 9), min_size=1, max_size=5))
def test_etags_of_parts_do_not_hang_on_how_the_file_was_read(data: bytes, part: int, sizes: list[int]) -> None:
    chunks, at = [], 0
    while at < len(data):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(data[at : at + size])
        at += size
    parts = [data[start : start + part] for start in range(0, len(data), part)]
    sums = b"".join(hashlib.md5(one).digest() for one in parts)
    wanted = f"{hashlib.md5(sums).hexdigest()}-{len(parts)}" if len(data) >= part else hashlib.md5(data).hexdigest()
    assert part_etag(chunks, part) == wanted


# Addresses and credentials


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        (f"s3://AKIA:{SECRET}@bucket/set", None), (f"s3://bucket/set?secret={SECRET}", None),
        (f"file://me:{SECRET}@host/set", None),
        ("s3://bucket/set", f"https://me:{SECRET}@store.example"), ("s3://bucket/set", f"https://store.example/?key={SECRET}"),
    ],
)  # fmt: skip
def test_credentials_in_an_address_are_refused_and_not_repeated(folder: Path, url: str, endpoint: str | None) -> None:
    with pytest.raises(UserError, match="holds no credentials") as told:
        publish(folder, url, endpoint=endpoint)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize(
    "url",
    ["gs://bucket/set", "s3://", "s3://bucket/../x", "s3://bucket/a//b", "s3://bucket/.motet", "file://host/x", "s3://[x/y"],
)
def test_addresses_that_are_none(folder: Path, url: str) -> None:
    with pytest.raises(UserError):
        publish(folder, url)


def test_a_folder_is_not_published_into_itself(folder: Path) -> None:
    for there in (folder, folder / "inside", folder.parent):
        with pytest.raises(UserError, match="lie in each other"):
            publish(folder, str(there))


def test_a_destination_cannot_lead_out_through_a_link(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "there" / "train").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError):
        publish(folder, str(tmp_path / "there"))
    assert not list((tmp_path / "elsewhere").iterdir())


def test_plain_http_is_spoken_only_where_the_endpoint_says_so(folder: Path) -> None:
    with pytest.raises(UserError, match="begins with https://"):
        publish(folder, "s3://bucket/set", endpoint="store.example:9000")


def test_the_usual_chain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (tmp_path / "credentials").write_text(
        f"[default]\naws_access_key_id=A\naws_secret_access_key={SECRET}\n[b]\naws_access_key_id = B\n"
    )
    (tmp_path / "config").write_text(
        "[default]\nregion=eu-central-1\n[profile b]\nregion = auto\nendpoint_url = https://store.example\naws_secret_access_key=%x\n"
        "[profile login]\nsso_session = work\n"
    )
    first = account()
    assert (dict(first.keys), first.region) == ({"access_key_id": "A", "secret_access_key": SECRET}, "eu-central-1")
    assert SECRET not in repr(first)
    monkeypatch.setenv("AWS_PROFILE", "b")
    second = account()
    assert (dict(second.keys), second.endpoint) == ({"access_key_id": "B", "secret_access_key": "%x"}, "https://store.example")
    monkeypatch.setenv("AWS_PROFILE", "login")
    with pytest.raises(UserError, match="export-credentials"):
        account()
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UserError, match="no profile 'nobody'"):
        account()
    (tmp_path / "credentials").write_text(f"aws_secret_access_key={SECRET}")
    with pytest.raises(UserError, match="cannot be read as a file of AWS settings") as told:
        account()
    assert SECRET not in str(told.value)
    monkeypatch.delenv("AWS_PROFILE")


def test_secrets_are_written_nowhere(server: str, client: Any, bucket: str, folder: Path, tmp_path: Path) -> None:
    publish(folder, f"s3://{bucket}/set", endpoint=server)
    everything = b"".join(lies(tmp_path).values()) + b"".join(held(client, bucket).values())
    assert SECRET.encode() not in everything
    assert b"AKIAPLANTED" not in everything


def test_the_time_of_a_version_is_the_callers(folder: Path, tmp_path: Path) -> None:
    made = datetime(2024, 2, 29, 12, tzinfo=UTC)
    for there in ("one", "two"):
        publish(folder, str(tmp_path / there), made_at=made)
    manifest = ".motet/manifests/1.json"
    assert json.loads((tmp_path / "one" / manifest).read_bytes())["made_at"] == "2024-02-29T12:00:00+00:00"
