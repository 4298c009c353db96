"""Demucs models whose weights are drawn by chance, kept as demucs keeps its own."""

from pathlib import Path
from typing import Any

import pytest
import yaml

RATE = 8000
STEMS = ["drums", "bass", "other", "vocals"]


def transformer(seed: int = 0, channels: int = 2, sources: list[str] = STEMS) -> Any:
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(seed)
    tiny = {"channels": 8, "nfft": 512, "depth": 2, "t_layers": 1, "t_heads": 2, "samplerate": RATE, "segment": 1}
    return HTDemucs(sources=sources, audio_channels=channels, **tiny)


def keep(folder: Path, net: Any, signature: str = "abcd0123", **said: Any) -> Path:
    """A folder of models as demucs reads it: pickled weights, their checksum in the name, and a bag that lists them."""
    states: Any = pytest.importorskip("demucs.states")
    folder.mkdir(exist_ok=True)
    args, kwargs = net._init_args_kwargs
    package = {"klass": type(net), "args": args, "kwargs": kwargs, "state": states.get_state(net, None)}
    states.save_with_checksum(package, folder / f"{signature}.th")
    (folder / "tiny.yaml").write_text(yaml.safe_dump({"models": [signature], **said}))
    return folder
