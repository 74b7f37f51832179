"""What a user gives as the learner of a fit."""

import functools
import inspect
from typing import Any

from jaxemb.errors import InputError, called_with
from jaxemb.structs import Learner, Objective


def learner(make: Any, objective: Objective, cap: float | None = None) -> Learner:
    """The learner of an objective.

    Args:
        make: a function from the objective to the learner, as `row_sparse` is and
            `functools.partial(dense, optimizer=...)`; or a learner.
        cap: handed to the function, if there is one.

    Raises:
        InputError: neither of them; a learner that was built for another objective; a cap beside a
            learner, or for a function that takes none.
    """
    if isinstance(make, Learner):
        if cap is not None:
            raise InputError(
                "cap belongs to the default learner; with a learner of your own, give it there: "
                "learner=functools.partial(learners.row_sparse, cap=...)"
            )
        if make.objective is not None:
            _same(make.objective, objective)
        return make
    if not callable(make):
        raise InputError(f"learner is {make!r:.60}; {_WANTED}")
    called_with("objective", learner=make)
    settings = {} if cap is None else {"cap": cap}
    if settings and "cap" not in inspect.signature(make).parameters:
        raise InputError(f"cap is {cap}, but {_named(make)} has no cap")
    made = make(objective, **settings)
    if not isinstance(made, Learner):
        raise InputError(f"learner is {_named(make)}, which gave {made!r:.60}; {_WANTED}")
    return made


_WANTED = (
    "wanted a function of the objective, such as learner=learners.row_sparse or "
    "learner=functools.partial(learners.dense, optimizer=optax.scale_by_adam())"
)


def _same(of: Objective, objective: Objective) -> None:
    """Raise InputError where a learner would train another loss than the objective's."""
    for name in ("loss", "pool"):
        theirs, ours = getattr(of, name), getattr(objective, name)
        if _parts(theirs) != _parts(ours):
            raise InputError(
                f"learner was built for another objective, whose {name} is {_named(theirs)}; here "
                f"it is {_named(ours)}: {_WANTED}"
            )


def _parts(function: Any) -> Any:
    """What is equal for functions that do the same: partial ones are equal only to themselves."""
    if isinstance(function, functools.partial):
        return function.func, function.args, function.keywords
    return function


def _named(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__qualname__", repr(function))
