"""A learner whose step is one pass of native code on the CPU: `learners.row_sparse`, but faster.

Its code, native_step.cpp, is compiled once, by `python scripts/build_native.py` and a C++ compiler.
Nothing else needs it.
"""

import ctypes
import functools
import hashlib
import importlib.metadata
import platform
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs

from jaxemb.errors import InputError
from jaxemb.functional import losses, pooling
from jaxemb.functional.finite import refused
from jaxemb.static import objectives
from jaxemb.structs import Bag, Block, InOut, Learner, LearnerState, Objective
from jaxemb.training import learners

SOURCE = Path(__file__).with_suffix(".cpp")
_NAME = "jaxemb_step"  # in XLA's table of foreign functions


def library() -> Path:
    """Where the compiled step lies: a file for each code, jaxlib and kind of machine."""
    made_of = SOURCE.read_text("utf-8"), importlib.metadata.version("jaxlib"), platform.machine()
    digest = hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:16]
    return platformdirs.user_cache_path("jaxemb") / "native" / f"step-{digest}.so"


def row_sparse(objective: Objective, *, cap: float | None = None) -> Learner:
    """`learners.row_sparse` with SGD, of which it differs by rounding alone; its state is the same.

    Frozen rows, meshes, and words that are read as several rows are left to that learner.

    Args:
        objective: skip-gram or CBOW, with the logistic loss and a mean of `functional.pooling`.
        cap: see `learners.row_sparse`.

    Raises:
        InputError: another loss or pooling; the step is not compiled; JAX is on an accelerator.
    """
    plain = learners.row_sparse(objective, cap=cap)
    if objective.loss is not losses.logistic:
        raise InputError(
            f"objective has the loss {objective.loss!r:.60}; the native step knows the logistic "
            "loss: take learners.row_sparse, which takes any"
        )
    if not _is_linear(objective.pool):
        raise InputError(
            f"objective pools rows by {objective.pool!r:.80}; the native step knows centers as "
            "they are and the means of functional.pooling: take learners.row_sparse, which takes "
            "any"
        )
    _register(library())

    def step(state: LearnerState, blocks: Block, learning_rate, trainable=None) -> LearnerState:
        if trainable is not None or any(isinstance(ids, Bag) for ids in blocks.ids):
            return plain.step(state, blocks, learning_rate, trainable)
        target = jnp.broadcast_to(blocks.target, (len(blocks.weight), blocks.weight.shape[-1]))
        pools = jax.vmap(functools.partial(_pooling, objective))(blocks)
        rate = jnp.asarray(learning_rate, jnp.float32)
        changed = (*state.tables, *(side.scratch for side in state.optimizer))
        call = jax.ffi.ffi_call(
            _NAME,
            [*map(_like, changed), jax.ShapeDtypeStruct((), jnp.bool_)],
            vmap_method="sequential",
            input_output_aliases={i: i for i in range(len(changed))},
        )
        *whole, first, second, finite = call(
            *(*changed, *blocks.ids, target, blocks.weight, *pools, rate),
            cap=np.float32(np.inf if cap is None else cap),
            own=np.int64(objective.reads.own),
        )
        slots = InOut(
            state.optimizer.input._replace(scratch=first),
            state.optimizer.output._replace(scratch=second),
        )
        return LearnerState(InOut(*whole), slots, refused(state, finite))

    return Learner(plain.init, step, plain.over, objective)


SUMMED = (learners.row_sparse, row_sparse)  # the learners that add what a step sums, by SGD


@functools.cache
def _register(path: Path) -> None:
    """Make the compiled step known to XLA.

    Raises:
        InputError: it is not there, or would not be called.
    """
    if jax.default_backend() != "cpu":
        raise InputError(
            f"the native step runs on a CPU, and JAX runs on {jax.default_backend()}: take "
            "learners.row_sparse"
        )
    if not path.exists():
        raise InputError(
            f"{path} is not there: run python scripts/build_native.py, which needs a C++ compiler, "
            "or take learners.row_sparse, which needs none"
        )
    handler = jax.ffi.pycapsule(ctypes.cdll.LoadLibrary(str(path)).Step)
    jax.ffi.register_ffi_target(_NAME, handler, platform="cpu")


def _like(array: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


def _is_linear(pool: Any) -> bool:
    """Whether hidden vectors are known to be a matrix times the rows of a block."""
    if isinstance(pool, functools.partial) and pool.func is objectives.window_mean:
        return pool.keywords.get("mean") in (pooling.mean, pooling.mean_word2vec)
    return pool is objectives.centers_as_they_are


def _pooling(objective: Objective, block: Block) -> tuple[Any, Any]:
    """The matrices [hidden, inputs] of a block's pooling, and of its derivative."""
    rows = jnp.eye(block.ids.input.shape[0], dtype=jnp.float32)
    return jax.jvp(lambda rows: objective.pool(rows, block), (rows,), (rows,))
