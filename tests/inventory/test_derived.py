"""What was made of data is told by its content: spectrograms, embeddings, manifests, logs, checkpoints, processed files."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory import seed_tree as tree
from inventory.small import holding, seen, taps, voices
from motet.inventory.findings import Derived


def made(disk: Path) -> Derived:
    (found,) = seen(disk).derived
    return found


@pytest.mark.parametrize(
    ("shape", "kind"),
    [((80, 30), "mel_spectrograms"), ((30, 128), "mel_spectrograms"), ((512,), "embeddings"), ((7, 3), "features")],
)
def test_arrays_are_told_by_their_shape(shape: tuple[int, ...], kind: str, tmp_path: Path) -> None:
    files = {f"{at}.npy": tree.array(shape, at + 1) for at in range(3)}
    folder = tree.write(tmp_path / "disk" / "some" / "where", files)
    one = made(tmp_path / "disk")
    assert (one.kind, one.where, one.files) == (kind, str(folder), 3)
    assert one.bytes == sum(map(len, files.values()))


def test_files_whose_names_hold_a_datasets_names_were_made_of_it(tmp_path: Path) -> None:
    names = [path.rpartition("/")[2].removesuffix(".wav") for path in voices()]
    folder = tree.write(tmp_path / "disk" / "work", {f"{name}_16k.wav": tree.wave(1, rate=16_000) for name in names})
    one = made(tmp_path / "disk")
    assert (one.kind, one.dataset, one.where, one.files) == ("processed", "voices", str(folder), 4)
    assert holding(seen(tmp_path / "disk"), "voices").state == "processed_only"


def test_a_manifest_is_one_file_with_its_bytes_and_says_how_many_of_its_files_are_there(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "taps", taps())
    rows = b'{"midi": "taps/player1/take1_tap.mid"}\n{"midi": "taps/player9/gone.mid"}\n'
    tree.write(tmp_path / "disk", {"train.jsonl": rows})
    one = made(tmp_path / "disk")
    assert (one.kind, one.where, one.files, one.bytes) == ("manifest", str(tmp_path / "disk" / "train.jsonl"), 1, len(rows))
    assert one.evidence == "Rows name files: 1 of the first 2 are there."
    assert one.dataset == "taps"


def test_training_logs_name_their_models_and_runs(tmp_path: Path) -> None:
    tree.write(tmp_path / "disk" / "logs" / "training", tree.training_logs())
    one = made(tmp_path / "disk")
    assert (one.kind, one.names) == ("training_log", tuple(sorted(tree.MODELS)))
    assert one.files == len(tree.training_logs())


def test_files_of_weights_are_checkpoints(tmp_path: Path) -> None:
    tree.write(
        tmp_path / "disk" / "models", {"best.ckpt": b"weights" * 99, "last.safetensors": b"\x10" + bytes(7) + b"{}" + bytes(99)}
    )
    one = made(tmp_path / "disk")
    assert (one.kind, one.files) == ("checkpoints", 2)


def test_arrays_that_lie_about_themselves_are_features_of_nothing_and_break_nothing(tmp_path: Path) -> None:
    head = b"\x93NUMPY\x01\x00\xff\xff{'descr': '<f99999999999', 'shape': (" + b"9" * 5000 + b",), }"
    tree.write(tmp_path / "disk" / "odd", {"a.npy": head, "b.npy": b"\x93NUMPY", "c.npy": tree.array((3,), 1)[:40]})
    assert made(tmp_path / "disk").kind == "features"
