"""A web UI's Deforum API as it is documented, without a GPU: one batch at a time, all state in memory, faults on request."""

from __future__ import annotations

import base64
import io
import json
import queue
import random
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import av
import numpy as np

from motet.video.deforum import Farm, Job, settings

FPS = Fraction(24)
SIZE = (64, 64)
FRAMES = 8
QUICK: dict[str, Any] = {"poll": 0.01, "stalled_after": 0.6, "seconds": 0.4, "patience": 20.0, "tries": 4}

MANIFEST = {
    "options": {"output_fps": 24, "bpm": 120, "cadence": 1},
    "managedFields": ["strength"],
    "rendered_frames": [{"frame": n, "strength": 0.6, "deforum_prompt": "a wood --neg text"} for n in range(FRAMES)],
}


def job(number: int, folder: Path) -> Job:
    made = settings(MANIFEST, size=SIZE, seed=number)
    return Job(f"song {number}", made, FRAMES, SIZE, FPS, folder / "films" / f"{number}.mp4")


@cache
def film(frames: int, width: int, height: int, fps: Fraction) -> bytes:
    """An MP4 file of changing grey pictures."""
    written = io.BytesIO()
    with av.open(written, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            grey = np.full((height, width, 3), number * 7 % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        container.mux(stream.encode(None))
    return written.getvalue()


@dataclass
class Faults:
    """What goes wrong. `job` names a fault for a batch from its settings and its number; `wire` is the chance that an answer is
    spoilt: 500, garbage, a cut connection, or one slower than `slow` seconds."""

    job: Callable[[dict[str, Any], int], str] = lambda settings, number: ""
    wire: float = 0.0
    slow: float = 0.5
    seed: int = 0


@dataclass
class DeforumServer:
    """`folder` gets the films. `made` counts good films by the seed of their settings, `posted` batches, `ran` those begun."""

    folder: Path
    faults: Faults = field(default_factory=Faults)
    step: float = 0.004  # seconds a phase takes
    port: int = 0
    password: str = ""  # of the user "me"; "" asks nobody
    made: Counter[int] = field(default_factory=Counter)
    posted: Counter[int] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    deleted: int = 0
    together: int = 0  # the most batches that waited or ran at one time

    def __post_init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.batches: dict[str, list[str]] = {}
        self.lock = threading.RLock()
        self.epoch = 0
        self.waiting: queue.Queue[tuple[int, str, str]] = queue.Queue()
        self.random = random.Random(self.faults.seed)
        self.down_until = 0.0
        self.closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self, "GET")

            def do_POST(self) -> None:
                outer.answer(self, "POST")

            def do_DELETE(self) -> None:
                outer.answer(self, "DELETE")

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that was killed

        self.http = Quiet(("127.0.0.1", self.port), Handler)
        self.port = self.http.server_address[1]

    def __enter__(self) -> DeforumServer:
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        threading.Thread(target=self.work, daemon=True).start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.closing.set()
        self.http.shutdown()
        self.http.server_close()

    @property
    def url(self) -> str:
        return f"http://{'me:' + self.password + '@' if self.password else ''}127.0.0.1:{self.port}"

    def restart(self, down: float = 0.01) -> None:
        """Forget everything, as a process that ends does, and be away for `down` seconds."""
        with self.lock:
            self.epoch += 1
            self.jobs.clear()
            self.batches.clear()
            self.down_until = time.monotonic() + down

    def answer(self, request: BaseHTTPRequestHandler, method: str) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if time.monotonic() < self.down_until:
            return self.cut(request)
        self.asked[method] += 1
        if self.password and request.headers.get("Authorization") != "Basic " + _basic(f"me:{self.password}"):
            return self.send(request, 401, {"detail": "Incorrect username or password"})
        with self.lock:
            ill = self.random.choice(("500", "garbage", "cut", "slow")) if self.random.random() < self.faults.wire else ""
            before = self.random.random() < 0.5
        if ill in ("500", "cut") and before:  # nothing was done
            return self.cut(request) if ill == "cut" else self.send(request, 500, {"detail": "Internal Server Error"})
        if ill == "slow" and before:
            time.sleep(self.faults.slow)
        status, told = self.route(method, urlsplit(request.path), body)
        if ill == "slow" and not before:
            time.sleep(self.faults.slow)
        if ill == "cut":
            return self.cut(request)
        if ill == "500":
            return self.send(request, 500, {"detail": "Internal Server Error"})
        if ill == "garbage":
            return self.send(request, status, '{"id": [[[')
        return self.send(request, status, told)

    def cut(self, request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        with suppress(OSError):
            request.connection.shutdown(socket.SHUT_RDWR)

    def send(self, request: BaseHTTPRequestHandler, status: int, told: Any) -> None:
        body = told.encode() if isinstance(told, str) else json.dumps(told).encode()
        with suppress(OSError):
            request.send_response(status)
            request.send_header("Content-Type", "application/json")
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

    def route(self, method: str, url: Any, body: bytes) -> tuple[int, Any]:
        parts = [unquote(part) for part in url.path.split("/")[1:]]
        with self.lock:
            if method == "POST" and parts == ["deforum_api", "batches"]:
                return self.submit(body)
            if method == "GET" and parts == ["deforum_api", "batches"]:
                return (200, self.batches) if "id=" in url.query else (422, {"detail": "id is missing"})
            if method == "GET" and parts == ["deforum_api", "jobs"]:
                return 200, self.jobs
            if len(parts) == 3 and parts[0] == "deforum_api" and parts[1] in ("jobs", "batches"):
                known = parts[2] in (self.jobs if parts[1] == "jobs" else self.batches)
                if not known:
                    return 404, {"id": parts[2], "status": "NOT FOUND"}
                ids = [parts[2]] if parts[1] == "jobs" else self.batches[parts[2]]
                if method == "GET":
                    found = [self.jobs[id] for id in ids]
                    return 200, found[0] if parts[1] == "jobs" else found
                return self.cancel(parts[2], ids)
        return 404, {"detail": "Not Found"}

    def submit(self, body: bytes) -> tuple[int, Any]:
        told = json.loads(body)
        if "options_overrides" not in told:
            return 422, {"detail": "options_overrides is missing"}
        settings = told.get("deforum_settings")
        if not settings:
            return 400, {"message": "No settings files provided."}
        batch = f"batch({self.random.randrange(10**9)})"
        now = time.time()
        self.batches[batch] = []
        for place, one in enumerate(settings if isinstance(settings, list) else [settings]):
            job = f"{batch}-{place}"
            self.posted[one["seed"]] += 1
            self.batches[batch].append(job)
            self.jobs[job] = {
                "id": job,
                "status": "ACCEPTED",
                "phase": "QUEUED",
                "error_type": "NONE",
                "phase_progress": 0.0,
                "started_at": now,
                "last_updated": now,
                "execution_time": 0.0,
                "update_interval_time": 0.0,
                "updates": 0,
                "message": None,
                "outdir": None,
                "timestring": None,
                "deforum_settings": one,
                "options_overrides": told["options_overrides"],
            }
            fault = self.faults.job(one, sum(self.posted.values()))
            self.waiting.put((self.epoch, job, fault))
        self.together = max(self.together, sum(job["status"] == "ACCEPTED" for job in self.jobs.values()))
        return 202, {"message": "Job(s) accepted", "batch_id": batch, "job_ids": self.batches[batch]}

    def cancel(self, id: str, ids: list[str]) -> tuple[int, Any]:
        self.deleted += 1
        running = [job for job in ids if self.jobs[job]["status"] == "ACCEPTED"]
        if not running:
            return 400, {"id": id, "message": f"Job with ID {id} not in a cancellable state. Has it already finished?"}
        for job in running:
            self.change(job, self.epoch, status="CANCELLED", message="Cancelled due to user request.")
        return 200, {"id": id, "message": "Job cancelled."}

    def change(self, job: str, epoch: int, **new: Any) -> bool:
        """Whether the job is still there and not at its end."""
        with self.lock:
            if epoch != self.epoch or job not in self.jobs or self.jobs[job]["status"] != "ACCEPTED":
                return False
            now, known = time.time(), self.jobs[job]
            known |= {"last_updated": now, "updates": known["updates"] + 1, "execution_time": now - known["started_at"]}
            known |= new
            return True

    def work(self) -> None:
        while not self.closing.is_set():
            try:
                epoch, job, fault = self.waiting.get(timeout=0.05)
            except queue.Empty:
                continue
            self.generate(epoch, job, fault)

    def generate(self, epoch: int, job: str, fault: str) -> None:
        if fault == "queued for ever" or not self.change(job, epoch, phase="PREPARING"):
            return
        with self.lock:
            if epoch != self.epoch:
                return
            settings = self.jobs[job]["deforum_settings"]
        stamp = f"2026{self.random.randrange(10**10):010d}"
        outdir = self.folder / re.sub(r'[<>:"/\\|?*\s,]', "_", settings["batch_name"])
        outdir.mkdir(parents=True, exist_ok=True)
        if not self.change(job, epoch, phase="GENERATING", outdir=str(outdir), timestring=stamp):
            return
        for part in range(3):
            time.sleep(self.step)
            if not self.change(job, epoch, phase_progress=part / 3):
                return
            while fault == "stall" and self.jobs.get(job, {}).get("status") == "ACCEPTED" and not self.closing.is_set():
                time.sleep(0.005)
            if fault == "restart":
                self.restart()
                return
            if fault in ("RETRYABLE", "TERMINAL"):
                self.change(job, epoch, status="FAILED", error_type=fault, message="Generation error.")
                return
            if fault == "CANCELLED":
                self.change(job, epoch, status="CANCELLED", message="Cancelled due to user request.")
                return
        frames, width, height, fps = settings["max_frames"], settings["W"], settings["H"], Fraction(settings["fps"])
        if fault == "wrong frames":
            frames -= 1
        if fault == "wrong size":
            width += 16
        if fault == "wrong rate":
            fps += 1
        data = film(frames, width, height, fps)
        if fault == "cut film":
            data = data[: len(data) // 2]
        with self.lock:
            if not self.change(job, epoch, phase="POST_PROCESSING"):
                return
            if fault != "no file":
                (outdir / f"{stamp}.mp4").write_bytes(data)
            self.change(job, epoch, status="SUCCEEDED", phase="DONE", phase_progress=1.0)
            if fault in ("", "restart after"):
                self.made[settings["seed"]] += 1
        if fault == "restart after":
            self.restart()


@contextmanager
def servers(
    folder: Path, count: int = 1, faults: Callable[[int], Faults] = lambda number: Faults()
) -> Iterator[list[DeforumServer]]:
    with ExitStack() as started:
        yield [started.enter_context(DeforumServer(folder / f"server {n}", faults(n))) for n in range(count)]


def farm(found: list[DeforumServer], folder: Path, **changes: Any) -> Farm:
    return Farm([server.url for server in found], folder / "journal", **{**QUICK, **changes})


def made(found: list[DeforumServer]) -> Counter[int]:
    return sum((server.made for server in found), Counter())


def _basic(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()
