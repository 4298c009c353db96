"""A picture seen from a moved camera, as a plane at one distance: a homography (Hartley and Zisserman 2004, ch. 13)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["homography", "moved"]

Matrix = npt.NDArray[np.float64]

DISTANCE = 200.0  # units of translation from the camera to the picture
NEAREST = 0.05  # of that distance, where the camera stops


def homography(moves: Mapping[str, float], fov: float, size: tuple[int, int]) -> Matrix:
    """Where the points of a picture of `size` (width, height) go, in pixels from its middle: (3, 3).

    Angles in degrees; x to the right and y up in 200ths of the distance, z towards the picture. Positive: `angle` and
    `rotation_3d_z` turn what is seen anticlockwise, `rotation_3d_y` moves it to the right, `rotation_3d_x` up. `fov` is
    what of the height is seen, in degrees.
    """
    focus = 1 / math.tan(math.radians(min(max(abs(fov), 5.0), 150.0)) / 2)
    # From pixels, y down, to the plane at distance 1, with y up.
    plane = np.diag([2 / (size[1] * focus), -2 / (size[1] * focus), 1.0])
    turn = (
        _about(2, moves["rotation_3d_z"] + moves["perspective_flip_gamma"])
        @ _about(1, moves["rotation_3d_y"] + moves["perspective_flip_phi"])
        @ _about(0, moves["rotation_3d_x"] + moves["perspective_flip_theta"])
    )
    shift = np.array([moves["translation_x"], moves["translation_y"], -moves["translation_z"]]) / DISTANCE
    shift[2] = max(shift[2], NEAREST - 1)
    turn[:, 2] += shift
    zoom = min(max(moves["zoom"], 0.05), 20.0)
    flat = _about(2, moves["angle"]) @ np.diag([zoom, zoom, 1.0])
    whole: Matrix = np.linalg.inv(plane) @ turn @ flat @ plane
    return whole


def _about(axis: int, degrees: float) -> Matrix:
    """Turns about x (what is in front goes up), y (to the right) or z (anticlockwise)."""
    angle = math.radians(math.remainder(degrees, 360.0))
    c, s = math.cos(angle), math.sin(angle)
    rows = {
        0: [[1, 0, 0], [0, c, s], [0, -s, c]],
        1: [[c, 0, s], [0, 1, 0], [-s, 0, c]],
        2: [[c, -s, 0], [s, c, 0], [0, 0, 1]],
    }
    return np.array(rows[axis], np.float64)


def moved(picture: Tensor, matrix: Matrix) -> Tensor:
    """`picture` (1, channels, h, w) after `matrix`; what comes in from outside mirrors what is within."""
    import torch

    height, width = picture.shape[2:]
    back = np.linalg.inv(matrix)
    across, down = np.meshgrid(np.arange(width) - (width - 1) / 2, np.arange(height) - (height - 1) / 2)
    x, y, w = np.tensordot(back, np.stack([across, down, np.ones_like(across)]), axes=1)
    w = np.where(w > 1e-3, w, 1e-3)  # behind the camera there is no picture
    grid = np.stack([2 * x / w / width, 2 * y / w / height], axis=-1)
    grid = np.clip(grid, -64, 64).astype(np.float32)
    return torch.nn.functional.grid_sample(
        picture, torch.from_numpy(grid)[None].to(picture), mode="bicubic", padding_mode="reflection", align_corners=False
    )
