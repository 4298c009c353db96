"""What is present on this machine, what is missing, and how to add it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil

from motet.run.engine import usable_cores
from motet.wording import size


@dataclass(frozen=True)
class Finding:
    what: str
    ok: bool
    needed: bool
    detail: str


def examine() -> list[Finding]:
    """One finding per thing Motet needs or can use."""
    version = ".".join(map(str, sys.version_info[:3]))
    memory = psutil.virtual_memory()
    found = [
        Finding("python", sys.version_info >= (3, 11), True, f"{version} (3.11 or newer is needed)"),
        Finding("machine", True, False, f"{usable_cores()} cores, {size(memory.total)} of memory"),
        Finding("disk", True, False, f"{size(shutil.disk_usage(Path.cwd()).free)} free here"),
        _temporary(),
    ]
    for library in ("symusic", "pyarrow", "duckdb", "pebble", "numba", "scipy", "soundfile", "av", "soxr"):
        found.append(_library(library, True, f"pip install {library}"))
    found.append(_font())
    found.append(_library("pedalboard", False, 'effects and VST3 plug-ins, pip install "motet[effects]"'))
    found.append(_library("dawdreamer", False, 'VST2 and LV2 plug-ins, pip install "motet[vst]"'))
    found.append(_library("tinysoundfont", False, "another synth, pip install --no-deps tinysoundfont"))
    found.append(_fluidsynth())
    found.append(_library("demucs", False, 'voices taken out of recordings, pip install "motet[separate]"'))
    found.append(_library("yt-dlp", False, 'recordings from web addresses, pip install "motet[gather]"'))
    found.append(_library("onnxruntime", False, 'taggers and embeddings of your own, pip install "motet[onnx]"'))
    found.append(_library("essentia", False, 'another ear for tempo and key, pip install "motet[essentia]"'))
    return found


def _library(name: str, needed: bool, fix: str) -> Finding:
    try:
        return Finding(name, True, needed, importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Finding(name, False, needed, f"missing: {fix}")


def _fluidsynth() -> Finding:
    from motet import render

    version = render.version("fluidsynth")
    return Finding("fluidsynth", bool(version), False, version or "missing: another synth, apt install libfluidsynth3")


def _temporary() -> Finding:
    folder = tempfile.gettempdir()
    return Finding("temporary", os.access(folder, os.W_OK), True, f"{folder} must be writable")


def _font() -> Finding:
    from motet import render

    try:
        font = render.find()
    except render.FontError as error:
        return Finding("soundfont", False, True, error.detail)
    return Finding("soundfont", True, True, f"{font.name} ({font.licence})")
