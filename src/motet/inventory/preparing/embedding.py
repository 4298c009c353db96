"""Embeddings by any model: a function of one's own, or an ONNX file."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.errors import UserError
from motet.inventory.preparing.sound import Samples, Unusable

__all__ = ["Model", "digest", "embedded", "load"]

Model = Callable[[Samples, int], Any]
"""(mono float32 samples (frames,), their rate) -> numbers of the shape (size,) or (steps, size)."""

_EMBED = 'set embed to "package.module:function" or to the path of an .onnx file'


def load(named: str) -> Model:
    """The model that a setting names. Raises UserError."""
    return _onnx(Path(named)) if named.endswith(".onnx") else _function(named)


def digest(named: str) -> str:
    """What the model is: of an ONNX file its content, of a function its module's source and its own `digest`, if it has one.

    Raises UserError where it cannot be had.
    """
    if named.endswith(".onnx"):
        load(named)  # what cannot be used is told before work begins
        path = Path(named).expanduser()
        try:
            # A large model keeps its weights beside itself, under its own name and more.
            files = [path, *sorted(other for other in path.parent.iterdir() if _of(path, other))]
            return _of_all(files)
        except OSError as error:
            raise UserError(f"The model {named} cannot be read ({error.strerror}): correct the path.") from None
    function = _function(named)
    source = inspect.getsourcefile(inspect.unwrap(function)) if inspect.isroutine(function) else None
    told = hashlib.sha256(Path(source).read_bytes() if source else named.encode())
    told.update(str(getattr(function, "digest", "")).encode())
    return told.hexdigest()


def embedded(model: Model, samples: Samples, rate: int) -> npt.NDArray[np.float32]:
    """What the model makes of mono samples: float32 (size,) or (steps, size). Raises Unusable `no_embedding`."""
    numbers = np.asarray(model(np.ascontiguousarray(samples, np.float32), rate))
    if numbers.ndim not in (1, 2) or not numbers.size or numbers.dtype.kind not in "fiu":
        raise Unusable(
            "no_embedding", f"the model gave {numbers.dtype} of the shape {numbers.shape}, not (size,) or (steps, size)"
        )
    if not np.isfinite(numbers).all():
        raise Unusable("no_embedding", "the model gave numbers that are not finite")
    return np.ascontiguousarray(numbers, np.float32)


def _of(model: Path, other: Path) -> bool:
    return other.name.startswith((f"{model.name}.", f"{model.name}_", f"{model.stem}.data")) and other.is_file()


def _of_all(files: list[Path]) -> str:
    digests = []
    for path in files:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _function(named: str) -> Model:
    module, colon, name = named.partition(":")
    if not (module and colon and name):
        raise UserError(f"{named!r} names no model: {_EMBED}.")
    try:
        found: Any = importlib.import_module(module)
        for step in name.split("."):
            found = getattr(found, step)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            said = f"There is no module called {error.name}: install it, or put its folder on PYTHONPATH."
            raise UserError(said) from None
        raise UserError(f"The model {named} cannot be loaded ({error}): install what it needs.") from None
    except (ImportError, AttributeError) as error:
        raise UserError(f"The model {named} cannot be loaded ({error}): {_EMBED}.") from None
    if not callable(found):
        raise UserError(f"The model {named} is no function: {_EMBED}.")
    model: Model = found
    return model


def _onnx(path: Path) -> Model:
    if importlib.util.find_spec("onnxruntime") is None:
        raise UserError('ONNX models need onnxruntime: pip install "motet[onnx]".')
    import onnxruntime

    path = path.expanduser()
    if not path.is_file():
        raise UserError(f"The model {path} is not there: correct the path.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # one core per worker, and the same bits on any machine
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - the library's errors share no type
        raise UserError(f"The model {path} cannot be loaded ({str(error).splitlines()[0][:200]}): give another file.") from None
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) not in (1, 2, 3):
        raise UserError(f"The model {path} does not take samples alone (float, 1 to 3 axes): wrap it in a function.")
    name, axes = inputs[0].name, len(inputs[0].shape)

    def model(samples: Samples, rate: int) -> Any:
        told = np.asarray(session.run(None, {name: samples.reshape((1,) * (axes - 1) + (-1,))})[0])
        # Axes of one element are the batch's, and a channel's.
        while told.ndim > 1 and told.shape[0] == 1:
            told = told[0]
        return told

    return model
