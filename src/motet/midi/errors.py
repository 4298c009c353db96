"""The one error of this room."""


class Unreadable(Exception):
    """MIDI data that cannot be used: `reason` is a word to count by, `detail` a sentence for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return self.detail
