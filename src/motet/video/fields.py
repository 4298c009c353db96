"""The numbers of a picture that a Parseq document may drive, and how far each may go."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FIELDS", "Field"]


@dataclass(frozen=True)
class Field:
    """A numeric field of Parseq: `rest` is the value it has in a document that says nothing of it.

    `delta`: Deforum takes the difference from the frame before, so that a document tells a place and the picture sees a
    movement. `low` and `high` are the least and most that a mapping may ask Deforum to see at one frame: the value itself, or
    the movement in that one frame where `delta`. `camera` is "2D" or "3D" for what Deforum heeds in that animation mode alone.
    """

    name: str
    rest: float
    low: float
    high: float
    delta: bool
    about: str
    camera: str = ""

    @property
    def still(self) -> float:
        """What Deforum sees of the field while nothing drives it: no movement (1 for zoom, a factor), or `rest`."""
        return self.rest if not self.delta else 1.0 if self.name == "zoom" else 0.0


FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("seed", -1, -1, 2**32 - 1, False, "the seed of the noise a picture starts from; -1 is any"),
        Field("scale", 7, 1, 30, False, "how closely a picture follows its prompt"),
        Field("noise", 0.08, 0, 1, False, "noise laid over the last picture before it is painted again"),
        Field("strength", 0.6, 0, 1, False, "how much of the last picture stays: low paints it anew"),
        Field("contrast", 1, 0.5, 2, False, "factor on the contrast of the last picture"),
        *(
            Field(f"prompt_weight_{n}", float(n == 1), 0, 2, False, f"the weight of prompt {n} where it stands in the prompt")
            for n in range(1, 9)
        ),
        Field("angle", 0, -90, 90, True, "turns the picture in its plane, degrees", "2D"),
        Field("zoom", 1, 0.5, 2, True, "factor by which the picture grows", "2D"),
        Field("perspective_flip_theta", 0, -90, 90, True, "tilts the plane of the picture, degrees", "2D"),
        Field("perspective_flip_phi", 0, -90, 90, True, "pans the plane of the picture, degrees", "2D"),
        Field("perspective_flip_gamma", 0, -90, 90, True, "turns the tilted plane, degrees", "2D"),
        Field("perspective_flip_fv", 50, 1, 160, False, "angle of view of the tilted plane, degrees", "2D"),
        Field("translation_x", 0, -200, 200, True, "moves the camera right"),
        Field("translation_y", 0, -200, 200, True, "moves the camera up"),
        Field("translation_z", 10, -200, 200, True, "moves the camera into the picture", "3D"),
        Field("rotation_3d_x", 0, -90, 90, True, "tilts the camera up, degrees", "3D"),
        Field("rotation_3d_y", 0, -90, 90, True, "pans the camera right, degrees", "3D"),
        Field("rotation_3d_z", 0, -90, 90, True, "rolls the camera, degrees", "3D"),
        Field("fov", 40, 1, 170, False, "angle of view, degrees", "3D"),
        Field("near", 200, 0.1, 10_000, False, "depth of the nearest plane", "3D"),
        Field("far", 10_000, 1, 100_000, False, "depth of the farthest plane", "3D"),
        Field("antiblur_kernel", 5, 0, 31, False, "size of the sharpening kernel, pixels"),
        Field("antiblur_sigma", 1, 0, 10, False, "spread of the sharpening kernel, pixels"),
        Field("antiblur_amount", 0.2, 0, 5, False, "how much the last picture is sharpened"),
        Field("antiblur_threshold", 0, 0, 255, False, "difference of brightness from which on it is sharpened"),
        Field("hybrid_comp_alpha", 1, 0, 1, False, "how much of an input film is mixed in"),
        Field("hybrid_comp_mask_blend_alpha", 0.5, 0, 1, False, "how much of the mask of an input film is mixed in"),
        Field("hybrid_comp_mask_contrast", 1, 0, 10, False, "contrast of that mask"),
        Field("hybrid_comp_mask_auto_contrast_cutoff_low", 0, 0, 100, False, "percent of its darkest pixels set to black"),
        Field("hybrid_comp_mask_auto_contrast_cutoff_high", 100, 0, 100, False, "percent of its pixels up to white"),
    )
}
