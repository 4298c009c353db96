"""A web UI in small, which can misbehave: `python web_ui.py PORT [FAULT] [FOLDER]`. Counts its starts in FOLDER/starts.

Faults: crash (ends at once), crash-later, crash-once, hang (stops answering after a while), refuse (answers 500), slow (is up
after a second), stubborn (ignores SIGTERM), talk (writes a lot), orphan (leaves a detached child behind).
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

PORT, FAULT, FOLDER = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
JOB: dict[str, object] = {"status": "ACCEPTED", "phase": "GENERATING", "deforum_settings": {}}
JOBS = {"a": JOB, "b": {**JOB, "phase": "QUEUED"}, "c": {**JOB, "status": "SUCCEEDED", "phase": "DONE"}}
BEGAN = time.monotonic()


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if FAULT == "hang" and time.monotonic() - BEGAN > 1:
            time.sleep(60)
        if FAULT == "crash-later":
            threading.Timer(0.3, os._exit, (3,)).start()
        code, told = 200, dict[str, object](JOBS)
        if FAULT == "refuse":
            code = 500
        elif FAULT == "version" and self.path == "/deforum/version":
            told = {"version": "3.1"}
        elif self.path != "/deforum_api/jobs":
            code, told = 404, {"id": "motet", "status": "NOT FOUND"}
        body = json.dumps(told).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    with (FOLDER / "starts").open("a") as starts:
        starts.write(f"{os.getpid()} {PORT} {os.environ.get('CUDA_VISIBLE_DEVICES')}\n")
    started = len((FOLDER / "starts").read_text().splitlines())
    print(f"started on {PORT}", flush=True)
    if FAULT == "crash" or (FAULT == "crash-once" and started == 1):
        sys.exit(7)
    if FAULT == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if FAULT == "slow":
        time.sleep(1)
    if FAULT == "talk":
        for number in range(2000):
            print(f"{number:06d} " + "x" * 93, flush=True)
    if FAULT in ("orphan", "stubborn"):
        child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"
        detached = subprocess.Popen([sys.executable, "-c", child], start_new_session=True)
        with (FOLDER / "starts").open("a") as starts:
            starts.write(f"{detached.pid} child\n")
    http.server.ThreadingHTTPServer(("127.0.0.1", PORT), Answers).serve_forever()


main()
