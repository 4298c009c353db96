"""Live means true: whatever happens to the sources, the settings and the process, the dataset equals a fresh build.

A hypothesis machine adds, deletes, renames and edits sources, re-saves them so that a survivor switches, changes settings,
plants crashes, hangs and failures, retries, and kills real builds at random moments, with one worker or two.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from motet.recipe import Recipe, parse
from motet.run.build import build
from motet.run.engine import LocalEngine
from toys.compare import assert_same
from toys.midi import song

STAGES = [
    "scan",
    "clean",
    "toys.stages:touchy_song",
    "fingerprint",
    "deduplicate",
    "midi_facts",
    "split_parts",
    "sample",
    "render_stems",
    "mix_stems",
    "segment",
    "write_captions",
    "check_captions",
]
NAMES = ["a.mid", "b.mid", "Artist/c.mid", "Artist/d.MID", "z/e.kar"]
SETTINGS = [
    {},
    {"write_captions": {"numbers": False}},
    {"mix_stems": {"lufs": -20.0}},
    {"render_stems": {"rate": 22050}},
    {"clean": {"shortest": 7.0}},
    {"sample": {"songs": 2}},
    {"segment": {"shortest": 2.0, "target": 4.0}},
]
SHORT = {
    "clean": {"shortest": 2.0},
    "segment": {"shortest": 3.0, "target": 5.0, "longest": 12.0},
    "render_stems": {"rate": 16000},
}
SEEDS = 4


@pytest.fixture(scope="module")
def engines() -> Iterator[list[LocalEngine]]:
    with LocalEngine(1) as one, LocalEngine(2) as two:
        yield [one, two]


def recipe(faults: Path, changed: dict[str, dict[str, object]]) -> Recipe:
    chosen = {name: {**SHORT.get(name, {}), **changed.get(name, {})} for name in STAGES}
    chosen["toys.stages:touchy_song"] = {"folder": str(faults)}
    return parse({"name": "machine", "stages": [{name: given} for name, given in chosen.items()]}, "machine")


class Machine(RuleBasedStateMachine):
    engines: list[LocalEngine]

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="motet-machine-"))
        self.sources, self.faults, self.data = (self.root / n for n in ("sources", "faults", "data"))
        self.sources.mkdir()
        self.faults.mkdir()
        self.changed: dict[str, dict[str, object]] = {}
        self.dirty = True
        (self.sources / "first.mid").write_bytes(song(0))

    # -- what happens to the sources --

    @rule(name=st.sampled_from(NAMES), seed=st.integers(0, SEEDS), velocity=st.sampled_from([60, 90]), swapped=st.booleans())
    def write(self, name: str, seed: int, velocity: int, swapped: bool) -> None:
        """Adds a file or edits it; equal seeds are the same notes, so survivors come and go."""
        path = self.sources / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(song(seed, velocity=velocity, swapped=swapped))

    @rule(name=st.sampled_from(NAMES), kept=st.integers(0, 60))
    def damage(self, name: str, kept: int) -> None:
        path = self.sources / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(song(1)[:kept])

    @rule(name=st.sampled_from(NAMES))
    def delete(self, name: str) -> None:
        (self.sources / name).unlink(missing_ok=True)

    @rule(name=st.sampled_from(NAMES), to=st.sampled_from(NAMES))
    def rename(self, name: str, to: str) -> None:
        if (self.sources / name).exists():
            (self.sources / to).parent.mkdir(exist_ok=True)
            (self.sources / name).replace(self.sources / to)

    # -- what happens to the build --

    @rule(changed=st.sampled_from(SETTINGS))
    def set(self, changed: dict[str, dict[str, object]]) -> None:
        self.changed = changed

    @rule(seed=st.integers(0, SEEDS), kind=st.sampled_from(["raise", "segfault", "hang"]))
    def plant(self, seed: int, kind: str) -> None:
        import hashlib

        for velocity in (60, 90):
            for swapped in (False, True):
                digest = hashlib.sha256(song(seed, velocity=velocity, swapped=swapped)).hexdigest()
                (self.faults / digest[:12]).write_text(kind)

    @rule(workers=st.integers(0, 1))
    def build(self, workers: int) -> None:
        build(recipe(self.faults, self.changed), [self.sources], self.data, engine=self.engines[workers])

    @rule(after=st.floats(0.0, 3.0), workers=st.integers(1, 2))
    def kill(self, after: float, workers: int) -> None:
        """SIGKILL to a real build in a process of its own."""
        path = self.root / "machine.yaml"
        import yaml

        steps = [{s.name: s.settings.model_dump(exclude_defaults=True)} for s in recipe(self.faults, self.changed).steps]
        path.write_text(yaml.safe_dump({"name": "machine", "stages": steps}))
        command = [sys.executable, "-m", "motet.cli", "build", str(path), "--from", str(self.sources)]
        command += ["--to", str(self.data), "--workers", str(workers)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.8 + after)
        process.kill()
        process.wait()

    @rule(workers=st.integers(0, 1))
    def mend_and_compare(self, workers: int) -> None:
        """With the faults mended and blamed rows asked again, what is live equals a fresh build."""
        for fault in self.faults.iterdir():
            fault.unlink()
        chosen = recipe(self.faults, self.changed)
        build(chosen, [self.sources], self.data, engine=self.engines[workers], retry=True)
        fresh = self.root / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        build(chosen, [self.sources], fresh, engine=self.engines[1 - workers])
        assert_same(self.data, fresh)
        settled = build(chosen, [self.sources], self.data, engine=self.engines[workers])
        assert settled.done_now == 0

    @invariant()
    def what_is_live_is_whole(self) -> None:
        from motet.dataset.keeping.checking import check

        if hasattr(self, "data") and (self.data / "snapshots").exists():
            assert list(check(self.data)) == []

    def teardown(self) -> None:
        if hasattr(self, "root"):
            try:
                self.mend_and_compare(0)
            finally:
                shutil.rmtree(self.root, ignore_errors=True)


@pytest.mark.slow
def test_any_history_gives_the_dataset_of_a_fresh_build(engines: list[LocalEngine]) -> None:
    Machine.engines = engines
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=int(os.environ.get("MOTET_HISTORIES", "6")),
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )


@pytest.mark.slow
def test_twenty_kills_on_the_demo_cost_nothing_but_time(tmp_path: Path) -> None:
    """Builds of the demo's tunes, each killed by SIGKILL at a random moment until twenty were; then one is let finish."""
    from motet.demo import write
    from motet.recipe import load

    write(tmp_path / "tunes")
    dice = random.Random(20)
    command = [sys.executable, "-m", "motet.cli", "build", "text-to-music", "--from", str(tmp_path / "tunes")]
    command += ["--to", str(tmp_path / "killed"), "--set", "render_stems.rate=22050", "--workers"]
    kills = 0
    while kills < 20:
        process = subprocess.Popen([*command, str(1 + kills % 2)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.5 + dice.random() * 4)
        if process.poll() is None:
            process.kill()
            kills += 1
        elif kills:  # it finished before its time: begin a change, so that there is something to kill again
            command = [*command[:-1], "--set", f"mix_stems.lufs={-14 - kills}", "--workers"]
        process.wait()
    chosen = load("text-to-music").changed([c for c in command if "." in c and "=" in c])
    build(chosen, [tmp_path / "tunes"], tmp_path / "killed", workers=2)
    build(chosen, [tmp_path / "tunes"], tmp_path / "fresh", workers=1)
    assert_same(tmp_path / "killed", tmp_path / "fresh")
