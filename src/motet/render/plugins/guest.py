"""The process in which plug-ins run: it may crash, hang or be killed at any moment, and nobody else minds.

`python -m motet.render.plugins.guest REQUESTS ANSWERS MEMORY PARENT LIMIT`, started by `Host`: three descriptors, a process id,
and how many bytes of memory it may take.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from motet.render.plugins import wire
from motet.render.plugins.describing import Description
from motet.render.plugins.engines import ENGINES
from motet.render.plugins.errors import PluginError
from motet.render.plugins.knobs import PROGRAMS, Knob, read, turn

SETTLED_RATE = 44100  # Hz, for a description
PR_SET_PDEATHSIG = 1


class Instance(Protocol):
    """What `pedal` and `daw` make of a plug-in."""

    instrument: bool
    name: str
    version: str
    vendor: str
    channels: int

    @property
    def latency(self) -> int: ...
    def knobs(self) -> list[Knob]: ...
    def load_preset(self, file: Path) -> None: ...
    def preset(self) -> bytes: ...
    def settle(self) -> None: ...
    def play(self, messages: list[tuple[int, bytes]], frames: int) -> wire.Audio: ...
    def process(self, audio: wire.Audio) -> wire.Audio: ...


def _die_with(parent: int) -> None:
    """Linux kills us when the thread that started us ends, whatever we do; a thread does it elsewhere, if Python still runs."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    def watch() -> None:
        while os.getppid() == parent:
            threading.Event().wait(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _read(descriptor: int, count: int) -> bytes:
    data = b""
    while len(data) < count:
        piece = os.read(descriptor, count - len(data))
        if not piece:
            os._exit(0)  # the host is done with us
        data += piece
    return data


def _open(request: dict[str, Any], sample_rate: int) -> Instance:
    """A fresh instance with its preset and parameters, warmed up."""
    engine = ENGINES[request["engine"]]
    try:
        module = importlib.import_module("motet.render.plugins." + {"pedalboard": "pedal", "dawdreamer": "daw"}[engine.name])
    except ImportError as error:
        libraries = " and the system's libGL and libX11 (apt install libgl1 libx11-6)" if engine.name == "dawdreamer" else ""
        raise PluginError("missing_engine", f"{engine.name} does not start ({error}): {engine.fix}{libraries}") from None
    instance: Instance = module.Instance(request["path"], request["called"], sample_rate)
    if request["preset"]:
        instance.load_preset(Path(request["preset"]))
    if request["parameters"]:
        turn(instance.knobs(), request["parameters"], request["called"])
    instance.settle()
    return instance


def _describe(request: dict[str, Any]) -> dict[str, Any]:
    instance = _open(request, SETTLED_RATE)
    parameters = tuple(scale.told() for scale in read(instance.knobs()))
    presets = next((one.choices for one in parameters if PROGRAMS.match(one.name)), ())
    told = (instance.instrument, instance.name, instance.version, instance.vendor, parameters, presets, instance.latency)
    return asdict(Description(*told))


def _play(request: dict[str, Any], offset: int, memory: int, say: Any) -> wire.Audio:
    events = np.empty(request["events"], wire.EVENT)
    wire.load(memory, events.view(np.uint8), offset)
    instance = _open(request, request["rate"])
    if not instance.instrument:
        raise PluginError("not_an_instrument", f"{request['called']} is an effect: it plays no notes")
    say({"stage": "loaded"})
    messages = [
        (int(frame), bytes((status, first) if status & 0xE0 == 0xC0 else (status, first, second)))
        for frame, status, first, second in events.tolist()
    ]
    return instance.play(messages, request["frames"])


def _process(request: dict[str, Any], offset: int, memory: int, say: Any) -> wire.Audio:
    stereo = np.zeros((request["frames"], 2), np.float32)
    wire.load(memory, stereo[: request["sounding"]], offset)
    audio = np.ascontiguousarray(stereo.T)
    instance = _open(request, request["rate"])
    if instance.instrument:
        raise PluginError("not_an_effect", f"{request['called']} is an instrument: no sound goes into it")
    say({"stage": "loaded"})
    if instance.channels == 2:
        return instance.process(audio)
    left = instance.process(audio[:1])
    del instance
    return np.concatenate([left[:1], _open(request, request["rate"]).process(audio[1:])[:1]])


def _answer(request: dict[str, Any], offset: int, memory: int, say: Any) -> dict[str, Any]:
    match request["do"]:
        case "describe":
            return _describe(request)
        case "preset":
            data = _open(request, SETTLED_RATE).preset()
            os.ftruncate(memory, 0)
            wire.store(memory, np.frombuffer(data, np.uint8))
            return {"bytes": len(data)}
    made = (_play if request["do"] == "play" else _process)(request, offset, memory, say)
    if made.ndim != 2 or made.shape[0] not in (1, 2):
        raise RuntimeError(f"sound of the shape {made.shape} came back")
    os.ftruncate(memory, 0)
    wire.store(memory, np.ascontiguousarray(np.broadcast_to(made, (2, made.shape[1])).T, np.float32))
    return {"frames": made.shape[1]}


def main() -> None:
    requests, answers, memory, parent, limit = map(int, sys.argv[1:])
    _die_with(parent)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _, most = resource.getrlimit(resource.RLIMIT_DATA)  # that of a worker may be lower
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    def say(message: dict[str, Any]) -> None:
        data = wire.pack(message)
        while data:
            data = data[os.write(answers, data) :]

    say({"stage": "started"})
    while True:
        length = wire.size(_read(requests, wire.HEADER.size))
        say({"stage": "begun"})
        try:
            say({"told": _answer(wire.unpack(os.pread(memory, length, 0)), length, memory, say)})
        except PluginError as error:
            say({"error": [error.reason, error.detail]})
        except MemoryError:
            say({"error": ["too_much_memory", ""]})
        except Exception as error:  # noqa: BLE001 - whatever a library raises of a plug-in is told to the host
            say({"error": ["plugin_failed", f"{type(error).__name__}: {error}"[:500]]})


if __name__ == "__main__":
    main()
