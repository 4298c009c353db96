"""Models that hear: a function of one's own, or an ONNX file."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from motet.audio.errors import Unusable
from motet.errors import UserError

__all__ = ["Model", "Network", "digest", "digest_of", "embedded", "load", "network"]

Samples = npt.NDArray[np.float32]
Model = Callable[[Samples, int], Any]
"""(mono float32 samples (frames,), their rate) -> numbers of the shape (size,) or (steps, size)."""


def load(named: str, setting: str = "embed") -> Model:
    """The model that a setting names. Raises UserError."""
    return _onnx(Path(named)) if named.endswith(".onnx") else _function(named, setting)


def digest(named: str, setting: str = "embed") -> str:
    """What the model is: of an ONNX file its content, of a function its module's source and its own `digest`, if it has one.

    Raises UserError where it cannot be had.
    """
    if named.endswith(".onnx"):
        load(named)  # what cannot be used is told before work begins
        return digest_of(Path(named))
    function = _function(named, setting)
    source = inspect.getsourcefile(inspect.unwrap(function)) if inspect.isroutine(function) else None
    told = hashlib.sha256(Path(source).read_bytes() if source else named.encode())
    told.update(str(getattr(function, "digest", "")).encode())
    return told.hexdigest()


def digest_of(path: Path) -> str:
    """SHA-256 of a file of weights, together with those that lie beside it. Raises UserError."""
    path = path.expanduser()
    try:
        # A large model keeps its weights beside itself, under its own name and more.
        return _of_all([path, *sorted(other for other in path.parent.iterdir() if _of(path, other))])
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"The model {path} cannot be read ({said}): correct the path.") from None


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


@dataclass(frozen=True, eq=False)
class Network:
    """An ONNX file that takes one array of floats. Its axes have a size each, or None where any will do."""

    path: Path
    session: Any
    takes: str
    axes: tuple[int | None, ...]
    gives: Mapping[str, tuple[int | None, ...]]

    def __call__(self, array: npt.NDArray[np.float32], output: str = "") -> npt.NDArray[Any]:
        """What it makes of an array, with axes of one element put before it as need be; of `output`, or the first it gives."""
        shaped = array.reshape((1,) * (len(self.axes) - array.ndim) + array.shape)
        told = np.asarray(self.session.run([output or next(iter(self.gives))], {self.takes: shaped})[0])
        # Axes of one element are the batch's, and a channel's.
        while told.ndim > 1 and told.shape[0] == 1:
            told = told[0]
        return told


def network(path: Path) -> Network:
    """The ONNX file, ready to run on one core of the processor. Raises UserError."""
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
    if len(inputs) != 1 or inputs[0].type != "tensor(float)":
        raise UserError(f"The model {path} does not take one array of floats: wrap it in a function.")
    gives = {one.name: _axes(one.shape) for one in session.get_outputs()}
    return Network(path, session, inputs[0].name, _axes(inputs[0].shape), gives)


def _axes(shape: list[int | str | None]) -> tuple[int | None, ...]:
    return tuple(size if isinstance(size, int) and size > 0 else None for size in shape)


def _of(model: Path, other: Path) -> bool:
    return other.name.startswith((f"{model.name}.", f"{model.name}_", f"{model.stem}.data")) and other.is_file()


def _of_all(files: list[Path]) -> str:
    digests = []
    for path in files:
        with path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()


def _function(named: str, setting: str) -> Model:
    advice = f'set {setting} to "package.module:function" or to the path of an .onnx file'
    module, colon, name = named.partition(":")
    if not (module and colon and name):
        raise UserError(f"{named!r} names no model: {advice}.")
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
        raise UserError(f"The model {named} cannot be loaded ({error}): {advice}.") from None
    if not callable(found):
        raise UserError(f"The model {named} is no function: {advice}.")
    model: Model = found
    return model


def _onnx(path: Path) -> Model:
    heard = network(path)
    if len(heard.axes) not in (1, 2, 3):
        raise UserError(f"The model {heard.path} does not take samples alone (float, 1 to 3 axes): wrap it in a function.")

    def model(samples: Samples, rate: int) -> Any:
        return heard(samples)

    return model
