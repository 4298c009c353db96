"""How the last picture is made ready to be painted over: its colours, contrast and sharpness."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["contrasted", "matched", "of_lab", "sharpened", "to_lab"]

Floats = npt.NDArray[np.float32]

# sRGB to CIE XYZ under D65, each row over the white's value (IEC 61966-2-1).
XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
XYZ = XYZ / XYZ.sum(axis=1, keepdims=True)
CUT = 6 / 29


def to_lab(rgb: Floats) -> Floats:
    """CIE L*a*b* (..., 3) of sRGB (..., 3) from 0 to 1."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((np.maximum(rgb, 0) + 0.055) / 1.055) ** 2.4)
    xyz = linear @ XYZ.T
    x, y, z = np.moveaxis(np.where(xyz > CUT**3, np.cbrt(xyz), xyz / (3 * CUT**2) + 4 / 29), -1, 0)
    lab: Floats = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)
    return lab


def of_lab(lab: Floats) -> Floats:
    """sRGB from 0 to 1 of CIE L*a*b*; colours that sRGB lacks are cut off."""
    y = (lab[..., 0].astype(np.float64) + 16) / 116
    turned = np.stack([y + lab[..., 1] / 500, y, y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(turned > CUT, turned**3, 3 * CUT**2 * (turned - 4 / 29))
    linear = np.clip(xyz @ np.linalg.inv(XYZ).T, 0, 1)
    rgb: Floats = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)
    return rgb


def matched(picture: Floats, model: Floats, space: str) -> Floats:
    """`picture` (h, w, 3) from 0 to 1 with the histograms of `model` in each channel of `space` ("LAB", "RGB" or "None")."""
    if space == "None":
        return picture
    if space == "LAB":
        return of_lab(_matched(to_lab(picture), to_lab(model)))
    return _matched(picture, model)


def _matched(picture: Floats, model: Floats) -> Floats:
    """Each value becomes the one of equal rank (Gonzalez and Woods, "Digital Image Processing", 3.3.2)."""
    out = np.empty_like(picture)
    for channel in range(picture.shape[2]):
        _, where, counts = np.unique(picture[..., channel], return_inverse=True, return_counts=True)
        ranks = (np.cumsum(counts) - counts / 2) / picture[..., channel].size
        wanted = np.sort(model[..., channel], axis=None)
        places = (np.arange(wanted.size) + 0.5) / wanted.size
        out[..., channel] = np.interp(ranks, places, wanted)[where].reshape(picture.shape[:2])
    return out


def contrasted(picture: Floats, factor: float) -> Floats:
    """`picture` from 0 to 1, brighter by `factor` as Deforum means contrast."""
    lit: Floats = np.clip(picture * np.float32(min(max(factor, 0.0), 4.0)), 0, 1)
    return lit


def sharpened(picture: Floats, kernel: float, sigma: float, amount: float, threshold: float) -> Floats:
    """Unsharp mask: adds `amount` of what a Gaussian blur (`sigma`, `kernel` pixels) takes away, where over `threshold` / 255."""
    if amount <= 0 or sigma <= 0:
        return picture
    reach = int(min(max(kernel, 1), 51)) // 2
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / min(max(sigma, 0.01), 50.0)) ** 2)
    weights /= weights.sum()
    padded = np.pad(picture, ((reach, reach), (reach, reach), (0, 0)), mode="edge").astype(np.float64)
    height, width = picture.shape[:2]
    rows = sum(weight * padded[at : at + height] for at, weight in enumerate(weights))
    blurred = sum(weight * rows[:, at : at + width] for at, weight in enumerate(weights))
    lost = picture - blurred
    sharp = picture + min(amount, 10.0) * np.where(np.abs(lost) < threshold / 255, 0, lost)
    return np.clip(sharp, 0, 1).astype(np.float32)
