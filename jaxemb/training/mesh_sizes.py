"""Mesh sizes from a config, parsed and checked without asking JAX for devices."""

from typing import Any

from jaxemb.errors import InputError

AXES = ("data", "model")
PARTS = 64  # of every table in a checkpoint: a device holds some whole parts
PIECES = 8  # of every batch, where results are bit-identical on any number of devices


def sizes(text: str) -> dict[str, int]:
    """Parse the sizes of both axes, from "data=4,model=2"; an axis that is not named has size 1.

    Raises:
        InputError: an unknown axis, an axis named twice, or a size that is no positive integer.
    """
    axes: dict[str, int] = {}
    for part in text.split(","):
        name, _, size = (field.strip() for field in part.partition("="))
        if name not in AXES or name in axes or not (size.isdecimal() and int(size)):
            raise InputError(
                f"mesh is {text!r}, in which {part.strip()!r} is no axis: wanted data and model, "
                "each once, with numbers of devices, such as data=4,model=2"
            )
        axes[name] = int(size)
    return {"data": 1, "model": 1, **axes}


def check(config: Any) -> None:
    """Raise InputError if static vectors cannot be trained on the configured mesh."""
    if config.mesh is None and not config.exact_elastic:
        return
    mesh, by_dim = sizes(config.mesh or "data=1"), config.cut == "dim"
    if config.members:
        raise InputError("a mesh and exact_elastic are for one model: take the members out")
    if config.exact_elastic and by_dim:
        raise InputError(
            "exact_elastic wants cut='rows': with cut='dim' the order in which the parts of a "
            "vector are summed depends on the mesh"
        )
    if by_dim and config.dim % mesh["model"]:
        raise InputError(
            f"dim is {config.dim}; cut='dim' wants a multiple of model in {config.mesh}"
        )
    if not by_dim and PARTS % mesh["model"]:
        raise InputError(
            f"mesh is {config.mesh}: cut='rows' wants a model that divides {PARTS}, such as 2 or 4"
        )
    shards = _shards(config)
    if config.exact_elastic and PIECES % shards:
        raise InputError(f"mesh is {config.mesh}; exact_elastic wants 1, 2, 4 or {PIECES} devices")
    if config.batch % pieces(config):
        raise InputError(
            f"batch is {config.batch} blocks, to be divided by {pieces(config)}: wanted a multiple "
            "of it"
        )


def pieces(config: Any) -> int:
    """The number of which the batch must be a multiple, so that the mesh can divide it."""
    return PIECES if config.exact_elastic else _shards(config)


def _shards(config: Any) -> int:
    mesh = sizes(config.mesh or "data=1")
    return mesh["data"] * (1 if config.cut == "dim" else mesh["model"])


def check_data(mesh: str | None, batch: int) -> None:
    """Raise InputError if a language model cannot be trained on a mesh.

    Args:
        mesh: sizes such as "data=4"; None is one device.
        batch: the number of streams.
    """
    if mesh is None:
        return
    axes = sizes(mesh)
    if axes["model"] > 1:
        raise InputError(f"mesh is {mesh}; a language model is not sharded: wanted data alone")
    if batch % axes["data"]:
        raise InputError(f"batch is {batch} streams; wanted a multiple of data in {mesh}")
