"""The type checker of the tests: beartype, which accepts an int for a float (PEP 484).

A function's checks are built at its first call: building all of them took two seconds per process.
"""

import functools

from beartype import BeartypeConf, beartype

_beartype = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function):
    checked = None

    @functools.wraps(function)
    def at_first_call(*args, **kwargs):
        nonlocal checked
        if checked is None:
            checked = _beartype(function)
        return checked(*args, **kwargs)

    return at_first_call
