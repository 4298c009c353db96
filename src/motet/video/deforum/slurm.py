"""A script for a Slurm cluster: an array of tasks, each with servers of its own on its GPUs and its share of the jobs."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from motet.errors import UserError
from motet.video.deforum.addresses import NAME

__all__ = ["script"]

WARNED = 180  # seconds before its time is over, a task is told to make way
ENDED_WITHIN = 60  # seconds for the servers and the client to end by themselves
PLAIN = re.compile(r"[A-Za-z0-9_.,:=+@/\[\]%*-]{1,200}")  # what an #SBATCH line takes without quotes
OURS = ("array", "requeue", "no-requeue", "signal", "nodes", "ntasks", "open-mode", "parsable", "wrap")


def script(
    folder: Path,
    command: str,
    *,
    tasks: int,
    gpus: int,
    hours: float = 24.0,
    cpus: int = 4,
    memory_gb: int = 16,
    partition: str | None = None,
    account: str | None = None,
    name: str = "motet-video",
    more: Mapping[str, str] | None = None,
    setup: Sequence[str] = (),
    motet: Sequence[str] = ("motet",),
    port: int = 7861,
    ready_within: float = 1800.0,
    requeues: int = 20,
    serve: Sequence[str] = (),
    client: Sequence[str] = (),
) -> str:
    """The text of a script for `sbatch`, with `tasks` array tasks of `gpus` GPUs, `cpus` cores and `memory_gb` per GPU.

    Each task starts its servers with `motet video serve` and the user's `command`, waits until one is up (`ready_within` seconds
    at most), runs its share of the jobs in `folder` with `motet video deforum`, and ends the servers. It is put back into the
    queue when its time is nearly over, when it is preempted, and when no server came up, at most `requeues` times. `scancel`
    ends it for good. `serve` and `client` are further words for the two commands, `motet` the words that start Motet, `setup`
    lines of the user's own shell to begin with (`module load …`), `more` further options for sbatch. Ports differ between tasks,
    since two may share a node. Raises UserError.
    """
    if not (1 <= tasks <= 100_000 and 1 <= gpus <= 64 and 1 <= cpus <= 1024 and 1 <= memory_gb <= 1 << 16):
        raise UserError("A Slurm script needs 1 to 100000 tasks, 1 to 64 GPUs, and at least a core and a gigabyte for each.")
    if not 0.25 <= hours <= 10_000 or not 0 < ready_within < 1e6 or not 0 <= requeues <= 10_000:
        raise UserError(
            "A Slurm script needs 0.25 to 10000 hours, a time to get ready of more than 0 s, and 0 to 10000 requeues."
        )
    if not 1024 <= port <= 60_000:
        raise UserError("The first port of a Slurm script is 1024 to 60000: give another.")
    for line in setup:
        if "\n" in line or "\0" in line or line.lstrip().startswith("#SBATCH"):
            raise UserError("A line of the setup is one line of shell: write several as several, and sbatch's options as such.")
    if "{port}" not in command:
        raise UserError("The command does not say where {port} goes: add it, as in --port {port}.")
    words = [*motet, *serve, *client, command, str(folder)]
    if not motet or any("\0" in word for word in words):
        raise UserError("A word of a command holds a character that no command can: correct it.")
    options = {
        "job-name": name,
        "array": f"0-{tasks - 1}",
        "nodes": "1",
        "ntasks": "1",
        "gres": f"gpu:{gpus}",
        "cpus-per-task": str(cpus * gpus),
        "mem": f"{memory_gb * gpus}G",
        "time": _time(hours),
        "signal": f"B:USR1@{WARNED}",
        "output": f"{name}-%A_%a.log",
        "open-mode": "append",
    }
    if partition is not None:
        options["partition"] = partition
    if account is not None:
        options["account"] = account
    for option, value in (more or {}).items():
        if not re.fullmatch(r"[a-z][a-z0-9-]*", option) or option in OURS:
            raise UserError(f'"{option}" is no option of sbatch that can be set here: leave it out.')
        options[option] = value
    for option, value in options.items():
        if not PLAIN.fullmatch(value):
            raise UserError(f"sbatch's --{option} cannot be {value!r}: use letters, digits and . , : = + @ / - only.")
    values = {
        "SETUP": "\n".join(setup) or ":",
        "MOTET": shlex.join(motet),
        "FOLDER": shlex.quote(str(folder.absolute())),
        "COMMAND": shlex.quote(command),
        "SERVE": shlex.join(serve),
        "CLIENT": shlex.join(client),
        "NAME": NAME,
        "TASKS": str(tasks),
        "GPUS": str(gpus),
        "PORT": str(port),
        "ROOM": str((65_000 - port) // gpus),
        "READY": f"{ready_within:g}",
        "REQUEUES": str(requeues),
        "WITHIN": str(ENDED_WITHIN),
    }
    head = "\n".join(["#!/bin/bash", *(f"#SBATCH --{option}={value}" for option, value in options.items()), "#SBATCH --requeue"])
    return head + re.sub(r"@(\w+)@", lambda match: values[match[1]], BODY)


def _time(hours: float) -> str:
    """As Slurm writes it: days-hours:minutes:seconds."""
    minutes = round(hours * 60)
    return f"{minutes // 1440}-{minutes // 60 % 24:02d}:{minutes % 60:02d}:00"


BODY = r"""

@SETUP@

set -u
motet=(@MOTET@)
folder=@FOLDER@
command=@COMMAND@
task=${SLURM_ARRAY_TASK_ID:?submit this script with sbatch}
job=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}_$task
work=$folder/servers/$task
port=$((@PORT@ + (task % @ROOM@) * @GPUS@))

say() { printf '%s task %s: %s\n' "$(date -u +%FT%TZ)" "$task" "$*"; }

# Ends what was started here, and does not come back before it has ended.
stop() {
    trap '' USR1 TERM
    kill -TERM $(jobs -p) 2>/dev/null
    for ((look = 0; look < 5 * @WITHIN@; look++)); do
        kill -0 $(jobs -p) 2>/dev/null || break
        sleep 0.2
    done
    kill -KILL $(jobs -p) 2>/dev/null
    wait
}

again() {
    if ((${SLURM_RESTART_COUNT:-0} >= @REQUEUES@)); then
        say "$1; it was requeued ${SLURM_RESTART_COUNT:-0} times already and ends here"
        exit 1
    fi
    say "$1; back into the queue"
    scontrol requeue "$job"
    exit 0
}

preempted() { scontrol show job "$job" 2>/dev/null | grep -q '[[:space:]]PreemptTime=[0-9]'; }

make_way() {
    stop
    [[ $1 == USR1 ]] && again "its time is nearly over"
    preempted && again "it was preempted"
    say "it was cancelled"
    exit 143
}

trap 'make_way USR1' USR1
trap 'make_way TERM' TERM

mkdir -p "$work" || exit 1
"${motet[@]}" video serve --command "$command" --port "$port" --to "$work" @SERVE@ &
server=$!
"${motet[@]}" video servers --servers "$work/@NAME@" --wait @READY@ &
wait -n  # until servers are up, or none will ever be
ready=$?
kill -0 "$server" 2>/dev/null || ready=1
if ((ready)); then
    stop
    again "no server came up"
fi
say "servers are up"
"${motet[@]}" video deforum "$folder" --servers "$work/@NAME@" --shard "$task/@TASKS@" @CLIENT@ &
wait "$!"
code=$?
stop
say "done, with exit code $code"
exit "$code"
"""
