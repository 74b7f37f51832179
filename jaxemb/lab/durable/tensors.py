"""Arrays by name in one file, with a cursor: the result of a finished run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from jaxemb.errors import InputError, NumericalError
from jaxemb.files import replacing

T = TypeVar("T")


def save(path: Path, tree: Any, cursor: dict[str, Any]) -> None:
    """Write a pytree of arrays and a JSON cursor; the file is replaced whole or not at all.

    Raises:
        NumericalError: an array holds NaN or infinity, which is never written.
        InputError: the disk is full.
    """
    arrays = {}
    for name, leaf in named(jax.device_get(tree)).items():
        array = np.asarray(leaf, order="C")  # a Fortran-ordered one would be written transposed
        refuse_nan(name, array, f"{path} is left as it was")
        arrays[name] = array
    with replacing(path) as unfinished:
        try:
            save_file(arrays, unfinished, metadata={"cursor": json.dumps(cursor)})
        except SafetensorError as error:  # a full disk, which is no OSError there
            raise InputError(f"{path}: cannot be written ({error})") from None


def refuse_nan(name: str, array: Any, consequence: str) -> None:
    """Raise NumericalError, with its consequence, if an array holds NaN or infinity."""
    if jax.numpy.issubdtype(array.dtype, jax.numpy.floating) and not np.isfinite(array).all():
        raise NumericalError(f"{name} holds NaN or infinity: {consequence}")


def cursor(path: Path) -> dict[str, Any]:
    """Read where training stood when the file was written.

    Raises:
        InputError: not a file that `save` wrote.
    """
    try:
        with safe_open(path, "numpy") as file:
            return json.loads(file.metadata()["cursor"])
    except (SafetensorError, KeyError, TypeError, ValueError, OSError) as error:
        raise InputError(f"{path}: not a checkpoint ({error}): delete it to start again") from error


def position(path: Path, kind: Callable[..., T]) -> T:
    """Read the cursor of a file as the type of a training run's own cursor.

    Raises:
        InputError: not a file that `save` wrote, or one with another cursor.
    """
    try:
        return kind(**cursor(path))
    except TypeError as error:
        raise InputError(f"{path}: not from this version ({error}): delete it") from None


def arrays(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of a saved file, by name.

    Raises:
        InputError: not a file that `save` wrote.
    """
    cursor(path)
    with safe_open(path, "numpy") as file:
        return {name: file.get_tensor(name) for name in list(file.keys())}


def restore(path: Path, like: Any) -> Any:
    """Read the saved pytree, with the structure, shapes and types of `like`.

    Raises:
        InputError: an array is missing, or of another shape or type.
    """
    saved, restored = arrays(path), {}
    for name, leaf in named(like).items():
        array = saved.get(name)
        if array is None or (array.shape, array.dtype) != (leaf.shape, leaf.dtype):
            got = "nothing" if array is None else f"{array.dtype} {array.shape}"
            raise InputError(f"{path}: {name}: got {got}, wanted {leaf.dtype} {leaf.shape}")
        restored[name] = array
    return jax.tree.unflatten(jax.tree.structure(like), list(restored.values()))


def named(tree: Any) -> dict[str, Any]:
    """The leaves of a pytree by their places in it: `tables.input`."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}
