"""What can be wrong with a recording."""


class Unusable(ValueError):
    """A recording, or a part of one, that cannot be used.

    `reason` is one snake_case word to count by, `detail` one sentence for a person.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["Unusable"], tuple[str, str]]:
        return type(self), (self.reason, self.detail)
