"""A Ray cluster of several nodes on one machine, each a `ray start` of its own that may be killed; `ray stop` is never called."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

LIVELY = {  # a node that is gone or cut off is noticed within seconds, for what would otherwise be a minute
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "3000",
    "RAY_health_check_failure_threshold": "5",
}
WAIT_FOR_NODES = """
import sys, time
import ray
ray.init(address=sys.argv[1], log_to_driver=False, logging_level="ERROR")
deadline = time.monotonic() + 90
while sum(node["Alive"] for node in ray.nodes()) != int(sys.argv[2]):
    if time.monotonic() > deadline:
        sys.exit("the nodes never came: " + str(ray.nodes()))
    time.sleep(0.2)
"""


def environment(**more: str) -> dict[str, str]:
    """That of a user who has the toy stages installed."""
    ours = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}  # or a token in somebody's home folder is asked for
    return {**os.environ, **LIVELY, **ours, "PYTHONPATH": os.pathsep.join(sys.path), **more}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def own_ip() -> str:
    """The address by which Ray knows this machine: it takes another for a loopback address."""
    import ray.util

    return str(ray.util.get_node_ip_address())


@dataclass(eq=False)
class Node:
    process: subprocess.Popen[bytes]

    def processes(self) -> list[psutil.Process]:
        """Raylet, agents, actors and their children."""
        with suppress(psutil.NoSuchProcess):
            own = psutil.Process(self.process.pid)
            return [own, *own.children(recursive=True)]
        return []

    def pids(self) -> set[int]:
        return {process.pid for process in self.processes()}

    def kill(self) -> None:
        """As if somebody pulled its plug."""
        processes = self.processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()
        psutil.wait_procs(processes, timeout=30)


@dataclass
class Cluster:
    """`within`, given for the head and each node, is a command that puts another before it into a network of its own."""

    port: int = field(default_factory=free_port)
    ip: str = field(default_factory=own_ip)
    within: Sequence[str] = ()
    nodes: list[Node] = field(default_factory=list)
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="mj", dir="/tmp")))  # sockets want short names

    @property
    def address(self) -> str:
        return f"{self.ip}:{self.port}"

    def start_head(self, cpus: int = 1) -> Node:
        told = ["--head", f"--port={self.port}", f"--temp-dir={self.folder}", "--include-dashboard=false"]
        return self._start(told, self.ip, cpus, self.within)

    def start_node(self, ip: str = "", cpus: int = 1, within: Sequence[str] = ()) -> Node:
        return self._start([f"--address={self.address}"], ip or self.ip, cpus, within)

    def _start(self, told: list[str], ip: str, cpus: int, within: Sequence[str]) -> Node:
        ray = str(Path(sys.executable).with_name("ray"))
        ports = ["--min-worker-port=0", "--max-worker-port=0"]
        memory = [f"--object-store-memory={80 << 20}", f"--num-cpus={cpus}", "--num-gpus=0"]
        command = [*within, ray, "start", "--block", *told, f"--node-ip-address={ip}", *ports, *memory, "--disable-usage-stats"]
        for attempt in range(4):  # Ray gives a node 30 s to start, which a busy machine may not have
            log = self.folder / f"start-{len(self.nodes)}-{attempt}.log"
            with log.open("wb") as said:
                process = subprocess.Popen(
                    command, env=environment(), stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
                )
            node = Node(process)
            while process.poll() is None:
                if b"Ray runtime started" in log.read_bytes():
                    self.nodes.append(node)
                    return node
                time.sleep(0.1)
            node.kill()
        raise AssertionError(f"no node could be started: {log.read_text()[-2000:]}")

    def wait(self, nodes: int) -> None:
        """Until so many nodes are alive, no more and no fewer."""
        command = [*self.within, sys.executable, "-c", WAIT_FOR_NODES, self.address, str(nodes)]
        said = ""
        for _ in range(8):  # the head may not listen yet
            if any(node.process.poll() is not None for node in self.nodes[:1]):
                break
            ended = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=150, check=False)
            if ended.returncode == 0:
                return
            said = ended.stderr[-2000:]
        logs = "\n".join(log.read_text() for log in sorted(self.folder.glob("start-*.log")))
        raise AssertionError(f"{said}\n{logs[-2000:]}")

    def stop(self) -> None:
        for node in reversed(self.nodes):
            node.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
