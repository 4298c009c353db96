"""What is wrong with one expression."""


class ExpressionError(ValueError):
    """An expression that cannot be read or worked out; its text is a clause without a full stop."""
