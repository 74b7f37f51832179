"""Errors that are for people: what was got, where, what was wanted, what to do."""


class InputError(ValueError):
    """Input from a person cannot be used. Scripts print it as one line and exit with 2."""


class NumericalError(ArithmeticError):
    """Numbers left the finite range. Scripts print it as one line and exit with 3."""
