"""What can be wrong with a song's film, or with a document that describes one."""


class VideoError(ValueError):
    """A song, film or document that cannot be used.

    `reason` is one snake_case word to count by, `detail` one sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["VideoError"], tuple[str, str]]:
        return type(self), (self.reason, self.detail)
