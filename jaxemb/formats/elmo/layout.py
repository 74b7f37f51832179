"""The name and the shape of each array of an ELMo model in its HDF5 file.

Source:
    bilm-tf: `dump_weights` of `bilm/training.py`, and the shapes of `bilm/model.py`.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from jaxemb.errors import InputError
from jaxemb.formats.elmo.options import CHARACTERS, CharOptions, Options

Shape = tuple[int | None, ...]  # as stored; None: any size


class Weights(NamedTuple):
    """The arrays of a biLM, float32, as stored; a kernel is used as `y = x @ kernel + bias`."""

    char_embed: Any  # [261, dim of a character], or None for a token-input model
    convolutions: tuple[Any, ...]  # of (kernel [width, dim, n], bias [n]), as options.filters
    # of (carry_kernel [d, d], carry_bias, transform_kernel, transform_bias [d])
    highways: tuple[Any, ...]
    # (kernel [filters, projection_dim], bias), None if those are equal
    projection: tuple[Any, ...] | None
    lstms: tuple[Any, ...]  # forward and backward, of layers, of (kernel, bias, projection):
    # kernel [2 projection_dim, 4 dim]: rows of the input, then of the state; gates i, j, f, o
    # bias [4 dim], without the 1 that is added to f; projection [dim, projection_dim] or None
    embedding: Any  # [words, projection_dim], or None for a model of characters


class Slot(NamedTuple):
    """The name and the stored shape of one dataset."""

    name: str
    shape: Shape


def in_memory(shape: tuple[Any, ...]) -> tuple[Any, ...]:
    """Drop the leading axis of size 1 that kernels of the CNN have in the file."""
    return shape[1:] if len(shape) == 4 else shape


def build(options: Options, words: int | None, leaf: Callable[[str, Shape], Any]) -> Weights:
    """Return Weights whose leaves are `leaf(name, stored shape)` of each dataset.

    Args:
        options: the sizes of the model.
        words: the number of words of a token-input model; None: any number.
        leaf: a function from a dataset's name and stored shape to a leaf.
    """
    projection, char = options.projection_dim, options.char_cnn

    def cell(at: str) -> tuple[Any, Any, Any]:
        kernel = leaf(f"{at}/W_0", (2 * projection, 4 * options.dim))
        bias = leaf(f"{at}/B", (4 * options.dim,))
        projected = options.dim != projection
        return kernel, bias, leaf(f"{at}/W_P_0", (options.dim, projection)) if projected else None

    lstms = tuple(
        tuple(
            cell(f"RNN_{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell")
            for layer in range(options.n_layers)
        )
        for direction in range(2)
    )
    if char is None:
        return Weights(None, (), (), None, lstms, leaf("embedding", (words, projection)))
    return Weights(*_characters(char, projection, leaf), lstms, None)


def _characters(
    char: CharOptions, projection: int, leaf: Callable[[str, Shape], Any]
) -> tuple[Any, tuple, tuple, tuple | None]:
    """Return the first four fields of Weights."""
    width = sum(n for _, n in char.filters)
    convolutions = tuple(
        (leaf(f"CNN/W_cnn_{i}", (1, wide, char.dim, n)), leaf(f"CNN/b_cnn_{i}", (n,)))
        for i, (wide, n) in enumerate(char.filters)
    )
    shapes = {"carry": (width, width), "transform": (width, width)}
    highways = tuple(
        tuple(
            leaf(f"CNN_high_{i}/{kind}_{part}", shape if kind == "W" else shape[1:])
            for part, shape in shapes.items()
            for kind in "Wb"
        )
        for i in range(char.n_highway)
    )
    reduced = None
    if width != projection:
        kernel = leaf("CNN_proj/W_proj", (width, projection))
        reduced = (kernel, leaf("CNN_proj/b_proj", (projection,)))
    return leaf("char_embed", (CHARACTERS, char.dim)), convolutions, highways, reduced


def shapes(options: Options, words: int | None) -> dict[str, Shape]:
    """Return the stored shape of every dataset of a model, by name."""
    by_name: dict[str, Shape] = {}
    build(options, words, by_name.setdefault)
    return by_name


def flat(options: Options, weights: Weights) -> dict[str, np.ndarray]:
    """Return the arrays in their stored shapes, by the names of their datasets.

    Raises:
        InputError: the arrays do not match the options.
    """
    slots = build(options, None, Slot)
    return {slot.name: _fitting(slot, value) for slot, value in _pairs(slots, weights, "weights")}


def _pairs(slots: Any, values: Any, where: str) -> Iterator[tuple[Slot, Any]]:
    if isinstance(slots, Slot):
        yield slots, values
    elif slots is None:
        if values is not None:
            raise InputError(f"{where} holds an array; wanted None, as the options say")
    elif not isinstance(values, tuple) or len(values) != len(slots):
        held = f"{len(values)}" if isinstance(values, tuple) else type(values).__name__
        raise InputError(f"{where} holds {held}; wanted a tuple of {len(slots)}")
    else:
        names = getattr(slots, "_fields", range(len(slots)))
        for name, slot, value in zip(names, slots, values, strict=True):
            yield from _pairs(slot, value, f"{where}.{name}")


def _fitting(slot: Slot, value: Any) -> np.ndarray:
    array, shape = np.asarray(value), in_memory(slot.shape)
    if array.dtype != np.float32 or not fits(array.shape, shape):
        held = f"{array.dtype} {list(array.shape)}"
        raise InputError(f"{slot.name}: holds {held}; wanted float32 {list(shape)}")
    if not np.isfinite(array).all():
        raise InputError(f"{slot.name}: holds numbers that are not finite")
    return array[None] if len(slot.shape) == 4 else array


def fits(shape: tuple[int, ...], wanted: Shape) -> bool:
    """Whether a shape is the wanted one, where None stands for any size above 0."""
    return len(shape) == len(wanted) and all(
        held == size or (size is None and held > 0)
        for held, size in zip(shape, wanted, strict=True)
    )
