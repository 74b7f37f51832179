"""Errors whose messages say what was got, where, what was wanted and what to do."""

import inspect
import numbers
import os
import warnings
from collections.abc import Callable, Collection
from typing import Any

import lazy_loader

_PACKAGE = os.path.dirname(__file__) + os.sep


def one_line(text: str) -> str:
    """The text with line ends and terminal controls, which files may hold, as escapes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class InputError(ValueError):
    """The input of a user cannot be used. Scripts print the message as one line and exit with 2."""


class FormatError(InputError):
    """A file of vectors cannot be read: where, what was found there, what was expected, a hint."""

    def __init__(self, path: Any, where: str, found: str, expected: str, hint: str = "") -> None:
        wanted = f"; expected {expected}" if expected else ""
        message = f"{path}: {where}: {found}{wanted}{f' ({hint})' if hint else ''}"
        super().__init__(one_line(message))
        self.path: Any = path
        self.where: str = where
        self.found: str = found
        self.expected: str = expected
        self.hint: str = hint


class FormatWarning(UserWarning):
    """A file of vectors was read, but the user should know something about it."""


class NumericalError(ArithmeticError):
    """Numbers left the finite range. Scripts print the message as one line and exit with 3."""


class Interrupted(KeyboardInterrupt):
    """A signal stopped a run, which has saved. Scripts exit with 128 + the signal's number."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


def warn(message: str, kind: type[Warning] = UserWarning) -> None:
    """Warn about the line outside this package that led here."""
    frame, level = inspect.currentframe(), 1
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, kind, stacklevel=level)


def at_least(least: int, **settings: Any) -> None:
    """Raise InputError for a setting that is not a whole number >= least."""
    for name, value in settings.items():
        if not isinstance(value, numbers.Integral) or value < least:
            raise InputError(f"{name} is {value}; it must be at least {least}, a whole number")


def above_zero(**settings: Any) -> None:
    """Raise InputError for a setting that is not finite and > 0."""
    for name, value in settings.items():
        if not _holds(lambda value=value: 0 < value < float("inf")):
            raise InputError(f"{name} is {value}; it must be above 0 and finite")


def not_negative(**settings: Any) -> None:
    """Raise InputError for a setting that is not finite and >= 0."""
    for name, value in settings.items():
        if not _holds(lambda value=value: 0 <= value < float("inf")):
            raise InputError(f"{name} is {value}; it must be 0 or more, and finite")


def _holds(comparison: Any) -> bool:
    """Whether a comparison holds; False if a value cannot be compared with a number."""
    try:
        return bool(comparison())
    except (TypeError, ValueError):
        return False


def an(kind: type, **arguments: Any) -> None:
    """Raise InputError for an argument that is not of this class."""
    for name, value in arguments.items():
        if not isinstance(value, kind):
            raise InputError(f"{name} is {value!r:.60}; wanted {_called(kind)}")


def _called(kind: type) -> str:
    fields = getattr(kind, "_fields", ())
    return f"{kind.__name__}({', '.join(fields)})" if fields else kind.__name__


def each_a_word(what: str, words: Any) -> None:
    """Raise InputError unless `words` is a collection of strings; `what` names it."""
    if isinstance(words, str | bytes) or not isinstance(words, Collection):
        raise InputError(f"{what} is {words!r:.60}; wanted several words, as a list or a set")
    for word in words:
        if not isinstance(word, str):
            raise InputError(f"{what} holds {word!r:.60}, of {type(word).__name__}; wanted str")


def seeds(**settings: Any) -> None:
    """Raise InputError for a seed that is not a whole number of 32 bits: JAX drops further bits."""
    at_least(0, **settings)
    for name, value in settings.items():
        if value >= 1 << 32:
            raise InputError(f"{name} is {value}; it must be below 2^32")


def called_with(*arguments: str, **functions: Any) -> None:
    """Raise InputError for a function that cannot be called with these arguments, in this order.

    Args:
        arguments: names of the arguments in the message.
        functions: the functions, by the names of their settings; None is skipped.
    """
    for name, function in functions.items():
        if function is None:
            continue
        wanted = f"wanted a function that is called {name}({', '.join(arguments)})"
        if not callable(function):
            raise InputError(f"{name} is {function!r}; {wanted}")
        try:
            taken = inspect.signature(function)
        except (TypeError, ValueError):  # a compiled function has no signature
            continue
        try:
            taken.bind(*arguments)
        except TypeError:
            whose = getattr(function, "__qualname__", repr(function))
            raise InputError(f"{name} is {whose}, which takes {taken}; {wanted}") from None


def no_number(report: Any, other: Any) -> Any:
    """Return a NamedTuple or dataclass that is compared with `other`.

    Raises:
        InputError: `other` is a number or an array, which the report would never equal.
    """
    if isinstance(other, numbers.Number) or hasattr(other, "__array__"):
        names = getattr(report, "_fields", None) or report.__dataclass_fields__
        fields = ", ".join(f".{name}" for name in names)
        kind = type(report).__name__
        raise InputError(f"a {kind} is compared with {other!r:.60}: compare one of its: {fields}")
    return report


def door(room: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a room, from the stub beside its `__init__.py`.

    A name that the room does not have is an AttributeError with the names that are spelled like it.
    """
    named, listed, public = lazy_loader.attach_stub(room, file)

    def __getattr__(name: str) -> Any:
        if name in public or name.startswith("_"):
            return named(name)
        import difflib  # 3 ms that only an error costs

        near = difflib.get_close_matches(name, public, n=3)
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        raise AttributeError(f"{room} has no {name}{hint}")

    return __getattr__, listed, public
