"""The script for a cluster, run by bash with programs that stand for Slurm and Motet and write down what they were told."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from motet.errors import UserError
from motet.video.deforum.slurm import script

pytestmark = pytest.mark.system("bash")

# Stands for `motet`, `scontrol` and `squeue`: writes its words to $CALLS and does what the test wants of its part.
STAND_IN = """
import json, os, signal, sys, time
words = sys.argv[1:]
def leave(*_):
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(json.dumps(["ended", words[2]]) + "\\n")
    sys.exit(0)
if words[0] == "motet":
    signal.signal(signal.SIGTERM, leave)
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(words) + "\\n")
part = words[2] if words[0] == "motet" else words[1]
while part == "servers" and '"serve"' not in open(os.environ["CALLS"]).read():
    time.sleep(0.02)  # both are started at once, and either may be quicker
does = os.environ.get("DOES_" + part, "0")
if does == "stay" or (part == "serve" and does == "0"):
    time.sleep(60)
if words[:3] == ["scontrol", "show", "job"]:
    print("JobId=7 JobName=x\\n   PreemptEligibleTime=2026-01-01T00:00:00 PreemptTime=" + os.environ.get("PREEMPTED", "None"))
sys.exit(int(does) if does.isdigit() else 0)
"""


class Cluster:
    """One array task: its script, its environment, and what was called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder, folder / "calls"
        stand_in = folder / "stand_in.py"
        stand_in.write_text(STAND_IN)
        self.programs = folder / "bin"
        self.programs.mkdir()
        for name in ("motet", "scontrol"):
            program = self.programs / name
            program.write_text(f'#!/bin/bash\nexec {sys.executable} -I {shlex.quote(str(stand_in))} {name} "$@"\n')
            program.chmod(0o755)

    def start(self, text: str, **environment: str) -> subprocess.Popen[str]:
        file = self.folder / "job.sh"
        file.write_text(text)
        told = {"PATH": f"{self.programs}:{os.environ['PATH']}", "CALLS": str(self.calls)}
        told |= {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_JOB_ID": "7", "SLURM_JOB_ID": "10"}
        return subprocess.Popen(["bash", file], env=told | environment, stdout=subprocess.PIPE, text=True)

    def run(self, text: str, **environment: str) -> tuple[int, str]:
        with self.start(text, **environment) as process:
            said = process.communicate(timeout=30)[0]
        return process.returncode, said

    def called(self) -> list[list[str]]:
        return [json.loads(line) for line in self.calls.read_text().splitlines()] if self.calls.exists() else []

    def until_called(self, *words: str) -> None:
        deadline = time.monotonic() + 20
        while not any(call[: len(words)] == list(words) for call in self.called()):
            assert time.monotonic() < deadline, self.called()
            time.sleep(0.02)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def make(folder: Path, **changes: Any) -> str:
    return script(folder, "python launch.py --port {port}", **({"tasks": 20, "gpus": 4} | changes))


def test_a_task_serves_waits_and_does_its_share(cluster: Cluster) -> None:
    jobs = cluster.folder / "jobs of 'Ada'"
    code, said = cluster.run(make(jobs, client=["--tries", "4"]))
    assert code == 0, said
    work = f"{jobs}/servers/3"
    calls = {call[2] if call[0] == "motet" else call[0]: call[1:] for call in cluster.called()}
    assert calls["serve"][1:] == ["serve", "--command", "python launch.py --port {port}", "--port", "7873", "--to", work]
    assert calls["servers"][1:] == ["servers", "--servers", f"{work}/servers.json", "--wait", "1800"]
    share = ["--servers", f"{work}/servers.json", "--shard", "3/20"]
    assert calls["deforum"][1:] == ["deforum", str(jobs), *share, "--tries", "4"]
    assert calls["ended"] == ["serve"]
    assert "done, with exit code 0" in said


def test_the_clients_exit_code_is_the_tasks(cluster: Cluster) -> None:
    assert cluster.run(make(cluster.folder), DOES_deforum="5")[0] == 5


def test_when_no_server_comes_up_it_goes_back_into_the_queue(cluster: Cluster) -> None:
    code, said = cluster.run(make(cluster.folder), DOES_servers="1")
    assert code == 0
    assert ["scontrol", "requeue", "7_3"] in cluster.called()
    assert ["ended", "serve"] in cluster.called()
    assert "no server came up; back into the queue" in said


def test_servers_that_are_all_given_up_are_not_waited_for(cluster: Cluster) -> None:
    code, said = cluster.run(make(cluster.folder), DOES_serve="1", DOES_servers="stay")
    assert code == 0
    assert "no server came up" in said
    assert ["scontrol", "requeue", "7_3"] in cluster.called()
    assert not any(call[2:3] == ["deforum"] for call in cluster.called())


def test_nothing_is_requeued_for_ever(cluster: Cluster) -> None:
    code, said = cluster.run(make(cluster.folder, requeues=2), DOES_servers="1", SLURM_RESTART_COUNT="2")
    assert code == 1
    assert "it was requeued 2 times already" in said
    assert not any(call[0] == "scontrol" for call in cluster.called())


@pytest.mark.parametrize(
    "number, preempted, code, reason",
    [
        (signal.SIGUSR1, "None", 0, "its time is nearly over; back into the queue"),
        (signal.SIGTERM, "2026-11-22T10:00:00", 0, "it was preempted; back into the queue"),
        (signal.SIGTERM, "None", 143, "it was cancelled"),
    ],
)
@pytest.mark.parametrize("during", ["servers", "deforum"])
def test_a_signal_ends_the_task_and_only_a_cancelled_one_stays_away(
    number: signal.Signals, preempted: str, code: int, reason: str, during: str, cluster: Cluster
) -> None:
    with cluster.start(make(cluster.folder), PREEMPTED=preempted, **{f"DOES_{during}": "stay"}) as process:
        cluster.until_called("motet", "video", during)
        cluster.until_called("motet", "video", "serve")
        process.send_signal(number)
        said = process.communicate(timeout=30)[0]
    assert process.returncode == code
    assert reason in said
    assert (["scontrol", "requeue", "7_3"] in cluster.called()) is (code == 0)


def test_two_tasks_on_a_node_have_ports_of_their_own(cluster: Cluster) -> None:
    for task in ("0", "1", "99999"):
        cluster.run(make(cluster.folder, tasks=100_000), SLURM_ARRAY_TASK_ID=task)
    first, second, last = (int(call[6]) for call in cluster.called() if call[1:3] == ["video", "serve"])
    assert second == first + 4
    assert 1024 <= last <= 65_535 - 4


def test_outside_of_slurm_it_says_how_it_is_started(cluster: Cluster) -> None:
    outside = {"PATH": os.environ["PATH"]}
    done = subprocess.run(["bash"], input=make(cluster.folder), capture_output=True, text=True, env=outside, check=False)
    assert done.returncode != 0
    assert "submit this script with sbatch" in done.stderr


def test_the_head_says_what_the_cluster_must_know(tmp_path: Path) -> None:
    text = make(tmp_path, hours=30.5, cpus=8, memory_gb=32, partition="gpu", account="a1", more={"constraint": "a100"})
    head = [line.removeprefix("#SBATCH --") for line in text.splitlines() if line.startswith("#SBATCH")]
    assert text.startswith("#!/bin/bash\n#SBATCH")
    for option in ("array=0-19", "gres=gpu:4", "cpus-per-task=32", "mem=128G", "time=1-06:30:00", "requeue", "signal=B:USR1@180"):
        assert option in head
    assert {"partition=gpu", "account=a1", "constraint=a100", "output=motet-video-%A_%a.log"} < set(head)


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(WORDS, WORDS, st.lists(WORDS, max_size=3))
def test_no_word_breaks_out_of_its_quotes(command: str, folder: str, more: list[str]) -> None:
    command += " {port}"
    text = script(Path("/jobs", folder.strip("/") or "x"), command, tasks=1, gpus=1, client=more, serve=more)
    body = text[text.index("set -u") : text.index("task=$")]
    told = subprocess.run(
        ["bash", "-c", body + '\nprintf "%s\\0" "$command" "$folder"'], capture_output=True, check=True, env={"LC_ALL": "C"}
    )
    assert told.stdout.split(b"\0")[:2] == [command.encode(), os.fsencode(Path("/jobs", folder.strip("/") or "x"))]
    assert subprocess.run(["bash", "-n"], input=text.encode(), capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"tasks": 0}, "1 to 100000 tasks"),
        ({"gpus": 65}, "1 to 64 GPUs"),
        ({"hours": 0.0}, "hours"),
        ({"hours": float("nan")}, "hours"),
        ({"partition": "gpu\n#SBATCH --wrap=x"}, "--partition cannot be"),
        ({"name": "my job"}, "--job-name cannot be"),
        ({"more": {"array": "1-2"}}, "no option of sbatch"),
        ({"more": {"x\ny": "1"}}, "no option of sbatch"),
        ({"setup": ["module load cuda\nrm x"]}, "one line of shell"),
        ({"port": 80}, "1024 to 60000"),
        ({"client": ["\0"]}, "no command can"),
        ({"motet": []}, "no command can"),
    ],
)
def test_what_a_cluster_would_refuse_is_refused_here(changes: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=sentence):
        make(tmp_path, **changes)
