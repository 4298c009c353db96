"""Plug-ins run for us in a process that may be killed: what one of them does wrong costs its call and is told by its name."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from motet.render.plugins import dynamics, wire
from motet.render.plugins.describing import Description, Parameter
from motet.render.plugins.engines import ENGINES, version
from motet.render.plugins.errors import PluginError
from motet.render.plugins.finding import Plugin
from motet.render.plugins.quarantine import Quarantine
from motet.render.plugins.wire import Audio
from motet.render.timeline import read
from motet.render.voices import FADE, LONGEST_TAIL, QUIET, SILENCE, STEP

__all__ = ["Host", "Limits"]

KEPT = ("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "LV2_PATH", "VST_PATH", "VST3_PATH", "SYSTEMROOT")
KEPT_FAMILIES = ("LC_", "LD_", "DYLD_")
LAST_WORDS = 4096  # bytes kept of what a guest writes on its standard error
RATES = (8000, 192_000)  # Hz
PROBE_RATE = 44100
HANGING, CRASHING = "plugin_hung", "plugin_crashed"


@dataclass(frozen=True)
class Limits:
    """Wall-clock seconds a guest may take: to start, to load a plug-in, and to render `render + factor * length` of sound.

    `memory` in bytes is a hard limit on Linux; an hour of stereo takes 4 GB.
    """

    start: float = 60.0
    load: float = 30.0
    render: float = 20.0
    factor: float = 1.0
    memory: int = 6 << 30


class _Died(Exception):
    """The guest ended by itself; `how` it did."""

    def __init__(self, how: str) -> None:
        super().__init__(how)
        self.how = how


class _Late(Exception):
    """The guest did not answer in time."""


@dataclass
class _Guest:
    """The child process and our ends of its pipes."""

    process: subprocess.Popen[bytes]
    requests: int
    answers: int
    memory: int
    noise: int
    served: set[str] = field(default_factory=set)
    said: bytes = b""

    @classmethod
    def start(cls, most_memory: int) -> _Guest:
        theirs, requests = os.pipe()
        answers, our_answers = os.pipe()
        noise, their_noise = os.pipe()
        memory = wire.memory()
        environment = {name: value for name, value in os.environ.items() if name in KEPT or name.startswith(KEPT_FAMILIES)}
        environment["PYTHONPATH"] = os.pathsep.join(place for place in sys.path if place)
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        told = (theirs, our_answers, memory, os.getpid(), most_memory)
        command = [sys.executable, "-m", "motet.render.plugins.guest", *map(str, told)]
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=their_noise,
                stderr=their_noise,
                pass_fds=(theirs, our_answers, memory),
                env=environment,
                start_new_session=True,
            )
        except BaseException:
            for descriptor in (requests, answers, noise, memory):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (theirs, our_answers, their_noise):
                os.close(descriptor)
        os.set_blocking(noise, False)
        os.set_blocking(answers, False)
        return cls(process, requests, answers, memory, noise)

    def ask(self, request: dict[str, Any], data: np.ndarray[Any, Any] | None) -> None:
        body = np.frombuffer(wire.pack(request)[wire.HEADER.size :], np.uint8)
        os.ftruncate(self.memory, 0)
        wire.store(self.memory, body)
        if data is not None:
            wire.store(self.memory, data, len(body))
        self.said = b""
        try:
            os.write(self.requests, wire.HEADER.pack(wire.MARK, len(body)))
        except BrokenPipeError:
            raise _Died(self.ending()) from None

    def hear(self, seconds: float) -> dict[str, Any]:
        """The next message. Raises _Died, _Late, wire.Broken."""
        deadline = time.monotonic() + seconds
        data, wanted = bytearray(), wire.HEADER.size
        header = True
        with selectors.DefaultSelector() as ready:
            ready.register(self.answers, selectors.EVENT_READ)
            ready.register(self.noise, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise _Late
                for key, _ in ready.select(left):
                    if key.fd == self.noise:
                        if not self._listen():
                            ready.unregister(self.noise)
                        continue
                    piece = os.read(self.answers, wanted - len(data))
                    if not piece:
                        self._listen()
                        raise _Died(self.ending())
                    data += piece
                    if len(data) < wanted:
                        continue
                    if not header:
                        return wire.unpack(bytes(data))
                    wanted, header = wire.size(bytes(data)), False
                    data.clear()

    def _listen(self) -> bool:
        """Keep what the guest wrote on its standard error, the end of it."""
        try:
            piece = os.read(self.noise, 1 << 16)
        except BlockingIOError:
            return True
        self.said = (self.said + piece)[-LAST_WORDS:]
        return bool(piece)

    def ending(self) -> str:
        """How the process ended: it has, or is about to."""
        try:
            code = self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its pipes"
        if code >= 0:
            return f"ended the process with the exit code {code}"
        try:
            return f"died of {signal.Signals(-code).name}"
        except ValueError:
            return f"died of signal {-code}"

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # with what a plug-in may have started
        self.process.wait()

    def close(self) -> None:
        self.kill()
        for descriptor in (self.requests, self.answers, self.memory, self.noise):
            os.close(descriptor)


@dataclass
class Host:
    """Runs plug-ins in child processes, a guest for each engine, started when first needed and again after it was killed.

    Both engines in one process crash each other: each brings a JUCE of its own.

    Every call loads a fresh instance, so calls do not depend on each other, unless a plug-in keeps something in global variables:
    `repeatable` tells. A plug-in that crashes in a guest which ran others before is tried once more in a new one, since they may
    have damaged its memory. With a `quarantine`, a plug-in in it is refused with the reason that put it there; one that crashes
    or hangs is put there if the host `condemns`.

    A guest is killed by `close`, and dies with this process or, on Linux, with the thread whose call started it. It sees no
    environment but paths and the locale. For one thread at a time; not to be shared by processes.
    """

    limits: Limits = Limits()
    quarantine: Quarantine | None = None
    condemns: bool = True
    _guests: dict[str, _Guest] = field(default_factory=dict, init=False, repr=False)  # by engine

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Kill the guests. The next call starts another."""
        for engine in list(self._guests):
            self._evict(engine)

    def _evict(self, engine: str) -> None:
        self._guests.pop(engine).close()

    def describe(self, plugin: Plugin, engine: str) -> Description:
        """What `plugin` says of itself. Raises PluginError, see `play`."""
        told = self._call(plugin, engine, {"do": "describe", "preset": "", "parameters": {}})
        try:
            return _description(told)
        except (KeyError, TypeError, ValueError):
            raise self._nonsense(plugin) from None

    def play(
        self,
        plugin: Plugin,
        engine: str,
        midi: bytes,
        sample_rate: int,
        *,
        preset: Path | None = None,
        parameters: Mapping[str, float] | None = None,
    ) -> Audio:
        """The sound (frames, 2) of a MIDI part, float32, full scale 1.0, which it may exceed.

        Frame 0 is tick 0, a note struck at t seconds sounds from frame round(t * sample_rate), the plug-in's latency is taken
        off, and the sound rings out for up to 8 s. Program changes and bank selects are left out: the plug-in, its preset and its
        parameters are the sound. Volume, expression and pan of a part on one channel are applied to what the plug-in makes, see
        `dynamics`; all other messages are its own to mind. A part without notes gives a short silence. `preset` is a file
        `.vstpreset`, or `.fxp` through dawdreamer; `parameters`, by the names that `describe` tells, are set after it.

        Raises PluginError: `missing_engine`, `unknown_engine`, `wrong_engine`, `plugin_crashed`, `plugin_hung`, `plugin_failed`,
        `plugin_silent` (notes were played and nothing sounds), `plugin_not_finite`, `not_an_instrument`, `no_preset`,
        `no_such_parameter`, `parameter_out_of_range`, `parameter_not_kept`, `too_much_memory`, `bad_sample_rate`; RenderError for
        MIDI that cannot be played.
        """
        _check_rate(sample_rate)
        events = [event for event in read(midi, sample_rate) if not _chooses(event.status, event.first)]
        heard, steps = dynamics.taken_out(events)
        last = max((event.frame for event in heard if event.status & 0xE0 == 0x80), default=None)
        struck = any(event.status & 0xF0 == 0x90 and event.second for event in heard)
        if last is None or not struck:
            return np.zeros((round(SILENCE * sample_rate), 2), np.float32)
        frames = last + round(LONGEST_TAIL * sample_rate)
        request = {"do": "play", "rate": sample_rate, "frames": frames, "events": len(heard)}
        told = self._call(plugin, engine, request, preset, parameters, np.array(heard, wire.EVENT).view(np.uint8))
        audio = self._audio(plugin, engine, told, frames)
        if _top(audio, plugin) < QUIET:
            raise PluginError("plugin_silent", f"{plugin.name} was played notes and nothing sounds")
        dynamics.apply(audio, steps)
        return _rung_out(audio, last, sample_rate)

    def process(
        self,
        plugin: Plugin,
        engine: str,
        audio: Audio,
        sample_rate: int,
        *,
        preset: Path | None = None,
        parameters: Mapping[str, float] | None = None,
    ) -> Audio:
        """`audio` (frames, 2) through an effect: the same start, its latency taken off, and up to 8 s longer where it rings.

        A mono effect gets left and right one after the other, each a fresh instance. Raises PluginError as `play` does, and
        `not_an_effect`; ValueError for audio of another shape or that is not finite.
        """
        _check_rate(sample_rate)
        if audio.ndim != 2 or audio.shape[1] != 2 or not np.isfinite(audio.sum(dtype=np.float64)):
            raise ValueError(f"audio has the shape (frames, 2) and is finite; this has {audio.shape}")
        length = len(audio)
        frames = length + round(LONGEST_TAIL * sample_rate)
        request = {"do": "process", "rate": sample_rate, "frames": frames, "sounding": length}
        told = self._call(plugin, engine, request, preset, parameters, np.ascontiguousarray(audio, np.float32))
        made = self._audio(plugin, engine, told, frames)
        _top(made, plugin)
        return _rung_out(made, length, sample_rate)

    def preset(self, plugin: Plugin, engine: str, *, parameters: Mapping[str, float] | None = None) -> bytes:
        """The content of a preset file `.vstpreset` of a VST3 with these parameters; only pedalboard writes one."""
        told = self._call(plugin, engine, {"do": "preset"}, None, parameters)
        length = told.get("bytes")
        if not isinstance(length, int) or not 0 < length <= wire.LARGEST:
            raise self._nonsense(plugin)
        data = np.empty(length, np.uint8)
        self._fetch(plugin, engine, data)
        return data.tobytes()

    def repeatable(
        self,
        plugin: Plugin,
        engine: str,
        *,
        preset: Path | None = None,
        parameters: Mapping[str, float] | None = None,
        times: int = 2,
    ) -> bool:
        """Whether so many fresh instances make the same bytes of a short probe: a second of two notes, or of noise.

        No proof: one that differs in one render of six (ZamTube through pedalboard does) passes two of them 7 times in 10.
        """
        instrument = self.describe(plugin, engine).instrument
        noise = np.random.default_rng(0).uniform(-0.25, 0.25, (PROBE_RATE, 2)).astype(np.float32)

        def made() -> bytes:
            if instrument:
                return self.play(plugin, engine, PROBE, PROBE_RATE, preset=preset, parameters=parameters).tobytes()
            return self.process(plugin, engine, noise, PROBE_RATE, preset=preset, parameters=parameters).tobytes()

        first = made()
        return all(made() == first for _ in range(times - 1))

    def _call(
        self,
        plugin: Plugin,
        engine: str,
        request: dict[str, Any],
        preset: Path | None = None,
        parameters: Mapping[str, float] | None = None,
        data: np.ndarray[Any, Any] | None = None,
    ) -> dict[str, Any]:
        version(engine)
        if plugin.format not in ENGINES[engine].formats:
            raise PluginError("wrong_engine", f"{engine} loads no {plugin.format.upper()}, which {plugin.name} is")
        if preset is not None and not preset.is_file():
            raise PluginError("no_preset", f"there is no preset file at {preset} for {plugin.name}")
        if self.quarantine:
            self.quarantine.check(plugin)
        request |= {
            "engine": engine,
            "path": plugin.path,
            "called": plugin.name,
            "preset": str(preset.absolute()) if preset else "",
            "parameters": _finite(parameters or {}, plugin),
        }
        try:
            return self._ask(plugin, engine, request, data)
        except PluginError as error:
            if self.quarantine and self.condemns and error.reason in (HANGING, CRASHING):
                self.quarantine.put(plugin, error)
                self.quarantine.check(plugin)  # another process may have told it first
            raise

    def _ask(self, plugin: Plugin, engine: str, request: dict[str, Any], data: np.ndarray[Any, Any] | None) -> dict[str, Any]:
        for last_try in (False, True):
            guest = self._ready(engine)
            alone = guest.served <= {plugin.sha256}
            guest.served.add(plugin.sha256)
            begun, doing, limit = False, "was loaded", self.limits.load
            try:
                guest.ask(request, data)
                guest.hear(self.limits.start)
                begun = True
                told = guest.hear(limit)
                if told.get("stage") == "loaded":
                    doing = "played" if request["do"] == "play" else "processed"
                    limit = self.limits.render + self.limits.factor * request["frames"] / request["rate"]
                    told = guest.hear(limit)
            except _Died as death:
                self._evict(engine)
                if last_try or (begun and alone):
                    raise PluginError(CRASHING, f"{plugin.name} {death.how} while it {doing}{_last_words(guest)}") from None
                continue
            except _Late:
                self._evict(engine)
                raise PluginError(HANGING, f"{plugin.name} did not come back within {limit:.4g} s while it {doing}") from None
            except wire.Broken:
                self._evict(engine)
                raise self._nonsense(plugin) from None
            except BaseException:
                self._evict(engine)  # in the middle of an answer, which nobody will read
                raise
            return self._judge(plugin, engine, told, _last_words(guest))
        raise AssertionError("the last try returns or raises")

    def _judge(self, plugin: Plugin, engine: str, told: dict[str, Any], last_words: str) -> dict[str, Any]:
        match told:
            case {"told": dict(answer)}:
                return answer
            case {"error": ["plugin_failed", str(detail)]}:
                raise PluginError("plugin_failed", f"{plugin.name} failed: {_plain(detail)}")
            case {"error": ["too_much_memory", str()]}:
                raise PluginError("too_much_memory", f"{plugin.name} wants more memory than there is{last_words}")
            case {"error": [str(reason), str(detail)]}:
                raise PluginError(_plain(reason, 40), _plain(detail))
        self._evict(engine)
        raise self._nonsense(plugin)

    def _ready(self, engine: str) -> _Guest:
        """A guest that waits for a request. One that died between two calls is nobody's fault, and is replaced."""
        guest = self._guests.get(engine)
        if guest and guest.process.poll() is None:
            return guest
        if guest:
            self._evict(engine)
        guest = self._guests[engine] = _Guest.start(self.limits.memory)
        try:
            guest.hear(self.limits.start)
        except (_Died, _Late, wire.Broken):
            self._evict(engine)
            raise PluginError("no_guest", f"the process that runs plug-ins does not start{_last_words(guest)}") from None
        except BaseException:
            self._evict(engine)
            raise
        return guest

    def _audio(self, plugin: Plugin, engine: str, told: dict[str, Any], frames: int) -> Audio:
        if told.get("frames") != frames:
            raise PluginError("plugin_failed", f"{plugin.name} makes another number of samples than it was asked for")
        audio = np.empty((frames, 2), np.float32)
        self._fetch(plugin, engine, audio)
        return audio

    def _fetch(self, plugin: Plugin, engine: str, data: np.ndarray[Any, Any]) -> None:
        memory = self._guests[engine].memory
        try:
            wire.load(memory, data)
            os.ftruncate(memory, 0)  # hours of sound are not kept in memory between calls
        except wire.Broken:
            self._evict(engine)
            raise self._nonsense(plugin) from None

    @staticmethod
    def _nonsense(plugin: Plugin) -> PluginError:
        return PluginError("plugin_failed", f"{plugin.name} left its process in disorder: no answer came that can be read")


def _check_rate(sample_rate: int) -> None:
    if not RATES[0] <= sample_rate <= RATES[1]:
        raise PluginError("bad_sample_rate", f"plug-ins run at {RATES[0]:,} to {RATES[1]:,} Hz, not at {sample_rate:,}")


def _chooses(status: int, first: int) -> bool:
    """Whether a message chooses a sound: a program change or a bank select."""
    return status & 0xF0 == 0xC0 or (status & 0xF0 == 0xB0 and first in (0, 32))


def _finite(parameters: Mapping[str, float], plugin: Plugin) -> dict[str, float]:
    for name, value in parameters.items():
        if not math.isfinite(value):
            raise PluginError("parameter_out_of_range", f"the parameter {_plain(name)!r} of {plugin.name} is given no number")
    return {name: float(value) for name, value in parameters.items()}


def _top(audio: Audio, plugin: Plugin) -> float:
    """The largest sample. Raises PluginError `plugin_not_finite`."""
    top = max(float(audio.max()), -float(audio.min()))
    if not math.isfinite(top):
        raise PluginError("plugin_not_finite", f"{plugin.name} makes samples that are no numbers")
    return top


def _rung_out(audio: Audio, length: int, sample_rate: int) -> Audio:
    """`audio` until nothing sounds after `length` frames, faded where something still does at the end."""
    tail = np.abs(audio[length:]).max(axis=1, initial=0) >= QUIET
    sounding = int(np.flatnonzero(tail)[-1]) + 1 if tail.any() else 0
    end = min(length + -(-sounding // STEP) * STEP, len(audio))
    if sounding and end == len(audio):
        fade = min(round(FADE * sample_rate), end - length)
        audio[end - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return audio[:end]


def _description(told: dict[str, Any]) -> Description:
    parameters = tuple(
        Parameter(
            name=_plain(str(one["name"])),
            low=float(one["low"]),
            high=float(one["high"]),
            value=float(one["value"]),
            unit=_plain(str(one["unit"])),
            choices=tuple(map(str, one["choices"])),
        )
        for one in told["parameters"]
    )
    name, made, vendor = (_plain(str(told[key])) for key in ("name", "version", "vendor"))
    return Description(
        bool(told["instrument"]), name, made, vendor, parameters, tuple(map(str, told["presets"])), int(told["latency"])
    )


def _last_words(guest: _Guest) -> str:
    lines = [line for line in guest.said.decode("utf-8", "replace").splitlines() if line.strip()]
    return f" (it last said {_plain(lines[-1], 200)!r})" if lines else ""


def _plain(text: str, longest: int = 500) -> str:
    """Text that a terminal shows as it is, in one line."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text[: 4 * longest]).split())[:longest]


def _probe() -> bytes:
    """Two notes, half a second each."""
    notes = b"".join(bytes((0, 0x90, key, 100, 0x83, 0x60, 0x80, key, 0)) for key in (60, 67))
    track = notes + b"\0\xff\x2f\0"
    return b"MThd" + bytes((0, 0, 0, 6, 0, 0, 0, 1, 1, 0xE0)) + b"MTrk" + len(track).to_bytes(4) + track


PROBE = _probe()
