"""What a bad plug-in may cost: its call, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from motet.render.plugins import Host, Limits, Plugin, PluginError, Quarantine, find
from render.notation import RATE, TICKS, note, part
from render.plugins.patience import IMPATIENT, Build

pytestmark = pytest.mark.system("g++")

SAFE, FATAL = part(note(0, TICKS, 65)), part(note(0, TICKS, 66))


def failure(host: Host, plugin: Plugin, engine: str, midi: bytes = FATAL) -> PluginError:
    with pytest.raises(PluginError) as caught:
        host.play(plugin, engine, midi, RATE)
    return caught.value


def guests() -> list[psutil.Process]:
    return [one for one in psutil.Process().children() if "motet.render.plugins.guest" in one.cmdline()]


def wait_for_a_guest(known: set[int]) -> psutil.Process:
    for _ in range(1000):
        if new := [one for one in guests() if one.pid not in known]:
            return new[0]
        time.sleep(0.01)
    raise AssertionError("no guest was started")


def test_a_crash_costs_its_call(host: Host, build: Build, engine: str) -> None:
    crasher = build("Crasher")
    assert host.play(crasher, engine, SAFE, RATE).any()
    told = failure(host, crasher, engine)
    assert told.reason == "plugin_crashed"
    assert told.detail.startswith("Crasher died of SIGSEGV while it played")
    assert host.play(crasher, engine, SAFE, RATE).any()


def test_a_crash_at_loading_is_told_with_the_last_words(host: Host, build: Build, engine: str) -> None:
    told = failure(host, build("Stillborn"), engine)
    assert told.reason == "plugin_crashed"
    assert "while it was loaded (it last said 'Stillborn is about to crash" in told.detail


def test_a_hang_ends_at_its_limit(host: Host, build: Build, engine: str) -> None:
    begun = time.monotonic()
    told = failure(host, build("Hanger"), engine)
    assert told.reason == "plugin_hung"
    assert "Hanger did not come back within 2." in told.detail
    assert time.monotonic() - begun < 15
    assert host.play(build("Good"), engine, FATAL, RATE).any()


def test_silence_and_nonsense_are_told(host: Host, build: Build, engine: str) -> None:
    assert failure(host, build("Silent"), engine).reason == "plugin_silent"
    assert failure(host, build("Loud"), engine).reason == "plugin_not_finite"


def test_memory_is_bounded(build: Build, engine: str) -> None:
    with Host(Limits(memory=1 << 30)) as host:
        told = failure(host, build("Greedy"), engine)
        assert "Greedy" in told.detail
        assert told.reason in ("plugin_crashed", "too_much_memory")


def test_who_crashes_only_after_others_is_not_blamed(host: Host, build: Build, engine: str) -> None:
    for name in ("Good", "Jealous"):  # the second dies of the first, and is asked again alone
        assert host.play(build(name), engine, SAFE, RATE).any()


def test_a_guest_killed_while_it_plays_is_told(build: Build, engine: str) -> None:
    known = {one.pid for one in guests()}

    def kill() -> None:
        guest = wait_for_a_guest(known)
        time.sleep(1)
        guest.kill()

    with Host(Limits(render=30)) as host:
        hanger = build("Hanger")
        killer = threading.Thread(target=kill)
        killer.start()
        told = failure(host, hanger, engine)
        killer.join()
        assert (told.reason, "SIGKILL" in told.detail) == ("plugin_crashed", True)


def test_a_guest_killed_between_calls_is_replaced(build: Build, engine: str) -> None:
    known = {one.pid for one in guests()}
    with Host(IMPATIENT) as host:
        first = host.play(build("Good"), engine, SAFE, RATE)
        guest = wait_for_a_guest(known)
        guest.kill()
        while guest.is_running() and guest.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        assert np.array_equal(host.play(build("Good"), engine, SAFE, RATE), first)
    assert {one.pid for one in guests()} <= known


PARENT = """
import sys
from motet.render.plugins import Host, find
host = Host()
good, hanger = map(find, sys.argv[2:4])
host.describe(good, sys.argv[1])
print("ready", flush=True)
host.play(hanger, sys.argv[1], bytes.fromhex(sys.argv[4]), 44100) if sys.argv[5] == "hanging" else sys.stdin.read()
"""


@pytest.mark.parametrize("doing", ["idle", "hanging"])
def test_a_guest_dies_with_its_host(build: Build, engine: str, doing: str) -> None:
    command = [sys.executable, "-c", PARENT, engine, build("Good").path, build("Hanger").path, FATAL.hex(), doing]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert parent.stdout
    assert parent.stdin
    assert parent.stdout.readline() == b"ready\n"
    if doing == "hanging":
        time.sleep(1)
    (guest,) = psutil.Process(parent.pid).children()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdin.close()
    parent.stdout.close()
    psutil.wait_procs([guest], timeout=10)
    assert not guest.is_running() or guest.status() == psutil.STATUS_ZOMBIE


def test_a_plugin_sees_no_secret(build: Build, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOTET_TEST_SECRET", "sesame")
    monkeypatch.setenv("DISPLAY", ":99")
    known = {one.pid for one in guests()}
    with Host(IMPATIENT) as host:
        assert "knows no secret" in failure(host, build("Stillborn"), engine).detail
        host.describe(build("Good"), engine)
        assert {"MOTET_TEST_SECRET", "DISPLAY"}.isdisjoint(wait_for_a_guest(known).environ())


def test_what_plugins_print_stays_with_them(build: Build, engine: str, capfd: pytest.CaptureFixture[str]) -> None:
    with Host(IMPATIENT) as host:
        host.play(build("Good"), engine, SAFE, RATE)
    assert capfd.readouterr() == ("", "")


def test_the_quarantine_repeats_the_first_story_and_runs_nothing(build: Build, pedalboard: str, tmp_path: Path) -> None:
    crasher, hanger, good = (build(name) for name in ("Crasher", "Hanger", "Good"))
    known = {one.pid for one in guests()}
    with Host(IMPATIENT, Quarantine(tmp_path)) as host:
        stories = [failure(host, one, pedalboard) for one in (crasher, hanger)]
        assert host.play(good, pedalboard, SAFE, RATE).any()
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(f"{one.sha256}.json" for one in (crasher, hanger))
    with Host(IMPATIENT, Quarantine(tmp_path)) as host:
        again = [failure(host, one, pedalboard, SAFE) for one in (crasher, hanger)]
        assert [(one.reason, one.detail) for one in again] == [(one.reason, one.detail) for one in stories]
        assert {one.pid for one in guests()} <= known
        Quarantine(tmp_path).forget(crasher.sha256)
        assert host.play(crasher, pedalboard, SAFE, RATE).any()
        assert failure(host, hanger, pedalboard, SAFE).reason == "plugin_hung"
        Quarantine(tmp_path).forget()
        assert host.play(hanger, pedalboard, SAFE, RATE).any()


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", '{"reason": "plugin_hung"}', "[" * 100_000, '{"reason": 1e999, "detail": null']
)
def test_a_damaged_quarantine_file_counts_as_none(damage: str, tmp_path: Path) -> None:
    plugin = Plugin("/nowhere/Organ.vst3", "Organ", "0" * 64, "vst3")
    quarantine = Quarantine(tmp_path)
    (tmp_path / f"{plugin.sha256}.json").write_text(damage)
    quarantine.check(plugin)
    told = PluginError("plugin_hung", "Organ did not come back")
    quarantine.put(plugin, told)
    with pytest.raises(PluginError, match="Organ did not come back"):
        quarantine.check(plugin)


def test_an_engine_that_is_not_there_says_what_to_install(
    build: Build, host: Host, dawdreamer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = build("Good")
    with pytest.raises(PluginError, match="pedalboard, dawdreamer"):
        host.describe(good, "pianola")
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(PluginError, match=r'pip install "motet\[effects\]"') as caught:
        host.describe(good, "pedalboard")
    assert caught.value.reason == "missing_engine"


def test_a_plugin_for_another_engine_or_none_is_told(host: Host, build: Build, pedalboard: str, tmp_path: Path) -> None:
    library = Path(build("Good").path, "Contents", "x86_64-linux", "Good.so")
    renamed = tmp_path / "Text.vst3"
    renamed.write_bytes(b"\x7fELF and the word GetPluginFactory, and nothing else")
    told = failure(host, find(str(renamed)), pedalboard)
    assert told.reason == "plugin_failed"
    assert "Text" in told.detail
    with pytest.raises(PluginError, match="pedalboard loads no VST2"):
        host.describe(Plugin(str(library), "Good", "0" * 64, "vst2"), pedalboard)
    assert os.path.exists(library)
