"""The user's own command that starts a web UI, made into one for each device."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

from motet.errors import UserError
from motet.files.places import shown

__all__ = ["HOST", "own_log", "read"]

HOST = "127.0.0.1"
OPEN_TO_ALL = ("--listen", "--share", "--ngrok")  # options of web UIs that let in more than this machine


def read(
    command: str, devices: Sequence[str], ports: int | Sequence[int], folder: Path, cwd: Path | None
) -> list[tuple[list[str], str, int]]:
    """The words, the device and the port of each server, its own log in `folder`. Raises UserError for what cannot work."""
    if not devices:
        raise UserError("There is no GPU here: name the devices, or the device cpu.")
    for device in devices:
        if not re.fullmatch(r"[A-Za-z0-9/_.:-]{1,100}", device):
            raise UserError(f'"{shown(device)}" is no device: write its number or its id, as nvidia-smi -L shows it, or cpu.')
    try:
        words = shlex.split(command)
    except ValueError as problem:
        raise UserError(f"The command cannot be split into words ({problem}): close its quotes.") from None
    if not words or "\0" in command:
        raise UserError("The command is empty: write how a web UI is started here, with {port} for its port.")
    if unknown := set(re.findall(r"\{(\w*)\}", command)) - {"port", "host", "device", "log"}:
        raise UserError(
            f"{{{min(unknown)}}} means nothing in the command: it may have {{port}}, {{host}}, {{device}} and {{log}}."
        )
    if "{port}" not in command:
        raise UserError("The command does not say where {port} goes: add it, as in --port {port}.")
    if open_to_all := [word for word in words if word.split("=")[0] in OPEN_TO_ALL or "0.0.0.0" in word]:
        raise UserError(f"{open_to_all[0]} lets others than this machine in: leave it out of the command.")
    if cwd is not None and not cwd.is_dir():
        raise UserError(f"The folder {shown(str(cwd))} to start in does not exist: correct it.")
    program = str((cwd or Path()) / words[0]) if "/" in words[0] else words[0]
    if shutil.which(program) is None:
        raise UserError(f"{shown(words[0])} cannot be run here: correct the command, or say in which folder it is run.")
    folder = folder.absolute()
    return [
        ([_filled(word, port, device, own_log(folder, port)) for word in words], device, port)
        for device, port in zip(devices, _ports(ports, len(devices)), strict=True)
    ]


def _filled(word: str, port: int, device: str, log: Path) -> str:
    values = {"port": str(port), "host": HOST, "device": device, "log": str(log)}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], word)


def own_log(folder: Path, port: int) -> Path:
    """Where the server itself may write, as {log} in its command."""
    return folder / f"server-{port}.own.log"


def _ports(ports: int | Sequence[int], count: int) -> list[int]:
    found = list(range(ports, ports + count)) if isinstance(ports, int) else list(ports)
    if len(found) != count or len(set(found)) != count:
        raise UserError(f"{count} servers need {count} different ports: give the first port, or one for each device.")
    if not all(0 < port < 1 << 16 for port in found):
        raise UserError("A port is a number from 1 to 65535: give a smaller first port.")
    return found
