"""Errors that are for people: what was got, where, what was wanted, what to do."""


class InputError(ValueError):
    """Input from a person cannot be used. Scripts print it as one line and exit with 2."""


class NumericalError(ArithmeticError):
    """Numbers left the finite range. Scripts print it as one line and exit with 3."""


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop, and has saved. Scripts exit with 128 + the signal's number."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number
