"""Histories of rounds: a change, a build under faults, what a user does after it, and the comparison with a build in peace."""

from __future__ import annotations

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import psutil
import pyarrow.parquet as pq

from compare import differences, live_rows
from diary import Diary
from faults import FAULTS, Told
from scene import Build, Scene, reap, strays
from sources import Collection

ROUNDS = 4  # of a history
FILES = 8  # a history begins with
NIGHTS = 3  # builds that faults of one round may fall on
PATIENCE = 300  # seconds from which a command hangs, or ten times what a build in peace takes, if that is more
AWAY = {"disk_gone", "dataset_away", "sources_away"}  # one at a time: they name the same folders
STEADY = ["--sample", "4", "--offline", "--set", "segment.shortest=4", "--set", "assign_splits.remember=false"]
SETTINGS = {
    "clean.shortest": ["5", "7", "9"],
    "deduplicate.remove": ["hard", "same_notes"],
    "split_parts.merge": ["none", "program"],
    "render_stems.rate": ["22050", "16000", "32000"],
    "mix_stems.lufs": ["-14", "-16", "-18"],
    "segment.target": ["8", "6"],
    "write_captions.numbers": ["true", "false"],
}

CRASHES = {-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGILL}
TRACES = (
    "Traceback (most recent call last)",
    "Fatal Python error",
)  # with a line of ours: Python may say so itself, without memory


class Differs(Exception):
    """The dataset is other than it should be: this history is over."""


@dataclass
class Soak:
    scene: Scene
    diary: Diary
    keep: Path  # where what went wrong is kept
    kinds: list[str]  # of faults
    extra: list[str]  # arguments of every build but those in peace
    repeat: str  # the arguments with which all this is done again
    plant: bool
    calm: float = 10.0  # seconds that the last build in peace took
    bag: list[str] = field(default_factory=list)

    def history(self, number: int, until: float) -> None:
        """An empty disk, a new collection and some rounds; none begins after `until`, in seconds of the diary."""
        random = Random(f"{self.diary.seed}/{number}")
        self.diary.where = {"history": number, "round": 0}
        self.bag = []
        self.scene.fresh()
        collection = Collection(self.scene.tunes, random)
        collection.begin(FILES)
        settings = {name: values[0] for name, values in SETTINGS.items()}
        for turn in range(1, ROUNDS + 1):
            self.diary.where["round"] = turn
            rotten = False
            if turn == 1:
                self._twin(settings)
            else:
                rotten = self._change(collection, settings, random)
            # Moments hang on the machine, what is drawn at them too: the history must not.
            self._round(settings, Random(f"{self.diary.seed}/{number}/{turn}"), rotten=rotten)
            if self.diary.now >= until:
                return

    def _change(self, collection: Collection, settings: dict[str, str], random: Random) -> bool:
        """Somebody works on the collection or the settings, or begins the dataset anew; or it rots, and True is returned."""
        what = random.choice(("sources", "sources", "setting", "both", "anew", "rot"))
        done = []
        if what in ("sources", "both"):
            done += [collection.change() for _ in range(random.randint(1, 4))]
        if what in ("setting", "both"):
            name = random.choice(sorted(SETTINGS))
            settings[name] = random.choice([value for value in SETTINGS[name] if value != settings[name]])
            done.append(f"{name}={settings[name]}")
        if what == "anew":
            shutil.rmtree(self.scene.dataset)
        elif random.random() < 0.15:
            self._command("clean", str(self.scene.dataset), name="clean")
        self.diary.tell("change", what="; ".join(done) or what)
        if done:
            self._twin(settings)
        return what == "rot" and self._rot(random)

    def _twin(self, settings: dict[str, str]) -> None:
        """What these sources and settings give in peace."""
        twin = self.scene.folder / "twin"
        shutil.rmtree(twin, ignore_errors=True)
        code = self._command(*self._asked(settings, twin), "--workers", "2", name="twin")
        if code != 0:
            self._wrong("difference", f"the undisturbed build itself ended with {code}: {self._last_words()}")

    def _rot(self, random: Random) -> bool:
        """A finished dataset is damaged where it lies: check must tell."""
        kinds = [kind for kind in self.kinds if FAULTS[kind].damages]
        if not kinds:
            return False
        idle = Build(self.scene, ["--version"])
        idle.wait(PATIENCE)
        kind = random.choice(kinds)
        what = next((what for what, _ in FAULTS[kind].do(self.scene, idle, random)), "")
        if what:
            self.diary.hit(kind, what, moment=None)
            if self._command("check", str(self.scene.dataset), name="check") == 0:
                self._wrong("unseen", f"check says nothing of this: {what}")
        return bool(what)

    def _round(self, settings: dict[str, str], random: Random, *, rotten: bool) -> None:
        self.diary.tell("round")
        asked = [*self._asked(settings, self.scene.dataset), *self.extra]
        if rotten:
            self._repair()
        within = self.calm * (0.6 if self.scene.dataset.exists() else 0.9)
        kinds = self._draw(random)
        workers = str(random.randint(1, 3))
        before = self.diary.hits.copy()
        for _ in range(NIGHTS):  # what comes after a build was killed falls on the next
            due = sorted((random.uniform(0.2, within), kind) for kind in kinds)
            code = self._command(*asked, "--workers", workers, name="build", befall=partial(self._befall, due=due, random=random))
            kinds = [kind for _, kind in due]
            if code == 0 or not kinds:
                break
        hit = self.diary.hits - before
        blames = sum(number for kind, number in hit.items() if FAULTS[kind].blames)
        damaged = any(FAULTS[kind].damages for kind in hit)
        if code != 0 or blames or damaged:  # else it said that all is well, and that must be true
            self._again(asked, damaged=damaged, blames=blames)
        if self.plant:
            _take_a_row(self.scene.dataset)
        self._compare()

    def _draw(self, random: Random) -> list[str]:
        """Some kinds of faults, each of them before any of them a second time."""
        kinds: list[str] = []
        for _ in range(random.choice((1, 1, 2, 3, 4, 5))):
            self.bag = self.bag or random.sample(self.kinds, len(self.kinds))
            next_one = self.bag[-1]
            if next_one not in kinds and not (next_one in AWAY and AWAY & {*kinds}):
                kinds.append(self.bag.pop())
        return kinds

    def _befall(self, build: Build, *, due: list[tuple[float, str]], random: Random) -> None:
        """Let faults fall on a running build, each at its second, and mend them in time; what is too late stays in `due`."""
        active: list[tuple[float, Told]] = []
        try:
            while build.running() and build.seconds < self._patience:
                for moment, kind in [d for d in due if d[0] <= build.seconds]:
                    due.remove((moment, kind))
                    mischief = FAULTS[kind].do(self.scene, build, random)
                    try:
                        what, lasts = next(mischief, ("", 0.0))
                    except (psutil.NoSuchProcess, ProcessLookupError, FileNotFoundError):
                        what = ""  # the victim was gone in that very moment
                    if what:
                        self.diary.hit(kind, what, moment=round(build.seconds, 2), lasts=round(min(lasts, self._patience), 2))
                        active.append((build.seconds + lasts, mischief))
                    else:
                        due.append((build.seconds + 0.1, kind))
                for over in [a for a in active if a[0] <= build.seconds]:
                    active.remove(over)
                    next(over[1], None)
                time.sleep(0.01)
        finally:
            for _, mischief in active:
                mischief.close()

    def _again(self, asked: list[str], *, damaged: bool, blames: int) -> None:
        """After a bad night: what check finds is repaired, it is built again, and blamed rows are asked again."""
        for _ in range(4):
            if damaged and self._command("check", str(self.scene.dataset), name="check") != 0:
                self._repair()
            code = self._command(*asked, name="again")
            if code == 0:
                break
            damaged = True
        else:
            self._wrong("difference", f"four builds later it still ends with {code}: {self._last_words()}")
        if blames:
            rows = [row for row in live_rows(self.scene.dataset)["work"] if row["status"] not in ("ok", "dropped")]
            if rows:
                self.diary.blamed += len(rows)
                how = Counter(f"{row['stage']} {row['status']} {row['reason']}" for row in rows)
                self.diary.tell("blamed", rows=len(rows), faults=blames, how=dict(how))
            self._command(*asked, "--retry", name="again")

    def _repair(self) -> None:
        self._command("check", "--repair", str(self.scene.dataset), name="repair")

    def _compare(self) -> None:
        if not (self.scene.dataset / "snapshots" / "live").exists():
            self._wrong("difference", "there is no live snapshot")
        found = differences(self.scene.dataset, self.scene.folder / "twin")
        if found:
            self._wrong("difference", found[0], all=found[:20])
        elif self._command("check", str(self.scene.dataset), name="check") != 0:
            self._wrong("difference", f"it is equal, but check is not content: {self._last_words()}")
        self.diary.tell("equal")

    # Commands, as a user gives them.

    def _asked(self, settings: dict[str, str], to: Path) -> list[str]:
        chosen = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        return ["build", "text-to-music", "--from", str(self.scene.tunes), "--to", str(to), *STEADY, *chosen]

    def _command(self, *words: str, name: str, befall: Callable[[Build], None] | None = None) -> int | None:
        """Its exit status; None after a hang."""
        build = Build(self.scene, list(words), weather=name != "twin")
        if befall:
            befall(build)
        code = build.wait(self._patience)
        seconds, said = build.seconds, build.said()
        self.diary.tell(name, exit=code, seconds=round(seconds, 1), said=said[-2000:], command=" ".join(words))
        if name == "twin":
            self.calm = seconds
            self.diary.calm += seconds
        else:
            self.diary.disturbed += seconds
        if code is None:
            self._wrong("hang", said[-3000:])
        elif code in CRASHES or any("/motet/" in said.partition(sign)[2] for sign in TRACES):
            self._wrong("traceback", said[-3000:], exit_was=code)
        self._alone()
        return code

    def _alone(self) -> None:
        """Workers die with their driver: half a minute later none may be there."""
        until = time.monotonic() + 30
        while (left := strays()) and time.monotonic() < until:
            time.sleep(0.05)
        if left:
            self._wrong("stray", "; ".join(f"{process.pid} {process.name()}" for process in left))
        for process in left:
            process.kill()
        reap()

    def _wrong(self, event: str, first: str, **facts: object) -> None:
        """Something that Motet owes an answer for: all that it happened to is kept. After a difference the history is over."""
        where = self.diary.where
        kept = self.keep / f"{event}-{self.diary.seed}-{where['history']}-{where['round']}"
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for path in (self.scene.dataset, self.scene.tunes, self.scene.folder / "twin", self.scene.folder / "output"):
            if path.is_dir():
                shutil.copytree(path, kept / path.name, symlinks=True)
            elif path.exists():
                shutil.copy(path, kept)
        again = f"python soak/run.py --seed {self.diary.seed} --history {where['history']} {self.repeat}".strip()
        self.diary.tell(event, first=first, kept=str(kept), repeat=again, **facts)
        if event == "difference":
            raise Differs

    @property
    def _patience(self) -> float:
        return max(PATIENCE, 10 * self.calm)

    def _last_words(self) -> str:
        return (self.scene.folder / "output").read_text(errors="replace").strip()[-600:]


def _take_a_row(dataset: Path) -> None:
    """What a soak that works must notice."""
    table = dataset / "snapshots" / "live" / "songs.parquet"
    rows = pq.read_table(table)
    table.unlink()  # the file may have other names
    pq.write_table(rows.slice(1), table)
