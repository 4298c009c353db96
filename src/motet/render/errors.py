"""What can go wrong between a part and its sound."""


class RenderError(ValueError):
    """A part, a mix or an audio file that cannot be used.

    `reason` is one short word for statistics, `detail` one sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["RenderError"], tuple[str, str]]:
        return type(self), (self.reason, self.detail)


class SynthError(RenderError):
    """A synth that this machine cannot play, whatever the part: `missing_synth`, `no_cache`. Only the user can mend it."""


class FontError(RenderError):
    """A SoundFont that is missing, damaged, or lacks what a part asks for."""
