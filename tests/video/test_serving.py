"""Servers are started, watched, started again, and never outlive who started them: with real processes and real kills."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from motet.errors import UserError
from motet.video.deforum import addresses
from motet.video.deforum.health import MOST_BYTES, ask, status_at
from motet.video.deforum.serving import Change, Served, devices, serve

WEB_UI = Path(__file__).with_name("web_ui.py")
PATIENCE = 20.0  # seconds


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def pids(folder: Path) -> list[int]:
    """Every process that a web UI of this test told of."""
    told = folder / "starts"
    return [int(line.split()[0]) for line in told.read_text().splitlines()] if told.exists() else []


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def alive(folder: Path) -> list[int]:
    return [pid for pid in pids(folder) if lives(pid)]


def command(fault: str, folder: Path) -> str:
    return shlex.join([sys.executable, "-I", str(WEB_UI), "{port}", fault, str(folder)])


class Serving:
    """`serve` in a thread, with times short enough for a test."""

    def __init__(self, folder: Path, fault: str = "none", count: int = 1, **terms: Any) -> None:
        self.folder, self.changes, self.ports = folder, list[Change](), free_ports(count)
        self.stop = threading.Event()
        self.result: Served | None = None
        self._terms: dict[str, Any] = {
            "pause": 0.05,
            "poll": 0.1,
            "grace": 5.0,
            "silent_after": 0.8,
            "start_within": 15.0,
            "tries": 3,
        } | terms
        self._thread = threading.Thread(target=self._run, args=(fault,))
        self._thread.start()

    def _run(self, fault: str) -> None:
        gpus = [str(number) for number in range(len(self.ports))]
        words = command(fault, self.folder)
        self.result = serve(
            words, gpus, self.ports, folder=self.folder, stop=self.stop, on_change=self.changes.append, **self._terms
        )

    @property
    def up(self) -> list[str]:
        return addresses.read(self.folder / addresses.NAME)

    def said(self, state: str) -> list[str | None]:
        return [change.reason for change in self.changes if change.state == state]

    def end(self) -> Served:
        self.stop.set()
        return self.ended()

    def ended(self) -> Served:
        self._thread.join(PATIENCE)
        assert self.result is not None
        return self.result


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[..., Serving]]:
    begun: list[Serving] = []

    def begin(fault: str = "none", count: int = 1, **terms: Any) -> Serving:
        begun.append(Serving(tmp_path, fault, count, **terms))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()
    assert not alive(tmp_path)


def test_each_gpu_has_a_server_and_nothing_is_left(serving: Callable[..., Serving], tmp_path: Path) -> None:
    servers = serving(count=2)
    until(lambda: len(servers.up) == 2)
    assert servers.up == [f"http://127.0.0.1:{port}" for port in servers.ports]
    started = sorted(line.split()[1:] for line in (tmp_path / "starts").read_text().splitlines())
    assert started == sorted([str(port), str(gpu)] for gpu, port in enumerate(servers.ports))
    served = servers.end()
    assert [one.state for one in served.servers] == ["stopped", "stopped"]
    assert [one.starts for one in served.servers] == [1, 1]
    assert served.ok
    assert not alive(tmp_path)
    assert not (tmp_path / addresses.NAME).exists()
    assert "started on" in (tmp_path / f"server-{servers.ports[0]}.log").read_text()


def test_a_killed_server_is_started_again(serving: Callable[..., Serving], tmp_path: Path) -> None:
    servers = serving()
    until(lambda: servers.up)
    os.kill(pids(tmp_path)[0], signal.SIGKILL)
    until(lambda: len(pids(tmp_path)) == 2)
    until(lambda: servers.up)
    assert servers.said("down") == ["It died: SIGKILL ended it. It starts again in 0.05 s."]
    assert servers.end().servers[0].starts == 2


def test_a_server_that_crashes_once_while_starting_is_tried_again(serving: Callable[..., Serving]) -> None:
    servers = serving("crash-once")
    until(lambda: servers.up)
    assert servers.said("down") == ["It ended while starting: it left with exit code 7. It starts again in 0.05 s."]


def test_one_that_always_crashes_is_given_up_with_a_reason(serving: Callable[..., Serving]) -> None:
    servers = serving("crash")
    served = servers.ended()
    assert not served.ok
    assert served.servers[0].starts == 3
    assert served.servers[0].reason is not None
    assert served.servers[0].reason.startswith("It ended while starting: it left with exit code 7. That was try 3 of 3; see ")
    assert [reason and reason.split()[-2] for reason in servers.said("down")] == ["0.05", "0.1"], "the pauses grow"


def test_one_that_crashes_soon_after_it_was_up_is_given_up_too(serving: Callable[..., Serving]) -> None:
    served = serving("crash-later", tries=2).ended()
    assert served.servers[0].state == "given_up"
    assert served.servers[0].starts == 2


def test_one_that_lived_long_between_its_deaths_is_not_given_up(serving: Callable[..., Serving], tmp_path: Path) -> None:
    servers = serving("crash-later", tries=2, settled_after=0.0)
    until(lambda: len(pids(tmp_path)) > 3)
    assert not servers.said("given_up")


def test_one_that_hangs_is_killed_and_started_again(serving: Callable[..., Serving], tmp_path: Path) -> None:
    servers = serving("hang", silent_after=0.5)
    until(lambda: len(pids(tmp_path)) == 2)
    assert servers.said("down") == ["It did not answer for 0.5 s. It starts again in 0.05 s."]
    until(lambda: alive(tmp_path) == pids(tmp_path)[1:])


def test_one_that_refuses_is_never_up(serving: Callable[..., Serving]) -> None:
    servers = serving("refuse", tries=1, start_within=0.5)
    served = servers.ended()
    assert not servers.said("up")
    assert served.servers[0].reason is not None
    assert served.servers[0].reason.startswith("It was not up after 0.5 s.")


def test_children_that_detached_themselves_and_ignore_signals_end_too(serving: Callable[..., Serving], tmp_path: Path) -> None:
    servers = serving("stubborn", grace=0.3)
    until(lambda: servers.up)
    assert len(alive(tmp_path)) == 2
    servers.end()
    assert not alive(tmp_path)


def test_a_server_whose_keeper_is_killed_leaves_nothing_and_comes_back(serving: Callable[..., Serving], tmp_path: Path) -> None:
    servers = serving("orphan", grace=0.3)
    until(lambda: servers.up)
    parent = psutil.Process(pids(tmp_path)[0]).parent()
    assert parent is not None
    assert "keeper.py" in " ".join(parent.cmdline())
    parent.kill()
    until(lambda: len(pids(tmp_path)) == 4)
    until(lambda: servers.up)
    assert sorted(alive(tmp_path)) == sorted(pids(tmp_path)[2:])
    assert servers.said("down") == ["It died: its keeper was killed. It starts again in 0.05 s."]


def test_a_port_that_is_taken_is_a_reason(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        served = serve(command("none", tmp_path), ["0"], other.getsockname()[1], folder=tmp_path, tries=2, pause=0.01, poll=0.1)
    assert served.servers[0].starts == 0
    assert served.servers[0].reason is not None
    assert "belongs to another program" in served.servers[0].reason


def test_logs_do_not_grow_for_ever(serving: Callable[..., Serving], tmp_path: Path) -> None:
    servers = serving("talk", log_limit=20_000)
    until(lambda: servers.up)
    log = tmp_path / f"server-{servers.ports[0]}.log"
    until(lambda: "001999" in log.read_text())
    assert log.stat().st_size <= 20_000
    assert log.with_name(log.name + ".1").stat().st_size <= 20_000


SCRIPT = """
import sys
from pathlib import Path
from motet.video.deforum.serving import serve
if __name__ == "__main__":
    served = serve(sys.argv[1], ["0", "1"], [int(sys.argv[2]), int(sys.argv[3])], folder=Path(sys.argv[4]), poll=0.1, grace=0.3)
    print(served.stopped_by, served.swept)
"""


def parent(folder: Path, fault: str = "orphan") -> subprocess.Popen[str]:
    words = [sys.executable, "-c", SCRIPT, command(fault, folder), *map(str, free_ports(2)), str(folder)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_all(number: signal.Signals, tmp_path: Path) -> None:
    with parent(tmp_path) as process:
        until(lambda: len(addresses.read(tmp_path / addresses.NAME)) == 2)
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE)[0].split() == [number.name, "0"]
    assert len(pids(tmp_path)) == 4
    assert not alive(tmp_path)
    assert not (tmp_path / addresses.NAME).exists()


def test_when_the_parent_is_killed_its_servers_end_by_themselves(tmp_path: Path) -> None:
    with parent(tmp_path) as process:
        until(lambda: len(addresses.read(tmp_path / addresses.NAME)) == 2)
        process.kill()
    until(lambda: not alive(tmp_path))
    assert len(pids(tmp_path)) == 4
    assert (tmp_path / addresses.NAME).exists()
    assert addresses.read(tmp_path / addresses.NAME) == [], "who wrote it is gone"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a killed keeper takes nobody with it")
def test_what_a_kill_of_everything_left_is_swept_up_by_the_next(tmp_path: Path) -> None:
    with parent(tmp_path) as process:
        until(lambda: len(addresses.read(tmp_path / addresses.NAME)) == 2)
        keepers = psutil.Process(process.pid).children()
        process.send_signal(signal.SIGSTOP)  # so that it does not see its keepers die
        until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        for one in keepers:
            one.kill()
        process.kill()
    until(lambda: not any(lives(one.pid) for one in keepers))
    until(lambda: len(alive(tmp_path)) == 2)  # the servers' detached children: the servers die with their keepers
    stop = threading.Event()
    stop.set()
    served = serve(command("none", tmp_path), ["0"], free_ports(1), folder=tmp_path, stop=stop, poll=0.1)
    assert served.swept == 2
    assert not alive(tmp_path)


def test_a_folder_is_served_from_once(serving: Callable[..., Serving], tmp_path: Path) -> None:
    servers = serving()
    until(lambda: servers.up)
    with pytest.raises(UserError, match="Servers are already kept from"):
        serve(command("none", tmp_path), ["0"], free_ports(1), folder=tmp_path)


@pytest.mark.parametrize(
    "words, sentence",
    [
        ("", "is empty"),
        ("sleep 1", "does not say where {port} goes"),
        ("sleep '{port}", "close its quotes"),
        ("sleep {port} {gpu}", r"\{gpu\} means nothing"),
        ("no-such-program {port}", "cannot be run here"),
        ("./no-such-program {port}", "cannot be run here"),
        ("sleep {port} --listen", "--listen lets others"),
        ("sleep {port} --server-name=0.0.0.0", "lets others"),
    ],
)
def test_commands_that_cannot_work_are_refused(words: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        serve(words, ["0"], folder=tmp_path)


@pytest.mark.parametrize(
    "gpus, ports, sentence",
    [([], 7861, "no GPU"), (["a b"], 7861, "no device"), (["0", "1"], [80], "2 different"), (["0", "1"], 65535, "1 to 65535")],
)
def test_so_are_devices_and_ports(gpus: list[str], ports: int, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        serve("sleep {port}", gpus, ports, folder=tmp_path)


def test_the_gpus_are_those_that_slurm_gives_us() -> None:
    assert devices({"CUDA_VISIBLE_DEVICES": "2,3"}) == ["2", "3"]
    assert devices({"CUDA_VISIBLE_DEVICES": ""}) == []


def test_health_tells_jobs_and_version_and_why_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # no proxy is asked
    good, bad, none = free_ports(3)
    words = [sys.executable, "-I", str(WEB_UI)]
    with (
        subprocess.Popen([*words, str(good), "version", str(tmp_path)]) as one,
        subprocess.Popen([*words, str(bad), "refuse", str(tmp_path)]) as other,
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        until(lambda: status_at(good, "/", 1.0) and status_at(bad, "/", 1.0))
        quiet = silent.getsockname()[1]
        urls = [f"http://ada:secret@127.0.0.1:{good}", *(f"http://127.0.0.1:{port}/" for port in (bad, none, quiet))]
        found = ask([*urls, "ftp://x", "127.0.0.1:7861"], seconds=1.0)
        one.kill()
        other.kill()
    up, refused, nothing, slow, *wrong = found
    assert (up.url, up.up, up.version, up.running, up.waiting, up.why) == (f"http://127.0.0.1:{good}", True, "3.1", 1, 1, None)
    assert up.latency is not None
    assert up.latency > 0
    assert (refused.up, refused.why) == (False, "It answered with HTTP status 500.")
    assert (nothing.up, nothing.why) == (False, "Nothing answers there.")
    assert (slow.up, slow.why) == (False, "It did not answer within 1 s.")
    assert [one.why for one in wrong] == ["This is no address of a server: write it as http://host:port."] * 2
    assert "secret" not in repr(found)


def answering(answer: bytes) -> tuple[socket.socket, str]:
    """A server of one answer for everything, and its address."""
    server = socket.create_server(("127.0.0.1", 0))

    def answer_all() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 << 16)
                for start in range(0, len(answer), 1 << 20):
                    try:
                        connection.sendall(answer[start : start + (1 << 20)])
                    except OSError:
                        break

    threading.Thread(target=answer_all, daemon=True).start()
    return server, f"http://127.0.0.1:{server.getsockname()[1]}"


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "answer, up, why",
    [
        (OK + b"{}", True, None),
        (OK + b"[]", False, "no list of Deforum jobs"),
        (OK + b"<html>", False, "no list of Deforum jobs"),
        (OK + b"[" * 100_000, False, "no list of Deforum jobs"),
        (OK + b'{"a": 1, "b": {"status": []}}', True, None),
        (b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n", False, "start the web UI with --api --deforum-api"),
        (b"HTTP/1.1 401 X\r\nContent-Length: 0\r\n\r\n", False, "wants a name and a password"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", False, "broke"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", False, "broke"),
        (b"", False, "broke"),
    ],
)
def test_health_of_strange_servers(answer: bytes, up: bool, why: str | None) -> None:
    server, url = answering(answer)
    with server:
        (found,) = ask([url], seconds=5.0)
    assert found.up is up
    assert (found.why or "").find(why or "") >= 0
    assert (found.why is None) is (why is None)


def test_a_list_of_jobs_without_end_is_not_read_to_its_end() -> None:
    server, url = answering(OK + b" " * (MOST_BYTES + (8 << 20)))
    with server:
        (found,) = ask([url])
    assert found.up
    assert found.running is None
    assert found.why == "Its list of jobs has more than 64 MB: start it afresh."


@pytest.mark.parametrize("text", ["", "{", "[]", '{"by": {}}', '{"by": {}, "servers": [1]}', "[" * 100_000])
def test_a_file_of_addresses_that_is_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / addresses.NAME
    path.write_text(text)
    with pytest.raises(UserError, match="lists no servers"):
        addresses.read(path)


def test_addresses_are_waited_for(tmp_path: Path) -> None:
    path = tmp_path / addresses.NAME
    assert addresses.wait(path, 0.0) == []
    addresses.write(path, [{"url": "http://127.0.0.1:1"}], [{"url": "http://127.0.0.1:2", "state": "starting", "reason": None}])
    assert addresses.wait(path, 0.1, least=2) == ["http://127.0.0.1:1"]
    addresses.write(path, [{"url": "http://127.0.0.1:1"}], [{"url": "http://127.0.0.1:2", "state": "given_up", "reason": "x"}])
    assert addresses.wait(path, 60.0, least=2) == ["http://127.0.0.1:1"]
    told = json.loads(path.read_text())
    told["by"]["host"] = "elsewhere"
    told["by"]["pid"] = 1
    path.write_text(json.dumps(told))
    assert addresses.read(path) == ["http://127.0.0.1:1"], "a process of another machine cannot be asked"
