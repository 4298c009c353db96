"""What can befall a build: a function per fault.

Each is a generator. It does its mischief, yields once what it did and for how many seconds it stays so, and mends it when it is
resumed, then or when the build has ended. One that finds nothing to hit yields nothing.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import shutil
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from scene import Build, Scene, pick

Told = Generator[tuple[str, float], None, None]
Mischief = Callable[[Scene, Build, Random], Told]
UNTIL_THE_END = 1e6
DAY = 86_400


@dataclass(frozen=True)
class Fault:
    do: Mischief
    needs: str = ""  # mounts, weather or ray
    blames: bool = False  # rows may end as crashed or timed out, which --retry asks again
    damages: bool = False  # what is stored may be wrong afterwards, which check finds and --repair mends


def kill_worker(scene: Scene, build: Build, random: Random) -> Told:
    victim = pick(random, build)
    if victim:
        victim.kill()
        yield f"SIGKILL to a worker, {victim.pid}", 0


def kill_workers(scene: Scene, build: Build, random: Random) -> Told:
    victims = build.workers()
    for victim in victims:
        victim.kill()
    if victims:
        yield f"SIGKILL to all {len(victims)} workers", 0


def kill_driver(scene: Scene, build: Build, random: Random) -> Told:
    build.driver.kill()
    yield "SIGKILL to the driver", 0


def interrupt(scene: Scene, build: Build, random: Random) -> Told:
    if random.random() < 0.5:
        build.driver.terminate()
        yield "SIGTERM to the driver", 0
    else:
        build.driver.send_signal(2)
        yield "Ctrl-C to the driver", 0


def stop_worker(scene: Scene, build: Build, random: Random) -> Told:
    victim = pick(random, build)
    if victim:
        yield from _stopped([victim], "a worker", random)


def stop_driver(scene: Scene, build: Build, random: Random) -> Told:
    yield from _stopped([build.driver], "the driver", random)


def stop_all(scene: Scene, build: Build, random: Random) -> Told:
    yield from _stopped([build.driver, *build.workers()], "the driver and all workers", random)


def _stopped(victims: list[psutil.Process], who: str, random: Random) -> Told:
    """SIGSTOP, and some seconds later SIGCONT: a laptop that sleeps, a machine that is overrun."""
    for victim in victims:
        victim.suspend()
    try:
        yield f"SIGSTOP to {who}", random.uniform(0.3, 8)
    finally:
        for victim in victims:
            try:
                victim.resume()
            except psutil.NoSuchProcess:
                continue


def full_disk(scene: Scene, build: Build, random: Random) -> Told:
    left = random.choice((0, 4096, random.randint(0, 2 << 20), random.randint(0, 32 << 20)))
    scene.fill(left)
    try:
        yield f"{left:,} bytes left on the disk", random.choice((UNTIL_THE_END, random.uniform(0.5, 5)))
    finally:
        scene.make_room()


def disk_gone(scene: Scene, build: Build, random: Random) -> Told:
    """Unmounted under a running build, and mounted again."""
    scene.take_away()
    try:
        yield "sources and dataset are unmounted", random.uniform(0.2, 5)
    finally:
        scene.bring_back()


def dataset_away(scene: Scene, build: Build, random: Random) -> Told:
    yield from _away(scene.dataset, random)


def sources_away(scene: Scene, build: Build, random: Random) -> Told:
    yield from _away(scene.tunes, random)


def _away(folder: Path, random: Random) -> Told:
    """Renamed, and named back: a share that is gone. What was written in its place is lost, as it would be under a mount."""
    aside = folder.with_name(f"{folder.name} away")
    if folder.exists():
        folder.rename(aside)
        try:
            yield f"{folder.name} has another name", random.uniform(0.2, 5)
        finally:
            if folder.exists():
                shutil.rmtree(folder)
            aside.rename(folder)


def slow_disk(scene: Scene, build: Build, random: Random) -> Told:
    delay = random.choice((2_000, 20_000, 100_000))
    scene.weather.set(delay=delay)
    try:
        yield f"the disk is late by {delay // 1000} ms, every time", random.uniform(1, 10)
    finally:
        scene.weather.set(delay=0)


def disk_errors(scene: Scene, build: Build, random: Random) -> Told:
    number = random.choice((errno.EIO, errno.ESTALE, errno.EROFS, errno.ETIMEDOUT))
    scene.weather.set(error=number)
    try:
        yield f"reading and writing end with {errno.errorcode[number]}", random.uniform(0.05, 2)
    finally:
        scene.weather.set(error=0)


def clock_jump(scene: Scene, build: Build, random: Random) -> Told:
    by = random.choice((1, -1)) * random.choice((61, 3600, DAY, 400 * DAY, 12 * 365 * DAY))
    scene.weather.set(clock=by)
    try:
        yield f"the clock jumps by {by:,} s", random.choice((UNTIL_THE_END, random.uniform(0.5, 5)))
    finally:
        scene.weather.set(clock=0)


def kill_biggest(scene: Scene, build: Build, random: Random) -> Told:
    """What the kernel does when memory is short: SIGKILL to the biggest."""
    sizes = {}
    for process in build.workers():
        try:
            sizes[process] = process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    if sizes:
        victim = max(sizes, key=lambda process: sizes[process])
        victim.kill()
        yield f"SIGKILL to the biggest worker, of {sizes[victim] >> 20} MB", 0


def no_memory(scene: Scene, build: Build, random: Random) -> Told:
    """A worker gets no more memory from the kernel than it has, and a little."""
    victim = pick(random, build)
    if victim:
        before = resource.prlimit(victim.pid, resource.RLIMIT_AS)
        more = random.choice((0, 1 << 20, 16 << 20))
        resource.prlimit(victim.pid, resource.RLIMIT_AS, (victim.memory_info().vms + more, before[1]))
        try:
            yield f"no memory for a worker beyond {more >> 20} MB more", random.uniform(0.5, 4)
        finally:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(victim.pid, resource.RLIMIT_AS, before)


def kill_raylet(scene: Scene, build: Build, random: Random) -> Told:
    """A node of Ray is lost."""
    nodes = [process for process in build.workers() if process.name() == "raylet"]
    if nodes:
        victim = random.choice(nodes)
        victim.kill()
        yield f"SIGKILL to a raylet, {victim.pid}", 0


def flip(scene: Scene, build: Build, random: Random) -> Told:
    """Some bytes of a stored file are other ones."""
    victim = stored(scene.dataset, random)
    if victim and victim.stat().st_size:
        before = victim.stat()
        data = bytearray(victim.read_bytes())
        at = random.randrange(len(data))
        for place in range(at, min(len(data), at + random.choice((1, 4, 512)))):
            data[place] ^= random.randrange(1, 256)
        _overwrite(victim, bytes(data))
        os.utime(victim, ns=(before.st_atime_ns, before.st_mtime_ns))  # rot does not touch a file's time
        yield f"bytes flipped in {victim.relative_to(scene.dataset)} from {at} on", 0


def cut_short(scene: Scene, build: Build, random: Random) -> Told:
    victim = stored(scene.dataset, random)
    if victim and victim.stat().st_size:
        left = random.randrange(victim.stat().st_size)
        _overwrite(victim, victim.read_bytes()[:left])
        yield f"{victim.relative_to(scene.dataset)} cut to {left} bytes", 0


def lose_file(scene: Scene, build: Build, random: Random) -> Told:
    victim = stored(scene.dataset, random)
    if victim:
        victim.unlink()
        yield f"{victim.relative_to(scene.dataset)} lost", 0


def lose_cache(scene: Scene, build: Build, random: Random) -> Told:
    """The README says that the cache can be deleted."""
    if (scene.dataset / "cache").exists():
        shutil.rmtree(scene.dataset / "cache", ignore_errors=True)  # a build may be writing there
        yield "cache deleted", 0


def stored(dataset: Path, random: Random) -> Path | None:
    """A file that a build has said it wrote: a part that counts, a live table or a live verdict, a file of media."""
    kind = random.choice(("parts", "live", "media"))
    try:
        if kind == "parts":
            parts = json.loads((dataset / "commits.json").read_bytes())["parts"]
            found = [dataset / folder / name for folder, names in parts.items() for name in names]
        else:
            found = sorted((dataset / ("snapshots/live" if kind == "live" else "media")).rglob("*.*"))
    except (FileNotFoundError, json.JSONDecodeError, KeyError):
        return None
    found = [path for path in found if path.is_file()]
    return random.choice(found) if found else None


def _overwrite(path: Path, data: bytes) -> None:
    """In place, as a disk does it: names that share the file see it too."""
    with path.open("r+b") as file:
        file.write(data)
        file.truncate()


FAULTS: dict[str, Fault] = {
    "kill_worker": Fault(kill_worker, blames=True),
    "kill_workers": Fault(kill_workers, blames=True),
    "kill_driver": Fault(kill_driver),
    "interrupt": Fault(interrupt),
    "stop_worker": Fault(stop_worker, blames=True),
    "stop_driver": Fault(stop_driver, blames=True),
    "stop_all": Fault(stop_all, blames=True),
    "full_disk": Fault(full_disk, needs="mounts"),
    "disk_gone": Fault(disk_gone, needs="mounts", blames=True),
    "dataset_away": Fault(dataset_away, blames=True),
    "sources_away": Fault(sources_away, blames=True),
    "slow_disk": Fault(slow_disk, needs="weather", blames=True),
    "disk_errors": Fault(disk_errors, needs="weather", blames=True),
    "clock_jump": Fault(clock_jump, needs="weather"),
    "kill_biggest": Fault(kill_biggest, blames=True),
    "no_memory": Fault(no_memory, blames=True),
    "kill_raylet": Fault(kill_raylet, needs="ray", blames=True),
    "flip": Fault(flip, damages=True),
    "cut_short": Fault(cut_short, damages=True),
    "lose_file": Fault(lose_file, damages=True),
    "lose_cache": Fault(lose_cache),
}
