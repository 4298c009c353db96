"""What a field is in a document that says nothing of it."""

from motet.video.fields import FIELDS

__all__ = ["resting"]

# Fields that Parseq knows and the golden documents do not yet have; Deforum understands them, our mappings leave them alone.
LATER = {
    "noise_multiplier": 1.05,
    "clipskip": 0.0,
    "transform_center_x": 0.5,
    "transform_center_y": 0.5,
    "hybrid_flow_factor": 1.0,
    "cadence_flow_factor": 1.0,
    "redo_flow_factor": 1.0,
    **{f"cn_{n}_weight": 1.0 for n in range(1, 6)},
    **{f"cn_{n}_guidance_start": 0.0 for n in range(1, 6)},
    **{f"cn_{n}_guidance_end": 1.0 for n in range(1, 6)},
    "guided_blendFactorMax": 0.35,
    "guided_blendFactorSlope": 0.25,
    "guided_tweening_frames": 20.0,
    "guided_color_correction_factor": 0.075,
}


def resting(field: str) -> float:
    """The value of a field that no keyframe sets; 0 for one that nobody knows."""
    known = FIELDS.get(field)
    return float(known.rest) if known is not None else LATER.get(field, 0.0)
