"""The one error a user sees without a traceback."""


class UserError(Exception):
    """A mistake or an obstacle of the user's world: one sentence that names the fix.

    `exit_code` is 2 for bad usage, 1 for a run that could not finish.
    """

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
