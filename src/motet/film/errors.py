"""What can be wrong with a film, a recording or a list of songs."""


class FilmError(ValueError):
    """A film, recording, score or list that cannot be used.

    `reason` is one snake_case word to count by, `detail` one sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["FilmError"], tuple[str, str]]:
        return type(self), (self.reason, self.detail)
