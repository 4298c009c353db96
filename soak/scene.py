"""Where it all happens: a disk of its own that can be filled, taken away and brought back, and builds as a user starts them."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psutil

MOTET = Path(sys.executable).with_name("motet")
SIZE = 800  # MB of the disk, about six times of what a dataset here takes

_libc = ctypes.CDLL(None, use_errno=True)
NEW_MOUNTS, NEW_USER, PRIVATE, RECURSIVE, BIND, REMOUNT, LAZY = 1 << 17, 1 << 28, 1 << 18, 1 << 14, 1 << 12, 1 << 5, 2
DIE_WITH_PARENT, ADOPT = 1, 36  # prctl


def mount(source: str | Path, at: Path, *, kind: str | None = None, flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    _told(_libc.mount(str(source).encode(), str(at).encode(), kind.encode() if kind else None, flags, options.encode()), at)


def unmount(at: Path) -> None:
    """Take away what is mounted there, lazily: whoever has a file open keeps it."""
    _told(_libc.umount2(str(at).encode(), LAZY), at)


def _told(result: int, path: Path) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(path))


def own_mounts() -> str:
    """Give this process a view of mounts of its own, which goes when its last process goes; why not, if that is not allowed."""
    user, group = os.getuid(), os.getgid()
    try:
        if user:
            _told(_libc.unshare(NEW_USER | NEW_MOUNTS), Path("/"))
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {user} 1")
            Path("/proc/self/gid_map").write_text(f"0 {group} 1")
        else:
            _told(_libc.unshare(NEW_MOUNTS), Path("/"))
        mount("none", Path("/"), flags=PRIVATE | RECURSIVE)
    except OSError as error:
        return f"mounts of our own are not allowed here ({error.strerror})"
    return ""


class Weather:
    """What the processes of a build are told of clock and disk: see weather.c."""

    def __init__(self, folder: Path) -> None:
        self.file, self.library = folder / "weather", folder / "weather.so"
        self.calm()
        compiler = shutil.which("gcc") or shutil.which("cc")
        self.missing = "" if compiler else "there is no C compiler"
        if compiler:
            source = Path(__file__).with_name("weather.c")
            made = subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", self.library, source, "-ldl"], check=False)
            self.missing = "weather.c was not compiled" if made.returncode else ""

    def calm(self) -> None:
        self.file.write_bytes(bytes(24))

    def set(self, *, clock: int | None = None, delay: int | None = None, error: int | None = None) -> None:
        """Seconds the clock is wrong by, microseconds the disk is late by, the errno it answers with; None: as it was."""
        with self.file.open("r+b") as file:
            for place, value in enumerate((clock, delay, error)):
                if value is not None:
                    file.seek(8 * place)
                    file.write(struct.pack("=q", value))


@dataclass
class Scene:
    """Folders, disk and weather of one soak."""

    folder: Path
    no_mounts: str = field(init=False)
    weather: Weather = field(init=False)

    def __post_init__(self) -> None:
        self.no_mounts = own_mounts()
        _libc.prctl(ADOPT, 1, 0, 0, 0)  # orphans become our children: none is missed
        self.weather = Weather(self.folder)
        self.disk.mkdir()
        if not self.no_mounts:
            self.shelf.mkdir()
            mount("soak", self.shelf, kind="tmpfs", options=f"size={SIZE}m")
            mount(self.shelf, self.disk, flags=BIND)

    @property
    def disk(self) -> Path:
        """Where the sources and the dataset lie."""
        return self.folder / "disk"

    @property
    def shelf(self) -> Path:
        """The file system of the disk, which stays when the disk is gone."""
        return self.folder / "shelf"

    @property
    def dataset(self) -> Path:
        return self.disk / "dataset"

    @property
    def tunes(self) -> Path:
        return self.disk / "tunes"

    def fresh(self) -> None:
        """An empty disk."""
        for path in self.disk.iterdir():
            shutil.rmtree(path)

    def fill(self, left: int) -> None:
        """Make the disk so small that only some bytes are left."""
        told = os.statvfs(self.shelf)
        mount("soak", self.shelf, flags=REMOUNT, options=f"size={(told.f_blocks - told.f_bfree) * told.f_frsize + left}")

    def make_room(self) -> None:
        mount("soak", self.shelf, flags=REMOUNT, options=f"size={SIZE}m")

    def take_away(self) -> None:
        unmount(self.disk)

    def bring_back(self) -> None:
        """The disk is there again, over whatever was written meanwhile to where it had been."""
        for path in self.disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        mount(self.shelf, self.disk, flags=BIND)

    def close(self) -> None:
        """End what still runs and delete everything."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        left = strays()
        for process in left:
            process.kill()
        psutil.wait_procs(left, 30)
        reap()
        if not self.no_mounts:
            for at in (self.disk, self.shelf):
                try:
                    unmount(at)
                except OSError as error:
                    if error.errno != errno.EINVAL:  # the disk was away
                        raise
        shutil.rmtree(self.folder)


class Build:
    """A `motet` command of a user, running."""

    def __init__(self, scene: Scene, command: list[str], *, weather: bool = True) -> None:
        self.command, self.output = command, scene.folder / "output"
        env = os.environ | {
            "PYTHONFAULTHANDLER": "1",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_TMPDIR": str(scene.folder),
            "TMPDIR": str(scene.folder),
        }
        if weather and not scene.weather.missing:
            env |= {
                "LD_PRELOAD": str(scene.weather.library),
                "SOAK_WEATHER": str(scene.weather.file),
                "SOAK_DISK": str(scene.disk),
            }
        self.began = time.monotonic()
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [MOTET, *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=env,
                cwd=scene.folder,
                preexec_fn=_mortal,  # noqa: PLW1509 (we have one thread)
            )
        self.driver = psutil.Process(self.process.pid)

    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def workers(self) -> list[psutil.Process]:
        """The processes that do the rows."""
        try:
            children = self.driver.children(recursive=True)
            return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
        except psutil.NoSuchProcess:
            return []

    def wait(self, most: float) -> int | None:
        """Its exit status, or None when it has not ended within so many seconds; then it has said on its output where it was."""
        try:
            return self.process.wait(max(0.1, most - self.seconds))
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            return None

    def said(self) -> str:
        return self.output.read_text(errors="replace")


def pick(random: Random, build: Build) -> psutil.Process | None:
    """One of a build's workers."""
    workers = build.workers()
    return random.choice(workers) if workers else None


def strays() -> list[psutil.Process]:
    """Whatever we or our children started and still runs."""
    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def reap() -> None:
    """Bury dead orphans; only called while no command runs."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _mortal() -> None:
    """Die with the soak, whatever ends it."""
    _libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
